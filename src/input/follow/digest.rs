//! What is remembered of the bytes that were handed out: a chained digest of all of them, and a fingerprint of both ends.
//!
//! Blocks of [`BLOCK_BYTES`] at fixed offsets of the file: `link(n+1) = keyed(link(n) ‖ block(n))`; the bytes behind the last
//! whole block are `keyed(link ‖ rest)`. So a position is three digests, goes on after a restart by reading less than one
//! block again, and is proved of a copy by reading everything again. All digests are BLAKE3 under the key of the state
//! directory: what stands in the state says nothing of a line to who lacks the key.

use super::identity::read_full;
use blake3::Hasher;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, fs::File, io};
use zeroize::Zeroizing;

/// The blocks of the chain.
pub const BLOCK_BYTES: u64 = 256 * 1024;

/// So many bytes of either end make the fingerprint.
const END_BYTES: usize = 128;

/// The key of a state directory: digests of bytes from logs are made under it.
#[derive(Clone)]
pub struct StateKey(Zeroizing<[u8; 32]>);

impl StateKey {
    /// Of 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> StateKey {
        StateKey(Zeroizing::new(bytes))
    }

    fn hasher(&self) -> Hasher {
        Hasher::new_keyed(&self.0)
    }
}

impl fmt::Debug for StateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StateKey(..)")
    }
}

/// A keyed digest. Written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(..)")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        let text = String::deserialize(deserializer)?;
        let hash = blake3::Hash::from_hex(&text).map_err(|_| de::Error::custom("not 64 hexadecimal digits"))?;
        Ok(Digest(*hash.as_bytes()))
    }
}

/// What a position says of the bytes before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Where the digests begin: 0, but for a file that was followed from its end.
    pub from: u64,
    /// Everything before was handed out.
    pub offset: u64,
    /// The chain at the last whole block.
    pub chain: Digest,
    /// The bytes behind it.
    pub rest: Digest,
    /// The first and the last bytes before `offset`, whatever `from`.
    pub ends: Digest,
}

/// How much of a file is read again before its mark is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// Both ends and what stands behind the last whole block. For a file that is known by its identity.
    Rest,
    /// Everything.
    All,
}

/// The bytes of one file that were handed out.
#[derive(Clone)]
pub(super) struct Consumed {
    from: u64,
    link: Digest,
    rest: Rest,
    ends: Ends,
    /// Of a position that was not compared with its file yet: what the ends must be, and how much is to be read again.
    claimed: Option<(Digest, Proof)>,
}

#[derive(Clone)]
enum Rest {
    /// 2 KiB; only while the file is open.
    Running(Box<Hasher>),
    Kept(Digest),
}

impl Consumed {
    /// Nothing yet of a file that is read from its beginning.
    pub(super) fn nothing(key: &StateKey) -> Consumed {
        Consumed::begin(key, 0, Ends::NONE)
    }

    /// Nothing yet of a file that is followed from `offset` on. `None` where it is shorter.
    pub(super) fn from(file: &File, offset: u64, key: &StateKey) -> io::Result<Option<Consumed>> {
        Ok(Ends::load(file, offset)?.map(|ends| Consumed::begin(key, offset, ends)))
    }

    /// What `mark` says, if `file` begins with the same bytes.
    pub(super) fn verify(file: &File, mark: &Mark, proof: Proof, key: &StateKey) -> io::Result<Option<Consumed>> {
        let Some(ends) = Ends::load(file, mark.offset)? else { return Ok(None) };
        if ends.digest(key) != mark.ends || mark.from > mark.offset {
            return Ok(None);
        }
        let mut begun = Consumed::begin(key, mark.from, ends);
        let first = match proof {
            Proof::All => mark.from,
            Proof::Rest => block_of(mark.offset).max(mark.from),
        };
        if first > mark.from {
            begun.restart(mark.chain, key);
        }
        if !begun.digest_file(file, first, mark.offset)? || begun.link != mark.chain {
            return Ok(None);
        }
        Ok((begun.rest() == mark.rest).then_some(begun))
    }

    /// What `mark` says, to be compared with the file by [`resume`](Self::resume).
    pub(super) fn claimed(mark: &Mark, proof: Proof) -> Consumed {
        Consumed {
            from: mark.from,
            link: mark.chain,
            rest: Rest::Kept(mark.rest),
            ends: Ends { at: mark.offset, ..Ends::NONE },
            claimed: Some((mark.ends, proof)),
        }
    }

    fn begin(key: &StateKey, from: u64, ends: Ends) -> Consumed {
        let mut hasher = key.hasher();
        hasher.update(b"sladd follow").update(&from.to_le_bytes());
        let mut begun =
            Consumed { from, link: Digest([0; 32]), rest: Rest::Kept(Digest([0; 32])), ends, claimed: None };
        begun.restart(Digest(*hasher.finalize().as_bytes()), key);
        begun
    }

