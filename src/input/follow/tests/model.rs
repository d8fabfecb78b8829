//! A writer of numbered lines, rotation in all its kinds, stops and restarts, in random order: every line comes out exactly
//! once, and those of one file in their order.

use super::*;
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

/// `SLADD_FOLLOW_CASES`: how many, where there is time.
fn cases(usual: u64) -> u64 {
    std::env::var("SLADD_FOLLOW_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Xorshift.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) % n
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Write,
    Part,
    Take,
    Stop,
    Rename,
    Reopen,
    Copytruncate,
    Rewrite,
    Recreate,
    Quiet,
}

struct Model {
    room: Room,
    dice: Dice,
    writer: fs::File,
    /// The writer holds a file that was renamed.
    stale: bool,
    /// What is left of a line that was begun.
    begun: String,
    number: u64,
    rotations: u64,
    down: u64,
    acts: Vec<(Act, u64)>,
    /// Lines written between copy and truncation, which copytruncate loses: their numbers, bytes, and whether their file was
    /// looked at before it was truncated.
    late: Vec<(u64, u64, bool)>,
}

impl Model {
    fn new(seed: u64) -> Model {
        let mut dice = Dice::new(seed);
        let mut room = Room::new(if dice.below(2) == 0 { "access.log" } else { "access.log*" });
        room.settings.settle = Duration::from_secs(1000);
        let writer = open(&room);
        room.take(0);
        Model {
            room,
            dice,
            writer,
            stale: false,
            begun: String::new(),
            number: 0,
            rotations: 0,
            down: 0,
            acts: Vec::new(),
            late: Vec::new(),
        }
    }

    fn run(&mut self, acts: &[Act], steps: u64) {
        for _ in 0..steps {
            let act = acts[self.dice.below(acts.len() as u64) as usize];
            self.act(act);
        }
        self.finish();
        self.quiet();
        self.stop();
        self.quiet();
        let mut by_source: BTreeMap<u64, u64> = BTreeMap::new();
        let mut seen = vec![0u32; self.number as usize];
        for (source, line) in &self.room.lines {
            let number: u64 = line.split(' ').next().unwrap().parse().unwrap();
            seen[number as usize] += 1;
            let last = by_source.insert(*source, number);
            assert!(last.is_none_or(|last| last < number), "{last:?} before {number} in {source}");
        }
        // No line twice; of those that copytruncate lost, each that was seen came, or is counted.
        let (mut lost, mut which) = (0, Vec::new());
        for &(number, bytes, looked) in &self.late {
            let times = &mut seen[number as usize];
            if *times == 0 {
                if looked {
                    lost += bytes;
                    which.push(number);
                }
                *times = 1;
            }
        }
        let wrong: Vec<(usize, u32)> = seen.into_iter().enumerate().filter(|&(_, times)| times != 1).collect();
        assert!(wrong.is_empty(), "(line, times): {wrong:?} of {} after {:?}", self.number, self.acts);
        self.room.stop();
        assert!(
            self.room.gap_bytes >= lost,
            "times) {} bytes are counted of {lost} lost in {which:?} after {:?}",
            self.room.gap_bytes,
            self.acts
        );
        assert!(self.room.problems.is_empty(), "{:?}", self.room.problems);
    }

    fn act(&mut self, act: Act) {
        self.acts.push((act, self.number));
        match act {
            Act::Write => {
                for _ in 0..=self.dice.below(30) {
                    self.finish();
                    let line = self.line();
                    self.write(&line);
                }
            }
            Act::Part => {
                if self.begun.is_empty() {
                    self.begun = self.line();
                }
                let n = self.dice.below(self.begun.len() as u64) as usize;
                let rest = self.begun.split_off(n);
                let now = std::mem::replace(&mut self.begun, rest);
                self.write(&now);
            }
            Act::Take => {
                let portions = [1, 2, usize::MAX][self.dice.below(3) as usize];
                self.room.take(portions);
            }
            Act::Stop => self.stop(),
            Act::Rename => {
                // A stopped process finds what was rotated up to five times; a tool rotates no file while one is in use.
                if self.down < 5 && !self.stale {
                    self.shift();
                    self.room.rename("access.log", "access.log.1");
                    (self.stale, self.down) = (true, self.down + 1);
                    if self.dice.below(2) == 0 {
                        self.act(Act::Reopen);
                    }
                }
            }
            Act::Reopen => {
                if self.stale {
                    // A program writes whole lines, or finishes them.
                    self.finish();
                    self.tick();
                    self.writer = open(&self.room);
                    self.stale = false;
                }
            }
            Act::Copytruncate => {
                if self.down < 5 && !self.stale {
                    self.finish();
                    self.shift();
                    self.tick();
                    let bytes = fs::read(self.room.at("access.log")).unwrap();
                    let mut copy = fs::File::create(self.room.at("access.log.1")).unwrap();
                    let middle = self.dice.below(bytes.len() as u64 + 1) as usize;
                    let running = self.room.follow.is_some();
                    for piece in [&bytes[..middle], &bytes[middle..]] {
                        if running && self.dice.below(2) == 0 {
                            self.room.take(1);
                        }
                        copy.write_all(piece).unwrap();
                    }
                    let late = (self.dice.below(3) == 0).then(|| {
                        let line = self.line();
                        self.write(&line);
                        (self.number - 1, line.len() as u64)
                    });
                    let looks = running && self.dice.below(2) == 0;
                    if looks {
                        self.room.take([1, usize::MAX][self.dice.below(2) as usize]);
                    }
                    self.late.extend(late.map(|(number, bytes)| (number, bytes, looks)));
                    self.writer.set_len(0).unwrap();
                    self.down += 1;
                }
            }
            Act::Rewrite | Act::Recreate => {
                // What nobody had read is lost to anybody.
                if !self.stale && self.room.follow.is_some() {
                    self.finish();
                    self.room.take(usize::MAX);
                    self.room.take(usize::MAX);
                    if act == Act::Rewrite {
                        self.writer.set_len(0).unwrap();
                    } else {
                        fs::remove_file(self.room.at("access.log")).unwrap();
                        self.tick();
                        self.writer = open(&self.room);
                    }
                    self.act(Act::Write);
                }
            }
            Act::Quiet => {
                if !self.stale {
                    self.finish();
                    self.quiet();
                }
            }
        }
        if self.room.follow.is_some() {
            self.down = 0;
        }
    }

    fn stop(&mut self) {
        if let Some(follow) = &mut self.room.follow {
            follow.look();
            // A file of which nothing was read cannot be told from what is written over it.
            if follow.positions().iter().any(|position| position.offset() == 0 && position.seen > 0) {
                self.room.take(usize::MAX);
            }
        }
        self.room.stop();
    }

    /// What is to be waited for is over.
    fn quiet(&mut self) {
        self.room.take(usize::MAX);
        for _ in 0..4 {
            self.room.follow.as_mut().unwrap().settings.settle = Duration::ZERO;
            self.room.take(usize::MAX);
        }
        self.room.follow.as_mut().unwrap().settings.settle = Duration::from_secs(1000);
        self.down = 0;
    }

    fn line(&mut self) -> String {
        let pad = match self.dice.below(40) {
            0 => 1500,
            1 => 9000,
            n => n as usize * 3,
        };
        let line = format!("{} {}\n", self.number, "x".repeat(pad));
        self.number += 1;
        line
    }

    fn finish(&mut self) {
        let rest = std::mem::take(&mut self.begun);
        self.write(&rest);
    }

    fn write(&mut self, text: &str) {
        self.writer.write_all(text.as_bytes()).unwrap();
    }

    fn shift(&mut self) {
        for old in (1..=self.rotations).rev() {
            let (from, to) = (format!("access.log.{old}"), format!("access.log.{}", old + 1));
            if self.room.at(&from).exists() {
                self.room.rename(&from, &to);
            }
        }
        self.rotations += 1;
        if self.rotations > 12 {
            let _ = fs::remove_file(self.room.at("access.log.13"));
            self.rotations = 12;
        }
    }

    /// Rotations are further apart than the ticks of the kernel's clock.
    fn tick(&self) {
        thread::sleep(Duration::from_millis(11));
    }
}

fn open(room: &Room) -> fs::File {
    OpenOptions::new().create(true).append(true).open(room.at("access.log")).unwrap()
}

fn check(usual: u64, steps: u64, acts: &[Act]) {
    use Act::{Part, Quiet, Stop, Take, Write};
    let all = [&[Write, Write, Write, Part, Take, Take, Stop, Quiet], acts].concat();
    let first = std::env::var("SLADD_FOLLOW_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    for seed in first..first + cases(usual) {
        let done = std::panic::catch_unwind(|| Model::new(seed).run(&all, steps));
        assert!(done.is_ok(), "seed {seed} with {acts:?}");
    }
}

#[test]
fn however_files_are_renamed_running_or_not_every_line_comes_once_and_in_order() {
    check(15, 80, &[Act::Rename, Act::Rename, Act::Reopen]);
}

#[test]
fn however_files_are_copied_and_truncated_every_line_comes_once_and_in_order() {
    check(14, 80, &[Act::Copytruncate, Act::Copytruncate]);
}

#[test]
fn however_files_are_written_anew_every_line_comes_once_and_in_order() {
    check(15, 80, &[Act::Rewrite, Act::Recreate]);
}

#[test]
fn all_of_it_together() {
    check(20, 100, &[Act::Rename, Act::Reopen, Act::Copytruncate, Act::Rewrite, Act::Recreate]);
}

#[test]
fn a_line_split_at_every_byte_stopped_and_rotated_in_between_comes_once_and_whole() {
    let line = "a line with some words in it\n";
    for at in 0..=line.len() {
        for rotate in [false, true] {
            let mut room = Room::new("access.log");
            let mut writer = open(&room);
            writer.write_all(b"before\n").unwrap();
            room.take(usize::MAX);
            writer.write_all(&line.as_bytes()[..at]).unwrap();
            if at % 2 == 0 {
                room.take(usize::MAX);
            }
            room.stop();
            if rotate {
                room.rename("access.log", "access.log.1");
                room.append("access.log", "after\n");
            }
            if at % 3 == 0 {
                room.take(usize::MAX);
                room.stop();
            }
            writer.write_all(&line.as_bytes()[at..]).unwrap();
            room.take(usize::MAX);
            let mut lines = room.all();
            lines.sort();
            let expected: &[&str] =
                if rotate { &[line.trim_end(), "after", "before"] } else { &[line.trim_end(), "before"] };
            assert_eq!(lines, expected, "{at}");
        }
    }
}

#[test]
fn under_a_writer_that_rotates_without_pause_nothing_is_lost_or_moved() {
    let mut room = Room::new("access.log");
    (room.settings.watch, room.settings.poll) = (Watch::Inotify, Duration::from_millis(50));
    room.settings.settle = Duration::from_millis(300);
    let (path, done) = (room.at("access.log"), AtomicBool::new(false));
    let total = 40 * 500;
    room.append("access.log", "");
    room.take(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0;
            for rotation in 0..40 {
                let mut file = OpenOptions::new().create(true).append(true).open(&path).unwrap();
                for _ in 0..500 {
                    file.write_all(format!("{number}\n").as_bytes()).unwrap();
                    number += 1;
                }
                thread::sleep(Duration::from_millis(if rotation % 5 == 0 { 1 } else { 15 }));
                for old in (1..40).rev() {
                    let named = |n| path.with_extension(format!("log.{n}"));
                    let _ = fs::rename(named(old), named(old + 1));
                }
                fs::rename(&path, path.with_extension("log.1")).unwrap();
            }
            fs::write(&path, "").unwrap();
            done.store(true, Ordering::SeqCst);
        });
        while !done.load(Ordering::SeqCst) {
            room.take(20);
            thread::sleep(Duration::from_millis(1));
        }
    });
    room.settle();
    room.settings.settle = Duration::from_millis(300);
    let mut numbers: Vec<u64> = room.lines.iter().map(|(_, line)| line.parse().unwrap()).collect();
    let mut last = BTreeMap::new();
    for (source, line) in &room.lines {
        let number: u64 = line.parse().unwrap();
        assert!(last.insert(*source, number).is_none_or(|last| last < number));
    }
    numbers.sort_unstable();
    assert!(numbers == (0..total).collect::<Vec<u64>>(), "{} lines of {total}", numbers.len());
}

