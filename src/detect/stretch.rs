//! Many lines → the addresses in each of them, in one pass over the marks of all.

use super::{
    Detector, Finding, Kinds, Place,
    kernel::{STRIDE, WINDOW, Window},
    marks::REACH,
    scan::Scan,
};
use memchr::memchr;

/// What a stretch of lines holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch<'a> {
    /// The addresses in them, in order; places of the stretch.
    pub(crate) findings: &'a [Finding],
    /// How many bytes of whole lines were read, line feeds with them.
    pub(crate) length: usize,
    /// How many lines.
    pub(crate) lines: u64,
}

/// How far the marks of a text are known.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    window: Window,
    findings: Vec<Finding>,
}

impl Detector {
    /// The addresses in the lines that `text` begins with, up to the first that `takes` refuses or that has no line feed.
    ///
    /// For each line the same as [`Detector::find`] of it alone, without its line end, as [`Kinds::IP`] of [`Place::Text`].
    /// For detectors without patterns of a policy's own.
    pub(crate) fn stretch(&mut self, text: &[u8], mut takes: impl FnMut(&[u8]) -> bool) -> Stretch<'_> {
        debug_assert!(self.own.is_none());
        let mut ahead = self.ahead.take().unwrap_or_default();
        ahead.findings.clear();
        let (mut at, mut lines) = (0, 0);
        // The window in use begins at `base` and tells of places before `known`; the next one begins at `next`.
        let (mut base, mut next, mut known) = (0, 0, 0);
        while let Some(length) = memchr(b'\n', &text[at..]) {
            let line = text[at..at + length].strip_suffix(b"\r").unwrap_or(&text[at..at + length]);
            if !takes(line) {
                break;
            }
            self.found.clear();
            self.escapes.clear();
            let mut scan = Scan::new(line, Kinds::IP, Place::Text, &mut self.found);
            let (mut from, end) = (at, at + line.len());
            while from < end {
                if from >= known {
                    let first = if next == 0 { u64::MAX } else { u64::MAX << REACH };
                    base = next;
                    let window = &text[base..text.len().min(base + WINDOW)];
                    next += self.kernel.window::<false>(window, first, &mut ahead.window) * STRIDE;
                    known = if next + REACH >= text.len() { text.len() } else { next + REACH };
                    continue;
                }
                let to = end.min(known);
                scan.part(&ahead.window, base, at, (from, to), &mut self.escapes);
                from = to;
            }
            let far = scan.was_asked();
            self.settle(line, Kinds::IP, Place::Text, far);
            ahead.findings.extend(self.found.iter().map(|found| found.moved(at)));
            at += length + 1;
            lines += 1;
        }
        let ahead = self.ahead.insert(ahead);
        Stretch { findings: &ahead.findings, length: at, lines }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one_by_one(text: &[u8]) -> Vec<Finding> {
        let mut detector = Detector::default();
        let mut all = Vec::new();
        let mut at = 0;
        for line in text.split_inclusive(|&byte| byte == b'\n') {
            let Some(bare) = line.strip_suffix(b"\n") else { break };
            let bare = bare.strip_suffix(b"\r").unwrap_or(bare);
            all.extend(detector.find(bare, Kinds::IP, Place::Text).iter().map(|found| found.moved(at)));
            at += line.len();
        }
        all
    }

    fn together(text: &[u8]) -> Vec<Finding> {
        let mut detector = Detector::default();
        let stretch = detector.stretch(text, |_| true);
        assert_eq!(stretch.length, text.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1));
        assert_eq!(stretch.lines, text.iter().filter(|&&byte| byte == b'\n').count() as u64);
        stretch.findings.to_vec()
    }

    #[test]
    fn an_address_at_every_place_of_every_line_is_found() {
        for before in 0..420 {
            for address in ["203.0.113.77", "2001:db8::77", "ip-203-0-113-77", "%32%30%33.0.113.77"] {
                let text = format!("{}\n{address}\nx {address} y\r\n{address}\n\n", "a ".repeat(before));
                let found = together(text.as_bytes());
                assert_eq!(found, one_by_one(text.as_bytes()), "{before} {address}");
                assert_eq!(found.len(), 3, "{before} {address}");
            }
        }
    }

    #[test]
    fn what_is_refused_ends_the_stretch_and_what_comes_next_is_read_anew() {
        let text = b"203.0.113.77\n# 203.0.113.78\n203.0.113.79\ncut 203.0.113.80";
        let mut detector = Detector::default();
        let stretch = detector.stretch(text, |line| !line.starts_with(b"#"));
        assert_eq!((stretch.findings.len(), stretch.length, stretch.lines), (1, 13, 1));
        assert_eq!(detector.stretch(&text[13..], |line| !line.starts_with(b"#")).length, 0);
        let stretch = detector.stretch(&text[28..], |_| true);
        assert_eq!((stretch.findings.len(), stretch.length), (1, 13));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn lines_read_together_hold_what_each_holds_alone(
            pieces in proptest::collection::vec(prop_oneof![
                4 => Just("\n".to_owned()),
                1 => Just("\r\n".to_owned()),
                3 => "[0-9a-f.:%x -]{0,30}",
                2 => "[ -~]{0,60}",
                3 => (any::<u32>(), " |\"|:443|\\[|/|,|\r|").prop_map(|(n, s)| format!("{}{s}", std::net::Ipv4Addr::from(n))),
                2 => (any::<u128>(), " |\"|%25eth0|\\]").prop_map(|(n, s)| format!("{}{s}", std::net::Ipv6Addr::from(n))),
                1 => Just("%3a%3A\\x3a2001%3adb8%3a%3a1".to_owned()),
                1 => Just("Mozilla/5.0 (X11) Chrome/1.2.3.4".to_owned()),
                1 => Just("203,0,113,7,19,88".to_owned()),
                1 => Just("7.113.0.203.in-addr.arpa".to_owned()),
            ], 0..40)
        ) {
            let text = pieces.concat();
            prop_assert_eq!(together(text.as_bytes()), one_by_one(text.as_bytes()));
        }
    }
}
