//! A member's key that no format knows: it stays if it looks like a name, else `_` stands for it.

use super::{Aid, Outcome, parameter::name_stands};

/// Keeps names: `[A-Za-z][A-Za-z0-9_.\[\]-]{0,31}` on which no detector fires.
#[derive(Clone, Copy, Debug)]
pub struct Name;

impl Name {
    /// Lets `value` stand if it is a name; writes `_` otherwise. A key is never withheld by itself: its member's value decides.
    #[inline]
    pub fn treat(self, value: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
        let begins = value.first().is_some_and(u8::is_ascii_alphabetic);
        if value == b"_" || (begins && name_stands(value, 32, &mut aid.detector)) {
            return Outcome::Kept;
        }
        made.push(b'_');
        Outcome::Made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn treated(value: &str) -> String {
        let mut made = Vec::new();
        match Name.treat(value.as_bytes(), &mut Aid::default(), &mut made) {
            Outcome::Kept => value.to_owned(),
            _ => String::from_utf8(made).unwrap(),
        }
    }

    #[test]
    fn a_plain_name_stands() {
        for name in ["tenant", "http.request.id", "user[x]", "X-Custom-Header", "_"] {
            assert_eq!(treated(name), name);
        }
    }

    #[test]
    fn what_could_identify_somebody_does_not() {
        for name in ["ola@example.org", "203.0.113.77", "ola nordmann", "", "a\\u0040b", "9lives", &"x".repeat(33)] {
            assert_eq!(treated(name), "_", "{name}");
        }
    }
}