#[test]
fn under_a_writer_that_writes_anew_without_pause_no_line_is_torn_or_twice() {
    let mut room = Room::new("access.log");
    let (path, done) = (room.at("access.log"), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut dice = Dice::new(9);
            for generation in 0..300u64 {
                let lines: String = (0..20 + dice.below(400)).map(|n| format!("{generation} {n} end\n")).collect();
                fs::write(&path, lines).unwrap();
                thread::sleep(Duration::from_micros(dice.below(4000)));
            }
            done.store(true, Ordering::SeqCst);
        });
        while !done.load(Ordering::SeqCst) {
            room.take(3);
        }
    });
    room.settle();
    let mut lines: Vec<&str> = room.lines.iter().map(|(_, line)| line.as_str()).collect();
    for line in &lines {
        let words: Vec<&str> = line.split(' ').collect();
        assert!(words.len() == 3 && words[2] == "end" && words[0].parse::<u64>().is_ok(), "{line}");
    }
    let all = lines.len();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), all, "a line came twice");
    assert!(lines.iter().filter(|line| line.starts_with("299 ")).count() >= 20);
}

#[test]
fn written_anew_above_the_old_place_500_times_each_generation_is_read_from_its_beginning() {
    let mut room = Room::new("access.log");
    let mut dice = Dice::new(16);
    let mut expected = Vec::new();
    for generation in 0..500u64 {
        // Longer than the one before by a byte at least, and alike but for the number.
        let lines: Vec<String> = (0..4 + generation / 4).map(|n| format!("{n} {generation:04} same end")).collect();
        let text =
            lines.iter().map(|line| format!("{line}\n")).collect::<String>() + &"\n".repeat(generation as usize % 4);
        fs::write(room.at("access.log"), &text).unwrap();
        expected.extend(lines);
        let pause = if generation % 100 == 99 { 250 * (1 + generation / 250) } else { dice.below(6) };
        thread::sleep(Duration::from_millis(pause));
        room.take(usize::MAX);
    }
    let lines: Vec<String> = room.settle().into_iter().filter(|line| !line.is_empty()).collect();
    assert!(lines == expected, "{} lines of {}", lines.len(), expected.len());
    assert_eq!((room.counts().truncations, room.counts().gaps), (499, 0));
}
