//! Outputs are opened, and what is finished gets its name: in groups, so that many small files share what makes them durable.

use super::{
    Order, Whither,
    crew::{Desk, Finished, Progress},
    feed::Read,
    plan::{Ledgers, Todo},
    reading::Reading,
    report::Report,
    walk::Item,
};
use crate::{
    error::{Error, Kind},
    input::packing::Packing,
    output::{
        Output,
        fresh::{Fresh, discard},
        packer::Compression,
        stdout::Stdout,
    },
    run::{Verdict, quarantine::Keeper, summary::End, worker::limit},
    state::{
        ledger::{Pending, Replaces},
        manifest::{self, Counts, Entry, Outcome, Product},
        quarantine::Room,
    },
    tally::Tally,
};
use crossbeam_channel::{Receiver, Sender};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, atomic::Ordering::Relaxed},
};

/// What the workers are served by.
pub(super) struct Office<'a> {
    pub order: &'a Order<'a>,
    pub todo: &'a [Todo],
    pub progress: &'a Progress,
    /// Where each output is made.
    pub targets: Vec<OnceLock<Target>>,
    pub report: Mutex<Report>,
    /// To the one that commits.
    pub ready: Mutex<Option<Sender<Ready>>>,
    /// What pseudonyms are made with, as the manifest says it.
    pub keys: Option<String>,
    /// Where lines are sealed, where some are.
    pub quarantine: Option<Arc<Room>>,
}

/// Where an output is made and what it will be called.
#[derive(Debug)]
pub(super) struct Target {
    temporary: String,
    path: PathBuf,
}

/// A file that is whole and waits for its name.
pub(super) struct Ready {
    number: usize,
    pending: Pending,
    tally: Tally,
    /// Whether its original may go.
    may_go: bool,
}

