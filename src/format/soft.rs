//! A stretch of a line in which no single byte tells where a value ends: `$uri:$status`, a user before ` [`.
//!
//! Every way to read the stretch is followed at once, from its start and back from its end, as sets of positions; a value
//! whose bounds are the same in all of them is sure, the others are ambiguous. Linear in the length: no guess is ever
//! taken back. The plain version, which tries every reading, stands in the tests below.

use super::{
    Malformed,
    grammar::{self, Grammar},
    literal::Literal,
    seek,
    template::Shape,
};
use crate::record::{Record, Span};
use memchr::memchr;

/// Values and the literals between them, up to where the stretch surely ends.
#[derive(Clone, Debug)]
pub(super) struct Soft {
    pub(super) parts: Box<[Part]>,
    pub(super) end: End,
    /// How many bytes follow the first value, if all that follows has a fixed width.
    pub(super) fixed: Option<usize>,
    /// Whether it is a plain text, ` [` and Apache's time: `- [10/Oct/2000:13:55:36 -0700]` is what most lines have.
    pub(super) dated: bool,
}

/// One value of a stretch.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) grammar: Grammar,
    /// Bytes that can stand in it as they are.
    pub(super) table: Box<[bool; 256]>,
    /// Whether all printable bytes but the quote and the backslash can.
    pub(super) printable: bool,
    /// Whether a backslash takes the byte behind it along.
    pub(super) escapes: bool,
    /// The value begins with a slash or is empty: a target that follows its host without a literal.
    pub(super) slash: bool,
    /// Whether the dialect writes a missing value as nothing.
    pub(super) empty: bool,
    /// What follows it inside the stretch; empty behind the last.
    pub(super) literal: Literal,
    pub(super) field: u16,
    pub(super) shape: Shape,
}

/// Where a stretch ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    /// So many bytes before the end of the line.
    Line(usize),
    /// So many bytes before the first `byte`, which can stand in none of its values (escaped it may).
    Stop { byte: u8, before: usize, escapes: bool },
}

impl Soft {
    /// Adds the values of the stretch that starts at `at`; gives its end.
    #[inline]
    pub(super) fn run(&self, line: &[u8], at: usize, record: &mut Record) -> Result<usize, Malformed> {
        if let End::Stop { byte, before, .. } = self.end
            && self.dated
            && let Some(head) = line.get(at..at + 29)
            && head.starts_with(b"- [")
            && line.get(at + 29 + before) == Some(&byte)
            && grammar::is_clf(&head[3..])
        {
            record.push(self.parts[0].field, at, at + 1);
            record.push(self.parts[1].field, at + 3, at + 29);
            return Ok(at + 29);
        }
        if let Some(fixed) = self.fixed
            && let Some(end) = self.shortcut(line, at, fixed, record)
        {
            return Ok(end);
        }
        let end = self.end(line, at)?;
        let text = &line[at..end];
        match self.fixed {
            Some(fixed) => {
                let first = text.len().checked_sub(fixed).ok_or(self.malformed(at))?;
                if !self.parts[0].holds(&text[..first]) || !self.rest(line, at + first, at, record) {
                    return Err(self.malformed(at));
                }
            }
            None if self.tight(line, at, end, record).unwrap_or_else(|| solve(&self.parts, line, at, end, record)) => {}
            None => return Err(self.malformed(at)),
        }
        Ok(end)
    }

    /// Whether the stretch may begin with this byte. `true` says nothing.
    pub(super) fn begins_with(&self, byte: u8) -> bool {
        let first = &self.parts[0];
        first.may_be_empty() || first.table[byte as usize] || first.escapes && byte == b'\\'
    }

    /// Whether a quote can stand in one of its values without a backslash: Apache writes an empty user as two.
    pub(super) fn holds_quote(&self) -> bool {
        self.parts.iter().any(|part| part.grammar == Grammar::User || part.table[usize::from(b'"')])
    }

    /// A missing first value (`-`, or the two quotes of an empty user) with the fixed rest right behind it. No other
    /// reading is possible then: the stretch ends at its first stop, and this is where it stands.
    #[inline]
    fn shortcut(&self, line: &[u8], at: usize, fixed: usize, record: &mut Record) -> Option<usize> {
        let width = match line.get(at)? {
            b'-' => 1,
            b'"' if self.parts[0].grammar == Grammar::User && line.get(at + 1) == Some(&b'"') => 2,
            _ => return None,
        };
        let end = at + width + fixed;
        let ends = match self.end {
            End::Line(tail) => end + tail == line.len(),
            End::Stop { byte, before, .. } => line.get(end + before) == Some(&byte),
        };
        (ends && self.rest(line, at + width, at, record)).then_some(end)
    }

