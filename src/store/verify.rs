//! Whether a store is as sladd left it: each segment that was closed and not deleted is there, byte for byte, and nothing
//! else is.

use super::{
    HEAD, HOLDS, OPEN, POLICIES, Root, SWEEP,
    facts::MOST_BYTES,
    file,
    hold::Holds,
    key::{self, Keys},
    manifest::{Before, Head, Manifest},
    name,
    past::Past,
    survey::{Kept, sorted, survey},
};
use crate::{
    audit,
    error::{Error, Kind},
    key::Wrap,
    retention::parse_label,
    state::place::Place,
    time::Date,
};
use rustix::{fs::FlockOperation, io::Errno};
use serde::Serialize;
use std::{
    collections::BTreeSet,
    io::{self, Read},
};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where, as a path in the store.
    pub path: String,
    /// What.
    pub what: String,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Segments that were read.
    pub segments: u64,
    /// Lines in them.
    pub records: u64,
    /// Segments of those that are sealed and were not opened: their bytes are as they were, and so is what their manifests say.
    pub unopened: u64,
    /// Files that are not segments yet; nothing says what is in them.
    pub unclosed: u64,
    /// Where the audit log ends, to be noted down elsewhere.
    pub audit_head: String,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

impl Verified {
    fn wrong(&mut self, path: impl Into<String>, what: impl Into<String>) {
        self.problems.push(Problem { path: path.into(), what: what.into() });
    }
}

/// Reads all of a store, under its lock; what is sealed is opened where it is known what its keys are wrapped with.
///
/// # Errors
/// [`Kind::Io`], [`Kind::Permission`]: it could not be read; [`Kind::Config`] where keys are wrapped with another file.
pub fn verify(root: &Root, wrap: Option<&Wrap>) -> Result<Verified, Error> {
    let _lock = root.lock()?;
    let opening = wrap.map(|wrap| Keys::open(root, wrap.clone())).transpose()?.flatten();
    let mut found = Verified::default();
    let failed = |error: io::Error| root.failed("read", &error);
    match audit::verify(root.path(), None) {
        Ok(verdict) => {
            found.audit_head = verdict.head.to_string();
            for fault in verdict.faults {
                found.wrong("audit.log", fault.to_string());
            }
        }
        // Of a store in which nothing was done there is none.
        Err(error) if error.kind() == Kind::NoInput => {}
        Err(error) => found.wrong("audit.log", error.to_string()),
    }
    let past = Past::read(root)?;
    if past.odd > 0 {
        found.wrong("audit.log", format!("{} entries cannot be read", past.odd));
    }
    if root.place.stat(SWEEP).map_err(failed)?.is_some() {
        found.wrong(SWEEP, "a sweep was ended before it was done; run sladd store sweep");
    }
    let listing = survey(root)?;
    let closing: BTreeSet<u64> =
        listing.kept.iter().filter(|kept| !kept.is_segment).filter_map(|kept| kept.number).collect();
    found.unclosed = listing.kept.iter().filter(|kept| !kept.is_segment).count() as u64;
    for path in listing.strange {
        found.wrong(path, "nothing of ours is called so");
    }
    for path in listing.begun {
        let number = path.rsplit("/.").next().and_then(|name| name.split('.').next()).and_then(name::parse_number);
        if !number.is_some_and(|number| closing.contains(&number)) {
            found.wrong(path, "it was begun, and belongs to nothing");
        }
    }
    for kept in listing.kept.iter().filter(|kept| kept.is_segment) {
        let number = kept.number.unwrap_or_default();
        let is_known = past.closed.get(&number).is_some_and(|(subject, _)| *subject == kept.path);
        if past.deleted.contains(&kept.path) {
            found.wrong(kept.path.as_str(), "it was deleted, and is there");
        } else if !is_known && !closing.contains(&number) {
            found.wrong(kept.path.as_str(), "the audit log knows nothing of it");
        }
    }
    keys(root, &listing.kept, &mut found)?;
    if opening.as_ref().is_some_and(|keys| !keys.is_checked()) && key::has_check(root)? {
        found.wrong(format!("{}/check", key::KEYS), "it is damaged, or a change of the file was not finished");
    }
    chain(root, (&past, &closing), opening.as_ref(), &mut found)?;
    policies(root, &past, &mut found).map_err(failed)?;
    let said = Holds { holds: past.holds.into_values().collect() };
    let there = file::read(&root.place, HOLDS, MOST_BYTES * 4).map_err(failed)?;
    if there.unwrap_or_else(|| Holds::default().text()) != said.text() {
        found.wrong(HOLDS, "it is not what the audit log says of holds; add or release once more what is meant");
    }
    Ok(found)
}

