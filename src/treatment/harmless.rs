//! Texts that were read and hold nothing of anybody. It only saves work: a text that is not found is read anew.
//!
//! Names of programs, backends, ciphers and resources stand in line after line.

use super::scrub::Controls;
use crate::detect::{Kinds, Place};

/// As many texts as a power of two has; one for all that meet at its place.
#[derive(Debug, Default)]
pub struct Memory {
    entries: Vec<Entry>,
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

/// Longer texts are not remembered: Amazon's names of resources are shorter.
const LONGEST: usize = 123;

/// 256 entries of 128 bytes: they stay in the second-level cache.
const BITS: u32 = 8;

impl Memory {
    /// Whether this text was read for the same, and nothing was found.
    #[inline]
    pub(super) fn holds(&self, text: &[u8], asked: Asked) -> bool {
        (1..=LONGEST).contains(&text.len())
            && self.entries.get(place(text)).is_some_and(|entry| {
                usize::from(entry.length) == text.len() && entry.asked == asked && entry.text[..text.len()] == *text
            })
    }

    /// Remembers a text in which nothing was found.
    #[inline]
    pub(super) fn add(&mut self, text: &[u8], asked: Asked) {
        if text.is_empty() || text.len() > LONGEST {
            return;
        }
        if self.entries.is_empty() {
            self.entries = vec![Entry { asked, length: 0, text: [0; LONGEST] }; 1 << BITS];
        }
        let entry = &mut self.entries[place(text)];
        (entry.asked, entry.length) = (asked, text.len() as u8);
        entry.text[..text.len()].copy_from_slice(text);
    }
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
        for text in texts {
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
        memory.add(&[b'a'; LONGEST + 1], ASKED);
        assert!(!memory.holds(&[b'a'; LONGEST + 1], ASKED));
    }
}
