//! Where every file stands now: what inotify told, what moved, what is new, what is quiet.

use super::{
    Follow, Held, IDLE_OPEN, LOOK_GAP, Packed, Start, Watch,
    copies::{Departed, is_numbered},
    digest::{Consumed, Proof},
    discover::{Discover, Match, News, Scan, neighbours},
    identity::{self, Identity, Stand, is_missing},
    packed, remedy,
    source::{Position, Source, Stage},
};
use rustix::fs::FileType;
use std::{
    collections::HashSet,
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Instant,
};

/// Where inotify tells of changes, everything is looked at every so many polls all the same.
const SELDOM: u32 = 10;

/// Closed files are remembered as long as a pattern names them, and this many others.
const REMEMBERED: usize = 1024;

/// What is packed is not followed.
const PACKED: &[&str] = &["gz", "bz2", "xz", "zst", "lz4", "lzma", "br", "Z", "zip", "7z"];

impl Follow {
    /// Takes what inotify told, and looks at what is due. Whether there is something to read.
    pub fn look(&mut self) -> bool {
        let now = Instant::now();
        self.hear();
        let since = |last: Option<Instant>| last.map(|at| now.duration_since(at));
        let poll = self.settings.poll;
        let every = if self.discover.fd().is_some() && !self.remote { poll * SELDOM } else { poll };
        if since(self.last_full).is_none_or(|age| age >= every || self.full_due && age >= LOOK_GAP.min(poll)) {
            let scan = self.discover.scan();
            self.survey(&scan, now, Meeting::Later);
        } else if since(self.last_look).is_none_or(|age| age >= poll) {
            self.glance(now);
        }
        !self.queue.is_empty() || !self.ended.is_empty()
    }

    /// Looks at everything for the first time; what is known comes first.
    pub(super) fn begin(&mut self, mut known: Vec<Position>) {
        let now = Instant::now();
        let meeting = if known.is_empty() { Meeting::First } else { Meeting::Later };
        let last_written = packed::last_written(&known);
        let scan = self.discover.scan();
        known.sort_by_key(|position| position.source);
        // What stood last at a home where nothing is live.
        for position in &known {
            let departed = Departed { born: position.identity.born, modified: position.modified, strict: false };
            self.departed.insert(position.home.clone(), departed);
        }
        for position in known.iter().filter(|position| position.stage == Stage::Live) {
            self.departed.remove(&position.home);
        }
        for position in known {
            if position.stage == Stage::Closed {
                self.closed.push(position);
                continue;
            }
            let proof = if position.identity.born.is_some() { Proof::Rest } else { Proof::All };
            let id = position.source.0;
            let consumed = Consumed::claimed(&position.mark, proof);
            let stand = Stand {
                identity: position.identity,
                size: position.seen,
                modified: position.modified,
                changed: position.modified,
                links: 1,
                kind: FileType::RegularFile,
                owner: 0,
            };
            let mut source = Source::new(id, &position.home, &position.path, &stand, consumed, now);
            (source.stage, source.context, source.header) = (position.stage, position.context, position.header);
            source.packed = position.packed;
            source.began = position.modified;
            self.insert(source);
        }
        // A file may come and be renamed before the first look at it.
        let nowhere = Departed { born: Some(self.began), modified: self.began, strict: true };
        for home in self.discover.literals() {
            let known = self.sources.values().any(|source| source.home == home)
                || self.closed.iter().any(|position| position.home == home);
            if !known {
                self.departed.entry(home).or_insert_with(|| nowhere.clone());
            }
        }
        // Where each stands, before any is read: a copy of one is known by what was consumed of it.
        let ids: Vec<u64> = self.sources.keys().copied().collect();
        for &id in &ids {
            self.place(id, &scan, now);
        }
        for id in ids {
            if !self.sources.contains_key(&id) {
                continue;
            }
            match self.hold(id) {
                Ok(Held::Open) => self.trim(),
                Ok(Held::Other) => self.renew(id, now),
                Ok(Held::Moved) => {}
                Err(error) => self.fails(id, &error),
            }
        }
        if self.settings.packed == Packed::ReadOn {
            match meeting {
                Meeting::First => self.leave_packed(&scan, now),
                Meeting::Later => self.missed_packed(last_written, &scan, now),
            }
        }
        self.survey(&scan, now, meeting);
    }

