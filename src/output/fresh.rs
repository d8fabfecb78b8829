//! A new file that nobody sees before it is whole: it is written under a temporary name, which its maker changes.

use super::write_all;
use crate::{
    encode::Batch,
    error::{Error, Kind},
};
use bzip2::write::BzEncoder;
use flate2::write::GzEncoder;
use liblzma::write::XzEncoder;
use rustix::{
    fs::{AtFlags, Mode, OFlags, Timespec, Timestamps},
    io::Errno,
};
use std::{
    fmt, io,
    io::Write,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
};
use zstd::stream::write::Encoder as ZstEncoder;

/// How a new file is packed. Levels are those of the tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// 0 to 9.
    Gzip(u32),
    /// 1 to 19.
    Zstd(i32),
    /// 1 to 9.
    Bzip2(u32),
    /// 0 to 9.
    Xz(u32),
}

/// A new file under its temporary name.
pub struct Fresh {
    /// What it is to be called.
    path: PathBuf,
    file: File,
    packer: Packer,
}

/// A file that is whole, still under its temporary name.
#[derive(Debug)]
pub struct Made {
    /// It.
    pub fd: OwnedFd,
    /// Bytes.
    pub size: u64,
    /// BLAKE3 of them.
    pub digest: [u8; 32],
}

/// What is written to, with what was.
struct File {
    fd: OwnedFd,
    written: u64,
    digest: blake3::Hasher,
}

enum Packer {
    None,
    Gzip(GzEncoder<Vec<u8>>),
    Zstd(ZstEncoder<'static, Vec<u8>>),
    Bzip2(BzEncoder<Vec<u8>>),
    Xz(XzEncoder<Vec<u8>>),
}

impl fmt::Debug for Fresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fresh").field("path", &self.path).field("written", &self.file.written).finish_non_exhaustive()
    }
}

impl Fresh {
    /// Creates `name` in `directory`, readable for nobody else. `path` is what messages call it.
    ///
    /// # Errors
    /// [`Kind::Permission`], [`Kind::CannotCreate`], [`Kind::Io`]
    pub fn create(directory: impl AsFd, name: &str, path: PathBuf, compression: Compression) -> Result<Fresh, Error> {
        let cannot = |error: io::Error, kind| Error::new(kind, format!("cannot create `{}`: {error}", path.display()));
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let fd = rustix::fs::openat(directory, name, flags, mode).map_err(|error| {
            let kind = match error {
                Errno::ACCESS | Errno::PERM => Kind::Permission,
                Errno::NOSPC | Errno::DQUOT | Errno::IO => Kind::Io,
                _ => Kind::CannotCreate,
            };
            cannot(error.into(), kind)
        })?;
        let packer = match compression {
            Compression::None => Packer::None,
            Compression::Gzip(level) => Packer::Gzip(GzEncoder::new(Vec::new(), flate2::Compression::new(level))),
            Compression::Zstd(level) => {
                let packer = ZstEncoder::new(Vec::new(), level).and_then(|mut packer| {
                    packer.include_checksum(true)?;
                    Ok(packer)
                });
                Packer::Zstd(packer.map_err(|error| cannot(error, Kind::Io))?)
            }
            Compression::Bzip2(level) => Packer::Bzip2(BzEncoder::new(Vec::new(), bzip2::Compression::new(level))),
            Compression::Xz(level) => Packer::Xz(XzEncoder::new(Vec::new(), level)),
        };
        Ok(Fresh { path, file: File { fd, written: 0, digest: blake3::Hasher::new() }, packer })
    }

