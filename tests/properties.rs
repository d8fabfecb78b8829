//! What must hold for any input, tried on thousands: nothing planted survives, hidden parts do not show, cutting the input
//! changes nothing, what came out is its own minimised form, and no bytes make it panic.
#![allow(clippy::unwrap_used)]

mod common;

use common::{as_json, builtin, cases, engine, line, minimised, run, with_format};
use proptest::prelude::*;
use sladd::{Engine, encode::Batch, frame::LineBuffer, policy::Policy, tally::Tally};
use std::cell::RefCell;

/// An identifier, the spelling in which it stands, and texts that betray it.
#[derive(Clone, Debug)]
struct Planted {
    written: String,
    traces: Vec<String>,
}

fn octets() -> impl Strategy<Value = [u8; 4]> {
    // The last two octets have two or three digits, so that a trace is not found in harmless numbers.
    (1u8..=223, 0u8..=255, 100u8..=255, 101u8..=255)
        .prop_map(|(a, b, c, d)| [a, b, c, d])
        // Else what stays says what goes.
        .prop_filter("two pairs of octets that differ", |[a, b, c, d]| {
            (b, c) != (c, d) && (a, b) != (c, d) && (a, b) != (d, c)
        })
}

fn address() -> impl Strategy<Value = Planted> {
    (octets(), 0usize..12).prop_map(|([a, b, c, d], spelling)| {
        let written = match spelling {
            0 => format!("{a}.{b}.{c}.{d}"),
            1 => format!("{a}.{b}.{c}.{d}:51234"),
            2 => format!("[{a}.{b}.{c}.{d}]"),
            3 => format!("::ffff:{a}.{b}.{c}.{d}"),
            4 => format!("{a}%2E{b}%2e{c}%2E{d}"),
            5 => format!("{a}%252e{b}%252e{c}%252e{d}"),
            6 => format!("http://{a}.{b}.{c}.{d}/x"),
            7 => format!("{a}-{b}-{c}-{d}.dialup.example.net"),
            8 => format!("{d}.{c}.{b}.{a}.in-addr.arpa"),
            9 => format!("ip-{a}-{b}-{c}-{d}"),
            10 => format!("({a}.{b}.{c}.{d})"),
            _ => format!("x={a}.{b}.{c}.{d},y"),
        };
        let traces = vec![
            format!("{c}.{d}"),
            format!("{c}-{d}"),
            format!("{d}.{c}.{b}"),
            format!("{c}%2E{d}"),
            format!("{c}%252e{d}"),
        ];
        Planted { written, traces }
    })
}

fn address_v6() -> impl Strategy<Value = Planted> {
    // From 0x3000: `2001` and `2026` stand in the prefix and in the date.
    (0x3000u16..0xffff, 0x3000u16..0xffff, 0x3000u16..0xffff, 0usize..6).prop_map(|(a, b, c, spelling)| {
        let written = match spelling {
            0 => format!("2001:db8:1:{a:x}::{b:x}:{c:x}"),
            1 => format!("[2001:db8:1:{a:x}::{b:x}:{c:x}]:443"),
            2 => format!("2001:DB8:1:{a:X}:0:0:{b:X}:{c:X}"),
            3 => format!("2001%3Adb8%3A1%3A{a:x}%3A%3A{b:x}%3A{c:x}"),
            4 => format!("2001:db8:1:{a:x}::{b:x}:{c:x}%eth0"),
            _ => format!("http://[2001:db8:1:{a:x}::{b:x}:{c:x}]/"),
        };
        Planted { written, traces: vec![format!("{c:x}"), format!("{c:X}"), format!("{a:x}"), format!("{a:X}")] }
    })
}

fn email() -> impl Strategy<Value = Planted> {
    ("[a-z]{5,9}", "[a-z]{5,9}", 0usize..5).prop_map(|(first, last, spelling)| {
        let (first, last) = (format!("zq{first}"), format!("qz{last}"));
        let written = match spelling {
            0 => format!("{first}.{last}@example.org"),
            1 => format!("{first}.{last}%40example.org"),
            2 => format!("{first}+{last}@mail.example.co.uk"),
            3 => format!("mailto:{first}_{last}@example.org"),
            _ => format!("{first}.{last}%2540example.org"),
        };
        Planted { written, traces: vec![first, last] }
    })
}

