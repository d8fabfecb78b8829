//! What the program that writes a log guarantees of a value: which bytes can stand in it, and its form.
//!
//! A grammar is a promise of the server, not of its visitors: a header that should hold an address is [`Grammar::Text`].

use super::{Malformed, seek};

/// The form of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grammar {
    /// Anything that the dialect can write.
    Text,
    /// A user: anything, and Apache writes an empty one as two raw quotes.
    User,
    /// `%l`: a dash, or anything that is not an address.
    Identity,
    /// No blank, no control byte.
    Token,
    /// A virtual host in the first place of a line: a host name or an address, with or without port.
    Host,
    /// A client: an address, a host name, `unix:`, or a list of them with a blank after each comma.
    Client,
    /// A client behind a virtual host: never missing, and where it is a name, ` - ` follows it.
    Visitor,
    /// One address, or `unix:`.
    Address,
    /// Upstream addresses: `192.0.2.1:80, unix:/run/a.sock : 198.51.100.2:80`.
    Addresses,
    /// `-?[0-9]*(\.[0-9]+)?`
    Number,
    /// Upstream numbers: `0.001, 0.002 : -`.
    Numbers,
    /// Three digits.
    Status,
    /// `[A-Za-z0-9_-]+`
    Method,
    /// `HTTP/1.1`
    Protocol,
    /// A word of a closed set.
    Word,
    /// `10/Oct/2000:13:55:36 -0700`
    Clf,
    /// `2026-11-21T10:00:00+01:00`
    Iso,
    /// A time of so many bytes in another layout.
    Fixed(u8),
    /// A time in a layout of varying length.
    Time,
}

impl Grammar {
    /// Whether `byte` can stand in a value of this form, whatever the dialect says.
    pub(crate) const fn holds(self, byte: u8) -> bool {
        match self {
            Grammar::Text | Grammar::User | Grammar::Identity => true,
            Grammar::Token => byte > b' ' && byte != 0x7f,
            Grammar::Host => byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']'),
            Grammar::Client | Grammar::Visitor => Grammar::Address.holds(byte) || byte == b',',
            Grammar::Address => {
                byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']' | b'%')
            }
            Grammar::Addresses => {
                Grammar::Address.holds(byte) || matches!(byte, b',' | b' ' | b'/' | b'~' | b'+' | b'@')
            }
            Grammar::Number => byte.is_ascii_digit() || matches!(byte, b'.' | b'-'),
            Grammar::Numbers => Grammar::Number.holds(byte) || matches!(byte, b',' | b' ' | b':'),
            Grammar::Status => byte.is_ascii_digit() || byte == b'-',
            Grammar::Method => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
            Grammar::Protocol => byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-'),
            Grammar::Word => {
                byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\' | b'<' | b'>' | b'{' | b'}')
            }
            Grammar::Clf | Grammar::Iso | Grammar::Fixed(_) | Grammar::Time => {
                byte.is_ascii_alphanumeric()
                    || matches!(byte, b' ' | b'/' | b':' | b'+' | b'-' | b'.' | b',' | b'(' | b')')
            }
        }
    }

    /// How many bytes every value has, if they all have the same number.
    pub(crate) const fn width(self) -> Option<usize> {
        match self {
            Grammar::Clf => Some(26),
            Grammar::Iso => Some(25),
            Grammar::Fixed(width) => Some(width as usize),
            Grammar::Text
            | Grammar::User
            | Grammar::Identity
            | Grammar::Token
            | Grammar::Host
            | Grammar::Client
            | Grammar::Visitor
            | Grammar::Address
            | Grammar::Addresses
            | Grammar::Number
            | Grammar::Numbers
            | Grammar::Status
            | Grammar::Method
            | Grammar::Protocol
            | Grammar::Word
            | Grammar::Time => None,
        }
    }

    /// Whether nothing but the dialect bounds it.
    pub(crate) const fn is_text(self) -> bool {
        matches!(self, Grammar::Text | Grammar::User | Grammar::Identity)
    }

    /// What an error calls it.
    pub(crate) const fn expected(self) -> &'static str {
        match self {
            Grammar::Text => "value",
            Grammar::User => "user",
            Grammar::Identity => "identity",
            Grammar::Token => "value without blank",
            Grammar::Host => "host",
            Grammar::Client | Grammar::Visitor => "client",
            Grammar::Address => "address",
            Grammar::Addresses => "addresses",
            Grammar::Number => "number",
            Grammar::Numbers => "numbers",
            Grammar::Status => "status",
            Grammar::Method => "method",
            Grammar::Protocol => "protocol",
            Grammar::Word => "word",
            Grammar::Clf | Grammar::Iso | Grammar::Fixed(_) | Grammar::Time => "time",
        }
    }

    /// Whether `value`, of bytes that the form holds, has the form. A dash stands for a missing value in every form but
    /// a time; an empty value is missing too where the dialect writes it so, which is not asked here.
    pub(crate) fn fits(self, value: &[u8]) -> bool {
        match self {
            Grammar::Text
            | Grammar::User
            | Grammar::Identity
            | Grammar::Token
            | Grammar::Addresses
            | Grammar::Method
            | Grammar::Protocol
            | Grammar::Word
            | Grammar::Time => true,
            Grammar::Host => {
                let begins = value.first().is_some_and(|&byte| !matches!(byte, b'-' | b':' | b'.'));
                (begins || value == b"-") && brackets_hold(value)
            }
            Grammar::Client | Grammar::Visitor => {
                let dash = value == b"-" || value.starts_with(b"-,");
                !value.is_empty() && (dash || value[0] != b'-') && value[0] != b','
            }
            Grammar::Address => value == b"-" || value.starts_with(b"unix:") || is_address(value),
            Grammar::Number => is_number(value),
            Grammar::Numbers => {
                value.split(|&byte| matches!(byte, b',' | b' ' | b':')).all(|one| one.is_empty() || is_number(one))
            }
            Grammar::Status => value == b"-" || (value.len() == 3 && value.iter().all(u8::is_ascii_digit)),
            Grammar::Clf => is_clf(value),
            Grammar::Iso => is_iso(value),
            Grammar::Fixed(width) => value.len() == width as usize && value.iter().all(|&byte| self.holds(byte)),
        }
    }
}

