//! Long values that nobody wrote: hexadecimal from 16 digits, base64 and random letters from 20, numbers from 12.
//!
//! The hash in an asset's name (`app-9f86d081884c7d65.js`), slugs, names in `CamelCase`, stamps and epochs are none.

use super::{
    Hit, Kind,
    text::{introduced, is_day, is_file_ending, pattern},
};
use regex::bytes::Regex;
use std::sync::LazyLock;

static RUN: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?-u)[A-Za-z0-9_-]{12,}"));

/// Threads are numbered by where they lie in memory.
static THREAD: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i-u)(?:\btid|\bpid|thread)(?:[ _-]?id)?[\x22' :=#]{1,3}$"));

pub(super) fn find(text: &[u8], hits: &mut Vec<Hit>) {
    for found in RUN.find_iter(text) {
        let (start, run) = (found.start(), found.as_bytes());
        // Words between dashes are looked at one by one, then the run as a whole.
        let mut any = false;
        let mut at = 0;
        for word in run.split(|byte| matches!(byte, b'-' | b'_')) {
            let (from, to) = (start + at, start + at + word.len());
            at += word.len() + 1;
            if is_hex(word) && !is_asset(text, from, to) && !is_ours(text, from) || is_long_number(text, from, word) {
                hits.push(Hit { kind: Kind::Token, start: from, end: to });
                any = true;
            }
        }
        if !any && is_random(run) && !is_asset(text, start, found.end()) {
            let padding = text[found.end()..].iter().take(2).take_while(|byte| **byte == b'=').count();
            hits.push(Hit { kind: Kind::Token, start, end: found.end() + padding });
        }
    }
}

/// 16 hexadecimal digits or more, letters and digits.
fn is_hex(word: &[u8]) -> bool {
    let word = word.strip_prefix(b"0x").unwrap_or(word);
    word.len() >= 16
        && word.iter().all(u8::is_ascii_hexdigit)
        && word.iter().any(u8::is_ascii_digit)
        && word.iter().any(u8::is_ascii_alphabetic)
}

/// A number of 12 digits or more that is no stamp, no epoch, no fraction and no round figure.
fn is_long_number(text: &[u8], start: usize, word: &[u8]) -> bool {
    if word.len() < 12 || !word.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let part = |from: usize, to: usize| word[from..to].iter().fold(0, |sum, byte| sum * 10 + u32::from(byte - b'0'));
    let stamp = matches!(word.len(), 12 | 14 | 17 | 20)
        && (1970..2100).contains(&part(0, 4))
        && is_day(part(0, 4), part(4, 6), part(6, 8))
        && part(8, 10) < 24
        && part(10, 12) < 60;
    let epoch = matches!(word.len(), 13 | 16 | 19) && word[0] == b'1';
    let before = &text[start.saturating_sub(2)..start];
    let fraction = matches!(before, [b'0'..=b'9', b'.' | b','] | [_, b'+']);
    let round = word.iter().all(|byte| *byte == word[0]) || word.ends_with(b"000000") || word.starts_with(b"0000");
    !stamp && !epoch && !fraction && !round && !introduced(text, start, &THREAD)
}

/// 20 characters or more of three classes that change too often for words. Of random ones half stand beside one of
/// another class, in names at most one in four.
fn is_random(run: &[u8]) -> bool {
    let class = |byte: u8| match byte {
        b'0'..=b'9' => 0,
        b'A'..=b'Z' => 1,
        b'a'..=b'z' => 2,
        _ => 3,
    };
    let mut count = [0; 4];
    let mut changes = 0;
    for (at, byte) in run.iter().enumerate() {
        count[class(*byte)] += 1;
        let before = at.checked_sub(1).map_or(3, |at| class(run[at]));
        let capital = before == 1 && class(*byte) == 2 && (at < 2 || class(run[at - 2]) != 1);
        changes += usize::from(before != class(*byte) && before != 3 && class(*byte) != 3 && !capital);
    }
    let length = run.len() - count[3];
    length >= 20 && count[0] > 1 && count[1] > 1 && count[2] > 1 && changes * 10 >= length * 3 && count[3] * 6 <= length
}

/// Whether a name stands in front and a file's ending behind: the hash of what is in the file.
fn is_asset(text: &[u8], start: usize, end: usize) -> bool {
    let named = start > 1
        && matches!(text[start - 1], b'-' | b'.' | b'_' | b'/')
        && (text[start - 1] == b'/' || text[start - 2].is_ascii_alphanumeric());
    let Some(rest) = text[end..].strip_prefix(b".") else { return false };
    let length = rest.iter().take(40).take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'.').count();
    let rest = &rest[..length];
    let joined = named && text[start - 1] != b'/';
    (joined || rest.contains(&b'.') && named)
        && rest.split(|byte| *byte == b'.').next_back().is_some_and(is_file_ending)
}

/// The digits of our own pseudonyms.
fn is_ours(text: &[u8], start: usize) -> bool {
    let before = &text[start.saturating_sub(14)..start];
    before.ends_with(b".") && before.windows(3).any(|window| window == b"p1.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let mut hits = Vec::new();
        find(text.as_bytes(), &mut hits);
        hits.iter().map(|hit| text[hit.start..hit.end].to_owned()).collect()
    }

    #[test]
    fn drawn_values_are_found() {
        for (text, want) in [
            ("/r/9f86d081884c7d65/x", "9f86d081884c7d65"),
            ("id=9F86D081884C7D659A2FEAA0C55AD015&", "9F86D081884C7D659A2FEAA0C55AD015"),
            ("x_9f86d081884c7d65", "9f86d081884c7d65"),
            ("q=Zm9vYmFyOjEyMzQ1Njc4OTA0NTY3OA==", "Zm9vYmFyOjEyMzQ1Njc4OTA0NTY3OA=="),
            ("k=aB3xZ9qL1mN7pR5tV2wY", "aB3xZ9qL1mN7pR5tV2wY"),
            ("order 482913765021", "482913765021"),
        ] {
            assert_eq!(found(text), [want], "{text}");
        }
    }

    #[test]
    fn what_people_and_builds_write_is_none() {
        for text in [
            "/assets/app-9f86d081884c7d65.js",
            "/css/site.9f86d081884c7d65.min.css",
            "how-to-black-out-a-log-in-ten-minutes-2026",
            "XMLHttpRequestEventTargetLevel3ApiController",
            "20261121100000",
            "1795262400000",
            "1795262400000000",
            "p1.20261121.9f86d081884c7d65",
            "rt=0.482913765021",
            "000000000000",
            "deadbeefdeadbeef",
            "UPPER_CASE_CONSTANT_OF_2026_LOGS",
            "9f86d081",
            "[pid 10:tid 140120579262208]",
        ] {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }
}
