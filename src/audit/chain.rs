//! The lines of an audit log: how one is written, and how all are read again.

use super::Entry;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::{
    fmt,
    io::{self, BufRead, Read},
    str::FromStr,
};
use subtle::ConstantTimeEq;

/// Where a log ends: so many entries, and the hash of the last. Written `7:9f86…`, to be noted down elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// How many.
    pub entries: u64,
    /// Of the last; zeros where there is none.
    pub hash: [u8; 32],
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.entries, Hex(&self.hash))
    }
}

impl FromStr for Head {
    type Err = NotAHead;

    fn from_str(text: &str) -> Result<Head, NotAHead> {
        let (entries, hash) = text.split_once(':').ok_or(NotAHead)?;
        Ok(Head { entries: number(entries).ok_or(NotAHead)?, hash: unhex(hash.as_bytes()).ok_or(NotAHead)? })
    }
}

/// The text names no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAHead;

impl fmt::Display for NotAHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the head of an audit log; write it as it was printed, number:hash")
    }
}

impl std::error::Error for NotAHead {}

/// What [`super::verify`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Where the log ends now.
    pub head: Head,
    /// Entries that say that the log was found in disorder, by their numbers: after a kill, or by somebody's hand.
    pub mended: Vec<u64>,
    /// What is wrong, the first [`Verdict::MOST`].
    pub faults: Vec<Fault>,
}

impl Verdict {
    /// So many faults are told.
    pub const MOST: usize = 100;

    /// Whether nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.faults.is_empty()
    }
}

/// One thing that is wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A line is not what was written.
    Changed {
        /// Its number in the file, from 1.
        line: u64,
    },
    /// A line is not the next one: lines before it are missing, were added or stand elsewhere.
    OutOfPlace {
        /// Its number in the file, from 1.
        line: u64,
        /// The entry that should stand there.
        expected: u64,
        /// The entry that does.
        found: u64,
    },
    /// The last line has no end.
    Unfinished,
    /// The log ends before, or after, the head says.
    End {
        /// Entries that the head speaks of.
        expected: u64,
        /// Entries that there are.
        found: u64,
    },
    /// The head is missing or cannot be read.
    NoHead,
    /// The last entry is not the one that the head speaks of.
    OtherHead,
    /// The log does not go through the head that was noted down.
    OtherAnchor,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Changed { line } => write!(f, "line {line} is not what was written"),
            Fault::OutOfPlace { line, expected, found } => {
                write!(f, "line {line} holds entry {found} and not {expected}, or does not follow the one before")
            }
            Fault::Unfinished => f.write_str("the last line has no end"),
            Fault::End { expected, found } => write!(f, "it holds {found} entries, and its head speaks of {expected}"),
            Fault::NoHead => f.write_str("its head is missing or damaged"),
            Fault::OtherHead => f.write_str("the last entry is not the one that its head speaks of"),
            Fault::OtherAnchor => f.write_str("it does not go through the head that was noted down"),
        }
    }
}

/// A head with the place of the last line, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) head: Head,
    pub(super) start: u64,
    pub(super) end: u64,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "sladd audit 1 {} {} {}", self.start, self.end, self.head)
    }
}

impl Mark {
    pub(super) fn parse(text: &[u8]) -> Option<Mark> {
        let mut words = std::str::from_utf8(text).ok()?.strip_suffix('\n')?.strip_prefix("sladd audit 1 ")?.split(' ');
        let mark =
            Mark { start: number(words.next()?)?, end: number(words.next()?)?, head: words.next()?.parse().ok()? };
        words.next().is_none().then_some(mark)
    }
}

/// What stands where the head should.
pub(super) enum Written {
    Whole(Mark),
    Missing,
    Damaged,
}

/// A log, read from end to end.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// The last line that could be read.
    pub(super) last: Head,
    /// The hash of the entry whose number was asked for.
    pub(super) at_noted: Option<[u8; 32]>,
    pub(super) faults: Vec<Fault>,
    mended: Vec<u64>,
    /// Bytes up to the last whole line, up to its end, and all there are.
    start: u64,
    pub(super) finished: u64,
    pub(super) size: u64,
}

impl Walk {
    /// Reads all; `noted` is the number of an entry whose hash is wanted.
    pub(super) fn through(mut log: impl BufRead, noted: u64) -> io::Result<Walk> {
        let (mut walk, mut text, mut line) = (Walk::default(), Vec::new(), 0);
        loop {
            text.clear();
            let read = (&mut log).take(LONGEST).read_until(b'\n', &mut text)?;
            if read == 0 {
                break;
            }
            walk.size += read as u64;
            line += 1;
            let mut ends = text.last() == Some(&b'\n');
            while !ends && !log.fill_buf()?.is_empty() {
                let rest = log.fill_buf()?;
                let end = memchr::memchr(b'\n', rest).map(|at| at + 1);
                let length = end.unwrap_or(rest.len());
                (ends, walk.size) = (end.is_some(), walk.size + length as u64);
                log.consume(length);
            }
            match Line::read(&text) {
                Some(found) => walk.follow(&found, line, noted),
                None if !ends => {
                    walk.fault(Fault::Unfinished);
                    break;
                }
                None => walk.fault(Fault::Changed { line }),
            }
            (walk.start, walk.finished) = (walk.finished, walk.size);
        }
        Ok(walk)
    }

