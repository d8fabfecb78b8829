//! What became of a bulk run: counts, and what is to be told of single files.

use super::{Order, walk::Item};
use crate::{
    error::{Error, Kind},
    state::{
        files::digest_of,
        ledger::Ledger,
        manifest::{self, Entry},
    },
    tally::Tally,
};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// Something to tell of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Which.
    pub path: PathBuf,
    /// What, in a few words.
    pub why: String,
    /// What kind of error it is.
    pub kind: Kind,
}

impl Trouble {
    /// As an account in JSON has it.
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({ "path": manifest::written(&self.path), "why": self.why, "code": self.kind.code() })
    }
}

/// The account of a bulk run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Files that were found.
    pub files: u64,
    /// Files that were minimised.
    pub done: u64,
    /// Files that were done before.
    pub already: u64,
    /// Files of which only a beginning could be read and was minimised.
    pub partial: u64,
    /// Files that were skipped or could not be dealt with as they should.
    pub faults: Vec<Trouble>,
    /// What is worth knowing and no fault.
    pub notes: Vec<(PathBuf, String)>,
    /// Originals that were removed.
    pub removed: u64,
    /// What became of the lines.
    pub tally: Tally,
    /// Bytes of the files that were read, as they were on the disk.
    pub bytes_read: u64,
    /// Bytes of the files that were written, as they are on the disk.
    pub bytes_written: u64,
    /// Somebody asked the run to end.
    pub stopped: bool,
    /// Files that were under way then; the next run begins them anew.
    pub under_way: u64,
    /// The reader of standard output went away, and wants to hear no more.
    pub reader_gone: bool,
    /// Why the run could not go on.
    pub failure: Option<Error>,
    /// How long it took.
    pub took: Duration,
}

impl Report {
    pub(super) fn fault(&mut self, path: &Path, why: &str, kind: Kind) {
        self.faults.push(Trouble { path: path.to_path_buf(), why: why.to_owned(), kind });
    }

    pub(super) fn note(&mut self, path: &Path, why: impl Into<String>) {
        self.notes.push((path.to_path_buf(), why.into()));
    }

    /// A file that was done before. Its original goes now, if that is asked for and its output is what was made.
    pub(super) fn already(&mut self, order: &Order, ledger: &Ledger, item: &Item, entry: &Entry) {
        self.already += 1;
        let Some(product) = entry.output.as_ref().filter(|_| order.remove_originals) else { return };
        let target = manifest::path(&product.path);
        let found = ledger.place().directory_of(&target, false).ok().and_then(|directory| {
            let name = target.file_name()?;
            digest_of(&directory, Path::new(name)).ok().flatten()
        });
        match found {
            Some((size, digest)) if size == product.size && digest == product.digest => self.remove(item),
            _ => self.fault(&item.path, "its output is not what was made, so the original stays", Kind::Data),
        }
    }

    /// Removes an original that is still what was read.
    pub(super) fn remove(&mut self, item: &Item) {
        let now = rustix::fs::lstat(&item.path).map(|stat| crate::input::file::Identity::of(&stat));
        match now {
            Ok(now) if now.links > 1 => {
                let why = "the original has a second name, which would keep the raw lines, so it stays";
                self.fault(&item.path, why, Kind::Data);
            }
            Ok(now) if now.is_same(&item.identity) => match std::fs::remove_file(&item.path) {
                Ok(()) => self.removed += 1,
                Err(error) => {
                    self.fault(
                        &item.path,
                        &format!("the original could not be removed: {error}"),
                        super::walk::kind(&error),
                    );
                }
            },
            Ok(_) => self.fault(&item.path, "the original changed after it was read, so it stays", Kind::Data),
            Err(error) => self.fault(&item.path, &format!("the original is gone: {error}"), Kind::NoInput),
        }
    }

    /// The exit code: that of what ended the run; else, where all faults are of one kind and nothing was done, that kind's;
    /// else 65 where there are faults.
    pub fn code(&self) -> u8 {
        if let Some(error) = &self.failure {
            return error.kind().code();
        }
        if self.stopped {
            return INTERRUPTED;
        }
        match &self.faults[..] {
            [] => 0,
            [first, rest @ ..] => {
                let one_kind = rest.iter().all(|other| other.kind == first.kind);
                let nothing = self.done + self.already + self.partial == 0;
                if one_kind && nothing { first.kind.code() } else { Kind::Data.code() }
            }
        }
    }

    /// The account as one JSON object.
    pub fn json(&self) -> serde_json::Value {
        let t = &self.tally;
        let path = |path: &Path| manifest::written(path);
        serde_json::json!({
            "files": self.files,
            "done": self.done,
            "already_done": self.already,
            "partial": self.partial,
            "failed": self.faults.len(),
            "originals_removed": self.removed,
            "interrupted": self.stopped,
            "under_way": self.under_way,
            "bytes_read": self.bytes_read,
            "bytes_written": self.bytes_written,
            "seconds": (self.took.as_secs_f64() * 1000.0).round() / 1000.0,
            "lines": t.lines,
            "minimised": t.minimised,
            "scrubbed": t.scrubbed,
            "sealed": t.sealed,
            "dropped": t.dropped(),
            "malformed": t.malformed,
            "over_long": t.over_long,
            "guard": t.guard,
            "policy": t.policy,
            "tenant": t.tenant,
            "shed": t.shed,
            "cut": t.cut,
            "late": t.late,
            "due": t.due,
            "unmatched": t.unmatched,
            "bytes_in": t.bytes_in,
            "bytes_out": t.bytes_out,
            "faults": self.faults.iter().map(Trouble::json).collect::<Vec<_>>(),
            "notes": self.notes.iter().map(|(note, why)| serde_json::json!({ "path": path(note), "what": why }))
                .collect::<Vec<_>>(),
        })
    }
}

/// The exit code of a run that was asked to end before it was done, as shells have it for an interrupt.
pub const INTERRUPTED: u8 = 130;
