//! How a name is read that [`super::introduced`] has seen the word of. Each reads at most [`REACH`] bytes to either side.

use super::{
    Finding, What, base64, secret,
    user::{self, LONGEST, Name, is_full_name, is_prose},
};

/// How far around a word a name and what tells it may stand.
const REACH: usize = 128;

/// What a word says of the name beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// `/home/kari`: a segment behind it, where a path begins.
    Home,
    /// `C:\Users\Kari Nordmann`.
    Windows,
    /// A noun with quotes behind it: `role "kari"`.
    Quoted,
    /// A noun with quotes or a sign behind it: `Benutzer »kari«`, `brukernavn: kari`.
    Noun,
    /// `LOCAL\kari`.
    Domain,
    /// `kari/192.0.2.7:1194`: OpenVPN.
    Tunnel,
    /// `192.0.2.7 - kari [21/Nov/2026:10:00:00`, `192.0.2.7 - kari "POST`: access logs that fit no format.
    Access,
    /// `192.0.2.7 kari GET /`: CouchDB.
    Request,
    /// `(kari) CMD (true)`: cron.
    Scheduled,
    /// `[kari] Peer Connection`, `'Kari'(id:`, `kari is now logged in`: a name in front.
    Before,
    /// `kari plaintext User logged in`: Cyrus.
    BeforeMethod,
    /// `203.0.113.7[kari]`: strongSwan.
    Peer,
    /// `(192.0.2.7/443) (kari)` at the end: a firewall's.
    Trailing,
    /// `kari|192.0.2.7|karis-pc|`: Samba's.
    Audit,
    /// `office kari 77 [21/Nov/2026:10:00:00 +0100] total 3`: CUPS.
    Page,
    /// `karis-pc (ipv4:`: a device's name in front.
    HostBefore,
    /// The same behind a word.
    HostBehind,
    /// `dyn-7.example.net [203.0.113.7]`: what the other end is called.
    Reverse,
    /// `user = kari`, `"password"=>"secret"`: a sign with blanks around it, or an arrow.
    Assigned,
    /// `Key (username)=(kari)`: PostgreSQL.
    Key,
    /// `Matched Data: kari found within ARGS:user`: ModSecurity.
    Matched,
    /// `> for kari:1000`: SpamAssassin.
    Scanned,
    /// `[kari/secret] (from client nas`: FreeRADIUS.
    Radius,
    /// `'kari'@'host'`: MySQL.
    AtHost,
    /// `"Kari Nordmann" <kari@example.org>`.
    Mailbox,
    /// `From: Kari Nordmann <kari@example.org>`.
    Sender,
    /// A name up to where its bracket closes.
    Bracketed,
    /// A device's name up to where its bracket closes.
    Station,
    /// `"AUTH" "kari" "secret"`: Redis.
    Commanded,
    /// A name that a bracket, a known word or the end follows.
    Bare,
    /// `sshd: kari [priv]`, `sshd: kari@pts/0`, `User@Host: kari[kari] @`.
    Daemon,
    /// `from=kari, size=1`: sendmail.
    Sendmail,
    /// `SIP/kari-0000001f`: Asterisk.
    Channel,
    /// `cn=Kari Nordmann,ou=people`.
    CommonName,
    /// `UID 1000`, `user-1000.slice`, `S-1-5-21-…-1001`.
    Number,
    /// `DHCPACK on 192.0.2.7 to 00:00:5e:00:53:01 (karis-phone) via eth0`.
    Lease,
    /// `Bearer abc123`, `Basic a2FyaTp4`.
    Token,
    /// `proctitle=7375206B617269`: a command line in hexadecimals.
    Process,
    /// `Cookie: a=b; c=d`
    Cookie,
    /// `db.php(3): connect('kari', 'secret')`: what a function was called with.
    Trace,
}

impl Mark {
    /// Whether credentials follow it, and no name.
    pub(super) fn is_secret(self) -> bool {
        matches!(self, Mark::Token | Mark::Process | Mark::Cookie | Mark::Trace | Mark::Matched)
    }
}

impl Mark {
    /// Whether what it hides may be long.
    pub(super) fn reaches_far(self) -> bool {
        matches!(self, Mark::Cookie | Mark::Trace | Mark::Matched)
    }
}

