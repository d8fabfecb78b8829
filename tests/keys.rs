//! `sladd key` as its user meets it, and what runs do to a key directory.
#![allow(clippy::unwrap_used)]

use sladd::audit;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        Place::with("")
    }

    /// A policy with a key directory, and with more in its `[keys]`.
    fn with(more: &str) -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        let keys = place.keys();
        let text = format!(
            "base = \"hosting\"\nname = \"own\"\nversion = 1\n[fields]\n\"client.address\" = {{ treatment = \"pseudonym\" }}\n\
             [keys]\ndirectory = \"{}\"\n{more}\n",
            keys.display()
        );
        fs::write(place.policy(), text).unwrap();
        place
    }

    fn keys(&self) -> PathBuf {
        self.0.path().join("keys")
    }

    fn policy(&self) -> PathBuf {
        self.0.path().join("own.toml")
    }

    fn sladd(&self, arguments: &[&str], input: &str) -> Output {
        let policy = self.policy().display().to_string();
        let keys = self.keys().display().to_string();
        let arguments = arguments.iter().map(|word| match *word {
            "POLICY" => policy.as_str(),
            "KEYS" => keys.as_str(),
            word => word,
        });
        let mut child = Command::new(env!("CARGO_BIN_EXE_sladd"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        child.wait_with_output().unwrap()
    }

    /// What it says on standard output, having done what it was asked for.
    fn does(&self, arguments: &[&str]) -> String {
        self.minimises(arguments, "")
    }

    fn minimises(&self, arguments: &[&str], input: &str) -> String {
        let out = self.sladd(arguments, input);
        assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    }

    /// Its code and what it says on standard error.
    fn refuses(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let out = self.sladd(arguments, "");
        assert_eq!(String::from_utf8_lossy(&out.stdout), "");
        (out.status.code(), String::from_utf8(out.stderr).unwrap())
    }

    fn pseudonym(&self, date: &str) -> String {
        let line = format!("203.0.113.7 - - [{date}:10:00:00 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\"\n");
        let out = self.minimises(&["--quiet", "--policy", "POLICY"], &line);
        out.split(' ').next().unwrap().to_owned()
    }

    fn deeds(&self) -> Vec<String> {
        let text = fs::read_to_string(self.keys().join("audit.log")).unwrap_or_default();
        let word = |line: &str, name: &str| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            value[name].as_str().unwrap().to_owned()
        };
        text.lines().map(|line| format!("{} {}", word(line, "deed"), word(line, "subject"))).collect()
    }

    fn is_whole(&self) -> bool {
        audit::verify(&self.keys(), None).unwrap().is_whole()
    }
}

fn age(file: &Path, days: u64) {
    let then = std::time::SystemTime::now() - std::time::Duration::from_secs(days * 86_400);
    fs::File::open(file).unwrap().set_modified(then).unwrap();
}

#[test]
fn keys_are_listed_made_and_destroyed_by_hand() {
    let place = Place::new();
    let (code, said) = place.refuses(&["key", "list", "--policy", "POLICY"]);
    assert_eq!(code, Some(66));
    assert!(said.ends_with("it is made by the first run that needs a key\n"), "{said}");

    let first = place.pseudonym("20/Nov/2026");
    assert!(first.starts_with("p1.20261120."), "{first}");
    assert_eq!(place.pseudonym("20/Nov/2026"), first);
    assert_eq!(place.does(&["key", "new", "2026-11-19", "--directory", "KEYS"]), "2026-11-19: made\n");
    assert_eq!(place.does(&["key", "new", "2026-11-19", "--policy", "POLICY"]), "2026-11-19: was there\n");

    let listed = place.does(&["key", "list", "--policy", "POLICY"]);
    assert!(
        listed.starts_with("epoch         state      made                  dies, or died\n2026-11-19    live       20"),
        "{listed}"
    );
    let listed: serde_json::Value =
        serde_json::from_str(&place.does(&["key", "list", "--directory", "KEYS", "--json"])).unwrap();
    assert_eq!(listed["keys"][1]["epoch"], "2026-11-20");
    assert_eq!(listed["keys"][1]["state"], "live");
    assert!(listed["keys"][1]["dies"].is_null(), "who names no policy names no terms");

    let gone = place.does(&["key", "destroy", "2026-11-20", "--policy", "POLICY"]);
    assert_eq!(gone, "2026-11-20: destroyed; running processes give it up within a minute\n");
    assert_eq!(
        place.does(&["key", "destroy", "2026-11-20", "--directory", "KEYS"]),
        "2026-11-20: was destroyed before\n"
    );
    assert_eq!(place.pseudonym("20/Nov/2026"), "-", "its records are late");
    assert!(!place.keys().join("2026-11-20.key").exists());
    assert_eq!(place.deeds(), ["key_made 2026-11-19", "key_destroyed 2026-11-20"]);
    assert!(place.is_whole());
}

