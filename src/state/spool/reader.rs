//! The end that is read: what a checkpoint speaks of and the receiver has not.

use super::{Hiding, Shared, Slots, Spot, file_name, hiding::forget, length};
use crate::{
    encode::{PARCEL_OVERHEAD_BYTES, Parcel, Unpacked},
    error::Error,
    output::fresh::discard,
    seal::Veil,
    state::{files::failed, place::Place},
};
use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};
use std::{
    io,
    os::fd::OwnedFd,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

/// Hands out parcels in their order until they are acknowledged.
#[derive(Debug)]
pub struct Reader {
    place: Arc<Place>,
    hiding: Hiding,
    shared: Arc<Shared>,
    slots: Slots,
    /// What was acknowledged.
    at: Spot,
    file: Option<Part>,
    buffer: Vec<u8>,
    /// What was durable at the last look.
    looked: Spot,
    /// Where each parcel that was handed out ends in the buffer.
    ends: Vec<usize>,
    /// Bytes that are no parcel and were passed over.
    damaged: u64,
}

/// What a receiver is to get.
#[derive(Debug, Default)]
pub struct Load<'a> {
    /// In their order.
    pub parcels: Vec<Parcel<'a>>,
}

/// A file that is read, and what shows it.
#[derive(Debug)]
struct Part {
    number: u64,
    fd: OwnedFd,
    veil: Option<Veil>,
}

/// What a look brought.
enum Look {
    /// The buffer begins with at least one parcel.
    Ready,
    /// So many bytes are needed for the first one, and stand there.
    Larger(usize),
    /// There is nothing yet.
    Nothing,
    /// This file is done with; the next has begun.
    Next,
}

impl Reader {
    pub(super) fn new((place, hiding, shared): (Arc<Place>, Hiding, Arc<Shared>), slots: Slots, at: Spot) -> Reader {
        Reader {
            place,
            hiding,
            shared,
            slots,
            at,
            file: None,
            buffer: Vec::new(),
            looked: Spot::default(),
            ends: Vec::new(),
            damaged: 0,
        }
    }

