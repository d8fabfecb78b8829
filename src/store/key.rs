//! The keys of sealed files: one a file, made before it and destroyed before it is deleted.
//!
//! ```text
//! keys/check                  opened by the file that all are wrapped with, and by no other
//! keys/NAME.key               the secret, wrapped; NAME stands in the name of the file that is sealed with it
//! keys/NAME.spans             the spans of its veil, while the file is no segment yet
//! ```
//! Overwriting reaches the old blocks only where the file system writes in place; what is left elsewhere opens nothing without the file
//! that keys are wrapped with.

use super::{Root, file, name::is_digits};
use crate::{
    audit::{Deed, Entry},
    error::{Error, Kind},
    key::{Wrap, random},
    output::{
        fresh::discard,
        segment::{Segment, Veiled, restore},
        write_all,
    },
    seal::{FileKey, SPAN, Veil},
    state::{
        files::names_in,
        place::{Place, sync},
    },
    time::Timestamp,
};
use rustix::{
    fs::{FileType, Mode, OFlags, RenameFlags},
    io::Errno,
};
use std::{
    collections::BTreeSet,
    io::{self, Read},
    path::Path,
};

/// The keys of a store, and what they are wrapped with.
#[derive(Debug)]
pub(super) struct Keys {
    place: Place,
    wrap: Wrap,
}

impl Keys {
    /// Those of a store that is written to; their directory is made if it is missing.
    ///
    /// # Errors
    /// [`Kind::Config`] where they are wrapped with another file; [`Kind::Permission`], [`Kind::Io`]
    pub(super) fn create(root: &Root, wrap: Wrap) -> Result<Keys, Error> {
        let keys = Keys { place: root.place.room(KEYS, 0o700)?, wrap };
        if keys.check().is_err() {
            keys.opens_any()?;
            // It was never there, or was lost.
            keys.write_check()?;
        }
        Ok(keys)
    }

    /// Those of a store that is read; where it has none, none is found.
    ///
    /// # Errors
    /// As [`Keys::create`]
    pub(super) fn open(root: &Root, wrap: Wrap) -> Result<Option<Keys>, Error> {
        let Some(place) = root.place.room_if_there(KEYS)? else { return Ok(None) };
        let keys = Keys { place, wrap };
        if keys.check().is_err() {
            keys.opens_any()?;
        }
        Ok(Some(keys))
    }

    /// The same once more, for another thread.
    pub(super) fn again(&self) -> io::Result<Keys> {
        Ok(Keys { place: self.place.again()?, wrap: self.wrap.clone() })
    }

    /// A new key, durable, and what hides the file that is to be written under it.
    ///
    /// # Errors
    /// As [`Keys::create`]
    pub(super) fn make(&self) -> Result<(Box<str>, Veiled), Error> {
        let mut digits = [0; 8];
        random(&mut digits)?;
        let name = format!("{:016x}", u64::from_ne_bytes(digits));
        let key = FileKey::new(random)?;
        let mut veil = key.veil();
        let span = veil.begin(0, random)?;
        let failed = |error: io::Error| self.failed("write", &name, &error);
        let wrapped = marked(&name, self.wrap.seal(&beside(&name), key.bytes())?);
        let written = write_new(&self.place, &spans_of(&name), &span)
            .and_then(|()| write_new(&self.place, &file_of(&name), &wrapped))
            .map_err(failed);
        // Somebody may have wrapped all others with another file in the meantime.
        if let Err(error) = written.and_then(|()| self.check()) {
            // On a full disk what was begun would only be in the way.
            destroy_in(&self.place, &name).map_err(failed)?;
            return Err(error);
        }
        let veiled = self.veiled(&name, &key, true)?;
        Ok((name.into(), veiled))
    }

