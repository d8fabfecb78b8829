//! Lines in envelopes and in strings: whatever stands around them, they are treated as if they stood alone.
#![allow(clippy::unwrap_used)]

mod common;

use common::{builtin, cases, run, with_format};
use proptest::prelude::*;
use sladd::{
    encode::Batch,
    engine::{Carry, Due, Engine, Progress},
    plan::Plan,
    treatment::pseudonym::Secret,
};
use std::sync::{Arc, OnceLock};

/// Each way to wrap a line: what stands before it, and whether it is put into a JSON string.
const WRAPS: &[(&str, bool)] = &[
    ("<190>Nov 21 10:00:00 web1 nginx: ", false),
    ("<190>Nov 21 10:00:00 web1 nginx[12]: ", false),
    ("Nov 21 10:00:00 web1 nginx[12]: ", false),
    ("<190>Nov 21 10:00:00 nginx: ", false),
    ("<190>Nov 21 10:00:00 web1 ", false),
    ("2026-11-21T10:00:00.123+01:00 web1 nginx[12]: ", false),
    ("<165>1 2026-11-21T10:00:03.003Z web1 app 8710 ID47 [a@1 k=\"v\"] ", false),
    ("2026-11-21T10:00:00.123456789Z stdout F ", false),
    ("{\"log\":", true),
    ("{\"MESSAGE\":", true),
    ("{\"level\":\"info\",\"message\":", true),
];

fn wrap(which: usize, inner: &str) -> String {
    let (before, string) = WRAPS[which];
    match string {
        true => format!("{before}{}}}", serde_json::to_string(inner).unwrap()),
        false => format!("{before}{inner}"),
    }
}

/// What is left of the line within.
fn unwrap(which: usize, out: &str) -> String {
    let (before, string) = WRAPS[which];
    let rest = out.strip_prefix(before).unwrap_or_else(|| panic!("{out}"));
    match string {
        true => serde_json::Deserializer::from_str(rest).into_iter::<String>().next().unwrap().unwrap(),
        false => rest.to_owned(),
    }
}

const LINES: &[&str] = &[
    r#"203.0.113.77 - kari [21/Nov/2026:10:00:00 +0100] "GET /a?token=hemmelig HTTP/1.1" 200 5 "https://www.example.org/x?y" "curl/8.5.0""#,
    r#"www.example.com:443 2001:db8:1:2::3 - - [21/Nov/2026:10:00:00 +0100] "GET / HTTP/1.1" 200 5 "-" "-""#,
    r#"203.0.113.77 - kari [21/Nov/2026:10:00:00 +0100] "GET / HTTP/1.1" 200 5"#,
    "came in: 203.0.113.77, kari@example.org",
];

/// Plans are costly and all the same here.
fn plan(format: &str) -> Arc<Plan> {
    static PLANS: OnceLock<[Arc<Plan>; 2]> = OnceLock::new();
    let plans = PLANS.get_or_init(|| {
        ["auto", "cri"].map(|format| Arc::new(Plan::compile(&with_format(builtin("hosting"), format)).unwrap()))
    });
    plans[usize::from(format == "cri")].clone()
}

fn engine(format: &str) -> Engine {
    let mut engine = Engine::new(plan(format));
    engine.set_reference(common::REFERENCE);
    engine
}

/// One line under `hosting`.
fn line(line: &str) -> String {
    let (out, tally) = run(&mut engine("auto"), format!("{line}\n").as_bytes());
    assert!(tally.balances(), "{tally:?}");
    String::from_utf8_lossy(&out).trim_end_matches('\n').to_owned()
}

/// The tag of the policy, which stands behind the outermost line.
fn untagged(text: &str) -> &str {
    text.split(" \"class=").next().unwrap()
}

#[test]
fn a_line_in_any_envelope_becomes_what_it_becomes_alone() {
    for inner in LINES {
        let alone = line(inner);
        for which in 0..WRAPS.len() {
            let out = line(&wrap(which, inner));
            assert_eq!(untagged(&unwrap(which, &out)), untagged(&alone), "{out}");
        }
    }
}

#[test]
fn envelopes_stand_in_one_another_and_each_keeps_its_place() {
    let alone = line(LINES[0]);
    for outer in 0..WRAPS.len() {
        for middle in 0..WRAPS.len() {
            let out = line(&wrap(outer, &wrap(middle, LINES[0])));
            let inner = unwrap(middle, untagged(&unwrap(outer, &out)));
            assert_eq!(untagged(&inner), untagged(&alone), "{out}");
        }
    }
}