/// Adds the names that belong to the word from `at` to `end`.
pub(super) fn verify(text: &[u8], at: usize, end: usize, mark: Mark, found: &mut Vec<Finding>) {
    let finding = match mark {
        Mark::Home => home(text, at, end),
        Mark::Windows => windows(text, end),
        Mark::Quoted | Mark::Noun => noun(text, at, end, mark),
        Mark::Domain => domain(text, at + 1),
        Mark::Tunnel => tunnel(text, at),
        Mark::Access => access(text, at, end),
        Mark::Request => request(text, at),
        Mark::Scheduled => return scheduled(text, at, end, found),
        Mark::Before => before(text, at),
        Mark::BeforeMethod => {
            let method = run_back(text, at, |byte| is_name(byte));
            method.checked_sub(1).and_then(|at| before(text, at))
        }
        Mark::Peer => peer(text, at + 1),
        Mark::Trailing => trailing(text, at, end - 1),
        Mark::Audit => return audit(text, at, found),
        Mark::Page => page(text, at),
        Mark::HostBefore => {
            let start = run_back(text, at, is_name);
            (start < at).then(|| device(text, start, at)).flatten()
        }
        Mark::HostBehind => {
            let start = run(text, end, |byte| matches!(byte, b' ' | b'\t'));
            let stop = run(text, start, is_name);
            (stop > start).then(|| device(text, start, stop)).flatten()
        }
        Mark::Reverse => reverse(text, at),
        Mark::Assigned => assigned(text, at, end),
        Mark::Key => key(text, at, end),
        Mark::Matched => matched(text, end),
        Mark::Scanned => scanned(text, end),
        Mark::Cookie => cookie(text, end),
        Mark::Trace => return trace(text, end, found),
        Mark::Radius => radius(text, at),
        Mark::AtHost => return at_host(text, at, end, found),
        Mark::Mailbox => display(text, at, end),
        Mark::Sender => sender(text, end),
        Mark::Bracketed => bracketed(text, end),
        Mark::Station => close(text, end, bracket(text[end - 1])).and_then(|close| device(text, end, close)),
        Mark::Commanded => return commanded(text, end, found),
        Mark::Bare => bare(text, end),
        Mark::Daemon => daemon(text, end),
        Mark::Sendmail => sendmail(text, end),
        Mark::Channel => channel(text, end),
        Mark::CommonName => common_name(text, at, end),
        Mark::Number => number(text, at, end),
        Mark::Lease => lease(text, end),
        Mark::Token => credentials(text, at, end),
        Mark::Process => process(text, end),
    };
    found.extend(finding);
}

/// The name from `start` to `end`, if something stands there that is no placeholder.
fn name(text: &[u8], start: usize, end: usize) -> Option<Finding> {
    let value = &text[start..end];
    let nobody = value.iter().all(|&b| matches!(b, b'-' | b'*' | b'.' | b'?' | b' ' | b'<' | b'>' | b'[' | b']'))
        || secret::is_ours(value)
        || secret::is_placeholder(value)
        // `[[user]]`: what was in brackets when it was replaced.
        || start > 0 && text[start - 1] == b'[' && secret::is_word(value.strip_suffix(b"]").unwrap_or(value))
        || NOBODY.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(value));
    (!nobody && value.len() <= REACH).then(|| Finding::new(start, end, What::User))
}

/// As [`name`], of a device.
fn device(text: &[u8], start: usize, end: usize) -> Option<Finding> {
    let finding = name(text, start, end)?;
    let value = &text[start..end];
    // An address is found as one.
    let address = value.iter().all(|b| b.is_ascii_hexdigit() || matches!(b, b'.' | b':' | b'%'));
    let nobody = address && value.iter().any(|b| matches!(b, b'.' | b':')) || value.starts_with(b"localhost");
    (!nobody).then_some(Finding { what: What::HostName, ..finding })
}

/// Where a run of bytes that `holds` ends, from `start` on.
fn run(text: &[u8], start: usize, holds: impl Fn(u8) -> bool) -> usize {
    let reach = &text[start.min(text.len())..text.len().min(start + LONGEST)];
    start + reach.iter().take_while(|&&byte| holds(byte)).count()
}

/// Where a run of bytes that `holds` starts which ends at `end`.
fn run_back(text: &[u8], end: usize, holds: impl Fn(u8) -> bool) -> usize {
    end - text[end.saturating_sub(LONGEST)..end].iter().rev().take_while(|&&byte| holds(byte)).count()
}

/// One past the last `open` in front of `end`.
fn back(text: &[u8], end: usize, open: u8) -> Option<usize> {
    let floor = end.saturating_sub(REACH);
    text[floor..end].iter().rposition(|&byte| byte == open).map(|i| floor + i + 1)
}

/// Where the next `close` stands.
fn close(text: &[u8], start: usize, close: u8) -> Option<usize> {
    let reach = &text[start..text.len().min(start + REACH)];
    reach.iter().position(|&byte| byte == close).map(|i| start + i)
}

/// What closes the bracket or quote.
fn bracket(open: u8) -> u8 {
    match open {
        b'[' => b']',
        b'(' => b')',
        b'<' => b'>',
        quote => quote,
    }
}

/// What a name in a message is made of, without quotes and brackets.
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || matches!(byte, b'.' | b'_' | b'-' | b'+' | b'$' | b'@' | b'\\')
}

fn is_blank(byte: Option<&u8>) -> bool {
    byte.is_none_or(|byte| matches!(byte, b' ' | b'\t'))
}

/// The name up to where the bracket or quote in front of it closes.
fn bracketed(text: &[u8], start: usize) -> Option<Finding> {
    let stop = close(text, start, bracket(text[start - 1]))?;
    let value = &text[start..stop];
    let square = text[start - 1] == b'[' && !value.iter().all(|&byte| is_name(byte) || matches!(byte, b' ' | b'/'));
    let number = value.iter().all(u8::is_ascii_digit);
    (!square && !number).then(|| name(text, start, stop)).flatten()
}

