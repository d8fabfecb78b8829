//! What stands between the values of a JSON line, remembered from earlier lines: programs write the same keys, quotes and
//! brackets in line after line.

mod runs;

pub use runs::{Effect, NewRun, Noted, Opened, Piece, Run, Runs};

use super::{Mark, State};

/// What stands from the end of one value of a line, or from the line's start, to the next one, or to the line's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// How many bytes of the line it is.
    pub length: u16,
    /// What comes behind it.
    pub held: Held,
    /// Its white space.
    pub spacing: Spacing,
    /// Whether every key in it leaves as it stands.
    pub stands: bool,
    /// How many quotes it has before all else, one or none, that end the value before.
    pub ends: u8,
    /// How many objects and arrays it closes then, a byte each.
    pub closes: u8,
    /// How many bytes of it are a comma then, with its blank.
    pub comma: u8,
    /// Where in it the member or element begins whose value comes behind it, comma included.
    pub member: u16,
    /// Whether these and [`Table::opens`] say all of it: behind the comma stand keys and what is opened.
    pub simple: bool,
    /// As many of its bytes as fit.
    head: [u8; BLOCK],
    /// Which of the bytes there are its.
    mask: [u8; BLOCK],
    text: u32,
    fixed: Range,
    marks: Range,
    parts: Range,
    opens: Range,
}

/// What comes behind a gap, and what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// What it is.
    pub holds: Holds,
    /// Its field, where it is one value.
    pub field: u16,
    /// The state of that value.
    pub state: State,
    /// What is known of its bytes.
    pub sure: Sure,
}

impl Held {
    /// Something of which no more is known.
    pub fn new(holds: Holds) -> Held {
        Held { holds, field: 0, state: State::Present, sure: Sure::Nothing }
    }
}

/// What comes behind a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// The line's end.
    End,
    /// A quoted string: one value.
    Text,
    /// A bare number, `true`, `false` or `null`: one value.
    Bare,
    /// A quoted request line: five values.
    Request,
    /// A quoted target: three values.
    Target,
}

/// What was true of the value behind a gap and must be so again: it had a say in what the value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sure {
    /// Nothing need be.
    Nothing,
    /// Whether it is a place in a source text.
    Source(bool),
    /// Whether it is a time of nineteen digits.
    Moment(bool),
    /// Whether it is a number that may be a byte.
    Byte(bool),
    /// Whether it is a URL with its scheme.
    Absolute(bool),
}

/// The white space of a gap, or of all gaps of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spacing(u8);

impl Spacing {
    /// A colon without a blank behind it.
    pub const COLON: Spacing = Spacing(1);
    /// A colon with one blank.
    pub const WIDE_COLON: Spacing = Spacing(2);
    /// A comma without a blank behind it.
    pub const COMMA: Spacing = Spacing(4);
    /// A comma with one blank.
    pub const WIDE_COMMA: Spacing = Spacing(8);
    /// Any other white space.
    pub const OTHER: Spacing = Spacing(16);

    /// Both together.
    #[inline]
    pub fn with(self, other: Spacing) -> Spacing {
        Spacing(self.0 | other.0)
    }

    /// Whether a line of it has a blank behind all of its colons or none, behind all of its commas or none, and no other
    /// white space: then it is written again as it stands.
    #[inline]
    pub fn is_even(self) -> bool {
        !matches!(self.0 & 3, 3) && !matches!(self.0 & 12, 12) && self.0 & 16 == 0
    }

    /// Whether there is one of these.
    #[inline]
    pub fn has(self, other: Spacing) -> bool {
        self.0 & other.0 != 0
    }
}

/// A key, or a value that is the same wherever the gap stands: where it stands in the gap, and its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// First byte.
    pub start: u16,
    /// One past the last byte.
    pub end: u16,
    /// Index into the schema's fields.
    pub field: u16,
    /// Its state.
    pub state: State,
}

/// A part of a gap: up to where in it, and what it is. The parts of a gap are all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub what: What,
    /// One past its last byte, from the gap's start.
    pub end: u16,
}

/// What a part of a gap is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The quote that ends the value before.
    Ends,
    /// The end of the innermost object or array.
    Close,
    /// A comma, with its blank.
    Comma,
    /// A key with its quotes and its colon.
    Key,
    /// The start of an object or array.
    Open,
    /// A string that never differs, with its quotes.
    Fixed,
    /// The quote that opens the value behind.
    Opens,
    /// The end of the outermost object.
    Last,
}

/// A gap as it is learned.
#[derive(Clone, Copy, Debug)]
pub struct New<'a> {
    /// What comes behind it.
    pub held: Held,
    /// Its white space.
    pub spacing: Spacing,
    /// Whether every key in it leaves as it stands.
    pub stands: bool,
    /// Its bytes.
    pub text: &'a [u8],
    /// Its keys, and the values in it that never differ.
    pub fixed: &'a [Fixed],
    /// Its marks and that of what comes behind it.
    pub marks: &'a [Mark],
    /// What it is made of.
    pub parts: &'a [Part],
}

/// A range of one of the table's lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Range {
    start: u16,
    count: u16,
}

