//! Telephone numbers: with `+` or `00` and a country in any grouping, national ones only behind a word that says so.

use super::{
    Finding, What,
    bytes::{ALNUM, DIGIT, Known, is, is_at, is_before, run_end},
    context,
};

/// The most digits, country included (ITU-T E.164).
const LONGEST: usize = 15;

/// The number with a country whose first digit stands at `at`, behind a plus or with two zeros.
pub(super) fn international(text: &[u8], at: usize) -> Option<Finding> {
    if at > 0 && text[at - 1] == b'+' {
        return with_country(text, at - 1, at);
    }
    if text[at] != b'0' || text.get(at + 1) != Some(&b'0') || is_before(text, at, ALNUM) {
        return None;
    }
    // `0047.12.34567` is a bank account.
    if text.get(at + 4) == Some(&b'.') && text.get(at + 7) == Some(&b'.') && is_at(text, at + 12, DIGIT) {
        return None;
    }
    with_country(text, at, at + 2 + usize::from(matches!(text.get(at + 2), Some(b' ' | b'-'))))
}

/// The number with a country, which starts at `from`; what stands in front of that from `start` on belongs to it.
fn with_country(text: &[u8], start: usize, from: usize) -> Option<Finding> {
    let country = Country::read(text, from)?;
    let glued = start > 0 && is(text[start - 1], ALNUM);
    // A column of its own: `5,+4791234567`, `5,0047 91234567`; `0,0047` is a fraction.
    let column = start > 1
        && match (text[start - 1], text[start]) {
            (b',', b'+') => true,
            (b',', _) => country.near && (text[start - 2] != b'0' || start > 2 && is(text[start - 3], DIGIT)),
            (b'.', b'+') => country.near,
            _ => false,
        };
    // A fraction, a counter with a sign (`0/+99627`), a part of some other number.
    let joined = start > 1
        && (matches!(text[start - 1], b'.' | b',') && is(text[start - 2], DIGIT)
            || matches!(text[start - 1], b'/' | b'-' | b'_' | b'.') && is(text[start - 2], ALNUM) && !country.near);
    if joined && !column || glued && !country.near || start > 0 && text[start - 1] == b'+' {
        return None;
    }
    let mut number = Groups::new(text, from + country.digits);
    while number.digits < country.usual {
        if number.next(country.most).is_none() {
            break;
        }
    }
    let end = number.end;
    let fits = (country.least..=country.most).contains(&number.digits) && !is_at(text, end, ALNUM);
    fits.then(|| Finding::new(bracketed(text, start, end), end, What::Phone))
}

/// The number without a country at `start`, behind a word that says what it is.
pub(super) fn national(text: &[u8], start: usize) -> Option<Finding> {
    if is_before(text, start, ALNUM) || !context::says(text, first(text, start), &WORDS) {
        return None;
    }
    let mut number = Groups::new(text, start);
    let usual = if text[start] == b'0' { 10 } else { 8 };
    while number.digits < usual {
        if number.next(12).is_none() {
            break;
        }
    }
    let end = number.end;
    let fraction = matches!(text.get(end), Some(b'.' | b':')) && is_at(text, end + 1, DIGIT);
    // Four groups with dots are an address, but where each has two digits.
    let address = number.dots == 3 && (number.groups != 4 || number.digits != 8);
    let version = number.dots == 1 || number.dots > 0 && number.dots + 1 != number.groups;
    let fits = (7..=12).contains(&number.digits) && !address && !version && !fraction && !is_at(text, end, ALNUM);
    fits.then(|| Finding::new(bracketed(text, start, end), end, What::Phone))
}

/// Where the first number of a list starts that the one at `start` stands in: `91234567/91234568`, `91234567, 91234568`.
fn first(text: &[u8], start: usize) -> usize {
    // What parts two numbers stands right in front, or a blank does and that.
    let parts = |byte: Option<&u8>| matches!(byte, Some(b' ' | b',' | b'/' | b';'));
    let mut before = text[..start].iter().rev();
    if !matches!(before.next(), Some(b',' | b'/' | b';')) && !parts(before.next()) {
        return start;
    }
    let mut first = start;
    for _ in 0..MOST_IN_LIST {
        let signs = text[..first].iter().rev().take(3).take_while(|&&b| matches!(b, b' ' | b',' | b'/' | b';')).count();
        let end = first - signs;
        if !text[end..first].iter().any(|&b| b != b' ') {
            break;
        }
        let number = text[end.saturating_sub(LONGEST + 1)..end].iter().rev();
        let digits = number.take_while(|&&b| is(b, DIGIT)).count();
        if !(7..=LONGEST).contains(&digits) {
            break;
        }
        first = end - digits;
    }
    first
}

/// How many numbers of a list are looked at in front of one.
const MOST_IN_LIST: usize = 4;

/// `(0047) 22…`, `(070) 123…`: the bracket goes too, unless it closes right behind the number.
fn bracketed(text: &[u8], start: usize, end: usize) -> usize {
    start - usize::from(start > 0 && text[start - 1] == b'(' && text.get(end) != Some(&b')'))
}

