//! The policy as written: tables of TOML in which every key and every value knows where it stands.
//!
//! Nothing here knows what a key means; it knows which keys a table may have and of what type a value is, and reports the
//! rest. Whoever reads a table names its keys once, so that no key can pass unread.

use super::{
    finding::{Code, Finding, SECRET},
    suggest,
};
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// Collects findings.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) findings: Vec<Finding>,
}

impl Report {
    pub(super) fn add(&mut self, code: Code, span: Range<usize>, message: impl Into<String>) {
        self.findings.push(Finding::new(code, span, message));
    }

    pub(super) fn helped(
        &mut self,
        code: Code,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.findings.push(Finding { help: Some(help.into()), ..Finding::new(code, span, message) });
    }

    pub(super) fn has_errors(&self) -> bool {
        self.findings.iter().any(Finding::is_error)
    }
}

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

/// Reads the text of a policy. What is not TOML is reported; the rest is there all the same.
pub(super) fn read<'t>(text: &'t str, report: &mut Report) -> DeTable<'t> {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let span = error.span().unwrap_or(text.len()..text.len());
        report.add(Code::Syntax, span, format!("not TOML: {}", error.message().replace('\n', "; ")));
    }
    table.into_inner()
}

/// A key, the place of the key, the value and its place.
pub(super) struct Entry<'a> {
    pub(super) key: &'a str,
    pub(super) key_span: Range<usize>,
    pub(super) value: &'a DeValue<'a>,
    pub(super) span: Range<usize>,
}

/// One table and what it is called in messages.
#[derive(Clone)]
pub(super) struct Table<'a> {
    table: &'a DeTable<'a>,
    pub(super) span: Range<usize>,
    called: &'static str,
}

/// The keys that a table may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys {
    /// Those that this version reads.
    pub(super) known: &'static [&'static str],
    /// Those that a later version will.
    pub(super) later: &'static [&'static str],
}

impl<'a> Table<'a> {
    /// A table of which all keys are read one by one: keys that are not known are reported here.
    pub(super) fn new(
        table: &'a DeTable<'a>,
        span: Range<usize>,
        called: &'static str,
        keys: Keys,
        report: &mut Report,
    ) -> Self {
        let table = Table { table, span, called };
        for entry in table.entries() {
            if keys.known.contains(&entry.key) {
                continue;
            }
            let key = quoted(entry.key);
            if keys.later.contains(&entry.key) {
                report.helped(
                    Code::NotBuiltYet,
                    entry.key_span,
                    format!("{key} is not built yet in this version"),
                    LEAVE,
                );
            } else {
                let help = suggest::help(entry.key, keys.known);
                report.helped(Code::UnknownKey, entry.key_span, format!("unknown key {key} in {called}"), help);
            }
        }
        table
    }

    /// A table whose keys are names that the user chooses.
    pub(super) fn open(table: &'a DeTable<'a>, span: Range<usize>, called: &'static str) -> Self {
        Table { table, span, called }
    }

