//! What a run of base64 says: whether the text in it holds an address or an e-mail address.
//!
//! Runs that look drawn are tokens whatever they hold; this is for the short and even ones, such as that of a bare address.

use super::bytes::{DIGIT, is};

/// How many characters are read: what stands further behind is seen by its looks.
const REACH: usize = 64;

/// Whether `run`, without padding, decodes to printable text with an address or an at-sign in it.
pub(super) fn tells(run: &[u8]) -> bool {
    let mut space = [0u8; REACH];
    run.len() >= 10
        && decode(run, &mut space).is_some_and(|text| {
            has_four(text) || has_mail(text) || text.windows(2).any(|pair| pair == b"::") && text.contains(&b':')
        })
}

/// Whether `run`, without padding, decodes to a name, a colon and a password.
pub(super) fn is_login(run: &[u8]) -> bool {
    decode(run, &mut [0u8; REACH]).is_some_and(|text| text.contains(&b':'))
}

/// The printable text that `run` decodes to.
fn decode<'a>(run: &[u8], text: &'a mut [u8; REACH]) -> Option<&'a [u8]> {
    let run = &run[..run.len().min(REACH)];
    if run.len() % 4 == 1 {
        return None;
    }
    let (mut bits, mut have, mut length) = (0u32, 0, 0);
    for &byte in run {
        let value = value(byte)?;
        bits = (bits << 6) | u32::from(value);
        have += 6;
        if have >= 8 {
            have -= 8;
            let letter = (bits >> have) as u8;
            if !matches!(letter, b' '..=b'~' | b'\t' | b'\n' | b'\r') {
                return None;
            }
            text[length] = letter;
            length += 1;
        }
    }
    Some(&text[..length])
}

fn value(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

/// Whether four numbers with dots between them stand in it.
fn has_four(text: &[u8]) -> bool {
    let (mut dots, mut digits) = (0, 0);
    for &byte in text {
        if is(byte, DIGIT) {
            digits += 1;
            if dots == 3 {
                return true;
            }
        } else if byte == b'.' && (1..=3).contains(&digits) {
            (dots, digits) = (dots + 1, 0);
        } else {
            (dots, digits) = (0, 0);
        }
    }
    false
}

/// Whether an at-sign stands between what may be a name and a domain.
fn has_mail(text: &[u8]) -> bool {
    text.iter().position(|&b| b == b'@').is_some_and(|at| {
        at > 0 && text[at - 1].is_ascii_alphanumeric() && text.get(at + 1).is_some_and(u8::is_ascii_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_with_addresses_are_told_from_others() {
        for run in ["MjAzLjAuMTEzLjc3", "MS4xLjEuMQ", "a2FyaUBleGFtcGxlLm9yZw", "MjAwMTpkYjg6Ojc", "ODQuMjA4LjIwLjExMw"]
        {
            assert!(tells(run.as_bytes()), "{run}");
        }
        for run in
            ["aGVsbG8gd29ybGQ", "combinedjavascript", "MS4yLjMgYmV0YQ", "MjAzLjAu", "getElementsByName", "aaaaaaaaaaaa"]
        {
            assert!(!tells(run.as_bytes()), "{run}");
        }
    }
}
