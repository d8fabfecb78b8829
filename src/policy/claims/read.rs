//! The text of a claims file → [`Claims`], or findings.

use super::{Claim, Claims, Open, Role, Stated};
use crate::{
    detect::Kinds,
    policy::{
        Code, Finding, Network, Port, check,
        finding::locate,
        names,
        raw::{self, At, Keys, Report, Table, quoted, type_name},
        suggest,
    },
    retention::{Basis, Keep, Life, Purpose, is_class_name},
};
use ipnet::IpNet;
use std::{net::IpAddr, str::FromStr};
use toml::de::{DeTable, DeValue};

/// The claims that `text` writes, and everything that is wrong with it.
pub(super) fn read(text: &str, file: &str) -> (Option<Claims>, Vec<Finding>) {
    let mut report = Report::default();
    let raw = raw::read(text, &mut report);
    let mut read = None;
    if !report.has_errors() {
        let top = Table::new(&raw, 0..0, "a claims file", TOP, &mut report);
        read = Some(Claims { claims: claims(&top, &mut report), open: open(&top, &mut report) });
    }
    locate(text, file, &mut report.findings);
    (read.filter(|_| report.findings.is_empty()), report.findings)
}

fn claims(top: &Table<'_>, report: &mut Report) -> Vec<Claim> {
    let mut claims: Vec<Claim> = Vec::new();
    let tables = list(top, "claim", report);
    if tables.is_empty() && !report.has_errors() {
        let help = "add [[claim]] with id, sentence and claim";
        report.helped(Code::MissingKey, 0..0, "a claims file needs at least one [[claim]]", help);
    }
    for (table, span) in tables {
        let Some(claim) = claim(table, span, report) else { continue };
        if claims.iter().any(|other| other.id == claim.value.id) {
            let message = format!("the id {} stands above", quoted(&claim.value.id));
            report.helped(Code::BadValue, claim.span, message, "give each claim an id of its own");
            continue;
        }
        claims.push(claim.value);
    }
    claims
}

/// One claim, and where its id stands.
fn claim(table: &DeTable<'_>, span: std::ops::Range<usize>, report: &mut Report) -> Option<At<Claim>> {
    let loose = Table::open(table, span.clone(), "a claim");
    let word = loose.needed_text("claim", report)?;
    let Some(&(_, own)) = VOCABULARY.iter().find(|(known, _)| *known == word.value) else {
        let words: Vec<&str> = VOCABULARY.iter().map(|(known, _)| *known).collect();
        let message = format!("nothing can be claimed by {}", quoted(word.value));
        report.helped(Code::BadValue, word.span, message, suggest::help(word.value, &words));
        return None;
    };
    for entry in loose.entries() {
        if !COMMON.contains(&entry.key) && !own.contains(&entry.key) {
            let known: Vec<&str> = COMMON.iter().chain(own).copied().collect();
            let message = format!("unknown key {} in the claim {}", quoted(entry.key), quoted(word.value));
            report.helped(Code::UnknownKey, entry.key_span, message, suggest::help(entry.key, &known));
        }
    }
    let id = id(&loose, report);
    let sentence = sentence(&loose, "sentence", report);
    let covers = labels(&loose, "covers", report);
    let stated = stated(word.value, &loose, report);
    let id = id?;
    let span = id.span.clone();
    Some(At { value: Claim { id: id.value.into(), sentence: sentence?, covers, stated: stated? }, span })
}

