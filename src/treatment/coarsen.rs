//! Times and numbers rounded down.

use super::{Aid, Outcome, keep};
use crate::{record::Clock, time};

/// How far a value is rounded down. A value that is neither a time nor a number is withheld.
#[derive(Clone, Debug, PartialEq)]
pub enum Coarsen {
    /// A number, or each number of a list, to a multiple of this. Fractions go. Zero is taken for one.
    Number(u64),
    /// A time in this form, in its own zone and form: `10/Oct/2000:13:00:00 -0700`. Fractions go.
    Time(Clock, Unit),
}

/// What of a time stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// All to the minute.
    Minute,
    /// All to the hour.
    Hour,
    /// The day.
    Day,
}

impl Coarsen {
    /// Rounds `value` down.
    #[inline]
    pub fn treat(&self, value: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
        let _ = aid;
        let start = made.len();
        let fits = match self {
            Coarsen::Number(step) => write_numbers(value, (*step).max(1), made),
            Coarsen::Time(clock, unit) => write_time(*clock, value, *unit, made),
        };
        match fits {
            Some(()) => Outcome::Made,
            None => {
                made.truncate(start);
                match self {
                    Coarsen::Time(clock, _) => keep::no_time(*clock, value, made),
                    Coarsen::Number(_) => Outcome::Dropped,
                }
            }
        }
    }
}

fn write_time(clock: Clock, value: &[u8], unit: Unit, made: &mut Vec<u8>) -> Option<()> {
    // The zone decides no digit of what is written: only that of a time without one, in which it stays.
    if !time::is_time(clock, value) {
        return None;
    }
    let time_at = match (clock, value) {
        (Clock::Clf, _) | (Clock::Any, [_, _, b'/' | b'-', ..]) => 12,
        (Clock::Rfc3339, _) | (Clock::Any, [_, _, _, _, b'-' | b'/', ..] | [_, _, _, b' ', ..]) => 11,
        (Clock::Any, [_, _, _, b',', ..]) => 17,
        (Clock::Rfc3164, _) => time::rfc3164_time_at(value)?,
        (Clock::EpochSeconds, _) => return write_epoch(value, 1, unit, made),
        (Clock::EpochMillis, _) => return write_epoch(value, 1_000, unit, made),
        (Clock::EpochMicros, _) => return write_epoch(value, 1_000_000, unit, made),
        (Clock::EpochNanos, _) => return write_epoch(value, 1_000_000_000, unit, made),
        (Clock::Any, _) => {
            // The bounds by which a bare number is taken for a time.
            let second = match value.iter().take_while(|byte| byte.is_ascii_digit()).count() {
                ..=11 => 1,
                12..=14 => 1_000,
                15..=17 => 1_000_000,
                _ => 1_000_000_000,
            };
            return write_epoch(value, second, unit, made);
        }
        (Clock::Partial, _) => return None,
    };
    let stays = match unit {
        Unit::Minute => 5,
        Unit::Hour => 2,
        Unit::Day => 0,
    };
    made.extend_from_slice(&value[..time_at + stays]);
    made.extend_from_slice(&b"00:00:00"[stays..]);
    let rest = &value[time_at + 8..];
    let fraction = match rest {
        [b'.' | b',', digits @ ..] => 1 + digits.iter().take_while(|byte| byte.is_ascii_digit()).count(),
        _ => 0,
    };
    made.extend_from_slice(&rest[fraction..]);
    Some(())
}

/// A number of units of which `second` go to a second.
fn write_epoch(value: &[u8], second: u64, unit: Unit, made: &mut Vec<u8>) -> Option<()> {
    let step = match unit {
        Unit::Minute => 60,
        Unit::Hour => 3_600,
        Unit::Day => 86_400,
    };
    write_number(value, step * second, made)
}

/// Numbers, and `-` where one is missing, in a list as upstream fields have them: between `, ` or ` : `.
fn write_numbers(value: &[u8], step: u64, made: &mut Vec<u8>) -> Option<()> {
    let mut rest = value;
    loop {
        let length = rest.iter().position(|byte| matches!(byte, b' ' | b',')).unwrap_or(rest.len());
        let (number, after) = rest.split_at(length);
        match number {
            b"-" => made.push(b'-'),
            number => write_number(number, step, made)?,
        }
        let separator = match after {
            [] => return Some(()),
            [b',', b' ', ..] => 2,
            [b' ', b':', b' ', ..] => 3,
            [b',', ..] => 1,
            _ => return None,
        };
        made.extend_from_slice(&after[..separator]);
        rest = &after[separator..];
    }
}

