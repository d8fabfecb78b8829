//! The guard: the judge reads each record that is about to be written; one in which it finds somebody is stopped.
//!
//! Goes in: what the engine made of one line, in a batch. Comes out: the same, or a blank in its place, and the count.
//! The alarm says that there was one, its line and its kind, and no byte of it.

use super::{Verdict, witness::Witness};
use crate::{
    encode::{Batch, Encoding},
    error::Error,
    policy::{Layout, Policy},
    tally::{Stopped, Tally},
};

/// One worker's guard.
#[derive(Debug)]
pub struct Guard {
    witness: Witness,
    encoding: Encoding,
}

impl Guard {
    /// A guard that knows what the policy lets stand.
    ///
    /// # Errors
    /// A format of the policy that cannot be compiled.
    pub fn new(policy: &Policy) -> Result<Guard, Error> {
        let (encoding, formats) = match policy.encode.layout {
            Layout::Same => (Encoding::Same, policy.source.formats.clone()),
            Layout::Json => (Encoding::Json, vec!["json".into()]),
        };
        Ok(Guard { witness: Witness::new(Some(policy), &formats)?, encoding })
    }

    /// Reads what was appended to the batch since it held `before` bytes, which is what became of one line. What has a
    /// hit in it is taken back.
    pub fn read(&mut self, batch: &mut Batch, before: usize, tally: &mut Tally) {
        let written = &batch.bytes()[before..];
        let lines = written.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        let mut kind = None;
        for line in lines {
            if let Some(found) = self.witness.read(line.strip_suffix(b"\r").unwrap_or(line)).first() {
                kind = Some(found.hit.kind);
                break;
            }
        }
        let Some(kind) = kind else { return };
        let whole = batch.bytes().len();
        self.encoding.take_back(batch, before);
        tally.bytes_out -= (whole - batch.bytes().len()) as u64;
        let stopped = Stopped { line: tally.lines, kind: kind.name() };
        tally.guard += tally.minimised + tally.scrubbed;
        (tally.minimised, tally.scrubbed) = (0, 0);
        (tally.first_stopped, tally.last_stopped) = (Some(stopped), Some(stopped));
    }
}

/// After the first alarm, one for each so many records more.
const EVERY: u64 = 1_000;

/// A verdict that also sounds the alarm: once when the first record is stopped, and after each thousand more.
pub fn alarm(mut verdict: Verdict) -> Verdict {
    let mut said = 0;
    Box::new(move |sum| {
        if let Some(text) = words(sum, &mut said) {
            crate::run::say!("{text}");
        }
        verdict(sum)
    })
}

fn words(sum: &Tally, said: &mut u64) -> Option<String> {
    let due = sum.guard > 0 && (*said == 0 || sum.guard >= *said + EVERY);
    let stopped = if *said == 0 { sum.first_stopped } else { sum.last_stopped };
    let Stopped { line, kind } = stopped.filter(|_| due)?;
    *said = sum.guard;
    Some(format!(
        "sladd: the guard found a value of kind {kind} in what was made of line {line} and stopped it; {} stopped so far; \
         please report it with an invented line of the same shape",
        sum.guard
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guarded(policy: &Policy, text: &[u8]) -> (Vec<u8>, Tally) {
        let mut guard = Guard::new(policy).unwrap();
        let (mut batch, mut sum) = (Batch::default(), Tally::default());
        for line in text.split_inclusive(|&byte| byte == b'\n') {
            let before = batch.bytes().len();
            batch.extend(line);
            let bytes_out = line.len() as u64;
            let mut tally = Tally { lines: 1, minimised: 1, bytes_out, ..Tally::default() };
            guard.read(&mut batch, before, &mut tally);
            assert!(tally.balances());
            sum += tally;
        }
        assert_eq!(batch.runs().map(|(_, run)| run.len()).sum::<usize>(), batch.bytes().len());
        assert_eq!(sum.bytes_out, batch.bytes().len() as u64);
        (batch.bytes().to_vec(), sum)
    }

    #[test]
    fn a_record_with_a_hit_becomes_a_blank_line_and_the_others_stay() {
        let policy = Policy::builtin("hosting").unwrap();
        let (out, tally) = guarded(&policy, b"a 203.0.113.0\nb 203.0.113.7\r\n\nc kari@example.org\nd\n");
        assert_eq!(out, b"a 203.0.113.0\n\r\n\n\nd\n");
        assert_eq!((tally.lines, tally.guard, tally.minimised), (5, 2, 3));
        assert_eq!(tally.first_stopped, Some(Stopped { line: 2, kind: "ipv4" }));
        assert_eq!(tally.last_stopped, Some(Stopped { line: 4, kind: "email" }));
    }

    #[test]
    fn under_json_nothing_is_left_of_it() {
        let mut policy = Policy::builtin("hosting").unwrap();
        policy.encode.layout = Layout::Json;
        let (out, tally) = guarded(&policy, b"{\"a\":\"203.0.113.7\"}\n{\"a\":\"x\"}\n");
        assert_eq!((&out[..], tally.guard), (&b"{\"a\":\"x\"}\n"[..], 1));
    }

    #[test]
    fn the_alarm_sounds_once_and_then_seldom_and_shows_no_byte() {
        let mut said = 0;
        let stopped = |line| Some(Stopped { line, kind: "ipv4" });
        let sum =
            |guard, line| Tally { guard, first_stopped: stopped(7), last_stopped: stopped(line), ..Tally::default() };
        assert_eq!(words(&Tally::default(), &mut said), None);
        let text = words(&sum(2, 9), &mut said).unwrap();
        assert!(
            text.starts_with(
                "sladd: the guard found a value of kind ipv4 in what was made of line 7 and stopped it; 2 "
            )
        );
        assert_eq!(words(&sum(900, 1000), &mut said), None);
        assert!(words(&sum(1_002, 2000), &mut said).unwrap().contains("line 2000 "));
    }
}
