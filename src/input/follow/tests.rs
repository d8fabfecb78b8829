//! Real files in a temporary directory, and models of writers and rotation with numbered unique lines.
#![allow(clippy::unwrap_used)]

mod model;
mod packed;

use super::*;
use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::{PermissionsExt, symlink},
};

struct Room {
    room: tempfile::TempDir,
    settings: Settings,
    follow: Option<Follow>,
    state: (Vec<Position>, u64),
    /// Every line that came out, with whose it is.
    lines: Vec<(u64, String)>,
    closed: Vec<u64>,
    problems: Vec<String>,
    /// Of those before the running one.
    gap_bytes: u64,
}

impl Room {
    fn new(pattern: &str) -> Room {
        let room = tempfile::tempdir().unwrap();
        let mut settings = Settings::new(vec![format!("{}/{pattern}", room.path().display())]);
        (settings.poll, settings.settle, settings.portion) = (Duration::ZERO, Duration::from_millis(40), 4096);
        (settings.watch, settings.longest_line) = (Watch::Poll, 1000);
        let (lines, closed, problems) = (Vec::new(), Vec::new(), Vec::new());
        Room { room, settings, follow: None, state: (Vec::new(), 1), lines, closed, problems, gap_bytes: 0 }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.room.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.at(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.at(from), self.at(to)).unwrap();
    }

    /// Looks once, and takes at most so many portions.
    fn take(&mut self, mut portions: usize) -> usize {
        if self.follow.is_none() {
            // As a checkpoint on disk would give it back.
            let text = serde_json::to_string(&self.state.0).unwrap();
            let known = serde_json::from_str(&text).unwrap();
            let key = StateKey::new([5; 32]);
            self.follow = Some(Follow::open(self.settings.clone(), key, known, self.state.1).unwrap());
        }
        let follow = self.follow.as_mut().unwrap();
        follow.look();
        assert!(follow.sources.values().all(|source| is_in_order(follow, source)), "sources wait for each other");
        let mut taken = 0;
        while portions > 0 {
            match follow.next().unwrap() {
                Step::Idle => break,
                Step::Checkpoint => self.state = (follow.positions(), follow.next_source()),
                Step::Portion(portion) => {
                    let text = std::str::from_utf8(portion.lines.0).unwrap();
                    self.lines.extend(text.lines().map(|line| (portion.source.0, line.to_owned())));
                    if portion.closed {
                        self.closed.push(portion.source.0);
                    }
                    portions -= 1;
                    taken += 1;
                }
            }
        }
        self.problems.extend(follow.take_problems());
        taken
    }

    fn all(&mut self) -> Vec<String> {
        self.take(usize::MAX);
        self.lines.iter().map(|(_, line)| line.clone()).collect()
    }

    /// Until what had to be waited for is over.
    fn settle(&mut self) -> Vec<String> {
        for _ in 0..4 {
            self.take(usize::MAX);
            std::thread::sleep(self.settings.settle / 2);
        }
        self.all()
    }

    fn counts(&self) -> Counts {
        self.follow.as_ref().unwrap().counts().clone()
    }

    /// Ends after a checkpoint.
    fn stop(&mut self) {
        if let Some(mut follow) = self.follow.take() {
            self.state = (follow.positions(), follow.next_source());
            self.gap_bytes += follow.counts().gap_bytes;
        }
    }
}

/// Whether what must be read before a source is not the source itself in the end.
fn is_in_order<'a>(follow: &'a Follow, mut source: &'a Source) -> bool {
    for _ in 0..=follow.sources.len() {
        match source.after.and_then(|before| follow.sources.get(&before)) {
            Some(before) => source = before,
            None => return true,
        }
    }
    false
}

