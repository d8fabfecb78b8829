//! The command line: what may be typed. One file per command; help, man pages and completions come from this one definition.

mod attest;
mod bulk;
mod check;
mod deploy;
mod explain;
mod generate;
mod import;
mod key;
mod lines;
mod load;
mod pipe;
mod policy;
#[cfg(feature = "net")]
mod probe;
mod scan;
#[cfg(feature = "net")]
mod sidecar;
mod store;
mod test;

use crate::{
    error::{Error, Kind as ErrorKind},
    judge::Kind,
};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

/// Runs the command that the arguments ask for.
pub fn main() -> ExitCode {
    crate::run::quiet_panics();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; clap knows which stream each belongs to.
            let code = error.exit_code();
            drop(error.print());
            return ExitCode::from(code as u8);
        }
    };
    let outcome = match cli.command {
        None => pipe::run(&cli.pipe),
        Some(Command::Pipe(args)) => pipe::run(&args),
        Some(Command::Bulk(args)) => bulk::run(&args),
        #[cfg(feature = "net")]
        Some(Command::Sidecar(args)) => sidecar::run(&args),
        Some(Command::Check(args)) => check::run(&args),
        Some(Command::Explain(args)) => explain::run(&args),
        Some(Command::Policy(args)) => policy::run(&args),
        Some(Command::Scan(args)) => scan::run(&args),
        Some(Command::Store(args)) => store::run(&args.what),
        Some(Command::Test(args)) => test::run(&args),
        Some(Command::Attest(args)) => attest::run(&args),
        Some(Command::Generate(args)) => generate::run(&args),
        Some(Command::Import(args)) => import::run(&args),
        Some(Command::Key(args)) => key::run(&args),
        Some(Command::Later(words)) => Err(later(&words)),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            ExitCode::from(error.kind().code())
        }
    }
}

/// One line on standard error, the same form for every command.
fn complain(error: &Error) {
    // What is named may hold anything; a terminal must not see it.
    let shown = |c: char| c == '\n' || bulk::is_shown(c);
    let text: String = error.to_string().chars().map(|c| if shown(c) { c } else { '?' }).collect();
    crate::run::say!("sladd: {text}");
}

/// Prints to standard output; a reader that has gone away is no error.
fn print(text: &[u8]) -> Result<ExitCode, Error> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(Error::new(ErrorKind::Io, format!("cannot write to standard output: {error}"))),
    }
}

/// The help on standard error: what a terminal as input gets, with code 2.
fn help() -> ExitCode {
    let help = Cli::command().render_help();
    crate::run::say!("{help}\nsladd reads lines from standard input: sladd < access.log > minimised.log");
    ExitCode::from(ErrorKind::Usage.code())
}

/// Whether this stream gets colour: a terminal, and NO_COLOR is not set.
fn colour(stream: &impl IsTerminal) -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    stream.is_terminal() && !refused
}

/// Commands of later versions are refused by name; anything else is a typing error.
fn later(words: &[String]) -> Error {
    const LATER: [&str; 2] = ["subject", "report"];
    let word = words.first().map_or("", String::as_str);
    let message = match LATER.contains(&word) {
        true => format!("`sladd {word}` is not built in this version; sladd --help lists what is"),
        false if std::path::Path::new(word).exists() => {
            format!(
                "there is no command `{word}`; files are read by sladd bulk, or from standard input: sladd < {word}"
            )
        }
        false => format!("there is no command `{word}`; sladd --help lists what there is"),
    };
    Error::new(ErrorKind::Usage, message)
}

/// Minimises logs while they are being written.
///
/// Raw lines in on standard input, minimised lines out on standard output, each with the class that says how long it may
/// live. Without a policy the built-in `hosting` holds: `sladd explain` shows what it does to each field.
#[derive(Debug, Parser)]
#[command(
    name = "sladd",
    version = concat!(env!("CARGO_PKG_VERSION"), " (", env!("SLADD_COMMIT"), ")"),
    max_term_width = 100,
    args_conflicts_with_subcommands = true,
    after_help = EXIT_CODES
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    pipe: PipeArgs,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 done but what --fail-on names was met (test: an example failed; attest: a claim is not true; scan: something was found), \
2 bad command line or a terminal as input, 65 bad input data (bulk: some files failed), 66 no input, 73 cannot create, 74 reading or writing failed, \
77 no permission, 78 bad policy or key, 130 (bulk) ended by a signal before it was done";

