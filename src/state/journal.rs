//! A journal: what each batch is made of, before it is written.
//!
//! ```text
//! journal  = "sladd journal 1\n" generation:u64 first:u64 boot:[u8;16] check:[u8;16]  entry*
//! entry    = length:u32 sequence:u64 check:u32  content  check:[u8;16]
//! content  = 0 from:u64 to:u64 reference:i64 policy:[u8;32] parts:u16 part*  source (JSON)
//!          | 1 generation:u64                              the next journal: this one is closed
//!          | 2 old new at:u64                              an output goes on in another segment
//! part     = output:u16 segment before:u64 bytes:u64
//! segment  = device:u64 inode:u64 born:i64 nanos:u32
//! ```
//! Numbers are little-endian; checks are BLAKE3, keyed with the state's key, over all that stands before them and the
//! generation. The length has a check of its own, so that an entry that was torn is told from one that is damaged.

use super::{home::Key, policies::Digest};
use crate::{output::segment::Identity, time::Timestamp};
use serde::{Serialize, de::DeserializeOwned};

/// What a batch is made of, and where it goes. `S` names the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<S> {
    /// Where its lines stand.
    pub source: S,
    /// The first byte of its lines there.
    pub from: u64,
    /// The first byte behind them.
    pub to: u64,
    /// What records without a time take.
    pub reference: Timestamp,
    /// The policy in force.
    pub policy: Digest,
    /// What is written to each file output.
    pub parts: Vec<Part>,
}

/// What of a batch goes to one file output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The output's place in the checkpoint's list.
    pub output: u16,
    /// The segment that is written.
    pub segment: Identity,
    /// How long it was before.
    pub before: u64,
    /// How many bytes are written.
    pub bytes: u64,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry<S> {
    Record(Record<S>),
    /// The next journal's generation.
    Closed(u64),
}

/// Makes and checks the bytes of one journal.
#[derive(Clone)]
pub(super) struct Codec {
    key: [u8; 32],
    generation: u64,
}

/// What a journal holds.
#[derive(Debug)]
pub(super) struct Contents<S> {
    pub boot: [u8; 16],
    pub entries: Vec<Entry<S>>,
    /// The number of its first entry.
    pub first: u64,
    /// So many bytes are whole.
    pub whole: u64,
    pub end: End,
}

/// How a journal ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With a whole entry.
    Whole,
    /// With the beginning of an entry: its output was not written.
    Torn,
    /// What follows is no entry.
    Damaged,
}

impl Codec {
    pub(super) fn new(key: &Key, generation: u64) -> Codec {
        Codec { key: key.derive(PURPOSE), generation }
    }

    /// The bytes that a journal begins with.
    pub(super) fn header(&self, first: u64, boot: [u8; 16]) -> Vec<u8> {
        let mut bytes = WORDS.to_vec();
        bytes.extend(self.generation.to_le_bytes());
        bytes.extend(first.to_le_bytes());
        bytes.extend(boot);
        let check = self.check(&bytes);
        bytes.extend(check);
        bytes
    }

    /// An entry's bytes, in place of what is in `into`.
    pub(super) fn record<S: Serialize>(
        &self,
        sequence: u64,
        record: &Record<S>,
        into: &mut Vec<u8>,
    ) -> Result<(), serde_json::Error> {
        begin(into, 0);
        into.extend(record.from.to_le_bytes());
        into.extend(record.to.to_le_bytes());
        into.extend(record.reference.0.to_le_bytes());
        into.extend(record.policy.0);
        into.extend((record.parts.len() as u16).to_le_bytes());
        for part in &record.parts {
            into.extend(part.output.to_le_bytes());
            put_identity(into, &part.segment);
            into.extend(part.before.to_le_bytes());
            into.extend(part.bytes.to_le_bytes());
        }
        serde_json::to_writer(&mut *into, &record.source)?;
        self.end(sequence, into);
        Ok(())
    }

    /// As [`record`](Self::record).
    pub(super) fn closed(&self, sequence: u64, next: u64, into: &mut Vec<u8>) {
        begin(into, 1);
        into.extend(next.to_le_bytes());
        self.end(sequence, into);
    }

