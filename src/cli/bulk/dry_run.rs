//! `sladd bulk --dry-run`: what would be read and what would come of it, from the beginnings of the files. Writes nothing.

use super::super::{BulkArgs, SummaryArg};
use crate::{
    encode::Batch,
    engine::{Engine, Progress},
    error::{Error, Kind},
    input::{
        file::Plain,
        packing::Packing,
        unpack::{Fault, Tar, Unpack},
    },
    key,
    run::bulk::{
        Order, Trouble, Whither,
        walk::{self, Item},
    },
    state::{
        ledger::Ledger,
        manifest::{self, Manifest},
        place::Place,
    },
    time::Timestamp,
    treatment::pseudonym::Secret,
};
use indicatif::{HumanBytes, HumanDuration};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

/// Prints a row a file, then what all of them come to, then some lines as they would be; or one JSON object of the same.
pub fn run(args: &BulkArgs, order: &Order) -> Result<ExitCode, Error> {
    let mut engine = Engine::new(order.plan.clone());
    // A secret for this call alone: pseudonyms show their form, not what the output will hold.
    let mut secret = [0; 32];
    key::random(&mut secret)?;
    let known = known(order)?;
    let mut sum = Sum::default();
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    let mut text = String::new();
    for item in order.found.items.iter().filter(|item| order.shard.is_none_or(|shard| shard.takes(&item.name))) {
        let name = manifest::written(&item.name);
        sum.found += 1;
        let before = known.as_ref().and_then(|known| known.get(&order.key_of(item)));
        if before.is_some_and(|entry| order.is_done(entry, item)) {
            sum.done += 1;
            let _ = writeln!(text, "{name}: done before");
            continue;
        }
        match look(order, &mut engine, item, secret) {
            Ok(look) => {
                let _ = writeln!(text, "{name}: {}", look.row(item));
                rows.push(look.json(item));
                sum.add(item, look);
            }
            Err((why, kind)) => {
                let _ = writeln!(text, "{name}: would be skipped: {why}");
                faults.push(Trouble { path: item.path.clone(), why, kind });
            }
        }
    }
    for skipped in &order.found.skipped {
        let _ = writeln!(text, "{}: would be skipped: {}", skipped.path.display(), skipped.why);
        if let Some(kind) = skipped.kind {
            faults.push(Trouble { path: skipped.path.clone(), why: skipped.why.clone(), kind });
        }
    }
    sum.faults = faults.len() as u64;
    match args.summary {
        SummaryArg::Text => {
            sum.write(&mut text, order, args);
            super::super::print(text.as_bytes())?;
        }
        SummaryArg::Json => {
            let json = sum.json(order, &faults, rows);
            super::super::print(format!("{json}\n").as_bytes())?;
        }
    }
    Ok(if sum.faults > 0 { ExitCode::from(Kind::Data.code()) } else { ExitCode::SUCCESS })
}

/// What was recorded of earlier runs, where it can be seen.
fn known(order: &Order) -> Result<Option<Manifest>, Error> {
    match &order.whither {
        Whither::Directory(path) if path.is_dir() => Ledger::look(&Place::open(path)?),
        Whither::Directory(_) | Whither::InPlace | Whither::Stdout => Ok(None),
    }
}

/// What the beginning of a file tells.
struct Look {
    packing: Packing,
    /// The format that most of the first lines fit, how many do and how many there were.
    format: (Box<str>, u64, u64),
    /// Bytes of lines for a byte of the file, and bytes that come out for a byte of lines.
    unpacks: f64,
    leaves: f64,
    /// Seconds a byte of lines takes one processor.
    pace: f64,
    /// Lines to be sealed for a byte of lines.
    seals: f64,
    /// Lines as they would be.
    sample: Vec<u8>,
}