/// The name in front of a word, in the brackets or quotes that the word begins with, or bare.
fn before(text: &[u8], at: usize) -> Option<Finding> {
    match text[at] {
        b']' => back(text, at, b'[').and_then(|start| name(text, start, at)),
        b'\'' => back(text, at, b'\'').and_then(|start| name(text, start, at)),
        _ => {
            let start = run_back(text, at, is_name);
            (start < at).then(|| name(text, start, at)).flatten()
        }
    }
}

/// The name in the bracket at `open`, in front of which an address stands.
fn peer(text: &[u8], open: usize) -> Option<Finding> {
    let start = run_back(text, open, |byte| byte.is_ascii_digit() || byte == b'.');
    let four = text[start..open].iter().filter(|&&byte| byte == b'.').count() >= 3;
    let stop = run(text, open + 1, |byte| is_name(byte) || matches!(byte, b' ' | b'=' | b','));
    (four && text.get(stop) == Some(&b']')).then(|| name(text, open + 1, stop)).flatten()
}

/// What stands in brackets at the end, behind the port in those that close at `at`.
fn trailing(text: &[u8], at: usize, start: usize) -> Option<Finding> {
    let port = run_back(text, at, |byte| byte.is_ascii_digit());
    let stop = run(text, start, is_name);
    let told = port < at && port > 0 && text[port - 1] == b'/' && text.get(stop..) == Some(b")");
    told.then(|| name(text, start, stop)).flatten()
}

/// User and device around the address behind the `|` at `at`.
fn audit(text: &[u8], at: usize, found: &mut Vec<Finding>) {
    let start = run_back(text, at, is_name);
    let end = run(text, at + 1, |byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':'));
    let dots = text[at + 1..end].iter().filter(|&&byte| byte == b'.').count();
    if dots != 3 || text.get(end) != Some(&b'|') || start == at || !is_blank(start.checked_sub(1).map(|i| &text[i])) {
        return;
    }
    found.extend(name(text, start, at));
    let stop = run(text, end + 1, is_name);
    if stop > end + 1 && text.get(stop) == Some(&b'|') {
        found.extend(device(text, end + 1, stop));
    }
}

/// The user in front of a job's number and its time, which ends at `at`.
fn page(text: &[u8], at: usize) -> Option<Finding> {
    let open = back(text, at, b'[')? - 1;
    let number_end = open.checked_sub(1).filter(|&end| text[end] == b' ')?;
    let number = run_back(text, number_end, |byte| byte.is_ascii_digit());
    let end = number.checked_sub(1).filter(|&end| number < number_end && text[end] == b' ')?;
    let start = run_back(text, end, is_name);
    (start > 0 && start < end && text[start - 1] == b' ').then(|| name(text, start, end)).flatten()
}

/// The host's name in front of its address in brackets.
fn reverse(text: &[u8], open: usize) -> Option<Finding> {
    let address = run(text, open + 1, |byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':'));
    let value = &text[open + 1..address];
    let dots = value.iter().filter(|&&byte| byte == b'.').count();
    let colons = value.iter().filter(|&&byte| byte == b':').count();
    if text.get(address) != Some(&bracket(text[open])) || dots != 3 && colons < 2 {
        return None;
    }
    let end = open - usize::from(open > 0 && text[open - 1] == b' ');
    let start = run_back(text, end, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    let host = &text[start..end];
    let label = host.iter().rposition(|&byte| byte == b'.').map_or(&host[..0], |dot| &host[dot + 1..]);
    let labelled = label.len() > 1 && label.iter().all(u8::is_ascii_alphabetic) && host[0].is_ascii_alphanumeric();
    // MySQL's `kari[kari] @ host [192.0.2.7]`.
    let named = labelled || start < end && text[..start].ends_with(b" @ ") && !host.starts_with(b"localhost");
    (named && !is_path(text, start)).then(|| Finding::new(start, end, What::HostName))
}

/// Whether what starts at `start` goes on from a path or an address.
fn is_path(text: &[u8], start: usize) -> bool {
    start > 0 && matches!(text[start - 1], b'/' | b'@' | b'\\')
}

