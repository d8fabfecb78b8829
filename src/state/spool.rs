//! Minimised batches that wait for a receiver, in files of their own below the state.
//!
//! ```text
//! spool/NAME/00000000000000000001   parcels, one after the other; files are written in the order of their numbers
//!                                   or, of a sealed output, lie hidden: [`Hiding`]
//! spool/NAME/acknowledged           two lines "sladd spool 1 NUMBER OFFSET CHECK\n" that are written in turn, in place, so that a
//!                                   full disk stops no note: what stands before the farther of them is the receiver's
//! ```
//! It is written as any other output: the journal says what a batch is made of, and recovery makes it again where it is torn.
//! A receiver gets only what a checkpoint speaks of, so that a record has one name for ever, whatever happens to the machine.
//! A file whose last byte was acknowledged is deleted.

mod hiding;
mod reader;

pub use hiding::{Hiding, dress, rewrap};
pub use reader::{Load, Reader};

use super::{
    files::{self, failed},
    home::{NEW, stage},
    place::{Place, sync},
};
use crate::{
    encode::Batch,
    error::{Error, Kind},
    output::segment::{Committed, Fault, Flush, Segment},
    time::Timestamp,
};
use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};
use sha2::{Digest, Sha256};
use std::{
    fmt::Write,
    io,
    os::fd::{AsFd, OwnedFd},
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

/// The end that is written.
#[derive(Debug)]
pub struct Spool {
    place: Arc<Place>,
    number: u64,
    segment: Segment,
    hiding: Hiding,
    shared: Arc<Shared>,
}

/// A byte of the spool: in which file, and where there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Spot {
    number: u64,
    offset: u64,
}

/// What both ends know.
#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// All before it is durable.
    durable: Spot,
    /// Bytes that stand there and were not acknowledged.
    backlog: u64,
    /// Nothing more is written.
    closed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file is put aside for the next one when it is so long.
const PART_BYTES: u64 = 8 << 20;

const ACKNOWLEDGED: &str = "acknowledged";
const WORDS: &str = "sladd spool 1";

