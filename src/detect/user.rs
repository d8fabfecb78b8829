//! User names behind the words that introduce them in known messages: `user=kari`, `invalid user kari from`, `session opened
//! for user kari`, `Accepted publickey for kari from`, `login: "kari"`.
//!
//! Prose speaks of users too (`user agent`, `user not found`, `for user input`). Without a sign or quotes the next word is a
//! name only where a known message goes on behind it, and where it is no word that goes with *user* in prose.

use super::{
    Finding, What,
    bytes::{ALNUM, HOST, Known, TOKEN, among, is, is_at, is_before, run_end, run_start},
    introduced::person::{self, Sure},
    secret,
};

/// The longest name; of a longer one this much is hidden.
pub(super) const LONGEST: usize = 128;

/// The name behind the `=` or `:` at `at`, if what stands in front of that says that a user follows.
pub(super) fn named(text: &[u8], at: usize) -> Option<Finding> {
    let sign = *text.get(at)?;
    if !matches!(sign, b'=' | b':') || at < 3 {
        return None;
    }
    let quoted = matches!(text[at - 1], b'"' | b'\'');
    // JSON inside a string has a backslash in front of its quotes.
    let end = at - usize::from(quoted) - usize::from(quoted && text[at - 2] == b'\\');
    let by = text[..end].ends_with(b"by") || text[..end].ends_with(b"By");
    if !by && !matches!(text[end - 1] | 0x20, b'r' | b'e' | b'n' | b'd' | b't') {
        return None;
    }
    let word = &text[run_start(text, end, end.saturating_sub(32), TOKEN)..end];
    let Some(strength) = strength(word) else { return titled(text, at, end, word) };
    // `creator: x` and `--reporter=x` are of programs.
    let role = among(&["creator", "assignee", "reporter"], word.rsplit(|&b| b == b'-').next().unwrap_or(word));
    if role && (sign == b':' && !quoted || word.contains(&b'-')) {
        return None;
    }
    let mut start = at + 1;
    while start < at + 4 && text.get(start) == Some(&b' ') {
        start += 1;
    }
    let name = Name::read(text, start)?;
    let bare = name.quote == 0;
    let plain = name.of(text);
    // `logname= uid=0`: nothing stands there, and the next key follows.
    if bare && start > at + 1 && text.get(name.end) == Some(&b'=') || is_timing(text, &name) {
        return None;
    }
    // `pam_unix(login:auth)`: a service and its task.
    let open = end - word.len();
    if sign == b':' && open > 0 && text[open - 1] == b'(' && TASKS.contains(&plain) {
        return None;
    }
    // `unix-user:kari to gain`
    let joined = start == at + 1
        && !plain.contains(&b':')
        && !is_prose(plain)
        && (word.contains(&b'-') || name.is_followed(text, &["is", "INFO", "WARN", "DEBUG", "ERROR"]));
    // `Authenticated user: kari ip: 192.0.2.7`, `Deleted user: kari kari@example.org`.
    // `username:kari password:x`: pairs.
    let joined = joined
        || start == at + 1 && is_pair(text, name.end)
        || !is_prose(plain) && (name.is_followed(text, &["ip", "from", "via"]) || name.is_reached(text));
    if bare && sign == b':' && !quoted && !joined && (is_prose(plain) || !name.ends_there(text)) {
        return None;
    }
    // A group has the name of a user, or a number that says nothing.
    if name.quote != b'"' && word.len() >= 3 && word[word.len() - 3..].eq_ignore_ascii_case(b"gid") {
        return None;
    }
    // Numbers below 1000 are the system's own.
    let number = strength == Strength::Number && plain.iter().all(u8::is_ascii_digit);
    if !number {
        return Some(name.finding());
    }
    // `uid=1001(kari)` and `kari(uid=1001)` say both.
    let (mut start, mut end, end_of_name) = (name.start, name.end, end);
    if text.get(end) == Some(&b'(') {
        end = run_end(&text[..text.len().min(end + LONGEST)], end + 1, HOST).max(end + 1);
        end += usize::from(text.get(end) == Some(&b')'));
    }
    let open = end_of_name.saturating_sub(word.len() + 1);
    if text[open] == b'(' {
        start = run_start(text, open, open.saturating_sub(LONGEST), HOST).min(start);
    }
    let told = end > name.end + 1 || start < open;
    let start = if start < open { start } else { name.start };
    // The bracket goes with what it holds.
    let end = end + usize::from(start < open && text.get(end) == Some(&b')'));
    (plain.len() > 3 || told && plain != b"0").then(|| Finding::new(start, end, What::User))
}

