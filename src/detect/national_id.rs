//! National identity numbers of the Nordic countries: a date of birth, a serial number and, but for the Danish ones, check
//! digits.
//!
//! | country | form | check |
//! |---|---|---|
//! | Norway | `DDMMYYNNNKK` | two digits; 40 on the day (D-number), 40, 65 or 80 on the month (H-number, synthetic ones) |
//! | Sweden | `[YY]YYMMDD-NNNN`, `+` from the age of 100 | Luhn; 60 on the day (samordningsnummer); a letter for the first N |
//! | Denmark | `DDMMYY-NNNN` | none since 2007 |
//! | Finland | `DDMMYYCNNNT`, `C` one of `+-A-FU-Y` | one character |
//! | Iceland | `DDMMYY-NNKC` | one digit, then 8, 9 or 0 for the century; 40 on the day for companies |
//!
//! From 2032 on the first check digit of Norway leaves a remainder of 0 to 3 (Skatteetaten, "Nytt fødselsnummer fra
//! 2032"); FH-numbers start with 8 or 9 and hold no date. Eleven digits written `1234.56.78903` are a bank account.

use super::{
    Finding, What,
    bytes::{ALNUM, DIGIT, Known, is, is_at, run_end},
    card, context,
};

/// The number that starts at `start`, where a group of digits starts.
pub(super) fn at(text: &[u8], start: usize) -> Option<Finding> {
    let first = run_end(&text[..text.len().min(start + 13)], start, DIGIT) - start;
    if !matches!(first, 2 | 6 | 8 | 10 | 11 | 12) || is_glued(text, start) {
        return None;
    }
    let digits = &text[start..start + first];
    let end = match first {
        2 => dotted(text, start)?,
        6 => split(text, start)?,
        8 => split_long(text, start)?,
        10 => {
            let known = iceland(digits)
                || sweden(digits) && digits[0] != b'1'
                || (denmark(digits) || sweden(digits)) && context::says(text, start, &WORDS);
            let fraction = text.get(start + 10) == Some(&b'.') && is_at(text, start + 11, DIGIT);
            // A browser's build by the hour: `Gecko/2010031218`.
            let build = text[..start].ends_with(b"Gecko/");
            (known && !fraction && !build).then_some(start + 10)?
        }
        11 => (norway(digits, Rule::Both) || context::says(text, start, &WORDS)).then_some(start + 11)?,
        // A date with hours and minutes is written like this too, and is taken for a token in any case.
        _ => (century(digits) && sweden(&digits[2..])).then_some(start + 12)?,
    };
    (!is_at(text, end, ALNUM)).then(|| Finding::new(start, end, What::NationalId))
}

/// Six digits, a sign, and the rest. Where it ends.
fn split(text: &[u8], start: usize) -> Option<usize> {
    let date = &text[start..start + 6];
    let sign = *text.get(start + 6)?;
    if let Some(tail) = text.get(start + 7..start + 11)
        && tail[..3].iter().all(|&b| is(b, DIGIT))
        && finland(date, sign, tail)
    {
        return Some(start + 11);
    }
    // The first letter of a number that Sweden gives out for a while.
    if let Some(end) = interim(text, start, start + 6) {
        return Some(end);
    }
    let from = start + 6 + separator(text, start + 6)?;
    let end = run_end(&text[..text.len().min(from + 6)], from, DIGIT);
    let spaced = sign != b'-' && sign != b'+';
    // `261121-1005:30` is a time.
    let goes_on = text.get(end) == Some(&b':') && run_end(&text[..text.len().min(end + 4)], end + 1, DIGIT) == end + 3;
    let rest = &text[from..end];
    match rest.len() {
        3 => {
            // `DDMMYY NNN KK`
            let last = end + separator(text, end)?;
            let number = join::<11>([date, rest, text.get(last..last + 2)?])?;
            (norway(&number, Rule::Strict) && !is_at(text, last + 2, DIGIT)).then_some(last + 2)
        }
        4 if !goes_on => {
            let number = join::<10>([date, rest, b""])?;
            let plain = sign == b'-' && denmark(&number) || !spaced && sweden(&number);
            let told = || (denmark(&number) || sweden(&number)) && context::says(text, start, &WORDS);
            (plain || iceland(&number) || told()).then_some(end)
        }
        5 if !goes_on => {
            let number = join::<11>([date, rest, b""])?;
            let rule = if spaced { Rule::Strict } else { Rule::Both };
            (norway(&number, rule) || context::says(text, start, &WORDS) && norway_date(&number)).then_some(end)
        }
        _ => None,
    }
}

