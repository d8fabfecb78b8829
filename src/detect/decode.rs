//! Escapes → what they stand for, so that `%40`, `\x2e`, `\u002e`, `&#46;` and full-width characters hide nothing; nor does
//! what people write so that nobody clicks on it: `203[.]0[.]113[.]7`, `kari (at) example [dot] org`.
//!
//! Any nesting (`%252e`, `\\x2e`) is undone in one pass: what an escape yields may end or start another.

use super::bytes::nibble;
use crate::record::Span;
use memchr::{memchr, memchr3, memrchr};

/// A text with its escapes undone, and where each byte came from.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    text: Vec<u8>,
    /// For each byte of `text` where its spelling starts in the text it came from, and one more for the end.
    starts: Vec<u32>,
}

/// The longest spelling of one byte after inner escapes are undone: `&#x0000002e;`.
const LONGEST: usize = 12;

impl Decoded {
    /// Undoes the escapes of `text`. False if there were none.
    pub(super) fn read(&mut self, text: &[u8]) -> bool {
        self.undo::<true>(text)
    }

    /// The same where nobody will ask for [`Decoded::source`].
    pub(super) fn read_only(&mut self, text: &[u8]) -> bool {
        self.undo::<false>(text)
    }

    #[inline]
    fn undo<const MAPPED: bool>(&mut self, text: &[u8]) -> bool {
        self.text.clear();
        self.starts.clear();
        let mut at = 0;
        // Up to where bytes have to be looked at one by one.
        let mut busy = 0;
        let mut undone = false;
        let mut bracket = next_bracketed(text, 0);
        while at < text.len() {
            if at >= busy {
                let rest = &text[at..bracket.start.max(at)];
                // Escapes come in rows.
                let here = matches!(text[at], b'%' | b'\\') && at < bracket.start;
                let plain = if here { 0 } else { next_escape(rest).unwrap_or(rest.len()) };
                self.text.extend_from_slice(&rest[..plain]);
                if MAPPED {
                    self.starts.extend(at as u32..(at + plain) as u32);
                }
                at += plain;
                if at == text.len() {
                    break;
                }
            }
            if at >= bracket.start {
                if at == bracket.start {
                    if MAPPED {
                        self.starts.push(at as u32);
                    }
                    self.text.push(bracket.value);
                    at = bracket.end;
                    undone = true;
                }
                bracket = next_bracketed(text, at);
                continue;
            }
            let byte = text[at];
            if MAPPED {
                self.starts.push(at as u32);
            }
            if let (b'%', Some(value)) = (byte, hexadecimal(text, at + 1)) {
                // By far the most common one.
                self.text.push(value);
                at += 3;
                undone = true;
                busy = busy.max(at + reach(value));
                if at >= busy || !ends_escape(value) {
                    continue;
                }
            } else {
                self.text.push(byte);
                at += 1;
                busy = busy.max(at + reach(byte));
                if !ends_escape(byte) {
                    continue;
                }
            }
            while let Some((length, value)) = last_escape(&self.text) {
                let keep = self.text.len() - length;
                self.text.truncate(keep);
                if MAPPED {
                    self.starts.truncate(keep + 1);
                }
                self.text.push(value);
                undone = true;
                busy = busy.max(at + reach(value));
            }
        }
        if MAPPED {
            self.starts.push(text.len() as u32);
        }
        undone
    }

    /// The text without escapes.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Where a span of [`Decoded::text`] stands in the text it came from, whole spellings included.
    pub(super) fn source(&self, span: Span) -> Span {
        Span { start: self.starts[span.start as usize], end: self.starts[span.end as usize] }
    }

    /// Whether `at`, a place in the text it came from, directly follows an escape: this view then sees the same bytes from
    /// there on, with what is truly in front of them.
    pub(super) fn follows_escape(&self, at: u32) -> bool {
        self.starts.binary_search(&at).is_ok_and(|i| i > 0 && self.starts[i - 1] + 1 != at)
    }
}

/// Where a text may hold escapes.
#[derive(Debug, Default)]
pub(super) struct Escapes {
    /// Whether there are any, and whether one is in brackets, which may have blanks around them.
    any: bool,
    bracketed: bool,
    /// The words that hold them, each with the one before and the one behind it. They are apart and stand in order.
    parts: Vec<Span>,
    /// Where the last word ends that holds one.
    end: usize,
}

impl Escapes {
    pub(super) fn clear(&mut self) {
        self.parts.clear();
        (self.any, self.bracketed, self.end) = (false, false, 0);
    }

