//! The board: what the desk last said of itself, for whoever asks from outside.
//!
//! Goes in: whole [`Snapshot`]s, a few times a second, and beats. Comes out: a [`View`]. Nothing here can hold a byte of a
//! line or of a key: a figure is a number, a time or a word of a closed set, and a name is a [`Label`], which only what stands
//! in the policy can become.

use crate::{
    engine::Counted,
    error::Error,
    policy::{
        Class,
        wiring::{From, Input, Output, To},
    },
    tally::Tally,
    time::Timestamp,
};
use std::{
    borrow::Cow,
    collections::VecDeque,
    io,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

/// Where the desk publishes and others look.
///
/// ```
/// use sladd::run::sidecar::board::{Board, Life, Snapshot};
/// let board = Board::new();
/// board.beat();
/// board.publish(Snapshot { life: Life::Ready, ..Snapshot::default() });
/// assert!(board.view().is_ready());
/// ```
#[derive(Debug)]
pub struct Board {
    began: Instant,
    started: Timestamp,
    /// Milliseconds from `began` to the last beat.
    beat: AtomicU64,
    shown: Mutex<Shown>,
}

#[derive(Debug, Default)]
struct Shown {
    latest: Option<(Instant, Arc<Snapshot>)>,
    /// At most one a [`PACE`], the oldest first.
    course: VecDeque<Point>,
}

/// What had come in and gone out at some time.
#[derive(Clone, Copy, Debug)]
struct Point {
    at: Instant,
    lines: u64,
    bytes_in: u64,
    bytes_out: u64,
}

impl Board {
    /// An empty board of a sidecar that starts now.
    pub fn new() -> Arc<Board> {
        Arc::new(Board {
            began: Instant::now(),
            started: wall_clock(),
            beat: AtomicU64::new(0),
            shown: Mutex::default(),
        })
    }

    /// The desk moves. One store; the desk says it on each turn, idle or not, at least once a second.
    pub fn beat(&self) {
        self.beat.store(self.began.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    /// Shows `snapshot` instead of the one before, and beats. Once a second at least, or rates are not known.
    pub fn publish(&self, snapshot: Snapshot) {
        self.beat();
        let now = Instant::now();
        let point = snapshot.point(now);
        let snapshot = Arc::new(snapshot);
        let mut shown = self.shown();
        let before = shown.latest.replace((now, snapshot));
        if shown.course.back().is_none_or(|last| now.duration_since(last.at) >= PACE) {
            if shown.course.len() == COURSE {
                shown.course.pop_front();
            }
            shown.course.push_back(point);
        }
        drop(shown);
        // Freed outside the lock.
        drop(before);
    }

    /// What is seen now.
    pub fn view(&self) -> View {
        let shown = self.shown();
        let latest = shown.latest.clone();
        let course: Vec<Point> = shown.course.iter().copied().collect();
        drop(shown);
        let now = Instant::now();
        let since = |at: Instant| now.saturating_duration_since(at);
        let beat = Duration::from_millis(self.beat.load(Ordering::Relaxed));
        let age = latest.as_ref().map(|(at, _)| since(*at));
        let rate = latest.as_ref().filter(|(at, _)| since(*at) < STALE).and_then(|(at, snapshot)| {
            let newest = snapshot.point(*at);
            let apart = |point: &Point| at.saturating_duration_since(point.at);
            let settled = course.iter().rev().find(|point| apart(point) >= SPAN);
            settled.or(course.first().filter(|point| apart(point) >= PACE)).map(|before| newest.rate_since(before))
        });
        View {
            now: wall_clock(),
            started: self.started,
            uptime: since(self.began),
            beat_age: since(self.began).saturating_sub(beat),
            age,
            snapshot: latest.map(|(_, snapshot)| snapshot),
            rate,
            course: course.windows(2).map(|pair| pair[1].rate_since(&pair[0]).lines).collect(),
        }
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        // Nothing panics while it is held but for want of memory, and a snapshot is replaced as a whole.
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Point {
    fn rate_since(&self, before: &Point) -> Rate {
        let seconds = self.at.saturating_duration_since(before.at).as_secs_f64().max(0.001);
        let per_second = |now: u64, then: u64| now.saturating_sub(then) as f64 / seconds;
        Rate {
            lines: per_second(self.lines, before.lines),
            bytes_in: per_second(self.bytes_in, before.bytes_in),
            bytes_out: per_second(self.bytes_out, before.bytes_out),
        }
    }
}

/// The board at one moment.
#[derive(Clone, Debug)]
pub struct View {
    /// When this is.
    pub now: Timestamp,
    /// When the sidecar started.
    pub started: Timestamp,
    /// For how long it has been running.
    pub uptime: Duration,
    /// How long ago the desk last moved.
    pub beat_age: Duration,
    /// How old the snapshot is.
    pub age: Option<Duration>,
    /// What the desk last published.
    pub snapshot: Option<Arc<Snapshot>>,
    /// What goes through now; `None` until it is known, and again when the desk has gone silent.
    pub rate: Option<Rate>,
    /// Lines a second in the last two minutes, the oldest first, about one figure a second.
    pub course: Vec<f64>,
}

impl View {
    /// Whether the desk moved in the last [`ALIVE`].
    pub fn is_alive(&self) -> bool {
        self.beat_age < ALIVE
    }

    /// Whether it is alive and takes lines.
    pub fn is_ready(&self) -> bool {
        self.is_alive() && self.life() == Life::Ready
    }

    /// Where it is in its life.
    pub fn life(&self) -> Life {
        self.snapshot.as_ref().map_or(Life::Starting, |snapshot| snapshot.life)
    }
}

/// What goes through in a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Lines that came in.
    pub lines: f64,
    /// Bytes that came in.
    pub bytes_in: f64,
    /// Bytes that went out.
    pub bytes_out: f64,
}

/// All that the desk says of itself at one moment. Counters count from its start and never fall.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Where it is in its life.
    pub life: Life,
    /// The policy in use.
    pub policy: PolicyFigures,
    /// The key epoch in use; `None` where nothing is pseudonymised.
    pub epoch: Option<EpochFigures>,
    /// In the order of the policy.
    pub inputs: Vec<InputFigures>,
    /// In the order of the policy.
    pub outputs: Vec<OutputFigures>,
    /// What became of the lines that are done with.
    pub tally: Tally,
    /// What is kept sealed, where lines are.
    pub quarantine: Option<Quarantined>,
    /// Lines taken that are not in the tally yet.
    pub pending: u64,
    /// Records that went out, by class.
    pub classes: Vec<(Label, u64)>,
    /// How often each field was treated, and each kind of identifier found in free text. Their names are words of ours.
    pub counted: Counted,
    /// What outlives a restart.
    pub checkpoints: CheckpointFigures,
    /// What is used of the memory.
    pub memory: MemoryFigures,
}

impl Snapshot {
    /// Lines that came in: those done with and those that wait.
    pub fn lines(&self) -> u64 {
        self.tally.lines + self.pending
    }

    fn point(&self, at: Instant) -> Point {
        Point { at, lines: self.lines(), bytes_in: self.tally.bytes_in, bytes_out: self.tally.bytes_out }
    }
}

/// What is kept sealed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quarantined {
    /// Bytes, of files and of what is gathered for one.
    pub bytes: u64,
    /// Bytes that may be kept.
    pub limit: u64,
    /// Files.
    pub files: u64,
}

/// Where the desk is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Life {
    /// Recovers, opens, binds.
    #[default]
    Starting,
    /// Takes lines.
    Ready,
    /// Was told to end, and writes what it has.
    Draining,
}

impl Life {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Life::Starting => "starting",
            Life::Ready => "ready",
            Life::Draining => "draining",
        }
    }
}

