//! Addresses written byte by byte, as nginx logs `$binary_remote_addr`: `\x7F\x00\x00\x01`, `\177\000\000\001`, and sixteen
//! such bytes for IPv6.

use super::{
    Finding, What,
    bytes::{DIGIT, is_before, nibble},
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address whose first escape starts at `at`: four or sixteen escapes with no escape in front or behind.
pub(super) fn at(text: &[u8], at: usize) -> Option<Finding> {
    let first = byte(text, at)?;
    if at >= 4 && byte(text, at - 4).is_some() || is_before(text, at, DIGIT) || text[..at].ends_with(b"\\") {
        return None;
    }
    let mut bytes = [0; 16];
    bytes[0] = first;
    let (mut count, mut end) = (1, at + 4);
    while let Some(value) = byte(text, end) {
        *bytes.get_mut(count)? = value;
        (count, end) = (count + 1, end + 4);
    }
    let address = match count {
        4 if bytes[0] != 0 => IpAddr::V4(Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3])),
        16 => IpAddr::V6(Ipv6Addr::from(bytes)),
        _ => return None,
    };
    Some(Finding::new(at, end, What::Address(address)))
}

/// The byte that an escape of four characters at `at` spells.
fn byte(text: &[u8], at: usize) -> Option<u8> {
    match *text.get(at..at + 4)? {
        [b'\\', b'x' | b'X', high, low] => Some((nibble(high)? << 4) | nibble(low)?),
        [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7'] => {
            Some(((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0'))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<(&str, String)> {
        let finding = (0..text.len()).find_map(|p| at(text.as_bytes(), p))?;
        let What::Address(address) = finding.what else { return None };
        Some((std::str::from_utf8(finding.span.of(text.as_bytes())).unwrap(), address.to_string()))
    }

    #[test]
    fn four_and_sixteen_bytes_are_addresses() {
        let four = r"\xCB\x00\x71\x4D";
        assert_eq!(found(&format!("\"{four}\" 200")), Some((four, "203.0.113.77".into())));
        assert_eq!(found(r"\313\000\161\115"), Some((r"\313\000\161\115", "203.0.113.77".into())));
        let six = r"\x20\x01\x0d\xb8\x00\x01\x00\x02\x00\x00\x00\x00\x00\x00\x00\x03";
        assert_eq!(found(six), Some((six, "2001:db8:1:2::3".into())));
    }

    #[test]
    fn other_counts_are_not() {
        for text in [r"\x16\x03\x01\x02\x00", r"\xC3\xA6", r"\x00\x00\x00\x00", r"\xCB\x00\x71", r"\\xCB\x00\x71\x4D"] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
