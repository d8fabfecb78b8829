//! A file that grows by exact lengths: what was written of a batch is known to the byte, also after a crash.
//!
//! One process writes it, and holds a lock on it. Somebody else may rename it (logrotate) or begin a new one; it is then found
//! again by its number on the disk and the time it was made. [`recover`](Segment::recover) puts right what a crash left of it.

mod recover;
mod rotate;
mod veiled;

pub use recover::Restored;
pub use rotate::{Every, Rotation};
pub use veiled::{Veiled, restore};

use super::file;
use crate::{
    encode::Batch,
    error::{Error, Kind},
    time::Timestamp,
};
use rustix::{
    fs::{AtFlags, FlockOperation, Mode, OFlags, StatxFlags},
    io::Errno,
};
use std::{
    ffi::{OsStr, OsString},
    fmt, io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// What tells one file of a directory from the others, under whatever name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// The device it was on. It may have another number after a restart of the machine, so it decides nothing.
    pub device: u64,
    /// Its number there, which another file may have once it is gone.
    pub inode: u64,
    /// When it was made: seconds and nanoseconds; `(0, 0)` where the file system does not say.
    pub born: (i64, u32),
}

impl Identity {
    pub(crate) fn at(directory: impl AsFd, name: &OsStr, flags: AtFlags) -> Result<Identity, Errno> {
        let wanted = StatxFlags::INO | StatxFlags::BTIME;
        let stat = rustix::fs::statx(directory, name, flags | AtFlags::SYMLINK_NOFOLLOW, wanted)?;
        let born = match stat.stx_mask & StatxFlags::BTIME.bits() {
            0 => (0, 0),
            _ => (stat.stx_btime.tv_sec, stat.stx_btime.tv_nsec),
        };
        let device = rustix::fs::makedev(stat.stx_dev_major, stat.stx_dev_minor);
        Ok(Identity { device, inode: stat.stx_ino, born })
    }

    /// Whether it is that file, both seen in one directory.
    pub fn is_same(&self, other: &Identity) -> bool {
        let unknown = self.born == (0, 0) || other.born == (0, 0);
        self.inode == other.inode && (unknown || self.born == other.born)
    }
}

/// How much of a segment is durable, as a checkpoint says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    path: PathBuf,
    identity: Identity,
    length: u64,
    since: Timestamp,
}

impl Committed {
    /// What a checkpoint says. Everywhere else it comes of [`Segment::sync`] and [`Segment::flush`] alone.
    pub fn recorded(path: PathBuf, identity: Identity, length: u64, since: Timestamp) -> Committed {
        Committed { path, identity, length, since }
    }

    /// The path that the output is written at; the segment itself may have another name by now.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Which file.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// When the segment was begun.
    pub fn since(&self) -> Timestamp {
        self.since
    }
}

/// A write that was not done to the end.
#[derive(Debug)]
pub struct Fault {
    /// How many bytes of the batch stand in the file, counted from the batch's beginning.
    pub taken: usize,
    /// What the system said.
    pub error: io::Error,
    path: PathBuf,
}

impl Fault {
    /// Whether it may go away by itself: the disk is full, or the quota.
    pub fn is_full(&self) -> bool {
        matches!(
            self.error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
        )
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot write `{}`: {}", self.path.display(), self.error)
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Error {
        Error::new(Kind::Io, fault.to_string())
    }
}

/// A regular file with one name, open for appending, that nobody else writes.
///
/// It is created with the mode 0640 whatever the umask, and never reached through a symlink.
#[derive(Debug)]
pub struct Segment {
    path: PathBuf,
    /// Where it was when it was opened.
    found: PathBuf,
    directory: OwnedFd,
    fd: OwnedFd,
    identity: Identity,
    since: Timestamp,
    /// What hides it; none: it lies plainly.
    veiled: Option<Veiled>,
    /// Its name in the directory may not be durable yet.
    unnamed: bool,
    /// Making it durable failed: what was written since the last time may be lost, and no second call would say so.
    failed: bool,
    /// Up to here it is as it has to be; known only while it is put right.
    right: Option<u64>,
    /// What follows stands so much further on than the journal says: less by a line that was torn and whose source is gone.
    shift: i64,
}

impl Segment {
    /// Opens the file, or creates it. A last line without end is ended, so that our first line is whole.
    ///
    /// # Errors
    /// [`Kind::Permission`] where rights are missing or others have too many; [`Kind::CannotCreate`] where it is no regular
    /// file with one name, its directory is missing, or another process writes it; [`Kind::Io`]
    pub fn open(path: impl Into<PathBuf>, now: Timestamp) -> Result<Segment, Error> {
        Segment::open_under(path, now, None)
    }

