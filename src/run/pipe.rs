//! The pipe: standard input → engines → standard output or a file.
//!
//! Every worker does all of it: it takes the intake, fills its buffer with whole lines, lets the next worker at the intake,
//! minimises, and writes when its turn comes. So lines stay in the cache of one core, no thread only hands things over,
//! and while lines trickle one thread does everything and the others sleep.

use super::{
    REST, Summary, Verdict, Work,
    intake::{Intake, PORTION_BYTES, Taken},
    ordered::{Ordered, Over, Part, shed},
    quarantine::Keeper,
    signals::Signals,
    summary::End,
};
use crate::{
    encode::Batch,
    engine::Carry,
    error::{Error, Kind},
    frame::{LineBuffer, MAX_LINE_BYTES},
    input::stdin::Stdin,
    output::Output,
    tally::Tally,
};
use rustix::{
    event::{PollFd, PollFlags, Timespec},
    pipe::{PipeFlags, pipe_with},
};
use std::{
    mem,
    os::fd::{AsFd, OwnedFd},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// What happens when the output takes nothing and the memory bound is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnStall {
    /// The writer of our input waits.
    #[default]
    Block,
    /// Lines are dropped and counted; the writer of our input never waits longer than 100 ms.
    Shed,
}

/// How the process runs. Nothing here changes what happens to data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What happens when the output takes nothing.
    pub on_stall: OnStall,
    /// Over this, a line is cut.
    pub max_line_bytes: usize,
    /// So much is read ahead of an output that takes nothing, beside one portion a worker.
    pub read_ahead_bytes: usize,
    /// So long the input is drained after a signal to end.
    pub drain: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            on_stall: OnStall::Block,
            max_line_bytes: MAX_LINE_BYTES,
            read_ahead_bytes: 4 << 20,
            drain: Duration::from_secs(5),
        }
    }
}

/// How many workers this machine is good for. Never one: while the output stalls, somebody must read on.
pub fn workers() -> usize {
    thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 4))
}

/// Runs until the input ends, a signal or the verdict ends it, or it cannot go on. One thread for each of `work`. The keeper takes
/// the lines that are set aside to be sealed.
///
/// # Errors
/// [`Kind::Io`] where it could not start. How a run ended that did start is in the [`Summary`].
pub fn pipe<W: Work>(
    settings: &Settings,
    input: Stdin,
    output: Output,
    work: Vec<W>,
    (verdict, keeper): (Verdict, Option<Keeper>),
    signals: &Signals,
) -> Result<Summary, Error> {
    let tends = keeper.is_some();
    let channel = || pipe_with(PipeFlags::CLOEXEC).map_err(|error| cannot_start(&error.into()));
    let (stop, stopper) = channel()?;
    // Every worker holds the writing end; the reading end sees the last one go.
    let (done, at_work) = channel()?;
    let buffer = || LineBuffer::new(PORTION_BYTES, settings.max_line_bytes);
    let line = Arc::new(Line {
        intake: Mutex::new(Intake::new(input, stop, buffer())),
        ordered: Ordered::new(output, Some(stopper), verdict, settings.on_stall, settings.read_ahead_bytes)
            .keeping(keeper),
    });
    let at_work = Arc::new(at_work);
    let work: Vec<Arc<Mutex<W>>> = work.into_iter().map(|work| Arc::new(Mutex::new(work))).collect();
    for work in &work {
        let (shared, at_work, buffer, work) = (line.clone(), at_work.clone(), buffer(), work.clone());
        let worker = move || {
            // A worker that is stuck in a write is left behind when the process ends, so it is not joined.
            if catch_unwind(AssertUnwindSafe(|| shared.run(&work, buffer))).is_err() {
                shared.ordered.end(End::Failed(fault()));
            }
            drop(shared);
            drop(at_work);
        };
        let started = thread::Builder::new().name("sladd-worker".to_owned()).spawn(worker);
        if let Err(error) = started {
            line.ordered.end(End::Failed(cannot_start(&error)));
        }
    }
    drop(at_work);
    let rest = || {
        // One that is held is at work, and sees to it itself.
        work.iter().filter_map(|work| work.try_lock().ok()).for_each(|mut work| work.rest());
        if tends {
            line.ordered.tend();
        }
    };
    let pace = if tends { TEND } else { REST };
    let signalled = supervise(&line.ordered, &done, signals, settings.drain, (pace, rest))?;
    line.ordered.end_keeper();
    let (tally, end) = line.ordered.account();
    let read_error = line.intake.try_lock().ok().and_then(|mut intake| intake.take_error());
    let end = end.or(read_error.map(End::Failed)).unwrap_or(if signalled { End::Signal } else { End::Input });
    Ok(Summary { tally, end })
}