    /// Takes that there is one.
    pub(super) fn tell(&mut self) {
        self.any = true;
    }

    /// Takes what [`may_be`] says is one, for those who ask for parts. They come in order.
    pub(super) fn note(&mut self, text: &[u8], at: usize) {
        self.any = true;
        self.bracketed |= matches!(text[at], b']' | b')');
        if at < self.end {
            return;
        }
        let floor = self.end;
        let word_start = |end: usize| memrchr(b' ', &text[floor..end]).map_or(floor, |blank| floor + blank + 1);
        let word_end = |start: usize| match text.get(start..) {
            Some(rest) => memchr(b' ', rest).map_or(text.len(), |blank| start + blank),
            None => text.len(),
        };
        let start = word_start(at);
        let before = word_start(start.saturating_sub(1).max(floor));
        self.end = word_end(at);
        let behind = word_end(self.end + 1) as u32;
        match self.parts.last_mut() {
            Some(last) if before as u32 <= last.end => last.end = behind,
            _ => self.parts.push(Span { start: before as u32, end: behind }),
        }
    }

    /// Whether there are any.
    #[inline]
    pub(super) fn any(&self) -> bool {
        self.any
    }

    /// The parts of the text outside of which no escape is. None where that would be said too easily.
    pub(super) fn parts(&self) -> Option<&[Span]> {
        (!self.bracketed).then_some(&self.parts)
    }
}

/// Whether an escape may start at `at`, or one in brackets or with a semicolon end there. [`Decoded::read`] would change
/// nothing where this is false everywhere.
#[inline]
pub(super) fn may_be(text: &[u8], at: usize) -> bool {
    let rest = &text[at..];
    match rest {
        [b'%', next, ..] => nibble(*next).is_some() || matches!(next, b'u' | b'U'),
        [b'\\', _, ..] => true,
        [b';', ..] => {
            // All names are of small letters.
            let before = &text[at.saturating_sub(LONGEST - 1)..at];
            let name = before.iter().rposition(|&byte| byte == b'&').map(|start| &before[start + 1..]);
            name.is_some_and(|name| name.starts_with(b"#") || name.iter().all(u8::is_ascii_lowercase))
        }
        [b']' | b')', ..] => {
            let floor = at.saturating_sub(4);
            let open = text[floor..at].iter().rposition(|&b| matches!(b, b'[' | b'('));
            open.is_some_and(|open| bracketed(text, floor + open).is_some())
        }
        [0xEF, 0xBC | 0xBD, ..] | [0xE3, 0x80, 0x82, ..] => true,
        _ => false,
    }
}

/// The byte that two hexadecimal digits at `at` spell.
#[inline]
fn hexadecimal(text: &[u8], at: usize) -> Option<u8> {
    let digits = text.get(at..at + 2)?;
    Some((nibble(digits[0])? << 4) | nibble(digits[1])?)
}

/// Whether an escape may end with this byte.
#[inline]
fn ends_escape(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' | b'"' | b'\'' | b'/' | b'\\' | b'.' | b':' | b'n' | b't' | b'r' | b';' | 128..)
}

/// How far behind a byte its escape may end.
#[inline]
fn reach(byte: u8) -> usize {
    match byte {
        b'%' | b'\\' | b'&' => LONGEST,
        // Three bytes, each of them perhaps as `%ef`.
        0xEF | 0xE3 => 9,
        _ => 0,
    }
}

/// One sign in brackets, with the blanks around it.
struct Bracketed {
    start: usize,
    end: usize,
    value: u8,
}

/// The first sign in brackets from `at` on; one behind the end where there is none.
fn next_bracketed(text: &[u8], at: usize) -> Bracketed {
    let mut from = at;
    while let Some(found) = memchr::memchr2(b'[', b'(', &text[from..]) {
        if let Some(bracketed) = bracketed(text, from + found)
            && bracketed.start >= at
        {
            return bracketed;
        }
        from += found + 1;
    }
    Bracketed { start: text.len(), end: text.len(), value: 0 }
}