impl Office<'_> {
    pub fn report(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing more will be finished.
    pub fn close(&self) {
        *self.ready.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn fault(&self, path: &Path, why: &str, kind: Kind) {
        self.progress.faults.fetch_add(1, Relaxed);
        self.report().fault(path, why, kind);
    }

    /// Takes a temporary file away again.
    fn give_up(&self, number: usize) {
        let Some(target) = self.targets.get(number).and_then(OnceLock::get) else { return };
        if let Some(scratch) = self.todo.get(number).and_then(|todo| todo.scratch.as_ref()) {
            let _ = discard(scratch.place(), &target.temporary);
        }
    }

    /// Tells how files were read that all went to standard output.
    fn finished_stream(&self, finished: Finished) -> Option<Error> {
        let stopped = finished.stopped;
        for read in finished.read {
            self.progress.files.fetch_add(1, Relaxed);
            match self.look(&read) {
                Some(Reading { fault: Some((why, kind)), good: true, .. }) => {
                    self.fault(&read.item.path, &why, kind);
                    self.report().partial += 1;
                }
                Some(Reading { fault: Some((why, kind)), .. }) => self.fault(&read.item.path, &why, kind),
                Some(Reading { .. }) => self.report().done += 1,
                None => {}
            }
        }
        let mut report = self.report();
        report.tally += finished.tally;
        report.bytes_written += finished.tally.bytes_out;
        report.stopped |= stopped;
        match finished.end {
            Some(End::Failed(error)) => Some(error),
            Some(End::ReaderGone) => {
                report.reader_gone = true;
                None
            }
            Some(End::Input | End::Signal | End::Stalled) | None => None,
        }
    }

    /// How a file was read. `None` where it could not be opened: that is told.
    fn look(&self, read: &Read) -> Option<Reading> {
        let path = &read.item.path;
        let reading = Reading::of(read).map_err(|(why, kind)| self.fault(path, &why, kind)).ok()?;
        if reading.fault.is_none() && reading.changed {
            self.report().note(path, "it changed while it was read; the next run does it again");
        }
        Some(reading)
    }

    fn finished_file(&self, mut finished: Finished) -> Option<Error> {
        let number = finished.number;
        if finished.stopped {
            drop(finished.output);
            self.give_up(number);
            let mut report = self.report();
            report.stopped = true;
            report.under_way += 1;
            return None;
        }
        let todo = &self.todo[number];
        if let Some(End::Failed(error)) = finished.end {
            drop(finished.output);
            self.give_up(number);
            if matches!(error.kind(), Kind::Data) {
                self.fault(&todo.item.path, &error.to_string(), Kind::Data);
                self.settle(&Tally::default(), 0);
                return None;
            }
            return Some(error);
        }
        // Of what is given up no line counts: none went out.
        let given_up = || {
            self.give_up(number);
            self.settle(&Tally::default(), 0);
        };
        let reading = finished.read.pop().and_then(|read| self.look(&read));
        let in_place = matches!(self.order.whither, Whither::InPlace);
        if let Some((why, kind)) = reading.as_ref().and_then(|reading| reading.fault.as_ref()) {
            self.fault(&todo.item.path, why, *kind);
        }
        let kept = reading.filter(|reading| reading.good && !(in_place && reading.fault.is_some()));
        let (Some(reading), Some(Output::Fresh(fresh))) = (kept, finished.output) else {
            given_up();
            return None;
        };
        let made = match fresh.finish(reading.opened.mode & 0o640, reading.opened.modified) {
            Ok(made) => made,
            Err(error) => {
                self.give_up(number);
                let path = todo.item.path.display();
                return Some(Error::new(Kind::Io, format!("cannot write what is made of `{path}`: {error}")));
            }
        };
        if in_place {
            keep_owner(&made.fd, &todo.item);
        }
        let target = self.targets[number].get().expect("an output was opened");
        let outcome = if reading.fault.is_some() { Outcome::Partial } else { Outcome::Done };
        let entry = Entry {
            packing: reading.packing.name().to_owned(),
            outcome,
            output: Some(Product {
                path: manifest::written(&target.path),
                size: made.size,
                digest: blake3::Hash::from(made.digest).to_hex().to_string(),
            }),
            keys: self.keys.clone(),
            counts: Counts::from(&finished.tally),
            removes: self.order.remove_originals && outcome == Outcome::Done && !reading.changed,
            ..self.order.entry(&todo.item, &reading.opened)
        };
        let replaces = match todo.replaces {
            Replaces::Input(_) => Replaces::Input(reading.opened),
            other => other,
        };
        let pending = Pending { made, temporary: target.temporary.clone(), replaces, entry };
        let may_go = outcome == Outcome::Done && !reading.changed;
        let ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // Whoever commits lives as long as the workers do.
        if let Some(ready) = ready {
            drop(ready.send(Ready { number, pending, tally: finished.tally, may_go }));
        }
        None
    }

    /// Counts a file that is dealt with.
    fn settle(&self, tally: &Tally, written: u64) {
        self.progress.files.fetch_add(1, Relaxed);
        let mut report = self.report();
        report.tally += *tally;
        report.bytes_written += written;
    }

    /// Commits until nobody sends any more. Says why it cannot go on.
    pub fn commit(&self, ready: &Receiver<Ready>, ledgers: &mut Ledgers, fail: impl Fn(Error)) {
        while let Ok(first) = ready.recv() {
            let mut group = vec![first];
            while group.len() < GROUP_FILES
                && let Ok(next) = ready.try_recv()
            {
                group.push(next);
            }
            self.commit_group(group, ledgers, &fail);
        }
    }

    fn commit_group(&self, group: Vec<Ready>, ledgers: &mut Ledgers, fail: &impl Fn(Error)) {
        let mut by_home: Vec<(&Path, Vec<Ready>)> = Vec::new();
        for ready in group {
            let home = self.todo[ready.number].home.as_path();
            match by_home.iter_mut().find(|(other, _)| *other == home) {
                Some((_, together)) => together.push(ready),
                None => by_home.push((home, vec![ready])),
            }
        }
        for (home, together) in by_home {
            let ledger = ledgers.by_home.get_mut(home).expect("a ledger was opened for every file");
            let (numbers, pending): (Vec<_>, Vec<_>) =
                together.into_iter().map(|ready| ((ready.number, ready.tally, ready.may_go), ready.pending)).unzip();
            let done = ledger.commit(pending);
            for ((number, tally, may_go), done) in numbers.into_iter().zip(done) {
                let item = &self.todo[number].item;
                match done {
                    Ok(entry) => {
                        self.settle(&tally, entry.output.as_ref().map_or(0, |product| product.size));
                        let mut report = self.report();
                        match entry.outcome {
                            Outcome::Done => report.done += 1,
                            Outcome::Partial | Outcome::Failed => report.partial += 1,
                        }
                        if self.order.remove_originals && may_go {
                            report.remove(item);
                        }
                    }
                    Err(error) if error.kind() == Kind::Io => fail(error),
                    Err(error) => {
                        self.fault(&item.path, &error.to_string(), error.kind());
                        self.settle(&Tally::default(), 0);
                    }
                }
            }
        }
    }
}

impl Desk for Office<'_> {
    fn open(&self, number: usize, packing: Packing) -> Result<Output, Error> {
        if matches!(self.order.whither, Whither::Stdout) {
            return match Stdout::open() {
                Ok(stdout) => Ok(Output::Stdout(stdout)),
                Err(error) => Err(Error::new(Kind::Io, format!("cannot write to standard output: {error}"))),
            };
        }
        let todo = &self.todo[number];
        let scratch = todo.scratch.as_ref().expect("every file but those on standard output has one");
        let compression = self.order.compress.unwrap_or(match packing {
            Packing::Gzip => Compression::Gzip(6),
            Packing::Zstd => Compression::Zstd(3),
            Packing::Bzip2 => Compression::Bzip2(9),
            // Of the levels above each worker would take more memory than the whole run should: 17 MiB, 94 MiB at the usual one.
            Packing::Xz => Compression::Xz(1),
            _ => Compression::None,
        });
        let path = match (&self.order.whither, self.order.compress) {
            (Whither::InPlace, _) => PathBuf::from(todo.item.name.file_name().unwrap_or_default()),
            (_, None) => todo.item.name.clone(),
            (_, Some(compression)) => renamed(&todo.item.name, packing, compression),
        };
        let temporary = scratch.name();
        let shown = match &self.order.whither {
            Whither::Directory(directory) => directory.join(&path),
            Whither::InPlace | Whither::Stdout => todo.item.path.clone(),
        };
        let fresh = Fresh::create(scratch.place(), &temporary, shown, compression)?;
        let _ = self.targets[number].set(Target { temporary, path });
        Ok(Output::Fresh(Box::new(fresh)))
    }

    fn keeper(&self, number: usize) -> Result<Option<Keeper>, Error> {
        let Some(room) = self.quarantine.clone() else { return Ok(None) };
        match (&self.order.whither, self.todo.get(number)) {
            (Whither::Directory(_) | Whither::InPlace, Some(todo)) => {
                Ok(Some(Keeper::of_file(room, &self.order.digest_of(&todo.item))))
            }
            (Whither::Stdout, _) | (_, None) => Keeper::of_stream(room).map(Some),
        }
    }

    fn verdict(&self) -> Verdict {
        limit(self.order.malformed_limit)
    }

    fn keeps_parts(&self) -> bool {
        matches!(self.order.whither, Whither::Stdout)
    }

    fn finished(&self, finished: Finished) -> Option<Error> {
        match self.order.whither {
            Whither::Stdout => self.finished_stream(finished),
            Whither::Directory(_) | Whither::InPlace => self.finished_file(finished),
        }
    }
}

