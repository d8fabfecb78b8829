//! Texts of policies under their digests, so that what was written under one can be made again under the same.

use super::place::{Place, rename, sync};
use crate::output::{fresh::discard, write_all};
use rustix::{
    fs::{AtFlags, Mode, OFlags, RenameFlags},
    io::Errno,
};
use std::{
    collections::BTreeSet,
    fmt,
    fs::File,
    io::{self, Read},
    str::FromStr,
};

/// BLAKE3 of a policy and what it is based on. Displays as 64 hexadecimal digits, which is its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl FromStr for Digest {
    type Err = blake3::HexError;

    fn from_str(text: &str) -> Result<Digest, blake3::HexError> {
        Ok(Digest(*blake3::Hash::from_hex(text)?.as_bytes()))
    }
}

/// Keeps a text under its digest, durably. Nothing where it is kept already.
///
/// # Errors
/// What the system says.
pub fn keep(room: &Place, digest: &Digest, text: &str) -> io::Result<()> {
    let name = file_name(digest);
    if room.stat(name.as_str())?.is_some() {
        return Ok(());
    }
    discard(room, NEW)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // It may hold what its own file showed to nobody else.
    let mode = Mode::from_raw_mode(0o600);
    let fd = rustix::fs::openat(room, NEW, flags, mode)?;
    rustix::fs::fchmod(&fd, mode)?;
    write_all(&fd, text.as_bytes())?;
    sync(&fd)?;
    match rename(room, NEW, room, name.as_str(), RenameFlags::NOREPLACE) {
        Ok(()) => {}
        Err(Errno::EXIST) => discard(room, NEW)?,
        Err(error) => return Err(error.into()),
    }
    room.sync()
}

/// The text that is kept under a digest, if it is there. Whether it still is what it was shows its digest, which the caller
/// makes anew, because only he knows what it is made of.
///
/// # Errors
/// What the system says.
pub fn kept(room: &Place, digest: &Digest) -> io::Result<Option<String>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = match rustix::fs::openat(room, file_name(digest), flags, Mode::empty()) {
        Ok(fd) => fd,
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut text = Vec::new();
    File::from(fd).take(MAX_BYTES).read_to_end(&mut text)?;
    Ok(String::from_utf8(text).ok())
}

/// Takes away every text that is not named.
///
/// # Errors
/// What the system says.
pub fn prune(room: &Place, named: &BTreeSet<Digest>) -> io::Result<()> {
    for entry in rustix::fs::Dir::read_from(room)? {
        let entry = entry?;
        let name = entry.file_name().to_str().unwrap_or_default();
        let digest = name.strip_suffix(SUFFIX).and_then(|text| text.parse().ok());
        if digest.is_some_and(|digest| !named.contains(&digest)) {
            rustix::fs::unlinkat(room, name, AtFlags::empty())?;
        }
    }
    Ok(())
}

fn file_name(digest: &Digest) -> String {
    format!("{digest}{SUFFIX}")
}

const SUFFIX: &str = ".toml";
const NEW: &str = "new";
const MAX_BYTES: u64 = 16 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_kept_until_nothing_names_it() {
        let room = tempfile::tempdir().unwrap();
        let place = Place::open(room.path()).unwrap();
        let (first, second) = (Digest([1; 32]), Digest([0xab; 32]));
        keep(&place, &first, "one").unwrap();
        keep(&place, &first, "another").unwrap();
        keep(&place, &second, "two").unwrap();
        assert_eq!(kept(&place, &first).unwrap().as_deref(), Some("one"));
        std::fs::write(room.path().join("note"), "not ours").unwrap();
        prune(&place, &BTreeSet::from([second])).unwrap();
        assert_eq!(kept(&place, &first).unwrap(), None);
        assert_eq!(kept(&place, &second).unwrap().as_deref(), Some("two"));
        assert!(room.path().join("note").exists());
        assert_eq!(second.to_string().parse::<Digest>().unwrap(), second);
    }
}
