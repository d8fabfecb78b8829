//! F48: a thread of the sidecar panics. The process ends, says so, and does not stand still; the next one goes on.
//!
//! No fail point is built in: the standard library panics where a sleep fails with anything but an interruption, and the
//! runtime of sockets where it cannot wait for events. strace makes them fail, in whichever thread comes there first.

use super::harness::{
    SLADD,
    beside::{Beside, comes, ends},
    has,
    lines::{self, count},
    oracle,
};
use std::{
    fs::{self, File},
    io::Write,
    net::{Shutdown, TcpListener, TcpStream},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

const TO_FILE: &str = "[[output]]\nfile = \"ROOM/out/access.log\"\n";

/// The sidecar with these calls failing. What it says goes to `said`.
fn start(beside: &Beside, inject: &[&str]) -> Child {
    let mut command = Command::new("strace");
    command.args(["-D", "-f", "-qqq", "-s", "0", "-e", "signal=none", "-o"]).arg(beside.at("calls"));
    let names: Vec<&str> = inject.iter().map(|what| what.split_once(':').unwrap().0).collect();
    command.args(["-e", &format!("trace={}", names.join(","))]);
    for what in inject {
        command.args(["-e", &format!("inject={what}")]);
    }
    command.arg(SLADD).args(["sidecar", "--policy", "./policy.toml"]).current_dir(beside.room.path());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(beside.at("said")).unwrap()).spawn().unwrap()
}

/// It ends by itself, not well, and says why without a byte of a line. Between fault and end nothing stands still.
fn ends_by_itself(beside: &Beside, mut child: Child, what: &str) -> ExitStatus {
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            panic!("{what}: it goes on without one of its threads: {}", String::from_utf8_lossy(&beside.read("said")));
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let said = String::from_utf8_lossy(&beside.read("said")).into_owned();
    assert!(!status.success(), "{what}: {status:?} {said}");
    assert!(said.contains("internal fault at "), "{what}: nothing panicked: {status:?} {said}");
    assert!(!said.contains("panicked"), "{what}: {said}");
    oracle::clean("said", said.as_bytes(), what);
    assert!(fs::read_to_string(beside.at("calls")).unwrap().contains("(INJECTED)"), "{what}");
    println!("F48: {what}: {status:?}, {}", said.lines().last().unwrap_or_default());
    status
}

const SLEEP: [&str; 2] = ["?clock_nanosleep:error=EINVAL", "?nanosleep:error=EINVAL"];
const EVENTS: [&str; 2] = ["?epoll_wait:error=EBADF:when=2+", "?epoll_pwait:error=EBADF:when=2+"];

/// Files are there, and are read to their end by the next one.
fn goes_on(beside: &Beside, wanted: usize, what: &str) {
    let running = beside.start();
    beside.reaches(wanted, what);
    ends(running, what);
    beside.is_whole(wanted, what);
}

#[test]
fn without_the_thread_that_sends_it_ends() {
    if !has("strace") {
        return;
    }
    // Nobody listens there any more.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let beside = Beside::new(&format!(
        "[[input]]\nfollow = [\"ROOM/in/access.log\"]\n{TO_FILE}[[output]]\nsyslog = \"tcp:127.0.0.1:{port}\"\n"
    ));
    beside.append("in/access.log", &lines::lines(0, 100));
    let child = start(&beside, &SLEEP);
    ends_by_itself(&beside, child, "the thread that sends");
    beside.append("in/access.log", &lines::lines(100, 50));
    goes_on(&beside, 150, "after it");
}

#[test]
fn without_the_thread_that_answers_it_ends() {
    if !has("strace") {
        return;
    }
    let beside = Beside::new(&format!(
        "[[input]]\nfollow = [\"ROOM/in/access.log\"]\n{TO_FILE}[status]\nlisten = \"ROOM/status.sock\"\n"
    ));
    beside.append("in/access.log", &lines::lines(0, 100));
    let child = start(&beside, &EVENTS);
    comes("the status", || beside.at("status.sock").exists() || !beside.read("said").is_empty());
    // Whoever asks wakes it.
    for _ in 0..3 {
        let _ = std::os::unix::net::UnixStream::connect(beside.at("status.sock"));
    }
    ends_by_itself(&beside, child, "the thread that answers");
    goes_on(&beside, 100, "after it");
}

#[test]
fn without_the_thread_that_takes_connections_it_ends() {
    if !has("strace") {
        return;
    }
    for input in ["syslog", "forward"] {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let beside = Beside::new(&format!("[[input]]\n{input} = \"tcp:127.0.0.1:{port}\"\n{TO_FILE}"));
        let child = start(&beside, &EVENTS);
        comes("it takes connections", || {
            // It may be over already.
            String::from_utf8_lossy(&beside.read("said")).contains("internal fault")
                || TcpStream::connect(("127.0.0.1", port)).is_ok_and(|mut sender| {
                    sender.write_all(&lines::lines(0, 3)).is_ok() && sender.shutdown(Shutdown::Write).is_ok()
                })
        });
        ends_by_itself(&beside, child, &format!("the thread that takes connections of {input}"));
        assert!(count(&beside.read("out/access.log")) <= 3);
        beside.is_clean(input);
    }
}
