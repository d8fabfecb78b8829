//! Frames of a stream, RFC 6587: each says how long it is, or ends with a line feed. Its first byte tells which.

use crate::input::intake::{Board, Ending, Pot, add};

/// Cuts a stream into lines, however it comes in pieces. Holds no more than an unfinished frame.
///
/// A frame that begins with a digit other than 0, up to [`DIGITS`] of them and a blank, is so many bytes long. Where no blank
/// follows, or the number is over [`MOST_BYTES`] and over the longest line, it is no count: the frame goes up to its line feed.
#[derive(Debug)]
pub(super) struct Frames {
    state: State,
    /// What came of the frame so far, never more than the longest line and little more.
    held: Vec<u8>,
    longest_line: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Between two frames.
    Start,
    /// In the count, which is held.
    Count,
    /// In a frame of which so many bytes are to come.
    Counted(usize),
    /// In a frame that ends with a line feed.
    Line,
    /// So many bytes are the rest of a frame that was cut.
    RestCounted(usize),
    /// Everything up to the line feed is the rest of a frame that was cut.
    RestLine,
}

/// A count has at most so many digits.
const DIGITS: usize = 9;

/// Nobody counts a message longer than this.
const MOST_BYTES: usize = 1 << 20;

/// Held beside the longest line: what goes at its end.
const TRAILING_BYTES: usize = 2;

/// What is held goes back when it took more than this and is not needed.
const KEPT_BYTES: usize = 512;

impl Frames {
    pub(super) fn new(longest_line: usize) -> Frames {
        Frames { state: State::Start, held: Vec::new(), longest_line }
    }

    /// What it holds in memory.
    pub(super) fn memory(&self) -> usize {
        self.held.capacity()
    }

    /// Takes the next bytes, and puts lines into the pot. What is held may grow by `allowance` bytes; a frame that needs more
    /// is cut.
    pub(super) fn take(&mut self, mut bytes: &[u8], allowance: usize, pot: &mut Pot, board: &Board) {
        let most = (self.longest_line + TRAILING_BYTES).min(self.held.len() + allowance);
        while !bytes.is_empty() {
            bytes = match self.state {
                State::Start => self.start(bytes),
                State::Count => self.count(bytes, board),
                State::Counted(left) => {
                    let (now, rest) = bytes.split_at(left.min(bytes.len()));
                    match self.part(now, most, now.len() == left, pot, board) {
                        Part::Done => self.state = State::Start,
                        Part::More => self.state = State::Counted(left - now.len()),
                        Part::Cut if now.len() == left => self.state = State::Start,
                        Part::Cut => self.state = State::RestCounted(left - now.len()),
                    }
                    rest
                }
                State::Line => {
                    let end = memchr::memchr(b'\n', bytes);
                    let (now, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
                    match (self.part(now, most, end.is_some(), pot, board), end) {
                        (Part::Done, _) | (Part::Cut, Some(_)) => self.state = State::Start,
                        (Part::More, _) => {}
                        (Part::Cut, None) => self.state = State::RestLine,
                    }
                    &rest[usize::from(end.is_some())..]
                }
                State::RestCounted(left) => {
                    let n = left.min(bytes.len());
                    pot.skipped += n as u64;
                    self.state = if n == left { State::Start } else { State::RestCounted(left - n) };
                    &bytes[n..]
                }
                State::RestLine => match memchr::memchr(b'\n', bytes) {
                    Some(end) => {
                        pot.skipped += end as u64 + 1;
                        self.state = State::Start;
                        &bytes[end + 1..]
                    }
                    None => {
                        pot.skipped += bytes.len() as u64;
                        &[]
                    }
                },
            };
        }
        if self.held.is_empty() && self.held.capacity() > KEPT_BYTES {
            self.held = Vec::new();
        }
    }

    /// The stream is at its end: what is held is a line that was cut.
    pub(super) fn end(&mut self, pot: &mut Pot, board: &Board) {
        if !self.held.is_empty() {
            add(&board.torn, 1);
            self.whole(&[], Ending::Cut, pot, board);
        }
        *self = Frames::new(self.longest_line);
    }

    /// The first byte says what it is.
    fn start<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        match bytes {
            // The line feed behind a frame that was counted, or an empty line.
            [b'\n', rest @ ..] => rest,
            [b'1'..=b'9', ..] => {
                self.state = State::Count;
                bytes
            }
            _ => {
                self.state = State::Line;
                bytes
            }
        }
    }

