//! The country of an address, from a database in MaxMind's format, and nothing finer.
//!
//! <https://maxmind.github.io/MaxMind-DB/>. The database is handed in as bytes: whoever opens its file stands elsewhere.

use super::{Aid, Outcome, address::Address, list};
use maxminddb::{PathElement, Reader, WithinOptions};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

/// Two capital letters in the place of each address: `NO`.
///
/// The whole address is looked up, as it came. Of a list each element has its country; an element that is no address, or
/// one that no country is known for, becomes `-`, and a value of only such elements is withheld: a client's host name is.
/// A value that is such codes already stands, so that what came out may come in again.
#[derive(Clone, Debug)]
pub struct Country {
    /// Where countries are looked up.
    pub database: Arc<Database>,
}

impl Country {
    /// Puts its country in the place of each address of `value`.
    #[inline]
    pub fn treat(&self, value: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
        let write = |address: Address, _: Option<&[u8]>, made: &mut Vec<u8>| {
            let code = self.database.code(address);
            made.extend_from_slice(code.as_ref().map_or(b"", |code| code));
            code.is_some()
        };
        let any = match aid.detector.quad(value) {
            Some(quad) => write(Address::V4(quad.bits), None, made),
            None if are_codes(value) => return Outcome::Kept,
            None => list::addresses(value, &mut aid.buffer, made, write),
        };
        if any { Outcome::Made } else { Outcome::Dropped }
    }
}

/// A database of countries, or one that knows cities too, of which only the country is ever read.
pub struct Database {
    reader: Reader<Vec<u8>>,
}

/// Why bytes are no database of countries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not in MaxMind's format, or damaged.
    Damaged,
    /// In the format, but no record of it has a country.
    NoCountry,
}

impl Database {
    /// Reads the whole database once, so that nothing in it can surprise later.
    ///
    /// # Errors
    /// [`Fault`]
    pub fn new(bytes: Vec<u8>) -> Result<Database, Fault> {
        let reader = Reader::from_source(bytes).map_err(|_| Fault::Damaged)?;
        let database = Database { reader };
        let mut seen = std::collections::HashSet::new();
        let mut found = false;
        for network in database.reader.networks(WithinOptions::default()).map_err(|_| Fault::Damaged)? {
            let record = network.map_err(|_| Fault::Damaged)?;
            if record.offset().is_some_and(|offset| seen.insert(offset)) {
                let code: Option<&str> = match record.decode_path(&ISO_CODE) {
                    Ok(code) => code,
                    // Another kind of database may have a plain text where a table is looked for.
                    Err(maxminddb::MaxMindDbError::Decoding { .. }) => None,
                    Err(_) => return Err(Fault::Damaged),
                };
                found |= code.is_some_and(|code| is_code(code.as_bytes()));
            }
        }
        if found { Ok(database) } else { Err(Fault::NoCountry) }
    }

    /// The country of an address, as its network is registered.
    fn code(&self, address: Address) -> Option<[u8; 2]> {
        let address = visitor(address);
        // The error of the library would be made on the heap.
        if address.is_ipv6() && self.reader.metadata().ip_version == 4 {
            return None;
        }
        let code: &str = self.reader.lookup(address).ok()?.decode_path(&ISO_CODE).ok()??;
        code.as_bytes().try_into().ok().filter(|code: &[u8; 2]| is_code(code))
    }
}

/// What the file is called is the business of whoever opened it.
impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Database")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Damaged => "it is no MaxMind DB file, or a damaged one; download it again",
            Fault::NoCountry => "it knows no countries; name a country or city database",
        })
    }
}

impl std::error::Error for Fault {}

