//! An event of the Forward protocol as one line of JSON.

use super::pack::{Reader, Value};
use crate::{
    input::intake::Reason,
    time::{Date, Timestamp},
};

/// When an event happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    at: Timestamp,
    nanoseconds: u32,
}

impl Moment {
    /// Seconds, or EventTime: an extension of type 0 with seconds and nanoseconds. `None`: outside the years that can be
    /// written, and then the line has no time of the event.
    fn of(value: Value<'_>) -> Result<Option<Moment>, Reason> {
        let (seconds, nanoseconds) = match value {
            Value::Int(seconds) => (seconds, 0),
            Value::UInt(_) => return Ok(None),
            Value::Single(seconds) => split(seconds.into()),
            Value::Double(seconds) => split(seconds),
            Value::Extension(0, &[a, b, c, d, e, f, g, h]) => {
                (u32::from_be_bytes([a, b, c, d]).into(), u32::from_be_bytes([e, f, g, h]))
            }
            Value::Nil
            | Value::Bool(_)
            | Value::Text(_)
            | Value::Binary(_)
            | Value::Array(_)
            | Value::Map(_)
            | Value::Extension(..) => return Err(Reason::Shape),
        };
        let first = Date::from_days(i64::MIN / 4).start();
        let is_real = (first.0..=Timestamp::LAST.0).contains(&seconds) && nanoseconds < 1_000_000_000;
        Ok(is_real.then_some(Moment { at: Timestamp(seconds), nanoseconds }))
    }

    /// `2026-11-21T10:00:00.000000000Z`
    fn write(self, out: &mut Vec<u8>) {
        let date = self.at.date();
        let second = self.at.0.rem_euclid(86_400) as u32;
        number(date.year(), 4, out);
        for (mark, part) in [
            (b'-', date.month()),
            (b'-', date.day()),
            (b'T', second / 3600),
            (b':', second / 60 % 60),
            (b':', second % 60),
        ] {
            out.push(mark);
            number(part, 2, out);
        }
        out.push(b'.');
        number(self.nanoseconds, 9, out);
        out.push(b'Z');
    }
}

fn split(seconds: f64) -> (i64, u32) {
    let whole = seconds.floor();
    // Out of bounds, or no number, it becomes a time that cannot be written.
    if !whole.is_finite() {
        return (i64::MAX, 0);
    }
    (whole as i64, (((seconds - whole) * 1e9) as u32).min(999_999_999))
}

fn number(mut value: u32, digits: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + digits, b'0');
    for digit in out[start..].iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// `[time, record]`, or `[[time, metadata], record]` as Fluent Bit has it, whose metadata is left out.
pub(super) fn begin(reader: &mut Reader<'_>) -> Result<Option<Moment>, Reason> {
    match reader.next()? {
        Value::Array(2) => {}
        _ => return Err(Reason::Shape),
    }
    moment(reader)
}

/// The time that an event begins with.
pub(super) fn moment(reader: &mut Reader<'_>) -> Result<Option<Moment>, Reason> {
    match reader.next()? {
        Value::Array(2) => {
            let moment = Moment::of(reader.next()?)?;
            reader.skip()?;
            Ok(moment)
        }
        value => Moment::of(value),
    }
}

/// Goes past a record, and makes sure that it can be written.
pub(super) fn check(reader: &mut Reader<'_>) -> Result<(), Reason> {
    let mut inside = Reader::new(reader.skip()?);
    match inside.next()? {
        Value::Map(pairs) => {
            for _ in 0..pairs {
                is_key(inside.next()?)?;
                check_value(&mut inside)?;
            }
            Ok(())
        }
        _ => Err(Reason::Shape),
    }
}

/// Its depth is bounded, because the message was scanned.
fn check_value(reader: &mut Reader<'_>) -> Result<(), Reason> {
    match reader.next()? {
        Value::Array(count) => (0..count).try_for_each(|_| check_value(reader)),
        Value::Map(pairs) => (0..pairs).try_for_each(|_| {
            is_key(reader.next()?)?;
            check_value(reader)
        }),
        _ => Ok(()),
    }
}

/// A key is whatever can be written as one text.
fn is_key(value: Value<'_>) -> Result<(), Reason> {
    match value {
        Value::Array(_) | Value::Map(_) | Value::Extension(..) => Err(Reason::Shape),
        Value::Nil
        | Value::Bool(_)
        | Value::Int(_)
        | Value::UInt(_)
        | Value::Single(_)
        | Value::Double(_)
        | Value::Text(_)
        | Value::Binary(_) => Ok(()),
    }
}

