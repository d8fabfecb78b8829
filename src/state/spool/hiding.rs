//! What hides the files of a spool while they wait, where their output is sealed.
//!
//! ```text
//! spool/NAME/key              the secret of all its files, wrapped
//! spool/NAME/NUMBER.spans     of a file that lies hidden, and of no other
//! ```
//! A file is unlinked when its receiver has it; the secret stays for those that come.

use super::{ACKNOWLEDGED, file_name};
use crate::{
    error::{Error, Kind},
    key::{Wrap, random},
    output::{
        fresh::discard,
        segment::{Segment, Veiled, restore},
        write_all,
    },
    seal::{FileKey, Veil},
    state::{
        files::failed,
        home::{NEW, stage},
        place::{Place, sync},
    },
};
use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};
use std::{fs::File, io, os::fd::OwnedFd, path::Path};

/// What the files of a spool are hidden with.
#[derive(Clone, Debug, Default)]
pub struct Hiding {
    /// None: what is new lies plainly, and nothing hidden can be read.
    key: Option<FileKey>,
    hides: bool,
}

impl Hiding {
    /// Of the spool in a directory. `hides`: what is new is hidden; then there must be something to wrap its secret with.
    ///
    /// # Errors
    /// [`Kind::Config`] where the secret is wrapped with another file; [`Kind::Io`], [`Kind::Permission`]
    pub fn open(place: &Place, wrap: Option<&Wrap>, hides: bool) -> Result<Hiding, Error> {
        let key = match (wrap, read(place)?) {
            (Some(wrap), Some(kept)) => Some(unwrapped(place, wrap, &kept)?),
            (Some(wrap), None) if hides => {
                let key = FileKey::new(random)?;
                write(place, wrap, &key)?;
                Some(key)
            }
            (None, _) if hides => return Err(unnamed(place)),
            (_, _) => None,
        };
        Ok(Hiding { key, hides })
    }

    /// Of a new file.
    pub(super) fn begin(&self, place: &Place, number: u64) -> Result<Option<Veiled>, Error> {
        let Some(key) = self.key.as_ref().filter(|_| self.hides) else { return Ok(None) };
        let key = key.of_part(number);
        let span = key.veil().begin(0, random)?;
        let cannot = |error: io::Error| failed(place, "write in", &error);
        stage(place, &span, 0o640).map_err(cannot)?;
        rustix::fs::renameat(place, NEW, place, spans(number)).map_err(|error| cannot(error.into()))?;
        place.sync().map_err(cannot)?;
        self.veiled(place, number, true)
    }

    /// Of a file that is there, to be written on; `None`: it lies plainly.
    fn veiled(&self, place: &Place, number: u64, is_new: bool) -> Result<Option<Veiled>, Error> {
        let cannot = |error: io::Error| failed(place, "read", &error);
        let Some(kept) = kept(place, number, OFlags::RDWR).map_err(cannot)? else { return Ok(None) };
        let key = self.key.as_ref().ok_or_else(|| unnamed(place))?;
        Veiled::new(&key.of_part(number), kept, is_new).map(Some).map_err(cannot)
    }

    /// Of a file that is read; `None`: it lies plainly.
    pub(super) fn veil(&self, place: &Place, number: u64) -> io::Result<Option<Veil>> {
        let Some(kept) = kept(place, number, OFlags::RDONLY)? else { return Ok(None) };
        let key = self.key.as_ref().ok_or_else(|| io::Error::other(unnamed(place).to_string()))?;
        restore(&key.of_part(number), File::from(kept)).map(|(veil, _)| Some(veil))
    }
}

/// A file of a spool as it has to be, to be put right.
///
/// # Errors
/// As [`Hiding::open`]
pub fn dress(segment: Segment, wrap: Option<&Wrap>) -> Result<Segment, Error> {
    let path = segment.found();
    let number = path.file_name().and_then(|name| super::number_of(name.to_str()?));
    let (Some(number), Some(directory)) = (number, path.parent()) else { return Ok(segment) };
    // Another output may be called by a number.
    if !directory.join(ACKNOWLEDGED).is_file() {
        return Ok(segment);
    }
    let place = Place::open(directory)?;
    let veiled = Hiding::open(&place, wrap, false)?.veiled(&place, number, false)?;
    Ok(match veiled {
        Some(veiled) => segment.under(veiled),
        None => segment,
    })
}

/// Wraps the secret of a spool with another file; whether there was one to wrap.
///
/// # Errors
/// As [`Hiding::open`]
pub fn rewrap(directory: &Path, wrap: &Wrap, old: Option<&Wrap>) -> Result<bool, Error> {
    let place = Place::open(directory)?;
    let (Some(kept), Some(old)) = (read(&place)?, old) else { return Ok(false) };
    if unwrapped(&place, wrap, &kept).is_ok() {
        return Ok(false);
    }
    write(&place, wrap, &unwrapped(&place, old, &kept)?)?;
    Ok(true)
}

/// Takes what hid a file away with it.
pub(super) fn forget(place: &Place, number: u64) -> io::Result<()> {
    discard(place, &spans(number))
}

fn kept(place: &Place, number: u64, access: OFlags) -> io::Result<Option<OwnedFd>> {
    let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match rustix::fs::openat(place, spans(number), flags, Mode::empty()) {
        Ok(fd) => Ok(Some(fd)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn read(place: &Place) -> Result<Option<Vec<u8>>, Error> {
    match crate::state::files::read(place, KEY) {
        Ok(kept) => Ok(Some(kept)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(place, "read", &error)),
    }
}

fn write(place: &Place, wrap: &Wrap, key: &FileKey) -> Result<(), Error> {
    let cannot = |error: io::Error| failed(place, "write in", &error);
    let wrapped = wrap.seal(KEPT_AS, key.bytes())?;
    // Under a name that whoever writes the spool meanwhile does not use.
    let begun = || -> io::Result<()> {
        discard(place, KEY_NEW)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(place, KEY_NEW, flags, Mode::RUSR | Mode::WUSR)?;
        write_all(&fd, &wrapped)?;
        sync(&fd)?;
        rustix::fs::renameat(place, KEY_NEW, place, KEY)?;
        place.sync()
    };
    begun().map_err(cannot)
}

fn unwrapped(place: &Place, wrap: &Wrap, kept: &[u8]) -> Result<FileKey, Error> {
    wrap.open(KEPT_AS, kept).map(FileKey::from).ok_or_else(|| {
        let why = "it is damaged, or wrapped with another file than that of `wrap`; name that one, or go on with \
                   sladd key rotate --wrap --old-wrap FILE --policy POLICY";
        Error::new(Kind::Config, format!("cannot use `{}`: {why}", place.path().join(KEY).display()))
    })
}

fn unnamed(place: &Place) -> Error {
    let why = "name the file that its key is wrapped with: `wrap` in [keys]";
    Error::new(Kind::Config, format!("what waits in `{}` is sealed: {why}", place.path().display()))
}

fn spans(number: u64) -> String {
    format!("{}.spans", file_name(number))
}

const KEY: &str = "key";
const KEY_NEW: &str = ".key.new";
const KEPT_AS: &str = "spool";
