//! A directory that we write into, held open: whoever swaps a part of a path for a link reaches nothing.

use crate::error::{Error, Kind};
use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, RenameFlags, Stat, StatxFlags},
    io::Errno,
};
use std::{
    ffi::OsStr,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Component, Path, PathBuf},
};

/// A directory, and the path that messages call it by.
#[derive(Debug)]
pub struct Place {
    fd: OwnedFd,
    path: PathBuf,
}

const FLAGS: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// The mode of directories that we create.
const MODE: Mode = Mode::from_raw_mode(0o750);

impl Place {
    /// Opens a directory. It may not be a symlink, nor one in which others can replace files.
    ///
    /// # Errors
    /// [`Kind::NoInput`], [`Kind::CannotCreate`], [`Kind::Permission`], [`Kind::Io`]
    pub fn open(path: &Path) -> Result<Place, Error> {
        // Without a slash at the end, which would follow a symlink.
        let path: PathBuf = path.components().collect();
        let path = if path.as_os_str().is_empty() { PathBuf::from(".") } else { path };
        let fd = rustix::fs::open(&path, FLAGS, Mode::empty()).map_err(|error| match error {
            Errno::NOENT => refuse(&path, Kind::NoInput, "it is not there"),
            Errno::NOTDIR | Errno::LOOP => {
                let link = rustix::fs::lstat(&path)
                    .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink);
                let why = if link { "it is a symlink; name the directory itself" } else { "it is not a directory" };
                refuse(&path, Kind::CannotCreate, why)
            }
            error => failed(&path, error),
        })?;
        let place = Place { fd, path };
        place.check()?;
        Ok(place)
    }

    /// The same directory once more, for another thread.
    ///
    /// # Errors
    /// What the system says.
    pub fn again(&self) -> io::Result<Place> {
        Ok(Place { fd: self.fd.try_clone()?, path: self.path.clone() })
    }

    /// Opens a directory, and makes it and what is missing above it.
    ///
    /// # Errors
    /// As [`Place::open`].
    pub fn create(path: &Path) -> Result<Place, Error> {
        let path: PathBuf = path.components().collect();
        let mut made = PathBuf::new();
        for part in path.components() {
            made.push(part);
            match rustix::fs::mkdir(&made, MODE) {
                // `..` and `/` are there; a part that is no directory shows when the next is made.
                Ok(()) | Err(Errno::EXIST | Errno::ISDIR) => {}
                Err(Errno::ROFS | Errno::ACCESS | Errno::PERM) if made.is_dir() => {}
                Err(Errno::NOTDIR) => {
                    return Err(refuse(&made, Kind::CannotCreate, "what is above it is not a directory"));
                }
                Err(error) => return Err(cannot_create(&made, error)),
            }
        }
        Place::open(&path)
    }

    /// The directory `name` in it, which is made if it is missing.
    ///
    /// # Errors
    /// As [`Place::open`].
    pub fn room(&self, name: &str, mode: u32) -> Result<Place, Error> {
        let path = self.path.join(name);
        make(&self.fd, OsStr::new(name), Mode::from_raw_mode(mode)).map_err(|error| cannot_create(&path, error))?;
        let fd = step(&self.fd, OsStr::new(name)).map_err(|error| not_entered(&path, error))?;
        let place = Place { fd, path };
        place.check()?;
        Ok(place)
    }

    /// The directory `name` in it, if it is there.
    ///
    /// # Errors
    /// As [`Place::open`].
    pub fn room_if_there(&self, name: &str) -> Result<Option<Place>, Error> {
        let path = self.path.join(name);
        match step(&self.fd, OsStr::new(name)) {
            Ok(fd) => {
                let place = Place { fd, path };
                place.check()?;
                Ok(Some(place))
            }
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(not_entered(&path, error)),
        }
    }

    /// The directory that `file`, a path below this one, stands in. Missing ones are made where `create` says so.
    ///
    /// # Errors
    /// What the system says; a symlink on the way is never followed.
    pub fn directory_of(&self, file: &Path, create: bool) -> io::Result<OwnedFd> {
        let mut fd = self.fd.try_clone()?;
        for part in file.parent().into_iter().flat_map(Path::components) {
            let Component::Normal(name) = part else { return Err(io::ErrorKind::InvalidInput.into()) };
            if create {
                make(&fd, name, MODE)?;
            }
            fd = step(&fd, name)?;
        }
        Ok(fd)
    }

    /// Whether the directory that `file`, a path below this one, stands in or would be made in is on another file system, or on
    /// another mount of this one: nothing can be renamed from here to there.
    ///
    /// # Errors
    /// What the system says.
    pub fn is_elsewhere(&self, file: &Path) -> io::Result<bool> {
        let mut fd = self.fd.try_clone()?;
        for part in file.parent().into_iter().flat_map(Path::components) {
            let Component::Normal(name) = part else { return Err(io::ErrorKind::InvalidInput.into()) };
            fd = match step(&fd, name) {
                Ok(fd) => fd,
                Err(Errno::NOENT) => break,
                Err(error) => return Err(error.into()),
            };
        }
        Ok(mount(&self.fd)? != mount(&fd)?)
    }

    /// What messages call it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the names in it durable.
    ///
    /// # Errors
    /// What the system says.
    pub fn sync(&self) -> io::Result<()> {
        sync(&self.fd)
    }

    /// Where something stands, if it is there.
    ///
    /// # Errors
    /// What the system says.
    pub fn stat(&self, name: impl rustix::path::Arg) -> io::Result<Option<Stat>> {
        stat(&self.fd, name)
    }

    fn check(&self) -> Result<(), Error> {
        let stat = rustix::fs::fstat(&self.fd).map_err(|error| failed(&self.path, error))?;
        if stat.st_mode & 0o1002 == 0o002 {
            let why = "others can replace files in it; run chmod o-w on it";
            return Err(refuse(&self.path, Kind::Permission, why));
        }
        Ok(())
    }
}

