//! A batch with what its receiver must know of it, as it waits in a spool.
//!
//! ```text
//! parcel = "sladd parcel 1\n" length:u32 id:[u8;16] at:i64 check:[u8;8]  lines  check:[u8;8] "\n"
//! ```
//! Numbers are little-endian. Each check is the beginning of a SHA-256: the first over the head before it, the second over the
//! head and the lines, so that a parcel that was torn is told from one that is damaged, and the next one is found again.

use super::Batch;
use crate::time::Timestamp;
use sha2::{Digest, Sha256};
use std::fmt;

/// What is said of a batch beside its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParcelHead {
    /// Made of where its lines came from; the same batch made again has the same.
    pub id: [u8; 16],
    /// When its lines were minimised.
    pub at: Timestamp,
}

/// Minimised lines on their way to a receiver. Comes of a [`Batch`] alone, through the spool.
#[derive(Clone, Copy)]
pub struct Parcel<'a> {
    head: ParcelHead,
    lines: &'a [u8],
}

/// What stands at the beginning of bytes of a spool.
#[derive(Debug)]
pub enum Unpacked<'a> {
    /// A parcel, and how many bytes it takes up.
    Parcel(Parcel<'a>, usize),
    /// The beginning of one; so many bytes would be whole, as far as is known.
    Part(usize),
    /// No parcel. The next may begin behind so many bytes.
    Damaged(usize),
}

/// What names a record for ever, so that a receiver that got it twice can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordId {
    batch: [u8; 16],
    number: u32,
}

const MARK: &[u8] = b"sladd parcel 1\n";
const CHECK: usize = 8;
const HEAD: usize = MARK.len() + 4 + 16 + 8 + CHECK;

/// Bytes beside the lines.
pub const PARCEL_OVERHEAD_BYTES: usize = HEAD + CHECK + 1;

impl Batch {
    /// The batch as a parcel, as one run, its first, into an empty batch.
    pub fn parcel(&self, head: &ParcelHead, into: &mut Batch) {
        into.clear();
        let Some((run, _)) = self.runs().next().filter(|_| !self.is_empty()) else { return };
        let bytes = &mut into.bytes;
        bytes.extend_from_slice(MARK);
        bytes.extend_from_slice(&(self.bytes.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&head.id);
        bytes.extend_from_slice(&head.at.0.to_le_bytes());
        let digest = check(bytes);
        bytes.extend_from_slice(&digest);
        bytes.extend_from_slice(&self.bytes);
        let digest = tail(bytes);
        bytes.extend_from_slice(&digest);
        into.close(run);
    }
}

impl<'a> Parcel<'a> {
    /// What stands at the beginning of `bytes`, of which nothing is read twice but a head.
    pub fn unpack(bytes: &'a [u8]) -> Unpacked<'a> {
        let Some(head) = bytes.get(..HEAD) else {
            let like = bytes.len().min(MARK.len());
            return if bytes[..like] == MARK[..like] { Unpacked::Part(HEAD) } else { damaged(bytes) };
        };
        if !head.starts_with(MARK) || head[HEAD - CHECK..] != check(&head[..HEAD - CHECK]) {
            return damaged(bytes);
        }
        let number = |at: usize| -> [u8; 4] { std::array::from_fn(|byte| head[at + byte]) };
        let length = u32::from_le_bytes(number(MARK.len())) as usize;
        let whole = length + PARCEL_OVERHEAD_BYTES;
        let Some(lines) = bytes.get(HEAD..HEAD + length) else { return Unpacked::Part(whole) };
        let Some(said) = bytes.get(HEAD + length..whole) else { return Unpacked::Part(whole) };
        if *said != tail(&bytes[..HEAD + length]) {
            return damaged(bytes);
        }
        let id = MARK.len() + 4;
        let at = std::array::from_fn(|byte| head[id + 16 + byte]);
        let head =
            ParcelHead { id: std::array::from_fn(|byte| head[id + byte]), at: Timestamp(i64::from_le_bytes(at)) };
        Unpacked::Parcel(Parcel { head, lines }, whole)
    }

    /// When its lines were minimised.
    pub fn at(&self) -> Timestamp {
        self.head.at
    }

    /// All its lines, each with its end.
    pub fn lines(&self) -> &'a [u8] {
        self.lines
    }