fn look(order: &Order, engine: &mut Engine, item: &Item, secret: [u8; 32]) -> Result<Look, (String, Kind)> {
    let plain = Plain::open(&item.path).map_err(|error| match walk::kind(&error) {
        Kind::Permission => ("no permission to read it".to_owned(), Kind::Permission),
        kind => (error.to_string(), kind),
    })?;
    let bad = |fault: &Fault| (fault.to_string(), fault.kind());
    let mut input = Unpack::new(plain, order.max_ratio, Tar::Refused).map_err(|fault| bad(&fault))?;
    let mut lines = vec![0; SAMPLE_BYTES];
    let mut filled = 0;
    while filled < lines.len() {
        match input.read(&mut lines[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(fault) if filled == 0 => return Err(bad(&fault)),
            Err(_) => break,
        }
    }
    let position = input.position();
    lines.truncate(filled);
    // The last line may go on.
    if filled == SAMPLE_BYTES
        && let Some(end) = memchr::memrchr(b'\n', &lines)
    {
        lines.truncate(end + 1);
    }
    engine.set_reference(order.reference.unwrap_or(Timestamp(item.identity.modified.0)));
    engine.set_due(order.due);
    let mut formats: BTreeMap<Box<str>, u64> = BTreeMap::new();
    let mut first = 0;
    for line in lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).take(FIRST_LINES) {
        let shown = engine.show(line.strip_suffix(b"\r").unwrap_or(line));
        *formats.entry(shown.map_or_else(|| "none".into(), |(name, _)| name)).or_default() += 1;
        first += 1;
    }
    let most = formats.into_iter().max_by_key(|(_, count)| *count).unwrap_or_else(|| ("empty".into(), 0));
    let mut batch = Batch::default();
    // Once to warm up, once to measure.
    minimise(engine, &lines, &mut batch, secret);
    batch.clear();
    let began = Instant::now();
    let sealed = minimise(engine, &lines, &mut batch, secret);
    let took = began.elapsed();
    let bytes = lines.len().max(1) as f64;
    let sample = batch.bytes().split_inclusive(|&byte| byte == b'\n').take(2).flatten().copied().collect();
    Ok(Look {
        packing: input.packing(),
        format: (most.0, most.1, first),
        unpacks: filled as f64 / position.max(1) as f64,
        leaves: batch.bytes().len() as f64 / bytes,
        pace: took.as_secs_f64() / bytes,
        seals: sealed as f64 / bytes,
        sample,
    })
}

/// How many lines were set aside to be sealed.
fn minimise(engine: &mut Engine, lines: &[u8], batch: &mut Batch, secret: [u8; 32]) -> u64 {
    let (mut at, mut sealed) = (0, 0);
    loop {
        let (tally, progress) = engine.run(&lines[at..], batch);
        sealed += tally.sealed;
        let Progress::Paused { at: done, epoch } = progress else { return sealed };
        at += done;
        engine.admit(epoch, Some(Secret::new(secret)));
    }
}

impl Look {
    fn row(&self, item: &Item) -> String {
        let (format, of, first) = &self.format;
        let size = HumanBytes(item.identity.size);
        let lines = self.lines(item);
        let (packing, lines, out) =
            (self.packing.name(), HumanBytes(lines), HumanBytes((lines as f64 * self.leaves) as u64));
        let sealed = match self.sealed(item) {
            0 => String::new(),
            sealed => format!(", about {sealed} lines sealed"),
        };
        format!(
            "{packing}, {size}, {format} ({of} of the first {first} lines), about {lines} of lines, {out} minimised{sealed}"
        )
    }

    fn json(&self, item: &Item) -> serde_json::Value {
        let (format, of, first) = &self.format;
        let lines = self.lines(item);
        serde_json::json!({
            "path": manifest::written(&item.name),
            "packing": self.packing.name(),
            "format": format,
            "format_lines": of,
            "first_lines": first,
            "bytes_read": item.identity.size,
            "bytes_in": lines,
            "bytes_out": (lines as f64 * self.leaves) as u64,
            "sealed": self.sealed(item),
        })
    }

    fn sealed(&self, item: &Item) -> u64 {
        (self.lines(item) as f64 * self.seals).round() as u64
    }

