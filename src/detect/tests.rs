//! The tables of what must be found and what must not, and what holds of any text.
#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

/// Spellings of one address each, host names that spell one included.
const ADDRESSES: &[&str] = &[
    "203.0.113.7",
    "8.8.8.8",
    "255.255.255.255",
    "1.1.1.1",
    "203.0.113.007",
    "010.001.002.003",
    "203.000.113.007",
    "0313.0.0161.07",
    "0xcb.0x00.0x71.0x07",
    "0XCB.0.113.7",
    "203.0x0.113.7",
    "203.0.113.7:443",
    "203.0.113.7:65535",
    "203.0.113.7#53",
    "203.0.113.7.51234",
    "[203.0.113.7]:8080",
    "203%2E0%2E113%2E7",
    "203%2e0%2e113%2e7",
    "203%252E0%252E113%252E7",
    "203%25252e0%25252e113%25252e7",
    "%32%30%33%2e%30%2e%31%31%33%2e%37",
    "20%33.0.113.7",
    "203\\x2e0\\x2e113\\x2e7",
    "203\\x2E0.113\\x2e7",
    "203\\u002e0\\u002e113\\u002e7",
    "203\\u002E0\\u002E113\\u002E7",
    "203\\\\u002e0\\\\u002e113\\\\u002e7",
    "203\\0560\\056113\\0567",
    "203%u002e0%u002e113%u002e7",
    "203&#46;0&#46;113&#46;7",
    "203&#x2e;0&#x2E;113&#x2e;7",
    "203&period;0&period;113&period;7",
    "２０３.０.１１３.７",
    "２０３．０．１１３．７",
    "203。0。113。7",
    "%EF%BC%92%EF%BC%90%EF%BC%93.0.113.7",
    "203.0.113.7%3A443",
    "203-0-113-7",
    "203_0_113_7",
    "203-0-113-7.dialup.example",
    "203_0_113_7.pool.example",
    "203.0.113.7.isp.example",
    "host-203.0.113.7.isp.example",
    "host-203-0-113-7.isp.example",
    "host203-0-113-7.isp.example",
    "ip-203-0-113-7",
    "ip-203-0-113-7.eu-north-1.compute.internal",
    "ec2-203-0-113-7.compute-1.example",
    "dsl.203-0-113-7.isp.example",
    "7.113.0.203.in-addr.arpa",
    "7.113.0.203.IN-ADDR.ARPA",
    "7-113-0-203.rev.example",
    "cpe-203-0-113-7-x.isp.example",
    "ip203.0.113.7",
    "203.0.113.7x",
    "v203.0.113.7",
    "203-0-113-7%2Edialup%2Eexample",
    "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
    "a.b.c.d.e.f.ip6.arpa",
    "1.3.6.1.4.1.311.20",
    "2001:db8::7",
    "2001:DB8::7",
    "2001:0db8:0000:0000:0000:0000:0000:0007",
    "2001:db8:0:0:0:0:0:7",
    "2001:db8:1:2:3:4:5:6",
    "2001:db8::",
    "2001:db8:85a3::8a2e:370:7334",
    "2a00:1450:4001:81b::200e",
    "fe80::1ff:fe23:4567:890a",
    "fe80::7%eth0",
    "fe80::7%25eth0",
    "fe80::7%2",
    "[2001:db8::7]",
    "[2001:db8::7]:443",
    "[fe80::7%25en0]:443",
    "[2001:DB8:0:0:0:0:0:7]:8080",
    "2001:db8::7.51234",
    "2001:db8:0:0:0:0:0:7:443",
    "::1",
    "::7:1",
    "1::",
    "::ffff:203.0.113.7",
    "::FFFF:203.0.113.7",
    "::ffff:cb00:7107",
    "0:0:0:0:0:ffff:203.0.113.7",
    "0000:0000:0000:0000:0000:ffff:cb00:7107",
    "::203.0.113.7",
    "2002:cb00:7107::1",
    "64:ff9b::203.0.113.7",
    "64:ff9b::cb00:7107",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001%3Adb8%3A%3A7",
    "2001%3adb8%3a%3a7",
    "2001%253Adb8%253A%253A7",
    "%5B2001%3Adb8%3A%3A7%5D",
    "%5B2001%3Adb8%3A%3A7%5D%3A443",
    "2001\\x3adb8\\x3a\\x3a7",
    "2001\\u003adb8\\u003a\\u003a7",
    "2001&#58;db8&#58;&#58;7",
    "2001：db8：：7",
    "2001-db8--7.ipv6.example",
    "2001-db8-0-0-0-0-0-7.dyn.example",
    "2001-0db8-0000-0000-0000-0000-0000-0007.dyn.example",
    "00:1b:44:11:3a:b7:00:01",
    "//3405803783",
    "//0xCB007107",
    "//0xcb007107",
    "//031300070407",
    "//203.28935",
    "//203.0.28935",
    "//0xcb.0.113.7",
    "ip=3405803783",
    "client_ip=0xCB007107",
    "remote_addr=3405803783",
    "host%3D3405803783",
    "%2F%2F3405803783",
];

