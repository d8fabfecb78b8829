//! `sladd bulk`: files and directories to files of the same names, or in their place.

mod dry_run;
mod progress;

use super::{BulkArgs, SummaryArg, lines, load};
use crate::{
    engine::Due,
    error::{Error, Kind},
    output::packer::Compression,
    policy::{self, Policy},
    run::{
        Signals,
        bulk::{
            Order, Report, Trouble, Verified, Whither, bulk, verify,
            walk::{self, Found},
        },
        confine::harden,
        worker::clock,
    },
    state::{place::Place, shard::Shard},
};
use progress::Shown;
use std::{
    env,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
};

/// How outputs are packed; `None`: as their inputs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compress(Option<Compression>);

/// What `--compress` says.
pub fn compression(text: &str) -> Result<Compress, String> {
    let (name, level) = match text.split_once(':') {
        Some((name, level)) => {
            let level: u32 = level.parse().map_err(|_| format!("`{level}` is no level; write it like zst:3"))?;
            (name, Some(level))
        }
        None => (text, None),
    };
    let within = |least: u32, most: u32, usual: u32| match level.unwrap_or(usual) {
        level if (least..=most).contains(&level) => Ok(level),
        level => Err(format!("{name} has the levels {least} to {most}, not {level}")),
    };
    let compression = match name {
        "same" | "none" if level.is_some() => return Err(format!("{name} has no levels")),
        "same" => return Ok(Compress(None)),
        "none" => Compression::None,
        "gz" | "gzip" => Compression::Gzip(within(0, 9, 6)?),
        "zst" | "zstd" => Compression::Zstd(within(1, 19, 3)?.cast_signed()),
        "bz2" | "bzip2" => Compression::Bzip2(within(1, 9, 9)?),
        "xz" => Compression::Xz(within(0, 9, 6)?),
        _ => return Err("it is same, none, gz, zst, bz2 or xz, with a level as in zst:3".to_owned()),
    };
    Ok(Compress(Some(compression)))
}

/// Runs over all files and prints an account on standard error.
pub fn run(args: &BulkArgs) -> Result<ExitCode, Error> {
    if args.out.is_none() && !args.in_place && !args.dry_run {
        let why = "where to? name a directory with --out DIR, or replace the files with --in-place";
        return Err(Error::new(Kind::Usage, why));
    }
    let from_list = args.paths.is_empty() || args.paths.iter().any(|path| path == Path::new("-"));
    let whither = match &args.out {
        None => Whither::InPlace,
        Some(path) if path == Path::new("-") => Whither::Stdout,
        Some(path) => Whither::Directory(path.clone()),
    };
    if whither == Whither::Stdout && (args.compress.0.is_some() || args.remove_originals) {
        let why = "--out - writes plain lines and keeps no record: leave --compress and --remove-originals out, or name a directory";
        return Err(Error::new(Kind::Usage, why));
    }
    if args.verify {
        return verified(args, &whither);
    }
    if from_list && io::stdin().is_terminal() {
        return Err(Error::new(Kind::Usage, "nothing to read: name files or directories, or pipe a list of names in"));
    }
    let signals = Signals::catch()?;
    harden();
    let written = load::find(&args.lines.choice.policy)?;
    let policy = args.lines.policy()?;
    let found = find(args, &whither)?;
    let order = order(args, &policy, written.text, found, whither)?;
    if args.dry_run {
        return dry_run::run(args, &order);
    }
    let mut shown = Shown::new(args.quiet);
    let report = bulk(&order, &signals, |progress, total| shown.tick(progress, total))?;
    shown.end();
    finish(args, &order, &report)
}

fn find(args: &BulkArgs, whither: &Whither) -> Result<Found, Error> {
    let mut paths: Vec<PathBuf> = args.paths.iter().filter(|path| *path != Path::new("-")).cloned().collect();
    if paths.len() < args.paths.len() || args.paths.is_empty() {
        let list = walk::list(io::stdin().lock())
            .map_err(|error| Error::new(Kind::Io, format!("cannot read the list of names: {error}")))?;
        paths.extend(list);
    }
    let own = match whither {
        Whither::Directory(path) => Some(path.as_path()),
        Whither::InPlace | Whither::Stdout => None,
    };
    let found = walk::find(&paths, args.base.as_deref(), own);
    let own = own.and_then(|own| own.canonicalize().ok());
    if let Some(own) = &own
        && found.items.is_empty()
        && let Some(path) = paths.iter().find(|path| path.canonicalize().is_ok_and(|path| path.starts_with(own)))
    {
        let why = format!(
            "`{}` is below --out, where outputs stand, and is not read; name another --out, or use --in-place",
            printable(&path.to_string_lossy())
        );
        return Err(Error::new(Kind::Usage, why));
    }
    if own.is_some_and(|own| own == found.base) && !found.items.is_empty() {
        let why = "--out is the directory that the files are in; name another, or use --in-place";
        return Err(Error::new(Kind::Usage, why));
    }
    Ok(found)
}

