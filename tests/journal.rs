//! The journal's export format: what comes out can be read by whatever reads what goes in.
#![allow(clippy::unwrap_used)]

mod common;

use common::{builtin, cases, with_format};
use proptest::prelude::*;
use sladd::{
    encode::Batch,
    engine::{Carry, Engine, Progress},
    plan::Plan,
    tally::Tally,
    treatment::pseudonym::Secret,
};
use std::sync::{Arc, OnceLock};

fn engine() -> Engine {
    static PLAN: OnceLock<Arc<Plan>> = OnceLock::new();
    let plan = PLAN.get_or_init(|| Arc::new(Plan::compile(&with_format(builtin("hosting"), "auto")).unwrap()));
    let mut engine = Engine::new(plan.clone());
    engine.set_reference(common::REFERENCE);
    engine
}

/// Chunks of lines through fresh engines, each told what stood before it; `step` lines a chunk.
fn run(input: &[u8], step: usize) -> (Vec<u8>, Tally) {
    let lines: Vec<&[u8]> = input.split_inclusive(|&byte| byte == b'\n').collect();
    let chunks: Vec<Vec<u8>> = lines.chunks(step).map(<[&[u8]]>::concat).collect();
    let (mut out, mut sum, mut carry) = (Vec::new(), Tally::default(), Carry::default());
    for (i, chunk) in chunks.iter().enumerate() {
        let mut engine = engine();
        engine.set_carry(&carry);
        carry.lines(chunk);
        let (mut batch, mut at, mut finished) = (Batch::default(), 0, false);
        while !finished {
            finished = at == chunk.len();
            let (tally, progress) = match finished {
                false => engine.run(&chunk[at..], &mut batch),
                true if i + 1 == chunks.len() => engine.finish(&mut batch),
                true => break,
            };
            sum += tally;
            at = match progress {
                Progress::Done => chunk.len(),
                Progress::Paused { at: done, epoch } => {
                    finished = false;
                    engine.admit(epoch, Some(Secret::new([7; 32])));
                    at + done
                }
            };
        }
        out.extend_from_slice(batch.bytes());
    }
    assert!(sum.balances(), "{sum:?}");
    (out, sum)
}

/// Names and values.
type Entry = Vec<(String, Vec<u8>)>;

/// Reads entries as the specification says; `None` for what is none.
fn entries(mut bytes: &[u8]) -> Option<Vec<Entry>> {
    let (mut all, mut entry) = (Vec::new(), Vec::new());
    while !bytes.is_empty() {
        let end = bytes.iter().position(|&byte| byte == b'\n')?;
        let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
        bytes = rest;
        if line.is_empty() {
            all.push(std::mem::take(&mut entry));
        } else if let Some(equals) = line.iter().position(|&byte| byte == b'=') {
            entry.push((String::from_utf8(line[..equals].to_vec()).ok()?, line[equals + 1..].to_vec()));
        } else {
            let length = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?) as usize;
            let value = bytes.get(8..8 + length)?.to_vec();
            bytes = bytes[8 + length..].strip_prefix(b"\n")?;
            entry.push((String::from_utf8(line.to_vec()).ok()?, value));
        }
    }
    if !entry.is_empty() {
        all.push(entry);
    }
    let named = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    all.iter().flatten().all(|(name, _)| named(name)).then_some(all)
}

fn value(name: &str, text: &[u8]) -> Vec<u8> {
    match text.contains(&b'\n') {
        false => [name.as_bytes(), b"=", text, b"\n"].concat(),
        true => [name.as_bytes(), b"\n", &(text.len() as u64).to_le_bytes(), text, b"\n"].concat(),
    }
}

fn entry(fields: &[(&str, &str)]) -> Vec<u8> {
    let head: &[(&str, &str)] = &[
        ("__CURSOR", "s=1;i=2;b=0123456789abcdef0123456789abcdef"),
        ("__REALTIME_TIMESTAMP", "1605952800123456"),
        ("__MONOTONIC_TIMESTAMP", "123456"),
        ("_BOOT_ID", "0123456789abcdef0123456789abcdef"),
    ];
    let mut all: Vec<u8> = head.iter().chain(fields).flat_map(|(name, text)| value(name, text.as_bytes())).collect();
    all.push(b'\n');
    all
}

fn field<'a>(entry: &'a [(String, Vec<u8>)], name: &str) -> &'a str {
    let found = entry.iter().find(|(known, _)| known == name);
    std::str::from_utf8(&found.unwrap_or_else(|| panic!("no {name}")).1).unwrap()
}

