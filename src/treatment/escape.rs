//! The bytes behind escapes, for values that are read anew and never leave as they came.

/// Appends `value` with its backslash escapes undone: those of nginx, Apache and JSON. What is no escape stands for itself.
pub(crate) fn unescape(value: &[u8], out: &mut Vec<u8>) {
    let mut rest = value;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let used = match *rest.get(1).unwrap_or(&0) {
            b'x' => hex_byte(&rest[2..]).map(|byte| {
                out.push(byte);
                4
            }),
            b'u' => unicode(rest).map(|(letter, used)| {
                out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                used
            }),
            byte => plain(byte).map(|byte| {
                out.push(byte);
                2
            }),
        };
        if used.is_none() {
            out.push(b'\\');
        }
        rest = &rest[used.unwrap_or(1)..];
    }
    out.extend_from_slice(rest);
}

/// Puts its byte in the place of each `%HH` and returns how many bytes are left. What is no such escape stands for itself.
pub(super) fn percent_decode(text: &mut [u8]) -> usize {
    let (mut from, mut to) = (0, 0);
    while from < text.len() {
        let escape = if text[from] == b'%' { hex_byte(&text[from + 1..]) } else { None };
        text[to] = escape.unwrap_or(text[from]);
        from += if escape.is_some() { 3 } else { 1 };
        to += 1;
    }
    to
}

/// What a hexadecimal digit stands for.
#[inline]
pub(super) fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

fn hex_byte(text: &[u8]) -> Option<u8> {
    match *text {
        [high, low, ..] => Some(hex_digit(high)? << 4 | hex_digit(low)?),
        _ => None,
    }
}

fn plain(byte: u8) -> Option<u8> {
    Some(match byte {
        b'"' | b'\\' | b'/' | b'\'' => byte,
        b'b' => 8,
        b't' => b'\t',
        b'n' => b'\n',
        b'v' => 11,
        b'f' => 12,
        b'r' => b'\r',
        _ => return None,
    })
}

/// The letter of a `\uHHHH` or of a pair of surrogates, and the bytes it takes.
fn unicode(text: &[u8]) -> Option<(char, usize)> {
    let high = unit(text)?;
    if let Some(letter) = char::from_u32(high) {
        return Some((letter, 6));
    }
    let low = unit(&text[6..])?;
    if high >= 0xdc00 || !(0xdc00..0xe000).contains(&low) {
        return None;
    }
    char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)).map(|letter| (letter, 12))
}

fn unit(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?;
    Some(u32::from(hex_byte(digits)?) << 8 | u32::from(hex_byte(digits.get(2..)?)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn undone(value: &str) -> Vec<u8> {
        let mut out = Vec::new();
        unescape(value.as_bytes(), &mut out);
        out
    }

    #[test]
    fn the_escapes_of_nginx_apache_and_json_are_undone() {
        for (value, bytes) in [
            (r"a\x2Eb\x5c", b"a.b\\".as_slice()),
            (r#"\"\\\/\n"#, b"\"\\/\n"),
            (r"\u002e\u00f8\uD83D\uDE00", ".ø😀".as_bytes()),
            (r"\xZZ\q\", br"\xZZ\q\"),
            (r"\ud83d\u0041", br"\ud83dA"),
            (r"\ud83d", br"\ud83d"),
            (r"\x4", br"\x4"),
            (r"\u004", br"\u004"),
        ] {
            assert_eq!(undone(value), bytes, "{value}");
        }
    }

    #[test]
    fn percent_escapes_are_undone_once() {
        let mut text = *b"%2d%2D%252e%4%zz%";
        let length = percent_decode(&mut text);
        assert_eq!(&text[..length], b"--%2e%4%zz%");
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(value in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut out = Vec::new();
            unescape(&value, &mut out);
            prop_assert!(out.len() <= value.len());
            let length = percent_decode(&mut out);
            prop_assert!(length <= out.len());
        }

        #[test]
        fn what_was_escaped_byte_by_byte_comes_back(value in proptest::collection::vec(any::<u8>(), 0..40)) {
            let escaped: String = value.iter().map(|byte| format!("\\x{byte:02X}")).collect();
            prop_assert_eq!(undone(&escaped), value);
        }
    }
}
