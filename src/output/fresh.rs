//! A new file that nobody sees before it is whole: it is written under a temporary name, which its maker changes.

use super::{
    members::Members,
    packer::{Compression, Stream},
    write_all,
};
use crate::{
    encode::Batch,
    error::{Error, Kind},
};
use rustix::{
    fs::{AtFlags, Mode, OFlags, Timespec, Timestamps},
    io::Errno,
};
use std::{
    fmt, io,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    sync::Arc,
};

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
    /// Everything through one packer.
    Stream(Stream),
    /// Piece by piece: one that is not full, of so many bytes at most.
    Members {
        piece: Vec<u8>,
        most: usize,
        members: Arc<Members>,
    },
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
        let stream = Stream::new(compression).map_err(|error| cannot(error, Kind::Io))?;
        let packer = match (stream, compression.piece_bytes()) {
            (Some(stream), _) => Packer::Stream(stream),
            (None, Some(most)) => {
                Packer::Members { piece: Vec::new(), most, members: Arc::new(Members::new(compression)) }
            }
            (None, None) => Packer::None,
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
        let mut bytes = batch.bytes();
        let file = &mut self.file;
        match &mut self.packer {
            Packer::None => file.write(bytes),
            Packer::Stream(stream) => stream.write(bytes).and_then(|packed| file.drain(packed, PACKED_BYTES)),
            Packer::Members { piece, most, members } => {
                while piece.len() + bytes.len() >= *most {
                    let (now, later) = bytes.split_at(*most - piece.len());
                    piece.extend_from_slice(now);
                    members.put(piece);
                    bytes = later;
                }
                piece.extend_from_slice(bytes);
                while let Some(member) = members.take() {
                    file.write(&member?)?;
                }
                Ok(())
            }
        }
    }

    /// The pieces that others may pack, where it is packed piece by piece.
    pub fn members(&self) -> Option<Arc<Members>> {
        match &self.packer {
            Packer::Members { members, .. } => Some(members.clone()),
            Packer::None | Packer::Stream(_) => None,
        }
    }

    /// Ends it: permission bits and the time it was last written are these.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish(self, mode: u32, modified: (i64, u32)) -> io::Result<Made> {
        let mut file = self.file;
        match self.packer {
            Packer::None => {}
            Packer::Stream(stream) => file.write(&stream.finish()?)?,
            Packer::Members { mut piece, members, .. } => {
                // Of nothing there is an empty member.
                if !piece.is_empty() || members.came() == 0 {
                    members.put(&mut piece);
                }
                while let Some(member) = members.wait() {
                    file.write(&member?)?;
                }
            }
        }
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
            (0..150_000).flat_map(|i| format!("line {i} {}\n", i * 7919 % 10_007).into_bytes()).collect();
        for (name, compression) in [
            ("plain", Compression::None),
            ("gz", Compression::Gzip(6)),
            ("zst", Compression::Zstd(3)),
            ("bz2", Compression::Bzip2(6)),
            ("far.zst", Compression::Zstd(11)),
            ("xz", Compression::Xz(1)),
            ("far.xz", Compression::Xz(3)),
        ] {
            let mut fresh = Fresh::create(&directory, name, name.into(), compression).unwrap();
            for part in lines.chunks(100_000) {
                fresh.write(&Batch::of(part)).unwrap();
            }
            assert_eq!(fresh.members().is_some(), matches!(name, "gz" | "zst" | "bz2"));
            let made = fresh.finish(0o640, (1_700_000_000, 5)).unwrap();
            let stored = fs::read(room.path().join(name)).unwrap();
            assert_eq!((made.size, made.digest), (stored.len() as u64, *blake3::hash(&stored).as_bytes()));
            let stat = fs::metadata(room.path().join(name)).unwrap();
            assert_eq!((stat.mode() & 0o7777, stat.mtime(), stat.mtime_nsec()), (0o640, 1_700_000_000, 5));
            let mut out = Vec::new();
            let mut unpacked: Box<dyn Read> = match compression {
                Compression::None => Box::new(&stored[..]),
                Compression::Gzip(_) => Box::new(flate2::read::MultiGzDecoder::new(&stored[..])),
                Compression::Zstd(_) => Box::new(zstd::Decoder::new(&stored[..]).unwrap()),
                Compression::Bzip2(_) => Box::new(bzip2::read::MultiBzDecoder::new(&stored[..])),
                Compression::Xz(_) => Box::new(liblzma::read::XzDecoder::new(&stored[..])),
            };
            unpacked.read_to_end(&mut out).unwrap();
            assert!(out == lines, "{name}");
        }
    }

    #[test]
    fn where_pieces_end_is_a_matter_of_the_bytes_alone_and_of_nothing_there_is_an_empty_one() {
        let room = tempfile::tempdir().unwrap();
        let directory = fs::File::open(room.path()).unwrap();
        let lines: Vec<u8> = (0..2_000_000u32).flat_map(|i| (i % 9973).to_string().into_bytes()).collect();
        let made = |name: &str, compression, lines: &[u8], part: usize| {
            let mut fresh = Fresh::create(&directory, name, name.into(), compression).unwrap();
            lines.chunks(part).for_each(|part| fresh.write(&Batch::of(part)).unwrap());
            fresh.finish(0o640, (0, 0)).unwrap();
            fs::read(room.path().join(name)).unwrap()
        };
        for (name, compression, pieces) in [("gz", Compression::Gzip(1), 4), ("zst", Compression::Zstd(1), 2)] {
            let one = made(&format!("a.{name}"), compression, &lines, 100_000);
            assert!(one == made(&format!("b.{name}"), compression, &lines, lines.len()), "{name}");
            assert!(one == made(&format!("c.{name}"), compression, &lines, 65_537), "{name}");
            let head = &compression.member(b"").unwrap()[..4];
            assert!(one.windows(4).filter(|bytes| *bytes == head).count() >= pieces, "{name}");
        }
        let empty = made("empty.gz", Compression::Gzip(6), b"", 1);
        let mut out = Vec::new();
        flate2::read::GzDecoder::new(&empty[..]).read_to_end(&mut out).unwrap();
        assert!(out.is_empty() && !empty.is_empty());
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