/// The end of the value of form `grammar` that starts at `at`, where the literal behind it cannot begin inside it.
/// `blank`: that literal starts with a blank, and a list goes on over the blanks that belong to it.
#[inline]
pub(crate) fn scan(
    grammar: Grammar,
    table: &[bool; 256],
    line: &[u8],
    at: usize,
    blank: bool,
) -> Result<usize, Malformed> {
    let mut end = at;
    loop {
        while end < line.len() && table[line[end] as usize] && !(blank && line[end] == b' ') {
            end += 1;
        }
        if blank && end < line.len() && line[end] == b' ' && joins(line, at, end) {
            end += 1;
        } else {
            break;
        }
    }
    if grammar.fits(&line[at..end]) { Ok(end) } else { Err(Malformed { at: at as u32, expected: grammar.expected() }) }
}

/// Whether the blank at `blank` belongs to a list: behind a comma, or on either side of the colon of ` : `.
fn joins(line: &[u8], start: usize, blank: usize) -> bool {
    let before = &line[start..blank];
    before.ends_with(b",") || line[blank + 1..].starts_with(b": ") || before.ends_with(b" :")
}

/// The end of the client at `at`: up to the first blank that does not follow a comma.
#[inline]
pub(crate) fn client(line: &[u8], at: usize) -> Result<usize, Malformed> {
    let mut end = run(line, at);
    while end > at && line[end - 1] == b',' && line.get(end) == Some(&b' ') {
        end = run(line, end + 1);
    }
    // A dash stands alone, or for an element that was withheld: `-, 192.0.2.0`.
    let fits = end > at && line[at] != b',' && (line[at] != b'-' || end == at + 1 || line[at + 1] == b',');
    if fits && brackets_hold(&line[at..end]) { Ok(end) } else { Err(Malformed { at: at as u32, expected: "client" }) }
}

/// Whether each bracket holds an address: what stands for an identifier in scrubbed text, `[email]`, is no client. But
/// `[id]` is: it stands for a client's host name where only addresses are hidden.
#[inline]
fn brackets_hold(value: &[u8]) -> bool {
    let mut rest = value;
    while let Some(open) = rest.iter().position(|&byte| byte == b'[') {
        rest = &rest[open + 1..];
        let close = rest.iter().position(|&byte| byte == b']').unwrap_or(rest.len());
        let inside = &rest[..close];
        if inside != b"id" && !inside.iter().any(|byte| matches!(byte, b':' | b'.')) {
            return false;
        }
    }
    true
}

/// One past the bytes of a client from `at` on.
#[inline]
fn run(line: &[u8], at: usize) -> usize {
    // The bytes that `Grammar::Client` holds, without a branch.
    seek::first(line, at, |byte| {
        !(((byte | 0x20).wrapping_sub(b'a') < 26)
            | (byte.wrapping_sub(b'0') < 11)
            | (byte.wrapping_sub(b',') < 3)
            | (byte == b'_')
            | (byte == b'[')
            | (byte == b']')
            | (byte == b'%'))
    })
}

