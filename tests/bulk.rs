//! Bulk runs: trees of old logs, plain and compressed, to another place, in place and to standard output.
#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, SystemTime},
};

/// A directory for one test: inputs in `in`, outputs in `out`, a policy whose keys stay.
struct Room(tempfile::TempDir);

impl Room {
    fn new() -> Room {
        let room = Room(tempfile::tempdir().unwrap());
        fs::create_dir(room.at("in")).unwrap();
        let keys = room.at("keys");
        let policy = format!(
            "base = \"hosting\"\nname = \"bulk-test\"\nversion = 1\n[keys]\ndirectory = \"{}\"\n",
            keys.display()
        );
        fs::write(room.at("policy.toml"), policy).unwrap();
        room
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.at("in").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        // Old logs are old: what a run finds is not written any more.
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_262_400);
        fs::File::options().append(true).open(&path).unwrap().set_modified(old).unwrap();
        path
    }

    /// `sladd bulk` in this directory.
    fn bulk(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sladd"));
        command.arg("bulk").args(arguments).current_dir(self.0.path()).stdin(Stdio::null());
        command.output().unwrap()
    }

    /// The same under the policy whose keys stay.
    fn with_keys(&self, arguments: &[&str]) -> Output {
        self.bulk(&[&["--policy", "./policy.toml"], arguments].concat())
    }

    /// What the pipe makes of these bytes under that policy.
    fn pipe(&self, bytes: &[u8]) -> Vec<u8> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sladd"))
            .args(["-q", "--policy", "./policy.toml", "--reference-time", "2026-11-21T12:00:00Z"])
            .current_dir(self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let bytes = bytes.to_vec();
        let writer = std::thread::spawn(move || stdin.write_all(&bytes).unwrap());
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        output.stdout
    }

    /// All files below a directory but our own state, with what is in them.
    fn tree(&self, name: &str) -> BTreeMap<String, Vec<u8>> {
        fn walk(root: &Path, directory: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.file_name().unwrap() == ".sladd" {
                    continue;
                }
                if path.is_dir() {
                    walk(root, &path, found);
                } else {
                    let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                    found.insert(name, fs::read(&path).unwrap());
                }
            }
        }
        let mut found = BTreeMap::new();
        walk(&self.at(name), &self.at(name), &mut found);
        found
    }
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("no signal ended it")
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn good(output: &Output) {
    assert_eq!(code(output), 0, "{}", said(output));
}

fn lines(count: usize) -> Vec<u8> {
    (0..count)
        .flat_map(|i| {
            format!(
                "198.51.100.{} - user{} [21/Nov/2026:10:{:02}:00 +0000] \"GET /a/{i}?q=secret{i} HTTP/1.1\" 200 {i} \"-\" \"curl/8.5.0\"\n",
                i % 250 + 1, i % 7, i % 60
            )
            .into_bytes()
        })
        .collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut out).unwrap();
    out
}

fn packed(name: &str, bytes: &[u8]) -> Vec<u8> {
    match name {
        "gz" => gzip(bytes),
        "zst" => zstd::encode_all(bytes, 3).unwrap(),
        "bz2" => {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        "xz" => {
            let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 6);
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        _ => bytes.to_vec(),
    }
}

fn unpacked(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match name {
        "gz" => return gunzip(bytes),
        "zst" => return zstd::decode_all(bytes).unwrap(),
        "bz2" => bzip2::read::BzDecoder::new(bytes).read_to_end(&mut out).unwrap(),
        "xz" => liblzma::read::XzDecoder::new(bytes).read_to_end(&mut out).unwrap(),
        _ => return bytes.to_vec(),
    };
    out
}

fn samples() -> BTreeMap<String, Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/logs");
    fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
        .collect()
}

#[test]
fn every_sample_comes_out_as_the_pipe_writes_it_under_its_name_and_in_its_packing() {
    let room = Room::new();
    let kinds = ["log", "gz", "zst", "bz2", "xz"];
    let samples = samples();
    for (number, (name, bytes)) in samples.iter().enumerate() {
        let kind = kinds[number % kinds.len()];
        room.write(&format!("{}/{name}.{kind}", number % 3), &packed(kind, bytes));
    }
    good(&room.with_keys(&["--out", "out", "in", "-j", "3"]));
    let tree = room.tree("out");
    assert_eq!(tree.keys().collect::<Vec<_>>(), room.tree("in").keys().collect::<Vec<_>>());
    for (number, (name, bytes)) in samples.iter().enumerate() {
        let kind = kinds[number % kinds.len()];
        let made = unpacked(kind, &tree[&format!("{}/{name}.{kind}", number % 3)]);
        assert!(made == room.pipe(bytes), "{name}");
    }
}

#[test]
fn one_large_file_is_the_same_on_one_worker_and_on_many_and_as_the_pipe_has_it() {
    let room = Room::new();
    let bytes = lines(60_000);
    room.write("access.log", &bytes);
    let wanted = room.pipe(&bytes);
    for threads in ["1", "2", "5"] {
        let out = format!("out{threads}");
        good(&room.with_keys(&["--out", &out, "in", "-j", threads]));
        assert!(fs::read(room.at(&out).join("access.log")).unwrap() == wanted, "{threads}");
        let stream = room.with_keys(&["--out", "-", "in", "-j", threads]);
        good(&stream);
        assert!(stream.stdout == wanted, "{threads} to standard output");
    }
    let json = room.with_keys(&["--out", "json", "in", "--encode", "json"]);
    good(&json);
    let made = fs::read_to_string(room.at("json/access.log")).unwrap();
    assert_eq!(made.lines().count(), 60_000);
    assert!(made.lines().all(|line| line.starts_with('{')));
}

#[test]
fn a_packed_output_is_the_same_whoever_packed_it() {
    let room = Room::new();
    let bytes = lines(60_000);
    room.write("access.log", &bytes);
    let wanted = room.pipe(&bytes);
    for (how, name, magic) in [
        ("gz:1", "access.log.gz", &b"\x1f\x8b\x08\0"[..]),
        ("zst", "access.log.zst", b"\x28\xb5\x2f\xfd"),
        ("bz2:1", "access.log.bz2", b"BZh1"),
        ("zst:9", "access.log.zst", b""),
        ("xz:0", "access.log.xz", b""),
    ] {
        let made = |threads: &str| {
            let out = format!("{}-{threads}", how.replace(':', "-"));
            good(&room.with_keys(&["--out", &out, "in", "-j", threads, "--compress", how]));
            fs::read(room.at(&out).join(name)).unwrap()
        };
        let one = made("1");
        let members = one.windows(4).filter(|bytes| *bytes == magic).count();
        assert!(magic.is_empty() || members > 1, "{how}: {members}");
        let mut out = Vec::new();
        match name.rsplit('.').next().unwrap() {
            "bz2" => {
                bzip2::read::MultiBzDecoder::new(&one[..]).read_to_end(&mut out).unwrap();
            }
            kind => out = unpacked(kind, &one),
        }
        assert!(out == wanted, "{how}");
        for threads in ["2", "5"] {
            assert!(made(threads) == one, "{how} on {threads}");
        }
    }
}

