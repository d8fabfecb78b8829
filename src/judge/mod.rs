//! Bytes → hits: the second opinion on what identifies people in a log.
//!
//! Comes in: a line, or a window of a long one. Goes out: [`Hit`]s, each a kind and where it stands. It shares no code with
//! `detect` or `format` and imports nothing of ours, so that a fault there is seen here; it is written with regular
//! expressions (linear time) and check digits, and may be slower. `scan` runs it over files, `pipe --guard` over what is
//! about to be written, and the tests over everything that sladd made. The smallest example to copy is `iban.rs`.

mod card;
mod device;
mod email;
mod host;
mod iban;
mod ipv4;
mod ipv6;
mod layer;
mod nordic;
mod norway;
mod own;
mod phone;
mod secret;
mod session;
mod text;
mod token;

use ipnet::IpNet;
use layer::Layer;
use std::{fmt, net::IpAddr, str::FromStr};

/// What a hit is. The order is that of precedence: of two hits that overlap, the earlier kind is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A pseudonym as sladd writes it. Nobody's name; reported where no policy is given.
    Pseudonym,
    /// A JSON Web Token.
    Jwt,
    /// A key of well-known shape: AWS, GitHub, Slack, Stripe, Google, a private key's header.
    ApiKey,
    /// A password, a bearer or basic credential, a user and password in a URL, a token under its name.
    Credential,
    /// The value of a cookie or parameter that holds a session.
    SessionId,
    /// The value of a member or parameter that names a device.
    DeviceId,
    /// An e-mail address.
    Email,
    /// A UUID that is not all zeros or all ones.
    Uuid,
    /// An IPv6 address, also in a host name or reversed.
    Ipv6,
    /// An IPv4 address, also in a host name, reversed, or written as a number where a host stands.
    Ipv4,
    /// An address of which the host bits are zero. Reported where no policy is given.
    TruncatedAddress,
    /// A hardware address.
    Mac,
    /// An international bank account number, by country, length and check digits.
    Iban,
    /// A payment card, by range, length and Luhn's check.
    Card,
    /// A Norwegian fødselsnummer, D-, H-, FH- or synthetic number.
    Norwegian,
    /// A Swedish personnummer or samordningsnummer.
    Swedish,
    /// A Danish CPR number.
    Danish,
    /// A Finnish personal identity code.
    Finnish,
    /// An Icelandic kennitala of a person.
    Icelandic,
    /// A mobile equipment id.
    Imei,
    /// A telephone number.
    Phone,
    /// A long value that looks drawn rather than written: hexadecimal, base64, a long number.
    Token,
}

impl Kind {
    /// All of them, in order.
    pub const ALL: [Kind; 22] = [
        Kind::Pseudonym,
        Kind::Jwt,
        Kind::ApiKey,
        Kind::Credential,
        Kind::SessionId,
        Kind::DeviceId,
        Kind::Email,
        Kind::Uuid,
        Kind::Ipv6,
        Kind::Ipv4,
        Kind::TruncatedAddress,
        Kind::Mac,
        Kind::Iban,
        Kind::Card,
        Kind::Norwegian,
        Kind::Swedish,
        Kind::Danish,
        Kind::Finnish,
        Kind::Icelandic,
        Kind::Imei,
        Kind::Phone,
        Kind::Token,
    ];

