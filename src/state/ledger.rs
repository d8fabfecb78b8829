//! Commits: files get their names, and the manifest says so, in an order that a crash at any moment leaves whole.
//!
//! For a group of finished files: each is made durable under its temporary name; the journal says what is about to happen;
//! they get their names; the directories are made durable; the manifest says what happened; the journal is emptied. After a
//! crash whatever still has its temporary name is taken away, and whatever the journal knows and has its name is recorded.

use super::{
    files::{FILE_MODE, append, digest_of, failed, names_in, read, write_durably},
    manifest::{self, Entry, Manifest, Product},
    place::{Place, rename, stat, sync},
    shard::{self, Shard},
};
use crate::{
    error::{Error, Kind},
    input::file::Identity,
    output::fresh::{Made, discard},
};
use rustix::{
    fs::{OFlags, RenameFlags},
    io::Errno,
};
use serde::{Deserialize, Serialize};
use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// A directory of outputs that is ours alone for the run.
#[derive(Debug)]
pub struct Ledger {
    place: Place,
    room: Place,
    scratch: Arc<Scratch>,
    known: Manifest,
    manifest: OwnedFd,
    journal: OwnedFd,
    _locks: Vec<OwnedFd>,
}

/// Where temporary files are made.
#[derive(Debug)]
pub struct Scratch {
    place: Place,
    /// What our temporary files, and our files in the room, end in.
    suffix: String,
    names: AtomicU64,
}

impl Scratch {
    /// The directory.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Whether what a run left that ended its names so may be put right by this one: its own, and what nobody can be at
    /// work on. A run without shares is alone; no such run is at work beside a share.
    fn may_put_right(&self, suffix: &str) -> bool {
        self.suffix.is_empty() || suffix.is_empty() || self.suffix == suffix
    }

    /// A name in it that nobody uses.
    pub fn name(&self) -> String {
        format!("{}{}", self.names.fetch_add(1, Relaxed), self.suffix)
    }
}

/// A finished file that waits for its name.
#[derive(Debug)]
pub struct Pending {
    /// The file.
    pub made: Made,
    /// Its name in the scratch room.
    pub temporary: String,
    /// What it takes the place of.
    pub replaces: Replaces,
    /// What the manifest will say; it has an output.
    pub entry: Entry,
}

/// What may stand where a file is to get its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaces {
    /// Nothing.
    Nothing,
    /// A file that we made.
    Ours,
    /// The input itself, which must still be what was read.
    Input(Identity),
}

/// What the journal says of one file.
#[derive(Serialize, Deserialize)]
struct Intent {
    temporary: String,
    entry: Entry,
}

impl Ledger {
    /// Opens the directory's state, makes it if it is missing, and puts right what a crash left.
    ///
    /// # Errors
    /// [`Kind::CannotCreate`] where another process works on it; [`Kind::Data`] where the manifest is damaged;
    /// [`Kind::Permission`], [`Kind::Io`]
    pub fn open(place: Place, shard: Option<Shard>) -> Result<Ledger, Error> {
        let room = place.room(ROOM, 0o750)?;
        let stat = rustix::fs::fstat(&room).map_err(|error| failed(&room, "use", &error.into()))?;
        if stat.st_uid != rustix::process::geteuid().as_raw() {
            let why = format!("`{}` belongs to another user; run sladd as its owner", room.path().display());
            return Err(Error::new(Kind::Permission, format!("cannot use it: {why}")));
        }
        let scratch = room.room(SCRATCH, 0o750)?;
        let suffix = shard.map_or_else(String::new, Shard::suffix);
        let locks = shard::lock(&room, shard)?;
        let manifest = append(&room, &format!("{MANIFEST}{suffix}"))?;
        let journal = append(&room, &format!("{JOURNAL}{suffix}"))?;
        let known = Ledger::look_at(&room)?.unwrap_or_default();
        let scratch = Arc::new(Scratch { place: scratch, suffix, names: AtomicU64::new(0) });
        let mut ledger = Ledger { place, room, scratch, known, manifest, journal, _locks: locks };
        ledger.recover().map_err(|error| failed(&ledger.room, "put right", &error))?;
        Ok(ledger)
    }

