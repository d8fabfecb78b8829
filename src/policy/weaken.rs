//! Where a policy protects less than the one it starts from.
//!
//! Two treatments are compared only where one is known to show no more than the other; whatever cannot be compared counts as
//! weaker, so that a change is listed once too often rather than once too seldom.

use super::{
    Coarsen, KeyMode, Keys, Network, OnMalformed, Policy, Port, PseudonymForm, Treatment, check::DEFAULT_DIGITS,
    finding::Code, names,
};
use crate::{
    detect::Kinds,
    epoch::Period,
    record::Kind,
    retention::{Keep, Life},
};
use ipnet::IpNet;
use std::{borrow::Cow, collections::BTreeSet, fmt};

/// One point in which a policy protects less than its base: `client.address: truncate /24 /48 → keep`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weakening {
    /// The warning that it is.
    pub code: Code,
    /// The field, class or key.
    pub subject: Box<str>,
    /// The tenant whose class it is, if it is one's.
    pub tenant: Option<Box<str>>,
    /// What the base does.
    pub was: String,
    /// What the policy does instead.
    pub now: String,
}

impl Weakening {
    /// Whether it is only about how long a key is used or kept: what stands in a file shows nothing of that.
    pub fn is_of_keys(&self) -> bool {
        self.code == Code::LinkableLonger
    }
}

impl fmt::Display for Weakening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = self.tenant.as_ref().map_or_else(String::new, |tenant| format!(" of the tenant {tenant}"));
        write!(f, "{}{whose}: {} → {}", self.subject, self.was, self.now)
    }
}

pub(super) fn weakenings(policy: &Policy, base: &Policy) -> Vec<Weakening> {
    let mut found = Vec::new();
    fields(policy, base, &mut found);
    for network in policy.exempt.iter().filter(|network| !covered(network, &base.exempt)) {
        found.push(weakening(Code::ExemptWeaker, &format!("addresses of {network}"), "treated", "exempt"));
    }
    if let Some(kept) = &policy.keep_text
        && base.keep_text.as_ref() != Some(kept)
    {
        let now = format!("left where it matches {}", kept.patterns.join(" or "));
        found.push(weakening(Code::TextKept, "text", "read by the detectors", now));
    }
    retention(policy, base, &mut found);
    keys(policy, base, &mut found);
    match (policy.source.malformed, base.source.malformed) {
        (OnMalformed::Scrub, OnMalformed::Drop) => {
            found.push(weakening(Code::MalformedWeaker, "source.malformed", "drop", "scrub"));
        }
        // Nobody here can read it, but somebody can.
        (OnMalformed::Seal, was @ (OnMalformed::Drop | OnMalformed::Scrub)) => {
            let was = if was == OnMalformed::Drop { "drop" } else { "scrub" };
            found.push(weakening(Code::MalformedWeaker, "source.malformed", was, "seal, all of the line"));
        }
        (OnMalformed::Scrub, OnMalformed::Scrub | OnMalformed::Seal)
        | (OnMalformed::Drop, _)
        | (OnMalformed::Seal, OnMalformed::Seal) => {}
    }
    let text = |policy: &Policy| policy.source.formats.iter().any(|format| &**format == "text");
    if text(policy) && !text(base) {
        let now = "text: no field is told from another, only what the detectors find is treated";
        found.push(weakening(Code::MalformedWeaker, "source.format", base.source.formats.join(", "), now));
    }
    found
}

fn weakening(code: Code, subject: &str, was: impl Into<String>, now: impl Into<String>) -> Weakening {
    Weakening { code, subject: subject.into(), tenant: None, was: was.into(), now: now.into() }
}

