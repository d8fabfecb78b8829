//! Audit: what was done to keys and stores, a line of JSON each, every line chained to the one before by its SHA-256.
//!
//! Comes in: a deed, what it was done to and plain words about it; never a value of a log. Goes out: the file `audit.log` of a
//! directory, to which lines are only ever appended, and `audit.head` beside it, which says where it ends. [`verify`] finds
//! whatever was changed, lost, swapped or cut off. Who may write both files can write another chain: a [`Head`] that is
//! noted down elsewhere, now and then, shows that as well.
//!
//! Appending never stops at a chain that is broken: what was done has to be written down. It goes on behind the break with an
//! entry that says so, and the break stays to be found.

mod chain;

pub use chain::{Fault, Head, NotAHead, Verdict};

use crate::{
    error::{Error, Kind},
    time::Timestamp,
};
use chain::{Mark, Walk};
use rustix::{
    fs::{self, AtFlags, FileType, FlockOperation, Mode, OFlags},
    io::Errno,
};
use std::{
    fs::File,
    io::{self, BufRead, Read, Seek, SeekFrom},
    os::fd::{AsFd, OwnedFd},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

/// What was done. Its words stand in the log: they must not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    /// Somebody asked for a secret to be made.
    KeyMade,
    /// A secret was overwritten and removed.
    KeyDestroyed,
    /// A policy that records of a store are made under.
    PolicyKept,
    /// A segment of a store was closed.
    SegmentClosed,
    /// Segments, or files on the way to be some, were deleted: each with what the system said.
    SegmentsDeleted,
    /// Sealed lines that only another machine could open were deleted: each file with what the system said.
    SealedDeleted,
    /// A sweep went through a store.
    Swept,
    /// Somebody said that records must stay although they are due.
    HoldAdded,
    /// Somebody said that they need not stay any longer.
    HoldReleased,
    /// The relationship with a tenant ends on a day.
    TenantEnded,
    /// It goes on after all.
    TenantResumed,
    /// A secret that lay in the open, or under an old file, was encrypted where it lies.
    KeyWrapped,
    /// A secret was given to another host.
    KeyExported,
    /// A secret of another host was taken over.
    KeyImported,
    /// The clock jumped: nothing is destroyed until it is believed.
    ClockJumped,
    /// The clock is believed again.
    ClockBelieved,
    /// The log was found in disorder, by a kill or by somebody's hand, and was gone on with.
    Mended,
}

impl Deed {
    /// All of them.
    pub const ALL: [Deed; 17] = [
        Deed::KeyMade,
        Deed::KeyDestroyed,
        Deed::KeyWrapped,
        Deed::KeyExported,
        Deed::KeyImported,
        Deed::ClockJumped,
        Deed::ClockBelieved,
        Deed::PolicyKept,
        Deed::SegmentClosed,
        Deed::SegmentsDeleted,
        Deed::SealedDeleted,
        Deed::Swept,
        Deed::HoldAdded,
        Deed::HoldReleased,
        Deed::TenantEnded,
        Deed::TenantResumed,
        Deed::Mended,
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Deed::KeyMade => "key_made",
            Deed::KeyDestroyed => "key_destroyed",
            Deed::PolicyKept => "policy_kept",
            Deed::SegmentClosed => "segment_closed",
            Deed::SegmentsDeleted => "segments_deleted",
            Deed::SealedDeleted => "sealed_deleted",
            Deed::Swept => "swept",
            Deed::HoldAdded => "hold_added",
            Deed::HoldReleased => "hold_released",
            Deed::TenantEnded => "tenant_ended",
            Deed::TenantResumed => "tenant_resumed",
            Deed::KeyWrapped => "key_wrapped",
            Deed::KeyExported => "key_exported",
            Deed::KeyImported => "key_imported",
            Deed::ClockJumped => "clock_jumped",
            Deed::ClockBelieved => "clock_believed",
            Deed::Mended => "mended",
        }
    }
}

/// One entry. What it holds must be ours to tell: names of epochs and segments, counts, reasons, numbers of users.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// What was done.
    pub deed: Deed,
    /// To what: an epoch's name, a segment's.
    pub subject: &'a str,
    /// What else there is to say; a name stands once.
    pub details: &'a [(&'a str, &'a str)],
}

/// The log of one directory. Threads and processes may share it: each entry is written under a lock.
#[derive(Debug)]
pub struct Log {
    directory: OwnedFd,
    /// For messages only.
    path: PathBuf,
}

