//! What colons join: IPv6 addresses in every length, and hardware addresses (`00:1b:44:11:3a:b7`).
//!
//! Read by runs of hexadecimal digits, colons and dots, each once and from left to right, as chains of groups.

use super::{
    Finding, Kinds, What,
    bytes::{ALNUM, COLON, DIGIT, HEX, is, is_at, is_before, nibble, run_end, run_start},
    surround::{Family, surround},
};
use std::net::{IpAddr, Ipv6Addr};

/// Reads the run that holds `at`, adds what it finds, and says where the run ends. Nothing before `floor` is part of it.
pub(super) fn run(text: &[u8], at: usize, floor: usize, kinds: Kinds, found: &mut Vec<Finding>) -> usize {
    if !is_at(text, at, COLON) {
        return at;
    }
    // What begins the text needs no look back.
    let begins = floor == 0 && at < 20;
    let start =
        if begins && kinds.has(Kinds::IP) && is_at(text, 0, HEX) { 0 } else { run_start(text, at, floor, COLON) };
    if kinds.has(Kinds::IP)
        && let Some(chain) = Chain::plain(text, start)
        && chain.end > at
    {
        let finding = Finding::new(chain.start, chain.end, What::Address(chain.address()));
        found.push(surround(text, finding, Family::Six));
        return chain.end;
    }
    let start = run_start(text, at, floor, COLON);
    let end = run_end(text, at, COLON);
    let mut at = start;
    let mut address_end = None;
    while at < end {
        let mut chain = Chain::read(text, at, end);
        // `2001:db8::7::9`: what goes on where an address ended is a part of it.
        chain.goes_on = address_end == Some(chain.start);
        address_end = None;
        match chain.hardware(text) {
            Some(finding) if kinds.has(Kinds::MAC) => found.push(finding),
            _ => {
                if let Some(finding) = chain.finding(text, kinds) {
                    address_end = Some(finding.span.end as usize);
                    found.push(finding);
                }
            }
        }
        debug_assert!(chain.next > at);
        at = chain.next;
    }
    end
}

/// Groups of up to four hexadecimal digits with colons between them, one `::` at most, perhaps with an IPv4 tail.
#[derive(Debug, Default)]
struct Chain {
    start: usize,
    end: usize,
    /// Where the next chain can start.
    next: usize,
    /// How many groups, and the first eight of them; a tail counts as two.
    groups: usize,
    values: [u16; 8],
    /// How many groups stand in front of the `::`.
    gap: Option<usize>,
    tail: bool,
    /// Whether every group has one or two digits, and one of them two.
    pairs: bool,
    any_pair: bool,
    digits: usize,
    /// How many digits of a port stand behind the last group, with a colon between: more than a group can have.
    port: usize,
    /// Whether an address ends where it starts.
    goes_on: bool,
}

impl Chain {
    /// The common case, which [`Chain::read`] would read as well: all that stands at `start` up to what can be part of no
    /// address is one in its usual form, and neither a hardware address nor part of a word.
    #[inline]
    fn plain(text: &[u8], start: usize) -> Option<Chain> {
        if is_before(text, start, ALNUM | COLON) || is_before_underscore(text, start) {
            return None;
        }
        let mut chain = Chain { start, ..Chain::default() };
        let (mut at, mut wide) = (start, false);
        loop {
            let group = at;
            let mut value = 0;
            while at - group < 5
                && let Some(digit) = text.get(at).copied().and_then(nibble)
            {
                value = value << 4 | u16::from(digit);
                at += 1;
            }
            let width = at - group;
            if !(1..=4).contains(&width) {
                return None;
            }
            *chain.values.get_mut(chain.groups)? = value;
            chain.groups += 1;
            wide |= width > 2;
            if text.get(at) != Some(&b':') {
                break;
            }
            at += 1;
            if text.get(at) == Some(&b':') {
                if chain.gap.is_some() {
                    return None;
                }
                chain.gap = Some(chain.groups);
                at += 1;
                if !is_at(text, at, HEX) {
                    break;
                }
            }
        }
        chain.end = at;
        let whole = match chain.gap {
            Some(_) => chain.groups < 8,
            None => chain.groups == 8 && wide,
        };
        (whole && !is_at(text, at, ALNUM | COLON) && text.get(at) != Some(&b'_')).then_some(chain)
    }