/// Spellings of one e-mail address each.
const EMAILS: &[&str] = &[
    "bob@example.com",
    "bob.smith@example.com",
    "bob+news@example.com",
    "bob_smith-x@mail.example.co.uk",
    "b@example.no",
    "o'brien@example.com",
    "BOB@EXAMPLE.COM",
    "bob%40example.com",
    "bob%2540example.com",
    "bob%252540example.com",
    "bob\\x40example.com",
    "bob\\u0040example.com",
    "bob\\\\u0040example.com",
    "bob&#64;example.com",
    "bob&#x40;example.com",
    "bob&commat;example.com",
    "bob@example%2Ecom",
    "%62%6f%62@example.com",
    "\"bob smith\"@example.com",
    "\\\"bob smith\\\"@example.com",
    "%22bob%20smith%22%40example.com",
    "bjørn@example.no",
    "bj%C3%B8rn%40example.no",
    "bob@bücher.example",
    "bob@xn--bcher-kva.example",
    "bob＠example.com",
    "bob@203.0.113.7",
    "bob@[203.0.113.7]",
    "bob@[IPv6:2001:db8::7]",
    "root@localhost",
    "bob@163.com",
    "bob!smith@example.com",
    "bounce+bob=example.org@lists.example.com",
    "SRS0=ab12=tt=example.org=bob@lists.example.com",
];

/// Spellings of one hardware address, UUID, IMEI or JSON Web Token each.
const DEVICES: &[&str] = &[
    "00:1b:44:11:3a:b7",
    "00:1B:44:11:3A:B7",
    "00-1b-44-11-3a-b7",
    "001b.4411.3ab7",
    "0:1b:44:11:3a:b7",
    "00%3A1b%3A44%3A11%3A3a%3Ab7",
    "00\\x3a1b\\x3a44\\x3a11\\x3a3a\\x3ab7",
    "550e8400-e29b-41d4-a716-446655440000",
    "550E8400-E29B-41D4-A716-446655440000",
    "{550e8400-e29b-41d4-a716-446655440000}",
    "urn:uuid:550e8400-e29b-41d4-a716-446655440000",
    "550e8400%2De29b%2D41d4%2Da716%2D446655440000",
    "550e8400_e29b_41d4_a716_446655440000",
    "sess-550e8400-e29b-41d4-a716-446655440000",
    "490154203237518",
    "49-015420-323751-8",
    "49015420-323751-8",
    "49 015420 323751 8",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJib2IifQ.",
    "eyJhbGciOiJIUzI1NiJ9%2EeyJzdWIiOiIxMjM0NTY3ODkwIn0%2EdBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
];

/// One long token each.
const TOKENS: &[&str] = &[
    "9f86d081884c7d65",
    "9F86D081884C7D65",
    "d41d8cd98f00b204e9800998ecf8427e",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "0x9f86d081884c7d65",
    "aGVsbG8gd29ybGQ0Mg1x",
    "aGVsbG8gd29ybGQ0Mg1xQQ==",
    "tK3x-9_vQz71LmNb0PdW2y",
    "Zx81+Yq92Lm4/Pk7Tn3Vb6Rw0Jd5Hs==",
    "k2j3h4k5j6h7l8q9w0e1r2",
    "198001011234",
    "4111111111111111",
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_abcdefghijklmnopqrst",
    "103350121812",
    "A1B2C3D4E5F6G7H8I9J0",
];

