//! IPv4 and IPv6 addresses: read strictly, printed in RFC 5952 form.

use crate::detect::Quad;

/// An address. A mapped one (`::ffff:192.0.2.7`) is the IPv4 address that it maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Address {
    V4(u32),
    V6(u128),
}

impl Address {
    /// Whatever `bits` of IPv6 are.
    pub(super) fn from_v6(bits: u128) -> Address {
        if bits >> 32 == 0xffff { Address::V4(bits as u32) } else { Address::V6(bits) }
    }

    /// Appends it, in RFC 5952 form.
    #[inline]
    pub(super) fn write(self, out: &mut Vec<u8>) {
        match self {
            Address::V4(bits) => write_v4(bits, out),
            Address::V6(bits) => write_v6(bits, out),
        }
    }
}

impl From<std::net::IpAddr> for Address {
    fn from(address: std::net::IpAddr) -> Address {
        match address {
            std::net::IpAddr::V4(v4) => Address::V4(v4.into()),
            std::net::IpAddr::V6(v6) => Address::from_v6(v6.into()),
        }
    }
}

/// The first 40 bits of addresses that are pseudonyms of ours: unique-local (RFC 4193), and nobody's network.
const OWN: u128 = 0xfd_736c_6164;

/// Whether an address is a pseudonym of ours: our prefix, and a period there is.
#[inline]
pub(super) fn is_own(bits: u128) -> bool {
    bits >> 88 == OWN && bits >> 85 & 7 < 5
}

/// The network of an epoch's pseudonyms, a /64, by the number of its period; `None` where there is no room for it.
pub(super) fn own_network(period: u8, epoch: i64) -> Option<u128> {
    let number = u128::try_from(epoch).ok().filter(|number| number >> 21 == 0)?;
    Some(OWN << 88 | u128::from(period) << 85 | number << 64)
}

/// An address as logs write it: with or without brackets, zone, port and quotes. The port comes as it was written.
pub(super) fn parse_element(text: &[u8]) -> Option<(Address, Option<&[u8]>)> {
    let text = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(text);
    if let Some(inner) = text.strip_prefix(b"[") {
        let end = memchr::memchr(b']', inner)?;
        let address = match parse_v4(&inner[..end]) {
            Some(v4) => Address::V4(v4),
            None => parse_zoned(&inner[..end])?,
        };
        return Some((address, parse_port(&inner[end + 1..])?));
    }
    if let Some(address) = parse_zoned(text) {
        return Some((address, None));
    }
    let end = memchr::memchr(b':', text).unwrap_or(text.len());
    Some((Address::V4(parse_v4(&text[..end])?), parse_port(&text[end..])?))
}

/// An IPv6 address with or without a zone.
fn parse_zoned(text: &[u8]) -> Option<Address> {
    let end = text.iter().take(MOST_V6 + 1).position(|&byte| byte == b'%').unwrap_or(text.len());
    parse_v6(&text[..end]).map(Address::from_v6)
}

/// Nothing, or a colon and a port; RFC 7239's obfuscated ports are none.
#[allow(clippy::option_option)]
fn parse_port(text: &[u8]) -> Option<Option<&[u8]>> {
    let port = match text {
        [] => return Some(None),
        [b':', port @ ..] => port,
        _ => return None,
    };
    let number = match port.len() {
        1..=5 => port.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0'))),
        _ => None,
    };
    match number {
        Some(0..=0xffff) => Some(Some(port)),
        Some(_) => None,
        None => (port.first() == Some(&b'_')).then_some(None),
    }
}

/// Four decimal numbers without leading zeros, from the first to the last byte.
#[inline]
pub(super) fn parse_v4(text: &[u8]) -> Option<u32> {
    Quad::plain(text).map(|quad| quad.bits)
}

/// Appends the first `parts` of the four parts as they are, and zeros for the rest.
#[inline]
pub(super) fn write_parts(quad: &Quad, parts: usize, out: &mut Vec<u8>) {
    // Three parts take their dot with them.
    let stays = match parts {
        0 => 0,
        4.. => usize::from(quad.ends[3]),
        _ => usize::from(quad.ends[parts - 1]) + 1,
    };
    // Blocks and a cut are cheaper than copies of any length.
    let end = out.len() + stays;
    out.extend_from_slice(&quad.text);
    out.truncate(end);
    if parts < 4 {
        out.extend_from_slice(b"0.0.0.0\0");
        out.truncate(end + 7 - 2 * parts);
    }
}

