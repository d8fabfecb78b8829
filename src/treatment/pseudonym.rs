//! A keyed pseudonym in place of the value. It is still personal data: who has the key can make it again.

use super::{
    Aid, Outcome,
    address::{Address, is_own, parse_element, parse_v6, write_v6},
    cache::Digest,
    escape,
    keys::Prefix,
    list,
    reversible::Scheme,
    segment::is_placeholder,
};
use crate::{detect::Detector, vault::Bytes};

pub use super::keys::{Keys, MOST_EPOCHS};

/// A secret of one epoch: 32 random bytes, wiped when dropped. `Debug` shows none of them.
#[derive(Clone)]
pub struct Secret(Bytes);

impl Secret {
    /// Takes the bytes over, and wipes what it was given. The caller's own copies are the caller's to wipe.
    pub fn new(mut bytes: [u8; 32]) -> Secret {
        let mut held = Bytes::default();
        held.copy_from_slice(&bytes);
        zeroize::Zeroize::zeroize(&mut bytes);
        Secret(held)
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<Bytes> for Secret {
    fn from(bytes: Bytes) -> Secret {
        Secret(bytes)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// One field's pseudonyms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pseudonym {
    /// Which of the fields that [`Keys`] was made for.
    pub slot: u16,
    /// Hexadecimal digits that are printed, 4 to 32; of an address at most [`MOST_ADDRESS_DIGITS`].
    pub digits: u8,
    /// How it is printed.
    pub form: Form,
    /// What counts as the same value.
    pub canonical: Canonical,
}

/// How a pseudonym is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `p1.20261121.9f86d081884c7d65`
    Token,
    /// `fd73:6c61:6420:512a:9f86:d081:884c:7d65`, a unique-local IPv6 address (RFC 4193) that no machine has, for programs
    /// that take nothing but addresses. From its first bit on: 40 bits `fd73:6c61:64`, our own prefix; 3 bits for the period
    /// (hour 0, day 1, week 2, month 3, year 4) and 21 bits for its number, counted from the one that holds 1970-01-01; 64
    /// bits of the digest, those of digits that are not asked for zero.
    Address,
    /// An address that stands for the address, and that the key turns back into it.
    Reversible(Scheme),
}

/// So many digits fit into an address.
pub const MOST_ADDRESS_DIGITS: u8 = 16;

/// What counts as the same value. Its number is keyed with the value: it must not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Canonical {
    /// An address: without port, zone and brackets, mapped ones as IPv4, IPv6 by its /64. Lists are treated one by one.
    Address = 0,
    /// A device's, session's or request's: unescaped, percent-decoded; UUIDs, hardware addresses and hexadecimals in lower case.
    Identifier = 1,
    /// A user's name: unescaped, otherwise as it stands.
    User = 2,
}

impl Pseudonym {
    /// What it is called in policies.
    pub fn name(&self) -> &'static str {
        match self.form {
            Form::Token | Form::Address => "pseudonym",
            Form::Reversible(scheme) => scheme.name(),
        }
    }

    /// Makes the value's pseudonym with the keys of the selected epoch; withholds the value where there are none.
    ///
    /// What is a pseudonym already stands as it came.
    #[inline]
    pub fn treat(&self, value: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
        if self.canonical == Canonical::Address
            && !matches!(self.form, Form::Reversible(_))
            && let Some(address) = plain(value, &aid.detector)
        {
            let any = aid.keys.ready() && self.write_address(&mut aid.keys, address, made);
            return if any { Outcome::Made } else { Outcome::Dropped };
        }
        self.treat_any(value, aid, made)
    }

    #[inline(never)]
    fn treat_any(&self, value: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
        // What an earlier run wrote is nobody's any more, and so is `- -`.
        let dashes = value.len() > 1 && value.iter().all(|byte| matches!(byte, b'-' | b' '));
        if is_pseudonym(value) || is_placeholder(value) || dashes {
            return Outcome::Kept;
        }
        if !aid.keys.ready() {
            return Outcome::Dropped;
        }
        let Aid { keys, buffer, detector, .. } = aid;
        let any = match self.canonical {
            Canonical::User => self.write(keys, value, made, || user(value, buffer)),
            Canonical::Identifier => self.write(keys, value, made, || identifier(value, buffer)),
            Canonical::Address => {
                let value = match memchr::memchr(b'\\', value) {
                    Some(_) => user(value, buffer).unwrap_or(value),
                    None => value,
                };
                list::each(value, made, |element, made| self.write_element(keys, detector, element, made))
            }
        };
        if any { Outcome::Made } else { Outcome::Dropped }
    }

