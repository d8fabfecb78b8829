//! Inputs that cannot be read twice: each is read by a thread of its own, so that its writer need not wait for others.

use crate::{
    error::{Error, Kind},
    frame::LineBuffer,
    input::stdin::{Ready, Stdin},
    policy::wiring::OnStall,
};
use crossbeam_channel::{Receiver, SendTimeoutError, Sender, bounded};
use rustix::{
    fs::{FileType, Mode, OFlags},
    io::Errno,
    pipe::{PipeFlags, pipe_with},
};
use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

/// Lines of one stream, as they were read.
pub(super) struct Lines {
    pub bytes: Vec<u8>,
    /// Bytes that were no part of a line.
    pub skipped: u64,
}

/// What a stream is read by.
pub(super) struct Stream {
    lines: Receiver<Result<Lines, Error>>,
    state: Arc<State>,
    /// Read to its end, and nothing of it left.
    over: bool,
}

#[derive(Default)]
struct State {
    stop: AtomicBool,
    /// The reader came to its end by itself. A fault of ours ends it otherwise.
    ended: AtomicBool,
    shed_lines: AtomicU64,
    shed_bytes: AtomicU64,
    in_hand: AtomicU64,
}

/// Wakes the desk.
pub(super) struct Waker {
    asleep: AtomicBool,
    writer: OwnedFd,
}

/// What the desk sleeps on.
pub(super) struct Sleep {
    reader: OwnedFd,
    pub waker: Arc<Waker>,
}

impl Sleep {
    pub(super) fn new() -> io::Result<Sleep> {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        Ok(Sleep { reader, waker: Arc::new(Waker { asleep: AtomicBool::new(false), writer }) })
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }

    /// From now on whoever has lines says so.
    pub(super) fn lies_down(&self) {
        self.waker.asleep.store(true, std::sync::atomic::Ordering::SeqCst);
    }

    pub(super) fn gets_up(&self) {
        self.waker.asleep.store(false, std::sync::atomic::Ordering::SeqCst);
        let _ = rustix::io::read(&self.reader, &mut [0; 64]);
    }
}

impl Waker {
    pub(super) fn wake(&self) {
        if self.asleep.swap(false, std::sync::atomic::Ordering::SeqCst) {
            // A full pipe is as good as one more byte in it.
            let _ = rustix::io::write(&self.writer, b"X");
        }
    }
}

impl Stream {
    /// Reads standard input.
    pub(super) fn stdin(settings: &Reading, waker: &Arc<Waker>) -> Result<Stream, Error> {
        Stream::begin(Stdin::open()?, settings, waker)
    }

