//! Lines of JSON read by what stood between the values of earlier ones.
//!
//! A program writes the same keys, quotes and brackets in line after line. Of a line that was read in full each gap between
//! two values is remembered, with what the full reader made of it and with the objects and arrays around it. A line that is
//! nothing but such gaps, each behind one in whose surroundings it stood before, with a value of the same sort behind each, is
//! read by comparing: whatever the order of its members, and whichever of them it has. Any other line is read in full.
//!
//! What the full reader makes of a gap hangs on the gap's bytes and on the keys, the brackets and the names of OpenTelemetry's
//! pairs around it, which together are the gap's *surroundings*. Where it hangs on a value's bytes too, the gap says what
//! they must be like ([`Sure`]), or the gap is not remembered.
//!
//! Values repeat too. Now and then a line is looked at for *runs*: gaps and values that were the same in several such lines, of
//! which treatments keep each value whole or withhold it, wherever it stands. Where the bytes of a run come again they are
//! compared, and laid, as one. What the engine itself asks of them is told to the record as ever.

use super::{
    Json, METHOD, UNKNOWN, URL, is_source, push_request, push_target,
    scan::{self, escaped_string},
};
use crate::{
    format::request,
    record::{
        DEPTH, Mark, Record, Span, State, Value,
        gap::{
            Ends, Fixed, Gap, Held, Holds, LONGEST, MOST_GAPS, New, NewRun, Noted, Part, Piece, RUN, Spacing, Sure,
            Table, What,
        },
    },
};

/// The gaps of earlier lines. Takes no memory before the first of them. One a worker.
#[derive(Clone, Debug)]
pub struct Memory {
    table: Table,
    /// One a gap.
    links: Vec<Link>,
    surroundings: Vec<Surroundings>,
    /// The surroundings' keys and brackets, end to end.
    paths: Vec<u8>,
    /// What lines begin with.
    start: Link,
    /// What learning may cost yet.
    credit: u32,
    misses: u32,
    learned: Learned,
    /// How many lines may be read by runs before one is looked at for more.
    until: u32,
    /// How many of them were looked at for runs since runs were last forgotten.
    samples: u32,
    pace: Pace,
}

/// How often lines are looked at for runs.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// One line in so many.
    every: u32,
    /// A value that is the same in so many of them one after another is taken for one that never differs.
    enough: u8,
}

/// What becomes of a gap's neighbours.
#[derive(Clone, Copy, Debug)]
struct Link {
    /// The surroundings of what comes behind it.
    after: u16,
    /// Another gap in the same surroundings.
    sibling: u16,
    /// The gap that came next the last time.
    next: u16,
    /// The run that may come next.
    run: u16,
    /// How often in a row it did not come.
    strays: u8,
    /// How many runs were tried here.
    tries: u8,
    /// In how many samples in a row the value behind the gap was the same.
    steady: u8,
    /// What is remembered of that value.
    sum: u32,
}

impl Default for Link {
    fn default() -> Link {
        Link { after: 0, sibling: NONE, next: NONE, run: NONE, strays: 0, tries: 0, steady: 0, sum: 0 }
    }
}

/// Objects and arrays that are open at a place.
#[derive(Clone, Copy, Debug)]
struct Surroundings {
    start: u32,
    length: u32,
    /// The first gap that stands in them.
    first: u16,
    count: u16,
}

/// Working memory of learning.
#[derive(Clone, Debug, Default)]
struct Learned {
    path: Vec<u8>,
    fixed: Vec<Fixed>,
    marks: Vec<Mark>,
    parts: Vec<Part>,
    pieces: Vec<Piece>,
    noted: Vec<Noted>,
}

/// What is known of a line that was read so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recalled {
    /// Its white space.
    pub spacing: Spacing,
    /// Whether some key of it does not leave as it stands.
    pub withheld: bool,
    /// Whether it has free text.
    pub message: bool,
    /// Whether it was read without runs, to be looked at for some ([`Memory::sample`]).
    pub sample: bool,
}

