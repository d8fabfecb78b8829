#![allow(clippy::unwrap_used)]
use super::*;
use crate::{encode::ParcelHead, key::Wrap, output::segment::Identity};
use proptest::prelude::*;
use std::{cell::Cell, fs, time::Duration};

const NOW: Timestamp = Timestamp(1_795_000_000);
const AT_ONCE: Duration = Duration::ZERO;

struct Both {
    room: tempfile::TempDir,
    spool: Spool,
    reader: Reader,
}

thread_local! {
    /// Whether what waits in this test lies hidden.
    static HIDES: Cell<bool> = const { Cell::new(false) };
}

/// The same once more where what waits lies hidden.
macro_rules! hidden_too {
    ($($name:ident)*) => {
        mod hidden {
            $(
                #[test]
                fn $name() {
                    super::HIDES.set(true);
                    super::$name();
                }
            )*
        }
    };
}

hidden_too! {
    a_receiver_gets_what_a_checkpoint_speaks_of_and_nothing_else
    a_parcel_that_is_larger_than_what_was_asked_for_comes_alone
    what_was_acknowledged_is_not_sent_again_after_a_crash_and_its_file_goes
    a_damaged_note_sends_all_once_more
    files_follow_each_other_and_none_is_left_when_all_is_acknowledged
    a_reader_that_waits_is_woken_by_the_checkpoint
    a_torn_note_leaves_the_one_before
    where_the_file_of_what_was_acknowledged_is_gone_or_empty_what_is_new_arrives
    a_file_that_somebody_took_away_is_passed_over
    of_a_damaged_spool_everything_else_arrives
}

fn wrap(byte: u8) -> Wrap {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), [byte; 32]).unwrap();
    Wrap::read(file.path()).unwrap()
}

fn open(room: tempfile::TempDir) -> Both {
    let place = Place::open(room.path()).unwrap();
    let wrap = HIDES.get().then(|| wrap(1));
    let hiding = Hiding::open(&place, wrap.as_ref(), HIDES.get()).unwrap();
    let (spool, reader) = Spool::open(place, hiding, NOW).unwrap();
    Both { room, spool, reader }
}

fn begin() -> Both {
    open(tempfile::tempdir().unwrap())
}

fn parcel(lines: &str) -> Batch {
    let mut into = Batch::default();
    Batch::of(lines.as_bytes()).parcel(&ParcelHead { id: [1; 16], at: NOW }, &mut into);
    into
}

impl Both {
    fn write(&mut self, lines: &str) {
        self.spool.write_from(&parcel(lines), 0).unwrap();
    }

    fn commit(&mut self) {
        let committed = self.spool.sync().unwrap();
        self.spool.committed(&committed);
    }

    fn next(&mut self, most_bytes: usize) -> Vec<String> {
        let load = self.reader.next(most_bytes, AT_ONCE).unwrap().unwrap_or_default();
        load.parcels.iter().map(|parcel| String::from_utf8(parcel.lines().to_vec()).unwrap()).collect()
    }

    /// As a run that was killed leaves it, and the next finds it.
    fn again(self) -> Both {
        let Both { room, spool, reader } = self;
        drop((spool, reader));
        open(room)
    }

    fn files(&self) -> Vec<u64> {
        numbers(&Place::open(self.room.path()).unwrap()).unwrap()
    }
}

#[test]
fn a_receiver_gets_what_a_checkpoint_speaks_of_and_nothing_else() {
    let mut both = begin();
    both.write("one\n");
    assert_eq!(both.next(1000), Vec::<String>::new());
    both.commit();
    both.write("two\n");
    assert_eq!(both.next(1000), ["one\n"]);
    both.commit();
    assert_eq!(both.next(1000), ["one\n", "two\n"], "nothing was acknowledged");
    both.reader.acknowledge(1).unwrap();
    assert_eq!(both.next(1000), ["two\n"]);
    assert!(!both.reader.is_done());
    both.reader.acknowledge(1).unwrap();
    assert_eq!(both.next(1000), Vec::<String>::new());
    assert!(both.reader.is_done());
}

#[test]
fn a_parcel_that_is_larger_than_what_was_asked_for_comes_alone() {
    let mut both = begin();
    let large = "a line\n".repeat(1000);
    both.write(&large);
    both.write("two\n");
    both.commit();
    assert_eq!(both.next(100), [large]);
    both.reader.acknowledge(1).unwrap();
    assert_eq!(both.next(100), ["two\n"]);
}

