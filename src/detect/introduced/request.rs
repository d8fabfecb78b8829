//! The values of a query, where a request or a URL stands in a text: what a visitor wrote, whatever it is.
//!
//! The rule is that of a query in a format's own field: names stay, and so do the values that say nothing of anybody.

use super::super::{Finding, What, secret, user};
use super::read::{REACH, bracket};
use memchr::{memchr, memchr2, memmem};

/// Adds the values in the target that starts at `start`; the method, or what else introduces it, starts at `at`.
pub(super) fn target(text: &[u8], at: usize, start: usize, found: &mut Vec<Finding>) {
    // A quote in front, or at the start of the mark, closes again.
    let open = if matches!(text[at], b'"' | b'\'' | b'|') { Some(at) } else { at.checked_sub(1) };
    let quote = open.map(|open| text[open]).filter(|byte| matches!(byte, b'"' | b'\'' | b'`' | b'(' | b'[' | b'|'));
    let end = match quote.map(bracket) {
        Some(close) if matches!(close, b'"' | b'\'' | b'`') => {
            let end = memchr(close, &text[start..]).map_or(text.len(), |length| start + length);
            let target = &text[start..end];
            let target = target.strip_suffix(b"\\").unwrap_or(target);
            start + memmem::rfind(target, b" HTTP/").unwrap_or(target.len())
        }
        close => {
            let length = text[start..].iter().position(|&b| stops(b) || Some(b) == close).unwrap_or(text.len() - start);
            // A blank in it, up to the protocol.
            let reach = &text[start + length..text.len().min(start + length + REACH)];
            let more = memmem::find(reach, b" HTTP/").filter(|&more| {
                text[at].is_ascii_alphabetic() && !reach[..more].iter().any(|&b| b != b' ' && stops(b) || b == b':')
            });
            start + length + more.unwrap_or(0)
        }
    };
    // Without a method or quotes it may be anybody's link, and small numbers stay.
    let most = if at == start { 5 } else { 0 };
    values(text, start, end, most, found);
}

/// What ends a target without quotes around it.
fn stops(byte: u8) -> bool {
    byte <= b' ' || matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'`' | b'\\')
}

/// Adds the values of the parameters between the first question mark behind `start` and `end`, but for numbers of up to
/// `most` digits.
fn values(text: &[u8], start: usize, end: usize, most: usize, found: &mut Vec<Finding>) {
    let Some(mark) = memchr(b'?', &text[start..end]) else { return };
    let mut at = start + mark + 1;
    while at < end {
        let length = separator(&text[at..end]).unwrap_or(end - at);
        if let Some(sign) = memchr(b'=', &text[at..at + length]) {
            let (name, value) = (&text[at..at + sign], &text[at + sign + 1..at + length]);
            let small = value.len() <= most && value.iter().all(u8::is_ascii_digit);
            if !value.is_empty() && !small && !secret::is_placeholder(value) && !is_harmless(name, value) {
                // Behind a name that promises a secret or a user nothing at all would be read once more, and what follows it.
                let what = if user::promises(name) {
                    What::User
                } else if secret::promises(name) {
                    What::Token
                } else {
                    What::Value
                };
                found.push(Finding::new(at + sign + 1, at + length, what));
            }
        }
        at += length + 1;
    }
}

/// Where the next parameter is parted off: at `&`, and at `;` where one follows.
fn separator(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = memchr2(b'&', b';', &text[from..]).map(|at| from + at) {
        let rest = &text[at + 1..text.len().min(at + 34)];
        let name = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')).count();
        if text[at] == b'&' || rest.get(name) == Some(&b'=') {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// Whether a value says nothing of a visitor: a page's number, a language, an order, and a pseudonym.
fn is_harmless(name: &[u8], value: &[u8]) -> bool {
    let letters = |most: usize| value.len() <= most && value.iter().all(u8::is_ascii_alphabetic);
    match name {
        b"page" | b"p" | b"limit" | b"offset" => value.len() <= 6 && value.iter().all(u8::is_ascii_digit),
        b"lang" | b"hl" => {
            matches!(value, [a, b] | [a, b, b'-' | b'_', _, _] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic())
        }
        // What programs write behind their scripts.
        b"v" | b"ver" | b"version" => value.len() <= 8 && value.iter().all(|b| b.is_ascii_digit() || *b == b'.'),
        b"sort" | b"order" | b"utm_source" | b"utm_medium" => letters(16),
        _ => secret::is_ours(value) && value.starts_with(b"p1."),
    }
}
