//! Users in the messages of programs that no format knows, by what introduces them: home directories, the word for a user in
//! the languages that logs are written in, and the fixed words around a name: `(kari) CMD (`, `'kari'@'host'`,
//! `[kari/secret] (from client`.
//!
//! One pass over the text: three tables tell where such a word may begin, and nothing else is looked at. Each verifier reads
//! a bounded number of bytes around its word. What stands there is in [`super::messages`].

use super::{Finding, Kinds, messages, messages::Mark};

/// Adds what is introduced in `text`. Does not allocate once warm; linear in the length of the text.
#[inline(never)]
pub(super) fn all(text: &[u8], kinds: Kinds, found: &mut Vec<Finding>) {
    let mut read = 0;
    for (at, three) in text.windows(3).enumerate() {
        let [first, second, third] = [three[0], three[1], three[2]].map(usize::from);
        let buckets = FILTER.first[first] & FILTER.second[second] & FILTER.third[third];
        if buckets != 0 {
            each(text, at, buckets, kinds, &mut read, found);
        }
    }
}

#[inline(never)]
fn each(text: &[u8], at: usize, mut buckets: u32, kinds: Kinds, read: &mut usize, found: &mut Vec<Finding>) {
    while buckets != 0 {
        let bucket = buckets.trailing_zeros() as usize;
        buckets &= buckets - 1;
        for &(word, mark) in MARKS.iter().skip(bucket).step_by(BUCKETS) {
            let asked = if mark.is_secret() { Kinds::TOKEN } else { Kinds::USER };
            // What reaches far is read once.
            let far = mark.reaches_far();
            if kinds.has(asked) && !(far && at < *read) && stands(text, at, word.as_bytes(), mark) {
                let before = found.len();
                messages::verify(text, at, at + word.len(), mark, found);
                if far && let Some(finding) = found[before..].last() {
                    *read = finding.span.end as usize;
                }
            }
        }
    }
}

/// Whether `word` begins at `at`, and no word goes on there.
fn stands(text: &[u8], at: usize, word: &[u8], mark: Mark) -> bool {
    let Some(here) = text.get(at..at + word.len()) else { return false };
    // Where these stand, a small letter makes another word of it.
    let exact = matches!(mark, Mark::Home | Mark::Windows | Mark::Scheduled | Mark::Token);
    let same = here
        .iter()
        .zip(word)
        .all(|(&byte, &pattern)| fits(pattern, byte) && (!exact || pattern < b' ' || pattern == byte));
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    same && !(inside(word[0]) && at > 0 && inside(text[at - 1]))
}

/// Whether a byte of a text is what the pattern has there: a letter in either case, or one of a class.
const fn fits(pattern: u8, byte: u8) -> bool {
    match pattern {
        DIGIT => byte.is_ascii_digit(),
        DOTTED => byte.is_ascii_digit() || byte == b'.',
        CAPITAL => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
        LETTER => byte.is_ascii_alphanumeric() || byte == b'\\',
        HEX => byte.is_ascii_hexdigit() || byte == b':',
        pattern => pattern.eq_ignore_ascii_case(&byte),
    }
}

/// `0-9`
const DIGIT: u8 = 1;
/// `0-9.`
const DOTTED: u8 = 2;
/// `0-9A-Z`
const CAPITAL: u8 = 3;
/// `0-9A-Za-z`, or the second of two backslashes
const LETTER: u8 = 4;
/// `0-9A-Fa-f:`
const HEX: u8 = 5;

/// For each of a word's first three bytes the buckets of the words that may have it there.
struct Filter {
    first: [u32; 256],
    second: [u32; 256],
    third: [u32; 256],
}

/// How many buckets there are: a word is in the one of its number.
const BUCKETS: usize = 32;

static FILTER: Filter = {
    let mut filter = Filter { first: [0; 256], second: [0; 256], third: [0; 256] };
    let mut i = 0;
    while i < MARKS.len() {
        let word = MARKS[i].0.as_bytes();
        assert!(word.len() >= 3, "a word has three bytes");
        let bucket = 1 << (i % BUCKETS);
        let mut byte = 0;
        while byte < 256 {
            if fits(word[0], byte as u8) {
                filter.first[byte] |= bucket;
            }
            if fits(word[1], byte as u8) {
                filter.second[byte] |= bucket;
            }
            if fits(word[2], byte as u8) {
                filter.third[byte] |= bucket;
            }
            byte += 1;
        }
        i += 1;
    }
    filter
};

