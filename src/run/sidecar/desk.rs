//! The desk: the one place where lines are in order.

use super::{
    Ended, Loaded,
    aside::{Disk, Wait},
    begin,
    board::{EpochFigures, FileFigures, InputFigures, Life, OutputFigures, Quarantined, Snapshot},
    control::{Control, tell},
    directory,
    lane::{self, Engines, Lane},
    names::Names,
    outside::Outside,
    remote::Mailbox,
    sinks::{Brim, Sinks, Stopped},
    streams::{Lines, Sleep, Stream},
    supervisor::Supervisor,
};
use crate::{
    encode::Batch,
    engine::Counted,
    error::{Error, Kind},
    input::{
        follow::{Counts, Follow, Position, Step},
        intake::{Portion, Receipt},
    },
    key::Keyring,
    output::segment::{Committed, Fault},
    policy::{Wiring, wiring::OnStall},
    run::{End, Summary, ordered::shed, quarantine, worker::clock},
    state::{
        book::Book,
        checkpoint::Checkpoint,
        journal::Record,
        quarantine::{Deposit, Gather, Writer, is_full_disk},
    },
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
    pub on_stall: OnStall,
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
    Sockets(Box<Mailbox>),
}

/// What an input that cannot be read twice gave.
struct Taken {
    bytes: Vec<u8>,
    skipped: u64,
    /// Whoever sent it waits for a word that it is durable.
    receipt: Option<Receipt>,
}

impl Follower {
    fn take(&mut self) -> Option<Result<Taken, Error>> {
        match self {
            Follower::Files(_) => None,
            Follower::Stream(stream) => {
                let taken = stream.take()?;
                Some(taken.map(|Lines { bytes, skipped }| Taken { bytes, skipped, receipt: None }))
            }
            Follower::Sockets(intake) => match intake.take() {
                Some(Portion { lines: bytes, skipped, receipt }) => Some(Ok(Taken { bytes, skipped, receipt })),
                None => intake.failure().map(Err),
            },
        }
    }

    /// Lines and bytes that were dropped because nobody took them, since the last call.
    fn take_shed(&mut self) -> (u64, u64) {
        match self {
            Follower::Files(_) => (0, 0),
            Follower::Stream(stream) => stream.take_shed(),
            Follower::Sockets(intake) => intake.take_shed(),
        }
    }

    fn has_lines(&self) -> bool {
        match self {
            Follower::Files(_) => false,
            Follower::Stream(stream) => stream.has_lines(),
            Follower::Sockets(intake) => intake.has_lines(),
        }
    }

    /// Whether nothing more can come of it.
    fn is_over(&self) -> bool {
        match self {
            Follower::Files(_) => false,
            Follower::Stream(stream) => stream.is_over(),
            Follower::Sockets(intake) => intake.is_over(),
        }
    }

    /// Takes what is there now, and then no more. Files wait where they are.
    fn stop(&self) {
        match self {
            Follower::Files(_) => {}
            Follower::Stream(stream) => stream.stop(),
            Follower::Sockets(intake) => intake.stop(),
        }
    }

    /// Bytes that are known to be there and were not taken.
    fn lag(&self) -> u64 {
        match self {
            Follower::Files(follow) => follow.lag(),
            Follower::Stream(stream) => stream.lag(),
            Follower::Sockets(intake) => intake.waiting_bytes(),
        }
    }
}

pub(super) struct Desk {
    /// Goes first: the state is held until no checkpoint is under way.
    pub disk: Disk,
    pub inputs: Vec<Input>,
    pub sinks: Sinks,
    pub loaded: Loaded,
    pub reload: Box<dyn FnMut() -> Result<Loaded, Error>>,
    pub keyring: Option<Arc<Keyring>>,
    /// Lines that were set aside to be sealed.
    pub quarantine: Option<Writer>,
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
    pub names: Names,
    /// Of lines that are written and not durable yet.
    pub receipts: Vec<Receipt>,
    /// What the checkpoint that is made aside speaks of, and who waits for it.
    pub awaiting: (Vec<Committed>, Vec<Receipt>),
    pub supervisor: Supervisor,
    /// To read the policy again, and to open outputs again: done when standard output has taken what it was given.
    pub wanted: (bool, bool),
    /// Since when standard output takes nothing.
    pub deaf: Option<Instant>,
    /// How standard output stood when this turn began.
    pub before: Brim,
}

