//! A literal of a layout: compared as one word where it fits, found by its least common byte.

use super::{Malformed, seek};
use memchr::{memchr, memrchr};
use std::sync::Arc;

/// A literal that is compared as one word where it fits.
#[derive(Clone, Debug)]
pub(super) struct Literal {
    word: u64,
    mask: u64,
    bytes: Arc<[u8]>,
    /// Where its least common byte stands: what is looked for first.
    rare: usize,
}

impl Literal {
    pub(super) fn new(bytes: &[u8]) -> Literal {
        let mut word = [0; 8];
        let mut mask = [0; 8];
        let first = &bytes[..bytes.len().min(8)];
        word[..first.len()].copy_from_slice(first);
        mask[..first.len()].fill(0xff);
        let is_common = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let rare = bytes.iter().position(|&byte| byte != b' ' && !is_common(byte));
        let rare = rare.or_else(|| bytes.iter().position(|&byte| byte != b' ')).unwrap_or_default();
        Literal { word: u64::from_le_bytes(word), mask: u64::from_le_bytes(mask), bytes: bytes.into(), rare }
    }

    /// Its bytes, for a layout to hold too.
    pub(super) fn shared(&self) -> Arc<[u8]> {
        self.bytes.clone()
    }

    /// The first place in `text`, from `from` on, where it stands.
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        let Some(&byte) = self.bytes.get(self.rare) else { return Some(from) };
        let mut at = from;
        if self.bytes.len() == 1 {
            return Some(at + memchr(byte, text.get(at..)?)?);
        }
        // The rare byte and its neighbour.
        let place = self.rare.min(self.bytes.len() - 2);
        let pair = [self.bytes[place], self.bytes[place + 1]];
        loop {
            at = seek::pair(text, at + place, pair)? - place;
            if text[at..].starts_with(&self.bytes) {
                return Some(at);
            }
            at += 1;
        }
    }

    /// The last place in `text` where it stands.
    pub(super) fn rfind(&self, text: &[u8]) -> Option<usize> {
        let Some(&byte) = self.bytes.get(self.rare) else { return Some(text.len()) };
        let mut room = text.len();
        loop {
            let found = memrchr(byte, &text[..room])?;
            match found.checked_sub(self.rare) {
                Some(at) if text[at..].starts_with(&self.bytes) => return Some(at),
                _ => room = found,
            }
        }
    }

    /// The position behind the literal, if it stands at `at`.
    #[inline]
    pub(super) fn pass(&self, line: &[u8], at: usize) -> Result<usize, Malformed> {
        let stands = match line.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
            Some(rest) if self.bytes.len() <= 8 => u64::from_le_bytes(*rest) & self.mask == self.word,
            _ => self.stands(line, at),
        };
        if stands { Ok(at + self.bytes.len()) } else { Err(Malformed { at: at as u32, expected: "literal" }) }
    }

    /// The plain way.
    #[inline(never)]
    fn stands(&self, line: &[u8], at: usize) -> bool {
        line.get(at..).is_some_and(|rest| rest.starts_with(&self.bytes))
    }
}

impl std::ops::Deref for Literal {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_literal_stands_where_the_bytes_are_the_same(literal in r"[ab \[]{0,10}", text in r"[ab \[]{0,24}", at in 0..30usize) {
            let (made, bytes) = (Literal::new(literal.as_bytes()), text.as_bytes());
            let stands = |at: usize| bytes.get(at..).is_some_and(|rest| rest.starts_with(literal.as_bytes()));
            prop_assert_eq!(made.pass(bytes, at).ok(), stands(at).then_some(at + literal.len()));
            let from = at.min(bytes.len());
            prop_assert_eq!(made.find(bytes, from), (from..=bytes.len()).find(|&at| stands(at)));
            prop_assert_eq!(made.rfind(bytes), (0..=bytes.len()).rev().find(|&at| stands(at)));
        }
    }
}