const NONE: u16 = u16::MAX;
/// So many different surroundings are remembered.
const MOST_SURROUNDINGS: usize = 128;
/// So many bytes of each, and of all.
const LONGEST_PATH: usize = 512;
const MOST_PATHS: usize = 16 << 10;
/// So many gaps in the same surroundings: each may be compared with a line's bytes.
const MOST_SIBLINGS: u16 = 64;
/// What learning may cost at first and at most. A line that is read by what was learned gives one back, another that may be
/// learned from takes eight, and all over again costs all.
const CREDIT: u32 = 1024;
const PRICE: u32 = 8;
/// One line in so many is looked at for runs, and so many times in a row a value must be the same to be part of one.
const PACE: Pace = Pace { every: 50, enough: 5 };
/// A run that did not come so often in a row is given up, and so many are tried behind a gap.
const MOST_STRAYS: u8 = 48;
const MOST_TRIES: u8 = 3;
/// A run has no more bytes.
const LONGEST_RUN: usize = 1024;
/// After so many samples all runs may be learned anew.
const SAMPLES: u32 = 4096;
/// Of the lines that are not so read, one in so many is learned from whatever it costs.
const SAMPLE: u32 = 64;

impl Default for Memory {
    fn default() -> Memory {
        Memory {
            table: Table::default(),
            links: Vec::new(),
            surroundings: Vec::new(),
            paths: Vec::new(),
            start: Link::default(),
            credit: CREDIT,
            misses: 0,
            learned: Learned::default(),
            until: PACE.every,
            samples: 0,
            pace: PACE,
        }
    }
}

impl Memory {
    /// The gaps themselves.
    #[inline]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The same, to tell what runs do.
    pub fn table_mut(&mut self) -> &mut Table {
        &mut self.table
    }

    /// What becomes of the neighbours of a gap, or of a line's start.
    #[inline(always)]
    fn link(&self, last: u16) -> &Link {
        self.links.get(usize::from(last)).unwrap_or(&self.start)
    }

    fn link_mut(&mut self, last: u16) -> &mut Link {
        self.links.get_mut(usize::from(last)).unwrap_or(&mut self.start)
    }

    /// The gap that `lines` begin with behind the gap `last`, which is not the one that came next the last time.
    #[inline(never)]
    fn find_other(&mut self, last: u16, lines: &[u8]) -> Option<u16> {
        let mut number = self.surroundings.get(usize::from(self.link(last).after))?.first;
        while number != NONE && !fits(&self.table, number, lines) {
            number = self.links[usize::from(number)].sibling;
        }
        if number == NONE {
            return None;
        }
        self.link_mut(last).next = number;
        Some(number)
    }

    /// Takes note that the run behind the gap `last` did not come.
    #[inline(never)]
    fn stray(&mut self, last: u16) {
        let link = self.link_mut(last);
        link.strays += 1;
        if link.strays == MOST_STRAYS {
            (link.run, link.strays) = (NONE, 0);
        }
    }

