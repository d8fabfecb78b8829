//! What is sent over the network arrives, through whatever stands between; and nothing that comes back is shown.
#![cfg(feature = "net")]
#![allow(clippy::unwrap_used)]

mod receivers;

use receivers::{
    Certificates, Dice, PLANTED, deliver,
    flaky::{self, End, SOUND, Whim},
    forward::{self, Manners, Value},
    http::{self, Server, answer, serve},
    long, numbered, parcel, remote, send, short, syslog, unpack, until,
};
use sladd::output::remote::{Address, Away, Fault, Forward, Framing, Http, Receiver, Remote, Settings, Shape, Syslog};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

fn loki() -> Shape {
    Shape::Loki { labels: vec![("job".into(), "web \"1\"".into()), ("_x".into(), "y".into())] }
}

fn elasticsearch() -> Shape {
    Shape::Elasticsearch { index: Some("logs-web-1".into()) }
}

fn to(server: &Server, shape: Shape) -> Http {
    Http::new(format!("http://{}", server.address), shape)
}

fn two() -> Vec<Vec<u8>> {
    vec![parcel(1, 1_795_262_461, "one\ntwo\u{e5}\n\nthree\r\n"), parcel(2, 1_795_262_461, "{\"a\":1}\none\n{}\n")]
}

fn ids(parcels: &[Vec<u8>]) -> Vec<String> {
    parcels.iter().flat_map(|bytes| unpack(bytes).records()).map(|(id, _)| id.to_string()).collect()
}

/// Answers as Elasticsearch does, with these statuses in turn.
fn bulk(statuses: impl IntoIterator<Item = u16>) -> Vec<u8> {
    let items: Vec<String> = statuses
        .into_iter()
        .map(|status| {
            let error = if status < 300 { String::new() } else { format!(",\"error\":{{\"reason\":\"{PLANTED}\"}}") };
            format!("{{\"create\":{{\"_index\":\"x\",\"_id\":\"y\",\"status\":{status}{error}}}}}")
        })
        .collect();
    answer(200, "", &format!("{{\"took\":3,\"errors\":true,\"items\":[{}]}}", items.join(",")))
}

#[test]
fn loki_gets_one_stream_in_order_with_a_time_of_its_own_for_each_record() {
    let server = serve(|_| answer(204, "", ""));
    let mut remote = remote(Receiver::Http(to(&server, loki())), long());
    let parcels = two();
    assert_eq!(send(&mut remote, &parcels).acknowledged, 2);
    let seen = server.seen.lock().unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].line, "POST /loki/api/v1/push HTTP/1.1");
    assert_eq!(seen[0].header("content-type"), Some("application/json"));
    assert_eq!(seen[0].header("content-encoding"), Some("gzip"));
    assert_eq!(seen[0].header("authorization"), None);
    let json = seen[0].json();
    assert_eq!(json["streams"].as_array().unwrap().len(), 1);
    assert_eq!(json["streams"][0]["stream"], serde_json::json!({"job": "web \"1\"", "_x": "y"}));
    let values = seen[0].loki();
    let lines: Vec<&str> = values.iter().map(|(_, _, line)| line.as_str()).collect();
    assert_eq!(lines, ["one", "two\u{e5}", "three", "{\"a\":1}", "one", "{}"]);
    assert_eq!(values.iter().map(|(id, ..)| id.clone()).collect::<Vec<_>>(), ids(&parcels));
    assert!(values.windows(2).all(|pair| pair[0].1 < pair[1].1));
    assert!(values.iter().all(|(_, nanos, _)| nanos / 1_000_000_000 == 1_795_262_461));
}

#[test]
fn a_record_that_is_sent_again_to_loki_has_the_same_time_and_the_next_parcels_go_on_from_it() {
    let fails = Arc::new(AtomicUsize::new(1));
    let left = Arc::clone(&fails);
    let server = serve(move |_| {
        let failing = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        answer(if failing { 503 } else { 204 }, "", PLANTED)
    });
    let settings = to(&server, loki());
    let mut remote_of_all = remote(Receiver::Http(settings.clone()), long());
    let parcels = [two(), vec![parcel(3, 1_795_262_461, "one\n"), parcel(4, 1_795_262_462, "one\n")]].concat();
    assert_eq!(send(&mut remote_of_all, &parcels[..2]).fault.unwrap().class(), "busy");
    assert_eq!(send(&mut remote_of_all, &parcels[..2]).acknowledged, 2);
    assert_eq!(send(&mut remote_of_all, &parcels[2..]).acknowledged, 2);
    // Another run begins with what this one may have sent already.
    let mut again = remote(Receiver::Http(settings), long());
    assert_eq!(send(&mut again, &parcels[..2]).acknowledged, 2);
    let seen = server.seen.lock().unwrap();
    assert_eq!(seen[0].loki(), seen[1].loki());
    assert_eq!(seen[0].loki(), seen[3].loki());
    let all: Vec<u64> = seen[1..3].iter().flat_map(|request| request.loki()).map(|(_, nanos, _)| nanos).collect();
    assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "{all:?}");
}

#[test]
fn elasticsearch_gets_documents_under_their_ids_with_a_time_where_they_have_none() {
    let server = serve(|request| bulk(request.bulk().iter().map(|_| 201)));
    let mut remote = remote(Receiver::Http(to(&server, elasticsearch())), long());
    let parcels =
        vec![parcel(1, 1_795_262_461, "text \\ \"x\"\n{\"a\":1}\n{}\n{\"@timestamp\":\"t\",\"b\":{}}\n{\"broken\n")];
    assert_eq!(send(&mut remote, &parcels).acknowledged, 1);
    let seen = server.seen.lock().unwrap();
    assert_eq!(seen[0].line, "POST /logs-web-1/_bulk HTTP/1.1");
    assert_eq!(seen[0].header("content-type"), Some("application/x-ndjson"));
    let documents = seen[0].bulk();
    assert_eq!(documents.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>(), ids(&parcels));
    let time = "2026-11-21T12:01:01Z";
    let expected = [
        serde_json::json!({"@timestamp": time, "message": "text \\ \"x\""}),
        serde_json::json!({"@timestamp": time, "a": 1}),
        serde_json::json!({"@timestamp": time}),
        serde_json::json!({"@timestamp": "t", "b": {}}),
        serde_json::json!({"@timestamp": time, "message": "{\"broken"}),
    ];
    assert_eq!(documents.into_iter().map(|(_, document)| document).collect::<Vec<_>>(), expected);
}

