//! What a status is to us.

use super::super::fault::Fault;
use std::time::Duration;

/// What a status means for the records of a request, or for one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sense {
    /// The receiver has them.
    Taken,
    /// Fewer at a time.
    TooMany,
    /// Not these, ever.
    Refused,
    /// Not now, or not before somebody acts.
    Later(Fault),
}

/// What a status means. A refusal that may be a fault of the set-up and not of the records is for later, so that a wrong URL
/// costs no record.
pub(super) fn sense(status: u16, after: Option<Duration>) -> Sense {
    match status {
        200..=299 => Sense::Taken,
        413 => Sense::TooMany,
        401..=403 | 407 => Sense::Later(Fault::Denied(status)),
        300..=399 | 404..=406 | 415 | 421 | 426 | 501 | 505 => Sense::Later(Fault::Misplaced(status)),
        408 | 425 | 429 | 500..=599 => Sense::Later(Fault::Busy { status, after }),
        400..=499 => Sense::Refused,
        _ => Sense::Later(Fault::Answer),
    }
}

/// `Retry-After` in seconds, at most an hour. As a date it is left alone: our own waiting longer and longer does as well.
pub(super) fn after(value: &[u8]) -> Option<Duration> {
    let text = std::str::from_utf8(value).ok()?.trim();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX).min(3_600)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_status_is_read_and_only_what_is_about_the_records_refuses_them() {
        for status in 0..=u16::MAX {
            let wanted = match status {
                200..=299 => "taken",
                413 => "too many",
                400 | 409..=412 | 414 | 416..=420 | 422..=424 | 427 | 428 | 430..=499 => "refused",
                _ => "later",
            };
            let got = match sense(status, None) {
                Sense::Taken => "taken",
                Sense::TooMany => "too many",
                Sense::Refused => "refused",
                Sense::Later(_) => "later",
            };
            let excepted = status == 426;
            assert!(got == wanted || excepted && got == "later", "{status}: {got}");
        }
    }

    #[test]
    fn a_receiver_can_ask_for_an_hour_at_most() {
        assert_eq!(after(b" 7 "), Some(Duration::from_secs(7)));
        assert_eq!(after(b"99999999999999999999999"), Some(Duration::from_secs(3_600)));
        for wrong in [&b""[..], b"-1", b"+1", b"1.5", b"Wed, 21 Oct 2026 07:28:00 GMT", b"\xff"] {
            assert_eq!(after(wrong), None);
        }
    }
}
