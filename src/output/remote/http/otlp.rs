//! OpenTelemetry's logs over HTTP, as JSON.
//!
//! Source: OTLP specification 1.x (OTLP/HTTP, JSON encoding, partial success) and the semantic convention `log.record.uid`.

use super::{
    super::item::{Item, quote, show, text},
    shape::Verdict,
};
use serde::Deserialize;

/// The body of a request.
pub(super) fn body(resource: &[(String, String)], items: &[Item<'_>], into: &mut Vec<u8>) {
    into.extend_from_slice(b"{\"resourceLogs\":[{\"resource\":{\"attributes\":[");
    for (place, (name, value)) in resource.iter().enumerate() {
        into.extend_from_slice(if place > 0 { b",{\"key\":" } else { b"{\"key\":" });
        quote(name, into);
        into.extend_from_slice(b",\"value\":{\"stringValue\":");
        quote(value, into);
        into.extend_from_slice(b"}}");
    }
    into.extend_from_slice(b"]},\"scopeLogs\":[{\"scope\":{\"name\":\"sladd\"},\"logRecords\":[");
    for (place, item) in items.iter().enumerate() {
        into.extend_from_slice(if place > 0 { b",{" } else { b"{" });
        into.extend_from_slice(b"\"observedTimeUnixNano\":\"");
        show(item.nanos, into);
        into.extend_from_slice(b"\",\"body\":{\"stringValue\":");
        quote(&text(item.line), into);
        into.extend_from_slice(b"},\"attributes\":[{\"key\":\"log.record.uid\",\"value\":{\"stringValue\":\"");
        show(item.id, into);
        into.extend_from_slice(b"\"}}]}");
    }
    into.extend_from_slice(b"]}]}]}");
}

/// What the answer says: a partial success names how many were refused, and not which.
pub(super) fn verdict(body: &[u8], count: usize) -> Verdict {
    let Ok(answer) = serde_json::from_slice::<Answer>(body) else { return Verdict::Unknown };
    let rejected = answer.partial_success.and_then(|partial| partial.rejected);
    let rejected = match rejected {
        None => 0,
        Some(Number::Plain(number)) => number,
        // Numbers of 64 bits are written as strings.
        Some(Number::Text(number)) => match number.parse() {
            Ok(number) => number,
            Err(_) => return Verdict::Unknown,
        },
    };
    match rejected {
        0 => Verdict::All,
        // More than we sent is no count of ours.
        rejected if rejected > count as u64 => Verdict::Unknown,
        rejected => Verdict::Some(rejected),
    }
}

/// Of the answer we read this alone.
#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "partialSuccess")]
    partial_success: Option<Partial>,
}

#[derive(Deserialize)]
struct Partial {
    #[serde(rename = "rejectedLogRecords")]
    rejected: Option<Number>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Plain(u64),
    Text(String),
}
