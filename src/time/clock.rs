//! The grammars of written times.
//!
//! The fixed parts are read eight bytes at a time: a [`Shape`] says where digits and where literals stand, one mask tells
//! whether all of them fit. The plain reading is in the tests, which hold the two equal.

use super::{DAY, Date, Timestamp, Zone, traditional::parse_rfc3164, zone::offset};
use crate::record::Clock;

/// The point in time that `bytes` write in the form `clock`, or `None` where they do not (to the last byte).
///
/// Dates are real ones, in the years 1970 to 9999 of UTC. A leap second (`:60`) is read as the second before it, so that it
/// stays in its day. [`Clock::Any`] takes a bare number for a time from 1973 on only: smaller ones are durations.
///
/// Never allocates.
#[inline]
pub fn parse(clock: Clock, bytes: &[u8], zone: &Zone) -> Option<Timestamp> {
    match clock {
        Clock::Clf => clf(bytes),
        // The year is not in it: `parse_rfc3164` is told one.
        Clock::Rfc3164 => None,
        Clock::Rfc3339 => year_first(bytes, DASHED, zone),
        Clock::EpochSeconds => number(bytes, 1, 0),
        Clock::EpochMillis => number(bytes, 1_000, 0),
        Clock::EpochMicros => number(bytes, 1_000_000, 0),
        Clock::EpochNanos => number(bytes, 1_000_000_000, 0),
        Clock::Partial => None,
        Clock::Any => any(bytes, zone),
    }
}

/// Whether `bytes` write a time in the form `clock`, to the last byte.
#[inline]
pub fn is_time(clock: Clock, bytes: &[u8]) -> bool {
    match clock {
        // In some year: any span of nine has all days that there are.
        Clock::Rfc3164 => parse_rfc3164(bytes, SOME_TIME, &Zone::utc()).is_some(),
        Clock::Clf
        | Clock::Rfc3339
        | Clock::EpochSeconds
        | Clock::EpochMillis
        | Clock::EpochMicros
        | Clock::EpochNanos
        | Clock::Partial
        | Clock::Any => parse(clock, bytes, &Zone::utc()).is_some(),
    }
}

/// The first second of 2030.
const SOME_TIME: Timestamp = Timestamp(1_893_456_000);

/// `10/Oct/2000:13:55:36 -0700`
#[inline]
fn clf(bytes: &[u8]) -> Option<Timestamp> {
    const DAY_FIRST: Shape = Shape::new(b"00/***/0");
    const YEAR: Shape = Shape::new(b"0000:00:");
    const OFFSET: Shape = Shape::new(b"00 *0000");
    let bytes: &[u8; 26] = bytes.try_into().ok()?;
    let (day, day_off) = DAY_FIRST.read(bytes, 0);
    let (year, year_off) = YEAR.read(bytes, 7);
    let (time, time_off) = TIME.read(bytes, 12);
    let (offset, offset_off) = OFFSET.read(bytes, 18);
    if day_off | year_off | time_off | offset_off != 0 {
        return None;
    }
    let date = Date::new(pair(year, 0) * 100 + pair(year, 2), month(&bytes[3..6])?, pair(day, 0))?;
    let (hours, minutes) = (pair(offset, 4), pair(offset, 6));
    if hours > 23 || minutes > 59 {
        return None;
    }
    let east = (hours * 3600 + minutes * 60) as i32;
    let east = match bytes[21] {
        b'+' => east,
        b'-' => -east,
        _ => return None,
    };
    let time = date.days() * DAY + i64::from(second_of_day(time)?) - i64::from(east);
    in_reach(time)
}

/// `10/Oct/2000:13:55:36` without a zone, with a fraction or without, as HAProxy writes it.
fn day_first(bytes: &[u8], zone: &Zone) -> Option<Timestamp> {
    let (text, rest) = bytes.split_first_chunk::<20>()?;
    let (day, day_off) = Shape::new(b"00/***/0").read(text, 0);
    let (year, year_off) = Shape::new(b"0000:00:").read(text, 7);
    let (time, time_off) = TIME.read(text, 12);
    if day_off | year_off | time_off != 0 || fraction(rest) != Some(rest.len()) {
        return None;
    }
    let date = Date::new(pair(year, 0) * 100 + pair(year, 2), month(&text[3..6])?, pair(day, 0))?;
    local(date, second_of_day(time)?, None, zone)
}

/// `2026-11-21T10:00:00`, with a fraction or without, with a zone or without; the date as in `shape`.
#[inline]
fn year_first(bytes: &[u8], shape: Shape, zone: &Zone) -> Option<Timestamp> {
    const DAY_THEN: Shape = Shape::new(b"00*00:00");
    let (text, rest) = bytes.split_first_chunk::<19>()?;
    let (year, year_off) = shape.read(text, 0);
    let (day, day_off) = DAY_THEN.read(text, 8);
    let (time, time_off) = TIME.read(text, 11);
    if year_off | day_off | time_off != 0 || !matches!(text[10], b'T' | b't' | b' ' | b'\t') {
        return None;
    }
    let date = Date::new(pair(year, 0) * 100 + pair(year, 2), pair(year, 5), pair(day, 0))?;
    let east = match &rest[fraction(rest)?..] {
        [] => None,
        [b'Z' | b'z'] | b" UTC" | b" GMT" => Some(0),
        [b' ', rest @ ..] | rest => Some(offset(rest)?),
    };
    local(date, second_of_day(time)?, east, zone)
}

