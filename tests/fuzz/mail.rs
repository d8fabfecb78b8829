//! E-mail addresses, planted anywhere in a line in any state.

use crate::{Engines, each, gone, mutate};

const SPELLINGS: &[&str] = &[
    "zqplanted.kari@example.org",
    "zqplanted.kari%40example.org",
    "zqplanted.kari%2540example.org",
    "zqplanted.kari\\x40example.org",
    "zqplanted.kari\\u0040example.org",
    "zqplanted.kari&#64;example.org",
    "zqplanted.kari(at)example.org",
    "zqplanted.kari[at]example[dot]org",
    "<zqplanted.kari@example.org>",
    "mailto:zqplanted.kari@example.org",
    "ZQPLANTED.KARI@EXAMPLE.ORG",
    "bounce+zqplanted.kari=example.org@lists.example",
    "https://zqplanted.kari:secret@example.org/x",
];

#[test]
fn a_planted_mail_address_does_not_come_out() {
    let mut engines = Engines::new();
    each("mail", 3_000, |dice| {
        let mut line = mutate::line(dice, 4);
        mutate::plant(&mut line, dice.of(SPELLINGS).as_bytes(), dice);
        line.push(b'\n');
        let out = engines.run(&line);
        gone(&line, &out, &["zqplanted"]);
    });
}