    /// All entries, in the order written.
    pub(super) fn entries(&self) -> Vec<Entry<'a>> {
        let mut entries: Vec<Entry<'a>> = self
            .table
            .iter()
            .map(|(key, value)| Entry {
                key: key.get_ref(),
                key_span: key.span(),
                value: value.get_ref(),
                span: value.span(),
            })
            .collect();
        entries.sort_by_key(|entry| entry.key_span.start);
        entries
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    pub(super) fn entry(&self, key: &str) -> Option<Entry<'a>> {
        self.table.get_key_value(key).map(|(key, value)| Entry {
            key: key.get_ref(),
            key_span: key.span(),
            value: value.get_ref(),
            span: value.span(),
        })
    }

    /// A string.
    pub(super) fn text(&self, key: &str, report: &mut Report) -> Option<At<&'a str>> {
        let entry = self.entry(key)?;
        match entry.value {
            DeValue::String(text) => Some(At { value: text, span: entry.span }),
            other => self.wrong(&entry, "a string", other, report),
        }
    }

    /// A string that must be there.
    pub(super) fn needed_text(&self, key: &str, report: &mut Report) -> Option<At<&'a str>> {
        self.need(key, report);
        self.text(key, report)
    }

    /// Reports a missing key.
    pub(super) fn need(&self, key: &str, report: &mut Report) {
        if !self.has(key) {
            report.add(Code::MissingKey, self.span.clone(), format!("{} needs {}", self.called, quoted(key)));
        }
    }

    /// An integer.
    pub(super) fn number(&self, key: &str, report: &mut Report) -> Option<At<i64>> {
        let entry = self.entry(key)?;
        match entry.value {
            // What does not fit is as far out of every range as can be.
            DeValue::Integer(number) => {
                let value = i64::from_str_radix(number.as_str(), number.radix()).unwrap_or(i64::MAX);
                Some(At { value, span: entry.span })
            }
            other => self.wrong(&entry, "a whole number", other, report),
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, key: &str, report: &mut Report) -> Option<bool> {
        let entry = self.entry(key)?;
        match entry.value {
            DeValue::Boolean(flag) => Some(*flag),
            other => self.wrong(&entry, "true or false", other, report),
        }
    }

    /// A list of strings.
    pub(super) fn texts(&self, key: &str, report: &mut Report) -> Option<At<Vec<At<&'a str>>>> {
        let entry = self.entry(key)?;
        match entry.value {
            DeValue::Array(_) => {
                Some(At { value: texts_of(entry.value, entry.span.clone(), key, report)?, span: entry.span })
            }
            other => self.wrong(&entry, "a list of strings", other, report),
        }
    }

    /// A table.
    pub(super) fn table(&self, key: &str, called: &'static str, keys: Keys, report: &mut Report) -> Option<Table<'a>> {
        let (table, span) = self.inner(key, report)?;
        Some(Table::new(table, span, called, keys, report))
    }

    /// A table whose keys the user chooses.
    pub(super) fn open_table(&self, key: &str, called: &'static str, report: &mut Report) -> Option<Table<'a>> {
        let (table, span) = self.inner(key, report)?;
        Some(Table::open(table, span, called))
    }

    /// A list of tables, `[[key]]`.
    pub(super) fn tables(
        &self,
        key: &str,
        called: &'static str,
        keys: Keys,
        report: &mut Report,
    ) -> Option<At<Vec<Table<'a>>>> {
        let entry = self.entry(key)?;
        let list = match entry.value {
            DeValue::Array(list) => list,
            other => return self.wrong(&entry, called, other, report),
        };
        let mut tables = Vec::new();
        for item in list.iter() {
            match item.get_ref() {
                DeValue::Table(table) => tables.push(Table::new(table, item.span(), called, keys, report)),
                other => report.add(
                    Code::WrongType,
                    item.span(),
                    format!("{called} should be a table, not {}", type_name(other)),
                ),
            }
        }
        Some(At { value: tables, span: entry.span })
    }

    fn inner(&self, key: &str, report: &mut Report) -> Option<(&'a DeTable<'a>, Range<usize>)> {
        let entry = self.entry(key)?;
        match entry.value {
            DeValue::Table(table) => Some((table, entry.span)),
            other => self.wrong(&entry, "a table", other, report),
        }
    }

    fn wrong<T>(&self, entry: &Entry<'_>, wanted: &str, found: &DeValue<'_>, report: &mut Report) -> Option<T> {
        let key = quoted(entry.key);
        report.add(
            Code::WrongType,
            entry.span.clone(),
            format!("{key} in {} should be {wanted}, not {}", self.called, type_name(found)),
        );
        None
    }
}

/// A string or a list of strings, as a list.
pub(super) fn texts_of<'a>(
    value: &'a DeValue<'a>,
    span: Range<usize>,
    key: &str,
    report: &mut Report,
) -> Option<Vec<At<&'a str>>> {
    let list = match value {
        DeValue::String(text) => return Some(vec![At { value: text, span }]),
        DeValue::Array(list) => list,
        other => {
            let message = format!("{} should be a string or a list of strings, not {}", quoted(key), type_name(other));
            report.add(Code::WrongType, span, message);
            return None;
        }
    };
    let mut texts = Vec::new();
    for item in list.iter() {
        match item.get_ref() {
            DeValue::String(text) => texts.push(At { value: &**text, span: item.span() }),
            other => {
                let message = format!("{} should hold strings, not {}", quoted(key), type_name(other));
                report.add(Code::WrongType, item.span(), message);
            }
        }
    }
    Some(texts)
}

/// A word of the user's between back ticks, cut where it is long, without control characters.
///
/// What opens sealed lines is not shown, wherever somebody pasted it.
pub(super) fn quoted(word: &str) -> String {
    if word.to_ascii_uppercase().contains(SECRET) {
        return format!("`{SECRET}…`");
    }
    let mut shown: String =
        word.chars().take(LONGEST_SHOWN).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if word.chars().nth(LONGEST_SHOWN).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// The type of a value, with its article.
pub(super) fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

const LONGEST_SHOWN: usize = 64;
const LEAVE: &str = "leave it out until then";
