//! `[[detect]]` and `[keep_text]`: what a policy adds to the detectors, and what it keeps from them.

use super::{Code, Report, Table, quoted};
use crate::{
    detect::{Fixed, compile},
    policy::{
        Detect, KeepText,
        raw::{At, Keys},
    },
};

pub(in crate::policy) const DETECT: Keys = Keys { known: &["name", "pattern", "replacement"], later: &[] };
pub(in crate::policy) const KEEP_TEXT: Keys = Keys { known: &["patterns", "reason"], later: &[] };

/// How many patterns a policy may have of each sort: every one reads all text once more.
const MOST: usize = 32;

pub(super) fn detect(top: &Table<'_>, report: &mut Report) -> Option<At<Vec<Detect>>> {
    let tables = top.tables("detect", "[[detect]]", DETECT, report)?;
    let mut all: Vec<Detect> = Vec::new();
    for table in &tables.value {
        let name = table.needed_text("name", report);
        let pattern = table.needed_text("pattern", report);
        let replacement = table.text("replacement", report);
        let Some(name) = name else { continue };
        let plain = name.value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !plain || !(1..=32).contains(&name.value.len()) {
            let message = format!("{} is not a name", quoted(name.value));
            report.helped(Code::BadValue, name.span, message, "write small letters, digits and `_`, at most 32");
            continue;
        }
        if all.iter().any(|other| *other.name == *name.value) {
            report.add(Code::BadValue, name.span, format!("{} stands above", quoted(name.value)));
            continue;
        }
        let fixed = match &replacement {
            Some(written) => Fixed::new(written.value),
            None => Fixed::new("[id]"),
        };
        if fixed.is_none() {
            let at = replacement.as_ref().map_or(table.span.clone(), |written| written.span.clone());
            let message = format!("{} cannot stand in a log", quoted(replacement.as_ref().map_or("", |at| at.value)));
            let most = Fixed::LONGEST;
            report.helped(
                Code::BadReplacement,
                at,
                message,
                format!("write at most {most} letters, digits, `-`, `_` and `.`, perhaps in brackets: \"[customer]\""),
            );
        }
        let pattern = pattern.filter(|pattern| compiles(pattern, report));
        if let (Some(pattern), Some(_)) = (pattern, fixed) {
            let replacement = replacement.map_or("[id]", |written| written.value);
            all.push(Detect {
                name: name.value.into(),
                pattern: pattern.value.into(),
                replacement: replacement.into(),
            });
        }
    }
    count(all.len(), &tables, "[[detect]]", report);
    Some(At { value: all, span: tables.span })
}

pub(super) fn keep_text(top: &Table<'_>, report: &mut Report) -> Option<At<KeepText>> {
    let table = top.table("keep_text", "[keep_text]", KEEP_TEXT, report)?;
    table.need("patterns", report);
    let patterns = table.texts("patterns", report);
    let reason = table.text("reason", report);
    if reason.as_ref().is_none_or(|reason| reason.value.trim().is_empty()) {
        report.helped(
            Code::NeedsReason,
            table.span.clone(),
            "[keep_text] lets text pass unread and needs a reason",
            "add reason = \"…\": it stands in `explain`",
        );
    }
    let patterns = patterns?;
    if patterns.value.is_empty() {
        report.add(Code::BadExpression, patterns.span.clone(), "`patterns` names none");
    }
    count(patterns.value.len(), &patterns, "`patterns`", report);
    let sound: Vec<Box<str>> =
        patterns.value.iter().filter(|pattern| compiles(pattern, report)).map(|pattern| pattern.value.into()).collect();
    Some(At { value: KeepText { patterns: sound, reason: reason?.value.into() }, span: table.span })
}

fn compiles(pattern: &At<&str>, report: &mut Report) -> bool {
    match compile(pattern.value) {
        Ok(_) => true,
        Err(fault) => {
            report.helped(
                Code::BadExpression,
                pattern.span.clone(),
                fault,
                "write a regular expression on bytes, without references back and looking around",
            );
            false
        }
    }
}

fn count<T>(count: usize, at: &At<T>, called: &str, report: &mut Report) {
    if count > MOST {
        let message = format!("{called} has {count} patterns: every one reads all text once more");
        report.helped(Code::NumberRange, at.span.clone(), message, format!("write at most {MOST}"));
    }
}
