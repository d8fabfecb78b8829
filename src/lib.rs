//! `sladd` minimises logs while they are being written.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod detect;
pub mod epoch;
pub mod format;
pub mod policy;
pub mod record;
pub mod retention;
pub mod time;
pub mod treatment;