    /// Adds the first value, `start..at`, and those of fixed width behind it. Leaves the record as it was if they do not fit.
    #[inline]
    fn rest(&self, line: &[u8], mut at: usize, start: usize, record: &mut Record) -> bool {
        let count = record.values.len();
        let (first, rest) = self.parts.split_first().expect("a stretch has a value");
        match first.shape {
            Shape::Plain => record.push(first.field, start, at),
            shape => shape.push(record, first.field, line, start, at),
        }
        let mut literal = &first.literal;
        for part in rest {
            let value = literal.pass(line, at).unwrap_or(line.len());
            let end = value + part.grammar.width().unwrap_or_default();
            let fits = match (part.grammar, line.get(value..end)) {
                (Grammar::Clf, Some(time)) => grammar::is_clf(time),
                (grammar, Some(value)) => grammar.fits(value),
                (_, None) => false,
            };
            if !fits {
                record.values.truncate(count);
                return false;
            }
            // What has a fixed width is a time: one field.
            record.push(part.field, value, end);
            at = end;
            literal = &part.literal;
        }
        true
    }

    fn end(&self, line: &[u8], at: usize) -> Result<usize, Malformed> {
        match self.end {
            End::Line(tail) => line.len().checked_sub(tail).filter(|&end| end >= at),
            End::Stop { byte, before, escapes } => {
                let stop =
                    if escapes { unescaped(byte, line, at) } else { memchr(byte, &line[at..]).map(|stop| at + stop) };
                stop.and_then(|stop| stop.checked_sub(before)).filter(|&end| end >= at)
            }
        }
        .ok_or(self.malformed(at))
    }

    fn malformed(&self, at: usize) -> Malformed {
        Malformed { at: at as u32, expected: self.parts[0].grammar.expected() }
    }

    /// Reads a stretch whose values, or most of them, can lie in one place only. Each value ends at the earliest at the first
    /// literal behind it, from the left, and at the latest at the last one, from the right; where both are the same, no second
    /// reading is left. Every reading of the values between two such ends is followed by itself. `Some(false)`:
    /// there is no reading; `None`: that does not do, and the record stays as it was.
    fn tight(&self, line: &[u8], at: usize, end: usize, record: &mut Record) -> Option<bool> {
        let text = &line[at..end];
        let mut bounds = [(0, 0); MOST_TIGHT];
        let bounds = bounds.get_mut(..self.parts.len())?;
        let mut room = text.len();
        // The first of the values behind which each end is sure: what follows a literal cannot hold its last byte, so that no
        // such literal stands in it, and the last one is it.
        let mut sure = self.parts.len() - 1;
        for (i, part) in self.parts.iter().enumerate().rev() {
            let found = if i + 1 == self.parts.len() { Some(room) } else { part.literal.rfind(&text[..room]) };
            let Some(found) = found else { return Some(false) };
            if i + 1 == sure && self.parts[sure].excludes(part.literal.last()) {
                sure = i;
            }
            bounds[i].1 = found;
            let Some(start) = found.checked_sub(part.least()) else { return Some(false) };
            room = start;
        }
        let mut start = 0;
        for (i, (part, bounds)) in self.parts.iter().zip(&mut *bounds).enumerate() {
            let from = start + part.least();
            let earliest = match part.grammar.width() {
                _ if i >= sure => Some(bounds.1),
                Some(_) => Some(from),
                None => part.literal.find(text, from),
            };
            match earliest {
                Some(earliest) if from <= earliest && earliest <= bounds.1 => bounds.0 = earliest,
                _ => return Some(false),
            }
            start = bounds.0 + part.literal.len();
        }
        let count = record.values.len();
        let (mut start, mut i) = (0, 0);
        while i < self.parts.len() {
            // The first end behind here that is the same in every reading: that of the stretch always is.
            let Some(sure) = bounds[i..].iter().position(|(earliest, latest)| earliest == latest) else {
                record.values.truncate(count);
                return None;
            };
            let (group, bound) = (&self.parts[i..=i + sure], bounds[i + sure].0);
            let behind = bound + group[sure].literal.len();
            let reads = match group {
                [part] => {
                    part.reads(text, start, bound) && {
                        part.shape.push(record, part.field, line, at + start, at + bound);
                        true
                    }
                }
                group => start <= behind && solve(group, line, at + start, at + behind, record),
            };
            if !reads {
                record.values.truncate(count);
                return None;
            }
            start = behind;
            i += sure + 1;
        }
        Some(true)
    }
}