#[test]
fn only_whole_lines_come_out_and_the_last_one_waits() {
    let mut room = Room::new("*.log");
    room.append("a.log", "one\ntw");
    assert_eq!(room.all(), ["one"]);
    room.append("a.log", "o\nthree");
    assert_eq!(room.all(), ["one", "two"]);
    fs::remove_file(room.at("a.log")).unwrap();
    assert_eq!(room.settle(), ["one", "two", "three"]);
    assert_eq!((room.closed.len(), room.counts().open, room.counts().files), (1, 0, 0));
}

#[test]
fn a_renamed_file_is_read_to_its_end_before_its_successor_and_then_let_go() {
    for pattern in ["access.log", "access.log*"] {
        let mut room = Room::new(pattern);
        room.append("access.log", "1\n");
        assert_eq!(room.all(), ["1"]);
        room.append("access.log", "2\n");
        room.rename("access.log", "access.log.1");
        room.append("access.log.1", "3\n");
        room.append("access.log", "5\n");
        assert_eq!(room.all(), ["1", "2", "3", "5"]);
        // The writer has not opened the new one yet.
        room.append("access.log.1", "4\n");
        assert_eq!(room.all(), ["1", "2", "3", "5", "4"]);
        room.append("access.log.1", "half");
        room.settle();
        assert_eq!(room.settle(), ["1", "2", "3", "5", "4", "half"]);
        assert_eq!(room.closed, [1]);
        assert_eq!((room.counts().rotations, room.counts().open), (1, 1));
        // Whatever its name is then, it is not read again, by this process or the next.
        room.rename("access.log.1", "access.log.2");
        assert_eq!(room.settle().len(), 6, "{pattern}");
        room.stop();
        room.rename("access.log.2", "access.log.3");
        assert_eq!(room.settle().len(), 6, "{pattern}");
        assert!(room.problems.is_empty(), "{:?}", room.problems);
    }
}

#[test]
fn without_a_successor_a_renamed_file_is_followed_for_as_long_as_it_takes() {
    let mut room = Room::new("access.log");
    room.append("access.log", "1\n");
    room.all();
    room.rename("access.log", "access.log.1");
    room.settle();
    room.append("access.log.1", "2\n");
    assert_eq!(room.settle(), ["1", "2"]);
    assert!(room.closed.is_empty());
}

#[test]
fn a_copied_and_truncated_file_goes_on_in_its_copy_and_then_anew() {
    for pattern in ["access.log", "access.log*"] {
        let mut room = Room::new(pattern);
        room.append("access.log", "1\n2\n");
        assert_eq!(room.all(), ["1", "2"]);
        room.append("access.log", "3\n");
        fs::copy(room.at("access.log"), room.at("access.log.1")).unwrap();
        OpenOptions::new().write(true).open(room.at("access.log")).unwrap().set_len(0).unwrap();
        room.append("access.log", "4\n");
        assert_eq!(room.all(), ["1", "2", "3", "4"], "{pattern}");
        assert_eq!((room.counts().copies, room.counts().truncations, room.counts().gaps), (1, 1, 0));
        room.append("access.log", "5\n");
        assert_eq!(room.settle(), ["1", "2", "3", "4", "5"]);
        assert_eq!(room.closed, [1]);
        room.stop();
        assert_eq!(room.settle().len(), 5, "{pattern}");
    }
}

#[test]
fn while_a_copy_is_made_it_waits_and_one_whose_original_stays_is_read() {
    let mut room = Room::new("access.log*");
    room.append("access.log", "1\n2\n3\n");
    room.all();
    room.append("access.log.1", "");
    assert_eq!(room.all().len(), 3);
    room.append("access.log.1", "1\n2");
    assert_eq!(room.all().len(), 3);
    room.append("access.log.1", "\n3\n");
    assert_eq!(room.all().len(), 3);
    OpenOptions::new().write(true).open(room.at("access.log")).unwrap().set_len(0).unwrap();
    room.append("access.log", "4\n");
    assert_eq!(room.all(), ["1", "2", "3", "4"]);
    // A backup of somebody.
    fs::copy(room.at("access.log"), room.at("access.log-saved")).unwrap();
    assert_eq!(room.all().len(), 4);
    assert_eq!(room.settle(), ["1", "2", "3", "4", "4"]);
}

