//! Rotated files that were compressed with gzip before they were read to their end.
//!
//! One is known by content alone: what comes out of it begins with all that was handed out of its original, by the keyed
//! digests, and its original is gone. Then it is read on behind that, through the same lines and portions; all offsets are those
//! of what comes out. A generation that came, went and was packed while nobody looked is one that no digest knows and that was
//! written after all that is known of its name. Nothing is taken before all of it was unpacked once: gzip may still be
//! writing. Nothing is unpacked into memory, and of one file at a time.

use super::{
    Follow, Held,
    copies::{Copy, Form, is_rotated_name, may_be_rotated},
    digest::{Consumed, Mark, StateKey},
    discover::{Scan, neighbours},
    identity::{self, Identity, Stand},
    look::real,
    source::{Position, Source, SourceId, Stage},
    tail::Framed,
};
use crate::{
    error::Error,
    input::{
        packing::Packing,
        unpack::{Fault, MAX_RATIO, Tar, Unpack},
    },
};
use std::{
    collections::{BTreeMap, HashSet},
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Instant,
};

/// Unpacked at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// Digests that begin elsewhere than with their file are followed for so many beginnings at most.
const BEGINNINGS: usize = 16;

/// A packed file that was not whole when it was looked at.
pub(super) struct Waiting {
    home: PathBuf,
    path: PathBuf,
    /// What it looked like when it was unpacked last.
    judged: Looks,
    /// What it looked like last, and since when.
    now: Looks,
    since: Instant,
}

/// How many bytes it has, and when it was written last.
type Looks = (u64, (i64, u32));

/// What comes out of a packed file.
struct Weighed {
    /// So many bytes.
    bytes: u64,
    /// What was digested up to the longest of the marks that it begins with.
    like: Option<Consumed>,
}

/// When something was last written under each home that a checkpoint knows.
pub(super) fn last_written(known: &[Position]) -> BTreeMap<PathBuf, (i64, u32)> {
    let mut last = BTreeMap::new();
    for position in known {
        let at = last.entry(position.home.clone()).or_insert(position.modified);
        *at = position.modified.max(*at);
    }
    last
}

/// As an error of reading.
pub(super) fn as_error(fault: Fault) -> io::Error {
    match fault {
        Fault::Read(error) => error,
        fault => io::Error::new(io::ErrorKind::InvalidData, why(&fault)),
    }
}

impl Follow {
    /// Those that are there when nothing is known yet are old logs.
    pub(super) fn leave_packed(&mut self, scan: &Scan, now: Instant) {
        let homes = self.discover.literals();
        let beside = homes.iter().flat_map(|home| self.left_packed(scan, |path| is_packed_of(home, path)));
        let mut left: Vec<(Stand, PathBuf)> = beside.collect();
        left.extend(self.left_packed(scan, |path| scan.files.iter().any(|file| file.path == path)));
        for (stand, path) in left {
            if !self.knows(&stand.identity) {
                self.counts.packed += 1;
                self.remember(&path, &path, &stand, Consumed::nothing(&self.key), now);
            }
        }
    }

    /// Generations that came, went and were packed since a checkpoint was made, the oldest first.
    pub(super) fn missed_packed(&mut self, last_written: BTreeMap<PathBuf, (i64, u32)>, scan: &Scan, now: Instant) {
        for (home, last) in last_written {
            let base = real(&home);
            for (stand, path) in self.left_packed(scan, |path| is_packed_of(&base, path) && !has_plain(path)) {
                if stand.modified > last && stand.modified <= self.began && !self.knows(&stand.identity) {
                    self.take_packed(&home, &path, &stand, now);
                }
            }
        }
    }

    /// Those that were not whole, once they changed and are quiet.
    pub(super) fn weigh_again(&mut self, now: Instant) {
        for mut waiting in std::mem::take(&mut self.waiting) {
            let Ok(stand) = identity::followable(&waiting.path) else { continue };
            let looks = looks_of(&stand);
            if looks != waiting.now {
                (waiting.now, waiting.since) = (looks, now);
            }
            let quiet = now.duration_since(waiting.since) >= self.settings.settle;
            if looks != waiting.judged && quiet && !has_plain(&waiting.path) {
                if !self.knows(&stand.identity) {
                    self.take_packed(&waiting.home, &waiting.path, &stand, now);
                }
            } else {
                self.waiting.push(waiting);
            }
        }
    }