    fn read(text: &[u8], from: usize, end: usize) -> Chain {
        let mut chain = Chain { pairs: true, ..Chain::default() };
        let mut at = from;
        let colons = |at: usize| text[at..end].iter().take_while(|&&b| b == b':').count();
        // What stands in front of the first group.
        match colons(at) {
            0 => {}
            2 => chain.gap = Some(0),
            n if n > 2 && is_at(text, at + n, HEX) => {
                at += n - 2;
                chain.gap = Some(0);
            }
            n => {
                chain.next = at + n;
                return chain;
            }
        }
        if chain.gap.is_none() && !is(text[at], HEX) {
            chain.next = at + 1;
            return chain;
        }
        chain.start = at;
        if chain.gap.is_some() {
            at += 2;
        }
        chain.end = at;
        loop {
            let group = at;
            at = run_end(&text[..end], group, HEX);
            if at < end
                && text[at] == b'.'
                && (chain.gap.is_some() || chain.groups >= 6)
                && let Some((octets, tail_end)) = tail(&text[..end], group)
            {
                chain.push(u16::from_be_bytes([octets[0], octets[1]]), 0);
                chain.push(u16::from_be_bytes([octets[2], octets[3]]), 0);
                chain.tail = true;
                (chain.end, chain.next) = (tail_end, tail_end);
                return chain;
            }
            let digits = &text[group..at];
            if digits.len() > 4 {
                // Run together with what stands before or behind it: the four next to the colon belong to the address.
                if chain.groups == 0 && chain.gap.is_none() {
                    chain.start = at - 4;
                    chain.group(&text[at - 4..at]);
                } else if digits.len() == 5
                    && chain.gap.map_or(chain.groups == 8, |gap| chain.groups > gap)
                    && digits.iter().all(|&b| is(b, DIGIT))
                    && !is_at(text, at, ALNUM)
                    && !is_at(text, at, COLON)
                {
                    // Apache writes `[client 2001:db8::7:51234]`.
                    (chain.port, chain.next) = (digits.len(), at);
                    return chain;
                } else {
                    chain.group(&digits[..4]);
                    chain.end = group + 4;
                    chain.next = (at - 4).max(chain.end);
                    // A fifth digit and no more is a slip: it goes with the rest, or it would be read as the next address.
                    let stop = matches!(text.get(at), Some(b':' | b'.')) && !is_at(text, at + 1, ALNUM | COLON);
                    if digits.len() == 5 && (stop || !is_at(text, at, ALNUM | COLON)) {
                        (chain.port, chain.next) = (1, at);
                    }
                    return chain;
                }
            } else if !digits.is_empty() {
                chain.group(digits);
            }
            chain.end = at;
            match colons(at) {
                1 if is_at(text, at + 1, HEX) => at += 1,
                2 if chain.gap.is_none() => {
                    chain.gap = Some(chain.groups);
                    at += 2;
                    chain.end = at;
                    if !is_at(text, at, HEX) {
                        chain.next = at;
                        return chain;
                    }
                }
                _ => {
                    chain.next = at.max(from + 1);
                    return chain;
                }
            }
        }
    }

    fn group(&mut self, digits: &[u8]) {
        let value = digits.iter().fold(0, |value, &b| (value << 4) | u16::from(nibble(b).unwrap_or(0)));
        self.digits += digits.iter().filter(|&&b| is(b, DIGIT)).count();
        self.push(value, digits.len());
    }

    fn push(&mut self, value: u16, width: usize) {
        if let Some(slot) = self.values.get_mut(self.groups) {
            *slot = value;
        }
        self.groups += 1;
        self.pairs &= width == 1 || width == 2;
        self.any_pair |= width == 2;
    }