    fn count<'b>(&mut self, bytes: &'b [u8], board: &Board) -> &'b [u8] {
        for (at, &byte) in bytes.iter().enumerate() {
            if byte.is_ascii_digit() && self.held.len() < DIGITS {
                self.held.push(byte);
                continue;
            }
            if byte != b' ' {
                // A line that begins with a number.
                self.state = State::Line;
                return &bytes[at..];
            }
            let count = self.held.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
            if count > MOST_BYTES.max(self.longest_line) {
                add(&board.malformed, 1);
                self.state = State::Line;
                return &bytes[at..];
            }
            self.held.clear();
            self.state = State::Counted(count);
            return &bytes[at + 1..];
        }
        &[]
    }

    /// A part of the frame, its last one if `is_last`.
    fn part(&mut self, now: &[u8], most: usize, is_last: bool, pot: &mut Pot, board: &Board) -> Part {
        if is_last && (self.held.is_empty() || self.held.len() + now.len() <= most) {
            self.whole(now, Ending::Whole, pot, board);
            return Part::Done;
        }
        if self.held.len() + now.len() <= most {
            self.held.extend_from_slice(now);
            return Part::More;
        }
        // Too long, or there is no memory for more of it.
        let fits = most.saturating_sub(self.held.len());
        self.held.extend_from_slice(&now[..fits]);
        pot.skipped += (now.len() - fits) as u64;
        if self.held.len() <= self.longest_line {
            add(&board.over_long, 1);
        }
        self.whole(&[], Ending::Cut, pot, board);
        Part::Cut
    }

    /// What is held and `rest` are a line.
    fn whole(&mut self, rest: &[u8], ending: Ending, pot: &mut Pot, board: &Board) {
        add(&board.messages, 1);
        let left = if self.held.is_empty() {
            pot.put(rest, self.longest_line, ending, board)
        } else {
            self.held.extend_from_slice(rest);
            let left = pot.put(&self.held, self.longest_line, ending, board);
            self.held.clear();
            left
        };
        add(&board.empty, u64::from(!left));
    }
}

enum Part {
    /// The frame is whole, and in the pot.
    Done,
    /// It goes on.
    More,
    /// It was cut, and its head is in the pot.
    Cut,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The lines of a stream in pieces of those sizes, without blanks at their ends; and how many frames it had.
    fn lines(bytes: &[u8], sizes: &[usize], limit: usize) -> (Vec<Vec<u8>>, u64) {
        let (mut frames, mut pot, board) = (Frames::new(limit), Pot::default(), Board::default());
        let (mut rest, mut sizes, mut lines, mut count) = (bytes, sizes.iter().cycle(), Vec::new(), 0);
        let mut gather = |pot: &mut Pot| {
            // A line that is cut before it is known to end with line feeds alone keeps some of them, as blanks.
            lines.extend(pot.lines().into_iter().map(|line| line.trim_ascii_end().to_vec()));
            count += pot.lines;
            *pot = Pot::default();
        };
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(sizes.next().copied().unwrap_or(1)));
            frames.take(now, usize::MAX / 2, &mut pot, &board);
            assert!(frames.held.len() <= limit.max(DIGITS) + TRAILING_BYTES);
            gather(&mut pot);
            rest = later;
        }
        frames.end(&mut pot, &board);
        gather(&mut pot);
        let counts = board.counts();
        assert_eq!(counts.messages, count + counts.empty);
        // Where only those are within the limit, it is the same as nothing.
        lines.retain(|line| !line.is_empty());
        (lines, counts.messages)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn any_stream_has_the_same_lines_however_it_comes_in_pieces(
            parts in proptest::collection::vec(
                prop_oneof![
                    3 => Just(b"\n".to_vec()),
                    2 => (1usize..30).prop_map(|count| format!("{count} ").into_bytes()),
                    3 => "[a-z]{1,20}".prop_map(String::into_bytes),
                    1 => any::<u8>().prop_map(|byte| vec![byte]),
                    1 => "[0-9]{1,12}".prop_map(String::into_bytes),
                ],
                0..40,
            ),
            sizes in proptest::collection::vec(1usize..9, 1..6),
            limit in 1usize..24,
        ) {
            let bytes = parts.concat();
            let whole = lines(&bytes, &[bytes.len().max(1)], limit);
            prop_assert_eq!(lines(&bytes, &sizes, limit), whole);
        }
    }
}