#[test]
fn what_was_seen_and_never_read_is_a_gap() {
    let mut room = Room::new("access.log");
    room.append("access.log", "1\n");
    room.all();
    room.append("access.log", "22\n");
    // Seen by its size, not read.
    room.follow.as_mut().unwrap().look();
    OpenOptions::new().write(true).open(room.at("access.log")).unwrap().set_len(0).unwrap();
    room.append("access.log", "3\n");
    assert_eq!(room.all(), ["1", "3"]);
    assert_eq!((room.counts().truncations, room.counts().gaps, room.counts().gap_bytes), (1, 1, 3));
}

#[test]
fn a_file_truncated_and_written_beyond_the_old_place_is_read_from_its_beginning() {
    let mut room = Room::new("access.log");
    room.append("access.log", "1\n2\n3\n");
    room.all();
    fs::write(room.at("access.log"), "4\n5\n6\n7\n8\n").unwrap();
    assert_eq!(room.all(), ["1", "2", "3", "4", "5", "6", "7", "8"]);
    // Also while nobody looks.
    room.stop();
    fs::write(room.at("access.log"), "a\nb\nc\nd\ne\nf\n").unwrap();
    assert_eq!(room.all().len(), 14);
    assert_eq!(room.counts().truncations, 1);
}

#[test]
fn a_copy_that_lacks_what_was_written_and_read_after_it_was_made_is_not_read_again() {
    for pattern in ["access.log", "access.log*"] {
        for seen in [false, true] {
            let mut room = Room::new(pattern);
            room.append("access.log", "1\n2\n");
            assert_eq!(room.all(), ["1", "2"]);
            fs::copy(room.at("access.log"), room.at("access.log.1")).unwrap();
            if seen {
                room.take(usize::MAX);
            }
            room.append("access.log", "3\n");
            assert_eq!(room.all(), ["1", "2", "3"]);
            room.append("access.log", "44\n");
            room.follow.as_mut().unwrap().look();
            OpenOptions::new().write(true).open(room.at("access.log")).unwrap().set_len(0).unwrap();
            room.append("access.log", "5\n");
            assert_eq!(room.all(), ["1", "2", "3", "5"], "{pattern}");
            assert_eq!(room.settle(), ["1", "2", "3", "5"], "{pattern}");
            assert_eq!((room.counts().gaps, room.counts().gap_bytes), (1, 3));
            room.stop();
            assert_eq!(room.settle(), ["1", "2", "3", "5"], "{pattern}");
        }
    }
}

#[test]
fn a_copy_that_was_empty_when_it_was_seen_and_lacks_what_was_read_later_is_not_read_again() {
    let mut room = Room::new("access.log*");
    room.append("access.log", "1\n2\n3\n");
    assert_eq!(room.all(), ["1", "2", "3"]);
    room.append("access.log.1", "");
    assert_eq!(room.all().len(), 3);
    // It is copied, a line comes and is read, and it is cut and written anew, all before the next look.
    room.append("access.log.1", "1\n2\n3\n");
    room.append("access.log", "4\n");
    let path = room.at("access.log");
    let follow = room.follow.as_mut().unwrap();
    let id = *follow.sources.keys().next().unwrap();
    follow.wake(id);
    assert!(matches!(follow.next().unwrap(), Step::Portion(portion) if portion.lines.0 == b"4\n"));
    fs::write(path, "5\n6\n7\n8\n9\n").unwrap();
    follow.wake(id);
    assert_eq!(room.settle(), ["1", "2", "3", "5", "6", "7", "8", "9"]);
    room.append("access.log", "10\n");
    assert_eq!(room.settle().last().unwrap(), "10");
    assert_eq!(room.lines.len(), 9);
}