/// The end of the host at `at`.
#[inline]
pub(crate) fn host(line: &[u8], at: usize) -> Result<usize, Malformed> {
    let end = seek::first(line, at, |byte| {
        !(((byte | 0x20).wrapping_sub(b'a') < 26)
            | (byte.wrapping_sub(b'0') < 11)
            | (byte.wrapping_sub(b'-') < 2)
            | (byte == b'_')
            | (byte == b'[')
            | (byte == b']'))
    });
    // A dash alone stands for a host that was withheld.
    let begins = end > at && (!matches!(line[at], b'-' | b':' | b'.') || line[at] == b'-' && end == at + 1);
    let fits = begins && brackets_hold(&line[at..end]);
    if fits { Ok(end) } else { Err(Malformed { at: at as u32, expected: "host" }) }
}

/// Whether the value is an address without brackets or port; an IPv6 address may have a zone.
pub(crate) fn is_address(value: &[u8]) -> bool {
    if value.contains(&b':') {
        let value = value.iter().position(|&byte| byte == b'%').map_or(value, |zone| &value[..zone]);
        return is_v6(value);
    }
    is_v4(value)
}

fn is_v4(value: &[u8]) -> bool {
    let mut parts = 0;
    value.split(|&byte| byte == b'.').all(|part| {
        parts += 1;
        let number = part
            .iter()
            .fold(0u32, |sum, &byte| sum.saturating_mul(10).saturating_add(u32::from(byte.wrapping_sub(b'0'))));
        (1..=3).contains(&part.len()) && part.iter().all(u8::is_ascii_digit) && number <= 255
    }) && parts == 4
}

fn is_v6(value: &[u8]) -> bool {
    if value.len() > 45 {
        return false;
    }
    let groups = |text: &[u8]| -> Option<usize> {
        if text.is_empty() {
            return Some(0);
        }
        let mut count = 0;
        let mut pieces = text.split(|&byte| byte == b':').peekable();
        while let Some(piece) = pieces.next() {
            if pieces.peek().is_none() && piece.contains(&b'.') {
                return is_v4(piece).then_some(count + 2);
            }
            if !(1..=4).contains(&piece.len()) || !piece.iter().all(u8::is_ascii_hexdigit) {
                return None;
            }
            count += 1;
        }
        Some(count)
    };
    match value.windows(2).position(|pair| pair == b"::") {
        Some(gap) => match (groups(&value[..gap]), groups(&value[gap + 2..])) {
            (Some(left), Some(right)) => left + right <= 7 && !value[..gap].contains(&b'.'),
            _ => false,
        },
        None => groups(value) == Some(8),
    }
}

/// `-`, nothing, or `-?[0-9]+(\.[0-9]+)?` with a leading digit left out or not.
#[inline]
fn is_number(value: &[u8]) -> bool {
    let value = value.strip_prefix(b"-").unwrap_or(value);
    let mut points = 0;
    value.iter().all(|&byte| {
        points += usize::from(byte == b'.');
        byte.is_ascii_digit() || byte == b'.'
    }) && points <= 1
        && value != b"."
}

/// Whether such a time stands somewhere in the line, in brackets and with a quote behind them: `[…] "`.
#[inline]
pub(crate) fn holds_clf(line: &[u8]) -> bool {
    let mut at = 0;
    while let Some(length) = line.get(at..).and_then(|rest| memchr::memchr(b']', rest)) {
        let close = at + length;
        if line[close..].starts_with(b"] \"")
            && close > 26
            && line[close - 27] == b'['
            && is_clf(&line[close - 26..close])
        {
            return true;
        }
        at = close + 1;
    }
    false
}

/// The shape of `10/Oct/2000:13:55:36 -0700`. Eight bytes at a time; the plain version stands in the tests.
#[inline(always)]
pub(crate) fn is_clf(value: &[u8]) -> bool {
    let Ok(value) = <&[u8; 26]>::try_from(value) else { return false };
    let word = |at: usize| {
        let v = &value[at..at + 8];
        u64::from_le_bytes([v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]])
    };
    let (date, year, second, zone) = (word(0), word(8), word(16), word(18));
    let wrong = shape(date, u64::from_le_bytes(*b"00/\0\0\0/0"))
        | shape(year, u64::from_le_bytes(*b"000:00:0"))
        | shape(second, u64::from_le_bytes(*b"0:00 \x0000"))
        | shape(zone, u64::from_le_bytes(*b"00 \x000000"));
    let month = u64::from_le_bytes([0, 0, 0, 0xff, 0xff, 0xff, 0, 0]);
    wrong == 0 && letters(date) & month == HIGH & month && matches!(value[21], b'+' | b'-')
}

