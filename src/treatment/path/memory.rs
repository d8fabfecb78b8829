//! Paths that were read and may leave as they stand. It only saves work.

use crate::{
    detect::prefetch,
    treatment::{pieces, truncate::Truncate},
};

/// A bounded set of harmless paths; takes no memory before the first. One a worker.
#[derive(Default)]
pub struct Memory {
    short: Shelf<64>,
    long: Shelf<128>,
    /// The last two paths that were announced: where each stands, its length, and its hash.
    next: [(usize, usize, u64); 2],
    /// How addresses were cut when these paths were read: another way may cut what this one lets stand.
    network: (u8, u8, usize),
}

/// Paths of at least [`SHORTEST`] and less than `N` bytes, in rows of four places.
#[derive(Default)]
struct Shelf<const N: usize> {
    /// A row's tags, 16 bits a place: what the hash of its path says beside the row. 0: empty. No two of a row are the same.
    tags: Vec<u64>,
    places: Vec<[Place<N>; 4]>,
    /// Which place of a full row is used next.
    turn: u32,
}

/// A path from the first byte on, and in the last byte its length.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Place<const N: usize>([u8; N]);

/// Shorter paths are mostly words: one look at them costs no more than to look for them here.
const SHORTEST: usize = 8;
/// 8,192 places of 64 bytes: those that are used stay in the second-level cache. A site of 4,000 pages met with 4,096 places
/// where each page had only one found three pages of four; with four places each it finds 99 of 100.
const SHORT_ROWS: usize = 1 << 11;
/// 1,024 places of 128 bytes for those that need them.
const LONG_ROWS: usize = 1 << 8;

impl Memory {
    /// Says which path may be asked for soon, so that what is known of it can be fetched in the meantime: the next or the
    /// one after it.
    #[inline(always)]
    pub(in crate::treatment) fn announce(&mut self, path: &[u8]) {
        let hash = match path.len() {
            SHORTEST..64 => {
                let hash = pieces::hash::<64>(path, 0);
                self.short.fetch(hash);
                hash
            }
            64..128 => {
                let hash = pieces::hash::<128>(path, 0);
                self.long.fetch(hash);
                hash
            }
            _ => return,
        };
        self.next = [self.next[1], (path.as_ptr() as usize, path.len(), hash)];
    }

    /// Whether the path is remembered.
    #[inline]
    pub(super) fn has(&self, path: &[u8], network: &Truncate) -> bool {
        let is = |next: &&(usize, usize, u64)| next.0 == path.as_ptr() as usize && next.1 == path.len();
        let announced = self.next.iter().find(is).map(|next| next.2);
        let known = match path.len() {
            SHORTEST..64 => self.short.has(path, announced.unwrap_or_else(|| pieces::hash::<64>(path, 0))),
            64..128 => self.long.has(path, announced.unwrap_or_else(|| pieces::hash::<128>(path, 0))),
            _ => false,
        };
        known && self.network == marks(network)
    }

    /// Remembers a path that stands as it came.
    #[inline(never)]
    pub(super) fn learn(&mut self, path: &[u8], network: &Truncate) {
        if self.network != marks(network) {
            *self = Memory { network: marks(network), ..Memory::default() };
        }
        match path.len() {
            SHORTEST..64 => self.short.learn(path, SHORT_ROWS),
            64..128 => self.long.learn(path, LONG_ROWS),
            _ => {}
        }
    }
}

impl<const N: usize> Shelf<N> {
    /// The row of a hash, its tag, and the tags that stand in the row; `None` where nothing was ever learned.
    #[inline]
    fn row(&self, hash: u64) -> Option<(usize, u64, u64)> {
        let row = hash as usize & self.tags.len().wrapping_sub(1);
        self.tags.get(row).map(|&tags| (row, hash >> 48 | 1, tags))
    }

    #[inline]
    fn fetch(&self, hash: u64) {
        if let Some((row, tag, tags)) = self.row(hash)
            && let Some(place) = place_of(tag, tags)
        {
            let Place(bytes) = &self.places[row][place];
            prefetch(&bytes[0]);
            if N > 64 {
                prefetch(&bytes[64]);
            }
        }
    }

    #[inline]
    fn has(&self, path: &[u8], hash: u64) -> bool {
        let Some((row, tag, tags)) = self.row(hash) else { return false };
        let Some(place) = place_of(tag, tags) else { return false };
        let Place(bytes) = &self.places[row][place];
        usize::from(bytes[N - 1]) == path.len() && pieces::same::<N>(bytes, path)
    }