#[derive(Debug, Subcommand)]
enum Command {
    /// Minimise standard input to standard output (the default)
    Pipe(PipeArgs),
    /// Minimise files and directories: old logs, plain or compressed
    Bulk(BulkArgs),
    /// Follow files and read pipes, beside a log shipper, without end: what the policy's [[input]] and [[output]] say
    #[cfg(feature = "net")]
    Sidecar(SidecarArgs),
    /// Check a policy: every fault, drawn under its line
    Check(CheckArgs),
    /// Show what a policy does to each field, or to lines from standard input
    Explain(ExplainArgs),
    /// Show built-in policies
    Policy(PolicyArgs),
    /// Count what identifies people in existing files, without showing it
    Scan(ScanArgs),
    /// List, verify and sweep a store, and say what must stay in it
    Store(StoreArgs),
    /// Run a policy's examples
    Test(TestArgs),
    /// Say of each published sentence whether a policy, and what lies in its store, makes it true
    Attest(AttestArgs),
    /// Write a policy for what an nginx or Apache configuration logs, and warn of what is personal in it
    Import(ImportArgs),
    /// List the keys of pseudonyms, make them, destroy them
    Key(KeyArgs),
    /// Write man pages, shell completions, units and configurations
    Generate(GenerateArgs),
    #[command(external_subcommand)]
    Later(Vec<String>),
}

/// What the sidecar is told.
#[cfg(feature = "net")]
#[derive(Args, Clone, Debug)]
pub struct SidecarArgs {
    /// The policy, with [state], [[input]] and [[output]]; SIGHUP reads it again
    #[arg(short, long, value_name = "FILE")]
    policy: String,
    /// Started as root: become this user (and group, else the user's own) before anything is opened; names of /etc/passwd and /etc/group, or numbers
    #[arg(long, value_name = "NAME[:GROUP]")]
    user: Option<String>,
    /// Ask a sidecar that runs under this policy how it is, by its [status], and end with 0 if it is well (live), or ready for lines (ready): for containers
    #[arg(long, value_name = "WHAT", conflicts_with = "user")]
    probe: Option<ProbeArg>,
    /// Say nothing on standard error but errors
    #[arg(short, long)]
    quiet: bool,
}

#[cfg(feature = "net")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ProbeArg {
    /// Its loop goes round
    Live,
    /// It takes lines
    Ready,
}

/// Which policy, and what the lines are in.
#[derive(Args, Clone, Debug)]
pub struct Choice {
    /// A built-in policy (hosting, strict, minimal) or a file; a value with `/` or ending in `.toml` is a file
    #[arg(short, long, value_name = "NAME|FILE", default_value = "hosting")]
    policy: String,
    /// The format of the lines instead of the policy's: auto, a name such as combined, json, syslog, haproxy_http or nginx_error, `nginx:DIRECTIVE` or `apache:DIRECTIVE` (an unknown name gets the list of all); may be repeated, tried in order
    #[arg(short, long, value_name = "FORMAT")]
    format: Vec<String>,
    /// Whose all lines are, whatever virtual host they name: a [[tenant]] of the policy, or `own`
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
}

/// What becomes of lines, whatever they are read from.
#[derive(Args, Clone, Debug)]
pub struct LineArgs {
    #[command(flatten)]
    choice: Choice,
    /// The layout of the output instead of the policy's
    #[arg(long, value_name = "LAYOUT")]
    encode: Option<LayoutArg>,
    /// The longest line in bytes; of a longer one the beginning is minimised and the rest dropped
    #[arg(long, value_name = "BYTES", default_value_t = 65_536, value_parser = clap::value_parser!(u32).range(256..=1_048_576))]
    max_line: u32,
    /// Leave out records whose `until` has come (otherwise they are kept and counted)
    #[arg(long)]
    drop_due: bool,
    /// The day on which --drop-due reckons, YYYY-MM-DD (default: today)
    #[arg(long, value_name = "DATE", requires = "drop_due")]
    now: Option<String>,
    /// End with code 1 if there was such a line (may be a list: malformed,dropped)
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    fail_on: Vec<FailArg>,
    /// Read every record again with the judge, a second implementation, and stop one in which it finds somebody (slower)
    #[arg(long)]
    guard: bool,
}