    /// Looks at a line for runs: its record is what [`Json::recall`] made of it as a sample, all its gaps stand. `settled` says
    /// of a value whether all of it leaves wherever it stands, or nothing; `noted` of which fields the record must know. Whether
    /// runs were forgotten, so that what was read by them must be read again.
    #[cold]
    pub fn sample(
        &mut self,
        line: &[u8],
        record: &Record,
        mut settled: impl FnMut(u16, &[u8]) -> Option<bool>,
        noted: impl Fn(u16) -> bool,
    ) -> bool {
        self.samples = self.samples.saturating_add(1);
        self.begin_run();
        let (mut home, mut begins, mut at) = (NONE, 0, 0);
        let mut values = &record.values[..];
        let mut full = false;
        for &number in &record.gaps {
            let Some(gap) = self.table.gaps().get(usize::from(number)).copied() else { break };
            let (count, single) = match gap.held.holds {
                Holds::End => break,
                Holds::Text | Holds::Bare => (1, true),
                Holds::Request => (5, false),
                Holds::Target => (3, false),
            };
            let Some((these, rest)) = values.split_at_checked(count) else { break };
            values = rest;
            let start = at + usize::from(gap.length);
            let Some(last) = these.iter().rev().find(|value| value.state != State::Absent) else { break };
            let end = last.span.end as usize;
            let Some(value) = line.get(start..end) else { break };
            let steady = self.is_steady(number, value);
            let kept = match last.state {
                _ if !single || !steady => None,
                State::Present => settled(last.field, value),
                State::Absent | State::Ambiguous | State::Cut => Some(false),
            };
            // One that would grow too long ends, and another begins.
            if kept.is_none() || end - begins > LONGEST_RUN {
                full |= self.add_run(home, line, begins, at);
                (home, begins) = if kept.is_none() { (number, end) } else { (self.last_piece(home), at) };
                self.begin_run();
            }
            if let Some(kept) = kept {
                let noted = noted(last.field).then_some((last.field, last.state));
                self.grow_run(number, kept, start - begins, value.len(), noted);
            }
            at = end;
        }
        full |= self.add_run(home, line, begins, at);
        let forgets = full && self.samples > SAMPLES;
        if forgets {
            self.forget_runs();
        }
        forgets
    }

    fn begin_run(&mut self) {
        self.learned.pieces.clear();
        self.learned.noted.clear();
    }

    fn last_piece(&self, home: u16) -> u16 {
        self.learned.pieces.last().map_or(home, |piece| piece.gap)
    }

    /// Adds a gap and the value behind it, which stands at `start` in the run.
    fn grow_run(&mut self, gap: u16, kept: bool, start: usize, length: usize, noted: Option<(u16, State)>) {
        self.learned.pieces.push(Piece { gap, length: length as u16, kept });
        if let Some((field, state)) = noted {
            let (start, end) = (start as u16, (start + length) as u16);
            self.learned.noted.push(Noted { start, end, field, state });
        }
    }

    /// Remembers the run that grew, behind the gap `home`. Whether there was no room.
    fn add_run(&mut self, home: u16, line: &[u8], begins: usize, ends: usize) -> bool {
        let link = self.links.get_mut(usize::from(home)).unwrap_or(&mut self.start);
        let Learned { pieces, noted, .. } = &self.learned;
        let Some(text) = line.get(begins..=ends) else { return false };
        if pieces.is_empty() || link.run != NONE || link.tries >= MOST_TRIES || text.len() > LONGEST_RUN + 1 {
            return false;
        }
        let mut spacing = Spacing::default();
        for piece in pieces {
            spacing = spacing.with(self.table.gap(piece.gap).spacing);
        }
        let new = NewRun { text, spacing, pieces, noted };
        match self.table.runs_mut().push(new) {
            Some(number) => {
                (link.run, link.strays) = (number, 0);
                link.tries += 1;
                false
            }
            None => true,
        }
    }

