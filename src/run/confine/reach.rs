//! The files that stay within reach, by Landlock, where the system has it.

use landlock::{
    ABI, Access, AccessFs, BitFlags, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus,
    path_beneath_rules,
};
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// What is to stay within reach. What is open already is not touched by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    read: Vec<PathBuf>,
    write: Vec<PathBuf>,
    anything_read: bool,
}

/// How much of it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Nothing else can be read or written, and no program started.
    Fully,
    /// Nothing else can be written and no program started; anything can be read that the user may read.
    Writing,
    /// This system knows only a part of it.
    Partly,
    /// This system has no Landlock, or it is switched off.
    Not,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Held::Fully => "confined to its own files",
            Held::Writing => "writes confined to its own files, reading is not (a followed file is a symlink)",
            Held::Partly => "confined to its own files as far as this system can (it has an old Landlock)",
            Held::Not => "not confined to its own files (this system has no Landlock)",
        })
    }
}

impl Reach {
    /// A file or directory, with all below it, can be read.
    pub fn read(&mut self, path: impl Into<PathBuf>) {
        self.read.push(path.into());
    }

    /// What stands in this directory, and below, can be made, written, renamed and removed.
    pub fn write(&mut self, directory: impl Into<PathBuf>) {
        self.write.push(directory.into());
    }

    /// The directory that a file stands in can be written.
    pub fn write_beside(&mut self, file: &Path) {
        self.write(parent(file));
    }

    /// The directory that a file stands in can be read, so that the file may be replaced; where it is a symlink, the directory of
    /// what it leads to as well.
    pub fn read_beside(&mut self, file: &Path) {
        self.read(parent(file));
        if let Ok(real) = file.canonicalize() {
            self.read(parent(&real));
        }
    }

    /// What a pattern names can be read, now and when it comes: everything below its deepest directory without a wildcard. Where that
    /// is three deep or more, all below the one above it, so that it may be removed and made again.
    pub fn read_pattern(&mut self, pattern: &str) {
        let wild = pattern.find(['*', '?', '[']).unwrap_or(pattern.len());
        let plain = &pattern[..wild];
        let directory = Path::new(&plain[..plain.rfind('/').map_or(0, |at| at + 1)]);
        let deep = directory.components().count() > 3;
        let directory = directory.parent().filter(|_| deep).unwrap_or(directory);
        self.read(directory.ancestors().find(|above| above.is_dir()).unwrap_or(Path::new("/")));
        // Where what is followed stands elsewhere, what comes later may stand anywhere.
        let root = directory.canonicalize().unwrap_or_else(|_| directory.to_path_buf());
        let files = glob::glob(pattern).into_iter().flatten().flatten();
        self.anything_read |=
            files.filter_map(|file| file.canonicalize().ok()).any(|real| !real.starts_with(&root) && real.is_file());
    }

    /// What every program reads that asks for names of hosts and checks certificates, and what the system says of ourselves.
    pub fn read_system(&mut self) {
        self.read.extend(SYSTEM.iter().map(PathBuf::from));
    }

    /// Gives up everything else, for this thread and those that it starts. Paths that are not there are passed over.
    pub fn hold(&self) -> Held {
        self.restrict().unwrap_or(Held::Not)
    }

    fn restrict(&self) -> Result<Held, RulesetError> {
        let reading = AccessFs::ReadFile | AccessFs::ReadDir;
        let all = AccessFs::from_all(ABI::V3);
        let handled = if self.anything_read { all & !reading } else { all };
        let writing = handled & !never();
        let ruleset = Ruleset::default().handle_access(handled)?.create()?;
        let ruleset = match self.anything_read {
            true => ruleset,
            false => ruleset.add_rules(path_beneath_rules(&self.read, reading))?,
        };
        let status = ruleset.add_rules(path_beneath_rules(&self.write, writing))?.restrict_self()?;
        Ok(match status.ruleset {
            RulesetStatus::FullyEnforced if self.anything_read => Held::Writing,
            RulesetStatus::FullyEnforced => Held::Fully,
            RulesetStatus::PartiallyEnforced => Held::Partly,
            RulesetStatus::NotEnforced => Held::Not,
        })
    }
}

