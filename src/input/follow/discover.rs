//! Which files the patterns name, and inotify on the directories they stand in.

use super::identity::{self, Refusal, Stand};
use crate::error::{Error, Kind};
use glob::{MatchOptions, Pattern};
use rustix::{
    fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags},
    io::Errno,
};
use std::{
    collections::{BTreeSet, HashMap},
    ffi::{OsStr, OsString},
    fs, io,
    mem::MaybeUninit,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Component, Path, PathBuf},
};

/// `**` stops here.
const MAX_DIRECTORIES: usize = 10_000;

const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// What the patterns name, each an absolute path whose parts may hold `*`, `?`, `[...]`, or be `**`.
pub(super) struct Discover {
    patterns: Vec<Vec<Part>>,
    inotify: Option<Inotify>,
}

enum Part {
    Literal(OsString),
    Wild(Pattern),
    /// `**`: any number of directories.
    Deep,
}

/// One file that a pattern names.
pub(super) struct Match {
    pub path: PathBuf,
    pub stand: Stand,
}

/// All there is now.
#[derive(Default)]
pub(super) struct Scan {
    /// In the order of their paths; several may be names of one file.
    pub files: Vec<Match>,
    /// What is passed over, and why.
    pub refused: Vec<(PathBuf, String)>,
    /// What cannot be looked at, and why.
    pub unreadable: Vec<(PathBuf, String)>,
    directories: BTreeSet<PathBuf>,
}

/// What inotify told.
pub(super) enum News<'a> {
    /// This file was written to.
    Written(&'a Path),
    /// Names came, went or changed their rights.
    Names(&'a Path),
    /// A directory came or went.
    Anything,
    /// Events were lost.
    Lost,
}

/// What became of an attempt to watch.
#[derive(Default)]
pub(super) struct Watched {
    /// Something is watched that was not.
    pub new: bool,
    /// Why not everything is.
    pub failed: Option<String>,
}

impl Discover {
    /// # Errors
    /// [`Kind::Config`] for a pattern that is none.
    pub(super) fn new(patterns: &[String]) -> Result<Discover, Error> {
        if patterns.is_empty() {
            return Err(Error::new(Kind::Config, "no file to follow is named; name one or more patterns"));
        }
        let patterns = patterns.iter().map(|pattern| parts(pattern)).collect::<Result<_, _>>()?;
        Ok(Discover { patterns, inotify: None })
    }

    /// Whether a pattern's last part may name it.
    pub(super) fn may_name(&self, name: &OsStr) -> bool {
        self.patterns.iter().any(|parts| parts.last().is_some_and(|last| last.matches(name)))
    }

    /// The patterns that are paths.
    pub(super) fn literals(&self) -> Vec<PathBuf> {
        let path = |parts: &Vec<Part>| {
            parts.iter().try_fold(PathBuf::from("/"), |path, part| match part {
                Part::Literal(name) => Some(path.join(name)),
                Part::Wild(_) | Part::Deep => None,
            })
        };
        self.patterns.iter().filter_map(path).collect()
    }

    /// Looks at every directory.
    pub(super) fn scan(&self) -> Scan {
        let mut scan = Scan::default();
        let mut seen = BTreeSet::new();
        for pattern in &self.patterns {
            let (last, above) = pattern.split_last().expect("a pattern has parts");
            let mut places = BTreeSet::from([PathBuf::from("/")]);
            for part in above {
                places = part.expand(&places, &mut scan);
            }
            for place in places {
                match last {
                    Part::Literal(name) => scan.meet(place.join(name), Named::Literally, &mut seen),
                    Part::Wild(_) | Part::Deep => {
                        for name in list(&place, &mut scan) {
                            if last.matches(&name) {
                                scan.meet(place.join(&name), Named::ByPattern, &mut seen);
                            }
                        }
                    }
                }
                scan.directories.insert(place);
            }
        }
        scan.files.sort_by(|a, b| a.path.cmp(&b.path));
        scan
    }

    /// Watches the directories of a scan, and the files that stand elsewhere (`through` symlinks). Looking every now and
    /// then finds what cannot be watched.
    pub(super) fn watch(&mut self, scan: &Scan, through: &[PathBuf]) -> Watched {
        let mut watched = Watched::default();
        let Some(inotify) = &mut self.inotify else { return watched };
        for path in scan.directories.iter().chain(through) {
            match inotify.add(path, scan.directories.contains(path)) {
                Ok(new) => watched.new |= new,
                Err(Errno::NOENT | Errno::ACCESS | Errno::NOTDIR) => {}
                Err(Errno::NOSPC) => {
                    watched.failed = Some("no inotify watch is left; raise fs.inotify.max_user_watches".to_owned());
                }
                Err(error) => watched.failed = Some(io::Error::from(error).to_string()),
            }
        }
        watched
    }

    /// Begins to watch. What keeps it from it is returned; then looking at intervals is all there is.
    pub(super) fn begin(&mut self) -> Option<String> {
        match inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC) {
            Ok(fd) => {
                let buffer = vec![MaybeUninit::uninit(); 16 * 1024].into_boxed_slice();
                self.inotify = Some(Inotify { fd, watched: HashMap::new(), buffer, path: PathBuf::new() });
                None
            }
            Err(Errno::MFILE) => Some("no inotify instance is left; raise fs.inotify.max_user_instances".to_owned()),
            Err(error) => Some(io::Error::from(error).to_string()),
        }
    }

    /// Stops watching.
    pub(super) fn end(&mut self) {
        self.inotify = None;
    }

    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.inotify.as_ref().map(|inotify| inotify.fd.as_fd())
    }

    /// Takes what inotify has to tell.
    pub(super) fn take(&mut self, mut tell: impl FnMut(News<'_>)) -> io::Result<()> {
        match &mut self.inotify {
            Some(inotify) => inotify.take(&mut tell),
            None => Ok(()),
        }
    }

    /// Whether any of the directories is on a file system where others write without inotify knowing.
    pub(super) fn is_remote(scan: &Scan) -> bool {
        /// NFS, SMB, CIFS, SMB2, FUSE, 9P, Ceph, AFS, Coda, VirtualBox (`linux/magic.h`).
        const REMOTE: [u64; 10] = [
            0x6969,
            0x517b,
            0xff53_4d42,
            0xfe53_4d42,
            0x6573_5546,
            0x0102_1997,
            0x00c3_6400,
            0x5346_414f,
            0x7375_7245,
            0x786f_4256,
        ];
        #[allow(clippy::unnecessary_cast)] // Its type differs from system to system.
        scan.directories
            .iter()
            .any(|path| rustix::fs::statfs(path).is_ok_and(|stat| REMOTE.contains(&(stat.f_type as u64 & 0xffff_ffff))))
    }
}

