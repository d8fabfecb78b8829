//! F02, F06, F08, F09, F47: the sidecar killed at each of its calls, each of them failing once, and interrupted again and again.

use super::harness::{
    Dice, SLADD,
    beside::{Beside, Grown, comes, ends},
    has, is_long, lines, often,
    program::{self, Running},
};
use rustix::process::Signal;
use std::{
    collections::BTreeMap,
    fs,
    os::unix::process::ExitStatusExt,
    process::{Command, Output},
};

/// What changes a disk, or opens or locks what is on it.
const CALLS: [&str; 13] = [
    "write",
    "fsync",
    "fdatasync",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "ftruncate",
    "openat",
    "fchmod",
    "mkdirat",
    "flock",
];

/// Rounds of a run, each in pieces of so many lines, with a rotation behind it.
const PIECES: usize = 4;
const PIECE: usize = 25;

fn rounds() -> usize {
    often(2, 20)
}

/// The sidecar under strace, which is not its parent: what we start, signal and wait for is the sidecar itself.
fn traced(beside: &Beside, log: &str, more: &[&str]) -> Running {
    let mut command = Command::new("strace");
    command.args(["-D", "-f", "-qqq", "-s", "0", "-e", "signal=none", "-o", log]).args(more);
    command.arg(SLADD).args(["sidecar", "-q", "--policy", "./policy.toml"]).current_dir(beside.room.path());
    program::start(&mut command)
}

/// Feeds it piece by piece, so that it makes the same calls each time, and asks it to end. What it did not live to take
/// is there all the same, in one file: several that came while it was down tell by their times alone which was first.
fn fed(beside: &Beside, mut running: Running, what: &str) -> Output {
    let (mut written, mut grown) = (0, Grown::new(&beside.at("out/access.log")));
    for round in 0..rounds() {
        if running.is_over() {
            beside.append("in/access.log", &lines::lines(written, rounds() * PIECES * PIECE - written));
            break;
        }
        for _ in 0..PIECES {
            beside.append("in/access.log", &lines::lines(written, PIECE));
            written += PIECE;
            comes(what, || running.is_over() || grown.lines() >= written);
        }
        fs::rename(beside.at("in/access.log"), beside.at(&format!("in/access.log.{round}"))).unwrap();
    }
    if !running.is_over() {
        super::harness::beside::listens(&running);
        running.signal(Signal::TERM);
    }
    running.end(what)
}

/// The run after it puts right what it left.
fn completes(beside: &Beside, what: &str) {
    let wanted = rounds() * PIECES * PIECE;
    let running = beside.start();
    beside.reaches(wanted, what);
    ends(running, what);
    beside.is_whole(wanted, what);
}

/// How often one thread makes each call in a run that nothing happens to: the desk, or the one that waits for disks.
fn counted(names: &[&str]) -> BTreeMap<String, usize> {
    let beside = Beside::following();
    let names: Vec<String> = names.iter().map(|name| format!("?{name}")).collect();
    let output = fed(&beside, traced(&beside, "calls", &["-e", &format!("trace={}", names.join(","))]), "undisturbed");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    beside.is_whole(rounds() * PIECES * PIECE, "undisturbed");
    let text = fs::read_to_string(beside.at("calls")).unwrap();
    // strace counts for each thread by itself.
    let mut calls: BTreeMap<String, BTreeMap<&str, usize>> = BTreeMap::new();
    for line in text.lines() {
        if let Some((thread, rest)) = line.split_once(' ')
            && let Some((name, _)) = rest.trim_start().split_once('(')
        {
            *calls.entry(name.to_owned()).or_default().entry(thread).or_default() += 1;
        }
    }
    let most = |threads: BTreeMap<&str, usize>| threads.into_values().max().unwrap_or(0);
    calls.into_iter().map(|(name, threads)| (name, most(threads))).collect()
}

/// Of all points so many, the same each time; all of them in the long form, in no order, so that a part of them says something.
fn some(mut points: Vec<(String, usize)>, most: usize) -> Vec<(String, usize)> {
    if is_long() {
        let mut dice = Dice(3);
        points.sort_by_cached_key(|_| dice.below(1 << 30));
        return points;
    }
    let mut dice = Dice(2);
    (0..most).map(|_| points[dice.below(points.len() as u64) as usize].clone()).collect()
}

/// F02: whenever it dies, nothing is lost and nothing stands twice.
#[test]
fn killed_at_each_of_its_calls_it_goes_on() {
    if !has("strace") {
        return;
    }
    let calls = counted(&CALLS);
    // Of the calls that come very often a part.
    let part = |count: usize| (1..=count).step_by((count / 100).max(1));
    let points = calls.iter().flat_map(|(name, &count)| part(count).map(|nth| (name.clone(), nth))).collect();
    let (mut tried, mut met) = (0, 0);
    for (name, nth) in some(points, 10) {
        let (beside, what) = (Beside::following(), format!("killed at {name} {nth}"));
        let inject = format!("inject={name}:signal=SIGKILL:when={nth}");
        let running = traced(&beside, "/dev/null", &["-e", &format!("trace={name}"), "-e", &inject]);
        let output = fed(&beside, running, &what);
        tried += 1;
        met += usize::from(output.status.signal() == Some(9));
        completes(&beside, &what);
        if tried % 50 == 0 {
            println!("F02: {tried} points so far, {met} met");
        }
    }
    println!("F02: {tried} points, {met} met");
    assert!(met * 10 >= tried * 8, "{met} of {tried} points were met");
}

