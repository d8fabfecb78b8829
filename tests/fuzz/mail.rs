//! E-mail addresses, planted anywhere in a line in any state.

use crate::planted;

const GONE: &[&str] = &["zqplanted"];

const SPELLINGS: &[(&str, &[&str])] = &[
    ("zqplanted.kari@example.org", GONE),
    ("zqplanted.kari%40example.org", GONE),
    ("zqplanted.kari%2540example.org", GONE),
    ("zqplanted.kari\\x40example.org", GONE),
    ("zqplanted.kari\\u0040example.org", GONE),
    ("zqplanted.kari&#64;example.org", GONE),
    ("zqplanted.kari(at)example.org", GONE),
    ("zqplanted.kari[at]example[dot]org", GONE),
    ("<zqplanted.kari@example.org>", GONE),
    ("mailto:zqplanted.kari@example.org", GONE),
    ("ZQPLANTED.KARI@EXAMPLE.ORG", GONE),
    ("bounce+zqplanted.kari=example.org@lists.example", GONE),
    ("https://zqplanted.kari:secret@example.org/x", GONE),
];

#[test]
fn a_planted_mail_address_does_not_come_out() {
    planted("mail", 3000, SPELLINGS);
}