/// What the workers share.
struct Line {
    intake: Mutex<Intake>,
    ordered: Ordered,
}

impl Line {
    fn run(&self, work: &Mutex<impl Work>, mut buffer: LineBuffer) {
        let mut batch = Batch::default();
        let mut before = Carry::default();
        let mut held = None;
        loop {
            let mut intake = held.take().unwrap_or_else(|| self.intake.lock().unwrap_or_else(PoisonError::into_inner));
            let Some(taken) = intake.take(&mut buffer, &mut before) else { return };
            let work = &mut *work.lock().unwrap_or_else(PoisonError::into_inner);
            work.carry(&before);
            let intake = taken.few.then_some(intake);
            let job = Job { line: self, taken, intake, batch: &mut batch, tally: Tally::default() };
            held = match job.run(work, &mut buffer) {
                Ok(intake) => intake,
                Err(Stop::Over(Over)) => return,
                Err(Stop::Error(error)) => return self.ordered.end(End::Failed(error)),
            };
        }
    }
}

/// One buffer's way through one worker.
struct Job<'a, 'b> {
    line: &'a Line,
    taken: Taken,
    /// Kept from job to job while lines come one by one, so that no other worker wakes for the next.
    intake: Option<MutexGuard<'a, Intake>>,
    batch: &'b mut Batch,
    tally: Tally,
}

impl<'a> Job<'a, '_> {
    /// Gives the intake back, if it is still held.
    fn run(mut self, work: &mut impl Work, buffer: &mut LineBuffer) -> Result<Option<MutexGuard<'a, Intake>>, Stop> {
        while !buffer.lines().is_empty() {
            let lines = buffer.lines().len();
            self.run_lines(work, buffer.lines())?;
            buffer.consume(lines);
        }
        if self.taken.last {
            self.run_lines(work, buffer.finish())?;
            if !self.line.ordered.is_shedding() {
                self.tally += work.finish(self.batch)?;
            }
        }
        self.tally.bytes_in += buffer.take_skipped();
        self.deliver(Part::Last)?;
        Ok(self.intake)
    }

    fn run_lines(&mut self, work: &mut impl Work, mut lines: &[u8]) -> Result<(), Stop> {
        while !lines.is_empty() {
            let (piece, rest) = lines.split_at(piece(lines));
            lines = rest;
            if self.line.ordered.is_shedding() {
                self.tally += shed(count(piece));
                work.skip(piece);
                continue;
            }
            self.tally += work.run(piece, self.batch)?;
            // Short lines may grow a lot: a tag is longer than an empty line.
            if self.batch.bytes().len() > FULL_BYTES {
                self.deliver(Part::Full)?;
            }
        }
        Ok(())
    }

    fn deliver(&mut self, part: Part) -> Result<(), Stop> {
        // Whoever may have to wait for the output lets others read.
        if !self.line.ordered.is_quick(self.batch.bytes().len()) {
            self.intake = None;
        }
        let tally = mem::take(&mut self.tally);
        Ok(self.line.ordered.deliver(self.taken.ticket, self.batch, tally, part)?)
    }
}

