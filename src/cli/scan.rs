//! `sladd scan`: what identifies people in existing files. Prints counts and places, never values.

use super::{ReportArg, ScanArgs, load};
use crate::{
    error::{Error, Kind as ErrorKind},
    judge::Kind,
    run::{
        scan::{Counts, Row, scan},
        witness::Witness,
    },
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::{self, File},
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Reads every file, prints the report, and says by its code whether something was found.
pub fn run(args: &ScanArgs) -> Result<ExitCode, Error> {
    let from_stdin = args.paths.is_empty();
    if from_stdin && io::stdin().is_terminal() {
        return Ok(super::help());
    }
    let policy = args.policy.as_deref().map(load::policy).transpose()?;
    let formats = match (&policy, args.format.is_empty()) {
        (Some(policy), true) => policy.source.formats.clone(),
        (_, _) => args.format.iter().map(|format| format.as_str().into()).collect(),
    };
    let mut report =
        Report { witness: Witness::new(policy.as_ref(), &formats)?, files: Vec::new(), errors: Vec::new() };
    match from_stdin {
        true => report.stdin(),
        false => args.paths.iter().for_each(|path| report.path(path, Named::ByUser)),
    }
    report.forget_progress();
    let text = match args.output {
        ReportArg::Table => report.table(args.show),
        ReportArg::Json => format!("{}\n", report.json(args.show)),
        ReportArg::Sarif => format!("{}\n", report.sarif()),
    };
    super::print(text.as_bytes())?;
    for error in &report.errors {
        super::complain(error);
    }
    // A report that is not whole says so before it says what was found.
    if let Some(error) = report.errors.first() {
        return Ok(ExitCode::from(error.kind().code()));
    }
    let met = report.totals().into_keys().any(|kind| match args.fail_on.is_empty() {
        true => kind.identifies(),
        false => args.fail_on.contains(&kind),
    });
    Ok(if met { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Whether a path was typed or found in a directory.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    ByUser,
    ByDirectory,
}

struct Report {
    witness: Witness,
    /// Names as typed or found, in order.
    files: Vec<(String, Counts)>,
    errors: Vec<Error>,
}

impl Report {
    fn path(&mut self, path: &Path, named: Named) {
        if path == Path::new("-") && named == Named::ByUser {
            return self.stdin();
        }
        // A link inside a directory may lead in circles or out of it.
        let found = match named {
            Named::ByUser => fs::metadata(path),
            Named::ByDirectory => fs::symlink_metadata(path),
        };
        match found {
            Err(error) => self.errors.push(cannot_read(path, &error)),
            Ok(found) if found.is_dir() => self.directory(path),
            Ok(found) if found.is_file() || named == Named::ByUser => self.file(path),
            Ok(_) => {}
        }
    }

    fn directory(&mut self, path: &Path) {
        let entries = fs::read_dir(path).and_then(|entries| {
            entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<PathBuf>>>()
        });
        match entries {
            Err(error) => self.errors.push(cannot_read(path, &error)),
            Ok(mut entries) => {
                entries.sort();
                entries.iter().for_each(|entry| self.path(entry, Named::ByDirectory));
            }
        }
    }

    fn file(&mut self, path: &Path) {
        let name = path.to_string_lossy().into_owned();
        self.progress(&name);
        match File::open(path) {
            Err(error) => self.errors.push(cannot_read(path, &error)),
            Ok(file) => self.input(name, file),
        }
    }

    fn stdin(&mut self) {
        self.input("-".to_owned(), io::stdin().lock());
    }

    fn input(&mut self, name: String, input: impl io::Read) {
        let mut counts = Counts::default();
        if let Err(error) = scan(input, &mut self.witness, &mut counts) {
            let path = if name == "-" { Path::new("standard input") } else { Path::new(&name) };
            self.errors.push(cannot_read(path, &error));
        }
        self.files.push((name, counts));
    }

    fn rows(&self) -> impl Iterator<Item = (&str, Kind, &str, &Row)> {
        self.files.iter().flat_map(|(file, counts)| {
            let row = move |((kind, field), row)| (&**file, kind, field, row);
            counts.rows.iter().map(|((kind, field), row)| ((*kind, field.as_deref().unwrap_or("-")), row)).map(row)
        })
    }

    fn totals(&self) -> BTreeMap<Kind, u64> {
        let mut totals = BTreeMap::new();
        self.rows().for_each(|(_, kind, _, row)| *totals.entry(kind).or_default() += row.hits);
        totals
    }

    fn table(&self, show: bool) -> String {
        let mut rows = vec![["kind", "field", "file", "hits", "first lines"].map(str::to_owned).to_vec()];
        if show {
            rows[0].push("shapes".to_owned());
        }
        for (file, kind, field, row) in self.rows() {
            let more = if row.hits as usize > row.lines.len() { ", …" } else { "" };
            let lines: Vec<String> = row.lines.iter().map(u64::to_string).collect();
            let mut cells = vec![
                kind.to_string(),
                printable(field),
                printable(file),
                row.hits.to_string(),
                lines.join(", ") + more,
            ];
            if show {
                cells.push(row.shapes.iter().map(|shape| shape.as_str()).collect::<Vec<_>>().join("  "));
            }
            rows.push(cells);
        }
        let mut text = String::new();
        if rows.len() > 1 {
            let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
            let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
            for row in &rows {
                let line: String = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}  ")).collect();
                text.push_str(line.trim_end());
                text.push('\n');
            }
            text.push('\n');
        }
        let (lines, hits) = (self.lines(), self.totals().values().sum::<u64>());
        let files = self.files.len();
        writeln!(text, "{hits} found in {lines} lines of {files} {}", if files == 1 { "file" } else { "files" })
            .expect("a string takes all");
        for (kind, count) in self.totals() {
            writeln!(text, "  {count:>8}  {kind}: {}", kind.description()).expect("a string takes all");
        }
        text
    }

    fn lines(&self) -> u64 {
        self.files.iter().map(|(_, counts)| counts.lines).sum()
    }

    fn json(&self, show: bool) -> Value {
        let findings = self.rows().map(|(file, kind, field, row)| {
            let field = if field == "-" { Value::Null } else { json!(field) };
            let mut finding =
                json!({"kind": kind.name(), "field": field, "file": file, "hits": row.hits, "first_lines": row.lines});
            if show {
                finding["shapes"] = row.shapes.iter().map(|shape| json!(shape.as_str())).collect();
            }
            finding
        });
        let totals: serde_json::Map<String, Value> =
            self.totals().into_iter().map(|(kind, hits)| (kind.name().to_owned(), json!(hits))).collect();
        json!({
            "files": self.files.len(),
            "lines": self.lines(),
            "bytes": self.files.iter().map(|(_, counts)| counts.bytes).sum::<u64>(),
            "kinds": totals,
            "findings": findings.collect::<Vec<_>>(),
            "errors": self.errors.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    }

    /// One result for each of the first lines: a place and a kind, no text of the line.
    fn sarif(&self) -> Value {
        let rules: Vec<Value> = Kind::ALL
            .iter()
            .map(|kind| {
                json!({
                    "id": kind.name(),
                    "shortDescription": {"text": kind.description()},
                    "defaultConfiguration": {"level": level(*kind)},
                })
            })
            .collect();
        let results = self.rows().flat_map(|(file, kind, field, row)| {
            let place = if field == "-" { String::new() } else { format!(" in {field}") };
            let rule = Kind::ALL.iter().position(|known| *known == kind);
            row.lines.iter().map(move |line| {
                json!({
                    "ruleId": kind.name(),
                    "ruleIndex": rule,
                    "level": level(kind),
                    "message": {"text": format!("{}{place}; {} in this file", kind.description(), row.hits)},
                    "locations": [{"physicalLocation": {
                        "artifactLocation": {"uri": uri(file)},
                        "region": {"startLine": line},
                    }}],
                })
            })
        });
        let notes: Vec<Value> =
            self.errors.iter().map(|error| json!({"level": "error", "message": {"text": error.to_string()}})).collect();
        json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": {"driver": {"name": "sladd", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
                "invocations": [{
                    "executionSuccessful": self.errors.is_empty(),
                    "toolExecutionNotifications": notes,
                }],
                "results": results.collect::<Vec<_>>(),
            }],
        })
    }

    /// On a terminal the file at hand; elsewhere nothing.
    fn progress(&self, name: &str) {
        if io::stderr().is_terminal() {
            crate::run::say_text!("\r\x1b[K{} files read, now {}", self.files.len(), printable(name));
        }
    }

    fn forget_progress(&self) {
        if io::stderr().is_terminal() {
            crate::run::say_text!("\r\x1b[K");
        }
    }
}

