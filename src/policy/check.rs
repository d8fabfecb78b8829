//! Raw → [`Policy`]: reads every key once, collects every fault, lays the text over its base.

mod fields;
mod process;
mod retention;
mod seal;
mod tenants;
mod text;
mod wiring;
mod words;

use super::{
    Class, Databases, Detect, Encode, Example, KeepText, KeyMode, Keys as KeyTerms, Layout, Network, OnMalformed,
    Policy, Port, Source, TagForm, Tenants, Treatment, Wiring, Wrap, builtin,
    finding::{Code, Finding, locate},
    raw::{self, At, Keys, Report, Table, quoted},
    suggest,
};
use crate::{
    epoch::Period,
    record::Kind,
    retention::{Keep, STORE_NAMES, is_policy_name},
    time::Zone,
};
use ipnet::IpNet;
use std::{borrow::Cow, ops::Range};

/// The policy that `text` writes, unless it has faults, and everything there is to say about it.
///
/// `file` is the name that findings give the text.
pub(super) fn check(text: &str, file: &str) -> (Option<Policy>, Vec<Finding>) {
    let mut report = Report::default();
    let raw = raw::read(text, &mut report);
    let mut policy = None;
    // Where the text is not TOML, whatever else is odd about it may be only an echo of that.
    if !report.has_errors() {
        let top = Table::new(&raw, 0..0, "a policy", TOP, &mut report);
        let draft = Draft::read(&top, &mut report);
        let base = draft.base.map(draft_of_builtin);
        policy = draft.over(base.as_ref(), &mut report).filter(|_| !report.has_errors());
        if let Some(policy) = &policy {
            warn_of_weakenings(policy, &draft, &mut report);
            warn_of_borrowed_name(policy, &draft, &mut report);
            draft.tenants.warn_of_losses(policy, &mut report);
        }
    }
    locate(text, file, &mut report.findings);
    (policy, report.findings)
}

/// The keys at the top of a policy.
pub(super) const TOP: Keys = Keys {
    known: &[
        "base",
        "name",
        "version",
        "source",
        "fields",
        "exempt",
        "retention",
        "encode",
        "keys",
        "example",
        "detect",
        "keep_text",
        "seal",
        "state",
        "status",
        "input",
        "output",
        "tenants",
        "tenant",
    ],
    later: &["audit", "guard", "store", "subject", "report"],
};
pub(super) const SOURCE: Keys = Keys { known: &["format", "malformed", "malformed_limit", "zone"], later: &[] };
pub(super) const ENCODE: Keys = Keys { known: &["as", "tag"], later: &["seal", "wrap"] };
pub(super) const EXEMPT: Keys = Keys { known: &["networks", "reason"], later: &[] };

/// One text as written, before it is laid over its base.
#[derive(Clone, Debug, Default)]
struct Draft {
    base: Option<&'static str>,
    name: Option<At<Box<str>>>,
    version: Option<u32>,
    formats: Option<At<Vec<Box<str>>>>,
    malformed: Option<At<OnMalformed>>,
    malformed_limit: Option<f64>,
    zone: Option<Zone>,
    fields: Vec<fields::Written>,
    exempt: Option<At<Exempt>>,
    detect: Option<At<Vec<Detect>>>,
    keep_text: Option<At<KeepText>>,
    retention: Option<retention::Written>,
    layout: Option<Layout>,
    tag: Option<TagForm>,
    seal: Option<seal::Written>,
    keys: process::WrittenKeys,
    examples: Vec<Example>,
    tenants: tenants::Written,
    wiring: Wiring,
    /// Where outputs name classes; and their first `fields`, under no name.
    places: Vec<(Box<str>, Range<usize>)>,
    /// Where a store is sealed.
    sealed: Option<Range<usize>>,
    /// The tenants that inputs and outputs name, and where.
    named_tenants: Vec<(Box<str>, Range<usize>)>,
}