/// What stands behind a sign with blanks around it: a name or a secret, as the word in front says.
fn assigned(text: &[u8], at: usize, end: usize) -> Option<Finding> {
    let mut stop = at;
    while stop > 0 && at - stop < 3 && matches!(text[stop - 1], b' ' | b'"' | b'\'') {
        stop -= 1;
    }
    let start = run_back(text, stop, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    let word = &text[start..stop];
    let user = user::promises(word);
    let secret = !user && word.len() > 2 && secret::promises(word);
    if !user && !secret {
        return None;
    }
    let from = end - usize::from(matches!(text[end - 1], b'"' | b'\''));
    let from = run(text, from, |byte| byte == b' ');
    let read = Name::read(text, from)?;
    let value = read.of(text);
    // What programs are written in has such signs too: `let nonce = [0; 12]`, `user => user.name`.
    let bare = text[at] == b' '
        && (user || secret::is_certain(word))
        && read.quote == 0
        && matches!(text.get(read.end..), None | Some([] | [b',' | b';' | b'\t' | b'\r', ..] | [b' ', ..]))
        && read.ends_there(text)
        && !value.iter().any(|byte| matches!(byte, b':' | b'.' | b'!' | b'*'))
        && !text[..start].ends_with(b"let ")
        && !text[..start].ends_with(b"const ");
    let told = matches!(read.quote, b'"' | b'\'') || bare;
    let small = value.iter().all(u8::is_ascii_digit) && value.len() < 4;
    let what = if user { What::User } else { What::Token };
    (told && !small && value.iter().any(u8::is_ascii_alphanumeric) && (!user || !is_prose(value)))
        .then(|| Finding { what, ..read.finding() })
}

/// The values of a key of a table, one of whose columns holds a name or a secret.
fn key(text: &[u8], at: usize, start: usize) -> Option<Finding> {
    let open = back(text, at, b'(')?;
    let mut columns = text[open..at].split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    let told = columns.any(|column| user::promises(column) || column.len() > 2 && secret::promises(column));
    let stop = close(text, start, b')')?;
    told.then(|| name(text, start, stop)).flatten()
}

/// What a visitor sent that a rule matched.
fn matched(text: &[u8], start: usize) -> Option<Finding> {
    let reach = &text[start..text.len().min(start + 4 * REACH)];
    let stop = start + reach.windows(14).position(|window| window == b" found within ")?;
    name(text, start, stop).map(|finding| Finding { what: What::Token, ..finding })
}

/// Whose mail was read, with the user's number.
fn scanned(text: &[u8], start: usize) -> Option<Finding> {
    let stop = run(text, start, is_name);
    let number = run(text, stop + 1, |byte| byte.is_ascii_digit());
    let told = text.get(stop) == Some(&b':') && number > stop + 1 && is_blank(text.get(number));
    (told && stop > start).then(|| name(text, start, stop)).flatten()
}

/// All that a header of cookies holds.
fn cookie(text: &[u8], start: usize) -> Option<Finding> {
    let first = run(text, start, |byte| byte.is_ascii_alphanumeric() || b"!#$%&*+-.^_|~:/()[]@".contains(&byte));
    if first == start || text.get(first) != Some(&b'=') {
        return None;
    }
    let quote = text[..start].iter().rev().take(REACH).find(|&&byte| matches!(byte, b'"' | b'\''));
    let reach = &text[start..text.len().min(start + COOKIES)];
    let ends = |byte: &u8| matches!(byte, b'\r' | b'\n') || Some(byte) == quote;
    let stop = start + reach.iter().position(ends).unwrap_or(reach.len());
    let value = text[start..stop].trim_ascii_end();
    Some(Finding::new(start, start + value.len(), What::Token))
}

/// The strings that a function was called with.
fn trace(text: &[u8], start: usize, found: &mut Vec<Finding>) {
    let line = run(text, start, |byte| byte.is_ascii_digit());
    if !text[line..].starts_with(b"): ") {
        return;
    }
    let Some(open) = close(text, line + 3, b'(') else { return };
    let reach = text.len().min(open + 2 * REACH);
    let mut at = open;
    while at < reach {
        let Some(first) = text[at..reach].iter().position(|&byte| byte == b'\'').map(|i| at + i + 1) else { return };
        let length = text[first..].iter().position(|&byte| byte == b'\'').unwrap_or(text.len() - first);
        let last = first + length.min(2 * REACH);
        found.extend(name(text, first, last).map(|finding| Finding { what: What::Token, ..finding }));
        at = last + 1;
    }
}

/// The segment behind a directory of homes.
fn home(text: &[u8], at: usize, end: usize) -> Option<Finding> {
    let mut start = end;
    if text[at..end].ends_with(b"/home") {
        // A second disk's are called `/home2`.
        start = run(text, end, |byte| byte.is_ascii_digit());
        if text.get(start) != Some(&b'/') || start > end + 2 {
            return None;
        }
        start += 1;
    } else if text[at..].starts_with(b"/~") {
        start = at + 2;
        if !text[start].is_ascii_alphabetic() {
            return None;
        }
    } else if text[at] == b'/' && text[at + 1] == b'c' {
        // `/crontabs/` is read without its slash.
        return None;
    }
    let before = &text[..at];
    let roots: [&[u8]; 10] =
        [b"/export", b"/usr", b"/var", b"/data", b"/mnt", b"/nfs", b"/srv", b"/Data", b"/c", b"://"];
    let inside = before.last().is_some_and(|&byte| is_name(byte) && byte != b'@' || matches!(byte, b'/' | b'%' | b'~'));
    let free = text[at..].starts_with(b"/~") || text[at] == b'c';
    if !free && inside && !roots.iter().any(|root| before.ends_with(root)) {
        return None;
    }
    if is_requested(before) && !text[at..].starts_with(b"/~") {
        return None;
    }
    let stops = |byte: u8| {
        byte <= b' '
            || matches!(
                byte,
                b'/' | b'\\'
                    | b':'
                    | b'"'
                    | b'\''
                    | b'`'
                    | b'<'
                    | b'>'
                    | b'|'
                    | b','
                    | b';'
                    | b'('
                    | b')'
                    | b'['
                    | b']'
                    | b'{'
                    | b'}'
                    | b'?'
                    | b'&'
                    | b'#'
                    | b'='
                    | b'*'
            )
    };
    let mut stop = run(text, start, |byte| !stops(byte));
    while stop > start && matches!(text[stop - 1], b'.' | b'!') {
        stop -= 1;
    }
    let value = &text[start..stop];
    let begins = value.first().is_some_and(|&byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80);
    // `/home/index.html` is a page.
    let page = text.get(stop) != Some(&b'/')
        && value.iter().rposition(|&byte| byte == b'.').is_some_and(|dot| PAGES.contains(&&value[dot + 1..]));
    (begins && !page).then(|| name(text, start, stop)).flatten()
}

/// Whether a request's method stands in front: what follows is a path of a site.
fn is_requested(before: &[u8]) -> bool {
    let methods: [&[u8]; 6] = [b"GET ", b"POST ", b"HEAD ", b"OPTIONS ", b"PATCH ", b"DELETE "];
    methods.iter().any(|method| before.ends_with(method))
}

/// The segment behind a directory of homes of Windows, which may hold blanks.
fn windows(text: &[u8], end: usize) -> Option<Finding> {
    let start = end + usize::from(text.get(end) == Some(&b'\\'));
    let holds = |byte: u8| is_name(byte) && byte != b'\\' || byte == b'~';
    let blanks = run(text, start, |byte| holds(byte) || byte == b' ');
    let stop = if text.get(blanks) == Some(&b'\\') { blanks } else { run(text, start, holds) };
    let everyone: [&[u8]; 4] = [b"Public", b"Default", b"All Users", b"Default User"];
    (stop > start && !everyone.contains(&&text[start..stop])).then(|| name(text, start, stop)).flatten()
}

/// The name behind a noun: in quotes of any language, behind a sign, or odd enough.
fn noun(text: &[u8], word: usize, end: usize, mark: Mark) -> Option<Finding> {
    let mut at = end;
    // A key in quotes, or in those of a string of JSON.
    if text[at..].starts_with(b"\\\"") {
        at += 2;
    } else if matches!(text.get(at), Some(b'"' | b'\'')) {
        at += 1;
    }
    let key = at > end;
    at += usize::from(matches!(text.get(at), Some(b':' | b'=')));
    let sign = at > end && matches!(text[at - 1], b':' | b'=');
    if key && !sign {
        return None;
    }
    let blanks = at;
    while at < blanks + 8 {
        match text.get(at..) {
            Some([b' ' | b'\t', ..]) => at += 1,
            Some([0xc2, 0xa0, ..]) => at += 2,
            _ => break,
        }
    }
    if at == end || at == blanks && !sign {
        return None;
    }
    if mark == Mark::Quoted && (sign || key) {
        return None;
    }
    let open = typographic(text, at);
    if open > 0 {
        let (mut start, mut stop) = (at + open, at + open);
        while stop < text.len().min(start + LONGEST) && typographic(text, stop) == 0 {
            stop += 1;
        }
        let pad = |value: &[u8]| -> usize {
            if value.starts_with(b"\xc2\xa0") || value.ends_with(b"\xc2\xa0") { 2 } else { 1 }
        };
        let begins = |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80 || byte == b'_';
        while stop > start && (text[stop - 1] == b' ' || text[start..stop].ends_with(b"\xc2\xa0")) {
            stop -= pad(&text[start..stop]);
        }
        while stop > start && (text[start] == b' ' || text[start..stop].starts_with(b"\xc2\xa0")) {
            start += pad(&text[start..stop]);
        }
        let value = &text[start..stop];
        let one = sign || !value.contains(&b' ') || is_full_name(value);
        return (one && value.first().is_some_and(|&byte| begins(byte))).then(|| name(text, start, stop)).flatten();
    }
    let read = Name::read(text, at)?;
    let plain = read.of(text);
    // `--user <UID>`: an option and what it takes.
    let option = word > 0 && text[word - 1] == b'-';
    if option && matches!(read.quote, 0 | b'>' | b']') || read.quote == b']' && !sign {
        return None;
    }
    if read.quote != 0 {
        // Round ones explain the word in front.
        let told = sign || read.quote != b')' && (!plain.contains(&b' ') || is_full_name(plain));
        return (told && plain.iter().any(u8::is_ascii_alphanumeric)).then(|| read.finding());
    }
    let english = [&b"user"[..], b"username", b"user name", b"account", b"login"];
    let english = english.iter().any(|known| known.eq_ignore_ascii_case(&text[word..end]));
    let odd = english && plain.iter().any(|b| b.is_ascii_digit()) && plain.iter().any(u8::is_ascii_alphabetic)
        || english && plain.iter().any(|b| matches!(b, b'@' | b'_' | b'\\'));
    // `user name kari` at the end of a clause.
    let closing =
        english && text[..end].ends_with(b"name") && matches!(text.get(read.end), None | Some(b',' | b';' | b'.'));
    let told = if sign { mark == Mark::Noun } else { odd || closing };
    // Windows puts tabs between.
    let tab = matches!(text.get(read.end), Some(b'\t' | b'\r')) || text.get(at - 1) == Some(&b'\t');
    (told && !is_prose(plain) && (tab || read.ends_there(text)) && plain.iter().any(|b| !b.is_ascii_digit()))
        .then(|| read.finding())
}

/// The length of the typographic quotation mark at `at`.
fn typographic(text: &[u8], at: usize) -> usize {
    match text.get(at..) {
        Some([0xc2, 0xab | 0xbb, ..]) => 2,
        Some([0xe2, 0x80, 0x98..=0x9e | 0xb9 | 0xba, ..]) => 3,
        _ => 0,
    }
}

/// The name behind the backslash at `at`, in front of which a domain's stands.
fn domain(text: &[u8], at: usize) -> Option<Finding> {
    let label = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
    let from = run_back(text, at, label);
    let whole =
        from == 0 || matches!(text[from - 1], b' ' | b'\t' | b'"' | b'\'' | b'(' | b'<' | b'[' | b'=' | b':' | b',');
    let domain = &text[from..at];
    // A root of the registry is none.
    let fits = (2..=15).contains(&domain.len()) && domain[0].is_ascii_uppercase() && !domain.starts_with(b"HK");
    if !whole || !fits {
        return None;
    }
    let start = at + 1 + usize::from(text.get(at + 1) == Some(&b'\\'));
    // `ERROR\nNEXT`: an escape.
    let escape = start == at + 1
        && matches!(text.get(start), Some(b'n' | b'r' | b't' | b'x' | b'u' | b'0'..=b'9'))
        && !text.get(start + 1).is_some_and(u8::is_ascii_lowercase);
    let stop = run(text, start, |byte| is_name(byte) && byte != b'\\');
    let stop = stop - text[start..stop].iter().rev().take_while(|&&byte| matches!(byte, b'.' | b'-')).count();
    let value = &text[start..stop];
    // Namespaces of programs begin with capitals too.
    let person = value.first().is_some_and(u8::is_ascii_lowercase)
        || value.iter().any(|b| matches!(b, b'.' | b'$'))
        || from > 0 && matches!(text[from - 1], b'\'' | b'"');
    let ends = !matches!(text.get(stop), Some(b'\\' | b'/' | b'('));
    (!escape && person && ends && value.len() > 1).then(|| name(text, start, stop)).flatten()
}

/// The name in front of the slash at `slash`, behind which an address with its port stands.
fn tunnel(text: &[u8], slash: usize) -> Option<Finding> {
    let mut at = slash + 1;
    for scheme in [&b"udp4:"[..], b"udp6:", b"tcp4-server:", b"tcp6-server:", b"tcp4:", b"tcp6:"] {
        if text[at..].starts_with(scheme) {
            at += scheme.len();
            break;
        }
    }
    let end = run(text, at, |byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':' | b'[' | b']'));
    let address = &text[at..end];
    let dots = address.iter().filter(|&&byte| byte == b'.').count();
    let colons = address.iter().filter(|&&byte| byte == b':').count();
    let fits = dots == 3 && colons == 1 || colons > 2;
    if !fits || !matches!(text.get(end), None | Some(b' ' | b',')) {
        return None;
    }
    let start = run_back(text, slash, |byte| is_name(byte) || byte == b'=');
    let value = &text[start..slash];
    let protocol = ["tcp", "udp", "inside", "outside", "http", "https", "icmp"];
    let named = value.iter().any(u8::is_ascii_alphabetic)
        && !protocol.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(value))
        && is_blank(start.checked_sub(1).map(|before| &text[before]));
    named.then(|| name(text, start, slash)).flatten()
}

