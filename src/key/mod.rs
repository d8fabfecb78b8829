//! Keyring: the secrets of epochs, in memory or in a directory; made when first asked for, destroyed when due.
//!
//! Comes in: an epoch and the time it is. Goes out: its secret, or the news that there is none. Each secret is 32 random
//! bytes of its own: none can be reckoned from another, from a date or from a name. Nothing here knows of records or
//! policies, and time is passed in. Errors and `Debug` show names and paths, never a byte of a secret.

mod clock;
mod directory;
mod ratchet;
mod wrap;

pub use clock::Uptime;
pub use wrap::Wrap;

use crate::{
    audit::{Deed, Entry, Log},
    epoch::{Epoch, Period},
    error::{Error, Kind},
    retention::Keep,
    time::Timestamp,
    treatment::pseudonym::Secret,
    vault::Bytes,
};
use directory::Directory;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};
use subtle::ConstantTimeEq;
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

/// Why a secret is destroyed. Its words stand in the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Its time has come.
    Due,
    /// Somebody asked for it.
    Asked,
    /// The job whose secret it was is done.
    JobDone,
    /// Its destruction was begun before and not finished.
    Interrupted,
}

impl Cause {
    fn as_str(self) -> &'static str {
        match self {
            Cause::Due => "due",
            Cause::Asked => "asked for",
            Cause::JobDone => "job done",
            Cause::Interrupted => "begun before",
        }
    }
}

/// One epoch that a directory knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its name as files and commands write it.
    pub name: String,
    /// Its period.
    pub period: Period,
    /// What there is of its secret.
    pub state: State,
}

/// What there is of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is there.
    Live {
        /// When it was made.
        made: Timestamp,
        /// When it is due to be destroyed.
        dies: Timestamp,
    },
    /// It is gone for good.
    Destroyed {
        /// Since then.
        at: Timestamp,
    },
    /// Its destruction was begun and is not finished; whoever uses the directory next finishes it.
    Half,
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
    making: Making,
    /// What the monotonic clock said when the clock began to be watched; `None`: the time that is passed in is believed.
    uptime: Option<(Uptime, Later)>,
    held: Mutex<Held>,
    /// The minute in which it was last tended.
    tended: AtomicI64,
    /// How often secrets were given up.
    given_up: AtomicU64,
}

/// What the monotonic clock says now, of what it said before.
type Later = fn(Uptime) -> Uptime;

/// How the secret of an epoch comes to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Making {
    /// From random bytes of its own: none can be reckoned from another.
    Random,
    /// From the one before it: hosts that once shared one agree for ever without talking. Who has one can reckon those after
    /// it, and none before.
    Ratchet,
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
    /// What went wrong when it was last tended.
    trouble: Option<String>,
    /// Whether nothing is destroyed because the clock jumped.
    doubted: bool,
}