/// The name of a person behind the sign at `at`, if the `word` that ends at `end` says that one follows: `fullName`, `name`.
fn titled(text: &[u8], at: usize, end: usize, word: &[u8]) -> Option<Finding> {
    let sure = sure(word)?;
    // `Service Name: x`: of a thing. `Display Name` and `Full Name` are of people.
    let open = end - word.len();
    if sure == Sure::Full && text[at] == b':' && open > 1 && text[open - 1] == b' ' && is(text[open - 2], ALNUM) {
        let before = word_before(text, open);
        if !among(
            &["display", "full", "real", "contact", "customer", "guest", "your", "my", "their", "his", "her"],
            before,
        ) {
            return None;
        }
    }
    let mut start = at + 1;
    while start < at + 4 && text.get(start) == Some(&b' ') {
        start += 1;
    }
    person::behind_key(text, start, sure)
}

/// How sure a key says that a person's name follows.
pub(super) fn sure(word: &[u8]) -> Option<Sure> {
    let plain = Plain::of(word)?;
    if plain.is(ONE_WORD) {
        return Some(Sure::One);
    }
    plain.is(TWO_WORDS).then_some(Sure::Full)
}

/// A key in small letters, without what parts its words.
struct Plain {
    bytes: [u8; 16],
    length: usize,
}

impl Plain {
    fn of(word: &[u8]) -> Option<Plain> {
        let mut plain = Plain { bytes: [0; 16], length: 0 };
        for byte in word.iter().filter(|byte| !matches!(byte, b'_' | b'-')) {
            *plain.bytes.get_mut(plain.length)? = byte.to_ascii_lowercase();
            plain.length += 1;
        }
        Some(plain)
    }

    fn is(&self, known: &[&str]) -> bool {
        known.iter().any(|known| known.as_bytes() == &self.bytes[..self.length])
    }
}

/// Keys behind which one word is a name.
const ONE_WORD: &[&str] = &[
    "firstname",
    "lastname",
    "givenname",
    "familyname",
    "surname",
    "forename",
    "fornavn",
    "etternavn",
    "vorname",
    "nachname",
    "middlename",
    "maidenname",
];

/// Keys behind which a person's whole name may stand.
const TWO_WORDS: &[&str] = &[
    "name",
    "fullname",
    "displayname",
    "realname",
    "personname",
    "customername",
    "clientname",
    "contactname",
    "recipientname",
    "cardholder",
    "cardholdername",
    "holdername",
    "accountholder",
    "userdisplayname",
    "patientname",
    "employeename",
    "studentname",
    "guestname",
    "authorname",
    "sendername",
    "receivername",
    "customer",
    "recipient",
    "patient",
    "employee",
    "student",
    "contact",
    "kunde",
    "kundenavn",
    "navn",
    "kontakt",
    "namn",
    "commonname",
    "identity",
    "author",
    "owner",
    "passenger",
    "guest",
    "cardname",
    "billingname",
    "shippingname",
    "nickname",
];

/// Whether a blank follows and another pair, its sign right behind its name.
fn is_pair(text: &[u8], end: usize) -> bool {
    let Some([b' ', rest @ ..]) = text.get(end..) else { return false };
    let name = rest.iter().take(24).take_while(|&&b| is(b, TOKEN)).count();
    name > 0 && matches!(rest.get(name..), Some([b':' | b'=', next, ..]) if *next > b' ')
}

/// Whether it is the time that a program took: `user=0.02 sys=0.1`.
pub(super) fn is_timing(text: &[u8], name: &Name) -> bool {
    let behind = text[name.end..].iter().take(2).take_while(|&&b| matches!(b, b',' | b' ')).count();
    let rest = &text[name.end + behind..];
    let number = name.quote == 0 && name.of(text).iter().all(|&b| b.is_ascii_digit() || b == b'.');
    number && behind > 0 && [&b"sys="[..], b"system=", b"real=", b"nice="].iter().any(|key| rest.starts_with(key))
}

/// What PAM is asked for.
const TASKS: [&[u8]; 5] = [b"auth", b"account", b"session", b"chauthtok", b"setcred"];

