//! `sladd scan` and `sladd pipe --guard` as a user meets them.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::Value;
use std::{
    fs,
    io::Write,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::{Command, Output, Stdio},
};

fn sladd(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sladd"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&text(output)).unwrap()
}

const LINE: &str =
    "203.0.113.77 - - [21/Nov/2026:10:00:00 +0100] \"GET /u/kari@example.org HTTP/1.1\" 200 5 \"-\" \"curl/8.5.0\"\n";
const VALUES: [&str; 3] = ["203.0.113", "kari@", "example.org"];

#[test]
fn a_table_names_kind_field_file_and_lines_and_no_value() {
    let out = sladd(&["scan", "--format", "combined", "-"], LINE.repeat(3).as_bytes());
    assert_eq!(code(&out), 1);
    assert_eq!(
        text(&out),
        "kind   field           file  hits  first lines\n\
         email  url.path        -     3     1, 2, 3\n\
         ipv4   client.address  -     3     1, 2, 3\n\
         \n\
         6 found in 3 lines of 1 file\n         \
         3  email: an e-mail address\n         \
         3  ipv4: an IPv4 address\n"
    );
    assert_eq!(error(&out), "");
}

#[test]
fn no_form_of_the_report_shows_a_value() {
    for arguments in [
        &["scan"][..],
        &["scan", "--show"],
        &["scan", "--output", "json"],
        &["scan", "--output", "json", "--show"],
        &["scan", "--output", "sarif"],
        &["scan", "--output", "sarif", "--show", "--format", "auto"],
    ] {
        let out = sladd(arguments, LINE.as_bytes());
        assert_eq!(code(&out), 1, "{arguments:?}");
        for value in VALUES {
            assert!(!text(&out).contains(value) && !error(&out).contains(value), "{arguments:?}");
        }
    }
    let shown = text(&sladd(&["scan", "--show"], LINE.as_bytes()));
    assert!(shown.contains("999.9.999.99") && shown.contains("xxxx@xxxxxxx.xxx"), "{shown}");
}

#[test]
fn fail_on_narrows_what_ends_with_1() {
    let with = |kinds: &str, input: &str| code(&sladd(&["scan", "--fail-on", kinds], input.as_bytes()));
    assert_eq!((with("email", LINE), with("ipv6,card", LINE), with("ipv6,ipv4", LINE)), (1, 0, 1));
    let ours = "192.0.2.0 p1.20261121.9f86d081884c7d65\n";
    assert_eq!(code(&sladd(&["scan"], ours.as_bytes())), 0);
    assert_eq!(with("pseudonym", ours), 1);
    let out = sladd(&["scan", "--fail-on", "bogus"], b"");
    assert_eq!(code(&out), 2);
    assert!(error(&out).contains("no such kind; there are pseudonym, jwt"), "{}", error(&out));
}

#[test]
fn a_policy_says_what_may_stand() {
    let ours = "192.0.2.0 2001:db8:1:: p1.20261121.9f86d081884c7d65\n";
    let without = json(&sladd(&["scan", "--output", "json"], ours.as_bytes()));
    assert_eq!(without["kinds"]["truncated_address"], 2);
    assert_eq!(without["kinds"]["pseudonym"], 1);
    let with = json(&sladd(&["scan", "--output", "json", "--policy", "hosting"], ours.as_bytes()));
    assert_eq!(with["findings"].as_array().unwrap().len(), 0);
    // `strict` cuts further, so what `hosting` leaves is too much for it.
    let strict = json(&sladd(&["scan", "--output", "json", "--policy", "strict"], ours.as_bytes()));
    assert_eq!((&strict["kinds"]["ipv4"], &strict["kinds"]["ipv6"]), (&Value::from(1), &Value::from(1)));
    let out = sladd(&["scan", "--policy", "bogus"], b"");
    assert_eq!(code(&out), 78);
}

