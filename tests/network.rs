//! The sidecar between senders and receivers on the network: what comes in goes out, at least once and each record under one
//! name, whatever happens to us or to the receiver.
#![cfg(feature = "net")]
#![allow(clippy::unwrap_used)]

#[path = "common/request.rs"]
mod request;

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

/// So long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(120);

/// A stand-in for the bulk call of Elasticsearch.
struct Receiver {
    /// Each record by its name, with all texts that it came with.
    got: Arc<Mutex<BTreeMap<String, Vec<String>>>>,
    /// Answers nothing and closes while it is set.
    away: Arc<AtomicBool>,
    connections: Arc<AtomicUsize>,
    port: u16,
}

impl Receiver {
    fn new() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let receiver = Receiver { got: Arc::default(), away: Arc::default(), connections: Arc::default(), port };
        let (got, away, connections) = (receiver.got.clone(), receiver.away.clone(), receiver.connections.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (got, away) = (got.clone(), away.clone());
                connections.fetch_add(1, SeqCst);
                // A client that is killed breaks off where it likes.
                thread::spawn(move || drop(serve(stream.unwrap(), &got, &away)));
            }
        });
        receiver
    }

    fn names(&self) -> usize {
        self.got.lock().unwrap().len()
    }

    fn texts(&self) -> Vec<String> {
        self.got.lock().unwrap().values().map(|texts| texts[0].clone()).collect()
    }

    fn wait_for(&self, records: usize) {
        until(|| self.names() >= records, &|| format!("{} of {records} records arrived", self.names()));
    }
}

fn serve(stream: TcpStream, got: &Mutex<BTreeMap<String, Vec<String>>>, away: &AtomicBool) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let Some(body) = request::body(&mut reader)? else { return Ok(()) };
        if away.load(SeqCst) {
            return Ok(());
        }
        let text = String::from_utf8(body).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let mut items = Vec::new();
        for pair in lines.chunks(2) {
            let action: serde_json::Value = serde_json::from_str(pair[0]).unwrap();
            let id = action["create"]["_id"].as_str().unwrap().to_owned();
            let mut got = got.lock().unwrap();
            let texts = got.entry(id).or_default();
            let status = if texts.is_empty() { 201 } else { 409 };
            texts.push(pair[1].to_owned());
            items.push(format!("{{\"create\":{{\"status\":{status}}}}}"));
        }
        let answer = format!("{{\"took\":1,\"errors\":false,\"items\":[{}]}}", items.join(","));
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{answer}",
            answer.len()
        )?;
    }
}

struct Sidecar {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Sidecar {
    /// Starts it, and waits until it takes lines.
    fn start(room: &Path, policy: &str) -> Sidecar {
        let path = room.join("policy.toml");
        fs::write(&path, policy).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_sladd"))
            .args(["sidecar", "--policy"])
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said: Arc<Mutex<String>> = Arc::default();
        let (stderr, heard) = (child.stderr.take().unwrap(), said.clone());
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut heard = heard.lock().unwrap();
                heard.push_str(&line);
                heard.push('\n');
            }
        });
        let sidecar = Sidecar { child, said };
        until(|| sidecar.said().contains("state in"), &|| sidecar.said());
        sidecar
    }

    fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end; what it said, and its exit code.
    fn end(mut self) -> (String, i32) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let code = self.child.wait().unwrap().code().unwrap();
        until(|| self.said().contains("lines in"), &|| self.said());
        (self.said(), code)
    }
}

fn until(mut done: impl FnMut() -> bool, what: &dyn Fn() -> String) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE, "{}", what());
        thread::sleep(Duration::from_millis(10));
    }
}

fn policy(room: &Path, input: &str, output: &str) -> String {
    format!(
        "base = \"hosting\"\nname = \"example-host\"\nversion = 1\n[state]\ndirectory = \"{}\"\n[[input]]\n{input}\n[[output]]\n{output}\n",
        room.join("state").display()
    )
}