/// The most memory that a process took, in KiB, as far as it was looked at.
fn most_memory(mut child: std::process::Child) -> u64 {
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let figure = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        most = most.max(figure.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    most
}

#[test]
fn no_way_of_packing_takes_more_memory_than_a_run_may_have() {
    let room = Room::new();
    room.write("a.log", &lines(12_000));
    room.write("b.log", &lines(12_000));
    for how in ["zst:19", "xz:9", "zst:8", "bz2", "gz:9"] {
        let out = how.replace(':', "-");
        let most = most_memory(start(&room, "exec", &format!("-q -j 2 --out {out} --compress {how} in")));
        assert!((1..64 << 10).contains(&most), "{how}: {most} KiB");
    }
}

/// A frame that asks for a window of so many powers of two.
fn wide(bytes: &[u8], log: u32) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(log).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn inputs_that_take_much_memory_are_read_one_at_a_time_and_those_that_take_too_much_not_at_all() {
    let room = Room::new();
    let bytes = lines(250_000);
    for name in ["a.zst", "b.zst", "c.zst"] {
        room.write(name, &wide(&bytes, 26));
    }
    room.write("d.log", &lines(10));
    let most = most_memory(start(&room, "exec", "-q -j 3 --out out --compress none in"));
    // Each fills some 27 MiB of its window: two at a time would be over it.
    assert!((1..64 << 10).contains(&most), "{most} KiB");
    let made = room.tree("out");
    let wanted = room.pipe(&bytes);
    assert_eq!(made.len(), 4);
    assert!(["a", "b", "c"].iter().all(|name| made[*name] == wanted));
    let mut too_wide = wide(&lines(10), 24);
    too_wide[5] = (29 - 10) << 3;
    room.write("long.zst", &too_wide);
    let output = room.with_keys(&["--out", "out", "in", "--compress", "none"]);
    assert_eq!(code(&output), 65);
    assert!(said(&output).contains("long.zst`: unpacking it takes a window of more than 128 MiB"), "{}", said(&output));
    assert_eq!(room.tree("out").len(), 4);
    room.write("e.log", b"x\n");
    assert_eq!(code(&room.with_keys(&["--in-place", "in"])), 65);
    assert_eq!(room.tree("in")["long.zst"], too_wide);
}

#[test]
fn standard_output_gets_all_files_one_after_the_other_by_name() {
    let room = Room::new();
    let (first, second) = (lines(3000), lines(50));
    room.write("a.log", &first);
    room.write("b.log.gz", &gzip(&second));
    room.write("c.log", b"no line end 203.0.113.7");
    let output = room.with_keys(&["--out", "-", "in", "-j", "4"]);
    good(&output);
    let wanted = [room.pipe(&first), room.pipe(&second), room.pipe(b"no line end 203.0.113.7")].concat();
    assert!(output.stdout == wanted);
    assert!(!room.at("in/.sladd").exists());
}

#[test]
fn a_second_run_does_only_what_is_missing_or_changed() {
    let room = Room::new();
    for name in ["a.log", "b.log", "c/d.log"] {
        room.write(name, &lines(20));
    }
    good(&room.with_keys(&["--out", "out", "in"]));
    let before = room.tree("out");
    let numbers = |name: &str| fs::metadata(room.at("out").join(name)).unwrap().ino();
    let (a, b) = (numbers("a.log"), numbers("b.log"));
    fs::remove_file(room.at("out/c/d.log")).unwrap();
    room.write("b.log", &lines(30));
    let again = room.with_keys(&["--out", "out", "in", "--summary", "json"]);
    good(&again);
    let report: serde_json::Value = serde_json::from_slice(&again.stderr).unwrap();
    assert_eq!((&report["done"], &report["already_done"]), (&2.into(), &1.into()));
    assert_eq!(numbers("a.log"), a);
    assert_ne!(numbers("b.log"), b);
    assert_eq!(room.tree("out")["c/d.log"], before["c/d.log"]);
    // What is due is reckoned by days, and not by the second.
    let runs_once = |out: &str| {
        good(&room.with_keys(&["--out", out, "in", "--drop-due"]));
        std::thread::sleep(Duration::from_millis(1100));
        let again = room.with_keys(&["--out", out, "in", "--drop-due", "--summary", "json"]);
        let report: serde_json::Value = serde_json::from_slice(&again.stderr).unwrap();
        report["already_done"] == 3
    };
    // Midnight may be between two runs, and not between four.
    assert!(runs_once("due") || runs_once("due-again"));
    // What else decides the output is asked for otherwise.
    let other = room.with_keys(&["--out", "out", "in", "--policy", "strict", "--summary", "json"]);
    assert_eq!(code(&other), 2, "one policy only");
    let other = room.bulk(&["--policy", "strict", "--out", "out", "in", "--summary", "json"]);
    good(&other);
    let report: serde_json::Value = serde_json::from_slice(&other.stderr).unwrap();
    assert_eq!(report["done"], 3);
    assert!(String::from_utf8_lossy(&room.tree("out")["a.log"]).contains("policy=strict/"));
}

#[test]
fn a_file_that_is_there_and_is_not_ours_is_left_alone() {
    let room = Room::new();
    room.write("a.log", &lines(5));
    room.write("b.log", &lines(5));
    fs::create_dir(room.at("out")).unwrap();
    fs::write(room.at("out/a.log"), "mine").unwrap();
    let output = room.with_keys(&["--out", "out", "in"]);
    assert_eq!(code(&output), 65);
    assert!(said(&output).contains("something is there that was not made of this input"), "{}", said(&output));
    assert_eq!(fs::read(room.at("out/a.log")).unwrap(), b"mine");
    assert!(room.at("out/b.log").exists());
    // What we made and somebody changed is not ours any more.
    fs::write(room.at("out/b.log"), "changed").unwrap();
    let output = room.with_keys(&["--out", "out", "in"]);
    assert!(said(&output).contains("is not what sladd made"), "{}", said(&output));
    assert_eq!(fs::read(room.at("out/b.log")).unwrap(), b"changed");
}

#[test]
fn in_place_a_file_is_replaced_once_and_a_second_run_changes_nothing() {
    let room = Room::new();
    let bytes = lines(500);
    let path = room.write("site/access.log", &bytes);
    room.write("site/access.log.1.gz", &gzip(&bytes));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    good(&room.with_keys(&["--in-place", "in"]));
    let first = room.tree("in");
    assert!(first["site/access.log"] == room.pipe(&bytes));
    assert!(gunzip(&first["site/access.log.1.gz"]) == room.pipe(&bytes));
    let stat = fs::metadata(&path).unwrap();
    assert_eq!((stat.mode() & 0o7777, stat.mtime()), (0o640, 1_795_262_400));
    let inode = stat.ino();
    good(&room.with_keys(&["--in-place", "in"]));
    assert_eq!(room.tree("in"), first);
    assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
    // The same file, named otherwise.
    good(&room.with_keys(&["--in-place", "in/site/access.log"]));
    assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
    // A raw file that comes back is minimised again.
    room.write("site/access.log", &bytes);
    good(&room.with_keys(&["--in-place", "in"]));
    assert_eq!(room.tree("in"), first);
}

#[test]
fn in_place_a_stricter_policy_may_follow_and_a_weaker_one_is_refused() {
    let room = Room::new();
    room.write("access.log", &lines(50));
    good(&room.bulk(&["--in-place", "in"]));
    let hosting = room.tree("in");
    let weaker = room.bulk(&["--policy", "minimal", "--in-place", "in"]);
    assert_eq!(code(&weaker), 78);
    assert!(said(&weaker).contains("stands under policy hosting/1, which is stricter"), "{}", said(&weaker));
    assert_eq!(room.tree("in"), hosting);
    good(&room.bulk(&["--policy", "strict", "--in-place", "in"]));
    let strict = room.tree("in");
    assert!(String::from_utf8_lossy(&strict["access.log"]).starts_with("198.51.0.0 "));
    assert_eq!(code(&room.bulk(&["--in-place", "in"])), 78);
    assert_eq!(room.tree("in"), strict);
}

#[test]
fn in_place_a_file_with_a_second_name_or_one_that_is_damaged_stays_as_it_is() {
    let room = Room::new();
    let path = room.write("access.log", &lines(5));
    fs::hard_link(&path, room.at("elsewhere")).unwrap();
    let mut cut = gzip(&lines(500));
    cut.truncate(cut.len() / 2);
    room.write("cut.gz", &cut);
    let before = room.tree("in");
    let output = room.bulk(&["--in-place", "in"]);
    assert_eq!(code(&output), 65);
    assert!(said(&output).contains("it has a second name"), "{}", said(&output));
    assert_eq!(room.tree("in"), before);
}

#[test]
fn equal_values_match_within_a_job_and_never_after() {
    let room = Room::new();
    let line = |day: u32| {
        format!("198.51.100.7 - kari [{day}/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"curl/8.5.0\"\n")
    };
    room.write("a.log", line(20).as_bytes());
    room.write("b.log", line(21).as_bytes());
    let pseudonym = |out: &str, name: &str| {
        let text = fs::read_to_string(room.at(out).join(name)).unwrap();
        text.split(' ').nth(2).unwrap().to_owned()
    };
    good(&room.bulk(&["--out", "first", "in"]));
    assert!(pseudonym("first", "a.log").starts_with("p1."));
    assert_eq!(pseudonym("first", "a.log"), pseudonym("first", "b.log"));
    assert!(!room.at("first/.sladd/keys").exists());
    assert!(!room.at("first/.sladd/job").exists());
    good(&room.bulk(&["--out", "second", "in"]));
    assert_ne!(pseudonym("first", "a.log"), pseudonym("second", "a.log"));
    // A job of several calls is one job until all its shares are done.
    good(&room.bulk(&["--out", "shared", "in", "--shard", "1/2"]));
    assert!(room.at("shared/.sladd/keys").exists());
    good(&room.bulk(&["--out", "shared", "in", "--shard", "2/2"]));
    assert!(!room.at("shared/.sladd/keys").exists());
    assert_eq!(pseudonym("shared", "a.log"), pseudonym("shared", "b.log"));
}

#[test]
fn what_a_killed_share_left_is_put_right_by_a_run_without_shares() {
    let room = Room::new();
    for number in 0..6 {
        room.write(&format!("{number}.log"), &lines(5));
    }
    good(&room.with_keys(&["--out", "out", "in", "--shard", "0/2"]));
    let place = room.at("out/.sladd");
    let manifest = fs::read_to_string(place.join("manifest.0-of-2")).unwrap();
    let done = manifest.lines().count();
    assert!((1..6).contains(&done), "{manifest}");
    // As if it had been killed behind the names and before the manifest, with a file under way.
    let intents = manifest.lines().map(|entry| format!("{{\"temporary\":\"7.0-of-2\",\"entry\":{entry}}}\n"));
    fs::write(place.join("journal.0-of-2"), intents.collect::<String>()).unwrap();
    fs::write(place.join("manifest.0-of-2"), "").unwrap();
    fs::create_dir_all(place.join("tmp")).unwrap();
    fs::write(place.join("tmp/9.0-of-2"), "half").unwrap();
    let output = room.with_keys(&["--out", "out", "in", "--summary", "json"]);
    good(&output);
    let report: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!((&report["already_done"], &report["done"]), (&done.into(), &(6 - done).into()));
    assert!(!place.join("tmp").exists() && !place.join("journal.0-of-2").exists());
    good(&room.with_keys(&["--out", "out", "--verify"]));
}

#[test]
fn shares_are_disjoint_and_complete() {
    let room = Room::new();
    for number in 0..40 {
        room.write(&format!("{}/{number}.log", number % 4), &lines(number + 1));
    }
    good(&room.with_keys(&["--out", "whole", "in"]));
    let mut seen = 0;
    for share in ["0/3", "1/3", "2/3"] {
        let output = room.with_keys(&["--out", "out", "in", "--shard", share, "--summary", "json"]);
        good(&output);
        let report: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
        seen += report["done"].as_u64().unwrap();
    }
    assert_eq!(seen, 40);
    assert_eq!(room.tree("out"), room.tree("whole"));
    good(&room.with_keys(&["--out", "out", "--verify"]));
}

#[test]
fn a_truncated_archive_gives_its_good_part_and_is_not_done() {
    let room = Room::new();
    let whole = gzip(&lines(4000));
    for cut in [whole.len() - 1, whole.len() - 9, whole.len() / 2, 30, 12] {
        let path = room.write("access.log.gz", &whole[..cut]);
        let zcat = Command::new("gzip").arg("-dc").arg(&path).stderr(Stdio::null()).output().unwrap();
        let out = format!("out{cut}");
        let output = room.with_keys(&["--out", &out, "in", "--compress", "none"]);
        assert_eq!(code(&output), 65, "{cut}");
        assert!(said(&output).contains(&format!("ends in the middle, after byte {cut}")), "{}", said(&output));
        let made = fs::read(room.at(&out).join("access.log")).unwrap();
        assert!(made == room.pipe(&zcat.stdout), "cut at {cut}");
        let again = room.with_keys(&["--out", &out, "in", "--compress", "none"]);
        assert_eq!(code(&again), 65, "it is not done");
    }
}

#[test]
fn all_members_are_read_and_what_stands_behind_them_is_told() {
    let room = Room::new();
    let all = lines(200);
    let members: Vec<u8> = all.split_inclusive(|&byte| byte == b'\n').flat_map(gzip).collect();
    room.write("members.gz", &members);
    room.write("padded.gz", &[&gzip(&all)[..], &[0; 1000]].concat());
    good(&room.with_keys(&["--out", "out", "in"]));
    // Raw lines that somebody appended are not read, so the file is not done and its original stays.
    room.write("junk.gz", &[&gzip(&all)[..], b"203.0.113.9 raw junk\n"].concat());
    let output = room.with_keys(&["--out", "out", "in", "--remove-originals"]);
    assert_eq!(code(&output), 65);
    assert!(said(&output).contains("is not gzip and was not read"), "{}", said(&output));
    assert_eq!(room.tree("in").keys().collect::<Vec<_>>(), ["junk.gz"]);
    assert_eq!(code(&room.with_keys(&["--in-place", "in"])), 65);
    assert!(room.tree("in")["junk.gz"].ends_with(b"raw junk\n"));
    let wanted = room.pipe(&all);
    for (name, bytes) in room.tree("out") {
        assert!(gunzip(&bytes) == wanted, "{name}");
    }
}

#[test]
fn what_is_packed_twice_or_otherwise_and_what_bursts_is_skipped_with_the_reason() {
    let room = Room::new();
    room.write("good.log", &lines(3));
    room.write("twice.gz", &gzip(&gzip(&lines(3))));
    room.write("logs.zip", b"PK\x03\x04rest");
    room.write("bomb.gz", &gzip(&vec![b'a'; 200 << 20]));
    let output = room.bulk(&["--out", "out", "in"]);
    assert_eq!(code(&output), 65);
    let said = said(&output);
    for why in ["packed again (gzip)", "it is an archive (zip)", "more than 400 times its size"] {
        assert!(said.contains(why), "{said}");
    }
    assert_eq!(room.tree("out").keys().collect::<Vec<_>>(), ["good.log"]);
    assert!(fs::read_dir(room.at("out/.sladd")).unwrap().all(|entry| entry.unwrap().file_name() != "tmp"));
}

#[test]
fn compression_is_chosen_and_names_say_so() {
    let room = Room::new();
    room.write("a.log", &lines(30));
    room.write("b.log.gz", &gzip(&lines(40)));
    good(&room.with_keys(&["--out", "out", "in", "--compress", "zst:5"]));
    let tree = room.tree("out");
    assert_eq!(tree.keys().collect::<Vec<_>>(), ["a.log.zst", "b.log.zst"]);
    assert!(unpacked("zst", &tree["a.log.zst"]) == room.pipe(&lines(30)));
    assert!(unpacked("zst", &tree["b.log.zst"]) == room.pipe(&lines(40)));
    good(&room.with_keys(&["--out", "plain", "in", "--compress", "none"]));
    assert_eq!(room.tree("plain").keys().collect::<Vec<_>>(), ["a.log", "b.log"]);
}

#[test]
fn outputs_of_two_inputs_never_share_a_name_and_what_is_superseded_goes() {
    let room = Room::new();
    room.write("a.log", &lines(3));
    room.write("a.log.gz", &gzip(&lines(7)));
    good(&room.with_keys(&["--out", "out", "in"]));
    let output = room.with_keys(&["--out", "out", "in", "--compress", "none", "--remove-originals"]);
    assert_eq!(code(&output), 65);
    assert_eq!(room.tree("in").keys().collect::<Vec<_>>(), ["a.log.gz"], "{}", said(&output));
    assert!(room.tree("out")["a.log"] == room.pipe(&lines(3)));
    // Another name, and the one before is not left to itself.
    let room = Room::new();
    room.write("a.log", &lines(3));
    good(&room.bulk(&["--policy", "minimal", "--out", "out", "in", "--compress", "gz"]));
    fs::write(room.at("out/a.log"), "mine").unwrap();
    assert_eq!(code(&room.bulk(&["--policy", "strict", "--out", "out", "in"])), 73);
    assert_eq!(fs::read(room.at("out/a.log")).unwrap(), b"mine");
    fs::remove_file(room.at("out/a.log")).unwrap();
    good(&room.bulk(&["--policy", "strict", "--out", "out", "in"]));
    assert_eq!(room.tree("out").keys().collect::<Vec<_>>(), ["a.log"]);
}

#[test]
fn our_state_and_our_outputs_are_no_logs_however_they_are_named() {
    let room = Room::new();
    room.write("a.log", &lines(3));
    for _ in 0..3 {
        let script = format!("find in -type f -print0 | {} bulk -q --in-place", env!("CARGO_BIN_EXE_sladd"));
        good(&Command::new("sh").args(["-c", &script]).current_dir(room.0.path()).output().unwrap());
        let script = format!("find in -type f -print0 | {} bulk -q --out in/min", env!("CARGO_BIN_EXE_sladd"));
        good(&Command::new("sh").args(["-c", &script]).current_dir(room.0.path()).output().unwrap());
    }
    assert_eq!(room.tree("in").keys().collect::<Vec<_>>(), ["a.log", "min/a.log"]);
    let script = format!("{} bulk -q --out - in > in/zz.log", env!("CARGO_BIN_EXE_sladd"));
    let output = Command::new("sh").args(["-c", &script]).current_dir(room.0.path()).output().unwrap();
    assert_eq!(code(&output), 65);
    assert!(said(&output).contains("it is where standard output goes"), "{}", said(&output));
}

#[test]
fn a_jobs_key_dies_with_the_job_and_not_before() {
    let room = Room::new();
    let keys = |place: &str| room.at(place).join(".sladd/keys").exists();
    room.write("a.log", &lines(20));
    good(&room.bulk(&["--in-place", "--shard", "1/2", "in"]));
    good(&room.bulk(&["--in-place", "--shard", "2/2", "in"]));
    assert!(!keys("in"));
    // A share that is tried again when all is done begins nothing.
    good(&room.bulk(&["--in-place", "--shard", "1/2", "in"]));
    assert!(!keys("in"));
    // Of two shares one is done: a call that finds nothing ends nothing.
    room.write("b.log", &lines(20));
    room.write("c.log", &lines(20));
    good(&room.bulk(&["--out", "out", "in", "--shard", "1/2"]));
    assert!(keys("out"));
    assert_eq!(code(&room.bulk(&["--out", "out", "in/missing"])), 66);
    assert!(keys("out"));
    good(&room.bulk(&["--out", "out", "in", "--shard", "2/2"]));
    assert!(!keys("out"));
}

#[test]
fn many_directories_need_no_more_descriptors_than_are_allowed() {
    let room = Room::new();
    for number in 0..200 {
        room.write(&format!("{number}/a.log"), b"x\n");
    }
    let script = format!("ulimit -Sn 100; exec {} bulk -q --in-place in", env!("CARGO_BIN_EXE_sladd"));
    good(&Command::new("sh").args(["-c", &script]).current_dir(room.0.path()).output().unwrap());
    let script = format!("ulimit -n 400; exec {} bulk -q --out out in", env!("CARGO_BIN_EXE_sladd"));
    good(&Command::new("sh").args(["-c", &script]).current_dir(room.0.path()).output().unwrap());
}

#[test]
fn one_directory_that_cannot_be_used_does_not_keep_the_others() {
    let room = Room::new();
    for name in ["a/x.log", "b/x.log", "c/x.log"] {
        room.write(name, &lines(3));
    }
    fs::create_dir(room.at("in/b/.sladd")).unwrap();
    fs::write(room.at("in/b/.sladd/manifest"), "{}\n").unwrap();
    let raw = room.tree("in");
    let output = room.with_keys(&["--in-place", "in"]);
    assert_eq!(code(&output), 65);
    assert!(said(&output).contains("line 1 of"), "{}", said(&output));
    let made = room.tree("in");
    assert_eq!(made["b/x.log"], raw["b/x.log"]);
    assert!(made["a/x.log"] == room.pipe(&lines(3)) && made["c/x.log"] == made["a/x.log"]);
}

#[test]
fn an_original_with_a_second_name_stays_and_no_name_reaches_a_terminal_raw() {
    let room = Room::new();
    let path = room.write("a.log", &lines(3));
    fs::hard_link(&path, room.at("elsewhere")).unwrap();
    let output = room.bulk(&["--out", "out", "in", "--remove-originals"]);
    assert_eq!(code(&output), 65);
    assert!(path.exists() && said(&output).contains("has a second name"), "{}", said(&output));
    let fifo = room.at("in").join("e\u{1b}[2J\nsladd: all fine");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let output = room.bulk(&["--out", "out", "in"]);
    assert_eq!(code(&output), 65);
    assert!(said(&output).contains("e?[2J?sladd: all fine`: a FIFO"), "{:?}", said(&output));
}

#[test]
fn originals_go_only_when_their_outputs_are_there_and_only_if_asked() {
    let room = Room::new();
    room.write("a.log", &lines(30));
    let mut cut = gzip(&lines(400));
    cut.truncate(cut.len() / 2);
    room.write("cut.gz", &cut);
    let output = room.with_keys(&["--out", "out", "in", "--remove-originals", "--summary", "json", "-q"]);
    assert_eq!(code(&output), 65);
    assert_eq!(room.tree("in").keys().collect::<Vec<_>>(), ["cut.gz"]);
    assert!(room.at("out/a.log").exists());
    // What was done before goes too, unless its output was changed.
    room.write("b.log", &lines(10));
    room.write("c.log", &lines(10));
    room.with_keys(&["--out", "out", "in"]);
    let c = fs::read(room.at("out/c.log")).unwrap();
    fs::write(room.at("out/c.log"), vec![b'x'; c.len()]).unwrap();
    let output = room.with_keys(&["--out", "out", "in", "--remove-originals"]);
    assert!(said(&output).contains("so the original stays"), "{}", said(&output));
    assert_eq!(room.tree("in").keys().collect::<Vec<_>>(), ["c.log", "cut.gz"]);
}

#[test]
fn a_dry_run_says_what_would_be_and_writes_nothing() {
    let room = Room::new();
    room.write("access.log", &lines(1000));
    room.write("sub/old.gz", &gzip(&lines(1000)));
    let output = room.bulk(&["--dry-run", "--out", "out", "in"]);
    good(&output);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("access.log: plain"), "{text}");
    assert!(text.contains("combined (200 of the first 200 lines)"), "{text}");
    assert!(text.contains("2 files would be minimised to `out`"), "{text}");
    assert!(text.contains("  198.51.100.0 - p1."), "{text}");
    assert!(!text.contains("secret1") && !text.contains("user1"), "{text}");
    assert!(!room.at("out").exists() && !room.at("in/.sladd").exists());
}

