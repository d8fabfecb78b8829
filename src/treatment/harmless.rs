//! Texts that were read and hold nothing of anybody. It only saves work: a text that is not found is read anew.
//!
//! Names of programs, backends, ciphers and resources stand in line after line, and so do agents where a server writes them
//! into a text of its own, as HAProxy does.

use super::{pieces, scrub::Controls};
use crate::detect::{Kinds, Place};

/// As many texts as a power of two has; one for all that meet at its place.
#[derive(Debug, Default)]
pub struct Memory {
    entries: Vec<Entry>,
    long: Vec<Long>,
}

/// What a text was read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) kinds: Kinds,
    pub(super) place: Place,
    pub(super) controls: Controls,
}

/// Two cache lines.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Entry {
    asked: Asked,
    /// 0: there is none.
    length: u8,
    text: [u8; LONGEST],
}

/// A longer text: four cache lines.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Long {
    asked: Asked,
    /// 0: there is none.
    length: u8,
    text: [u8; LONGEST_LONG],
}

/// Longer texts have places of their own: Amazon's names of resources are shorter.
const LONGEST: usize = 123;

/// Still longer ones are not remembered: few agents are, with the name of the host that was asked.
const LONGEST_LONG: usize = 251;

/// 256 entries of 128 bytes: they stay in the second-level cache.
const BITS: u32 = 8;

/// 1024 of 256 bytes: agents are many, and to read one anew takes long.
const LONG_BITS: u32 = 10;

impl Memory {
    /// Whether this text was read for the same, and nothing was found.
    #[inline]
    pub(super) fn holds(&self, text: &[u8], asked: Asked) -> bool {
        if text.len() > LONGEST {
            return self.holds_long(text, asked);
        }
        !text.is_empty()
            && self.entries.get(place(text)).is_some_and(|entry| {
                usize::from(entry.length) == text.len() && entry.asked == asked && entry.text[..text.len()] == *text
            })
    }

    /// Remembers a text in which nothing was found.
    #[inline]
    pub(super) fn add(&mut self, text: &[u8], asked: Asked) {
        if text.is_empty() || text.len() > LONGEST {
            return self.add_long(text, asked);
        }
        if self.entries.is_empty() {
            self.entries = vec![Entry { asked, length: 0, text: [0; LONGEST] }; 1 << BITS];
        }
        let entry = &mut self.entries[place(text)];
        (entry.asked, entry.length) = (asked, text.len() as u8);
        entry.text[..text.len()].copy_from_slice(text);
    }

    fn holds_long(&self, text: &[u8], asked: Asked) -> bool {
        text.len() <= LONGEST_LONG
            && self.long.get(long_place(text)).is_some_and(|entry| {
                usize::from(entry.length) == text.len() && entry.asked == asked && entry.text[..text.len()] == *text
            })
    }

    fn add_long(&mut self, text: &[u8], asked: Asked) {
        if text.is_empty() || text.len() > LONGEST_LONG {
            return;
        }
        if self.long.is_empty() {
            self.long = vec![Long { asked, length: 0, text: [0; LONGEST_LONG] }; 1 << LONG_BITS];
        }
        let entry = &mut self.long[long_place(text)];
        (entry.asked, entry.length) = (asked, text.len() as u8);
        entry.text[..text.len()].copy_from_slice(text);
    }
}

/// Where a longer text is remembered: agents differ anywhere.
#[inline]
fn long_place(text: &[u8]) -> usize {
    (pieces::hash::<LONGEST_LONG>(text, 0) >> (64 - LONG_BITS)) as usize
}

/// Where a text is remembered: its beginning, its middle, its end and its length say.
#[inline]
fn place(text: &[u8]) -> usize {
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    let sum = match (text.first_chunk(), text[text.len() / 2..].first_chunk(), text.last_chunk()) {
        (Some(first), middle, Some(last)) => {
            word(first) ^ word(last).rotate_left(23) ^ middle.map_or(0, word).rotate_left(41)
        }
        _ => text.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte)),
    };
    ((sum ^ (text.len() as u64) << 56).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - BITS)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Asked = Asked { kinds: Kinds::ALL, place: Place::Text, controls: Controls::Escape };

    #[test]
    fn a_text_is_known_by_all_its_bytes_and_by_what_it_was_read_for() {
        let texts = ["", "a", "shop", "web1.example.com", "arn:aws:acm:eu-north-1:123456789012:certificate/1"];
        let long = [LONGEST, LONGEST + 1, 128, 160, LONGEST_LONG]
            .map(|length| "Mozilla/5.0 (X11)".repeat(16)[..length].to_owned());
        for text in texts.into_iter().chain(long.iter().map(String::as_str)) {
            let (mut memory, text) = (Memory::default(), text.as_bytes());
            assert!(!memory.holds(text, ASKED));
            memory.add(text, ASKED);
            assert_eq!(memory.holds(text, ASKED), !text.is_empty());
            assert!(!memory.holds(text, Asked { kinds: Kinds::IP, ..ASKED }));
            assert!(!memory.holds(text, Asked { place: Place::Host, ..ASKED }));
            assert!(!memory.holds(text, Asked { controls: Controls::Leave, ..ASKED }));
            for at in 0..text.len() {
                let mut other = text.to_vec();
                other[at] ^= 1;
                assert!(!memory.holds(&other, ASKED) && !memory.holds(&text[..at], ASKED));
            }
        }
        let mut memory = Memory::default();
        memory.add(&[b'a'; LONGEST_LONG + 1], ASKED);
        assert!(!memory.holds(&[b'a'; LONGEST_LONG + 1], ASKED));
    }
}