    /// Reads a named pipe, and makes it where there is none. It is held open for reading and writing, so that a writer never
    /// waits on opening it and it has no end when the last writer goes.
    pub(super) fn fifo(path: &Path, settings: &Reading, waker: &Arc<Waker>) -> Result<Stream, Error> {
        let cannot = |kind, why: &str| Error::new(kind, format!("cannot read `{}`: {why}", path.display()));
        let failed = |error: Errno| match error {
            Errno::ACCESS | Errno::PERM => cannot(Kind::Permission, &io::Error::from(error).to_string()),
            Errno::NOENT => cannot(Kind::NoInput, "its directory is missing; create it first"),
            Errno::LOOP => cannot(Kind::NoInput, "it is a symlink; name the pipe itself"),
            error => cannot(Kind::Io, &io::Error::from(error).to_string()),
        };
        match rustix::fs::mknodat(rustix::fs::CWD, path, FileType::Fifo, Mode::from_raw_mode(0o620), 0) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(failed(error)),
        }
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // A device may act on being opened, so it is looked at first; what counts is the look at the handle.
        let is_fifo = |mode| FileType::from_raw_mode(mode) == FileType::Fifo;
        let other = || cannot(Kind::NoInput, "it is there and is no named pipe; remove it, or choose another name");
        if !rustix::fs::lstat(path).is_ok_and(|stat| is_fifo(stat.st_mode)) {
            return Err(other());
        }
        let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(failed)?;
        if !is_fifo(rustix::fs::fstat(&fd).map_err(failed)?.st_mode) {
            return Err(other());
        }
        Stream::begin(Stdin::from_fd(fd)?, settings, waker)
    }

    fn begin(input: Stdin, settings: &Reading, waker: &Arc<Waker>) -> Result<Stream, Error> {
        let (sender, lines) = bounded(settings.portions);
        let state = Arc::new(State::default());
        let reader = Reader {
            input,
            sender,
            state: state.clone(),
            waker: waker.clone(),
            buffer: LineBuffer::new(settings.portion, settings.longest_line),
            on_stall: settings.on_stall,
        };
        thread::Builder::new()
            .name("sladd-input".to_owned())
            .spawn(move || reader.run())
            .map_err(|error| Error::new(Kind::Io, format!("cannot start: {error}")))?;
        Ok(Stream { lines, state, over: false })
    }

    /// The next lines; `None`: there are none now.
    pub(super) fn take(&mut self) -> Option<Result<Lines, Error>> {
        match self.lines.try_recv() {
            Ok(lines) => {
                if let Ok(lines) = &lines {
                    self.state.in_hand.fetch_sub(lines.bytes.len() as u64, Relaxed);
                }
                Some(lines)
            }
            Err(crossbeam_channel::TryRecvError::Empty) => None,
            Err(crossbeam_channel::TryRecvError::Disconnected) => {
                let ended = std::mem::replace(&mut self.over, true) || self.state.ended.load(Relaxed);
                (!ended).then(|| Err(Error::new(Kind::Io, "cannot read an input: an internal fault ended its thread")))
            }
        }
    }

    /// Whether lines wait.
    pub(super) fn has_lines(&self) -> bool {
        !self.lines.is_empty()
    }

    /// Whether it came to its end.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Reads what is there, and then no more.
    pub(super) fn stop(&self) {
        self.state.stop.store(true, Relaxed);
    }

    /// Lines and bytes that were dropped because nobody took them, since the last call.
    pub(super) fn take_shed(&self) -> (u64, u64) {
        (self.state.shed_lines.swap(0, Relaxed), self.state.shed_bytes.swap(0, Relaxed))
    }

    /// Bytes that were read and wait.
    pub(super) fn lag(&self) -> u64 {
        self.state.in_hand.load(Relaxed)
    }
}

/// How a stream is read.
pub(super) struct Reading {
    pub portion: usize,
    pub longest_line: usize,
    /// So many portions wait at most.
    pub portions: usize,
    pub on_stall: OnStall,
}

/// So long a writer may wait before lines are dropped, where they are dropped at all.
const PATIENCE: Duration = Duration::from_millis(50);

/// So often a reader looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(200);

struct Reader {
    input: Stdin,
    sender: Sender<Result<Lines, Error>>,
    state: Arc<State>,
    waker: Arc<Waker>,
    buffer: LineBuffer,
    on_stall: OnStall,
}

impl Reader {
    fn run(mut self) {
        loop {
            let stop = self.state.stop.load(Relaxed);
            let ready = self.input.wait(None, Some(if stop { Duration::ZERO } else { LOOK }));
            match ready {
                Ok(Ready::Data) => {}
                Ok(_) if stop => break,
                Ok(_) => continue,
                Err(error) => return self.fail(error),
            }
            let space = self.buffer.space();
            match self.input.read(space) {
                Ok(Some(0)) => break,
                Ok(Some(n)) => self.buffer.filled(n),
                Ok(None) => continue,
                Err(error) => return self.fail(error),
            }
            // A cut head and what follows it are handed out one after the other.
            while !self.buffer.lines().is_empty() {
                let bytes = self.buffer.lines().to_vec();
                self.buffer.consume(bytes.len());
                if !self.send(bytes) {
                    return;
                }
            }
        }
        let rest = self.buffer.finish().to_vec();
        match (rest.is_empty(), self.buffer.take_skipped()) {
            (false, skipped) => drop(self.send_with(rest, skipped)),
            (true, 0) => {}
            // The end came in a line that was cut: its head is on its way.
            (true, skipped) => drop(self.sender.send(Ok(Lines { bytes: Vec::new(), skipped }))),
        }
        let Reader { sender, waker, state, .. } = self;
        state.ended.store(true, Relaxed);
        drop(sender);
        waker.wake();
    }

