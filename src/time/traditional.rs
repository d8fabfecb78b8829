//! The times of syslog: `Nov 21 10:00:00` and what its many writers made of it.
//!
//! | written | by |
//! |---|---|
//! | `Nov 21 10:00:00`, `Nov  1 10:00:00`, `Nov 1 10:00:00` | RFC 3164, and those who do not pad the day |
//! | `Nov 21 2026 10:00:00` | Cisco ASA, and routers told to log the year |
//! | `2026 Nov 21 10:00:00` | Cisco NX-OS |
//!
//! each with a fraction or without, and with a zone or without: an offset, or a name that is known. A name that says
//! different things in different countries is taken for the source's zone.

use super::{
    DAY, Date, Timestamp, Zone,
    clock::{digits, fraction, local, month_first},
    zone::offset,
};

/// The point in time that such a time writes, to the last byte.
///
/// A missing year is the latest that puts it not more than a day after `reference`.
pub fn parse_rfc3164(bytes: &[u8], reference: Timestamp, zone: &Zone) -> Option<Timestamp> {
    let time = read(bytes).filter(|time| time.length == bytes.len())?;
    let at = |year| local(Date::new(year, time.month, time.day)?, time.second, time.east, zone);
    if let Some(year) = time.year {
        return at(year);
    }
    let latest = reference.0.saturating_add(DAY);
    // A zone may be a year ahead of UTC; leap days are up to eight years apart.
    let year = Timestamp(latest).date().year() + 1;
    (year.saturating_sub(9)..=year.min(9999)).rev().filter_map(at).find(|time| time.0 <= latest)
}

/// How long the time is that `bytes` begin with.
#[inline]
pub fn rfc3164_length(bytes: &[u8]) -> Option<usize> {
    read(bytes).map(|time| time.length)
}

/// Where the time of the day stands in such a time.
pub fn rfc3164_time_at(bytes: &[u8]) -> Option<usize> {
    read(bytes).map(|time| time.time_at)
}

/// What is written, before a year is found.
struct Written {
    year: Option<u32>,
    month: u32,
    day: u32,
    second: u32,
    east: Option<i32>,
    time_at: usize,
    length: usize,
}

fn read(bytes: &[u8]) -> Option<Written> {
    // `Nov 21 10:00:00` is put together from where its parts stand.
    let mut text = *b"             00";
    let (year, at) = match bytes.first()? {
        b'0'..=b'9' => (Some(year(bytes)?), 5),
        _ => (None, 0),
    };
    let date = bytes.get(at..at + 7)?;
    let (length, year) = match date {
        [_, _, _, b' ', b'0'..=b'9', b' ', _] => {
            text[..4].copy_from_slice(&date[..4]);
            text[5] = date[4];
            (6, year)
        }
        _ => {
            text[..7].copy_from_slice(date);
            (7, year)
        }
    };
    text[6] = b' ';
    if bytes[at + length - 1] != b' ' {
        return None;
    }
    let at = at + length;
    let (year, at) = match bytes.get(at + 2)? {
        b':' => (year, at),
        _ if year.is_none() => (Some(self::year(bytes.get(at..)?)?), at + 5),
        _ => return None,
    };
    text[7..].copy_from_slice(bytes.get(at..at + 8)?);
    let (month, day, second) = month_first(&text)?;
    let end = at + 8;
    let end = end + fraction(&bytes[end..])?;
    let (zone, east) = zone(&bytes[end..]);
    Some(Written { year, month, day, second, east, time_at: at, length: end + zone })
}

/// `2026 `
fn year(bytes: &[u8]) -> Option<u32> {
    let year = bytes.get(..5).filter(|year| year[4] == b' ')?;
    digits(&year[..4]).filter(|year| (1970..=9999).contains(year))
}

/// How long the zone is that `bytes` begin with, with the blank before it, and how far east of Greenwich it is.
fn zone(bytes: &[u8]) -> (usize, Option<i32>) {
    let ends = |at: usize| matches!(bytes.get(at), None | Some(b' ' | b':'));
    match bytes {
        [b'Z', ..] if ends(1) => return (1, Some(0)),
        [b'+' | b'-', ..] | [b' ', b'+' | b'-', ..] => {
            let start = usize::from(bytes[0] == b' ');
            for length in [6, 5] {
                let end = start + length;
                if let Some(east) = bytes.get(start..end).and_then(offset).filter(|_| ends(end)) {
                    return (end, Some(east));
                }
            }
        }
        [b' ', b'A'..=b'Z', ..] => {
            let length = bytes[1..].iter().take(6).take_while(|byte| byte.is_ascii_uppercase()).count();
            let name = &bytes[1..1 + length];
            if let Some((_, hours)) = NAMES.iter().find(|(known, _)| *known == name).filter(|_| ends(1 + length)) {
                return (1 + length, hours.map(|hours| hours * 3600));
            }
        }
        _ => {}
    }
    (0, None)
}

