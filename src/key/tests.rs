#![allow(clippy::unwrap_used)]

use super::*;
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::PathBuf,
    process::Command,
    thread,
};

const NOW: Timestamp = Timestamp(1_795_255_200); // 2026-11-21T10:00:00Z
const KEEP: Keep = Keep { months: 0, days: 30 };
const DAY: i64 = 86_400;

fn today() -> Epoch {
    Period::Day.epoch(NOW)
}

/// A directory of our own for the key directory `keys`, and its path.
fn place() -> (tempfile::TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let keys = parent.path().join("keys");
    (parent, keys)
}

fn open(path: &Path) -> Keyring {
    Keyring::directory(path, Period::Day, KEEP).unwrap()
}

/// The bytes that the keyring gives for an epoch.
fn bytes(keys: &Keyring, epoch: Epoch, now: Timestamp) -> [u8; 32] {
    assert!(matches!(keys.secret(epoch, now).unwrap(), Lookup::Found(_)));
    *keys.lock().live[&epoch].bytes
}

fn is_destroyed(keys: &Keyring, epoch: Epoch, now: Timestamp) -> bool {
    matches!(keys.secret(epoch, now).unwrap(), Lookup::Destroyed)
}

fn files(path: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| !name.starts_with("audit.") && name != "clock");
    names.sort();
    names
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn an_epoch_has_one_secret_and_another_epoch_another() {
    let (_parent, path) = place();
    for keys in [Keyring::memory(Period::Day), open(&path)] {
        let first = bytes(&keys, today(), NOW);
        assert_eq!(bytes(&keys, today(), NOW), first);
        assert_ne!(bytes(&keys, Epoch(today().0 - 1), NOW), first);
    }
}

#[test]
fn a_secret_in_a_directory_outlives_the_run() {
    let (_parent, path) = place();
    let first = bytes(&open(&path), today(), NOW);
    assert_eq!(bytes(&open(&path), today(), NOW), first);
    assert_eq!(fs::read(path.join("2026-11-21.key")).unwrap(), first);
    assert_eq!(files(&path), ["2026-11-21.key"]);
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&path.join("2026-11-21.key")), 0o400);
    assert_eq!(fs::metadata(path.join("2026-11-21.key")).unwrap().mtime(), NOW.0);
}

#[test]
fn secrets_in_memory_are_no_ones_else() {
    assert_ne!(bytes(&Keyring::memory(Period::Day), today(), NOW), bytes(&Keyring::memory(Period::Day), today(), NOW));
}

#[test]
fn a_directory_named_with_a_slash_or_dot_at_the_end_is_the_same() {
    let (_parent, path) = place();
    let first = bytes(&open(&path), today(), NOW);
    for end in ["", ".", "./"] {
        assert_eq!(bytes(&open(&path.join(end)), today(), NOW), first);
    }
}

#[test]
fn a_secret_dies_its_time_after_the_end_of_its_epoch() {
    let (_parent, path) = place();
    let end = Period::Day.end(today());
    let last = Timestamp(end.0 + 30 * DAY - 1);
    for keys in [Keyring::memory(Period::Day), open(&path)] {
        let first = bytes(&keys, today(), NOW);
        assert_eq!(bytes(&keys, today(), last), first);
        assert!(is_destroyed(&keys, today(), Timestamp(last.0 + 1)));
        // It is never made again, whatever the clock says.
        assert!(is_destroyed(&keys, today(), NOW));
    }
    assert_eq!(files(&path), ["2026-11-21.tomb"]);
    assert!(is_destroyed(&open(&path), today(), NOW));
}

#[test]
fn the_secret_of_an_old_epoch_dies_its_time_after_it_was_made() {
    let (_parent, path) = place();
    let old = Epoch(today().0 - 1_000);
    let first = bytes(&open(&path), old, NOW);
    let last = Timestamp(NOW.0 + 30 * DAY - 1);
    assert_eq!(bytes(&open(&path), old, last), first);
    assert!(is_destroyed(&open(&path), old, Timestamp(last.0 + 1)));
}

