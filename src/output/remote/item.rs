//! The records of parcels, one by one.

use crate::{
    encode::{Parcel, RecordId},
    time::{Date, Timestamp},
};
use flate2::{Compression, write::GzEncoder};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use std::{borrow::Cow, fmt, io::Write};

/// One record on its way.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    /// The same whenever it is sent.
    pub id: RecordId,
    /// Without its end; never empty.
    pub line: &'a [u8],
    /// When its parcel was minimised.
    pub at: Timestamp,
    /// That time in nanoseconds since 1970, and a number that no other record of that second has.
    pub nanos: u64,
}

/// All records of some parcels, and for each parcel how many records it and those before it have.
pub(super) struct Items<'a> {
    pub all: Vec<Item<'a>>,
    pub ends: Vec<usize>,
}

/// Numbers the records of a second, so that two that are equal stay two where receivers merge what is equal.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Numbering {
    second: Option<Timestamp>,
    next: u64,
}

/// What a line is where JSON is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A JSON object in UTF-8; whether it has a member of the name that was asked for, and whether it has any.
    Object { named: bool, empty: bool },
    /// Something else.
    Text,
}

impl Item<'_> {
    /// How many records from the front have so many bytes at most; at least one.
    pub fn fitting(items: &[Item<'_>], most: usize) -> usize {
        let mut sum = 0;
        let over = items.iter().position(|item| {
            sum += item.line.len() + 1;
            sum > most
        });
        over.unwrap_or(items.len()).max(1)
    }
}

impl<'a> Items<'a> {
    /// Those of `parcels`. The numbering goes on from where those that are acknowledged ended.
    pub fn new(parcels: &[Parcel<'a>], mut numbering: Numbering) -> Items<'a> {
        let (mut all, mut ends) = (Vec::new(), Vec::with_capacity(parcels.len()));
        for parcel in parcels {
            for (id, line) in parcel.records() {
                let nanos = numbering.next(parcel.at(), &id);
                all.push(Item { id, line, at: parcel.at(), nanos });
            }
            ends.push(all.len());
        }
        Items { all, ends }
    }

    /// How many parcels are done when the first `done` records are.
    pub fn parcels(&self, done: usize) -> usize {
        self.ends.iter().take_while(|&&end| end <= done).count()
    }
}

impl Numbering {
    /// Where the numbering stands behind these.
    pub fn after(mut self, items: &[Item<'_>]) -> Numbering {
        if let Some(last) = items.last() {
            let start = last.at.0.max(0) as u64 * SECOND;
            self = Numbering { second: Some(last.at), next: last.nanos - start + 1 };
        }
        self
    }

    fn next(&mut self, at: Timestamp, id: &RecordId) -> u64 {
        if self.second != Some(at) {
            // An earlier run may have sent records of the first second already. It began at 0 or, likewise, at a place of
            // its own; the place follows from the first record, so that the same sending again has the same numbers.
            self.next = if self.second.is_none() { SECOND / 2 + place(id) % (SECOND * 2 / 5) } else { 0 };
            self.second = Some(at);
        }
        let number = self.next.min(SECOND - 1);
        self.next += 1;
        at.0.clamp(0, LAST_SECOND) as u64 * SECOND + number
    }
}

impl Form {
    /// Of a line; `name` is asked for among the members of an object.
    pub fn of(line: &[u8], name: &str) -> Form {
        if line.first() != Some(&b'{') || std::str::from_utf8(line).is_err() {
            return Form::Text;
        }
        let mut json = serde_json::Deserializer::from_slice(line);
        let form = (&mut json).deserialize_map(Members(name));
        match form {
            Ok(form) if json.end().is_ok() => form,
            _ => Form::Text,
        }
    }
}

struct Members<'n>(&'n str);

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Form;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Form, A::Error> {
        let (mut named, mut empty) = (false, true);
        while let Some(key) = members.next_key::<Cow<'de, str>>()? {
            (named, empty) = (named | (key == self.0), false);
            members.next_value::<IgnoredAny>()?;
        }
        Ok(Form::Object { named, empty })
    }
}

/// A line as text; bytes that are none are replaced.
pub(super) fn text(line: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(line)
}

/// Text as a string of JSON.
pub(super) fn quote(text: &str, into: &mut Vec<u8>) {
    serde_json::to_writer(into, text).expect("text is a string of JSON, and a Vec takes all");
}

/// What can be shown, at the end of `into`. For numbers and ids.
pub(super) fn show(what: impl fmt::Display, into: &mut Vec<u8>) {
    write!(into, "{what}").expect("a Vec takes all");
}

/// A line as a JSON object: as it is, or as its member `message`.
pub(super) fn object(line: &[u8], into: &mut Vec<u8>) {
    match Form::of(line, "") {
        Form::Object { .. } => into.extend_from_slice(line),
        Form::Text => {
            into.extend_from_slice(b"{\"message\":");
            quote(&text(line), into);
            into.push(b'}');
        }
    }
}

/// Bytes in gzip, into an empty buffer.
pub(super) fn gzip(bytes: &[u8], into: &mut Vec<u8>) {
    into.clear();
    let mut packer = GzEncoder::new(into, Compression::fast());
    packer.write_all(bytes).and_then(|()| packer.try_finish()).expect("a Vec takes all");
}

/// `2026-11-21T12:00:00Z`
pub(super) fn rfc3339(at: Timestamp, into: &mut Vec<u8>) {
    let seconds = at.0.rem_euclid(DAY_SECONDS);
    into.extend_from_slice(&Date::from_days(at.0.div_euclid(DAY_SECONDS)).text());
    show(format_args!("T{:02}:{:02}:{:02}Z", seconds / 3600, seconds / 60 % 60, seconds % 60), into);
}

/// A number that follows from an id.
fn place(id: &RecordId) -> u64 {
    let id = id.to_string();
    u64::from_str_radix(&id[..12], 16).expect("an id begins with hexadecimal digits")
}

const SECOND: u64 = 1_000_000_000;
const DAY_SECONDS: i64 = 86_400;
/// The last whose nanoseconds fit 63 bits.
const LAST_SECOND: i64 = 9_223_372_035;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_a_whole_object_in_utf_8_is_one() {
        let form = |line: &[u8]| Form::of(line, "@timestamp");
        assert_eq!(form(b"{\"a\":[1,{\"@timestamp\":2}]}"), Form::Object { named: false, empty: false });
        assert_eq!(form(b"{\"\\u0040timestamp\": 1}"), Form::Object { named: true, empty: false });
        assert_eq!(form(b"{ }"), Form::Object { named: false, empty: true });
        for wrong in [&b""[..], b"[1]", b"{", b"{}x", b"{\"a\":\"\xff\"}", b" {}", b"{'a':1}", b"text", b"{\"a\":01}"] {
            assert_eq!(form(wrong), Form::Text);
        }
        assert_eq!(form("{\"a\":".repeat(100_000).as_bytes()), Form::Text);
    }

    #[test]
    fn a_time_is_written_as_rfc_3339() {
        let mut text = Vec::new();
        rfc3339(Timestamp(1_795_262_461), &mut text);
        rfc3339(Timestamp(-1), &mut text);
        assert_eq!(text, b"2026-11-21T12:01:01Z1969-12-31T23:59:59Z");
    }
}
