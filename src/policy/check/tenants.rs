//! `[tenants]` and `[[tenant]]`: whose records are whose.

use super::{Code, Policy, Range, Report, Table, choice, quoted, retention, suggest};
use crate::{
    policy::{
        raw::{At, Keys},
        tenants::{OnUnknown, Role, Tenant, Tenants, Terms},
        weaken::outlives,
        wiring::Output,
    },
    retention::{Keep, Life, OWN, is_policy_name},
};
use std::collections::HashMap;

pub(in crate::policy) const TENANTS: Keys = Keys { known: &["unknown"], later: &[] };
pub(in crate::policy) const TENANT: Keys =
    Keys { known: &["name", "hosts", "role", "instruction", "retention"], later: &["fields", "keys", "source"] };

/// The tenants of one text.
#[derive(Clone, Debug, Default)]
pub(super) struct Written {
    unknown: Option<At<OnUnknown>>,
    all: Vec<WrittenTenant>,
    span: Range<usize>,
}

#[derive(Clone, Debug)]
struct WrittenTenant {
    tenant: Tenant,
    /// Where its name stands.
    name: Range<usize>,
    retention: Option<retention::Written>,
}

impl Written {
    /// The tenants, once it is known what comes out of the fields that their rules look at; `policy` has all but them.
    pub(super) fn under(&self, policy: &Policy, own: &retention::Written, report: &mut Report) -> Tenants {
        let waits = policy.classes.iter().find(|class| matches!(class.keep, Life::Relationship(_)));
        let unknown = self.unknown.as_ref().map_or(OnUnknown::Own, |unknown| unknown.value);
        if let Some(class) = waits.filter(|_| unknown == OnUnknown::Own) {
            let help = match self.all.is_empty() {
                true => "add the [[tenant]] whose relationship ends, or write a span: \"6 months\"",
                false => {
                    "move the class to [[tenant.retention]], or drop what is nobody's: [tenants] with unknown = \"drop\""
                }
            };
            let message = format!("the class {} has no tenant with whom a relationship could end", quoted(&class.name));
            report.helped(Code::LifeMismatch, own.span_of(&class.name), message, help);
        }
        let all = self.all.iter().map(|written| {
            let retention = written.retention.as_ref();
            let terms = retention
                .map(|terms| Terms { classes: terms.classes.clone(), rules: terms.rules_under(policy, report) });
            Tenant { retention: terms, ..written.tenant.clone() }
        });
        let tenants = Tenants { unknown, all: all.collect(), assumed: None };
        let of = |tenant: &Tenant| tenant.retention.as_ref().map_or(policy.classes.len(), |terms| terms.classes.len());
        if policy.classes.len() + tenants.all.iter().map(of).sum::<usize>() > MOST_CLASSES {
            let message = format!("all tenants together have more than {MOST_CLASSES} classes");
            report.add(Code::NumberRange, self.span.clone(), message);
        }
        tenants
    }

    /// Where it is said that lines of nobody's are sealed.
    pub(super) fn seals(&self) -> Option<Range<usize>> {
        self.unknown.as_ref().filter(|unknown| unknown.value == OnUnknown::Seal).map(|unknown| unknown.span.clone())
    }

    /// What a tenant has of rules of its own.
    pub(super) fn retention_of(&self, tenant: &str) -> Option<&retention::Written> {
        self.all.iter().find(|written| *written.tenant.name == *tenant)?.retention.as_ref()
    }

    /// Warns of those whose records no output takes, where there are outputs.
    pub(super) fn warn_of_losses(&self, policy: &Policy, report: &mut Report) {
        let outputs = &policy.wiring.outputs;
        let is_taken = |name: &str| {
            let takes =
                |output: &Output| output.tenants.is_empty() || output.tenants.iter().any(|named| **named == *name);
            outputs.is_empty() || outputs.iter().any(takes)
        };
        for WrittenTenant { tenant, name, .. } in self.all.iter().filter(|written| !is_taken(&written.tenant.name)) {
            let message =
                format!("no [[output]] takes the records of the tenant {}: they are lost", quoted(&tenant.name));
            let help = "name it in the `tenants` of an [[output]], or add an [[output]] without `tenants`";
            report.helped(Code::TakenByNobody, name.clone(), message, help);
        }
        let unknown = self.unknown.as_ref().filter(|unknown| unknown.value == OnUnknown::Own);
        if let Some(unknown) = unknown.filter(|_| !is_taken(OWN)) {
            let message = "no [[output]] takes your own records: they are lost";
            let help =
                format!("add `{OWN}` to the `tenants` of an [[output]], or drop what is nobody's: unknown = \"drop\"");
            report.helped(Code::TakenByNobody, unknown.span.clone(), message, help);
        }
    }
}

pub(super) fn read(top: &Table<'_>, report: &mut Report) -> Written {
    let mut written = Written::default();
    if let Some(table) = top.table("tenants", "[tenants]", TENANTS, report) {
        let choices = [("drop", OnUnknown::Drop), ("own", OnUnknown::Own), ("seal", OnUnknown::Seal)];
        written.unknown = choice(&table, "unknown", &choices, report);
        if !top.has("tenant") {
            let help = "add [[tenant]] with name, hosts and role";
            report.helped(Code::MissingKey, table.span, "[tenants] speaks of tenants, and there is none", help);
        }
    }
    let Some(tables) = top.tables("tenant", "[[tenant]]", TENANT, report) else { return written };
    if written.unknown.is_none() && !top.has("tenants") {
        let message = "it is not said what becomes of lines of other virtual hosts";
        let help = "add [tenants] with unknown = \"drop\", or \"own\" where they are your own";
        report.helped(Code::MissingKey, tables.span.clone(), message, help);
    }
    let mut names: HashMap<Box<str>, ()> = HashMap::new();
    let mut hosts: HashMap<Box<str>, Box<str>> = HashMap::new();
    for table in &tables.value {
        let Some(found) = tenant(table, &mut hosts, report) else { continue };
        if names.insert(found.tenant.name.clone(), ()).is_some() {
            let span = table.entry("name").map_or(table.span.clone(), |entry| entry.span);
            let message = format!("another tenant is called {} too", quoted(&found.tenant.name));
            report.helped(Code::BadName, span, message, "put all its hosts in one [[tenant]]");
        }
        written.all.push(found);
    }
    written.span = tables.span;
    written
}

