//! Names at fixed places of known lines: `Exit (kari) from <192.0.2.7>`, `A1 LOGIN kari secret`, `- (kari) 192.0.2.7>`.
//!
//! Most such lines are told by what stands right in front of the name and right behind it: a row of a table each.

use super::super::{
    Finding, What,
    user::{Name, is_prose},
};
use super::read::{REACH, back, close, is_name, name, run, run_back};

/// What stands in front of a name and behind it. Both in small letters; those in front are among the marks.
const FRAMES: &[(&[u8], &[u8])] = &[
    // Dropbear, OpenSSH's certificates.
    (b"exit (", b") from <"),
    (b"certificate id \"", b"\" (serial"),
    (b" id ", b" (serial"),
    // strongSwan, TACACS+, a POP server, Cyrus, a mail client on the web.
    (b" by '", b"' went "),
    (b"query for '", b"' tty"),
    (b"+ok ", b" has "),
    (b"plaintext ", b" sasl("),
    (b"mailbox: user.", b""),
    (b"[login_error] ", b" ("),
    (b"/var/spool/cron/", b")"),
    // Games, Git, a directory's client, what a login asked for.
    (b"/info]: <", b"> "),
    (b"of player ", b" is "),
    (b"argv=", b"\t"),
    (b"authc=\"", b"\""),
    (b" u=\"", b"\""),
    (b"identity='", b"'"),
    (b"identity=\"", b"\""),
    (b"[login|", b"]"),
    // Statements about roles.
    (b"create role ", b" with"),
    (b"create role ", b" login"),
    (b"create role ", b" password"),
    (b"alter role ", b" with"),
    (b"alter role ", b" password"),
];

/// The name between a row's two sides.
pub(super) fn framed(text: &[u8], at: usize, start: usize) -> Option<Finding> {
    let front = &text[at..start];
    let stop = run(text, start, is_name);
    let stop = stop - text[start..stop].iter().rev().take_while(|&&byte| matches!(byte, b'.' | b'-')).count();
    let behind = |side: &[u8]| text[stop..].get(..side.len()).is_some_and(|here| here.eq_ignore_ascii_case(side));
    let told = FRAMES.iter().any(|(known, side)| known.eq_ignore_ascii_case(front) && behind(side));
    let value = &text[start..stop];
    let letter = value.iter().any(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80);
    (told && letter && !is_prose(value)).then(|| name(text, start, stop)).flatten()
}

/// `(000077) - (kari) 192.0.2.7>` and `(kari) (192.0.2.7)>`: FileZilla's server.
pub(super) fn transfer(text: &[u8], start: usize) -> Option<Finding> {
    let stop = close(text, start, b')')?;
    let rest = text[stop..].strip_prefix(b") ")?;
    let rest = rest.strip_prefix(b"(").unwrap_or(rest);
    let address = address_length(rest);
    let ends = rest[address..].strip_prefix(b")").unwrap_or(&rest[address..]).starts_with(b">");
    let plain = text[start..stop].iter().all(|&byte| is_name(byte));
    (address > 0 && ends && plain && stop > start).then(|| name(text, start, stop)).flatten()
}

/// How long the address at the start is; 0: none stands there.
fn address_length(text: &[u8]) -> usize {
    let length = text.iter().take(46).take_while(|b| b.is_ascii_hexdigit() || matches!(b, b'.' | b':')).count();
    let signs = |sign: u8| text[..length].iter().filter(|&&byte| byte == sign).count();
    let address = signs(b'.') == 3 || signs(b':') > 2 || text[..length].windows(2).any(|two| two == b"::");
    if address { length } else { 0 }
}

/// `[FTP Session 77 192.0.2.7 kari]`: FileZilla's later server.
pub(super) fn session(text: &[u8], start: usize) -> Option<Finding> {
    let number = run(text, start, |byte| byte.is_ascii_digit());
    let at = number + 1;
    let end = at + address_length(text.get(at..)?);
    let from = end + 1;
    let stop = run(text, from, is_name);
    let told = number > start && end > at && text.get(end) == Some(&b' ');
    let ends = matches!(text.get(stop), Some(b']' | b':'));
    (told && ends && stop > from).then(|| name(text, from, stop)).flatten()
}

/// `] NEW kari:q8Hn4kTz address=`: cPanel's sessions, a name and a token.
pub(super) fn opened(text: &[u8], start: usize) -> Option<Finding> {
    let stop = run(text, start, is_name);
    let rest = text[stop..].strip_prefix(b":")?;
    let token = rest.iter().take(64).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let told = rest.starts_with(b"[token]") || token > 7 && rest.get(token) == Some(&b' ');
    (told && stop > start).then(|| name(text, start, stop)).flatten()
}