/// Follows every reading of `line[at..end]` as these values, each with its literal; whether there is one.
///
/// `record.scratch` holds one set of positions a part: where it can start. Forward, the sets are what can be reached;
/// backward, what does not reach the end is taken out again.
fn solve(parts: &[Part], line: &[u8], at: usize, end: usize, record: &mut Record) -> bool {
    let text = &line[at..end];
    let words = text.len() / 64 + 1;
    let count = parts.len();
    let mut scratch = std::mem::take(&mut record.scratch);
    scratch.clear();
    scratch.resize(words * (count + 1), 0);
    insert(&mut scratch, 0);
    // Typed values are tried one start and end at a time: the number of bytes looked at is bounded.
    let mut steps = 64 * text.len() + 4096;
    for (i, part) in parts.iter().enumerate() {
        let (starts, ends) = scratch[words * i..].split_at_mut(words);
        part.forward(text, starts, &mut ends[..words], &mut steps);
    }
    let last = &mut scratch[words * count..];
    let reached = contains(last, text.len());
    last.fill(0);
    insert(last, text.len());
    if reached {
        for (i, part) in parts.iter().enumerate().rev() {
            let (starts, ends) = scratch[words * i..].split_at_mut(words);
            part.backward(text, starts, &ends[..words], &mut steps);
        }
    }
    let read = reached && steps > 0 && push(parts, line, at, words, &scratch, record);
    record.scratch = scratch;
    read
}

/// Adds the values as the sets give them.
fn push(parts: &[Part], line: &[u8], at: usize, words: usize, scratch: &[u64], record: &mut Record) -> bool {
    parts.iter().enumerate().all(|(i, part)| {
        let (start, starts) = first(&scratch[words * i..words * (i + 1)]);
        let (next, ends) = first(&scratch[words * (i + 1)..words * (i + 2)]);
        let (start, end) = (at + start, at + next - part.literal.len());
        if starts == 1 && ends == 1 {
            part.shape.push(record, part.field, line, start, end);
            (part.empty && start == end) || part.grammar.fits(&line[start..end])
        } else {
            part.shape.push_ambiguous(record, part.field, Span::new(start, end.max(start)));
            true
        }
    })
}

impl Part {
    /// Whether no value of it can hold this byte.
    fn excludes(&self, byte: Option<&u8>) -> bool {
        !self.escapes && byte.is_some_and(|&byte| !self.table[usize::from(byte)])
    }

    /// Whether `value` can be this value.
    fn holds(&self, value: &[u8]) -> bool {
        // Most texts are printable and have none of the two bytes that need a closer look.
        if self.grammar.is_text() && value.len() >= 16 && self.is_plain(value) {
            return true;
        }
        let mut at = 0;
        while at < value.len() {
            let byte = value[at];
            if self.escapes && byte == b'\\' {
                at += 2;
            } else if self.table[byte as usize] {
                at += 1;
            } else {
                return false;
            }
        }
        at == value.len()
    }

    /// Whether `value` is printable ASCII without quotes and backslashes, and every such byte can stand in a value of it.
    fn is_plain(&self, value: &[u8]) -> bool {
        let plain = |byte: u8| (byte.wrapping_sub(b' ') < 0x5f) & (byte != b'"') & (byte != b'\\');
        self.printable && value.iter().fold(true, |all, &byte| all & plain(byte))
    }

    /// Whether it can stand at `start..end` of the text, with its literal behind it. `false` says nothing of a value that
    /// begins with a slash.
    fn reads(&self, text: &[u8], start: usize, end: usize) -> bool {
        let fits = |value: &[u8]| {
            let width = self.widths().is_none_or(|widths| widths.contains(&value.len()));
            (value.is_empty() && self.may_be_empty()) || (width && self.holds(value) && self.grammar.fits(value))
        };
        !self.slash && text.get(start..end).is_some_and(fits) && self.ends_at(text, end)
    }

    /// Whether its literal stands at `at`.
    #[inline]
    fn ends_at(&self, text: &[u8], at: usize) -> bool {
        match self.literal.first() {
            Some(first) => text.get(at) == Some(first) && text[at..].starts_with(&self.literal),
            None => true,
        }
    }

