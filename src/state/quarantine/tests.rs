#![allow(clippy::unwrap_used)]
use super::*;
use crate::{
    error::Kind,
    key::random,
    seal::{Identity, RawLines},
    time::{DAY, Timestamp},
};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::PathBuf,
    sync::Arc,
};

const NOW: Timestamp = Timestamp(1_795_355_100);

struct Rig {
    directory: tempfile::TempDir,
    identity: Identity,
    limit_bytes: u64,
}

impl Rig {
    fn new() -> Rig {
        let identity = Identity::new(random).unwrap();
        Rig { directory: tempfile::tempdir().unwrap(), identity, limit_bytes: 1 << 20 }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("quarantine")
    }

    fn room(&self, now: Timestamp) -> Arc<Room> {
        let terms = Terms { recipients: vec![self.identity.recipient()], limit_bytes: self.limit_bytes, keep_days: 7 };
        Arc::new(Room::open(&self.path(), terms, now).unwrap())
    }

    /// All files by name, opened; whoever has no identity finds none of the lines in them.
    fn files(&self) -> BTreeMap<String, String> {
        let files = fs::read_dir(self.path()).unwrap().map(|file| file.unwrap());
        let open = |file: fs::DirEntry| {
            let sealed = fs::read(file.path()).unwrap();
            assert!(memchr::memmem::find(&sealed, b"line ").is_none());
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
            let opened = self.identity.open(&sealed).unwrap();
            (file.file_name().into_string().unwrap(), String::from_utf8(opened.to_vec()).unwrap())
        };
        files.map(open).collect()
    }

    fn texts(&self) -> Vec<String> {
        self.files().into_values().collect()
    }
}

fn lines(words: &[&str]) -> RawLines {
    let mut lines = RawLines::default();
    words.iter().for_each(|word| lines.push(format!("line {word}").as_bytes(), b"\n"));
    lines
}

fn later(seconds: i64) -> Timestamp {
    Timestamp(NOW.0 + seconds)
}

#[test]
fn lines_are_gathered_in_one_file_that_grows_and_then_in_another() {
    let rig = Rig::new();
    let room = rig.room(NOW);
    let mut writer = Writer::new(room.clone(), WriterId::new().unwrap(), None);
    writer.tend(NOW);
    assert!(writer.deposit(0, Gather::GoesOn, NOW).unwrap().is_none() && rig.files().is_empty());
    assert_eq!(writer.take(&mut lines(&["a"]), NOW), 0);
    assert!(matches!(writer.flush(Gather::GoesOn, NOW).unwrap(), Flushed::File(_)));
    assert_eq!(rig.texts(), ["line a\n"]);
    assert_eq!(writer.flush(Gather::GoesOn, later(1)).unwrap(), Flushed::Nothing);
    assert_eq!(writer.take(&mut lines(&["b", "c"]), later(30)), 0);
    writer.flush(Gather::GoesOn, later(30)).unwrap();
    assert_eq!(rig.texts(), ["line a\nline b\nline c\n"]);
    // After a minute what is there is left alone, and wiped from memory.
    writer.tend(later(61));
    assert_eq!((writer.unwritten(), writer.is_dirty()), (0, false));
    writer.take(&mut lines(&["d"]), later(61));
    writer.flush(Gather::Ends, later(61)).unwrap();
    assert_eq!(rig.texts(), ["line a\nline b\nline c\n", "line d\n"]);
    let sizes: u64 = fs::read_dir(rig.path()).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert!(room.figures().files == 2 && (sizes..sizes + 200).contains(&room.figures().bytes));
}

#[test]
fn gathers_that_begin_at_the_same_time_are_told_apart() {
    let rig = Rig::new();
    let mut writer = Writer::new(rig.room(NOW), WriterId::new().unwrap(), None);
    for word in ["a", "b", "c"] {
        writer.take(&mut lines(&[word]), NOW);
        writer.flush(Gather::Ends, NOW).unwrap();
    }
    assert_eq!(rig.texts(), ["line a\n", "line b\n", "line c\n"]);
    let id = rig.files().into_keys().next_back().unwrap().parse::<Name>().unwrap().writer;
    let last = rig.room(NOW).settle(id, NOW).unwrap().unwrap();
    assert_eq!((last.number, rig.files().len()), (2, 3));
}

