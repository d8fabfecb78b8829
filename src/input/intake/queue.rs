//! The queue between the threads that read sockets and the desk: bounded in bytes, with the rule for who waits and what is
//! dropped.

use super::{
    Settings, Stall,
    counts::{Board, add},
};
use crate::error::Error;
use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::sync::{Notify, watch};

/// Lines as they came.
#[derive(Debug)]
pub struct Portion {
    /// Each ends with a line feed, but for a last one that was cut. Empty where only bytes were skipped.
    pub lines: Vec<u8>,
    /// Bytes that came with them and are none of them: the rests of lines that were cut.
    pub skipped: u64,
    /// To be confirmed when what was made of the lines is durable. None: nobody waits for that.
    pub receipt: Option<Receipt>,
}

/// Somebody keeps the lines of a portion until they are confirmed. Dropping it confirms nothing.
#[must_use = "dropping a receipt confirms nothing"]
pub struct Receipt {
    parts: Vec<Arc<dyn Confirm>>,
}

/// Who is told that a part of what it waits for is durable.
pub(crate) trait Confirm: Send + Sync {
    /// A part was laid into the queue.
    fn laid(&self);
    /// A part is durable.
    fn confirmed(&self);
}

impl Receipt {
    /// Says that what was made of the lines is durable.
    pub fn confirm(self) {
        for part in self.parts {
            part.confirmed();
        }
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt").finish_non_exhaustive()
    }
}

/// How far an intake is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Life {
    Running,
    /// What is in the sockets is taken, and then no more.
    Stopping,
    /// Nobody takes any more.
    Closed,
}

/// Whether what is read now can be laid down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// It can.
    Yes,
    /// It is to be read, dropped and counted.
    Shed,
    /// Nobody will take it.
    Closed,
}

