//! `malformed = "seal"` as its user meets it: in pipe, bulk and sidecar, in the quarantine, and on the machine that opens it.
#![allow(clippy::unwrap_used)]

use sladd::{Policy, key::random, policy, seal::Identity};
use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

struct Place {
    room: tempfile::TempDir,
    /// On another machine.
    identity: Identity,
}

impl Place {
    fn new() -> Place {
        Place::with("limit = \"1 MiB\"\n", "")
    }

    /// A policy with more in its `[seal]`, and with more behind it.
    fn with(seal: &str, more: &str) -> Place {
        let place = Place { room: tempfile::tempdir().unwrap(), identity: Identity::new(random).unwrap() };
        let text = format!(
            "base = \"hosting\"\nname = \"own\"\nversion = 1\n[source]\nmalformed = \"seal\"\n\
             [seal]\nrecipient = \"{}\"\n{seal}[state]\ndirectory = \"ROOM/state\"\n{more}",
            place.identity.recipient()
        );
        fs::write(place.at("own.toml"), text.replace("ROOM", &place.room.path().display().to_string())).unwrap();
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.room.path().join(name)
    }

    fn quarantine(&self) -> PathBuf {
        self.at("state/quarantine")
    }

    fn sladd(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sladd"))
            .args(arguments)
            .current_dir(self.room.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_vec());
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let out = child.wait_with_output().unwrap();
        writer.join().unwrap();
        out
    }

    /// What the pipe says on standard output, and its account.
    fn pipes(&self, input: &[u8]) -> (String, serde_json::Value) {
        let out = self.sladd(&["--summary", "json", "--policy", "./own.toml"], input);
        let said = String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(0), "{said}");
        let account = said.lines().rev().find_map(|line| serde_json::from_str(line).ok()).unwrap();
        (String::from_utf8(out.stdout).unwrap(), account)
    }

    /// What was sealed, file by file in the order of their names.
    fn opened(&self) -> Vec<Vec<u8>> {
        let mut files: Vec<PathBuf> =
            fs::read_dir(self.quarantine()).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        let open = |path: &PathBuf| {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o640);
            self.identity.open(&fs::read(path).unwrap()).unwrap().to_vec()
        };
        files.iter().map(open).collect()
    }

    /// No raw value stands below this directory.
    fn is_clean(&self, name: &str) {
        for entry in
            walkdir::WalkDir::new(self.at(name)).into_iter().flatten().filter(|entry| entry.file_type().is_file())
        {
            let bytes = fs::read(entry.path()).unwrap();
            for raw in ["kari@example", "198.51.100.77", "hemmelig"] {
                assert!(memchr::memmem::find(&bytes, raw.as_bytes()).is_none(), "{raw} in {}", entry.path().display());
            }
        }
    }
}

const GOOD: &str = "198.51.100.77 - - [21/Nov/2026:10:00:00 +0000] \"GET /a HTTP/1.1\" 200 5 \"-\" \"curl/8\"\n";
const BAD: &str = "no format: kari@example.org from 198.51.100.77 said password=hemmelig\n";

#[test]
fn the_pipe_seals_what_fits_no_format_and_leaves_a_blank_line() {
    let place = Place::new();
    let input = format!(
        "{GOOD}{BAD}{GOOD}\r\n\u{16}\u{3}\u{1} 198.51.100.77 hemmelig\r\nlast without its end: kari@example.org"
    );
    let (out, account) = place.pipes(input.as_bytes());
    let lines: Vec<&str> = out.split('\n').collect();
    assert_eq!((lines.len(), lines[1], lines[3], lines[4]), (7, "", "\r", "\r"), "{out}");
    assert!(lines[0].starts_with("198.51.100.0 "));
    assert_eq!(
        (account["lines"].as_u64(), account["sealed"].as_u64(), account["dropped"].as_u64()),
        (Some(6), Some(3), Some(1))
    );
    let wanted = format!("{BAD}\u{16}\u{3}\u{1} 198.51.100.77 hemmelig\r\nlast without its end: kari@example.org\n");
    assert_eq!(place.opened().concat(), wanted.as_bytes());
    place.is_clean("state");
}

