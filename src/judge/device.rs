//! Devices: UUIDs, hardware addresses, mobile equipment ids, and whatever stands under a device's name.

use super::{
    Hit, Kind,
    text::{alnum_at, alnum_before, digits, introduced, luhn, number, pattern, stands_alone},
};
use regex::bytes::Regex;
use std::sync::LazyLock;

static UUID: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?-u)[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"));
static MAC: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?-u)[0-9A-Fa-f]{2}(?:(?::[0-9A-Fa-f]{2}){5,31}|(?:-[0-9A-Fa-f]{2}){5,7})",
        r"|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}"
    ))
});
static IMEI: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?-u)[0-9]{15,17}|[0-9]{2}[- ]?[0-9]{6}([- /])[0-9]{6}[- /][0-9]{1,2}"));
static CALLED_IMEI: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i-u)imei(?:sv)?[a-z0-9_. -]{0,8}[\x22':=# ]{0,4}$"));
static CALLED_MAC: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i-u)(?:mac|hwaddr|ether|hardware|physical|lladdr|bssid|station)[a-z_. -]{0,12}[\x22':=# ]{0,4}$")
});
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i-u)(?:^|[^a-z0-9])(?:[a-z0-9]{0,16}[_.-])?(?:gaid|idfa|idfv|aaid|adid|oaid|vaid|udid|openudid|imei|imsi|iccid|meid|esn|android_?id|",
        r"device_?(?:id|uuid|serial|token|fingerprint)|hardware_?id|machine_?id|installation_?id|install_?id|advertis(?:ing|er)_?id|",
        r"serial_?(?:number|no)|visitor_?id|fingerprint|push_?token|fcm_?token|_ga|_gid|_fbp|_fbc)",
        r#"(?:["']?=["']?| = ["']?|["']?\s?:\s?["']?)([^\s"'&;,<>(){}\[\]\\|?#]{6,512})"#
    ))
});

pub(super) fn find(text: &[u8], hits: &mut Vec<Hit>) {
    for found in UUID.find_iter(text) {
        let written = found.as_bytes();
        let hex: Vec<u8> = written.iter().filter(|byte| **byte != b'-').map(u8::to_ascii_lowercase).collect();
        let says_something = hex.iter().any(|byte| *byte != hex[0]);
        let longer = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
        if says_something
            && !longer(found.start().checked_sub(1).and_then(|at| text.get(at)))
            && !longer(text.get(found.end()))
        {
            hits.push(Hit { kind: Kind::Uuid, start: found.start(), end: found.end() });
        }
    }
    let mut at = 0;
    while let Some(found) = MAC.find_at(text, at) {
        let start = found.start();
        if is_mac(text, start, found.as_bytes()) {
            let pairs = found.as_bytes().split(|byte| *byte == b':').count();
            // The fingerprint of somebody's key is written so too.
            let kind = if pairs >= 16 { Kind::Token } else { Kind::Mac };
            hits.push(Hit { kind, start, end: found.end() });
            at = found.end();
        } else if alnum_before(text, start) {
            // `MD5:00:1a:…`: the first pair may belong to what stands in front.
            at = start + 3;
        } else {
            at = found.end();
        }
    }
    for found in IMEI.find_iter(text) {
        let d = digits(found.as_bytes());
        let called = introduced(text, found.start(), &CALLED_IMEI);
        // The bodies that hand out most type codes; without a word in front others are not taken for one.
        let known =
            matches!(number(&d[..2]), 1 | 35 | 86 | 99) && d.len() == 15 && d.iter().any(|digit| *digit != d[2]);
        if stands_alone(text, found.start(), found.end())
            && (known && luhn(&d) || called && (d.len() != 15 || luhn(&d)))
        {
            hits.push(Hit { kind: Kind::Imei, start: found.start(), end: found.end() });
        }
    }
    for found in NAMED.captures_iter(text) {
        let value = found.get(1).expect("the value");
        let bytes = value.as_bytes();
        let nothing = bytes.iter().filter(|byte| byte.is_ascii_hexdigit()).all(|byte| *byte == b'0');
        if bytes.iter().any(u8::is_ascii_digit) && !nothing {
            hits.push(Hit { kind: Kind::DeviceId, start: value.start(), end: value.end() });
        }
    }
}

/// Whether the pairs or groups at `start` are an address of one device: alone, and not that of all or none.
fn is_mac(text: &[u8], start: usize, written: &[u8]) -> bool {
    let end = start + written.len();
    let separator = if written[2].is_ascii_hexdigit() { b'.' } else { written[2] };
    let joined = |at: Option<usize>| at.and_then(|at| text.get(at)) == Some(&separator);
    let hex_before = start > 1 && joined(Some(start - 1)) && text[start - 2].is_ascii_hexdigit();
    let hex_after = joined(Some(end)) && text.get(end + 1).is_some_and(u8::is_ascii_hexdigit);
    let fingerprint = written.len() > 40;
    if alnum_before(text, start) || alnum_at(text, end) || hex_before && !fingerprint || hex_after {
        return false;
    }
    let hex: Vec<u8> = written.iter().filter(|byte| byte.is_ascii_hexdigit()).map(u8::to_ascii_lowercase).collect();
    let pairs = hex.len() / 2;
    let letters = hex.iter().any(u8::is_ascii_alphabetic);
    let all_one = hex.iter().all(|byte| *byte == b'f') || hex.iter().all(|byte| *byte == b'0');
    let written_so = match separator {
        b':' => matches!(pairs, 6 | 16 | 20 | 32),
        b'-' => matches!(pairs, 6 | 8) && (letters || introduced(text, start, &CALLED_MAC)),
        _ => letters || introduced(text, start, &CALLED_MAC),
    };
    written_so && !all_one
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<Kind> {
        let mut hits = Vec::new();
        find(text.as_bytes(), &mut hits);
        hits.iter().map(|hit| hit.kind).collect()
    }

    #[test]
    fn devices_are_found_by_shape_and_by_name() {
        for (text, kind) in [
            ("/d/550e8400-e29b-41d4-a716-446655440000/x", Kind::Uuid),
            ("{550E8400-E29B-41D4-A716-446655440000}", Kind::Uuid),
            ("mac 00:1a:2b:3c:4d:5e", Kind::Mac),
            ("00-1A-2B-3C-4D-5E", Kind::Mac),
            ("0012.3456.789a", Kind::Mac),
            ("490154203237518 imei=490154203237518", Kind::Imei),
            ("356938035643809", Kind::Imei),
            ("gaid=38400000-8cf0", Kind::DeviceId),
            ("\"device_id\": \"a1b2c3d4\"", Kind::DeviceId),
            ("_ga=GA1.2.123456789.1700000000", Kind::DeviceId),
        ] {
            assert!(found(text).contains(&kind), "{text}");
        }
        assert_eq!(found("MD5:00:1a:2b:3c:4d:5e:6f:70:81:92:a3:b4:c5:d6:e7:f8"), [Kind::Token]);
    }

    #[test]
    fn what_is_nobodys_or_no_device_is_none() {
        for text in [
            "00000000-0000-0000-0000-000000000000",
            "ff:ff:ff:ff:ff:ff",
            "00:00:00:00:00:00",
            "00:1A:2B:3C:4D",
            "10:2F:33-AC-29-C3",
            "26-11-21-10-00-00",
            "2026-11-21-10-00-00",
            "1234.5678.9012",
            "179526240000000",
            "490154203237518",
            "device_id=-",
            "device_id=[id]",
            "android_id=0000000000",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }
}
