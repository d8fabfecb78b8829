//! International bank account numbers (ISO 13616): a country, two check digits, an account of the country's length, all
//! of which leaves 1 when divided by 97; bare or in groups of four.

use super::{
    Finding, What,
    bytes::{ALNUM, DIGIT, is, is_at, is_before},
};

/// The number whose sixth character stands at `at`, or whose fifth behind a blank does.
pub(super) fn at(text: &[u8], at: usize) -> Option<Finding> {
    let start = at.checked_sub(5)?;
    let head = text.get(start..start + 4)?;
    let joint = text[start + 4];
    if is_before(text, start, ALNUM) || !is(head[2], DIGIT) || !is(head[3], DIGIT) || !is_at(text, at, ALNUM) {
        return None;
    }
    let length = length(head[0], head[1])?;
    let grouped = !is(joint, ALNUM);
    if grouped && !matches!(joint, b' ' | b'-' | b'+' | b'.') {
        return None;
    }
    // Country and check digits come last.
    let mut rest = 0u32;
    let (mut count, mut end) = (4, start + 4);
    while count < length {
        if grouped && count.is_multiple_of(4) {
            if text.get(end) != Some(&joint) {
                return None;
            }
            end += 1;
        }
        let &byte = text.get(end)?;
        rest = add(rest, byte)?;
        (count, end) = (count + 1, end + 1);
    }
    for &byte in head {
        rest = add(rest, byte)?;
    }
    (rest % 97 == 1 && !is_at(text, end, ALNUM)).then(|| Finding::new(start, end, What::Iban))
}

/// What is left of a number divided by 97 when one more character is written behind it.
fn add(rest: u32, byte: u8) -> Option<u32> {
    match byte {
        b'0'..=b'9' => Some((rest * 10 + u32::from(byte - b'0')) % 97),
        b'A'..=b'Z' | b'a'..=b'z' => Some((rest * 100 + u32::from((byte | 0x20) - b'a') + 10) % 97),
        _ => None,
    }
}

/// How many characters the numbers of a country have.
fn length(first: u8, second: u8) -> Option<usize> {
    let country = [first.to_ascii_uppercase(), second.to_ascii_uppercase()];
    LENGTHS.iter().find(|(countries, _)| countries.chunks(2).any(|known| known == country)).map(|&(_, length)| length)
}

/// Countries by the length of their numbers (registry of SWIFT, 2024).
const LENGTHS: [(&[u8], usize); 19] = [
    (b"NO", 15),
    (b"BE", 16),
    (b"DKFOFIGLNLSDFK", 18),
    (b"MKSI", 19),
    (b"ATBAEELTLUXKKZMN", 20),
    (b"CHCRHRLILV", 21),
    (b"BGBHDEGBGEIEMERSVA", 22),
    (b"AEGIILIQTLSOOM", 23),
    (b"ADCZESMDPKROSASESKTNVGDJ", 24),
    (b"LYPTST", 25),
    (b"ISTR", 26),
    (b"FRGRITMCMRSMBI", 27),
    (b"ALAZCYDOGTHULBPLSVNIHN", 28),
    (b"BRPSQAUA", 29),
    (b"JOKWMUYE", 30),
    (b"MTSC", 31),
    (b"LC", 32),
    (b"RU", 33),
    (b"BY", 28),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        (0..text.len())
            .find_map(|p| at(text.as_bytes(), p))
            .map(|f| std::str::from_utf8(f.span.of(text.as_bytes())).unwrap())
    }

    #[test]
    fn numbers_are_known_bare_and_in_groups() {
        for iban in [
            "NO9386011117947",
            "NO93 8601 1117 947",
            "no9386011117947",
            "SE4550000000058398257466",
            "DK5000400440116243",
            "DK50 0040 0440 1162 43",
            "FI2112345600000785",
            "IS140159260076545510730339",
            "GB82WEST12345698765432",
            "GB82 WEST 1234 5698 7654 32",
            "DE89370400440532013000",
            "FR1420041010050500013M02606",
            "MT84MALT011000012345MTLCAST001S",
        ] {
            assert_eq!(found(&format!("iban={iban}, 7")), Some(iban));
            assert_eq!(found(iban), Some(iban));
        }
    }

    #[test]
    fn other_lengths_checks_and_countries_are_not() {
        for text in [
            "NO9386011117948",
            "NO938601111794",
            "NO93860111179470",
            "NO93 86011117947",
            "XX9386011117947",
            "ANO9386011117947",
            "NO93",
            "NO93 ",
            "GB82 WEST 1234 5698 7654",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