    /// A key; `None` where it is destroyed.
    ///
    /// # Errors
    /// [`Kind::Config`] where it is wrapped with another file; [`Kind::Data`] where it is damaged; [`Kind::Permission`],
    /// [`Kind::Io`]
    pub(super) fn load(&self, name: &str) -> Result<Option<FileKey>, Error> {
        let kept = file::read(&self.place, &file_of(name), FILE_BYTES);
        let Some(kept) = kept.map_err(|error| self.failed("read", name, &error))? else { return Ok(None) };
        match whole(name, &kept).and_then(|wrapped| self.wrap.open(&beside(name), wrapped)) {
            Some(bytes) => Ok(Some(FileKey::from(bytes))),
            None => Err(self.refuse(name, DAMAGED)),
        }
    }

    /// What hides the file that is written under a key; `None` where that is destroyed.
    ///
    /// # Errors
    /// As [`Keys::load`]
    pub(super) fn veil(&self, name: &str) -> Result<Option<Veiled>, Error> {
        match self.load(name)? {
            Some(key) => self.veiled(name, &key, false).map(Some),
            None => Ok(None),
        }
    }

    fn veiled(&self, name: &str, key: &FileKey, is_new: bool) -> Result<Veiled, Error> {
        let failed = |error: io::Error| self.failed("read", name, &error);
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let kept = match rustix::fs::openat(&self.place, spans_of(name), flags, Mode::empty()) {
            Ok(kept) => kept,
            Err(Errno::NOENT) => return Err(self.refuse(name, NO_SPANS)),
            Err(error) => return Err(failed(error.into())),
        };
        Veiled::new(key, kept, is_new).map_err(failed)
    }

    /// What shows the lines of a file that nothing is added to.
    ///
    /// # Errors
    /// As [`Keys::load`]
    pub(super) fn shown(&self, name: &str, key: &FileKey, from: std::fs::File) -> Result<Shown, Error> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let kept = rustix::fs::openat(&self.place, spans_of(name), flags, Mode::empty());
        let kept = kept.map_err(io::Error::from).and_then(|kept| restore(key, std::fs::File::from(kept)));
        let (veil, _) = kept.map_err(|error| self.failed("read", name, &error))?;
        Ok(Shown { from, veil, at: 0 })
    }

    /// Whether the keys are wrapped with this file.
    fn check(&self) -> Result<(), Error> {
        let kept = file::read(&self.place, CHECK, Wrap::WRAPPED_BYTES as u64)
            .map_err(|error| self.failed("read", CHECK, &error))?;
        match kept.and_then(|kept| self.wrap.open(&beside(CHECK), &kept)) {
            Some(_) => Ok(()),
            None => Err(self.refuse(CHECK, ELSEWISE)),
        }
    }

    /// Whether what says by itself which file keys are wrapped with says so.
    pub(super) fn is_checked(&self) -> bool {
        self.check().is_ok()
    }

    /// Whether any of the keys is wrapped with this file, or there is none: what says so by itself is missing or damaged.
    fn opens_any(&self) -> Result<(), Error> {
        let names = names(&self.place).map_err(|error| self.failed("read", KEYS, &error))?;
        match names.is_empty() || names.iter().any(|name| self.load(name).is_ok()) {
            true => Ok(()),
            false => Err(self.refuse(CHECK, ELSEWISE)),
        }
    }

    fn write_check(&self) -> Result<(), Error> {
        let failed = |error: io::Error| self.failed("write", CHECK, &error);
        let kept = self.wrap.seal(&beside(CHECK), FileKey::new(random)?.bytes())?;
        file::write(&self.place, CHECK, &kept).map_err(failed)
    }

    /// Destroys keys of open files that there are none of: what was begun and left by a kill. One without spans is a segment's, and
    /// stays even where that is not found: it may be on a disk that is not mounted.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn tidy(&self, used: &BTreeSet<&str>) -> io::Result<()> {
        for name in names_in(&self.place)? {
            if file::is_new(&name) {
                wipe(&self.place, &name)?;
            } else if let Some(key) = name.strip_suffix(SPANS)
                && is_digits(key)
                && !used.contains(key)
            {
                destroy_in(&self.place, key)?;
            }
        }
        self.place.sync()
    }

    fn failed(&self, deed: &str, name: &str, error: &io::Error) -> Error {
        let kind = match error.kind() {
            io::ErrorKind::PermissionDenied => Kind::Permission,
            io::ErrorKind::InvalidData => Kind::Data,
            _ => Kind::Io,
        };
        Error::new(kind, format!("cannot {deed} key `{name}` in `{}`: {error}", self.place.path().display()))
    }

    fn refuse(&self, name: &str, why: &str) -> Error {
        let kind = if why == ELSEWISE { Kind::Config } else { Kind::Data };
        Error::new(kind, format!("cannot use key `{name}` in `{}`: {why}", self.place.path().display()))
    }
}

