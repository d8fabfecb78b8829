//! What a line needs of the lines before it: the columns that a header named, and the first parts of a line that a container
//! runtime wrote in pieces.
//!
//! Output must not depend on how the input was cut for the workers: whoever hands lines out keeps a [`Carry`] of its own up
//! to date, which is quick, and gives each worker what stood before its lines.

use crate::format::{envelope, w3c};

/// What stood before a line. Holds bytes of lines, and shows none of them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Carry {
    /// The last `#Fields:` line.
    header: Vec<u8>,
    /// For each stream of a container, the parts of a line that is not whole yet.
    parts: [Parts; 2],
    /// Whether there are any.
    any_parts: bool,
}

/// The parts of one line.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) text: Vec<u8>,
    /// More came than is kept: the line is cut.
    pub(super) over: bool,
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
        if line.first() == Some(&b'#') {
            self.note_header(line);
        }
        if !envelope::may_begin(line) {
            if self.any_parts {
                self.forget_parts();
            }
            return;
        }
        self.note_part(line);
    }

    /// Whether there is anything to take note of: a quick look.
    #[inline]
    pub(super) fn notes(&self, line: &[u8]) -> bool {
        line.first() == Some(&b'#') || self.any_parts || envelope::may_begin(line)
    }

    /// Takes note of a line whose end is missing.
    pub(super) fn cut(&mut self) {
        self.forget_parts();
    }

    /// Takes note of whole lines: the same as [`Carry::line`] for each of them, and quicker.
    pub fn lines(&mut self, lines: &[u8]) {
        if lines.is_empty() {
            return;
        }
        for at in memchr::memmem::find_iter(lines, b"#Fields:") {
            if at == 0 || lines[at - 1] == b'\n' {
                let line = &lines[at..];
                let Some(end) = memchr::memchr(b'\n', line) else { break };
                self.note_header(without_return(&line[..end]));
            }
        }
        // A line without its end is of no part of a line.
        let end = memchr::memrchr(b'\n', lines);
        let cut = end.map_or(lines.len(), |end| lines.len() - end - 1) > 0;
        let whole = &lines[..end.unwrap_or(0)];
        if cut || end.is_none() {
            self.forget_parts();
            return;
        }
        let last = memchr::memrchr(b'\n', whole).map_or(0, |at| at + 1);
        if !self.any_parts && envelope::part(&whole[last..]).is_none() {
            return;
        }
        for line in whole.split(|&byte| byte == b'\n').map(without_return) {
            match envelope::may_begin(line) {
                true => self.note_part(line),
                false => self.forget_parts(),
            }
        }
    }

    /// The last `#Fields:` line; empty: there was none.
    pub(super) fn header(&self) -> &[u8] {
        &self.header
    }

    /// What came before of the line that this part belongs to.
    pub(super) fn parts(&self, stream: usize) -> &Parts {
        &self.parts[stream]
    }

    fn forget_parts(&mut self) {
        for parts in &mut self.parts {
            parts.text.clear();
            parts.over = false;
        }
        self.any_parts = false;
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
        let Some(part) = envelope::part(line) else { return self.forget_parts() };
        let parts = &mut self.parts[part.stream];
        if !part.partial {
            parts.text.clear();
            parts.over = false;
            self.any_parts = self.parts.iter().any(|parts| !parts.text.is_empty() || parts.over);
            return;
        }
        let text = &line[part.start..];
        let room = MOST_PART_BYTES - parts.text.len();
        parts.over |= text.len() > room;
        parts.text.extend_from_slice(&text[..text.len().min(room)]);
        self.any_parts |= !text.is_empty();
    }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// What is kept of a line in parts: as much as of a line in one.
const MOST_PART_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line() -> impl Strategy<Value = String> {
        prop_oneof![
            "#(Fields: [a-z ]{0,8}|Version: 1.0|)",
            "2026-11-21T10:00:00Z std(out|err) [FP] [a-z #]{0,6}",
            "(x #Fields: y|Nov 21 10:00:00 a b: c|)",
        ]
    }

    proptest! {
        #[test]
        fn many_lines_at_once_are_noted_as_one_by_one(
            before in proptest::collection::vec(line(), 0..6), lines in proptest::collection::vec((line(), any::<bool>()), 0..12)
        ) {
            let mut one = Carry::default();
            before.iter().for_each(|line| one.line(line.as_bytes()));
            let mut many = one.clone();
            let text: String = lines.iter().map(|(line, cr)| format!("{line}{}\n", if *cr { "\r" } else { "" })).collect();
            many.lines(text.as_bytes());
            lines.iter().for_each(|(line, _)| one.line(line.as_bytes()));
            prop_assert!(one == many);
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut carry = Carry::default();
        let line = format!("2026-11-21T10:00:00Z stdout P {}", "x".repeat(40_000));
        carry.line(line.as_bytes());
        assert!(!carry.parts(0).over);
        carry.line(line.as_bytes());
        assert!(carry.parts(0).over && carry.parts(0).text.len() == MOST_PART_BYTES);
        carry.line(b"2026-11-21T10:00:00Z stderr F end");
        assert!(carry.parts(0).over, "the other stream's line is not ended");
        carry.line(b"2026-11-21T10:00:00Z stdout F end");
        assert_eq!(carry, Carry::default());
    }
}
