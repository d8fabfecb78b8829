//! Addresses cut to a prefix.

use super::{
    Aid, Outcome,
    address::{Address, is_own, parse_v6, write_parts, write_v4},
    list,
};
use ipnet::IpNet;
use std::{net::IpAddr, sync::Arc};

/// How addresses are cut.
///
/// What comes out is one address or a list, in RFC 5952 form, without zones, and with brackets only where a port stays. An
/// element of a list that is no address becomes `-`; a value without any address is withheld: a client's host name is.
#[derive(Clone, Debug)]
pub struct Truncate {
    /// Bits of an IPv4 address that stay, 0 to 32.
    pub v4: u8,
    /// Bits of an IPv6 address that stay, 0 to 128.
    pub v6: u8,
    /// What becomes of a port.
    pub port: Port,
    /// Networks whose addresses are left as they are, sorted.
    pub exempt: Arc<[IpNet]>,
}

/// What becomes of the port behind an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// It goes.
    Drop,
    /// It stays.
    Keep,
}

impl Truncate {
    /// Cuts every address of `value`.
    #[inline]
    pub fn treat(&self, value: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
        if let Some(quad) = aid.detector.quad(value) {
            if self.v4.is_multiple_of(8) && self.exempt.is_empty() {
                write_parts(&quad, usize::from(self.v4 / 8), made);
            } else {
                write_v4(self.cut_v4(quad.bits), made);
            }
            return Outcome::Made;
        }
        if self.v6 == 48
            && self.exempt.is_empty()
            && let Some(end) = aid.detector.colons(value).and_then(|colons| site(value, colons))
        {
            // All of it and a cut are cheaper than a copy of any length.
            let end = made.len() + end;
            made.extend_from_slice(value.first_chunk::<15>().expect("eight groups have as many bytes"));
            made.truncate(end);
            made.push(b':');
            return Outcome::Made;
        }
        if let Some(bits) = parse_v6(value) {
            self.cut(Address::from_v6(bits)).write(made);
            return Outcome::Made;
        }
        self.treat_any(value, aid, made)
    }

    /// Appends the cut address in RFC 5952 form.
    #[inline]
    pub fn write(&self, address: IpAddr, made: &mut Vec<u8>) {
        self.cut(address.into()).write(made);
    }

    #[inline(never)]
    fn treat_any(&self, value: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
        let write = |address: Address, port: Option<&[u8]>, made: &mut Vec<u8>| {
            let cut = self.cut(address);
            let port = port.filter(|_| self.port == Port::Keep);
            let brackets = port.is_some() && matches!(cut, Address::V6(_));
            if brackets {
                made.push(b'[');
            }
            cut.write(made);
            if brackets {
                made.push(b']');
            }
            if let Some(port) = port {
                made.push(b':');
                made.extend_from_slice(port);
            }
            true
        };
        if list::addresses(value, &mut aid.buffer, made, write) { Outcome::Made } else { Outcome::Dropped }
    }

    /// The address with its low bits gone.
    #[inline]
    fn cut(&self, address: Address) -> Address {
        match address {
            Address::V4(bits) => Address::V4(self.cut_v4(bits)),
            Address::V6(bits) => self.cut_v6(bits),
        }
    }

    #[inline]
    fn cut_v4(&self, bits: u32) -> u32 {
        if !self.exempt.is_empty() && self.is_exempt(IpAddr::V4(bits.into())) {
            return bits;
        }
        bits & !u32::MAX.checked_shr(self.v4.into()).unwrap_or(0)
    }

    fn cut_v6(&self, bits: u128) -> Address {
        // A pseudonym that an earlier run wrote says nothing of a network that could be cut.
        if is_own(bits) || self.is_exempt(IpAddr::V6(bits.into())) {
            return Address::V6(bits);
        }
        let mut stay = u32::from(self.v6);
        if self.v4 < 32 && may_embed(bits) {
            for embedding in &EMBEDDINGS {
                if bits & embedding.mask == embedding.pattern {
                    stay = stay.min(embedding.at + u32::from(self.v4));
                }
            }
        }
        Address::from_v6(bits & !u128::MAX.checked_shr(stay).unwrap_or(0))
    }

    fn is_exempt(&self, address: IpAddr) -> bool {
        self.exempt.iter().any(|network| network.contains(&address))
    }
}

