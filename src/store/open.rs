//! The writing side: an open file for each class and day, as outputs of the sidecar's journal.

use super::{
    CLOSING, Closer, OPEN, Root,
    due::{self, Terms},
    facts::Facts,
    key::{Keys, destroy, unnamed},
    manifest::Head,
    name::Shelf,
    survey::survey,
    sweep::was_to_go,
};
use crate::{
    encode::Batch,
    error::{Error, Kind},
    key::Wrap,
    output::segment::{Committed, Fault, Flush, Identity, Segment, Veiled},
    retention::{ClassId, Run},
    state::{
        files::names_in,
        place::{self, Place},
    },
    time::{DAY, Timestamp},
};
use rustix::{fs::RenameFlags, io::Errno};
use std::{
    collections::{BTreeSet, HashMap},
    io,
    path::{Path, PathBuf},
};

/// A store that is written to. One process at a time: it holds a lock on `open/anchor`.
#[derive(Debug)]
pub struct Store {
    root: Root,
    open: Place,
    closing: Place,
    anchor: Segment,
    /// Of sealed files, where there may be some.
    keys: Option<Keys>,
    /// Whether new files are sealed.
    seals: bool,
    policy: Box<str>,
    terms: Terms,
    slots: Vec<Slot>,
    /// Where the slots of the policy in force are.
    by_run: HashMap<Run, usize>,
    /// What of the batch at hand goes to which slot.
    in_hand: Vec<(Run, Batch)>,
    /// The number of the next file that is closed.
    next: u64,
    turn: u64,
    closer: Closer,
    looked: Timestamp,
}

/// One open file.
#[derive(Debug)]
struct Slot {
    shelf: Shelf,
    /// `None`: of another policy, so that nothing is added.
    run: Option<Run>,
    path: PathBuf,
    identity: Identity,
    /// As it was last made durable, or is about to be.
    committed: Committed,
    length: u64,
    /// Written since.
    dirty: bool,
    last_write: Timestamp,
    used: u64,
    /// Only so many are held open at a time.
    segment: Option<Segment>,
    /// What hides it, while it is not held open.
    veiled: Option<Veiled>,
}

/// Whether files are sealed, and what with.
#[derive(Clone, Debug, Default)]
pub struct Sealing {
    /// Whether new files are sealed; then keys must be wrapped.
    pub seals: bool,
    /// What keys are wrapped with. Files that were sealed before are opened with it, too.
    pub wrap: Option<Wrap>,
}

/// Why what was divided is not written.
#[derive(Debug)]
pub enum Unwritten {
    /// The file takes no more for now; `taken` counts from the beginning of all that was divided.
    Fault(Fault),
    /// It cannot go on.
    Error(Error),
}

/// What goes to one open file, as the journal says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Which file.
    pub segment: Identity,
    /// How long it was.
    pub before: u64,
    /// How many bytes are added.
    pub bytes: u64,
}

impl Store {
    /// Opens a store to be written under this policy. `known` are the files that the last checkpoint and its journal speak
    /// of: where the store was one of its outputs, an open file that is not among them goes.
    ///
    /// # Errors
    /// As [`Segment::open`]; [`Data`](crate::error::Kind::Data) where the store is damaged; [`Config`](crate::error::Kind::Config)
    /// where its files are sealed and it is not known what their keys are wrapped with.
    pub fn open(
        root: Root,
        (facts, terms): (&Facts, Terms),
        sealing: Sealing,
        known: Option<&[Identity]>,
        clock: fn() -> Timestamp,
    ) -> Result<Store, Error> {
        let now = clock();
        let keys = match sealing.wrap {
            Some(wrap) if sealing.seals => Some(Keys::create(&root, wrap)?),
            Some(wrap) => Keys::open(&root, wrap)?,
            None if sealing.seals => return Err(unnamed(&root)),
            None => None,
        };
        facts.keep(&root, now)?;
        let (open, closing) = (root.room(OPEN)?, root.room(CLOSING)?);
        let anchor = Segment::open(open.path().join(ANCHOR), now)?;
        let known = known.filter(|known| known.iter().any(|known| known.is_same(&anchor.identity())));
        let failed = |error: io::Error| root.failed("read", &error);
        let waiting = names_in(&closing).map_err(failed)?;
        let numbers = waiting.iter().filter_map(|name| Shelf::parse_numbered(name)).map(|(number, _)| number + 1);
        let next = numbers.max().unwrap_or(1).max(Head::read(&root)?.next);
        let closer = Closer::begin(&root, keys.as_ref(), clock)?;
        let names = names_in(&open).map_err(failed)?;
        let mut store = Store {
            root,
            open,
            closing,
            anchor,
            keys,
            seals: sealing.seals,
            policy: facts.policy().into(),
            terms,
            slots: Vec::new(),
            by_run: HashMap::new(),
            in_hand: Vec::new(),
            next,
            turn: 0,
            closer,
            looked: Timestamp(0),
        };
        for shelf in names.iter().filter_map(|name| Shelf::parse(name)) {
            store.adopt(shelf, known, now)?;
        }
        store.number();
        store.tidy()?;
        Ok(store)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.root.path()
    }

