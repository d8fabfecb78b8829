//! What the program that writes a log guarantees of a value: which bytes can stand in it, and its form.
//!
//! A grammar is a promise of the server, not of its visitors: a header that should hold an address is [`Grammar::Text`].

use super::Malformed;

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
            Grammar::Host => value.first().is_some_and(|&byte| byte != b'-' && byte != b':' && byte != b'.'),
            Grammar::Client | Grammar::Visitor => {
                !value.is_empty() && (value == b"-" || value[0] != b'-') && value[0] != b','
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
    let mut end = at;
    while end < line.len() && CLIENT[line[end] as usize] {
        end += 1;
    }
    while line.get(end) == Some(&b' ') && line[at..end].ends_with(b",") {
        end += 1;
        while end < line.len() && CLIENT[line[end] as usize] {
            end += 1;
        }
    }
    if Grammar::Client.fits(&line[at..end]) { Ok(end) } else { Err(Malformed { at: at as u32, expected: "client" }) }
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

/// The shape of `10/Oct/2000:13:55:36 -0700`.
#[inline]
pub(crate) fn is_clf(value: &[u8]) -> bool {
    let Ok(value) = <&[u8; 26]>::try_from(value) else { return false };
    let zero = |at: usize| value[at].wrapping_sub(b'0') < 10;
    let digits = DIGITS_OF_CLF.iter().fold(true, |all, &at| all & zero(at));
    let month = (value[3] | 0x20).is_ascii_lowercase()
        & (value[4] | 0x20).is_ascii_lowercase()
        & (value[5] | 0x20).is_ascii_lowercase();
    digits
        & month
        & (value[2] == b'/')
        & (value[6] == b'/')
        & (value[11] == b':')
        & (value[14] == b':')
        & (value[17] == b':')
        & (value[20] == b' ')
        & ((value[21] == b'+') | (value[21] == b'-'))
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

const DIGITS_OF_CLF: [usize; 16] = [0, 1, 7, 8, 9, 10, 12, 13, 15, 16, 18, 19, 22, 23, 24, 25];

static CLIENT: [bool; 256] = table(Grammar::Client);

/// The bytes that a form holds.
pub(crate) const fn table(grammar: Grammar) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = grammar.holds(byte as u8);
        byte += 1;
    }
    table
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
        let table = table(Grammar::Numbers);
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

    proptest! {
        #[test]
        fn an_address_is_what_the_standard_library_reads(text in "[0-9a-f:.]{0,45}", four in any::<std::net::Ipv4Addr>(), six in any::<std::net::Ipv6Addr>()) {
            prop_assert_eq!(is_address(text.as_bytes()), text.parse::<std::net::IpAddr>().is_ok(), "{}", text);
            prop_assert!(is_address(four.to_string().as_bytes()));
            prop_assert!(is_address(six.to_string().as_bytes()));
        }
    }
}
