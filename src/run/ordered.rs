//! The writing side of the pipe: batches come from the workers in any order and go out in the order of the input.
//!
//! There is no writer thread: the worker whose batch is due writes it, and whatever else becomes due meanwhile, while the
//! others go on. So bytes are written where they were made, and lines that trickle wake one thread.

use super::{
    OnStall, Verdict,
    quarantine::{self, Keeper},
    summary::End,
};
use crate::{
    encode::Batch,
    error::{Error, Kind},
    output::Output,
    tally::Tally,
};
use std::{
    collections::VecDeque,
    io, mem,
    os::fd::OwnedFd,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// The output, and what waits for it: bounded in bytes.
pub(super) struct Ordered {
    state: Mutex<State>,
    /// Where lines go that were set aside. Held while they are written, and nothing is waited for meanwhile.
    keeper: Mutex<Option<Keeper>>,
    /// Something was written, or the run ends.
    changed: Condvar,
    shedding: AtomicBool,
    on_stall: OnStall,
    read_ahead_bytes: usize,
}

struct State {
    /// The ticket whose batch is due.
    due: u64,
    /// Done before their turn.
    early: Vec<(u64, Parcel)>,
    early_bytes: usize,
    /// Due, in order. Not empty only while somebody writes.
    queue: VecDeque<Parcel>,
    /// In the queue and in the hands of the writer.
    queued_bytes: usize,
    /// Empty batches, with their memory.
    spare: Vec<Batch>,
    /// `None` while somebody writes.
    output: Option<Output>,
    reopen: bool,
    /// What became of everything that is written or lost.
    tally: Tally,
    /// Of the lines that it counts as sealed, or is about to, so many found no room.
    unsealed: u64,
    verdict: Verdict,
    /// Lets go of what keeps the intake waiting.
    stopper: Option<OwnedFd>,
    end: Option<End>,
    waiting: usize,
}

#[derive(Default)]
struct Parcel {
    batch: Batch,
    tally: Tally,
}

/// Whether more will come under a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The batch is full; the same ticket goes on.
    Full,
    /// The last or only batch of its ticket.
    Last,
}

/// The run is over: nothing more is taken.
#[derive(Debug)]
pub(super) struct Over;

impl Ordered {
    /// `stopper` is the writing end of what [`Intake`](super::intake::Intake) looks at; dropping it stops the intake. Only an intake that may wait needs one.
    pub fn new(
        output: Output,
        stopper: Option<OwnedFd>,
        verdict: Verdict,
        on_stall: OnStall,
        read_ahead_bytes: usize,
    ) -> Ordered {
        let state = State {
            due: 0,
            early: Vec::new(),
            early_bytes: 0,
            queue: VecDeque::new(),
            queued_bytes: 0,
            spare: Vec::new(),
            output: Some(output),
            reopen: false,
            tally: Tally::default(),
            unsealed: 0,
            verdict,
            stopper,
            end: None,
            waiting: 0,
        };
        let (state, keeper, changed) = (Mutex::new(state), Mutex::new(None), Condvar::new());
        Ordered { state, keeper, changed, shedding: AtomicBool::new(false), on_stall, read_ahead_bytes }
    }

    /// The same, with somebody who takes the lines that were set aside.
    pub fn keeping(self, keeper: Option<Keeper>) -> Ordered {
        Ordered { keeper: Mutex::new(keeper), ..self }
    }

    /// Takes a batch over, leaves an empty one, and may write. Waits while there is no room, or sheds the batch.
    pub fn deliver(&self, ticket: u64, batch: &mut Batch, mut tally: Tally, part: Part) -> Result<(), Over> {
        let mut state = self.lock();
        let mut patience = Patience { until: None };
        loop {
            if state.end.is_some() {
                state.tally += shed(tally);
                batch.clear();
                return Err(Over);
            }
            let is_due = state.due == ticket;
            if state.has_room(is_due, part, batch.held_bytes(), self.read_ahead_bytes) {
                state.put(ticket, batch, tally, part);
                // Another ticket may be due now.
                if state.waiting > 0 {
                    self.changed.notify_all();
                }
                break;
            }
            let waited;
            (state, waited) = self.wait(state, &mut patience, batch.is_empty());
            if waited == Waited::InVain {
                self.shedding.store(true, Relaxed);
                batch.clear();
                tally = shed(tally);
                if part == Part::Full {
                    state.tally += tally;
                    return Ok(());
                }
            }
        }
        if let Some(output) = state.output.take() {
            self.write(state, output);
        }
        Ok(())
    }

