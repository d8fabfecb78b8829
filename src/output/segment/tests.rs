use super::*;
use crate::{
    key::random,
    seal::{FileKey, SPAN},
};
use proptest::{
    prelude::RngExt,
    test_runner::{RngAlgorithm, TestRng},
};
use std::{
    collections::HashMap,
    fs,
    num::{NonZeroU32, NonZeroU64},
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
};

const NOW: Timestamp = Timestamp(1_795_255_200);

fn room() -> (tempfile::TempDir, PathBuf) {
    let room = tempfile::tempdir().unwrap();
    // Whatever the umask.
    fs::set_permissions(room.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let path = room.path().join("access.log");
    (room, path)
}

fn open(path: &Path) -> Segment {
    Segment::open(path, NOW).unwrap()
}

fn resumed(path: &Path, length: u64) -> Segment {
    let identity = Identity::at(rustix::fs::CWD, path.as_os_str(), AtFlags::empty()).unwrap();
    Segment::resume(&Committed::recorded(path.to_owned(), identity, length, NOW)).unwrap().unwrap()
}

fn restored(stood: u64, completed: u64, cut: u64) -> Restored {
    Restored { stood, completed, cut, ..Restored::default() }
}

#[test]
fn what_is_no_plain_file_of_ours_is_refused_and_left_untouched() {
    let (room, path) = room();
    let at = |name: &str| room.path().join(name);
    fs::write(at("target"), "untouched").unwrap();
    symlink(at("target"), at("symlink")).unwrap();
    fs::write(at("linked"), "untouched").unwrap();
    fs::hard_link(at("linked"), at("second")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, at("fifo"), rustix::fs::FileType::Fifo, Mode::from_raw_mode(0o600), 0)
        .unwrap();
    for name in ["symlink", "linked", "second", "fifo", ".", "missing/log"] {
        assert_eq!(Segment::open(at(name), NOW).unwrap_err().kind(), Kind::CannotCreate, "{name}");
    }
    let identity = Identity::at(rustix::fs::CWD, at("linked").as_os_str(), AtFlags::empty()).unwrap();
    assert_eq!(Segment::find(at("linked"), identity).unwrap_err().kind(), Kind::CannotCreate);
    let identity = Identity::at(rustix::fs::CWD, at("symlink").as_os_str(), AtFlags::empty()).unwrap();
    assert!(Segment::find(at("symlink"), identity).is_err());
    let identity = Identity::at(rustix::fs::CWD, at("fifo").as_os_str(), AtFlags::empty()).unwrap();
    assert_eq!(Segment::find(at("fifo"), identity).unwrap_err().kind(), Kind::CannotCreate);
    assert!(Segment::find(at("missing/log"), identity).unwrap().is_none());
    assert_eq!(fs::read(at("target")).unwrap(), b"untouched");
    assert_eq!(fs::read(at("linked")).unwrap(), b"untouched");
    drop(open(&path));
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
}

#[test]
fn the_mode_is_0640_whatever_the_umask() {
    for umask in ["000", "777"] {
        let child = std::process::Command::new("sh")
            .args(["-c", &format!("cd / && umask {umask} && exec \"$0\" --exact \"$1\"")])
            .arg(std::env::current_exe().unwrap())
            .arg("output::segment::tests::what_is_no_plain_file_of_ours_is_refused_and_left_untouched")
            .output()
            .unwrap();
        assert!(child.status.success(), "{umask}");
    }
}

#[test]
fn a_second_process_on_one_file_is_refused() {
    let (_room, path) = room();
    let _first = open(&path);
    let error = Segment::open(&path, NOW).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot write `{}`: another sladd writes it; stop that one, or choose another file", path.display())
    );
}

#[test]
fn a_torn_last_line_of_somebody_else_is_ended_when_the_file_is_opened() {
    let (_room, path) = room();
    for (before, after) in [("", 0), ("old\n", 4), ("old\nto", 7)] {
        fs::write(&path, before).unwrap();
        assert_eq!(open(&path).length().unwrap(), after);
    }
}

