//! Generations that ended, the copies they are read on in, and generations that came and went unseen.
//!
//! A copy is proved by content alone: it begins with the same bytes as all that was consumed, by the keyed digest, and its
//! original was truncated or is gone. While the original stands, a file that begins like it waits.

use super::{
    Follow, Packed,
    digest::{Consumed, Mark, Proof},
    discover::{Match, Scan, neighbours},
    identity::{self, Identity, Stand, read_full},
    look::{Meeting, find, is_packed},
    rotated::{open_rotated, rotated},
    source::{Source, Stage},
    take_over,
};
use rustix::fs::FileType;
use std::{
    ffi::OsStr,
    fs::File,
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::Instant,
};

/// A new file that may be a copy, perhaps still being made.
pub(super) struct Undecided {
    pub home: PathBuf,
    pub path: PathBuf,
    pub stand: Stand,
    file: Option<File>,
    /// What it begins like, and how far that was compared. `None`: it is empty.
    like: Option<(u64, u64)>,
    moved: Instant,
    /// Whether a pattern names it. Else it is followed only as a generation: never while it is like another.
    named: bool,
}

/// What stood at a home before.
#[derive(Clone)]
pub(super) struct Departed {
    pub born: Option<(i64, u32)>,
    pub modified: (i64, u32),
    /// Whether only what is surely younger, and what no pattern names, can have come since: where nothing tells that a file
    /// went away, a copy of what was handed out already must not be taken for a generation that was missed.
    pub strict: bool,
}

/// A file proved to be a copy.
pub(super) struct Copy {
    pub path: PathBuf,
    pub file: File,
    pub stand: Stand,
    pub consumed: Consumed,
    pub form: Form,
}

/// How a copy holds its bytes.
#[derive(Clone, Copy)]
pub(super) enum Form {
    Plain,
    /// So many come out of it.
    Packed(u64),
}

impl Follow {
    /// What a source was read from holds other bytes now: it goes on in a copy, or ends; the file is a new generation.
    pub(super) fn renew(&mut self, id: u64, now: Instant) {
        if self.sources.get(&id).is_some_and(|source| source.packed) {
            self.end_packed(id, "it is not what was read before");
            return;
        }
        let Some(mut old) = self.remove(id) else { return };
        self.counts.truncations += 1;
        let file = old.file.take();
        let stand = file.as_ref().and_then(|file| Stand::of(file).ok());
        let mut fresh = stand.map(|stand| {
            let mut fresh = Source::new(self.new_id(), &old.home, &old.path, &stand, Consumed::nothing(&self.key), now);
            (fresh.stage, fresh.file, fresh.after) = (old.stage, file, old.after);
            fresh
        });
        let scan = self.discover.scan();
        // It must not be taken for a copy of itself.
        let number = old.identity.number();
        let copy = self.copy_of(&old.consumed.mark(&self.key), &old.path, &scan, Some(number));
        match copy.or_else(|| self.packed_copy_of(&old, &scan, now)) {
            Some(copy) => {
                let home = old.home.clone();
                let departed =
                    Departed { born: copy.stand.identity.born, modified: copy.stand.modified, strict: false };
                self.adopt(old, copy, Stage::Rotated, now);
                let new = fresh.as_ref().map(|fresh| (fresh.id, fresh.identity));
                if let Some(fresh) = fresh.take() {
                    // A copy may be made of it already.
                    self.insert(fresh);
                }
                self.missed_since(&home, &departed, new.map(|(_, itself)| itself), None, now);
                if let Some((new, itself)) = new {
                    let before = self.before(&home, Some(itself));
                    if let Some(fresh) = self.sources.get_mut(&new) {
                        fresh.after = before;
                    }
                }
            }
            None => {
                self.gap(old.seen.saturating_sub(old.consumed.offset()));
                self.counts.closed += 1;
                self.ended.push_back((id, old.consumed.offset()));
                self.spend_copies(&old, &scan, now);
                // Written anew; what was written first was perhaps copied, and truncated as well.
                let departed = Departed { born: Some(old.modified), modified: old.modified, strict: true };
                let itself = fresh.as_ref().map(|fresh| fresh.identity);
                if let Some(fresh) = fresh.take() {
                    self.insert(fresh);
                }
                self.missed_since(&old.home, &departed, itself, None, now);
            }
        }
        if let Some(fresh) = fresh {
            self.insert(fresh);
        }
    }

