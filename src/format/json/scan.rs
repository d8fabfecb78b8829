//! Bytes of JSON → where strings and bare values end. Strict as RFC 8259, but for two things: bytes within strings need
//! not be UTF-8, and surrogates need not come in pairs.

use crate::format::Malformed;

/// Where the string ends whose body starts at `start` (just after its quote): the index of the closing quote, and
/// whether there is an escape in it.
#[inline]
pub(super) fn string(line: &[u8], start: usize) -> Result<(usize, bool), Malformed> {
    let at = special(line, start);
    match line.get(at) {
        Some(b'"') => Ok((at, false)),
        _ => escaped_string(line, at).map(|end| (end, true)),
    }
}

/// Goes on at the first special byte, which is no quote.
pub(super) fn escaped_string(line: &[u8], mut at: usize) -> Result<usize, Malformed> {
    loop {
        match line.get(at) {
            Some(b'"') => return Ok(at),
            Some(b'\\') => match line.get(at + 1) {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => at += 2,
                Some(b'u') if line.get(at + 2..at + 6).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) => {
                    at += 6
                }
                _ => return Err(malformed(at, "escape")),
            },
            Some(_) => return Err(malformed(at, "no control byte")),
            None => return Err(malformed(at, "closing quote")),
        }
        at = special(line, at);
    }
}

/// The first quote, backslash or control byte at or after `from`; the line's end where there is none.
#[inline]
pub(super) fn special(line: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(word) = line.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let hit = specials(u64::from_le_bytes(*word));
        if hit != 0 {
            return at + (hit.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while at < line.len() && !is_special(line[at]) {
        at += 1;
    }
    at
}

/// A set high bit for the lowest special byte of eight; bits above it mean nothing.
#[inline]
fn specials(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    let quote = quote.wrapping_sub(ONES) & !quote;
    let backslash = backslash.wrapping_sub(ONES) & !backslash;
    (control | quote | backslash) & HIGHS
}

#[inline]
fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Where the number, `true`, `false` or `null` ends that starts at `start`.
#[inline]
pub(super) fn bare(line: &[u8], start: usize) -> Result<usize, Malformed> {
    let rest = &line[start.min(line.len())..];
    let word: &[u8] = match rest.first() {
        Some(b'-' | b'0'..=b'9') => return number(line, start),
        Some(b't') => b"true",
        Some(b'f') => b"false",
        Some(b'n') => b"null",
        _ => return Err(malformed(start, "value")),
    };
    if rest.starts_with(word) { Ok(start + word.len()) } else { Err(malformed(start, "value")) }
}

#[inline]
fn number(line: &[u8], start: usize) -> Result<usize, Malformed> {
    let mut at = start + usize::from(line[start] == b'-');
    let first = at;
    at = digits(line, at);
    if at == first || (line[first] == b'0' && at > first + 1) {
        return Err(malformed(first, "number"));
    }
    if line.get(at) == Some(&b'.') {
        let first = at + 1;
        at = digits(line, first);
        if at == first {
            return Err(malformed(first, "digit"));
        }
    }
    if let Some(b'e' | b'E') = line.get(at) {
        let first = at + 1 + usize::from(matches!(line.get(at + 1), Some(b'+' | b'-')));
        at = digits(line, first);
        if at == first {
            return Err(malformed(first, "digit"));
        }
    }
    Ok(at)
}

#[inline]
fn digits(line: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(word) = line.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let hit = undigits(u64::from_le_bytes(*word));
        if hit != 0 {
            return at + (hit.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while matches!(line.get(at), Some(b'0'..=b'9')) {
        at += 1;
    }
    at
}

/// A set high bit for the lowest byte of eight that is no digit; bits above it mean nothing.
#[inline]
fn undigits(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let values = word ^ (ONES * b'0' as u64);
    (values.wrapping_add(ONES * 0x76) | values) & (ONES * 0x80)
}

/// The first byte at or after `from` that is no white space, and its index; 0 at the end of the line.
#[inline]
pub(super) fn next(line: &[u8], from: usize) -> (usize, u8) {
    let mut at = from;
    loop {
        match line.get(at) {
            Some(b' ' | b'\t' | b'\r' | b'\n') => at += 1,
            Some(&byte) => return (at, byte),
            None => return (at, 0),
        }
    }
}

/// A line that does not go on as it must.
#[cold]
pub(super) fn malformed(at: usize, expected: &'static str) -> Malformed {
    Malformed { at: at as u32, expected }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_quote_behind_an_odd_number_of_backslashes_does_not_end_a_string() {
        assert_eq!(string(br#"abc\"d"e"#, 0), Ok((6, true)));
        assert_eq!(string(br#"abc\\"d"#, 0), Ok((5, true)));
        assert_eq!(string(br#"\\\\\\\" ""#, 0), Ok((9, true)));
        assert!(string(br#"\\\\\\\""#, 0).is_err());
    }

    #[test]
    fn a_raw_control_byte_ends_the_matter() {
        assert!(string(b"abc\x1fdefghijklm\"", 0).is_err());
        assert_eq!(string(b"abc\x7f\xff\x80defghijklm\"", 0), Ok((17 - 1, false)));
    }

    proptest! {
        #[test]
        fn eight_bytes_at_a_time_finds_what_one_at_a_time_finds(
            line in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'"'), Just(b'\\'), Just(0x1f), Just(0x20), Just(0x21), Just(b'a')], 0..40),
            from in 0usize..40,
        ) {
            let from = from.min(line.len());
            let plain = line[from..].iter().position(|&b| is_special(b)).map_or(line.len(), |at| from + at);
            prop_assert_eq!(special(&line, from), plain);
        }

        #[test]
        fn digits_end_where_they_end_one_at_a_time(
            line in prop::collection::vec(prop_oneof![any::<u8>(), b'0'..=b'9', b'0'..=b'9', Just(b'/'), Just(b':'), Just(0xba)], 0..40),
            from in 0usize..40,
        ) {
            let from = from.min(line.len());
            let plain = line[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            prop_assert_eq!(digits(&line, from), from + plain);
        }

        #[test]
        fn bare_values_are_those_of_serde_json(text in "-?[0-9.eE+-]{0,6}|tru?e|fals?e|nul?l") {
            let ours = bare(text.as_bytes(), 0) == Ok(text.len());
            prop_assert_eq!(ours, serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok());
        }
    }
}