/// The policy in use.
#[derive(Clone, Debug)]
pub struct PolicyFigures {
    /// Its name, `[a-z0-9-]{1,32}`.
    pub name: Arc<str>,
    /// Its version.
    pub version: u32,
    /// The digest of all that it says, in hexadecimal.
    pub digest: Arc<str>,
    /// Since when it is in use.
    pub since: Timestamp,
    /// The last time that it was to be read again.
    pub last_reload: Option<Reload>,
    /// Reloads that took effect.
    pub reloads: u64,
    /// Reloads that were refused, so that the policy before stayed.
    pub reloads_refused: u64,
}

impl Default for PolicyFigures {
    fn default() -> PolicyFigures {
        PolicyFigures {
            name: "".into(),
            version: 0,
            digest: "".into(),
            since: Timestamp(0),
            last_reload: None,
            reloads: 0,
            reloads_refused: 0,
        }
    }
}

/// A reload, and how it went.
#[derive(Clone, Debug)]
pub struct Reload {
    /// When it was asked for.
    pub at: Timestamp,
    /// Why it was refused, unless it took effect. An error shows nothing of lines and keys.
    pub refused: Option<Error>,
}

/// The key epoch in use.
#[derive(Clone, Debug)]
pub struct EpochFigures {
    /// Its name, as pseudonyms write it.
    pub name: Arc<str>,
    /// Its first second.
    pub start: Timestamp,
    /// Whether no key is destroyed because the clock jumped.
    pub paused: bool,
}