    /// A source is gone and nothing of it is open.
    pub(super) fn lose(&mut self, id: u64, scan: &Scan, now: Instant) {
        let Some(old) = self.remove(id) else { return };
        let copy = self.copy_of(&old.consumed.mark(&self.key), &old.path, scan, None);
        match copy.or_else(|| self.packed_copy_of(&old, scan, now)) {
            Some(copy) => {
                let stage = if copy.path == old.home { Stage::Live } else { Stage::Rotated };
                self.adopt(old, copy, stage, now);
            }
            None => {
                self.gap(old.seen.saturating_sub(old.consumed.offset()));
                self.counts.closed += 1;
                self.ended.push_back((id, old.consumed.offset()));
                self.spend_copies(&old, scan, now);
                if self.settings.packed == Packed::ReadOn && old.consumed.offset() > 0 {
                    // A packed one that is not whole may be made whole.
                    self.closed.push(old.position(Stage::Closed, &self.key));
                }
            }
        }
    }

    /// Copies of a source that ended, which hold no more than what was handed out of it: lines were written, and read, after
    /// they were made. Nothing of them comes out again.
    ///
    /// No digest was kept of a part of what was handed out, so the first bytes and the name must do, or that it was compared
    /// while the original stood.
    fn spend_copies(&mut self, old: &Source, scan: &Scan, now: Instant) {
        let offset = old.consumed.offset();
        let (alike, others) = std::mem::take(&mut self.undecided).into_iter().partition::<Vec<_>, _>(|undecided| {
            // One that was empty when it was seen may be a copy of it by now.
            undecided.file.is_none() || undecided.like.is_some_and(|(like, _)| like == old.id)
        });
        self.undecided = others;
        for mut undecided in alike {
            let empty = undecided.file.is_none();
            if empty && let Some(path) = find(&undecided.stand.identity, &undecided.path, scan) {
                let opened = identity::open(&path, &undecided.stand.identity).ok().flatten();
                undecided.path = path;
                undecided.file = opened.map(|(file, _)| file).filter(|file| begins(old, file));
            }
            match undecided.file.as_ref().map(Stand::of) {
                Some(Ok(stand)) if stand.size <= offset => self.spend(undecided, &stand, now),
                _ if empty => self.undecided.push(Undecided { file: None, ..undecided }),
                _ => self.undecided.push(undecided),
            }
        }
        let named = scan.files.iter().map(|file| file.path.clone());
        let beside = neighbours(&old.path).into_iter().map(|(path, _)| path);
        let rotated: Vec<PathBuf> = named
            .chain(beside)
            .filter(|path| (is_rotated_name(&old.home, path) || is_rotated_name(&old.path, path)) && !is_packed(path))
            .collect();
        for path in rotated {
            let Ok(stand) = Stand::at(&path) else { continue };
            if stand.kind != FileType::RegularFile || stand.size >= offset || self.knows(&stand.identity) {
                continue;
            }
            let Ok(Some((file, stand))) = identity::open(&path, &stand.identity) else { continue };
            if stand.identity.number() != old.identity.number() && begins(old, &file) {
                let home = path.clone();
                let undecided = Undecided { home, path, stand, file: Some(file), like: None, moved: now, named: false };
                self.spend(undecided, &stand, now);
            }
        }
    }

