//! `sladd pipe`: standard input to standard output or a file.

use super::{PipeArgs, ReplyArg, StallArg, SummaryArg, lines};
use crate::{
    encode::Reply,
    error::{Error, Kind},
    input::stdin::Stdin,
    key::Keyring,
    output::{Output, file::File, stdout::Stdout},
    policy::Policy,
    run::{
        End, OnStall, Settings, Signals, Summary,
        confine::{Reach, User, harden},
        guard::{self, Guard},
        keys, pipe,
        quarantine::{self, Keeper},
        reply::Conversation,
        worker::{Task, Worker, limit, say_alarm},
        workers,
    },
};
use std::{io::IsTerminal, process::ExitCode, sync::Arc};

/// Runs the pipe and prints one accounting line on standard error.
pub fn run(args: &PipeArgs) -> Result<ExitCode, Error> {
    if std::io::stdin().is_terminal() {
        return Ok(super::help());
    }
    if let Some(path) = &args.output
        && path.is_dir()
        && crate::store::Root::open(path).is_ok()
    {
        let why = "is a store, which the sidecar alone writes; name it in a policy: [[output]] store = \"DIR\"";
        return Err(Error::new(Kind::Usage, format!("`{}` {why}", path.display())));
    }
    let signals = Signals::catch()?;
    harden();
    let policy = args.lines.policy()?;
    let user = args.user.as_deref().map(User::find).transpose()?;
    if let Some(user) = &user {
        if let Some(keys) = &policy.keys.directory {
            user.provide(keys, 0o700)?;
        }
        if let Some(seal) = &policy.seal {
            user.provide(&seal.directory, 0o750)?;
        }
        user.become_for_good()?;
    }
    let confined = user.is_some();
    let done = match args.reply {
        Some(form) => converse(args, form, (&policy, &signals, confined)),
        None => run_as(args, &policy, &signals, confined),
    };
    done.map_err(|error| user.map_or(error.clone(), |user| user.blame(error)))
}

fn run_as(args: &PipeArgs, policy: &Policy, signals: &Signals, confined: bool) -> Result<ExitCode, Error> {
    let task = task(args, policy)?;
    let input = Stdin::open()?;
    let output = match &args.output {
        Some(path) => Output::File(File::open(path)?),
        None => Output::Stdout(stdout()?),
    };
    let settings = Settings {
        on_stall: match args.on_stall {
            StallArg::Block => OnStall::Block,
            StallArg::Shed => OnStall::Shed,
        },
        max_line_bytes: args.lines.max_line as usize,
        ..Settings::default()
    };
    let worker = |_| {
        let worker = Worker::new(&task);
        Ok(if args.lines.guard { worker.guarded(Guard::new(policy)?) } else { worker })
    };
    let work = (0..workers()).map(worker).collect::<Result<_, Error>>()?;
    let verdict = limit(lines::malformed_limit(policy));
    let verdict = if args.lines.guard { guard::alarm(verdict) } else { verdict };
    let keeper = keeper(policy)?;
    if confined {
        reach(args, policy).hold();
    }
    let summary = pipe(&settings, input, output, work, (verdict, keeper), signals)?;
    finish(args, &summary)
}

/// Answers each line at once.
fn converse(
    args: &PipeArgs,
    form: ReplyArg,
    (policy, signals, confined): (&Policy, &Signals, bool),
) -> Result<ExitCode, Error> {
    let wrong = |message| Err(Error::new(Kind::Usage, message));
    let (reply, output) = match (form, &args.output) {
        (ReplyArg::RsyslogJson, None) => (Reply::RsyslogJson, None),
        (ReplyArg::RsyslogJson, Some(_)) => {
            return wrong(
                "--reply rsyslog-json gives records back in its answers; leave --output out, or use --reply ok",
            );
        }
        (ReplyArg::Ok, Some(path)) => (Reply::Ok, Some(path)),
        (ReplyArg::Ok, None) => {
            return wrong("--reply ok says that a record was written; say where, with --output FILE");
        }
    };
    let task = task(args, policy)?;
    let conversation = Conversation {
        reply,
        input: Stdin::open()?,
        answers: stdout()?,
        output: output.map(File::open).transpose()?,
        max_line_bytes: args.lines.max_line as usize,
        keeper: match reply {
            // What is said on standard error is taken for an answer by mmexternal.
            Reply::RsyslogJson => keeper(policy)?.map(Keeper::quiet),
            Reply::Ok => keeper(policy)?,
        },
    };
    let (mut worker, mut verdict) = (Worker::new(&task), limit(lines::malformed_limit(policy)));
    if args.lines.guard {
        worker = worker.guarded(Guard::new(policy)?);
    }
    if confined {
        reach(args, policy).hold();
    }
    match reply {
        // What is said on standard error is taken for an answer by mmexternal.
        Reply::RsyslogJson => {
            let summary = conversation.run(worker, verdict, signals);
            Ok(match summary.error() {
                Some(error) => ExitCode::from(error.kind().code()),
                None if args.lines.is_met(&summary.tally) => ExitCode::FAILURE,
                None => ExitCode::SUCCESS,
            })
        }
        Reply::Ok => {
            if args.lines.guard {
                verdict = guard::alarm(verdict);
            }
            finish(args, &conversation.run(worker, verdict, signals))
        }
    }
}

fn stdout() -> Result<Stdout, Error> {
    Stdout::open().map_err(|error| Error::new(Kind::Io, format!("cannot write to standard output: {error}")))
}

/// Who takes the lines that are set aside to be sealed, where the policy seals any.
fn keeper(policy: &Policy) -> Result<Option<Keeper>, Error> {
    quarantine::open(policy)?.map(Keeper::of_stream).transpose()
}

/// What has to be opened again: the output after it was moved away, keys of days to come.
fn reach(args: &PipeArgs, policy: &Policy) -> Reach {
    let mut reach = Reach::default();
    if let Some(output) = &args.output {
        reach.write_beside(output);
    }
    if let Some(keys) = &policy.keys.directory {
        reach.write(keys);
    }
    if let Some(seal) = &policy.seal {
        reach.write(&seal.directory);
    }
    reach
}

fn task(args: &PipeArgs, policy: &Policy) -> Result<Task, Error> {
    let plan = lines::plan(policy)?;
    let keyring = plan.period().map(|period| match &policy.keys.directory {
        Some(directory) => keys::open(directory, period, &policy.keys),
        None => Ok(Keyring::memory(period)),
    });
    Ok(Task {
        plan,
        keyring: keyring.transpose()?.map(Arc::new),
        reference: args.reference_time.as_deref().map(lines::reference).transpose()?,
        due: args.lines.due()?,
        epoch: None,
        alarm: match args.reply {
            // What is said on standard error is taken for an answer by mmexternal.
            Some(ReplyArg::RsyslogJson) => |_| {},
            Some(ReplyArg::Ok) | None => say_alarm,
        },
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
    Ok(if args.lines.is_met(&summary.tally) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