#[test]
fn a_dry_run_gives_its_account_as_one_object_too() {
    let room = Room::new();
    room.write("access.log", &lines(1000));
    room.write("sub/old.gz", &gzip(&lines(1000)));
    room.write("logs.zip", b"PK\x03\x04rest");
    let output = room.bulk(&["--dry-run", "--summary", "json", "--out", "out", "in", "in/missing"]);
    assert_eq!(code(&output), 65);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&json["dry_run"], &json["files"], &json["to_do"]), (&true.into(), &3.into(), &2.into()));
    assert_eq!((&json["already_done"], &json["failed"]), (&0.into(), &2.into()));
    let codes: Vec<_> = json["faults"].as_array().unwrap().iter().map(|fault| fault["code"].as_u64()).collect();
    assert_eq!(codes, [Some(65), Some(66)]);
    let row = &json["expected"][0];
    assert_eq!(
        (&row["path"], &row["packing"], &row["format"]),
        (&"access.log".into(), &"plain".into(), &"combined".into())
    );
    assert_eq!(row["bytes_in"], lines(1000).len());
    assert!(json["samples"][0]["lines"][0].as_str().unwrap().starts_with("198.51.100.0 - p1."), "{json}");
    // The names are those of the account of a run.
    let run = room.bulk(&["--summary", "json", "--out", "out", "in"]);
    let run: serde_json::Value = serde_json::from_str(said(&run).lines().last().unwrap()).unwrap();
    for name in ["files", "already_done", "failed", "bytes_read", "bytes_in", "bytes_out", "seconds", "faults"] {
        assert!(json.get(name).is_some() && run.get(name).is_some(), "{name}");
    }
    let again = room.bulk(&["--dry-run", "--summary", "json", "--out", "out", "in"]);
    let again: serde_json::Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!((&again["already_done"], &again["to_do"]), (&2.into(), &0.into()));
}

