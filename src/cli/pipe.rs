//! `sladd pipe`: standard input to standard output or a file.

use super::{FailArg, LayoutArg, PipeArgs, StallArg, SummaryArg, load};
use crate::{
    error::{Error, Kind},
    plan::Plan,
    policy::Layout,
    record::Clock,
    run::pipe::{self, OnStall, Settings},
    tally::Tally,
    time::{self, Timestamp, Zone},
};
use std::{io::IsTerminal, process::ExitCode};

/// Runs the pipe and prints one accounting line on standard error.
pub fn run(args: &PipeArgs) -> Result<ExitCode, Error> {
    if std::io::stdin().is_terminal() {
        return Ok(super::help());
    }
    let mut policy = load::policy(&args.choice.policy)?;
    load::formats(&mut policy, &args.choice);
    if let Some(layout) = args.encode {
        policy.encode.layout = match layout {
            LayoutArg::Same => Layout::Same,
            LayoutArg::Json => Layout::Json,
        };
    }
    let now = clock();
    let plan = Plan::compile(&policy)?;
    let settings = Settings {
        max_line: args.max_line as usize,
        on_stall: match args.on_stall {
            StallArg::Block => OnStall::Block,
            StallArg::Shed => OnStall::Shed,
        },
        output: args.output.clone(),
        reference: args.reference_time.as_deref().map(reference).transpose()?,
        now: args.now.as_deref().map_or(Ok(now), day)?,
        drop_due: args.drop_due,
        malformed_limit: policy.source.malformed_limit,
        keys: policy.keys.clone(),
    };
    let summary = pipe::run(plan, &settings)?;
    if !args.quiet {
        match args.summary {
            SummaryArg::Text => eprintln!("sladd: {summary}"),
            SummaryArg::Json => eprintln!("{}", summary.json()),
        }
    }
    let met = args.fail_on.iter().any(|what| is_met(*what, &summary.tally));
    Ok(if met { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn is_met(what: FailArg, tally: &Tally) -> bool {
    match what {
        FailArg::Malformed => tally.unmatched > 0,
        FailArg::Dropped => tally.dropped() > 0,
    }
}

fn clock() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp(since.map_or(0, |since| since.as_secs() as i64))
}

fn reference(text: &str) -> Result<Timestamp, Error> {
    time::parse(Clock::Rfc3339, text.as_bytes(), &Zone::utc()).ok_or_else(|| {
        Error::new(Kind::Usage, "--reference-time is not an RFC 3339 time; write it like 2026-11-21T10:00:00Z")
    })
}

fn day(text: &str) -> Result<Timestamp, Error> {
    let noon = format!("{text}T00:00:00Z");
    time::parse(Clock::Rfc3339, noon.as_bytes(), &Zone::utc())
        .ok_or_else(|| Error::new(Kind::Usage, "--now is not a date; write it like 2026-11-21"))
}
