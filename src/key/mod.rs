//! Keyring: the secrets of epochs, in memory or in a directory; made when first asked for, destroyed when due.
//!
//! Comes in: an epoch and the time it is. Goes out: its secret, or the news that there is none. Each secret is 32 random
//! bytes of its own: none can be reckoned from another, from a date or from a name. Nothing here knows of records or
//! policies, and time is passed in. Errors and `Debug` show names and paths, never a byte of a secret.

mod directory;

use crate::{
    epoch::{Epoch, Period},
    error::{Error, Kind},
    retention::Keep,
    time::Timestamp,
    treatment::pseudonym::Secret,
};
use directory::Directory;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};
use zeroize::Zeroizing;

/// What a keyring says of an epoch.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// Its secret.
    Found(Secret),
    /// It had one. It is never made again.
    Destroyed,
    /// [`LIVE_EPOCHS`] others are live: a forged date cannot fill memory or disk with keys.
    OutOfReach,
}

/// How many epochs may be live in a run. The epochs around the present are given even beyond it: time itself bounds them.
pub const LIVE_EPOCHS: usize = 400;

/// The secrets of epochs. Threads share it; so do processes, through the directory.
///
/// A secret dies its `keep` after the later of its epoch's end and its creation, and leaves a tombstone. What is due is
/// destroyed before anything is given out: on the first call of [`Keyring::secret`], then once an hour of the time that is
/// passed in, and whenever the due secret itself is asked for. If that fails, no secret is given, old or new. What was given
/// out before is the holder's to drop.
///
/// ```
/// use sladd::{epoch::Period, key::{Keyring, Lookup}, time::Timestamp};
/// let now = Timestamp(1_795_255_200);
/// let keys = Keyring::memory(Period::Day);
/// assert!(matches!(keys.secret(Period::Day.epoch(now), now), Ok(Lookup::Found(_))));
/// ```
pub struct Keyring {
    period: Period,
    keep: Keep,
    home: Home,
    held: Mutex<Held>,
}

enum Home {
    Memory,
    Directory(Directory),
}

#[derive(Default)]
struct Held {
    /// Never one that is destroyed.
    live: BTreeMap<Epoch, Live>,
    /// Tombstones of the keyring in memory. Each was live once, so that [`LIVE_EPOCHS`] bounds how fast they come.
    destroyed: BTreeSet<Epoch>,
    /// The hour in which what was due was last destroyed.
    swept: Option<Epoch>,
}

struct Live {
    bytes: Bytes,
    dies: Timestamp,
}

/// A secret's bytes, wiped when dropped.
type Bytes = Zeroizing<[u8; 32]>;

impl Keyring {
    /// Secrets that die with the keyring, and 30 days after their epoch if it lives longer.
    pub fn memory(period: Period) -> Keyring {
        Keyring::new(period, Keep { months: 0, days: 30 }, Home::Memory)
    }

    /// Secrets in a directory, a file each, which is made (0700) if it is missing and its parent is there.
    ///
    /// # Errors
    /// When the directory cannot be made or others could come at what is in it.
    pub fn directory(path: &Path, period: Period, keep: Keep) -> Result<Keyring, Error> {
        Ok(Keyring::new(period, keep, Home::Directory(Directory::open(path)?)))
    }

    /// The same with another time that secrets live after their epoch.
    pub fn with_keep(self, keep: Keep) -> Keyring {
        Keyring { keep, ..self }
    }

    /// How long one secret is used.
    pub fn period(&self) -> Period {
        self.period
    }

    /// The secret of an epoch: the one there is, or a new one if there never was one.
    ///
    /// # Errors
    /// When the directory or the key's file cannot be read or written, or others could come at it.
    pub fn secret(&self, epoch: Epoch, now: Timestamp) -> Result<Lookup, Error> {
        let held = &mut *self.lock();
        let hour = Period::Hour.epoch(now);
        if held.swept != Some(hour) {
            self.sweep(held, now)?;
            held.swept = Some(hour);
        }
        if self.is_destroyed(held, epoch, now)? {
            return Ok(Lookup::Destroyed);
        }
        if let Some(live) = held.live.get(&epoch) {
            return Ok(Lookup::Found(Secret::new(*live.bytes)));
        }
        let away = epoch.0.saturating_sub(self.period.epoch(now).0);
        if held.live.len() >= LIVE_EPOCHS && !(-1..=1).contains(&away) {
            return Ok(Lookup::OutOfReach);
        }
        let Some(live) = self.obtain(epoch, now)? else { return Ok(Lookup::Destroyed) };
        if let Some((twin, _)) = held.live.iter().find(|(_, other)| other.bytes == live.bytes) {
            return Err(self.refuse_twin(epoch, *twin));
        }
        let secret = Secret::new(*live.bytes);
        held.live.insert(epoch, live);
        Ok(Lookup::Found(secret))
    }