/// Whether an address stands in front of `end`, behind a blank or nothing.
fn is_behind_address(text: &[u8], end: usize) -> bool {
    let start = run_back(text, end, |byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':' | b'[' | b']'));
    let value = &text[start..end];
    let dots = value.iter().filter(|&&byte| byte == b'.').count();
    let colons = value.iter().filter(|&&byte| byte == b':').count();
    // A time of day has two colons.
    let address = dots == 3 || colons > 2 || value.windows(2).any(|pair| pair == b"::");
    address && (start == 0 || matches!(text[start - 1], b' ' | b'\t' | b'"' | b'[' | b','))
}

/// The user of an access log: ` - NAME [21/`, ` - NAME "POST`.
fn access(text: &[u8], at: usize, end: usize) -> Option<Finding> {
    let stop = run(text, end, is_name);
    let follows = match text.get(stop..) {
        Some([b' ', b'[', a, b, b'/', ..]) => a.is_ascii_digit() && b.is_ascii_digit(),
        Some([b' ', b'"', a, b, ..]) => a.is_ascii_uppercase() && b.is_ascii_uppercase(),
        _ => false,
    };
    (follows && stop > end && is_behind_address(text, at)).then(|| name(text, end, stop)).flatten()
}

/// The user between an address and a request's method.
fn request(text: &[u8], at: usize) -> Option<Finding> {
    let start = run_back(text, at, is_name);
    (start > 0 && start < at && text[start - 1] == b' ' && is_behind_address(text, start - 1))
        .then(|| name(text, start, at))
        .flatten()
}

