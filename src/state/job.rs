//! What one job of several calls shares until it is done: its key.
//!
//! Unless a policy names a directory of keys, all files of a job are treated under one secret, so that equal values match
//! within the job; when the job is done the secret is destroyed, so that they never match again.

use super::place::{Place, sync};
use crate::{
    audit::Log,
    epoch::{Epoch, Period},
    error::{Error, Kind},
    key::{self, Keyring},
    retention::Keep,
    time::Timestamp,
};
use rustix::{
    fs::{AtFlags, Mode, OFlags, RenameFlags},
    io::Errno,
};
use serde::{Deserialize, Serialize};
use std::{io, path::PathBuf};

/// A job under way, in its state directory.
#[derive(Debug)]
pub struct Job {
    keys: PathBuf,
    started: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Written {
    /// Seconds since 1970.
    started: i64,
}

impl Job {
    /// Joins the job in this directory, or begins one `now`. `temporary` is a name in `scratch` that nobody else uses.
    ///
    /// # Errors
    /// [`Kind::Io`], [`Kind::Permission`], [`Kind::Data`] where what is there is no job's.
    pub fn join(room: &Place, scratch: &Place, temporary: &str, now: Timestamp) -> Result<Job, Error> {
        let keys = room.path().join(KEYS);
        let cannot = |error: io::Error| failed(room, "begin", &error);
        if room.stat(OVER).map_err(cannot)?.is_some() {
            end(room, now)?;
        }
        for _ in 0..TRIES {
            if let Some(started) = read(room)? {
                return Ok(Job { keys, started });
            }
            let written = serde_json::to_vec(&Written { started: now.0 }).expect("a number");
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP;
            let fd = rustix::fs::openat(scratch, temporary, flags, mode).map_err(|error| cannot(error.into()))?;
            rustix::io::write(&fd, &written).map_err(|error| cannot(error.into()))?;
            sync(&fd).map_err(cannot)?;
            // Of several that begin at once one wins, and the others join it.
            match super::place::rename(scratch, temporary, room, JOB, RenameFlags::NOREPLACE) {
                Ok(()) => {}
                Err(Errno::EXIST) => {
                    let _ = rustix::fs::unlinkat(scratch, temporary, AtFlags::empty());
                }
                Err(error) => return Err(cannot(error.into())),
            }
            room.sync().map_err(cannot)?;
        }
        Err(Error::new(Kind::Io, format!("cannot begin a job in `{}`: somebody ends it again", room.path().display())))
    }

    /// Its one secret's keyring, and the epoch that all its records are treated under.
    ///
    /// # Errors
    /// As [`Keyring::directory`].
    pub fn keyring(&self, period: Period) -> Result<(Keyring, Epoch), Error> {
        // It dies with the job and not before.
        let keep = Keep { months: 12 * 1000, days: 0 };
        Ok((Keyring::directory(&self.keys, period, keep)?, period.epoch(self.started)))
    }
}

/// The job in this directory is done: its secret is destroyed. Nothing where there is none.
///
/// # Errors
/// [`Kind::Io`], [`Kind::Permission`]; the next call tries again.
pub fn end(room: &Place, now: Timestamp) -> Result<(), Error> {
    let cannot = |error: Errno| failed(room, "end", &error.into());
    // First of all nobody joins it any more.
    match rustix::fs::renameat(room, JOB, room, OVER) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => return Err(cannot(error)),
    }
    room.sync().map_err(|error| failed(room, "end", &error))?;
    key::clear(&room.path().join(KEYS), now, &Log::within(room, room.path())?)?;
    match rustix::fs::unlinkat(room, OVER, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => return Err(cannot(error)),
    }
    room.sync().map_err(|error| failed(room, "end", &error))
}

fn read(room: &Place) -> Result<Option<Timestamp>, Error> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = match rustix::fs::openat(room, JOB, flags, Mode::empty()) {
        Ok(fd) => fd,
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(failed(room, "join", &error.into())),
    };
    let mut bytes = [0; 64];
    let read = rustix::io::read(&fd, &mut bytes).map_err(|error| failed(room, "join", &error.into()))?;
    match serde_json::from_slice::<Written>(&bytes[..read]) {
        Ok(written) => Ok(Some(Timestamp(written.started))),
        Err(_) => {
            let path = room.path().join(JOB);
            let why = "it is no job's; remove it, and its pseudonyms will not match those made before";
            Err(Error::new(Kind::Data, format!("cannot read `{}`: {why}", path.display())))
        }
    }
}

fn failed(room: &Place, deed: &str, error: &io::Error) -> Error {
    let kind = if error.kind() == io::ErrorKind::PermissionDenied { Kind::Permission } else { Kind::Io };
    Error::new(kind, format!("cannot {deed} the job in `{}`: {error}", room.path().display()))
}

const JOB: &str = "job";
const OVER: &str = "job.over";
const KEYS: &str = "keys";
const TRIES: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Lookup;
    use std::fs;

    const NOW: Timestamp = Timestamp(1_795_255_200);

    fn places() -> (tempfile::TempDir, Place, Place) {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::open(directory.path()).unwrap();
        let room = place.room(".sladd", 0o750).unwrap();
        let scratch = room.room("tmp", 0o750).unwrap();
        (directory, room, scratch)
    }

    fn pseudonym(job: &Job, now: Timestamp) -> String {
        let (keyring, epoch) = job.keyring(Period::Day).unwrap();
        match keyring.secret(epoch, now).unwrap() {
            Lookup::Found(secret) => {
                let keys = fs::read(job.keys.join(format!("{}.key", Period::Day.dashed(epoch).as_str()))).unwrap();
                drop(secret);
                format!("{epoch:?} {keys:?}")
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_job_has_one_secret_through_all_its_calls_and_the_next_has_another() {
        let (_directory, room, scratch) = places();
        let first = pseudonym(&Job::join(&room, &scratch, "a", NOW).unwrap(), NOW);
        let tomorrow = Timestamp(NOW.0 + 86_400);
        assert_eq!(pseudonym(&Job::join(&room, &scratch, "b", tomorrow).unwrap(), tomorrow), first);
        end(&room, NOW).unwrap();
        let left = fs::read_dir(room.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let left: std::collections::BTreeSet<String> = left.collect();
        assert_eq!(left.iter().filter(|name| !name.starts_with("audit.")).count(), 1, "only the scratch room is left");
        assert!(crate::audit::verify(room.path(), None).unwrap().is_whole());
        assert_ne!(pseudonym(&Job::join(&room, &scratch, "c", NOW).unwrap(), NOW), first);
        end(&room, NOW).unwrap();
        end(&room, NOW).unwrap();
    }

    #[test]
    fn a_job_that_was_killed_while_it_ended_is_ended_and_not_joined() {
        let (_directory, room, scratch) = places();
        let first = pseudonym(&Job::join(&room, &scratch, "a", NOW).unwrap(), NOW);
        fs::rename(room.path().join(JOB), room.path().join(OVER)).unwrap();
        assert_ne!(pseudonym(&Job::join(&room, &scratch, "b", NOW).unwrap(), NOW), first);
    }

    #[test]
    fn what_is_no_job_is_not_guessed_at() {
        let (_directory, room, scratch) = places();
        fs::write(room.path().join(JOB), "{").unwrap();
        assert_eq!(Job::join(&room, &scratch, "a", NOW).unwrap_err().kind(), Kind::Data);
    }
}