    fn hear(&mut self) {
        let (mut written, mut full, mut lost) = (Vec::new(), false, false);
        let (by_path, sources) = (&self.by_path, &self.sources);
        let may_name = |discover: &Discover, path: &Path| path.file_name().is_some_and(|name| discover.may_name(name));
        let mut names: Vec<PathBuf> = Vec::new();
        let heard = self.discover.take(|news| match news {
            News::Written(path) => match by_path.get(path) {
                Some(id) if sources.get(id).is_some_and(|source| source.ready) => {}
                Some(&id) => written.push(id),
                None if names.last().is_some_and(|last| last == path) => {}
                None => names.push(path.to_owned()),
            },
            News::Names(path) if by_path.contains_key(path) => full = true,
            News::Names(path) => names.push(path.to_owned()),
            News::Anything => full = true,
            News::Lost => (full, lost) = (true, true),
        });
        full |= names.iter().any(|path| may_name(&self.discover, path));
        self.counts.overflows += u64::from(lost);
        if heard.is_err() {
            // It tells nothing any more; looking does.
            self.discover.end();
            full = true;
        }
        self.full_due |= full;
        for id in written {
            self.wake(id);
        }
    }

    fn survey(&mut self, scan: &Scan, now: Instant, meeting: Meeting) {
        self.full_due = false;
        let ids: Vec<u64> = self.sources.keys().copied().collect();
        for id in ids {
            self.place(id, scan, now);
            // Before a new file is compared with what it held before.
            if self.sources.get(&id).is_some_and(|source| source.ready && Follow::is_other(source)) {
                self.renew(id, now);
            } else if let Some(stand) = self.sources.get(&id).and_then(Source::unread) {
                self.came_and_went(id, &stand, now);
            }
        }
        self.reopen(scan, now);
        // Renamed twice, and nothing stands there yet.
        let homes: Vec<PathBuf> = self.departed.keys().cloned().collect();
        for home in homes {
            if Stand::at(&home).is_err_and(|error| is_missing(&error)) {
                self.missed(&home, None, now);
            }
        }
        let mut new: Vec<&Match> = scan.files.iter().filter(|file| !self.knows(&file.stand.identity)).collect();
        // Of those that came within one tick of the kernel's clock the one that is not rotated yet is the youngest.
        new.sort_by_key(|file| (file.stand.identity.born, file.stand.modified, !is_numbered(&file.path), &file.path));
        let mut fresh = HashSet::new();
        for file in new {
            // Two names of one file are one.
            if fresh.insert(file.stand.identity.number()) && !self.knows(&file.stand.identity) {
                self.meet(file, now, meeting);
            }
        }
        self.decide(scan, now);
        self.weigh_again(now);
        self.say(scan);
        self.index(scan);
        self.last_full = Some(now);
        self.glance(now);
    }

    /// What is open: whether it was written to, whether it is quiet for long enough to be closed.
    fn glance(&mut self, now: Instant) {
        self.last_look = Some(now);
        let (mut woken, mut closing) = (Vec::new(), Vec::new());
        for (&id, source) in &mut self.sources {
            if let Some(file) = &source.file
                && let Ok(stand) = Stand::of(file)
            {
                source.gone = stand.links == 0;
                if stand.modified != source.modified && Follow::is_other(source) {
                    // What it holds now is another's: what was seen of this one stays as it was.
                    woken.push(id);
                    continue;
                }
                // The unfinished line alone is no reason to read it again.
                if source.observe(&stand, now) || stand.size != source.scanned && !source.ready {
                    woken.push(id);
                }
            }
            if source.failing.is_some() {
                woken.push(id);
            }
            let quiet = !source.ready && now.duration_since(source.moved) >= self.settings.settle;
            if source.stage == Stage::Rotated && quiet && !source.closing {
                closing.push(id);
            }
        }
        for id in woken {
            self.wake(id);
        }
        for id in closing {
            let source = self.sources.get_mut(&id).expect("looked at above");
            let followed = || {
                Stand::at(&source.home).is_ok_and(|stand| !stand.identity.is(&source.identity))
                    && source.home != source.path
            };
            if !source.ready && (source.gone || followed()) {
                source.closing = true;
                self.wake(id);
            }
        }
        self.trim();
    }