/// The sign that the bracket at `open` holds: `[.]`, `[dot]`, `[:]`, and `[at]` or `[@]` in front of a domain with a dot.
fn bracketed(text: &[u8], open: usize) -> Option<Bracketed> {
    let rest = &text[open..text.len().min(open + 5)];
    let close = rest.iter().position(|&b| matches!(b, b']' | b')'))?;
    if (rest[0] == b'[') != (rest[close] == b']') {
        return None;
    }
    let value = match &rest[1..close] {
        [b'.'] | [b'd' | b'D', b'o' | b'O', b't' | b'T'] => b'.',
        [b':'] => b':',
        [b'@'] | [b'a' | b'A', b't' | b'T'] => b'@',
        _ => return None,
    };
    let (mut start, mut end) = (open, open + close + 1);
    if start > 0 && text[start - 1] == b' ' && text.get(end) == Some(&b' ') {
        (start, end) = (start - 1, end + 1);
    }
    let before = start.checked_sub(1).map(|at| text[at])?;
    let after = *text.get(end)?;
    let joins = |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80;
    let fits = match value {
        b':' => (joins(before) || before == b']') && (joins(after) || after == b'['),
        b'@' => (joins(before) || matches!(before, b'_' | b'-' | b'+')) && is_domain_ahead(text, end),
        _ => joins(before) && joins(after),
    };
    fits.then_some(Bracketed { start, end, value })
}

/// Whether a name with a dot in it, however the dot is written, stands at `at`.
fn is_domain_ahead(text: &[u8], at: usize) -> bool {
    let rest = &text[at..text.len().min(at + DOMAIN_REACH)];
    let name = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-' || **byte >= 0x80).count();
    let behind = rest[name..].strip_prefix(b" ").unwrap_or(&rest[name..]);
    name > 0
        && match behind {
            [b'.', next, ..] => rest[name] == b'.' && next.is_ascii_alphanumeric(),
            [b'[' | b'(', b'.' | b'd' | b'D', ..] => true,
            _ => false,
        }
}

/// How far a domain's first label may reach.
const DOMAIN_REACH: usize = 64;

fn next_escape(text: &[u8]) -> Option<usize> {
    // Escapes come in rows.
    if let Some(b'%' | b'\\' | b'&') = text.first() {
        return Some(0);
    }
    let ascii = memchr3(b'%', b'\\', b'&', text);
    let reach = ascii.unwrap_or(text.len());
    memchr::memchr2(0xEF, 0xE3, &text[..reach]).or(ascii)
}

