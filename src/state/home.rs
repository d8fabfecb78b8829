//! The directory that a long run keeps its state in: one process at a time, a key of its own, a format with a number.

use super::{
    place::{Place, rename, sync},
    policies::{self, Digest},
};
use crate::{
    error::{Error, Kind},
    key::random,
    output::{fresh::discard, write_all},
};
use rustix::{
    fs::{FileType, FlockOperation, Mode, OFlags, RenameFlags},
    io::Errno,
};
use std::{
    fs::File,
    io::{self, Read},
    os::fd::OwnedFd,
    path::Path,
};

/// The directory, held open and locked as long as this lives.
#[derive(Debug)]
pub struct Home {
    place: Place,
    key: Key,
    boot: Boot,
    _lock: OwnedFd,
}

/// The key of a state directory. It makes digests of what was read that nobody else can make or try out.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl Key {
    /// A key of its own for each use.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        *blake3::keyed_hash(&self.0, purpose.as_bytes()).as_bytes()
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

/// Which start of the machine this is. What a process wrote is there until the machine stops, synced or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boot(pub [u8; 16]);

impl Boot {
    /// As the system says. Where it does not, all starts are one: what looks like a loss of power is then damage.
    pub fn now() -> Boot {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
        Boot(u128::from_str_radix(&digits, 16).unwrap_or(0).to_be_bytes())
    }
}

impl Home {
    /// Opens the directory, and makes it if it is missing.
    ///
    /// # Errors
    /// [`Kind::CannotCreate`] where another process works on it; [`Kind::Data`] where a newer sladd wrote it or its key is
    /// missing or damaged; [`Kind::Permission`], [`Kind::Io`]
    pub fn open(path: &Path, boot: Boot) -> Result<Home, Error> {
        let place = Place::create(path)?;
        let stat = rustix::fs::fstat(&place).map_err(|error| failed(&place, "use", &error.into()))?;
        if stat.st_uid != rustix::process::geteuid().as_raw() {
            let why = "it belongs to another user; run sladd as its owner";
            return Err(Error::new(Kind::Permission, format!("cannot use `{}`: {why}", place.path().display())));
        }
        let lock = lock(&place)?;
        check_format(&place)?;
        let key = obtain(&place)?;
        Ok(Home { place, key, boot, _lock: lock })
    }

    /// The directory.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Its key.
    pub fn key(&self) -> &Key {
        &self.key
    }

    pub(super) fn boot(&self) -> Boot {
        self.boot
    }

    /// Keeps the text of a policy, to be called before anything is written under it. It goes when no journal names it any
    /// more.
    ///
    /// # Errors
    /// [`Kind::Io`], [`Kind::Permission`]
    pub fn keep_policy(&self, digest: &Digest, text: &str) -> Result<(), Error> {
        let room = self.place.room(POLICIES, 0o750)?;
        policies::keep(&room, digest, text).map_err(|error| failed(&room, "keep the policy in", &error))
    }

    /// The text of a policy that was kept, if it is there.
    ///
    /// # Errors
    /// [`Kind::Io`], [`Kind::Permission`]
    pub fn kept_policy(&self, digest: &Digest) -> Result<Option<String>, Error> {
        let Some(room) = self.place.room_if_there(POLICIES)? else { return Ok(None) };
        policies::kept(&room, digest).map_err(|error| failed(&room, "read", &error))
    }

    pub(super) fn prune_policies(&self, named: &std::collections::BTreeSet<Digest>) -> Result<(), Error> {
        let Some(room) = self.place.room_if_there(POLICIES)? else { return Ok(()) };
        policies::prune(&room, named).map_err(|error| failed(&room, "clear", &error))
    }

    /// Marks the state as begun: from here on a missing checkpoint is damage, and not a first start.
    pub(super) fn mark_begun(&self) -> Result<(), Error> {
        if self.is_begun()? {
            return Ok(());
        }
        let mark = || -> io::Result<()> {
            make(&self.place, FORMAT, FORMAT_TEXT.as_bytes(), 0o640)?;
            self.place.sync()
        };
        mark().map_err(|error| failed(&self.place, "write in", &error))
    }