#[test]
fn a_batch_that_a_full_disk_took_in_part_is_completed_to_the_byte() {
    let (_room, path) = room();
    // A limit on the size of files stands in for a disk that is full; it holds for the process, so another one is limited.
    if std::env::var_os("SLADD_LIMITED").is_none() {
        let child = std::process::Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -S -f 1 && exec \"$0\" --exact \"$1\""])
            .arg(std::env::current_exe().unwrap())
            .arg("output::segment::tests::a_batch_that_a_full_disk_took_in_part_is_completed_to_the_byte")
            .env("SLADD_LIMITED", "1")
            .output()
            .unwrap();
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
        return;
    }
    let mut limit = rustix::process::getrlimit(rustix::process::Resource::Fsize);
    let batch = Batch::of("0123456789abcde\n".repeat(200).as_bytes());
    let mut segment = open(&path);
    let fault = segment.write(&batch).unwrap_err();
    assert!(fault.is_full(), "{fault}");
    assert!(fault.taken > 0 && fault.taken < batch.bytes().len());
    assert_eq!(fs::metadata(&path).unwrap().len(), fault.taken as u64);
    let again = segment.write_from(&batch, fault.taken).unwrap_err();
    assert_eq!(again.taken, fault.taken);
    limit.current = limit.maximum;
    rustix::process::setrlimit(rustix::process::Resource::Fsize, limit).unwrap();
    segment.write_from(&batch, again.taken).unwrap();
    assert_eq!(fs::read(&path).unwrap(), batch.bytes());
}

#[test]
fn a_device_that_takes_nothing_is_a_full_disk_without_a_byte_taken() {
    let (_room, path) = room();
    let mut segment = open(&path);
    segment.fd = rustix::fs::open("/dev/full", OFlags::WRONLY, Mode::empty()).unwrap();
    let fault = segment.write(&Batch::of(b"line\n")).unwrap_err();
    assert!(fault.is_full() && fault.taken == 0);
    let message = fault.to_string();
    assert!(message.starts_with(&format!("cannot write `{}`: ", path.display())), "{message}");
}

#[test]
fn a_segment_that_could_not_be_made_durable_takes_no_more() {
    let (_room, path) = room();
    let mut segment = open(&path);
    segment.write(&Batch::of(b"one\n")).unwrap();
    // A pipe cannot be made durable.
    let (_reader, pipe) = rustix::pipe::pipe().unwrap();
    let file = std::mem::replace(&mut segment.fd, pipe);
    assert_eq!(segment.sync().unwrap_err().kind(), Kind::Io);
    segment.fd = file;
    assert!(segment.sync().is_err(), "it is not tried again");
    assert_eq!(segment.write(&Batch::of(b"three\n")).unwrap_err().taken, 0);
}

/// A sync that failed may have left in the cache alone what can be read, and no later sync finds it there.
#[test]
fn what_stands_is_written_once_more_in_its_place() {
    let (_room, path) = room();
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
    let is_written = |path: &Path| {
        let file = fs::File::options().write(true).open(path).unwrap();
        let is_written = file.metadata().unwrap().modified().unwrap() != old;
        file.set_modified(old).unwrap();
        is_written
    };
    fs::write(&path, "one\ntwo\nthree\nfour\n").unwrap();
    assert!(is_written(&path) && !is_written(&path));
    let mut segment = resumed(&path, 4);
    assert_eq!(segment.recover(4, 4, &Batch::of(b"two\n")).unwrap(), restored(4, 0, 0));
    assert!(is_written(&path), "made again");
    assert_eq!(segment.settle_torn(8, 6).unwrap(), restored(6, 0, 0));
    assert!(is_written(&path), "its source is gone");
    assert_eq!(segment.recover(14, 5, &Batch::of(b"four\n")).unwrap(), restored(5, 0, 0));
    assert_eq!(segment.finish_recovery().unwrap(), 0);
    assert_eq!(fs::read(&path).unwrap(), b"one\ntwo\nthree\nfour\n");
    // What comes next stands behind it.
    segment.write(&Batch::of(b"five\n")).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"one\ntwo\nthree\nfour\nfive\n");
}

#[test]
fn it_is_found_again_under_another_name_and_not_mistaken_for_one_with_its_number() {
    let (room, path) = room();
    let mut segment = open(&path);
    segment.write(&Batch::of(b"one\n")).unwrap();
    let committed = segment.sync().unwrap();
    drop(segment);
    assert!(Segment::resume(&committed).unwrap().unwrap().is_in_place());
    fs::rename(&path, room.path().join("access.log-20261121")).unwrap();
    fs::write(&path, "another\n").unwrap();
    let found = Segment::resume(&committed).unwrap().unwrap();
    assert_eq!((found.length().unwrap(), found.is_in_place()), (4, false));
    drop(found);
    fs::remove_file(room.path().join("access.log-20261121")).unwrap();
    assert!(Segment::resume(&committed).unwrap().is_none());
    let identity = committed.identity();
    if identity.born != (0, 0) {
        let younger = Identity { born: (identity.born.0 + 1, 0), ..identity };
        assert!(!identity.is_same(&younger));
        assert!(identity.is_same(&Identity { device: identity.device + 1, ..identity }));
    }
}

