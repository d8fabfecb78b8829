//! Digests of the texts that were seen last. It only saves work: a value that is not found is keyed anew.

/// What of a digest can be printed: 32 hexadecimal digits.
pub(super) type Digest = [u8; 16];

/// As many pairs of entries as a power of two has: the last two of all values that meet at their place, the newer one first.
#[derive(Default)]
pub(super) struct Cache {
    entries: Vec<[Entry; 2]>,
    /// One for all that meet.
    long: Vec<Long>,
    /// What tells most values that are not there from those that are, without a look at their entries: these are many, and
    /// far away. 0: the place is empty.
    tags: Vec<[u16; 2]>,
}

/// One cache line.
#[derive(Clone)]
#[repr(align(64))]
struct Entry {
    /// The key's number; 0: empty.
    number: u32,
    kind: u8,
    length: u8,
    value: [u8; LONGEST],
    digest: Digest,
}

/// Two cache lines.
#[derive(Clone)]
#[repr(align(128))]
struct Long {
    number: u32,
    kind: u8,
    length: u8,
    value: [u8; LONGEST_LONG],
    digest: Digest,
}

impl Entry {
    #[inline(never)]
    fn fill(&mut self, number: u32, kind: u8, value: &[u8], digest: Digest) {
        (self.number, self.kind, self.length) = (number, kind, value.len() as u8);
        self.value[..value.len()].copy_from_slice(value);
        self.digest = digest;
    }
}

/// Longer values have places of their own: UUIDs and most session ids are shorter.
const LONGEST: usize = 42;

/// Still longer ones are not remembered: the names that Amazon has for owners take 64 bytes.
const LONGEST_LONG: usize = 106;

/// 2048 pairs of entries of 64 bytes: they stay in the second-level cache.
const BITS: u32 = 11;

/// 256 entries of 128 bytes.
const LONG_BITS: u32 = 8;

impl Cache {
    /// The digest of a value under the key with this number, remembered or made.
    #[inline]
    pub(super) fn get(
        &mut self,
        number: u32,
        kind: u8,
        value: &[u8],
        make: impl FnOnce() -> Option<Digest>,
    ) -> Option<Digest> {
        let (place, own) = place(number, kind, value);
        let (Some(entries), Some(tags), true) =
            (self.entries.get_mut(place), self.tags.get_mut(place), value.len() <= LONGEST)
        else {
            return self.make_room(number, kind, value, make);
        };
        let at = usize::from(tags[0] != own);
        let entry = &entries[at];
        let same = tags[at] == own
            && entry.number == number
            && entry.kind == kind
            && usize::from(entry.length) == value.len()
            && equal(&entry.value[..value.len()], value);
        if same {
            return Some(entry.digest);
        }
        let digest = make()?;
        let [newer, older] = entries;
        older.clone_from(newer);
        newer.fill(number, kind, value, digest);
        *tags = [own, tags[0]];
        Some(digest)
    }

    /// The digest of a long value, or of one that comes before the first memory: that one is not remembered.
    #[cold]
    fn make_room(
        &mut self,
        number: u32,
        kind: u8,
        value: &[u8],
        make: impl FnOnce() -> Option<Digest>,
    ) -> Option<Digest> {
        if value.len() <= LONGEST {
            let empty = Entry { number: 0, kind: 0, length: 0, value: [0; LONGEST], digest: [0; 16] };
            self.entries = vec![[empty.clone(), empty]; 1 << BITS];
            self.tags = vec![[0; 2]; 1 << BITS];
            return make();
        }
        if value.len() > LONGEST_LONG {
            return make();
        }
        if self.long.is_empty() {
            let empty = Long { number: 0, kind: 0, length: 0, value: [0; LONGEST_LONG], digest: [0; 16] };
            self.long = vec![empty; 1 << LONG_BITS];
        }
        let entry = &mut self.long[place(number, kind, value).0 >> (BITS - LONG_BITS)];
        let same = entry.number == number && entry.kind == kind && usize::from(entry.length) == value.len();
        if same && entry.value[..value.len()] == *value {
            return Some(entry.digest);
        }
        let digest = make()?;
        (entry.number, entry.kind, entry.length) = (number, kind, value.len() as u8);
        entry.value[..value.len()].copy_from_slice(value);
        entry.digest = digest;
        Some(digest)
    }

    /// Leaves no value in memory.
    pub(super) fn wipe(&mut self) {
        self.tags.fill([0; 2]);
        for entry in self.entries.as_flattened_mut() {
            entry.number = 0;
            zeroize::Zeroize::zeroize(&mut entry.value);
            zeroize::Zeroize::zeroize(&mut entry.digest);
        }
        for entry in &mut self.long {
            entry.number = 0;
            zeroize::Zeroize::zeroize(&mut entry.value);
            zeroize::Zeroize::zeroize(&mut entry.digest);
        }
    }
}

/// Whether two texts of one length are the same. Short as they are, a call would cost more.
#[inline]
fn equal(one: &[u8], other: &[u8]) -> bool {
    let ((ones, one_rest), (others, other_rest)) = (one.as_chunks::<8>(), other.as_chunks::<8>());
    let words = ones.iter().zip(others).all(|(one, other)| u64::from_le_bytes(*one) == u64::from_le_bytes(*other));
    words && one_rest.iter().zip(other_rest).all(|(one, other)| one == other)
}