/// Waits until all workers are gone, and does what signals ask; now and then, so often at least, `rest`. Says whether a signal
/// asked to end.
fn supervise(
    ordered: &Ordered,
    done: &OwnedFd,
    signals: &Signals,
    drain: Duration,
    (pace, rest): (Duration, impl Fn()),
) -> Result<bool, Error> {
    let mut asked = 0;
    // When the intake is stopped, and when the run is given up.
    let mut times: Option<(Instant, Instant)> = None;
    loop {
        let [quit, reopen] = signals.fds();
        let mut fds = [done.as_fd(), quit, reopen].map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
        let now = Instant::now();
        let next = times.map(|(stop, give_up)| if now < stop { stop } else { give_up });
        let wait = next.map_or(pace, |time| time.saturating_duration_since(now).min(pace));
        match rustix::event::poll(&mut fds, Timespec::try_from(wait).ok().as_ref()) {
            Ok(0) => rest(),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(cannot_start(&error.into())),
        }
        if !fds[0].revents().is_empty() {
            return Ok(asked > 0);
        }
        let now = Instant::now();
        for _ in 0..signals.take_quits() {
            asked += 1;
            times = match asked {
                1 => Some((now + drain, now + drain + FINISH)),
                // Servers may send the same signal twice when they stop: what is in the pipe is still taken.
                2 => Some((now, now + FINISH / 2)),
                _ => Some((now, now)),
            };
        }
        if signals.take_reopens() > 0 {
            ordered.reopen();
        }
        if let Some((stop, give_up)) = times {
            if now >= stop {
                ordered.stop();
            }
            if now >= give_up {
                ordered.end(End::Stalled);
                // The workers that can still count what they hold.
                thread::sleep(Duration::from_millis(50));
                return Ok(true);
            }
        }
    }
}

/// Why a worker stops before the input ends.
enum Stop {
    Over(Over),
    Error(Error),
}

impl From<Over> for Stop {
    fn from(over: Over) -> Stop {
        Stop::Over(over)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Error(error)
    }
}

/// How many bytes of whole lines to work on before looking at the batch: about `PIECE_BYTES`.
pub(super) fn piece(lines: &[u8]) -> usize {
    if lines.len() <= PIECE_BYTES {
        return lines.len();
    }
    match memchr::memrchr(b'\n', &lines[..PIECE_BYTES]) {
        Some(at) => at + 1,
        None => memchr::memchr(b'\n', lines).map_or(lines.len(), |at| at + 1),
    }
}

/// Counts lines that are not worked on.
fn count(lines: &[u8]) -> Tally {
    let cut = !lines.ends_with(b"\n");
    let count = memchr::memchr_iter(b'\n', lines).count() as u64 + u64::from(cut);
    Tally { lines: count, bytes_in: lines.len() as u64, ..Tally::default() }
}

/// Lines are worked on in pieces of about this size.
const PIECE_BYTES: usize = 32 * 1024;

/// A batch over this is written before more is added.
pub(super) const FULL_BYTES: usize = 1 << 20;

/// Lines that were set aside to be sealed are written so often.
const TEND: Duration = Duration::from_secs(1);

/// How long after the last read, when a signal ends the run, the output may take to take what was read.
const FINISH: Duration = Duration::from_secs(1);

fn cannot_start(error: &std::io::Error) -> Error {
    Error::new(Kind::Io, format!("cannot start: {error}"))
}

