//! One worker's engine with the keyring that all workers share, and the limit of malformed lines.

use super::{Verdict, Work, guard::Guard};
use crate::{
    encode::Batch,
    engine::{Carry, Counted, Due, Engine, Progress},
    epoch::Epoch,
    error::{Error, Kind},
    key::{Keyring, Lookup},
    plan::Plan,
    tally::Tally,
    time::Timestamp,
};
use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// What every worker is told.
#[derive(Clone, Debug)]
pub struct Task {
    /// What to do.
    pub plan: Arc<Plan>,
    /// Secrets, where the plan needs any.
    pub keyring: Option<Arc<Keyring>>,
    /// The time of records that have none; `None`: when they arrive.
    pub reference: Option<Timestamp>,
    /// What happens to records whose time to be deleted has come.
    pub due: Due,
    /// All records are treated under this one epoch, whatever their time; `None`: each under its own.
    pub epoch: Option<Epoch>,
    /// Who is told that a secret could not be destroyed when it was due.
    pub alarm: fn(&Error),
}

/// Tells it on standard error.
pub fn say_alarm(error: &Error) {
    crate::run::say!("sladd: {error}");
}

/// One worker.
#[derive(Debug)]
pub struct Worker {
    engine: Engine,
    guard: Option<Guard>,
    task: Task,
    /// How often the keyring had given secrets up when this worker last dropped its own.
    given_up: u64,
}

impl Worker {
    /// A worker for the task.
    pub fn new(task: &Task) -> Worker {
        let mut engine = Engine::new(task.plan.clone());
        engine.set_due(task.due);
        engine.set_epoch(task.epoch);
        Worker { engine, guard: None, task: task.clone(), given_up: 0 }
    }

    /// The same worker with a guard behind the engine.
    pub fn guarded(self, guard: Guard) -> Worker {
        Worker { guard: Some(guard), ..self }
    }

    /// Counts from now on what is treated and found.
    pub fn count(&mut self) {
        self.engine.count();
    }

    /// What was treated and found since then.
    pub fn counted(&self) -> Counted {
        self.engine.counted()
    }

    /// The time of records that have none, from now on.
    pub fn set_reference(&mut self, reference: Timestamp) {
        self.task.reference = Some(reference);
    }

    /// All records are this tenant's from now on; `None`: each names its own.
    ///
    /// # Panics
    /// When the policy has no such tenant.
    pub fn set_tenant(&mut self, tenant: Option<&str>) {
        self.engine.set_tenant(tenant);
    }

    /// Drops the secrets that were destroyed, and destroys those that are due. For who has no lines to run, too.
    pub fn tend(&mut self, now: Timestamp) {
        let Some(keyring) = &self.task.keyring else { return };
        match keyring.tend(now) {
            Ok(given_up) if given_up == self.given_up => {}
            Ok(given_up) => {
                self.engine.forget_secrets();
                self.given_up = given_up;
            }
            // Whoever needs the secret of another epoch is refused it.
            Err(error) => (self.task.alarm)(&error),
        }
    }

    fn minimise(&mut self, lines: &[u8], now: Timestamp, batch: &mut Batch) -> Result<Tally, Error> {
        let mut sum = Tally::default();
        let mut at = 0;
        loop {
            let (tally, progress) = self.engine.run(&lines[at..], batch);
            sum += tally;
            let Progress::Paused { at: done, epoch } = progress else {
                return Ok(sum);
            };
            at += done;
            self.admit(epoch, now)?;
        }
    }

    /// Gives the engine the secret that it waits for.
    fn admit(&mut self, epoch: Epoch, now: Timestamp) -> Result<(), Error> {
        let secret = match &self.task.keyring {
            Some(keyring) => match keyring.secret(epoch, now)? {
                Lookup::Found(secret) => Some(secret),
                Lookup::Destroyed | Lookup::OutOfReach => None,
            },
            None => None,
        };
        self.engine.admit(epoch, secret);
        Ok(())
    }
}

impl Work for Worker {
    fn carry(&mut self, before: &Carry) {
        self.engine.set_carry(before);
    }

    fn run(&mut self, lines: &[u8], batch: &mut Batch) -> Result<Tally, Error> {
        let now = clock();
        self.tend(now);
        self.engine.set_reference(self.task.reference.unwrap_or(now));
        let Some(mut guard) = self.guard.take() else {
            return self.minimise(lines, now, batch);
        };
        // Line by line, so that it is known what became of the line whose record is stopped.
        let mut sum = Tally::default();
        for line in lines.split_inclusive(|&byte| byte == b'\n') {
            let before = batch.bytes().len();
            let mut tally = self.minimise(line, now, batch)?;
            guard.read(batch, before, &mut tally);
            sum += tally;
        }
        self.guard = Some(guard);
        Ok(sum)
    }

    fn rest(&mut self) {
        self.tend(clock());
    }

    fn skip(&mut self, lines: &[u8]) {
        self.engine.skip(lines);
    }

    fn finish(&mut self, batch: &mut Batch) -> Result<Tally, Error> {
        let now = clock();
        self.tend(now);
        self.engine.set_reference(self.task.reference.unwrap_or(now));
        let before = batch.bytes().len();
        let mut sum = Tally::default();
        loop {
            let (tally, progress) = self.engine.finish(batch);
            sum += tally;
            match progress {
                Progress::Done => break,
                Progress::Paused { epoch, .. } => self.admit(epoch, now)?,
            }
        }
        if let Some(guard) = &mut self.guard {
            guard.read(batch, before, &mut sum);
        }
        Ok(sum)
    }
}