/// Whose crontab it is, and once more behind `LIST`, `BEGIN EDIT` and the like.
fn scheduled(text: &[u8], at: usize, end: usize, found: &mut Vec<Finding>) {
    let Some(open) = back(text, at, b'(') else { return };
    let free = is_blank(open.checked_sub(2).map(|before| &text[before]));
    if !free || !text[open..at].iter().all(|&byte| is_name(byte)) || !matches!(text.get(end), Some(b' ' | b'E' | b'O'))
    {
        return;
    }
    found.extend(name(text, open, at));
    if text[end..].starts_with(b" (") {
        let stop = run(text, end + 2, is_name);
        if text.get(stop) == Some(&b')') && text[end + 2..stop] == text[open..at] {
            found.extend(name(text, end + 2, stop));
        }
    }
}

/// Name and password in front of the bracket at `at`.
fn radius(text: &[u8], at: usize) -> Option<Finding> {
    let floor = at.saturating_sub(REACH);
    // From the first place on: a password may hold brackets.
    let open = text[floor..at].windows(2).position(|pair| pair == b" [").map(|i| floor + i + 2)?;
    name(text, open, at)
}

/// `'kari'@'host'`: both.
fn at_host(text: &[u8], at: usize, end: usize, found: &mut Vec<Finding>) {
    let quote = text[at];
    let Some(start) = back(text, at, quote) else { return };
    if !text[start..at].iter().all(|&byte| is_name(byte) || byte == b'%') {
        return;
    }
    found.extend(name(text, start, at));
    let Some(stop) = close(text, end, quote) else { return };
    if text[end..stop].iter().all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':')) {
        found.extend(device(text, end, stop));
    }
}

