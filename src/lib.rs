//! `sladd` minimises logs while they are being written.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod detect;
pub mod encode;
pub mod engine;
pub mod epoch;
pub mod error;
pub mod format;
pub mod key;
pub mod plan;
pub mod policy;
pub mod record;
pub mod retention;
pub mod tally;
pub mod time;
pub mod treatment;