#[test]
fn verifying_where_nothing_is_recorded_says_so() {
    let room = Room::new();
    room.write("a.log", &lines(30));
    room.write("sub/b.log", &lines(30));
    good(&room.bulk(&["--out", "out", "in"]));
    let verify = || room.bulk(&["--out", "out", "--verify"]);
    good(&verify());
    // A file that no manifest knows.
    fs::write(room.at("out/sub/stray.log"), "203.0.113.7\n").unwrap();
    let output = verify();
    assert_eq!(code(&output), 65);
    assert!(said(&output).contains("stray.log`: no line of the manifest names it"), "{}", said(&output));
    let json = room.bulk(&["--out", "out", "--verify", "--summary", "json", "-j", "1"]);
    let text = said(&json);
    let json: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!((&json["good"], &json["faulty"], &json["unknown"]), (&2.into(), &0.into(), &1.into()));
    fs::remove_file(room.at("out/sub/stray.log")).unwrap();
    // Emptied, with its files and without.
    fs::write(room.at("out/.sladd/manifest"), "").unwrap();
    let output = verify();
    assert_eq!(code(&output), 65);
    assert!(said(&output).contains("nothing is recorded to verify, and 2 files are there"), "{}", said(&output));
    assert!(said(&output).contains("b.log`: no line"), "{}", said(&output));
    fs::remove_file(room.at("out/.sladd/manifest")).unwrap();
    assert_eq!(code(&verify()), 66);
    assert!(said(&verify()).contains("nothing is recorded to verify: there is no manifest"), "{}", said(&verify()));
    fs::write(room.at("out/.sladd/manifest"), "").unwrap();
    fs::remove_file(room.at("out/a.log")).unwrap();
    fs::remove_dir_all(room.at("out/sub")).unwrap();
    assert_eq!(code(&verify()), 66);
    // In place others may lie beside what was made, and are counted.
    good(&room.bulk(&["--in-place", "in/sub"]));
    let output = room.bulk(&["--in-place", "--verify", "in"]);
    good(&output);
    assert!(said(&output).contains("1 files are what was made, 0 are not, and 1 more"), "{}", said(&output));
    assert_eq!(code(&room.bulk(&["--in-place", "--verify", "keys"])), 66, "{}", said(&output));
}

