//! What a line needs of the lines before it: the columns that a header named, and the first parts of a line that a container
//! runtime wrote in pieces.
//!
//! Output must not depend on how the input was cut for the workers: whoever hands lines out keeps a [`Carry`] of its own up
//! to date, which is quick, and gives each worker what stood before its lines.

use super::export::Stream;
use crate::format::{
    Ending,
    envelope::{self, LANES, Part},
    w3c,
};

/// What stood before a line. Holds bytes of lines, and shows none of them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Carry {
    /// The last `#Fields:` line.
    header: Vec<u8>,
    /// For each stream of a container, the parts of a line that is not whole yet.
    parts: [Parts; LANES],
    /// Whether there are any, or lines without their head.
    any_parts: bool,
    /// So many lines that no container wrote came since the last line lost its head.
    foreign: u8,
    /// An input in the journal's export format.
    pub(super) stream: Stream,
}

/// The parts of one line.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Parts {
    /// What stands before the text of the last of them, and behind it.
    pub(super) head: Vec<u8>,
    pub(super) tail: Vec<u8>,
    /// The text of all.
    pub(super) text: Vec<u8>,
    /// Whether it stands in a string of JSON, with its escapes.
    pub(super) escaped: bool,
    /// More came than is kept: the line is cut.
    pub(super) over: bool,
    /// What came of the line was given up: what comes now is its tail, which tells nothing of where it begins.
    pub(super) headless: bool,
}

impl Parts {
    fn clear(&mut self) {
        self.head.clear();
        self.tail.clear();
        self.text.clear();
        self.escaped = false;
        self.over = false;
        self.headless = false;
    }

    /// Whether there is text that was not written.
    pub(super) fn wait(&self) -> bool {
        !self.text.is_empty() || self.over
    }

    fn add(&mut self, line: &[u8], part: &Part) {
        if self.headless {
            return;
        }
        let text = &line[part.start..part.end];
        let most = if part.escaped { MOST_ESCAPED_BYTES } else { MOST_PART_BYTES };
        let room = most - self.text.len();
        let fits = match (self.over, text.len() <= room, part.escaped) {
            (false, true, _) => text.len(),
            (false, false, false) => room,
            // An escape may not be cut in two.
            (true, _, _) | (false, false, true) => 0,
        };
        self.over |= fits < text.len();
        self.text.extend_from_slice(&text[..fits]);
        if self.wait() {
            self.escaped = part.escaped;
            self.head.clear();
            self.head.extend_from_slice(&line[..part.start]);
            self.tail.clear();
            self.tail.extend_from_slice(&line[part.end..]);
        }
    }
}

impl std::fmt::Debug for Carry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Carry").field("header_bytes", &self.header.len()).finish_non_exhaustive()
    }
}

impl Carry {
    /// Takes note of one line, without its line feed.
    #[inline]
    pub fn line(&mut self, line: &[u8]) {
        let line = self.behind_mark(line);
        if self.stream.may() && self.exported(line, Ending::Whole) {
            return;
        }
        self.note_other(line);
    }

    /// Takes note of a line that is none of the journal's.
    #[inline]
    fn note_other(&mut self, line: &[u8]) {
        if line.first() == Some(&b'#') {
            self.note_header(line);
        }
        if self.any_parts || envelope::may_be_part(line) {
            self.note_part(line);
        }
    }

    /// Whether there is anything to take note of: a quick look.
    #[inline]
    pub(super) fn notes(&self, line: &[u8]) -> bool {
        line.first() == Some(&b'#') || self.any_parts || self.stream.may() || envelope::may_be_part(line)
    }

    /// Whether it holds another header than this one.
    pub fn has_other_header(&self, than: &Carry) -> bool {
        self.header != than.header
    }

    /// Whether what came so far matters to the lines that come next by more than a header.
    pub fn is_open(&self) -> bool {
        !self.is_idle()
    }

    /// Whether nothing stands before the next line that could matter to it, and it is not the first.
    #[inline]
    pub(super) fn is_idle(&self) -> bool {
        !self.any_parts && !self.stream.may()
    }

    /// Whether the line that `lines` begin with may be one of the journal's export format: a quick look.
    #[inline]
    pub(super) fn exports(&self, lines: &[u8]) -> bool {
        self.stream.may() && self.stream.may_go_on(self.behind_mark(lines))
    }