    /// What is recorded of a directory, without touching anything. `None` where there is no manifest.
    ///
    /// # Errors
    /// [`Kind::Data`] where a manifest is damaged; [`Kind::Permission`], [`Kind::Io`]
    pub fn look(place: &Place) -> Result<Option<Manifest>, Error> {
        let Some(room) = place.room_if_there(ROOM)? else { return Ok(None) };
        Ledger::look_at(&room)
    }

    fn look_at(room: &Place) -> Result<Option<Manifest>, Error> {
        let mut known = Manifest::default();
        let mut names = names_in(room).map_err(|error| failed(room, "read", &error))?;
        names.retain(|name| name.starts_with(MANIFEST));
        names.sort();
        for name in &names {
            let text = read(room, name).map_err(|error| failed(room, "read", &error))?;
            known.read(&text).map_err(|line| {
                let path = room.path().join(name);
                let why = "move it away, and everything is done again";
                Error::new(Kind::Data, format!("line {line} of `{}` is damaged; {why}", path.display()))
            })?;
        }
        Ok((!names.is_empty()).then_some(known))
    }

    /// The directory.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Where its state is.
    pub fn room(&self) -> &Place {
        &self.room
    }

    /// Where temporary files are made.
    pub fn scratch(&self) -> &Arc<Scratch> {
        &self.scratch
    }

    /// What is recorded.
    pub fn known(&self) -> &Manifest {
        &self.known
    }

