//! The value as it came, if it passes the strict grammar of its kind.

use super::{
    Aid, Outcome,
    harmless::Asked,
    host,
    scrub::Controls,
    truncate::{Port, Truncate},
};
use crate::{
    detect::{Kinds, Place},
    record::{Clock, Kind},
    time,
};

/// What a kept value must look like. What does not is withheld, whatever the policy says.
///
/// Grammars for values that a visitor writes and a policy keeps on purpose (with its `reason`) see to it that nothing but
/// text leaves: no control byte that could feign a line.
#[derive(Clone, Debug)]
pub enum Grammar {
    /// Addresses, host names and sockets, in a list or alone.
    Address,
    /// A host name with or without port on which no detector fires; an address is cut instead.
    Host(Truncate),
    /// A point in time in this form.
    Instant(Clock),
    /// A member's key that the format knows by name.
    Known,
    /// A language header or tag.
    Language,
    /// A known request method.
    Method,
    /// Never passes.
    Nothing,
    /// Numbers, in a list or alone: sign, digits, fraction, exponent.
    Number,
    /// `HTTP/1.1` and its kin, or the version alone.
    Protocol,
    /// Three digits, in a list or alone. Servers write `0` where there was no answer.
    Status,
    /// Any text without control bytes.
    Text,
    /// Short words of letters, digits and `._:/+-` on which no detector fires, in a list or alone.
    Word,
}

impl Grammar {
    /// The grammar of a kind. `truncate` is how addresses are cut that stand where a host name may.
    pub fn of(kind: Kind, clock: Option<Clock>, truncate: Truncate) -> Grammar {
        match kind {
            Kind::Address => Grammar::Address,
            // A port says nothing of a visitor here.
            Kind::Host => Grammar::Host(Truncate { port: Port::Keep, ..truncate }),
            Kind::Instant => Grammar::Instant(clock.unwrap_or(Clock::Any)),
            Kind::Language => Grammar::Language,
            Kind::Method => Grammar::Method,
            Kind::Number => Grammar::Number,
            Kind::Protocol => Grammar::Protocol,
            Kind::Secret => Grammar::Nothing,
            Kind::Status => Grammar::Status,
            Kind::Word => Grammar::Word,
            Kind::Agent
            | Kind::Cookie
            | Kind::Identifier
            | Kind::Path
            | Kind::Query
            | Kind::Referer
            | Kind::Text
            | Kind::User => Grammar::Text,
        }
    }

