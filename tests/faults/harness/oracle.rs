//! What may be left behind and said, whatever the fault was.

use super::lines::{CANARIES, numbers, unpacked};
use regex::bytes::Regex;
use std::{collections::BTreeMap, fs, os::unix::fs::MetadataExt, path::PathBuf, process::Output, sync::LazyLock};

/// Nothing planted stands in these bytes, nor in what is packed in them.
pub fn clean(name: &str, bytes: &[u8], what: &str) {
    static PLANTED: LazyLock<Regex> = LazyLock::new(|| {
        let all = CANARIES.map(regex::escape).join("|");
        Regex::new(&format!("(?-u){all}")).unwrap()
    });
    let look = |bytes: &[u8]| assert!(!PLANTED.is_match(bytes), "{what}: raw bytes in {name}");
    look(bytes);
    if let Some(bytes) = unpacked(name, bytes) {
        look(&bytes);
    }
}

/// Nothing planted was said, and nobody panicked.
pub fn said(output: &Output, what: &str) {
    for (name, stream) in [("standard output", &output.stdout), ("standard error", &output.stderr)] {
        clean(name, stream, what);
        let text = String::from_utf8_lossy(stream);
        assert!(!text.contains("panicked") && !text.contains("internal fault"), "{what}: {text}");
    }
}

/// Every line of `from..from + count` is there, once, and no other.
pub fn each_once(made: &[u8], from: usize, count: usize, what: &str) {
    let mut found = numbers(made);
    found.sort_unstable();
    assert!(found.iter().copied().eq(from..from + count), "{what}: {} lines of {count}", found.len());
}

/// The account of a run, as `--summary json` writes it, adds up.
pub fn balanced(output: &Output, what: &str) -> serde_json::Value {
    let text = String::from_utf8_lossy(&output.stderr);
    let account = text.lines().rev().find_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let account = account.unwrap_or_else(|| panic!("{what}: no account: {text}"));
    let of = |name: &str| account[name].as_u64().unwrap_or(0);
    assert_eq!(of("lines"), of("minimised") + of("scrubbed") + of("sealed") + of("dropped"), "{what}: {account}");
    account
}

/// All files below a directory, with what is in them. Empty where it is not there.
pub fn tree(root: &std::path::Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = walkdir::WalkDir::new(root).into_iter().flatten().filter(|entry| entry.file_type().is_file());
    // A file may go while it is looked at.
    files
        .filter_map(|entry| Some((entry.path().strip_prefix(root).ok()?.to_path_buf(), fs::read(entry.path()).ok()?)))
        .collect()
}

/// Nobody else may read what is below a directory, nor write to it.
pub fn private(root: &std::path::Path, what: &str) -> usize {
    let entries = walkdir::WalkDir::new(root).into_iter().flatten();
    let modes = entries.filter_map(|entry| Some((entry.path().to_path_buf(), entry.metadata().ok()?.mode() & 0o7777)));
    modes.map(|(path, mode)| assert_eq!(mode & 0o027, 0, "{what}: {} is {mode:o}", path.display())).count()
}