    /// Its name in tables and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Pseudonym => "pseudonym",
            Kind::Jwt => "jwt",
            Kind::ApiKey => "api_key",
            Kind::Credential => "credential",
            Kind::SessionId => "session_id",
            Kind::DeviceId => "device_id",
            Kind::Email => "email",
            Kind::Uuid => "uuid",
            Kind::Ipv6 => "ipv6",
            Kind::Ipv4 => "ipv4",
            Kind::TruncatedAddress => "truncated_address",
            Kind::Mac => "mac",
            Kind::Iban => "iban",
            Kind::Card => "card",
            Kind::Norwegian => "no_fodselsnummer",
            Kind::Swedish => "se_personnummer",
            Kind::Danish => "dk_cpr",
            Kind::Finnish => "fi_hetu",
            Kind::Icelandic => "is_kennitala",
            Kind::Imei => "imei",
            Kind::Phone => "phone",
            Kind::Token => "token",
        }
    }

    /// What it is, for people.
    pub fn description(self) -> &'static str {
        match self {
            Kind::Pseudonym => "a keyed pseudonym that sladd wrote",
            Kind::Jwt => "a JSON Web Token",
            Kind::ApiKey => "an API key of well-known shape",
            Kind::Credential => "a password, bearer or basic credential",
            Kind::SessionId => "a session id under its name",
            Kind::DeviceId => "a device id under its name",
            Kind::Email => "an e-mail address",
            Kind::Uuid => "a UUID",
            Kind::Ipv6 => "an IPv6 address",
            Kind::Ipv4 => "an IPv4 address",
            Kind::TruncatedAddress => "an IP address whose host bits are zero",
            Kind::Mac => "a hardware (MAC) address",
            Kind::Iban => "an IBAN",
            Kind::Card => "a payment card number",
            Kind::Norwegian => "a Norwegian national identity number",
            Kind::Swedish => "a Swedish personal identity or co-ordination number",
            Kind::Danish => "a Danish CPR number",
            Kind::Finnish => "a Finnish personal identity code",
            Kind::Icelandic => "an Icelandic kennitala",
            Kind::Imei => "a mobile equipment id (IMEI)",
            Kind::Phone => "a telephone number",
            Kind::Token => "a long token",
        }
    }

    /// Whether it identifies somebody; the other kinds are what sladd itself writes.
    pub fn identifies(self) -> bool {
        !matches!(self, Kind::Pseudonym | Kind::TruncatedAddress)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Kind, UnknownKind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == text).ok_or(UnknownKind)
    }
}

/// The text names no kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownKind;

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        write!(f, "no such kind; there are {}", names.join(", "))
    }
}

impl std::error::Error for UnknownKind {}

/// One finding of the judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// What it is.
    pub kind: Kind,
    /// Its first byte in the text that was read.
    pub start: usize,
    /// The byte behind its last.
    pub end: usize,
}

/// What the judge knows of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Bits of an IPv4 address that may stand; an address whose other bits are zero is cut.
    pub v4: u8,
    /// The same for IPv6.
    pub v6: u8,
    /// Networks whose addresses are nobody's.
    pub exempt: Vec<IpNet>,
    /// Whether what sladd writes (cut addresses, pseudonyms) is reported.
    pub own: Own,
}

/// What becomes of hits in what sladd itself writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// They are reported under kinds of their own: no policy is given.
    Report,
    /// They are no findings: the policy says that they may stand.
    Pass,
}

impl Default for Known {
    /// Without a policy: /24 and /48.
    fn default() -> Known {
        Known { v4: 24, v6: 48, exempt: Vec::new(), own: Own::Report }
    }
}

impl Known {
    /// The kind of an address, or `None` where it is no finding.
    fn address(&self, address: IpAddr) -> Option<Kind> {
        let address = address.to_canonical();
        if self.exempt.iter().any(|network| network.contains(&address)) {
            return None;
        }
        // fd73:6c61:6400::/40, and a number under five in the three bits behind it.
        if let IpAddr::V6(v6) = address
            && let [0xfd, 0x73, 0x6c, 0x61, 0x64, 0..0xa0, ..] = v6.octets()
        {
            return (self.own == Own::Report).then_some(Kind::Pseudonym);
        }
        let (kind, is_cut) = match address {
            IpAddr::V4(v4) => (Kind::Ipv4, u32::from(v4).checked_shl(u32::from(self.v4)).unwrap_or(0) == 0),
            IpAddr::V6(v6) => (Kind::Ipv6, u128::from(v6).checked_shl(u32::from(self.v6)).unwrap_or(0) == 0),
        };
        if !is_cut {
            return Some(kind);
        }
        (self.own == Own::Report).then_some(Kind::TruncatedAddress)
    }
}