/// One input.
#[derive(Clone, Debug)]
pub struct InputFigures {
    /// Which one.
    pub label: Label,
    /// Lines that came in.
    pub lines: u64,
    /// Bytes that came in.
    pub bytes: u64,
    /// Bytes known to be there and not yet taken.
    pub lag_bytes: u64,
    /// Lines dropped because an output took nothing.
    pub shed_lines: u64,
    /// What else went wrong, each told on standard error.
    pub problems: u64,
    /// Where it follows files: what they went through.
    pub files: Option<FileFigures>,
    /// Where it has sockets: what came through them.
    pub sockets: Option<SocketFigures>,
}

/// What came through sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketFigures {
    /// Connected now.
    pub connections: u64,
    /// Refused because so many were connected.
    pub refused: u64,
    /// Datagrams that the kernel had no room for.
    pub lost_datagrams: u64,
    /// Messages or connections that made no sense.
    pub malformed: u64,
    /// Chunks acknowledged to their sender.
    pub acknowledged: u64,
    /// Chunks that came again before they were acknowledged, so that their lines stand twice.
    pub doubled: u64,
}

/// What followed files went through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileFigures {
    /// Files followed now.
    pub followed: u64,
    /// Files that were renamed, replaced or deleted.
    pub rotations: u64,
    /// Files that were truncated or written anew in place.
    pub truncations: u64,
    /// Copies found, in which a truncated or deleted file was read on.
    pub copies: u64,
    /// Files that lost bytes which were seen and never read.
    pub gaps: u64,
    /// Those bytes.
    pub gap_bytes: u64,
    /// How often a file or directory that should be read could not be.
    pub unreadable: u64,
}

/// One output.
#[derive(Clone, Debug)]
pub struct OutputFigures {
    /// Which one.
    pub label: Label,
    /// Records written.
    pub records: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Since when it takes nothing, if it does not.
    pub stalled_since: Option<Timestamp>,
    /// When it last took something.
    pub last_write: Option<Timestamp>,
    /// Segments put aside for a new one, by ourselves or at the word of others.
    pub rotations: u64,
    /// Records that it did not get because they are no objects of which fields can be taken.
    pub left_out: u64,
    /// Writes that failed.
    pub errors: u64,
    /// How the last one failed that did, unless writing has gone well since.
    pub last_error: Option<io::ErrorKind>,
    /// Where it is a receiver on the network: how that takes it.
    pub sent: Option<SentFigures>,
}

/// How a receiver on the network takes what it is to get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SentFigures {
    /// Bytes that wait for it on the disk.
    pub waiting_bytes: u64,
    /// Records that it refused for good.
    pub rejected: u64,
    /// Attempts that did not end well.
    pub faults: u64,
    /// What the last one came to grief on, unless one has gone well since: a word of ours.
    pub fault: Option<&'static str>,
    /// Bytes of the spool that were damaged and passed over.
    pub damaged_bytes: u64,
}