fn stated(word: &str, table: &Table<'_>, report: &mut Report) -> Option<Stated> {
    Some(match word {
        "address_at_most" => Stated::AddressAtMost { network: network(table, report)?, except: except(table, report) },
        "basis_of" => Stated::BasisOf {
            class: class(table, report)?,
            basis: words(table, "basis", (Code::UnknownBasis, &Basis::ALL.map(Basis::as_str)), report)?,
        },
        "deleted_after" => {
            Stated::DeletedAfter { class: class(table, report)?, at_most: duration::<Life>(table, report)? }
        }
        "deleted_after_relationship" => Stated::DeletedAfterRelationship { at_most: duration::<Keep>(table, report)? },
        "encrypted_at_rest" => Stated::EncryptedAtRest,
        "encrypted_in_transit" => Stated::EncryptedInTransit,
        "field_at_most" => {
            let fields = fields(table, report)?;
            Stated::FieldAtMost { at_most: treatment(table, &fields, report)?, fields }
        }
        "field_never_stored" => Stated::FieldNeverStored { fields: fields(table, report)? },
        "free_text_scrubbed" => Stated::FreeTextScrubbed { kinds: kinds(table, report)? },
        "held_on_order" => Stated::HeldOnOrder,
        "identifier_pseudonymised" => {
            let all = !table.has("fields");
            Stated::IdentifierPseudonymised { fields: if all { Vec::new() } else { fields(table, report)? } }
        }
        "key_destroyed_after" => Stated::KeyDestroyedAfter { at_most: duration::<Keep>(table, report)? },
        "listens_only_here" => Stated::ListensOnlyHere,
        "no_third_parties" => Stated::NoThirdParties,
        "no_unkeyed_hash" => Stated::NoUnkeyedHash,
        "not_linkable_across" => {
            let text = table.needed_text("period", report)?;
            let Ok(period) = text.value.parse() else {
                let message = format!("{} is not a key's period", quoted(text.value));
                let help = "write \"1 hour\", \"1 day\", \"1 week\", \"1 month\" or \"1 year\"";
                report.helped(Code::BadDuration, text.span, message, help);
                return None;
            };
            Stated::NotLinkableAcross { period }
        }
        "not_readable_by_others" => Stated::NotReadableByOthers,
        "output_scanned" => Stated::OutputScanned,
        "purposes_only" => Stated::PurposesOnly {
            class: class(table, report)?,
            purposes: words(table, "purposes", (Code::UnknownPurpose, &Purpose::ALL.map(Purpose::as_str)), report)?,
        },
        "recipient_fields" => Stated::RecipientFields { fields: fields(table, report)? },
        "recipients_only" => Stated::RecipientsOnly { recipients: some_labels(table, "recipients", report)? },
        "region" => Stated::Region { regions: some_labels(table, "regions", report)? },
        "role" => {
            let role = table.needed_text("role", report)?;
            let choices = [("controller", Role::Controller), ("processor", Role::Processor)];
            let Some((_, found)) = choices.into_iter().find(|(known, _)| *known == role.value) else {
                let message = format!("{} is no role", quoted(role.value));
                report.helped(Code::BadValue, role.span, message, suggest::help(role.value, &choices.map(|it| it.0)));
                return None;
            };
            Stated::Role { role: found }
        }
        "tagged" => Stated::Tagged,
        "tenants_apart" => Stated::TenantsApart,
        "unnamed_never_stored" => Stated::UnnamedNeverStored,
        "unparsed_never_stored_raw" => Stated::UnparsedNeverStoredRaw,
        "versions_never_lengthen" => Stated::VersionsNeverLengthen,
        // `VOCABULARY` and this match are compared by a test.
        _ => return None,
    })
}

/// What is published and not claimed.
fn open(top: &Table<'_>, report: &mut Report) -> Vec<Open> {
    let mut all = Vec::new();
    for (table, span) in list(top, "open", report) {
        let table = Table::new(table, span, "[[open]]", OPEN, report);
        let (covers, why) = (some_labels(&table, "covers", report), sentence(&table, "why", report));
        if let (Some(covers), Some(why)) = (covers, why) {
            all.push(Open { covers, why });
        }
    }
    all
}

/// The tables of `[[key]]`, and where each stands.
fn list<'a>(top: &Table<'a>, key: &str, report: &mut Report) -> Vec<(&'a DeTable<'a>, std::ops::Range<usize>)> {
    let Some(entry) = top.entry(key) else { return Vec::new() };
    let wrong = |found: &DeValue<'_>| format!("{} should be tables, [[{key}]], not {}", quoted(key), type_name(found));
    let Some(items) = entry.value.as_array() else {
        report.add(Code::WrongType, entry.span, wrong(entry.value));
        return Vec::new();
    };
    let mut tables = Vec::new();
    for item in items.iter() {
        match item.get_ref() {
            DeValue::Table(table) => tables.push((table, item.span())),
            other => report.add(Code::WrongType, item.span(), wrong(other)),
        }
    }
    tables
}

fn id<'a>(table: &Table<'a>, report: &mut Report) -> Option<At<&'a str>> {
    let id = table.needed_text("id", report)?;
    if !is_label(id.value) {
        let message = format!("{} cannot be an id", quoted(id.value));
        report.helped(Code::BadValue, id.span, message, "use 1 to 32 letters, digits, _, . and -");
        return None;
    }
    Some(id)
}