#[test]
fn of_a_bulk_that_failed_in_part_the_rest_is_sent_again_and_what_is_refused_is_counted_once() {
    // The first time the third record has no room, the fourth is refused and the others are taken.
    let turns = Arc::new(AtomicUsize::new(0));
    let turn = Arc::clone(&turns);
    let server = serve(move |request| match turn.fetch_add(1, Ordering::SeqCst) {
        0 => bulk([201, 201, 429, 400, 201, 201]),
        _ => bulk(request.bulk().iter().enumerate().map(|(place, _)| if place == 3 { 400 } else { 409 })),
    });
    let mut remote = remote(Receiver::Http(to(&server, elasticsearch())), long());
    let parcels = [vec![parcel(9, 1, "a\nb\n")], vec![parcel(1, 1, "a\nb\n"), parcel(2, 1, "c\nd\n")]].concat();
    let sent = send(&mut remote, &parcels);
    assert_eq!((sent.acknowledged, sent.rejected), (1, 0));
    assert_eq!(sent.fault, Some(Fault::Busy { status: 429, after: None }));
    let sent = send(&mut remote, &[parcels[0].clone(), parcels[1].clone(), parcels[2].clone()]);
    assert_eq!((sent.acknowledged, sent.rejected, sent.fault), (3, 1, None));
}

#[test]
fn otlp_gets_log_records_and_what_it_refuses_is_counted() {
    let server = serve(|_| {
        let partial = format!("{{\"partialSuccess\":{{\"rejectedLogRecords\":\"2\",\"errorMessage\":\"{PLANTED}\"}}}}");
        answer(200, "Content-Type: application/json\r\n", &partial)
    });
    let shape = Shape::Otlp { resource: vec![("service.name".into(), "web".into())] };
    let mut remote = remote(Receiver::Http(to(&server, shape)), long());
    let parcels = two();
    let sent = send(&mut remote, &parcels);
    assert_eq!((sent.acknowledged, sent.rejected, sent.fault), (2, 2, None));
    let seen = server.seen.lock().unwrap();
    assert_eq!(seen[0].line, "POST /v1/logs HTTP/1.1");
    let logs = &seen[0].json()["resourceLogs"][0];
    assert_eq!(
        logs["resource"]["attributes"],
        serde_json::json!([{"key": "service.name", "value": {"stringValue": "web"}}])
    );
    let records = logs["scopeLogs"][0]["logRecords"].as_array().unwrap();
    let uids: Vec<&str> =
        records.iter().map(|record| record["attributes"][0]["value"]["stringValue"].as_str().unwrap()).collect();
    assert_eq!(uids, ids(&parcels));
    assert!(records.iter().all(|record| record["attributes"][0]["key"] == "log.record.uid"));
    assert_eq!(records[1]["body"]["stringValue"], "two\u{e5}");
    assert!(records[1]["observedTimeUnixNano"].as_str().unwrap().starts_with("1795262461"));
}

#[test]
fn ndjson_is_an_object_a_line_with_a_key_for_the_whole_request() {
    let server = serve(|_| answer(200, "", PLANTED));
    let mut settings = Http::new(format!("http://{}/in?x=1", server.address), Shape::Ndjson);
    settings.headers.push(("X-Scope-OrgID".into(), "tenant 1".into()));
    let mut remote = remote(Receiver::Http(settings), long());
    let parcels = two();
    assert_eq!(send(&mut remote, &parcels).acknowledged, 2);
    let seen = server.seen.lock().unwrap();
    assert_eq!(seen[0].line, "POST /in?x=1 HTTP/1.1");
    assert_eq!(seen[0].header("content-encoding"), None);
    assert_eq!(seen[0].header("x-scope-orgid"), Some("tenant 1"));
    let ids = ids(&parcels);
    assert_eq!(seen[0].header("idempotency-key"), Some(format!("\"{}/{}\"", ids[0], ids[5]).as_str()));
    let expected = "{\"message\":\"one\"}\n{\"message\":\"two\u{e5}\"}\n{\"message\":\"three\"}\n{\"a\":1}\n{\"message\":\"one\"}\n{}\n";
    assert_eq!(std::str::from_utf8(&seen[0].body).unwrap(), expected);
}

#[test]
fn a_connection_serves_many_requests_and_one_that_the_server_closed_is_made_again() {
    let server = serve(|request| {
        let last = request.body.windows(4).any(|bytes| bytes == b"last");
        answer(200, if last { "Connection: close\r\n" } else { "" }, "")
    });
    let mut remote = remote(Receiver::Http(to(&server, Shape::Ndjson)), long());
    for number in 0..5 {
        assert_eq!(send(&mut remote, &[parcel(number, 1, "x\n")]).acknowledged, 1);
    }
    assert_eq!(*server.connections.lock().unwrap(), 1);
    assert_eq!(send(&mut remote, &[parcel(5, 1, "last\n")]).acknowledged, 1);
    assert_eq!(send(&mut remote, &[parcel(6, 1, "x\n")]).acknowledged, 1);
    assert_eq!(*server.connections.lock().unwrap(), 2);
}

