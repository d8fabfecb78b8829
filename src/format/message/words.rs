//! Users in texts of no known shape: behind words that introduce them.

/// Words behind which a user's name stands.
#[derive(Clone, Debug)]
pub(super) struct Words {
    /// The words, in their order among those that begin alike.
    words: Box<[Box<[u8]>]>,
    /// Which of them begin with a byte: from the first to behind the last.
    first: Box<[(u16, u16); 256]>,
    /// What a byte may be: [`BEGINS`], [`GOES_ON`].
    class: Box<[u8; 256]>,
    /// The field of the users.
    pub(super) field: u16,
}

impl Words {
    pub(super) fn new(own: &[&str], field: u16) -> Words {
        let mut words: Vec<Box<[u8]>> = COMMON.iter().chain(own).map(|word| word.as_bytes().into()).collect();
        words.sort_by_key(|word| word[0]);
        let (mut first, mut class) = (Box::new([(0, 0); 256]), Box::new([0; 256]));
        for (i, word) in (0..).zip(&words) {
            let range = &mut first[usize::from(word[0])];
            *range = (if range.1 == 0 { i } else { range.0 }, i + 1);
            class[usize::from(word[0])] = BEGINS;
        }
        for (byte, class) in (0..=u8::MAX).zip(&mut *class) {
            *class |= if byte.is_ascii_alphanumeric() { GOES_ON } else { 0 };
        }
        Words { words: words.into(), first, class, field }
    }

    /// The next user of `line[from..to]`: where the name begins and ends.
    pub(super) fn next(&self, line: &[u8], from: usize, to: usize) -> Option<(usize, usize)> {
        let text = &line[..to];
        let mut at = from;
        while let Some((place, word)) = self.seek(text, at, to) {
            let (start, mut end) = name(text, place, word);
            if end > start && !(word.ends_with(b" ") && HARMLESS.contains(&&text[start..end])) {
                // A name in which another is introduced goes on to the end of that one.
                at = start;
                let mut nested = 0;
                while end < to
                    && let Some((place, word)) = self.seek(text, at, end)
                {
                    nested += 1;
                    end = if nested > MOST_NESTED { to } else { end.max(name(text, place, word).1) };
                    at = place + 1;
                }
                return Some((start, end));
            }
            at = place + word.len();
        }
        None
    }

    /// The first word that begins in `text[from..until]`, and where: no letter stands in front of it; a path begins anywhere.
    #[inline]
    fn seek(&self, text: &[u8], from: usize, until: usize) -> Option<(usize, &[u8])> {
        let class = |byte: u8| self.class[usize::from(byte)];
        let mut goes_on = from > 0 && class(text[from - 1]) & GOES_ON != 0;
        for (at, &byte) in (from..until).zip(text.get(from..until)?) {
            let class = class(byte);
            if class & BEGINS != 0
                && (!goes_on || byte == b'/')
                && let Some(word) = self.word(&text[at..], byte)
            {
                return Some((at, word));
            }
            goes_on = class & GOES_ON != 0;
        }
        None
    }

    /// The first of the words that `text` begins with, whose first byte is `byte`.
    #[inline]
    fn word(&self, text: &[u8], byte: u8) -> Option<&[u8]> {
        let (first, last) = self.first[usize::from(byte)];
        self.words[usize::from(first)..usize::from(last)].iter().find(|word| text.starts_with(word)).map(|word| &**word)
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

/// A word begins with it.
const BEGINS: u8 = 1;
/// A word may go on with it: none begins behind it.
const GOES_ON: u8 = 2;

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