    /// Whether `value` passes by what most values of its kind are; `false` says nothing.
    #[inline]
    pub(super) fn passes_plainly(&self, value: &[u8], aid: &Aid) -> bool {
        match self {
            Grammar::Instant(clock) => aid.instant.is(*clock, value),
            Grammar::Method => matches!(value, b"GET" | b"POST" | b"HEAD"),
            Grammar::Number => {
                value.len() <= 20 && value.iter().all(u8::is_ascii_digit) && !value.is_empty()
                    || value.len() <= 24 && is_number(value)
            }
            Grammar::Protocol => {
                matches!(value, [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit())
            }
            Grammar::Status => {
                matches!(value, [a, b, c] if a.is_ascii_digit() & b.is_ascii_digit() & c.is_ascii_digit())
            }
            Grammar::Address
            | Grammar::Host(_)
            | Grammar::Known
            | Grammar::Language
            | Grammar::Nothing
            | Grammar::Text
            | Grammar::Word => false,
        }
    }

    /// Lets `value` stand if it passes.
    #[inline]
    pub fn treat(&self, value: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
        let passes = match self {
            Grammar::Address => value.len() <= 4096 && value.iter().all(|&byte| has(byte, ADDRESS)),
            Grammar::Host(truncate) => return host::treat(truncate, value, aid, made),
            Grammar::Instant(clock) => {
                let passes = aid.instant.is(*clock, value) || {
                    let passes = is_instant(*clock, value);
                    if passes {
                        aid.instant.learn(*clock, value);
                    }
                    passes
                };
                if !passes {
                    return no_time(*clock, value, made);
                }
                passes
            }
            Grammar::Known => value.len() <= 64 && value.iter().all(|&byte| has(byte, KEY)),
            Grammar::Language => is_language(value),
            Grammar::Method => is_method(value),
            Grammar::Nothing => false,
            Grammar::Number => {
                is_number(value) || is_duration(value) || list(value, |number| number == b"-" || is_number(number))
            }
            Grammar::Protocol => is_protocol(value),
            Grammar::Status => is_status(value) || list(value, |status| status == b"-" || is_status(status)),
            Grammar::Text => !value.iter().any(u8::is_ascii_control),
            Grammar::Word => list(value, is_word) && (harmless(value) || says_nothing(value, aid)),
        };
        if passes { Outcome::Kept } else { Outcome::Dropped }
    }
}

/// What stands for a value that is no time, `32/Foo/2026:…`: in Apache's layouts one that is none either, but by which the
/// line is known again.
pub(super) fn no_time(clock: Clock, value: &[u8], made: &mut Vec<u8>) -> Outcome {
    const NO_TIME: &[u8; 26] = b"00/Jan/0000:00:00:00 +0000";
    if clock != Clock::Clf || value.len() != NO_TIME.len() {
        return Outcome::Dropped;
    }
    made.extend_from_slice(NO_TIME);
    Outcome::Made
}

/// Whether each element passes, between `, `, `,` or ` : ` as upstreams write them.
#[inline]
fn list(value: &[u8], passes: impl Fn(&[u8]) -> bool) -> bool {
    let mut rest = value;
    loop {
        let length = rest.iter().position(|byte| matches!(byte, b' ' | b',')).unwrap_or(rest.len());
        if !passes(&rest[..length]) {
            return false;
        }
        rest = match &rest[length..] {
            [] => return true,
            [b',', b' ', rest @ ..] | [b' ', b':', b' ', rest @ ..] | [b',', rest @ ..] => rest,
            _ => return false,
        };
    }
}

#[inline]
fn is_status(value: &[u8]) -> bool {
    match value {
        [a, b, c] => a.is_ascii_digit() && b.is_ascii_digit() && c.is_ascii_digit(),
        _ => value == b"0",
    }
}

/// No more than twenty digits before the point and after it: what numbers of 64 bits need.
#[inline]
fn is_number(value: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let unsigned = match value {
        [b'-' | b'+', rest @ ..] => rest,
        _ => value,
    };
    let whole = digits(unsigned);
    let mut rest = &unsigned[whole..];
    if !(1..=20).contains(&whole) {
        return false;
    }
    if let [b'.', fraction @ ..] = rest {
        let length = digits(fraction);
        if !(1..=20).contains(&length) {
            return false;
        }
        rest = &fraction[length..];
    }
    match rest {
        [] => true,
        [b'e' | b'E', b'-' | b'+', power @ ..] | [b'e' | b'E', power @ ..] => {
            (1..=3).contains(&power.len()) && digits(power) == power.len()
        }
        _ => false,
    }
}

/// Numbers with a unit of time each, the way programs print a duration: `1.5ms`, `12µs`, `1m2.3s`, `5 ms`. At most four.
fn is_duration(value: &[u8]) -> bool {
    let mut rest = value.strip_prefix(b"-").unwrap_or(value);
    for _ in 0..4 {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
        if !is_number(&rest[..digits]) {
            return false;
        }
        let unit = rest[digits..].strip_prefix(b" ").unwrap_or(&rest[digits..]);
        let Some(unit) = UNITS.iter().find_map(|known| unit.strip_prefix(*known)) else { return false };
        if unit.is_empty() {
            return true;
        }
        rest = unit;
    }
    false
}

/// Units of time; of two that begin alike the longer one first. The small mu is written with either of two letters.
const UNITS: [&[u8]; 10] =
    [b"ns", b"us", "\u{b5}s".as_bytes(), "\u{3bc}s".as_bytes(), b"ms", b"sec", b"s", b"min", b"m", b"h"];

#[inline]
fn is_method(value: &[u8]) -> bool {
    matches!(value, b"GET" | b"POST" | b"HEAD") || METHODS.contains(&value)
}

/// The methods of HTTP (RFC 9110, 5789), of WebDAV and its kin (RFC 4918, 3253, 3648, 3744, 4437, 4791, 5323, 5842), and
/// those of caches, UPnP, RTSP and mail servers that reach web servers' logs.
#[rustfmt::skip]
static METHODS: &[&[u8]] = &[
    b"OPTIONS", b"PUT", b"DELETE", b"CONNECT", b"TRACE", b"PATCH", b"PRI", b"QUERY",
    b"PROPFIND", b"PROPPATCH", b"MKCOL", b"COPY", b"MOVE", b"LOCK", b"UNLOCK",
    b"VERSION-CONTROL", b"REPORT", b"CHECKOUT", b"CHECKIN", b"UNCHECKOUT", b"MKWORKSPACE", b"UPDATE", b"LABEL", b"MERGE",
    b"BASELINE-CONTROL", b"MKACTIVITY", b"ORDERPATCH", b"ACL", b"MKREDIRECTREF", b"UPDATEREDIRECTREF", b"MKCALENDAR",
    b"SEARCH", b"BIND", b"UNBIND", b"REBIND", b"LINK", b"UNLINK",
    b"BCOPY", b"BDELETE", b"BMOVE", b"BPROPFIND", b"BPROPPATCH", b"POLL", b"SUBSCRIBE", b"UNSUBSCRIBE", b"NOTIFY",
    b"PURGE", b"PURGEKEYS", b"BAN", b"REFRESH", b"DEBUG", b"TRACK", b"SOURCE", b"INVALID",
    b"M-SEARCH", b"RPC_IN_DATA", b"RPC_OUT_DATA", b"X-MS-ENUMATTS",
    b"DESCRIBE", b"ANNOUNCE", b"SETUP", b"PLAY", b"PAUSE", b"RECORD", b"TEARDOWN", b"GET_PARAMETER", b"SET_PARAMETER", b"REDIRECT",
];

#[inline]
fn is_protocol(value: &[u8]) -> bool {
    let is_version = |version: &[u8]| match version {
        [major] => major.is_ascii_digit(),
        [major, b'.', minor] => major.is_ascii_digit() && minor.is_ascii_digit(),
        _ => false,
    };
    match value {
        [b'H', b'T', b'T', b'P', b'/', version @ ..] => is_version(version),
        b"h2" | b"h3" | b"h2c" | b"HTTP" => true,
        _ => match memchr::memchr(b'/', value) {
            Some(at) => {
                PROTOCOLS.iter().any(|name| name.eq_ignore_ascii_case(&value[..at])) && is_version(&value[at + 1..])
            }
            None => is_version(value),
        },
    }
}

#[rustfmt::skip]
static PROTOCOLS: &[&[u8]] = &[
    b"HTTP", b"HTTPS", b"SHTTP", b"RTSP", b"SIP", b"SPDY", b"ICAP", b"ICY", b"IPP", b"WS", b"WEBSOCKET", b"FTP", b"COAP", b"QUIC",
    b"INCLUDED", b"UNKNOWN",
];

/// Whether no detector fires on a word.
#[inline]
fn says_nothing(value: &[u8], aid: &mut Aid) -> bool {
    let asked = Asked { kinds: Kinds::ALL, place: Place::Text, controls: Controls::Leave };
    let known = aid.harmless.holds(value, asked);
    let nothing = known || !aid.detector.any(value, asked.kinds, asked.place);
    if nothing && !known {
        aid.harmless.add(value, asked);
    }
    nothing
}

/// The last instants that passed: lines come many to a second, and what stands around a line has a time too.
#[derive(Clone, Debug, Default)]
pub struct Instant {
    last: Passed,
    other: Passed,
}

/// One that passed.
#[derive(Clone, Debug, Default)]
struct Passed {
    clock: Option<Clock>,
    bytes: [u8; 32],
    length: usize,
}

impl Instant {
    #[inline]
    fn is(&self, clock: Clock, value: &[u8]) -> bool {
        self.last.is(clock, value) || self.other.is(clock, value)
    }

