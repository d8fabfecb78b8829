//! One generation of one file, and what is kept of it over a restart.

use super::{
    digest::{Consumed, Mark, StateKey},
    identity::{Identity, Stand, file_clock},
};
use crate::error::{Error, Kind};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    time::Instant,
};

/// One generation of one file: what was written to it between its beginning and its truncation or end. Never used again in
/// a state directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SourceId(pub u64);

/// Where a source stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Under a name that a pattern names.
    Live,
    /// Renamed, replaced, deleted, or found again in a copy: read to its end and closed once it is quiet.
    Rotated,
    /// Handed out to its end. Remembered, so that it is not read again under another name.
    Closed,
}

/// What a checkpoint keeps of a source: no byte of a line, keyed digests only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// [`Position::VERSION`]; another is refused.
    pub version: u32,
    /// Whose position it is.
    pub source: SourceId,
    /// Under which name a pattern found it.
    #[serde(with = "text")]
    pub home: PathBuf,
    /// Where the file itself stood last: elsewhere than `home` when it was renamed, or where that is a symlink.
    #[serde(with = "text")]
    pub path: PathBuf,
    /// Which file.
    pub identity: Identity,
    /// Where it stands.
    pub stage: Stage,
    /// What was handed out.
    #[serde(flatten)]
    pub mark: Mark,
    /// How many bytes it had when it was last looked at; at least the offset.
    pub seen: u64,
    /// When it was last written: seconds and nanoseconds.
    pub modified: (i64, u32),
    /// From here on the lines before the offset matter to those behind it.
    pub context: u64,
    /// Where the last header line stands: its first byte and the one behind it.
    pub header: Option<(u64, u64)>,
    /// Whether the file is packed: all offsets are those of what comes out of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub packed: bool,
}

impl Position {
    /// Of this program.
    pub const VERSION: u32 = 1;

    /// Everything before was handed out.
    pub fn offset(&self) -> u64 {
        self.mark.offset
    }

    /// # Errors
    /// [`Kind::Config`] for one that this program did not write.
    pub(super) fn check(&self, next: u64) -> Result<(), Error> {
        let refuse = |why: &str| {
            let message = format!(
                "cannot go on with `{}`: {why}; start with an empty state directory to read everything again",
                self.home.display()
            );
            Err(Error::new(Kind::Config, message))
        };
        if self.version != Position::VERSION {
            return refuse("its position was written by another version of the program");
        }
        let offset = self.offset();
        let ordered = self.mark.from <= offset
            && offset <= self.seen
            && self.context <= offset
            && self.header.is_none_or(|(from, to)| from <= to && to <= offset)
            && self.source.0 < next;
        if ordered { Ok(()) } else { refuse("its position contradicts itself") }
    }
}

/// A source that is followed.
pub(super) struct Source {
    pub id: u64,
    pub home: PathBuf,
    pub path: PathBuf,
    pub identity: Identity,
    /// Whether the file is packed. Then it is rotated, does not change, and its offsets are those of what comes out of it.
    pub packed: bool,
    /// Live or rotated; a closed one is a [`Position`].
    pub stage: Stage,
    pub consumed: Consumed,
    /// No line feed stands between the offset and here.
    pub scanned: u64,
    pub seen: u64,
    pub modified: (i64, u32),
    pub context: u64,
    pub header: Option<(u64, u64)>,
    pub file: Option<File>,
    /// There may be more to read. Exactly these are in the queue.
    pub ready: bool,
    /// Quiet for long enough: what is left is its last line.
    pub closing: bool,
    /// Has no name any more.
    pub gone: bool,
    /// To be read to its end first.
    pub after: Option<u64>,
    /// When it last changed.
    pub moved: Instant,
    /// Since when it is followed, by the clock of files: seconds and nanoseconds.
    pub began: (i64, u32),
    /// Its size and when it was written, while nothing was read of it: unless they changed, no generation came and went.
    pub first: (u64, (i64, u32)),
    /// Why it could not be read last.
    pub failing: Option<io::ErrorKind>,
}

impl Source {
    pub(super) fn new(id: u64, home: &Path, path: &Path, stand: &Stand, consumed: Consumed, now: Instant) -> Source {
        Source {
            id,
            home: home.to_owned(),
            path: path.to_owned(),
            identity: stand.identity,
            packed: false,
            stage: Stage::Live,
            scanned: consumed.offset(),
            seen: stand.size.max(consumed.offset()),
            modified: stand.modified,
            context: consumed.offset(),
            header: None,
            consumed,
            file: None,
            ready: false,
            closing: false,
            gone: false,
            after: None,
            moved: now,
            began: file_clock(),
            first: (stand.size, stand.modified),
            failing: None,
        }
    }