#[test]
fn what_cannot_be_read_is_named_and_the_others_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("good.log"), LINE).unwrap();
    fs::create_dir(at("sub")).unwrap();
    fs::write(at("sub/more.log"), LINE).unwrap();
    symlink(directory.path(), at("sub/circle")).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(LINE.repeat(50).as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    fs::write(at("whole.log.gz"), &gzip).unwrap();
    let whole = json(&sladd(&["scan", "--output", "json", &at("")], b""));
    assert_eq!((&whole["files"], &whole["lines"]), (&Value::from(3), &Value::from(52)));
    assert_eq!(whole["kinds"]["email"], 52);

    fs::write(at("cut.log.gz"), &gzip[..gzip.len() / 2]).unwrap();
    let out = sladd(&["scan", "--output", "json", &at("cut.log.gz"), &at("good.log")], b"");
    assert_eq!(code(&out), 65);
    assert!(error(&out).contains("damaged or cut off"), "{}", error(&out));
    assert!(json(&out)["kinds"]["email"].as_u64().unwrap() >= 1);
    let out = sladd(&["scan", &at("missing"), &at("good.log")], b"");
    assert_eq!(code(&out), 66);
    assert!(text(&out).contains("good.log") && error(&out).contains("there is no such file"));
    // Nothing is forbidden to root.
    if !rustix::process::geteuid().is_root() {
        fs::set_permissions(at("good.log"), fs::Permissions::from_mode(0o000)).unwrap();
        assert_eq!(code(&sladd(&["scan", &at("good.log")], b"")), 77);
    }
}

#[test]
fn sarif_holds_rules_results_and_places() {
    let report = json(&sladd(&["scan", "--output", "sarif", "samples/logs/text.log"], b""));
    assert_eq!(report["version"], "2.1.0");
    let run = &report["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    let results = run["results"].as_array().unwrap();
    assert!(!results.is_empty());
    for result in results {
        let index = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "samples/logs/text.log");
        assert!(place["region"]["startLine"].as_u64().unwrap() >= 1);
        assert!(place["region"]["snippet"].is_null());
        assert!(result["message"]["text"].is_string());
    }
}

#[test]
fn the_guard_changes_nothing_where_it_finds_nothing() {
    let mut seen = 0;
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/logs")).unwrap() {
        let log = fs::read(entry.unwrap().path()).unwrap();
        for layout in ["same", "json"] {
            let arguments = [
                "--encode",
                layout,
                "--reference-time",
                "2026-11-21T10:00:00Z",
                "--policy",
                "samples/policies/no-users.toml",
            ];
            let (plain, guarded) = (sladd(&arguments, &log), sladd(&[&arguments[..], &["--guard"]].concat(), &log));
            assert_eq!(withheld(&text(&plain)), withheld(&text(&guarded)));
            assert!(!error(&guarded).contains("guard"), "{}", error(&guarded));
            seen += 1;
        }
    }
    assert!(seen >= 16);
}

/// Secrets are drawn anew in each run, so pseudonyms differ.
fn withheld(text: &str) -> String {
    let mut out = String::new();
    for (i, part) in text.split("p1.2026").enumerate() {
        let rest = if i == 0 { part } else { part.split_at_checked(21).map_or("", |(_, rest)| rest) };
        out.push_str(rest);
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_report_counts_the_same_however_lines_are_packed(count in 1usize..40, blanks in 0usize..70_000) {
        let log = format!("{}{}", LINE, " ".repeat(blanks) + "\n").repeat(count);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(log.as_bytes()).unwrap();
        let plain = json(&sladd(&["scan", "--output", "json"], log.as_bytes()));
        let packed = json(&sladd(&["scan", "--output", "json"], &gzip.finish().unwrap()));
        prop_assert_eq!(&plain, &packed);
        prop_assert_eq!(plain["kinds"]["email"].as_u64(), Some(count as u64));
    }
}
