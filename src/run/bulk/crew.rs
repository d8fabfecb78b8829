//! Files → workers. Each worker takes the next file and minimises it; when no file is left for itself it helps with those of
//! others, buffer by buffer. What is finished goes to the one that commits.

use super::{
    feed::{Feed, Read},
    walk::Item,
};
use crate::{
    encode::Batch,
    engine::Carry,
    error::{Error, Kind},
    frame::LineBuffer,
    input::packing::Packing,
    output::{Output, members::Members},
    run::{
        Verdict, Work,
        intake::PORTION_BYTES,
        ordered::{Ordered, Part},
        pipe::{FULL_BYTES, OnStall, piece},
        quarantine::Keeper,
        summary::End,
        worker::Worker,
    },
    tally::Tally,
    time::Timestamp,
};
use std::{
    collections::VecDeque,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

/// Files that go to one output, and where that is.
pub(super) struct Errand {
    /// In order.
    pub items: VecDeque<Item>,
    /// Its number among all.
    pub number: usize,
}

/// What became of an errand.
pub(super) struct Finished {
    pub number: usize,
    /// How each of its files was read.
    pub read: Vec<Read>,
    /// The account of its lines.
    pub tally: Tally,
    /// Why writing ended early, if it did.
    pub end: Option<End>,
    /// The run was stopped before it was read to its end.
    pub stopped: bool,
    /// What was written to, if it could be opened.
    pub output: Option<Output>,
}

/// What a run needs of whoever opens outputs and takes what is finished.
pub(super) trait Desk: Sync {
    /// Opens the output of an errand, whose first file is packed so.
    ///
    /// # Errors
    /// It cannot be opened.
    fn open(&self, number: usize, packing: Packing) -> Result<Output, Error>;

    /// Takes the lines of an errand that are set aside to be sealed.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    fn keeper(&self, number: usize) -> Result<Option<Keeper>, Error>;

    /// Looks at the account of an errand as it grows, and may end it.
    fn verdict(&self) -> Verdict;

    /// Whether what is written of a file that is not read to its end is of use.
    fn keeps_parts(&self) -> bool;

    /// Takes what is finished, and says why the run cannot go on, if it cannot.
    fn finished(&self, finished: Finished) -> Option<Error>;
}

/// How far the run is. Whoever shows it reads it at any time.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes of files that were read, as they are on the disk.
    pub bytes: AtomicU64,
    /// Lines that went out or were dropped.
    pub lines: AtomicU64,
    /// Files that are dealt with.
    pub files: AtomicU64,
    /// Files that could not be dealt with as they should.
    pub faults: AtomicU64,
    /// The file that was begun last.
    pub current: Mutex<String>,
}

/// What the workers share.
pub(super) struct Crew<'a, D> {
    pub desk: &'a D,
    pub progress: &'a Progress,
    pub max_line_bytes: usize,
    pub max_ratio: u64,
    /// The time of records that have none; `None`: when their file was last written.
    pub reference: Option<Timestamp>,
    board: Mutex<Board>,
    changed: Condvar,
    stop: AtomicBool,
    fatal: Mutex<Option<Error>>,
    spare: Mutex<Vec<LineBuffer>>,
}

struct Board {
    errands: VecDeque<Errand>,
    /// Those whose input takes much memory to unpack wait here while one such is under way.
    later: VecDeque<Errand>,
    /// One such is under way.
    wide: bool,
    /// Workers that took an errand and have not begun it.
    opening: usize,
    under_way: Vec<Arc<UnderWay>>,
}

/// An errand under way.
struct UnderWay {
    number: usize,
    feed: Mutex<Feed>,
    /// Its input takes much memory to unpack.
    wide: bool,
    ordered: Ordered,
    /// Pieces of the output to pack, where it is packed in pieces.
    members: Option<Arc<Members>>,
    /// Nothing is left to take.
    exhausted: AtomicBool,
    stopped: AtomicBool,
    /// Workers at it; changed only under the board's lock.
    workers: AtomicU64,
}

/// What a worker does next.
enum Next {
    Begin(Errand),
    Help(Arc<UnderWay>),
}

/// What a worker keeps from buffer to buffer.
struct Hands<'a> {
    worker: &'a mut Worker,
    buffer: LineBuffer,
    batch: Batch,
    before: Carry,
}