    /// Segments that were closed by this run.
    pub fn closed(&self) -> u64 {
        self.closer.closed()
    }

    /// Why something is not closed, since the last call.
    pub fn take_said(&self) -> Option<String> {
        self.closer.take_said()
    }

    /// What the journal knows the store by.
    pub fn anchor(&self) -> Identity {
        self.anchor.identity()
    }

    /// Keeps the facts of a policy that is about to be in force.
    ///
    /// # Errors
    /// As [`Store::open`]
    pub fn announce(&self, facts: &Facts, now: Timestamp) -> Result<(), Error> {
        facts.keep(&self.root, now)
    }

    /// Goes on under a policy that was announced; what was written under the one before is closed next.
    pub fn turn(&mut self, facts: &Facts, terms: Terms) {
        (self.policy, self.terms) = (facts.policy().into(), terms);
        self.number();
        self.looked = Timestamp(0);
    }

    /// Makes sure that there is an open file for whatever of the batch comes to the store, so that its number can be said.
    ///
    /// # Errors
    /// As [`Segment::open`]
    pub fn prepare(
        &mut self,
        batch: &Batch,
        takes: impl Fn(ClassId) -> bool,
        reference: Timestamp,
    ) -> Result<(), Error> {
        let mut last = None;
        for (run, _) in batch.runs() {
            if last == Some(run) || !takes(run.class) {
                continue;
            }
            last = Some(run);
            if let Some(run) = self.terms.place(run, reference)
                && !self.by_run.contains_key(&run)
            {
                self.create(run, reference)?;
            }
        }
        Ok(())
    }

    /// Divides what comes to the store among its open files; how much goes to each, and how many records are left out because
    /// they are due already.
    ///
    /// # Errors
    /// As [`Segment::open`]
    pub fn divide(&mut self, batch: &Batch, reference: Timestamp) -> Result<(Vec<Share>, u64), Error> {
        let (groups, left_out) = due::divide(batch, &self.terms, reference);
        self.in_hand = groups;
        let mut shares = Vec::with_capacity(self.in_hand.len());
        for at in 0..self.in_hand.len() {
            let run = self.in_hand[at].0;
            if !self.by_run.contains_key(&run) || !self.fetch(self.by_run[&run])? {
                self.create(run, reference)?;
            }
            let slot = &self.slots[self.by_run[&run]];
            let bytes = self.in_hand[at].1.bytes().len() as u64;
            shares.push(Share { segment: slot.identity, before: slot.length, bytes });
        }
        Ok((shares, left_out))
    }

    /// Writes what was divided, of which `taken` bytes stand already.
    ///
    /// # Errors
    /// What the system says, and how much stands then.
    pub fn write(&mut self, taken: usize, now: Timestamp) -> Result<(), Unwritten> {
        let mut before = 0;
        for at in 0..self.in_hand.len() {
            let (run, bytes) = (self.in_hand[at].0, self.in_hand[at].1.bytes().len());
            let stands = taken.saturating_sub(before).min(bytes);
            // A sweep may have taken the file away: then its records are due.
            if stands < bytes
                && let Some(&number) = self.by_run.get(&run)
                && self.fetch(number).map_err(Unwritten::Error)?
            {
                let slot = &mut self.slots[number];
                slot.dirty = true;
                let segment = slot.segment.as_mut().expect("it was fetched");
                if let Err(mut fault) = segment.write_from(&self.in_hand[at].1, stands) {
                    fault.taken += before;
                    return Err(Unwritten::Fault(fault));
                }
                slot.length += bytes as u64;
                slot.last_write = now;
            }
            before += bytes;
        }
        self.in_hand.clear();
        Ok(())
    }

    /// Makes all durable: the anchor, and every open file.
    ///
    /// # Errors
    /// As [`Segment::sync`].
    pub fn sync(&mut self) -> Result<(Committed, Vec<Committed>), Error> {
        self.drop_swept();
        for slot in self.slots.iter_mut().filter(|slot| slot.dirty) {
            if let Some(segment) = &mut slot.segment {
                slot.committed = segment.sync()?;
                slot.dirty = false;
            }
        }
        Ok((self.anchor.sync()?, self.committed()))
    }