/// The lines of a file that lies hidden.
pub(super) struct Shown {
    from: std::fs::File,
    veil: Veil,
    at: u64,
}

impl Read for Shown {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        self.veil.apply(self.at, &mut into[..read]);
        self.at += read as u64;
        Ok(read)
    }
}

/// A file of a store as it has to be, to be put right: hidden, where it is sealed. `None`: nobody can read it any more, because its key
/// is gone.
///
/// # Errors
/// [`Kind::Config`] where it is sealed and there is no file that keys are wrapped with, or another one; [`Kind::Data`],
/// [`Kind::Permission`], [`Kind::Io`]
pub fn dress(segment: Segment, wrap: Option<&Wrap>) -> Result<Option<Segment>, Error> {
    let Some((root, key)) = sealed(segment.found()) else { return Ok(Some(segment)) };
    let root = Root::open(root)?;
    let keys = Keys::open(&root, wrap.ok_or_else(|| unnamed(&root))?.clone())?;
    let veiled = keys.map(|keys| keys.veil(&key)).transpose()?.flatten();
    Ok(veiled.map(|veiled| segment.under(veiled)))
}

/// The store of an open file, and what its key is called, if it is sealed.
fn sealed(path: &Path) -> Option<(&Path, Box<str>)> {
    let shelf = super::name::Shelf::parse(path.file_name()?.to_str()?)?;
    let open = path.parent().filter(|open| open.file_name().is_some_and(|name| name == super::OPEN))?;
    Some((open.parent()?, shelf.key?))
}

/// Files are sealed, and nobody said what their keys are wrapped with.
pub(super) fn unnamed(root: &Root) -> Error {
    let why = "name the file that their keys are wrapped with: `wrap` in [keys] of the policy, or --wrap";
    Error::new(Kind::Config, format!("files of the store `{}` are sealed: {why}", root.path().display()))
}

/// Wraps all keys of a store with another file; how many those were.
///
/// # Errors
/// [`Kind::Config`] where they are wrapped with neither; [`Kind::Data`] where one is damaged; [`Kind::Permission`], [`Kind::Io`]. What was
/// done stays, and a second call does the rest.
pub fn rewrap(root: &Root, wrap: &Wrap, old: Option<&Wrap>, time: Timestamp) -> Result<usize, Error> {
    let Some(place) = root.place.room_if_there(KEYS)? else { return Ok(0) };
    let _lock = root.lock()?;
    let now = Keys { place, wrap: wrap.clone() };
    let before = match old {
        Some(old) => Keys { place: now.place.again().map_err(|error| root.failed("open", &error))?, wrap: old.clone() },
        None => return now.check().map(|()| 0),
    };
    if now.check().is_err() && before.check().is_err() {
        before.opens_any()?;
    }
    let mut count = rewrap_all(root, &now, &before)?;
    if now.check().is_err() {
        now.write_check()?;
    }
    // From here on whoever wraps with the old one makes no key any more; one may just have been made.
    count += rewrap_all(root, &now, &before)?;
    if count > 0 {
        let number = count.to_string();
        let details = [("keys", number.as_str())];
        root.audit()?
            .append(time, &Entry { deed: Deed::KeyWrapped, subject: "keys of sealed files", details: &details })?;
    }
    Ok(count)
}