/// The names in a directory that is the file's, and their inodes.
pub(super) fn neighbours(path: &Path) -> Vec<(PathBuf, u64)> {
    use std::os::unix::fs::DirEntryExt;
    let Some(Ok(entries)) = path.parent().map(fs::read_dir) else { return Vec::new() };
    let mut found: Vec<_> = entries.flatten().map(|entry| (entry.path(), entry.ino())).collect();
    found.sort();
    found
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    Literally,
    ByPattern,
}

impl Scan {
    fn meet(&mut self, path: PathBuf, named: Named, seen: &mut BTreeSet<PathBuf>) {
        if !seen.insert(path.clone()) {
            return;
        }
        match identity::followable(&path) {
            Ok(stand) => self.files.push(Match { path, stand }),
            Err(Refusal::Missing) => {}
            // A directory beside the logs is no log that is missed.
            Err(Refusal::Kind("a directory")) if named == Named::ByPattern => {}
            Err(Refusal::Kind(what)) => self.refused.push((path, format!("it is {what}"))),
            Err(Refusal::Failed(error)) => self.unreadable.push((path, error.to_string())),
        }
    }
}

impl Part {
    fn matches(&self, name: &OsStr) -> bool {
        match self {
            Part::Literal(literal) => literal == name,
            // As text: a name that is none is matched with its odd bytes replaced.
            Part::Wild(pattern) => pattern.matches_with(&name.to_string_lossy(), OPTIONS),
            Part::Deep => !name.as_bytes().starts_with(b"."),
        }
    }

    /// The directories that it names below others.
    fn expand(&self, places: &BTreeSet<PathBuf>, scan: &mut Scan) -> BTreeSet<PathBuf> {
        let mut below = BTreeSet::new();
        for place in places {
            match self {
                Part::Literal(name) => {
                    let path = place.join(name);
                    if path.is_dir() {
                        below.insert(path);
                    } else {
                        // It may come.
                        scan.directories.insert(place.clone());
                    }
                }
                Part::Wild(_) => {
                    for name in list(place, scan) {
                        if self.matches(&name) && place.join(&name).is_dir() {
                            below.insert(place.join(&name));
                        }
                    }
                    scan.directories.insert(place.clone());
                }
                Part::Deep => {
                    let mut open = vec![place.clone()];
                    while let Some(path) = open.pop() {
                        if below.len() >= MAX_DIRECTORIES {
                            scan.unreadable.push((path, format!("`**` names more than {MAX_DIRECTORIES} directories")));
                            break;
                        }
                        for name in list(&path, scan) {
                            let next = path.join(&name);
                            // A symlink might lead round in circles.
                            if self.matches(&name) && fs::symlink_metadata(&next).is_ok_and(|entry| entry.is_dir()) {
                                open.push(next);
                            }
                        }
                        scan.directories.insert(path.clone());
                        below.insert(path);
                    }
                }
            }
        }
        below
    }
}