#[test]
fn what_is_due_is_destroyed_before_another_secret_is_given() {
    let (_parent, path) = place();
    let keys = open(&path);
    let first = bytes(&keys, today(), NOW);
    let file = fs::File::open(path.join("2026-11-21.key")).unwrap();
    let later = Timestamp(NOW.0 + 100 * DAY);
    bytes(&open(&path), Period::Day.epoch(later), later);
    assert_eq!(files(&path), ["2026-11-21.tomb", "2027-03-01.key"]);
    // The file that was removed holds zeros.
    let mut left = [1; 32];
    std::os::unix::fs::FileExt::read_exact_at(&file, &mut left, 0).unwrap();
    assert_eq!(left, [0; 32]);
    assert_ne!(left, first);
    // Another process, which still holds the secret, gives it up too.
    assert!(is_destroyed(&keys, today(), NOW));
    assert!(keys.lock().live.is_empty());
}

#[test]
fn expiry_takes_what_is_due_of_every_period_and_nothing_else() {
    let (_parent, path) = place();
    for period in Period::ALL {
        let keys = Keyring::directory(&path, period, KEEP).unwrap();
        keys.secret(period.epoch(NOW), NOW).unwrap();
    }
    fs::write(path.join("README"), "ours").unwrap();
    fs::write(path.join("visitor.key"), "not an epoch").unwrap();
    let keys = open(&path);
    assert_eq!(keys.expire(NOW).unwrap(), 0);
    assert_eq!(keys.expire(Timestamp(NOW.0 + 39 * DAY)).unwrap(), 3);
    assert_eq!(
        files(&path),
        ["2026-11-21.tomb", "2026-11-21T10.tomb", "2026-11.key", "2026-W47.tomb", "2026.key", "README", "visitor.key"]
    );
    assert_eq!(keys.expire(Timestamp(NOW.0 + 100 * DAY)).unwrap(), 2);
    let memory = Keyring::memory(Period::Day).with_keep(Keep { months: 1, days: 0 });
    bytes(&memory, today(), NOW);
    assert_eq!(memory.expire(Timestamp(NOW.0 + 30 * DAY)).unwrap(), 0);
    assert_eq!(memory.expire(Timestamp(NOW.0 + 31 * DAY)).unwrap(), 1);
}

#[test]
fn a_destruction_that_was_interrupted_is_finished() {
    let (_parent, path) = place();
    bytes(&open(&path), today(), NOW);
    fs::write(path.join("2026-11-21.tomb"), "").unwrap();
    assert!(is_destroyed(&open(&path), today(), NOW));
    assert_eq!(files(&path), ["2026-11-21.tomb"]);
}

#[test]
fn a_destruction_is_told_once_however_often_a_kill_comes_behind_it() {
    let (_parent, path) = place();
    let keys = open(&path);
    bytes(&keys, today(), NOW);
    let due = Timestamp(NOW.0 + 40 * DAY);
    keys.expire(due).unwrap();
    let told = || fs::read_to_string(path.join("audit.log")).unwrap().matches("\"key_destroyed\"").count();
    assert_eq!(told(), 1);
    // Each kill came before the tombstone said that it is told; in between others wrote, or the log was put in order.
    let tomb = path.join("2026-11-21.tomb");
    for round in 0..4 {
        set_mode(&tomb, 0o600);
        fs::write(&tomb, "").unwrap();
        if round % 2 == 0 {
            keys.make(Epoch(today().0 + 20 + round), due, "a test").unwrap();
        } else {
            fs::remove_file(path.join("audit.head")).unwrap();
        }
        keys.expire(due).unwrap();
        assert_eq!(told(), 1, "round {round}");
        assert!(fs::metadata(&tomb).unwrap().len() > 0);
    }
    assert!(crate::audit::verify(&path, None).unwrap().is_whole());
}

#[test]
fn a_dangling_link_is_a_tombstone_too() {
    let (_parent, path) = place();
    let keys = open(&path);
    symlink("nowhere", path.join("2026-11-21.tomb")).unwrap();
    assert!(is_destroyed(&keys, today(), NOW));
}

#[test]
fn what_a_process_left_half_made_is_removed_after_an_hour() {
    let (_parent, path) = place();
    let keys = open(&path);
    fs::write(path.join(".2026-11-21.0123456789abcdef.new"), [7; 32]).unwrap();
    let made = fs::metadata(path.join(".2026-11-21.0123456789abcdef.new")).unwrap().mtime();
    keys.expire(Timestamp(made + 3_600)).unwrap();
    assert_eq!(files(&path).len(), 1);
    keys.expire(Timestamp(made + 3_601)).unwrap();
    assert_eq!(files(&path).len(), 0);
}