/// The name behind the word that ends with the `r` at `at`: `user`, or the `for` of a login.
pub(super) fn at(text: &[u8], at: usize) -> Option<Finding> {
    let blank = matches!(text.get(at + 1), Some(b' '));
    if !blank || at < 2 {
        return None;
    }
    if at >= 3 && text[at - 3..=at].eq_ignore_ascii_case(b"user") {
        // `superuser`, `nt user` and `$user` are other words.
        if is_before(text, at - 3, ALNUM) || text[..at - 3].ends_with(b"-") {
            return None;
        }
        let name = Name::read(text, at + 2)?;
        return behind_user(text, at - 3, &name).then(|| name.finding());
    }
    if !text[at - 2..=at].eq_ignore_ascii_case(b"for") || is_before(text, at - 2, ALNUM) {
        return None;
    }
    // `Failed password for kari from 203.0.113.7`.
    let word = word_before(text, at - 2);
    let login = among(&["login", "logon"], word);
    let outcome = OUTCOMES.has(word);
    let method = word.rsplit(|&b| b == b'/').any(|part| METHODS.has(part));
    let front = &text[at.saturating_sub(56)..at - 2];
    let behind_quote = matches!(front.trim_ascii_end().last(), Some(b'"' | b'\'' | b']'));
    let code =
        among(CODES, word) || word.eq_ignore_ascii_case(b"code") || word.eq_ignore_ascii_case(b"sent") || behind_quote;
    if !(login || outcome || method || code) {
        return None;
    }
    let name = Name::read(text, at + 2)?;
    let told = login
        && !among(&["user", "users", "account", "accounts", "everyone", "all"], name.of(text))
        && name.is_followed(text, &["failed", "succeeded", "denied", "rejected", "refused", "successful"]);
    let login = told || method && name.is_followed(text, &["from"]);
    let quoted = name.quote != 0 && !name.of(text).iter().any(|b| matches!(b, b'/' | b' '));
    // `Invalid verification code for kari`, `PIN 4711 sent for kari`, `invalid password "x" for kari`.
    let asked = code && {
        let ends = name.ends_there(text)
            || name.is_followed(text, &["from", "by", "at", "on", "via"])
            || name.comes_from(text);
        let says =
            |words: &[&[u8]]| words.iter().any(|word| front.windows(word.len()).any(|w| w.eq_ignore_ascii_case(word)));
        ends && !is_nobody(name.of(text))
            && (among(CODES, word)
                || word.eq_ignore_ascii_case(b"code")
                    && says(&[
                        b"verification ",
                        b"2fa ",
                        b"mfa ",
                        b"otp ",
                        b"login ",
                        b"security ",
                        b"reset ",
                        b"sms ",
                        b"time ",
                    ])
                || word.eq_ignore_ascii_case(b"sent") && says(&[b"pin ", b"otp ", b"code ", b"sms "])
                || behind_quote && says(&[b"password ", b"passcode "]))
    };
    let told = login || asked || outcome && (quoted || name.comes_from(text));
    (told && !is_prose(name.of(text))).then(|| name.finding())
}

/// Whether it is a person's name: two or three words, each with a capital.
pub(super) fn is_full_name(name: &[u8]) -> bool {
    let mut words = 0;
    name.split(|&byte| byte == b' ').all(|word| {
        words += 1;
        let letter = |byte: &u8| byte.is_ascii_lowercase() || *byte >= 0x80 || matches!(byte, b'-' | b'.');
        let rest = word.get(1..).unwrap_or_default();
        word.first().is_some_and(|&byte| byte.is_ascii_uppercase() || byte >= 0x80) && rest.iter().all(letter)
    }) && (2..=4).contains(&words)
}

/// Whether a word in front of a sign says that a user's name follows.
pub(super) fn promises(word: &[u8]) -> bool {
    strength(word).is_some()
}

/// Whether what stands behind the `user` at `start` is a name.
fn behind_user(text: &[u8], start: usize, name: &Name) -> bool {
    let before = word_before(text, start);
    let plain = name.of(text);
    if name.quote != 0 {
        // `user "kari"`; but a quotation after the word is none: `user 'is not allowed to'`.
        return !plain.contains(&b' ') || is_full_name(plain);
    }
    if CERTAIN.has(before) && name.is_followed(text, &["from"]) {
        return true;
    }
    if is_prose(plain) {
        return false;
    }
    // Signs that no word of prose holds.
    let odd = plain.iter().any(|b| b.is_ascii_digit() || matches!(b, b'@' | b'_' | b'\\' | b'$'));
    // `User kari [203.0.113.7]`
    let addressed = match text.get(name.end..) {
        Some([b' ', b'[' | b'(', rest @ ..]) => {
            let reach = &rest[..rest.len().min(LONGEST)];
            let close = reach.iter().position(|&byte| matches!(byte, b')' | b']')).unwrap_or(0);
            rest.first().is_some_and(u8::is_ascii_digit) && rest.len() > 1
                || reach[..close].contains(&b'@') && !reach[..close].contains(&b' ')
                || reach.starts_with(b"[email]")
        }
        _ => false,
    };
    // `blocked; user kari, file x`
    let clause = text.get(name.end) == Some(&b',')
        && matches!(before, b"")
        && text[..start].trim_ascii_end().last().is_none_or(|&byte| matches!(byte, b';' | b':' | b',' | b'.'));
    addressed
        || clause
        || STRONG.has(before) && (CERTAIN.has(before) || odd || name.ends_there(text) || BEHIND.has(name.next(text)))
        || BEHIND.has(name.next(text))
        || odd && name.ends_there(text)
        || text.get(name.end) == Some(&b':') && !is_at(text, name.end + 1, b':')
}

