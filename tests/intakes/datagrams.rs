//! UDP and unix datagrams.

use super::{LIMIT, at, conserved, drain, lines, loopback, settings, syslog, until};
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg};
use sladd::input::intake::{Address, Settings, Stall};
use std::{
    io::IoSlice,
    net::{SocketAddr, UdpSocket},
    os::{fd::AsRawFd, unix::net::UnixDatagram},
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// Sends so many numbered datagrams as fast as they go.
fn flood(to: SocketAddr, from: u64, count: u64, length: usize) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(to).unwrap();
    for number in from..from + count {
        let mut datagram = format!("<13>Nov 21 10:00:00 www app: number {number} ").into_bytes();
        datagram.resize(length, b'x');
        socket.send(&datagram).unwrap();
    }
}

fn number(line: &[u8]) -> u64 {
    let text = std::str::from_utf8(line).unwrap();
    text.split(' ').nth(6).unwrap().parse().unwrap()
}

#[test]
fn a_datagram_is_one_line_whatever_is_in_it() {
    let mut intake = syslog(&Address::Udp(loopback()), Settings { longest_line: 40, ..settings() });
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let send = |bytes: &[u8]| assert_eq!(socket.send_to(bytes, at(&intake)).unwrap(), bytes.len());
    send(b"<13>one\n");
    send(b"two\r\nthree\0four\n\r\0\n");
    send(b"");
    send(b"\n\0\r");
    send(&[b'x'; 40]);
    send(&[&[b'y'; 40][..], b"\n\n\n"].concat());
    send(&[b'z'; 41]);
    send(&[b'v'; 9000]);
    send(b"last");
    until("nine datagrams", || intake.counts().messages == 9);
    let taken = drain(&mut intake);
    let long = |byte, end: &[u8]| [&[byte; 40][..], end].concat();
    let want: [&[u8]; 7] = [
        b"<13>one\n",
        b"two  three four\n",
        &long(b'x', b"\n"),
        &long(b'y', b"\n"),
        // Cut ones have no line feed.
        &long(b'z', b""),
        &long(b'v', b""),
        b"last\n",
    ];
    assert_eq!(lines(&taken), want);
    let counts = intake.counts();
    assert_eq!((counts.messages, counts.empty, counts.over_long, counts.lost), (9, 2, 2, 0));
    assert_eq!(taken.iter().map(|portion| portion.skipped).sum::<u64>(), 1 + 8960);
    conserved(9, 7, &counts);
}

#[test]
fn what_a_stalled_taker_loses_in_the_kernel_is_counted_to_the_last_datagram() {
    let small = Settings { receive_buffer_bytes: 64 * 1024, memory_bytes: 128 * 1024, ..settings() };
    let mut intake = syslog(&Address::Udp(loopback()), small);
    let sent = 20_000;
    flood(at(&intake), 0, sent, 250);
    // Nothing is taken, so that the queue is full, then the buffer, and the rest is lost: known without another datagram.
    until("all is counted or waits", || intake.counts().lost > 0);
    let before = intake.counts();
    assert!(before.lost > 1000 && before.shed_lines == 0, "{before:?}");
    let taken = lines(&drain(&mut intake));
    conserved(sent, taken.len() as u64, &intake.counts());
    let numbers: Vec<u64> = taken.iter().map(|line| number(line)).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "in order, none twice");
}

#[test]
fn a_flood_is_taken_shed_or_lost_and_nothing_else() {
    for stall in [Stall::Block, Stall::Shed] {
        let little = Settings { stall, memory_bytes: 512 * 1024, receive_buffer_bytes: 256 * 1024, ..settings() };
        let mut intake = syslog(&Address::Udp(loopback()), little);
        let (senders, each) = (3, 20_000);
        let to = at(&intake);
        let threads: Vec<_> =
            (0..senders).map(|sender| thread::spawn(move || flood(to, sender * each, each, 250))).collect();
        // A taker that sleeps now and then.
        let mut taken = Vec::new();
        while threads.iter().any(|thread| !thread.is_finished()) {
            while let Some(portion) = intake.take() {
                taken.push(portion);
            }
            thread::sleep(Duration::from_millis(20));
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        taken.extend(drain(&mut intake));
        let mut numbers: Vec<u64> = lines(&taken).iter().map(|line| number(line)).collect();
        conserved(senders * each, numbers.len() as u64, &intake.counts());
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len() as u64, lines(&taken).len() as u64, "none twice");
    }
}

#[test]
fn a_writer_to_a_unix_socket_is_served_while_nobody_takes_and_what_is_shed_is_counted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let little = Settings { stall: Stall::Shed, memory_bytes: 128 * 1024, ..settings() };
    let mut intake = syslog(&Address::UnixDatagram(path.clone()), little);
    let socket = UnixDatagram::unbound().unwrap();
    socket.connect(&path).unwrap();
    // A write that waits longer fails.
    socket.set_write_timeout(Some(LIMIT)).unwrap();
    let (sent, mut longest) = (5_000u64, Duration::ZERO);
    for number in 0..sent {
        let begun = Instant::now();
        socket.send(format!("<13>Nov 21 10:00:00 www app: number {number} {}", "x".repeat(200)).as_bytes()).unwrap();
        longest = longest.max(begun.elapsed());
    }
    eprintln!("longest write to a unix datagram socket: {longest:?}");
    until("all is read", || intake.counts().messages == sent);
    let counts = intake.counts();
    assert!(counts.shed_lines > 1000 && counts.shed_bytes > 200 * counts.shed_lines, "{counts:?}");
    let taken = lines(&drain(&mut intake));
    conserved(sent, taken.len() as u64, &intake.counts());
    assert!(!path.exists(), "its file goes when it ends");
}

