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
fn a_key_whose_file_is_damaged_is_not_called_live() {
    use std::os::unix::fs::PermissionsExt;
    let wrap = tempfile::tempdir().unwrap();
    let file = wrap.path().join("wrap");
    fs::write(&file, [7; 32]).unwrap();
    fs::set_permissions(&file, PermissionsExt::from_mode(0o400)).unwrap();
    for more in [String::new(), format!("wrap = \"{}\"", file.display())] {
        let place = Place::with(&more);
        for day in 10..15 {
            place.does(&["key", "new", &format!("2026-11-{day}"), "--policy", "POLICY"]);
        }
        let break_to = |day: u32, bytes: &dyn Fn(Vec<u8>) -> Vec<u8>| {
            let key = place.keys().join(format!("2026-11-{day}.key"));
            let whole = fs::read(&key).unwrap();
            fs::remove_file(&key).unwrap();
            fs::write(&key, bytes(whole)).unwrap();
            fs::set_permissions(&key, PermissionsExt::from_mode(0o400)).unwrap();
        };
        break_to(10, &|whole| whole[..17].to_vec());
        break_to(11, &|whole| vec![0; whole.len()]);
        break_to(12, &|whole| whole);
        break_to(13, &|_| Vec::new());
        let out = place.sladd(&["key", "list", "--policy", "POLICY"], "");
        let listed = String::from_utf8(out.stdout).unwrap();
        let states: Vec<&str> = listed.lines().skip(1).map(|line| line.split_whitespace().nth(1).unwrap()).collect();
        assert_eq!(states, ["damaged", "damaged", "live", "damaged", "live"], "{listed}");
        let said = String::from_utf8(out.stderr).unwrap();
        let words = "damaged, and of no use: 2026-11-10, 2026-11-11, 2026-11-13; restore them, or destroy them with sladd key destroy";
        assert!(said.contains(words), "{said}");
        assert_eq!(out.status.code(), Some(78));
        let out = place.sladd(&["key", "list", "--directory", "KEYS", "--json"], "");
        let listed: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!((&listed["keys"][0]["state"], &listed["keys"][2]["state"]), (&"damaged".into(), &"live".into()));
        // What was wrapped is of another length, and only its own file opens it.
        if !more.is_empty() {
            break_to(14, &|mut whole| {
                whole[20] ^= 1;
                whole
            });
            let out = place.sladd(&["key", "list", "--policy", "POLICY"], "");
            assert!(String::from_utf8(out.stdout).unwrap().contains("2026-11-14    damaged "));
        }
        for day in [10, 11, 13] {
            place.does(&["key", "destroy", &format!("2026-11-{day}"), "--policy", "POLICY"]);
        }
    }
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

#[test]
fn a_key_goes_to_another_host_sealed_and_makes_the_same_pseudonyms_there() {
    let (one, two) = (Place::new(), Place::new());
    let first = one.pseudonym("20/Nov/2026");
    let (identity, bundle) = (two.0.path().join("identity"), two.0.path().join("bundle"));
    let (identity, bundle) = (identity.to_str().unwrap(), bundle.to_str().unwrap());
    let recipient = two.does(&["key", "identity", identity]);
    assert_eq!(two.does(&["key", "identity", identity]), recipient, "what is there is kept");
    let said = one.does(&["key", "export", "2026-11-20", "--to", recipient.trim(), "-o", bundle, "--policy", "POLICY"]);
    assert!(said.starts_with("exported 1 keys to "), "{said}");
    let key = fs::read(one.keys().join("2026-11-20.key")).unwrap();
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let sealed = fs::read(bundle).unwrap();
    assert!(!sealed.windows(16).any(|part| part == &hex.as_bytes()[..16] || part == &key[..16]));
    let import = ["key", "import", bundle, "--identity", identity, "--policy", "POLICY"];
    assert_eq!(two.does(&import), "2026-11-20: imported\n");
    assert_eq!(two.does(&import), "2026-11-20: was there\n");
    assert_eq!(two.pseudonym("20/Nov/2026"), first);
    // Not even the host that sealed it can open it.
    one.does(&["key", "identity", one.0.path().join("own").to_str().unwrap()]);
    let own = one.0.path().join("own");
    let (code, said) =
        one.refuses(&["key", "import", bundle, "--identity", own.to_str().unwrap(), "--directory", "KEYS"]);
    assert_eq!(
        (code, said.contains("it is not sealed to this identity, or it is damaged")),
        (Some(65), true),
        "{said}"
    );
    assert_eq!(one.deeds(), ["key_exported 2026-11-20"]);
    assert_eq!(two.deeds(), ["key_imported 2026-11-20"]);
    let (code, _) = one.refuses(&["key", "export", "2026-11-20", "--to", "age1xyz", "--policy", "POLICY"]);
    assert_eq!(code, Some(2));
}

#[test]
fn wrapped_keys_serve_every_run_and_plain_ones_are_wrapped_by_hand() {
    let place = Place::new();
    let first = place.pseudonym("20/Nov/2026");
    let file = place.0.path().join("wrap");
    fs::write(&file, [7; 32]).unwrap();
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o400)).unwrap();
    let text = fs::read_to_string(place.policy()).unwrap();
    fs::write(place.policy(), format!("{text}wrap = \"{}\"\n", file.display())).unwrap();
    let out = place.sladd(
        &["--policy", "POLICY"],
        "203.0.113.7 - - [20/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\"\n",
    );
    assert_eq!(out.status.code(), Some(78));
    assert_eq!(place.does(&["key", "rotate", "--wrap", "--policy", "POLICY"]), "wrapped 1 keys\n");
    assert_eq!(place.pseudonym("20/Nov/2026"), first);
    assert_eq!(fs::metadata(place.keys().join("2026-11-20.key")).unwrap().len(), 80);
    // Another day's is made wrapped.
    place.pseudonym("21/Nov/2026");
    assert_eq!(fs::metadata(place.keys().join("2026-11-21.key")).unwrap().len(), 80);
    let text = text + "wrap = \"credential:keys\"\n";
    fs::write(place.policy(), text).unwrap();
    let (code, said) = place.refuses(&["key", "rotate", "--policy", "POLICY"]);
    assert_eq!(code, Some(78));
    assert!(said.contains("systemd handed none over; add LoadCredentialEncrypted=keys:FILE"), "{said}");
}

