//! A JSON object that leaves in its own layout, made in one go.
//!
//! It is for lines that were read by what stood between the values of earlier ones ([`crate::record::gap`]): what stands
//! between two values that leave is copied as it stands, for the bytes are those whose keys a treatment once let stand. Where
//! a value goes its member goes, and with it each object or array of which nothing is left, as the encoder does it.

use super::{Aid, Laid, Outcome, Step, Treated, copy, keep::Grammar, missing, repeated::Known};
use crate::record::{
    DEPTH, Record, Schema, State, Value,
    gap::{Effect, Gap, Holds, Opened, RUN, Run, Table, What},
};

/// Treats each value and lays the object; `None`: something in it is for the encoder to write, and nothing was made. The
/// record's gaps must all stand and its white space be even; it has no keys.
#[inline(never)]
pub fn lay_object<'a>(
    steps: &[Step],
    table: &Table,
    schema: &'a Schema,
    line: &'a [u8],
    record: &'a Record,
    aid: &mut Aid,
    scratch: &'a mut super::Scratch,
) -> Option<Treated<'a>> {
    let super::Scratch { slots, made, .. } = scratch;
    slots.clear();
    made.clear();
    let mut lay = Lay::new(steps, line, aid, made);
    let mut values = &record.values[..];
    let mut at = 0;
    for &number in &record.gaps {
        if number & RUN != 0 {
            let run = table.runs().run(number ^ RUN);
            match &run.effect {
                Some(effect) if lay.left => lay.foreseen(table, effect, at, at + usize::from(run.length)),
                _ => lay.run(table, run, at),
            }
            at += usize::from(run.length);
            values = values.get(table.runs().noted(run).len()..)?;
            continue;
        }
        let gap = table.gap(number);
        lay.gap(table, gap, at);
        let left = match gap.held.holds {
            holds @ (Holds::Text | Holds::Bare) => {
                let (value, rest) = values.split_first()?;
                values = rest;
                debug_assert_ne!(value.state, State::Absent);
                at = value.span.end as usize;
                if holds == Holds::Text { lay.value(value)? } else { lay.bare(value)? }
            }
            Holds::End => break,
            holds @ (Holds::Request | Holds::Target) => {
                let (these, rest) = values.split_at_checked(if holds == Holds::Request { 5 } else { 3 })?;
                values = rest;
                at = these.iter().rev().find(|value| value.state != State::Absent)?.span.end as usize;
                if holds == Holds::Request { lay.request(these)? } else { lay.target(these)? }
            }
        };
        if left {
            lay.stack[lay.depth - 1].any = true
        } else {
            lay.cut()
        }
        lay.left = left;
    }
    lay.flush(lay.to);
    Some(Treated { schema, line, record, scratch, laid: Some(Laid::Object) })
}

/// An object in the making.
struct Lay<'s, 'l, 'm> {
    steps: &'s [Step],
    line: &'l [u8],
    aid: &'m mut Aid,
    made: &'m mut Vec<u8>,
    /// The run of the line that waits to be copied.
    from: usize,
    to: usize,
    stack: [Open; DEPTH],
    depth: usize,
    /// Where the member or element at hand begins in what is made, comma included, if what waits were copied.
    member: usize,
    /// Whether the last value left, in some form.
    left: bool,
}

/// An object or array that is open.
#[derive(Clone, Copy, Default)]
struct Open {
    /// Where it begins in what is made, with its comma and key.
    start: u32,
    /// Whether anything of it was written.
    any: bool,
    /// Whether the line has anything in it.
    had: bool,
}

/// Whether all of a value leaves, `true`, or nothing, wherever and whenever it stands; `None`: neither.
pub fn settled(step: &Step, value: &[u8], aid: &mut Aid, scratch: &mut super::Scratch) -> Option<bool> {
    if missing(value, true) {
        return Some(true);
    }
    match step {
        Step::Drop => return Some(false),
        Step::Keep(_) => {}
        step if step.repeats() => {}
        _ => return None,
    }
    scratch.made.clear();
    match step.treat(value, aid, &mut scratch.made) {
        Outcome::Kept => Some(true),
        Outcome::Dropped => Some(false),
        Outcome::Made | Outcome::Part(..) => None,
    }
}

