//! Agents that were seen lately, with their families. It only saves work.

/// Places of one agent each, two for each hash, made when the first agent comes.
#[derive(Default)]
pub struct Memory {
    places: Vec<Place>,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Memory({} places)", self.places.len())
    }
}

#[derive(Clone)]
#[repr(align(64))]
struct Place {
    /// 0: empty.
    hash: u64,
    length: u16,
    family_length: u8,
    family: [u8; LONGEST_FAMILY],
    agent: [u8; LONGEST],
}

/// Longer agents are reduced anew each time; 99 of 100 are shorter.
const LONGEST: usize = 245;
const LONGEST_FAMILY: usize = 64;
/// 4,096 pairs of places.
const BITS: u32 = 12;

impl Memory {
    /// Appends the family of an agent, remembered or made.
    #[inline]
    pub(super) fn get(&mut self, agent: &[u8], version: bool, made: &mut Vec<u8>, make: impl FnOnce(&mut Vec<u8>)) {
        if agent.len() > LONGEST {
            return make(made);
        }
        let hash = hash(agent, version);
        let index = 2 * (hash >> (64 - BITS)) as usize;
        let pair = self.places.get(index..index + 2).unwrap_or_default();
        for place in pair {
            if place.hash == hash && place.agent[..usize::from(place.length)] == *agent {
                made.extend_from_slice(&place.family[..usize::from(place.family_length)]);
                return;
            }
        }
        self.learn(agent, hash, index, made, make);
    }

    #[inline(never)]
    fn learn(&mut self, agent: &[u8], hash: u64, index: usize, made: &mut Vec<u8>, make: impl FnOnce(&mut Vec<u8>)) {
        let start = made.len();
        make(made);
        let family = &made[start..];
        if family.len() > LONGEST_FAMILY {
            return;
        }
        if self.places.is_empty() {
            let empty =
                Place { hash: 0, length: 0, family_length: 0, family: [0; LONGEST_FAMILY], agent: [0; LONGEST] };
            self.places = vec![empty; 2 << BITS];
        }
        // The older of the pair goes.
        self.places.swap(index, index + 1);
        let place = &mut self.places[index];
        place.hash = hash;
        place.length = agent.len() as u16;
        place.agent[..agent.len()].copy_from_slice(agent);
        place.family_length = family.len() as u8;
        place.family[..family.len()].copy_from_slice(family);
    }
}

/// Never 0. Whether a version is asked for is part of it, since it decides the family.
#[inline]
fn hash(agent: &[u8], version: bool) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut state = (agent.len() as u64) << 1 | u64::from(version);
    let (words, rest) = agent.as_chunks::<8>();
    for word in words {
        state = fold(state ^ u64::from_le_bytes(*word), FACTOR);
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let state = fold(fold(state ^ u64::from_le_bytes(last), FACTOR) ^ FACTOR, 0xd6e8_feb8_6659_fd93);
    (state & !1) << 1 | u64::from(version) << 1 | 1
}

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}