/// Texts in which there is nothing.
const HARMLESS: &[&str] = &[
    "",
    "-",
    " ",
    "GET / HTTP/1.1",
    "/index.html",
    "/blog/this-is-a-long-article-title-about-2024-election-results",
    "/Blog/This-Is-A-Long-Article-Title-About-2024-Election-Results.html",
    "/assets/combined-javascript.min.js",
    "/static/app.9f86d081884c7d65.js",
    "/static/main-9f86d081884c7d659a2feaa0c55ad015.css",
    "/static/chunk-vendors.9f86d081884c7d65.js.map",
    "/static/logo_9f86d081884c7d65.min.svg",
    "/fonts/inter-9f86d081884c7d65.woff2",
    "/lib-1.128.1.0.js",
    "/js/jquery.1.12.4.1.min.js",
    "/dl/tool_v1.2.3.4.tar.gz",
    "/dl/tool-1.2.3.4.exe",
    "see lib-1.128.1.0.js for more",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36",
    "\"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/139.0.0.0 Safari/537.36 Edg/139.0.0.0\"",
    "Mozilla/5.0 (Linux; Android 10; K) Obscure/12.0.0.1 Chrome/120.0.0.0 Mobile",
    "Chrome/139.0.0.0",
    "agent=\"Chrome/139.0.0.0\"",
    "Opera/9.80 (Windows NT 6.1; U; en) Presto/2.10.289 Version/12.02",
    "curl/8.5.0",
    "[21/Nov/2026:10:05:03 +0100]",
    "2026-11-21T10:05:03.123+01:00",
    "2026-11-21 10:05:03,123",
    "2026-11-21-10-05-03",
    "Nov 21 10:05:03 host app[1234]: started",
    "10:05:03",
    "10:05",
    "23:59:60.999999",
    "std::vec<std::string>",
    "Foo::Bar::baz()",
    "core::fmt::Display",
    "::",
    ":::",
    "a: b",
    "x::y::z",
    "Base64::Decode",
    "::std::mem::swap",
    "1.2.3",
    "v1.2.3-rc.1",
    "300.1.2",
    "256.256.256.256",
    "1999.12.31.5000",
    "HTTP/1.1\" 200 2326 0.004",
    "200 1234567 89012345678",
    "1763719503",
    "1763719503123",
    "1763719503.123",
    "20261121100503",
    "0.0012345678901234",
    "p1.20261121.9f86d081884c7d65",
    "user=p1.20261121.9f86d081884c7d65, p1.20261121.9f86d081884c7d659f86d081884c7d65.",
    "[email] [token] [id] [phone] [card] [iban] [user]",
    "password=[token]&email=[email]",
    "logo@2x.png",
    "/img/icon@3x.png",
    "/npm/vue@3.2.1/dist/vue.js",
    "/@angular/core",
    "@media print",
    "a @ b",
    "@",
    "@@@@",
    "100 % sure",
    "50%",
    "%",
    "%zz%",
    "\\",
    "a\\",
    "\\x",
    "&amp;",
    "a=b&c=d&page=3",
    "?page=2&lang=nb-NO&sort=asc",
    "XMLHttpRequest2Level3Api",
    "getElementsByClassNameAndTag",
    "com.google.android.gms.measurement.AppMeasurement",
    "org.springframework.boot.autoconfigure.SpringBootApplication",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "/wp-content/themes/twentytwentyfour/assets/css/button-outline.css",
    "/wp-includes/js/jquery/jquery-migrate.min.js?ver=3.4.1",
    "TLSv1.3 TLS_AES_256_GCM_SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "https://www.example.com/start.html",
    "http://example.com:8080/a/b",
    "\\x16\\x03\\x01\\x02\\x00",
    "/%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82",
    "invalid token: expected comma",
    "key=page",
    "upstream timed out (110: Connection timed out) while reading response header from upstream",
    "/forum/viewtopic.php?f=16&t=9265&start=200",
    "rotate: 4 of 8, 12 left",
    "1-2-3",
    "tel 22-33-44",
    "9788205123458",
    "isbn 978-82-05-12345-8",
    "org.nr. 974 760 673 MVA",
    "konto 1234.56.78903",
    "KID 2345676",
    "order 98765432",
    "ordre 200123-45",
    "59.9139,10.7522",
    "kr 1 299,00",
    "12 345 678 bytes",
    "PT1H30M",
    "2026-11-21T10:05:03Z/P1D",
    "/activity;src=1234567;type=abc;cat=xyz;ord=1763719503123?",
    "+1 point, +100 more, 5+5",
    "++i; i+=47",
    "GMT+0100 (CET)",
    "diff -1,8 +1,12",
    "0x1f 0755 0644",
    "AB12 CD34",
    "NO93",
    "user agent",
    "user not found",
    "for user input",
    "users from abroad",
    "login: success",
    "uid=0 euid=0 tty=ssh",
    "phone 3, fax 4",
    "call 22 33 44 55",
    "10000-20000",
    "1000000 2000000",
    "1763719503 1763719504",
    "64 bytes, 128 bytes, 256 bytes",
    "PID 12345 TID 67890",
    "0.10.20.30000",
    "00:00:00.000000",
    "basic authentication required",
    "bearer token missing",
    "/reset/password/form",
];