/// The escape that ends at the end of `text`: its length and what it stands for.
fn last_escape(text: &[u8]) -> Option<(usize, u8)> {
    let (&last, before) = text.split_last()?;
    if let Some(low) = nibble(last) {
        if let [.., b'%', high] | [.., b'\\', b'x' | b'X', high] = before
            && let Some(high) = nibble(*high)
        {
            let length = if before[before.len() - 2] == b'%' { 3 } else { 4 };
            return Some((length, (high << 4) | low));
        }
        if let [.., b'%' | b'\\', b'u' | b'U', a, b, c] = before {
            let value = [*a, *b, *c, last].iter().try_fold(0u32, |v, &d| Some((v << 4) | u32::from(nibble(d)?)))?;
            return Some((6, folded(value)?));
        }
        if let [.., b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7'] = before
            && (b'0'..=b'7').contains(&last)
        {
            return Some((4, ((a - b'0') << 6) | ((b - b'0') << 3) | (last - b'0')));
        }
    }
    if let [.., b'\\'] = before {
        let value = match last {
            // A pattern's stop and colon: `203\.0\.113\.7`.
            b'"' | b'\'' | b'/' | b'\\' | b'.' | b':' => last,
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            _ => return None,
        };
        return Some((2, value));
    }
    if last == b';' {
        return entity(text);
    }
    if last >= 0x80 {
        // U+FF01–U+FF5E stand for ASCII; U+3002 and U+FF61 are stops that browsers take for dots.
        return match text {
            [.., 0xEF, 0xBC, b @ 0x81..=0xBF] => Some((3, b - 0x80 + 0x20)),
            [.., 0xEF, 0xBD, b @ 0x80..=0x9E] => Some((3, b - 0x80 + 0x60)),
            [.., 0xE3, 0x80, 0x82] | [.., 0xEF, 0xBD, 0xA1] => Some((3, b'.')),
            _ => None,
        };
    }
    None
}

/// An ASCII character, or one that stands for it in full width.
fn folded(value: u32) -> Option<u8> {
    match value {
        0xFF01..=0xFF5E => u8::try_from(value - 0xFEE0).ok(),
        0x3002 | 0xFF61 => Some(b'.'),
        0..=0x7F => Some(value as u8),
        // Any other letter: a byte that may stand in a name and nowhere else.
        _ => Some(0xC0),
    }
}

/// `&#46;`, `&#x2e;`, `&commat;` at the end of `text`.
fn entity(text: &[u8]) -> Option<(usize, u8)> {
    let floor = text.len().saturating_sub(LONGEST);
    let start = floor + text[floor..].iter().rposition(|&b| b == b'&')?;
    let value = match &text[start + 1..text.len() - 1] {
        [b'#', b'x' | b'X', digits @ ..] if !digits.is_empty() => {
            digits.iter().try_fold(0u32, |v, &d| Some((v << 4) | u32::from(nibble(d)?)))?
        }
        [b'#', digits @ ..] if !digits.is_empty() => digits
            .iter()
            .try_fold(0u32, |v, &d| d.is_ascii_digit().then(|| v.wrapping_mul(10).wrapping_add(u32::from(d - b'0'))))?,
        b"amp" => u32::from(b'&'),
        b"quot" => u32::from(b'"'),
        b"apos" => u32::from(b'\''),
        b"lt" => u32::from(b'<'),
        b"gt" => u32::from(b'>'),
        b"colon" => u32::from(b':'),
        b"period" => u32::from(b'.'),
        b"commat" => u32::from(b'@'),
        b"sol" => u32::from(b'/'),
        b"hyphen" | b"dash" => u32::from(b'-'),
        b"lowbar" => u32::from(b'_'),
        b"lsqb" | b"lbrack" => u32::from(b'['),
        b"rsqb" | b"rbrack" => u32::from(b']'),
        b"nbsp" => u32::from(b' '),
        _ => return None,
    };
    Some((text.len() - start, folded(value)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &[u8]) -> Vec<u8> {
        let mut decoded = Decoded::default();
        decoded.read(text);
        decoded.text().to_vec()
    }

    #[test]
    fn every_escape_is_undone_in_any_nesting() {
        for escaped in [
            "a%2eb",
            "a%2Eb",
            "a%252eb",
            "a%25252eb",
            "a\\x2eb",
            "a\\u002eb",
            "a\\\\x2eb",
            "a&#46;b",
            "a&#x2e;b",
            "a&period;b",
            "a%u002eb",
            "a\\056b",
            "a%26%2346%3Bb",
            "a。b",
            "a．b",
            "a%EF%BC%8Eb",
            "a%32%65b",
            "a%5Cx2eb",
            "a%25%32%65b",
        ] {
            let expected: &[u8] = if escaped == "a%32%65b" { b"a2eb" } else { b"a.b" };
            assert_eq!(decoded(escaped.as_bytes()), expected, "{escaped}");
        }
    }

    #[test]
    fn signs_in_brackets_are_signs() {
        for (text, plain) in [
            ("see hxxp://203[.]0[.]113[.]7/x", "see hxxp://203.0.113.7/x"),
            ("203(.)0[dot]113 (dot) 7", "203.0.113.7"),
            ("kari(at)example.org", "kari@example.org"),
            ("to kari [at] example [dot] org.", "to kari@example.org."),
            ("kari[@]example[.]org", "kari@example.org"),
            ("2001[:]db8[:][:]7", "2001:db8::7"),
            ("203[.]0%2e113[.]7", "203.0.113.7"),
        ] {
            assert_eq!(decoded(text.as_bytes()), plain.as_bytes(), "{text}");
            let may = (0..text.len()).any(|at| may_be(text.as_bytes(), at));
            assert!(may, "{text}");
        }
        for text in ["look [at] this", "f(at)bar", "a [.]b[", "(at)example.org", "[.]", "x[.", "a(.]b", "(d)", "x(dot)"]
        {
            assert!(!Decoded::default().read(text.as_bytes()), "{text}");
            assert!(!(0..text.len()).any(|at| may_be(text.as_bytes(), at)), "{text}");
        }
    }

    #[test]
    fn broken_escapes_stay_as_they_are() {
        for text in ["a%", "a%2", "a%zz", "a\\", "a\\x2", "a\\u00", "&;", "&#;", "&#x;", "100 % sure", "&page=1"] {
            let mut decoded = Decoded::default();
            assert!(!decoded.read(text.as_bytes()), "{text}");
            assert_eq!(decoded.text(), text.as_bytes());
        }
    }

    #[test]
    fn spans_cover_whole_spellings() {
        let mut decoded = Decoded::default();
        assert!(decoded.read(b"x 1%2E2%252E3.4"));
        assert_eq!(decoded.text(), b"x 1.2.3.4");
        assert_eq!(decoded.source(Span::new(2, 9)), Span::new(2, 15));
        assert_eq!(decoded.source(Span::new(3, 4)), Span::new(3, 6));
    }
}