    /// The packed copy of a source whose bytes are gone from where they stood.
    pub(super) fn packed_copy_of(&mut self, old: &Source, scan: &Scan, now: Instant) -> Option<Copy> {
        if self.settings.packed == super::Packed::PassedOver {
            return None;
        }
        let mark = old.consumed.mark(&self.key);
        // What was handed out behind a checkpoint that knows of nothing is compared when it is made again.
        let unread = mark.offset == 0;
        let marks = if unread { self.marks_beside(&old.path) } else { vec![mark] };
        // What gzip makes is as old as what it was made of.
        let since = if unread { old.modified } else { old.began.min(old.modified) };
        let may_be = |path: &Path| {
            let plain = path.with_extension("");
            let named = !unread && (may_be_rotated(&old.home, &plain) || may_be_rotated(&old.path, &plain));
            plain == old.path || named || is_packed_of(&old.home, path) || is_packed_of(&old.path, path)
        };
        let beside = neighbours(&old.path).into_iter().map(|(path, _)| path).collect();
        for (stand, path) in self.packed_among(beside, scan, may_be) {
            if stand.modified < since || self.knows(&stand.identity) {
                continue;
            }
            let Ok(Some((file, stand))) = identity::open(&path, &stand.identity) else { continue };
            match weigh(&file, &marks, &self.key, u64::MAX) {
                Ok(Weighed { bytes, like }) => {
                    let consumed = match like {
                        Some(consumed) if !unread => consumed,
                        // The oldest that is no other's.
                        None if unread && bytes >= old.seen => Consumed::nothing(&self.key),
                        Some(_) | None => continue,
                    };
                    return Some(Copy { path, file, stand, consumed, form: Form::Packed(bytes) });
                }
                Err(fault) => self.wait_for(&old.home, &path, &stand, &fault, now),
            }
        }
        None
    }

    /// One that nobody follows: what is left of it, all of it, or nothing.
    fn take_packed(&mut self, home: &Path, path: &Path, stand: &Stand, now: Instant) {
        let Ok(Some((file, stand))) = identity::open(path, &stand.identity) else { return };
        let marks = self.marks_beside(path);
        let (bytes, consumed) = match weigh(&file, &marks, &self.key, u64::MAX) {
            Ok(Weighed { bytes, like: Some(consumed) }) if consumed.offset() == bytes => {
                self.counts.copies += 1;
                self.remember(home, path, &stand, consumed, now);
                return;
            }
            Ok(Weighed { bytes, like: Some(consumed) }) => {
                self.counts.reopened += 1;
                (bytes, consumed)
            }
            Ok(Weighed { bytes, like: None }) => {
                self.counts.missed += 1;
                (bytes, Consumed::nothing(&self.key))
            }
            Err(fault) => {
                self.wait_for(home, path, &stand, &fault, now);
                return;
            }
        };
        let id = self.new_id();
        let mut source = Source::new(id, home, path, &stand, consumed, now);
        (source.stage, source.packed, source.seen) = (Stage::Rotated, true, bytes);
        source.after = self.before(home, Some(stand.identity));
        source.file = Some(file);
        self.insert(source);
    }

    /// Of files that ended and stood beside this one, what was handed out of those that are gone.
    fn marks_beside(&self, path: &Path) -> Vec<Mark> {
        let gone = |position: &&Position| {
            position.offset() > 0
                && position.path.parent() == path.parent()
                && !Stand::at(&position.path).is_ok_and(|stand| stand.identity.is(&position.identity))
        };
        self.closed.iter().filter(gone).map(|position| position.mark.clone()).collect()
    }

