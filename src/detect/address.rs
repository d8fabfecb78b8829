//! IPv4 addresses and the host names that spell an address.
//!
//! Read by words, that is by runs of letters, digits, `.`, `-` and `_`, each once: `203.0.113.7`, `0313.0.0161.07`,
//! `0xcb.0x00.0x71.0x07`, `203-0-113-7.dialup.example`, `7.113.0.203.in-addr.arpa`, nibbles of `ip6.arpa`, and IPv6 with
//! dashes. A dotted four with nothing else in its word is an address; otherwise all of the word is a host name.

use super::{
    Finding, Place, What,
    bytes::{ALNUM, DIGIT, HEX, HOST, is, is_at, nibble, run_end, run_start},
    surround::{Family, surround, with_port},
    version::{self, Agents},
};
use std::net::{IpAddr, Ipv4Addr};

/// Reads the word that holds `at`, adds what it finds, and says where the word ends. Nothing before `floor` is part of it.
pub(super) fn word(
    text: &[u8],
    at: usize,
    floor: usize,
    place: Place,
    agents: &mut Agents,
    found: &mut Vec<Finding>,
) -> usize {
    if !is_at(text, at, HOST) {
        return at;
    }
    // What begins the text needs no look back.
    let first = if floor == 0 && at < 16 && is_at(text, 0, DIGIT) { four(text, 0) } else { None };
    let first = first.filter(|&(end, _)| at < end);
    let start = if first.is_some() { 0 } else { behind_colour(text, run_start(text, at, floor, HOST)) };
    if let Some((end, octets)) = first.or_else(|| four(text, start)) {
        if !agents.version(text, start, end, place) {
            let finding = Finding::new(start, end, What::Address(IpAddr::V4(Ipv4Addr::from(octets))));
            found.push(surround(text, finding, Family::Four));
        }
        return end;
    }
    if let Some(end) = version(text, start) {
        return end;
    }
    if matches!(place, Place::Path | Place::Text)
        && let Some(end) = file(text, start, at)
    {
        return end;
    }
    let end = run_end(text, at, HOST);
    let kept = found.len();
    let product = matches!(place, Place::Agent | Place::Text) && version::may_be_product(text, start);
    let rows = Rows::read(text, start, end, product, found);
    if rows.endless {
        found.truncate(kept);
        found.push(host_name(text, start, end));
        return end;
    }
    if found.len() == kept {
        let word = &text[start..end];
        if rows.letters > 0 && (reversed_v6(word) || dashed_v6(word) || hexadecimal_v4(word)) {
            found.push(host_name(text, start, end));
        }
        return end;
    }
    let dotted_alone = found.len() == kept + 1 && !rows.dashed;
    let (from, to) = (found[kept].span.start as usize, found[kept].span.end as usize);
    let numeric = rows.covered == rows.letters;
    if dotted_alone && place != Place::Host {
        let product = from == start && to == end && numeric && agents.version(text, from, to, place);
        let file = !rows.long && matches!(place, Place::Path | Place::Text) && version::file_version(text, from, to);
        // `v1.7.0.6`: small numbers behind a letter for *version*. An address has larger ones.
        let small = text[from..to].split(|&byte| byte == b'.').all(|part| matches!(part, [_] | [b'1' | b'2', _]));
        let named = from == start + 1 && to == end && matches!(text[start], b'v' | b'V') && !rows.long && small;
        if product || file || named {
            found.truncate(kept);
            return end;
        }
    }
    if rows.dashed || rows.long || !numeric {
        found.truncate(kept);
        found.push(host_name(text, start, end));
        return end;
    }
    for finding in &mut found[kept..] {
        *finding = surround(text, *finding, Family::Four);
    }
    end
}

/// The common case, which the rows below would read as well: the word that starts at `start` is a dotted four in plain
/// decimal and nothing else. Where it ends, and what it says.
#[inline]
fn plain_four(text: &[u8], start: usize) -> Option<(usize, [u8; 4])> {
    octets(text, start).filter(|&(end, _)| !is_at(text, end, HOST))
}

