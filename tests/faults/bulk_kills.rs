//! F01, F02, F43: a run that is killed, at any moment, or that is not alone.

use super::harness::{
    Dice, has,
    inject::{Fault, Points},
    is_long,
    job::{IN_PLACE, Job, ONE_KEY, OUT, REMOVES, SHARES, Shape},
    often,
};
use std::{
    os::unix::process::ExitStatusExt,
    time::{Duration, Instant},
};

/// F01.
#[test]
fn kills_at_random_times_lose_nothing_and_double_nothing() {
    let job =
        Job::new(&[("a.log", 30_000), ("b.log", 20_000), ("sub/c.log.gz", 25_000), ("sub/d.log", 300), ("e.log", 0)]);
    let began = Instant::now();
    assert_eq!(job.again(&[]).status.code(), Some(0));
    let whole = began.elapsed().as_micros() as u64;
    let mut dice = Dice(1);
    let (mut kills, mut rounds) = (0, 0);
    let wanted = often(40, 1000);
    while kills < wanted {
        let shape = [OUT, IN_PLACE, ONE_KEY, REMOVES][rounds % 4];
        rounds += 1;
        job.restore();
        // Killed again and again until it is done.
        for _ in 0..1000 {
            let child = job.start(shape.arguments());
            std::thread::sleep(Duration::from_micros(dice.below(whole * 6 / 5)));
            let output = child.kill(shape.name);
            if output.status.signal().is_none() {
                assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
                break;
            }
            kills += 1;
            if kills >= wanted {
                break;
            }
        }
        job.recovers(&shape, &format!("after {kills} kills"));
    }
    println!("F01: {kills} kills in {rounds} jobs");
}

/// F02: at every write, sync, rename and the like.
fn is_killed_everywhere(job: &Job, shape: &Shape) {
    if !has("strace") {
        return;
    }
    let Points { points, shadowed } = job.points(shape);
    assert!(points.len() > 60, "{}", points.len());
    let each = if is_long() { 1 } else { points.len().div_ceil(16) };
    let (mut tried, mut missed) = (0, Vec::new());
    for point in points.iter().step_by(each) {
        tried += 1;
        match job.meets(shape, point, Fault::Kill) {
            Some(_) => job.recovers(shape, &point.to_string()),
            None => missed.push(point.to_string()),
        }
    }
    println!(
        "F02 {}: killed at {} of {tried} points; {shadowed} calls more are not told apart",
        shape.name,
        tried - missed.len()
    );
    missed.iter().for_each(|point| println!("F02 {}: never came to {point}", shape.name));
    assert!(missed.len() * 20 <= tried, "{missed:?}");
}

/// F02.
#[test]
fn a_kill_at_every_call_of_a_plain_run_is_recovered() {
    is_killed_everywhere(&Job::new(&[("a.log", 40), ("sub/b.log", 30), ("c.log", 0)]), &OUT);
}

/// F02.
#[test]
fn a_kill_at_every_call_of_a_run_over_packed_files_is_recovered() {
    is_killed_everywhere(&Job::new(&[("a.log.gz", 40), ("sub/b.log.zst", 30), ("c.bz2", 20), ("sub/d.xz", 10)]), &OUT);
}

/// F02: the key of the job is among what is at stake, when it is drawn and when it is destroyed.
#[test]
fn a_kill_at_every_call_of_a_job_that_draws_a_key_is_recovered() {
    is_killed_everywhere(&Job::new(&[("a.log", 40), ("sub/b.log.gz", 30)]), &ONE_KEY);
}

/// F02.
#[test]
fn a_kill_at_every_call_of_one_share_is_recovered() {
    let files = ["a.log", "b.log", "c.log.gz", "sub/d.log", "sub/e.log", "sub/f.log"];
    is_killed_everywhere(&Job::new(&files.map(|name| (name, 20))), &SHARES);
}

/// F02: the original is what is at stake.
#[test]
fn a_kill_at_every_call_in_place_leaves_each_file_raw_or_minimised_and_never_half() {
    is_killed_everywhere(&Job::new(&[("a.log", 40), ("sub/b.log.gz", 30), ("sub/c.log", 10)]), &IN_PLACE);
}

/// F02, and F46 for what bulk removes.
#[test]
fn a_kill_at_every_call_of_a_run_that_removes_originals_leaves_each_original_or_its_output() {
    is_killed_everywhere(&Job::new(&[("a.log", 40), ("sub/b.log.gz", 30), ("sub/c.log", 10)]), &REMOVES);
}

/// F43.
#[test]
fn of_two_runs_at_once_one_is_refused() {
    let job = Job::new(&[("a.log", 20_000), ("b.log", 20_000)]);
    let mut refused = 0;
    for _ in 0..often(5, 100) {
        job.restore();
        let both = [job.start(OUT.arguments()), job.start(OUT.arguments())];
        let codes = both.map(|child| child.end("one of two").status.code().unwrap());
        assert!(codes.iter().all(|code| [0, 73].contains(code)) && codes.contains(&0), "{codes:?}");
        refused += codes.iter().filter(|&&code| code == 73).count();
        assert!(job.outputs("out") == *job.wanted());
    }
    println!("F43: {refused} refused");
}
