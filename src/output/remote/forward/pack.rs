//! Records as events: `[EventTime, map]` in MessagePack.
//!
//! A line that is a JSON object becomes that map; any other becomes the map's `message`. `sladd_id` is added at the end;
//! where the object has one already, the last one counts for those who take the last, and it is ours.

use super::super::item::{Form, Item, text};
use rmp::{Marker, decode, encode};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Appends one event.
pub(super) fn event(item: &Item<'_>, id: &[u8], into: &mut Vec<u8>) {
    // EventTime: the extension 0 of eight bytes, seconds and nanoseconds, big-endian.
    into.extend_from_slice(&[0x92, 0xd7, 0x00]);
    let (seconds, nanos) = (item.nanos / 1_000_000_000, item.nanos % 1_000_000_000);
    into.extend_from_slice(&u32::try_from(seconds).unwrap_or(u32::MAX).to_be_bytes());
    into.extend_from_slice(&(nanos as u32).to_be_bytes());
    let start = into.len();
    let is_object = matches!(Form::of(item.line, ""), Form::Object { .. });
    if !is_object || object(item.line, id, into).is_none() {
        into.truncate(start);
        encode::write_map_len(into, 2).expect(TAKES_ALL);
        string("message", into);
        string(&text(item.line), into);
        name_it(id, into);
    }
}

/// The chunk that an answer confirms.
pub(super) fn ack(mut answer: &[u8]) -> Option<&[u8]> {
    if decode::read_map_len(&mut answer).ok()? != 1 {
        return None;
    }
    let key = take_text(&mut answer)?;
    let value = take_text(&mut answer)?;
    (key == b"ack" && answer.is_empty()).then_some(value)
}

/// A string, or bytes where somebody writes strings so.
pub(super) fn take_text<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut rest = *from;
    let length = match decode::read_marker(&mut rest).ok()? {
        Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {
            rest = *from;
            decode::read_str_len(&mut rest).ok()?
        }
        Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => {
            rest = *from;
            decode::read_bin_len(&mut rest).ok()?
        }
        _ => return None,
    };
    let (text, rest) = rest.split_at_checked(length as usize)?;
    *from = rest;
    Some(text)
}

/// A string.
pub(super) fn string(text: &str, into: &mut Vec<u8>) {
    encode::write_str(into, text).expect(TAKES_ALL);
}

fn name_it(id: &[u8], into: &mut Vec<u8>) {
    string("sladd_id", into);
    encode::write_str_len(into, id.len() as u32).expect(TAKES_ALL);
    into.extend_from_slice(id);
}

/// A JSON object with one member more. Nothing where it is none, or deeper than [`MOST_DEPTH`]; `into` is then to be cut.
fn object(line: &[u8], id: &[u8], into: &mut Vec<u8>) -> Option<()> {
    let mut json = serde_json::Deserializer::from_slice(line);
    let value = Value { into, depth: 0, id: Some(id) };
    value.deserialize(&mut json).ok()?;
    json.end().ok()
}

/// A value of JSON, written as it is read.
struct Value<'v> {
    into: &'v mut Vec<u8>,
    depth: usize,
    /// For the outermost map.
    id: Option<&'v [u8]>,
}

impl Value<'_> {
    fn inner(&mut self) -> Value<'_> {
        Value { into: self.into, depth: self.depth + 1, id: None }
    }

    /// A place for how many there are, which is known at the end.
    fn open<E: serde::de::Error>(&mut self, marker: Marker) -> Result<usize, E> {
        if self.depth >= MOST_DEPTH {
            return Err(E::custom("too deep"));
        }
        self.into.push(marker.to_u8());
        self.into.extend_from_slice(&[0; 4]);
        Ok(self.into.len())
    }

    fn close(&mut self, place: usize, count: u32) {
        self.into[place - 4..place].copy_from_slice(&count.to_be_bytes());
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        encode::write_nil(self.into).expect(TAKES_ALL);
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        encode::write_bool(self.into, value).expect(TAKES_ALL);
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        encode::write_sint(self.into, value).expect(TAKES_ALL);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        encode::write_uint(self.into, value).expect(TAKES_ALL);
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        encode::write_f64(self.into, value).expect(TAKES_ALL);
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        string(value, self.into);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut values: A) -> Result<(), A::Error> {
        let (place, mut count) = (self.open(Marker::Array32)?, 0);
        while values.next_element_seed(self.inner())?.is_some() {
            count += 1;
        }
        self.close(place, count);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        let (place, mut count) = (self.open(Marker::Map32)?, 0);
        while members.next_key_seed(self.inner())?.is_some() {
            members.next_value_seed(self.inner())?;
            count += 1;
        }
        if let Some(id) = self.id {
            name_it(id, self.into);
            count += 1;
        }
        self.close(place, count);
        Ok(())
    }
}

const TAKES_ALL: &str = "a Vec takes all";
const MOST_DEPTH: usize = 32;
