//! Lines of pairs and lines of columns, written again as they were laid out.

use crate::{
    record::{Columns, Mark},
    retention::Tag,
    treatment::Treated,
};

/// `key=value` pairs. A withheld value goes with its key; a value that came bare and now needs quotes gets them.
pub(super) fn write_pairs(record: &Treated<'_>, tag: Option<Tag<'_>>, out: &mut Vec<u8>) {
    let mut first = true;
    let mut key = None;
    let value = |i: u16| record.value(i as usize);
    for mark in &record.record().marks {
        let start = out.len();
        match *mark {
            Mark::Key(i) => {
                key = Some(i);
                continue;
            }
            Mark::Object | Mark::Array | Mark::Close => continue,
            Mark::Text(_) | Mark::Bare(_) | Mark::Request(_) | Mark::Target(_) => {}
        }
        if !first {
            out.push(b' ');
        }
        if let Some(key) = key.take() {
            // A pair of which the key is withheld goes whole.
            let Some(name) = value(key) else {
                out.truncate(start);
                continue;
            };
            out.extend_from_slice(name);
            out.push(b'=');
        }
        let body = out.len();
        let left = match *mark {
            Mark::Text(i) | Mark::Bare(i) => value(i).map(|value| out.extend_from_slice(value)).is_some(),
            Mark::Request(i) => super::json::push_request_parts(record, i as usize, out),
            Mark::Target(i) => super::json::push_target_parts(record, i as usize, out),
            Mark::Key(_) | Mark::Object | Mark::Array | Mark::Close => false,
        };
        if !left {
            out.truncate(start);
            continue;
        }
        first = false;
        if matches!(mark, Mark::Text(_)) || needs_quotes(&out[body..]) {
            quote(out, body);
        }
    }
    if let Some(tag) = tag {
        out.extend_from_slice(if first { tag.field.trim_ascii_start() } else { tag.field });
    }
}

/// Puts quotes around what was written from `body` on.
fn quote(out: &mut Vec<u8>, body: usize) {
    out.push(b'"');
    out.push(b'"');
    let end = out.len();
    out.copy_within(body..end - 2, body + 1);
    out[body] = b'"';
    out[end - 1] = b'"';
}

fn needs_quotes(value: &[u8]) -> bool {
    value.iter().any(|byte| matches!(byte, 0..=b' ' | b'"' | b'=' | 0x7f))
}

/// ArcSight's common event format: the values before the first pair stand between bars, and pairs follow.
pub(super) fn write_cef(record: &Treated<'_>, tag: Option<Tag<'_>>, out: &mut Vec<u8>) {
    let value = |i: u16| record.value(i as usize);
    let mut key = None;
    let mut first = true;
    for mark in &record.record().marks {
        match *mark {
            Mark::Key(i) => key = Some(i),
            Mark::Bare(i) => {
                // What stands between bars; the mark goes before the first.
                out.extend_from_slice(if first { b"CEF:" } else { b"|" });
                first = false;
                out.extend_from_slice(value(i).unwrap_or_default());
            }
            Mark::Text(i) => {
                let pair = key.take().and_then(value).zip(value(i));
                if let Some((name, text)) = pair {
                    // The first pair follows a bar at once.
                    if !out.ends_with(b"|") {
                        out.push(b' ');
                    }
                    out.extend_from_slice(name);
                    out.push(b'=');
                    out.extend_from_slice(text);
                }
            }
            // The end of what stands between bars.
            Mark::Close => out.push(b'|'),
            Mark::Target(i) => {
                let start = out.len();
                if let Some(name) = key.take().and_then(value) {
                    if !out.ends_with(b"|") {
                        out.push(b' ');
                    }
                    out.extend_from_slice(name);
                    out.push(b'=');
                    if !super::json::push_target_parts(record, i as usize, out) {
                        out.truncate(start);
                    }
                }
            }
            Mark::Object | Mark::Array | Mark::Request(_) => {}
        }
    }
    if let Some(tag) = tag {
        out.extend_from_slice(tag.field);
    }
}

/// Columns between blanks or tabs, with the tag as a column of its own, `x-sladd`; the header that names them; and what else
/// begins with a number sign.
pub(super) fn write_columns(record: &Treated<'_>, tag: Option<Tag<'_>>, out: &mut Vec<u8>) {
    let marks = &record.record().marks;
    let value = |i: u16| record.value(i as usize);
    let (separator, blank): (u8, &[u8]) = match record.record().layout {
        Columns::HEADER => {
            out.extend_from_slice(b"#Fields:");
            for mark in marks {
                let Mark::Bare(i) = *mark else { continue };
                out.push(b' ');
                out.extend_from_slice(value(i).unwrap_or(b"_"));
            }
            if tag.is_some() {
                out.extend_from_slice(b" x-sladd");
            }
            return;
        }
        Columns::DIRECTIVE => {
            out.push(b'#');
            out.extend_from_slice(value(0).unwrap_or(b"Remark"));
            out.extend_from_slice(b": ");
            return out.extend_from_slice(value(1).unwrap_or(b"-"));
        }
        Columns::TABS => (b'\t', b"%20"),
        _ => (b' ', b"+"),
    };
    let start = out.len();
    for mark in marks {
        if out.len() > start {
            out.push(separator);
        }
        match *mark {
            Mark::Text(i) => {
                out.push(b'"');
                out.extend_from_slice(value(i).unwrap_or(b"-"));
                out.push(b'"');
            }
            // A date and its time: what is between them separates them.
            Mark::Key(i) => match value(i) {
                Some(both) => out.extend_from_slice(both),
                None => out.extend_from_slice(&[b'-', separator, b'-']),
            },
            Mark::Bare(i) => match value(i) {
                Some(text) if record.kept(i as usize) => out.extend_from_slice(text),
                Some(text) => push_bare(text, blank, out),
                None => out.push(b'-'),
            },
            Mark::Object | Mark::Array | Mark::Close | Mark::Request(_) | Mark::Target(_) => {}
        }
    }
    if let Some(tag) = tag {
        out.push(separator);
        let quoted = tag.field.trim_ascii();
        push_bare(quoted.strip_prefix(b"\"").and_then(|tag| tag.strip_suffix(b"\"")).unwrap_or(quoted), blank, out);
    }
}

/// Whether there is a byte that ends a bare value.
#[inline]
fn is_parted(text: &[u8]) -> bool {
    text.iter().fold(false, |any, &byte| any | (byte <= b' ') | (byte == 0x7f))
}

/// Writes what holds blanks as a value without them; nothing is a dash.
fn push_bare(text: &[u8], blank: &[u8], out: &mut Vec<u8>) {
    if text.is_empty() {
        out.push(b'-');
    }
    let mut rest = text;
    // All at once where there is none: most values, and the compiler compares many bytes with one instruction.
    while is_parted(rest)
        && let Some(at) = rest.iter().position(|byte| matches!(byte, 0..=b' ' | 0x7f))
    {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(blank);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}
