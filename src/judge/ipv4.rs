//! IPv4 addresses: four numbers between dots, decimal, octal or hexadecimal; one number where a host stands.
//!
//! A four-part number behind `Product/` or `version`, or between a file's name and its extension, is a version.

use super::{
    Hit, Known,
    text::{is_file_ending, pattern},
};
use regex::bytes::Regex;
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::LazyLock,
};

static DOTTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?-u)(?:0[xX][0-9A-Fa-f]{1,2}|[0-9]{1,4})(?:\.(?:0[xX][0-9A-Fa-f]{1,2}|[0-9]{1,5})){3,}")
});
static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?-u)(?:://|@)(?:[^\s/?#@]*@)?(0[xX][0-9A-Fa-f]{8}|0[0-7]{10,11}|[0-9]{8,10})(?:[:/?#\x22'\s,;)\]>]|$)")
});
static COMMAS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i-u)(?:\bport[^0-9a-z]{1,4}|\bpassive mode[^0-9a-z]{1,4}|\b227[ -][^0-9\n]{0,40})([0-9]{1,3}(?:, ?[0-9]{1,3}){3}), ?[0-9]{1,3}, ?[0-9]{1,3}(?:[^0-9a-z,]|,[^0-9]|,?$)",
    )
});
static PRODUCT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?-u)(?:^|[\s\x22'(;,\[+])([A-Za-z][A-Za-z0-9 ._!-]{0,39})/[vV]?$"));
static VERSION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i-u)(?:\brv:|\bver(?:sion)?[\s\x22':=/_-]{1,4}v?|(?:^|[^a-z0-9])v[=:]?|\bbuild[ /:=]|\b(?:linux|android|darwin|brew|windows|kernel|firmware|browser|midp|tizen|bada) |\boid[ =:])$",
    )
});
static HOSTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i-u)^(?:client|ip|ipv4|host|hostname|localhost|addr|address|server|from|peer|user|remote|src|dst|source|dest|upstream|tcp|udp|via|to|by)$",
    )
});
static LETTERS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i-u)(?:^|[^a-z])(?:ip|ipv4|addr|host|from|client|ppp|dsl|dyn|pool|n|t|r)$"));

pub(super) fn find(text: &[u8], known: &Known, hits: &mut Vec<Hit>) {
    // Most lines of most logs hold three dots; what has none is spared the machine.
    for found in DOTTED.find_iter(text) {
        if let Some(length) = dotted(text, found.start(), found.as_bytes())
            && let Some(address) = parse(&found.as_bytes()[..length])
            && let Some(kind) = known.address(IpAddr::V4(address))
        {
            hits.push(Hit { kind, start: found.start(), end: found.start() + length });
        }
    }
    // FTP's commands and answers.
    for found in COMMAS.captures_iter(text) {
        let numbers = found.get(1).expect("the numbers");
        let mut octets = [0; 4];
        let read = octets.iter_mut().zip(numbers.as_bytes().split(|&byte| byte == b',')).all(|(octet, part)| {
            let value = radix(part.trim_ascii_start(), 10).and_then(|value| u8::try_from(value).ok());
            *octet = value.unwrap_or(0);
            value.is_some()
        });
        if read && let Some(kind) = known.address(IpAddr::V4(octets.into())) {
            hits.push(Hit { kind, start: numbers.start(), end: numbers.end() });
        }
    }
    for found in NUMBER.captures_iter(text) {
        let number = found.get(1).expect("the number");
        let value = match number.as_bytes() {
            [b'0', b'x' | b'X', hex @ ..] => radix(hex, 16),
            [b'0', octal @ ..] => radix(octal, 8),
            decimal => radix(decimal, 10),
        };
        if let Some(value) = value.and_then(|value| u32::try_from(value).ok())
            && value > 0x00ff_ffff
            && let Some(kind) = known.address(IpAddr::V4(value.into()))
        {
            hits.push(Hit { kind, start: number.start(), end: number.end() });
        }
    }
}

