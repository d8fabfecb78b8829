//! The board as metrics, for Prometheus and what reads its formats.
//!
//! A metric is one line of [`TABLE`]. Labels are words of closed sets and names from the policy; a figure without a value yet
//! has no line.

use crate::run::sidecar::board::{
    Board, FileFigures, InputFigures, Label, Life, OutputFigures, SentFigures, Snapshot, SocketFigures, View,
};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text},
    metrics::{MetricType, exemplar::Exemplar},
    registry::{Registry, Unit},
};
use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

/// A way of writing metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// OpenMetrics 1.0.
    Open,
    /// The older text format of Prometheus.
    Plain,
}

impl Layout {
    /// The one that an `Accept` header asks for; without one, the older, which everybody reads.
    pub(super) fn asked(accept: Option<&str>) -> Layout {
        let (mut open, mut plain) = (0.0, 0.0);
        for range in accept.unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default();
            let (mut weight, mut known) = (1.0_f64, true);
            for part in parts {
                match part.split_once('=') {
                    Some(("q", q)) => weight = q.parse().unwrap_or(0.0),
                    Some(("version", version)) if media.eq_ignore_ascii_case(OPEN) => {
                        known = matches!(version.trim_matches('"'), "1.0.0" | "0.0.1");
                    }
                    _ => {}
                }
            }
            if media.eq_ignore_ascii_case(OPEN) && known {
                open = weight.max(open);
            } else if ["text/plain", "text/*", "*/*"].iter().any(|plain| media.eq_ignore_ascii_case(plain)) {
                plain = weight.max(plain);
            }
        }
        if open > 0.0 && open >= plain { Layout::Open } else { Layout::Plain }
    }

    /// What it is called in a `Content-Type`.
    pub(super) fn media(self) -> &'static str {
        match self {
            Layout::Open => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Layout::Plain => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// The metrics, written at each request from what the board shows then.
pub(super) struct Metrics(Registry);

impl Metrics {
    pub(super) fn of(board: Arc<Board>) -> Metrics {
        let mut registry = Registry::with_prefix("sladd");
        registry.register_collector(Box::new(Shown(board)));
        Metrics(registry)
    }

    /// The whole text; `None` if it cannot be written.
    pub(super) fn text(&self, layout: Layout) -> Option<String> {
        let mut open = String::with_capacity(16 << 10);
        text::encode(&mut open, &self.0).ok()?;
        Some(match layout {
            Layout::Open => open,
            Layout::Plain => plain(&open),
        })
    }
}

/// OpenMetrics → the older format: the name of a family is that of its samples, and units and the end are not said.
fn plain(open: &str) -> String {
    let mut out = String::with_capacity(open.len());
    let mut help = None;
    for line in open.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ');
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                other => ("", other),
            };
            let help = help.take().map_or("", |(_, help)| help);
            out.extend(["# HELP ", name, suffix, " ", help, "\n# TYPE ", name, suffix, " ", kind, "\n"]);
        } else if !line.starts_with('#') {
            out.extend([line, "\n"]);
        }
    }
    out
}

#[derive(Debug)]
struct Shown(Arc<Board>);

impl Collector for Shown {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let view = self.0.view();
        let nothing = Snapshot::default();
        let snapshot = view.snapshot.as_deref().unwrap_or(&nothing);
        let mut samples = Samples::default();
        for metric in TABLE {
            samples.0.clear();
            (metric.read)(&view, snapshot, &mut samples);
            if samples.0.is_empty() {
                continue;
            }
            let unit = metric.base.unit();
            let mut family = encoder.encode_descriptor(metric.name, metric.help, unit.as_ref(), metric.kind())?;
            for (labels, value) in &samples.0 {
                match value {
                    Value::Said => family.encode_info(labels)?,
                    value if labels.is_empty() => value.write(&mut family)?,
                    value => value.write(&mut family.encode_family(labels)?)?,
                }
            }
        }
        Ok(())
    }
}

type Labels<'a> = Vec<(&'static str, Cow<'a, str>)>;

/// One figure. All of a metric's are of one variant.
enum Value {
    /// Never falls.
    Count(u64),
    /// Never falls; seconds.
    Spent(f64),
    /// Rises and falls.
    Level(f64),
    /// Its labels say all.
    Said,
}