fn tenant(table: &Table<'_>, taken: &mut HashMap<Box<str>, Box<str>>, report: &mut Report) -> Option<WrittenTenant> {
    let name = table.needed_text("name", report).filter(|name| {
        let fits = is_policy_name(name.value) && name.value != OWN;
        if !fits {
            let message = format!("{} cannot be a tenant's name", quoted(name.value));
            let help = format!("use 1 to 32 of a-z, 0-9 and -; `{OWN}` stands for your own records");
            report.helped(Code::BadName, name.span.clone(), message, help);
        }
        fits
    });
    table.need("hosts", report);
    let hosts = table.texts("hosts", report);
    table.need("role", report);
    let role = choice(table, "role", &[("controller", Role::Controller), ("processor", Role::Processor)], report);
    let instruction = table.text("instruction", report);
    if let Some(text) = instruction.as_ref().filter(|text| !is_line(text.value)) {
        let message = format!("`instruction` is a text of 1 to {LONGEST_BYTES} bytes on one line");
        report.helped(Code::BadValue, text.span.clone(), message, "for example instruction = \"agreement 2026-114\"");
    }
    if let (Some(role), None) = (&role, &instruction)
        && role.value == Role::Processor
        && !table.has("instruction")
    {
        let message = "a processor needs `instruction`: records of others are kept on their instruction alone";
        let help = "name what it stands in, for example instruction = \"agreement 2026-114\"";
        report.helped(Code::MissingKey, role.span.clone(), message, help);
    }
    let retention = retention::read(table, "[[tenant.retention]]", report);
    let (At { value: name, span: place }, hosts) = (name?, hosts?);
    if hosts.value.is_empty() {
        report.add(Code::BadValue, hosts.span.clone(), "`hosts` names no virtual host");
    }
    let mut own: Vec<Box<str>> = Vec::new();
    for host in &hosts.value {
        let Some(plain) = plain(host, report) else { continue };
        match taken.insert(plain.clone(), name.into()) {
            Some(other) => {
                let message = format!("{} is a host of the tenant {} already", quoted(host.value), quoted(&other));
                report.helped(Code::BadValue, host.span.clone(), message, "a virtual host is one tenant's");
            }
            None => own.push(plain),
        }
    }
    Some(WrittenTenant {
        tenant: Tenant {
            name: name.into(),
            hosts: own,
            role: role?.value,
            instruction: instruction.map(|text| text.value.into()),
            retention: None,
        },
        name: place,
        retention,
    })
}

/// A virtual host as lines are compared with it: in lower case, without the last dot.
fn plain(host: &At<&str>, report: &mut Report) -> Option<Box<str>> {
    let lower = host.value.to_ascii_lowercase();
    let whole = lower.strip_suffix('.').unwrap_or(&lower);
    let name = whole.strip_prefix("*.").unwrap_or(whole);
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(letter);
    let is_v6 = || name == whole && name.parse::<std::net::Ipv6Addr>().is_ok();
    if name.len() <= 253 && (name.split('.').all(label) || is_v6()) {
        return Some(whole.into());
    }
    let help = if name.contains(':') || name.contains('/') {
        "write the name alone, without scheme, port and path: \"shop.example.com\""
    } else {
        "write a host name, or all below one: \"shop.example.com\", \"*.example.com\"; others in their xn-- form"
    };
    report.helped(Code::BadValue, host.span.clone(), format!("{} is no virtual host", quoted(host.value)), help);
    None
}

/// A class that goes so soon after the end of a relationship that a key of it may live longer.
pub(super) fn outlived(policy: &Policy) -> Option<(&str, Keep)> {
    policy.shelves().find_map(|(_, class)| match class.keep {
        Life::Relationship(keep) if outlives(&policy.keys, keep) => Some((&*class.name, keep)),
        Life::Relationship(_) | Life::Span(_) | Life::FiscalYear(_) | Life::UntilReleased | Life::NoLimit => None,
    })
}

/// The names of tenants that are none of them, reported where they stand.
pub(super) fn known<'n>(
    tenants: &Tenants,
    named: impl Iterator<Item = &'n (Box<str>, Range<usize>)>,
    report: &mut Report,
) {
    for (name, span) in named {
        if **name != *OWN && !tenants.all.iter().any(|tenant| tenant.name == *name) {
            let known: Vec<&str> = tenants.all.iter().map(|tenant| &*tenant.name).chain([OWN]).collect();
            let message = format!("no [[tenant]] is called {}", quoted(name));
            report.helped(Code::BadValue, span.clone(), message, suggest::help(name, &known));
        }
    }
}

fn is_line(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= LONGEST_BYTES && !text.chars().any(char::is_control)
}

const LONGEST_BYTES: usize = 200;

/// A class's number has 16 bits.
const MOST_CLASSES: usize = 65_535;
