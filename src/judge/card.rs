//! Payment cards: the issuers' ranges and lengths, and Luhn's check; written together or in the groups of the plastic.

use super::{
    Hit, Kind,
    text::{digits, luhn, number, pattern, stands_alone},
};
use regex::bytes::Regex;
use std::sync::LazyLock;

static CARD: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?-u)[0-9]{13,19}|[0-9]{4}(?:[ +-][0-9]{4}){3}|[0-9]{4}[ +-][0-9]{6}[ +-][0-9]{4,5}"));

pub(super) fn find(text: &[u8], hits: &mut Vec<Hit>) {
    for found in CARD.find_iter(text) {
        let digits = digits(found.as_bytes());
        if is_issued(&digits) && luhn(&digits) && stands_alone(text, found.start(), found.end()) {
            hits.push(Hit { kind: Kind::Card, start: found.start(), end: found.end() });
        }
    }
}

/// Whether an issuer gives out numbers that begin so and are so long. Ranges whose numbers are anything else far more
/// often (15 digits that begin with 1, 12 digits) are left out.
fn is_issued(digits: &[u32]) -> bool {
    let (length, six) = (digits.len(), number(&digits[..6]));
    match six {
        400_000..=499_999 => matches!(length, 13 | 16 | 19),
        510_000..=559_999 | 222_100..=272_099 => length == 16,
        340_000..=349_999 | 370_000..=379_999 => length == 15,
        300_000..=305_999 | 309_500..=309_599 | 380_000..=399_999 => matches!(length, 14 | 16),
        360_000..=369_999 => matches!(length, 14 | 16 | 19),
        352_800..=358_999 => (16..=19).contains(&length),
        601_100..=601_199 | 644_000..=659_999 | 620_000..=629_999 => (16..=19).contains(&length),
        500_000..=509_999 | 560_000..=589_999 | 630_000..=639_999 | 670_000..=679_999 => matches!(length, 16 | 18 | 19),
        220_000..=220_499 => length == 16,
        _ => false,
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
    fn test_cards_of_the_issuers_are_found_in_every_grouping() {
        for card in [
            "4111111111111111",
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "378282246310005",
            "3782 822463 10005",
            "5555555555554444",
            "2223003122003222",
            "30569309025904",
            "6011111111111117",
            "3530111333300000",
            "6200000000000005",
        ] {
            assert_eq!(found(&format!("card={card};")), [card]);
        }
    }

    #[test]
    fn numbers_that_fail_a_check_are_none() {
        for text in [
            "4111111111111112",
            "1795262400000",
            "1795262400000000",
            "x4111111111111111",
            "0.4111111111111111",
            "41111111111111111111",
            "4111111111111111.5",
            "9999999999999995",
        ] {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }
}