    /// Whether so many bytes can be written just now without waiting, as far as anybody can tell.
    pub fn is_quick(&self, bytes: usize) -> bool {
        match &self.lock().output {
            None => false,
            Some(Output::Stdout(stdout)) => stdout.is_quick(bytes),
            // A disk never tells. Under `Block` the pipe before us holds enough of lines that are few.
            Some(Output::File(_) | Output::Fresh(_)) => self.on_stall == OnStall::Block,
        }
    }

    /// Whether batches are shed just now: then lines need not be worked on.
    pub fn is_shedding(&self) -> bool {
        self.shedding.load(Relaxed)
    }

    /// Opens the output again, now or after the write that is under way.
    pub fn reopen(&self) {
        let mut state = self.lock();
        match &mut state.output {
            Some(output) => reopen(output),
            None => state.reopen = true,
        }
    }

    /// Sees to it that lines which were set aside are written soon.
    pub fn tend(&self) {
        self.with_keeper(Keeper::tend);
    }

    /// Lines that were set aside are written, all of them: nothing more is delivered. Those that could not be count as malformed.
    pub fn end_keeper(&self) {
        let has_failed = matches!(self.lock().end, Some(End::Failed(_)));
        self.with_keeper(if has_failed { Keeper::give_up } else { Keeper::end });
        if let Some(keeper) = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take() {
            self.lock().unsealed += keeper.unwritten();
        }
    }

    fn with_keeper(&self, what: impl Fn(&mut Keeper) -> Result<(), Error>) {
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(keeper) = &mut *keeper else { return };
        let done = what(keeper);
        let mut state = self.lock();
        state.unsealed += keeper.take_lost();
        if let Err(error) = done {
            state.end(End::Failed(error));
            self.changed.notify_all();
        }
    }

    /// Tells the intake not to wait for bytes any more.
    pub fn stop(&self) {
        self.lock().stopper = None;
    }

    /// Ends the run; the first reason stays.
    pub fn end(&self, end: End) {
        let mut state = self.lock();
        state.end(end);
        self.changed.notify_all();
    }

    /// The account and the end so far. What waits is counted as shed where the run has ended early.
    pub fn account(&self) -> (Tally, Option<End>) {
        let mut state = self.lock();
        if state.end.is_some() {
            state.shed_waiting();
        }
        let mut tally = state.tally;
        tally.unseal(state.unsealed.min(tally.sealed));
        (tally, state.end.clone())
    }

    /// The output, when nobody delivers any more.
    pub fn take_output(&self) -> Option<Output> {
        self.lock().output.take()
    }