#[test]
fn what_was_acknowledged_is_not_sent_again_after_a_crash_and_its_file_goes() {
    let mut both = begin();
    both.write("one\n");
    both.write("two\n");
    both.commit();
    assert_eq!(both.next(1000).len(), 2);
    both.reader.acknowledge(1).unwrap();
    let mut both = both.again();
    assert_eq!(both.files(), [1, 2]);
    assert_eq!(both.spool.backlog(), parcel("two\n").bytes().len() as u64);
    both.write("three\n");
    both.commit();
    assert_eq!(both.next(1000), ["two\n"]);
    both.reader.acknowledge(1).unwrap();
    assert_eq!(both.next(1000), ["three\n"]);
    both.reader.acknowledge(1).unwrap();
    assert_eq!(both.files(), [2]);
    assert_eq!(both.spool.backlog(), 0);
}

#[test]
fn a_damaged_note_sends_all_once_more() {
    let mut both = begin();
    both.write("one\n");
    both.commit();
    assert_eq!(both.next(1000).len(), 1);
    both.reader.acknowledge(1).unwrap();
    let note = both.room.path().join(ACKNOWLEDGED);
    let text = fs::read_to_string(&note).unwrap();
    assert_eq!(text.lines().count(), 2);
    fs::write(&note, text.replace('1', "9")).unwrap();
    let mut both = both.again();
    assert_eq!(both.next(1000), ["one\n"]);
}

#[test]
fn files_follow_each_other_and_none_is_left_when_all_is_acknowledged() {
    let mut both = begin();
    for number in 0..5 {
        both.write(&format!("{number}\n"));
        both.spool.roll(NOW).unwrap();
        both.commit();
    }
    let mut got = Vec::new();
    loop {
        let some = both.next(1000);
        if some.is_empty() {
            break;
        }
        both.reader.acknowledge(some.len()).unwrap();
        got.extend(some);
    }
    assert_eq!(got, ["0\n", "1\n", "2\n", "3\n", "4\n"]);
    assert_eq!(both.files(), [6]);
}

#[test]
fn a_reader_that_waits_is_woken_by_the_checkpoint() {
    let mut both = begin();
    both.write("one\n");
    let Both { spool, reader, .. } = &mut both;
    let lines = std::thread::scope(|scope| {
        let waits = scope.spawn(|| {
            let load = reader.next(1000, Duration::from_secs(60)).unwrap();
            load.map(|load| load.parcels.len())
        });
        let committed = spool.sync().unwrap();
        spool.committed(&committed);
        waits.join().unwrap()
    });
    assert_eq!(lines, Some(1));
    let lines = std::thread::scope(|scope| {
        reader.acknowledge(1).unwrap();
        let waits = scope.spawn(|| reader.next(1000, Duration::from_secs(60)).unwrap().map(|_| ()));
        spool.close();
        waits.join().unwrap()
    });
    assert_eq!(lines, None);
}

#[test]
fn a_torn_note_leaves_the_one_before() {
    let mut both = begin();
    for number in 0..4 {
        both.write(&format!("{number}\n"));
    }
    both.commit();
    for _ in 0..3 {
        both.next(1000);
        both.reader.acknowledge(1).unwrap();
    }
    // The third stands in the first place.
    let note = both.room.path().join(ACKNOWLEDGED);
    let mut text = fs::read(&note).unwrap();
    text[20] ^= 1;
    fs::write(&note, text).unwrap();
    assert_eq!(both.again().next(1000), ["2\n", "3\n"]);
}

#[test]
fn where_the_file_of_what_was_acknowledged_is_gone_or_empty_what_is_new_arrives() {
    for gone in [true, false] {
        let mut both = begin();
        both.write(&"a line\n".repeat(50));
        both.commit();
        both.next(1000);
        both.reader.acknowledge(1).unwrap();
        let file = both.room.path().join(file_name(1));
        if gone {
            fs::remove_file(file).unwrap()
        } else {
            fs::write(file, "").unwrap()
        }
        let mut both = both.again();
        both.write("new\n");
        both.commit();
        assert_eq!(both.spool.backlog(), parcel("new\n").bytes().len() as u64);
        assert_eq!(both.next(1000), ["new\n"]);
    }
}

