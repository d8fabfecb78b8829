//! Properties of the formats: what a directive writes is read back as it was or withheld, never as something else.
#![allow(missing_docs, clippy::unwrap_used)]

mod reference;

use proptest::prelude::*;
use sladd::{
    format::{self, Ending, Format, Parse},
    record::{Clock, Escape, Field, Kind, Record, State},
};

/// Directives of many shapes: quoted and bare values, neighbours, lists, all escapes, other servers' words.
const DIRECTIVES: &[&str] = &[
    "combined",
    "common",
    "vhost_combined",
    "main",
    "nginx:$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" \"$http_user_agent\" $request_time $upstream_response_time $pipe",
    "nginx:$http_x_forwarded_for - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" \"$http_user_agent\"",
    "nginx:$uri:$status",
    "nginx:$request_uri:$status:$upstream_response_time",
    "nginx:$remote_addr:$remote_port:$server_addr:$server_port",
    "nginx:$time_iso8601\t$host\t$request_uri\t$http_cookie\t$bytes_sent",
    "nginx:$msec $remote_addr $request_method $scheme://$host$request_uri $server_protocol $status",
    "nginx:escape=json {\"time\":\"$time_iso8601\",\"client\":\"$remote_addr\",\"user\":\"$remote_user\",\"request\":\"$request\",\"status\":$status,\"took\":\"$upstream_response_time\",\"agent\":\"$http_user_agent\"}",
    "nginx:escape=json {\"log\":\"$remote_addr - $remote_user [$time_local] \\\"$request\\\" $status $body_bytes_sent \\\"$http_referer\\\" \\\"$http_user_agent\\\"\"}",
    "nginx:escape=none $remote_addr \"$http_referer\" \"$http_user_agent\" $status",
    "nginx:$arg_a$arg_b $uri$is_args$args $status",
    "nginx:'$http_a' '$http_b'",
    "nginx:$http_a, $http_b; $upstream_addr | $upstream_status",
    "apache:%h %l %u %t \"%r\" %>s %b",
    "apache:%a %{X-Forwarded-For}i %u %{%Y-%m-%dT%H:%M:%S%z}t \"%m %U%q %H\" %s %D",
    "apache:%v|%h|%u|%{sec}t|%{User-Agent}i|%{SSL_PROTOCOL}x|%f",
];

/// What the server guarantees of a value, by the names that are its own words; anything else is a visitor's.
fn value(field: &Field, name: &str, apache: bool) -> BoxedStrategy<Vec<u8>> {
    let text = |pattern: &'static str| pattern.prop_map(String::into_bytes).boxed();
    match (field.kind, name) {
        (Kind::Address, "client.address" | "network.local.address") => prop_oneof![
            any::<[u8; 4]>().prop_map(|[a, b, c, d]| format!("{a}.{b}.{c}.{d}").into_bytes()),
            (any::<u16>(), any::<u16>(), any::<u16>())
                .prop_map(|(a, b, c)| format!("2001:db8:{a:x}::{b:x}:{c:x}").into_bytes()),
            any::<[u8; 4]>().prop_map(|[a, b, c, d]| format!("::ffff:{a}.{b}.{c}.{d}").into_bytes()),
        ]
        .boxed(),
        (Kind::Address, "upstream.address") => {
            text("192\\.0\\.2\\.[1-9]:80(, unix:/run/a\\.sock)?( : 198\\.51\\.100\\.[1-9]:8080)?")
        }
        (Kind::Number, "upstream.response.duration") => text("-|[0-9]\\.[0-9]{3}(, [0-9]\\.[0-9]{3})?( : -)?"),
        (Kind::Status, "upstream.status") => text("[2-5][0-9]{2}(, [2-5][0-9]{2})?( : [2-5][0-9]{2})?"),
        (Kind::Number, _) => text("0|[1-9][0-9]{0,4}"),
        (Kind::Status, _) => text("[1-5][0-9]{2}"),
        (Kind::Method, _) => text("GET|POST|M-SEARCH"),
        (Kind::Protocol, _) => text("HTTP/(1\\.[01]|2\\.0)"),
        (Kind::Word, "url.scheme") => text("http|https"),
        (Kind::Word, "connection.pipelined") => text("[p.]"),
        (Kind::Word, "nginx.is_args") => text("\\??"),
        (Kind::Word, _) => text("[A-Za-z0-9.]{1,8}"),
        (Kind::Host, "server.address") => text("[a-z]{1,8}\\.example\\.(com|net)"),
        (Kind::User, "user.ident") => text("-"),
        (Kind::Instant, _) => match field.clock {
            Some(Clock::Clf) => text("[0-3][0-9]/(Oct|Nov)/2026:1[0-9]:[0-5][0-9]:[0-5][0-9] \\+0[0-9]00"),
            Some(Clock::Rfc3339) if !apache => text("2026-1[0-2]-[0-2][0-9]T1[0-9]:[0-5][0-9]:[0-5][0-9]\\+00:00"),
            Some(Clock::Rfc3339) => text("2026-1[0-2]-[0-2][0-9]T1[0-9]:[0-5][0-9]:[0-5][0-9]\\+0000"),
            _ => text("17[0-9]{8}"),
        },
        _ => hostile(),
    }
}