fn parts(pattern: &str) -> Result<Vec<Part>, Error> {
    let refuse = |why: &str| Err(Error::new(Kind::Config, format!("cannot follow `{pattern}`: {why}")));
    let Ok(path) = std::path::absolute(pattern) else {
        return refuse("it is no path; write one such as /var/log/*.log");
    };
    if pattern.ends_with('/') {
        return refuse("it names a directory; add the names of the files, such as *.log");
    }
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => {
                let text = name.to_str().expect("a pattern is text");
                parts.push(match text {
                    "**" => Part::Deep,
                    text if text.contains(['*', '?', '[']) => match Pattern::new(text) {
                        Ok(pattern) => Part::Wild(pattern),
                        Err(error) => return refuse(error.msg),
                    },
                    _ => Part::Literal(name.to_owned()),
                });
            }
            Component::ParentDir => return refuse("it holds `..`; write the path without it"),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    match parts.last() {
        None => refuse("it names a directory; add the names of the files, such as *.log"),
        Some(Part::Deep) => refuse("it ends with `**`; add the names of the files, such as *.log"),
        Some(_) => Ok(parts),
    }
}

fn list(place: &Path, scan: &mut Scan) -> Vec<OsString> {
    match fs::read_dir(place) {
        Ok(entries) => entries.flatten().map(|entry| entry.file_name()).collect(),
        Err(error) if identity::is_missing(&error) => Vec::new(),
        Err(error) => {
            scan.unreadable.push((place.to_owned(), error.to_string()));
            Vec::new()
        }
    }
}

struct Inotify {
    fd: OwnedFd,
    /// What each watch is of; whether a directory.
    watched: HashMap<i32, (PathBuf, bool)>,
    buffer: Box<[MaybeUninit<u8>]>,
    path: PathBuf,
}

impl Inotify {
    /// Again and again for one directory is once.
    fn add(&mut self, path: &Path, directory: bool) -> Result<bool, Errno> {
        let names = WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF;
        let all = WatchFlags::MODIFY | WatchFlags::ATTRIB;
        let flags = if directory { all | names | WatchFlags::ONLYDIR } else { all | WatchFlags::MOVE_SELF };
        let watch = inotify::add_watch(&self.fd, path, flags)?;
        match self.watched.get_mut(&watch) {
            // One directory may have two names.
            Some((known, _)) => {
                if known != path {
                    path.clone_into(known);
                }
                Ok(false)
            }
            None => {
                self.watched.insert(watch, (path.to_owned(), directory));
                Ok(true)
            }
        }
    }

    fn take(&mut self, tell: &mut impl FnMut(News<'_>)) -> io::Result<()> {
        let mut reader = inotify::Reader::new(&self.fd, &mut self.buffer);
        loop {
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            let flags = event.events();
            if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
                tell(News::Lost);
                continue;
            }
            if flags.contains(ReadFlags::IGNORED) {
                self.watched.remove(&event.wd());
                tell(News::Anything);
                continue;
            }
            let Some((place, directory)) = self.watched.get(&event.wd()) else {
                tell(News::Anything);
                continue;
            };
            match event.file_name() {
                None if !directory && flags.contains(ReadFlags::MODIFY) => tell(News::Written(place)),
                // The directory's own time changes with every name.
                None if flags == ReadFlags::ATTRIB | ReadFlags::ISDIR => {}
                None => tell(News::Anything),
                Some(name) => {
                    self.path.clear();
                    self.path.push(place);
                    self.path.push(OsStr::from_bytes(name.to_bytes()));
                    if flags.contains(ReadFlags::ISDIR) {
                        tell(News::Anything);
                    } else if flags.contains(ReadFlags::MODIFY) {
                        tell(News::Written(&self.path));
                    } else {
                        tell(News::Names(&self.path));
                    }
                }
            }
        }
    }
}