#[test]
fn a_file_that_somebody_took_away_is_passed_over() {
    let mut both = begin();
    both.write("one\n");
    both.spool.roll(NOW).unwrap();
    both.write("two\n");
    both.commit();
    fs::remove_file(both.room.path().join(file_name(1))).unwrap();
    assert_eq!(both.next(1000), ["two\n"]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 60, ..ProptestConfig::default() })]

    /// Whatever a crash cuts off or a disk damages: the rest arrives, in order, and the reader comes to the end.
    #[test]
    fn of_a_damaged_spool_everything_else_arrives(
        batches in 1usize..12, rolls in proptest::collection::vec(any::<bool>(), 12),
        hurt in proptest::option::of((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<bool>())),
        most in 1usize..400,
    ) {
        let mut both = begin();
        for (number, &roll) in rolls.iter().enumerate().take(batches) {
            both.write(&format!("line {number}\n"));
            if roll {
                both.spool.roll(NOW).unwrap();
            }
        }
        both.commit();
        let Both { room, spool, reader } = both;
        drop((spool, reader));
        let mut hurts = 0;
        if let Some((which, at, cut)) = hurt {
            let files = numbers(&Place::open(room.path()).unwrap()).unwrap();
            let path = room.path().join(file_name(*which.get(&files)));
            let mut bytes = fs::read(&path).unwrap();
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                if cut { bytes.truncate(at) } else { bytes[at] ^= 0x41 }
                hurts = if cut { batches } else { 1 };
                fs::write(&path, bytes).unwrap();
            }
        }
        let mut both = open(room);
        both.write("last\n");
        both.commit();
        let mut got = Vec::new();
        loop {
            let some = both.next(most);
            if some.is_empty() {
                break;
            }
            both.reader.acknowledge(1).unwrap();
            got.push(some[0].clone());
        }
        prop_assert_eq!(got.last().map(String::as_str), Some("last\n"));
        let whole: Vec<String> = (0..batches).map(|number| format!("line {number}\n")).chain(["last\n".to_owned()]).collect();
        prop_assert!(got.len() + hurts >= whole.len());
        let mut rest = whole.iter();
        prop_assert!(got.iter().all(|line| rest.any(|other| other == line)), "in order, and nothing twice");
        prop_assert_eq!(both.spool.backlog(), 0);
    }
}

/// Of a spool that was hidden, or is from now on, or is no more; and put right after a crash.
#[test]
fn what_waits_hidden_shows_nothing_and_arrives_whoever_comes_after() {
    HIDES.set(true);
    let mut both = begin();
    both.write("203.0.113.0 a line\n");
    both.commit();
    let dark = |both: &Both| {
        let files = fs::read_dir(both.room.path()).unwrap().flatten().map(|entry| fs::read(entry.path()).unwrap());
        files.into_iter().all(|bytes| memchr::memmem::find(&bytes, b"203.0.113").is_none())
    };
    assert!(dark(&both));
    // What was not durable is torn; it is put right by the same batch, hidden otherwise than it was.
    let (length, torn) = (both.spool.segment().length().unwrap(), parcel("203.0.113.0 a second line\n"));
    both.spool.write_from(&torn, 0).unwrap();
    let Both { room, spool, reader } = both;
    drop((spool, reader));
    let path = room.path().join(file_name(1));
    let before = fs::read(&path).unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length + 20).unwrap();
    let directory = Place::open(room.path()).unwrap();
    let identity = Identity::at(&directory, file_name(1).as_ref(), rustix::fs::AtFlags::empty()).unwrap();
    let found = || Segment::resume(&Committed::recorded(path.clone(), identity, length, NOW)).unwrap().unwrap();
    let why = dress(found(), None).unwrap_err().to_string();
    assert!(why.contains("is sealed: name the file"), "{why}");
    assert!(dress(found(), Some(&wrap(2))).unwrap_err().to_string().contains("wrapped with another file"));
    let mut segment = dress(found(), Some(&wrap(1))).unwrap();
    let bytes = torn.bytes().len() as u64;
    let restored = segment.recover(length, bytes, &torn).unwrap();
    assert_eq!((restored.stood, restored.completed), (20, bytes - 20));
    segment.finish_recovery().unwrap();
    drop(segment);
    let after = fs::read(&path).unwrap();
    assert!(after.len() == before.len() && after[..length as usize + 20] == before[..length as usize + 20]);
    assert_ne!(after, before);
    // From here on nothing is hidden; what was is read all the same.
    let open = |room: tempfile::TempDir, by: u8, hides: bool| {
        let place = Place::open(room.path()).unwrap();
        let hiding = Hiding::open(&place, Some(&wrap(by)), hides).unwrap();
        let (spool, reader) = Spool::open(place, hiding, NOW).unwrap();
        Both { room, spool, reader }
    };
    let mut both = open(room, 1, false);
    both.write("203.0.113.0 plainly\n");
    both.commit();
    assert!(!dark(&both));
    let Both { room, spool, reader } = both;
    drop((spool, reader));
    assert!(rewrap(room.path(), &wrap(2), Some(&wrap(1))).unwrap());
    assert!(!rewrap(room.path(), &wrap(2), Some(&wrap(1))).unwrap());
    assert!(Hiding::open(&Place::open(room.path()).unwrap(), Some(&wrap(1)), true).is_err());
    let mut both = open(room, 2, true);
    both.write("203.0.113.0 hidden again\n");
    both.commit();
    let mut got = Vec::new();
    loop {
        let some = both.next(1000);
        if some.is_empty() {
            break;
        }
        both.reader.acknowledge(some.len()).unwrap();
        got.extend(some);
    }
    let lines = ["a line", "a second line", "plainly", "hidden again"];
    assert_eq!(got, lines.map(|line| format!("203.0.113.0 {line}\n")));
    assert!(dark(&both));
}