fn bulk(receiver: &Receiver) -> String {
    format!(
        "http = \"http://127.0.0.1:{}\"\nshape = \"elasticsearch\"\nindex = \"web\"\ncompress = false\nspool = \"16 MiB\"",
        receiver.port
    )
}

/// A line of its own, with an address that must not be seen.
fn line(number: usize) -> String {
    format!(
        "203.0.113.{} - - [21/Nov/2026:10:00:00 +0000] \"GET /page-{number}x HTTP/1.1\" 200 {number} \"-\" \"curl/8.5.0\"",
        100 + number % 100
    )
}

/// Each number's line came, under one name alone and with one text alone; nothing that identifies came with it.
fn whole(receiver: &Receiver, count: usize) {
    let got = receiver.got.lock().unwrap();
    for texts in got.values() {
        assert!(texts.iter().all(|text| *text == texts[0]), "a name stands for one text");
        assert!(!texts[0].contains("203.0.113.1"), "an address was seen");
    }
    drop(got);
    let texts = receiver.texts();
    assert_eq!(texts.len(), count);
    for number in 0..count {
        let mark = format!("/page-{number}x ");
        assert_eq!(texts.iter().filter(|text| text.contains(&mark)).count(), 1, "record {number}");
    }
}

fn free_udp_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn room() -> (tempfile::TempDir, PathBuf) {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().to_path_buf();
    (room, path)
}

#[test]
fn what_comes_by_syslog_reaches_a_receiver() {
    let (_room, path) = room();
    let (receiver, port) = (Receiver::new(), free_udp_port());
    let input = format!("syslog = \"udp:127.0.0.1:{port}\"\nformat = \"auto\"");
    let sidecar = Sidecar::start(&path, &policy(&path, &input, &bulk(&receiver)));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for number in 0..500 {
        let message = format!("<190>Nov 21 10:00:00 web nginx: {}", line(number));
        socket.send_to(message.as_bytes(), ("127.0.0.1", port)).unwrap();
    }
    receiver.wait_for(500);
    let (said, code) = sidecar.end();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("500 lines in") && !said.contains("203.0.113.1"), "{said}");
    whole(&receiver, 500);
}

#[test]
fn a_receiver_that_was_away_gets_everything_though_we_were_killed_meanwhile() {
    let (_room, path) = room();
    let receiver = Receiver::new();
    receiver.away.store(true, SeqCst);
    let log = path.join("access.log");
    let policy = policy(&path, &format!("follow = [\"{}\"]", log.display()), &bulk(&receiver));
    let mut written = 0;
    for _ in 0..3 {
        let sidecar = Sidecar::start(&path, &policy);
        let mut file = fs::File::options().create(true).append(true).open(&log).unwrap();
        for _ in 0..300 {
            writeln!(file, "{}", line(written)).unwrap();
            written += 1;
        }
        let before = receiver.connections.load(SeqCst);
        until(|| receiver.connections.load(SeqCst) > before, &|| sidecar.said());
        sidecar.kill();
    }
    assert_eq!(receiver.names(), 0);
    receiver.away.store(false, SeqCst);
    let sidecar = Sidecar::start(&path, &policy);
    receiver.wait_for(written);
    let (said, code) = sidecar.end();
    assert_eq!(code, 0, "{said}");
    whole(&receiver, written);
    // What was acknowledged waits no longer.
    let spools: Vec<_> = fs::read_dir(path.join("state/spool")).unwrap().collect();
    assert_eq!(spools.len(), 1);
    let left: u64 = fs::read_dir(spools[0].as_ref().unwrap().path())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_name() != "acknowledged")
        .map(|entry| entry.metadata().unwrap().len())
        .sum();
    assert!(left < 1 << 20, "{left} bytes are left");
}

