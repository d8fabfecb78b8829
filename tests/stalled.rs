//! Whoever reads the sidecar's standard output stops, goes on, or goes: no duty of the sidecar waits for that, no line is torn,
//! and every line is accounted for.
#![cfg(feature = "net")]
#![allow(clippy::unwrap_used)]

use rustix::process::{Pid, Signal, kill_process};
use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::{UnixDatagram, UnixStream},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

/// So long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(120);

struct Sidecar {
    child: Child,
    out: Option<ChildStdout>,
    room: PathBuf,
}

impl Sidecar {
    /// Starts it with a standard output that nobody reads yet, and waits until it takes lines.
    fn start(room: &Path, input: &str) -> Sidecar {
        let sidecar = Sidecar::begun(room, input);
        until(|| sidecar.said().contains("state in"), &|| sidecar.said());
        sidecar
    }

    /// Starts it.
    fn begun(room: &Path, input: &str) -> Sidecar {
        let (state, status) = (room.join("state"), room.join("status"));
        let policy = format!(
            "base = \"hosting\"\nname = \"example-host\"\nversion = 1\n[state]\ndirectory = \"{}\"\n[status]\nlisten = \"{}\"\n\
             [[input]]\n{input}\n[[output]]\nstdout = true\n",
            state.display(),
            status.display()
        );
        let path = room.join("policy.toml");
        fs::write(&path, policy).unwrap();
        let said = File::create(room.join("said")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sladd"));
        command.args(["sidecar", "--policy"]).arg(&path).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(said);
        let mut child = command.spawn().unwrap();
        let out = child.stdout.take();
        Sidecar { child, out, room: room.to_path_buf() }
    }

    fn said(&self) -> String {
        fs::read_to_string(self.room.join("said")).unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// What it ended with.
    fn ended(&mut self) -> i32 {
        let mut code = None;
        until(
            || {
                code = self.child.try_wait().unwrap();
                code.is_some()
            },
            &|| "it does not end".to_owned(),
        );
        code.unwrap().code().unwrap()
    }

    /// One figure from outside.
    fn figure(&self, name: &str) -> f64 {
        let mut stream = UnixStream::connect(self.room.join("status")).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let of = |line: &str| line.rsplit_once(' ').and_then(|(_, value)| value.parse::<f64>().ok());
        text.lines().filter(|line| line.starts_with(name)).filter_map(of).sum()
    }

    /// How many lines became what, from the account.
    fn account(&self, what: &str) -> usize {
        let said = self.said();
        let account = said.lines().rev().find(|line| line.contains(" lines in = ")).unwrap_or_default();
        let number = |text: &str| text.rsplit([' ', '(']).find_map(|word| word.parse().ok());
        match what {
            "in" => number(account.split(" lines in").next().unwrap()).unwrap(),
            "shed" => account
                .split_once("shed ")
                .map_or(0, |(_, behind)| behind.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()),
            other => number(account.split(&format!(" {other}")).next().unwrap()).unwrap(),
        }
    }
}

fn until(mut done: impl FnMut() -> bool, what: &dyn Fn() -> String) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE, "{}", what());
        thread::sleep(Duration::from_millis(10));
    }
}

fn line(number: usize) -> String {
    format!(
        "203.0.113.{} - - [21/Nov/2026:10:00:00 +0000] \"GET /page-{number}x HTTP/1.1\" 200 {number} \"-\" \"curl/8.5.0\"\n",
        100 + number % 100
    )
}

/// The numbers of lines that are whole; all have to be.
fn numbers(bytes: &[u8]) -> Vec<usize> {
    assert!(bytes.is_empty() || bytes.ends_with(b"\n"), "the last line is torn");
    let text = std::str::from_utf8(bytes).unwrap();
    assert!(!text.contains("203.0.113.1"), "an address was seen");
    let number = |line: &str| {
        assert!(line.starts_with("203.0.113.0 ") && line.ends_with('"'), "a torn line: {line}");
        line.split_once("/page-").unwrap().1.split_once('x').unwrap().0.parse().unwrap()
    };
    text.lines().map(number).collect()
}