#[test]
fn an_idle_connection_that_was_closed_without_a_word_costs_no_fault() {
    let server = serve(|_| answer(204, "", ""));
    let (address, count) = flaky::before(server.address, |number| match number {
        // The answer goes through, then the connection ends.
        0 => Whim { up: None, down: Some((answer(204, "", "").len(), End::Close)) },
        _ => SOUND,
    });
    let mut remote = remote(Receiver::Http(Http::new(format!("http://{address}"), loki())), long());
    assert_eq!(send(&mut remote, &two()).acknowledged, 2);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(send(&mut remote, &two()).fault, None);
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[test]
fn what_is_too_much_is_halved_and_one_line_that_is_too_long_alone_is_refused_and_counted() {
    let server = serve(|request| match request.body.len() {
        0..=600 => answer(200, "", ""),
        _ => answer(413, "", PLANTED),
    });
    let mut remote = remote(Receiver::Http(to(&server, Shape::Ndjson)), long());
    let lines: String = (0..100).map(|line| format!("line {line} {}\n", "x".repeat(40))).collect();
    let parcels = [parcel(1, 1, &lines), parcel(2, 1, &format!("a\n{}\nb\n", "y".repeat(900))), parcel(3, 1, "c\n")];
    let sent = send(&mut remote, &parcels);
    assert_eq!((sent.acknowledged, sent.rejected, sent.fault), (3, 1, None));
    assert!(remote.most_bytes() < 1 << 20);
    let seen = server.seen.lock().unwrap();
    let taken: Vec<u8> =
        seen.iter().filter(|request| request.body.len() <= 600).flat_map(|request| request.body.clone()).collect();
    assert_eq!(taken.iter().filter(|&&byte| byte == b'\n').count(), 103);
}

#[test]
fn a_refusal_that_comes_before_the_body_was_read_is_understood() {
    // The server reads some of a long body, says that it is too much, and closes.
    let address = http::rude(1_000, answer(413, "Connection: close\r\n", PLANTED));
    let mut remote = remote(Receiver::Http(Http::new(format!("http://{address}"), Shape::Ndjson)), long());
    let long_line = format!("{}\n", "x".repeat(30 << 20));
    let sent = send(&mut remote, &[parcel(1, 1, &long_line)]);
    assert_eq!((sent.acknowledged, sent.rejected, sent.fault), (1, 1, None));
    // And a success that comes too early is none.
    let address = http::rude(1_000, answer(200, "Connection: close\r\n", PLANTED));
    let mut remote = receivers::remote(Receiver::Http(Http::new(format!("http://{address}"), Shape::Ndjson)), long());
    let sent = send(&mut remote, &[parcel(1, 1, &long_line)]);
    assert_eq!(sent.acknowledged, 0);
}

#[test]
fn one_record_that_is_refused_costs_no_other() {
    for poison in [0, 1, 500, 999] {
        let server = serve(move |request| {
            let is_in = String::from_utf8_lossy(&request.body).contains(&format!("\"line {poison}\""));
            answer(if is_in { 400 } else { 204 }, "", PLANTED)
        });
        let mut remote = remote(Receiver::Http(to(&server, loki())), long());
        let lines: String = (0..1000).map(|line| format!("line {line}\n")).collect();
        let sent = send(&mut remote, &[parcel(1, 1, &lines), parcel(2, 1, "good\n")]);
        assert_eq!((sent.acknowledged, sent.rejected, sent.fault), (2, 1, None), "{poison}");
        assert!(server.seen.lock().unwrap().len() < 50);
    }
}

#[test]
fn where_nothing_was_ever_taken_a_refusal_costs_no_record() {
    let good = Arc::new(AtomicBool::new(false));
    let now_good = Arc::clone(&good);
    let server = serve(move |_| answer(if now_good.load(Ordering::SeqCst) { 204 } else { 400 }, "", PLANTED));
    let mut remote = remote(Receiver::Http(to(&server, loki())), long());
    let (parcels, _) = numbered(20, 100);
    for _ in 0..3 {
        let sent = send(&mut remote, &parcels);
        assert_eq!((sent.acknowledged, sent.rejected, sent.fault), (0, 0, Some(Fault::Refused(400))));
    }
    assert!(server.seen.lock().unwrap().len() < 3 * 210);
    good.store(true, Ordering::SeqCst);
    let sent = send(&mut remote, &parcels);
    assert_eq!((sent.acknowledged, sent.rejected, sent.fault), (20, 0, None));
}

#[test]
fn each_status_has_its_fault_and_loses_nothing() {
    let second = Duration::from_secs(1);
    for (status, headers, fault) in [
        (408, "", Fault::Busy { status: 408, after: None }),
        (429, "Retry-After: 17\r\n", Fault::Busy { status: 429, after: Some(17 * second) }),
        (503, "Retry-After: 999999999\r\n", Fault::Busy { status: 503, after: Some(3_600 * second) }),
        (500, "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n", Fault::Busy { status: 500, after: None }),
        (401, "", Fault::Denied(401)),
        (403, "", Fault::Denied(403)),
        (404, "", Fault::Misplaced(404)),
        (405, "", Fault::Misplaced(405)),
        (302, "Location: http://203.0.113.77/\r\n", Fault::Misplaced(302)),
        (307, "Location: http://203.0.113.77/\r\n", Fault::Misplaced(307)),
    ] {
        let server = serve(move |_| answer(status, headers, PLANTED));
        let mut remote = remote(Receiver::Http(to(&server, loki())), long());
        let sent = send(&mut remote, &two());
        assert_eq!((sent.acknowledged, sent.rejected, sent.fault), (0, 0, Some(fault)), "{status}");
        assert_eq!(server.seen.lock().unwrap().len(), 1);
    }
}

#[test]
fn answers_that_are_none_are_a_fault_without_a_byte_of_them() {
    let shapes = [loki(), elasticsearch(), Shape::Otlp { resource: Vec::new() }, Shape::Ndjson];
    for answer in [
        format!("{PLANTED}\r\n\r\n").into_bytes(),
        format!("HTTP/1.1 200 {PLANTED}\r\nContent-Length: 50\r\n\r\n{PLANTED}").into_bytes(),
        format!("HTTP/1.1 200 OK\r\n{PLANTED}\r\n\r\n").into_bytes(),
        format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(100_000)).into_bytes(),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_vec(),
        b"SSH-2.0-x\r\n".to_vec(),
        b"\x15\x03\x01\x00\x02\x02\x46".to_vec(),
    ] {
        for shape in &shapes {
            let address = http::rude(100, answer.clone());
            let mut remote = remote(Receiver::Http(Http::new(format!("http://{address}"), shape.clone())), short());
            let sent = send(&mut remote, &two());
            assert_eq!((sent.acknowledged, sent.rejected), (0, 0), "{:?}", String::from_utf8_lossy(&answer));
        }
    }
    for body in
        ["", "{}", "[]", "{\"items\":[]}", PLANTED, "{\"items\":[{\"create\":{\"status\":201}}]}", "{\"items\":\"x\"}"]
    {
        let server = serve(move |_| answer(200, "", body));
        let mut remote = remote(Receiver::Http(to(&server, elasticsearch())), long());
        let sent = send(&mut remote, &two());
        assert_eq!((sent.acknowledged, sent.fault), (0, Some(Fault::Answer)), "{body}");
    }
    for body in [
        "",
        "[1]x",
        PLANTED,
        "{\"partialSuccess\":{\"rejectedLogRecords\":7}}",
        "{\"partialSuccess\":{\"rejectedLogRecords\":\"-1\"}}",
    ] {
        let server = serve(move |_| answer(200, "", body));
        let mut remote = remote(Receiver::Http(to(&server, Shape::Otlp { resource: Vec::new() })), long());
        assert_eq!(send(&mut remote, &two()).fault, Some(Fault::Answer), "{body}");
    }
}

