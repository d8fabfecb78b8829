//! Mobile equipment ids: 15 digits that pass Luhn's check, bare (seen by `token.rs`, which reads long numbers) or grouped
//! as `AA-BBBBBB-CCCCCC-D` or `AABBBBBB-CCCCCC-D` with dashes, blanks, dots or slashes.

use super::{
    Finding, What,
    bytes::{DIGIT, is, is_at, is_before},
};

/// Whether the 15 digits pass Luhn's check.
pub(super) fn passes(digits: &[u8; 15]) -> bool {
    let sum: u32 = digits
        .iter()
        .enumerate()
        .map(|(i, &b)| {
            let digit = u32::from(b - b'0');
            if i % 2 == 1 { digit * 2 - if digit > 4 { 9 } else { 0 } } else { digit }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The grouped IMEI whose last separator stands at `at`.
pub(super) fn at(text: &[u8], at: usize) -> Option<Finding> {
    let separator = *text.get(at)?;
    if !matches!(separator, b'-' | b'_' | b' ' | b'.' | b'/') {
        return None;
    }
    let (middle, end) = (at.checked_sub(7)?, at + 2);
    if text[middle] != separator || !is_at(text, at + 1, DIGIT) || is_at(text, end, DIGIT) {
        return None;
    }
    let mut digits = [b'0'; 15];
    digits[8..14].copy_from_slice(&text[middle + 1..at]);
    digits[14] = text[at + 1];
    // Eight digits before, perhaps with a separator after the second.
    let mut start = middle;
    for slot in (0..8).rev() {
        if slot == 1 && start > 0 && text[start - 1] == separator {
            start -= 1;
        }
        start = start.checked_sub(1)?;
        digits[slot] = text[start];
    }
    let whole = digits.iter().all(|&b| is(b, DIGIT)) && !is_before(text, start, DIGIT);
    (whole && passes(&digits)).then(|| Finding::new(start, end, What::Imei))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luhns_check_decides() {
        assert!(passes(b"490154203237518"));
        assert!(!passes(b"490154203237519"));
    }

    #[test]
    fn groups_are_known_in_both_layouts() {
        assert_eq!(at(b"49-015420-323751-8", 16), Some(Finding::new(0, 18, What::Imei)));
        assert_eq!(at(b"imei 49015420 323751 8.", 20), Some(Finding::new(5, 22, What::Imei)));
        assert_eq!(at(b"49-015420-323751-9", 16), None);
        assert_eq!(at(b"9-015420-323751-8", 15), None);
    }
}