#[test]
fn a_dry_run_of_bulk_says_how_many_lines_would_be_sealed() {
    let place = Place::new();
    fs::create_dir(place.at("in")).unwrap();
    fs::write(place.at("in/mixed.log"), [GOOD, BAD, GOOD, BAD, BAD].concat()).unwrap();
    fs::write(place.at("in/good.log"), GOOD.repeat(9)).unwrap();
    // Of a large one only the beginning is read.
    fs::write(place.at("in/large.log"), [GOOD, BAD].concat().repeat(10_000)).unwrap();
    let dry_run = |more: &[&str]| {
        let arguments = ["bulk", "--policy", "./own.toml", "--dry-run", "--out", "out"];
        let out = place.sladd(&[&arguments[..], more, &["in"]].concat(), b"");
        assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    };
    let text = dry_run(&[]);
    let row = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap();
    assert!(row("mixed.log: ").ends_with(", about 3 lines sealed"), "{text}");
    assert!(!row("good.log: ").contains("sealed"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&dry_run(&["--summary", "json"])).unwrap();
    let sealed = |row: &serde_json::Value| row["sealed"].as_u64().unwrap();
    let rows = json["expected"].as_array().unwrap();
    let of = |name: &str| sealed(rows.iter().find(|row| row["path"] == name).unwrap());
    assert_eq!((of("mixed.log"), of("good.log")), (3, 0));
    assert!((9_900..=10_100).contains(&of("large.log")), "{}", of("large.log"));
    assert_eq!(sealed(&json), 3 + of("large.log"));
    assert!(text.contains(&format!("about {} lines would be sealed", sealed(&json))), "{text}");
    assert!(!text.contains("kari@example") && !place.quarantine().exists(), "{text}");
}

#[test]
fn as_json_nothing_stands_for_a_sealed_line_and_a_guard_finds_nothing_in_it() {
    let place = Place::new();
    let out = place
        .sladd(&["-q", "--guard", "--encode", "json", "--policy", "./own.toml"], format!("{BAD}{GOOD}").as_bytes());
    assert_eq!((out.status.code(), out.stdout.iter().filter(|&&byte| byte == b'\n').count()), (Some(0), 1));
    assert_eq!(place.opened().concat(), BAD.as_bytes());
}

#[test]
fn the_pipe_writes_within_seconds_what_it_seals() {
    let place = Place::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_sladd"))
        .args(["-q", "--policy", "./own.toml"])
        .current_dir(place.room.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for count in 1..=3 {
        stdin.write_all(BAD.as_bytes()).unwrap();
        let began = Instant::now();
        // One file that grows.
        while !(place.quarantine().is_dir() && settled(&place) == Some(BAD.repeat(count).into_bytes())) {
            assert!(began.elapsed() < Duration::from_secs(60), "line {count} is not sealed");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(place.opened().concat(), BAD.repeat(3).as_bytes());
}

/// What is in the one file there is, if there is just one: between two looks a file may come and another go.
fn settled(place: &Place) -> Option<Vec<u8>> {
    let files: Vec<PathBuf> = fs::read_dir(place.quarantine()).unwrap().flatten().map(|file| file.path()).collect();
    match &files[..] {
        [file] => Some(place.identity.open(&fs::read(file).ok()?)?.to_vec()),
        _ => None,
    }
}

#[test]
fn beyond_the_limit_lines_are_dropped_counted_and_told_once() {
    let place = Place::new();
    let long = format!("no format {}\n", "x".repeat(4_000));
    let (out, account) = place.pipes(format!("{}{GOOD}", long.repeat(1_000)).as_bytes());
    assert!(out.ends_with("policy=own/1\"\n"), "the good line passes");
    let of = |name: &str| account[name].as_u64().unwrap() as usize;
    assert_eq!((of("lines"), of("sealed") + of("malformed"), of("minimised")), (1_001, 1_000, 1));
    assert!(of("sealed") > 100 && of("malformed") > 100, "{account}");
    assert_eq!(place.opened().concat(), long.repeat(of("sealed")).as_bytes());
    let bytes: u64 =
        fs::read_dir(place.quarantine()).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert!(bytes <= 1 << 20);
    let again = place.sladd(&["--policy", "./own.toml"], long.repeat(500).as_bytes());
    let said = String::from_utf8(again.stderr).unwrap();
    assert_eq!(said.matches("is full (at most 1 MiB").count(), 1, "{said}");
}

#[test]
fn bulk_seals_once_however_often_it_is_killed() {
    let place = Place::with("", "");
    fs::create_dir(place.at("raw")).unwrap();
    let mut wanted = Vec::new();
    for file in 0..3 {
        let mut text = String::new();
        for line in 0..12_000 {
            text.push_str(GOOD);
            let bad = format!("file {file} line {line} {BAD}");
            text.push_str(&bad);
            wanted.push(bad.into_bytes());
        }
        fs::write(place.at("raw").join(format!("{file}.log")), text).unwrap();
    }
    let run = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sladd"));
        command.args(["bulk", "-q", "--policy", "./own.toml", "--out", "made", "raw"]);
        command.current_dir(place.room.path()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let mut left = 0;
    for kill in 1..8 {
        let mut child = run();
        std::thread::sleep(Duration::from_millis(60 * kill));
        child.kill().unwrap();
        child.wait().unwrap();
        // Names tell seconds.
        std::thread::sleep(Duration::from_secs(1));
        left += fs::read_dir(place.quarantine()).map_or(0, Iterator::count);
    }
    assert!(left > 0, "no kill left a piece of a file that was not done");
    assert_eq!(run().wait().unwrap().code(), Some(0));
    let sorted = |mut lines: Vec<Vec<u8>>| {
        lines.sort();
        lines
    };
    let found = place.opened().concat().split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
    assert!(sorted(found) == sorted(wanted), "lines are missing or stand twice");
    place.is_clean("made");
    place.is_clean("state");
}

#[test]
fn a_quarantine_that_cannot_be_used_is_refused_before_a_line_is_read() {
    let place = Place::new();
    fs::create_dir(place.at("state")).unwrap();
    fs::write(place.quarantine(), "a file").unwrap();
    let out = place.sladd(&["--policy", "./own.toml"], BAD.as_bytes());
    assert_eq!((out.status.code(), &*out.stdout), (Some(73), &b""[..]));
    fs::remove_file(place.quarantine()).unwrap();
    fs::create_dir(place.quarantine()).unwrap();
    fs::set_permissions(place.quarantine(), fs::Permissions::from_mode(0o777)).unwrap();
    let out = place.sladd(&["--policy", "./own.toml"], BAD.as_bytes());
    assert_eq!((out.status.code(), &*out.stdout), (Some(77), &b""[..]));
    assert!(String::from_utf8(out.stderr).unwrap().contains("run chmod o-w on it"));
}

#[test]
fn a_sweep_deletes_what_is_due_and_says_so_in_the_log_of_the_store() {
    let place =
        Place::with("keep = \"3 days\"\n", "[[output]]\nstore = \"ROOM/store\"\n[[input]]\nfifo = \"ROOM/in\"\n");
    place.pipes(BAD.as_bytes());
    let sweep = |more: &[&str]| {
        let out = place.sladd(&[&["store", "sweep", "--json", "--policy", "./own.toml"], more].concat(), b"");
        assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
        serde_json::from_slice::<serde_json::Value>(&out.stdout).unwrap()
    };
    // A store that the sidecar made.
    let mut child = Command::new(env!("CARGO_BIN_EXE_sladd"))
        .args(["sidecar", "--policy", "./own.toml"])
        .current_dir(place.room.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while !place.at("store/audit.log").exists() {
        assert!(began.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(20));
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    child.wait().unwrap();
    let name = fs::read_dir(place.quarantine()).unwrap().next().unwrap().unwrap().file_name().into_string().unwrap();
    assert_eq!(sweep(&[])["sealed"]["kept"], 1);
    let tomorrow = |days: i64| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
        sladd::Timestamp(now + days * 86_400).date().to_string()
    };
    assert_eq!(sweep(&["--now", &tomorrow(2)])["sealed"]["due"], serde_json::json!([]));
    assert_eq!(sweep(&["--now", &tomorrow(5), "--dry-run"])["sealed"]["due"], serde_json::json!([name]));
    assert!(place.quarantine().join(&name).exists());
    assert_eq!(sweep(&["--now", &tomorrow(5)])["sealed"]["due"], serde_json::json!([name]));
    assert!(!place.quarantine().join(&name).exists());
    let log = fs::read_to_string(place.at("store/audit.log")).unwrap();
    assert!(log.contains("sealed_deleted") && log.contains(&name), "{log}");
    assert!(sladd::audit::verify(Path::new(&place.at("store")), None).unwrap().is_whole());
}

#[test]
fn no_claim_of_what_is_never_stored_is_true_where_raw_lines_are_kept() {
    let claims = "[[claim]]\nid = \"never\"\nsentence = \"x\"\ncovers = [\"W9\"]\nclaim = \"field_never_stored\"\nfields = [\"user.name\"]\n\
        [[claim]]\nid = \"raw\"\nsentence = \"x\"\ncovers = [\"W9\"]\nclaim = \"unparsed_never_stored_raw\"\n";
    let (claims, findings) = policy::Claims::parse(claims, "claims.toml");
    let claims = claims.unwrap_or_else(|| panic!("{findings:?}"));
    let judged = |malformed: &str| -> Vec<policy::Answer> {
        let seal =
            format!("[seal]\nrecipient = \"{}\"\ndirectory = \"/q\"\n", Identity::new(random).unwrap().recipient());
        let text = format!(
            "base = \"strict\"\nname = \"a\"\nversion = 1\n[source]\nmalformed = \"{malformed}\"\n[fields]\n\"event.original\" = {{ treatment = \"drop\" }}\n{}",
            if malformed == "seal" { &seal } else { "" }
        );
        let policy = Policy::parse(&text, "test.toml").0.unwrap();
        claims.claims.iter().map(|claim| policy::judge(&policy, claim)).collect()
    };
    let words = |answers: &[policy::Answer]| answers.iter().map(|answer| answer.verdict.as_str()).collect::<Vec<_>>();
    assert_eq!(words(&judged("drop")), ["TRUE", "TRUE"]);
    let sealed = judged("seal");
    assert_eq!(words(&sealed), ["FALSE", "TRUE"]);
    assert!(sealed[0].reason.contains("kept whole for 7 days, sealed"), "{}", sealed[0].reason);
}

#[test]
fn explain_says_where_such_lines_go_and_who_can_open_them() {
    let place = Place::new();
    let out = place.sladd(&["explain", "--policy", "./own.toml"], b"");
    let text = String::from_utf8(out.stdout).unwrap();
    let wanted = format!(
        "A line that fits no format is sealed as it came, counted, and kept for 7 days in {} (at most 1 MiB).\n\
         Nobody can open it on this machine; who has the identity of {} can: age -d -i IDENTITY FILE.\n",
        place.quarantine().display(),
        place.identity.recipient()
    );
    assert!(text.contains(&wanted), "{text}");
    let out = place.sladd(&["explain", "--line", "--policy", "./own.toml"], BAD.as_bytes());
    assert_eq!(String::from_utf8(out.stdout).unwrap(), "line 1: fits no format; sealed\n\n");
    assert!(!place.quarantine().exists(), "who only looks makes nothing");
}

/// What was sealed of a file before is all there is of it where the run after it has no room.
#[test]
fn bulk_does_no_file_for_whose_sealed_lines_there_is_no_room_and_takes_nothing_away() {
    let place = Place::new();
    fs::create_dir(place.at("raw")).unwrap();
    let raw: String = (0..10_000).map(|line| format!("line {line} {BAD}")).collect();
    assert!(raw.len() > 600_000 && raw.len() < 1_000_000, "{}", raw.len());
    let text = raw.clone() + GOOD;
    fs::write(place.at("raw/a.log"), &text).unwrap();
    let whole = |what: &str| assert!(place.opened().concat() == raw.as_bytes(), "{what}");
    let run = |words: &[&str]| {
        let out = place.sladd(&[&["bulk", "--policy", "./own.toml"], words].concat(), b"");
        (out.status.code().unwrap(), String::from_utf8(out.stderr).unwrap())
    };
    assert_eq!(run(&["--out", "made", "raw"]).0, 0);
    whole("at first");
    fs::remove_dir_all(place.at("made")).unwrap();
    // Names tell seconds.
    std::thread::sleep(Duration::from_millis(1_100));
    let (code, said) = run(&["--out", "made", "raw"]);
    assert_eq!(code, 74, "{said}");
    assert!(said.contains("cannot seal all that fits no format") && said.contains("raise `limit`"), "{said}");
    whole("without room");
    assert!(!place.at("made/a.log").exists());
    let (code, said) = run(&["--in-place", "raw"]);
    assert_eq!((code, fs::read_to_string(place.at("raw/a.log")).unwrap() == text), (74, true), "{said}");
    whole("in place");
    // With room it is done, and what was there of it is replaced.
    let policy = fs::read_to_string(place.at("own.toml")).unwrap();
    fs::write(place.at("own.toml"), policy.replace("limit = \"1 MiB\"\n", "limit = \"8 MiB\"\n")).unwrap();
    assert_eq!(run(&["--in-place", "raw"]).0, 0);
    let opened = place.opened().concat();
    assert_eq!(opened.len(), 2 * raw.len(), "what another policy sealed stays, and this one sealed all");
    // A sealed file is no log.
    fs::create_dir(place.at("logs")).unwrap();
    let sealed = fs::read_dir(place.quarantine()).unwrap().next().unwrap().unwrap().path();
    fs::copy(&sealed, place.at("logs/a.age")).unwrap();
    let (code, said) = run(&["--in-place", "logs"]);
    assert!(code == 65 && said.contains("it is encrypted by age; open it first, with age -d"), "{said}");
    assert_eq!(fs::read(place.at("logs/a.age")).unwrap(), fs::read(&sealed).unwrap());
}

#[test]
fn a_secret_that_was_pasted_anywhere_is_not_shown() {
    let place = Place::new();
    let secret = "AGE-SECRET-KEY-1QQPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQQ";
    for line in [
        format!("recipient = \" {secret}\""),
        format!("recipient = \"{secret} \""),
        format!("recipient = \"#{}\"", secret.to_lowercase()),
        format!("recipient = \"age1x\"\nkeep = \"{secret}\""),
        format!("recipient = \"age1x\"\ndirectory = \"{secret}\""),
        format!("recipient = \"age1x\"\nlimit = \"{secret}\""),
    ] {
        let text = format!(
            "base = \"hosting\"\nname = \"own\"\nversion = 1\n[source]\nmalformed = \"seal\"\n[seal]\n{line}\n"
        );
        fs::write(place.at("bad.toml"), text).unwrap();
        let out = place.sladd(&["check", "./bad.toml"], b"");
        let said = String::from_utf8([out.stdout, out.stderr].concat()).unwrap().to_uppercase();
        assert_eq!(out.status.code(), Some(78), "{said}");
        assert!(!said.contains("QQPQYQSZQ"), "{said}");
    }
}
