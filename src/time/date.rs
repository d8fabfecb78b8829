//! A calendar day and its arithmetic.

use super::{DAY, Timestamp};
use std::fmt;

/// A day of the Gregorian calendar, years 0 to 9999. One that exists is real: there is no 30 February.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// The last day that four digits of a year can write. What would come after it stays here.
    pub const LAST: Date = Date { year: 9999, month: 12, day: 31 };

    /// The day, if there is such a one.
    #[inline]
    pub fn new(year: u32, month: u32, day: u32) -> Option<Date> {
        let real =
            year <= 9999 && (1..=12).contains(&month) && day >= 1 && (day <= 28 || day <= days_in_month(year, month));
        real.then_some(Date { year: year as u16, month: month as u8, day: day as u8 })
    }

    /// Its year, 0 to 9999.
    pub fn year(self) -> u32 {
        self.year.into()
    }

    /// Its month, 1 to 12.
    pub fn month(self) -> u32 {
        self.month.into()
    }

    /// Its day of the month, 1 to 31.
    pub fn day(self) -> u32 {
        self.day.into()
    }

    /// Days since 1970-01-01; negative before.
    #[inline]
    pub fn days(self) -> i64 {
        days_from_civil(self.year.into(), self.month.into(), self.day.into())
    }

    /// The day that is so many days after 1970-01-01, held to the years 0 to 9999.
    pub fn from_days(days: i64) -> Date {
        // Howard Hinnant's civil_from_days: years begin in March, so that the leap day is a year's last.
        let days = days.clamp(FIRST_DAY, LAST_DAY) + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Date { year: year as u16, month: month as u8, day: day as u8 }
    }

    /// The day so many calendar months and then days later; never past [`Date::LAST`].
    ///
    /// Where the month that is reached has no such day, its last day stands in: 31 August and six months are 28 or 29
    /// February.
    ///
    /// ```
    /// use sladd::time::Date;
    /// let day = Date::new(2026, 8, 31).expect("a real day");
    /// assert_eq!(day.plus(6, 0).to_string(), "2027-02-28");
    /// ```
    pub fn plus(self, months: u32, days: u32) -> Date {
        let months = u64::from(self.year) * 12 + u64::from(self.month) - 1 + u64::from(months);
        if months >= 10_000 * 12 {
            return Date::LAST;
        }
        let (year, month) = ((months / 12) as u32, (months % 12) as u32 + 1);
        let day = self.day().min(days_in_month(year, month));
        Date::from_days(days_from_civil(year, month, day) + i64::from(days))
    }

    /// Its midnight, in UTC.
    pub fn start(self) -> Timestamp {
        Timestamp(self.days() * DAY)
    }

    /// Its day of the week, 0 for Monday to 6 for Sunday.
    pub fn weekday(self) -> u32 {
        (self.days() + 3).rem_euclid(7) as u32
    }

    /// The day that `YYYY-MM-DD` writes, exactly so.
    #[inline]
    pub fn parse(text: &[u8]) -> Option<Date> {
        let text: &[u8; 10] = text.try_into().ok()?;
        if text[4] != b'-' || text[7] != b'-' {
            return None;
        }
        let number = |digits: &[u8]| {
            digits.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0')))
        };
        Date::new(number(&text[..4])?, number(&text[5..7])?, number(&text[8..])?)
    }

    /// `YYYY-MM-DD`.
    #[inline]
    pub fn text(self) -> [u8; 10] {
        let digit = |number: u16| b'0' + (number % 10) as u8;
        let (year, month, day) = (self.year, self.month.into(), self.day.into());
        [
            digit(year / 1000),
            digit(year / 100),
            digit(year / 10),
            digit(year),
            b'-',
            digit(month / 10),
            digit(month),
            b'-',
            digit(day / 10),
            digit(day),
        ]
    }

    /// Appends `YYYY-MM-DD`. Allocates only where `out` has no room for ten bytes.
    #[inline]
    pub fn write_to(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.text());
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// How many days a month has.
#[inline]
fn days_in_month(year: u32, month: u32) -> u32 {
    const DAYS: [u8; 16] = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0, 0, 0];
    // Of the years that four divides, the centuries are leap years only where sixteen divides them (400 = 16 · 25).
    let leap = month == 2 && year & if year.is_multiple_of(25) { 15 } else { 3 } == 0;
    u32::from(DAYS[(month & 15) as usize]) + u32::from(leap)
}

/// Days from 1970-01-01 to a real day (Howard Hinnant's days_from_civil, years 0 to 9999).
#[inline]
fn days_from_civil(year: u32, month: u32, day: u32) -> i64 {
    /// Days from 1 March to the first of a month.
    const DAYS: [u16; 16] = [0, 306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275, 0, 0, 0];
    // A whole era is added so that January of year 0 does not fall below nothing.
    let year = year + 400 - u32::from(month <= 2);
    let century = year / 100;
    let days = 365 * year + year / 4 - century + century / 4 + u32::from(DAYS[(month & 15) as usize]) + day;
    i64::from(days) - 719_469 - 146_097
}

