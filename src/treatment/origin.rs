//! A URL's scheme, host and port in place of the URL.

use super::{Aid, Outcome, truncate::{Port, Truncate}};
use crate::detect::{Detector, Kinds, Place, What};
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
            | What::Token => Verdict::Refused,
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
    /// Labels of letters, each shorter than any identifier that has letters alone.
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
        let (mut label, mut longest, mut mixed) = (0, 0, false);
        for &byte in host {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' => label += 1,
                b'0'..=b'9' | b'-' | b'_' => {
                    label += 1;
                    mixed = true;
                }
                b'.' if label > 0 => {
                    longest = longest.max(label);
                    label = 0;
                }
                _ => return None,
            }
        }
        longest = longest.max(label);
        (longest > 0 && longest <= 63).then_some(if mixed || longest > 15 { Shape::Mixed } else { Shape::Words })
    }
}

/// Schemes of pages and applications that can refer. Others name no place or, as `chrome-extension`, tell browsers apart.
const SCHEMES: [&[u8]; 7] = [b"https", b"http", b"android-app", b"ios-app", b"ftp", b"wss", b"ws"];
