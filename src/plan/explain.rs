//! What a plan does, said for people: a row per field.

use super::{Plan, Route};
use crate::{
    detect::Kinds,
    epoch::Period,
    format::Parse,
    policy::{self, Coarsen, Network, Port, Treatment},
    record::Kind,
    retention::ClassId,
};
use std::fmt;

/// A table per format: field, what happens, what stays linkable and to whom, which class.
pub struct Explanation<'a>(pub(super) &'a Plan);

/// One line a format: how many of its fields the policy names, and which take the treatment of `"*"`.
pub struct Coverage<'a>(pub(super) &'a Plan);

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = self.0;
        let mut before: Vec<(&str, Vec<Row>)> = Vec::new();
        for route in plan.routes.iter().chain(&plan.text) {
            let name = &*route.format.schema().name;
            writeln!(f, "format {name}, {}", classes(plan, route))?;
            let rows = rows(plan, route);
            match before.iter().find_map(|(other, all)| Some((other, lacking(&rows, all)?))) {
                Some((other, lacking)) if lacking.is_empty() => writeln!(f, "  as {other}")?,
                Some((other, lacking)) => writeln!(f, "  as {other}, without {}", lacking.join(", "))?,
                None => table(f, &rows)?,
            }
            writeln!(f)?;
            before.push((name, rows));
        }
        f.write_str(malformed(plan))?;
        f.write_str(&exempt(plan))?;
        for detect in &plan.detect {
            let policy::Detect { name, pattern, replacement } = detect;
            writeln!(f, "The detectors know `{name}` too: {pattern} stands as {replacement}.")?;
        }
        if let Some(kept) = &plan.keep_text {
            let patterns = kept.patterns.join(" and ");
            writeln!(f, "The detectors leave what stands wholly inside {patterns}: {}.", kept.reason)?;
        }
        f.write_str(
            "What stays linkable is so to anyone who reads the log; whose a pseudonym is, only to the holder of its key.\n\
             A keyed pseudonym is still personal data (GDPR art. 4(5)) as long as its key lives.\n\
             In free text the promise covers the kinds that the detectors know; a person's name is promised only in user\n\
             fields, e-mail addresses and known messages.\n",
        )
    }
}

/// Which fields of `all` these rows lack, if they are a few and the rest are the same.
fn lacking(rows: &[Row], all: &[Row]) -> Option<Vec<String>> {
    let lacking: Vec<String> = (all.iter().filter(|row| !rows.contains(row))).map(|row| row.field.clone()).collect();
    (lacking.len() <= 4 && rows.iter().all(|row| all.contains(row))).then_some(lacking)
}

fn table(f: &mut fmt::Formatter<'_>, rows: &[Row]) -> fmt::Result {
    let head = ["field", "what happens", "what stays linkable"];
    let width = |head: &str, column: fn(&Row) -> &str| {
        rows.iter().map(|row| column(row).chars().count()).max().unwrap_or(0).max(head.len())
    };
    let (first, second) = (width(head[0], |row| &row.field), width(head[1], |row| &row.what));
    writeln!(f, "  {:first$}  {:second$}  {}", head[0], head[1], head[2])?;
    for row in rows {
        let class = if row.class.is_empty() { String::new() } else { format!("  [{}]", row.class) };
        writeln!(f, "  {:first$}  {:second$}  {}{class}", row.field, row.what, row.linkable)?;
    }
    Ok(())
}

impl fmt::Display for Coverage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for route in &self.0.routes {
            let schema = route.format.schema();
            let rest: Vec<&str> = (schema.fields.iter().zip(&route.named))
                .filter(|(field, named)| !**named && !field.name.starts_with('*'))
                .map(|(field, _)| &*field.name)
                .collect();
            match rest.is_empty() {
                true => writeln!(f, "{}: every field is named", schema.name)?,
                false => {
                    writeln!(f, "{}: {} fields are not named, so treated as \"*\":", schema.name, rest.len())?;
                    wrapped(f, &rest)?;
                }
            }
        }
        Ok(())
    }
}