impl Log {
    /// The log of a directory that is there. Nothing is made before the first entry.
    ///
    /// # Errors
    /// When the directory cannot be opened or is a symbolic link.
    ///
    /// ```
    /// use sladd::{audit::{self, Deed, Entry, Log}, time::Timestamp};
    /// # let scratch = std::env::temp_dir().join(format!("sladd-audit-{}", std::process::id()));
    /// # std::fs::create_dir_all(&scratch).unwrap();
    /// # let directory = scratch.as_path();
    /// let log = Log::open(directory)?;
    /// log.append(Timestamp(1_795_255_200), &Entry { deed: Deed::KeyMade, subject: "2026-11-21", details: &[] })?;
    /// assert!(audit::verify(directory, None)?.is_whole());
    /// # std::fs::remove_dir_all(directory).unwrap();
    /// # Ok::<(), sladd::Error>(())
    /// ```
    pub fn open(directory: &Path) -> Result<Log, Error> {
        let path: PathBuf = directory.components().collect();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match fs::open(&path, flags, Mode::empty()) {
            Ok(directory) => Ok(Log { directory, path }),
            Err(errno) => Err(failed(&path, "open the directory of", errno)),
        }
    }

    /// The log of a directory that is open; `path` is what messages call it.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub fn within(directory: impl AsFd, path: &Path) -> Result<Log, Error> {
        match directory.as_fd().try_clone_to_owned() {
            Ok(directory) => Ok(Log { directory, path: path.to_path_buf() }),
            Err(error) => {
                Err(Error::new(Kind::Io, format!("cannot open the audit log in {}: {error}", path.display())))
            }
        }
    }

    /// Appends one entry and makes it durable.
    ///
    /// # Errors
    /// When the log cannot be written, or is none of ours: a symbolic link, a file with a second name, another user's.
    pub fn append(&self, now: Timestamp, entry: &Entry<'_>) -> Result<(), Error> {
        self.hold()?.append(now, entry)
    }

    /// Puts in order what a kill has left, where there is a log: an entry of which the head does not know is one until then.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub fn settle(&self, now: Timestamp) -> Result<(), Error> {
        // What else is wrong with it is said by who opens it.
        if let Err(Errno::NOENT) = fs::statat(&self.directory, LOG, AtFlags::SYMLINK_NOFOLLOW) {
            return Ok(());
        }
        let mut held = self.hold()?;
        let settled = held.is_settled().and_then(|is_settled| match is_settled {
            true => Ok(()),
            false => held.last(now).and_then(|last| held.write_head(&last)),
        });
        settled.map_err(|error| failed(&self.path, "write", Errno::from_io_error(&error).unwrap_or(Errno::IO)))
    }

    /// The log, locked: nobody else appends as long as this is held.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub fn hold(&self) -> Result<Held<'_>, Error> {
        let failed = |errno| failed(&self.path, "open", errno);
        let flags =
            OFlags::RDWR | OFlags::APPEND | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = fs::openat(&self.directory, LOG, flags, Mode::RUSR | Mode::WUSR).map_err(failed)?;
        let stat = fs::fstat(&fd).map_err(failed)?;
        if let Some(why) = unfit(&stat) {
            return Err(refuse(&self.path, why));
        }
        while let Err(errno) = fs::flock(&fd, FlockOperation::LockExclusive) {
            if errno != Errno::INTR {
                return Err(failed(errno));
            }
        }
        Ok(Held { log: self, file: File::from(fd) })
    }
}

/// A log that nobody else appends to.
#[derive(Debug)]
pub struct Held<'l> {
    log: &'l Log,
    file: File,
}

