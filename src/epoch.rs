//! Epoch: the number and the name of a key's period for a given time.

use crate::time::{DAY, Date, Timestamp};
use std::{fmt, str::FromStr};

/// How long a key's period is, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Period {
    /// From full hour to full hour.
    Hour,
    /// From midnight to midnight.
    Day,
    /// From Monday to Monday.
    Week,
    /// A calendar month.
    Month,
    /// A calendar year.
    Year,
}

/// One period of a key: its number, counted from the one that holds 1970-01-01T00:00:00Z. Means nothing without its [`Period`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub i64);

impl Period {
    /// All of them, shortest first.
    pub const ALL: [Period; 5] = [Period::Hour, Period::Day, Period::Week, Period::Month, Period::Year];

    /// The epoch that holds `time`.
    #[inline]
    pub fn epoch(self, time: Timestamp) -> Epoch {
        Epoch(match self {
            Period::Hour => time.0.div_euclid(HOUR),
            Period::Day => time.0.div_euclid(DAY),
            // 1970 began on a Thursday.
            Period::Week => (time.0.div_euclid(DAY) + 3).div_euclid(7),
            Period::Month => month_number(time.date()),
            Period::Year => i64::from(time.date().year()) - 1970,
        })
    }

    /// Its first second.
    pub fn start(self, epoch: Epoch) -> Timestamp {
        // Held to the years that a date can have, so that no number overflows.
        let number = epoch.0.clamp(-1_000_000_000, 1_000_000_000);
        match self {
            Period::Hour => Timestamp(number * HOUR),
            Period::Day => Timestamp(number * DAY),
            Period::Week => Timestamp((number * 7 - 3) * DAY),
            Period::Month => first_of_month(number),
            Period::Year => first_of_month(number * 12),
        }
    }

    /// The first second after it.
    pub fn end(self, epoch: Epoch) -> Timestamp {
        self.start(Epoch(epoch.0.saturating_add(1)))
    }

    /// Its name as pseudonyms write it: `2026112114`, `20261121`, `2026w47`, `202611`, `2026`.
    ///
    /// ```
    /// use sladd::{epoch::Period, time::Timestamp};
    /// let epoch = Period::Day.epoch(Timestamp(1_795_255_200));
    /// assert_eq!(Period::Day.name(epoch).as_str(), "20261121");
    /// assert_eq!(Period::Day.dashed(epoch).as_str(), "2026-11-21");
    /// ```
    #[inline]
    pub fn name(self, epoch: Epoch) -> Name {
        self.write(epoch, Form::Compact)
    }

    /// Its name as files and commands write it: `2026-11-21T14`, `2026-11-21`, `2026-W47`, `2026-11`, `2026`.
    pub fn dashed(self, epoch: Epoch) -> Name {
        self.write(epoch, Form::Dashed)
    }

    /// The epoch of a dashed name, exactly as [`Period::dashed`] writes it.
    pub fn parse_dashed(self, name: &str) -> Option<Epoch> {
        let name = name.as_bytes();
        let number = |digits: &[u8]| {
            digits.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0')))
        };
        let date = match (self, name.len()) {
            (Period::Hour, 13) | (Period::Day, 10) => Date::parse(&name[..10])?,
            // 4 January is always in the first week of its ISO year.
            (Period::Week, 8) => {
                let days = Date::new(number(&name[..4])?, 1, 4)?.days() + 7 * i64::from(number(&name[6..])?) - 7;
                Date::from_days(days)
            }
            (Period::Month, 7) => Date::new(number(&name[..4])?, number(&name[5..])?, 1)?,
            (Period::Year, 4) => Date::new(number(name)?, 1, 1)?,
            (Period::Hour | Period::Day | Period::Week | Period::Month | Period::Year, _) => return None,
        };
        let hours = if self == Period::Hour { number(&name[11..])?.min(24) } else { 0 };
        let epoch = self.epoch(Timestamp(date.start().0 + i64::from(hours) * HOUR));
        (self.dashed(epoch).as_bytes() == name).then_some(epoch)
    }

