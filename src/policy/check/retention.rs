//! `[[retention]]`: classes and the rules that pick them.

use super::{Class, Code, Policy, Range, Report, Table, Treatment, process, quoted, words};
use crate::{
    policy::{
        Rule, names,
        raw::{At, Keys, texts_of},
        suggest,
    },
    retention::{Basis, Life, Purpose, is_class_name},
};

pub(in crate::policy) const RETENTION: Keys =
    Keys { known: &["class", "when", "keep", "purpose", "basis"], later: &["hold", "store"] };

/// The rules of one text.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) classes: Vec<Class>,
    rules: Vec<WrittenRule>,
}

#[derive(Clone, Debug)]
struct WrittenRule {
    class: u8,
    formats: Vec<Box<str>>,
    fields: Vec<Condition>,
    keep: Range<usize>,
}

impl Written {
    /// The rules, once it is known what comes out of the fields that they look at.
    pub(super) fn rules_under(&self, policy: &Policy, report: &mut Report) -> Vec<Rule> {
        for (name, _) in self.rules.iter().flat_map(|rule| &rule.fields) {
            if !matches!(policy.treatment(&name.value), Treatment::Keep { .. } | Treatment::Path) {
                report.helped(
                    Code::HiddenCondition,
                    name.span.clone(),
                    format!("{} is not kept, so a class must not tell what was in it", quoted(&name.value)),
                    "`when` sees `format` and fields whose treatment is `keep` or `path`",
                );
            }
        }
        let plain = |rule: &WrittenRule| Rule {
            class: rule.class,
            formats: rule.formats.clone(),
            fields: rule.fields.iter().map(|(name, patterns)| (name.value.clone(), patterns.clone())).collect(),
        };
        self.rules.iter().map(plain).collect()
    }

    /// Where the duration of a class stands.
    pub(super) fn span_of(&self, class: &str) -> Range<usize> {
        let index = self.classes.iter().position(|other| &*other.name == class);
        let rule = self.rules.iter().find(|rule| Some(usize::from(rule.class)) == index);
        rule.map_or(0..0, |rule| rule.keep.clone())
    }
}

/// The rules of a policy, or of a tenant, as which they are `called`.
pub(super) fn read(top: &Table<'_>, called: &'static str, report: &mut Report) -> Option<Written> {
    let tables = top.tables("retention", called, RETENTION, report)?;
    let mut written = Written { classes: Vec::new(), rules: Vec::new() };
    let mut unconditional = false;
    for (place, table) in tables.value.iter().enumerate() {
        if unconditional {
            report.helped(
                Code::UnreachableRule,
                table.span.clone(),
                "this rule can never match: one above it has no `when`",
                "move the rule without `when` to the end",
            );
        }
        let conditions = when(table, report);
        // A `when` with faults is still a `when`.
        let conditional = table.has("when");
        unconditional |= !conditional;
        if conditional && place + 1 == tables.value.len() {
            report.helped(
                Code::LastRuleConditional,
                table.entry("when").map_or(table.span.clone(), |entry| entry.key_span),
                "the last rule must have no `when`",
                "add a [[retention]] without `when` for all other records",
            );
        }
        let Some(class) = class(table, &mut written.classes, report) else { continue };
        let keep = table.entry("keep").map_or(table.span.clone(), |entry| entry.key_span.start..entry.span.end);
        written.rules.push(WrittenRule { class, formats: conditions.0, fields: conditions.1, keep });
    }
    if tables.value.is_empty() {
        report.add(Code::MissingKey, tables.span, "a policy needs at least one [[retention]] class");
    }
    Some(written)
}

/// The class of a rule, by index. A class that stands twice need not say its terms twice, but may not change them.
fn class(table: &Table<'_>, classes: &mut Vec<Class>, report: &mut Report) -> Option<u8> {
    let name = class_name(table, report);
    let keep = duration(table, report);
    let purpose = purpose(table, report);
    let basis = basis(table, report);
    let missing: Vec<&str> = ["keep", "purpose", "basis"].into_iter().filter(|key| !table.has(key)).collect();
    let known = name.as_ref().and_then(|name| classes.iter().position(|class| *class.name == *name.value));
    if let (Some(known), 3) = (known, missing.len()) {
        return Some(known as u8);
    }
    if !missing.is_empty() {
        report.helped(
            Code::HalfClass,
            name.as_ref().map_or(table.span.clone(), |name| name.span.clone()),
            format!("a class needs {}", suggest::list(&missing).replace(" or ", " and ")),
            "nothing is kept without a duration, a purpose and a legal basis: \
             keep = \"6 months\", purpose = \"security\", basis = \"legitimate_interest\"",
        );
    }
    let (name, keep, purpose, basis) = (name?, keep?, purpose?, basis?);
    if basis == Basis::None && purpose != Purpose::Statistics {
        report.helped(
            Code::BasisMismatch,
            table.entry("basis").map_or(table.span.clone(), |entry| entry.span),
            "the basis `none` goes with the purpose `statistics` only",
            "name the legal basis, or keep only statistics",
        );
    }
    if let Err((message, help)) = fits(keep, purpose, basis) {
        let span = table.entry("keep").map_or(table.span.clone(), |entry| entry.span);
        report.helped(Code::LifeMismatch, span, message, help);
    }
    let class = Class { name: name.value.into(), keep, purpose, basis };
    match known {
        Some(known) if classes[known] != class => {
            let message = format!("the class {} stands above with other terms", quoted(name.value));
            report.helped(Code::ClassTwice, name.span, message, "leave them out here, or give the class another name");
            None
        }
        Some(known) => Some(known as u8),
        None if classes.len() > usize::from(u8::MAX) => {
            report.add(Code::NumberRange, name.span, "a policy can have at most 256 classes");
            None
        }
        None => {
            classes.push(class);
            Some((classes.len() - 1) as u8)
        }
    }
}