    pub(super) fn is_begun(&self) -> Result<bool, Error> {
        let there = self.place.stat(FORMAT).map_err(|error| failed(&self.place, "read", &error))?;
        Ok(there.is_some())
    }

    /// The state is not what was written. Never guessed at: the one who runs it decides.
    pub(super) fn broken(&self, what: &str) -> Error {
        broken(&self.place, what)
    }

    pub(super) fn failed(&self, deed: &str, error: &io::Error) -> Error {
        failed(&self.place, deed, error)
    }
}

/// A whole file of the state, if it is there, and no longer than `max_bytes`.
pub(super) fn read(place: &Place, name: &str, max_bytes: u64) -> io::Result<Option<Vec<u8>>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = match rustix::fs::openat(place, name, flags, Mode::empty()) {
        Ok(fd) => fd,
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut bytes = Vec::new();
    File::from(fd).take(max_bytes).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// A file that is whole and durable, under a name that is not yet its own.
pub(super) fn stage(place: &Place, bytes: &[u8], mode: u32) -> io::Result<()> {
    discard(place, NEW)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(mode);
    let fd = rustix::fs::openat(place, NEW, flags, Mode::RUSR | Mode::WUSR)?;
    write_all(&fd, bytes)?;
    rustix::fs::fchmod(&fd, mode)?;
    sync(&fd)
}

/// A file that is there whole or not at all, where nothing has its name.
fn make(place: &Place, name: &str, bytes: &[u8], mode: u32) -> io::Result<()> {
    stage(place, bytes, mode)?;
    rename(place, NEW, place, name, RenameFlags::NOREPLACE)?;
    Ok(())
}

fn lock(place: &Place) -> Result<OwnedFd, Error> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(place, LOCK, flags, Mode::from_raw_mode(0o640))
        .map_err(|error| failed(place, "lock", &error.into()))?;
    loop {
        match rustix::fs::flock(&fd, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(fd),
            Err(Errno::INTR) => {}
            Err(Errno::WOULDBLOCK) => {
                let path = place.path().display();
                let why = format!("another sladd works with the state in `{path}`; stop that one, or choose another");
                return Err(Error::new(Kind::CannotCreate, why));
            }
            Err(error) => return Err(failed(place, "lock", &error.into())),
        }
    }
}

fn check_format(place: &Place) -> Result<(), Error> {
    let Some(text) = read(place, FORMAT, 64).map_err(|error| failed(place, "read", &error))? else { return Ok(()) };
    if text == FORMAT_TEXT.as_bytes() {
        return Ok(());
    }
    let number = text.strip_prefix(FORMAT_WORDS.as_bytes()).and_then(|rest| rest.strip_suffix(b"\n"));
    let number = number.and_then(|digits| std::str::from_utf8(digits).ok()).and_then(|digits| digits.parse().ok());
    match number {
        Some(1..=FORMAT_NUMBER) | None => Err(broken(place, "`format` is damaged")),
        Some(newer) => {
            let path = place.path().display();
            let why = format!("a newer sladd wrote it (format {newer}, this one knows {FORMAT_NUMBER}); run that one");
            Err(Error::new(Kind::Data, format!("cannot use the state in `{path}`: {why}")))
        }
    }
}

/// The key there is, or a new one. Only the holder of the lock comes here.
fn obtain(place: &Place) -> Result<Key, Error> {
    let cannot = |error: io::Error| failed(place, "read the key in", &error);
    match place.stat(KEY).map_err(cannot)? {
        Some(stat) => {
            if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile || stat.st_nlink != 1 {
                return Err(broken(place, "`key` is no plain file with one name"));
            }
            if stat.st_mode & 0o077 != 0 {
                let path = place.path().join(KEY);
                let why = format!("cannot use `{}`: others can read it; run chmod 400", path.display());
                return Err(Error::new(Kind::Permission, why));
            }
            let bytes = read(place, KEY, 64).map_err(cannot)?.unwrap_or_default();
            let key = <[u8; 32]>::try_from(bytes).map_err(|_| broken(place, "`key` is damaged"))?;
            Ok(Key(key))
        }
        None => {
            let of_another = |name: &str| place.stat(name).map_err(cannot).map(|stat| stat.is_some());
            if of_another(FORMAT)? || of_another("checkpoint.0")? || of_another("checkpoint.1")? {
                return Err(broken(place, "`key` is missing"));
            }
            let mut key = [0; 32];
            random(&mut key)?;
            let written = make(place, KEY, &key, 0o400).and_then(|()| place.sync());
            written.map_err(|error| failed(place, "write the key in", &error))?;
            Ok(Key(key))
        }
    }
}