fn order<'a>(
    args: &BulkArgs,
    policy: &'a Policy,
    text: String,
    found: Found,
    whither: Whither,
) -> Result<Order<'a>, Error> {
    let (due, today) = (args.lines.due()?, clock());
    // What a built-in says may change with the program.
    let base = base_of(&text).and_then(|base| policy::show(&base)).unwrap_or_default();
    let options = format!(
        "{:?} {:?} {} {:?} {:?} {:?} {}{}",
        policy.source.formats,
        policy.encode.layout,
        args.lines.max_line,
        args.compress,
        args.reference_time,
        // What is due is reckoned by days.
        match due {
            Due::Drop(now) => Some(now.0.div_euclid(86_400)),
            Due::Count(_) | Due::Unknown => None,
        },
        args.lines.guard,
        policy.tenants.assumed.as_ref().map_or_else(String::new, |tenant| format!(" {tenant}")),
    );
    Ok(Order {
        policy,
        policy_digest: digest(&[&text, &base]),
        policy_text: text,
        options: digest(&[&options]),
        plan: lines::plan(policy)?,
        found,
        whither,
        compress: args.compress.0,
        threads: args.threads.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from),
        max_line_bytes: args.lines.max_line as usize,
        max_ratio: args.max_ratio,
        malformed_limit: lines::malformed_limit(policy),
        reference: args.reference_time.as_deref().map(lines::reference).transpose()?,
        due,
        guard: args.lines.guard,
        shard: args.shard.as_deref().map(|text| shard(text, |name| env::var(name).ok())).transpose()?,
        remove_originals: args.remove_originals,
        now: today,
    })
}

/// The built-in that a policy starts from, if it does.
pub(super) fn base_of(text: &str) -> Option<String> {
    let table: toml::Table = toml::from_str(text).ok()?;
    Some(table.get("base")?.as_str()?.to_owned())
}

/// BLAKE3 of texts, in hexadecimal; none can be taken for part of another.
pub(super) fn digest(texts: &[&str]) -> String {
    let mut digest = blake3::Hasher::new();
    for text in texts {
        digest.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    digest.finalize().to_hex().to_string()
}

/// `I/N`, or `N` with the share's number from what schedulers set.
fn shard(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Shard, Error> {
    let refuse = |why: &str| Err(Error::new(Kind::Usage, format!("--shard {text}: {why}")));
    let number = |text: &str| text.parse::<u32>().ok();
    let (index, count) = match text.split_once('/') {
        Some((index, count)) => match (number(index), number(count)) {
            (Some(index), Some(count)) => (index, count),
            _ => return refuse("write it like 3/8"),
        },
        None => {
            let Some(count) = number(text) else { return refuse("write it like 3/8, or 8 under a scheduler") };
            let set = ["JOB_COMPLETION_INDEX", "SLURM_ARRAY_TASK_ID"].into_iter().find_map(&variable);
            match set.as_deref().map(number) {
                Some(Some(index)) => (index, count),
                Some(None) => return refuse("the scheduler's number of this task is none"),
                None => {
                    return refuse("neither JOB_COMPLETION_INDEX nor SLURM_ARRAY_TASK_ID is set; write it like 3/8");
                }
            }
        }
    };
    match (count, index) {
        (0, _) => refuse("there must be at least one share"),
        (count, index) if index > count => refuse("there are not so many shares"),
        // Counted from 1, the last one is number N; counted from 0, it is the first.
        (count, index) => Ok(Shard { index: index % count, count }),
    }
}

fn finish(args: &BulkArgs, order: &Order, report: &Report) -> Result<ExitCode, Error> {
    if report.reader_gone {
        return Ok(ExitCode::SUCCESS);
    }
    tell(&report.faults);
    if !args.quiet {
        for (path, what) in &report.notes {
            crate::run::say!("sladd: note: `{}`: {what}", shown(path));
        }
        match args.summary {
            SummaryArg::Text => crate::run::say_text!("{}", progress::table(report)),
            SummaryArg::Json => crate::run::say!("{}", report.json()),
        }
        if report.stopped || report.failure.is_some() {
            let again =
                if order.shard.is_some() { "the same command with the same --shard" } else { "the same command" };
            let anew = match report.under_way {
                0 => String::new(),
                count => format!(" begins what was under way anew ({count} files) and"),
            };
            crate::run::say!("sladd: what is done stays; {again}{anew} goes on with the rest");
        }
    }
    if let Some(error) = &report.failure {
        return Err(error.clone());
    }
    let code = report.code();
    Ok(if code == 0 && args.lines.is_met(&report.tally) { ExitCode::FAILURE } else { ExitCode::from(code) })
}

fn tell(faults: &[Trouble]) {
    for fault in faults {
        crate::run::say!("sladd: `{}`: {}", shown(&fault.path), printable(&fault.why));
    }
}

/// A path as a terminal may see it.
fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy())
}

