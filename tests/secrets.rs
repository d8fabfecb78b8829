//! Where the secrets of a running process lie in its memory, and that none is there once it is destroyed. Linux tells it to
//! root, and to whoever may trace the process.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    io::Write,
    os::unix::fs::{FileExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const SLADD: &str = env!("CARGO_BIN_EXE_sladd");

/// A destroyed secret is given up within a minute; nothing else here takes as long.
const LIMIT: Duration = Duration::from_secs(90);

/// A mapping of a process's memory that the process can write.
struct Mapping {
    bytes: Vec<u8>,
    /// As `/proc` says: `lo` is locked, `dd` left out of cores.
    flags: String,
}

/// All that a process has written to memory; `None` where the system does not let us look.
fn memory(pid: u32) -> Option<Vec<Mapping>> {
    let file = fs::File::open(format!("/proc/{pid}/mem")).ok()?;
    let text = fs::read_to_string(format!("/proc/{pid}/smaps")).ok()?;
    let mut found = Vec::new();
    let mut range = None;
    for line in text.lines() {
        if let Some(flags) = line.strip_prefix("VmFlags:") {
            let (from, to): (u64, u64) = range.take()?;
            let mut bytes = vec![0; (to - from) as usize];
            // Pages of the kernel's own cannot be read.
            if file.read_exact_at(&mut bytes, from).is_ok() {
                found.push(Mapping { bytes, flags: flags.to_owned() });
            }
        } else if let Some((bounds, _)) = line.split_once(' ')
            && let Some((from, to)) = bounds.split_once('-')
            && let (Ok(from), Ok(to)) = (u64::from_str_radix(from, 16), u64::from_str_radix(to, 16))
        {
            range = Some((from, to));
        }
    }
    (!found.is_empty()).then_some(found)
}

/// The flags of each place where a part of the secret lies: eight of its bytes in a row are enough to be found.
fn places(pid: u32, secret: &[u8]) -> Option<Vec<String>> {
    let mut places = Vec::new();
    for mapping in memory(pid)? {
        for part in secret.chunks(8) {
            places.extend(memchr::memmem::find_iter(&mapping.bytes, part).map(|_| mapping.flags.clone()));
        }
    }
    Some(places)
}

struct Room(tempfile::TempDir);

impl Room {
    fn new() -> Room {
        let room = Room(tempfile::tempdir().unwrap());
        fs::write(room.at("wrap"), std::array::from_fn::<u8, 32, _>(|at| 0xc3 ^ (at as u8).wrapping_mul(29))).unwrap();
        fs::set_permissions(room.at("wrap"), PermissionsExt::from_mode(0o400)).unwrap();
        room.policy("");
        room
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The policy, with more in its `[keys]`.
    fn policy(&self, more: &str) {
        let text = "base = \"hosting\"\nname = \"own\"\nversion = 1\n[fields]\n\
                    \"client.address\" = { treatment = \"pseudonym\" }\n[state]\ndirectory = \"ROOM/state\"\n\
                    [[input]]\nfollow = [\"ROOM/in.log\"]\n[[output]]\nfile = \"ROOM/out.log\"\n\
                    [keys]\ndirectory = \"ROOM/keys\"\n";
        let text = format!("{text}{more}").replace("ROOM", &self.0.path().display().to_string());
        fs::write(self.at("own.toml"), text).unwrap();
    }

    fn sladd(&self, words: &[&str]) -> Command {
        let mut command = Command::new(SLADD);
        command.args(words).arg("--policy").arg(self.at("own.toml")).current_dir(self.0.path());
        command
    }

    fn does(&self, words: &[&str]) {
        let out = self.sladd(words).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }

    /// Processes that have made pseudonyms of a day, with all that they are given still open: a pipe and a sidecar.
    fn run(&self) -> [Running; 2] {
        let _ = fs::remove_file(self.at("out.log"));
        let start = |words: &[&str], out: Stdio| {
            Running(self.sladd(words).stdin(Stdio::piped()).stdout(out).stderr(Stdio::null()).spawn().unwrap())
        };
        let mut pipe = start(&["pipe"], fs::File::create(self.at("piped.log")).unwrap().into());
        pipe.0.stdin.as_mut().unwrap().write_all(LINE.as_bytes()).unwrap();
        fs::write(self.at("in.log"), LINE).unwrap();
        let sidecar = start(&["sidecar"], Stdio::null());
        for name in ["piped.log", "out.log"] {
            until(&format!("a pseudonym in {name}"), || {
                fs::read_to_string(self.at(name)).is_ok_and(|text| text.starts_with("p1.20261120."))
            });
        }
        [pipe, sidecar]
    }
}

const LINE: &str = "203.0.113.7 - anna [20/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\"\n";

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < LIMIT, "never came: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether the test can see what it looks for: memory of a process that lets nobody but root look.
fn sees(running: &[Running]) -> bool {
    let sees = running.iter().all(|running| memory(running.0.id()).is_some());
    if !sees {
        eprintln!("SKIPPED: the memory of other processes cannot be read here; run this test as root");
    }
    sees
}

#[test]
fn secrets_lie_in_locked_pages_alone_and_a_destroyed_one_lies_nowhere() {
    let room = Room::new();
    room.does(&["key", "new", "2026-11-20"]);
    let secret = fs::read(room.at("keys/2026-11-20.key")).unwrap();
    let running = room.run();
    if !sees(&running) {
        return;
    }
    for child in &running {
        let places = places(child.0.id(), &secret).unwrap();
        assert!(places.len() >= 4, "the test sees where a secret lies");
        for flags in places {
            assert!(flags.contains(" lo") && flags.contains(" dd"), "a copy lies elsewhere: {flags}");
        }
    }
    room.does(&["key", "destroy", "2026-11-20", "--yes"]);
    for child in &running {
        until("a process that has given up its secret", || places(child.0.id(), &secret).unwrap().is_empty());
    }
}

#[test]
fn what_secrets_are_wrapped_with_lies_in_locked_pages_alone() {
    let room = Room::new();
    room.does(&["key", "new", "2026-11-20"]);
    let secret = fs::read(room.at("keys/2026-11-20.key")).unwrap();
    room.policy("wrap = \"ROOM/wrap\"\n");
    room.does(&["key", "rotate", "--wrap"]);
    let running = room.run();
    if !sees(&running) {
        return;
    }
    for (what, bytes) in [("secret", secret), ("wrap", fs::read(room.at("wrap")).unwrap())] {
        for child in &running {
            let places = places(child.0.id(), &bytes).unwrap();
            assert!(places.len() >= 4, "the test sees where the {what} lies");
            for flags in places {
                assert!(flags.contains(" lo") && flags.contains(" dd"), "a copy of the {what} lies elsewhere: {flags}");
            }
        }
    }
}

/// Whether a limit is zero, and cannot be raised.
fn is_none(limit: &str) -> bool {
    limit.split_whitespace().take(2).eq(["0", "0"])
}

/// Whether a file in this directory is a core.
fn has_core(directory: &Path) -> bool {
    fs::read_dir(directory).unwrap().any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with("core"))
}

#[test]
fn whoever_dies_leaves_no_core() {
    let room = Room::new();
    let bound = |words: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -c unlimited && {words}")]).current_dir(room.0.path());
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    if !bound("kill -ABRT $$").status().is_ok_and(|_| has_core(room.0.path())) {
        eprintln!("SKIPPED: no process leaves a core in its directory here; see /proc/sys/kernel/core_pattern");
        return;
    }
    for entry in fs::read_dir(room.0.path()).unwrap().map(Result::unwrap) {
        if entry.file_name().to_string_lossy().starts_with("core") {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    fs::write(room.at("in.log"), LINE).unwrap();
    for words in ["pipe", "sidecar", "bulk --out - -"] {
        let mut child = Running(bound(&format!("exec {SLADD} {words} --policy own.toml")).spawn().unwrap());
        let limits = || fs::read_to_string(format!("/proc/{}/limits", child.0.id())).unwrap_or_default();
        until(&format!("{words} that has begun"), || {
            let none = |line: &str| line.strip_prefix("Max core file size").is_some_and(is_none);
            limits().lines().any(none)
        });
        kill_process(Pid::from_child(&child.0), Signal::ABORT).unwrap();
        child.0.wait().unwrap();
        assert!(!has_core(room.0.path()), "{words}");
    }
}
