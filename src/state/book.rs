//! The checkpoints and journals of a state directory, kept so that a crash at any moment leaves one exact state.
//!
//! A checkpoint is written beside the one before (`checkpoint.0` and `checkpoint.1` in turn), and `journal.N` holds what was
//! written after checkpoint N. In this order: the new checkpoint under another name and durable; its journal, empty; in
//! the old journal, durably, that it is closed; the checkpoint's name; the directory. Where the newer checkpoint is damaged
//! the one before leads to the same state over both journals. Where that does not lead to one exact state, nothing is
//! guessed.
//!
//! A checkpoint may also be made aside, while the book goes on: then the next journal is written before the checkpoint that it
//! follows is there, and until then both journals follow the one before.
//!
//! After a loss of power what was not synced may be missing: of the journals behind the last checkpoint, that is, anything. The state is then one
//! that was, and what stands behind it in the outputs is cut and made again.

use super::{
    checkpoint::{self, Checkpoint, Sealed},
    home::{self, Home},
    journal::{Codec, Contents, End, Entry, HEADER_BYTES, Record},
    place::{Place, sync},
    policies::Digest,
};
use crate::{
    error::Error,
    output::{fresh::discard, write_all},
};
use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::BTreeSet,
    io,
    os::fd::{AsFd, OwnedFd},
};

/// A state directory as a run finds it.
#[derive(Debug)]
pub struct Opened<P, S> {
    home: Home,
    left: Option<Left<P, S>>,
    /// The last journal, and where it is whole.
    last: Option<Last>,
    /// The last checkpoint's generation; 0 where there is none.
    base: u64,
    /// The highest generation that anything has.
    highest: u64,
}

/// What a run before this one left.
#[derive(Debug)]
pub struct Left<P, S> {
    /// Its last checkpoint.
    pub checkpoint: Checkpoint<P>,
    /// What was written, or was about to be, after it, in order.
    pub records: Vec<Record<S>>,
    /// The number of each of them. Numbers only ever grow, and none is given twice but after a loss of power.
    pub numbers: Vec<u64>,
    /// Whether the last checkpoint was damaged, and the one before has led here.
    pub fell_back: bool,
    /// Whether the machine was started anew since, so that what was not synced may be missing.
    pub restarted: bool,
}

#[derive(Debug)]
struct Last {
    generation: u64,
    /// Where it is whole; 0 where it is not even begun.
    whole: u64,
    /// The number of its first entry.
    first: u64,
    /// The number of its next one.
    next: u64,
}

/// The state of this run.
pub struct Book {
    home: Home,
    generation: u64,
    journal: OwnedFd,
    codec: Codec,
    /// The number of the next entry.
    sequence: u64,
    /// The journal's length.
    length: u64,
    buffer: Vec<u8>,
    /// What the last checkpoint and its journal name, and what the one before and its journal name.
    named: [BTreeSet<Digest>; 2],
    /// While a checkpoint is made aside: what the one before and its journal name.
    between: Option<BTreeSet<Digest>>,
    /// What was not found wanting at the last look.
    kept: BTreeSet<Digest>,
    /// Something failed of which nobody can say how far it went.
    failed: bool,
}

