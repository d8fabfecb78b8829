//! The files of the state, and of outputs where they are read again.

use super::place::{Place, sync};
use crate::{
    error::{Error, Kind},
    output::write_all,
};
use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};
use std::{
    fs::File,
    io::{self, Read},
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

/// The names in a directory that are UTF-8, as all of ours are.
///
/// # Errors
/// What the system says.
pub fn names_in(place: &Place) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(place)? {
        names.extend(entry?.file_name().to_str().ok().map(str::to_owned));
    }
    Ok(names)
}

/// Size and digest of a regular file, if there is one.
///
/// # Errors
/// What the system says.
pub fn digest_of(directory: impl AsFd, name: &Path) -> io::Result<Option<(u64, String)>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let fd = match rustix::fs::openat(directory, name, flags, Mode::empty()) {
        Ok(fd) => fd,
        Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let stat = rustix::fs::fstat(&fd)?;
    if rustix::fs::FileType::from_raw_mode(stat.st_mode) != rustix::fs::FileType::RegularFile {
        return Ok(None);
    }
    let mut file = File::from(fd);
    let mut digest = blake3::Hasher::new();
    let mut bytes = vec![0; 256 * 1024];
    let mut size = 0;
    loop {
        match file.read(&mut bytes) {
            Ok(0) => return Ok(Some((size, digest.finalize().to_hex().to_string()))),
            Ok(n) => {
                digest.update(&bytes[..n]);
                size += n as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A file of ours that lines are added to; made if it is missing.
pub(super) fn append(room: &Place, name: &str) -> Result<OwnedFd, Error> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = || -> io::Result<OwnedFd> {
        let fd = rustix::fs::openat(room, name, flags, FILE_MODE)?;
        let stat = rustix::fs::fstat(&fd)?;
        let regular = rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::RegularFile;
        if !regular || stat.st_nlink != 1 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("`{name}` is no plain file of ours")));
        }
        rustix::fs::fchmod(&fd, FILE_MODE)?;
        Ok(fd)
    };
    open().map_err(|error| failed(room, "write in", &error))
}

/// All that is in a file of ours.
pub(super) fn read(room: &Place, name: &str) -> io::Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(room, name, flags, Mode::empty())?;
    let mut text = Vec::new();
    File::from(fd).read_to_end(&mut text)?;
    Ok(text)
}

/// Appends all of it, or nothing: no half line may stand before others.
pub(super) fn write_durably(fd: &OwnedFd, bytes: &[u8]) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    let before = rustix::fs::fstat(fd)?.st_size as u64;
    write_all(fd, bytes).and_then(|()| sync(fd)).inspect_err(|_| {
        let _ = rustix::fs::ftruncate(fd, before);
    })
}

/// What the system said of a deed in the room.
pub(super) fn failed(room: &Place, deed: &str, error: &io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied => Kind::Permission,
        _ => Kind::Io,
    };
    Error::new(kind, format!("cannot {deed} `{}`: {error}", room.path().display()))
}

/// The mode of our files.
pub(super) const FILE_MODE: Mode = Mode::from_raw_mode(0o640);