const LOGIN: &str = "Failed password for kari from 203.0.113.77 port 22 ssh2";

#[test]
fn an_entrys_fields_have_the_treatments_of_their_names_and_its_message_that_of_its_program() {
    let before = entry(&[("SYSLOG_IDENTIFIER", "sshd"), ("MESSAGE", LOGIN), ("_HOSTNAME", "web1"), ("_PID", "12")]);
    let behind =
        entry(&[("MESSAGE", LOGIN), ("_COMM", "sshd"), ("_CMDLINE", "sshd: kari"), ("SYSLOG_IDENTIFIER", "sshd")]);
    let (out, tally) = run(&[before.clone(), behind].concat(), 1000);
    let entries = entries(&out).unwrap();
    assert_eq!((entries.len(), tally.minimised, tally.lines), (2, 18, 18));
    for entry in &entries {
        let message = field(entry, "MESSAGE");
        assert!(message.starts_with("Failed password for p1.20201121.") && message.contains(" from 203.0.113.0 port "));
        // The time is that of the entry, and so is the key's day.
        assert!(message.ends_with(" \"class=login_history until=2021-05-21 policy=hosting/1\""), "{message}");
        assert_eq!(field(entry, "__REALTIME_TIMESTAMP"), "1605952800123456");
        assert_eq!(field(entry, "_BOOT_ID"), "0".repeat(32));
        assert_eq!(field(entry, "SYSLOG_IDENTIFIER"), "sshd");
    }
    assert_eq!((field(&entries[0], "_HOSTNAME"), field(&entries[0], "_PID")), ("web1", "12"));
    let text = String::from_utf8(out.clone()).unwrap();
    assert!(!text.contains("kari") && !text.contains("s=1;"), "{text}");
    // A second run finds nothing more to do.
    let (again, _) = run(&out, 1000);
    let third = run(&again, 1000).0;
    assert_eq!(String::from_utf8(third).unwrap(), String::from_utf8(again).unwrap());
}

#[test]
fn a_named_program_that_has_no_messages_of_its_own_is_not_taken_for_another() {
    let line = "203.0.113.77 - - [21/Nov/2020:10:00:00 +0100] \"GET /a?q=ola HTTP/1.1\" 200 5 \"-\" \"curl/8.5.0\"";
    let (out, _) = run(&entry(&[("SYSLOG_IDENTIFIER", "nginx"), ("MESSAGE", line)]), 1000);
    let all = entries(&out).unwrap();
    assert!(
        field(&all[0], "MESSAGE")
            .starts_with("203.0.113.0 - - [21/Nov/2020:10:00:00 +0100] \"GET /a?q= HTTP/1.1\" 200 5 ")
    );
    let (out, _) = run(&entry(&[("SYSLOG_IDENTIFIER", "app"), ("MESSAGE", LOGIN)]), 1000);
    let all = entries(&out).unwrap();
    assert!(field(&all[0], "MESSAGE").contains("class=security_log"));
}

#[test]
fn a_value_of_several_lines_is_written_behind_its_new_length() {
    let text = "trace of kari@example.org:\n\n  at 203.0.113.77 in a\n  at b";
    let input = entry(&[("SYSLOG_IDENTIFIER", "app"), ("MESSAGE", text), ("_PID", "7")]);
    let (out, tally) = run(&input, 1000);
    let all = entries(&out).unwrap();
    let message = field(&all[0], "MESSAGE");
    let lines: Vec<&str> = message.split(" \"class=").next().unwrap().split('\n').collect();
    assert_eq!(lines, ["trace of [email]:", "", "  at 203.0.113.0 in a", "  at b"]);
    assert_eq!(message.matches("class=").count(), 1);
    assert_eq!(field(&all[0], "_PID"), "7");
    assert_eq!(tally.lines, input.iter().filter(|byte| **byte == b'\n').count() as u64);
    assert_eq!(run(&out, 1000).0, run(&run(&out, 1000).0, 1000).0);
}

