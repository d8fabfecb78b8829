//! Swedish personnummer and samordningsnummer, Danish CPR, Finnish personal identity codes, Icelandic kennitölur.
//!
//! Ten bare digits are also the seconds since 1970, so what begins like those needs a word in front or a dash inside.
//! A Danish number has had no check digit since 2007: its date and a word in front, or the old check, must speak for it.

use super::{
    Hit, Kind,
    text::{alnum_at, alnum_before, digits, introduced, is_day, luhn, number, pattern, stands_alone, weighted},
};
use regex::bytes::Regex;
use std::sync::LazyLock;

static NUMBER: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?-u)[0-9]{8}[-+ ]?[0-9]{4}|[0-9]{6}[-+ ]?[0-9]{4}"));
static FINNISH: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?-u)[0-9]{6}[-+A-FYXWVUa-fyxwvu][0-9]{3}[0-9A-FHJ-NPR-Ya-fhj-npr-y]"));
/// Interim numbers, with a letter that counts as 1.
static INTERIM: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?-u)(?:18|19|20)?([0-9]{6})[-+]?[TRSUWXJKLMN]([0-9]{3})"));
static SWEDISH: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i-u)(?:personn|pnr|ssn|samordning|social|person_?id|swedish|birth|\bnin\b|national)[a-z_. -]{0,12}[\x22':=# ]{0,4}$",
    )
});
static DANISH: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i-u)(?:cpr|personn|pnr|ssn|danish|birth|national)[a-z_. -]{0,12}[\x22':=# ]{0,4}$"));
static ICELANDIC: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i-u)(?:kennit|\bkt\b|ssn|icelandic|national)[a-z_. \x80-\xff-]{0,12}[\x22':=# ]{0,4}$")
});

pub(super) fn find(text: &[u8], hits: &mut Vec<Hit>) {
    for found in NUMBER.find_iter(text) {
        let (start, end) = (found.start(), found.end());
        if stands_alone(text, start, end)
            && let Some(kind) = kind(text, start, found.as_bytes())
        {
            hits.push(Hit { kind, start, end });
        }
    }
    for found in INTERIM.captures_iter(text) {
        let whole = found.get(0).expect("the match");
        let (start, end) = (whole.start(), whole.end());
        let d = [digits(&found[1]), vec![1], digits(&found[2])].concat();
        if stands_alone(text, start, end) && is_swedish(&d, number(&d[..2])) {
            hits.push(Hit { kind: Kind::Swedish, start, end });
        }
    }
    for found in FINNISH.find_iter(text) {
        let (start, end) = (found.start(), found.end());
        if !alnum_before(text, start) && !alnum_at(text, end) && is_finnish(found.as_bytes()) {
            hits.push(Hit { kind: Kind::Finnish, start, end });
        }
    }
}

fn kind(text: &[u8], start: usize, written: &[u8]) -> Option<Kind> {
    let d = digits(written);
    let joined = written.len() == d.len();
    let dashed = written.iter().any(|byte| matches!(byte, b'-' | b'+'));
    if d.len() == 12 {
        // `202611211000` is a minute of our time.
        let named = introduced(text, start, &SWEDISH);
        let (hour, minute) = (number(&d[8..10]), number(&d[10..]));
        // With a dash it is how a person's number is written, unless the person would be a child.
        let first = if joined { 2000 } else { 2015 };
        let stamp = number(&d[..4]) >= first && hour < 24 && minute < 60;
        let century = matches!(number(&d[..2]), 18..=20);
        return (century && is_swedish(&d[2..], number(&d[..4])) && (named || !stamp)).then_some(Kind::Swedish);
    }
    let year = number(&d[..2]);
    let is_swedish = is_swedish(&d, year);
    let is_icelandic = is_icelandic(&d);
    let is_day_first = is_day(number(&d[4..6]), number(&d[2..4]), year);
    if is_swedish && introduced(text, start, &SWEDISH) && !introduced(text, start, &DANISH_ONLY) {
        return Some(Kind::Swedish);
    }
    if is_icelandic && introduced(text, start, &ICELANDIC) {
        return Some(Kind::Icelandic);
    }
    if is_day_first && introduced(text, start, &DANISH) {
        return Some(Kind::Danish);
    }
    // Ten digits that begin with 1 are mostly seconds; blanks between numbers join what does not belong together.
    let bare = (joined && d[0] != 1) || dashed;
    if !bare {
        return None;
    }
    if is_swedish {
        return Some(Kind::Swedish);
    }
    if is_icelandic {
        return Some(Kind::Icelandic);
    }
    let old_check = weighted(&d, &[4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11);
    (is_day_first && dashed && old_check).then_some(Kind::Danish)
}

static DANISH_ONLY: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i-u)(?:cpr|danish)[a-z_. -]{0,12}[\x22':=# ]{0,4}$"));

/// Ten digits, the year of two or four digits apart. The day of a samordningsnummer is raised by 60, and where it or the
/// month is not known, nought stands for it.
fn is_swedish(d: &[u32], year: u32) -> bool {
    let (month, day) = (number(&d[2..4]), number(&d[4..6]));
    let raised = day >= 60 && month <= 12 && (day == 60 || month == 0 && day <= 91 || is_day(year, month, day - 60));
    (raised || is_day(year, month, day)) && luhn(d) && number(&d[6..9]) > 0
}

/// A person's: the ninth digit checks the first eight, the tenth is the century.
fn is_icelandic(d: &[u32]) -> bool {
    let rest = weighted(d, &[3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11;
    is_day(number(&d[4..6]), number(&d[2..4]), number(&d[..2])) && rest == 0 && matches!(d[9], 0 | 8 | 9)
}

fn is_finnish(written: &[u8]) -> bool {
    const CHECKS: &[u8; 31] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";
    let d = digits(&written[..10]);
    let century = match written[6].to_ascii_uppercase() {
        b'+' => 1800,
        b'-' | b'Y' | b'X' | b'W' | b'V' | b'U' => 1900,
        _ => 2000,
    };
    let day = is_day(century + number(&d[4..6]), number(&d[2..4]), number(&d[..2]));
    let check = CHECKS[number(&d) as usize % 31];
    day && number(&d[6..]) > 1 && written[10].to_ascii_uppercase() == check
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<Kind> {
        let mut hits = Vec::new();
        find(text.as_bytes(), &mut hits);
        hits.iter().map(|hit| hit.kind).collect()
    }

    #[test]
    fn each_country_is_known_by_its_own_check() {
        // Made for these tests: no number of anybody.
        for (text, kind) in [
            ("670919-9530", Kind::Swedish),
            ("196709199530", Kind::Swedish),
            ("personnummer: 6709199530", Kind::Swedish),
            ("670979-9537", Kind::Swedish),
            ("cpr=0101010000", Kind::Danish),
            ("131052-308T", Kind::Finnish),
            ("131052A308T", Kind::Finnish),
            ("120174-3399", Kind::Icelandic),
            ("kennitala 1201743399", Kind::Icelandic),
        ] {
            assert_eq!(found(text), [kind], "{text}");
        }
    }

    #[test]
    fn seconds_stamps_and_failed_checks_are_none() {
        for text in [
            "1704067200",
            "1795262400",
            "202611211000",
            "670919-9531",
            "0101010000",
            "131052-308U",
            "321052-308T",
            "120174-3389",
            "x670919-9530",
            "5560160680",
            "20261121-1000",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }
}