    /// Takes note of a value that was read as a time in this form, whatever the zone of the source.
    #[inline]
    pub fn note(&mut self, clock: Clock, value: &[u8]) {
        self.learn(clock, value);
    }

    fn learn(&mut self, clock: Clock, value: &[u8]) {
        // Each of two forms keeps its place.
        let is = |passed: &Passed| passed.clock == Some(clock) && passed.length == value.len();
        if self.last.clock.is_some() && !is(&self.last) && (self.other.clock.is_none() || is(&self.other)) {
            return self.other.learn(clock, value);
        }
        self.last.learn(clock, value);
    }
}

impl Passed {
    #[inline]
    fn is(&self, clock: Clock, value: &[u8]) -> bool {
        // The bytes of a fixed width are compared without a call.
        if let (Ok(value), 26, Some(bytes)) =
            (<&[u8; 26]>::try_from(value), self.length, self.bytes.first_chunk::<26>())
        {
            return self.clock == Some(clock) && bytes == value;
        }
        self.clock == Some(clock) && self.bytes[..self.length] == *value
    }

    fn learn(&mut self, clock: Clock, value: &[u8]) {
        if let Some(bytes) = self.bytes.get_mut(..value.len()) {
            bytes.copy_from_slice(value);
            (self.clock, self.length) = (Some(clock), value.len());
        }
    }
}

#[inline]
fn is_instant(clock: Clock, value: &[u8]) -> bool {
    match clock {
        // The server prints it by its own format: letters of months, weekdays and zones among digits.
        Clock::Partial => value.len() <= 48 && value.iter().all(|&byte| has(byte, PARTIAL)),
        Clock::Clf
        | Clock::Rfc3164
        | Clock::Rfc3339
        | Clock::EpochSeconds
        | Clock::EpochMillis
        | Clock::EpochMicros
        | Clock::EpochNanos
        | Clock::Any => time::is_time(clock, value),
    }
}

/// Tags of letters and digits, each perhaps with a weight: `nb-NO,nb;q=0.9, *;q=0.1`.
fn is_language(value: &[u8]) -> bool {
    value.len() <= 256
        && value.split(|&byte| byte == b',').all(|element| {
            let element = trim(element);
            let end = memchr::memchr(b';', element).unwrap_or(element.len());
            let (tag, weight) = (trim(&element[..end]), trim(&element[end..]));
            let mut subtags = tag.split(|byte| matches!(byte, b'-' | b'_'));
            let is_subtag =
                |subtag: &[u8]| (1..=8).contains(&subtag.len()) && subtag.iter().all(u8::is_ascii_alphanumeric);
            let is_tag =
                subtags.next().is_some_and(|first| is_subtag(first) && first.iter().all(u8::is_ascii_alphabetic))
                    && subtags.all(is_subtag);
            let is_weight = match weight {
                [] => true,
                [b';', rest @ ..] => match trim(rest) {
                    [b'q', b'=', weight @ ..] => {
                        weight.len() <= 5 && weight.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
                    }
                    _ => false,
                },
                _ => false,
            };
            (tag == b"*" || is_tag) && is_weight
        })
}

fn trim(text: &[u8]) -> &[u8] {
    let start = text.iter().take_while(|&&byte| byte == b' ').count();
    let end = text.iter().rev().take_while(|&&byte| byte == b' ').count();
    text.get(start..text.len() - end).unwrap_or_default()
}

fn is_word(value: &[u8]) -> bool {
    (1..=64).contains(&value.len()) && value.iter().all(|&byte| has(byte, WORD))
}

/// Whether no detector needs to read it: short, and too few digits and colons for any address, serial or token.
fn harmless(value: &[u8]) -> bool {
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let colons = value.iter().filter(|&&byte| byte == b':').count();
    value.len() <= 15 && digits < 4 && colons < 2
}

/// Whether a byte is in one of the sets below.
#[inline]
fn has(byte: u8, set: u8) -> bool {
    SETS[byte as usize] & set != 0
}

const WORD: u8 = 1;
const PARTIAL: u8 = 2;
const ADDRESS: u8 = 4;
const KEY: u8 = 8;

static SETS: [u8; 256] = {
    let mut sets = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        sets[byte] = match byte as u8 {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => WORD | PARTIAL | ADDRESS | KEY,
            b'-' => WORD | PARTIAL | ADDRESS | KEY,
            b'_' => WORD | ADDRESS | KEY,
            b'.' => WORD | PARTIAL | ADDRESS | KEY,
            b':' | b'/' | b'+' => WORD | PARTIAL | ADDRESS,
            b' ' | b',' => PARTIAL | ADDRESS | KEY,
            b'[' | b']' => ADDRESS | KEY,
            b'%' => ADDRESS,
            b'$' | b'@' | b'(' | b')' => KEY,
            _ => 0,
        };
        byte += 1;
    }
    sets
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn truncate() -> Truncate {
        Truncate { v4: 24, v6: 48, port: Port::Drop, exempt: Arc::from([]) }
    }

