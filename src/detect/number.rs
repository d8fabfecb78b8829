//! One pass over digits and what separates their groups, for the kinds that are made of them: telephone numbers, cards,
//! national identity numbers.
//!
//! Each run is read once; at the start of each of its groups every kind is asked, and none reads further than its longest
//! number is.

use super::{
    Finding, Kinds,
    bytes::{DIGIT, is, is_at, is_before, run_end},
    card, national_id, phone,
};

/// Reads the run that holds the digit at `at`, adds what it finds, and says up to where it read. Nothing before `floor` is
/// part of it.
pub(super) fn run(text: &[u8], at: usize, floor: usize, kinds: Kinds, found: &mut Vec<Finding>) -> usize {
    if !is_at(text, at, DIGIT) {
        return at;
    }
    let mut start = at;
    while start > floor && is_run(text[start - 1]) {
        start -= 1;
    }
    let mut at = start;
    while at < text.len() && is_run(text[at]) {
        if !is(text[at], DIGIT) || at > floor && is_before(text, at, DIGIT) {
            at += 1;
            continue;
        }
        let finding = kinds.has(Kinds::PHONE).then(|| phone::at(text, at)).flatten();
        let finding = finding.or_else(|| kinds.has(Kinds::CARD).then(|| card::at(text, at)).flatten());
        let finding = finding.or_else(|| kinds.has(Kinds::NATIONAL_ID).then(|| national_id::at(text, at)).flatten());
        at = match finding {
            Some(finding) => finding.span.end as usize,
            None => run_end(text, at, DIGIT),
        };
        found.extend(finding);
    }
    at
}

/// Whether a byte may stand inside a number and between its groups.
#[inline]
fn is_run(byte: u8) -> bool {
    is(byte, DIGIT) || matches!(byte, b' ' | b'-' | b'.' | b'(' | b')' | b'+' | 0xC2 | 0xA0)
}