    /// All of it was handed out, or is nobody's to hand out.
    fn remember(&mut self, home: &Path, path: &Path, stand: &Stand, consumed: Consumed, now: Instant) {
        let id = self.new_id();
        let mut source = Source::new(id, home, path, stand, consumed, now);
        source.packed = true;
        self.closed.push(source.position(Stage::Closed, &self.key));
    }

    fn wait_for(&mut self, home: &Path, path: &Path, stand: &Stand, fault: &Fault, now: Instant) {
        if self.tell(path, why(fault)) {
            self.counts.unreadable += 1;
        }
        let looks = looks_of(stand);
        self.waiting.retain(|waiting| waiting.path != path);
        let (home, path) = (home.to_owned(), path.to_owned());
        self.waiting.push(Waiting { home, path, judged: looks, now: looks, since: now });
    }

    /// Packed files beside those that are followed, the oldest first.
    fn left_packed(&self, scan: &Scan, wanted: impl Fn(&Path) -> bool) -> Vec<(Stand, PathBuf)> {
        let literals = self.discover.literals();
        let homes = self.sources.values().map(|source| &source.path).chain(&literals);
        let homes = homes.chain(self.closed.iter().map(|position| &position.home));
        let mut rooms = HashSet::new();
        let mut beside = Vec::new();
        for home in homes {
            let home = real(home);
            if home.parent().is_some_and(|room| rooms.insert(room.to_owned())) {
                beside.extend(neighbours(&home).into_iter().map(|(path, _)| path));
            }
        }
        self.packed_among(beside, scan, wanted)
    }

    fn packed_among(&self, beside: Vec<PathBuf>, scan: &Scan, wanted: impl Fn(&Path) -> bool) -> Vec<(Stand, PathBuf)> {
        let named = scan.files.iter().map(|file| real(&file.path));
        let paths = beside.into_iter().chain(named).filter(|path| is_gzip(path) && wanted(path));
        let mut found: Vec<(Stand, PathBuf)> =
            paths.filter_map(|path| Some((identity::followable(&path).ok()?, path))).collect();
        found.sort_by(|(a, one), (b, other)| (a.modified, one).cmp(&(b.modified, other)));
        found.dedup_by(|(_, one), (_, other)| one == other);
        found
    }

    /// Opens one again that a checkpoint knows.
    pub(super) fn hold_packed(&mut self, id: u64) -> io::Result<Held> {
        let source = self.sources.get_mut(&id).expect("a source that is followed");
        let Some((file, _)) = identity::open(&source.path, &source.identity)? else { return Ok(Held::Moved) };
        let mark = source.consumed.mark(&self.key);
        if mark.offset == 0 {
            source.consumed = Consumed::nothing(&self.key);
        } else if source.consumed.is_claimed() {
            match weigh(&file, std::slice::from_ref(&mark), &self.key, mark.offset) {
                Ok(Weighed { like: Some(consumed), .. }) => source.consumed = consumed,
                Err(Fault::Read(error)) => return Err(error),
                Ok(Weighed { like: None, .. }) | Err(_) => return Ok(Held::Other),
            }
        }
        source.file = Some(file);
        self.counts.open += 1;
        Ok(Held::Open)
    }

    /// Reads one portion. The others have their turn when it is at its end: it would be unpacked from its beginning again.
    pub(super) fn read_packed(&mut self, id: u64, now: Instant) -> Option<(u64, Framed)> {
        if !self.holds(id, |follow| follow.end_packed(id, "it is not what was read before")) {
            return None;
        }
        let source = self.sources.get_mut(&id).expect("a source that is ready");
        let (from, file) = (source.consumed.offset(), source.file.as_ref().expect("held"));
        let found = Unpacked::of(&mut self.unpacked, source.identity, file)
            .and_then(|unpacked| self.tail.next_from(|out, at| unpacked.read_full(out, at), &mut source.consumed));
        match found {
            Ok(Some(framed)) => {
                let offset = source.consumed.offset();
                (source.failing, source.moved, source.scanned) = (None, now, offset);
                source.seen = source.seen.max(offset);
                Some((from, framed))
            }
            Ok(None) => {
                self.unpacked = None;
                self.close(id);
                None
            }
            Err(Fault::Read(error)) => {
                self.unpacked = None;
                self.fails(id, &error);
                None
            }
            Err(fault) => {
                self.end_packed(id, &why(&fault));
                None
            }
        }
    }