#[test]
fn the_time_of_a_record_is_that_of_the_line_within_and_else_that_around_it() {
    let until = |text: &str| line(text).split("until").nth(1).unwrap()[..13].to_owned();
    let old = LINES[0].replace("/2026:", "/2020:");
    for which in 0..WRAPS.len() {
        assert!(until(&wrap(which, &old)).contains("2021-05-21"));
    }
    assert!(until("2020-11-21T10:00:00Z stdout F some text").contains("2021-05-21"));
    assert!(until("<165>1 2020-11-21T10:00:03.003Z web1 app - - - x").contains("2021-05-21"));
    assert!(until("Nov 20 10:00:00 web1 app: the year is that of the reference").contains("2027-05-20"));
    assert!(until("Dec 20 10:00:00 web1 app: not more than a day ahead").contains("2026-06-20"));
}

/// Lines through fresh engines, one a chunk, each told what stood before its chunk.
fn in_chunks(lines: &[String], cuts: &[bool]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut carry = Carry::default();
    let mut chunk = String::new();
    for (i, line) in lines.iter().enumerate() {
        chunk.push_str(line);
        chunk.push('\n');
        if cuts[i % cuts.len()] || i + 1 == lines.len() {
            let mut engine = engine("auto");
            engine.set_carry(&carry);
            let (mut batch, mut at) = (Batch::default(), 0);
            while let (_, Progress::Paused { at: done, epoch }) = engine.run(&chunk.as_bytes()[at..], &mut batch) {
                at += done;
                engine.admit(epoch, Some(Secret::new([7; 32])));
            }
            out.extend_from_slice(batch.bytes());
            carry.lines(chunk.as_bytes());
            chunk.clear();
        }
    }
    out
}

fn some_line() -> impl Strategy<Value = String> {
    let part = (0usize..2, 0usize..3, "[ -~]{0,24}").prop_map(|(stream, tag, text)| {
        format!("2026-11-21T10:00:00Z {} {} {text}", ["stdout", "stderr"][stream], ["P", "P", "F"][tag])
    });
    let whole = (0..WRAPS.len(), 0..LINES.len()).prop_map(|(wrapped, inner)| wrap(wrapped, LINES[inner]));
    prop_oneof![3 => part, 1 => whole, 1 => "[ -~]{0,40}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_cutting_into_chunks_gives_the_same_output(
        lines in proptest::collection::vec(some_line(), 1..20), cuts in proptest::collection::vec(any::<bool>(), 1..8),
    ) {
        let whole = in_chunks(&lines, &[false]);
        prop_assert_eq!(whole.iter().filter(|byte| **byte == b'\n').count(), lines.len());
        let whole = String::from_utf8(whole).unwrap();
        prop_assert_eq!(String::from_utf8(in_chunks(&lines, &cuts)).unwrap(), whole.clone());
        prop_assert_eq!(String::from_utf8(in_chunks(&lines, &[true])).unwrap(), whole);
    }

    #[test]
    fn a_line_in_parts_becomes_what_it_becomes_in_one(cuts in proptest::collection::vec(0usize..140, 0..5)) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(LINES[0].len())).collect();
        cuts.sort_unstable();
        let (mut text, mut from) = (String::new(), 0);
        for cut in cuts {
            text.push_str(&format!("2026-11-21T10:00:00Z stdout P {}\n", &LINES[0][from..cut]));
            from = cut;
        }
        text.push_str(&format!("2026-11-21T10:00:00Z stdout F {}\n", &LINES[0][from..]));
        let (out, tally) = run(&mut engine("cri"), text.as_bytes());
        let out = String::from_utf8(out).unwrap();
        let joined: String = out.lines().map(|line| &line["2026-11-21T10:00:00Z stdout F ".len()..]).collect();
        prop_assert_eq!(untagged(&joined).to_owned(), untagged(&line(LINES[0])).to_owned());
        prop_assert_eq!(tally.lines as usize, text.lines().count());
    }

    #[test]
    fn any_bytes_behind_a_head_keep_their_line_and_end_the_same_the_second_time(
        which in 0..WRAPS.len(), bytes in "[ -~åæø\t]{0,80}",
    ) {
            let once = line(&wrap(which, &bytes));
        prop_assert_eq!(line(&once), once);
    }
}

#[test]
fn a_due_record_is_counted_once_though_it_waits_for_its_secret() {
    let old = LINES[0].replace("/2026:", "/2020:");
    for (due, left) in [(Due::Count(common::REFERENCE), 1), (Due::Drop(common::REFERENCE), 0)] {
        for text in [old.clone(), wrap(0, &old), wrap(8, &old)] {
            let mut engine = engine("auto");
            engine.set_due(due);
            let (_, tally) = run(&mut engine, format!("{text}\n").as_bytes());
            assert_eq!((tally.lines, tally.due, tally.minimised, tally.policy), (1, 1, left, 1 - left), "{text}");
            assert!(tally.balances());
        }
    }
}
