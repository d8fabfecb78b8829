//! What sladd itself writes: `p1.20261121.9f86d081884c7d65` — the scheme, an epoch's name, 4 to 32 hexadecimal digits.

use super::{
    Hit, Kind,
    text::{alnum_at, alnum_before, digits, is_day, number, pattern},
};
use regex::bytes::Regex;
use std::sync::LazyLock;

static PSEUDONYM: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?-u)p1\.([0-9]{4}(?:w[0-9]{2}|[0-9]{2}|[0-9]{4}|[0-9]{6})?)\.([0-9a-f]{4,32})"));

pub(super) fn find(text: &[u8], hits: &mut Vec<Hit>) {
    for found in PSEUDONYM.captures_iter(text) {
        let (whole, epoch) = (found.get(0).expect("the match"), &found[1]);
        let joined = alnum_before(text, whole.start()) || whole.start() > 0 && text[whole.start() - 1] == b'.';
        let alone = !joined && !alnum_at(text, whole.end());
        if alone && is_epoch(epoch) {
            hits.push(Hit { kind: Kind::Pseudonym, start: whole.start(), end: whole.end() });
        }
    }
}

/// Whether a key's period can have this name: an hour, a day, a week, a month, a year.
fn is_epoch(name: &[u8]) -> bool {
    let (year, rest) = name.split_at(4);
    let (year, rest_digits) = (number(&digits(year)), digits(rest));
    match (rest.first(), rest.len()) {
        (None, _) => true,
        (Some(b'w'), _) => (1..=53).contains(&number(&rest_digits)),
        (_, 2) => (1..=12).contains(&number(&rest_digits)),
        (_, 4) => is_day(year, number(&rest_digits[..2]), number(&rest_digits[2..])),
        _ => is_day(year, number(&rest_digits[..2]), number(&rest_digits[2..4])) && number(&rest_digits[4..]) < 24,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_ours(text: &str) -> bool {
        let mut hits = Vec::new();
        find(text.as_bytes(), &mut hits);
        !hits.is_empty()
    }

    #[test]
    fn pseudonyms_of_every_period_are_known_and_nothing_like_them() {
        for text in [
            "p1.20261121.9f86d081884c7d65",
            "p1.2026112114.9f86",
            "a=p1.2026w47.9f86d081&",
            "p1.202611.9f86d081884c7d659f86d081884c7d65",
            "/u/p1.2026.9f86/",
        ] {
            assert!(is_ours(text), "{text}");
        }
        for text in [
            "p1.20261321.9f86d081884c7d65",
            "p1.20261121.9f8",
            "p1.20261121.9F86D081",
            "xp1.20261121.9f86d081",
            "p2.20261121.9f86d081",
            "p1.2026112125.9f86d081",
            "p1.20261121.9f86d081884c7d659f86d081884c7d65a",
            "p1.20261121.9f86d081z",
        ] {
            assert!(!is_ours(text), "{text}");
        }
    }
}
