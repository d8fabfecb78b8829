//! Free text with what the detectors find replaced.

use super::{
    Aid, Outcome,
    harmless::Asked,
    truncate::{Port, Truncate},
};
use crate::{
    detect::{Finding, Kinds, Place, What},
    record::cut::groups_start,
};
use std::net::Ipv4Addr;

/// Reads free text from end to end and replaces what it finds.
///
/// Addresses are cut in place; their ports stay only where the policy keeps ports. `[email]`, `[token]` (JSON Web Tokens
/// too), `[phone]`, `[card]`, `[iban]` and `[id]` (UUIDs, hardware addresses, equipment ids, national identity numbers)
/// stand for the rest, and `[id]` for a host name that spells an address: it names one line of one provider. Text without findings and control characters stands as it came.
#[derive(Clone, Debug)]
pub struct Scrub {
    kinds: Kinds,
    network: Truncate,
    controls: Controls,
    place: Place,
}

/// What becomes of control characters: C0 but the tab, DEL, C1, and those that turn the direction of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Controls {
    /// Each byte is written as `\xHH`: what is read on a terminal can do nothing there.
    Escape,
    /// As [`Controls::Escape`], for the body of a JSON string: `\u00HH`, and `\u202e` for such a character.
    Json,
    /// They stay: no byte is touched that is not part of a finding.
    Leave,
}

impl Scrub {
    /// Looks for `kinds`, cuts addresses as `network` says.
    pub fn new(kinds: Kinds, network: Truncate, controls: Controls) -> Scrub {
        Scrub { kinds, network, controls, place: Place::Text }
    }

    /// The same for a field that holds addresses, where a number is one: `3405803853`.
    pub fn of_addresses(self) -> Scrub {
        Scrub { place: Place::Host, ..self }
    }

    /// Treats the text.
    #[inline]
    pub fn treat(&self, text: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
        let Aid { detector, buffer, harmless, found, .. } = aid;
        let asked = Asked { kinds: self.kinds, place: self.place, controls: self.controls };
        if harmless.holds(text, asked) || is_small_number(text) && self.place == Place::Text && !detector.has_own() {
            return Outcome::Kept;
        }
        let findings = detector.find(text, self.kinds, self.place);
        let clean = self.controls == Controls::Leave || is_printable(text);
        if findings.is_empty() && clean {
            harmless.add(text, asked);
            return Outcome::Kept;
        }
        let start = made.len();
        let changed = replace(text, findings, self.kinds, &self.network, made);
        if clean {
            found.note(findings);
            if !changed {
                made.truncate(start);
                return Outcome::Kept;
            }
        } else {
            // Read once more as the next reader will read it: with the escapes.
            buffer.clear();
            self.escape(&made[start..], buffer);
            made.truncate(start);
            let findings = detector.find(buffer, self.kinds, self.place);
            found.note(findings);
            replace(buffer, findings, self.kinds, &self.network, made);
            if made[start..] == *text {
                made.truncate(start);
                return Outcome::Kept;
            }
        }
        Outcome::Made
    }

    /// Whether each line is nothing but its addresses cut: then many can be treated together.
    pub(crate) fn is_bare(&self) -> bool {
        self.kinds == Kinds::IP && self.place == Place::Text && self.controls == Controls::Leave
    }

    /// Treats the lines that `lines` begins with, up to the first that `takes` refuses or that has no line feed, as
    /// [`treat`](Self::treat) does each of them without its line end. For what [is bare](Self::is_bare), and detectors
    /// without patterns of a policy's own. How many bytes came, and how many lines.
    #[inline]
    pub(super) fn treat_lines(
        &self,
        lines: &[u8],
        takes: impl FnMut(&[u8]) -> bool,
        aid: &mut Aid,
        made: &mut Vec<u8>,
    ) -> (usize, u64) {
        let stretch = aid.detector.stretch(lines, takes);
        // What a finding asks of the bytes beside it goes over no line feed.
        replace(&lines[..stretch.length], stretch.findings, self.kinds, &self.network, made);
        (stretch.length, stretch.lines)
    }

