//! One `name=value`: what queries and cookies have in common.

use super::{
    Aid, Outcome,
    names::{self, Role},
    pseudonym::Pseudonym,
    truncate::Truncate,
};
use crate::detect::{Detector, Kinds, Place, What};

/// What a policy says of named parameters.
#[derive(Clone, Debug)]
pub(super) struct Lists {
    keep: Box<[Box<[u8]>]>,
    pseudonym: Box<[Box<[u8]>]>,
    /// A bit for each length of the names above, the highest for 63 and more.
    lengths: u64,
    device: Pseudonym,
    session: Pseudonym,
}

/// What becomes of a value by its name alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// The policy lets it stand if it is harmless.
    Keep,
    /// It is pseudonymised with this key.
    Pseudonym(Pseudonym),
}

impl Lists {
    pub(super) fn new(keep: Vec<Box<[u8]>>, pseudonym: Vec<Box<[u8]>>, device: Pseudonym, session: Pseudonym) -> Lists {
        let lengths = keep.iter().chain(&pseudonym).fold(0, |all, name| all | 1 << name.len().min(63));
        Lists { lengths, keep: keep.into(), pseudonym: pseudonym.into(), device, session }
    }

    /// Whether the policy could say anything of a name with so many bytes.
    #[inline]
    pub(super) fn may_name(&self, length: usize) -> bool {
        self.lengths >> length.min(63) & 1 == 1
    }

    /// What the policy says of a name. Secrets are never kept, whatever it says.
    #[inline]
    pub(super) fn named(&self, name: &[u8], role: Option<Role>) -> Option<Named> {
        if !self.may_name(name.len()) {
            return None;
        }
        let among = |list: &[Box<[u8]>]| list.iter().any(|listed| listed.eq_ignore_ascii_case(name));
        if among(&self.pseudonym) {
            return Some(Named::Pseudonym(self.key(role)));
        }
        (among(&self.keep) && role != Some(Role::Secret)).then_some(Named::Keep)
    }

    /// The key of a value's pseudonyms: sessions have their own.
    #[inline]
    pub(super) fn key(&self, role: Option<Role>) -> Pseudonym {
        if role == Some(Role::Session) { self.session } else { self.device }
    }
}

/// Whether a name may stand: it begins as the caller says, goes on with `[A-Za-z0-9_.\[\]-]`, is at most `longest` bytes
/// long, and no detector fires on it.
#[inline]
pub(super) fn name_stands(name: &[u8], longest: usize, detector: &mut Detector) -> bool {
    if name.is_empty() || name.len() > longest {
        return false;
    }
    let (mut telling, mut last) = (name.len() > 13, 0);
    for &byte in name {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'.' | b'[' | b']' => {}
            b'-' => telling |= last == b'-',
            b'0'..=b'9' => telling = true,
            _ => return false,
        }
        last = byte;
    }
    // Of what detectors know and that has neither digit, colon nor at-sign, a hardware address (`aabb.ccdd.eeff`) is the
    // shortest, but for the IPv6 addresses in names of hosts (`fd--a`).
    !telling || !detector.any(name, Kinds::ALL, Place::Text)
}

/// Appends the pseudonym of a value, if the selected epoch has a secret.
pub(super) fn write_pseudonym(key: Pseudonym, value: &[u8], aid: &mut Aid, made: &mut Vec<u8>) {
    match key.treat(value, aid, made) {
        Outcome::Dropped | Outcome::Made => {}
        Outcome::Kept => made.extend_from_slice(value),
        Outcome::Part(from, to) => made.extend_from_slice(&value[from as usize..to as usize]),
    }
}

/// Appends a value that the policy keeps by its name, if it is short and plain and no detector fires on it. With a
/// network to cut them by, addresses are cut; anything else that is found withholds the value.
pub(super) fn write_kept(value: &[u8], network: Option<&Truncate>, detector: &mut Detector, made: &mut Vec<u8>) {
    if value.len() > LONGEST_KEPT || !is_plain(value) {
        return;
    }
    let findings = detector.find(value, Kinds::ALL, Place::Text);
    let address = |what: What| match what {
        What::Address(address) => Some(address),
        What::HostName
        | What::Email
        | What::Jwt
        | What::Uuid
        | What::Mac
        | What::Imei
        | What::Token
        | What::Phone
        | What::Card
        | What::Iban
        | What::NationalId
        | What::User
        | What::Value
        | What::Own(_) => None,
    };
    if findings.iter().any(|finding| network.is_none() || address(finding.what).is_none()) {
        return;
    }
    let mut copied = 0;
    for finding in findings {
        made.extend_from_slice(&value[copied..finding.span.start as usize]);
        if let (Some(network), Some(address)) = (network, address(finding.what)) {
            network.write(address, made);
        }
        copied = finding.span.end as usize;
    }
    made.extend_from_slice(&value[copied..]);
}

/// Letters, digits, `._~,:+-` and percent-encoded printable ASCII.
fn is_plain(value: &[u8]) -> bool {
    let mut at = 0;
    while at < value.len() {
        at += match value[at] {
            byte if byte.is_ascii_alphanumeric() => 1,
            b'.' | b'_' | b'~' | b',' | b':' | b'+' | b'-' => 1,
            b'%' => match names::escaped(&value[at..]) {
                Some((b' '..=b'~', 3)) => 3,
                _ => return false,
            },
            _ => return false,
        };
    }
    true
}

const LONGEST_KEPT: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_detector_fires_on_a_short_name_without_digits_and_double_dashes(name in r"([a-f.-]{1,13}|[A-Za-z_.\[\]-]{1,13})") {
            let found = Detector::default().any(name.as_bytes(), Kinds::ALL, Place::Text);
            prop_assert!(!found || name.contains("--"));
        }
    }
}
