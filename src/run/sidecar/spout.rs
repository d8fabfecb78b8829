//! Standard output has a thread of its own: one that nobody reads holds up no duty of the desk.
//!
//! It holds one bounded batch while the next gathers. A checkpoint is made when nothing is left in it.

use super::{sinks::Stopped, sinks::cannot_write, streams::Waker};
use crate::{
    encode::Batch,
    error::{Error, Kind},
    output::stdout::Stdout,
};
use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// The end that is written.
pub(super) struct Spout {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
    /// Beyond so many bytes that wait it is full.
    most: usize,
}

struct Shared {
    stdout: Stdout,
    state: Mutex<State>,
    changed: Condvar,
    stop: AtomicBool,
    /// The thread came to its end by itself. A fault of ours ends it otherwise.
    ended: AtomicBool,
}

#[derive(Default)]
struct State {
    waiting: Batch,
    /// Bytes that are not written: those that wait, and those that the thread has in hand.
    left: usize,
    /// Since when nothing was taken of them.
    since: Option<Instant>,
    fault: Option<io::Error>,
}

/// A reader that takes nothing for so long has stalled.
const STALLED: Duration = Duration::from_secs(1);

/// So often the thread looks whether it is to end.
const LOOK: Duration = Duration::from_millis(200);

impl Spout {
    /// # Errors
    /// [`Kind::Io`] where no thread can be started.
    pub(super) fn begin(stdout: Stdout, most: usize, waker: &Arc<Waker>) -> Result<Spout, Error> {
        let shared = Arc::new(Shared {
            stdout,
            state: Mutex::default(),
            changed: Condvar::new(),
            stop: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        });
        let (ours, waker) = (shared.clone(), waker.clone());
        let thread = thread::Builder::new()
            .name("sladd-stdout".to_owned())
            .spawn(move || {
                if let Err(error) = ours.run(&waker) {
                    ours.lock().fault = Some(error);
                }
                ours.ended.store(true, Relaxed);
                waker.wake();
            })
            .map_err(|error| Error::new(Kind::Io, format!("cannot start a thread: {error}")))?;
        Ok(Spout { shared, thread, most })
    }

    /// Takes a batch, which is written as soon as there is room.
    pub(super) fn give(&self, batch: &Batch) {
        let mut state = self.shared.lock();
        state.waiting.append(batch);
        if state.left == 0 {
            state.since = Some(Instant::now());
        }
        state.left += batch.bytes().len();
        self.shared.changed.notify_one();
    }

    /// Whether so much waits that no more should come.
    pub(super) fn is_full(&self) -> bool {
        self.shared.lock().waiting.bytes().len() >= self.most
    }

    /// Bytes that are not written.
    pub(super) fn left(&self) -> usize {
        self.shared.lock().left
    }

    /// For how long its reader has taken nothing, where that is long.
    pub(super) fn stalled(&self) -> Option<Duration> {
        let state = self.shared.lock();
        let since = state.since.filter(|_| state.left > 0)?;
        Some(since.elapsed()).filter(|long| *long >= STALLED)
    }

    /// # Errors
    /// [`Stopped::Gone`] where the reader went away, [`Stopped::Failed`] where it cannot be written. Said once.
    pub(super) fn check(&self) -> Result<(), Stopped> {
        match self.shared.lock().fault.take() {
            None if self.thread.is_finished() && !self.shared.ended.load(Relaxed) => {
                let message = "cannot write to standard output: an internal fault ended its thread";
                Err(Stopped::Failed(Error::new(Kind::Io, message)))
            }
            None => Ok(()),
            Some(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Stopped::Gone),
            Some(error) => Err(Stopped::Failed(cannot_write("standard output", &error))),
        }
    }

    /// To be polled for nothing: a reader that goes away shows all the same.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.shared.stdout.as_fd()
    }
}

impl Drop for Spout {
    fn drop(&mut self) {
        // Not joined: a descriptor that others write too may keep it, and the process ends.
        self.shared.stop.store(true, Relaxed);
        // The thread looks and lies down under the lock.
        drop(self.shared.lock());
        self.shared.changed.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, waker: &Waker) -> io::Result<()> {
        let mut batch = Batch::default();
        loop {
            batch.clear();
            let mut state = self.lock();
            while state.waiting.is_empty() {
                if self.stop.load(Relaxed) {
                    return Ok(());
                }
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            std::mem::swap(&mut state.waiting, &mut batch);
            drop(state);
            waker.wake();
            let mut taken = 0;
            while taken < batch.bytes().len() {
                let more = self.stdout.write_some(&batch, taken, LOOK)?;
                if more == 0 && self.stop.load(Relaxed) {
                    return Ok(());
                }
                taken += more;
                if more > 0 {
                    let mut state = self.lock();
                    state.left -= more;
                    state.since = (state.left > 0).then(Instant::now);
                }
            }
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{super::streams::Sleep, *};
    use std::{fs::File, io::Read};

    fn until(what: &str, mut done: impl FnMut() -> bool) {
        let began = Instant::now();
        while !done() {
            assert!(began.elapsed() < Duration::from_secs(60), "{what}");
            thread::sleep(Duration::from_millis(2));
        }
    }

    #[test]
    fn it_fills_while_nobody_reads_and_empties_when_somebody_does() {
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let spout = Spout::begin(Stdout::from_fd(writer), 10_000, &Sleep::new().unwrap().waker).unwrap();
        let line = Batch::of(b"a line of ours\n");
        let mut given = 0;
        // What the pipe takes is gone; the rest stays, and giving never waits.
        until("it stalls", || {
            while !spout.is_full() {
                spout.give(&line);
                given += line.bytes().len();
            }
            spout.stalled().is_some()
        });
        assert!(spout.left() > 0 && spout.check().is_ok());
        let reads = thread::spawn(move || {
            let mut got = Vec::new();
            File::from(reader).read_to_end(&mut got).unwrap();
            got
        });
        until("it empties", || spout.left() == 0);
        assert!(spout.stalled().is_none() && !spout.is_full());
        drop(spout);
        assert_eq!(reads.join().unwrap().len(), given);
    }

    #[test]
    fn a_reader_that_goes_away_is_told_once() {
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let spout = Spout::begin(Stdout::from_fd(writer), 10_000, &Sleep::new().unwrap().waker).unwrap();
        drop(reader);
        spout.give(&Batch::of(b"a line of ours\n"));
        until("it is told", || spout.shared.lock().fault.is_some());
        assert!(matches!(spout.check(), Err(Stopped::Gone)) && spout.check().is_ok() && spout.left() > 0);
    }
}
