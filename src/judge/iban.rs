//! IBANs: the country's length and the check of ISO 7064 (mod 97, 10), written together or in groups of four.

use super::{
    Hit, Kind,
    text::{alnum_at, alnum_before, pattern},
};
use regex::bytes::Regex;
use std::sync::LazyLock;

static IBAN: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?-u)[A-Za-z]{2}[0-9]{2}[ +-]?(?:[A-Za-z0-9]{4}[ +-]?){2,7}[A-Za-z0-9]{0,3}"));

/// The length in each country (ISO 13616 registry).
const LENGTHS: &str = "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 \
    DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 \
    KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 \
    PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30";

pub(super) fn find(text: &[u8], hits: &mut Vec<Hit>) {
    for found in IBAN.find_iter(text) {
        let start = found.start();
        if alnum_before(text, start) {
            continue;
        }
        if let Some(length) = length(found.as_bytes())
            && !alnum_at(text, start + length)
        {
            hits.push(Hit { kind: Kind::Iban, start, end: start + length });
        }
    }
}

/// How many bytes of the candidate are an IBAN.
fn length(candidate: &[u8]) -> Option<usize> {
    let country = candidate[..2].to_ascii_uppercase();
    let row = LENGTHS.split_whitespace().find(|row| row.as_bytes()[..2] == *country)?;
    let wanted: usize = row[2..].parse().ok()?;
    let mut body = Vec::with_capacity(wanted);
    let mut end = 0;
    for (at, byte) in candidate.iter().enumerate() {
        if byte.is_ascii_alphanumeric() {
            body.push(byte.to_ascii_uppercase());
            end = at + 1;
        }
        if body.len() == wanted {
            break;
        }
    }
    if body.len() != wanted {
        return None;
    }
    body.rotate_left(4);
    let rest = body.iter().fold(0, |rest: u32, &byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        _ => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
    });
    (rest == 1).then_some(end)
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
    fn an_iban_is_known_by_country_length_and_check() {
        for text in [
            "NO9386011117947",
            "NO93 8601 1117 947",
            "no9386011117947",
            "GB29 NWBK 6016 1331 9268 19",
            "SE4550000000058398257466",
            "MT84MALT011000012345MTLCAST001S",
        ] {
            assert_eq!(found(&format!("iban={text}&x")), [text]);
        }
        for text in
            ["NO9386011117948", "NO93860111179471", "XX9386011117947", "xNO9386011117947", "GB29NWBK60161331926"]
        {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn every_row_has_a_country_and_a_length_that_the_pattern_reaches() {
        for row in LENGTHS.split_whitespace() {
            let length: usize = row[2..].parse().unwrap();
            assert!(row.len() == 4 && (15..=33).contains(&length), "{row}");
        }
    }
}