    /// Whether the value behind a gap was the same in enough samples.
    fn is_steady(&mut self, gap: u16, value: &[u8]) -> bool {
        let sum = value.iter().fold(value.len() as u32, |sum, &byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        let Some(link) = self.links.get_mut(usize::from(gap)) else { return false };
        link.steady = if link.sum == sum { link.steady.saturating_add(1) } else { 0 };
        link.sum = sum;
        link.steady >= self.pace.enough
    }

    fn forget_runs(&mut self) {
        self.table.runs_mut().clear();
        for link in self.links.iter_mut().chain([&mut self.start]) {
            (link.run, link.strays, link.tries) = (NONE, 0, 0);
        }
        self.samples = 0;
    }

    /// Looks for runs in every other line, as no one else should: for tests.
    #[cfg(test)]
    pub(crate) fn hurry(&mut self) {
        self.pace = Pace { every: 2, enough: 1 };
        self.until = self.until.min(2);
    }

    /// Whether a line may be learned from now: not from each of a log whose lines are never alike.
    fn affords(&mut self) -> bool {
        self.misses = self.misses.wrapping_add(1);
        if self.credit >= PRICE {
            self.credit -= PRICE;
            return true;
        }
        self.misses.is_multiple_of(SAMPLE)
    }

    fn forget(&mut self) {
        self.table.clear();
        self.links.clear();
        self.surroundings.clear();
        self.paths.clear();
        self.start = Link::default();
        self.samples = 0;
        self.credit = 0;
    }

    /// The number of these surroundings, which are new or not.
    fn surroundings(&mut self) -> Option<u16> {
        let path = &self.learned.path[..];
        let known =
            self.surroundings.iter().position(|one| self.paths[one.start as usize..][..one.length as usize] == *path);
        if let Some(known) = known {
            return Some(known as u16);
        }
        if self.surroundings.len() == MOST_SURROUNDINGS || self.paths.len() + path.len() > MOST_PATHS {
            return None;
        }
        let (start, length) = (self.paths.len() as u32, path.len() as u32);
        self.paths.extend_from_slice(path);
        self.surroundings.push(Surroundings { start, length, first: NONE, count: 0 });
        Some((self.surroundings.len() - 1) as u16)
    }

    /// Remembers a gap that stands in these surroundings, if it is new.
    fn add(&mut self, before: u16, held: Held, spacing: Spacing, stands: bool, text: &[u8]) -> Result<(), Fault> {
        let home = self.surroundings[usize::from(before)];
        let mut number = home.first;
        while number != NONE {
            let known = self.table.gap(number);
            if self.table.text(known) == text {
                return if known.held == held { Ok(()) } else { Err(Fault::Unfit) };
            }
            number = self.links[usize::from(number)].sibling;
        }
        let after = self.surroundings().ok_or(Fault::Full)?;
        if home.count == MOST_SIBLINGS {
            return Err(Fault::Full);
        }
        let Learned { fixed, marks, parts, .. } = &self.learned;
        let number = self.table.push(New { held, spacing, stands, text, fixed, marks, parts }).ok_or(Fault::Full)?;
        self.links.push(Link { after, sibling: home.first, ..Link::default() });
        let home = &mut self.surroundings[usize::from(before)];
        (home.first, home.count) = (number, home.count + 1);
        Ok(())
    }
}

/// Why no more is learned of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// There is no room.
    Full,
    /// It cannot be read so.
    Unfit,
}

/// Whether `lines` begin with this gap and something of the sort that it holds. Of the gaps in the same surroundings one does at
/// most: where one begins as another ends, what comes behind tells them apart.
#[inline(always)]
fn fits(table: &Table, number: u16, lines: &[u8]) -> bool {
    let gap = table.gap(number);
    table.begins(gap, lines)
        && match gap.held.holds {
            Holds::Text | Holds::Request | Holds::Target => true,
            Holds::Bare => {
                matches!(lines.get(usize::from(gap.length)), Some(b'-' | b'0'..=b'9' | b't' | b'f' | b'n'))
            }
            Holds::End => {
                matches!(lines.get(usize::from(gap.length)..), Some([b'\n', ..] | [b'\r', b'\n', ..]))
            }
        }
}

