//! What several test programs need: lines through the engine, the corpus, planted identifiers.
#![allow(dead_code)]

pub mod mmdb;

use sladd::{
    encode::Batch,
    engine::{Engine, Progress},
    plan::Plan,
    policy::{Layout, Policy},
    tally::Tally,
    time::Timestamp,
    treatment::{country::Database, pseudonym::Secret},
};
use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

/// 2026-11-21T12:00:00Z: the time of records that have none.
pub const REFERENCE: Timestamp = Timestamp(1_795_262_400);

/// A policy's text: a built-in with differences on top. Whatever database it names is the tiny one.
pub fn policy(text: &str) -> Policy {
    let (policy, findings) = Policy::parse(text, "test");
    let mut policy =
        policy.unwrap_or_else(|| panic!("{}", sladd::policy::draw(text, &findings, sladd::policy::Colour::Never)));
    let named: Vec<PathBuf> = policy.named_databases().into_iter().map(PathBuf::from).collect();
    for path in named {
        policy.databases.provide(&path, Arc::new(Database::new(mmdb::tiny()).unwrap()));
    }
    policy
}

/// A built-in policy.
pub fn builtin(name: &str) -> Policy {
    static PARSED: OnceLock<[(&str, Policy); 3]> = OnceLock::new();
    let parsed = PARSED.get_or_init(|| sladd::policy::names().map(|name| (name, Policy::builtin(name).unwrap())));
    parsed.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("no built-in policy {name}")).1.clone()
}

/// The policy with this format.
pub fn with_format(mut policy: Policy, format: &str) -> Policy {
    policy.source.formats = vec![format.into()];
    policy
}

/// The policy with JSON output.
pub fn as_json(mut policy: Policy) -> Policy {
    policy.encode.layout = Layout::Json;
    policy
}

/// An engine whose secrets are all the same.
pub fn engine(policy: &Policy) -> Engine {
    let mut engine = Engine::new(Arc::new(Plan::compile(policy).unwrap_or_else(|error| panic!("{error}"))));
    engine.set_reference(REFERENCE);
    engine
}

/// Runs lines through an engine, admitting the test's secret for every epoch.
pub fn run(engine: &mut Engine, lines: &[u8]) -> (Vec<u8>, Tally) {
    let mut batch = Batch::default();
    let mut sum = Tally::default();
    let mut at = 0;
    loop {
        let (tally, progress) = engine.run(&lines[at..], &mut batch);
        sum += tally;
        match progress {
            Progress::Done => break,
            Progress::Paused { at: done, epoch } => {
                at += done;
                engine.admit(epoch, Some(Secret::new([7; 32])));
            }
        }
    }
    (batch.bytes().to_vec(), sum)
}

/// Lines under a policy.
pub fn minimised(policy: &Policy, lines: &[u8]) -> (Vec<u8>, Tally) {
    run(&mut engine(policy), lines)
}

/// One line under a policy, as text, without its line feed.
pub fn line(policy: &Policy, line: &str) -> String {
    let (out, tally) = minimised(policy, format!("{line}\n").as_bytes());
    assert!(tally.balances(), "{tally:?}");
    String::from_utf8_lossy(&out).trim_end_matches('\n').to_owned()
}

/// A file of the corpus, or a loud word that it is missing.
pub fn corpus(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("SLADD_CORPUS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    let file = root.join(path);
    if file.exists() {
        return Some(file);
    }
    eprintln!("\n!!! THE CORPUS IS MISSING: {} — this suite did not run; set SLADD_CORPUS\n", file.display());
    None
}

/// How many cases a property runs: 2,000, or what SLADD_CASES says.
pub fn cases() -> u32 {
    std::env::var("SLADD_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000)
}
