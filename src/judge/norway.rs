//! Norwegian fødselsnummer (ddmmyy, individual number, two check digits) and its kin: D-numbers (day + 40), H-numbers
//! (month + 40), synthetic ones (month + 80 of Skatteetaten, + 65 of NHN), FH-numbers (begin with 8 or 9, no date).
//!
//! From 2032 the first check digit may be four values (Skatteetaten, "Nye regler for kontrollsiffer"); the second stays.

use super::{
    Hit, Kind,
    text::{digits, introduced, is_day, number, pattern, stands_alone, weighted},
};
use regex::bytes::Regex;
use std::sync::LazyLock;

static NUMBER: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?-u)[0-9]{6}[ +-]?[0-9]{5}"));
/// Bank accounts have eleven digits too, and the same second check digit.
static ACCOUNT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i-u)(?:konto|account|acct|bban|kid|orgnr|org\.nr|faktura|invoice|ordre|order)[a-z_. -]{0,10}[\x22':=# ]{1,4}$",
    )
});
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i-u)(?:f(?:o|\xc3\xb8|\xf8|oe)dsels?n|fnr|dnr|d-nummer|personn|personnr|pnr|ssn|nin|pid|national|norwegian|identit|fhn|h-nummer)[a-z_. -]{0,12}[\x22':=# ]{0,4}$",
    )
});

pub(super) fn find(text: &[u8], hits: &mut Vec<Hit>) {
    for found in NUMBER.find_iter(text) {
        let (start, end) = (found.start(), found.end());
        if !stands_alone(text, start, end) {
            continue;
        }
        let strength = if introduced(text, start, &NAMED) {
            Strength::Named
        } else if introduced(text, start, &ACCOUNT) {
            continue;
        } else {
            Strength::Bare
        };
        if is_number(&digits(found.as_bytes()), strength) {
            hits.push(Hit { kind: Kind::Norwegian, start, end });
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Strength {
    Bare,
    Named,
}

fn is_number(d: &[u32], strength: Strength) -> bool {
    let first = (weighted(d, &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1])) % 11;
    let second = weighted(d, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11;
    let (day, month, year) = (number(&d[..2]), number(&d[2..4]), number(&d[4..6]));
    let helped = day >= 80;
    let day = if day > 40 { day - 40 } else { day };
    let plain = is_day(year, month, day);
    let moved = [40, 80, 65, 105].iter().any(|&more| month > more && is_day(year, month - more, day));
    // Without a date the old check is the only proof; under the new one a bare number of another kind would fit too often.
    second == 0
        && match (first, strength) {
            (0, _) => plain || moved || helped,
            (1..=3, Strength::Named) => plain || moved || helped,
            (1..=3, Strength::Bare) => plain,
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(text: &str) -> bool {
        let mut hits = Vec::new();
        find(text.as_bytes(), &mut hits);
        !hits.is_empty()
    }

    /// A number with both check digits, or `None` where one would be ten.
    fn made(front: u32, first_rest: u32) -> Option<String> {
        let d = digits(format!("{front:09}").as_bytes());
        let one = (11 - (weighted(&d, &[3, 7, 6, 1, 8, 9, 4, 5, 2]) + 11 - first_rest) % 11) % 11;
        let d = [&d[..], &[one]].concat();
        let two = (11 - weighted(&d, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
        (one < 10 && two < 10).then(|| format!("{front:09}{one}{two}"))
    }

    #[test]
    fn every_series_is_found_and_a_changed_digit_is_not() {
        for series in [151_270_450, 551_270_450, 155_270_450, 159_270_450, 157_770_450, 850_000_000] {
            let numbers: Vec<String> = (0..40).filter_map(|i| made(series + i, 0)).collect();
            assert!(numbers.len() > 20);
            for number in numbers {
                assert!(hit(&number) && hit(&format!("a={} {}&", &number[..6], &number[6..])), "{number}");
                let last = u32::from(number.as_bytes()[10] - b'0');
                assert!(!hit(&format!("{}{}", &number[..10], (last + 1) % 10)), "{number}");
            }
        }
    }

    #[test]
    fn the_rule_of_2032_holds_for_dates_and_for_named_numbers() {
        for rest in 1..4 {
            let number = (0..40).find_map(|i| made(151_270_450 + i, rest)).unwrap();
            assert!(hit(&number), "{number}");
            let number = (0..40).find_map(|i| made(850_000_000 + i, rest)).unwrap();
            assert!(!hit(&number) && hit(&format!("fnr={number}")), "{number}");
        }
        let number = (0..40).find_map(|i| made(151_270_450 + i, 4)).unwrap();
        assert!(!hit(&number), "{number}");
    }

    #[test]
    fn an_account_that_is_called_one_is_none() {
        let number = (0..40).find_map(|i| made(151_270_450 + i, 0)).unwrap();
        assert!(hit(&number) && !hit(&format!("kontonr: {number}")) && !hit(&format!("x{number}")));
    }
}