impl Json {
    /// Fills `record` from the line of `length` bytes that `lines` begin with, by what is remembered; `None`: it must be read
    /// in full, and what is in `record` means nothing. `ends` is what one look at the line saw.
    ///
    /// If `WHOLE`, the record is what reading in full gives. Else it has neither marks nor keys, nor values that never differ.
    #[inline(never)]
    pub fn recall<const WHOLE: bool>(
        &self,
        memory: &mut Memory,
        lines: &[u8],
        length: usize,
        ends: &Ends,
        record: &mut Record,
    ) -> Option<Recalled> {
        let line = lines.get(..length)?;
        record.clear();
        record.gaps.clear();
        let mut recalled = Recalled::default();
        let (mut at, mut last) = (0, NONE);
        if !WHOLE {
            recalled.sample = memory.until == 0;
            memory.until = if recalled.sample { memory.pace.every } else { memory.until - 1 };
        }
        let runs = !WHOLE && !recalled.sample;
        loop {
            let rest = lines.get(at..)?;
            let &Link { next, run: number, strays, .. } = memory.link(last);
            if runs && number != NONE {
                let all = memory.table.runs();
                let run = all.run(number);
                if all.begins(run, rest) {
                    record.gaps.push(number | RUN);
                    recalled.spacing = recalled.spacing.with(run.spacing);
                    for &Noted { start, end, field, state } in all.noted(run) {
                        let span = Span::new(at + usize::from(start), at + usize::from(end));
                        recalled.message |= field == self.message;
                        record.values.push(Value { field, state, span });
                    }
                    at += usize::from(run.length);
                    let behind = run.last;
                    if strays > 0 {
                        memory.link_mut(last).strays = 0;
                    }
                    last = behind;
                    continue;
                }
                memory.stray(last);
            }
            last = match next {
                hint if hint != NONE && fits(&memory.table, hint, rest) => hint,
                _ => memory.find_other(last, rest)?,
            };
            let gap = memory.table.gap(last);
            record.gaps.push(last);
            recalled.spacing = recalled.spacing.with(gap.spacing);
            recalled.withheld |= !gap.stands;
            if WHOLE {
                push_gap(&memory.table, gap, at, record);
            }
            let start = at + usize::from(gap.length);
            let Held { holds, field, state, sure } = gap.held;
            at = match holds {
                Holds::End if start == length => break,
                Holds::End => return None,
                Holds::Bare => {
                    let end = scan::bare(line, start).ok()?;
                    // A gap that ends a text may follow nothing else.
                    if line.get(end) == Some(&b'"') {
                        return None;
                    }
                    if let Sure::Byte(sure) = sure
                        && is_byte(&line[start..end]) != sure
                    {
                        return None;
                    }
                    recalled.message |= field == self.message;
                    record.values.push(Value { field, state, span: Span::new(start, end) });
                    end
                }
                Holds::Text | Holds::Request | Holds::Target => {
                    let mut end = ends.next(start);
                    let escaped = line.get(end) != Some(&b'"');
                    if escaped {
                        end = escaped_string(line, end).ok()?;
                    }
                    let value = &line[start..end];
                    let sure = match sure {
                        Sure::Nothing | Sure::Byte(_) => true,
                        Sure::Source(is) => is_source(value) == is,
                        Sure::Moment(is) => is_moment(value) == is,
                        Sure::Absolute(is) => request::is_absolute(value) == is,
                    };
                    if !sure {
                        return None;
                    }
                    if holds == Holds::Text {
                        recalled.message |= field == self.message;
                        record.values.push(Value { field, state, span: Span::new(start, end) });
                    } else if holds == Holds::Target {
                        push_target(line, start, end, escaped, record);
                    } else {
                        let mark = memchr::memchr(b'?', value);
                        let plain = if escaped { None } else { request::plain(line, start, end, METHOD, mark) };
                        match plain {
                            Some(values) => record.values.extend_from_slice(&values),
                            None => push_request(line, start, end, escaped, record),
                        }
                    }
                    end
                }
            };
        }
        record.blanks.colon = recalled.spacing.has(Spacing::WIDE_COLON);
        record.blanks.comma = recalled.spacing.has(Spacing::WIDE_COMMA);
        memory.credit = (memory.credit + 1).min(CREDIT);
        Some(recalled)
    }

    /// Remembers the gaps of a line that was read in full. `stands` says whether the value of a field, which never differs,
    /// leaves as it stands.
    #[cold]
    pub fn learn(&self, memory: &mut Memory, line: &[u8], record: &Record, stands: impl FnMut(u16, &[u8]) -> bool) {
        if line.len() < LONGEST && memory.affords() && self.learn_all(memory, line, record, stands) == Err(Fault::Full)
        {
            memory.forget();
        }
    }