fn read_all(mut out: ChildStdout) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut got = Vec::new();
        out.read_to_end(&mut got).unwrap();
        got
    })
}

/// Writes lines until it is told to stop; how many it wrote, and how long it waited at most.
fn pours(path: PathBuf, stop: Arc<AtomicBool>, count: Arc<AtomicUsize>) -> thread::JoinHandle<Duration> {
    thread::spawn(move || {
        let mut pipe = OpenOptions::new().write(true).open(path).unwrap();
        let mut longest = Duration::ZERO;
        while !stop.load(SeqCst) {
            let number = count.load(SeqCst);
            let lines: String = (number..number + 10).map(line).collect();
            let began = Instant::now();
            pipe.write_all(lines.as_bytes()).unwrap();
            longest = longest.max(began.elapsed());
            count.fetch_add(10, SeqCst);
        }
        longest
    })
}

#[test]
fn while_nobody_reads_a_writer_waits_and_all_else_goes_on() {
    let room = tempfile::tempdir().unwrap();
    let pipe = room.path().join("pipe");
    let mut sidecar = Sidecar::start(room.path(), &format!("fifo = \"{}\"", pipe.display()));
    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let writer = pours(pipe, stop.clone(), count.clone());
    until(|| sidecar.figure("sladd_output_stalled") > 0.5, &|| sidecar.said());
    until(|| sidecar.said().contains("takes nothing"), &|| sidecar.said());
    // Nothing moves, and it is still told how things are.
    let before = count.load(SeqCst);
    let stalled = sidecar.figure("sladd_output_stalled");
    until(|| sidecar.figure("sladd_output_stalled") > stalled + 0.5, &|| sidecar.said());
    assert!(count.load(SeqCst) <= before + 10, "the writer waits");
    sidecar.signal(Signal::USR2);
    until(|| sidecar.said().contains(" lines in = "), &|| sidecar.said());
    // Somebody reads again.
    let got = read_all(sidecar.out.take().unwrap());
    until(|| count.load(SeqCst) > before + 10_000, &|| sidecar.said());
    stop.store(true, SeqCst);
    writer.join().unwrap();
    sidecar.signal(Signal::TERM);
    assert_eq!(sidecar.ended(), 0);
    let written = count.load(SeqCst);
    assert_eq!(numbers(&got.join().unwrap()), (0..written).collect::<Vec<_>>(), "nothing is lost, doubled or torn");
    assert!(sidecar.said().contains("takes lines again"), "{}", sidecar.said());
}

#[test]
fn where_lines_are_shed_no_writer_waits_and_each_line_is_counted() {
    let room = tempfile::tempdir().unwrap();
    let (pipe, socket) = (room.path().join("pipe"), room.path().join("socket"));
    let inputs = format!(
        "fifo = \"{}\"\non_stall = \"shed\"\n[[input]]\nsyslog = \"unix-datagram:{}\"\non_stall = \"shed\"\nformat = \"auto\"",
        pipe.display(),
        socket.display()
    );
    let mut sidecar = Sidecar::start(room.path(), &inputs);
    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let writer = pours(pipe, stop.clone(), count.clone());
    let datagrams = UnixDatagram::unbound().unwrap();
    let mut longest = Duration::ZERO;
    let mut sent = 0;
    let shed = |sidecar: &Sidecar| sidecar.figure("sladd_input_shed_lines_total");
    until(
        || {
            for _ in 0..500 {
                let began = Instant::now();
                datagrams.send_to(line(sent).trim_end().as_bytes(), &socket).unwrap();
                longest = longest.max(began.elapsed());
                sent += 1;
            }
            shed(&sidecar) > 1_000.0 && sent > 50_000
        },
        &|| sidecar.said(),
    );
    stop.store(true, SeqCst);
    let waited = writer.join().unwrap();
    // What is promised is 100 ms; other programs may hold a core for long.
    assert!(longest < Duration::from_secs(2) && waited < Duration::from_secs(2), "{longest:?} {waited:?}");
    let got = read_all(sidecar.out.take().unwrap());
    sidecar.signal(Signal::TERM);
    assert_eq!(sidecar.ended(), 0);
    let found = numbers(&got.join().unwrap()).len();
    let lines = sent + count.load(SeqCst);
    assert_eq!(sidecar.account("in"), lines, "{}", sidecar.said());
    assert!(sidecar.account("shed") > 0);
    assert_eq!(found + sidecar.account("shed"), lines, "{}", sidecar.said());
}