    pub(super) fn position(&self, stage: Stage, key: &StateKey) -> Position {
        Position {
            version: Position::VERSION,
            source: SourceId(self.id),
            home: self.home.clone(),
            path: self.path.clone(),
            identity: self.identity,
            stage,
            mark: self.consumed.mark(key),
            seen: self.seen,
            modified: self.modified,
            context: self.context,
            header: self.header,
            packed: self.packed,
        }
    }

    /// Takes over what the file looks like now. Whether it changed.
    pub(super) fn observe(&mut self, stand: &Stand, now: Instant) -> bool {
        let changed = stand.size != self.seen || stand.modified != self.modified;
        if changed {
            self.moved = now;
            self.modified = stand.modified;
            // What it had once counts until the generation ends.
            if !self.packed {
                self.seen = self.seen.max(stand.size);
            }
        }
        changed
    }

    /// How its file looks now, while nothing of it was handed out.
    pub(super) fn unread(&self) -> Option<Stand> {
        if self.consumed.offset() > 0 || self.packed {
            return None;
        }
        match &self.file {
            Some(file) => Stand::of(file).ok(),
            None => Stand::at(&self.path).ok().filter(|stand| stand.identity.is(&self.identity)),
        }
    }

    /// Gives the descriptor back.
    pub(super) fn release(&mut self) {
        if self.file.take().is_some() {
            self.consumed.pause();
        }
    }
}

/// Paths as text that holds every byte: `%` and what is no UTF-8 as `%XX`.
mod text {
    use serde::{Deserialize, Deserializer, Serializer, de};
    use std::{
        ffi::OsString,
        os::unix::ffi::{OsStrExt, OsStringExt},
        path::{Path, PathBuf},
    };

    pub(super) fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::new();
        for chunk in path.as_os_str().as_bytes().utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    '%' => text.push_str("%25"),
                    c => text.push(c),
                }
            }
            for byte in chunk.invalid() {
                text.push_str(&format!("%{byte:02X}"));
            }
        }
        serializer.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            if byte == b'%' {
                let (hex, after) = rest.split_at_checked(2).ok_or_else(|| de::Error::custom("a path cut short"))?;
                let hex = std::str::from_utf8(hex).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok());
                bytes.push(hex.ok_or_else(|| de::Error::custom("a path with a wrong %XX"))?);
                rest = after;
            } else {
                bytes.push(byte);
            }
        }
        Ok(OsString::from_vec(bytes).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    fn position() -> Position {
        let key = StateKey::new([3; 32]);
        Position {
            version: Position::VERSION,
            source: SourceId(4),
            home: "/var/log/a 100%.log".into(),
            path: Path::new(std::ffi::OsStr::from_bytes(b"/var/log/\xff\xe9.log")).into(),
            identity: Identity { device: 1, inode: 2, born: Some((3, 4)) },
            stage: Stage::Live,
            mark: Consumed::nothing(&key).mark(&key),
            seen: 0,
            modified: (5, 6),
            context: 0,
            header: None,
            packed: false,
        }
    }

    #[test]
    fn a_position_comes_back_as_it_was_whatever_the_path() {
        let text = serde_json::to_string(&position()).unwrap();
        assert_eq!(serde_json::from_str::<Position>(&text).unwrap(), position());
        for (was, is) in [("%25", "%2"), ("%25", "%zz"), ("\"seen\"", "\"seen2\"")] {
            assert!(serde_json::from_str::<Position>(&text.replace(was, is)).is_err(), "{is}");
        }
    }

    #[test]
    fn a_position_of_another_version_or_one_that_contradicts_itself_is_refused() {
        position().check(5).unwrap();
        let error = Position { version: 2, ..position() }.check(5).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot go on with `/var/log/a 100%.log`: its position was written by another version of the program; start \
             with an empty state directory to read everything again"
        );
        for wrong in [
            Position { context: 1, ..position() },
            Position { header: Some((0, 1)), ..position() },
            Position { header: Some((1, 0)), ..position() },
            Position { source: SourceId(5), ..position() },
        ] {
            assert_eq!(wrong.check(5).unwrap_err().kind(), Kind::Config);
        }
    }
}