    /// What it is to be called.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds all of the batch.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&mut self, batch: &Batch) -> io::Result<()> {
        let bytes = batch.bytes();
        let file = &mut self.file;
        match &mut self.packer {
            Packer::None => file.write(bytes),
            Packer::Gzip(packer) => packer.write_all(bytes).and_then(|()| file.drain(packer.get_mut(), PACKED_BYTES)),
            Packer::Zstd(packer) => packer.write_all(bytes).and_then(|()| file.drain(packer.get_mut(), PACKED_BYTES)),
            Packer::Bzip2(packer) => packer.write_all(bytes).and_then(|()| file.drain(packer.get_mut(), PACKED_BYTES)),
            Packer::Xz(packer) => packer.write_all(bytes).and_then(|()| file.drain(packer.get_mut(), PACKED_BYTES)),
        }
    }

    /// Ends it: permission bits and the time it was last written are these.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish(self, mode: u32, modified: (i64, u32)) -> io::Result<Made> {
        let mut file = self.file;
        let rest = match self.packer {
            Packer::None => Ok(Vec::new()),
            Packer::Gzip(packer) => packer.finish(),
            Packer::Zstd(packer) => packer.finish(),
            Packer::Bzip2(packer) => packer.finish(),
            Packer::Xz(packer) => packer.finish(),
        };
        file.write(&rest?)?;
        rustix::fs::fchmod(&file.fd, Mode::from_raw_mode(mode))?;
        let time = Timespec { tv_sec: modified.0, tv_nsec: modified.1.into() };
        rustix::fs::futimens(&file.fd, &Timestamps { last_access: time, last_modification: time })?;
        Ok(Made { size: file.written, digest: *file.digest.finalize().as_bytes(), fd: file.fd })
    }
}

impl File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        write_all(&self.fd, bytes)?;
        self.written += bytes.len() as u64;
        self.digest.update(bytes);
        Ok(())
    }

    fn drain(&mut self, packed: &mut Vec<u8>, from: usize) -> io::Result<()> {
        if packed.len() >= from {
            self.write(packed)?;
            packed.clear();
        }
        Ok(())
    }
}

/// Takes a temporary file away. One that is not there is no error.
///
/// # Errors
/// What the system says.
pub fn discard(directory: impl AsFd, name: &str) -> io::Result<()> {
    match rustix::fs::unlinkat(directory, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// So much that is packed waits before it is written.
const PACKED_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, io::Read, os::unix::fs::MetadataExt};

    #[test]
    fn what_is_packed_unpacks_to_what_was_written_and_the_digest_is_that_of_the_file() {
        let room = tempfile::tempdir().unwrap();
        let directory = fs::File::open(room.path()).unwrap();
        let lines: Vec<u8> =
            (0..50_000).flat_map(|i| format!("line {i} {}\n", i * 7919 % 10_007).into_bytes()).collect();
        for (name, compression) in [
            ("plain", Compression::None),
            ("gz", Compression::Gzip(6)),
            ("zst", Compression::Zstd(3)),
            ("bz2", Compression::Bzip2(6)),
            ("xz", Compression::Xz(1)),
        ] {
            let mut fresh = Fresh::create(&directory, name, name.into(), compression).unwrap();
            for part in lines.chunks(100_000) {
                fresh.write(&Batch::of(part)).unwrap();
            }
            let made = fresh.finish(0o640, (1_700_000_000, 5)).unwrap();
            let stored = fs::read(room.path().join(name)).unwrap();
            assert_eq!((made.size, made.digest), (stored.len() as u64, *blake3::hash(&stored).as_bytes()));
            let stat = fs::metadata(room.path().join(name)).unwrap();
            assert_eq!((stat.mode() & 0o7777, stat.mtime(), stat.mtime_nsec()), (0o640, 1_700_000_000, 5));
            let mut out = Vec::new();
            match compression {
                Compression::None => out = stored,
                Compression::Gzip(_) => drop(flate2::read::GzDecoder::new(&stored[..]).read_to_end(&mut out).unwrap()),
                Compression::Zstd(_) => out = zstd::decode_all(&stored[..]).unwrap(),
                Compression::Bzip2(_) => drop(bzip2::read::BzDecoder::new(&stored[..]).read_to_end(&mut out).unwrap()),
                Compression::Xz(_) => drop(liblzma::read::XzDecoder::new(&stored[..]).read_to_end(&mut out).unwrap()),
            }
            assert!(out == lines, "{name}");
        }
    }

    #[test]
    fn a_temporary_file_never_replaces_one_or_follows_a_link() {
        let room = tempfile::tempdir().unwrap();
        let directory = fs::File::open(room.path()).unwrap();
        fs::write(room.path().join("there"), "untouched").unwrap();
        std::os::unix::fs::symlink(room.path().join("target"), room.path().join("link")).unwrap();
        for name in ["there", "link"] {
            let error = Fresh::create(&directory, name, name.into(), Compression::None).unwrap_err();
            assert_eq!(error.kind(), Kind::CannotCreate);
        }
        assert_eq!(fs::read(room.path().join("there")).unwrap(), b"untouched");
        assert!(!room.path().join("target").exists());
    }
}
