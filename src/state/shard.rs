//! Several processes that share the work: which files are whose, and who is alone with what.

use super::{
    files::{FILE_MODE, failed},
    place::Place,
};
use crate::error::{Error, Kind};
use rustix::{
    fs::{FileType, FlockOperation, OFlags},
    io::Errno,
};
use std::{
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::Path,
};

/// Which of several processes that share the work this is: `index` of `count`, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 0.
    pub index: u32,
    /// At least 1.
    pub count: u32,
}

impl Shard {
    /// What its files in the room end in.
    pub(super) fn suffix(self) -> String {
        format!(".{}-of-{}", self.index, self.count)
    }

    /// Whether a file of this name is this one's: names are spread by their digest, so that every file is exactly one's.
    pub fn takes(self, name: &Path) -> bool {
        let digest = blake3::hash(name.as_os_str().as_bytes());
        let number = digest.as_bytes()[..8].iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
        number % u64::from(self.count) == u64::from(self.index)
    }
}

/// A shard is alone with its number; a run without one is alone.
pub(super) fn lock(room: &Place, shard: Option<Shard>) -> Result<Vec<OwnedFd>, Error> {
    let take = |name: String, operation| {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd =
            rustix::fs::openat(room, &name, flags, FILE_MODE).map_err(|error| failed(room, &name, &error.into()))?;
        let stat = rustix::fs::fstat(&fd).map_err(|error| failed(room, &name, &error.into()))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile || stat.st_nlink != 1 {
            let path = room.path().join(&name);
            let why = format!("`{}` is no file of its own; remove it", path.display());
            return Err(Error::new(Kind::CannotCreate, why));
        }
        loop {
            match rustix::fs::flock(&fd, operation) {
                Ok(()) => return Ok(fd),
                Err(Errno::INTR) => {}
                Err(Errno::WOULDBLOCK) => {
                    let path = room.path().parent().unwrap_or(room.path()).display();
                    let why = format!("another sladd works on `{path}`; wait until it is done");
                    return Err(Error::new(Kind::CannotCreate, why));
                }
                Err(error) => return Err(failed(room, "lock", &error.into())),
            }
        }
    };
    match shard {
        None => Ok(vec![take(LOCK.to_owned(), FlockOperation::NonBlockingLockExclusive)?]),
        Some(shard) => Ok(vec![
            take(LOCK.to_owned(), FlockOperation::NonBlockingLockShared)?,
            take(format!("{LOCK}{}", shard.suffix()), FlockOperation::NonBlockingLockExclusive)?,
        ]),
    }
}

const LOCK: &str = "lock";
