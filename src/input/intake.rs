//! Lines that come through sockets: what all such inputs have in common.
//!
//! An intake owns its threads. They read the sockets and lay whole lines into a queue of bounded size, from which the desk
//! [takes](Intake::take) portions without ever waiting. Every line that is lost on the way is counted in [`Counts`].
//!
//! What happens when nobody takes is said by [`Stall`]. Under [`Stall::Block`] nothing more is read: the writer of a stream
//! waits, and what a UDP socket has no room for is lost in the kernel, which counts it. Under [`Stall::Shed`] the sockets are
//! read always, and what nobody takes within 50 ms is dropped and counted, so that no writer waits 100 ms.

mod bind;
mod counts;
mod queue;
mod serve;

pub use bind::{Address, Handed};
pub use counts::{Counts, Reason};
pub use queue::{Portion, Receipt};

pub(crate) use bind::Bound;
pub(crate) use counts::{Board, add};
pub(crate) use queue::{Confirm, Ending, Life, Pot, Queue, Room};
pub(crate) use serve::{Connection, Each, Either, Read, Shared, first, serve};

use crate::error::{Error, Kind};
use std::{
    fmt,
    os::fd::OwnedFd,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

/// What an intake is to do while nobody takes its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stall {
    /// Read no more until there is room.
    Block,
    /// Read on; drop and count what nobody takes within 50 ms.
    Shed,
}

/// How an intake is to work.
#[derive(Clone)]
pub struct Settings {
    /// Called whenever lines were laid down, and at the end. It must be quick and must not call the intake.
    pub wake: Arc<dyn Fn() + Send + Sync>,
    /// What happens while nobody takes.
    pub stall: Stall,
    /// All that may wait, and all buffers, in bytes.
    pub memory_bytes: usize,
    /// Longer lines are cut, in bytes without the line feed.
    pub longest_line: usize,
    /// So many may be connected at a time; more are refused.
    pub connections: usize,
    /// Who may write to a socket in the file system.
    pub socket_mode: u32,
    /// What is asked of the kernel for the buffer of a datagram socket, in bytes. It may grant less.
    pub receive_buffer_bytes: usize,
    /// The largest message of the Forward protocol, in bytes. Never more than a quarter of `memory_bytes`.
    pub message_bytes: usize,
}

impl Settings {
    /// What is meant where nothing is said: 16 MiB of memory, lines of 64 KiB, 256 connections, sockets for a group.
    pub fn new(wake: Arc<dyn Fn() + Send + Sync>) -> Settings {
        Settings {
            wake,
            stall: Stall::Block,
            memory_bytes: 16 << 20,
            longest_line: crate::frame::MAX_LINE_BYTES,
            connections: 256,
            socket_mode: 0o660,
            receive_buffer_bytes: 16 << 20,
            message_bytes: 16 << 20,
        }
    }

    /// What may wait to be taken: half of the memory. The other half is for buffers.
    pub(crate) fn waiting_bytes(&self) -> usize {
        (self.memory_bytes / 2).max(READ_BYTES)
    }

    /// What buffers may hold.
    pub(crate) fn buffer_bytes(&self) -> usize {
        (self.memory_bytes / 2).saturating_sub(READ_BYTES).max(READ_BYTES)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("stall", &self.stall)
            .field("memory_bytes", &self.memory_bytes)
            .finish_non_exhaustive()
    }
}

/// One configured input. Dropping it closes its sockets and ends its threads.
pub struct Intake {
    queue: Arc<Queue>,
    /// Where the kernel counts what it dropped.
    losses: Option<Arc<Losses>>,
    address: Address,
    local: Vec<String>,
    thread: Option<JoinHandle<()>>,
    /// Closed to wake a thread that polls.
    nudge: Mutex<Option<OwnedFd>>,
}

impl Intake {
    /// The next lines; `None`: there are none now. Never waits.
    pub fn take(&mut self) -> Option<Portion> {
        self.queue.take()
    }

