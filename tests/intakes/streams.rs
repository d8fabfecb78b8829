//! Syslog over TCP and unix streams: frames with a count, and with a line feed.

use super::{LIMIT, at, conserved, drain, lines, loopback, many_handles, settings, syslog, until};
use sladd::input::intake::{Address, Intake, Settings, Stall};
use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    os::unix::net::UnixStream,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

fn connect(intake: &Intake) -> TcpStream {
    let stream = TcpStream::connect(at(intake)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Frames of both sorts, and the lines that they are.
fn frames() -> (Vec<u8>, Vec<Vec<u8>>) {
    let counted = b"11 <13>one\ntwo7 <13>ab\n\n<14>three\n2 xy";
    let plain =
        b"\r\n192.0.2.1 - - \"GET\"\n99999999 is no count\n12345678901 neither\n0 nor that\n<13>a\0b\r\n10 0123456789";
    let lines: [&[u8]; 10] = [
        b"<13>one two\n",
        b"<13>ab\n",
        b"<14>three\n",
        b"xy\n",
        b"192.0.2.1 - - \"GET\"\n",
        b"99999999 is no count\n",
        b"12345678901 neither\n",
        b"0 nor that\n",
        b"<13>a b\n",
        b"0123456789\n",
    ];
    ([&counted[..], plain].concat(), lines.map(<[u8]>::to_vec).to_vec())
}

#[test]
fn frames_are_told_apart_by_their_first_byte_wherever_the_stream_is_cut() {
    let mut intake = syslog(&Address::Tcp(loopback()), settings());
    let (bytes, want) = frames();
    let mut connections = 0;
    for cut in 0..=bytes.len() {
        let mut stream = connect(&intake);
        connections += 1;
        stream.write_all(&bytes[..cut]).unwrap();
        // The first part is read before the second is there.
        until("the first part is read", || intake.counts().bytes == (cut + bytes.len() * (connections - 1)) as u64);
        stream.write_all(&bytes[cut..]).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0);
        let mut taken = Vec::new();
        while let Some(portion) = intake.take() {
            taken.push(portion);
        }
        assert_eq!(lines(&taken), want, "cut at {cut}");
    }
    let counts = intake.counts();
    assert_eq!(counts.connections, connections as u64);
    assert_eq!(counts.malformed, connections as u64, "one of the numbers could have been a count and is too large");
    assert_eq!((counts.torn, counts.over_long), (0, 0));
    assert_eq!(counts.empty, connections as u64, "an empty line with a carriage return");
    conserved(connections as u64 * 11, connections as u64 * 10, &counts);
    drain(&mut intake);
}

#[test]
fn the_rest_of_a_cut_line_is_accounted_for_also_when_its_head_was_taken_before() {
    let mut intake = syslog(&Address::Tcp(loopback()), Settings { longest_line: 1000, ..settings() });
    let mut stream = connect(&intake);
    let (mut sent, mut came) = (0, 0);
    let pieces = [[&b"<13>"[..], &[b'x'; 2000]].concat(), vec![b'x'; 50_000], b"xx\n".to_vec()];
    for piece in pieces.iter().cycle().take(60) {
        stream.write_all(piece).unwrap();
        sent += piece.len() as u64;
        until("all of it", || {
            while let Some(portion) = intake.take() {
                came += portion.lines.len() as u64 + portion.skipped;
            }
            came == sent
        });
    }
    assert_eq!(intake.counts().over_long, 20);
    drop(stream);
    drain(&mut intake);
}

#[test]
fn a_frame_over_the_limit_is_cut_and_the_next_one_is_whole() {
    let mut intake = syslog(&Address::Tcp(loopback()), Settings { longest_line: 1000, ..settings() });
    let mut stream = connect(&intake);
    let long = vec![b'x'; 150_000];
    stream.write_all(b"150000 ").unwrap();
    stream.write_all(&long).unwrap();
    stream.write_all(b"4 next").unwrap();
    stream.write_all(&long).unwrap();
    stream.write_all(b"\n<13>last\n1000 ").unwrap();
    stream.write_all(&long[..1000]).unwrap();
    until("five frames", || intake.counts().messages == 5);
    drop(stream);
    let taken = drain(&mut intake);
    let cut = vec![b'x'; 1000];
    assert_eq!(lines(&taken), [&cut, &b"next\n"[..], &cut, b"<13>last\n", &[&cut[..], b"\n"].concat()]);
    assert_eq!(intake.counts().over_long, 2);
    let skipped: u64 = taken.iter().map(|portion| portion.skipped).sum();
    // The line feed of the second is skipped with it.
    assert_eq!(skipped, 149_000 * 2 + 1);
}

#[test]
fn a_connection_that_ends_in_a_frame_leaves_a_line_that_is_cut() {
    for (sent, left) in
        [(&b"<13>half a li"[..], &b"<13>half a li"[..]), (b"50 <13>counted", b"<13>counted"), (b"12", b"12")]
    {
        let mut intake = syslog(&Address::Tcp(loopback()), settings());
        connect(&intake).write_all(sent).unwrap();
        until("it ended", || intake.counts().connections == 1 && intake.counts().connections_open == 0);
        let taken = drain(&mut intake);
        assert_eq!(lines(&taken), [left]);
        assert_eq!(intake.counts().torn, 1);
    }
    let mut intake = syslog(&Address::Tcp(loopback()), settings());
    let mut stream = connect(&intake);
    stream.write_all(b"<13>whole\n<13>and a ha").unwrap();
    until("it is read", || intake.has_lines());
    // Also where it is the reader that ends.
    assert_eq!(lines(&drain(&mut intake)), [&b"<13>whole\n"[..], b"<13>and a ha"]);
}

#[test]
fn a_thousand_connections_are_served_and_one_more_than_allowed_is_refused() {
    many_handles();
    let mut intake = syslog(&Address::Tcp(loopback()), Settings { connections: 1000, ..settings() });
    let mut streams: Vec<TcpStream> = (0..1000).map(|_| connect(&intake)).collect();
    until("all are connected", || intake.counts().connections_open == 1000);
    let mut refused = connect(&intake);
    assert_eq!(refused.read(&mut [0; 8]).unwrap_or(0), 0);
    assert_eq!(intake.counts().connections_refused, 1);
    // Half of a line each, so that all are unfinished at once.
    for (number, stream) in streams.iter_mut().enumerate() {
        stream.write_all(format!("<13>from {number} half").as_bytes()).unwrap();
    }
    for stream in &mut streams {
        stream.write_all(b" and half\n").unwrap();
    }
    until("all came", || intake.counts().messages == 1000);
    drop(streams);
    let mut taken = lines(&drain(&mut intake));
    taken.sort();
    let mut want: Vec<Vec<u8>> =
        (0..1000).map(|number| format!("<13>from {number} half and half\n").into_bytes()).collect();
    want.sort();
    assert_eq!(taken, want);
}

#[test]
fn a_silent_peer_and_one_that_trickles_hold_nobody_up() {
    let mut intake = syslog(&Address::Tcp(loopback()), settings());
    let silent = connect(&intake);
    let mut slow = connect(&intake);
    slow.write_all(b"400 <13>begins").unwrap();
    let mut quick = connect(&intake);
    for number in 0..1000 {
        quick.write_all(format!("<13>number {number}\n").as_bytes()).unwrap();
    }
    until("the quick one is served", || intake.counts().messages == 1000);
    drop((silent, slow, quick));
    assert_eq!(lines(&drain(&mut intake)).len(), 1001);
}

#[test]
fn unfinished_frames_of_all_connections_stay_within_the_memory() {
    let little = Settings { memory_bytes: 512 * 1024, longest_line: 64 * 1024, ..settings() };
    let mut intake = syslog(&Address::Tcp(loopback()), little);
    let mut streams: Vec<TcpStream> = (0..40).map(|_| connect(&intake)).collect();
    let half = vec![b'x'; 32 * 1024];
    for (number, stream) in streams.iter_mut().enumerate() {
        stream.write_all(&half).unwrap();
        until("it is read", || intake.counts().bytes == ((number + 1) * half.len()) as u64);
    }
    let cut = intake.counts().over_long;
    assert!(cut > 20, "{cut} of 40 were cut, because together they hold 1.25 MiB");
    for stream in &mut streams {
        stream.write_all(b"\n<13>next\n").unwrap();
    }
    drop(streams);
    let taken = lines(&drain(&mut intake));
    assert_eq!(taken.iter().filter(|line| *line == b"<13>next\n").count(), 40);
}

#[test]
fn a_writer_under_block_waits_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let little = Settings { memory_bytes: 256 * 1024, ..settings() };
    let mut intake = syslog(&Address::UnixStream(path.clone()), little);
    let sent = 40_000;
    let writer = thread::spawn(move || {
        let mut stream = UnixStream::connect(path).unwrap();
        for number in 0..sent {
            stream.write_all(format!("<13>number {number} {}\n", "x".repeat(200)).as_bytes()).unwrap();
        }
    });
    // Half of it may wait: one whole portion, but for less than a line, and one that is more than half full, whose memory
    // doubled. That holds however the writes are read together.
    until("it is full", || intake.waiting_bytes() > 97_000);
    assert!(intake.waiting_bytes() < 256 * 1024);
    let mut taken = Vec::new();
    until("all came", || {
        while let Some(portion) = intake.take() {
            taken.push(portion);
        }
        intake.counts().messages == sent
    });
    writer.join().unwrap();
    taken.extend(drain(&mut intake));
    assert_eq!(lines(&taken).len() as u64, sent);
    conserved(sent, sent, &intake.counts());
}