    /// The least number of bytes it has.
    fn least(&self) -> usize {
        self.grammar.width().unwrap_or(usize::from(!self.may_be_empty()))
    }

    fn may_be_empty(&self) -> bool {
        self.empty || self.slash || self.grammar.is_text()
    }

    /// Whether the value may have one of few widths only, each tried by itself.
    fn widths(&self) -> Option<std::ops::RangeInclusive<usize>> {
        match self.grammar {
            Grammar::Address => Some(1..=LONGEST_ADDRESS),
            Grammar::Status => Some(1..=3),
            Grammar::Clf | Grammar::Iso | Grammar::Fixed(_) => self.grammar.width().map(|width| width..=width),
            Grammar::Text
            | Grammar::User
            | Grammar::Identity
            | Grammar::Token
            | Grammar::Host
            | Grammar::Client
            | Grammar::Visitor
            | Grammar::Addresses
            | Grammar::Number
            | Grammar::Numbers
            | Grammar::Method
            | Grammar::Protocol
            | Grammar::Word
            | Grammar::Time => None,
        }
    }

    /// Calls `end` for each end that a value from `start` on can have, as far as its grammar goes.
    fn ends(&self, text: &[u8], start: usize, steps: &mut usize, mut end: impl FnMut(usize)) {
        if self.empty {
            end(start);
        }
        let Some(widths) = self.widths() else { return };
        let longest = text[start..].iter().take(*widths.end()).take_while(|byte| self.table[**byte as usize]).count();
        for width in *widths.start()..=longest {
            if *steps == 0 {
                return;
            }
            if self.ends_at(text, start + width) {
                *steps = steps.saturating_sub(width);
                if self.grammar.fits(&text[start..start + width]) {
                    end(start + width);
                }
            }
        }
    }

    /// Puts into `next` every position behind this value and its literal that can be reached from `starts`.
    fn forward(&self, text: &[u8], starts: &[u64], next: &mut [u64], steps: &mut usize) {
        if self.widths().is_some() {
            for start in positions(starts, text.len()) {
                self.ends(text, start, steps, |end| {
                    if self.ends_at(text, end) {
                        insert(next, end + self.literal.len());
                    }
                });
            }
            return;
        }
        // `inside`: some value goes on here; `escaped`: some value has just read a backslash.
        let (mut inside, mut escaped) = (false, false);
        for at in 0..=text.len() {
            let starts_here = contains(starts, at);
            if (inside || (starts_here && self.may_be_empty())) && self.ends_at(text, at) {
                insert(next, at + self.literal.len());
            }
            let Some(&byte) = text.get(at) else { break };
            inside |= starts_here && (!self.slash || byte == b'/');
            let backslash = self.escapes && byte == b'\\';
            (inside, escaped) = (escaped || (inside && !backslash && self.table[byte as usize]), inside && backslash);
        }
    }

    /// Takes out of `starts` what leads to no position of `next`.
    fn backward(&self, text: &[u8], starts: &mut [u64], next: &[u64], steps: &mut usize) {
        let is_end = |at: usize| at + self.literal.len() <= text.len() && contains(next, at + self.literal.len());
        if self.widths().is_some() {
            for start in 0..=text.len() {
                if contains(starts, start) {
                    let mut leads = false;
                    self.ends(text, start, steps, |end| leads |= is_end(end));
                    if !leads {
                        remove(starts, start);
                    }
                }
            }
            return;
        }
        // Of the position behind: whether a value that goes on there, or is escaped there, comes to an end.
        let (mut inside, mut escaped) = (false, false);
        for at in (0..=text.len()).rev() {
            let (on, through) = match text.get(at) {
                Some(b'\\') if self.escapes => (escaped, inside),
                Some(&byte) => (inside && self.table[byte as usize], inside),
                None => (false, false),
            };
            let first = !self.slash || text.get(at) == Some(&b'/');
            if contains(starts, at) && !((on && first) || (self.may_be_empty() && is_end(at))) {
                remove(starts, at);
            }
            (inside, escaped) = (on || is_end(at), through);
        }
    }
}

/// Whether a table holds all printable bytes but the quote and the backslash, of which nothing is said.
pub(super) fn printable(table: &[bool; 256]) -> bool {
    (b' '..0x7f).filter(|byte| !matches!(byte, b'"' | b'\\')).all(|byte| table[usize::from(byte)])
}