#[test]
fn hosts_with_a_ratchet_agree_on_days_to_come() {
    let (one, two) = (Place::with("mode = \"ratchet\""), Place::with("mode = \"ratchet\""));
    let today = two.does(&["key", "new", "--directory", "KEYS"]);
    let today = today.split(':').next().unwrap();
    fs::remove_dir_all(two.keys()).unwrap();
    let (identity, bundle) = (two.0.path().join("identity"), two.0.path().join("bundle"));
    let (identity, bundle) = (identity.to_str().unwrap(), bundle.to_str().unwrap());
    let recipient = two.does(&["key", "identity", identity]);
    one.does(&["key", "new", "--policy", "POLICY"]);
    one.does(&["key", "export", today, "--to", recipient.trim(), "-o", bundle, "--policy", "POLICY"]);
    two.does(&["key", "import", bundle, "--identity", identity, "--policy", "POLICY"]);
    let tomorrow = sladd::Timestamp(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() as i64 + 86_400);
    let tomorrow = sladd::epoch::Period::Day.dashed(sladd::epoch::Period::Day.epoch(tomorrow)).to_string();
    for host in [&one, &two] {
        host.does(&["key", "new", &tomorrow, "--policy", "POLICY"]);
    }
    let key = |host: &Place| fs::read(host.keys().join(format!("{tomorrow}.key"))).unwrap();
    assert_eq!(key(&one), key(&two));
}

/// A key directory in which `days` keys are due, and what each held.
fn due(place: &Place, days: u32) -> Vec<(String, Vec<u8>)> {
    let names: Vec<String> = (1..=days).map(|day| format!("2026-01-{day:02}")).collect();
    let mut made = Vec::new();
    for name in names {
        place.does(&["key", "new", &name, "--directory", "KEYS"]);
        let file = place.keys().join(format!("{name}.key"));
        age(&file, 90);
        made.push((name, fs::read(file).unwrap()));
    }
    made
}