/// The dotted four in plain decimal at `start`, whatever stands behind it.
#[inline]
fn octets(text: &[u8], start: usize) -> Option<(usize, [u8; 4])> {
    let mut octets = [0; 4];
    let mut at = start;
    for (i, octet) in octets.iter_mut().enumerate() {
        if i > 0 {
            if text.get(at) != Some(&b'.') {
                return None;
            }
            at += 1;
        }
        let first = at;
        let mut value = 0u32;
        while let Some(&b) = text.get(at) {
            if !is(b, DIGIT) || at - first == 3 {
                break;
            }
            value = value * 10 + u32::from(b - b'0');
            at += 1;
        }
        if at == first || value > 255 || (at - first > 1 && text[first] == b'0') {
            return None;
        }
        *octet = value as u8;
    }
    Some((at, octets))
}

/// Where the word ends that starts at `start`, if it is a browser's version in four parts, one of them too large for an
/// address: the rows below would find none in it. The caller has seen that it is no dotted four.
#[inline]
fn version(text: &[u8], start: usize) -> Option<usize> {
    let (mut at, mut dots, mut before) = (start, 0, b'.');
    while let Some(&byte) = text.get(at)
        && is(byte, HOST)
    {
        if dots > 3 || at > start + 24 {
            return None;
        }
        // A part that a zero leads may be octal.
        let padded = before == b'0' && (at < start + 2 || text[at - 2] == b'.');
        if byte != b'.' && (!is(byte, DIGIT) || padded) {
            return None;
        }
        dots += u32::from(byte == b'.');
        before = byte;
        at += 1;
    }
    (dots == 3).then_some(at)
}

/// Where the word ends that starts at `start`, if it is a common file's name with a version in it: no other digit stands in
/// it, so that the rows below would find this one.
#[inline]
fn file(text: &[u8], start: usize, at: usize) -> Option<usize> {
    let mut from = start;
    while from < at && !is(text[from], DIGIT) {
        from += 1;
    }
    if from == start || !matches!(text[from - 1], b'-' | b'_' | b'.') {
        return None;
    }
    let (to, _) = octets(text, from)?;
    if to <= at || text.get(to) != Some(&b'.') {
        return None;
    }
    let end = run_end(text, to, HOST);
    let digits = text[to..end].iter().any(|&b| is(b, DIGIT));
    (!digits && version::file_version(text, from, to)).then_some(end)
}

/// The same, in sixteen bytes at once where there are so many.
#[inline]
fn four(text: &[u8], start: usize) -> Option<(usize, [u8; 4])> {
    match text.get(start..).and_then(|rest| rest.first_chunk()) {
        Some(bytes) => quick_four(text, start, bytes),
        None => plain_four(text, start),
    }
}

/// The same without a branch for each byte; `bytes` are those from `start` on.
#[inline]
fn quick_four(text: &[u8], start: usize, bytes: &[u8; 16]) -> Option<(usize, [u8; 4])> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const LOW: u64 = 0x7f * ONES;
    const HIGHS: u64 = 0x80 * ONES;
    let all = u128::from_le_bytes(*bytes);
    // The high bit of each byte that is a dot, and of each that is no digit.
    let dots = |word: u64| {
        let word = word ^ (u64::from(b'.') * ONES);
        !(((word & LOW) + LOW) | word) & HIGHS
    };
    let others = |word: u64| {
        let word = word ^ (u64::from(b'0') * ONES);
        (((word & LOW) + 0x76 * ONES) | word) & HIGHS
    };
    let (low, high) = (all as u64, (all >> 64) as u64);
    let both = |low: u64, high: u64| u128::from(low) | u128::from(high) << 64;
    let (dots, others) = (both(dots(low), dots(high)), both(others(low), others(high)));
    let length = (others & !dots).trailing_zeros() / 8;
    let end = start + length as usize;
    if !(7..16).contains(&length) || is(text[end], HOST) {
        return None;
    }
    let first = dots & !(u128::MAX << (8 * length));
    let second = first & first.wrapping_sub(1);
    let third = second & second.wrapping_sub(1);
    if third == 0 || !third.is_power_of_two() {
        return None;
    }
    let ends = [first.trailing_zeros() / 8, second.trailing_zeros() / 8, third.trailing_zeros() / 8, length];
    let (mut octets, mut wrong, mut from) = ([0; 4], false, 0);
    for (octet, end) in octets.iter_mut().zip(ends) {
        let count = end.wrapping_sub(from);
        // One to three digits; the shifts are only right for these.
        wrong |= count.wrapping_sub(1) > 2;
        let window = (all >> ((8 * from) & 127)) as u32;
        let aligned = (window & 0x0f0f_0f0f) << (3u32.wrapping_sub(count).wrapping_mul(8) & 31);
        let value = (aligned & 15) * 100 + (aligned >> 8 & 15) * 10 + (aligned >> 16 & 15);
        wrong |= value > 255 || count > 1 && window & 15 == 0;
        *octet = value as u8;
        from = end + 1;
    }
    (!wrong).then_some((end, octets))
}