/// Where the first `byte` at or behind `at` stands that no backslash takes along.
#[inline(always)]
pub(super) fn unescaped(byte: u8, line: &[u8], at: usize) -> Option<usize> {
    match seek::byte(line, at, byte) {
        stop if stop == line.len() => None,
        stop if stop == at || line[stop - 1] != b'\\' => Some(stop),
        _ => escaped(byte, line, at),
    }
}

/// The same, where a backslash stands before the first `byte`.
#[inline(never)]
fn escaped(byte: u8, line: &[u8], at: usize) -> Option<usize> {
    let mut from = at;
    loop {
        let stop = from + memchr(byte, &line[from..])?;
        if stop == from || line[stop - 1] != b'\\' {
            return Some(stop);
        }
        let backslashes = line[from..stop].iter().rev().take_while(|byte| **byte == b'\\').count();
        if backslashes % 2 == 0 {
            return Some(stop);
        }
        // One escape often follows another: in a flood of them a search for each would be slow.
        from = stop + 1;
        while line.get(from) == Some(&b'\\') {
            from = (from + 2).min(line.len());
        }
        if line.get(from) == Some(&byte) {
            return Some(from);
        }
    }
}

fn contains(set: &[u64], at: usize) -> bool {
    set[at / 64] >> (at % 64) & 1 == 1
}

fn insert(set: &mut [u64], at: usize) {
    set[at / 64] |= 1 << (at % 64);
}

fn remove(set: &mut [u64], at: usize) {
    set[at / 64] &= !(1 << (at % 64));
}

/// The positions of a set, in order.
fn positions(set: &[u64], last: usize) -> impl Iterator<Item = usize> {
    (0..=last).filter(|&at| contains(set, at))
}

/// The first position of a set and how many there are.
fn first(set: &[u64]) -> (usize, u32) {
    let at = set.iter().position(|&word| word != 0).map_or(0, |word| word * 64 + set[word].trailing_zeros() as usize);
    (at, set.iter().map(|word| word.count_ones()).sum())
}

/// Stretches of more values are always followed in full.
const MOST_TIGHT: usize = 24;