/// Eight digits, a sign and four more, as Sweden writes the century too.
fn split_long(text: &[u8], start: usize) -> Option<usize> {
    let date = &text[start..start + 8];
    if !century(date) {
        return None;
    }
    if let Some(end) = interim(text, start + 2, start + 8) {
        return Some(end);
    }
    let from = start + 8 + separator(text, start + 8)?;
    let end = run_end(&text[..text.len().min(from + 5)], from, DIGIT);
    let rest = &text[from..end];
    if rest.len() != 4 {
        return None;
    }
    // `backup-20261121-1005`: a day and a time of day, unless it was before there were such files.
    let two = |at: usize| (rest[at] - b'0') * 10 + rest[at + 1] - b'0';
    let time = date[0] == b'2' && (date[2] > b'0') && two(0) < 24 && two(2) < 60;
    let number = join::<10>([&date[2..], rest, b""])?;
    (sweden(&number) && (!time || context::says(text, start, &WORDS))).then_some(end)
}

/// `DD.MM.YY NNNNN`, and the same with blanks or dashes.
fn dotted(text: &[u8], start: usize) -> Option<usize> {
    let number = text.get(start..start + 14)?;
    let (sign, last) = (number[2], number[8]);
    if !matches!(sign, b'.' | b' ' | b'-') || number[5] != sign || !matches!(last, b' ' | b'-') {
        return None;
    }
    if !number[9..].iter().all(|&b| is(b, DIGIT)) {
        return None;
    }
    let mut digits = [0; 11];
    for (slot, from) in digits.iter_mut().zip([0, 1, 3, 4, 6, 7, 9, 10, 11, 12, 13]) {
        *slot = number[from];
    }
    let whole = digits.iter().all(|&b| is(b, DIGIT)) && !is_at(text, start + 14, DIGIT);
    (whole && norway(&digits, Rule::Strict)).then_some(start + 14)
}

/// Where a Swedish number ends that has a letter for its first serial digit, behind the date at `date`.
fn interim(text: &[u8], date: usize, sign: usize) -> Option<usize> {
    let from = if text.get(sign) == Some(&b'-') { sign + 1 } else { sign };
    let tail = text.get(from..from + 4)?;
    if !matches!(
        tail[0].to_ascii_uppercase(),
        b'T' | b'R' | b'S' | b'U' | b'W' | b'X' | b'J' | b'K' | b'L' | b'M' | b'N'
    ) {
        return None;
    }
    let number = join::<10>([&text[date..date + 6], b"1", &tail[1..]])?;
    sweden(&number).then_some(from + 4)
}

/// How long the separator at `at` is.
fn separator(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at..)? {
        [b'-' | b'+' | b' ' | b'.' | b'_', ..] => Some(1),
        // A blank that does not break the line, a dash that does not.
        [0xC2, 0xA0, ..] => Some(2),
        [0xE2, 0x80, 0x90..=0x93 | 0xAF, ..] => Some(3),
        _ => None,
    }
}

/// Whether letters or a fraction's stop in front of `start` make it part of something else. `fnr13097248022` is none.
fn is_glued(text: &[u8], start: usize) -> bool {
    let Some(before) = start.checked_sub(1).map(|at| text[at]) else { return false };
    if before == b'.' {
        return start > 1 && is(text[start - 2], DIGIT);
    }
    if !before.is_ascii_alphabetic() {
        return false;
    }
    // Letters that are no hexadecimal digits, and no digit before them.
    let floor = start.saturating_sub(16);
    let mut word = start;
    let mut plain = false;
    while word > floor && text[word - 1].is_ascii_alphabetic() {
        word -= 1;
        plain |= !text[word].is_ascii_hexdigit();
    }
    !plain || word == floor && floor > 0 || word > 0 && is(text[word - 1], DIGIT)
}

