//! The directory: what is in it, how much of it there may be, and its end.

use super::name::{Name, WriterId};
use crate::{
    error::{Error, Kind},
    output::{fresh::discard, write_all},
    seal::{Recipient, Sealed},
    state::{
        files::{self, FILE_MODE, names_in},
        place::{Place, sync},
    },
    time::{DAY, Timestamp},
};
use rustix::{
    fs::{Access, AtFlags, Mode, OFlags},
    io::Errno,
};
use std::{
    io,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// To whom it is sealed, and how much is kept for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Each of them can open all of it.
    pub recipients: Vec<Recipient>,
    /// No more is kept.
    pub limit_bytes: u64,
    /// And no longer.
    pub keep_days: u32,
}

/// The directory of one process. Its writers share what there is room for.
#[derive(Debug)]
pub struct Room {
    place: Place,
    terms: Terms,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// On the disk when it was last counted, and closed since.
    figures: Figures,
    /// What gathers under way have room for, and how many they are.
    gathers: Figures,
    swept: Option<Timestamp>,
    /// It was full, and that was told.
    is_told: bool,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Bytes, sealed.
    pub bytes: u64,
    /// Files.
    pub files: u64,
}

/// What became of a file that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Its name.
    pub name: String,
    /// Bytes on the disk.
    pub bytes: u64,
    /// What the system said, where it is not gone.
    pub why_not: Option<String>,
}

/// What a sweep found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// What is due.
    pub due: Vec<Gone>,
    /// What stays.
    pub kept: Figures,
}

impl Room {
    /// Opens the directory, and makes it if it is missing. What is due goes.
    ///
    /// # Errors
    /// As [`Place::open`]; [`Kind::Permission`] or [`Kind::CannotCreate`] where nothing can be written in it.
    pub fn open(path: &Path, terms: Terms, now: Timestamp) -> Result<Room, Error> {
        let place = Place::create(path)?;
        let access = Access::WRITE_OK | Access::EXEC_OK;
        rustix::fs::accessat(&place, ".", access, AtFlags::EACCESS).map_err(|errno| {
            let kind = if errno == Errno::ACCESS { Kind::Permission } else { Kind::CannotCreate };
            let why = io::Error::from(errno);
            Error::new(
                kind,
                format!("cannot write in the quarantine `{}`: {why}; let this user write there", path.display()),
            )
        })?;
        let room = Room { place, terms, held: Mutex::default() };
        room.sweep(now)?;
        Ok(room)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    pub(super) fn recipients(&self) -> &[Recipient] {
        &self.terms.recipients
    }

    /// How much there is, with what is gathered.
    pub fn figures(&self) -> Figures {
        let Held { figures, gathers, .. } = *self.lock();
        Figures { bytes: figures.bytes + gathers.bytes, files: figures.files + gathers.files }
    }

    /// How many bytes there may be.
    pub fn limit_bytes(&self) -> u64 {
        self.terms.limit_bytes
    }

    /// Takes away what is due, once a minute at most. What could not be, in words.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn tend(&self, now: Timestamp) -> Result<Option<String>, Error> {
        let is_due = self.lock().swept.is_none_or(|swept| !(0..SWEEP_EVERY_SECONDS).contains(&(now.0 - swept.0)));
        if !is_due {
            return Ok(None);
        }
        let swept = self.sweep(now)?;
        let mut failed = swept.due.iter().filter_map(|gone| Some((&gone.name, gone.why_not.as_ref()?)));
        Ok(failed.next().map(|(name, why)| {
            format!("cannot delete the sealed file `{}`, which is due: {why}", self.path().join(name).display())
        }))
    }

    fn sweep(&self, now: Timestamp) -> Result<Swept, Error> {
        let swept = sweep(&self.place, self.terms.keep_days, now, Deed::Delete)?;
        let mut held = self.lock();
        (held.figures, held.swept) = (swept.kept, Some(now));
        Ok(swept)
    }

