//! A file that is read from its beginning to its end. It is never mapped: one that is cut meanwhile must not kill us.

use rustix::{
    fs::{FileType, Mode, OFlags, Stat},
    io::Errno,
};
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// What tells a file from others and from what it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The device it is on.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// Bytes.
    pub size: u64,
    /// When it was last written: seconds and nanoseconds.
    pub modified: (i64, u32),
    /// Permission bits.
    pub mode: u32,
    /// How many names it has.
    pub links: u64,
}

impl Identity {
    /// Of what `stat` told.
    // The types of these fields differ from system to system.
    #[allow(clippy::unnecessary_cast, clippy::useless_conversion)]
    pub fn of(stat: &Stat) -> Identity {
        Identity {
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified: (stat.st_mtime as i64, stat.st_mtime_nsec as u32),
            mode: (stat.st_mode as u32) & 0o7777,
            links: stat.st_nlink as u64,
        }
    }

    /// Whether it is the same file with the same content, as far as can be told without reading it.
    pub fn is_same(&self, other: &Identity) -> bool {
        (self.device, self.inode, self.size, self.modified) == (other.device, other.inode, other.size, other.modified)
    }
}

/// A regular file, open for reading.
#[derive(Debug)]
pub struct Plain {
    file: File,
    opened: Identity,
}

impl Plain {
    /// Opens it. The last part of the path may not be a symlink, and only a regular file is one; nothing waits for a writer.
    ///
    /// # Errors
    /// [`io::ErrorKind::Unsupported`], with what it is instead, where it is no regular file; else what the system says.
    pub fn open(path: &Path) -> io::Result<Plain> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| match error {
            Errno::LOOP => unsupported(FileType::Symlink),
            // A socket cannot be opened.
            Errno::NXIO => unsupported(FileType::Socket),
            error => error.into(),
        })?;
        let stat = rustix::fs::fstat(&fd)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Ok(Plain { file: fd.into(), opened: Identity::of(&stat) }),
            other => Err(unsupported(other)),
        }
    }

    /// What it was when it was opened.
    pub fn opened(&self) -> Identity {
        self.opened
    }

    /// What it is now.
    ///
    /// # Errors
    /// What the system says.
    pub fn now(&self) -> io::Result<Identity> {
        Ok(Identity::of(&rustix::fs::fstat(&self.file)?))
    }
}

impl Read for Plain {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.file.read(out) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }
}

/// What something is that is no regular file: `a FIFO`.
pub fn what(kind: FileType) -> &'static str {
    match kind {
        FileType::RegularFile => "a file",
        FileType::Directory => "a directory",
        FileType::Symlink => "a symlink, which is not followed",
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        FileType::Unknown => "no regular file",
    }
}

fn unsupported(kind: FileType) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, what(kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink};

    #[test]
    fn only_a_regular_file_is_opened_and_nothing_waits() {
        let room = tempfile::tempdir().unwrap();
        let at = |name: &str| room.path().join(name);
        fs::write(at("log"), "line\n").unwrap();
        symlink(at("log"), at("link")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, at("fifo"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        for (path, kind) in [
            (at("link"), "a symlink, which is not followed"),
            (at("fifo"), "a FIFO"),
            (at("socket"), "a socket"),
            (room.path().to_path_buf(), "a directory"),
            ("/dev/null".into(), "a device"),
        ] {
            let error = Plain::open(&path).unwrap_err();
            assert_eq!((error.kind(), error.to_string()), (io::ErrorKind::Unsupported, kind.to_owned()));
        }
        assert_eq!(Plain::open(&at("missing")).unwrap_err().kind(), io::ErrorKind::NotFound);
        let mut text = String::new();
        Plain::open(&at("log")).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "line\n");
    }

    #[test]
    fn a_file_that_was_written_since_is_told_from_what_it_was() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("log");
        fs::write(&path, "line\n").unwrap();
        let file = Plain::open(&path).unwrap();
        assert!(file.now().unwrap().is_same(&file.opened()));
        fs::write(&path, "line\nline\n").unwrap();
        assert!(!file.now().unwrap().is_same(&file.opened()));
        assert_eq!(file.now().unwrap().inode, file.opened().inode);
    }
}