    /// A hardware address: six groups of two digits (or, all alone, of one or two), something on either side
    /// (`mac:00:1b:…`, `//00:1b:…:80`), or a frame's header with two of them and a type.
    fn hardware(&self, text: &[u8]) -> Option<Finding> {
        if self.gap.is_some() || self.groups < 6 {
            return None;
        }
        if self.groups == 6 && self.pairs && self.any_pair {
            return Some(Finding::new(self.start, self.end, What::Mac));
        }
        let (mut start, mut end, mut pairs, mut at) = (self.start, self.start, 0, self.start);
        // Of `mac:00:1b:…` the first group is a piece of a word.
        let piece = is_before(text, self.start, ALNUM) && self.groups > 6;
        for group in text[self.start..self.end].split(|&b| b == b':') {
            let wide = group.len() == 2 && !(piece && at == self.start);
            if !wide && pairs >= 6 {
                break;
            }
            (pairs, start) = if wide { (pairs + 1, start) } else { (0, at + group.len() + 1) };
            at += group.len();
            end = at;
            at += 1;
        }
        // Eight groups may be an IPv6 address, but not one in the form that is written if all are so short.
        let whole = self.groups < 8 || self.pairs;
        (whole && pairs >= 6).then(|| Finding::new(start, end, What::Mac))
    }

    fn finding(&self, text: &[u8], kinds: Kinds) -> Option<Finding> {
        if !kinds.has(Kinds::IP) || !self.is_address(text) {
            return None;
        }
        let finding = Finding::new(self.start, self.end, What::Address(self.address()));
        if self.port > 0 {
            let end = self.end + self.port + usize::from(text.get(self.end) == Some(&b':'));
            return Some(Finding { span: crate::record::Span::new(self.start, end), ..finding });
        }
        // A stop and a number is how some programs write a port.
        if text.get(self.end) == Some(&b'.') && is_at(text, self.end + 1, DIGIT) && !self.tail {
            let port = run_end(&text[..text.len().min(self.end + 7)], self.end + 1, DIGIT);
            if !is_at(text, port, ALNUM) {
                return Some(Finding { span: crate::record::Span::new(self.start, port), ..finding });
            }
        }
        Some(surround(text, finding, Family::Six))
    }

    fn is_address(&self, text: &[u8]) -> bool {
        let Some(gap) = self.gap else { return self.groups >= 8 };
        if self.tail || self.groups >= 8 {
            return true;
        }
        // Words run into it on one side or both: `cafe::Server`, `Base64::Decode`, but also `addr2001:db8::7`.
        let left = is_before(text, self.start, ALNUM) || is_before_underscore(text, self.start);
        let right = is_at(text, self.end, ALNUM) || text.get(self.end) == Some(&b'_');
        let touched_group = left && gap > 0 && !is(text[self.start], DIGIT);
        match (left || right, self.groups - usize::from(touched_group)) {
            (_, 0) => false,
            (false, _) => true,
            (true, _) if self.goes_on => true,
            (true, groups) => groups >= 3 || groups == 2 && self.digits >= 2,
        }
    }

    fn address(&self) -> IpAddr {
        let mut values = self.values;
        if let Some(gap) = self.gap {
            let behind = self.groups.min(8) - gap.min(self.groups.min(8));
            let gap = gap.min(8);
            values = [0; 8];
            values[..gap].copy_from_slice(&self.values[..gap]);
            values[8 - behind..].copy_from_slice(&self.values[gap..gap + behind]);
        }
        let address = Ipv6Addr::from(values);
        address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4)
    }
}

fn is_before_underscore(text: &[u8], at: usize) -> bool {
    at > 0 && text[at - 1] == b'_'
}