/// The wall clock.
pub fn clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp(since.map_or(0, |since| since.as_secs() as i64))
}

/// Lines after which the share of malformed ones is looked at first, and from then on.
const WINDOWS: [u64; 2] = [10_000, 100_000];

/// Ends a run of which more than `percent` of the lines fit no format: of the first 10,000 lines, and of each 100,000 after.
pub fn limit(percent: Option<f64>) -> Verdict {
    let Some(percent) = percent else {
        return Box::new(|_| Ok(()));
    };
    let (mut lines, mut unmatched) = (0, 0);
    Box::new(move |sum| {
        let window = WINDOWS[usize::from(lines > 0)];
        let (more, bad) = (sum.lines - lines, sum.unmatched - unmatched);
        if more < window {
            return Ok(());
        }
        (lines, unmatched) = (sum.lines, sum.unmatched);
        if bad as f64 * 100.0 <= percent * more as f64 {
            return Ok(());
        }
        Err(Error::new(
            Kind::Data,
            format!(
                "{bad} of {more} lines do not fit the format, the limit is {percent} %; name the right one with --format, \
                 or raise malformed_limit"
            ),
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;

    fn sum(lines: u64, unmatched: u64) -> Tally {
        Tally { lines, unmatched, ..Tally::default() }
    }

    #[test]
    fn the_limit_looks_at_the_first_ten_thousand_lines_and_then_at_each_hundred_thousand() {
        let mut verdict = limit(Some(20.0));
        assert!(verdict(&sum(9_999, 9_999)).is_ok());
        assert!(verdict(&sum(10_000, 2_000)).is_ok());
        assert!(verdict(&sum(50_000, 42_000)).is_ok(), "the window is not full");
        assert_eq!(verdict(&sum(110_000, 2_000 + 20_001)).unwrap_err().kind(), Kind::Data);
    }

    /// An engine that leaves more than its guard lets pass stands for one with a fault.
    #[test]
    fn a_guard_stops_what_the_engine_let_through_and_the_account_still_balances() {
        let (lax, hosting) = (Policy::builtin("minimal").unwrap(), Policy::builtin("hosting").unwrap());
        let plan = Arc::new(Plan::compile(&lax).unwrap());
        let task = Task {
            plan,
            keyring: None,
            reference: Some(Timestamp(0)),
            due: Due::Unknown,
            epoch: None,
            alarm: say_alarm,
        };
        let lines = b"a line\nby kari@example.org\r\n203.0.113.7 - - [21/Nov/2026:10:00:00 +0100] \"GET /ola@example.org HTTP/1.1\" 200 5 \"-\" \"-\"\n\nlast";
        let (mut plain, mut guarded) = (Batch::default(), Batch::default());
        let bare = Worker::new(&task).run(lines, &mut plain).unwrap();
        let mut worker = Worker::new(&task).guarded(Guard::new(&hosting).unwrap());
        let tally = worker.run(lines, &mut guarded).unwrap();
        assert!(plain.bytes().windows(5).any(|window| window == b"kari@"));
        assert_eq!(guarded.bytes().split(|&byte| byte == b'\n').next(), Some(&b"a line"[..]));
        assert!(!guarded.bytes().contains(&b'@'));
        let breaks = |batch: &Batch| batch.bytes().iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(breaks(&plain), breaks(&guarded));
        assert_eq!((tally.guard, tally.dropped(), tally.lines, bare.guard), (2, 2 + bare.dropped(), 5, 0));
        assert!(tally.balances() && tally.bytes_out == guarded.bytes().len() as u64);
        assert_eq!(tally.first_stopped.map(|stopped| stopped.line), Some(2));
        assert_eq!(tally.last_stopped.map(|stopped| stopped.line), Some(3));

        // Under its own policy there is nothing to stop, and not a byte differs.
        let mut same = Batch::default();
        let tally = Worker::new(&task).guarded(Guard::new(&lax).unwrap()).run(lines, &mut same).unwrap();
        assert_eq!((same.bytes(), tally), (plain.bytes(), bare));
    }

    #[test]
    fn a_secret_that_was_destroyed_elsewhere_is_given_up_within_a_minute() {
        use crate::{epoch::Period, retention::Keep};
        let place = tempfile::tempdir().unwrap();
        let open =
            || Keyring::directory(&place.path().join("keys"), Period::Day, Keep { months: 0, days: 30 }).unwrap();
        let text = "base = \"hosting\"\nname = \"own\"\nversion = 1\n[fields]\n\"client.address\" = { treatment = \"pseudonym\" }\n";
        let plan = Arc::new(Plan::compile(&Policy::parse(text, "own.toml").0.unwrap()).unwrap());
        let keyring = Some(Arc::new(open()));
        let task = Task { plan, keyring, reference: None, due: Due::Unknown, epoch: None, alarm: say_alarm };
        let (mut worker, mut batch) = (Worker::new(&task), Batch::default());
        let line = b"203.0.113.7 - - [21/Nov/2026:10:00:00 +0100] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\"\n";
        worker.run(line, &mut batch).unwrap();
        assert!(batch.bytes().starts_with(b"p1.20261121."));
        open().destroy(Period::Day.epoch(Timestamp(1_795_255_200)), clock()).unwrap();
        worker.tend(Timestamp(clock().0 + 60));
        batch.clear();
        let tally = worker.run(line, &mut batch).unwrap();
        assert!(batch.bytes().starts_with(b"- - - ["));
        assert_eq!(tally.late, 1);
    }

    #[test]
    fn without_a_limit_nothing_ends_the_run() {
        assert!(limit(None)(&sum(1_000_000, 1_000_000)).is_ok());
    }
}
