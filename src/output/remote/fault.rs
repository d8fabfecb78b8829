//! Why a sending did not end well, in words that hold nothing of an answer.

use std::{fmt, time::Duration};

/// What stands between us and the receiver. Nothing in it came from the receiver but a number, or from a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It cannot be reached, or went away.
    Away(Away),
    /// Its certificate is not trusted, not valid now, or for another name.
    Untrusted,
    /// TLS, or the shared key, could not be agreed upon.
    Handshake,
    /// It takes nothing now: 408, 429 or 5xx.
    Busy {
        /// The status of its answer.
        status: u16,
        /// How long it asks us to wait, at most an hour.
        after: Option<Duration>,
    },
    /// It does not let us: 401, 402, 403 or 407. Somebody must act.
    Denied(u16),
    /// Nobody takes records at this place: a redirection, 404, 405 and the like. Somebody must act.
    Misplaced(u16),
    /// It refuses all records, and has taken none so far. Somebody must act.
    Refused(u16),
    /// What it answered is not what such a receiver answers.
    Answer,
    /// The file with our token or key cannot be used any more. Somebody must act.
    Secret,
    /// We were told to stop.
    Stopped,
}

/// How a receiver is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Away {
    /// Its name leads to no address.
    Name,
    /// It cannot be connected to.
    Connect,
    /// It takes no bytes for too long.
    Stalled,
    /// It does not answer, or does not confirm.
    Silent,
    /// The connection broke, or was closed before its time.
    Broken,
}

impl Fault {
    /// Every class that a fault can have, as a metric's label has it.
    pub const CLASSES: [&'static str; 14] = [
        "name",
        "connect",
        "stalled",
        "silent",
        "broken",
        "untrusted",
        "handshake",
        "busy",
        "denied",
        "misplaced",
        "refused",
        "answer",
        "secret",
        "stopped",
    ];

    /// What a metric's label calls it.
    pub fn class(self) -> &'static str {
        match self {
            Fault::Away(Away::Name) => "name",
            Fault::Away(Away::Connect) => "connect",
            Fault::Away(Away::Stalled) => "stalled",
            Fault::Away(Away::Silent) => "silent",
            Fault::Away(Away::Broken) => "broken",
            Fault::Untrusted => "untrusted",
            Fault::Handshake => "handshake",
            Fault::Busy { .. } => "busy",
            Fault::Denied(_) => "denied",
            Fault::Misplaced(_) => "misplaced",
            Fault::Refused(_) => "refused",
            Fault::Answer => "answer",
            Fault::Secret => "secret",
            Fault::Stopped => "stopped",
        }
    }

    /// Whether it lasts until somebody changes something.
    pub fn needs_somebody(self) -> bool {
        match self {
            Fault::Untrusted
            | Fault::Handshake
            | Fault::Denied(_)
            | Fault::Misplaced(_)
            | Fault::Refused(_)
            | Fault::Answer
            | Fault::Secret => true,
            Fault::Away(_) | Fault::Busy { .. } | Fault::Stopped => false,
        }
    }

    /// How long the receiver asks us to wait.
    pub fn after(self) -> Option<Duration> {
        match self {
            Fault::Busy { after, .. } => after,
            Fault::Away(_)
            | Fault::Untrusted
            | Fault::Handshake
            | Fault::Denied(_)
            | Fault::Misplaced(_)
            | Fault::Refused(_)
            | Fault::Answer
            | Fault::Secret
            | Fault::Stopped => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Away(Away::Name) => f.write_str("the receiver's name leads to no address"),
            Fault::Away(Away::Connect) => f.write_str("the receiver cannot be connected to"),
            Fault::Away(Away::Stalled) => f.write_str("the receiver takes no bytes"),
            Fault::Away(Away::Silent) => f.write_str("the receiver does not answer"),
            Fault::Away(Away::Broken) => f.write_str("the connection to the receiver broke"),
            Fault::Untrusted => f.write_str("the receiver's certificate is not trusted; check its name and `ca`"),
            Fault::Handshake => f.write_str("the receiver and we cannot agree on TLS or on the shared key"),
            Fault::Busy { status, .. } => write!(f, "the receiver takes nothing now: status {status}"),
            Fault::Denied(status) => write!(f, "the receiver does not let us in: status {status}; check the token"),
            Fault::Misplaced(status) => {
                write!(f, "the receiver takes no records there: status {status}; check the URL")
            }
            Fault::Refused(status) => {
                write!(f, "the receiver refuses every record: status {status}; check its set-up and the shape")
            }
            Fault::Answer => f.write_str("the receiver's answer was not understood; check the URL and the shape"),
            Fault::Secret => f.write_str("the file with the token or key cannot be used; check its rights"),
            Fault::Stopped => f.write_str("stopped"),
        }
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_class_is_listed_once_and_is_a_plain_word() {
        let all = [
            Fault::Away(Away::Name),
            Fault::Away(Away::Connect),
            Fault::Away(Away::Stalled),
            Fault::Away(Away::Silent),
            Fault::Away(Away::Broken),
            Fault::Untrusted,
            Fault::Handshake,
            Fault::Busy { status: 503, after: None },
            Fault::Denied(401),
            Fault::Misplaced(404),
            Fault::Refused(400),
            Fault::Answer,
            Fault::Secret,
            Fault::Stopped,
        ];
        assert_eq!(all.map(Fault::class), Fault::CLASSES);
        assert!(Fault::CLASSES.iter().all(|class| class.bytes().all(|byte| byte.is_ascii_lowercase())));
        for fault in all {
            let text = fault.to_string();
            assert!(text.starts_with(|first: char| first.is_lowercase()) && !text.ends_with('.'), "{text}");
        }
    }
}
