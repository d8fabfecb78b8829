//! Names in front of a known word, or between an address and one.

use super::super::{Finding, What, user::is_prose};
use super::behind::is_mail;
use super::read::{REACH, back, bracket, close, device, is_blank, is_name, name, run, run_back};

/// The name in front of a word, in the brackets or quotes that the word begins with, or bare.
pub(super) fn before(text: &[u8], at: usize) -> Option<Finding> {
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
pub(super) fn peer(text: &[u8], open: usize) -> Option<Finding> {
    let start = run_back(text, open, |byte| byte.is_ascii_digit() || byte == b'.');
    let four = text[start..open].iter().filter(|&&byte| byte == b'.').count() >= 3;
    let stop = run(text, open + 1, |byte| is_name(byte) || matches!(byte, b' ' | b'=' | b','));
    let letter = text[open + 1..stop].iter().any(u8::is_ascii_alphabetic);
    (four && letter && text.get(stop) == Some(&b']')).then(|| name(text, open + 1, stop)).flatten()
}

/// What stands in brackets at the end, behind the port in those that close at `at`.
pub(super) fn trailing(text: &[u8], at: usize, start: usize) -> Option<Finding> {
    let port = run_back(text, at, |byte| byte.is_ascii_digit());
    let stop = run(text, start, is_name);
    let told = port < at && port > 0 && text[port - 1] == b'/' && text.get(stop..) == Some(b")");
    told.then(|| name(text, start, stop)).flatten()
}

/// User and device around the address behind the `|` at `at`.
pub(super) fn audit(text: &[u8], at: usize, found: &mut Vec<Finding>) {
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
pub(super) fn page(text: &[u8], at: usize) -> Option<Finding> {
    let open = back(text, at, b'[')? - 1;
    let number_end = open.checked_sub(1).filter(|&end| text[end] == b' ')?;
    let number = run_back(text, number_end, |byte| byte.is_ascii_digit());
    let end = number.checked_sub(1).filter(|&end| number < number_end && text[end] == b' ')?;
    let start = run_back(text, end, is_name);
    (start > 0 && start < end && text[start - 1] == b' ').then(|| name(text, start, end)).flatten()
}

/// The host's name in front of its address in brackets.
pub(super) fn reverse(text: &[u8], open: usize) -> Option<Finding> {
    let address = run(text, open + 1, |byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':'));
    let value = &text[open + 1..address];
    let dots = value.iter().filter(|&&byte| byte == b'.').count();
    let colons = value.iter().filter(|&&byte| byte == b':').count();
    let digit = value.iter().any(u8::is_ascii_hexdigit);
    if text.get(address) != Some(&bracket(text[open])) || !digit || dots != 3 && colons < 2 {
        return None;
    }
    if let Some(finding) = in_brackets(text, open) {
        return Some(finding);
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

/// What the other end called itself, in front of the name and the address in the bracket at `open`: `from karis-pc
/// (dyn.example.net [192.0.2.7])`.
pub(super) fn helo(text: &[u8], open: usize) -> Option<Finding> {
    let end = open - usize::from(open > 0 && text[open - 1] == b' ');
    let host = run_back(text, end, |byte| is_name(byte) || matches!(byte, b'[' | b']'));
    let end = host.checked_sub(2).filter(|&end| text[end..].starts_with(b" ("))?;
    let start = run_back(text, end, is_name);
    let told = text[..start].ends_with(b"from ") || text[..start].ends_with(b"dns; ");
    let digits = text[open + 1..].iter().take(4).filter(|byte| byte.is_ascii_digit()).count();
    (told && digits > 0 && start < end).then(|| device(text, start, end)).flatten()
}

/// Whether what starts at `start` goes on from a path or an address.
pub(super) fn is_path(text: &[u8], start: usize) -> bool {
    start > 0 && matches!(text[start - 1], b'/' | b'@' | b'\\')
}

/// The name in front of the slash at `slash`, behind which an address with its port stands.
pub(super) fn tunnel(text: &[u8], slash: usize) -> Option<Finding> {
    let mut at = slash + 1;
    for scheme in [&b"udp4:"[..], b"udp6:", b"tcp4-server:", b"tcp6-server:", b"tcp4:", b"tcp6:"] {
        if text[at..].starts_with(scheme) {
            at += scheme.len();
            break;
        }
    }
    let end = run(text, at, |byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':' | b'[' | b']'));
    let end = end - usize::from(text[..end].ends_with(b":") && text.get(end) == Some(&b' '));
    let address = &text[at..end];
    let dots = address.iter().filter(|&&byte| byte == b'.').count();
    let colons = address.iter().filter(|&&byte| byte == b':').count();
    let fits = dots == 3 && colons == 1 || colons > 2;
    if !fits || !matches!(text.get(end), None | Some(b' ' | b',' | b':')) {
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
pub(super) fn is_behind_address(text: &[u8], end: usize) -> bool {
    let start = run_back(text, end, |byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':' | b'[' | b']'));
    let value = &text[start..end];
    let dots = value.iter().filter(|&&byte| byte == b'.').count();
    let colons = value.iter().filter(|&&byte| byte == b':').count();
    // A time of day has two colons.
    let address = dots == 3 || colons > 2 || value.windows(2).any(|pair| pair == b"::");
    let digit = value.iter().any(u8::is_ascii_hexdigit);
    address && digit && (start == 0 || matches!(text[start - 1], b' ' | b'\t' | b'"' | b'[' | b','))
}

/// The user of an access log that fits no format: ` - NAME [TIME]`, ` - "NAME" [TIME]`, ` - NAME "POST`; cut, ` - NAME [`
/// and ` - NAME `.
pub(super) fn access(text: &[u8], at: usize, end: usize) -> Option<Finding> {
    let reach = &text[end..text.len().min(end + REACH)];
    let mut blanks = 0;
    let (stop, timed) = reach.windows(2).enumerate().find_map(|(i, two)| {
        blanks += usize::from(two[0] == b' ');
        // A line may be cut within its time, and what is left of it then ends here.
        let cut = end + i + 2 == text.len();
        let timed = two == b" [" && (cut || is_time(text, end + i + 1));
        let asked = matches!(two, b" \"" | b" \'") && blanks == 1 && is_method(&text[end + i + 2..]);
        let ends = cut && two[1] == b' ' && two[0] != b' ' && blanks == 0;
        (timed || asked).then_some((end + i, timed)).or(ends.then_some((end + i + 1, false)))
    })?;
    let told = is_behind_address(text, at) || is_behind_host(text, at) && (!timed || is_requested_at(text, stop + 1));
    let (start, stop) = unquoted(text, end, stop);
    let value = &text[start..stop];
    let plain = !value.iter().any(|byte| matches!(byte, b'[' | b']' | b'{' | b'|' | b'"'));
    (told && plain && stop > start).then(|| name(text, start, stop)).flatten()
}

/// The users in the columns between an address and the time in the bracket behind the blank at `at`.
pub(super) fn columns(text: &[u8], at: usize, found: &mut Vec<Finding>) {
    if at == 0 || !is_time(text, at + 1) {
        return;
    }
    let column = |end: usize| {
        let start = match end.checked_sub(1).map(|last| text[last]) {
            Some(quote @ (b'"' | b'\'')) => back(text, end - 1, quote).map_or(end, |start| start - 1),
            _ => run_back(text, end, |byte| !matches!(byte, b' ' | b'\t' | b'"' | b'[' | b']')),
        };
        (start > 1 && start < end && text[start - 1] == b' ').then_some(start)
    };
    let Some(second) = column(at) else { return };
    let asked = is_requested_at(text, at + 1);
    let tell = |start: usize, end: usize, found: &mut Vec<Finding>| {
        let (start, end) = unquoted(text, start, end);
        let word = text[start..end].iter().all(|&byte| is_name(byte) || byte == b' ');
        if start < end && word && (asked || !is_prose(&text[start..end])) {
            found.extend(name(text, start, end));
        }
    };
    if is_behind_address(text, second - 1) {
        return tell(second, at, found);
    }
    let Some(first) = column(second - 1) else { return };
    if is_behind_address(text, first - 1) || asked && is_behind_host(text, first - 1) {
        tell(second, at, found);
        tell(first, second - 1, found);
    }
}

/// A span without the quotes around it.
fn unquoted(text: &[u8], start: usize, end: usize) -> (usize, usize) {
    let quoted = end > start + 1 && matches!(text[start], b'"' | b'\'') && text[end - 1] == text[start];
    (start + usize::from(quoted), end - usize::from(quoted))
}

/// Whether a time stands in the bracket at `open`, in whatever layout.
fn is_time(text: &[u8], open: usize) -> bool {
    let reach = &text[open..text.len().min(open + 48)];
    // A line may end in it.
    let ends = reach.iter().position(|&byte| byte == b']').or((reach.len() < 48).then_some(reach.len()));
    let Some([b'[', inner @ ..]) = ends.map(|end| &reach[..end]) else {
        return false;
    };
    let digits = inner.iter().filter(|byte| byte.is_ascii_digit()).count();
    let signs = inner.iter().filter(|byte| matches!(byte, b':' | b'/' | b'-')).count();
    let plain = inner.iter().all(|&byte| byte.is_ascii_alphanumeric() || b"/:-+., ".contains(&byte));
    plain && (digits > 5 && signs > 1 || digits > 9)
}

/// Whether a request in quotes stands behind the bracket at `open`.
fn is_requested_at(text: &[u8], open: usize) -> bool {
    let behind = close(text, open, b']').map(|close| &text[close + 1..]).unwrap_or_default();
    match behind {
        [b' ', b'"' | b'\'', rest @ ..] => is_method(rest) || rest.starts_with(b"/"),
        _ => false,
    }
}

/// Whether a request's method stands at the start.
fn is_method(text: &[u8]) -> bool {
    let length = text.iter().take(17).take_while(|byte| byte.is_ascii_uppercase()).count();
    (2..17).contains(&length) && matches!(text.get(length), Some(b' ' | b'"'))
}

/// Whether the name of a host begins the line and ends at `end`.
fn is_behind_host(text: &[u8], end: usize) -> bool {
    let start = run_back(text, end, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    start == 0 && (text[..end].contains(&b'.') || text[..end] == *b"localhost")
}

/// The user between an address and a request's method, in quotes or not.
pub(super) fn request(text: &[u8], at: usize) -> Option<Finding> {
    let start = run_back(text, at, is_name);
    let value = &text[start..at];
    let quoted = text.get(at + 1) == Some(&b'"');
    // The site may stand there as well.
    let ending = value.iter().rposition(|&byte| byte == b'.').map_or(0, |dot| value.len() - dot - 1);
    let site = quoted && ((1..5).contains(&ending) || !value.first().is_some_and(u8::is_ascii_alphabetic));
    (start > 0 && start < at && !site && text[start - 1] == b' ' && is_behind_address(text, start - 1))
        .then(|| name(text, start, at))
        .flatten()
}

/// Whose crontab it is, and once more behind `LIST`, `BEGIN EDIT` and the like.
pub(super) fn scheduled(text: &[u8], at: usize, end: usize, found: &mut Vec<Finding>) {
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
pub(super) fn radius(text: &[u8], at: usize) -> Option<Finding> {
    let floor = at.saturating_sub(REACH);
    // From the first place on: a password may hold brackets.
    let open = text[floor..at].windows(2).position(|pair| pair == b" [").map(|i| floor + i + 2)?;
    name(text, open, at)
}

/// `'kari'@'host'`: both.
pub(super) fn at_host(text: &[u8], at: usize, end: usize, found: &mut Vec<Finding>) {
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

/// The name in front of brackets that hold an address, and close at `at`: `kari (192.0.2.7) connect to`.
pub(super) fn addressed(text: &[u8], at: usize) -> Option<Finding> {
    let open = back(text, at, b'(')?;
    let value = &text[open..at];
    let dots = value.iter().filter(|&&byte| byte == b'.').count();
    let address =
        value.iter().all(|b| b.is_ascii_hexdigit() || matches!(b, b'.' | b':')) && (dots == 3 || value.contains(&b':'));
    let end = open.checked_sub(2).filter(|&end| text[end] == b' ')?;
    let start = run_back(text, end, is_name);
    let word = &text[start..end];
    (address
        && start < end
        && word.iter().any(u8::is_ascii_alphabetic)
        && !is_prose(word)
        && is_blank(start.checked_sub(1).map(|i| &text[i])))
    .then(|| name(text, start, end))
    .flatten()
}

/// The name in round brackets in front of an address in square ones: `(kari) [192.0.2.7] 230 Login successful`.
pub(super) fn in_brackets(text: &[u8], open: usize) -> Option<Finding> {
    let end = open.checked_sub(2).filter(|&end| text[end..].starts_with(b") "))?;
    let start = back(text, end, b'(')?;
    let value = &text[start..end];
    let word = value.iter().all(|&byte| is_name(byte)) && value.iter().any(u8::is_ascii_alphabetic);
    let digits = text[open + 1..].iter().take(3).filter(|byte| byte.is_ascii_digit()).count();
    // Exim's `H=(karis-pc) [192.0.2.7]`.
    let free = start.checked_sub(2).map(|before| &text[before]);
    (word && digits > 0 && !is_prose(value) && (is_blank(free) || text[..start].ends_with(b" H=(")))
        .then(|| name(text, start, end))
        .flatten()
}

/// The name in front of an e-mail address in angle brackets, without quotes: one with a capital, or behind a word such as `by`.
pub(super) fn mailed(text: &[u8], at: usize, end: usize) -> Option<Finding> {
    if !is_mail(text, end) {
        return None;
    }
    let mut start = run_back(text, at, is_name);
    let word = &text[start..at];
    let capital = |word: &[u8]| {
        word.first().is_some_and(|byte| byte.is_ascii_uppercase() || *byte >= 0x80)
            && word.get(1).is_some_and(|byte| byte.is_ascii_lowercase() || *byte >= 0x80)
    };
    let shown = word.len() < 2
        || is_prose(word)
        || is_preposition(word)
        || !word.iter().any(|b| b.is_ascii_alphabetic() || *b >= 0x80);
    let odd = word.iter().any(|b| b.is_ascii_digit() || matches!(b, b'.' | b'_'));
    let before = start.checked_sub(1).filter(|&blank| text[blank] == b' ').map(|blank| run_back(text, blank, is_name));
    let front = before.map_or(&text[..0], |from| &text[from..start - 1]);
    let told = odd || capital(word) && capital(front) && !is_preposition(front) || is_preposition(front);
    if shown || !told {
        return None;
    }
    // `Kari Nordmann <kari@example.org>`
    if let Some(from) = before
        && capital(word)
        && capital(front)
        && !is_preposition(front)
        && !is_prose(front)
    {
        start = from;
    }
    name(text, start, at)
}

/// Words in front of a name, or of an address.
fn is_preposition(word: &[u8]) -> bool {
    let known = [
        "by",
        "from",
        "to",
        "for",
        "customer",
        "user",
        "member",
        "recipient",
        "sender",
        "cc",
        "bcc",
        "of",
        "fra",
        "av",
        "til",
        "kunde",
        "von",
        "an",
        "für",
        "de",
        "pour",
        "para",
        "contact",
        "author",
        "committer",
        "account",
        "mail",
        "email",
        "rcpt",
        "address",
        "mailbox",
        "envelope",
        "message",
        "via",
        "with",
        "and",
        "or",
        "is",
        "at",
        "as",
        "orig",
        "reply",
        "bounce",
        "subscriber",
        "client",
        "alias",
        "id",
    ];
    known.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(word))
}
