//! The desk: the one place where lines are in order.

use super::{
    Ended, Loaded,
    aside::{Disk, Wait},
    begin,
    board::{EpochFigures, FileFigures, InputFigures, Life, OutputFigures, Snapshot},
    control::{Control, tell},
    directory, label,
    lane::{self, Lane},
    outside::Outside,
    sinks::{Sinks, Stopped},
    streams::{Sleep, Stream},
};
use crate::{
    encode::Batch,
    error::{Error, Kind},
    input::follow::{Counts, Follow, Position, Step},
    key::Keyring,
    output::segment::{Committed, Fault},
    run::{End, Summary, ordered::shed, worker::clock},
    state::{book::Book, checkpoint::Checkpoint, journal::Record},
    tally::Tally,
    time::Timestamp,
};
use rustix::event::{PollFd, PollFlags, Timespec};
use sd_notify::NotifyState;
use serde::{Deserialize, Serialize};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// How far an input that is followed was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Held {
    /// What it is called.
    pub input: String,
    /// The first number that no source of it had.
    pub next: u64,
    /// Where its sources stand.
    pub positions: Vec<Position>,
}

/// Where lines come from, in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Origin {
    /// The input.
    pub input: String,
    /// Which of its sources; none: it cannot be read twice.
    pub source: Option<u64>,
}

/// One input.
pub(super) struct Input {
    pub label: String,
    pub from: Follower,
    pub lane: Lane,
    pub lines: u64,
    pub bytes: u64,
    pub shed: u64,
    pub problems: u64,
}

/// How an input is read.
pub(super) enum Follower {
    Files(Box<Follow>),
    Stream(Stream),
}

pub(super) struct Desk {
    /// Goes first: the state is held until no checkpoint is under way.
    pub disk: Disk,
    pub inputs: Vec<Input>,
    pub sinks: Sinks,
    pub loaded: Loaded,
    pub reload: Box<dyn FnMut() -> Result<Loaded, Error>>,
    pub keyring: Option<Arc<Keyring>>,
    pub quiet: bool,
    /// There while it runs.
    pub book: Option<Book>,
    pub batch: Batch,
    /// Lines in hand, where they cannot be lent.
    pub lines: Vec<u8>,
    pub sleep: Sleep,
    pub since_checkpoint: u64,
    pub last_checkpoint: Instant,
    /// Something was read since the last checkpoint.
    pub dirty: bool,
    /// Lines were taken of a file that are not all written: no checkpoint may be made.
    pub in_hand: bool,
    pub problems_said: u64,
    /// Since when an output takes nothing.
    pub stalled: Option<Instant>,
    pub outside: Outside,
}

/// What is in hand is made durable so often.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

/// And when so much was read.
const CHECKPOINT_BYTES: u64 = 64 << 20;

/// An output that is full is tried so often.
const TRY_AGAIN: Duration = Duration::from_millis(250);

/// Events of files are looked at so often while lines come without end.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A flood of problems is said no further.
const MOST_PROBLEMS: u64 = 1_000;

/// Why the loop ends.
enum Stop {
    /// A signal, or the end of all inputs.
    Asked,
    /// The reader of standard output went away.
    Gone,
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Failed(error)
    }
}

impl Desk {
    /// Runs until it has to end, and accounts for all lines.
    pub(super) fn run(mut self, control: &Control) -> Ended {
        self.say(&format!(
            "policy {}/{}, {} inputs, state in `{}`",
            self.loaded.policy.name,
            self.loaded.policy.version,
            self.inputs.len(),
            directory(&self.loaded.policy).display()
        ));
        self.publish(Life::Ready);
        tell(&[NotifyState::Ready]);
        let ended = self.turns(control);
        self.publish(Life::Draining);
        tell(&[NotifyState::Stopping]);
        let mut error = match ended {
            Ok(never) => match never {},
            Err(Stop::Asked | Stop::Gone) => None,
            Err(Stop::Failed(error)) => Some(error),
        };
        // What was taken and is not written is the journal's, or was never said: a checkpoint would say that it is done.
        if !self.in_hand
            && let Err(second) = self.checkpoint()
        {
            error = error.or(Some(second));
        }
        let tally = self.tally();
        self.account(&tally);
        Ended { tally, error }
    }