/// The name of an output that is packed otherwise than its input.
fn renamed(name: &Path, packing: Packing, compression: Compression) -> PathBuf {
    let packed = name.extension().and_then(|end| end.to_str());
    let bare = match (packing, packed) {
        (Packing::Gzip, Some("gz"))
        | (Packing::Zstd, Some("zst" | "zstd"))
        | (Packing::Bzip2, Some("bz2"))
        | (Packing::Xz, Some("xz")) => name.with_extension(""),
        _ => name.to_path_buf(),
    };
    let end = match compression {
        Compression::None => return bare,
        Compression::Gzip(_) => ".gz",
        Compression::Zstd(_) => ".zst",
        Compression::Bzip2(_) => ".bz2",
        Compression::Xz(_) => ".xz",
    };
    let mut path = bare.into_os_string();
    path.push(end);
    path.into()
}

/// In place a file keeps its owner and group, if we may give them; where not, it is ours.
fn keep_owner(fd: &std::os::fd::OwnedFd, item: &Item) {
    if let Ok(stat) = rustix::fs::lstat(&item.path) {
        let owner = rustix::process::Uid::from_raw(stat.st_uid);
        let group = rustix::process::Gid::from_raw(stat.st_gid);
        let _ = rustix::fs::fchown(fd, Some(owner), Some(group));
    }
}

/// So many files are made durable together.
const GROUP_FILES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_how_its_file_is_packed() {
        for (name, packing, compression, wanted) in [
            ("a/access.log.2.gz", Packing::Gzip, Compression::Zstd(3), "a/access.log.2.zst"),
            ("access.log.2.gz", Packing::Gzip, Compression::None, "access.log.2"),
            ("access.log.2.gz", Packing::Plain, Compression::Gzip(6), "access.log.2.gz.gz"),
            ("access.log", Packing::Plain, Compression::Xz(6), "access.log.xz"),
            ("access.log", Packing::Zstd, Compression::Bzip2(6), "access.log.bz2"),
            ("access.log.zstd", Packing::Zstd, Compression::Zstd(9), "access.log.zst"),
        ] {
            assert_eq!(renamed(Path::new(name), packing, compression), Path::new(wanted));
        }
    }
}