/// A list in lines of at most 100 columns.
fn wrapped(f: &mut fmt::Formatter<'_>, names: &[&str]) -> fmt::Result {
    let mut line = String::new();
    for (i, name) in names.iter().enumerate() {
        if !line.is_empty() && line.len() + name.len() > 96 {
            writeln!(f, "  {}", line.trim_end())?;
            line.clear();
        }
        line.push_str(name);
        line.push_str(if i + 1 < names.len() { ", " } else { "" });
    }
    writeln!(f, "  {line}")
}

#[derive(PartialEq, Eq)]
struct Row {
    field: String,
    what: String,
    linkable: String,
    class: String,
}

fn rows(plan: &Plan, route: &Route) -> Vec<Row> {
    let fields = &route.format.schema().fields;
    let mut rows: Vec<Row> = Vec::new();
    let any = fields.iter().position(|field| &*field.name == "*");
    for (at, (field, treatment)) in fields.iter().zip(&route.treatments).enumerate() {
        // Members that nobody named share a row; `check` lists them.
        if !route.named[at] && any.is_some_and(|any| any != at && route.treatments[any] == *treatment) {
            continue;
        }
        let name = match &*field.name {
            "*" => "any other member",
            name if name.starts_with('*') => continue,
            name => name,
        };
        if rows.iter().any(|row| row.field == name) {
            continue;
        }
        let (what, linkable) = describe(treatment, field.kind, plan);
        let deciding = (route.rules.0.iter())
            .filter(|(_, conditions)| conditions.fields.iter().any(|(at, _)| fields[*at as usize].name == field.name))
            .map(|(class, _)| class_name(plan, *class));
        rows.push(Row { field: name.to_owned(), what, linkable, class: deciding.collect::<Vec<_>>().join(", ") });
    }
    rows
}

fn classes(plan: &Plan, route: &Route) -> String {
    let mut seen: Vec<ClassId> = Vec::new();
    for (class, _) in &route.rules.0 {
        if !seen.contains(class) {
            seen.push(*class);
        }
    }
    let names = seen.iter().map(|class| {
        let class = &plan.classes[class.0 as usize];
        format!("{} ({}, for {} on {})", class.name, class.keep, class.purpose, class.basis)
    });
    format!("class {}", names.collect::<Vec<_>>().join(" or "))
}

fn class_name(plan: &Plan, class: ClassId) -> String {
    format!("decides {}", plan.classes[class.0 as usize].name)
}

fn malformed(plan: &Plan) -> &'static str {
    match (&plan.text, plan.text_is_a_format) {
        (Some(_), true) => "",
        (Some(_), false) => "A line that fits no format is reduced to scrubbed text and counted.\n",
        (None, _) => "A line that fits no format is dropped and counted.\n",
    }
}

/// The networks that are left alone, and why.
fn exempt(plan: &Plan) -> String {
    let (networks, reason) = &plan.exempt;
    if networks.is_empty() {
        return String::new();
    }
    let networks: Vec<String> = networks.iter().map(ToString::to_string).collect();
    let why = reason.as_deref().map_or(String::new(), |reason| format!(" ({reason})"));
    format!("Addresses of {} are exempt{why}: they stand as they came in every field.\n", networks.join(", "))
}

