//! Addresses in host names: `ec2-203-0-113-7.example.net`, `7.113.0.203.in-addr.arpa`, `host203000113007.example.net`,
//! `2001-db8--7.ipv6-literal.net`, `….ip6.arpa`. Dotted ones are found by `ipv4.rs`.

use super::{
    Hit, Kind, Known,
    text::{is_file_ending, pattern},
};
use regex::bytes::Regex;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::LazyLock,
};

static DASHED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?-u)([0-9]{1,3})[-_]([0-9]{1,3})[-_]([0-9]{1,3})[-_]([0-9]{1,3})"));
static LED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i-u)(?:^|[^a-z])(?:ip|ipv4|host|dyn|dynamic|dsl|adsl|vdsl|xdsl|client|pool|cable|ppp|dhcp|static|ec2|cpe|cust|customer|user|dialup|dial|broadband|mobile|vpn|addr|node|fiber|ftth|lte|wifi|catv|nat|net|unknown|remote)[-_.]?$",
    )
});
static PADDED: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?-u)[0-9]{12}"));
static HEX: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?-u)[0-9a-fA-F]{8}"));
static POOL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i-u)\b(?:dip[0-9]*|dyn|dynamic|dsl|adsl|pool|cable|dialup|dialin|t-ipconnect|broadband)\b")
});
static SIX: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?-u)([0-9A-Fa-f]{0,4}(?:-[0-9A-Fa-f]{0,4}){2,7})(?:s[0-9a-z]+)?\.ipv6-literal\.net"));
static EIGHT: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?-u)[0-9A-Fa-f]{1,4}(?:-[0-9A-Fa-f]{1,4}){7}"));
static NIBBLES: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i-u)((?:[0-9a-f]\.){13,32})ip6\.arpa"));

pub(super) fn find(text: &[u8], known: &Known, hits: &mut Vec<Hit>) {
    let mut push = |address: IpAddr, start: usize, end: usize| {
        if let Some(kind) = known.address(address) {
            hits.push(Hit { kind: if kind == Kind::TruncatedAddress { kind } else { of(address) }, start, end });
        }
    };
    let mut at = 0;
    while let Some(found) = DASHED.captures_at(text, at) {
        let whole = found.get(0).expect("the match");
        let (start, end) = (whole.start(), whole.end());
        let octets: Option<Vec<u8>> = (1..5).map(|i| std::str::from_utf8(&found[i]).ok()?.parse().ok()).collect();
        let led = || LED.is_match(&text[start.saturating_sub(16)..start]);
        match octets {
            Some(octets) if !digit_near(text, start, end) && (led() || is_host(text, end)) => {
                push(Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]).into(), start, end);
                at = end;
            }
            // `ec2-203-0-113-7`: the first number may belong to what stands in front.
            _ => at = start + found[1].len() + 1,
        }
    }
    for found in PADDED.find_iter(text) {
        let (start, end) = (found.start(), found.end());
        let octets: Option<Vec<u8>> =
            found.as_bytes().chunks(3).map(|part| std::str::from_utf8(part).ok()?.parse().ok()).collect();
        if let Some(octets) = octets
            && !digit_near(text, start, end)
            && (octets[0] > 0 && is_host(text, end))
        {
            push(Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]).into(), start, end);
        }
    }
    for found in HEX.find_iter(text) {
        let (start, end) = (found.start(), found.end());
        let alone = !start.checked_sub(1).is_some_and(|at| text[at].is_ascii_hexdigit());
        if alone && text.get(end) == Some(&b'.') && is_host(text, end) && POOL.is_match(label_run(text, end)) {
            let value = std::str::from_utf8(found.as_bytes()).ok().and_then(|hex| u32::from_str_radix(hex, 16).ok());
            if let Some(value) = value {
                push(Ipv4Addr::from(value).into(), start, end);
            }
        }
    }
    for found in SIX.captures_iter(text) {
        let body = found.get(1).expect("the address");
        let address = String::from_utf8_lossy(body.as_bytes()).replace('-', ":").parse::<Ipv6Addr>();
        if let Ok(address) = address {
            push(address.into(), body.start(), body.end());
        }
    }
    for found in EIGHT.find_iter(text) {
        let (start, end) = (found.start(), found.end());
        let joined = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
        let dashed = text.get(end) == Some(&b'-') && text.get(end + 1).is_some_and(u8::is_ascii_hexdigit);
        if joined(start.checked_sub(1).and_then(|at| text.get(at)))
            || joined(text.get(end))
            || dashed
            || !is_host(text, end)
        {
            continue;
        }
        if let Ok(address) = String::from_utf8_lossy(found.as_bytes()).replace('-', ":").parse::<Ipv6Addr>() {
            push(address.into(), start, end);
        }
    }
    for found in NIBBLES.captures_iter(text) {
        let body = found.get(1).expect("the nibbles");
        let nibbles: Vec<u32> = body.as_bytes().iter().filter_map(|&byte| char::from(byte).to_digit(16)).collect();
        let high = nibbles.iter().rev().fold(0u128, |sum, &nibble| sum << 4 | u128::from(nibble));
        let address = high << (128 - 4 * nibbles.len());
        push(Ipv6Addr::from(address).into(), body.start(), body.end());
    }
}

