//! Tokens and what stands behind the names of secrets, planted anywhere in a line in any state.

use crate::{Engines, each, gone, mutate};

const SPELLINGS: &[(&str, &str)] = &[
    ("8f14e45fceea167a5a36dedd4bea2543", "5a36dedd"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJvbGEifQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "dbjftjez4cvp"),
    ("password=hunter2xyz", "hunter2xyz"),
    ("user[password]=hunter2xyz", "hunter2xyz"),
    ("api_key%3dhunter2xyz", "hunter2xyz"),
    ("access_token=hunter2xyz", "hunter2xyz"),
    ("gaid=hunter2xyz", "hunter2xyz"),
    ("device_id=hunter2xyz", "hunter2xyz"),
];

#[test]
fn a_planted_secret_does_not_come_out() {
    let mut engines = Engines::new();
    each("secrets", 3_000, |dice| {
        let (spelling, trace) = SPELLINGS[dice.below(SPELLINGS.len())];
        let mut line = mutate::line(dice, 4);
        mutate::plant(&mut line, spelling.as_bytes(), dice);
        line.push(b'\n');
        let out = engines.run(&line);
        gone(&line, &out, &[trace]);
    });
}
