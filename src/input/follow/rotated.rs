//! Files with rotated names, while whoever rotates may move them.

use super::{
    copies::is_rotated_name,
    discover::neighbours,
    identity::{self, Identity, Stand},
    look::is_packed,
};
use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
};

/// Files with rotated names of a file, as they stood together: whoever rotates may move all names while they are read one by one.
pub(super) fn rotated(home: &Path) -> Vec<(Stand, PathBuf)> {
    let names = || {
        let mut names = neighbours(home);
        names.retain(|(path, _)| is_rotated_name(home, path) && !is_packed(path));
        names
    };
    let mut before = names();
    for _ in 0..MOST_LOOKS {
        let at = |(path, inode): &(PathBuf, u64)| {
            Stand::at(path).ok().filter(|stand| stand.identity.inode == *inode).map(|stand| (stand, path.clone()))
        };
        let stands: Vec<_> = before.iter().filter_map(at).collect();
        let after = names();
        if before == after && stands.len() == before.len() {
            return stands;
        }
        before = after;
    }
    // Each that was met under one of its names.
    let mut met = BTreeMap::new();
    for (path, _) in (0..MOST_LOOKS).flat_map(|_| names()) {
        if let Ok(stand) = Stand::at(&path) {
            met.insert(stand.identity.number(), (stand, path));
        }
    }
    met.into_values().collect()
}

/// Opens a file under whatever rotated name it has by now, and says which.
pub(super) fn open_rotated(home: &Path, path: PathBuf, expected: &Identity) -> Option<(File, Stand, PathBuf)> {
    let mut path = path;
    for _ in 0..MOST_LOOKS {
        if let Some((file, stand)) = identity::open(&path, expected).ok()? {
            return Some((file, stand, path));
        }
        let is_it = |(path, inode): &(PathBuf, u64)| *inode == expected.inode && is_rotated_name(home, path);
        // Where names move, one may be missed.
        path = (0..MOST_LOOKS).find_map(|_| neighbours(home).into_iter().find(is_it))?.0;
    }
    None
}

/// Whoever moves names without pause is looked at so often.
const MOST_LOOKS: usize = 32;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::{
        fs,
        sync::atomic::{AtomicBool, Ordering},
        thread,
    };

    /// Thirty files, whose names somebody moves by one and back again without pause: each is always among those that are found, and
    /// can be opened.
    #[test]
    fn names_that_move_while_they_are_read_hide_no_file() {
        let room = tempfile::tempdir().unwrap();
        let home = room.path().join("access.log");
        let name = |number: usize| home.with_extension(format!("log.{number}"));
        (1..=30).for_each(|number| fs::write(name(number), number.to_string()).unwrap());
        let (over, home) = (AtomicBool::new(false), &home);
        let mut all: Vec<Identity> = rotated(home).into_iter().map(|(stand, _)| stand.identity).collect();
        all.sort_by_key(Identity::number);
        assert_eq!(all.len(), 30);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    (1..=30).rev().for_each(|number| fs::rename(name(number), name(number + 1)).unwrap());
                    (2..=31).for_each(|number| fs::rename(name(number), name(number - 1)).unwrap());
                    thread::sleep(std::time::Duration::from_millis(1));
                }
            });
            let looked = std::panic::catch_unwind(|| {
                for round in 0..3_000 {
                    let found = rotated(home);
                    assert_eq!(found.len(), 30, "{round}");
                    let (stand, path) = &found[round % 30];
                    let (file, _, _) = open_rotated(home, path.clone(), &stand.identity).unwrap();
                    assert!(Stand::of(&file).unwrap().identity.is(&stand.identity));
                }
            });
            over.store(true, Ordering::Relaxed);
            looked.unwrap();
        });
        assert!(open_rotated(home, name(1), &Identity { inode: 1, ..all[0] }).is_none());
    }
}
