//! Users in the messages of programs that no format knows, by what introduces them: home directories, the word for a user in
//! the languages that logs are written in, and the fixed words around a name: `(kari) CMD (`, `'kari'@'host'`,
//! `[kari/secret] (from client`.
//!
//! One pass over the text: three tables tell where such a word may begin, and nothing else is looked at. Each verifier reads
//! a bounded number of bytes around its word.

mod behind;
mod command;
mod credential;
mod front;
mod home;
mod mark;
mod noun;
mod read;
mod request;
mod sentence;

use super::{Finding, Kinds};
use mark::{Mark, verify};

/// Adds what is introduced in `text`. Does not allocate once warm; linear in the length of the text.
#[inline(never)]
pub(super) fn all(text: &[u8], kinds: Kinds, found: &mut Vec<Finding>) {
    let mut read = 0;
    // A request without a method is nothing but its target.
    if kinds.has(Kinds::TOKEN) && text.starts_with(b"/") {
        request::target(text, 0, 0, found);
    }
    for (at, three) in text.windows(3).enumerate() {
        let [first, second, third] = [three[0], three[1], three[2]].map(usize::from);
        let buckets = FILTER.first[first] & FILTER.second[second] & FILTER.third[third];
        if buckets != 0 {
            each(text, at, buckets, kinds, &mut read, found);
        }
    }
}