    /// Gives back the descriptors of the files that are idle for longest.
    fn trim(&mut self) {
        if self.counts.open <= IDLE_OPEN {
            return;
        }
        let mut idle: Vec<(Instant, u64)> = self
            .sources
            .values()
            .filter(|source| source.file.is_some() && source.stage == Stage::Live && !source.gone)
            .map(|source| (source.moved, source.id))
            .collect();
        idle.sort_unstable();
        let over = (self.counts.open - IDLE_OPEN) as usize;
        for (_, id) in idle.into_iter().take(over) {
            self.sources.get_mut(&id).expect("listed above").release();
            self.counts.open -= 1;
        }
    }

    /// Whether a source stands where it stood; where to, if not.
    fn place(&mut self, id: u64, scan: &Scan, now: Instant) {
        let Some(source) = self.sources.get_mut(&id) else { return };
        let usual = match source.stage {
            Stage::Live => &source.home,
            Stage::Rotated | Stage::Closed => &source.path,
        };
        match Stand::at(usual) {
            Ok(stand) if stand.identity.is(&source.identity) => {
                if stand.modified != source.modified && Follow::is_other(source) {
                    // What it holds now is another's: what was seen of this one stays as it was.
                    self.wake(id);
                } else if source.observe(&stand, now) || stand.size < source.consumed.offset() {
                    self.wake(id);
                }
                return;
            }
            Ok(_) => {}
            Err(error) if is_missing(&error) => {}
            // It cannot be told.
            Err(_) => return,
        }
        let (before, identity) = (source.path.clone(), source.identity);
        let found = find(&identity, &before, scan);
        let source = self.sources.get_mut(&id).expect("looked up above");
        if source.stage == Stage::Live {
            source.stage = Stage::Rotated;
            source.moved = now;
            self.counts.rotations += 1;
            let departed = Departed { born: identity.born, modified: source.modified, strict: false };
            self.departed.insert(source.home.clone(), departed);
            self.wake(id);
        }
        let source = self.sources.get_mut(&id).expect("looked up above");
        match (found, &source.file) {
            (Some(path), _) => {
                source.path = path;
                self.wake(id);
            }
            (None, Some(file)) => source.gone = Stand::of(file).is_ok_and(|stand| stand.links == 0),
            (None, None) => self.lose(id, scan, now),
        }
    }

    pub(super) fn knows(&self, identity: &Identity) -> bool {
        let source = self.by_number.get(&identity.number()).and_then(|id| self.sources.get(id));
        source.is_some_and(|source| source.identity.is(identity))
            || self.closed.iter().any(|position| position.identity.is(identity))
            || self.undecided.iter().any(|undecided| undecided.stand.identity.is(identity))
    }