fn token() -> impl Strategy<Value = Planted> {
    prop_oneof![
        "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}",
        "[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-A[0-9A-F]{3}-[0-9A-F]{12}",
        "[0-9a-f]{3}[a-f][0-9][0-9a-f]{27}",
        "eyJhbGciOiJIUzI1NiJ9\\.eyJzdWIiOiI[A-Za-z0-9]{12}\\.[A-Za-z0-9_-]{40}",
        "[0-9a-f]{2}:[0-9a-f]{2}:5e:00:[0-9a-f]{2}:[0-9a-f]{2}",
    ]
    .prop_map(|written| {
        let traces = vec![written[written.len() - 8..].to_owned()];
        Planted { written, traces }
    })
}

fn planted() -> impl Strategy<Value = Planted> {
    prop_oneof![3 => address(), 2 => address_v6(), 2 => email(), 2 => token()]
}

/// A line with one value planted at one place.
fn rendered(place: usize, value: &str) -> (&'static str, String) {
    let time = "21/Nov/2026:10:00:00 +0100";
    let combined = |client: &str, user: &str, target: &str, referer: &str, agent: &str| {
        format!("{client} - {user} [{time}] \"GET {target} HTTP/1.1\" 200 512 \"{referer}\" \"{agent}\"")
    };
    let quiet = "192.0.2.1";
    match place {
        0 => ("auto", combined(value, "-", "/", "-", "curl/8.5.0")),
        1 => ("auto", combined(quiet, value, "/", "-", "curl/8.5.0")),
        2 => ("auto", combined(quiet, "-", &format!("/a/{value}/b"), "-", "-")),
        3 => ("auto", combined(quiet, "-", &format!("/a?x={value}&y=1"), "-", "-")),
        4 => ("auto", combined(quiet, "-", &format!("/a?{value}"), "-", "-")),
        5 => ("auto", combined(quiet, "-", "/", &format!("https://example.org/p?u={value}"), "-")),
        6 => ("auto", combined(quiet, "-", "/", &format!("https://{value}/"), "-")),
        7 => ("auto", combined(quiet, "-", "/", "-", &format!("Mozilla/5.0 (X11; {value}) Firefox/128.0"))),
        8 => ("auto", format!("something happened to {value} today")),
        9 => ("auto", format!("{{\"remote_addr\":\"{quiet}\",\"message\":\"seen {value} here\",\"status\":200}}")),
        10 => {
            ("auto", format!("{{\"request\":{{\"remote_ip\":\"{value}\",\"uri\":\"/a?x={value}\"}},\"status\":200}}"))
        }
        11 => (
            "nginx:$http_x_forwarded_for - $remote_user [$time_local] \"$request\" $status",
            format!("{value} - - [{time}] \"GET / HTTP/1.1\" 200"),
        ),
        12 => ("auto", format!("{quiet} - - [{time}] \"{value}\" 400 0 \"-\" \"-\"")),
        _ => (
            "nginx:$remote_addr \"$request\" \"$http_x_any\" \"$cookie_any\" $upstream_addr",
            format!("{quiet} \"GET / HTTP/1.1\" \"{value}\" \"{value}\" {value}"),
        ),
    }
}