/// `A1 LOGIN kari secret`: IMAP, a tag in front.
pub(super) fn imap(text: &[u8], at: usize, start: usize, found: &mut Vec<Finding>) {
    let Some(end) = at.checked_sub(1).filter(|&end| text[end] == b' ') else { return };
    let from = run_back(text, end, |byte| byte.is_ascii_alphanumeric());
    let tag = &text[from..end];
    if !(1..=8).contains(&tag.len()) || !tag.iter().any(u8::is_ascii_digit) || !tag[0].is_ascii_alphabetic() {
        return;
    }
    let word = |start: usize| match text.get(start) {
        Some(b'"') => close(text, start + 1, b'"').map(|stop| (start + 1, stop, stop + 1)),
        _ => {
            let stop = run(text, start, |byte| byte > b' ' && byte != b'"');
            (stop > start).then_some((start, stop, stop))
        }
    };
    let Some((start, stop, next)) = word(start) else { return };
    if text.get(next) != Some(&b' ') {
        return;
    }
    let Some((from, to, _)) = word(next + 1) else { return };
    found.extend(name(text, start, stop));
    found.extend(name(text, from, to).map(|finding| Finding { what: What::Token, ..finding }));
}

/// `"kari<2><[U:1:77]>`, `"kari<2><STEAM_0:`: a game's server.
pub(super) fn gamer(text: &[u8], at: usize) -> Option<Finding> {
    let open = run_back(text, at, |byte| byte.is_ascii_digit()).checked_sub(1).filter(|&open| text[open] == b'<')?;
    let start = back(text, open, b'"')?;
    (start < open).then(|| name(text, start, open)).flatten()
}

/// `192.0.2.7 kari tty0`: a name in front, and an address in front of that.
pub(super) fn terminal(text: &[u8], at: usize) -> Option<Finding> {
    let start = run_back(text, at, is_name);
    let told = start > 0 && start < at && super::front::is_behind_address(text, start - 1);
    (told && text[start - 1] == b' ' && !is_prose(&text[start..at])).then(|| name(text, start, at)).flatten()
}

/// ` 443 kari 192.0.2.7 `: the user between a port and an address, as IIS writes them.
pub(super) fn ported(text: &[u8], start: usize) -> Option<Finding> {
    let stop = run(text, start, is_name);
    let told = text.get(stop) == Some(&b' ') && address_length(&text[stop + 1..]) > 0;
    let letter = text[start..stop].iter().any(u8::is_ascii_alphabetic);
    let value = &text[start..stop];
    (told && letter && !is_prose(value) && is_somebody(value)).then(|| name(text, start, stop)).flatten()
}

/// `auth kari/secret from`: both.
pub(super) fn pair(text: &[u8], start: usize, found: &mut Vec<Finding>) {
    let slash = run(text, start, is_name);
    let stop = run(text, slash + 1, |byte| byte > b' ');
    if slash == start || text.get(slash) != Some(&b'/') || !text[stop..].starts_with(b" from ") {
        return;
    }
    found.extend(name(text, start, slash));
    found.extend(name(text, slash + 1, stop).map(|finding| Finding { what: What::Token, ..finding }));
}

/// `password hunter2`: a secret that no word of prose is.
pub(super) fn odd_secret(text: &[u8], start: usize) -> Option<Finding> {
    let read = Name::read(text, start)?;
    let value = read.of(text);
    let letter = value.iter().any(u8::is_ascii_alphabetic);
    let odd = value.iter().any(|byte| byte.is_ascii_digit() || matches!(byte, b'!' | b'#' | b'%' | b'$'));
    let plain = value.iter().all(|&byte| byte > b' ' && !matches!(byte, b'/' | b':' | b'@' | b'.' | b'_'));
    let hashes =
        ["sha256", "sha512", "base64", "argon2", "argon2i", "argon2id", "pbkdf2", "bcrypt", "scrypt", "oauth2"];
    let known = hashes.iter().any(|hash| hash.as_bytes().eq_ignore_ascii_case(value));
    (read.quote == 0 && letter && odd && plain && !known && value.len() > 5 && read.ends_there(text))
        .then(|| Finding { what: What::Token, ..read.finding() })
}

/// `$1 = 'kari'`: what a statement was run with. Small numbers stay.
pub(super) fn parameter(text: &[u8], start: usize) -> Option<Finding> {
    let stop = close(text, start, b'\'').unwrap_or(text.len().min(start + REACH));
    let small = stop - start < 6 && text[start..stop].iter().all(u8::is_ascii_digit);
    (!small).then(|| name(text, start, stop)).flatten().map(|finding| Finding { what: What::Token, ..finding })
}