    /// Whether there is room for so much more; then it is kept free. `files`: of a gather that begins.
    pub(super) fn reserve(&self, more: Figures) -> bool {
        let mut held = self.lock();
        let bytes = held.figures.bytes + held.gathers.bytes + more.bytes;
        let files = held.figures.files + held.gathers.files + more.files;
        let fits = bytes <= self.terms.limit_bytes && files <= MOST_FILES;
        if fits {
            held.gathers.bytes += more.bytes;
            held.gathers.files += more.files;
            held.is_told = false;
        }
        fits
    }

    /// A gather for which so much was kept free is over, and so much of it is on the disk.
    pub(super) fn release(&self, reserved: Figures, kept: Figures) {
        let mut held = self.lock();
        held.gathers.bytes -= reserved.bytes;
        held.gathers.files -= reserved.files;
        held.figures.bytes += kept.bytes;
        held.figures.files += kept.files;
    }

    /// That it is full, in words, once until there is room again.
    pub fn take_full(&self) -> Option<String> {
        let mut held = self.lock();
        let news = !std::mem::replace(&mut held.is_told, true);
        news.then(|| {
            let path = self.path().display();
            let most = self.terms.limit_bytes >> 20;
            format!(
                "the quarantine `{path}` is full (at most {most} MiB in {MOST_FILES} files): lines to be sealed are dropped and counted \
                 as malformed until there is room; open and remove what is there, or raise `limit` in [seal]"
            )
        })
    }

    /// That there is no room for what has to be kept whole.
    pub fn is_too_small(&self) -> Error {
        let (path, most) = (self.path().display(), self.terms.limit_bytes >> 20);
        Error::new(
            Kind::Io,
            format!(
                "cannot seal all that fits no format: the quarantine `{path}` is full (at most {most} MiB in {MOST_FILES} files); \
                 open and remove what is there, or raise `limit` in [seal], and run it again"
            ),
        )
    }

    /// Takes away what a writer of this number left beside a file that holds all of it, and what it had not finished. Its last
    /// file is given, unless that is of a time that is still to come.
    ///
    /// # Errors
    /// What the system says.
    pub fn settle(&self, writer: WriterId, now: Timestamp) -> Result<Option<Name>, Error> {
        let failed = |error: io::Error| files::failed(&self.place, "clear", &error);
        let mut names: Vec<Name> = Vec::new();
        for file in names_in(&self.place).map_err(failed)? {
            match (file.parse::<Name>(), half_made(&file)) {
                (Ok(name), _) if name.writer == writer => names.push(name),
                (Err(()), Some(Name { writer: of, .. })) if of == writer => {
                    discard(&self.place, &file).map_err(failed)?
                }
                _ => {}
            }
        }
        names.sort_unstable();
        for pair in names.windows(2).filter(|pair| pair[0].began == pair[1].began) {
            discard(&self.place, &pair[0].to_string()).map_err(failed)?;
        }
        self.place.sync().map_err(failed)?;
        Ok(names.into_iter().rfind(|name| name.began.0 <= now.0 + DAY))
    }

    /// Gives a file to another writer: how far this one was says nothing any more, after a loss of power.
    ///
    /// # Errors
    /// What the system says.
    pub fn disown(&self, name: Name) -> Result<(), Error> {
        let other = Name { writer: WriterId::new()?, ..name };
        rustix::fs::renameat(&self.place, name.to_string(), &self.place, other.to_string())
            .map_err(io::Error::from)
            .and_then(|()| self.place.sync())
            .map_err(|error| files::failed(&self.place, "write in", &error))
    }

    /// Takes away all files of a writer of this number but these, and what it had not finished: what it made before is made again.
    ///
    /// # Errors
    /// What the system says.
    pub fn keep_only(&self, writer: WriterId, these: &[Name]) -> Result<(), Error> {
        self.clear(|file| match file.parse::<Name>() {
            Ok(name) => name.writer == writer && !these.contains(&name),
            Err(()) => half_made(file).is_some_and(|name| name.writer == writer),
        })
    }

    /// Takes away these files of a writer of this number: what they hold of is done again.
    ///
    /// # Errors
    /// What the system says.
    pub fn take_back(&self, writer: WriterId, these: &[Name]) -> Result<(), Error> {
        self.clear(|file| file.parse().is_ok_and(|name: Name| name.writer == writer && these.contains(&name)))
    }

