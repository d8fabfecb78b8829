//! Checkpoints are made durable on a thread of their own, so that no line waits for a disk.

use super::streams::Waker;
use crate::{
    error::{Error, Kind},
    output::segment::Flush,
    state::{
        book::Aside,
        quarantine::{Deposit, is_full_disk},
    },
};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// The thread, and the checkpoint that it works on: one at a time.
pub(super) struct Disk {
    jobs: Option<Sender<Job>>,
    done: Receiver<Result<(), Error>>,
    thread: Option<JoinHandle<()>>,
    leave: Arc<AtomicBool>,
    since: Option<Instant>,
}

struct Job {
    flushes: Vec<Flush>,
    deposit: Option<Deposit>,
    aside: Aside,
}

/// A directory that is full is tried so often.
const TRY_AGAIN: Duration = Duration::from_millis(250);

impl Disk {
    /// # Errors
    /// [`Kind::Io`] where no thread can be started.
    pub(super) fn new(waker: Arc<Waker>) -> Result<Disk, Error> {
        let (jobs, work) = bounded::<Job>(1);
        let (say, done) = bounded(1);
        let leave = Arc::new(AtomicBool::new(false));
        let thread = thread::Builder::new().name("sladd-disk".to_owned()).spawn({
            let leave = leave.clone();
            move || {
                for job in work {
                    if say.send(job.run(&leave)).is_err() {
                        break;
                    }
                    waker.wake();
                }
            }
        });
        let thread = thread.map_err(|error| Error::new(Kind::Io, format!("cannot start: {error}")))?;
        Ok(Disk { jobs: Some(jobs), done, thread: Some(thread), leave, since: None })
    }

    /// Whether one is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.since.is_some()
    }

    /// Makes a checkpoint durable, after what its outputs say and what was sealed of its lines.
    pub(super) fn begin(&mut self, flushes: Vec<Flush>, deposit: Option<Deposit>, aside: Aside) {
        self.since = Some(Instant::now());
        if let Some(jobs) = &self.jobs {
            // Where the thread is gone its answer says so.
            let _ = jobs.send(Job { flushes, deposit, aside });
        }
    }

    /// What became of it, if it is over by now, or when it is; and how long it took.
    pub(super) fn end(&mut self, wait: Wait) -> Option<(Duration, Result<(), Error>)> {
        let since = self.since?;
        let gone = || Err(Error::new(Kind::Io, "cannot write a checkpoint: an internal fault ended its thread"));
        let done = match wait {
            Wait::No if self.done.is_empty() && self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) => {
                return None;
            }
            Wait::No | Wait::Yes => self.done.recv().unwrap_or_else(|_| gone()),
        };
        self.since = None;
        Some((since.elapsed(), done))
    }
}

/// Whether to wait for a checkpoint that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    Yes,
    No,
}

impl Job {
    fn run(self, leave: &AtomicBool) -> Result<(), Error> {
        for flush in self.flushes {
            flush.make()?;
        }
        let waits = |error: &io::Error| {
            let waits = is_full_disk(error) && !leave.load(Relaxed);
            if waits {
                thread::sleep(TRY_AGAIN);
            }
            waits
        };
        if let Some(deposit) = self.deposit {
            let mut since = None;
            deposit.make(|error| {
                if since.is_none() && is_full_disk(error) {
                    since = Some(Instant::now());
                    crate::run::say!("sladd: cannot write in the quarantine: {error}; waiting for room");
                }
                waits(error)
            })?;
            if let Some(since) = since {
                let waited = since.elapsed().as_secs_f64();
                crate::run::say!("sladd: there is room in the quarantine again, after {waited:.1} s");
            }
        }
        self.aside.make(waits)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.leave.store(true, Relaxed);
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // What it panicked with was said.
            let _ = thread.join();
        }
    }
}
