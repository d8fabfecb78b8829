//! Secrets as files: `2026-11-21.key`, 32 bytes, mode 0400, and beside them `2026-11-21.tomb` once they are destroyed.
//!
//! Everything goes through one open descriptor of the directory and follows no symbolic link, so that nobody can slip
//! another directory or file in between a check and its use. A secret is written to a file of its own, made durable, and
//! then given its name only if nobody has it: of several processes one wins, and all read what it wrote. The file's
//! modification time is set to the time of creation that was passed in; it decides when the secret dies. Each destruction
//! is told to `audit.log` beside the keys; a kill in between is made good by whoever looks next.
//!
//! Overwriting reaches the old blocks only where the file system writes in place. On copy-on-write file systems and flash
//! keep the directory on tmpfs, or on an encrypted disk.

use super::{
    Cause, fresh, random,
    wrap::{WRAPPED, Wrap},
};
use crate::{
    audit::{Deed, Entry, Log},
    error::{Error, Kind},
    time::Timestamp,
    vault::Bytes,
};
use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{self, AtFlags, FileType, Mode, OFlags, RenameFlags, Stat, Timespec, Timestamps},
    io::Errno,
    process::geteuid,
};
use std::{
    collections::BTreeMap,
    fmt::Display,
    io,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// A directory that only we can come at.
pub(super) struct Directory {
    fd: OwnedFd,
    /// For messages only.
    path: PathBuf,
    audit: Log,
    /// What secrets are kept under.
    wrap: Option<Wrap>,
}

/// What stands under one name: a key, a tombstone, or both where a destruction was interrupted.
pub(super) struct Item {
    pub(super) name: String,
    /// When the key was made, if it is there.
    pub(super) made: Option<Timestamp>,
    pub(super) tombstone: Option<Tombstone>,
    /// How long the key's file is.
    size: i64,
}

/// A tombstone.
#[derive(Clone, Copy)]
pub(super) struct Tombstone {
    pub(super) raised: Timestamp,
    /// Whether the destruction stands in the audit log.
    pub(super) is_told: bool,
}

impl Directory {
    /// Opens it, and makes it if it is missing.
    pub(super) fn open(path: &Path) -> Result<Directory, Error> {
        // Without a slash at the end, which would follow a symbolic link.
        let path: PathBuf = path.components().collect();
        let made = match fs::mkdir(&path, Mode::RWXU) {
            Ok(()) => true,
            Err(Errno::EXIST | Errno::ISDIR) => false,
            Err(Errno::NOENT | Errno::NOTDIR) => {
                let message =
                    format!("cannot create key directory {}: its parent is missing; create that first", path.display());
                return Err(Error::new(Kind::CannotCreate, message));
            }
            Err(errno) => {
                let kind = if kind_of(errno) == Kind::Permission { Kind::Permission } else { Kind::CannotCreate };
                let message = format!(
                    "cannot create key directory {}: {}; create it yourself with mode 700",
                    path.display(),
                    text(errno)
                );
                return Err(Error::new(kind, message));
            }
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = match fs::open(&path, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOTDIR | Errno::LOOP) => {
                let link =
                    fs::lstat(&path).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink);
                return Err(refuse_directory(
                    &path,
                    if link {
                        "is a symbolic link; name the directory itself"
                    } else {
                        "is not a directory; name another"
                    },
                ));
            }
            Err(errno) => {
                let message =
                    format!("cannot open key directory {}: {}; run sladd as its owner", path.display(), text(errno));
                return Err(Error::new(kind_of(errno), message));
            }
        };
        let audit = Log::within(&fd, &path)?;
        let directory = Directory { fd, path, audit, wrap: None };
        directory.check()?;
        if made {
            // Where the parent cannot be opened it cannot be synced either; the directory is then as durable as the system makes it.
            let parent =
                fs::openat(&directory.fd, "..", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
            let _ = parent.and_then(sync);
        }
        Ok(directory)
    }

    /// Keeps secrets wrapped, and reads no others.
    pub(super) fn wrapped(self, wrap: Wrap) -> Directory {
        Directory { wrap: Some(wrap), ..self }
    }

    /// The secret of this name and when it was made: the one there is, or else a new one, made `now`. `None` if it is destroyed.
    pub(super) fn obtain(&self, name: &str, now: Timestamp) -> Result<Option<(Bytes, Timestamp)>, Error> {
        self.obtain_or(name, now, fresh)
    }

    /// The same, with another way to make what is missing.
    pub(super) fn obtain_or(
        &self,
        name: &str,
        now: Timestamp,
        make: impl Fn() -> Result<Bytes, Error>,
    ) -> Result<Option<(Bytes, Timestamp)>, Error> {
        self.check()?;
        loop {
            let loaded = self.load(name);
            // Asked after the file was read: whoever destroys it raises the tombstone before touching it.
            if self.has_tombstone(name)? {
                self.destroy(name, Cause::Interrupted, now)?;
                return Ok(None);
            }
            match loaded? {
                Some(found) => return Ok(Some(found)),
                None => self.create(name, &make()?, now)?,
            }
        }
    }

    /// Whether the secret of this name is destroyed. Anything that has the tombstone's name is one.
    pub(super) fn has_tombstone(&self, name: &str) -> Result<bool, Error> {
        match self.stat(&format!("{name}.tomb")) {
            Ok(stat) => Ok(stat.is_some()),
            Err(errno) => Err(self.failed("read", name, errno)),
        }
    }

    /// Raises the tombstone, overwrites the secret, removes it, tells the audit log. What is done already is not done again.
    pub(super) fn destroy(&self, name: &str, cause: Cause, now: Timestamp) -> Result<(), Error> {
        self.destroy_as(name, cause, now, &self.audit)
    }

    fn destroy_as(&self, name: &str, cause: Cause, now: Timestamp, audit: &Log) -> Result<(), Error> {
        let failed = |errno| self.failed("destroy", name, errno);
        let (file, tomb) = (format!("{name}.key"), format!("{name}.tomb"));
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match fs::openat(&self.fd, &*tomb, flags, Mode::RUSR | Mode::WUSR) {
            Ok(tombstone) => {
                set_time(&tombstone, now).map_err(failed)?;
                sync(tombstone).map_err(failed)?;
            }
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(failed(errno)),
        }
        sync(&self.fd).map_err(failed)?;
        self.overwrite_replaced(name).map_err(failed)?;
        if let Some(stat) = self.stat(&file).map_err(failed)? {
            if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
                return Err(self.refuse(name, what_it_is(&stat)));
            }
            match self.overwrite(&file, stat.st_size.unsigned_abs()) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(errno) => return Err(failed(errno)),
            }
            sync(&self.fd).map_err(failed)?;
        }
        self.tell(name, &tomb, cause, now, audit)
    }

    /// Writes a destruction to the audit log, unless it stands there. The tombstone says whether it does: it is empty until then.
    fn tell(&self, name: &str, tomb: &str, cause: Cause, now: Timestamp, audit: &Log) -> Result<(), Error> {
        let failed = |errno| self.failed("destroy", name, errno);
        let untold = |stat: Option<Stat>| stat.is_some_and(|stat| is_file(&stat) && stat.st_size == 0);
        if !untold(self.stat(tomb).map_err(failed)?) {
            return Ok(());
        }
        // Of several processes that destroyed it together one tells.
        let mut held = audit.hold()?;
        if !untold(self.stat(tomb).map_err(failed)?) {
            return Ok(());
        }
        let details = [("reason", cause.as_str()), ("how", "overwritten, removed, synced")];
        // A kill may have come behind the entry, and others since: an epoch dies once, and is told once.
        let is_told = match cause {
            // But the log that a job leaves has the ends of other jobs' keys, of the same epochs.
            Cause::JobDone => held.ends_with_deed(now, Deed::KeyDestroyed, name)?,
            Cause::Due | Cause::Asked | Cause::Interrupted => held.tells(now, Deed::KeyDestroyed, name)?,
        };
        if !is_told {
            held.append(now, &Entry { deed: Deed::KeyDestroyed, subject: name, details: &details })?;
        }
        let mark = || {
            fs::chmodat(&self.fd, tomb, Mode::RUSR | Mode::WUSR, AtFlags::empty())?;
            let fd = fs::openat(&self.fd, tomb, OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
            write_full(&fd, TOLD)?;
            set_time(&fd, now)?;
            fs::fchmod(&fd, Mode::RUSR)?;
            sync(&fd)
        };
        mark().map_err(failed)
    }

    /// A short text that stands in a file of its own, if it is there and ours.
    pub(super) fn read_note(&self, file: &str) -> Result<Option<String>, Error> {
        let failed = |errno| self.failed_at("read", &self.path.join(file), errno);
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = match fs::openat(&self.fd, file, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => return Ok(None),
            Err(errno) => return Err(failed(errno)),
        };
        if !is_file(&fs::fstat(&fd).map_err(failed)?) {
            return Ok(None);
        }
        let mut bytes = [0; 256];
        let read = read_full(&fd, &mut bytes).map_err(failed)?;
        Ok(std::str::from_utf8(&bytes[..read]).ok().map(str::to_owned))
    }

    /// Puts a short text in place of what such a file held.
    pub(super) fn write_note(&self, file: &str, words: &str) -> Result<(), Error> {
        let half_made = self.half_made(file)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let write = || {
            let fd = fs::openat(&self.fd, &*half_made, flags, Mode::RUSR | Mode::WUSR)?;
            write_full(&fd, words.as_bytes())?;
            sync(&fd)?;
            fs::renameat(&self.fd, &*half_made, &self.fd, file)?;
            sync(&self.fd)
        };
        write().map_err(|errno| {
            let _ = fs::unlinkat(&self.fd, &*half_made, AtFlags::empty());
            self.failed_at("write", &self.path.join(file), errno)
        })
    }

    /// Puts the audit log in order where a kill has left it otherwise.
    pub(super) fn settle(&self, now: Timestamp) -> Result<(), Error> {
        self.audit.settle(now)
    }

    /// Tells the audit log what somebody asked for.
    pub(super) fn note(&self, now: Timestamp, entry: &Entry<'_>) -> Result<(), Error> {
        self.audit.append(now, entry)
    }

    /// Makes the secret of this name unless it is there or destroyed; whether it was made by this call.
    pub(super) fn make(&self, name: &str, now: Timestamp) -> Result<Option<bool>, Error> {
        self.check()?;
        if self.has_tombstone(name)? {
            return Ok(None);
        }
        let there = self.load(name)?.is_some();
        Ok(self.obtain(name, now)?.map(|_| !there))
    }

    /// All keys and tombstones, by name. Removes what processes that died left half made an hour before `now`.
    pub(super) fn items(&self, now: Timestamp) -> Result<Vec<Item>, Error> {
        let failed = |errno| {
            let path = self.path.display();
            Error::new(
                kind_of(errno),
                format!("cannot read key directory {path}: {}; run sladd as its owner", text(errno)),
            )
        };
        self.check()?;
        let mut items = BTreeMap::<String, Item>::new();
        for entry in fs::Dir::read_from(&self.fd).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Ok(file) = entry.file_name().to_str() else { continue };
            let half_made = file.starts_with('.') && file.ends_with(HALF_MADE);
            let name = file.strip_suffix(".key").or_else(|| file.strip_suffix(".tomb"));
            if !half_made && name.is_none() {
                continue;
            }
            // Another process may have been faster.
            let Some(stat) = self.stat(file).map_err(failed)? else { continue };
            let time = Timestamp(stat.st_mtime);
            if let Some(name) = name {
                let item = Item { name: name.to_owned(), made: None, tombstone: None, size: 0 };
                let item = items.entry(name.to_owned()).or_insert(item);
                match file.ends_with(".key") {
                    true => (item.made, item.size) = (Some(time), stat.st_size),
                    false => {
                        let is_told = !is_file(&stat) || stat.st_size > 0;
                        item.tombstone = Some(Tombstone { raised: time, is_told });
                    }
                }
            } else if stat.st_mtime.saturating_add(3_600) < now.0 && is_file(&stat) {
                // A new one may be a link to a live key, or about to be given its name; nothing was made with it yet.
                let gone = match file.ends_with(REPLACED) {
                    true => self.overwrite(file, stat.st_size.unsigned_abs()),
                    false => fs::unlinkat(&self.fd, file, AtFlags::empty()),
                };
                match gone {
                    Ok(()) | Err(Errno::NOENT) => {}
                    Err(errno) => return Err(failed(errno)),
                }
            }
        }
        Ok(items.into_values().collect())
    }

    /// Destroys every secret in it and removes it, tombstones and all: it was for one job, whose epochs nobody asks for again.
    /// `audit` is the log of a directory that stays.
    pub(super) fn clear(self, now: Timestamp, audit: &Log) -> Result<(), Error> {
        for item in self.items(now)? {
            self.destroy_as(&item.name, Cause::JobDone, now, audit)?;
        }
        let failed = |errno| {
            let path = self.path.display();
            Error::new(
                kind_of(errno),
                format!("cannot remove key directory {path}: {}; remove it yourself", text(errno)),
            )
        };
        for entry in fs::Dir::read_from(&self.fd).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let ours = |name: &str| name.ends_with(".tomb") || (name.starts_with('.') && name.ends_with(HALF_MADE));
            if entry.file_name().to_str().is_ok_and(ours) {
                match fs::unlinkat(&self.fd, entry.file_name(), AtFlags::empty()) {
                    Ok(()) | Err(Errno::NOENT) => {}
                    Err(errno) => return Err(failed(errno)),
                }
            }
        }
        match fs::rmdir(&self.path) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(failed(errno)),
        }
    }

    /// An error that says why a key's file is of no use.
    pub(super) fn refuse(&self, name: &str, why: &str) -> Error {
        let path = self.path.join(format!("{name}.key"));
        Error::new(Kind::Config, format!("cannot use key `{name}`: {} {why}", path.display()))
    }

    /// That nobody but us can come at what is in it, or put another directory in its place.
    pub(super) fn check(&self) -> Result<(), Error> {
        let refuse = |why: &str| Err(refuse_directory(&self.path, why));
        let stat = fs::fstat(&self.fd).map_err(|errno| self.lost(errno))?;
        if stat.st_nlink == 0 {
            return refuse("was removed while it was in use; start sladd again");
        }
        if let Some(why) = foreign(&stat) {
            return refuse(&why);
        }
        if let Some(who) = open_to_others(&stat) {
            return refuse(&format!("is {who} by others; run chmod 700"));
        }
        self.check_above(&stat)
    }

    /// That nobody can put another directory in the place of one of those that it is in.
    fn check_above(&self, stat: &Stat) -> Result<(), Error> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let (mut path, mut below) = (self.path.as_path(), (stat.st_dev, stat.st_ino));
        let mut fd: Option<OwnedFd> = None;
        loop {
            let above = fs::openat(fd.as_ref().unwrap_or(&self.fd), "..", flags, Mode::empty());
            // What cannot be looked into from here cannot be judged either; who owns it decides.
            let Ok(above) = above else { return Ok(()) };
            let stat = fs::fstat(&above).map_err(|errno| self.lost(errno))?;
            if (stat.st_dev, stat.st_ino) == below {
                return Ok(());
            }
            path = path.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new(".."));
            if stat.st_mode & 0o022 != 0 && stat.st_mode & 0o1000 == 0 {
                return Err(refuse_directory(
                    path,
                    "is writable by others, who could replace the keys; run chmod go-w",
                ));
            }
            (fd, below) = (Some(above), (stat.st_dev, stat.st_ino));
        }
    }

    pub(super) fn load(&self, name: &str) -> Result<Option<(Bytes, Timestamp)>, Error> {
        let (stat, kept, read) = match self.read(name) {
            Ok(found) => found,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(self.refuse(name, SYMLINK)),
            Err(Errno::NXIO) => return Err(self.refuse(name, NOT_A_FILE)),
            Err(errno) => return Err(self.failed("read", name, errno)),
        };
        if !is_file(&stat) {
            return Err(self.refuse(name, NOT_A_FILE));
        }
        if let Some(why) = foreign(&stat) {
            return Err(self.refuse(name, &why));
        }
        if let Some(who) = open_to_others(&stat) {
            return Err(self.refuse(name, &format!("is {who} by others; run chmod 400")));
        }
        let bytes = match (read, &self.wrap) {
            (SIZE, None) => {
                let mut bytes = Bytes::default();
                bytes.copy_from_slice(&kept[..SIZE]);
                bytes
            }
            (WRAPPED, Some(wrap)) => wrap.open(name, &kept[..WRAPPED]).ok_or_else(|| {
                self.refuse(
                    name,
                    "was wrapped with another file than that of `wrap`, or under another name; restore it or remove it",
                )
            })?,
            (SIZE, Some(_)) => return Err(self.refuse(name, NOT_WRAPPED)),
            (WRAPPED, None) => {
                return Err(self.refuse(name, IS_WRAPPED));
            }
            (_, _) => {
                let size = stat.st_size.max(read as i64);
                return Err(self.refuse(name, &format!("holds {size} bytes, not 32; restore it or remove it")));
            }
        };
        if bytes.iter().all(|&byte| byte == 0) {
            return Err(self.refuse(name, "holds nothing but zeros; restore it or remove it"));
        }
        Ok(Some((bytes, Timestamp(stat.st_mtime))))
    }

    /// Whether what has the name of a key can be none: of another length, nothing but zeros, nothing that `wrap` opens, no file.
    /// What may not be read, and what is only wrapped otherwise than is said, is not judged.
    pub(super) fn is_damaged(&self, name: &str) -> bool {
        let (kept, read) = match self.read(name) {
            Ok((stat, kept, read)) if is_file(&stat) => (kept, read),
            Ok(_) | Err(Errno::LOOP | Errno::NXIO | Errno::IO) => return true,
            Err(_) => return false,
        };
        match (read, &self.wrap) {
            (SIZE, _) | (WRAPPED, None) => kept[..read].iter().all(|&byte| byte == 0),
            (WRAPPED, Some(wrap)) => wrap.open(name, &kept[..WRAPPED]).is_none(),
            (_, _) => true,
        }
    }

    /// What has the name of a key: what it is, its first bytes, and how many those are; none of what is no file.
    fn read(&self, name: &str) -> Result<(Stat, Zeroizing<[u8; WRAPPED + 1]>, usize), Errno> {
        // Not to wait for the other end of a pipe that has a key's name.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let fd = fs::openat(&self.fd, format!("{name}.key"), flags, Mode::empty())?;
        let stat = fs::fstat(&fd)?;
        let mut kept = Zeroizing::new([0; WRAPPED + 1]);
        let read = if is_file(&stat) { read_full(&fd, &mut kept[..])? } else { 0 };
        Ok((stat, kept, read))
    }

    /// Keeps a secret under `wrap` that was kept plainly, or under `old`. Whether anything was done.
    pub(super) fn rewrap(&self, name: &str, old: Option<&Wrap>, now: Timestamp) -> Result<bool, Error> {
        if self.wrap.is_none() {
            return Ok(false);
        }
        self.overwrite_replaced(name).map_err(|errno| self.failed("wrap", name, errno))?;
        if self.load(name).is_ok() {
            return Ok(false);
        }
        let before = Directory {
            fd: self.fd.try_clone().map_err(|_| self.failed("wrap", name, Errno::MFILE))?,
            path: self.path.clone(),
            audit: Log::within(&self.fd, &self.path)?,
            wrap: None,
        };
        let plain = before.load(name);
        let found = match (plain, old) {
            (Err(_), Some(old)) => before.wrapped(old.clone()).load(name)?,
            (plain, _) => plain?,
        };
        let Some((bytes, made)) = found else { return Ok(false) };
        let failed = |errno| self.failed("wrap", name, errno);
        let (file, half_made) = (format!("{name}.key"), self.half_made(name)?.replace(HALF_MADE, REPLACED));
        self.write(&half_made, name, &bytes, made)?;
        // The two change places, so that at no time there is none; then the old one is overwritten as a dead key is.
        match fs::renameat_with(&self.fd, &*half_made, &self.fd, &*file, RenameFlags::EXCHANGE) {
            Ok(()) => {
                sync(&self.fd).map_err(failed)?;
                self.overwrite(&half_made, WRAPPED as u64).map_err(failed)?;
            }
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                fs::renameat(&self.fd, &*half_made, &self.fd, &*file).map_err(failed)?;
            }
            Err(errno) => return Err(failed(errno)),
        }
        sync(&self.fd).map_err(failed)?;
        self.note(now, &Entry { deed: Deed::KeyWrapped, subject: name, details: &[] })?;
        Ok(true)
    }

    /// Copies of this key that a kill left while it was wrapped anew are overwritten.
    fn overwrite_replaced(&self, name: &str) -> Result<(), Errno> {
        for entry in fs::Dir::read_from(&self.fd)? {
            let entry = entry?;
            let Ok(file) = entry.file_name().to_str() else { continue };
            if file.strip_prefix('.').is_some_and(|rest| rest.starts_with(&format!("{name}.")))
                && file.ends_with(REPLACED)
            {
                let size = self.stat(file)?.map_or(0, |stat| stat.st_size.unsigned_abs());
                match self.overwrite(file, size) {
                    Ok(()) | Err(Errno::NOENT) => {}
                    Err(errno) => return Err(errno),
                }
            }
        }
        Ok(())
    }

    /// Gives a new secret this name, unless the name is taken.
    fn create(&self, name: &str, bytes: &Bytes, now: Timestamp) -> Result<(), Error> {
        let items = self.items(now)?;
        // Somebody may have wrapped all of them with another file since this process began: where none can be opened, one more would
        // be the only one that can.
        let mut last = Ok(());
        for item in items.iter().filter(|item| item.made.is_some() && self.wrap.is_some()) {
            last = self.load(&item.name).map(drop);
            if last.is_ok() {
                break;
            }
        }
        last?;
        // One that is kept otherwise than the rest would be found out only when it is needed.
        for item in items {
            match (&self.wrap, usize::try_from(item.size)) {
                (Some(_), Ok(SIZE)) => return Err(self.refuse(&item.name, NOT_WRAPPED)),
                (None, Ok(WRAPPED)) => return Err(self.refuse(&item.name, IS_WRAPPED)),
                (Some(_) | None, _) => {}
            }
        }
        let half_made = self.half_made(name)?;
        let written = self.write(&half_made, name, bytes, now).and_then(|()| {
            let named = self.give_name(&half_made, &format!("{name}.key"));
            // Also where another process was faster: its secret must outlive a crash before ours relies on it.
            named.and_then(|()| sync(&self.fd)).map_err(|errno| self.failed("write", name, errno))
        });
        written.inspect_err(|_| {
            let _ = fs::unlinkat(&self.fd, &half_made, AtFlags::empty());
        })
    }

    /// A name that nobody else has, for a file that is not whole yet.
    fn half_made(&self, name: &str) -> Result<String, Error> {
        let mut tail = [0; 8];
        random(&mut tail)?;
        Ok(format!(".{name}.{:016x}{HALF_MADE}", u64::from_ne_bytes(tail)))
    }

    /// Writes the secret called `name` to a new file.
    fn write(&self, file: &str, name: &str, bytes: &Bytes, now: Timestamp) -> Result<(), Error> {
        let kept = match &self.wrap {
            Some(wrap) => Zeroizing::new(wrap.seal(name, bytes)?),
            None => Zeroizing::new(bytes.to_vec()),
        };
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let write = || {
            let fd = fs::openat(&self.fd, file, flags, Mode::RUSR)?;
            fs::fchmod(&fd, Mode::RUSR)?; // an umask may have taken that away
            write_full(&fd, &kept)?;
            set_time(&fd, now)?;
            sync(&fd)
        };
        write().map_err(|errno| self.failed("write", name, errno))
    }

    /// Renames without replacing. A taken name is no fault.
    fn give_name(&self, from: &str, to: &str) -> Result<(), Errno> {
        match fs::renameat_with(&self.fd, from, &self.fd, to, RenameFlags::NOREPLACE) {
            // Gone: another process, with another time, took it for one left over. The caller looks again and makes a new one.
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(Errno::EXIST) => {}
            // File systems that cannot: a link does not replace either.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                match fs::linkat(&self.fd, from, &self.fd, to, AtFlags::empty()) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(errno) => return Err(errno),
                }
            }
            Err(errno) => return Err(errno),
        }
        match fs::unlinkat(&self.fd, from, AtFlags::empty()) {
            Err(Errno::NOENT) => Ok(()),
            done => done,
        }
    }

    /// Writes zeros over a file of ours and removes it.
    fn overwrite(&self, file: &str, size: u64) -> Result<(), Errno> {
        fs::chmodat(&self.fd, file, Mode::RUSR | Mode::WUSR, AtFlags::empty())?;
        let fd = fs::openat(&self.fd, file, OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
        // No key of ours is longer; what is may be of any size.
        write_full(&fd, &vec![0; size.min(4096) as usize])?;
        sync(&fd)?;
        fs::unlinkat(&self.fd, file, AtFlags::empty())
    }

    fn stat(&self, file: &str) -> Result<Option<Stat>, Errno> {
        match fs::statat(&self.fd, file, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    fn failed(&self, deed: &str, name: &str, errno: Errno) -> Error {
        self.failed_at(&format!("{deed} key `{name}`:"), &self.path.join(format!("{name}.key")), errno)
    }

    fn failed_at(&self, deed: &str, path: &Path, errno: Errno) -> Error {
        let remedy = match kind_of(errno) {
            Kind::Permission => "run sladd as the owner of the key directory",
            _ => "see that the disk is there and has room",
        };
        Error::new(kind_of(errno), format!("cannot {deed} {}: {}; {remedy}", path.display(), text(errno)))
    }

    fn lost(&self, errno: Errno) -> Error {
        let message =
            format!("cannot read key directory {}: {}; see that the disk is there", self.path.display(), text(errno));
        Error::new(kind_of(errno), message)
    }
}

fn refuse_directory(path: &Path, why: &str) -> Error {
    Error::new(Kind::Config, format!("cannot use key directory: {} {why}", path.display()))
}

/// How others can come at a file, if they can.
fn open_to_others(stat: &Stat) -> Option<&'static str> {
    match stat.st_mode & 0o077 {
        0 => None,
        bits if bits & 0o044 != 0 => Some("readable"),
        bits if bits & 0o022 != 0 => Some("writable"),
        _ => Some("executable"),
    }
}

/// Whose a file is, if it is not ours.
fn foreign(stat: &Stat) -> Option<String> {
    let ours = geteuid().as_raw();
    (stat.st_uid != ours).then(|| format!("belongs to user {}, not to user {ours}; run chown {ours}", stat.st_uid))
}

fn is_file(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

fn what_it_is(stat: &Stat) -> &'static str {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Symlink => SYMLINK,
        _ => NOT_A_FILE,
    }
}