impl Spool {
    /// Opens the spool, once what a run before this one left in it was put right, and goes on in a file of its own.
    ///
    /// # Errors
    /// As [`Segment::open`]
    pub fn open(place: Place, hiding: Hiding, now: Timestamp) -> Result<(Spool, Reader), Error> {
        let place = Arc::new(place);
        let cannot = |error: io::Error| failed(&place, "read", &error);
        let mut numbers = numbers(&place).map_err(cannot)?;
        let acknowledged = acknowledged(&place).map_err(cannot)?;
        // What was acknowledged to its end, and not deleted yet.
        let mut from = acknowledged.unwrap_or_default();
        let first = numbers.first().copied().unwrap_or(1);
        if from.number < first {
            from = Spot { number: first, offset: 0 };
        }
        numbers.retain(|&number| number >= from.number);
        let (mut backlog, mut last) = (0, 0);
        for &number in &numbers {
            last = length(&place, number).map_err(cannot)?;
            backlog += last.saturating_sub(if number == from.number { from.offset } else { 0 });
        }
        let highest = numbers.last().copied().unwrap_or(from.number);
        // A torn end is not written on: what waits for it would wait for ever. Nor is a number used again of which something was
        // acknowledged, though somebody took its file away: what is new would be taken for that.
        let is_fresh = last == 0 && (from.number < highest || from.offset == 0);
        let number = if is_fresh { highest } else { highest + 1 };
        let veiled = hiding.begin(&place, number)?;
        let segment = Segment::open_under(place.path().join(file_name(number)), now, veiled)?;
        let durable = Spot { number, offset: 0 };
        let state = State { durable, backlog, closed: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let ends = (place.clone(), hiding.clone(), shared.clone());
        let reader = Reader::new(ends, Slots::open(&place, from)?, from);
        Ok((Spool { place, number, segment, hiding, shared }, reader))
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// The file that is written.
    pub fn segment(&self) -> &Segment {
        &self.segment
    }

    /// Appends what is missing of a parcel of which `taken` bytes stand there already.
    ///
    /// # Errors
    /// As [`Segment::write_from`].
    pub fn write_from(&mut self, parcel: &Batch, taken: usize) -> Result<(), Fault> {
        let done = self.segment.write_from(parcel, taken);
        let stand = done.as_ref().map_or_else(|fault| fault.taken, |()| parcel.bytes().len());
        self.shared.lock().backlog += (stand - taken) as u64;
        done
    }

    /// Makes what was written durable. The receiver gets it when [`committed`](Self::committed) is told that a checkpoint says
    /// so.
    ///
    /// # Errors
    /// As [`Segment::sync`].
    pub fn sync(&mut self) -> Result<Committed, Error> {
        self.segment.sync()
    }

    /// What is in the file now, and what makes it durable on another thread.
    ///
    /// # Errors
    /// As [`Segment::flush`].
    pub fn flush(&mut self) -> Result<(Committed, Flush), Error> {
        self.segment.flush()
    }

    /// The checkpoint that speaks of it is durable.
    pub fn committed(&self, said: &Committed) {
        if said.path() == self.segment.path() {
            self.shared.lock().durable = Spot { number: self.number, offset: said.length() };
            self.shared.changed.notify_one();
        }
    }

    /// Whether the file that is written is so long that the next one is due.
    ///
    /// # Errors
    /// [`Kind::Io`]
    pub fn is_due(&self) -> Result<bool, Error> {
        Ok(self.segment.length()? >= PART_BYTES)
    }

    /// Goes on in the next file, and says so. A checkpoint has to follow before a batch does. Where there is no room to hide the next
    /// one, this one grows on.
    ///
    /// # Errors
    /// As [`Segment::sync`] and [`Segment::open`].
    pub fn roll(&mut self, now: Timestamp) -> Result<bool, Error> {
        self.segment.sync()?;
        let next = self.number + 1;
        let veiled = match self.hiding.begin(&self.place, next) {
            Err(error) if error.kind() == Kind::Io => return Ok(false),
            begun => begun?,
        };
        self.segment = Segment::open_under(self.place.path().join(file_name(next)), now, veiled)?;
        self.number = next;
        Ok(true)
    }

    /// Bytes that wait for the receiver.
    pub fn backlog(&self) -> u64 {
        self.shared.lock().backlog
    }

    /// Tells the other end that nothing more comes.
    pub fn close(&self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_one();
    }
}

/// The numbers of the files that are there, in order.
fn numbers(place: &Place) -> io::Result<Vec<u64>> {
    let names = files::names_in(place)?;
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| number_of(name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn number_of(name: &str) -> Option<u64> {
    let number = name.parse().ok()?;
    (file_name(number) == name).then_some(number)
}

fn file_name(number: u64) -> String {
    format!("{number:020}")
}

/// Whether a path is that of a file of the spool in this directory.
pub fn is_of(directory: &Path, path: &Path) -> bool {
    path.parent() == Some(directory) && path.file_name().and_then(|name| number_of(name.to_str()?)).is_some()
}

/// Bytes that wait in a directory of which no output is told any more.
///
/// # Errors
/// What the system says.
pub fn left_behind(place: &Place) -> io::Result<u64> {
    let from = acknowledged(place)?.unwrap_or_default();
    let mut bytes = 0;
    for number in numbers(place)?.into_iter().filter(|&number| number >= from.number) {
        bytes += length(place, number)?.saturating_sub(if number == from.number { from.offset } else { 0 });
    }
    Ok(bytes)
}

fn length(place: &Place, number: u64) -> io::Result<u64> {
    Ok(place.stat(file_name(number).as_str())?.map_or(0, |stat| u64::try_from(stat.st_size).unwrap_or(0)))
}

/// What the receiver has, as was noted. Where no note is whole it gets all once more, under the same names.
fn acknowledged(place: &Place) -> io::Result<Option<Spot>> {
    let bytes = match files::read(place, ACKNOWLEDGED) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let read = |line: &[u8]| {
        let text = std::str::from_utf8(line).ok()?.strip_prefix(WORDS)?.strip_prefix(' ')?;
        let mut words = text.split_ascii_whitespace();
        let spot = Spot { number: words.next()?.parse().ok()?, offset: words.next()?.parse().ok()? };
        (line == note(spot).as_bytes()).then_some(spot)
    };
    Ok(bytes.split_inclusive(|&byte| byte == b'\n').filter_map(read).max())
}

fn note(spot: Spot) -> String {
    let mut text = format!("{WORDS} {:020} {:020} ", spot.number, spot.offset);
    for byte in &Sha256::digest(text.as_bytes())[..8] {
        let _ = write!(text, "{byte:02x}");
    }
    text.push('\n');
    text
}

/// The notes of what was acknowledged, each in its place.
#[derive(Debug)]
struct Slots {
    fd: OwnedFd,
    turn: bool,
}

impl Slots {
    /// Begins with the place from which is read.
    fn open(place: &Place, from: Spot) -> Result<Slots, Error> {
        let cannot = |error: io::Error| failed(place, "write in", &error);
        let both = note(from).repeat(2);
        stage(place, both.as_bytes(), 0o640).map_err(cannot)?;
        let at = place.as_fd();
        rustix::fs::renameat(at, NEW, at, ACKNOWLEDGED).map_err(|error| cannot(error.into()))?;
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(at, ACKNOWLEDGED, flags, Mode::empty()).map_err(|error| cannot(error.into()))?;
        Ok(Slots { fd, turn: false })
    }

    /// The one before stays until this one is durable.
    fn write(&mut self, spot: Spot) -> io::Result<()> {
        let text = note(spot);
        let at = if self.turn { text.len() as u64 } else { 0 };
        let mut written = 0;
        while written < text.len() {
            match rustix::io::pwrite(&self.fd, &text.as_bytes()[written..], at + written as u64) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(more) => written += more,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        sync(&self.fd)?;
        self.turn = !self.turn;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