    /// What is to be sent next, of about so many bytes and one parcel at least; `None` where nothing came in the time given, or
    /// nothing more will. What is not acknowledged is handed out again.
    ///
    /// # Errors
    /// [`Kind::Io`](crate::error::Kind::Io)
    pub fn next(&mut self, most_bytes: usize, wait: Duration) -> Result<Option<Load<'_>>, Error> {
        let until = Instant::now() + wait;
        let mut most = most_bytes;
        loop {
            match self.look(most).map_err(|error| failed(&self.place, "read", &error))? {
                Look::Ready => return Ok(Some(self.load())),
                Look::Larger(bytes) => most = bytes,
                Look::Next => {
                    self.note(Spot { number: self.next_number()?, offset: 0 })?;
                    most = most_bytes;
                }
                Look::Nothing if self.waits(until) => {}
                Look::Nothing => return Ok(None),
            }
        }
    }

    /// The receiver has so many parcels of what was handed out last, counted from the first.
    ///
    /// # Errors
    /// [`Kind::Io`](crate::error::Kind::Io): it will get them again.
    pub fn acknowledge(&mut self, parcels: usize) -> Result<(), Error> {
        let Some(&end) = parcels.checked_sub(1).and_then(|last| self.ends.get(last)) else { return Ok(()) };
        self.ends.clear();
        self.note(Spot { offset: self.at.offset + end as u64, ..self.at })
    }

    /// Whether everything that was written is acknowledged.
    pub fn is_done(&self) -> bool {
        self.shared.lock().backlog == 0
    }

    /// Whether nothing more is written.
    pub fn is_closed(&self) -> bool {
        self.shared.lock().closed
    }

    /// Bytes that were no parcel, since the last call.
    pub fn take_damaged(&mut self) -> u64 {
        std::mem::take(&mut self.damaged)
    }

    /// Waits for the other end; `false` once the time is over, or nothing more comes.
    fn waits(&self, until: Instant) -> bool {
        let state = self.shared.lock();
        let left = until.saturating_duration_since(Instant::now());
        if state.closed || left.is_zero() {
            return false;
        }
        if state.durable != self.looked {
            return true;
        }
        let (state, _) = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        state.durable != self.looked || (!state.closed && Instant::now() < until)
    }

    fn look(&mut self, most: usize) -> io::Result<Look> {
        let durable = self.shared.lock().durable;
        self.looked = durable;
        let is_last = durable.number <= self.at.number;
        let end = match is_last {
            true if durable.number < self.at.number => return Ok(Look::Nothing),
            true => durable.offset,
            false => length(&self.place, self.at.number)?,
        };
        self.fill(end.saturating_sub(self.at.offset), most.max(PARCEL_OVERHEAD_BYTES))?;
        let (mut from, mut needed) = (0, None);
        self.ends.clear();
        loop {
            match Parcel::unpack(&self.buffer[from..]) {
                Unpacked::Parcel(_, length) => {
                    from += length;
                    self.ends.push(from);
                }
                Unpacked::Part(whole) => {
                    needed = Some(whole);
                    break;
                }
                Unpacked::Damaged(_) if !self.ends.is_empty() => break,
                Unpacked::Damaged(skip) => {
                    let skip = skip.min(self.buffer.len());
                    self.pass_over(skip);
                }
            }
            if from >= self.buffer.len() {
                break;
            }
        }
        if !self.ends.is_empty() {
            return Ok(Look::Ready);
        }
        let left = end.saturating_sub(self.at.offset) as usize;
        match needed {
            Some(whole) if whole <= left => Ok(Look::Larger(whole)),
            // All that was read is damaged, and more stands behind it.
            None if left > 0 => Ok(Look::Larger(most)),
            _ if is_last => Ok(Look::Nothing),
            // A parcel that was torn, and nobody writes on in this file.
            _ => {
                self.pass_over(left);
                Ok(Look::Next)
            }
        }
    }

    fn pass_over(&mut self, bytes: usize) {
        self.damaged += bytes as u64;
        self.at.offset += bytes as u64;
        self.buffer.drain(..bytes.min(self.buffer.len()));
        let mut state = self.shared.lock();
        state.backlog = state.backlog.saturating_sub(bytes as u64);
    }

    fn fill(&mut self, left: u64, most: usize) -> io::Result<()> {
        let wanted = usize::try_from(left).unwrap_or(most).min(most);
        self.buffer.clear();
        self.buffer.resize(wanted, 0);
        let mut filled = 0;
        if wanted > 0 {
            let part = match &self.file {
                Some(part) if part.number == self.at.number => part,
                _ => {
                    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
                    let fd = match rustix::fs::openat(&*self.place, file_name(self.at.number), flags, Mode::empty()) {
                        // Somebody took it away; what stood in it is lost.
                        Err(Errno::NOENT) => {
                            self.buffer.clear();
                            return Ok(());
                        }
                        Err(Errno::LOOP) => {
                            let name = file_name(self.at.number);
                            let why = format!("`{name}` is a symlink; put the file back in its place, or delete it");
                            return Err(io::Error::other(why));
                        }
                        opened => opened?,
                    };
                    let veil = self.hiding.veil(&self.place, self.at.number)?;
                    self.file.insert(Part { number: self.at.number, fd, veil })
                }
            };
            while filled < wanted {
                match rustix::io::pread(&part.fd, &mut self.buffer[filled..], self.at.offset + filled as u64) {
                    Ok(0) => break,
                    Ok(more) => filled += more,
                    Err(Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            if let Some(veil) = &part.veil {
                veil.apply(self.at.offset, &mut self.buffer[..filled]);
            }
        }
        self.buffer.truncate(filled);
        Ok(())
    }

    fn load(&self) -> Load<'_> {
        let mut parcels = Vec::with_capacity(self.ends.len());
        let mut from = 0;
        for &end in &self.ends {
            if let Unpacked::Parcel(parcel, _) = Parcel::unpack(&self.buffer[from..end]) {
                parcels.push(parcel);
            }
            from = end;
        }
        Load { parcels }
    }

    /// The next file that is there: one may be missing that somebody took away.
    fn next_number(&self) -> Result<u64, Error> {
        let numbers = super::numbers(&self.place).map_err(|error| failed(&self.place, "read", &error))?;
        Ok(numbers.into_iter().find(|&number| number > self.at.number).unwrap_or(self.at.number + 1))
    }

    /// Notes what the receiver has, and deletes what nobody needs any more.
    fn note(&mut self, spot: Spot) -> Result<(), Error> {
        let cannot = |error: io::Error| failed(&self.place, "note what was acknowledged in", &error);
        self.slots.write(spot).map_err(cannot)?;
        let before = std::mem::replace(&mut self.at, spot);
        self.buffer.clear();
        if spot.number > before.number {
            self.file = None;
            discard(&*self.place, &file_name(before.number)).map_err(cannot)?;
            forget(&self.place, before.number).map_err(cannot)?;
        } else {
            let mut state = self.shared.lock();
            state.backlog = state.backlog.saturating_sub(spot.offset - before.offset);
        }
        Ok(())
    }
}