impl Draft {
    fn read(top: &Table<'_>, report: &mut Report) -> Draft {
        let mut draft = Draft { base: base(top, report), ..Draft::default() };
        let under = draft.base.map_or_else(Draft::default, draft_of_builtin);
        draft.name = name(top, report);
        draft.version = version(top, report);
        if let Some(source) = top.table("source", "[source]", SOURCE, report) {
            draft.read_source(&source, report);
        }
        if let Some(table) = top.open_table("fields", "[fields]", report) {
            draft.fields = fields::read(&table, &under.fields, report);
        }
        draft.exempt = top.table("exempt", "[exempt]", EXEMPT, report).and_then(|table| exempt(&table, report));
        draft.detect = text::detect(top, report);
        draft.keep_text = text::keep_text(top, report);
        draft.retention = retention::read(top, "[[retention]]", report);
        if let Some(encode) = top.table("encode", "[encode]", ENCODE, report) {
            draft.layout = choice(&encode, "as", &[("same", Layout::Same), ("json", Layout::Json)], report).map(value);
            draft.tag =
                choice(&encode, "tag", &[("append", TagForm::Append), ("none", TagForm::None)], report).map(value);
        }
        draft.seal = seal::read(top, report);
        draft.keys = process::keys(top, report);
        draft.examples = process::examples(top, report);
        draft.tenants = tenants::read(top, report);
        draft.wiring = wiring::read(top, report);
        draft.places = wiring::places(top);
        draft.sealed = wiring::sealed(top);
        draft.named_tenants = wiring::tenants(top);
        draft
    }

    fn read_source(&mut self, source: &Table<'_>, report: &mut Report) {
        self.formats = process::formats(source, report);
        let choices = [("scrub", OnMalformed::Scrub), ("drop", OnMalformed::Drop), ("seal", OnMalformed::Seal)];
        self.malformed = choice(source, "malformed", &choices, report);
        self.malformed_limit = source.text("malformed_limit", report).and_then(|limit| per_cent(&limit, report));
        self.zone = source.text("zone", report).and_then(|zone| {
            let parsed = Zone::named(zone.value);
            if parsed.is_none() {
                report.helped(
                    Code::BadValue,
                    zone.span,
                    format!("{} is not a time zone", quoted(zone.value)),
                    "write \"UTC\", an offset such as \"+02:00\" or a name such as \"Europe/Oslo\"",
                );
            }
            parsed
        });
    }

