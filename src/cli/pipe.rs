//! `sladd pipe`: standard input to standard output or a file.

use super::{FailArg, LayoutArg, PipeArgs, StallArg, SummaryArg, load};
use crate::{
    engine::Due,
    error::{Error, Kind},
    input::stdin::Stdin,
    key::Keyring,
    output::{Output, file::File, stdout::Stdout},
    plan::Plan,
    policy::{Layout, Policy},
    record::Clock,
    run::{
        End, OnStall, Settings, Signals, Summary,
        guard::{self, Guard},
        pipe,
        worker::{Task, Worker, clock, limit},
        workers,
    },
    tally::Tally,
    time::{self, Timestamp, Zone},
};
use std::{io::IsTerminal, process::ExitCode, sync::Arc};

/// Runs the pipe and prints one accounting line on standard error.
pub fn run(args: &PipeArgs) -> Result<ExitCode, Error> {
    if std::io::stdin().is_terminal() {
        return Ok(super::help());
    }
    let signals = Signals::catch()?;
    let mut policy = load::policy(&args.choice.policy)?;
    load::formats(&mut policy, &args.choice);
    if let Some(layout) = args.encode {
        policy.encode.layout = match layout {
            LayoutArg::Same => Layout::Same,
            LayoutArg::Json => Layout::Json,
        };
    }
    let task = task(args, &policy)?;
    let input = Stdin::open()?;
    let output = match &args.output {
        Some(path) => Output::File(File::open(path)?),
        None => Output::Stdout(
            Stdout::open()
                .map_err(|error| Error::new(Kind::Io, format!("cannot write to standard output: {error}")))?,
        ),
    };
    let settings = Settings {
        on_stall: match args.on_stall {
            StallArg::Block => OnStall::Block,
            StallArg::Shed => OnStall::Shed,
        },
        max_line_bytes: args.max_line as usize,
        ..Settings::default()
    };
    let worker = |_| {
        let worker = Worker::new(&task);
        Ok(if args.guard { worker.guarded(Guard::new(&policy)?) } else { worker })
    };
    let work = (0..workers()).map(worker).collect::<Result<_, Error>>()?;
    // Under `auto` every line may be of another format; there is no wrong one.
    let auto = policy.source.formats.iter().any(|format| matches!(&**format, "auto" | "text"));
    let verdict = limit(policy.source.malformed_limit.filter(|_| !auto));
    let verdict = if args.guard { guard::alarm(verdict) } else { verdict };
    let summary = pipe(&settings, input, output, work, verdict, &signals)?;
    finish(args, &summary)
}

fn task(args: &PipeArgs, policy: &Policy) -> Result<Task, Error> {
    let now = args.now.as_deref().map_or_else(|| Ok(clock()), day)?;
    let plan = Arc::new(Plan::compile(policy)?);
    // It lives as long as the program does, and taking it apart in the end would take milliseconds. It holds no key.
    std::mem::forget(Arc::clone(&plan));
    let keyring = plan.period().map(|period| match &policy.keys.directory {
        Some(directory) => Keyring::directory(directory, period, policy.keys.keep),
        None => Ok(Keyring::memory(period)),
    });
    Ok(Task {
        plan,
        keyring: keyring.transpose()?.map(Arc::new),
        reference: args.reference_time.as_deref().map(reference).transpose()?,
        due: if args.drop_due { Due::Drop(now) } else { Due::Count(now) },
        epoch: None,
    })
}

fn finish(args: &PipeArgs, summary: &Summary) -> Result<ExitCode, Error> {
    match args.summary {
        _ if args.quiet => {}
        // A reader that goes away wants to hear no more.
        SummaryArg::Text if summary.end == End::ReaderGone => {}
        SummaryArg::Text => crate::run::say!("{summary}"),
        SummaryArg::Json => crate::run::say!("{}", summary.json()),
    }
    if let Some(error) = summary.error() {
        return Err(error);
    }
    let met = args.fail_on.iter().any(|what| is_met(*what, &summary.tally));
    Ok(if met { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

pub(super) fn is_met(what: FailArg, tally: &Tally) -> bool {
    match what {
        FailArg::Malformed => tally.unmatched > 0,
        FailArg::Dropped => tally.dropped() > 0,
    }
}

pub(super) fn reference(text: &str) -> Result<Timestamp, Error> {
    time::parse(Clock::Rfc3339, text.as_bytes(), &Zone::utc()).ok_or_else(|| {
        Error::new(Kind::Usage, "--reference-time is not an RFC 3339 time; write it like 2026-11-21T10:00:00Z")
    })
}

pub(super) fn day(text: &str) -> Result<Timestamp, Error> {
    let day = time::Date::parse(text.as_bytes());
    day.map(time::Date::start).ok_or_else(|| Error::new(Kind::Usage, "--now is not a date; write it like 2026-11-21"))
}