    fn clear(&self, goes: impl Fn(&str) -> bool) -> Result<(), Error> {
        let failed = |error: io::Error| files::failed(&self.place, "clear", &error);
        let mut any = false;
        for file in names_in(&self.place).map_err(failed)? {
            if goes(&file) {
                discard(&self.place, &file).map_err(failed)?;
                any = true;
            }
        }
        if any {
            self.place.sync().map_err(failed)?;
            // There is room for others again; at the beginning of time nothing is due.
            let kept = sweep(&self.place, self.terms.keep_days, Timestamp(i64::MIN / 2), Deed::Find)?.kept;
            self.lock().figures = kept;
        }
        Ok(())
    }

    /// Writes a file that is there whole and durable or not at all, and takes away the one that it holds all of.
    pub(super) fn write(&self, name: Name, sealed: &Sealed, replaces: Option<Name>) -> io::Result<()> {
        let name = name.to_string();
        let new = format!(".{name}{NEW}");
        discard(&self.place, &new)?;
        let write = || -> io::Result<()> {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let fd = rustix::fs::openat(&self.place, &*new, flags, Mode::RUSR | Mode::WUSR)?;
            write_all(&fd, sealed.bytes())?;
            rustix::fs::fchmod(&fd, FILE_MODE)?;
            sync(&fd)
        };
        write().inspect_err(|_| {
            // The room that it takes is given back; where that fails a sweep does it.
            let _ = discard(&self.place, &new);
        })?;
        rustix::fs::renameat(&self.place, &*new, &self.place, &*name)?;
        self.place.sync()?;
        match replaces.map(|name| name.to_string()) {
            Some(before) if before != name => discard(&self.place, &before),
            Some(_) | None => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a file is to be called that was not finished.
fn half_made(file: &str) -> Option<Name> {
    file.strip_prefix('.')?.strip_suffix(NEW)?.parse().ok()
}

/// Whether what is due is deleted, or only found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It is deleted.
    Delete,
    /// It is found.
    Find,
}

/// Takes away what is due in a quarantine, or finds it. A file of a time that is still to come was named under a wrong clock: it is
/// named anew, so that it has an end.
///
/// # Errors
/// The directory cannot be read. What could not be deleted is no error: the answer says so.
pub fn sweep(place: &Place, keep_days: u32, now: Timestamp, deed: Deed) -> Result<Swept, Error> {
    let failed = |error: io::Error| files::failed(place, "sweep", &error);
    let mut swept = Swept::default();
    let mut names = names_in(place).map_err(failed)?;
    names.sort_unstable();
    let mut any = false;
    for file in names {
        let Some(stat) = place.stat(&*file).map_err(failed)? else { continue };
        let bytes = u64::try_from(stat.st_size).unwrap_or(0);
        let Ok(name) = file.parse::<Name>() else {
            let is_half_made = file.starts_with('.') && file.ends_with(NEW);
            if is_half_made && deed == Deed::Delete && stat.st_mtime.saturating_add(3_600) < now.0 {
                discard(place, &file).map_err(failed)?;
            }
            continue;
        };
        if name.began.0 + i64::from(keep_days) * DAY <= now.0 {
            let done = if deed == Deed::Delete { discard(place, &file) } else { Ok(()) };
            swept.due.push(Gone { name: file, bytes, why_not: done.err().map(|error| error.to_string()) });
            any = true;
            continue;
        }
        if name.began.0 > now.0 + DAY && deed == Deed::Delete {
            let anew = Name { began: now, ..name }.to_string();
            rustix::fs::renameat(place, &*file, place, &*anew).map_err(|error| failed(error.into()))?;
            any = true;
        }
        swept.kept.bytes += bytes;
        swept.kept.files += 1;
    }
    if any && deed == Deed::Delete {
        place.sync().map_err(failed)?;
    }
    Ok(swept)
}

/// A directory with more files is slow to look through.
pub(super) const MOST_FILES: u64 = 16_384;
const SWEEP_EVERY_SECONDS: i64 = 60;
/// Behind the name of what is not finished.
const NEW: &str = ".new";