/// What is sealed has its key, and each key its file.
fn keys(root: &Root, kept: &[Kept], found: &mut Verified) -> Result<(), Error> {
    let (mut there, strange) = key::all(root)?;
    for path in strange {
        found.wrong(path, "nothing of ours is called so");
    }
    for (kept, key) in kept.iter().filter_map(|kept| Some((kept, kept.key.as_deref()?))) {
        there.remove(key);
        if !key::is_there(root, key, kept.is_segment)? {
            found.wrong(kept.path.as_str(), format!("its key `{key}` is missing or damaged: nobody can read it"));
        }
    }
    if kept.iter().any(|kept| kept.key.is_some()) && !key::has_check(root)? {
        found.wrong(format!("{}/check", key::KEYS), "it is missing; the next start of the sidecar makes it again");
    }
    // Whoever writes makes the key first.
    if !there.is_empty() && !is_written(root)? {
        for key in there {
            let what = "there is nothing that it opens";
            found.wrong(format!("{}/{key}.key", key::KEYS), what);
        }
    }
    Ok(())
}

/// Whether somebody writes to it now.
fn is_written(root: &Root) -> Result<bool, Error> {
    let Some(open) = root.place.room_if_there(OPEN)? else { return Ok(false) };
    let anchor = file::open(&open, "anchor").map_err(|error| root.failed("read", &error))?;
    let lock = FlockOperation::NonBlockingLockShared;
    Ok(anchor.is_some_and(|anchor| rustix::fs::flock(&anchor, lock) == Err(Errno::WOULDBLOCK)))
}

/// Each segment that was closed, in order.
fn chain(
    root: &Root,
    (past, closing): (&Past, &BTreeSet<u64>),
    opening: Option<&Keys>,
    found: &mut Verified,
) -> Result<(), Error> {
    let mut last = Before::default();
    let mut next = 1;
    for (&number, (subject, digest)) in &past.closed {
        for missing in next..number {
            if !past.never.contains(&missing) {
                found.wrong(subject.as_str(), format!("segment {missing} before it was never closed"));
                // Of a log that was forged there may be many.
                break;
            }
        }
        next = number + 1;
        if !past.deleted.contains(subject) {
            segment(root, (subject, number, digest), &last, opening, found)?;
        }
        last = Before { number, blake3: digest.clone() };
    }
    match Head::read(root) {
        Ok(head) if head.last == last => {
            let unused = past.never.iter().next_back().map_or(next, |never| next.max(never + 1));
            if head.next != unused || head.text() != text_of(root)?.unwrap_or_else(|| head.text()) {
                found.wrong(HEAD, "it is not as sladd wrote it");
            }
            if head.next > 1 && text_of(root)?.is_none() {
                found.wrong(HEAD, "it is missing");
            }
        }
        // Killed in between: what is missing is done with the next closing.
        Ok(head) if closing.contains(&last.number) && head.last.number < last.number => {}
        Ok(head) => {
            found.wrong(HEAD, format!("it ends at segment {}, and the audit log at {}", head.last.number, last.number))
        }
        Err(error) => found.wrong(HEAD, error.to_string()),
    }
    Ok(())
}

fn text_of(root: &Root) -> Result<Option<Vec<u8>>, Error> {
    file::read(&root.place, HEAD, 4096).map_err(|error| root.failed("read", &error))
}

fn segment(
    root: &Root,
    (subject, number, digest): (&str, u64, &str),
    before: &Before,
    opening: Option<&Keys>,
    found: &mut Verified,
) -> Result<(), Error> {
    let mut parts = subject.split('/');
    let (label, day) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if parse_label(label).is_none() || Date::parse(day.as_bytes()).is_none() {
        found.wrong("audit.log", "it names a segment that none can be called");
        return Ok(());
    }
    let place = match root.place.room_if_there(label) {
        Ok(Some(place)) => place.room_if_there(day),
        other => other,
    };
    let place = match place {
        Ok(Some(place)) => place,
        Ok(None) => {
            found.wrong(subject, "it is missing");
            return Ok(());
        }
        Err(error) => {
            found.wrong(subject, error.to_string());
            return Ok(());
        }
    };
    let manifest = match Manifest::read(&place, number) {
        Ok(Some((manifest, there))) if there == digest => manifest,
        Ok(Some(_)) => {
            found.wrong(subject, "its manifest was changed, or is that of another");
            return Ok(());
        }
        Ok(None) => {
            found.wrong(subject, "its manifest is missing");
            return Ok(());
        }
        Err(error) => {
            found.wrong(subject, format!("its manifest cannot be read: {error}"));
            return Ok(());
        }
    };
    if manifest.before != *before {
        found.wrong(subject, "its manifest does not follow the one before it");
    }
    if manifest.label() != label || manifest.day().map(|day: Date| day.to_string()).as_deref() != Some(day) {
        found.wrong(subject, "it stands in the place of another");
    }
    found.segments += 1;
    match read(&place, &manifest, opening) {
        Ok(None) => {
            found.records += manifest.records;
            found.unopened += u64::from(manifest.key.is_some() && opening.is_none());
        }
        Ok(Some(what)) => found.wrong(subject, what),
        Err(error) => found.wrong(subject, format!("it cannot be read: {error}")),
    }
    Ok(())
}