/// Writes a record: its members in their order, then the time and the tag where it has none of its own. No line feed.
pub(super) fn write(
    reader: &mut Reader<'_>,
    moment: Option<Moment>,
    tag: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Reason> {
    let Value::Map(pairs) = reader.next()? else { return Err(Reason::Shape) };
    let (mut has_time, mut has_tag) = (false, false);
    out.push(b'{');
    for at in 0..pairs {
        if at > 0 {
            out.push(b',');
        }
        let name = reader.next()?;
        if let Value::Text(name) | Value::Binary(name) = name {
            has_time |= matches!(name, b"time" | b"@timestamp" | b"timestamp");
            has_tag |= name == b"tag";
        }
        key(name, out)?;
        value(reader, out)?;
    }
    if let (false, Some(moment)) = (has_time, moment) {
        out.extend_from_slice(if pairs > 0 { b",\"time\":\"" } else { b"\"time\":\"" });
        moment.write(out);
        out.push(b'"');
    }
    if !has_tag {
        if out.last() != Some(&b'{') {
            out.push(b',');
        }
        out.extend_from_slice(b"\"tag\":");
        text(tag, out);
    }
    out.push(b'}');
    Ok(())
}

fn key(name: Value<'_>, out: &mut Vec<u8>) -> Result<(), Reason> {
    is_key(name)?;
    if let Value::Text(bytes) | Value::Binary(bytes) = name {
        text(bytes, out);
    } else {
        out.push(b'"');
        scalar(name, out);
        out.push(b'"');
    }
    out.push(b':');
    Ok(())
}

fn value(reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Result<(), Reason> {
    match reader.next()? {
        Value::Array(count) => {
            out.push(b'[');
            for at in 0..count {
                if at > 0 {
                    out.push(b',');
                }
                value(reader, out)?;
            }
            out.push(b']');
        }
        Value::Map(pairs) => {
            out.push(b'{');
            for at in 0..pairs {
                if at > 0 {
                    out.push(b',');
                }
                key(reader.next()?, out)?;
                value(reader, out)?;
            }
            out.push(b'}');
        }
        Value::Text(bytes) | Value::Binary(bytes) => text(bytes, out),
        Value::Extension(0, bytes) if bytes.len() == 8 => match Moment::of(Value::Extension(0, bytes))? {
            Some(moment) => {
                out.push(b'"');
                moment.write(out);
                out.push(b'"');
            }
            None => out.extend_from_slice(b"null"),
        },
        other => scalar(other, out),
    }
    Ok(())
}

/// What is no text and holds no values. What JSON cannot say is null.
fn scalar(value: Value<'_>, out: &mut Vec<u8>) {
    let written = match value {
        Value::Bool(true) => return out.extend_from_slice(b"true"),
        Value::Bool(false) => return out.extend_from_slice(b"false"),
        Value::Int(number) => serde_json::to_writer(&mut *out, &number),
        Value::UInt(number) => serde_json::to_writer(&mut *out, &number),
        // Infinite ones and those that are no number become null.
        Value::Single(number) => serde_json::to_writer(&mut *out, &number),
        Value::Double(number) => serde_json::to_writer(&mut *out, &number),
        Value::Nil | Value::Text(_) | Value::Binary(_) | Value::Array(_) | Value::Map(_) | Value::Extension(..) => {
            return out.extend_from_slice(b"null");
        }
    };
    written.expect("writing to memory cannot fail");
}

/// Text in quotes on one line; what is no UTF-8 becomes U+FFFD.
fn text(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for chunk in bytes.utf8_chunks() {
        escape(chunk.valid().as_bytes(), out);
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
    out.push(b'"');
}

fn escape(text: &[u8], out: &mut Vec<u8>) {
    let mut done = 0;
    for (at, &byte) in text.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&text[done..at]);
        done = at + 1;
        out.push(b'\\');
        match byte {
            b'"' | b'\\' => out.push(byte),
            b'\n' => out.push(b'n'),
            b'\r' => out.push(b'r'),
            b'\t' => out.push(b't'),
            _ => out.extend_from_slice(&[b'u', b'0', b'0', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]),
        }
    }
    out.extend_from_slice(&text[done..]);
}

const HEX: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use rmp::encode as pack;

    fn line(event: &[u8]) -> Result<String, Reason> {
        let mut reader = Reader::new(event);
        let at = begin(&mut reader)?;
        let mut checked = reader;
        let fits = check(&mut checked);
        let mut out = Vec::new();
        let written = write(&mut reader, at, b"app.\"x\"", &mut out);
        assert_eq!(fits.is_ok(), written.is_ok());
        fits?;
        assert_eq!(checked.rest(), reader.rest());
        Ok(String::from_utf8(out).unwrap())
    }

    fn event(pairs: u32) -> Vec<u8> {
        let mut out = vec![0x92, 0xd7, 0x00];
        out.extend_from_slice(&1_795_255_200u32.to_be_bytes());
        out.extend_from_slice(&7u32.to_be_bytes());
        pack::write_map_len(&mut out, pairs).unwrap();
        out
    }

    #[test]
    fn the_time_and_the_tag_follow_where_the_record_has_none() {
        let mut out = event(1);
        pack::write_str(&mut out, "log").unwrap();
        pack::write_str(&mut out, "GET /\n").unwrap();
        let time = "2026-11-21T10:00:00.000000007Z";
        assert_eq!(line(&out).unwrap(), format!(r#"{{"log":"GET /\n","time":"{time}","tag":"app.\"x\""}}"#));
        assert_eq!(line(&event(0)).unwrap(), format!(r#"{{"time":"{time}","tag":"app.\"x\""}}"#));
        for name in ["time", "@timestamp", "timestamp"] {
            let mut out = event(2);
            for text in [name, "then", "tag", "own"] {
                pack::write_str(&mut out, text).unwrap();
            }
            assert_eq!(line(&out).unwrap(), format!(r#"{{"{name}":"then","tag":"own"}}"#));
        }
    }

    #[test]
    fn every_kind_of_value_is_written_and_what_json_lacks_is_null() {
        let mut out = event(11);
        let mut named = |name: &str, value: &[u8]| {
            pack::write_str(&mut out, name).unwrap();
            out.extend_from_slice(value);
        };
        named("a", b"\xc0");
        named("b", b"\xcb\x7f\xf8\0\0\0\0\0\0");
        named("c", b"\xcb\x3f\xf8\0\0\0\0\0\0");
        named("d", b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff");
        named("e", b"\x93\x01\xff\xc3");
        named("f", b"\x82\xa1x\x80\x05\x90");
        named("g", b"\xc4\x03a\xffb");
        named("h", b"\xa4\x00\"\\\x1f");
        named("i", b"\xd4\x05x");
        named("j", b"\xd7\0\0\0\0\x01\0\0\0\0");
        named("a", b"\xc2");
        let written = line(&out).unwrap();
        let (front, _) = written.split_once(",\"time\"").unwrap();
        assert_eq!(
            front,
            "{\"a\":null,\"b\":null,\"c\":1.5,\"d\":18446744073709551615,\"e\":[1,-1,true],\"f\":{\"x\":{},\"5\":[]},\
             \"g\":\"a\u{fffd}b\",\"h\":\"\\u0000\\\"\\\\\\u001f\",\"i\":null,\"j\":\"1970-01-01T00:00:01.000000000Z\",\"a\":false"
        );
        assert!(serde_json::from_str::<serde_json::Value>(&written).is_ok());
    }

    #[test]
    fn times_of_every_sort_are_read() {
        let time = |bytes: &[u8]| {
            let event = [&[0x92], bytes, &[0x80]].concat();
            line(&event).map(|line| line.split('"').nth(3).unwrap().to_owned())
        };
        let seconds = [&[0xce][..], &1_795_255_200u32.to_be_bytes()].concat();
        assert_eq!(time(&seconds).unwrap(), "2026-11-21T10:00:00.000000000Z");
        assert_eq!(time(b"\xcb\x3f\xf8\0\0\0\0\0\0").unwrap(), "1970-01-01T00:00:01.500000000Z");
        assert_eq!(time(b"\x92\xd7\0\0\0\0\x01\0\0\0\x02\x80").unwrap(), "1970-01-01T00:00:01.000000002Z");
        // One that cannot be written is left out.
        assert_eq!(time(b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff").unwrap(), "app.\\");
        assert_eq!(time(b"\xcb\x7f\xf0\0\0\0\0\0\0").unwrap(), "app.\\");
        for bytes in [&b"\xa1x"[..], b"\xc0", b"\xd4\0x", b"\x80"] {
            assert_eq!(time(bytes), Err(Reason::Shape));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn any_text_is_one_line_of_json_that_says_it(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut out = Vec::new();
            text(&bytes, &mut out);
            prop_assert!(!out.contains(&b'\n'));
            let read: String = serde_json::from_slice(&out).unwrap();
            prop_assert_eq!(read, String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn no_event_is_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let event = [&[0x92, 0x01][..], &bytes].concat();
            if let Ok(line) = line(&event) {
                prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(&line).is_ok());
            }
        }
    }
}