#[test]
fn a_server_that_says_continue_first_is_waited_for() {
    let server = serve(|_| [b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(), answer(204, "", "")].concat());
    let mut remote = remote(Receiver::Http(to(&server, loki())), long());
    for _ in 0..3 {
        let sent = send(&mut remote, &two());
        assert_eq!((sent.acknowledged, sent.fault), (2, None));
    }
}

#[test]
fn a_token_is_sent_and_read_again_when_it_was_changed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    let put = |token: &str| {
        let new = directory.path().join("new");
        fs::write(&new, token).unwrap();
        fs::set_permissions(&new, fs::Permissions::from_mode(0o400)).unwrap();
        fs::rename(&new, &path).unwrap();
    };
    put("first\n");
    let (to_change, changed) = (path.clone(), AtomicBool::new(false));
    let room = directory.path().to_owned();
    let server = serve(move |request| match request.header("authorization") {
        Some("Bearer second") => answer(204, "", ""),
        // It is changed while the request is on its way.
        Some("Bearer first") => {
            if !changed.swap(true, Ordering::SeqCst) {
                fs::write(room.join("new"), "second").unwrap();
                fs::set_permissions(room.join("new"), fs::Permissions::from_mode(0o400)).unwrap();
                fs::rename(room.join("new"), &to_change).unwrap();
            }
            answer(401, "", PLANTED)
        }
        other => panic!("{other:?}"),
    });
    let mut settings = to(&server, loki());
    settings.token = Some(path.clone());
    let mut remote = remote(Receiver::Http(settings.clone()), long());
    assert_eq!(send(&mut remote, &two()).acknowledged, 2);
    put("first");
    assert_eq!(send(&mut remote, &two()).fault, Some(Fault::Denied(401)));
    put("second");
    assert_eq!(send(&mut remote, &two()).acknowledged, 2);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    put("third");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    assert_eq!(send(&mut remote, &two()).fault, Some(Fault::Secret));
    let refused = Remote::new(&Settings {
        receiver: Receiver::Http(settings),
        waits: long(),
        stop: Arc::new(AtomicBool::new(false)),
    });
    assert!(refused.unwrap_err().to_string().ends_with("token is readable by others; run chmod 400"));
    assert_eq!(format!("{remote:?}"), "Remote(http)");
}

#[test]
fn what_cannot_be_sent_to_is_refused_before_anything_is_sent() {
    let refused = |url: &str, shape: Shape, header: (&str, &str)| {
        let mut settings = Http::new(url, shape);
        settings.headers.push((header.0.into(), header.1.into()));
        let settings = Settings { receiver: Receiver::Http(settings), waits: long(), stop: Arc::default() };
        Remote::new(&settings).err().map(|error| error.to_string())
    };
    let fine = ("X-A", "b");
    assert_eq!(refused("http://127.0.0.1:1", Shape::Ndjson, fine), None);
    assert_eq!(refused("http://[::1]:1/x", Shape::Ndjson, fine), None);
    for url in
        ["", "x", "/x", "ftp://127.0.0.1", "http://127.0.0.1:0", "http://", "http://127.0.0.1:99999", "http://a b/"]
    {
        assert!(refused(url, Shape::Ndjson, fine).is_some(), "{url}");
    }
    let error = refused("http://log.example/x", Shape::Ndjson, fine).unwrap();
    assert!(error.ends_with("use TLS, or set `plain = true`"), "{error}");
    let error = refused("https://name:word@log.example/x", Shape::Ndjson, fine).unwrap();
    assert!(!error.contains("word@") && !error.contains("name:"), "{error}");
    for header in [("Authorization", "x"), ("content-length", "1"), ("a b", "x"), ("X", "a\nb"), ("Host", "x")] {
        assert!(refused("http://127.0.0.1", Shape::Ndjson, header).is_some(), "{header:?}");
    }
    for shape in [
        Shape::Loki { labels: Vec::new() },
        Shape::Loki { labels: vec![("1a".into(), "x".into())] },
        Shape::Elasticsearch { index: Some("a/../b".into()) },
        Shape::Elasticsearch { index: Some("_all".into()) },
        Shape::Elasticsearch { index: Some(String::new()) },
    ] {
        assert!(refused("http://127.0.0.1", shape.clone(), fine).is_some(), "{shape:?}");
    }
}

#[test]
fn tls_is_trusted_by_its_authority_and_its_name_and_never_left() {
    let good = Certificates::new(&["localhost"]);
    let other_name = Certificates::new(&["log.example"]);
    let server = http::serve_under(Some(Arc::clone(&good.server)), |_| answer(204, "", ""));
    let to = |port: u16, ca: &Certificates| {
        let mut settings = Http::new(format!("https://localhost:{port}"), loki());
        settings.trust.ca = Some(ca.ca());
        remote(Receiver::Http(settings), long())
    };
    let mut trusted = to(server.address.port(), &good);
    for _ in 0..3 {
        let sent = send(&mut trusted, &two());
        assert_eq!((sent.acknowledged, sent.fault), (2, None));
    }
    assert_eq!(*server.connections.lock().unwrap(), 1);
    // Another authority; a certificate for another name; a server that speaks no TLS.
    let sent = send(&mut to(server.address.port(), &other_name), &two());
    assert_eq!((sent.acknowledged, sent.fault), (0, Some(Fault::Untrusted)));
    let named = http::serve_under(Some(Arc::clone(&other_name.server)), |_| answer(204, "", ""));
    let sent = send(&mut to(named.address.port(), &other_name), &two());
    assert_eq!((sent.acknowledged, sent.fault), (0, Some(Fault::Untrusted)));
    assert!(named.seen.lock().unwrap().is_empty());
    let plain = serve(|_| answer(204, "", ""));
    let sent = send(&mut to(plain.address.port(), &good), &two());
    assert_eq!(sent.acknowledged, 0);
    assert!(plain.seen.lock().unwrap().is_empty());
}

