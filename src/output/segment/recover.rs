//! What a crash left of a segment is put right: the same batches are made again, and what stands is compared with them.

use super::{Fault, Segment, refuse, size};
use crate::{encode::Batch, error::Error};
use rustix::{fs::OFlags, io::Errno};
use std::io;

/// What became of one batch, or of one segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Bytes that stood and stay.
    pub stood: u64,
    /// Bytes that were missing and were written.
    pub completed: u64,
    /// Bytes that were cut: they differ, or nothing says what they are.
    pub cut: u64,
    /// Bytes that somebody else took away; they are not written again, for they may stand elsewhere.
    pub taken_away: u64,
    /// Bytes that did not stand and cannot be made again, because their source is gone.
    pub lost: u64,
}

impl Restored {
    /// Adds what became of another.
    pub fn add(&mut self, other: Restored) {
        self.stood += other.stood;
        self.completed += other.completed;
        self.cut += other.cut;
        self.taken_away += other.taken_away;
        self.lost += other.lost;
    }
}

impl Segment {
    /// Puts right what stands from `before` on, where the journal says that so many bytes were `expected` to be written: this batch,
    /// which is made again, and has another length only where it is made otherwise than it was.
    /// Equal bytes stay, for they may have been read, and are written once more where they stand; a tail that is short is completed; where bytes differ the file is cut.
    /// To be called for the records in their order; once more with the same batch where it failed.
    ///
    /// # Errors
    /// What the system says.
    pub fn recover(&mut self, before: u64, expected: u64, batch: &Batch) -> Result<Restored, Fault> {
        let bytes = batch.bytes();
        let length = self.size()?;
        let Some(from) = before.checked_add_signed(self.shift).filter(|&from| from <= length) else {
            return Ok(self.taken_away(length, bytes.len() as u64));
        };
        let equal = self.equal(from, bytes).map_err(|error| self.fault(0, error.into()))?;
        self.again(from, equal as u64)?;
        let mut cut = 0;
        if equal < bytes.len() {
            cut = self.cut(from + equal as u64).map_err(|error| self.fault(equal, error.into()))?;
            self.write_from(batch, equal)?;
        }
        self.right = Some(from + bytes.len() as u64);
        self.shift += bytes.len() as i64 - expected as i64;
        let (stood, completed) = (equal as u64, (bytes.len() - equal) as u64);
        Ok(Restored { stood, completed, cut, ..Restored::default() })
    }

    /// Puts right what stands from `before` on where the batch of so many `bytes` cannot be made again, because its source is
    /// gone: what is whole stays; a last line that is torn is cut back to where it began.
    ///
    /// # Errors
    /// What the system says.
    pub fn settle_torn(&mut self, before: u64, bytes: u64) -> Result<Restored, Fault> {
        let length = self.size()?;
        let Some(from) = before.checked_add_signed(self.shift).filter(|&from| from <= length) else {
            return Ok(self.taken_away(length, bytes));
        };
        let end = from + bytes;
        if length >= end {
            self.again(from, bytes)?;
            self.right = Some(end);
            return Ok(Restored { stood: bytes, ..Restored::default() });
        }
        let whole = self.line_start(from, length).map_err(|error| self.fault(0, error))?;
        let cut = self.cut(whole).map_err(|error| self.fault(0, error.into()))?;
        self.again(from, whole - from)?;
        self.right = Some(whole);
        self.shift -= (end - whole) as i64;
        Ok(Restored { stood: whole - from, cut, lost: end - whole, ..Restored::default() })
    }

    /// Cuts what lies behind the last record, or behind what was committed where there is none. Says how many bytes went.
    ///
    /// # Errors
    /// [`Kind::Io`](crate::error::Kind::Io)
    pub fn finish_recovery(&mut self) -> Result<u64, Error> {
        let cut = match self.right.take() {
            Some(right) => self.cut(right).map_err(|error| refuse(&self.path, error))?,
            None => 0,
        };
        self.shift = 0;
        Ok(cut)
    }

    /// Writes once more what stands there: where a sync failed, the disk may not have what the cache shows, and the next sync
    /// says nothing of it.
    fn again(&self, from: u64, bytes: u64) -> Result<(), Fault> {
        let again = || -> Result<(), Errno> {
            // Linux appends whatever place is named while this flag is set; nobody else has this handle.
            let flags = rustix::fs::fcntl_getfl(&self.fd)?;
            rustix::fs::fcntl_setfl(&self.fd, flags - OFlags::APPEND)?;
            let done = self.copy_onto(from, from + bytes);
            rustix::fs::fcntl_setfl(&self.fd, flags)?;
            done
        };
        match bytes {
            0 => Ok(()),
            _ => again().map_err(|error| self.fault(0, error.into())),
        }
    }

    fn copy_onto(&self, mut from: u64, end: u64) -> Result<(), Errno> {
        let mut chunk = vec![0; CHUNK];
        while from < end {
            let part = &mut chunk[..(end - from).min(CHUNK as u64) as usize];
            let read = self.read_hidden(part, from)?;
            let mut written = 0;
            while written < read {
                match rustix::io::pwrite(&self.fd, &part[written..read], from + written as u64) {
                    Ok(0) => return Err(Errno::IO),
                    Ok(more) => written += more,
                    Err(Errno::INTR) => {}
                    Err(error) => return Err(error),
                }
            }
            from += read as u64;
            if read == 0 {
                break;
            }
        }
        Ok(())
    }

    fn size(&self) -> Result<u64, Fault> {
        size(&self.fd).map_err(|error| self.fault(0, error.into()))
    }

    fn taken_away(&mut self, length: u64, bytes: u64) -> Restored {
        self.right = Some(length);
        Restored { taken_away: bytes, ..Restored::default() }
    }

    /// How many of these bytes stand there.
    fn equal(&self, from: u64, bytes: &[u8]) -> Result<usize, rustix::io::Errno> {
        let mut chunk = vec![0; CHUNK.min(bytes.len())];
        let mut equal = 0;
        while equal < bytes.len() {
            let wanted = &bytes[equal..bytes.len().min(equal + CHUNK)];
            let read = self.read_at(&mut chunk[..wanted.len()], from + equal as u64)?;
            let same = match wanted == &chunk[..read] {
                true => read,
                false => wanted.iter().zip(&chunk[..read]).take_while(|(a, b)| a == b).count(),
            };
            equal += same;
            if same < wanted.len() {
                break;
            }
        }
        Ok(equal)
    }

    /// Where the last line between `from` and `length` begins that has no end.
    fn line_start(&self, from: u64, length: u64) -> io::Result<u64> {
        let mut chunk = vec![0; CHUNK];
        let mut end = length;
        while end > from {
            let start = end.saturating_sub(CHUNK as u64).max(from);
            let part = &mut chunk[..(end - start) as usize];
            let read = self.read_at(part, start)?;
            if let Some(at) = memchr::memrchr(b'\n', &part[..read]) {
                return Ok(start + at as u64 + 1);
            }
            end = start;
        }
        Ok(from)
    }
}

/// So much is compared at a time.
const CHUNK: usize = 64 * 1024;