#[test]
fn a_generation_that_came_and_went_before_its_first_line_was_read_is_found_in_its_copy() {
    // Of the same length, shorter and longer than the one that follows.
    for (first, second) in [("1\n", "2\n"), ("1\n1\n", "2\n"), ("1\n", "2\n2\n")] {
        for seen in [false, true] {
            let mut room = Room::new("access.log");
            room.append("access.log", "");
            room.take(usize::MAX);
            std::thread::sleep(Duration::from_millis(11));
            room.append("access.log", first);
            if seen {
                room.follow.as_mut().unwrap().look();
            }
            fs::copy(room.at("access.log"), room.at("access.log.1")).unwrap();
            OpenOptions::new().write(true).open(room.at("access.log")).unwrap().set_len(0).unwrap();
            room.append("access.log", second);
            let mut lines = room.settle();
            lines.sort();
            assert_eq!(lines.concat(), format!("{first}{second}").replace('\n', ""));
            assert_eq!((room.counts().missed, room.counts().gaps), (1, 0));
        }
    }
}

#[test]
fn a_file_that_came_and_was_renamed_before_the_first_look_is_read() {
    for pattern in ["access.log", "*.log"] {
        let mut room = Room::new(pattern);
        // It was there before: somebody's, and no generation that is missed.
        room.append("access.log.9", "old\n");
        room.take(usize::MAX);
        std::thread::sleep(Duration::from_millis(11));
        room.append("access.log", "1\n");
        room.rename("access.log", "access.log.1");
        if pattern == "access.log" {
            assert_eq!(room.all(), ["1"]);
        }
        std::thread::sleep(Duration::from_millis(11));
        room.append("access.log", "2\n");
        assert_eq!(room.settle(), ["1", "2"], "{pattern}");
        assert_eq!(room.counts().missed, 1);
        room.stop();
        assert_eq!(room.settle(), ["1", "2"], "{pattern}");
    }
}

#[test]
fn two_generations_that_might_wait_for_each_other_both_come_out() {
    // The file that the program still writes to was renamed, and is then copied and truncated itself, twice.
    let mut room = Room::new("access.log");
    room.settings.settle = Duration::from_secs(1000);
    room.append("access.log", "1\n");
    room.all();
    room.rename("access.log", "access.log.1");
    let tick = || std::thread::sleep(Duration::from_millis(11));
    tick();
    room.append("access.log", "2\n");
    room.all();
    for (line, copy) in [("3\n", "access.log.4"), ("4\n", "access.log.3")] {
        room.append("access.log.1", line);
        tick();
        fs::copy(room.at("access.log.1"), room.at(copy)).unwrap();
        OpenOptions::new().write(true).open(room.at("access.log.1")).unwrap().set_len(0).unwrap();
    }
    room.append("access.log.1", "5\n");
    room.append("access.log", "6\n");
    let mut lines = room.all();
    lines.sort();
    assert_eq!(lines, ["1", "2", "3", "4", "5", "6"]);
}

#[test]
fn rotations_while_down_are_read_oldest_first_whether_known_or_not() {
    for pattern in ["access.log", "access.log*"] {
        for rotations in 1..=5 {
            let mut room = Room::new(pattern);
            room.append("access.log", "1\n");
            assert_eq!(room.all(), ["1"]);
            room.append("access.log", "2\n");
            room.stop();
            let mut number = 3;
            for round in 0..rotations {
                for old in (1..=round).rev() {
                    room.rename(&format!("access.log.{old}"), &format!("access.log.{}", old + 1));
                }
                room.rename("access.log", "access.log.1");
                std::thread::sleep(Duration::from_millis(11));
                room.append("access.log", &format!("{number}\n"));
                number += 1;
            }
            let expected: Vec<String> = (1..number).map(|n| n.to_string()).collect();
            assert_eq!(room.all(), expected, "{pattern}");
            assert_eq!(room.settle(), expected, "{pattern}");
            room.stop();
            assert_eq!(room.settle(), expected, "{pattern}");
        }
    }
}

