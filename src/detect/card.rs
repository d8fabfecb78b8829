//! Payment cards: 13 to 19 digits in a range that issuers use, with Luhn's check digit, bare or in groups of four (or
//! 4-6-5, 4-6-4) with one kind of separator.

use super::{
    Finding, What,
    bytes::{ALNUM, DIGIT, is, is_at, is_before, run_end},
};

/// The most digits that a card has.
const LONGEST: usize = 19;

/// The most groups that it is written in.
const GROUPS: usize = 5;

/// The card that starts at `start`, where a group of digits starts.
pub(super) fn at(text: &[u8], start: usize) -> Option<Finding> {
    let mut digits = [0u8; LONGEST];
    let mut groups = [0usize; GROUPS];
    let (mut count, mut end, mut group, mut separator) = (0, start, 0, 0);
    while group < GROUPS {
        let stop = run_end(&text[..text.len().min(end + LONGEST + 1)], end, DIGIT);
        let length = stop - end;
        if length == 0 || count + length > LONGEST {
            break;
        }
        digits[count..count + length].copy_from_slice(&text[end..stop]);
        groups[group] = length;
        (count, end, group) = (count + length, stop, group + 1);
        let joint = text.get(end).copied().filter(|b| matches!(b, b' ' | b'-' | b'.' | b'_' | b'+'));
        if groups[0] != 4 || joint.is_none() || group > 1 && joint != Some(separator) {
            break;
        }
        separator = joint.unwrap_or(0);
        end += 1;
    }
    let glued = is_before(text, start, ALNUM) || start > 1 && text[start - 1] == b'.' && is(text[start - 2], DIGIT);
    // Servers number their threads by address.
    if glued || text[..start].ends_with(b"tid ") {
        return None;
    }
    let fits = |take: usize| {
        let count = groups[..take].iter().sum::<usize>();
        let end = start + count + take - 1;
        (!is_at(text, end, ALNUM) && is_issued(&digits[..count]) && luhn(&digits[..count]))
            .then(|| Finding::new(start, end, What::Card))
    };
    // Numbers that are none of the card's may stand behind it.
    match groups {
        [13..=LONGEST, ..] => fits(1),
        [4, 4, 4, 4, 3] => fits(5).or_else(|| fits(4)),
        [4, 4, 4, 4, _] => fits(4),
        [4, 6, 4 | 5, ..] => fits(3),
        _ => None,
    }
}

/// Luhn's check over any number of digits.
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, &b)| {
            let digit = u32::from(b - b'0');
            if i % 2 == 1 { digit * 2 - if digit > 4 { 9 } else { 0 } } else { digit }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Whether an issuer may have given the number out: ISO/IEC 7812 ranges in use and the lengths that go with them.
fn is_issued(digits: &[u8]) -> bool {
    let lead = |count: usize| digits[..count].iter().fold(0u32, |value, &b| value * 10 + u32::from(b - b'0'));
    let (two, three, four) = (lead(2), lead(3), lead(4));
    match digits.len() {
        // The numbers of milliseconds since 1970 start with 1.
        13 => digits[0] == b'4' || matches!(two, 50 | 56..=58 | 67),
        14 => {
            matches!(three, 300..=305)
                || four == 3095
                || matches!(two, 36 | 38 | 39)
                || matches!(two, 50 | 56..=58 | 67)
        }
        // Universal Air Travel Plan starts with 1.
        15 => {
            matches!(two, 34 | 37)
                || matches!(four, 1800 | 2131)
                || digits[0] == b'1'
                || matches!(two, 50 | 56..=58 | 67)
        }
        16..=19 => {
            digits[0] == b'4'
                || digits[0] == b'5'
                || digits[0] == b'6'
                || matches!(four, 2200..=2205 | 2221..=2720)
                || matches!(four, 3528..=3589 | 9792 | 8171)
                || matches!(two, 30 | 36 | 38 | 39 | 81)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        let start = text.find(|c: char| c.is_ascii_digit()).unwrap();
        at(text.as_bytes(), start).map(|f| std::str::from_utf8(f.span.of(text.as_bytes())).unwrap())
    }

    #[test]
    fn cards_of_every_length_and_grouping_are_known() {
        for card in [
            "4111111111111111",
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "4111.1111.1111.1111",
            "4111+1111+1111+1111",
            "5500005555555559",
            "2223003122003222",
            "378282246310005",
            "3782 822463 10005",
            "30569309025904",
            "3056 930902 5904",
            "6011111111111117",
            "3530111333300000",
            "4222222222222",
            "6759649826438453",
            "122000000000003",
        ] {
            assert_eq!(found(card), Some(card));
            assert_eq!(found(&format!("card:{card}, 200")), Some(card));
            assert_eq!(found(&format!("{card} 200 5123")), Some(card));
        }
    }

    #[test]
    fn a_wrong_check_digit_range_or_grouping_is_no_card() {
        for text in [
            "4111111111111112",
            "4111 1111-1111 1111",
            "41111 111 1111 1111",
            "1763719503128",
            "0000000000000000",
            "9999999999999995",
            "a4111111111111111",
            "4111111111111111b",
            "1.4111111111111111",
            "4111 1111 1111 111",
            "41111111111111111111",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