/// `Sat, 21 Nov 2026 10:00:00 GMT` (RFC 1123), or with an offset (RFC 5322).
fn weekday_comma(bytes: &[u8]) -> Option<Timestamp> {
    let (text, rest) = bytes.split_first_chunk::<25>()?;
    let (time, time_off) = TIME.read(text, 17);
    if time_off != 0 || &text[3..5] != b", " || text[7] != b' ' || text[11] != b' ' || text[16] != b' ' {
        return None;
    }
    let (day, year) = (digits(&text[5..7])?, digits(&text[12..16])?);
    let date = Date::new(year, month(&text[8..11])?, day).filter(|date| is_weekday(&text[..3], *date))?;
    let east = match rest {
        b" GMT" | b" UTC" => 0,
        [b' ', rest @ ..] => offset(rest)?,
        _ => return None,
    };
    local(date, second_of_day(time)?, Some(east), &Zone::utc())
}

/// `Sat Nov 21 10:00:00.123456 2026`: asctime, with Apache's fraction or without.
fn weekday_blank(bytes: &[u8], zone: &Zone) -> Option<Timestamp> {
    let (text, rest) = bytes.split_first_chunk::<19>()?;
    let (month, day, second) = month_first(&text[4..])?;
    let year = match &rest[fraction(rest)?..] {
        [b' ', year @ ..] if year.len() == 4 => digits(year)?,
        _ => return None,
    };
    let date = Date::new(year, month, day).filter(|date| text[3] == b' ' && is_weekday(&text[..3], *date))?;
    local(date, second, None, zone)
}

/// `21-Nov-2026 10:00:00.123456 UTC`: PHP's, with a fraction or without, with UTC or without a zone.
fn day_dashed(bytes: &[u8], zone: &Zone) -> Option<Timestamp> {
    let (text, rest) = bytes.split_first_chunk::<20>()?;
    let (time, time_off) = TIME.read(text, 12);
    if time_off != 0 || text[2] != b'-' || text[6] != b'-' || text[11] != b' ' {
        return None;
    }
    let date = Date::new(digits(&text[7..11])?, month(&text[3..6])?, digits(&text[..2])?)?;
    let east = match &rest[fraction(rest)?..] {
        [] => None,
        b" UTC" | b" GMT" => Some(0),
        _ => return None,
    };
    local(date, second_of_day(time)?, east, zone)
}

/// Any form, told by where its first letters and separators stand.
fn any(bytes: &[u8], zone: &Zone) -> Option<Timestamp> {
    match *bytes {
        [_, _, b'/', ..] => clf(bytes).or_else(|| day_first(bytes, zone)),
        [_, _, b'-', ..] => day_dashed(bytes, zone),
        [_, _, _, _, b'-', ..] => year_first(bytes, DASHED, zone),
        [_, _, _, _, b'/', ..] => year_first(bytes, SLASHED, zone),
        [_, _, _, b',', ..] => weekday_comma(bytes),
        [_, _, _, b' ', ..] => weekday_blank(bytes, zone),
        _ => match whole_digits(bytes)? {
            ..=8 => None,
            9..=11 => number(bytes, 1, SMALLEST),
            12..=14 => number(bytes, 1_000, SMALLEST),
            15..=17 => number(bytes, 1_000_000, SMALLEST),
            _ => number(bytes, 1_000_000_000, SMALLEST),
        },
    }
}

/// A whole number of the unit that goes `unit` to a second, with a fraction or without, not below `least` seconds.
#[inline]
fn number(bytes: &[u8], unit: u64, least: i64) -> Option<Timestamp> {
    let whole = whole_digits(bytes)?;
    if bytes[whole..].first() == Some(&b',') || fraction(&bytes[whole..])? != bytes.len() - whole {
        return None;
    }
    // Nineteen digits cannot overflow: 10^19 < 2^64. Zeros in front are nobody's way to write a time.
    if whole > 19 || (whole > 1 && bytes[0] == b'0') {
        return None;
    }
    let value = bytes[..whole].iter().fold(0u64, |sum, byte| sum * 10 + u64::from(byte - b'0'));
    // The quotient fits: u64::MAX / 1 may not, so it is held to what i64 has before `in_reach` judges it.
    in_reach((value / unit).min(i64::MAX as u64) as i64).filter(|time| time.0 >= least)
}

/// How many digits `bytes` begin with; `None` if none.
#[inline]
fn whole_digits(bytes: &[u8]) -> Option<usize> {
    let count = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (count > 0).then_some(count)
}

