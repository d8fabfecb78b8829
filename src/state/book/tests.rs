use super::*;
use crate::{
    error::Kind,
    output::segment::{Committed, Identity},
    state::{home::Boot, journal::Part},
    time::Timestamp,
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// The files of a state, by name.
type Files = BTreeMap<String, Vec<u8>>;

const HERE: Boot = Boot([7; 16]);
const LATER: Boot = Boot([8; 16]);

type Read = Opened<u64, String>;

fn identity(inode: u64) -> Identity {
    Identity { device: 1, inode, born: (1_795_255_200, 5) }
}

/// The sources' one position is the number of the record that comes next.
fn checkpoint(position: u64, policy: u8) -> Checkpoint<u64> {
    let output = Committed::recorded(PathBuf::from("/out/a b"), identity(9), position * 10, Timestamp(5));
    Checkpoint { sources: vec![position], outputs: vec![output], policy: Digest([policy; 32]) }
}

fn record(number: u64) -> Record<String> {
    let part = Part { output: 0, segment: identity(9), before: number * 10, bytes: 10 };
    let policy = Digest([(number / 4) as u8; 32]);
    let (from, to) = (number * 100, number * 100 + 100);
    Record { source: "/in/log".to_owned(), from, to, reference: Timestamp(-3), policy, parts: vec![part] }
}

fn open(path: &Path, boot: Boot) -> Result<Read, Error> {
    Read::read(Home::open(path, boot)?)
}

/// The position that a state leads to; records must follow each other.
fn position(read: &Read) -> u64 {
    let Some(left) = read.left() else { return 0 };
    let mut position = left.checkpoint.sources[0];
    for found in &left.records {
        assert_eq!(*found, record(position), "a record that does not follow");
        position += 1;
    }
    position
}

/// A state after so many records with a checkpoint after each fifth.
fn written(path: &Path, records: u64) {
    let mut book = open(path, HERE).unwrap().begin(&checkpoint(0, 0), "policy 0").unwrap();
    for number in 0..records {
        if number % 4 == 0 {
            book.keep_policy(record(number).policy, "policy").unwrap();
        }
        book.append(&record(number)).unwrap();
        if number % 5 == 4 {
            book.checkpoint(&checkpoint(number + 1, (number / 4) as u8)).unwrap();
        }
    }
}

fn files(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(path).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

fn restore(path: &Path, files: &BTreeMap<String, Vec<u8>>) {
    use std::os::unix::fs::PermissionsExt;
    for entry in fs::read_dir(path).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file()) {
        fs::remove_file(entry.path()).unwrap();
    }
    for (name, bytes) in files {
        fs::write(path.join(name), bytes).unwrap();
        let mode = if name == "key" { 0o400 } else { 0o640 };
        fs::set_permissions(path.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
}

#[test]
fn what_was_written_is_read_and_only_what_is_needed_stays() {
    let room = tempfile::tempdir().unwrap();
    assert!(open(room.path(), HERE).unwrap().left().is_none());
    for records in 0..23 {
        let room = tempfile::tempdir().unwrap();
        written(room.path(), records);
        let read = open(room.path(), HERE).unwrap();
        assert_eq!(position(&read), records);
        let left = read.left().unwrap();
        assert!(!left.fell_back && !left.restarted);
        assert_eq!(left.checkpoint, checkpoint(records / 5 * 5, left.checkpoint.policy.0[0]));
        let journals = journals(read.home()).unwrap();
        assert!(journals.len() <= 2, "{journals:?}");
        for record in &left.records {
            assert!(read.home().kept_policy(&record.policy).unwrap().is_some());
        }
        if records == 22 {
            assert!(read.home().kept_policy(&Digest([1; 32])).unwrap().is_none(), "nothing names it any more");
        }
    }
}

#[test]
fn a_record_that_was_not_written_to_its_end_was_not_followed_by_its_output() {
    let room = tempfile::tempdir().unwrap();
    written(room.path(), 8);
    let whole = files(room.path());
    let journal = &whole["journal.2"];
    for length in HEADER_BYTES..=journal.len() {
        let mut cut = whole.clone();
        cut.get_mut("journal.2").unwrap().truncate(length);
        restore(room.path(), &cut);
        let read = open(room.path(), HERE).unwrap();
        let found = position(&read);
        assert!((5..=8).contains(&found));
        // It goes on from there, and back over both journals.
        let mut book = read.begin(&checkpoint(found, 0), "policy").unwrap();
        book.append(&record(found)).unwrap();
        drop(book);
        assert_eq!(position(&open(room.path(), HERE).unwrap()), found + 1);
        fs::write(room.path().join("checkpoint.1"), "").unwrap();
        let read = open(room.path(), HERE).unwrap();
        assert_eq!(position(&read), found + 1);
        assert!(read.left().unwrap().fell_back);
    }
}

/// Each file emptied, taken away, cut, with each bit turned in a sample, swapped, or taken from an earlier state.
fn mutations(now: &BTreeMap<String, Vec<u8>>, before: &[BTreeMap<String, Vec<u8>>]) -> Vec<BTreeMap<String, Vec<u8>>> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Files)| {
        let mut changed = now.clone();
        change(&mut changed);
        all.push(changed);
    };
    for (name, bytes) in now {
        with(&|files| files.get_mut(name).unwrap().clear());
        with(&|files| drop(files.remove(name)));
        for length in 0..bytes.len() {
            with(&|files| files.get_mut(name).unwrap().truncate(length));
        }
        for at in 0..bytes.len() {
            with(&|files| files.get_mut(name).unwrap()[at] ^= 1 << (at % 8));
        }
        for at in (0..bytes.len()).step_by(97) {
            with(&|files| files.get_mut(name).unwrap()[at..].fill(0));
        }
        for older in before {
            if let Some(older) = older.get(name) {
                with(&|files| *files.get_mut(name).unwrap() = older.clone());
            }
        }
        for other in now.keys() {
            with(&|files| {
                let (a, b) = (files[name].clone(), files[other].clone());
                files.insert(name.clone(), b);
                files.insert(other.clone(), a);
            });
        }
    }
    all
}

#[test]
fn a_damaged_state_leads_to_the_exact_state_or_to_a_clean_stop() {
    let room = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    written(other.path(), 13);
    for records in [3, 7, 13] {
        let mut before = vec![files(other.path())];
        for earlier in [records - 1, records - 2, records / 2] {
            let room = tempfile::tempdir().unwrap();
            written(room.path(), 0);
            // The same key, and the same state earlier.
            restore(room.path(), &BTreeMap::from([("key".to_owned(), vec![3; 32])]));
            written(room.path(), earlier);
            before.push(files(room.path()));
        }
        restore(room.path(), &BTreeMap::from([("key".to_owned(), vec![3; 32])]));
        written(room.path(), records);
        let now = files(room.path());
        let last = now.keys().filter(|name| name.starts_with("journal.")).max().unwrap().clone();
        let (mut exact, mut earlier, mut stopped) = (0, 0, 0);
        for (number, changed) in mutations(&now, &before).into_iter().enumerate() {
            restore(room.path(), &changed);
            match open(room.path(), HERE) {
                Ok(read) if position(&read) == records && read.left().is_some() => exact += 1,
                Ok(read) => {
                    // A journal that was cut, or put back, is one of before: what stands behind it is made again.
                    let found = position(&read);
                    let short = changed[&last].len() < now[&last].len() && now[&last].starts_with(&changed[&last]);
                    assert!(short && found < records && found >= records / 5 * 5, "mutation {number} of {records}");
                    earlier += 1;
                }
                Err(error) => {
                    assert!(matches!(error.kind(), Kind::Data), "mutation {number}: {error}");
                    stopped += 1;
                }
            }
        }
        // Before the second checkpoint there is none to fall back to.
        let fewest = if records < 5 { 10 } else { 300 };
        assert!(exact > fewest && stopped > 300 && earlier > 30, "{exact} {earlier} {stopped}");
    }
}

/// As `written`, with each checkpoint made aside: durable so many records after it was begun.
fn written_aside(path: &Path, records: u64, late: u64) {
    let mut book = open(path, HERE).unwrap().begin(&checkpoint(0, 0), "policy 0").unwrap();
    let mut aside: Option<(u64, Aside)> = None;
    for number in 0..records {
        if let Some((_, aside)) = aside.take_if(|(due, _)| *due == number) {
            book.end_aside(aside.make(|_| false)).unwrap();
        }
        if number % 4 == 0 {
            book.keep_policy(record(number).policy, "policy").unwrap();
        }
        book.append(&record(number)).unwrap();
        if number % 5 == 4 {
            aside = Some((number + late, book.begin_aside(&checkpoint(number + 1, (number / 4) as u8)).unwrap()));
        }
    }
}

#[test]
fn a_checkpoint_that_is_made_aside_may_be_missing_at_any_moment() {
    for records in 0..23 {
        for late in 1..=4 {
            let room = tempfile::tempdir().unwrap();
            written_aside(room.path(), records, late);
            let read = open(room.path(), HERE).unwrap();
            assert_eq!(position(&read), records, "{late}");
            let left = read.left().unwrap();
            assert!(!left.fell_back && !left.restarted);
            for record in &left.records {
                assert!(read.home().kept_policy(&record.policy).unwrap().is_some());
            }
            let mut book = read.begin(&checkpoint(records, 9), "policy").unwrap();
            book.append(&record(records)).unwrap();
            drop(book);
            assert_eq!(position(&open(room.path(), HERE).unwrap()), records + 1);
        }
    }
}

#[test]
fn after_a_loss_of_power_with_a_checkpoint_under_way_the_state_is_one_that_was() {
    let room = tempfile::tempdir().unwrap();
    // Checkpoint 3 was begun after ten records, and is not there; both journals follow checkpoint 2.
    written_aside(room.path(), 13, 4);
    let now = files(room.path());
    let (old, new) = (&now["journal.2"], &now["journal.3"]);
    for length in (0..=old.len()).chain([old.len(); 2]) {
        for (rest, later) in [(None, None), (Some(0), Some(new.len())), (None, Some(new.len() / 2)), (Some(7), Some(0))]
        {
            let mut changed = now.clone();
            let bytes = changed.get_mut("journal.2").unwrap();
            match rest {
                None => bytes.truncate(length),
                Some(byte) => bytes[length..].fill(byte),
            }
            match later {
                None => drop(changed.remove("journal.3")),
                Some(length) => changed.get_mut("journal.3").unwrap().truncate(length),
            }
            restore(room.path(), &changed);
            let read = open(room.path(), LATER).unwrap();
            let found = position(&read);
            assert!((5..=13).contains(&found) && read.left().unwrap().restarted);
            let mut book = read.begin(&checkpoint(found, 0), "policy").unwrap();
            book.append(&record(found)).unwrap();
            drop(book);
            assert_eq!(position(&open(room.path(), LATER).unwrap()), found + 1);
        }
    }
}

#[test]
fn a_checkpoint_that_fails_aside_ends_the_run_and_loses_nothing() {
    let room = tempfile::tempdir().unwrap();
    let mut book = open(room.path(), HERE).unwrap().begin(&checkpoint(0, 0), "policy 0").unwrap();
    book.append(&record(0)).unwrap();
    let aside = book.begin_aside(&checkpoint(1, 0)).unwrap();
    book.append(&record(1)).unwrap();
    assert!(book.checkpoint(&checkpoint(2, 0)).is_err(), "one at a time");
    assert!(book.begin_aside(&checkpoint(2, 0)).is_err(), "one at a time");
    // A directory stands where it is to be made.
    fs::create_dir(room.path().join("new")).unwrap();
    fs::write(room.path().join("new/file"), "").unwrap();
    let mut tried = 0;
    let done = aside.make(|_| {
        tried += 1;
        tried < 3
    });
    assert!(tried == 3 && book.end_aside(done).is_err() && book.is_failed());
    assert!(book.append(&record(2)).is_err());
    drop(book);
    fs::remove_dir_all(room.path().join("new")).unwrap();
    assert_eq!(position(&open(room.path(), HERE).unwrap()), 2);
}

#[test]
fn after_a_loss_of_power_the_state_is_one_that_was() {
    let room = tempfile::tempdir().unwrap();
    written(room.path(), 13);
    let now = files(room.path());
    let journal = &now["journal.3"];
    for length in 0..=journal.len() {
        for rest in [None, Some(0), Some(0xa5)] {
            let mut changed = now.clone();
            let bytes = changed.get_mut("journal.3").unwrap();
            match rest {
                None => bytes.truncate(length),
                Some(byte) => bytes[length..].fill(byte),
            }
            restore(room.path(), &changed);
            let read = open(room.path(), LATER).unwrap();
            let found = position(&read);
            assert!((10..=13).contains(&found) && read.left().unwrap().restarted);
            let mut book = read.begin(&checkpoint(found, 0), "policy").unwrap();
            book.append(&record(found)).unwrap();
            drop(book);
            assert_eq!(position(&open(room.path(), LATER).unwrap()), found + 1);
        }
    }
    let mut changed = now.clone();
    changed.remove("journal.3");
    restore(room.path(), &changed);
    assert_eq!(position(&open(room.path(), LATER).unwrap()), 10);
    assert!(open(room.path(), HERE).is_err());
}

#[test]
fn a_stop_names_the_files_and_the_remedy() {
    let room = tempfile::tempdir().unwrap();
    written(room.path(), 7);
    fs::write(room.path().join("checkpoint.0"), "").unwrap();
    fs::remove_file(room.path().join("checkpoint.1")).unwrap();
    let error = open(room.path(), HERE).unwrap_err();
    assert_eq!(error.kind(), Kind::Data);
    assert_eq!(
        error.to_string(),
        format!(
            "cannot go on from the state in `{}`: `checkpoint.0` is damaged, `checkpoint.1` is missing; restore it, or move \
             the directory away to start afresh: every file is then read as on a first start, and the last lines of the \
             outputs may stand twice",
            room.path().display()
        )
    );
}

#[test]
fn a_journal_that_cannot_be_written_says_nothing_and_leaves_no_half_entry() {
    let room = tempfile::tempdir().unwrap();
    let mut book = open(room.path(), HERE).unwrap().begin(&checkpoint(0, 0), "policy").unwrap();
    book.append(&record(0)).unwrap();
    let full = rustix::fs::open("/dev/full", OFlags::WRONLY, Mode::empty()).unwrap();
    let journal = std::mem::replace(&mut book.journal, full);
    assert_eq!(book.append(&record(1)).unwrap_err().kind(), Kind::Io);
    // A device cannot be cut back, so that nobody can say.
    assert!(book.is_failed());
    (book.journal, book.failed) = (journal, false);
    book.append(&record(1)).unwrap();
    drop(book);
    let read: Read = open(room.path(), HERE).unwrap();
    assert_eq!(read.left().unwrap().records, [record(0), record(1)]);
    assert_eq!(position(&read), 2);
}

#[test]
fn a_checkpoint_that_cannot_be_written_leaves_the_journal_going_on() {
    // Before anything is said of it, and when all is said but its name.
    for obstacle in ["new", "checkpoint.0"] {
        let room = tempfile::tempdir().unwrap();
        let mut book = open(room.path(), HERE).unwrap().begin(&checkpoint(0, 0), "policy").unwrap();
        book.append(&record(0)).unwrap();
        fs::create_dir(room.path().join(obstacle)).unwrap();
        assert_eq!(book.checkpoint(&checkpoint(1, 0)).unwrap_err().kind(), Kind::Io, "{obstacle}");
        assert!(!book.is_failed());
        book.append(&record(1)).unwrap();
        fs::remove_dir(room.path().join(obstacle)).unwrap();
        drop(book);
        let before = files(room.path());
        assert_eq!(position(&open(room.path(), HERE).unwrap()), 2);
        let mut book = open(room.path(), HERE).unwrap().begin(&checkpoint(2, 0), "policy").unwrap();
        book.append(&record(2)).unwrap();
        drop(book);
        assert_eq!(position(&open(room.path(), HERE).unwrap()), 3);
        assert_eq!(before.contains_key("journal.2"), obstacle != "new");
    }
}

#[test]
fn of_many_that_begin_at_once_one_works_with_a_state() {
    let room = tempfile::tempdir().unwrap();
    for _ in 0..100 {
        let homes: Vec<_> = std::thread::scope(|scope| {
            let begin = || scope.spawn(|| Home::open(room.path(), HERE));
            [begin(), begin(), begin()].map(|thread| thread.join().unwrap()).into_iter().collect()
        });
        assert_eq!(homes.iter().filter(|home| home.is_ok()).count(), 1);
    }
}

#[test]
fn a_journal_grows_until_a_checkpoint_is_due_and_no_further_than_its_limit() {
    let room = tempfile::tempdir().unwrap();
    let mut book = open(room.path(), HERE).unwrap().begin(&checkpoint(0, 0), "policy").unwrap();
    let mut long = record(0);
    long.source = "x".repeat(1_000_000);
    let mut appended = 0;
    while book.append(&long).is_ok() {
        appended += 1;
        assert_eq!(book.is_due(), appended >= 5);
    }
    assert_eq!(appended, 16);
    book.checkpoint(&checkpoint(0, 0)).unwrap();
    book.append(&long).unwrap();
    drop(book);
    assert!(fs::metadata(room.path().join("journal.1")).unwrap().len() < MAX_BYTES);
}
