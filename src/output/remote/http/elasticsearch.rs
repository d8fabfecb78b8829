//! Elasticsearch's and OpenSearch's bulk: each record is created under its id, so that a second one is refused as known.
//!
//! A line that is a JSON object is the document; any other becomes its member `message`. Data streams need `@timestamp`: it
//! is the parcel's time where the object has none. Source: Elasticsearch, Bulk API.

use super::{
    super::item::{Form, Item, quote, rfc3339, show, text},
    shape::{Fate, Verdict},
};
use serde::Deserialize;

/// The body of a request.
pub(super) fn body(items: &[Item<'_>], into: &mut Vec<u8>) {
    for item in items {
        into.extend_from_slice(b"{\"create\":{\"_id\":\"");
        show(item.id, into);
        into.extend_from_slice(b"\"}}\n");
        match Form::of(item.line, TIME) {
            Form::Object { named: true, .. } => into.extend_from_slice(item.line),
            Form::Object { named: false, empty } => {
                into.extend_from_slice(b"{\"@timestamp\":\"");
                rfc3339(item.at, into);
                into.extend_from_slice(if empty { b"\"" } else { b"\"," });
                into.extend_from_slice(&item.line[1..]);
            }
            Form::Text => {
                into.extend_from_slice(b"{\"@timestamp\":\"");
                rfc3339(item.at, into);
                into.extend_from_slice(b"\",\"message\":");
                quote(&text(item.line), into);
                into.push(b'}');
            }
        }
        into.push(b'\n');
    }
}

/// What the answer says of each record.
pub(super) fn verdict(body: &[u8], count: usize) -> Verdict {
    let Ok(bulk) = serde_json::from_slice::<Bulk>(body) else { return Verdict::Unknown };
    if bulk.items.len() != count {
        return Verdict::Unknown;
    }
    // 409: a record of this id is there already, from a sending before.
    let fate = |status: u16| if matches!(status, 200..=299 | 409) { Fate::Taken } else { Fate::Status(status) };
    let each: Vec<Fate> = bulk.items.iter().map(|item| fate(item.create.status)).collect();
    if each.iter().all(|fate| *fate == Fate::Taken) { Verdict::All } else { Verdict::Each(each) }
}

/// Small letters, digits, `.`, `_` and `-`, and it begins with none of the last three.
pub(super) fn is_index(name: &str) -> bool {
    name.len() <= 255
        && name.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte))
}

/// Of the answer we read this alone.
#[derive(Deserialize)]
struct Bulk {
    items: Vec<Done>,
}

#[derive(Deserialize)]
struct Done {
    create: Create,
}

#[derive(Deserialize)]
struct Create {
    status: u16,
}

const TIME: &str = "@timestamp";