#[test]
fn opening_again_follows_the_path() {
    let (room, path) = room();
    let mut segment = open(&path);
    segment.write(&Batch::of(b"1\n")).unwrap();
    let identity = segment.identity();
    segment.reopen(NOW).unwrap();
    assert_eq!(segment.identity(), identity);
    fs::rename(&path, room.path().join("moved")).unwrap();
    segment.write(&Batch::of(b"2\n")).unwrap();
    segment.reopen(NOW).unwrap();
    segment.write(&Batch::of(b"3\n")).unwrap();
    assert_eq!(fs::read(room.path().join("moved")).unwrap(), b"1\n2\n");
    assert_eq!(fs::read(&path).unwrap(), b"3\n");
    fs::remove_file(&path).unwrap();
    symlink(room.path().join("moved"), &path).unwrap();
    assert!(segment.reopen(NOW).is_err());
    segment.write(&Batch::of(b"4\n")).unwrap();
    assert_eq!(fs::read(room.path().join("moved")).unwrap(), b"1\n2\n");
}

#[test]
fn rotation_counts_names_up_and_keeps_so_many() {
    let (room, path) = room();
    let rotation = Rotation { max_bytes: NonZeroU64::new(10), every: None, keep: NonZeroU32::new(3).unwrap() };
    let mut segment = open(&path);
    let mut seen = Vec::new();
    for number in 0..6 {
        let batch = Batch::of(format!("line {number}\n").as_bytes());
        let length = segment.length().unwrap();
        if segment.is_due(&rotation, length, batch.bytes().len() as u64, NOW) {
            segment.rotate(&rotation, NOW).unwrap();
        }
        segment.write(&batch).unwrap();
        seen.push(segment.identity());
    }
    let text = |name: &str| fs::read_to_string(room.path().join(name)).unwrap_or_default();
    assert_eq!(text("access.log"), "line 5\n");
    assert_eq!(text("access.log.1"), "line 4\n");
    assert_eq!(text("access.log.2"), "line 3\n");
    assert_eq!(text("access.log.3"), "line 2\n");
    assert_eq!(fs::read_dir(room.path()).unwrap().count(), 4);
    // A crash between two renames leaves a gap; only what is before it moves.
    fs::rename(room.path().join("access.log.1"), room.path().join("aside")).unwrap();
    segment.rotate(&rotation, NOW).unwrap();
    assert_eq!(text("access.log.1"), "line 5\n");
    assert_eq!(text("access.log.2"), "line 3\n");
    assert_eq!(text("access.log.3"), "line 2\n");
}

#[test]
fn rotation_is_due_by_size_and_by_the_clock_and_never_for_an_empty_segment() {
    let (_room, path) = room();
    let segment = open(&path);
    let by = |every| Rotation { max_bytes: NonZeroU64::new(100), every, keep: NonZeroU32::MIN };
    let later = |seconds| Timestamp(NOW.0 + seconds);
    assert!(!segment.is_due(&by(None), 0, 1000, NOW));
    assert!(!segment.is_due(&by(None), 50, 50, later(1_000_000)));
    assert!(segment.is_due(&by(None), 50, 51, NOW));
    assert!(!segment.is_due(&by(Some(Every::Day)), 50, 1, later(3600)));
    assert!(segment.is_due(&by(Some(Every::Hour)), 50, 1, later(3600)));
    assert!(segment.is_due(&by(Some(Every::Day)), 50, 1, later(86_400)));
    assert!(!segment.is_due(&by(Some(Every::Day)), 50, 1, later(-86_400)));
    assert!(!segment.is_due(&by(Some(Every::Day)), 0, 1, later(86_400)));
}

#[test]
fn equal_bytes_stay_a_short_tail_is_completed_and_what_differs_is_cut() {
    let (_room, path) = room();
    for (stands, is, outcome, behind) in [
        ("old\none\ntwo\n", "old\none\ntwo\n", restored(8, 0, 0), 0),
        ("old\none\nt", "old\none\ntwo\n", restored(5, 3, 0), 0),
        ("old\n", "old\none\ntwo\n", restored(0, 8, 0), 0),
        ("old\none\ntwx\n", "old\none\ntwo\n", restored(6, 2, 2), 0),
        ("old\nXne\ntwo\nmore\n", "old\none\ntwo\n", restored(0, 8, 13), 0),
        ("old\none\ntwo\nmore", "old\none\ntwo\n", restored(8, 0, 0), 4),
        ("old\none\n\0\0\0\0\0\0", "old\none\ntwo\n", restored(4, 4, 6), 0),
        ("ol", "ol", Restored { taken_away: 8, ..Restored::default() }, 0),
    ] {
        fs::write(&path, stands).unwrap();
        let batch = Batch::of(b"one\ntwo\n");
        let mut segment = resumed(&path, 4);
        assert_eq!(segment.recover(4, 8, &batch).unwrap(), outcome, "{stands:?}");
        // Once more is the same again.
        if outcome.taken_away == 0 {
            assert_eq!(segment.recover(4, 8, &batch).unwrap(), restored(8, 0, 0));
        }
        assert_eq!(segment.finish_recovery().unwrap(), behind);
        assert_eq!(fs::read_to_string(&path).unwrap(), is, "{stands:?}");
    }
}