/// The length of the fraction that `bytes` begin with: nothing, or a point or comma and one to nine digits.
#[inline]
pub(super) fn fraction(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [b'.' | b',', rest @ ..] => whole_digits(rest).filter(|&count| count <= 9).map(|count| count + 1),
        _ => Some(0),
    }
}

/// `Nov 21 10:00:00` or `Nov  1 10:00:00` → month, day of the month, second of the day.
pub(super) fn month_first(text: &[u8]) -> Option<(u32, u32, u32)> {
    let text: &[u8; 15] = text.try_into().ok()?;
    let (time, time_off) = TIME.read(text, 7);
    if time_off != 0 || text[3] != b' ' || text[6] != b' ' {
        return None;
    }
    let day = digits(if text[4] == b' ' { &text[5..6] } else { &text[4..6] })?;
    Some((month(&text[..3])?, day, second_of_day(time)?))
}

/// A local date and second of the day → UTC, by the written offset or the zone.
#[inline]
pub(super) fn local(date: Date, second: u32, east: Option<i32>, zone: &Zone) -> Option<Timestamp> {
    let local = date.days() * DAY + i64::from(second);
    in_reach(match east {
        Some(east) => local - i64::from(east),
        None => zone.to_utc(local),
    })
}

#[inline]
fn in_reach(seconds: i64) -> Option<Timestamp> {
    (0..=Timestamp::LAST.0).contains(&seconds).then_some(Timestamp(seconds))
}

/// The second of the day of digits in [`TIME`]'s places; a leap second is the one before it.
#[inline]
fn second_of_day(time: u64) -> Option<u32> {
    let (hour, minute, second) = (pair(time, 0), pair(time, 3), pair(time, 6));
    (hour < 24 && minute < 60 && second <= 60).then(|| hour * 3600 + minute * 60 + second.min(59))
}

/// The month of three letters.
#[inline]
fn month(name: &[u8]) -> Option<u32> {
    let name = u32::from_le_bytes([name[0], name[1], name[2], 0]);
    let (key, month) = MONTHS[month_slot(name)];
    (key == name).then_some(month)
}

fn is_weekday(name: &[u8], date: Date) -> bool {
    name == [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"][date.weekday() as usize]
}

pub(super) fn digits(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0')))
}

/// The two digits at place `at` of eight, of what [`Shape::read`] gave.
#[inline]
fn pair(pairs: u64, at: u32) -> u32 {
    (pairs >> (8 * at)) as u32 & 0xff
}

/// Eight bytes as they must be.
#[derive(Clone, Copy)]
struct Shape {
    /// What turns digits to their values and literals to zero.
    flip: u64,
    /// What lifts a byte that does not fit to 0x80: 0x76 at a digit, 0x7f at a literal.
    lift: u64,
    /// The bytes that are looked at.
    mask: u64,
}

impl Shape {
    /// `0` stands for any digit, `*` for any byte, all else for itself.
    const fn new(text: &[u8; 8]) -> Shape {
        let (mut flip, mut lift, mut mask) = ([0; 8], [0; 8], [0; 8]);
        let mut i = 0;
        while i < 8 {
            (flip[i], lift[i], mask[i]) = match text[i] {
                b'*' => (0, 0, 0),
                b'0' => (b'0', 0x76, 0xff),
                literal => (literal, 0x7f, 0xff),
            };
            i += 1;
        }
        Shape { flip: u64::from_le_bytes(flip), lift: u64::from_le_bytes(lift), mask: u64::from_le_bytes(mask) }
    }

    /// For each place the number that its digit and the next one write, and zero if all that is looked at fits.
    #[inline]
    fn read<const N: usize>(self, bytes: &[u8; N], at: usize) -> (u64, u64) {
        let eight = bytes[at..at + 8].try_into().expect("eight bytes");
        let values = (u64::from_le_bytes(eight) ^ self.flip) & self.mask;
        // A byte above 0x89 carries into the next one, but then has its own high bit in `values`.
        let off = (values.wrapping_add(self.lift) | values) & 0x8080_8080_8080_8080;
        // Where all fits no digit is above 9, so that no place carries into the next.
        (values.wrapping_mul(10).wrapping_add(values >> 8), off)
    }
}

const TIME: Shape = Shape::new(b"00:00:00");
const DASHED: Shape = Shape::new(b"0000-00-");
const SLASHED: Shape = Shape::new(b"0000/00/");

/// 1973-03-03, the first day whose seconds have nine digits.
const SMALLEST: i64 = 100_000_000;

/// A slot of its own for each of the twelve names (the multiplier was searched for).
const fn month_slot(name: u32) -> usize {
    (name.wrapping_mul(0x67e5) >> 28) as usize
}

const MONTHS: [(u32, u32); 16] = {
    let names = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let mut table = [(0, 0); 16];
    let mut i = 0;
    while i < 12 {
        let name = u32::from_le_bytes([names[3 * i], names[3 * i + 1], names[3 * i + 2], 0]);
        assert!(table[month_slot(name)].1 == 0);
        table[month_slot(name)] = (name, i as u32 + 1);
        i += 1;
    }
    table
};

#[cfg(test)]
mod tests;
