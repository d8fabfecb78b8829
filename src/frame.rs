//! LineBuffer: bytes in any portions → whole lines; the rule for long lines.

/// Collects bytes that arrive in any portions and hands out whole lines, in fixed memory whatever comes.
///
/// A reader asks for [`space`](Self::space), writes into it and says how much with [`filled`](Self::filled);
/// [`lines`](Self::lines) are then the whole lines so far, and [`consume`](Self::consume) gives their place back. At the
/// end of the input, [`finish`](Self::finish) hands out what is left.
///
/// Invariants, however the input is cut:
/// - The pieces handed out, in order, are the input without the skipped bytes: nothing twice, nothing moved.
/// - Every line ends with a line feed, but for two, which are *cut*: the head of a line over the limit, and a last line
///   of the input without line feed. A cut line is always the last of [`lines`](Self::lines), or all of
///   [`finish`](Self::finish).
/// - A line is over the limit when more than `limit` bytes stand before its line feed. Its first `limit` bytes are
///   handed out once; the rest, its line feed included, is skipped and counted; the next line is whole again.
/// - Once everything handed out is consumed, there is space.
/// - Sixteen NUL bytes or more where a line begins are skipped and counted: what a file holds where it was truncated under a
///   writer that went on at its old place. The line behind them is whole.
///
/// ```
/// use sladd::frame::LineBuffer;
/// let mut buffer = LineBuffer::new(64 * 1024, 16 * 1024);
/// buffer.space()[..12].copy_from_slice(b"one\ntwo\nthre");
/// buffer.filled(12);
/// assert_eq!(buffer.lines(), b"one\ntwo\n");
/// buffer.consume(8);
/// assert_eq!(buffer.finish(), b"thre");
/// ```
#[derive(Debug)]
pub struct LineBuffer {
    bytes: Box<[u8]>,
    limit: usize,
    /// `start ≤ framed ≤ scanned ≤ end`. Before `start`: consumed.
    start: usize,
    /// Up to here: whole lines, or a cut head if `cut`.
    framed: usize,
    /// Up to here no line feed stands after `framed`. Keeps a long line that trickles from being read again and again.
    scanned: usize,
    /// Up to here: bytes that came.
    end: usize,
    /// What stands before `framed` ends with the head of a line over the limit.
    cut: bool,
    /// Everything up to the next line feed is the rest of a line over the limit. Then `start == framed`.
    skipping: bool,
    /// What came last were NUL bytes of a hole; more of them may come.
    in_hole: bool,
    skipped: u64,
}

impl LineBuffer {
    /// Room for portions of `portion` bytes beside an unfinished line of at most `limit`; both are at least 1.
    pub fn new(portion: usize, limit: usize) -> LineBuffer {
        let limit = limit.max(1);
        // One more than the limit must fit, for a line to be known as over it.
        let bytes = vec![0; portion.max(1) + limit + 1].into_boxed_slice();
        LineBuffer {
            bytes,
            limit,
            start: 0,
            framed: 0,
            scanned: 0,
            end: 0,
            cut: false,
            skipping: false,
            in_hole: false,
            skipped: 0,
        }
    }

