//! A labelled corpus of our own for every kind, and the labels of others: what is planted is found
//! whatever stands around it, what is nobody's stays.
#![allow(clippy::unwrap_used)]

mod common;

use sladd::detect::{Detector, Kinds, Place};
use std::{collections::BTreeMap, fs};

/// Numbers in a fixed order, so that a failure can be repeated.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }

    fn day(&mut self) -> (u64, u64, u64) {
        (1 + self.below(28), 1 + self.below(12), self.below(100))
    }
}

fn weighted(digits: &str, weights: &[u32]) -> u32 {
    digits.bytes().zip(weights).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum()
}

fn luhn(digits: &str) -> u32 {
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, b)| if i % 2 == 0 { doubled(u32::from(b - b'0')) } else { u32::from(b - b'0') })
        .sum();
    (10 - sum % 10) % 10
}

fn norwegian(draw: &mut Draw, day_more: u64, month_more: u64, relaxed: u32) -> String {
    loop {
        let (day, month, year) = draw.day();
        let nine = format!("{:02}{:02}{year:02}{}", day + day_more, month + month_more, draw.digits(3));
        let first = (11 + relaxed - weighted(&nine, &[3, 7, 6, 1, 8, 9, 4, 5, 2]) % 11) % 11;
        let ten = format!("{nine}{first}");
        let second = (11 - weighted(&ten, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
        if first < 10 && second < 10 {
            return format!("{ten}{second}");
        }
    }
}

fn swedish(draw: &mut Draw, day_more: u64) -> String {
    let (day, month, year) = draw.day();
    let nine = format!("{year:02}{month:02}{:02}{}", day + day_more, draw.digits(3));
    let check = luhn(&nine);
    format!("{}-{}{check}", &nine[..6], &nine[6..])
}

fn finnish(draw: &mut Draw) -> String {
    let (day, month, year) = draw.day();
    let sign = b"+-ABCDEFUVWXY"[draw.below(13) as usize] as char;
    let nine = format!("{day:02}{month:02}{year:02}{}", draw.digits(3));
    let check = b"0123456789ABCDEFHJKLMNPRSTUVWXY"[(nine.parse::<u64>().unwrap() % 31) as usize] as char;
    format!("{}{sign}{}{check}", &nine[..6], &nine[6..])
}

fn icelandic(draw: &mut Draw) -> String {
    loop {
        let (day, month, year) = draw.day();
        let eight = format!("{day:02}{month:02}{year:02}{}", draw.digits(2));
        let check = (11 - weighted(&eight, &[3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
        if check < 10 {
            return format!("{eight}{check}{}", ["8", "9", "0"][draw.below(3) as usize]);
        }
    }
}

fn card(draw: &mut Draw) -> String {
    let (lead, length) = [("4", 16), ("51", 16), ("2221", 16), ("37", 15), ("6011", 16), ("3528", 16), ("36", 14)]
        [draw.below(7) as usize];
    let body = format!("{lead}{}", draw.digits(length - 1 - lead.len()));
    let check = luhn(&body);
    format!("{body}{check}")
}

fn iban(draw: &mut Draw) -> String {
    let (country, length) =
        [("NO", 15), ("SE", 24), ("DK", 18), ("FI", 18), ("IS", 26), ("DE", 22)][draw.below(6) as usize];
    let account = draw.digits(length - 4);
    let letters: String = country.bytes().map(|b| (u32::from(b - b'A') + 10).to_string()).collect();
    let rest = format!("{account}{letters}00").bytes().fold(0, |rest, b| (rest * 10 + u64::from(b - b'0')) % 97);
    format!("{country}{:02}{account}", 98 - rest)
}

fn grouped(digits: &str, groups: &[usize], separator: &str) -> String {
    let mut parts = Vec::new();
    let mut at = 0;
    for &group in groups.iter().cycle() {
        if at >= digits.len() {
            break;
        }
        let end = digits.len().min(at + group);
        parts.push(&digits[at..end]);
        at = end;
    }
    parts.join(separator)
}

fn phone(draw: &mut Draw) -> String {
    let (country, national, groups): (_, _, &[usize]) = [
        ("47", 8, &[2, 2, 2, 2][..]),
        ("47", 8, &[3, 2, 3]),
        ("46", 9, &[2, 3, 2, 2]),
        ("45", 8, &[2, 2, 2, 2]),
        ("358", 9, &[2, 3, 4]),
        ("354", 7, &[3, 4]),
        ("44", 10, &[2, 4, 4]),
        ("49", 10, &[2, 8]),
    ][draw.below(8) as usize];
    let number = format!("{}{}", 2 + draw.below(8), draw.digits(national - 1));
    let sign = ["+", "00"][draw.below(2) as usize];
    match draw.below(5) {
        0 => format!("{sign}{country}{number}"),
        1 => format!("{sign}{country} {}", grouped(&number, groups, "-")),
        2 => format!("{sign}{country} {}", grouped(&number, groups, " ")),
        3 => format!("{sign}{country}-{}", grouped(&number, groups, "-")),
        _ => format!("{sign}{country} {number}"),
    }
}

/// What may stand in front of and behind an identifier, in the layouts that logs have.
const POSITIONS: &[(&str, &str)] = &[
    ("", ""),
    ("rejected ", ""),
    ("value \"", "\" is taken"),
    ("{\"id\":\"", "\",\"n\":5}"),
    ("{\\\"id\\\":\\\"", "\\\"}"),
    ("x=", "&y=1"),
    ("GET /a?id=", " HTTP/1.1"),
    ("level=info id=", " took=12ms"),
    ("Nov 21 10:05:03 web app[12]: id ", ", done"),
    ("<134>1 2026-11-21T10:05:03Z web app 12 - - (", ")"),
    ("a;", ";b"),
    ("a|", "|b"),
    ("[", "]"),
    ("a\tb\t", "\tc"),
    ("seen%20", "%20twice"),
    ("bl\u{e5}b\u{e6}r ", " bl\u{e5}b\u{e6}r"),
    ("a line that is longer than one block of sixty-four bytes, so that the next holds the value ", "."),
];

fn every_one_is_found(kinds: Kinds, count: usize, make: impl FnMut(&mut Draw) -> String) {
    every_one_behind(kinds, "", count, make);
}

/// As said, of values that only a word in front tells from others.
fn every_one_behind(kinds: Kinds, word: &str, count: usize, mut make: impl FnMut(&mut Draw) -> String) {
    let names = Kinds::NAMES.iter().filter(|(_, one)| kinds.has(*one)).map(|(name, _)| *name);
    println!(
        "{:12} {word:10} {count:6} values, {:7} texts, each found",
        names.collect::<Vec<_>>().join(" "),
        count * POSITIONS.len()
    );
    let (mut draw, mut detector) = (Draw(7), Detector::default());
    for _ in 0..count {
        let planted = make(&mut draw);
        for (before, after) in POSITIONS {
            let before = format!("{before}{word}");
            let text = format!("{before}{planted}{after}");
            for kinds in [kinds, Kinds::ALL] {
                let found = detector.find(text.as_bytes(), kinds, Place::Text);
                let (from, to) = (before.len() as u32, (before.len() + planted.len()) as u32);
                let whole = found.iter().any(|f| f.span.start <= from && to <= f.span.end);
                // A sign in front of a number says nothing without it.
                let whole = whole
                    || found.iter().any(|f| f.span.start <= from + 1 && to <= f.span.end && planted.starts_with('+'));
                assert!(whole, "{text} {found:?}");
            }
        }
    }
}

#[test]
fn every_planted_number_is_found_in_every_position() {
    for (day, month) in [(0, 0), (40, 0), (0, 40), (0, 80), (40, 80), (0, 65), (40, 65), (40, 40)] {
        for relaxed in 0..4 {
            every_one_is_found(Kinds::NATIONAL_ID, 40, |draw| norwegian(draw, day, month, relaxed));
        }
        every_one_is_found(Kinds::NATIONAL_ID, 40, |draw| {
            let number = norwegian(draw, day, month, 0);
            format!("{} {}", &number[..6], &number[6..])
        });
    }
    for day in [0, 60] {
        every_one_is_found(Kinds::NATIONAL_ID, 300, |draw| swedish(draw, day));
        every_one_is_found(Kinds::NATIONAL_ID, 300, |draw| {
            format!("1{}{}", 8 + draw.below(2), swedish(draw, day).replace('-', ""))
        });
    }
    every_one_is_found(Kinds::NATIONAL_ID, 300, |draw| {
        let (day, month, year) = draw.day();
        format!("{day:02}{month:02}{year:02}-{}", draw.digits(4))
    });
    every_one_is_found(Kinds::NATIONAL_ID, 500, finnish);
    every_one_is_found(Kinds::NATIONAL_ID, 300, icelandic);
    every_one_is_found(Kinds::CARD, 500, card);
    every_one_is_found(Kinds::CARD, 500, |draw| {
        loop {
            let card = card(draw);
            if card.len() == 16 {
                return grouped(&card, &[4], [" ", "-"][draw.below(2) as usize]);
            }
        }
    });
    every_one_is_found(Kinds::IBAN, 500, iban);
    every_one_is_found(Kinds::IBAN, 500, |draw| grouped(&iban(draw), &[4], " "));
    every_one_is_found(Kinds::PHONE, 2_000, phone);
}

#[test]
fn every_planted_address_name_and_secret_is_found_in_every_position() {
    let hex = |draw: &mut Draw, count: u64| -> String { (0..count).map(|_| format!("{:x}", draw.below(16))).collect() };
    let letters = |draw: &mut Draw, count: u64| -> String {
        (0..count).map(|_| char::from(b'a' + draw.below(26) as u8)).collect()
    };
    let word = |draw: &mut Draw, count: u64| -> String {
        let sign = |draw: &mut Draw| {
            char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"[draw.below(62) as usize])
        };
        (0..count).map(|_| sign(draw)).collect()
    };
    every_one_is_found(Kinds::IP, 2_000, |draw| {
        let [a, b, c, d] = [1 + draw.below(223), draw.below(256), draw.below(256), 1 + draw.below(254)];
        format!("{a}.{b}.{c}.{d}")
    });
    every_one_is_found(Kinds::IP, 2_000, |draw| {
        let groups: Vec<String> = (0..7).map(|_| format!("{:x}", 1 + draw.below(65_535))).collect();
        match draw.below(3) {
            0 => format!("2001:{}", groups.join(":")),
            1 => format!("2001:db8::{}", groups[..3].join(":")),
            _ => format!("2001:db8:{}::{}", groups[0], groups[1]),
        }
    });
    every_one_is_found(Kinds::EMAIL, 1_000, |draw| {
        let (first, last, host) = (letters(draw, 4), letters(draw, 7), letters(draw, 6));
        let end = ["example.org", "example.no", "example.com"][draw.below(3) as usize];
        let between = [".", "_", "+", "-", ""][draw.below(5) as usize];
        format!("{first}{between}{last}@{host}.{end}")
    });
    every_one_is_found(Kinds::UUID, 1_000, |draw| {
        let parts = [8, 4, 4, 4, 12].map(|count| hex(draw, count));
        let uuid = parts.join("-");
        if draw.below(2) == 0 { uuid.to_uppercase() } else { uuid }
    });
    every_one_is_found(Kinds::MAC, 1_000, |draw| {
        let parts: Vec<String> = (0..6).map(|_| hex(draw, 2)).collect();
        parts.join([":", "-"][draw.below(2) as usize])
    });
    every_one_is_found(Kinds::JWT, 500, |draw| {
        format!("eyJhbGciOiJIUzI1NiJ9.eyJ{}.{}", word(draw, 40), word(draw, 43))
    });
    every_one_is_found(Kinds::TOKEN, 1_000, |draw| hex(draw, 32));
    every_one_is_found(Kinds::TOKEN, 500, |draw| hex(draw, 64));
    every_one_is_found(Kinds::TOKEN, 500, |draw| format!("ghp_{}", word(draw, 36)));
    every_one_behind(Kinds::TOKEN, "password=", 500, |draw| word(draw, 9));
    every_one_behind(Kinds::IMEI, "imei=", 500, |draw| {
        let body = format!("35{}", draw.digits(12));
        format!("{body}{}", luhn(&body))
    });
    every_one_behind(Kinds::USER, "user=", 500, |draw| letters(draw, 6));
}

#[test]
fn numbers_that_are_nobodys_stay() {
    let (mut draw, mut detector, mut read) = (Draw(11), Detector::default(), 0);
    let organisation = |draw: &mut Draw| loop {
        let eight = format!("{}{}", 8 + draw.below(2), draw.digits(7));
        let check = (11 - weighted(&eight, &[3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
        if check < 10 {
            return format!("{eight}{check}");
        }
    };
    for _ in 0..3_000 {
        let account = draw.digits(11);
        let texts = [
            organisation(&mut draw),
            grouped(&organisation(&mut draw), &[3], " "),
            format!("{}.{}.{}", &account[..4], &account[4..6], &account[6..]),
            format!("17{}", 20_000_000 + draw.below(79_999_999)),
            format!("17{}", 20_000_000_000 + draw.below(79_999_999_999)),
            format!("{}", draw.below(1_000_000_000)),
            format!("{}.{}.{}", draw.below(100), draw.below(100), draw.below(10_000)),
            format!(
                "2026-{:02}-{:02}T{:02}:{:02}:{:02}Z",
                1 + draw.below(12),
                1 + draw.below(28),
                draw.below(24),
                draw.below(60),
                draw.below(60)
            ),
            format!("{}.{} {}.{}", 50 + draw.below(20), draw.digits(4), draw.below(20), draw.digits(4)),
            format!("{} {},00", 1 + draw.below(99), draw.digits(3)),
            format!("order {}", 10_000_000 + draw.below(89_999_999)),
            format!("took {}ms, {} bytes", draw.below(100_000), draw.below(100_000_000)),
        ];
        for text in texts {
            let found = detector.find(text.as_bytes(), Kinds::ALL, Place::Text);
            assert!(found.is_empty(), "{text} {found:?}");
            read += 1;
        }
    }
    println!("{read} texts of nobody's numbers, none damaged");
}

/// Of each label: how many numbers there are, and how many are found as national identity numbers.
#[test]
fn labelled_numbers_of_others_are_told_as_their_labels_say() {
    let Some(path) = common::corpus("nordic/ids.jsonl") else { return };
    let mut detector = Detector::default();
    let mut figures: BTreeMap<(String, bool), (u32, u32)> = BTreeMap::new();
    for line in fs::read_to_string(path).unwrap().lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let (kind, value) = (row["kind"].as_str().unwrap(), row["value"].as_str().unwrap());
        // Nothing in a bare Danish number tells it from any other ten digits: it is known by its word.
        let text = if kind == "dk.cpr" { format!("cpr {value}") } else { value.to_owned() };
        let figure = figures.entry((kind.to_owned(), row["valid"] == true)).or_default();
        figure.0 += 1;
        figure.1 += u32::from(detector.any(text.as_bytes(), Kinds::NATIONAL_ID, Place::Text));
    }
    for ((kind, valid), (all, known)) in &figures {
        println!("{kind:28} {} {known} of {all} found", if *valid { "valid  " } else { "invalid" });
    }
    let found = |kind: &str, valid: bool| figures.get(&(kind.to_owned(), valid)).copied().unwrap_or_default();
    for kind in ["no.fnr", "se.personnummer", "se.samordningsnummer", "dk.cpr", "fi.hetu"] {
        let (all, known) = found(kind, true);
        assert!(all > 20 && known == all, "{kind}: {known} of {all}");
    }
    for kind in ["no.orgnr", "no.kontonr", "no.kid", "no.phone", "se.orgnr-not-personnummer"] {
        assert_eq!((found(kind, true).1, found(kind, false).1), (0, 0), "{kind}");
    }
    // Those without a valid check that stay hidden: Swedish ones that could be Danish, and times with blanks around them.
    assert!(found("no.fnr", false).1 <= 1 && found("se.personnummer", false).1 <= 6 && found("fi.hetu", false).1 <= 2);
}

#[test]
fn labelled_cards_of_others_are_told_as_their_labels_say() {
    let Some(path) = common::corpus("peer-cases/presidio.jsonl") else { return };
    let mut detector = Detector::default();
    let mut cards = 0;
    for line in fs::read_to_string(path).unwrap().lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        if row["entity"] == "CREDIT_CARD" {
            let found = detector.find(row["input"].as_str().unwrap().as_bytes(), Kinds::CARD, Place::Text);
            assert_eq!(Some(found.len() as u64), row["expected_count"].as_u64(), "{row}");
            cards += 1;
        }
    }
    assert!(cards > 10);
}

#[test]
fn hardly_a_user_agent_holds_a_number_of_a_person() {
    let Some(path) = common::corpus("user-agents/uap-core.txt") else { return };
    let kinds = Kinds::PHONE.with(Kinds::CARD).with(Kinds::IBAN).with(Kinds::NATIONAL_ID).with(Kinds::USER);
    let mut detector = Detector::default();
    let agents = fs::read(path).unwrap();
    let hits = agents.split(|&b| b == b'\n').filter(|agent| detector.any(agent, kinds, Place::Text)).count();
    // One number of fifteen digits passes a card's check, and three crawlers name the home of who runs them.
    assert!(hits <= 4, "{hits}");
}