/// What stands in quotes in front of an e-mail address in brackets.
fn display(text: &[u8], at: usize, end: usize) -> Option<Finding> {
    let start = back(text, at, b'"')?;
    let mail = is_mail(text, end);
    let start = start - usize::from(text[start..at].ends_with(b"\\") && text[..start - 1].ends_with(b"\\"));
    (mail && start < at && !text[start..at].contains(&b'=')).then(|| name(text, start, at)).flatten()
}

/// Whether an address and a closing bracket follow.
fn is_mail(text: &[u8], start: usize) -> bool {
    let stop = run(text, start, |byte| byte > b' ' && !matches!(byte, b'<' | b'>' | b'"'));
    text.get(stop) == Some(&b'>') && (text[start..stop].contains(&b'@') || secret::is_placeholder(&text[start..stop]))
}

/// What stands without quotes in front of an e-mail address in brackets.
fn sender(text: &[u8], start: usize) -> Option<Finding> {
    let stop = run(text, start, |byte| is_name(byte) && byte != b'@' || matches!(byte, b' ' | b'\'' | b','));
    let named = text.get(stop) == Some(&b'<') && stop > start + 1 && text[stop - 1] == b' ' && is_mail(text, stop + 1);
    named.then(|| name(text, start, stop - 1)).flatten()
}

/// A name and a password, each in quotes.
fn commanded(text: &[u8], start: usize, found: &mut Vec<Finding>) {
    let Some(stop) = close(text, start, b'"') else { return };
    let second = stop + 3;
    let password = text[stop..].starts_with(b"\" \"").then(|| close(text, second, b'"')).flatten();
    match password {
        Some(end) => {
            found.extend(name(text, start, stop));
            found.extend(name(text, second, end).map(|finding| Finding { what: What::Token, ..finding }));
        }
        // A password alone.
        None => found.extend(name(text, start, stop).map(|finding| Finding { what: What::Token, ..finding })),
    }
}

/// A name that a bracket, a known word or the end follows.
fn bare(text: &[u8], start: usize) -> Option<Finding> {
    let read = Name::read(text, start)?;
    let known = ["on", "from", "for", "with", "succeeded"];
    let bracket = text.get(read.end..).is_some_and(|rest| rest.starts_with(b" ("));
    let told = read.quote != 0 || bracket || read.ends_there(text) || read.is_followed(text, &known);
    let letter = matches!(text.get(read.end..), Some([b' ', 0x80..=0xff, ..]));
    (told && !letter && !is_prose(read.of(text)) && read.of(text) != b"UID").then(|| read.finding())
}

/// A name in front of a terminal, ` [priv]` or ` @ host`.
fn daemon(text: &[u8], start: usize) -> Option<Finding> {
    let stop = run(text, start, |byte| is_name(byte) && byte != b'@' || matches!(byte, b'[' | b']'));
    let rest = &text[stop..];
    let behind: [&[u8]; 7] = [b" [priv]", b" [net]", b" [pam]", b"@pts/", b"@notty", b"@internal", b" @ "];
    let told = stop > start && behind.iter().any(|end| rest.starts_with(end));
    (told && !text[start..stop].starts_with(b"[")).then(|| name(text, start, stop)).flatten()
}

/// A local name, as sendmail writes it.
fn sendmail(text: &[u8], start: usize) -> Option<Finding> {
    let stop = run(text, start, is_name);
    let behind: [&[u8]; 5] = [b", size=", b", ctladdr=", b", delay=", b", dsn=", b", msgid="];
    (stop > start && behind.iter().any(|end| text[stop..].starts_with(end))).then(|| name(text, start, stop)).flatten()
}

/// The name in a channel's.
fn channel(text: &[u8], start: usize) -> Option<Finding> {
    let end = run(text, start, is_name);
    let dash = text[start..end].iter().rposition(|&byte| byte == b'-').map(|i| start + i)?;
    let serial = end - dash > 4 && text[dash + 1..end].iter().all(u8::is_ascii_hexdigit);
    (serial && dash > start).then(|| name(text, start, dash)).flatten()
}

