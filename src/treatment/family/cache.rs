//! Agents that were seen, each by its hash, with what was made of it. It only saves work.
//!
//! Agents are not compared byte by byte: two of the same length meet once in 2^64, and the hash has a key that is drawn for each
//! memory, so that nobody can send an agent that takes the place of another. What comes out is always a family that was made.

use crate::{detect::prefetch, treatment::pieces};
use std::hash::{BuildHasher, RandomState};

/// Longer agents are read anew each time: there are few of them, and they could drive out many.
const LONGEST: usize = 512;
/// Most agents are no longer.
const USUAL: usize = 144;
/// Two places for all agents that meet.
const SLOTS: usize = 1 << 14;
/// Longer families are made anew each time.
const FAMILY: usize = 48;

/// Remembered families; takes no memory before the first agent. One a worker.
pub struct Cache {
    slots: Vec<Slot>,
    key: u64,
}

impl Default for Cache {
    fn default() -> Cache {
        Cache { slots: Vec::new(), key: RandomState::new().hash_one(0u8) }
    }
}

/// One line of the processor's cache.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Slot {
    hash: u64,
    /// 0: empty.
    agent: u16,
    length: u8,
    /// Whether the family was made with its version.
    version: bool,
    family: [u8; FAMILY],
}

impl Cache {
    /// Says which agent is asked for soon, so that what is known of it can be fetched in the meantime.
    ///
    /// Its hash is not kept: where it stood another agent may stand by then.
    #[inline]
    pub(in crate::treatment) fn announce(&self, agent: &[u8]) {
        if agent.len() > LONGEST || agent.is_empty() {
            return;
        }
        if let Some(slot) = self.slots.get(place(hash(agent, self.key))) {
            prefetch(slot);
        }
    }

    /// The family of an agent, remembered or made. `make` appends it to what it is given.
    #[inline]
    pub(super) fn get(&mut self, agent: &[u8], version: bool, made: &mut Vec<u8>, make: impl FnOnce(&mut Vec<u8>)) {
        if agent.len() > LONGEST || agent.is_empty() {
            return make(made);
        }
        let hash = hash(agent, self.key);
        let place = place(hash);
        // The later and the earlier.
        for slot in self.slots.get(place..place + 2).unwrap_or_default() {
            if slot.hash == hash && slot.version == version && usize::from(slot.agent) == agent.len() {
                // All of it and a cut are cheaper than a copy of any length.
                let end = made.len() + usize::from(slot.length);
                made.extend_from_slice(&slot.family);
                return made.truncate(end);
            }
        }
        let start = made.len();
        make(made);
        self.keep(place, hash, version, agent, &made[start..]);
    }

    #[inline(never)]
    fn keep(&mut self, place: usize, hash: u64, version: bool, agent: &[u8], family: &[u8]) {
        let mut slot =
            Slot { hash, agent: agent.len() as u16, length: family.len() as u8, version, family: [0; FAMILY] };
        let Some(space) = slot.family.get_mut(..family.len()) else { return };
        space.copy_from_slice(family);
        if self.slots.is_empty() {
            self.slots = vec![Slot { hash: 0, agent: 0, length: 0, version, family: [0; FAMILY] }; SLOTS];
        }
        self.slots[place + 1] = self.slots[place];
        self.slots[place] = slot;
    }
}

/// The first of two places.
#[inline]
fn place(hash: u64) -> usize {
    (hash as usize % SLOTS) & !1
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cache(..)")
    }
}

/// A hash of any agent.
#[inline]
fn hash(agent: &[u8], key: u64) -> u64 {
    match agent.len() {
        0..8 => agent.iter().fold(agent.len() as u64, |hash, &byte| hash << 8 | u64::from(byte)),
        8..=USUAL => pieces::hash::<USUAL>(agent, key),
        _ => pieces::hash::<LONGEST>(agent, key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn made(cache: &mut Cache, agent: &[u8], version: bool) -> Vec<u8> {
        let mut made = b"before".to_vec();
        cache.get(agent, version, &mut made, |made| {
            made.extend(agent.iter().rev().take(20));
            made.push(u8::from(version));
        });
        made[6..].to_vec()
    }

    proptest! {
        #[test]
        fn what_is_remembered_is_what_would_be_made(
            agents in proptest::collection::vec((proptest::collection::vec(0..4u8, 0..6), any::<bool>()), 0..400),
        ) {
            let mut cache = Cache::default();
            for (agent, version) in &agents {
                prop_assert_eq!(made(&mut cache, agent, *version), made(&mut Cache::default(), agent, *version));
            }
        }
    }

    #[test]
    fn agents_that_meet_in_one_memory_do_not_in_another() {
        let agent = [b'a'; 40];
        assert_ne!(hash(&agent, Cache::default().key), hash(&agent, Cache::default().key));
    }

    #[test]
    fn what_stood_at_the_same_place_before_does_not_matter() {
        let mut cache = Cache::default();
        let mut space = *b"Firefox/100";
        for digit in b'0'..=b'9' {
            space[10] = digit;
            cache.announce(&space);
            space[9] = digit;
            assert_eq!(made(&mut cache, &space, true), made(&mut Cache::default(), &space, true));
            assert_eq!(made(&mut cache, &space, true), made(&mut Cache::default(), &space, true));
        }
    }

    #[test]
    fn agents_and_families_of_any_length_come_out_as_they_were_made() {
        let mut cache = Cache::default();
        for length in (0..2 * LONGEST).chain(0..2 * LONGEST) {
            let (agent, family) = (vec![b'a'; length], vec![b'f'; length % 300]);
            let mut made = b"before".to_vec();
            cache.get(&agent, true, &mut made, |made| made.extend_from_slice(&family));
            assert_eq!(made[6..], family, "{length}");
        }
    }

    #[test]
    fn a_flood_of_agents_takes_no_more_than_the_bound() {
        let mut cache = Cache::default();
        for number in 0..20_000u32 {
            let agent = [&number.to_le_bytes()[..], &[b'x'; 300]].concat();
            assert_eq!(made(&mut cache, &agent, true), made(&mut Cache::default(), &agent, true));
        }
        assert_eq!(cache.slots.len(), SLOTS);
    }

    #[test]
    fn each_byte_of_an_agent_changes_its_hash() {
        for length in (1..80).chain([127, 128, 129, 143, 144, 145, 300, LONGEST]) {
            let agent = vec![b'a'; length];
            for at in 0..length {
                let mut other = agent.clone();
                other[at] = b'b';
                assert_ne!(hash(&agent, 7), hash(&other, 7), "{length} {at}");
            }
        }
    }
}