#[test]
fn a_wait_ends_when_told_to_stop() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let settings = Settings {
        receiver: Receiver::Http(Http::new(format!("http://{}", silent.local_addr().unwrap()), loki())),
        waits: long(),
        stop: Arc::clone(&stop),
    };
    let mut remote = Remote::new(&settings).unwrap();
    let sending = std::thread::spawn(move || {
        let begun = Instant::now();
        (send(&mut remote, &two()), begun.elapsed())
    });
    std::thread::sleep(Duration::from_millis(50));
    stop.store(true, Ordering::SeqCst);
    let (sent, took) = sending.join().unwrap();
    assert_eq!(sent.fault, Some(Fault::Stopped));
    // The answer would be waited for a minute.
    assert!(took < Duration::from_secs(30), "{took:?}");
}

#[test]
fn a_receiver_that_is_away_is_said_to_be() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let fault = |url: String| {
        let mut remote = remote(Receiver::Http(Http::new(url, loki())), short());
        send(&mut remote, &two()).fault.unwrap()
    };
    assert_eq!(fault(format!("http://{closed}")), Fault::Away(Away::Connect));
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    assert_eq!(fault(format!("http://{}", silent.local_addr().unwrap())), Fault::Away(Away::Silent));
}

/// How the nth of many connections goes.
fn whims(seed: u64, whole: usize) -> impl FnMut(usize) -> Whim + Send + 'static {
    let mut dice = Dice(seed);
    move |_| {
        let end = match dice.roll(20) {
            0..=9 => End::Reset,
            10..=15 => End::Close,
            16..=18 => End::Half,
            _ => End::Stall,
        };
        let place = dice.roll(whole as u64) as usize;
        match dice.roll(8) {
            0..=3 => Whim { up: Some((place, end)), down: None },
            4..=6 => Whim { up: None, down: Some((place % 300, end)) },
            _ => SOUND,
        }
    }
}

