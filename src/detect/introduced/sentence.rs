//! Names in sentences about logins, in front of the verb or behind the words that end with *as*, *for*, *of*: `kari logged in`,
//! `kari har logget inn`, `signed in as kari`, `Anmeldung von kari`.
//!
//! A word is taken for a name where a sentence of a log begins with it, or where no word of prose looks so.

use super::super::{
    Finding,
    bytes::{Known, among},
    user::{Name, is_full_name, is_prose},
};
use super::front::is_behind_address;
use super::read::{back, is_blank, is_name, name, run_back};

/// The name in front of the verb whose blank stands at `at`.
pub(super) fn acted(text: &[u8], at: usize, end: usize) -> Option<Finding> {
    if text.get(end).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte >= 0x80 || *byte == b'_') {
        return None;
    }
    let mut stop = at;
    // `has just`, `har`, `hat sich`.
    for _ in 0..4 {
        let start = run_back(text, stop, is_letter);
        if start == stop || start == 0 || text[start - 1] != b' ' || !AUXILIARY.has(&text[start..stop]) {
            break;
        }
        stop = start - 1;
    }
    stop -= usize::from(stop > 0 && matches!(text[stop - 1], b':' | b','));
    let last = stop.checked_sub(1).map(|last| text[last])?;
    if let b'"' | b'\'' | b'`' | b']' | b')' | b'>' = last {
        let open = match last {
            b']' => b'[',
            b')' => b'(',
            b'>' => b'<',
            quote => quote,
        };
        let start = back(text, stop - 1, open)?;
        let value = &text[start..stop - 1];
        let one = is_word(value) || is_full_name(value);
        // A bracket holds a number or a host as often.
        let told = matches!(last, b'"' | b'\'' | b'`') && one;
        return (told && !is_nobody(value)).then(|| name(text, start, stop - 1)).flatten();
    }
    let mut start = run_back(text, stop, is_name);
    let value = &text[start..stop];
    if !is_word(value) || is_nobody(value) || matches!(value[0], b'_' | b'-' | b'.' | b'+') {
        return None;
    }
    let odd = value.iter().any(|b| b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'@' | b'\\'));
    let shouted = value.iter().all(|b| b.is_ascii_uppercase() || *b == b'-');
    if shouted && !odd || start > 0 && matches!(text[start - 1], b'/' | b'$' | b'%') {
        return None;
    }
    if !odd && !begins(text, start) {
        // `Player kari`, `Kari Nordmann`.
        let first = run_back(text, start.checked_sub(1)?, is_letter);
        let before = &text[first..start - 1];
        let capital = |word: &[u8]| word.first().is_some_and(|&byte| byte.is_ascii_uppercase() || byte >= 0x80);
        // `player kari is banned` begins a sentence in small letters.
        let told = if capital(before) {
            begins(text, first) || ROLES.has(before)
        } else {
            begins(text, first) && ROLES.has(before)
        };
        if text[start - 1] != b' ' || !told {
            return None;
        }
        if !ROLES.has(before) {
            if is_nobody(before) || !capital(&text[start..stop]) {
                return None;
            }
            start = first;
        }
    }
    name(text, start, stop)
}