/// What is looked for, and what it says.
const MARKS: &[(&str, Mark)] = &[
    // Directories that are called as their users are.
    ("/home", Mark::Home),
    ("/Users/", Mark::Home),
    ("/var/mail/", Mark::Home),
    ("/var/spool/mail/", Mark::Home),
    ("/var/vmail/", Mark::Home),
    ("/crontabs/", Mark::Home),
    ("/run/user/", Mark::Home),
    ("crontabs/", Mark::Home),
    ("/~\u{4}", Mark::Home),
    ("\\Users\\", Mark::Windows),
    ("\\Documents and Settings\\", Mark::Windows),
    // The word for a user, its forms, and that for the name.
    ("user", Mark::Noun),
    ("username", Mark::Noun),
    ("user name", Mark::Noun),
    ("account name", Mark::Noun),
    ("logon account", Mark::Noun),
    ("login name", Mark::Noun),
    ("contact name", Mark::Noun),
    ("login", Mark::Quoted),
    ("account", Mark::Quoted),
    ("role", Mark::Quoted),
    ("owner", Mark::Quoted),
    ("principal", Mark::Quoted),
    ("bruker", Mark::Noun),
    ("brukeren", Mark::Noun),
    ("brukar", Mark::Noun),
    ("brukaren", Mark::Noun),
    ("brukernavn", Mark::Noun),
    ("brukarnamn", Mark::Noun),
    ("konto", Mark::Noun),
    ("kontoen", Mark::Quoted),
    ("användare", Mark::Noun),
    ("användaren", Mark::Noun),
    ("användarnamn", Mark::Noun),
    ("bruger", Mark::Noun),
    ("brugeren", Mark::Noun),
    ("brugernavn", Mark::Noun),
    ("käyttäjä", Mark::Noun),
    ("käyttäjän", Mark::Noun),
    ("käyttäjätunnus", Mark::Noun),
    ("käyttäjänimi", Mark::Noun),
    ("notandi", Mark::Noun),
    ("notandanafn", Mark::Noun),
    ("benutzer", Mark::Noun),
    ("benutzers", Mark::Noun),
    ("benutzername", Mark::Noun),
    ("nutzer", Mark::Noun),
    ("anmeldename", Mark::Noun),
    ("rolle", Mark::Quoted),
    ("utilisateur", Mark::Noun),
    ("rôle", Mark::Quoted),
    ("compte", Mark::Quoted),
    ("usuario", Mark::Noun),
    ("usuário", Mark::Noun),
    ("rol", Mark::Quoted),
    ("utente", Mark::Noun),
    ("gebruiker", Mark::Noun),
    ("gebruikersnaam", Mark::Noun),
    ("użytkownik", Mark::Noun),
    ("użytkownika", Mark::Noun),
    ("uživatel", Mark::Noun),
    ("uživatele", Mark::Noun),
    ("пользователь", Mark::Noun),
    ("пользователя", Mark::Noun),
    // A domain in front of a name, a name in front of an address, and of a request.
    ("\u{3}\\\u{4}", Mark::Domain),
    ("/\u{1}\u{2}", Mark::Tunnel),
    ("/udp4:", Mark::Tunnel),
    ("/udp6:", Mark::Tunnel),
    ("/tcp4", Mark::Tunnel),
    ("/tcp6", Mark::Tunnel),
    (" - ", Mark::Access),
    (" GET /", Mark::Request),
    (" PUT /", Mark::Request),
    (" POST /", Mark::Request),
    (" HEAD /", Mark::Request),
    (" DELETE /", Mark::Request),
    ("|\u{1}\u{2}", Mark::Audit),
    ("] total ", Mark::Page),
    (" (ipv4:", Mark::HostBefore),
    (" (ipv6:", Mark::HostBefore),
    ("[\u{5}\u{5}", Mark::Reverse),
    ("(\u{5}\u{5}", Mark::Reverse),
    ("\u{1}[\u{4}", Mark::Peer),
    ("[/\u{1}", Mark::Before),
    // Signs with blanks around them, and arrows.
    (" = ", Mark::Assigned),
    ("=> ", Mark::Assigned),
    ("=>\"", Mark::Assigned),
    ("=>'", Mark::Assigned),
    (")=(", Mark::Key),
    // Names between brackets and quotes in front of a word.
    (") CMD", Mark::Scheduled),
    (") LIST", Mark::Scheduled),
    (") BEGIN EDIT", Mark::Scheduled),
    (") END EDIT", Mark::Scheduled),
    (") REPLACE", Mark::Scheduled),
    (") DELETE", Mark::Scheduled),
    (") RELOAD", Mark::Scheduled),
    (") MAIL", Mark::Scheduled),
    (") ORPHAN", Mark::Scheduled),
    (") AUTH", Mark::Scheduled),
    (") FILE", Mark::Scheduled),
    (") WRONG", Mark::Scheduled),
    (") UNSAFE", Mark::Scheduled),
    (") SECURITY", Mark::Scheduled),
    ("] Peer Connection", Mark::Before),
    ("'(id:", Mark::Before),
    (" User logged in", Mark::BeforeMethod),
    (" is now logged in", Mark::Before),
    (") (\u{4}", Mark::Trailing),
    ("] (from client", Mark::Radius),
    ("'@'", Mark::AtHost),
    ("`@`", Mark::AtHost),
    ("\" <", Mark::Mailbox),
    ("from: ", Mark::Sender),
    ("to: ", Mark::Sender),
    ("cc: ", Mark::Sender),
    ("reply-to: ", Mark::Sender),
    ("sender: ", Mark::Sender),
    // Names between brackets and quotes behind a word.
    ("Login OK: [", Mark::Bracketed),
    ("CONTROL [", Mark::Bracketed),
    ("-> [", Mark::Bracketed),
    ("]\\[", Mark::Bracketed),
    ("workstation [", Mark::Station),
    ("client-hostname \"", Mark::Station),
    ("host_name => '", Mark::Station),
    ("' host: '", Mark::Station),
    ("helo=<", Mark::Station),
    ("ssid='", Mark::Station),
    ("provides name: ", Mark::HostBehind),
    ("map from ", Mark::HostBehind),
    ("workstation name:", Mark::HostBehind),
    ("main[", Mark::Bracketed),
    ("worker[", Mark::Bracketed),
    ("authentication of [", Mark::Bracketed),
    ("authentication of '", Mark::Bracketed),
    ("identity '", Mark::Bracketed),
    ("new lease to '", Mark::Bracketed),
    (", name = \"", Mark::Bracketed),
    (", u'", Mark::Bracketed),
    ("matched data: ", Mark::Matched),
    ("\" by \"", Mark::Bracketed),
    ("login to '", Mark::Bracketed),
    ("\"AUTH\" \"", Mark::Commanded),
    // Names behind a word.
    ("login failed: ", Mark::Bare),
    ("login by ", Mark::Bare),
    ("console by ", Mark::Bare),
    ("keyring for ", Mark::Bare),
    ("setuid to ", Mark::Bare),
    ("user denied: ", Mark::Bare),
    ("uid: 0, name: ", Mark::Bare),
    ("> for ", Mark::Scanned),
    (") for ", Mark::Scanned),
    ("login succeeded: ", Mark::Bare),
    ("as principal ", Mark::Bare),
    ("user slice of ", Mark::Bare),
    ("sshd: ", Mark::Daemon),
    ("sshd-session: ", Mark::Daemon),
    ("user@host: ", Mark::Daemon),
    ("from=", Mark::Sendmail),
    ("to=", Mark::Sendmail),
    ("SIP/", Mark::Channel),
    ("IAX2/", Mark::Channel),
    ("cn=", Mark::CommonName),
    ("uid ", Mark::Number),
    ("user-", Mark::Number),
    ("S-1-5-21-", Mark::Number),
    ("DHCP", Mark::Lease),
    // Credentials behind the name of their scheme.
    ("Bearer ", Mark::Token),
    ("bearer ", Mark::Token),
    ("Basic ", Mark::Token),
    ("basic ", Mark::Token),
    ("Token ", Mark::Token),
    ("Digest ", Mark::Token),
    ("proctitle=", Mark::Process),
    ("cookie: ", Mark::Cookie),
    (".php(", Mark::Trace),
];