/// Nothing where `word` has a digit for each `0` of `shape`, anything for each NUL, and the byte itself elsewhere.
#[inline(always)]
const fn shape(word: u64, shape: u64) -> u64 {
    let mut wrong = 0;
    let mut at = 0;
    // Resolved when compiled: `shape` is a constant at every place of use.
    let (mut digits, mut same) = (0, 0);
    while at < 64 {
        match (shape >> at) as u8 {
            b'0' => digits |= 0xff << at,
            0 => {}
            _ => same |= 0xff << at,
        }
        at += 8;
    }
    wrong |= (word ^ shape) & same;
    wrong | (others_than_digits(word) & digits)
}

/// The high bit of each byte that is no digit.
#[inline]
pub(crate) const fn others_than_digits(word: u64) -> u64 {
    let low = word ^ 0x3030_3030_3030_3030;
    (((low & !HIGH) + 0x7676_7676_7676_7676) | low) & HIGH
}

/// The high bit of each byte that is an ASCII letter.
#[inline(always)]
const fn letters(word: u64) -> u64 {
    let low = (word & !HIGH) | 0x2020_2020_2020_2020;
    let from_a = low + 0x1f1f_1f1f_1f1f_1f1f;
    let behind_z = low + 0x0505_0505_0505_0505;
    from_a & !behind_z & !word & HIGH
}

const HIGH: u64 = 0x8080_8080_8080_8080;

/// The shape of `2026-11-21T10:00:00`.
#[inline]
pub(crate) fn is_dated(value: &[u8; 19]) -> bool {
    let word = |at: usize| {
        let v = &value[at..at + 8];
        u64::from_le_bytes([v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]])
    };
    let wrong = shape(word(0), u64::from_le_bytes(*b"0000-00-"))
        | shape(word(8), u64::from_le_bytes(*b"00\x0000:00"))
        | shape(word(11), u64::from_le_bytes(*b"00:00:00"));
    wrong == 0 && value[10] | 0x20 == b't'
}