    /// One element of a list, or all of a value that is spelled oddly.
    fn write_element(&self, keys: &mut Keys, detector: &Detector, element: &[u8], made: &mut Vec<u8>) -> bool {
        if is_pseudonym(element) {
            made.extend_from_slice(element);
            return true;
        }
        let read = || plain(element, detector).or_else(|| parse_element(element).map(|(address, _)| address));
        let Form::Reversible(scheme) = self.form else {
            return read().is_some_and(|address| self.write_address(keys, address, made));
        };
        // An earlier run's, in the other form.
        if matches!(element.first(), Some(b'f' | b'F' | b'[' | b'"'))
            && let Some(Address::V6(bits)) = read()
            && is_own(bits)
        {
            write_v6(bits, made);
            return true;
        }
        let Some(address) = keys.replaced(self.slot, scheme, element, read) else { return false };
        address.write(made);
        true
    }

    /// The pseudonym of an address; an earlier run's, in the form of one, as it is.
    #[inline]
    fn write_address(&self, keys: &mut Keys, address: Address, made: &mut Vec<u8>) -> bool {
        if let Address::V6(bits) = address
            && is_own(bits)
        {
            write_v6(bits, made);
            return true;
        }
        let digest = keys.digest_address(self.slot, self.canonical as u8, address);
        digest.is_some_and(|(prefix, digest)| self.print(prefix, &digest, made))
    }

    fn write<'m>(
        &self,
        keys: &mut Keys,
        value: &[u8],
        made: &mut Vec<u8>,
        message: impl FnOnce() -> Option<&'m [u8]>,
    ) -> bool {
        let digest = keys.digest(self.slot, self.canonical as u8, value, message);
        digest.is_some_and(|(prefix, digest)| self.print(prefix, &digest, made))
    }

    /// Appends the pseudonym; `false` where its form has no room for the epoch.
    #[inline]
    fn print(&self, prefix: &Prefix, digest: &Digest, made: &mut Vec<u8>) -> bool {
        match self.form {
            Form::Token => {
                let end = made.len() + prefix.length;
                made.extend_from_slice(&prefix.text);
                made.truncate(end);
                write_hex(digest, usize::from(self.digits), made);
                true
            }
            // Only addresses come so far that are none of these.
            Form::Reversible(_) => false,
            Form::Address => {
                // There is no room for an epoch before 1970, or for hours after 2209.
                let Some(network) = prefix.network else { return false };
                let (first, _) = digest.split_first_chunk::<8>().expect("a digest has 16 bytes");
                let unasked = 64 - 4 * u32::from(self.digits.clamp(4, MOST_ADDRESS_DIGITS));
                write_v6(network | u128::from(u64::from_be_bytes(*first) >> unasked << unasked), made);
                true
            }
        }
    }
}

/// An address that stands alone, without port, brackets and zone.
#[inline]
fn plain(text: &[u8], detector: &Detector) -> Option<Address> {
    match detector.quad(text) {
        Some(quad) => Some(Address::V4(quad.bits)),
        None => parse_v6(text).map(Address::from_v6),
    }
}

/// Whether all of `value` is in the printed form of a pseudonym: `p1`, the epoch's name, 4 to 32 digits.
#[inline]
pub fn is_pseudonym(value: &[u8]) -> bool {
    let Some(rest) = value.strip_prefix(b"p1.") else {
        return false;
    };
    let Some(dot) = rest.iter().take(LONGEST_NAME + 1).position(|&byte| byte == b'.') else {
        return false;
    };
    let (name, digits) = (&rest[..dot], &rest[dot + 1..]);
    is_epoch(name)
        && (4..=32).contains(&digits.len())
        && digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

const LONGEST_NAME: usize = 10;

/// Whether an epoch can have this name: a year, month, day, hour or week.
fn is_epoch(name: &[u8]) -> bool {
    match name {
        [year @ .., b'w' | b'W', tens, ones] if year.len() == 4 => {
            year.iter().chain([tens, ones]).all(u8::is_ascii_digit)
        }
        _ => matches!(name.len(), 4 | 6 | 8 | 10) && name.iter().all(u8::is_ascii_digit),
    }
}

fn user<'m>(value: &'m [u8], buffer: &'m mut Vec<u8>) -> Option<&'m [u8]> {
    if memchr::memchr(b'\\', value).is_none() {
        return Some(value);
    }
    buffer.clear();
    escape::unescape(value, buffer);
    Some(buffer)
}

fn identifier<'m>(value: &[u8], buffer: &'m mut Vec<u8>) -> Option<&'m [u8]> {
    buffer.clear();
    escape::unescape(value, buffer);
    let length = escape::percent_decode(buffer);
    buffer.truncate(length);
    if buffer.iter().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'-' | b':' | b'.' | b'{' | b'}')) {
        buffer.make_ascii_lowercase();
    }
    Some(buffer)
}

