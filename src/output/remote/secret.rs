//! A token or key in a file that others cannot read.

use crate::error::{Error, Kind};
use rustix::{
    fs::{Mode, OFlags, Stat},
    io::Errno,
};
use std::{
    fmt, fs, io,
    io::Read,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// What stood in the file when it was read last.
pub(super) struct Secret {
    path: PathBuf,
    bytes: Zeroizing<Vec<u8>>,
    seen: Seen,
}

/// What tells a file that was changed or put in another's place.
#[derive(PartialEq, Eq)]
struct Seen {
    device: u64,
    inode: u64,
    size: i64,
    modified: (i64, i64),
}

impl Secret {
    /// Reads it, without the line end behind it. Links are followed: secrets of a pod are links.
    ///
    /// # Errors
    /// [`Kind::NoInput`], [`Kind::Permission`], [`Kind::Io`]; [`Kind::Config`] where others can read it, or it is empty, too
    /// long or holds more than one line of printable characters.
    pub fn read(path: &Path) -> Result<Secret, Error> {
        let (bytes, seen) = read(path, MOST_BYTES)?;
        let end = bytes.iter().rposition(|byte| !byte.is_ascii_whitespace()).map_or(0, |last| last + 1);
        let bytes = Zeroizing::new(bytes[..end].to_vec());
        if bytes.is_empty() || !bytes.iter().all(|byte| (0x20..0x7f).contains(byte)) {
            return Err(refuse(path, "holds no single line of printable characters; write the secret alone into it"));
        }
        Ok(Secret { path: path.to_owned(), bytes, seen })
    }

    /// Reads it again if the file changed. Whether what is in it is another now.
    ///
    /// # Errors
    /// As [`read`](Self::read); what was known stays.
    pub fn refresh(&mut self) -> Result<bool, Error> {
        let stat = rustix::fs::stat(&self.path).map_err(|errno| failed(&self.path, errno.into()))?;
        if Seen::of(&stat) == self.seen {
            return Ok(false);
        }
        let new = Secret::read(&self.path)?;
        let differs = new.bytes != self.bytes;
        *self = new;
        Ok(differs)
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Seen {
    fn of(stat: &Stat) -> Seen {
        Seen {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: stat.st_size,
            modified: (stat.st_mtime, stat.st_mtime_nsec as i64),
        }
    }
}

/// All of a private key's file.
///
/// # Errors
/// As [`Secret::read`].
pub(super) fn private(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    read(path, MOST_KEY_BYTES).map(|(bytes, _)| bytes)
}

fn read(path: &Path, most: u64) -> Result<(Zeroizing<Vec<u8>>, Seen), Error> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| failed(path, errno.into()))?;
    let stat = rustix::fs::fstat(&fd).map_err(|errno| failed(path, errno.into()))?;
    if rustix::fs::FileType::from_raw_mode(stat.st_mode) != rustix::fs::FileType::RegularFile {
        return Err(refuse(path, "is no file"));
    }
    let own = rustix::process::geteuid().as_raw();
    if stat.st_uid != own && stat.st_uid != 0 {
        return Err(refuse(path, "belongs to another user; run chown"));
    }
    // A group may read it: that is how a pod hands secrets to a user who is not root.
    if stat.st_mode & 0o037 != 0 {
        let who = if stat.st_mode & 0o004 != 0 { "readable" } else { "writable" };
        return Err(refuse(path, &format!("is {who} by others; run chmod 400")));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(most as usize + 1));
    fs::File::from(fd).take(most + 1).read_to_end(&mut bytes).map_err(|error| failed(path, error))?;
    if bytes.len() as u64 > most {
        return Err(refuse(path, "is too long"));
    }
    Ok((bytes, Seen::of(&stat)))
}

fn refuse(path: &Path, why: &str) -> Error {
    Error::new(Kind::Config, format!("cannot use secret: {} {why}", path.display()))
}

fn failed(path: &Path, error: io::Error) -> Error {
    let kind = match Errno::from_io_error(&error) {
        Some(Errno::NOENT) => Kind::NoInput,
        Some(Errno::ACCESS | Errno::PERM) => Kind::Permission,
        _ => Kind::Io,
    };
    Error::new(kind, format!("cannot read secret: {}: {}", path.display(), error.kind()))
}

const MOST_BYTES: u64 = 16 << 10;
const MOST_KEY_BYTES: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn file(directory: &tempfile::TempDir, text: &str, mode: u32) -> PathBuf {
        let path = directory.path().join("token");
        let _ = fs::remove_file(&path);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_secret_is_read_without_its_line_end_and_again_when_it_changed() {
        let directory = tempfile::tempdir().unwrap();
        let path = file(&directory, "one two\r\n", 0o600);
        let mut secret = Secret::read(&path).unwrap();
        assert_eq!(secret.bytes(), b"one two");
        assert_eq!(format!("{secret:?}"), "Secret");
        assert!(!secret.refresh().unwrap());
        let path = file(&directory, "three-and-more", 0o440);
        assert!(secret.refresh().unwrap());
        assert_eq!(secret.bytes(), b"three-and-more");
        fs::remove_file(path).unwrap();
        assert_eq!(secret.refresh().unwrap_err().kind(), Kind::NoInput);
        assert_eq!(secret.bytes(), b"three-and-more");
    }

    #[test]
    fn a_secret_that_others_can_read_or_that_is_none_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        for (text, mode) in [("x", 0o644), ("x", 0o604), ("x", 0o620), ("", 0o600), ("a\nb", 0o600), ("\u{e5}", 0o600)]
        {
            let error = Secret::read(&file(&directory, text, mode)).unwrap_err();
            assert_eq!(error.kind(), Kind::Config, "{error}");
        }
        let long = "x".repeat(20_000);
        assert!(Secret::read(&file(&directory, &long, 0o600)).is_err());
        assert!(Secret::read(directory.path()).is_err());
    }
}
