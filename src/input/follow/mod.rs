//! Files that grow are followed: through rotation, copies, truncation, and over a restart.
//!
//! Goes in: patterns, and the positions of the last checkpoint. Comes out: portions of whole lines, each with the byte range
//! of its source that it stands for, and positions that say exactly what was handed out. It knows nothing of policies or
//! engines, has no thread and no clock of its own making: whoever runs it asks [`Follow::next`] until it is idle, waits until
//! [`Follow::changed`] is readable or [`Follow::wait`] is over, and calls [`Follow::look`].
//!
//! - `identity`: which file it is, and how it is opened without being fooled
//! - `digest`: what is remembered of the bytes that were handed out
//! - `tail`: one open file, its next whole lines
//! - `source`: one generation of one file; its position
//! - `discover`: patterns, and inotify
//! - `rotated`: files with rotated names, while they are moved
//! - `packed`: rotated files that were compressed before they were read to their end
//! - `look`: where every file stands now; `copies`: generations that ended, copies of them, generations that were missed
//!
//! What is promised: every line that was whole in a file once we looked at it comes out once, in the order of its file, as long
//! as it stands in the file or in a copy beside it with a rotated name. No line comes out twice. Generations that came and
//! went between two looks are read in such copies as well, if these were made at least a tick of the kernel's clock after the
//! generation before was last seen. What copytruncate itself loses between copy and truncation is counted where it was seen
//! ([`Counts::gaps`]); what nobody saw and no copy holds is not.

mod copies;
mod digest;
mod discover;
mod identity;
mod look;
mod packed;
mod rotated;
mod source;
mod tail;

#[cfg(test)]
mod tests;

pub use digest::{BLOCK_BYTES, Digest, Mark, StateKey};
pub use identity::Identity;
pub use source::{Position, SourceId, Stage};

use crate::error::{Error, Kind};
use copies::{Departed, Undecided};
use digest::{Consumed, Proof};
use discover::Discover;
use identity::{Stand, read_full};
use packed::{Unpacked, Waiting};
use source::Source;
use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    fs::File,
    io,
    os::fd::BorrowedFd,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tail::{Ending, Found, Framed, Tail};

/// What is followed, and how.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Absolute paths whose parts may hold `*`, `?` and `[...]`, or be `**`.
    pub patterns: Vec<String>,
    /// Where files begin that are there when nothing is known yet.
    pub start: Start,
    /// So long a file that was rotated away must be quiet before it is closed, and so long a file that begins like another
    /// must be quiet before it is taken for one of its own.
    pub settle: Duration,
    /// Bytes read at a time.
    pub portion: usize,
    /// Bytes of a line that are handed out; the rest of a longer one is skipped.
    pub longest_line: usize,
    /// Where inotify says nothing, files are looked at so often.
    pub poll: Duration,
    /// Whether inotify is used.
    pub watch: Watch,
    /// What becomes of `.gz` that rotation left behind.
    pub packed: Packed,
}

impl Settings {
    /// The usual ones for some patterns.
    pub fn new(patterns: Vec<String>) -> Settings {
        Settings {
            patterns,
            start: Start::Beginning,
            settle: Duration::from_secs(5),
            portion: 256 * 1024,
            longest_line: crate::frame::MAX_LINE_BYTES,
            poll: Duration::from_secs(1),
            watch: Watch::Inotify,
            packed: Packed::PassedOver,
        }
    }
}

/// What becomes of rotated files that were compressed with gzip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packed {
    /// They are passed over.
    PassedOver,
    /// What was not read of them before they were packed is read in them. Those that are there when nothing is known yet are
    /// old logs, and left alone.
    ReadOn,
}

/// Where a file begins that is there when nothing is known yet. One that comes later is read from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With its first line.
    Beginning,
    /// With the line that is being written.
    End,
}

/// How changes are noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// By inotify, and by looking every ten polls; every poll on network file systems.
    Inotify,
    /// By looking.
    Poll,
}