    fn lines(&self, item: &Item) -> u64 {
        (item.identity.size as f64 * self.unpacks) as u64
    }
}

#[derive(Default)]
struct Sum {
    found: u64,
    files: u64,
    done: u64,
    faults: u64,
    bytes: u64,
    lines: u64,
    out: f64,
    sealed: u64,
    seconds: f64,
    samples: Vec<(String, Vec<u8>)>,
}

impl Sum {
    fn add(&mut self, item: &Item, look: Look) {
        let lines = look.lines(item);
        self.files += 1;
        self.bytes += item.identity.size;
        self.lines += lines;
        self.out += lines as f64 * look.leaves;
        self.sealed += look.sealed(item);
        // Unpacking takes about as long as minimising does.
        let unpacking = if look.packing == Packing::Plain { 1.0 } else { 2.0 };
        self.seconds += lines as f64 * look.pace * unpacking;
        if self.samples.len() < SAMPLES && !look.sample.is_empty() {
            self.samples.push((manifest::written(&item.name), look.sample));
        }
    }

    fn time(&self, order: &Order) -> Duration {
        Duration::from_secs_f64(self.seconds / order.threads.max(1) as f64)
    }

    /// Under the names that the account of a run has them by. Bytes, sealed lines and seconds are what is to be expected.
    fn json(&self, order: &Order, faults: &[Trouble], rows: Vec<serde_json::Value>) -> serde_json::Value {
        let samples = self
            .samples
            .iter()
            .map(|(path, lines)| serde_json::json!({ "path": path, "lines": shown(lines).collect::<Vec<_>>() }));
        serde_json::json!({
            "dry_run": true,
            "files": self.found,
            "to_do": self.files,
            "already_done": self.done,
            "failed": self.faults,
            "bytes_read": self.bytes,
            "bytes_in": self.lines,
            "bytes_out": self.out as u64,
            "sealed": self.sealed,
            "seconds": (self.time(order).as_secs_f64() * 1000.0).round() / 1000.0,
            "threads": order.threads,
            "faults": faults.iter().map(Trouble::json).collect::<Vec<_>>(),
            "expected": rows,
            "samples": samples.collect::<Vec<_>>(),
        })
    }

    fn write(&self, text: &mut String, order: &Order, args: &BulkArgs) {
        let time = self.time(order);
        let to = match (&order.whither, &args.out) {
            (Whither::Directory(path), _) => format!("to `{}`", path.display()),
            (Whither::Stdout, _) => "to standard output".to_owned(),
            (Whither::InPlace, _) if args.in_place => "in place".to_owned(),
            (Whither::InPlace, _) => "if --out or --in-place is given".to_owned(),
        };
        let _ = writeln!(
            text,
            "\n{} files would be minimised {to}, {} done before, {} skipped: {} to read, about {} of lines, {} minimised \
             before they are packed, {} on {} processors",
            self.files,
            self.done,
            self.faults,
            HumanBytes(self.bytes),
            HumanBytes(self.lines),
            HumanBytes(self.out as u64),
            HumanDuration(time),
            order.threads,
        );
        if self.sealed > 0 {
            let _ = writeln!(text, "about {} lines would be sealed, and stand in no file of these", self.sealed);
        }
        for (name, sample) in &self.samples {
            let _ = writeln!(text, "\n{}, as it would be:", Path::new(name).display());
            shown(sample).for_each(|line| {
                let _ = writeln!(text, "  {line}");
            });
        }
    }
}

/// Lines as a terminal may see them.
fn shown(lines: &[u8]) -> impl Iterator<Item = String> {
    let lines = lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| String::from_utf8_lossy(line).chars().filter(|c| !c.is_control()).collect())
}

/// So much of a file is looked at.
const SAMPLE_BYTES: usize = 256 * 1024;
const FIRST_LINES: usize = 200;
/// So many files show lines.
const SAMPLES: usize = 3;