/// Finds out what a run does to an object that is written and remembers it, if that is always the same behind a value that
/// left.
pub fn foresee(table: &mut Table, number: u16, aid: &mut Aid, scratch: &mut super::Scratch) {
    // So many objects and arrays are taken to be open in front of it.
    const OUTER: usize = DEPTH / 2;
    let run = *table.runs().run(number);
    let (mut depth, mut least) = (OUTER, OUTER);
    let (mut whole, mut left) = (true, true);
    for piece in table.runs().pieces(&run) {
        let gap = table.gap(piece.gap);
        let Some(closed) = depth.checked_sub(usize::from(gap.closes)).filter(|_| gap.simple) else { return };
        depth = closed + table.opens(gap).len();
        least = least.min(closed);
        if least < 2 || depth >= DEPTH {
            return;
        }
        (whole, left) = (whole && piece.kept, piece.kept);
    }
    scratch.made.clear();
    let mut lay = Lay::new(&[], table.runs().text(&run), aid, &mut scratch.made);
    lay.stack[..OUTER].fill(Open { start: 0, any: true, had: true });
    lay.depth = OUTER;
    lay.run(table, &run, 0);
    lay.flush(lay.to);
    let mut opened = [Opened { start: 0, any: true }; DEPTH];
    for (opened, open) in opened.iter_mut().zip(&lay.stack[least..depth]) {
        *opened = Opened { start: open.start, any: open.any };
    }
    debug_assert_eq!(lay.depth, depth);
    let made = (!whole).then_some(&scratch.made[..]);
    table.runs_mut().foresee(number, made, (OUTER - least) as u16, &opened[..depth - least], left);
}