#[inline(never)]
fn each(text: &[u8], at: usize, mut buckets: u64, kinds: Kinds, read: &mut usize, found: &mut Vec<Finding>) {
    while buckets != 0 {
        let bucket = buckets.trailing_zeros() as usize;
        buckets &= buckets - 1;
        for &number in &SORTED[usize::from(STARTS[bucket])..usize::from(STARTS[bucket + 1])] {
            let (word, mark) = MARKS[usize::from(number)];
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
    }
}

/// Whether `word` begins at `at`, and no word goes on there.
fn stands(text: &[u8], at: usize, word: &[u8], mark: Mark) -> bool {
    let Some(here) = text.get(at..at + word.len()) else { return false };
    // Where these stand, a small letter makes another word of it.
    let exact = matches!(mark, Mark::Home | Mark::Windows | Mark::Scheduled | Mark::Token | Mark::Ftp);
    let mut place = 0;
    while place < word.len() {
        let (byte, pattern) = (here[place], word[place]);
        if byte != pattern && (exact && pattern > HEX || !fits(pattern, byte)) {
            return false;
        }
        place += 1;
    }
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    !(inside(word[0]) && at > 0 && inside(text[at - 1]))
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
    first: [u64; 256],
    second: [u64; 256],
    third: [u64; 256],
}

/// How many buckets there are. Words that begin alike share one: few other letters pass a bucket then.
const BUCKETS: usize = 64;

/// The numbers of the words, in the order of their first three bytes.
const SORTED: [u16; MARKS.len()] = {
    let mut sorted = [0; MARKS.len()];
    let mut i = 0;
    while i < MARKS.len() {
        let key = beginning(MARKS[i].0);
        let mut at = i;
        while at > 0 && beginning(MARKS[sorted[at - 1] as usize].0) > key {
            sorted[at] = sorted[at - 1];
            at -= 1;
        }
        sorted[at] = i as u16;
        i += 1;
    }
    sorted
};

/// Where the words of each bucket start in that order.
const STARTS: [u16; BUCKETS + 1] = {
    let mut starts = [0; BUCKETS + 1];
    let mut bucket = 0;
    while bucket <= BUCKETS {
        let mut at = bucket * MARKS.len() / BUCKETS;
        // Those that begin alike stay together.
        while at > 0 && at < MARKS.len() && alike(at) {
            at += 1;
        }
        starts[bucket] = at as u16;
        bucket += 1;
    }
    starts
};

/// Whether the word at a place of that order begins as the one before it does.
const fn alike(at: usize) -> bool {
    beginning(MARKS[SORTED[at] as usize].0) == beginning(MARKS[SORTED[at - 1] as usize].0)
}

/// A word's first three bytes as a number, letters as small ones.
const fn beginning(word: &str) -> u32 {
    let word = word.as_bytes();
    assert!(word.len() >= 3, "a word has three bytes");
    (word[0].to_ascii_lowercase() as u32) << 16
        | (word[1].to_ascii_lowercase() as u32) << 8
        | word[2].to_ascii_lowercase() as u32
}

static FILTER: Filter = {
    let mut filter = Filter { first: [0; 256], second: [0; 256], third: [0; 256] };
    let mut bucket = 0;
    while bucket < BUCKETS {
        let mut i = STARTS[bucket] as usize;
        while i < STARTS[bucket + 1] as usize {
            let word = MARKS[SORTED[i] as usize].0.as_bytes();
            filter.first = admit(filter.first, word[0], 1 << bucket);
            filter.second = admit(filter.second, word[1], 1 << bucket);
            filter.third = admit(filter.third, word[2], 1 << bucket);
            i += 1;
        }
        bucket += 1;
    }
    filter
};

/// The table with the bucket's bit at each byte that the pattern fits.
const fn admit(mut table: [u64; 256], pattern: u8, bucket: u64) -> [u64; 256] {
    if pattern > HEX {
        table[pattern.to_ascii_lowercase() as usize] |= bucket;
        table[pattern.to_ascii_uppercase() as usize] |= bucket;
        return table;
    }
    let mut byte = 0;
    while byte < 256 {
        if fits(pattern, byte as u8) {
            table[byte] |= bucket;
        }
        byte += 1;
    }
    table
}

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
    (" \"GET ", Mark::Request),
    (" \"PUT ", Mark::Request),
    (" \"POST ", Mark::Request),
    (" \"HEAD ", Mark::Request),
    (" \"DELETE ", Mark::Request),
    (" [\u{4}", Mark::Columns),
    // Queries.
    ("GET /", Mark::Query),
    ("GET http", Mark::Query),
    ("PUT /", Mark::Query),
    ("PUT http", Mark::Query),
    ("POST /", Mark::Query),
    ("POST http", Mark::Query),
    ("HEAD /", Mark::Query),
    ("HEAD http", Mark::Query),
    ("PATCH /", Mark::Query),
    ("PATCH http", Mark::Query),
    ("DELETE /", Mark::Query),
    ("DELETE http", Mark::Query),
    ("OPTIONS /", Mark::Query),
    ("OPTIONS http", Mark::Query),
    ("PROPFIND /", Mark::Query),
    ("\"/\u{4}", Mark::Query),
    ("\"/?", Mark::Query),
    ("\"http://", Mark::Query),
    ("\"https://", Mark::Query),
    ("referer: http", Mark::Query),
    ("referrer: http", Mark::Query),
    ("referer=http", Mark::Query),
    ("uri=/", Mark::Query),
    ("uri=http", Mark::Query),
    ("url=/", Mark::Query),
    ("url=http", Mark::Query),
    ("path=/", Mark::Query),
    ("request=/", Mark::Query),
    ("|\u{1}\u{2}", Mark::Audit),
    ("] total ", Mark::Page),
    (" (ipv4:", Mark::HostBefore),
    (" (ipv6:", Mark::HostBefore),
    ("[\u{5}\u{5}", Mark::Reverse),
    ("(\u{5}\u{5}", Mark::Reverse),
    ("\u{1}[\u{4}", Mark::Peer),
    ("[/\u{1}", Mark::Before),
    // Sentences about logins.
    (" logged in", Mark::Acted),
    (" logged out", Mark::Acted),
    (" logged on", Mark::Acted),
    (" logged off", Mark::Acted),
    (" logged into", Mark::Acted),
    (" signed in", Mark::Acted),
    (" signed out", Mark::Acted),
    (" signed into", Mark::Acted),
    (" logs in", Mark::Acted),
    (" logs out", Mark::Acted),
    (" authenticated", Mark::Acted),
    (" connected from", Mark::Acted),
    (" disconnected from", Mark::Acted),
    (" logget inn", Mark::Acted),
    (" logget ut", Mark::Acted),
    (" logget på", Mark::Acted),
    (" logget av", Mark::Acted),
    (" loggade in", Mark::Acted),
    (" loggade ut", Mark::Acted),
    (" loggat in", Mark::Acted),
    (" loggat ut", Mark::Acted),
    (" loggede ind", Mark::Acted),
    (" logget ind", Mark::Acted),
    (" loggede ud", Mark::Acted),
    (" angemeldet", Mark::Acted),
    (" abgemeldet", Mark::Acted),
    (" eingeloggt", Mark::Acted),
    (" ausgeloggt", Mark::Acted),
    (" connecté", Mark::Acted),
    (" déconnecté", Mark::Acted),
    (" iniciado sesión", Mark::Acted),
    (" inició sesión", Mark::Acted),
    (" cerró sesión", Mark::Acted),
    (" conectado", Mark::Acted),
    (" ingelogd", Mark::Acted),
    (" uitgelogd", Mark::Acted),
    (" kirjautui", Mark::Acted),
    (" zalogował", Mark::Acted),
    (" effettuato l'accesso", Mark::Acted),
    (" fez login", Mark::Acted),
    (" entrou", Mark::Acted),
    ("logged in as ", Mark::ActedAs),
    ("logged on as ", Mark::ActedAs),
    ("signed in as ", Mark::ActedAs),
    ("log in as ", Mark::ActedAs),
    ("login as ", Mark::ActedAs),
    ("authenticated as ", Mark::ActedAs),
    ("connected as ", Mark::ActedAs),
    ("impersonating ", Mark::ActedAs),
    ("innlogget som ", Mark::ActedAs),
    ("logget inn som ", Mark::ActedAs),
    ("inloggad som ", Mark::ActedAs),
    ("loggade in som ", Mark::ActedAs),
    ("logget ind som ", Mark::ActedAs),
    ("angemeldet als ", Mark::ActedAs),
    ("eingeloggt als ", Mark::ActedAs),
    ("connecté en tant que ", Mark::ActedAs),
    ("conectado como ", Mark::ActedAs),
    ("connesso come ", Mark::ActedAs),
    ("ingelogd als ", Mark::ActedAs),
    ("login of ", Mark::ActedAs),
    ("logout of ", Mark::ActedAs),
    ("logoff of ", Mark::ActedAs),
    ("login for ", Mark::ActedAs),
    ("logout for ", Mark::ActedAs),
    ("logout by ", Mark::ActedAs),
    ("attempt by ", Mark::ActedAs),
    ("login attempt: ", Mark::ActedAs),
    ("innlogging av ", Mark::ActedAs),
    ("innlogging for ", Mark::ActedAs),
    ("innlogging: ", Mark::ActedAs),
    ("utlogging av ", Mark::ActedAs),
    ("inloggning av ", Mark::ActedAs),
    ("inloggning för ", Mark::ActedAs),
    ("anmeldung von ", Mark::ActedAs),
    ("anmeldung für ", Mark::ActedAs),
    ("abmeldung von ", Mark::ActedAs),
    ("connexion de ", Mark::ActedAs),
    ("connexion pour ", Mark::ActedAs),
    ("inicio de sesión de ", Mark::ActedAs),
    ("inicio de sesión para ", Mark::ActedAs),
    ("successful login ", Mark::ActedAs),
    ("failed login ", Mark::ActedAs),
    ("login ok: ", Mark::ActedAs),
    ("login succeeded for ", Mark::ActedAs),
    ("login successful for ", Mark::ActedAs),
    ("login failed for ", Mark::ActedAs),
    ("authentication succeeded for ", Mark::ActedAs),
    ("authentication failed for ", Mark::ActedAs),
    ("authentication successful for ", Mark::ActedAs),
    ("session started for ", Mark::ActedAs),
    ("session opened for ", Mark::ActedAs),
    ("session closed for ", Mark::ActedAs),
    ("session created for ", Mark::ActedAs),
    ("password changed for ", Mark::ActedAs),
    ("password change for ", Mark::ActedAs),
    ("password reset for ", Mark::ActedAs),
    ("password reset requested for ", Mark::ActedAs),
    ("password updated for ", Mark::ActedAs),
    ("account created for ", Mark::ActedAs),
    ("account locked for ", Mark::ActedAs),
    ("account locked: ", Mark::ActedAs),
    ("account disabled for ", Mark::ActedAs),
    ("registered as ", Mark::ActedAs),
    ("welcome back, ", Mark::ActedAs),
    ("welcome, ", Mark::ActedAs),
    ("switched to user ", Mark::ActedAs),
    ("on behalf of ", Mark::ActedAs),
    ("acting as ", Mark::ActedAs),
    ("initiated by ", Mark::ActedAs),
    ("requested by ", Mark::ActedAs),
    ("created by ", Mark::ActedAs),
    ("modified by ", Mark::ActedAs),
    ("deleted by ", Mark::ActedAs),
    ("updated by ", Mark::ActedAs),
    ("uploaded by ", Mark::ActedAs),
    ("approved by ", Mark::ActedAs),
    ("submitted by ", Mark::ActedAs),
    ("posted by ", Mark::ActedAs),
    ("changed by ", Mark::ActedAs),
    ("edited by ", Mark::ActedAs),
    ("login ", Mark::Login),
    ("logout ", Mark::Login),
    ("logon ", Mark::Login),
    ("signin ", Mark::Login),
    ("sign-in ", Mark::Login),
    ("authenticated ", Mark::Login),
    (" as ", Mark::AsWhom),
    (") connect to", Mark::Addressed),
    (")> ", Mark::Addressed),
    (") logged in", Mark::Addressed),
    (") logged out", Mark::Addressed),
    (") signed in", Mark::Addressed),
    (") closed connection", Mark::Addressed),
    (") disconnected", Mark::Addressed),
    (") joined", Mark::Addressed),
    (" <\u{4}", Mark::Mailed),
    (" <[email]", Mark::Mailed),
    ("@\u{4}\u{4}", Mark::Matrix),
    ("<user>", Mark::Element),
    ("<username>", Mark::Element),
    ("<login>", Mark::Element),
    ("<firstname>", Mark::Element),
    ("<lastname>", Mark::Element),
    ("<fullname>", Mark::Element),
    ("passord", Mark::Secret),
    ("passwort", Mark::Secret),
    ("kennwort", Mark::Secret),
    ("mot de passe", Mark::Secret),
    ("motdepasse", Mark::Secret),
    ("contraseña", Mark::Secret),
    ("lösenord", Mark::Secret),
    ("adgangskode", Mark::Secret),
    ("kodeord", Mark::Secret),
    ("salasana", Mark::Secret),
    ("wachtwoord", Mark::Secret),
    ("hasło", Mark::Secret),
    ("heslo", Mark::Secret),
    ("senha", Mark::Secret),
    ("lykilorð", Mark::Secret),
    ("пароль", Mark::Secret),
    ("密码", Mark::Secret),
    ("パスワード", Mark::Secret),
    ("identified by '", Mark::QuotedSecret),
    ("identified by \"", Mark::QuotedSecret),
    ("password '", Mark::QuotedSecret),
    ("password \"", Mark::QuotedSecret),
    ("password('", Mark::QuotedSecret),
    ("passphrase '", Mark::QuotedSecret),
    ("USER ", Mark::Ftp),
    ("PASS ", Mark::Ftp),
    ("values (", Mark::Literals),
    ("values(", Mark::Literals),
    ("kennwort von ", Mark::ActedAs),
    ("kennwort für ", Mark::ActedAs),
    ("passwort von ", Mark::ActedAs),
    ("passwort für ", Mark::ActedAs),
    ("passord for ", Mark::ActedAs),
    ("lösenord för ", Mark::ActedAs),
    ("mot de passe de ", Mark::ActedAs),
    ("mot de passe pour ", Mark::ActedAs),
    ("contraseña de ", Mark::ActedAs),
    ("login successful: ", Mark::ActedAs),
    ("do not match: ", Mark::ActedAs),
    ("attempt failed for ", Mark::ActedAs),
    ("mailing output to ", Mark::ActedAs),
    ("revoked for ", Mark::ActedAs),
    (" joined the game", Mark::Acted),
    (" left the game", Mark::Acted),
    (" joined the chat", Mark::Acted),
    (" left the chat", Mark::Acted),
    (" joined the room", Mark::Acted),
    (" left the room", Mark::Acted),
    (" joined the meeting", Mark::Acted),
    (" left the meeting", Mark::Acted),
    (" joined the channel", Mark::Acted),
    (" joined the call", Mark::Acted),
    (" joined the server", Mark::Acted),
    ("user id", Mark::Noun),
    ("用户", Mark::Noun),
    ("用戶", Mark::Noun),
    ("ユーザー", Mark::Noun),
    ("사용자", Mark::Noun),
    ("使用者", Mark::Noun),
    ("registered sip '", Mark::Bracketed),
    ("helo=", Mark::Remote),
    ("|https://", Mark::Query),
    ("|http://", Mark::Query),
    // Commands.
    ("mysql", Mark::Command),
    ("mariadb", Mark::Command),
    ("psql", Mark::Command),
    ("pg_", Mark::Command),
    ("createdb", Mark::Command),
    ("dropdb", Mark::Command),
    ("smbclient", Mark::Command),
    ("rpcclient", Mark::Command),
    ("mongo", Mark::Command),
    ("lftp", Mark::Command),
    ("ncftp", Mark::Command),
    ("clickhouse-client", Mark::Command),
    ("sshpass", Mark::Command),
    ("redis-cli", Mark::Command),
    ("curl ", Mark::Command),
    ("ldap", Mark::Command),
    ("ssh ", Mark::Command),
    ("scp ", Mark::Command),
    ("sftp ", Mark::Command),
    ("sudo ", Mark::Command),
    ("runuser ", Mark::Command),
    ("crontab ", Mark::Command),
    ("useradd ", Mark::Command),
    ("adduser ", Mark::Command),
    ("userdel ", Mark::Command),
    ("deluser ", Mark::Command),
    ("usermod ", Mark::Command),
    ("passwd ", Mark::Command),
    ("chage ", Mark::Command),
    ("chfn ", Mark::Command),
    ("chsh ", Mark::Command),
    ("su ", Mark::Command),
    ("htpasswd ", Mark::Command),
    ("smbpasswd ", Mark::Command),
    ("--password ", Mark::Option),
    ("--passwd ", Mark::Option),
    ("--pass ", Mark::Option),
    ("--token ", Mark::Option),
    ("--secret ", Mark::Option),
    ("--api-key ", Mark::Option),
    ("--apikey ", Mark::Option),
    ("--access-token ", Mark::Option),
    ("--client-secret ", Mark::Option),
    ("--user ", Mark::Option),
    ("--username ", Mark::Option),
    ("--login ", Mark::Option),
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
        // Access lines that fit no format, and queries.
        ("203.0.113.7 - kari [2026-11-21T10:00:00Z] \"GET /a?q=x&page=2 HTTP/1.1\"", &["kari", "x"]),
        ("203.0.113.7 - \"kari\" [1795255200.123]", &["kari"]),
        ("203.0.113.7 - kari nordmann [2026-11-21 10:00:00] 200", &["kari nordmann"]),
        ("dyn.example.net - kari [2026-11-21T10:00:00Z] 'GET / HTTP/1.1'", &["kari"]),
        ("203.0.113.7 ola kari [2026-11-21T10:00:00Z] \"GET /\"", &["ola", "kari"]),
        ("203.0.113.7 kari [Sat Nov 21 10:00:00 2026] x", &["kari"]),
        ("[x] 203.0.113.7 kari \"GET / HTTP/1.1\"", &["kari"]),
        ("INFO GET /s?q=kari%20n&a=b;c=d&amp;e=f 200", &["kari%20n", "b", "d", "f"]),
        ("asked \"GET /s?q=kari n HTTP/1.1\" 200", &["kari n"]),
        ("asked GET /s?q=kari n HTTP/1.1 200", &["kari n"]),
        ("{\\\"r\\\":\\\"GET /s?q=kari\\\"}", &["kari"]),
        ("from \"https://example.org/?q=kari\" x", &["kari"]),
        ("uri=/s?q=kari&lang=nb x", &["kari"]),
        ("/s?q=kari", &["kari"]),
        // Sentences about logins.
        ("kari.nordmann logged in from 203.0.113.7", &["kari.nordmann"]),
        ("INFO: kari has just logged out", &["kari"]),
        ("10:00:00 Kari Nordmann logged in", &["Kari Nordmann"]),
        ("Player kari signed in", &["kari"]),
        ("'kari' logged in", &["kari"]),
        ("kari har logget inn", &["kari"]),
        ("kari hat sich erfolgreich angemeldet", &["kari"]),
        ("kari s'est connect\u{e9}", &["kari"]),
        ("login kari from 203.0.113.7", &["kari"]),
        ("signed in as kari", &["kari"]),
        ("Anmeldung von kari", &["kari"]),
        ("connection from 203.0.113.7 as kari", &["kari"]),
        ("Login succeeded for kari", &["kari"]),
        // Commands.
        ("COMMAND=/usr/bin/mysql -u kari -phunter2 db", &["kari", "hunter2"]),
        ("ran mysqldump -ukari -p'hunter 2' db", &["kari", "hunter 2"]),
        ("psql -h db -U kari shop", &["kari"]),
        ("curl -s -u kari:hunter2 https://example.org/", &["kari", "hunter2"]),
        ("sshpass -p hunter2 ssh -l kari web1", &["hunter2", "kari"]),
        ("COMMAND=/usr/sbin/useradd -m kari", &["kari"]),
        ("tool --user kari --password hunter2", &["kari", "hunter2"]),
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
        "203.0.113.7 - [user] [2026-11-21T10:00:00Z] \"GET /a?q=&page=2 HTTP/1.1\"",
        "203.0.113.7 - - [2026-11-21T10:00:00Z]",
        "worker on 203.0.113.7 job [1234]",
        "203.0.113.7 worker [pool-1-thread-2] done",
        "[x] 203.0.113.7 example.org \"GET / HTTP/1.1\"",
        "[x] 203.0.113.7 12ms \"GET / HTTP/1.1\"",
        "GET /a?b HTTP/1.1, GET /a?page=2&lang=nb-NO&sort=price&ver=5.1 HTTP/1.1",
        "GET /a?x=&y=[token] HTTP/1.1",
        "what? x=y",
        "/forum/viewtopic.php?f=16&t=9265&start=200",
        "You are logged in, Not logged in, must be logged in",
        "Successfully logged in",
        "the server is not connected from here",
        "10 users logged in",
        "when a session is authenticated",
        "SMTP authenticated",
        "logged in as [user], signed in as a guest",
        "login page from the theme",
        "login attempt from 203.0.113.7",
        "known as kari, as well as",
        "sort -u file, date -u +%F, ssh -p 22 web1",
        "mysql -u [user] -p[token] db",
        "mysql: unknown option -u",
        "systemctl --user start x, pip install --user requests",
        "curl -u $USER:$PASS https://example.org/",
        "passwd expired, su failed",
        "fully logged out (be sure",
        "_additional authenticated data_ parameter",
        "created by \"git init\", modified by dpkg; deleted by <kbd>",
        "expected and actual values (Dave O'Mahony) [#1](x)",
        "/etc/pam.d/su     - regular su",
        "a, b, ... as usual, and they",
        "logged in as Node.js, it's good",
        "--password <secret>, --password-file x, --user ID",
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
    fn every_word_is_let_through_by_the_tables() {
        for (word, _) in MARKS {
            let bytes = word.as_bytes();
            let some = |pattern: u8| (0..=255u8).rev().find(|&byte| fits(pattern, byte)).unwrap();
            let [a, b, c] = [bytes[0], bytes[1], bytes[2]].map(|pattern| usize::from(some(pattern)));
            assert_ne!(FILTER.first[a] & FILTER.second[b] & FILTER.third[c], 0, "{word}");
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
