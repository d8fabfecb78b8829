//! What a plan does, said for people: a row per field.

use super::{Plan, Route};
use crate::{
    detect::Kinds,
    epoch::Period,
    format::Parse,
    policy::{self, Coarsen, Network, Port, PseudonymForm, Treatment},
    record::{Field, Kind},
    retention::ClassId,
    treatment::reversible::Scheme,
};
use std::fmt;

/// A table per format: field, what happens, what stays linkable and to whom, which class.
pub struct Explanation<'a>(pub(super) &'a Plan);

/// Which fields of which formats the policy does not name, so that they take the treatment of `"*"`.
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
        envelopes(f, plan)?;
        programs(f, plan)?;
        f.write_str(&malformed(plan))?;
        f.write_str(&exempt(plan))?;
        tenants(f, plan)?;
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

/// Whose records are whose, and what is kept otherwise for each.
fn tenants(f: &mut fmt::Formatter<'_>, plan: &Plan) -> fmt::Result {
    let Some(tenancy) = &plan.tenancy else { return Ok(()) };
    let policy::Tenants { unknown, all, assumed } = tenancy.written();
    if let Some(tenant) = assumed {
        writeln!(f, "All records are those of {tenant}, as was asked for, whatever virtual host they name.")?;
    }
    let others = match unknown {
        policy::OnUnknown::Drop => "any other line is dropped and counted",
        policy::OnUnknown::Own => "any other is your own",
        policy::OnUnknown::Seal => "any other line is encrypted to whom [seal] names, and kept as long as that says",
    };
    writeln!(f, "Records are a tenant's by the virtual host they name, with pseudonyms of its own; {others}.")?;
    for policy::Tenant { name, hosts, role, instruction, retention } in all {
        let instruction = instruction.as_deref().map_or_else(String::new, |text| format!(" by {text}"));
        writeln!(f, "  {name}: {}; you are its {}{instruction}", hosts.join(", "), role.as_str())?;
        for class in retention.iter().flat_map(|terms| &terms.classes) {
            writeln!(f, "    class {} ({}, for {} on {})", class.name, class.keep, class.purpose, class.basis)?;
        }
    }
    Ok(())
}

/// What may stand around a line: a block a name, with the fields of all its layouts.
fn envelopes(f: &mut fmt::Formatter<'_>, plan: &Plan) -> fmt::Result {
    let mut said: Vec<&str> = Vec::new();
    for wrap in &plan.envelopes {
        let name = &*wrap.envelope.schema().name;
        if said.contains(&name) {
            continue;
        }
        said.push(name);
        let mut rows = Vec::new();
        for wrap in plan.envelopes.iter().filter(|wrap| *wrap.envelope.schema().name == *name) {
            add_rows(&mut rows, plan, &wrap.envelope.schema().fields, &wrap.treatments);
        }
        writeln!(f, "envelope {name}, around a line of any format above; the class is the line's")?;
        table(f, &rows)?;
        writeln!(f)?;
    }
    Ok(())
}

/// The messages of programs: a line a program with its class, then the fields of all of them.
fn programs(f: &mut fmt::Formatter<'_>, plan: &Plan) -> fmt::Result {
    if plan.programs.is_empty() {
        return Ok(());
    }
    writeln!(f, "messages of programs, known by the name that an envelope or JSON gives")?;
    let width = plan.programs.iter().map(|route| route.format.schema().name.len()).max().unwrap_or(0);
    let mut rows = Vec::new();
    let mut said: Vec<&str> = Vec::new();
    for route in &plan.programs {
        let name = &*route.format.schema().name;
        if !said.contains(&name) {
            writeln!(f, "  {name:width$}  {}", classes(plan, route))?;
            said.push(name);
        }
        add_rows(&mut rows, plan, &route.format.schema().fields, &route.treatments);
    }
    writeln!(f, "their fields")?;
    table(f, &rows)?;
    writeln!(f)
}

