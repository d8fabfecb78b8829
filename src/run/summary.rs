//! What became of a run: how it ended, and the account of its lines.

use crate::{
    error::{Error, Kind},
    tally::Tally,
};
use std::fmt;

/// The account of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// What became of the lines.
    pub tally: Tally,
    /// Why the run ended.
    pub end: End,
}

/// Why a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The input is at its end.
    Input,
    /// A signal ended it; what was read is written.
    Signal,
    /// The reader of the output went away: done, without a word.
    ReaderGone,
    /// A signal ended it while the output took nothing; what was read and not written is counted as shed.
    Stalled,
    /// It could not go on; what was read and not written is counted as shed.
    Failed(Error),
}

impl Summary {
    /// What to say, and the exit code, of a run that did not end well.
    pub fn error(&self) -> Option<Error> {
        match &self.end {
            End::Input | End::Signal | End::ReaderGone => None,
            End::Stalled => Some(Error::new(
                Kind::Io,
                format!("the output took nothing until the time to end was over; {} lines are lost", self.tally.shed),
            )),
            End::Failed(error) => Some(error.clone()),
        }
    }

    /// The account as one JSON object.
    pub fn json(&self) -> impl fmt::Display {
        Json(self.tally)
    }
}

/// One line: `sladd: 1000 lines in = 990 minimised + 8 scrubbed + 0 sealed + 2 dropped (malformed 2); …`.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let t = &self.tally;
        write!(
            f,
            "sladd: {} lines in = {} minimised + {} scrubbed + {} sealed + {} dropped",
            t.lines,
            t.minimised,
            t.scrubbed,
            t.sealed,
            t.dropped()
        )?;
        let mut before = " (";
        for (reason, count) in t.reasons().into_iter().filter(|&(_, count)| count > 0) {
            write!(f, "{before}{reason} {count}")?;
            before = ", ";
        }
        if before == ", " {
            f.write_str(")")?;
        }
        write!(
            f,
            "; {} bytes in, {} out; {} cut, {} late, {} already due",
            t.bytes_in, t.bytes_out, t.cut, t.late, t.due
        )
    }
}

struct Json(Tally);

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let t = &self.0;
        write!(
            f,
            r#"{{"lines":{},"minimised":{},"scrubbed":{},"sealed":{},"dropped":{}"#,
            t.lines,
            t.minimised,
            t.scrubbed,
            t.sealed,
            t.dropped()
        )?;
        for (reason, count) in t.reasons() {
            write!(f, r#","{reason}":{count}"#)?;
        }
        write!(
            f,
            r#","cut":{},"late":{},"due":{},"unmatched":{},"bytes_in":{},"bytes_out":{}}}"#,
            t.cut, t.late, t.due, t.unmatched, t.bytes_in, t.bytes_out
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary() -> Summary {
        let tally = Tally {
            lines: 1000,
            minimised: 990,
            scrubbed: 8,
            malformed: 2,
            bytes_in: 268_000,
            bytes_out: 150_000,
            unmatched: 10,
            ..Tally::default()
        };
        Summary { tally, end: End::Input }
    }

    #[test]
    fn the_account_is_one_line_in_a_fixed_order() {
        let mut summary = summary();
        assert_eq!(
            summary.to_string(),
            "sladd: 1000 lines in = 990 minimised + 8 scrubbed + 0 sealed + 2 dropped (malformed 2); \
             268000 bytes in, 150000 out; 0 cut, 0 late, 0 already due"
        );
        summary.tally.shed = 1;
        assert!(summary.to_string().contains("3 dropped (malformed 2, shed 1); "));
        (summary.tally.shed, summary.tally.malformed) = (0, 0);
        assert!(summary.to_string().contains("0 dropped; "));
    }

    #[test]
    fn the_account_in_json_is_an_object_of_numbers() {
        let json: serde_json::Value = serde_json::from_str(&summary().json().to_string()).unwrap();
        assert_eq!(json["lines"], 1000);
        assert_eq!(json["dropped"], 2);
        assert_eq!(json["malformed"], 2);
        assert_eq!(json["sealed"], 0);
        assert!(json.as_object().unwrap().values().all(serde_json::Value::is_u64));
    }

    #[test]
    fn a_reader_that_went_away_is_no_error_and_a_stalled_output_is() {
        let mut summary = summary();
        summary.end = End::ReaderGone;
        assert_eq!(summary.error(), None);
        summary.end = End::Stalled;
        assert_eq!(summary.error().unwrap().kind(), Kind::Io);
    }
}