/// The longest IPv6 address (45 bytes) with a zone.
const LONGEST_ADDRESS: usize = 64;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::record::{State, Value};
    use proptest::prelude::*;

    fn part(grammar: Grammar, literal: &str, field: u16, escapes: bool) -> Part {
        let mut table: [bool; 256] = std::array::from_fn(|byte| grammar.holds(byte as u8));
        table[b'"' as usize] = false;
        Part {
            grammar,
            printable: printable(&table),
            table: Box::new(table),
            escapes,
            slash: false,
            empty: false,
            literal: Literal::new(literal.as_bytes()),
            field,
            shape: Shape::Plain,
        }
    }

    fn soft(parts: Vec<Part>) -> Soft {
        Soft { parts: parts.into(), end: End::Line(0), fixed: None, dated: false }
    }

    /// Every reading, one by one: the plain version.
    fn readings(
        parts: &[Part],
        text: &[u8],
        at: usize,
        so_far: &mut Vec<(usize, usize)>,
        all: &mut Vec<Vec<(usize, usize)>>,
    ) {
        let Some(part) = parts.first() else {
            if at == text.len() {
                all.push(so_far.clone());
            }
            return;
        };
        for end in at..=text.len() {
            let value = &text[at..end];
            let wide = part.widths().is_none_or(|widths| widths.contains(&value.len()) && part.grammar.fits(value));
            let whole = if value.is_empty() { part.may_be_empty() } else { wide && part.holds(value) };
            let slash = !part.slash || value.is_empty() || value[0] == b'/';
            if whole && slash && text[end..].starts_with(&part.literal) {
                so_far.push((at, end));
                readings(&parts[1..], text, end + part.literal.len(), so_far, all);
                so_far.pop();
            }
        }
    }

    fn plain(soft: &Soft, text: &[u8]) -> Option<Vec<Option<(usize, usize)>>> {
        let mut all = Vec::new();
        readings(&soft.parts, text, 0, &mut Vec::new(), &mut all);
        let first = all.first()?.clone();
        let sure: Vec<_> =
            (0..first.len()).map(|i| all.iter().all(|one| one[i] == first[i]).then_some(first[i])).collect();
        let fits = sure.iter().zip(&soft.parts).all(|(span, part)| {
            span.is_none_or(|(start, end)| (part.empty && start == end) || part.grammar.fits(&text[start..end]))
        });
        fits.then_some(sure)
    }

    fn fast(soft: &Soft, text: &[u8]) -> Option<Vec<Option<(usize, usize)>>> {
        let mut record = Record::default();
        soft.run(text, 0, &mut record).ok()?;
        let sure = |value: &Value| {
            (value.state == State::Present).then_some((value.span.start as usize, value.span.end as usize))
        };
        Some(record.values.iter().map(sure).collect())
    }

    #[test]
    fn the_last_colon_ends_a_path_before_a_status() {
        let soft = soft(vec![part(Grammar::Text, ":", 0, true), part(Grammar::Status, "", 1, false)]);
        assert_eq!(fast(&soft, b"/a:200:404"), Some(vec![Some((0, 6)), Some((7, 10))]));
        assert_eq!(fast(&soft, b"/a:2000"), None);
    }

    #[test]
    fn a_second_reading_makes_both_values_ambiguous() {
        let soft = soft(vec![part(Grammar::Text, " - ", 0, true), part(Grammar::Text, "", 1, true)]);
        assert_eq!(fast(&soft, b"192.0.2.1 - -"), Some(vec![Some((0, 9)), Some((12, 13))]));
        assert_eq!(fast(&soft, b"192.0.2.1 - x - -"), Some(vec![None, None]));
        assert_eq!(fast(&soft, b"192.0.2.1"), None);
    }

    #[test]
    fn a_backslash_takes_the_next_byte_along() {
        let soft = soft(vec![part(Grammar::Text, "\" ", 0, true), part(Grammar::Number, "", 1, false)]);
        assert_eq!(fast(&soft, b"a\\\\\" 5"), Some(vec![Some((0, 3)), Some((5, 6))]));
        assert_eq!(unescaped(b'"', b"a\\\"b\\\\\"c", 0), Some(6));
        assert_eq!(unescaped(b'"', b"\\\"", 1), Some(1));
    }

    #[test]
    fn a_long_hostile_stretch_ends_in_time() {
        let soft = soft(vec![
            part(Grammar::Text, ":", 0, true),
            part(Grammar::Address, ":", 1, false),
            part(Grammar::Text, "", 2, true),
        ]);
        let _ = fast(&soft, &b"1:".repeat(32 << 10));
        let _ = fast(&soft, &b"::".repeat(32 << 10));
    }

    fn parts() -> impl Strategy<Value = Vec<Part>> {
        let grammar = prop_oneof![
            4 => Just(Grammar::Text),
            1 => Just(Grammar::Status),
            1 => Just(Grammar::Number),
            1 => Just(Grammar::Address),
            2 => Just(Grammar::Token),
            1 => Just(Grammar::Client),
            1 => Just(Grammar::Fixed(2)),
        ];
        let literal = prop_oneof![Just(""), Just(" "), Just(":"), Just(" - "), Just("\"")];
        proptest::collection::vec((grammar, literal, any::<bool>(), any::<bool>(), any::<bool>()), 1..6).prop_map(
            |parts| {
                let count = parts.len();
                parts
                    .into_iter()
                    .enumerate()
                    .map(|(i, (grammar, literal, escapes, slash, empty))| Part {
                        slash: slash && grammar == Grammar::Text,
                        empty: empty && grammar.width().is_none(),
                        ..part(grammar, if i + 1 == count { "" } else { literal }, i as u16, escapes)
                    })
                    .collect()
            },
        )
    }

    fn plain_unescaped(line: &[u8], at: usize) -> Option<usize> {
        let mut at = at;
        while at < line.len() && line[at] != b'"' {
            at += if line[at] == b'\\' { 2 } else { 1 };
        }
        (at < line.len()).then_some(at)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn the_first_quote_that_is_not_escaped_is_found(line in r#"[a\\"]{0,16}"#, at in 0..16usize) {
            let at = at.min(line.len());
            prop_assert_eq!(unescaped(b'"', line.as_bytes(), at), plain_unescaped(line.as_bytes(), at));
        }

        #[test]
        fn following_all_readings_at_once_equals_trying_each(parts in parts(), text in r#"[a/1:. \\"-]{0,18}|[a/1:. -]{0,24}"#) {
            let soft = soft(parts);
            prop_assert_eq!(fast(&soft, text.as_bytes()), plain(&soft, text.as_bytes()));
        }
    }
}