    /// This draft where it says something, its base where it does not, the defaults where neither does.
    fn over(&self, base: Option<&Draft>, report: &mut Report) -> Option<Policy> {
        let none = Draft::default();
        let base = base.unwrap_or(&none);
        let (fields, rest) = fields::resolve(&base.fields, &self.fields);
        let retention = match self.retention.as_ref().or(base.retention.as_ref()) {
            Some(retention) => retention,
            None => {
                report.helped(
                    Code::MissingKey,
                    0..0,
                    "a policy needs at least one [[retention]] class",
                    "add [[retention]] with class, keep, purpose and basis, or base = \"hosting\"",
                );
                return None;
            }
        };
        let (name, version) = (self.name.as_ref()?, self.version?);
        let formats = self.formats.as_ref().or(base.formats.as_ref());
        let formats = formats.map_or_else(|| vec!["auto".into()], |formats| formats.value.clone());
        let malformed = self.malformed.as_ref().or(base.malformed.as_ref()).map_or(OnMalformed::Scrub, |at| at.value);
        let limit = self.malformed_limit.or(base.malformed_limit).unwrap_or(DEFAULT_LIMIT);
        let exempt = self.exempt.as_ref().or(base.exempt.as_ref()).map_or_else(Exempt::default, |at| at.value.clone());
        let mut policy = Policy {
            name: name.value.clone(),
            version,
            source: Source {
                // A share of lines that fit no format says nothing where every format is tried.
                malformed_limit: (!formats.iter().any(|format| &**format == "auto")).then_some(limit),
                formats,
                malformed,
                zone: self.zone.clone().or_else(|| base.zone.clone()).unwrap_or_else(Zone::utc),
            },
            fields,
            rest,
            exempt: exempt.0,
            exempt_reason: exempt.1,
            detect: self.detect.as_ref().or(base.detect.as_ref()).map_or_else(Vec::new, |at| at.value.clone()),
            keep_text: self.keep_text.as_ref().or(base.keep_text.as_ref()).map(|at| at.value.clone()),
            classes: retention.classes.clone(),
            rules: Vec::new(),
            encode: Encode {
                layout: self.layout.or(base.layout).unwrap_or(Layout::Same),
                tag: self.tag.or(base.tag).unwrap_or(TagForm::Append),
            },
            keys: KeyTerms {
                directory: self.keys.directory.clone().or_else(|| base.keys.directory.clone()),
                epoch: self.keys.epoch.or(base.keys.epoch).unwrap_or(Period::Day),
                keep: self.keys.keep.or(base.keys.keep).unwrap_or(Keep { months: 0, days: 30 }),
                mode: self.keys.mode.or(base.keys.mode).unwrap_or(KeyMode::Random),
                wrap: self.keys.wrap.clone().or_else(|| base.keys.wrap.clone()),
            },
            seal: None,
            // A base's examples say what the base does.
            examples: self.examples.clone(),
            databases: Databases::default(),
            tenants: Tenants::default(),
            // What a built-in reads and writes is what its front end is told.
            wiring: self.wiring.clone(),
        };
        policy.rules = retention.rules_under(&policy, report);
        policy.tenants = self.tenants.under(&policy, retention, report);
        tenants::known(&policy.tenants, self.named_tenants.iter(), report);
        if let Some((class, keep)) = tenants::outlived(&policy) {
            let message = format!(
                "a key lives for {} after its epoch of {}, and what the class {} holds goes {keep} after the end of a relationship",
                policy.keys.keep,
                policy.keys.epoch.as_str(),
                quoted(class)
            );
            let help = "let no key live longer: keep = \"30 days\"";
            report.helped(Code::BadValue, self.keys.span_of("keys.keep"), message, help);
        }
        let asked =
            (malformed == OnMalformed::Seal).then(|| self.malformed.as_ref().map_or(0..0, |at| at.span.clone()));
        let asked = asked.or_else(|| self.tenants.seals());
        let classes: Vec<Class> = policy.shelves().map(|(_, class)| class.clone()).collect();
        policy.seal = seal::settle(self.seal.as_ref(), asked, (&classes, &policy.keys, &policy.wiring), report);
        let stores = policy.wiring.outputs.iter().any(|output| matches!(output.to, super::wiring::To::Store(_)));
        let taken = |class: &&Class| stores && STORE_NAMES.contains(&&*class.name);
        if let Some(class) = policy.classes.iter().find(taken) {
            let message = format!("a store has a directory or a file of its own called {}", quoted(&class.name));
            let help = "give the class another name";
            report.helped(Code::BadName, retention.span_of(&class.name), message, help);
        }
        for class in policy.wiring.outputs.iter().flat_map(|output| &output.classes) {
            if !policy.shelves().any(|(_, known)| known.name == *class) {
                let mut known: Vec<&str> = policy.shelves().map(|(_, known)| &*known.name).collect();
                known.sort_unstable();
                known.dedup();
                let message = format!("an output takes the class {}, which no rule gives", quoted(class));
                let place = self.places.iter().find(|(name, _)| name == class).map_or(0..0, |(_, span)| span.clone());
                report.helped(Code::BadValue, place, message, suggest::help(class, &known));
            }
        }
        if let (Some(span), None) = (&self.sealed, &policy.keys.wrap) {
            let message =
                "`seal` needs `wrap` in [keys]: keys lie beside what they open, and must not lie open themselves";
            let help = "make a file with (umask 077; head -c 32 /dev/urandom > /etc/sladd/wrap.key), keep it out of backups, and write \
                        wrap = \"/etc/sladd/wrap.key\"";
            report.helped(Code::MissingKey, span.clone(), message, help);
        }
        self.refuse_reversible_abroad(&policy, report);
        if policy.encode.layout == Layout::Same && policy.wiring.outputs.iter().any(|output| !output.fields.is_empty())
        {
            let message = "an output takes some fields of records that are written in the layout they came in";
            let help = "write as = \"json\" in [encode], so that each record is an object under canonical names";
            let place = self.places.iter().find(|(name, _)| name.is_empty()).map_or(0..0, |(_, span)| span.clone());
            report.helped(Code::BadValue, place, message, help);
        }
        Some(policy)
    }

    /// What the key gives back stays on this machine.
    fn refuse_reversible_abroad(&self, policy: &Policy, report: &mut Report) {
        let remote = |output: &&super::wiring::Output| matches!(output.to, super::wiring::To::Remote(_));
        for (field, treatment) in &policy.fields {
            let Treatment::Reversible { scheme, .. } = treatment else { continue };
            let taken = |output: &super::wiring::Output| {
                output.fields.is_empty() || field.ends_with('*') || output.fields.contains(field)
            };
            if policy.wiring.outputs.iter().filter(remote).any(taken) {
                let message = format!(
                    "{} is encrypted by `{}` and goes over the network: whoever has the key can have it back",
                    quoted(field),
                    scheme.name()
                );
                let help = "use `pseudonym`, or leave it out of what that output gets, with `fields`";
                report.helped(Code::BadValue, self.place_of(field), message, help);
            }
        }
    }