    fn turns(&mut self, control: &Control) -> Result<std::convert::Infallible, Stop> {
        let mut looked = Instant::now();
        let mut quits = 0;
        loop {
            quits += control.take_quits();
            if quits > 0 {
                return self.drain(control, quits);
            }
            self.asked(control)?;
            self.settle(Wait::No)?;
            // Between two batches, when all that was read is written: then a checkpoint says where it is.
            if self.sinks.rotate(clock())? {
                self.checkpoint()?;
            }
            self.outside.beat();
            if self.outside.is_due() {
                self.publish(Life::Ready);
            }
            let mut busy = false;
            for number in 0..self.inputs.len() {
                busy |= self.turn(number, control)?;
            }
            if self.dirty
                && (self.since_checkpoint >= CHECKPOINT_BYTES || self.last_checkpoint.elapsed() >= CHECKPOINT_EVERY)
                || self.book.as_ref().is_some_and(Book::is_due)
            {
                self.checkpoint_aside()?;
            }
            if busy {
                if looked.elapsed() >= LOOK_EVERY {
                    self.look();
                    looked = Instant::now();
                }
                continue;
            }
            if self.inputs.iter().all(|input| matches!(&input.from, Follower::Stream(stream) if stream.is_over())) {
                return Err(Stop::Asked);
            }
            self.rest(control)?;
            self.look();
            looked = Instant::now();
        }
    }

    /// One input has its turn. Whether it had anything.
    fn turn(&mut self, number: usize, control: &Control) -> Result<bool, Stop> {
        let reference = clock();
        let Desk { inputs, batch, lines, in_hand, .. } = self;
        let input = &mut inputs[number];
        batch.clear();
        let (source, place, tally, skipped) = match &mut input.from {
            Follower::Files(follow) => match follow.next()? {
                Step::Idle => return Ok(false),
                Step::Checkpoint => {
                    self.checkpoint()?;
                    return Ok(true);
                }
                Step::Portion(portion) => {
                    *in_hand = true;
                    let (source, place) = (portion.source.0, (portion.from, portion.to));
                    let mut tally = Tally::default();
                    let length = portion.lines.0.len() as u64;
                    if !portion.lines.0.is_empty() {
                        tally += input.lane.run(source, place, portion.lines.0, reference, batch)?;
                    }
                    if portion.closed {
                        tally += input.lane.close(source, reference, batch)?;
                    } else {
                        let (context, header) = input.lane.context(source, place.1);
                        follow.set_context(crate::input::follow::SourceId(source), context, header);
                    }
                    (Some(source), place, tally, (place.1 - place.0).saturating_sub(length))
                }
            },
            Follower::Stream(stream) => {
                let (shed_lines, shed_bytes) = stream.take_shed();
                if shed_lines > 0 {
                    input.shed += shed_lines;
                    let tally = shed(Tally { lines: shed_lines, bytes_in: shed_bytes, ..Tally::default() });
                    input.lane.count(tally)?;
                }
                let Some(taken) = stream.take() else { return Ok(shed_lines > 0) };
                let taken = taken?;
                lines.clear();
                lines.extend_from_slice(&taken.bytes);
                let tally = input.lane.run(0, (0, 0), lines, reference, batch)?;
                (None, (0, 0), tally, taken.skipped)
            }
        };
        let tally = Tally { bytes_in: tally.bytes_in + skipped, ..tally };
        input.lines += tally.lines;
        input.bytes += tally.bytes_in;
        self.since_checkpoint += tally.bytes_in;
        self.dirty = true;
        let input = &mut self.inputs[number];
        let origin = Origin { input: input.label.clone(), source };
        let verdict = input.lane.count(tally);
        self.write(origin, place, reference, control)?;
        self.in_hand = false;
        verdict?;
        Ok(true)
    }

