//! Host names: kept where they are names, cut or withheld where they spell an address.

use super::{Aid, Outcome, truncate::Truncate};
use crate::detect::{Kinds, Place};

/// Names of letters, digits, dashes and underscores (RFC 1123, and what is written besides), the first perhaps `*`.
pub(super) fn treat(truncate: &Truncate, value: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
    // A port has five digits at most; a colon before that belongs to an IPv6 address.
    let colon = value.iter().rev().take(6).position(|&byte| byte == b':');
    let (name, port) = value.split_at(colon.map_or(value.len(), |after| value.len() - after - 1));
    let Some(spelled) = Spelled::of(name).filter(|_| is_port(port)) else {
        return truncate.treat(value, aid, made);
    };
    if spelled.is_plain() {
        return Outcome::Kept;
    }
    match truncate.treat(value, aid, made) {
        Outcome::Dropped if spelled.letters > 0 && !aid.detector.any(name, Kinds::ALL, Place::Host) => Outcome::Kept,
        // The server that answers to every name.
        Outcome::Dropped if name == b"_" => Outcome::Kept,
        outcome => outcome,
    }
}

/// Nothing, or a colon and a port.
fn is_port(text: &[u8]) -> bool {
    match text {
        [] => true,
        [_, port @ ..] => (1..=5).contains(&port.len()) && port.iter().all(u8::is_ascii_digit),
    }
}

/// How a host name is written.
struct Spelled {
    letters: u32,
    digits: u32,
    /// Whether `0x` stands in it.
    hexadecimal: bool,
    /// Or the name's length, if that is below 16.
    longest_label: usize,
}

impl Spelled {
    /// What there is to say of a name; `None` if it is none.
    #[inline]
    fn of(name: &[u8]) -> Option<Spelled> {
        let name = name.strip_suffix(b".").unwrap_or(name);
        let name = name.strip_prefix(b"*.").unwrap_or(name);
        if name.len() > 253 {
            return None;
        }
        // One sum counts all sorts of bytes, a byte of it each; neighbours are compared by one bit each.
        let (mut counts, mut pairs, mut before) = (0u64, 0u64, DOT);
        for &byte in name {
            let sort = SORTS[byte as usize];
            counts += sort & COUNTS;
            pairs |= before & sort & DOT | before >> 1 & sort & LETTER_X;
            before = sort;
        }
        if counts & 0xff > 0 || (pairs | before) & DOT != 0 {
            return None;
        }
        let (digits, letters) = ((counts >> 8 & 0xff) as u32, (counts >> 16 & 0xff) as u32);
        let longest_label = match name.len() {
            length @ 0..16 => length,
            _ => name.split(|&byte| byte == b'.').map(<[u8]>::len).max().unwrap_or(0),
        };
        let spelled = Spelled { letters, digits, hexadecimal: pairs & LETTER_X != 0, longest_label };
        (longest_label <= 63 && !(digits > 0 && ends_in_number(name))).then_some(spelled)
    }

    /// Whether no detector needs to read it: few digits and short labels spell no address and hold no token.
    #[inline]
    fn is_plain(&self) -> bool {
        self.letters > 0 && self.digits < 4 && self.longest_label < 16 && !self.hexadecimal
    }
}

/// What ends in a number is an address, in whatever spelling (WHATWG URL, 3.5).
fn ends_in_number(name: &[u8]) -> bool {
    let last = &name[memchr::memrchr(b'.', name).map_or(0, |dot| dot + 1)..];
    last.iter().all(u8::is_ascii_digit) || matches!(last, [b'0', b'x' | b'X', ..])
}

/// In the lowest three bytes one for each byte that no name has, for each digit, for each letter; above, a bit for each sort.
static SORTS: [u64; 256] = {
    let mut sorts = [1; 256];
    let mut byte = 0;
    while byte < 256 {
        sorts[byte] = match byte as u8 {
            b'.' => DOT,
            b'-' | b'_' => 0,
            b'0' => 1 << 8 | ZERO,
            b'1'..=b'9' => 1 << 8,
            b'x' | b'X' => 1 << 16 | LETTER_X,
            b'a'..=b'z' | b'A'..=b'Z' => 1 << 16,
            _ => 1,
        };
        byte += 1;
    }
    sorts
};