    fn learn_all(
        &self,
        memory: &mut Memory,
        line: &[u8],
        record: &Record,
        mut stands: impl FnMut(u16, &[u8]) -> bool,
    ) -> Result<(), Fault> {
        if memory.links.capacity() == 0 {
            memory.links.reserve_exact(MOST_GAPS);
            memory.surroundings.reserve_exact(MOST_SURROUNDINGS);
            memory.paths.reserve_exact(MOST_PATHS);
            memory.learned.path.reserve_exact(LONGEST_PATH);
            memory.learned.fixed.reserve_exact(LONGEST);
            memory.learned.marks.reserve_exact(LONGEST);
            memory.learned.parts.reserve_exact(LONGEST);
            memory.learned.pieces.reserve_exact(LONGEST);
            memory.learned.noted.reserve_exact(LONGEST);
        }
        memory.learned.path.clear();
        memory.learned.fixed.clear();
        memory.learned.marks.clear();
        // Each open object or array: how long the path was before it, and what it is.
        let mut frames = [(0, Around::Object); DEPTH];
        let mut depth: usize = 0;
        let mut key: Option<Span> = None;
        let (mut from, mut text_before) = (0, false);
        let mut before = memory.surroundings().ok_or(Fault::Full)?;
        for mark in &record.marks {
            let around = depth.checked_sub(1).and_then(|inner| frames.get(inner)).map_or(Around::Object, |f| f.1);
            let learned = &mut memory.learned;
            let numbered = learned.fixed.len() as u16;
            match *mark {
                Mark::Object | Mark::Array => {
                    let frame = frames.get_mut(depth).ok_or(Fault::Unfit)?;
                    let kind = match (*mark, around) {
                        (Mark::Array, _) => Around::Array,
                        (_, Around::Array) => Around::Pair,
                        _ => Around::Object,
                    };
                    *frame = (learned.path.len(), kind);
                    depth += 1;
                    learned.marks.push(*mark);
                    learned.note(
                        &[],
                        if kind == Around::Array { b'[' } else { b'{' },
                        key.take().map(|key| key.of(line)),
                    )?;
                }
                Mark::Close => {
                    depth = depth.checked_sub(1).ok_or(Fault::Unfit)?;
                    learned.path.truncate(frames[depth].0);
                    learned.marks.push(*mark);
                    key = None;
                }
                Mark::Key(at) => {
                    key = Some(learned.fix(record, at, from)?);
                    learned.marks.push(Mark::Key(numbered));
                }
                // What the value beside it means hangs on it.
                Mark::Text(at) if around == Around::Pair && key.is_some_and(|key| key.of(line) == b"key") => {
                    let value = *record.values.get(usize::from(at)).ok_or(Fault::Unfit)?;
                    if value.field > UNKNOWN || value.state != State::Present {
                        return Err(Fault::Unfit);
                    }
                    let name = learned.fix(record, at, from)?;
                    learned.marks.push(Mark::Text(numbered));
                    learned.note(b"=", 0, Some(name.of(line)))?;
                    key = None;
                }
                Mark::Text(at) | Mark::Bare(at) | Mark::Request(at) | Mark::Target(at) => {
                    let (span, held) = self.held(line, record, *mark, at, around)?;
                    let renumbered = match *mark {
                        Mark::Text(_) => Mark::Text(numbered),
                        Mark::Bare(_) => Mark::Bare(numbered),
                        Mark::Request(_) => Mark::Request(numbered),
                        _ => Mark::Target(numbered),
                    };
                    learned.marks.push(renumbered);
                    let start = span.start as usize;
                    let text = line.get(from..start).ok_or(Fault::Unfit)?;
                    memory.settle(before, held, text, text_before, &mut stands)?;
                    before = memory.surroundings().ok_or(Fault::Full)?;
                    (from, text_before, key) = (span.end as usize, held.holds != Holds::Bare, None);
                }
            }
        }
        let text = line.get(from..).ok_or(Fault::Unfit)?;
        memory.settle(before, Held::new(Holds::End), text, text_before, &mut stands)
    }

