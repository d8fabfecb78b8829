//! A file that grows: whole lines are appended to it.

use super::write_all;
use crate::{
    encode::Batch,
    error::{Error, Kind},
};
use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, Stat},
    io::Errno,
};
use std::{
    ffi::OsStr,
    io,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
};

/// A regular file, opened for appending. Others may append to it too: each batch goes out in one write where the system
/// lets it, and ends with a line end.
///
/// It is created with the mode 0640 whatever the umask; one that exists keeps its mode. It is never reached through a
/// symlink, has no second name, and stands in a directory in which others cannot put one in its place.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    fd: OwnedFd,
    /// Nothing is written since it was opened: its last line may be torn.
    fresh: bool,
}

impl File {
    /// Opens the file, or creates it.
    ///
    /// # Errors
    /// [`Kind::Permission`] where rights are missing or others have too many; [`Kind::CannotCreate`] where it is no
    /// regular file with one name, or its directory is missing; [`Kind::Io`]
    pub fn open(path: impl Into<PathBuf>) -> Result<File, Error> {
        let path = path.into();
        let (_, fd) = open(&path)?;
        Ok(File { path, fd, fresh: true })
    }

    /// Opens the same path again, after the file was moved away.
    ///
    /// # Errors
    /// As [`open`](Self::open); the file as it was is then still written.
    pub fn reopen(&mut self) -> Result<(), Error> {
        (_, self.fd) = open(&self.path)?;
        self.fresh = true;
        Ok(())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends all of the batch. A last line that was torn (by a crash or a full disk) is ended first, so that our first
    /// line is whole; the torn one is left as it is, for it may have been read already.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&mut self, batch: &Batch) -> io::Result<()> {
        if self.fresh && !batch.is_empty() {
            self.fresh = false;
            if self.is_torn() {
                write_all(&self.fd, b"\n")?;
            }
        }
        let done = write_all(&self.fd, batch.bytes());
        // A write that failed may have torn a line itself.
        self.fresh |= done.is_err();
        done
    }

    /// Whether the last line has no end, and is not just being written by somebody else: then the file grows.
    fn is_torn(&self) -> bool {
        let mut before = None;
        loop {
            let Ok(stat) = rustix::fs::fstat(&self.fd) else { return false };
            let mut last = [b'\n'];
            // What cannot be read is taken as whole.
            let read = stat.st_size > 0 && rustix::io::pread(&self.fd, &mut last, stat.st_size as u64 - 1).is_ok();
            if !read || last == *b"\n" || before.replace(stat.st_size) == Some(stat.st_size) {
                return read && last != *b"\n";
            }
            std::thread::sleep(UNDER_WAY);
        }
    }
}

/// A line that stays without end so long is not under way.
const UNDER_WAY: std::time::Duration = std::time::Duration::from_millis(20);

/// The mode of a file that we create.
const MODE: Mode = Mode::from_raw_mode(0o640);

pub(super) const FLAGS: OFlags = OFlags::RDWR
    .union(OFlags::APPEND)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// How often the file may appear or go away between two looks before we give up.
const TRIES: usize = 10;

/// Opens or creates the file, and gives its directory too, as no more than a place to look from.
pub(super) fn open(path: &Path) -> Result<(OwnedFd, OwnedFd), Error> {
    let refuse = |kind, why: &str| Error::new(kind, format!("cannot write `{}`: {why}", path.display()));
    let fail = |error: Errno| refuse(kind(error), &reason(error));
    // `a/..` and `/` have no name, `a/` is a directory's; `Path` hides the slash.
    let slash = path.as_os_str().as_encoded_bytes().ends_with(b"/");
    let Some(name) = path.file_name().filter(|_| !slash) else {
        return Err(refuse(Kind::CannotCreate, "it is a directory; name a file in it"));
    };
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    // One handle for all steps, so that no step looks into another directory than the one that was checked.
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::open(parent, flags, Mode::empty()).map_err(|error| match error {
        Errno::NOENT | Errno::NOTDIR => refuse(Kind::CannotCreate, "its directory is missing; create it first"),
        error => fail(error),
    })?;
    let parent = rustix::fs::fstat(&directory).map_err(fail)?;
    if parent.st_mode & 0o1002 == 0o002 {
        return Err(refuse(
            Kind::Permission,
            "others can replace files in its directory; run chmod o-w on the directory",
        ));
    }
    for _ in 0..TRIES {
        match create(&directory, name) {
            Err(Errno::EXIST) => {}
            created => return created.map(|file| (directory, file)).map_err(fail),
        }
        // A device may act on being opened, so it is looked at first; the checks that count are those on the handle.
        match rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => continue,
            stat => check(&stat.map_err(fail)?, &parent).map_err(|(kind, why)| refuse(kind, why))?,
        }
        let file = match rustix::fs::openat(&directory, name, FLAGS, Mode::empty()) {
            Err(Errno::NOENT) => continue,
            file => file.map_err(fail)?,
        };
        let stat = rustix::fs::fstat(&file).map_err(fail)?;
        return check(&stat, &parent).map(|()| (directory, file)).map_err(|(kind, why)| refuse(kind, why));
    }
    Err(refuse(Kind::CannotCreate, "something else creates and removes it all the time"))
}