/// A row for each field that has none yet.
fn add_rows(rows: &mut Vec<Row>, plan: &Plan, fields: &[Field], treatments: &[Treatment]) {
    for (field, treatment) in fields.iter().zip(treatments) {
        if rows.iter().any(|row| *row.field == *field.name) {
            continue;
        }
        let (what, linkable) = describe(treatment, field.kind, plan);
        rows.push(Row { field: field.name.to_string(), what, linkable, class: String::new() });
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
        // What the policy does not name, and the formats of which that holds, in the order of the first of them.
        let mut groups: Vec<(Vec<&str>, Vec<&str>)> = Vec::new();
        let routes = self.0.routes.iter().chain(&self.0.programs);
        let routes = routes.map(|route| (route.format.schema(), &*route.named));
        let wraps = self.0.envelopes.iter().map(|wrap| (wrap.envelope.schema(), &*wrap.named));
        for (schema, named) in routes.chain(wraps) {
            let mut rest: Vec<&str> = Vec::new();
            for (field, _) in schema.fields.iter().zip(named).filter(|(_, named)| !**named) {
                if !field.name.starts_with('*') && !rest.contains(&&*field.name) {
                    rest.push(&field.name);
                }
            }
            let name = &*schema.name;
            match groups.iter_mut().find(|(all, _)| *all == rest) {
                Some((_, names)) if names.contains(&name) => {}
                Some((_, names)) => names.push(name),
                None => groups.push((rest, vec![name])),
            }
        }
        for (rest, names) in groups {
            match rest.len() {
                0 => wrapped(f, "every field is named in", &names)?,
                1 => wrapped(f, &format!("{}: 1 field is not named, so treated as \"*\":", names.join(", ")), &rest)?,
                n => {
                    let head = format!("{}: {n} fields are not named, so treated as \"*\":", names.join(", "));
                    wrapped(f, &head, &rest)?;
                }
            }
        }
        Ok(())
    }
}

/// A head, then a list in lines of at most 100 columns.
fn wrapped(f: &mut fmt::Formatter<'_>, head: &str, names: &[&str]) -> fmt::Result {
    writeln!(f, "{head}")?;
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
    for (class, conditions) in &route.rules.0 {
        if !seen.contains(class) {
            seen.push(*class);
        }
        // No record reaches the rules behind one that always holds.
        if conditions.fields.is_empty() {
            break;
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

fn malformed(plan: &Plan) -> String {
    match (&plan.text, plan.text_is_a_format, &plan.seal) {
        (Some(_), true, _) => String::new(),
        (Some(_), false, _) => "A line that fits no format is reduced to scrubbed text and counted.\n".to_owned(),
        (None, _, Some(seal)) if plan.seals_malformed => sealed(seal),
        (None, _, _) => "A line that fits no format is dropped and counted.\n".to_owned(),
    }
}

/// Where lines go that only another machine can open, and whose.
fn sealed(seal: &policy::Seal) -> String {
    let recipients: Vec<String> = seal.recipients.iter().map(ToString::to_string).collect();
    format!(
        "A line that fits no format is sealed as it came, counted, and kept for {} days in {} (at most {} MiB).\n\
         Nobody can open it on this machine; who has the identity of {} can: age -d -i IDENTITY FILE.\n",
        seal.keep_days,
        seal.directory.display(),
        seal.limit_bytes >> 20,
        recipients.join(" or of ")
    )
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
        Treatment::Pseudonym { digits, form: PseudonymForm::Token } => {
            (format!("keyed pseudonym of {digits} digits, a new key each {epoch}"), pseudonyms(epoch))
        }
        Treatment::Pseudonym { digits, form: PseudonymForm::Address } => {
            let how = format!(
                "keyed pseudonym of {digits} digits as an address of fd73:6c61:6400::/40, which is nobody's; a new key each {epoch}"
            );
            (how, pseudonyms(epoch))
        }
        Treatment::Query { keep, pseudonym, .. } => (
            format!("names kept, values dropped but for a short list, ids pseudonymised{}", listed(keep, pseudonym)),
            pseudonyms(epoch),
        ),
        Treatment::Reversible { scheme, .. } => {
            let prefixes = match scheme {
                Scheme::IpcryptDeterministic => "",
                Scheme::IpcryptPfx | Scheme::CryptoPan => "; which addresses share a network stays to be seen",
            };
            let how = format!(
                "encrypted by {} to an address that is another's, a new key each {epoch}: whoever has the key can have it back",
                scheme.name()
            );
            (how, format!("{}{prefixes}", pseudonyms(epoch)))
        }
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