    /// Reads a journal up to where it is whole; `None` where it does not even begin as one.
    pub(super) fn read<S: DeserializeOwned>(&self, bytes: &[u8]) -> Option<Contents<S>> {
        let (header, _) = bytes.split_at_checked(HEADER_BYTES)?;
        let mut reader = Reader(header.strip_prefix(WORDS)?);
        let generation = reader.u64()?;
        let first = reader.u64()?;
        let boot = reader.take::<16>()?;
        if generation != self.generation || self.check(&header[..HEADER_BYTES - CHECK_BYTES]) != reader.take()? {
            return None;
        }
        let mut contents = Contents { boot, entries: Vec::new(), first, whole: HEADER_BYTES as u64, end: End::Whole };
        let mut sequence = first;
        let mut at = HEADER_BYTES;
        while at < bytes.len() {
            match self.entry(sequence, &bytes[at..]) {
                Ok((entry, length)) => {
                    contents.entries.push(entry);
                    at += length;
                    sequence += 1;
                }
                Err(end) => {
                    contents.end = end;
                    break;
                }
            }
        }
        contents.whole = at as u64;
        Some(contents)
    }

    fn entry<S: DeserializeOwned>(&self, sequence: u64, bytes: &[u8]) -> Result<(Entry<S>, usize), End> {
        let Some((front, _)) = bytes.split_at_checked(FRONT_BYTES) else { return Err(End::Torn) };
        let (numbers, check) = front.split_at(12);
        let mut reader = Reader(numbers);
        let (Some(length), Some(found)) = (reader.u32(), reader.u64()) else { return Err(End::Damaged) };
        if self.check(numbers)[..4] != *check || found != sequence {
            return Err(End::Damaged);
        }
        let end = FRONT_BYTES + length as usize;
        let Some(whole) = bytes.get(..end + CHECK_BYTES) else { return Err(End::Torn) };
        if self.check(&whole[..end]) != whole[end..] {
            return Err(End::Damaged);
        }
        let entry = parse(&whole[FRONT_BYTES..end]).ok_or(End::Damaged)?;
        Ok((entry, end + CHECK_BYTES))
    }

    /// Fills in the front, and adds the check.
    fn end(&self, sequence: u64, bytes: &mut Vec<u8>) {
        let length = (bytes.len() - FRONT_BYTES) as u32;
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        bytes[4..12].copy_from_slice(&sequence.to_le_bytes());
        let check = self.check(&bytes[..12]);
        bytes[12..FRONT_BYTES].copy_from_slice(&check[..4]);
        let check = self.check(bytes);
        bytes.extend(check);
    }

    fn check(&self, bytes: &[u8]) -> [u8; CHECK_BYTES] {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&self.generation.to_le_bytes()).update(bytes);
        let mut check = [0; CHECK_BYTES];
        check.copy_from_slice(&hasher.finalize().as_bytes()[..CHECK_BYTES]);
        check
    }
}

impl<S> Contents<S> {
    /// The number that its next entry would have.
    pub(super) fn next(&self) -> u64 {
        self.first + self.entries.len() as u64
    }
}

fn begin(into: &mut Vec<u8>, kind: u8) {
    into.clear();
    into.extend([0; FRONT_BYTES]);
    into.push(kind);
}

fn put_identity(into: &mut Vec<u8>, identity: &Identity) {
    into.extend(identity.device.to_le_bytes());
    into.extend(identity.inode.to_le_bytes());
    into.extend(identity.born.0.to_le_bytes());
    into.extend(identity.born.1.to_le_bytes());
}

fn parse<S: DeserializeOwned>(bytes: &[u8]) -> Option<Entry<S>> {
    let (kind, rest) = bytes.split_first()?;
    let mut reader = Reader(rest);
    let entry = match kind {
        0 => {
            let (from, to) = (reader.u64()?, reader.u64()?);
            let reference = Timestamp(reader.u64()? as i64);
            let policy = Digest(reader.take()?);
            let parts = u16::from_le_bytes(reader.take()?);
            let parts = (0..parts).map(|_| reader.part()).collect::<Option<_>>()?;
            let source = serde_json::from_slice(std::mem::take(&mut reader.0)).ok()?;
            Entry::Record(Record { source, from, to, reference, policy, parts })
        }
        1 => Entry::Closed(reader.u64()?),
        _ => return None,
    };
    reader.0.is_empty().then_some(entry)
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn identity(&mut self) -> Option<Identity> {
        let (device, inode) = (self.u64()?, self.u64()?);
        Some(Identity { device, inode, born: (self.u64()? as i64, self.u32()?) })
    }

    fn part(&mut self) -> Option<Part> {
        let output = u16::from_le_bytes(self.take()?);
        Some(Part { output, segment: self.identity()?, before: self.u64()?, bytes: self.u64()? })
    }
}

const WORDS: &[u8] = b"sladd journal 1\n";
const PURPOSE: &str = "checksum of a journal";
const CHECK_BYTES: usize = 16;
pub(super) const HEADER_BYTES: usize = 16 + 8 + 8 + 16 + CHECK_BYTES;
const FRONT_BYTES: usize = 4 + 8 + 4;