impl<'s, 'l, 'm> Lay<'s, 'l, 'm> {
    fn new(steps: &'s [Step], line: &'l [u8], aid: &'m mut Aid, made: &'m mut Vec<u8>) -> Lay<'s, 'l, 'm> {
        let stack = [Open::default(); DEPTH];
        Lay { steps, line, aid, made, from: 0, to: 0, stack, depth: 0, member: 0, left: true }
    }

    /// A run from `at` to `end` behind a value that left, of which it is known what it does.
    #[inline(always)]
    fn foreseen(&mut self, table: &Table, effect: &Effect, at: usize, end: usize) {
        let before = self.made.len() + (at - self.from);
        if effect.whole {
            self.to = end;
        } else {
            self.flush(at);
            let (made, first, last) = table.runs().made(effect);
            copy(made, first, last, self.made);
            self.from = if effect.left { end } else { 0 };
            self.to = self.from;
        }
        if effect.closes > 0 {
            self.depth -= usize::from(effect.closes);
            self.stack[self.depth - 1].any = true;
        }
        for opened in table.runs().opened(effect) {
            self.stack[self.depth] = Open { start: before as u32 + opened.start, any: opened.any, had: true };
            self.depth += 1;
        }
        self.left = effect.left;
    }

    /// The run that starts at `at`.
    #[inline(never)]
    fn run(&mut self, table: &Table, run: &Run, mut at: usize) {
        for piece in table.runs().pieces(run) {
            let gap = table.gap(piece.gap);
            self.gap(table, gap, at);
            at += usize::from(gap.length) + usize::from(piece.length);
            if piece.kept {
                self.to = at;
                self.stack[self.depth - 1].any = true;
            } else {
                self.cut();
            }
            self.left = piece.kept;
        }
    }

    /// The gap that starts at `at`.
    #[inline(always)]
    fn gap(&mut self, table: &Table, gap: &Gap, at: usize) {
        if !gap.simple {
            return self.gap_in_parts(table, gap, at);
        }
        // How much of the gap goes, from its start, with what stood before it.
        let mut gone = 0;
        if self.left {
            if gap.closes > 0 {
                self.depth -= usize::from(gap.closes);
                self.stack[self.depth - 1].any = true;
            }
        } else {
            gone = self.close(gap, at);
        }
        // What waits ends where the gap begins, or is nothing.
        let start = self.made.len() + if self.left { at - self.from } else { 0 };
        let place = |place: u16| start + usize::from(place).saturating_sub(gone);
        for &open in table.opens(gap) {
            self.stack[self.depth] = Open { start: place(open) as u32, any: false, had: true };
            self.depth += 1;
        }
        self.member = place(gap.member);
        if !self.left {
            self.from = at + gone;
        }
        self.to = at + usize::from(gap.length) - usize::from(gap.held.holds == Holds::End);
    }

    /// Closes what a gap closes behind a value that went, and says how much of the gap is then done with: its comma too, where
    /// nothing is in front of it.
    #[inline(always)]
    fn close(&mut self, gap: &Gap, at: usize) -> usize {
        let mut gone = usize::from(gap.ends);
        for _ in 0..gap.closes {
            self.depth -= 1;
            let open = self.stack[self.depth];
            if open.any {
                self.made.push(self.line[at + gone]);
                self.stack[self.depth - 1].any = true;
            } else {
                self.made.truncate(open.start as usize);
            }
            gone += 1;
        }
        let any = self.depth > 0 && self.stack[self.depth - 1].any;
        if any { gone } else { gone + usize::from(gap.comma) }
    }

    /// The same part by part, where something is opened and closed again.
    #[inline(never)]
    fn gap_in_parts(&mut self, table: &Table, gap: &Gap, at: usize) {
        self.flush(at);
        let mut start = at;
        for part in table.parts(gap) {
            let end = at + usize::from(part.end);
            let bytes = &self.line[start..end];
            start = end;
            let inner = self.depth.checked_sub(1).map(|inner| &mut self.stack[inner]);
            let stays = match (part.what, inner) {
                (What::Last, _) => false,
                (What::Ends, _) => self.left,
                (What::Close, Some(open)) => {
                    let stays = open.any || !open.had;
                    if !stays {
                        self.made.truncate(open.start as usize);
                    }
                    self.depth -= 1;
                    if let Some(outer) = self.depth.checked_sub(1) {
                        self.stack[outer].any |= stays;
                    }
                    stays
                }
                (What::Comma, Some(open)) => {
                    self.member = self.made.len();
                    open.any
                }
                (What::Open, open) => {
                    if let Some(open) = open {
                        open.had = true;
                    }
                    self.stack[self.depth] = Open { start: self.member as u32, any: false, had: false };
                    self.depth += 1;
                    true
                }
                (What::Fixed, Some(open)) => {
                    open.any = true;
                    true
                }
                (What::Key | What::Opens, Some(open)) => {
                    open.had = true;
                    true
                }
                (What::Close | What::Comma | What::Fixed | What::Key | What::Opens, None) => true,
            };
            if stays {
                self.made.extend_from_slice(bytes);
            }
            if part.what == What::Open {
                self.member = self.made.len();
            }
        }
        if gap.held.holds != Holds::End {
            self.stack[self.depth - 1].had = true;
        }
        (self.from, self.to) = (start, start);
    }

    /// Copies what waits, up to `at`.
    #[inline(always)]
    fn flush(&mut self, at: usize) {
        copy(self.line, self.from, self.to, self.made);
        (self.from, self.to) = (at, at);
    }

    /// Takes the member at hand back.
    #[inline(always)]
    fn cut(&mut self) {
        match self.member.checked_sub(self.made.len()) {
            Some(waits) => {
                self.to = self.from + waits;
                self.flush(0);
            }
            None => self.made.truncate(self.member),
        }
        (self.from, self.to) = (0, 0);
    }

    /// A value; whether anything of it is left, for the caller to cut if not. What waits ends where it begins.
    #[inline(always)]
    fn value(&mut self, value: &Value) -> Option<bool> {
        let end = value.span.end as usize;
        match value.state {
            State::Present => {}
            State::Absent | State::Ambiguous | State::Cut => return Some(false),
        }
        let step = &self.steps[usize::from(value.field)];
        let bytes = &self.line[value.span.start as usize..end];
        let passes = match step {
            Step::Drop => return if missing(bytes, true) { self.keep(end) } else { Some(false) },
            Step::Path(step) => step.passes(bytes, self.aid),
            Step::Keep(grammar) => grammar.passes_plainly(bytes, self.aid),
            Step::Coarsen(_)
            | Step::Cookie(_)
            | Step::Country(_)
            | Step::Family(_)
            | Step::Language
            | Step::Name(_)
            | Step::Origin(_)
            | Step::Pseudonym(_)
            | Step::Query(_)
            | Step::Scrub(_)
            | Step::Truncate(_) => false,
        };
        if passes || missing(bytes, true) {
            return self.keep(end);
        }
        self.treated(value)
    }

    #[inline(always)]
    fn keep(&mut self, end: usize) -> Option<bool> {
        self.to = end;
        Some(true)
    }

    /// A value that neither is missing nor passes at a glance.
    #[inline(never)]
    fn treated(&mut self, value: &Value) -> Option<bool> {
        let (line, step) = (self.line, &self.steps[usize::from(value.field)]);
        let (start, end) = (value.span.start as usize, value.span.end as usize);
        let bytes = &line[start..end];
        let repeats = match step {
            // One plain address is cut as fast as it is found.
            Step::Truncate(_) if bytes.len() < 16 => bytes.contains(&b':'),
            // Nor do fractions of seconds come again.
            Step::Keep(Grammar::Instant(_)) => !bytes.contains(&b'.'),
            step => step.repeats(),
        };
        if repeats && let Some(known) = self.aid.repeated.find(value.field, bytes) {
            match known {
                Known::Kept => self.to = end,
                Known::Dropped => return Some(false),
                Known::Made(bytes) => {
                    copy(line, self.from, self.to, self.made);
                    (self.from, self.to) = (end, end);
                    self.made.extend_from_slice(bytes);
                }
            }
            return Some(true);
        }
        self.flush(start);
        let before = self.made.len();
        let outcome = match step {
            Step::Path(step) => step.treat_anew(bytes, self.aid, self.made),
            step => step.treat(bytes, self.aid, self.made),
        };
        match outcome {
            Outcome::Kept => self.to = end,
            Outcome::Dropped => {}
            Outcome::Part(first, last) => {
                // Half an escape would be none.
                if bytes.contains(&b'\\') {
                    return None;
                }
                copy(line, start + first as usize, start + last as usize, self.made);
                (self.from, self.to) = (end, end);
            }
            Outcome::Made => {
                if !self.made[before..].iter().fold(true, |all, &byte| all & is_plain(byte)) {
                    return None;
                }
                (self.from, self.to) = (end, end);
            }
        }
        if repeats {
            self.aid.repeated.learn(value.field, bytes, outcome, &self.made[before..]);
        }
        Some(outcome != Outcome::Dropped)
    }

    /// A bare value: what is made of it stands in quotes, unless it is a number of digits.
    #[inline(always)]
    fn bare(&mut self, value: &Value) -> Option<bool> {
        let before = self.made.len() + (self.to - self.from);
        let left = self.value(value)?;
        let as_it_stood = self.from != self.to;
        if !left || as_it_stood {
            return Some(left);
        }
        match self.made[before..] {
            [b'0'..=b'9'] => {}
            [b'1'..=b'9', ref rest @ ..] if rest.iter().all(u8::is_ascii_digit) => {}
            // It may be something else that JSON writes without quotes.
            [b'0'..=b'9' | b'-' | b't' | b'f' | b'n', ..] => return None,
            _ => {
                self.made.insert(before, b'"');
                self.made.push(b'"');
            }
        }
        Some(true)
    }

    /// The five values of a request line.
    #[inline(always)]
    fn request(&mut self, values: &[Value]) -> Option<bool> {
        let [method, path, query, protocol, whole] = values else { return None };
        if whole.state != State::Absent {
            return self.value(whole);
        }
        let mut left = self.value_or_dash(method)?;
        self.to = path.span.start as usize;
        left |= self.value_or_dash(path)?;
        left |= self.query(query)?;
        if protocol.state != State::Absent {
            self.to = protocol.span.start as usize;
            left |= self.value_or_dash(protocol)?;
        }
        Some(left)
    }

    /// The three values of a target.
    #[inline(always)]
    fn target(&mut self, values: &[Value]) -> Option<bool> {
        let [path, query, whole] = values else { return None };
        if whole.state != State::Absent {
            return self.value(whole);
        }
        let left = self.value_or_dash(path)?;
        Some(left | self.query(query)?)
    }

    /// A value, or a dash in its place; whether it was left.
    #[inline(always)]
    fn value_or_dash(&mut self, value: &Value) -> Option<bool> {
        let left = self.value(value)?;
        if !left {
            self.flush(value.span.end as usize);
            self.made.push(b'-');
        }
        Some(left)
    }

    /// A query with its question mark, which goes with it.
    #[inline(always)]
    fn query(&mut self, query: &Value) -> Option<bool> {
        if query.state == State::Absent {
            return Some(false);
        }
        self.to = query.span.start as usize;
        let left = self.value(query)?;
        if !left {
            if self.from < self.to {
                self.to -= 1;
            } else {
                self.made.pop();
            }
            self.flush(query.span.end as usize);
        }
        Some(left)
    }
}

/// Whether a byte may stand in a string of JSON as it is.
#[inline]
fn is_plain(byte: u8) -> bool {
    (byte >= 0x20) & (byte != b'"') & (byte != b'\\')
}