impl Range {
    #[inline]
    fn of<T>(self, all: &[T]) -> &[T] {
        &all[usize::from(self.start)..][..usize::from(self.count)]
    }
}

/// The gaps that are remembered. Takes its memory with the first of them, and never more.
#[derive(Clone, Default)]
pub struct Table {
    gaps: Vec<Gap>,
    text: Vec<u8>,
    fixed: Vec<Fixed>,
    marks: Vec<Mark>,
    parts: Vec<Part>,
    opens: Vec<u16>,
    runs: Runs,
}

/// Set in the number of a run where it stands among those of gaps.
pub const RUN: u16 = 1 << 15;
/// So many gaps are remembered at most.
pub const MOST_GAPS: usize = 256;
/// So many bytes of them.
const MOST_TEXT: usize = 16 << 10;
/// So many of each thing that they are made of.
const MOST_PARTS: usize = 2048;
/// So many of a gap's bytes are compared at once.
const BLOCK: usize = 32;

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("gaps", &self.gaps.len()).finish_non_exhaustive()
    }
}

impl Table {
    /// The gap of this number.
    #[inline]
    pub fn gap(&self, number: u16) -> &Gap {
        &self.gaps[usize::from(number)]
    }

    /// All of them.
    #[inline]
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// The runs of these gaps.
    #[inline]
    pub fn runs(&self) -> &Runs {
        &self.runs
    }

    /// The same, to learn or forget some.
    pub fn runs_mut(&mut self) -> &mut Runs {
        &mut self.runs
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.gaps.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.gaps.is_empty()
    }

    /// Its bytes.
    pub fn text(&self, gap: &Gap) -> &[u8] {
        &self.text[gap.text as usize..][..usize::from(gap.length)]
    }

    /// Its keys, and the values in it that never differ.
    #[inline]
    pub fn fixed(&self, gap: &Gap) -> &[Fixed] {
        gap.fixed.of(&self.fixed)
    }

    /// Its marks and that of what comes behind it; their values are numbered from the first that stands in the gap.
    #[inline]
    pub fn marks(&self, gap: &Gap) -> &[Mark] {
        gap.marks.of(&self.marks)
    }

    /// What it is made of, in order.
    #[inline]
    pub fn parts(&self, gap: &Gap) -> &[Part] {
        gap.parts.of(&self.parts)
    }

    /// Where the members or elements begin in it that are objects and arrays and are not closed in it, comma included.
    #[inline]
    pub fn opens(&self, gap: &Gap) -> &[u16] {
        gap.opens.of(&self.opens)
    }

    /// Whether `lines` begin with the gap's bytes.
    #[inline(always)]
    pub fn begins(&self, gap: &Gap, lines: &[u8]) -> bool {
        // Most are short: a block with what does not count masked out is compared without a call.
        let Some(one) = lines.first_chunk::<BLOCK>() else { return lines.starts_with(self.text(gap)) };
        let differs = |i: usize| {
            let word = |block: &[u8; BLOCK]| u64::from_le_bytes(block.as_chunks::<8>().0[i]);
            (word(one) ^ word(&gap.head)) & word(&gap.mask)
        };
        let begins = differs(0) | differs(1) | differs(2) | differs(3) == 0;
        begins && (usize::from(gap.length) <= BLOCK || lines.starts_with(self.text(gap)))
    }

    /// Forgets all, keeping its memory.
    pub fn clear(&mut self) {
        self.gaps.clear();
        self.text.clear();
        self.fixed.clear();
        self.marks.clear();
        self.parts.clear();
        self.opens.clear();
        self.runs.clear();
    }

    /// Remembers a gap. Its number; `None`: there is no room.
    pub fn push(&mut self, new: New<'_>) -> Option<u16> {
        let New { held, spacing, stands, text, fixed, marks, parts } = new;
        if self.gaps.capacity() == 0 {
            self.gaps.reserve_exact(MOST_GAPS);
            self.text.reserve_exact(MOST_TEXT);
            self.fixed.reserve_exact(MOST_PARTS);
            self.marks.reserve_exact(MOST_PARTS);
            self.parts.reserve_exact(MOST_PARTS);
            self.opens.reserve_exact(MOST_PARTS);
        }
        let longest = fixed.len().max(marks.len()).max(parts.len());
        let filled = self.fixed.len().max(self.marks.len()).max(self.parts.len()).max(self.opens.len());
        let room =
            self.gaps.len() < MOST_GAPS && self.text.len() + text.len() <= MOST_TEXT && filled + longest <= MOST_PARTS;
        if !room {
            return None;
        }
        let (mut head, mut mask) = ([0; BLOCK], [0; BLOCK]);
        let first = &text[..text.len().min(BLOCK)];
        head[..first.len()].copy_from_slice(first);
        mask[..first.len()].fill(0xff);
        let mut gap = Gap {
            head,
            mask,
            length: u16::try_from(text.len()).ok()?,
            held,
            spacing,
            stands,
            ends: 0,
            closes: 0,
            comma: 0,
            member: 0,
            simple: true,
            text: self.text.len() as u32,
            fixed: put(&mut self.fixed, fixed),
            marks: put(&mut self.marks, marks),
            parts: put(&mut self.parts, parts),
            opens: Range { start: self.opens.len() as u16, count: 0 },
        };
        self.sum_up(&mut gap, parts);
        self.text.extend_from_slice(text);
        self.gaps.push(gap);
        Some((self.gaps.len() - 1) as u16)
    }