const PLACES: usize = 14;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn nothing_planted_survives(
        value in planted(), place in 0..PLACES, layout in any::<bool>(), name in prop_oneof!["hosting", "strict"]
    ) {
        let (format, text) = rendered(place, &value.written);
        let mut policy = with_format(builtin(&name), format);
        if layout {
            policy = as_json(policy);
        }
        let out = line(&policy, &text);
        for trace in &value.traces {
            prop_assert!(!out.contains(trace.as_str()), "place {place} of {name}: {text}\n gave {out}");
        }
    }

    #[test]
    fn under_minimal_no_address_survives(value in prop_oneof![address(), address_v6()], place in 0..PLACES) {
        let (_, text) = rendered(place, &value.written);
        let out = line(&builtin("minimal"), &text);
        for trace in &value.traces {
            prop_assert!(!out.contains(trace.as_str()), "place {place}: {text}\n gave {out}");
        }
    }

    #[test]
    fn what_is_hidden_does_not_show(first in planted(), other in 0u8..4, place in 2..PLACES) {
        // Two lines that differ only in low bits of an address in the client's place.
        let (format, text) = rendered(place, &first.written);
        let policy = with_format(builtin("hosting"), format);
        let a = text.replace("192.0.2.1", &format!("192.0.2.{}", 10 + other));
        let b = text.replace("192.0.2.1", &format!("192.0.2.{}", 200 + other));
        prop_assert_eq!(line(&policy, &a), line(&policy, &b));
    }

    #[test]
    fn any_cutting_of_the_input_gives_the_same_output(cuts in prop::collection::vec(1usize..700, 1..60), sample in 0usize..4) {
        let lines = std::fs::read(format!("{}/samples/logs/{}.log", env!("CARGO_MANIFEST_DIR"),
            ["nginx-combined", "nginx-json", "text", "apache-vhost-combined"][sample])).unwrap();
        let policy = builtin("hosting");
        let (whole, tally) = minimised(&policy, &lines);
        prop_assert!(tally.balances());
        let (pieces, sum) = cut(&policy, &lines, &cuts);
        prop_assert_eq!(sum.lines, tally.lines);
        prop_assert!(whole == pieces);
    }

    #[test]
    fn what_came_out_is_its_own_minimised_form(value in planted(), place in 0..PLACES, name in prop_oneof!["hosting", "strict", "minimal"]) {
        let (format, text) = rendered(place, &value.written);
        let policy = with_format(builtin(&name), format);
        let once = line(&policy, &text);
        let (_, tally) = minimised(&policy, format!("{once}\n").as_bytes());
        let (_, before) = minimised(&policy, format!("{text}\n").as_bytes());
        prop_assert!(tally.unmatched <= before.unmatched, "{text}\n gave {once}\n which no longer fits");
        prop_assert_eq!(line(&policy, &once), once);
    }

    #[test]
    fn a_line_that_is_made_json_in_one_go_is_what_its_values_make_one_by_one(
        (client, user, time, request) in (
            prop_oneof![
                "198\\.51\\.100\\.[0-9]{1,3}", "2001:db8:[0-9a-f]{1,4}::[0-9a-f]{1,4}", "-|gw\\.example\\.org",
                address().prop_map(|value| value.written)
            ],
            "-|-|bob",
            prop_oneof![3 => Just("21/Nov/2026:10:00:00 +0100"), 1 => Just("21/Nov/2026:99:00:00 +0100")],
            prop_oneof![
                4 => "(GET|POST|HEAD) /[a-z/.-]{0,40}(\\?[a-z]{1,5}=[a-z0-9&=%]{0,20})? HTTP/[12]\\.[01]",
                1 => planted().prop_map(|value| format!("GET /a/{}/b?x={} HTTP/1.1", value.written, value.written)),
                1 => "[ !#-\\[\\]-~]{0,40}",
            ],
        ),
        (status, size, referer, agent, more) in (
            "[0-9]{3}", "0|00|[1-9][0-9]{0,9}|[0-9]{1,21}", "-||https://[a-z.]{1,20}/[!#-\\[\\]-~]{0,30}|[ !#-~]{0,40}",
            "-||curl/8\\.5\\.0|Mozilla/5\\.0 \\(X11; Linux x86_64\\) Firefox/1[0-9]{2}|[ !#-\\[\\]-~]{0,60}",
            prop::option::of("-|[ !#-\\[\\]-~]{0,30}"),
        ),
        policy in 0usize..6,
    ) {
        let more = more.map_or(String::new(), |text| format!(" \"{text}\""));
        let text = format!("{client} - {user} [{time}] \"{request}\" {status} {size} \"{referer}\" \"{agent}\"{more}");
        // Lines that end like the first are not read by sight.
        let [(plain, tally), (quick, other)] = ["\r\n", "\n"].map(|end| {
            ENGINES.with_borrow_mut(|engines| run(&mut engines[policy], format!("{text}{end}").as_bytes()))
        });
        prop_assert_eq!(String::from_utf8(quick.clone()).unwrap(), String::from_utf8(plain).unwrap());
        prop_assert_eq!(tally.minimised, other.minimised);
        prop_assert!(quick.is_empty() || serde_json::from_slice::<serde_json::Value>(&quick).is_ok());
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_every_line_is_counted(
        bytes in prop::collection::vec(any::<u8>(), 0..600), name in prop_oneof!["hosting", "strict", "minimal"], layout in any::<bool>()
    ) {
        let mut policy = builtin(&name);
        if layout {
            policy = as_json(policy);
        }
        let (out, tally) = minimised(&policy, &bytes);
        prop_assert!(tally.balances(), "{tally:?}");
        prop_assert_eq!(tally.bytes_in, bytes.len() as u64);
        prop_assert_eq!(tally.bytes_out, out.len() as u64);
        if name != "minimal" {
            prop_assert!(out.iter().all(|&b| b == b'\n' || b == b'\t' || b == b'\r' || (b >= 0x20 && b != 0x7f)));
        }
        if !layout {
            prop_assert_eq!(out.iter().filter(|&&b| b == b'\n').count() as u64, tally.lines);
        }
    }

    #[test]
    fn log_like_bytes_never_panic(text in "([0-9a-fA-F.:%@/\\\\\\[\\]\"{}, =&?-]|GET |HTTP/1.1|\\[21/Nov/2026:10:00:00 \\+0100\\]|\\\\x2e|%40|example){0,80}") {
        for name in ["hosting", "strict", "minimal"] {
            let (_, tally) = minimised(&builtin(name), text.as_bytes());
            prop_assert!(tally.balances());
        }
    }
}