#[test]
fn a_kill_between_a_file_and_the_one_before_it_leaves_one() {
    let rig = Rig::new();
    let room = rig.room(NOW);
    let id = WriterId::new().unwrap();
    let mut writer = Writer::new(room.clone(), id, None);
    writer.take(&mut lines(&["a"]), NOW);
    writer.deposit(7, Gather::GoesOn, NOW).unwrap().unwrap().make(|_| false).unwrap();
    let (first, bytes) = {
        let name = rig.files().into_keys().next().unwrap();
        (name.clone(), fs::read(rig.path().join(&name)).unwrap())
    };
    writer.take(&mut lines(&["b"]), later(1));
    writer.deposit(9, Gather::GoesOn, later(1)).unwrap().unwrap().make(|_| false).unwrap();
    fs::write(rig.path().join(&first), bytes).unwrap();
    fs::set_permissions(rig.path().join(&first), fs::Permissions::from_mode(0o640)).unwrap();
    fs::write(rig.path().join(format!(".{first}.new")), b"half").unwrap();
    let another = Name { began: NOW, writer: WriterId::of(&[1; 32]), number: 3 };
    fs::copy(rig.path().join(&first), rig.path().join(another.to_string())).unwrap();
    let last = rig.room(NOW).settle(id, NOW).unwrap().unwrap();
    assert_eq!(last.number, 9);
    let mut texts = rig.texts();
    texts.sort();
    assert_eq!(texts, ["line a\n", "line a\nline b\n"], "another writer's stays");
}

#[test]
fn nothing_lives_longer_than_its_days_whatever_the_clock_said_when_it_was_named() {
    let rig = Rig::new();
    let mut writer = Writer::new(rig.room(NOW), WriterId::new().unwrap(), None);
    for day in 0..30 {
        let now = later(day * DAY);
        writer.take(&mut lines(&[&day.to_string()]), now);
        writer.flush(Gather::Ends, now).unwrap();
        assert_eq!(writer.room().tend(now).unwrap(), None);
        let oldest = (day - 6).max(0);
        let kept: Vec<String> = (oldest..=day).map(|day| format!("line {day}\n")).collect();
        assert_eq!(rig.texts(), kept, "day {day}");
    }
    // A clock that was years ahead names a file that would outlive everybody.
    let ahead = later(4_000 * DAY);
    let mut other = Writer::new(rig.room(later(29 * DAY)), WriterId::new().unwrap(), None);
    other.take(&mut lines(&["ahead"]), ahead);
    other.flush(Gather::Ends, ahead).unwrap();
    rig.room(later(30 * DAY));
    assert!(rig.texts().contains(&"line ahead\n".to_owned()));
    rig.room(later(37 * DAY));
    assert_eq!(rig.texts(), Vec::<String>::new());
}

#[test]
fn a_sweep_says_what_is_due_and_touches_what_is_its_own() {
    let rig = Rig::new();
    let mut writer = Writer::new(rig.room(NOW), WriterId::new().unwrap(), None);
    writer.take(&mut lines(&["a"]), NOW);
    writer.flush(Gather::Ends, NOW).unwrap();
    fs::write(rig.path().join("notes.txt"), "mine").unwrap();
    let place = crate::state::place::Place::open(&rig.path()).unwrap();
    let found = sweep(&place, 7, later(7 * DAY), Deed::Find).unwrap();
    assert_eq!((found.due.len(), found.kept), (1, Figures::default()));
    let kept = sweep(&place, 7, later(7 * DAY - 1), Deed::Delete).unwrap();
    assert_eq!((kept.due.len(), kept.kept.files), (0, 1));
    let done = sweep(&place, 7, later(7 * DAY), Deed::Delete).unwrap();
    assert_eq!(done.due[0].why_not, None);
    let left: Vec<_> = fs::read_dir(rig.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["notes.txt"]);
}