fn is_label(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

/// A text of one line for people.
fn sentence(table: &Table<'_>, key: &str, report: &mut Report) -> Option<Box<str>> {
    let text = table.needed_text(key, report)?;
    if text.value.trim().is_empty() || text.value.chars().any(char::is_control) {
        let message = format!("{} should be one line of text", quoted(key));
        report.add(Code::BadValue, text.span, message);
        return None;
    }
    Some(text.value.into())
}

/// Names of people's own, on one line each.
fn labels(table: &Table<'_>, key: &str, report: &mut Report) -> Vec<Box<str>> {
    let mut all = Vec::new();
    for text in table.texts(key, report).map_or_else(Vec::new, |texts| texts.value) {
        if text.value.trim().is_empty() || text.value.chars().any(char::is_control) {
            report.add(Code::BadValue, text.span, format!("a name in {} should be one line of text", quoted(key)));
        } else {
            all.push(text.value.into());
        }
    }
    all
}

fn some_labels(table: &Table<'_>, key: &str, report: &mut Report) -> Option<Vec<Box<str>>> {
    table.need(key, report);
    let written = table.entry(key)?;
    let labels = labels(table, key, report);
    not_empty(labels, key, written.span, report)
}

fn not_empty<T>(list: Vec<T>, key: &str, span: std::ops::Range<usize>, report: &mut Report) -> Option<Vec<T>> {
    // A list of which every word is a fault has been told of already.
    let told = report.findings.iter().any(|found| span.start <= found.span.start && found.span.end <= span.end);
    if list.is_empty() && !told {
        report.add(Code::BadValue, span, format!("{} names nothing", quoted(key)));
    }
    Some(list).filter(|list| !list.is_empty())
}

/// The class that is spoken of: `Some(None)` is every one.
fn class(table: &Table<'_>, report: &mut Report) -> Option<Option<Box<str>>> {
    if !table.has("class") {
        return Some(None);
    }
    let class = table.text("class", report)?;
    if !is_class_name(class.value) {
        let message = format!("{} cannot be a class's name", quoted(class.value));
        report.helped(Code::BadValue, class.span, message, "use 1 to 32 of a-z, 0-9 and _");
        return None;
    }
    Some(Some(class.value.into()))
}

/// Words of a closed list.
fn words<T: FromStr>(
    table: &Table<'_>,
    key: &str,
    (code, known): (Code, &[&str]),
    report: &mut Report,
) -> Option<Vec<T>> {
    table.need(key, report);
    let texts = table.texts(key, report)?;
    let mut found = Vec::new();
    for text in &texts.value {
        match text.value.parse() {
            Ok(word) => found.push(word),
            Err(_) => {
                let message = format!("{} is not a word of {}", quoted(text.value), quoted(key));
                report.helped(code, text.span.clone(), message, suggest::help(text.value, known));
            }
        }
    }
    not_empty(found, key, texts.span, report)
}

fn duration<T: FromStr>(table: &Table<'_>, report: &mut Report) -> Option<T> {
    let text = table.needed_text("at_most", report)?;
    let duration = text.value.parse().ok();
    if duration.is_none() {
        let message = format!("{} is not a duration that can be claimed here", quoted(text.value));
        let help = "write a number and days, weeks, months or years: \"6 months\"";
        report.helped(Code::BadDuration, text.span, message, help);
    }
    duration
}

/// Canonical names and patterns; spellings of other programs are understood.
fn fields(table: &Table<'_>, report: &mut Report) -> Option<Vec<Box<str>>> {
    table.need("fields", report);
    let texts = table.texts("fields", report)?;
    let mut found: Vec<Box<str>> = Vec::new();
    for text in &texts.value {
        if let Some((name, _)) = names::canonical(text.value) {
            found.push(name.into());
        } else if names::family(text.value).is_some() {
            found.push(text.value.into());
        } else {
            let help = match names::nearest(text.value) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => "names are those of [fields] in a policy".to_owned(),
            };
            let message = format!("no field is called {}", quoted(text.value));
            report.helped(Code::UnknownField, text.span.clone(), message, help);
        }
    }
    not_empty(found, "fields", texts.span, report)
}

