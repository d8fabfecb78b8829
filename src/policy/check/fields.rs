//! `[fields]`: names and treatments. What a treatment may say is in `fields/options.rs`, what it may be said of in
//! `fields/fit.rs`.

mod fit;
mod options;

use super::{Code, Network, Port, Range, Report, Table, Treatment, quoted, suggest};
use crate::{
    policy::{names, raw::Entry},
    record::Kind,
};
use options::DEFAULT_NETWORK;
pub(in crate::policy) use options::TREATMENTS;
use std::borrow::Cow;

/// One line of `[fields]`.
#[derive(Clone, Debug)]
pub(super) struct Written {
    /// Canonical name, `family.*` pattern or `*`.
    pub(super) name: Box<str>,
    /// What it says. A scrub that names no network has the default one.
    pub(super) treatment: Treatment,
    /// Whether a scrub's network stands here, or follows `client.address`.
    network: NetworkOf,
    /// The whole line.
    pub(super) span: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NetworkOf {
    Itself,
    ClientAddress,
}

/// Reads the table. `base` are the fields of the policy's base.
pub(super) fn read(table: &Table<'_>, base: &[Written], report: &mut Report) -> Vec<Written> {
    let mut written: Vec<Written> = Vec::new();
    let entries = table.entries();
    let mut named: Vec<Cow<'_, str>> = base.iter().map(|written| Cow::Borrowed(&*written.name)).collect();
    named.extend(entries.iter().filter_map(|entry| names::canonical(entry.key)).map(|(name, _)| name));
    for entry in entries {
        let span = entry.key_span.start..entry.span.end.max(entry.key_span.end);
        let Some((name, mut kinds)) = field(&entry, report) else {
            // The faults of its treatment are reported all the same.
            if entry.value.as_table().is_some_and(|inner| inner.contains_key("treatment")) {
                treatment(&entry, "", &[], report);
            }
            continue;
        };
        if name.ends_with('*') {
            // A family's treatment does not reach the members that have a line of their own.
            kinds.retain(|(member, _)| !named.contains(member));
        }
        if written.iter().any(|first| *first.name == *name) {
            report.helped(
                Code::FieldTwice,
                entry.key_span.clone(),
                format!("{} is another spelling of {}, which stands above", quoted(entry.key), quoted(&name)),
                "keep one of the two",
            );
        }
        let Some((treatment, network)) = treatment(&entry, &name, &kinds, report) else { continue };
        written.push(Written { name: name.into(), treatment, network, span });
    }
    written
}

/// The treatments of a base with those of a policy laid over them, and that of `"*"`.
///
/// A scrub cuts addresses as `client.address` is cut in the result, not in the base.
pub(super) fn resolve(base: &[Written], own: &[Written]) -> (Vec<(Box<str>, Treatment)>, Treatment) {
    let mut all: Vec<Written> = base.to_vec();
    for written in own {
        match all.iter_mut().find(|other| other.name == written.name) {
            Some(other) => *other = written.clone(),
            None => all.push(written.clone()),
        }
    }
    let network = match all.iter().find(|written| &*written.name == "client.address") {
        Some(Written { treatment: Treatment::Truncate(network), .. }) => *network,
        Some(Written { treatment: Treatment::Scrub { network, .. }, network: NetworkOf::Itself, .. }) => *network,
        _ => DEFAULT_NETWORK,
    };
    for written in &mut all {
        if let (Treatment::Scrub { network: own, .. }, NetworkOf::ClientAddress) =
            (&mut written.treatment, written.network)
        {
            // A port that was asked for here stays; else the client's rule holds.
            let port = if own.port == Port::Keep { Port::Keep } else { network.port };
            *own = Network { port, ..network };
        }
    }
    let rest = all.iter().position(|written| &*written.name == "*");
    let rest = rest.map_or(Treatment::Drop, |at| all.remove(at).treatment);
    (all.into_iter().map(|written| (written.name, written.treatment)).collect(), rest)
}

/// The line that decides over a field: its name, else the longest pattern, else `"*"`.
pub(super) fn governing<'w>(written: &'w [Written], field: &str) -> Option<&'w Written> {
    let fits = |written: &&Written| written.name.strip_suffix('*').is_some_and(|prefix| field.starts_with(prefix));
    let exact = written.iter().find(|written| &*written.name == field);
    exact.or_else(|| written.iter().filter(fits).max_by_key(|written| written.name.len()))
}

