//! Files of a configuration: read once more for each `include`, never in a circle; and the patterns that name them.

use crate::error::{Error, Kind};
use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

/// The files that are open at the moment, the outermost first.
#[derive(Debug, Default)]
pub(super) struct Files {
    open: Vec<PathBuf>,
    read: usize,
}

impl Files {
    /// Reads a file and holds it open; `from` says where it was included.
    ///
    /// # Errors
    /// [`Kind::NoInput`], [`Kind::Permission`] or [`Kind::Io`] where it cannot be read; [`Kind::Data`] where it is open
    /// already, or where files are without end.
    pub(super) fn open(&mut self, path: &Path, from: Option<&str>) -> Result<Vec<u8>, Error> {
        let from = from.map_or(String::new(), |from| format!(", included at {from}"));
        let cannot = |kind, what: &str| Error::new(kind, format!("cannot read {}{from}: {what}", shown(path)));
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => cannot(Kind::NoInput, "there is no such file"),
            io::ErrorKind::PermissionDenied => {
                cannot(Kind::Permission, "no permission; run this as the server's administrator")
            }
            _ => cannot(Kind::Io, &error.to_string()),
        };
        let real = fs::canonicalize(path).map_err(failed)?;
        if self.open.contains(&real) {
            return Err(cannot(Kind::Data, "it includes itself"));
        }
        self.read += 1;
        if self.open.len() >= DEEPEST || self.read > MOST_FILES {
            return Err(cannot(Kind::Data, "files are included without end"));
        }
        let kind = fs::metadata(&real).map_err(failed)?;
        if kind.is_dir() {
            return Err(cannot(Kind::NoInput, "it is a directory"));
        }
        if !kind.is_file() {
            return Err(cannot(Kind::NoInput, "it is no regular file"));
        }
        if kind.len() > MOST_BYTES {
            return Err(cannot(Kind::Data, "it is longer than 64 MiB and no configuration"));
        }
        let mut bytes = fs::read(&real).map_err(failed)?;
        if bytes.starts_with(b"\xEF\xBB\xBF") {
            bytes.drain(..3);
        }
        self.open.push(real);
        Ok(bytes)
    }

    /// Closes the innermost file.
    pub(super) fn close(&mut self) {
        self.open.pop();
    }
}

const DEEPEST: usize = 64;
const MOST_FILES: usize = 10_000;
const MOST_BYTES: u64 = 64 << 20;

/// A path as a message or a comment may show it: in one line.
pub(super) fn shown(path: &Path) -> String {
    plain(&path.to_string_lossy())
}

/// Text of a configuration in one line, without control characters.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { '\u{fffd}' } else { char }).collect()
}

/// Whether a path is a pattern.
pub(super) fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// The paths that fit a pattern, in order.
pub(super) fn expand(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for component in pattern.components() {
        let text = component.as_os_str().to_string_lossy();
        if !matches!(component, Component::Normal(_)) || !is_pattern(&text) {
            found.iter_mut().for_each(|path| path.push(component));
            continue;
        }
        let inside = |directory: &PathBuf| {
            let here = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
            let mut names: Vec<_> =
                fs::read_dir(here).into_iter().flatten().flatten().map(|entry| entry.file_name()).collect();
            names.retain(|name| {
                let name = name.to_string_lossy();
                (!name.starts_with('.') || text.starts_with('.')) && fits(text.as_bytes(), name.as_bytes())
            });
            names.sort();
            names.into_iter().map(|name| directory.join(name)).collect::<Vec<_>>()
        };
        found = found.iter().flat_map(inside).take(MOST_FILES).collect();
    }
    found.retain(|path| path.exists());
    found
}

/// Whether a name fits a pattern of `*`, `?` and `[…]`.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    // Where to go on if the last star takes one more byte.
    let mut again: Option<(usize, usize)> = None;
    loop {
        let step = match pattern.get(p) {
            Some(b'*') => {
                again = Some((p + 1, n));
                p += 1;
                continue;
            }
            None if n == name.len() => return true,
            None => None,
            Some(_) if n == name.len() => return false,
            Some(b'?') => Some(1),
            Some(b'[') => class(&pattern[p..], name[n]),
            Some(byte) => (*byte == name[n]).then_some(1),
        };
        match (step, again) {
            (Some(taken), _) => (p, n) = (p + taken, n + 1),
            (None, Some((after, from))) if from < name.len() => {
                again = Some((after, from + 1));
                (p, n) = (after, from + 1);
            }
            (None, _) => return false,
        }
    }
}

/// The length of a class that starts the pattern and holds the byte. One that has no end is a bracket.
fn class(pattern: &[u8], byte: u8) -> Option<usize> {
    let negated = matches!(pattern.get(1), Some(b'!' | b'^'));
    let start = 1 + usize::from(negated);
    let Some(end) = pattern.iter().skip(start + 1).position(|byte| *byte == b']').map(|at| at + start + 1) else {
        return (byte == b'[').then_some(1);
    };
    let set = &pattern[start..end];
    let mut holds = false;
    let mut at = 0;
    while at < set.len() {
        if at + 2 < set.len() && set[at + 1] == b'-' {
            holds |= (set[at]..=set[at + 2]).contains(&byte);
            at += 3;
        } else {
            holds |= set[at] == byte;
            at += 1;
        }
    }
    (holds != negated).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_fit_names_as_in_a_shell() {
        for (pattern, name, fit) in [
            ("*.conf", "a.conf", true),
            ("*.conf", "a.conf.bak", false),
            ("*", "", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("?.conf", "a.conf", true),
            ("?.conf", "ab.conf", false),
            ("[0-9]*.conf", "000-default.conf", true),
            ("[!0-9]*", "000", false),
            ("[^0-9]*", "x", true),
            ("[]x]", "]", true),
            ("[", "[", true),
            ("[a-]", "-", true),
        ] {
            assert_eq!(fits(pattern.as_bytes(), name.as_bytes()), fit, "{pattern} {name}");
        }
        assert!(!fits("*a".repeat(200).as_bytes(), "a".repeat(199).as_bytes()));
    }

    #[test]
    fn a_pattern_finds_files_in_order_and_no_hidden_ones() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["b.conf", "a.conf", ".c.conf", "d.txt"] {
            fs::write(directory.path().join(name), "").unwrap();
        }
        let found = expand(&directory.path().join("*.conf"));
        assert_eq!(found, [directory.path().join("a.conf"), directory.path().join("b.conf")]);
        assert_eq!(expand(&directory.path().join("none*")), Vec::<PathBuf>::new());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_pattern_is_read_without_panic(pattern in r"[]\[*?!^ab-]{0,12}", name in "[]ab-]{0,8}") {
            fits(pattern.as_bytes(), name.as_bytes());
        }
    }
}