#[test]
fn long_batches_are_compared_to_their_last_byte() {
    let (_room, path) = room();
    let line = "0123456789abcdef".repeat(4096);
    let whole = format!("{line}\n{line}\n{line}\n");
    for wrong in [0, 65_535, 65_536, 65_537, 131_073, whole.len() - 1] {
        let mut bytes = whole.clone().into_bytes();
        bytes[wrong] = b'#';
        fs::write(&path, &bytes).unwrap();
        let mut segment = resumed(&path, 0);
        let (stood, rest) = (wrong as u64, (whole.len() - wrong) as u64);
        let batch = Batch::of(whole.as_bytes());
        assert_eq!(segment.recover(0, whole.len() as u64, &batch).unwrap(), restored(stood, rest, rest));
        assert_eq!(fs::read_to_string(&path).unwrap(), whole);
    }
}

#[test]
fn what_is_made_otherwise_than_it_was_moves_what_follows() {
    let (_room, path) = room();
    for made in ["shorter\n", "much, much longer\n", ""] {
        fs::write(&path, "as it was\nsecond\nthird\n").unwrap();
        for _ in 0..2 {
            let mut segment = resumed(&path, 0);
            segment.recover(0, 10, &Batch::of(made.as_bytes())).unwrap();
            segment.recover(10, 7, &Batch::of(b"second\n")).unwrap();
            segment.recover(17, 6, &Batch::of(b"third\n")).unwrap();
            assert_eq!(segment.finish_recovery().unwrap(), 0);
            assert_eq!(fs::read_to_string(&path).unwrap(), format!("{made}second\nthird\n"));
        }
    }
}

#[test]
fn without_its_source_what_is_whole_stays_and_a_torn_line_goes() {
    let (_room, path) = room();
    for (stands, is, stood, cut, lost) in [
        ("old\none\ntwo\n", "old\none\ntwo\n", 8, 0, 0),
        ("old\none\ntw", "old\none\n", 4, 2, 4),
        ("old\none\n", "old\none\n", 4, 0, 4),
        ("old\non", "old\n", 0, 2, 8),
        ("old\n", "old\n", 0, 0, 8),
    ] {
        fs::write(&path, stands).unwrap();
        let mut segment = resumed(&path, 4);
        let outcome = Restored { stood, cut, lost, ..Restored::default() };
        assert_eq!(segment.settle_torn(4, 8).unwrap(), outcome, "{stands:?}");
        segment.recover(12, 6, &Batch::of(b"three\n")).unwrap();
        assert_eq!(segment.finish_recovery().unwrap(), 0);
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{is}three\n"));
    }
    let long = format!("old\n{}\n{}", "a".repeat(200_000), "b".repeat(200_000));
    fs::write(&path, &long).unwrap();
    resumed(&path, 4).settle_torn(4, 500_000).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), 4 + 200_001);
}

/// A file that lies hidden, with its spans beside it, as a store opens it.
struct Hidden {
    key: FileKey,
    path: PathBuf,
    spans: PathBuf,
}

impl Hidden {
    fn new(path: PathBuf) -> Hidden {
        let hidden = Hidden { key: FileKey::new(random).unwrap(), spans: path.with_extension("spans"), path };
        fs::write(&hidden.spans, hidden.key.veil().begin(0, random).unwrap()).unwrap();
        hidden
    }

    fn veiled(&self) -> Veiled {
        // What a full disk, or a crash, left of a span under which nothing was written.
        let mut kept = fs::OpenOptions::new().append(true).open(&self.spans).unwrap();
        std::io::Write::write_all(&mut kept, &[7; SPAN][..fs::read(&self.spans).unwrap().len() % 7 * 6]).unwrap();
        let kept = fs::OpenOptions::new().read(true).write(true).open(&self.spans).unwrap();
        Veiled::new(&self.key, kept.into(), false).unwrap()
    }