    /// Where the next bytes go. Empty only while lines that were handed out fill the buffer.
    pub fn space(&mut self) -> &mut [u8] {
        if self.start == self.end {
            self.move_to(0);
        } else if self.start > 0 && self.bytes.len() - self.end <= self.bytes.len() / 4 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.move_to(0);
        }
        &mut self.bytes[self.end..]
    }

    /// Takes over the first `n` bytes of [`space`](Self::space).
    ///
    /// # Panics
    /// When there was less space than `n`.
    pub fn filled(&mut self, n: usize) {
        assert!(n <= self.bytes.len() - self.end, "more bytes than there was space");
        let new = self.end;
        self.end += n;
        if self.in_hole || memchr::memchr(0, &self.bytes[new..self.end]).is_some() {
            self.close_holes(new);
        }
        self.advance();
    }

    /// Whether it is as new.
    pub fn is_empty(&self) -> bool {
        self.start == self.end && !self.cut && !self.skipping && !self.in_hole && self.skipped == 0
    }

    /// The whole lines that are not consumed yet.
    pub fn lines(&self) -> &[u8] {
        &self.bytes[self.start..self.framed]
    }

    /// Whether the rest of a line over the limit is still to come, of which nothing will be handed out.
    pub fn is_skipping(&self) -> bool {
        self.skipping
    }

    /// Gives back the first `n` bytes of [`lines`](Self::lines). More lines may show.
    ///
    /// # Panics
    /// When `lines` are fewer bytes than `n`.
    pub fn consume(&mut self, n: usize) {
        assert!(n <= self.framed - self.start, "more bytes than were handed out");
        self.start += n;
        if self.cut && self.start == self.framed {
            self.cut = false;
            self.skipping = true;
            self.advance();
        }
    }

    /// At the end of the input, when all [`lines`](Self::lines) are consumed: the last line if it has no line feed, else
    /// nothing. The buffer is then as new.
    pub fn finish(&mut self) -> &[u8] {
        let rest = self.framed..self.end;
        (self.start, self.framed, self.scanned, self.end) = (0, 0, 0, 0);
        (self.cut, self.skipping, self.in_hole) = (false, false, false);
        &self.bytes[rest]
    }

    /// Hands everything after [`lines`](Self::lines) over to `next`, which is empty and of the same size, so that the
    /// lines can be worked on while `next` is filled.
    pub fn pass_on(&mut self, next: &mut LineBuffer) {
        debug_assert!(next.start == next.end && !next.cut && !next.skipping, "a buffer in use");
        let rest = self.framed..self.end;
        next.move_to(0);
        next.end = rest.len();
        next.bytes[..rest.len()].copy_from_slice(&self.bytes[rest]);
        next.skipping = std::mem::take(&mut self.skipping) | std::mem::take(&mut self.cut);
        next.in_hole = std::mem::take(&mut self.in_hole);
        if !next.skipping {
            next.scanned = self.scanned - self.framed;
        }
        self.scanned = self.framed;
        self.end = self.framed;
        next.advance();
    }

    /// How many bytes of lines over the limit were skipped since the last call.
    pub fn take_skipped(&mut self) -> u64 {
        std::mem::take(&mut self.skipped)
    }

    /// Takes the NUL bytes of holes out of what came from `new` on.
    fn close_holes(&mut self, new: usize) {
        // Where the line begins that the new bytes go on with, if all of it so far are NUL bytes.
        let unfinished = match memchr::memrchr(b'\n', &self.bytes[self.framed..new]) {
            Some(at) => self.framed + at + 1,
            None => self.framed,
        };
        let is_line = unfinished > self.framed || !(self.cut || self.skipping);
        let begins = is_line && self.bytes[unfinished..new].iter().all(|&byte| byte == 0);
        let mut from = if begins { unfinished } else { new };
        let mut to = from;
        // Bytes move into places that were looked at.
        self.scanned = self.scanned.min(from);
        let mut at_line = begins;
        let mut hole = std::mem::take(&mut self.in_hole);
        while from < self.end {
            if at_line {
                let zeros = self.bytes[from..self.end].iter().take_while(|&&byte| byte == 0).count();
                if hole || zeros >= HOLE_BYTES {
                    self.skipped += zeros as u64;
                    from += zeros;
                    self.in_hole = from == self.end;
                    if self.in_hole {
                        break;
                    }
                }
                hole = false;
            }
            let line = memchr::memchr(b'\n', &self.bytes[from..self.end]).map_or(self.end, |at| from + at + 1);
            if to != from {
                self.bytes.copy_within(from..line, to);
            }
            to += line - from;
            from = line;
            at_line = true;
        }
        self.end = to;
    }

    /// Finds as many lines as there are, unless a cut head waits to be consumed.
    fn advance(&mut self) {
        while !self.cut {
            if self.skipping {
                let found = memchr::memchr(b'\n', &self.bytes[self.start..self.end]);
                let next = found.map_or(self.end, |at| self.start + at + 1);
                self.skipped += (next - self.start) as u64;
                (self.start, self.framed, self.scanned) = (next, next, next);
                self.skipping = found.is_none();
                if self.skipping {
                    return;
                }
            }
            // The last line feed of a window of limit + 1 bytes: every line before it is within the limit. So a slab of
            // usual lines is framed in a few short searches from behind.
            let window = self.end.min(self.framed + self.limit + 1);
            let found = memchr::memrchr(b'\n', &self.bytes[self.scanned..window]);
            let scanned = std::mem::replace(&mut self.scanned, window);
            match found {
                Some(at) => self.framed = scanned + at + 1,
                None if self.end - self.framed > self.limit => {
                    self.framed += self.limit;
                    self.cut = true;
                }
                None => return,
            }
        }
    }

    fn move_to(&mut self, start: usize) {
        let by = self.start - start;
        self.framed -= by;
        self.scanned -= by;
        self.end -= by;
        self.start = start;
    }
}

/// So many NUL bytes where a line begins are a hole. The journal's export format writes lengths of eight bytes there.
const HOLE_BYTES: usize = 16;