#[test]
fn at_most_400_epochs_are_live_but_those_around_now() {
    let (_parent, path) = place();
    for keys in [Keyring::memory(Period::Day), open(&path)] {
        for past in 0..400 {
            bytes(&keys, Epoch(today().0 - 1_000 - past), NOW);
        }
        for forged in [Epoch(today().0 - 2), Epoch(today().0 + 2), Epoch(i64::MIN), Epoch(i64::MAX)] {
            assert!(matches!(keys.secret(forged, NOW).unwrap(), Lookup::OutOfReach));
        }
        for near in -1..=1 {
            bytes(&keys, Epoch(today().0 + near), NOW);
        }
        bytes(&keys, Epoch(today().0 - 1_000), NOW);
    }
    assert_eq!(files(&path).len(), 403);
}

#[test]
fn a_hundred_racing_threads_agree_on_one_secret() {
    let (_parent, path) = place();
    let shared = Keyring::memory(Period::Day);
    let all: Vec<_> = thread::scope(|scope| {
        let racers: Vec<_> = (0..100)
            .map(|_| scope.spawn(|| (bytes(&open(&path), today(), NOW), bytes(&shared, today(), NOW))))
            .collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).collect()
    });
    assert!(all.iter().all(|pair| *pair == all[0]));
    assert_eq!(files(&path), ["2026-11-21.key"]);
}

#[test]
fn racing_processes_agree_on_one_secret() {
    let (_parent, path) = place();
    let child = |_| {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "key::tests::one_racing_process", "--ignored", "--nocapture"])
            .env("SLADD_TEST_KEYS", &path)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..20).map(child).collect();
    let first = |output: String| output.lines().find(|line| line.starts_with("digest ")).unwrap().to_owned();
    let all: Vec<_> = children
        .into_iter()
        .map(|child| first(String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()))
        .collect();
    assert!(all.iter().all(|line| *line == all[0]), "{all:?}");
    assert_eq!(files(&path), ["2026-11-21.key"]);
}

#[test]
#[ignore = "run by the test above, in processes of its own"]
fn one_racing_process() {
    let Some(path) = std::env::var_os("SLADD_TEST_KEYS") else { return };
    let digest: u32 = bytes(&open(Path::new(&path)), today(), NOW)
        .iter()
        .fold(0, |sum, &byte| sum.wrapping_mul(31) + u32::from(byte));
    println!("\ndigest {digest}");
}

#[test]
fn a_race_with_destruction_never_brings_a_secret_back() {
    for _ in 0..20 {
        let (_parent, path) = place();
        open(&path);
        let later = Timestamp(NOW.0 + 31 * DAY + DAY);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| open(&path).secret(today(), NOW).unwrap());
                scope.spawn(|| open(&path).expire(later).unwrap());
            }
        });
        let keys = open(&path);
        keys.secret(today(), NOW).unwrap();
        keys.expire(later).unwrap();
        assert_eq!(files(&path), ["2026-11-21.tomb"]);
        assert!(is_destroyed(&keys, today(), NOW));
    }
}