fn broken(place: &Place, what: &str) -> Error {
    let path = place.path().display();
    let remedy = "restore it, or move the directory away to start afresh: every file is then read as on a first start, and \
                  the last lines of the outputs may stand twice";
    Error::new(Kind::Data, format!("cannot go on from the state in `{path}`: {what}; {remedy}"))
}

pub(super) fn failed(place: &Place, deed: &str, error: &io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied => Kind::Permission,
        _ => Kind::Io,
    };
    Error::new(kind, format!("cannot {deed} `{}`: {error}", place.path().display()))
}

/// What [`stage`] makes.
pub(super) const NEW: &str = "new";
const KEY: &str = "key";
const LOCK: &str = "lock";
const POLICIES: &str = "policies";
const FORMAT: &str = "format";
const FORMAT_WORDS: &str = "sladd sidecar state ";
const FORMAT_NUMBER: u32 = 1;
const FORMAT_TEXT: &str = "sladd sidecar state 1\n";

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs,
        os::unix::fs::{MetadataExt, PermissionsExt},
    };

    const HERE: Boot = Boot([7; 16]);

    #[test]
    fn the_key_is_made_once_and_only_the_owner_reads_it() {
        let room = tempfile::tempdir().unwrap();
        let first = Home::open(room.path(), HERE).unwrap().key().derive("a");
        let home = Home::open(room.path(), HERE).unwrap();
        assert_eq!(home.key().derive("a"), first);
        assert_ne!(home.key().derive("b"), first);
        assert_eq!(format!("{:?}", home.key()), "Key");
        assert_eq!(fs::metadata(room.path().join(KEY)).unwrap().mode() & 0o7777, 0o400);
    }

    #[test]
    fn a_second_process_is_refused_by_name() {
        let room = tempfile::tempdir().unwrap();
        let _first = Home::open(room.path(), HERE).unwrap();
        let path = room.path().display();
        let error = Home::open(room.path(), HERE).unwrap_err();
        assert_eq!(error.kind(), Kind::CannotCreate);
        assert_eq!(
            error.to_string(),
            format!("another sladd works with the state in `{path}`; stop that one, or choose another")
        );
    }

    #[test]
    fn a_newer_format_is_refused_and_a_damaged_one_too() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().display();
        fs::write(room.path().join(FORMAT), "sladd sidecar state 2\n").unwrap();
        assert_eq!(
            Home::open(room.path(), HERE).unwrap_err().to_string(),
            format!(
                "cannot use the state in `{path}`: a newer sladd wrote it (format 2, this one knows 1); run that one"
            )
        );
        for damaged in ["", "sladd sidecar state 0\n", "sladd sidecar state 1", "sladd sidecar state x\n"] {
            fs::write(room.path().join(FORMAT), damaged).unwrap();
            assert_eq!(Home::open(room.path(), HERE).unwrap_err().kind(), Kind::Data);
        }
    }

    #[test]
    fn a_key_that_is_missing_short_or_open_to_others_is_refused() {
        let room = tempfile::tempdir().unwrap();
        let key = room.path().join(KEY);
        Home::open(room.path(), HERE).unwrap().mark_begun().unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o440)).unwrap();
        assert_eq!(Home::open(room.path(), HERE).unwrap_err().kind(), Kind::Permission);
        fs::remove_file(&key).unwrap();
        assert_eq!(Home::open(room.path(), HERE).unwrap_err().kind(), Kind::Data);
        fs::write(&key, [1; 31]).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o400)).unwrap();
        assert_eq!(Home::open(room.path(), HERE).unwrap_err().kind(), Kind::Data);
        fs::remove_file(&key).unwrap();
        std::os::unix::fs::symlink("elsewhere", &key).unwrap();
        assert_eq!(Home::open(room.path(), HERE).unwrap_err().kind(), Kind::Data);
        assert!(!room.path().join("elsewhere").exists());
    }
}