#[test]
fn what_was_made_further_in_its_place_is_what_was_made() {
    let room = Room::new();
    room.write("a.log", &lines(30));
    room.write("sub/b.log", &lines(30));
    good(&room.bulk(&["--out", "out", "in"]));
    good(&room.bulk(&["--policy", "strict", "--in-place", "out"]));
    good(&room.bulk(&["--out", "out", "--verify"]));
    fs::write(room.at("out/sub/b.log"), "203.0.113.7\n").unwrap();
    assert_eq!(code(&room.bulk(&["--out", "out", "--verify"])), 65);
}

#[test]
fn verifying_finds_one_changed_byte_and_a_missing_file() {
    let room = Room::new();
    room.write("a.log", &lines(30));
    room.write("b.log", &lines(30));
    good(&room.bulk(&["--out", "out", "in"]));
    good(&room.bulk(&["--out", "out", "--verify"]));
    let mut bytes = fs::read(room.at("out/a.log")).unwrap();
    bytes[100] ^= 1;
    fs::write(room.at("out/a.log"), bytes).unwrap();
    fs::remove_file(room.at("out/b.log")).unwrap();
    let output = room.bulk(&["--out", "out", "--verify"]);
    assert_eq!(code(&output), 65);
    assert!(said(&output).contains("a.log`: it is not what was made"), "{}", said(&output));
    assert!(said(&output).contains("b.log`: it is gone"), "{}", said(&output));
    assert_eq!(code(&room.bulk(&["--out", "in", "--verify"])), 66);
    good(&room.bulk(&["--in-place", "in"]));
    good(&room.bulk(&["--in-place", "--verify", "in"]));
}