/// Where what stays of an address of eight groups ends, with its last colon, if it stays as it stands and another colon
/// behind it makes the cut address: none of the first three groups has zeros in front but for a third that is zero, and no
/// other address may be in it. `colons` is where the only bytes stand that are not `0-9a-f`.
#[inline]
fn site(value: &[u8], colons: u64) -> Option<usize> {
    let length = value.len();
    let hex = !colons & u64::MAX >> (64 - length);
    let (two, ends) = (hex & hex >> 1, 1 | 1 << (length - 1));
    // Seven colons, none at an end or behind another, and no group of five.
    if colons.count_ones() != 7 || colons & (colons >> 1 | ends) != 0 || two & two >> 2 & hex >> 4 != 0 {
        return None;
    }
    let at = |colons: u64| colons.trailing_zeros() as usize;
    let rest = colons & (colons - 1);
    let (first, second) = (at(colons), at(rest));
    let rest = rest & (rest - 1);
    let third = at(rest);
    let rest = rest & (rest - 1);
    let fifth = at(rest & (rest - 1));
    let group = second + 1;
    let (zero, bare) = (value[group] == b'0', third == group + 1);
    let odd = value[0] == b'0' || value[first + 1] == b'0' || zero && !bare;
    // Nor a pseudonym of ours, which is not cut.
    let embeds = value.starts_with(b"fd73:6c61:")
        || value.starts_with(b"2002:")
        || value.starts_with(b"64:")
        || value[fifth + 1..].starts_with(b"5efe:");
    (!odd && !embeds).then_some(if zero { group } else { third + 1 })
}

/// Whether one of [`EMBEDDINGS`] may be in `bits`: most addresses are told by a glance at two of their words.
#[inline]
fn may_embed(bits: u128) -> bool {
    let (first, third) = ((bits >> 96) as u32, (bits >> 32) as u32);
    first >> 16 == 0x2002 || matches!(first, 0 | 0x0064_ff9b | 0x2001_0000) || third & !0x0200_0000 == 0x5efe
}

/// IPv6 addresses that hold an IPv4 address from bit `at` on. All behind its cut goes, so that no second copy stays either.
struct Embedding {
    pattern: u128,
    mask: u128,
    at: u32,
}

impl Embedding {
    const fn prefix(pattern: u128, bits: u32, at: u32) -> Embedding {
        Embedding { pattern, mask: !(u128::MAX >> bits), at }
    }
}