/// Every field that either policy or the vocabulary names, and one that nobody named.
fn fields(policy: &Policy, base: &Policy, found: &mut Vec<Weakening>) {
    let mut fields: BTreeSet<Cow<'_, str>> = names::all().map(|(name, _)| name.into()).collect();
    fields.extend(policy.fields.iter().chain(&base.fields).map(|(name, _)| Cow::Borrowed(&**name)));
    fields.insert("*".into());
    for field in fields {
        let kind = names::canonical(&field).map_or(Kind::Text, |(_, kind)| kind);
        let (now, was) = (policy.treatment(&field), base.treatment(&field));
        if !hides_as_much(now, was, kind) {
            found.push(weakening(Code::FieldWeaker, &field, was.to_string(), now.to_string()));
        }
    }
}

/// Whether `now` shows no more of a value of this kind than `was`.
pub(super) fn hides_as_much(now: &Treatment, was: &Treatment, kind: Kind) -> bool {
    use Treatment::{
        Coarsen as Round, Cookie, Country, Drop, Family, Keep, Language, Origin, Path, Pseudonym, Query, Reversible,
        Scrub, Truncate,
    };
    match (now, was) {
        (Drop, _) | (_, Keep { .. }) => true,
        (Round(now), Round(was)) => rounds_as_much(*now, *was),
        (Family { version: now }, Family { version: was }) => *was || !*now,
        (Language, Language) | (Origin, Origin) | (Path, Path) => true,
        (Pseudonym { digits: now, .. }, Pseudonym { digits: was, .. }) => now <= was,
        (Truncate(now), Truncate(was)) => cuts_as_much(*now, *was),
        (Reversible { scheme: now, .. }, Reversible { scheme: was, .. }) => now == was,
        // Whoever has the key of the one can have all of the address back.
        (Pseudonym { .. }, Reversible { .. }) => true,
        (Truncate(now), Pseudonym { .. }) => cuts_as_much(*now, USUAL),
        // Whose database it is says nothing of the visitor.
        (Country { .. }, Country { .. } | Pseudonym { .. }) => true,
        // A network of the usual size lies in one country, with few exceptions.
        (Country { .. }, Truncate(was) | Scrub { network: was, .. }) => cuts_as_much(USUAL, *was),
        (
            Cookie { keep, pseudonym, digits },
            Cookie { keep: was_keep, pseudonym: was_pseudonym, digits: was_digits },
        )
        | (Query { keep, pseudonym, digits }, Query { keep: was_keep, pseudonym: was_pseudonym, digits: was_digits }) => {
            keep.iter().all(|name| was_keep.contains(name))
                && pseudonym.iter().all(|name| was_pseudonym.contains(name) || was_keep.contains(name))
                && (digits <= was_digits || (pseudonym.is_empty() && kind == Kind::Cookie))
        }
        (Scrub { kinds: now, network: cut }, Scrub { kinds: was, network: was_cut }) => {
            now.has(*was) && cuts_as_much(*cut, *was_cut)
        }
        // On an address a scrub is a truncation, if it looks for addresses.
        (Scrub { kinds, network }, Truncate(was)) => kinds.has(Kinds::IP) && cuts_as_much(*network, *was),
        (Truncate(now), Scrub { network: was, .. }) => cuts_as_much(*now, *was),
        // Detectors run inside these too, and they leave less of the rest.
        (Cookie { .. } | Family { .. } | Language | Origin | Path | Query { .. }, Scrub { network, .. }) => {
            cuts_as_much(USUAL, *network)
        }
        // A scrub leaves a name or an id as it is; on an address it is a truncation.
        (Pseudonym { .. }, Scrub { .. }) => kind != Kind::Address,
        (Round(_), Scrub { .. }) => true,
        (
            Keep { .. }
            | Round(_)
            | Cookie { .. }
            | Country { .. }
            | Family { .. }
            | Language
            | Origin
            | Path
            | Pseudonym { .. }
            | Query { .. }
            | Reversible { .. }
            | Scrub { .. }
            | Truncate(_),
            _,
        ) => false,
    }
}

fn rounds_as_much(now: Coarsen, was: Coarsen) -> bool {
    let unit = |coarsen| match coarsen {
        Coarsen::Minute => Some(0),
        Coarsen::Hour => Some(1),
        Coarsen::Day => Some(2),
        Coarsen::Step(_) => None,
    };
    match (now, was) {
        // Multiples of 15 tell more than multiples of 10 for some numbers, although there are fewer.
        (Coarsen::Step(now), Coarsen::Step(was)) => now % was == 0,
        _ => matches!((unit(now), unit(was)), (Some(now), Some(was)) if now >= was),
    }
}