/// Groups of digits with at most a few separators between them.
struct Groups<'a> {
    text: &'a [u8],
    end: usize,
    digits: usize,
    groups: usize,
    dots: usize,
}

impl<'a> Groups<'a> {
    fn new(text: &'a [u8], start: usize) -> Groups<'a> {
        Groups { text, end: start, digits: 0, groups: 0, dots: 0 }
    }

    /// Takes the next group, if the number has no more than `most` digits then.
    fn next(&mut self, most: usize) -> Option<()> {
        let mut from = self.end;
        let mut dots = 0;
        // `) (0) ` is the longest that people write.
        while from < self.end + 6 {
            match self.text.get(from..)? {
                [b'(', b'0', b')', ..] => from += 3,
                [b'.', ..] => (from, dots) = (from + 1, dots + 1),
                // A form's blank.
                [b'+', b'0'..=b'9', ..] if from == self.end => from += 1,
                [b' ' | b'-' | b'(' | b')' | b'/', ..] => from += 1,
                [0xC2, 0xA0, ..] => from += 2,
                [0xE2, 0x80, 0x90..=0x93 | 0xAF, ..] => from += 3,
                _ => break,
            }
        }
        // A dash between blanks, or two of them, separates what does not belong together.
        let between = &self.text[self.end..from];
        if dots > 1 || between.windows(2).any(|pair| matches!(pair, b"--" | b" -" | b"- " | b"  " | b". " | b" .")) {
            return None;
        }
        let end = run_end(&self.text[..self.text.len().min(from + LONGEST + 1)], from, DIGIT);
        let length = end - from;
        if length == 0 || self.digits + length > most || self.groups > 0 && length == 1 && !between.is_empty() {
            return None;
        }
        (self.end, self.digits) = (end, self.digits + length);
        self.groups += 1;
        self.dots += dots;
        Some(())
    }
}

/// A country's numbers: how many digits its code has, and how many follow it.
struct Country {
    digits: usize,
    least: usize,
    /// From how many digits on no further group is looked for.
    usual: usize,
    most: usize,
    /// One of those whose numbers stand in our logs: found inside words too.
    near: bool,
}

impl Country {
    fn read(text: &[u8], from: usize) -> Option<Country> {
        let code = text.get(from..from + 3)?;
        let near = |digits, least, usual, most| Some(Country { digits, least, usual, most, near: true });
        let far = |digits| {
            let most = LONGEST - digits;
            Some(Country { digits, least: 7 - usize::from(digits == 3), usual: 9, most, near: false })
        };
        match code {
            // Numbers of machines have twelve digits.
            b"470" | [b'4', b'7', b' ' | b'-' | b'+' | b'.' | b')' | b'(' | 0xC2 | b'1'..=b'9'] => near(2, 8, 8, 12),
            [b'4', b'6', ..] => near(2, 7, 9, 11),
            [b'4', b'5', ..] => near(2, 8, 8, 8),
            b"358" => near(3, 5, 9, 12),
            b"354" => near(3, 7, 7, 9),
            b"298" | b"299" => near(3, 6, 6, 6),
            [b'1', ..] => Some(Country { digits: 1, least: 10, usual: 10, most: 10, near: false }),
            [b'7', ..] => Some(Country { digits: 1, least: 10, usual: 10, most: 10, near: false }),
            [b'2', b'0' | b'7', ..] => far(2),
            [b'3', b'0'..=b'4' | b'6' | b'9', ..] => far(2),
            [b'4', b'0' | b'1' | b'3' | b'4' | b'8' | b'9', ..] => far(2),
            [b'5', b'1'..=b'8', ..] => far(2),
            [b'6', b'0'..=b'6', ..] => far(2),
            [b'8', b'1' | b'2' | b'4' | b'6', ..] => far(2),
            [b'9', b'0'..=b'5' | b'8', ..] => far(2),
            [b'2', b'1'..=b'6' | b'8' | b'9', b'0'..=b'9'] => far(3),
            [b'3', b'5' | b'7' | b'8', b'0'..=b'9'] => far(3),
            [b'4', b'2', b'0' | b'1' | b'3'] => far(3),
            [b'5', b'0' | b'9', b'0'..=b'9'] => far(3),
            [b'6', b'7'..=b'9', b'0'..=b'9'] => far(3),
            [b'8', b'0' | b'5' | b'7' | b'8', b'0'..=b'9'] => far(3),
            [b'9', b'6' | b'7' | b'9', b'0'..=b'9'] => far(3),
            _ => None,
        }
    }
}

/// What stands in front of telephone numbers.
static WORDS: Known = Known::new(&[
    "tlf",
    "tlfnr",
    "tlph",
    "tel",
    "telnr",
    "telno",
    "telefon",
    "telefonnr",
    "telefonnummer",
    "telephone",
    "phone",
    "phonenumber",
    "phoneno",
    "mob",
    "mobil",
    "mobile",
    "mobilnr",
    "mobilnummer",
    "mobiltlf",
    "mobiltelefon",
    "mobilephone",
    "cell",
    "cellphone",
    "fax",
    "faks",
    "telefax",
    "gsm",
    "msisdn",
    "sms",
    "whatsapp",
    "puh",
    "puhelin",
    "puhelinnumero",
    "matkapuhelin",
    "sími",
    "simi",
    "farsími",
    "gsmsími",
    "caller",
    "callerid",
    "callee",
]);

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        let first = text.find(|c: char| c.is_ascii_digit()).unwrap();
        let found = international(text.as_bytes(), first).or_else(|| national(text.as_bytes(), first));
        found.map(|f| std::str::from_utf8(f.span.of(text.as_bytes())).unwrap())
    }

    #[test]
    fn numbers_with_a_country_are_known_in_every_grouping() {
        for number in [
            "+4722334455",
            "+47 22 33 44 55",
            "+47 223 34 455",
            "+47-22-33-44-55",
            "+47.22.33.44.55",
            "+47 22334455",
            "+47(22)334455",
            "+47\u{a0}22\u{a0}33\u{a0}44\u{a0}55",
            "+47 580012345678",
            "004722334455",
            "0047 22 33 44 55",
            "00 47 22 33 44 55",
            "+46701234567",
            "+46 70 123 45 67",
            "+46 (0)70-123 45 67",
            "+46 (0) 8 123 456 78",
            "+46-8-123 456 78",
            "+45 12 34 56 78",
            "+4512345678",
            "+358 40 1234567",
            "+358 9 1234 5678",
            "+354 581 2345",
            "+3545812345",
            "+44 20 7946 0958",
            "+49 30 12345678",
            "+1 (202) 555-0143",
            "+1-202-555-0143",
            "+12025550143",
            "+33 1 23 45 67 89",
            "+353 1 234 5678",
            "+7 495 123-45-67",
        ] {
            assert_eq!(found(number), Some(number));
            assert_eq!(found(&format!("call {number}, now")), Some(number));
            assert_eq!(found(&format!("tel:{number}\"")), Some(number));
        }
        assert_eq!(found("+47 22 33 44 55 200 5123"), Some("+47 22 33 44 55"));
        assert_eq!(found("a+4722334455"), Some("+4722334455"));
    }

    #[test]
    fn national_numbers_are_known_behind_a_word() {
        for (text, number) in [
            ("tlf. 22 33 44 55", "22 33 44 55"),
            ("Tlf: 98765432", "98765432"),
            ("mobil 987 65 432", "987 65 432"),
            ("\"phone\":\"98765432\"", "98765432"),
            ("user_phone=98765432&x", "98765432"),
            ("Telefon (mobil): 070-123 45 67", "070-123 45 67"),
            ("tel (08) 123 456 78", "(08) 123 456 78"),
            ("puh. 040 1234567", "040 1234567"),
            ("sími 581 2345", "581 2345"),
            ("phone number is 22.33.44.55", "22.33.44.55"),
        ] {
            assert_eq!(found(text), Some(number), "{text}");
        }
    }

    #[test]
    fn columns_lists_and_blanks_of_forms_hide_no_number() {
        let last = |text: &str| {
            let bytes = text.as_bytes();
            let at = |at: usize| bytes[at].is_ascii_digit() && (at == 0 || !bytes[at - 1].is_ascii_digit());
            let starts: Vec<usize> = (0..bytes.len()).filter(|&i| at(i)).collect();
            let found = starts.iter().filter_map(|&i| international(bytes, i).or_else(|| national(bytes, i)));
            found.map(|f| f.span.of(bytes).to_vec()).map(|b| String::from_utf8(b).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(last("12,+4791234567,x"), ["+4791234567"]);
        assert_eq!(last("5,0047 91234567"), ["0047 91234567"]);
        assert_eq!(last("5.+4791234567"), ["+4791234567"]);
        assert_eq!(last("+4791234567,+4791234568"), ["+4791234567", "+4791234568"]);
        assert_eq!(last("tlf 91234567/91234568"), ["91234567", "91234568"]);
        assert_eq!(last("tlf 91234567, 91234568"), ["91234567", "91234568"]);
        assert_eq!(last("tel=+47+912+34+567"), ["+47+912+34+567"]);
        assert_eq!(last("0,004791234567 and 91234567, 91234568"), Vec::<String>::new());
    }

    #[test]
    fn other_numbers_are_not() {
        for text in [
            "98765432",
            "22 33 44 55",
            "tel 22-33-44",
            "hotel 98765432",
            "+0100",
            "+47 22 33",
            "+47 22 33 44 5",
            "1.2.3+20261121",
            "+123",
            "+12345678",
            "0000004712",
            "phone 203.0.113.77",
            "phone 192.168.100.200",
            "phone 490154203237518",
            "telephone 3",
            "chompSMS 5.81 (9058102)",
            "AdMob-ANDROID-20091123",
            "0/+99627 200 83285",
            "F300B-001-01-34-070519",
            "10 + 47",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
