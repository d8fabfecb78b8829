//! What a file of the quarantine is called: `2026-11-22T134500Z-1f2e3d4c-42.age`.

use crate::{
    error::Error,
    key::random,
    time::{DAY, Date, Timestamp},
};
use std::{fmt, str::FromStr};

/// Who wrote a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WriterId(u32);

impl WriterId {
    /// One that nobody has.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn new() -> Result<WriterId, Error> {
        let mut bytes = [0; 4];
        random(&mut bytes)?;
        Ok(WriterId(u32::from_be_bytes(bytes)))
    }

    /// The one that follows from a digest.
    pub fn of(digest: &[u8; 32]) -> WriterId {
        WriterId(u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]))
    }
}

/// A file's name. Names sort by time, writer and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// When its first line came.
    pub began: Timestamp,
    /// Who wrote it.
    pub writer: WriterId,
    /// How far that one was.
    pub number: u64,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Name { began, writer: WriterId(writer), number } = self;
        let seconds = began.0.rem_euclid(DAY);
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        write!(f, "{}T{hour:02}{minute:02}{second:02}Z-{writer:08x}-{number}.age", began.date())
    }
}

impl FromStr for Name {
    type Err = ();

    /// In the one way in which it is written.
    fn from_str(text: &str) -> Result<Name, ()> {
        let parse = || {
            let (day, rest) = text.strip_suffix(".age")?.split_once('T')?;
            let (time, rest) = rest.split_once("Z-")?;
            let (writer, number) = rest.split_once('-')?;
            let part = |at: usize| time.get(at..at + 2)?.parse::<i64>().ok();
            let began = Date::parse(day.as_bytes())?.start().0 + part(0)? * 3_600 + part(2)? * 60 + part(4)?;
            let writer = WriterId(u32::from_str_radix(writer, 16).ok()?);
            Some(Name { began: Timestamp(began), writer, number: number.parse().ok()? })
        };
        parse().filter(|name| name.to_string() == text).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written_and_in_no_other_way() {
        let name = Name { began: Timestamp(1_795_355_105), writer: WriterId(0x1f2e_3d4c), number: 42 };
        assert_eq!(name.to_string(), "2026-11-22T134505Z-1f2e3d4c-42.age");
        assert_eq!(name.to_string().parse(), Ok(name));
        for wrong in [
            "2026-11-22T134505Z-1f2e3d4c-042.age",
            "2026-11-22T134505Z-1F2E3D4C-42.age",
            "2026-11-22T246060Z-1f2e3d4c-42.age",
            "2026-11-22T134505Z-1f2e3d4c-42",
            "2026-11-22T134505Z-f2e3d4c-42.age",
            ".2026-11-22T134505Z-1f2e3d4c-42.age.new",
            "2026-11-22-1f2e3d4c-42.age",
            "",
        ] {
            assert_eq!(wrong.parse::<Name>(), Err(()), "{wrong}");
        }
    }
}
