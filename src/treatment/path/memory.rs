//! Paths that were read closely and may leave as they stand. It only saves work.

use crate::{
    detect::prefetch,
    treatment::{family::hash, truncate::Truncate},
};

/// A bounded set of harmless paths; takes no memory before the first. One a worker.
#[derive(Default)]
pub struct Memory {
    places: Vec<Place>,
    /// The path that was announced: where it stands, its length, and its place here.
    next: (usize, usize, usize),
    /// How addresses were cut when these paths were read: another way may cut what this one lets stand.
    network: (u8, u8, usize),
}

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Place {
    /// 0: empty.
    length: u8,
    path: [u8; LONGEST],
}

/// Longer paths are read closely each time.
const LONGEST: usize = 127;
/// 4,096 places of 128 bytes: they stay in the second-level cache.
const BITS: u32 = 12;

impl Memory {
    /// Says which path may be asked for next, so that what is known of it can be fetched in the meantime.
    #[inline]
    pub(in crate::treatment) fn announce(&mut self, path: &[u8]) {
        // Shorter ones are mostly words, and nobody asks.
        if path.len() < 8 || path.len() > LONGEST {
            return;
        }
        let place = index(path);
        self.next = (path.as_ptr() as usize, path.len(), place);
        if let Some(place) = self.places.get(place) {
            prefetch(place);
            prefetch(&place.path[LONGEST - 1]);
        }
    }

    #[inline]
    fn index(&self, path: &[u8]) -> usize {
        let (at, length, place) = self.next;
        if at == path.as_ptr() as usize && length == path.len() { place } else { index(path) }
    }

    /// Whether the path is remembered.
    #[inline]
    pub(super) fn has(&self, path: &[u8], network: &Truncate) -> bool {
        let Some(place) = self.places.get(self.index(path)) else { return false };
        usize::from(place.length) == path.len() && place.path[..path.len()] == *path && self.network == marks(network)
    }

    /// Remembers a path that stands as it came.
    #[inline(never)]
    pub(super) fn learn(&mut self, path: &[u8], network: &Truncate) {
        if path.is_empty() || path.len() > LONGEST {
            return;
        }
        if self.places.is_empty() || self.network != marks(network) {
            self.places.clear();
            self.places.resize(1 << BITS, Place { length: 0, path: [0; LONGEST] });
            self.network = marks(network);
        }
        let place = &mut self.places[index(path)];
        place.length = path.len() as u8;
        place.path[..path.len()].copy_from_slice(path);
    }
}

#[inline]
fn index(path: &[u8]) -> usize {
    hash(path) as usize & ((1 << BITS) - 1)
}

fn marks(network: &Truncate) -> (u8, u8, usize) {
    (network.v4, network.v6, network.exempt.as_ptr() as usize)
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memory(..)")
    }
}
