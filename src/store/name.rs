//! Names of files of a store.

use crate::{retention::parse_label, time::Date};
use std::fmt;

/// What is kept in one file: records of one tenant, class and day, made under one policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Shelf {
    /// Whose, and of which class: [`crate::retention::label`].
    pub label: Box<str>,
    pub day: Date,
    /// The first 16 digits of the policy's digest.
    pub policy: Box<str>,
}

impl fmt::Display for Shelf {
    /// `security_log.2026-11-21.0123456789abcdef.log`, a tenant's `nord-butikk~security_log.…`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}.log", self.label, self.day, self.policy)
    }
}

impl Shelf {
    pub(super) fn parse(name: &str) -> Option<Shelf> {
        let mut parts = name.strip_suffix(".log")?.split('.');
        let (label, day, policy) = (parts.next()?, parts.next()?, parts.next()?);
        let fits = parse_label(label).is_some() && is_policy(policy) && parts.next().is_none();
        let day = Date::parse(day.as_bytes()).filter(|_| fits)?;
        Some(Shelf { label: label.into(), day, policy: policy.into() })
    }

    /// `0007.security_log.2026-11-21.0123456789abcdef.log`
    pub(super) fn numbered(&self, number: u64) -> String {
        format!("{number:04}.{self}")
    }

    pub(super) fn parse_numbered(name: &str) -> Option<(u64, Shelf)> {
        let (number, rest) = name.split_once('.')?;
        Some((parse_number(number)?, Shelf::parse(rest)?))
    }
}

/// A segment's number as its file is called.
pub(super) fn number(number: u64) -> String {
    format!("{number:04}")
}

/// The number that is written exactly so.
pub(super) fn parse_number(text: &str) -> Option<u64> {
    let found = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    (number(found) == text).then_some(found)
}

/// The short form of a policy's digest.
pub(super) fn policy(digest: &str) -> &str {
    digest.get(..16).unwrap_or(digest)
}

/// What messages and the audit log call a segment.
pub(super) fn segment(label: &str, day: Date, of: u64) -> String {
    format!("{label}/{day}/{}", number(of))
}

fn is_policy(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written_and_no_others() {
        let shelf =
            Shelf { label: "a_1".into(), day: Date::new(2026, 2, 28).unwrap(), policy: "0123456789abcdef".into() };
        assert_eq!(shelf.to_string(), "a_1.2026-02-28.0123456789abcdef.log");
        assert_eq!(Shelf::parse(&shelf.to_string()), Some(shelf.clone()));
        assert_eq!(Shelf::parse_numbered(&shelf.numbered(7)), Some((7, shelf.clone())));
        assert_eq!(Shelf::parse_numbered(&shelf.numbered(123_456)), Some((123_456, shelf.clone())));
        for name in [
            "",
            "a.log",
            "a.2026-02-30.0123456789abcdef.log",
            "A.2026-02-28.0123456789abcdef.log",
            "a.2026-02-28.0123456789abcdeg.log",
            "a.2026-02-28.0123456789abcdef.log.1",
            "a.b.2026-02-28.0123456789abcdef.log",
            "~a.2026-02-28.0123456789abcdef.log",
            "a~.2026-02-28.0123456789abcdef.log",
            "a~b~c.2026-02-28.0123456789abcdef.log",
            "A~b.2026-02-28.0123456789abcdef.log",
        ] {
            assert!(Shelf::parse(name).is_none() && Shelf::parse_numbered(name).is_none(), "{name}");
        }
        let theirs = Shelf { label: "nord-butikk~a_1".into(), ..shelf };
        assert_eq!(theirs.to_string(), "nord-butikk~a_1.2026-02-28.0123456789abcdef.log");
        assert_eq!(Shelf::parse(&theirs.to_string()), Some(theirs));
        for text in ["", "7", "00007", "+007", "x"] {
            assert_eq!(parse_number(text), None, "{text}");
        }
        assert_eq!((parse_number("0007"), parse_number("12345")), (Some(7), Some(12_345)));
    }
}
