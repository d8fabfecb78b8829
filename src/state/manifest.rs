//! The manifest: a line of JSON for each file that was dealt with. The last line of a file counts.

use crate::{epoch::Period, input::file::Identity, tally::Tally, time::Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    ffi::OsStr,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

/// What became of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The input, below the directory that holds all inputs; bytes that are not UTF-8 and `%` as `%XX`.
    pub path: String,
    /// What the input was.
    pub source: Source,
    /// How it was packed.
    pub packing: String,
    /// What became of it.
    pub outcome: Outcome,
    /// What was made of it, if anything was.
    pub output: Option<Product>,
    /// The policy's name and version.
    pub policy: String,
    /// BLAKE3 of the policy, in hexadecimal.
    pub policy_digest: String,
    /// BLAKE3 of what else decides the output (formats, layout, limits), in hexadecimal.
    pub options: String,
    /// Where its pseudonyms' keys came from: `job` and the epoch, or `directory`; absent where there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<String>,
    /// The account of its lines.
    pub counts: Counts,
    /// When it was recorded, RFC 3339.
    pub recorded: String,
    /// Where the input was, written as `path`, where outputs stand elsewhere.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub origin: String,
    /// The input was to go once its output was durable: nothing but the output may be left of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub removes: bool,
}

/// What an input was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Bytes.
    pub size: u64,
    /// When it was last written: seconds.
    pub modified: i64,
    /// Nanoseconds beside them.
    pub nanos: u32,
    /// Its number on its device.
    pub inode: u64,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Where it is, below the directory of the manifest, written as [`Entry::path`].
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// BLAKE3 of them, in hexadecimal.
    pub digest: String,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All of it is minimised.
    Done,
    /// What could be read of it is minimised; the rest is missing or damaged.
    Partial,
    /// Nothing was made of it.
    Failed,
}

/// The account of a file's lines, as the accounting line has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Counts {
    pub lines: u64,
    pub minimised: u64,
    pub scrubbed: u64,
    #[serde(default, skip_serializing_if = "is_none")]
    pub sealed: u64,
    pub dropped: u64,
    pub cut: u64,
    pub late: u64,
    pub due: u64,
    pub unmatched: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
}

impl From<&Tally> for Counts {
    fn from(tally: &Tally) -> Counts {
        Counts {
            lines: tally.lines,
            minimised: tally.minimised,
            scrubbed: tally.scrubbed,
            sealed: tally.sealed,
            dropped: tally.dropped(),
            cut: tally.cut,
            late: tally.late,
            due: tally.due,
            unmatched: tally.unmatched,
            bytes_in: tally.bytes_in,
            bytes_out: tally.bytes_out,
        }
    }
}

/// Most runs seal nothing, and say nothing of it.
fn is_none(lines: &u64) -> bool {
    *lines == 0
}

impl From<&Identity> for Source {
    fn from(identity: &Identity) -> Source {
        Source { size: identity.size, modified: identity.modified.0, nanos: identity.modified.1, inode: identity.inode }
    }
}

impl Source {
    /// Whether a file is still what it was, as far as can be told without reading it. Its number may differ: a copy will do.
    pub fn is_still(&self, identity: &Identity) -> bool {
        (self.size, self.modified, self.nanos) == (identity.size, identity.modified.0, identity.modified.1)
    }
}

/// The last entries of all files, by path.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    entries: BTreeMap<String, Entry>,
}

impl Manifest {
    /// Reads the lines of a manifest over what is known. Says how many of the bytes are whole lines.
    ///
    /// # Errors
    /// The number of a line that is whole and damaged, from 1.
    pub fn read(&mut self, text: &[u8]) -> Result<usize, usize> {
        let whole = memchr::memrchr(b'\n', text).map_or(0, |at| at + 1);
        for (number, line) in text[..whole].split_inclusive(|&byte| byte == b'\n').enumerate() {
            let entry: Entry = serde_json::from_slice(line).map_err(|_| number + 1)?;
            self.put(entry);
        }
        Ok(whole)
    }

    /// Adds an entry.
    pub fn put(&mut self, entry: Entry) {
        self.entries.insert(entry.path.clone(), entry);
    }

    /// The entry of an input.
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// All entries, by path.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }
}

/// An entry as its line.
///
/// # Panics
/// Never: every value is a number or text.
pub fn line(entry: &Entry) -> Vec<u8> {
    let mut line = serde_json::to_vec(entry).expect("numbers and text");
    line.push(b'\n');
    line
}

/// A path as text that can be read back: bytes that are not printable UTF-8 and `%` as `%XX`.
pub fn written(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '%' => text.push_str("%25"),
                character if character.is_control() => {
                    let mut bytes = [0; 4];
                    escape(&mut text, character.encode_utf8(&mut bytes).as_bytes());
                }
                character => text.push(character),
            }
        }
        escape(&mut text, chunk.invalid());
    }
    text
}

fn escape(text: &mut String, bytes: &[u8]) {
    use std::fmt::Write as _;
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "%{byte:02X}");
    }
}

/// The path that [`written`] wrote.
pub fn path(text: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let code = (*first == b'%').then(|| behind.get(..2)).flatten();
        let code = code.and_then(|hex| std::str::from_utf8(hex).ok()).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &behind[2..] } else { behind };
    }
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

/// The same for a name that was typed.
pub fn name(name: &OsStr) -> String {
    written(Path::new(name))
}

/// A time as [`Entry::recorded`] has it.
pub fn rfc3339(time: Timestamp) -> String {
    let (day, second) = (Period::Day.dashed(Period::Day.epoch(time)), time.0.rem_euclid(86_400));
    format!("{}T{:02}:{:02}:{:02}Z", day.as_str(), second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn entry(path: &str) -> Entry {
        Entry {
            path: path.to_owned(),
            source: Source { size: 5, modified: 1, nanos: 2, inode: 3 },
            packing: "plain".to_owned(),
            outcome: Outcome::Done,
            output: Some(Product { path: path.to_owned(), size: 4, digest: "00".to_owned() }),
            policy: "hosting/1".to_owned(),
            policy_digest: "11".to_owned(),
            options: "22".to_owned(),
            keys: None,
            counts: Counts::default(),
            recorded: "2026-11-21T10:00:00Z".to_owned(),
            origin: String::new(),
            removes: false,
        }
    }

    proptest! {
        #[test]
        fn every_path_is_read_back(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let bytes: Vec<u8> = bytes.into_iter().map(|byte| if byte == 0 { b'%' } else { byte }).collect();
            let given = PathBuf::from(std::ffi::OsString::from_vec(bytes));
            let text = written(&given);
            prop_assert!(text.chars().all(|character| !character.is_control()));
            prop_assert_eq!(path(&text), given);
        }
    }

    #[test]
    fn a_time_is_written_to_the_second() {
        assert_eq!(rfc3339(Timestamp(1_795_262_461)), "2026-11-21T12:01:01Z");
    }

    #[test]
    fn the_last_line_of_a_file_counts_and_a_torn_one_does_not() {
        let mut second = entry("a");
        second.outcome = Outcome::Failed;
        let mut text = [line(&entry("a")), line(&entry("b")), line(&second)].concat();
        let whole = text.len();
        text.extend_from_slice(br#"{"path":"c","sou"#);
        let mut manifest = Manifest::default();
        assert_eq!(manifest.read(&text), Ok(whole));
        assert_eq!(manifest.entries().count(), 2);
        assert_eq!(manifest.get("a").unwrap().outcome, Outcome::Failed);
        assert_eq!(Manifest::default().read(b"{\"path\":1}\n"), Err(1));
    }
}