    fn restart(&mut self, link: Digest, key: &StateKey) {
        let mut hasher = key.hasher();
        hasher.update(&link.0);
        self.link = link;
        self.rest = Rest::Running(Box::new(hasher));
    }

    pub(super) fn offset(&self) -> u64 {
        self.ends.at
    }

    pub(super) fn mark(&self, key: &StateKey) -> Mark {
        Mark {
            from: self.from,
            offset: self.ends.at,
            chain: self.link,
            rest: self.rest(),
            ends: self.claimed.map_or_else(|| self.ends.digest(key), |(ends, _)| ends),
        }
    }

    /// Takes over the bytes that follow. It must not be paused.
    pub(super) fn advance(&mut self, bytes: &[u8]) {
        self.digest(self.ends.at, bytes);
        self.ends.advance(bytes);
    }

    /// Whether `file` still holds both ends as they were. Reads at most twice [`END_BYTES`].
    pub(super) fn stands_in(&self, file: &File) -> io::Result<bool> {
        // One that was not compared yet is compared when it is resumed.
        Ok(self.claimed.is_some() || self.ends.stand_in(file)?)
    }

    /// Whether it was not compared with its file yet.
    pub(super) fn is_claimed(&self) -> bool {
        self.claimed.is_some()
    }

    /// Nothing yet of the same bytes, followed from here on.
    pub(super) fn begun_here(&self, key: &StateKey) -> Consumed {
        Consumed::begin(key, self.ends.at, self.ends.clone())
    }

    /// Whether a file that begins with `head` may hold the same bytes from the beginning on.
    pub(super) fn may_begin(&self, head: &[u8]) -> bool {
        let n = head.len().min(self.ends.len());
        n > 0 && self.claimed.is_none() && head[..n] == self.ends.head[..n]
    }

    /// Keeps the digests alone.
    pub(super) fn pause(&mut self) {
        self.rest = Rest::Kept(self.rest());
    }

    /// After a pause, on a file that may have changed. `false`: it holds other bytes now.
    pub(super) fn resume(&mut self, file: &File, key: &StateKey) -> io::Result<bool> {
        if let Some((_, proof)) = self.claimed {
            let proved = Consumed::verify(file, &self.mark(key), proof, key)?;
            return Ok(proved.map(|proved| *self = proved).is_some());
        }
        let Rest::Kept(rest) = self.rest else { return self.stands_in(file) };
        if !self.stands_in(file)? {
            return Ok(false);
        }
        let mut again = self.clone();
        let first = block_of(self.ends.at).max(self.from);
        again.restart(self.link, key);
        if !again.digest_file(file, first, self.ends.at)? || again.rest() != rest {
            return Ok(false);
        }
        *self = again;
        Ok(true)
    }

    fn rest(&self) -> Digest {
        match &self.rest {
            Rest::Running(hasher) => Digest(*hasher.finalize().as_bytes()),
            Rest::Kept(digest) => *digest,
        }
    }

    fn digest(&mut self, mut at: u64, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let left = (block_of(at) + BLOCK_BYTES - at) as usize;
            let (now, later) = bytes.split_at(left.min(bytes.len()));
            let Rest::Running(hasher) = &mut self.rest else { unreachable!("a paused digest is resumed first") };
            hasher.update(now);
            if now.len() == left {
                self.link = Digest(*hasher.finalize().as_bytes());
                hasher.reset();
                hasher.update(&self.link.0);
            }
            at += now.len() as u64;
            bytes = later;
        }
    }

    /// `false` where the file ends before `to`.
    fn digest_file(&mut self, file: &File, from: u64, to: u64) -> io::Result<bool> {
        let mut buffer = vec![0; (to - from).min(BLOCK_BYTES) as usize];
        let mut at = from;
        while at < to {
            let n = buffer.len().min((to - at) as usize);
            if read_full(file, &mut buffer[..n], at)? < n {
                return Ok(false);
            }
            self.digest(at, &buffer[..n]);
            at += n as u64;
        }
        Ok(true)
    }
}

/// The first and the last bytes before a place, in memory only.
#[derive(Clone)]
struct Ends {
    at: u64,
    head: [u8; END_BYTES],
    tail: [u8; END_BYTES],
}

impl Ends {
    const NONE: Ends = Ends { at: 0, head: [0; END_BYTES], tail: [0; END_BYTES] };