    /// Writes until nothing is due. Others deliver meanwhile.
    fn write<'a>(&'a self, mut state: MutexGuard<'a, State>, mut output: Output) {
        while state.end.is_none() {
            if mem::take(&mut state.reopen) {
                drop(state);
                reopen(&mut output);
                state = self.lock();
            }
            let Some(mut parcel) = state.queue.pop_front() else { break };
            let bytes = parcel.batch.held_bytes();
            drop(state);
            let written = if !parcel.batch.is_empty() { output.write(&parcel.batch) } else { Ok(()) };
            // Nothing is sealed of a line that counts as lost.
            let (unsealed, kept) = match &written {
                Ok(()) => self.keep(&mut parcel.batch),
                Err(_) => (0, Ok(())),
            };
            parcel.batch.clear();
            parcel.batch.shrink_to(SPARE_BYTES);
            state = self.lock();
            state.unsealed += unsealed;
            state.queued_bytes -= bytes;
            if state.spare.len() < SPARE_BATCHES {
                state.spare.push(parcel.batch);
            }
            match written {
                Ok(()) => {
                    state.tally += parcel.tally;
                    let tally = state.tally;
                    if let Err(error) = kept.and_then(|()| (state.verdict)(&tally)) {
                        state.end(End::Failed(error));
                    }
                }
                Err(error) => {
                    state.tally += shed(parcel.tally);
                    state.end(match error.kind() {
                        io::ErrorKind::BrokenPipe => End::ReaderGone,
                        _ => End::Failed(Error::new(Kind::Io, format!("cannot write {}: {error}", output.name()))),
                    });
                }
            }
            if state.queued_bytes <= self.read_ahead_bytes / 2 {
                self.shedding.store(false, Relaxed);
            }
            if state.waiting > 0 {
                self.changed.notify_all();
            }
        }
        state.output = Some(output);
    }

    /// Gives lines that were set aside to who keeps them; how many found no room.
    fn keep(&self, batch: &mut Batch) -> (u64, Result<(), Error>) {
        if batch.raw_lines().is_empty() {
            return (0, Ok(()));
        }
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *keeper {
            Some(keeper) => {
                let done = keeper.take(batch);
                (keeper.take_lost(), done)
            }
            None => (quarantine::keep(None, batch), Ok(())),
        }
    }

    fn wait<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        patience: &mut Patience,
        is_empty: bool,
    ) -> (MutexGuard<'a, State>, Waited) {
        state.waiting += 1;
        let waited;
        (state, waited) = match self.on_stall {
            // Nothing is left to shed: only too many tickets were done before their turn.
            OnStall::Shed if is_empty => {
                (self.changed.wait(state).unwrap_or_else(PoisonError::into_inner), Waited::SomeTime)
            }
            OnStall::Block => (self.changed.wait(state).unwrap_or_else(PoisonError::into_inner), Waited::SomeTime),
            OnStall::Shed if self.is_shedding() => (state, Waited::InVain),
            OnStall::Shed => {
                let left = patience.left();
                let (state, _) = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
                (state, if patience.left().is_zero() { Waited::InVain } else { Waited::SomeTime })
            }
        };
        state.waiting -= 1;
        (state, waited)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_room(&self, is_due: bool, part: Part, bytes: usize, most: usize) -> bool {
        match is_due {
            // A batch larger than the bound goes alone. An empty one needs no room, even when others do not shed.
            true => bytes == 0 || self.queued_bytes == 0 || self.queued_bytes + bytes <= most / 4 * 3,
            false if part == Part::Full => false,
            false if bytes == 0 => self.early.len() < EARLY_BATCHES,
            false => self.early.len() < EARLY_BATCHES && self.early_bytes + bytes <= most / 4,
        }
    }

    fn put(&mut self, ticket: u64, batch: &mut Batch, tally: Tally, part: Part) {
        let bytes = batch.held_bytes();
        if self.due != ticket {
            let batch = mem::replace(batch, self.spare.pop().unwrap_or_default());
            self.early.push((ticket, Parcel { batch, tally }));
            self.early_bytes += bytes;
            return;
        }
        self.queued_bytes += bytes;
        match self.queue.back_mut() {
            // Small ones go together, so that the bound is one of bytes and not of batches.
            Some(last) if last.batch.held_bytes() + bytes <= TOGETHER_BYTES => {
                last.batch.append(batch);
                last.batch.raw_lines().append(batch.raw_lines());
                last.tally += tally;
                batch.clear();
            }
            _ => {
                let batch = mem::replace(batch, self.spare.pop().unwrap_or_default());
                self.queue.push_back(Parcel { batch, tally });
            }
        }
        if part == Part::Last {
            self.due += 1;
            while let Some(at) = self.early.iter().position(|&(ticket, _)| ticket == self.due) {
                let (_, parcel) = self.early.swap_remove(at);
                let bytes = parcel.batch.held_bytes();
                self.early_bytes -= bytes;
                self.queued_bytes += bytes;
                self.queue.push_back(parcel);
                self.due += 1;
            }
        }
    }

    fn end(&mut self, end: End) {
        self.end.get_or_insert(end);
        self.stopper = None;
    }

    fn shed_waiting(&mut self) {
        let early = self.early.drain(..).map(|(_, parcel)| parcel);
        for parcel in self.queue.drain(..).chain(early) {
            self.tally += shed(parcel.tally);
        }
    }
}

/// How long a delivery waits before it is shed.
struct Patience {
    until: Option<Instant>,
}

impl Patience {
    fn left(&mut self) -> Duration {
        let now = Instant::now();
        self.until.get_or_insert(now + STALL).saturating_duration_since(now)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waited {
    SomeTime,
    InVain,
}

fn reopen(output: &mut Output) {
    if let Err(error) = output.reopen() {
        crate::run::say!("sladd: {error}; going on with the file as it was");
    }
}

/// The account of lines that did not go out, whatever was made of them.
pub(super) fn shed(tally: Tally) -> Tally {
    Tally { lines: tally.lines, shed: tally.lines, bytes_in: tally.bytes_in, ..Tally::default() }
}

/// When shedding, an output that takes nothing for so long is stalled. The writer of our input waits no longer than twice this.
const STALL: Duration = Duration::from_millis(40);

/// Batches up to this size go out together where more than one waits.
const TOGETHER_BYTES: usize = 256 * 1024;

/// Of the memory of a batch that grew large, so much is kept.
const SPARE_BYTES: usize = 512 * 1024;
const SPARE_BATCHES: usize = 8;

/// So many tickets may be done before their turn.
const EARLY_BATCHES: usize = 256;