/// So much of a line is read at once. A longer line is read in windows that overlap.
pub const WINDOW_BYTES: usize = 64 * 1024;

/// The longest identifier that is sure to be seen whole wherever a window ends, and the context it may need.
pub const OVERLAP_BYTES: usize = 1024;

/// Reads lines. Reuses its memory from line to line.
///
/// ```
/// use sladd::judge::{Hit, Judge, Kind, Known};
/// let mut judge = Judge::new(Known::default());
/// let line = b"login of kari%40example.org from [2001:db8::7]:443, Chrome/139.0.0.0";
/// let kinds: Vec<Kind> = judge.read(line).iter().map(|hit| hit.kind).collect();
/// assert_eq!(kinds, [Kind::Email, Kind::Ipv6]);
/// ```
#[derive(Debug)]
pub struct Judge {
    known: Known,
    layers: [Layer; LAYERS],
    found: Vec<Hit>,
    hits: Vec<Hit>,
}

/// Escapes within escapes are undone so often.
const LAYERS: usize = 3;

impl Judge {
    /// A judge with this knowledge.
    pub fn new(known: Known) -> Judge {
        Judge { known, layers: Default::default(), found: Vec::new(), hits: Vec::new() }
    }

    /// The hits in one line (or one window), in order; none overlaps another.
    pub fn read(&mut self, line: &[u8]) -> &[Hit] {
        self.hits.clear();
        // No identifier is shorter, and blank lines are many.
        if line.len() < SHORTEST {
            return &self.hits;
        }
        find(line, &self.known, &mut self.hits);
        for depth in 0..LAYERS {
            let (before, rest) = self.layers.split_at_mut(depth);
            let source = before.last();
            let more = match source {
                None => rest[0].undo(line, None),
                Some(source) => rest[0].undo(&source.text, Some(source)),
            };
            if !more {
                break;
            }
            let layer = &rest[0];
            self.found.clear();
            find(&layer.text, &self.known, &mut self.found);
            self.hits.extend(self.found.iter().map(|hit| {
                let (start, end) = layer.origin(hit.start, hit.end);
                Hit { kind: hit.kind, start, end }
            }));
        }
        settle(&mut self.hits);
        if self.known.own == Own::Pass {
            self.hits.retain(|hit| hit.kind.identifies());
        }
        &self.hits
    }
}

/// Shorter than any identifier: `::1` is left to be nobody's.
const SHORTEST: usize = 5;

fn find(text: &[u8], known: &Known, hits: &mut Vec<Hit>) {
    own::find(text, hits);
    secret::find(text, hits);
    session::find(text, hits);
    device::find(text, hits);
    email::find(text, hits);
    ipv6::find(text, known, hits);
    ipv4::find(text, known, hits);
    host::find(text, known, hits);
    iban::find(text, hits);
    card::find(text, hits);
    norway::find(text, hits);
    nordic::find(text, hits);
    phone::find(text, hits);
    token::find(text, hits);
}

/// Leaves of hits that overlap the one whose kind comes first; a pseudonym hides only what lies inside it.
fn settle(hits: &mut Vec<Hit>) {
    hits.sort_unstable_by_key(|hit| (hit.kind, hit.start, usize::MAX - hit.end));
    let mut settled: Vec<Hit> = Vec::with_capacity(hits.len());
    // Sorted by start, so that each hit looks only at its neighbours.
    let mut taken: std::collections::BTreeMap<usize, (usize, Kind)> = std::collections::BTreeMap::new();
    for hit in hits.drain(..) {
        let before = taken.range(..hit.end).next_back();
        let hidden = before.is_some_and(|(&start, &(end, kind))| match kind {
            Kind::Pseudonym => start <= hit.start && hit.end <= end,
            _ => end > hit.start,
        });
        if !hidden {
            taken.insert(hit.start, (hit.end, hit.kind));
            settled.push(hit);
        }
    }
    settled.sort_unstable_by_key(|hit| (hit.start, hit.end));
    *hits = settled;
}

#[cfg(test)]
mod tests;