    /// Says what the batch is made of, and writes it.
    fn write(
        &mut self,
        source: Origin,
        (from, to): (u64, u64),
        reference: Timestamp,
        control: &Control,
    ) -> Result<(), Stop> {
        self.outside.count(&self.batch);
        let parts = self.sinks.divide(&self.batch)?;
        if source.source.is_some() || !parts.is_empty() {
            let policy = self.loaded.digest;
            let record = Record { source, from, to, reference, policy, parts };
            let book = self.book.as_mut().expect("there while it runs");
            loop {
                match book.append(&record) {
                    Ok(()) => break,
                    Err(error) if book.is_failed() => return Err(error.into()),
                    Err(error) => wait_for_room(&error.to_string(), &mut self.stalled, self.quiet, control)?,
                }
            }
        }
        let (mut sink, mut taken) = (0, 0);
        loop {
            match self.sinks.write(sink, taken, reference) {
                Ok(()) => break,
                Err(Stopped::Gone) => return Err(Stop::Gone),
                Err(Stopped::Failed(error)) => return Err(error.into()),
                Err(Stopped::Later { sink: at, fault }) => {
                    (sink, taken) = (at, fault.taken);
                    if !fault.is_full() {
                        return Err(Error::from(fault).into());
                    }
                    let why = Fault::to_string(&fault);
                    wait_for_room(&why, &mut self.stalled, self.quiet, control)?;
                }
            }
        }
        if let Some(since) = self.stalled.take() {
            self.say(&format!("the output takes records again, after {:.1} s", since.elapsed().as_secs_f64()));
        }
        Ok(())
    }

    /// What signals ask for, but for the end.
    fn asked(&mut self, control: &Control) -> Result<(), Stop> {
        if control.take_reload() {
            if let Ok(now) = NotifyState::monotonic_usec_now() {
                tell(&[NotifyState::Reloading, now]);
            }
            let done = (self.reload)().and_then(|loaded| self.swap(loaded));
            self.outside.reloaded(done.as_ref().err(), clock());
            match done {
                Ok(()) => {
                    let policy = &self.loaded.policy;
                    self.say(&format!("the policy is now {}/{}", policy.name, policy.version));
                }
                Err(error) => crate::run::say!("sladd: the policy stays as it was: {error}"),
            }
            tell(&[NotifyState::Ready]);
        }
        if control.take_reopen() {
            if let Err(error) = self.sinks.reopen(clock()) {
                crate::run::say!("sladd: an output was not opened again: {error}");
            }
            self.checkpoint()?;
        }
        if control.take_count() {
            self.account(&self.tally());
        }
        Ok(())
    }

    /// Goes on under another policy, between two batches.
    fn swap(&mut self, loaded: Loaded) -> Result<(), Error> {
        let (now, then) = (&loaded.policy.wiring, &self.loaded.policy.wiring);
        let targets =
            |wiring: &crate::policy::Wiring| wiring.outputs.iter().map(|output| output.to.clone()).collect::<Vec<_>>();
        let sources =
            |wiring: &crate::policy::Wiring| wiring.inputs.iter().map(|input| label(&input.from)).collect::<Vec<_>>();
        let same = now.directory == then.directory
            && now.memory_limit == then.memory_limit
            && now.status == then.status
            && targets(now) == targets(then)
            && sources(now) == sources(then);
        if !same {
            let why = "inputs, outputs, [state] or [status] differ; restart the service for that";
            return Err(Error::new(Kind::Config, why));
        }
        let keyring = match loaded.policy.keys == self.loaded.policy.keys && self.keyring.is_some() {
            true => self.keyring.clone(),
            false => begin::keyring(&loaded.policy)?,
        };
        let wired = &loaded.policy.wiring.inputs;
        let lanes: Result<Vec<Lane>, Error> =
            wired.iter().map(|input| Lane::new(&loaded.policy, input, keyring.as_ref())).collect();
        let lanes = lanes?;
        let plan = lane::plan(&loaded.policy, &wired[0])?;
        self.book.as_mut().expect("there while it runs").keep_policy(loaded.digest, &loaded.text)?;
        for (input, mut lane) in self.inputs.iter_mut().zip(lanes) {
            lane.take_over(&mut input.lane);
            input.lane = lane;
        }
        self.sinks.rename(&loaded.policy.wiring.outputs, &plan);
        self.outside.rename(&loaded.policy);
        (self.loaded, self.keyring) = (loaded, keyring);
        // The journal of what follows begins under the new policy.
        self.checkpoint()
    }