const CONTEXTS: &[(&str, &str)] = &[
    ("", ""),
    (" ", " "),
    ("\"", "\""),
    ("'", "'"),
    ("(", ")"),
    ("<", ">"),
    ("client: ", ", server: x"),
    ("x=", "&y=1"),
    ("?a=1&b=", " HTTP/1.1"),
    ("/p/", "/q"),
    ("a,", ",b"),
    ("{\"v\":\"", "\"}"),
    ("{\\\"v\\\":\\\"", "\\\"}"),
    ("100%25 ", "%20"),
    ("|", "|"),
    ("\t", "\r\n"),
    ("\u{e6}\u{f8}\u{e5} ", " \u{e6}\u{f8}\u{e5}"),
    ("\\x22", "\\x22"),
    ("%22", "%22"),
    ("%0d%0a", "%0d%0a"),
    ("a very long text in front of it that fills the first block of bytes and more, ", ";"),
];

fn covered(text: &[u8], from: usize, to: usize, place: Place) -> bool {
    let mut detector = Detector::default();
    let findings = detector.find(text, Kinds::ALL, place);
    let is = |at: usize| findings.iter().any(|f| f.span.start as usize <= at && at < f.span.end as usize);
    // Letters and digits must go; brackets, braces and the slashes in front of a number may stay.
    let name = text[from..to].windows(9).any(|w| w == b"urn:uuid:") as usize * 9;
    let equals = text[from..to]
        .iter()
        .position(|&b| b == b'=')
        .filter(|_| text[from..to].windows(3).any(|w| matches!(w, b"=34" | b"=0x")));
    let from = from + name.max(equals.map_or(0, |i| i + 1));
    let from = from
        + if text[from..].starts_with(b"host%3D") {
            7
        } else if text[from..].starts_with(b"%2F%2F") {
            6
        } else {
            0
        };
    let outer = if text[from..].starts_with(b"%5B") && !text[..to].ends_with(b"443") { 3 } else { 0 };
    (from + outer..to - outer).filter(|&at| text[at].is_ascii_alphanumeric()).all(is)
}

fn all_covered(spellings: &[&str], place: Place) {
    let mut missed: Vec<String> = Vec::new();
    for spelling in spellings {
        for (before, after) in CONTEXTS {
            let text = format!("{before}{spelling}{after}");
            let (from, to) = (before.len(), before.len() + spelling.len());
            if !covered(text.as_bytes(), from, to, place) {
                missed.push(text);
            }
        }
    }
    assert!(missed.is_empty(), "{place:?}\n{}", missed.join("\n"));
}

#[test]
fn the_tables_are_as_long_as_promised() {
    assert!(ADDRESSES.len() + EMAILS.len() + DEVICES.len() + TOKENS.len() >= 150);
    assert!(HARMLESS.len() >= 60);
}

#[test]
fn every_spelling_is_found_in_every_context() {
    for place in [Place::Text, Place::Path, Place::Host] {
        for spellings in [ADDRESSES, EMAILS, DEVICES, TOKENS] {
            all_covered(spellings, place);
        }
    }
}