impl Value {
    fn write(&self, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
        match self {
            Value::Count(count) => encoder.encode_counter(count, None::<&Exemplar<NoLabelSet, u64>>),
            Value::Spent(seconds) => encoder.encode_counter(seconds, None::<&Exemplar<NoLabelSet, f64>>),
            Value::Level(level) => encoder.encode_gauge(level),
            Value::Said => encoder.encode_info(&Labels::new()),
        }
    }
}

#[derive(Default)]
struct Samples<'a>(Vec<(Labels<'a>, Value)>);

impl<'a> Samples<'a> {
    fn count(&mut self, count: u64) {
        self.0.push((Vec::new(), Value::Count(count)));
    }

    fn count_of(&mut self, label: &'static str, word: &'a str, count: u64) {
        self.0.push((vec![(label, word.into())], Value::Count(count)));
    }

    fn level(&mut self, level: f64) {
        self.0.push((Vec::new(), Value::Level(level)));
    }

    fn said(&mut self, labels: Labels<'a>) {
        self.0.push((labels, Value::Said));
    }

    /// One figure an input or output.
    fn each<T>(
        &mut self,
        all: &'a [T],
        label: impl Fn(&'a T) -> (&'static str, &'a Label),
        value: impl Fn(&T) -> Option<Value>,
    ) {
        for one in all {
            let (called, label) = label(one);
            let labels = vec![(called, label.name().into()), ("kind", label.kind().into())];
            self.0.extend(value(one).map(|value| (labels, value)));
        }
    }

    fn inputs(&mut self, snapshot: &'a Snapshot, value: impl Fn(&InputFigures) -> Value) {
        self.each(&snapshot.inputs, |input| ("input", &input.label), |input| Some(value(input)));
    }

    fn files(&mut self, snapshot: &'a Snapshot, value: impl Fn(&FileFigures) -> Value) {
        self.each(&snapshot.inputs, |input| ("input", &input.label), |input| input.files.as_ref().map(&value));
    }

    fn sockets(&mut self, snapshot: &'a Snapshot, value: impl Fn(&SocketFigures) -> Value) {
        self.each(&snapshot.inputs, |input| ("input", &input.label), |input| input.sockets.as_ref().map(&value));
    }

    fn sent(&mut self, snapshot: &'a Snapshot, value: impl Fn(&SentFigures) -> Value) {
        self.outputs(snapshot, |output| output.sent.as_ref().map(&value));
    }

    fn outputs(&mut self, snapshot: &'a Snapshot, value: impl Fn(&OutputFigures) -> Option<Value>) {
        self.each(&snapshot.outputs, |output| ("output", &output.label), value);
    }
}

fn level(figure: u64) -> Value {
    Value::Level(figure as f64)
}

fn switch(on: bool) -> f64 {
    if on { 1.0 } else { 0.0 }
}

/// What a metric counts in. It ends the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    One,
    Bytes,
    Seconds,
}