    /// It was whole, and is not any more.
    pub(super) fn end_packed(&mut self, id: u64, why: &str) {
        self.unpacked = None;
        let Some(old) = self.remove(id) else { return };
        self.tell(&old.path, why.to_owned());
        self.gap(old.seen.saturating_sub(old.consumed.offset()));
        self.counts.closed += 1;
        self.ended.push_back((id, old.consumed.offset()));
        self.closed.push(old.position(Stage::Closed, &self.key));
    }

    /// As [`Follow::replay`], of a packed one.
    pub(super) fn replay_packed(
        &mut self,
        source: SourceId,
        from: u64,
        to: u64,
        into: &mut Vec<u8>,
    ) -> Result<bool, Error> {
        let length = into.len();
        let done = self.hold(source.0).and_then(|held| {
            let known = self.sources.get_mut(&source.0).expect("a source that is followed");
            if held != Held::Open || known.consumed.offset() != from || to < from {
                return Ok(false);
            }
            let file = known.file.as_ref().expect("held");
            let unpacked = Unpacked::of(&mut self.unpacked, known.identity, file).map_err(as_error)?;
            let mut after = known.consumed.clone();
            let read = |out: &mut [u8], at| unpacked.read_full(out, at);
            let whole = self.tail.again_from(read, from, to, into, |bytes| after.advance(bytes)).map_err(as_error)?;
            if whole {
                (known.consumed, known.scanned) = (after, to);
                known.seen = known.seen.max(to);
            }
            Ok(whole)
        });
        if !matches!(done, Ok(true)) {
            into.truncate(length);
        }
        done.map_err(|error| super::failed(&self.sources[&source.0].path, &error))
    }
}

/// What comes out of a packed file, at any place: forward as it comes, backward within the last portion, and before that by
/// beginning again.
pub(super) struct Unpacked {
    /// Whose bytes.
    identity: Identity,
    file: File,
    stream: Unpack<Reading>,
    /// What came out last, from `start` on.
    window: Vec<u8>,
    start: u64,
    ended: bool,
}

impl Unpacked {
    /// The one that is held, or another in its place.
    pub(super) fn of<'a>(
        held: &'a mut Option<Unpacked>,
        identity: Identity,
        file: &File,
    ) -> Result<&'a mut Unpacked, Fault> {
        if held.as_ref().is_none_or(|held| held.identity != identity) {
            *held = None;
            let file = file.try_clone().map_err(Fault::Read)?;
            let stream = begin(&file)?;
            *held = Some(Unpacked { identity, file, stream, window: Vec::new(), start: 0, ended: false });
        }
        Ok(held.as_mut().expect("made above"))
    }

    /// Whether it holds little more than a portion.
    #[cfg(test)]
    pub(super) fn is_small(&self) -> bool {
        self.window.capacity() <= 4 * CHUNK_BYTES
    }

    /// Fills `out` from `at` on, up to the end. How much it was.
    pub(super) fn read_full(&mut self, out: &mut [u8], at: u64) -> Result<usize, Fault> {
        if at < self.start {
            self.stream = begin(&self.file)?;
            self.window.clear();
            (self.start, self.ended) = (0, false);
        }
        loop {
            let stale = usize::try_from(at - self.start).unwrap_or(usize::MAX).min(self.window.len());
            let held = self.window.len() - stale;
            if stale == usize::try_from(at - self.start).unwrap_or(usize::MAX) && held >= out.len() || self.ended {
                let n = held.min(out.len());
                out[..n].copy_from_slice(&self.window[stale..stale + n]);
                return Ok(n);
            }
            self.window.drain(..stale);
            self.start += stale as u64;
            let from = self.window.len();
            self.window.resize(from + CHUNK_BYTES, 0);
            let read = next(&mut self.stream, &mut self.window[from..]);
            self.window.truncate(from + *read.as_ref().unwrap_or(&0));
            self.ended = read? == 0;
        }
    }
}