    fn treated(kind: Kind, value: impl AsRef<[u8]>) -> Option<String> {
        let value = value.as_ref();
        let mut made = b"before".to_vec();
        match Grammar::of(kind, None, truncate()).treat(value, &mut Aid::default(), &mut made) {
            Outcome::Kept => Some(String::from_utf8(value.to_vec()).unwrap()),
            Outcome::Made => Some(String::from_utf8(made).unwrap().strip_prefix("before").unwrap().to_owned()),
            Outcome::Dropped => None,
            other => panic!("{other:?}"),
        }
    }

    fn passes(kind: Kind, values: &[&str]) {
        for value in values {
            assert_eq!(treated(kind, value).as_deref(), Some(*value), "{kind:?} {value}");
        }
    }

    fn fails(kind: Kind, values: &[&str]) {
        for value in values {
            assert_eq!(treated(kind, value), None, "{kind:?} {value}");
        }
    }

    #[test]
    fn a_status_is_three_digits_or_a_list_of_them() {
        passes(Kind::Status, &["200", "404", "000", "0", "502, 200", "502, 200 : 200", "-, 200", "502,200"]);
        fails(Kind::Status, &["20", "2000", "20x", "200 ", " 200", "200;200", "200, ", "+20", "200\n", "200,,200"]);
    }

