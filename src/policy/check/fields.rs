//! `[fields]`: names and treatments, and whether they fit each other.

use super::{
    Coarsen, Code, Network, Port, Range, Report, Table, Treatment, choice, quoted, reason, suggest, value, words,
};
use crate::{
    detect::Kinds,
    policy::{
        names,
        raw::{At, Entry, Keys},
    },
    record::Kind,
};
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

/// The canonical name and the kinds that a treatment must fit: all of a family's.
fn field<'a>(entry: &Entry<'a>, report: &mut Report) -> Option<(Cow<'static, str>, Vec<(Cow<'static, str>, Kind)>)> {
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

fn treatment(
    entry: &Entry<'_>,
    name: &str,
    kinds: &[(Cow<'static, str>, Kind)],
    report: &mut Report,
) -> Option<(Treatment, NetworkOf)> {
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
            format!("write one of {}", suggest::list(&words())),
        );
        return None;
    }
    let word = open.text("treatment", report)?;
    let Some(&(_, keys)) = TREATMENTS.iter().find(|(known, _)| *known == word.value) else {
        unknown(&word, report);
        return None;
    };
    let table = Table::new(inner, entry.span.clone(), called(word.value), keys, report);
    let read = options(word.value, &table, report)?;
    fit(entry, name, kinds, &read.0, &table, report);
    Some(read)
}

fn options(word: &str, table: &Table<'_>, report: &mut Report) -> Option<(Treatment, NetworkOf)> {
    let mut of = NetworkOf::Itself;
    let treatment = match word {
        "coarsen" => Treatment::Coarsen(coarsen(table, report)?),
        "cookie" => {
            let (keep, pseudonym, digits) = parameters(table, report)?;
            Treatment::Cookie { keep, pseudonym, digits }
        }
        "drop" => Treatment::Drop,
        "family" => Treatment::Family { version: table.flag("version", report).unwrap_or(true) },
        "keep" => Treatment::Keep { reason: reason(table, report) },
        "language" => Treatment::Language,
        "origin" => Treatment::Origin,
        "path" => Treatment::Path,
        "pseudonym" => Treatment::Pseudonym { digits: digits(table, report)? },
        "query" => {
            let (keep, pseudonym, digits) = parameters(table, report)?;
            Treatment::Query { keep, pseudonym, digits }
        }
        "scrub" => {
            reason(table, report);
            let kinds = scrubbed_kinds(table, report)?;
            let port = port(table, report);
            let network = if table.has("v4") || table.has("v6") {
                network(table, "scrub", report)?
            } else {
                of = NetworkOf::ClientAddress;
                Network { port, ..DEFAULT_NETWORK }
            };
            Treatment::Scrub { kinds, network }
        }
        "truncate" => {
            reason(table, report);
            Treatment::Truncate(network(table, "truncate", report)?)
        }
        _ => return None,
    };
    Some((treatment, of))
}

/// Reports a treatment that the field's kind cannot take, and a whole address or identifier without a reason.
fn fit(
    entry: &Entry<'_>,
    name: &str,
    kinds: &[(Cow<'static, str>, Kind)],
    treatment: &Treatment,
    table: &Table<'_>,
    report: &mut Report,
) {
    let word = word_of(treatment);
    if name == "*" {
        fit_rest(entry, treatment, table, report);
        return;
    }
    if let Some((member, kind)) = kinds.iter().find(|(_, kind)| !fits(treatment, *kind)) {
        let which = if member == name { quoted(name) } else { format!("{} (in {})", quoted(member), quoted(name)) };
        report.helped(
            Code::Misfit,
            entry.span.clone(),
            format!("`{word}` does not fit {which}, which is {}", kind_name(*kind)),
            format!("what fits: {}", suggest::list(&fitting(*kind))),
        );
        return;
    }
    if let Some((member, kind)) = kinds.iter().find(|(_, kind)| leaves_whole(treatment, *kind))
        && !table.has("reason")
    {
        let what = match treatment {
            Treatment::Keep { .. } => "`keep`".to_owned(),
            _ => format!("`{word}` that cuts no bit"),
        };
        report.helped(
            Code::NeedsReason,
            entry.span.clone(),
            format!("{what} on {} ({}) needs a reason", quoted(member), kind_name(*kind)),
            "add reason = \"…\" and say why it may stay, or use another treatment",
        );
    }
    let bearing = kinds.iter().find(|(_, kind)| matches!(kind, Kind::Agent | Kind::Path | Kind::Query | Kind::Referer));
    if let (Treatment::Keep { .. }, Some((member, kind))) = (treatment, bearing) {
        report.helped(
            Code::KeptWhole,
            entry.span.clone(),
            format!("{} is kept whole: identifiers in it leave with it", quoted(member)),
            format!("`{}` keeps what is useful", fitting(*kind)[0]),
        );
    }
}

/// What may be done to a field that nobody named.
fn fit_rest(entry: &Entry<'_>, treatment: &Treatment, table: &Table<'_>, report: &mut Report) {
    match treatment {
        Treatment::Drop => {}
        Treatment::Scrub { kinds, .. } => {
            let other: Vec<&str> =
                Kinds::NAMES.iter().filter(|(_, kind)| !kinds.has(*kind)).map(|(name, _)| *name).collect();
            let other = if other.is_empty() { String::new() } else { format!(", {}", other.join(", ")) };
            report.helped(
                Code::RestScrubbed,
                entry.span.clone(),
                format!(
                    "what nobody named leaves as it came but for what is found: user names, cookies, secrets{other}"
                ),
                "write \"drop\" and name the fields that you need",
            );
            if leaves_whole(treatment, Kind::Text) && !table.has("reason") {
                report.helped(
                    Code::NeedsReason,
                    entry.span.clone(),
                    "`scrub` that cuts no bit needs a reason",
                    "add reason = \"…\" and say why addresses may stay, or cut them",
                );
            }
        }
        other => report.helped(
            Code::RestLetThrough,
            entry.span.clone(),
            format!("\"*\" cannot be `{}`: nobody knows what is in a field that nobody named", word_of(other)),
            "write \"drop\" or \"scrub\", and name the fields that should be treated otherwise",
        ),
    }
}

/// Whether an address or identifier leaves as it came.
fn leaves_whole(treatment: &Treatment, kind: Kind) -> bool {
    let whole = |network: &Network| network.v4 == 32 || network.v6 == 128;
    match treatment {
        Treatment::Keep { .. } => matches!(kind, Kind::Address | Kind::Host | Kind::Identifier | Kind::User),
        Treatment::Truncate(network) => whole(network),
        Treatment::Scrub { kinds, network } => {
            let addresses = kinds.has(Kinds::IP);
            (addresses && whole(network)) || (!addresses && kind == Kind::Address)
        }
        Treatment::Coarsen(_)
        | Treatment::Cookie { .. }
        | Treatment::Drop
        | Treatment::Family { .. }
        | Treatment::Language
        | Treatment::Origin
        | Treatment::Path
        | Treatment::Pseudonym { .. }
        | Treatment::Query { .. } => false,
    }
}

fn fits(treatment: &Treatment, kind: Kind) -> bool {
    match treatment {
        Treatment::Drop => true,
        // The detectors know no user names, short cookies or passwords.
        Treatment::Scrub { .. } => !matches!(kind, Kind::Cookie | Kind::Identifier | Kind::Secret | Kind::User),
        Treatment::Coarsen(Coarsen::Step(_)) => kind == Kind::Number,
        Treatment::Coarsen(Coarsen::Minute | Coarsen::Hour | Coarsen::Day) => kind == Kind::Instant,
        Treatment::Cookie { .. } => kind == Kind::Cookie,
        Treatment::Family { .. } => kind == Kind::Agent,
        Treatment::Keep { .. } => !matches!(kind, Kind::Cookie | Kind::Secret | Kind::Text),
        Treatment::Language => kind == Kind::Language,
        Treatment::Origin => kind == Kind::Referer,
        Treatment::Path => kind == Kind::Path,
        Treatment::Pseudonym { .. } => {
            matches!(kind, Kind::Address | Kind::Agent | Kind::Cookie | Kind::Host | Kind::Identifier | Kind::User)
        }
        Treatment::Query { .. } => kind == Kind::Query,
        Treatment::Truncate(_) => kind == Kind::Address,
    }
}

/// The treatments that fit a kind, the usual one first.
fn fitting(kind: Kind) -> Vec<&'static str> {
    match kind {
        Kind::Address => vec!["truncate", "pseudonym", "scrub", "drop", "keep"],
        Kind::Agent => vec!["family", "pseudonym", "scrub", "drop", "keep"],
        Kind::Cookie => vec!["cookie", "pseudonym", "drop"],
        Kind::Host => vec!["pseudonym", "scrub", "drop", "keep"],
        Kind::Identifier | Kind::User => vec!["pseudonym", "drop", "keep"],
        Kind::Instant | Kind::Number => vec!["coarsen", "scrub", "drop", "keep"],
        Kind::Language => vec!["language", "scrub", "drop", "keep"],
        Kind::Method | Kind::Protocol | Kind::Status | Kind::Word => vec!["keep", "scrub", "drop"],
        Kind::Path => vec!["path", "scrub", "drop", "keep"],
        Kind::Query => vec!["query", "scrub", "drop", "keep"],
        Kind::Referer => vec!["origin", "scrub", "drop", "keep"],
        Kind::Secret => vec!["drop"],
        Kind::Text => vec!["scrub", "drop"],
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Address => "an address",
        Kind::Agent => "a user agent",
        Kind::Cookie => "a cookie",
        Kind::Host => "a host name",
        Kind::Identifier => "an identifier",
        Kind::Instant => "a time",
        Kind::Language => "a language",
        Kind::Method => "a method",
        Kind::Number => "a number",
        Kind::Path => "a path",
        Kind::Protocol => "a protocol",
        Kind::Query => "a query",
        Kind::Referer => "a URL of elsewhere",
        Kind::Secret => "a secret",
        Kind::Status => "a status",
        Kind::Text => "free text",
        Kind::User => "a user's name",
        Kind::Word => "a word",
    }
}

fn unknown(word: &At<&str>, report: &mut Report) {
    let plain: String =
        word.value.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect();
    if LATER.contains(&word.value) {
        let message = format!("the treatment {} is not built yet in this version", quoted(word.value));
        return report.helped(Code::NotBuiltYet, word.span.clone(), message, "use another until then");
    }
    if HASHES.iter().any(|hash| plain.starts_with(hash)) {
        return report.helped(
            Code::UnkeyedHash,
            word.span.clone(),
            format!(
                "{} is not a treatment: without a key, trying all addresses or names finds the one behind a hash",
                quoted(word.value)
            ),
            "use `pseudonym`, a hash with a secret key that is destroyed",
        );
    }
    let meant = OTHER_WORDS.iter().find(|(other, _)| plain.starts_with(other)).map(|(_, meant)| *meant);
    let help = match suggest::nearest(word.value, words()).or(meant) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("write one of {}", suggest::list(&words())),
    };
    report.helped(
        Code::UnknownTreatment,
        word.span.clone(),
        format!("no treatment is called {}", quoted(word.value)),
        help,
    );
}

fn network(table: &Table<'_>, word: &str, report: &mut Report) -> Option<Network> {
    let v4 = table.number("v4", report);
    let v6 = table.number("v6", report);
    let port = port(table, report);
    let missing = match (table.has("v4"), table.has("v6")) {
        (true, true) => None,
        (true, false) => Some("v6"),
        (false, true) => Some("v4"),
        (false, false) => Some("v4` and `v6"),
    };
    if let Some(missing) = missing {
        report.helped(
            Code::HalfNetwork,
            table.span.clone(),
            format!("`{word}` needs `{missing}`: addresses of both families come"),
            "give the bits that stay for both, for example v4 = 24, v6 = 48",
        );
    }
    let v4 = v4.and_then(|bits| prefix(&bits, "v4", 32, report));
    let v6 = v6.and_then(|bits| prefix(&bits, "v6", 128, report));
    if missing.is_some() {
        return None;
    }
    Some(Network { v4: v4?, v6: v6?, port })
}

fn prefix(bits: &At<i64>, family: &str, most: i64, report: &mut Report) -> Option<u8> {
    if !(0..=most).contains(&bits.value) {
        report.add(Code::PrefixRange, bits.span.clone(), format!("`{family}` should be between 0 and {most} bits"));
        return None;
    }
    Some(bits.value as u8)
}

fn port(table: &Table<'_>, report: &mut Report) -> Port {
    choice(table, "port", &[("drop", Port::Drop), ("keep", Port::Keep)], report).map_or(Port::Drop, value)
}

fn coarsen(table: &Table<'_>, report: &mut Report) -> Option<Coarsen> {
    match (table.has("to"), table.has("step")) {
        (true, false) => {
            let units = [("minute", Coarsen::Minute), ("hour", Coarsen::Hour), ("day", Coarsen::Day)];
            choice(table, "to", &units, report).map(value)
        }
        (false, true) => {
            let step = table.number("step", report)?;
            if step.value < 2 {
                report.add(Code::NumberRange, step.span, "`step` should be 2 or more");
                return None;
            }
            Some(Coarsen::Step(step.value as u64))
        }
        (true, true) | (false, false) => {
            report.helped(
                Code::MissingKey,
                table.span.clone(),
                "`coarsen` needs either `to` or `step`",
                "a time: to = \"minute\", \"hour\" or \"day\"; a number: step = 100",
            );
            None
        }
    }
}

fn digits(table: &Table<'_>, report: &mut Report) -> Option<u8> {
    let Some(digits) = table.number("digits", report) else {
        // Of the wrong type it is reported already.
        return Some(DEFAULT_DIGITS);
    };
    if !(4..=32).contains(&digits.value) {
        report.add(Code::NumberRange, digits.span, "`digits` should be between 4 and 32");
        return None;
    }
    Some(digits.value as u8)
}

type Parameters = (Vec<Box<str>>, Vec<Box<str>>, u8);

fn parameters(table: &Table<'_>, report: &mut Report) -> Option<Parameters> {
    let mut names = |key: &str| -> Vec<At<Box<str>>> {
        let names = table.texts(key, report).map_or_else(Vec::new, value);
        names
            .into_iter()
            .filter_map(|name| {
                let fits = words::is_parameter(name.value);
                if !fits {
                    report.helped(
                        Code::BadValue,
                        name.span.clone(),
                        format!("{} cannot be a parameter's name", quoted(name.value)),
                        "a letter, then at most 31 of letters, digits and _ . - [ ]",
                    );
                }
                fits.then(|| At { value: name.value.into(), span: name.span })
            })
            .collect()
    };
    let (keep, pseudonym) = (names("keep"), names("pseudonym"));
    for name in &pseudonym {
        if keep.iter().any(|kept| kept.value == name.value) {
            let message = format!("{} is both kept and pseudonymised", quoted(&name.value));
            report.helped(Code::BadValue, name.span.clone(), message, "keep it in one of the two lists");
        }
    }
    let plain = |names: Vec<At<Box<str>>>| names.into_iter().map(value).collect();
    Some((plain(keep), plain(pseudonym), digits(table, report)?))
}

fn scrubbed_kinds(table: &Table<'_>, report: &mut Report) -> Option<Kinds> {
    if !table.has("kinds") {
        return Some(Kinds::ALL);
    }
    let written = table.texts("kinds", report)?;
    let mut kinds = Kinds::NONE;
    for kind in &written.value {
        match Kinds::NAMES.iter().find(|(name, _)| *name == kind.value) {
            Some((_, found)) => kinds = kinds.with(*found),
            None if LATER_KINDS.contains(&kind.value) => report.helped(
                Code::NotBuiltYet,
                kind.span.clone(),
                format!("the kind {} is not built yet in this version", quoted(kind.value)),
                "leave it out until then",
            ),
            None => {
                let known = Kinds::NAMES.map(|(name, _)| name);
                let message = format!("no kind of identifier is called {}", quoted(kind.value));
                report.helped(Code::UnknownKind, kind.span.clone(), message, suggest::help(kind.value, &known));
            }
        }
    }
    if written.value.is_empty() {
        let help = "leave `kinds` out to look for all of them";
        report.helped(Code::UnknownKind, written.span, "`kinds` names none: nothing would be scrubbed", help);
        return None;
    }
    Some(kinds)
}

fn words() -> Vec<&'static str> {
    TREATMENTS.iter().map(|(word, _)| *word).collect()
}