/// Rows of parts in one word: numbers of 0–255 with the same separator between them.
#[derive(Debug, Default)]
struct Rows {
    /// The row now being read.
    count: u32,
    separator: u8,
    start: usize,
    end: usize,
    values: [Part; 4],
    /// Whether all of it is a date's month, day, hour, minute and second.
    dated: bool,
    /// Whether the last part can be joined to the next, the part itself, and where it starts.
    joins: bool,
    last: Part,
    last_start: usize,
    /// Which part of a date comes next; 0 where no year stands in front.
    date: u32,

    /// Of the whole word: letters and digits, those of them in rows, rows with dashes, rows of more than four parts.
    letters: usize,
    covered: usize,
    dashed: bool,
    long: bool,
    /// Whether a row is so long that what follows it does not matter, and nothing of it was added.
    endless: bool,
}

/// From how many parts on a row is endless. No date has as many.
const ENDLESS: u32 = 8;

/// One part of a dotted four.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    decimal: u8,
    /// Its value if a leading zero means octal.
    octal: Option<u8>,
    /// Its length in bytes.
    width: u8,
    /// Whether it belongs to a date.
    dated: bool,
}

impl Rows {
    /// Adds each row of four or more parts in the word `start..end`. An endless one is read to its end only where the word may
    /// be the version of a `product`.
    fn read(text: &[u8], start: usize, end: usize, product: bool, found: &mut Vec<Finding>) -> Rows {
        let mut rows = Rows::default();
        let mut at = start;
        while at < end {
            let first = at;
            let mut digits = true;
            while at < end && is(text[at], ALNUM) {
                digits &= is(text[at], DIGIT);
                at += 1;
            }
            if at > first {
                rows.letters += at - first;
                rows.chunk(text, start, first, at, digits, found);
                if rows.count >= ENDLESS && !product {
                    rows.endless = true;
                    return rows;
                }
            } else {
                // Two separators in a row join nothing.
                rows.joins &= rows.end == at;
            }
            at += 1;
        }
        rows.close(found);
        rows
    }

    /// Takes one run of letters and digits.
    fn chunk(&mut self, text: &[u8], word: usize, start: usize, end: usize, digits: bool, found: &mut Vec<Finding>) {
        let bytes = &text[start..end];
        let joined = start > word && self.end + 1 == start;
        let separator = if joined { text[start - 1] } else { 0 };
        if digits {
            match decimal(bytes) {
                Some(mut part) => {
                    self.date = match self.date {
                        0 => 0,
                        place if joined && fits_date(place, part) => {
                            part.dated = true;
                            place + 1
                        }
                        _ => 0,
                    };
                    self.part(part, start, end, separator, found);
                }
                None => self.large(bytes, start, end, separator, found),
            }
            return;
        }
        self.date = 0;
        if let Some(part) = hexadecimal(bytes) {
            return self.part(part, start, end, separator, found);
        }
        // Digits in front of letters can be a row's last part, digits behind letters its first.
        let lead = bytes.iter().take_while(|&&b| is(b, DIGIT)).count();
        if let Some(part) = decimal(&bytes[..lead]) {
            self.part(part, start, start + lead, separator, found);
        }
        self.close(found);
        self.joins = false;
        let tail = bytes.iter().rev().take_while(|&&b| is(b, DIGIT)).count();
        if let Some(part) = decimal(&bytes[bytes.len() - tail..]) {
            self.part(part, end - tail, end, 0, found);
        }
    }

