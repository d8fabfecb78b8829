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
use regex::Regex;
use sladd::{engine::Engine, tally::Tally};
use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::LazyLock,
    time::{Duration, Instant},
};

/// Runs one target: `cases` cases, or as long as `SLADD_FUZZ_SECONDS` says.
fn each(name: &str, cases: u64, mut target: impl FnMut(&mut Dice)) {
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
struct Engines([(&'static str, Engine); 3]);

impl Engines {
    fn new() -> Engines {
        Engines(["hosting", "strict", "minimal"].map(|name| (name, common::engine(&common::builtin(name)))))
    }

    /// Lines through each policy; what holds of any input is held against it. Gives what came out under `hosting`.
    fn run(&mut self, lines: &[u8]) -> Vec<u8> {
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

    /// Lines through each policy, and what came out once more: it must stay as it is. A line that fits no format may
    /// fit one when its escapes are undone and its control characters are written out.
    fn run_twice(&mut self, lines: &[u8], policies: &[&str]) {
        for (name, engine) in self.0.iter_mut().filter(|(name, _)| policies.contains(name)) {
            let (once, first) = common::run(engine, lines);
            let (twice, second) = common::run(engine, &once);
            // So is a line whose time is none, in brackets that are not Apache's or at its start: without it the line fits
            // no layout.
            let timeless = contains(&once, b"[-]") || once.starts_with(b"- ");
            if first.unmatched > 0 || second.unmatched > 0 && timeless {
                continue;
            }
            // And behind a host without a port a withheld client leaves what may be a client and a user of two words.
            if once != twice && is_withheld_behind_host(&once) {
                continue;
            }
            // A time that was withheld dates the record no more.
            assert_eq!(
                undated(&once),
                undated(&twice),
                "{name} changes its own output of\n{}",
                String::from_utf8_lossy(lines)
            );
        }
    }
}

/// The text with the dates of its tags blanked.
fn undated(text: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(text).into_owned();
    for mark in [" until=", "\"until\":\""] {
        let starts: Vec<usize> = text.match_indices(mark).map(|(at, _)| at + mark.len()).collect();
        for start in starts {
            if text.is_char_boundary(start + 10) {
                text.replace_range(start..start + 10, "----------");
            }
        }
    }
    text
}

fn is_withheld_behind_host(line: &[u8]) -> bool {
    let head = line.split(|&byte| byte == b'[').next().unwrap_or_default();
    let words: Vec<&[u8]> = head.trim_ascii_end().split(|&byte| byte == b' ').collect();
    words.len() >= 4 && words[1] == b"-" && !words[0].contains(&b':')
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
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

/// Plants one of the spellings in a line in any state: none of its traces may come out under `hosting`.
fn planted(name: &str, cases: u64, spellings: &[(&str, &[&str])]) {
    let mut engines = Engines::new();
    each(name, cases, |dice| {
        let (spelling, traces) = spellings[dice.below(spellings.len())];
        let mut line = mutate::line(dice, 4);
        mutate::plant(&mut line, spelling.as_bytes(), dice);
        line.push(b'\n');
        let out = engines.run(&line);
        gone(&line, &out, traces);
    });
}

static PSEUDONYM: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"p1\.[0-9]{8}\.[0-9a-f]{16}").unwrap());

/// Fails where any of these stands in what came out.
fn gone(line: &[u8], out: &[u8], traces: &[&str]) {
    let shown = String::from_utf8_lossy(out);
    // What a pseudonym's digits happen to spell is no trace.
    let lower = PSEUDONYM.replace_all(&shown.to_ascii_lowercase(), "").into_owned();
    for trace in traces {
        assert!(!lower.contains(trace), "`{trace}` comes out\n  in  {}\n  out {shown}", String::from_utf8_lossy(line));
    }
}