/// What happens, and what stays linkable and to whom.
fn describe(treatment: &Treatment, kind: Kind, plan: &Plan) -> (String, String) {
    let period: Option<Period> = plan.period;
    let inner = cut(&plan.inner);
    let epoch = period.map_or("epoch", |period| period.as_str().trim_start_matches("1 "));
    match treatment {
        Treatment::Coarsen(Coarsen::Minute) => ("rounded down to the minute".into(), "the minute".into()),
        Treatment::Coarsen(Coarsen::Hour) => ("rounded down to the hour".into(), "the hour".into()),
        Treatment::Coarsen(Coarsen::Day) => ("rounded down to the day".into(), "the day".into()),
        Treatment::Coarsen(Coarsen::Step(step)) => {
            (format!("rounded down to a multiple of {step}"), "the range".into())
        }
        Treatment::Cookie { keep, pseudonym, .. } => {
            (format!("names kept, values dropped{}", listed(keep, pseudonym)), pseudonyms(epoch))
        }
        Treatment::Country { .. } => ("the country's two letters, dropped where unknown".into(), "the country".into()),
        Treatment::Drop => ("dropped".into(), "nothing".into()),
        Treatment::Family { version: true } => {
            ("family, major version and system".into(), "a group of like browsers".into())
        }
        Treatment::Family { version: false } => ("family and system".into(), "a large group of like browsers".into()),
        Treatment::Keep { reason: Some(reason) } => {
            (format!("kept if it is {}, for it is {reason}", grammar(kind)), "the value".into())
        }
        Treatment::Keep { reason: None } => (format!("kept if it is {}", grammar(kind)), "the value".into()),
        Treatment::Language => ("the first language's primary tag".into(), "the language".into()),
        Treatment::Origin => (
            format!("scheme, host and port; an address {inner}"),
            if kind == Kind::Referer { "the site that linked" } else { "the site" }.into(),
        ),
        Treatment::Path => {
            (format!("kept, segments that look like identifiers replaced; addresses {inner}"), "the page".into())
        }
        Treatment::Pseudonym { digits } => {
            (format!("keyed pseudonym of {digits} digits, a new key each {epoch}"), pseudonyms(epoch))
        }
        Treatment::Query { keep, pseudonym, .. } => (
            format!("names kept, values dropped but for a short list, ids pseudonymised{}", listed(keep, pseudonym)),
            pseudonyms(epoch),
        ),
        Treatment::Scrub { kinds, network } => {
            let names: Vec<&str> =
                Kinds::NAMES.iter().filter(|(_, one)| kinds.has(*one)).map(|(name, _)| *name).collect();
            let what = match *kinds == Kinds::ALL {
                true => "what the detectors find".to_owned(),
                false => format!("only {}", names.join(", ")),
            };
            let addresses = if kinds.has(Kinds::IP) { format!("; addresses {}", cut(network)) } else { String::new() };
            (format!("free text, {what} replaced{addresses}"), "the rest of the text".into())
        }
        Treatment::Truncate(network) => (cut(network), "the network".into()),
    }
}

/// What a policy says of single names.
fn listed(keep: &[Box<str>], pseudonym: &[Box<str>]) -> String {
    let list = |names: &[Box<str>], what: &str| match names.is_empty() {
        true => String::new(),
        false => format!("; {} {what}", names.join(", ")),
    };
    list(keep, "kept") + &list(pseudonym, "pseudonymised")
}

fn cut(network: &Network) -> String {
    let port = match network.port {
        Port::Drop => "",
        Port::Keep => ", port kept",
    };
    format!("cut to /{} and /{}{port}", network.v4, network.v6)
}

fn pseudonyms(epoch: &str) -> String {
    format!("equal values within one {epoch} and class")
}

fn grammar(kind: Kind) -> &'static str {
    match kind {
        Kind::Address => "an address",
        Kind::Agent | Kind::Text | Kind::Cookie | Kind::Secret => "printable text",
        Kind::Host => "a host name (addresses are cut)",
        Kind::Identifier | Kind::User => "a printable name",
        Kind::Instant => "a time",
        Kind::Language => "a language tag",
        Kind::Method => "a known method",
        Kind::Path | Kind::Query | Kind::Referer => "printable",
        Kind::Number => "a number",
        Kind::Protocol => "a protocol",
        Kind::Status => "a status",
        Kind::Word => "a plain word",
    }
}
