//! What tells a file from every other, and how one is looked at and opened without being fooled.

use rustix::{
    fs::{AtFlags, CWD, FileType, Mode, OFlags, StatxFlags},
    io::Errno,
};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io,
    os::{fd::AsFd, unix::fs::FileExt},
    path::Path,
};

/// Which file it is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The device it is on.
    pub device: u64,
    /// Its number there. Given to another file once this one is gone.
    pub inode: u64,
    /// When it was made: seconds and nanoseconds. Not every file system knows.
    pub born: Option<(i64, u32)>,
}

impl Identity {
    /// Whether both may be the same file. A time of birth that only one knows does not tell them apart.
    pub fn is(&self, other: &Identity) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
            && (self.born.is_none() || other.born.is_none() || self.born == other.born)
    }

    /// What it is looked up by.
    pub(super) fn number(&self) -> (u64, u64) {
        (self.device, self.inode)
    }
}

/// A file as it stands now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stand {
    pub identity: Identity,
    pub size: u64,
    pub modified: (i64, u32),
    pub changed: (i64, u32),
    pub links: u32,
    pub kind: FileType,
    pub owner: u32,
}

impl Stand {
    /// What stands at a path; of a symlink, what it leads to.
    pub(super) fn at(path: &Path) -> io::Result<Stand> {
        Ok(stand(CWD, path, AtFlags::empty())?)
    }

    /// Of an open file.
    pub(super) fn of(file: &File) -> io::Result<Stand> {
        Ok(stand(file, "", AtFlags::EMPTY_PATH)?)
    }
}

/// Why a name is passed over.
pub(super) enum Refusal {
    /// Nothing is there, or no longer.
    Missing,
    /// It is no file that can be followed: what it is.
    Kind(&'static str),
    /// The system says no.
    Failed(io::Error),
}

/// What stands at a path that a pattern names: a regular file, or a symlink to one.
///
/// A symlink is followed only where root, we ourselves or the owner of the file made it: else whoever may write into a
/// directory of logs could have us read what only we may.
pub(super) fn followable(path: &Path) -> Result<Stand, Refusal> {
    let link = look(stand(CWD, path, AtFlags::SYMLINK_NOFOLLOW))?;
    let file = if link.kind == FileType::Symlink { look(stand(CWD, path, AtFlags::empty()))? } else { link };
    if file.kind != FileType::RegularFile {
        return Err(Refusal::Kind(crate::input::file::what(file.kind)));
    }
    let trusted = [0, rustix::process::geteuid().as_raw(), file.owner];
    if link.kind == FileType::Symlink && !trusted.contains(&link.owner) {
        return Err(Refusal::Kind("a symlink that belongs to another user"));
    }
    Ok(file)
}

/// Opens the file that was looked at, for reading. `None`: another stands there now.
pub(super) fn open(path: &Path, expected: &Identity) -> io::Result<Option<(File, Stand)>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file: File = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(fd) => fd.into(),
        // A socket cannot be opened.
        Err(Errno::NOENT | Errno::NOTDIR | Errno::NXIO) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let stand = Stand::of(&file)?;
    let same = stand.kind == FileType::RegularFile && stand.identity.is(expected);
    Ok(same.then_some((file, stand)))
}

/// Fills `out` from `at` on, up to the end of the file. How much it was.
pub(super) fn read_full(file: &File, out: &mut [u8], at: u64) -> io::Result<usize> {
    let mut n = 0;
    while n < out.len() {
        match file.read_at(&mut out[n..], at + n as u64) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(n)
}

/// Now, as files are stamped: seconds and nanoseconds. No file that is there was born later; one that is made within the
/// same tick of the kernel's clock may be stamped earlier.
pub(super) fn file_clock() -> (i64, u32) {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    (now.tv_sec, u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// Whether an error says that nothing is there.
pub(super) fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn look(found: Result<Stand, Errno>) -> Result<Stand, Refusal> {
    found.map_err(|error| match error {
        Errno::NOENT | Errno::NOTDIR => Refusal::Missing,
        error => Refusal::Failed(error.into()),
    })
}

// The types of these fields differ from system to system.
#[allow(clippy::unnecessary_cast, clippy::useless_conversion)]
fn stand(directory: impl AsFd, path: impl rustix::path::Arg + Copy, flags: AtFlags) -> Result<Stand, Errno> {
    match rustix::fs::statx(&directory, path, flags, StatxFlags::BASIC_STATS | StatxFlags::BTIME) {
        Ok(stat) => {
            let known = stat.stx_mask & StatxFlags::BTIME.bits() != 0;
            Ok(Stand {
                identity: Identity {
                    device: rustix::fs::makedev(stat.stx_dev_major, stat.stx_dev_minor),
                    inode: stat.stx_ino,
                    born: known.then_some((stat.stx_btime.tv_sec, stat.stx_btime.tv_nsec)),
                },
                size: stat.stx_size,
                modified: (stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec),
                changed: (stat.stx_ctime.tv_sec, stat.stx_ctime.tv_nsec),
                links: stat.stx_nlink,
                kind: FileType::from_raw_mode(u32::from(stat.stx_mode)),
                owner: stat.stx_uid,
            })
        }
        // Old kernels and some sandboxes.
        Err(Errno::NOSYS) => {
            let stat = rustix::fs::statat(&directory, path, flags)?;
            Ok(Stand {
                identity: Identity { device: stat.st_dev as u64, inode: stat.st_ino as u64, born: None },
                size: u64::try_from(stat.st_size).unwrap_or(0),
                modified: (stat.st_mtime as i64, stat.st_mtime_nsec as u32),
                changed: (stat.st_ctime as i64, stat.st_ctime_nsec as u32),
                links: stat.st_nlink as u32,
                kind: FileType::from_raw_mode(stat.st_mode as u32),
                owner: stat.st_uid,
            })
        }
        Err(error) => Err(error),
    }
}