/// A name and the quotes around it.
pub(super) struct Name {
    start: usize,
    pub(super) end: usize,
    /// What closes it; 0: nothing stands around it.
    pub(super) quote: u8,
}

impl Name {
    /// The name that starts at `start`, perhaps in quotes or brackets. None where nothing stands, or a placeholder of ours.
    pub(super) fn read(text: &[u8], start: usize) -> Option<Name> {
        // JSON inside a string has a backslash in front of its quotes.
        let escaped = usize::from(text.get(start) == Some(&b'\\') && matches!(text.get(start + 1), Some(b'"' | b'\'')));
        let quote = match text.get(start + escaped)? {
            b'"' => b'"',
            b'\'' => b'\'',
            b'`' => b'`',
            b'<' => b'>',
            b'(' => b')',
            b'[' => b']',
            _ => 0,
        };
        let start = start + escaped + usize::from(quote != 0);
        let reach = &text[start..text.len().min(start + LONGEST)];
        let length = match quote {
            0 => reach.iter().position(|&byte| ENDS[usize::from(byte)]),
            quote => reach.iter().position(|&byte| byte == quote),
        };
        let mut length = length.unwrap_or(reach.len());
        if escaped == 1 && reach[..length].ends_with(b"\\") {
            length -= 1;
        }
        if quote == 0 {
            while length > 0 && matches!(reach[length - 1], b':' | b'.' | b'!') {
                length -= 1;
            }
        }
        let value = &reach[..length];
        // What a bracket holds may be ours, `[user]`.
        let inner = value.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
        let ours = inner.or(Some(value).filter(|_| quote == b']'));
        let nobody = value.is_empty()
            || ours.is_some_and(secret::is_word)
            || secret::is_ours(value)
            || value.iter().all(|b| matches!(b, b'-' | b'*' | b'.' | b'?' | b' '))
            // `User [Username=[user], Enabled=true]`: what an object holds.
            || quote == b']' && value.iter().any(|b| matches!(b, b'=' | b'['))
            || NOBODY.has(value)
            || is_line(value)
            || quote == 0 && !(value[0].is_ascii_alphanumeric() || matches!(value[0], b'_' | b'+' | b'~' | 0x80..));
        (!nobody).then_some(Name { start, end: start + length, quote })
    }

    pub(super) fn of<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        &text[self.start..self.end]
    }

    pub(super) fn finding(&self) -> Finding {
        Finding::new(self.start, self.end, What::User)
    }

    /// Whether no word follows it: the text ends there, or a clause does.
    pub(super) fn ends_there(&self, text: &[u8]) -> bool {
        match text.get(self.end) {
            None => true,
            Some(b'.' | b':') => !is_at(text, self.end + 1, ALNUM),
            // A bracket may be that of a placeholder, where a word stood.
            Some(b' ') => text.get(self.end + 1).is_none_or(|&b| !is(b, ALNUM) && b != b'[' || b.is_ascii_digit()),
            Some(b) => !matches!(b, b'/' | b'='),
        }
    }

    /// Whether an address follows behind `from`, perhaps with something between: `on admin from`, `(ID: 5) from`, `against x`.
    fn comes_from(&self, text: &[u8]) -> bool {
        let reach = &text[self.end..text.len().min(self.end + 64)];
        let between = reach.starts_with(b" from ")
            || reach.starts_with(b" on ")
            || reach.starts_with(b" (")
            || reach.starts_with(b" against ")
            || reach.starts_with(b" has been ");
        let from = reach.windows(6).position(|window| window == b" from ").map(|at| at + 6);
        let place = from.map(|at| reach[at..].strip_prefix(b"client ").unwrap_or(&reach[at..]));
        let address = |place: &[u8]| {
            let host = place.iter().take_while(|&&b| is(b, HOST) || matches!(b, b':' | b'[')).count();
            let signs = place[..host].iter().filter(|&&b| matches!(b, b'.' | b':')).count();
            signs > 1 && place[0] != b'.' || place.starts_with(b"[id]")
        };
        between && (place.is_some_and(address) || reach.starts_with(b" has been denied"))
    }

    /// Whether a blank and an e-mail address follow, or what stands for one.
    fn is_reached(&self, text: &[u8]) -> bool {
        let Some([b' ', rest @ ..]) = text.get(self.end..) else { return false };
        let word = &rest[..rest.iter().take(LONGEST).take_while(|&&byte| byte > b' ').count()];
        word.starts_with(b"[email]") || word.contains(&b'@')
    }

    /// Whether a blank and one of these words, or an address, follow.
    pub(super) fn is_followed(&self, text: &[u8], words: &[&str]) -> bool {
        among(words, self.next(text))
    }

    /// The word behind it and a blank, up to 16 letters of it; empty where there is none.
    fn next<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        let Some([b' ', rest @ ..]) = text.get(self.end..) else { return &[] };
        &rest[..rest.iter().take(16).take_while(|b| b.is_ascii_alphabetic()).count()]
    }
}

