//! The quarantine of a policy, and the lines of one output on their way into it.

use super::worker::clock;
use crate::{
    encode::Batch,
    error::Error,
    policy::Policy,
    state::quarantine::{Flushed, Gather, Name, Room, Terms, Writer, WriterId},
};
use std::sync::Arc;

/// The quarantine that a policy asks for, if it seals anything. What is due in it goes.
///
/// # Errors
/// As [`Room::open`].
pub fn open(policy: &Policy) -> Result<Option<Arc<Room>>, Error> {
    let Some(seal) = &policy.seal else { return Ok(None) };
    let terms = Terms { recipients: seal.recipients.clone(), limit_bytes: seal.limit_bytes, keep_days: seal.keep_days };
    Room::open(&seal.directory, terms, clock()).map(|room| Some(Arc::new(room)))
}

/// Gives the lines of a batch that were set aside to the quarantine; how many found no room and are gone.
pub(super) fn keep(writer: Option<&mut Writer>, batch: &mut Batch) -> u64 {
    let lines = batch.raw_lines();
    if lines.is_empty() {
        return 0;
    }
    let Some(writer) = writer else {
        let count = lines.count();
        lines.clear();
        return count;
    };
    writer.take(lines, clock())
}

/// Where the lines of one output go that were set aside, and when they are written.
#[derive(Debug)]
pub struct Keeper {
    writer: Writer,
    course: Course,
    /// What was written for one file of an input.
    names: Vec<Name>,
    /// Lines that found no room, since that was asked.
    lost: u64,
    /// Some of a file's lines are not kept: it is not done.
    failed: bool,
    /// A disk that was full was told.
    is_told: bool,
    /// Nothing is said.
    quiet: bool,
}

/// When lines are written, and what becomes of them where the disk is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    /// Each second; where the disk is full they are dropped and counted.
    Stream,
    /// When they are many, and at the end; a disk that is full ends the run.
    File,
}

impl Keeper {
    /// For an output without end.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn of_stream(room: Arc<Room>) -> Result<Keeper, Error> {
        let writer = Writer::new(room, WriterId::new()?, None);
        Ok(Keeper {
            writer,
            course: Course::Stream,
            names: Vec::new(),
            lost: 0,
            failed: false,
            is_told: false,
            quiet: false,
        })
    }

    /// For what is made of one file, which the digest names: whoever makes it again replaces what was written before.
    pub fn of_file(room: Arc<Room>, digest: &[u8; 32]) -> Keeper {
        let writer = Writer::new(room, WriterId::of(digest), None);
        Keeper { writer, course: Course::File, names: Vec::new(), lost: 0, failed: false, is_told: false, quiet: false }
    }

    /// The same, without a word: for who listens to standard error.
    pub fn quiet(self) -> Keeper {
        Keeper { quiet: true, ..self }
    }

    fn say(&self, what: &str) {
        if !self.quiet {
            super::say!("sladd: {what}");
        }
    }

    /// Takes the lines of a batch that were set aside.
    ///
    /// # Errors
    /// They cannot be written; of a file, there is no room for them: it can be done again, and what was written of it before stays.
    pub(super) fn take(&mut self, batch: &mut Batch) -> Result<(), Error> {
        let refused = keep(Some(&mut self.writer), batch);
        self.lost += refused;
        if refused > 0 && self.course == Course::File {
            self.failed = true;
            return Err(self.writer.room().is_too_small());
        }
        if refused > 0
            && let Some(said) = self.writer.room().take_full()
        {
            self.say(&said);
        }
        match self.writer.is_full() {
            true => self.flush(Gather::Ends),
            false => Ok(()),
        }
    }

    /// Writes what came since the last time, and takes away what is due.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn tend(&mut self) -> Result<(), Error> {
        if let Some(said) = self.writer.room().tend(clock())? {
            self.say(&said);
        }
        self.flush(Gather::GoesOn)?;
        self.writer.tend(clock());
        Ok(())
    }

    /// Writes the rest. Of a file, what another run wrote for it before is taken away: all of it stands in what this one wrote.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn end(&mut self) -> Result<(), Error> {
        if self.failed {
            return self.give_up();
        }
        self.flush(Gather::Ends)?;
        match self.course {
            Course::Stream => Ok(()),
            Course::File => self.writer.keep_only(&self.names),
        }
    }

    /// The run has failed. What was written of a file that is not done is taken away, and nothing else: it is done again.
    ///
    /// # Errors
    /// As [`Keeper::end`].
    pub fn give_up(&mut self) -> Result<(), Error> {
        match self.course {
            Course::Stream => self.flush(Gather::Ends),
            Course::File => {
                self.lost += self.writer.drop_held();
                self.writer.take_back(&std::mem::take(&mut self.names))
            }
        }
    }

    /// So many lines that were counted as sealed found no room, since the last call.
    pub(super) fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    /// So many are in no file yet.
    pub(super) fn unwritten(&self) -> u64 {
        self.writer.unwritten()
    }

    fn flush(&mut self, gather: Gather) -> Result<(), Error> {
        match (self.writer.flush(gather, clock())?, self.course) {
            (Flushed::Nothing, _) => {}
            (Flushed::File(_), Course::Stream) => self.is_told = false,
            (Flushed::File(name), Course::File) => self.names.push(name),
            (Flushed::Full { error, .. }, Course::File) => return Err(error),
            (Flushed::Full { lines, error }, Course::Stream) => {
                self.lost += lines;
                if !std::mem::replace(&mut self.is_told, true) {
                    self.say(&format!(
                        "{error}; lines to be sealed are dropped and counted as malformed until there is room"
                    ));
                }
            }
        }
        Ok(())
    }
}