/// Where a value is remembered, and its tag. Mixes eight bytes at a time; the last eight may overlap those before.
#[inline]
fn place(number: u32, kind: u8, value: &[u8]) -> (usize, u16) {
    let mut state = u64::from(number) << 16 | u64::from(kind) << 8 | value.len() as u64;
    let mut mix = |word: u64| {
        let product = u128::from(state ^ word ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93;
        state = product as u64 ^ (product >> 64) as u64;
    };
    let (words, rest) = value.as_chunks::<8>();
    for word in words {
        mix(u64::from_le_bytes(*word));
    }
    if let Some(last) = value.last_chunk::<8>() {
        if !rest.is_empty() {
            mix(u64::from_le_bytes(*last));
        }
    } else {
        mix(rest.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)));
    }
    ((state >> (64 - BITS)) as usize, state as u16 | 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_value_is_made_once_and_found_again() {
        let mut cache = Cache::default();
        // The first value makes room and is not remembered itself.
        assert_eq!(cache.get(1, 0, b"anna", || Some([0; 16])), Some([0; 16]));
        for (number, kind, value) in [
            (1, 0, "anna"),
            (2, 0, "anna"),
            (1, 1, "anna"),
            (1, 0, ""),
            (1, 0, &"x".repeat(42)),
            (1, 0, &"x".repeat(43)),
            (2, 1, &"x".repeat(106)),
        ] {
            let digest = [number as u8 ^ kind << 4 ^ value.len() as u8; 16];
            assert_eq!(cache.get(number, kind, value.as_bytes(), || Some(digest)), Some(digest));
            assert_eq!(cache.get(number, kind, value.as_bytes(), || panic!("made again")), Some(digest));
        }
    }

    #[test]
    fn two_that_meet_at_one_place_are_both_remembered_and_a_third_displaces_the_oldest() {
        let mut cache = Cache::default();
        let at = |i: u32| place(1, 0, format!("user{i}").as_bytes()).0;
        let mut meeting = (1..).filter(|&i| at(i) == at(0)).map(|i| format!("user{i}"));
        let [one, two, three] = std::array::from_fn(|_| meeting.next().unwrap());
        cache.get(1, 0, b"first", || Some([0; 16]));
        for (value, digest) in [(&one, 1), (&two, 2), (&three, 3)] {
            assert_eq!(cache.get(1, 0, value.as_bytes(), || Some([digest; 16])), Some([digest; 16]));
        }
        for (value, digest) in [(&two, 2), (&three, 3)] {
            assert_eq!(cache.get(1, 0, value.as_bytes(), || panic!("made again")), Some([digest; 16]));
        }
        assert_eq!(cache.get(1, 0, one.as_bytes(), || Some([4; 16])), Some([4; 16]));
    }

    #[test]
    fn long_values_refusals_and_what_was_wiped_are_not_remembered() {
        let mut cache = Cache::default();
        let long = [b'x'; LONGEST_LONG + 1];
        assert_eq!(cache.get(1, 0, &long, || Some([1; 16])), Some([1; 16]));
        assert_eq!(cache.get(1, 0, &long, || Some([2; 16])), Some([2; 16]));
        for _ in 0..2 {
            assert_eq!(cache.get(1, 0, b"a", || None), None);
        }
        assert_eq!(cache.get(1, 0, b"a", || Some([3; 16])), Some([3; 16]));
        assert_eq!(cache.get(1, 0, b"a", || None), Some([3; 16]));
        // Pairs of which both are in use, and a long one.
        for number in 0..10_000 {
            cache.get(1, 0, format!("user{number}").as_bytes(), || Some([5; 16]));
        }
        cache.get(1, 0, &[b'x'; LONGEST_LONG], || Some([5; 16]));
        cache.wipe();
        let entries = cache.entries.as_flattened().iter().map(|entry| (&entry.value[..], entry.digest));
        let long = cache.long.iter().map(|entry| (&entry.value[..], entry.digest));
        assert!(entries.chain(long).all(|(value, digest)| value.iter().chain(&digest).all(|&byte| byte == 0)));
        assert_eq!(cache.get(1, 0, b"a", || Some([4; 16])), Some([4; 16]));
    }

    #[test]
    fn values_spread_over_the_places() {
        let places: std::collections::HashSet<usize> =
            (0..2048).map(|i: u32| place(1, 0, format!("user{i}").as_bytes()).0).collect();
        assert!(places.len() > 1125, "{}", places.len());
    }

    proptest! {
        #[test]
        fn it_gives_what_is_made_without_it(
            asked in proptest::collection::vec((1..4u32, 0..3u8, "[ab]{0,9}", any::<bool>()), 1..300),
        ) {
            let mut cache = Cache::default();
            for (number, kind, value, long) in asked {
                let value = if long { format!("{:c<43}{value}", "") } else { value };
                // A digest that says all of what was asked for.
                let mut digest = [0; 16];
                (digest[0], digest[1], digest[2]) = (number as u8, kind, value.len() as u8);
                let last = &value[value.len() - value.len().min(9)..];
                digest[3..3 + last.len()].copy_from_slice(last.as_bytes());
                prop_assert_eq!(cache.get(number, kind, value.as_bytes(), || Some(digest)), Some(digest));
            }
        }
    }
}