    fn escape(&self, text: &[u8], made: &mut Vec<u8>) {
        each_control(text, made, |control, made| match self.controls {
            Controls::Json => {
                made.extend_from_slice(br"\u");
                let code = code_point(control);
                write_hex((code >> 8) as u8, made);
                write_hex(code as u8, made);
            }
            Controls::Escape | Controls::Leave => control.iter().for_each(|&byte| {
                made.extend_from_slice(br"\x");
                write_hex(byte, made);
            }),
        });
    }
}

/// Appends `text` with each finding replaced, and says whether that changed anything.
pub(super) fn replace(text: &[u8], findings: &[Finding], kinds: Kinds, network: &Truncate, made: &mut Vec<u8>) -> bool {
    let (mut copied, mut changed) = (0, false);
    for finding in findings {
        // The port behind a bracket went with its address; what begins in it begins behind it.
        let (mut from, to) = ((finding.span.start as usize).max(copied), finding.span.end as usize);
        if to <= from && copied > finding.span.start as usize {
            continue;
        }
        let mut placeholder: &[u8] = match &finding.what {
            &What::Address(address) => {
                if copied < from {
                    made.extend_from_slice(&text[copied..from]);
                }
                let start = made.len();
                network.write(address, made);
                if is_bare_number(text, from, to) {
                    // A JSON member's number stays one, or the line is no JSON any more.
                    let cut = str::from_utf8(&made[start..]).ok().and_then(|text| text.parse::<Ipv4Addr>().ok());
                    made.truncate(start);
                    write_number(cut.map_or(0, u32::from), made);
                    changed |= made[start..] != text[from..to];
                    copied = to;
                    continue;
                }
                // `http://2001:db8::/` is no URL; and where ports stay, so does all that is around them.
                let bracketed = text[from] == b'[' && (network.port == Port::Keep || text[..from].ends_with(b"//"));
                if bracketed && made[start..].contains(&b':') {
                    made.insert(start, b'[');
                    made.push(b']');
                }
                match network.port {
                    Port::Drop => {}
                    Port::Keep => write_port(&text[finding.core.end as usize..to], start, made),
                }
                // From the end, where a cut address differs first.
                changed = changed || !made[start..].iter().rev().eq(text[from..to].iter().rev());
                copied = to;
                // `unknown[192.0.2.7]:51234`: the brackets are the name's, the port is the address's.
                if network.port == Port::Drop && text[..from].ends_with(b"[") {
                    let port = port_length(&text[to..]);
                    if port > 0 {
                        made.push(b']');
                        copied += port;
                        changed = true;
                    }
                }
                continue;
            }
            What::Email => b"[email]",
            What::Jwt | What::Token => b"[token]",
            What::HostName | What::Uuid | What::Mac | What::Imei | What::NationalId => b"[id]",
            What::Phone => b"[phone]",
            What::Card => b"[card]",
            What::Iban => b"[iban]",
            What::User => b"[user]",
            What::Value => b"",
            What::Own(replacement) => replacement.as_bytes(),
        };
        // With a placeholder behind its at-sign, a name would be an e-mail address to the next reader.
        if kinds.has(Kinds::EMAIL)
            && let Some(name) = name_before(&text[copied..from])
        {
            from = copied + name;
            placeholder = b"[email]";
        }
        made.extend_from_slice(&text[copied..from]);
        made.extend_from_slice(placeholder);
        changed |= *placeholder != text[from..to];
        copied = to;
    }
    made.extend_from_slice(&text[copied..]);
    changed
}

/// How long the closing bracket and the port are that stand at the start of `text`; 0: none do.
fn port_length(text: &[u8]) -> usize {
    let Some(rest) = text.strip_prefix(b"]:") else { return 0 };
    let digits = rest.iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
    let goes_on = rest.get(digits).is_some_and(|&byte| byte.is_ascii_alphanumeric() || byte == b'_')
        || matches!(rest.get(digits..), Some([b'.' | b':' | b'-', next, ..]) if next.is_ascii_alphanumeric());
    if (1..=5).contains(&digits) && !goes_on { 2 + digits } else { 0 }
}