#[test]
fn a_stop_takes_what_is_in_the_socket() {
    for _ in 0..20 {
        let mut intake = syslog(&Address::Udp(loopback()), settings());
        flood(at(&intake), 0, 500, 100);
        let taken = lines(&drain(&mut intake));
        assert_eq!(taken.len(), 500);
        assert!(UdpSocket::bind(at(&intake)).is_ok(), "the socket is closed");
    }
}

#[test]
fn dropping_an_intake_ends_it_also_when_it_waits_for_room() {
    let small = Settings { memory_bytes: 128 * 1024, ..settings() };
    let intake = syslog(&Address::Udp(loopback()), small);
    flood(at(&intake), 0, 2_000, 250);
    until("it is full", || intake.waiting_bytes() > 50_000);
    let to = at(&intake);
    drop(intake);
    assert!(UdpSocket::bind(to).is_ok());
}

#[test]
fn logger_of_util_linux_is_understood_through_datagrams() {
    if Command::new("logger").arg("--version").output().is_err() {
        eprintln!("SKIPPED: logger (util-linux) is not installed");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let mut local = syslog(&Address::UnixDatagram(path.clone()), settings());
    let mut remote = syslog(&Address::Udp(loopback()), settings());
    run_logger(&["--socket", path.to_str().unwrap(), "--tag", "app", "a line from here"]);
    let port = at(&remote).port().to_string();
    for more in [&["--rfc3164"][..], &["--rfc5424"]] {
        run_logger(&[&["--server", "127.0.0.1", "--port", &port, "--udp", "--tag", "app"], more, &["a line"]].concat());
    }
    until("all came", || local.counts().messages == 1 && remote.counts().messages == 2);
    let lines = [lines(&drain(&mut local)), lines(&drain(&mut remote))].concat();
    assert_eq!(lines.len(), 3);
    assert!(lines.iter().all(|line| line.starts_with(b"<13>") && line.ends_with(b"\n")), "{lines:?}");
    assert!(lines[2].starts_with(b"<13>1 "));
}

fn run_logger(arguments: &[&str]) {
    assert!(Command::new("logger").args(arguments).status().unwrap().success());
}

/// Datagrams a second, of the intake alone and with as many senders as there are. Asserts nothing of time.
#[test]
#[ignore = "measures; run with --ignored --nocapture"]
fn datagrams_a_second() {
    let count: u64 = std::env::var("SLADD_DATAGRAMS").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000_000);
    let mut intake = syslog(&Address::Udp(loopback()), Settings { memory_bytes: 32 << 20, ..settings() });
    eprintln!("{}", intake.local().join(", "));
    let to = at(&intake);
    let sender = thread::spawn(move || {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(to).unwrap();
        let datagram = [b'x'; 250];
        let slices = vec![[IoSlice::new(&datagram)]; 64];
        let mut sent = 0;
        while sent < count {
            let now = slices.len().min((count - sent) as usize);
            let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(now, None);
            let whom = vec![None; now];
            sent += sendmmsg(socket.as_raw_fd(), &mut headers, &slices[..now], whom, [], MsgFlags::empty())
                .unwrap()
                .count() as u64;
        }
    });
    let (mut taken, mut begun, mut ended) = (0u64, None, Instant::now());
    loop {
        match intake.take() {
            Some(portion) => {
                begun.get_or_insert_with(Instant::now);
                ended = Instant::now();
                taken += memchr::memchr_iter(b'\n', &portion.lines).count() as u64;
            }
            None if sender.is_finished() && ended.elapsed() > Duration::from_millis(500) => break,
            None => thread::sleep(Duration::from_micros(200)),
        }
    }
    let counts = intake.counts();
    conserved(count, taken, &counts);
    let seconds = ended.duration_since(begun.unwrap()).as_secs_f64();
    eprintln!("{:.0} datagrams in a second of the intake's thread", taken as f64 / cpu_seconds());
    eprintln!(
        "{taken} taken, {} lost in {seconds:.2} s: {:.0} datagrams a second",
        counts.lost,
        taken as f64 / seconds
    );
}

/// How long threads of intakes have run, as the scheduler says.
fn cpu_seconds() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    let ours =
        tasks.filter(|task| std::fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim() == "sladd-intake"));
    let time = |task: std::path::PathBuf| -> f64 {
        std::fs::read_to_string(task.join("schedstat")).unwrap().split(' ').next().unwrap().parse().unwrap()
    };
    ours.map(time).sum::<f64>() / 1e9
}
