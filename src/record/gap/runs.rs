//! Stretches of lines that come again byte for byte: gaps, each with the value behind it, of which it is known what becomes.

use super::{Range, Spacing, put};
use crate::record::State;

/// A stretch of gaps and values. It begins where a gap does and ends behind a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// How many bytes of the line it is.
    pub length: u16,
    /// The white space of its gaps.
    pub spacing: Spacing,
    /// Its last gap.
    pub last: u16,
    /// What it does to an object that is written, where that is always the same.
    pub effect: Option<Effect>,
    text: u32,
    pieces: Range,
    noted: Range,
}

/// What a run does to an object that is written, behind a value that left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Whether all of it leaves as it stands; else its bytes are remembered ([`Runs::made`]).
    pub whole: bool,
    /// Whether its last value leaves.
    pub left: bool,
    /// How many objects and arrays it closes that it did not open.
    pub closes: u16,
    made: Range,
    opened: Range,
}

/// An object or array that a run opens and leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Where it begins in what the run writes, with its comma and key.
    pub start: u32,
    /// Whether anything in it was written.
    pub any: bool,
}

/// A gap of a run, and the value behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The gap.
    pub gap: u16,
    /// How many bytes the value has.
    pub length: u16,
    /// Whether the value leaves as it stands; else nothing of it leaves.
    pub kept: bool,
}

/// A value of a run that the record must know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noted {
    /// First byte, from the run's start.
    pub start: u16,
    /// One past the last byte.
    pub end: u16,
    /// Its field.
    pub field: u16,
    /// Its state.
    pub state: State,
}

/// A run as it is learned.
#[derive(Clone, Copy, Debug)]
pub struct NewRun<'a> {
    /// Its bytes and the one behind them.
    pub text: &'a [u8],
    /// The white space of its gaps.
    pub spacing: Spacing,
    /// Its gaps and values.
    pub pieces: &'a [Piece],
    /// The values that the record must know of, in order.
    pub noted: &'a [Noted],
}

/// The runs that are remembered. Takes its memory with the first of them, and never more.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    runs: Vec<Run>,
    text: Vec<u8>,
    pieces: Vec<Piece>,
    noted: Vec<Noted>,
    made: Vec<u8>,
    opened: Vec<Opened>,
}

/// So many runs are remembered at most.
pub const MOST_RUNS: usize = 96;
/// So many bytes of them.
const MOST_TEXT: usize = 16 << 10;
/// So many gaps of them.
const MOST_PIECES: usize = 1024;

impl Runs {
    /// The run of this number.
    #[inline]
    pub fn run(&self, number: u16) -> &Run {
        &self.runs[usize::from(number)]
    }

    /// Its gaps and values.
    #[inline]
    pub fn pieces(&self, run: &Run) -> &[Piece] {
        run.pieces.of(&self.pieces)
    }

    /// The values of it that the record must know of.
    #[inline]
    pub fn noted(&self, run: &Run) -> &[Noted] {
        run.noted.of(&self.noted)
    }

    /// The run's bytes.
    pub fn text(&self, run: &Run) -> &[u8] {
        &self.text[run.text as usize..][..usize::from(run.length)]
    }

    /// All that runs write, end to end, and where in it that of this one begins and ends.
    #[inline]
    pub fn made(&self, effect: &Effect) -> (&[u8], usize, usize) {
        let start = usize::from(effect.made.start);
        (&self.made, start, start + usize::from(effect.made.count))
    }

