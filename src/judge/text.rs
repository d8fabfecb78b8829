//! What the families share: edges of words, words in front, check digits, the calendar.

use regex::bytes::Regex;

/// Whether a letter or digit stands right before `at`.
pub(super) fn alnum_before(text: &[u8], at: usize) -> bool {
    at > 0 && text[at - 1].is_ascii_alphanumeric()
}

/// Whether a letter or digit stands at `at`.
pub(super) fn alnum_at(text: &[u8], at: usize) -> bool {
    text.get(at).is_some_and(u8::is_ascii_alphanumeric)
}

fn digit_at(text: &[u8], at: usize) -> bool {
    text.get(at).is_some_and(u8::is_ascii_digit)
}

/// Whether the digits at `start..end` are a number of their own: no part of a word, a fraction or a dashed group.
pub(super) fn stands_alone(text: &[u8], start: usize, end: usize) -> bool {
    let joined = |byte: u8| matches!(byte, b'.' | b'-' | b',');
    let before = alnum_before(text, start) || start > 1 && joined(text[start - 1]) && text[start - 2].is_ascii_digit();
    let after = alnum_at(text, end) || text.get(end).copied().is_some_and(joined) && digit_at(text, end + 1);
    !before && !after
}

/// Whether one of `words` stands in the few words before `at`.
pub(super) fn introduced(text: &[u8], at: usize, words: &Regex) -> bool {
    words.is_match(&text[at.saturating_sub(REACH)..at])
}

/// How far a word in front of a number still speaks of it.
const REACH: usize = 28;

/// The values of the digits; everything else is skipped.
pub(super) fn digits(bytes: &[u8]) -> Vec<u32> {
    bytes.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| u32::from(byte - b'0')).collect()
}

/// Luhn's check (ISO/IEC 7812-1).
pub(super) fn luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, &digit)| match i % 2 {
            0 => digit,
            _ => digit * 2 / 10 + digit * 2 % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The sum of digits times weights.
pub(super) fn weighted(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

/// The number that the digits write.
pub(super) fn number(digits: &[u32]) -> u32 {
    digits.iter().fold(0, |sum, digit| sum * 10 + digit)
}

/// Whether the calendar has this day; `year` of two digits: in any century (29 February in each fourth year, 00 too).
pub(super) fn is_day(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && (year < 100 || !year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    };
    (1..=last).contains(&day)
}

/// A pattern of this crate's own; that it compiles is shown by the tests.
pub(super) fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern of our own")
}

/// Endings of files, so that the last label of `logo@2x.png` or `app-1.2.3.4.js` is not taken for a domain or an address.
pub(super) fn is_file_ending(word: &[u8]) -> bool {
    const ENDINGS: &[&[u8]] = &[
        b"js",
        b"mjs",
        b"cjs",
        b"css",
        b"map",
        b"png",
        b"jpg",
        b"jpeg",
        b"gif",
        b"svg",
        b"webp",
        b"avif",
        b"ico",
        b"bmp",
        b"woff",
        b"woff2",
        b"ttf",
        b"otf",
        b"eot",
        b"mp3",
        b"mp4",
        b"webm",
        b"ogg",
        b"wav",
        b"m4a",
        b"pdf",
        b"txt",
        b"md",
        b"html",
        b"htm",
        b"xhtml",
        b"xml",
        b"json",
        b"csv",
        b"log",
        b"php",
        b"asp",
        b"aspx",
        b"jsp",
        b"zip",
        b"gz",
        b"tgz",
        b"bz2",
        b"xz",
        b"zst",
        b"7z",
        b"rar",
        b"tar",
        b"deb",
        b"rpm",
        b"apk",
        b"exe",
        b"msi",
        b"dmg",
        b"iso",
        b"img",
        b"jar",
        b"war",
        b"whl",
        b"dll",
        b"so",
        b"dylib",
        b"bin",
        b"swf",
        b"wasm",
        b"doc",
        b"docx",
        b"xls",
        b"xlsx",
        b"ppt",
        b"pptx",
        b"conf",
        b"ini",
        b"yml",
        b"yaml",
        b"toml",
        b"lock",
        b"bak",
        b"tmp",
        b"ts",
        b"tsx",
        b"jsx",
        b"vue",
        b"scss",
        b"less",
        b"service",
        b"scope",
        b"slice",
        b"socket",
        b"mount",
        b"target",
        b"timer",
        b"device",
        b"swap",
        b"automount",
    ];
    ENDINGS.iter().any(|ending| ending.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luhns_check_is_that_of_the_standard() {
        assert!(luhn(&digits(b"4111 1111 1111 1111")));
        assert!(!luhn(&digits(b"4111 1111 1111 1112")));
    }

    #[test]
    fn the_calendar_knows_leap_years() {
        for (year, month, day, is) in
            [(2000, 2, 29, true), (1900, 2, 29, false), (0, 2, 29, true), (26, 11, 31, false), (26, 0, 1, false)]
        {
            assert_eq!(is_day(year, month, day), is, "{year} {month} {day}");
        }
    }

    #[test]
    fn a_number_inside_a_word_a_fraction_or_a_group_does_not_stand_alone() {
        for (text, alone) in [
            ("12345", true),
            ("a=12345;", true),
            ("x12345", false),
            ("0.12345", false),
            ("12345.6", false),
            ("1-12345", false),
            ("12345.", true),
            ("id-12345", true),
            ("12345-6", false),
        ] {
            let start = text.find("12345").unwrap();
            assert_eq!(stands_alone(text.as_bytes(), start, start + 5), alone, "{text}");
        }
    }
}
