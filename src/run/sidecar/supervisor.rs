//! A supervisor such as systemd, where there is one: told that the desk is alive, how it is, and when it needs longer.

use super::control::tell;
use crate::tally::Tally;
use sd_notify::NotifyState;
use std::time::{Duration, Instant};

/// What is told on the way. Nobody is asked and nothing is sent where no supervisor is.
#[derive(Debug)]
pub(super) struct Supervisor {
    is_there: bool,
    /// A sign of life is due so often: a third of what the supervisor waits for.
    every: Option<Duration>,
    beaten: Instant,
    said: Option<(Tally, Instant)>,
    extended: Option<Instant>,
}

/// How things stand is told no more often.
const STATUS_EVERY: Duration = Duration::from_secs(1);

/// More time is asked for so often, and so much of it.
const EXTEND_EVERY: Duration = Duration::from_secs(2);
const EXTENSION: Duration = Duration::from_secs(20);

impl Supervisor {
    /// The one that the environment names.
    pub(super) fn new() -> Supervisor {
        let is_there = std::env::var_os("NOTIFY_SOCKET").is_some();
        // One that is absurdly short is not run after without rest.
        let every = sd_notify::watchdog_enabled().map(|interval| (interval / 3).max(Duration::from_millis(10)));
        let every = every.filter(|_| is_there);
        Supervisor { is_there, every, beaten: Instant::now(), said: None, extended: None }
    }

    /// The desk is alive. Said from its own loop and from nowhere else, so that a desk that hangs is noticed.
    pub(super) fn beat(&mut self) {
        if let Some(every) = self.every
            && self.beaten.elapsed() >= every
        {
            self.beaten = Instant::now();
            tell(&[NotifyState::Watchdog]);
        }
    }

    /// So long nothing has to be said.
    pub(super) fn longest_rest(&self) -> Duration {
        self.every.map_or(Duration::MAX, |every| every.saturating_sub(self.beaten.elapsed()))
    }

    /// How many lines there were, if that is news.
    pub(super) fn status(&mut self, tally: impl FnOnce() -> Tally, lag_bytes: impl FnOnce() -> u64) {
        let is_due = self.said.as_ref().is_none_or(|(_, at)| at.elapsed() >= STATUS_EVERY);
        if !self.is_there || !is_due {
            return;
        }
        let tally = tally();
        if self.said.as_ref().is_none_or(|(said, _)| *said != tally) {
            let (lines, dropped, lag) = (tally.lines, tally.dropped(), lag_bytes());
            let out = lines - dropped;
            tell(&[NotifyState::Status(&format!(
                "{lines} lines in, {out} minimised, {dropped} dropped; {lag} bytes to be read"
            ))]);
        }
        self.said = Some((tally, Instant::now()));
    }

    /// Says what keeps it, where it is no figure.
    pub(super) fn waits(&self, why: &str) {
        if self.is_there {
            tell(&[NotifyState::Status(why)]);
        }
    }

    /// The start or the end takes longer than usual.
    pub(super) fn needs_longer(&mut self) {
        if self.is_there && self.extended.is_none_or(|at| at.elapsed() >= EXTEND_EVERY) {
            self.extended = Some(Instant::now());
            tell(&[NotifyState::ExtendTimeoutUsec(EXTENSION.as_micros() as u32)]);
        }
    }
}