/// Whether the finding is a number that stands as a JSON member's value: `"ip":3405803853`.
fn is_bare_number(text: &[u8], from: usize, to: usize) -> bool {
    let before = text[..from].strip_suffix(b" ").unwrap_or(&text[..from]);
    before.ends_with(b"\":") && text[from..to].iter().all(u8::is_ascii_digit)
}

/// Appends a number in decimal digits.
fn write_number(number: u32, made: &mut Vec<u8>) {
    let mut divisor = 1_000_000_000;
    while divisor > 1 && number < divisor {
        divisor /= 10;
    }
    while divisor > 0 {
        made.push(b'0' + (number / divisor % 10) as u8);
        divisor /= 10;
    }
}

/// Where the name starts whose at-sign, however it is written, `text` ends with.
#[inline]
fn name_before(text: &[u8]) -> Option<usize> {
    let signs: [&[u8]; 5] = [b"@", b"%40", br"\x40", br"\X40", br"\u0040"];
    if !matches!(text.last(), Some(b'@' | b'0')) {
        return None;
    }
    let name = signs.iter().find_map(|sign| text.strip_suffix(*sign))?;
    let local = |byte: &u8| byte.is_ascii_alphanumeric() || *byte >= 0x80 || b"!#$%'*+-^_`~.@\\".contains(byte);
    let start = name.iter().rposition(|byte| !local(byte)).map_or(0, |at| at + 1);
    (start < name.len()).then_some(start)
}

/// Appends the port that stands behind the address written at `start`; one of IPv6 gets its brackets.
fn write_port(behind: &[u8], start: usize, made: &mut Vec<u8>) {
    // As routers write it: `/51234`, `(51234)`.
    if matches!(behind.first(), Some(b'/' | b'(')) {
        return made.extend_from_slice(behind);
    }
    let digits = behind.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let port = &behind[behind.len() - digits..];
    // FTP writes a port as two numbers behind commas; half of one is none.
    if !(1..=5).contains(&digits) || behind.len() == digits || behind.contains(&b',') {
        return;
    }
    if made[start..].contains(&b':') && !made.ends_with(b"]") {
        made.insert(start, b'[');
        made.push(b']');
    }
    made.push(b':');
    made.extend_from_slice(port);
}

/// The text up to and including the last byte that no identifier goes over: what is left of a line that was cut.
///
/// Blanks, quotes, brackets, `,`, `;`, `=`, `&`, `|` end every identifier; `.`, `:`, `/`, `-`, `@`, `%` and `\` may stand
/// inside one. Nothing is left of text without such a byte.
pub fn trimmed(text: &[u8]) -> &[u8] {
    let ends = |byte: &u8| {
        matches!(
            byte,
            b' ' | b'\t'
                | b'"'
                | b'\''
                | b'('
                | b')'
                | b'['
                | b']'
                | b'{'
                | b'}'
                | b'<'
                | b'>'
                | b','
                | b';'
                | b'='
                | b'&'
                | b'|'
        )
    };
    &text[..groups_start(text, text.iter().rposition(ends).map_or(0, |at| at + 1))]
}

/// Whether it is a number of at most six bytes, as a request's duration is: the shortest of identifiers, an address, has seven.
#[inline]
fn is_small_number(text: &[u8]) -> bool {
    text.len() <= 6 && text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

/// Whether every byte is a tab or printable ASCII: then no control character can be there.
#[inline]
pub(super) fn is_printable(text: &[u8]) -> bool {
    text.iter().fold(true, |all, &byte| all & ((byte.wrapping_sub(b' ') < 0x5f) | (byte == b'\t')))
        || !has_control(text)
}

#[cold]
fn has_control(text: &[u8]) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        let (length, control) = letter(rest);
        if control {
            return true;
        }
        rest = &rest[length..];
    }
    false
}

/// Appends `text`, with `write` called for each control character instead.
pub(super) fn each_control(text: &[u8], made: &mut Vec<u8>, mut write: impl FnMut(&[u8], &mut Vec<u8>)) {
    let (mut at, mut copied) = (0, 0);
    while at < text.len() {
        let (length, control) = letter(&text[at..]);
        if control {
            made.extend_from_slice(&text[copied..at]);
            write(&text[at..at + length], made);
            copied = at + length;
        }
        at += length;
    }
    made.extend_from_slice(&text[copied..]);
}