pub(super) fn cuts_as_much(now: Network, was: Network) -> bool {
    now.v4 <= was.v4 && now.v6 <= was.v6 && (now.port == Port::Drop || was.port == Port::Keep)
}

fn covered(network: &IpNet, by: &[IpNet]) -> bool {
    by.iter().any(|other| other.contains(network))
}

fn retention(policy: &Policy, base: &Policy, found: &mut Vec<Weakening>) {
    let own = policy.classes.iter().map(|class| (None, class));
    let theirs = policy.tenants.all.iter().flat_map(|tenant| {
        let classes = tenant.retention.iter().flat_map(|terms| &terms.classes);
        classes.map(|class| (Some(tenant.name.clone()), class))
    });
    for (tenant, class) in own.chain(theirs) {
        // A class of another name takes its records from any of the base's.
        let same = base.classes.iter().find(|other| other.name == class.name);
        let shortest = || base.classes.iter().min_by_key(|class| at_most_of(class.keep));
        let Some(was) = same.or_else(shortest) else { continue };
        if !lives_as_short(class.keep, was.keep) {
            let longer = weakening(Code::KeptLonger, &class.name, was.keep.to_string(), class.keep.to_string());
            found.push(Weakening { tenant, ..longer });
        }
    }
}

fn keys(policy: &Policy, base: &Policy, found: &mut Vec<Weakening>) {
    let (now, was) = (&policy.keys, &base.keys);
    if length(now.epoch) > length(was.epoch) {
        found.push(weakening(Code::LinkableLonger, "keys.epoch", was.epoch.to_string(), now.epoch.to_string()));
    }
    if !ends_as_soon(now.keep, was.keep) {
        found.push(weakening(Code::LinkableLonger, "keys.keep", was.keep.to_string(), now.keep.to_string()));
    }
    if (now.mode, was.mode) == (KeyMode::Ratchet, KeyMode::Random) {
        let reckoned = "ratchet: who has a key can reckon those after it";
        found.push(weakening(Code::LinkableLonger, "keys.mode", "random", reckoned));
    }
}

/// Whether a duration ends no later than another, on whatever day it starts.
pub(super) fn ends_as_soon(now: Keep, was: Keep) -> bool {
    (now.months <= was.months && now.days <= was.days) || at_most(now) <= at_least(was)
}

/// The same of classes. Within a year of one another, a span is not compared with the end of a fiscal year.
pub(super) fn lives_as_short(now: Life, was: Life) -> bool {
    match (now, was) {
        (Life::Span(now), Life::Span(was)) | (Life::FiscalYear(now), Life::FiscalYear(was)) => ends_as_soon(now, was),
        // From some day of the year on, and in no case later.
        (Life::Span(now), Life::FiscalYear(was)) => ends_as_soon(now, was),
        (Life::FiscalYear(now), Life::Span(was)) => at_most(now) + 366 <= at_least(was),
        (Life::Relationship(now), Life::Relationship(was)) => ends_as_soon(now, was),
        (Life::UntilReleased, Life::UntilReleased) | (_, Life::NoLimit) => true,
        // Nobody knows when a relationship ends, or when something is released.
        (Life::Relationship(_) | Life::UntilReleased | Life::NoLimit, _) => false,
        (Life::Span(_) | Life::FiscalYear(_), Life::Relationship(_) | Life::UntilReleased) => false,
    }
}

/// Whether a key of some day may live longer than so long after it.
pub(super) fn outlives(keys: &Keys, keep: Keep) -> bool {
    let epoch = match keys.epoch {
        Period::Hour | Period::Day => 1,
        Period::Week => 7,
        Period::Month => 31,
        Period::Year => 366,
    };
    epoch + at_most(keys.keep) > at_least(keep)
}