/// Creates the file, with its mode whatever the umask.
fn create(directory: &OwnedFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    let file = rustix::fs::openat(directory, name, FLAGS | OFlags::CREATE | OFlags::EXCL, MODE)?;
    rustix::fs::fchmod(file.as_fd(), MODE)?;
    Ok(file)
}

/// Whether a file that was there already is one that we may append to.
pub(super) fn check(stat: &Stat, parent: &Stat) -> Result<(), (Kind, &'static str)> {
    let wrong = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile if stat.st_nlink > 1 => "it has a second name (a hard link); remove one of them",
        FileType::RegularFile => {
            // As fs.protected_regular: in a directory such as /tmp, somebody may have put it there to read our lines.
            let open_to_all = parent.st_mode & 0o002 != 0;
            let ours = stat.st_uid == rustix::process::geteuid().as_raw() || stat.st_uid == parent.st_uid;
            return match !open_to_all || ours {
                true => Ok(()),
                false => {
                    Err((Kind::Permission, "it belongs to another user, in a directory open to all; choose another"))
                }
            };
        }
        FileType::Symlink => "it is a symlink, which is never followed; name the file itself",
        FileType::Directory => "it is a directory; name a file in it",
        FileType::Fifo | FileType::Socket | FileType::CharacterDevice | FileType::BlockDevice | FileType::Unknown => {
            "it is no regular file; use standard output for pipes and devices"
        }
    };
    Err((Kind::CannotCreate, wrong))
}

pub(super) fn kind(error: Errno) -> Kind {
    match error {
        Errno::ACCESS | Errno::PERM => Kind::Permission,
        Errno::IO => Kind::Io,
        _ => Kind::CannotCreate,
    }
}