#[test]
fn names_come_from_a_list() {
    let room = Room::new();
    room.write("a b.log", &lines(3));
    room.write("sub/c.log", &lines(4));
    room.write("not.log", &lines(5));
    for list in ["in/a b.log\nin/sub/c.log\n", "in/a b.log\0in/sub/c.log\0"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sladd"))
            .args(["bulk", "-q", "--out", "out"])
            .current_dir(room.0.path())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(list.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
        assert_eq!(room.tree("out").keys().collect::<Vec<_>>(), ["a b.log", "sub/c.log"]);
        fs::remove_dir_all(room.at("out")).unwrap();
    }
}

#[test]
fn outputs_in_the_input_are_not_read_again_and_the_input_is_no_output() {
    let room = Room::new();
    room.write("a.log", &lines(3));
    good(&room.bulk(&["--out", "in/minimised", "in"]));
    good(&room.bulk(&["--out", "in/minimised", "in"]));
    assert_eq!(room.tree("in/minimised").keys().collect::<Vec<_>>(), ["a.log"]);
    let output = room.bulk(&["--out", "in", "in"]);
    assert_eq!(code(&output), 2);
    assert!(said(&output).contains("--in-place"), "{}", said(&output));
}

#[test]
fn one_missing_file_is_66_and_some_failed_files_are_65() {
    let room = Room::new();
    room.write("a.log", &lines(3));
    assert_eq!(code(&room.bulk(&["--out", "out", "in/missing"])), 66);
    assert_eq!(code(&room.bulk(&["--out", "out", "in/missing", "in/a.log"])), 65);
    assert_eq!(code(&room.bulk(&["--out", "out"])), 0, "an empty list");
    let nowhere = room.bulk(&["in"]);
    assert_eq!(code(&nowhere), 2);
    assert!(said(&nowhere).contains("--out DIR") && said(&nowhere).contains("--in-place"), "{}", said(&nowhere));
    assert_eq!(code(&room.bulk(&["--out", "out", "--policy", "nonsense", "in"])), 78);
}

#[test]
fn a_wrong_format_stops_a_file_and_leaves_nothing_of_it() {
    let room = Room::new();
    room.write("wrong.log", &vec![b"free text from 203.0.113.9\n".to_vec(); 12_000].concat());
    room.write("right.log", &lines(12_000));
    let output = room.bulk(&["--format", "combined", "--out", "out", "in"]);
    assert_eq!(code(&output), 65);
    assert!(said(&output).contains("do not fit the format"), "{}", said(&output));
    assert_eq!(room.tree("out").keys().collect::<Vec<_>>(), ["right.log"]);
}

#[test]
fn nobody_else_reads_what_is_made_whatever_the_umask() {
    let room = Room::new();
    let path = room.write("sub/a.log", &lines(3));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    let private = room.write("private.log", &lines(3));
    fs::set_permissions(&private, fs::Permissions::from_mode(0o600)).unwrap();
    let script = format!("umask 000; exec {} bulk -q --out out in", env!("CARGO_BIN_EXE_sladd"));
    let output = Command::new("sh").args(["-c", &script]).current_dir(room.0.path()).output().unwrap();
    good(&output);
    let mode = |name: &str| fs::metadata(room.at("out").join(name)).unwrap().mode() & 0o7777;
    assert_eq!((mode("sub/a.log"), mode("private.log")), (0o640, 0o600));
    assert_eq!((mode("."), mode("sub"), mode(".sladd"), mode(".sladd/manifest")), (0o750, 0o750, 0o750, 0o640));
    assert_eq!(fs::metadata(room.at("out/sub/a.log")).unwrap().mtime(), 1_795_262_400);
}

#[test]
fn a_link_in_the_way_of_an_output_or_of_the_state_is_never_followed() {
    let room = Room::new();
    room.write("sub/a.log", &lines(3));
    fs::create_dir(room.at("target")).unwrap();
    fs::write(room.at("victim"), "untouched").unwrap();
    let refused = |make: &dyn Fn()| {
        let _ = fs::remove_dir_all(room.at("out"));
        fs::create_dir(room.at("out")).unwrap();
        make();
        let output = room.bulk(&["--out", "out", "in/sub", "--base", "in"]);
        assert_ne!(code(&output), 0, "{}", said(&output));
        assert_eq!(fs::read_dir(room.at("target")).unwrap().count(), 0);
        assert_eq!(fs::read(room.at("victim")).unwrap(), b"untouched");
    };
    refused(&|| symlink(room.at("target"), room.at("out/sub")).unwrap());
    refused(&|| symlink(room.at("target"), room.at("out/.sladd")).unwrap());
    refused(&|| {
        fs::create_dir(room.at("out/.sladd")).unwrap();
        symlink(room.at("target"), room.at("out/.sladd/tmp")).unwrap();
    });
    for name in ["manifest", "journal", "lock"] {
        refused(&|| {
            fs::create_dir(room.at("out/.sladd")).unwrap();
            symlink(room.at("victim"), room.at("out/.sladd").join(name)).unwrap();
        });
    }
    for name in ["manifest", "journal"] {
        refused(&|| {
            fs::create_dir(room.at("out/.sladd")).unwrap();
            fs::hard_link(room.at("victim"), room.at("out/.sladd").join(name)).unwrap();
        });
    }
    refused(&|| {
        fs::create_dir(room.at("out/sub")).unwrap();
        symlink(room.at("victim"), room.at("out/sub/a.log")).unwrap();
    });
    fs::remove_dir_all(room.at("out")).unwrap();
    symlink(room.at("target"), room.at("out")).unwrap();
    assert_eq!(code(&room.bulk(&["--out", "out", "in"])), 73);
}

#[test]
fn a_second_run_at_the_same_time_is_refused() {
    let room = Room::new();
    room.write("a.log", &lines(3));
    good(&room.bulk(&["--out", "out", "in"]));
    let lock = fs::File::options().write(true).open(room.at("out/.sladd/lock")).unwrap();
    lock.lock().unwrap();
    let output = room.bulk(&["--out", "out", "in"]);
    assert_eq!(code(&output), 73);
    assert!(said(&output).contains("another sladd works on"), "{}", said(&output));
    drop(lock);
    good(&room.bulk(&["--out", "out", "in"]));
}

#[test]
fn a_signal_leaves_what_is_whole_and_the_next_run_does_the_rest() {
    let room = Room::new();
    for number in 0..60 {
        room.write(&format!("{number:02}.log"), &lines(3000));
    }
    good(&room.with_keys(&["--out", "whole", "in"]));
    let whole = room.tree("whole");
    let mut interrupted = false;
    for wait in [5, 20, 60, 150, 300] {
        let child = Command::new(env!("CARGO_BIN_EXE_sladd"))
            .args(["bulk", "--policy", "./policy.toml", "--out", "out", "in", "-j", "1"])
            .current_dir(room.0.path())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT).unwrap();
        let output = child.wait_with_output().unwrap();
        if output.status.code() == Some(130) {
            interrupted = true;
            assert!(said(&output).contains("goes on with the rest"), "{}", said(&output));
        }
        for (name, bytes) in if room.at("out").exists() { room.tree("out") } else { BTreeMap::new() } {
            assert!(bytes == whole[&name], "{name} is not whole");
        }
    }
    assert!(interrupted, "no signal met a run under way");
    good(&room.with_keys(&["--out", "out", "in"]));
    assert_eq!(room.tree("out"), whole);
}