/// How many bytes the letter at the start of `text` has, and whether it is a control character.
///
/// C0 but the tab, DEL, C1 as UTF-8 and as single bytes that belong to no letter, line and paragraph separators, marks and
/// overrides of direction. Bytes from 0xa0 that are no UTF-8 are letters of some older encoding.
#[inline]
fn letter(text: &[u8]) -> (usize, bool) {
    let follow = |count: usize| text.len() > count && text[2..=count].iter().all(|byte| byte & 0xc0 == 0x80);
    match *text {
        [b'\t' | b' '..=b'~', ..] => (1, false),
        [0..=0x1f | 0x7f, ..] => (1, true),
        [0xc2, 0x80..=0x9f, ..] | [0xd8, 0x9c, ..] => (2, true),
        [0xc2..=0xdf, 0x80..=0xbf, ..] => (2, false),
        [0xe2, 0x80, 0x8e | 0x8f | 0xa8..=0xae, ..] | [0xe2, 0x81, 0xa6..=0xa9, ..] => (3, true),
        [0xe0, 0xa0..=0xbf, ..] | [0xe1..=0xec | 0xee | 0xef, 0x80..=0xbf, ..] | [0xed, 0x80..=0x9f, ..]
            if follow(2) =>
        {
            (3, false)
        }
        [0xf0, 0x90..=0xbf, ..] | [0xf1..=0xf3, 0x80..=0xbf, ..] | [0xf4, 0x80..=0x8f, ..] if follow(3) => (4, false),
        [0x80..=0x9f, ..] => (1, true),
        _ => (1, false),
    }
}

/// The code point of a control character as [`letter`] finds them; of a single byte, the byte.
fn code_point(control: &[u8]) -> u16 {
    let low = |byte: u8| u16::from(byte & 0x3f);
    match *control {
        [byte] => u16::from(byte),
        [lead, last] => u16::from(lead & 0x1f) << 6 | low(last),
        [lead, middle, last] => u16::from(lead & 0x0f) << 12 | low(middle) << 6 | low(last),
        _ => 0xfffd,
    }
}