fn word_of(treatment: &Treatment) -> &'static str {
    match treatment {
        Treatment::Coarsen(_) => "coarsen",
        Treatment::Cookie { .. } => "cookie",
        Treatment::Drop => "drop",
        Treatment::Family { .. } => "family",
        Treatment::Keep { .. } => "keep",
        Treatment::Language => "language",
        Treatment::Origin => "origin",
        Treatment::Path => "path",
        Treatment::Pseudonym { .. } => "pseudonym",
        Treatment::Query { .. } => "query",
        Treatment::Scrub { .. } => "scrub",
        Treatment::Truncate(_) => "truncate",
    }
}

/// How a treatment's table is called in messages.
fn called(word: &str) -> &'static str {
    TREATMENTS.iter().map(|(known, _)| *known).find(|known| *known == word).unwrap_or("a treatment")
}

/// Where neither scrub nor `client.address` says how addresses are cut.
const DEFAULT_NETWORK: Network = Network { v4: 24, v6: 48, port: Port::Drop };
const DEFAULT_DIGITS: u8 = 16;

/// The treatments and their options.
pub(in crate::policy) const TREATMENTS: &[(&str, Keys)] = &[
    ("coarsen", Keys { known: &["treatment", "to", "step"], later: &[] }),
    ("cookie", Keys { known: &["treatment", "keep", "pseudonym", "digits"], later: &[] }),
    ("drop", Keys { known: &["treatment"], later: &[] }),
    ("family", Keys { known: &["treatment", "version"], later: &[] }),
    ("keep", Keys { known: &["treatment", "reason"], later: &[] }),
    ("language", Keys { known: &["treatment"], later: &[] }),
    ("origin", Keys { known: &["treatment"], later: &[] }),
    ("path", Keys { known: &["treatment"], later: &[] }),
    ("pseudonym", Keys { known: &["treatment", "digits"], later: &["late"] }),
    ("query", Keys { known: &["treatment", "keep", "pseudonym", "digits"], later: &[] }),
    ("scrub", Keys { known: &["treatment", "kinds", "v4", "v6", "port", "reason"], later: &[] }),
    ("truncate", Keys { known: &["treatment", "v4", "v6", "port", "reason"], later: &[] }),
];
const LATER: &[&str] = &["country", "seal"];
const LATER_KINDS: &[&str] = &["phone", "national_id", "card", "iban", "api_key", "host_name", "serial", "user"];
const HASHES: &[&str] = &[
    "hash", "sha", "md4", "md5", "blake", "crc", "xxh", "murmur", "fnv", "cityhash", "siphash", "adler", "ripemd",
    "digest", "checksum",
];
/// What other tools call it.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("mask", "truncate"),
    ("anonym", "truncate"),
    ("ipmask", "truncate"),
    ("trunc", "truncate"),
    ("zero", "truncate"),
    ("subnet", "truncate"),
    ("redact", "scrub"),
    ("replace", "scrub"),
    ("filter", "scrub"),
    ("remove", "drop"),
    ("delete", "drop"),
    ("omit", "drop"),
    ("none", "drop"),
    ("allow", "keep"),
    ("pass", "keep"),
    ("raw", "keep"),
    ("plain", "keep"),
    ("hmac", "pseudonym"),
    ("token", "pseudonym"),
    ("encrypt", "pseudonym"),
    ("round", "coarsen"),
    ("bucket", "coarsen"),
    ("useragent", "family"),
    ("browser", "family"),
];
