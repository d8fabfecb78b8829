//! Names of files of a store.

use crate::{retention::parse_label, time::Date};
use std::fmt;

/// What is kept in one file: records of one tenant, class and day, made under one policy, sealed with a key of its own or plain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Shelf {
    /// Whose, and of which class: [`crate::retention::label`].
    pub label: Box<str>,
    pub day: Date,
    /// The first 16 digits of the policy's digest.
    pub policy: Box<str>,
    /// What the key is called that it is sealed with; none: it is not.
    pub key: Option<Box<str>>,
}

impl fmt::Display for Shelf {
    /// `security_log.2026-11-21.0123456789abcdef.log`, a tenant's `nord-butikk~security_log.…`, a sealed one's
    /// `….0123456789abcdef.76543210fedcba98.log`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}.", self.label, self.day, self.policy)?;
        match &self.key {
            Some(key) => write!(f, "{key}.log"),
            None => f.write_str("log"),
        }
    }
}

impl Shelf {
    pub(super) fn parse(name: &str) -> Option<Shelf> {
        let mut parts = name.strip_suffix(".log")?.split('.');
        let (label, day, policy) = (parts.next()?, parts.next()?, parts.next()?);
        let key = parts.next();
        let fits = parse_label(label).is_some() && is_digits(policy) && key.is_none_or(is_digits);
        let day = Date::parse(day.as_bytes()).filter(|_| fits && parts.next().is_none())?;
        Some(Shelf { label: label.into(), day, policy: policy.into(), key: key.map(Into::into) })
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

/// What the lines of a segment are called: `0007.zst`, or sealed with a key `0007.76543210fedcba98.sealed`.
pub(super) fn packed(of: u64, key: Option<&str>) -> String {
    match key {
        Some(key) => format!("{}.{key}.sealed", number(of)),
        None => format!("{}.zst", number(of)),
    }
}

/// The number of a segment's lines, and what the key is called that they are sealed with.
pub(super) fn parse_packed(name: &str) -> Option<(u64, Option<&str>)> {
    if let Some(of) = name.strip_suffix(".zst") {
        return Some((parse_number(of)?, None));
    }
    let (of, key) = name.strip_suffix(".sealed")?.split_once('.')?;
    Some((parse_number(of)?, Some(key).filter(|key| is_digits(key))?)).map(|(of, key)| (of, Some(key)))
}

/// Whether it is 16 hexadecimal digits, as the short forms of policies and the names of keys are.
pub(super) fn is_digits(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written_and_no_others() {
        let shelf = Shelf {
            label: "a_1".into(),
            day: Date::new(2026, 2, 28).unwrap(),
            policy: "0123456789abcdef".into(),
            key: None,
        };
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
            "a.2026-02-28.0123456789abcdef.0123456789abcde.log",
            "a.2026-02-28.0123456789abcdef.0123456789abcdeF.log",
            "a.2026-02-28.0123456789abcdef.0123456789abcdef.0123456789abcdef.log",
            "a.2026-02-28.0123456789abcdef..log",
            "~a.2026-02-28.0123456789abcdef.log",
            "a~.2026-02-28.0123456789abcdef.log",
            "a~b~c.2026-02-28.0123456789abcdef.log",
            "A~b.2026-02-28.0123456789abcdef.log",
        ] {
            assert!(Shelf::parse(name).is_none() && Shelf::parse_numbered(name).is_none(), "{name}");
        }
        let theirs = Shelf { label: "nord-butikk~a_1".into(), ..shelf };
        assert_eq!(theirs.to_string(), "nord-butikk~a_1.2026-02-28.0123456789abcdef.log");
        assert_eq!(Shelf::parse(&theirs.to_string()), Some(theirs.clone()));
        let sealed = Shelf { key: Some("76543210fedcba98".into()), ..theirs };
        assert_eq!(sealed.numbered(12), "0012.nord-butikk~a_1.2026-02-28.0123456789abcdef.76543210fedcba98.log");
        assert_eq!(Shelf::parse_numbered(&sealed.numbered(12)), Some((12, sealed)));
        for key in [None, Some("76543210fedcba98")] {
            assert_eq!(parse_packed(&packed(7, key)), Some((7, key)));
        }
        for name in ["7.zst", "0007.sealed", "0007.76543210fedcba9.sealed", "0007.76543210fedcba98.zst", "0007..sealed"]
        {
            assert_eq!(parse_packed(name), None, "{name}");
        }
        for text in ["", "7", "00007", "+007", "x"] {
            assert_eq!(parse_number(text), None, "{text}");
        }
        assert_eq!((parse_number("0007"), parse_number("12345")), (Some(7), Some(12_345)));
    }
}