fn level(kind: Kind) -> &'static str {
    if kind.identifies() { "error" } else { "note" }
}

/// A file's name as a relative or absolute URI reference.
fn uri(file: &str) -> String {
    let file = if file == "-" { "stdin" } else { file };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/');
    let path: String = file
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    if path.starts_with('/') { format!("file://{path}") } else { path }
}

/// Safe on a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if super::bulk::is_shown(c) { c } else { '?' }).collect()
}

fn cannot_read(path: &Path, error: &io::Error) -> Error {
    let cannot =
        |kind, what: &str| Error::new(kind, format!("cannot read {}: {what}", printable(&path.to_string_lossy())));
    match error.kind() {
        io::ErrorKind::NotFound => cannot(ErrorKind::NoInput, "there is no such file"),
        io::ErrorKind::PermissionDenied => cannot(ErrorKind::Permission, "no permission to read it"),
        io::ErrorKind::Unsupported if error.raw_os_error().is_none() => {
            cannot(ErrorKind::Data, &format!("it is packed with {error}, which scan does not read; unpack it first"))
        }
        // What the system did not say, the decompressor did.
        _ if error.raw_os_error().is_none() => {
            cannot(ErrorKind::Data, "its compressed data is damaged or cut off; what comes before that is counted")
        }
        _ => cannot(ErrorKind::Io, &error.to_string()),
    }
}
