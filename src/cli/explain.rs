//! `sladd explain`: what a policy does, field by field; and to lines from standard input.

use super::{ExplainArgs, load};
use crate::{
    encode::Batch,
    engine::{Engine, Progress},
    error::{Error, Kind},
    input::packing::{MARK_BYTES, Packing},
    key,
    plan::Plan,
    policy::{OnMalformed, OnUnknown},
    tally::Tally,
    treatment::pseudonym::Secret,
};
use std::{
    io::{BufRead, Cursor, IsTerminal, Read},
    process::ExitCode,
    sync::Arc,
};

/// Prints a row per field, or treats the lines of standard input.
pub fn run(args: &ExplainArgs) -> Result<ExitCode, Error> {
    let mut policy = load::policy(&args.choice.policy)?;
    load::choose(&mut policy, &args.choice)?;
    let plan = Plan::compile(&policy)?;
    if !args.line {
        let head = format!("policy {}/{}\n\n", policy.name, policy.version);
        return super::print(format!("{head}{}", plan.explain()).as_bytes());
    }
    if std::io::stdin().is_terminal() {
        return Ok(super::help());
    }
    let unfit = if policy.source.malformed == OnMalformed::Seal { "sealed" } else { "dropped" };
    let nobodys = match policy.tenants.unknown {
        OnUnknown::Drop => "unknown = \"drop\" leaves it out and counts it",
        OnUnknown::Own => "it is your own",
        OnUnknown::Seal => "unknown = \"seal\" encrypts it to whom [seal] names",
    };
    lines(plan, LeftOut { unfit, nobodys }, args.show_original)
}

/// What becomes of lines that leave nothing behind.
#[derive(Clone, Copy)]
struct LeftOut {
    /// Of one that fits no format.
    unfit: &'static str,
    /// Of one of which nobody can say whose it is.
    nobodys: &'static str,
}

/// The longest line that is shown.
const LONGEST: u64 = 65_536;

fn lines(plan: Plan, left_out: LeftOut, show_original: bool) -> Result<ExitCode, Error> {
    let plan = Arc::new(plan);
    let mut engine = Engine::new(plan);
    // A secret for this call alone: pseudonyms show their form, not what the log will hold.
    let mut secret = [0; 32];
    key::random(&mut secret)?;
    let mut input = std::io::stdin().lock();
    let mut mark = Vec::with_capacity(MARK_BYTES);
    let cannot_read = |error| Error::new(Kind::Io, format!("cannot read standard input: {error}"));
    (&mut input).take(MARK_BYTES as u64).read_to_end(&mut mark).map_err(cannot_read)?;
    if let Some(message) = Packing::of(&mark).refusal("sladd explain --line") {
        return Err(Error::new(Kind::Data, message));
    }
    let mut input = Cursor::new(mark).chain(input);
    let mut number = 0u64;
    loop {
        let mut line = Vec::new();
        let read = (&mut input).take(LONGEST).read_until(b'\n', &mut line);
        if read.map_err(cannot_read)? == 0 {
            let rest = rest(&mut engine, secret);
            if !rest.is_empty() {
                super::print(format!("end of input:\n  => {}\n\n", printable(rest.trim_ascii_end())).as_bytes())?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        number += 1;
        while line.last().is_some_and(|end| matches!(end, b'\n' | b'\r')) {
            line.pop();
        }
        super::print(show(&mut engine, &line, (number, left_out), show_original, secret).as_bytes())?;
    }
}

/// What is written of lines in parts whose last part did not come.
fn rest(engine: &mut Engine, secret: [u8; 32]) -> Vec<u8> {
    let mut batch = Batch::default();
    while let (_, Progress::Paused { epoch, .. }) = engine.finish(&mut batch) {
        engine.admit(epoch, Some(Secret::new(secret)));
    }
    batch.bytes().to_vec()
}

fn show(
    engine: &mut Engine,
    line: &[u8],
    (number, left_out): (u64, LeftOut),
    show_original: bool,
    secret: [u8; 32],
) -> String {
    engine.set_reference(crate::run::worker::clock());
    let mut batch = Batch::default();
    let whole = [line, b"\n"].concat();
    let tally = loop {
        match engine.run(&whole, &mut batch) {
            (tally, Progress::Done) => break tally,
            (_, Progress::Paused { epoch, .. }) => engine.admit(epoch, Some(Secret::new(secret))),
        }
    };
    let Some((format, values)) = engine.show(line) else {
        return format!("line {number}: fits no format; {}\n\n", left_out.unfit);
    };
    // Keys of JSON objects are fields of their own; only those that no name was known for are worth a row.
    let values: Vec<_> = values.iter().filter(|value| !value.field.starts_with('*') || &*value.field == "*").collect();
    let name = |field: &str| if field == "*" { "any other member".to_owned() } else { field.to_owned() };
    let width = values.iter().map(|value| name(&value.field).len()).max().unwrap_or(0);
    let mut text = format!("line {number}: {format}\n");
    for value in &values {
        let treated = value.treated.as_deref().map_or("(dropped)".to_owned(), printable);
        match show_original {
            true => {
                let original = printable(value.original.of(line));
                text.push_str(&format!("  {:width$}  {original} -> {treated}\n", name(&value.field)));
            }
            false => text.push_str(&format!("  {:width$}  {treated}\n", name(&value.field))),
        }
    }
    let result = match is_nobodys(&tally) {
        true => format!("nobody's: it names no virtual host of a [[tenant]]; {}", left_out.nobodys),
        false => printable(batch.bytes().trim_ascii_end()),
    };
    text.push_str(&format!("  => {result}\n\n"));
    text
}

/// Whether a line was left out because nobody can say whose it is. What fits no format may be sealed without that.
fn is_nobodys(tally: &Tally) -> bool {
    tally.tenant > 0 || tally.sealed > tally.unmatched
}

/// Safe on a terminal: control bytes escaped.
fn printable(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| std::ascii::escape_default(*byte))
        .map(char::from)
        .collect::<String>()
        .replace("\\\"", "\"")
        .replace("\\\\", "\\")
}