    /// The objects and arrays that a run leaves open, from the outside in.
    #[inline]
    pub fn opened(&self, effect: &Effect) -> &[Opened] {
        effect.opened.of(&self.opened)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.runs.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Remembers what a run does: what it writes, if it is not whole, and so on.
    pub fn foresee(&mut self, number: u16, made: Option<&[u8]>, closes: u16, opened: &[Opened], left: bool) {
        let room = self.made.len() + made.map_or(0, <[u8]>::len) <= MOST_TEXT
            && self.opened.len() + opened.len() <= MOST_PIECES;
        let Some(run) = self.runs.get_mut(usize::from(number)).filter(|_| room) else { return };
        let (whole, made) = (made.is_none(), made.unwrap_or_default());
        let (made, opened) = (put(&mut self.made, made), put(&mut self.opened, opened));
        run.effect = Some(Effect { whole, left, closes, made, opened });
    }

    /// Whether `lines` begin with the run, and its last value ends there.
    #[inline]
    pub fn begins(&self, run: &Run, lines: &[u8]) -> bool {
        let text = &self.text[run.text as usize..][..=usize::from(run.length)];
        // What differs mostly differs soon.
        match (text.first_chunk::<8>(), lines.first_chunk::<8>()) {
            (Some(one), Some(other)) if one != other => false,
            _ => lines.get(..text.len()) == Some(text),
        }
    }

    /// Remembers a run. Its number; `None`: there is no room.
    pub fn push(&mut self, new: NewRun<'_>) -> Option<u16> {
        let NewRun { text, spacing, pieces, noted } = new;
        if self.runs.capacity() == 0 {
            self.runs.reserve_exact(MOST_RUNS);
            self.text.reserve_exact(MOST_TEXT);
            self.pieces.reserve_exact(MOST_PIECES);
            self.noted.reserve_exact(MOST_PIECES);
            self.made.reserve_exact(MOST_TEXT);
            self.opened.reserve_exact(MOST_PIECES);
        }
        let room = self.runs.len() < MOST_RUNS
            && self.text.len() + text.len() <= MOST_TEXT
            && self.pieces.len() + pieces.len() <= MOST_PIECES
            && self.noted.len() + noted.len() <= MOST_PIECES;
        if !room {
            return None;
        }
        self.runs.push(Run {
            length: u16::try_from(text.len().checked_sub(1)?).ok()?,
            spacing,
            last: pieces.last()?.gap,
            effect: None,
            text: self.text.len() as u32,
            pieces: put(&mut self.pieces, pieces),
            noted: put(&mut self.noted, noted),
        });
        self.text.extend_from_slice(text);
        Some((self.runs.len() - 1) as u16)
    }

    /// Forgets all, keeping its memory.
    pub fn clear(&mut self) {
        self.runs.clear();
        self.text.clear();
        self.pieces.clear();
        self.noted.clear();
        self.made.clear();
        self.opened.clear();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn new<'a>(text: &'a [u8], pieces: &'a [Piece], noted: &'a [Noted]) -> NewRun<'a> {
        NewRun { text, spacing: Spacing::default(), pieces, noted }
    }

    #[test]
    fn a_run_is_found_where_all_its_bytes_stand_and_the_one_behind_it() {
        let mut runs = Runs::default();
        for length in 1..80usize {
            let text: Vec<u8> = (b' '..=b'~').cycle().skip(length).take(length + 1).collect();
            let piece = Piece { gap: 1, length: 2, kept: true };
            let number = runs.push(new(&text, &[piece], &[])).unwrap();
            let run = *runs.run(number);
            assert_eq!(usize::from(run.length), length);
            for behind in [0, 1, 40] {
                let line = [&text[..], &vec![b'"'; behind]].concat();
                assert!(runs.begins(&run, &line));
                for at in 0..=length {
                    let mut other = line.clone();
                    other[at] ^= 1;
                    assert!(!runs.begins(&run, &other));
                }
            }
            assert!(!runs.begins(&run, &text[..length]));
        }
    }

    #[test]
    fn full_memory_takes_no_more_runs_and_grows_no_more() {
        let mut runs = Runs::default();
        let piece = Piece { gap: 1, length: 2, kept: true };
        let noted = Noted { start: 1, end: 2, field: 3, state: State::Present };
        for (text, pieces, notes) in [(1, 1, 1), (1000, 1, 1), (1, 100, 1), (1, 1, 100)] {
            runs.clear();
            let (text, pieces, noted) = (vec![b'a'; text], vec![piece; pieces], vec![noted; notes]);
            let mut pushed = 0;
            while let Some(number) = runs.push(new(&text, &pieces, &noted)) {
                pushed += 1;
                let run = *runs.run(number);
                assert!(runs.pieces(&run) == pieces && runs.noted(&run) == noted);
            }
            assert!((10..=MOST_RUNS).contains(&pushed), "{pushed}");
            assert!(runs.text.capacity() == MOST_TEXT && runs.pieces.capacity() == MOST_PIECES);
        }
    }
}