    /// Takes one part; `separator` is 0 where nothing joins it to what stands before.
    fn part(&mut self, part: Part, start: usize, end: usize, separator: u8, found: &mut Vec<Finding>) {
        let joined = self.joins && separator != 0;
        if joined && (self.count == 1 || separator == self.separator) {
            if self.count < 4 {
                self.values[self.count as usize] = part;
            }
            self.count += 1;
            self.dated &= part.dated;
        } else {
            self.close(found);
            if joined {
                self.values = [self.last, part, Part::default(), Part::default()];
                self.count = 2;
                self.start = self.last_start;
                self.dated = self.last.dated && part.dated;
            } else {
                self.values[0] = part;
                self.count = 1;
                self.start = start;
                self.dated = part.dated;
            }
        }
        self.separator = separator;
        self.end = end;
        (self.last, self.last_start, self.joins) = (part, start, true);
    }

    /// Takes a number that is too large for a part: a year, or the port behind `203.0.113.7.51234`, as some programs write.
    fn large(&mut self, bytes: &[u8], start: usize, end: usize, separator: u8, found: &mut Vec<Finding>) {
        let port = self.joins && self.count == 4 && separator == b'.' && self.separator == b'.' && bytes.len() <= 5;
        let before = found.len();
        self.close(found);
        if port && found.len() > before {
            let last = found.len() - 1;
            found[last].span.end = end as u32;
            self.covered += bytes.len();
        }
        self.joins = false;
        let year = bytes.len() == 4 && (bytes.starts_with(b"19") || bytes.starts_with(b"20"));
        self.date = u32::from(year);
        self.end = if year { end } else { start };
    }

    /// Ends the row.
    fn close(&mut self, found: &mut Vec<Finding>) {
        if self.count >= 4 && !self.dated {
            found.push(Finding::new(self.start, self.end, What::Address(IpAddr::V4(self.address()))));
            self.covered += self.end - self.start - (self.count as usize - 1);
            self.dashed |= self.separator != b'.';
            self.long |= self.count > 4;
        }
        self.count = 0;
    }

    fn address(&self) -> Ipv4Addr {
        // `07` and `0313` can only be octal, `010.001.002.003` is more likely padded.
        let octal = self.values.iter().any(|part| part.octal.is_some() && part.width != 3);
        Ipv4Addr::from(self.values.map(|part| part.octal.filter(|_| octal).unwrap_or(part.decimal)))
    }
}

/// A part in digits alone.
#[inline]
fn decimal(bytes: &[u8]) -> Option<Part> {
    let width = bytes.len() as u8;
    let value = match *bytes {
        [a] => return Some(Part { decimal: a - b'0', octal: None, width, dated: false }),
        [a, b] if a != b'0' => u32::from(a - b'0') * 10 + u32::from(b - b'0'),
        [a, b, c] if a != b'0' => u32::from(a - b'0') * 100 + u32::from(b - b'0') * 10 + u32::from(c - b'0'),
        [b'0', _] | [b'0', _, _] | [b'0', _, _, _] => return padded(bytes),
        _ => return None,
    };
    Some(Part { decimal: u8::try_from(value).ok()?, octal: None, width, dated: false })
}

/// A part with a leading zero: octal, or padded.
fn padded(bytes: &[u8]) -> Option<Part> {
    let value = bytes.iter().fold(0u32, |value, &b| value * 10 + u32::from(b - b'0'));
    let octal = if bytes.iter().all(|&b| b < b'8') {
        u8::try_from(bytes.iter().fold(0u32, |value, &b| value * 8 + u32::from(b - b'0'))).ok()
    } else {
        None
    };
    let decimal = u8::try_from(value).ok().or(octal)?;
    Some(Part { decimal, octal, width: bytes.len() as u8, dated: false })
}