fn rewrap_all(root: &Root, now: &Keys, before: &Keys) -> Result<usize, Error> {
    let mut count = 0;
    for name in names(&now.place).map_err(|error| root.failed("read", &error))? {
        // What a kill left of an earlier time.
        wipe(&now.place, &file::new(&file_of(&name))).map_err(|error| now.failed("wrap", &name, &error))?;
        if now.load(&name).is_ok() {
            continue;
        }
        let Some(key) = before.load(&name)? else { continue };
        let failed = |error: io::Error| now.failed("wrap", &name, &error);
        let (file, new) = (file_of(&name), file::new(&file_of(&name)));
        let wrapped = marked(&name, now.wrap.seal(&beside(&name), key.bytes())?);
        write_new(&now.place, &new, &wrapped).map_err(failed)?;
        // The two change places, so that at no time there is none.
        match rustix::fs::renameat_with(&now.place, &*new, &now.place, &*file, RenameFlags::EXCHANGE) {
            Ok(()) => now.place.sync().and_then(|()| wipe(&now.place, &new)).map_err(failed)?,
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                rustix::fs::renameat(&now.place, &*new, &now.place, &*file).map_err(|error| failed(error.into()))?;
            }
            Err(error) => return Err(failed(error.into())),
        }
        now.place.sync().map_err(failed)?;
        count += 1;
    }
    Ok(count)
}

/// Overwrites and removes a key of a store; whether it was there.
///
/// # Errors
/// What the system says.
pub(super) fn destroy(root: &Root, name: &str) -> io::Result<bool> {
    let place = root.place.room_if_there(KEYS).map_err(|error| io::Error::other(error.to_string()))?;
    let Some(place) = place else { return Ok(false) };
    let was_there = place.stat(file_of(name))?.is_some();
    destroy_in(&place, name).map(|()| was_there)
}

fn destroy_in(place: &Place, name: &str) -> io::Result<()> {
    // What a kill left while it was wrapped anew, too.
    for file in [file_of(name), file::new(&file_of(name)), spans_of(name), file::new(&spans_of(name))] {
        wipe(place, &file)?;
    }
    Ok(())
}

/// The spans of a file that is a segment now.
///
/// # Errors
/// What the system says.
pub(super) fn discard_spans(root: &Root, name: &str) -> io::Result<()> {
    let place = root.place.room_if_there(KEYS).map_err(|error| io::Error::other(error.to_string()))?;
    place.map_or(Ok(()), |place| discard(&place, &spans_of(name)))
}

/// Whether a key is there and whole, and the spans of one whose file is no segment yet.
///
/// # Errors
/// What the system says.
pub(super) fn is_there(root: &Root, name: &str, is_segment: bool) -> Result<bool, Error> {
    let Some(place) = root.place.room_if_there(KEYS)? else { return Ok(false) };
    let failed = |error: io::Error| root.failed("read", &error);
    let spans = place.stat(spans_of(name)).map_err(failed)?;
    let has_spans = spans.is_some_and(|spans| spans.st_size >= SPAN as i64);
    let kept = match file::read(&place, &file_of(name), FILE_BYTES) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => None,
        read => read.map_err(failed)?,
    };
    Ok((is_segment || has_spans) && kept.is_some_and(|kept| whole(name, &kept).is_some()))
}

/// Whether what says by itself which file keys are wrapped with is there.
///
/// # Errors
/// What the system says.
pub(super) fn has_check(root: &Root) -> Result<bool, Error> {
    let Some(place) = root.place.room_if_there(KEYS)? else { return Ok(false) };
    let stat = place.stat(CHECK).map_err(|error| root.failed("read", &error))?;
    Ok(stat.is_some_and(|stat| stat.st_size == Wrap::WRAPPED_BYTES as i64))
}

/// A wrapped key, and a mark that it is whole and this one's: whoever cannot open it sees that.
fn marked(name: &str, wrapped: Vec<u8>) -> Vec<u8> {
    let mark = mark(name, &wrapped);
    [wrapped, mark.to_vec()].concat()
}

fn whole<'k>(name: &str, kept: &'k [u8]) -> Option<&'k [u8]> {
    let (wrapped, found) = kept.split_at_checked(Wrap::WRAPPED_BYTES)?;
    (*found == mark(name, wrapped)).then_some(wrapped)
}

