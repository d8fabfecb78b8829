//! UUIDs with dashes, in any case, inside whatever they stand in.

use super::{
    Finding, What,
    bytes::{HEX, is},
};

/// The UUID whose fourth dash stands at `at`.
pub(super) fn at(text: &[u8], at: usize) -> Option<Finding> {
    let start = at.checked_sub(23)?;
    let digits = text.get(start..start + 36)?;
    let fits = digits.iter().enumerate().all(|(i, &b)| match i {
        8 | 13 | 18 | 23 => b == digits[8] && matches!(b, b'-' | b'_'),
        _ => is(b, HEX),
    });
    fits.then(|| Finding::new(start, start + 36, What::Uuid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_found_from_its_fourth_dash() {
        let text = b"id={550E8400-e29b-41d4-a716-446655440000}";
        assert_eq!(at(text, 27), Some(Finding::new(4, 40, What::Uuid)));
        assert_eq!(at(text, 22), None);
        assert_eq!(at(&text[..39], 27), None);
    }
}
