//! Agents that were seen, with what was made of them. It only saves work.

use crate::{detect::prefetch, treatment::pieces};

/// At most so many bytes of agents and families are held.
const MOST_BYTES: usize = 2 << 20;
/// Longer agents are read anew each time: there are few of them, and they could drive out many.
const LONGEST: usize = 512;
const SLOTS: usize = 1 << 14;
/// Most agents are no longer.
const USUAL: usize = 144;

/// Remembered families; takes no memory before the first agent. One a worker.
#[derive(Default)]
pub struct Cache {
    slots: Vec<Slot>,
    /// Agents, each with its family right behind it.
    bytes: Vec<u8>,
    /// The last two that were announced, the later behind.
    next: [Next; 2],
}

/// An agent that is asked for soon: where it stands, so many bytes of it, and its hash.
#[derive(Clone, Copy, Default)]
struct Next {
    place: usize,
    length: usize,
    hash: u32,
}

#[derive(Clone, Copy)]
struct Slot {
    hash: u32,
    start: u32,
    /// 0: empty.
    agent: u16,
    family: u8,
    /// Whether the family was made with its version.
    version: bool,
}

impl Cache {
    /// Says which agent is asked for soon, so that what is known of it can be fetched in the meantime: the next or the one
    /// after it.
    #[inline]
    pub(in crate::treatment) fn announce(&mut self, agent: &[u8]) {
        if agent.len() > LONGEST || agent.is_empty() {
            return;
        }
        let hash = hash(agent);
        self.next = [self.next[1], Next { place: agent.as_ptr() as usize, length: agent.len(), hash }];
        if let Some(slot) = self.slots.get((hash as usize % SLOTS) & !1) {
            prefetch(slot);
        }
    }

    /// The second step of the same for the last one announced, a little later.
    #[inline]
    pub(crate) fn fetch(&self) {
        let Some(slot) = self.slots.get((self.next[1].hash as usize % SLOTS) & !1) else { return };
        let start = slot.start as usize;
        for line in self.bytes.get(start..).unwrap_or_default().chunks(64).take(4) {
            prefetch(&line[0]);
        }
    }

    /// The family of an agent, remembered or made. `make` appends it to what it is given; it has at most 255 bytes.
    #[inline]
    pub(super) fn get(&mut self, agent: &[u8], version: bool, made: &mut Vec<u8>, make: impl FnOnce(&mut Vec<u8>)) {
        if agent.len() > LONGEST || agent.is_empty() {
            return make(made);
        }
        let is = |next: &Next| next.place == agent.as_ptr() as usize && next.length == agent.len();
        let hash = self.next.iter().find(|next| is(next)).map_or_else(|| hash(agent), |next| next.hash);
        // Two places for all agents that meet: the later and the earlier.
        let place = (hash as usize % SLOTS) & !1;
        for slot in self.slots.get(place..place + 2).unwrap_or_default() {
            if slot.hash == hash && slot.version == version && usize::from(slot.agent) == agent.len() {
                let family = slot.start as usize + agent.len();
                if same(&self.bytes[slot.start as usize..family], agent) {
                    return made.extend_from_slice(&self.bytes[family..family + usize::from(slot.family)]);
                }
            }
        }
        let start = made.len();
        make(made);
        self.keep(place, hash, version, agent, &made[start..]);
    }

    #[inline(never)]
    fn keep(&mut self, place: usize, hash: u32, version: bool, agent: &[u8], family: &[u8]) {
        let empty = Slot { hash: 0, start: 0, agent: 0, family: 0, version };
        if self.slots.is_empty() {
            self.slots = vec![empty; SLOTS];
            self.bytes = Vec::with_capacity(MOST_BYTES);
        }
        if self.bytes.len() + agent.len() + family.len() > MOST_BYTES {
            // All over again: what is common is soon back.
            self.slots.fill(empty);
            self.bytes.clear();
        }
        let Ok(length) = u8::try_from(family.len()) else { return };
        self.slots[place + 1] = self.slots[place];
        self.slots[place] =
            Slot { hash, start: self.bytes.len() as u32, agent: agent.len() as u16, family: length, version };
        self.bytes.extend_from_slice(agent);
        self.bytes.extend_from_slice(family);
    }
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cache(..)")
    }
}

/// A hash of any agent. Who finds agents that meet gains that they are read anew.
#[inline]
fn hash(agent: &[u8]) -> u32 {
    let hash = match agent.len() {
        0..8 => agent
            .iter()
            .fold(agent.len() as u64, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        8..=USUAL => pieces::hash::<USUAL>(agent),
        _ => pieces::hash::<LONGEST>(agent),
    };
    (hash >> 32) as u32
}

/// Whether these bytes are the agent's.
#[inline]
fn same(place: &[u8], agent: &[u8]) -> bool {
    match agent.len() {
        8..=USUAL => pieces::same::<USUAL>(place, agent),
        _ => place == agent,
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
    fn a_flood_of_agents_takes_no_more_than_the_bound() {
        let mut cache = Cache::default();
        for number in 0..20_000u32 {
            let agent = [&number.to_le_bytes()[..], &[b'x'; 300]].concat();
            assert_eq!(made(&mut cache, &agent, true), made(&mut Cache::default(), &agent, true));
        }
        assert!(cache.bytes.len() <= MOST_BYTES && cache.bytes.capacity() == MOST_BYTES);
    }

    #[test]
    fn each_byte_of_an_agent_changes_its_hash() {
        for length in (1..80).chain([127, 128, 129, 143, 144, 145, 300, LONGEST]) {
            let agent = vec![b'a'; length];
            for at in 0..length {
                let mut other = agent.clone();
                other[at] = b'b';
                assert_ne!(hash(&agent), hash(&other), "{length} {at}");
            }
        }
    }
}