/// One field and its kind.
type Member = (Cow<'static, str>, Kind);

/// The canonical name and the kinds that a treatment must fit: all of a family's.
fn field<'a>(entry: &Entry<'a>, report: &mut Report) -> Option<(Cow<'static, str>, Vec<Member>)> {
    if entry.key == "*" {
        return Some(("*".into(), Vec::new()));
    }
    if let Some((name, kind)) = names::canonical(entry.key) {
        return Some((name.clone(), vec![(name, kind)]));
    }
    if let Some(members) = names::family(entry.key) {
        return Some((Cow::Owned(entry.key.to_owned()), members));
    }
    if let Some(name) = unquoted(entry) {
        report.helped(
            Code::FieldUnquoted,
            entry.key_span.clone(),
            format!("a field's name needs quotes: {}", quoted(&name)),
            format!("TOML reads dots outside quotes as nested tables; write \"{name}\" = {{ … }}"),
        );
        return None;
    }
    let help = match names::nearest(entry.key) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => "names are OpenTelemetry's, such as \"client.address\"; nginx, Apache, W3C and ECS names are \
                 understood too; fields that are not named take the treatment of \"*\""
            .to_owned(),
    };
    report.helped(
        Code::UnknownField,
        entry.key_span.clone(),
        format!("no field is called {}", quoted(entry.key)),
        help,
    );
    None
}

/// TOML takes `client.address = …` as a table in a table: the name that was meant, if it is a name.
fn unquoted(entry: &Entry<'_>) -> Option<String> {
    let mut name = entry.key.to_owned();
    let mut value = entry.value;
    loop {
        let inner = value.as_table().filter(|inner| !inner.contains_key("treatment"))?;
        let (key, next) = inner.iter().next()?;
        name.push('.');
        name.push_str(key.get_ref());
        value = next.get_ref();
        if names::canonical(&name).is_some() {
            return Some(name);
        }
    }
}

/// A treatment that stands elsewhere than behind a field's name, for these fields. A scrub that names no network has the
/// default one.
pub(super) fn alone(entry: &Entry<'_>, name: &str, kinds: &[Member], report: &mut Report) -> Option<Treatment> {
    treatment(entry, name, kinds, report).map(|(treatment, _)| treatment)
}

fn treatment(entry: &Entry<'_>, name: &str, kinds: &[Member], report: &mut Report) -> Option<(Treatment, NetworkOf)> {
    let Some(inner) = entry.value.as_table() else {
        let message = format!("{} should be a table", quoted(entry.key));
        report.helped(Code::WrongType, entry.span.clone(), message, "write { treatment = \"…\" }");
        return None;
    };
    let open = Table::open(inner, entry.span.clone(), "a treatment");
    if !open.has("treatment") {
        let message = format!("{} needs `treatment`", quoted(entry.key));
        report.helped(
            Code::MissingKey,
            entry.span.clone(),
            message,
            format!("write one of {}", suggest::list(&options::words())),
        );
        return None;
    }
    let word = open.text("treatment", report)?;
    let Some(&(_, keys)) = TREATMENTS.iter().find(|(known, _)| *known == word.value) else {
        options::unknown(&word, report);
        return None;
    };
    let table = Table::new(inner, entry.span.clone(), options::called(word.value), keys, report);
    let read = options::options(word.value, &table, report)?;
    fit::fit(entry, name, kinds, &read.0, &table, report);
    Some(read)
}
