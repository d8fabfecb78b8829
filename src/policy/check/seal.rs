//! `[seal]`: to whom lines are sealed that nobody here may read, where they are kept, and for how long.

use super::{Code, Range, Report, Table, quoted, wiring, words};
use crate::{
    policy::{
        Class, Keys as KeyTerms, MOST_SEALED_DAYS, Seal, Wiring,
        finding::SECRET,
        raw::{At, Keys, texts_of},
        wiring::{From, To},
    },
    retention::{Keep, Life},
    seal::Recipient,
};
use std::path::{Path, PathBuf};
use toml::de::DeValue;

pub(in crate::policy) const SEAL: Keys = Keys { known: &["recipient", "directory", "limit", "keep"], later: &[] };

/// `[seal]` as written.
#[derive(Clone, Debug, Default)]
pub(super) struct Written {
    recipients: Vec<Recipient>,
    directory: Option<PathBuf>,
    limit_bytes: Option<u64>,
    keep: Option<At<u32>>,
    /// The table's header.
    pub(super) span: Range<usize>,
    /// What was written of recipients and is wrong was reported.
    is_faulty: bool,
    /// A directory was written, is wrong, and was reported.
    is_misplaced: bool,
}

pub(super) fn read(top: &Table<'_>, report: &mut Report) -> Option<Written> {
    let table = top.table("seal", "[seal]", SEAL, report)?;
    let mut written = Written { span: table.span.clone(), ..Written::default() };
    table.need("recipient", report);
    let named = table.entry("recipient").and_then(|entry| match entry.value {
        DeValue::String(_) => table.text("recipient", report).map(|one| vec![one]),
        _ => texts_of(entry.value, entry.span, "recipient", report),
    });
    let named = named.unwrap_or_default();
    written.recipients = named.iter().filter_map(|text| recipient(text, &table.span, report)).collect();
    written.is_faulty = written.recipients.is_empty() || written.recipients.len() < named.len();
    if let Some(entry) = table.entry("recipient").filter(|_| table.has("recipient") && named.is_empty()) {
        if matches!(entry.value, DeValue::Array(list) if list.is_empty()) {
            report.helped(Code::BadValue, entry.span, "`recipient` names nobody", RECIPIENT);
        }
    } else if named.len() > MOST_RECIPIENTS {
        let span = table.entry("recipient").map_or(table.span.clone(), |entry| entry.span);
        let message = format!("`recipient` names {}: each of them can open all of it", named.len());
        report.helped(Code::NumberRange, span, message, format!("write at most {MOST_RECIPIENTS}"));
    }
    written.directory =
        table.text("directory", report).and_then(|path| wiring::absolute(&path, "/var/lib/sladd/quarantine", report));
    written.is_misplaced = table.has("directory") && written.directory.is_none();
    written.limit_bytes = table.text("limit", report).and_then(|limit| wiring::memory_of(&limit, 1 << 20, report));
    written.keep = table.text("keep", report).and_then(|keep| days(&keep, report));
    Some(written)
}

/// `age1…`. What opens what is sealed is secret and is not shown.
fn recipient(written: &At<&str>, table: &Range<usize>, report: &mut Report) -> Option<Recipient> {
    if written.value.to_ascii_uppercase().contains(SECRET) {
        let help = "put it on another machine, and write the age1… that age-keygen -y prints of it; whoever has read this file can \
                    open what was sealed to it, so make another";
        let message = "`recipient` is the secret that opens what is sealed, and must not be on this machine";
        report.helped(Code::BadValue, table.start..table.start, message, help);
        return None;
    }
    let recipient = written.value.parse().ok();
    if recipient.is_none() {
        let message = format!("{} is no recipient", quoted(written.value));
        report.helped(Code::BadValue, written.span.clone(), message, RECIPIENT);
    }
    recipient
}

/// A number of days, a week at most.
fn days(written: &At<&str>, report: &mut Report) -> Option<At<u32>> {
    let keep = words::keep(written, report)?;
    if keep.months == 0 && keep.days <= MOST_SEALED_DAYS {
        return Some(At { value: keep.days, span: written.span.clone() });
    }
    let message = format!("{} is too long for raw lines, sealed or not", quoted(written.value));
    report.helped(Code::BadValue, written.span.clone(), message, format!("write \"{MOST_SEALED_DAYS} days\" or less"));
    None
}

