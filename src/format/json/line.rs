//! A log line in a JSON string, its escapes undone.

/// Appends what the body of a JSON string stands for; `false` where it is no such body, or more than one line.
///
/// One line end at the end is left on.
pub fn unescape_line(body: &[u8], out: &mut Vec<u8>) -> bool {
    let mut rest = body;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let Some((letter, used)) = escape(&rest[at..]) else { return false };
        out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        rest = &rest[at + used..];
    }
    out.extend_from_slice(rest);
    let line = out.strip_suffix(b"\n").unwrap_or(out);
    memchr::memchr(b'\n', line).is_none()
}

/// The escape that `text` begins with: what it stands for, and how long it is.
fn escape(text: &[u8]) -> Option<(char, usize)> {
    let letter = match text.get(1)? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let high = unit(text)?;
            return match high {
                0xd800..=0xdbff => {
                    let low = unit(text.get(6..)?).filter(|low| (0xdc00..=0xdfff).contains(low))?;
                    char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)).map(|letter| (letter, 12))
                }
                _ => char::from_u32(high).map(|letter| (letter, 6)),
            };
        }
        _ => return None,
    };
    Some((letter, 2))
}

/// The number of the `\uXXXX` that `text` begins with.
fn unit(text: &[u8]) -> Option<u32> {
    let digits = text.get(..6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |sum, &digit| Some(sum << 4 | char::from(digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(body: &str) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        unescape_line(body.as_bytes(), &mut out).then_some(out)
    }

    #[test]
    fn escapes_are_undone_and_one_line_end_may_stand_at_the_end() {
        assert_eq!(line(r#"a \"b\" \\ \/ \t \u00e5 \ud83d\ude00\n"#).unwrap(), "a \"b\" \\ / \t å 😀\n".as_bytes());
        assert_eq!(line("").unwrap(), b"");
    }

    #[test]
    fn more_than_one_line_or_half_an_escape_is_none() {
        for body in [r"a\nb", r"a\n\n", r"\ud83d", r"\udc00", r"\ud83d\u0041", r"\u12", r"\x41", "\\"] {
            assert_eq!(line(body), None, "{body}");
        }
    }

    proptest! {
        #[test]
        fn what_a_json_writer_wrote_is_read_again(text in "[^\n]{0,40}") {
            let body = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(line(&body[1..body.len() - 1]), Some(text.into_bytes()));
        }
    }
}