fn mark(name: &str, wrapped: &[u8]) -> [u8; MARK_BYTES] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(beside(name).as_bytes()).update(wrapped);
    hasher.finalize().as_bytes()[..MARK_BYTES].try_into().expect("as long")
}

/// What stands among the keys: what keys are called, and what nothing of ours is.
///
/// # Errors
/// What the system says.
pub(super) fn all(root: &Root) -> Result<(BTreeSet<String>, Vec<String>), Error> {
    let (mut found, mut strange) = (BTreeSet::new(), Vec::new());
    let Some(place) = root.place.room_if_there(KEYS)? else { return Ok((found, strange)) };
    for name in names_in(&place).map_err(|error| root.failed("read", &error))? {
        match name.strip_suffix(FILE).or(name.strip_suffix(SPANS)) {
            _ if matches!(name.as_str(), "." | ".." | CHECK) || file::is_new(&name) => {}
            Some(key) if is_digits(key) => drop(found.insert(key.to_owned())),
            _ => strange.push(format!("{KEYS}/{name}")),
        }
    }
    strange.sort();
    Ok((found, strange))
}

fn names(place: &Place) -> io::Result<Vec<String>> {
    let names = names_in(place)?.into_iter();
    let mut names: Vec<String> =
        names.filter_map(|name| Some(name.strip_suffix(FILE).filter(|key| is_digits(key))?.to_owned())).collect();
    names.sort();
    Ok(names)
}

/// Writes zeros over a file and removes it, durably but for its name.
fn wipe(place: &Place, name: &str) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = match rustix::fs::openat(place, name, flags, Mode::empty()) {
        Ok(fd) => fd,
        // No file of ours: a link, or a pipe that nobody reads.
        Err(Errno::NOENT) => return Ok(()),
        Err(Errno::LOOP | Errno::NXIO) => return discard(place, name),
        Err(error) => return Err(error.into()),
    };
    let stat = rustix::fs::fstat(&fd)?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
        if stat.st_nlink > 1 {
            let why = format!("`{name}` has a second name somewhere; remove that");
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        write_all(&fd, &vec![0; stat.st_size.clamp(0, MOST_BYTES) as usize])?;
        sync(&fd)?;
    }
    discard(place, name)
}

/// Writes a file that there is none of, durably, for nobody else to read.
fn write_new(place: &Place, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mode = Mode::RUSR | Mode::WUSR;
    let is_final = !file::is_new(name);
    let begun = if is_final { file::new(name) } else { name.to_owned() };
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(place, begun.as_str(), flags, mode)?;
    rustix::fs::fchmod(&fd, mode)?;
    write_all(&fd, bytes)?;
    sync(&fd)?;
    if is_final {
        crate::state::place::rename(place, &begun, place, name, RenameFlags::NOREPLACE)?;
    }
    place.sync()
}

fn file_of(name: &str) -> String {
    format!("{name}{FILE}")
}

fn spans_of(name: &str) -> String {
    format!("{name}{SPANS}")
}

/// What a key is wrapped as, so that none can stand in the place of another, nor of an epoch's.
fn beside(name: &str) -> String {
    format!("store/{name}")
}

const MARK_BYTES: usize = 16;
const FILE_BYTES: u64 = (Wrap::WRAPPED_BYTES + MARK_BYTES) as u64;
pub(super) const KEYS: &str = "keys";
const CHECK: &str = "check";
const FILE: &str = ".key";
const SPANS: &str = ".spans";
const DAMAGED: &str = "it is damaged, or wrapped with another file because a change of the file was not finished; go on with \
                       sladd key rotate --wrap --old-wrap FILE --policy POLICY";
const NO_SPANS: &str = "its spans are missing, without which its file cannot be read; restore them, or remove the file";
const ELSEWISE: &str = "the keys are wrapped with another file than that of `wrap`; name that one, or go on with \
                        sladd key rotate --wrap --old-wrap FILE --policy POLICY";

/// No key and no spans of ours are longer.
const MOST_BYTES: i64 = 4 << 20;