static EMBEDDINGS: [Embedding; 8] = [
    // 6to4, RFC 3056.
    Embedding::prefix(0x2002 << 112, 16, 16),
    // Teredo, RFC 4380: the server's address; the client's, inverted, is in the last bits.
    Embedding::prefix(0x2001_0000 << 96, 32, 32),
    // NAT64, RFC 6052.
    Embedding::prefix(0x0064_ff9b << 96, 96, 96),
    // NAT64 of a site, RFC 8215: where the address begins depends on the site; bit 48 is the first it can.
    Embedding::prefix(0x0064_ff9b_0001 << 80, 48, 48),
    // IPv4-compatible, RFC 4291.
    Embedding::prefix(0, 96, 96),
    // IPv4-translated, RFC 2765.
    Embedding::prefix(0xffff << 48, 96, 96),
    // ISATAP, RFC 5214, with a local and with a global IPv4 address.
    Embedding { pattern: 0x0000_5efe << 32, mask: 0xffff_ffff << 32, at: 96 },
    Embedding { pattern: 0x0200_5efe << 32, mask: 0xffff_ffff << 32, at: 96 },
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn network(v4: u8, v6: u8) -> Truncate {
        Truncate { v4, v6, port: Port::Drop, exempt: Arc::from([]) }
    }

    fn treated_by(truncate: &Truncate, value: &[u8]) -> Option<String> {
        let mut made = b"before".to_vec();
        match truncate.treat(value, &mut Aid::default(), &mut made) {
            Outcome::Made => Some(String::from_utf8(made).unwrap().strip_prefix("before").unwrap().to_owned()),
            Outcome::Dropped => {
                assert_eq!(made, b"before");
                None
            }
            other => panic!("{other:?}"),
        }
    }

    fn treated(value: &str) -> Option<String> {
        treated_by(&network(24, 48), value.as_bytes())
    }

    #[test]
    fn an_address_is_cut_by_its_family() {
        for (value, cut) in [
            ("203.0.113.77", "203.0.113.0"),
            ("8.8.8.8", "8.8.8.0"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
            ("2001:DB8:0:0:1::", "2001:db8::"),
            ("::1", "::"),
            ("fe80::1%eth0", "fe80::"),
            ("[2001:db8:7::1]:443", "2001:db8:7::"),
            ("198.51.100.9:51234", "198.51.100.0"),
        ] {
            assert_eq!(treated(value).as_deref(), Some(cut), "{value}");
        }
    }

    #[test]
    fn v4_mapped_v6_is_cut_as_v4() {
        for value in ["::ffff:203.0.113.77", "::ffff:cb00:714d", "[0:0:0:0:0:FFFF:203.0.113.77]:80"] {
            assert_eq!(treated(value).as_deref(), Some("203.0.113.0"), "{value}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn eight_groups_are_cut_as_any_address(
            groups in proptest::collection::vec("0|[1-9a-f]|[0-9a-f]{1,4}|[0-9a-f]{4}|200[0-2]|64|ff9b|5efe|200|[0-9A-Fa-f]{0,5}", 6..10),
            plain in proptest::collection::vec("[1-9a-f][0-9a-f]{0,3}", 8),
            place in 0..8usize, zero in 0..9usize,
        ) {
            let mut near = plain.clone();
            near[place].clone_from(&groups[place % groups.len()]);
            let mut zeros = plain.clone();
            zeros.iter_mut().skip(zero).step_by(1 + place).for_each(|group| *group = "0".to_owned());
            for value in [groups.join(":"), plain.join(":"), near.join(":"), zeros.join(":")] {
                let slowly = parse_v6(value.as_bytes()).map(|bits| {
                    let mut made = Vec::new();
                    network(24, 48).cut(Address::from_v6(bits)).write(&mut made);
                    String::from_utf8(made).unwrap()
                });
                if slowly.is_some() {
                    prop_assert_eq!(treated(&value), slowly);
                } else {
                    prop_assert!(!value.bytes().all(|byte| b"0123456789abcdef:".contains(&byte)) || treated(&value).is_none());
                }
            }
        }
    }

    #[test]
    fn an_embedded_v4_address_loses_its_bits_too() {
        let wide = network(24, 128);
        for (value, cut) in [
            ("2002:cb00:714d:1::cb00:714d", "2002:cb00:7100::"),
            ("2001:0:cb00:714d:8000:63bf:34ff:8eb2", "2001:0:cb00:7100::"),
            ("64:ff9b::203.0.113.77", "64:ff9b::cb00:7100"),
            ("64:ff9b:1:cb00:71:4d00::", "64:ff9b:1:cb00::"),
            ("::203.0.113.77", "::cb00:7100"),
            ("::ffff:0:203.0.113.77", "::ffff:0:cb00:7100"),
            ("2001:db8::5efe:203.0.113.77", "2001:db8::5efe:cb00:7100"),
            ("2001:db8::200:5efe:203.0.113.77", "2001:db8::200:5efe:cb00:7100"),
            ("2001:db8::7", "2001:db8::7"),
        ] {
            assert_eq!(treated_by(&wide, value.as_bytes()).as_deref(), Some(cut), "{value}");
        }
        assert_eq!(treated("2002:cb00:714d:1::1").as_deref(), Some("2002:cb00:7100::"));
        let all = network(32, 128);
        assert_eq!(treated_by(&all, b"2002:cb00:714d:1::1").as_deref(), Some("2002:cb00:714d:1::1"));
    }

    #[test]
    fn a_glance_misses_no_embedded_address() {
        let rest = [0, u128::MAX, 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef];
        for (embedding, bits) in EMBEDDINGS.iter().flat_map(|embedding| rest.map(|bits| (embedding, bits))) {
            assert!(may_embed(embedding.pattern | bits & !embedding.mask));
        }
        assert!(!may_embed(0x2001_0db8 << 96 | 7));
    }

    #[test]
    fn each_element_of_a_list_is_cut_and_what_is_no_address_is_a_dash() {
        for (value, cut) in [
            ("203.0.113.7, 2001:db8::1,198.51.100.9", "203.0.113.0, 2001:db8::,198.51.100.0"),
            ("192.0.2.1:80, 192.0.2.2:80 : 192.0.2.3:80", "192.0.2.0, 192.0.2.0 : 192.0.2.0"),
            ("unknown, 203.0.113.7", "-, 203.0.113.0"),
            ("client.example.net, _hidden, unix:/run/php.sock, 203.0.113.7", "-, -, -, 203.0.113.0"),
            ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.0, 203.0.113.0"),
            (r#"for="[2001:db8:cafe::17]:4711", for=192.0.2.60"#, "2001:db8:cafe::, 192.0.2.0"),
            (r"For=\x22[2001:db8:cafe::17]:4711\x22", "2001:db8:cafe::"),
            (r#"for=\"[2001:db8:cafe::17]\";by=unknown"#, "2001:db8:cafe::, -"),
        ] {
            assert_eq!(treated(value).as_deref(), Some(cut), "{value}");
        }
    }

    #[test]
    fn an_escaped_address_is_cut_like_any() {
        for value in [
            r"203\x2e0\x2E113\x2e77",
            "203%2e0%2E113.77",
            r"203\u002e0.113.77",
            "203.0.113.77%3A80",
            "%32%30%33.0.113.77",
        ] {
            assert_eq!(treated(value).as_deref(), Some("203.0.113.0"), "{value}");
        }
        assert_eq!(treated("2001%3Adb8%3A%3A1").as_deref(), Some("2001:db8::"));
        assert_eq!(treated("203%252e0%252e113%252e77").as_deref(), Some("203.0.113.0"));
    }

    #[test]
    fn a_value_without_address_is_withheld() {
        for value in [
            "unknown",
            "client.example.net",
            "203.0.113",
            "0203.0.113.7",
            "0xcb.0.113.7",
            "3405803853",
            "203.0.113.7.",
            "203-0-113-7.example.net",
            "unix:",
            "::ffff:203.0.113.777",
            "203.0.113.7/24",
            "%",
            "%%%%",
            "\\",
            "a=203.0.113.7",
        ] {
            assert_eq!(treated(value), None, "{value}");
        }
    }

    #[test]
    fn a_port_stays_where_it_is_asked_for() {
        let keep = Truncate { port: Port::Keep, ..network(24, 48) };
        for (value, cut) in [
            ("203.0.113.7:80", "203.0.113.0:80"),
            ("[2001:db8::1]:443", "[2001:db8::]:443"),
            ("[::ffff:203.0.113.7]:443", "203.0.113.0:443"),
            ("[2001:db8::1]", "2001:db8::"),
            ("203.0.113.7:_x", "203.0.113.0"),
        ] {
            assert_eq!(treated_by(&keep, value.as_bytes()).as_deref(), Some(cut), "{value}");
            assert_eq!(treated_by(&keep, cut.as_bytes()).as_deref(), Some(cut), "{value}");
        }
    }

    #[test]
    fn a_pseudonym_in_the_form_of_an_address_is_not_cut() {
        let truncate = network(24, 48);
        for value in ["fd73:6c61:6420:512a:9f86:d081:884c:7d65", "fd73:6c61:6420:512a::1", "fd73:6c61:6480:1::"] {
            assert_eq!(treated_by(&truncate, value.as_bytes()).as_deref(), Some(value));
        }
        assert_eq!(treated_by(&truncate, b"[FD73:6C61:6420:512A::1]:443").as_deref(), Some("fd73:6c61:6420:512a::1"));
        for value in ["fd73:6c61:64a0:1:2:3:4:5", "fd73:6c61:6320:512a:9f86:d081:884c:7d65"] {
            let cut = treated_by(&truncate, value.as_bytes()).unwrap();
            assert!(cut.ends_with("::") && cut.len() < 20, "{cut}");
        }
    }

    #[test]
    fn an_exempt_address_stays_in_its_canonical_form() {
        let networks = ["10.0.0.0/8", "2001:db8:1::/48"].map(|network| network.parse().unwrap());
        let truncate = Truncate { exempt: Arc::from(networks), ..network(24, 48) };
        for (value, stays) in [
            ("10.1.2.3", "10.1.2.3"),
            ("::ffff:10.1.2.3", "10.1.2.3"),
            ("2001:DB8:1:0:0:0:0:7", "2001:db8:1::7"),
            ("2001:db8:2::7", "2001:db8:2::"),
            ("11.1.2.3, 10.1.2.3", "11.1.2.0, 10.1.2.3"),
        ] {
            assert_eq!(treated_by(&truncate, value.as_bytes()).as_deref(), Some(stays), "{value}");
        }
    }

    /// Addresses of every sort, with those that embed another as likely as the rest.
    fn any_v6() -> impl Strategy<Value = u128> {
        (any::<u128>(), 0..EMBEDDINGS.len() + 4, any::<u8>()).prop_map(|(bits, sort, holes)| {
            let bits = (0..8).filter(|i| holes >> i & 1 == 1).fold(bits, |bits, i| bits & !(0xffff << (16 * i)));
            match EMBEDDINGS.get(sort) {
                Some(embedding) => bits & !embedding.mask | embedding.pattern,
                None if sort == EMBEDDINGS.len() => bits & 0xffff_ffff | 0xffff << 32,
                None => bits,
            }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        #[test]
        fn the_output_is_its_own_output(bits in any_v6(), v4 in 0..=32u8, v6 in 0..=128u8) {
            let truncate = network(v4, v6);
            let cut = treated_by(&truncate, Ipv6Addr::from(bits).to_string().as_bytes()).unwrap();
            prop_assert!(cut.parse::<IpAddr>().is_ok());
            prop_assert_eq!(treated_by(&truncate, cut.as_bytes()), Some(cut.clone()));
        }

        #[test]
        fn v4_addresses_that_differ_in_low_bits_give_the_same(bits in any::<u32>(), low in any::<u32>(), keep in 0..=32u8) {
            let other = bits ^ (low & u32::MAX.checked_shr(keep.into()).unwrap_or(0));
            let cut = |bits: u32| treated_by(&network(keep, 64), Ipv4Addr::from(bits).to_string().as_bytes()).unwrap();
            prop_assert_eq!(cut(bits), cut(other));
            let net = u32::from(cut(bits).parse::<Ipv4Addr>().unwrap());
            prop_assert_eq!(net, bits & !u32::MAX.checked_shr(keep.into()).unwrap_or(0));
        }

        #[test]
        fn v4_addresses_inside_v6_that_differ_in_low_bits_give_the_same(
            v4 in any::<u32>(), low in any::<u8>(), sort in 0..EMBEDDINGS.len(), high in any::<u64>(), v6 in 0..=128u8,
        ) {
            // Wherever the address is written, a second time in the last bits included.
            let write = |v4: u32| {
                let embedding = &EMBEDDINGS[sort];
                let all = u128::from(high) << 64 | u128::from(v4) << (96 - embedding.at) | u128::from(v4);
                Ipv6Addr::from(all & !embedding.mask & !(u128::from(u32::MAX) << (96 - embedding.at))
                    | embedding.pattern | u128::from(v4) << (96 - embedding.at)).to_string()
            };
            let truncate = network(24, v6);
            let (one, other) = (write(v4), write(v4 ^ u32::from(low)));
            prop_assert_eq!(treated_by(&truncate, one.as_bytes()), treated_by(&truncate, other.as_bytes()));
        }

        #[test]
        fn any_bytes_become_addresses_or_nothing(value in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..60),
            "([0-9a-f:.%x\\\\, \\[\\]\"=]|::|1\\.2\\.3\\.4|%2e|for=|\\\\x2e){0,20}".prop_map(String::into_bytes),
        ]) {
            for port in [Port::Drop, Port::Keep] {
                let truncate = Truncate { port, ..network(24, 48) };
                let Some(cut) = treated_by(&truncate, &value) else { continue };
                for element in cut.split([',', ' ']).filter(|element| !matches!(*element, "" | "-" | ":")) {
                    let plain = element.parse::<IpAddr>().is_ok();
                    prop_assert!(plain || port == Port::Keep && element.parse::<std::net::SocketAddr>().is_ok(), "{}", element);
                }
                prop_assert_eq!(treated_by(&truncate, cut.as_bytes()), Some(cut.clone()));
            }
        }
    }
}