/// The limit where nobody names one.
pub const MAX_LINE_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The plain version: the pieces of a whole input, and the bytes skipped.
    fn split(input: &[u8], limit: usize) -> (Vec<Vec<u8>>, u64) {
        let (mut pieces, mut skipped) = (Vec::new(), 0);
        for line in input.split_inclusive(|&byte| byte == b'\n') {
            let zeros = line.iter().take_while(|&&byte| byte == 0).count();
            let hole = if zeros >= HOLE_BYTES { zeros } else { 0 };
            skipped += hole as u64;
            let line = &line[hole..];
            if line.is_empty() {
                continue;
            }
            let body = line.strip_suffix(b"\n").unwrap_or(line);
            if body.len() > limit {
                pieces.push(line[..limit].to_vec());
                skipped += (line.len() - limit) as u64;
            } else {
                pieces.push(line.to_vec());
            }
        }
        (pieces, skipped)
    }

    fn collect(lines: &[u8], pieces: &mut Vec<Vec<u8>>) {
        pieces.extend(lines.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec));
    }

    fn frame(input: &[u8], portions: &[usize], portion: usize, limit: usize, hand_over: bool) -> (Vec<Vec<u8>>, u64) {
        let (mut buffer, mut spare) = (LineBuffer::new(portion, limit), LineBuffer::new(portion, limit));
        let (mut pieces, mut skipped) = (Vec::new(), 0);
        let (mut rest, mut sizes) = (input, portions.iter().cycle());
        while !rest.is_empty() {
            let space = buffer.space();
            assert!(!space.is_empty(), "everything is consumed, so there is space");
            let n = (*sizes.next().unwrap()).min(space.len()).min(rest.len());
            space[..n].copy_from_slice(&rest[..n]);
            rest = &rest[n..];
            buffer.filled(n);
            while !buffer.lines().is_empty() {
                if hand_over {
                    buffer.pass_on(&mut spare);
                    collect(buffer.lines(), &mut pieces);
                    let all = buffer.lines().len();
                    buffer.consume(all);
                    skipped += buffer.take_skipped();
                    assert!(buffer.lines().is_empty());
                    std::mem::swap(&mut buffer, &mut spare);
                } else {
                    collect(buffer.lines(), &mut pieces);
                    let all = buffer.lines().len();
                    buffer.consume(all);
                }
            }
        }
        let last = buffer.finish();
        if !last.is_empty() {
            pieces.push(last.to_vec());
        }
        skipped += buffer.take_skipped();
        (pieces, skipped)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn any_cutting_gives_the_lines_of_the_plain_splitter(
            input in proptest::collection::vec(
                prop_oneof![
                    4 => Just(vec![b'\n']),
                    16 => Just(vec![b'a']),
                    4 => Just(vec![0]),
                    4 => any::<u8>().prop_map(|byte| vec![byte]),
                    1 => (1usize..40).prop_map(|zeros| [&[b'\n'][..], &vec![0; zeros]].concat()),
                ],
                0..400,
            ),
            portions in proptest::collection::vec(1usize..60, 1..12),
            portion in 1usize..64,
            // No limit is so short that a hole is cut before it is known.
            limit in HOLE_BYTES + 1..60,
            hand_over in any::<bool>(),
        ) {
            let input = input.concat();
            prop_assert_eq!(frame(&input, &portions, portion, limit, hand_over), split(&input, limit));
        }
    }

    #[test]
    fn a_line_of_exactly_the_limit_is_whole_and_one_byte_more_is_cut() {
        for (length, whole) in [(7, true), (8, true), (9, false)] {
            let mut input = vec![b'x'; length];
            input.extend_from_slice(b"\nnext\n");
            let (pieces, skipped) = frame(&input, &[3], 16, 8, false);
            assert_eq!(pieces[0].ends_with(b"\n"), whole);
            assert_eq!(pieces[1], b"next\n");
            assert_eq!(skipped, if whole { 0 } else { 2 });
        }
    }

    #[test]
    fn a_line_without_end_takes_fixed_memory_and_is_handed_out_once() {
        let mut buffer = LineBuffer::new(100, 50);
        let mut out = Vec::new();
        for _ in 0..10_000 {
            let space = buffer.space();
            space.fill(b'x');
            let n = space.len();
            buffer.filled(n);
            out.extend_from_slice(buffer.lines());
            buffer.consume(buffer.lines().len());
        }
        assert_eq!(out, [b'x'; 50]);
        assert!(buffer.finish().is_empty());
        assert_eq!(buffer.bytes.len(), 151);
    }

    #[test]
    fn lines_may_be_consumed_one_by_one_while_more_bytes_come() {
        let mut buffer = LineBuffer::new(8, 8);
        let input = b"a\nbb\nccc\ndddd\neeeee\nffffff\n";
        let (mut at, mut out) = (0, Vec::new());
        while at < input.len() || !buffer.lines().is_empty() {
            let space = buffer.space();
            let n = space.len().min(3).min(input.len() - at);
            space[..n].copy_from_slice(&input[at..at + n]);
            at += n;
            buffer.filled(n);
            let one = memchr::memchr(b'\n', buffer.lines()).map_or(0, |at| at + 1);
            out.extend_from_slice(&buffer.lines()[..one]);
            buffer.consume(one);
        }
        assert_eq!(out, input);
    }

    #[test]
    fn few_nul_bytes_are_bytes_like_others_and_many_at_the_beginning_of_a_line_are_a_hole() {
        let input =
            [&[0u8; 15][..], b"\n", &[0u8; 3], b"\nx", &[0; 30], b"y\n", &[0; 16], b"\n", &[0; 100], b"z"].concat();
        for portion in [1, 5, 8, 200] {
            let (pieces, skipped) = frame(&input, &[portion], 200, 64, true);
            let whole = [&b"x"[..], &[0; 30], b"y\n"].concat();
            let few = [&[0; 15][..], b"\n"].concat();
            assert_eq!(pieces, [&few[..], b"\0\0\0\n", &whole, b"\n", b"z"]);
            assert_eq!(skipped, 116);
        }
    }
}
