//! IPv6 addresses: what stands around colons, read by the standard library; ports, brackets, zones and lists around them.

use super::{Hit, Known};
use std::net::{IpAddr, Ipv6Addr};

/// The longest text of an address, with an IPv4 address at its end.
const LONGEST: usize = 45;

pub(super) fn find(text: &[u8], known: &Known, hits: &mut Vec<Hit>) {
    let mut done = 0;
    while let Some(colon) = text[done..].iter().position(|&byte| byte == b':').map(|at| done + at) {
        let front =
            text[done..colon].iter().rev().take_while(|byte| byte.is_ascii_hexdigit() || **byte == b'.').count();
        let start = colon - front;
        let end = text[colon..].iter().position(|byte| !is_part(*byte)).map_or(text.len(), |length| colon + length);
        run(text, start, end, known, hits);
        done = end;
    }
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')
}

/// Reads one run of hexadecimal digits, colons and dots, from left to right.
fn run(text: &[u8], start: usize, end: usize, known: &Known, hits: &mut Vec<Hit>) {
    let colons = text[start..end].iter().filter(|&&byte| byte == b':').count();
    if colons < 2 {
        return;
    }
    let mut at = start;
    while at < end {
        match address(text, at, end) {
            Some((stop, address)) => {
                if let Some(kind) = known.address(IpAddr::V6(address)) {
                    hits.push(Hit { kind, start: at, end: stop + zone(text, stop) });
                }
                at = stop;
            }
            // The next place where an address can begin is behind a colon.
            None => at += text[at..end].iter().position(|&byte| byte == b':').map_or(end - at, |colon| colon + 1),
        }
    }
}

/// The longest address that begins at `at`.
fn address(text: &[u8], at: usize, end: usize) -> Option<(usize, Ipv6Addr)> {
    let word_before = at > 0 && (text[at - 1].is_ascii_alphanumeric() || text[at - 1] == b'_');
    // `std::vec`, `a::b`: what stands right behind a word is its scope.
    let scope = at > 0 && text[at - 1] == b':' && text[at..].starts_with(b":") && !text[at..].starts_with(b"::");
    if word_before || scope {
        return None;
    }
    let reach = end.min(at + LONGEST);
    let mut stop = reach;
    // A port or the end of a sentence may follow: cut group by group.
    for _ in 0..4 {
        let candidate = &text[at..stop];
        let touches = text.get(stop).is_some_and(|&byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !touches
            && candidate.len() > 1
            && let Some(address) = std::str::from_utf8(candidate).ok().and_then(|text| text.parse::<Ipv6Addr>().ok())
            && is_meant(text, at, stop)
        {
            return Some((stop, address));
        }
        stop = at + candidate.iter().rposition(|byte| matches!(byte, b':' | b'.'))?;
    }
    None
}

/// Two words of letters between colons are a scope, unless brackets or a zone say otherwise.
fn is_meant(text: &[u8], start: usize, end: usize) -> bool {
    let body = &text[start..end];
    let groups = body.split(|&byte| byte == b':').filter(|group| !group.is_empty()).count();
    let bracketed = start > 0 && text[start - 1] == b'[' && matches!(text.get(end), Some(b']' | b'%'));
    groups > 2 || bracketed || body.iter().any(u8::is_ascii_digit)
}

/// How long the zone behind an address is.
fn zone(text: &[u8], at: usize) -> usize {
    match text.get(at) {
        Some(b'%') => 1 + text[at + 1..].iter().take(32).take_while(|byte| byte.is_ascii_alphanumeric()).count(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let mut hits = Vec::new();
        find(text.as_bytes(), &Known::default(), &mut hits);
        hits.iter().map(|hit| text[hit.start..hit.end].to_owned()).collect()
    }

    #[test]
    fn every_spelling_is_found() {
        for text in [
            "2001:db8::7",
            "2001:DB8:0:0:0:0:0:7",
            "2001:0db8:0000:0000:0000:0000:0000:0007",
            "::ffff:203.0.113.7",
            "fe80::1ff:fe23:4567:890a%eth0",
            "64:ff9b::203.0.113.7",
        ] {
            for (before, after) in [
                ("", ""),
                ("[", "]:443"),
                ("client:", ", x"),
                ("=", "&"),
                ("\"", "\""),
                ("", "."),
                ("from ", " port 22"),
            ] {
                assert_eq!(found(&format!("{before}{text}{after}")), [text], "{before} {after}");
            }
        }
        assert_eq!(found("2001:db8::1,2001:db8::2"), ["2001:db8::1", "2001:db8::2"]);
        assert_eq!(found("2001:db8:0:0:0:0:0:1:443"), ["2001:db8:0:0:0:0:0:1"]);
        assert_eq!(found("2001:db8::1.443"), ["2001:db8::1"]);
        assert_eq!(found("[dead::beef]:80"), ["dead::beef"]);
    }

    #[test]
    fn scopes_times_and_hardware_addresses_are_none() {
        for text in [
            "std::vec",
            "Foo::Bar::baz",
            "a::b",
            "ABC::DEF",
            "10:11:12",
            "21/Nov/2026:10:00:00 +0100",
            "aa:bb:cc:dd:ee:ff",
            "x::1",
            "::",
            "$1::int4",
            "''::date",
        ] {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn a_mebibyte_of_colons_ends_soon() {
        for piece in [":", "1:", "::", "1:2:", "f.:"] {
            let text = piece.repeat(1 << 18);
            let mut hits = Vec::new();
            find(text.as_bytes(), &Known::default(), &mut hits);
        }
    }
}