    /// All of it was handed out, as another's.
    fn spend(&mut self, undecided: Undecided, stand: &Stand, now: Instant) {
        let Some(file) = &undecided.file else { return };
        let mut consumed = Consumed::nothing(&self.key);
        // One that cannot be read now is met again, and read then.
        if take_over(file, &mut consumed, stand.size).is_ok_and(|whole| whole) {
            self.counts.copies += 1;
            let id = self.new_id();
            let source = Source::new(id, &undecided.home, &undecided.path, stand, consumed, now);
            self.closed.push(source.position(Stage::Closed, &self.key));
        }
    }

    /// Reads a source on in its copy.
    fn adopt(&mut self, mut old: Source, copy: Copy, stage: Stage, now: Instant) {
        self.counts.copies += 1;
        let bytes = match copy.form {
            Form::Plain => copy.stand.size,
            Form::Packed(bytes) => bytes,
        };
        self.gap(old.seen.saturating_sub(bytes));
        self.undecided.retain(|undecided| !undecided.stand.identity.is(&copy.stand.identity));
        old.path = copy.path;
        old.identity = copy.stand.identity;
        old.modified = copy.stand.modified;
        old.packed = matches!(copy.form, Form::Packed(_));
        old.seen = bytes;
        old.scanned = copy.consumed.offset();
        old.consumed = copy.consumed;
        old.file = Some(copy.file);
        (old.stage, old.moved, old.gone, old.closing, old.failing) = (stage, now, false, false, None);
        self.insert(old);
    }

    /// The file that begins with all that was consumed: the youngest, if several do.
    fn copy_of(&self, mark: &Mark, before: &Path, scan: &Scan, not: Option<(u64, u64)>) -> Option<Copy> {
        if mark.offset == 0 {
            return None;
        }
        let undecided = self.undecided.iter().map(|undecided| undecided.path.clone());
        let named = scan.files.iter().map(|file| file.path.clone());
        let beside = neighbours(before).into_iter().map(|(path, _)| path).filter(|path| may_be_rotated(before, path));
        let mut candidates: Vec<(Stand, PathBuf)> = undecided
            .chain(named)
            .chain(beside)
            .filter_map(|path| Some((Stand::at(&path).ok()?, path)))
            .filter(|(stand, path)| {
                stand.kind == FileType::RegularFile
                    && stand.size >= mark.offset
                    && Some(stand.identity.number()) != not
                    && !is_packed(path)
                    && !self.follows(stand)
            })
            .collect();
        candidates.sort_by_key(|(stand, _)| std::cmp::Reverse(stand.identity.born));
        candidates.into_iter().find_map(|(stand, path)| {
            let (file, stand) = identity::open(&path, &stand.identity).ok()??;
            let consumed = Consumed::verify(&file, mark, Proof::All, &self.key).ok()??;
            Some(Copy { path, file, stand, consumed, form: Form::Plain })
        })
    }

    /// Bytes that nobody had read are gone from a file of which nothing was handed out. Its copy is a file of its own.
    pub(super) fn lost_unread(&mut self, id: u64, bytes: u64, stand: &Stand, now: Instant) {
        let copied = self.undecided.iter().any(|undecided| undecided.like.is_some_and(|(like, _)| like == id));
        if !self.came_and_went(id, stand, now) && !copied {
            self.gap(bytes);
        }
    }

