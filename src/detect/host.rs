//! Addresses written as numbers, where a host stands: `3405803783`, `0xCB007107`, `031300070407`, `203.28935`.

use super::{
    Finding, What,
    bytes::{ALNUM, DIGIT, HOST, is, is_at, nibble, run_end, run_start},
    surround::{Family, surround},
};
use std::net::{IpAddr, Ipv4Addr};

/// The address that starts at `at`, which must be a digit behind `//`, behind the name of an address and `=`, or a JSON
/// member's value behind such a name.
pub(super) fn at(text: &[u8], at: usize) -> Option<Finding> {
    if !is_at(text, at, DIGIT) || at < 2 || is_small(text, at) {
        return None;
    }
    match text[at - 1] {
        b'/' if text[at - 2] == b'/' => {}
        b'=' => {
            let name = &text[run_start(text, at - 1, (at - 1).saturating_sub(24), HOST)..at - 1];
            let word = name.rsplit(|&b| !is(b, ALNUM)).next()?;
            if !is_name(word) {
                return None;
            }
        }
        b' ' | b':' => {
            let name = text[..at].strip_suffix(b" ").unwrap_or(&text[..at]).strip_suffix(b"\":")?;
            let name = &name[run_start(name, name.len(), name.len().saturating_sub(24), HOST)..];
            if !is_name(name.rsplit(|&b| !is(b, ALNUM)).next()?) {
                return None;
            }
        }
        _ => return None,
    }
    whole(text, at)
}

/// Whether fewer than eight digits stand at `at`, and nothing behind them that a number could go on with: one so small is
/// no address. For a look before anything else is read; near the end of the text it says no.
#[inline]
fn is_small(text: &[u8], at: usize) -> bool {
    let Some(bytes) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) else { return false };
    let others = u64::from_le_bytes(*bytes) ^ 0x3030_3030_3030_3030;
    let others = (((others & 0x7f7f_7f7f_7f7f_7f7f) + 0x7676_7676_7676_7676) | others) & 0x8080_8080_8080_8080;
    let count = (others.trailing_zeros() / 8) as usize;
    bytes.get(count).is_some_and(|&byte| !matches!(byte, b'.' | b'x' | b'X'))
}

/// The address that starts at `at`, where the caller knows that a host stands.
pub(super) fn whole(text: &[u8], at: usize) -> Option<Finding> {
    let end = run_end(&text[..text.len().min(at + 48)], at, HOST);
    let stops = text[at..end].iter().rev().take_while(|&&b| b == b'.').count();
    let end = end - stops;
    let address = number(&text[at..end])?;
    Some(surround(text, Finding::new(at, end, What::Address(IpAddr::V4(address))), Family::Four))
}

/// Whether a number behind this name is an address.
fn is_name(word: &[u8]) -> bool {
    let mut lower = [0u8; 12];
    if !(2..=lower.len()).contains(&word.len()) {
        return false;
    }
    let lower = &mut lower[..word.len()];
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    matches!(
        &*lower,
        b"host"
            | b"hostname"
            | b"ip"
            | b"ipaddr"
            | b"ipaddress"
            | b"addr"
            | b"address"
            | b"client"
            | b"clientip"
            | b"remote"
            | b"peer"
            | b"server"
            | b"src"
            | b"dst"
            | b"source"
            | b"destination"
            | b"from"
            | b"rhost"
            | b"ipv4"
            | b"url"
            | b"proxy"
            | b"origin"
            | b"remoteip"
            | b"remoteaddr"
            | b"remotehost"
            | b"clientaddr"
            | b"peeraddr"
            | b"sourceip"
            | b"srcip"
            | b"dstip"
            | b"userip"
            | b"realip"
    )
}

/// One to three numbers as `inet_aton` reads them. Fours are read as words elsewhere.
fn number(text: &[u8]) -> Option<Ipv4Addr> {
    let mut parts = [0u64; 3];
    let mut count = 0;
    for part in text.split(|&b| b == b'.') {
        *parts.get_mut(count)? = match part {
            [b'0', b'x' | b'X', digits @ ..] if !digits.is_empty() && digits.len() <= 16 => {
                digits.iter().try_fold(0u64, |value, &b| Some((value << 4) | u64::from(nibble(b)?)))?
            }
            [b'0', digits @ ..]
                if !digits.is_empty() && digits.len() <= 16 && digits.iter().all(|&b| (b'0'..b'8').contains(&b)) =>
            {
                digits.iter().fold(0, |value, &b| value * 8 + u64::from(b - b'0'))
            }
            digits if (1..=12).contains(&digits.len()) && digits.iter().all(|&b| is(b, DIGIT)) => {
                digits.iter().fold(0, |value, &b| value * 10 + u64::from(b - b'0'))
            }
            _ => return None,
        };
        count += 1;
    }
    let leading =
        parts[..count - 1].iter().try_fold(0u64, |value, &part| (part < 256).then_some((value << 8) | part))?;
    let bits = 32 - 8 * (count as u32 - 1);
    let last = parts[count - 1];
    // `203.28935` is an address; `1.5` is read as the version that it more likely is.
    if last >> bits != 0 || (count > 1 && last < 256) {
        return None;
    }
    let value = (leading << bits | last) as u32;
    // Below 1.0.0.0 it is a year, a count or a page, and no visitor has such an address.
    (value >= 1 << 24).then(|| Ipv4Addr::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_addresses_behind_slashes_and_names() {
        let address = What::Address("203.0.113.7".parse().unwrap());
        for (text, start) in [
            ("http://3405803783/", 7),
            ("http://0xCB007107:80/", 7),
            ("//031300070407/x", 2),
            ("//203.28935/", 2),
            ("client_ip=3405803783 ", 10),
            ("host=0xcb.28935", 5),
            ("{\"ip\":3405803783}", 6),
            ("{\"remoteIp\": 3405803783,", 13),
        ] {
            let finding = at(text.as_bytes(), start).unwrap();
            assert_eq!((finding.core.start as usize, finding.what), (start, address), "{text}");
        }
    }

    #[test]
    fn other_numbers_are_not() {
        for (text, start) in [
            ("page=3405803783", 5),
            ("//2026/11", 2),
            ("//7.5/", 2),
            ("//99999999999/", 2),
            ("/3405803783", 1),
            ("\"ip\":34058037830", 5),
            ("\"size\":3405803783", 7),
        ] {
            assert_eq!(at(text.as_bytes(), start), None, "{text}");
        }
    }
}