impl Held<'_> {
    /// Appends one entry and makes it durable.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub fn append(&mut self, now: Timestamp, entry: &Entry<'_>) -> Result<(), Error> {
        self.add(now, entry).map_err(|error| {
            let errno = Errno::from_io_error(&error);
            errno.map_or_else(
                || Error::new(Kind::Io, format!("cannot write the audit log in {}: {error}", self.log.path.display())),
                |errno| failed(&self.log.path, "write", errno),
            )
        })
    }

    /// Whether the last entry is of this deed and subject: a kill came behind it, and it need not be said again. Where that kill
    /// left the log in disorder it is mended.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub fn ends_with_deed(&mut self, now: Timestamp, deed: Deed, subject: &str) -> Result<bool, Error> {
        let mut look = || -> io::Result<bool> {
            let size = self.file.metadata()?.len();
            let from = size.saturating_sub(chain::LONGEST);
            let mut end = vec![0; (size - from) as usize];
            self.file.read_exact_at(&mut end, from)?;
            let line = end.strip_suffix(b"\n").and_then(|end| end.rsplit(|&byte| byte == b'\n').next());
            if !line.is_some_and(|line| chain::is_of(line, deed, subject)) {
                return Ok(false);
            }
            let last = self.last(now)?;
            self.write_head(&last)?;
            Ok(true)
        };
        look().map_err(|error| failed(&self.log.path, "read", Errno::from_io_error(&error).unwrap_or(Errno::IO)))
    }

    /// Whether any entry is of this deed and subject, wherever it stands. Where it is there, and a kill left the log in disorder,
    /// that is mended. Reads all of the log.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub fn tells(&mut self, now: Timestamp, deed: Deed, subject: &str) -> Result<bool, Error> {
        let mut look = || -> io::Result<bool> {
            self.file.seek(SeekFrom::Start(0))?;
            let mut reader = io::BufReader::new(&self.file);
            let mut line = Vec::new();
            loop {
                line.clear();
                if Read::take(&mut reader, chain::LONGEST).read_until(b'\n', &mut line)? == 0 {
                    return Ok(false);
                }
                let text = line.strip_suffix(b"\n").unwrap_or(&line);
                if memchr::memmem::find(text, subject.as_bytes()).is_some() && chain::is_of(text, deed, subject) {
                    break;
                }
            }
            let last = self.last(now)?;
            self.write_head(&last)?;
            Ok(true)
        };
        look().map_err(|error| failed(&self.log.path, "read", Errno::from_io_error(&error).unwrap_or(Errno::IO)))
    }

    fn add(&mut self, now: Timestamp, entry: &Entry<'_>) -> io::Result<()> {
        let last = self.last(now)?;
        let last = self.write(now, entry, last)?;
        self.write_head(&last)
    }

    /// Whether the head speaks of its end.
    fn is_settled(&self) -> io::Result<bool> {
        let size = self.file.metadata()?.len();
        match read_head(&self.log.directory)? {
            Some(mark) => Ok(mark.end == size && self.ends_with(&mark)?),
            None => Ok(size == 0),
        }
    }

    /// Where the log ends, in order.
    fn last(&mut self, now: Timestamp) -> io::Result<Mark> {
        let mark = read_head(&self.log.directory)?;
        Ok(match (self.is_settled()?, mark) {
            (true, mark) => mark.unwrap_or_default(),
            (false, mark) => self.mend(now, mark)?,
        })
    }

    /// Whether the last line is the one that the head speaks of.
    fn ends_with(&self, mark: &Mark) -> io::Result<bool> {
        let Some(length) = mark.end.checked_sub(mark.start).filter(|&length| length <= chain::LONGEST) else {
            return Ok(false);
        };
        let mut line = vec![0; length as usize];
        self.file.read_exact_at(&mut line, mark.start)?;
        Ok(chain::hash_of(&line).is_some_and(|hash| chain::is_same(&hash, &mark.head.hash)))
    }

    /// Goes on behind what a kill, or somebody, has left. What is whole stays; only an unfinished end is cut off.
    fn mend(&mut self, now: Timestamp, mark: Option<Mark>) -> io::Result<Mark> {
        let known = mark.unwrap_or_default();
        let walk = Walk::through(io::BufReader::new(self.file.try_clone()?), known.head.entries)?;
        let cut = walk.size - walk.finished;
        if cut > 0 {
            // It was never spoken of: the head is written when an entry is durable.
            self.file.set_len(walk.finished)?;
        }
        let goes_on = match mark {
            None => walk.faults.is_empty(),
            Some(mark) => {
                walk.last.entries >= known.head.entries
                    && (known.head.entries == 0
                        || walk.at_noted.is_some_and(|hash| chain::is_same(&hash, &mark.head.hash)))
            }
        };
        let head = Head {
            entries: walk.last.entries.max(known.head.entries),
            hash: if goes_on { walk.last.hash } else { known.head.hash },
        };
        let before = Mark { head, start: walk.finished, end: walk.finished };
        let found = match (goes_on, mark) {
            (false, _) => "the chain is broken before this entry",
            (true, None) => "the head was missing",
            (true, Some(_)) => "the last append was not finished",
        };
        let cut = cut.to_string();
        let details = [("found", found), ("bytes_cut_off", cut.as_str())];
        self.write(now, &Entry { deed: Deed::Mended, subject: LOG, details: &details }, before)
    }

    fn write(&mut self, now: Timestamp, entry: &Entry<'_>, last: Mark) -> io::Result<Mark> {
        let (line, head) = chain::line(now, entry, &last.head);
        if line.len() as u64 > chain::LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "an entry is longer than 64 KiB"));
        }
        fs::fchmod(&self.file, MODE)?; // whatever the umask took away
        io::Write::write_all(&mut self.file, &line)?;
        sync(&self.file)?;
        Ok(Mark { head, start: last.end, end: last.end + line.len() as u64 })
    }

    fn write_head(&self, mark: &Mark) -> io::Result<()> {
        let directory = &self.log.directory;
        match fs::unlinkat(directory, NEW, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno.into()),
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(fs::openat(directory, NEW, flags, Mode::RUSR | Mode::WUSR)?);
        fs::fchmod(&file, MODE)?;
        io::Write::write_all(&mut file, mark.to_string().as_bytes())?;
        sync(&file)?;
        fs::renameat(directory, NEW, directory, HEAD)?;
        sync(directory)
    }
}

