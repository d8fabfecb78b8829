//! Credentials behind the name of their scheme, cookies, and what programs were called with.

use super::super::{Finding, What, base64, secret};
use super::read::{REACH, close, name, run};
use memchr::memmem;

/// Credentials that are too short to look drawn.
pub(super) fn credentials(text: &[u8], at: usize, start: usize) -> Option<Finding> {
    let holds = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b'+' | b'/' | b'-');
    let body = run(text, start, holds);
    let stop = run(text, body, |byte| byte == b'=');
    let body = body - text[start..body].iter().rev().take_while(|&&byte| byte == b'.').count();
    let stop = if text[..stop].ends_with(b"=") { stop } else { body };
    let value = &text[start..body.max(start)];
    if value.is_empty() || secret::is_ours(value) || value.starts_with(b"p1.") {
        return None;
    }
    // `Digest realm="x"`.
    if stop > body && matches!(text.get(stop), Some(b'"' | b'\'')) {
        return None;
    }
    let digit = value.iter().any(u8::is_ascii_digit);
    let letter = value.iter().any(u8::is_ascii_alphabetic);
    let path = value.starts_with(b"/") || value.contains(&b'/') && !digit;
    let told = match text[at] | 0x20 {
        b'b' if text[at + 1] == b'a' => base64::is_login(value),
        b'b' => digit && letter && !path || digit && value.len() > 4 || stop > body || mixed(value),
        b't' => digit && letter && value.len() > 5 && !path,
        _ => digit && letter && value.len() > 7 && !path,
    };
    told.then(|| Finding::new(start, stop, What::Token))
}

/// Whether a capital stands behind a small letter, as in no word.
pub(super) fn mixed(value: &[u8]) -> bool {
    value.windows(2).any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
}

/// A command line in hexadecimals.
pub(super) fn process(text: &[u8], start: usize) -> Option<Finding> {
    let reach = &text[start..text.len().min(start + 4 * REACH)];
    let length = reach.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let ends = !text.get(start + length).is_some_and(u8::is_ascii_alphanumeric) || length == reach.len();
    (length > 5 && length.is_multiple_of(2) && ends).then(|| Finding::new(start, start + length, What::Token))
}

/// All that a header of cookies holds.
pub(super) fn cookie(text: &[u8], start: usize) -> Option<Finding> {
    let first = run(text, start, |byte| byte.is_ascii_alphanumeric() || b"!#$%&*+-.^_|~:/()[]@".contains(&byte));
    if first == start || text.get(first) != Some(&b'=') {
        return None;
    }
    let quote = text[..start].iter().rev().take(REACH).find(|&&byte| matches!(byte, b'"' | b'\''));
    let reach = &text[start..text.len().min(start + COOKIES)];
    let ends = |byte: &u8| matches!(byte, b'\r' | b'\n') || Some(byte) == quote;
    let stop = start + reach.iter().position(ends).unwrap_or(reach.len());
    let value = text[start..stop].trim_ascii_end();
    Some(Finding::new(start, start + value.len(), What::Token))
}

/// How many bytes of cookies are hidden at once.
const COOKIES: usize = 4096;

/// The strings that a function was called with.
pub(super) fn trace(text: &[u8], start: usize, found: &mut Vec<Finding>) {
    let line = run(text, start, |byte| byte.is_ascii_digit());
    if !text[line..].starts_with(b"): ") {
        return;
    }
    let Some(open) = close(text, line + 3, b'(') else { return };
    let reach = text.len().min(open + 2 * REACH);
    let mut at = open;
    while at < reach {
        let Some(first) = text[at..reach].iter().position(|&byte| byte == b'\'').map(|i| at + i + 1) else { return };
        let length = text[first..].iter().position(|&byte| byte == b'\'').unwrap_or(text.len() - first);
        let last = first + length.min(2 * REACH);
        found.extend(name(text, first, last).map(|finding| Finding { what: What::Token, ..finding }));
        at = last + 1;
    }
}

/// The strings of a row that is written to a table: `VALUES ('kari', 'secret')`.
pub(super) fn literals(text: &[u8], start: usize, found: &mut Vec<Finding>) {
    let reach = text.len().min(start + 8 * REACH);
    // Laravel puts them in without quotes.
    if memmem::find(&text[start.saturating_sub(8 * REACH)..start], b"SQL: ").is_some() {
        return columns(text, start, reach, found);
    }
    if !matches!(text.get(start), Some(b'\'' | b'0'..=b'9' | b'$' | b'N' | b'?')) {
        return;
    }
    let mut at = start;
    while at < reach {
        let Some(first) = text[at..reach].iter().position(|&byte| matches!(byte, b'\'' | b';')).map(|i| at + i + 1)
        else {
            return;
        };
        if text[first - 1] == b';' {
            return;
        }
        let length = text[first..]
            .iter()
            .take(4 * REACH)
            .position(|&byte| byte == b'\'')
            .unwrap_or(text.len().min(first + 4 * REACH) - first);
        let last = first + length;
        let read = &text[first..last];
        let ours = secret::is_placeholder(read) || secret::is_ours(read);
        if !ours && read.iter().any(u8::is_ascii_alphanumeric) {
            found.push(Finding::new(first, last, What::Token));
        }
        at = last + 1;
    }
}

/// The values of a row parted by commas, without quotes around them: `values (Kari Nordmann, secret, 5)`.
fn columns(text: &[u8], start: usize, reach: usize, found: &mut Vec<Finding>) {
    let mut at = start;
    while at < reach {
        let length = text[at..reach].iter().position(|&byte| matches!(byte, b',' | b')')).unwrap_or(reach - at);
        let value = text[at..at + length].trim_ascii_start();
        let from = at + length - value.len();
        let ours = secret::is_placeholder(value) || secret::is_ours(value) || value == b"?";
        let small = value.len() < 6 && value.iter().all(u8::is_ascii_digit);
        if !ours && !small && value.iter().any(u8::is_ascii_alphanumeric) {
            found.push(Finding::new(from, at + length, What::Token));
        }
        if text.get(at + length) != Some(&b',') {
            return;
        }
        at += length + 1;
    }
}

/// What a visitor sent that a rule matched.
pub(super) fn matched(text: &[u8], start: usize) -> Option<Finding> {
    let reach = &text[start..text.len().min(start + 4 * REACH)];
    let stop = start + reach.windows(14).position(|window| window == b" found within ")?;
    name(text, start, stop).map(|finding| Finding { what: What::Token, ..finding })
}