    /// The same, to be made durable on another thread.
    ///
    /// # Errors
    /// As [`Segment::flush`].
    pub fn flush(&mut self) -> Result<(Committed, Vec<Committed>, Vec<Flush>), Error> {
        self.drop_swept();
        let (anchor, flush) = self.anchor.flush()?;
        let mut flushes = vec![flush];
        for slot in self.slots.iter_mut().filter(|slot| slot.dirty) {
            if let Some(segment) = &mut slot.segment {
                let (committed, flush) = segment.flush()?;
                slot.committed = committed;
                // Its name is durable only after a `sync` of its own.
                flushes.push(flush);
                slot.dirty = false;
            }
        }
        Ok((anchor, self.committed(), flushes))
    }

    /// Whether files are to be closed. What is found is to be put aside after a checkpoint. It looks once a second.
    pub fn is_due(&mut self, now: Timestamp) -> bool {
        if self.looked == now {
            return false;
        }
        self.looked = now;
        self.slots.iter().any(|slot| slot.is_due(now))
    }

    /// Puts the files aside that are due, or all, to be closed. To be called when a checkpoint says how long each is and
    /// nothing was written since; a checkpoint has to follow. Says how many.
    ///
    /// # Errors
    /// What the system says.
    pub fn put_aside(&mut self, now: Timestamp, all: bool) -> Result<u64, Error> {
        let is_due = |slot: &Slot| !slot.dirty && (all || slot.is_due(now));
        let (due, rest) = std::mem::take(&mut self.slots).into_iter().partition::<Vec<_>, _>(is_due);
        self.slots = rest;
        let mut count = 0;
        for slot in due {
            count += u64::from(self.aside(slot).map_err(|error| self.root.failed("write in", &error))?);
        }
        self.number();
        // Where they are now first: for a moment there may be two names, but never none.
        let done = self.closing.sync().and_then(|()| self.open.sync());
        done.map_err(|error| self.root.failed("write in", &error))?;
        self.closer.wake();
        Ok(count)
    }

    /// Closes what was put aside, and ends; why something was not closed, if so.
    pub fn end(&mut self) -> Option<String> {
        self.closer.end();
        self.closer.take_said()
    }