    /// Where the text says what happens to a field: the line of its name, of a pattern that takes it, or of `"*"`; else that
    /// of `client.address`, which scrubs of the base follow.
    fn place_of(&self, field: &str) -> Range<usize> {
        let governing = fields::governing(&self.fields, field);
        let followed = || fields::governing(&self.fields, "client.address");
        governing.or_else(followed).map_or(0..0, |written| written.span.clone())
    }
}

fn draft_of_builtin(name: &str) -> Draft {
    trusted_draft(&builtin::show(name).expect("a base is a built-in"))
}

/// A text of our own, which a test has checked.
pub(super) fn trusted(text: &str) -> Policy {
    trusted_draft(text).over(None, &mut Report::default()).expect("a built-in has no faults")
}

fn trusted_draft(text: &str) -> Draft {
    let mut report = Report::default();
    let raw = raw::read(text, &mut report);
    let top = Table::new(&raw, 0..0, "a policy", TOP, &mut report);
    Draft::read(&top, &mut report)
}

/// A treatment that stands elsewhere than in `[fields]`, for fields of these kinds.
pub(super) fn treatment(
    entry: &raw::Entry<'_>,
    name: &str,
    kinds: &[(Cow<'static, str>, Kind)],
    report: &mut Report,
) -> Option<Treatment> {
    fields::alone(entry, name, kinds, report)
}

/// Every key that a policy can have, and every treatment.
#[cfg(test)]
pub(super) fn every_key() -> Vec<&'static str> {
    let tables = [
        TOP,
        SOURCE,
        ENCODE,
        EXEMPT,
        retention::RETENTION,
        seal::SEAL,
        process::KEYS,
        process::EXAMPLE,
        wiring::STATE,
        wiring::STATUS,
        wiring::INPUT,
        wiring::OUTPUT,
        wiring::ROTATE,
        text::DETECT,
        text::KEEP_TEXT,
        tenants::TENANTS,
        tenants::TENANT,
    ];
    let mut keys: Vec<&str> = tables.iter().flat_map(|keys| keys.known).copied().collect();
    for (word, options) in fields::TREATMENTS {
        keys.push(word);
        keys.extend(options.known);
    }
    keys
}

fn base(top: &Table<'_>, report: &mut Report) -> Option<&'static str> {
    let base = top.text("base", report)?;
    let found = builtin::names().into_iter().find(|name| *name == base.value);
    if found.is_none() {
        let help = suggest::help(base.value, &builtin::names());
        report.helped(
            Code::UnknownBase,
            base.span,
            format!("no built-in policy is called {}", quoted(base.value)),
            help,
        );
    }
    found
}

fn name(top: &Table<'_>, report: &mut Report) -> Option<At<Box<str>>> {
    if !top.has("name") {
        report.helped(
            Code::BadName,
            0..0,
            "a policy needs a `name`",
            "add name = \"…\" at the top: it goes into every tag, with version",
        );
    }
    let name = top.text("name", report)?;
    if !is_policy_name(name.value) {
        report.helped(
            Code::BadName,
            name.span,
            format!("{} cannot be a policy's name", quoted(name.value)),
            "use 1 to 32 of a-z, 0-9 and -",
        );
        return None;
    }
    Some(At { value: name.value.into(), span: name.span })
}

fn version(top: &Table<'_>, report: &mut Report) -> Option<u32> {
    if !top.has("version") {
        report.helped(
            Code::BadName,
            0..0,
            "a policy needs a `version`",
            "add version = 1 at the top, and count up with every change",
        );
    }
    let version = top.number("version", report)?;
    if !(1..=999_999_999).contains(&version.value) {
        report.add(Code::BadName, version.span, "`version` should be between 1 and 999,999,999");
        return None;
    }
    Some(version.value as u32)
}

/// Networks and why they are exempt.
type Exempt = (Vec<IpNet>, Option<Box<str>>);

fn exempt(table: &Table<'_>, report: &mut Report) -> Option<At<Exempt>> {
    table.need("networks", report);
    let why = reason(table, report);
    if !table.has("reason") {
        report.helped(
            Code::MissingKey,
            table.span.clone(),
            "[exempt] needs `reason`",
            "say why these addresses are not a visitor's, for example reason = \"monitoring\"",
        );
    }
    let networks = table.texts("networks", report)?;
    let value = networks.value.iter().filter_map(|network| words::network(network, report)).collect();
    Some(At { value: (value, why), span: networks.span })
}

/// The reason that stands in a table; an empty one is none.
fn reason(table: &Table<'_>, report: &mut Report) -> Option<Box<str>> {
    let reason = table.text("reason", report)?;
    if reason.value.trim().is_empty() {
        report.add(Code::BadValue, reason.span, "an empty reason is none");
        return None;
    }
    Some(reason.value.into())
}

/// `20 %`.
fn per_cent(limit: &At<&str>, report: &mut Report) -> Option<f64> {
    let number = limit.value.strip_suffix('%').map(str::trim_end);
    let plain = number.filter(|number| number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'));
    let share = plain.and_then(|number| number.parse().ok()).filter(|share| (0.0..=100.0).contains(share));
    if share.is_none() {
        report.helped(
            Code::BadValue,
            limit.span.clone(),
            format!("{} is not a share", quoted(limit.value)),
            "write per cent from 0 to 100, for example \"20 %\"",
        );
    }
    share
}

/// One of a closed set of words.
fn choice<T: Copy>(table: &Table<'_>, key: &str, choices: &[(&str, T)], report: &mut Report) -> Option<At<T>> {
    let word = table.text(key, report)?;
    if let Some((_, value)) = choices.iter().find(|(name, _)| *name == word.value) {
        return Some(At { value: *value, span: word.span });
    }
    let known: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
    let message = format!("{} cannot be {}", quoted(key), quoted(word.value));
    report.helped(Code::BadValue, word.span, message, suggest::help(word.value, &known));
    None
}

fn value<T>(at: At<T>) -> T {
    at.value
}

/// One warning for each written line that weakens the base.
fn warn_of_weakenings(policy: &Policy, draft: &Draft, report: &mut Report) {
    let Some(base) = draft.base.and_then(Policy::builtin) else { return };
    let mut told: Vec<Range<usize>> = Vec::new();
    for weakening in policy.weakenings(&base) {
        let span = match weakening.code {
            Code::FieldWeaker => draft.place_of(&weakening.subject),
            Code::TextKept => draft.keep_text.as_ref().map_or(0..0, |at| at.span.clone()),
            Code::ExemptWeaker => draft.exempt.as_ref().map_or(0..0, |at| at.span.clone()),
            Code::KeptLonger => {
                let own = match &weakening.tenant {
                    Some(tenant) => draft.tenants.retention_of(tenant),
                    None => draft.retention.as_ref(),
                };
                own.map_or(0..0, |written| written.span_of(&weakening.subject))
            }
            Code::LinkableLonger => draft.keys.span_of(&weakening.subject),
            _ if &*weakening.subject == "source.format" => draft.formats.as_ref().map_or(0..0, |at| at.span.clone()),
            _ => draft.malformed.as_ref().map_or(0..0, |at| at.span.clone()),
        };
        // One line may weaken many fields: it is drawn once, with the first.
        if weakening.code == Code::FieldWeaker && told.contains(&span) {
            continue;
        }
        told.push(span.clone());
        report.add(weakening.code, span, format!("weaker than `{}`: {weakening}", base.name));
    }
}

fn warn_of_borrowed_name(policy: &Policy, draft: &Draft, report: &mut Report) {
    let (Some(name), Some(builtin)) = (&draft.name, Policy::builtin(&policy.name)) else { return };
    let bare = Policy { wiring: Wiring::default(), ..policy.clone() };
    if builtin != bare {
        report.helped(
            Code::BorrowedName,
            name.span.clone(),
            format!("`{}` is the name of a built-in policy, and this is another", name.value),
            "give it a name of its own, so that tags tell them apart",
        );
    }
}

/// Per cent of lines that may fit no format.
pub(super) const DEFAULT_LIMIT: f64 = 20.0;

/// Of a pseudonym, where none are named.
pub(super) const DEFAULT_DIGITS: u8 = 16;