#[test]
fn harmless_texts_hold_nothing() {
    let mut detector = Detector::default();
    for text in HARMLESS {
        assert_eq!(detector.find(text.as_bytes(), Kinds::ALL, Place::Text), [], "{text}");
        if !text.contains("Chrome/") {
            assert_eq!(detector.find(text.as_bytes(), Kinds::ALL, Place::Path), [], "{text}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(1000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_fast_way_finds_what_the_plain_way_finds_in_any_bytes(text in prop::collection::vec(any::<u8>(), 0..400)) {
        same_both_ways(&text)?;
    }

    #[test]
    fn the_fast_way_finds_what_the_plain_way_finds_in_log_like_text(text in log_like()) {
        same_both_ways(&text)?;
    }

    #[test]
    fn a_planted_spelling_is_covered_in_any_context(
        kind in 0usize..4, pick in any::<prop::sample::Index>(), before in context(), after in context(),
    ) {
        let spellings = [ADDRESSES, EMAILS, DEVICES, TOKENS][kind];
        let spelling = spellings[pick.index(spellings.len())];
        let text = [&before[..], b" ", spelling.as_bytes(), b" ", &after[..]].concat();
        prop_assert!(covered(&text, before.len() + 1, before.len() + 1 + spelling.len(), Place::Text), "{:?}", String::from_utf8_lossy(&text));
    }

    #[test]
    fn findings_stand_in_order_and_inside_the_text(text in log_like()) {
        let mut detector = Detector::default();
        let mut end = 0;
        for finding in detector.find(&text, Kinds::ALL, Place::Text) {
            prop_assert!(finding.span.start >= end && finding.span.start < finding.span.end);
            prop_assert!(finding.span.start <= finding.core.start && finding.core.end <= finding.span.end);
            end = finding.span.end;
        }
        prop_assert!(end as usize <= text.len());
    }
}

fn same_both_ways(text: &[u8]) -> Result<(), TestCaseError> {
    for place in [Place::Text, Place::Path, Place::Agent, Place::Host] {
        for kinds in [Kinds::ALL, Kinds::IP, Kinds::TOKEN, Kinds::EMAIL.with(Kinds::MAC)] {
            let mut plain = Vec::new();
            Scan::new(text, kinds, place, &mut plain).plain();
            merge(&mut plain);
            for kernel in Kernel::all() {
                let mut fast = Vec::new();
                Scan::new(text, kinds, place, &mut fast).fast(kernel, &mut Window::default(), &mut Escapes::default());
                merge(&mut fast);
                prop_assert_eq!(
                    &fast,
                    &plain,
                    "{:?} {:?} {:?} {}",
                    kernel,
                    place,
                    kinds,
                    String::from_utf8_lossy(text)
                );
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2048, ..ProptestConfig::default() })]

    #[test]
    fn reading_only_the_words_with_escapes_misses_nothing(words in prop::collection::vec(escaped_word(), 0..12)) {
        let text = words.join(&b' ');
        let mut short = Detector::default();
        let found = short.find(&text, Kinds::IP, Place::Text).to_vec();
        let mut whole = Detector::default();
        Scan::new(&text, Kinds::IP, Place::Text, &mut whole.found).fast(whole.kernel, &mut whole.window, &mut whole.escapes);
        merge(&mut whole.found);
        whole.find_escaped(&text, Kinds::IP, Place::Text);
        prop_assert_eq!(found, whole.found, "{}", String::from_utf8_lossy(&text));
    }
}

/// Words of which some hold escapes, and some what is read by what stands in front of it.
fn escaped_word() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        2 => "[a-z]{1,5}",
        2 => "(%2[eE0f2]|%3[0-9aA]|%[0-9a-f]{2}|\\\\x2e|\\\\[\"nx.:]|\\\\u003[0-9]|&#46;|&[a-z]{1,6};|&|%|;|\u{3002})",
        1 => "(\\[\\.\\]|\\(dot\\)|\\[:\\])",
        2 => "(\"?ip\"?[:=]|3405803783|//|\"|Mozilla/5\\.0|%4dozilla/5|Foo/1\\.2\\.3\\.4|Chrome/1\\.2\\.3\\.4|\\(|\\)|\\[|\\])",
        2 => prop::sample::select(ADDRESSES).prop_map(str::to_owned),
        1 => "[0-9]{1,3}\\.",
        1 => "lib-[0-9]\\.[0-9]{2}\\.[0-9]\\.[0-9](\\.css|%2ejs)",
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat().into_bytes())
}