/// Pieces that would end a value, or forge the next one, if they were taken for what they look like.
fn hostile() -> BoxedStrategy<Vec<u8>> {
    let piece = prop_oneof![
        Just(b"".to_vec()),
        Just(b"-".to_vec()),
        Just(b" - ".to_vec()),
        Just(b" ".to_vec()),
        Just(b"\"".to_vec()),
        Just(b"\\".to_vec()),
        Just(b"\" \"".to_vec()),
        Just(b" [21/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\"".to_vec()),
        Just(b"] \"".to_vec()),
        Just(b":200".to_vec()),
        Just(b" HTTP/1.1".to_vec()),
        Just(b"/a?b=c".to_vec()),
        Just(b"GET /a HTTP/1.1".to_vec()),
        Just(b"192.0.2.7".to_vec()),
        Just(b", ".to_vec()),
        Just(b"', '".to_vec()),
        Just(b"\t".to_vec()),
        Just(b"|".to_vec()),
        "[ -~]{0,6}".prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..4),
    ];
    proptest::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat()).boxed()
}

fn escape(value: &[u8], escape: Escape, apache: bool) -> Vec<u8> {
    let mut made = Vec::new();
    for &byte in value {
        match (escape, byte) {
            (Escape::None, b'\n') => {}
            (Escape::None, _) => made.push(byte),
            (Escape::Hex, b'"' | b'\\') if apache => made.extend([b'\\', byte]),
            (Escape::Hex, b'\t') if apache => made.extend(b"\\t"),
            (Escape::Hex, b'"' | b'\\' | ..=0x1f | 0x7f..) => made.extend(format!("\\x{byte:02X}").into_bytes()),
            (Escape::Json, b'"' | b'\\') => made.extend([b'\\', byte]),
            (Escape::Json, ..=0x1f) => made.extend(format!("\\u{byte:04X}").into_bytes()),
            (Escape::Hex | Escape::Json, _) => made.push(byte),
        }
    }
    made
}

/// The fields that one value of the directive takes: a request five, a target three, `%q` two.
fn groups(format: &Format) -> Vec<std::ops::Range<usize>> {
    let fields = &format.schema().fields;
    let name = |at: usize| fields.get(at).map_or("", |field| &*field.name);
    let mut groups = Vec::new();
    let mut at = 0;
    while at < fields.len() {
        let width = match (name(at), name(at + 1), name(at + 2)) {
            ("http.request.method", "url.path", "url.query") if name(at + 4) == "http.request.line" => 5,
            ("url.path", "url.query", "url.original") => 3,
            ("url.query", "url.original", _) => 2,
            _ => 1,
        };
        groups.push(at..at + width);
        at += width;
    }
    groups
}

fn rendered() -> impl Strategy<Value = (usize, Vec<Vec<u8>>)> {
    (0..DIRECTIVES.len()).prop_flat_map(|at| {
        let format = format::named(DIRECTIVES[at]).unwrap();
        let fields = &format.schema().fields;
        let apache = !DIRECTIVES[at].starts_with("nginx:");
        let values: Vec<_> = groups(&format)
            .into_iter()
            .map(|group| {
                let field = &fields[group.start];
                let style = field.escape;
                let value = match group.len() {
                    1 => value(field, &field.name, apache),
                    // A target is a path, or what the visitor sent.
                    3 => prop_oneof![
                        hostile().prop_map(|tail| [b"/".as_slice(), &tail].concat()),
                        "/[a-z/]{0,9}(\\?[a-z=]{0,5})?".prop_map(String::into_bytes)
                    ]
                    .boxed(),
                    2 => "(\\?[a-z=&]{1,9})?".prop_map(String::into_bytes).boxed(),
                    _ => prop_oneof![
                        hostile(),
                        "GET /[a-z/]{0,9}(\\?[a-z=]{0,5})? HTTP/1\\.1".prop_map(String::into_bytes)
                    ]
                    .boxed(),
                };
                value.prop_map(move |value| escape(&value, style, apache)).boxed()
            })
            .collect();
        (Just(at), values)
    })
}

/// The line that these values make, and where each of them stands.
fn written(format: &Format, values: &[Vec<u8>]) -> (Vec<u8>, Vec<std::ops::Range<usize>>) {
    let schema = format.schema();
    let mut line = Vec::new();
    let mut spans = Vec::new();
    for (group, value) in groups(format).iter().zip(values) {
        // The literal of `%q` and of its whole differ by the mark, which the value has.
        line.extend_from_slice(&schema.items[group.end - 1].literal);
        spans.push(line.len()..line.len() + value.len());
        line.extend_from_slice(value);
    }
    line.extend_from_slice(&schema.tail);
    (line, spans)
}

