//! Paths as typed → the files to read, each with the name it keeps, and what is left out, with the reason.

use crate::{
    error::Kind,
    input::file::{Identity, what},
    state::ledger::ROOM,
};
use rustix::fs::FileType;
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    io::{self, Read},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};
use walkdir::WalkDir;

/// One file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Where it is.
    pub path: PathBuf,
    /// What it is called below the directory that holds all inputs.
    pub name: PathBuf,
    /// What it was when it was found.
    pub identity: Identity,
}

/// Something that is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Where it is.
    pub path: PathBuf,
    /// Why, in a few words.
    pub why: String,
    /// What kind of error that is; `None` where it is none.
    pub kind: Option<Kind>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The directory that holds all inputs.
    pub base: PathBuf,
    /// By name.
    pub items: Vec<Item>,
    /// In the order they were met.
    pub skipped: Vec<Skipped>,
    /// Hidden files and directories that were passed over.
    pub hidden: u64,
}

/// Finds the files that `paths` name: files, directories with all below them, and patterns with `*`, `?` and `[…]` where
/// nothing of that name is there. Names are kept from `base` on, or else from the deepest directory that holds everything
/// that was named. What lies in `own` is passed over: it is our output.
///
/// Symlinks are not followed; hidden files are read only where they are named.
pub fn find(paths: &[PathBuf], base: Option<&Path>, own: Option<&Path>) -> Found {
    let mut walk = Walk { own: own.and_then(|own| fs::metadata(own).ok()), ..Walk::default() };
    for path in paths {
        walk.typed(path);
    }
    let mut found = Found { skipped: walk.skipped, hidden: walk.hidden, ..Found::default() };
    found.base = match base.map(fs::canonicalize) {
        Some(Ok(base)) => base,
        Some(Err(error)) => {
            found.skipped.push(Skipped {
                path: base.unwrap_or(Path::new("")).to_path_buf(),
                why: error.to_string(),
                kind: Some(kind(&error)),
            });
            return found;
        }
        None => walk.roots.into_iter().reduce(|a, b| common(&a, &b)).unwrap_or_default(),
    };
    let own = own.and_then(|own| fs::canonicalize(own).ok());
    for (path, identity) in walk.files {
        // Our state and our outputs are no logs, however they are named.
        if path.components().any(|part| part.as_os_str() == ROOM)
            || own.as_ref().is_some_and(|own| path.starts_with(own) && *own != found.base)
        {
            found.hidden += 1;
            continue;
        }
        match path.strip_prefix(&found.base) {
            Ok(name) => found.items.push(Item { name: name.to_path_buf(), path, identity }),
            Err(_) => {
                let why = format!("it is not below --base `{}`", found.base.display());
                found.skipped.push(Skipped { path, why, kind: Some(Kind::NoInput) });
            }
        }
    }
    found
}

/// The names in a list: one a line, or ended by NUL where there is one.
///
/// # Errors
/// Reading failed.
pub fn list(mut input: impl Read) -> io::Result<Vec<PathBuf>> {
    let mut text = Vec::new();
    input.read_to_end(&mut text)?;
    let end = if text.contains(&0) { 0 } else { b'\n' };
    let names = text.split(|&byte| byte == end);
    let names = names.map(|name| if end == b'\n' { name.strip_suffix(b"\r").unwrap_or(name) } else { name });
    let names = names.filter(|name| !name.is_empty());
    Ok(names.map(|name| PathBuf::from(std::ffi::OsStr::from_bytes(name))).collect())
}

#[derive(Default)]
struct Walk {
    own: Option<fs::Metadata>,
    /// The deepest directory that each typed path says its names begin in.
    roots: Vec<PathBuf>,
    /// By path, so that what is named twice is read once.
    files: BTreeMap<PathBuf, Identity>,
    skipped: Vec<Skipped>,
    hidden: u64,
    /// Directories and what they are called without links and dots.
    true_names: HashMap<PathBuf, PathBuf>,
}

impl Walk {
    fn typed(&mut self, path: &Path) {
        let stat = rustix::fs::lstat(path);
        match stat.map(|stat| (FileType::from_raw_mode(stat.st_mode), Identity::of(&stat))) {
            Ok((FileType::Directory, _)) => match fs::canonicalize(path) {
                Ok(path) => {
                    self.below(&path);
                    self.roots.push(path);
                }
                Err(error) => self.failed(path, &error),
            },
            Ok((FileType::RegularFile, identity)) => self.file(path, identity),
            Ok((other, _)) => self.refused(path, what(other)),
            Err(rustix::io::Errno::NOENT) if is_pattern(path) => self.pattern(path),
            Err(error) => self.failed(path, &error.into()),
        }
    }