/// Starts a run over what is in `in`, by a shell that says more.
fn start(room: &Room, before: &str, arguments: &str) -> std::process::Child {
    let script = format!("{before} {} bulk --policy ./policy.toml {arguments}", env!("CARGO_BIN_EXE_sladd"));
    let mut command = Command::new("sh");
    command.args(["-c", &script]).current_dir(room.0.path()).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// A file that keeps a run busy for as long as a test takes: a hole, which is read and has no line in it.
fn endless(room: &Room) {
    let path = room.write("hole.log", &lines(3));
    fs::File::options().append(true).open(path).unwrap().set_len(1 << 36).unwrap();
}

fn send(child: &std::process::Child, signal: rustix::process::Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_child(child), signal).unwrap();
}

#[test]
fn a_request_to_end_is_answered_within_a_second_whatever_is_under_way() {
    use rustix::process::Signal;
    let room = Room::new();
    endless(&room);
    // Under `nohup` the last is ignored, by us and by all that we start.
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap().trim().to_owned();
    let without_terminal = u64::from_str_radix(&ignored, 16).unwrap() & 1 == 1;
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        if without_terminal && signal == Signal::HUP {
            eprintln!("!!! STARTED BY nohup: a closed terminal is not tried");
            continue;
        }
        let child = start(&room, "exec", "--out out in");
        std::thread::sleep(Duration::from_millis(300));
        let asked = std::time::Instant::now();
        send(&child, signal);
        // Twice at once, as `timeout` and shells do, is no second request.
        send(&child, signal);
        let output = child.wait_with_output().unwrap();
        assert!(asked.elapsed() < Duration::from_secs(1), "{signal:?}: {:?}", asked.elapsed());
        assert_eq!(output.status.code(), Some(130), "{signal:?}: {}", said(&output));
        let said = said(&output);
        assert!(said.contains("0 minimised, 1 given up under way"), "{said}");
        assert!(said.contains("begins what was under way anew (1 files) and goes on with the rest"), "{said}");
        assert!(room.tree("out").is_empty() && !room.at("out/.sladd/tmp").exists());
    }
}