    fn load(file: &File, at: u64) -> io::Result<Option<Ends>> {
        let mut ends = Ends { at, ..Ends::NONE };
        let n = ends.len();
        let whole =
            read_full(file, &mut ends.head[..n], 0)? == n && read_full(file, &mut ends.tail[..n], at - n as u64)? == n;
        Ok(whole.then_some(ends))
    }

    /// Of either end.
    fn len(&self) -> usize {
        self.at.min(END_BYTES as u64) as usize
    }

    fn stand_in(&self, file: &File) -> io::Result<bool> {
        Ok(Ends::load(file, self.at)?.is_some_and(|now| now.head == self.head && now.tail == self.tail))
    }

    fn advance(&mut self, bytes: &[u8]) {
        let had = self.len();
        let new = &bytes[..bytes.len().min(END_BYTES - had)];
        self.head[had..had + new.len()].copy_from_slice(new);
        self.at += bytes.len() as u64;
        let n = self.len();
        if bytes.len() >= n {
            self.tail[..n].copy_from_slice(&bytes[bytes.len() - n..]);
        } else {
            let stay = n - bytes.len();
            self.tail.copy_within(had - stay..had, 0);
            self.tail[stay..n].copy_from_slice(bytes);
        }
    }

    fn digest(&self, key: &StateKey) -> Digest {
        let mut hasher = key.hasher();
        hasher.update(b"ends").update(&self.at.to_le_bytes());
        hasher.update(&self.head[..self.len()]).update(&self.tail[..self.len()]);
        Digest(*hasher.finalize().as_bytes())
    }
}

fn block_of(at: u64) -> u64 {
    at - at % BLOCK_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    fn key() -> StateKey {
        StateKey::new([7; 32])
    }

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn however_the_bytes_come_the_mark_is_the_same_and_is_proved_by_reading_again(
            len in prop_oneof![0usize..600, 262_000usize..262_400, 524_280usize..524_300],
            cuts in proptest::collection::vec(1usize..90_000, 1..6),
            seed in any::<u8>(),
            change in any::<prop::sample::Index>(),
        ) {
            let bytes: Vec<u8> = (0..len).map(|i| (i as u8).wrapping_mul(31).wrapping_add(seed) ^ (i >> 8) as u8).collect();
            let mut consumed = Consumed::nothing(&key());
            let (mut at, mut cuts) = (0, cuts.iter().cycle());
            while at < len {
                let n = (*cuts.next().unwrap()).min(len - at);
                consumed.advance(&bytes[at..at + n]);
                at += n;
            }
            let mark = consumed.mark(&key());
            let longer = file(&[&bytes[..], b"and more"].concat());
            for proof in [Proof::Rest, Proof::All] {
                let again = Consumed::verify(&longer, &mark, proof, &key()).unwrap().unwrap();
                prop_assert_eq!(again.mark(&key()), mark.clone());
            }
            consumed.pause();
            prop_assert!(consumed.resume(&longer, &key()).unwrap());
            prop_assert_eq!(consumed.mark(&key()), mark.clone());
            if len > 0 {
                let mut other = bytes.clone();
                other[change.index(len)] ^= 1;
                prop_assert!(Consumed::verify(&file(&other), &mark, Proof::All, &key()).unwrap().is_none());
                prop_assert!(Consumed::verify(&file(&bytes[1..]), &mark, Proof::Rest, &key()).unwrap().is_none());
                prop_assert!(
                    Consumed::verify(&longer, &mark, Proof::Rest, &StateKey::new([8; 32])).unwrap().is_none()
                );
            }
        }
    }

    #[test]
    fn a_file_followed_from_its_end_is_known_by_its_ends_and_what_came_since() {
        let at = file(&[b'x'; 300_000]);
        let mut consumed = Consumed::from(&at, 270_000, &key()).unwrap().unwrap();
        consumed.advance(&[b'x'; 1000]);
        let mark = consumed.mark(&key());
        assert_eq!((mark.from, mark.offset), (270_000, 271_000));
        for proof in [Proof::Rest, Proof::All] {
            assert!(Consumed::verify(&at, &mark, proof, &key()).unwrap().is_some());
        }
        assert!(Consumed::from(&at, 300_001, &key()).unwrap().is_none());
    }

    #[test]
    fn nothing_of_a_key_or_of_a_line_shows() {
        let mut consumed = Consumed::nothing(&key());
        consumed.advance(b"secret");
        let mark = consumed.mark(&key());
        let text = serde_json::to_string(&mark).unwrap();
        assert_eq!(serde_json::from_str::<Mark>(&text).unwrap(), mark);
        let text = format!("{text}{mark:?}{:?}", key());
        assert!(!text.contains("secret") && !text.contains("0707") && !text.contains("7, 7"));
        assert!(serde_json::from_str::<Digest>("\"00\"").is_err());
    }
}