/// The words beside an address in a line of columns parted by commas: `kari,192.0.2.7:1194,`, `login,192.0.2.7,ok` with
/// `kari` in front of `login`.
pub(super) fn beside(text: &[u8], at: usize, found: &mut Vec<Finding>) {
    let quoted = text[at + 1] == b'"';
    let start = at + 1 + usize::from(quoted);
    let end = run(text, start, |byte| byte.is_ascii_digit() || byte == b'.');
    if text[start..end].iter().filter(|&&byte| byte == b'.').count() != 3 {
        return;
    }
    let mut end = if text.get(end) == Some(&b':') { run(text, end + 1, |byte| byte.is_ascii_digit()) } else { end };
    if quoted {
        if text.get(end) != Some(&b'"') {
            return;
        }
        end += 1;
    }
    if !matches!(text.get(end), None | Some(b',')) {
        return;
    }
    let first = column(text, at);
    let word = &text[first..at];
    if is_somebody(unquoted(word)) {
        push(text, first, at, found);
    } else if quoted && !word.is_empty() && word.iter().all(u8::is_ascii_digit) && first > 0 {
        // `"kari","shop",77,"192.0.2.7:50112"`: PostgreSQL.
        let base = column(text, first - 1);
        let user = base.checked_sub(1).map_or(base, |end| column(text, end));
        if base > 0 && user + 2 < base && text[user] == b'"' && text[base] == b'"' {
            push(text, user, base - 1, found);
        }
    } else if first > 0 && is_prose(word) {
        let second = column(text, first - 1);
        if is_somebody(unquoted(&text[second..first - 1])) {
            push(text, second, first - 1, found);
        }
    }
    if text.get(end) == Some(&b',') {
        let stop = run(text, end + 1, |byte| is_name(byte) || byte == b'"');
        if matches!(text.get(stop), None | Some(b',')) && is_somebody(unquoted(&text[end + 1..stop])) {
            push(text, end + 1, stop, found);
        }
    }
}

/// `db1,kari,karis-pc,8,0,FAILED_CONNECT,`: MariaDB's audit.
pub(super) fn audited(text: &[u8], at: usize, found: &mut Vec<Finding>) {
    let query = column(text, at);
    let Some(connection) = query.checked_sub(1).map(|end| column(text, end)) else { return };
    let Some(device) = connection.checked_sub(1).map(|end| column(text, end)) else { return };
    let Some(user) = device.checked_sub(1).map(|end| column(text, end)) else { return };
    let digits = |from: usize, to: usize| from < to && text[from..to].iter().all(u8::is_ascii_digit);
    if digits(query, at) && digits(connection, query - 1) && user > 0 {
        push(text, user, device - 1, found);
        if device < connection - 1 {
            found.extend(super::read::device(text, device, connection - 1));
        }
    }
}

/// Where the column starts that ends at `end`.
fn column(text: &[u8], end: usize) -> usize {
    run_back(text, end, |byte| is_name(byte) || byte == b'"' || byte == b'%')
}

fn unquoted(value: &[u8]) -> &[u8] {
    value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value)
}

fn push(text: &[u8], start: usize, end: usize, found: &mut Vec<Finding>) {
    let quotes = usize::from(end > start + 1 && text[start] == b'"' && text[end - 1] == b'"');
    if end > start + 2 * quotes {
        found.extend(name(text, start + quotes, end - quotes));
    }
}

/// Whether a column is a word that may be somebody's name.
fn is_somebody(word: &[u8]) -> bool {
    let host = word.iter().rposition(|&byte| byte == b'.').is_some_and(|dot| {
        let ending = &word[dot + 1..];
        (2..=3).contains(&ending.len()) && ending.iter().all(u8::is_ascii_alphabetic)
    });
    let letters = word.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let counted = letters < word.len() && word[letters..].iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    let port = counted && PORTS.contains(&&word[..letters]);
    let nobody = NO_NAMES.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(word));
    word.len() > 2
        && !word[0].is_ascii_digit()
        && word.iter().any(u8::is_ascii_lowercase)
        && word.iter().all(|&byte| is_name(byte))
        && !host
        && !port
        && !nobody
        && !is_prose(word)
}

/// What interfaces are called, with a number behind.
const PORTS: &[&[u8]] = &[
    b"eth",
    b"em",
    b"en",
    b"ens",
    b"eno",
    b"enp",
    b"wlan",
    b"br",
    b"tun",
    b"tap",
    b"wg",
    b"igb",
    b"igc",
    b"ix",
    b"vmx",
    b"vtnet",
    b"lo",
    b"bond",
    b"vlan",
    b"ppp",
    b"wan",
    b"lan",
    b"ethernet",
    b"ae",
    b"port",
    b"http",
    b"ipv",
    b"node",
    b"web",
    b"srv",
    b"server",
    b"host",
    b"db",
    b"worker",
];

/// Words of columns beside addresses that name nobody.
const NO_NAMES: &[&str] = &[
    "tcp",
    "udp",
    "icmp",
    "icmp6",
    "http",
    "https",
    "ssh",
    "ftp",
    "smtp",
    "imap",
    "pop3",
    "dns",
    "any",
    "rule",
    "wan",
    "lan",
    "dmz",
    "trust",
    "untrust",
    "internal",
    "external",
    "inside",
    "outside",
    "allow",
    "allowed",
    "deny",
    "block",
    "blocked",
    "pass",
    "passed",
    "accept",
    "accepted",
    "drop",
    "dropped",
    "permit",
    "reject",
    "match",
    "debug",
    "warn",
    "warning",
    "notice",
    "crit",
    "critical",
    "fatal",
    "trace",
    "true",
    "false",
    "null",
    "none",
    "localhost",
    "norway",
    "sweden",
    "get",
    "post",
    "head",
    "web",
    "mail",
    "www",
    "open",
    "closed",
    "start",
    "stop",
    "end",
    "begin",
    "online",
    "offline",
];
