//! The Forward protocol in all its modes, with acknowledgements.

use super::{LIMIT, at, drain, lines, loopback, settings, until};
use flate2::{Compression, write::GzEncoder};
use rmp::encode as pack;
use sladd::input::{
    forward::{self, SharedKey},
    intake::{Address, Handed, Intake, Portion, Reason, Settings, Stall},
};
use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::Path,
    process::Command,
    sync::mpsc,
    thread,
};

pub fn listen(settings: Settings) -> Intake {
    forward::listen(&Address::Tcp(loopback()), None, settings, &mut Handed::default()).unwrap()
}

fn connect(intake: &Intake) -> TcpStream {
    let stream = TcpStream::connect(at(intake)).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

fn text(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    pack::write_str(&mut out, text).unwrap();
    out
}

fn array(values: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    pack::write_array_len(&mut out, values.len() as u32).unwrap();
    out.extend(values.concat());
    out
}

fn map(pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    pack::write_map_len(&mut out, pairs.len() as u32).unwrap();
    for (name, value) in pairs {
        out.extend(text(name));
        out.extend(value);
    }
    out
}

fn bytes(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    pack::write_bin(&mut out, bytes).unwrap();
    out
}

fn seconds() -> Vec<u8> {
    let mut out = Vec::new();
    pack::write_uint(&mut out, 1_795_255_200).unwrap();
    out
}

fn record(number: usize) -> Vec<u8> {
    map(&[("log", text(&format!("number {number}")))])
}

fn event(number: usize) -> Vec<u8> {
    array(&[seconds(), record(number)])
}

fn line(number: usize) -> String {
    format!("{{\"log\":\"number {number}\",\"time\":\"2026-11-21T10:00:00.000000000Z\",\"tag\":\"app\"}}\n")
}

fn want(numbers: std::ops::Range<usize>) -> Vec<Vec<u8>> {
    numbers.map(|number| line(number).into_bytes()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn packed(numbers: std::ops::Range<usize>) -> Vec<u8> {
    numbers.flat_map(event).collect()
}

fn chunk(id: &str) -> Vec<u8> {
    map(&[("chunk", text(id)), ("size", vec![1])])
}

/// A message of that mode with those events.
fn message(mode: &str, numbers: std::ops::Range<usize>, id: &str) -> Vec<u8> {
    let events: Vec<Vec<u8>> = numbers.clone().map(event).collect();
    match mode {
        "message" => array(&[text("app"), seconds(), record(numbers.start), chunk(id)]),
        "forward" => array(&[text("app"), array(&events), chunk(id)]),
        "packed" => array(&[text("app"), bytes(&packed(numbers)), chunk(id)]),
        "gzip" => {
            // Several members one after the other, as Fluentd joins them.
            let half = numbers.start + numbers.len() / 2;
            let both = [gzip(&packed(numbers.start..half)), gzip(&packed(half..numbers.end))].concat();
            array(&[text("app"), bytes(&both), map(&[("compressed", text("gzip")), ("chunk", text(id))])])
        }
        other => panic!("{other}"),
    }
}

fn ack(id: &str) -> Vec<u8> {
    map(&[("ack", text(id))])
}

fn expect(stream: &mut impl Read, wanted: &[u8]) {
    let mut got = vec![0; wanted.len()];
    stream.read_exact(&mut got).unwrap();
    assert_eq!(got, wanted);
}

/// Whether nothing is there to be read now.
fn is_silent(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let silent = stream.peek(&mut [0; 1]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
    stream.set_nonblocking(false).unwrap();
    silent
}

fn take(intake: &mut Intake, count: usize) -> Vec<Portion> {
    let mut taken: Vec<Portion> = Vec::new();
    until("so many lines came", || {
        taken.extend(intake.take());
        lines(&taken).len() >= count
    });
    assert_eq!(lines(&taken).len(), count);
    taken
}

fn confirm(portions: Vec<Portion>) {
    for portion in portions {
        if let Some(receipt) = portion.receipt {
            receipt.confirm();
        }
    }
}

#[test]
fn every_mode_is_read_and_acknowledged_when_all_lines_are_confirmed_and_not_before() {
    let mut intake = listen(settings());
    let mut stream = connect(&intake);
    for (mode, count) in [("message", 1), ("forward", 3), ("packed", 5), ("gzip", 2000)] {
        stream.write_all(&message(mode, 0..count, mode)).unwrap();
        let mut taken = take(&mut intake, count);
        assert_eq!(lines(&taken), want(0..count), "{mode}");
        let last = taken.pop();
        confirm(taken);
        assert!(is_silent(&stream), "{mode} waits for its last portion");
        confirm(last.into_iter().collect());
        expect(&mut stream, &ack(mode));
    }
    let counts = intake.counts();
    assert_eq!((counts.messages, counts.chunks, counts.chunks_acknowledged), (2009, 4, 4));
    assert_eq!(counts.faults, [0; Reason::ALL.len()]);
    drain(&mut intake);
}

#[test]
fn messages_are_told_apart_wherever_the_stream_is_cut() {
    let mut intake = listen(settings());
    let all = [message("message", 0..1, "a"), message("gzip", 1..3, "b"), message("forward", 3..4, "c")].concat();
    for cut in 0..=all.len() {
        let mut stream = connect(&intake);
        let before = intake.counts().bytes;
        stream.write_all(&all[..cut]).unwrap();
        until("the first part is read", || intake.counts().bytes == before + cut as u64);
        stream.write_all(&all[cut..]).unwrap();
        let taken = take(&mut intake, 4);
        assert_eq!(lines(&taken), want(0..4), "cut at {cut}");
    }
    drain(&mut intake);
}

#[test]
fn a_chunk_whose_receipt_is_dropped_is_not_acknowledged_and_comes_again() {
    let mut intake = listen(settings());
    let mut stream = connect(&intake);
    stream.write_all(&message("forward", 0..2, "x")).unwrap();
    drop(take(&mut intake, 2));
    stream.write_all(&message("forward", 0..2, "x")).unwrap();
    let taken = take(&mut intake, 2);
    // The client is gone when it is durable, and asks on another connection: it is told, and nothing is taken twice.
    drop(stream);
    confirm(taken);
    let mut stream = connect(&intake);
    stream.write_all(&message("forward", 0..2, "x")).unwrap();
    expect(&mut stream, &ack("x"));
    let counts = intake.counts();
    assert_eq!((counts.messages, counts.chunks, counts.chunks_acknowledged, counts.chunks_again), (4, 2, 1, 1));
    assert_eq!(counts.chunks_doubled, 1);
    assert!(drain(&mut intake).is_empty());
}

#[test]
fn a_name_that_was_acknowledged_and_comes_with_other_content_is_another_chunk() {
    let mut intake = listen(settings());
    let mut stream = connect(&intake);
    for (range, mode) in [(0..2, "forward"), (2..5, "forward"), (5..6, "packed")] {
        stream.write_all(&message(mode, range.clone(), "x")).unwrap();
        let taken = take(&mut intake, range.len());
        assert_eq!(lines(&taken), want(range));
        confirm(taken);
        expect(&mut stream, &ack("x"));
    }
    let counts = intake.counts();
    assert_eq!((counts.chunks_acknowledged, counts.chunks_again, counts.chunks_doubled), (3, 0, 0));
    drain(&mut intake);
}

#[test]
fn an_empty_chunk_is_acknowledged_at_once_and_a_message_without_one_never() {
    let mut intake = listen(settings());
    let mut stream = connect(&intake);
    stream.write_all(&array(&[text("app"), array(&[event(1)])])).unwrap();
    let taken = take(&mut intake, 1);
    assert!(taken.iter().all(|portion| portion.receipt.is_none()));
    stream.write_all(&message("forward", 0..0, "empty")).unwrap();
    expect(&mut stream, &ack("empty"));
    drain(&mut intake);
}

#[test]
fn receipts_can_be_confirmed_after_the_stop_and_are_acknowledged_before_the_end() {
    let mut intake = listen(settings());
    let mut stream = connect(&intake);
    stream.write_all(&message("packed", 0..10, "late")).unwrap();
    until("it is read", || intake.has_lines());
    let taken = drain(&mut intake);
    assert_eq!(lines(&taken).len(), 10);
    confirm(taken);
    drop(intake);
    expect(&mut stream, &ack("late"));
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
}

#[test]
fn a_connection_without_a_word_is_closed_quietly() {
    let mut intake = listen(settings());
    drop(connect(&intake));
    until("it came and went", || intake.counts().connections == 1 && intake.counts().connections_open == 0);
    assert_eq!((intake.counts().faults, intake.counts().torn), ([0; Reason::ALL.len()], 0));
    drain(&mut intake);
}

#[test]
fn hostile_messages_end_their_connection_are_counted_and_leave_no_line() {
    let mut intake = listen(Settings { message_bytes: 64 * 1024, ..settings() });
    let deep = [&[0x92, 0xa1, b'x'][..], &[0x91; 100]].concat();
    let bomb = gzip(&vec![0xc0; 4 << 20]);
    let record_in_gzip = |bytes_: &[u8]| array(&[text("app"), bytes(bytes_), map(&[("compressed", text("gzip"))])]);
    let vast = array(&[text("app"), seconds(), map(&[("log", text(&"x".repeat(100_000)))])]);
    let huge_event = gzip(&array(&[seconds(), map(&[("log", text(&"x".repeat(2 << 20)))])]));
    let hostile: Vec<(&str, Vec<u8>, Reason)> = vec![
        ("no MessagePack", vec![0xc1], Reason::Damaged),
        ("no array", text("hello"), Reason::Shape),
        ("a request of HTTP", b"GET / HTTP/1.1\r\n\r\n".to_vec(), Reason::Shape),
        ("a vast array", vec![0xdd, 0xff, 0xff, 0xff, 0xff], Reason::Size),
        ("a vast text", vec![0x93, 0xdb, 0xff, 0xff, 0xff, 0xff], Reason::Size),
        ("a message over the limit", vast, Reason::Size),
        ("too deep", deep, Reason::Depth),
        (
            "a record that is no map",
            array(&[text("app"), array(&[event(0), array(&[seconds(), text("x")])])]),
            Reason::Shape,
        ),
        ("half an event", array(&[text("app"), bytes(&packed(0..3)[..45])]), Reason::Damaged),
        ("no gzip", record_in_gzip(b"hello"), Reason::Packing),
        ("half of gzip", record_in_gzip(&gzip(&packed(0..100))[..60]), Reason::Packing),
        ("a bomb", record_in_gzip(&bomb), Reason::Shape),
        ("a bomb of one event", record_in_gzip(&huge_event), Reason::Size),
        (
            "a packing nobody knows",
            array(&[text("app"), bytes(b""), map(&[("compressed", text("zip"))])]),
            Reason::Packing,
        ),
        ("metrics", array(&[text("app"), bytes(b""), map(&[("fluent_signal", vec![1])])]), Reason::Signal),
        ("a name of a chunk without end", array(&[text("app"), array(&[]), chunk(&"x".repeat(300))]), Reason::Shape),
    ];
    for (what, bytes, reason) in hostile {
        let before = intake.counts();
        let mut stream = connect(&intake);
        // It may be closed before all is written.
        let _ = stream.write_all(&bytes);
        let _ = stream.read(&mut [0; 16]);
        until(what, || intake.counts().connections_open == 0);
        assert_eq!(intake.counts().of(reason), before.of(reason) + 1, "{what}: {:?}", intake.counts().faults);
        assert_eq!(intake.counts().faults.iter().sum::<u64>(), before.faults.iter().sum::<u64>() + 1, "{what}");
        assert!(!intake.has_lines(), "{what}");
    }
    // Whoever comes next is served.
    let mut stream = connect(&intake);
    stream.write_all(&message("message", 7..8, "fine")).unwrap();
    confirm(take(&mut intake, 1));
    expect(&mut stream, &ack("fine"));
    drain(&mut intake);
}

#[test]
fn a_bomb_of_small_events_is_known_by_what_comes_out_of_it() {
    let mut intake = listen(settings());
    let bomb = gzip(&array(&[seconds(), map(&[("log", text(&"x".repeat(10_000)))])]).repeat(1 << 10));
    assert!(bomb.len() * 400 < 10_000 << 10, "{} bytes are none", bomb.len());
    let mut stream = connect(&intake);
    stream.write_all(&array(&[text("app"), bytes(&bomb), map(&[("compressed", text("gzip"))])])).unwrap();
    until("it is known", || intake.counts().of(Reason::Bomb) == 1);
    assert!(drain(&mut intake).is_empty());
}

#[test]
fn a_line_over_the_limit_is_cut_and_its_chunk_is_acknowledged_all_the_same() {
    let mut intake = listen(Settings { longest_line: 100, ..settings() });
    let mut stream = connect(&intake);
    let long = array(&[seconds(), map(&[("log", text(&"x".repeat(500)))])]);
    stream.write_all(&array(&[text("app"), array(&[event(1), long, event(2)]), chunk("long")])).unwrap();
    let taken = take(&mut intake, 3);
    let got = lines(&taken);
    assert_eq!((&got[0], &got[2]), (&line(1).into_bytes(), &line(2).into_bytes()));
    assert!(got[1].len() == 100 && got[1].ends_with(b"xx"));
    assert_eq!(intake.counts().over_long, 1);
    confirm(taken);
    expect(&mut stream, &ack("long"));
    drain(&mut intake);
}

#[test]
fn under_shed_a_chunk_is_declined_and_comes_again_while_lines_without_one_are_counted() {
    let little = Settings { stall: Stall::Shed, memory_bytes: 512 * 1024, ..settings() };
    let mut intake = listen(little);
    let mut stream = connect(&intake);
    let plain = array(&[text("app"), bytes(&packed(0..1000))]);
    for _ in 0..20 {
        stream.write_all(&plain).unwrap();
    }
    until("all is read", || intake.counts().messages == 20_000);
    assert!(intake.counts().shed_lines > 1000);
    stream.write_all(&message("packed", 0..1000, "again")).unwrap();
    until("it is declined", || intake.counts().chunks_declined == 1);
    while intake.take().is_some() {}
    stream.write_all(&message("packed", 0..1000, "again")).unwrap();
    confirm(take(&mut intake, 1000));
    expect(&mut stream, &ack("again"));
    assert_eq!(intake.counts().messages, 21_000);
    drain(&mut intake);
}

#[test]
fn messages_that_are_not_whole_stay_within_the_memory() {
    let mut intake = listen(Settings { memory_bytes: 1 << 20, ..settings() });
    let half = message("packed", 0..7_000, "half");
    assert!(half.len() > 100_000 && half.len() < 200_000);
    let mut streams: Vec<TcpStream> = (0..30).map(|_| connect(&intake)).collect();
    for stream in &mut streams {
        let _ = stream.write_all(&half[..100_000]);
    }
    until("some are turned away", || intake.counts().of(Reason::Crowded) > 10);
    drop(streams);
    drain(&mut intake);
}

fn key(directory: &Path, text: &str) -> SharedKey {
    let path = directory.join("key");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    SharedKey::read(&path).unwrap()
}

/// What a client says to a server that asks for the key.
fn ping(stream: &mut impl Read, key: &str) -> Vec<u8> {
    use sha2::{Digest, Sha512};
    let mut helo = [0; 48];
    stream.read_exact(&mut helo).unwrap();
    assert!(helo.starts_with(b"\x92\xa4HELO\x83\xa5nonce\xc4\x10"));
    let nonce = &helo[15..31];
    let digest = Sha512::digest([b"salt", &b"www.example.net"[..], nonce, key.as_bytes()].concat());
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    array(&[text("PING"), text("www.example.net"), text("salt"), text(&digest), text(""), text("")])
}

#[test]
fn only_who_knows_the_key_is_heard() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("forward");
    let key = key(directory.path(), "a shared key\n");
    let address = Address::UnixStream(path.clone());
    let mut intake = forward::listen(&address, Some(key), settings(), &mut Handed::default()).unwrap();
    let mut stranger = UnixStream::connect(&path).unwrap();
    stranger.write_all(&message("message", 0..1, "x")).unwrap();
    until("it is sent away", || intake.counts().of(Reason::Handshake) == 1);
    let mut wrong = UnixStream::connect(&path).unwrap();
    wrong.set_read_timeout(Some(LIMIT)).unwrap();
    let said = ping(&mut wrong, "another");
    wrong.write_all(&said).unwrap();
    let mut pong = Vec::new();
    wrong.read_to_end(&mut pong).unwrap();
    assert!(pong.starts_with(b"\x95\xa4PONG\xc2\xb3shared key mismatch"));
    let mut right = UnixStream::connect(&path).unwrap();
    right.set_read_timeout(Some(LIMIT)).unwrap();
    let said = ping(&mut right, "a shared key");
    right.write_all(&said).unwrap();
    right.write_all(&message("message", 5..6, "y")).unwrap();
    let mut pong = [0; 22 + 130];
    right.read_exact(&mut pong).unwrap();
    assert!(pong.starts_with(b"\x95\xa4PONG\xc3\xa0\xad"));
    let taken = take(&mut intake, 1);
    assert_eq!(lines(&taken), want(5..6));
    confirm(taken);
    expect(&mut right, &ack("y"));
    assert_eq!(intake.counts().of(Reason::Handshake), 2);
    drain(&mut intake);
}

#[test]
fn many_clients_send_chunks_again_until_they_are_acknowledged_and_nothing_is_missing() {
    let mut intake = listen(Settings { memory_bytes: 1 << 20, ..settings() });
    let (clients, chunks) = (8, 50);
    let to = at(&intake);
    let (done, finished) = mpsc::channel();
    for client in 0..clients {
        let done = done.clone();
        thread::spawn(move || {
            for number in 0..chunks {
                let first = (client * chunks + number) * 10;
                let bytes = message("packed", first..first + 10, &format!("{client}/{number}"));
                // Now and then it goes away before it is told, and comes again.
                if number % 5 == 0 {
                    TcpStream::connect(to).unwrap().write_all(&bytes).unwrap();
                }
                let mut stream = TcpStream::connect(to).unwrap();
                stream.set_read_timeout(Some(LIMIT)).unwrap();
                stream.write_all(&bytes).unwrap();
                expect(&mut stream, &ack(&format!("{client}/{number}")));
                stream.shutdown(Shutdown::Both).unwrap();
            }
            done.send(()).unwrap();
        });
    }
    let (mut taken, mut ended) = (Vec::new(), 0);
    until("all are told", || {
        while let Some(mut portion) = intake.take() {
            if let Some(receipt) = portion.receipt.take() {
                receipt.confirm();
            }
            taken.push(portion);
        }
        ended += finished.try_iter().count();
        ended == clients
    });
    taken.extend(drain(&mut intake));
    let mut got = lines(&taken);
    let all = got.len();
    got.sort();
    got.dedup();
    let mut wanted = want(0..clients * chunks * 10);
    wanted.sort();
    assert!(got == wanted, "{} of {}", got.len(), wanted.len());
    assert_eq!(all as u64, intake.counts().messages);
    assert_eq!(intake.counts().faults, [0; Reason::ALL.len()]);
}

#[test]
fn the_client_library_of_python_is_understood() {
    let has = |what: &str| Command::new("python3").args(["-c", what]).output().is_ok_and(|out| out.status.success());
    if !has("import fluent.sender") {
        eprintln!("SKIPPED: python3 with fluent-logger (PyPI) is not installed");
        return;
    }
    let mut intake = listen(settings());
    let script = "import sys\nfrom fluent import sender\n\
        s = sender.FluentSender('app', host='127.0.0.1', port=int(sys.argv[1]), nanosecond_precision=True)\n\
        for i in range(100):\n    assert s.emit_with_time('web', 1795255200, {'log': 'number %d' % i, 'ok': True, 'x': [1, None, 2.5]})\n\
        s.close()\n";
    let status = Command::new("python3").args(["-c", script, &at(&intake).port().to_string()]).status().unwrap();
    assert!(status.success());
    let taken = take(&mut intake, 100);
    let time = "2026-11-21T10:00:00.000000000Z";
    let wanted = |i| {
        format!("{{\"log\":\"number {i}\",\"ok\":true,\"x\":[1,null,2.5],\"time\":\"{time}\",\"tag\":\"app.web\"}}\n")
            .into_bytes()
    };
    assert_eq!(lines(&taken), (0..100).map(wanted).collect::<Vec<_>>());
    drain(&mut intake);
}