impl<P: DeserializeOwned, S: DeserializeOwned> Opened<P, S> {
    /// Reads what is there.
    ///
    /// # Errors
    /// [`Kind::Data`](crate::error::Kind::Data) where it does not lead to one exact state; `Kind::Io`, `Kind::Permission`
    pub fn read(home: Home) -> Result<Opened<P, S>, Error> {
        let generations = journals(&home)?;
        let slots = [slot::<P>(&home, 0)?, slot::<P>(&home, 1)?];
        let said = [slots[0].said(0), slots[1].said(1)];
        let highest = generations.iter().copied().max().unwrap_or(0);
        let [a, b] = slots.map(Slot::good);
        let sealed = match (a, b) {
            (Some(a), Some(b)) => Some(if a.generation > b.generation { a } else { b }),
            (a, b) => a.or(b),
        };
        let Some(sealed) = sealed else {
            let said: Vec<&str> = said.iter().flatten().map(String::as_str).collect();
            if said.iter().any(|what| what.ends_with("damaged")) || home.is_begun()? {
                return Err(home.broken(&said.join(", ")));
            }
            for &generation in &generations {
                // A first checkpoint that was not reached leaves a journal without entries.
                if file(&home, generation)?.is_some_and(|bytes| bytes.len() > HEADER_BYTES) {
                    return Err(home.broken(&said.join(", ")));
                }
            }
            return Ok(Opened { home, left: None, last: None, base: 0, highest });
        };
        let other = (sealed.generation + 1) % 2;
        let damaged = match &said[other as usize] {
            Some(what) => what.ends_with("damaged") || sealed.generation > 1,
            None => false,
        };
        let (base, boot) = (sealed.generation, home.boot().0);
        let mut restarted = sealed.boot != boot;
        let (mut records, mut numbers) = (Vec::new(), Vec::new());
        let mut last = Last { generation: base, whole: 0, first: sealed.sequence, next: sealed.sequence };
        loop {
            let name = journal_name(last.generation);
            let bytes = file(&home, last.generation)?;
            let missing = bytes.is_none();
            let Some(contents) = bytes.and_then(|bytes| Codec::new(home.key(), last.generation).read::<S>(&bytes))
            else {
                if restarted && !damaged {
                    break;
                }
                return Err(home.broken(&format!("`{name}` is {}", if missing { "missing" } else { "damaged" })));
            };
            restarted |= contents.boot != boot;
            let Contents { end, first, whole, .. } = contents;
            if first != last.first || (end == End::Damaged && !restarted) {
                return Err(home.broken(&format!("`{name}` is damaged")));
            }
            if end != End::Whole && damaged {
                return Err(home.broken(&format!("`{name}` is torn, and a checkpoint is missing or damaged")));
            }
            (last.whole, last.next) = (whole, contents.next());
            let closed = put(&mut records, &mut numbers, first, contents.entries);
            match closed {
                Some(next) if next <= last.generation || end != End::Whole => {
                    return Err(home.broken(&format!("`{name}` is damaged")));
                }
                Some(next) => last = Last { generation: next, whole: 0, first: last.next, next: last.next },
                None => break,
            }
        }
        // After a loss of power the end of one journal may be missing, and the beginning of the next be there.
        let later = generations.iter().filter(|&&generation| generation > last.generation && !restarted);
        for &later in later {
            if file(&home, later)?.is_some_and(|bytes| bytes.len() > HEADER_BYTES) {
                let what =
                    format!("`{}` is not whole, and `{}` follows", journal_name(last.generation), journal_name(later));
                return Err(home.broken(&what));
            }
        }
        let fell_back = damaged && last.generation > base;
        let highest = highest.max(last.generation);
        let left = Some(Left { checkpoint: sealed.checkpoint, records, numbers, fell_back, restarted });
        Ok(Opened { home, left, last: Some(last), base, highest })
    }
}

impl<P: Serialize, S> Opened<P, S> {
    /// The directory.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// What a run before this one left; `None` at the first start.
    pub fn left(&self) -> Option<&Left<P, S>> {
        self.left.as_ref()
    }

    /// The number that the next entry of the journal will have.
    pub fn next(&self) -> u64 {
        self.last.as_ref().map_or(0, |last| last.next)
    }

    /// Begins with this checkpoint, after what was left is put right: nothing before it is looked at again. `policy` is the
    /// text of the policy that it names.
    ///
    /// # Errors
    /// `Kind::Io`, `Kind::Permission`
    pub fn begin(self, checkpoint: &Checkpoint<P>, policy: &str) -> Result<Book, Error> {
        let Opened { home, left, last, base, highest } = self;
        home.keep_policy(&checkpoint.policy, policy)?;
        let mut before = BTreeSet::new();
        if let Some(left) = &left {
            before.extend(left.records.iter().map(|record| record.policy));
            before.insert(left.checkpoint.policy);
        }
        // The last checkpoint stays where it is; its slot goes by its number.
        let generation = match base {
            0 => 1,
            _ if (highest + 1) % 2 == base % 2 => highest + 2,
            _ => highest + 1,
        };
        let mut old = None;
        let mut sequence = 0;
        if let Some(last) = &last {
            let codec = Codec::new(home.key(), last.generation);
            let cannot = |error: io::Error| home.failed("put right the journal in", &error);
            let fd = open_journal(&home, last.generation, OFlags::CREATE).map_err(cannot)?;
            rustix::fs::ftruncate(&fd, last.whole).map_err(|error| cannot(error.into()))?;
            if last.whole == 0 {
                write_all(&fd, &codec.header(last.first, home.boot().0)).map_err(cannot)?;
            }
            sequence = last.next;
            old = Some((fd, codec));
        }
        let named = [BTreeSet::new(), before];
        let (journal, codec) = write(&home, old.as_ref(), base, (generation, &mut sequence), checkpoint, &mut false)?;
        home.mark_begun()?;
        let length = HEADER_BYTES as u64;
        let (buffer, kept) = (Vec::new(), BTreeSet::new());
        let mut book = Book {
            home,
            generation,
            journal,
            codec,
            sequence,
            length,
            buffer,
            named,
            between: None,
            kept,
            failed: false,
        };
        book.named[0].insert(checkpoint.policy);
        book.clear(base)?;
        Ok(book)
    }
}