    /// As the policy writes it: `1 day`.
    pub fn as_str(self) -> &'static str {
        match self {
            Period::Hour => "1 hour",
            Period::Day => "1 day",
            Period::Week => "1 week",
            Period::Month => "1 month",
            Period::Year => "1 year",
        }
    }

    fn write(self, epoch: Epoch, form: Form) -> Name {
        let mut name = Name { bytes: [0; 13], len: 0 };
        let start = self.start(epoch);
        let date = start.date();
        match self {
            Period::Hour => {
                name.put_date(&date.text(), form);
                name.put(form.only_dashed(b"T"));
                name.put_pair(start.0.rem_euclid(DAY) / HOUR);
            }
            Period::Day => name.put_date(&date.text(), form),
            Period::Week => {
                // A week belongs to the year of its Thursday (ISO 8601).
                let thursday = Date::from_days(date.days() + 3);
                let first = Date::new(thursday.year(), 1, 1).map_or(0, Date::days);
                name.put(&thursday.text()[..4]);
                name.put(match form {
                    Form::Compact => b"w",
                    Form::Dashed => b"-W",
                });
                name.put_pair((thursday.days() - first) / 7 + 1);
            }
            Period::Month => name.put_date(&date.text()[..7], form),
            Period::Year => name.put(&date.text()[..4]),
        }
        name
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Period {
    type Err = NotAPeriod;

    /// `1 day`, or `day`.
    fn from_str(text: &str) -> Result<Period, NotAPeriod> {
        let unit = text.strip_prefix("1 ").unwrap_or(text);
        Period::ALL.into_iter().find(|period| period.as_str()[2..] == *unit).ok_or(NotAPeriod)
    }
}

/// The text names no period that a key can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAPeriod;

impl fmt::Display for NotAPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a period; write 1 hour, 1 day, 1 week, 1 month or 1 year")
    }
}

impl std::error::Error for NotAPeriod {}

/// An epoch's name. Holds no memory of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Name {
    /// ASCII up to `len`, zeros after.
    bytes: [u8; 13],
    len: u8,
}

impl Name {
    /// Its bytes: digits, `-`, `T`, `W` and `w` only.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// Itself as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).expect("a name is ASCII")
    }

    fn put(&mut self, bytes: &[u8]) {
        let start = usize::from(self.len);
        self.bytes[start..start + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len() as u8;
    }

    fn put_date(&mut self, text: &[u8], form: Form) {
        match form {
            Form::Dashed => self.put(text),
            Form::Compact => text.split(|&byte| byte == b'-').for_each(|part| self.put(part)),
        }
    }

    fn put_pair(&mut self, number: i64) {
        self.put(&[b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]);
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Clone, Copy)]
enum Form {
    Compact,
    Dashed,
}

impl Form {
    fn only_dashed(self, text: &[u8]) -> &[u8] {
        match self {
            Form::Compact => b"",
            Form::Dashed => text,
        }
    }
}

fn month_number(date: Date) -> i64 {
    (i64::from(date.year()) - 1970) * 12 + i64::from(date.month()) - 1
}

fn first_of_month(number: i64) -> Timestamp {
    let number = number + 1970 * 12;
    let date = Date::new(number.div_euclid(12).try_into().unwrap_or(0), number.rem_euclid(12) as u32 + 1, 1);
    // Beyond the calendar there is only its last second.
    date.map_or(Timestamp(Timestamp::LAST.0 + 1), Date::start)
}