const COUNTS: u64 = 0xff_ffff;
const DOT: u64 = 1 << 24;
const LETTER_X: u64 = 1 << 25;
/// One above [`LETTER_X`], so that a shift brings the pair together.
const ZERO: u64 = 1 << 26;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::treatment::truncate::Port;
    use proptest::prelude::*;

    fn treated(value: impl AsRef<[u8]>) -> Option<String> {
        let value = value.as_ref();
        let mut made = b"before".to_vec();
        let truncate = Truncate { v4: 24, v6: 48, port: Port::Keep, exempt: [].into() };
        match treat(&truncate, value, &mut Aid::default(), &mut made) {
            Outcome::Kept => Some(String::from_utf8(value.to_vec()).unwrap()),
            Outcome::Made => Some(String::from_utf8(made).unwrap().strip_prefix("before").unwrap().to_owned()),
            Outcome::Dropped => None,
            other => panic!("{other:?}"),
        }
    }

    fn passes(values: &[&str]) {
        for value in values {
            assert_eq!(treated(value).as_deref(), Some(*value), "{value}");
        }
    }

    fn fails(values: &[&str]) {
        for value in values {
            assert_eq!(treated(value), None, "{value}");
        }
    }

    #[test]
    fn a_host_name_that_spells_an_address_is_withheld() {
        fails(&[
            "203-0-113-7.dialup.example",
            "7.113.0.203.in-addr.arpa",
            "ip-10-1-2-3.ec2.internal",
            "host-203.0.113.7.example",
            "static-2001-db8-0-0-0-0-0-1.example.net",
            "0xcb.0.113.7",
            "0xcb007107",
            "3405803783",
            "aa-bb-cc-dd-ee-ff.example",
        ]);
        passes(&["my-long-customer-domain-name-2024.example.com", "web1234.example.com:8080"]);
    }

    #[test]
    fn a_host_is_a_name_with_or_without_port() {
        passes(&[
            "example.org",
            "www.example.org:8443",
            "_",
            "localhost",
            "*.example.org",
            "xn--bcher-kva.example",
            "web1.example.org.",
            "my_app.internal",
            "UPPER.example",
        ]);
        fails(&[
            "",
            "exa mple.org",
            "a..b",
            ".a",
            "-?",
            "example.org:",
            "example.org:123456",
            "example.org:8a",
            "a/b",
            "a@b",
            "12345",
            "0x7f.1.",
            "caf\u{e9}.example",
        ]);
        assert_eq!(treated(format!("{}.example", "a".repeat(64))), None);
        assert_eq!(treated(vec!["a"; 200].join(".")), None);
    }

    #[test]
    fn an_address_in_a_hosts_place_is_cut() {
        for (value, cut) in [
            ("203.0.113.77", "203.0.113.0"),
            ("203.0.113.77:8080", "203.0.113.0:8080"),
            ("8.8.8.8", "8.8.8.0"),
            ("[2001:db8:1:2::3]:443", "[2001:db8:1::]:443"),
            ("2001:db8:1:2::3", "2001:db8:1::"),
        ] {
            assert_eq!(treated(value).as_deref(), Some(cut), "{value}");
        }
    }

    proptest! {
        #[test]
        fn hosts_that_differ_in_the_low_bits_of_an_address_give_the_same(a in any::<[u8; 4]>(), low in any::<u8>()) {
            let host = |last: u8| treated(format!("{}.{}.{}.{last}:80", a[0], a[1], a[2]));
            prop_assert_eq!(host(a[3]), host(low));
        }

        #[test]
        fn counting_in_one_sum_is_counting_one_by_one(name in "[0-9a-zA-Z._x-]{0,20}") {
            let plain = |name: &str| {
                let name = name.strip_suffix('.').unwrap_or(name);
                let labels: Vec<&str> = name.split('.').collect();
                let last = labels.last().unwrap();
                let is_number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x") || last.starts_with("0X");
                if labels.iter().any(|label| label.is_empty()) || is_number {
                    return None;
                }
                let count = |is: fn(char) -> bool| name.chars().filter(|&letter| is(letter)).count() as u32;
                let hexadecimal = name.contains("0x") || name.contains("0X");
                Some((count(|letter| letter.is_ascii_alphabetic()), count(|letter| letter.is_ascii_digit()), hexadecimal))
            };
            let spelled = Spelled::of(name.as_bytes());
            prop_assert_eq!(spelled.map(|spelled| (spelled.letters, spelled.digits, spelled.hexadecimal)), plain(&name));
        }
    }
}