    /// The same of a file that lies hidden.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_under(path: impl Into<PathBuf>, now: Timestamp, veiled: Option<Veiled>) -> Result<Segment, Error> {
        let path = path.into();
        let (directory, fd) = file::open(&path)?;
        let directory = listable(&path, &directory)?;
        let mut segment = Segment { veiled, ..Segment::of(path.clone(), path, directory, fd)? };
        let stat = rustix::fs::fstat(&segment.fd).map_err(|error| refuse(&segment.path, error))?;
        segment.since = if stat.st_size == 0 { now } else { Timestamp(stat.st_mtime.min(now.0)) };
        segment.unnamed = true;
        segment.end_line(stat.st_size as u64)?;
        Ok(segment)
    }

    /// The segment that was written at this path, under whatever name in the same directory it is now; `None` where it is
    /// gone.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn find(path: impl Into<PathBuf>, identity: Identity) -> Result<Option<Segment>, Error> {
        let path = path.into();
        let parent = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = match rustix::fs::open(parent, flags, Mode::empty()) {
            Ok(directory) => directory,
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            Err(error) => return Err(refuse(&path, error)),
        };
        let Some(name) = search(&path, &directory, identity).map_err(|error| refuse(&path, error))? else {
            return Ok(None);
        };
        let parent = rustix::fs::fstat(&directory).map_err(|error| refuse(&path, error))?;
        let fd = match rustix::fs::openat(&directory, &name, file::FLAGS, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(refuse(&path, error)),
        };
        let stat = rustix::fs::fstat(&fd).map_err(|error| refuse(&path, error))?;
        file::check(&stat, &parent).map_err(|(kind, why)| {
            Error::new(kind, format!("cannot write `{}`: {why}", path.with_file_name(&name).display()))
        })?;
        let found = path.with_file_name(&name);
        let segment = Segment::of(path, found, directory, fd)?;
        // It was renamed under our hands otherwise, and another has its name.
        Ok(segment.identity.is_same(&identity).then_some(segment))
    }

    /// The segment that a checkpoint speaks of, to be put right; `None` where it is gone.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn resume(committed: &Committed) -> Result<Option<Segment>, Error> {
        let Some(mut segment) = Segment::find(&committed.path, committed.identity)? else { return Ok(None) };
        segment.since = committed.since;
        segment.right = Some(committed.length);
        Ok(Some(segment))
    }

    fn of(path: PathBuf, found: PathBuf, directory: OwnedFd, fd: OwnedFd) -> Result<Segment, Error> {
        // Some file systems know no locks; the lock on the state directory still holds.
        let begun = Instant::now();
        let locked = loop {
            match rustix::fs::flock(&fd, FlockOperation::NonBlockingLockExclusive) {
                // It may be ours: a thread that makes it durable lets it go in a moment.
                Err(Errno::WOULDBLOCK) if begun.elapsed() < PATIENCE => std::thread::sleep(PATIENCE / 200),
                done => break done,
            }
        };
        if let Err(Errno::WOULDBLOCK) = locked {
            let why = "another sladd writes it; stop that one, or choose another file";
            return Err(Error::new(Kind::CannotCreate, format!("cannot write `{}`: {why}", path.display())));
        }
        let identity = Identity::at(&fd, OsStr::new(""), AtFlags::EMPTY_PATH).map_err(|error| refuse(&path, error))?;
        let stat = rustix::fs::fstat(&fd).map_err(|error| refuse(&path, error))?;
        let since = Timestamp(if identity.born == (0, 0) { stat.st_mtime } else { identity.born.0 });
        let (unnamed, failed, right, shift) = (true, false, None, 0);
        Ok(Segment { path, found, directory, fd, identity, since, veiled: None, unnamed, failed, right, shift })
    }

    /// The path that the output is written at.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where it was found, under whatever name.
    pub fn found(&self) -> &Path {
        &self.found
    }

    /// Which file it is.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// When it was begun.
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// Whether it still has the name that it was opened under.
    pub fn is_in_place(&self) -> bool {
        let name = self.path.file_name().unwrap_or_default();
        Identity::at(&self.directory, name, AtFlags::empty()).is_ok_and(|there| there.is_same(&self.identity))
    }

    /// How many bytes are in it now.
    ///
    /// # Errors
    /// [`Kind::Io`]
    pub fn length(&self) -> Result<u64, Error> {
        size(&self.fd).map_err(|error| refuse(&self.path, error))
    }

    /// Appends all of the batch, through interrupts and short writes.
    ///
    /// # Errors
    /// What the system says, and how much of the batch stands in the file; [`write_from`](Self::write_from) writes the rest.
    pub fn write(&mut self, batch: &Batch) -> Result<(), Fault> {
        self.write_from(batch, 0)
    }

    /// Appends what is missing of a batch of which `taken` bytes stand in the file already.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_from(&mut self, batch: &Batch, taken: usize) -> Result<(), Fault> {
        if self.failed {
            return Err(self.fault(taken, io::Error::other(GIVEN_UP)));
        }
        self.append(batch.bytes(), taken)
    }

    fn append(&mut self, bytes: &[u8], mut taken: usize) -> Result<(), Fault> {
        if self.veiled.is_some() {
            return self.append_veiled(bytes, taken);
        }
        while taken < bytes.len() {
            match rustix::io::write(&self.fd, &bytes[taken..]) {
                Ok(0) => return Err(self.fault(taken, io::ErrorKind::WriteZero.into())),
                Ok(more) => taken += more,
                Err(Errno::INTR) => {}
                Err(error) => return Err(self.fault(taken, error.into())),
            }
        }
        Ok(())
    }

    /// Makes what is in it, and its name, durable.
    ///
    /// # Errors
    /// [`Kind::Io`]: what was written since the last time may be lost, whatever a second call would say. The segment takes no
    /// more: the run has to end, and [`recover`](Self::recover) writes once more what stands.
    pub fn sync(&mut self) -> Result<Committed, Error> {
        let length = self.length()?;
        let done = match self.failed {
            true => Err(io::Error::other(GIVEN_UP)),
            false => durable(|| rustix::fs::fdatasync(&self.fd)),
        };
        let done = done.and_then(|()| match self.unnamed {
            true => durable(|| rustix::fs::fsync(&self.directory)),
            false => Ok(()),
        });
        if let Err(error) = done {
            self.failed = true;
            let path = self.path.display();
            return Err(Error::new(Kind::Io, format!("cannot make `{path}` durable: {error}")));
        }
        self.unnamed = false;
        Ok(Committed { path: self.path.clone(), identity: self.identity, length, since: self.since })
    }

    /// What is in it now, and what makes that durable on another thread. It is not durable before [`Flush::make`] says so.
    ///
    /// # Errors
    /// [`Kind::Io`]
    pub fn flush(&mut self) -> Result<(Committed, Flush), Error> {
        if self.failed {
            let path = self.path.display();
            return Err(Error::new(Kind::Io, format!("cannot make `{path}` durable: {GIVEN_UP}")));
        }
        let length = self.length()?;
        let cannot =
            |error: io::Error| Error::new(Kind::Io, format!("cannot make `{}` durable: {error}", self.path.display()));
        let fd = self.fd.try_clone().map_err(cannot)?;
        let directory = self.unnamed.then(|| self.directory.try_clone()).transpose().map_err(cannot)?;
        let committed = Committed { path: self.path.clone(), identity: self.identity, length, since: self.since };
        Ok((committed, Flush { path: self.path.clone(), fd, directory }))
    }

    /// Follows the path again after somebody renamed the file; what was written to it is made durable first. Nothing where
    /// the file is still there. A checkpoint has to follow before a batch does.
    ///
    /// # Errors
    /// As [`open`](Self::open) and [`sync`](Self::sync); the segment as it was is then still written.
    pub fn reopen(&mut self, now: Timestamp) -> Result<(), Error> {
        if self.is_in_place() && !self.failed {
            return Ok(());
        }
        if !self.failed {
            self.sync()?;
        }
        *self = Segment::open(self.path.clone(), now)?;
        Ok(())
    }

    /// Cuts it to `length` where it is longer.
    fn cut(&mut self, length: u64) -> Result<u64, Errno> {
        let now = size(&self.fd)?;
        if now > length {
            self.was_cut();
            loop {
                match rustix::fs::ftruncate(&self.fd, length) {
                    Err(Errno::INTR) => {}
                    done => break done?,
                }
            }
        }
        Ok(now.saturating_sub(length))
    }

    fn end_line(&mut self, length: u64) -> Result<(), Error> {
        let mut last = [b'\n'];
        if length > 0 {
            self.read_at(&mut last, length - 1).map_err(|error| refuse(&self.path, error))?;
        }
        match last {
            [b'\n'] => Ok(()),
            _ => Ok(self.append(b"\n", 0)?),
        }
    }

    /// Reads up to the end of `into`, or of the file.
    fn read_at(&self, into: &mut [u8], from: u64) -> Result<usize, Errno> {
        let filled = self.read_hidden(into, from)?;
        self.show(from, &mut into[..filled]);
        Ok(filled)
    }

    /// The same as it lies there.
    fn read_hidden(&self, into: &mut [u8], from: u64) -> Result<usize, Errno> {
        let mut filled = 0;
        while filled < into.len() {
            match rustix::io::pread(&self.fd, &mut into[filled..], from + filled as u64) {
                Ok(0) => break,
                Ok(more) => filled += more,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn fault(&self, taken: usize, error: io::Error) -> Fault {
        Fault { taken, error, path: self.path.clone() }
    }
}

/// Makes durable what was in a segment.
#[derive(Debug)]
pub struct Flush {
    path: PathBuf,
    fd: OwnedFd,
    /// Where its name may not be durable yet.
    directory: Option<OwnedFd>,
}

impl Flush {
    /// Does it.
    ///
    /// # Errors
    /// [`Kind::Io`]: what was written since the last time may be lost, whatever a second call would say.
    pub fn make(self) -> Result<(), Error> {
        let done = durable(|| rustix::fs::fdatasync(&self.fd)).and_then(|()| match &self.directory {
            Some(directory) => durable(|| rustix::fs::fsync(directory)),
            None => Ok(()),
        });
        let cannot = |error| Error::new(Kind::Io, format!("cannot make `{}` durable: {error}", self.path.display()));
        done.map_err(cannot)
    }
}

/// The name in the directory of the file that is meant: its own path's first.
fn search(path: &Path, directory: &OwnedFd, identity: Identity) -> Result<Option<OsString>, Errno> {
    let is_it = |name: &OsStr| match Identity::at(directory, name, AtFlags::empty()) {
        Ok(there) => Ok(there.is_same(&identity)),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(error),
    };
    let Some(own) = path.file_name() else { return Ok(None) };
    if is_it(own)? {
        return Ok(Some(own.to_owned()));
    }
    for entry in rustix::fs::Dir::read_from(directory)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if entry.ino() == identity.inode && is_it(name)? {
            return Ok(Some(name.to_owned()));
        }
    }
    Ok(None)
}

/// The same directory, so that its names can be read and made durable.
fn listable(path: &Path, directory: &OwnedFd) -> Result<OwnedFd, Error> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(directory, ".", flags, Mode::empty()).map_err(|error| refuse(path, error))
}

fn size(fd: &OwnedFd) -> Result<u64, Errno> {
    rustix::fs::fstat(fd).map(|stat| u64::try_from(stat.st_size).unwrap_or(0))
}

fn durable(call: impl Fn() -> Result<(), Errno>) -> io::Result<()> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            done => return Ok(done?),
        }
    }
}

fn refuse(path: &Path, error: Errno) -> Error {
    Error::new(file::kind(error), format!("cannot write `{}`: {}", path.display(), io::Error::from(error)))
}

/// A lock of our own is waited for so long.
const PATIENCE: Duration = Duration::from_secs(2);

const GIVEN_UP: &str = "making it durable failed before, so it takes no more";

#[cfg(test)]
mod tests;
