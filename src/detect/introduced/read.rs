//! What the readers share: runs, brackets, and what is nobody's name.

use super::super::{Finding, What, bytes::Known, secret, user::LONGEST};

/// How far around a word a name and what tells it may stand.
pub(super) const REACH: usize = 128;

/// The name from `start` to `end`, if something stands there that is no placeholder.
pub(super) fn name(text: &[u8], start: usize, end: usize) -> Option<Finding> {
    let value = &text[start..end];
    let nobody = value.iter().all(|&b| matches!(b, b'-' | b'*' | b'.' | b'?' | b' ' | b'<' | b'>' | b'[' | b']'))
        || secret::is_ours(value)
        || secret::is_placeholder(value)
        // `[[user]]`: what was in brackets when it was replaced.
        || start > 0 && text[start - 1] == b'[' && secret::is_word(value.strip_suffix(b"]").unwrap_or(value))
        || NOBODY.has(value);
    (!nobody && value.len() <= REACH).then(|| Finding::new(start, end, What::User))
}

/// As [`name`], of a device.
pub(super) fn device(text: &[u8], start: usize, end: usize) -> Option<Finding> {
    let finding = name(text, start, end)?;
    let value = &text[start..end];
    // An address is found as one.
    let address = value.iter().all(|b| b.is_ascii_hexdigit() || matches!(b, b'.' | b':' | b'%'));
    let nobody = address && value.iter().any(|b| matches!(b, b'.' | b':')) || value.starts_with(b"localhost");
    (!nobody).then_some(Finding { what: What::HostName, ..finding })
}

/// Where a run of bytes that `holds` ends, from `start` on.
pub(super) fn run(text: &[u8], start: usize, holds: impl Fn(u8) -> bool) -> usize {
    let start = start.min(text.len());
    let reach = &text[start..text.len().min(start + LONGEST)];
    start + reach.iter().take_while(|&&byte| holds(byte)).count()
}

/// Where a run of bytes that `holds` starts which ends at `end`.
pub(super) fn run_back(text: &[u8], end: usize, holds: impl Fn(u8) -> bool) -> usize {
    end - text[end.saturating_sub(LONGEST)..end].iter().rev().take_while(|&&byte| holds(byte)).count()
}

/// One past the last `open` in front of `end`.
pub(super) fn back(text: &[u8], end: usize, open: u8) -> Option<usize> {
    let floor = end.saturating_sub(REACH);
    text[floor..end].iter().rposition(|&byte| byte == open).map(|i| floor + i + 1)
}

/// Where the next `close` stands.
pub(super) fn close(text: &[u8], start: usize, close: u8) -> Option<usize> {
    let reach = &text[start..text.len().min(start + REACH)];
    reach.iter().position(|&byte| byte == close).map(|i| start + i)
}

/// What closes the bracket or quote.
pub(super) fn bracket(open: u8) -> u8 {
    match open {
        b'[' => b']',
        b'(' => b')',
        b'<' => b'>',
        quote => quote,
    }
}

/// What a name in a message is made of, without quotes and brackets.
pub(super) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || matches!(byte, b'.' | b'_' | b'-' | b'+' | b'$' | b'@' | b'\\')
}

pub(super) fn is_blank(byte: Option<&u8>) -> bool {
    byte.is_none_or(|byte| matches!(byte, b' ' | b'\t'))
}

/// Values that name nobody.
static NOBODY: Known =
    Known::new(&["null", "(null)", "none", "nil", "undefined", "unknown", "CRON", "SYSTEM", "nobody"]);
