//! Agents that were seen, with what was made of them. It only saves work.

use crate::detect::prefetch;

/// At most so many bytes of agents and families are held.
const MOST_BYTES: usize = 2 << 20;
/// Longer agents are read anew each time: there are few of them, and they could drive out many.
const LONGEST: usize = 512;
const SLOTS: usize = 1 << 14;

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
                if self.bytes[slot.start as usize..family] == *agent {
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

/// Two lanes of 16 bytes. Who finds agents that meet gains that they are read anew.
#[inline]
fn hash(text: &[u8]) -> u32 {
    const K: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xc2b2_ae3d_27d4_eb4f];
    let fold = |lane: u64, piece: &[u8; 16]| {
        let (low, high) = (u128::from_le_bytes(*piece) as u64, (u128::from_le_bytes(*piece) >> 64) as u64);
        let product = u128::from(low ^ lane) * u128::from(high ^ K[1]);
        product as u64 ^ (product >> 64) as u64
    };
    let (mut a, mut b) = (text.len() as u64 ^ K[0], K[1]);
    let mut both = |pieces: &[u8; 32]| {
        let [first, last] = [pieces.first_chunk::<16>(), pieces.last_chunk()].map(|piece| piece.expect("16 bytes"));
        (a, b) = (fold(a, first), fold(b, last));
    };
    if let Some(last) = text.last_chunk::<32>() {
        // The last bytes may overlap those before.
        text[..text.len() - 1].as_chunks::<32>().0.iter().for_each(&mut both);
        both(last);
    } else {
        let mut space = [0; 32];
        space[..text.len()].copy_from_slice(text);
        both(&space);
    }
    ((a ^ b.rotate_left(32)).wrapping_mul(K[0]) >> 32) as u32
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
        for length in 1..80 {
            let agent = vec![b'a'; length];
            for at in 0..length {
                let mut other = agent.clone();
                other[at] = b'b';
                assert_ne!(hash(&agent), hash(&other), "{length} {at}");
            }
        }
    }
}