/// A part as `0xcb`.
fn hexadecimal(bytes: &[u8]) -> Option<Part> {
    let [b'0', b'x' | b'X', digits @ ..] = bytes else { return None };
    if !(1..=8).contains(&digits.len()) {
        return None;
    }
    let value = digits.iter().try_fold(0u32, |value, &b| Some((value << 4) | u32::from(nibble(b)?)))?;
    Some(Part { decimal: u8::try_from(value).ok()?, octal: None, width: bytes.len() as u8, dated: false })
}

/// Whether a part can stand at this place behind a year: month, day, hour, minute, second, milliseconds.
fn fits_date(place: u32, part: Part) -> bool {
    let range = match place {
        1 => 1..=12,
        2 => 1..=31,
        3 => 0..=23,
        4 => 0..=59,
        5 => 0..=60,
        6 => return part.width == 3,
        _ => return false,
    };
    part.width == 2 && range.contains(&part.decimal)
}

/// Where the word goes on that starts at `start`, if what ends a terminal's colour stands in front: `ESC[31m203.0.113.7`.
#[inline]
fn behind_colour(text: &[u8], start: usize) -> usize {
    if start > 1 && matches!(text[start - 1], b'[' | b';') { colour_end(text, start) } else { start }
}

#[cold]
fn colour_end(text: &[u8], start: usize) -> usize {
    let digits = text[start..].iter().take(4).take_while(|&&b| is(b, DIGIT)).count();
    if text.get(start + digits) != Some(&b'm') {
        return start;
    }
    let floor = start.saturating_sub(COLOUR);
    let Some(open) = text[floor..start].iter().rposition(|&b| !(is(b, DIGIT) || b == b';')) else { return start };
    let (before, bracket) = (&text[..floor + open], text[floor + open]);
    let signs: [&[u8]; 6] = [b"\x1b", b"x1b", b"x1B", b"033", b"001b", b"^["];
    let starts = bracket == b'[' && signs.iter().any(|sign| before.ends_with(sign));
    if starts { start + digits + 1 } else { start }
}

/// How many bytes of a colour may stand in front of its last number.
const COLOUR: usize = 16;

/// Whether the name's first label spells an IPv4 address in eight hexadecimal digits, as dial-up lines are called:
/// `p51a722db.dip0.isp.example`.
///
/// A few letters stand in front of the digits, or a later label says what the name is for.
fn hexadecimal_v4(word: &[u8]) -> bool {
    let word = word.strip_suffix(b".").unwrap_or(word);
    let Some(dot) = word.iter().position(|&b| b == b'.') else { return false };
    let (label, domain) = (&word[..dot], &word[dot + 1..]);
    let Some(front) = label.len().checked_sub(8) else { return false };
    let (prefix, digits) = label.split_at(front);
    let hex = digits.iter().all(|&b| is(b, HEX)) && digits.iter().filter(|&&b| is(b, DIGIT)).count() >= 2;
    let Some(last) = domain.iter().rposition(|&b| b == b'.') else { return false };
    let top = &domain[last + 1..];
    let top = top.len() >= 2 && top.iter().all(u8::is_ascii_alphabetic) && !version::is_extension_of_files(top);
    if !hex || !top {
        return false;
    }
    let words = |label: &[u8]| {
        let label = label.strip_suffix(b"0").unwrap_or(label);
        LINES.iter().any(|line| line.eq_ignore_ascii_case(label))
    };
    let letters = !prefix.is_empty() && prefix.len() <= 6 && prefix.iter().all(u8::is_ascii_alphabetic);
    let joined = prefix.is_empty() || prefix.ends_with(b"-");
    letters || joined && prefix.split(|&b| b == b'-').chain(domain.split(|&b| matches!(b, b'.' | b'-'))).any(words)
}

/// What providers call the lines of their customers.
const LINES: [&[u8]; 27] = [
    b"dyn",
    b"dynamic",
    b"dip",
    b"dsl",
    b"adsl",
    b"xdsl",
    b"vdsl",
    b"pool",
    b"pools",
    b"dial",
    b"dialup",
    b"dialin",
    b"cable",
    b"dhcp",
    b"broadband",
    b"bb",
    b"res",
    b"cust",
    b"customer",
    b"customers",
    b"ppp",
    b"pppoe",
    b"static",
    b"rev",
    b"ip",
    b"client",
    b"host",
];