    /// Sleeps until something happens, or it is time to look.
    fn rest(&mut self, control: &Control) -> Result<(), Stop> {
        self.sleep.lies_down();
        let mut wait = self.outside.longest_rest();
        if self.dirty && !self.disk.is_busy() {
            wait = wait.min(CHECKPOINT_EVERY.saturating_sub(self.last_checkpoint.elapsed()));
        }
        let mut fds: Vec<PollFd<'_>> = Vec::new();
        let mut waits = true;
        for input in &self.inputs {
            match &input.from {
                Follower::Files(follow) => {
                    wait = wait.min(follow.wait());
                    fds.extend(follow.changed().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
                }
                // It may have come between our look and our lying down.
                Follower::Stream(stream) => waits &= !stream.has_lines(),
            }
        }
        let own = control.fds().into_iter().chain([self.sleep.fd()]);
        fds.extend(own.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        let wait = if waits { wait } else { Duration::ZERO };
        let timeout = Timespec::try_from(wait).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
        let done = rustix::event::poll(&mut fds, Some(&timeout));
        self.sleep.gets_up();
        match done {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => {
                let error = std::io::Error::from(error);
                Err(Error::new(Kind::Io, format!("cannot wait for lines: {error}")).into())
            }
        }
    }

    /// Looks at what is followed, and says what is wrong with it.
    fn look(&mut self) {
        let mut problems = Vec::new();
        for input in &mut self.inputs {
            if let Follower::Files(follow) = &mut input.from {
                follow.look();
                let mut told = follow.take_problems();
                input.problems += told.len() as u64;
                problems.append(&mut told);
            }
        }
        for problem in problems {
            self.problems_said += 1;
            if self.problems_said <= MOST_PROBLEMS {
                crate::run::say!("sladd: {problem}");
            }
        }
    }

    /// The end was asked for: streams are read to what is there now, and files wait where they are.
    fn drain(&mut self, control: &Control, mut quits: usize) -> Result<std::convert::Infallible, Stop> {
        let until = Instant::now() + GRACE;
        for input in &self.inputs {
            if let Follower::Stream(stream) = &input.from {
                stream.stop();
            }
        }
        while quits < 2 && Instant::now() < until {
            let mut over = true;
            for number in 0..self.inputs.len() {
                if let Follower::Stream(stream) = &self.inputs[number].from
                    && !stream.is_over()
                {
                    over = false;
                    self.turn(number, control)?;
                }
            }
            if over {
                break;
            }
            self.rest(control)?;
            quits += control.take_quits();
        }
        Err(Stop::Asked)
    }

    /// Makes what was written durable, and says so.
    fn checkpoint(&mut self) -> Result<(), Error> {
        self.settle(Wait::Yes)?;
        let began = Instant::now();
        let checkpoint = self.checkpoint_now()?;
        self.book.as_mut().expect("there while it runs").checkpoint(&checkpoint)?;
        self.outside.durable(began.elapsed(), clock());
        self.since_checkpoint = 0;
        self.last_checkpoint = Instant::now();
        self.dirty = false;
        Ok(())
    }

    /// Has what was written made durable, while lines go on.
    fn checkpoint_aside(&mut self) -> Result<(), Error> {
        // A disk that takes so long is waited for, or the journal would grow without end.
        let late = self.book.as_ref().is_some_and(Book::is_due);
        self.settle(if late { Wait::Yes } else { Wait::No })?;
        if self.disk.is_busy() {
            return Ok(());
        }
        let (outputs, flushes) = self.sinks.flush()?;
        // What was not announced before is not durable yet: no line of a new file is written on the strength of it.
        let checkpoint = self.checkpoint_of(outputs, Follow::standing);
        let book = self.book.as_mut().expect("there while it runs");
        match book.begin_aside(&checkpoint) {
            Ok(aside) => self.disk.begin(flushes, aside),
            Err(error) if late || book.is_failed() => return Err(error),
            // Nothing was begun, the disk may be full: the journal goes on, and it is tried again.
            Err(_) => {}
        }
        (self.since_checkpoint, self.last_checkpoint, self.dirty) = (0, Instant::now(), !self.disk.is_busy());
        Ok(())
    }

    /// Takes note of a checkpoint that was made aside.
    fn settle(&mut self, wait: Wait) -> Result<(), Error> {
        let Some((took, done)) = self.disk.end(wait) else { return Ok(()) };
        // Where a sync failed no later one may say otherwise.
        self.in_hand |= done.is_err();
        self.book.as_mut().expect("there while it runs").end_aside(done)?;
        self.outside.durable(took, clock());
        Ok(())
    }

    /// All that is known now.
    pub(super) fn checkpoint_now(&mut self) -> Result<Checkpoint<Held>, Error> {
        let outputs = self.sinks.sync()?;
        Ok(self.checkpoint_of(outputs, Follow::positions))
    }

    fn checkpoint_of(
        &mut self,
        outputs: Vec<Committed>,
        positions: fn(&mut Follow) -> Vec<Position>,
    ) -> Checkpoint<Held> {
        let sources = self.inputs.iter_mut().filter_map(|input| match &mut input.from {
            Follower::Files(follow) => {
                let positions = positions(follow);
                Some(Held { input: input.label.clone(), next: follow.next_source(), positions })
            }
            Follower::Stream(_) => None,
        });
        Checkpoint { sources: sources.collect(), outputs, policy: self.loaded.digest }
    }

    /// Shows the outside how things stand.
    fn publish(&mut self, life: Life) {
        let inputs = self.inputs.iter().zip(&self.outside.inputs).map(|(input, label)| {
            let (lag_bytes, files) = match &input.from {
                Follower::Files(follow) => (follow.lag(), Some(figures_of(follow.counts()))),
                Follower::Stream(stream) => (stream.lag(), None),
            };
            InputFigures {
                label: label.clone(),
                lines: input.lines,
                bytes: input.bytes,
                lag_bytes,
                shed_lines: input.shed,
                problems: input.problems,
                files,
            }
        });
        let stalled_since = self.stalled.map(|since| Timestamp(clock().0 - since.elapsed().as_secs() as i64));
        let outputs = self.sinks.figures().zip(&self.outside.outputs).map(|(figures, label)| OutputFigures {
            label: label.clone(),
            records: figures.records,
            bytes: figures.bytes,
            stalled_since: stalled_since.filter(|_| figures.last_error.is_some()),
            last_write: figures.last_write,
            rotations: figures.rotations,
            errors: figures.errors,
            last_error: figures.last_error,
        });
        let snapshot = Snapshot {
            life,
            policy: self.outside.policy_figures(&self.loaded),
            epoch: self.keyring.as_ref().map(|keyring| {
                let (period, now) = (keyring.period(), clock());
                let epoch = period.epoch(now);
                EpochFigures { name: period.name(epoch).as_str().into(), start: period.start(epoch) }
            }),
            inputs: inputs.collect(),
            outputs: outputs.collect(),
            tally: self.tally(),
            classes: self.outside.classes(),
            checkpoints: self.outside.checkpoints,
            memory: self.outside.memory(self.loaded.policy.wiring.memory_limit),
            ..Snapshot::default()
        };
        self.outside.publish(snapshot);
    }

    fn tally(&self) -> Tally {
        let mut sum = Tally::default();
        for input in &self.inputs {
            sum += input.lane.tally;
        }
        sum
    }

    fn account(&self, tally: &Tally) {
        if !self.quiet {
            crate::run::say!("{}", Summary { tally: *tally, end: End::Signal });
        }
    }

    pub(super) fn say(&self, what: &str) {
        if !self.quiet {
            crate::run::say!("sladd: {what}");
        }
    }
}

/// So long streams are drained after a signal to end.
const GRACE: Duration = Duration::from_secs(60);

/// Waits a moment where there is no room, unless the end is asked for.
fn wait_for_room(why: &str, stalled: &mut Option<Instant>, quiet: bool, control: &Control) -> Result<(), Stop> {
    if stalled.is_none() {
        *stalled = Some(Instant::now());
        if !quiet {
            crate::run::say!("sladd: {why}; waiting for room");
        }
    }
    let timeout = Timespec::try_from(TRY_AGAIN).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
    let _ = rustix::event::poll(&mut [PollFd::from_borrowed_fd(control.fds()[0], PollFlags::IN)], Some(&timeout));
    // What is not written yet is made again by the next run.
    if control.take_quits() > 0 { Err(Stop::Asked) } else { Ok(()) }
}

fn figures_of(counts: &Counts) -> FileFigures {
    FileFigures {
        followed: counts.files,
        rotations: counts.rotations,
        truncations: counts.truncations,
        copies: counts.copies,
        gaps: counts.gaps,
        gap_bytes: counts.gap_bytes,
        unreadable: counts.unreadable,
    }
}
