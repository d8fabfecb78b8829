//! The running pipe: several workers, one order; several processes, one file.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use std::{
    fs,
    io::Write,
    process::{Child, Command, Stdio},
    time::Duration,
};

fn start(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_sladd"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// A line that is known by its size; every seventh fits no format, some are long.
fn line(number: usize) -> String {
    match number % 7 {
        3 => format!("free text of line number{number} from 203.0.113.77\n"),
        5 => format!(
            "203.0.113.77 - - [21/Nov/2026:10:00:00 +0100] \"GET /{} HTTP/1.1\" 200 {number} \"-\" \"curl/8.5.0\"\n",
            "a/".repeat(number * 31 % 2000)
        ),
        _ => format!(
            "203.0.113.77 - - [21/Nov/2026:10:00:00 +0100] \"GET / HTTP/1.1\" 200 {number} \"-\" \"curl/8.5.0\"\n"
        ),
    }
}

/// The number of a minimised line.
fn number(line: &str) -> usize {
    let word = match line.split_once("\" 200 ") {
        Some((_, rest)) => rest.split(' ').next(),
        None => line.split("number").nth(1).and_then(|rest| rest.split(' ').next()),
    };
    word.and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("no number in {line}"))
}

fn cases() -> u32 {
    std::env::var("SLADD_CASES").ok().and_then(|text| text.parse().ok()).map_or(12, |cases: u32| cases / 100 + 1)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn lines_come_out_in_the_order_in_which_they_came_however_they_are_cut(
        lines in 1usize..12_000,
        portions in prop::collection::vec((1usize..300_000, 0u64..3), 1..12),
    ) {
        let bytes: Vec<u8> = (0..lines).flat_map(|number| line(number).into_bytes()).collect();
        let mut child = start(&[]);
        let mut stdin = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || {
            let (mut rest, mut cut) = (&bytes[..], portions.iter().cycle());
            while !rest.is_empty() {
                let (size, pause) = *cut.next().unwrap();
                let (now, later) = rest.split_at(size.min(rest.len()));
                stdin.write_all(now).unwrap();
                std::thread::sleep(Duration::from_millis(if rest.len() > 1_000_000 { 0 } else { pause }));
                // Many small portions would take long.
                rest = if size < 50 { stdin.write_all(later).map(|()| &later[later.len()..]).unwrap() } else { later };
            }
        });
        let out = child.wait_with_output().unwrap();
        writer.join().unwrap();
        prop_assert!(out.status.success());
        let text = String::from_utf8(out.stdout).unwrap();
        let numbers: Vec<usize> = text.lines().map(number).collect();
        prop_assert!(numbers.iter().copied().eq(0..lines), "{} of {lines} lines, or out of order", numbers.len());
    }
}

#[test]
fn two_processes_that_append_to_one_file_tear_no_line() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("access.log");
    let path = file.to_str().unwrap();
    let mut both: Vec<Child> = (0..2).map(|_| start(&["-q", "-o", path])).collect();
    let lines = 20_000;
    let writers: Vec<_> = both
        .iter_mut()
        .map(|child| {
            let mut stdin = child.stdin.take().unwrap();
            std::thread::spawn(move || {
                for first in (0..lines).step_by(50) {
                    let some: String = (first..first + 50).map(line).collect();
                    stdin.write_all(some.as_bytes()).unwrap();
                    if first % 1000 == 0 {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                }
            })
        })
        .collect();
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    assert!(both.iter_mut().all(|child| child.wait().unwrap().success()));
    let text = fs::read_to_string(&file).unwrap();
    let mut seen = vec![0; lines];
    for line in text.lines() {
        assert!(line.ends_with("policy=hosting/1\""), "a torn line");
        assert_eq!(line.matches("class=").count(), 1, "two lines in one");
        seen[number(line)] += 1;
    }
    assert!(seen.iter().all(|times| *times == 2));
}