/// A file from its beginning, whatever its other readers do.
struct Reading {
    file: File,
    at: u64,
}

impl Read for Reading {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read_at(out, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

fn begin(file: &File) -> Result<Unpack<Reading>, Fault> {
    let file = file.try_clone().map_err(Fault::Read)?;
    let stream = Unpack::new(Reading { file, at: 0 }, MAX_RATIO, Tar::Refused)?;
    match stream.packing() {
        Packing::Gzip => Ok(stream),
        // Its first bytes are not there yet.
        Packing::Plain => Err(Fault::Damaged { at: 0 }),
        packing => Err(Fault::Unsupported(packing)),
    }
}

fn next(stream: &mut Unpack<Reading>, out: &mut [u8]) -> Result<usize, Fault> {
    let n = stream.read(out)?;
    match stream.junk() {
        // Perhaps the beginning of another member.
        Some(at) if n == 0 => Err(Fault::Damaged { at }),
        _ => Ok(n),
    }
}

/// Unpacks a file up to `to` or its end, and compares what comes out with the marks.
fn weigh(file: &File, marks: &[Mark], key: &StateKey, to: u64) -> Result<Weighed, Fault> {
    let mut stream = begin(file)?;
    let mut places: Vec<u64> = marks.iter().flat_map(|mark| [mark.from, mark.offset]).filter(|&at| at > 0).collect();
    places.sort_unstable();
    places.dedup();
    let mut places = places.into_iter().peekable();
    let mut digests = vec![(0, Consumed::nothing(key))];
    let mut weighed = Weighed { bytes: 0, like: None };
    let mut buffer = vec![0; CHUNK_BYTES];
    while weighed.bytes < to {
        let n = next(&mut stream, &mut buffer)?;
        if n == 0 {
            break;
        }
        let mut bytes = &buffer[..n];
        while !bytes.is_empty() {
            let left = places.peek().map_or(u64::MAX, |place| place - weighed.bytes);
            let (now, later) = bytes.split_at(usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len()));
            for (_, consumed) in &mut digests {
                consumed.advance(now);
            }
            weighed.bytes += now.len() as u64;
            bytes = later;
            let Some(at) = places.next_if_eq(&weighed.bytes) else { continue };
            if digests.len() <= BEGINNINGS && marks.iter().any(|mark| mark.from == at) {
                let begun = digests[0].1.begun_here(key);
                digests.push((at, begun));
            }
            for mark in marks.iter().filter(|mark| mark.offset == at) {
                let digest = digests.iter().find(|(from, _)| *from == mark.from);
                if let Some((_, consumed)) = digest.filter(|(_, consumed)| consumed.mark(key) == *mark) {
                    weighed.like = Some(consumed.clone());
                }
            }
        }
    }
    Ok(weighed)
}

fn why(fault: &Fault) -> String {
    match fault {
        Fault::Read(error) => format!("{error}; it is tried again"),
        Fault::Truncated { .. } | Fault::Damaged { .. } => {
            "it is damaged, or not whole yet; it is read once it is whole".to_owned()
        }
        Fault::Bomb { ratio } => format!("it unpacks to more than {ratio} times its size; put it there unpacked"),
        Fault::Unsupported(packing) | Fault::Nested(packing) => {
            format!("it is packed as {}, and not by gzip alone; put it there unpacked", packing.name())
        }
        Fault::Window => "unpacking it takes too much memory; put it there unpacked".to_owned(),
    }
}

/// What gzip makes of it is written under the same name, with an end of its own.
fn is_gzip(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "gz")
}

/// Whether a packed file bears the name of a generation.
fn is_packed_of(home: &Path, path: &Path) -> bool {
    is_gzip(path) && is_rotated_name(home, &path.with_extension(""))
}

/// Whether what it was made of is still there: then that is read, and gzip is perhaps not done.
fn has_plain(path: &Path) -> bool {
    Stand::at(&path.with_extension("")).is_ok()
}

fn looks_of(stand: &Stand) -> Looks {
    (stand.size, stand.modified)
}
