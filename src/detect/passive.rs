//! Addresses as FTP writes them, six numbers with commas: `PORT 203,0,113,77,195,149`, `227 Entering Passive Mode (…)`,
//! `Command [port] [203,0,113,77,195,149]`. The last two are the port, and go with it.
//!
//! Such a list elsewhere is one of numbers: the command or the answer stands in front.

use super::{
    Finding, What,
    bytes::{ALNUM, DIGIT, is, is_at, is_before},
};
use crate::record::Span;
use std::net::{IpAddr, Ipv4Addr};

/// How far in front of the numbers the answer's code may stand.
const REACH: usize = 48;

/// The address whose first comma stands at `comma`.
pub(super) fn at(text: &[u8], comma: usize) -> Option<Finding> {
    let begins = text.get(comma) == Some(&b',')
        && is_before(text, comma, DIGIT)
        && (is_at(text, comma + 1, DIGIT) || text.get(comma + 1) == Some(&b' ') && is_at(text, comma + 2, DIGIT));
    if !begins {
        return None;
    }
    let digits = text[comma.saturating_sub(3)..comma].iter().rev().take_while(|&&b| is(b, DIGIT)).count();
    let start = comma - digits;
    if is_before(text, start, ALNUM) || start > 0 && matches!(text[start - 1], b',' | b'.' | b'-') || !says(text, start)
    {
        return None;
    }
    let (mut numbers, mut end, mut core) = ([0u8; 6], start, start);
    for (i, number) in numbers.iter_mut().enumerate() {
        if i > 0 {
            if text.get(end) != Some(&b',') {
                return None;
            }
            end += 1 + usize::from(text.get(end + 1) == Some(&b' '));
        }
        let digits = text[end..].iter().take(4).take_while(|&&b| is(b, DIGIT)).count();
        if !(1..=3).contains(&digits) {
            return None;
        }
        let value = text[end..end + digits].iter().fold(0u16, |value, &b| value * 10 + u16::from(b - b'0'));
        *number = u8::try_from(value).ok()?;
        end += digits;
        if i == 3 {
            core = end;
        }
    }
    if is_at(text, end, ALNUM) || text.get(end) == Some(&b',') && is_at(text, end + 1, DIGIT) {
        return None;
    }
    let [a, b, c, d, ..] = numbers;
    let address = What::Address(IpAddr::V4(Ipv4Addr::new(a, b, c, d)));
    Some(Finding { span: Span::new(start, end), core: Span::new(start, core), what: address })
}

/// Whether the command or the answer stands in front of `start`.
fn says(text: &[u8], start: usize) -> bool {
    let before = &text[start.saturating_sub(REACH)..start];
    let signs = before.iter().rev().take(4).take_while(|&&b| !is(b, ALNUM)).count();
    let words = &before[..before.len() - signs];
    let ends = |word: &[u8]| {
        words
            .len()
            .checked_sub(word.len())
            .is_some_and(|at| words[at..].eq_ignore_ascii_case(word) && (at == 0 || !is(words[at - 1], ALNUM)))
    };
    let code = |four: &[u8]| four == b"227 " || four == b"227-";
    signs > 0 && (ends(b"port") || ends(b"passive mode") || ends(b"pasv"))
        || before.windows(4).enumerate().any(|(at, four)| code(four) && (at == 0 || !is(before[at - 1], ALNUM)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn found(text: &str) -> Vec<(&str, What)> {
        let (mut found, mut read) = (Vec::new(), 0);
        for comma in 0..text.len() {
            let finding = at(text.as_bytes(), comma).filter(|_| comma > read);
            read = finding.map_or(read, |finding| finding.span.end as usize);
            found.extend(finding);
        }
        found.iter().map(|f| (std::str::from_utf8(f.span.of(text.as_bytes())).unwrap(), f.what)).collect()
    }

    #[test]
    fn six_numbers_behind_a_command_or_an_answer_are_an_address() {
        let address = What::Address("203.0.113.77".parse().unwrap());
        for text in [
            "PORT 203,0,113,77,195,149",
            "\"PORT 203,0,113,77,195,149\"",
            "port=203,0,113,77,195,149",
            "227 Entering Passive Mode (203,0,113,77,195,149).",
            "Entering passive mode (203,0,113,77,195,149)",
            "227 =203,0,113,77,195,149",
            "Command [port] [203,0,113,77,195,149]",
            "1,2 PORT 203,0,113,77,195,149, x",
        ] {
            assert_eq!(found(text), [("203,0,113,77,195,149", address)], "{text}");
        }
    }

    #[test]
    fn a_blank_may_stand_behind_each_comma() {
        let text = "227 Entering Passive Mode (203, 0, 113, 77, 195, 149)";
        assert_eq!(found(text), [("203, 0, 113, 77, 195, 149", What::Address("203.0.113.77".parse().unwrap()))]);
    }

    #[test]
    fn lists_of_numbers_stay() {
        for text in [
            "203,0,113,77,195,149",
            "export 203,0,113,77,195,149",
            "report: 1,2,3,4,5,6",
            "PORT 203,0,113,77,195",
            "PORT 203,0,113,77,195,149,1",
            "PORT 203,0,113,77,195,256",
            "PORT 1,203,0,113,77,195,149",
            "PORT 203,0,113,77,195,149a",
            "x,1227 203,0,113,77,195,149",
            "PORT ,,,,,",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn commas_without_end_cost_one_reading() {
        let text = "227 1,".repeat(20_000) + &"1,".repeat(20_000);
        assert_eq!(found(&text), []);
    }
}
