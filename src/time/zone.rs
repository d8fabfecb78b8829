//! The zone of layouts that write none.

use super::DAY;
use jiff::{
    Timestamp as Instant,
    civil::DateTime,
    tz::{TimeZone, TimeZoneDatabase},
};
use std::{fmt, sync::Arc};

/// The zone that holds where a layout has none: UTC, an offset (`+02:00`) or an IANA name (`Europe/Oslo`).
///
/// The zones' rules are those compiled in: no file or variable of the machine changes them.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone(Repr);

#[derive(Clone, Debug, PartialEq)]
enum Repr {
    /// Seconds east of Greenwich.
    Fixed(i32),
    Named(Arc<Named>),
}

#[derive(Debug, PartialEq)]
struct Named {
    zone: TimeZone,
    /// From which local second on which offset holds, in order; the first from the beginning of time. Complete up to
    /// [`TABLE_END`], beyond which the zone itself is asked.
    offsets: Vec<(i64, i32)>,
}

impl Zone {
    /// UTC.
    pub fn utc() -> Zone {
        Zone(Repr::Fixed(0))
    }

    /// The zone of this name: `UTC`, `Z`, an offset (`+02:00`, `+0200`, `+02`) or an IANA name in any case. `None` if there
    /// is none.
    ///
    /// ```
    /// use sladd::time::Zone;
    /// assert_eq!(Zone::named("utc"), Some(Zone::utc()));
    /// assert!(Zone::named("Europe/Oslo").is_some());
    /// assert!(Zone::named("Europe/Atlantis").is_none());
    /// ```
    pub fn named(name: &str) -> Option<Zone> {
        if name.eq_ignore_ascii_case("utc") || name.eq_ignore_ascii_case("z") {
            return Some(Zone::utc());
        }
        if name.starts_with(['+', '-']) {
            return offset(name.as_bytes()).map(|seconds| Zone(Repr::Fixed(seconds)));
        }
        let zone = TimeZoneDatabase::bundled().get(name).ok().filter(|zone| !zone.is_unknown())?;
        let start = Instant::from_second(-2 * DAY).expect("two days before 1970 are in reach");
        let mut last = zone.to_offset(start).seconds();
        let mut offsets = vec![(i64::MIN, last)];
        for change in zone.following(start).take_while(|change| change.timestamp().as_second() < TABLE_END) {
            let next = change.offset().seconds();
            // A time that is skipped or comes twice is read with the offset before the change, as RFC 5545 and
            // jiff's "compatible" have it: the new offset holds from the later of the change's two local readings.
            offsets.push((change.timestamp().as_second() + i64::from(last.max(next)), next));
            last = next;
        }
        Some(Zone(Repr::Named(Arc::new(Named { zone, offsets }))))
    }

    /// Local seconds since 1970-01-01T00:00:00 → UTC. A time that comes twice is taken as the first.
    #[inline]
    pub(super) fn to_utc(&self, local: i64) -> i64 {
        match &self.0 {
            Repr::Fixed(offset) => local - i64::from(*offset),
            Repr::Named(named) => local - i64::from(named.offset(local)),
        }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Fixed(0) => f.write_str("UTC"),
            Repr::Fixed(offset) => {
                let sign = if *offset < 0 { '-' } else { '+' };
                let minutes = offset.unsigned_abs() / 60;
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
            Repr::Named(named) => f.write_str(named.zone.iana_name().unwrap_or("UTC")),
        }
    }
}

impl Named {
    #[inline]
    fn offset(&self, local: i64) -> i32 {
        if local >= TABLE_END - DAY {
            return self.offset_by_rule(local);
        }
        let after = self.offsets.partition_point(|&(from, _)| from <= local);
        self.offsets[after - 1].1
    }

    #[cold]
    fn offset_by_rule(&self, local: i64) -> i32 {
        // The calendar and the rules repeat after 400 years; jiff ends a day before ours.
        let local = if local >= JIFF_END { local - 146_097 * DAY } else { local };
        let date = super::Date::from_days(local.div_euclid(DAY));
        let second = local.rem_euclid(DAY);
        let part = |value: i64| value as i8;
        let (hour, minute, second) = (part(second / 3600), part(second / 60 % 60), part(second % 60));
        DateTime::new(date.year() as i16, date.month() as i8, date.day() as i8, hour, minute, second, 0)
            .and_then(|time| self.zone.to_ambiguous_timestamp(time).compatible())
            .map_or(0, |utc| (local - utc.as_second()) as i32) // never the default: the time is in jiff's reach
    }
}