#[test]
fn what_cannot_be_done_is_refused_in_words() {
    let place = Place::new();
    place.pseudonym("20/Nov/2026");
    place.does(&["key", "destroy", "2026-11-20", "--policy", "POLICY", "--yes"]);
    for (arguments, code, words) in [
        (
            &["key", "new", "2026-11-20", "--policy", "POLICY"][..],
            78,
            "cannot make key `2026-11-20`: it was destroyed, and is never made again",
        ),
        (
            &["key", "new", "2026-11", "--policy", "POLICY"],
            2,
            "a key of `2026-11` would never be used: the policy has one for 1 day",
        ),
        (&["key", "destroy", "2026-11-18", "--policy", "POLICY"], 66, "sladd key list shows those there are"),
        (&["key", "destroy", "today", "--policy", "POLICY"], 2, "`today` is not an epoch; write a day as 2026-11-20"),
        (&["key", "list"], 2, "name a policy with --policy, or its key directory with --directory"),
        (&["key", "list", "--policy", "hosting"], 78, "the policy hosting names no key directory"),
        (&["key", "rotate", "--directory", "KEYS"], 2, "--policy <NAME|FILE>"),
    ] {
        let (found, said) = place.refuses(arguments);
        assert_eq!(found, Some(code), "{said}");
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn rotation_by_hand_does_what_happens_by_itself() {
    for by_hand in [true, false] {
        let place = Place::with("keep = \"10 days\"");
        let old = place.pseudonym("01/Feb/2026");
        assert!(old.starts_with("p1.20260201."), "{old}");
        age(&place.keys().join("2026-02-01.key"), 11);
        match by_hand {
            true => {
                let said = place.does(&["key", "rotate", "--policy", "POLICY"]);
                assert!(said.starts_with("destroyed 1 that were due; 20") && said.ends_with(": made\n"), "{said}");
            }
            // A record of another day.
            false => drop(place.pseudonym("02/Feb/2026")),
        }
        assert!(!place.keys().join("2026-02-01.key").exists());
        assert_eq!(place.deeds()[0], "key_destroyed 2026-02-01");
        assert!(place.is_whole());
        assert_eq!(place.pseudonym("01/Feb/2026"), "-");
    }
}

#[test]
fn a_destruction_that_a_kill_kept_from_the_log_is_told_by_the_next_run() {
    let place = Place::new();
    place.pseudonym("20/Nov/2026");
    fs::remove_file(place.keys().join("2026-11-20.key")).unwrap();
    fs::write(place.keys().join("2026-11-20.tomb"), "").unwrap();
    place.pseudonym("21/Nov/2026");
    assert_eq!(place.deeds(), ["key_destroyed 2026-11-20"]);
    place.pseudonym("21/Nov/2026");
    assert_eq!(place.deeds(), ["key_destroyed 2026-11-20"]);
    assert!(place.is_whole());
}

#[test]
fn the_key_of_a_bulk_job_leaves_its_end_in_the_log_of_the_job() {
    let place = Place(tempfile::tempdir().unwrap());
    let (input, out) = (place.0.path().join("a.log"), place.0.path().join("out"));
    fs::write(&input, "203.0.113.7 - anna [20/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\"\n")
        .unwrap();
    place.does(&["bulk", "-q", "--out", out.to_str().unwrap(), input.to_str().unwrap()]);
    let state = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.is_dir()).unwrap();
    let verdict = audit::verify(&state, None).unwrap();
    assert!(verdict.is_whole());
    assert_eq!(verdict.head.entries, 1);
    assert!(fs::read_to_string(state.join("audit.log")).unwrap().contains("\"reason\":\"job done\""));
}
