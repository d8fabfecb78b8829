//! The reading side of the pipe: fills one worker's buffer after the other, and decides when what came is enough.

use crate::{
    engine::Carry,
    error::{Error, Kind},
    frame::LineBuffer,
    input::{
        packing::{HEAD_BYTES, Packing},
        stdin::{Ready, Stdin},
    },
};
use std::{
    mem,
    os::fd::{AsFd, OwnedFd},
    time::{Duration, Instant},
};

/// The input and what is left over from one worker to the next. One worker at a time holds it.
#[derive(Debug)]
pub(super) struct Intake {
    input: Stdin,
    /// Can be read once the run is to stop: no more waiting for bytes.
    stop: OwnedFd,
    /// What the last worker did not take: at most an unfinished line, or what stood behind a line over the limit.
    rest: LineBuffer,
    /// What stands before the lines that are read next.
    carry: Carry,
    mark: Mark,
    tickets: u64,
    state: State,
    /// When lines were last handed out, if they were few.
    trickled: Option<Instant>,
    /// Until then there is too much to linger.
    busy_until: Instant,
    error: Option<Error>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// Told to stop: takes what is there, so much of it at most, and does not wait.
    Stopping {
        left_bytes: usize,
    },
    Ended,
}

/// What a worker was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// Its place in the order.
    pub ticket: u64,
    /// The buffer holds the end of the input.
    pub last: bool,
    /// Lines come one by one: it is not worth waking another worker for the next.
    pub few: bool,
}

impl Intake {
    /// Reads this input through buffers such as `rest`.
    pub fn new(input: Stdin, stop: OwnedFd, rest: LineBuffer) -> Intake {
        Intake {
            input,
            stop,
            rest,
            carry: Carry::default(),
            mark: Mark::default(),
            tickets: 0,
            state: State::Open,
            trickled: None,
            busy_until: Instant::now(),
            error: None,
        }
    }

    /// Fills `buffer`, which is empty, with at least one whole line. `None` when the input has ended.
    ///
    /// `before` is made what stood before these lines.
    pub fn take(&mut self, buffer: &mut LineBuffer, before: &mut Carry) -> Option<Taken> {
        if self.state == State::Ended {
            return None;
        }
        mem::swap(&mut self.rest, buffer);
        if let Err(error) = self.fill(buffer) {
            let packed = error.kind() == Kind::Data;
            self.error = Some(error);
            self.state = State::Ended;
            if packed {
                return None;
            }
        }
        let last = self.state == State::Ended;
        if !last {
            buffer.pass_on(&mut self.rest);
        }
        before.clone_from(&self.carry);
        self.carry.lines(buffer.lines());
        self.tickets += 1;
        Some(Taken { ticket: self.tickets - 1, last, few: self.trickled.is_some() })
    }

    /// The error that ended the input, if one did.
    pub fn take_error(&mut self) -> Option<Error> {
        self.error.take()
    }

    fn fill(&mut self, buffer: &mut LineBuffer) -> Result<(), Error> {
        let lingered = self.linger(buffer)?;
        let mut pace = Pace::default();
        loop {
            let some = !buffer.lines().is_empty();
            if some && (buffer.space().len() < PORTION_BYTES / 4 || pace.is_over()) {
                break;
            }
            let at_once = (some || self.state != State::Open).then_some(Duration::ZERO);
            let stop = (self.state == State::Open).then_some(self.stop.as_fd());
            match self.input.wait(stop, at_once)? {
                Ready::Stop => self.state = State::Stopping { left_bytes: self.input.capacity_bytes() },
                Ready::Data => self.read(buffer, &mut pace)?,
                Ready::Nothing if self.state == State::Open => break,
                Ready::Nothing => self.state = State::Ended,
            }
            if self.state == State::Ended {
                break;
            }
        }
        if lingered && pace.bytes >= self.input.capacity_bytes() / 8 {
            self.busy_until = Instant::now() + BUSY;
        }
        self.trickled = (pace.bytes < PORTION_BYTES / 8).then(Instant::now);
        Ok(())
    }

    /// Lets lines that come one by one gather, if the last few were handed out just now, and unless a writer was found to
    /// fill a pipe meanwhile.
    fn linger(&mut self, buffer: &LineBuffer) -> Result<bool, Error> {
        let Some(trickled) = self.trickled else { return Ok(false) };
        let now = Instant::now();
        let time = LINGER.saturating_sub(now - trickled);
        let lingers =
            self.state == State::Open && buffer.lines().is_empty() && now >= self.busy_until && !time.is_zero();
        if lingers {
            self.input.linger(self.stop.as_fd(), time)?;
        }
        Ok(lingers)
    }

    fn read(&mut self, buffer: &mut LineBuffer, pace: &mut Pace) -> Result<(), Error> {
        let space = buffer.space();
        let most = match self.state {
            State::Stopping { left_bytes } => left_bytes.min(space.len()),
            State::Open | State::Ended => space.len().min(PORTION_BYTES),
        };
        let Some(n) = self.input.read(&mut space[..most])? else { return Ok(()) };
        self.mark.look(&space[..n])?;
        buffer.filled(n);
        pace.bytes += n;
        match &mut self.state {
            State::Stopping { left_bytes } if *left_bytes > n && n > 0 => *left_bytes -= n,
            State::Stopping { .. } => self.state = State::Ended,
            State::Open | State::Ended if n == 0 => self.state = State::Ended,
            State::Open | State::Ended => {}
        }
        Ok(())
    }
}

/// The first bytes of the input, which say whether it is text.
#[derive(Debug)]
struct Mark {
    bytes: [u8; HEAD_BYTES],
    len: usize,
}

impl Default for Mark {
    fn default() -> Mark {
        Mark { bytes: [0; HEAD_BYTES], len: 0 }
    }
}

impl Mark {
    /// Takes the next bytes. Nothing was handed out while a mark may still come: none holds a line feed.
    fn look(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.len == HEAD_BYTES {
            return Ok(());
        }
        let more = bytes.len().min(HEAD_BYTES - self.len);
        self.bytes[self.len..self.len + more].copy_from_slice(&bytes[..more]);
        self.len += more;
        match Packing::of(&self.bytes[..self.len]).refusal("sladd") {
            Some(message) => Err(Error::new(Kind::Data, message)),
            None => Ok(()),
        }
    }
}

/// How one filling goes.
#[derive(Debug, Default)]
struct Pace {
    bytes: usize,
    /// When the first whole line was seen.
    since: Option<Instant>,
}

impl Pace {
    /// Whether the first line has waited long enough, however fast more bytes come.
    fn is_over(&mut self) -> bool {
        self.since.get_or_insert_with(Instant::now).elapsed() > PATIENCE
    }
}

/// How much is read at once.
pub(super) const PORTION_BYTES: usize = 256 * 1024;

/// Lines that come one by one are gathered so long, unless they are the first after such a time. A line must be out
/// within 50 ms; so few wake-ups cost next to nothing, however short the lines.
const LINGER: Duration = Duration::from_millis(15);

/// How long we do not linger after a writer was found to be fast. Once in this time it may lose one `LINGER`.
const BUSY: Duration = Duration::from_secs(1);

/// How long the first line may wait while more bytes come.
const PATIENCE: Duration = Duration::from_millis(20);