    /// Destroys the secrets that are due and says how many those were: each file is overwritten, then removed, after its
    /// tombstone stands.
    ///
    /// In a directory this takes in the secrets of other periods than the keyring's own.
    ///
    /// # Errors
    /// When the directory cannot be read or a due secret cannot be destroyed.
    pub fn expire(&self, now: Timestamp) -> Result<usize, Error> {
        self.sweep(&mut self.lock(), now)
    }

    fn new(period: Period, keep: Keep, home: Home) -> Keyring {
        Keyring { period, keep, home, held: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        // What is held is right between any two statements, so that a panic elsewhere does no harm.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The secret there is or a new one, unless it is destroyed or due.
    fn obtain(&self, epoch: Epoch, now: Timestamp) -> Result<Option<Live>, Error> {
        let name = self.period.dashed(epoch);
        let (bytes, created) = match &self.home {
            Home::Memory => (fresh()?, now),
            Home::Directory(directory) => match directory.obtain(name.as_str(), now)? {
                None => return Ok(None),
                Some((_, created)) if now >= self.dies(self.period, epoch, created) => {
                    directory.destroy(name.as_str())?;
                    return Ok(None);
                }
                Some(found) => found,
            },
        };
        Ok(Some(Live { bytes, dies: self.dies(self.period, epoch, created) }))
    }

    /// Whether the epoch's secret is destroyed, by this keyring, now or before, or by another process while it was held here.
    fn is_destroyed(&self, held: &mut Held, epoch: Epoch, now: Timestamp) -> Result<bool, Error> {
        let name = self.period.dashed(epoch);
        let due = held.live.get(&epoch).is_some_and(|live| now >= live.dies);
        let stands = match &self.home {
            Home::Memory => held.destroyed.contains(&epoch),
            Home::Directory(directory) => directory.has_tombstone(name.as_str())?,
        };
        if due || stands {
            held.live.remove(&epoch);
            match &self.home {
                Home::Memory => {
                    held.destroyed.insert(epoch);
                }
                Home::Directory(directory) => directory.destroy(name.as_str())?,
            }
        }
        Ok(due || stands)
    }

    fn sweep(&self, held: &mut Held, now: Timestamp) -> Result<usize, Error> {
        let due: Vec<Epoch> = held.live.iter().filter(|(_, live)| now >= live.dies).map(|(epoch, _)| *epoch).collect();
        for epoch in &due {
            held.live.remove(epoch);
        }
        let directory = match &self.home {
            Home::Memory => {
                let count = due.len();
                held.destroyed.extend(due);
                return Ok(count);
            }
            Home::Directory(directory) => directory,
        };
        let mut count = 0;
        for (name, created) in directory.keys(now)? {
            let parse = |period: Period| period.parse_dashed(&name).map(|epoch| (period, epoch));
            let Some((period, epoch)) = Period::ALL.into_iter().find_map(parse) else { continue };
            if now >= self.dies(period, epoch, created) || directory.has_tombstone(&name)? {
                directory.destroy(&name)?;
                count += 1;
            }
        }
        Ok(count)
    }

    fn dies(&self, period: Period, epoch: Epoch, created: Timestamp) -> Timestamp {
        period.end(epoch).max(created).plus(self.keep.months, self.keep.days)
    }

    fn refuse_twin(&self, epoch: Epoch, twin: Epoch) -> Error {
        let (name, twin) = (self.period.dashed(epoch), self.period.dashed(twin));
        match &self.home {
            Home::Memory => Error::new(Kind::Io, "the system gave the same random bytes twice; run sladd elsewhere"),
            Home::Directory(directory) => directory
                .refuse(name.as_str(), &format!("holds the same secret as key `{twin}`; restore it or remove it")),
        }
    }
}

/// Destroys every secret in a directory that was one job's, and removes it. Nothing where there is none.
///
/// # Errors
/// When the directory cannot be read, a secret cannot be destroyed, or others could come at what is in it.
pub fn clear(path: &Path, now: Timestamp) -> Result<(), Error> {
    match path.symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        _ => Directory::open(path)?.clear(now),
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("period", &self.period).field("keep", &self.keep).finish_non_exhaustive()
    }
}

/// New random bytes.
fn fresh() -> Result<Bytes, Error> {
    let mut bytes = Bytes::default();
    random(&mut bytes[..]).map(|()| bytes)
}

/// Fills `bytes` from the system's generator. By the system call itself: a static binary in an empty root has no
/// `/dev/urandom` to fall back on.
///
/// # Errors
/// [`Kind::Io`] where the system gives none.
pub fn random(bytes: &mut [u8]) -> Result<(), Error> {
    let mut filled = 0;
    while filled < bytes.len() {
        match rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty()) {
            Ok(count) if count > 0 => filled += count,
            Err(rustix::io::Errno::INTR) => {}
            Ok(_) | Err(_) => {
                return Err(Error::new(
                    Kind::Io,
                    "cannot make a key: the system gives no random bytes; allow the system call getrandom",
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
