//! Telephone numbers: international with a plus or `00`, of the Nordic countries and elsewhere; national behind a word.

use super::{
    Hit, Kind,
    text::{alnum_at, digits, introduced, number, pattern},
};
use regex::bytes::Regex;
use std::sync::LazyLock;

static INTERNATIONAL: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?-u)(?:\+|\b00)[1-9](?:[ .()/+-]{0,2}[0-9]){6,14}"));
static NATIONAL: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?-u)\(?[0-9](?:[ ()-]{0,2}[0-9]){6,10}"));
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i-u)(?:phone|telefon|mobil[ea]?|msisdn|\btlf|\btel|\bmob|\bsms|fax|cellular|puhelin|s\xc3\xadmi)[a-z_ .]{0,8}(?:\x22? ?[:=] ?\x22?|[ /]|%20)$",
    )
});

pub(super) fn find(text: &[u8], hits: &mut Vec<Hit>) {
    for found in INTERNATIONAL.find_iter(text) {
        let (start, mut end) = (found.start(), found.end());
        // `a+1…` is a blank in a query, `+0100` a zone; what goes on is a longer number or a word.
        let plus = text[start] == b'+';
        let before = start.checked_sub(1).map(|at| text[at]);
        let joined =
            before.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b')' | b'.' | b'-'));
        let after_number = matches!(&text[..start], [.., b'0'..=b'9', b'/' | b',' | b':']);
        // A column of a table, `5,+4791234567`, `5,0047 91234567`; `0,0047` is a fraction.
        let column = text[..start].ends_with(b",")
            && (plus || !matches!(&text[..start], [b'0', b','] | [.., b' ' | b',' | b'=' | b'-' | b'(', b'0', b',']));
        if joined || after_number && !column {
            continue;
        }
        let mut written = found.as_bytes();
        let mut all = digits(written);
        let skip = usize::from(!plus) * 2;
        if !plus && !introduced(text, start, &NAMED) && !is_nordic(&all[skip..]) {
            continue;
        }
        // A number behind a blank may be the next word: where the country's length is reached, it ends.
        if let Some(most) = longest(&all[skip..])
            && all.len() - skip > most
        {
            let length = reach(written, most + skip);
            if written.get(length).is_some_and(u8::is_ascii_digit) {
                continue;
            }
            written = &written[..length];
            end = start + length;
            all.truncate(most + skip);
        }
        let fraction = written.iter().filter(|&&byte| byte == b'.').count() == 1
            && !written.iter().any(|byte| matches!(byte, b' ' | b'-'));
        if is_number(&all[skip..]) && !fraction && !alnum_at(text, end) {
            hits.push(Hit { kind: Kind::Phone, start, end });
        }
    }
    for found in NATIONAL.find_iter(text) {
        let (start, end) = (found.start(), found.end());
        let joined = start.checked_sub(1).is_some_and(|at| text[at].is_ascii_digit() || text[at] == b'+');
        if !joined && !alnum_at(text, end) && introduced(text, start, &NAMED) {
            hits.push(Hit { kind: Kind::Phone, start, end });
        }
    }
}

/// How many bytes hold so many digits.
fn reach(written: &[u8], count: usize) -> usize {
    let ends = written.iter().enumerate().filter(|(_, byte)| byte.is_ascii_digit()).map(|(at, _)| at + 1);
    ends.take(count).last().unwrap_or(written.len())
}

fn is_nordic(digits: &[u32]) -> bool {
    matches!((number(&digits[..2]), number(&digits[..3])), (45..=47, _) | (_, 354 | 358)) && is_number(digits)
}

/// The length with the country's code, where the plan has only one or we know the longest.
fn longest(digits: &[u32]) -> Option<usize> {
    match (number(&digits[..2]), number(&digits[..3])) {
        (47, _) => Some(if digits[2..].starts_with(&[5]) || digits[2..].starts_with(&[0]) { 14 } else { 10 }),
        (45, _) => Some(10),
        (46, _) => Some(13),
        (_, 354) => Some(12),
        (_, 358) => Some(13),
        _ => None,
    }
}

fn is_number(digits: &[u32]) -> bool {
    let length = digits.len();
    match (number(&digits[..2]), number(&digits[..3])) {
        (47, _) => length == 10 || length == 7 || length == 14,
        (45, _) => length == 10,
        (46, _) => (9..=13).contains(&length),
        (_, 354) => matches!(length, 10 | 12),
        (_, 358) => (8..=13).contains(&length),
        (10..=19, _) => length == 11,
        _ => (9..=15).contains(&length),
    }
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
    fn international_numbers_are_found_in_every_grouping() {
        for phone in [
            "+4722865500",
            "+47 22 86 55 00",
            "+47-22865500",
            "+46 8 123 456 78",
            "+45 12 34 56 78",
            "+358 40 1234567",
            "+354 555 1234",
            "+1 (202) 555-0143",
            "+441632960961",
            "004722865500",
        ] {
            assert_eq!(found(&format!("ring {phone}, now")), [phone]);
            assert_eq!(found(&format!("?tel={phone}&x")), [phone]);
        }
        assert_eq!(found("+47 22 86 55 00 200 512"), ["+47 22 86 55 00"]);
        assert_eq!(found("5,+4791234567,x"), ["+4791234567"]);
        assert_eq!(found("7,0047 91234567,x"), ["0047 91234567"]);
        assert_eq!(found("a;+4791234567;b"), ["+4791234567"]);
        assert_eq!(found("tlf: 22 86 55 00"), ["22 86 55 00"]);
        assert_eq!(found("\"phone\":\"22865500\""), ["22865500"]);
    }

    #[test]
    fn zones_fractions_and_sums_are_none() {
        for text in [
            "[21/Nov/2026:10:00:00 +0100]",
            "q=foo+12345678901",
            "+59.9139123",
            "22 86 55 00",
            "1+4722865500",
            "+123456",
            "0/1/48082/+99627 200 83285",
            "0012345678901",
            "0,0047912345671",
            "7,+0100",
            "x-000000000000",
            "2026-11-21T10:00:00.000+0100 200 512",
        ] {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }
}