fn class_name<'a>(table: &Table<'a>, report: &mut Report) -> Option<At<&'a str>> {
    let name = table.needed_text("class", report)?;
    if !is_class_name(name.value) {
        let message = format!("{} cannot be a class's name", quoted(name.value));
        report.helped(Code::BadValue, name.span, message, "use 1 to 32 of a-z, 0-9 and _");
        return None;
    }
    Some(name)
}

fn duration(table: &Table<'_>, report: &mut Report) -> Option<Life> {
    words::life(&table.text("keep", report)?, report)
}

/// What a class must be kept for to live otherwise than so long from its records' time.
fn fits(life: Life, purpose: Purpose, basis: Basis) -> Result<(), (&'static str, &'static str)> {
    match life {
        Life::Span(_) | Life::Relationship(_) => Ok(()),
        Life::FiscalYear(_) if purpose == Purpose::LegalObligation => Ok(()),
        Life::FiscalYear(_) => Err((
            "only an obligation of the law is reckoned from the end of the fiscal year",
            "keep it for the purpose `legal_obligation`, or write a span: \"6 months\"",
        )),
        Life::UntilReleased if matches!(purpose, Purpose::LegalObligation | Purpose::LegalClaim) => Ok(()),
        Life::UntilReleased => Err((
            "only what the law or a claim asks for may wait until somebody releases it",
            "keep it for the purpose `legal_claim` or `legal_obligation`, or write a span: \"6 months\"",
        )),
        Life::NoLimit if purpose == Purpose::Statistics && basis == Basis::None => Ok(()),
        Life::NoLimit => Err((
            "only statistics in which nobody can be found may be kept without limit",
            "keep it for the purpose `statistics` on the basis `none`, or write a span: \"6 months\"",
        )),
    }
}

fn purpose(table: &Table<'_>, report: &mut Report) -> Option<Purpose> {
    let purpose = table.text("purpose", report)?;
    let found = purpose.value.parse().ok();
    if found.is_none() {
        let lower = purpose.value.to_ascii_lowercase();
        let help = if FOREIGN.iter().any(|word| lower.contains(word)) {
            format!(
                "records of what people do are not kept for that; the purposes are {}",
                suggest::list(&words::purposes())
            )
        } else {
            suggest::help(purpose.value, &words::purposes())
        };
        report.helped(Code::UnknownPurpose, purpose.span, format!("{} is no purpose", quoted(purpose.value)), help);
    }
    found
}

fn basis(table: &Table<'_>, report: &mut Report) -> Option<Basis> {
    let basis = table.text("basis", report)?;
    let found = basis.value.parse().ok();
    if found.is_none() {
        let help = suggest::help(basis.value, &words::bases());
        report.helped(Code::UnknownBasis, basis.span, format!("{} is no legal basis", quoted(basis.value)), help);
    }
    found
}

/// A field and the patterns of which one must match.
type Condition = (At<Box<str>>, Vec<Box<str>>);
/// Formats and fields.
type Conditions = (Vec<Box<str>>, Vec<Condition>);

fn when(table: &Table<'_>, report: &mut Report) -> Conditions {
    let mut conditions = Conditions::default();
    let Some(when) = table.open_table("when", "`when`", report) else { return conditions };
    let entries = when.entries();
    if entries.is_empty() {
        let help = "name a format or a field, or leave `when` out";
        report.helped(Code::MissingKey, when.span.clone(), "`when` has no condition", help);
    }
    for entry in entries {
        let Some(texts) = texts_of(entry.value, entry.span.clone(), entry.key, report) else { continue };
        if texts.is_empty() {
            report.add(Code::BadPattern, entry.span.clone(), format!("{} matches nothing", quoted(entry.key)));
        }
        if entry.key == "format" {
            conditions.0.extend(texts.iter().filter_map(|format| process::condition_format(format, report)));
            continue;
        }
        let Some((name, _)) = names::canonical(entry.key) else {
            let help = match names::nearest(entry.key) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => "`when` takes `format` and field names".to_owned(),
            };
            let message = format!("no field is called {}", quoted(entry.key));
            report.helped(Code::UnknownField, entry.key_span.clone(), message, help);
            continue;
        };
        if conditions.1.iter().any(|(other, _)| *other.value == *name) {
            let message = format!("{} is another spelling of {}, which stands above", quoted(entry.key), quoted(&name));
            report.helped(Code::FieldTwice, entry.key_span.clone(), message, "put all patterns in one list");
        }
        let patterns = texts.iter().filter_map(|text| pattern(text, report)).collect();
        conditions.1.push((At { value: name.into(), span: entry.key_span.clone() }, patterns));
    }
    conditions
}

fn pattern(text: &At<&str>, report: &mut Report) -> Option<Box<str>> {
    let stem = text.value.strip_suffix('*').unwrap_or(text.value);
    let fault = if text.value.is_empty() {
        "an empty pattern matches nothing"
    } else if stem.contains('*') {
        "`*` can stand at the end only"
    } else {
        return Some(text.value.into());
    };
    report.helped(Code::BadPattern, text.span.clone(), fault, "write the text itself, text with * at its end, or 4xx");
    None
}

/// What people try to keep logs for beside the closed list.
const FOREIGN: &[&str] = &["adverti", "marketing", "profil", "tracking", "ads", "target", "sale", "sell", "remarket"];
