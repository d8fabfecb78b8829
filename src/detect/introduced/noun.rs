//! Behind the word for a user, or for a secret: in quotes of any language, behind a sign, behind a domain.

use super::super::{
    Finding, What,
    bytes::among,
    secret,
    user::{self, LONGEST, Name, is_full_name, is_prose},
};
use super::read::{back, close, is_blank, is_name, name, run, run_back};
use super::{mark::Mark, person};

/// The name behind a noun: in quotes of any language, behind a sign, or odd enough.
pub(super) fn noun(text: &[u8], word: usize, end: usize, mark: Mark) -> Option<Finding> {
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
    if user::is_timing(text, &read) {
        return None;
    }
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
    let english = among(&["user", "username", "user name", "account", "login"], &text[word..end]);
    let odd = english && plain.iter().any(|b| b.is_ascii_digit()) && plain.iter().any(u8::is_ascii_alphabetic)
        || english && plain.iter().any(|b| matches!(b, b'@' | b'_' | b'\\'));
    // `user name kari` at the end of a clause.
    let closing =
        english && text[..end].ends_with(b"name") && matches!(text.get(read.end), None | Some(b',' | b';' | b'.'));
    let abroad = !english && mark == Mark::Noun && {
        // `bruker kari` alone, `Benutzer kari angemeldet`.
        let ends = matches!(text.get(read.end), None | Some(b',' | b';' | b'.'));
        let alone = (word == 0 || is_behind_preposition(text, word)) && ends;
        let letter = plain.first().is_some_and(|&byte| byte.is_ascii_alphabetic() || byte >= 0x80);
        // Small words that are verbs as well, `systemet bruker Java`.
        let verb = text[word].is_ascii_lowercase() && matches!(text[end - 1], b'r') && text[word] == b'b';
        // Chinese, Japanese and Korean part no words, but these letters are none of theirs.
        let alien = text[word] >= 0xe3 && plain.iter().all(|&byte| is_name(byte));
        letter
            && (alone
                || alien
                || goes_on(text, read.end)
                || comes_from(text, read.end)
                || !verb && is_told(text, read.end))
    };
    let told = if sign { mark == Mark::Noun } else { odd || closing || abroad && !is_outcome(plain) };
    // Windows puts tabs between.
    let gap = text.get(read.end..).is_some_and(|rest| rest.starts_with(b"  "));
    // `Account Name: kari Account Domain: x`: nothing else stands there.
    let tab = matches!(text.get(read.end), Some(b'\t' | b'\r'))
        || text.get(at - 1) == Some(&b'\t')
        || sign && (gap || text[word..end].eq_ignore_ascii_case(b"account name"));
    (told
        && !is_prose(plain)
        && (tab || abroad && !sign || read.ends_there(text))
        && plain.iter().any(|b| !b.is_ascii_digit()))
    .then(|| read.finding())
}

/// Whether a blank follows and then a word that says what became of a login.
fn goes_on(text: &[u8], end: usize) -> bool {
    let Some([b' ', rest @ ..]) = text.get(end..) else { return false };
    let length = rest.iter().take(24).take_while(|&&b| b.is_ascii_alphabetic() || b >= 0x80).count();
    is_outcome(&rest[..length])
}

/// Whether words behind it say that somebody did something, in the languages of the nouns.
fn is_told(text: &[u8], end: usize) -> bool {
    let Some([b' ', rest @ ..]) = text.get(end..) else { return false };
    let verbs = [
        "hat sich ",
        "hat das ",
        "wurde ",
        "ist nicht",
        "existiert nicht",
        "s'est ",
        "est connect",
        "n'existe",
        "a été ",
        "inició",
        "ha iniciado",
        "ha effettuato",
        "ha cambiato",
        "no existe",
        "non esiste",
        "não existe",
        "fez ",
        "fechou ",
        "is ingelogd",
        "is uitgelogd",
        "bestaat niet",
        "zalogował",
        "wylogował",
        "nie istnieje",
        "вош",
        "выш",
        "не найден",
        "skráði",
        "loggade",
        "loggad",
        "finns inte",
        "finnes ikke",
        "findes ikke",
        "har ",
        "ble ",
        "blev ",
        "er logget",
        "kirjautui",
        "ei löydy",
        "se přihl",
    ];
    verbs.iter().any(|verb| rest.starts_with(verb.as_bytes()))
}

/// Whether an address follows behind a word such as `fra`.
fn comes_from(text: &[u8], end: usize) -> bool {
    let Some([b' ', rest @ ..]) = text.get(end..) else { return false };
    let words = [
        "fra ",
        "från ",
        "frá ",
        "von ",
        "depuis ",
        "desde ",
        "de ",
        "da ",
        "vanaf ",
        "z ",
        "с ",
        "osoitteesta ",
        "aus ",
    ];
    let place = words.iter().find_map(|word| rest.strip_prefix(word.as_bytes()));
    let address = |place: &[u8]| {
        let host = place.iter().take(16).take_while(|&&b| is_name(b) || matches!(b, b':' | b'['));
        host.filter(|&&byte| matches!(byte, b'.' | b':')).count() > 1
    };
    place.is_some_and(address)
}