#[test]
fn killed_at_any_time_with_a_receiver_that_comes_and_goes_each_record_has_one_name() {
    let (_room, path) = room();
    let receiver = Receiver::new();
    let log = path.join("access.log");
    let policy = policy(&path, &format!("follow = [\"{}\"]", log.display()), &bulk(&receiver));
    let mut file = fs::File::options().create(true).append(true).open(&log).unwrap();
    let mut written = 0;
    let rounds = if std::env::var("SLADD_FAULTS").is_ok_and(|text| text == "long") { 200 } else { 8 };
    for round in 0..rounds {
        let sidecar = Sidecar::start(&path, &policy);
        receiver.away.store(round % 3 == 1, SeqCst);
        for _ in 0..100 {
            writeln!(file, "{}", line(written)).unwrap();
            written += 1;
        }
        thread::sleep(Duration::from_millis(37 * (round % 11)));
        sidecar.kill();
    }
    receiver.away.store(false, SeqCst);
    let sidecar = Sidecar::start(&path, &policy);
    receiver.wait_for(written);
    let (said, code) = sidecar.end();
    assert_eq!(code, 0, "{said}");
    whole(&receiver, written);
}

#[test]
fn a_spool_that_is_full_holds_files_back_and_lets_sockets_shed_and_count() {
    let (_room, path) = room();
    let (receiver, port) = (Receiver::new(), free_udp_port());
    receiver.away.store(true, SeqCst);
    let input = format!("syslog = \"udp:127.0.0.1:{port}\"\non_stall = \"spill\"");
    let sidecar = Sidecar::start(&path, &policy(&path, &input, &bulk(&receiver)));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let long = "x".repeat(6000);
    let size = || -> u64 {
        let Ok(spools) = fs::read_dir(path.join("state/spool")) else { return 0 };
        let files = spools.flat_map(|spool| fs::read_dir(spool.unwrap().path()).unwrap());
        files.map(|entry| entry.unwrap().metadata().map_or(0, |file| file.len())).sum()
    };
    let mut sent = 0;
    let began = Instant::now();
    // 16 MiB, and what is in hand.
    while size() < 16 << 20 || sent < 6000 {
        assert!(began.elapsed() < PATIENCE, "{} bytes in the spool of {sent} messages", size());
        socket
            .send_to(format!("<190>Nov 21 10:00:00 web app: word {sent} {long}").as_bytes(), ("127.0.0.1", port))
            .unwrap();
        sent += 1;
        if sent % 50 == 0 {
            thread::sleep(Duration::from_millis(2));
        }
    }
    thread::sleep(Duration::from_millis(500));
    let full = size();
    assert!(full < 24 << 20, "{full} bytes in a spool of 16 MiB");
    let (said, code) = sidecar.end();
    assert_eq!(code, 0, "{said}");
    let words: Vec<&str> = said.lines().find(|line| line.contains("lines in")).unwrap().split_whitespace().collect();
    let lines: usize = words[1].parse().unwrap();
    assert!(lines > 2000 && lines <= sent, "{said}");
}

#[test]
fn what_waits_for_a_receiver_that_the_policy_names_no_more_is_said() {
    let (_room, path) = room();
    let receiver = Receiver::new();
    receiver.away.store(true, SeqCst);
    let log = path.join("access.log");
    fs::write(&log, (0..50).map(|number| line(number) + "\n").collect::<String>()).unwrap();
    let input = format!("follow = [\"{}\"]", log.display());
    let sidecar = Sidecar::start(&path, &policy(&path, &input, &bulk(&receiver)));
    until(|| receiver.connections.load(SeqCst) > 0, &|| sidecar.said());
    let (said, code) = sidecar.end();
    assert_eq!(code, 0, "{said}");
    let file = format!("file = \"{}\"", path.join("out.log").display());
    let sidecar = Sidecar::start(&path, &policy(&path, &input, &file));
    until(|| sidecar.said().contains("bytes for a receiver that the policy does not name"), &|| sidecar.said());
    let (said, code) = sidecar.end();
    assert_eq!(code, 0, "{said}");
    // Named again, it gets what waited.
    receiver.away.store(false, SeqCst);
    let sidecar = Sidecar::start(&path, &policy(&path, &input, &bulk(&receiver)));
    receiver.wait_for(50);
    assert_eq!(sidecar.end().1, 0);
    whole(&receiver, 50);
}