/// Until so many connections were made, all records are delivered again and again by new senders.
fn flaps() -> usize {
    std::env::var("SLADD_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(60)
}

/// What a receiver has, by id; a record that it had already must be the same.
#[derive(Clone, Default)]
struct Had(Arc<Mutex<BTreeMap<String, String>>>);

impl Had {
    fn take(&self, id: String, line: String) -> bool {
        let mut had = self.0.lock().unwrap();
        let before = had.insert(id, line.clone());
        assert!(before.as_ref().is_none_or(|before| *before == line));
        before.is_none()
    }

    fn check(&self, expected: &BTreeMap<String, String>) {
        let had = self.0.lock().unwrap();
        assert_eq!(had.keys().collect::<BTreeSet<_>>(), expected.keys().collect::<BTreeSet<_>>());
        assert_eq!(*had, *expected);
    }
}

#[test]
fn through_many_flaps_every_record_arrives_at_every_kind_of_server() {
    let (parcels, expected) = numbered(24, 30);
    let certificates = Certificates::new(&["localhost"]);
    for (seed, shape, tls) in [
        (1, loki(), None),
        (2, elasticsearch(), None),
        (3, loki(), Some(Arc::clone(&certificates.server))),
        (4, elasticsearch(), Some(Arc::clone(&certificates.server))),
    ] {
        let (had, of) = (Had::default(), shape.clone());
        let seen = had.clone();
        let is_tls = tls.is_some();
        let server = http::serve_under(tls, move |request| match of {
            Shape::Elasticsearch { .. } => bulk(request.bulk().into_iter().map(|(id, document)| {
                // A document of a text holds it as its message; an object is itself, with a time.
                let text = match document["message"].as_str() {
                    Some(text) => text.to_owned(),
                    None => {
                        let mut object = document.clone();
                        object.as_object_mut().unwrap().remove("@timestamp");
                        object["line"].as_str().unwrap().to_owned()
                    }
                };
                if seen.take(id, text) { 201 } else { 409 }
            })),
            _ => {
                for (id, _, line) in request.loki() {
                    seen.take(id, line);
                }
                answer(204, "", "")
            }
        });
        let (address, connections) = flaky::before(server.address, whims(seed, if is_tls { 4_000 } else { 1_500 }));
        let scheme = if is_tls { "https" } else { "http" };
        let mut settings = Http::new(format!("{scheme}://localhost:{}", address.port()), shape.clone());
        settings.trust.ca = is_tls.then(|| certificates.ca());
        let mut rounds = 0;
        while connections.load(Ordering::SeqCst) < flaps() {
            let mut remote = remote(Receiver::Http(settings.clone()), short());
            let (_, rejected) = deliver(&mut remote, &parcels, 1 + rounds % 5);
            assert_eq!(rejected, 0);
            rounds += 1;
            let expected: BTreeMap<String, String> = match shape {
                Shape::Elasticsearch { .. } => expected
                    .iter()
                    .map(|(id, line)| {
                        let object = serde_json::from_str::<serde_json::Value>(line).ok();
                        let text = object.map_or(line.clone(), |object| object["line"].as_str().unwrap().to_owned());
                        (id.clone(), text)
                    })
                    .collect(),
                _ => expected.clone(),
            };
            had.check(&expected);
            had.0.lock().unwrap().clear();
        }
    }
}

#[test]
fn cut_at_every_byte_a_request_is_sent_again_and_arrives() {
    let parcels = two();
    let had = Had::default();
    let seen = had.clone();
    let server = serve(move |request| {
        for (id, _, line) in request.loki() {
            seen.take(id, line);
        }
        answer(204, "X: y\r\n", "")
    });
    let down = answer(204, "X: y\r\n", "").len();
    let whole = {
        let mut remote = remote(Receiver::Http(to(&server, loki())), long());
        assert_eq!(send(&mut remote, &parcels).acknowledged, 2);
        700
    };
    for (end, stride) in [(End::Reset, 7), (End::Close, 11)] {
        for at in (0..whole).step_by(stride) {
            let whim = if at < down {
                Whim { up: None, down: Some((at, end)) }
            } else {
                Whim { up: Some((at - down, end)), down: None }
            };
            let (address, _) = flaky::before(server.address, move |number| if number == 0 { whim } else { SOUND });
            let mut remote = remote(Receiver::Http(Http::new(format!("http://{address}"), loki())), long());
            deliver(&mut remote, &parcels, 2);
            assert_eq!(had.0.lock().unwrap().len(), 6);
            had.0.lock().unwrap().clear();
        }
    }
}

fn tcp(address: std::net::SocketAddr) -> Address {
    Address::Tcp(address.ip().to_string(), address.port())
}

fn event_id(event: &forward::Event) -> String {
    event.record.get("sladd_id").unwrap().str().to_owned()
}

#[test]
fn forward_gets_maps_and_messages_with_their_ids_and_times() {
    let server = forward::serve(Manners::default());
    for gzip in [false, true] {
        server.events.lock().unwrap().clear();
        let mut settings = Forward::new(tcp(server.address), "web.access");
        settings.gzip = gzip;
        let mut remote = remote(Receiver::Forward(settings), long());
        let object =
            r#"{"a":"\u00e5","n":-5,"big":18446744073709551615,"f":1.5,"t":true,"z":null,"list":[1,[]],"o":{"p":{}}}"#;
        let parcels =
            [parcel(1, 1_795_262_461, &format!("one\n{object}\n")), parcel(2, 1_795_262_461, "{\"x\":\n{}\n")];
        assert_eq!(send(&mut remote, &parcels).fault, None);
        let events = server.events.lock().unwrap();
        assert_eq!(events.iter().map(event_id).collect::<Vec<_>>(), ids(&parcels));
        assert!(events.iter().all(|event| event.tag == "web.access" && event.seconds == 1_795_262_461));
        assert!(events.windows(2).all(|pair| pair[0].nanos < pair[1].nanos));
        assert_eq!(events[0].record.get("message").unwrap().str(), "one");
        let record = &events[1].record;
        assert_eq!(record.get("a").unwrap().str(), "\u{e5}");
        assert_eq!(record.get("n"), Some(&Value::Int(-5)));
        assert_eq!(record.get("big"), Some(&Value::Unsigned(u64::MAX)));
        assert_eq!(record.get("f"), Some(&Value::Float(1.5)));
        assert_eq!(record.get("t"), Some(&Value::Bool(true)));
        assert_eq!(record.get("z"), Some(&Value::Nil));
        assert_eq!(record.get("list"), Some(&Value::Array(vec![Value::Unsigned(1), Value::Array(Vec::new())])));
        assert_eq!(record.get("o").unwrap().get("p"), Some(&Value::Map(Vec::new())));
        assert_eq!(record.get("message"), None);
        assert_eq!(events[2].record.get("message").unwrap().str(), "{\"x\":");
        assert!(matches!(&events[3].record, Value::Map(members) if members.len() == 1));
    }
}

#[test]
fn an_object_that_is_too_deep_goes_as_a_message() {
    let server = forward::serve(Manners::default());
    let mut remote = remote(Receiver::Forward(Forward::new(tcp(server.address), "t")), long());
    let deep = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    let parcels = [parcel(1, 1, &format!("{}\n{}\n{}\n", deep(32), deep(33), deep(100_000)))];
    assert_eq!(send(&mut remote, &parcels).acknowledged, 1);
    let events = server.events.lock().unwrap();
    let is_message: Vec<bool> = events.iter().map(|event| event.record.get("message").is_some()).collect();
    assert_eq!(is_message, [false, true, true]);
    assert_eq!(events[1].record.get("message").unwrap().str(), deep(33));
}

#[test]
fn only_the_confirmation_of_what_was_sent_confirms_it() {
    let right = parcel(1, 1, "one\n");
    for (wrong, fault) in [
        (forward::ack("another"), Fault::Answer),
        ([forward::ack("another"), forward::ack("x")].concat(), Fault::Answer),
        (PLANTED.as_bytes().to_vec(), Fault::Answer),
        (vec![0x80], Fault::Answer),
        (vec![0xc1], Fault::Answer),
        (vec![0xdf, 0xff, 0xff, 0xff, 0xff], Fault::Answer),
        (vec![0xdb, 0xff, 0xff, 0xff, 0xff], Fault::Answer),
        ([vec![0x91; 100], vec![0]].concat(), Fault::Answer),
        (vec![0x81, 0xa3], Fault::Away(Away::Silent)),
        (Vec::new(), Fault::Away(Away::Silent)),
    ] {
        let said = wrong.clone();
        let answer: forward::Answer =
            Arc::new(move |number, chunk| if number == 0 { said.clone() } else { forward::ack(chunk) });
        let server = forward::serve(Manners { answer: Some(answer), ..Manners::default() });
        let mut remote = remote(Receiver::Forward(Forward::new(tcp(server.address), "t")), short());
        let sent = send(&mut remote, std::slice::from_ref(&right));
        assert!(
            sent.acknowledged == 0 && (sent.fault == Some(fault) || sent.fault == Some(Fault::Away(Away::Silent))),
            "{wrong:?} {sent:?}"
        );
        deliver(&mut remote, std::slice::from_ref(&right), 1);
        let chunks = server.chunks.lock().unwrap();
        assert!(chunks.len() >= 2 && chunks.iter().all(|chunk| *chunk == chunks[0]));
    }
}

#[test]
fn a_confirmation_that_comes_slowly_is_waited_for_and_the_connection_is_kept() {
    let answer: forward::Answer = Arc::new(|_, chunk| {
        std::thread::sleep(Duration::from_millis(150));
        forward::ack(chunk)
    });
    let server = forward::serve(Manners { answer: Some(answer), ..Manners::default() });
    let mut remote = remote(Receiver::Forward(Forward::new(tcp(server.address), "t")), long());
    for number in 0..4 {
        assert_eq!(send(&mut remote, &[parcel(number, 1, "x\n")]).fault, None);
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

#[test]
fn both_sides_must_know_the_shared_key() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    fs::write(&path, "a key of both\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    let to = |server: &forward::Server| {
        let mut settings = Forward::new(tcp(server.address), "t");
        settings.shared_key = Some(path.clone());
        remote(Receiver::Forward(settings), short())
    };
    let knows = forward::serve(Manners { key: Some("a key of both"), ..Manners::default() });
    let mut remote = to(&knows);
    deliver(&mut remote, &two(), 2);
    deliver(&mut remote, &two(), 2);
    assert_eq!(knows.events.lock().unwrap().len() % 12, 0);
    let other = forward::serve(Manners { key: Some("another"), ..Manners::default() });
    assert_eq!(send(&mut to(&other), &two()).fault, Some(Fault::Handshake));
    // One that asks for no key gets nothing either.
    let none = forward::serve(Manners::default());
    assert_eq!(send(&mut to(&none), &two()).fault, Some(Fault::Away(Away::Silent)));
    assert!(other.events.lock().unwrap().is_empty() && none.events.lock().unwrap().is_empty());
}

#[test]
fn forward_goes_over_a_unix_socket_and_over_tls_to_the_right_name_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("forward");
    let server = forward::serve_unix(&path);
    let mut over_unix = remote(Receiver::Forward(Forward::new(Address::Unix(path), "t")), long());
    assert_eq!(send(&mut over_unix, &two()).fault, None);
    assert_eq!(server.events.lock().unwrap().len(), 6);
    let (good, other) = (Certificates::new(&["localhost"]), Certificates::new(&["log.example"]));
    let server = forward::serve(Manners { tls: Some(Arc::clone(&good.server)), ..Manners::default() });
    let to = |port: u16, ca: &Certificates| {
        let mut settings = Forward::new(Address::Tls("localhost".into(), port), "t");
        settings.trust.ca = Some(ca.ca());
        remote(Receiver::Forward(settings), long())
    };
    assert_eq!(send(&mut to(server.address.port(), &good), &two()).fault, None);
    assert_eq!(send(&mut to(server.address.port(), &other), &two()).fault, Some(Fault::Untrusted));
    let named = forward::serve(Manners { tls: Some(Arc::clone(&other.server)), ..Manners::default() });
    assert_eq!(send(&mut to(named.address.port(), &other), &two()).fault, Some(Fault::Untrusted));
    assert!(named.events.lock().unwrap().is_empty());
}

#[test]
fn through_many_flaps_every_record_arrives_by_forward() {
    let (parcels, expected) = numbered(24, 30);
    let certificates = Certificates::new(&["localhost"]);
    for (seed, tls) in [(5, None), (6, Some(Arc::clone(&certificates.server)))] {
        let is_tls = tls.is_some();
        let server = forward::serve(Manners { tls, ..Manners::default() });
        let (address, connections) = flaky::before(server.address, whims(seed, if is_tls { 5_000 } else { 2_500 }));
        let port = address.port();
        let place =
            if is_tls { Address::Tls("localhost".into(), port) } else { Address::Tcp("localhost".into(), port) };
        let mut settings = Forward::new(place, "t");
        settings.trust.ca = is_tls.then(|| certificates.ca());
        let mut rounds = 0;
        while connections.load(Ordering::SeqCst) < flaps() {
            let mut remote = remote(Receiver::Forward(settings.clone()), short());
            deliver(&mut remote, &parcels, 1 + rounds % 5);
            rounds += 1;
            let had = Had::default();
            for event in server.events.lock().unwrap().drain(..) {
                let line = match event.record.get("message") {
                    Some(text) => text.str().to_owned(),
                    None => event.record.get("line").unwrap().str().to_owned(),
                };
                had.take(event_id(&event), line);
            }
            let plain = |line: &String| match serde_json::from_str::<serde_json::Value>(line) {
                Ok(object) => object["line"].as_str().unwrap().to_owned(),
                Err(_) => line.clone(),
            };
            had.check(&expected.iter().map(|(id, line)| (id.clone(), plain(line))).collect());
        }
    }
}

#[test]
fn syslog_messages_are_counted_or_ended_and_carry_their_id_if_there_is_a_number() {
    for (framing, enterprise) in
        [(Framing::Counted, None), (Framing::Counted, Some(32_473)), (Framing::Lines, Some(32_473))]
    {
        let server = syslog::serve(None, framing == Framing::Counted);
        let mut settings = Syslog::new(tcp(server.address), "web-1.example");
        (settings.framing, settings.enterprise) = (framing, enterprise);
        let mut remote = remote(Receiver::Syslog(settings), long());
        let parcels = two();
        assert_eq!(send(&mut remote, &parcels).acknowledged, 2);
        until(|| server.messages.lock().unwrap().len() == 6);
        let messages = server.messages.lock().unwrap();
        let lines = ["one", "two\u{e5}", "three", "{\"a\":1}", "one", "{}"];
        for ((message, line), id) in messages.iter().zip(lines).zip(ids(&parcels)) {
            let data = enterprise.map_or("-".to_owned(), |number| format!("[sladd@{number} id=\"{id}\"]"));
            assert_eq!(*message, format!("<134>1 2026-11-21T12:01:01Z web-1.example sladd - - {data} {line}"));
        }
    }
}

#[test]
fn what_a_broken_connection_may_have_lost_is_written_again() {
    let server = syslog::serve(None, true);
    // The first connection is taken by somebody who passes nothing on.
    let (address, count) = flaky::before(server.address, |number| match number {
        0 => Whim { up: Some((0, End::Stall)), down: None },
        _ => SOUND,
    });
    let mut settings = Syslog::new(tcp(address), "h");
    settings.enterprise = Some(32_473);
    let mut remote = remote(Receiver::Syslog(settings), long());
    let sent = send(&mut remote, &two());
    assert_eq!((sent.acknowledged, sent.fault), (2, None));
    // Nothing more is sent; it is enough to ask.
    until(|| {
        send(&mut remote, &[]);
        server.messages.lock().unwrap().len() == 6
    });
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[test]
fn of_what_was_written_no_more_is_kept_than_the_settings_say() {
    let server = syslog::serve(None, true);
    let cut = 9_000;
    let (address, _) = flaky::before(server.address, move |number| match number {
        0 => Whim { up: Some((cut, End::Close)), down: None },
        _ => SOUND,
    });
    let mut settings = Syslog::new(tcp(address), "h");
    settings.tail_bytes = 0;
    let mut without_tail = remote(Receiver::Syslog(settings), long());
    let (parcels, _) = numbered(40, 30);
    deliver(&mut without_tail, &parcels, 1);
    // The last ones may have been on their way as well.
    until(|| {
        send(&mut without_tail, &[parcel(99, 1, "end\n")]);
        server.messages.lock().unwrap().iter().any(|message| message.ends_with(" end"))
    });
    // What was on its way is lost, as it must be with no tail; and nothing came twice.
    let messages = server.messages.lock().unwrap();
    let numbered: Vec<_> = messages.iter().filter(|message| !message.ends_with(" end")).collect();
    let once: BTreeSet<_> = numbered.iter().collect();
    assert!(numbered.len() < 1_200 && numbered.len() == once.len(), "{} {}", numbered.len(), once.len());
}

#[test]
fn of_a_parcel_that_is_longer_than_the_tail_the_last_messages_are_kept_whole() {
    let server = syslog::serve(None, true);
    let (address, count) = flaky::before(server.address, |number| match number {
        0 => Whim { up: Some((0, End::Stall)), down: None },
        _ => SOUND,
    });
    let mut settings = Syslog::new(tcp(address), "h");
    settings.tail_bytes = 1_000;
    let mut remote = remote(Receiver::Syslog(settings), long());
    let (parcels, _) = numbered(3, 30);
    assert_eq!(send(&mut remote, &parcels).acknowledged, 3);
    until(|| {
        send(&mut remote, &[]);
        count.load(Ordering::SeqCst) > 1 && server.messages.lock().unwrap().len() > 5
    });
    send(&mut remote, &[parcel(99, 1, "end\n")]);
    until(|| server.messages.lock().unwrap().iter().any(|message| message.ends_with(" end")));
    let messages = server.messages.lock().unwrap();
    let bytes: usize = messages[..messages.len() - 1].iter().map(|message| message.len() + 3).sum();
    assert!(bytes <= 1_000 && bytes > 800, "{bytes}");
    assert!(messages[messages.len() - 2].contains("line 2/29"));
}

#[test]
fn through_many_flaps_every_record_arrives_by_syslog() {
    let (parcels, expected) = numbered(24, 30);
    let certificates = Certificates::new(&["localhost"]);
    let mut waits = short();
    // What the other end of a connection has acknowledged counts as lost here, for the flaps are in between.
    waits.acknowledge = Duration::from_secs(60);
    for (seed, tls) in [(7, None), (8, Some(Arc::clone(&certificates.server)))] {
        let is_tls = tls.is_some();
        let server = syslog::serve(tls, true);
        let (address, connections) = flaky::before(server.address, whims(seed, if is_tls { 30_000 } else { 20_000 }));
        let port = address.port();
        let place =
            if is_tls { Address::Tls("localhost".into(), port) } else { Address::Tcp("localhost".into(), port) };
        let mut settings = Syslog::new(place, "h");
        settings.trust.ca = is_tls.then(|| certificates.ca());
        settings.enterprise = Some(32_473);
        let mut rounds = 0;
        while connections.load(Ordering::SeqCst) < flaps() {
            let mut remote = remote(Receiver::Syslog(settings.clone()), waits);
            deliver(&mut remote, &parcels, 1 + rounds % 5);
            rounds += 1;
            let had = Had::default();
            until(|| {
                send(&mut remote, &[]);
                for message in server.messages.lock().unwrap().drain(..) {
                    let (_, rest) = message.split_once("id=\"").unwrap();
                    let (id, line) = rest.split_once("\"] ").unwrap();
                    had.take(id.to_owned(), line.to_owned());
                }
                had.0.lock().unwrap().len() == expected.len()
            });
            had.check(&expected);
        }
    }
}

#[test]
fn datagrams_are_sent_again_to_a_server_that_came_back_and_one_too_long_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let first = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    let mut settings = Syslog::new(Address::Datagram(path.clone()), "h");
    settings.enterprise = Some(32_473);
    let mut remote = remote(Receiver::Syslog(settings), long());
    let parcels = [parcel(1, 1, &format!("one\n{}\n", "x".repeat(8 << 20))), parcel(2, 1, "two\n")];
    let sent = send(&mut remote, &parcels);
    assert_eq!((sent.acknowledged, sent.rejected, sent.fault), (2, 1, None));
    let mut buffer = [0; 4096];
    let mut next = |socket: &std::os::unix::net::UnixDatagram| {
        let count = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..count].to_vec()).unwrap()
    };
    assert!(next(&first).ends_with("\"] one"));
    // It goes with the second unread.
    drop(first);
    fs::remove_file(&path).unwrap();
    let third = [parcel(3, 1, "three\n")];
    assert_ne!(send(&mut remote, &third).fault, None);
    let second = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    assert_eq!(send(&mut remote, &third).fault, None);
    assert!(next(&second).ends_with("one") && next(&second).ends_with("two") && next(&second).ends_with("three"));
}

#[test]
fn a_syslog_server_with_another_name_or_without_tls_gets_nothing() {
    let (good, other) = (Certificates::new(&["localhost"]), Certificates::new(&["log.example"]));
    let to = |port: u16, ca: &Certificates| {
        let mut settings = Syslog::new(Address::Tls("localhost".into(), port), "h");
        settings.trust.ca = Some(ca.ca());
        remote(Receiver::Syslog(settings), short())
    };
    let server = syslog::serve(Some(Arc::clone(&good.server)), true);
    let mut trusted = to(server.address.port(), &good);
    deliver(&mut trusted, &two(), 2);
    until(|| server.messages.lock().unwrap().len() >= 6);
    assert_eq!(send(&mut to(server.address.port(), &other), &two()).fault, Some(Fault::Untrusted));
    let named = syslog::serve(Some(Arc::clone(&other.server)), true);
    assert_eq!(send(&mut to(named.address.port(), &other), &two()).fault, Some(Fault::Untrusted));
    let plain = syslog::serve(None, true);
    assert_ne!(send(&mut to(plain.address.port(), &good), &two()).fault, None);
    assert!(named.messages.lock().unwrap().is_empty() && plain.messages.lock().unwrap().is_empty());
}