/// Whether a terminal shows it as it is: no control, and nothing that turns the direction of what follows.
pub(super) fn is_shown(character: char) -> bool {
    !character.is_control()
        && !matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn printable(text: &str) -> String {
    text.chars().map(|character| if is_shown(character) { character } else { '?' }).collect()
}

fn verified(args: &BulkArgs, whither: &Whither) -> Result<ExitCode, Error> {
    let mut places = match whither {
        Whither::Stdout => return Err(Error::new(Kind::Usage, "--verify has nothing to compare on standard output")),
        Whither::Directory(path) => vec![path.clone()],
        Whither::InPlace if args.paths.is_empty() => vec![PathBuf::from(".")],
        Whither::InPlace => args.paths.iter().map(|path| directory(path).to_path_buf()).collect(),
    };
    places.sort();
    places.dedup();
    let (mut sum, mut strays) = (Verified::default(), Vec::new());
    for path in &places {
        let place = Place::open(path)?;
        let found = verify(&place)?;
        // In place others may lie beside what was made, unless nothing was made.
        if matches!(whither, Whither::Directory(_)) || found.recorded == 0 {
            let why = "no line of the manifest names it";
            let stray = |file: &PathBuf| Trouble { path: path.join(file), why: why.to_owned(), kind: Kind::Data };
            strays.extend(found.unknown.iter().map(stray));
        }
        sum.recorded += found.recorded;
        sum.good += found.good;
        sum.faults.extend(found.faults);
        sum.unknown.extend(found.unknown);
    }
    let Verified { recorded, good, mut faults, unknown } = sum;
    let (faulty, unknown) = (faults.len(), unknown.len());
    faults.extend(strays);
    tell(&faults);
    if !args.quiet {
        match args.summary {
            SummaryArg::Text if recorded == 0 => {
                crate::run::say!("sladd: nothing is recorded to verify, and {unknown} files are there");
            }
            SummaryArg::Text => {
                let beside = match unknown {
                    0 => String::new(),
                    unknown => format!(", and {unknown} more that no manifest names"),
                };
                crate::run::say!("sladd: {good} files are what was made, {faulty} are not{beside}");
            }
            SummaryArg::Json => crate::run::say!(
                "{}",
                serde_json::json!({
                    "recorded": recorded,
                    "good": good,
                    "faulty": faulty,
                    "unknown": unknown,
                    "faults": faults.iter().map(Trouble::json).collect::<Vec<_>>(),
                })
            ),
        }
    }
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(Kind::Data.code()) })
}

/// The directory that is meant: where a file is named, the one that it is in.
fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if path.is_file() && parent != Path::new("") => parent,
        _ if path.is_file() => Path::new("."),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_counts_from_0_or_from_1_and_schedulers_number_it() {
        let none = |_: &str| None;
        let of = |text| shard(text, none).map(|shard| (shard.index, shard.count));
        assert_eq!(of("0/4").unwrap(), (0, 4));
        assert_eq!(of("3/4").unwrap(), (3, 4));
        assert_eq!(of("4/4").unwrap(), (0, 4));
        for wrong in ["5/4", "0/0", "1", "a/b", "", "-1/4", "1/4/2"] {
            assert_eq!(of(wrong).unwrap_err().kind(), Kind::Usage, "{wrong}");
        }
        let kubernetes = |name: &str| (name == "JOB_COMPLETION_INDEX").then(|| "2".to_owned());
        assert_eq!(shard("8", kubernetes).unwrap(), Shard { index: 2, count: 8 });
        let slurm = |name: &str| (name == "SLURM_ARRAY_TASK_ID").then(|| "8".to_owned());
        assert_eq!(shard("8", slurm).unwrap(), Shard { index: 0, count: 8 });
        let broken = |_: &str| Some("x".to_owned());
        assert_eq!(shard("8", broken).unwrap_err().kind(), Kind::Usage);
    }

    #[test]
    fn compression_is_named_with_a_level_or_without() {
        assert_eq!(compression("same"), Ok(Compress(None)));
        assert_eq!(compression("zst:19"), Ok(Compress(Some(Compression::Zstd(19)))));
        assert_eq!(compression("gz"), Ok(Compress(Some(Compression::Gzip(6)))));
        for wrong in ["zst:20", "zst:0", "gz:10", "none:1", "lz4", "gz:", "xz:-1"] {
            assert!(compression(wrong).is_err(), "{wrong}");
        }
    }
}