#[test]
fn no_more_is_kept_than_there_is_room_for_and_that_is_told_once() {
    let rig = Rig { limit_bytes: 1 << 20, ..Rig::new() };
    let room = rig.room(NOW);
    let mut writer = Writer::new(room.clone(), WriterId::new().unwrap(), None);
    let mut refused = 0;
    for i in 0..40 {
        let mut many = RawLines::default();
        (0..1_000).for_each(|_| many.push(&[b'x'; 99], b"\n"));
        refused += writer.take(&mut many, later(i));
        assert!(many.is_empty());
        writer.flush(Gather::GoesOn, later(i)).unwrap();
        let on_disk: u64 = fs::read_dir(rig.path()).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
        assert!(on_disk <= 1 << 20, "{on_disk}");
    }
    let kept: usize = rig.texts().iter().map(|text| text.lines().count()).sum();
    assert_eq!((kept + refused as usize, kept), (40_000, 10_000));
    assert!(room.take_full().unwrap().contains("is full (at most 1 MiB in 16384 files)"));
    assert_eq!(room.take_full(), None);
    // What is due makes room, and a quarantine that fills up again is told again.
    assert_eq!(room.tend(later(8 * DAY)).unwrap(), None);
    assert_eq!(writer.take(&mut lines(&["again"]), later(8 * DAY)), 0);
    assert!(room.take_full().is_some());
}

#[test]
fn what_bulk_makes_again_replaces_what_it_made_before() {
    let rig = Rig::new();
    let (id, other) = (WriterId::of(&[1; 32]), WriterId::of(&[2; 32]));
    let write = |id, now, pieces: &[&str]| {
        let mut writer = Writer::new(rig.room(now), id, None);
        let file = |piece: &&str| {
            writer.take(&mut lines(&[piece]), now);
            match writer.flush(Gather::Ends, now).unwrap() {
                Flushed::File(name) => name,
                other => panic!("{other:?}"),
            }
        };
        let names: Vec<Name> = pieces.iter().map(file).collect();
        (writer, names)
    };
    let _ = write(other, NOW, &["of another file"]);
    // A run that was killed, in the second in which the next began, had cut its pieces elsewhere.
    let _ = write(id, NOW, &["a", "b", "c", "d"]);
    let (writer, names) = write(id, NOW, &["a and b", "c and d"]);
    // And what it was killed at has no name yet.
    let half_made = |of: WriterId| {
        let path = rig.path().join(format!(".{}.new", Name { began: NOW, writer: of, number: 7 }));
        fs::write(&path, b"age").unwrap();
        path
    };
    let (own, anothers) = (half_made(id), half_made(WriterId::of(&[9; 32])));
    writer.keep_only(&names).unwrap();
    assert!(!own.exists() && anothers.exists());
    fs::remove_file(anothers).unwrap();
    assert_eq!(rig.texts(), ["line a and b\n", "line of another file\n", "line c and d\n"]);
}

#[test]
fn a_directory_that_is_none_or_that_others_may_write_in_is_refused() {
    let rig = Rig::new();
    let open = || {
        let terms = Terms { recipients: vec![rig.identity.recipient()], limit_bytes: 1 << 20, keep_days: 7 };
        Room::open(&rig.path(), terms, NOW).map(drop).map_err(|error| error.kind())
    };
    fs::write(rig.path(), b"a file").unwrap();
    assert_eq!(open(), Err(Kind::CannotCreate));
    fs::remove_file(rig.path()).unwrap();
    symlink(rig.directory.path(), rig.path()).unwrap();
    assert_eq!(open(), Err(Kind::CannotCreate));
    fs::remove_file(rig.path()).unwrap();
    fs::create_dir(rig.path()).unwrap();
    fs::set_permissions(rig.path(), fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(open(), Err(Kind::Permission));
    fs::set_permissions(rig.path(), fs::Permissions::from_mode(0o750)).unwrap();
    assert_eq!(open(), Ok(()));
}

#[test]
fn a_directory_that_is_gone_is_an_error_and_nothing_is_written_elsewhere() {
    let rig = Rig::new();
    let mut writer = Writer::new(rig.room(NOW), WriterId::new().unwrap(), None);
    fs::remove_dir(rig.path()).unwrap();
    writer.take(&mut lines(&["a"]), NOW);
    let error = writer.flush(Gather::GoesOn, NOW).unwrap_err();
    assert_eq!(error.kind(), Kind::Io);
    assert!(error.to_string().starts_with("cannot write in the quarantine `"), "{error}");
    assert!(!rig.path().exists());
}
