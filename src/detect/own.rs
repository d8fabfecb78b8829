//! Patterns of the policy's own: what its operator calls an identifier, and what is known to be none.
//!
//! Each is a regular expression on bytes in which matching takes time linear in the text (no references back, no looking
//! around), compiled once under a limit of size. A copy holds scratch memory of its own, which is reused.

use super::{Finding, What};
use regex::bytes::{Regex, RegexBuilder};

/// What a policy adds to the detectors and what it keeps from them.
#[derive(Clone, Debug, Default)]
pub struct Patterns {
    detect: Vec<(Regex, Fixed)>,
    keep: Vec<Regex>,
}

/// A replacement: up to [`Fixed::LONGEST`] bytes that a policy fixed before there was any input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed {
    bytes: [u8; Fixed::LONGEST],
    length: u8,
}

impl Fixed {
    /// The most bytes that it has.
    pub const LONGEST: usize = 15;

    /// The replacement `text`, if it is short, printable ASCII and safe inside quotes, delimiters and JSON: letters,
    /// digits, `-`, `_`, `.`, perhaps in square brackets.
    pub fn new(text: &str) -> Option<Fixed> {
        let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        let plain = inner.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        if inner.is_empty() || !plain || text.len() > Fixed::LONGEST {
            return None;
        }
        let mut bytes = [0; Fixed::LONGEST];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Some(Fixed { bytes, length: text.len() as u8 })
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length as usize]
    }
}

impl Patterns {
    /// Adds a pattern that is looked for. See [`compile`] for what is refused.
    ///
    /// # Errors
    /// What is wrong with the pattern, in words.
    pub fn detect(&mut self, pattern: &str, replacement: Fixed) -> Result<(), String> {
        self.detect.push((compile(pattern)?, replacement));
        Ok(())
    }

    /// Adds a pattern of text that the detectors leave.
    ///
    /// # Errors
    /// What is wrong with the pattern, in words.
    pub fn keep(&mut self, pattern: &str) -> Result<(), String> {
        self.keep.push(compile(pattern)?);
        Ok(())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.detect.is_empty() && self.keep.is_empty()
    }

    /// Leaves out what stands wholly inside a text that is kept. `found` stands in order.
    pub(super) fn spare(&self, text: &[u8], found: &mut Vec<Finding>) {
        for pattern in &self.keep {
            if found.is_empty() {
                return;
            }
            let mut kept = pattern.find_iter(text).peekable();
            found.retain(|finding| {
                let (start, end) = (finding.span.start as usize, finding.span.end as usize);
                while kept.next_if(|kept| kept.end() <= start).is_some() {}
                !kept.peek().is_some_and(|kept| kept.start() <= start && end <= kept.end())
            });
        }
    }

    /// Adds what the policy looks for, in no order.
    pub(super) fn find(&self, text: &[u8], found: &mut Vec<Finding>) {
        for (pattern, replacement) in &self.detect {
            let matches = pattern.find_iter(text).filter(|found| !found.is_empty());
            found.extend(matches.map(|found| Finding::new(found.start(), found.end(), What::Own(*replacement))));
        }
    }
}

/// A pattern on bytes: `\d`, `\w`, `\b` are those of ASCII, other letters stand for their UTF-8.
///
/// # Errors
/// A pattern that is no regular expression, is too large compiled, or matches an empty text.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > LONGEST_PATTERN {
        return Err(format!("the pattern is longer than {LONGEST_PATTERN} bytes"));
    }
    let built = RegexBuilder::new(pattern)
        .unicode(false)
        .size_limit(MOST_BYTES)
        .dfa_size_limit(MOST_BYTES)
        .nest_limit(32)
        .build();
    let regex = built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "the pattern is too large: repeat less".to_owned(),
        error => {
            let message = error.to_string();
            let last = message.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned();
            format!("not a regular expression: {last}")
        }
    })?;
    if regex.is_match(b"") {
        return Err("the pattern matches nothing at all, and so everywhere".to_owned());
    }
    Ok(regex)
}

/// How large a compiled pattern and its table of states may be.
const MOST_BYTES: usize = 1 << 20;

/// How long a pattern may be.
const LONGEST_PATTERN: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::{Detector, Kinds, Place};

    fn found(detect: &[&str], keep: &[&str], text: &str) -> Vec<String> {
        let mut patterns = Patterns::default();
        for pattern in detect {
            patterns.detect(pattern, Fixed::new("[customer]").unwrap()).unwrap();
        }
        for pattern in keep {
            patterns.keep(pattern).unwrap();
        }
        let mut detector = Detector::with(patterns);
        let findings = detector.find(text.as_bytes(), Kinds::ALL, Place::Text);
        findings.iter().map(|f| String::from_utf8(f.span.of(text.as_bytes()).to_vec()).unwrap()).collect()
    }

    #[test]
    fn own_patterns_are_found_beside_the_others_in_escaped_text_too() {
        assert_eq!(found(&["K-[0-9]{6}"], &[], "K-123456 at 203.0.113.7"), ["K-123456", "203.0.113.7"]);
        assert_eq!(found(&["K-[0-9]{6}"], &[], "%4B%2D123456"), ["%4B%2D123456"]);
        assert_eq!(found(&["blåbær"], &[], "to blåbær"), ["blåbær"]);
    }

    #[test]
    fn kept_text_keeps_only_what_stands_wholly_in_it() {
        let keep = ["build [0-9a-f]{16}"];
        assert_eq!(found(&[], &keep, "build 9f86d081884c7d65, session 9f86d081884c7d65"), ["9f86d081884c7d65"]);
        assert_eq!(found(&[], &keep, "build 9f86d081884c7d65a1"), ["9f86d081884c7d65a1"]);
        assert_eq!(found(&["9f86[0-9a-f]+"], &keep, "build 9f86d081884c7d65"), ["9f86d081884c7d65"]);
    }

    #[test]
    fn patterns_that_cost_or_match_too_much_are_refused() {
        for pattern in ["", "x*", "(", "a|", r"(a)\1", "(?=a)b", "((a{500}){500}){500}", r"\p{Greek}", "^"] {
            assert!(compile(pattern).is_err(), "{pattern}");
        }
        assert!(compile(&"a".repeat(2000)).is_err());
        assert!(compile(r"\bORD-\d{4,8}\b").is_ok());
    }

    #[test]
    fn replacements_break_no_layout() {
        for text in ["[id]", "[customer]", "x", "[a.b_c-d]"] {
            assert_eq!(Fixed::new(text).unwrap().as_bytes(), text.as_bytes());
        }
        for text in ["", "[]", "a b", "\"", "$1\\", "a\n", "[customer-number-long]", "[a", "æ"] {
            assert_eq!(Fixed::new(text), None, "{text}");
        }
    }
}
