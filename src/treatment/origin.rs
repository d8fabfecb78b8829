//! A URL's scheme, host and port in place of the URL.

use super::{
    Aid, Outcome,
    truncate::{Port, Truncate},
};
use crate::detect::{Detector, Kinds, Outline, Place, What};
use std::net::IpAddr;

/// Lets `https://example.org/` of `https://example.org/a?b=c` stand. Addresses that stand as hosts are cut.
///
/// What is no URL of a known scheme with a plain host is withheld: relative references, `data:`, percent-encoded hosts,
/// host names that spell an address. User information goes. A slash stays where a path stood, so that what comes out
/// parses as what went in did.
#[derive(Clone, Debug)]
pub struct Origin {
    network: Truncate,
}

impl Origin {
    /// Cuts addresses that stand as hosts as `network` says; it also says whether their ports stay.
    pub fn new(network: Truncate) -> Origin {
        Origin { network }
    }

    /// Keeps the origin of `value`.
    #[inline]
    pub fn treat(&self, value: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
        if let Some(keep) = plain_origin(value, &aid.detector) {
            return Outcome::Part(0, keep);
        }
        self.treat_closely(value, aid, made)
    }

    /// The same without looking first.
    #[inline(never)]
    fn treat_closely(&self, value: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
        let Some(start) = after_scheme(value) else { return Outcome::Dropped };
        let Some(authority) = Authority::read(value, start) else { return Outcome::Dropped };
        let host = &value[authority.host.0..authority.host.1];
        match judge(host, &mut aid.detector) {
            Verdict::Name if authority.host.0 == start => Outcome::Part(0, authority.keep as u32),
            Verdict::Name => {
                made.extend_from_slice(&value[..start]);
                made.extend_from_slice(&value[authority.host.0..authority.keep]);
                Outcome::Made
            }
            Verdict::Address(address) => {
                made.extend_from_slice(&value[..start]);
                write_host(&self.network, address, made);
                let rest = match self.network.port {
                    Port::Drop => authority.end.min(authority.keep),
                    Port::Keep => authority.host.1,
                };
                made.extend_from_slice(&value[rest..authority.keep]);
                Outcome::Made
            }
            Verdict::Refused => Outcome::Dropped,
        }
    }
}

/// Where the origin of a page ends, if its host is a name of few short words and nothing but a path stands behind it.
#[inline]
fn plain_origin(value: &[u8], detector: &Detector) -> Option<u32> {
    let rest = value.strip_prefix(b"https://").or_else(|| value.strip_prefix(b"http://"))?;
    let Outline { letter, dot, dash, .. } = detector.outline(&rest[..rest.len().min(63)])?;
    let length = (!(letter | dot | dash)).trailing_zeros();
    let slash = match rest.get(length as usize) {
        Some(b'/') => 1,
        None => 0,
        Some(_) => return None,
    };
    let host = (1u64 << length) - 1;
    let (label, dot, dash) = (letter | dash, dot & host, dash & host);
    let label = label & host;
    // An empty label, or the name's end behind a dot.
    let odd = dot & !(label << 1) | (1 << length) & dot << 1;
    let two = label & label << 1;
    let four = two & two << 2;
    let eight = four & four << 4;
    // A label of 16 bytes, two dashes or lines in a row, two labels of four bytes (three: a hardware address, perhaps).
    let telling = eight & eight << 8 | dash & dash << 1 | dot & dot << 5;
    (length > 0 && odd | telling == 0 && dot.count_ones() < 3)
        .then(|| (value.len() - rest.len()) as u32 + length + slash)
}

/// Where the authority starts, behind a scheme that we know and `://`. JSON may have written `:\/\/`.
#[inline]
pub(super) fn after_scheme(value: &[u8]) -> Option<usize> {
    // The longest scheme has eleven letters.
    let colon = value.iter().take(12).position(|&byte| byte == b':')?;
    let scheme = &value[..colon];
    let after = match &value[colon + 1..] {
        [b'/', b'/', ..] => colon + 3,
        [b'\\', b'/', b'\\', b'/', ..] => colon + 5,
        _ => return None,
    };
    SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known)).then_some(after)
}

/// The parts of an authority, as positions in the URL.
pub(super) struct Authority {
    /// The host, in its brackets if it has any.
    pub(super) host: (usize, usize),
    /// Where what may stay ends: behind host, port and the path's first slash.
    pub(super) keep: usize,
    /// Where the authority ends.
    pub(super) end: usize,
}