/// What comes next.
#[derive(Debug)]
pub enum Step<'a> {
    /// Lines, or the end of a source.
    Portion(Portion<'a>),
    /// A source that no checkpoint knows is to be read next: call [`Follow::positions`], and make them durable before the
    /// lines that follow are written anywhere.
    Checkpoint,
    /// All that is there was handed out.
    Idle,
}

/// Whole lines of one source.
#[derive(Debug)]
pub struct Portion<'a> {
    /// Whose.
    pub source: SourceId,
    /// The bytes of the file that `lines` stand for: from here …
    pub from: u64,
    /// … up to here. Both stand at beginnings of lines.
    pub to: u64,
    /// Whole lines. The last one lacks its line feed where it was longer than [`Settings::longest_line`], and is then the
    /// only one; or where its source ends without.
    pub lines: Lines<'a>,
    /// Nothing more comes of this source.
    pub closed: bool,
}

/// Lines as they were read. Their `Debug` shows their length alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Lines<'a>(pub &'a [u8]);

impl std::fmt::Debug for Lines<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lines({} bytes)", self.0.len())
    }
}

/// What happened so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sources that are followed now.
    pub files: u64,
    /// Descriptors held now.
    pub open: u64,
    /// Bytes of files handed out.
    pub bytes: u64,
    /// Bytes of them that were no part of a line: holes, and what was too long.
    pub skipped: u64,
    /// Files that were renamed, replaced or deleted.
    pub rotations: u64,
    /// Files that were truncated or written anew in place.
    pub truncations: u64,
    /// Copies found, in which a truncated or deleted file was read on.
    pub copies: u64,
    /// Rotated files that came and went between two looks, found beside the others.
    pub missed: u64,
    /// Sources closed.
    pub closed: u64,
    /// Closed files that were written to again.
    pub reopened: u64,
    /// Sources that lost bytes which were seen and never read.
    pub gaps: u64,
    /// Those bytes.
    pub gap_bytes: u64,
    /// How often a file or directory that should be read could not be.
    pub unreadable: u64,
    /// How often a name was passed over that is no file to follow.
    pub refused: u64,
    /// Packed files passed over.
    pub packed: u64,
    /// How often inotify lost events and everything was looked at.
    pub overflows: u64,
}

/// Follows files.
pub struct Follow {
    settings: Settings,
    key: StateKey,
    discover: Discover,
    tail: Tail,
    sources: BTreeMap<u64, Source>,
    /// Of all sources that are followed.
    by_number: HashMap<(u64, u64), u64>,
    /// By every name that inotify may tell.
    by_path: HashMap<PathBuf, u64>,
    closed: Vec<Position>,
    undecided: Vec<Undecided>,
    /// What stood at a home before what stands there now.
    departed: HashMap<PathBuf, Departed>,
    queue: VecDeque<u64>,
    /// Sources that ended without anything left to read.
    ended: VecDeque<(u64, u64)>,
    next: u64,
    /// Sources below are in a checkpoint.
    announced: u64,
    full_due: bool,
    remote: bool,
    last_full: Option<Instant>,
    last_look: Option<Instant>,
    counts: Counts,
    /// What was said of which path.
    told: HashMap<PathBuf, String>,
    packed: HashSet<PathBuf>,
    /// What a packed file is read through: of one at a time.
    unpacked: Option<Unpacked>,
    /// Packed files that are not whole.
    waiting: Vec<Waiting>,
    problems: Vec<String>,
    /// When this process began to look, by the clock of files.
    began: (i64, u32),
}

/// So many descriptors of idle files are kept.
const IDLE_OPEN: u64 = 64;

/// Names that come and go are not looked at more often.
const LOOK_GAP: Duration = Duration::from_millis(20);

