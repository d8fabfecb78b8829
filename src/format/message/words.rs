//! Users in texts of no known shape: behind words that introduce them.

/// Words behind which a user's name stands.
#[derive(Clone, Debug)]
pub(super) struct Words {
    words: Box<[Box<[u8]>]>,
    first: [bool; 256],
    /// The field of the users.
    pub(super) field: u16,
}

impl Words {
    pub(super) fn new(own: &[&str], field: u16) -> Words {
        let words: Box<[Box<[u8]>]> = COMMON.iter().chain(own).map(|word| word.as_bytes().into()).collect();
        let mut first = [false; 256];
        words.iter().for_each(|word| first[usize::from(word[0])] = true);
        Words { words, first, field }
    }

    /// The next user of `line[from..to]`: where the name begins and ends.
    pub(super) fn next(&self, line: &[u8], from: usize, to: usize) -> Option<(usize, usize)> {
        let text = &line[..to];
        let mut at = from;
        while at < to {
            // A word begins where no letter stands in front of it; a path begins anywhere.
            let begins = self.first[usize::from(text[at])]
                && (text[at] == b'/' || at == 0 || !text[at - 1].is_ascii_alphanumeric());
            if begins && let Some(word) = self.words.iter().find(|word| text[at..].starts_with(word)) {
                let (start, end) = name(text, at + word.len(), word);
                if end > start && !(word.ends_with(b" ") && HARMLESS.contains(&&text[start..end])) {
                    return Some((start, end));
                }
                at += word.len();
            } else {
                at += 1;
            }
        }
        None
    }
}

/// Where the name behind a word begins and ends: in its quotes or brackets, or up to the next blank.
fn name(text: &[u8], at: usize, word: &[u8]) -> (usize, usize) {
    let close = match text.get(at) {
        Some(b'<') => b'>',
        Some(b'[') => b']',
        Some(b'(') => b')',
        Some(&quote @ (b'"' | b'\'' | b'`')) => quote,
        _ => {
            let path = word.starts_with(b"/");
            let ends = |byte: &u8| match byte {
                b'/' | b':' => path,
                b' ' | b'\t' | b',' | b';' | b'"' | b'\'' | b')' | b'>' | b']' | b'(' => true,
                _ => false,
            };
            let length = text[at..].iter().position(ends).unwrap_or(text.len() - at);
            let stops = text[at..at + length].iter().rev().take_while(|byte| matches!(byte, b':' | b'.')).count();
            return (at, at + length - stops);
        }
    };
    // Without the closing one, all of the rest may be the name.
    let length = memchr::memchr(close, &text[at + 1..]).unwrap_or(text.len() - at - 1);
    (at + 1, at + 1 + length)
}

/// Words of every program's texts.
const COMMON: &[&str] = &[
    "user=",
    "user: ",
    "user ",
    "User ",
    "User=",
    "USER=",
    "users ",
    "username=",
    "username ",
    "login=",
    "logname=",
    "ruser=",
    "uname=",
    "account ",
    "/home/",
    "/Users/",
    "/var/mail/",
    "/var/spool/mail/",
    "/var/vmail/",
    "/var/spool/cron/crontabs/",
];

/// What stands behind such a word and is no name.
const HARMLESS: &[&[u8]] = &[
    b"a",
    b"account",
    b"agent",
    b"an",
    b"and",
    b"are",
    b"authentication",
    b"by",
    b"can",
    b"could",
    b"data",
    b"database",
    b"does",
    b"expired",
    b"failed",
    b"for",
    b"from",
    b"has",
    b"have",
    b"id",
    b"in",
    b"information",
    b"input",
    b"invalid",
    b"is",
    b"limit",
    b"list",
    b"locked",
    b"may",
    b"mode",
    b"must",
    b"name",
    b"names",
    b"not",
    b"of",
    b"on",
    b"or",
    b"password",
    b"process",
    b"service",
    b"session",
    b"sessions",
    b"should",
    b"slice",
    b"space",
    b"the",
    b"to",
    b"unknown",
    b"was",
    b"were",
    b"will",
    b"with",
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn users(text: &str) -> Vec<&str> {
        let words = Words::new(&[], 0);
        let (mut at, mut found) = (0, Vec::new());
        while let Some((start, end)) = words.next(text.as_bytes(), at, text.len()) {
            found.push(&text[start..end]);
            at = end;
        }
        found
    }

    #[test]
    fn names_stand_behind_the_words_that_introduce_them() {
        for (text, names) in [
            ("no such user kari here", vec!["kari"]),
            ("user kari: not found", vec!["kari"]),
            ("user=<kari nordmann>, ok", vec!["kari nordmann"]),
            ("user 'kari' and user \"ola\"", vec!["kari", "ola"]),
            ("ruser=kari@example.org user=ola", vec!["kari@example.org", "ola"]),
            ("ran /home/kari/bin/x", vec!["kari"]),
            ("x=/home/kari", vec!["kari"]),
            ("user not found, user unknown, superuser kari", vec![]),
            ("user", vec![]),
            ("user=", vec![]),
            ("user '", vec![]),
            ("user 'kari", vec!["kari"]),
        ] {
            assert_eq!(users(text), names, "{text}");
        }
    }
}