fn fault() -> Error {
    Error::new(Kind::Io, "an internal fault ended the run and the lines in hand are lost; please report its place")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{output, run::signals::Requests};
    use proptest::prelude::*;
    use std::{
        fs::{self, File},
        io::{BufRead, BufReader, Read, Write},
        process::{Command, Stdio},
        sync::mpsc,
    };

    /// Stands in for the engine: what it was given, and what it does at certain lines.
    #[derive(Clone, Default)]
    struct Fake {
        /// Dawdles, so that workers overtake each other.
        seed: u64,
        /// Each line grows by so many bytes.
        grow: usize,
        /// Nanoseconds a line.
        slow: u64,
    }

    impl Work for Fake {
        fn run(&mut self, lines: &[u8], batch: &mut Batch) -> Result<Tally, Error> {
            if self.seed > 0 {
                self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                thread::sleep(Duration::from_micros(self.seed >> 54));
            }
            let mut tally = count(lines);
            let started = Instant::now();
            while started.elapsed() < Duration::from_nanos(self.slow * tally.lines) {}
            if memchr::memmem::find(lines, b"PANIC").is_some() {
                panic!("{}", String::from_utf8_lossy(lines));
            }
            if memchr::memmem::find(lines, b"ERROR").is_some() {
                return Err(Error::new(Kind::Config, "a key is gone"));
            }
            let before = batch.bytes().len();
            if self.grow > 0 {
                lines.split_inclusive(|&byte| byte == b'\n').for_each(|line| {
                    batch.extend(&vec![b'+'; self.grow]);
                    batch.extend(line);
                });
            } else {
                batch.extend(lines);
            }
            if !lines.ends_with(b"\n") {
                tally.cut = 1;
                batch.extend(b"#\n");
            }
            tally.minimised = tally.lines;
            tally.bytes_out = (batch.bytes().len() - before) as u64;
            Ok(tally)
        }
    }

    /// A pipe under test: both its ends and what it answers.
    struct Rig {
        input: Option<File>,
        output: File,
        requests: Requests,
        summary: mpsc::Receiver<Summary>,
    }

    fn rig(settings: Settings, work: Fake) -> Rig {
        let (output, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).unwrap();
        let out = Output::Stdout(output::stdout::Stdout::from_fd(writer));
        rig_to(settings, work, out, File::from(output), Box::new(|_| Ok(())))
    }

    fn rig_to(settings: Settings, work: Fake, out: Output, output: File, verdict: Verdict) -> Rig {
        let (reader, input) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).unwrap();
        let (signals, requests) = Signals::by_hand().unwrap();
        let (answer, summary) = mpsc::channel();
        thread::spawn(move || {
            let work = (0..2).map(|seed| Fake { seed: work.seed * (seed + 1), ..work.clone() }).collect();
            let input = Stdin::from_fd(reader).unwrap();
            answer.send(pipe(&settings, input, out, work, (verdict, None), &signals).unwrap()).ok();
        });
        Rig { input: Some(File::from(input)), output, requests, summary }
    }

    impl Rig {
        fn write(&mut self, bytes: &[u8]) {
            self.input.as_mut().unwrap().write_all(bytes).unwrap();
        }

        fn summary(&self) -> Summary {
            let summary = self.summary.recv_timeout(Duration::from_secs(60)).expect("the run ends");
            assert!(summary.tally.balances(), "{summary}");
            summary
        }

        fn read_to_end(&mut self) -> Vec<u8> {
            let mut bytes = Vec::new();
            self.output.read_to_end(&mut bytes).unwrap();
            bytes
        }
    }

    fn numbered(lines: usize) -> Vec<u8> {
        (0..lines).flat_map(|i| format!("{i:08} {}\n", "x".repeat(i % 300)).into_bytes()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn any_cutting_and_any_number_of_workers_give_the_same_output(
            lines in proptest::collection::vec(prop_oneof![20 => 0usize..30, 1 => 90usize..5000], 0..300),
            portions in proptest::collection::vec(1usize..4000, 1..20),
            ends_whole in any::<bool>(),
            seed in 1u64..1000,
            grow in 0usize..3,
        ) {
            let mut bytes = Vec::new();
            let mut expected = Vec::new();
            for (i, &length) in lines.iter().enumerate() {
                let line = vec![b'a' + (i % 26) as u8; length];
                let last = i + 1 == lines.len() && !ends_whole;
                bytes.extend_from_slice(&line);
                bytes.extend_from_slice(if last { b"" } else { b"\n" });
                if length > 0 || !last {
                    expected.resize(expected.len() + grow, b'+');
                    expected.extend_from_slice(&line[..length.min(100)]);
                    expected.extend_from_slice(if last || length > 100 { b"#\n" } else { b"\n" });
                }
            }
            let settings = Settings { max_line_bytes: 100, ..Settings::default() };
            let mut rig = rig(settings, Fake { seed, grow, slow: 0 });
            let mut input = rig.input.take().unwrap();
            let total = bytes.len() as u64;
            let writer = thread::spawn(move || {
                let (mut rest, mut sizes) = (&bytes[..], portions.iter().cycle());
                while !rest.is_empty() {
                    let n = (*sizes.next().unwrap()).min(rest.len());
                    input.write_all(&rest[..n]).unwrap();
                    rest = &rest[n..];
                    thread::yield_now();
                }
            });
            let got = rig.read_to_end();
            writer.join().unwrap();
            prop_assert!(got == expected);
            let summary = rig.summary();
            prop_assert_eq!(summary.end, End::Input);
            prop_assert_eq!(summary.tally.bytes_in, total);
            prop_assert_eq!(summary.tally.bytes_out, expected.len() as u64);
        }
    }

    #[test]
    fn much_data_keeps_its_order_while_workers_overtake_each_other() {
        let bytes = numbered(100_000);
        let mut rig = rig(Settings::default(), Fake { seed: 7, ..Fake::default() });
        let (mut input, sent) = (rig.input.take().unwrap(), bytes.clone());
        thread::spawn(move || input.write_all(&sent).unwrap());
        assert!(rig.read_to_end() == bytes);
        assert_eq!(rig.summary().tally.lines, 100_000);
    }

    #[test]
    fn short_lines_that_grow_a_lot_go_out_in_parts_and_in_order() {
        let mut rig = rig(Settings::default(), Fake { grow: 70, seed: 3, ..Fake::default() });
        let mut input = rig.input.take().unwrap();
        thread::spawn(move || input.write_all(&[b'\n'; 1_000_000]).unwrap());
        let bytes = rig.read_to_end();
        assert_eq!(bytes.len(), 71_000_000);
        assert!(bytes.chunks(71).all(|line| line.ends_with(b"+\n")));
        assert_eq!(rig.summary().tally.minimised, 1_000_000);
    }

    #[test]
    fn an_empty_input_is_an_empty_output() {
        let mut rig = rig(Settings::default(), Fake::default());
        rig.input = None;
        assert_eq!(rig.read_to_end(), b"");
        assert_eq!(rig.summary(), Summary { tally: Tally::default(), end: End::Input });
    }

    #[test]
    fn a_line_comes_out_while_the_input_stays_open() {
        let mut rig = rig(Settings::default(), Fake::default());
        let mut reader = BufReader::new(rig.output.try_clone().unwrap());
        for i in 0..50 {
            let started = Instant::now();
            rig.write(format!("line {i}\n").as_bytes());
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            assert_eq!(line, format!("line {i}\n"));
            // The promise is 50 ms; a loaded machine may take its time.
            assert!(started.elapsed() < Duration::from_secs(2));
        }
    }

    #[test]
    fn block_reads_ahead_of_a_stalled_output_and_loses_nothing() {
        let settings = Settings { read_ahead_bytes: 1 << 20, ..Settings::default() };
        let mut rig = rig(settings, Fake::default());
        let bytes = numbered(60_000);
        assert!(bytes.len() > 9_000_000);
        let (mut input, sent) = (rig.input.take().unwrap(), bytes.clone());
        let (progress, at) = mpsc::channel();
        thread::spawn(move || {
            for chunk in sent.chunks(10_000) {
                input.write_all(chunk).unwrap();
                progress.send(chunk.len()).unwrap();
            }
        });
        let mut taken = 0;
        while let Ok(n) = at.recv_timeout(Duration::from_millis(500)) {
            taken += n;
        }
        assert!(taken > 1 << 20 && taken < 6 << 20, "{taken}");
        assert!(rig.read_to_end() == bytes);
        assert_eq!(rig.summary().tally.shed, 0);
    }

    #[test]
    fn shed_never_stops_the_writer_and_counts_what_it_drops() {
        let settings = Settings { on_stall: OnStall::Shed, read_ahead_bytes: 1 << 20, ..Settings::default() };
        let mut rig = rig(settings, Fake::default());
        let bytes = numbered(150_000);
        let mut slowest = Duration::ZERO;
        for chunk in bytes.chunks(4000) {
            let started = Instant::now();
            rig.write(chunk);
            slowest = slowest.max(started.elapsed());
        }
        // The promise is 100 ms; a loaded machine may take its time.
        assert!(slowest < Duration::from_secs(1), "{slowest:?}");
        rig.input = None;
        let got = rig.read_to_end();
        let summary = rig.summary();
        assert_eq!(summary.end, End::Input);
        assert_eq!(summary.tally.lines, 150_000);
        assert_eq!(summary.tally.bytes_in, bytes.len() as u64);
        assert!(summary.tally.shed > 0);
        let lines: Vec<&[u8]> = got.split_inclusive(|&byte| byte == b'\n').collect();
        assert_eq!(lines.len() as u64, summary.tally.minimised);
        assert!(lines.is_sorted());
        assert!(got.starts_with(&bytes[..1 << 20]));
    }

    #[test]
    fn shed_drops_nothing_when_the_reader_is_only_slow() {
        let settings = Settings { on_stall: OnStall::Shed, read_ahead_bytes: 1 << 20, ..Settings::default() };
        let mut rig = rig(settings, Fake::default());
        let bytes = numbered(20_000);
        let (mut input, sent) = (rig.input.take().unwrap(), bytes.clone());
        thread::spawn(move || input.write_all(&sent).unwrap());
        let mut got = Vec::new();
        let mut part = vec![0; 1 << 17];
        loop {
            thread::sleep(Duration::from_millis(2));
            match rig.output.read(&mut part).unwrap() {
                0 => break,
                n => got.extend_from_slice(&part[..n]),
            }
        }
        assert!(got == bytes);
    }

    #[test]
    fn a_reader_that_goes_away_ends_the_run_well() {
        let mut rig = rig(Settings::default(), Fake::default());
        rig.output = File::open("/dev/null").unwrap();
        let mut input = rig.input.take().unwrap();
        while input.write_all(b"line\n").is_ok() {}
        let summary = rig.summary();
        assert_eq!(summary.end, End::ReaderGone);
        assert_eq!(summary.error(), None);
    }

    #[test]
    fn a_full_disk_is_an_error_with_the_name_of_the_output() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let out = Output::Stdout(output::stdout::Stdout::from_fd(full.try_clone().unwrap().into()));
        let mut rig = rig_to(Settings::default(), Fake::default(), out, full, Box::new(|_| Ok(())));
        rig.write(b"line\n");
        let error = rig.summary().error().unwrap();
        assert_eq!(error.kind(), Kind::Io);
        assert_eq!(error.to_string(), "cannot write standard output: No space left on device (os error 28)");
    }

    #[test]
    fn a_panic_or_an_error_of_one_worker_ends_the_run_for_all() {
        for (word, kind) in [("PANIC", Kind::Io), ("ERROR", Kind::Config)] {
            let mut rig = rig(Settings::default(), Fake::default());
            let mut input = rig.input.take().unwrap();
            let feeder = thread::spawn(move || {
                let bytes = numbered(2000);
                input.write_all(&bytes).unwrap();
                input.write_all(format!("{word}\n").as_bytes()).unwrap();
                while input.write_all(&bytes).is_ok() {}
            });
            rig.read_to_end();
            assert_eq!(rig.summary().error().unwrap().kind(), kind);
            feeder.join().unwrap();
        }
    }

    #[test]
    fn the_verdict_sees_the_sums_in_order_and_may_end_the_run() {
        let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).unwrap();
        let mut last = 0;
        let verdict = move |tally: &Tally| {
            assert!(tally.lines > last && tally.balances());
            last = tally.lines;
            if last > 10_000 { Err(Error::new(Kind::Data, "a wrong format")) } else { Ok(()) }
        };
        let out = Output::Stdout(output::stdout::Stdout::from_fd(writer));
        let mut rig = rig_to(
            Settings::default(),
            Fake { seed: 5, ..Fake::default() },
            out,
            File::from(reader),
            Box::new(verdict),
        );
        let mut input = rig.input.take().unwrap();
        thread::spawn(move || while input.write_all(&numbered(1000)).is_ok() {});
        assert!(!rig.read_to_end().is_empty());
        assert_eq!(rig.summary().end, End::Failed(Error::new(Kind::Data, "a wrong format")));
    }

    #[test]
    fn a_request_to_end_drains_what_still_comes_until_the_end() {
        let mut rig = rig(Settings::default(), Fake::default());
        rig.write(b"before\n");
        rig.requests.quit();
        thread::sleep(Duration::from_millis(50));
        rig.write(b"after\nlast");
        rig.input = None;
        assert_eq!(rig.read_to_end(), b"before\nafter\nlast#\n");
        assert_eq!(rig.summary().end, End::Signal);
    }

    #[test]
    fn a_writer_that_stays_is_left_after_the_deadline_and_at_once_after_a_second_request() {
        for twice in [false, true] {
            let drain = if twice { Duration::from_secs(50) } else { Duration::from_millis(100) };
            let mut rig = rig(Settings { drain, ..Settings::default() }, Fake::default());
            rig.write(b"whole\nunfinished");
            rig.requests.quit();
            if twice {
                rig.requests.quit();
            }
            assert_eq!(rig.read_to_end(), b"whole\nunfinished#\n");
            let summary = rig.summary();
            assert_eq!((summary.end, summary.tally.cut), (End::Signal, 1));
        }
    }

    #[test]
    fn an_output_that_takes_nothing_does_not_hold_up_the_end_and_the_loss_is_counted() {
        let drain = Duration::from_millis(50);
        let mut rig = rig(Settings { drain, read_ahead_bytes: 1 << 20, ..Settings::default() }, Fake::default());
        let mut input = rig.input.take().unwrap();
        thread::spawn(move || while input.write_all(&numbered(1000)).is_ok() {});
        thread::sleep(Duration::from_millis(300));
        rig.requests.quit();
        let summary = rig.summary();
        assert_eq!(summary.end, End::Stalled);
        assert!(summary.tally.shed > 0 && summary.tally.minimised + summary.tally.shed == summary.tally.lines);
        assert_eq!(summary.error().unwrap().kind(), Kind::Io);
    }

    #[test]
    fn a_request_opens_the_file_again_even_when_nothing_comes() {
        let room = tempfile::tempdir().unwrap();
        let (path, moved) = (room.path().join("log"), room.path().join("log.1"));
        let out = Output::File(output::file::File::open(&path).unwrap());
        let nothing = File::open("/dev/null").unwrap();
        let mut rig = rig_to(Settings::default(), Fake::default(), out, nothing, Box::new(|_| Ok(())));
        let until = |done: &dyn Fn() -> bool| {
            let started = Instant::now();
            while !done() {
                assert!(started.elapsed() < Duration::from_secs(20));
                thread::sleep(Duration::from_millis(1));
            }
        };
        rig.write(b"1\n");
        until(&|| fs::read(&path).unwrap() == b"1\n");
        fs::rename(&path, &moved).unwrap();
        rig.write(b"2\n");
        until(&|| fs::read(&moved).unwrap() == b"1\n2\n");
        rig.requests.reopen();
        until(&|| path.exists());
        rig.write(b"3\n");
        until(&|| fs::read(&path).unwrap() == b"3\n");
        rig.input = None;
        assert_eq!(rig.summary().tally.minimised, 3);
    }

    #[test]
    fn a_read_error_ends_the_run_after_what_was_read() {
        let file = File::options().write(true).open("/dev/null").unwrap();
        let (signals, _requests) = Signals::by_hand().unwrap();
        let out = Output::Stdout(output::stdout::Stdout::from_fd(file.try_clone().unwrap().into()));
        let input = Stdin::from_fd(file.into()).unwrap();
        let work = vec![Fake::default(); 2];
        let summary = pipe(&Settings::default(), input, out, work, (Box::new(|_| Ok(())), None), &signals).unwrap();
        assert_eq!(summary.error().unwrap().kind(), Kind::Io);
    }

    #[test]
    fn real_signals_drain_and_end_a_process() {
        for signal in [rustix::process::Signal::TERM, rustix::process::Signal::INT] {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--ignored", "--exact", "run::pipe::tests::child", "--nocapture"])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let (mut input, output) = (child.stdin.take().unwrap(), child.stderr.take().unwrap());
            let mut output = BufReader::new(output);
            input.write_all(b"before\n").unwrap();
            let mut line = String::new();
            output.read_line(&mut line).unwrap();
            let pid = rustix::process::Pid::from_child(&child);
            rustix::process::kill_process(pid, signal).unwrap();
            thread::sleep(Duration::from_millis(50));
            input.write_all(b"after\n").unwrap();
            drop(input);
            output.read_to_string(&mut line).unwrap();
            assert_eq!(line, "before\nafter\n");
            let answer = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
            assert!(answer.contains("sladd: 2 lines in = 2 minimised"), "{answer}");
        }
    }

    /// Not a test: a process of its own for the test above and for measurements. Standard input → standard error, so
    /// that the test runner's own words on standard output are out of the way.
    #[test]
    #[ignore = "a process for other tests"]
    fn child() {
        let number = |name: &str, default: u64| std::env::var(name).map_or(default, |value| value.parse().unwrap());
        let settings = Settings {
            on_stall: if number("SHED", 0) > 0 { OnStall::Shed } else { OnStall::Block },
            ..Settings::default()
        };
        let work = vec![
            Fake { slow: number("SLOW", 0), grow: number("GROW", 0) as usize, seed: 0 };
            number("WORKERS", 2) as usize
        ];
        let out = output::stdout::Stdout::from_fd(std::io::stderr().as_fd().try_clone_to_owned().unwrap());
        let signals = Signals::catch().unwrap();
        let input = Stdin::open().unwrap();
        let summary =
            pipe(&settings, input, Output::Stdout(out), work, (Box::new(|_| Ok(())), None), &signals).unwrap();
        println!("{summary} {:?}", summary.end);
    }
}