/// What is wrong with the lines of a segment.
fn read(place: &Place, manifest: &Manifest, opening: Option<&Keys>) -> io::Result<Option<String>> {
    let Some(file) = file::open(place, &manifest.packed())? else { return Ok(Some("it is missing".to_owned())) };
    if file.metadata()?.len() != manifest.packed_bytes {
        return Ok(Some(format!("it is not {} bytes long, as its manifest says", manifest.packed_bytes)));
    }
    let mut packed = Digested { file, digest: blake3::Hasher::new() };
    let key = match (&manifest.key, opening) {
        (Some(name), Some(keys)) => match keys.load(name) {
            Ok(Some(key)) => Some(key),
            // That was told.
            Ok(None) => return Ok(None),
            Err(error) => return Ok(Some(error.to_string())),
        },
        (Some(_), None) => {
            io::copy(&mut packed, &mut io::sink())?;
            return Ok(packed.is_changed(manifest));
        }
        (None, _) => None,
    };
    let (mut plain, mut records, mut bytes) = (file::hasher(key.as_ref()), 0, 0);
    let mut chunk = vec![0; 128 << 10];
    let mut unpacked = zstd::Decoder::new(file::opened(&mut packed, key.as_ref())?)?;
    loop {
        let read = unpacked.read(&mut chunk)?;
        // It was as long as it is; what unpacks to more was not packed by us.
        if read == 0 || bytes > manifest.bytes {
            break;
        }
        plain.update(&chunk[..read]);
        records += memchr::memchr_iter(b'\n', &chunk[..read]).count() as u64;
        bytes += read as u64;
    }
    drop(unpacked);
    io::copy(&mut packed, &mut io::sink())?;
    if let Some(changed) = packed.is_changed(manifest) {
        return Ok(Some(changed));
    }
    let same = plain.finalize().to_hex().as_str() == manifest.blake3;
    if !same || (records, bytes) != (manifest.records, manifest.bytes) {
        return Ok(Some(format!("it holds {records} lines that are not the {} of its manifest", manifest.records)));
    }
    Ok(None)
}

/// A file with the digest of what was read of it.
struct Digested {
    file: std::fs::File,
    digest: blake3::Hasher,
}

impl Digested {
    fn is_changed(&self, manifest: &Manifest) -> Option<String> {
        let is_same = self.digest.finalize().to_hex().as_str() == manifest.packed_blake3;
        (!is_same).then(|| "its bytes were changed".to_owned())
    }
}

impl Read for Digested {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into)?;
        self.digest.update(&into[..read]);
        Ok(read)
    }
}

/// Facts of policies are those that were kept.
fn policies(root: &Root, past: &Past, found: &mut Verified) -> io::Result<()> {
    let place = root.place.room_if_there(POLICIES).map_err(|error| io::Error::other(error.to_string()))?;
    let mut missing: BTreeSet<&str> = past.policies.keys().map(String::as_str).collect();
    if let Some(place) = place {
        for name in sorted(&place)? {
            let path = format!("{POLICIES}/{name}");
            let policy = name.strip_suffix(".json").unwrap_or(&name);
            let digest = file::read(&place, &name, MOST_BYTES)?.map(|text| file::digest(&text));
            match past.policies.get(policy) {
                _ if file::is_new(&name) => {}
                None => found.wrong(path, "the audit log knows nothing of it"),
                Some(known) if digest.as_ref() != Some(known) => found.wrong(path, "it was changed"),
                Some(_) => {}
            }
            missing.remove(policy);
        }
    }
    for policy in missing {
        found.wrong(format!("{POLICIES}/{policy}.json"), "it is missing");
    }
    Ok(())
}
