//! Lines in envelopes and in strings: whatever stands around them, they are treated as if they stood alone.
#![allow(clippy::unwrap_used)]

mod common;

use common::{builtin, cases, run, with_format};
use proptest::prelude::*;
use sladd::{
    encode::Batch,
    engine::{Carry, Due, Engine, Progress},
    plan::Plan,
    tally::Tally,
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
fn in_chunks(lines: &[String], cuts: &[bool]) -> (Vec<u8>, Tally) {
    let (mut out, mut sum) = (Vec::new(), Tally::default());
    let mut carry = Carry::default();
    let mut chunk = String::new();
    for (i, line) in lines.iter().enumerate() {
        chunk.push_str(line);
        chunk.push('\n');
        if cuts[i % cuts.len()] || i + 1 == lines.len() {
            let mut engine = engine("auto");
            engine.set_carry(&carry);
            let (mut batch, mut at) = (Batch::default(), 0);
            loop {
                let ended = at == chunk.len();
                let (tally, progress) = match ended {
                    false => engine.run(&chunk.as_bytes()[at..], &mut batch),
                    true => engine.finish(&mut batch),
                };
                sum += tally;
                match progress {
                    Progress::Paused { at: done, epoch } => {
                        at += done;
                        engine.admit(epoch, Some(Secret::new([7; 32])));
                    }
                    Progress::Done if ended || i + 1 < lines.len() => break,
                    Progress::Done => at = chunk.len(),
                }
            }
            out.extend_from_slice(batch.bytes());
            carry.lines(chunk.as_bytes());
            chunk.clear();
        }
    }
    (out, sum)
}

fn some_line() -> impl Strategy<Value = String> {
    let part = (0usize..2, 0usize..3, "[ -~]{0,24}").prop_map(|(stream, tag, text)| {
        format!("2026-11-21T10:00:00Z {} {} {text}", ["stdout", "stderr"][stream], ["P", "P", "F"][tag])
    });
    let piece = (0usize..2, 0usize..3, "[a-z ]{0,24}").prop_map(|(stream, end, text)| {
        let text = format!("{text}{}{}", "x ".repeat([8192, 8192, 1][end]), ["", "", "\\n"][end]);
        format!(r#"{{"log":"{text}","stream":"{}","time":"2026-11-21T09:00:00.1Z"}}"#, ["stdout", "stderr"][stream])
    });
    let whole = (0..WRAPS.len(), 0..LINES.len()).prop_map(|(wrapped, inner)| wrap(wrapped, LINES[inner]));
    prop_oneof![3 => part, 3 => piece, 1 => whole, 1 => "[ -~]{0,40}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_cutting_into_chunks_gives_the_same_output(
        lines in proptest::collection::vec(some_line(), 1..20), cuts in proptest::collection::vec(any::<bool>(), 1..8),
    ) {
        let (whole, tally) = in_chunks(&lines, &[false]);
        // What waits at the end is one line more, and counted as cut.
        let written = whole.iter().filter(|byte| **byte == b'\n').count();
        prop_assert!((lines.len()..=lines.len() + tally.cut.min(4) as usize).contains(&written));
        prop_assert!(tally.balances() && tally.lines as usize == lines.len());
        let whole = (String::from_utf8(whole).unwrap(), tally);
        for cuts in [&cuts, &[true][..]] {
            let (out, tally) = in_chunks(&lines, cuts);
            prop_assert_eq!((String::from_utf8(out).unwrap(), tally), whole.clone());
        }
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

/// The whole of an input, to its end.
fn all(format: &str, text: &str) -> (String, Tally) {
    let mut engine = engine(format);
    let (mut batch, mut sum, mut at) = (Batch::default(), Tally::default(), 0);
    while at < text.len() {
        let (tally, progress) = engine.run(&text.as_bytes()[at..], &mut batch);
        sum += tally;
        at = match progress {
            Progress::Done => text.len(),
            Progress::Paused { at: done, epoch } => {
                engine.admit(epoch, Some(Secret::new([7; 32])));
                at + done
            }
        };
    }
    let (tally, progress) = engine.finish(&mut batch);
    assert_eq!(progress, Progress::Done);
    sum += tally;
    assert!(sum.balances(), "{sum:?}");
    (String::from_utf8(batch.bytes().to_vec()).unwrap(), sum)
}

const OUT: &str = "2026-11-21T10:00:00Z stdout";
const ERR: &str = "2026-11-21T10:00:00Z stderr";

#[test]
fn a_part_whose_end_never_comes_is_written_as_a_cut_line() {
    let text =
        format!("{OUT} P came in: 203.0.113.77, {OUT_MAIL} \n{OUT} P and then 198.51", OUT_MAIL = "kari@example.org");
    for end in ["\n", ""] {
        let (out, tally) = all("cri", &format!("{text}{end}"));
        let lines: Vec<&str> = out.lines().map(untagged).collect();
        let joined = format!("{OUT} F came in: 203.0.113.0, [email] and then");
        match end {
            // The last part is a line that came, and what waits one more.
            "\n" => assert_eq!(lines, [format!("{OUT} P "), format!("{OUT} P "), joined]),
            // A part without its line feed ends the line itself.
            _ => assert_eq!(lines, [format!("{OUT} P "), joined]),
        }
        assert_eq!((tally.lines, tally.minimised, tally.cut), (2, 2, 1));
        let (again, tally) = all("cri", &out);
        assert_eq!((again, tally.cut), (out, 0));
    }
}

#[test]
fn another_stream_does_not_end_a_line_in_parts_and_any_other_line_does() {
    let text = format!("{OUT} P:A from 203.0.113.77 to 198.51\n{ERR} F hello\n");
    let (out, tally) = all("cri", &format!("{text}{OUT} F .100.77\n"));
    assert_eq!(out.lines().map(untagged).nth(2), Some(&*format!("{OUT} F from 203.0.113.0 to 198.51.100.0")));
    assert_eq!(tally.cut, 0);
    let (out, tally) = all("cri", &format!("{text}{LINE}\n{OUT} F next\n", LINE = LINES[3]));
    let lines: Vec<&str> = out.lines().map(untagged).collect();
    let expected =
        [&*format!("{OUT} P:A "), &*format!("{ERR} F hello"), "came in: 203.0.113.0, [email]", &*format!("{OUT} F ")];
    assert_eq!(lines, expected);
    // The line without its end, and the tail of nobody knows which.
    assert_eq!((tally.lines, tally.cut), (4, 2));
}

#[test]
fn a_line_in_more_parts_than_are_kept_is_cut_and_counted() {
    let text = format!("{OUT} P {}\n", "ab ".repeat(20_000)).repeat(2) + &format!("{OUT} F end\n");
    let (out, tally) = all("cri", &text);
    assert!(!out.contains("end") && out.len() > 64_000);
    assert_eq!((tally.lines, tally.cut), (3, 1));
}

/// A line as Docker writes it: pieces of 16 KiB, the last with the line feed.
fn docker(text: &str, stream: &str) -> String {
    let record = |piece: &str| {
        let log = serde_json::to_string(piece).unwrap();
        format!("{{\"log\":{log},\"stream\":\"{stream}\",\"time\":\"2026-11-21T09:00:00.1Z\"}}\n")
    };
    let (mut out, mut rest) = (String::new(), text);
    while rest.len() > 16 * 1024 {
        let (piece, more) = rest.split_at(16 * 1024);
        out.push_str(&record(piece));
        rest = more;
    }
    out + &record(&format!("{rest}\n"))
}

/// What stands in the string of each line.
fn logs(out: &str) -> Vec<String> {
    let log = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["log"].as_str().unwrap().to_owned();
    out.lines().map(log).collect()
}

#[test]
fn a_line_that_docker_cut_becomes_what_it_becomes_in_one() {
    for length in [16_300, 16_350, 16_360, 33_000, 60_000] {
        // The pieces meet inside the address, the query, the agent.
        let path = "abc/".repeat(length / 4);
        let text =
            format!("{{\"message\":\"{path} by\",\"remote_addr\":\"203.0.113.77\",\"request_uri\":\"/a?q=ola\\\"\"}}");
        let (whole, _) = all("auto", &format!("{text}\n"));
        let whole = whole.split(",\"sladd\"").next().unwrap().to_owned() + "}\n";
        let (out, tally) = all("auto", &docker(&text, "stdout"));
        let mut parts = logs(&out);
        assert_eq!(parts.pop(), Some(whole), "{length}");
        assert!(parts.iter().all(String::is_empty) && tally.cut == 0 && tally.minimised == tally.lines);
        assert_eq!(out.matches("until").count(), out.lines().count());
        let (again, _) = all("auto", &out);
        assert_eq!(again, out);
    }
}

#[test]
fn pieces_of_two_streams_are_joined_each_with_its_own() {
    let (one, two) = ("a ".repeat(9000) + "203.0.113.77", "b ".repeat(9000) + "198.51.100.77");
    let (one, two) = (docker(&one, "stdout"), docker(&two, "stderr"));
    let mixed: String = one.lines().zip(two.lines()).flat_map(|(one, two)| [one, "\n", two, "\n"]).collect();
    let parts = logs(&all("auto", &mixed).0);
    assert_eq!(parts[..2], ["", ""]);
    assert!(parts[2].ends_with("a 203.0.113.0\n") && parts[3].ends_with("b 198.51.100.0\n"));
}

#[test]
fn a_piece_whose_end_never_comes_is_written_as_a_cut_line() {
    let text = "a ".repeat(8188) + "203.0.113.77";
    let piece = docker(&text, "stdout").lines().next().unwrap().to_owned() + "\n";
    let (out, tally) = all("auto", &piece);
    let parts = logs(&out);
    assert_eq!(parts[0], "");
    assert!(parts[1].ends_with(" a\n") && parts[1].len() > 16_000, "{}", &parts[1][16_000..]);
    assert_eq!((tally.lines, tally.cut), (1, 1));
    assert_eq!(all("auto", &out).0, out);
    // Where another line comes in between, its text is gone, and counted.
    let (out, tally) = all("auto", &format!("{piece}some other line\n"));
    assert_eq!((out.lines().count(), tally.cut, &*logs(out.lines().next().unwrap())[0]), (2, 1, ""));
    // Nothing of an unbroken string is left: it may be half of anything.
    let piece = piece.replace("a ", "aa");
    assert_eq!(logs(&all("auto", &piece).0), ["", "\n"]);
}

#[test]
fn the_tail_of_a_line_whose_head_was_given_up_is_withheld() {
    let lines = [
        "2026-11-21T10:00:00Z stdout P mail password=s3cr",
        "foreign",
        "2026-11-21T10:00:00Z stdout P etpw",
        "2026-11-21T10:00:00Z stdout F more s3cretpw",
        "2026-11-21T10:00:00Z stdout F all is well",
    ];
    let lines = lines.map(str::to_owned);
    for cuts in [&[true][..], &[false], &[false, true]] {
        let (out, tally) = in_chunks(&lines, cuts);
        let text = String::from_utf8_lossy(&out);
        assert!(!text.contains("s3cr") && !text.contains("etpw") && text.contains("all is well"), "{text}");
        assert_eq!((tally.lines, tally.cut), (5, 2), "{text}");
    }
}

#[test]
fn a_byte_order_mark_before_a_line_hides_nothing_from_us() {
    let lines = [
        "\u{feff}#Fields: date time c-ip cs-username cs-uri-stem cs-uri-query",
        "2026-11-21 10:00:00 203.0.113.77 kari /a q=kari",
        "\u{feff}{\"remote_addr\":\"203.0.113.77\",\"user\":\"kari\"}",
    ];
    let lines = lines.map(str::to_owned);
    for cuts in [&[true][..], &[false]] {
        let (out, tally) = in_chunks(&lines, cuts);
        let text = String::from_utf8_lossy(&out);
        assert!(!text.contains("kari") && !text.contains("113.77") && !text.contains('\u{feff}'), "{text}");
        assert_eq!(tally.lines, 3);
        let bytes: usize = lines.iter().map(|line| line.len() + 1).sum();
        assert_eq!(tally.bytes_in, bytes as u64);
    }
}

#[test]
fn a_text_in_an_envelope_has_the_class_of_a_rule_that_names_the_envelope() {
    let policy = common::policy(
        r#"
base = "hosting"
name = "x"
version = 1
[[retention]]
class = "short"
when = { format = ["syslog", "cri"] }
keep = "1 month"
purpose = "security"
basis = "legitimate_interest"
[[retention]]
class = "long"
keep = "6 months"
purpose = "security"
basis = "legitimate_interest"
"#,
    );
    for line in ["Nov 21 10:00:00 web1 app[7]: hello", "2026-11-21T10:00:00.000000000Z stdout F hello"] {
        let out = common::line(&policy, line);
        assert!(out.contains("class=short"), "{out}");
    }
    assert!(common::line(&policy, "hello").contains("class=long"));
}