#[test]
fn a_copy_made_while_down_is_read_on_before_the_original() {
    let mut room = Room::new("access.log*");
    room.append("access.log", "1\n");
    room.all();
    room.append("access.log", "2\n");
    room.stop();
    fs::copy(room.at("access.log"), room.at("access.log.1")).unwrap();
    OpenOptions::new().write(true).open(room.at("access.log")).unwrap().set_len(0).unwrap();
    room.append("access.log", "3\n");
    assert_eq!(room.all(), ["1", "2", "3"]);
    assert_eq!(room.settle(), ["1", "2", "3"]);
}

#[test]
fn files_that_begin_alike_and_empty_ones_are_all_read() {
    let mut room = Room::new("*.log");
    let head: String = (0..10).map(|n| format!("the same header line number {n}\n")).collect();
    for n in 0..400 {
        room.append(&format!("{n}.log"), &format!("{head}own {n}\n"));
        room.append(&format!("empty{n}.log"), "");
    }
    assert_eq!(room.all().len(), 4400);
    for n in 0..400 {
        room.append(&format!("empty{n}.log"), &head);
        room.append(&format!("late{n}.log"), &head);
    }
    let lines = room.settle();
    assert_eq!(lines.len(), 12_400);
    for n in 0..400 {
        assert!(lines.contains(&format!("own {n}")));
    }
    assert!(room.counts().open <= IDLE_OPEN, "{}", room.counts().open);
    assert!(room.problems.is_empty());
    room.stop();
    assert_eq!(room.settle().len(), 12_400);
    for n in 0..400 {
        room.append(&format!("{n}.log"), "more\n");
    }
    assert_eq!(room.all().len(), 12_800);
    assert!(room.counts().open <= IDLE_OPEN, "{}", room.counts().open);
}

#[test]
fn a_deleted_and_a_replaced_file_are_each_read_once() {
    let mut room = Room::new("app.log");
    for n in 0..200 {
        room.append("app.log", &format!("{n} a\n{n} b\n"));
        if n % 3 != 0 {
            room.take(usize::MAX);
        }
        if n % 7 == 0 {
            room.stop();
        }
        room.take(usize::MAX);
        fs::remove_file(room.at("app.log")).unwrap();
    }
    let expected: Vec<String> = (0..200).flat_map(|n| [format!("{n} a"), format!("{n} b")]).collect();
    assert_eq!(room.settle(), expected);
    assert_eq!(room.counts().gaps, 0);
}