/// A person's name in the name of an entry of a directory, or of a certificate of a client.
fn common_name(text: &[u8], at: usize, start: usize) -> Option<Finding> {
    let ends = |byte: u8| matches!(byte, b',' | b'/' | b'"' | b'\'' | b')' | b';' | b'>' | b']' | b'\n' | b'\r');
    let stop = run(text, start, |byte| !ends(byte));
    let value = &text[start..stop];
    let behind = &text[stop..text.len().min(stop + 8)];
    let entry = ["ou=", "dc=", "cn=", "o="].iter().any(|part| {
        behind
            .strip_prefix(b",")
            .map(<[u8]>::trim_ascii_start)
            .is_some_and(|rest| rest.get(..part.len()).is_some_and(|head| head.eq_ignore_ascii_case(part.as_bytes())))
    });
    // What is no host in the certificate of the other end.
    let leaf = !value.contains(&b'.') && has(&text[at.saturating_sub(REACH)..at], b"depth=0");
    let host = value.contains(&b'.') && !value.contains(&b' ');
    ((entry && !host || leaf) && !value.is_empty()).then(|| name(text, start, stop)).flatten()
}

fn has(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}

/// A user's number; those below 1000 are the system's own.
fn number(text: &[u8], at: usize, start: usize) -> Option<Finding> {
    let security = text[at..start].ends_with(b"21-");
    let stop = run(text, start, |byte| byte.is_ascii_digit() || security && byte == b'-');
    let slice = text[at..start].ends_with(b"-");
    let ends = if security {
        true
    } else if slice {
        text[stop..].starts_with(b".")
    } else {
        !text.get(stop).is_some_and(u8::is_ascii_alphanumeric)
    };
    (ends && stop - start > 3).then(|| Finding::new(if security { at } else { start }, stop, What::User))
}

/// The name of a device behind its hardware address.
fn lease(text: &[u8], start: usize) -> Option<Finding> {
    let reach = &text[..text.len().min(start + REACH)];
    let pair = |at: usize| {
        reach.get(at..at + 17).is_some_and(|mac| {
            mac.iter().enumerate().all(|(i, &byte)| if i % 3 == 2 { byte == b':' } else { byte.is_ascii_hexdigit() })
        })
    };
    // What an earlier run wrote for it.
    let (at, open) = (start..reach.len()).find_map(|at| {
        if pair(at) {
            return Some((at + 17, true));
        }
        (reach[at..].starts_with(b"[id]")).then_some((at + 4, false))
    })?;
    let from = at + 1;
    if text.get(at) != Some(&b' ') {
        return None;
    }
    if text.get(from) == Some(&b'(') {
        return close(text, from, b')').and_then(|close| device(text, from + 1, close));
    }
    let stop = run(text, from, is_name);
    (open && stop == text.len() && stop > from).then(|| device(text, from, stop)).flatten()
}

/// Credentials that are too short to look drawn.
fn credentials(text: &[u8], at: usize, start: usize) -> Option<Finding> {
    let holds = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b'+' | b'/' | b'-');
    let body = run(text, start, holds);
    let stop = run(text, body, |byte| byte == b'=');
    let body = body - text[start..body].iter().rev().take_while(|&&byte| byte == b'.').count();
    let stop = if text[..stop].ends_with(b"=") { stop } else { body };
    let value = &text[start..body.max(start)];
    if value.is_empty() || secret::is_ours(value) || value.starts_with(b"p1.") {
        return None;
    }
    // `Digest realm="x"`.
    if stop > body && matches!(text.get(stop), Some(b'"' | b'\'')) {
        return None;
    }
    let digit = value.iter().any(u8::is_ascii_digit);
    let letter = value.iter().any(u8::is_ascii_alphabetic);
    let path = value.starts_with(b"/") || value.contains(&b'/') && !digit;
    let told = match text[at] | 0x20 {
        b'b' if text[at + 1] == b'a' => base64::is_login(value),
        b'b' => digit && letter && !path || digit && value.len() > 4 || stop > body || mixed(value),
        b't' => digit && letter && value.len() > 5 && !path,
        _ => digit && letter && value.len() > 7 && !path,
    };
    told.then(|| Finding::new(start, stop, What::Token))
}

/// Whether a capital stands behind a small letter, as in no word.
fn mixed(value: &[u8]) -> bool {
    value.windows(2).any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
}

/// A command line in hexadecimals.
fn process(text: &[u8], start: usize) -> Option<Finding> {
    let reach = &text[start..text.len().min(start + 4 * REACH)];
    let length = reach.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let ends = !text.get(start + length).is_some_and(u8::is_ascii_alphanumeric) || length == reach.len();
    (length > 5 && length.is_multiple_of(2) && ends).then(|| Finding::new(start, start + length, What::Token))
}

/// How many bytes of cookies are hidden at once.
const COOKIES: usize = 4096;

/// What ends the name of a page.
const PAGES: &[&[u8]] = &[
    b"html", b"htm", b"php", b"css", b"js", b"png", b"jpg", b"jpeg", b"gif", b"svg", b"ico", b"txt", b"json", b"xml",
    b"asp", b"aspx", b"jsp", b"webp", b"pdf",
];

/// Values that name nobody.
const NOBODY: &[&str] = &["null", "(null)", "none", "nil", "undefined", "unknown", "CRON", "SYSTEM", "nobody"];
