//! One open file from where it was read to: the next whole lines, framed, or the finding that it is another file by now.

use super::{digest::Consumed, identity::read_full};
use crate::frame::LineBuffer;
use memchr::{memchr, memrchr};
use std::{fs::File, io};

/// So many NUL bytes where a line begins are a hole, as [`LineBuffer`] takes it.
const HOLE_BYTES: usize = 16;

/// An unfinished line longer than this is not read again from its beginning whenever more of it comes.
const SHORT_BYTES: u64 = 4 * 1024;

/// Reads portions. One serves all files: an unfinished line waits in its file, not in memory.
pub(super) struct Tail {
    raw: Box<[u8]>,
    /// A line that does not go out as it stands: too long, or behind a hole.
    line: Vec<u8>,
    limit: usize,
}

/// Whether more of a last line without line feed may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Open,
    Closed,
}

pub(super) enum Found {
    /// Lines, taken over into [`Consumed`]. They are [`Tail::lines`].
    Lines(Framed),
    /// No whole line is there.
    Nothing,
    /// It no longer holds what was read from it: truncated, or truncated and written again.
    Other,
}

/// Where the lines are.
#[derive(Clone, Copy)]
pub(super) enum Framed {
    Raw(usize),
    Line,
}

impl Tail {
    /// Portions of `portion` bytes at most, but for a line that is longer.
    pub(super) fn new(portion: usize, limit: usize) -> Tail {
        let limit = limit.max(1);
        Tail { raw: vec![0; portion.max(4096)].into_boxed_slice(), line: Vec::new(), limit }
    }

    pub(super) fn lines(&self, framed: Framed) -> &[u8] {
        match framed {
            Framed::Raw(n) => &self.raw[..n],
            Framed::Line => &self.line,
        }
    }

    /// The lines behind what was consumed. Up to `scanned` no line feed stands.
    ///
    /// What was read is taken for the file's only if, *after* reading, both ends of what was consumed still stand in it:
    /// a file truncated and written again while it was read is another.
    pub(super) fn next(
        &mut self,
        file: &File,
        consumed: &mut Consumed,
        scanned: &mut u64,
        ending: Ending,
    ) -> io::Result<Found> {
        let from = consumed.offset();
        *scanned = (*scanned).max(from);
        let mut end = None;
        if *scanned - from > SHORT_BYTES {
            end = self.line_feed(file, scanned)?;
            if end.is_none() && ending == Ending::Open {
                return Ok(if consumed.stands_in(file)? { Found::Nothing } else { Found::Other });
            }
        }
        let n = read_full(file, &mut self.raw, from)?;
        let usual = usual_lines(&self.raw[..n], self.limit);
        if usual > 0 {
            return self.take_raw(file, consumed, usual);
        }
        if end.is_none() {
            end = memchr(b'\n', &self.raw[..n]).map(|at| from + at as u64 + 1);
        }
        if end.is_none() {
            *scanned = from + n as u64;
            if n == self.raw.len() {
                end = self.line_feed(file, scanned)?;
            }
        }
        match (end, ending) {
            (Some(end), _) => self.take_line(file, consumed, end),
            (None, Ending::Open) => Ok(if consumed.stands_in(file)? { Found::Nothing } else { Found::Other }),
            (None, Ending::Closed) if *scanned == from => {
                Ok(if consumed.stands_in(file)? { Found::Nothing } else { Found::Other })
            }
            (None, Ending::Closed) => self.take_line(file, consumed, *scanned),
        }
    }

    /// The lines of `from..to`, which was handed out before, as they were then. `false` where the file ends earlier.
    pub(super) fn again(&mut self, file: &File, from: u64, to: u64, into: &mut Vec<u8>) -> io::Result<bool> {
        self.again_from(|out, at| read_full(file, out, at), from, to, into, |_| {})
    }

    /// The same of anything that is read from a place on; `note` is told each byte of the range once.
    pub(super) fn again_from<E>(
        &mut self,
        mut read: impl FnMut(&mut [u8], u64) -> Result<usize, E>,
        from: u64,
        to: u64,
        into: &mut Vec<u8>,
        mut note: impl FnMut(&[u8]),
    ) -> Result<bool, E> {
        let mut framing = LineBuffer::new(self.raw.len(), self.limit);
        let mut at = from;
        while at < to {
            let n = self.raw.len().min(usize::try_from(to - at).unwrap_or(usize::MAX));
            if read(&mut self.raw[..n], at)? < n {
                return Ok(false);
            }
            note(&self.raw[..n]);
            frame(&mut framing, &self.raw[..n], into);
            at += n as u64;
        }
        into.extend_from_slice(framing.finish());
        Ok(true)
    }