fn kind_of(errno: Errno) -> Kind {
    match errno {
        Errno::ACCESS | Errno::PERM | Errno::ROFS => Kind::Permission,
        _ => Kind::Io,
    }
}

fn text(errno: Errno) -> impl Display {
    io::Error::from(errno)
}

/// Reads until `bytes` are full or the file ends.
fn read_full(fd: impl AsFd, bytes: &mut [u8]) -> Result<usize, Errno> {
    let mut read = 0;
    while read < bytes.len() {
        match rustix::io::read(&fd, &mut bytes[read..]) {
            Ok(0) => break,
            Ok(count) => read += count,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(read)
}

fn write_full(fd: impl AsFd, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::write(&fd, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

fn set_time(fd: impl AsFd, time: Timestamp) -> Result<(), Errno> {
    let time = Timespec { tv_sec: time.0, tv_nsec: 0 };
    fs::futimens(fd, &Timestamps { last_access: time, last_modification: time })
}

const SIZE: usize = 32;
/// What a tombstone holds once its destruction stands in the audit log.
const TOLD: &[u8] = b"destroyed; see audit.log\n";
const HALF_MADE: &str = ".new";
/// The end of its name where a key was about to be put in the place of an old one, which may be what it holds.
const REPLACED: &str = ".old.new";
const SYMLINK: &str = "is a symbolic link; put the key itself in its place";
const NOT_WRAPPED: &str = "is not wrapped; run sladd key rotate --wrap --policy FILE";
const IS_WRAPPED: &str = "is wrapped; name the file that it is wrapped with: `wrap` in [keys]";
const NOT_A_FILE: &str = "is not a regular file; remove it";

/// Makes it durable, through interrupts.
fn sync(fd: impl AsFd) -> Result<(), Errno> {
    loop {
        match fs::fsync(&fd) {
            Err(Errno::INTR) => {}
            done => return done,
        }
    }
}
