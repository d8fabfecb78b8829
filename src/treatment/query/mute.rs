//! Short names of parameters, and what becomes of their values.

use crate::{
    detect::Detector,
    treatment::{
        names::{Role, lookup_unescaped},
        parameter::name_stands,
    },
};

/// Short names that stay, as they were met, with what the rule for every site says of their values: sites have few. It only
/// saves work. One a worker.
pub struct Mute {
    /// A name of up to [`LONGEST`] bytes from the lowest byte on, its length in the highest four bits, a [`Says`] in the four
    /// below. 0: empty, for no name has a length of 0.
    names: [u128; 1 << BITS],
}

/// What becomes of a value by its name, where no policy lists the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// The name stays, the value goes.
    Drop,
    /// The value stays if it has up to 6 digits and nothing else.
    Number,
    /// The value stays if it is a language tag.
    Language,
    /// The value stays if it has up to 16 letters and nothing else.
    Letters,
    /// Name and value go.
    Click,
    /// The value tells a device and is pseudonymised.
    Device,
    /// The value tells a session and is pseudonymised.
    Session,
    /// The name does not stay as it is.
    More,
}

/// Longer names are judged each time.
pub(super) const LONGEST: usize = 15;

const BITS: u32 = 8;
/// Where a place holds what the name says.
const SAYS: u128 = 15 << 120;

impl Default for Mute {
    fn default() -> Mute {
        Mute { names: [0; 1 << BITS] }
    }
}

impl std::fmt::Debug for Mute {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mute(..)")
    }
}

impl Mute {
    /// What is to become of the value behind a name of `length` bytes, 1 to [`LONGEST`], with which `word` begins.
    #[inline]
    pub(super) fn says(&mut self, word: u128, length: usize, detector: &mut Detector) -> Says {
        debug_assert!((1..=LONGEST).contains(&length));
        let name = word & !(u128::MAX << (8 * length));
        let mixed = (name as u64 ^ (name >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let place = &mut self.names[(mixed >> (64 - BITS)) as usize];
        // With its length, or `a` would be taken for `a` and a zero byte behind it.
        let named = name | (length as u128) << 124;
        if (*place ^ named) & !SAYS == 0 {
            return Says::of_number((*place >> 120) as u8 & 15);
        }
        let says = judge(&name.to_le_bytes()[..length], detector);
        if says != Says::More {
            *place = named | u128::from(says as u8) << 120;
        }
        says
    }
}

impl Says {
    #[inline]
    fn of_number(number: u8) -> Says {
        use Says::{Click, Device, Drop, Language, Letters, More, Number, Session};
        const ALL: [Says; 7] = [Drop, Number, Language, Letters, Click, Device, Session];
        ALL.get(usize::from(number)).copied().unwrap_or(More)
    }

    /// Which values of a parameter the rule for every site lets stand.
    pub(super) fn of_harmless(name: &[u8]) -> Says {
        match name {
            b"page" | b"p" | b"limit" | b"offset" => Says::Number,
            b"lang" | b"hl" => Says::Language,
            b"sort" | b"order" | b"utm_source" | b"utm_medium" => Says::Letters,
            _ => Says::Drop,
        }
    }
}

/// The same of a name that is met for the first time.
#[inline(never)]
fn judge(name: &[u8], detector: &mut Detector) -> Says {
    if !name[0].is_ascii_alphabetic() || !name_stands(name, LONGEST, detector) {
        return Says::More;
    }
    match lookup_unescaped(name) {
        Some(Role::Device) => Says::Device,
        Some(Role::Session) => Says::Session,
        Some(Role::Click) => Says::Click,
        Some(Role::Secret | Role::User) => Says::Drop,
        None => Says::of_harmless(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_remembered_says_what_it_said_at_first() {
        let (mut mute, mut detector) = (Mute::default(), Detector::default());
        for round in 0..2 {
            for (name, says) in [
                ("q", Says::Drop),
                ("page", Says::Number),
                ("hl", Says::Language),
                ("utm_source", Says::Letters),
                ("gclid", Says::Click),
                ("did", Says::Device),
                ("sid", Says::Session),
                ("email", Says::Drop),
                ("token", Says::Drop),
                ("abcdefghijklmno", Says::Drop),
                ("a1", Says::Drop),
                ("a-b", Says::Drop),
                ("_a", Says::More),
                ("a203.0.113.9", Says::More),
                ("%61", Says::More),
                ("a", Says::Drop),
                ("a\0", Says::More),
                ("\0", Says::More),
                ("\0\0\0", Says::More),
                ("a\0b", Says::More),
            ] {
                for behind in ["=", "=value&and=more", "=1234567890123456"] {
                    let mut bytes = [0; 16];
                    for (byte, &from) in bytes.iter_mut().zip(format!("{name}{behind}").as_bytes()) {
                        *byte = from;
                    }
                    assert_eq!(
                        mute.says(u128::from_le_bytes(bytes), name.len(), &mut detector),
                        says,
                        "{name} {round}"
                    );
                }
            }
        }
        assert_eq!(format!("{mute:?}"), "Mute(..)");
    }

    #[test]
    fn every_verdict_is_read_as_it_was_written() {
        use Says::{Click, Device, Drop, Language, Letters, More, Number, Session};
        for says in [Drop, Number, Language, Letters, Click, Device, Session, More] {
            assert_eq!(Says::of_number(says as u8), says);
        }
    }
}
