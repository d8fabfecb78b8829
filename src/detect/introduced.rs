//! Users in the messages of programs that no format knows, by what introduces them: home directories, the word for a user in
//! the languages that logs are written in, and the fixed words around a name: `(kari) CMD (`, `'kari'@'host'`,
//! `[kari/secret] (from client`.
//!
//! One pass over the text: tables tell where such a word may begin, and nothing else is looked at. Each verifier reads
//! a bounded number of bytes around its word.

mod behind;
mod credential;
mod filter;
mod front;
mod home;
mod mark;
mod noun;
mod read;

use super::{Finding, Kinds};
use mark::{Mark, verify};

/// Adds what is introduced in `text`. Does not allocate once warm; linear in the length of the text.
#[inline(never)]
pub(super) fn all(text: &[u8], kinds: Kinds, found: &mut Vec<Finding>) {
    let mut read = 0;
    filter::each(text, |at, word| each(text, at, word, kinds, &mut read, found));
}

/// Adds what the word of this number introduces, if it stands at `at`.
#[inline(never)]
fn each(text: &[u8], at: usize, word: usize, kinds: Kinds, read: &mut usize, found: &mut Vec<Finding>) {
    let (word, mark) = MARKS[word];
    let asked = if mark.is_secret() { Kinds::TOKEN } else { Kinds::USER };
    // What reaches far is read once.
    let far = mark.reaches_far();
    if kinds.has(asked) && !(far && at < *read) && stands(text, at, word.as_bytes(), mark) {
        let before = found.len();
        verify(text, at, at + word.len(), mark, found);
        if far && let Some(finding) = found[before..].last() {
            *read = finding.span.end as usize;
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
    ("rhost=", Mark::Remote),
    ("authorized to ", Mark::Authorized),
    ("unable to find '", Mark::Account),
    ("groups=\u{1}", Mark::Groups),
    ("gid=\u{1}", Mark::Groups),
    ("user: name=", Mark::Bare),
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        all(text.as_bytes(), Kinds::ALL, &mut found);
        found.sort_unstable_by_key(|f| (f.span.start, f.span.end));
        found.dedup();
        found.iter().map(|f| std::str::from_utf8(f.span.of(text.as_bytes())).unwrap()).collect()
    }

    /// What stands in messages, and what of it must go.
    const GONE: &[(&str, &[&str])] = &[
        ("ruser= rhost=dyn.example.net  x", &["dyn.example.net"]),
        ("Authorized to kari, krb5 principal x", &["kari"]),
        ("Unable to find 'kari' account", &["kari"]),
        ("gid=1000(kari) groups=1000(kari),27(sudo),1001(ola)", &["kari", "kari", "ola"]),
        ("new user: name=kari, UID=1001", &["kari"]),
        ("utilisateur kari connecté", &["kari"]),
        ("Benutzer kari angemeldet", &["kari"]),
        ("bruker kari", &["kari"]),
        // Directories.
        ("open() \"/home/kari/www/x\" failed", &["kari"]),
        ("in /home/kari.nordmann: x", &["kari.nordmann"]),
        ("HOME=/home/kari", &["kari"]),
        ("include(/home2/kari/x.php)", &["kari"]),
        ("/usr/home/kari/x and /export/home/ola/x", &["kari", "ola"]),
        ("file:///Users/kari/x.py", &["kari"]),
        ("C:\\Users\\kari\\x", &["kari"]),
        ("\"C:\\\\Users\\\\kari\\\\x\"", &["kari"]),
        ("C:\\Users\\Kari Nordmann\\Desktop", &["Kari Nordmann"]),
        ("C:\\Documents and Settings\\kari", &["kari"]),
        ("GET /~kari/x HTTP/1.1", &["kari"]),
        ("/var/mail/kari: full", &["kari"]),
        ("/run/user/1000/bus", &["1000"]),
        ("RELOAD (crontabs/kari)", &["kari"]),
        // Nouns.
        ("f\u{fc}r Benutzer \u{bb}kari\u{ab} fehlgeschlagen", &["kari"]),
        ("l'utilisateur \u{ab}\u{a0}kari\u{a0}\u{bb}", &["kari"]),
        ("el usuario \u{ab}kari\u{bb}", &["kari"]),
        ("f\u{f6}r anv\u{e4}ndare \"kari\"", &["kari"]),
        ("brukernavn: kari", &["kari"]),
        ("Benutzername=kari", &["kari"]),
        ("role \"kari\" does not exist", &["kari"]),
        ("Account 'kari'", &["kari"]),
        ("succeeded for username 'kari' [CN SET]", &["kari"]),
        ("client ip x, user name kari", &["kari"]),
        ("Account Name:\t\tkari\tAccount Domain:", &["kari"]),
        ("'Contact Name': 'Kari Nordmann'", &["Kari Nordmann"]),
        ("\u{43f}\u{43e}\u{43b}\u{44c}\u{437}\u{43e}\u{432}\u{430}\u{442}\u{435}\u{43b}\u{44f} \"kari\"", &["kari"]),
        // Signs, domains, keys.
        (": user = kari", &["kari"]),
        ("User-Name = \"kari\"", &["kari"]),
        ("User-Password = \"hunter2\"", &["hunter2"]),
        ("password = hunter2", &["hunter2"]),
        ("{\"login\"=>\"kari\", \"password\"=>\"hunter2\"}", &["kari", "hunter2"]),
        ("['user' => 'kari']", &["kari"]),
        ("DETAIL: Key (username)=(kari) already exists", &["kari"]),
        ("(203.0.113.7/5)(LOCAL\\kari) to", &["kari"]),
        ("for 'EXAMPLE\\Kari' from", &["Kari"]),
        ("as CORP\\kari.nordmann", &["kari.nordmann"]),
        // Known messages.
        ("kari/203.0.113.7:1194 MULTI", &["kari"]),
        ("kari/udp4:203.0.113.7:1194 MULTI", &["kari"]),
        ("203.0.113.7:1 [kari] Peer Connection Initiated", &["kari"]),
        ("SENT CONTROL [kari]: 'PUSH", &["kari"]),
        ("VERIFY OK: depth=0, C=NO, CN=kari", &["kari"]),
        ("(kari) CMD (true)", &["kari"]),
        ("(kari) BEGIN EDIT (kari)", &["kari", "kari"]),
        ("(kari) CMDEND (true)", &["kari"]),
        ("Login OK: [kari/hunter2] (from client wifi port 0)", &["kari/hunter2"]),
        ("x: [kari/hun]ter2] (from client wifi port 0)", &["kari/hun]ter2"]),
        ("user 'kari'@'karis-pc' (using", &["kari", "karis-pc"]),
        ("# User@Host: kari[kari] @ karis-pc [203.0.113.7]", &["kari[kari]", "karis-pc"]),
        ("'\"Kari Nordmann\" <sip:kari@192.0.2.1>'", &["Kari Nordmann"]),
        ("header From: Kari Nordmann <kari@example.org>", &["Kari Nordmann"]),
        ("Dial(\"SIP/kari-0000001f\")", &["kari"]),
        ("[kari] -> [kari] -> [kari] ok", &["kari", "kari"]),
        ("user [EXAMPLE]\\[kari] at", &["kari"]),
        ("workstation [KARIS-PC] remote", &["KARIS-PC"]),
        ("karis-pc (ipv4:203.0.113.7:5) connect", &["karis-pc"]),
        ("kari|203.0.113.7|karis-pc|data", &["kari", "karis-pc"]),
        ("1 \"AUTH\" \"kari\" \"hunter2\"", &["kari", "hunter2"]),
        ("1 \"AUTH\" \"hunter2\"", &["hunter2"]),
        ("as principal kari on admin", &["kari"]),
        ("Login failed: kari (Remote IP: x)", &["kari"]),
        ("sshd: kari [priv]", &["kari"]),
        ("sshd: kari@pts/0", &["kari"]),
        ("from=kari, size=1", &["kari"]),
        ("DHCPACK on 203.0.113.7 to 00:00:5e:00:53:01 (karis-phone) via eth0", &["karis-phone"]),
        ("DHCPACK(eth0) 203.0.113.7 00:00:5e:00:53:01 karis-phone", &["karis-phone"]),
        ("client-hostname \"karis-phone\";", &["karis-phone"]),
        ("base=\"cn=Kari Nordmann,ou=people,dc=x\"", &["Kari Nordmann"]),
        ("S-1-5-21-1-2-3-1001 x", &["S-1-5-21-1-2-3-1001"]),
        ("for UID 1000.", &["1000"]),
        ("slice user-1000.slice", &["1000"]),
        ("Created slice User Slice of kari.", &["kari"]),
        ("203.0.113.7 - kari [21/Nov/2026:10:00:00", &["kari"]),
        ("203.0.113.7 - kari \"POST /login", &["kari"]),
        ("192.0.2.1:5984 203.0.113.7 kari GET /_session", &["kari"]),
        ("office kari 77 [21/Nov/2026:10:00:00 +0100] total 3", &["kari"]),
        ("login: dyn-7.example.net [203.0.113.7] kari plain User logged in", &["dyn-7.example.net", "kari"]),
        ("203.0.113.7[kari]", &["kari"]),
        ("[data \"Matched Data: kari found within ARGS:q: x\"]", &["kari"]),
        ("#0 /srv/db.php(3): PDO->__construct('mysql', 'kari', 'hunter2')", &["mysql", "kari", "hunter2"]),
        // Credentials.
        ("was Bearer abc123 and", &["abc123"]),
        ("sent Basic a2FyaTp4 to", &["a2FyaTp4"]),
        ("Basic a2FyaTpodW50ZXI=,", &["a2FyaTpodW50ZXI="]),
        ("Token abc123 x", &["abc123"]),
        ("proctitle=7375206B617269", &["7375206B617269"]),
        ("Cookie: user=kari; sid=a", &["user=kari; sid=a", "kari"]),
        ("Set-Cookie: user=kari; Path=/", &["user=kari; Path=/", "kari"]),
    ];

    /// Prose, code and messages about nobody.
    const STAYS: &[&str] = &[
        "rhost= user",
        "rhost=203.0.113.0",
        "authorized to act, now",
        "Unable to find 'x.txt' here",
        "gid=33(www-data) groups=33(www-data)",
        "systemet bruker minne",
        "Benutzer angemeldet",
        "user=0.02, sys=0.1",
        "GET /home/about HTTP/1.1",
        "/home/index.html is missing",
        "/var/www/home/news/x",
        "https://example.org/home/news",
        "/var/www/vhosts/example.org/x",
        "/home/[user]/x",
        "/home/p1.20261121.9f86d081884c7d65/x",
        "/Users/",
        "C:\\Users\\Public\\x",
        "C:\\WINDOWS\\system32\\x",
        "HKLM\\Software\\x",
        "GuzzleHttp\\Client and DB\\Query",
        "ERROR\\nNEXT",
        "~1find~5/~1next~5",
        "advarsel: du bruker \u{ab}-0\u{bb}",
        "den bruker mye minne",
        "role of the server, account is locked",
        "login required",
        "--user <UID>",
        "usage: su [username [args]]",
        "let nonce = [0; 12];",
        "pub type Nonce = Array<u8>;",
        "user => user.name",
        "token => token,",
        "password = ",
        "fn f(x: X) -> [u8; 4] {",
        "'?' | '@' | '^'",
        "a slice of bytes",
        "the principal pour \u{e9}viter",
        "(CRON) INFO (Running @reboot jobs)",
        "tcp/192.0.2.7:80 open, http/192.0.2.7:80 open",
        "10:00:00 - worker [12] x",
        "sshd: no hostkeys available",
        "sshd[77]: x",
        "basic settings, bearer of news, Basic auth",
        "bearer token missing, Bearer authentication",
        "Unexpected token at 12",
        "Bearer [token], Basic [token]",
        "Bearer realm=\"x\"",
        "Cookie: none",
        "[[user]] Peer Connection",
        "-> [user]/203.0.113.0",
        "issuer=C=US, O=Let's Encrypt, CN=R3",
        "depth=0, CN=www.example.org",
        "UID 33 and UID 0",
        "from=<[email]>, size=1, to=[user], delay=1",
        "rendered foo.php(12) in 5 ms",
        "listen [::]:80 (default)",
        "127.0.0.1[80]",
    ];

    #[test]
    fn what_is_introduced_goes() {
        for (text, gone) in GONE {
            assert_eq!(found(text), *gone, "{text}");
        }
    }

    #[test]
    fn what_names_nobody_stays() {
        for text in STAYS {
            assert_eq!(found(text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn a_flood_of_any_word_is_read_in_bounded_time() {
        let start = std::time::Instant::now();
        for (word, _) in MARKS {
            for unit in [word.to_string(), format!("{word}a"), format!("{word}a=b ")] {
                let unit: String = unit.chars().map(|c| if c < ' ' { '1' } else { c }).collect();
                found(&unit.repeat(20_000 / unit.len()));
            }
        }
        assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
    }
}