/// Seconds of an hour.
const HOUR: i64 = 3_600;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_second())
    }

    #[test]
    fn every_period_names_its_epochs_in_both_forms() {
        for (period, time, compact, dashed) in [
            (Period::Hour, "2026-11-21T14:59:59Z", "2026112114", "2026-11-21T14"),
            (Period::Hour, "1970-01-01T00:00:00Z", "1970010100", "1970-01-01T00"),
            (Period::Day, "2026-11-21T14:59:59Z", "20261121", "2026-11-21"),
            (Period::Day, "2028-02-29T00:00:00Z", "20280229", "2028-02-29"),
            (Period::Week, "2026-11-21T14:59:59Z", "2026w47", "2026-W47"),
            (Period::Week, "2027-01-03T23:59:59Z", "2026w53", "2026-W53"),
            (Period::Week, "2027-01-04T00:00:00Z", "2027w01", "2027-W01"),
            (Period::Week, "2024-12-30T00:00:00Z", "2025w01", "2025-W01"),
            (Period::Week, "1970-01-01T00:00:00Z", "1970w01", "1970-W01"),
            (Period::Month, "2026-11-21T14:59:59Z", "202611", "2026-11"),
            (Period::Month, "2026-12-31T23:59:59Z", "202612", "2026-12"),
            (Period::Year, "2026-11-21T14:59:59Z", "2026", "2026"),
            (Period::Year, "9999-12-30T00:00:00Z", "9999", "9999"),
        ] {
            let epoch = period.epoch(at(time));
            assert_eq!(period.name(epoch).as_str(), compact, "{time}");
            assert_eq!(period.dashed(epoch).as_str(), dashed, "{time}");
            assert_eq!(period.parse_dashed(dashed), Some(epoch), "{dashed}");
        }
    }

    #[test]
    fn only_the_exact_dashed_name_is_read() {
        for (period, names) in [
            (
                Period::Hour,
                &["2026-11-21T24", "2026-11-21 14", "2026-11-21t14", "2026-11-21T1", "2026-11-21", "2026-02-29T10"][..],
            ),
            (Period::Day, &["2026-02-29", "20261121", "2026-11-21T14", "2026-11-2x", "", "2026"][..]),
            (Period::Week, &["2026-W00", "2026-W54", "2025-W53", "2026-w47", "2026w47", "2026-W4", "2026-W4é"][..]),
            (Period::Month, &["2026-13", "2026-00", "2026/11", "202611", "2026-1"][..]),
            (Period::Year, &["202", "20260", "+026", "é26"][..]),
        ] {
            for name in names {
                assert_eq!(period.parse_dashed(name), None, "{period:?} {name}");
            }
        }
    }

    #[test]
    fn a_period_is_read_as_the_policy_writes_it() {
        for period in Period::ALL {
            assert_eq!(period.as_str().parse(), Ok(period));
            assert_eq!(period.as_str()[2..].parse(), Ok(period));
        }
        for text in ["", "1", "1 ", "2 days", "1 days", "daily", "1  day", "Day", "0 day", "1 1 day"] {
            let error = text.parse::<Period>().unwrap_err();
            assert_eq!(error.to_string(), "not a period; write 1 hour, 1 day, 1 week, 1 month or 1 year", "{text}");
        }
    }

    #[test]
    fn a_number_far_out_has_a_start_and_a_name() {
        for period in Period::ALL {
            for epoch in [i64::MIN, -1, i64::MAX] {
                let _ = (
                    period.start(Epoch(epoch)),
                    period.end(Epoch(epoch)),
                    period.name(Epoch(epoch)),
                    period.dashed(Epoch(epoch)),
                );
            }
        }
    }

    proptest! {
        #[test]
        fn an_epoch_holds_its_time_and_ends_where_the_next_begins(second in 0i64..=253_402_207_200) {
            for period in Period::ALL {
                let time = Timestamp(second);
                let epoch = period.epoch(time);
                prop_assert!(period.start(epoch) <= time && time < period.end(epoch));
                prop_assert_eq!(period.epoch(period.start(epoch)), epoch);
                prop_assert_eq!(period.epoch(Timestamp(period.end(epoch).0 - 1)), epoch);
                prop_assert_eq!(period.end(epoch), period.start(Epoch(epoch.0 + 1)));
                let name = period.dashed(epoch);
                prop_assert_eq!(period.parse_dashed(name.as_str()), Some(epoch));
                let zoned = jiff::Timestamp::from_second(second).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
                let (dashed, compact) = match period {
                    Period::Hour => ("%Y-%m-%dT%H", "%Y%m%d%H"),
                    Period::Day => ("%Y-%m-%d", "%Y%m%d"),
                    Period::Week => ("%G-W%V", "%Gw%V"),
                    Period::Month => ("%Y-%m", "%Y%m"),
                    Period::Year => ("%Y", "%Y"),
                };
                prop_assert_eq!(name.to_string(), zoned.strftime(dashed).to_string());
                prop_assert_eq!(period.name(epoch).to_string(), zoned.strftime(compact).to_string());
            }
        }
    }
}