    fn learn(&mut self, path: &[u8], rows: usize) {
        let hash = pieces::hash::<N>(path, 0);
        if self.tags.is_empty() {
            self.tags.resize(rows, 0);
            self.places.resize(rows, [Place([0; N]); 4]);
        }
        let Some((row, tag, tags)) = self.row(hash) else { return };
        // The tag's own place, else an empty one, else the next in turn.
        let place = place_of(tag, tags).or_else(|| place_of(0, tags)).unwrap_or_else(|| {
            self.turn = self.turn.wrapping_add(1);
            self.turn as usize % 4
        });
        let at = 16 * place;
        self.tags[row] = tags & !(0xffff << at) | tag << at;
        let Place(bytes) = &mut self.places[row][place];
        bytes[..path.len()].copy_from_slice(path);
        bytes[N - 1] = path.len() as u8;
    }
}

/// Which of a row's four places has this tag.
#[inline]
fn place_of(tag: u64, tags: u64) -> Option<usize> {
    const ONES: u64 = 0x0001_0001_0001_0001;
    let differs = tags ^ tag.wrapping_mul(ONES);
    // The lowest bit that comes out stands in the first part that is zero.
    let zero = differs.wrapping_sub(ONES) & !differs & ONES << 15;
    (zero != 0).then(|| zero.trailing_zeros() as usize / 16)
}

fn marks(network: &Truncate) -> (u8, u8, usize) {
    (network.v4, network.v6, network.exempt.as_ptr() as usize)
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memory(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::treatment::truncate::Port;
    use proptest::prelude::*;

    fn network(v4: u8) -> Truncate {
        Truncate { v4, v6: 48, port: Port::Drop, exempt: [].into() }
    }

    #[test]
    fn only_what_was_learned_byte_for_byte_is_remembered() {
        let mut memory = Memory::default();
        let text: Vec<u8> = (b'!'..=b'~').cycle().take(300).collect();
        for length in (0..140).rev() {
            let path = &text[length..2 * length];
            assert!(!memory.has(path, &network(24)), "{length}");
            memory.learn(path, &network(24));
            assert_eq!(memory.has(path, &network(24)), (SHORTEST..128).contains(&length), "{length}");
            for at in 0..length {
                let mut other = path.to_vec();
                other[at] ^= 1;
                assert!(!memory.has(&other, &network(24)), "{length} {at}");
            }
            assert!(!memory.has(&text[length..2 * length + 1], &network(24)), "{length}");
        }
    }

    #[test]
    fn paths_spread_over_the_places() {
        let mut memory = Memory::default();
        let paths: Vec<String> = (0..4096).map(|i| format!("/images/page-{i}.html")).collect();
        for path in &paths {
            memory.learn(path.as_bytes(), &network(24));
        }
        let known = paths.iter().filter(|path| memory.has(path.as_bytes(), &network(24))).count();
        assert!(known > 3700, "{known}");
    }

    #[test]
    fn what_was_learned_for_one_network_is_not_known_for_another() {
        let mut memory = Memory::default();
        memory.learn(b"/a/path/of/words", &network(24));
        assert!(!memory.has(b"/a/path/of/words", &network(16)));
        memory.learn(b"/another/path", &network(16));
        assert!(!memory.has(b"/a/path/of/words", &network(16)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_place_is_found_by_its_tag(tags: [u16; 4], tag: u16, among in 0..4usize) {
            let row = tags.iter().rev().fold(0, |row, &tag| row << 16 | u64::from(tag));
            for tag in [tag, tags[among], 0] {
                let place = tags.iter().position(|&one| one == tag);
                prop_assert_eq!(place_of(u64::from(tag), row), place);
            }
        }

        #[test]
        fn it_has_nothing_that_it_did_not_learn(
            learned in proptest::collection::vec("[ab]{6,20}|[ab]{60,66}", 0..200),
            asked in proptest::collection::vec("[ab]{6,20}|[ab]{60,66}", 0..200),
            announced: bool,
        ) {
            let mut memory = Memory::default();
            for path in &learned {
                memory.learn(path.as_bytes(), &network(24));
            }
            for path in &asked {
                if announced {
                    memory.announce(path.as_bytes());
                }
                prop_assert!(!memory.has(path.as_bytes(), &network(24)) || learned.contains(path));
            }
        }
    }
}
