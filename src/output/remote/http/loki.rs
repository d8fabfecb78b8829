//! Loki's push: one stream, each record with its time and its id.
//!
//! Loki merges records of one stream that have the same time and the same text, so each has a nanosecond of its own; a
//! record that is sent twice by one run has the same both times and is merged as it should be. `sladd_id` is structured
//! metadata, which Loki has by default since 3.0.
//! Source: Grafana Loki, HTTP API, "Ingest logs".

use super::super::item::{Item, quote, show, text};

/// The body of a request.
pub(super) fn body(labels: &[(String, String)], items: &[Item<'_>], into: &mut Vec<u8>) {
    into.extend_from_slice(b"{\"streams\":[{\"stream\":{");
    for (place, (name, value)) in labels.iter().enumerate() {
        if place > 0 {
            into.push(b',');
        }
        quote(name, into);
        into.push(b':');
        quote(value, into);
    }
    into.extend_from_slice(b"},\"values\":[");
    for (place, item) in items.iter().enumerate() {
        into.extend_from_slice(if place > 0 { b",[\"" } else { b"[\"" });
        show(item.nanos, into);
        into.extend_from_slice(b"\",");
        quote(&text(item.line), into);
        into.extend_from_slice(b",{\"sladd_id\":\"");
        show(item.id, into);
        into.extend_from_slice(b"\"}]");
    }
    into.extend_from_slice(b"]}]}");
}

/// `[a-zA-Z_][a-zA-Z0-9_]*`
pub(super) fn is_label(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