fn at_most_of(life: Life) -> u64 {
    match life {
        Life::Span(keep) => at_most(keep),
        Life::FiscalYear(keep) => at_most(keep) + 366,
        Life::Relationship(_) | Life::UntilReleased | Life::NoLimit => u64::MAX,
    }
}

fn at_most(keep: Keep) -> u64 {
    u64::from(keep.months) * 31 + u64::from(keep.days)
}

fn at_least(keep: Keep) -> u64 {
    let months = u64::from(keep.months);
    months / 12 * 365 + SHORTEST[(months % 12) as usize] + u64::from(keep.days)
}

pub(super) fn length(period: Period) -> u8 {
    match period {
        Period::Hour => 0,
        Period::Day => 1,
        Period::Week => 2,
        Period::Month => 3,
        Period::Year => 4,
    }
}

/// In a few words: `truncate /24 /48`.
impl fmt::Display for Treatment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parameters = |f: &mut fmt::Formatter<'_>, keep: &[Box<str>], pseudonym: &[Box<str>], digits: u8| {
            if !keep.is_empty() {
                write!(f, ", keep {}", keep.join(" "))?;
            }
            if !pseudonym.is_empty() {
                write!(f, ", pseudonym {}", pseudonym.join(" "))?;
            }
            if digits != DEFAULT_DIGITS {
                write!(f, ", {digits} digits")?;
            }
            Ok(())
        };
        match self {
            Treatment::Coarsen(Coarsen::Minute) => f.write_str("coarsen to the minute"),
            Treatment::Coarsen(Coarsen::Hour) => f.write_str("coarsen to the hour"),
            Treatment::Coarsen(Coarsen::Day) => f.write_str("coarsen to the day"),
            Treatment::Coarsen(Coarsen::Step(step)) => write!(f, "coarsen by {step}"),
            Treatment::Cookie { keep, pseudonym, digits } => {
                f.write_str("cookie")?;
                parameters(f, keep, pseudonym, *digits)
            }
            Treatment::Country { .. } => f.write_str("country"),
            Treatment::Drop => f.write_str("drop"),
            Treatment::Family { version: true } => f.write_str("family"),
            Treatment::Family { version: false } => f.write_str("family without version"),
            Treatment::Keep { .. } => f.write_str("keep"),
            Treatment::Language => f.write_str("language"),
            Treatment::Origin => f.write_str("origin"),
            Treatment::Path => f.write_str("path"),
            Treatment::Pseudonym { digits, form: PseudonymForm::Token } => write!(f, "pseudonym of {digits} digits"),
            Treatment::Pseudonym { digits, form: PseudonymForm::Address } => {
                write!(f, "pseudonym of {digits} digits as an address")
            }
            Treatment::Query { keep, pseudonym, digits } => {
                f.write_str("query")?;
                parameters(f, keep, pseudonym, *digits)
            }
            Treatment::Reversible { scheme, .. } => f.write_str(scheme.name()),
            Treatment::Scrub { kinds, network } => {
                if *kinds == Kinds::ALL {
                    f.write_str("scrub")?;
                } else {
                    let named = Kinds::NAMES.iter().filter(|(_, kind)| kinds.has(*kind)).map(|(name, _)| *name);
                    write!(f, "scrub {}", named.collect::<Vec<_>>().join(" "))?;
                }
                write!(f, ", addresses {network}")
            }
            Treatment::Truncate(network) => write!(f, "truncate {network}"),
        }
    }
}

/// `/24 /48`, and `with port` where it stays.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{} /{}", self.v4, self.v6)?;
        match self.port {
            Port::Drop => Ok(()),
            Port::Keep => f.write_str(" with port"),
        }
    }
}

/// What the detectors inside other treatments do, and the least that is stronger than a pseudonym.
const USUAL: Network = Network { v4: 24, v6: 48, port: Port::Drop };
/// Days of the shortest run of so many months.
const SHORTEST: [u64; 12] = [0, 28, 59, 89, 120, 150, 181, 212, 242, 273, 303, 334];
