//! Small files of a store: read whole, and written so that they are there whole or not at all.

use crate::{
    output::{fresh::discard, write_all},
    seal::FileKey,
    state::place::{Place, sync},
};
use rustix::{
    fs::{FileType, Mode, OFlags},
    io::Errno,
};
use std::{
    fs::File,
    io::{self, Read},
    os::fd::AsFd,
};

/// All of a regular file, `None` where there is none. One that is longer than `most` bytes is an error.
pub(super) fn read(place: &Place, name: &str, most: u64) -> io::Result<Option<Vec<u8>>> {
    let Some(file) = open(place, name)? else { return Ok(None) };
    let mut text = Vec::new();
    file.take(most + 1).read_to_end(&mut text)?;
    if text.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("`{name}` is too long for what it is")));
    }
    Ok(Some(text))
}

/// A regular file to be read, `None` where there is none; never through a symlink.
pub(super) fn open(place: impl AsFd, name: &str) -> io::Result<Option<File>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let fd = match rustix::fs::openat(place, name, flags, Mode::empty()) {
        Ok(fd) => fd,
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode) != FileType::RegularFile {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("`{name}` is no plain file")));
    }
    Ok(Some(File::from(fd)))
}

/// A new file under the temporary name that belongs to `name`, 0640 whatever the umask.
pub(super) fn begin(place: &Place, name: &str) -> io::Result<File> {
    let new = new(name);
    discard(place, &new)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(place, new.as_str(), flags, Mode::RUSR | Mode::WUSR)?;
    rustix::fs::fchmod(&fd, Mode::from_raw_mode(0o640))?;
    Ok(File::from(fd))
}

/// Gives a file that is whole its name, durably.
pub(super) fn end(place: &Place, name: &str, file: &File) -> io::Result<()> {
    sync(file)?;
    rustix::fs::renameat(place, new(name).as_str(), place, name)?;
    place.sync()
}

/// Writes a file, in place of the one there may be, durably.
pub(super) fn write(place: &Place, name: &str, text: &[u8]) -> io::Result<()> {
    let file = begin(place, name)?;
    write_all(&file, text)?;
    end(place, name, &file)
}

/// What a file is called before it is whole.
pub(super) fn new(name: &str) -> String {
    format!(".{name}.new")
}

/// Whether a name is one of those.
pub(super) fn is_new(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".new")
}

/// What is packed, opened where it is sealed.
pub(super) fn opened<'r>(packed: impl Read + 'r, key: Option<&FileKey>) -> io::Result<Box<dyn Read + 'r>> {
    Ok(match key {
        Some(key) => Box::new(key.opener(packed)?),
        None => Box::new(packed),
    })
}

/// What makes the digest of lines: under their key, where they are sealed, so that nobody else can try lines out by it.
pub(super) fn hasher(key: Option<&FileKey>) -> blake3::Hasher {
    key.map_or_else(blake3::Hasher::new, |key| blake3::Hasher::new_keyed(&key.of_digest()))
}

/// BLAKE3 in hexadecimal.
pub(super) fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}