/// Kills rotation at any moment, as often as that, and looks at what is left each time.
fn kill_rotations(kills: u32) {
    // The same moments each time, of a run that takes some milliseconds.
    let mut dice = 0x2545_f491_4f6c_dd1d_u64;
    let mut done = 0;
    while done < kills {
        let place = Place::new();
        let made = due(&place, 12);
        for _ in 0..8 {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            let mut child = Command::new(env!("CARGO_BIN_EXE_sladd"))
                .args(["key", "rotate", "--policy"])
                .arg(place.policy())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            std::thread::sleep(std::time::Duration::from_micros(dice % 30_000));
            let _ = child.kill();
            child.wait().unwrap();
            done += 1;
            for (name, bytes) in &made {
                let key = fs::read(place.keys().join(format!("{name}.key"))).ok();
                let tombstone = place.keys().join(format!("{name}.tomb")).exists();
                // Valid as it was, or on its way out for good: never half.
                assert!(tombstone || key.as_ref() == Some(bytes), "{name}");
                assert!(
                    !tombstone || key.is_none_or(|key| key == *bytes || key.iter().all(|&byte| byte == 0)),
                    "{name}"
                );
            }
        }
        place.does(&["key", "rotate", "--policy", "POLICY"]);
        for (name, _) in &made {
            assert!(!place.keys().join(format!("{name}.key")).exists(), "{name}");
        }
        // Each destruction is told, once, and the log goes on.
        let deeds = place.deeds();
        for (name, _) in &made {
            let told = deeds.iter().filter(|deed| **deed == format!("key_destroyed {name}")).count();
            assert_eq!(told, 1, "{name}");
        }
        let verdict = audit::verify(&place.keys(), None).unwrap();
        assert!(verdict.is_whole(), "{verdict:?}");
    }
}

#[test]
fn a_rotation_that_is_killed_leaves_each_secret_whole_or_dead() {
    kill_rotations(200);
}

#[test]
#[ignore = "long: a thousand kills"]
fn a_rotation_that_is_killed_a_thousand_times_leaves_each_secret_whole_or_dead() {
    kill_rotations(1_000);
}

#[test]
fn eight_processes_that_need_one_key_agree_on_it() {
    let place = Place::new();
    let line = "203.0.113.7 - - [20/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\"\n";
    let all: Vec<String> = std::thread::scope(|scope| {
        let racers: Vec<_> =
            (0..8).map(|_| scope.spawn(|| place.minimises(&["--quiet", "--policy", "POLICY"], line))).collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).collect()
    });
    assert!(all.iter().all(|out| *out == all[0]), "{all:?}");
    assert_eq!(
        fs::read_dir(place.keys())
            .unwrap()
            .filter(|entry| { entry.as_ref().unwrap().path().extension().is_some_and(|end| end == "key") })
            .count(),
        1
    );
}

/// On an ext4 image, where root may mount one; elsewhere it says that it was skipped.
#[test]
fn after_its_destruction_a_secret_is_nowhere_on_the_disk() {
    let place = tempfile::tempdir().unwrap();
    let (image, mount) = (place.path().join("image"), place.path().join("mount"));
    fs::create_dir(&mount).unwrap();
    let run = |program: &str, arguments: &[&str]| {
        Command::new(program)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    fs::File::create(&image).unwrap().set_len(16 << 20).unwrap();
    let (image_path, mount_path) = (image.to_str().unwrap(), mount.to_str().unwrap());
    if !run("mkfs.ext4", &["-q", image_path]) || !run("mount", &["-o", "loop", image_path, mount_path]) {
        eprintln!("SKIPPED: no ext4 image can be mounted here; run this test as root, outside of a container");
        return;
    }
    let keys = mount.join("keys");
    let sladd = |arguments: &[&str]| {
        let out =
            Command::new(env!("CARGO_BIN_EXE_sladd")).args(arguments).arg("--directory").arg(&keys).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    };
    let done = std::panic::catch_unwind(|| {
        fs::set_permissions(&mount, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        sladd(&["key", "new", "2026-11-20"]);
        let secret = fs::read(keys.join("2026-11-20.key")).unwrap();
        let on_disk = || {
            rustix::fs::sync();
            let bytes = fs::read(&image).unwrap();
            memchr::memmem::find(&bytes, &secret[..16]).is_some()
                || memchr::memmem::find(&bytes, &secret[16..]).is_some()
        };
        assert!(on_disk(), "the test sees where a secret lies");
        sladd(&["key", "destroy", "2026-11-20", "--yes"]);
        assert!(!on_disk());
        // Nor can it be made again.
        let again = Command::new(env!("CARGO_BIN_EXE_sladd"))
            .args(["key", "new", "2026-11-20", "--directory"])
            .arg(&keys)
            .output();
        assert_eq!(again.unwrap().status.code(), Some(78));
    });
    assert!(run("umount", &[mount_path]));
    if let Err(panic) = done {
        std::panic::resume_unwind(panic);
    }
}
