//! Free text → findings. One kind of identifier per file.
//!
//! Comes in: the bytes of one value, in the escape that the log wrote. Goes out: where identifiers of the asked kinds
//! stand. It knows nothing of formats, policies or what becomes of a finding. The smallest example to copy is `email.rs`.

use crate::record::Span;
use std::net::IpAddr;

/// A set of kinds to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds(u16);

impl Kinds {
    /// Nothing.
    pub const NONE: Kinds = Kinds(0);
    /// IPv4 and IPv6 addresses in every spelling, host names that spell one included. In policies: `ip`.
    pub const IP: Kinds = Kinds(1);
    /// E-mail addresses. In policies: `email`.
    pub const EMAIL: Kinds = Kinds(2);
    /// JSON Web Tokens. In policies: `jwt`.
    pub const JWT: Kinds = Kinds(4);
    /// UUIDs, with dashes. In policies: `uuid`.
    pub const UUID: Kinds = Kinds(8);
    /// Hardware addresses. In policies: `mac`.
    pub const MAC: Kinds = Kinds(16);
    /// Mobile equipment ids that pass Luhn's check. In policies: `imei`.
    pub const IMEI: Kinds = Kinds(32);
    /// Long hexadecimal, base64 and other random-looking runs. In policies: `token`.
    pub const TOKEN: Kinds = Kinds(64);
    /// Every kind.
    pub const ALL: Kinds = Kinds(127);

    /// The names that a policy uses, in order.
    pub const NAMES: [(&'static str, Kinds); 7] = [
        ("ip", Kinds::IP),
        ("email", Kinds::EMAIL),
        ("jwt", Kinds::JWT),
        ("uuid", Kinds::UUID),
        ("mac", Kinds::MAC),
        ("imei", Kinds::IMEI),
        ("token", Kinds::TOKEN),
    ];

    /// Both sets together.
    pub const fn with(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }

    /// Whether all of `other` is in it.
    pub const fn has(self, other: Kinds) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// An address that can be written in its plain form.
    Address(IpAddr),
    /// A host name that spells an address (`203-0-113-7.dialup.example`, `7.113.0.203.in-addr.arpa`): all of the name is the finding.
    HostName,
    /// An e-mail address.
    Email,
    /// A JSON Web Token.
    Jwt,
    /// A UUID.
    Uuid,
    /// A hardware address.
    Mac,
    /// A mobile equipment id.
    Imei,
    /// A long token.
    Token,
}

/// One finding. Findings of one call do not overlap and stand in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Every byte that must go: an address with its brackets, zone and port.
    pub span: Span,
    /// The address alone, without brackets and port but with its zone; for other kinds the same as `span`.
    pub core: Span,
    /// What it is.
    pub what: What,
}

/// Where a text stands. It decides how what can be read two ways is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Free text, a whole line.
    Text,
    /// A URL's path or a part of it: asset hashes and file versions are known here.
    Path,
    /// A user agent: `Product/1.2.3.4` is a version here.
    Agent,
    /// A host stands here: decimal, octal and hexadecimal integers are addresses.
    Host,
}

/// Finds identifiers. One a worker, reused; holds scratch memory only.
#[derive(Debug, Default)]
pub struct Detector {
    found: Vec<Finding>,
}

impl Detector {
    /// The identifiers of `kinds` in `text`. Does not allocate once warm; linear in the length of the text.
    pub fn find(&mut self, text: &[u8], kinds: Kinds, place: Place) -> &[Finding] {
        let _ = (text, kinds, place);
        self.found.clear();
        &self.found
    }

    /// Whether there is any. Cheaper than [`Detector::find`] where there is none.
    pub fn any(&mut self, text: &[u8], kinds: Kinds, place: Place) -> bool {
        !self.find(text, kinds, place).is_empty()
    }
}