#[test]
fn a_writer_under_shed_is_read_while_nobody_takes_and_what_is_dropped_is_counted() {
    let little = Settings { stall: Stall::Shed, memory_bytes: 256 * 1024, ..settings() };
    let mut intake = syslog(&Address::Tcp(loopback()), little);
    let mut stream = connect(&intake);
    stream.set_write_timeout(Some(LIMIT)).unwrap();
    let (sent, mut longest) = (100_000u64, Duration::ZERO);
    for number in 0..sent {
        let line = format!("<13>number {number} {}\n", "x".repeat(200));
        let begun = Instant::now();
        stream.write_all(line.as_bytes()).unwrap();
        longest = longest.max(begun.elapsed());
    }
    eprintln!("longest write to a TCP socket: {longest:?}");
    until("all is read", || intake.counts().messages == sent);
    drop(stream);
    let shed = intake.counts();
    assert!(shed.shed_lines > sent / 2, "{shed:?}");
    let taken = lines(&drain(&mut intake));
    conserved(sent, taken.len() as u64, &intake.counts());
    assert_eq!(shed.shed_bytes + taken.concat().len() as u64, shed.bytes);
}

#[test]
fn who_comes_again_goes_on() {
    let mut intake = syslog(&Address::Tcp(loopback()), settings());
    for number in 0..300 {
        let mut stream = connect(&intake);
        stream.write_all(format!("<13>number {number}\n").as_bytes()).unwrap();
    }
    until("all came and went", || intake.counts().messages == 300 && intake.counts().connections_open == 0);
    assert_eq!(lines(&drain(&mut intake)).len(), 300);
    assert_eq!(intake.counts().torn, 0);
}