    /// Its records, without their ends, and what names each. A blank line is none.
    pub fn records(&self) -> impl Iterator<Item = (RecordId, &'a [u8])> + use<'a> {
        let batch = self.head.id;
        let lines = self.lines.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        (0..)
            .zip(lines)
            .filter(|(_, line)| !line.is_empty())
            .map(move |(number, line)| (RecordId { batch, number }, line))
    }
}

impl fmt::Debug for Parcel<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parcel({} bytes)", self.lines.len())
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.batch.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        write!(f, "-{}", self.number)
    }
}

/// Past the first byte, where the next mark is, or may begin.
fn damaged(bytes: &[u8]) -> Unpacked<'_> {
    let rest = bytes.get(1..).unwrap_or_default();
    let whole = memchr::memmem::find(rest, MARK);
    let part = || (0..MARK.len()).rev().find(|&length| rest.ends_with(&MARK[..length])).unwrap_or(0);
    Unpacked::Damaged(1 + whole.unwrap_or_else(|| rest.len() - part()))
}

fn check(bytes: &[u8]) -> [u8; CHECK] {
    let digest = Sha256::digest(bytes);
    std::array::from_fn(|at| digest[at])
}

/// What stands behind the lines. Files that grow end with a line's end.
fn tail(bytes: &[u8]) -> [u8; CHECK + 1] {
    let check = check(bytes);
    std::array::from_fn(|at| check.get(at).copied().unwrap_or(b'\n'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const HEAD_OF_ALL: ParcelHead = ParcelHead { id: [7; 16], at: Timestamp(1_795_000_000) };

    fn parcel(lines: &[u8]) -> Vec<u8> {
        let mut into = Batch::default();
        Batch::of(lines).parcel(&HEAD_OF_ALL, &mut into);
        into.bytes().to_vec()
    }

    /// The lines of all parcels that are whole, and how many bytes are in none.
    fn unpacked(mut bytes: &[u8]) -> (Vec<Vec<u8>>, usize) {
        let (mut lines, mut lost) = (Vec::new(), 0);
        loop {
            match Parcel::unpack(bytes) {
                Unpacked::Parcel(parcel, length) => {
                    lines.push(parcel.lines().to_vec());
                    bytes = &bytes[length..];
                }
                Unpacked::Part(_) => return (lines, lost),
                Unpacked::Damaged(skip) => {
                    assert!(skip > 0 && skip <= bytes.len().max(1));
                    lost += skip;
                    bytes = &bytes[skip.min(bytes.len())..];
                }
            }
        }
    }

    #[test]
    fn what_was_packed_is_unpacked_and_each_record_has_a_name() {
        let bytes = parcel(b"one\n\ntwo\r\n");
        let Unpacked::Parcel(parcel, length) = Parcel::unpack(&bytes) else { panic!("a parcel") };
        assert_eq!((length, parcel.at()), (bytes.len(), HEAD_OF_ALL.at));
        let records: Vec<_> = parcel.records().map(|(id, line)| (id.to_string(), line)).collect();
        let id = "07".repeat(16);
        assert_eq!(records, [(format!("{id}-0"), &b"one"[..]), (format!("{id}-2"), b"two")]);
        assert_eq!(format!("{parcel:?}"), "Parcel(10 bytes)");
    }

    #[test]
    fn an_empty_batch_is_no_parcel() {
        assert!(parcel(b"").is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

        #[test]
        fn of_bytes_that_were_cut_every_whole_parcel_is_read(count in 1usize..5, cut in any::<prop::sample::Index>()) {
            let all: Vec<Vec<u8>> = (0..count).map(|number| parcel(format!("line {number}\n").as_bytes())).collect();
            let bytes = all.concat();
            let cut = cut.index(bytes.len() + 1);
            let (lines, lost) = unpacked(&bytes[..cut]);
            prop_assert_eq!((lines.len(), lost), (cut / all[0].len(), 0));
        }

        #[test]
        fn one_damaged_byte_costs_one_parcel_at_most(
            count in 1usize..5, at in any::<prop::sample::Index>(), flip in 1u8..=255,
        ) {
            let all: Vec<Vec<u8>> = (0..count).map(|number| parcel(format!("line {number}\n").as_bytes())).collect();
            let mut bytes = all.concat();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            let expected: Vec<Vec<u8>> = (0..count)
                .filter(|number| *number != at / all[0].len())
                .map(|number| format!("line {number}\n").into_bytes())
                .collect();
            prop_assert_eq!(unpacked(&bytes).0, expected);
        }

        #[test]
        fn arbitrary_bytes_are_gone_through(bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b's')], 0..300)) {
            prop_assert!(unpacked(&bytes).0.is_empty());
        }
    }
}