impl Book {
    /// The number that the next entry of the journal will have.
    pub fn next(&self) -> u64 {
        self.sequence
    }

    /// Says what a batch is made of. To be called before any of it is written.
    ///
    /// # Errors
    /// `Kind::Io`: nothing was said, and nothing of the batch may be written.
    pub fn append<S: Serialize>(&mut self, record: &Record<S>) -> Result<(), Error> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let made = self.codec.record(self.sequence, record, &mut buffer);
        let done = match made {
            Ok(()) if record.parts.len() > usize::from(u16::MAX) => Err(io::ErrorKind::InvalidInput.into()),
            Ok(()) => self.put(&buffer),
            Err(error) => Err(error.into()),
        };
        self.buffer = buffer;
        done.map_err(|error| self.home.failed("write the journal in", &error))?;
        if !self.named[0].contains(&record.policy) {
            self.named[0].insert(record.policy);
        }
        Ok(())
    }

    /// Writes a checkpoint. All that its outputs say must have been made durable before.
    ///
    /// # Errors
    /// `Kind::Io`, `Kind::Permission`: the journal goes on, and the next call tries again, unless
    /// [`is_failed`](Self::is_failed).
    pub fn checkpoint<P: Serialize>(&mut self, checkpoint: &Checkpoint<P>) -> Result<(), Error> {
        if self.failed || self.between.is_some() {
            return Err(self.home.failed("write a checkpoint in", &io::Error::other(FAILED)));
        }
        let (base, generation) = (self.generation, self.generation + 1);
        let mut sequence = self.sequence;
        let old = (self.journal.as_fd(), &self.codec);
        // What was begun of the new journal's entry is cut off again where it fails.
        let written = write(&self.home, Some(&old), base, (generation, &mut sequence), checkpoint, &mut self.failed);
        if written.is_err() && !self.failed {
            self.failed = rustix::fs::ftruncate(&self.journal, self.length).is_err();
        }
        (self.journal, self.codec) = written?;
        (self.generation, self.sequence, self.length) = (generation, sequence, HEADER_BYTES as u64);
        self.named[1] = std::mem::take(&mut self.named[0]);
        self.named[0].insert(checkpoint.policy);
        self.clear(base)
    }

    /// Begins a checkpoint that is made durable aside, by [`Aside::make`] on any thread, while the book goes on in the next
    /// journal. What became of it is to be told to [`end_aside`](Self::end_aside) before the next checkpoint.
    ///
    /// # Errors
    /// As [`checkpoint`](Self::checkpoint).
    pub fn begin_aside<P: Serialize>(&mut self, checkpoint: &Checkpoint<P>) -> Result<Aside, Error> {
        let cannot = |error: io::Error| self.home.failed("write a checkpoint in", &error);
        if self.failed || self.between.is_some() {
            return Err(cannot(io::Error::other(FAILED)));
        }
        let (generation, first, boot) = (self.generation + 1, self.sequence + 1, self.home.boot().0);
        let bytes = checkpoint::encode(self.home.key(), (generation, first, boot), checkpoint);
        let bytes = bytes.map_err(|error| cannot(error.into()))?;
        let place = self.home.place().again().map_err(cannot)?;
        let journal = open_journal(&self.home, generation, OFlags::CREATE | OFlags::TRUNC).map_err(cannot)?;
        let codec = Codec::new(self.home.key(), generation);
        write_all(&journal, &codec.header(first, boot)).map_err(cannot)?;
        let mut entry = Vec::new();
        self.codec.closed(self.sequence, generation, &mut entry);
        if let Err(error) = write_all(&self.journal, &entry) {
            let error = cannot(error);
            self.failed = rustix::fs::ftruncate(&self.journal, self.length).is_err();
            return Err(error);
        }
        let old = std::mem::replace(&mut self.journal, journal);
        (self.codec, self.generation, self.sequence, self.length) = (codec, generation, first, HEADER_BYTES as u64);
        self.between = Some(std::mem::take(&mut self.named[0]));
        self.named[0].insert(checkpoint.policy);
        Ok(Aside { place, old, bytes, slot: slot_name(generation % 2) })
    }

    /// What became of a checkpoint that was made aside.
    ///
    /// # Errors
    /// What it says: the run has to end, and the next finds out how far it went. Else `Kind::Io` where something that is not
    /// needed any more cannot be taken away.
    pub fn end_aside(&mut self, done: Result<(), Error>) -> Result<(), Error> {
        let Some(before) = self.between.take() else { return done };
        self.failed |= done.is_err();
        done?;
        self.named[1] = before;
        self.clear(self.generation - 1)
    }

    /// Keeps the text of a policy, to be called before anything is said under it. It stays while a journal names it.
    ///
    /// # Errors
    /// `Kind::Io`, `Kind::Permission`
    pub fn keep_policy(&mut self, digest: Digest, text: &str) -> Result<(), Error> {
        self.home.keep_policy(&digest, text)?;
        self.named[0].insert(digest);
        Ok(())
    }

    /// How long the journal is.
    pub fn journal_bytes(&self) -> u64 {
        self.length
    }

    /// Whether the journal is so long that a checkpoint is due.
    pub fn is_due(&self) -> bool {
        self.length >= DUE_BYTES
    }

    /// Whether something failed of which nobody can say how far it went: the run has to end, and the next finds out.
    pub fn is_failed(&self) -> bool {
        self.failed
    }

    /// The directory.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// One write, or nothing.
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.failed {
            return Err(io::Error::other(FAILED));
        }
        if self.length + bytes.len() as u64 > MAX_BYTES {
            return Err(io::Error::other("no checkpoint was written for too long"));
        }
        if let Err(error) = write_all(&self.journal, bytes) {
            // Else what follows would stand behind a torn entry.
            self.failed = rustix::fs::ftruncate(&self.journal, self.length).is_err();
            return Err(error);
        }
        self.length += bytes.len() as u64;
        self.sequence += 1;
        Ok(())
    }

    /// Takes away what no checkpoint needs that is left: journals before `oldest`, and policies that nothing names.
    fn clear(&mut self, oldest: u64) -> Result<(), Error> {
        for generation in journals(&self.home)? {
            if generation < oldest {
                let name = journal_name(generation);
                discard(self.home.place(), &name).map_err(|error| self.home.failed("clear", &error))?;
            }
        }
        let named: BTreeSet<Digest> = self.named.iter().chain(&self.between).flatten().copied().collect();
        if named != self.kept {
            self.home.prune_policies(&named)?;
            self.kept = named;
        }
        Ok(())
    }
}