    /// The lines behind what was consumed, of what grows no more and is read forward: no byte of it is asked for again but
    /// those of the last portion. `None`: it is at its end.
    pub(super) fn next_from<E>(
        &mut self,
        mut read: impl FnMut(&mut [u8], u64) -> Result<usize, E>,
        consumed: &mut Consumed,
    ) -> Result<Option<Framed>, E> {
        let mut n = read(&mut self.raw, consumed.offset())?;
        let usual = usual_lines(&self.raw[..n], self.limit);
        if usual > 0 {
            consumed.advance(&self.raw[..usual]);
            return Ok(Some(Framed::Raw(usual)));
        }
        if n == 0 {
            return Ok(None);
        }
        // One line: too long, behind a hole, or the last.
        let mut framing = LineBuffer::new(self.raw.len(), self.limit);
        let mut after = consumed.clone();
        self.line.clear();
        while n > 0 {
            let end = memchr(b'\n', &self.raw[..n]).map(|at| at + 1);
            let taken = &self.raw[..end.unwrap_or(n)];
            frame(&mut framing, taken, &mut self.line);
            after.advance(taken);
            n = match end {
                Some(_) => 0,
                None => read(&mut self.raw, after.offset())?,
            };
        }
        self.line.extend_from_slice(framing.finish());
        *consumed = after;
        Ok(Some(Framed::Line))
    }

    fn take_raw(&mut self, file: &File, consumed: &mut Consumed, n: usize) -> io::Result<Found> {
        if !consumed.stands_in(file)? {
            return Ok(Found::Other);
        }
        consumed.advance(&self.raw[..n]);
        Ok(Found::Lines(Framed::Raw(n)))
    }

    /// One line up to `end`, whatever its length.
    fn take_line(&mut self, file: &File, consumed: &mut Consumed, end: u64) -> io::Result<Found> {
        let mut framing = LineBuffer::new(self.raw.len(), self.limit);
        let mut after = consumed.clone();
        self.line.clear();
        while after.offset() < end {
            let n = self.raw.len().min(usize::try_from(end - after.offset()).unwrap_or(usize::MAX));
            if read_full(file, &mut self.raw[..n], after.offset())? < n {
                return Ok(Found::Other);
            }
            frame(&mut framing, &self.raw[..n], &mut self.line);
            after.advance(&self.raw[..n]);
        }
        self.line.extend_from_slice(framing.finish());
        if !consumed.stands_in(file)? {
            return Ok(Found::Other);
        }
        *consumed = after;
        Ok(Found::Lines(Framed::Line))
    }

    /// Behind the first line feed from `scanned` on.
    fn line_feed(&mut self, file: &File, scanned: &mut u64) -> io::Result<Option<u64>> {
        loop {
            let n = read_full(file, &mut self.raw, *scanned)?;
            if let Some(at) = memchr(b'\n', &self.raw[..n]) {
                return Ok(Some(*scanned + at as u64 + 1));
            }
            *scanned += n as u64;
            if n < self.raw.len() {
                return Ok(None);
            }
        }
    }
}

/// The head of a line over the limit gets a line feed where more lines follow it.
fn frame(framing: &mut LineBuffer, mut bytes: &[u8], into: &mut Vec<u8>) {
    while !bytes.is_empty() {
        let space = framing.space();
        let n = space.len().min(bytes.len());
        space[..n].copy_from_slice(&bytes[..n]);
        framing.filled(n);
        bytes = &bytes[n..];
        while !framing.lines().is_empty() {
            if into.last().is_some_and(|&last| last != b'\n') {
                into.push(b'\n');
            }
            into.extend_from_slice(framing.lines());
            framing.consume(framing.lines().len());
        }
    }
}

