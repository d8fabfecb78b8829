//! What a plan does, said for people: a row per field.

use super::{Plan, Route};
use crate::{
    epoch::Period,
    format::Parse,
    policy::{Coarsen, Network, Port, Treatment},
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
        for route in plan.routes.iter().chain(&plan.text) {
            let name = &route.format.schema().name;
            writeln!(f, "format {name}, {}", classes(plan, route))?;
            let rows = rows(plan, route);
            let width =
                |column: fn(&Row) -> &str| rows.iter().map(|row| column(row).chars().count()).max().unwrap_or(0);
            let (first, second) = (width(|row| &row.field), width(|row| &row.what));
            for row in &rows {
                let class = if row.class.is_empty() { String::new() } else { format!("  [{}]", row.class) };
                writeln!(f, "  {:first$}  {:second$}  {}{class}", row.field, row.what, row.linkable)?;
            }
            writeln!(f)?;
        }
        f.write_str(malformed(plan))?;
        f.write_str(
            "in free text the promise covers the kinds that the detectors know; a person's name is promised only in user \
             fields, e-mail addresses and known messages\n\
             a keyed pseudonym is still personal data (GDPR art. 4(5)) as long as its key lives\n",
        )
    }
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
                false => writeln!(f, "{}: not named, so treated as \"*\": {}", schema.name, rest.join(", "))?,
            }
        }
        Ok(())
    }
}

struct Row {
    field: String,
    what: String,
    linkable: String,
    class: String,
}

fn rows(plan: &Plan, route: &Route) -> Vec<Row> {
    let fields = &route.format.schema().fields;
    let mut rows: Vec<Row> = Vec::new();
    for (field, treatment) in fields.iter().zip(&route.treatments) {
        let name = match &*field.name {
            "*" => "any other member",
            name if name.starts_with('*') => continue,
            name => name,
        };
        if rows.iter().any(|row| row.field == name) {
            continue;
        }
        let (what, linkable) = describe(treatment, field.kind, plan.period);
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
        (Some(_), false) => "a line that fits no format is reduced to scrubbed text and counted\n",
        (None, _) => "a line that fits no format is dropped and counted\n",
    }
}

/// What happens, and what stays linkable and to whom.
fn describe(treatment: &Treatment, kind: Kind, period: Option<Period>) -> (String, String) {
    let epoch = period.map_or("epoch", |period| period.as_str().trim_start_matches("1 "));
    let reader = "to anyone who reads the log";
    match treatment {
        Treatment::Coarsen(Coarsen::Minute) => ("rounded down to the minute".into(), format!("the minute, {reader}")),
        Treatment::Coarsen(Coarsen::Hour) => ("rounded down to the hour".into(), format!("the hour, {reader}")),
        Treatment::Coarsen(Coarsen::Day) => ("rounded down to the day".into(), format!("the day, {reader}")),
        Treatment::Coarsen(Coarsen::Step(step)) => {
            (format!("rounded down to a multiple of {step}"), format!("the range, {reader}"))
        }
        Treatment::Cookie { .. } => ("cut to cookie names, values dropped or pseudonymised".into(), pseudonyms(epoch)),
        Treatment::Drop => ("dropped".into(), "nothing".into()),
        Treatment::Family { version: true } => {
            ("family, major version and system".into(), format!("a group of like browsers, {reader}"))
        }
        Treatment::Family { version: false } => {
            ("family and system".into(), format!("a large group of like browsers, {reader}"))
        }
        Treatment::Keep { .. } => (format!("kept if it is {}", grammar(kind)), format!("the value, {reader}")),
        Treatment::Language => ("the first language's primary tag".into(), format!("the language, {reader}")),
        Treatment::Origin => ("scheme, host and port".into(), format!("the site that linked, {reader}")),
        Treatment::Path => ("kept, segments that look like identifiers replaced".into(), format!("the page, {reader}")),
        Treatment::Pseudonym { digits } => {
            (format!("keyed pseudonym of {digits} digits, a new key each {epoch}"), pseudonyms(epoch))
        }
        Treatment::Query { .. } => (
            "names kept, values dropped but for a short list; device and session ids pseudonymised".into(),
            pseudonyms(epoch),
        ),
        Treatment::Scrub { network, .. } => (
            format!("free text, what the detectors find replaced (addresses {})", cut(network)),
            format!("the rest of the text, {reader}"),
        ),
        Treatment::Truncate(network) => (cut(network), format!("the network, {reader}")),
    }
}

fn cut(network: &Network) -> String {
    let port = match network.port {
        Port::Drop => "",
        Port::Keep => ", port kept",
    };
    format!("cut to /{} and /{}{port}", network.v4, network.v6)
}

fn pseudonyms(epoch: &str) -> String {
    format!(
        "equal values within one {epoch} and class, to anyone who reads the log; whose they are, to the key's holder while it lives"
    )
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
