//! The primary subtag of the first language in place of a language header.

use super::{Aid, Outcome};

/// Lets `nb` of `nb-NO,nb;q=0.9,en` stand. The rest of the header tells visitors apart.
#[derive(Clone, Copy, Debug)]
pub struct Language;

impl Language {
    /// Two or three letters, or `*`, that the end or a separator follows; everything else is withheld.
    #[inline]
    pub fn treat(&self, value: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
        let _ = (aid, made);
        let from = value.iter().take_while(|byte| matches!(byte, b' ' | b',')).count();
        let rest = &value[from..];
        let letters = rest.iter().take(4).take_while(|byte| byte.is_ascii_alphabetic()).count();
        let length = match letters {
            0 if rest.first() == Some(&b'*') => 1,
            2 | 3 => letters,
            _ => return Outcome::Dropped,
        };
        match rest.get(length) {
            None | Some(b'-' | b'_' | b',' | b';' | b' ') => Outcome::Part(from as u32, (from + length) as u32),
            Some(_) => Outcome::Dropped,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn treated(value: &[u8]) -> Option<&[u8]> {
        match Language.treat(value, &mut Aid::default(), &mut Vec::new()) {
            Outcome::Part(from, to) => Some(&value[from as usize..to as usize]),
            Outcome::Dropped => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_primary_subtag_of_the_first_language_stays() {
        for (value, stays) in [
            ("nb-NO,nb;q=0.9,en", "nb"),
            ("en", "en"),
            ("EN_us", "EN"),
            ("*", "*"),
            ("*;q=0.1", "*"),
            ("sme-Latn-NO-x-private", "sme"),
            (" , de ;q=1", "de"),
            ("zh-Hans-CN", "zh"),
        ] {
            assert_eq!(treated(value.as_bytes()), Some(stays.as_bytes()), "{value}");
        }
    }

    #[test]
    fn what_is_no_language_goes() {
        for value in
            ["e", "anna", "i-klingon", "x-anna", "en.US", "en'", "**", "192.0.2.1", r"en\x22", "\"en\"", "n\u{f8}"]
        {
            assert_eq!(treated(value.as_bytes()), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn only_letters_or_a_star_leave_and_leave_again(value in proptest::collection::vec(any::<u8>(), 0..12)) {
            if let Some(stays) = treated(&value) {
                prop_assert!(stays == b"*" || stays.iter().all(u8::is_ascii_alphabetic));
                prop_assert_eq!(treated(stays), Some(stays));
            }
        }

        #[test]
        fn what_follows_the_primary_subtag_changes_nothing(a in "[a-z]{2,3}", b in "[-,;_ ][ -~]{0,20}") {
            let value = format!("{a}{b}");
            prop_assert_eq!(treated(value.as_bytes()), Some(a.as_bytes()));
        }
    }
}