    /// Keeps the text of a policy under its digest, so that a later run can tell a weaker one.
    ///
    /// # Errors
    /// [`Kind::Io`], [`Kind::Permission`]
    pub fn keep_policy(&self, digest: &str, text: &str) -> Result<(), Error> {
        let cannot = |error: io::Error| failed(&self.room, "keep the policy in", &error);
        let policies = self.room.room(POLICIES, 0o750)?;
        let name = policy_file(digest);
        if policies.stat(name.as_str()).map_err(cannot)?.is_some() {
            return Ok(());
        }
        let temporary = self.scratch.name();
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.scratch.place, &temporary, flags, FILE_MODE)
            .map_err(|error| cannot(error.into()))?;
        write_durably(&fd, text.as_bytes()).map_err(cannot)?;
        match rename(&self.scratch.place, &temporary, &policies, name.as_str(), RenameFlags::NOREPLACE) {
            Ok(()) => {}
            Err(Errno::EXIST) => discard(&self.scratch.place, &temporary).map_err(cannot)?,
            Err(error) => return Err(cannot(error.into())),
        }
        policies.sync().map_err(cannot)
    }

    /// The text of a policy that was kept, if it is there.
    ///
    /// # Errors
    /// [`Kind::Io`], [`Kind::Permission`]
    pub fn kept_policy(&self, digest: &str) -> Result<Option<String>, Error> {
        let Some(policies) = self.room.room_if_there(POLICIES)? else { return Ok(None) };
        match read(&policies, &policy_file(digest)) {
            Ok(text) => Ok(String::from_utf8(text).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(&self.room, "read", &error)),
        }
    }

    /// Gives a group of files their names. Says of each what is recorded, or why it was not done: its temporary file is then
    /// gone.
    pub fn commit(&mut self, group: Vec<Pending>) -> Vec<Result<Entry, Error>> {
        let mut intents = Vec::new();
        let synced: Vec<Result<Pending, Error>> = group
            .into_iter()
            .map(|pending| match sync(&pending.made.fd) {
                Ok(()) => {
                    let intent = Intent { temporary: pending.temporary.clone(), entry: pending.entry.clone() };
                    serde_json::to_writer(&mut intents, &intent).expect("numbers and text");
                    intents.push(b'\n');
                    Ok(pending)
                }
                // What was written may be lost, and a second call would not say so.
                Err(error) => Err(self.refuse(&pending, Kind::Io, &format!("making it durable failed: {error}"))),
            })
            .collect();
        let journalled = write_durably(&self.journal, &intents);
        let mut touched: Vec<(PathBuf, OwnedFd)> = Vec::new();
        let named: Vec<Result<Entry, Error>> = synced
            .into_iter()
            .map(|pending| {
                let pending = pending?;
                if let Err(error) = &journalled {
                    return Err(self.refuse(&pending, Kind::Io, &format!("writing the journal failed: {error}")));
                }
                self.name(&pending, &mut touched).map_err(|(kind, why)| self.refuse(&pending, kind, &why))?;
                Ok(pending.entry)
            })
            .collect();
        let mut durable = Ok(());
        for (_, directory) in &touched {
            durable = durable.and(sync(directory));
        }
        let mut lines = Vec::new();
        named.iter().flatten().for_each(|entry| lines.extend(manifest::line(entry)));
        if let Err(error) = durable.and_then(|()| self.record(&lines)) {
            // They have their names; the journal stays, and the next run records them.
            return named
                .into_iter()
                .map(|done| done.and_then(|_| Err(failed(&self.room, "record in", &error))))
                .collect();
        }
        let superseded: Vec<Product> = named.iter().flatten().filter_map(|entry| self.superseded(entry)).collect();
        named.iter().flatten().for_each(|entry| self.known.put(entry.clone()));
        superseded.iter().for_each(|product| self.withdraw(product));
        named
    }

    /// What was made of the same input before.
    fn product_before(&self, pending: &Pending) -> Option<&Product> {
        self.known.get(&pending.entry.path)?.output.as_ref()
    }

    /// What was made of the same input before under another name, which nothing else has.
    fn superseded(&self, entry: &Entry) -> Option<Product> {
        let before = self.known.get(&entry.path)?.output.clone()?;
        let new = entry.output.as_ref()?;
        (before.path != new.path).then_some(before)
    }

    /// Takes away an output whose input has another now, if it is still what was made: nobody would know of it any more.
    fn withdraw(&self, product: &Product) {
        let claimed = self.known.entries().filter_map(|entry| entry.output.as_ref());
        if claimed.into_iter().any(|other| other.path == product.path) {
            return;
        }
        let target = manifest::path(&product.path);
        if let (Ok(directory), Some(name)) = (self.place.directory_of(&target, false), target.file_name())
            && self.is_made(&directory, Path::new(name), product)
        {
            let _ = rustix::fs::unlinkat(&directory, name, rustix::fs::AtFlags::empty());
        }
    }

    /// Records what became of files of which nothing was made.
    ///
    /// # Errors
    /// [`Kind::Io`]
    pub fn note(&mut self, entries: &[Entry]) -> Result<(), Error> {
        let lines: Vec<u8> = entries.iter().flat_map(manifest::line).collect();
        write_durably(&self.manifest, &lines).map_err(|error| failed(&self.room, "record in", &error))?;
        entries.iter().for_each(|entry| self.known.put(entry.clone()));
        Ok(())
    }

    /// Takes away what is empty and not needed until the next run.
    pub fn tidy(self) {
        // Others may be at work in it; then it stays.
        let _ = rustix::fs::unlinkat(&self.room, SCRATCH, rustix::fs::AtFlags::REMOVEDIR);
    }

    fn record(&mut self, lines: &[u8]) -> io::Result<()> {
        write_durably(&self.manifest, lines)?;
        // If this is lost, what the journal says is recorded a second time.
        Ok(rustix::fs::ftruncate(&self.journal, 0)?)
    }

    fn name(&self, pending: &Pending, touched: &mut Vec<(PathBuf, OwnedFd)>) -> Result<(), (Kind, String)> {
        let product = pending.entry.output.as_ref().expect("only what was made is committed");
        let target = manifest::path(&product.path);
        let system = |error: io::Error| {
            let kind = match error.kind() {
                io::ErrorKind::PermissionDenied => Kind::Permission,
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Kind::Io,
                _ => Kind::CannotCreate,
            };
            (kind, error.to_string())
        };
        let parent = target.parent().unwrap_or(Path::new("")).to_path_buf();
        let name = target.file_name().ok_or((Kind::CannotCreate, "it has no name".to_owned()))?;
        let at = match touched.iter().position(|(path, _)| *path == parent) {
            Some(at) => at,
            None => {
                touched.push((parent, self.place.directory_of(&target, true).map_err(system)?));
                touched.len() - 1
            }
        };
        let directory = &touched[at].1;
        let there = stat(directory, name).map_err(system)?;
        match pending.replaces {
            Replaces::Nothing => {}
            Replaces::Ours => {}
            Replaces::Input(identity) => {
                let now = there.as_ref().map(Identity::of);
                if !now.is_some_and(|now| now.is_same(&identity)) {
                    return Err((Kind::Data, "it changed while it was read; it is left as it is".to_owned()));
                }
            }
        }
        // Ours is only what was made of this very input, under this very name.
        let same_name = self.product_before(pending).is_some_and(|before| before.path == product.path);
        let flags = match pending.replaces {
            Replaces::Ours if same_name => RenameFlags::empty(),
            Replaces::Nothing | Replaces::Ours => RenameFlags::NOREPLACE,
            Replaces::Input(_) => RenameFlags::empty(),
        };
        match rename(&self.scratch.place, &pending.temporary, directory, name, flags) {
            Ok(()) => Ok(()),
            Err(Errno::EXIST) if self.is_made(directory, Path::new(name), product) => {
                let _ = discard(&self.scratch.place, &pending.temporary);
                Ok(())
            }
            Err(Errno::EXIST) => {
                let why = "something is there that was not made of this input; move it away, or choose another --out";
                Err((Kind::CannotCreate, why.to_owned()))
            }
            Err(error) => Err(system(error.into())),
        }
    }

    /// Whether this very file is there.
    fn is_made(&self, directory: impl AsFd, name: &Path, product: &Product) -> bool {
        matches!(digest_of(directory, name), Ok(Some((size, digest))) if size == product.size && digest == product.digest)
    }

    fn refuse(&self, pending: &Pending, kind: Kind, why: &str) -> Error {
        let _ = discard(&self.scratch.place, &pending.temporary);
        let name = pending.entry.output.as_ref().map(|product| manifest::path(&product.path)).unwrap_or_default();
        Error::new(kind, format!("cannot write `{}`: {why}", self.place.path().join(name).display()))
    }

    fn recover(&mut self) -> io::Result<()> {
        // A torn line was never acted on.
        let text = read(&self.room, &format!("{MANIFEST}{}", self.scratch.suffix))?;
        let whole = memchr::memrchr(b'\n', &text).map_or(0, |at| at + 1);
        if whole < text.len() {
            rustix::fs::ftruncate(&self.manifest, whole as u64)?;
        }
        let mut lines = Vec::new();
        let journals: Vec<String> = names_in(&self.room)?
            .into_iter()
            .filter(|name| name.strip_prefix(JOURNAL).is_some_and(|suffix| self.scratch.may_put_right(suffix)))
            .collect();
        let mut intents = Vec::new();
        for name in &journals {
            intents.extend(read(&self.room, name)?);
        }
        for line in intents.split(|&byte| byte == b'\n') {
            let Ok(intent) = serde_json::from_slice::<Intent>(line) else { continue };
            let Some(product) = &intent.entry.output else { continue };
            let target = manifest::path(&product.path);
            let waits = stat(&self.scratch.place, intent.temporary.as_str())?.is_some();
            let Ok(directory) = self.place.directory_of(&target, false) else { continue };
            let Some(name) = target.file_name() else { continue };
            if !waits && self.is_made(&directory, Path::new(name), product) {
                lines.extend(manifest::line(&intent.entry));
                self.known.put(intent.entry);
            }
        }
        self.record(&lines)?;
        let own = format!("{JOURNAL}{}", self.scratch.suffix);
        for name in journals.iter().filter(|name| **name != own) {
            discard(&self.room, name)?;
        }
        for name in names_in(&self.scratch.place)? {
            let digits = name.bytes().take_while(u8::is_ascii_digit).count();
            if digits > 0 && self.scratch.may_put_right(&name[digits..]) {
                discard(&self.scratch.place, &name)?;
            }
        }
        Ok(())
    }
}

fn policy_file(digest: &str) -> String {
    format!("{digest}.toml")
}

/// The directory that holds our state.
pub const ROOM: &str = ".sladd";
const SCRATCH: &str = "tmp";
const MANIFEST: &str = "manifest";
const JOURNAL: &str = "journal";
const POLICIES: &str = "policies";