/// Reads the log of a directory from end to end and says what is wrong with it.
///
/// With an `anchor`, a head that was noted down before, also whether the log still goes through it.
///
/// # Errors
/// When there is none (and no head that says there was), or it cannot be read.
pub fn verify(directory: &Path, anchor: Option<&Head>) -> Result<Verdict, Error> {
    let log = Log::open(directory)?;
    let failed = |errno| failed(&log.path, "read", errno);
    let failed_to_read = |error: io::Error| failed(Errno::from_io_error(&error).unwrap_or(Errno::IO));
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match fs::openat(&log.directory, LOG, flags, Mode::empty()) {
        Ok(fd) => Some(File::from(fd)),
        Err(Errno::NOENT) => None,
        Err(errno) => return Err(failed(errno)),
    };
    if let Some(file) = &file {
        if fs::fstat(file).map_err(failed)?.st_size < 0 || !file.metadata().map_err(failed_to_read)?.is_file() {
            return Err(refuse(&log.path, "is not a regular file; remove it"));
        }
        while let Err(errno) = fs::flock(file, FlockOperation::LockShared) {
            if errno != Errno::INTR {
                return Err(failed(errno));
            }
        }
    }
    let mark = read_head_strictly(&log.directory).map_err(failed_to_read)?;
    let noted = anchor.map_or(0, |anchor| anchor.entries);
    let walk = match file {
        Some(file) => Walk::through(io::BufReader::new(file), noted).map_err(failed_to_read)?,
        None if matches!(mark, chain::Written::Missing) => return Err(failed(Errno::NOENT)),
        None => Walk::default(),
    };
    Ok(walk.verdict(&mark, anchor))
}

/// The head as it stands; one that cannot be read is none.
fn read_head(directory: &OwnedFd) -> io::Result<Option<Mark>> {
    Ok(match read_head_strictly(directory)? {
        chain::Written::Whole(mark) => Some(mark),
        chain::Written::Missing | chain::Written::Damaged => None,
    })
}

fn read_head_strictly(directory: &OwnedFd) -> io::Result<chain::Written> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match fs::openat(directory, HEAD, flags, Mode::empty()) {
        Ok(fd) => File::from(fd),
        Err(Errno::NOENT) => return Ok(chain::Written::Missing),
        Err(Errno::LOOP | Errno::NXIO) => return Ok(chain::Written::Damaged),
        Err(errno) => return Err(errno.into()),
    };
    if !file.metadata()?.is_file() {
        return Ok(chain::Written::Damaged);
    }
    let mut text = Vec::new();
    file.take(256).read_to_end(&mut text)?;
    Ok(Mark::parse(&text).map_or(chain::Written::Damaged, chain::Written::Whole))
}

/// Why a file is not to be written to, if it is not.
fn unfit(stat: &fs::Stat) -> Option<&'static str> {
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Some("is not a regular file; remove it");
    }
    if stat.st_nlink != 1 {
        return Some("has a second name; move it away");
    }
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return Some("belongs to another user; run sladd as its owner");
    }
    (stat.st_mode & 0o022 != 0).then_some("is writable by others; run chmod 640")
}

fn refuse(path: &Path, why: &str) -> Error {
    Error::new(Kind::Config, format!("cannot use audit log: {} {why}", path.join(LOG).display()))
}

fn failed(path: &Path, deed: &str, errno: Errno) -> Error {
    let (kind, why) = match errno {
        Errno::NOENT => (Kind::NoInput, "it is not there; nothing was done yet".to_owned()),
        Errno::ACCESS | Errno::PERM | Errno::ROFS => {
            (Kind::Permission, format!("{}; run sladd as its owner", io::Error::from(errno)))
        }
        Errno::LOOP | Errno::NOTDIR => return refuse(path, "is a symbolic link; put the log itself in its place"),
        Errno::NXIO => return refuse(path, "is not a regular file; remove it"),
        _ => (Kind::Io, format!("{}; see that the disk is there and has room", io::Error::from(errno))),
    };
    Error::new(kind, format!("cannot {deed} the audit log in {}: {why}", path.display()))
}

fn sync(fd: impl AsFd) -> io::Result<()> {
    loop {
        match fs::fsync(&fd) {
            Err(Errno::INTR) => {}
            done => return Ok(done?),
        }
    }
}

const LOG: &str = "audit.log";
const HEAD: &str = "audit.head";
const NEW: &str = ".audit.head.new";
const MODE: Mode = Mode::from_raw_mode(0o640);

#[cfg(test)]
mod tests;