    /// A file that a pattern names and nobody knows.
    fn meet(&mut self, file: &Match, now: Instant, meeting: Meeting) {
        if is_packed(&file.path) {
            if self.packed.insert(file.path.clone()) {
                self.counts.packed += 1;
            }
            return;
        }
        // Its number was another's, which is gone.
        if let Some(&old) = self.by_number.get(&file.stand.identity.number())
            && self.sources.get(&old).is_some_and(|source| source.file.is_some())
        {
            return;
        }
        let (opened, stand) = match identity::open(&file.path, &file.stand.identity) {
            Ok(Some(opened)) => opened,
            Ok(None) => {
                self.full_due = true;
                return;
            }
            Err(error) => {
                if self.tell(&file.path, format!("{error}; {}", remedy(&error).1)) {
                    self.counts.unreadable += 1;
                }
                return;
            }
        };
        if meeting == Meeting::First || !self.may_be_copy(file, &opened, &stand, now) {
            self.follow_new(&file.path, opened, &stand, now, meeting);
        }
        let first = !self.departed.contains_key(&file.path)
            && !self.sources.values().any(|source| source.home == file.path && !source.identity.is(&stand.identity))
            && !self.closed.iter().any(|position| position.home == file.path);
        if first && meeting == Meeting::Later {
            // It may have come before, and been renamed before the first look at it.
            self.departed
                .insert(file.path.clone(), Departed { born: Some(self.began), modified: self.began, strict: true });
        }
        self.missed(&file.path, Some(&stand), now);
        let before = self.before(&file.path, Some(stand.identity));
        if let Some(id) = self.by_number.get(&stand.identity.number())
            && let Some(source) = self.sources.get_mut(id)
        {
            source.after = before;
        }
    }

    /// Follows a file of its own.
    pub(super) fn follow_new(&mut self, home: &Path, file: File, stand: &Stand, now: Instant, meeting: Meeting) {
        let consumed = match (meeting, self.settings.start) {
            (Meeting::First, Start::End) => {
                let begun = last_line(&file, stand.size).and_then(|at| Consumed::from(&file, at, &self.key));
                match begun {
                    Ok(Some(consumed)) => consumed,
                    Ok(None) => Consumed::nothing(&self.key),
                    Err(error) => {
                        if self.tell(home, format!("{error}; {}", remedy(&error).1)) {
                            self.counts.unreadable += 1;
                        }
                        return;
                    }
                }
            }
            (Meeting::First | Meeting::Later, _) => Consumed::nothing(&self.key),
        };
        let id = self.new_id();
        let mut source = Source::new(id, home, &real(home), stand, consumed, now);
        source.after = self.before(home, Some(stand.identity));
        source.file = Some(file);
        self.insert(source);
    }

    /// The youngest source that stood at a home before, and is not of the file `but`. What waits for it must be younger, or
    /// no other's to wait for: two that wait for each other are in no order.
    pub(super) fn before(&self, home: &Path, but: Option<Identity>) -> Option<u64> {
        let old = |source: &&Source| {
            source.home == home && source.stage == Stage::Rotated && but.is_none_or(|but| !source.identity.is(&but))
        };
        self.sources.values().rev().find(old).map(|source| source.id)
    }

    /// Closed files that were written to again, and those that nobody needs to remember.
    fn reopen(&mut self, scan: &Scan, now: Instant) {
        let mut kept = Vec::new();
        let mut others = 0;
        for mut position in std::mem::take(&mut self.closed).into_iter().rev() {
            let named = scan.files.iter().find(|file| file.stand.identity.is(&position.identity));
            let stand = match named {
                Some(file) => {
                    position.path.clone_from(&file.path);
                    Some(file.stand)
                }
                None => Stand::at(&position.path).ok().filter(|stand| stand.identity.is(&position.identity)),
            };
            if let Some(stand) = stand
                && !position.packed
                && stand.size != position.offset()
                && let Ok(Some((file, stand))) = identity::open(&position.path, &position.identity)
            {
                let proved = Consumed::verify(&file, &position.mark, Proof::Rest, &self.key);
                match proved {
                    Ok(Some(consumed)) => {
                        let id = self.new_id();
                        let mut source = Source::new(id, &position.home, &position.path, &stand, consumed, now);
                        (source.stage, source.file) = (Stage::Rotated, Some(file));
                        self.counts.reopened += 1;
                        self.insert(source);
                        continue;
                    }
                    // Another file under the old number: new, where a pattern names it.
                    Ok(None) => continue,
                    Err(_) => {}
                }
            }
            others += usize::from(named.is_none());
            if named.is_some() || others <= REMEMBERED {
                kept.push(position);
            }
        }
        kept.reverse();
        self.closed = kept;
    }