impl Follow {
    /// Finds every file, those of `known` positions first. `next` is the first [`SourceId`] that was never used.
    ///
    /// # Errors
    /// [`Kind::Config`] for a wrong pattern or a position that this program did not write.
    pub fn open(settings: Settings, key: StateKey, known: Vec<Position>, next: u64) -> Result<Follow, Error> {
        let mut discover = Discover::new(&settings.patterns)?;
        let mut ids = HashSet::new();
        for position in &known {
            position.check(next)?;
            if !ids.insert(position.source) {
                return Err(Error::new(Kind::Config, "cannot go on: two positions of one source in the checkpoint"));
            }
        }
        let mut problems = Vec::new();
        if settings.watch == Watch::Inotify
            && let Some(why) = discover.begin()
        {
            problems.push(format!("cannot watch files: {why}; looking at them every {:?} instead", settings.poll));
        }
        let mut follow = Follow {
            tail: Tail::new(settings.portion, settings.longest_line),
            settings,
            key,
            discover,
            sources: BTreeMap::new(),
            by_number: HashMap::new(),
            by_path: HashMap::new(),
            closed: Vec::new(),
            undecided: Vec::new(),
            departed: HashMap::new(),
            queue: VecDeque::new(),
            ended: VecDeque::new(),
            next,
            announced: next,
            full_due: true,
            remote: false,
            last_full: None,
            last_look: None,
            counts: Counts::default(),
            told: HashMap::new(),
            packed: HashSet::new(),
            unpacked: None,
            waiting: Vec::new(),
            problems,
            began: identity::file_clock(),
        };
        follow.begin(known);
        Ok(follow)
    }