/// Names of zones and hours east of Greenwich. Closed: another word in capitals is a host.
const NAMES: &[(&[u8], Option<i32>)] = &[
    (b"UTC", Some(0)),
    (b"GMT", Some(0)),
    (b"WET", Some(0)),
    (b"WEST", Some(1)),
    (b"CET", Some(1)),
    (b"CEST", Some(2)),
    (b"EET", Some(2)),
    (b"EEST", Some(3)),
    (b"MSK", Some(3)),
    (b"JST", Some(9)),
    (b"EST", Some(-5)),
    (b"EDT", Some(-4)),
    (b"CDT", Some(-5)),
    (b"MST", Some(-7)),
    (b"MDT", Some(-6)),
    (b"PST", Some(-8)),
    (b"PDT", Some(-7)),
    (b"BST", None),
    (b"CST", None),
    (b"IST", None),
    (b"AEST", Some(10)),
    (b"AEDT", Some(11)),
    (b"NZST", Some(12)),
    (b"NZDT", Some(13)),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{record::Clock, time};

    fn point(text: &str) -> Timestamp {
        time::parse(Clock::Rfc3339, text.as_bytes(), &Zone::utc()).unwrap()
    }

    #[test]
    fn a_year_stands_before_or_behind_the_day_and_the_day_need_not_be_padded() {
        let reference = point("2026-11-22T00:00:00Z");
        for (text, expected) in [
            ("Nov 21 10:00:00", "2026-11-21T10:00:00Z"),
            ("Nov  1 10:00:00", "2026-11-01T10:00:00Z"),
            ("Nov 1 10:00:00", "2026-11-01T10:00:00Z"),
            ("Nov 21 2024 10:00:00", "2024-11-21T10:00:00Z"),
            ("Nov 1 2024 10:00:00.123", "2024-11-01T10:00:00Z"),
            ("Nov  1 2024 10:00:00,123", "2024-11-01T10:00:00Z"),
            ("2024 Nov 21 10:00:00", "2024-11-21T10:00:00Z"),
            ("2024 Nov  1 10:00:00.123 UTC", "2024-11-01T10:00:00Z"),
            ("Nov 21 10:00:00.123 CET", "2026-11-21T09:00:00Z"),
            ("Nov 21 10:00:00 +0100", "2026-11-21T09:00:00Z"),
            ("Nov 21 10:00:00+01:00", "2026-11-21T09:00:00Z"),
            ("Nov 21 2026 10:00:00 PST", "2026-11-21T18:00:00Z"),
            ("Nov 21 10:00:00Z", "2026-11-21T10:00:00Z"),
        ] {
            assert_eq!(parse_rfc3164(text.as_bytes(), reference, &Zone::utc()), Some(point(expected)), "{text}");
            assert_eq!(&text[rfc3164_time_at(text.as_bytes()).unwrap()..][..8], "10:00:00", "{text}");
            for behind in ["", " web1 su: x", ": %SYS-5-CONFIG_I: x"] {
                let line = format!("{text}{behind}");
                assert_eq!(rfc3164_length(line.as_bytes()), Some(text.len()), "{line}");
            }
        }
    }

    #[test]
    fn a_word_in_capitals_is_no_zone_and_what_is_no_time_is_none() {
        assert_eq!(rfc3164_length(b"Nov 21 10:00:00 MAIL sshd[1]: x"), Some(15));
        assert_eq!(rfc3164_length(b"Nov 21 10:00:00 CETUS x"), Some(15));
        assert_eq!(rfc3164_length(b"Nov 21 10:00:00 +4712345678 x"), Some(15));
        for text in [
            "",
            "Nov",
            "Nov 21",
            "Nov 21 10:00",
            "Nov 211 10:00:00",
            "Nov 21 1026 10:00:00",
            "2026 Nov 21 2026 10:00:00",
            "26 Nov 21 10:00:00",
            "Nox 21 10:00:00",
            "Nov 21 2026 10:00:0x",
            "Nov 21 10:00:00.",
            "Nov 32 2026",
        ] {
            assert_eq!(rfc3164_length(text.as_bytes()), None, "{text}");
        }
        // Any day of the month is taken for one; the calendar decides when the year is known.
        assert_eq!(parse_rfc3164(b"Feb 31 2026 10:00:00", Timestamp(0), &Zone::utc()), None);
    }
}
