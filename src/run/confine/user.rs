//! From root to a user who may do no more than the work needs, without a way back.

use super::harden;
use crate::error::{Error, Kind};
use nix::unistd::{Gid, Uid, geteuid, getgroups, getresgid, getresuid, setgroups, setresgid, setresuid};
use rustix::{
    fs::{Mode, OFlags, RawDir},
    io::Errno,
};
use std::{
    fmt, fs,
    mem::MaybeUninit,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

/// Whom the process becomes: a user, a group and the other groups that the user is in.
///
/// They are looked up in `/etc/passwd` and `/etc/group` alone, so that a static binary finds the same as any other; users of a
/// directory service are given by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    name: String,
    uid: u32,
    gid: u32,
    /// Sorted, the first group among them.
    groups: Vec<u32>,
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl User {
    /// `NAME`, `NAME:GROUP`, each by name or number. A number that has no name needs a group.
    ///
    /// # Errors
    /// [`Kind::Usage`] for nobody that is known, and for root
    pub fn find(named: &str) -> Result<User, Error> {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        User::among(named, &read("/etc/passwd"), &read("/etc/group"))
    }

    fn among(named: &str, users: &str, groups: &str) -> Result<User, Error> {
        let refuse = |why: String| Err(Error::new(Kind::Usage, format!("cannot use --user: {why}")));
        let (name, group) = named.split_once(':').map_or((named, None), |(name, group)| (name, Some(group)));
        let entry = entry(users, name, |fields| fields[0] == name)
            .or_else(|| entry(users, name, |fields| number(name).is_some() && number(fields[2]) == number(name)));
        let (known, uid, own) = match (&entry, number(name)) {
            (Some(fields), _) => match (number(fields[2]), number(fields[3])) {
                (Some(uid), Some(gid)) => (fields[0], uid, Some(gid)),
                _ => return refuse(format!("the entry of `{name}` in /etc/passwd is damaged")),
            },
            (None, Some(uid)) => (name, uid, None),
            (None, None) => {
                return refuse(format!(
                    "there is no user `{name}` in /etc/passwd; create it, or give numbers as UID:GID"
                ));
            }
        };
        let given = match group {
            None => own,
            Some(group) => {
                let known =
                    self::entry(groups, group, |fields| fields[0] == group).and_then(|fields| number(fields[2]));
                match known.or_else(|| number(group)) {
                    Some(gid) => Some(gid),
                    None => {
                        return refuse(format!(
                            "there is no group `{group}` in /etc/group; create it, or give a number"
                        ));
                    }
                }
            }
        };
        let Some(gid) = given else {
            return refuse(format!("`{name}` has no entry in /etc/passwd; give a group too, as UID:GID"));
        };
        if uid == 0 || gid == 0 {
            return refuse("that is root; name a user and a group that may do less".to_owned());
        }
        let mut all = vec![gid];
        for fields in groups.lines().map(|line| line.split(':').collect::<Vec<_>>()) {
            if let [_, _, gid, members] = fields[..]
                && members.split(',').any(|member| member == known)
            {
                all.extend(number(gid));
            }
        }
        all.sort_unstable();
        all.dedup();
        Ok(User { name: known.to_owned(), uid, gid, groups: all })
    }

    /// Sees to it that a directory which only this user may use is there and is his, as long as we are root: one that is missing
    /// is made, one that is root's and empty is given to him.
    ///
    /// # Errors
    /// [`Kind::Permission`] where it belongs to somebody else, with what to run; [`Kind::CannotCreate`], [`Kind::Io`]
    pub fn provide(&self, path: &Path, mode: u32) -> Result<(), Error> {
        if !geteuid().is_root() {
            return Ok(());
        }
        let path: PathBuf = path.components().collect();
        let cannot =
            |kind, why: &str| Error::new(kind, format!("cannot give `{}` to user `{self}`: {why}", path.display()));
        let failed = |error: Errno| cannot(Kind::CannotCreate, &std::io::Error::from(error).to_string());
        match rustix::fs::open(&path, DIRECTORY | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(there) => {
                let owner = rustix::fs::fstat(&there).map_err(failed)?.st_uid;
                if owner == self.uid {
                    return Ok(());
                }
                if owner != 0 || !is_empty(&there).map_err(failed)? {
                    let why = format!("it belongs to another user; run chown -R {}:{} on it", self.uid, self.gid);
                    return Err(cannot(Kind::Permission, &why));
                }
                self.give(&there, mode).map_err(failed)
            }
            Err(Errno::NOENT) => self.make(&path, mode).map_err(failed),
            // What is wrong with it is said by whoever uses it.
            Err(_) => Ok(()),
        }
    }

    /// Makes what is missing of a path. Where the user himself may make it, he does: root makes nothing in others' directories.
    fn make(&self, path: &Path, mode: u32) -> Result<(), Errno> {
        let Some(above) = path.ancestors().skip(1).find(|above| above.is_dir()) else { return Ok(()) };
        let mut at = rustix::fs::open(above, DIRECTORY, Mode::empty())?;
        if rustix::fs::fstat(&at)?.st_uid != 0 {
            return Ok(());
        }
        let missing = path.strip_prefix(above).unwrap_or(path);
        for part in missing.components() {
            rustix::fs::mkdirat(&at, part.as_os_str(), Mode::from_raw_mode(0o700))?;
            at = rustix::fs::openat(&at, part.as_os_str(), DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?;
            // Whatever the umask, he gets through.
            rustix::fs::fchmod(&at, Mode::from_raw_mode(0o755))?;
        }
        self.give(&at, mode)
    }

    fn give(&self, directory: &OwnedFd, mode: u32) -> Result<(), Errno> {
        rustix::fs::fchmod(directory, Mode::from_raw_mode(mode))?;
        let (user, group) = (rustix::process::Uid::from_raw(self.uid), rustix::process::Gid::from_raw(self.gid));
        rustix::fs::fchown(directory, Some(user), Some(group))
    }

    /// Becomes this user, for good: that there is no way back is tried. To be called before threads are started.
    ///
    /// # Errors
    /// [`Kind::Permission`]
    pub fn become_for_good(&self) -> Result<(), Error> {
        let cannot = |why: &str| Error::new(Kind::Permission, format!("cannot become user `{self}`: {why}"));
        if self.holds() {
            return Ok(());
        }
        if !geteuid().is_root() {
            return Err(cannot("only root can; start sladd as root, or as that user and without --user"));
        }
        let refused = |error: nix::errno::Errno| {
            cannot(&format!(
                "{}; give CAP_SETUID and CAP_SETGID, or start as that user and without --user",
                error.desc()
            ))
        };
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        let groups: Vec<Gid> = self.groups.iter().copied().map(Gid::from_raw).collect();
        setgroups(&groups)
            .and_then(|()| setresgid(gid, gid, gid))
            .and_then(|()| setresuid(uid, uid, uid))
            .map_err(refused)?;
        // Another user is another process to the system, which forgets what was said before.
        harden();
        let root = (Uid::from_raw(0), Gid::from_raw(0));
        let back = setresuid(root.0, root.0, root.0).is_ok() || setresgid(root.1, root.1, root.1).is_ok();
        if back || !self.holds() {
            return Err(cannot("the way back to root stays open; start as that user and without --user"));
        }
        Ok(())
    }

    /// Whether the process is this user already, in every way.
    fn holds(&self) -> bool {
        let users =
            getresuid().is_ok_and(|is| [is.real, is.effective, is.saved].iter().all(|uid| uid.as_raw() == self.uid));
        let group =
            getresgid().is_ok_and(|is| [is.real, is.effective, is.saved].iter().all(|gid| gid.as_raw() == self.gid));
        let mut others: Vec<u32> = getgroups().unwrap_or_default().iter().map(|gid| gid.as_raw()).collect();
        others.sort_unstable();
        others.dedup();
        users && group && others.iter().all(|gid| self.groups.contains(gid))
    }

    /// An error that came after the process became this user, with that said where it may be why.
    pub fn blame(&self, error: Error) -> Error {
        match error.kind() {
            Kind::Permission => {
                let why =
                    format!("{error} (--user: everything is opened as user `{self}`, so that it can be opened again)");
                Error::new(Kind::Permission, why)
            }
            Kind::Usage | Kind::Data | Kind::NoInput | Kind::CannotCreate | Kind::Io | Kind::Config => error,
        }
    }
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// The first entry of a file such as `/etc/passwd` that is meant, with four fields at least.
fn entry<'a>(file: &'a str, name: &str, is_meant: impl Fn(&[&str]) -> bool) -> Option<Vec<&'a str>> {
    let entries = file.lines().map(|line| line.split(':').collect::<Vec<_>>());
    (!name.is_empty()).then(|| entries.into_iter().find(|fields| fields.len() >= 4 && is_meant(fields)))?
}

fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // The highest number means nobody to the system.
    digits.then(|| text.parse().ok()).flatten().filter(|&number| number != u32::MAX)
}