    /// A file of which nothing was handed out changed. What it held before was perhaps copied and truncated: nothing in the
    /// file itself tells, but then a copy stands beside it that was made since it is followed.
    /// Whether it did: what was seen and is in no copy is counted.
    pub(super) fn came_and_went(&mut self, id: u64, stand: &Stand, now: Instant) -> bool {
        let Some(source) = self.sources.get_mut(&id) else { return false };
        let (size, modified) = source.first;
        if (size, modified) == (stand.size, stand.modified) {
            return false;
        }
        source.first = (stand.size, stand.modified);
        let (home, itself) = (source.home.clone(), source.identity);
        let departed = Departed { born: Some(source.began), modified, strict: true };
        let missed = self.missed_since(&home, &departed, Some(itself), None, now);
        // What was seen was the oldest of them, or was copied while nothing was written yet.
        let missed = missed.map(|oldest| {
            let empty = self.undecided.iter().any(|undecided| {
                let born = undecided.stand.identity.born;
                undecided.file.is_none()
                    && undecided.home == home
                    && born > departed.born
                    && born < oldest.identity.born
            });
            if empty { 0 } else { oldest.size }
        });
        match self.replaced(id).or(missed) {
            Some(copied) => self.gap(size.saturating_sub(copied)),
            None if stand.size < size => self.gap(size),
            // It grew, as far as can be told.
            None => return false,
        }
        if let Some(source) = self.sources.get_mut(&id) {
            source.seen = stand.size.max(source.consumed.offset());
        }
        true
    }

    fn follows(&self, stand: &Stand) -> bool {
        self.by_number.contains_key(&stand.identity.number())
            || self.closed.iter().any(|position| position.identity.is(&stand.identity))
    }

    /// The size of the copy of a source of which nothing was handed out, where the source holds something else by now.
    fn replaced(&self, id: u64) -> Option<u64> {
        let source = self.sources.get(&id)?;
        let copies = self.undecided.iter().filter(|undecided| undecided.like.is_some_and(|(like, _)| like == id));
        copies.filter_map(|undecided| undecided.file.as_ref()).find_map(|file| {
            let size = Stand::of(file).ok()?.size;
            self.compare(source, file, 0, size).is_ok_and(|alike| alike.is_none()).then_some(size)
        })
    }

    /// Whether a new file has to wait, because it begins like one that is followed.
    pub(super) fn may_be_copy(&mut self, found: &Match, file: &File, stand: &Stand, now: Instant) -> bool {
        // What comes to stand where a file was that has another name now is its successor, however it begins.
        let succeeds = self
            .sources
            .values()
            .any(|source| source.home == found.path && source.stage == Stage::Rotated && !source.gone);
        // Under a rotated name anything may come to stand: a copy as well.
        let homes = self.sources.values().map(|source| &source.home);
        let rotated = homes
            .chain(self.closed.iter().map(|position| &position.home))
            .any(|home| is_rotated_name(home, &found.path));
        if succeeds && !rotated || self.sources.is_empty() {
            return false;
        }
        let like = if stand.size == 0 {
            if !rotated && self.sources.values().any(|source| source.home == found.path) {
                return false;
            }
            None
        } else {
            match self.begins_like(file, stand.size) {
                Some(like) => Some(like),
                None => return false,
            }
        };
        // An empty one may be one of many.
        let file = if like.is_some() { file.try_clone().ok() } else { None };
        let (home, path) = (found.path.clone(), found.path.clone());
        self.undecided.push(Undecided { home, path, stand: *stand, file, like, moved: now, named: true });
        true
    }

    /// A source that begins with all the bytes of `file`, as far as both go.
    fn begins_like(&self, file: &File, size: u64) -> Option<(u64, u64)> {
        if size == 0 {
            return None;
        }
        let mut head = [0; 128];
        let n = read_full(file, &mut head, 0).ok()?;
        self.sources.values().find_map(|source| {
            // Of one that nothing was read of yet, the bytes say it.
            let unread = source.consumed.offset() == 0 && source.seen > 0;
            if !unread && !source.consumed.may_begin(&head[..n]) {
                return None;
            }
            self.compare(source, file, 0, size).ok().flatten().map(|to| (source.id, to.min(source.consumed.offset())))
        })
    }

    /// Whether a source was truncated or written anew, and was not read since.
    pub(super) fn is_other(source: &Source) -> bool {
        if source.packed {
            return false;
        }
        let look = |file: &File| source.consumed.stands_in(file).is_ok_and(|stands| !stands);
        match &source.file {
            Some(file) => look(file),
            None => identity::open(&source.path, &source.identity)
                .is_ok_and(|opened| opened.is_some_and(|(file, _)| look(&file))),
        }
    }

