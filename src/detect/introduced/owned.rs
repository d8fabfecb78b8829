//! Devices that are called after their owners: `Karis-iPhone`, `KARI-LAPTOP`, `DESKTOP-7ABC123`, and what stands in front of
//! the domain of a home: `karis-phone.lan`.

use super::super::{Finding, What};
use super::front::is_behind_address;
use super::read::{close, device, is_name, run, run_back};

/// The name around the mark from `at` to `end`: `-iPhone` behind a name, `iPhone-` in front of one, `DESKTOP-`.
pub(super) fn owned(text: &[u8], at: usize, end: usize) -> Option<Finding> {
    let label = |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80 || matches!(byte, b'-' | b'_');
    let start = run_back(text, at, label);
    let stop = run(text, end, label);
    let (before, behind) = (&text[start..at], &text[end..stop]);
    let told = match text[at..end].last() {
        // `iPhone-von-Max`
        Some(b'-') => {
            let words: [&[u8]; 8] = [b"von-", b"de-", b"av-", b"til-", b"fra-", b"van-", b"di-", b"of-"];
            before.is_empty() && words.iter().any(|word| behind.len() > word.len() && behind.starts_with(word))
        }
        // `DESKTOP-7ABC123`
        _ if matches!(text[at], b'D' | b'L') && text[at..end].contains(&b'-') => {
            let code = &text[run_back(text, end, |byte| byte != b'-')..stop];
            let plain = code.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
            before.is_empty() && (6..=9).contains(&code.len()) && plain && code.iter().any(u8::is_ascii_digit)
        }
        // `KARI-PC`
        _ if text[end - 1].is_ascii_uppercase() => {
            let plain = before.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'-');
            before.len() > 2 && plain && before[0].is_ascii_uppercase() && behind.is_empty()
        }
        _ => {
            let capital = before.first().is_some_and(|byte| byte.is_ascii_uppercase() || *byte >= 0x80);
            let joined = behind.first().is_none_or(|&byte| byte == b'-');
            capital && before.len() > 2 && joined && !MAKERS.contains(&before)
        }
    };
    let path = start > 0 && matches!(text[start - 1], b'/' | b'\\');
    // `ShopFree-iPad/3.1.4`
    let product = text.get(stop) == Some(&b'/') && text.get(stop + 1).is_some_and(u8::is_ascii_digit);
    (told && !path && !product).then(|| Finding::new(start, stop, What::HostName))
}

/// Words in front of a product that are no owners.
const MAKERS: &[&[u8]] = &[b"Apple", b"Mozilla", b"The", b"New", b"Old", b"Test", b"Your", b"For", b"Used"];

/// The label in front of the domain of a home.
pub(super) fn at_home(text: &[u8], at: usize, end: usize) -> Option<Finding> {
    let goes_on = text.get(end).is_some_and(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        || text.get(end) == Some(&b'.') && text.get(end + 1).is_some_and(u8::is_ascii_alphanumeric);
    let start = run_back(text, at, |byte| byte.is_ascii_alphanumeric() || byte >= 0x80 || matches!(byte, b'-' | b'_'));
    let label = text[start..at].iter().any(u8::is_ascii_alphabetic);
    let inner = start > 0 && matches!(text[start - 1], b'.' | b'/' | b'@' | b'\\');
    (!goes_on && label && !inner).then(|| device(text, start, at)).flatten()
}

/// The device in dnsmasq's lines: `DHCP 192.0.2.7 is karis-phone`, `DHCP karis-phone is 192.0.2.7`.
pub(super) fn known(text: &[u8], start: usize) -> Option<Finding> {
    let first = run(text, start, |byte| is_name(byte) || byte == b':');
    let second = text[first..].strip_prefix(b" is ").map(|_| first + 4)?;
    let stop = run(text, second, |byte| is_name(byte) || byte == b':');
    let address = |from: usize, to: usize| {
        let value = &text[from..to];
        let signs = value.iter().filter(|&&byte| matches!(byte, b'.' | b':')).count();
        signs > 1 && value.iter().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':'))
    };
    match (address(start, first), address(second, stop)) {
        (true, false) if stop > second => device(text, second, stop),
        (false, true) if first > start => device(text, start, first),
        _ => None,
    }
}

/// The device that is asked for by a name of one label: `query[A] karis-phone from 192.0.2.7`.
pub(super) fn asked(text: &[u8], start: usize) -> Option<Finding> {
    let from = close(text, start, b']')? + 2;
    let stop = run(text, from, is_name);
    let alone = !text.get(from..stop)?.contains(&b'.') && text[stop..].starts_with(b" from ");
    (alone && stop > from && text.get(from - 1) == Some(&b' ')).then(|| device(text, from, stop)).flatten()
}

/// The device in a line of leases, in front of its client's id, which the blank at `at` parts off: `192.0.2.7 karis-phone
/// 01:00:5e:…`.
pub(super) fn leased(text: &[u8], at: usize) -> Option<Finding> {
    let start = run_back(text, at, is_name);
    let told = start > 0 && text[start - 1] == b' ' && is_behind_address(text, start - 1);
    (told && start < at).then(|| device(text, start, at)).flatten()
}