    fn file(&mut self, path: &Path, identity: Identity) {
        let parent = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let true_name = match self.true_names.get(parent) {
            Some(known) => Ok(known.clone()),
            None => fs::canonicalize(parent),
        };
        match (true_name, path.file_name()) {
            (Ok(directory), Some(name)) => {
                self.files.insert(directory.join(name), identity);
                if self.true_names.insert(parent.to_path_buf(), directory.clone()).is_none() {
                    self.roots.push(directory);
                }
            }
            (Ok(_), None) => self.refused(path, "it has no name"),
            (Err(error), _) => self.failed(path, &error),
        }
    }

    fn pattern(&mut self, pattern: &Path) {
        let matches = pattern.to_str().map(glob::glob);
        let Some(Ok(matches)) = matches else {
            return self.refused(pattern, "it is no pattern that can be read");
        };
        // Names begin where the pattern does.
        let literal: PathBuf = pattern.components().take_while(|part| !is_pattern(Path::new(part))).collect();
        let literal = if literal.as_os_str().is_empty() { PathBuf::from(".") } else { literal };
        let mut any = false;
        for path in matches {
            match path {
                Err(error) => self.failed(error.path(), error.error()),
                Ok(path) => {
                    any = true;
                    match fs::symlink_metadata(&path) {
                        _ if is_hidden(&path) => self.hidden += 1,
                        Ok(found) if found.is_dir() => match fs::canonicalize(&path) {
                            Ok(path) => self.below(&path),
                            Err(error) => self.failed(&path, &error),
                        },
                        Ok(found) if found.is_symlink() => self.link(&path),
                        _ => self.typed(&path),
                    }
                }
            }
        }
        if !any {
            return self.failed(pattern, &io::Error::new(io::ErrorKind::NotFound, "nothing matches it"));
        }
        if let Ok(root) = fs::canonicalize(literal) {
            self.roots.push(root);
        }
    }

    fn below(&mut self, directory: &Path) {
        let mut hidden = 0;
        let own = self.own.take();
        let is_own = |entry: &walkdir::DirEntry| {
            use std::os::unix::fs::MetadataExt;
            let Some(own) = &own else { return false };
            entry.file_type().is_dir()
                && entry.metadata().is_ok_and(|found| (found.dev(), found.ino()) == (own.dev(), own.ino()))
        };
        let walk = WalkDir::new(directory).follow_links(false).sort_by_file_name().into_iter().filter_entry(|entry| {
            let passed = entry.depth() > 0 && is_hidden(entry.path());
            hidden += u64::from(passed);
            !passed && (entry.depth() == 0 || !is_own(entry))
        });
        let entries: Vec<_> = walk.collect();
        for entry in entries {
            match entry {
                Ok(entry) if entry.file_type().is_dir() => {}
                Ok(entry) if entry.file_type().is_symlink() => self.link(entry.path()),
                Ok(entry) => match rustix::fs::lstat(entry.path()) {
                    Ok(stat) => match FileType::from_raw_mode(stat.st_mode) {
                        FileType::RegularFile => {
                            self.files.insert(entry.path().to_path_buf(), Identity::of(&stat));
                        }
                        other => self.refused(entry.path(), what(other)),
                    },
                    Err(error) => self.failed(entry.path(), &error.into()),
                },
                Err(error) => {
                    let path = error.path().unwrap_or(directory).to_path_buf();
                    let error = error.into_io_error().unwrap_or_else(|| io::Error::other("directories in a circle"));
                    self.failed(&path, &error);
                }
            }
        }
        self.own = own;
        self.hidden += hidden;
    }

    /// A link that nobody named: where it leads is read where it is, if it is among the inputs.
    fn link(&mut self, path: &Path) {
        self.skipped.push(Skipped { path: path.to_path_buf(), why: what(FileType::Symlink).to_owned(), kind: None });
    }

    fn refused(&mut self, path: &Path, why: &str) {
        let why = why.to_owned();
        self.skipped.push(Skipped { path: path.to_path_buf(), why, kind: Some(Kind::Data) });
    }

    fn failed(&mut self, path: &Path, error: &io::Error) {
        let why = match error.kind() {
            io::ErrorKind::NotFound if error.get_ref().is_none() => "there is no such file".to_owned(),
            io::ErrorKind::PermissionDenied => "no permission to read it".to_owned(),
            _ => error.to_string(),
        };
        self.skipped.push(Skipped { path: path.to_path_buf(), why, kind: Some(kind(error)) });
    }
}

/// The kind of an error that met a file.
pub fn kind(error: &io::Error) -> Kind {
    match error.kind() {
        io::ErrorKind::NotFound => Kind::NoInput,
        io::ErrorKind::PermissionDenied => Kind::Permission,
        io::ErrorKind::Unsupported => Kind::Data,
        _ => Kind::Io,
    }
}