/// `sladd pipe`
#[derive(Args, Clone, Debug)]
pub struct PipeArgs {
    #[command(flatten)]
    lines: LineArgs,
    /// Append whole lines to this file (created 0640, no symlink followed; SIGUSR1 reopens it) instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Answer each line at once: with its minimised form, for rsyslog's mmexternal, or, when its record stands in the file, with OK, for omprog with confirmMessages="on"
    #[arg(long, value_name = "FORM", conflicts_with = "on_stall")]
    reply: Option<ReplyArg>,
    /// What happens when the output stalls: wait, or drop lines and count them so that the writer never waits
    #[arg(long, value_name = "WHAT", default_value = "block")]
    on_stall: StallArg,
    /// The time for records that have none, as 2026-11-21T10:00:00Z (default: when they arrive)
    #[arg(long, value_name = "TIME")]
    reference_time: Option<String>,
    /// Started as root, as Apache starts it: become this user (and group, else the user's own) before the output is opened; names of /etc/passwd and /etc/group, or numbers
    #[arg(long, value_name = "NAME[:GROUP]")]
    user: Option<String>,
    /// How the accounting line is written
    #[arg(long, value_name = "FORM", default_value = "text")]
    summary: SummaryArg,
    /// No accounting line; errors are still written
    #[arg(short, long)]
    quiet: bool,
}