impl Authority {
    /// Reads the authority that starts at `start`. `None` where it is not plain.
    #[inline]
    pub(super) fn read(value: &[u8], start: usize) -> Option<Authority> {
        let rest = &value[start..];
        let length = rest.iter().position(|&byte| matches!(byte, b'/' | b'?' | b'#' | b'\\')).unwrap_or(rest.len());
        let end = start + length;
        let slash = match &value[end..] {
            [b'/', ..] => 1,
            [b'\\', b'/', ..] => 2,
            // A browser reads a backslash as a slash, others as a part of the host.
            [b'\\', ..] => return None,
            _ => 0,
        };
        let from = memchr::memrchr(b'@', &value[start..end]).map_or(start, |at| start + at + 1);
        let host = &value[from..end];
        let to = match host {
            [b'[', ..] => from + host.iter().position(|&byte| byte == b']')? + 1,
            _ => from + host.iter().position(|&byte| byte == b':').unwrap_or(host.len()),
        };
        let keep = match &value[to..end] {
            [] => end + slash,
            // A colon without a port says nothing.
            [b':'] => to,
            [b':', port @ ..] if port.len() <= 5 && port.iter().all(u8::is_ascii_digit) => end + slash,
            _ => return None,
        };
        (from < to).then_some(Authority { host: (from, to), keep, end })
    }
}

/// What a host is.
pub(super) enum Verdict {
    /// A name that no detector objects to.
    Name,
    /// An address, however it is spelled.
    Address(IpAddr),
    /// Neither.
    Refused,
}

/// Reads a host that stands alone.
#[inline]
pub(super) fn judge(host: &[u8], detector: &mut Detector) -> Verdict {
    let Some(shape) = Shape::of(host) else {
        // Not a name; an address in brackets, perhaps.
        return if host.first() == Some(&b'[') { address(host, detector) } else { Verdict::Refused };
    };
    match shape {
        Shape::Words => Verdict::Name,
        Shape::Mixed => {
            if detector.any(host, Kinds::ALL, Place::Host) {
                address(host, detector)
            } else if last_label_is_number(host) {
                Verdict::Refused
            } else {
                Verdict::Name
            }
        }
    }
}

#[cold]
fn address(host: &[u8], detector: &mut Detector) -> Verdict {
    match detector.find(host, Kinds::ALL, Place::Host) {
        [finding] if finding.span.len() == host.len() => match finding.what {
            What::Address(address) => Verdict::Address(address),
            What::HostName
            | What::Email
            | What::Jwt
            | What::Uuid
            | What::Mac
            | What::Imei
            | What::Token
            | What::Phone
            | What::Card
            | What::Iban
            | What::NationalId
            | What::User
            | What::Value
            | What::Own(_) => Verdict::Refused,
        },
        _ => Verdict::Refused,
    }
}

/// Appends the cut address as it stands in a URL.
pub(super) fn write_host(network: &Truncate, address: IpAddr, made: &mut Vec<u8>) {
    let start = made.len();
    network.write(address, made);
    if made[start..].contains(&b':') {
        made.insert(start, b'[');
        made.push(b']');
    }
}

/// No resolver asks for a name whose last label is a number: it is an address in some notation, or a mistake.
fn last_label_is_number(host: &[u8]) -> bool {
    let host = host.strip_suffix(b".").unwrap_or(host);
    let label = host.rsplit(|&byte| byte == b'.').next().unwrap_or(host);
    label.first().is_some_and(u8::is_ascii_digit)
        && (label.iter().all(u8::is_ascii_digit) || matches!(label, [b'0', b'x' | b'X', ..]))
}

/// What a host name is made of.
enum Shape {
    /// Labels without digits, each shorter than any identifier that has letters alone.
    Words,
    /// Anything else that is a host name.
    Mixed,
}