fn is_empty(directory: &OwnedFd) -> Result<bool, Errno> {
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut entries = RawDir::new(directory, &mut buffer);
    while let Some(entry) = entries.next() {
        if !matches!(entry?.file_name().to_bytes(), b"." | b"..") {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::MetadataExt;

    const USERS: &str =
        "root:x:0:0:root:/root:/bin/sh\nsladd:x:990:989::/:/usr/sbin/nologin\ntoor:x:0:5::/:/bin/sh\nbroken:x:a:b\n";
    const GROUPS: &str = "root:x:0:\nadm:x:4:syslog,sladd\nsladd:x:989:\nweb:x:33:sladdx,sladd\nother:x:50:other\n";

    fn found(named: &str) -> Result<(String, u32, u32, Vec<u32>), String> {
        let found = User::among(named, USERS, GROUPS);
        found.map(|user| (user.name, user.uid, user.gid, user.groups)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_user_comes_with_his_groups_by_name_and_by_number() {
        let of = |gid, groups: &[u32]| Ok(("sladd".to_owned(), 990, gid, groups.to_vec()));
        assert_eq!(found("sladd"), of(989, &[4, 33, 989]));
        assert_eq!(found("990"), of(989, &[4, 33, 989]));
        assert_eq!(found("sladd:other"), of(50, &[4, 33, 50]));
        assert_eq!(found("sladd:77"), of(77, &[4, 33, 77]));
        assert_eq!(found("65532:65532"), Ok(("65532".to_owned(), 65532, 65532, vec![65532])));
    }

    #[test]
    fn nobody_and_root_are_refused_with_the_remedy() {
        let refused = |named: &str, why: &str| {
            assert_eq!(found(named), Err(format!("cannot use --user: {why}")), "{named}");
        };
        refused("nils", "there is no user `nils` in /etc/passwd; create it, or give numbers as UID:GID");
        refused("", "there is no user `` in /etc/passwd; create it, or give numbers as UID:GID");
        refused("sladd:none", "there is no group `none` in /etc/group; create it, or give a number");
        refused("65532", "`65532` has no entry in /etc/passwd; give a group too, as UID:GID");
        refused("broken", "the entry of `broken` in /etc/passwd is damaged");
        for root in ["root", "0", "0:5", "toor", "sladd:root", "sladd:0"] {
            refused(root, "that is root; name a user and a group that may do less");
        }
        assert!(found("4294967295:5").is_err());
        assert!(found("-1:5").is_err());
    }

    #[test]
    fn a_directory_is_made_for_the_user_or_given_to_him_but_never_taken_from_another() {
        if !geteuid().is_root() {
            return;
        }
        let room = tempfile::tempdir().unwrap();
        let at = |name: &str| room.path().join(name);
        let user = User::among("12345:12346", "", "").unwrap();
        let owner =
            |path: &Path| fs::metadata(path).map(|stat| (stat.uid(), stat.gid(), stat.mode() & 0o7777)).unwrap();
        user.provide(&at("a/b/state/"), 0o750).unwrap();
        assert_eq!(owner(&at("a/b/state")), (12345, 12346, 0o750));
        assert_eq!(owner(&at("a/b")), (0, 0, 0o755));
        user.provide(&at("a/b/state"), 0o750).unwrap();
        // In his own directory he makes it himself.
        user.provide(&at("a/b/state/more"), 0o700).unwrap();
        assert!(!at("a/b/state/more").exists());
        fs::create_dir(at("empty")).unwrap();
        user.provide(&at("empty"), 0o700).unwrap();
        assert_eq!(owner(&at("empty")), (12345, 12346, 0o700));
        fs::create_dir_all(at("full/key")).unwrap();
        let error = user.provide(&at("full"), 0o700).unwrap_err();
        let why = "it belongs to another user; run chown -R 12345:12346 on it";
        assert_eq!(error.to_string(), format!("cannot give `{}` to user `12345`: {why}", at("full").display()));
        assert_eq!(error.kind(), Kind::Permission);
        assert_eq!(owner(&at("full")).0, 0);
        // A symlink is left to whoever opens it, who refuses it.
        std::os::unix::fs::symlink(at("full/key"), at("link")).unwrap();
        user.provide(&at("link"), 0o700).unwrap();
        assert_eq!(owner(&at("full/key")).0, 0);
    }
}