#[test]
fn each_bad_key_file_is_refused_in_words() {
    type Spoil = fn(&Path);
    let variants: [(Spoil, &str); 13] = [
        (|file| set_mode(file, 0o440), "KEY is readable by others; run chmod 400"),
        (|file| set_mode(file, 0o404), "KEY is readable by others; run chmod 400"),
        (|file| set_mode(file, 0o644), "KEY is readable by others; run chmod 400"),
        (|file| set_mode(file, 0o620), "KEY is writable by others; run chmod 400"),
        (|file| set_mode(file, 0o402), "KEY is writable by others; run chmod 400"),
        (|file| set_mode(file, 0o410), "KEY is executable by others; run chmod 400"),
        (
            |file| {
                fs::rename(file, file.with_extension("moved")).unwrap();
                symlink(file.with_extension("moved"), file).unwrap();
            },
            "KEY is a symbolic link; put the key itself in its place",
        ),
        (
            |file| {
                fs::remove_file(file).unwrap();
                symlink("nowhere", file).unwrap();
            },
            "KEY is a symbolic link; put the key itself in its place",
        ),
        (
            |file| {
                fs::remove_file(file).unwrap();
                fs::create_dir(file).unwrap();
            },
            "KEY is not a regular file; remove it",
        ),
        (
            |file| {
                fs::remove_file(file).unwrap();
                rustix::fs::mknodat(rustix::fs::CWD, file, rustix::fs::FileType::Fifo, 0o400.into(), 0).unwrap();
            },
            "KEY is not a regular file; remove it",
        ),
        (|file| rewrite(file, &[7; 31]), "KEY holds 31 bytes, not 32; restore it or remove it"),
        (|file| rewrite(file, &[7; 33]), "KEY holds 33 bytes, not 32; restore it or remove it"),
        (|file| rewrite(file, &[0; 32]), "KEY holds nothing but zeros; restore it or remove it"),
    ];
    for (spoil, words) in variants {
        refused(spoil, words);
    }
    refused(|file| rewrite(file, b""), "KEY holds 0 bytes, not 32; restore it or remove it");
    refused(
        |file| {
            fs::remove_file(file).unwrap();
            std::os::unix::net::UnixListener::bind(file).unwrap();
        },
        "KEY is not a regular file; remove it",
    );
    if rustix::process::geteuid().is_root() {
        refused(
            |file| std::os::unix::fs::chown(file, Some(65_534), None).unwrap(),
            "KEY belongs to user 65534, not to user 0; run chown 0",
        );
    }
}

/// That a key so spoilt is refused in these words, and left as it is.
fn refused(spoil: fn(&Path), words: &str) {
    let (_parent, path) = place();
    bytes(&open(&path), today(), NOW);
    let file = path.join("2026-11-21.key");
    spoil(&file);
    let error = open(&path).secret(today(), NOW).unwrap_err();
    let words = words.replace("KEY", file.to_str().unwrap());
    assert_eq!(error.to_string(), format!("cannot use key `2026-11-21`: {words}"));
    assert_eq!(error.kind(), Kind::Config);
    assert!(fs::symlink_metadata(&file).is_ok());
}

fn rewrite(file: &Path, bytes: &[u8]) {
    set_mode(file, 0o600);
    fs::write(file, bytes).unwrap();
    set_mode(file, 0o400);
}

#[test]
fn a_key_that_is_a_copy_of_another_is_refused() {
    let (_parent, path) = place();
    let keys = open(&path);
    bytes(&keys, today(), NOW);
    let copy = path.join("2026-11-22.key");
    fs::copy(path.join("2026-11-21.key"), &copy).unwrap();
    set_mode(&copy, 0o400);
    let error = keys.secret(Epoch(today().0 + 1), NOW).unwrap_err();
    let words = format!("{} holds the same secret as key `2026-11-21`; restore it or remove it", copy.display());
    assert_eq!(error.to_string(), format!("cannot use key `2026-11-22`: {words}"));
}

#[test]
fn a_due_key_that_others_can_read_is_destroyed_all_the_same() {
    let (_parent, path) = place();
    bytes(&open(&path), today(), NOW);
    set_mode(&path.join("2026-11-21.key"), 0o644);
    assert_eq!(open(&path).expire(Timestamp(NOW.0 + 100 * DAY)).unwrap(), 1);
    assert_eq!(files(&path), ["2026-11-21.tomb"]);
}

#[test]
fn a_due_key_that_is_a_link_stops_all() {
    let (_parent, path) = place();
    let keys = open(&path);
    let link = path.join("2020-01-01.key");
    symlink("/dev/null", &link).unwrap();
    let later = Timestamp(fs::symlink_metadata(&link).unwrap().mtime() + 31 * DAY);
    let error = keys.secret(Period::Day.epoch(later), later).unwrap_err();
    let words = format!("{} is a symbolic link; put the key itself in its place", link.display());
    assert_eq!(error.to_string(), format!("cannot use key `2020-01-01`: {words}"));
    assert_eq!(files(&path), ["2020-01-01.key", "2020-01-01.tomb"]);
}

