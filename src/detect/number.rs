//! One pass over digits and what separates their groups, for the kinds that are made of them: telephone numbers, cards,
//! national identity numbers.
//!
//! Each run is read once; at the start of each of its groups every kind is asked, and none reads further than its longest
//! number is.

use super::{
    Finding, Kinds,
    bytes::{DIGIT, is_at, run_end},
    card, national_id, phone,
};

/// Reads the run that holds the digit at `at`, adds what it finds, and says up to where it read. Nothing before `floor` is
/// part of it.
pub(super) fn run(text: &[u8], at: usize, floor: usize, kinds: Kinds, found: &mut Vec<Finding>) -> usize {
    if !is_at(text, at, DIGIT) {
        return floor;
    }
    let mut start = at;
    while start > floor && is_run(text[start - 1]) {
        start -= 1;
    }
    let mut at = start;
    // What was found ends here, or the text in front of the run starts here: a placeholder will stand in front.
    let mut base = if start == floor { floor } else { 0 };
    // A word that says what a number is stands in front of the first group alone.
    let mut first = true;
    while let Some(&byte) = text.get(at).filter(|&&byte| is_run(byte)) {
        if !byte.is_ascii_digit() || at > floor && text[at - 1].is_ascii_digit() {
            at += 1;
            continue;
        }
        let end = run_end(text, at, DIGIT);
        let finding = verified(&text[base..], at - base, end - at, first, kinds);
        first = false;
        at = end;
        if let Some(finding) = finding {
            let (start, end) = (base + finding.span.start as usize, base + finding.span.end as usize);
            found.push(Finding::new(start, end, finding.what));
            (at, base) = (end, end);
        }
    }
    at
}

/// Asks those kinds whose numbers can start with a group of this length.
#[inline]
fn verified(text: &[u8], at: usize, length: usize, first: bool, kinds: Kinds) -> Option<Finding> {
    if kinds.has(Kinds::PHONE) {
        let country = at > 0 && text[at - 1] == b'+' || text[at] == b'0' && text.get(at + 1) == Some(&b'0');
        let phone = if country { phone::international(text, at) } else { None };
        let phone = phone.or_else(|| if first { phone::national(text, at) } else { None });
        if phone.is_some() {
            return phone;
        }
    }
    if kinds.has(Kinds::CARD)
        && matches!(length, 4 | 13..=19)
        && let Some(card) = card::at(text, at)
    {
        return Some(card);
    }
    (kinds.has(Kinds::NATIONAL_ID) && matches!(length, 2 | 6 | 8 | 10..=12))
        .then(|| national_id::at(text, at))
        .flatten()
}

/// Whether a byte may stand inside a number and between its groups.
#[inline(always)]
fn is_run(byte: u8) -> bool {
    #[cfg(test)]
    super::bytes::work::add(1);
    RUN[byte as usize]
}

/// Digits, blanks (that which does not break the line too), `-`, `.`, `+` and round brackets.
static RUN: [bool; 256] = {
    let mut run = [false; 256];
    let bytes = b"0123456789 -.+()\xC2\xA0";
    let mut at = 0;
    while at < bytes.len() {
        run[bytes[at] as usize] = true;
        at += 1;
    }
    run
};