/// What ends a name that nothing stands around.
static ENDS: [bool; 256] = {
    let mut ends = [false; 256];
    let bytes = b" \t\r\n\"',;&()[]{}<>|=?";
    let mut at = 0;
    while at < bytes.len() {
        ends[bytes[at] as usize] = true;
        at += 1;
    }
    ends
};

/// How sure a name in front of a sign is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strength {
    /// A user's name follows.
    Name,
    /// A number may follow, and small ones are no person's.
    Number,
}

/// What a word in front of `=` or `:` says: `user`, `remote_user`, `ssh-username`, `"login"`.
fn strength(word: &[u8]) -> Option<Strength> {
    if among(&["memberuid", "samaccountname", "userprincipalname"], word) {
        return Some(Strength::Name);
    }
    let mut parts = word.rsplit(|b| matches!(b, b'_' | b'-' | b'+'));
    let mut last = parts.next()?;
    let mut first = parts.next();
    // `userName`, `remoteUser`.
    let capital = last.windows(2).rposition(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    if let Some(capital) = capital {
        (first, last) = (Some(&last[..=capital]), &last[capital + 1..]);
        // `TargetUserName`.
        first = first.map(|first| {
            let inner = first.windows(2).rposition(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
            inner.map_or(first, |inner| &first[inner + 1..])
        });
    }
    let names = [
        "user",
        "username",
        "ruser",
        "euser",
        "usr",
        "login",
        "logname",
        "userid",
        "loginname",
        "uname",
        "creator",
        "assignee",
        "reporter",
        "principalname",
    ];
    if among(&names, last) {
        return Some(Strength::Name);
    }
    // `created_by`, `updatedBy`.
    if last.eq_ignore_ascii_case(b"by") {
        let done = first.is_some_and(|first| first.len() > 4 && first[first.len() - 2..].eq_ignore_ascii_case(b"ed"));
        return done.then_some(Strength::Name);
    }
    if among(&["ctladdr", "authid", "authcid", "authzid"], last) && first.is_none() {
        return Some(Strength::Name);
    }
    let numbers = [
        "uid", "euid", "auid", "suid", "fsuid", "ouid", "oauid", "sauid", "loginuid", "acct", "gid", "egid", "sgid",
        "fsgid", "ogid",
    ];
    if among(&numbers, last) && first.is_none() {
        return Some(Strength::Number);
    }
    (among(&["id", "name"], last) && first.is_some_and(|first| among(&["user", "login", "usr"], first))
        || last.eq_ignore_ascii_case(b"name") && first.is_some_and(|first| among(&["principal", "lower"], first)))
    .then_some(Strength::Name)
}

/// The word in front of `at`, behind at most one blank.
fn word_before(text: &[u8], at: usize) -> &[u8] {
    let end = at - usize::from(at > 0 && text[at - 1] == b' ');
    let floor = end.saturating_sub(32);
    let mut start = end;
    while start > floor && (is(text[start - 1], TOKEN) || text[start - 1] == b'/') {
        start -= 1;
    }
    &text[start..end]
}

/// Whether nobody is called so who gets a code.
fn is_nobody(word: &[u8]) -> bool {
    super::introduced::is_nobody(word)
}

/// Whether a word goes with *user* in prose, or says how a login went.
pub(super) fn is_prose(word: &[u8]) -> bool {
    let mut lower = [0; 16];
    let mut length = 0;
    while let Some(letter) = word.get(length).filter(|b| b.is_ascii_alphabetic()) {
        let Some(slot) = lower.get_mut(length) else { return false };
        *slot = letter.to_ascii_lowercase();
        length += 1;
    }
    let lower = &lower[..length];
    // `name/password`, `agent:`, `input's`; but not `not.a.word7`.
    matches!(word.get(length), None | Some(b'/' | b'-' | b':' | b'\''))
        && (goes_with_user(lower) || lower.strip_suffix(b"s").is_some_and(goes_with_user))
}

/// Whether it is a line of a router or a terminal: `vty0`, `tty1`, `con0`.
fn is_line(value: &[u8]) -> bool {
    let [a, b, c, number @ ..] = value else { return false };
    matches!(&[*a, *b, *c], b"vty" | b"tty" | b"con" | b"aux")
        && (1..=3).contains(&number.len())
        && number.iter().all(u8::is_ascii_digit)
}

/// Values that name nobody.
static NOBODY: Known = Known::new(&["null", "(null)", "none", "nil", "undefined", "unknown", "true", "false", "n/a"]);

/// How a login went, in front of `for NAME from ADDRESS`.
static OUTCOMES: Known = Known::new(&[
    "failed",
    "failure",
    "failures",
    "succeeded",
    "success",
    "successful",
    "authentication",
    "attempt",
    "attempts",
    "request",
    "denied",
    "accepted",
    "rejected",
    "authenticated",
    "logon",
    "login",
]);

/// What is asked of somebody, or given, in front of `for NAME`.
const CODES: &[&str] =
    &["pin", "otp", "totp", "2fa", "mfa", "credentials", "authenticator", "google_authenticator", "succeeds"];

/// How people log in, in front of `for NAME from`.
static METHODS: Known = Known::new(&[
    "password",
    "publickey",
    "none",
    "keyboard-interactive",
    "pam",
    "gssapi-with-mic",
    "gssapi-keyex",
    "hostbased",
    "exceeded",
    "login",
    "logins",
    "otp",
    "certificate",
]);

/// Words in front of `user` that a name follows.
static STRONG: Known = Known::new(&[
    "for",
    "invalid",
    "illegal",
    "unknown",
    "of",
    "by",
    "as",
    "from",
    "authenticating",
    "authenticated",
    "denied",
    "nonexistent",
    "disabled",
    "locked",
    "expired",
    "anonymous",
    "virtual",
    "system",
    "su",
    "to",
    "the",
    "with",
    "failed",
    "banned",
    "blocked",
    "removed",
    "added",
    "new",
    "remote",
    "local",
    "client",
    "ftp",
    "mail",
    "smtp",
    "imap",
]);

/// Of those, the ones behind which nothing else stands.
static CERTAIN: Known = Known::new(&["invalid", "illegal", "authenticating", "nonexistent"]);

/// Words behind `user NAME` in known messages.
static BEHIND: Known = Known::new(&[
    "from",
    "by",
    "at",
    "via",
    "port",
    "logged",
    "login",
    "logs",
    "failed",
    "authenticated",
    "connected",
    "disconnected",
    "rejected",
    "denied",
    "locked",
    "unlocked",
    "attempted",
    "tried",
    "not",
    "does",
    "has",
    "is",
    "was",
    "on",
    "with",
    "in",
    "ssh",
    "using",
    "exceeded",
    "expired",
    "banned",
    "blocked",
    "ok",
    "pid",
]);

/// Words that go with *user* in prose, and outcomes behind `login:`. Without the `s` of their plural.
// A macro's pattern would be laid out a word a line.
#[expect(clippy::match_like_matches_macro)]
fn goes_with_user(word: &[u8]) -> bool {
    match word {
        b"a" | b"abort" | b"aborted" | b"about" | b"acces" | b"access" | b"account" | b"action" | b"active"
        | b"activity" | b"added" | b"address" | b"addresse" | b"after" | b"agent" | b"already" | b"an" | b"and"
        | b"anonymous" | b"api" | b"app" | b"application" | b"are" | b"argument" | b"as" | b"at" | b"attempt"
        | b"attribute" | b"authenticated" | b"authentication" | b"authorization" | b"base" | b"be" | b"because"
        | b"been" | b"before" | b"behavior" | b"behaviour" | b"browser" | b"but" | b"button" | b"by" | b"cache"
        | b"can" | b"canceled" | b"cancelled" | b"cannot" | b"certificate" | b"change" | b"choice" | b"class"
        | b"click" | b"client" | b"code" | b"command" | b"comment" | b"config" | b"configuration" | b"connected"
        | b"content" | b"context" | b"cookie" | b"could" | b"count" | b"created" | b"creation" | b"credential"
        | b"dashboard" | b"data" | b"database" | b"db" | b"default" | b"defined" | b"deleted" | b"deletion"
        | b"denied" | b"detail" | b"device" | b"did" | b"directory" | b"disabled" | b"disconnected" | b"do"
        | b"doe" | b"domain" | b"down" | b"email" | b"enabled" | b"end" | b"engagement" | b"entered"
        | b"environment" | b"error" | b"event" | b"exist" | b"exit" | b"experience" | b"expired" | b"export"
        | b"extension" | b"facing" | b"failed" | b"failure" | b"feedback" | b"field" | b"file" | b"flow"
        | b"folder" | b"for" | b"form" | b"found" | b"friendly" | b"from" | b"function" | b"generated" | b"gesture"
        | b"group" | b"guide" | b"ha" | b"had" | b"has" | b"help" | b"here" | b"home" | b"host" | b"i" | b"id"
        | b"identity" | b"if" | b"import" | b"in" | b"inactive" | b"info" | b"information" | b"initiated"
        | b"input" | b"interaction" | b"interface" | b"interrupt" | b"into" | b"invalid" | b"is" | b"it" | b"its"
        | b"job" | b"journey" | b"key" | b"land" | b"language" | b"level" | b"library" | b"limit" | b"list"
        | b"locale" | b"locked" | b"log" | b"logged" | b"login" | b"logout" | b"lookup" | b"management"
        | b"manager" | b"manual" | b"map" | b"mapping" | b"may" | b"member" | b"menu" | b"message" | b"method"
        | b"metric" | b"missing" | b"mode" | b"model" | b"module" | b"must" | b"name" | b"namespace" | b"need"
        | b"new" | b"no" | b"not" | b"now" | b"number" | b"object" | b"of" | b"off" | b"ok" | b"old" | b"on"
        | b"only" | b"option" | b"or" | b"organization" | b"out" | b"over" | b"owner" | b"package" | b"page"
        | b"panel" | b"parameter" | b"password" | b"per" | b"permission" | b"please" | b"plugin" | b"pool"
        | b"port" | b"post" | b"preference" | b"process" | b"processe" | b"profile" | b"program" | b"prompt"
        | b"properties" | b"property" | b"provided" | b"query" | b"quota" | b"realm" | b"record" | b"registered"
        | b"registration" | b"rejected" | b"related" | b"removed" | b"report" | b"request" | b"requested"
        | b"required" | b"resource" | b"right" | b"role" | b"schema" | b"screen" | b"script" | b"scroll"
        | b"search" | b"selected" | b"selection" | b"service" | b"session" | b"setting" | b"shell" | b"should"
        | b"side" | b"signup" | b"since" | b"space" | b"specific" | b"specified" | b"stat" | b"state"
        | b"statistic" | b"statu" | b"status" | b"store" | b"story" | b"succes" | b"success" | b"successful"
        | b"successfully" | b"supplied" | b"support" | b"system" | b"table" | b"task" | b"team" | b"tenant"
        | b"than" | b"that" | b"the" | b"then" | b"there" | b"this" | b"thread" | b"ticket" | b"time" | b"timeout"
        | b"timezone" | b"to" | b"token" | b"try" | b"type" | b"under" | b"unknown" | b"up" | b"update"
        | b"updated" | b"valid" | b"value" | b"variable" | b"via" | b"view" | b"visible" | b"wa" | b"want" | b"was"
        | b"were" | b"when" | b"which" | b"while" | b"who" | b"will" | b"window" | b"with" | b"within" | b"without"
        | b"would" | b"you" | b"your" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        let bytes = text.as_bytes();
        let mut found: Vec<Finding> =
            (0..bytes.len()).filter_map(|p| named(bytes, p).or_else(|| at(bytes, p))).collect();
        found.dedup();
        found.iter().map(|f| std::str::from_utf8(f.span.of(bytes)).unwrap()).collect()
    }

    #[test]
    fn names_behind_signs_and_in_known_messages_are_found() {
        let mut wrong = Vec::new();
        for (text, name) in [
            ("user=kari", "kari"),
            ("logname= uid=0 ruser= rhost=x  user=kari", "kari"),
            ("pam_unix(login:auth): session opened for user kari", "kari"),
            ("Login for kari failed", "kari"),
            ("user=0.02 sys=0.00, user=kari", "kari"),
            ("user=kari, method=PLAIN", "kari"),
            ("user=<kari>, rip=x", "kari"),
            ("USER=kari ; COMMAND=/bin/ls", "kari"),
            ("ruser=kari rhost=x", "kari"),
            ("username=\"kari nordmann\"", "kari nordmann"),
            ("{\"user\":\"kari\"}", "kari"),
            ("{\\\"userName\\\": \\\"kari\\\"}", "kari"),
            ("remote_user: kari", "kari"),
            ("login: kari", "kari"),
            ("acct=\"kari\" exe", "kari"),
            ("uid=1001(kari) gid=0", "1001(kari)"),
            ("uid=kari", "kari"),
            ("Invalid user kari from 203.0.113.7 port 22", "kari"),
            ("Invalid user admin from x", "admin"),
            ("Failed password for invalid user kari from x", "kari"),
            ("Failed password for kari from 203.0.113.7", "kari"),
            ("Accepted keyboard-interactive/pam for kari from x", "kari"),
            ("session opened for user kari by (uid=0)", "kari"),
            ("opened by kari(uid=1001)", "kari(uid=1001)"),
            ("session closed for user kari", "kari"),
            ("Disconnected from authenticating user kari 203.0.113.7 port 5", "kari"),
            ("New session 12 of user kari.", "kari"),
            ("Access denied for user 'kari'@'localhost'", "kari"),
            ("password authentication failed for user \"kari\"", "kari"),
            ("user kari: authentication failure for \"/admin\"", "kari"),
            ("user kari not found: /admin", "kari"),
            ("User kari logged in", "kari"),
            ("user kari.nordmann@example.org from", "kari.nordmann@example.org"),
            ("user kari_77", "kari_77"),
            ("authenticated as unix-user:kari to gain", "kari"),
            ("User kari [203.0.113.7]; Message for", "kari"),
            ("Authentication failure for kari from 203.0.113.7", "kari"),
            ("authentication failed for kari on admin from client 203.0.113.7:1", "kari"),
            ("Successful login for kari (ID: 5) from 203.0.113.7", "kari"),
            ("Login failed for kari against localhost from 203.0.113.7. x", "kari"),
            ("failed authentication for 'kari'", "kari"),
            ("Authentication request for kari has been denied", "kari"),
            ("authentication for user [kari]", "kari"),
            ("User \"Kari Nordmann\" (x) was created", "Kari Nordmann"),
            ("ctladdr=kari (1000/1000)", "kari"),
            ("mech=PLAIN, authid=kari", "kari"),
            ("(sAMAccountName=kari)", "kari"),
            ("memberUid=kari x", "kari"),
            ("OUID=\"kari\" x", "kari"),
            ("OGID=\"kari\" x", "kari"),
            ("Principal = User:kari is Denied", "kari"),
            ("assignee=kari x", "kari"),
            ("updated_by=kari x", "kari"),
            ("username:kari password:x", "kari"),
            ("Authenticated user: kari ip: x", "kari"),
            ("New user: kari kari@example.org.", "kari"),
            ("New user: kari [email].", "kari"),
            ("\"createdBy\":\"kari\"", "kari"),
            ("\"principalName\":\"kari\"", "kari"),
            ("username:kari INFO x", "kari"),
            ("Invalid verification code for kari", "kari"),
            ("Bad credentials for kari", "kari"),
            ("Accepted google_authenticator for kari", "kari"),
            ("PIN 4711 sent for kari", "kari"),
            ("invalid password \"[token]\" for kari", "kari"),
            ("authentication succeeds for 'kari' (x)", "kari"),
            ("name=Kari Nordmann, x", "Kari Nordmann"),
            ("Name: Kari Nordmann", "Kari Nordmann"),
            ("{\"name\":\"Kari Nordmann\"}", "Kari Nordmann"),
            ("{\\\"name\\\":\\\"Kari Nordmann\\\"}", "Kari Nordmann"),
            ("firstName='Kari', x", "Kari"),
            ("first_name: Kari", "Kari"),
            ("Display Name: Kari Nordmann x", "Kari Nordmann"),
            ("customer=\"Kåre Bø\"", "Kåre Bø"),
        ] {
            if found(text) != [name] {
                wrong.push((text, found(text)));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn prose_about_users_and_names_of_nobody_stay() {
        let mut wrong = Vec::new();
        for text in [
            "user agent",
            "user agent: Mozilla",
            "user not found",
            "user not found: retry",
            "for user input",
            "for user input from the form",
            "invalid user input",
            "unknown user error",
            "the user interface is slow",
            "user is not allowed",
            "by user request",
            "of user data from cache",
            "user defined function",
            "waiting for users from abroad",
            "user=",
            "user=- x",
            "user=[user] x",
            "user [user] from",
            "for user [user] by",
            "user=p1.20261121.9f86d081884c7d65",
            "user=(null)",
            "user: unknown",
            "login: failed",
            "login: success",
            "user: not found",
            "uid=0 euid=0",
            "uid=33",
            "looking for data from disk",
            "searching for x from y",
            "password for access from home",
            "browser for kari from",
            "superuser kari",
            "user::name",
            "user=0 sys=0.1 real=0.2",
            "user=0.02 sys=0.00, real=0.01",
            "pam_unix(login:session)",
            "login= uid=0",
            "Login for users failed",
            "multi-user mode",
            "user preferences are saved",
            "user [user] -> [token]",
            "gid=1000 (5)",
            "authentication failure for \"/admin\"",
            "request for data from disk",
            "attempt for access from the web",
            "authentication request for access has been denied",
            "user \"Is not allowed\" here",
            "Name: Default Web Site",
            "name: Build Docker Image",
            "name=web-frontend",
            "Service Name: Kari Nordmann",
            "fullname=org.example.Foo",
            "firstName is required",
            "displayName: must not be empty",
            "name=\"[user]\"",
            "creator: Callgrind",
            "--test-reporter=spec",
            "generates code for kari",
            "code sent for verification",
            "PIN required for payment",
            "User::kari is",
        ] {
            if !found(text).is_empty() {
                wrong.push((text, found(text)));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
