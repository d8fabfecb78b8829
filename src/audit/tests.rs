#![allow(clippy::unwrap_used)]

use super::*;
use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, TestRng},
};
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    process::Command,
    thread,
};

const NOW: Timestamp = Timestamp(1_795_255_200); // 2026-11-21T10:00:00Z

fn entry(subject: &str) -> Entry<'_> {
    Entry { deed: Deed::KeyDestroyed, subject, details: &[("reason", "due")] }
}

/// A directory with a log of so many entries.
fn place(entries: u32) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    let log = Log::open(place.path()).unwrap();
    for number in 0..entries {
        log.append(Timestamp(NOW.0 + i64::from(number)), &entry(&format!("2026-11-{number:02}"))).unwrap();
    }
    place
}

fn text(place: &tempfile::TempDir) -> Vec<u8> {
    fs::read(place.path().join(LOG)).unwrap()
}

fn faults(place: &tempfile::TempDir) -> Vec<Fault> {
    verify(place.path(), None).unwrap().faults
}

#[test]
fn an_entry_is_a_line_that_names_the_one_before() {
    let place = place(2);
    let text = String::from_utf8(text(&place)).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let start = r#"{"entry":1,"time":"2026-11-21T10:00:00Z","deed":"key_destroyed","subject":"2026-11-00","details":{"reason":"due"},"before":"0000"#;
    assert!(lines[0].starts_with(start), "{}", lines[0]);
    let hash = lines[0].split("\"hash\":\"").nth(1).unwrap().trim_end_matches("\"}");
    assert!(lines[1].contains(&format!("\"before\":\"{hash}\"")));
    let verdict = verify(place.path(), None).unwrap();
    assert!(verdict.is_whole() && verdict.mended.is_empty());
    assert_eq!(verdict.head.entries, 2);
    assert_eq!(verdict.head.to_string().parse(), Ok(verdict.head));
    for name in [LOG, HEAD] {
        assert_eq!(fs::metadata(place.path().join(name)).unwrap().mode() & 0o7777, 0o640, "{name}");
    }
}