/// The dotted four that starts at `at`, and where it ends.
fn tail(text: &[u8], at: usize) -> Option<([u8; 4], usize)> {
    let mut octets = [0; 4];
    let mut at = at;
    for (i, octet) in octets.iter_mut().enumerate() {
        if i > 0 {
            if text.get(at) != Some(&b'.') {
                return None;
            }
            at += 1;
        }
        let end = run_end(&text[..text.len().min(at + 4)], at, DIGIT);
        if end == at || end > at + 3 {
            return None;
        }
        let value = text[at..end].iter().fold(0u32, |value, &b| value * 10 + u32::from(b - b'0'));
        *octet = u8::try_from(value).ok()?;
        at = end;
    }
    (!is_at(text, at, HEX)).then_some((octets, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&str, What)> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < text.len() {
            at = run(text.as_bytes(), at, at, Kinds::ALL, &mut found).max(at) + 1;
        }
        found.iter().map(|f| (std::str::from_utf8(f.span.of(text.as_bytes())).unwrap(), f.what)).collect()
    }

    #[test]
    fn addresses_of_every_length_are_found() {
        for (text, spelled, address) in [
            ("2001:db8::7", "2001:db8::7", "2001:db8::7"),
            ("(2001:DB8:0:0:0:0:0:7)", "2001:DB8:0:0:0:0:0:7", "2001:db8::7"),
            ("ip:2001:db8::7:", "2001:db8::7", "2001:db8::7"),
            ("2001:db8::7.", "2001:db8::7", "2001:db8::7"),
            ("2001:db8::7.443 x", "2001:db8::7.443", "2001:db8::7"),
            ("http://[2001:db8::7]:443/", "[2001:db8::7]:443", "2001:db8::7"),
            ("unknown[2001:db8::7]", "2001:db8::7", "2001:db8::7"),
            ("fe80::7%eth0 up", "fe80::7%eth0", "fe80::7"),
            ("::ffff:203.0.113.7", "::ffff:203.0.113.7", "203.0.113.7"),
            ("::1", "::1", "::1"),
            ("1::", "1::", "1::"),
            ("64:ff9b::203.0.113.7", "64:ff9b::203.0.113.7", "64:ff9b::cb00:7107"),
            ("addr2001:db8::7", "2001:db8::7", "2001:db8::7"),
            ("2001:db8::7port", "2001:db8::7", "2001:db8::7"),
        ] {
            assert_eq!(found(text), [(spelled, What::Address(address.parse().unwrap()))], "{text}");
        }
    }

    #[test]
    fn hardware_addresses_are_told_from_ipv6() {
        assert_eq!(found("00:1b:44:11:3A:b7"), [("00:1b:44:11:3A:b7", What::Mac)]);
        for (text, spelled) in [
            ("mac:00:1b:44:11:3A:b7 x", "00:1b:44:11:3A:b7"),
            ("//00:1b:44:11:3A:b7:80/", "00:1b:44:11:3A:b7:80"),
            ("b:00:1b:44:11:3A:b7 x", "00:1b:44:11:3A:b7"),
            ("00:1b:44:11:3A:b7:443", "00:1b:44:11:3A:b7"),
            ("iface:00:1b:44:11:3A:b7", "00:1b:44:11:3A:b7"),
            ("00:1b:44:11:3A:b7:00:01", "00:1b:44:11:3A:b7:00:01"),
            ("=00:1b:44:11:3A:b7:00:1b:44:11:3A:b8:08:00 ", "00:1b:44:11:3A:b7:00:1b:44:11:3A:b8:08:00"),
        ] {
            assert_eq!(found(text), [(spelled, What::Mac)], "{text}");
        }
        for text in ["2001:db8:10:11:12:13:14:15", "1:2:3:4:5:6:7:8", "2001:db8::10:11:12:13:14:15"] {
            assert!(matches!(found(text)[..], [(_, What::Address(_))]), "{text}");
        }
        assert_eq!(found("1:22:3:44:5:66:7"), []);
    }

    #[test]
    fn a_second_gap_and_a_bare_port_leave_nothing() {
        assert_eq!(
            found("2001:db8::7:2001:db8::9@").iter().map(|f| f.0).collect::<String>(),
            "2001:db8::7:2001:db8::9"
        );
        let address = What::Address("2001:db8::7".parse().unwrap());
        assert_eq!(found("[client 2001:db8::7:51234] x"), [("2001:db8::7:51234", address)]);
    }

    #[test]
    fn times_and_scopes_are_neither() {
        for text in [
            "10:05:03",
            "10/Oct/2000:13:55:36",
            "std::vec",
            "Foo::Bar",
            "::",
            "cafe::Server",
            "Base64::Decode",
            "a:b:c",
            ":::",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }
}
