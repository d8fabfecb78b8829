//! Times as logs write them → UTC; dates and calendar durations.

mod clock;
mod date;
mod traditional;
mod zone;

pub use clock::{is_time, parse};
pub use date::Date;
pub use traditional::{parse_rfc3164, rfc3164_length, rfc3164_time_at};
pub use zone::Zone;

/// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted. Never outside the years 0 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// `9999-12-31T23:59:59Z`, the last point in time that four digits of a year can write.
    pub const LAST: Timestamp = Timestamp(253_402_300_799);

    /// The day it falls on, in UTC.
    ///
    /// ```
    /// assert_eq!(sladd::time::Timestamp(1_795_255_200).date().to_string(), "2026-11-21");
    /// ```
    #[inline]
    pub fn date(self) -> Date {
        Date::from_days(self.0.div_euclid(DAY))
    }

    /// The number of the day it falls on, in UTC.
    #[inline]
    pub fn day(self) -> Day {
        // Years of four digits fit; what was forged beyond them is held to the ends.
        Day(self.0.div_euclid(DAY).clamp(i32::MIN.into(), i32::MAX.into()) as i32)
    }

    /// The same time of day so many calendar months, then days, later; never past [`Timestamp::LAST`].
    pub fn plus(self, months: u32, days: u32) -> Timestamp {
        let date = self.date().plus(months, days);
        Timestamp(date.days() * DAY + self.0.rem_euclid(DAY)).min(Timestamp::LAST)
    }
}

/// A day in UTC by its number: days since 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

impl Day {
    /// The day of the calendar, held to the years 0 to 9999.
    pub fn date(self) -> Date {
        Date::from_days(self.0.into())
    }
}

impl std::fmt::Display for Timestamp {
    /// `2026-11-21T10:00:00Z`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let second = self.0.rem_euclid(DAY);
        write!(f, "{}T{:02}:{:02}:{:02}Z", self.date(), second / 3600, second / 60 % 60, second % 60)
    }
}

/// Seconds of a day.
pub(crate) const DAY: i64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_keeps_its_time_of_day_when_months_pass() {
        let noon = |year, month, day| Timestamp(Date::new(year, month, day).unwrap().days() * DAY + 43_200);
        assert_eq!(noon(2026, 8, 31).plus(6, 0), noon(2027, 2, 28));
        assert_eq!(noon(2026, 11, 21).plus(0, 30), noon(2026, 12, 21));
        assert_eq!(Timestamp::LAST.plus(1, 0), Timestamp::LAST);
    }

    #[test]
    fn a_timestamp_is_shown_as_rfc_3339_has_it() {
        assert_eq!(Timestamp(1_795_255_199).to_string(), "2026-11-21T09:59:59Z");
        assert_eq!(Timestamp(-1).to_string(), "1969-12-31T23:59:59Z");
    }

    #[test]
    fn a_time_before_1970_falls_on_its_day() {
        assert_eq!((Timestamp(-1).day(), Timestamp(0).day(), Timestamp(86_399).day()), (Day(-1), Day(0), Day(0)));
        assert_eq!(Timestamp(1_795_255_200).day().date(), Timestamp(1_795_255_200).date());
        assert_eq!(Timestamp(i64::MIN).day().date(), Date::new(0, 1, 1).unwrap());
        assert_eq!(Timestamp(-1).date(), Date::new(1969, 12, 31).unwrap());
        assert_eq!(Timestamp::LAST.date(), Date::new(9999, 12, 31).unwrap());
    }
}