/// Checkpoints, the journal behind the last one, and what was made good at the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct CheckpointFigures {
    /// The generation of the last durable checkpoint; 0: none yet.
    pub generation: u64,
    /// When it became durable.
    pub at: Option<Timestamp>,
    /// Checkpoints made since the start.
    pub made: u64,
    /// How long the last one took.
    pub last_took: Duration,
    /// How long all of them took.
    pub all_took: Duration,
    /// Batches in the journal behind it.
    pub journal_batches: u64,
    /// Batches found whole at the start.
    pub recovered_whole: u64,
    /// Batches completed at the start.
    pub recovered_completed: u64,
    /// Times that an output was cut back at the start.
    pub recovered_cut: u64,
}

/// Memory, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemoryFigures {
    /// What the process has resident, where it is known.
    pub resident: Option<u64>,
    /// The limit that the policy sets.
    pub limit: u64,
}

/// A name from the policy. Nothing else becomes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    kind: &'static str,
    name: Arc<str>,
}

impl Label {
    /// Those of inputs, by kind and by what the policy writes; no two are alike. Once for each policy, not for each snapshot.
    pub fn inputs(inputs: &[Input]) -> Vec<Label> {
        distinct(inputs.iter().map(|input| match &input.from {
            From::Follow { patterns, from_end: _, compressed: _ } => ("follow", patterns.join(", ").into()),
            From::Fifo(path) => ("fifo", text_of(path)),
            From::Stdin => ("stdin", "standard input".into()),
            From::Syslog(sockets) => ("syslog", sockets.at.to_string().into()),
            From::Forward(sockets) => ("forward", sockets.at.to_string().into()),
        }))
    }

    /// Those of outputs.
    pub fn outputs(outputs: &[Output]) -> Vec<Label> {
        distinct(outputs.iter().map(|output| match &output.to {
            To::File { path, rotate: _ } => ("file", text_of(path)),
            To::Stdout => ("stdout", "standard output".into()),
            To::Store(path) => ("store", text_of(path)),
            To::Remote(remote) => {
                let (kind, name) = remote.receiver.label();
                (kind, name.into())
            }
        }))
    }

    /// That of a class.
    pub fn class(class: &Class) -> Label {
        Label { kind: "class", name: Arc::from(&*class.name) }
    }

    /// What it names.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// As the policy writes it, control characters escaped.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Two metrics of one name and equal labels are no valid metrics: the second of equal labels is numbered.
fn distinct<'a>(labels: impl Iterator<Item = (&'static str, Cow<'a, str>)>) -> Vec<Label> {
    let mut all: Vec<Label> = Vec::new();
    for (kind, written) in labels {
        let plain: String = written.chars().fold(String::new(), |mut text, c| {
            if c.is_control() {
                text.extend(c.escape_default())
            } else {
                text.push(c)
            }
            text
        });
        let mut name = plain.clone();
        let mut number = 1;
        while all.iter().any(|other| other.kind == kind && *other.name == *name) {
            number += 1;
            name = format!("{plain} ({number})");
        }
        all.push(Label { kind, name: name.into() });
    }
    all
}

fn text_of(path: &Path) -> Cow<'_, str> {
    path.to_string_lossy()
}

fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Timestamp(since.map_or(0, |since| since.as_secs() as i64).min(Timestamp::LAST.0))
}

/// A desk that has not moved for so long is not alive.
pub const ALIVE: Duration = Duration::from_secs(10);

/// Time between two points of the course.
const PACE: Duration = Duration::from_secs(1);

/// A rate is taken over at least so long, where that is known.
const SPAN: Duration = Duration::from_secs(3);

/// A snapshot older than this says nothing about now.
const STALE: Duration = Duration::from_secs(5);