    /// `line` without the byte order marks that some writers begin each file with; within a value of the journal they are
    /// part of it.
    #[inline]
    pub(super) fn behind_mark<'a>(&self, mut line: &'a [u8]) -> &'a [u8] {
        while let [0xEF, 0xBB, 0xBF, rest @ ..] = line
            && !self.stream.in_value()
        {
            line = rest;
        }
        line
    }

    /// Takes note of a line if it is one of the journal's export format.
    fn exported(&mut self, raw: &[u8], ending: Ending) -> bool {
        let is = self.stream.note(raw, ending);
        if is && self.any_parts {
            self.note_foreign();
        }
        is
    }

    /// Takes note of a line whose end is missing: a part ends its line, anything else all of them.
    pub(super) fn cut(&mut self, line: &[u8]) {
        let line = self.behind_mark(line);
        if self.stream.may() && self.exported(line, Ending::Cut) {
            return;
        }
        match piece(line, Ending::Cut) {
            Some(part) if part.partial => self.behead(part.lane),
            Some(part) => self.end(part.lane),
            None => self.note_foreign(),
        }
    }

    /// Takes note of whole lines: the same as [`Carry::line`] for each of them, and quicker.
    pub fn lines(&mut self, lines: &[u8]) {
        if lines.is_empty() {
            return;
        }
        if self.exports(lines) {
            for line in lines.split_inclusive(|&byte| byte == b'\n') {
                let line = self.behind_mark(line);
                match line.strip_suffix(b"\n") {
                    _ if line.is_empty() => {}
                    Some(raw) if self.exported(raw, Ending::Whole) => {}
                    Some(raw) => self.note_other(without_return(raw)),
                    None => self.cut(line),
                }
            }
            return;
        }
        self.stream.is_none();
        for at in memchr::memmem::find_iter(lines, b"#Fields:") {
            let begins =
                lines[..at].iter().rposition(|&byte| !matches!(byte, 0xEF | 0xBB | 0xBF)).map_or(0, |last| last + 1);
            if self.behind_mark(&lines[begins..]).len() == lines.len() - at
                && (begins == 0 || lines[begins - 1] == b'\n')
            {
                let line = &lines[at..];
                let Some(end) = memchr::memchr(b'\n', line) else { break };
                self.note_header(without_return(&line[..end]));
            }
        }
        // So many lines that no container wrote end all that waits, and nobody looks for the tail any more.
        if last_are_foreign(lines) {
            self.parts.iter_mut().for_each(Parts::clear);
            (self.any_parts, self.foreign) = (false, 0);
            return;
        }
        for line in lines.split_inclusive(|&byte| byte == b'\n') {
            let line = self.behind_mark(line);
            match line.strip_suffix(b"\n").map(without_return) {
                _ if line.is_empty() => {}
                Some(line) if self.any_parts || envelope::may_be_part(line) => self.note_part(line),
                Some(_) => {}
                None => self.cut(line),
            }
        }
    }

    /// The last `#Fields:` line; empty: there was none.
    pub(super) fn header(&self) -> &[u8] {
        &self.header
    }

    /// What came before of the line that this part belongs to.
    pub(super) fn parts(&self, lane: usize) -> &Parts {
        &self.parts[lane]
    }

    /// Whether some line waits for its end: a quick look.
    #[inline]
    pub(super) fn waits(&self) -> bool {
        self.any_parts
    }

    /// The first stream with a line that waits for its end.
    pub(super) fn waiting(&self) -> Option<usize> {
        self.parts.iter().position(Parts::wait)
    }

    /// The line that waits in this stream has its end.
    pub(super) fn end(&mut self, lane: usize) {
        self.parts[lane].clear();
        self.any_parts = self.parts.iter().any(|parts| parts.wait() || parts.headless);
    }

    /// The line that waits in this stream is given up; its tail may come yet.
    pub(super) fn behead(&mut self, lane: usize) {
        self.parts[lane].clear();
        self.parts[lane].headless = true;
        (self.any_parts, self.foreign) = (true, 0);
    }

    /// A line that no container wrote.
    #[cold]
    fn note_foreign(&mut self) {
        while let Some(lane) = self.waiting() {
            self.behead(lane);
        }
        self.foreign = self.foreign.saturating_add(1);
        if usize::from(self.foreign) >= MOST_FOREIGN {
            self.parts.iter_mut().for_each(Parts::clear);
        }
        self.any_parts = self.parts.iter().any(|parts| parts.headless);
        if !self.any_parts {
            self.foreign = 0;
        }
    }

    #[cold]
    fn note_header(&mut self, line: &[u8]) {
        if w3c::begins_header(line) {
            self.header.clear();
        }
        if w3c::is_header(line) {
            self.header.extend_from_slice(line);
        }
    }

    #[inline(never)]
    fn note_part(&mut self, line: &[u8]) {
        match envelope::part(line) {
            None if self.any_parts => self.note_foreign(),
            None => {}
            Some(part) if part.partial => {
                self.parts[part.lane].add(line, &part);
                self.any_parts |= self.parts[part.lane].wait();
            }
            Some(part) => self.end(part.lane),
        }
    }
}