    /// How far `file` is like a source, from where it was compared before; `None` where it is not.
    fn compare(&self, source: &Source, file: &File, from: u64, size: u64) -> io::Result<Option<u64>> {
        if source.packed {
            return Ok(None);
        }
        let opened;
        let original = match &source.file {
            Some(file) => file,
            None => match identity::open(&source.path, &source.identity)? {
                Some((file, _)) => {
                    opened = file;
                    &opened
                }
                // It moved; the next look knows more.
                None => return Ok(Some(from)),
            },
        };
        let stand = Stand::of(original)?;
        if stand.size < source.consumed.offset() || !source.consumed.stands_in(original)? {
            // Truncated meanwhile: reading it will find that, and look for its copy.
            return Ok(Some(from));
        }
        if size > stand.size {
            return Ok(None);
        }
        let (mut a, mut b) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
        let mut at = from;
        while at < size {
            let n = a.len().min(usize::try_from(size - at).unwrap_or(usize::MAX));
            let (n, m) = (read_full(file, &mut a[..n], at)?, read_full(original, &mut b[..n], at)?);
            if n == 0 || m < n {
                break;
            }
            if a[..n] != b[..n] {
                return Ok(None);
            }
            at += n as u64;
        }
        Ok(Some(at))
    }

    /// What became of the files that may be copies.
    pub(super) fn decide(&mut self, scan: &Scan, now: Instant) {
        for mut undecided in std::mem::take(&mut self.undecided) {
            match Stand::at(&undecided.path) {
                Ok(stand) if stand.identity.is(&undecided.stand.identity) => {}
                Err(error) if !identity::is_missing(&error) => {
                    self.undecided.push(undecided);
                    continue;
                }
                _ => match find(&undecided.stand.identity, &undecided.path, scan) {
                    Some(path) => undecided.path = path,
                    // Gone. Its content, if any, is still open.
                    None if undecided.file.is_some() => {}
                    None => continue,
                },
            }
            if undecided.file.is_none() {
                match identity::open(&undecided.path, &undecided.stand.identity) {
                    Ok(Some((file, stand))) if stand.size > 0 => {
                        undecided.like = self.begins_like(&file, stand.size);
                        undecided.file = Some(file);
                        if undecided.like.is_none() {
                            self.own(undecided, now);
                            continue;
                        }
                    }
                    Ok(Some(_)) | Err(_) => {
                        self.undecided.push(undecided);
                        continue;
                    }
                    Ok(None) => {
                        self.full_due = true;
                        self.undecided.push(undecided);
                        continue;
                    }
                }
            }
            self.weigh(undecided, now);
        }
    }