impl AsFd for Place {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// What `name` in `directory` is, if it is there. A symlink is one.
///
/// # Errors
/// What the system says.
pub fn stat(directory: impl AsFd, name: impl rustix::path::Arg) -> io::Result<Option<Stat>> {
    match rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Makes what was written to a file, or the names in a directory, durable.
///
/// # Errors
/// What the system says. What was written may then be lost, whatever a second call says.
pub fn sync(fd: impl AsFd) -> io::Result<()> {
    loop {
        match rustix::fs::fsync(&fd) {
            Err(Errno::INTR) => {}
            done => return Ok(done?),
        }
    }
}

/// Renames; where the file system cannot refuse to replace, a link does.
///
/// # Errors
/// What the system says; [`Errno::EXIST`] where nothing may be replaced and something is there.
pub fn rename(
    from: impl AsFd,
    name: &str,
    to: impl AsFd,
    target: impl rustix::path::Arg + Copy,
    flags: RenameFlags,
) -> Result<(), Errno> {
    let (from, to) = (from.as_fd(), to.as_fd());
    match rustix::fs::renameat_with(from, name, to, target, flags) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) if flags == RenameFlags::NOREPLACE => {
            rustix::fs::linkat(from, name, to, target, AtFlags::empty())?;
            rustix::fs::unlinkat(from, name, AtFlags::empty())
        }
        done => done,
    }
}

/// The device that something is on, and the number of the mount where the system tells it.
fn mount(fd: &OwnedFd) -> io::Result<(u64, Option<u64>)> {
    let device = rustix::fs::fstat(fd)?.st_dev;
    let found = rustix::fs::statx(fd, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID).ok();
    let found = found.filter(|found| StatxFlags::from_bits_retain(found.stx_mask).contains(StatxFlags::MNT_ID));
    Ok((device, found.map(|found| found.stx_mnt_id)))
}

fn make(directory: &OwnedFd, name: &OsStr, mode: Mode) -> Result<(), Errno> {
    match rustix::fs::mkdirat(directory, name, mode) {
        // Whatever the umask; by its handle, for somebody may have put something else in its place.
        Ok(()) => rustix::fs::fchmod(step(directory, name)?, mode),
        Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error),
    }
}

fn step(directory: &OwnedFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(directory, name, FLAGS, Mode::empty())
}

fn refuse(path: &Path, kind: Kind, why: &str) -> Error {
    Error::new(kind, format!("cannot use directory `{}`: {why}", path.display()))
}

fn not_entered(path: &Path, error: Errno) -> Error {
    match error {
        Errno::NOTDIR | Errno::LOOP => refuse(path, Kind::CannotCreate, "it is a symlink or no directory; remove it"),
        error => failed(path, error),
    }
}

fn failed(path: &Path, error: Errno) -> Error {
    let kind = match error {
        Errno::ACCESS | Errno::PERM => Kind::Permission,
        _ => Kind::Io,
    };
    refuse(path, kind, &io::Error::from(error).to_string())
}

fn cannot_create(path: &Path, error: Errno) -> Error {
    let kind = match error {
        Errno::ACCESS | Errno::PERM => Kind::Permission,
        _ => Kind::CannotCreate,
    };
    Error::new(kind, format!("cannot create directory `{}`: {}", path.display(), io::Error::from(error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs,
        os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    };

    #[test]
    fn what_is_missing_is_made_and_no_link_is_followed() {
        let room = tempfile::tempdir().unwrap();
        let at = |name: &str| room.path().join(name);
        let place = Place::create(&at("a/b")).unwrap();
        assert_eq!(fs::metadata(at("a/b")).unwrap().mode() & 0o007, 0);
        place.directory_of(Path::new("c/d/log"), true).unwrap();
        assert!(at("a/b/c/d").is_dir());
        fs::create_dir(at("elsewhere")).unwrap();
        symlink(at("elsewhere"), at("a/b/link")).unwrap();
        assert!(place.directory_of(Path::new("link/log"), true).is_err());
        assert!(place.directory_of(Path::new("link/deeper/log"), true).is_err());
        assert!(place.directory_of(Path::new("../log"), true).is_err());
        assert!(place.room("link", 0o750).is_err());
        assert_eq!(fs::read_dir(at("elsewhere")).unwrap().count(), 0);
        symlink(at("a"), at("top")).unwrap();
        assert_eq!(
            Place::open(&at("top")).unwrap_err().to_string(),
            format!("cannot use directory `{}`: it is a symlink; name the directory itself", at("top").display())
        );
        fs::write(at("file"), "").unwrap();
        assert_eq!(Place::create(&at("file")).unwrap_err().kind(), Kind::CannotCreate);
        assert_eq!(Place::create(&at("file/x")).unwrap_err().kind(), Kind::CannotCreate);
    }

    #[test]
    fn a_mount_below_is_elsewhere_and_what_is_not_there_yet_is_where_it_would_be_made() {
        let top = Place::open(Path::new("/")).unwrap();
        assert!(top.is_elsewhere(Path::new("proc/sys/log")).unwrap());
        assert!(top.is_elsewhere(Path::new("proc/not-there/log")).unwrap());
        assert!(!top.is_elsewhere(Path::new("not-there-at-all/log")).unwrap());
        assert!(!top.is_elsewhere(Path::new("log")).unwrap());
    }

    #[test]
    fn a_directory_in_which_others_can_replace_files_is_refused() {
        let room = tempfile::tempdir().unwrap();
        fs::set_permissions(room.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(Place::open(room.path()).unwrap_err().kind(), Kind::Permission);
    }
}