/// The pieces as one number of `N` digits.
fn join<const N: usize>(pieces: [&[u8]; 3]) -> Option<[u8; N]> {
    let mut number = [0; N];
    let mut slots = number.iter_mut();
    for &byte in pieces.iter().copied().flatten() {
        if !is(byte, DIGIT) {
            return None;
        }
        *slots.next()? = byte;
    }
    slots.next().is_none().then_some(number)
}

/// Which remainders of Norway's first check digit will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// That of 1964.
    Strict,
    /// That of 1964, and that of 2032.
    Both,
}

fn norway(digits: &[u8], rule: Rule) -> bool {
    let remainder = |weights: &[u32]| {
        weights.iter().zip(digits).map(|(&weight, &b)| weight * u32::from(b - b'0')).sum::<u32>() % 11
    };
    if remainder(&[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) != 0 {
        return false;
    }
    let first = remainder(&[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]);
    // Nothing else than its check digits tells a number without a date from any other.
    let helper = digits[0] >= b'8';
    let most = if rule == Rule::Both && !helper { 3 } else { 0 };
    first <= most && (helper || norway_date(digits))
}

fn norway_date(digits: &[u8]) -> bool {
    let (day, month, year) = date(digits);
    let day = if day > 40 { day - 40 } else { day };
    let month = match month {
        41..=52 => month - 40,
        66..=77 => month - 65,
        81..=92 => month - 80,
        _ => month,
    };
    exists(day, month, year)
}

/// Ten digits, `YYMMDDNNNC`.
fn sweden(digits: &[u8]) -> bool {
    let (year, month, day) = date(digits);
    // Of those who have no number yet, the month or the day may not be known.
    let unsure = matches!(day, 60..=91) && month <= 12;
    (unsure || exists(day, month, year)) && card::luhn(&digits[..10])
}

/// Whether eight or more digits start with a year of 1800 to 2099.
fn century(digits: &[u8]) -> bool {
    matches!(digits, [b'1', b'8' | b'9', ..] | [b'2', b'0', ..])
}

/// Ten digits, `DDMMYYNNNN`.
fn denmark(digits: &[u8]) -> bool {
    let (day, month, year) = date(digits);
    // Days beyond 60 are given to those who have no number yet.
    exists(if day > 60 { day - 60 } else { day }, month, year)
}

/// Ten digits, `DDMMYYNNKC`.
fn iceland(digits: &[u8]) -> bool {
    let (day, month, year) = date(digits);
    let day = if day > 40 { day - 40 } else { day };
    let sum: u32 = [3, 2, 7, 6, 5, 4, 3, 2, 1].iter().zip(digits).map(|(&w, &b)| w * u32::from(b - b'0')).sum();
    exists(day, month, year) && sum.is_multiple_of(11) && matches!(digits[9], b'8' | b'9' | b'0')
}

/// Six digits, the sign of the century, three digits and the check character.
fn finland(digits: &[u8], sign: u8, tail: &[u8]) -> bool {
    let (day, month, year) = date(digits);
    let century = match sign.to_ascii_uppercase() {
        b'+' => 1800,
        b'-' | b'U'..=b'Y' => 1900,
        b'A'..=b'F' => 2000,
        _ => return false,
    };
    let number = digits.iter().chain(&tail[..3]).fold(0u32, |value, &b| value * 10 + u32::from(b - b'0'));
    let leap = year != 0 || century == 2000;
    exists(day, month, year)
        && (leap || day != 29 || month != 2)
        && tail[3].to_ascii_uppercase() == b"0123456789ABCDEFHJKLMNPRSTUVWXY"[(number % 31) as usize]
}

/// The three numbers of two digits that six digits start with.
fn date(digits: &[u8]) -> (u32, u32, u32) {
    let two = |at: usize| u32::from((digits[at] - b'0') * 10 + digits[at + 1] - b'0');
    (two(0), two(2), two(4))
}

/// Whether a day exists in one of the centuries that a year of two digits may mean.
fn exists(day: u32, month: u32, year: u32) -> bool {
    let last = match month {
        2 if year.is_multiple_of(4) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=last).contains(&day)
}

/// What stands in front of such numbers.
static WORDS: Known = Known::new(&[
    "fnr",
    "fødselsnr",
    "fødselsnummer",
    "fodselsnr",
    "fodselsnummer",
    "foedselsnummer",
    "dnr",
    "dnummer",
    "personnr",
    "personnummer",
    "pnr",
    "persnr",
    "cpr",
    "cprnr",
    "cprnummer",
    "cprno",
    "hetu",
    "henkilötunnus",
    "henkilotunnus",
    "sotu",
    "kennitala",
    "kt",
    "ssn",
    "nin",
    "nnin",
    "nationalid",
    "samordningsnummer",
    "identitetsnummer",
    "idnr",
    "personid",
]);

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        let first = text.find(|c: char| c.is_ascii_digit()).unwrap();
        at(text.as_bytes(), first).map(|f| std::str::from_utf8(f.span.of(text.as_bytes())).unwrap())
    }

    /// Eleven digits with both check digits for nine.
    fn norwegian(nine: &str, relaxed: u32) -> Option<String> {
        (0..100).map(|check| format!("{nine}{check:02}")).find(|number| {
            let digits: Vec<u32> = number.bytes().map(|b| u32::from(b - b'0')).collect();
            let sum = |weights: &[u32]| weights.iter().zip(&digits).map(|(w, d)| w * d).sum::<u32>() % 11;
            sum(&[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]) == relaxed && sum(&[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) == 0
        })
    }

    #[test]
    fn every_kind_of_norwegian_number_is_known() {
        for (nine, what) in [
            ("130972480", "plain"),
            ("530972480", "D"),
            ("135272480", "H"),
            ("138972480", "of the tax administration's test register"),
            ("137472480", "of the health network's test register"),
            ("538972480", "D of a test register"),
            ("290200758", "on a leap day"),
            ("812345678", "FH"),
        ] {
            let Some(number) = norwegian(nine, 0) else { continue };
            assert_eq!(found(&number), Some(&*number), "{what}");
            let split = format!("{} {}", &number[..6], &number[6..]);
            if what != "FH" {
                assert_eq!(found(&split), Some(&*split), "{what}");
                let dated = format!("{}.{}.{} {}", &number[..2], &number[2..4], &number[4..6], &number[6..]);
                assert_eq!(found(&dated), Some(&*dated), "{what}");
            }
            assert_eq!(found(&format!("fnr{number}")), Some(&*number));
        }
        let known = (1..=3).filter_map(|rest| norwegian("130932480", rest));
        assert!(known.map(|number| assert_eq!(found(&number), Some(&*number))).count() > 0);
        assert_eq!(norwegian("130932481", 4).and_then(|number| found(&number).map(str::len)), None);
    }

    #[test]
    fn numbers_of_the_neighbours_are_known_in_every_form() {
        for number in [
            "19811228-9874",
            "811228-9874",
            "811228+9874",
            "198112289874",
            "8112289874",
            "701063-2391",
            "7010632391",
            "19701063-2391",
            "131052-308T",
            "131052-308t",
            "131052A308T",
            "010195+433X",
            "131052Y308T",
            "070761-4285",
            "120174-3399",
            "1201743399",
            "120174 3399",
        ] {
            assert_eq!(found(number), Some(number));
            assert_eq!(found(&format!("\"{number}\", 5")), Some(number));
        }
        assert_eq!(found("cpr: 2802994286."), Some("2802994286"));
        assert_eq!(found("cpr-nr=070761 4285 "), Some("070761 4285"));
        assert_eq!(found("personnummer 1513319876"), None, "no such check digit, no such day");
        assert_eq!(found("fnr: 13097248033"), Some("13097248033"), "mistyped, but said to be one");
    }

    #[test]
    fn what_looks_like_one_and_is_none_stays() {
        for text in [
            "2802994286",
            "13097248032",
            "1309.72.48022",
            "1234.56.78903",
            "12345678903",
            "32127248022",
            "130972480220",
            "1.13097248022",
            "a13097248022",
            "13097248022f",
            "131052-308U",
            "290299-123U",
            "857209-0606",
            "1763719503",
            "1704067200",
            "1763719503123",
            "20261121-1005",
            "450761-42856",
            "311399-1234",
            "261121-1005:30",
            "974760673",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
