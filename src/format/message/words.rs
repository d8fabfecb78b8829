//! Users in texts of no known shape: behind words that introduce them.

/// Words behind which a user's name stands.
#[derive(Clone, Debug)]
pub(super) struct Words {
    words: Box<[Box<[u8]>]>,
    first: [bool; 256],
    /// What may stand in the second place of one: each has two bytes.
    second: [bool; 256],
    /// The field of the users.
    pub(super) field: u16,
}

impl Words {
    pub(super) fn new(own: &[&str], field: u16) -> Words {
        let words: Box<[Box<[u8]>]> = COMMON.iter().chain(own).map(|word| word.as_bytes().into()).collect();
        let (mut first, mut second) = ([false; 256], [false; 256]);
        for word in &words {
            (first[usize::from(word[0])], second[usize::from(word[1])]) = (true, true);
        }
        Words { words, first, second, field }
    }

    /// The next user of `line[from..to]`: where the name begins and ends.
    pub(super) fn next(&self, line: &[u8], from: usize, to: usize) -> Option<(usize, usize)> {
        let text = &line[..to];
        let mut at = from;
        while at < to {
            // Most bytes begin no word.
            let word = if self.first[usize::from(text[at])] { self.word(text, at) } else { None };
            let Some(word) = word else {
                at += 1;
                continue;
            };
            let (start, mut end) = name(text, at, word);
            if end > start && !(word.ends_with(b" ") && HARMLESS.contains(&&text[start..end])) {
                // A name in which another is introduced goes on to the end of that one.
                at = start;
                let mut nested = 0;
                while at < end {
                    if let Some(word) = self.word(text, at) {
                        nested += 1;
                        end = if nested > MOST_NESTED { to } else { end.max(name(text, at, word).1) };
                    }
                    if end == to {
                        break;
                    }
                    at += 1;
                }
                return Some((start, end));
            }
            at += word.len();
        }
        None
    }

    /// The word that begins at `at`: where no letter stands in front of it; a path begins anywhere.
    #[inline]
    fn word(&self, text: &[u8], at: usize) -> Option<&[u8]> {
        let begins = self.first[usize::from(text[at])]
            && text.get(at + 1).is_some_and(|&second| self.second[usize::from(second)])
            && (text[at] == b'/' || at == 0 || !text[at - 1].is_ascii_alphanumeric());
        begins
            .then(|| {
                self.words
                    .iter()
                    .find(|word| word[..2] == text[at..at + 2] && text[at..].starts_with(word))
                    .map(|word| &**word)
            })
            .flatten()
    }
}

/// Where the name behind the word at `at` begins and ends: in its quotes or brackets, or up to the next blank.
fn name(text: &[u8], at: usize, word: &[u8]) -> (usize, usize) {
    // A word that brings its quote along holds only where it stands.
    let at = at + word.len() - usize::from(word.ends_with(b"\""));
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
            let length = match text.get(at) {
                // A name that begins with what ends others goes up to the next blank.
                Some(byte) if !path && ends(byte) => text[at..].iter().position(|&byte| byte == b' ' || byte == b'\t'),
                _ => text[at..].iter().position(ends),
            };
            let length = length.unwrap_or(text.len() - at);
            // A bracket that was opened within the name ends it no more than a letter does: `192[.]0[.]2[.]1`.
            let opened = |length: usize| text.get(at + length) == Some(&b']') && text[at..at + length].contains(&b'[');
            let length = match opened(length) {
                true => text[at..].iter().position(|&byte| byte != b']' && ends(&byte)).unwrap_or(text.len() - at),
                false => length,
            };
            let stops = text[at..at + length].iter().rev().take_while(|byte| matches!(byte, b':' | b'.')).count();
            return (at, at + length - stops);
        }
    };
    // Without the closing one, all of the rest may be the name.
    let length = memchr::memchr(close, &text[at + 1..]).unwrap_or(text.len() - at - 1);
    (at + 1, at + 1 + length)
}

/// How many names within a name are looked at; with more of them all of the rest is the name.
const MOST_NESTED: usize = 16;

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
    b"illegal",
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
    b"uid",
    b"unknown",
    b"user",
    b"users",
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
        let words = Words::new(&["for ", "T=\""], 0);
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
            ("user= x, user >a), b", vec![">a),"]),
            ("user 'kari", vec!["kari"]),
            ("login for user kari", vec!["kari"]),
            ("for 192[.]0[.]2[.]1, x", vec!["192[.]0[.]2[.]1"]),
            ("(user kari] x", vec!["kari"]),
            ("user=' user 'kari' x", vec![" user 'kari"]),
            ("user=x=user kari x", vec!["x=user kari"]),
            ("T=\"a b\" T=smtp", vec!["a b"]),
        ] {
            assert_eq!(users(text), names, "{text}");
        }
    }
}