/// The whole word, without the separators around it.
fn host_name(text: &[u8], start: usize, end: usize) -> Finding {
    let word = &text[start..end];
    let before = word.iter().take_while(|&&b| !is(b, ALNUM)).count();
    let after = word.iter().rev().take_while(|&&b| !is(b, ALNUM)).count();
    let name = Finding::new(start + before, end - after, What::HostName);
    if after == 0 { with_port(text, name) } else { name }
}

/// Whether the word is a reversed IPv6 address: nibbles of `ip6.arpa`.
fn reversed_v6(word: &[u8]) -> bool {
    let word = word.strip_suffix(b".").unwrap_or(word);
    let Some(nibbles) = word.len().checked_sub(8) else { return false };
    let labels = &word[..nibbles];
    word[nibbles..].eq_ignore_ascii_case(b"ip6.arpa")
        && labels.len() >= 8
        && labels[labels.len() - 8..].chunks(2).all(|pair| is(pair[0], HEX) && pair[1] == b'.')
}

/// Whether the word spells an IPv6 address with dashes: eight groups in a row, or a label such as `2001-db8--7`.
fn dashed_v6(word: &[u8]) -> bool {
    // Of the label: groups in a row and whether one has a digit, all groups, doubled dashes, whether all is hexadecimal.
    let (mut row, mut row_digit, mut groups, mut doubles, mut pure) = (0, false, 0, 0, true);
    let (mut label, mut at) = (0, 0);
    while at <= word.len() {
        let group = at;
        let (mut hex, mut digit) = (true, false);
        while let Some(&b) = word.get(at) {
            if !is(b, ALNUM) {
                break;
            }
            hex &= is(b, HEX);
            digit |= is(b, DIGIT);
            at += 1;
        }
        if at == group {
            doubles += 1;
            (row, row_digit) = (0, false);
        } else {
            groups += 1;
            if hex && at - group <= 4 {
                row += 1;
                row_digit |= digit;
            } else {
                (row, row_digit, pure) = (0, false, false);
            }
            if row >= 8 && row_digit {
                return true;
            }
        }
        if matches!(word.get(at), None | Some(b'.')) {
            let name = &word[label..at];
            if pure && doubles == 1 && groups >= 3 && name.last().is_some_and(|&b| is(b, HEX)) {
                let head = name.iter().take_while(|&&b| is(b, HEX)).count();
                if head == 4 && matches!(name[0], b'2' | b'3' | b'f' | b'F') {
                    return true;
                }
            }
            (row, row_digit, groups, doubles, pure) = (0, false, 0, 0, true);
            label = at + 1;
        }
        at += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(text: &str, place: Place) -> Vec<(String, What)> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < text.len() {
            at = word(text.as_bytes(), at, at, place, &mut Agents::default(), &mut found).max(at) + 1;
        }
        found.iter().map(|f| (String::from_utf8(f.span.of(text.as_bytes()).to_vec()).unwrap(), f.what)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn sixteen_bytes_at_once_say_what_byte_by_byte_is_said(
            text in "([0-9]{1,3}\\.){3}[0-9]{1,3}[ -~]{1,9}|[0-9.]{0,18}[ -~]{0,4}|(1?[0-9]{1,2}[.]){2,5}[0-9]{0,4}[-_a :é]{9}",
        ) {
            prop_assert_eq!(four(text.as_bytes(), 0), plain_four(text.as_bytes(), 0));
        }
    }

    fn v4(text: &str, spelled: &str, address: &str) {
        let expected = vec![(spelled.to_owned(), What::Address(address.parse().unwrap()))];
        assert_eq!(found(text, Place::Text), expected, "{text}");
    }

    #[test]
    fn plain_padded_octal_and_hexadecimal_parts_are_read() {
        v4("203.0.113.7", "203.0.113.7", "203.0.113.7");
        v4("(203.0.113.7).", "203.0.113.7", "203.0.113.7");
        v4("010.001.002.003", "010.001.002.003", "10.1.2.3");
        v4("0313.0.0161.07", "0313.0.0161.07", "203.0.113.7");
        v4("0xcb.0x00.0x71.0x07", "0xcb.0x00.0x71.0x07", "203.0.113.7");
        v4("203.0.113.7.51234", "203.0.113.7.51234", "203.0.113.7");
        v4("203.0.113.7:443,", "203.0.113.7:443", "203.0.113.7");
    }

    #[test]
    fn names_that_spell_an_address_go_whole() {
        for name in [
            "203-0-113-7.dialup.example",
            "host_203_0_113_7",
            "7.113.0.203.in-addr.arpa",
            "ip203.0.113.7x",
            "1.3.6.1.4.1.311",
            "2001-db8--7.ipv6.example",
            "2001-db8-0-0-0-0-0-7",
            "b.a.9.8.ip6.arpa",
        ] {
            assert_eq!(found(name, Place::Text), [(name.to_owned(), What::HostName)], "{name}");
        }
    }

    #[test]
    fn eight_hexadecimal_digits_in_the_name_of_a_line_are_an_address() {
        for name in [
            "p51A722DB.dip0.isp.example",
            "ip51a722db.isp.example",
            "51a722db.dyn.isp.example",
            "dsl-51a722db.isp.example",
            "x-51a722db.dhcp.isp.example.",
        ] {
            let bare = name.trim_end_matches('.');
            assert_eq!(found(name, Place::Text), [(bare.to_owned(), What::HostName)], "{name}");
        }
        for text in [
            "app.51a722db.js",
            "chunk51a722db.min.js",
            "51a722db.cdn.example.net",
            "api-51a722db.default.svc",
            "feedbeef.dyn.example.net",
            "p51a722db.example",
            "log20261121.tar.gz",
            "build-20261121.static.example.json",
        ] {
            assert_eq!(found(text, Place::Text), [], "{text}");
        }
    }

    #[test]
    fn a_letter_for_version_makes_four_parts_a_version() {
        for text in ["v1.2.3.4", "V1.2.3.4,", "upgraded (v1.2.3.4)"] {
            assert!(found(text, Place::Text).is_empty(), "{text}");
        }
        for text in [
            "v1.2.3.4.example.net",
            "vm1.2.3.4",
            "v-1.2.3.4",
            "v1.2.3.4-5.6.7.8",
            "w1.2.3.4",
            "v1-2-3-4",
            "v203.0.113.7",
            "v1.2.3.30",
        ] {
            assert!(!found(text, Place::Text).is_empty(), "{text}");
        }
        assert!(!found("v1.2.3.4", Place::Host).is_empty());
    }

    #[test]
    fn no_port_of_a_name_that_spells_an_address_stays() {
        let name = |text: &str| found(text, Place::Text).remove(0).0;
        assert_eq!(name("203-0-113-7.isp.example:51234 x"), "203-0-113-7.isp.example:51234");
        assert_eq!(name("a [203-0-113-7.isp.example]:51234"), "[203-0-113-7.isp.example]:51234");
        assert_eq!(name("a [203-0-113-7.isp.example] b"), "203-0-113-7.isp.example");
    }

    #[test]
    fn a_colour_is_no_part_of_the_address_behind_it() {
        for text in [
            "\x1b[31m203.0.113.7\x1b[0m",
            "\x1b[1;32m203.0.113.7 x",
            "#033[31m203.0.113.7#033[0m",
            r"\x1b[0;31m203.0.113.7\x1b[0m",
        ] {
            v4(text, "203.0.113.7", "203.0.113.7");
        }
        assert_eq!(found("a[31m203.0.113.7", Place::Text)[0].1, What::HostName);
    }

    #[test]
    fn lists_give_one_address_each() {
        assert_eq!(found("192.0.2.1,192.0.2.2-192.0.2.3", Place::Text).len(), 3);
    }

    #[test]
    fn dates_and_versions_of_three_parts_are_left() {
        for text in [
            "2026-11-21-10-05-03",
            "2026_11_21_10_05_03",
            "shot_2026-11-21-10-05-03-123",
            "1.2.3",
            "300.1.2.3",
            "feed--2024",
        ] {
            assert_eq!(found(text, Place::Text), [], "{text}");
        }
    }
}