/// Pieces that identifiers and what surrounds them are made of, in any order.
fn log_like() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[0-9]{1,4}",
        4 => "[.:@=/_ -]{1,2}",
        2 => "[0-9a-f]{1,5}",
        2 => "[.-][0-9]{1,3}",
        2 => ":[0-9a-f]{1,4}",
        1 => "[A-Za-z]{1,9}",
        1 => "[0-9A-Za-z_+-]{8,24}",
        1 => "[\"'()\\[\\]{}<>,;%&\\\\|+]",
        1 => "(0x[0-9a-f]{1,3}|::|//|--|eyJ|p1\\.|\\.js|\\.ip6\\.arpa|Chrome/|Mozilla/5\\.0 |token=|host=|=)",
        1 => prop::sample::select(ADDRESSES).prop_map(str::to_owned),
        1 => prop::sample::select(DEVICES).prop_map(str::to_owned),
        1 => prop::sample::select(TOKENS).prop_map(str::to_owned),
        1 => prop::sample::select(EMAILS).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

/// Bytes that may stand around a planted identifier: anything but an escape half begun.
fn context() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![log_like(), prop::collection::vec(any::<u8>(), 0..120)]
        .prop_map(|bytes| bytes.into_iter().filter(|b| !matches!(b, b'%' | b'\\' | b'&' | b'"')).collect())
}

#[test]
fn broken_escapes_at_the_end_do_no_harm() {
    let mut detector = Detector::default();
    for text in ["%", "%2", "\\", "\\x", "\\x2", "\\u00", "&#", "&#46", "1.2.3.4%", "1.2.3.4\\", "bob@example.com%4"] {
        detector.find(text.as_bytes(), Kinds::ALL, Place::Text);
    }
}

#[test]
fn a_token_does_not_eat_half_an_address() {
    let text = b"mail=9f86d081884c7d65@example.com.";
    let mut detector = Detector::default();
    let found = detector.find(text, Kinds::ALL, Place::Text).to_vec();
    assert_eq!(found, [Finding::new(5, 33, What::Email)]);
}

#[test]
fn addresses_are_known_in_plain_form_from_every_escape() {
    let expected = What::Address("203.0.113.7".parse().unwrap());
    let mut detector = Detector::default();
    for text in [
        "203%2E0%2E113%2E7",
        "203\\x2e0.113.7",
        "::ffff:203.0.113.7",
        "%3A%3Affff:203.0.113.7",
        "//3405803783",
        "0313.0.0161.07",
    ] {
        let found = detector.find(text.as_bytes(), Kinds::IP, Place::Text);
        assert_eq!(found.iter().map(|f| f.what).collect::<Vec<_>>(), [expected], "{text}");
    }
}

#[test]
fn a_slash_in_front_makes_no_version_outside_an_agent() {
    let mut detector = Detector::default();
    for text in [
        "GET /203.0.113.7/ HTTP/1.1",
        "localhost/203.0.113.7:80",
        "from x/203.0.113.7",
        "http://203.0.113.7/",
        "Chrome/203.0.113.7:80",
    ] {
        assert_eq!(detector.find(text.as_bytes(), Kinds::IP, Place::Text).len(), 1, "{text}");
    }
    assert!(!detector.any(b"Foo/1.2.3.4 (x; Bar/1.2.3.4)", Kinds::IP, Place::Agent));
    assert!(detector.any(b"Foo 1.2.3.4 +http://1.2.3.4/", Kinds::IP, Place::Agent));
}