    /// Whether lines wait.
    pub fn has_lines(&self) -> bool {
        self.queue.has_lines()
    }

    /// Takes what is in the sockets now, then no more. [`is_over`](Self::is_over) when that is done and taken.
    pub fn stop(&self) {
        self.queue.set(Life::Stopping);
        drop(self.nudge.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Whether no more lines will come. Receipts of lines that were taken may still be confirmed.
    pub fn is_over(&self) -> bool {
        self.queue.is_over()
    }

    /// What came and what was lost, all since the start.
    pub fn counts(&self) -> Counts {
        let mut counts = self.queue.board.counts();
        if let Some(losses) = &self.losses {
            (counts.lost, counts.lost_before) = losses.look();
        }
        counts
    }

    /// Bytes of lines that wait to be taken.
    pub fn waiting_bytes(&self) -> u64 {
        self.queue.waiting_bytes()
    }

    /// What was bound: with the port that was given where any was asked for.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// What was bound, for the message at the start.
    pub fn local(&self) -> Vec<String> {
        self.local.clone()
    }

    /// Why it reads no more, where that was not asked for.
    pub fn failure(&self) -> Option<Error> {
        self.queue.failure()
    }

    /// Starts a thread that lays lines into `queue` until it ends.
    pub(crate) fn begin(
        queue: Arc<Queue>,
        address: Address,
        local: Vec<String>,
        losses: Option<Arc<Losses>>,
        nudge: Option<OwnedFd>,
        work: impl FnOnce(&Arc<Queue>) -> Result<(), Error> + Send + 'static,
    ) -> Result<Intake, Error> {
        let ours = queue.clone();
        let thread = thread::Builder::new()
            .name("sladd-intake".to_owned())
            .spawn(move || {
                // However it ends, whoever waits for lines learns it.
                let _end = End(ours.clone());
                if let Err(error) = work(&ours) {
                    ours.fail(error);
                }
            })
            .map_err(|error| Error::new(Kind::Io, format!("cannot start a thread: {error}")))?;
        Ok(Intake { queue, losses, address, local, thread: Some(thread), nudge: Mutex::new(nudge) })
    }
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake").field("local", &self.local).finish_non_exhaustive()
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        self.queue.set(Life::Closed);
        drop(self.nudge.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct End(Arc<Queue>);

impl Drop for End {
    fn drop(&mut self) {
        // An input that a fault of ours ended did not come to its end.
        if thread::panicking() {
            self.0.fail(Error::new(Kind::Io, "cannot read an input: an internal fault ended its thread"));
        }
        self.0.end();
    }
}

/// What the kernel dropped of a datagram socket: its running number of 32 bits as one that does not wrap.
pub(crate) struct Losses {
    state: Mutex<Lost>,
}

struct Lost {
    /// A second handle of the socket; none once it is closed.
    socket: Option<OwnedFd>,
    last: u32,
    total: u64,
    before: u64,
}

impl Losses {
    /// From now on. What a socket that was handed over lost before is told apart, since an earlier run may have counted it.
    pub(crate) fn of(socket: OwnedFd) -> Result<Losses, Error> {
        let last = bind::dropped(&socket).map_err(|error| {
            Error::new(Kind::Io, format!("cannot ask the kernel how many datagrams it drops: {error}"))
        })?;
        Ok(Losses { state: Mutex::new(Lost { socket: Some(socket), last, total: 0, before: last.into() }) })
    }

    /// Datagrams lost since the start, and before it.
    pub(crate) fn look(&self) -> (u64, u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(now) = state.socket.as_ref().and_then(|socket| bind::dropped(socket).ok()) {
            state.total += u64::from(now.wrapping_sub(state.last));
            state.last = now;
        }
        (state.total, state.before)
    }

    /// Looks a last time, and lets go of the socket.
    pub(crate) fn close(&self) {
        self.look();
        self.state.lock().unwrap_or_else(PoisonError::into_inner).socket = None;
    }
}

/// Read from a stream at once.
pub(crate) const READ_BYTES: usize = 64 * 1024;
