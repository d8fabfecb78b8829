//! Names of people: behind a key that says so, beside the address at which somebody is reached, behind a word such as `Dear`.
//!
//! A name is two to four words with a capital each, none of them a word of prose, or one word where the key leaves no doubt.

use super::super::{Finding, user::is_prose};
use super::read::{name, run, run_back};
use super::sentence::is_nobody;

/// The name from `start` on: words with a capital each, as many as go together; `None` where fewer than `least`.
pub(in super::super) fn full(text: &[u8], start: usize, least: usize) -> Option<(usize, usize)> {
    let (mut at, mut end, mut words) = (start, start, 0);
    while words < MOST {
        let stop = run(text, at, is_letter);
        let word = trimmed(&text[at..stop]);
        if !is_capital(word) || is_thing(word) {
            break;
        }
        words += 1;
        end = at + word.len();
        if end < stop || text.get(stop) != Some(&b' ') {
            break;
        }
        at = stop + 1;
    }
    (words >= least).then_some((start, end))
}

/// The name that ends at `end`.
fn full_before(text: &[u8], end: usize, least: usize) -> Option<(usize, usize)> {
    let (mut at, mut start, mut words) = (end, end, 0);
    while words < MOST {
        let from = run_back(text, at, is_letter);
        let mut word = &text[from..at];
        // A quote in front of it.
        while let [b'\'' | b'-' | b'.', rest @ ..] = word {
            word = rest;
        }
        if !is_capital(word) || is_thing(word) {
            break;
        }
        words += 1;
        start = at - word.len();
        if start > from || from == 0 || text[from - 1] != b' ' {
            break;
        }
        at = from - 1;
    }
    (words >= least).then_some((start, end))
}

/// Of how many words a name is at most.
const MOST: usize = 4;

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte >= 0x80 || matches!(byte, b'\'' | b'-' | b'.')
}

/// Without the full stop of a sentence; that of `Kari B.` is a letter's.
fn trimmed(word: &[u8]) -> &[u8] {
    match word {
        [head @ .., b'.' | b'\'' | b'-'] if head.len() > 1 => trimmed(head),
        word => word,
    }
}

/// Whether it begins with a capital, or in another alphabet, and is no abbreviation: `McDonald`, `O'Brien`, `Åse`, `B.`.
fn is_capital(word: &[u8]) -> bool {
    let [first, rest @ ..] = word else { return false };
    let small = rest.iter().any(|byte| byte.is_ascii_lowercase() || *byte >= 0x80);
    let code = word.windows(2).any(|two| two[0] == b'.' && two[1].is_ascii_alphabetic() && word.len() > 3);
    (first.is_ascii_uppercase() || *first >= 0x80) && (small || rest == b".") && !code
}

/// Whether it is a word for a thing, or of prose.
fn is_thing(word: &[u8]) -> bool {
    is_nobody(word) || is_prose(word) || THINGS.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(word))
}

/// The name of a person behind a key's sign, from `start` on, where `surely` says whether the key is nothing else's.
pub(in super::super) fn behind_key(text: &[u8], start: usize, sure: Sure) -> Option<Finding> {
    let escaped = usize::from(text.get(start) == Some(&b'\\') && matches!(text.get(start + 1), Some(b'"' | b'\'')));
    let quote = text.get(start + escaped).copied().filter(|byte| matches!(byte, b'"' | b'\''));
    let start = start + escaped + usize::from(quote.is_some());
    let stop = run(text, start, |byte| (is_letter(byte) || byte == b' ') && Some(byte) != quote);
    let value = &text[start..stop];
    if sure == Sure::One {
        let plain = value.trim_ascii();
        let ends = match quote {
            Some(quote) => text.get(stop) == Some(&quote) || text[stop..].starts_with(b"\\"),
            None => is_capital(trimmed(&value[..value.iter().position(|&byte| byte == b' ').unwrap_or(value.len())])),
        };
        if quote.is_some() {
            let letters = plain.iter().any(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80);
            return (ends && letters && plain.len() == value.len() && !is_prose(plain) && !plain.contains(&b'.'))
                .then(|| name(text, start, stop))
                .flatten();
        }
        return ends.then(|| full(text, start, 1)).flatten().and_then(|(start, end)| whole(text, start, end));
    }
    let (start, end) = full(text, start, 2)?;
    // In quotes nothing else stands.
    let closes = quote.is_none_or(|quote| text.get(end) == Some(&quote) || text[end..].starts_with(b"\\"));
    closes.then(|| whole(text, start, end)).flatten()
}

/// What a key says of the name behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Sure {
    /// One word is enough: `firstName`.
    One,
    /// Things are called so too: `name`, `customer`.
    Full,
}

