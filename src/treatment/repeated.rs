//! Short values that come again and again, with what became of them. It only saves work.
//!
//! For treatments whose outcome hangs on the value alone: no keyed one is among them.

use super::{Outcome, Step, keep::Grammar};

/// Remembered outcomes; takes no memory before the first. One a worker, for the fields of one format.
#[derive(Default)]
pub struct Repeated {
    entries: Vec<Entry>,
}

/// Two cache lines, of which the first says whether the second is asked for.
#[derive(Clone, Copy)]
#[repr(C, align(128))]
struct Entry {
    field: u16,
    length: u8,
    /// How many bytes were made, or what else became of it.
    made: u8,
    value: [u8; LONGEST],
    bytes: [u8; LONGEST],
}

/// Longer values are treated anew each time.
const LONGEST: usize = 60;
const KEPT: u8 = 254;
const DROPPED: u8 = 255;
/// 256 entries of 128 bytes.
const BITS: u32 = 8;

/// What became of a value, if that is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known<'a> {
    Kept,
    Dropped,
    Made(&'a [u8]),
}

impl Step {
    /// Whether it is worth to remember what becomes of a value: the outcome hangs on nothing else, and it takes more than a
    /// look at it.
    #[inline]
    pub(super) fn repeats(&self) -> bool {
        match self {
            Step::Coarsen(_)
            | Step::Country(_)
            | Step::Language
            | Step::Name(_)
            | Step::Origin(_)
            | Step::Scrub(_)
            | Step::Truncate(_) => true,
            Step::Keep(grammar) => match grammar {
                Grammar::Address | Grammar::Host(_) | Grammar::Instant(_) | Grammar::Language | Grammar::Word => true,
                Grammar::Known
                | Grammar::Method
                | Grammar::Nothing
                | Grammar::Number
                | Grammar::Protocol
                | Grammar::Status
                | Grammar::Text => false,
            },
            // These have memories of their own, or none that could be shared by the records of two epochs.
            Step::Cookie(_) | Step::Drop | Step::Family(_) | Step::Path(_) | Step::Pseudonym(_) | Step::Query(_) => {
                false
            }
        }
    }
}

impl Repeated {
    /// What became of a field's value.
    #[inline]
    pub(super) fn find(&self, field: u16, value: &[u8]) -> Option<Known<'_>> {
        let entry = self.entries.get(place(field, value))?;
        if entry.field != field || usize::from(entry.length) != value.len() || !equal(&entry.value, value) {
            return None;
        }
        Some(match entry.made {
            KEPT => Known::Kept,
            DROPPED => Known::Dropped,
            length => Known::Made(&entry.bytes[..usize::from(length)]),
        })
    }

    /// Remembers what became of it; `made` is what was made of it.
    #[inline(never)]
    pub(super) fn learn(&mut self, field: u16, value: &[u8], outcome: Outcome, made: &[u8]) {
        if value.len() > LONGEST || made.len() > LONGEST {
            return;
        }
        let what = match outcome {
            Outcome::Kept => KEPT,
            Outcome::Dropped => DROPPED,
            Outcome::Made => made.len() as u8,
            Outcome::Part(..) => return,
        };
        if self.entries.is_empty() {
            let empty = Entry { field: 0, length: u8::MAX, made: 0, value: [0; LONGEST], bytes: [0; LONGEST] };
            self.entries = vec![empty; 1 << BITS];
        }
        let entry = &mut self.entries[place(field, value)];
        (entry.field, entry.length, entry.made) = (field, value.len() as u8, what);
        entry.value[..value.len()].copy_from_slice(value);
        if what == made.len() as u8 {
            entry.bytes[..made.len()].copy_from_slice(made);
        }
    }
}

impl std::fmt::Debug for Repeated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Repeated(..)")
    }
}

/// Whether a place holds this value, which is not longer.
#[inline]
fn equal(place: &[u8; LONGEST], value: &[u8]) -> bool {
    let place = &place[..value.len().min(LONGEST)];
    let ((ones, one_rest), (others, other_rest)) = (place.as_chunks::<8>(), value.as_chunks::<8>());
    let words = ones.iter().zip(others).all(|(one, other)| u64::from_le_bytes(*one) == u64::from_le_bytes(*other));
    if let (Some(one), Some(other)) = (place.last_chunk::<8>(), value.last_chunk::<8>()) {
        // The last eight may overlap those before.
        return words && one == other;
    }
    one_rest.iter().zip(other_rest).all(|(one, other)| one == other)
}

/// Where a value is remembered: by its first and last eight bytes and its length.
#[inline]
fn place(field: u16, value: &[u8]) -> usize {
    let few = |value: &[u8]| value.iter().fold(0u64, |word, &byte| word << 8 | u64::from(byte));
    let (first, last) = match (value.first_chunk::<8>(), value.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => match (value.first_chunk::<4>(), value.last_chunk::<4>()) {
            (Some(first), Some(last)) => (u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last))),
            _ => (few(value), 0),
        },
    };
    let state = u64::from(field) << 32 | value.len() as u64;
    let product =
        u128::from(first ^ state ^ 0x9e37_79b9_7f4a_7c15) * u128::from(last.rotate_left(23) ^ 0xd6e8_feb8_6659_fd93);
    ((product as u64 ^ (product >> 64) as u64) >> (64 - BITS)) as usize
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_remembered_is_what_became_of_the_value(
            all in proptest::collection::vec((0..3u16, "[ab]{0,4}|[a-c]{7,9}|[ab]{58,62}", 0..4u8), 1..200),
        ) {
            let mut repeated = Repeated::default();
            let outcome = |field: u16, value: &str| match (usize::from(field) + value.len() + value.matches('a').count()) % 4 {
                0 => (Outcome::Kept, String::new()),
                1 => (Outcome::Dropped, String::new()),
                2 => (Outcome::Made, value.chars().rev().collect()),
                _ => (Outcome::Made, value.repeat(2)),
            };
            for (field, value, _) in &all {
                let (outcome, made) = outcome(*field, value);
                let expected = match outcome {
                    Outcome::Kept => Known::Kept,
                    Outcome::Dropped => Known::Dropped,
                    _ => Known::Made(made.as_bytes()),
                };
                if let Some(known) = repeated.find(*field, value.as_bytes()) {
                    prop_assert_eq!(known, expected);
                }
                repeated.learn(*field, value.as_bytes(), outcome, made.as_bytes());
                let known = repeated.find(*field, value.as_bytes());
                prop_assert_eq!(known.is_some(), value.len() <= LONGEST && made.len() <= LONGEST);
            }
        }
    }

    #[test]
    fn each_byte_of_a_value_counts() {
        for length in 0..=LONGEST {
            let value = vec![b'a'; length];
            let mut repeated = Repeated::default();
            repeated.learn(1, &value, Outcome::Kept, b"");
            assert_eq!(repeated.find(1, &value), Some(Known::Kept));
            assert_eq!(repeated.find(2, &value), None);
            for at in 0..length {
                let mut other = value.clone();
                other[at] = b'b';
                assert_eq!(repeated.find(1, &other), None, "{length} {at}");
            }
        }
    }
}