#[test]
fn logger_of_util_linux_is_understood_through_tcp() {
    if Command::new("logger").arg("--version").output().is_err() {
        eprintln!("SKIPPED: logger (util-linux) is not installed");
        return;
    }
    let mut intake = syslog(&Address::Tcp(loopback()), settings());
    let port = at(&intake).port().to_string();
    let tcp = ["--server", "127.0.0.1", "--port", &port, "--tcp", "--tag", "app"];
    for more in [&["--octet-count"][..], &["--rfc3164"], &["--octet-count", "--rfc5424"]] {
        assert!(Command::new("logger").args(tcp).args(more).arg("a line").status().unwrap().success());
    }
    until("all came", || intake.counts().messages == 3 && intake.counts().connections_open == 0);
    let lines = lines(&drain(&mut intake));
    assert!(lines.iter().all(|line| line.starts_with(b"<13>")), "{lines:?}");
    assert_eq!(intake.counts().malformed, 0);
}

#[test]
fn rsyslog_forwards_with_counts_and_with_line_feeds() {
    let Some(rsyslog) =
        ["/usr/sbin/rsyslogd", "/sbin/rsyslogd"].into_iter().find(|path| std::fs::exists(path).unwrap())
    else {
        eprintln!("SKIPPED: rsyslogd is not installed");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let shown = directory.path().display();
    let mut intake = syslog(&Address::Tcp(loopback()), settings());
    let mut sent = 0u64;
    for framing in ["octet-counted", "traditional"] {
        let socket = directory.path().join(framing);
        let conf = directory.path().join(format!("{framing}.conf"));
        std::fs::write(
            &conf,
            format!(
                "global(workDirectory=\"{shown}\")\nmodule(load=\"imuxsock\" SysSock.Use=\"off\")\n\
                 input(type=\"imuxsock\" Socket=\"{}\" RateLimit.Interval=\"0\")\n\
                 *.* action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{}\" protocol=\"tcp\" TCP_Framing=\"{framing}\" \
                 template=\"RSYSLOG_SyslogProtocol23Format\")\n",
                socket.display(),
                at(&intake).port()
            ),
        )
        .unwrap();
        let mut daemon = Command::new(rsyslog)
            .args(["-n", "-f", conf.to_str().unwrap(), "-i", &format!("{shown}/{framing}.pid")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        until("rsyslog listens", || socket.exists());
        let client = std::os::unix::net::UnixDatagram::unbound().unwrap();
        until("rsyslog takes a line", || client.connect(&socket).is_ok());
        for number in 0..500 {
            client.send(format!("<13>Nov 21 10:00:00 app: number {number}").as_bytes()).unwrap();
        }
        sent += 500;
        let own = |counts: sladd::input::intake::Counts| counts.messages;
        until("all came", || own(intake.counts()) >= sent);
        rustix::process::kill_process(
            rustix::process::Pid::from_raw(daemon.id() as i32).unwrap(),
            rustix::process::Signal::TERM,
        )
        .unwrap();
        daemon.wait().unwrap();
        until("it is gone", || intake.counts().connections_open == 0);
        // It may have said something of its own.
        sent = own(intake.counts());
    }
    let lines = lines(&drain(&mut intake));
    let ours = lines.iter().filter(|line| memchr::memmem::find(line, b" app - - -  number ").is_some()).count();
    let any = lines.iter().filter(|line| memchr::memmem::find(line, b"number ").is_some()).count();
    assert_eq!(any, 1000, "{ours}");
    assert!(lines.iter().all(|line| line.starts_with(b"<") && line.ends_with(b"\n")));
    assert_eq!((intake.counts().malformed, intake.counts().torn), (0, 0));
}

/// What connections cost that say nothing. Asserts nothing.
#[test]
#[ignore = "measures; run with --ignored --nocapture, alone"]
fn memory_of_idle_connections() {
    many_handles();
    let resident = || {
        let text = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = text.lines().find(|line| line.starts_with("RssAnon:")).unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    for (what, intake) in [
        ("syslog", syslog(&Address::Tcp(loopback()), Settings { connections: 10_000, ..settings() })),
        ("forward", super::forward::listen(Settings { connections: 10_000, ..settings() })),
    ] {
        let mut streams: Vec<TcpStream> = Vec::with_capacity(2_000);
        streams.extend((0..1_000).map(|_| connect(&intake)));
        until("all are connected", || intake.counts().connections_open == 1_000);
        let before = resident();
        streams.extend((0..1_000).map(|_| connect(&intake)));
        until("all are connected", || intake.counts().connections_open == 2_000);
        eprintln!("{what}: {} bytes a connection", (resident() - before) * 1024 / 1_000);
    }
}
