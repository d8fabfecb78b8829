//! What is told of a policy beside records that were made under it, and the policy as it is told: so that what was promised can
//! be held against what was done.
//!
//! A row is a field and its treatment in words. What a policy says beside its fields stands under the table's name in brackets,
//! which no field is called.

use super::{
    Coarsen, KeepText, Network, OnMalformed, Policy, Port, PseudonymForm, TagForm, Treatment, check::DEFAULT_DIGITS,
};
use crate::{detect::Kinds, epoch::Period, treatment::reversible::Scheme};
use std::path::PathBuf;

impl Policy {
    /// What else decides what leaves, in words: `[source]` and `[encode]`, and `[exempt]` and `[keep_text]` where they are
    /// written.
    ///
    /// ```
    /// let policy = sladd::Policy::builtin("strict").unwrap();
    /// assert_eq!(policy.told_beside()[0], ("[source]", "malformed drop".to_owned()));
    /// ```
    pub fn told_beside(&self) -> Vec<(&'static str, String)> {
        let malformed = match self.source.malformed {
            OnMalformed::Drop => DROP,
            OnMalformed::Scrub => SCRUB,
            OnMalformed::Seal => SEAL,
        };
        let text = if self.source.formats.iter().any(|format| &**format == "text") { TEXT } else { "" };
        let tag = match self.encode.tag {
            TagForm::Append => APPEND,
            TagForm::None => NONE,
        };
        let mut rows = vec![(SOURCE, format!("{malformed}{text}")), (ENCODE, tag.to_owned())];
        if !self.exempt.is_empty() {
            rows.push((EXEMPT, self.exempt.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")));
        }
        if let Some(kept) = &self.keep_text {
            rows.push((KEEP_TEXT, kept.patterns.join(" or ")));
        }
        rows
    }

    /// This policy with what these rows tell in place of what it says of the same, and keys of this period if any is told. Of
    /// kept text all patterns are one. `None` where a row is missing or cannot be read.
    pub fn as_told(&self, rows: &[(String, String)], period: Option<Period>) -> Option<Policy> {
        let row = |wanted: &str| rows.iter().find(|(name, _)| name == wanted).map(|(_, words)| words.as_str());
        let mut policy = self.clone();
        policy.fields.clear();
        for (name, words) in rows.iter().filter(|(name, _)| !name.starts_with('[') && name != "*") {
            policy.fields.push((name.as_str().into(), self.read_as_its_own(name, words)?));
        }
        policy.rest = self.read_as_its_own("*", row("*")?)?;
        let source = row(SOURCE)?;
        let malformed = source.strip_suffix(TEXT).unwrap_or(source);
        policy.source.malformed = match malformed {
            DROP => OnMalformed::Drop,
            SCRUB => OnMalformed::Scrub,
            // For how long is told of a policy that seals, and of no other.
            SEAL if policy.seal.is_some() => OnMalformed::Seal,
            _ => return None,
        };
        if policy.source.malformed != OnMalformed::Seal {
            policy.seal = None;
        }
        policy.source.formats = vec![if malformed == source { "auto" } else { "text" }.into()];
        policy.encode.tag = match row(ENCODE)? {
            APPEND => TagForm::Append,
            NONE => TagForm::None,
            _ => return None,
        };
        let exempt = row(EXEMPT).map_or(Vec::new(), |words| words.split(' ').collect());
        policy.exempt = exempt.iter().map(|network| network.parse().ok()).collect::<Option<_>>()?;
        policy.keep_text = row(KEEP_TEXT).map(|words| KeepText { patterns: vec![words.into()], reason: "told".into() });
        policy.keys.epoch = period.unwrap_or(policy.keys.epoch);
        Some(policy)
    }

    /// Where the words are those of its own treatment, that one: words leave out what shows nothing.
    fn read_as_its_own(&self, name: &str, words: &str) -> Option<Treatment> {
        let own = if name == "*" { &self.rest } else { self.treatment(name) };
        if own.to_string() == words { Some(own.clone()) } else { Treatment::read(words) }
    }
}

impl Treatment {
    /// The treatment that is displayed so. Where a database is, and why something may stay, words do not say.
    ///
    /// ```
    /// use sladd::policy::Treatment;
    /// let cut = Treatment::read("truncate /24 /48").unwrap();
    /// assert_eq!((cut.to_string().as_str(), Treatment::read("truncate")), ("truncate /24 /48", None));
    /// ```
    pub fn read(words: &str) -> Option<Treatment> {
        let (name, rest) = words.split_once([' ', ',']).unwrap_or((words, ""));
        let found = match name {
            "coarsen" => Treatment::Coarsen(coarsen(rest)?),
            "cookie" | "query" => {
                let (keep, pseudonym, digits) = parameters(&words[name.len()..])?;
                match name {
                    "cookie" => Treatment::Cookie { keep, pseudonym, digits },
                    _ => Treatment::Query { keep, pseudonym, digits },
                }
            }
            "country" => Treatment::Country { database: PathBuf::from("/").into() },
            "drop" => Treatment::Drop,
            "family" => Treatment::Family { version: rest.is_empty() },
            "keep" => Treatment::Keep { reason: None },
            "language" => Treatment::Language,
            "origin" => Treatment::Origin,
            "path" => Treatment::Path,
            "pseudonym" => {
                let rest = rest.strip_prefix("of ")?;
                let (rest, form) = match rest.strip_suffix(" as an address") {
                    Some(rest) => (rest, PseudonymForm::Address),
                    None => (rest, PseudonymForm::Token),
                };
                Treatment::Pseudonym { digits: rest.strip_suffix(" digits")?.parse().ok()?, form }
            }
            "scrub" => {
                let (kinds, cut) = words[name.len()..].split_once(", addresses ")?;
                Treatment::Scrub { kinds: kinds_of(kinds)?, network: network(cut)? }
            }
            "truncate" => Treatment::Truncate(network(rest)?),
            other => {
                let scheme = Scheme::ALL.into_iter().find(|scheme| scheme.name() == other)?;
                Treatment::Reversible { scheme, reason: None }
            }
        };
        // Nothing of the words was left aside.
        (found.to_string() == words).then_some(found)
    }
}

fn coarsen(words: &str) -> Option<Coarsen> {
    Some(match words {
        "to the minute" => Coarsen::Minute,
        "to the hour" => Coarsen::Hour,
        "to the day" => Coarsen::Day,
        other => Coarsen::Step(other.strip_prefix("by ")?.parse().ok()?),
    })
}

type Names = Vec<Box<str>>;

/// Names whose values stay, names whose values are pseudonymised, and the digits of those pseudonyms.
fn parameters(words: &str) -> Option<(Names, Names, u8)> {
    let (mut keep, mut pseudonym, mut digits) = (Vec::new(), Vec::new(), DEFAULT_DIGITS);
    for part in words.split(", ").skip(1) {
        let names = |rest: &str| rest.split(' ').map(Into::into).collect();
        if let Some(rest) = part.strip_prefix("keep ") {
            keep = names(rest);
        } else if let Some(rest) = part.strip_prefix("pseudonym ") {
            pseudonym = names(rest);
        } else {
            digits = part.strip_suffix(" digits")?.parse().ok()?;
        }
    }
    Some((keep, pseudonym, digits))
}

fn kinds_of(words: &str) -> Option<Kinds> {
    if words.is_empty() {
        return Some(Kinds::ALL);
    }
    let kind = |name: &str| Kinds::NAMES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
    words.split(' ').skip(1).try_fold(Kinds::NONE, |all, name| Some(all.with(kind(name)?)))
}

/// `/24 /48`, and `with port` behind it.
fn network(words: &str) -> Option<Network> {
    let (words, port) = match words.strip_suffix(" with port") {
        Some(words) => (words, Port::Keep),
        None => (words, Port::Drop),
    };
    let (v4, v6) = words.strip_prefix('/')?.split_once(" /")?;
    Some(Network { v4: v4.parse().ok()?, v6: v6.parse().ok()?, port })
}

const SOURCE: &str = "[source]";
const ENCODE: &str = "[encode]";
const EXEMPT: &str = "[exempt]";
const KEEP_TEXT: &str = "[keep_text]";
const DROP: &str = "malformed drop";
const SCRUB: &str = "malformed scrub";
const SEAL: &str = "malformed seal";
const TEXT: &str = ", text";
const APPEND: &str = "tag append";
const NONE: &str = "tag none";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn rows(policy: &Policy) -> Vec<(String, String)> {
        let own = policy.fields.iter().map(|(name, treatment)| (name.to_string(), treatment.to_string()));
        let rest = [("*".to_owned(), policy.rest.to_string())];
        let beside = policy.told_beside().into_iter().map(|(name, words)| (name.to_owned(), words));
        own.chain(rest).chain(beside).collect()
    }

    fn policy(lines: &str) -> Policy {
        let (policy, findings) =
            Policy::parse(&format!("base = \"strict\"\nname = \"x\"\nversion = 1\n{lines}"), "x.toml");
        policy.unwrap_or_else(|| panic!("{findings:?}"))
    }

    #[test]
    fn every_treatment_is_read_as_it_is_displayed() {
        let words = [
            "coarsen to the minute",
            "coarsen to the hour",
            "coarsen to the day",
            "coarsen by 100",
            "cookie",
            "cookie, keep a b",
            "cookie, keep a, pseudonym c, 8 digits",
            "country",
            "drop",
            "family",
            "family without version",
            "keep",
            "language",
            "origin",
            "path",
            "pseudonym of 16 digits",
            "pseudonym of 8 digits as an address",
            "query",
            "query, pseudonym c d",
            "ipcrypt-deterministic",
            "ipcrypt-pfx",
            "crypto-pan",
            "scrub, addresses /24 /48",
            "scrub ip email, addresses /16 /32 with port",
            "truncate /0 /128",
            "truncate /24 /48 with port",
        ];
        for words in words {
            assert_eq!(Treatment::read(words).map(|found| found.to_string()).as_deref(), Some(words));
        }
        for name in ["hosting", "strict", "minimal"] {
            for (_, treatment) in Policy::builtin(name).unwrap().fields {
                let read = Treatment::read(&treatment.to_string()).unwrap();
                assert_eq!(read.to_string(), treatment.to_string());
            }
        }
        for words in [
            "",
            "Drop",
            "drop ",
            "drop all",
            "truncate /24",
            "truncate /24 /048",
            "scrub names, addresses /1 /2",
            "query, of",
        ] {
            assert_eq!(Treatment::read(words), None, "{words}");
        }
    }

    #[test]
    fn a_policy_as_it_is_told_lets_leave_what_it_let_leave() {
        let today = policy("");
        for lines in [
            "",
            "[source]\nmalformed = \"scrub\"\n[encode]\ntag = \"none\"\n",
            "[source]\nformat = \"text\"\n",
            "[exempt]\nnetworks = [\"192.0.2.0/24\", \"2001:db8::/32\"]\nreason = \"x\"\n",
            "[keep_text]\npatterns = [\"build-[0-9]{1,4}\"]\nreason = \"x\"\n[fields]\n\"user.name\" = { treatment = \"pseudonym\", digits = 8 }\n",
        ] {
            let then = policy(lines);
            let told = today.as_told(&rows(&then), Some(Period::Week)).unwrap();
            assert_eq!(rows(&told), rows(&then), "{lines}");
            assert_eq!((&told.exempt, told.keep_text.is_some()), (&then.exempt, then.keep_text.is_some()));
            assert_eq!(told.keys.epoch, Period::Week);
        }
        let whole = rows(&today);
        for missing in ["*", SOURCE, ENCODE] {
            let rows: Vec<_> = whole.iter().filter(|(name, _)| name != missing).cloned().collect();
            assert_eq!(today.as_told(&rows, None), None, "{missing}");
        }
        for (name, words) in [(SOURCE, "malformed kept"), (ENCODE, ""), (EXEMPT, "all"), ("user.name", "hidden")] {
            let rows: Vec<_> = [&[(name.to_owned(), words.to_owned())][..], &whole].concat();
            assert_eq!(today.as_told(&rows, None), None, "{name}");
        }
    }
}