/// Nanoseconds a byte, for a look at what a change costs: `cargo test --release -- --ignored --nocapture rates`.
#[test]
#[ignore = "a measurement"]
fn rates() {
    let agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36";
    let line = format!(
        "203.0.113.7 - - [21/Nov/2026:10:05:03 +0100] \"GET /blog/2026/a-title/index.html?page=2&lang=no HTTP/1.1\" 200 5123 \"https://www.example.com/start.html\" \"{agent}\""
    );
    let clean = "upstream timed out while reading response header from upstream, request \"GET /some/page.html HTTP/1.1\", rt 0.004 and so on; ".repeat(2);
    let flood = |piece: &str| piece.repeat(65536 / piece.len());
    let texts = [
        ("clean", clean.clone(), Place::Text),
        ("combined line", line.clone(), Place::Text),
        ("agent", agent.to_owned(), Place::Agent),
        ("path", "/blog/2026/a-title/index.html".to_owned(), Place::Path),
        ("slug", "/blog/this-is-a-long-article-title-about-2024-election-results.html".to_owned(), Place::Path),
        ("line, escaped", line.replace("title", "ti%20tle"), Place::Text),
        ("flood %40", flood("%40"), Place::Text),
        ("flood %2540", flood("%2540"), Place::Text),
        ("flood 1.1.1.1.", flood("1.1.1.1."), Place::Text),
        ("flood 1.1.1.1 ", flood("1.1.1.1 "), Place::Text),
        ("flood 1-", flood("1-"), Place::Text),
        ("flood @", flood("@"), Place::Text),
        ("flood a@", flood("a@"), Place::Text),
        ("flood a@b.c ", flood("a@b.c "), Place::Text),
        ("flood :", flood(":"), Place::Text),
        ("flood a:", flood("a:"), Place::Text),
        ("flood a::b ", flood("a::b "), Place::Text),
        ("flood -", flood("-"), Place::Text),
        ("flood a--", flood("a--"), Place::Text),
        ("flood d=", flood("d="), Place::Text),
        ("flood token=", flood("token="), Place::Text),
        ("flood x/1.1.1.1 ", flood("x/1.1.1.1 "), Place::Text),
        ("flood a\\", flood("a\\"), Place::Text),
        ("flood hex", flood("9f86d081884c7d65a"), Place::Text),
        ("flood digits,", flood("1234567890123 "), Place::Text),
        ("flood base64/", flood("aB3dE6gH9jK2mN5p/"), Place::Text),
        ("flood 0x1", flood("0x1."), Place::Text),
        ("flood &#46;", flood("&#46;"), Place::Text),
        ("flood ！", flood("\u{ff01}"), Place::Text),
        ("flood //1", flood("//1"), Place::Text),
        ("flood a=1", flood("a=1"), Place::Text),
        ("flood +47", flood("+47"), Place::Text),
        ("flood +47 22 ", flood("+47 22 "), Place::Text),
        ("flood 00 ", flood("00 "), Place::Text),
        ("flood 0047", flood("0047"), Place::Text),
        ("flood AA00", flood("AA00"), Place::Text),
        ("flood AA00 ", flood("AA00 "), Place::Text),
        ("flood NO93 1", flood("NO93 1"), Place::Text),
        ("flood GB82 WEST ", flood("GB82 WEST "), Place::Text),
        ("flood 4111 ", flood("4111 "), Place::Text),
        ("flood 131052-", flood("131052-"), Place::Text),
        ("flood 131052 ", flood("131052 "), Place::Text),
        ("flood 1", flood("1"), Place::Text),
        ("flood 12 ", flood("12 "), Place::Text),
        ("flood tlf 22", flood("tlf 22 33 4 "), Place::Text),
        ("flood user ", flood("user "), Place::Text),
        ("flood user kari ", flood("user kari x "), Place::Text),
        ("flood for ", flood("for "), Place::Text),
        ("flood user=a ", flood("user=a "), Place::Text),
        ("flood uid=1( ", flood("uid=1("), Place::Text),
        ("flood \\x7F", flood("\\x7F"), Place::Text),
        ("flood Bearer A1", flood("Bearer A1aaaaaaaaaaaaaaa "), Place::Text),
        ("flood s-", flood("s-"), Place::Text),
    ];
    let kernels = Kernel::all();
    for (kernel, kinds) in kernels.iter().rev().flat_map(|&kernel| [(kernel, Kinds::ALL), (kernel, Kinds::IP)]) {
        println!("{kernel:?} {kinds:?}");
        for (name, text, place) in &texts {
            let mut detector = Detector { kernel, ..Detector::default() };
            // Many short slices: the best one had the processor to itself.
            let rounds = 50_000 / text.len() + 1;
            let mut found = 0;
            let mut best = f64::MAX;
            for _ in 0..100 {
                let start = std::time::Instant::now();
                for _ in 0..rounds {
                    found = detector.find(std::hint::black_box(text.as_bytes()), kinds, *place).len();
                }
                best = best.min(start.elapsed().as_nanos() as f64 / rounds as f64);
            }
            println!(
                "{name:18} {:8} B {best:10.0} ns {:6.3} ns/B, {found} found",
                text.len(),
                best / text.len() as f64
            );
        }
    }
}

