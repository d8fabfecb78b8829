//! `[keys]`, `[[example]]` and format names.

use super::{Code, Example, Keep, KeyMode, Period, Range, Report, Table, Wrap, choice, quoted, suggest, words};
use crate::format::{self, Parse};
use crate::policy::raw::{At, Keys};
use std::path::PathBuf;

pub(in crate::policy) const KEYS: Keys =
    Keys { known: &["directory", "epoch", "keep", "mode", "wrap"], later: &["seal"] };
pub(in crate::policy) const EXAMPLE: Keys = Keys { known: &["line", "format", "gone", "kept"], later: &[] };

/// `[keys]` as written.
#[derive(Clone, Debug, Default)]
pub(super) struct WrittenKeys {
    pub(super) directory: Option<PathBuf>,
    pub(super) epoch: Option<Period>,
    pub(super) keep: Option<Keep>,
    pub(super) wrap: Option<Wrap>,
    pub(super) mode: Option<KeyMode>,
    mode_span: Range<usize>,
    epoch_span: Range<usize>,
    keep_span: Range<usize>,
}

impl WrittenKeys {
    pub(super) fn span_of(&self, subject: &str) -> Range<usize> {
        match subject {
            "keys.epoch" => self.epoch_span.clone(),
            "keys.mode" => self.mode_span.clone(),
            _ => self.keep_span.clone(),
        }
    }
}

pub(super) fn keys(top: &Table<'_>, report: &mut Report) -> WrittenKeys {
    let mut written = WrittenKeys::default();
    let Some(table) = top.table("keys", "[keys]", KEYS, report) else { return written };
    written.directory = table.text("directory", report).and_then(|directory| {
        if !words::is_absolute(directory.value) {
            report.helped(
                Code::RelativeDirectory,
                directory.span,
                format!("{} is not an absolute path", quoted(directory.value)),
                "write it from the root, without . and .., for example \"/var/lib/sladd/keys\"",
            );
            return None;
        }
        Some(PathBuf::from(directory.value))
    });
    if let Some(mode) = choice(&table, "mode", &[("random", KeyMode::Random), ("ratchet", KeyMode::Ratchet)], report) {
        if mode.value == KeyMode::Ratchet && !table.has("directory") {
            report.helped(
                Code::MissingKey,
                mode.span.clone(),
                "`mode = \"ratchet\"` needs `directory`: keys that die with a run follow from nothing",
                "add directory = \"/var/lib/sladd/keys\", or leave `mode` out",
            );
        }
        (written.mode, written.mode_span) = (Some(mode.value), mode.span);
    }
    written.wrap = table.text("wrap", report).and_then(|wrap| self::wrap(&wrap, report));
    if let Some(epoch) = table.text("epoch", report) {
        written.epoch = epoch.value.parse().ok();
        if written.epoch.is_none() {
            report.helped(
                Code::BadDuration,
                epoch.span.clone(),
                format!("{} is not a key's period", quoted(epoch.value)),
                "write \"1 hour\", \"1 day\", \"1 week\", \"1 month\" or \"1 year\"",
            );
        }
        written.epoch_span = epoch.span;
    }
    if let Some(keep) = table.text("keep", report) {
        written.keep = words::keep(&keep, report);
        written.keep_span = keep.span;
    }
    written
}

/// `/etc/sladd/wrap.key` or `credential:NAME`.
fn wrap(written: &At<&str>, report: &mut Report) -> Option<Wrap> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    match written.value.strip_prefix("credential:") {
        Some(name) if (1..=64).contains(&name.len()) && name.bytes().all(is_name) && !name.starts_with('.') => {
            return Some(Wrap::Credential(name.into()));
        }
        None if words::is_absolute(written.value) => return Some(Wrap::File(PathBuf::from(written.value))),
        Some(_) | None => {}
    }
    report.helped(
        Code::RelativeDirectory,
        written.span.clone(),
        format!("{} names no file to wrap keys with", quoted(written.value)),
        "write an absolute path, for example \"/etc/sladd/wrap.key\", or \"credential:NAME\" for one that systemd hands over",
    );
    None
}

pub(super) fn examples(top: &Table<'_>, report: &mut Report) -> Vec<Example> {
    let Some(tables) = top.tables("example", "[[example]]", EXAMPLE, report) else { return Vec::new() };
    let mut examples = Vec::new();
    for table in tables.value {
        let line = table.needed_text("line", report);
        let format = format_of_example(&table, report);
        let mut texts = |key: &str| -> Vec<Box<str>> {
            let texts = table.texts(key, report).map_or_else(Vec::new, |at| at.value);
            for text in texts.iter().filter(|text| text.value.is_empty()) {
                report.add(Code::BadValue, text.span.clone(), "an empty text is in every line");
            }
            texts.iter().map(|text| text.value.into()).collect()
        };
        let (gone, kept) = (texts("gone"), texts("kept"));
        let Some(line) = line else { continue };
        if line.value.contains('\n') {
            report.add(Code::BadValue, line.span, "an example is one line");
            continue;
        }
        examples.push(Example { line: line.value.into(), format, gone, kept });
    }
    examples
}

fn format_of_example(table: &Table<'_>, report: &mut Report) -> Option<Box<str>> {
    let format = table.text("format", report)?;
    source_format(&format, report)
}