/// The name behind words such as `logged in as `.
pub(super) fn behind(text: &[u8], start: usize) -> Option<Finding> {
    let read = Name::read(text, start)?;
    let value = read.of(text);
    let known = [
        "from",
        "on",
        "at",
        "in",
        "via",
        "by",
        "using",
        "with",
        "failed",
        "succeeded",
        "successful",
        "was",
        "is",
        "has",
        "rejected",
        "denied",
        "ok",
        "fra",
        "von",
        "aus",
        "från",
        "de",
        "depuis",
        "desde",
        "er",
        "ip",
    ];
    let rest = text.get(read.end..).unwrap_or_default();
    // An address follows, or what an earlier run wrote for one.
    let reached = |rest: &[u8]| {
        let word = rest.iter().take(64).take_while(|&&byte| is_name(byte));
        rest.starts_with(b"[email]") || word.filter(|&&byte| byte == b'@').count() > 0
    };
    let bracket = matches!(rest, [b' ', b'(' | b'[' | b'<' | b'-' | b'|' | b'0'..=b'9', ..])
        || rest.first() == Some(&b' ') && reached(&rest[1..]);
    // `failed login cpaneld: …`: a program speaks.
    if read.quote == 0 && text.get(read.end) == Some(&b':') || read.quote == b'`' {
        return None;
    }
    // `modified by dpkg; …`: so do those.
    let odd = value.iter().any(|b| b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'@'));
    let shown = match rest {
        [b' ', b'(' | b'<' | b'[', rest @ ..] => reached(rest) || rest.first().is_some_and(u8::is_ascii_digit),
        _ => false,
    };
    let followed = shown || read.is_followed(text, &["at", "on", "from", "via"]);
    if text[..start].ends_with(b"ed by ") && !odd && !followed && !text[..start].ends_with(b"failed by ") {
        return None;
    }
    // `logged in as Node.js, it's good` goes on.
    if odd && value[0].is_ascii_uppercase() && matches!(text.get(read.end..), Some([b',', b' ', b'a'..=b'z', ..])) {
        return None;
    }
    let told = read.quote != 0 || bracket || read.ends_there(text) || read.is_followed(text, &known);
    let plain = read.quote != b')' && read.quote != b']' && (is_word(value) || is_full_name(value));
    (told && plain && !is_nobody(value)).then(|| read.finding())
}

/// The name between `login ` and ` from ADDRESS`.
pub(super) fn login(text: &[u8], start: usize) -> Option<Finding> {
    let read = Name::read(text, start)?;
    let value = read.of(text);
    let rest = text.get(read.end..)?.strip_prefix(b" ")?;
    // `login kari 192.0.2.7`
    let (rest, least) = rest.strip_prefix(b"from ").map_or((rest, 2), |rest| (rest, 0));
    if least > 0 && !rest.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let address = rest.strip_prefix(b"[").unwrap_or(rest).iter().take(16).take_while(|&&b| is_name(b) || b == b':');
    let address = address.filter(|byte| matches!(byte, b'.' | b':')).count() > least;
    let word = is_word(value) && read.quote == 0;
    (address && word && !is_nobody(value)).then(|| read.finding())
}

/// The name behind ` as `, in front of which an address stands.
pub(super) fn as_whom(text: &[u8], at: usize, end: usize) -> Option<Finding> {
    is_behind_address(text, at).then(|| behind(text, end)).flatten()
}

/// Whether a sentence begins at `start`: nothing stands in front, or a sign, a number, or a level such as `INFO`.
fn begins(text: &[u8], start: usize) -> bool {
    let front = text[..start].trim_ascii_end();
    let Some(&last) = front.last() else { return true };
    if front.len() == start {
        return matches!(last, b'"' | b'\'' | b'=' | b'>' | b'|' | b';' | b',' | b'`');
    }
    if matches!(last, b':' | b']' | b')' | b'>' | b'|' | b'-' | b'.' | b',' | b';' | b'=' | b'"' | b'*' | b'}') {
        return true;
    }
    let word = &front[run_back(front, front.len(), |byte| !is_blank(Some(&byte)))..];
    let level = word.len() > 2 && word.iter().all(u8::is_ascii_uppercase);
    level
        || word.iter().any(u8::is_ascii_digit)
        || among(&["info", "notice", "debug", "warn", "warning", "error"], word)
}

/// Whether it is one word with a letter.
fn is_word(value: &[u8]) -> bool {
    let letter = value.iter().any(|b| b.is_ascii_alphabetic() || *b >= 0x80);
    letter && value.len() > 1 && value.iter().all(|&byte| is_name(byte))
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte >= 0x80 || matches!(byte, b'\'' | b'-')
}

/// Whether nobody is called so.
pub(in super::super) fn is_nobody(word: &[u8]) -> bool {
    is_prose(word) || ROLES.has(word) || NOBODY.has(word) || AUXILIARY.has(word)
}