fn reason(error: Errno) -> String {
    match error {
        // It became one after we looked.
        Errno::LOOP => "it is a symlink, which is never followed; name the file itself".to_owned(),
        error => io::Error::from(error).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs,
        os::unix::fs::{MetadataExt, PermissionsExt, symlink},
        sync::atomic::{AtomicBool, Ordering::Relaxed},
    };

    fn refusal(path: &Path) -> (Kind, String) {
        let error = File::open(path).unwrap_err();
        let message = error.to_string().replace(&format!("`{}`", path.display()), "`PATH`");
        (error.kind(), message)
    }

    fn append(path: &Path, bytes: &[u8]) {
        File::open(path).unwrap().write(&Batch::of(bytes)).unwrap();
    }

    #[test]
    fn what_is_no_plain_file_of_ours_is_refused_and_left_untouched() {
        let room = tempfile::tempdir().unwrap();
        let at = |name: &str| room.path().join(name);
        fs::write(at("target"), "untouched").unwrap();
        fs::create_dir(at("directory")).unwrap();
        symlink(at("target"), at("symlink")).unwrap();
        symlink(at("nowhere"), at("dangling")).unwrap();
        symlink(at("directory"), at("to-directory")).unwrap();
        symlink(at("loop"), at("loop")).unwrap();
        fs::write(at("linked"), "untouched").unwrap();
        fs::hard_link(at("linked"), at("second-name")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, at("fifo"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        let symlinked = "cannot write `PATH`: it is a symlink, which is never followed; name the file itself";
        let directory = "cannot write `PATH`: it is a directory; name a file in it";
        let special = "cannot write `PATH`: it is no regular file; use standard output for pipes and devices";
        let missing = "cannot write `PATH`: its directory is missing; create it first";
        let linked = "cannot write `PATH`: it has a second name (a hard link); remove one of them";
        for (path, message) in [
            (at("symlink"), symlinked),
            (at("dangling"), symlinked),
            (at("to-directory"), symlinked),
            (at("loop"), symlinked),
            (at("linked"), linked),
            (at("second-name"), linked),
            (at("fifo"), special),
            (at("socket"), special),
            (PathBuf::from("/dev/null"), special),
            (at("directory"), directory),
            (at("directory/"), directory),
            (at("directory/.."), directory),
            (PathBuf::from("/"), directory),
            (PathBuf::new(), directory),
            (at("missing/file"), missing),
            (at("target/file"), missing),
        ] {
            assert_eq!(refusal(&path), (Kind::CannotCreate, message.to_owned()), "{}", path.display());
        }
        assert_eq!(fs::read(at("target")).unwrap(), b"untouched");
        assert_eq!(fs::read(at("linked")).unwrap(), b"untouched");
        assert!(!at("nowhere").exists());
    }

    #[test]
    fn a_directory_in_which_others_can_replace_files_is_refused_unless_it_is_sticky() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("log");
        let mode = |mode| fs::set_permissions(room.path(), fs::Permissions::from_mode(mode)).unwrap();
        mode(0o777);
        let message =
            "cannot write `PATH`: others can replace files in its directory; run chmod o-w on the directory".to_owned();
        assert_eq!(refusal(&path), (Kind::Permission, message));
        assert!(!path.exists());
        mode(0o1777);
        append(&path, b"ours\n");
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&path, Some(12345), None).unwrap();
            assert_eq!(refusal(&path).0, Kind::Permission);
            mode(0o755);
            append(&path, b"the directory is ours alone\n");
        }
        mode(0o775);
        append(&path, b"a group's directory will do\n");
    }

    #[test]
    fn a_symlink_that_comes_and_goes_is_never_followed() {
        let room = tempfile::tempdir().unwrap();
        let (path, target) = (room.path().join("log"), room.path().join("target"));
        fs::write(&target, "untouched").unwrap();
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let swap = room.path().join("swap");
                while !stop.load(Relaxed) {
                    fs::write(&swap, "").unwrap();
                    fs::rename(&swap, &path).unwrap();
                    symlink(&target, &swap).unwrap();
                    fs::rename(&swap, &path).unwrap();
                }
            });
            for _ in 0..2000 {
                if let Ok(mut file) = File::open(&path) {
                    file.write(&Batch::of(b"line\n")).unwrap();
                }
            }
            stop.store(true, Relaxed);
        });
        assert_eq!(fs::read(&target).unwrap(), b"untouched");
    }

    #[test]
    fn a_missing_right_is_its_own_kind() {
        if !rustix::process::geteuid().is_root() {
            assert_eq!(refusal(Path::new("/etc/sladd-test")).0, Kind::Permission);
        }
        assert_eq!(kind(Errno::ACCESS), Kind::Permission);
        assert_eq!(kind(Errno::NAMETOOLONG), Kind::CannotCreate);
    }

    #[test]
    fn a_new_file_has_the_mode_0640_and_an_old_one_keeps_its_own() {
        let room = tempfile::tempdir().unwrap();
        fs::set_permissions(room.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let path = room.path().join("log");
        append(&path, b"1\n");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
        append(&path, b"2\n");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o604);
        assert_eq!(fs::read(&path).unwrap(), b"1\n2\n");
    }

    #[test]
    fn the_umask_does_not_matter() {
        for umask in ["000", "077", "777"] {
            let child = std::process::Command::new("sh")
                .args(["-c", &format!("cd / && umask {umask} && exec \"$0\" --exact \"$1\"")])
                .arg(std::env::current_exe().unwrap())
                .arg("output::file::tests::a_new_file_has_the_mode_0640_and_an_old_one_keeps_its_own")
                .output()
                .unwrap();
            assert!(child.status.success(), "{umask}");
        }
    }

    #[test]
    fn a_torn_last_line_is_ended_before_the_first_line_of_ours() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("log");
        for (before, after) in [("", "new\n"), ("old\n", "old\nnew\n"), ("old\nto", "old\nto\nnew\n")] {
            fs::write(&path, before).unwrap();
            let mut file = File::open(&path).unwrap();
            file.write(&Batch::default()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), before);
            file.write(&Batch::of(b"new\n")).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), after);
        }
    }

    #[test]
    fn opening_again_follows_the_path_and_a_refusal_keeps_the_old_file() {
        let room = tempfile::tempdir().unwrap();
        let (path, moved) = (room.path().join("log"), room.path().join("log.1"));
        let mut file = File::open(&path).unwrap();
        file.write(&Batch::of(b"1\n")).unwrap();
        fs::rename(&path, &moved).unwrap();
        file.write(&Batch::of(b"2\n")).unwrap();
        file.reopen().unwrap();
        file.write(&Batch::of(b"3\n")).unwrap();
        assert_eq!((fs::read(&moved).unwrap(), fs::read(&path).unwrap()), (b"1\n2\n".to_vec(), b"3\n".to_vec()));
        fs::remove_file(&path).unwrap();
        symlink(&moved, &path).unwrap();
        assert!(file.reopen().is_err());
        file.write(&Batch::of(b"4\n")).unwrap();
        assert_eq!(fs::read(&moved).unwrap(), b"1\n2\n");
    }

    #[test]
    fn two_that_append_to_one_file_tear_no_line_of_each_other() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("log");
        std::thread::scope(|scope| {
            for name in ["a", "b"] {
                let mut file = File::open(&path).unwrap();
                let line = format!("{}\n", name.repeat(999));
                scope.spawn(move || (0..200).for_each(|_| file.write(&Batch::of(line.repeat(20).as_bytes())).unwrap()));
            }
        });
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 8000);
        assert!(text.lines().all(|line| line == "a".repeat(999) || line == "b".repeat(999)));
    }
}