    fn aside(&mut self, slot: Slot) -> io::Result<bool> {
        let name = slot.shelf.to_string();
        // The lock goes with it.
        drop(slot.segment);
        if slot.length == 0 {
            self.remove(&slot.shelf)?;
            return Ok(false);
        }
        let numbered = slot.shelf.numbered(self.next);
        match place::rename(&self.open, &name, &self.closing, numbered.as_str(), RenameFlags::NOREPLACE) {
            Ok(()) => {
                self.next += 1;
                Ok(true)
            }
            // A sweep took it away.
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// All open files as the checkpoint says them.
    fn committed(&self) -> Vec<Committed> {
        self.slots.iter().map(|slot| slot.committed.clone()).collect()
    }

    /// A file of an earlier run.
    fn adopt(&mut self, shelf: Shelf, known: Option<&[Identity]>, now: Timestamp) -> Result<(), Error> {
        let path = self.open.path().join(shelf.to_string());
        let failed = |error: io::Error| self.root.failed("write in", &error);
        let veiled = match &shelf.key {
            None => None,
            Some(key) => {
                let keys = self.keys.as_ref().ok_or_else(|| unnamed(&self.root))?;
                match keys.veil(key)? {
                    // A sweep that was killed had destroyed it.
                    None if was_to_go(&self.root, &format!("{OPEN}/{shelf}"))? => {
                        return self.remove(&shelf).and_then(|()| self.open.sync()).map_err(failed);
                    }
                    None => {
                        let why = "its key is missing: nobody can read it; put `keys` back, or remove the file";
                        return Err(Error::new(Kind::Data, format!("cannot go on with `{}`: {why}", path.display())));
                    }
                    veiled => veiled,
                }
            }
        };
        let mut segment = Segment::open_under(&path, now, veiled)?;
        let identity = segment.identity();
        if known.is_some_and(|known| !known.iter().any(|known| known.is_same(&identity))) || segment.length()? == 0 {
            drop(segment);
            return self.remove(&shelf).and_then(|()| self.open.sync()).map_err(failed);
        }
        let committed = segment.sync()?;
        let length = committed.length();
        self.make_room()?;
        self.turn += 1;
        self.slots.push(Slot {
            shelf,
            run: None,
            path,
            identity,
            committed,
            length,
            dirty: false,
            last_write: now,
            used: self.turn,
            segment: Some(segment),
            veiled: None,
        });
        Ok(())
    }

    /// Takes an open file away, its key first.
    fn remove(&self, shelf: &Shelf) -> io::Result<()> {
        if let Some(key) = &shelf.key {
            let _ = destroy(&self.root, key)?;
        }
        crate::output::fresh::discard(&self.open, &shelf.to_string())
    }

    /// Destroys keys that were made and never used.
    fn tidy(&self) -> Result<(), Error> {
        let Some(keys) = &self.keys else { return Ok(()) };
        let _lock = self.root.lock()?;
        let kept = survey(&self.root)?.kept;
        let used: BTreeSet<&str> = kept.iter().filter_map(|kept| kept.key.as_deref()).collect();
        keys.tidy(&used).map_err(|error| self.root.failed("write in", &error))
    }

    fn create(&mut self, run: Run, now: Timestamp) -> Result<(), Error> {
        let label = self.terms.label(run).expect("it was placed").into();
        let (key, veiled) = match self.keys.as_ref().filter(|_| self.seals) {
            Some(keys) => keys.make().map(|(key, veiled)| (Some(key), Some(veiled)))?,
            None => (None, None),
        };
        let shelf = Shelf { label, day: due::date(run.day), policy: self.policy.clone(), key };
        let path = self.open.path().join(shelf.to_string());
        self.make_room()?;
        let segment = Segment::open_under(&path, now, veiled)?;
        let identity = segment.identity();
        let length = segment.length()?;
        let committed = Committed::recorded(path.clone(), identity, length, now);
        self.turn += 1;
        self.by_run.insert(run, self.slots.len());
        self.slots.push(Slot {
            shelf,
            run: Some(run),
            path,
            identity,
            committed,
            length,
            // Its name is not durable yet.
            dirty: true,
            last_write: now,
            used: self.turn,
            segment: Some(segment),
            veiled: None,
        });
        Ok(())
    }

    /// Has the file of a slot open; `false` where it is gone, and then the slot is too.
    fn fetch(&mut self, number: usize) -> Result<bool, Error> {
        self.turn += 1;
        self.slots[number].used = self.turn;
        if self.slots[number].segment.is_some() {
            return Ok(true);
        }
        self.make_room()?;
        let slot = &mut self.slots[number];
        slot.segment = Segment::find(&slot.path, slot.identity)?.map(|segment| match slot.veiled.take() {
            Some(veiled) => segment.under(veiled),
            None => segment,
        });
        if slot.segment.is_none() {
            self.slots.swap_remove(number);
            self.number();
            return Ok(false);
        }
        Ok(true)
    }

    /// Of many open files the one that was used longest ago is made durable and let go.
    fn make_room(&mut self) -> Result<(), Error> {
        while self.slots.iter().filter(|slot| slot.segment.is_some()).count() >= MOST_OPEN {
            let oldest = self.slots.iter_mut().filter(|slot| slot.segment.is_some()).min_by_key(|slot| slot.used);
            let Some(slot) = oldest else { break };
            if let Some(mut segment) = slot.segment.take() {
                if slot.dirty {
                    slot.committed = segment.sync()?;
                    slot.dirty = false;
                }
                slot.veiled = segment.into_veiled();
            }
        }
        Ok(())
    }

    /// Files that a sweep took away while they were open are let go.
    fn drop_swept(&mut self) {
        let before = self.slots.len();
        self.slots.retain(|slot| slot.segment.as_ref().is_none_or(Segment::is_in_place));
        if self.slots.len() < before {
            self.number();
        }
    }

    fn number(&mut self) {
        self.by_run.clear();
        for (number, slot) in self.slots.iter_mut().enumerate() {
            let goes_on = slot.shelf.policy == self.policy && slot.shelf.key.is_some() == self.seals;
            let class = self.terms.number(&slot.shelf.label).filter(|_| goes_on);
            slot.run = class.map(|class| Run { class, day: slot.shelf.day.start().day() });
            if let Some(run) = slot.run {
                self.by_run.insert(run, number);
            }
        }
    }
}

impl Slot {
    fn is_due(&self, now: Timestamp) -> bool {
        let over = now.0 >= self.shelf.day.start().0 + DAY + GRACE_SECONDS;
        let idle = now.0 - self.last_write.0 >= IDLE_SECONDS;
        let old = now.0 - self.committed.since().0 >= LONGEST_SECONDS;
        self.run.is_none() || self.length >= MOST_BYTES || over && (idle || old)
    }
}

/// The file that the journal knows the store by. It stays empty.
const ANCHOR: &str = "anchor";

/// So many files are held open at a time.
const MOST_OPEN: usize = 64;

/// No segment grows beyond this, unless by a single batch.
const MOST_BYTES: u64 = 128 << 20;

/// A day's late lines are waited for so long.
const GRACE_SECONDS: i64 = 300;

/// A file of a day that is over is closed when nothing came for so long.
const IDLE_SECONDS: i64 = 600;

/// Or when it is so old, whatever comes.
const LONGEST_SECONDS: i64 = 3600;
