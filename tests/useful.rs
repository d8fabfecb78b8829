//! What a minimised log is still good for: with addresses as pseudonyms an analyst comes to the same verdicts on a day as with
//! the raw log; with truncated ones he does not.
#![allow(clippy::unwrap_used)]

#[path = "useful/day.rs"]
mod day;
#[path = "useful/verdicts.rs"]
mod verdicts;

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Stdio},
};
use verdicts::{Deed, Reading, Source, read};

/// What the program makes of a log under `hosting` with this treatment of the client's address.
fn minimised(log: &str, treatment: &str) -> String {
    let room = tempfile::tempdir().unwrap();
    let at = |name: &str| room.path().join(name);
    let policy = format!(
        "base = \"hosting\"\nname = \"useful\"\nversion = 1\n[fields]\n\"client.address\" = {{ {treatment} }}\n"
    );
    fs::write(at("policy.toml"), policy).unwrap();
    fs::write(at("raw.log"), log).unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_sladd"))
        .args(["pipe", "--quiet", "--reference-time", "2026-11-21T00:00:00Z", "--policy"])
        .arg(at("policy.toml"))
        .arg("--output")
        .arg(at("minimised.log"))
        .stdin(Stdio::from(fs::File::open(at("raw.log")).unwrap()))
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = fs::read_to_string::<&Path>(&at("minimised.log")).unwrap();
    assert_eq!(text.lines().count(), log.lines().count());
    text
}

const PSEUDONYM: &str = "treatment = \"pseudonym\", form = \"address\"";
const TRUNCATE: &str = "treatment = \"truncate\", v4 = 24, v6 = 48";

fn sources(reading: &Reading, deed: Deed) -> BTreeSet<usize> {
    reading.verdicts.bouts.get(&deed).into_iter().flatten().map(|bout| bout.source).collect()
}

#[test]
fn pseudonyms_of_addresses_leave_every_verdict_as_it_was_and_truncated_ones_do_not() {
    let day = day::day();
    let lines = day.access.lines().count() + day.auth.lines().count();
    assert!(lines >= 200_000);
    let raw = read(&day.access, &day.auth, Source::Network64);

    // The analyst finds what was planted, all of it and nothing else.
    let [crawlers, missing, broken, forms, shells, scans] = day.planted;
    let found = Deed::ALL.map(|deed| sources(&raw, deed).len());
    // Who guesses last scans before that.
    assert_eq!(found, [missing, broken, forms, shells, scans + 1]);
    assert!(raw.verdicts.top.len() == 20 && crawlers < 20);

    let kept = read(&minimised(&day.access, PSEUDONYM), &minimised(&day.auth, PSEUDONYM), Source::Address);
    assert_eq!(kept.verdicts, raw.verdicts);

    let cut = read(&minimised(&day.access, TRUNCATE), &minimised(&day.auth, TRUNCATE), Source::Address);
    println!("{lines} lines; verdicts that stay, and others who are under suspicion with those that are:");
    let ranks = raw.verdicts.top.iter().zip(&cut.verdicts.top);
    println!("top twenty: {} of 20 with their rank and count", ranks.filter(|(one, other)| one.1 == other.1).count());
    for deed in Deed::ALL {
        let (told, tells) = lost(&raw, &cut, deed);
        println!("{deed:?}: {told} of {}; {tells} others", sources(&raw, deed).len());
        assert!(tells > 0, "a network has more than one source");
    }
}

/// How many sources of a deed have the same bouts where addresses are cut, and how many others share a network with any.
fn lost(raw: &Reading, cut: &Reading, deed: Deed) -> (usize, usize) {
    let guilty = sources(raw, deed);
    let suspected = sources(cut, deed);
    let others: BTreeSet<usize> = raw
        .sources
        .iter()
        .zip(&cut.sources)
        .filter(|(_, network)| suspected.contains(network))
        .map(|(source, _)| *source)
        .collect();
    let bouts = |reading: &Reading, source: usize| -> Vec<(u32, u32, usize)> {
        let of = reading.verdicts.bouts.get(&deed).into_iter().flatten().filter(|bout| bout.source == source);
        of.map(|bout| (bout.from, bout.to, bout.most)).collect()
    };
    let same = guilty.iter().filter(|&&source| {
        let at = raw.sources.iter().position(|other| *other == source).unwrap();
        bouts(raw, source) == bouts(cut, cut.sources[at])
    });
    (same.count(), others.difference(&guilty).count())
}