/// A checkpoint that was begun, and is not durable yet.
#[derive(Debug)]
pub struct Aside {
    place: Place,
    /// The journal that it closes.
    old: OwnedFd,
    bytes: Vec<u8>,
    slot: String,
}

impl Aside {
    /// Makes it durable. All that its outputs say must have been made durable before.
    ///
    /// # Errors
    /// `Kind::Io`, `Kind::Permission`. Where `waits` says so for an error, because it may go away by itself, it is tried
    /// again as long as nothing was made of it.
    pub fn make(self, mut waits: impl FnMut(&io::Error) -> bool) -> Result<(), Error> {
        let Aside { place, old, bytes, slot } = self;
        let cannot = |error: io::Error| home::failed(&place, "write a checkpoint in", &error);
        while let Err(error) = home::stage(&place, &bytes, 0o640) {
            if !waits(&error) {
                return Err(cannot(error));
            }
        }
        sync(&old).map_err(cannot)?;
        rustix::fs::renameat(&place, home::NEW, &place, slot).map_err(|error| cannot(error.into()))?;
        place.sync().map_err(cannot)
    }
}

impl std::fmt::Debug for Book {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Book")
            .field("generation", &self.generation)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// Writes a checkpoint in the order that the module says. `sequence` is the number of the old journal's next entry, and then
/// of the new one's first; `failed` is set where nobody can say how far it went.
fn write<P: Serialize>(
    home: &Home,
    old: Option<&(impl AsFd, impl std::borrow::Borrow<Codec>)>,
    base: u64,
    (generation, sequence): (u64, &mut u64),
    checkpoint: &Checkpoint<P>,
    failed: &mut bool,
) -> Result<(OwnedFd, Codec), Error> {
    let cannot = |error: io::Error| home.failed("write a checkpoint in", &error);
    debug_assert!(base == 0 || base % 2 != generation % 2);
    let place = home.place();
    let first = *sequence + u64::from(old.is_some());
    let bytes = checkpoint::encode(home.key(), (generation, first, home.boot().0), checkpoint);
    home::stage(place, &bytes.map_err(|error| cannot(error.into()))?, 0o640).map_err(cannot)?;
    let journal = open_journal(home, generation, OFlags::CREATE | OFlags::TRUNC).map_err(cannot)?;
    let codec = Codec::new(home.key(), generation);
    write_all(&journal, &codec.header(first, home.boot().0)).map_err(cannot)?;
    if let Some((fd, old)) = old {
        let mut entry = Vec::new();
        old.borrow().closed(*sequence, generation, &mut entry);
        write_all(fd, &entry).map_err(cannot)?;
        sync(fd).map_err(|error| {
            *failed = true;
            cannot(error)
        })?;
    }
    rustix::fs::renameat(place, home::NEW, place, slot_name(generation % 2)).map_err(|error| cannot(error.into()))?;
    place.sync().map_err(|error| {
        *failed = true;
        cannot(error)
    })?;
    *sequence = first;
    Ok((journal, codec))
}

/// Adds what a journal says, in order, with its numbers from `first` on. Says which journal follows, if it is closed.
fn put<S>(records: &mut Vec<Record<S>>, numbers: &mut Vec<u64>, first: u64, entries: Vec<Entry<S>>) -> Option<u64> {
    let mut closed = None;
    for (number, entry) in (first..).zip(entries) {
        match entry {
            Entry::Record(record) => {
                records.push(record);
                numbers.push(number);
            }
            Entry::Closed(next) => closed = Some(next),
        }
    }
    closed
}

enum Slot<P> {
    Missing,
    Damaged,
    Good(Sealed<P>),
}

impl<P> Slot<P> {
    fn said(&self, number: u64) -> Option<String> {
        match self {
            Slot::Missing => Some(format!("`{}` is missing", slot_name(number))),
            Slot::Damaged => Some(format!("`{}` is damaged", slot_name(number))),
            Slot::Good(_) => None,
        }
    }