    #[test]
    fn a_number_has_a_sign_digits_a_fraction_and_an_exponent() {
        passes(
            Kind::Number,
            &[
                "0",
                "2326",
                "-1",
                "+5",
                "0.004",
                "1.5, 2.5 : 3",
                "-, 3",
                "1e-05",
                "1.5E+10",
                "18446744073709551615",
                "0.00012345678901234567",
            ],
        );
        fails(
            Kind::Number,
            &[
                "",
                "1.",
                ".5",
                "1.2.3",
                "192.0.2.1",
                "0x10",
                "12a",
                "1e",
                "1e1000",
                "--1",
                "1 2",
                "184467440737095516150",
                "1,2,",
                "é",
            ],
        );
    }

    #[test]
    fn a_method_is_a_known_token() {
        passes(Kind::Method, &["GET", "POST", "PROPFIND", "VERSION-CONTROL", "M-SEARCH", "PURGE"]);
        fails(Kind::Method, &["get", "GETT", "ANNA", "\\x16\\x03", "GET ", "G"]);
    }

    #[test]
    fn a_protocol_has_a_known_name_and_a_version_of_two_digits_at_most() {
        passes(Kind::Protocol, &["HTTP/1.1", "HTTP/2", "HTTP/0.9", "http/1.1", "RTSP/1.0", "h2", "1.1", "2", "HTTP"]);
        fails(Kind::Protocol, &["HTTP/1.10", "HTTP/", "HTTP/1.1.1", "ANNA/1.0", "HTTP/a", "192.0.2.1", "HTTP/1.1 "]);
    }

    #[test]
    fn a_word_is_short_and_spells_no_address() {
        passes(Kind::Word, &["https", "TLSv1.3", "MISS", "MISS, HIT : -", "NO", "+", ".", "p", "true", "TCP_MISS/200"]);
        fails(Kind::Word, &["", "two words", "a@b", "caf\u{e9}", "\"", "a;b", "%41"]);
        assert_eq!(treated(Kind::Word, "x".repeat(65)), None);
    }

    #[test]
    fn ciphers_and_groups_are_words_and_identifiers_are_not() {
        passes(
            Kind::Word,
            &[
                "ECDHE-RSA-AES128-GCM-SHA256",
                "TLS_CHACHA20_POLY1305_SHA256",
                "X25519MLKEM768",
                "X25519:prime256v1:secp384r1",
            ],
        );
        fails(
            Kind::Word,
            &[
                "203.0.113.7",
                "HIER_DIRECT/203.0.113.7",
                "2001:db8::1",
                "::1",
                "00:00:5e:00:53:af",
                "0f8fad5b-d9cb-469f-a165-70867728950e",
            ],
        );
    }