/// How much of the run of dotted numbers at `start` is an address, if it is none of the harmless things.
fn dotted(text: &[u8], start: usize, run: &[u8]) -> Option<usize> {
    let parts: Vec<&[u8]> = run.split(|&byte| byte == b'.').collect();
    let length = parts[..4].iter().map(|part| part.len() + 1).sum::<usize>() - 1;
    let before = start.checked_sub(1).map(|at| text[at]);
    if before.is_some_and(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // A fifth number may be a port, as tcpdump writes it; more numbers are an object's or a version.
    match parts.len() {
        4 => {}
        5 if !is_object(&parts) => {}
        _ => return None,
    }
    if before.is_some_and(|byte| byte.is_ascii_alphabetic()) && !LETTERS.is_match(&text[start.saturating_sub(8)..start])
    {
        return None;
    }
    let end = start + run.len();
    if text.get(end).is_some_and(u8::is_ascii_digit) || is_version(text, start, end) {
        return None;
    }
    Some(length)
}

/// Whether the numbers begin as object identifiers do.
fn is_object(parts: &[&[u8]]) -> bool {
    matches!(
        parts,
        [b"1", b"3", b"6", ..] | [b"2", b"5", ..] | [b"1", b"2", b"840", ..] | [b"0", b"9", ..] | [b"2", b"16", ..]
    )
}

fn is_version(text: &[u8], start: usize, end: usize) -> bool {
    let before = &text[start.saturating_sub(64)..start];
    if before.ends_with(b"/") && is_inside_an_agent(text, start) {
        return true;
    }
    if let Some(product) = PRODUCT.captures(before) {
        // `peer host/192.0.2.7` is how Java prints an address.
        let name = product[1].rsplit(|&byte| byte == b' ').next().unwrap_or_default();
        if !HOSTS.is_match(name) {
            return true;
        }
    }
    if VERSION.is_match(before) {
        return true;
    }
    // The end of a prerelease, or a file's ending with a name in front.
    if [&b"rc"[..], b"beta", b"alpha", b"-beta", b"-alpha", b"-rc", b"-SNAPSHOT", b"-RELEASE"]
        .iter()
        .any(|word| text[end..].starts_with(word))
    {
        return true;
    }
    let named = match before {
        [.., name, b'-' | b'_' | b'.'] | [.., name, b'-' | b'_' | b'.', b'v' | b'V'] | [.., name, b'v' | b'V'] => {
            name.is_ascii_alphanumeric()
        }
        _ => false,
    };
    named && ends_as_a_file(&text[end..])
}

/// Whether `Mozilla/` stands before in the same quotes: then every `name/1.2.3.4` is a part of the agent.
fn is_inside_an_agent(text: &[u8], at: usize) -> bool {
    let before = &text[at.saturating_sub(512)..at];
    let quoted = before.rsplit(|&byte| byte == b'"').next().unwrap_or_default();
    let name =
        before[..before.len() - 1].iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_');
    let letters = name.clone().any(u8::is_ascii_alphabetic);
    letters && quoted.windows(8).any(|window| window == b"Mozilla/")
}

/// Whether a dot and the ending of a file's name follow, after at most two further words (`.min.js`).
fn ends_as_a_file(after: &[u8]) -> bool {
    let Some(rest) = after.strip_prefix(b".").or_else(|| after.strip_prefix(b"-")) else { return false };
    let length = rest.iter().position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'.')).unwrap_or(rest.len());
    rest[..length].split(|&byte| byte == b'.').next_back().is_some_and(is_file_ending)
}

fn parse(dotted: &[u8]) -> Option<Ipv4Addr> {
    let parts: Vec<&[u8]> = dotted.split(|&byte| byte == b'.').collect();
    // Where one number is written as octal with all its zeros, all are.
    let octal = parts.iter().all(|part| part.starts_with(b"0")) && parts.iter().any(|part| part.len() == 4);
    let mut octets = [0; 4];
    for (octet, part) in octets.iter_mut().zip(&parts) {
        let value = match part {
            [b'0', b'x' | b'X', hex @ ..] => radix(hex, 16)?,
            part if octal => radix(part, 8)?,
            part => radix(part, 10)?,
        };
        *octet = u8::try_from(value).ok()?;
    }
    Some(octets.into())
}

fn radix(digits: &[u8], radix: u32) -> Option<u64> {
    digits.iter().try_fold(0u64, |sum, &byte| {
        sum.checked_mul(u64::from(radix))?.checked_add(u64::from(char::from(byte).to_digit(radix)?))
    })
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
    fn dotted_fours_are_found_wherever_they_touch() {
        for text in [
            "203.0.113.77",
            "a=203.0.113.77;b",
            "[203.0.113.77]:80",
            "203.0.113.77:8080",
            "/user/203.0.113.77/x",
            "203.0.113.77.",
            "203.0.113.77.443 >",
            "host.203.0.113.77.example.net",
            "203.0.113.77/32",
            "localhost/203.0.113.77:50010",
            "ip203.0.113.77",
            "from_203.0.113.77_to",
            "\\n203.0.113.77",
            "203.0.113.77and more",
        ] {
            assert_eq!(found(text), ["203.0.113.77"], "{text}");
        }
        assert_eq!(found("192.0.2.1,198.51.100.2"), ["192.0.2.1", "198.51.100.2"]);
        assert_eq!(found("0xcb.0x00.0x71.0x4d"), ["0xcb.0x00.0x71.0x4d"]);
        assert_eq!(found("0313.0000.0161.0115"), ["0313.0000.0161.0115"]);
        assert_eq!(
            found("http://3405803853/ http://0xCB00714D:80/ http://u:p@031300070515/"),
            ["3405803853", "0xCB00714D", "031300070515"]
        );
    }

    #[test]
    fn addresses_with_commas_are_found_behind_a_command_alone() {
        for text in ["PORT 203,0,113,77,195,149", "227 Entering Passive Mode (203,0,113,77,195,149)."] {
            assert_eq!(found(text), ["203,0,113,77"], "{text}");
        }
        assert_eq!(found("x 203,0,113,77,195,149"), Vec::<String>::new());
    }

    #[test]
    fn versions_objects_and_larger_numbers_are_none() {
        for text in [
            "Chrome/139.0.0.1",
            "\"Opera/9.80.1.1 (X11)",
            "rv:1.9.2.3",
            "version 1.2.3.4",
            "v=1.2.3.4",
            "/lib-1.128.1.7.js",
            "/x/name_v1.2.3.4.min.css",
            "foo-1.2.3.4.tar.gz",
            "1.3.6.1.4.1.311",
            "1.3.6.1.4",
            "256.1.2.3",
            "2026.11.21.10",
            "1.2.3",
            "v1.2.3.4",
            "1.2.3.4rc1",
            "\"Mozilla/5.0 (Linux) UCBrowser/8.3.0.143/145/352\"",
            "Linux 2.6.8.1; X11",
        ] {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }
}