    fn weigh(&mut self, mut undecided: Undecided, now: Instant) {
        let (Some(file), Some((like, compared))) = (&undecided.file, undecided.like) else {
            self.own(undecided, now);
            return;
        };
        let Ok(stand) = Stand::of(file) else {
            self.undecided.push(undecided);
            return;
        };
        if stand.size != undecided.stand.size || stand.modified != undecided.stand.modified {
            undecided.moved = now;
        }
        let shrunk = stand.size < compared;
        undecided.stand = stand;
        let parent = self.sources.get(&like);
        let gone = parent.filter(|source| source.gone).and_then(|source| source.file.as_ref());
        if let Some(original) = gone.and_then(|file| Stand::of(file).ok()) {
            // A copy was made before its original went.
            let made_before = stand.identity.born.is_none_or(|born| born < original.changed);
            let mark = parent.map(|source| source.consumed.mark(&self.key));
            let mut proved = None;
            if made_before && let Some(mark) = mark {
                proved = Consumed::verify(file, &mark, Proof::All, &self.key).ok().flatten();
            }
            if let Some(consumed) = proved
                && let Ok(file) = file.try_clone()
                && let Some(old) = self.remove(like)
            {
                let stage = if undecided.path == old.home { Stage::Live } else { Stage::Rotated };
                let copy = Copy { path: undecided.path, file, stand, consumed, form: Form::Plain };
                self.adopt(old, copy, stage, now);
                return;
            }
            if undecided.like.is_some_and(|(_, compared)| compared == stand.size) {
                self.spend(undecided, &stand, now);
            } else {
                self.own(undecided, now);
            }
            return;
        }
        if parent.is_none() && !undecided.named && compared == stand.size {
            // What it was like was handed out to its end.
            self.spend(undecided, &stand, now);
            return;
        }
        let next = match parent {
            Some(source) if !shrunk => self.compare(source, file, compared, stand.size).ok().flatten(),
            _ => None,
        };
        // What was not handed out may be another by the next look.
        let kept = parent.map_or(0, |source| source.consumed.offset());
        undecided.like = match next {
            Some(to) => Some((like, to.min(kept))),
            None => self.begins_like(file, stand.size),
        };
        let waits = now.duration_since(undecided.moved) < self.settings.settle;
        let truncated = parent.is_some_and(Follow::is_other);
        if truncated {
            self.wake(like);
        }
        if undecided.like.is_some() && (waits || truncated || !undecided.named) {
            self.undecided.push(undecided);
        } else {
            self.own(undecided, now);
        }
    }

    /// No copy, but a file of its own.
    fn own(&mut self, undecided: Undecided, now: Instant) {
        let Some(file) = undecided.file else { return };
        let Ok(stand) = Stand::of(&file) else { return };
        self.follow_new(&undecided.home, file, &stand, now, Meeting::Later);
        let id = self.next - 1;
        if let Some(source) = self.sources.get_mut(&id)
            && undecided.path != undecided.home
        {
            self.counts.missed += u64::from(!undecided.named);
            source.path = undecided.path;
            source.stage = Stage::Rotated;
        }
    }

    /// Generations between what stood at a home before and what stands there now, which nobody saw: rotated files of
    /// its name that were born between the two. They are followed, the oldest first.
    pub(super) fn missed(&mut self, home: &Path, now_there: Option<&Stand>, now: Instant) {
        let Some(departed) = self.departed.get(home).cloned() else { return };
        if now_there.is_some() {
            self.departed.remove(home);
        }
        let itself = now_there.map(|stand| stand.identity);
        // What stands there now may have been copied and truncated itself; where it is followed, its copy is known by content.
        let until =
            itself.filter(|itself| !self.by_number.contains_key(&itself.number())).and_then(|itself| itself.born);
        self.missed_since(home, &departed, itself, until, now);
    }