#[test]
fn what_is_cut_or_too_long_or_no_entry_leaves_no_raw_byte() {
    let secret = "kari@example.org 203.0.113.77";
    let long = format!("{secret}\n").repeat(5_000);
    let whole = entry(&[("MESSAGE", &format!("{secret}\n{secret}")), ("COREDUMP", &long), ("_PID", "1")]);
    let (out, tally) = run(&whole, 1000);
    let all = entries(&out).unwrap();
    assert_eq!(field(&all[0], "_PID"), "1");
    assert!(tally.over_long > 0);
    // Wherever the input ends, and whatever follows a length that is wrong.
    for end in (0..whole.len()).step_by(37).take(40).chain([whole.len() - 3]) {
        let mut cut = whole[..end].to_vec();
        for more in [&b""[..], b"\n__CURSOR=1\nMESSAGE=by kari@example.org\n\n"] {
            cut.extend_from_slice(more);
            let (out, _) = run(&cut, 1000);
            let text = String::from_utf8_lossy(&out);
            assert!(!text.contains("kari@") && !text.contains("113.77"), "{end}: {text}");
        }
    }
}

#[test]
fn a_line_that_only_looks_like_a_field_is_no_stream() {
    let (out, _) = run(b"MESSAGE=by kari@example.org\n__CURSOR=1\nA=kari@example.org\n", 1000);
    let text = String::from_utf8(out).unwrap();
    assert!(text.starts_with("MESSAGE=by [email] \"class=") && text.contains("\nA=[email] "), "{text}");
}

fn some_line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => ("(MESSAGE|_COMM|SYSLOG_IDENTIFIER|_PID|A)", "[ -~]{0,12}").prop_map(|(name, text)| value(&name, text.as_bytes())),
        4 => ("(MESSAGE|_PID|A)", "[ -~\n]{0,30}").prop_map(|(name, text)| value(&name, (text + "\n").as_bytes())),
        2 => Just(b"\n__CURSOR=1\n".to_vec()),
        2 => Just(b"\n".to_vec()),
        1 => Just(b"__REALTIME_TIMESTAMP=1605952800123456\n".to_vec()),
        1 => Just(b"A\n\x0a\0\0\0\0\0\0\0xx\nyy\n".to_vec()),
        1 => "(x|#Fields: a b|A|2026-11-21T10:00:00Z stdout [PF] abc)".prop_map(|text| (text + "\n").into_bytes()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_cutting_into_chunks_gives_the_same_output(
        lines in proptest::collection::vec(some_line(), 0..20), step in 1usize..4, is_stream in any::<bool>(),
    ) {
        let head: &[u8] = if is_stream { b"__CURSOR=1\n" } else { b"" };
        let input = [head, &lines.concat()].concat();
        let whole = run(&input, usize::MAX);
        prop_assert_eq!(run(&input, step), whole);
    }
}

#[test]
fn what_comes_out_is_known_again_by_its_names() {
    let input =
        entry(&[("SYSLOG_IDENTIFIER", "app"), ("_COMM", "app"), ("_MACHINE_ID", "1"), ("MESSAGE", "went well")]);
    let (out, _) = run(&input, 1000);
    let text = String::from_utf8_lossy(&out);
    for name in ["__CURSOR=", "__REALTIME_TIMESTAMP=", "__MONOTONIC_TIMESTAMP=", "\n_COMM=", "\n_MACHINE_ID="] {
        assert!(text.contains(name), "{name} {text}");
    }
    assert!(!text.contains("\n_="), "{text}");
    assert_eq!(String::from_utf8_lossy(&run(&out, 1000).0), text);
}

#[test]
fn behind_a_value_that_is_too_long_or_has_a_length_nobody_writes_fields_are_fields() {
    let begins = b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1605952800123456\n";
    let lie =
        [&begins[..], b"COREDUMP\n", &1_000_000_000_000_000u64.to_le_bytes(), b"x\nKARI=kari\n_PID=12\n"].concat();
    let behind = [&lie[..], b"some text\n\nKARI=kari\n__CURSOR=s=2\n_PID=13\n"].concat();
    for step in [1, 2, 1000] {
        let (out, tally) = run(&behind, step);
        let text = String::from_utf8_lossy(&out);
        assert!(text.contains("\n_PID=12\n") && text.contains("\n_PID=13\n") && text.contains("some text"), "{text}");
        assert!(!text.contains("kari"), "{text}");
        // The line of the length and two that are no fields.
        assert_eq!((tally.lines, tally.minimised, tally.scrubbed), (11, 8, 3), "{text}");
    }
    let long = [&begins[..], b"COREDUMP\n", &70_000u64.to_le_bytes(), &[b'x'; 65_000]].concat();
    let (out, tally) = run(&long, 1000);
    assert!(out.ends_with(b"=\n") && tally.over_long == 1, "{}", String::from_utf8_lossy(&out));
}
