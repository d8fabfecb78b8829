//! What holds for the judge as a whole.
#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;

fn kinds(known: Known, line: &str) -> Vec<Kind> {
    Judge::new(known).read(line.as_bytes()).iter().map(|hit| hit.kind).collect()
}

fn with_policy() -> Known {
    Known { exempt: vec!["10.0.0.0/8".parse().unwrap()], own: Own::Pass, ..Known::default() }
}

/// Identifiers, each with its kind.
const PLANTED: &[(&str, Kind)] = &[
    ("198.51.100.23", Kind::Ipv4),
    ("2001:db8:1:2::7", Kind::Ipv6),
    ("kari@example.org", Kind::Email),
    ("+4722865500", Kind::Phone),
    ("4111111111111111", Kind::Card),
    ("NO9386011117947", Kind::Iban),
    ("550e8400-e29b-41d4-a716-446655440000", Kind::Uuid),
    ("00:1a:2b:3c:4d:5e", Kind::Mac),
    ("670919-9530", Kind::Swedish),
    ("131052-308T", Kind::Finnish),
    ("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln", Kind::Jwt),
    ("9f86d081884c7d659a2feaa0c55ad015", Kind::Token),
];

fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[test]
fn every_identifier_is_found_under_every_escape_and_leads_back_to_its_place() {
    for (value, kind) in PLANTED {
        let all = |form: &dyn Fn(u8) -> String| value.bytes().map(form).collect::<String>();
        for written in [
            (*value).to_owned(),
            percent(value),
            percent(&percent(value)),
            all(&|byte| format!("%{byte:02x}")),
            all(&|byte| format!("\\u{byte:04x}")),
            all(&|byte| format!("\\x{byte:02X}")),
            all(&|byte| format!("\\\\u{byte:04x}")),
        ] {
            let line = format!("GET /a?q={written}&b=2 HTTP/1.1\" 200");
            let mut judge = Judge::new(Known::default());
            let hits = judge.read(line.as_bytes());
            assert_eq!(hits.iter().map(|hit| hit.kind).collect::<Vec<_>>(), [*kind], "{line}");
            assert_eq!(&line[hits[0].start..hits[0].end], written, "{line}");
        }
    }
}

#[test]
fn harmless_text_has_no_hit() {
    for line in [
        "192.0.2.0 - - [21/Nov/2026:10:00:00 +0100] \"GET /index.html?page=2 HTTP/1.1\" 200 5120 \"https://example.org/\" \"Chrome/139 (Windows NT)\"",
        "\"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.7258.66 Safari/537.36\"",
        "std::vec<int> a::b::c at 10:11:12.123456",
        "GET /assets/app-9f86d081884c7d65.js 200 rt=0.004 ts=1795262400000",
        "order 20261121 sku 4711-0815 size 1048576 2026-11-21T10:00:00.123456789Z",
        "nginx/1.26.2 openssl-3.0.15 kernel 6.1.0-27-amd64 glibc 2.36",
        "PHP Fatal error:  Uncaught TypeError in /var/www/html/wp-includes/class-wp-hook.php:324",
        "[notice] 1234#1234: signal 17 (SIGCHLD) received from 1240",
        "class=security_log until=2027-05-21 policy=hosting/1",
        "[email] [token] [id] [phone] [card] [iban] [user]",
    ] {
        let known = Known { own: Own::Pass, ..Known::default() };
        assert_eq!(kinds(known, line), [], "{line}");
    }
}

#[test]
fn our_own_output_is_named_without_a_policy_and_passes_with_one() {
    let line = "192.0.2.0 2001:db8:1:: p1.20261121.9f86d081884c7d65 device_id=p1.20261121.9f86d081884c7d65&x";
    let own = [Kind::TruncatedAddress, Kind::TruncatedAddress, Kind::Pseudonym, Kind::Pseudonym];
    assert_eq!(kinds(Known::default(), line), own);
    assert!(own.iter().all(|kind| !kind.identifies()));
    assert_eq!(kinds(with_policy(), line), []);
    let addresses = "fd73:6c61:6420:512a:9f86:d081:884c:7d65 [fd73:6c61:6480:1::]:443 x=FD73:6C61:6400::1";
    assert_eq!(kinds(Known::default(), addresses), [Kind::Pseudonym; 3]);
    assert_eq!(kinds(with_policy(), addresses), []);
    let neighbours = "fd73:6c61:64a0:512a:9f86:d081:884c:7d65 fd73:6c61:6320:512a:9f86:d081:884c:7d65";
    assert_eq!(kinds(with_policy(), neighbours), [Kind::Ipv6; 2]);
    assert_eq!(kinds(with_policy(), "192.0.2.1 10.1.2.3 ::ffff:10.1.2.3 2001:db8:1:2::"), [Kind::Ipv4, Kind::Ipv6]);
    let wide = Known { v4: 16, v6: 32, own: Own::Pass, ..Known::default() };
    assert_eq!(kinds(wide, "198.51.0.0 198.51.100.0 2001:db8:: 2001:db8:1::"), [Kind::Ipv4, Kind::Ipv6]);
}

#[test]
fn a_hit_is_reported_once_under_the_kind_that_says_most() {
    assert_eq!(kinds(Known::default(), "session_id=550e8400-e29b-41d4-a716-446655440000"), [Kind::SessionId]);
    assert_eq!(kinds(Known::default(), "user@[198.51.100.23] 198.51.100.23:443"), [Kind::Ipv4, Kind::Ipv4]);
}

#[test]
fn every_kind_has_a_name_that_is_read_again() {
    for kind in Kind::ALL {
        assert_eq!(kind.name().parse(), Ok(kind));
        assert!(!kind.description().is_empty());
    }
    assert!("bogus".parse::<Kind>().unwrap_err().to_string().starts_with("no such kind; there are pseudonym, "));
}

#[test]
fn the_judge_names_no_room_of_ours() {
    for source in [include_str!("mod.rs"), include_str!("text.rs"), include_str!("token.rs")] {
        assert!(!source.contains(concat!("crate", "::")));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_and_hits_lie_in_order_inside_the_line(
        line in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..400),
            "[0-9a-f:.%@x+ \\\\u/=-]{0,300}".prop_map(String::into_bytes),
        ]
    ) {
        let mut judge = Judge::new(Known::default());
        let hits = judge.read(&line).to_vec();
        for hit in &hits {
            prop_assert!(hit.start < hit.end && hit.end <= line.len());
        }
        prop_assert!(hits.windows(2).all(|pair| pair[0].start <= pair[1].start));
    }

    #[test]
    fn an_identifier_between_blanks_is_found_in_any_surroundings(
        (value, kind) in proptest::sample::select(PLANTED),
        before in "[ -~]{0,60}",
        after in "[ -~]{0,60}",
    ) {
        let line = format!("{before} \" {value} \" {after}");
        let mut judge = Judge::new(Known::default());
        let (start, end) = (before.len() + 3, before.len() + 3 + value.len());
        let covered = judge.read(line.as_bytes()).iter().any(|hit| hit.start < end && hit.end > start);
        prop_assert!(covered, "{} {}", kind, line);
    }
}
