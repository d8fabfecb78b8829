//! What is kept by tenant, class and day, and deleted on time: the store of the sidecar's `[[output]] store = DIR`.
//!
//! Comes in: batches, whose runs know the class and the day of their records, and the [`Facts`] of the policy that made them.
//! Goes out: segments with a manifest each, and, on their day, nothing. It knows no policy, plan or engine. The smallest
//! example to copy is `hold.rs`.
//!
//! ```text
//! DIR/store                           what it is
//! DIR/open/CLASS.DAY.POLICY.log       lines of one class, day and policy, while they come; open/anchor.
//!                                     CLASS is TENANT~CLASS where the records are a tenant's, and POLICY is POLICY.KEY
//!                                     where they are sealed: each byte hidden in its place
//! DIR/closing/NNNN.CLASS.DAY.POLICY.log   nothing is added any more; it is being packed
//! DIR/CLASS/DAY/NNNN.zst, NNNN.json   a segment and its manifest; NNNN counts all of the store. NNNN.KEY.sealed: the
//!                                     packed lines under their key, piece by piece
//! DIR/keys/KEY.key                    the key of a sealed file, from the moment that it is open to the end of the segment
//! DIR/policies/POLICY.json            facts of each policy that records were written under
//! DIR/head                            where the chain of manifests ends
//! DIR/holds.json                      what must stay although it is due
//! DIR/audit.log, audit.head           what was done, chained
//! DIR/sweep.json                      what a sweep is about to delete; there only while it runs, or after a kill
//! ```
//!
//! **Writing.** Open files are outputs of the sidecar like others: its journal says of each batch how many bytes go to which
//! file before they are written, and a checkpoint how long each is. An open file that the last checkpoint and its journal do
//! not speak of was made after it and is made again, so it goes.
//!
//! **Closing**, in this order, each step durable before the next: a checkpoint says how long the open file is; it is
//! renamed to `closing` with its number; the packed segment gets its name; the manifest gets its name; the audit log says so;
//! `head` says so; the file in `closing` goes. Whoever finds a file there does what is missing: the number is in its name,
//! and a manifest under that number says that the segment stands. Each record is thus in one open file, one that is closing or one
//! segment; where the segment stands and the file in `closing` does too, the segment counts.
//!
//! **Sweeping**, in this order: `sweep.json` says what goes; files are unlinked, open ones first, of a sealed one the key before
//! the lines, of a segment the lines before the manifest; directories are made durable; the audit log says what `unlink` returned; `sweep.json` goes. After a kill the
//! next sweep writes down what the one before did and goes on. Where the disk has no room for what has to be written, lines
//! of segments that are due are cut away first. Closing, sweeping and holds exclude each other by a lock.
//!
//! A day's segment is due by the day of its records, which is the day of the oldest, by the class's duration in its manifest.
//! A newer version of the policy may shorten that, never lengthen it. What is due when it comes is never written.

mod close;
mod due;
mod facts;
mod file;
mod hold;
mod key;
mod leaving;
mod manifest;
mod name;
mod open;
mod past;
mod reading;
mod room;
mod show;
mod survey;
mod sweep;
mod verify;

pub use close::Closer;
pub use due::{Terms, divide};
pub use facts::{ClassFacts, Facts, Stability, TenantFacts, TreatmentFacts};
pub use hold::{Hold, Holds, Scope, hold, holds, release};
pub use key::{dress, rewrap};
pub use leaving::{Ends, end, ends, resume};
pub use manifest::{Before, Manifest};
pub use open::{Sealing, Share, Store, Unwritten};
pub use reading::{Reading, read};
pub use show::{Shown, Told, show};
pub use survey::{Kept, Listing, list};
pub use sweep::{Clock, Deletion, Report, Sweep};
pub use verify::{Problem, Verified, verify};

use crate::{
    audit,
    error::{Error, Kind},
    state::place::Place,
};
use rustix::fs::{FlockOperation, Mode, OFlags};
use std::{
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

/// A store's directory, held open.
#[derive(Debug)]
pub struct Root {
    place: Place,
}

/// Nobody else closes, sweeps or changes a hold.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held for its lock")] OwnedFd);

impl Root {
    /// A store that is there.
    ///
    /// # Errors
    /// [`Kind::NoInput`] where there is none; [`Kind::Config`] where the directory is no store; [`Kind::Permission`],
    /// [`Kind::Io`]
    pub fn open(path: &Path) -> Result<Root, Error> {
        let root = Root { place: Place::open(path)? };
        match file::read(&root.place, MARK, 64) {
            Ok(Some(text)) if text == MARK_TEXT => Ok(root),
            Ok(_) => {
                let why = "is no store of sladd: it has no file `store` of ours; nothing in it is touched";
                Err(Error::new(Kind::Config, format!("`{}` {why}", path.display())))
            }
            Err(error) => Err(root.failed("read", &error)),
        }
    }

    /// A store that is there, or an empty one that is made; the directory above it must be there or can be made.
    ///
    /// # Errors
    /// As [`Root::open`]; [`Kind::Config`] for a directory in which something else stands.
    pub fn create(path: &Path) -> Result<Root, Error> {
        let path: PathBuf = path.components().collect();
        if let (Some(parent), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) {
            Place::create(parent)?.room(name, 0o750)?;
        }
        let place = Place::open(&path)?;
        let root = Root { place };
        let names = crate::state::files::names_in(&root.place).map_err(|error| root.failed("read", &error))?;
        let is_new = names.iter().all(|name| matches!(name.as_str(), "." | ".." | ".store.new" | LOCK));
        if is_new {
            file::write(&root.place, MARK, MARK_TEXT).map_err(|error| root.failed("write in", &error))?;
        }
        Root::open(&path)
    }

    /// The same once more, for another thread.
    ///
    /// # Errors
    /// What the system says.
    pub fn again(&self) -> io::Result<Root> {
        Ok(Root { place: self.place.again()? })
    }

    /// What messages call it.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// Waits until nobody closes, sweeps or changes a hold, and keeps it so.
    ///
    /// # Errors
    /// [`Kind::Permission`], [`Kind::Io`]
    pub fn lock(&self) -> Result<Lock, Error> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = || -> io::Result<OwnedFd> {
            let fd = rustix::fs::openat(&self.place, LOCK, flags, Mode::from_raw_mode(0o640))?;
            loop {
                match rustix::fs::flock(&fd, FlockOperation::LockExclusive) {
                    Err(rustix::io::Errno::INTR) => {}
                    done => break done?,
                }
            }
            Ok(fd)
        };
        open().map(Lock).map_err(|error| self.failed("lock", &error))
    }

    fn audit(&self) -> Result<audit::Log, Error> {
        audit::Log::within(&self.place, self.path())
    }

    fn room(&self, name: &str) -> Result<Place, Error> {
        self.place.room(name, 0o750)
    }

    fn failed(&self, deed: &str, error: &io::Error) -> Error {
        let kind = match error.kind() {
            io::ErrorKind::PermissionDenied => Kind::Permission,
            _ => Kind::Io,
        };
        Error::new(kind, format!("cannot {deed} the store `{}`: {error}", self.path().display()))
    }
}

const MARK: &str = "store";
const MARK_TEXT: &[u8] = b"sladd store 1\n";
const LOCK: &str = "lock";
const OPEN: &str = "open";
const CLOSING: &str = "closing";
const POLICIES: &str = "policies";
const HEAD: &str = "head";
const HOLDS: &str = "holds.json";
const SWEEP: &str = "sweep.json";
const ROOM: &str = "sweep.room";

#[cfg(test)]
mod tests;