    fn good(self) -> Option<Sealed<P>> {
        match self {
            Slot::Missing | Slot::Damaged => None,
            Slot::Good(sealed) => Some(sealed),
        }
    }
}

fn slot<P: DeserializeOwned>(home: &Home, number: u64) -> Result<Slot<P>, Error> {
    let bytes = home::read(home.place(), &slot_name(number), MAX_CHECKPOINT_BYTES)
        .map_err(|error| home.failed("read", &error))?;
    let Some(bytes) = bytes else { return Ok(Slot::Missing) };
    let sealed = checkpoint::decode(home.key(), &bytes).filter(|sealed: &Sealed<P>| sealed.generation % 2 == number);
    Ok(sealed.map_or(Slot::Damaged, Slot::Good))
}

fn slot_name(number: u64) -> String {
    format!("checkpoint.{number}")
}

fn journal_name(generation: u64) -> String {
    format!("journal.{generation}")
}

/// The generations of which a journal is there.
fn journals(home: &Home) -> Result<Vec<u64>, Error> {
    let list = || -> io::Result<Vec<u64>> {
        let mut found = Vec::new();
        for entry in rustix::fs::Dir::read_from(home.place())? {
            let entry = entry?;
            let name = entry.file_name().to_str().unwrap_or_default();
            let generation = name.strip_prefix("journal.").and_then(|digits| digits.parse::<u64>().ok());
            found.extend(generation.filter(|&generation| journal_name(generation) == name));
        }
        found.sort_unstable();
        Ok(found)
    };
    list().map_err(|error| home.failed("read", &error))
}

fn file(home: &Home, generation: u64) -> Result<Option<Vec<u8>>, Error> {
    home::read(home.place(), &journal_name(generation), 2 * MAX_BYTES).map_err(|error| home.failed("read", &error))
}

fn open_journal(home: &Home, generation: u64, more: OFlags) -> io::Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | more;
    let mode = Mode::from_raw_mode(0o640);
    let fd = rustix::fs::openat(home.place(), journal_name(generation), flags, mode)?;
    if rustix::fs::fstat(&fd)?.st_nlink != 1 {
        return Err(Errno::MLINK.into());
    }
    rustix::fs::fchmod(&fd, mode)?;
    Ok(fd)
}

/// A longer journal is followed by a checkpoint.
const DUE_BYTES: u64 = 4 * 1024 * 1024;
/// No journal is longer.
const MAX_BYTES: u64 = 16 * 1024 * 1024;
const MAX_CHECKPOINT_BYTES: u64 = 256 * 1024 * 1024;
const FAILED: &str = "an earlier failure left it unsure; start sladd again";

#[cfg(test)]
mod tests;