    fn follow(&mut self, found: &Line, line: u64, noted: u64) {
        let expected = self.last.entries + 1;
        if found.entry != expected || !is_same(&found.before, &self.last.hash) {
            self.fault(Fault::OutOfPlace { line, expected, found: found.entry });
        }
        if found.is_mended && self.mended.len() < Verdict::MOST {
            self.mended.push(found.entry);
        }
        if found.entry == noted {
            self.at_noted = Some(found.hash);
        }
        self.last = Head { entries: found.entry, hash: found.hash };
    }

    fn fault(&mut self, fault: Fault) {
        if self.faults.len() < Verdict::MOST {
            self.faults.push(fault);
        }
    }

    pub(super) fn verdict(mut self, mark: &Written, anchor: Option<&Head>) -> Verdict {
        match mark {
            Written::Whole(mark) => {
                if mark.head.entries != self.last.entries {
                    self.fault(Fault::End { expected: mark.head.entries, found: self.last.entries });
                } else if !is_same(&mark.head.hash, &self.last.hash)
                    || (mark.start, mark.end) != (self.start, self.finished)
                {
                    self.fault(Fault::OtherHead);
                }
            }
            Written::Missing | Written::Damaged => self.fault(Fault::NoHead),
        }
        let goes_through = |anchor: &Head| self.at_noted.is_some_and(|hash| is_same(&hash, &anchor.hash));
        if anchor.is_some_and(|anchor| anchor.entries > 0 && !goes_through(anchor)) {
            self.fault(Fault::OtherAnchor);
        }
        Verdict { head: self.last, mended: self.mended, faults: self.faults }
    }
}

/// What a line says of its place.
struct Line {
    entry: u64,
    before: [u8; 32],
    hash: [u8; 32],
    is_mended: bool,
}

impl Line {
    /// A whole line that hashes to what it says.
    fn read(line: &[u8]) -> Option<Line> {
        let hash = hash_of(line)?;
        let body = &line[..line.len() - TAIL];
        let object = [body, b"}"].concat();
        let body: Body<'_> = serde_json::from_slice(&object).ok()?;
        let before = unhex(body.before.as_bytes())?;
        Some(Line { entry: body.entry, before, hash, is_mended: body.deed == super::Deed::Mended.as_str() })
    }
}

/// Whether a line, without its end, is of this deed and subject.
pub(super) fn is_of(line: &[u8], deed: super::Deed, subject: &str) -> bool {
    let whole = [line, b"\n"].concat();
    let Some(end) = hash_of(&whole).map(|_| whole.len() - TAIL) else { return false };
    let object = [&whole[..end], b"}"].concat();
    serde_json::from_slice::<Body<'_>>(&object).is_ok_and(|body| body.deed == deed.as_str() && body.subject == subject)
}

/// The hash that a line says it has, if it does have it.
pub(super) fn hash_of(line: &[u8]) -> Option<[u8; 32]> {
    let (body, tail) = line.split_at(line.len().checked_sub(TAIL)?);
    let written = unhex(tail.strip_prefix(HASH)?.strip_suffix(b"\"}\n")?)?;
    let hash = hash(body);
    is_same(&hash, &written).then_some(hash)
}

/// Compares in constant time.
pub(super) fn is_same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one.ct_eq(other).into()
}

/// The line of an entry that follows `last`, and the head it makes.
pub(super) fn line(now: Timestamp, entry: &Entry<'_>, last: &Head) -> (Vec<u8>, Head) {
    let number = last.entries + 1;
    let body = Body {
        entry: number,
        time: now.to_string(),
        deed: entry.deed.as_str(),
        subject: entry.subject.into(),
        details: entry.details.iter().map(|(name, words)| ((*name).to_owned(), Value::from(*words))).collect(),
        before: Hex(&last.hash).to_string(),
    };
    let mut line = serde_json::to_vec(&body).expect("texts and a number");
    line.pop();
    let hash = hash(&line);
    line.extend_from_slice(HASH);
    line.extend_from_slice(Hex(&hash).to_string().as_bytes());
    line.extend_from_slice(b"\"}\n");
    (line, Head { entries: number, hash })
}

/// A line without its hash, in the order written.
#[derive(Serialize, Deserialize)]
struct Body<'a> {
    entry: u64,
    time: String,
    #[serde(borrow)]
    deed: &'a str,
    #[serde(borrow)]
    subject: std::borrow::Cow<'a, str>,
    details: Map<String, Value>,
    before: String,
}

/// The hash of a line up to where its hash stands; the hash of the line before is part of that.
fn hash(body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"sladd audit 1\n");
    hash.update(body);
    hash.finalize().into()
}

/// Digits alone: no sign, no blank.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

struct Hex<'a>(&'a [u8; 32]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn unhex(text: &[u8]) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_chunks::<2>().0) {
        *byte = pair.iter().fold(0, |sum, digit| (sum << 4) | ((digit & 15) + 9 * (digit >> 6)));
    }
    Some(bytes)
}

/// Before a hash, and how long it is with all that stands around it.
const HASH: &[u8] = b",\"hash\":\"";
const TAIL: usize = HASH.len() + 64 + 3;

/// No entry of ours is longer, in bytes.
pub(super) const LONGEST: u64 = 65_536;