    /// Where the value of a mark stands, and what it is.
    fn held(&self, line: &[u8], record: &Record, mark: Mark, at: u16, around: Around) -> Result<(Span, Held), Fault> {
        let values = |count| record.values.get(usize::from(at)..usize::from(at) + count).ok_or(Fault::Unfit);
        let cut = |values: &[Value]| {
            let mut present = values.iter().filter(|value| value.state != State::Absent).map(|value| value.span);
            let first = present.next()?;
            Some(Span { start: first.start, end: present.next_back().unwrap_or(first).end })
        };
        Ok(match mark {
            Mark::Request(_) => (cut(values(5)?).ok_or(Fault::Unfit)?, Held::new(Holds::Request)),
            Mark::Target(_) => {
                let sure = Sure::Absolute(false);
                (cut(values(3)?).ok_or(Fault::Unfit)?, Held { sure, ..Held::new(Holds::Target) })
            }
            _ => {
                let Value { field, state, span } = values(1)?[0];
                let bytes = span.of(line);
                let is_bare = matches!(mark, Mark::Bare(_));
                let in_array = around == Around::Array;
                let sure = match field {
                    _ if is_bare && field == self.message => Sure::Byte(is_byte(bytes)),
                    _ if is_bare => Sure::Nothing,
                    // Which key such an element has, a gap does not say.
                    _ if (field == self.user || field == self.logger) && in_array => return Err(Fault::Unfit),
                    _ if field == self.user || field == self.logger => Sure::Source(is_source(bytes)),
                    _ if (field == self.message || field == self.timestamp) && in_array => {
                        Sure::Moment(is_moment(bytes))
                    }
                    URL if state == State::Present => Sure::Absolute(true),
                    _ => Sure::Nothing,
                };
                let holds = if is_bare { Holds::Bare } else { Holds::Text };
                (span, Held { holds, field, state, sure })
            }
        })
    }
}

/// What a value stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Around {
    Object,
    Array,
    /// An object in an array, which may be a pair of a name and a value.
    Pair,
}

impl Learned {
    /// Adds to the path: a sign, a name, another sign. No key holds a zero byte, which ends each.
    fn note(&mut self, sign: &[u8], bracket: u8, name: Option<&[u8]>) -> Result<(), Fault> {
        let name = name.unwrap_or_default();
        if self.path.len() + name.len() + 4 > LONGEST_PATH {
            return Err(Fault::Unfit);
        }
        self.path.extend_from_slice(sign);
        self.path.extend_from_slice(name);
        self.path.extend_from_slice(&[0, bracket]);
        Ok(())
    }

    /// Takes a value that never differs into the gap that starts at `from`.
    fn fix(&mut self, record: &Record, at: u16, from: usize) -> Result<Span, Fault> {
        let Value { field, state, span } = *record.values.get(usize::from(at)).ok_or(Fault::Unfit)?;
        let place = |at: u32| (at as usize).checked_sub(from).and_then(|at| u16::try_from(at).ok());
        let (start, end) = (place(span.start).ok_or(Fault::Unfit)?, place(span.end).ok_or(Fault::Unfit)?);
        self.fixed.push(Fixed { start, end, field, state });
        Ok(span)
    }