/// Words between a name and the verb.
static AUXILIARY: Known = Known::new(&[
    "has",
    "have",
    "had",
    "is",
    "was",
    "just",
    "now",
    "not",
    "been",
    "successfully",
    "already",
    "automatically",
    "no",
    "longer",
    "har",
    "er",
    "ble",
    "blev",
    "blitt",
    "ikke",
    "inte",
    "ikke",
    "nå",
    "nu",
    "hat",
    "sich",
    "ist",
    "wurde",
    "nicht",
    "erfolgreich",
    "est",
    "s'est",
    "a",
    "ha",
    "se",
    "è",
    "heeft",
    "werd",
    "on",
    "fue",
    "foi",
    "está",
]);

/// Words that stand for who it is.
static ROLES: Known = Known::new(&[
    "user",
    "player",
    "member",
    "customer",
    "operator",
    "admin",
    "administrator",
    "employee",
    "student",
    "teacher",
    "patient",
    "guest",
    "client",
    "subscriber",
    "visitor",
    "owner",
    "editor",
    "author",
    "agent",
    "bruker",
    "brukeren",
    "kunde",
    "kunden",
    "användare",
    "användaren",
    "bruger",
    "brugeren",
    "benutzer",
    "nutzer",
    "utilisateur",
    "l'utilisateur",
    "usuario",
    "usuário",
    "utente",
    "gebruiker",
    "käyttäjä",
    "użytkownik",
    "account",
    "konto",
]);

/// Words that no name is, in front of such a verb or behind such words.
static NOBODY: Known = Known::new(&[
    "production",
    "staging",
    "development",
    "verification",
    "maintenance",
    "inactivity",
    "payment",
    "processing",
    "delivery",
    "review",
    "approval",
    "testing",
    "debugging",
    "fully",
    "partially",
    "additional",
    "permitted",
    "allowed",
    "completed",
    "blocked",
    "refused",
    "granted",
    "started",
    "ended",
    "aborted",
    "forbidden",
    "accepted",
    "closed",
    "opened",
    "errors",
    "events",
    "retry",
    "retries",
    "sequence",
    "string",
    "details",
    "credentials",
    "link",
    "links",
    "url",
    "details",
    "only",
    "first",
    "again",
    "directly",
    "anonymously",
    "normally",
    "correctly",
    "properly",
    "locally",
    "remotely",
    "internally",
    "externally",
    "you",
    "we",
    "they",
    "he",
    "she",
    "it",
    "who",
    "nobody",
    "someone",
    "anyone",
    "everyone",
    "everybody",
    "somebody",
    "one",
    "none",
    "all",
    "any",
    "each",
    "both",
    "many",
    "several",
    "be",
    "being",
    "get",
    "getting",
    "stay",
    "keep",
    "remain",
    "never",
    "ever",
    "always",
    "still",
    "yet",
    "last",
    "first",
    "once",
    "currently",
    "previously",
    "newly",
    "recently",
    "either",
    "neither",
    "server",
    "host",
    "peer",
    "node",
    "connection",
    "connections",
    "device",
    "devices",
    "worker",
    "program",
    "service",
    "session",
    "sessions",
    "request",
    "requests",
    "socket",
    "packet",
    "message",
    "database",
    "remote",
    "local",
    "people",
    "persons",
    "users",
    "admins",
    "customers",
    "clients",
    "players",
    "members",
    "guests",
    "visitors",
    "ssl",
    "tls",
    "smtp",
    "imap",
    "ldap",
    "oauth",
    "api",
    "bot",
    "proxy",
    "gateway",
    "router",
    "cluster",
    "replica",
    "master",
    "slave",
    "primary",
    "secondary",
    "broker",
    "consumer",
    "producer",
    "channel",
    "kernel",
    "daemon",
    "du",
    "jeg",
    "vi",
    "de",
    "man",
    "ingen",
    "alle",
    "noen",
    "jag",
    "ingen",
    "sie",
    "ich",
    "wir",
    "niemand",
    "jemand",
    "je",
    "vous",
    "nous",
    "il",
    "elle",
    "ils",
    "den",
    "der",
    "die",
    "das",
    "le",
    "la",
    "les",
    "el",
    "los",
    "en",
    "et",
    "une",
    "un",
    "il",
    "lo",
    "het",
    "een",
    "ein",
    "eine",
    "einem",
    "einen",
    "brukere",
]);