#[test]
fn a_hash_is_that_of_the_specification() {
    use sha2::Digest;
    let place = place(1);
    let text = text(&place);
    let line = std::str::from_utf8(&text).unwrap();
    let (body, hash) = line.trim_end_matches("\"}\n").split_once(",\"hash\":\"").unwrap();
    let digest = sha2::Sha256::digest(format!("sladd audit 1\n{body}"));
    assert_eq!(hash, digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
}

#[test]
fn what_is_in_a_text_cannot_end_a_line() {
    let place = place(0);
    let log = Log::open(place.path()).unwrap();
    let odd = "a\"b\\c\nd\u{1b}[0m\u{7f}é";
    log.append(NOW, &Entry { deed: Deed::KeyMade, subject: odd, details: &[(odd, odd)] }).unwrap();
    log.append(NOW, &entry("x")).unwrap();
    assert_eq!(text(&place).iter().filter(|&&byte| byte == b'\n').count(), 2);
    assert_eq!(faults(&place), []);
    let long = "x".repeat(70_000);
    let error = log.append(NOW, &entry(&long)).unwrap_err();
    assert!(error.to_string().ends_with("an entry is longer than 64 KiB"), "{error}");
    assert_eq!(faults(&place), []);
}

#[test]
fn each_of_10_000_tampers_is_found() {
    let place = place(24);
    let (log, head) = (text(&place), fs::read(place.path().join(HEAD)).unwrap());
    let lines: Vec<&[u8]> = log.split_inclusive(|&byte| byte == b'\n').collect();
    let mut rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let target = tempfile::tempdir().unwrap();
    for round in 0..10_000u32 {
        let mut any = |below: usize| rng.random_range(0..below);
        let (mut new_log, mut new_head) = (log.clone(), head.clone());
        let (one, two) = (any(lines.len()), any(lines.len()));
        let mut order: Vec<usize> = (0..lines.len()).collect();
        match round % 10 {
            0 => new_log[any(log.len())] ^= 1 << any(8),
            1 => new_head[any(head.len())] ^= 1 << any(8),
            2 => new_log.truncate(any(log.len())),
            3 => new_head.truncate(any(head.len())),
            4 => new_log.insert(any(log.len() + 1), any(256) as u8),
            5 => drop(new_log.remove(any(log.len()))),
            6 => drop(order.remove(one)),
            7 => order.insert(one, two),
            8 if one != two => order.swap(one, two),
            8 => order.truncate(one),
            // An entry that is whole in itself, in the place of another.
            _ => {
                let before = Head { entries: one as u64, hash: chain::hash_of(lines[one.saturating_sub(1)]).unwrap() };
                let (line, _) =
                    chain::line(NOW, &entry("2020-01-01"), &if one == 0 { Head::default() } else { before });
                new_log = lines[..one].concat();
                new_log.extend(line);
                new_log.extend(lines[one + 1..].concat());
            }
        }
        if matches!(round % 10, 6..=8) {
            new_log = order.iter().flat_map(|&at| lines[at].to_vec()).collect();
        }
        fs::write(target.path().join(LOG), &new_log).unwrap();
        fs::write(target.path().join(HEAD), &new_head).unwrap();
        let verdict = verify(target.path(), None).unwrap();
        assert!(!verdict.is_whole(), "round {round} passed");
        // Nor does going on hide it: what is broken stays so, and what looks like a kill is told.
        if round % 50 < 10 {
            set_mode(&target.path().join(LOG), 0o640);
            Log::open(target.path()).unwrap().append(NOW, &entry("after")).unwrap();
            let after = verify(target.path(), None).unwrap();
            assert!(!after.is_whole() || !after.mended.is_empty(), "round {round} was hidden");
        }
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn another_chain_is_told_by_a_head_that_was_noted_down() {
    let place = place(5);
    let noted = verify(place.path(), None).unwrap().head;
    let log = Log::open(place.path()).unwrap();
    log.append(NOW, &entry("later")).unwrap();
    assert_eq!(verify(place.path(), Some(&noted)).unwrap().faults, []);
    fs::remove_file(place.path().join(LOG)).unwrap();
    fs::remove_file(place.path().join(HEAD)).unwrap();
    for _ in 0..9 {
        log.append(NOW, &entry("another")).unwrap();
    }
    assert_eq!(faults(&place), []);
    assert_eq!(verify(place.path(), Some(&noted)).unwrap().faults, [Fault::OtherAnchor]);
}

#[test]
fn what_a_kill_left_is_gone_on_with_and_told() {
    // Killed between the entry and the head.
    let place = place(3);
    let head = fs::read(place.path().join(HEAD)).unwrap();
    let log = Log::open(place.path()).unwrap();
    log.append(NOW, &entry("fourth")).unwrap();
    fs::write(place.path().join(HEAD), &head).unwrap();
    assert_eq!(faults(&place), [Fault::End { expected: 3, found: 4 }]);
    log.append(NOW, &entry("fifth")).unwrap();
    let verdict = verify(place.path(), None).unwrap();
    assert_eq!((verdict.is_whole(), verdict.head.entries, verdict.mended), (true, 6, vec![5]));

    // Killed within an entry.
    let whole = text(&place);
    fs::write(place.path().join(LOG), [&whole[..], b"{\"entry\":7,\"ti"].concat()).unwrap();
    assert_eq!(faults(&place), [Fault::Unfinished, Fault::OtherHead][..1]);
    log.append(NOW, &entry("after")).unwrap();
    let verdict = verify(place.path(), None).unwrap();
    assert_eq!((verdict.is_whole(), verdict.head.entries, verdict.mended), (true, 8, vec![5, 7]));
    assert!(
        String::from_utf8(text(&place))
            .unwrap()
            .contains(r#"{"bytes_cut_off":"14","found":"the last append was not finished"}"#)
    );
}

#[test]
fn a_log_is_put_in_order_though_nothing_is_added() {
    let place = place(2);
    let log = Log::open(place.path()).unwrap();
    let whole = fs::read(place.path().join(LOG)).unwrap();
    log.settle(NOW).unwrap();
    assert_eq!(fs::read(place.path().join(LOG)).unwrap(), whole);
    let head = fs::read(place.path().join(HEAD)).unwrap();
    log.append(NOW, &entry("third")).unwrap();
    fs::write(place.path().join(HEAD), &head).unwrap();
    assert!(!verify(place.path(), None).unwrap().is_whole());
    log.settle(NOW).unwrap();
    let verdict = verify(place.path(), None).unwrap();
    assert_eq!((verdict.is_whole(), verdict.mended), (true, vec![4]));
    // Where there is none, none is made.
    let empty = tempfile::tempdir().unwrap();
    Log::open(empty.path()).unwrap().settle(NOW).unwrap();
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0);
}

#[test]
fn what_a_kill_came_behind_is_not_said_again() {
    let place = place(2);
    let log = Log::open(place.path()).unwrap();
    let ends = |deed, subject| log.hold().unwrap().ends_with_deed(NOW, deed, subject).unwrap();
    assert!(ends(Deed::KeyDestroyed, "2026-11-01"));
    assert!(!ends(Deed::KeyDestroyed, "2026-11-00") && !ends(Deed::KeyMade, "2026-11-01"));
    // The head was not written any more: the log is put in order.
    let head = fs::read(place.path().join(HEAD)).unwrap();
    log.append(NOW, &entry("third")).unwrap();
    fs::write(place.path().join(HEAD), &head).unwrap();
    assert!(ends(Deed::KeyDestroyed, "third"));
    let verdict = verify(place.path(), None).unwrap();
    assert_eq!((verdict.is_whole(), verdict.mended), (true, vec![4]));
}

#[test]
fn what_was_told_is_found_wherever_it_stands() {
    let place = place(20);
    let log = Log::open(place.path()).unwrap();
    let tells = |deed, subject| log.hold().unwrap().tells(NOW, deed, subject).unwrap();
    for (subject, told) in [("2026-11-00", true), ("2026-11-19", true), ("2026-11-20", false), ("2026-11-1", false)] {
        assert_eq!(tells(Deed::KeyDestroyed, subject), told, "{subject}");
    }
    assert!(!tells(Deed::KeyMade, "2026-11-00"));
    // A line that was changed tells nothing.
    let text = String::from_utf8(text(&place)).unwrap();
    fs::write(place.path().join(LOG), text.replacen("2026-11-03", "2026-12-03", 1)).unwrap();
    assert!(!tells(Deed::KeyDestroyed, "2026-12-03") && tells(Deed::KeyDestroyed, "2026-11-04"));
}

#[test]
fn a_log_that_is_gone_is_told_for_ever() {
    let place = place(4);
    fs::remove_file(place.path().join(LOG)).unwrap();
    assert_eq!(faults(&place), [Fault::End { expected: 4, found: 0 }]);
    Log::open(place.path()).unwrap().append(NOW, &entry("after")).unwrap();
    let verdict = verify(place.path(), None).unwrap();
    assert_eq!(verdict.faults, [Fault::OutOfPlace { line: 1, expected: 1, found: 5 }]);
    assert_eq!(verdict.faults[0].to_string(), "line 1 holds entry 5 and not 1, or does not follow the one before");
    assert_eq!(verdict.head.entries, 6);
}

#[test]
fn a_log_that_is_none_of_ours_is_refused_in_words() {
    let empty = place(0);
    let missing = verify(empty.path(), None).unwrap_err();
    let path = empty.path().display().to_string();
    assert_eq!(
        missing.to_string(),
        format!("cannot read the audit log in {path}: it is not there; nothing was done yet")
    );
    let target = empty.path().join("target");
    fs::write(&target, "theirs").unwrap();
    let file = empty.path().join(LOG);
    let refused = |words: &str| {
        let error = Log::open(empty.path()).unwrap().append(NOW, &entry("x")).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot use audit log: {} {words}", file.display()));
        assert_eq!(error.kind(), Kind::Config);
        assert_eq!(fs::read(&target).unwrap(), b"theirs");
        fs::remove_file(&file).unwrap();
    };
    symlink(&target, &file).unwrap();
    refused("is a symbolic link; put the log itself in its place");
    fs::hard_link(&target, &file).unwrap();
    refused("has a second name; move it away");
    rustix::fs::mknodat(rustix::fs::CWD, &file, FileType::Fifo, 0o600.into(), 0).unwrap();
    refused("is not a regular file; remove it");
    fs::write(&file, "").unwrap();
    set_mode(&file, 0o622);
    refused("is writable by others; run chmod 640");
    symlink(&target, empty.path().join(HEAD)).unwrap();
    Log::open(empty.path()).unwrap().append(NOW, &entry("x")).unwrap();
    assert_eq!(fs::read(&target).unwrap(), b"theirs");
    assert_eq!(faults(&empty), []);
}

#[test]
fn threads_and_processes_write_one_chain() {
    let place = place(0);
    let child = |_| {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "audit::tests::one_process", "--ignored"])
            .env("SLADD_TEST_AUDIT", place.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..4).map(child).collect();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| write_ten(place.path()));
        }
    });
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let verdict = verify(place.path(), None).unwrap();
    assert_eq!((verdict.is_whole(), verdict.head.entries, verdict.mended), (true, 80, vec![]));
}

fn write_ten(path: &Path) {
    let log = Log::open(path).unwrap();
    (0..10).for_each(|_| log.append(NOW, &entry("racing")).unwrap());
}

#[test]
#[ignore = "run by the test above, in processes of its own"]
fn one_process() {
    if let Some(path) = std::env::var_os("SLADD_TEST_AUDIT") {
        write_ten(Path::new(&path));
    }
}

#[test]
fn each_deed_has_its_own_word() {
    let words: std::collections::BTreeSet<&str> = Deed::ALL.iter().map(|deed| deed.as_str()).collect();
    assert_eq!(words.len(), Deed::ALL.len());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_bytes_can_be_read_as_a_log(bytes in proptest::collection::vec(any::<u8>(), 0..300), head in "[ -~\n]{0,80}") {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join(LOG), &bytes).unwrap();
        fs::write(place.path().join(HEAD), &head).unwrap();
        prop_assert!(!verify(place.path(), None).unwrap().is_whole());
    }
}