/// The treatment as `[fields]` writes it. It must fit each of the fields.
fn treatment(table: &Table<'_>, fields: &[Box<str>], report: &mut Report) -> Option<crate::policy::Treatment> {
    table.need("at_most", report);
    let entry = table.entry("at_most")?;
    let mut members = Vec::new();
    for field in fields {
        match names::canonical(field) {
            Some(found) => members.push(found),
            None => members.extend(names::family(field).unwrap_or_default()),
        }
    }
    check::treatment(&entry, fields.first()?, &members, report)
}

fn kinds(table: &Table<'_>, report: &mut Report) -> Option<Kinds> {
    if !table.has("kinds") {
        return Some(Kinds::ALL);
    }
    let texts = table.texts("kinds", report)?;
    let mut kinds = Vec::new();
    for text in &texts.value {
        match Kinds::NAMES.iter().find(|(name, _)| *name == text.value) {
            Some((_, kind)) => kinds.push(*kind),
            None => {
                let known = Kinds::NAMES.map(|(name, _)| name);
                let message = format!("no kind of identifier is called {}", quoted(text.value));
                report.helped(Code::UnknownKind, text.span.clone(), message, suggest::help(text.value, &known));
            }
        }
    }
    let kinds = not_empty(kinds, "kinds", texts.span, report)?;
    Some(kinds.into_iter().fold(Kinds::NONE, Kinds::with))
}

fn network(table: &Table<'_>, report: &mut Report) -> Option<Network> {
    for key in ["v4", "v6"] {
        if !table.has(key) {
            let message = "a claim on addresses needs `v4` and `v6`";
            report.helped(Code::HalfNetwork, table.span.clone(), message, "write v4 = 24, v6 = 48");
            return None;
        }
    }
    let mut bits = |key: &str, most: i64| {
        let number = table.number(key, report)?;
        if !(0..=most).contains(&number.value) {
            report.add(Code::PrefixRange, number.span, format!("{} should be between 0 and {most}", quoted(key)));
            return None;
        }
        Some(number.value as u8)
    };
    let (v4, v6) = (bits("v4", 32), bits("v6", 128));
    Some(Network { v4: v4?, v6: v6?, port: Port::Drop })
}

fn except(table: &Table<'_>, report: &mut Report) -> Vec<IpNet> {
    let mut all = Vec::new();
    for text in table.texts("except", report).map_or_else(Vec::new, |texts| texts.value) {
        let single = || text.value.parse::<IpAddr>().ok().map(IpNet::from);
        match text.value.parse::<IpNet>().ok().or_else(single) {
            Some(network) => all.push(network),
            None => report.add(Code::BadNetwork, text.span, format!("{} is not a network", quoted(text.value))),
        }
    }
    all
}

const TOP: Keys = Keys { known: &["claim", "open"], later: &[] };
const OPEN: Keys = Keys { known: &["covers", "why"], later: &[] };
/// What every claim may have.
const COMMON: &[&str] = &["id", "sentence", "covers", "claim"];

/// What can be claimed, and what is said with it.
pub(super) const VOCABULARY: &[(&str, &[&str])] = &[
    ("address_at_most", &["v4", "v6", "except"]),
    ("basis_of", &["class", "basis"]),
    ("deleted_after", &["class", "at_most"]),
    ("deleted_after_relationship", &["at_most"]),
    ("encrypted_at_rest", &[]),
    ("encrypted_in_transit", &[]),
    ("field_at_most", &["fields", "at_most"]),
    ("field_never_stored", &["fields"]),
    ("free_text_scrubbed", &["kinds"]),
    ("held_on_order", &[]),
    ("identifier_pseudonymised", &["fields"]),
    ("key_destroyed_after", &["at_most"]),
    ("listens_only_here", &[]),
    ("no_third_parties", &[]),
    ("no_unkeyed_hash", &[]),
    ("not_linkable_across", &["period"]),
    ("not_readable_by_others", &[]),
    ("output_scanned", &[]),
    ("purposes_only", &["class", "purposes"]),
    ("recipient_fields", &["fields"]),
    ("recipients_only", &["recipients"]),
    ("region", &["regions"]),
    ("role", &["role"]),
    ("tagged", &[]),
    ("tenants_apart", &[]),
    ("unnamed_never_stored", &[]),
    ("unparsed_never_stored_raw", &[]),
    ("versions_never_lengthen", &[]),
];