    fn shown(&self) -> Vec<u8> {
        let mut bytes = fs::read(&self.path).unwrap();
        restore(&self.key, &fs::read(&self.spans).unwrap()[..]).unwrap().0.apply(0, &mut bytes);
        bytes
    }
}

/// Whatever is written, cut, torn and put right, a hidden file is to the byte what a plain one is, and no keystream is used for
/// two texts.
#[test]
fn a_hidden_file_goes_the_way_of_a_plain_one() {
    let mut rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let (mut cut, mut ways) = (0, 0);
    for round in 0..200 {
        let (_room, path) = room();
        let hidden = Hidden::new(path.with_file_name("hidden.log"));
        let mut any = |below: usize| rng.random_range(0..below);
        // What ever stood at a place, plainly and hidden.
        let mut stood: HashMap<usize, Vec<(u8, u8)>> = HashMap::new();
        let mut note = |hidden: &Hidden| {
            for (at, pair) in hidden.shown().into_iter().zip(fs::read(&hidden.path).unwrap()).enumerate() {
                stood.entry(at).or_default().push(pair);
            }
        };
        for _ in 0..1 + any(4) {
            let mut plain = open(&path);
            let mut veiled = Segment::open_under(&hidden.path, NOW, Some(hidden.veiled())).unwrap();
            let mut length = plain.length().unwrap();
            assert_eq!(length, veiled.length().unwrap());
            let mut since: Vec<(u64, Batch)> = Vec::new();
            for _ in 0..any(5) {
                let line = format!("{}\n", "x".repeat(1 + any(300)));
                let batch = Batch::of(line.repeat(1 + any(300)).as_bytes());
                let before = plain.length().unwrap();
                assert!(plain.write(&batch).is_ok() && veiled.write(&batch).is_ok());
                if any(3) == 0 {
                    length = plain.sync().unwrap().length();
                    assert_eq!(veiled.sync().unwrap().length(), length);
                    since.clear();
                } else {
                    since.push((before, batch));
                }
            }
            drop((plain, veiled));
            assert!(hidden.shown() == fs::read(&path).unwrap(), "round {round}");
            note(&hidden);
            // Killed: a part of what was not durable is gone.
            let now = fs::metadata(&path).unwrap().len();
            let lost = any((now - length) as usize + 1) as u64;
            for path in [&path, &hidden.path] {
                fs::OpenOptions::new().write(true).open(path).unwrap().set_len(now - lost).unwrap();
            }
            // Put right; some of it is made otherwise now, some cannot be made again.
            let way = any(3);
            let mut plain = resumed(&path, length);
            let mut veiled = resumed(&hidden.path, length).under(hidden.veiled());
            for (at, (before, batch)) in since.iter().enumerate() {
                let bytes = batch.bytes().len() as u64;
                let mut other = Batch::of(&batch.bytes().to_ascii_uppercase());
                if way < 2 || at + 1 < since.len() {
                    other = batch.clone();
                }
                let [of_plain, of_veiled] = [&mut plain, &mut veiled].map(|segment| match way {
                    0 => segment.settle_torn(*before, bytes).unwrap(),
                    _ => segment.recover(*before, bytes, &other).unwrap(),
                });
                assert_eq!(of_plain, of_veiled);
                cut += of_plain.cut;
            }
            assert_eq!(plain.finish_recovery().unwrap(), veiled.finish_recovery().unwrap());
            drop((plain, veiled));
            assert!(hidden.shown() == fs::read(&path).unwrap(), "round {round}, put right");
            note(&hidden);
            ways |= 1 << way;
        }
        // Where other bytes came to stand, they are hidden otherwise: that two are hidden alike is chance.
        let (mut changed, mut alike) = (0, 0);
        for two in stood.values().flat_map(|pairs| pairs.windows(2)).filter(|two| two[0].0 != two[1].0) {
            changed += 1;
            alike += usize::from(two[0].0 ^ two[0].1 == two[1].0 ^ two[1].1);
        }
        assert!(alike <= 20 + changed / 50, "round {round}: {alike} of {changed}");
    }
    assert!(cut > 10_000 && ways == 7, "{cut} {ways}");
}

#[test]
fn a_file_that_another_thread_still_makes_durable_is_opened_again() {
    let (_room, path) = room();
    let mut segment = open(&path);
    segment.write(&Batch::of(b"a line\n")).unwrap();
    let (committed, flush) = segment.flush().unwrap();
    drop(segment);
    let slow = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(200));
        flush.make().unwrap();
    });
    assert!(Segment::find(&path, committed.identity()).unwrap().is_some());
    slow.join().unwrap();
}