#[test]
fn floods_of_a_megabyte_are_read_once() {
    let start = std::time::Instant::now();
    let mut detector = Detector::default();
    for piece in FLOODS {
        let text = piece.repeat(1_000_000 / piece.len());
        for place in [Place::Text, Place::Path, Place::Agent, Place::Host] {
            detector.find(text.as_bytes(), Kinds::ALL, place);
        }
    }
    // A second or two; a verifier that reads backwards without bound takes minutes.
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn a_flood_of_anything_costs_a_bounded_number_of_looks_a_byte() {
    let mut detector = Detector::default();
    let mut looks = |piece: &str, length: usize| {
        let text = piece.repeat(length / piece.len());
        bytes::work::taken();
        detector.find(text.as_bytes(), Kinds::ALL, Place::Text);
        bytes::work::taken() as f64 / text.len() as f64
    };
    for piece in FLOODS {
        let (short, long) = (looks(piece, 1 << 14), looks(piece, 1 << 18));
        // No reading backwards without bound: sixteen times the text takes sixteen times the looks.
        assert!(long <= short * 1.05 + 1.0, "{piece:?}: {short:.1} looks a byte, then {long:.1}");
        assert!(long <= MOST_LOOKS, "{piece:?}: {long:.1} looks a byte");
    }
}

/// How many bytes verifiers may look at for each byte of any text, both views of it together.
const MOST_LOOKS: f64 = 40.0;

/// What a hostile client can repeat at will.
const FLOODS: &[&str] = &[
    "%40",
    "%2540",
    "%25",
    "%",
    "1.1.1.1.",
    "1.1.1.1 ",
    "1-",
    "1.",
    "@",
    "a@",
    "a@b.c ",
    "\"@",
    ":a@",
    ":",
    "::",
    "a:",
    "a::b ",
    "-",
    "a--",
    "--a",
    "d=",
    "=",
    "token=",
    "token:",
    "x/1.1.1.1 ",
    "Mozilla/",
    "a/1.1.1.1",
    "a\\",
    "\\",
    "\\\\u0025",
    "&#46;",
    "&",
    "&a;",
    "\u{ff01}",
    "\u{3002}",
    "9f86d081884c7d65a",
    "1234567890123 ",
    "aB3dE6gH9jK2mN5p/",
    "aB3/",
    "=aB3/",
    "0x1.",
    "//1",
    "a=1",
    "ip=1",
    "eyJ.",
    "eyJhbGciOiJub25lIn0.",
    "2001:db8::1.",
    "00-",
    "00:",
    "[",
    "]",
    "\"",
    "'a'@",
    "p1.20261121.9f86 ",
    "\0",
    "\u{e6}",
    "+47",
    "+47 22 ",
    "00 ",
    "0047",
    "(0)",
    "AA00",
    "NO93 1",
    "GB82 WEST ",
    "4111 ",
    "4111-1111-",
    "131052-",
    "131052 ",
    "1",
    "12 ",
    "12.12.12 ",
    "tlf 22 33 4 ",
    "nr nr nr nr ",
    "user ",
    "user kari x ",
    "user=a ",
    "user=",
    "(uid=1",
    "uid=1(",
    "for ",
    "none for x ",
    "\\x7F",
    "\\177",
    "Bearer A1aaaaaaaaaaaaaaa ",
    "/reset/A1aaaaaaaaaaaaaaa",
    "s-",
    "sk-",
];