/// The longest way to write an IPv6 address.
const MOST_V6: usize = 45;

/// Eight groups with or without `::`, the last two perhaps as IPv4, from the first to the last byte.
#[inline]
pub(super) fn parse_v6(text: &[u8]) -> Option<u128> {
    parse_groups(text).or_else(|| parse_any_v6(text))
}

/// Eight groups, all written out. Four bytes are looked at for each, so that little hangs on how many are its own.
fn parse_groups(text: &[u8]) -> Option<u128> {
    // Zeros behind the end are neither digits nor colons.
    let mut padded = [0; 44];
    if !(15..=39).contains(&text.len()) {
        return None;
    }
    padded[..text.len()].copy_from_slice(text);
    let (mut halves, mut at) = ([0u64; 2], 0);
    for i in 0..8 {
        let four: &[u8; 4] = padded.get(at..)?.first_chunk()?;
        let [a, b, c, d] = four.map(|byte| u64::from(HEX[usize::from(byte)]));
        let (group, digits) = if a > 15 {
            return None;
        } else if b > 15 {
            (a, 1)
        } else if c > 15 {
            (a << 4 | b, 2)
        } else if d > 15 {
            (a << 8 | b << 4 | c, 3)
        } else {
            (a << 12 | b << 8 | c << 4 | d, 4)
        };
        halves[i / 4] = halves[i / 4] << 16 | group;
        at += digits;
        if i < 7 {
            if padded[at] != b':' {
                return None;
            }
            at += 1;
        }
    }
    (at == text.len()).then(|| u128::from(halves[0]) << 64 | u128::from(halves[1]))
}

/// Any way to write it.
#[inline(never)]
fn parse_any_v6(text: &[u8]) -> Option<u128> {
    if text.len() < 2 || text.len() > MOST_V6 {
        return None;
    }
    let (mut groups, mut count, mut gap) = ([0u16; 8], 0, None);
    // The group at hand, how many digits it has, and where it starts.
    let (mut group, mut digits, mut start) = (0u32, 0, 0);
    let mut at = 0;
    if text.starts_with(b"::") {
        (gap, at, start) = (Some(0), 2, 2);
    }
    while let Some(&byte) = text.get(at) {
        let digit = HEX[usize::from(byte)];
        at += 1;
        if digit < 16 {
            group = group << 4 | u32::from(digit);
            digits += 1;
            continue;
        }
        if byte == b'.' {
            let v4 = parse_v4(&text[start..])?;
            *groups.get_mut(count)? = (v4 >> 16) as u16;
            *groups.get_mut(count + 1)? = v4 as u16;
            (count, digits, start) = (count + 2, 0, text.len());
            break;
        }
        if byte != b':' || !(1..=4).contains(&digits) {
            return None;
        }
        *groups.get_mut(count)? = group as u16;
        count += 1;
        if text.get(at) == Some(&b':') {
            if gap.replace(count).is_some() {
                return None;
            }
            at += 1;
        } else if at == text.len() {
            return None;
        }
        (group, digits, start) = (0, 0, at);
    }
    if start < text.len() {
        if !(1..=4).contains(&digits) {
            return None;
        }
        *groups.get_mut(count)? = group as u16;
        count += 1;
    }
    match gap {
        None if count < 8 => return None,
        None => {}
        // A `::` stands for one group at least.
        Some(before) if count < 8 => {
            groups.copy_within(before..count, 8 - (count - before));
            groups[before..8 - (count - before)].fill(0);
        }
        Some(_) => return None,
    }
    Some(groups.iter().fold(0, |bits, &group| bits << 16 | u128::from(group)))
}

/// What a hexadecimal digit stands for; 255 for all else.
static HEX: [u8; 256] = {
    let mut table = [0xff; 256];
    let mut value = 0;
    while value < 16 {
        let digit = b"0123456789abcdef"[value as usize];
        table[digit as usize] = value;
        table[digit.to_ascii_uppercase() as usize] = value;
        value += 1;
    }
    table
};

/// Appends an IPv4 address.
#[inline]
pub(super) fn write_v4(bits: u32, out: &mut Vec<u8>) {
    let (mut text, mut length) = (0u128, 0);
    for part in bits.to_be_bytes() {
        let printed = PRINTED[part as usize];
        text |= u128::from(printed & 0xff_ffff | DOT << (printed >> 24)) << length;
        length += (printed >> 24) + 8;
    }
    extend_short(text, length / 8 - 1, out);
}