/// 0000-01-01.
const FIRST_DAY: i64 = -719_528;
/// 9999-12-31.
const LAST_DAY: i64 = 2_932_896;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn date(text: &str) -> Date {
        Date::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn every_day_of_ten_thousand_years_follows_the_one_before() {
        let (mut year, mut month, mut day) = (0, 1, 1);
        for number in FIRST_DAY..=LAST_DAY {
            let here = Date::from_days(number);
            assert_eq!((here.year(), here.month(), here.day()), (year, month, day));
            assert_eq!(here.days(), number);
            let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
            let length = match month {
                2 if leap => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            assert!(Date::new(year, month, length + 1).is_none());
            (year, month, day) = match (month, day) {
                (12, 31) => (year + 1, 1, 1),
                (_, d) if d == length => (year, month + 1, 1),
                _ => (year, month, day + 1),
            };
        }
        assert_eq!((year, month, day), (10_000, 1, 1));
    }

    #[test]
    fn a_month_later_is_the_same_day_or_the_months_last() {
        for (from, months, days, to) in [
            ("2026-08-31", 6, 0, "2027-02-28"),
            ("2027-08-31", 6, 0, "2028-02-29"),
            ("2026-08-30", 6, 0, "2027-02-28"),
            ("2026-08-28", 6, 0, "2027-02-28"),
            ("2028-02-29", 12, 0, "2029-02-28"),
            ("2028-02-29", 48, 0, "2032-02-29"),
            ("2096-02-29", 48, 0, "2100-02-28"),
            ("2026-01-31", 1, 0, "2026-02-28"),
            ("2026-03-31", 1, 0, "2026-04-30"),
            ("2026-05-31", 1, 0, "2026-06-30"),
            ("2026-10-31", 1, 0, "2026-11-30"),
            ("2026-12-31", 2, 0, "2027-02-28"),
            ("2026-11-21", 6, 0, "2027-05-21"),
            ("2026-11-21", 26, 0, "2029-01-21"),
            ("2026-11-21", 0, 30, "2026-12-21"),
            ("2026-12-31", 0, 1, "2027-01-01"),
            ("2028-02-28", 0, 1, "2028-02-29"),
            ("2026-01-31", 1, 1, "2026-03-01"),
            ("9999-12-31", 0, 1, "9999-12-31"),
            ("9999-12-01", 1, 0, "9999-12-31"),
            ("2026-11-21", u32::MAX, u32::MAX, "9999-12-31"),
            ("2026-11-21", 0, u32::MAX, "9999-12-31"),
        ] {
            assert_eq!(date(from).plus(months, days), date(to), "{from} + {months} months + {days} days");
        }
    }

    #[test]
    fn only_a_real_day_in_the_exact_form_is_read() {
        for text in [
            "2026-02-29",
            "2026-00-10",
            "2026-13-01",
            "2026-04-31",
            "2026-11-00",
            "2026-11-2",
            "2026-11-211",
            "",
            "2026/11/21",
            "20261121",
            " 026-11-21",
            "+026-11-21",
            "2026-1a-21",
            "2100-02-29",
            "2026-11-32",
        ] {
            assert_eq!(Date::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(date("2000-02-29").text(), *b"2000-02-29");
        assert_eq!(date("0000-01-01").to_string(), "0000-01-01");
    }

    #[test]
    fn a_day_far_out_stays_at_the_edge() {
        assert_eq!(Date::from_days(i64::MAX), Date::LAST);
        assert_eq!(Date::from_days(i64::MIN), date("0000-01-01"));
    }

    #[test]
    fn weekdays_begin_with_monday() {
        assert_eq!(date("1970-01-01").weekday(), 3);
        assert_eq!(date("2026-11-23").weekday(), 0);
        assert_eq!(date("2026-11-22").weekday(), 6);
    }

    proptest! {
        #[test]
        fn the_calendar_is_jiffs(year in 0i16..=9999, ordinal in 1i16..=366, months in 0u32..2_000, days in 0u32..50_000) {
            let theirs = jiff::civil::date(year, 1, 1).checked_add(jiff::Span::new().days(ordinal - 1)).unwrap();
            let ours = Date::new(theirs.year() as u32, theirs.month() as u32, theirs.day() as u32).unwrap();
            prop_assert_eq!(ours.to_string(), theirs.to_string());
            let mut text = Vec::new();
            ours.write_to(&mut text);
            prop_assert_eq!(&text[..], &theirs.to_string().into_bytes()[..]);
            prop_assert_eq!(Date::parse(&text), Some(ours));
            prop_assert_eq!(ours.weekday(), theirs.weekday().to_monday_zero_offset() as u32);
            let later = theirs
                .checked_add(jiff::Span::new().months(months))
                .and_then(|day| day.checked_add(jiff::Span::new().days(days)));
            match later {
                Ok(later) => prop_assert_eq!(ours.plus(months, days).to_string(), later.to_string()),
                Err(_) => prop_assert_eq!(ours.plus(months, days), Date::LAST),
            }
        }
    }
}