/// One number: a sign, digits, a fraction.
fn write_number(text: &[u8], step: u64, made: &mut Vec<u8>) -> Option<()> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    let point = digits.iter().position(|&byte| byte == b'.').unwrap_or(digits.len());
    let (whole, fraction) = (&digits[..point], digits.get(point + 1..));
    let fits = (1..=19).contains(&whole.len()) && fraction.is_none_or(|fraction| !fraction.is_empty());
    if !fits || !whole.iter().chain(fraction.unwrap_or_default()).all(u8::is_ascii_digit) {
        return None;
    }
    // Nineteen digits cannot overflow.
    let number = whole.iter().fold(0, |number, byte| number * 10 + u64::from(byte - b'0'));
    let mut down = number - number % step;
    if negative {
        // Down is away from zero.
        let exact = down == number && fraction.unwrap_or_default().iter().all(|&byte| byte == b'0');
        down = if exact { down } else { down.checked_add(step).filter(|&down| down < 10u64.pow(19))? };
        if down > 0 {
            made.push(b'-');
        }
    }
    let start = made.len();
    loop {
        made.push(b'0' + (down % 10) as u8);
        down /= 10;
        if down == 0 {
            break;
        }
    }
    made[start..].reverse();
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn treated(coarsen: &Coarsen, value: &[u8]) -> Option<String> {
        let mut made = b"before".to_vec();
        match coarsen.treat(value, &mut Aid::default(), &mut made) {
            Outcome::Made => Some(String::from_utf8(made).unwrap().strip_prefix("before").unwrap().to_owned()),
            Outcome::Dropped => {
                assert_eq!(made, b"before");
                None
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_time_is_rounded_down_in_its_own_form_and_zone() {
        for (clock, value, minute, hour, day) in [
            (
                Clock::Clf,
                "10/Oct/2000:13:55:36 -0700",
                "10/Oct/2000:13:55:00 -0700",
                "10/Oct/2000:13:00:00 -0700",
                "10/Oct/2000:00:00:00 -0700",
            ),
            (
                Clock::Rfc3339,
                "2026-11-21T10:59:58.123456+05:30",
                "2026-11-21T10:59:00+05:30",
                "2026-11-21T10:00:00+05:30",
                "2026-11-21T00:00:00+05:30",
            ),
            (
                Clock::Any,
                "2026-11-21 10:59:58,123",
                "2026-11-21 10:59:00",
                "2026-11-21 10:00:00",
                "2026-11-21 00:00:00",
            ),
            (
                Clock::Any,
                "21-Nov-2026 10:59:58 UTC",
                "21-Nov-2026 10:59:00 UTC",
                "21-Nov-2026 10:00:00 UTC",
                "21-Nov-2026 00:00:00 UTC",
            ),
            (
                Clock::Any,
                "Sat, 21 Nov 2026 10:59:58 GMT",
                "Sat, 21 Nov 2026 10:59:00 GMT",
                "Sat, 21 Nov 2026 10:00:00 GMT",
                "Sat, 21 Nov 2026 00:00:00 GMT",
            ),
            (
                Clock::Any,
                "Sat Nov 21 10:59:58.123456 2026",
                "Sat Nov 21 10:59:00 2026",
                "Sat Nov 21 10:00:00 2026",
                "Sat Nov 21 00:00:00 2026",
            ),
            (Clock::EpochSeconds, "1795258798.123", "1795258740", "1795255200", "1795219200"),
            (Clock::EpochMillis, "1795258798123", "1795258740000", "1795255200000", "1795219200000"),
            (Clock::EpochMicros, "1795258798123456", "1795258740000000", "1795255200000000", "1795219200000000"),
            (
                Clock::EpochNanos,
                "1795258798123456789",
                "1795258740000000000",
                "1795255200000000000",
                "1795219200000000000",
            ),
            (Clock::Any, "1795258798.1234567", "1795258740", "1795255200", "1795219200"),
            (Clock::Any, "1795258798123", "1795258740000", "1795255200000", "1795219200000"),
        ] {
            for (unit, rounded) in [(Unit::Minute, minute), (Unit::Hour, hour), (Unit::Day, day)] {
                let coarsen = Coarsen::Time(clock, unit);
                assert_eq!(treated(&coarsen, value.as_bytes()).as_deref(), Some(rounded), "{value}");
                assert_eq!(treated(&coarsen, rounded.as_bytes()).as_deref(), Some(rounded), "{rounded}");
            }
        }
    }

    #[test]
    fn what_is_no_time_is_withheld() {
        for clock in [Clock::Clf, Clock::Rfc3339, Clock::EpochSeconds, Clock::Any, Clock::Partial] {
            for value in ["yesterday", "13:55:36", "192.0.2.1", "31/Feb/2026:10:00:00 +0000", "2026-11-21", "-1", "é"]
            {
                // In Apache's layouts something of the same form stands for it.
                let none = (clock == Clock::Clf && value.len() == 26).then_some("00/Jan/0000:00:00:00 +0000");
                assert_eq!(treated(&Coarsen::Time(clock, Unit::Hour), value.as_bytes()).as_deref(), none, "{value}");
            }
        }
    }

    #[test]
    fn numbers_are_rounded_down_to_a_multiple() {
        for (step, value, rounded) in [
            (100, "12345", "12300"),
            (100, "99", "0"),
            (1, "0.987", "0"),
            (10, "+12.5", "10"),
            (10, "-12.5", "-20"),
            (1, "-0.5", "-1"),
            (10, "-20.0", "-20"),
            (7, "-0", "0"),
            (0, "12.9", "12"),
            (1000, "9999999999999999999", "9999999999999999000"),
            (10, "12, 25 : 31, -", "10, 20 : 30, -"),
            (10, "00012", "10"),
        ] {
            assert_eq!(treated(&Coarsen::Number(step), value.as_bytes()).as_deref(), Some(rounded), "{value}");
        }
    }

    #[test]
    fn what_is_no_number_is_withheld() {
        for value in [
            "a",
            "12a",
            "1.2.3",
            "1.",
            ".5",
            "1e5",
            "0x10",
            "12, ",
            " 12",
            "12  13",
            "12;13",
            "--1",
            "99999999999999999999",
            "-9999999999999999999",
        ] {
            assert_eq!(treated(&Coarsen::Number(10), value.as_bytes()), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn numbers_of_one_multiple_give_the_same(
            number in 0..1_000_000_000_000u64, step in 1..100_000u64, rest in 0..100_000u64, fraction in "(\\.[0-9]{1,9})?",
        ) {
            let base = number - number % step;
            let value = format!("{}{fraction}", base + rest % step);
            prop_assert_eq!(treated(&Coarsen::Number(step), value.as_bytes()), Some(base.to_string()));
        }

        #[test]
        fn times_of_one_hour_give_the_same(hour in 0..24u8, minute in 0..60u8, second in 0..60u8, fraction in "(\\.[0-9]{1,9})?") {
            let value = format!("2026-11-21T{hour:02}:{minute:02}:{second:02}{fraction}Z");
            let rounded = format!("2026-11-21T{hour:02}:00:00Z");
            prop_assert_eq!(treated(&Coarsen::Time(Clock::Any, Unit::Hour), value.as_bytes()), Some(rounded));
        }

        #[test]
        fn any_bytes_are_rounded_or_withheld_and_rounded_again_are_the_same(
            value in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..40),
                "[0-9]{1,20}([-, :.]{1,3}[0-9]{1,5}){0,3}".prop_map(String::into_bytes),
            ],
            step in any::<u64>(),
        ) {
            for coarsen in [
                Coarsen::Number(step),
                Coarsen::Time(Clock::Any, Unit::Minute),
                Coarsen::Time(Clock::EpochNanos, Unit::Day),
                Coarsen::Time(Clock::Rfc3339, Unit::Hour),
            ] {
                let Some(rounded) = treated(&coarsen, &value) else { continue };
                let again = treated(&coarsen, rounded.as_bytes());
                // Rounded to nearly nothing, a bare number can be too small for a time.
                prop_assert!(again.as_ref() == Some(&rounded) || again.is_none() && rounded.len() < value.len());
            }
        }
    }
}