/// The terms, where lines are sealed; what is missing, or left over, is reported.
pub(super) fn settle(
    written: Option<&Written>,
    asked: Option<Range<usize>>,
    (classes, keys, wiring): (&[Class], &KeyTerms, &Wiring),
    report: &mut Report,
) -> Option<Seal> {
    let written = match (written, asked) {
        (None, None) => return None,
        (None, Some(span)) => {
            let help =
                "add [seal] with recipient = \"age1…\", made on another machine by age-keygen or sladd key identity";
            report.helped(
                Code::MissingKey,
                span,
                "lines are to be sealed, and nobody is named who could open them",
                help,
            );
            return None;
        }
        (Some(written), None) => {
            let help = "write malformed = \"seal\" in [source] or unknown = \"seal\" in [tenants], or leave [seal] out";
            report.helped(Code::NothingSealed, written.span.clone(), "[seal] is written and nothing is sealed", help);
            return None;
        }
        (Some(written), Some(_)) => written,
    };
    if written.is_faulty {
        return None;
    }
    let beside_keys = || keys.directory.as_deref().and_then(Path::parent).map(|beside| beside.join(QUARANTINE));
    let in_state = || wiring.directory.as_ref().map(|state| state.join(QUARANTINE));
    let Some(directory) = written.directory.clone().or_else(in_state).or_else(beside_keys) else {
        if !written.is_misplaced {
            let help = "add directory = \"/var/lib/sladd/quarantine\", or a directory in [state] or [keys], beside which it is then";
            report.helped(Code::MissingKey, written.span.clone(), "nobody says where sealed lines are kept", help);
        }
        return None;
    };
    refuse_place(&directory, (keys, wiring), &written.span, report);
    let shortest =
        classes.iter().filter_map(|class| Some((shortest(class.keep)?, class))).min_by_key(|(days, _)| *days);
    let most = shortest.map_or(MOST_SEALED_DAYS, |(days, _)| days.min(MOST_SEALED_DAYS));
    if let (Some(keep), Some((days, class))) = (&written.keep, shortest)
        && keep.value > days
    {
        let message = format!(
            "sealed lines live longer than the class {}, which is kept for {}",
            quoted(&class.name),
            class.keep
        );
        report.helped(Code::BadValue, keep.span.clone(), message, format!("write \"{days} days\" or less"));
    }
    Some(Seal {
        recipients: written.recipients.clone(),
        directory,
        limit_bytes: written.limit_bytes.unwrap_or(LIMIT_BYTES),
        keep_days: written.keep.as_ref().map_or(most, |keep| keep.value),
    })
}

/// Reports a quarantine in which others write, or which an input would read.
fn refuse_place(directory: &Path, (keys, wiring): (&KeyTerms, &Wiring), span: &Range<usize>, report: &mut Report) {
    let help = "give it a directory of its own: directory = \"/var/lib/sladd/quarantine\"";
    let stores = wiring.outputs.iter().filter_map(|output| match &output.to {
        To::Store(path) => Some(&**path),
        To::File { .. } | To::Stdout | To::Remote(_) => None,
    });
    let taken = |other: &Path| directory == other || other.starts_with(directory);
    if keys.directory.as_deref().into_iter().chain(wiring.directory.as_deref()).chain(stores.clone()).any(taken)
        || stores.into_iter().any(|store| directory.starts_with(store))
    {
        report.helped(
            Code::BadValue,
            span.clone(),
            "sealed lines would lie among keys, state or what a store keeps",
            help,
        );
    }
    let sealed = directory.join(EXAMPLE);
    let read = wiring.inputs.iter().filter_map(|input| match &input.from {
        From::Follow { patterns, .. } => Some(patterns),
        From::Fifo(_) | From::Stdin | From::Syslog(_) | From::Forward(_) => None,
    });
    if let Some(pattern) = read.flatten().find(|pattern| wiring::is_named(pattern, &sealed.to_string_lossy())) {
        let message = format!("an input reads what is sealed too: {}", quoted(pattern));
        report.helped(Code::BadValue, span.clone(), message, "narrow `follow`, or let sealed lines lie elsewhere");
    }
}

/// The least number of days that such a class lives; none: there is no end to it.
fn shortest(life: Life) -> Option<u32> {
    match life {
        Life::Span(Keep { months, days }) | Life::FiscalYear(Keep { months, days }) => Some(months * 28 + days),
        Life::Relationship(_) | Life::UntilReleased | Life::NoLimit => None,
    }
}

const RECIPIENT: &str =
    "write age1 and what follows, as age-keygen and sladd key identity print it on the machine that is to open it";
const QUARANTINE: &str = "quarantine";
/// What a sealed file is called.
const EXAMPLE: &str = "2026-11-21T100000Z-0123abcd-0.age";
const MOST_RECIPIENTS: usize = 8;
const LIMIT_BYTES: u64 = 256 << 20;