    #[test]
    fn an_instant_is_a_real_time_in_its_form() {
        passes(Kind::Instant, &["10/Oct/2000:13:55:36 -0700", "2026-11-21T10:00:00+01:00", "1795255200.123"]);
        fails(Kind::Instant, &["31/Feb/2000:13:55:36 -0700", "2026-11-21T25:00:00Z", "noon", "192.0.2.1"]);
        let partial = |value: &[u8]| is_instant(Clock::Partial, value);
        assert!(partial(b"13") && partial(b"Sat Nov 21 10:00:00 CET 2026") && partial(b"123"));
        assert!(!partial(b"a\"b") && !partial(b"\x01") && !partial(&[b'1'; 49]));
    }

    #[test]
    fn a_language_is_a_list_of_tags_with_weights() {
        passes(Kind::Language, &["nb-NO,nb;q=0.9,en", "en_US", "*;q=0.1", "de-Latn-CH-1996, de ; q=1"]);
        fails(
            Kind::Language,
            &["", "nb;q=secret", "n\u{f8}", "nb NO", "nb-ninechars", "192.0.2.1", "en;level=1", "\ten"],
        );
    }

    #[test]
    fn what_is_kept_for_a_reason_is_text_without_control_bytes() {
        for kind in [
            Kind::User,
            Kind::Identifier,
            Kind::Text,
            Kind::Agent,
            Kind::Path,
            Kind::Query,
            Kind::Referer,
            Kind::Cookie,
        ] {
            passes(kind, &["anna", "a b/c?d=\u{e6}"]);
            fails(kind, &["a\nb", "a\tb", "\u{7f}", "\0"]);
        }
        passes(Kind::Address, &["203.0.113.77", "web.example:80, unknown", "[2001:db8::1%eth0]:1", "unix:/run/a.sock"]);
        fails(Kind::Address, &["a\"b", "a\\b", "\u{e6}", "a=b"]);
    }

    #[test]
    fn a_secret_is_never_kept() {
        fails(Kind::Secret, &["", "a", "200", "-"]);
    }

    #[test]
    fn a_known_key_stands() {
        for (value, outcome) in
            [("http.request.method", Outcome::Kept), ("@timestamp", Outcome::Kept), ("a\"b", Outcome::Dropped)]
        {
            assert_eq!(Grammar::Known.treat(value.as_bytes(), &mut Aid::default(), &mut Vec::new()), outcome);
        }
    }

    const KINDS: [Kind; 18] = [
        Kind::Address,
        Kind::Agent,
        Kind::Cookie,
        Kind::Host,
        Kind::Identifier,
        Kind::Instant,
        Kind::Language,
        Kind::Method,
        Kind::Number,
        Kind::Path,
        Kind::Protocol,
        Kind::Query,
        Kind::Referer,
        Kind::Secret,
        Kind::Status,
        Kind::Text,
        Kind::User,
        Kind::Word,
    ];

    proptest! {
        #[test]
        fn nothing_that_is_kept_holds_a_control_byte_and_it_is_kept_again(
            value in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..30),
                "[ -~]{0,30}".prop_map(String::into_bytes),
                "[a-z0-9.:-]{0,30}".prop_map(String::into_bytes),
            ],
        ) {
            for kind in KINDS {
                let grammar = Grammar::of(kind, None, truncate());
                let mut made = Vec::new();
                let once = match grammar.treat(&value, &mut Aid::default(), &mut made) {
                    Outcome::Kept => value.clone(),
                    Outcome::Made => made.clone(),
                    Outcome::Dropped => continue,
                    other => panic!("{other:?}"),
                };
                prop_assert!(!once.iter().any(u8::is_ascii_control));
                let mut again = Vec::new();
                match grammar.treat(&once, &mut Aid::default(), &mut again) {
                    Outcome::Kept => {}
                    Outcome::Made => prop_assert_eq!(again, once),
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}
