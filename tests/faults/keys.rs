//! F35, F51: key files that are not as they were made, and keys and lines where others could see them.

use super::harness::{
    SLADD,
    beside::{Beside, ends, listens},
    often, oracle, program,
};
use rustix::{
    fs::{CWD, FileType, Mode, mknodat},
    process::Signal,
};
use sladd::Timestamp;
use std::{
    fs,
    io::{Read, Write},
    os::unix::{
        fs::{PermissionsExt, chown, symlink},
        net::UnixStream,
        process::ExitStatusExt,
    },
    path::{Path, PathBuf},
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

const WIRING: &str = "[fields]\n\"client.address\" = { treatment = \"pseudonym\" }\n[status]\nlisten = \"ROOM/status.sock\"\n\
[[input]]\nfollow = [\"ROOM/in/access.log*\"]\n[[output]]\nfile = \"ROOM/out/access.log\"\n";

/// The time by the clock, so many days ago: keys of days long past are destroyed.
fn days_ago(days: i64) -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    Timestamp(now - days * 86_400)
}

fn line(time: Timestamp) -> String {
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (date, hour) = (time.date(), time.0.rem_euclid(86_400) / 3_600);
    let month = months[date.month() as usize - 1];
    format!(
        "198.51.100.77 - - [{:02}/{month}/{}:{hour:02}:00:00 +0000] \"GET /a HTTP/1.1\" 200 5 \"-\" \"-\"\n",
        date.day(),
        date.year()
    )
}

fn key(beside: &Beside, time: Timestamp) -> PathBuf {
    beside.at("keys").join(format!("{}.key", time.date()))
}

fn first_word(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == b' ').next().unwrap()
}

/// What is done to a key, and whether it can be seen: a secret is any 32 bytes, and one that is gone could never have been.
const DAMAGES: [(&str, bool); 13] = [
    ("is missing", false),
    ("can be read by all", true),
    ("can be written by the group", true),
    ("is a link to a key elsewhere", true),
    ("is a link to nothing", true),
    ("is short", true),
    ("is empty", true),
    ("is zeros", true),
    ("is long", true),
    ("is somebody else's", true),
    ("is a directory", true),
    ("is a named pipe", true),
    ("changed places with another", false),
];

fn damage(how: &str, key: &Path, other: &Path) {
    let mode = |mode| fs::set_permissions(key, PermissionsExt::from_mode(mode)).unwrap();
    let bytes = fs::read(key).unwrap();
    let write = |bytes: &[u8]| {
        mode(0o600);
        fs::write(key, bytes).unwrap();
        mode(0o400);
    };
    match how {
        "can be read by all" => mode(0o444),
        "can be written by the group" => mode(0o420),
        "is short" => write(&bytes[..31]),
        "is empty" => write(&[]),
        "is zeros" => write(&[0; 32]),
        "is long" => write(&[&bytes[..], b"x"].concat()),
        "is somebody else's" => chown(key, Some(65_534), None).unwrap(),
        "changed places with another" => {
            let aside = key.with_extension("aside");
            fs::rename(key, &aside).unwrap();
            fs::rename(other, key).unwrap();
            fs::rename(aside, other).unwrap();
        }
        how => {
            let elsewhere = key.parent().unwrap().with_file_name("elsewhere.key");
            fs::rename(key, &elsewhere).unwrap();
            match how {
                "is missing" => {}
                "is a link to a key elsewhere" => symlink(&elsewhere, key).unwrap(),
                "is a link to nothing" => symlink("nothing", key).unwrap(),
                "is a directory" => fs::create_dir(key).unwrap(),
                "is a named pipe" => mknodat(CWD, key, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap(),
                _ => unreachable!("{how}"),
            }
        }
    }
}

fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        eprintln!("!!! NOT ROOT: nothing can be given to somebody else, or looked at as somebody else");
    }
    is_root
}

/// F35: whoever starts with it refuses in words, before a line goes out; whoever has the secret goes on with it.
#[test]
fn a_key_that_is_not_as_it_was_made_is_refused_and_the_one_that_is_loaded_serves_on() {
    let (today, yesterday) = (days_ago(0), days_ago(1));
    let (mut refused, mut served) = (0, 0);
    for (how, is_seen) in DAMAGES {
        if how == "is somebody else's" && !is_root() {
            continue;
        }
        let beside = Beside::new(WIRING);
        let before = beside.piped(format!("{}{}", line(yesterday), line(today)).as_bytes());
        assert_eq!(before.iter().filter(|&&byte| byte == b'\n').count(), 2);
        let (key, other) = (key(&beside, today), key(&beside, yesterday));
        let today_line = line(today);

        // While it is in use.
        let running = beside.start();
        beside.append("in/access.log", today_line.as_bytes());
        beside.reaches(1, how);
        damage(how, &key, &other);
        beside.append("in/access.log", today_line.as_bytes());
        beside.reaches(2, how);
        ends(running, how);
        let made = beside.read("out/access.log");
        let words: Vec<&[u8]> = made.split_inclusive(|&byte| byte == b'\n').map(first_word).collect();
        assert_eq!(words[0], words[1], "{how}: not the secret that was loaded");
        assert!(words[0].starts_with(b"p1."), "{how}");
        served += 1;

        // And at the start.
        let mut command = Command::new(SLADD);
        command.args(["-q", "--policy", "./policy.toml"]).current_dir(beside.room.path());
        let output = program::fed(command.stdin(std::process::Stdio::piped()), today_line.into_bytes()).end(how);
        let said = String::from_utf8_lossy(&output.stderr);
        if is_seen {
            assert_eq!(output.status.code(), Some(78), "{how}: {said}");
            assert!(said.contains("cannot use key `") && output.stdout.is_empty(), "{how}: {said}");
            refused += 1;
        } else {
            assert_eq!(output.status.code(), Some(0), "{how}: {said}");
            assert!(first_word(&output.stdout).starts_with(b"p1."), "{how}");
            assert_ne!(first_word(&output.stdout), words[0], "{how}: another secret makes another pseudonym");
        }
        oracle::clean("standard output", &output.stdout, how);
    }
    println!("F35: {refused} refused at the start, {served} served on");
}

