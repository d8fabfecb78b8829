//! The treatments and their options.

use super::{Code, Network, NetworkOf, Port, Report, Table, Treatment, quoted, suggest};
use crate::{
    detect::Kinds,
    policy::{
        Coarsen, PseudonymForm,
        check::{DEFAULT_DIGITS, choice, reason, value, words as forms},
        raw::{At, Keys},
    },
    treatment::{pseudonym::MOST_ADDRESS_DIGITS, reversible::Scheme},
};
use std::path::Path;

pub(super) fn options(word: &str, table: &Table<'_>, report: &mut Report) -> Option<(Treatment, NetworkOf)> {
    let mut of = NetworkOf::Itself;
    let treatment = match word {
        "coarsen" => Treatment::Coarsen(coarsen(table, report)?),
        "cookie" => {
            let (keep, pseudonym, digits) = parameters(table, report)?;
            Treatment::Cookie { keep, pseudonym, digits }
        }
        "country" => Treatment::Country { database: database(table, report)? },
        "drop" => Treatment::Drop,
        "family" => Treatment::Family { version: table.flag("version", report).unwrap_or(true) },
        "keep" => Treatment::Keep { reason: reason(table, report) },
        "language" => Treatment::Language,
        "origin" => Treatment::Origin,
        "path" => Treatment::Path,
        "pseudonym" => pseudonym(table, report)?,
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
        word => {
            let scheme = Scheme::ALL.into_iter().find(|scheme| scheme.name() == word)?;
            Treatment::Reversible { scheme, reason: reason(table, report) }
        }
    };
    Some((treatment, of))
}

pub(super) fn unknown(word: &At<&str>, report: &mut Report) {
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

fn pseudonym(table: &Table<'_>, report: &mut Report) -> Option<Treatment> {
    let forms = [("token", PseudonymForm::Token), ("address", PseudonymForm::Address)];
    let form = choice(table, "form", &forms, report).map_or(PseudonymForm::Token, value);
    let digits = digits(table, report)?;
    if form == PseudonymForm::Address && digits > MOST_ADDRESS_DIGITS {
        let span = table.entry("digits").map_or(0..0, |entry| entry.span);
        let message = format!("an address has room for {MOST_ADDRESS_DIGITS} `digits`");
        report.add(Code::NumberRange, span, message);
        return None;
    }
    Some(Treatment::Pseudonym { digits, form })
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

/// Where a database of countries is.
fn database(table: &Table<'_>, report: &mut Report) -> Option<Box<Path>> {
    if !table.has("database") {
        report.helped(
            Code::MissingKey,
            table.span.clone(),
            "`country` needs `database`",
            "give the path of a country or city database in MaxMind's format, for example \"/var/lib/GeoIP/GeoLite2-Country.mmdb\"",
        );
    }
    let path = table.text("database", report)?;
    if !forms::is_absolute(path.value) {
        report.helped(
            Code::RelativeDirectory,
            path.span,
            format!("{} is not an absolute path", quoted(path.value)),
            "write it from the root, without . and .., for example \"/var/lib/GeoIP/GeoLite2-Country.mmdb\"",
        );
        return None;
    }
    Some(Path::new(path.value).into())
}

type Parameters = (Vec<Box<str>>, Vec<Box<str>>, u8);

fn parameters(table: &Table<'_>, report: &mut Report) -> Option<Parameters> {
    let mut names = |key: &str| -> Vec<At<Box<str>>> {
        let names = table.texts(key, report).map_or_else(Vec::new, value);
        names
            .into_iter()
            .filter_map(|name| {
                let fits = forms::is_parameter(name.value);
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

pub(super) fn words() -> Vec<&'static str> {
    TREATMENTS.iter().map(|(word, _)| *word).collect()
}

pub(super) fn word_of(treatment: &Treatment) -> &'static str {
    match treatment {
        Treatment::Coarsen(_) => "coarsen",
        Treatment::Cookie { .. } => "cookie",
        Treatment::Country { .. } => "country",
        Treatment::Drop => "drop",
        Treatment::Family { .. } => "family",
        Treatment::Keep { .. } => "keep",
        Treatment::Language => "language",
        Treatment::Origin => "origin",
        Treatment::Path => "path",
        Treatment::Pseudonym { .. } => "pseudonym",
        Treatment::Query { .. } => "query",
        Treatment::Reversible { scheme, .. } => scheme.name(),
        Treatment::Scrub { .. } => "scrub",
        Treatment::Truncate(_) => "truncate",
    }
}

/// How a treatment's table is called in messages.
pub(super) fn called(word: &str) -> &'static str {
    TREATMENTS.iter().map(|(known, _)| *known).find(|known| *known == word).unwrap_or("a treatment")
}

/// Where neither scrub nor `client.address` says how addresses are cut.
pub(super) const DEFAULT_NETWORK: Network = Network { v4: 24, v6: 48, port: Port::Drop };

/// The treatments and their options.
pub(in crate::policy) const TREATMENTS: &[(&str, Keys)] = &[
    ("coarsen", Keys { known: &["treatment", "to", "step"], later: &[] }),
    ("cookie", Keys { known: &["treatment", "keep", "pseudonym", "digits"], later: &[] }),
    ("country", Keys { known: &["treatment", "database"], later: &[] }),
    ("crypto-pan", Keys { known: &["treatment", "reason"], later: &[] }),
    ("drop", Keys { known: &["treatment"], later: &[] }),
    ("family", Keys { known: &["treatment", "version"], later: &[] }),
    ("ipcrypt-deterministic", Keys { known: &["treatment", "reason"], later: &[] }),
    ("ipcrypt-pfx", Keys { known: &["treatment", "reason"], later: &[] }),
    ("keep", Keys { known: &["treatment", "reason"], later: &[] }),
    ("language", Keys { known: &["treatment"], later: &[] }),
    ("origin", Keys { known: &["treatment"], later: &[] }),
    ("path", Keys { known: &["treatment"], later: &[] }),
    ("pseudonym", Keys { known: &["treatment", "digits", "form"], later: &["late"] }),
    ("query", Keys { known: &["treatment", "keep", "pseudonym", "digits"], later: &[] }),
    ("scrub", Keys { known: &["treatment", "kinds", "v4", "v6", "port", "reason"], later: &[] }),
    ("truncate", Keys { known: &["treatment", "v4", "v6", "port", "reason"], later: &[] }),
];

const LATER: &[&str] = &["seal"];

const LATER_KINDS: &[&str] = &["api_key", "host_name", "serial"];

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
    ("geo", "country"),
    ("round", "coarsen"),
    ("bucket", "coarsen"),
    ("useragent", "family"),
    ("browser", "family"),
];
