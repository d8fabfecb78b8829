//! Lines on their way into the quarantine: gathered, sealed, written.

use super::{
    name::{Name, WriterId},
    room::{Figures, Room},
};
use crate::{
    error::{Error, Kind},
    key::random,
    seal::{RawLines, Sealed},
    time::{DAY, Timestamp},
};
use std::{io, sync::Arc};

/// One writer's lines.
#[derive(Debug)]
pub struct Writer {
    room: Arc<Room>,
    id: WriterId,
    /// The gather: what came since it began, all of it until it is over.
    held: RawLines,
    /// So many of them are in the file.
    kept: u64,
    /// When the gather began.
    began: Timestamp,
    /// The file that holds what is kept of it.
    current: Option<Name>,
    /// What is kept free for it.
    reserved: Figures,
    /// The number of the next file, for who counts no otherwise.
    next: u64,
    /// Lines of files that could not be written.
    unmade: u64,
}

/// A file that is to be written.
#[derive(Debug)]
pub struct Deposit {
    room: Arc<Room>,
    name: Name,
    replaces: Option<Name>,
    sealed: Sealed,
}

/// Whether lines that come later may go into the same file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gather {
    /// As long as it is young and small.
    GoesOn,
    /// Not.
    Ends,
}

impl Writer {
    /// A writer of this number. `last` is its last file, as [`Room::settle`] gives it.
    pub fn new(room: Arc<Room>, id: WriterId, last: Option<Name>) -> Writer {
        Writer {
            room,
            id,
            held: RawLines::default(),
            kept: 0,
            began: last.map_or(Timestamp(i64::MIN), |last| last.began),
            current: None,
            reserved: Figures::default(),
            next: 0,
            unmade: 0,
        }
    }

    /// Where its files go.
    pub fn room(&self) -> &Arc<Room> {
        &self.room
    }

    /// Takes lines over. Where there is no room for them they are gone: then it says how many they were.
    pub fn take(&mut self, lines: &mut RawLines, now: Timestamp) -> u64 {
        if lines.is_empty() {
            return 0;
        }
        let recipients = self.room.recipients().len();
        let whole = sealed_bytes(self.held.size() + lines.size(), recipients);
        let more = Figures { bytes: whole.saturating_sub(self.reserved.bytes), files: u64::from(self.held.is_empty()) };
        if !self.room.reserve(more) {
            let count = lines.count();
            lines.clear();
            return count;
        }
        self.reserved.bytes += more.bytes;
        self.reserved.files += more.files;
        if self.held.is_empty() {
            // Two gathers of one writer never begin at the same time.
            let after = self.began.0.saturating_add(1);
            self.began = Timestamp(if after <= now.0 + DAY { now.0.max(after) } else { now.0 });
        }
        self.held.append(lines);
        0
    }

    /// Whether so much is held that it has to be written soon.
    pub fn is_full(&self) -> bool {
        self.held.size() >= FULL_BYTES
    }

    /// Whether there is something that no file holds.
    pub fn is_dirty(&self) -> bool {
        self.held.count() > self.kept
    }

    /// So many lines came that no file holds.
    pub fn unwritten(&self) -> u64 {
        self.held.count() - self.kept + self.unmade
    }

    /// Wipes what is held; how many lines of it no file holds.
    pub fn drop_held(&mut self) -> u64 {
        let lines = self.unwritten();
        self.unmade = 0;
        self.forget();
        lines
    }