    /// `false`: nobody is there any more.
    fn send(&mut self, bytes: Vec<u8>) -> bool {
        let skipped = self.buffer.take_skipped();
        self.send_with(bytes, skipped)
    }

    fn send_with(&mut self, bytes: Vec<u8>, skipped: u64) -> bool {
        let (count, length) = (memchr::memchr_iter(b'\n', &bytes).count().max(1) as u64, bytes.len() as u64);
        let lines = Ok(Lines { bytes, skipped });
        self.state.in_hand.fetch_add(length, Relaxed);
        let sent = match self.on_stall {
            OnStall::Block => self.sender.send(lines).map_err(|_| false),
            OnStall::Spill | OnStall::Shed => self.sender.send_timeout(lines, PATIENCE).map_err(|error| match error {
                SendTimeoutError::Timeout(_) => true,
                SendTimeoutError::Disconnected(_) => false,
            }),
        };
        let goes_on = match sent {
            Ok(()) => true,
            Err(goes_on) => {
                self.state.in_hand.fetch_sub(length, Relaxed);
                self.state.shed_lines.fetch_add(count, Relaxed);
                self.state.shed_bytes.fetch_add(length + skipped, Relaxed);
                goes_on
            }
        };
        self.waker.wake();
        goes_on
    }

    fn fail(self, error: Error) {
        let _ = self.sender.send(Err(error));
        self.state.ended.store(true, Relaxed);
        self.waker.wake();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn stream(ended: bool) -> Stream {
        let (sender, lines) = bounded(1);
        drop(sender);
        let state = Arc::new(State::default());
        state.ended.store(ended, Relaxed);
        Stream { lines, state, over: false }
    }

    #[test]
    fn an_input_whose_thread_ended_by_a_fault_is_no_input_that_came_to_its_end() {
        let mut stream = stream(false);
        assert_eq!(stream.take().unwrap().err().unwrap().kind(), Kind::Io);
        assert!(stream.is_over() && stream.take().is_none(), "said once");
    }

    #[test]
    fn all_bytes_of_a_stream_are_counted_though_it_ends_in_a_line_that_was_cut() {
        for end in ["", "\nnext\n", "\n", "\nnext"] {
            let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).unwrap();
            let settings = Reading { portion: 4096, longest_line: 8192, portions: 64, on_stall: OnStall::Block };
            let waker = Sleep::new().unwrap().waker;
            let mut stream = Stream::begin(Stdin::from_fd(reader).unwrap(), &settings, &waker).unwrap();
            let text = format!("{}{end}", "x".repeat(50_000));
            let mut sum = 0;
            thread::scope(|scope| {
                scope.spawn(|| io::Write::write_all(&mut std::fs::File::from(writer), text.as_bytes()).unwrap());
                while !stream.is_over() {
                    match stream.take() {
                        Some(lines) => sum += lines.map(|lines| lines.bytes.len() as u64 + lines.skipped).unwrap(),
                        None => thread::sleep(Duration::from_millis(1)),
                    }
                }
            });
            assert_eq!(sum, text.len() as u64, "{end:?}");
        }
    }

    #[test]
    fn an_input_that_came_to_its_end_is_over() {
        let mut stream = stream(true);
        assert!(stream.take().is_none() && stream.is_over());
    }
}
