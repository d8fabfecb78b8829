//! Targets that throw mutated lines at parsers and detectors: one file a family, one loop for all.
//!
//! They run as tests, a fixed number of cases each, always the same ones. `SLADD_FUZZ_SECONDS=600 cargo test --test fuzz`
//! lets each of them go on for so long; a failure names the case, and `SLADD_FUZZ_CASE=N` runs that one alone.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod addresses;
mod directives;
mod ids;
mod json;
mod layouts;
mod mail;
mod mutate;
mod secrets;
mod text;

use mutate::Dice;
use sladd::{engine::Engine, tally::Tally};
use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    time::{Duration, Instant},
};

/// Runs one target: `cases` cases, or as long as `SLADD_FUZZ_SECONDS` says.
pub fn each(name: &str, cases: u64, mut target: impl FnMut(&mut Dice)) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let mut one = |case: u64| {
        let mut dice = Dice::new(name, case);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(&mut dice))) {
            eprintln!("target {name}: case {case} fails");
            resume_unwind(panic);
        }
    };
    if let Some(case) = number("SLADD_FUZZ_CASE") {
        return one(case);
    }
    let Some(seconds) = number("SLADD_FUZZ_SECONDS") else { return (0..cases).for_each(one) };
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut case = 0;
    while Instant::now() < end {
        one(case);
        case += 1;
    }
    eprintln!("target {name}: {case} cases in {seconds} s");
}

/// The three built-in policies, each with its engine.
pub struct Engines([(&'static str, Engine); 3]);

impl Engines {
    pub fn new() -> Engines {
        Engines(["hosting", "strict", "minimal"].map(|name| (name, common::engine(&common::builtin(name)))))
    }

    /// Lines through each policy; what holds of any input is held against it. Gives what came out under `hosting`.
    pub fn run(&mut self, lines: &[u8]) -> Vec<u8> {
        let mut hosting = Vec::new();
        for (name, engine) in &mut self.0 {
            let (out, tally) = common::run(engine, lines);
            check(name, lines, &out, &tally);
            if *name == "hosting" {
                hosting = out;
            }
        }
        hosting
    }

    /// Lines through each policy, and what came out once more: it must stay as it is.
    pub fn run_twice(&mut self, lines: &[u8]) {
        for (name, engine) in &mut self.0 {
            let (once, _) = common::run(engine, lines);
            let (twice, _) = common::run(engine, &once);
            assert_eq!(
                String::from_utf8_lossy(&once),
                String::from_utf8_lossy(&twice),
                "{name} changes its own output of\n{}",
                String::from_utf8_lossy(lines)
            );
        }
    }
}

fn check(policy: &str, lines: &[u8], out: &[u8], tally: &Tally) {
    let count = |bytes: &[u8]| bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
    let unfinished = u64::from(lines.last().is_some_and(|&byte| byte != b'\n'));
    assert!(tally.balances(), "{policy}: {tally:?}");
    assert_eq!(tally.lines, count(lines) + unfinished, "{policy}");
    assert_eq!(count(out), tally.lines, "{policy}: a line in is a line out");
    assert_eq!((tally.bytes_in, tally.bytes_out), (lines.len() as u64, out.len() as u64), "{policy}");
    if policy != "minimal" {
        let control = |byte: &&u8| (**byte < b' ' || **byte == 0x7f) && !matches!(byte, b'\n' | b'\r' | b'\t');
        assert_eq!(out.iter().find(control), None, "{policy}: a control character comes out");
    }
}

/// Fails where any of these stands in what came out.
pub fn gone(line: &[u8], out: &[u8], traces: &[&str]) {
    let shown = String::from_utf8_lossy(out);
    let lower = shown.to_ascii_lowercase();
    for trace in traces {
        assert!(!lower.contains(trace), "`{trace}` comes out\n  in  {}\n  out {shown}", String::from_utf8_lossy(line));
    }
}