#[test]
fn each_bad_directory_is_refused_in_words() {
    let refused = |spoil: fn(&Path), kind: Kind, words: &str| {
        let (parent, path) = place();
        fs::create_dir(&path).unwrap();
        set_mode(&path, 0o700);
        spoil(&path);
        let error = Keyring::directory(&path, Period::Day, KEEP).unwrap_err();
        let words = words.replace("KEYS", path.to_str().unwrap()).replace("PARENT", parent.path().to_str().unwrap());
        assert_eq!(error.to_string(), words);
        assert_eq!(error.kind(), kind);
    };
    let config = Kind::Config;
    refused(
        |path| set_mode(path, 0o750),
        config,
        "cannot use key directory: KEYS is readable by others; run chmod 700",
    );
    refused(
        |path| set_mode(path, 0o755),
        config,
        "cannot use key directory: KEYS is readable by others; run chmod 700",
    );
    refused(
        |path| set_mode(path, 0o722),
        config,
        "cannot use key directory: KEYS is writable by others; run chmod 700",
    );
    refused(
        |path| set_mode(path, 0o701),
        config,
        "cannot use key directory: KEYS is executable by others; run chmod 700",
    );
    refused(
        |path| set_mode(path, 0o1777),
        config,
        "cannot use key directory: KEYS is readable by others; run chmod 700",
    );
    for mode in [0o777, 0o770, 0o702] {
        let (parent, path) = place();
        set_mode(parent.path(), mode);
        let error = Keyring::directory(&path, Period::Day, KEEP).unwrap_err();
        let words = "is writable by others, who could replace the keys; run chmod go-w";
        assert_eq!(error.to_string(), format!("cannot use key directory: {} {words}", parent.path().display()));
    }
    refused(
        |path| {
            fs::rename(path, path.with_extension("moved")).unwrap();
            symlink(path.with_extension("moved"), path).unwrap();
        },
        config,
        "cannot use key directory: KEYS is a symbolic link; name the directory itself",
    );
    refused(
        |path| {
            fs::remove_dir(path).unwrap();
            fs::write(path, "").unwrap();
        },
        config,
        "cannot use key directory: KEYS is not a directory; name another",
    );
    refused(
        |path| fs::remove_dir_all(path.parent().unwrap()).unwrap(),
        Kind::CannotCreate,
        "cannot create key directory KEYS: its parent is missing; create that first",
    );
    if rustix::process::geteuid().is_root() {
        refused(
            |path| std::os::unix::fs::chown(path, Some(65_534), None).unwrap(),
            config,
            "cannot use key directory: KEYS belongs to user 65534, not to user 0; run chown 0",
        );
    }
}

#[test]
fn a_sticky_parent_may_be_writable_by_others() {
    let (parent, path) = place();
    set_mode(parent.path(), 0o1777);
    bytes(&open(&path), today(), NOW);
}

#[test]
fn a_directory_that_changes_while_it_is_used_is_refused() {
    let (_parent, path) = place();
    let keys = open(&path);
    bytes(&keys, today(), NOW);
    set_mode(&path, 0o755);
    let error = keys.secret(Epoch(today().0 + 1), NOW).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot use key directory: {} is readable by others; run chmod 700", path.display())
    );
    // The epoch under way is finished with the secret that is held.
    bytes(&keys, today(), NOW);
    fs::remove_dir_all(&path).unwrap();
    let error = keys.secret(Epoch(today().0 + 1), NOW).unwrap_err();
    let words = "was removed while it was in use; start sladd again";
    assert_eq!(error.to_string(), format!("cannot use key directory: {} {words}", path.display()));
}

#[test]
fn nothing_shows_a_byte_of_a_secret() {
    let (_parent, path) = place();
    let keys = open(&path);
    let secret = bytes(&keys, today(), NOW);
    let shown = format!("{keys:?} {:?} {:#?}", keys.secret(today(), NOW).unwrap(), keys);
    for form in [format!("{secret:?}"), secret.iter().map(|byte| format!("{byte:02x}")).collect()] {
        assert!(!shown.contains(&form[1..form.len() - 1]));
    }
    assert!(shown.starts_with("Keyring { period: Day, keep: Keep { months: 0, days: 30 }, .. } Found(Secret(..))"));
}

fn wrap_file(parent: &tempfile::TempDir, name: &str, byte: u8) -> PathBuf {
    let path = parent.path().join(name);
    fs::write(&path, [byte; 32]).unwrap();
    set_mode(&path, 0o400);
    path
}

fn wrapped(path: &Path, file: &Path) -> Keyring {
    open(path).wrapped(Wrap::read(file).unwrap())
}