#[test]
fn what_is_no_file_is_passed_over_and_said_once() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let mut room = Room::new("*.log");
    room.append("a.log", "1\n");
    mknodat(CWD, room.at("fifo.log"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    fs::create_dir(room.at("directory.log")).unwrap();
    symlink("/dev/null", room.at("device.log")).unwrap();
    symlink(room.at("nothing"), room.at("dangling.log")).unwrap();
    room.append("old.log.gz", "");
    for _ in 0..5 {
        assert_eq!(room.all(), ["1"]);
    }
    let say = |name: &str, why: &str| format!("cannot follow `{}`: it is {why}", room.at(name).display());
    assert_eq!(room.problems, [say("device.log", "a device"), say("fifo.log", "a FIFO")]);
    assert_eq!(room.counts().refused, 2);
    // One that is followed becomes one.
    fs::remove_file(room.at("a.log")).unwrap();
    mknodat(CWD, room.at("a.log"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    room.settle();
    fs::remove_file(room.at("a.log")).unwrap();
    room.append("a.log", "2\n");
    assert_eq!(room.settle(), ["1", "2"]);
    assert_eq!(room.counts().refused, 3);
}

#[test]
fn packed_files_are_passed_over_and_counted_once() {
    let mut room = Room::new("access.log*");
    room.append("access.log", "1\n");
    room.append("access.log.2.gz", "\x1f");
    for _ in 0..3 {
        assert_eq!(room.all(), ["1"]);
    }
    assert_eq!(room.counts().packed, 1);
}

#[test]
fn hard_links_are_one_source_and_a_symlink_is_its_target() {
    let mut room = Room::new("*.log");
    fs::create_dir(room.at("pod")).unwrap();
    room.append("pod/0", "1\n");
    symlink(room.at("pod/0"), room.at("container.log")).unwrap();
    room.append("one.log", "x\n");
    fs::hard_link(room.at("one.log"), room.at("two.log")).unwrap();
    let mut lines = room.all();
    lines.sort();
    assert_eq!(lines, ["1", "x"]);
    // The target is rotated behind the symlink.
    room.append("pod/0", "2\n");
    room.rename("pod/0", "pod/0.20261121");
    room.append("pod/0", "3\n");
    assert_eq!(room.settle()[2..], ["2", "3"]);
    room.stop();
    room.append("pod/0", "4\n");
    assert_eq!(room.settle()[4..], ["4"]);
}

#[test]
fn directories_that_come_later_are_found() {
    let mut room = Room::new("*/logs/access.log");
    assert!(room.all().is_empty());
    fs::create_dir_all(room.at("a/logs")).unwrap();
    fs::create_dir_all(room.at("b/other")).unwrap();
    room.append("a/logs/access.log", "1\n");
    room.append("b/other/access.log", "no\n");
    assert_eq!(room.all(), ["1"]);
    let mut deep = Room::new("**/x.log");
    fs::create_dir_all(deep.at("a/b/c")).unwrap();
    deep.append("x.log", "0\n");
    deep.append("a/b/c/x.log", "3\n");
    let mut lines = deep.all();
    lines.sort();
    assert_eq!(lines, ["0", "3"]);
}

#[test]
fn started_at_the_end_only_what_comes_then_is_read() {
    let mut room = Room::new("*.log");
    room.settings.start = Start::End;
    room.append("a.log", "old\nunfin");
    assert!(room.all().is_empty());
    room.append("a.log", "ished\n");
    room.append("b.log", "new\n");
    assert_eq!(room.all(), ["unfinished", "new"]);
    room.stop();
    room.append("a.log", "more\n");
    room.append("c.log", "while down\n");
    assert_eq!(room.all()[2..], ["more", "while down"]);
}

#[test]
fn what_was_handed_out_can_be_read_again_and_replayed() {
    let mut room = Room::new("a.log");
    room.append("a.log", "one\ntwo\n");
    room.all();
    room.stop();
    let before = room.state.clone();
    room.append("a.log", "three\nfour\n");
    room.all();
    // The checkpoint before it is what stands.
    (room.follow, room.state) = (None, before);
    let key = StateKey::new([5; 32]);
    let mut follow = Follow::open(room.settings.clone(), key.clone(), room.state.0.clone(), room.state.1).unwrap();
    let id = room.state.0[0].source;
    let mut lines = Vec::new();
    assert!(follow.read_again(id, 0, 8, &mut lines).unwrap());
    assert!(!follow.replay(id, 4, 14, &mut lines).unwrap());
    assert!(follow.replay(id, 8, 14, &mut lines).unwrap());
    assert_eq!(lines, b"one\ntwo\nthree\n");
    assert!(!follow.read_again(id, 8, 100, &mut lines).unwrap());
    assert!(!follow.read_again(SourceId(99), 0, 1, &mut lines).unwrap());
    assert_eq!(lines, b"one\ntwo\nthree\n");
    let Step::Portion(portion) = follow.next().unwrap() else { panic!("a line is left") };
    assert_eq!((portion.from, portion.to, portion.lines.0), (14, 19, &b"four\n"[..]));
    assert_eq!(follow.lag(), 0);
    follow.set_context(id, 8, Some((0, 4)));
    let position = &follow.positions()[0];
    assert_eq!((position.context, position.header, position.offset()), (8, Some((0, 4)), 19));
}

#[test]
fn a_source_that_no_checkpoint_knows_asks_for_one_first() {
    let room = Room::new("*.log");
    room.append("a.log", "1\n");
    let mut follow = Follow::open(room.settings.clone(), StateKey::new([5; 32]), Vec::new(), 1).unwrap();
    assert!(matches!(follow.next().unwrap(), Step::Checkpoint));
    assert!(matches!(follow.next().unwrap(), Step::Checkpoint));
    let positions = follow.positions();
    assert_eq!((positions.len(), positions[0].offset()), (1, 0));
    assert!(matches!(follow.next().unwrap(), Step::Portion(_)));
    room.append("b.log", "2\n");
    follow.look();
    assert!(matches!(follow.next().unwrap(), Step::Checkpoint));
}

#[test]
fn wrong_patterns_and_positions_are_refused() {
    let open = |pattern: &str| {
        Follow::open(Settings::new(vec![pattern.to_owned()]), StateKey::new([5; 32]), Vec::new(), 1).err().unwrap()
    };
    for (pattern, why) in [
        ("/var/log/", "it names a directory; add the names of the files, such as *.log"),
        ("/var/log/**", "it ends with `**`; add the names of the files, such as *.log"),
        ("/var/../x", "it holds `..`; write the path without it"),
    ] {
        let error = open(pattern);
        assert_eq!((error.kind(), error.to_string()), (Kind::Config, format!("cannot follow `{pattern}`: {why}")));
    }
    assert_eq!(open("/var/log/[a").kind(), Kind::Config);
    let none = Follow::open(Settings::new(Vec::new()), StateKey::new([5; 32]), Vec::new(), 1).err().unwrap();
    assert_eq!(none.to_string(), "no file to follow is named; name one or more patterns");
}

/// Runs a test once more as an ordinary user, in a process of its own, or says loudly that it could not.
fn as_nobody(test: &str) {
    use std::process::Command;
    let room = tempfile::tempdir().unwrap();
    fs::set_permissions(room.path(), fs::Permissions::from_mode(0o777)).unwrap();
    // The one that runs may stand where others may not go.
    let program = room.path().join("tests");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let done = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&program)
        .args(["--exact", test])
        .env("TMPDIR", room.path())
        .current_dir("/")
        .output();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match done {
        Ok(done) if said(&done.stdout).contains("running 1 test") => {
            assert!(done.status.success(), "{}{}", said(&done.stdout), said(&done.stderr));
        }
        Ok(done) => eprintln!("NOT TESTED: {test} cannot be run as another user: {}", said(&done.stderr)),
        Err(error) => eprintln!("NOT TESTED: {test} needs setpriv, or a user who is not root: {error}"),
    }
}

#[test]
fn permission_lost_and_given_back_loses_nothing() {
    // Root may read everything.
    if rustix::process::geteuid().is_root() {
        as_nobody("input::follow::tests::permission_lost_and_given_back_loses_nothing");
        return;
    }
    let mut room = Room::new("*.log");
    room.append("a.log", "1\n");
    room.all();
    for n in 0..100 {
        fs::set_permissions(room.at("a.log"), fs::Permissions::from_mode(0o200)).unwrap();
        room.append("a.log", &format!("{n}\n"));
        if n % 10 == 0 {
            room.stop();
        }
        room.all();
        fs::set_permissions(room.at("a.log"), fs::Permissions::from_mode(0o640)).unwrap();
        room.all();
    }
    assert_eq!(room.all().len(), 101);
    assert_eq!(room.problems.len(), 10, "{:?}", room.problems);
}

fn is_readable(fd: BorrowedFd<'_>) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let wait = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
    poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], Some(&wait)).unwrap() > 0
}