/// F35: a key that lies wrapped cannot stand in for another.
#[test]
fn wrapped_keys_that_changed_places_are_refused() {
    let (today, yesterday) = (days_ago(0), days_ago(1));
    let beside = Beside::new(WIRING);
    let text = fs::read_to_string(beside.at("policy.toml")).unwrap();
    let wrap = format!("[keys]\nwrap = \"{}\"\n", beside.at("wrap").display());
    let text = text.replacen("[keys]\n", &wrap, 1);
    fs::write(beside.at("policy.toml"), text).unwrap();
    fs::write(beside.at("wrap"), [7; 32]).unwrap();
    fs::set_permissions(beside.at("wrap"), PermissionsExt::from_mode(0o400)).unwrap();
    let both = format!("{}{}", line(yesterday), line(today));
    assert_eq!(beside.piped(both.as_bytes()).iter().filter(|&&byte| byte == b'\n').count(), 2);
    damage("changed places with another", &key(&beside, today), &key(&beside, yesterday));
    let mut command = Command::new(SLADD);
    command.args(["-q", "--policy", "./policy.toml"]).current_dir(beside.room.path());
    let output = program::fed(command.stdin(std::process::Stdio::piped()), both.into_bytes()).end("changed places");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(78) && said.contains("or under another name"), "{said}");
    assert!(output.stdout.is_empty());
}

/// What is asked for at the status socket.
fn asked(socket: &Path, what: &str) -> Vec<u8> {
    let mut stream = UnixStream::connect(socket).unwrap();
    write!(stream, "GET {what} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

/// F51: aborted again and again, with a key and raw lines in memory.
#[cfg(feature = "net")]
#[test]
fn neither_a_core_nor_proc_nor_what_is_said_shows_a_key_or_a_line() {
    let today = days_ago(0);
    let beside = Beside::new(WIRING);
    let (rounds, mut looks) = (often(12, 50), 0);
    for round in 0..rounds {
        let what = format!("round {round}");
        // Whoever starts it would have a core.
        let script = format!("ulimit -c unlimited 2>/dev/null; exec {SLADD} sidecar --policy ./policy.toml");
        let mut shell = Command::new("sh");
        let running = program::start(shell.args(["-c", &script]).current_dir(beside.room.path()));
        listens(&running);
        beside.append("in/access.log", line(today).as_bytes());
        beside.reaches(round + 1, &what);
        let secret = fs::read(key(&beside, today)).unwrap();
        let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let shows = |name: &str, bytes: &[u8]| {
            oracle::clean(name, bytes, &what);
            let holds = |secret: &[u8]| memchr::memmem::find(bytes, secret).is_some();
            assert!(!holds(&secret) && !holds(&secret[..16]) && !holds(hex.as_bytes()), "{what}: a key in {name}");
        };
        for page in ["/metrics", "/", "/healthz", "/status.json"] {
            shows(page, &asked(&beside.at("status.sock"), page));
        }
        let process = PathBuf::from(format!("/proc/{}", running.id()));
        shows("cmdline", &fs::read(process.join("cmdline")).unwrap());
        shows("environ", &fs::read(process.join("environ")).unwrap_or_default());
        if rustix::process::geteuid().is_root() {
            for name in ["environ", "mem", "maps", "auxv"] {
                let mut other = Command::new("setpriv");
                other.args(["--reuid=65534", "--regid=65534", "--clear-groups", "head", "-c", "1"]);
                let seen = other.arg(process.join(name)).output().unwrap();
                assert!(!seen.status.success() && seen.stdout.is_empty(), "{what}: another user reads {name}");
                looks += 1;
            }
        }
        running.signal(Signal::ABORT);
        let output = running.end(&what);
        assert_eq!(output.status.signal(), Some(6), "{what}");
        assert!(!output.status.core_dumped(), "{what}: a core");
        shows("standard error", &output.stderr);
        for (path, bytes) in oracle::tree(beside.room.path()) {
            let name = path.to_string_lossy();
            assert!(!name.contains("core"), "{what}: {name}");
            if !name.starts_with("keys/") && !name.starts_with("in/") {
                shows(&name, &bytes);
            }
        }
    }
    println!("F51: {rounds} aborts, {looks} looks by another user");
}