#[test]
fn a_wrapped_secret_is_read_with_its_file_alone_and_lies_nowhere_plainly() {
    let (parent, path) = place();
    let (file, other) = (wrap_file(&parent, "wrap", 1), wrap_file(&parent, "other", 2));
    let first = bytes(&wrapped(&path, &file), today(), NOW);
    assert_eq!(bytes(&wrapped(&path, &file), today(), NOW), first);
    let key = path.join("2026-11-21.key");
    let kept = fs::read(&key).unwrap();
    assert_eq!((kept.len(), mode(&key)), (80, 0o400));
    assert!(!kept.windows(8).any(|window| first.windows(8).any(|part| part == window)));
    let said = |keys: Keyring, epoch| keys.secret(epoch, NOW).unwrap_err().to_string();
    let start = format!("cannot use key `2026-11-21`: {} ", key.display());
    assert_eq!(
        said(wrapped(&path, &other), today()),
        format!(
            "{start}was wrapped with another file than that of `wrap`, or under another name; restore it or remove it"
        )
    );
    let is_wrapped = format!("{start}is wrapped; name the file that it is wrapped with: `wrap` in [keys]");
    assert_eq!(said(open(&path), today()), is_wrapped);
    assert_eq!(said(open(&path), Epoch(today().0 + 1)), is_wrapped, "nor is another made beside it that is not");
    // Under another name it is none.
    fs::rename(&key, path.join("2026-11-20.key")).unwrap();
    assert!(said(wrapped(&path, &file), Epoch(today().0 - 1)).contains("under another name"));
}

#[test]
fn keys_that_lie_plainly_are_refused_under_a_wrap_until_they_are_wrapped() {
    let (parent, path) = place();
    let (file, other) = (wrap_file(&parent, "wrap", 1), wrap_file(&parent, "other", 2));
    let plain = [today(), Epoch(today().0 - 1)].map(|epoch| bytes(&open(&path), epoch, NOW));
    let held = fs::File::open(path.join("2026-11-21.key")).unwrap();
    let words = "is not wrapped; run sladd key rotate --wrap --policy FILE";
    for epoch in [today(), Epoch(today().0 + 1)] {
        assert!(wrapped(&path, &file).secret(epoch, NOW).unwrap_err().to_string().ends_with(words));
    }
    assert_eq!(wrapped(&path, &file).wrap_all(None, NOW).unwrap(), 2);
    assert_eq!([today(), Epoch(today().0 - 1)].map(|epoch| bytes(&wrapped(&path, &file), epoch, NOW)), plain);
    assert_eq!(files(&path), ["2026-11-20.key", "2026-11-21.key"]);
    assert_eq!(fs::metadata(path.join("2026-11-21.key")).unwrap().mtime(), NOW.0, "it dies when it would have");
    // What the old file held is overwritten.
    let mut left = [1; 32];
    std::os::unix::fs::FileExt::read_exact_at(&held, &mut left, 0).unwrap();
    assert_eq!(left, [0; 32]);
    // Another file: with the old one beside it.
    assert!(wrapped(&path, &other).wrap_all(None, NOW).is_err());
    let old = Wrap::read(&file).unwrap();
    assert_eq!(wrapped(&path, &other).wrap_all(Some(&old), NOW).unwrap(), 2);
    assert_eq!(bytes(&wrapped(&path, &other), today(), NOW), plain[0]);
    assert_eq!(wrapped(&path, &other).wrap_all(Some(&old), NOW).unwrap(), 0);
    assert!(crate::audit::verify(&path, None).unwrap().is_whole());
}