/// The shape of `2026-11-21T10:00:00+01:00`.
fn is_iso(value: &[u8]) -> bool {
    value.len() == 25
        && value.iter().enumerate().all(|(at, &byte)| match at {
            4 | 7 => byte == b'-',
            10 => byte == b'T',
            13 | 16 | 22 => byte == b':',
            19 => byte == b'+' || byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_are_told_from_what_looks_like_them() {
        for yes in
            ["192.0.2.1", "2001:db8::1", "::", "::1", "::ffff:192.0.2.1", "fe80::1%eth0", "1:2:3:4:5:6:7:8", "1::"]
        {
            assert!(is_address(yes.as_bytes()), "{yes}");
        }
        for no in [
            "",
            "192.0.2",
            "192.0.2.256",
            "192.0.2.1.1",
            "1:2",
            ":::",
            "1::2::3",
            "12345::",
            "::g",
            "1:2:3:4:5:6:7:8:9",
            "a.b",
        ] {
            assert!(!is_address(no.as_bytes()), "{no}");
        }
    }

    #[test]
    fn a_client_list_goes_on_behind_commas_only() {
        assert_eq!(client(b"192.0.2.1 - x", 0), Ok(9));
        assert_eq!(client(b"192.0.2.1, 198.51.100.2 - x", 0), Ok(23));
        assert_eq!(client(b"192.0.2.1,198.51.100.2 - x", 0), Ok(22));
        assert_eq!(client(b"- - -", 0), Ok(1));
        assert_eq!(client(b"unix: - -", 0), Ok(5));
        assert!(client(b"{\"a\":1}", 0).is_err());
        assert!(client(b" - -", 0).is_err());
        assert!(client(b"-x - -", 0).is_err());
    }

    #[test]
    fn upstream_lists_keep_their_blanks() {
        let table: [bool; 256] = std::array::from_fn(|byte| Grammar::Numbers.holds(byte as u8));
        let end = |text: &str| scan(Grammar::Numbers, &table, text.as_bytes(), 0, true).unwrap();
        assert_eq!(end("0.001, 0.002 : 0.100 p ."), 20);
        assert_eq!(end("0.001 0.002"), 5);
        assert_eq!(end("- 5"), 1);
    }

    #[test]
    fn a_time_has_the_servers_shape() {
        assert!(is_clf(b"10/Oct/2000:13:55:36 -0700"));
        assert!(!is_clf(b"10/Oct/2000 13:55:36 -0700"));
        assert!(!is_clf(b"10/Oct/2000:13:55:36 -070"));
        assert!(is_iso(b"2026-11-21T10:00:00+01:00"));
        assert!(!is_iso(b"2026-11-21 10:00:00+01:00"));
    }

    fn plain_clf(value: &[u8]) -> bool {
        value.len() == 26
            && value.iter().enumerate().all(|(at, &byte)| match at {
                2 | 6 => byte == b'/',
                3..=5 => byte.is_ascii_alphabetic(),
                11 | 14 | 17 => byte == b':',
                20 => byte == b' ',
                21 => byte == b'+' || byte == b'-',
                _ => byte.is_ascii_digit(),
            })
    }

    #[test]
    fn a_time_with_any_one_byte_changed_is_judged_as_by_the_plain_version() {
        let time = *b"10/Oct/2000:13:55:36 -0700";
        for at in 0..26 {
            for byte in 0..=255 {
                let mut time = time;
                time[at] = byte;
                assert_eq!(is_clf(&time), plain_clf(&time), "{at} {byte}");
            }
        }
    }

    #[test]
    fn a_date_with_any_one_byte_changed_is_judged_as_by_the_plain_version() {
        let date = *b"2026-11-21T10:00:00";
        let plain = |date: &[u8; 19]| {
            date.iter().zip(b"0000-00-00T00:00:00").all(|(byte, shape)| match shape {
                b'0' => byte.is_ascii_digit(),
                b'T' => matches!(byte, b'T' | b't'),
                _ => byte == shape,
            })
        };
        for at in 0..19 {
            for byte in 0..=255 {
                let mut date = date;
                date[at] = byte;
                assert_eq!(is_dated(&date), plain(&date), "{at} {byte}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_line_holds_a_time_before_a_quote_where_the_plain_version_finds_one(
            pieces in proptest::collection::vec(prop_oneof![
                Just("[21/Nov/2026:10:00:00 +0100] \""), Just("[21/Nov/2026:10:00:00 +0100]"), Just("] \""), Just("["),
                Just("21/Nov/2026:10:00:00 +0100"), Just("[21/Nov/2026:10:00:00.001] "), Just("a"), Just("\""), Just(" "),
            ], 0..9),
        ) {
            let line = pieces.concat();
            let stands = |window: &[u8]| window[0] == b'[' && plain_clf(&window[1..27]) && &window[27..] == b"] \"";
            prop_assert_eq!(holds_clf(line.as_bytes()), line.as_bytes().windows(30).any(stands));
        }

        #[test]
        fn a_time_is_judged_as_by_the_plain_version(mut time in Just(*b"10/Oct/2000:13:55:36 -0700"), changes in proptest::collection::vec((0..26usize, any::<u8>()), 0..4)) {
            changes.into_iter().for_each(|(at, byte)| time[at] = byte);
            prop_assert_eq!(is_clf(&time), plain_clf(&time));
        }

        #[test]
        fn a_client_ends_where_the_plain_version_ends(line in r"[0-9a-zA-Z.:, _%/\\[\\]@^`{-]{0,40}|[0-9a-f.:, -]{0,40}") {
            let bytes = line.as_bytes();
            let mut end = 0;
            while end < bytes.len() && (Grammar::Client.holds(bytes[end]) || (end > 0 && bytes[end] == b' ' && bytes[end - 1] == b',')) {
                end += 1;
            }
            let fits = Grammar::Client.fits(&bytes[..end]);
            prop_assert_eq!(client(bytes, 0).ok(), fits.then_some(end));
            let end = bytes.iter().take_while(|byte| Grammar::Host.holds(**byte)).count();
            prop_assert_eq!(host(bytes, 0).ok(), (end > 0 && Grammar::Host.fits(&bytes[..end])).then_some(end));
        }

        #[test]
        fn an_address_is_what_the_standard_library_reads(text in "[0-9a-f:.]{0,45}", four in any::<std::net::Ipv4Addr>(), six in any::<std::net::Ipv6Addr>()) {
            prop_assert_eq!(is_address(text.as_bytes()), text.parse::<std::net::IpAddr>().is_ok(), "{}", text);
            prop_assert!(is_address(four.to_string().as_bytes()));
            prop_assert!(is_address(six.to_string().as_bytes()));
        }
    }
}
