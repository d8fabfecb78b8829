//! Rotation, in logrotate's plainest manner: `access.log` becomes `access.log.1`, what had that name `access.log.2`, and so on;
//! what would be beyond `keep` is deleted.

use super::{Segment, refuse};
use crate::{error::Error, time::Timestamp};
use rustix::{
    fs::{AtFlags, RenameFlags},
    io::Errno,
};
use std::{
    ffi::OsString,
    num::{NonZeroU32, NonZeroU64},
};

/// When a new segment is begun, and how many old ones stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// No segment grows beyond so many bytes, unless by a single batch.
    pub max_bytes: Option<NonZeroU64>,
    /// A new one for each hour or day.
    pub every: Option<Every>,
    /// So many old ones stay beside the one that is written.
    pub keep: NonZeroU32,
}

/// How often by the clock, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// Each hour.
    Hour,
    /// Each day.
    Day,
}

impl Every {
    fn seconds(self) -> i64 {
        match self {
            Every::Hour => 3600,
            Every::Day => 86_400,
        }
    }
}

impl Segment {
    /// Whether a new segment is to be begun before `more` bytes follow the `length` that it has. An empty one never is, and
    /// a clock that goes back begins none.
    pub fn is_due(&self, rotation: &Rotation, length: u64, more: u64, now: Timestamp) -> bool {
        let by_size = rotation.max_bytes.is_some_and(|max| length.saturating_add(more) > max.get());
        let number = |every: Every, at: Timestamp| at.0.div_euclid(every.seconds());
        let by_time = rotation.every.is_some_and(|every| number(every, now) > number(every, self.since));
        length > 0 && (by_size || by_time)
    }

    /// Gives the segment, which is made durable first, an older name, and begins a new one under the path. Nothing is
    /// replaced on the way, so a crash loses no segment; the next rotation goes on from the names that it finds. A checkpoint
    /// has to follow before a batch does.
    ///
    /// # Errors
    /// As [`open`](Self::open) and [`sync`](Self::sync); the segment as it was, by then perhaps with its new name, is still
    /// written.
    pub fn rotate(&mut self, rotation: &Rotation, now: Timestamp) -> Result<(), Error> {
        if !self.failed {
            self.sync()?;
        }
        if self.is_in_place() {
            self.shift(rotation.keep.get()).map_err(|error| refuse(&self.path, error))?;
        }
        self.unnamed = true;
        *self = Segment::open(self.path.clone(), now)?;
        Ok(())
    }

    fn shift(&self, keep: u32) -> Result<(), Errno> {
        // Up to the first number that is free nothing has to move further.
        let mut free = 1;
        while free <= keep {
            match rustix::fs::statat(&self.directory, self.numbered(free), AtFlags::SYMLINK_NOFOLLOW) {
                Ok(_) => free += 1,
                Err(Errno::NOENT) => break,
                Err(error) => return Err(error),
            }
        }
        if free > keep {
            free = keep;
            rustix::fs::unlinkat(&self.directory, self.numbered(keep), AtFlags::empty())?;
        }
        for number in (1..free).rev() {
            self.rename(self.numbered(number), self.numbered(number + 1))?;
        }
        self.rename(self.path.file_name().unwrap_or_default().to_owned(), self.numbered(1))
    }

    /// The name of the segment that was written so many rotations ago.
    fn numbered(&self, number: u32) -> OsString {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{number}"));
        name
    }

    fn rename(&self, from: OsString, to: OsString) -> Result<(), Errno> {
        let at = &self.directory;
        match rustix::fs::renameat_with(at, &from, at, &to, RenameFlags::NOREPLACE) {
            // Where the file system cannot refuse to replace: that the name is free was seen.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => rustix::fs::renameat(at, &from, at, &to),
            done => done,
        }
    }
}