#[test]
fn each_bad_file_to_wrap_with_is_refused_in_words() {
    let (parent, _) = place();
    let refused = |spoil: fn(&Path), words: &str| {
        let file = wrap_file(&parent, "wrap", 1);
        spoil(&file);
        let error = Wrap::read(&file).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("cannot wrap keys with {}: ", file.display())) && error.contains(words),
            "{error}"
        );
        let _ = fs::remove_file(&file);
        let _ = fs::remove_dir(&file);
    };
    refused(|file| set_mode(file, 0o404), "it is open to others; run chmod 400");
    refused(|file| rewrite(file, &[1; 31]), "it does not hold 32 bytes; restore it");
    refused(|file| rewrite(file, &[1; 33]), "it does not hold 32 bytes; restore it");
    refused(|file| rewrite(file, &[0; 32]), "it holds nothing but zeros; restore it");
    refused(|file| fs::remove_file(file).unwrap(), "No such file");
    refused(
        |file| {
            fs::rename(file, file.with_extension("moved")).unwrap();
            symlink(file.with_extension("moved"), file).unwrap();
        },
        "it is a symbolic link; name the file itself",
    );
    refused(
        |file| {
            fs::remove_file(file).unwrap();
            fs::create_dir(file).unwrap();
        },
        "it is not a regular file; name another",
    );
    if rustix::process::geteuid().is_root() {
        refused(|file| std::os::unix::fs::chown(file, Some(65_534), None).unwrap(), "or root; run chown 0");
        // As systemd hands a credential over.
        let file = wrap_file(&parent, "credential", 1);
        set_mode(&file, 0o440);
        assert!(Wrap::read(&file).is_ok());
    }
}

fn ratchet(path: &Path) -> Keyring {
    open(path).making(Making::Ratchet)
}

/// The directory of another host that has the keys of this one.
fn copy_of(path: &Path) -> (tempfile::TempDir, PathBuf) {
    let (parent, copy) = place();
    open(&copy);
    for name in files(path) {
        fs::copy(path.join(&name), copy.join(&name)).unwrap();
        let made = fs::metadata(path.join(&name)).unwrap().modified().unwrap();
        set_mode(&copy.join(&name), 0o600);
        fs::File::options().write(true).open(copy.join(&name)).unwrap().set_modified(made).unwrap();
        set_mode(&copy.join(&name), 0o400);
    }
    (parent, copy)
}

#[test]
fn hosts_that_shared_a_key_agree_for_ever_and_one_that_was_down_catches_up() {
    let (_one, one) = place();
    assert!(ratchet(&one).secret(today(), NOW).unwrap_err().to_string().contains("begin with sladd key new"));
    assert_eq!(ratchet(&one).make(today(), NOW, "user 0").unwrap(), Some(true));
    let (_two, two) = copy_of(&one);
    let first = bytes(&ratchet(&one), today(), NOW);
    assert_eq!(bytes(&ratchet(&two), today(), NOW), first);
    for day in 1..=100 {
        let (epoch, now) = (Epoch(today().0 + day), Timestamp(NOW.0 + day * DAY));
        bytes(&ratchet(&one), epoch, now);
    }
    // The other one was down all the time.
    let (epoch, now) = (Epoch(today().0 + 100), Timestamp(NOW.0 + 100 * DAY));
    assert_eq!(bytes(&ratchet(&two), epoch, now), bytes(&ratchet(&one), epoch, now));
    // Both have what is not due, and nothing older.
    assert_eq!(files(&two).iter().filter(|name| name.ends_with(".key")).collect::<Vec<_>>().len(), 31);
    let keys = |path: &Path| files(path).into_iter().filter(|name| name.ends_with(".key")).collect::<Vec<_>>();
    assert_eq!(keys(&one), keys(&two));
    for back in [1, 15, 30] {
        let epoch = Epoch(epoch.0 - back);
        assert_eq!(bytes(&ratchet(&two), epoch, now), bytes(&ratchet(&one), epoch, now));
    }
    for gone in [31, 99, 100, 5_000] {
        assert!(is_destroyed(&ratchet(&two), Epoch(epoch.0 - gone), now), "{gone}");
    }
}

#[test]
fn a_ratchet_does_not_run_ahead_of_the_clock_nor_stop_without_a_key() {
    let (_parent, path) = place();
    ratchet(&path).make(today(), NOW, "user 0").unwrap();
    let keys = ratchet(&path);
    bytes(&keys, Epoch(today().0 + 1), NOW);
    for forged in [2, 3, 1_000_000, i64::MAX - today().0] {
        assert!(matches!(keys.secret(Epoch(today().0 + forged), NOW).unwrap(), Lookup::OutOfReach));
    }
    assert!(keys.make(Epoch(today().0 + 2), NOW, "user 0").is_err());
    assert_eq!(files(&path), ["2026-11-21.key", "2026-11-22.key"]);
    // Expiry makes the present one before it destroys the last.
    let later = Timestamp(NOW.0 + 60 * DAY);
    assert_eq!(keys.expire(later).unwrap(), 2);
    assert!(files(&path).contains(&"2027-01-20.key".to_owned()));
    // None is destroyed by hand that could be reckoned again.
    let error = keys.destroy(Period::Day.epoch(later), later).unwrap_err().to_string();
    assert!(error.contains("it could be reckoned again from key `20"), "{error}");
}