/// Unless what stands there goes on as no name does: `Kari::Nordmann`, `Kari_x`, `Kari(`.
fn whole(text: &[u8], start: usize, end: usize) -> Option<Finding> {
    let goes_on = match text.get(end..) {
        Some([b'\\', next, ..]) => !matches!(next, b'"' | b'\''),
        Some([b'_' | b'/' | b'@' | b'=' | b'0'..=b'9', ..]) => true,
        Some([b'(' | b':', next, ..]) => *next != b' ',
        Some([b'.', next, ..]) => next.is_ascii_alphanumeric(),
        _ => false,
    };
    (!goes_on).then(|| name(text, start, end)).flatten()
}

/// The names beside the e-mail address around the at-sign at `at`: `Kari Nordmann;kari@example.org`, `('kari@example.org',
/// 'Kari Nordmann')`, `name=Kari Nordmann, email=kari@example.org`.
pub(super) fn beside(text: &[u8], at: usize, found: &mut Vec<Finding>) {
    let local = |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80 || b"._%+-".contains(&byte);
    let (start, end) = (run_back(text, at, local), run(text, at + 1, local));
    if start == at || end == at + 1 {
        return;
    }
    in_front(text, start, found);
    // `kari@example.org (Kari Nordmann)`
    if text[end..].starts_with(b" (")
        && let Some((from, to)) = full(text, end + 2, 2)
        && text.get(to) == Some(&b')')
    {
        found.extend(name(text, from, to));
        return;
    }
    // Behind it only where columns are parted: prose goes on with capitals too.
    let parted = run(text, end, |byte| matches!(byte, b'"' | b'\'' | b'\\' | b'>' | b')' | b']'));
    if !matches!(text.get(parted), Some(b',' | b';' | b'|' | b'\t')) {
        return;
    }
    let next = run(text, parted + 1, |byte| matches!(byte, b' ' | b'"' | b'\'' | b'\\' | b'[' | b'('));
    let next = if next > parted + 9 { return } else { next };
    // `"2":"Kari Nordmann"`, `name=Kari Nordmann`.
    let key = run(text, next, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    let sign = run(text, key, |byte| matches!(byte, b'"' | b'\'' | b'\\' | b':' | b'=' | b'>' | b' '));
    let keyed = key > next && sign - key < 8 && text[key..sign].iter().any(|byte| matches!(byte, b':' | b'='));
    let from = if keyed { sign } else { next };
    if let Some((start, end)) = full(text, from, 2) {
        found.extend(whole(text, start, end));
    }
}

/// The name in front of how somebody is reached, which starts at `start`.
pub(super) fn in_front(text: &[u8], start: usize, found: &mut Vec<Finding>) {
    let between = |byte: u8| b" \t\"'`,;|(<[{=:>\\".contains(&byte);
    let mut end = run_back(text, start, between);
    if end == start || start - end > 8 {
        return;
    }
    // `email=`, `"mail": "`, `på`: a key or a word, and what stands in front of that.
    let mut gap = &text[end..start];
    let word = run_back(text, end, |byte| byte.is_ascii_alphanumeric() || byte >= 0x80 || matches!(byte, b'_' | b'-'));
    let key = &text[word..end];
    if REACHED.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(key)) {
        let next = run_back(text, word, between);
        if next == word || word - next > 8 {
            return;
        }
        (gap, end) = (&text[next..word], next);
    } else if gap.contains(&b'=') || gap == b": " || gap == b" " {
        return;
    }
    // Something parts a name from what follows it; a colon ends a heading.
    if gap.contains(&b'=') || gap.starts_with(b":") && !gap.contains(&b',') {
        return;
    }
    if let Some((start, end)) = full_before(text, end, 2) {
        found.extend(name(text, start, end));
    }
}

/// The name behind a word such as `Dear`.
pub(super) fn greeted(text: &[u8], start: usize) -> Option<Finding> {
    let (start, end) = full(text, start, 2)?;
    whole(text, start, end)
}

/// What stands between a name and the address or number at which somebody is reached.
const REACHED: &[&str] = &[
    "email",
    "e-mail",
    "mail",
    "epost",
    "e-post",
    "e_mail",
    "emailaddress",
    "address",
    "adresse",
    "at",
    "på",
    "to",
    "tel",
    "tlf",
    "phone",
    "telefon",
    "mobile",
    "mobil",
    "telephone",
    "contact",
    "sms",
    "msisdn",
    "ring",
    "auf",
    "unter",
];