/// Appends two hexadecimal digits.
pub(super) fn write_hex(byte: u8, made: &mut Vec<u8>) {
    made.extend([byte >> 4, byte & 15].map(|digit| b"0123456789abcdef"[usize::from(digit)]));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scrub(kinds: Kinds, port: Port, controls: Controls) -> Scrub {
        Scrub::new(kinds, Truncate { v4: 24, v6: 48, port, exempt: [].into() }, controls)
    }

    fn treated_by(scrub: &Scrub, text: &[u8]) -> Vec<u8> {
        let mut made = b"before".to_vec();
        match scrub.treat(text, &mut Aid::default(), &mut made) {
            Outcome::Kept => text.to_vec(),
            Outcome::Made => made[6..].to_vec(),
            other => panic!("{other:?}"),
        }
    }

    fn treated(text: &str) -> String {
        String::from_utf8(treated_by(&scrub(Kinds::ALL, Port::Drop, Controls::Escape), text.as_bytes())).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn findings_that_touch_one_another_are_replaced_one_by_one(
            pieces in proptest::collection::vec(proptest::sample::select(vec![
                "192.0.2.7", "203.0.113.77", "::6", "2001:db8::77", "[", "]", "]:", ":25", ":0", "@", "@.o", "%40", "kari", ".org",
                "mail.example.org", " ", "/51234", "(", ")", "+47 22 33 44 55", "4111 1111 1111 1111", "=", "token=", "\"", "-", ",",
                "00:00:5e:00:53:af", "9f86d081884c7d659a2feaa0c55ad015", "\\x40", "x", "\u{1b}",
            ]), 0..12),
            keep in any::<bool>(),
        ) {
            let text = pieces.concat();
            let port = if keep { Port::Keep } else { Port::Drop };
            let made = treated_by(&scrub(Kinds::ALL, port, Controls::Escape), text.as_bytes());
            // Nothing is written twice: a placeholder or a cut address is little longer than what it stands for.
            prop_assert!(made.len() <= 8 * text.len() + 16);
        }
    }

    #[test]
    fn a_mail_address_that_begins_in_a_port_goes_with_it() {
        for (text, stays) in [
            ("i[::6]:0@.o", "i[::][email]"),
            ("hello x[192.0.2.7]:25@mail.example.org", "hello x[192.0.2.0][email]"),
            ("<x[192.0.2.7]:25@mail.example.org>: Relay", "<x[192.0.2.0][email]>: Relay"),
        ] {
            assert_eq!(treated(text), stays, "{text}");
        }
    }

    #[test]
    fn findings_are_replaced_in_place() {
        for (text, stays) in [
            ("from 203.0.113.77 port 22", "from 203.0.113.0 port 22"),
            ("client [2001:db8:1:2::3]:443 gone", "client 2001:db8:1:: gone"),
            ("to=<anna@example.org>, ok", "to=<[email]>, ok"),
            ("id 550e8400-e29b-41d4-a716-446655440000", "id [id]"),
            ("hw 00:00:5e:00:53:af up", "hw [id] up"),
            ("key 9f86d081884c7d659a2feaa0c55ad015.", "key [token]."),
            ("rhost=203-0-113-77.dyn.example.net user", "rhost=[id] user"),
            ("{\"ip\":3405803853,\"n\": 5}", "{\"ip\":3405803776,\"n\": 5}"),
            ("{\"ip\": 3405803853}", "{\"ip\": 3405803776}"),
            ("call +47 22 33 44 55, card 4111 1111 1111 1111", "call [phone], card [card]"),
            ("to NO93 8601 1117 947 for 131052-308T", "to [iban] for [id]"),
        ] {
            assert_eq!(treated(text), stays, "{text}");
        }
    }

    #[test]
    fn text_without_findings_stands_as_it_came() {
        let mut made = Vec::new();
        for text in [
            "",
            "started",
            "std::vec at 10:00:00",
            "Chrome/139.0.0.0",
            "bl\u{e5}b\u{e6}r \u{1f600}",
            "a\tb",
            "203.0.113.0",
        ] {
            let outcome =
                scrub(Kinds::ALL, Port::Drop, Controls::Escape).treat(text.as_bytes(), &mut Aid::default(), &mut made);
            assert_eq!((outcome, made.len()), (Outcome::Kept, 0), "{text}");
        }
    }

    #[test]
    fn only_the_asked_kinds_are_replaced() {
        let text = b"203.0.113.77 anna@example.org";
        assert_eq!(treated_by(&scrub(Kinds::IP, Port::Drop, Controls::Leave), text), b"203.0.113.0 anna@example.org");
        assert_eq!(treated_by(&scrub(Kinds::EMAIL, Port::Drop, Controls::Leave), text), b"203.0.113.77 [email]");
    }

    #[test]
    fn an_address_in_a_url_keeps_its_brackets() {
        let drop = scrub(Kinds::ALL, Port::Drop, Controls::Escape);
        for (text, stays) in [
            ("see http://[2001:db8:1:2::3]:8080/a", "see http://[2001:db8:1::]/a"),
            ("see http://[::ffff:203.0.113.77]/a", "see http://203.0.113.0/a"),
            ("peer [2001:db8:1:2::3]:8080", "peer 2001:db8:1::"),
        ] {
            let once = treated_by(&drop, text.as_bytes());
            assert_eq!(String::from_utf8(once.clone()).unwrap(), stays);
            assert_eq!(treated_by(&drop, &once), once);
        }
    }

    #[test]
    fn a_port_stays_where_the_policy_keeps_ports() {
        let keep = scrub(Kinds::ALL, Port::Keep, Controls::Escape);
        for (text, stays) in [
            ("a 203.0.113.77:443 b", "a 203.0.113.0:443 b"),
            ("a [2001:db8:1:2::3]:443 b", "a [2001:db8:1::]:443 b"),
            ("a [2001:db8:1:2::3] b", "a [2001:db8:1::] b"),
            ("a 203.0.113.77 b", "a 203.0.113.0 b"),
        ] {
            let once = treated_by(&keep, text.as_bytes());
            assert_eq!(String::from_utf8(once.clone()).unwrap(), stays);
            assert_eq!(treated_by(&keep, &once), once);
        }
    }

    #[test]
    fn control_characters_can_do_nothing() {
        let text = "a\u{1b}[2J\u{7f}\u{9b}\u{202e}\tb 203.0.113.77\0";
        assert_eq!(treated(text), r"a\x1b[2J\x7f\xc2\x9b\xe2\x80\xae".to_owned() + "\tb 203.0.113.0" + r"\x00");
        let json = treated_by(&scrub(Kinds::ALL, Port::Drop, Controls::Json), text.as_bytes());
        let made = r"a\u001b[2J\u007f\u009b\u202e".to_owned() + "\tb 203.0.113.0" + r"\u0000";
        assert_eq!(json, made.as_bytes());
        let leave = treated_by(&scrub(Kinds::IP, Port::Drop, Controls::Leave), text.as_bytes());
        assert_eq!(leave, text.replace("77", "0").as_bytes());
        assert_eq!(
            treated_by(&scrub(Kinds::ALL, Port::Drop, Controls::Escape), b"\x9b \xe6\xf8 \xc3\x9b"),
            b"\\x9b \xe6\xf8 \xc3\x9b"
        );
    }

    #[test]
    fn a_cut_line_loses_what_may_be_half_an_identifier() {
        for (text, stays) in [
            ("from 203.0.11", "from "),
            ("a [2001:db8:", "a ["),
            ("to=anna@exam", "to="),
            ("a, b", "a, "),
            ("GET /reset/9f86d08", "GET "),
            ("a b ", "a b "),
            ("203.0.113", ""),
            ("", ""),
            ("\"x\"", "\"x\""),
        ] {
            assert_eq!(trimmed(text.as_bytes()), stays.as_bytes(), "{text}");
        }
    }

    #[test]
    fn letters_are_told_as_the_standard_library_tells_them() {
        for code in 0..=0x10ffffu32 {
            let Some(letter) = char::from_u32(code) else { continue };
            let mut space = [0; 4];
            let text = letter.encode_utf8(&mut space).as_bytes();
            let (length, control) = super::letter(text);
            assert_eq!(length, text.len(), "{code:x}");
            let turns = matches!(code, 0x61c | 0x200e | 0x200f | 0x2028..=0x202e | 0x2066..=0x2069);
            assert_eq!(control, letter.is_control() && letter != '\t' || turns, "{code:x}");
            if control {
                assert_eq!(u32::from(code_point(text)), code);
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_leave_without_control_characters_and_stay(text in proptest::collection::vec(any::<u8>(), 0..60)) {
            let scrub = scrub(Kinds::ALL, Port::Drop, Controls::Escape);
            let once = treated_by(&scrub, &text);
            prop_assert!(!has_control(&once));
            prop_assert_eq!(treated_by(&scrub, &once), once);
        }

        #[test]
        fn a_long_flood_of_controls_grows_four_times_at_most(text in proptest::collection::vec(0..0x20u8, 0..60)) {
            prop_assert!(treated_by(&scrub(Kinds::ALL, Port::Drop, Controls::Escape), &text).len() <= 4 * text.len());
        }

        #[test]
        fn trimmed_text_is_a_start_that_ends_at_a_delimiter(text in proptest::collection::vec(any::<u8>(), 0..60)) {
            prop_assert!(text.starts_with(trimmed(&text)));
            // What ends at a delimiter may end in groups of a number that was split there: only those may go too.
            let (once, twice) = (trimmed(&text), trimmed(trimmed(&text)));
            prop_assert!(once.starts_with(twice));
            let group = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-. \t=:\"(),;&?\x0c\r".contains(byte);
            prop_assert!(once[twice.len()..].iter().all(group), "{:?}", &once[twice.len()..]);
            prop_assert!(once.len() == twice.len() || once[twice.len()..].iter().any(|byte| byte.is_ascii_alphanumeric()));
        }
    }
}