/// How many bytes of `raw` are whole lines that go out as they stand: within the limit, and no hole before them.
fn usual_lines(raw: &[u8], limit: usize) -> usize {
    let whole = &raw[..memrchr(b'\n', raw).map_or(0, |at| at + 1)];
    let mut framed = 0;
    if memchr(0, whole).is_some() {
        for line in whole.split_inclusive(|&byte| byte == b'\n') {
            if line.len() > limit + 1 || line.starts_with(&[0; HOLE_BYTES]) {
                break;
            }
            framed += line.len();
        }
        return framed;
    }
    // The last line feed of a window of limit + 1 bytes: every line before it is within the limit.
    while whole.len() - framed > limit + 1 {
        match memrchr(b'\n', &whole[framed..=framed + limit]) {
            Some(at) => framed += at + 1,
            None => return framed,
        }
    }
    whole.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::follow::digest::StateKey;
    use proptest::prelude::*;
    use std::{fs, io::Write, os::unix::fs::FileExt};

    /// The plain version.
    fn framed(input: &[u8], limit: usize) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        for line in input.split_inclusive(|&byte| byte == b'\n') {
            let zeros = line.iter().take_while(|&&byte| byte == 0).count();
            let line = if zeros >= HOLE_BYTES { &line[zeros..] } else { line };
            let body = line.strip_suffix(b"\n").unwrap_or(line);
            let line = if body.len() > limit { &body[..limit] } else { line };
            if !line.is_empty() {
                lines.push(line.to_vec());
            }
        }
        lines
    }

    fn piece() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            8 => (1usize..40).prop_map(|n| [vec![b'a'; n], b"\n".to_vec()].concat()),
            1 => (50usize..90).prop_map(|n| [vec![b'b'; n], b"\n".to_vec()].concat()),
            1 => (4000usize..20_000).prop_map(|n| [vec![b'c'; n], b"\n".to_vec()].concat()),
            1 => (1usize..40).prop_map(|n| vec![0; n]),
            1 => (1usize..12_000).prop_map(|n| vec![0; n]),
            1 => Just(b"\n".to_vec()),
            1 => (1usize..30).prop_map(|n| vec![b'd'; n]),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn however_a_file_grows_its_lines_come_out_whole_once_and_as_the_line_buffer_cuts_them(
            pieces in proptest::collection::vec(piece(), 1..30),
            grow in proptest::collection::vec(1usize..9000, 1..8),
        ) {
            let input = pieces.concat();
            let key = StateKey::new([1; 32]);
            let mut file = tempfile::tempfile().unwrap();
            let (mut tail, mut consumed, mut scanned) = (Tail::new(4096, 48), Consumed::nothing(&key), 0);
            let (mut at, mut grow) = (0, grow.iter().cycle());
            let mut lines: Vec<Vec<u8>> = Vec::new();
            let mut ranges = Vec::new();
            loop {
                let n = (*grow.next().unwrap()).min(input.len() - at);
                file.write_all(&input[at..at + n]).unwrap();
                at += n;
                let ending = if n == 0 { Ending::Closed } else { Ending::Open };
                loop {
                    let from = consumed.offset();
                    match tail.next(&file, &mut consumed, &mut scanned, ending).unwrap() {
                        Found::Lines(found) => {
                            let found = tail.lines(found).to_vec();
                            lines.extend(found.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec));
                            ranges.push((from, consumed.offset(), found));
                        }
                        Found::Nothing => break,
                        Found::Other => prop_assert!(false, "the same file"),
                    }
                }
                if n == 0 {
                    break;
                }
            }
            prop_assert_eq!(lines, framed(&input, 48));
            prop_assert_eq!(consumed.offset(), input.len() as u64);
            for (from, to, found) in ranges {
                let mut again = Vec::new();
                prop_assert!(tail.again(&file, from, to, &mut again).unwrap());
                prop_assert_eq!(again, found);
            }
        }
    }

    #[test]
    fn what_is_read_from_a_file_that_was_written_anew_is_not_handed_out() {
        let key = StateKey::new([1; 32]);
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("log");
        fs::write(&path, "one\ntwo\n").unwrap();
        let file = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
        let (mut tail, mut consumed, mut scanned) = (Tail::new(4096, 48), Consumed::nothing(&key), 0);
        assert!(matches!(tail.next(&file, &mut consumed, &mut scanned, Ending::Open).unwrap(), Found::Lines(_)));
        file.write_all_at(b"two\none\nthree\n", 0).unwrap();
        assert!(matches!(tail.next(&file, &mut consumed, &mut scanned, Ending::Open).unwrap(), Found::Other));
        file.write_all_at(b"one\ntwo\n", 0).unwrap();
        file.set_len(4).unwrap();
        assert!(matches!(tail.next(&file, &mut consumed, &mut scanned, Ending::Open).unwrap(), Found::Other));
    }
}
