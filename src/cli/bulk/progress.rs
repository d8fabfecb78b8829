//! How far a bulk run is, and what came of it: a bar on a terminal, a line now and then elsewhere, a table at the end.

use crate::run::bulk::{Progress, Report, Total};
use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    fmt::Write as _,
    io::{self, IsTerminal},
    sync::{PoisonError, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

/// What is shown while a run goes on.
pub enum Shown {
    /// Nothing.
    Nothing,
    /// A bar.
    Bar(ProgressBar),
    /// A line now and then.
    Lines {
        /// When the run began.
        began: Instant,
        /// When the next line is due.
        next: Instant,
    },
}

impl Shown {
    /// A bar where standard error is a terminal, lines where it is none; nothing where nobody wants to know.
    pub fn new(quiet: bool) -> Shown {
        let began = Instant::now();
        match quiet {
            true => Shown::Nothing,
            false if super::super::colour(&io::stderr()) || io::stderr().is_terminal() => {
                let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
                let style = "{bytes} of {total_bytes} ({percent} %), {msg}, {eta} left {wide_bar}";
                bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
                Shown::Bar(bar)
            }
            false => Shown::Lines { began, next: began + EVERY },
        }
    }

    /// Shows how far the run is, if it is time to.
    pub fn tick(&mut self, progress: &Progress, total: Total) {
        match self {
            Shown::Nothing => {}
            Shown::Bar(bar) => {
                bar.set_length(total.bytes);
                bar.set_position(progress.bytes.load(Relaxed).min(total.bytes));
                bar.set_message(words(progress, total, bar.elapsed()));
            }
            Shown::Lines { began, next } => {
                let now = Instant::now();
                if now < *next {
                    return;
                }
                *next = now + EVERY;
                let bytes = progress.bytes.load(Relaxed).min(total.bytes);
                let took = now - *began;
                let left = match bytes {
                    0 => "unknown".to_owned(),
                    bytes => HumanDuration(took.mul_f64((total.bytes - bytes) as f64 / bytes as f64)).to_string(),
                };
                let words = words(progress, total, took);
                crate::run::say!("sladd: {} of {}, {words}, {left} left", HumanBytes(bytes), HumanBytes(total.bytes));
            }
        }
    }

    /// Takes the bar away.
    pub fn end(&self) {
        if let Shown::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn words(progress: &Progress, total: Total, took: Duration) -> String {
    let lines = progress.lines.load(Relaxed) as f64 / took.as_secs_f64().max(0.001);
    let current = progress.current.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let current: String = current.chars().filter(|character| !character.is_control()).collect();
    let (files, faults) = (progress.files.load(Relaxed), progress.faults.load(Relaxed));
    format!("{files} of {} files, {lines:.0} lines/s, {faults} faults, `{current}`", total.files)
}

/// The account at the end.
pub fn table(report: &Report) -> String {
    let tally = &report.tally;
    let seconds = report.took.as_secs_f64().max(0.001);
    let mut text = String::new();
    let mut row = |what: &str, figure: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "sladd: {what:<12} {figure}");
    };
    let mut files = format!("{} found, {} minimised", report.files, report.done);
    for (count, what) in [
        (report.already, "done before"),
        (report.partial, "in part"),
        (report.faults.len() as u64, "skipped or failed"),
        (report.under_way, "given up under way"),
        (report.removed, "originals removed"),
    ] {
        if count > 0 {
            let _ = write!(files, ", {count} {what}");
        }
    }
    row("files", files);
    let mut lines = format!(
        "{} in = {} minimised + {} scrubbed + {} sealed + {} dropped",
        tally.lines,
        tally.minimised,
        tally.scrubbed,
        tally.sealed,
        tally.dropped()
    );
    let mut before = " (";
    for (reason, count) in tally.reasons() {
        if count > 0 {
            let _ = write!(lines, "{before}{reason} {count}");
            before = ", ";
        }
    }
    if before == ", " {
        lines.push(')');
    }
    let _ = write!(lines, "; {} cut, {} late, {} already due", tally.cut, tally.late, tally.due);
    row("lines", lines);
    row(
        "bytes",
        format!(
            "{} read, {} of lines, {} written",
            HumanBytes(report.bytes_read),
            HumanBytes(tally.bytes_in),
            HumanBytes(report.bytes_written)
        ),
    );
    row(
        "time",
        format!(
            "{seconds:.1} s, {}/s, {:.0} lines/s",
            HumanBytes((tally.bytes_in as f64 / seconds) as u64),
            tally.lines as f64 / seconds
        ),
    );
    text
}

/// How often a line is written where there is no terminal.
const EVERY: Duration = Duration::from_secs(10);
