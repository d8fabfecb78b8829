//! The word in front of a number, which says what it is: `tlf. 22 33 44 55`, `"user_phone": "…"`, `cpr-nr=…`.

use super::bytes::Known;

/// How far in front of a number its word may begin.
const REACH: usize = 40;

/// How many words such as `nr` may stand between the word and the number.
const FILLERS: usize = 2;

/// Whether the word in front of `at`, or a part of it where it is a compound (`user_phone`, `mobilePhone`, `tlf-nr`), is
/// one of `known`, which are in small letters. Reads at most [`REACH`] bytes.
pub(super) fn says(text: &[u8], at: usize, known: &Known) -> bool {
    let floor = at.saturating_sub(REACH);
    let mut end = at;
    for _ in 0..=FILLERS {
        while end > floor && is_between(text[end - 1]) {
            end -= 1;
        }
        // Part by part, from the last one on.
        let mut filling = false;
        loop {
            let start = part_start(text, end, floor);
            if start == end {
                break;
            }
            let part = &text[start..end];
            // `AdMob` is no telephone.
            let camel = start > floor && is_letter(text[start - 1]) && part.len() < 4;
            if !camel && known.has(part) {
                return true;
            }
            filling = FILLING.has(part);
            end = start;
            if end > floor && matches!(text[end - 1], b'_' | b'-') {
                end -= 1;
            } else if end == floor || !is_letter(text[end - 1]) {
                break;
            }
        }
        if !filling {
            return false;
        }
    }
    false
}

/// Where the part of a word that ends at `end` starts: at a capital behind a small letter, or where letters start.
fn part_start(text: &[u8], end: usize, floor: usize) -> usize {
    let mut start = end;
    while start > floor && is_letter(text[start - 1]) {
        let capital = start < end && text[start].is_ascii_uppercase() && text[start - 1].is_ascii_lowercase();
        if capital {
            break;
        }
        start -= 1;
    }
    start
}

fn is_letter(byte: u8) -> bool {
    #[cfg(test)]
    super::bytes::work::add(1);
    byte.is_ascii_alphabetic() || byte >= 0x80
}

/// What may stand between a word and its number.
fn is_between(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t'
            | b':'
            | b'='
            | b'.'
            | b'"'
            | b'\''
            | b'('
            | b')'
            | b'['
            | b'#'
            | b'\\'
            | b'<'
            | b'>'
            | b'-'
            | b'_'
    )
}

/// Words that say only that a number follows.
static FILLING: Known =
    Known::new(&["nr", "no", "num", "number", "nummer", "numero", "er", "is", "var", "was", "mobil", "mobile"]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_in_front_speaks_through_what_stands_between() {
        for text in [
            "tlf 1",
            "tlf. 1",
            "Tlf.nr.: 1",
            "\"phone\":\"1",
            "userPhone=1",
            "user_phone=1",
            "phone-number: 1",
            "Telefon (mobil): 1",
            "PHONE=1",
            "phone number is 1",
        ] {
            assert!(says(text.as_bytes(), text.len() - 1, &Known::new(&["tlf", "phone", "telefon"])), "{text}");
        }
        for text in
            ["1", " 1", "hotel 1", "microphone, 1", "phone x 1", "a/1", "phone and a very long text that goes on 1"]
        {
            assert!(!says(text.as_bytes(), text.len() - 1, &Known::new(&["tel", "phone"])), "{text}");
        }
    }
}