#[test]
fn what_was_started_to_outlive_its_terminal_does() {
    let room = Room::new();
    room.write("a.log", &lines(3000));
    endless(&room);
    let child = start(&room, "trap '' HUP; exec", "--out out in");
    std::thread::sleep(Duration::from_millis(300));
    send(&child, rustix::process::Signal::HUP);
    std::thread::sleep(Duration::from_millis(200));
    send(&child, rustix::process::Signal::TERM);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    // Had the first been heard, the second would have ended it at once and without a word.
    assert!(said(&output).contains("goes on with the rest"), "{}", said(&output));
}

#[test]
fn a_file_over_the_limit_of_its_size_is_an_error_with_its_name() {
    let room = Room::new();
    room.write("a.log", &lines(30_000));
    let output = start(&room, "ulimit -f 100; exec", "-q --out out in").wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(74), "{}", said(&output));
    assert!(said(&output).contains("out/a.log") && said(&output).contains("File too large"), "{}", said(&output));
    let script = format!("ulimit -f 100; exec {} -o piped.log < in/a.log", env!("CARGO_BIN_EXE_sladd"));
    let output = Command::new("sh").args(["-c", &script]).current_dir(room.0.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(74), "{}", said(&output));
    assert!(said(&output).contains("piped.log") && said(&output).contains("File too large"), "{}", said(&output));
    good(&room.with_keys(&["--out", "out", "in"]));
}

#[test]
fn another_file_system_below_the_outputs_is_told_before_anything_is_made_for_it() {
    let room = Room::new();
    room.write("a.log", &lines(30));
    room.write("sub/deep/b.log", &lines(30));
    let script = format!(
        "mkdir -m 750 -p out/sub && mount -t tmpfs -o size=1m,mode=750 none out/sub || exit 99
         {0} bulk --policy ./policy.toml --out out in; echo $?
         {0} bulk --policy ./policy.toml --out out/sub in/sub; echo $?; find out -name '*.log'",
        env!("CARGO_BIN_EXE_sladd")
    );
    let output = Command::new("unshare").args(["-m", "sh", "-c", &script]).current_dir(room.0.path()).output().unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    if matches!(output.status.code(), Some(99 | 1)) && out.is_empty() {
        return eprintln!("!!! NO MOUNT HERE: another file system below the outputs is not tried");
    }
    assert_eq!(out, "65\n0\nout/a.log\nout/sub/deep/b.log\n", "{}", said(&output));
    assert!(said(&output).contains("sub/deep`, which is on another file system than `out`"), "{}", said(&output));
}

/// What is made of the first file may be all that is left of it.
#[test]
fn an_output_whose_original_may_be_gone_is_not_replaced_by_that_of_another_file() {
    let room = Room::new();
    let (a, b) = (lines(3), lines(5));
    room.write("a/access.log", &a);
    room.write("b/access.log", &b);
    assert!(room.with_keys(&["-q", "--out", "out", "--remove-originals", "in/a"]).status.success());
    let made = fs::read(room.at("out/access.log")).unwrap();
    let refused = room.with_keys(&["--out", "out", "--remove-originals", "in/b"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(73) && said.contains("was made of another file"), "{said}");
    assert_eq!(fs::read(room.at("out/access.log")).unwrap(), made);
    assert!(room.at("in/b/access.log").exists());
    // The name comes back with other content.
    room.write("a/access.log", &b);
    assert_eq!(room.with_keys(&["-q", "--out", "out", "in/a"]).status.code(), Some(73));
    assert_eq!(fs::read(room.at("out/access.log")).unwrap(), made);
    // Where originals stay, what a name holds is made anew when it changes, and files of other directories are others.
    room.write("c/access.log", &a);
    assert!(room.with_keys(&["-q", "--out", "other", "in/c"]).status.success());
    room.write("c/access.log", &b);
    assert!(room.with_keys(&["-q", "--out", "other", "in/c"]).status.success());
    assert_eq!(fs::read(room.at("other/access.log")).unwrap().iter().filter(|byte| **byte == b'\n').count(), 5);
    room.write("d/access.log", &lines(7));
    assert_eq!(room.with_keys(&["-q", "--out", "other", "in/d"]).status.code(), Some(73));
}

#[test]
fn inputs_below_the_outputs_are_named() {
    let room = Room::new();
    room.write("logs/a.log", &lines(1));
    let refused = room.with_keys(&["--out", "in", "in/logs/a.log"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(2) && said.contains("is below --out"), "{said}");
}

/// However early a run is asked to end, it says that it is not done, and its key lives until it is.
#[test]
fn a_run_that_ends_between_two_files_is_not_done() {
    let room = Room::new();
    let policy = "base = \"hosting\"\nname = \"bulk-test\"\nversion = 1\n[fields]\n\"client.address\" = { treatment = \"pseudonym\" }\n";
    fs::write(room.at("own.toml"), policy).unwrap();
    for number in 0..400 {
        room.write(&format!("{number}.log"), &lines(1));
    }
    let mut ended = 0;
    for delay in [0, 5, 10, 15, 20, 30, 40, 60, 80, 120] {
        let out = format!("out{delay}");
        let arguments = ["bulk", "--policy", "./own.toml", "--out", &out, "in"];
        let mut child = Command::new(env!("CARGO_BIN_EXE_sladd"));
        child.args(arguments).current_dir(room.0.path()).stdin(Stdio::null()).stderr(Stdio::piped());
        let child = child.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        send(&child, rustix::process::Signal::INT);
        let output = child.wait_with_output().unwrap();
        let made = || {
            fs::read_dir(room.at(&out)).into_iter().flatten().flatten().filter(|entry| entry.file_name() != ".sladd")
        };
        let done = made().count() == 400;
        match output.status.code() {
            Some(0) => assert!(done, "{}", String::from_utf8_lossy(&output.stderr)),
            Some(130) => ended += 1,
            // It was not listening yet.
            None => {}
            other => panic!("{other:?} {}", String::from_utf8_lossy(&output.stderr)),
        }
        assert!(room.bulk(&["-q", "--policy", "./own.toml", "--out", &out, "in"]).status.success());
        let pseudonyms: std::collections::BTreeSet<String> = made()
            .map(|entry| fs::read_to_string(entry.path()).unwrap().split(' ').next().unwrap().to_owned())
            .collect();
        assert!(made().count() == 400 && pseudonyms.len() == 1, "{delay} ms: {pseudonyms:?}");
    }
    println!("{ended} of 10 were ended");
}
