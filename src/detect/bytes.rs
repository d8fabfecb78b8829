//! What a byte can be part of.

/// `0-9A-Za-z`
pub(super) const ALNUM: u8 = 1;
/// `0-9A-Fa-f`
pub(super) const HEX: u8 = 2;
/// A host name's or a dotted, dashed or underscored number's: `0-9A-Za-z._-`
pub(super) const HOST: u8 = 4;
/// A token's: `0-9A-Za-z_+-`
pub(super) const TOKEN: u8 = 8;
/// An IPv6 address's with a mapped tail: `0-9A-Fa-f:.`
pub(super) const COLON: u8 = 16;
/// An unquoted local part's, without what delimits values in logs: letters, digits, high bytes, `` .!#$%*+-^_`~' ``
pub(super) const LOCAL: u8 = 32;
/// A mail domain's: letters, digits, high bytes, `._-`
pub(super) const DOMAIN: u8 = 64;
/// `0-9`
pub(super) const DIGIT: u8 = 128;

const TABLE: [u8; 256] = {
    let mut table = [0u8; 256];
    let mut b = 0;
    while b < 256 {
        let c = b as u8;
        let mut class = 0;
        if c.is_ascii_alphanumeric() {
            class |= ALNUM | HOST | TOKEN | LOCAL | DOMAIN;
        }
        if c.is_ascii_hexdigit() {
            class |= HEX | COLON;
        }
        if c.is_ascii_digit() {
            class |= DIGIT;
        }
        class |= match c {
            b'.' => HOST | COLON | LOCAL | DOMAIN,
            b'_' | b'-' => HOST | TOKEN | LOCAL | DOMAIN,
            b'+' => TOKEN | LOCAL,
            b':' => COLON,
            b'!' | b'#' | b'$' | b'%' | b'*' | b'^' | b'`' | b'~' | b'\'' => LOCAL,
            128..=255 => LOCAL | DOMAIN,
            _ => 0,
        };
        table[b] = class;
        b += 1;
    }
    table
};

/// Whether `byte` is of one of the classes.
#[inline(always)]
pub(super) fn is(byte: u8, classes: u8) -> bool {
    #[cfg(test)]
    work::add(1);
    TABLE[byte as usize] & classes != 0
}

/// Whether the byte at `at` is there and of one of the classes.
#[inline(always)]
pub(super) fn is_at(text: &[u8], at: usize, classes: u8) -> bool {
    text.get(at).is_some_and(|&b| is(b, classes))
}

/// Whether the byte before `at` is there and of one of the classes.
#[inline(always)]
pub(super) fn is_before(text: &[u8], at: usize, classes: u8) -> bool {
    at > 0 && is(text[at - 1], classes)
}

/// Where the run of `classes` that holds `at` starts, not looking before `floor`.
#[inline]
pub(super) fn run_start(text: &[u8], at: usize, floor: usize, classes: u8) -> usize {
    let mut start = at;
    while start > floor && is(text[start - 1], classes) {
        start -= 1;
    }
    start
}

/// Where the run of `classes` from `at` on ends.
#[inline]
pub(super) fn run_end(text: &[u8], at: usize, classes: u8) -> usize {
    let mut end = at;
    while end < text.len() && is(text[end], classes) {
        end += 1;
    }
    end
}

/// Whether `word` is one of `known`, which are words in ASCII, in whatever case. Most differ in length already.
#[inline]
pub(super) fn among(known: &[&str], word: &[u8]) -> bool {
    let Some(&first) = word.first() else { return false };
    known.iter().map(|known| known.as_bytes()).any(|known| {
        known.len() == word.len() && known[0].eq_ignore_ascii_case(&first) && known.eq_ignore_ascii_case(word)
    })
}

/// Words in ASCII in whatever case, and what tells at a glance that most others are none of them.
pub(super) struct Known {
    words: &'static [&'static str],
    /// For each length the first letters of those that are so long, a bit each. Longer ones are with the last.
    firsts: [u32; 16],
}

impl Known {
    /// The words themselves, each in small letters.
    pub(super) const fn new(words: &'static [&'static str]) -> Known {
        let mut firsts = [0; 16];
        let mut i = 0;
        while i < words.len() {
            let word = words[i].as_bytes();
            firsts[Known::length(word)] |= 1 << (word[0] & 31);
            i += 1;
        }
        Known { words, firsts }
    }

    /// Whether `word` is one of them.
    #[inline]
    pub(super) fn has(&self, word: &[u8]) -> bool {
        word.first().is_some_and(|first| self.firsts[Known::length(word)] >> (first & 31) & 1 != 0)
            && among(self.words, word)
    }

    const fn length(word: &[u8]) -> usize {
        if word.len() < 16 { word.len() } else { 15 }
    }
}

/// The value of a hexadecimal digit.
#[inline]
pub(super) fn nibble(byte: u8) -> Option<u8> {
    let value = NIBBLES[byte as usize];
    (value < 16).then_some(value)
}

/// The same for each byte; 255 for those that are none.
const NIBBLES: [u8; 256] = {
    let mut table = [255; 256];
    let mut value = 0;
    while value < 16 {
        table[b"0123456789abcdef"[value] as usize] = value as u8;
        table[b"0123456789ABCDEF"[value] as usize] = value as u8;
        value += 1;
    }
    table
};

/// How many bytes verifiers have looked at, counted for the tests: a measure that does not depend on the machine.
#[cfg(test)]
pub(super) mod work {
    use std::cell::Cell;

    thread_local! {
        static DONE: Cell<u64> = const { Cell::new(0) };
    }

    /// Counts.
    pub(in crate::detect) fn add(count: u64) {
        DONE.set(DONE.get() + count);
    }

    /// What was counted since it was asked for last.
    pub(in crate::detect) fn taken() -> u64 {
        DONE.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_known_in_either_case_and_no_other_is() {
        static KNOWN: Known = Known::new(&["from", "by", "n/a", "keyboard-interactive", "(null)", "sími"]);
        for word in ["from", "FROM", "By", "N/A", "Keyboard-Interactive", "(NULL)", "sími"] {
            assert!(KNOWN.has(word.as_bytes()), "{word}");
        }
        for word in ["", "f", "form", "fro", "froms", "n/b", "keyboard-interactiv", "keyboard-interactives", "null"] {
            assert!(!KNOWN.has(word.as_bytes()), "{word}");
        }
        for length in 0..40 {
            let word = "a".repeat(length);
            assert!(!KNOWN.has(word.as_bytes()));
        }
    }
}
