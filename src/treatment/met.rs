//! Digests of the addresses that were met last. As with `cache`, it only saves work: what is not found is keyed anew.
//!
//! An address counts by a few bytes, whatever it was spelled like: so an entry is half a cache line, and looking for it reads
//! one of them.

use super::{address::Address, cache::Digest};

/// What counts of an address: all of IPv4, the /64 of IPv6.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    /// From the highest byte on; zeros behind.
    bytes: [u8; 8],
    /// 4 or 8.
    length: u32,
}

impl Counted {
    #[inline]
    pub(super) fn of(address: Address) -> Counted {
        match address {
            Address::V4(bits) => Counted { bytes: (u64::from(bits) << 32).to_be_bytes(), length: 4 },
            Address::V6(bits) => Counted { bytes: ((bits >> 64) as u64).to_be_bytes(), length: 8 },
        }
    }

    /// Four or eight bytes.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        match self.length {
            4 => &self.bytes[..4],
            _ => &self.bytes,
        }
    }
}

/// As many sets as a power of two has, none before the first address.
#[derive(Default)]
pub(super) struct Met {
    sets: Vec<Set>,
}

/// Two addresses that met at one place, the newer one first: one cache line.
#[derive(Clone)]
#[repr(align(64))]
struct Set([Entry; 2]);

#[derive(Clone, Copy)]
struct Entry {
    /// The key's number and the address's length; 0: empty.
    under: u64,
    bytes: [u8; 8],
    digest: Digest,
}

const EMPTY: Entry = Entry { under: 0, bytes: [0; 8], digest: [0; 16] };

impl Entry {
    #[inline]
    fn is(&self, under: u64, bytes: [u8; 8]) -> bool {
        // One jump, not two.
        (self.under ^ under) | (u64::from_ne_bytes(self.bytes) ^ u64::from_ne_bytes(bytes)) == 0
    }
}

/// 4096 sets of 64 bytes: they stay in the second-level cache, beside as much for texts.
const BITS: u32 = 12;

impl Met {
    /// The digest of what counts of an address under the key with this number, which is not 0: remembered or made.
    #[inline]
    pub(super) fn get(&mut self, number: u32, counted: Counted, make: impl FnOnce() -> Digest) -> Digest {
        let (under, bytes) = (u64::from(number) << 32 | u64::from(counted.length), counted.bytes);
        let Some(Set([newer, older])) = self.sets.get_mut(place(under, bytes)) else {
            self.make_room();
            return make();
        };
        if newer.is(under, bytes) {
            return newer.digest;
        }
        if older.is(under, bytes) {
            return older.digest;
        }
        let digest = make();
        *older = *newer;
        *newer = Entry { under, bytes, digest };
        digest
    }

    /// For the addresses behind the first: that one is not remembered.
    #[cold]
    fn make_room(&mut self) {
        self.sets = vec![Set([EMPTY; 2]); 1 << BITS];
    }

    /// Leaves no address in memory.
    pub(super) fn wipe(&mut self) {
        for entry in self.sets.iter_mut().flat_map(|Set(entries)| entries) {
            entry.under = 0;
            zeroize::Zeroize::zeroize(&mut entry.bytes);
            zeroize::Zeroize::zeroize(&mut entry.digest);
        }
    }
}

/// Where an address is remembered.
#[inline]
fn place(under: u64, bytes: [u8; 8]) -> usize {
    let word = u64::from_be_bytes(bytes) ^ under.rotate_left(17) ^ 0x9e37_79b9_7f4a_7c15;
    let product = u128::from(word) * 0xd6e8_feb8_6659_fd93;
    ((product as u64 ^ (product >> 64) as u64) >> (64 - BITS)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    impl Met {
        /// Whether no address and no digest is in memory.
        pub(in crate::treatment) fn holds_nothing(&self) -> bool {
            let empty = |entry: Entry| entry.under == 0 && entry.bytes == [0; 8] && entry.digest == [0; 16];
            self.sets.iter().flat_map(|set| set.0).all(empty)
        }
    }

    #[test]
    fn an_address_is_made_once_and_found_again() {
        let mut met = Met::default();
        let (v4, v6) = (Counted::of(Address::V4(0xc000_0207)), Counted::of(Address::V6(0xc000_0207 << 96)));
        assert_eq!((v4.bytes(), v6.bytes()), (&[192, 0, 2, 7][..], &[192, 0, 2, 7, 0, 0, 0, 0][..]));
        // The first address makes room and is not remembered itself.
        assert_eq!(met.get(1, v4, || [0; 16]), [0; 16]);
        for (digest, (number, counted)) in [(1, (1, v4)), (2, (2, v4)), (3, (1, v6)), (4, (u32::MAX, v6))] {
            assert_eq!(met.get(number, counted, || [digest; 16]), [digest; 16]);
            assert_eq!(met.get(number, counted, || panic!("made again")), [digest; 16]);
        }
        met.wipe();
        assert!(met.holds_nothing());
        assert_eq!(met.get(1, v4, || [9; 16]), [9; 16]);
    }

    #[test]
    fn two_that_meet_at_one_place_are_both_remembered_and_a_third_displaces_the_oldest() {
        let mut met = Met::default();
        let under = 1 << 32 | 4;
        let at = |bits: u32| place(under, Counted::of(Address::V4(bits)).bytes);
        let mut meeting = (1..).filter(|&bits| at(bits) == at(0)).map(|bits| Counted::of(Address::V4(bits)));
        let [one, two, three] = std::array::from_fn(|_| meeting.next().unwrap());
        met.get(1, one, || [0; 16]);
        for (counted, digest) in [(one, 1), (two, 2), (three, 3)] {
            assert_eq!(met.get(1, counted, || [digest; 16]), [digest; 16]);
        }
        for (counted, digest) in [(two, 2), (three, 3)] {
            assert_eq!(met.get(1, counted, || panic!("made again")), [digest; 16]);
        }
        assert_eq!(met.get(1, one, || [4; 16]), [4; 16]);
    }

    #[test]
    fn neighbours_spread_over_the_places() {
        for addresses in [
            |bits: u32| Address::V4(0xcb00_7100 + bits),
            |bits: u32| Address::V4(bits << 16 | 0xc0),
            |bits: u32| Address::V6((0x2001_0db8_u128 << 32 | u128::from(bits)) << 64),
        ] {
            let places: std::collections::HashSet<usize> =
                (0..4096).map(|bits| place(1 << 32 | 4, Counted::of(addresses(bits)).bytes)).collect();
            assert!(places.len() > 2400, "{}", places.len());
        }
    }

    #[test]
    fn a_set_is_one_cache_line() {
        assert_eq!((size_of::<Set>(), align_of::<Set>()), (64, 64));
    }

    proptest! {
        #[test]
        fn it_gives_what_is_made_without_it(
            asked in proptest::collection::vec((1..4u32, 0..20_000u32, any::<bool>()), 1..3000),
        ) {
            let mut met = Met::default();
            for (number, bits, is_v4) in asked {
                let address = if is_v4 { Address::V4(bits) } else { Address::V6(u128::from(bits) << 96) };
                // A digest that says all of what was asked for.
                let mut digest = [is_v4 as u8; 16];
                digest[..4].copy_from_slice(&number.to_ne_bytes());
                digest[4..8].copy_from_slice(&bits.to_ne_bytes());
                prop_assert_eq!(met.get(number, Counted::of(address), || digest), digest);
            }
        }
    }
}