impl<'a, D: Desk> Crew<'a, D> {
    pub fn new(
        desk: &'a D,
        progress: &'a Progress,
        errands: VecDeque<Errand>,
        max_line_bytes: usize,
        max_ratio: u64,
        reference: Option<Timestamp>,
    ) -> Crew<'a, D> {
        Crew {
            desk,
            progress,
            max_line_bytes,
            max_ratio,
            reference,
            board: Mutex::new(Board {
                errands,
                later: VecDeque::new(),
                wide: false,
                opening: 0,
                under_way: Vec::new(),
            }),
            changed: Condvar::new(),
            stop: AtomicBool::new(false),
            fatal: Mutex::new(None),
            spare: Mutex::new(Vec::new()),
        }
    }

    /// Nothing more is taken; what is in hand is finished, and files that are not read to their end are given up.
    pub fn stop(&self) {
        self.stop.store(true, Relaxed);
        // Whoever looked at the board before waits by now.
        drop(lock(&self.board));
        self.changed.notify_all();
    }

    /// Whether the run was stopped, by whoever asked or by an error.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Relaxed)
    }

    /// How many errands nobody began.
    pub fn not_begun(&self) -> usize {
        let board = lock(&self.board);
        board.errands.len() + board.later.len()
    }

    /// The run cannot go on; the first reason stays.
    pub fn fail(&self, error: Error) {
        lock(&self.fatal).get_or_insert(error);
        self.stop();
    }

    /// Why the run could not go on.
    pub fn failure(&self) -> Option<Error> {
        lock(&self.fatal).clone()
    }

    /// One worker's whole life.
    pub fn work(&self, worker: &mut Worker) {
        let mut hands = Hands { worker, buffer: self.buffer(), batch: Batch::default(), before: Carry::default() };
        while let Some(next) = self.next() {
            let under_way = match next {
                Next::Begin(errand) => self.begin(errand),
                Next::Help(under_way) => Some(under_way),
            };
            if let Some(under_way) = under_way {
                self.serve(under_way, &mut hands);
            }
        }
    }

    /// What a worker does next: begins an errand or helps with one; waits while either may still come.
    fn next(&self) -> Option<Next> {
        let mut board = lock(&self.board);
        loop {
            if self.is_stopped() {
                return None;
            }
            if let Some(errand) = board.errands.pop_front() {
                board.opening += 1;
                return Some(Next::Begin(errand));
            }
            let open = board.under_way.iter().find(|under_way| !under_way.exhausted.load(Relaxed));
            if let Some(under_way) = open {
                under_way.workers.fetch_add(1, Relaxed);
                return Some(Next::Help(under_way.clone()));
            }
            if board.opening == 0 && board.later.is_empty() {
                return None;
            }
            board = self.changed.wait(board).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Opens the errand's input and output. One that cannot be opened is finished; one that has to wait waits on the board.
    fn begin(&self, errand: Errand) -> Option<Arc<UnderWay>> {
        let begun = self.open(errand);
        let mut board = lock(&self.board);
        board.opening -= 1;
        board.under_way.extend(begun.clone());
        drop(board);
        self.changed.notify_all();
        begun
    }

    fn open(&self, errand: Errand) -> Option<Arc<UnderWay>> {
        let number = errand.number;
        let mut feed = Feed::new(errand.items, self.buffer(), self.max_ratio);
        let packing = feed.packing();
        let wide = feed.window_bytes() > WIDE_BYTES;
        if wide {
            let mut board = lock(&self.board);
            if board.wide {
                board.later.push_back(Errand { items: feed.take_items(), number });
                lock(&self.spare).extend(feed.take_buffer());
                return None;
            }
            board.wide = true;
        }
        let opened = packing.map(|packing| {
            let keeper = self.desk.keeper(number)?;
            self.desk.open(number, packing).map(|output| (output, keeper))
        });
        if let Some(item) = feed.item() {
            *lock(&self.progress.current) = item.name.to_string_lossy().into_owned();
        }
        let end = match opened {
            Some(Ok((output, keeper))) => {
                let members = match &output {
                    Output::Fresh(fresh) => fresh.members(),
                    Output::Stdout(_) | Output::File(_) => None,
                };
                return Some(Arc::new(UnderWay {
                    number,
                    feed: Mutex::new(feed),
                    wide,
                    ordered: Ordered::new(output, None, self.desk.verdict(), OnStall::Block, READ_AHEAD_BYTES)
                        .keeping(keeper),
                    members,
                    exhausted: AtomicBool::new(false),
                    stopped: AtomicBool::new(false),
                    workers: AtomicU64::new(1),
                }));
            }
            Some(Err(error)) => Some(End::Failed(error)),
            None => None,
        };
        let read = feed.take_read();
        drop(feed);
        self.narrow(wide);
        self.hand_in(Finished { number, read, tally: Tally::default(), end, stopped: false, output: None });
        None
    }

    /// An errand is over: the next one that takes much memory may begin.
    fn narrow(&self, wide: bool) {
        if wide {
            let mut board = lock(&self.board);
            board.wide = false;
            let later = mem::take(&mut board.later);
            board.errands.extend(later);
            drop(board);
            self.changed.notify_all();
        }
    }

    /// Works at an errand until nothing is left of it. The last worker to leave hands it in.
    fn serve(&self, under_way: Arc<UnderWay>, hands: &mut Hands<'_>) {
        if catch_unwind(AssertUnwindSafe(|| self.take_turns(&under_way, hands))).is_err() {
            let why = "an internal fault ended the run; please report its place";
            under_way.ordered.end(End::Failed(Error::new(Kind::Io, why)));
            under_way.exhausted.store(true, Relaxed);
        }
        let mut board = lock(&self.board);
        if under_way.workers.fetch_sub(1, Relaxed) > 1 {
            return;
        }
        board.under_way.retain(|other| !Arc::ptr_eq(other, &under_way));
        drop(board);
        // What is given up is done again, and sealed then.
        if !under_way.stopped.load(Relaxed) || self.desk.keeps_parts() {
            under_way.ordered.end_keeper();
        }
        let (tally, end) = under_way.ordered.account();
        let mut feed = lock(&under_way.feed);
        self.hand_in(Finished {
            number: under_way.number,
            read: feed.take_read(),
            tally,
            end,
            stopped: under_way.stopped.load(Relaxed),
            output: under_way.ordered.take_output(),
        });
        lock(&self.spare).extend(feed.take_buffer());
        drop(feed);
        self.narrow(under_way.wide);
    }

    fn hand_in(&self, finished: Finished) {
        if let Some(error) = self.desk.finished(finished) {
            self.fail(error);
        }
    }

    fn take_turns(&self, under_way: &UnderWay, hands: &mut Hands<'_>) {
        loop {
            // What is to be packed goes before what is to be read, so that little waits.
            while !self.is_stopped() && under_way.members.as_ref().is_some_and(|members| members.help()) {}
            if under_way.exhausted.load(Relaxed) {
                return;
            }
            if self.is_stopped() {
                under_way.stopped.store(true, Relaxed);
                under_way.exhausted.store(true, Relaxed);
                if !self.desk.keeps_parts() {
                    // What waits to be packed and written would be thrown away.
                    under_way.ordered.end(End::Signal);
                }
                return;
            }
            let mut feed = lock(&under_way.feed);
            let taken = feed.take(&mut hands.buffer, &mut hands.before);
            self.progress.bytes.fetch_add(feed.take_bytes(), Relaxed);
            if feed.is_exhausted() {
                under_way.exhausted.store(true, Relaxed);
            }
            drop(feed);
            let Some(taken) = taken else { return };
            hands.worker.carry(&hands.before);
            hands.worker.set_reference(self.reference.unwrap_or(taken.reference));
            let run = hands.run(&under_way.ordered, taken.ticket, taken.last);
            let lines = match run {
                Ok(lines) => lines,
                Err(Some(error)) => {
                    under_way.ordered.end(End::Failed(error.clone()));
                    self.fail(error);
                    0
                }
                // The output has ended already.
                Err(None) => 0,
            };
            self.progress.lines.fetch_add(lines, Relaxed);
            if lines == 0 && under_way.ordered.account().1.is_some() {
                under_way.exhausted.store(true, Relaxed);
                hands.buffer = self.buffer();
                hands.batch.clear();
            }
        }
    }

    fn buffer(&self) -> LineBuffer {
        let spare = lock(&self.spare).pop();
        spare.unwrap_or_else(|| LineBuffer::new(PORTION_BYTES, self.max_line_bytes))
    }
}

impl Hands<'_> {
    /// One buffer's way. `Err(None)`: the output has ended.
    fn run(&mut self, ordered: &Ordered, ticket: u64, last: bool) -> Result<u64, Option<Error>> {
        let mut sum = Tally::default();
        let mut lines = 0;
        let mut deliver = |batch: &mut Batch, sum: &mut Tally, part| {
            lines += sum.lines;
            ordered.deliver(ticket, batch, mem::take(sum), part).map_err(|_over| None)
        };
        while !self.buffer.lines().is_empty() {
            let whole = self.buffer.lines().len();
            let mut at = 0;
            while at < whole {
                let lines = &self.buffer.lines()[at..];
                let length = piece(lines);
                sum += self.worker.run(&lines[..length], &mut self.batch)?;
                at += length;
                if self.batch.bytes().len() > FULL_BYTES {
                    deliver(&mut self.batch, &mut sum, Part::Full)?;
                }
            }
            self.buffer.consume(whole);
        }
        if last {
            sum += self.worker.run(self.buffer.finish(), &mut self.batch)?;
            sum += self.worker.finish(&mut self.batch)?;
        }
        sum.bytes_in += self.buffer.take_skipped();
        deliver(&mut self.batch, &mut sum, Part::Last)?;
        Ok(lines)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Inputs that take more memory than this to unpack are read one at a time.
const WIDE_BYTES: u64 = 12 << 20;

/// So much may wait for its turn at one output.
const READ_AHEAD_BYTES: usize = 4 << 20;
