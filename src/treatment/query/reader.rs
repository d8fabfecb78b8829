//! A query from delimiter to delimiter, and its short texts as words of 16 bytes.

use super::mute::LONGEST;
use crate::detect::{Delimiters, Detector};

/// Reads a query from delimiter to delimiter, up to 64 bytes at a glance.
pub(super) struct Reader<'a> {
    value: &'a [u8],
    /// Where the glance starts, and what it saw.
    base: usize,
    seen: Delimiters,
}

impl<'a> Reader<'a> {
    #[inline]
    pub(super) fn new(value: &'a [u8], detector: &Detector) -> Reader<'a> {
        let mut reader = Reader { value, base: 0, seen: Delimiters::default() };
        reader.look(0, detector);
        reader
    }

    #[inline]
    fn look(&mut self, base: usize, detector: &Detector) {
        let rest = &self.value[base..];
        self.base = base;
        self.seen = detector.delimiters(rest.first_chunk::<64>().map_or(rest, |block| block));
    }

    /// How long the name is at the start of a parameter, if it has 1 to [`LONGEST`] bytes and an equals sign follows.
    #[inline]
    pub(super) fn name(&mut self, at: usize, detector: &Detector) -> Option<usize> {
        if at - self.base > 63 - LONGEST {
            self.look(at, detector);
        }
        let seen = |mask: u64| (mask >> (at - self.base)).trailing_zeros();
        let length = seen(self.seen.equals);
        (length < seen(self.seen.separator) && (1..=LONGEST as u32).contains(&length)).then_some(length as usize)
    }

    /// Where the first separator from `from` on stands, and how long it is; the end and 0 where there is none.
    ///
    /// `from` is not before where a name was looked for last.
    #[inline]
    pub(super) fn separator(&mut self, mut from: usize, detector: &Detector) -> (usize, usize) {
        loop {
            let ahead = from - self.base;
            let mask = if ahead < 64 { self.seen.separator >> ahead } else { 0 };
            if mask == 0 {
                if self.value.len() - self.base <= 64 {
                    return (self.value.len(), 0);
                }
                from = from.max(self.base + 64);
                self.look(from, detector);
                continue;
            }
            let at = from + mask.trailing_zeros() as usize;
            let length = separator(&self.value[at..]);
            if length > 0 {
                return (at, length);
            }
            from = at + 1;
        }
    }
}

/// How long the separator is that stands at the start of `rest`; 0: none.
#[inline]
pub(super) fn separator(rest: &[u8]) -> usize {
    match rest {
        [b'&', b'a', b'm', b'p', b';', ..] => 5,
        // `kari&#64;example.org` is one value, not three names.
        [b'&', b'#', ..] | [b'&', b'c', b'o', b'm', b'm', b'a', b't', b';', ..] => 0,
        [b'&' | b';', ..] => 1,
        [b'\\', b'u', b'0', b'0', b'2', b'6', ..] => 6,
        _ => 0,
    }
}

/// Up to 16 bytes of `text` from `from` on, the first one lowest; zeros where it has no more.
#[inline]
pub(super) fn word(text: &[u8], from: usize) -> u128 {
    let rest = &text[from..];
    if let Some(bytes) = rest.first_chunk::<16>() {
        return u128::from_le_bytes(*bytes);
    }
    match text.last_chunk::<16>() {
        _ if rest.is_empty() => 0,
        Some(bytes) => u128::from_le_bytes(*bytes) >> (8 * (16 - rest.len())),
        None => rest.iter().rev().fold(0, |word, &byte| word << 8 | u128::from(byte)),
    }
}

/// Appends `text[from..to]`: most are so short that a call would cost more than the copy.
#[inline]
pub(super) fn append(text: &[u8], from: usize, to: usize, made: &mut Vec<u8>) {
    let length = to - from;
    if length > 16 {
        return made.extend_from_slice(&text[from..to]);
    }
    // All sixteen are written, and those behind `to` are taken back at once.
    let end = made.len() + length;
    made.extend_from_slice(&word(text, from).to_le_bytes());
    made.truncate(end);
}

/// The same byte sixteen times.
const fn sixteen(byte: u8) -> u128 {
    u128::MAX / 0xff * byte as u128
}

/// Whether the first `length` bytes of a word, 16 at most, are digits.
#[inline]
pub(super) fn is_number(word: u128, length: usize) -> bool {
    let digits = word ^ sixteen(0x30);
    (((digits & sixteen(0x7f)) + sixteen(0x76)) | digits) & sixteen(0x80) & !beyond(length) == 0
}

/// Whether they are letters.
#[inline]
pub(super) fn is_letters(word: u128, length: usize) -> bool {
    let lower = (word | sixteen(0x20)) & sixteen(0x7f);
    // The high bit of each byte that is not below `a` but below what follows `z`.
    let letters = (lower + sixteen(0x80 - 0x61)) & !(lower + sixteen(0x80 - 0x7b)) & !word & sixteen(0x80);
    letters | beyond(length) | sixteen(0x7f) == u128::MAX
}

/// The bytes of a word behind the first `length`.
#[inline]
fn beyond(length: usize) -> u128 {
    u128::MAX.checked_shl(8 * length as u32).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_are_read_in_one_word() {
        for text in [
            "",
            "7",
            "123456",
            "1234567",
            "/23",
            "12:",
            "abc",
            "Zz",
            "a{",
            "`b",
            "@A",
            "[z",
            "a\u{e9}",
            "0123456789abcdef",
            "abcdefghijKLMNOP",
        ] {
            for before in ["", "some bytes in front", "1"] {
                for behind in ["", "&", "&more=1234567890123456"] {
                    let all = format!("{before}{text}{behind}");
                    let word = word(all.as_bytes(), before.len());
                    let bytes = word.to_le_bytes();
                    let length = (all.len() - before.len()).min(16);
                    assert_eq!(bytes[..length], all.as_bytes()[before.len()..before.len() + length]);
                    assert!(bytes[length..].iter().all(|&byte| byte == 0));
                    assert_eq!(is_number(word, text.len()), text.bytes().all(|byte| byte.is_ascii_digit()), "{text}");
                    assert_eq!(
                        is_letters(word, text.len()),
                        text.bytes().all(|byte| byte.is_ascii_alphabetic()),
                        "{text}"
                    );
                    let mut made = b"a".to_vec();
                    append(all.as_bytes(), before.len(), before.len() + text.len(), &mut made);
                    assert_eq!(made, format!("a{text}").as_bytes());
                }
            }
        }
        for byte in 0..=255u8 {
            for at in 0..16 {
                let digits = u128::from_le_bytes(std::array::from_fn(|i| if i == at { byte } else { b'7' }));
                assert_eq!(is_number(digits, 16), byte.is_ascii_digit());
                let letters = u128::from_le_bytes(std::array::from_fn(|i| if i == at { byte } else { b'z' }));
                assert_eq!(is_letters(letters, 16), byte.is_ascii_alphabetic());
            }
        }
    }
}