    /// What is passed over or cannot be read: each once, and again when it was well in between.
    fn say(&mut self, scan: &Scan) {
        let wrong: HashSet<&PathBuf> = scan.refused.iter().chain(&scan.unreadable).map(|(path, _)| path).collect();
        let known = |path: &PathBuf| {
            scan.files.iter().any(|file| file.path == *path && self.knows(&file.stand.identity))
                || fs::symlink_metadata(path).is_err_and(|error| is_missing(&error))
        };
        let well: Vec<PathBuf> =
            self.told.keys().filter(|path| !wrong.contains(path) && known(path)).cloned().collect();
        for path in well {
            self.told.remove(&path);
        }
        for (path, why) in &scan.refused {
            self.counts.refused += u64::from(self.tell(path, why.clone()));
        }
        for (path, why) in &scan.unreadable {
            let why = format!("{why}; let the user that sladd runs as read it");
            self.counts.unreadable += u64::from(self.tell(path, why));
        }
    }

    fn index(&mut self, scan: &Scan) {
        self.by_path.clear();
        let mut through = Vec::new();
        for source in self.sources.values() {
            self.by_path.insert(source.path.clone(), source.id);
            if source.stage == Stage::Live && source.path != source.home {
                self.by_path.insert(source.home.clone(), source.id);
                through.push(source.path.clone());
            }
        }
        self.packed.retain(|path| scan.files.iter().any(|file| file.path == *path));
        if self.departed.len() > REMEMBERED {
            // Names with dates, none of which comes again.
            self.departed.clear();
        }
        if self.settings.watch == Watch::Poll {
            return;
        }
        let watched = self.discover.watch(scan, &through);
        // What came between looking and watching.
        self.full_due |= watched.new;
        self.remote = Discover::is_remote(scan) || watched.failed.is_some();
        if let Some(why) = watched.failed {
            let place = PathBuf::from("inotify");
            if self.told.get(&place) != Some(&why) {
                self.problems.push(format!("cannot watch every file: {why}; looking at them at intervals instead"));
                self.told.insert(place, why);
            }
        }
    }
}

/// Whether the files that are met were there before anything was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meeting {
    First,
    Later,
}

/// Under which name a file stands now: one that a pattern names, or in the directory where it stood.
pub(super) fn find(identity: &Identity, before: &Path, scan: &Scan) -> Option<PathBuf> {
    if let Some(file) = scan.files.iter().find(|file| file.stand.identity.is(identity)) {
        return Some(real(&file.path));
    }
    neighbours(before).into_iter().filter(|&(_, inode)| inode == identity.inode).map(|(path, _)| path).find(|path| {
        Stand::at(path).is_ok_and(|stand| stand.identity.is(identity) && stand.kind == FileType::RegularFile)
    })
}

/// Where the file itself stands, of a name that may be a symlink.
pub(super) fn real(home: &Path) -> PathBuf {
    if fs::symlink_metadata(home).is_ok_and(|entry| entry.is_symlink())
        && let Ok(path) = fs::canonicalize(home)
    {
        return path;
    }
    home.to_owned()
}

pub(super) fn is_packed(path: &Path) -> bool {
    path.extension().is_some_and(|end| PACKED.iter().any(|packed| end == *packed))
}

/// Where the last line begins that is not finished.
fn last_line(file: &File, size: u64) -> io::Result<u64> {
    let mut buffer = [0; 16 * 1024];
    let mut end = size;
    while end > 0 {
        let n = buffer.len().min(usize::try_from(end).unwrap_or(usize::MAX));
        let from = end - n as u64;
        file.read_exact_at(&mut buffer[..n], from)?;
        if let Some(at) = memchr::memrchr(b'\n', &buffer[..n]) {
            return Ok(from + at as u64 + 1);
        }
        end = from;
    }
    Ok(0)
}