impl Base {
    fn unit(self) -> Option<Unit> {
        match self {
            Base::One => None,
            Base::Bytes => Some(Unit::Bytes),
            Base::Seconds => Some(Unit::Seconds),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Info,
}

/// One metric: `sladd_` name, unit, and `_total` or `_info`.
struct Metric {
    name: &'static str,
    base: Base,
    kind: Kind,
    help: &'static str,
    read: for<'a> fn(&'a View, &'a Snapshot, &mut Samples<'a>),
}

impl Metric {
    fn kind(&self) -> MetricType {
        match self.kind {
            Kind::Counter => MetricType::Counter,
            Kind::Gauge => MetricType::Gauge,
            Kind::Info => MetricType::Info,
        }
    }
}

macro_rules! table {
    ($($kind:ident $name:literal $base:ident $help:literal $read:expr;)*) => {
        &[$(Metric { name: $name, base: Base::$base, kind: Kind::$kind, help: $help, read: $read }),*]
    };
}

const TABLE: &[Metric] = table! {
    Info "build" One "The version of sladd that runs."
        |_, _, out| out.said(vec![("version", VERSION.into())]);
    Info "policy" One "The policy in use."
        |_, now, out| if !now.policy.name.is_empty() {
            let (name, digest) = ((&*now.policy.name).into(), (&*now.policy.digest).into());
            out.said(vec![("name", name), ("version", now.policy.version.to_string().into()), ("digest", digest)]);
        };
    Gauge "start_time" Seconds "When this process started, in seconds since 1970."
        |view, _, out| out.level(view.started.0 as f64);
    Gauge "ready" One "1 while lines are taken, 0 while starting, draining, or not alive."
        |view, _, out| out.level(switch(view.is_ready()));
    Gauge "draining" One "1 after the word to end."
        |view, _, out| out.level(switch(view.life() == Life::Draining));
    Gauge "heartbeat_age" Seconds "How long ago the thread that does the work last moved."
        |view, _, out| out.level(view.beat_age.as_secs_f64());

    Counter "lines" One "Lines that came in."
        |_, now, out| out.count(now.lines());
    Counter "records" One "What became of lines; with those pending, all that came in."
        |_, now, out| for (outcome, lines) in outcomes(now) { out.count_of("outcome", outcome, lines) };
    Gauge "records_pending" One "Lines taken whose outcome is still to come."
        |_, now, out| out.level(now.pending as f64);
    Counter "dropped_records" One "Dropped lines, by reason."
        |_, now, out| for (reason, lines) in reasons(now) { out.count_of("reason", reason, lines) };
    Counter "marked_lines" One "Lines, whatever became of them, that were cut, unmatched by any format, late for their key, or due to be deleted."
        |_, now, out| for (mark, lines) in marks(now) { out.count_of("mark", mark, lines) };
    Counter "class_records" One "Records that went out, by retention class."
        |_, now, out| for (class, records) in &now.classes { out.count_of("class", class.name(), *records) };
    Counter "fields" One "Values treated, by the canonical name of their field (other: it has none) and by treatment."
        |_, now, out| for &(field, treatment, count) in &now.counted.treated {
            out.0.push((vec![("field", field.into()), ("treatment", treatment.into())], Value::Count(count)));
        };
    Counter "found" One "Identifiers found in free text, by kind."
        |_, now, out| for &(kind, count) in &now.counted.found { out.count_of("kind", kind, count) };
    Counter "read" Bytes "Bytes of lines that came in."
        |_, now, out| out.count(now.tally.bytes_in);
    Counter "written" Bytes "Bytes of records made."
        |_, now, out| out.count(now.tally.bytes_out);

    Counter "input_lines" One "Lines taken from an input."
        |_, now, out| out.inputs(now, |input| Value::Count(input.lines));
    Counter "input" Bytes "Bytes taken from an input."
        |_, now, out| out.inputs(now, |input| Value::Count(input.bytes));
    Gauge "input_lag" Bytes "Bytes known to wait at an input."
        |_, now, out| out.inputs(now, |input| level(input.lag_bytes));
    Counter "input_shed_lines" One "Lines of an input dropped because an output took nothing."
        |_, now, out| out.inputs(now, |input| Value::Count(input.shed_lines));
    Counter "input_problems" One "What else went wrong with an input, each told on standard error."
        |_, now, out| out.inputs(now, |input| Value::Count(input.problems));
    Gauge "input_files" One "Files that an input follows."
        |_, now, out| out.files(now, |files| level(files.followed));
    Counter "input_rotations" One "Followed files that were renamed, replaced or deleted."
        |_, now, out| out.files(now, |files| Value::Count(files.rotations));
    Counter "input_truncations" One "Followed files that were truncated or written anew in place."
        |_, now, out| out.files(now, |files| Value::Count(files.truncations));
    Counter "input_copies" One "Copies in which a truncated or deleted file was read on."
        |_, now, out| out.files(now, |files| Value::Count(files.copies));
    Counter "input_gaps" One "Followed files that lost bytes which were seen and never read."
        |_, now, out| out.files(now, |files| Value::Count(files.gaps));
    Counter "input_gap" Bytes "Bytes that were seen and never read."
        |_, now, out| out.files(now, |files| Value::Count(files.gap_bytes));
    Counter "input_unreadable" One "How often a file or directory to follow could not be read."
        |_, now, out| out.files(now, |files| Value::Count(files.unreadable));

    Gauge "input_connections" One "Senders connected to an input."
        |_, now, out| out.sockets(now, |sockets| level(sockets.connections));
    Counter "input_refused_connections" One "Senders refused because so many were connected."
        |_, now, out| out.sockets(now, |sockets| Value::Count(sockets.refused));
    Counter "input_lost_datagrams" One "Datagrams that the kernel dropped because its buffer was full."
        |_, now, out| out.sockets(now, |sockets| Value::Count(sockets.lost_datagrams));
    Counter "input_malformed" One "Messages and connections of an input that made no sense."
        |_, now, out| out.sockets(now, |sockets| Value::Count(sockets.malformed));
    Counter "input_acknowledged" One "Chunks acknowledged to their sender once they were durable."
        |_, now, out| out.sockets(now, |sockets| Value::Count(sockets.acknowledged));
    Counter "input_doubled_chunks" One "Chunks sent again before they were acknowledged: their lines stand twice."
        |_, now, out| out.sockets(now, |sockets| Value::Count(sockets.doubled));

    Counter "output_records" One "Records written to an output."
        |_, now, out| out.outputs(now, |output| Some(Value::Count(output.records)));
    Counter "output" Bytes "Bytes written to an output."
        |_, now, out| out.outputs(now, |output| Some(Value::Count(output.bytes)));
    Gauge "output_stalled" Seconds "For how long an output has taken nothing; 0 while it does."
        |view, now, out| out.outputs(now, |output| {
            Some(Value::Level(output.stalled_since.map_or(0.0, |since| seconds_since(view, since.0))))
        });
    Gauge "output_last_write_timestamp" Seconds "When an output last took something, in seconds since 1970."
        |_, now, out| out.outputs(now, |output| output.last_write.map(|at| Value::Level(at.0 as f64)));
    Counter "output_left_out_records" One "Records that an output did not get because they are no objects of which fields can be taken."
        |_, now, out| out.outputs(now, |output| Some(Value::Count(output.left_out)));
    Counter "output_rotations" One "Files of an output put aside for new ones."
        |_, now, out| out.outputs(now, |output| Some(Value::Count(output.rotations)));
    Counter "output_errors" One "Writes to an output that failed."
        |_, now, out| out.outputs(now, |output| Some(Value::Count(output.errors)));
    Gauge "output_failing" One "1 while writing to an output fails."
        |_, now, out| out.outputs(now, |output| Some(Value::Level(switch(output.last_error.is_some()))));
    Gauge "output_waiting" Bytes "Bytes that wait on the disk for a receiver."
        |_, now, out| out.sent(now, |sent| level(sent.waiting_bytes));
    Gauge "output_away" One "1 while a receiver takes nothing."
        |_, now, out| out.sent(now, |sent| Value::Level(switch(sent.fault.is_some())));
    Counter "output_faults" One "Attempts to send that did not end well."
        |_, now, out| out.sent(now, |sent| Value::Count(sent.faults));
    Counter "output_rejected_records" One "Records that a receiver refused for good."
        |_, now, out| out.sent(now, |sent| Value::Count(sent.rejected));
    Counter "output_damaged" Bytes "Bytes that waited for a receiver and were found damaged."
        |_, now, out| out.sent(now, |sent| Value::Count(sent.damaged_bytes));

    Counter "policy_reloads" One "Reloads of the policy, done or refused."
        |_, now, out| for (result, times) in [("done", now.policy.reloads), ("refused", now.policy.reloads_refused)] {
            out.count_of("result", result, times);
        };
    Gauge "policy_loaded_timestamp" Seconds "Since when the policy is in use, in seconds since 1970."
        |_, now, out| if !now.policy.name.is_empty() { out.level(now.policy.since.0 as f64) };
    Gauge "key_epoch_age" Seconds "Age of the key epoch in use."
        |view, now, out| if let Some(epoch) = &now.epoch { out.level(seconds_since(view, epoch.start.0)) };
    Gauge "key_destruction_paused" One "1 where no key is destroyed because the clock jumped by more than a day."
        |_, now, out| if let Some(epoch) = &now.epoch { out.level(f64::from(u8::from(epoch.paused))) };

    Gauge "quarantine" Bytes "Sealed lines that are kept, where lines are sealed."
        |_, now, out| if let Some(kept) = &now.quarantine { out.level(kept.bytes as f64) };
    Gauge "quarantine_limit" Bytes "Bytes of sealed lines that may be kept."
        |_, now, out| if let Some(kept) = &now.quarantine { out.level(kept.limit as f64) };
    Gauge "quarantine_files" One "Files that they are kept in."
        |_, now, out| if let Some(kept) = &now.quarantine { out.level(kept.files as f64) };

    Gauge "checkpoint_generation" One "The generation of the last durable checkpoint; 0 before the first."
        |_, now, out| out.level(now.checkpoints.generation as f64);
    Gauge "checkpoint_age" Seconds "Age of the last durable checkpoint."
        |view, now, out| if let Some(at) = now.checkpoints.at { out.level(seconds_since(view, at.0)) };
    Counter "checkpoints" One "Checkpoints made."
        |_, now, out| out.count(now.checkpoints.made);
    Gauge "checkpoint_duration" Seconds "How long the last checkpoint took."
        |_, now, out| if now.checkpoints.at.is_some() { out.level(seconds(now.checkpoints.last_took)) };
    Counter "checkpoint_time" Seconds "How long all checkpoints took together."
        |_, now, out| out.0.push((Vec::new(), Value::Spent(seconds(now.checkpoints.all_took))));
    Gauge "journal_batches" One "Batches in the journal behind the last checkpoint."
        |_, now, out| out.level(now.checkpoints.journal_batches as f64);
    Counter "recoveries" One "Batches found whole, batches completed and outputs cut back when this process started."
        |_, now, out| for (how, times) in recoveries(now) { out.count_of("how", how, times) };

    Gauge "resident_memory" Bytes "Memory that the process has resident."
        |_, now, out| if let Some(bytes) = now.memory.resident { out.level(bytes as f64) };
    Gauge "memory_limit" Bytes "The memory limit that the policy sets."
        |_, now, out| if now.memory.limit > 0 { out.level(now.memory.limit as f64) };
};

/// Outcomes, in the order in which all accounts name them.
pub(super) fn outcomes(now: &Snapshot) -> [(&'static str, u64); 4] {
    let tally = &now.tally;
    [
        ("minimised", tally.minimised),
        ("scrubbed", tally.scrubbed),
        ("sealed", tally.sealed),
        ("dropped", tally.dropped()),
    ]
}

/// Reasons for dropping; their sum is what was dropped.
pub(super) fn reasons(now: &Snapshot) -> [(&'static str, u64); 6] {
    now.tally.reasons()
}

/// What may be said of a line beside its outcome.
pub(super) fn marks(now: &Snapshot) -> [(&'static str, u64); 4] {
    let tally = &now.tally;
    [("cut", tally.cut), ("unmatched", tally.unmatched), ("late", tally.late), ("due", tally.due)]
}

fn recoveries(now: &Snapshot) -> [(&'static str, u64); 3] {
    let made = &now.checkpoints;
    [("whole", made.recovered_whole), ("completed", made.recovered_completed), ("cut", made.recovered_cut)]
}

/// Seconds from a time to that of the view; a clock that was set back makes none below 0.
pub(super) fn seconds_since(view: &View, then: i64) -> f64 {
    view.now.0.saturating_sub(then).max(0) as f64
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");
const OPEN: &str = "application/openmetrics-text";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{policy::Policy, time::Timestamp};
    use std::collections::BTreeSet;

    /// One that has a figure for every metric, under names that are hard to write.
    fn full() -> Snapshot {
        let text = "base = \"hosting\"\nname = \"example-host\"\nversion = 3\n[[input]]\nfollow = ['/var/log/\"a\"\\*.log']\n\
            [[output]]\nfile = \"/out/a.log\"\n";
        let policy = Policy::parse(text, "test.toml").0.unwrap();
        let files = FileFigures { followed: 2, ..FileFigures::default() };
        let input = |label| InputFigures {
            label,
            lines: 10,
            bytes: 1000,
            lag_bytes: 5,
            shed_lines: 1,
            problems: 1,
            files: Some(files),
            sockets: Some(SocketFigures {
                connections: 1,
                refused: 1,
                lost_datagrams: 1,
                malformed: 1,
                acknowledged: 1,
                doubled: 1,
            }),
        };
        let output = |label| OutputFigures {
            label,
            records: 9,
            bytes: 900,
            stalled_since: Some(Timestamp(0)),
            last_write: Some(Timestamp(1)),
            rotations: 1,
            left_out: 1,
            errors: 1,
            last_error: Some(std::io::ErrorKind::StorageFull),
            sent: Some(SentFigures { waiting_bytes: 1, rejected: 1, faults: 1, fault: Some("busy"), damaged_bytes: 1 }),
        };
        let mut now = Snapshot {
            life: Life::Ready,
            quarantine: Some(crate::run::sidecar::board::Quarantined { bytes: 4096, limit: 1 << 20, files: 2 }),
            inputs: Label::inputs(&policy.wiring.inputs).into_iter().map(input).collect(),
            outputs: Label::outputs(&policy.wiring.outputs).into_iter().map(output).collect(),
            classes: policy.classes.iter().map(|class| (Label::class(class), 9)).collect(),
            counted: crate::engine::Counted {
                treated: vec![("client.address", "truncate", 9), ("other", "drop", 9)],
                found: vec![("email", 9)],
            },
            ..Snapshot::default()
        };
        now.policy.name = "example-host".into();
        now.epoch = Some(crate::run::sidecar::board::EpochFigures {
            name: "20261122".into(),
            start: Timestamp(0),
            paused: false,
        });
        now.checkpoints.at = Some(Timestamp(0));
        now.memory = crate::run::sidecar::board::MemoryFigures { resident: Some(1 << 20), limit: 64 << 20 };
        now
    }

    fn written(snapshot: Option<Snapshot>, layout: Layout) -> String {
        let board = Board::new();
        if let Some(snapshot) = snapshot {
            board.publish(snapshot);
        }
        Metrics::of(board).text(layout).unwrap()
    }

    #[test]
    fn every_metric_says_what_it_is_in_a_sentence_of_its_own_and_under_a_lawful_name() {
        let mut seen = BTreeSet::new();
        for metric in TABLE {
            let name = metric.name;
            assert!(
                metric.help.len() > 10 && metric.help.ends_with('.') && !metric.help.contains(['\n', '\\']),
                "{name}"
            );
            assert!(metric.help.starts_with(|c: char| c.is_uppercase() || c == '1'), "{name}");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
            assert!(!["_total", "_info", "_bytes", "_seconds", "_"].iter().any(|end| name.ends_with(end)), "{name}");
            assert!(seen.insert((name, metric.base.unit().map(|unit| unit.as_str().to_owned()))), "{name}");
            assert!(seen.insert((metric.help, None)), "{name}: its help is another's");
        }
    }

    #[test]
    fn every_metric_of_the_table_is_written_with_type_help_and_unit() {
        let open = written(Some(full()), Layout::Open);
        for metric in TABLE {
            let unit = metric.base.unit().map(|unit| format!("_{}", unit.as_str())).unwrap_or_default();
            let (name, suffix, kind) = match metric.kind {
                Kind::Counter => (format!("sladd_{}{unit}", metric.name), "_total", "counter"),
                Kind::Gauge => (format!("sladd_{}{unit}", metric.name), "", "gauge"),
                Kind::Info => (format!("sladd_{}{unit}", metric.name), "_info", "info"),
            };
            for line in [format!("# HELP {name} {}\n", metric.help), format!("# TYPE {name} {kind}\n")] {
                assert_eq!(open.matches(&line).count(), 1, "{line}");
            }
            if let Some(unit) = metric.base.unit() {
                assert!(open.contains(&format!("# UNIT {name} {}\n", unit.as_str())), "{name}");
            }
            let sample = |line: &str| {
                line.strip_prefix(&*name)
                    .and_then(|rest| rest.strip_prefix(suffix))
                    .is_some_and(|rest| rest.starts_with([' ', '{']))
            };
            assert!(open.lines().any(sample), "{name} has no figure");
        }
        assert!(open.ends_with("# EOF\n") && open.matches("# EOF").count() == 1);
    }

    #[test]
    fn names_of_the_policy_are_escaped_in_labels() {
        let open = written(Some(full()), Layout::Open);
        let line = "sladd_input_lag_bytes{input=\"/var/log/\\\"a\\\"\\\\*.log\",kind=\"follow\"} 5.0\n";
        assert!(open.contains(line), "{open}");
    }

    #[test]
    fn outcomes_sum_to_the_lines_that_came_in_and_reasons_to_what_was_dropped() {
        let mut now = full();
        now.tally = crate::tally::Tally {
            lines: 107,
            minimised: 80,
            scrubbed: 9,
            sealed: 7,
            malformed: 5,
            over_long: 3,
            guard: 1,
            policy: 1,
            shed: 1,
            ..crate::tally::Tally::default()
        };
        now.pending = 4;
        assert!(now.tally.balances());
        let sum = |list: &[(&str, u64)]| list.iter().map(|(_, lines)| lines).sum::<u64>();
        assert_eq!(sum(&outcomes(&now)) + now.pending, now.lines());
        assert_eq!(sum(&reasons(&now)), now.tally.dropped());
        let open = written(Some(now), Layout::Open);
        for line in [
            "sladd_lines_total 111\n",
            "sladd_records_total{outcome=\"minimised\"} 80\n",
            "sladd_records_pending 4.0\n",
            "sladd_records_total{outcome=\"sealed\"} 7\n",
            "sladd_quarantine_bytes 4096.0\n",
            "sladd_quarantine_limit_bytes 1048576.0\n",
            "sladd_quarantine_files 2.0\n",
        ] {
            assert!(open.contains(line), "{line} {open}");
        }
    }

    #[test]
    fn the_older_format_calls_families_by_the_names_of_their_samples_and_ends_without_a_word() {
        let plain = written(Some(full()), Layout::Plain);
        assert!(plain.contains("# TYPE sladd_records_total counter\nsladd_records_total{"), "{plain}");
        assert!(
            plain.contains("# HELP sladd_build_info The version of sladd that runs.\n# TYPE sladd_build_info gauge\n")
        );
        assert!(plain.contains("# TYPE sladd_ready gauge\nsladd_ready 1.0\n"));
        assert!(!plain.contains("# UNIT") && !plain.contains("# EOF"));
        let open = written(Some(full()), Layout::Open);
        let samples = |text: &str| text.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(samples(&plain), samples(&open));
    }

    #[test]
    fn before_the_desk_has_said_anything_nothing_is_made_up() {
        let open = written(None, Layout::Open);
        assert!(open.contains("sladd_ready 0.0\n") && open.contains("sladd_build_info{version="));
        for absent in
            ["sladd_policy_info", "sladd_key_epoch_age", "sladd_input", "sladd_output", "checkpoint_age", "memory"]
        {
            assert!(!open.contains(absent), "{absent}");
        }
    }

    #[test]
    fn the_layout_is_the_one_that_is_asked_for() {
        const PROMETHEUS: &str = "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,\
            text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for (accept, layout) in [
            (None, Layout::Plain),
            (Some("*/*"), Layout::Plain),
            (Some("text/html,application/xhtml+xml,*/*;q=0.8"), Layout::Plain),
            (Some(PROMETHEUS), Layout::Open),
            (Some("application/openmetrics-text"), Layout::Open),
            (Some("Application/OpenMetrics-Text; version=\"1.0.0\"; charset=utf-8"), Layout::Open),
            (Some("application/openmetrics-text;version=9.0.0, text/plain"), Layout::Plain),
            (Some("application/openmetrics-text;q=0"), Layout::Plain),
            (Some("application/openmetrics-text;q=0.1, text/plain"), Layout::Plain),
            (Some("application/openmetrics-text;q=x"), Layout::Plain),
            (Some(",;,=;q=;"), Layout::Plain),
        ] {
            assert_eq!(Layout::asked(accept), layout, "{accept:?}");
        }
    }
}
