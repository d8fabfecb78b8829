//! What of a field leaves under a policy, for whoever reads what comes out.

use crate::{
    detect::Kinds,
    policy::{Network, OnMalformed, Policy, Port, Treatment, names},
    record::Kind,
};
use std::{borrow::Cow, collections::BTreeSet};

/// One field that may come in: its name, its kind and what happens to it.
pub(super) struct Place<'p> {
    pub(super) name: Cow<'p, str>,
    pub(super) kind: Kind,
    pub(super) treatment: &'p Treatment,
}

/// Every field of the vocabulary and of the policy, one of each open family, and one that nobody named.
pub(super) fn places(policy: &Policy) -> Vec<Place<'_>> {
    let mut seen: BTreeSet<Cow<'_, str>> = BTreeSet::new();
    let open = names::families().map(|(family, kind)| (Cow::Owned(format!("{family}*")), kind));
    let own = policy.fields.iter().filter(|(name, _)| !name.ends_with('*'));
    let own = own.map(|(name, _)| (Cow::Borrowed(&**name), names::canonical(name).map_or(Kind::Text, |it| it.1)));
    let all = names::all().map(|(name, kind)| (Cow::Borrowed(name), kind)).chain(open).chain(own);
    let mut places: Vec<Place<'_>> = all
        .filter(|(name, _)| seen.insert(name.clone()))
        .map(|(name, kind)| Place { treatment: policy.treatment(&name), name, kind })
        .collect();
    places.push(Place { name: "*".into(), kind: Kind::Text, treatment: &policy.rest });
    places
}

/// Those of them that a name or a `family.*` pattern takes in.
pub(super) fn places_of<'p>(policy: &'p Policy, field: &'p str) -> Vec<Place<'p>> {
    let Some(prefix) = field.strip_suffix('*') else {
        let kind = names::canonical(field).map_or(Kind::Text, |(_, kind)| kind);
        return vec![Place { name: field.into(), kind, treatment: policy.treatment(field) }];
    };
    places(policy).into_iter().filter(|place| place.name.starts_with(prefix)).collect()
}

/// Fields that hold this one too: what is not known apart in them leaves with them.
pub(super) fn wholes(field: &str) -> impl Iterator<Item = &'static str> {
    let prefix = field.strip_suffix('*').unwrap_or(field);
    WHOLES.iter().filter(move |(_, parts)| parts.iter().any(|part| prefix.starts_with(part))).map(|(whole, _)| *whole)
}

/// What becomes of the text of a line that fits no format; `None`: it is dropped, or leaves only sealed.
pub(super) fn unparsed(policy: &Policy) -> Option<Treatment> {
    let text = policy.source.formats.iter().any(|format| &**format == "text");
    if !text && matches!(policy.source.malformed, OnMalformed::Drop | OnMalformed::Seal) {
        return None;
    }
    Some(match policy.treatment("message") {
        scrub @ Treatment::Scrub { .. } => scrub.clone(),
        Treatment::Coarsen(_)
        | Treatment::Cookie { .. }
        | Treatment::Country { .. }
        | Treatment::Drop
        | Treatment::Family { .. }
        | Treatment::Keep { .. }
        | Treatment::Language
        | Treatment::Origin
        | Treatment::Path
        | Treatment::Pseudonym { .. }
        | Treatment::Query { .. }
        | Treatment::Reversible { .. }
        | Treatment::Truncate(_) => Treatment::Scrub { kinds: Kinds::ALL, network: inner(policy) },
    })
}

/// How addresses are cut that stand inside values of other kinds.
pub(super) fn inner(policy: &Policy) -> Network {
    match policy.fields.iter().find(|(name, _)| &**name == "client.address") {
        Some((_, Treatment::Truncate(network))) => Network { port: Port::Drop, ..*network },
        _ => Network { v4: 24, v6: 48, port: Port::Drop },
    }
}

/// What of an address in a field is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// None of it, or what is the same for whole countries.
    Nothing,
    /// The network.
    Network(Network),
    /// All of it.
    Whole,
    /// None of it, but each address stands apart from the others.
    Apart,
}

/// What is left of an address that stands in a value of this kind, so treated. `inner` is [`inner`].
pub(super) fn address(kind: Kind, treatment: &Treatment, inner: Network) -> Address {
    match treatment {
        Treatment::Drop | Treatment::Country { .. } | Treatment::Coarsen(_) | Treatment::Language => Address::Nothing,
        Treatment::Truncate(network) => Address::Network(*network),
        Treatment::Scrub { kinds, network } if kinds.has(Kinds::IP) => Address::Network(*network),
        // Whoever has the key has the address.
        Treatment::Scrub { .. } | Treatment::Reversible { .. } => Address::Whole,
        Treatment::Pseudonym { .. } => match kind == Kind::Address {
            true => Address::Apart,
            false => Address::Nothing,
        },
        Treatment::Cookie { .. }
        | Treatment::Family { .. }
        | Treatment::Origin
        | Treatment::Path
        | Treatment::Query { .. } => Address::Network(inner),
        Treatment::Keep { .. } => match kind {
            Kind::Instant
            | Kind::Language
            | Kind::Method
            | Kind::Number
            | Kind::Protocol
            | Kind::Status
            | Kind::Word => Address::Nothing,
            Kind::Host => Address::Network(inner),
            Kind::Address
            | Kind::Agent
            | Kind::Cookie
            | Kind::Identifier
            | Kind::Path
            | Kind::Query
            | Kind::Referer
            | Kind::Secret
            | Kind::Text
            | Kind::User => Address::Whole,
        },
    }
}

/// Whether a value of this kind is text in which a visitor may have written anything.
pub(super) fn is_text(kind: Kind) -> bool {
    match kind {
        Kind::Agent
        | Kind::Cookie
        | Kind::Language
        | Kind::Path
        | Kind::Query
        | Kind::Referer
        | Kind::Secret
        | Kind::Text => true,
        Kind::Address
        | Kind::Host
        | Kind::Identifier
        | Kind::Instant
        | Kind::Method
        | Kind::Number
        | Kind::Protocol
        | Kind::Status
        | Kind::User
        | Kind::Word => false,
    }
}

/// Fields, and what stands inside them under a name of its own elsewhere. A request line that cannot be taken apart leaves
/// as one, and so does the end of a line behind what its format knows.
const WHOLES: &[(&str, &[&str])] = &[
    ("http.request.line", &["url.path", "url.query", "url.full"]),
    ("url.original", &["url.path", "url.query", "url.full"]),
    ("url.full", &["url.path", "url.query"]),
    ("http.request.header.cookie", &["http.request.cookie"]),
    ("event.original", &["http.", "url.", "user", "session.", "device.", "client.", "tls."]),
];