    /// Cuts a gap into its parts and tells its white space; `None`: there is something in it that was not told of, as a tag of
    /// ours is.
    fn cut(&mut self, text: &[u8], text_before: bool, holds: Holds) -> Option<Spacing> {
        self.parts.clear();
        let quoted = matches!(holds, Holds::Text | Holds::Request | Holds::Target);
        let mut spacing = Spacing::default();
        let mut fixed = self.fixed.iter();
        let mut at = 0;
        while let Some(&byte) = text.get(at) {
            let behind = text.get(at + 1).copied();
            let what = match byte {
                b'"' if at == 0 && text_before => What::Ends,
                b'"' if quoted && behind.is_none() => What::Opens,
                b'"' => {
                    let next = fixed.next().filter(|next| usize::from(next.start) == at + 1)?;
                    let end = usize::from(next.end);
                    let colon = end + 1 + text.get(end + 1..)?.iter().take_while(is_space).count();
                    spacing = if colon > end + 1 { spacing.with(Spacing::OTHER) } else { spacing };
                    match text.get(colon) {
                        Some(b':') => {
                            at = colon;
                            let (some, length) = blank(text, colon, Spacing::COLON, Spacing::WIDE_COLON);
                            spacing = spacing.with(some);
                            at += length;
                            What::Key
                        }
                        _ => {
                            at = end;
                            What::Fixed
                        }
                    }
                }
                b'}' if holds == Holds::End && text[at + 1..].iter().all(|byte| is_space(&byte)) => What::Last,
                b'}' | b']' => What::Close,
                b'{' | b'[' => What::Open,
                b',' => {
                    let (some, length) = blank(text, at, Spacing::COMMA, Spacing::WIDE_COMMA);
                    spacing = spacing.with(some);
                    at += length;
                    What::Comma
                }
                byte if is_space(&&byte) => {
                    spacing = spacing.with(Spacing::OTHER);
                    at += 1;
                    continue;
                }
                _ => return None,
            };
            at += 1;
            self.parts.push(Part { what, end: u16::try_from(at).ok()? });
        }
        fixed.next().is_none().then_some(spacing)
    }
}

impl Memory {
    /// Remembers the gap that was learned, and begins the next.
    fn settle(
        &mut self,
        before: u16,
        held: Held,
        text: &[u8],
        text_before: bool,
        stands: &mut impl FnMut(u16, &[u8]) -> bool,
    ) -> Result<(), Fault> {
        let spacing = self.learned.cut(text, text_before, held.holds).ok_or(Fault::Unfit)?;
        let stands = self.learned.fixed.iter().all(|fixed| {
            fixed.state == State::Present
                && stands(fixed.field, &text[usize::from(fixed.start)..usize::from(fixed.end)])
        });
        self.add(before, held, spacing, stands, text)?;
        self.learned.fixed.clear();
        self.learned.marks.clear();
        Ok(())
    }
}

/// What white space stands behind the byte at `at`, and how much of it belongs to it: one blank.
fn blank(text: &[u8], at: usize, none: Spacing, one: Spacing) -> (Spacing, usize) {
    match text.get(at + 1) {
        Some(b' ') => (one, 1),
        Some(byte) if is_space(&byte) => (Spacing::OTHER, 0),
        _ => (none, 0),
    }
}

fn is_space(byte: &&u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Adds what is in a gap that starts at `at`, and the mark of what it holds.
#[inline]
fn push_gap(table: &Table, gap: &Gap, at: usize, record: &mut Record) {
    let first = record.values.len() as u16;
    for fixed in table.fixed(gap) {
        let span = Span::new(at + usize::from(fixed.start), at + usize::from(fixed.end));
        record.values.push(Value { field: fixed.field, state: fixed.state, span });
    }
    record.marks.extend(table.marks(gap).iter().map(|mark| match *mark {
        Mark::Object | Mark::Array | Mark::Close => *mark,
        Mark::Key(at) => Mark::Key(first + at),
        Mark::Text(at) => Mark::Text(first + at),
        Mark::Bare(at) => Mark::Bare(first + at),
        Mark::Request(at) => Mark::Request(first + at),
        Mark::Target(at) => Mark::Target(first + at),
    }));
}

/// Whether it may be a time in an array of a time and a line.
#[inline]
pub(super) fn is_moment(text: &[u8]) -> bool {
    text.len() == 19 && text.iter().all(u8::is_ascii_digit)
}

/// Whether it may be a byte of a text.
#[inline]
pub(super) fn is_byte(number: &[u8]) -> bool {
    number.len() <= 3 && number.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
pub(crate) mod tests;