/// Nothing is looked at but what inotify tells.
fn told(pattern: &str) -> Room {
    let mut room = Room::new(pattern);
    (room.settings.watch, room.settings.poll) = (Watch::Inotify, Duration::from_secs(3600));
    room
}

/// Until it is quiet; whether anything was told.
fn hear(room: &mut Room) -> bool {
    let mut heard = false;
    while is_readable(room.follow.as_ref().unwrap().changed().unwrap()) {
        heard = true;
        room.take(usize::MAX);
        std::thread::sleep(LOOK_GAP);
        room.take(usize::MAX);
    }
    heard
}

#[test]
fn inotify_tells_of_lines_rotation_new_files_and_new_directories_and_idle_is_idle() {
    let mut room = told("*/a.log");
    fs::create_dir(room.at("x")).unwrap();
    room.append("x/a.log", "1\n");
    room.take(usize::MAX);
    std::thread::sleep(LOOK_GAP);
    room.take(usize::MAX);
    assert!(!hear(&mut room), "idle");
    assert!(room.follow.as_ref().unwrap().wait() > Duration::from_secs(3000));
    room.append("x/a.log", "2\n");
    assert!(hear(&mut room));
    room.rename("x/a.log", "x/a.log.1");
    room.append("x/a.log.1", "3\n");
    room.append("x/a.log", "4\n");
    assert!(hear(&mut room));
    room.append("x/a.log.1", "5\n");
    assert!(hear(&mut room));
    fs::create_dir(room.at("y")).unwrap();
    hear(&mut room);
    room.append("y/a.log", "6\n");
    assert!(hear(&mut room));
    // Of no concern.
    room.append("y/other", "7\n");
    let full = room.follow.as_ref().unwrap().last_full;
    hear(&mut room);
    assert_eq!(room.follow.as_ref().unwrap().last_full, full);
    assert_eq!(room.all(), ["1", "2", "3", "4", "5", "6"]);
}