/// Appends the first `digits` hexadecimal digits.
#[inline]
fn write_hex(digest: &Digest, digits: usize, out: &mut Vec<u8>) {
    let end = out.len() + digits;
    for group in digest.as_chunks::<4>().0.iter().take(digits.div_ceil(8)) {
        out.extend_from_slice(&hex8(u32::from_be_bytes(*group)).to_be_bytes());
    }
    out.truncate(end);
}

/// Eight hexadecimal digits at once: a byte each, the first one highest.
#[inline]
fn hex8(bits: u32) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let mut word = u64::from(bits);
    word = (word << 16 | word) & 0x0000_ffff_0000_ffff;
    word = (word << 8 | word) & 0x00ff_00ff_00ff_00ff;
    word = (word << 4 | word) & 0x0f0f_0f0f_0f0f_0f0f;
    // Digits over nine are letters: `a` is 39 behind where the numbers go on.
    let letters = ((word + 6 * ONES) >> 4) & ONES;
    word + u64::from(b'0') * ONES + letters * 39
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epoch::Epoch;
    use proptest::prelude::*;

    fn aid() -> Aid {
        let mut keys = Keys::new(&["user.name".into(), "device.id".into()], vec![("".into(), "security_log".into())]);
        keys.admit(Epoch(20778), "20261121", Some(Secret::new([42; 32])));
        keys.select(Epoch(20778), 0);
        Aid { keys, ..Aid::default() }
    }

    fn treated_by(pseudonym: Pseudonym, value: &[u8], aid: &mut Aid) -> Option<String> {
        let mut made = b"before".to_vec();
        match pseudonym.treat(value, aid, &mut made) {
            Outcome::Made => Some(String::from_utf8(made).unwrap().strip_prefix("before").unwrap().to_owned()),
            Outcome::Kept => Some(String::from_utf8(value.to_vec()).unwrap()),
            Outcome::Dropped => None,
            other => panic!("{other:?}"),
        }
    }

    fn treated(canonical: Canonical, value: impl AsRef<[u8]>) -> Option<String> {
        treated_by(Pseudonym { slot: 1, digits: 16, form: Form::Token, canonical }, value.as_ref(), &mut aid())
    }

    #[test]
    fn it_says_scheme_epoch_and_as_many_digits_as_asked() {
        let all = treated_by(
            Pseudonym { slot: 0, digits: 32, form: Form::Token, canonical: Canonical::User },
            b"anna",
            &mut aid(),
        )
        .unwrap();
        assert!(all.starts_with("p1.20261121."));
        for digits in 4..=32 {
            let pseudonym = Pseudonym { slot: 0, digits, form: Form::Token, canonical: Canonical::User };
            let made = treated_by(pseudonym, b"anna", &mut aid()).unwrap();
            assert_eq!(made, all[..12 + usize::from(digits)]);
            assert!(is_pseudonym(made.as_bytes()));
        }
    }

    #[test]
    fn what_an_earlier_run_wrote_stays() {
        for value in ["p1.20261121.9f86d081884c7d65", "[user]", "[email]", "- -"] {
            assert_eq!(treated(Canonical::User, value).as_deref(), Some(value));
        }
        for value in ["[users]", "-a-", "[user] x"] {
            assert_ne!(treated(Canonical::User, value).as_deref(), Some(value));
        }
    }

    #[test]
    fn spellings_of_one_identifier_have_one_pseudonym() {
        let one = treated(Canonical::Identifier, "0f8fad5b-d9cb-469f-a165-70867728950e");
        for value in [
            "0F8FAD5B-D9CB-469F-A165-70867728950E",
            "0f8fad5b%2Dd9cb%2D469f%2da165%2d70867728950e",
            r"0f8fad5b\u002dd9cb\x2D469f-a165-70867728950e",
        ] {
            assert_eq!(treated(Canonical::Identifier, value), one, "{value}");
        }
        let mac = treated(Canonical::Identifier, "00:00:5E:00:53:AF");
        assert_eq!(treated(Canonical::Identifier, "00%3a00%3a5e%3a00%3a53%3aaf"), mac);
        assert_ne!(mac, one);
        assert_ne!(treated(Canonical::Identifier, "Session"), treated(Canonical::Identifier, "session"));
    }

    #[test]
    fn spellings_of_one_address_have_one_pseudonym_and_a_v6_one_counts_by_its_64() {
        let v4 = treated(Canonical::Address, "203.0.113.7");
        for value in ["203.0.113.7:443", "::ffff:203.0.113.7", "[::ffff:cb00:7107]:80", r"203\x2e0.113.7"] {
            assert_eq!(treated(Canonical::Address, value), v4, "{value}");
        }
        let v6 = treated(Canonical::Address, "2001:db8:0:7::1");
        for value in ["2001:DB8:0:7:1:2:3:4", "[2001:db8:0:7::9]:443", "2001:db8:0:7::1%eth0"] {
            assert_eq!(treated(Canonical::Address, value), v6, "{value}");
        }
        assert_ne!(treated(Canonical::Address, "2001:db8:0:8::1"), v6);
        assert_ne!(treated(Canonical::Address, "203.0.113.8"), v4);
        let (v4, v6) = (v4.unwrap(), v6.unwrap());
        assert_eq!(treated(Canonical::Address, "203.0.113.7, unknown,2001:db8:0:7::"), Some(format!("{v4}, -,{v6}")));
        assert_eq!(treated(Canonical::Address, format!("{v4}, 203.0.113.7")), Some(format!("{v4}, {v4}")));
        assert_eq!(treated(Canonical::Address, "client.example.net"), None);
    }

    fn as_address(value: impl AsRef<[u8]>, digits: u8) -> Option<String> {
        let pseudonym = Pseudonym { slot: 1, digits, form: Form::Address, canonical: Canonical::Address };
        treated_by(pseudonym, value.as_ref(), &mut aid())
    }

    #[test]
    fn an_address_is_unique_local_and_holds_the_epoch_and_the_digits_of_the_token() {
        let token = treated(Canonical::Address, "203.0.113.7").unwrap();
        let address = as_address("203.0.113.7:443", 16).unwrap();
        let parsed: std::net::Ipv6Addr = address.parse().unwrap();
        assert!(parsed.is_unique_local());
        assert_eq!(parsed.to_string(), address, "it is in the form of RFC 5952");
        let bits = u128::from(parsed);
        assert_eq!(bits >> 88, 0xfd_736c_6164, "our prefix");
        assert_eq!((bits >> 85 & 7, bits >> 64 & 0x1f_ffff), (1, 20778), "the 20778th day");
        assert_eq!(format!("{:016x}", bits as u64), token["p1.20261121.".len()..]);
        assert!(address.starts_with("fd73:6c61:6420:512a:"), "{address}");
        for digits in 4..=16u8 {
            let cut: std::net::Ipv6Addr = as_address("203.0.113.7", digits).unwrap().parse().unwrap();
            let stays = u64::MAX << (64 - 4 * u32::from(digits));
            assert_eq!(u128::from(cut) as u64, bits as u64 & stays);
        }
    }

    #[test]
    fn an_address_of_an_earlier_run_stays() {
        let address = as_address("2001:db8::1", 16).unwrap();
        for value in [format!("[{address}]:443"), address.to_uppercase(), format!("{address}%eth0"), address.clone()] {
            assert_eq!(as_address(&value, 16).as_deref(), Some(&*address), "{value}");
            assert_eq!(treated(Canonical::Address, &value).as_deref(), Some(&*address), "{value}");
        }
        let list = format!("{address}, 203.0.113.7, unknown");
        let made = as_address(&list, 16).unwrap();
        assert!(made.starts_with(&format!("{address}, fd73:6c61:6420:512a:")) && made.ends_with(", -"), "{made}");
        // The neighbours of our network are nobody's pseudonyms.
        for other in ["fd73:6c61:63ff::1", "fd73:6c61:6500::1", "fd73:6c61:64a0::1", "fd73:6c61:64ff::1"] {
            assert_ne!(as_address(other, 16).as_deref(), Some(other), "{other}");
        }
    }

    /// As an address is treated, without a glance at the whole value and without any memory but that of texts.
    fn by_elements(value: &[u8], form: Form, aid: &mut Aid) -> Option<String> {
        let pseudonym = Pseudonym { slot: 1, digits: 16, form, canonical: Canonical::Address };
        let mut made = Vec::new();
        let any = list::each(value, &mut made, |element, made| {
            if is_pseudonym(element) {
                made.extend_from_slice(element);
                return true;
            }
            let message = match parse_element(element) {
                Some((Address::V4(bits), _)) => bits.to_be_bytes().to_vec(),
                Some((Address::V6(bits), _)) if is_own(bits) => {
                    write_v6(bits, made);
                    return true;
                }
                Some((Address::V6(bits), _)) => bits.to_be_bytes()[..8].to_vec(),
                None => return false,
            };
            pseudonym.write(&mut aid.keys, element, made, || Some(&message[..]))
        });
        any.then(|| String::from_utf8(made).unwrap())
    }

    #[test]
    fn an_epoch_that_an_address_has_no_room_for_has_no_pseudonym() {
        let pseudonym = Pseudonym { slot: 0, digits: 16, form: Form::Address, canonical: Canonical::Address };
        for (epoch, name, fits) in [
            (0, "19700101", true),
            (-1, "19691231", false),
            (2_097_151, "7711112200", true),
            (2_097_152, "7711112200", false),
            (2_968, "2026w47", true),
            (682, "202611", true),
            (56, "2026", true),
        ] {
            let mut aid = aid();
            aid.keys.admit(Epoch(epoch), name, Some(Secret::new([1; 32])));
            aid.keys.select(Epoch(epoch), 0);
            let made = treated_by(pseudonym, b"192.0.2.1", &mut aid);
            assert_eq!(made.is_some(), fits, "{name}");
            if let Some(made) = made {
                assert_eq!(treated_by(pseudonym, made.as_bytes(), &mut aid), Some(made.clone()));
            }
        }
    }

    #[test]
    fn an_address_that_can_be_had_back_is_whole_and_has_a_key_of_its_own() {
        use crate::treatment::reversible::Scheme;
        let mut seen = std::collections::HashSet::new();
        for scheme in Scheme::ALL {
            let pseudonym =
                Pseudonym { slot: 1, digits: 16, form: Form::Reversible(scheme), canonical: Canonical::Address };
            let mut aid = aid();
            let mut made = |value: &str| treated_by(pseudonym, value.as_bytes(), &mut aid);
            let v4 = made("203.0.113.7");
            for value in ["203.0.113.7:443", "::ffff:203.0.113.7", "[::ffff:cb00:7107]:80", "203.0.113.7"] {
                assert_eq!(made(value), v4, "{value}");
            }
            assert_ne!(made("2001:db8:0:7::1"), made("2001:db8:0:7::2"), "all bits count");
            assert_eq!(made("203.0.113.7, unknown"), Some(format!("{}, -", v4.clone().unwrap())));
            assert_eq!(made("client.example.net"), None);
            assert_eq!(made("fd73:6c61:6420:512a::1").as_deref(), Some("fd73:6c61:6420:512a::1"));
            assert!(seen.insert(v4.unwrap()), "{scheme:?}");
        }
    }

    #[test]
    fn users_differ_by_every_byte_but_not_by_escape() {
        let anna = treated(Canonical::User, "anna");
        assert_eq!(treated(Canonical::User, r"\x61nna"), anna);
        for value in ["Anna", "anna ", "%61nna", r"ann\xe4"] {
            assert_ne!(treated(Canonical::User, value), anna, "{value}");
        }
        assert_ne!(treated(Canonical::Identifier, "anna"), anna);
    }

    #[test]
    fn without_secret_the_value_is_withheld_and_the_record_late() {
        let mut aid = aid();
        aid.keys.admit(Epoch(1), "19700102", None);
        for canonical in [Canonical::User, Canonical::Identifier, Canonical::Address] {
            aid.keys.select(Epoch(1), 0);
            let pseudonym = Pseudonym { slot: 0, digits: 16, form: Form::Token, canonical };
            assert_eq!(treated_by(pseudonym, b"203.0.113.7", &mut aid), None);
            assert!(aid.keys.take_late());
        }
        assert_eq!(
            Pseudonym { slot: 0, digits: 16, form: Form::Token, canonical: Canonical::User }.treat(
                b"anna",
                &mut Aid::default(),
                &mut Vec::new()
            ),
            Outcome::Dropped
        );
    }

    #[test]
    fn the_printed_form_is_known_exactly() {
        for value in [
            "p1.20261121.9f86d081884c7d65",
            "p1.2026.9f86",
            "p1.202611.9f86d0",
            "p1.2026112110.9f86d0",
            "p1.2026w47.9f86d0",
            "p1.20261121.9f86d081884c7d659f86d081884c7d65",
        ] {
            assert!(is_pseudonym(value.as_bytes()), "{value}");
        }
        for value in [
            "",
            "p1.",
            "p1..9f86",
            "p2.20261121.9f86",
            "p1.20261121.9f8",
            "p1.20261121.9F86",
            "p1.20261121.9f86d08g",
            "p1.20261121.9f86d081884c7d659f86d081884c7d651",
            "p1.2026112.9f86",
            "p1.20261121.9f86 ",
            " p1.20261121.9f86",
            "p1.anna.9f86",
            "p1.20261121x9f86",
            "p1.20261121",
            "p1.2026x47.9f86",
            "p1.20261121.9f86.0000",
        ] {
            assert!(!is_pseudonym(value.as_bytes()), "{value}");
        }
    }

    proptest! {
        #[test]
        fn a_pseudonym_is_its_own_and_says_nothing_of_the_value(
            value in proptest::collection::vec(any::<u8>(), 0..80), digits in 4..=32u8, user in any::<bool>(),
        ) {
            let canonical = if user { Canonical::User } else { Canonical::Identifier };
            let pseudonym = Pseudonym { slot: 0, digits, form: Form::Token, canonical };
            let mut aid = aid();
            let made = treated_by(pseudonym, &value, &mut aid).unwrap();
            prop_assert!(is_pseudonym(made.as_bytes()));
            prop_assert_eq!(made.len(), 12 + usize::from(digits));
            prop_assert_eq!(treated_by(pseudonym, made.as_bytes(), &mut aid), Some(made.clone()));
            prop_assert_eq!(treated_by(pseudonym, &value, &mut aid), Some(made));
        }

        #[test]
        fn any_bytes_can_be_read_as_addresses(value in "([0-9a-f:., %\\\\]|::|1\\.2\\.3\\.4|p1\\.2026\\.0000){0,12}") {
            if let Some(made) = treated(Canonical::Address, &value) {
                for element in made.split([',', ' ']).filter(|element| !matches!(*element, "" | "-" | ":")) {
                    prop_assert!(is_pseudonym(element.as_bytes()), "{}", element);
                }
            }
        }

        #[test]
        fn addresses_are_treated_as_their_elements_are(
            v4 in proptest::collection::vec((0..300u32, 0..300u32, any::<bool>()), 1..40),
            v6 in proptest::collection::vec((any::<u128>(), 0..128u32, 0..4u8), 1..40),
            odd in "([0-9a-f]{1,3}|[.:,%]|::|fd73:6c61:64|::ffff:|192\\.0\\.2\\.){1,12}",
        ) {
            let v4 = v4.into_iter().map(|(one, other, swaps)| match swaps {
                true => format!("192.{one}.2.{other}"),
                false => format!("{other}.0.{one}.7"),
            });
            let v6 = v6.into_iter().map(|(bits, shift, form)| {
                let address = std::net::Ipv6Addr::from(bits >> shift);
                match form {
                    0 => address.to_string(),
                    1 => address.to_string().to_uppercase(),
                    2 => address.segments().map(|group| format!("{group:x}")).join(":"),
                    _ => address.segments().map(|group| format!("{group:04x}")).join(":"),
                }
            });
            for form in [Form::Token, Form::Address] {
                let pseudonym = Pseudonym { slot: 1, digits: 16, form, canonical: Canonical::Address };
                let (mut one, mut other) = (aid(), aid());
                for value in v4.clone().chain(v6.clone()).chain([odd.clone()]) {
                    let made = treated_by(pseudonym, value.as_bytes(), &mut one);
                    prop_assert_eq!(made, by_elements(value.as_bytes(), form, &mut other), "{}", value);
                }
            }
        }

        #[test]
        fn hexadecimal_digits_are_those_of_the_standard_library(bits in any::<u32>()) {
            prop_assert_eq!(hex8(bits).to_be_bytes().to_vec(), format!("{bits:08x}").into_bytes());
        }
    }
}
