//! The harness of all fault suites: lines that can be told apart, a program that is started, fed, signalled, killed and started
//! again, faults that are put in its way, and the oracle that says what may be left.
//!
//! A suite of another front end stands beside the others and brings its own job; the smallest to copy is `bulk_lines.rs`.

pub mod beside;
pub mod inject;
pub mod job;
pub mod lines;
pub mod oracle;
pub mod program;
#[cfg(feature = "net")]
pub mod receiver;

use std::process::{Command, Stdio};

/// The program under test.
pub const SLADD: &str = env!("CARGO_BIN_EXE_sladd");

/// Whether every fault is to come as often as its promise says.
pub fn is_long() -> bool {
    std::env::var("SLADD_FAULTS").is_ok_and(|form| form == "long")
}

/// How often, in the short form and in the long one.
pub fn often(short: usize, long: usize) -> usize {
    if is_long() { long } else { short }
}

/// Whether a tool is there; said loudly where it is not.
pub fn has(tool: &str) -> bool {
    let there = Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !there {
        eprintln!("!!! {tool} IS MISSING: this fault is not injected");
    }
    there
}

/// Numbers without a pattern, the same in each run.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}