/// Which part of which line this is; `None`: it is none. A string needs its end, a plain text does not.
pub(super) fn piece(line: &[u8], ending: Ending) -> Option<Part> {
    envelope::part(line).filter(|part| ending == Ending::Whole || !part.escaped)
}

pub(super) fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Whether the last [`MOST_FOREIGN`] of these lines are none of a container's.
fn last_are_foreign(mut lines: &[u8]) -> bool {
    for _ in 0..MOST_FOREIGN {
        let (line, ending) = match lines.strip_suffix(b"\n") {
            Some(line) => (line, Ending::Whole),
            None => (lines, Ending::Cut),
        };
        if lines.is_empty() {
            return false;
        }
        let at = memchr::memrchr(b'\n', line).map_or(0, |at| at + 1);
        let mut line = &line[at..];
        while let [0xEF, 0xBB, 0xBF, rest @ ..] = line {
            line = rest;
        }
        let line = if ending == Ending::Whole { without_return(line) } else { line };
        if line.is_empty() && ending == Ending::Cut || piece(line, ending).is_some() {
            return false;
        }
        lines = &lines[..at];
    }
    true
}

/// After so many lines of others, no tail of a line is waited for.
const MOST_FOREIGN: usize = 64;

/// What is kept of a line in parts: as much as of a line in one.
const MOST_PART_BYTES: usize = 64 * 1024;

/// The same where it has escapes.
const MOST_ESCAPED_BYTES: usize = 2 * MOST_PART_BYTES;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line() -> impl Strategy<Value = String> {
        prop_oneof![
            1 => "#(Fields: [a-z ]{0,8}|Version: 1.0|)",
            4 => "2026-11-21T10:00:00Z std(out|err) [FP] [a-z #]{0,6}",
            2 => (any::<bool>(), "std(out|err)", "(x|x\\\\n)").prop_map(|(long, stream, end)| {
                let text = "x ".repeat(if long { 9000 } else { 1 });
                format!("{{\"log\":\"{text}{end}\",\"stream\":\"{stream}\",\"time\":\"2026-11-21T10:00:00.1Z\"}}")
            }),
            1 => "(x #Fields: y|Nov 21 10:00:00 a b: c|)",
        ]
    }

    proptest! {
        #[test]
        fn many_lines_at_once_are_noted_as_one_by_one(
            before in proptest::collection::vec(line(), 0..6), lines in proptest::collection::vec((line(), any::<bool>()), 0..12), last in proptest::option::of(line()),
        ) {
            let mut one = Carry::default();
            before.iter().for_each(|line| one.line(line.as_bytes()));
            let mut many = one.clone();
            let text: String = lines.iter().map(|(line, cr)| format!("{line}{}\n", if *cr { "\r" } else { "" })).collect();
            let cut = last.as_ref().filter(|last| !last.is_empty());
            many.lines((text + cut.map_or("", |last| last)).as_bytes());
            lines.iter().for_each(|(line, _)| one.line(line.as_bytes()));
            if let Some(cut) = cut {
                one.cut(cut.as_bytes());
            }
            prop_assert!(one == many);
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut carry = Carry::default();
        carry.line(b"anything");
        let nothing = carry.clone();
        let line = format!("2026-11-21T10:00:00Z stdout P {}", "x".repeat(40_000));
        carry.line(line.as_bytes());
        assert!(!carry.parts(0).over && carry.waiting() == Some(0));
        carry.line(line.as_bytes());
        assert!(carry.parts(0).over && carry.parts(0).text.len() == MOST_PART_BYTES);
        carry.line(b"2026-11-21T10:00:00Z stderr F end");
        assert!(carry.parts(0).over, "the other stream's line is not ended");
        carry.line(b"2026-11-21T10:00:00Z stdout F end");
        assert_eq!(carry, nothing);
        let piece = format!(
            "{{\"log\":\"{}\",\"stream\":\"stderr\",\"time\":\"2026-11-21T10:00:00.1Z\"}}",
            "\\u0000".repeat(9000)
        );
        (0..9).for_each(|_| carry.line(piece.as_bytes()));
        let parts = carry.parts(3);
        assert!(parts.over && parts.text.len() <= MOST_ESCAPED_BYTES && parts.text.ends_with(b"\\u0000"));
        (0..MOST_FOREIGN).for_each(|_| carry.line(b"anything else"));
        assert_eq!(carry, nothing);
    }
}