    /// As `missed`, of what was born from `departed` on, up to `until`, and is not `itself`. The oldest of those that hold anything.
    fn missed_since(
        &mut self,
        home: &Path,
        departed: &Departed,
        itself: Option<Identity>,
        until: Option<(i64, u32)>,
        now: Instant,
    ) -> Option<Stand> {
        let base = super::look::real(home);
        let mut found: Vec<(Stand, PathBuf)> = rotated(&base)
            .into_iter()
            .filter(|(_, path)| !departed.strict || path.file_name().is_none_or(|name| !self.discover.may_name(name)))
            .filter(|(stand, _)| {
                stand.kind == FileType::RegularFile
                    && !self.knows(&stand.identity)
                    && itself.is_none_or(|itself| !itself.is(&stand.identity))
                    && match (departed.born, stand.identity.born) {
                        // Files that are made within one tick of the kernel's clock are born at the same time.
                        (Some(old), Some(born)) => {
                            (old < born || !departed.strict && old == born && departed.modified <= stand.modified)
                                && until.is_none_or(|until| born <= until)
                        }
                        _ => departed.modified < stand.modified,
                    }
            })
            .collect();
        found.sort_by_key(|(stand, _)| (stand.identity.born, stand.modified));
        let mut oldest = None;
        for (stand, path) in found {
            if let Some((file, stand, path)) = open_rotated(&base, path, &stand.identity) {
                // What is being copied right now is no generation.
                let like = self.begins_like(&file, stand.size);
                if like.is_some() || stand.size == 0 {
                    let file = like.is_some().then_some(file);
                    let named = self.discover.may_name(path.file_name().unwrap_or_default());
                    self.undecided.push(Undecided {
                        home: home.to_owned(),
                        path,
                        stand,
                        file,
                        like,
                        moved: now,
                        named,
                    });
                    continue;
                }
                self.counts.missed += 1;
                oldest = oldest.or(Some(stand));
                let id = self.new_id();
                let mut source = Source::new(id, home, &path, &stand, Consumed::nothing(&self.key), now);
                (source.stage, source.file, source.after) = (Stage::Rotated, Some(file), self.before(home, itself));
                self.insert(source);
            }
        }
        oldest
    }
}

/// Whether a file holds something, and its first bytes are those of a source.
fn begins(source: &Source, file: &File) -> bool {
    let mut head = [0; 128];
    let n = read_full(file, &mut head, 0).unwrap_or(0);
    source.consumed.may_begin(&head[..n])
}

/// Whether a name may be that of a rotated file or a copy: it begins like the other's.
pub(super) fn may_be_rotated(home: &Path, path: &Path) -> bool {
    match (home.file_stem(), path.file_name()) {
        (Some(stem), Some(name)) => home != path && name.as_bytes().starts_with(stem.as_bytes()),
        _ => false,
    }
}

/// Whether a name is the other's with a number or a date in it: `access.log.1`, `access.log-20261121`, `access-2026-11-21.log`.
pub(super) fn is_rotated_name(home: &Path, path: &Path) -> bool {
    let (Some(base), Some(name)) = (home.file_name(), path.file_name()) else { return false };
    let added = |before: &[u8], after: &[u8]| {
        let rest = name.as_bytes().strip_prefix(before)?.strip_suffix(after)?;
        Some(
            rest.first().is_some_and(|first| b"-._".contains(first))
                && rest.iter().any(u8::is_ascii_digit)
                && rest.iter().all(|b| b.is_ascii_digit() || b"-._:+TZ".contains(b)),
        )
    };
    let stem = home.file_stem().unwrap_or(base);
    let end: Vec<u8> = home.extension().map(OsStr::as_bytes).map(|end| [b".", end].concat()).unwrap_or_default();
    added(base.as_bytes(), b"").unwrap_or(false) || added(stem.as_bytes(), &end).unwrap_or(false)
}

/// Whether a name ends with a number or a date, as rotated ones do.
pub(super) fn is_numbered(path: &Path) -> bool {
    let last = path.file_name().and_then(|name| name.as_bytes().rsplit(|byte| b"-._".contains(byte)).next());
    last.is_some_and(|last| !last.is_empty() && last.iter().all(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotated_name_is_the_old_one_with_a_number_or_a_date() {
        let home = Path::new("/l/access.log");
        for yes in
            ["access.log.1", "access.log-20261121", "access-2026-11-21.log", "access.1.log", "access.log.20261121-14"]
        {
            assert!(is_rotated_name(home, &Path::new("/l").join(yes)), "{yes}");
        }
        for no in [
            "access.log",
            "access-ssl.log",
            "access.log.old",
            "other.log.1",
            "access.logs",
            "access.log.1.gz",
            "access1.log",
            "access.log1",
        ] {
            assert!(!is_rotated_name(home, &Path::new("/l").join(no)), "{no}");
        }
        assert!(is_rotated_name(Path::new("/l/messages"), Path::new("/l/messages-20261121")));
    }
}