/// Seconds east of Greenwich that `±HH:MM`, `±HHMM` or `±HH` write, less than a day.
#[inline]
pub(super) fn offset(text: &[u8]) -> Option<i32> {
    let digits = match *text {
        [_, a, b] => [a, b, b'0', b'0'],
        [_, a, b, c, d] | [_, a, b, b':', c, d] => [a, b, c, d],
        _ => return None,
    };
    let digits = digits.map(|digit| i32::from(digit.wrapping_sub(b'0')));
    let (hours, minutes) = (digits[0] * 10 + digits[1], digits[2] * 10 + digits[3]);
    if digits.iter().any(|&digit| digit > 9) || hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = hours * 3600 + minutes * 60;
    match text[0] {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

/// 2100-01-01T00:00:00Z.
const TABLE_END: i64 = 4_102_444_800;
/// 9999-01-01T00:00:00Z.
const JIFF_END: i64 = 253_370_764_800;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const ZONES: [&str; 12] = [
        "Europe/Oslo",
        "America/New_York",
        "America/St_Johns",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Africa/Casablanca",
        "Africa/Monrovia",
        "Asia/Kathmandu",
        "Asia/Pyongyang",
        "Antarctica/Troll",
        "Europe/Dublin",
        "America/Sao_Paulo",
    ];

    fn by_jiff(name: &str, local: i64) -> i64 {
        let zone = TimeZoneDatabase::bundled().get(name).unwrap();
        let time = Instant::from_second(local).unwrap().to_zoned(TimeZone::UTC).datetime();
        zone.to_ambiguous_timestamp(time).compatible().unwrap().as_second()
    }

    #[test]
    fn a_zone_is_named_by_offset_or_iana_name() {
        for (name, shown) in [
            ("UTC", "UTC"),
            ("z", "UTC"),
            ("+00:00", "UTC"),
            ("-00:00", "UTC"),
            ("+02:00", "+02:00"),
            ("-0330", "-03:30"),
            ("+14", "+14:00"),
            ("Europe/Oslo", "Europe/Oslo"),
            ("europe/oslo", "Europe/Oslo"),
            ("Etc/GMT+1", "Etc/GMT+1"),
        ] {
            assert_eq!(Zone::named(name).unwrap().to_string(), shown);
        }
        for name in [
            "",
            "local",
            "Oslo",
            "Europe/Atlantis",
            "+24:00",
            "+02:60",
            "+2",
            "+02:0",
            "+02-00",
            "2",
            "Etc/Unknown",
            "../etc/passwd",
        ] {
            assert_eq!(Zone::named(name), None, "{name}");
        }
    }

    #[test]
    fn the_change_of_the_clock_is_read_as_before_it() {
        let oslo = Zone::named("Europe/Oslo").unwrap();
        // 2026-03-29: 02:00 to 03:00 is skipped. 2026-10-25: 02:00 to 03:00 comes twice.
        for (local, offset) in [
            (1_774_749_599, 3600),
            (1_774_749_600, 3600),
            (1_774_753_199, 3600),
            (1_774_753_200, 7200),
            (1_792_893_600, 7200),
            (1_792_897_199, 7200),
            (1_792_897_200, 3600),
        ] {
            assert_eq!(local - oslo.to_utc(local), offset, "{local}");
        }
    }

    #[test]
    fn around_every_change_a_zone_is_jiffs() {
        for name in ZONES {
            let zone = Zone::named(name).unwrap();
            let Repr::Named(named) = &zone.0 else { panic!("a named zone") };
            for &(from, _) in &named.offsets[1..] {
                for step in [-86_401, -7_201, -3_601, -3_600, -1_801, -1, 0, 1, 1_800, 3_599, 3_600, 7_200, 86_400] {
                    let local = from + step;
                    assert_eq!(zone.to_utc(local), by_jiff(name, local), "{name} {local}");
                }
            }
        }
    }

    #[test]
    fn the_last_day_of_all_has_an_offset() {
        let zone = Zone::named("America/New_York").unwrap();
        let last = super::super::Timestamp::LAST.0;
        assert_eq!(last - zone.to_utc(last), -18_000);
    }

    proptest! {
        #[test]
        fn a_zone_is_jiffs(zone in 0..ZONES.len(), local in 0i64..=253_402_214_400) {
            prop_assert_eq!(Zone::named(ZONES[zone]).unwrap().to_utc(local), by_jiff(ZONES[zone], local));
        }
    }
}
