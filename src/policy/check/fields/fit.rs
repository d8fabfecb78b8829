//! Which treatments fit which kinds of field, and what may leave whole.

use super::{Code, Member, Network, Report, Table, Treatment, options::word_of, quoted, suggest};
use crate::{
    detect::Kinds,
    policy::{Coarsen, PseudonymForm, raw::Entry},
    record::Kind,
};

/// Reports a treatment that the field's kind cannot take, and a whole address or identifier without a reason.
pub(super) fn fit(
    entry: &Entry<'_>,
    name: &str,
    kinds: &[Member],
    treatment: &Treatment,
    table: &Table<'_>,
    report: &mut Report,
) {
    let word = word_of(treatment);
    if name == "*" {
        fit_rest(entry, treatment, table, report);
        return;
    }
    let address = matches!(treatment, Treatment::Pseudonym { form: PseudonymForm::Address, .. });
    let word = if address { "pseudonym` in the form of an `address" } else { word };
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
            Treatment::Keep { .. } | Treatment::Reversible { .. } => format!("`{word}`"),
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
        // The key gives it back.
        Treatment::Reversible { .. } => true,
        Treatment::Truncate(network) => whole(network),
        Treatment::Scrub { kinds, network } => {
            let addresses = kinds.has(Kinds::IP);
            (addresses && whole(network)) || (!addresses && kind == Kind::Address)
        }
        Treatment::Coarsen(_)
        | Treatment::Cookie { .. }
        | Treatment::Country { .. }
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
        // In a name's or an agent's place nobody expects an address.
        Treatment::Pseudonym { form: PseudonymForm::Address, .. } => kind == Kind::Address,
        Treatment::Pseudonym { form: PseudonymForm::Token, .. } => {
            matches!(kind, Kind::Address | Kind::Agent | Kind::Cookie | Kind::Host | Kind::Identifier | Kind::User)
        }
        Treatment::Query { .. } => kind == Kind::Query,
        Treatment::Country { .. } | Treatment::Reversible { .. } | Treatment::Truncate(_) => kind == Kind::Address,
    }
}

/// The treatments that fit a kind, the usual one first.
fn fitting(kind: Kind) -> Vec<&'static str> {
    match kind {
        Kind::Address => vec!["truncate", "pseudonym", "country", "scrub", "drop", "keep"],
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