const ISO_CODE: [PathElement<'static>; 2] = [PathElement::Key("country"), PathElement::Key("iso_code")];

/// The address that says where a visitor is: the IPv4 address of an IPv6 one that holds it.
fn visitor(address: Address) -> IpAddr {
    let bits = match address {
        Address::V4(bits) => return IpAddr::V4(bits.into()),
        Address::V6(bits) => bits,
    };
    let held = EMBEDDINGS.iter().find(|held| bits >> (128 - held.bits) == held.prefix);
    match held {
        Some(held) => IpAddr::V4(Ipv4Addr::from((bits >> (96 - held.at)) as u32 ^ held.mask)),
        None => IpAddr::V6(bits.into()),
    }
}

/// IPv6 networks whose addresses hold an IPv4 address from bit `at` on.
struct Embedding {
    prefix: u128,
    bits: u32,
    at: u32,
    /// What the address is blurred with.
    mask: u32,
}

static EMBEDDINGS: [Embedding; 5] = [
    // 6to4, RFC 3056.
    Embedding { prefix: 0x2002, bits: 16, at: 16, mask: 0 },
    // Teredo, RFC 4380: the client's address, inverted, stands last.
    Embedding { prefix: 0x2001_0000, bits: 32, at: 96, mask: u32::MAX },
    // NAT64, RFC 6052.
    Embedding { prefix: 0x0064_ff9b << 64, bits: 96, at: 96, mask: 0 },
    // IPv4-translated, RFC 2765.
    Embedding { prefix: 0xffff << 16, bits: 96, at: 96, mask: 0 },
    // IPv4-compatible, RFC 4291.
    Embedding { prefix: 0, bits: 96, at: 96, mask: 0 },
];

fn is_code(text: &[u8]) -> bool {
    text.len() == 2 && text.iter().all(u8::is_ascii_uppercase)
}

/// Whether a value is codes, as they come out of here.
fn are_codes(value: &[u8]) -> bool {
    let mut elements = value.split(|byte| b" ,:".contains(byte)).filter(|element| !element.is_empty());
    let first = value.first();
    first.is_some_and(|byte| byte.is_ascii_uppercase() || *byte == b'-')
        && elements.all(|element| element == b"-" || is_code(element))
}

#[cfg(test)]
#[path = "../../tests/common/mmdb.rs"]
mod mmdb;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn country(bytes: Vec<u8>) -> Country {
        Country { database: Arc::new(Database::new(bytes).unwrap()) }
    }

    fn treated(country: &Country, value: &str) -> Option<String> {
        let mut made = b"before".to_vec();
        match country.treat(value.as_bytes(), &mut Aid::default(), &mut made) {
            Outcome::Made => Some(String::from_utf8(made).unwrap().strip_prefix("before").unwrap().to_owned()),
            Outcome::Kept => Some(value.to_owned()),
            Outcome::Dropped => {
                assert_eq!(made, b"before");
                None
            }
            Outcome::Part(..) => panic!("a part of {value}"),
        }
    }

    #[test]
    fn an_address_becomes_its_country_whatever_its_last_bits() {
        let country = country(mmdb::tiny());
        for (value, code) in [
            ("192.0.2.1", "NO"),
            ("192.0.2.255", "NO"),
            ("198.51.100.127", "SE"),
            ("198.51.100.128", "DK"),
            ("2001:db8::1", "FI"),
            ("2001:DB8:7fff:ffff::", "FI"),
            ("192.0.2.1:51234", "NO"),
            ("[2001:db8::1]:443", "FI"),
            ("2001:db8::1%eth0", "FI"),
            ("192%2E0.2.1", "NO"),
            ("192%252e0.2.1", "NO"),
            (r"192\x2e0.2.1", "NO"),
            ("\"[2001:db8::1]\"", "FI"),
        ] {
            assert_eq!(treated(&country, value).as_deref(), Some(code), "{value}");
        }
    }

    #[test]
    fn an_address_inside_another_says_the_country() {
        let country = country(mmdb::tiny());
        for value in [
            "::ffff:192.0.2.1",
            "::ffff:c000:201",
            "2002:c000:201::1",
            "64:ff9b::192.0.2.1",
            "::192.0.2.1",
            "::ffff:0:192.0.2.1",
            // The Teredo server is in Denmark, its client in Norway.
            "2001:0:c633:64ff:8000:63bf:3fff:fdfe",
        ] {
            assert_eq!(treated(&country, value).as_deref(), Some("NO"), "{value}");
        }
    }

    #[test]
    fn what_has_no_country_is_withheld() {
        let country = country(mmdb::tiny());
        for value in [
            "10.0.0.1",
            "127.0.0.1",
            "::1",
            "fe80::1",
            "203.0.113.77",
            // Registered somewhere, but nobody says where it is.
            "2001:db8:8000::1",
            "client.example.net",
            "unknown",
            "no",
            "NOR",
            "N",
            "NO.",
            "",
            ",",
            "unix:/run/php.sock",
            "192.0.2.1.dialup.example.net",
        ] {
            assert_eq!(treated(&country, value), None, "{value}");
        }
        assert_eq!(treated(&country, &"1.1.1.1.".repeat(8_192)), None);
    }

    #[test]
    fn each_element_of_a_list_has_its_country() {
        let country = country(mmdb::tiny());
        for (value, codes) in [
            ("192.0.2.7, 2001:db8::1,198.51.100.9", "NO, FI,SE"),
            ("unknown, 192.0.2.7, 10.0.0.1", "-, NO, -"),
            ("192.0.2.1:80, 198.51.100.2:80 : 198.51.100.200:80", "NO, SE : DK"),
            ("for=192.0.2.60;proto=http;by=203.0.113.43", "NO, -"),
        ] {
            let once = treated(&country, value);
            assert_eq!(once.as_deref(), Some(codes), "{value}");
            assert_eq!(treated(&country, codes).as_deref(), Some(codes), "{value} again");
        }
        assert_eq!(treated(&country, "NO").as_deref(), Some("NO"));
    }

    #[test]
    fn of_a_city_database_only_the_country_is_read() {
        let city = mmdb::database("Example-City", 4, &[("192.0.2.0/24", mmdb::city("NO", "Oslo"))]);
        let country = country(city);
        assert_eq!(treated(&country, "192.0.2.1").as_deref(), Some("NO"));
        assert_eq!(treated(&country, "::ffff:192.0.2.1").as_deref(), Some("NO"));
        assert_eq!(treated(&country, "2001:db8::1"), None);
    }

    #[test]
    fn what_is_no_database_of_countries_is_refused() {
        let refused = |bytes: Vec<u8>| Database::new(bytes).unwrap_err();
        assert_eq!(refused(Vec::new()), Fault::Damaged);
        assert_eq!(refused(b"address,country\n".repeat(100)), Fault::Damaged);
        let tiny = mmdb::tiny();
        for cut in [1, 100, tiny.len() / 2, tiny.len() - 1] {
            assert_eq!(refused(tiny[..tiny.len() - cut].to_vec()), Fault::Damaged, "{cut} bytes cut");
        }
        let text = mmdb::Value::Text;
        let asn = vec![("organization", text("Example")), ("country", text("NO"))];
        let asn = mmdb::database("Example-ASN", 6, &[("192.0.2.0/24", mmdb::Value::Map(asn))]);
        assert_eq!(refused(asn), Fault::NoCountry);
        assert_eq!(refused(mmdb::database("Empty", 6, &[])), Fault::NoCountry);
        let long = mmdb::database("Odd", 6, &[("192.0.2.0/24", mmdb::country("Norway"))]);
        assert_eq!(refused(long), Fault::NoCountry);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_damaged_database_never_panics_and_never_says_more(
            changes in proptest::collection::vec(any::<(prop::sample::Index, u8)>(), 1..8),
            address in any::<u128>(),
        ) {
            let mut bytes = mmdb::tiny();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if let Ok(database) = Database::new(bytes) {
                let country = Country { database: Arc::new(database) };
                for value in ["192.0.2.1", "198.51.100.77", "2001:db8::1", &std::net::Ipv6Addr::from(address).to_string()] {
                    if let Some(code) = treated(&country, value) {
                        prop_assert!(is_code(code.as_bytes()), "{}", code);
                    }
                }
            }
        }

        #[test]
        fn no_byte_but_codes_and_separators_comes_out(value in ".{0,40}", listed in "([0-9.]{1,3}|192.0.2.1|[a-zA-Z]{2}|[,: =-]){0,9}") {
            let country = country(mmdb::tiny());
            for value in [value, listed] {
                if let Some(codes) = treated(&country, &value) {
                    let plain = codes.split([' ', ',', ':', '-']).all(|code| code.is_empty() || is_code(code.as_bytes()));
                    prop_assert!(plain, "{} -> {}", value, codes);
                    prop_assert_eq!(treated(&country, &codes), Some(codes));
                }
            }
        }
    }
}