/// Whether a word such as `for` stands in front.
fn is_behind_preposition(text: &[u8], word: usize) -> bool {
    let before = &text[..word];
    let words =
        ["for ", "für ", "för ", "av ", "von ", "pour ", "para ", "per ", "voor ", "dla ", "для ", "til ", "till "];
    words.iter().any(|known| before.strip_suffix(known.as_bytes()).is_some_and(|rest| is_blank(rest.last())))
}

/// What becomes of logins, in the languages of the nouns.
fn is_outcome(word: &[u8]) -> bool {
    let known = &[
        "logget",
        "logga",
        "loggade",
        "loggede",
        "loggad",
        "innlogget",
        "inloggad",
        "utlogget",
        "avlogget",
        "avvist",
        "nektet",
        "nekad",
        "afvist",
        "autentisert",
        "autentiserad",
        "angemeldet",
        "abgemeldet",
        "eingeloggt",
        "authentifiziert",
        "gesperrt",
        "abgelehnt",
        "connecté",
        "déconnecté",
        "authentifié",
        "refusé",
        "conectado",
        "desconectado",
        "autenticado",
        "connesso",
        "autenticato",
        "ingelogd",
        "aangemeld",
        "afgemeld",
        "zalogowany",
        "kirjautui",
    ];
    among(known, word)
}

/// The length of the typographic quotation mark at `at`.
pub(super) fn typographic(text: &[u8], at: usize) -> usize {
    match text.get(at..) {
        Some([0xc2, 0xab | 0xbb, ..]) => 2,
        Some([0xe2, 0x80, 0x98..=0x9e | 0xb9 | 0xba, ..]) => 3,
        _ => 0,
    }
}

/// The name behind the backslash at `at`, in front of which a domain's stands.
pub(super) fn domain(text: &[u8], at: usize) -> Option<Finding> {
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

/// What stands behind a sign with blanks around it: a name or a secret, as the word in front says.
pub(super) fn assigned(text: &[u8], at: usize, end: usize) -> Option<Finding> {
    let mut stop = at;
    while stop > 0 && at - stop < 3 && matches!(text[stop - 1], b' ' | b'"' | b'\'') {
        stop -= 1;
    }
    let start = run_back(text, stop, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    let word = &text[start..stop];
    let user = user::promises(word);
    let secret = !user && word.len() > 2 && secret::promises(word);
    let from = end - usize::from(matches!(text[end - 1], b'"' | b'\''));
    let from = run(text, from, |byte| byte == b' ');
    if !user && !secret {
        let quoted = matches!(text.get(from), Some(b'"' | b'\''));
        return user::sure(word).filter(|_| quoted).and_then(|sure| person::behind_key(text, from, sure));
    }
    let read = Name::read(text, from)?;
    let value = read.of(text);
    // What programs are written in has such signs too: `let nonce = [0; 12]`, `user => user.name`.
    let bare = text[at] == b' '
        && (user || secret::is_certain(word))
        && read.quote == 0
        && matches!(text.get(read.end..), None | Some([] | [b',' | b';' | b'\t' | b'\r', ..] | [b' ', ..]))
        && read.ends_there(text)
        && !value
            .iter()
            .any(|byte| matches!(byte, b':' | b'!' | b'*') || *byte == b'.' && text.get(read.end) != Some(&b','))
        && !text[..start].ends_with(b"let ")
        && !text[..start].ends_with(b"const ");
    let told = matches!(read.quote, b'"' | b'\'') || bare;
    let small = value.iter().all(u8::is_ascii_digit) && value.len() < 4;
    let what = if user { What::User } else { What::Token };
    (told && !small && value.iter().any(u8::is_ascii_alphanumeric) && (!user || !is_prose(value)))
        .then(|| Finding { what, ..read.finding() })
}

/// The values of a key of a table, one of whose columns holds a name or a secret.
pub(super) fn key(text: &[u8], at: usize, start: usize) -> Option<Finding> {
    let open = back(text, at, b'(')?;
    let mut columns = text[open..at].split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    let told = columns.any(|column| user::promises(column) || column.len() > 2 && secret::promises(column));
    let stop = close(text, start, b')')?;
    told.then(|| name(text, start, stop)).flatten()
}

/// The secret behind a word for one in other languages than English, and a sign: `passord: hunter2`.
pub(super) fn secret_abroad(text: &[u8], end: usize) -> Option<Finding> {
    let mut at = end + usize::from(matches!(text.get(end), Some(b'"' | b'\'')));
    if !matches!(text.get(at), Some(b':' | b'=')) {
        return None;
    }
    at += 1;
    at = run(text, at, |byte| byte == b' ');
    let read = Name::read(text, at)?;
    let value = read.of(text);
    // `Passwort: falsch eingegeben` is prose.
    let prose = read.quote == 0 && value.iter().all(u8::is_ascii_lowercase) && !read.ends_there(text);
    (!prose && !is_outcome(value) && !is_prose(value)).then(|| Finding { what: What::Token, ..read.finding() })
}