    /// Seals what is held, to be written by anybody, where there is something that no file holds. `number`: how far it is.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn deposit(&mut self, number: u64, gather: Gather, now: Timestamp) -> Result<Option<Deposit>, Error> {
        let ends = gather == Gather::Ends || self.is_full() || !self.is_young(now);
        let mut deposit = None;
        if self.is_dirty() {
            let sealed = self.held.seal(self.room.recipients(), random)?;
            let name = Name { began: self.began, writer: self.id, number };
            let replaces = self.current.replace(name);
            self.kept = self.held.count();
            deposit = Some(Deposit { room: self.room.clone(), name, replaces, sealed });
        }
        if ends {
            self.forget();
        }
        Ok(deposit)
    }

    /// Whether the gather may go on, if there is one.
    fn is_young(&self, now: Timestamp) -> bool {
        (0..GATHER_SECONDS).contains(&now.0.saturating_sub(self.began.0))
    }

    /// Wipes a gather that is over and written.
    pub fn tend(&mut self, now: Timestamp) {
        if !self.is_dirty() && !self.is_young(now) {
            self.forget();
        }
    }

    /// Writes what is held, for who has no other point where it has to be durable; which file that was. A disk that is full takes
    /// nothing: then what no file holds is gone, and it says how many lines that were.
    ///
    /// # Errors
    /// [`Kind::Io`], [`Kind::Permission`]
    pub fn flush(&mut self, gather: Gather, now: Timestamp) -> Result<Flushed, Error> {
        let lines = self.held.count() - self.kept;
        let Some(deposit) = self.deposit(self.next, gather, now)? else { return Ok(Flushed::Nothing) };
        self.next += 1;
        let name = deposit.name;
        let mut is_full = false;
        let done = deposit.make(|error| {
            is_full = is_full_disk(error);
            false
        });
        match done {
            Ok(()) => Ok(Flushed::File(name)),
            Err(error) if is_full => {
                self.forget();
                Ok(Flushed::Full { lines, error })
            }
            Err(error) => {
                self.unmade += lines;
                Err(error)
            }
        }
    }

    /// Takes files of this writer away.
    ///
    /// # Errors
    /// As [`Room::keep_only`].
    pub fn take_back(&self, these: &[Name]) -> Result<(), Error> {
        self.room.take_back(self.id, these)
    }

    /// Takes away all files of this writer but these.
    ///
    /// # Errors
    /// As [`Room::keep_only`].
    pub fn keep_only(&self, these: &[Name]) -> Result<(), Error> {
        self.room.keep_only(self.id, these)
    }

    fn forget(&mut self) {
        let recipients = self.room.recipients().len();
        let kept = match self.current.take() {
            Some(_) => Figures { bytes: sealed_bytes(self.held.size(), recipients), files: 1 },
            None => Figures::default(),
        };
        self.room.release(std::mem::take(&mut self.reserved), kept);
        self.held.clear();
        self.kept = 0;
    }
}

/// What became of a flush.
#[derive(Debug, PartialEq, Eq)]
pub enum Flushed {
    /// There was nothing to write.
    Nothing,
    /// It is in this file.
    File(Name),
    /// The disk is full, and so many lines are gone.
    Full {
        /// How many.
        lines: u64,
        /// What the system said.
        error: Error,
    },
}

impl Deposit {
    /// Writes the file and makes it durable. Where `waits` says so for an error, because it may go away by itself, it is tried again.
    ///
    /// # Errors
    /// [`Kind::Io`], [`Kind::Permission`]
    pub fn make(&self, mut waits: impl FnMut(&io::Error) -> bool) -> Result<(), Error> {
        let Deposit { room, name, replaces, sealed } = self;
        while let Err(error) = room.write(*name, sealed, *replaces) {
            if !waits(&error) {
                let kind = if error.kind() == io::ErrorKind::PermissionDenied { Kind::Permission } else { Kind::Io };
                let path = room.path().display();
                return Err(Error::new(kind, format!("cannot write in the quarantine `{path}`: {error}")));
            }
        }
        Ok(())
    }
}

/// Whether an error says that there is no room on the disk.
pub fn is_full_disk(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// How long a file is that holds so many bytes, at most.
fn sealed_bytes(bytes: usize, recipients: usize) -> u64 {
    (bytes + bytes.div_ceil(64 * 1024).max(1) * 16 + 96 + recipients * 112) as u64
}

/// So long lines are gathered, and so many bytes of them.
const GATHER_SECONDS: i64 = 60;
const FULL_BYTES: usize = 256 * 1024;