pub(crate) struct Queue {
    inner: Mutex<Inner>,
    room: Condvar,
    room_soon: Notify,
    life: watch::Sender<Life>,
    ended: AtomicBool,
    waiting: AtomicU64,
    pub board: Board,
    stall: Stall,
    limit_bytes: usize,
    wake: Arc<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct Inner {
    portions: VecDeque<Portion>,
    /// Of memory, not of lines.
    bytes: usize,
    /// Since when there is no room and nothing was taken.
    full_since: Option<Instant>,
    failure: Option<Error>,
}

/// So long lines wait for room before they are dropped, where they are dropped at all.
const PATIENCE: Duration = Duration::from_millis(50);

/// Portions grow up to this.
const PORTION_BYTES: usize = 64 * 1024;

/// What a portion and a part of a receipt take beside their lines.
const BESIDE_BYTES: usize = 128;

impl Queue {
    pub(crate) fn new(settings: &Settings) -> Arc<Queue> {
        Arc::new(Queue {
            inner: Mutex::default(),
            room: Condvar::new(),
            room_soon: Notify::new(),
            life: watch::Sender::new(Life::Running),
            ended: AtomicBool::new(false),
            waiting: AtomicU64::new(0),
            board: Board::default(),
            stall: settings.stall,
            limit_bytes: settings.waiting_bytes(),
            wake: settings.wake.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn take(&self) -> Option<Portion> {
        let mut inner = self.lock();
        let portion = inner.portions.pop_front()?;
        let was_full = inner.bytes >= self.limit_bytes;
        inner.bytes -= memory(&portion);
        if was_full {
            // Somebody takes: whoever waits has its patience anew.
            inner.full_since = (inner.bytes >= self.limit_bytes).then(Instant::now);
        }
        drop(inner);
        self.waiting.fetch_sub(portion.lines.len() as u64, Relaxed);
        if was_full {
            self.room.notify_all();
            self.room_soon.notify_waiters();
        }
        Some(portion)
    }

    pub(crate) fn has_lines(&self) -> bool {
        !self.lock().portions.is_empty()
    }

    pub(crate) fn waiting_bytes(&self) -> u64 {
        self.waiting.load(Relaxed)
    }

    pub(crate) fn is_over(&self) -> bool {
        // In this order: what was laid down before the end is seen.
        self.ended.load(std::sync::atomic::Ordering::Acquire) && !self.has_lines()
    }

    /// Life only goes on.
    pub(crate) fn set(&self, life: Life) {
        self.life.send_if_modified(|now| {
            let later = *now < life;
            *now = (*now).max(life);
            later
        });
        if life == Life::Closed {
            // Whoever checks and then waits does so under the lock.
            drop(self.lock());
            self.room.notify_all();
            self.room_soon.notify_waiters();
        }
    }

    pub(crate) fn life(&self) -> Life {
        *self.life.borrow()
    }

    pub(crate) fn lives(&self) -> watch::Receiver<Life> {
        self.life.subscribe()
    }

    /// No more lines will be laid down.
    pub(crate) fn end(&self) {
        if !self.ended.swap(true, std::sync::atomic::Ordering::AcqRel) {
            (self.wake)();
        }
    }

    pub(crate) fn fail(&self, error: Error) {
        self.lock().failure.get_or_insert(error);
    }

    pub(crate) fn failure(&self) -> Option<Error> {
        self.lock().failure.clone()
    }

    /// Whether there is room now; else how long it may be waited for.
    fn look(&self, inner: &mut Inner) -> Result<Room, Option<Duration>> {
        if self.life() == Life::Closed {
            return Ok(Room::Closed);
        }
        if inner.bytes < self.limit_bytes {
            inner.full_since = None;
            return Ok(Room::Yes);
        }
        match self.stall {
            Stall::Block => Err(None),
            Stall::Shed => {
                let waited = inner.full_since.get_or_insert_with(Instant::now).elapsed();
                if waited >= PATIENCE { Ok(Room::Shed) } else { Err(Some(PATIENCE - waited)) }
            }
        }
    }

    /// Waits until what is read can be laid down, or is to be dropped.
    pub(crate) fn room(&self) -> Room {
        let mut inner = self.lock();
        loop {
            inner = match self.look(&mut inner) {
                Ok(room) => return room,
                Err(None) => self.room.wait(inner).unwrap_or_else(PoisonError::into_inner),
                Err(Some(time)) => self.room.wait_timeout(inner, time).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
    }

    /// The same for a task.
    pub(crate) async fn room_soon(&self) -> Room {
        let found = self.look(&mut self.lock());
        match found {
            Ok(room) => room,
            // In a box of its own, so that connections which say nothing cost little.
            Err(_) => Box::pin(self.room_later()).await,
        }
    }

    async fn room_later(&self) -> Room {
        loop {
            let notified = self.room_soon.notified();
            let mut notified = std::pin::pin!(notified);
            notified.as_mut().enable();
            let found = self.look(&mut self.lock());
            match found {
                Ok(room) => return room,
                Err(None) => notified.await,
                Err(Some(time)) => {
                    let _ = tokio::time::timeout(time, notified).await;
                }
            }
        }
    }

    /// Lays down what a pot holds, or drops and counts it; the pot is empty afterwards. `for_whom` waits for all of it.
    pub(crate) fn lay(&self, pot: &mut Pot, room: Room, for_whom: Option<&Arc<dyn Confirm>>) {
        match room {
            Room::Yes if pot.bytes.is_empty() && pot.skipped == 0 => {}
            Room::Yes => {
                let mut start = 0;
                let ends = pot.cuts.iter().copied().chain([pot.bytes.len()]);
                let mut inner = self.lock();
                for end in ends {
                    if start < end {
                        inner.lay(&pot.bytes[start..end], for_whom);
                    }
                    start = end;
                }
                inner.skip(std::mem::take(&mut pot.skipped));
                drop(inner);
                self.waiting.fetch_add(pot.bytes.len() as u64, Relaxed);
                (self.wake)();
            }
            // Whoever waits for a receipt keeps the lines.
            Room::Shed | Room::Closed if for_whom.is_some() => pot.skipped = 0,
            Room::Shed | Room::Closed => {
                add(&self.board.shed_lines, pot.lines);
                add(&self.board.shed_bytes, pot.bytes.len() as u64 + std::mem::take(&mut pot.skipped));
            }
        }
        pot.clear();
    }
}

impl Inner {
    /// Fills the last portion with as many whole lines as it has room for; the rest makes the next.
    fn lay(&mut self, lines: &[u8], for_whom: Option<&Arc<dyn Confirm>>) {
        let room = match self.portions.back() {
            Some(Portion { lines: before, .. }) if before.last().is_none_or(|&last| last == b'\n') => {
                PORTION_BYTES.saturating_sub(before.len())
            }
            _ => 0,
        };
        let fitting = if lines.len() <= room {
            lines.len()
        } else {
            memchr::memrchr(b'\n', &lines[..room]).map_or(0, |at| at + 1)
        };
        let (fitting, rest) = lines.split_at(fitting);
        if !fitting.is_empty() {
            let portion = self.portions.back_mut().expect("it has room");
            self.bytes -= memory(portion);
            grow(&mut portion.lines, fitting.len());
            portion.lines.extend_from_slice(fitting);
            self.bytes += promise(portion, for_whom);
        }
        if !rest.is_empty() {
            let mut portion = Portion { lines: rest.to_vec(), skipped: 0, receipt: None };
            self.bytes += promise(&mut portion, for_whom);
            self.portions.push_back(portion);
        }
    }

    /// Bytes that are no part of a line. Where their line was taken already, they make a portion without lines.
    fn skip(&mut self, bytes: u64) {
        if bytes == 0 {
            return;
        }
        match self.portions.back_mut() {
            Some(portion) => portion.skipped += bytes,
            None => {
                let portion = Portion { lines: Vec::new(), skipped: bytes, receipt: None };
                self.bytes += memory(&portion);
                self.portions.push_back(portion);
            }
        }
    }
}

/// Makes room as a vector does, but for no more than a portion ever holds: what is not used counts as memory too.
fn grow(lines: &mut Vec<u8>, more: usize) {
    let needed = lines.len() + more;
    if needed > lines.capacity() {
        let wanted = (lines.capacity() * 2).clamp(needed, PORTION_BYTES.max(needed));
        lines.reserve_exact(wanted - lines.len());
    }
}

/// Lets somebody wait for a portion, and says what that takes in memory.
fn promise(portion: &mut Portion, for_whom: Option<&Arc<dyn Confirm>>) -> usize {
    if let Some(whom) = for_whom {
        whom.laid();
        portion.receipt.get_or_insert_with(|| Receipt { parts: Vec::new() }).parts.push(whom.clone());
    }
    memory(portion)
}

fn memory(portion: &Portion) -> usize {
    let parts = portion.receipt.as_ref().map_or(0, |receipt| receipt.parts.len());
    portion.lines.capacity() + BESIDE_BYTES * (1 + parts)
}

/// Lines on their way into a queue.
#[derive(Debug, Default)]
pub(crate) struct Pot {
    pub bytes: Vec<u8>,
    /// Where the cut lines end, which have no line feed.
    cuts: Vec<usize>,
    /// How many lines `bytes` hold.
    pub lines: u64,
    /// Bytes that came and are no part of any.
    pub skipped: u64,
}

impl Pot {
    /// A line of any bytes becomes one line: a line feed, a carriage return or a NUL inside becomes a blank, those at its end
    /// go. Longer than `limit`, it is cut. `false`: nothing is left of it.
    pub(crate) fn put(&mut self, line: &[u8], limit: usize, ending: Ending, board: &Board) -> bool {
        let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r' | 0);
        let length = line.iter().rposition(|byte| !is_end(byte)).map_or(0, |at| at + 1);
        if length == 0 {
            return false;
        }
        let over = length > limit;
        let kept = &line[..length.min(limit)];
        let start = self.bytes.len();
        self.bytes.extend_from_slice(kept);
        blank(&mut self.bytes[start..]);
        self.lines += 1;
        if over {
            self.skipped += (length - limit) as u64;
            add(&board.over_long, 1);
        }
        match ending {
            Ending::Whole if !over => self.bytes.push(b'\n'),
            Ending::Whole | Ending::Cut => self.cuts.push(self.bytes.len()),
        }
        true
    }

    /// What stands after `start` is a line, which was written there without its line feed. It holds none.
    pub(crate) fn close(&mut self, start: usize, limit: usize, board: &Board) {
        self.lines += 1;
        let length = self.bytes.len() - start;
        if length > limit {
            self.bytes.truncate(start + limit);
            self.skipped += (length - limit) as u64;
            self.cuts.push(self.bytes.len());
            add(&board.over_long, 1);
        } else {
            self.bytes.push(b'\n');
        }
    }

    /// Its lines one by one; cut ones have no line feed.
    #[cfg(test)]
    pub(crate) fn lines(&self) -> Vec<Vec<u8>> {
        let ends: Vec<usize> = self.cuts.iter().copied().chain([self.bytes.len()]).collect();
        let starts = [0].into_iter().chain(self.cuts.iter().copied());
        let pieces = starts.zip(&ends).map(|(start, &end)| &self.bytes[start..end]);
        pieces.flat_map(|piece| piece.split_inclusive(|&byte| byte == b'\n')).map(<[u8]>::to_vec).collect()
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.cuts.clear();
        self.lines = 0;
    }
}

/// Whether all of a line is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Whole,
    /// It went on, or might have.
    Cut,
}

#[inline]
fn blank(line: &mut [u8]) {
    let mut at = 0;
    while let Some(found) = memchr::memchr3(b'\n', b'\r', 0, &line[at..]) {
        line[at + found] = b' ';
        at += found + 1;
    }
}