impl Shape {
    /// `None`: no host name. Labels of 1 to 63 letters, digits, `-` and `_`, 253 bytes in all, perhaps a dot at the end.
    #[inline]
    fn of(host: &[u8]) -> Option<Shape> {
        if host.is_empty() || host.len() > 253 {
            return None;
        }
        let (mut label, mut longest, mut fours, mut mixed, mut last) = (0, 0, 0, false, 0);
        for &byte in host {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'_' => label += 1,
                b'-' => {
                    label += 1;
                    // `fd--a` may be an IPv6 address.
                    mixed |= last == b'-';
                }
                b'0'..=b'9' => {
                    label += 1;
                    mixed = true;
                }
                b'.' if label > 0 => {
                    longest = longest.max(label);
                    fours += usize::from(label == 4);
                    label = 0;
                }
                _ => return None,
            }
            last = byte;
        }
        longest = longest.max(label);
        // Three labels of four letters may be a hardware address.
        mixed |= fours >= 2 || longest > 15;
        (longest > 0 && longest <= 63).then_some(if mixed { Shape::Mixed } else { Shape::Words })
    }
}

/// Schemes of pages and applications that can refer. Others name no place or, as `chrome-extension`, tell browsers apart.
const SCHEMES: [&[u8]; 12] = [
    b"https",
    b"http",
    b"android-app",
    b"ios-app",
    b"ftp",
    b"wss",
    b"ws",
    // What stands behind a server: `fastcgi://unix:/run/php.sock:`.
    b"fastcgi",
    b"uwsgi",
    b"scgi",
    b"grpcs",
    b"grpc",
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn treated(value: &[u8]) -> Option<Vec<u8>> {
        let origin = Origin::new(Truncate { v4: 24, v6: 48, port: Port::Drop, exempt: [].into() });
        let mut made = b"before".to_vec();
        match origin.treat(value, &mut Aid::default(), &mut made) {
            Outcome::Dropped => None,
            Outcome::Kept => Some(value.to_vec()),
            Outcome::Part(from, to) => Some(value[from as usize..to as usize].to_vec()),
            Outcome::Made => Some(made[6..].to_vec()),
        }
    }

    fn text(value: &str) -> Option<String> {
        treated(value.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn scheme_host_and_port_stay_and_a_slash_where_a_path_stood() {
        for (value, stays) in [
            ("https://example.org/a/b?c=d#e", "https://example.org/"),
            ("https://example.org/", "https://example.org/"),
            ("https://example.org", "https://example.org"),
            ("https://example.org?q=anna", "https://example.org"),
            ("https://example.org#frag", "https://example.org"),
            ("HTTP://Example.ORG:8080/x", "HTTP://Example.ORG:8080/"),
            ("http://example.org:/x", "http://example.org"),
            ("http://localhost/", "http://localhost/"),
            ("https://www.dev-1.example.co.uk./x", "https://www.dev-1.example.co.uk./"),
            ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
            ("android-app://com.example.app_two/https/example.org", "android-app://com.example.app_two/"),
            (r"https:\/\/example.org\/a\/b", r"https:\/\/example.org\/"),
        ] {
            assert_eq!(text(value).as_deref(), Some(stays), "{value}");
        }
    }

    #[test]
    fn user_information_goes() {
        assert_eq!(text("https://anna:secret@example.org:444/x").as_deref(), Some("https://example.org:444/"));
        assert_eq!(text("https://anna@b@example.org/x").as_deref(), Some("https://example.org/"));
        assert_eq!(text("https://@example.org").as_deref(), Some("https://example.org"));
    }

    #[test]
    fn addresses_as_hosts_are_cut_in_every_notation() {
        for (value, stays) in [
            ("http://203.0.113.77/x", "http://203.0.113.0/"),
            ("http://203.0.113.77:8080/x", "http://203.0.113.0/"),
            ("http://anna@203.0.113.77", "http://203.0.113.0"),
            ("http://[2001:db8:1:2::3]:81/x", "http://[2001:db8:1::]/"),
            ("http://[::ffff:203.0.113.77]/", "http://203.0.113.0/"),
            ("http://3405803853/", "http://203.0.113.0/"),
            ("http://0xcb00714d/x", "http://203.0.113.0/"),
            ("http://198.51.100.0/", "http://198.51.100.0/"),
        ] {
            assert_eq!(text(value).as_deref(), Some(stays), "{value}");
        }
        let keep = Origin::new(Truncate { v4: 16, v6: 32, port: Port::Keep, exempt: [].into() });
        let mut made = Vec::new();
        assert_eq!(keep.treat(b"http://[2001:db8:1::3]:81/x", &mut Aid::default(), &mut made), Outcome::Made);
        assert_eq!(made, b"http://[2001:db8::]:81/");
    }

    #[test]
    fn what_is_no_plain_url_goes() {
        for value in [
            "/page",
            "page",
            "//example.org/",
            "https:/example.org/",
            "https://",
            "https:///x",
            "https://?x",
            "javascript:alert(1)",
            "data:text/html,x",
            "about:blank",
            "mailto:anna@example.org",
            "chrome-extension://abcdefghijklmnopabcdefghijklmnop/",
            "https://exa mple.org/",
            "https://%65xample.org/",
            "https://anna%40example.org/",
            "https://example.org:99999999/",
            "https://example.org:8x/",
            "https://example..org/",
            "https://.example.org/",
            "https://b\u{fc}cher.example/",
            r"https://example.org\@198.51.100.1/",
            "https://[2001:db8::1/",
            "https://[fe80::1%25eth0",
            "https://256.300.1.2/",
            "https://1.2.example.3/",
            "https://203-0-113-77.dialup.example.net/",
            "https://77.113.0.203.in-addr.arpa/",
            "https://a.0x7f/",
            "http://example.org\"x/",
            "xhttps://example.org/",
            "https://550e8400-e29b-41d4-a716-446655440000.example.org/",
        ] {
            assert_eq!(text(value), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_give_nothing_but_an_origin(value in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(stays) = treated(&value) {
                prop_assert!(stays.iter().all(|byte| byte.is_ascii_graphic()));
            }
        }

        #[test]
        fn no_detector_fires_on_a_host_of_words(host in r"([a-f.-]{1,20}|[a-z_-]{1,15}(\.[a-z_-]{1,15}){0,3})") {
            if matches!(Shape::of(host.as_bytes()), Some(Shape::Words)) {
                prop_assert!(!Detector::default().any(host.as_bytes(), Kinds::ALL, Place::Host));
            }
        }

        #[test]
        fn a_plain_origin_is_what_a_close_look_gives(
            value in r"(https?|ftp)://([a-z0-9]@)?[a-z_-]{0,17}(\.[a-z0-9_-]{0,5}){0,4}(:[0-9]{0,3})?([/?#\\][!-~]{0,20})?",
            words in r"https?://([a-z]{4}\.){0,3}[a-z]{1,40}(\.[a-z]{1,30}){0,2}(/[!-~]{0,9})?",
        ) {
            let origin = Origin::new(Truncate { v4: 24, v6: 48, port: Port::Drop, exempt: [].into() });
            for value in [value.as_bytes(), words.as_bytes()] {
                if let Some(keep) = plain_origin(value, &Detector::default()) {
                    let (mut aid, mut made) = (Aid::default(), Vec::new());
                    prop_assert_eq!(origin.treat_closely(value, &mut aid, &mut made), Outcome::Part(0, keep));
                }
            }
        }

        #[test]
        fn what_leaves_stays_as_it_is(
            value in r"(https?|android-app)://([a-z0-9:.]{0,8}@)?[a-z0-9.-]{1,20}(:[0-9]{0,6})?([/?#\\][!-~]{0,12})?",
        ) {
            if let Some(stays) = treated(value.as_bytes()) {
                prop_assert_eq!(treated(&stays), Some(stays));
            }
        }

        #[test]
        fn what_stands_around_the_host_changes_nothing(
            path in r"[!-~]{0,60}", other in r"[!-~]{0,60}", user in "[a-z:]{0,9}",
        ) {
            prop_assert_eq!(
                text(&format!("https://example.org/{path}")),
                text(&format!("https://{user}@example.org/{other}"))
            );
        }

        #[test]
        fn no_address_survives(a in 1u8.., b in any::<u8>(), c in any::<u8>(), d in 1u8..) {
            let address = std::net::Ipv4Addr::new(a, b, c, d);
            for host in [
                address.to_string(),
                u32::from(address).to_string(),
                format!("{:#x}", u32::from(address)),
                format!("[::ffff:{address}]"),
                format!("{a}-{b}-{c}-{d}.dyn.example.net"),
                format!("{d}.{c}.{b}.{a}.in-addr.arpa"),
                format!("{a}%2e{b}.{c}.{d}"),
            ] {
                let stays = text(&format!("http://{host}/")).unwrap_or_default();
                prop_assert!(!stays.contains(&host) && !stays.contains(&address.to_string()), "{} {}", host, stays);
            }
        }
    }
}
