//! Line → record. One family of formats per file.
//!
//! Comes in: one line without its end and without a tag of ours. Goes out: spans of values, or [`Malformed`].
//! A parser knows nothing of policies, treatments or outputs; it never allocates once warm, and it is anchored at both
//! ends: what it does not account for makes the line malformed. The smallest example to copy is `common.rs`.

pub mod json;
pub mod request;

use crate::record::{Record, Schema};

/// A line that does not fit the format. Holds no byte of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Where, in bytes from the start of the line.
    pub at: u32,
    /// What should have stood there.
    pub expected: &'static str,
}

/// Whether the line's end is known to be the end that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A line feed followed.
    Whole,
    /// The input ended, or the line was longer than the limit: its last value may be half a value.
    Cut,
}

/// Cuts lines of one format into values.
pub trait Parse {
    /// The fields and the layout.
    fn schema(&self) -> &Schema;

    /// Fills `record` from `line`.
    ///
    /// On an error the record's content is unspecified. A value that reaches the end of a [`Ending::Cut`] line is
    /// marked `State::Cut`.
    fn parse(&self, line: &[u8], ending: Ending, record: &mut Record) -> Result<(), Malformed>;
}