thread_local! {
    /// One for each [`flat_policy`].
    static ENGINES: RefCell<Vec<Engine>> = RefCell::new((0..6).map(|at| engine(&as_json(flat_policy(at)))).collect());
}

/// Policies that differ in what becomes of the values of `combined`.
fn flat_policy(which: usize) -> Policy {
    let drop = "{ treatment = \"drop\" }";
    let fields: &[(&str, &str)] = match which {
        0..=2 => return builtin(["hosting", "strict", "minimal"][which]),
        3 => &[("client.address", drop), ("timestamp", drop), ("user_agent.original", drop)],
        4 => &[
            ("user.name", drop),
            ("http.request.method", drop),
            ("http.response.status_code", drop),
            ("url.path", drop),
        ],
        _ => &[
            ("http.response.body.size", "{ treatment = \"coarsen\", step = 100 }"),
            ("http.request.header.referer", "{ treatment = \"scrub\" }"),
            ("user_agent.original", "{ treatment = \"scrub\" }"),
        ],
    };
    let fields: String = fields.iter().map(|(name, treatment)| format!("\"{name}\" = {treatment}\n")).collect();
    common::policy(&format!("base = \"hosting\"\nname = \"t\"\nversion = 1\n[fields]\n{fields}"))
}

/// The lines, fed through a line buffer in portions of these sizes.
fn cut(policy: &Policy, lines: &[u8], cuts: &[usize]) -> (Vec<u8>, Tally) {
    let mut engine = engine(policy);
    let mut buffer = LineBuffer::new(8_192, 65_536);
    let (mut out, mut sum) = (Vec::new(), Tally::default());
    let mut rest = lines;
    let mut sizes = cuts.iter().cycle();
    while !rest.is_empty() {
        let space = buffer.space();
        let n = (*sizes.next().unwrap()).min(space.len()).min(rest.len());
        space[..n].copy_from_slice(&rest[..n]);
        buffer.filled(n);
        rest = &rest[n..];
        let whole = buffer.lines().to_vec();
        if !whole.is_empty() {
            let (bytes, tally) = run(&mut engine, &whole);
            out.extend(bytes);
            sum += tally;
            buffer.consume(whole.len());
        }
    }
    let last = buffer.finish().to_vec();
    if !last.is_empty() {
        let (bytes, tally) = run(&mut engine, &last);
        out.extend(bytes);
        sum += tally;
    }
    (out, sum)
}

#[test]
fn the_traces_would_be_seen() {
    // The check can fail: a kept value shows its trace.
    let policy = common::policy(
        "base = \"hosting\"\nname = \"t\"\nversion = 1\n[fields]\n\"client.address\" = { treatment = \"keep\", reason = \"test\" }\n",
    );
    assert!(line(&policy, &rendered(0, "203.0.113.177").1).contains("113.177"));
    let _ = Batch::default();
}
