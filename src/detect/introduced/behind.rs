//! Names behind a known word, up to where a known byte stands.

use super::super::{
    Finding, What, secret,
    user::{Name, is_prose},
};
use super::read::{REACH, back, bracket, close, device, is_blank, is_name, name, run};

/// The name up to where the bracket or quote in front of it closes.
pub(super) fn bracketed(text: &[u8], start: usize) -> Option<Finding> {
    let stop = close(text, start, bracket(text[start - 1]))?;
    let value = &text[start..stop];
    let square = text[start - 1] == b'[' && !value.iter().all(|&byte| is_name(byte) || matches!(byte, b' ' | b'/'));
    let number = value.iter().all(u8::is_ascii_digit);
    (!square && !number).then(|| name(text, start, stop)).flatten()
}

/// What stands in quotes in front of an e-mail address in brackets.
pub(super) fn display(text: &[u8], at: usize, end: usize) -> Option<Finding> {
    // CSV doubles its quotes.
    let at = at - usize::from(at > 0 && text[at - 1] == b'"');
    let start = back(text, at, b'"')?;
    let mail = is_mail(text, end);
    let start = start - usize::from(text[start..at].ends_with(b"\\") && text[..start - 1].ends_with(b"\\"));
    (mail && start < at && !text[start..at].contains(&b'=')).then(|| name(text, start, at)).flatten()
}

/// Whether an address and a closing bracket follow.
pub(super) fn is_mail(text: &[u8], start: usize) -> bool {
    let stop = run(text, start, |byte| byte > b' ' && !matches!(byte, b'<' | b'>' | b'"'));
    let value = &text[start..stop];
    // A telephone's number too.
    let digits = value.strip_prefix(b"+").unwrap_or(value);
    let phone = digits.len() > 6 && digits.iter().all(u8::is_ascii_digit);
    // Its groups stand apart.
    let grouped = value.len() > 2
        && value.starts_with(b"+")
        && text.get(stop) == Some(&b' ')
        && digits.iter().all(u8::is_ascii_digit);
    grouped || text.get(stop) == Some(&b'>') && (value.contains(&b'@') || secret::is_placeholder(value) || phone)
}

/// What stands without quotes in front of an e-mail address in brackets.
pub(super) fn sender(text: &[u8], start: usize) -> Option<Finding> {
    let stop = run(text, start, |byte| is_name(byte) && byte != b'@' || matches!(byte, b' ' | b'\'' | b','));
    let named = text.get(stop) == Some(&b'<') && stop > start + 1 && text[stop - 1] == b' ' && is_mail(text, stop + 1);
    named.then(|| name(text, start, stop - 1)).flatten()
}