/// Appends the `length` lowest bytes, the lowest first.
#[inline]
fn extend_short(text: u128, length: u32, out: &mut Vec<u8>) {
    // Sixteen bytes and a cut are cheaper than a copy of any length.
    let end = out.len() + length as usize;
    out.extend_from_slice(&text.to_le_bytes());
    out.truncate(end);
}

const DOT: u32 = b'.' as u32;

/// The decimal digits of each byte, first one lowest; in the highest byte how many bits they take.
static PRINTED: [u32; 256] = {
    let mut table = [0; 256];
    let mut value = 0;
    while value < 256 {
        let (hundreds, tens, ones) = (value / 100, value / 10 % 10, value % 10);
        let zeros = 0x30_3030;
        table[value as usize] = match value {
            0..10 => ((zeros & 0xff) + ones) | 8 << 24,
            10..100 => ((zeros & 0xffff) + (ones << 8 | tens)) | 16 << 24,
            _ => (zeros + (ones << 16 | tens << 8 | hundreds)) | 24 << 24,
        };
        value += 1;
    }
    table
};

/// Appends an IPv6 address: lower case, no leading zeros, the first longest run of two or more zero groups as `::`.
pub(super) fn write_v6(bits: u128, out: &mut Vec<u8>) {
    let group = |i: usize| (bits >> (112 - 16 * i)) as u16;
    let (mut run_start, mut run_length) = (8, 1);
    // A cut address ends with zeros, and no longer run stands before them.
    let trailing = (bits.trailing_zeros() / 16) as usize;
    if trailing >= 4 {
        (run_start, run_length) = (8 - trailing, trailing);
    } else {
        let mut zeros = 0;
        for i in 0..8 {
            zeros = if group(i) == 0 { zeros + 1 } else { 0 };
            if zeros > run_length {
                (run_start, run_length) = (i + 1 - zeros, zeros);
            }
        }
    }
    let mut text = [0; 40];
    let (mut at, mut i) = (0, 0);
    while i < 8 {
        if i == run_start {
            text[at] = b':';
            text[at + 1] = b':';
            at += 2;
            i += run_length;
            continue;
        }
        if i > 0 && i != run_start + run_length {
            text[at] = b':';
            at += 1;
        }
        let value = group(i);
        let mut shift = (15 - (value | 1).leading_zeros()) & !3;
        loop {
            text[at] = b"0123456789abcdef"[(value >> shift & 15) as usize];
            at += 1;
            if shift == 0 {
                break;
            }
            shift -= 4;
        }
        i += 1;
    }
    // All of it and a cut are cheaper than a copy of any length.
    let end = out.len() + at;
    out.extend_from_slice(&text);
    out.truncate(end);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn plain_v4(text: &[u8]) -> Option<u32> {
        std::str::from_utf8(text).ok()?.parse::<Ipv4Addr>().ok().map(u32::from)
    }

    fn plain_v6(text: &[u8]) -> Option<u128> {
        std::str::from_utf8(text).ok()?.parse::<Ipv6Addr>().ok().map(u128::from)
    }

    fn printed(address: Address) -> String {
        let mut out = b"x".to_vec();
        address.write(&mut out);
        String::from_utf8(out).unwrap()[1..].to_owned()
    }

    #[test]
    fn each_byte_prints_as_itself() {
        for byte in 0..=255u32 {
            let bits = byte << 24 | (255 - byte) << 16 | byte << 8 | byte ^ 0x55;
            assert_eq!(printed(Address::V4(bits)), Ipv4Addr::from(bits).to_string());
        }
    }

    #[test]
    fn odd_spellings_are_no_ipv4() {
        for text in [
            "",
            "1.2.3",
            "1.2.3.4.",
            ".1.2.3.4",
            "1..2.3",
            "01.2.3.4",
            "1.2.3.04",
            "256.1.1.1",
            "1.2.3.400",
            "1.2.3.4.5",
            "0x1.2.3.4",
            "1.2.3.4 ",
            "1.2.3.-4",
            "3405803777",
            "1.2.3.1234",
            "1234.1.1.1",
            "1.2.3.",
            "....",
            "1.2.3.4\0",
            "1.2.3.4\0\0",
            "255.255.255.2555",
            "00.0.0.0",
            "1,2,3,4",
            "1.2.3.:",
            "1.2.3./",
        ] {
            assert_eq!(parse_v4(text.as_bytes()), plain_v4(text.as_bytes()), "{text}");
            assert_eq!(parse_v4(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn an_element_may_have_brackets_zone_port_and_quotes() {
        let v6 = Address::V6(0x2001_0db8 << 96 | 1);
        let v4 = Address::V4(0xc000_0201);
        for (text, address, port) in [
            ("2001:db8::1", v6, None),
            ("[2001:db8::1]", v6, None),
            ("[2001:db8::1]:443", v6, Some("443")),
            ("\"[2001:db8::1]:443\"", v6, Some("443")),
            ("2001:db8::1%eth0", v6, None),
            ("[2001:db8::1%25eth0]:1", v6, Some("1")),
            ("192.0.2.1", v4, None),
            ("192.0.2.1:65535", v4, Some("65535")),
            ("[192.0.2.1]:80", v4, Some("80")),
            ("::ffff:192.0.2.1", v4, None),
            ("[::ffff:c000:201]:80", v4, Some("80")),
            ("192.0.2.1:_secret", v4, None),
        ] {
            assert_eq!(parse_element(text.as_bytes()), Some((address, port.map(str::as_bytes))), "{text}");
        }
        for text in [
            "",
            "\"",
            "[",
            "[]",
            "[192.0.2.1",
            "192.0.2.1:",
            "192.0.2.1:65536",
            "192.0.2.1:080800",
            "192.0.2.1%eth0",
            "192.0.2.1:80:80",
            "unix:",
            "unknown",
            "_hidden",
            "192.0.2.1/24",
            "[2001:db8::1]443",
            "fe80::1::2",
        ] {
            assert_eq!(parse_element(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn v4_is_read_and_printed_as_the_standard_library_does(bits in any::<u32>()) {
            let text = Ipv4Addr::from(bits).to_string();
            prop_assert_eq!(parse_v4(text.as_bytes()), Some(bits));
            prop_assert_eq!(printed(Address::V4(bits)), text.clone());
            for parts in 0..=4 {
                let mut out = b"x".to_vec();
                write_parts(&Quad::plain(text.as_bytes()).unwrap(), parts, &mut out);
                let cut = u64::from(bits) >> (32 - 8 * parts) << (32 - 8 * parts);
                prop_assert_eq!(&String::from_utf8(out).unwrap()[1..], Ipv4Addr::from(cut as u32).to_string());
            }
        }

        #[test]
        fn what_nearly_is_v4_is_read_as_the_standard_library_does(text in "[0-9.]{0,17}", near in "[0-3]?[0-9]{0,2}\\.[0-9]{1,3}\\.[0-9]{0,3}[.:/,]{1,2}[0-9]{1,3}[ -~]?", flip in any::<(usize, u8)>()) {
            prop_assert_eq!(parse_v4(text.as_bytes()), plain_v4(text.as_bytes()));
            let mut near = near.into_bytes();
            prop_assert_eq!(parse_v4(&near), plain_v4(&near));
            let at = flip.0 % near.len();
            near[at] = flip.1;
            prop_assert_eq!(parse_v4(&near), plain_v4(&near));
        }

        #[test]
        fn v6_is_read_and_printed_as_the_standard_library_does(bits in any::<u128>(), holes in any::<u8>()) {
            let bits = (0..8).filter(|i| holes >> i & 1 == 1).fold(bits, |bits, i| bits & !(0xffff << (16 * i)));
            let text = Ipv6Addr::from(bits).to_string();
            prop_assert_eq!(parse_v6(text.as_bytes()), Some(bits));
            if bits >> 32 != 0xffff {
                prop_assert_eq!(printed(Address::V6(bits)), text);
            }
        }

        #[test]
        fn what_nearly_is_v6_is_read_as_the_standard_library_does(
            text in "[0-9a-fA-F]{0,4}(:{1,2}[0-9a-fA-F]{0,5}){0,8}(:[0-9]{1,3}(\\.[0-9]{1,3}){3})?:?",
        ) {
            prop_assert_eq!(parse_v6(text.as_bytes()), plain_v6(text.as_bytes()));
        }

        #[test]
        fn any_bytes_are_read_as_the_standard_library_does(text in proptest::collection::vec(any::<u8>(), 0..50)) {
            prop_assert_eq!(parse_v4(&text), plain_v4(&text));
            prop_assert_eq!(parse_v6(&text), plain_v6(&text));
            parse_element(&text);
        }
    }
}