    /// Says of a gap in short what its parts do, if that can be said in short.
    fn sum_up(&mut self, gap: &mut Gap, parts: &[Part]) {
        let (mut start, mut begun) = (0, false);
        for part in parts {
            match part.what {
                What::Ends => gap.ends = 1,
                What::Close => {
                    gap.simple &= !begun && part.end == start + 1;
                    gap.closes += 1;
                }
                What::Comma => {
                    gap.simple &= !begun;
                    gap.member = start;
                    gap.comma = (part.end - start) as u8;
                }
                What::Open => {
                    self.opens.push(gap.member);
                    gap.opens.count += 1;
                    gap.member = part.end;
                }
                What::Fixed => gap.simple = false,
                What::Key | What::Opens | What::Last => {}
            }
            begun |= !matches!(part.what, What::Ends | What::Close);
            start = part.end;
        }
    }
}

fn put<T: Copy>(all: &mut Vec<T>, some: &[T]) -> Range {
    let start = all.len() as u16;
    all.extend_from_slice(some);
    Range { start, count: some.len() as u16 }
}

/// Where strings of a line of JSON may end: quotes, backslashes and control bytes, a bit a byte from the line's start. The
/// line feed that ends the line is one of them; what the bits say behind it means nothing.
#[derive(Clone, Debug)]
pub struct Ends {
    /// How many bytes stand before the line feed.
    pub length: usize,
    /// The bits.
    pub bits: [u64; LONGEST / 64],
}

/// A line of JSON that is as long as this is not looked at so.
pub const LONGEST: usize = 4096;

impl Default for Ends {
    fn default() -> Ends {
        Ends { length: 0, bits: [0; LONGEST / 64] }
    }
}

impl Ends {
    /// The first of them from `at` on, which is no further than the line feed.
    #[inline]
    pub fn next(&self, at: usize) -> usize {
        let mut word = at / 64;
        let mut bits = self.bits.get(word).copied().unwrap_or(0) & u64::MAX << (at % 64);
        while bits == 0 {
            word += 1;
            match self.bits.get(word) {
                Some(&next) => bits = next,
                None => return self.length,
            }
        }
        64 * word + bits.trailing_zeros() as usize
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn new(text: &[u8]) -> New<'_> {
        let held = Held::new(Holds::End);
        New { held, spacing: Spacing::default(), stands: true, text, fixed: &[], marks: &[], parts: &[] }
    }

    #[test]
    fn a_gap_is_found_at_the_start_of_what_begins_with_its_bytes_and_nowhere_else() {
        let mut table = Table::default();
        for length in 1..80usize {
            let text: Vec<u8> = (b' '..=b'~').cycle().skip(length).take(length).collect();
            let number = table.push(new(&text)).unwrap();
            let gap = *table.gap(number);
            assert_eq!(table.text(&gap), text);
            for behind in [0, 1, 40] {
                let line = [&text[..], &vec![b'"'; behind]].concat();
                assert!(table.begins(&gap, &line));
                for at in 0..length {
                    let mut other = line.clone();
                    other[at] ^= 1;
                    assert!(!table.begins(&gap, &other));
                }
            }
            assert!(!table.begins(&gap, &text[..length - 1]));
        }
    }

    #[test]
    fn a_full_table_takes_nothing_more_and_no_more_memory() {
        let mut table = Table::default();
        let part = Part { what: What::Open, end: 1 };
        let fixed = Fixed { start: 0, end: 1, field: 0, state: State::Present };
        let counts = [(1, 1, 1, 1), (100, 1, 1, 1), (1, 60, 1, 1), (1, 1, 60, 1), (1, 1, 1, 60)];
        for (text, fixes, marks, parts) in counts {
            table.clear();
            let mut pushed = 0;
            let (text, fixed) = (vec![b'a'; text], vec![fixed; fixes]);
            let (marks, parts) = (vec![Mark::Object; marks], vec![part; parts]);
            while table.push(New { fixed: &fixed, marks: &marks, parts: &parts, ..new(&text) }).is_some() {
                pushed += 1;
            }
            assert!((30..=MOST_GAPS).contains(&pushed), "{pushed}");
            assert!(table.text.capacity() == MOST_TEXT && table.opens.capacity() == MOST_PARTS);
            assert!(table.fixed.capacity() == MOST_PARTS && table.gaps.capacity() == MOST_GAPS);
        }
    }

    #[test]
    fn the_next_end_is_found_over_any_distance() {
        let mut ends = Ends { length: 300, ..Ends::default() };
        for at in [0, 5, 63, 64, 200, 300] {
            ends.bits[at / 64] |= 1 << (at % 64);
        }
        for (from, to) in [(0, 0), (1, 5), (6, 63), (64, 64), (65, 200), (201, 300), (300, 300)] {
            assert_eq!(ends.next(from), to);
        }
    }
}