#[test]
fn asked_to_end_while_nobody_reads_it_says_what_is_left_and_the_next_run_writes_it() {
    let room = tempfile::tempdir().unwrap();
    let log = room.path().join("access.log");
    let wanted = 40_000;
    fs::write(&log, (0..wanted).map(line).collect::<String>()).unwrap();
    let input = format!("follow = [\"{}\"]", log.display());
    let mut sidecar = Sidecar::start(room.path(), &input);
    until(|| sidecar.said().contains("takes nothing"), &|| sidecar.said());
    sidecar.signal(Signal::TERM);
    until(|| sidecar.figure("sladd_output_stalled") > 1.0, &|| sidecar.said());
    // It waits for the reader; a second word ends that.
    sidecar.signal(Signal::TERM);
    assert_eq!(sidecar.ended(), 0);
    assert!(sidecar.said().contains("bytes were not taken by standard output"), "{}", sidecar.said());
    let first = numbers(&read_all(sidecar.out.take().unwrap()).join().unwrap());
    assert!(!first.is_empty() && first.len() < wanted);
    // The next is asked to end before anybody reads, while it puts right what the first one left or right after that.
    let mut stuck = Sidecar::begun(room.path(), &input);
    let out = stuck.out.take().unwrap();
    until(|| rustix::io::ioctl_fionread(&out).unwrap() > 0, &|| stuck.said());
    stuck.signal(Signal::TERM);
    thread::sleep(Duration::from_millis(300));
    let _ = kill_process(Pid::from_child(&stuck.child), Signal::TERM);
    assert_eq!(stuck.ended(), 0);
    numbers(&read_all(out).join().unwrap());
    let mut sidecar = Sidecar::begun(room.path(), &input);
    let mut out = BufReader::new(sidecar.out.take().unwrap());
    let mut second = Vec::new();
    while second.last() != Some(&(wanted - 1)) {
        let mut line = Vec::new();
        assert!(out.read_until(b'\n', &mut line).unwrap() > 0, "{}", sidecar.said());
        second.extend(numbers(&line));
    }
    sidecar.signal(Signal::TERM);
    assert_eq!(sidecar.ended(), 0);
    let all: BTreeSet<usize> = first.iter().chain(&second).copied().collect();
    assert_eq!(all.len(), wanted);
    for run in [first, second] {
        assert!(run.windows(2).all(|pair| pair[1] == pair[0] + 1), "in order, without a gap");
    }
}

#[test]
fn a_reader_that_goes_while_nothing_is_written_is_the_end_without_a_word() {
    let room = tempfile::tempdir().unwrap();
    let log = room.path().join("access.log");
    fs::write(&log, line(1)).unwrap();
    let mut sidecar = Sidecar::start(room.path(), &format!("follow = [\"{}\"]", log.display()));
    let mut out = BufReader::new(sidecar.out.take().unwrap());
    let mut first = Vec::new();
    out.read_until(b'\n', &mut first).unwrap();
    assert_eq!(numbers(&first), [1]);
    drop(out);
    assert_eq!(sidecar.ended(), 0);
    assert!(!sidecar.said().contains("cannot") && !sidecar.said().contains("not taken"), "{}", sidecar.said());
}