#[test]
fn exported_keys_are_taken_over_as_they_are_and_never_over_others() {
    let ((_one, one), (_two, two)) = (place(), place());
    let first = bytes(&open(&one), today(), NOW);
    let names = ["2026-11-21".to_owned()];
    let text = open(&one).export(&names, NOW, "age1x").unwrap();
    let later = Timestamp(NOW.0 + 5 * DAY);
    assert_eq!(open(&two).import(&text, later).unwrap(), [(names[0].clone(), Import::Taken)]);
    assert_eq!(bytes(&open(&two), today(), later), first);
    assert_eq!(fs::metadata(two.join("2026-11-21.key")).unwrap().mtime(), NOW.0, "it dies when it does there");
    assert_eq!(open(&two).import(&text, later).unwrap(), [(names[0].clone(), Import::There)]);
    open(&two).destroy(today(), later).unwrap();
    assert_eq!(open(&two).import(&text, later).unwrap(), [(names[0].clone(), Import::Destroyed)]);
    let (_three, three) = place();
    let own = bytes(&open(&three), today(), NOW);
    assert!(
        open(&three).import(&text, NOW).unwrap_err().to_string().ends_with("destroy it first, or leave it as it is")
    );
    assert_eq!(bytes(&open(&three), today(), NOW), own);
    for wrong in ["", "sladd keys 1", "sladd keys 1\nx", "sladd keys 1\n2026-11-21 1 00\n"] {
        assert_eq!(open(&three).import(wrong, NOW).unwrap_err().kind(), Kind::Data, "{wrong}");
    }
    assert!(open(&one).export(&["2026-11-20".to_owned()], NOW, "age1x").is_err());
}

thread_local! {
    static UPTIME: std::cell::Cell<i64> = const { std::cell::Cell::new(0) };
}

fn watched(path: &Path) -> Keyring {
    let later = |uptime: Uptime| Uptime { seconds: UPTIME.get(), ..uptime };
    open(path).watching(Uptime { boot: 1, seconds: UPTIME.get() }, later)
}

/// Both clocks go on.
fn pass(now: Timestamp, seconds: i64) -> Timestamp {
    UPTIME.set(UPTIME.get() + seconds);
    Timestamp(now.0 + seconds)
}

#[test]
fn a_clock_that_jumps_destroys_nothing_and_revives_nothing_until_it_is_believed() {
    for by_hand in [true, false] {
        let (_parent, path) = place();
        let first = bytes(&watched(&path), today(), NOW);
        let keys = watched(&path);
        let forward = Timestamp(NOW.0 + 3_650 * DAY);
        assert!(
            keys.tend(forward)
                .unwrap_err()
                .to_string()
                .starts_with("the clock jumped by more than a day: no key is destroyed")
        );
        assert!(keys.is_paused());
        assert_eq!(keys.expire(forward).unwrap(), 0);
        // What is due by that clock is given to nobody.
        assert!(is_destroyed(&keys, today(), forward));
        assert_eq!(files(&path)[0], "2026-11-21.key");
        // Back again it is there, and nothing was lost.
        let back = pass(NOW, 60);
        let _ = keys.tend(back);
        assert_eq!(bytes(&watched(&path), today(), back), first);
        assert!(keys.is_paused(), "a day has to pass");
        // In the end a clock that goes on is believed, and does what it has to.
        let on = pass(back, 31 * DAY + DAY);
        match by_hand {
            true => assert!(keys.believe(on, "user 0").unwrap()),
            false => assert!(keys.tend(on).is_ok()),
        }
        assert_eq!(usize::from(by_hand), keys.expire(on).unwrap());
        assert_eq!(files(&path), ["2026-11-21.tomb"]);
        let log = fs::read_to_string(path.join("audit.log")).unwrap();
        assert!(is_destroyed(&keys, today(), NOW), "it is never revived");
        assert_eq!(log.matches("clock_jumped").count(), 2);
        assert!(log.contains("\"by\":\"+315360000 seconds\"") && log.contains("clock_believed"));
        assert!(crate::audit::verify(&path, None).unwrap().is_whole());
    }
}