/// Each value stands where it was written, or is withheld.
fn read_or_withheld(
    format: &Format,
    line: &[u8],
    record: &Record,
    spans: &[std::ops::Range<usize>],
) -> Result<(), TestCaseError> {
    for (group, span) in groups(format).iter().zip(spans) {
        let values = record.values[group.clone()].iter();
        let stand: Vec<_> = values.filter(|value| value.state != State::Absent).collect();
        prop_assert!(!stand.is_empty());
        if stand.iter().any(|value| value.state != State::Present) {
            continue;
        }
        let mark = usize::from(group.len() == 2 && stand[0].field as usize == group.start);
        let (start, end) = (stand[0].span.start as usize - mark, stand[stand.len() - 1].span.end as usize);
        let name = &format.schema().fields[group.start].name;
        prop_assert_eq!(&(start..end), span, "{} in {}", name, String::from_utf8_lossy(line));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_value_is_read_where_it_was_written_or_withheld((at, values) in rendered()) {
        let format = format::named(DIRECTIVES[at]).unwrap();
        let (line, spans) = written(&format, &values);
        prop_assume!(!line.contains(&b'\n'));
        let mut record = Record::default();
        let read = format.parse(&line, Ending::Whole, &mut record);
        prop_assert!(read.is_ok(), "{}: {} {:?}", DIRECTIVES[at], String::from_utf8_lossy(&line), read);
        prop_assert_eq!(record.values.len(), format.schema().fields.len());
        read_or_withheld(&format, &line, &record, &spans)?;
    }

    #[test]
    fn a_cut_line_shows_no_half_value((at, values) in rendered(), cut in any::<prop::sample::Index>()) {
        let format = format::named(DIRECTIVES[at]).unwrap();
        let (line, spans) = written(&format, &values);
        prop_assume!(!line.contains(&b'\n'));
        let line = &line[..cut.index(line.len() + 1)];
        let mut record = Record::default();
        if format.parse(line, Ending::Cut, &mut record).is_ok() {
            read_or_withheld(&format, line, &record, &spans)?;
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(at in 0..DIRECTIVES.len(), line in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'"'), Just(b' '), Just(b'\\')], 0..200), cut in any::<bool>()) {
        let format = format::named(DIRECTIVES[at]).unwrap();
        let ending = if cut { Ending::Cut } else { Ending::Whole };
        let _ = format.parse(&line, ending, &mut Record::default());
    }

    #[test]
    fn a_combined_line_with_a_few_changes_is_read_as_by_the_plain_version(
        line in combined_line(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), "[ \"\\\\\\[\\]a0,.:\u{e5}\t-]"), 0..3),
    ) {
        let mut line: Vec<char> = line.chars().collect();
        for (at, char) in changes {
            let at = at.index(line.len());
            line[at] = char.chars().next().unwrap();
        }
        let line: String = line.into_iter().collect();
        same_as_plain(&line)?;
    }
}

fn combined_line() -> impl Strategy<Value = String> {
    let user = prop_oneof![3 => Just("-".to_owned()), 1 => "[a-z \\[\\]-]{0,8}", 1 => Just("\"\"".to_owned())];
    let request = prop_oneof![3 => "GET /[a-z?/]{0,9} HTTP/1\\.[01]", 1 => "([ -!#-\\[\\]-~]|\\\\\"|\\\\\\\\){0,12}"];
    let client = prop_oneof![
        Just("192.0.2.1"),
        Just("2001:db8::1"),
        Just("198.51.100.7, 192.0.2.1"),
        Just("-"),
        Just("localhost")
    ];
    let agent = "([ -!#-\\[\\]-~]|\\\\\"|\\\\\\\\){0,20}";
    (client, user, request, "[0-9]{3}|-", "[0-9]{1,6}|-", "-|https://www\\.example\\.com/", agent).prop_map(
        |(client, user, request, status, size, referer, agent)| {
            format!(
                "{client} - {user} [21/Nov/2026:10:00:00 +0000] \"{request}\" {status} {size} \"{referer}\" \"{agent}\""
            )
        },
    )
}

/// How many cases a property is tried on; `SLADD_CASES` gives more.
fn cases() -> u32 {
    std::env::var("SLADD_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(6000)
}

/// The nine values, where the identity is a dash.
fn same_as_plain(line: &str) -> Result<(), TestCaseError> {
    let format = format::named("combined").unwrap();
    let mut record = Record::default();
    let read = format.parse(line.as_bytes(), Ending::Whole, &mut record).is_ok();
    let plain = reference::combined::read(line);
    let present = |at: usize| record.values[at].state == State::Present;
    if read && (!present(1) || record.values[1].span.of(line.as_bytes()) != b"-") {
        return Ok(());
    }
    prop_assert_eq!(read, plain.is_some(), "{}", line);
    let Some(plain) = plain else { return Ok(()) };
    let stand: Vec<_> = record.values[4..9].iter().filter(|value| value.state == State::Present).collect();
    let request = &line[stand[0].span.start as usize..stand[stand.len() - 1].span.end as usize];
    let text = |at: usize| &line[record.values[at].span.start as usize..record.values[at].span.end as usize];
    prop_assert_eq!([text(0), text(1), text(2), text(3), request, text(9), text(10), text(11), text(12)], plain);
    Ok(())
}