#[test]
fn behind_a_symlink_writing_and_rotation_are_told_too() {
    let mut room = told("*.log");
    fs::create_dir(room.at("pod")).unwrap();
    room.append("pod/0", "1\n");
    symlink(room.at("pod/0"), room.at("a.log")).unwrap();
    room.take(usize::MAX);
    std::thread::sleep(LOOK_GAP);
    room.take(usize::MAX);
    hear(&mut room);
    room.append("pod/0", "2\n");
    assert!(hear(&mut room));
    room.rename("pod/0", "pod/0.old");
    room.append("pod/0", "3\n");
    assert!(hear(&mut room));
    assert_eq!(room.all(), ["1", "2", "3"]);
}

#[test]
fn when_inotify_loses_events_everything_is_looked_at() {
    let mut room = told("*.log");
    room.append("a.log", "first\n");
    room.take(usize::MAX);
    std::thread::sleep(LOOK_GAP);
    room.take(usize::MAX);
    let limit: usize = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap().trim().parse().unwrap();
    let mut files = ["x", "y"].map(|name| fs::File::create(room.at(name)).unwrap());
    for _ in 0..limit / 2 + 10 {
        for file in &mut files {
            file.write_all(b"x").unwrap();
        }
    }
    room.append("b.log", "told to nobody\n");
    hear(&mut room);
    assert_eq!(room.all(), ["first", "told to nobody"]);
    assert_eq!(room.counts().overflows, 1);
}

#[test]
fn of_two_files_that_came_within_one_tick_of_the_clock_the_rotated_one_is_read_first() {
    use std::os::unix::fs::MetadataExt;
    let mut met = 0;
    for _ in 0..100 {
        let mut room = Room::new("access.log*");
        // A path sorts the other way round.
        room.append("access.log.5", "first\n");
        room.append("access.log", "second\n");
        let stamps = |name: &str| {
            let found = std::fs::metadata(room.at(name)).unwrap();
            (found.created().ok(), found.mtime(), found.mtime_nsec())
        };
        if stamps("access.log.5") == stamps("access.log") {
            met += 1;
            assert_eq!(room.all(), ["first", "second"]);
        }
    }
    // Where each file has a stamp of its own there is nothing to tell.
    eprintln!("{met} of 100 came within one tick");
}