fn common(a: &Path, b: &Path) -> PathBuf {
    a.components().zip(b.components()).take_while(|(a, b)| a == b).map(|(part, _)| part).collect()
}

fn is_pattern(path: &Path) -> bool {
    path.as_os_str().as_bytes().iter().any(|byte| matches!(byte, b'*' | b'?' | b'['))
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_bytes().starts_with(b"."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::Mode;
    use std::os::unix::fs::symlink;

    fn names(found: &Found) -> Vec<String> {
        found.items.iter().map(|item| item.name.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn names_are_kept_from_the_deepest_directory_that_holds_all() {
        let room = tempfile::tempdir().unwrap();
        let at = |name: &str| room.path().join(name);
        for file in ["a/access.log", "a/sub/error.log.gz", "b/access.log", "a/.hidden", "a/.git/config"] {
            fs::create_dir_all(at(file).parent().unwrap()).unwrap();
            fs::write(at(file), "").unwrap();
        }
        symlink(at("b/access.log"), at("a/link")).unwrap();
        symlink(at("a"), at("a/sub/loop")).unwrap();
        let found = find(&[at("a")], None, None);
        assert_eq!(names(&found), ["access.log", "sub/error.log.gz"]);
        assert_eq!((found.hidden, found.skipped.len()), (2, 2));
        assert!(found.skipped.iter().all(|skipped| skipped.kind.is_none()));
        assert_eq!(
            names(&find(&[at("a"), at("b")], None, None)),
            ["a/access.log", "a/sub/error.log.gz", "b/access.log"]
        );
        assert_eq!(names(&find(&[at("a/access.log")], None, None)), ["access.log"]);
        assert_eq!(names(&find(&[at("a/access.log"), at("a/../a/access.log")], None, None)), ["access.log"]);
        assert_eq!(
            names(&find(&[at("a/access.log"), at("b/access.log")], None, None)),
            ["a/access.log", "b/access.log"]
        );
        assert_eq!(names(&find(&[at("*/access.log")], None, None)), ["a/access.log", "b/access.log"]);
        assert_eq!(names(&find(&[at("a/**/*.gz")], None, None)), ["sub/error.log.gz"]);
        assert_eq!(names(&find(&[at("*")], None, None)), names(&find(&[at("a"), at("b")], None, None)));
        assert_eq!(names(&find(&[at("a/access.log"), at("b/access.log")], None, Some(&at("b")))), ["a/access.log"]);
        assert_eq!(names(&find(&[at("a/sub")], Some(room.path()), None)), ["a/sub/error.log.gz"]);
        assert_eq!(names(&find(&[at("a/.hidden")], None, None)), [".hidden"]);
        assert_eq!(
            names(&find(&[room.path().to_path_buf()], None, Some(&at("b")))),
            ["a/access.log", "a/sub/error.log.gz"]
        );
    }

    #[test]
    fn what_is_no_file_is_named_with_the_reason_and_the_rest_goes_on() {
        let room = tempfile::tempdir().unwrap();
        let at = |name: &str| room.path().join(name);
        fs::write(at("log"), "").unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, at("fifo"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        symlink(at("log"), at("link")).unwrap();
        let found = find(&[room.path().to_path_buf(), at("missing"), at("*.zip"), at("link")], None, None);
        assert_eq!(names(&found), ["log"]);
        let why: Vec<_> = found.skipped.iter().map(|skipped| (skipped.why.as_str(), skipped.kind)).collect();
        assert_eq!(
            why,
            [
                ("a FIFO", Some(Kind::Data)),
                ("a symlink, which is not followed", None),
                ("there is no such file", Some(Kind::NoInput)),
                ("nothing matches it", Some(Kind::NoInput)),
                ("a symlink, which is not followed", Some(Kind::Data)),
            ]
        );
        let outside = find(&[at("log")], Some(Path::new("/usr")), None);
        assert_eq!(outside.skipped[0].kind, Some(Kind::NoInput));
    }

    #[test]
    fn a_list_ends_its_names_with_line_feeds_or_with_nul() {
        assert_eq!(list(&b"a\nb c\n"[..]).unwrap(), [PathBuf::from("a"), PathBuf::from("b c")]);
        assert_eq!(list(&b"a\nb\0c\0"[..]).unwrap(), [PathBuf::from("a\nb"), PathBuf::from("c")]);
        assert_eq!(list(&b"a\r\n\r\nb\r\n"[..]).unwrap(), [PathBuf::from("a"), PathBuf::from("b")]);
        assert_eq!(list(&b""[..]).unwrap(), Vec::<PathBuf>::new());
    }
}