    /// The next lines. Older generations of a file come before younger ones.
    ///
    /// # Errors
    /// None yet: a file that cannot be read is one of [`take_problems`](Self::take_problems), and is tried again.
    #[allow(clippy::should_implement_trait)] // It lends.
    pub fn next(&mut self) -> Result<Step<'_>, Error> {
        let now = Instant::now();
        let (id, from, framed) = loop {
            if let Some((id, at)) = self.ended.pop_front() {
                return Ok(Step::Portion(Portion {
                    source: SourceId(id),
                    from: at,
                    to: at,
                    lines: Lines(&[]),
                    closed: true,
                }));
            }
            let Some(id) = self.first_ready() else { return Ok(Step::Idle) };
            if id >= self.announced {
                return Ok(Step::Checkpoint);
            }
            if let Some((from, framed)) = self.read(id, now) {
                break (id, from, framed);
            }
        };
        let to = self.sources[&id].consumed.offset();
        let lines = self.tail.lines(framed);
        self.counts.bytes += to - from;
        self.counts.skipped += (to - from).saturating_sub(lines.len() as u64);
        Ok(Step::Portion(Portion { source: SourceId(id), from, to, lines: Lines(lines), closed: false }))
    }

    /// Readable when something may have changed. Without one, [`wait`](Self::wait) says when to look.
    pub fn changed(&self) -> Option<BorrowedFd<'_>> {
        self.discover.fd()
    }

    /// When to [`look`](Self::look) at the latest.
    pub fn wait(&self) -> Duration {
        let (Some(full), Some(look)) = (self.last_full, self.last_look) else { return Duration::ZERO };
        if self.full_due {
            return LOOK_GAP.min(self.settings.poll).saturating_sub(full.elapsed());
        }
        self.settings.poll.saturating_sub(look.elapsed())
    }

    /// What was handed out so far, for the checkpoint: of every source, up to the end of its last portion.
    pub fn positions(&mut self) -> Vec<Position> {
        self.announced = self.next;
        self.standing()
    }

    /// The same for a checkpoint that is not durable before lines go on: sources that are in none yet still ask for one.
    pub fn standing(&mut self) -> Vec<Position> {
        let live = self.sources.values().map(|source| source.position(source.stage, &self.key));
        live.chain(self.closed.iter().cloned()).collect()
    }

    /// The first [`SourceId`] that was never used, for the checkpoint.
    pub fn next_source(&self) -> u64 {
        self.next
    }

    /// Notes what lines before its offset matter to the lines behind it: all from `context` on, and a header.
    pub fn set_context(&mut self, source: SourceId, context: u64, header: Option<(u64, u64)>) {
        if let Some(source) = self.sources.get_mut(&source.0) {
            let offset = source.consumed.offset();
            source.context = context.min(offset);
            source.header = header.filter(|&(from, to)| from <= to && to <= offset);
        }
    }

    /// The lines of a range as they were handed out, or are: appended to `into`. `false`: they are gone; `into` is as it
    /// was. A line over the limit in the midst of others ends in a line feed.
    ///
    /// # Errors
    /// [`Kind::Io`], [`Kind::Permission`] where the file is there and cannot be read.
    pub fn read_again(&mut self, source: SourceId, from: u64, to: u64, into: &mut Vec<u8>) -> Result<bool, Error> {
        let length = into.len();
        let done = self.again(source.0, from, to, into);
        if !matches!(done, Ok(true)) {
            into.truncate(length);
        }
        done.map_err(|error| {
            let path = self.path(source).unwrap_or(Path::new("a file that was closed"));
            failed(path, &error)
        })
    }

    /// As [`read_again`](Self::read_again), for what was handed out behind the checkpoint: the position moves on from
    /// `from` to `to`. `false` also where `from` is not the position.
    ///
    /// # Errors
    /// As `read_again`.
    pub fn replay(&mut self, source: SourceId, from: u64, to: u64, into: &mut Vec<u8>) -> Result<bool, Error> {
        if self.sources.get(&source.0).is_some_and(|known| known.packed) {
            return self.replay_packed(source, from, to, into);
        }
        let length = into.len();
        if self.sources.get(&source.0).is_none_or(|known| known.consumed.offset() != from || to < from)
            || !self.read_again(source, from, to, into)?
        {
            return Ok(false);
        }
        let known = self.sources.get_mut(&source.0).expect("looked up above");
        let file = known.file.as_ref().expect("opened to be read");
        let mut after = known.consumed.clone();
        let done = take_over(file, &mut after, to);
        match done {
            Ok(true) => {
                known.consumed = after;
                known.scanned = to;
                known.seen = known.seen.max(to);
                Ok(true)
            }
            Ok(false) => {
                into.truncate(length);
                Ok(false)
            }
            Err(error) => {
                into.truncate(length);
                Err(failed(&known.path, &error))
            }
        }
    }

    /// Where a source stands.
    pub fn path(&self, source: SourceId) -> Option<&Path> {
        self.sources.get(&source.0).map(|source| source.path.as_path())
    }

    /// What happened so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Bytes that were seen and not handed out yet.
    pub fn lag(&self) -> u64 {
        self.sources.values().map(|source| source.seen.saturating_sub(source.consumed.offset())).sum()
    }

    /// What went wrong since the last call: path, reason and remedy, each once until it changes.
    pub fn take_problems(&mut self) -> Vec<String> {
        std::mem::take(&mut self.problems)
    }

    /// The first of the queue, or what must be read before it.
    fn first_ready(&self) -> Option<u64> {
        let mut id = *self.queue.front()?;
        // No longer than there are sources: two might wait for each other.
        for _ in 0..self.sources.len() {
            match self.sources[&id].after.filter(|before| self.sources.get(before).is_some_and(|source| source.ready)) {
                Some(before) => id = before,
                None => break,
            }
        }
        Some(id)
    }

    /// Whether the file of a source that is ready is open. Where it is another by now, `other` says what becomes of the source.
    fn holds(&mut self, id: u64, other: impl FnOnce(&mut Follow)) -> bool {
        match self.hold(id) {
            Ok(Held::Open) => return true,
            Ok(Held::Other) => other(self),
            Ok(Held::Moved) => {
                self.full_due = true;
                self.rest(id);
            }
            Err(error) => self.fails(id, &error),
        }
        false
    }

    /// Reads one portion of a source that is ready. `None`: it has none now, or is another.
    fn read(&mut self, id: u64, now: Instant) -> Option<(u64, Framed)> {
        if self.sources[&id].packed {
            return self.read_packed(id, now);
        }
        if !self.holds(id, |follow| follow.renew(id, now)) {
            return None;
        }
        let source = self.sources.get_mut(&id).expect("a source that is ready");
        let file = source.file.take().expect("held");
        let from = source.consumed.offset();
        let mut found = self.tail.next(&file, &mut source.consumed, &mut source.scanned, Ending::Open);
        let mut over = false;
        match (&found, source.closing) {
            (Ok(Found::Lines(_)), true) => (source.closing, source.moved) = (false, now),
            (Ok(Found::Nothing), true) => match Stand::of(&file) {
                Ok(stand) if source.observe(&stand, now) => source.closing = false,
                Ok(_) => {
                    found = self.tail.next(&file, &mut source.consumed, &mut source.scanned, Ending::Closed);
                    over = matches!(found, Ok(Found::Nothing));
                }
                Err(error) => found = Err(error),
            },
            _ => {}
        }
        let stand = Stand::of(&file);
        source.file = Some(file);
        if over {
            self.close(id);
            return None;
        }
        match found {
            Ok(Found::Lines(framed)) => {
                source.failing = None;
                if from == 0
                    && let Ok(stand) = &stand
                {
                    self.came_and_went(id, stand, now);
                }
                let source = self.sources.get_mut(&id).expect("read just now");
                if source.consumed.offset() > source.seen {
                    source.seen = source.consumed.offset();
                    source.moved = now;
                }
                // The others have their turn.
                if self.queue.len() > 1 && self.queue.front() == Some(&id) {
                    self.queue.rotate_left(1);
                }
                Some((from, framed))
            }
            Ok(Found::Nothing) => {
                match stand {
                    Ok(stand) => {
                        source.observe(&stand, now);
                        source.failing = None;
                        if stand.size < source.seen {
                            // Only a part of its last line is gone, or what nobody had read.
                            let lost = source.seen - stand.size;
                            source.seen = stand.size.max(from);
                            source.scanned = from;
                            self.counts.truncations += 1;
                            if from == 0 {
                                self.lost_unread(id, lost, &stand, now);
                            } else {
                                self.gap(lost);
                            }
                        }
                        self.rest(id);
                    }
                    Err(error) => self.fails(id, &error),
                }
                None
            }
            Ok(Found::Other) => {
                self.renew(id, now);
                None
            }
            Err(error) => {
                self.fails(id, &error);
                None
            }
        }
    }

    /// Opens a source again whose descriptor was given back.
    fn hold(&mut self, id: u64) -> io::Result<Held> {
        let source = self.sources.get_mut(&id).expect("a source that is followed");
        if source.file.is_some() {
            return Ok(Held::Open);
        }
        if source.packed {
            return self.hold_packed(id);
        }
        let Some((file, _)) = identity::open(&source.path, &source.identity)? else { return Ok(Held::Moved) };
        let same = source.consumed.resume(&file, &self.key)?;
        source.file = Some(file);
        self.counts.open += 1;
        Ok(if same { Held::Open } else { Held::Other })
    }

    fn again(&mut self, id: u64, from: u64, to: u64, into: &mut Vec<u8>) -> io::Result<bool> {
        if !self.sources.contains_key(&id) {
            let Some(position) = self.closed.iter().find(|position| position.source.0 == id) else { return Ok(false) };
            if position.packed {
                return Ok(false);
            }
            let Some((file, _)) = identity::open(&position.path, &position.identity)? else { return Ok(false) };
            return Ok(Consumed::verify(&file, &position.mark, Proof::Rest, &self.key)?.is_some()
                && self.tail.again(&file, from, to, into)?);
        }
        if self.hold(id)? != Held::Open {
            return Ok(false);
        }
        let source = &self.sources[&id];
        let file = source.file.as_ref().expect("held");
        if source.packed {
            let unpacked = Unpacked::of(&mut self.unpacked, source.identity, file).map_err(packed::as_error)?;
            let read = |out: &mut [u8], at| unpacked.read_full(out, at);
            return self.tail.again_from(read, from, to, into, |_| {}).map_err(packed::as_error);
        }
        Ok(self.tail.again(file, from, to, into)? && source.consumed.stands_in(file)?)
    }

    /// Puts a source into the queue.
    fn wake(&mut self, id: u64) {
        if let Some(source) = self.sources.get_mut(&id)
            && !source.ready
        {
            source.ready = true;
            self.queue.push_back(id);
        }
    }

    /// Takes a source out of the queue.
    fn rest(&mut self, id: u64) {
        self.queue.retain(|&other| other != id);
        if let Some(source) = self.sources.get_mut(&id) {
            source.ready = false;
            if self.counts.open > IDLE_OPEN && source.stage == Stage::Live && source.file.is_some() {
                source.release();
                self.counts.open -= 1;
            }
        }
    }

    /// Nothing of it now; it is tried again.
    fn fails(&mut self, id: u64, error: &io::Error) {
        let source = self.sources.get_mut(&id).expect("a source that is followed");
        if source.failing.replace(error.kind()) != Some(error.kind()) {
            self.counts.unreadable += 1;
            self.problems.push(failed(&source.path, error).to_string());
        }
        self.rest(id);
    }

    /// A source ends, read to its end.
    fn close(&mut self, id: u64) {
        if let Some(source) = self.remove(id) {
            self.counts.closed += 1;
            self.ended.push_back((id, source.consumed.offset()));
            self.closed.push(source.position(Stage::Closed, &self.key));
        }
    }

    fn remove(&mut self, id: u64) -> Option<Source> {
        self.queue.retain(|&other| other != id);
        let source = self.sources.remove(&id)?;
        if self.by_number.get(&source.identity.number()) == Some(&id) {
            self.by_number.remove(&source.identity.number());
        }
        self.counts.files -= 1;
        self.counts.open -= u64::from(source.file.is_some());
        Some(source)
    }

    /// Follows a source from now on.
    fn insert(&mut self, mut source: Source) {
        let id = source.id;
        source.ready = false;
        self.by_number.insert(source.identity.number(), id);
        self.counts.files += 1;
        self.counts.open += u64::from(source.file.is_some());
        self.sources.insert(id, source);
        self.wake(id);
    }

    fn new_id(&mut self) -> u64 {
        let id = self.next;
        self.next += 1;
        id
    }

    fn gap(&mut self, bytes: u64) {
        if bytes > 0 {
            self.counts.gaps += 1;
            self.counts.gap_bytes += bytes;
        }
    }

    /// Says what is wrong with a path, once.
    fn tell(&mut self, path: &Path, why: String) -> bool {
        if self.told.get(path) == Some(&why) {
            return false;
        }
        self.problems.push(format!("cannot follow `{}`: {why}", path.display()));
        self.told.insert(path.to_owned(), why);
        true
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Open,
    /// The same file with other content.
    Other,
    /// Another file stands at its path.
    Moved,
}

/// Reads on to `to`. `false` where the file ends before, or was written anew meanwhile.
fn take_over(file: &File, consumed: &mut Consumed, to: u64) -> io::Result<bool> {
    let before = consumed.clone();
    let mut buffer = vec![0; (to - consumed.offset()).min(BLOCK_BYTES) as usize];
    while consumed.offset() < to {
        let n = buffer.len().min((to - consumed.offset()) as usize);
        if read_full(file, &mut buffer[..n], consumed.offset())? < n {
            return Ok(false);
        }
        consumed.advance(&buffer[..n]);
    }
    before.stands_in(file)
}

fn failed(path: &Path, error: &io::Error) -> Error {
    let (kind, remedy) = remedy(error);
    Error::new(kind, format!("cannot read `{}`: {error}; {remedy}", path.display()))
}

fn remedy(error: &io::Error) -> (Kind, &'static str) {
    match error.kind() {
        io::ErrorKind::PermissionDenied => (Kind::Permission, "let the user that sladd runs as read it"),
        _ => (Kind::Io, "it is tried again"),
    }
}