fn of(address: IpAddr) -> Kind {
    match address.to_canonical() {
        IpAddr::V4(_) => Kind::Ipv4,
        IpAddr::V6(_) => Kind::Ipv6,
    }
}

/// Whether the number goes on before or behind. What stands before a dash may be a word that ends in a digit (`ec2-`).
fn digit_near(text: &[u8], start: usize, end: usize) -> bool {
    let before = match &text[..start] {
        [.., b'0'..=b'9'] => true,
        [front @ .., b'-' | b'_'] => {
            let word = front.iter().rev().take(16).take_while(|byte| byte.is_ascii_alphanumeric());
            let letters = word.clone().any(u8::is_ascii_alphabetic);
            word.count() > 0 && !letters
        }
        _ => false,
    };
    before || matches!(&text[end..], [b'0'..=b'9', ..] | [b'-' | b'_', b'0'..=b'9', ..])
}

/// Whether a host name goes on at `at`: labels up to one of letters that ends no file.
fn is_host(text: &[u8], at: usize) -> bool {
    let run = label_run(text, at);
    let run = run.strip_suffix(b".").unwrap_or(run);
    let mut labels = run.split(|&byte| byte == b'.');
    let (first, last) = (labels.next(), labels.next_back());
    let first = first.unwrap_or_default();
    (first.is_empty() || matches!(first[0], b'-' | b'_') || first[0].is_ascii_alphanumeric())
        && last.is_some_and(|last| {
            last.len() > 1 && last.iter().all(u8::is_ascii_alphabetic) && !is_file_ending(last)
                || last.to_ascii_lowercase().starts_with(b"xn--")
        })
}

fn label_run(text: &[u8], at: usize) -> &[u8] {
    let length = text[at..]
        .iter()
        .take(253)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        .count();
    &text[at..at + length]
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
    fn names_of_lines_are_found() {
        for (text, want) in [
            ("ec2-203-0-113-7.eu-north-1.compute.example.com", "203-0-113-7"),
            ("203-0-113-7-static.dyn.example.no", "203-0-113-7"),
            ("ip_203_0_113_7", "203_0_113_7"),
            ("ip-203-0-113-7", "203-0-113-7"),
            ("p203000113007.dsl.example.no", "203000113007"),
            ("pCB007107.dip0.t-ipconnect.de", "CB007107"),
            ("2001-db8--7.ipv6-literal.net", "2001-db8--7"),
            ("2001-db8-0-0-0-0-0-7.example.net", "2001-db8-0-0-0-0-0-7"),
            (
                "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
                "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.",
            ),
        ] {
            assert_eq!(found(text), [want], "{text}");
        }
    }

    #[test]
    fn dates_ranges_and_files_are_none() {
        for text in [
            "2026-11-21-10",
            "1-2-3-4",
            "img-10-20-30-40.png",
            "20261121100000.example.net",
            "2026-11-21-10-00-00.example.net",
            "app-9f86d081.js",
            "deadbeef.example.net",
            "550e8400-e29b-41d4-a716-446655440000.example.net",
        ] {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }
}
