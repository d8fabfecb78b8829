//! Hardware addresses with dashes (`00-1b-44-11-3a-b7`) and in Cisco's form (`001b.4411.3ab7`). Those with colons are found
//! beside IPv6 in `colon.rs`, since the same run of bytes may be either.

use super::{
    Finding, What,
    bytes::{ALNUM, HEX, is, is_at, is_before},
};

/// The address whose last separator stands at `at`.
pub(super) fn at(text: &[u8], at: usize) -> Option<Finding> {
    let (part, before) = match text.get(at)? {
        b'-' | b'_' => (2, 14),
        b'.' => (4, 9),
        _ => return None,
    };
    let start = at.checked_sub(before)?;
    let end = at + 1 + part;
    let digits = text.get(start..end)?;
    let fits = digits.iter().enumerate().all(|(i, &b)| if i % (part + 1) == part { b == text[at] } else { is(b, HEX) });
    // A digit more on either side and it is a date with a time, or some other number.
    let glued = match part {
        2 => is_before(text, start, HEX) || is_at(text, end, HEX),
        _ => is_before(text, start, ALNUM) || is_at(text, end, ALNUM),
    };
    (fits && !glued).then(|| Finding::new(start, end, What::Mac))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_and_ciscos_dots_are_known_and_dates_are_not() {
        assert_eq!(at(b"00-1b-44-11-3A-b7", 14), Some(Finding::new(0, 17, What::Mac)));
        assert_eq!(at(b"port 001b.4411.3ab7,", 14), Some(Finding::new(5, 19, What::Mac)));
        assert_eq!(at(b"2026-11-21-10-05-03", 16), None);
    }
}