/// What nobody of ours does anywhere.
fn never() -> BitFlags<AccessFs> {
    AccessFs::Execute | AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::MakeSym
}

fn parent(file: &Path) -> &Path {
    file.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."))
}

const SYSTEM: [&str; 22] = [
    "/etc/ca-certificates",
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/nsswitch.conf",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/lib",
    "/lib64",
    "/proc/self",
    "/proc/sys/kernel/random",
    "/run/systemd/resolve",
    "/usr/lib",
    "/usr/local/share/ca-certificates",
    "/usr/share/ca-certificates",
    "/usr/share/zoneinfo",
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::{fs, os::unix::fs::symlink};

    #[test]
    fn a_pattern_opens_its_plain_directory_and_where_that_is_deep_the_one_above() {
        let room = tempfile::tempdir().unwrap();
        let at = |name: &str| room.path().join(name);
        fs::create_dir_all(at("log/web")).unwrap();
        let read = |pattern: &str| {
            let mut reach = Reach::default();
            reach.read_pattern(pattern);
            reach.read
        };
        let pattern = |name: &str| at(name).display().to_string();
        assert_eq!(read(&pattern("log/web/access.log*")), [at("log")]);
        assert_eq!(read(&pattern("log/web/*/access.log")), [at("log")]);
        // What is not there yet will stand below what is.
        assert_eq!(read(&pattern("log/new/deep/access.log")), [at("log")]);
        assert_eq!(read("/var/access.log"), [Path::new("/var")]);
        assert_eq!(read("/*.log"), [Path::new("/")]);
    }

    #[test]
    fn a_followed_symlink_to_elsewhere_leaves_reading_open() {
        let room = tempfile::tempdir().unwrap();
        let at = |name: &str| room.path().join(name);
        fs::create_dir_all(at("a/log")).unwrap();
        fs::create_dir_all(at("b")).unwrap();
        fs::write(at("b/real.log"), "").unwrap();
        fs::write(at("a/log/own.log"), "").unwrap();
        symlink(at("a/log/own.log"), at("a/log/same.log")).unwrap();
        let open = || {
            let mut reach = Reach::default();
            reach.read_pattern(&at("a/log/*.log").display().to_string());
            reach.anything_read
        };
        assert!(!open());
        symlink(at("b/real.log"), at("a/log/far.log")).unwrap();
        assert!(open());
    }

    #[test]
    fn only_what_is_within_reach_can_be_opened_afterwards() {
        let room = tempfile::tempdir().unwrap();
        let at = |name: &str| room.path().join(name);
        for name in ["in", "out", "other"] {
            fs::create_dir(at(name)).unwrap();
            fs::write(at(name).join("file"), "x").unwrap();
        }
        let mut reach = Reach::default();
        reach.read(at("in"));
        reach.write_beside(&at("out/file"));
        reach.read(at("missing"));
        // Of this thread alone, which ends with the test.
        std::thread::scope(|scope| {
            scope.spawn(|| {
                if reach.hold() == Held::Not {
                    return;
                }
                assert!(fs::read(at("in/file")).is_ok());
                assert!(fs::write(at("in/file"), "y").is_err());
                assert!(fs::write(at("out/new"), "y").is_ok());
                assert!(fs::rename(at("out/new"), at("out/newer")).is_ok());
                assert!(fs::remove_file(at("out/newer")).is_ok());
                assert!(fs::read(at("other/file")).is_err());
                assert!(fs::write(at("other/new"), "y").is_err());
                assert!(std::process::Command::new("/bin/true").status().is_err());
            });
        });
    }
}
