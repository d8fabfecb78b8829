#![allow(clippy::unwrap_used)]

use super::*;
use Clock::{Any, Clf, EpochMicros, EpochMillis, EpochNanos, EpochSeconds, Partial, Rfc3339};
use proptest::prelude::{ProptestConfig, prop_assert_eq, prop_assume, proptest};

fn utc(clock: Clock, text: &str) -> Option<i64> {
    parse(clock, text.as_bytes(), &Zone::utc()).map(|time| time.0)
}

/// By jiff, from RFC 3339. It ends a day before us.
fn point(text: &str) -> i64 {
    if let Some(rest) = text.strip_prefix("9999-12-31") {
        return point(&format!("9999-12-29{rest}")) + 2 * DAY;
    }
    text.parse::<jiff::Timestamp>().unwrap().as_second()
}

#[test]
fn a_time_in_every_form_is_read() {
    for (clock, text, expected) in [
        (Clf, "10/Oct/2000:13:55:36 -0700", "2000-10-10T20:55:36Z"),
        (Clf, "21/Nov/2026:10:00:00 +0100", "2026-11-21T09:00:00Z"),
        (Clf, "01/Jan/1970:00:00:00 +0000", "1970-01-01T00:00:00Z"),
        (Clf, "31/Dec/9999:23:59:59 +0000", "9999-12-31T23:59:59Z"),
        (Clf, "29/Feb/2028:12:00:00 +0545", "2028-02-29T06:15:00Z"),
        (Clf, "31/Dec/2016:23:59:60 +0000", "2016-12-31T23:59:59Z"),
        (Clf, "01/Mar/2026:00:30:00 +0930", "2026-02-28T15:00:00Z"),
        (Rfc3339, "2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z"),
        (Rfc3339, "2026-11-21T10:00:00+01:00", "2026-11-21T09:00:00Z"),
        (Rfc3339, "2026-11-21t10:00:00z", "2026-11-21T10:00:00Z"),
        (Rfc3339, "2026-11-21 10:00:00", "2026-11-21T10:00:00Z"),
        (Rfc3339, "2026-11-21T10:00:00", "2026-11-21T10:00:00Z"),
        (Rfc3339, "2026-11-21 10:00:00,123", "2026-11-21T10:00:00Z"),
        (Rfc3339, "2026-11-21T10:00:00.1Z", "2026-11-21T10:00:00Z"),
        (Rfc3339, "2026-11-21T10:00:00.123456789-00:30", "2026-11-21T10:30:00Z"),
        (Rfc3339, "2026-11-21T10:00:00.000+0100", "2026-11-21T09:00:00Z"),
        (Rfc3339, "2026-11-21 10:00:00.123 +0100", "2026-11-21T09:00:00Z"),
        (Rfc3339, "2026-11-21 10:00:00 UTC", "2026-11-21T10:00:00Z"),
        (Rfc3339, "2026-11-21 10:00:00.5+01", "2026-11-21T09:00:00Z"),
        (Rfc3339, "2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
        (EpochSeconds, "0", "1970-01-01T00:00:00Z"),
        (EpochSeconds, "1795255200", "2026-11-21T10:00:00Z"),
        (EpochSeconds, "1795255200.123", "2026-11-21T10:00:00Z"),
        (EpochSeconds, "253402300799.999999999", "9999-12-31T23:59:59Z"),
        (EpochMillis, "1795255200999", "2026-11-21T10:00:00Z"),
        (EpochMicros, "1795255200999999", "2026-11-21T10:00:00Z"),
        (EpochNanos, "1795255200999999999", "2026-11-21T10:00:00Z"),
        (EpochMillis, "1795255200999.5", "2026-11-21T10:00:00Z"),
        (Any, "1795255200", "2026-11-21T10:00:00Z"),
        (Any, "1795255200.1234567", "2026-11-21T10:00:00Z"),
        (Any, "1795255200123", "2026-11-21T10:00:00Z"),
        (Any, "1795255200123.25", "2026-11-21T10:00:00Z"),
        (Any, "1795255200123456", "2026-11-21T10:00:00Z"),
        (Any, "1795255200123456789", "2026-11-21T10:00:00Z"),
        (Any, "21/Nov/2026:10:00:00 +0100", "2026-11-21T09:00:00Z"),
        (Any, "2026-11-21T10:00:00+01:00", "2026-11-21T09:00:00Z"),
        (Any, "2026-11-21T10:00:00.000+0100", "2026-11-21T09:00:00Z"),
        (Any, "2026/11/21 10:00:00", "2026-11-21T10:00:00Z"),
        (Any, "2026/11/21 10:00:00.123", "2026-11-21T10:00:00Z"),
        (Any, "Sat, 21 Nov 2026 10:00:00 GMT", "2026-11-21T10:00:00Z"),
        (Any, "Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"),
        (Any, "Sat, 21 Nov 2026 10:00:00 +0100", "2026-11-21T09:00:00Z"),
        (Any, "Sat Nov 21 10:00:00 2026", "2026-11-21T10:00:00Z"),
        (Any, "Sat Nov 21 10:00:00.123456 2026", "2026-11-21T10:00:00Z"),
        (Any, "Sun Nov  1 10:00:00 2026", "2026-11-01T10:00:00Z"),
    ] {
        assert_eq!(utc(clock, text), Some(point(expected)), "{clock:?} {text}");
    }
}

#[test]
fn what_is_not_a_time_to_the_last_byte_is_none() {
    for (clock, texts) in [
        (
            Clf,
            &[
                "",
                "-",
                "29/Feb/2026:10:00:00 +0000",
                "31/Apr/2026:10:00:00 +0000",
                "00/Jan/2026:10:00:00 +0000",
                "21/nov/2026:10:00:00 +0000",
                "21/Nox/2026:10:00:00 +0000",
                "21/Nov/2026:24:00:00 +0000",
                "21/Nov/2026:10:60:00 +0000",
                "21/Nov/2026:10:00:61 +0000",
                "21/Nov/2026:10:00:00 +2400",
                "21/Nov/2026:10:00:00 +0060",
                "21/Nov/2026:10:00:00  0000",
                "21/Nov/2026:10:00:00 +000",
                "21/Nov/2026:10:00:00 +00000",
                "21/Nov/2026:10:00:00",
                "[21/Nov/2026:10:00:00 +0000",
                "21/Nov/1969:10:00:00 +0000",
                "01/Jan/1970:00:00:00 +0001",
                "31/Dec/9999:23:59:59 -0001",
                "21-Nov-2026:10:00:00 +0000",
                "21/Nov/2026 10:00:00 +0000",
                "2:/Nov/2026:10:00:00 +0000",
                "1 /Nov/2026:10:00:00 +0000",
                "21/Nov/2026:10:00:00 +01:0",
                "21/Nov/0000:10:00:00 +0000",
                "2026-11-21T10:00:00Z",
                "29/Feb/2100:00:00:00 +0000",
            ][..],
        ),
        (
            Rfc3339,
            &[
                "",
                "2026-11-21",
                "2026-11-21T10:00",
                "2026-11-21T10:00:00.",
                "2026-11-21T10:00:00.Z",
                "2026-11-21T10:00:00.1234567890Z",
                "2026-11-21T10:00:00ZZ",
                "2026-11-21T10:00:00 Z",
                "2026-11-21T10:00:00+1",
                "2026-11-21T10:00:00+01:0",
                "2026-11-21T10:00:00+01:60",
                "2026-11-21T10:00:00+24:00",
                "2026-11-21T24:00:00Z",
                "2026-02-29T10:00:00Z",
                "2026-13-01T10:00:00Z",
                "2026-11-21_10:00:00Z",
                "2026-11-21T10:00:00x",
                "2026-11-21T10:00:00Z ",
                " 2026-11-21T10:00:00Z",
                "1969-12-31T23:59:59Z",
                "1970-01-01T00:00:00+00:01",
                "9999-12-31T23:59:59-00:01",
                "+026-11-21T10:00:00Z",
                "2026-11-21T10:00:00 ",
                "2026-11-21T10:00:00 MET",
                "2026/11/21 10:00:00",
                "2026-11-21T10:00:0:Z",
            ][..],
        ),
        (
            EpochSeconds,
            &[
                "",
                "-",
                "-1",
                "+1",
                "1.",
                ".5",
                "1e9",
                "0x10",
                "01",
                "1 ",
                " 1",
                "253402300800",
                "99999999999999999999",
                "18446744073709551616",
                "1795255200.1234567890",
                "1795255200,5",
                "1795255200.1.2",
            ][..],
        ),
        (EpochMillis, &["", "253402300800000", "1.", "-5"][..]),
        (EpochNanos, &["99999999999999999999"][..]),
        (Partial, &["10", "", "2026-11-21T10:00:00Z"][..]),
        (
            Any,
            &[
                "",
                "-",
                "0",
                "0.023",
                "99999999",
                "12345",
                "null",
                "true",
                "2026-11-21",
                "10:00:00",
                "yesterday",
                "Sun, 21 Nov 2026 10:00:00 GMT",
                "Sat, 21 Nov 2026 10:00:00",
                "Sat, 21 Nov 2026 10:00:00 CET",
                "Sat, 1 Nov 2026 10:00:00 GMT",
                "Sun Nov 21 10:00:00 2026",
                "Sat Nov 21 10:00:00 26",
                "Sat Nov 21 10:00:00.1234567890 2026",
                "Sat Nov 21 10:00:00 2026 ",
                "00000000001795255200",
                "1795255200x",
                "17952552001234567890",
                "2026/11-21 10:00:00",
                "\u{ff11}/Nov/2026:10:00:00 +0000",
            ][..],
        ),
    ] {
        for text in texts {
            assert_eq!(utc(clock, text), None, "{clock:?} {text:?}");
        }
    }
    for clock in [Clf, Rfc3339, EpochSeconds, EpochMillis, EpochMicros, EpochNanos, Partial, Any] {
        assert_eq!(parse(clock, &vec![b'1'; 65_536], &Zone::utc()), None);
        assert_eq!(parse(clock, &[0xff; 26], &Zone::utc()), None);
    }
}

#[test]
fn without_a_zone_the_sources_holds() {
    let oslo = Zone::named("Europe/Oslo").unwrap();
    for text in ["2026-07-01 10:00:00", "2026/07/01 10:00:00", "Wed Jul  1 10:00:00 2026"] {
        assert_eq!(parse(Any, text.as_bytes(), &oslo).unwrap().0, point("2026-07-01T08:00:00Z"), "{text}");
    }
    assert_eq!(parse(Any, b"2026-07-01T10:00:00Z", &oslo).unwrap().0, point("2026-07-01T10:00:00Z"));
    let east = Zone::named("+05:30").unwrap();
    assert_eq!(parse(Rfc3339, b"2026-07-01T10:00:00", &east).unwrap().0, point("2026-07-01T04:30:00Z"));
}

#[test]
fn a_missing_year_is_the_latest_not_more_than_a_day_ahead() {
    for (text, reference, expected) in [
        ("Nov 21 10:00:00", "2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z"),
        ("Nov 22 10:00:00", "2026-11-21T10:00:00Z", "2026-11-22T10:00:00Z"),
        ("Nov 22 10:00:01", "2026-11-21T10:00:00Z", "2025-11-22T10:00:01Z"),
        ("Dec 31 23:59:59", "2027-01-01T00:00:05Z", "2026-12-31T23:59:59Z"),
        ("Jan  1 00:00:05", "2026-12-31T23:59:59Z", "2027-01-01T00:00:05Z"),
        ("Jan 01 00:00:05", "2026-12-31T23:59:59Z", "2027-01-01T00:00:05Z"),
        ("Feb 29 12:00:00", "2026-11-21T10:00:00Z", "2024-02-29T12:00:00Z"),
        ("Feb 29 12:00:00", "2103-11-21T10:00:00Z", "2096-02-29T12:00:00Z"),
        ("Feb 29 12:00:00.125", "2028-03-01T10:00:00Z", "2028-02-29T12:00:00Z"),
        ("Dec 31 23:59:60", "2027-01-01T00:00:05Z", "2026-12-31T23:59:59Z"),
        ("Dec 31 23:00:00", "9999-12-31T23:30:00Z", "9999-12-31T23:00:00Z"),
    ] {
        let time = parse_rfc3164(text.as_bytes(), Timestamp(point(reference)), &Zone::utc());
        assert_eq!(time, Some(Timestamp(point(expected))), "{text} at {reference}");
    }
    let oslo = Zone::named("Europe/Oslo").unwrap();
    let reference = Timestamp(point("2026-12-31T23:30:00Z"));
    let time = parse_rfc3164(b"Jan  1 00:30:00", reference, &oslo);
    assert_eq!(time, Some(reference));
}

#[test]
fn an_rfc_3164_time_is_exact() {
    for text in [
        "",
        "Nov 21 10:00:0",
        "Nov 21 10:00:00 ",
        "Nov 31 10:00:00",
        "Feb 30 10:00:00",
        "nov 21 10:00:00",
        "Nov 2  10:00:00",
        "Nov   1 10:00:00",
        "Nov 21 24:00:00",
        "Nov 21T10:00:00",
        "Nov 00 10:00:00",
        "Nov 21 10:00:00.",
        "Nov 21 10:00:00.1234567890",
    ] {
        let reference = Timestamp(point("2026-11-21T10:00:00Z"));
        assert_eq!(parse_rfc3164(text.as_bytes(), reference, &Zone::utc()), None, "{text:?}");
    }
    assert_eq!(parse_rfc3164(b"Nov 21 10:00:00", Timestamp(0), &Zone::utc()), None);
    assert_eq!(parse_rfc3164(b"Jan  1 10:00:00", Timestamp(i64::MAX), &Zone::utc()).unwrap().date().year(), 9999);
    assert_eq!(parse_rfc3164(b"Jan  1 10:00:00", Timestamp(i64::MIN), &Zone::utc()), None);
}

/// The common log form, byte by byte.
fn clf_plainly(bytes: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() == 26 && text.is_ascii())?;
    let number = |from: usize, to: usize| digits(&bytes[from..to]);
    let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        .iter()
        .position(|name| *name == &text[3..6])?;
    for (at, byte) in [(2, b'/'), (6, b'/'), (11, b':'), (14, b':'), (17, b':'), (20, b' ')] {
        if bytes[at] != byte {
            return None;
        }
    }
    let date = Date::new(number(7, 11)?, month as u32 + 1, number(0, 2)?)?;
    let (hour, minute, second) = (number(12, 14)?, number(15, 17)?, number(18, 20)?);
    let east = offset(&bytes[21..])?;
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    local(date, hour * 3600 + minute * 60 + second.min(59), Some(east), &Zone::utc())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_written_time_is_read_as_jiff_wrote_it(second in 0i64..=253_402_214_400, east in -86_399i32 / 60..86_400 / 60) {
        let offset = jiff::tz::Offset::from_seconds(east * 60).unwrap();
        let zoned = jiff::Timestamp::from_second(second).unwrap().to_zoned(jiff::tz::TimeZone::fixed(offset));
        prop_assume!((1970..=9999).contains(&zoned.year()));
        for (clock, form) in [
            (Clf, "%d/%b/%Y:%H:%M:%S %z"),
            (Any, "%d/%b/%Y:%H:%M:%S %z"),
            (Rfc3339, "%Y-%m-%dT%H:%M:%S%:z"),
            (Rfc3339, "%Y-%m-%d %H:%M:%S.123%z"),
            (Any, "%Y-%m-%dT%H:%M:%S.000%z"),
            (Any, "%a, %d %b %Y %H:%M:%S %z"),
        ] {
            let text = zoned.strftime(form).to_string();
            prop_assert_eq!(utc(clock, &text), Some(second), "{}", text);
        }
        let zone = Zone::named(&zoned.strftime("%:z").to_string()).unwrap();
        for form in ["%Y/%m/%d %H:%M:%S", "%a %b %e %H:%M:%S %Y", "%Y-%m-%d %H:%M:%S"] {
            let text = zoned.strftime(form).to_string();
            prop_assert_eq!(parse(Any, text.as_bytes(), &zone), Some(Timestamp(second)), "{}", text);
        }
        let text = zoned.strftime("%b %e %H:%M:%S").to_string();
        prop_assert_eq!(parse_rfc3164(text.as_bytes(), Timestamp(second), &zone), Some(Timestamp(second)), "{}", text);
        prop_assert_eq!(utc(EpochSeconds, &second.to_string()), Some(second));
prop_assert_eq!(utc(EpochMillis, &(second * 1000 + 7).to_string()), Some(second));
    }

    #[test]
    fn the_fast_common_log_time_is_the_plain_one(second in 0i64..4_102_444_800, at in 0usize..26, byte: u8, length in 0usize..28) {
        let zoned = jiff::Timestamp::from_second(second).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
        let mut text = zoned.strftime("%d/%b/%Y:%H:%M:%S %z").to_string().into_bytes();
        prop_assert_eq!(clf(&text), clf_plainly(&text));
        text[at] = byte;
        prop_assert_eq!(clf(&text), clf_plainly(&text));
        text.resize(length, b'0');
        prop_assert_eq!(clf(&text), clf_plainly(&text));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..40), text in "[0-9A-Za-z/:, .+-]{0,32}") {
        for clock in [Clf, Rfc3339, EpochSeconds, EpochMillis, EpochMicros, EpochNanos, Partial, Any] {
            for bytes in [&bytes[..], text.as_bytes()] {
                let _ = parse(clock, bytes, &Zone::utc());
                let _ = parse_rfc3164(bytes, Timestamp(0), &Zone::utc());
            }
        }
    }
}