/// What is in hand is made durable so often.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

/// And so often where somebody waits for it: a receiver that gets only what is durable, or a sender that wants to know.
const AWAITED_EVERY: Duration = Duration::from_millis(100);

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

impl From<Stopped> for Stop {
    fn from(stopped: Stopped) -> Stop {
        match stopped {
            Stopped::Gone => Stop::Gone,
            Stopped::Failed(error) => Stop::Failed(error),
            Stopped::Later { sink: _, fault } => Stop::Failed(fault.into()),
        }
    }
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
        self.supervisor.needs_longer();
        let is_read = !matches!(ended, Err(Stop::Gone));
        let mut error = match ended {
            Ok(never) => match never {},
            Err(Stop::Asked | Stop::Gone) => None,
            Err(Stop::Failed(error)) => Some(error),
        };
        let left = self.sinks.left();
        if left > 0 && is_read {
            self.say(&format!("{left} bytes were not taken by standard output; the next run writes those of files"));
        }
        // What was taken and is not written is the journal's, or was never said: a checkpoint would say that it is done.
        if !self.in_hand
            && left == 0
            && let Err(second) = self.checkpoint()
        {
            error = error.or(Some(second));
        }
        if !self.in_hand && error.is_none() {
            error = self.sinks.put_aside(clock(), true).err();
        }
        self.supervisor.needs_longer();
        for said in self.sinks.end_stores() {
            self.say(&said);
        }
        self.send_out(control);
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
            self.outside.check()?;
            self.asked(control)?;
            self.settle(Wait::No)?;
            self.sinks.check()?;
            self.hears();
            self.before = self.sinks.brim();
            // Between two batches, when all that was read is written: then a checkpoint says where it is.
            if self.sinks.left() == 0 && self.sinks.rotate(clock())? {
                self.commit(control)?;
            }
            if self.sinks.is_closing(clock()) {
                // A checkpoint says how long each file is, before it is put aside and after.
                self.commit(control)?;
                self.sinks.put_aside(clock(), false)?;
                self.commit(control)?;
            }
            for said in self.sinks.take_said() {
                self.say(&said);
            }
            let now = clock();
            self.inputs.iter_mut().for_each(|input| input.lane.tend(now));
            self.tend_quarantine(now)?;
            self.outside.beat();
            self.supervisor.beat();
            if self.outside.is_due() {
                self.publish(Life::Ready);
            }
            self.tell_status();
            let mut busy = false;
            for number in 0..self.inputs.len() {
                busy |= self.turn(number, control)?;
            }
            if self.dirty
                && (self.since_checkpoint >= CHECKPOINT_BYTES || self.last_checkpoint.elapsed() >= self.pace())
                || self.is_pressed()
            {
                self.checkpoint_aside(control)?;
            }
            if busy {
                if looked.elapsed() >= LOOK_EVERY {
                    self.look();
                    looked = Instant::now();
                }
                continue;
            }
            if self.inputs.iter().all(|input| input.from.is_over()) && self.sinks.left() == 0 {
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
        let Desk { inputs, batch, lines, in_hand, sinks, .. } = self;
        let input = &mut inputs[number];
        let (shed_lines, shed_bytes) = input.from.take_shed();
        if shed_lines > 0 {
            input.shed += shed_lines;
            let tally = shed(Tally { lines: shed_lines, bytes_in: shed_bytes, ..Tally::default() });
            input.lane.count(tally)?;
        }
        if sinks.holds_back(input.on_stall) {
            return Ok(false);
        }
        batch.clear();
        let mut waits = None;
        let (source, place, tally, skipped) = match &mut input.from {
            Follower::Files(follow) => match follow.next()? {
                Step::Idle => return Ok(false),
                Step::Checkpoint => {
                    self.commit(control)?;
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
            from => {
                let Some(taken) = from.take() else { return Ok(shed_lines > 0) };
                let Taken { bytes, skipped, receipt } = taken?;
                lines.clear();
                lines.extend_from_slice(&bytes);
                waits = receipt;
                let tally = input.lane.run(0, (0, 0), lines, reference, batch)?;
                (None, (0, 0), tally, skipped)
            }
        };
        let mut tally = Tally { bytes_in: tally.bytes_in + skipped, ..tally };
        let refused = quarantine::keep(self.quarantine.as_mut(), &mut self.batch);
        tally.unseal(refused);
        if refused > 0
            && let Some(said) = self.quarantine.as_ref().and_then(|writer| writer.room().take_full())
        {
            crate::run::say!("sladd: {said}");
        }
        let input = &mut self.inputs[number];
        input.lines += tally.lines;
        input.bytes += tally.bytes_in;
        self.since_checkpoint += tally.bytes_in;
        self.dirty = true;
        let origin = Origin { input: self.inputs[number].label.clone(), source };
        if let Err(stop) = self.write(origin, place, reference, control) {
            // What stands in a file is the next run's; what cannot be read twice is lost.
            if source.is_none() {
                let lost = Tally { lines: tally.lines, bytes_in: tally.bytes_in, ..Tally::default() };
                let _ = self.inputs[number].lane.count(shed(lost));
            }
            return Err(stop);
        }
        self.in_hand = false;
        // Not before it is written: the next checkpoint says that it is durable.
        self.receipts.extend(waits);
        self.inputs[number].lane.count(tally)?;
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
        while let Err(error) = self.sinks.prepare(&self.batch, reference) {
            match error.kind() {
                Kind::Io => self.wait_for_room(&error.to_string(), control)?,
                _ => return Err(error.into()),
            }
        }
        let Desk { sinks, batch, names, .. } = &mut *self;
        names.next(&source, (from, to));
        let parts = sinks.divide(batch, reference, || names.head(reference))?;
        if source.source.is_some() || !parts.is_empty() {
            let policy = self.loaded.digest;
            let record = Record { source, from, to, reference, policy, parts };
            loop {
                let book = self.book.as_mut().expect("there while it runs");
                match book.append(&record) {
                    Ok(()) => break,
                    Err(error) if book.is_failed() => return Err(error.into()),
                    Err(error) => self.wait_for_room(&error.to_string(), control)?,
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
                    self.wait_for_room(&why, control)?;
                }
            }
        }
        self.goes_on();
        Ok(())
    }

    /// What signals ask for, but for the end.
    fn asked(&mut self, control: &Control) -> Result<(), Stop> {
        if control.take_count() {
            self.account(&self.tally());
        }
        self.wanted.0 |= control.take_reload();
        self.wanted.1 |= control.take_reopen();
        if self.wanted == (false, false) || !self.sinks.is_written() {
            return Ok(());
        }
        let (reload, reopen) = std::mem::take(&mut self.wanted);
        if reload {
            if let Ok(now) = NotifyState::monotonic_usec_now() {
                tell(&[NotifyState::Reloading, now]);
            }
            let done = (self.reload)().and_then(|loaded| self.swap(loaded));
            self.outside.reloaded(done.as_ref().err(), clock());
            if done.is_ok() {
                // The journal of what follows begins under the new policy.
                self.commit(control)?;
            }
            match done {
                Ok(()) => {
                    let policy = &self.loaded.policy;
                    self.say(&format!("the policy is now {}/{}", policy.name, policy.version));
                }
                Err(error) => crate::run::say!("sladd: the policy stays as it was: {error}"),
            }
            tell(&[NotifyState::Ready]);
        }
        if reopen {
            if let Err(error) = self.sinks.reopen(clock()) {
                crate::run::say!("sladd: an output was not opened again: {error}");
            }
            self.commit(control)?;
        }
        Ok(())
    }

    /// Goes on under another policy, between two batches.
    fn swap(&mut self, loaded: Loaded) -> Result<(), Error> {
        let (now, then) = (&loaded.policy.wiring, &self.loaded.policy.wiring);
        let mut differ = differences(now, then);
        if loaded.policy.seal != self.loaded.policy.seal {
            differ.push("[seal]".to_owned());
        }
        if loaded.policy.keys.wrap != self.loaded.policy.keys.wrap {
            differ.push("`wrap` in [keys]".to_owned());
        }
        if !differ.is_empty() {
            let why = format!("a restart of the service is needed for what changed: {}", differ.join(", "));
            return Err(Error::new(Kind::Config, why));
        }
        let (policy, before) = (&loaded.policy, &self.loaded.policy);
        if loaded.digest != self.loaded.digest && (&policy.name, policy.version) == (&before.name, before.version) {
            let why = format!(
                "its text has changed and it still calls itself {}/{}, which is what records are tagged with; give it a new `version`",
                policy.name, policy.version
            );
            return Err(Error::new(Kind::Config, why));
        }
        let keyring = match loaded.policy.keys == self.loaded.policy.keys && self.keyring.is_some() {
            true => self.keyring.clone(),
            false => begin::keyring(&loaded.policy)?,
        };
        let wired = &loaded.policy.wiring.inputs;
        let mut engines = Engines::default();
        let lane = |input| Lane::new(&loaded.policy, input, keyring.as_ref(), &mut engines);
        let lanes: Result<Vec<Lane>, Error> = wired.iter().map(lane).collect();
        let lanes = lanes?;
        let plan = lane::plan(&loaded.policy, &wired[0])?;
        self.book.as_mut().expect("there while it runs").keep_policy(loaded.digest, &loaded.text)?;
        self.sinks.announce(&loaded, clock())?;
        for (input, mut lane) in self.inputs.iter_mut().zip(lanes) {
            lane.take_over(&mut input.lane);
            if self.loaded.policy.wiring.status.is_some() {
                lane.watch();
            }
            input.lane = lane;
        }
        self.sinks.rename(&loaded, &plan);
        self.outside.rename(&loaded.policy);
        (self.loaded, self.keyring) = (loaded, keyring);
        Ok(())
    }

    /// Sleeps until something happens, or it is time to look.
    fn rest(&mut self, control: &Control) -> Result<(), Stop> {
        self.sleep.lies_down();
        let mut wait = self.outside.longest_rest().min(self.supervisor.longest_rest());
        if self.dirty && !self.disk.is_busy() && self.sinks.left() == 0 {
            wait = wait.min(self.pace().saturating_sub(self.last_checkpoint.elapsed()));
        }
        let mut fds: Vec<PollFd<'_>> = Vec::new();
        let mut waits = true;
        for input in &self.inputs {
            // Whoever frees a place in a spool wakes us.
            let held = self.sinks.holds_back(input.on_stall);
            if let Follower::Files(follow) = &input.from {
                wait = wait.min(follow.wait());
                fds.extend(follow.changed().filter(|_| !held).map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
            }
            // It may have come between our look and our lying down.
            waits &= held || !input.from.has_lines();
        }
        let own = control.fds().into_iter().chain([self.sleep.fd()]);
        let (watched, number) = (fds.len(), self.sinks.watched().count());
        fds.extend(self.sinks.watched().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::empty())));
        fds.extend(own.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        // So may room in standard output.
        waits &= self.sinks.brim() >= self.before;
        let wait = if waits { wait } else { Duration::ZERO };
        let timeout = Timespec::try_from(wait).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
        let done = rustix::event::poll(&mut fds, Some(&timeout));
        let gone = PollFlags::ERR | PollFlags::HUP;
        let is_gone = fds[watched..watched + number].iter().any(|fd| fd.revents().intersects(gone));
        self.sleep.gets_up();
        match done {
            Ok(_) if is_gone => Err(Stop::Gone),
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
        tell(&[NotifyState::Stopping]);
        let until = Instant::now() + GRACE;
        for input in &self.inputs {
            input.from.stop();
        }
        while quits < 2 && Instant::now() < until {
            self.supervisor.needs_longer();
            self.supervisor.beat();
            self.outside.beat();
            if self.outside.is_due() {
                self.publish(Life::Draining);
            }
            self.sinks.check()?;
            self.before = self.sinks.brim();
            let mut over = true;
            for number in 0..self.inputs.len() {
                let from = &self.inputs[number].from;
                if !matches!(from, Follower::Files(_)) && !from.is_over() {
                    over = false;
                    match self.inputs[number].on_stall {
                        OnStall::Spill | OnStall::Shed if self.sinks.holds_back(self.inputs[number].on_stall) => {
                            self.drop_waiting(number)?;
                        }
                        OnStall::Block | OnStall::Spill | OnStall::Shed => drop(self.turn(number, control)?),
                    }
                }
            }
            if over && self.sinks.left() == 0 {
                break;
            }
            if self.dirty && self.sinks.left() == 0 && self.last_checkpoint.elapsed() >= self.pace() {
                self.commit(control)?;
            }
            self.rest(control)?;
            quits += control.take_quits();
        }
        for number in 0..self.inputs.len() {
            self.drop_waiting(number)?;
        }
        Err(Stop::Asked)
    }

    /// What was read of an input and nobody takes any more is dropped and counted.
    fn drop_waiting(&mut self, number: usize) -> Result<(), Error> {
        let input = &mut self.inputs[number];
        while let Some(taken) = input.from.take() {
            let Taken { bytes, skipped, receipt: _ } = taken?;
            let lines = memchr::memchr_iter(b'\n', &bytes).count().max(usize::from(!bytes.is_empty())) as u64;
            input.shed += lines;
            input.lines += lines;
            let bytes_in = bytes.len() as u64 + skipped;
            input.lane.count(shed(Tally { lines, bytes_in, ..Tally::default() }))?;
        }
        Ok(())
    }

    /// How often what was written is made durable.
    fn pace(&self) -> Duration {
        if self.sinks.is_awaited() || !self.receipts.is_empty() { AWAITED_EVERY } else { CHECKPOINT_EVERY }
    }

    /// What waits for receivers goes to them as long as they take it; the rest is the next run's.
    fn send_out(&mut self, control: &Control) {
        self.sinks.close();
        let until = Instant::now() + SEND_GRACE;
        while !self.sinks.is_sent() && Instant::now() < until && control.take_quits() == 0 {
            self.outside.beat();
            self.supervisor.needs_longer();
            self.supervisor.beat();
            std::thread::sleep(Duration::from_millis(20));
        }
        for (figures, label) in self.sinks.figures().zip(&self.outside.outputs) {
            let Some(sent) = figures.sent else { continue };
            if sent.rejected > 0 {
                self.say(&format!("{} refused {} records for good", label.name(), sent.rejected));
            }
            if sent.waiting_bytes > 0 {
                self.say(&format!("{} bytes wait for {}; the next run sends them", sent.waiting_bytes, label.name()));
            }
        }
    }

    /// Makes what was written durable, once there is room for saying so.
    fn commit(&mut self, control: &Control) -> Result<(), Stop> {
        self.pour_out(control)?;
        self.settle(Wait::Yes)?;
        if let Some(deposit) = self.deposit()? {
            let mut full = None;
            while let Err(error) = deposit.make(|error| {
                full = is_full_disk(error).then(|| error.to_string());
                false
            }) {
                match full.take() {
                    Some(_) => self.wait_for_room(&error.to_string(), control)?,
                    None => return Err(error.into()),
                }
            }
        }
        loop {
            let checkpoint = self.checkpoint_now()?;
            match self.note(&checkpoint) {
                Ok(()) => break,
                Err(error) if self.book.as_ref().is_none_or(Book::is_failed) => return Err(error.into()),
                Err(error) => self.wait_for_room(&error.to_string(), control)?,
            }
        }
        self.goes_on();
        Ok(())
    }

    /// Waits until standard output has taken what it was given.
    fn pour_out(&mut self, control: &Control) -> Result<(), Stop> {
        while !self.sinks.is_written() {
            self.sinks.check()?;
            self.hears();
            self.outside.beat();
            self.supervisor.beat();
            if self.outside.is_due() {
                self.publish(Life::Ready);
            }
            self.sleep.lies_down();
            let quick = self.sinks.left() == 0;
            let wait = if quick { Duration::ZERO } else { TRY_AGAIN.min(self.supervisor.longest_rest()) };
            let timeout = Timespec::try_from(wait).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
            let mut fds = [control.fds()[0], self.sleep.fd()].map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
            let _ = rustix::event::poll(&mut fds, Some(&timeout));
            self.sleep.gets_up();
            if control.take_quits() > 0 {
                return Err(Stop::Asked);
            }
        }
        Ok(())
    }

    /// Says when standard output takes nothing, and when it goes on.
    fn hears(&mut self) {
        match (self.sinks.stalled(), self.deaf) {
            (Some(long), None) => {
                self.deaf = Instant::now().checked_sub(long);
                let why = "standard output takes nothing; waiting for its reader";
                self.say(why);
                self.supervisor.waits(why);
            }
            (None, Some(since)) => {
                self.deaf = None;
                self.say(&format!("standard output takes lines again, after {:.1} s", since.elapsed().as_secs_f64()));
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
    }

    fn wait_for_room(&mut self, why: &str, control: &Control) -> Result<(), Stop> {
        self.outside.beat();
        if self.outside.is_due() {
            self.publish(Life::Ready);
        }
        wait_for_room(why, &mut self.stalled, &mut self.supervisor, self.quiet, control)
    }

    fn goes_on(&mut self) {
        if let Some(since) = self.stalled.take() {
            self.say(&format!("there is room again, after {:.1} s", since.elapsed().as_secs_f64()));
        }
    }

    /// Makes what was written durable, and says so to all who wait for it.
    fn checkpoint(&mut self) -> Result<(), Error> {
        self.settle(Wait::Yes)?;
        if let Some(deposit) = self.deposit()? {
            deposit.make(|_| false)?;
        }
        let checkpoint = self.checkpoint_now()?;
        self.note(&checkpoint)
    }

    fn note(&mut self, checkpoint: &Checkpoint<Held>) -> Result<(), Error> {
        let began = Instant::now();
        self.book.as_mut().expect("there while it runs").checkpoint(checkpoint)?;
        self.outside.durable(began.elapsed(), clock());
        self.sinks.committed(&checkpoint.outputs);
        self.receipts.drain(..).for_each(Receipt::confirm);
        self.since_checkpoint = 0;
        self.last_checkpoint = Instant::now();
        self.dirty = false;
        Ok(())
    }

    /// What was set aside, sealed: it has to be durable before the checkpoint that speaks of its lines.
    fn deposit(&mut self) -> Result<Option<Deposit>, Error> {
        let number = self.book.as_ref().map_or(0, Book::next);
        self.quarantine.as_mut().map_or(Ok(None), |writer| writer.deposit(number, Gather::GoesOn, clock()))
    }

    /// Wipes what is in its file and will not be added to, and takes away what is due: not by a clock that is doubted.
    fn tend_quarantine(&mut self, now: Timestamp) -> Result<(), Error> {
        let Some(writer) = &mut self.quarantine else { return Ok(()) };
        writer.tend(now);
        if self.keyring.as_ref().is_some_and(|keyring| keyring.is_paused()) {
            return Ok(());
        }
        if let Some(said) = writer.room().tend(now)? {
            crate::run::say!("sladd: {said}");
        }
        Ok(())
    }

    /// Whether so much is held that a checkpoint cannot wait.
    fn is_pressed(&self) -> bool {
        self.book.as_ref().is_some_and(Book::is_due) || self.quarantine.as_ref().is_some_and(Writer::is_full)
    }

    /// Has what was written made durable, while lines go on.
    fn checkpoint_aside(&mut self, control: &Control) -> Result<(), Stop> {
        // A disk that takes so long is waited for, or the journal would grow without end.
        let late = self.is_pressed();
        self.settle(if late { Wait::Yes } else { Wait::No })?;
        if self.disk.is_busy() || !self.sinks.is_written() {
            return Ok(());
        }
        let (outputs, flushes) = self.sinks.flush()?;
        // What was not announced before is not durable yet: no line of a new file is written on the strength of it.
        let checkpoint = self.checkpoint_of(outputs, Follow::standing);
        let book = self.book.as_mut().expect("there while it runs");
        let number = book.next();
        match book.begin_aside(&checkpoint) {
            Ok(aside) => {
                self.awaiting = (checkpoint.outputs, std::mem::take(&mut self.receipts));
                let writer = self.quarantine.as_mut();
                let deposit = writer.map_or(Ok(None), |writer| writer.deposit(number, Gather::GoesOn, clock()))?;
                self.disk.begin(flushes, deposit, aside);
                self.goes_on();
            }
            Err(error) if book.is_failed() => return Err(error.into()),
            Err(error) if late => self.wait_for_room(&error.to_string(), control)?,
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
        let made = done.is_ok();
        self.book.as_mut().expect("there while it runs").end_aside(done)?;
        self.outside.durable(took, clock());
        let (outputs, receipts) = std::mem::take(&mut self.awaiting);
        if made {
            self.sinks.committed(&outputs);
            receipts.into_iter().for_each(Receipt::confirm);
        }
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
            Follower::Stream(_) | Follower::Sockets(_) => None,
        });
        Checkpoint { sources: sources.collect(), outputs, policy: self.loaded.digest }
    }

    /// Tells a supervisor how things stand.
    fn tell_status(&mut self) {
        let Desk { inputs, supervisor, .. } = self;
        let tally = || sum(inputs);
        supervisor.status(tally, || inputs.iter().map(|input| input.from.lag()).sum());
    }

    /// Shows the outside how things stand.
    fn publish(&mut self, life: Life) {
        let inputs = self.inputs.iter().zip(&self.outside.inputs).map(|(input, label)| {
            let lag_bytes = input.from.lag();
            let files = match &input.from {
                Follower::Files(follow) => Some(figures_of(follow.counts())),
                Follower::Stream(_) | Follower::Sockets(_) => None,
            };
            let sockets = match &input.from {
                Follower::Sockets(mailbox) => Some(mailbox.figures()),
                Follower::Files(_) | Follower::Stream(_) => None,
            };
            InputFigures {
                label: label.clone(),
                lines: input.lines,
                bytes: input.bytes,
                lag_bytes,
                shed_lines: input.shed,
                problems: input.problems,
                files,
                sockets,
            }
        });
        let stalled_since = self.stalled.map(|since| Timestamp(clock().0 - since.elapsed().as_secs() as i64));
        let outputs = self.sinks.figures().zip(&self.outside.outputs).map(|(figures, label)| OutputFigures {
            label: label.clone(),
            records: figures.records,
            bytes: figures.bytes,
            stalled_since: match figures.stalled {
                Some(long) => Some(Timestamp(clock().0 - long.as_secs() as i64)),
                None => stalled_since.filter(|_| figures.last_error.is_some()),
            },
            last_write: figures.last_write,
            rotations: figures.rotations,
            left_out: figures.left_out,
            errors: figures.errors,
            last_error: figures.last_error,
            sent: figures.sent,
        });
        let snapshot = Snapshot {
            life,
            policy: self.outside.policy_figures(&self.loaded),
            epoch: self.keyring.as_ref().map(|keyring| {
                let (period, now) = (keyring.period(), clock());
                let epoch = period.epoch(now);
                EpochFigures {
                    name: period.name(epoch).as_str().into(),
                    start: period.start(epoch),
                    paused: keyring.is_paused(),
                }
            }),
            inputs: inputs.collect(),
            outputs: outputs.collect(),
            tally: self.tally(),
            classes: self.outside.classes(),
            counted: self.counted(),
            checkpoints: self.outside.checkpoints,
            quarantine: self.quarantine.as_ref().map(|writer| {
                let figures = writer.room().figures();
                Quarantined { bytes: figures.bytes, limit: writer.room().limit_bytes(), files: figures.files }
            }),
            memory: self.outside.memory(self.loaded.policy.wiring.memory_limit),
            ..Snapshot::default()
        };
        self.outside.publish(snapshot);
    }

    fn tally(&self) -> Tally {
        sum(&self.inputs)
    }

    fn counted(&self) -> Counted {
        let mut sum = Counted::default();
        self.inputs.iter().for_each(|input| sum.add(&input.lane.counted()));
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

/// What of the wiring cannot be changed while it runs, and differs.
fn differences(now: &Wiring, then: &Wiring) -> Vec<String> {
    let mut differ = Vec::new();
    if now.directory != then.directory {
        differ.push("`directory` in [state]".to_owned());
    }
    if now.memory_limit != then.memory_limit {
        differ.push("`memory_limit` in [state]".to_owned());
    }
    if now.status != then.status {
        differ.push("[status]".to_owned());
    }
    for number in 0..now.inputs.len().max(then.inputs.len()) {
        let of = |wiring: &Wiring| wiring.inputs.get(number).map(|input| (input.from.clone(), input.on_stall));
        if of(now) != of(then) {
            differ.push(format!("[[input]] {}", number + 1));
        }
    }
    for number in 0..now.outputs.len().max(then.outputs.len()) {
        let of = |wiring: &Wiring| wiring.outputs.get(number).map(|output| (output.to.clone(), output.seal));
        if of(now) != of(then) {
            differ.push(format!("[[output]] {}", number + 1));
        }
    }
    differ
}

fn sum(inputs: &[Input]) -> Tally {
    let mut sum = Tally::default();
    inputs.iter().for_each(|input| sum += input.lane.tally);
    sum
}

/// So long what waits for receivers is sent after that. It is on the disk.
const SEND_GRACE: Duration = Duration::from_secs(10);

/// So long streams are drained after a signal to end.
const GRACE: Duration = Duration::from_secs(60);

/// Waits a moment where there is no room, unless the end is asked for.
fn wait_for_room(
    why: &str,
    stalled: &mut Option<Instant>,
    supervisor: &mut Supervisor,
    quiet: bool,
    control: &Control,
) -> Result<(), Stop> {
    if stalled.is_none() {
        *stalled = Some(Instant::now());
        if !quiet {
            crate::run::say!("sladd: {why}; waiting for room");
        }
        supervisor.waits(&format!("waiting for room: {why}"));
    }
    supervisor.beat();
    let timeout =
        Timespec::try_from(TRY_AGAIN.min(supervisor.longest_rest())).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::policy::Policy;

    #[test]
    fn what_needs_a_restart_is_named() {
        let text = "base = \"hosting\"\nname = \"a\"\nversion = 1\n[state]\ndirectory = \"/state\"\nmemory_limit = \"64 MiB\"\n\
            [[input]]\nfollow = [\"/a.log\"]\n[[input]]\nfifo = \"/run/b\"\non_stall = \"shed\"\n\
            [[output]]\nfile = \"/out.log\"\nclasses = [\"security_log\"]\n";
        let wiring = |text: &str| Policy::parse(text, "test.toml").0.unwrap().wiring;
        let then = wiring(text);
        for (from, to, says) in [
            ("[\"security_log\"]", "[\"login_history\"]", ""),
            ("64 MiB", "96 MiB", "`memory_limit` in [state]"),
            ("/state", "/other", "`directory` in [state]"),
            ("shed", "block", "[[input]] 2"),
            ("/a.log", "/b.log", "[[input]] 1"),
            ("/out.log", "/other.log", "[[output]] 1"),
            ("[[output]]", "[[output]]\nstdout = true\n[[output]]", "[[output]] 1, [[output]] 2"),
        ] {
            assert_eq!(differences(&wiring(&text.replace(from, to)), &then).join(", "), says, "{to}");
        }
    }
}