struct Live {
    bytes: Bytes,
    dies: Timestamp,
}

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

    /// The same with secrets that lie wrapped in their directory. In memory there is nothing to wrap.
    pub fn wrapped(self, wrap: Wrap) -> Keyring {
        let home = match self.home {
            Home::Memory => Home::Memory,
            Home::Directory(directory) => Home::Directory(directory.wrapped(wrap)),
        };
        Keyring { home, ..self }
    }

    /// The same with secrets made in this way. In memory each is random: there is nobody to agree with.
    pub fn making(self, making: Making) -> Keyring {
        Keyring { making, ..self }
    }

    /// The same with a clock that is watched: where it jumps by more than a day, nothing is destroyed until it has gone on for
    /// a day ([`Keyring::tend`] says so) or [`Keyring::believe`] is called. `later` says what the monotonic clock says now.
    pub fn watching(self, uptime: Uptime, later: fn(Uptime) -> Uptime) -> Keyring {
        Keyring { uptime: Some((uptime, later)), ..self }
    }

    /// Whether nothing is destroyed because the clock jumped.
    pub fn is_paused(&self) -> bool {
        self.lock().doubted
    }

    /// Believes the clock as it is, because somebody, `by`, says that it is right. Whether it was doubted.
    ///
    /// # Errors
    /// When the directory cannot be read or written.
    pub fn believe(&self, now: Timestamp, by: &str) -> Result<bool, Error> {
        let (Home::Directory(directory), Some((uptime, later))) = (&self.home, self.uptime) else { return Ok(false) };
        let held = &mut *self.lock();
        let doubted = clock::accept(directory, now, later(uptime))?;
        held.doubted = false;
        if doubted {
            let entry = Entry { deed: Deed::ClockBelieved, subject: "clock", details: &[("by", by)] };
            directory.note(now, &entry)?;
        }
        Ok(doubted)
    }

    /// Looks at the clock, where it is watched.
    fn watch(&self, held: &mut Held, now: Timestamp) -> Result<(), Error> {
        let (Home::Directory(directory), Some((uptime, later))) = (&self.home, self.uptime) else { return Ok(()) };
        let sight = clock::look(directory, now, later(uptime))?;
        let tell = |deed, details: &[(&str, &str)]| directory.note(now, &Entry { deed, subject: "clock", details });
        match sight {
            clock::Sight::Right => held.doubted = false,
            clock::Sight::Doubted => held.doubted = true,
            clock::Sight::Jumped(seconds) => {
                held.doubted = true;
                let by = format!("{seconds:+} seconds");
                tell(Deed::ClockJumped, &[("by", by.as_str())])?;
            }
            clock::Sight::Settled => {
                held.doubted = false;
                tell(Deed::ClockBelieved, &[("by", "a day that it has gone on")])?;
            }
        }
        Ok(())
    }

    /// Wraps what lies plainly, or under `old`. How many those were.
    ///
    /// # Errors
    /// When a key cannot be read or written, or is wrapped with yet another file.
    pub fn wrap_all(&self, old: Option<&Wrap>, now: Timestamp) -> Result<usize, Error> {
        let Home::Directory(directory) = &self.home else { return Ok(0) };
        let mut count = 0;
        for known in self.list(now)?.iter().filter(|known| matches!(known.state, State::Live { .. })) {
            count += usize::from(directory.rewrap(&known.name, old, now)?);
        }
        Ok(count)
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
            return Ok(Lookup::Found(Secret::from(live.bytes.clone())));
        }
        let away = epoch.0.saturating_sub(self.period.epoch(now).0);
        let far = held.live.len() >= LIVE_EPOCHS && !(-1..=1).contains(&away);
        // A forged date does not run a ratchet ahead.
        if far || self.making == Making::Ratchet && away > 1 {
            return Ok(Lookup::OutOfReach);
        }
        let Some(live) = self.obtain(epoch, now, held.doubted)? else { return Ok(Lookup::Destroyed) };
        if let Some((twin, _)) = held.live.iter().find(|(_, other)| bool::from(other.bytes.ct_eq(&live.bytes[..]))) {
            return Err(self.refuse_twin(epoch, *twin));
        }
        let secret = Secret::from(live.bytes.clone());
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

    /// Destroys what is due and gives up what others have destroyed, at most once a minute of the time that is passed in: cheap
    /// enough to be called with every batch. Says how often secrets were given up so far: whoever holds any drops them all
    /// when that number has grown, and asks again.
    ///
    /// # Errors
    /// As [`Keyring::expire`], each once. What is due is given up all the same.
    pub fn tend(&self, now: Timestamp) -> Result<u64, Error> {
        let minute = now.0.div_euclid(60);
        if self.tended.load(Ordering::Acquire) != minute && self.tended.swap(minute, Ordering::AcqRel) != minute {
            let held = &mut *self.lock();
            let done = self.look(held, now);
            let trouble = done.as_ref().err().map(Error::to_string);
            if std::mem::replace(&mut held.trouble, trouble.clone()) != trouble {
                done?;
            }
        }
        Ok(self.given_up.load(Ordering::Acquire))
    }

    fn look(&self, held: &mut Held, now: Timestamp) -> Result<(), Error> {
        if let Home::Directory(directory) = &self.home {
            let mut gone = Vec::new();
            for epoch in held.live.keys() {
                if directory.has_tombstone(self.period.dashed(*epoch).as_str())? {
                    gone.push(*epoch);
                }
            }
            for epoch in gone {
                held.live.remove(&epoch);
                self.given_up.fetch_add(1, Ordering::Release);
            }
        }
        let hour = Period::Hour.epoch(now);
        if held.swept != Some(hour) {
            self.sweep(held, now)?;
            held.swept = Some(hour);
        } else {
            self.watch(held, now)?;
        }
        if held.doubted {
            let why = "the clock jumped by more than a day: no key is destroyed until it has gone on for a day; set it right, or say \
                       that it is with sladd key rotate --policy FILE";
            return Err(Error::new(Kind::Config, why));
        }
        Ok(())
    }

    /// What the directory knows, by name. Nothing of a keyring in memory.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn list(&self, now: Timestamp) -> Result<Vec<Known>, Error> {
        let Home::Directory(directory) = &self.home else { return Ok(Vec::new()) };
        let known = |item: directory::Item| {
            let (period, epoch) = parse(&item.name)?;
            let state = match (item.made, item.tombstone) {
                (Some(made), None) => State::Live { made, dies: self.dies(period, epoch, made) },
                (None, Some(tombstone)) => State::Destroyed { at: tombstone.raised },
                (Some(_), Some(_)) => State::Half,
                (None, None) => return None,
            };
            Some(Known { name: item.name, period, state })
        };
        Ok(directory.items(now)?.into_iter().filter_map(known).collect())
    }

    /// Whether the file of a secret that is there holds none: it has another length, nothing but zeros, or does not open.
    pub fn is_damaged(&self, known: &Known) -> bool {
        let Home::Directory(directory) = &self.home else { return false };
        matches!(known.state, State::Live { .. }) && directory.is_damaged(&known.name)
    }

    /// Makes the secret of an epoch because somebody, `by`, asked for it. `None`: it is destroyed and never made again; else
    /// whether it was made now.
    ///
    /// # Errors
    /// As [`Keyring::secret`].
    pub fn make(&self, epoch: Epoch, now: Timestamp, by: &str) -> Result<Option<bool>, Error> {
        let name = self.period.dashed(epoch);
        let Home::Directory(directory) = &self.home else { return Ok(None) };
        let made = match self.making {
            Making::Ratchet if ratchet::has_begun(directory, self.period, now)? => {
                let there = directory.load(name.as_str())?.is_some();
                if epoch.0 > self.period.epoch(now).0.saturating_add(1) {
                    let why =
                        format!("cannot make key `{name}`: a ratchet does not run ahead of the clock by more than one");
                    return Err(Error::new(Kind::Config, why));
                }
                ratchet::obtain(directory, self.period, epoch, now, self.keep)?.map(|_| !there)
            }
            Making::Random | Making::Ratchet => directory.make(name.as_str(), now)?,
        };
        if made == Some(true) {
            let details = [("by", by)];
            directory.note(now, &Entry { deed: Deed::KeyMade, subject: name.as_str(), details: &details })?;
        }
        Ok(made)
    }

    /// The secrets of these epochs for another host, as [`Keyring::import`] takes them: to be sealed before it is let go.
    /// `recipient` stands in the audit log.
    ///
    /// # Errors
    /// When a key is not there or cannot be read.
    pub fn export(&self, names: &[String], now: Timestamp, recipient: &str) -> Result<Zeroizing<String>, Error> {
        let Home::Directory(directory) = &self.home else { return Ok(Zeroizing::default()) };
        // No more than that is written, so that no copy is left behind by growing.
        let mut text = Zeroizing::new(String::with_capacity(64 + 128 * names.len()));
        text.push_str(BUNDLE);
        for name in names {
            let found = if directory.has_tombstone(name)? { None } else { directory.load(name)? };
            let Some((bytes, made)) = found else {
                let why = format!("there is no key `{name}` to export; sladd key list shows those there are");
                return Err(Error::new(Kind::NoInput, why));
            };
            use fmt::Write as _;
            let _ = write!(text, "{name} {} ", made.0);
            for byte in bytes.iter() {
                let _ = write!(text, "{byte:02x}");
            }
            text.push('\n');
        }
        for name in names {
            let details = [("to", recipient)];
            directory.note(now, &Entry { deed: Deed::KeyExported, subject: name, details: &details })?;
        }
        Ok(text)
    }

    /// Takes over what another host exported. For each epoch whether it was taken: not where it is destroyed here, or there
    /// already.
    ///
    /// # Errors
    /// When the text is none of [`Keyring::export`], or the directory holds another secret of one of the epochs: then nothing is
    /// taken.
    pub fn import(&self, text: &str, now: Timestamp) -> Result<Vec<(String, Import)>, Error> {
        let Home::Directory(directory) = &self.home else { return Ok(Vec::new()) };
        let no_keys =
            || Error::new(Kind::Data, "cannot import: what was sealed are no keys of sladd; export them again");
        let rows: Option<Vec<_>> = text.strip_prefix(BUNDLE).ok_or_else(no_keys)?.lines().map(bundled).collect();
        let rows = rows.ok_or_else(no_keys)?;
        let mut done = Vec::new();
        for (name, _, bytes) in &rows {
            let there = directory.load(name)?;
            done.push(match there {
                _ if directory.has_tombstone(name)? => Import::Destroyed,
                None => Import::Taken,
                Some((own, _)) if bool::from(own.ct_eq(&bytes[..])) => Import::There,
                Some(_) => {
                    return Err(directory.refuse(name, "holds another secret; destroy it first, or leave it as it is"));
                }
            });
        }
        for ((name, made, bytes), done) in rows.iter().zip(&done) {
            if *done == Import::Taken {
                // A clock that is wrong there makes no key live longer here.
                directory.obtain_or(name, (*made).min(now), || Ok(bytes.clone()))?;
                directory.note(now, &Entry { deed: Deed::KeyImported, subject: name, details: &[] })?;
            }
        }
        Ok(rows.into_iter().map(|(name, ..)| name).zip(done).collect())
    }

    /// Destroys the secret of an epoch because somebody asked for it. What there was of it before.
    ///
    /// # Errors
    /// As [`Keyring::expire`].
    pub fn destroy(&self, epoch: Epoch, now: Timestamp) -> Result<Option<State>, Error> {
        let name = self.period.dashed(epoch);
        let before = self.list(now)?.into_iter().find(|known| known.name == name.as_str()).map(|known| known.state);
        if let (Some(state), Home::Directory(directory)) = (before, &self.home) {
            if self.making == Making::Ratchet {
                let earlier = |known: &Known| match known.state {
                    State::Live { .. } => self.period.parse_dashed(&known.name).is_some_and(|other| other < epoch),
                    State::Destroyed { .. } | State::Half => false,
                };
                if let Some(other) = self.list(now)?.into_iter().find(earlier) {
                    let why = format!(
                        "cannot destroy key `{name}`: it could be reckoned again from key `{}`; destroy all before it, too",
                        other.name
                    );
                    return Err(Error::new(Kind::Config, why));
                }
            }
            if !matches!(state, State::Destroyed { .. }) {
                self.lock().live.remove(&epoch);
                self.given_up.fetch_add(1, Ordering::Release);
            }
            directory.destroy(name.as_str(), Cause::Asked, now)?;
        }
        Ok(before)
    }

    fn new(period: Period, keep: Keep, home: Home) -> Keyring {
        let (held, tended, given_up) = (Mutex::default(), AtomicI64::new(i64::MIN), AtomicU64::new(0));
        Keyring { period, keep, home, making: Making::Random, uptime: None, held, tended, given_up }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        // What is held is right between any two statements, so that a panic elsewhere does no harm.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The secret there is or a new one, unless it is destroyed or due.
    fn obtain(&self, epoch: Epoch, now: Timestamp, doubted: bool) -> Result<Option<Live>, Error> {
        let name = self.period.dashed(epoch);
        let (bytes, created) = match &self.home {
            Home::Memory => (fresh()?, now),
            Home::Directory(directory) => {
                let found = match self.making {
                    Making::Random => directory.obtain(name.as_str(), now)?,
                    Making::Ratchet => ratchet::obtain(directory, self.period, epoch, now, self.keep)?,
                };
                match found {
                    None => return Ok(None),
                    Some((_, created)) if now >= self.dies(self.period, epoch, created) => {
                        self.destroy_due(directory, doubted, name.as_str(), now)?;
                        return Ok(None);
                    }
                    Some(found) => found,
                }
            }
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
            if held.live.remove(&epoch).is_some() {
                self.given_up.fetch_add(1, Ordering::Release);
            }
            match &self.home {
                Home::Memory => {
                    held.destroyed.insert(epoch);
                }
                Home::Directory(directory) if stands => directory.destroy(name.as_str(), Cause::Interrupted, now)?,
                Home::Directory(directory) => self.destroy_due(directory, held.doubted, name.as_str(), now)?,
            }
        }
        Ok(due || stands)
    }

    /// Destroys what is due, unless the clock that says so is doubted. It is given to nobody all the same.
    fn destroy_due(&self, directory: &Directory, doubted: bool, name: &str, now: Timestamp) -> Result<(), Error> {
        if doubted {
            return Ok(());
        }
        directory.destroy(name, Cause::Due, now)
    }

    fn sweep(&self, held: &mut Held, now: Timestamp) -> Result<usize, Error> {
        self.watch(held, now)?;
        let due: Vec<Epoch> = held.live.iter().filter(|(_, live)| now >= live.dies).map(|(epoch, _)| *epoch).collect();
        for epoch in &due {
            held.live.remove(epoch);
            self.given_up.fetch_add(1, Ordering::Release);
        }
        let directory = match &self.home {
            Home::Memory => {
                let count = due.len();
                held.destroyed.extend(due);
                return Ok(count);
            }
            Home::Directory(directory) => directory,
        };
        directory.settle(now)?;
        if self.making == Making::Ratchet && !held.doubted && ratchet::has_begun(directory, self.period, now)? {
            // The last one goes only when there is one after it.
            ratchet::obtain(directory, self.period, self.period.epoch(now), now, self.keep)?;
        }
        let mut count = 0;
        for item in directory.items(now)? {
            let Some((period, epoch)) = parse(&item.name) else { continue };
            let cause = match (item.made, item.tombstone) {
                (Some(_), Some(_)) => Cause::Interrupted,
                (Some(made), None) if now >= self.dies(period, epoch, made) && !held.doubted => Cause::Due,
                (None, Some(tombstone)) if !tombstone.is_told => Cause::Interrupted,
                (Some(_), None) | (None, _) => continue,
            };
            directory.destroy(&item.name, cause, now)?;
            count += usize::from(item.made.is_some());
        }
        Ok(count)
    }

    fn dies(&self, period: Period, epoch: Epoch, created: Timestamp) -> Timestamp {
        lives_from(period, epoch, created).plus(self.keep.months, self.keep.days)
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

/// What the life of a key is reckoned from: the later of its epoch's end and its creation. One of an epoch that is further ahead
/// than the next was made for a forged date, and lives from its creation.
pub fn lives_from(period: Period, epoch: Epoch, created: Timestamp) -> Timestamp {
    match epoch.0.saturating_sub(period.epoch(created).0) > 1 {
        true => created,
        false => period.end(epoch).max(created),
    }
}

/// What became of a key that another host exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Import {
    /// It is here now.
    Taken,
    /// It was here.
    There,
    /// It was destroyed here, and is never made again.
    Destroyed,
}

/// A line of an export: the epoch's name, when its secret was made, the secret.
fn bundled(line: &str) -> Option<(String, Timestamp, Bytes)> {
    let mut words = line.split(' ');
    let (name, made, hex) = (words.next()?, words.next()?.parse().ok()?, words.next()?);
    parse(name)?;
    let mut bytes = Bytes::default();
    let fits = hex.len() == 2 * bytes.len() && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !fits || words.next().is_some() || !(0..=Timestamp::LAST.0).contains(&made) {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks(2)) {
        *byte = pair.iter().fold(0, |sum, digit| (sum << 4) | ((digit & 15) + 9 * (digit >> 6)));
    }
    (bytes.iter().any(|&byte| byte != 0)).then(|| (name.to_owned(), Timestamp(made), bytes))
}

/// What an export begins with.
const BUNDLE: &str = "sladd keys 1\n";

/// The period and epoch that a dashed name stands for: each name is of one period.
///
/// ```
/// use sladd::{epoch::Period, key};
/// assert_eq!(key::parse("2026-11").map(|(period, _)| period), Some(Period::Month));
/// ```
pub fn parse(name: &str) -> Option<(Period, Epoch)> {
    Period::ALL.into_iter().find_map(|period| period.parse_dashed(name).map(|epoch| (period, epoch)))
}

/// Destroys every secret in a directory that was one job's, and removes it. Nothing where there is none. `audit` is the log
/// of a directory that stays.
///
/// # Errors
/// When the directory cannot be read, a secret cannot be destroyed, or others could come at what is in it.
pub fn clear(path: &Path, now: Timestamp, audit: &Log) -> Result<(), Error> {
    match path.symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        _ => Directory::open(path)?.clear(now, audit),
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