/// A name and a password, each in quotes.
pub(super) fn commanded(text: &[u8], start: usize, found: &mut Vec<Finding>) {
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
pub(super) fn bare(text: &[u8], start: usize) -> Option<Finding> {
    let read = Name::read(text, start)?;
    let known = ["on", "from", "for", "with", "succeeded"];
    let bracket = text.get(read.end..).is_some_and(|rest| rest.starts_with(b" ("));
    let told = read.quote != 0 || bracket || read.ends_there(text) || read.is_followed(text, &known);
    let letter = matches!(text.get(read.end..), Some([b' ', 0x80..=0xff, ..]));
    (told && !letter && !is_prose(read.of(text)) && read.of(text) != b"UID").then(|| read.finding())
}

/// The names behind the numbers of groups from 1000 on: those of the system's own are nobody's.
pub(super) fn groups(text: &[u8], start: usize, found: &mut Vec<Finding>) {
    let mut at = start;
    for _ in 0..MOST_GROUPS {
        let open = run(text, at, |byte| byte.is_ascii_digit());
        if open == at || text.get(open) != Some(&b'(') {
            return;
        }
        let stop = run(text, open + 1, is_name);
        if text.get(stop) != Some(&b')') {
            return;
        }
        if open - at > 3 && stop > open + 1 {
            found.extend(name(text, open + 1, stop));
        }
        if text.get(stop + 1) != Some(&b',') {
            return;
        }
        at = stop + 2;
    }
}

/// How many groups of one user are read.
const MOST_GROUPS: usize = 64;

/// A name in front of a terminal, ` [priv]` or ` @ host`.
pub(super) fn daemon(text: &[u8], start: usize) -> Option<Finding> {
    let stop = run(text, start, |byte| is_name(byte) && byte != b'@' || matches!(byte, b'[' | b']'));
    let rest = &text[stop..];
    let behind: [&[u8]; 7] = [b" [priv]", b" [net]", b" [pam]", b"@pts/", b"@notty", b"@internal", b" @ "];
    let told = stop > start && behind.iter().any(|end| rest.starts_with(end));
    (told && !text[start..stop].starts_with(b"[")).then(|| name(text, start, stop)).flatten()
}

/// A local name, as sendmail writes it.
pub(super) fn sendmail(text: &[u8], start: usize) -> Option<Finding> {
    let stop = run(text, start, is_name);
    let behind: [&[u8]; 5] = [b", size=", b", ctladdr=", b", delay=", b", dsn=", b", msgid="];
    (stop > start && behind.iter().any(|end| text[stop..].starts_with(end))).then(|| name(text, start, stop)).flatten()
}

/// The name in a channel's.
pub(super) fn channel(text: &[u8], start: usize) -> Option<Finding> {
    let end = run(text, start, is_name);
    let dash = text[start..end].iter().rposition(|&byte| byte == b'-').map(|i| start + i)?;
    let serial = end - dash > 4 && text[dash + 1..end].iter().all(u8::is_ascii_hexdigit);
    (serial && dash > start).then(|| name(text, start, dash)).flatten()
}

/// A person's name in the name of an entry of a directory, or of a certificate of a client.
pub(super) fn common_name(text: &[u8], at: usize, start: usize) -> Option<Finding> {
    let ends = |byte: u8| matches!(byte, b',' | b'/' | b'"' | b'\'' | b')' | b';' | b'>' | b']' | b'\n' | b'\r');
    let stop = run(text, start, |byte| !ends(byte));
    let value = &text[start..stop];
    let behind = &text[stop..text.len().min(stop + 16)];
    // In the older way of writing, behind a slash.
    let mail = behind.get(1..14).is_some_and(|head| head.eq_ignore_ascii_case(b"emailaddress="));
    let entry = mail
        || ["ou=", "dc=", "cn=", "o="].iter().any(|part| {
            behind.strip_prefix(b",").map(<[u8]>::trim_ascii_start).is_some_and(|rest| {
                rest.get(..part.len()).is_some_and(|head| head.eq_ignore_ascii_case(part.as_bytes()))
            })
        });
    // What is no host in the certificate of the other end: `kari.n` has no domain that ends so.
    let site = value.iter().rposition(|&byte| byte == b'.').is_some_and(|dot| value.len() - dot > 2);
    let leaf = !site && has(&text[at.saturating_sub(REACH)..at], b"depth=0");
    let host = value.contains(&b'.') && !value.contains(&b' ');
    // A filter: `(cn=Kari Nordmann)`.
    let asked = text[..at].ends_with(b"(") && text.get(stop) == Some(&b')') && value.contains(&b' ');
    ((entry && !host || leaf || asked) && !value.is_empty()).then(|| name(text, start, stop)).flatten()
}

pub(super) fn has(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}

/// A user's number; those below 1000 are the system's own.
pub(super) fn number(text: &[u8], at: usize, start: usize) -> Option<Finding> {
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
pub(super) fn lease(text: &[u8], start: usize) -> Option<Finding> {
    let reach = &text[..text.len().min(start + REACH)];
    let pair = |at: usize| {
        reach.get(at..at + 17).is_some_and(|mac| {
            mac.iter()
                .enumerate()
                .all(|(i, &byte)| if i % 3 == 2 { matches!(byte, b':' | b'-') } else { byte.is_ascii_hexdigit() })
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

/// Whose mail was read, with the user's number.
pub(super) fn scanned(text: &[u8], start: usize) -> Option<Finding> {
    let stop = run(text, start, is_name);
    let number = run(text, stop + 1, |byte| byte.is_ascii_digit());
    let told = text.get(stop) == Some(&b':') && number > stop + 1 && is_blank(text.get(number));
    (told && stop > start).then(|| name(text, start, stop)).flatten()
}

/// A secret in quotes, of one word: `IDENTIFIED BY 'secret'`.
pub(super) fn quoted_secret(text: &[u8], start: usize) -> Option<Finding> {
    let stop = close(text, start, text[start - 1])?;
    let one = !text[start..stop].contains(&b' ');
    // `pass '--quiet' on`: a verb, unless a user stands in front.
    let front = &text[start.saturating_sub(REACH / 2)..start];
    if front[..front.len() - 1].ends_with(b"pass ") && !has(front, b"user ") && !has(front, b"login ") {
        return None;
    }
    one.then(|| name(text, start, stop)).flatten().map(|finding| Finding { what: What::Token, ..finding })
}

/// What FTP's command `USER` or `PASS` says, where an address stands in front of it.
pub(super) fn ftp(text: &[u8], at: usize, start: usize) -> Option<Finding> {
    let told = matches!(text[..at].trim_ascii_end().last(), Some(b'>' | b']' | b')' | b':' | b'"'));
    let front = &text[at.saturating_sub(REACH / 2)..at];
    let four = front
        .split(|byte| !byte.is_ascii_digit() && *byte != b'.')
        .any(|part| part.iter().filter(|&&b| b == b'.').count() == 3);
    let stop = run(text, start, |byte| byte > b' ' && !matches!(byte, b'"'));
    let what = if text[at] | 0x20 == b'u' { What::User } else { What::Token };
    (told && four).then(|| name(text, start, stop)).flatten().map(|finding| Finding { what, ..finding })
}

/// `@kari:example.org`: Matrix.
pub(super) fn matrix(text: &[u8], at: usize) -> Option<Finding> {
    let free =
        at == 0 || !text[at - 1].is_ascii_alphanumeric() && !matches!(text[at - 1], b'.' | b'/' | b'_' | b'-' | b'%');
    let stop = run(text, at + 1, |byte| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'=' | b'-')
    });
    let host = text.get(stop) == Some(&b':') && {
        let end = run(text, stop + 1, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
        let site = &text[stop + 1..end];
        site.iter()
            .rposition(|&byte| byte == b'.')
            .is_some_and(|dot| site[dot + 1..].len() > 1 && site[dot + 1..].iter().all(u8::is_ascii_alphabetic))
    };
    (free && host && stop > at + 2).then(|| name(text, at + 1, stop)).flatten()
}

/// The text of an element: `<user>kari</user>`.
pub(super) fn element(text: &[u8], start: usize) -> Option<Finding> {
    let stop = run(text, start, |byte| byte != b'<');
    let closed = text[stop..].starts_with(b"</");
    (closed && stop > start).then(|| name(text, start, stop)).flatten()
}