/// Words in the names of things.
const THINGS: &[&str] = &[
    "server",
    "site",
    "web",
    "windows",
    "microsoft",
    "google",
    "apple",
    "linux",
    "ubuntu",
    "debian",
    "build",
    "test",
    "tests",
    "docker",
    "image",
    "backup",
    "nightly",
    "daily",
    "weekly",
    "monthly",
    "button",
    "shop",
    "shopping",
    "cart",
    "print",
    "spooler",
    "network",
    "internet",
    "explorer",
    "chrome",
    "firefox",
    "safari",
    "mozilla",
    "edge",
    "order",
    "contact",
    "delivery",
    "relay",
    "mailer",
    "daemon",
    "postmaster",
    "newsletter",
    "team",
    "office",
    "software",
    "computer",
    "printer",
    "laptop",
    "desktop",
    "phone",
    "iphone",
    "android",
    "galaxy",
    "north",
    "south",
    "east",
    "west",
    "street",
    "road",
    "city",
    "country",
    "region",
    "zone",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "january",
    "february",
    "march",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "sat",
    "sun",
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
    "internal",
    "external",
    "public",
    "private",
    "main",
    "master",
    "release",
    "production",
    "staging",
    "development",
    "local",
    "global",
    "remote",
    "central",
    "standard",
    "premium",
    "basic",
    "free",
    "pro",
    "enterprise",
    "business",
    "school",
    "university",
    "company",
    "inc",
    "ltd",
    "gmbh",
    "as",
    "asa",
    "ab",
    "oy",
    "bank",
    "norge",
    "norway",
    "sverige",
    "sweden",
    "danmark",
    "denmark",
    "finland",
    "germany",
    "france",
    "spain",
    "italy",
    "united",
    "states",
    "kingdom",
    "europe",
    "america",
    "asia",
    "africa",
    "oslo",
    "bergen",
    "update",
    "install",
    "setup",
    "wizard",
    "runtime",
    "framework",
    "engine",
    "core",
    "plugin",
    "bot",
    "crawler",
    "spider",
    "http",
    "https",
    "ssl",
    "tls",
    "dns",
    "sql",
    "mysql",
    "postgres",
    "oracle",
    "redis",
    "apache",
    "nginx",
    "exchange",
    "outlook",
    "thunderbird",
    "wordpress",
    "joomla",
    "drupal",
    "magento",
    "laravel",
    "symfony",
    "spring",
    "java",
    "python",
    "ruby",
    "node",
    "react",
    "angular",
    "hello",
    "welcome",
    "thank",
    "please",
    "reset",
    "confirmation",
    "confirm",
    "invoice",
    "payment",
    "receipt",
    "shipping",
    "tracking",
    "verification",
    "verify",
    "alert",
    "notification",
    "reminder",
    "subscription",
    "unsubscribe",
    "undelivered",
    "undeliverable",
    "recipient",
    "sender",
    "subject",
    "body",
    "header",
    "footer",
    "title",
    "label",
    "color",
    "colour",
    "size",
    "width",
    "height",
    "red",
    "green",
    "blue",
    "black",
    "white",
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::super::What;
    use super::*;

    #[test]
    fn a_name_is_some_words_with_a_capital() {
        for (text, least, name) in [
            ("Kari Nordmann, x", 2, "Kari Nordmann"),
            ("Kari B. Nordmann logged", 2, "Kari B. Nordmann"),
            ("Åse Bø-Lund.", 2, "Åse Bø-Lund"),
            ("Sean O'Brien (x)", 2, "Sean O'Brien"),
            ("Kari", 1, "Kari"),
        ] {
            let (start, end) = full(text.as_bytes(), 0, least).unwrap();
            assert_eq!(&text[start..end], name, "{text}");
        }
        for text in
            ["Kari", "kari nordmann", "Default Web Site", "KARI NORDMANN", "Org.Example Foo", "Build Docker", ""]
        {
            assert_eq!(full(text.as_bytes(), 0, 2), None, "{text}");
        }
    }

    #[test]
    fn names_stand_beside_what_somebody_is_reached_at() {
        let found = |text: &str| {
            let mut found = Vec::new();
            beside(text.as_bytes(), text.find('@').unwrap(), &mut found);
            let of = |f: &Finding| String::from_utf8(f.span.of(text.as_bytes()).to_vec()).unwrap();
            assert!(found.iter().all(|f| f.what == What::User));
            found.iter().map(of).collect::<Vec<_>>()
        };
        for text in [
            "1;Kari Nordmann;kari@example.org;Bergen",
            "sent to Kari Nordmann (kari@example.org)",
            "Customer(id=5, name=Kari Nordmann, email=kari@example.org, x=1)",
            "['kari@example.org', 'Kari Nordmann', 5]",
            "{\"1\":\"kari@example.org\",\"2\":\"Kari Nordmann\"}",
            "\"kari@example.org, Kari Nordmann\"",
            "'Kari Nordmann', 'kari@example.org'",
            "\\\"Kari Nordmann\\\",\\\"kari@example.org\\\"",
        ] {
            assert_eq!(found(text), ["Kari Nordmann"], "{text}");
        }
        for text in [
            "kari@example.org: Recipient Address Rejected",
            "Relay Denied: kari@example.org",
            "kari@example.org Mailbox Full",
            "Password Reset (kari@example.org)",
            "Sat Nov 21, kari@example.org",
            "[Kari Nordmann] x kari@example.org",
        ] {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }
}