/// `[source] format`: a name or a directive, or a list of them.
pub(super) fn formats(source: &Table<'_>, report: &mut Report) -> Option<At<Vec<Box<str>>>> {
    let entry = source.entry("format")?;
    let written = crate::policy::raw::texts_of(entry.value, entry.span.clone(), "format", report)?;
    if written.is_empty() {
        report.add(Code::UnknownFormat, entry.span.clone(), "`format` names none");
        return None;
    }
    for (place, format) in written.iter().enumerate() {
        let last = place + 1 == written.len();
        if format.value == "auto" && written[place + 1..].iter().any(|after| after.value != "text") {
            report.helped(
                Code::FormatOrder,
                format.span.clone(),
                "`auto` tries every format that has a name: what stands after it may never be tried",
                "move it to the end",
            );
        } else if format.value == "text" && !last {
            report.helped(
                Code::FormatOrder,
                format.span.clone(),
                "`text` fits every line: the formats after it are never tried",
                "move it to the end",
            );
        }
        if written[..place].iter().any(|other| other.value == format.value) {
            report.add(Code::FormatOrder, format.span.clone(), format!("{} stands above", quoted(format.value)));
        }
    }
    let known: Option<Vec<Box<str>>> = written.iter().map(|format| source_format(format, report)).collect();
    Some(At { value: known?, span: entry.span })
}

fn source_format(format: &At<&str>, report: &mut Report) -> Option<Box<str>> {
    let word = format.value;
    if FORMATS.contains(&word) {
        return Some(word.into());
    }
    if LATER.contains(&word) {
        report.helped(
            Code::NotBuiltYet,
            format.span.clone(),
            format!("the format {} is not built yet in this version", quoted(word)),
            "`auto` keeps the scrubbed text of such lines until then",
        );
        return None;
    }
    match format::named(word) {
        Ok(_) => return Some(word.into()),
        Err(fault) if is_directive(word) => report.add(Code::UnknownFormat, format.span.clone(), fault.message),
        Err(_) => unknown_format(format, FORMATS.iter().copied(), report),
    }
    None
}

/// A server's own directive, as its configuration has it or behind the server's name.
fn is_directive(word: &str) -> bool {
    DIRECTIVES.iter().any(|start| word.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)))
}

/// `when = { format = … }`: rules may name formats that are still to come; they do not match until then. What would never
/// match is refused: a format is called by the name that its lines have.
pub(super) fn condition_format(format: &At<&str>, report: &mut Report) -> Option<Box<str>> {
    let word = format.value;
    if let Some(called) = other_name(word) {
        report.helped(
            Code::UnknownFormat,
            format.span.clone(),
            format!("no line's format is called {}", quoted(word)),
            called,
        );
        return None;
    }
    let mut known =
        CONDITIONS.iter().chain(LATER).copied().chain(FORMATS.iter().copied().filter(|name| *name != "auto"));
    if known.any(|name| name == word) {
        return Some(word.into());
    }
    let known = CONDITIONS.iter().chain(LATER).chain(FORMATS).copied().filter(|name| *name != "auto");
    unknown_format(format, known, report);
    None
}

/// What the lines of a format are called instead, where that is not what `word` says.
fn other_name(word: &str) -> Option<String> {
    if WRAPS.contains(&word) {
        return Some("in a rule a line is called by what stands in it: `json`, `combined`, `sshd`, …".to_owned());
    }
    let named = is_directive(word).then(|| format::named(word).ok()).flatten()?;
    let name = &named.schema().name;
    (**name != *word).then(|| format!("in a rule its lines are called `{name}`"))
}

fn unknown_format(format: &At<&str>, known: impl Iterator<Item = &'static str>, report: &mut Report) {
    let help = match suggest::nearest(format.value, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None if format.value.contains('$') => "an nginx log_format is written \"nginx:…\"".to_owned(),
        None if format.value.contains('%') => "an Apache LogFormat is written \"apache:…\"".to_owned(),
        None => format!("write {}, \"nginx:…\" or \"apache:…\"", suggest::list(FORMATS)),
    };
    report.helped(
        Code::UnknownFormat,
        format.span.clone(),
        format!("no format is called {}", quoted(format.value)),
        help,
    );
}

/// The formats that this version reads.
pub(in crate::policy) const FORMATS: &[&str] = format::NAMES;
const DIRECTIVES: &[&str] = &["nginx:", "apache:", "log_format ", "LogFormat ", "CustomLog "];
/// What else lines are called in a rule: those of a directive, and those that `auto` finds with something behind them.
const CONDITIONS: &[&str] = &["nginx", "apache", "vhost_combined_extended", "vhost_common_extended"];
/// JSON that holds lines of other formats. What is in no format behind another envelope is called by that: `syslog`, `cri`.
const WRAPS: &[&str] = &["docker", "journald"];
/// The formats that a later version will.
const LATER: &[&str] = &["ftp"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_in_a_rule_is_one_that_lines_have() {
        for name in FORMATS.iter().filter(|name| **name != "auto") {
            let named = format::named(name).is_ok_and(|format| *format.schema().name == **name);
            let envelope = format::envelope::NAMES.contains(name);
            assert_ne!(named || envelope, WRAPS.contains(name), "{name}");
            assert_eq!(other_name(name).is_some(), WRAPS.contains(name), "{name}");
        }
        assert!(WRAPS.iter().all(|name| FORMATS.contains(name) && other_name(name).is_some()));
        assert!(CONDITIONS.iter().all(|name| other_name(name).is_none()));
    }
}
