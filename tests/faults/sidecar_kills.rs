//! F01, F04, F13, F14: the sidecar killed and stopped at any moment, while lines come and files are rotated.

use super::harness::{
    Dice,
    beside::{Beside, Grown, comes, ends},
    lines::{self, numbers},
    often, oracle,
};
use rustix::process::Signal;
use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    time::{Duration, Instant},
};

const FOLLOWED: &str = "[[input]]\nfollow = [\"ROOM/in/access.log*\"]\n";

/// How records go out: into one file; into one that is put aside at a size; shared among two by class.
const SHAPES: [(&str, &str); 3] = [
    ("one file", "[[output]]\nfile = \"ROOM/out/access.log\"\n"),
    (
        "a file that is put aside",
        "[[output]]\nfile = \"ROOM/out/access.log\"\nrotate = { size = \"32 KiB\", keep = 1000 }\n",
    ),
    ("two files", "[[output]]\nfile = \"ROOM/out/access.log\"\n[[output]]\nfile = \"ROOM/out/second.log\"\n"),
];

/// All that was put out at a path, oldest first. What is renamed meanwhile may be missing.
fn all_of(beside: &Beside, name: &str) -> Vec<u8> {
    let mut aside: Vec<(usize, PathBuf)> = fs::read_dir(beside.at("out"))
        .unwrap()
        .flatten()
        .filter_map(|entry| {
            let found = entry.file_name().into_string().unwrap();
            Some((found.strip_prefix(&format!("{name}."))?.parse().ok()?, entry.path()))
        })
        .collect();
    aside.sort_by_key(|&(number, _)| std::cmp::Reverse(number));
    let mut all: Vec<u8> = aside.into_iter().flat_map(|(_, path)| fs::read(path).unwrap_or_default()).collect();
    all.extend(beside.read(&format!("out/{name}")));
    all
}

/// F01, F13.
#[test]
fn killed_at_any_moment_it_goes_on_and_no_line_is_lost_or_doubled() {
    let (mut dice, mut kills, mut rotations, mut lines_in) = (Dice(51), 0, 0, 0);
    for (round, (shape, wiring)) in SHAPES.iter().cycle().take(often(3, 42)).enumerate() {
        let beside = Beside::new(&format!("{FOLLOWED}{wiring}"));
        let mut written = 0;
        for _ in 0..often(8, 24) {
            let running = beside.start();
            let until = Instant::now() + Duration::from_millis(1 + dice.below(150));
            while Instant::now() < until {
                let more = dice.below(40) as usize;
                beside.append("in/access.log", &lines::lines(written, more));
                written += more;
                if dice.below(12) == 0 {
                    rotations += 1;
                    let _ = fs::rename(beside.at("in/access.log"), beside.at(&format!("in/access.log.{rotations}")));
                }
                std::thread::sleep(Duration::from_millis(dice.below(4)));
            }
            running.kill(shape);
            kills += 1;
        }
        let (what, running) = (format!("{shape}, round {round}"), beside.start());
        comes(&what, || lines::count(&all_of(&beside, "access.log")) >= written);
        ends(running, &what);
        let made = all_of(&beside, "access.log");
        beside.holds(&made, written, &what);
        if *shape == "two files" {
            assert!(made == beside.read("out/second.log"), "{what}: the outputs differ");
        }
        beside.is_clean(&what);
        lines_in += written;
    }
    println!("F01, F13: {kills} kills, {rotations} rotations, {lines_in} lines");
}

/// F04, F14: stopped and started under load, with rotations while it is down.
#[test]
fn stopped_and_rotated_under_while_down_it_goes_on() {
    let (mut dice, mut stops, mut rotations, mut lines_in) = (Dice(14), 0, 0, 0);
    let mut longest = Duration::ZERO;
    for room in 0..often(1, 40) {
        let (beside, mut written) = (Beside::following(), 0);
        for round in 0..often(8, 25) {
            let running = beside.start();
            for _ in 0..dice.below(6) {
                let more = dice.below(60) as usize;
                beside.append("in/access.log", &lines::lines(written, more));
                written += more;
                std::thread::sleep(Duration::from_millis(dice.below(20)));
            }
            let began = Instant::now();
            running.signal(if dice.below(2) == 0 { Signal::TERM } else { Signal::INT });
            let output = running.end(&format!("room {room}, round {round}"));
            longest = longest.max(began.elapsed());
            stops += 1;
            let said = String::from_utf8_lossy(&output.stderr);
            // It may be too early to be heard.
            let at_once = [Signal::TERM, Signal::INT].map(|signal| Some(signal.as_raw()));
            let at_once = at_once.contains(&output.status.signal());
            assert!(at_once || output.status.success() && said.contains(" lines in = "), "{:?} {said}", output.status);
            for _ in 0..dice.below(4) {
                rotations += 1;
                let _ = fs::rename(beside.at("in/access.log"), beside.at(&format!("in/access.log.{rotations}")));
                let more = 1 + dice.below(30) as usize;
                beside.append("in/access.log", &lines::lines(written, more));
                written += more;
            }
        }
        let running = beside.start();
        beside.reaches(written, "after the rounds");
        ends(running, "after the rounds");
        beside.is_complete(written, "after the rounds");
        lines_in += written;
    }
    println!("F04, F14: {stops} stops, the longest took {longest:?}, {rotations} rotations, {lines_in} lines");
    assert!(longest < Duration::from_secs(20), "an end took {longest:?}");
}

/// F13: a file is renamed a hundred times a minute under 20,000 lines a second, and the old ones are deleted.
#[test]
fn rotated_under_load_it_loses_nothing() {
    let beside = Beside::following();
    let rotations = often(12, 1_000);
    let (every, per_rotation) = (Duration::from_millis(often(200, 600) as u64), often(4_000, 12_000));
    let mut running = beside.start();
    let (mut grown, mut next, mut behind) = (Grown::new(&beside.at("out/access.log")), 0, 0);
    let began = Instant::now();
    for rotation in 0..rotations {
        for slice in 0..10 {
            beside.append("in/access.log", &lines::lines(next, per_rotation / 10));
            next += per_rotation / 10;
            let due = every * rotation as u32 + every / 10 * slice;
            std::thread::sleep(due.saturating_sub(began.elapsed()));
        }
        for number in (0..5).rev() {
            let name = |number| beside.at(&format!("in/access.log.{number}"));
            let _ = fs::rename(name(number), name(number + 1));
        }
        fs::rename(beside.at("in/access.log"), beside.at("in/access.log.0")).unwrap();
        running.probe();
        behind = behind.max(next - grown.lines().min(next));
        // What is deleted before it was read is nobody's to give back; a slow machine may need that long.
        comes("it keeps up", || grown.lines() + 4 * per_rotation >= next);
    }
    let took = began.elapsed();
    beside.reaches(next, "after the rotations");
    running.signal(Signal::TERM);
    let (output, peak, descriptors) = running.probed();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let made = beside.read("out/access.log");
    // Two that came between two looks tell by their times alone which was first, and have their turns.
    let in_order = numbers(&made).is_sorted();
    oracle::each_once(&made, 0, next, "rotations under load");
    beside.is_clean("rotations under load");
    println!(
        "F13: {rotations} rotations and {next} lines in {took:?}, in order: {in_order}, {behind} lines behind at most, {peak} KiB, {descriptors} descriptors"
    );
    assert!(peak < 64 * 1024 && descriptors < 64, "{peak} KiB, {descriptors} descriptors");
}