/// F06, F08, F47: each call fails once. It waits, or it ends and says so; a sync that failed is not tried again. What close says
/// counts for nothing, since all that counts is synced; the standard library takes one that fails on a directory for a fault.
#[test]
fn whichever_call_fails_nothing_is_lost_and_nothing_stands_twice() {
    if !has("strace") {
        return;
    }
    let faults = [
        ("write", "ENOSPC"),
        ("write", "EIO"),
        ("fsync", "EIO"),
        ("fdatasync", "EIO"),
        ("fdatasync", "ENOSPC"),
        ("rename", "EIO"),
        ("renameat", "ENOSPC"),
        ("renameat2", "EIO"),
        ("ftruncate", "EIO"),
        ("openat", "EMFILE"),
        ("openat", "ENOSPC"),
        ("unlinkat", "EIO"),
        ("pread64", "EIO"),
        ("statx", "EIO"),
        ("fstat", "EIO"),
        ("newfstatat", "EIO"),
        ("poll", "ENOMEM"),
        ("ppoll", "ENOMEM"),
        ("read", "EIO"),
    ];
    let mut names: Vec<&str> = faults.map(|(name, _)| name).to_vec();
    names.dedup();
    let calls = counted(&names);
    let mut points = Vec::new();
    for (name, error) in faults {
        // Of the calls that come very often a part.
        let count = calls.get(name).copied().unwrap_or(0);
        let step = (count / 80).max(1);
        points.extend((1..=count).step_by(step).map(|nth| (format!("{name}:error={error}"), nth)));
    }
    let (mut tried, mut met, mut ended) = (0, 0, BTreeMap::new());
    for (fault, nth) in some(points, 12) {
        let (beside, what) = (Beside::following(), format!("{fault} at {nth}"));
        let name = fault.split_once(':').unwrap().0;
        let inject = format!("inject={fault}:when={nth}");
        let running = traced(&beside, "calls", &["-e", &format!("trace={name}"), "-e", &inject]);
        let output = fed(&beside, running, &what);
        let text = fs::read_to_string(beside.at("calls")).unwrap();
        tried += 1;
        // Before the loader is done, nothing is ours.
        let ours = text.contains("(INJECTED)") && output.status.code() != Some(127);
        met += usize::from(ours);
        let code = output.status.code().unwrap_or(-1);
        *ended.entry(code).or_insert(0) += 1;
        let known = [0, 65, 66, 70, 73, 74, 77, 78, 127];
        assert!(known.contains(&code), "{what}: {:?} {}", output.status, String::from_utf8_lossy(&output.stderr));
        completes(&beside, &what);
        if tried % 50 == 0 {
            println!("F06, F08, F47: {tried} calls so far, {met} failed, ended with {ended:?}");
        }
    }
    println!("F06, F08, F47: {tried} calls, {met} failed, ended with {ended:?}");
    assert!(met * 10 >= tried * 7, "{met} of {tried} calls failed");
}

/// F09.
#[test]
fn interrupted_again_and_again_it_does_the_same() {
    if !has("strace") {
        return;
    }
    // What the loader reads is not ours: it gives up where that is interrupted.
    let calls =
        [("write", 1), ("pread64", 12), ("fsync", 1), ("fdatasync", 1), ("poll", 1), ("flock", 1), ("read", 14)];
    let (mut dice, mut interrupts) = (Dice(9), 0);
    let patterns = often(4, 200);
    for pattern in 0..patterns {
        let (name, first) = calls[pattern % calls.len()];
        let (first, step) = (first + dice.below(5), 2 + dice.below(9));
        let (beside, what) = (Beside::following(), format!("{name} from {first} on, each {step}."));
        let inject = format!("inject={name}:error=EINTR:when={first}+{step}");
        let running = traced(&beside, "calls", &["-e", &format!("trace={name}"), "-e", &inject]);
        let output = fed(&beside, running, &what);
        assert_eq!(output.status.code(), Some(0), "{what}: {}", String::from_utf8_lossy(&output.stderr));
        interrupts += fs::read_to_string(beside.at("calls")).unwrap().matches("(INJECTED)").count();
        let wanted = rounds() * PIECES * PIECE;
        if lines::count(&beside.read("out/access.log")) < wanted {
            completes(&beside, &what);
        } else {
            beside.is_whole(wanted, &what);
        }
    }
    println!("F09: {patterns} patterns, {interrupts} interrupts");
    assert!(interrupts >= patterns);
}