/// `sladd bulk`
#[derive(Args, Clone, Debug)]
pub struct BulkArgs {
    /// Files, directories (with all below them) and quoted patterns; `-`, or nothing: names from standard input, a line each or ended by NUL. Symlinks are not followed, hidden files only read where they are named
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    lines: LineArgs,
    /// Write below this directory, under the names of the inputs; `-` is standard output
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace each file by its minimised form. A file that stands under a stricter policy is refused
    #[arg(long, conflicts_with_all = ["out", "compress", "remove_originals"])]
    in_place: bool,
    /// Names are kept from this directory on (default: the deepest one that holds all that is named)
    #[arg(long, value_name = "DIR")]
    base: Option<PathBuf>,
    /// How outputs are packed: same (as their inputs), none, gz, zst, bz2 or xz, with a level as in zst:3
    #[arg(long, value_name = "HOW", default_value = "same", value_parser = bulk::compression)]
    compress: bulk::Compress,
    /// Remove each original once its output is durable
    #[arg(long)]
    remove_originals: bool,
    /// Compare what is in --out (or, with --in-place, in the directories named) with what its manifest says, and do nothing else
    #[arg(long, conflicts_with_all = ["dry_run", "remove_originals"])]
    verify: bool,
    /// Write nothing: show what would be read, its format, the size and time to expect, and some lines as they would be
    #[arg(long, conflicts_with = "remove_originals")]
    dry_run: bool,
    /// Do only the share I of N of the files; I counts from 0 or from 1. N alone takes I from JOB_COMPLETION_INDEX or SLURM_ARRAY_TASK_ID
    #[arg(long, value_name = "I/N")]
    shard: Option<String>,
    /// How many files or pieces of files are worked on at once (default: the processors there are)
    #[arg(short = 'j', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Beyond 64 MiB, the most that may come out of a compressed file, in times its size
    #[arg(long, value_name = "TIMES", default_value_t = crate::input::unpack::MAX_RATIO, value_parser = clap::value_parser!(u64).range(1..))]
    max_ratio: u64,
    /// The time for records that have none, as 2026-11-21T10:00:00Z (default: when their file was last written)
    #[arg(long, value_name = "TIME")]
    reference_time: Option<String>,
    /// How the account is written
    #[arg(long, value_name = "FORM", default_value = "text")]
    summary: SummaryArg,
    /// No progress and no account; faults are still written
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LayoutArg {
    /// The input's own
    Same,
    /// One flat JSON object a line
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StallArg {
    /// Read ahead to the memory bound, then wait
    Block,
    /// Never delay the writer by more than 100 ms: drop and count
    Shed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ReplyArg {
    /// One JSON object a line: msg minimised, $!sladd says minimised or dropped; nothing on standard error once it runs
    RsyslogJson,
    /// OK before the first line and after each one whose record was written to --output
    Ok,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailArg {
    /// A line that fits no format
    Malformed,
    /// A line of which nothing left
    Dropped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SummaryArg {
    /// One readable line
    Text,
    /// One JSON object
    Json,
}

/// `sladd check`
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// A built-in policy's name or a file
    #[arg(value_name = "NAME|FILE")]
    policy: String,
}

/// `sladd explain`
#[derive(Args, Debug)]
pub struct ExplainArgs {
    #[command(flatten)]
    choice: Choice,
    /// Show lines from standard input treated, field by field; originals are never printed
    #[arg(long)]
    line: bool,
    /// With --line: show the original beside each treated value
    #[arg(long, requires = "line")]
    show_original: bool,
}

/// `sladd policy`
#[derive(Args, Debug)]
pub struct PolicyArgs {
    #[command(subcommand)]
    what: PolicyCommand,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Print a built-in policy as a complete file, every key with its default
    Show {
        /// hosting, strict or minimal
        name: String,
    },
    /// List the built-in policies
    List,
}

/// `sladd scan`
#[derive(Args, Debug)]
pub struct ScanArgs {
    /// Files and directories (plain, gzip, zstd, bzip2 and xz by their first bytes); `-` or nothing is standard input
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// What this policy lets stand (addresses cut to its prefixes, pseudonyms, exempt networks, kept fields) is no finding
    #[arg(short, long, value_name = "NAME|FILE")]
    policy: Option<String>,
    /// Attribute what is found to fields by reading the lines in this format (default: the policy's); may be repeated, tried in order
    #[arg(short, long, value_name = "FORMAT")]
    format: Vec<String>,
    /// End with code 1 only if something of these kinds was found (a list: email,ipv4; default: every kind that identifies)
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = str::parse::<Kind>)]
    fail_on: Vec<Kind>,
    /// Show the shape of the first values: letters as x, digits as 9
    #[arg(long)]
    show: bool,
    /// How the report is written
    #[arg(long, value_name = "FORM", default_value = "table")]
    output: ReportArg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ReportArg {
    /// A row for each kind, field and file
    Table,
    /// One JSON object
    Json,
    /// SARIF 2.1.0
    Sarif,
}

/// `sladd store`
#[derive(Args, Debug)]
#[command(after_help = STORE_CODES)]
pub struct StoreArgs {
    #[command(subcommand)]
    what: StoreCommand,
}

const STORE_CODES: &str = "Exit codes: 0 done, 1 something is wrong (verify), or has to be looked at (sweep: a hold whose day has come, \
a file of which nobody can say when it is due), 74 (sweep) something that is due could not be deleted";

/// Which store.
#[derive(Args, Clone, Debug)]
pub struct StorePlace {
    /// The store's directory
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    /// The policy whose [[output]] store is meant; for sweep also the one in force, whose shorter durations count and whose keys that are due are destroyed
    #[arg(short, long, value_name = "FILE")]
    policy: Option<String>,
}

#[derive(Debug, Subcommand)]
enum StoreCommand {
    /// List what is kept: class, day, when it must be gone, how much, and what holds it
    List {
        #[command(flatten)]
        place: StorePlace,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Find every byte, line, segment or manifest that was changed, lost, swapped or added
    Verify {
        #[command(flatten)]
        place: StorePlace,
        /// The file that keys are wrapped with, to open what is sealed (default: that of the policy, if it can be read)
        #[arg(long, value_name = "FILE")]
        wrap: Option<PathBuf>,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Delete what is due and not held, and write down what the system said; under a policy also keys and sealed lines
    Sweep {
        #[command(flatten)]
        place: StorePlace,
        /// The day or the time to reckon with, as 2026-11-21 or 2026-11-21T10:00:00Z (default: the system's clock, unless it may be wrong)
        #[arg(long, value_name = "TIME")]
        now: Option<String>,
        /// Delete nothing: say what would be
        #[arg(long)]
        dry_run: bool,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Write the records of closed segments to standard output, as they were kept
    Read {
        /// The store's directory
        #[arg(value_name = "DIR")]
        directory: PathBuf,
        /// The file that keys are wrapped with, where segments are sealed
        #[arg(long, value_name = "FILE")]
        wrap: Option<PathBuf>,
        /// Only this tenant's, or `own` for those of nobody; may be repeated (default: everybody's)
        #[arg(long, value_name = "NAME")]
        tenant: Vec<String>,
        /// Only this class; may be repeated (default: all)
        #[arg(long, value_name = "CLASS")]
        class: Vec<String>,
        /// The first day of records, YYYY-MM-DD (default: from the beginning)
        #[arg(long, value_name = "DATE")]
        from: Option<String>,
        /// The last day of records, YYYY-MM-DD (default: without end)
        #[arg(long, value_name = "DATE")]
        to: Option<String>,
    },
    /// Say what must stay although it is due
    Hold {
        #[command(subcommand)]
        what: HoldCommand,
    },
    /// Say that the relationship with a tenant ends: what lives until so long after it goes on time
    Tenant {
        #[command(subcommand)]
        what: TenantCommand,
    },
    /// The log of what was done
    Audit {
        #[command(subcommand)]
        what: StoreAuditCommand,
    },
}

#[derive(Debug, Subcommand)]
enum HoldCommand {
    /// Keep records of some classes and days, whatever their age, until the hold is released
    Add {
        /// The store's directory
        #[arg(value_name = "DIR")]
        directory: PathBuf,
        /// What the hold is called: the number of the case or the order; it stands in the audit log
        #[arg(long, value_name = "TEXT")]
        reference: String,
        /// Who asked for it; it stands in the audit log
        #[arg(long, value_name = "TEXT")]
        authority: String,
        /// Only this tenant's, or `own` for those of nobody; may be repeated (default: everybody's)
        #[arg(long, value_name = "NAME")]
        tenant: Vec<String>,
        /// Only this class; may be repeated (default: all)
        #[arg(long, value_name = "CLASS")]
        class: Vec<String>,
        /// The first day of records, YYYY-MM-DD (default: from the beginning)
        #[arg(long, value_name = "DATE")]
        from: Option<String>,
        /// The last day of records, YYYY-MM-DD (default: without end)
        #[arg(long, value_name = "DATE")]
        to: Option<String>,
        /// When it has to be looked at again: from that day on each sweep says so and ends with 1; it still holds
        #[arg(long, value_name = "DATE")]
        expires: String,
    },
    /// End a hold; what it held and is due goes with the next sweep
    Release {
        /// The store's directory
        #[arg(value_name = "DIR")]
        directory: PathBuf,
        /// As it was added
        #[arg(long, value_name = "TEXT")]
        reference: String,
    },
    /// List what holds
    List {
        /// The store's directory
        #[arg(value_name = "DIR")]
        directory: PathBuf,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
enum TenantCommand {
    /// The relationship ends, or has ended, on a day; from it is reckoned what is kept until "end of relationship + 3 months"
    End {
        /// The tenant's name in the policy
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        place: StorePlace,
        /// The day, YYYY-MM-DD; what was said before is replaced
        #[arg(long, value_name = "DATE")]
        date: String,
    },
    /// The relationship goes on after all; what is deleted already stays so
    Resume {
        /// The tenant's name
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        place: StorePlace,
    },
    /// List the tenants whose relationship ends or has ended
    List {
        #[command(flatten)]
        place: StorePlace,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
enum StoreAuditCommand {
    /// Read it from end to end and say what is wrong with it
    Verify {
        /// The store's directory, or one of keys
        #[arg(value_name = "DIR")]
        directory: PathBuf,
        /// A head that was noted down before: the log must go through it
        #[arg(long, value_name = "HEAD")]
        head: Option<String>,
    },
}

/// `sladd test`
#[derive(Args, Debug)]
pub struct TestArgs {
    /// A built-in policy's name or a file
    #[arg(value_name = "NAME|FILE")]
    policy: String,
}

/// `sladd attest`
#[derive(Args, Debug)]
pub struct AttestArgs {
    /// What is published: [[claim]] tables, each with id, sentence and claim
    #[arg(long, value_name = "FILE")]
    claims: PathBuf,
    /// The policy that is to make it true: a built-in's name or a file
    #[arg(short, long, value_name = "NAME|FILE")]
    policy: String,
    /// Look also at what lies in this store, which an output of the policy writes, and at the policy's keys; each store once
    #[arg(long, value_name = "DIRECTORY")]
    store: Vec<PathBuf>,
    /// With --store: the day or the time to reckon with, as 2026-11-21 or 2026-11-21T10:00:00Z (default: the system's clock)
    #[arg(long, value_name = "TIME", requires = "store")]
    now: Option<String>,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// `sladd import`
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// nginx.conf, apache2.conf or httpd.conf, or the directory it is in; includes are followed
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Write the policy to this file (created 0640) instead of standard output
    #[arg(short = 'o', long = "file", value_name = "FILE")]
    file: Option<PathBuf>,
    /// Replace the file if it is there
    #[arg(long, requires = "file")]
    force: bool,
    /// The policy's name (default: nginx or apache, web for both)
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Whose configuration it is, where its file name does not say so
    #[arg(long, value_name = "SERVER")]
    server: Option<ServerArg>,
    /// What standard output gets: the policy, or one JSON object with policy, formats, logs and warnings
    #[arg(long, value_name = "FORM", default_value = "text")]
    output: ImportOutput,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ServerArg {
    /// nginx.conf
    Nginx,
    /// apache2.conf, httpd.conf
    Apache,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ImportOutput {
    /// The policy
    Text,
    /// One JSON object
    Json,
}

/// `sladd key`
#[derive(Args, Debug)]
#[command(
    after_help = "Keys are made and destroyed by every run without this command; what it does stands in audit.log beside the keys. It never asks where its input is no terminal."
)]
pub struct KeyArgs {
    #[command(subcommand)]
    what: KeyCommand,
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// List the keys there are and those that are destroyed
    List {
        #[command(flatten)]
        place: KeyPlace,
    },
    /// Make a key before a run does
    New {
        /// The epoch, as 2026-11-20 for a day (default: the present one)
        #[arg(value_name = "EPOCH")]
        epoch: Option<String>,
        #[command(flatten)]
        place: KeyPlace,
    },
    /// Destroy keys for good: overwritten, removed, never made again
    Destroy {
        /// Epochs, as 2026-11-20 for a day
        #[arg(value_name = "EPOCH", required = true)]
        epochs: Vec<String>,
        /// Do not ask at a terminal
        #[arg(short, long)]
        yes: bool,
        #[command(flatten)]
        place: KeyPlace,
    },
    /// Write keys for another host, sealed so that only that host can open them (age format)
    Export {
        /// Epochs, as 2026-11-20 for a day
        #[arg(value_name = "EPOCH", required = true)]
        epochs: Vec<String>,
        /// For whom: age1…, what `sladd key identity` or `age-keygen` printed there
        #[arg(long, value_name = "RECIPIENT")]
        to: String,
        /// Into this file (created 0600) instead of standard output
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        #[command(flatten)]
        place: KeyPlace,
    },
    /// Take over keys that another host exported for this one
    Import {
        /// What was exported; `-` is standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The identity that it was sealed to: a file as `sladd key identity` writes it
        #[arg(short, long, value_name = "FILE")]
        identity: PathBuf,
        #[command(flatten)]
        place: KeyPlace,
    },
    /// Make an identity to which other hosts can seal, and print its recipient
    Identity {
        /// The file to write (created 0400), or one that is there
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Destroy what is due under the policy, and have the present key: what happens by itself, now; a clock that jumped is believed
    Rotate {
        /// The policy that says how long keys live
        #[arg(short, long, value_name = "NAME|FILE")]
        policy: String,
        /// Instead, wrap the keys that lie in the open with the file that the policy names as `wrap`
        #[arg(long)]
        wrap: bool,
        /// With --wrap: the file that they were wrapped with before
        #[arg(long, value_name = "FILE")]
        old_wrap: Option<PathBuf>,
        /// Write one JSON object
        #[arg(long)]
        json: bool,
    },
}

/// Whose keys.
#[derive(Args, Clone, Debug)]
pub struct KeyPlace {
    /// The policy whose keys they are
    #[arg(short, long, value_name = "NAME|FILE", conflicts_with = "directory")]
    policy: Option<String>,
    /// The key directory itself
    #[arg(short, long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
}

/// `sladd generate`
#[derive(Args, Debug)]
#[command(
    override_usage = "sladd generate man [DIR] | completions SHELL | list | NAME [DIR]",
    after_help = "`sladd generate NAME` prints a set-up that `sladd generate list` names, such as systemd, nginx or pod; with DIR its files are written there, and never over others"
)]
pub struct GenerateArgs {
    #[command(subcommand)]
    what: GenerateCommand,
}

#[derive(Debug, Subcommand)]
enum GenerateCommand {
    /// Man pages, one a command, into a directory
    Man {
        /// The directory, created if it is not there
        #[arg(value_name = "DIR", default_value = ".")]
        directory: PathBuf,
    },
    /// A shell's completions, on standard output
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
    /// List the set-ups that NAME can be: units, snippets for servers and shippers, policies with wiring
    List,
    /// `sladd generate NAME [DIR]`
    #[command(external_subcommand)]
    Setup(Vec<String>),
}