/// Points kept: two minutes.
const COURSE: usize = 121;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::policy::Policy;

    fn with_lines(lines: u64) -> Snapshot {
        let tally = Tally { lines, minimised: lines, bytes_in: lines * 100, bytes_out: lines * 80, ..Tally::default() };
        Snapshot { life: Life::Ready, tally, ..Snapshot::default() }
    }

    /// Makes all that is on the board so much older.
    fn age(board: &Board, by: Duration) {
        let mut shown = board.shown();
        for point in &mut shown.course {
            point.at -= by;
        }
        if let Some((at, _)) = &mut shown.latest {
            *at -= by;
        }
    }

    #[test]
    fn an_empty_board_is_starting_and_knows_no_rate() {
        let view = Board::new().view();
        assert!(view.is_alive() && !view.is_ready() && view.life() == Life::Starting);
        assert!(view.rate.is_none() && view.age.is_none() && view.course.is_empty());
    }

    #[test]
    fn a_rate_is_known_from_two_snapshots_and_forgotten_when_the_desk_is_silent() {
        let board = Board::new();
        board.publish(with_lines(1000));
        assert!(board.view().rate.is_none());
        age(&board, Duration::from_secs(4));
        board.publish(with_lines(5000));
        let rate = board.view().rate.unwrap();
        assert!((900.0..=1000.0).contains(&rate.lines), "{rate:?}");
        assert!((rate.bytes_in / rate.lines - 100.0).abs() < 1e-6 && (rate.bytes_out / rate.lines - 80.0).abs() < 1e-6);
        assert_eq!(board.view().course.len(), 1);
        age(&board, STALE);
        assert!(board.view().rate.is_none());
    }

    #[test]
    fn counters_that_start_again_make_no_rate_below_nothing() {
        let board = Board::new();
        board.publish(with_lines(5000));
        age(&board, Duration::from_secs(4));
        board.publish(with_lines(10));
        assert_eq!(board.view().rate.unwrap().lines, 0.0);
    }

    #[test]
    fn the_course_is_bounded() {
        let board = Board::new();
        for lines in 0..300 {
            age(&board, PACE);
            board.publish(with_lines(lines));
            board.publish(with_lines(lines));
        }
        assert_eq!(board.view().course.len(), COURSE - 1);
    }

    #[test]
    fn a_desk_that_does_not_move_is_not_alive_though_it_was_ready() {
        let board = Arc::into_inner(Board::new()).unwrap();
        let board = Board { began: board.began.checked_sub(Duration::from_secs(60)).unwrap(), ..board };
        assert!(!board.view().is_alive());
        board.publish(with_lines(1));
        assert!(board.view().is_ready());
        board.beat.store(49_000, Ordering::Relaxed);
        assert!(!board.view().is_alive() && !board.view().is_ready());
        board.beat();
        assert!(board.view().is_alive());
    }

    #[test]
    fn labels_are_what_the_policy_writes_and_no_two_are_alike() {
        let text = "base = \"hosting\"\nname = \"a\"\nversion = 1\n[[input]]\nfollow = [\"/a/*.log\", \"/b.log\"]\n\
            [[input]]\nfollow = [\"/a/*.log\", \"/b.log\"]\n[[input]]\nfifo = \"/run/a\\u0007\\nb\"\n[[input]]\nstdin = true\n\
            [[output]]\nfile = \"/out.log\"\n[[output]]\nstdout = true\n[[output]]\nstdout = true\n";
        let policy = Policy::parse(text, "test.toml").0.unwrap();
        let inputs = Label::inputs(&policy.wiring.inputs);
        let names: Vec<_> = inputs.iter().map(|label| (label.kind(), label.name())).collect();
        assert_eq!(
            names,
            [
                ("follow", "/a/*.log, /b.log"),
                ("follow", "/a/*.log, /b.log (2)"),
                ("fifo", "/run/a\\u{7}\\nb"),
                ("stdin", "standard input")
            ]
        );
        let outputs = Label::outputs(&policy.wiring.outputs);
        let names: Vec<_> = outputs.iter().map(Label::name).collect();
        assert_eq!(names, ["/out.log", "standard output", "standard output (2)"]);
        let class = Label::class(&policy.classes[0]);
        assert_eq!((class.kind(), class.name()), ("class", &*policy.classes[0].name));
    }
}
