//! Free text → findings. One kind of identifier per file.
//!
//! Comes in: the bytes of one value, in the escape that the log wrote. Goes out: where identifiers of the asked kinds
//! stand. It knows nothing of formats, policies or what becomes of a finding. The smallest example to copy is `email.rs`.

mod address;
mod base64;
mod binary;
mod bytes;
mod card;
mod colon;
mod context;
mod decode;
mod drawn;
mod email;
mod host;
mod iban;
mod imei;
mod introduced;
mod jwt;
mod kernel;
mod mac;
mod marks;
mod national_id;
mod number;
mod own;
mod passive;
mod phone;
mod scan;
mod secret;
mod stretch;
mod surround;
mod token;
mod user;
mod uuid;
mod version;

#[cfg(test)]
mod spellings;
#[cfg(test)]
mod tests;

pub(crate) use self::kernel::{Delimiters, Outline, Quad, prefetch};
pub use self::own::{Fixed, Patterns, compile};
use self::{
    decode::{Decoded, Escapes},
    kernel::{Kernel, Window},
    scan::Scan,
};
use crate::record::{Sight, Span, gap::Ends};
pub(crate) use introduced::request::USERS;
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
    /// Long hexadecimal, base64 and other random-looking runs, numbers from 12 digits on, the values of well-known secret
    /// names. In policies: `token`.
    pub const TOKEN: Kinds = Kinds(64);
    /// Telephone numbers with their country in any grouping, national ones behind a word that says so. In policies: `phone`.
    pub const PHONE: Kinds = Kinds(128);
    /// Payment cards: an issuer's range and Luhn's check. In policies: `card`.
    pub const CARD: Kinds = Kinds(256);
    /// International bank account numbers. In policies: `iban`.
    pub const IBAN: Kinds = Kinds(512);
    /// National identity numbers of the Nordic countries. In policies: `national_id`.
    pub const NATIONAL_ID: Kinds = Kinds(1024);
    /// User names behind the words that introduce them in known messages. In policies: `user`.
    pub const USER: Kinds = Kinds(2048);
    /// Every kind.
    pub const ALL: Kinds = Kinds(4095);

    /// Those that are made of digits in groups.
    const NUMBERS: Kinds = Kinds::PHONE.with(Kinds::CARD).with(Kinds::NATIONAL_ID);

    /// The names that a policy uses, in order.
    pub const NAMES: [(&'static str, Kinds); 12] = [
        ("ip", Kinds::IP),
        ("email", Kinds::EMAIL),
        ("jwt", Kinds::JWT),
        ("uuid", Kinds::UUID),
        ("mac", Kinds::MAC),
        ("imei", Kinds::IMEI),
        ("token", Kinds::TOKEN),
        ("phone", Kinds::PHONE),
        ("card", Kinds::CARD),
        ("iban", Kinds::IBAN),
        ("national_id", Kinds::NATIONAL_ID),
        ("user", Kinds::USER),
    ];

    /// Both sets together.
    pub const fn with(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }

    /// Whether any of `other` is in it.
    pub const fn overlaps(self, other: Kinds) -> bool {
        self.0 & other.0 != 0
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
    /// A host name that spells an address (`203-0-113-7.dialup.example`, `7.113.0.203.in-addr.arpa`): all of the name is the
    /// finding. Also numbers in which an address may hide and none is certain: `203-0-113-7`, `1.3.6.1.4.1.311`.
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
    /// A telephone number.
    Phone,
    /// A payment card's number.
    Card,
    /// An international bank account number.
    Iban,
    /// A national identity number.
    NationalId,
    /// A user's name.
    User,
    /// The value of a parameter of a query, in a request that stands in a text: what a visitor wrote. Nothing stands for it.
    Value,
    /// What a pattern of the policy's own matches, and what stands for it.
    Own(Fixed),
}

/// One finding. Findings of one call do not overlap and stand in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Every byte that must go: an address with its brackets, zone and port. Brackets belong to an IPv6 address, and to an
    /// IPv4 address with a port behind them; where a word stands in front of them (`unknown[192.0.2.7]`) they do not.
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

impl Finding {
    fn new(start: usize, end: usize, what: What) -> Finding {
        Finding { span: Span::new(start, end), core: Span::new(start, end), what }
    }

    /// The same in a text in which its own begins at `at`.
    fn moved(self, at: usize) -> Finding {
        let moved = |span: Span| Span::new(at + span.start as usize, at + span.end as usize);
        Finding { span: moved(self.span), core: moved(self.core), what: self.what }
    }
}

/// Finds identifiers. One a worker, reused; holds scratch memory only.
#[derive(Debug)]
pub struct Detector {
    kernel: Kernel,
    window: Window,
    found: Vec<Finding>,
    escapes: Escapes,
    /// Those of what was decoded, which nobody asks for.
    inner_escapes: Escapes,
    decoded: Decoded,
    inner: Vec<Finding>,
    own: Option<Box<Patterns>>,
    /// For lines that are read together.
    ahead: Option<Box<stretch::Ahead>>,
}

impl Default for Detector {
    fn default() -> Detector {
        Detector {
            kernel: Kernel::best(),
            window: Window::default(),
            found: Vec::new(),
            escapes: Escapes::default(),
            inner_escapes: Escapes::default(),
            decoded: Decoded::default(),
            inner: Vec::new(),
            own: None,
            ahead: None,
        }
    }
}

impl Detector {
    /// One that knows patterns of a policy's own too.
    pub fn with(patterns: Patterns) -> Detector {
        let own = (!patterns.is_empty()).then(|| Box::new(patterns));
        Detector { own, ..Detector::default() }
    }

    /// Whether it knows such patterns: then no text is harmless at a glance.
    #[inline]
    pub fn has_own(&self) -> bool {
        self.own.is_some()
    }

    /// The identifiers of `kinds` in `text`. Does not allocate once warm; linear in the length of the text.
    #[inline]
    pub fn find(&mut self, text: &[u8], kinds: Kinds, place: Place) -> &[Finding] {
        self.found.clear();
        let scan = Scan::new(text, kinds, place, &mut self.found);
        let far = scan.fast(self.kernel, &mut self.window, &mut self.escapes);
        self.settle(text, kinds, place, far);
        &self.found
    }

    /// What was found in the text, put in order, and what its escapes hide.
    #[inline]
    fn settle(&mut self, text: &[u8], kinds: Kinds, place: Place, far: bool) {
        merge(&mut self.found);
        let plain = !self.escapes.any() || kinds == Kinds::IP && !far && self.escapes_hide_nothing(text, place);
        let decoded = !plain && self.find_escaped(text, kinds, place);
        if self.own.is_some() {
            self.find_own(text, decoded);
        }
    }

    /// Whether there is any. Cheaper than [`Detector::find`] where there is none.
    #[inline]
    pub fn any(&mut self, text: &[u8], kinds: Kinds, place: Place) -> bool {
        !self.find(text, kinds, place).is_empty()
    }

    /// What a text of up to 64 bytes is made of; `None` for a longer one, or where the processor has to read byte by byte.
    #[inline]
    pub(crate) fn outline(&self, text: &[u8]) -> Option<Outline> {
        self.kernel.outline(text)
    }

    /// Where the colons stand in a text that has nothing else but digits and `a` to `f`; `None` also for a longer one than 64
    /// bytes, or where the processor has to read byte by byte.
    #[inline]
    pub(crate) fn colons(&self, text: &[u8]) -> Option<u64> {
        self.kernel.colons(text)
    }

    /// Where the delimiters of a query stand in a text of up to 64 bytes; those behind are not looked at.
    #[inline]
    pub(crate) fn delimiters(&self, text: &[u8]) -> Delimiters {
        self.kernel.delimiters(text)
    }

    /// An IPv4 address in four decimal parts without leading zeros, from the first to the last byte.
    #[inline]
    pub(crate) fn quad(&self, text: &[u8]) -> Option<Quad> {
        self.kernel.quad(text)
    }

    /// Looks at the line at the start of `text` once, up to its line feed; `false`: it is no plain one, and `sight` means
    /// nothing.
    #[inline]
    pub(crate) fn sight(&self, text: &[u8], sight: &mut Sight) -> bool {
        self.kernel.sight(text, sight)
    }

    /// Looks at the line at the start of `text` once, up to its line feed, for where strings of JSON may end; `false`: it is
    /// cut or long, and `ends` means nothing.
    #[inline]
    pub(crate) fn ends(&self, text: &[u8], ends: &mut Ends) -> bool {
        self.kernel.ends(text, ends)
    }

    /// Lets the policy's own patterns speak.
    #[inline(never)]
    fn find_own(&mut self, text: &[u8], decoded: bool) {
        let Some(own) = &self.own else { return };
        own.spare(text, &mut self.found);
        own.find(text, &mut self.found);
        if decoded {
            self.inner.clear();
            own.find(self.decoded.text(), &mut self.inner);
            for finding in &mut self.inner {
                finding.span = self.decoded.source(finding.span);
                finding.core = finding.span;
            }
            self.found.extend_from_slice(&self.inner);
        }
        merge(&mut self.found);
    }

    /// Whether no address stands in the words with escapes and beside them, escaped or not: then there is none that only
    /// [`Detector::find_escaped`] would see, since an address goes over no blank, nor does what tells that it is one by more
    /// than the blank in `"ip": 3405803783`. Where a `Mozilla/` far in front had a say, the caller must not ask.
    #[cold]
    fn escapes_hide_nothing(&mut self, text: &[u8], place: Place) -> bool {
        let (Some(parts), Place::Text, None) = (self.escapes.parts(), place, &self.own) else { return false };
        // Both stand in order.
        let mut next = 0;
        parts.iter().all(|part| {
            while self.found.get(next).is_some_and(|found| found.span.end <= part.start) {
                next += 1;
            }
            if self.found.get(next).is_some_and(|found| found.span.start < part.end) {
                return false;
            }
            self.inner.clear();
            if self.decoded.read_only(part.of(text)) {
                let scan = Scan::new(self.decoded.text(), Kinds::IP, place, &mut self.inner);
                scan.fast(self.kernel, &mut self.window, &mut self.inner_escapes);
            }
            self.inner.is_empty()
        })
    }

    /// Reads the text once more with its escapes undone. Where both views find something, that one knows better. False if
    /// there are no escapes.
    #[cold]
    fn find_escaped(&mut self, text: &[u8], kinds: Kinds, place: Place) -> bool {
        if !self.decoded.read(text) {
            return false;
        }
        self.inner.clear();
        let scan = Scan::new(self.decoded.text(), kinds, place, &mut self.inner);
        scan.fast(self.kernel, &mut self.window, &mut self.inner_escapes);
        merge(&mut self.inner);
        for finding in &mut self.inner {
            finding.span = self.decoded.source(finding.span);
            finding.core = self.decoded.source(finding.core);
        }
        let (inner, decoded) = (&self.inner, &self.decoded);
        let mut next = 0;
        self.found.retain(|outer| {
            while inner.get(next).is_some_and(|f| f.span.end <= outer.span.start) {
                next += 1;
            }
            let overlapping = inner.get(next).filter(|f| f.span.start < outer.span.end);
            // A value goes whole, whatever stands in it escaped: of `user=kari%20nordmann` too.
            let cut = overlapping.is_some_and(|f| {
                f.what == outer.what
                    && f.span.start == outer.span.start
                    && f.span.end < outer.span.end
                    && matches!(f.what, What::Token | What::User)
            });
            cut || outer.what == What::Value || overlapping.is_none() && !decoded.follows_escape(outer.span.start)
        });
        self.found.extend_from_slice(&self.inner);
        merge(&mut self.found);
        true
    }
}

/// Puts the findings in order and joins those that overlap; the larger says what it is.
///
/// Not from left to right: a token would eat an e-mail's local part and leave its domain.
fn merge(found: &mut Vec<Finding>) {
    if found.len() < 2 {
        return;
    }
    let apart = found.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start);
    if apart {
        return;
    }
    found.sort_unstable_by_key(|f| (f.span.start, std::cmp::Reverse(f.span.end), f.what.rank()));
    let mut kept = 0;
    for next in 1..found.len() {
        let (mut joined, other) = (found[kept], found[next]);
        if other.span.start >= joined.span.end {
            kept += 1;
            found[kept] = other;
            continue;
        }
        let larger = (other.span.len(), std::cmp::Reverse(other.what.rank()))
            > (joined.span.len(), std::cmp::Reverse(joined.what.rank()));
        if larger {
            (joined.core, joined.what) = (other.core, other.what);
        }
        joined.span.end = joined.span.end.max(other.span.end);
        if !matches!(joined.what, What::Address(_)) {
            joined.core = joined.span;
        }
        found[kept] = joined;
    }
    found.truncate(kept + 1);
}

impl What {
    /// Which of two findings of one length speaks, lowest first.
    fn rank(&self) -> u8 {
        match self {
            What::Value => 0,
            What::Phone => 1,
            What::Address(_) => 2,
            What::Uuid => 3,
            What::Mac => 4,
            What::Card => 5,
            What::Iban => 6,
            What::NationalId => 7,
            What::Imei => 8,
            What::Email => 9,
            What::Jwt => 10,
            What::HostName => 11,
            What::Token => 12,
            What::User => 13,
            What::Own(_) => 14,
        }
    }
}
