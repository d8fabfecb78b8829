//! The sidecar stays within `memory_limit`, whatever is sent to it and whoever is away. The limit is what the whole process has
//! resident, its program included.
#![cfg(feature = "net")]
#![allow(clippy::unwrap_used)]

#[path = "common/request.rs"]
mod request;

use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::{self, File},
    io::{BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

/// So long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(300);

/// What a release build has of its program in memory. A development build's is larger, which is no fault of the run's.
const PROGRAM_KIB: u64 = 9 << 10;

struct Sidecar {
    child: Child,
    room: PathBuf,
    limit_mib: u64,
}

impl Sidecar {
    fn start(room: &Path, limit_mib: u64, wiring: &str) -> Sidecar {
        let sidecar = Sidecar::begun(room, limit_mib, wiring);
        until(|| sidecar.said().contains("state in"), &|| sidecar.said());
        sidecar
    }

    fn begun(room: &Path, limit_mib: u64, wiring: &str) -> Sidecar {
        let policy = format!(
            "base = \"hosting\"\nname = \"example-host\"\nversion = 1\n[encode]\nas = \"json\"\n[state]\n\
             directory = \"{0}/state\"\nmemory_limit = \"{limit_mib} MiB\"\n{1}",
            room.display(),
            wiring.replace("ROOM", &room.display().to_string())
        );
        fs::write(room.join("policy.toml"), policy).unwrap();
        let said = File::create(room.join("said")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sladd"));
        command.args(["sidecar", "--policy"]).arg(room.join("policy.toml"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said).spawn().unwrap();
        Sidecar { child, room: room.to_path_buf(), limit_mib }
    }

    fn said(&self) -> String {
        fs::read_to_string(self.room.join("said")).unwrap()
    }

    /// Lines that were written.
    fn written(&self) -> usize {
        fs::read(self.room.join("out.log")).map_or(0, |bytes| memchr::memchr_iter(b'\n', &bytes).count())
    }

    /// Ends it. The most it had is within the limit.
    fn end(mut self, what: &str) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let of = |name: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().strip_suffix(" kB").unwrap().trim().parse().unwrap()
        };
        let (peak, program) = (of("VmHWM:"), of("RssFile:"));
        let more = if cfg!(debug_assertions) { program.saturating_sub(PROGRAM_KIB) } else { 0 };
        println!("{what} under {} MiB: {} KiB at most", self.limit_mib, peak - more);
        assert!(
            peak - more <= self.limit_mib << 10,
            "{what}: {} KiB under {} MiB: {}",
            peak - more,
            self.limit_mib,
            self.said()
        );
        let pid = Pid::from_child(&self.child);
        for _ in 0..2 {
            let _ = kill_process(pid, Signal::TERM);
        }
        assert!(self.child.wait().unwrap().success(), "{}", self.said());
    }
}

fn until(mut done: impl FnMut() -> bool, what: &dyn Fn() -> String) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE, "{}", what());
        thread::sleep(Duration::from_millis(20));
    }
}

fn line(number: usize, long: usize) -> String {
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox";
    format!(
        "198.51.100.{} - - [21/Nov/2026:10:00:00 +0000] \"GET /page/{number}?q={} HTTP/1.1\" 200 {number} \
         \"https://example.org/from/{number}\" \"{agent}/{number}.{}\"\n",
        number % 250,
        "x".repeat(long),
        number % 77
    )
}

fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn many_files_of_short_and_long_lines() {
    for (limit, formats) in [(32, &["combined"; 12][..]), (64, &["combined", "auto", "common", "auto", "combined"][..])]
    {
        let room = tempfile::tempdir().unwrap();
        let mut wiring = "[[output]]\nfile = \"ROOM/out.log\"\n".to_owned();
        let mut lines = 0;
        for (number, format) in formats.iter().enumerate() {
            wiring += &format!("[[input]]\nfollow = [\"ROOM/in{number}.log\"]\nformat = \"{format}\"\n");
            let mut text = String::new();
            for at in 0..6_000 {
                text += &line(number * 10_000 + at, if at % 100 == 0 { 60_000 } else { at % 40 });
            }
            lines += 6_000;
            fs::write(room.path().join(format!("in{number}.log")), text).unwrap();
        }
        let sidecar = Sidecar::start(room.path(), limit, &wiring);
        until(|| sidecar.written() == lines, &|| format!("{} of {lines}: {}", sidecar.written(), sidecar.said()));
        sidecar.end("files");
    }
}

/// Answers with a 200, or not at all while it is away. Counts lines.
fn receiver(away: &Arc<AtomicBool>, got: &Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (away, got) = (away.clone(), got.clone());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, away, got) = (stream.unwrap(), away.clone(), got.clone());
            // A client may break off.
            thread::spawn(move || drop(serve(stream, &away, &got)));
        }
    });
    port
}

fn serve(mut stream: TcpStream, away: &AtomicBool, got: &AtomicUsize) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let Some(body) = request::body(&mut reader)? else { return Ok(()) };
        if away.load(SeqCst) {
            return Ok(());
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")?;
        got.fetch_add(memchr::memchr_iter(b'\n', &body).count(), SeqCst);
    }
}

#[test]
fn twelve_receivers_that_are_away_and_come_back() {
    let room = tempfile::tempdir().unwrap();
    let (away, got) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let mut wiring = "[[input]]\nfollow = [\"ROOM/in.log\"]\nformat = \"combined\"\n".to_owned();
    for _ in 0..12 {
        let port = receiver(&away, &got);
        wiring += &format!("[[output]]\nhttp = \"http://127.0.0.1:{port}/\"\nshape = \"ndjson\"\nspool = \"16 MiB\"\n");
    }
    let lines = 30_000;
    let text: String =
        (0..lines).map(|number| line(number, if number % 500 == 0 { 60_000 } else { number % 40 })).collect();
    fs::write(room.path().join("in.log"), text).unwrap();
    // With less it does not even begin.
    let mut refused = Sidecar::begun(room.path(), 32, &wiring);
    assert_eq!(refused.child.wait().unwrap().code(), Some(78));
    assert!(refused.said().contains("more memory than memory_limit allows"), "{}", refused.said());
    let sidecar = Sidecar::start(room.path(), 64, &wiring);
    let spooled = || -> u64 {
        let spools = fs::read_dir(room.path().join("state/spool")).into_iter().flatten().flatten();
        let files = spools.flat_map(|spool| fs::read_dir(spool.path()).into_iter().flatten().flatten());
        files.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
    };
    until(|| spooled() > 12 * (10 << 20), &|| format!("{} bytes wait: {}", spooled(), sidecar.said()));
    away.store(false, SeqCst);
    until(|| got.load(SeqCst) >= 12 * lines, &|| format!("{}: {}", got.load(SeqCst), sidecar.said()));
    sidecar.end("receivers");
}

#[test]
fn senders_of_endless_lines() {
    for limit in [32, 64] {
        let room = tempfile::tempdir().unwrap();
        let port = port();
        let wiring = format!(
            "[[input]]\nsyslog = \"tcp:127.0.0.1:{port}\"\nformat = \"auto\"\n[[output]]\nfile = \"ROOM/out.log\"\n"
        );
        let sidecar = Sidecar::start(room.path(), limit, &wiring);
        let senders: Vec<_> = (0..50)
            .map(|sender| {
                thread::spawn(move || {
                    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
                    let message = "m".repeat(1_000_000);
                    for _ in 0..4 {
                        match sender % 2 {
                            0 => writeln!(stream, "{message}").unwrap(),
                            _ => write!(stream, "{} {message}", message.len()).unwrap(),
                        }
                    }
                    stream.shutdown(Shutdown::Write).unwrap();
                })
            })
            .collect();
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        // What is too long is dropped; what comes behind it is not.
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(line(1, 0).as_bytes()).unwrap();
        until(|| sidecar.written() == 1, &|| format!("{}: {}", sidecar.written(), sidecar.said()));
        sidecar.end("endless lines");
    }
}

#[test]
fn datagrams_without_end() {
    for limit in [32, 64] {
        let room = tempfile::tempdir().unwrap();
        let port = port();
        let wiring = format!(
            "[[input]]\nsyslog = \"udp:127.0.0.1:{port}\"\nformat = \"auto\"\n[[output]]\nfile = \"ROOM/out.log\"\n"
        );
        let sidecar = Sidecar::start(room.path(), limit, &wiring);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let messages: Vec<String> = (0..300).map(|at| line(at, if at % 50 == 0 { 50_000 } else { at })).collect();
        for _ in 0..200 {
            for message in &messages {
                let _ = socket.send_to(message.trim_end().as_bytes(), ("127.0.0.1", port));
            }
        }
        until(|| sidecar.written() > 300, &|| sidecar.said());
        sidecar.end("datagrams");
    }
}

fn packed(text: &[u8], into: &mut Vec<u8>) {
    into.push(0xdb);
    into.extend((text.len() as u32).to_be_bytes());
    into.extend(text);
}

/// `[tag, bytes, {option: value}]`
fn message(packed_events: &[u8], option: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![0x93];
    packed(b"app", &mut bytes);
    bytes.push(0xc6);
    bytes.extend((packed_events.len() as u32).to_be_bytes());
    bytes.extend(packed_events);
    bytes.push(0x81);
    packed(option.as_bytes(), &mut bytes);
    packed(value.as_bytes(), &mut bytes);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn chunks_that_are_huge_deep_or_bombs() {
    for limit in [32, 64] {
        let room = tempfile::tempdir().unwrap();
        let port = port();
        let wiring = format!(
            "[[input]]\nforward = \"tcp:127.0.0.1:{port}\"\nformat = \"auto\"\n[[output]]\nfile = \"ROOM/out.log\"\n"
        );
        let sidecar = Sidecar::start(room.path(), limit, &wiring);
        let mut event = vec![0x92, 0xce];
        event.extend(1_795_255_200u32.to_be_bytes());
        event.push(0x81);
        packed(b"log", &mut event);
        packed(line(7, 0).trim_end().as_bytes(), &mut event);
        let mut deep = vec![0x93];
        packed(b"app", &mut deep);
        deep.extend(&event[1..6]);
        deep.push(0x81);
        packed(b"log", &mut deep);
        deep.extend([0x91; 1_000_000]);
        let messages = [
            message(&event.repeat(1_800_000 / event.len()), "chunk", "one"),
            message(&gzip(&event.repeat(30_000_000 / event.len())), "compressed", "gzip"),
            message(&gzip(&vec![0; 100_000_000]), "compressed", "gzip"),
            deep,
            message(&[&[0xdb, 0, 0x1f, 0xff, 0xff][..], &[b'y'; 0x1f_ffff]].concat(), "chunk", "two"),
        ];
        let messages = Arc::new(messages);
        let senders: Vec<_> = (0..15)
            .map(|sender| {
                let messages = messages.clone();
                thread::spawn(move || {
                    for _ in 0..6 {
                        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
                        // What is refused ends the connection.
                        let _ = stream.write_all(&messages[sender % messages.len()]);
                        let _ = stream.shutdown(Shutdown::Write);
                        let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
                        let _ = stream.read(&mut [0; 64]);
                    }
                })
            })
            .collect();
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        until(|| sidecar.written() > 1_000, &|| sidecar.said());
        sidecar.end("chunks");
    }
}
