//! A policy and a claim → whether it holds, and why.

use super::{
    Answer, Claim, Stated, Verdict,
    leaves::{self, Address, Place},
    tenants,
};
use crate::{
    detect::Kinds,
    policy::{
        Class, Network, OnMalformed, Policy, Port, TagForm, Treatment,
        weaken::{cuts_as_much, ends_as_soon, hides_as_much, length, lives_as_short},
        wiring::{From, Peer, Receiver, Remote, Socket, To},
    },
    record::Kind,
    retention::{Basis, Keep, Purpose},
};
use ipnet::IpNet;
use std::net::IpAddr;

/// Whether the policy makes the claim true. Reads nothing but the two; [`weigh`](super::weigh) also what was found.
pub fn judge(policy: &Policy, claim: &Claim) -> Answer {
    if let (Some(answer), true) = (kept_sealed(policy), is_of_values(&claim.stated)) {
        return answer;
    }
    match &claim.stated {
        Stated::AddressAtMost { network, except } => address_at_most(policy, *network, except),
        Stated::BasisOf { class, basis } => basis_of(policy, class.as_deref(), basis),
        Stated::DeletedAfter { class, at_most } => deleted_after(policy, class.as_deref(), *at_most),
        Stated::DeletedAfterRelationship { at_most } => tenants::deleted(policy, *at_most),
        Stated::EncryptedAtRest => encrypted_at_rest(policy),
        Stated::EncryptedInTransit => encrypted_in_transit(policy),
        Stated::FieldAtMost { fields, at_most } => field_at_most(policy, fields, at_most),
        Stated::FieldNeverStored { fields } => field_never_stored(policy, fields),
        Stated::FreeTextScrubbed { kinds } => free_text_scrubbed(policy, *kinds),
        Stated::HeldOnOrder => not_enforced("only a store deletes and holds; what one holds is looked at with --store"),
        Stated::IdentifierPseudonymised { fields } => identifier_pseudonymised(policy, fields),
        Stated::KeyDestroyedAfter { at_most } => key_destroyed_after(policy, *at_most),
        Stated::ListensOnlyHere => listens_only_here(policy),
        Stated::NoThirdParties => no_third_parties(policy),
        Stated::NoUnkeyedHash => yes("a policy cannot ask for a hash without a key, and nothing else makes one"),
        Stated::NotLinkableAcross { period } => {
            if length(policy.keys.epoch) > length(*period) {
                let epoch = policy.keys.epoch.as_str();
                return no(format!("a key is used for {epoch}: equal values have equal pseudonyms as long"));
            }
            not_linkable(policy, policy.keys.epoch.as_str())
        }
        Stated::NotReadableByOthers => not_readable_by_others(policy),
        Stated::OutputScanned => not_enforced(
            "a policy does not ask for the second reader; --guard and sladd scan are asked on the command line",
        ),
        Stated::PurposesOnly { class, purposes } => purposes_only(policy, class.as_deref(), purposes),
        Stated::RecipientFields { fields } => recipient_fields(policy, fields),
        Stated::RecipientsOnly { recipients } => recipients_only(policy, recipients),
        Stated::Region { .. } => not_enforced("a policy does not say in which region a file or a receiver is"),
        Stated::Role { role } => tenants::role(policy, *role),
        Stated::Tagged => match policy.encode.tag {
            TagForm::Append => yes("each record says its class, its last day, and the policy with its version"),
            TagForm::None => no("tag = \"none\": no record says what it is kept for"),
        },
        Stated::TenantsApart => tenants::apart(policy),
        Stated::UnnamedNeverStored => match &policy.rest {
            Treatment::Drop => yes("what the policy does not name is dropped"),
            other => no(format!("what the policy does not name: {other}")),
        },
        Stated::UnparsedNeverStoredRaw => unparsed_never_stored_raw(policy),
        Stated::VersionsNeverLengthen => not_enforced(
            "only a store knows under which version a record was written; what one holds is looked at with --store",
        ),
    }
}

/// Of lines that fit no format all values are kept, where they are sealed: somebody can open them.
fn kept_sealed(policy: &Policy) -> Option<Answer> {
    let days = policy.seal.as_ref()?.keep_days;
    Some(no(format!(
        "a line that fits no format is kept whole for {days} days, sealed: who has the identity can read it"
    )))
}

/// Whether a claim says what is never stored, of whatever line.
fn is_of_values(stated: &Stated) -> bool {
    match stated {
        Stated::AddressAtMost { .. }
        | Stated::FieldAtMost { .. }
        | Stated::FieldNeverStored { .. }
        | Stated::FreeTextScrubbed { .. }
        | Stated::IdentifierPseudonymised { .. }
        | Stated::NotLinkableAcross { .. }
        | Stated::UnnamedNeverStored => true,
        Stated::BasisOf { .. }
        | Stated::DeletedAfter { .. }
        | Stated::DeletedAfterRelationship { .. }
        | Stated::EncryptedAtRest
        | Stated::EncryptedInTransit
        | Stated::HeldOnOrder
        | Stated::KeyDestroyedAfter { .. }
        | Stated::ListensOnlyHere
        | Stated::NoThirdParties
        | Stated::NoUnkeyedHash
        | Stated::NotReadableByOthers
        | Stated::OutputScanned
        | Stated::PurposesOnly { .. }
        | Stated::RecipientFields { .. }
        | Stated::RecipientsOnly { .. }
        | Stated::Region { .. }
        | Stated::Role { .. }
        | Stated::Tagged
        | Stated::TenantsApart
        | Stated::UnparsedNeverStoredRaw
        | Stated::VersionsNeverLengthen => false,
    }
}

pub(super) fn yes(reason: impl Into<String>) -> Answer {
    Answer { verdict: Verdict::True, reason: reason.into() }
}

pub(super) fn no(reason: impl Into<String>) -> Answer {
    Answer { verdict: Verdict::False, reason: reason.into() }
}

pub(super) fn not_enforced(reason: impl Into<String>) -> Answer {
    Answer { verdict: Verdict::NotEnforced, reason: reason.into() }
}

/// No, with the first thing that speaks against it and how many more do.
pub(super) fn no_for<T>(against: Vec<T>, says: impl Fn(&T) -> String, otherwise: impl FnOnce() -> Answer) -> Answer {
    match (against.first(), against.len()) {
        (None, _) => otherwise(),
        (Some(first), 1) => no(says(first)),
        (Some(first), n) => no(format!("{}, and {} more", says(first), n - 1)),
    }
}

fn address_at_most(policy: &Policy, most: Network, except: &[IpNet]) -> Answer {
    if let Some(network) = policy.exempt.iter().find(|network| !except.iter().any(|other| other.contains(*network))) {
        return no(format!("addresses of {network} are exempt and stand as they came"));
    }
    if let Some(kept) = &policy.keep_text {
        return no(format!("text that matches {} is kept from the detectors", kept.patterns.join(" or ")));
    }
    let inner = leaves::inner(policy);
    let beyond = |kind, treatment: &Treatment| match leaves::address(kind, treatment, inner) {
        Address::Nothing => None,
        Address::Network(network) if cuts_as_much(network, most) => None,
        Address::Network(network) => Some(format!("addresses leave as {network}")),
        Address::Whole => Some("an address in it leaves whole".to_owned()),
        Address::Apart => Some("each address has a pseudonym of its own".to_owned()),
    };
    let mut against: Vec<String> = Vec::new();
    for Place { name, kind, treatment } in leaves::places(policy) {
        against.extend(beyond(kind, treatment).map(|what| format!("{name} ({treatment}): {what}")));
    }
    if let Some(text) = leaves::unparsed(policy) {
        let what = beyond(Kind::Text, &text);
        against.extend(what.map(|what| format!("lines that fit no format ({text}): {what}")));
    }
    no_for(against, String::clone, || yes(format!("no field and no text shows more of an address than {most}")))
}

/// The classes that are spoken of, those of tenants too, or the answer where there is none of that name.
pub(super) fn classes<'p>(policy: &'p Policy, class: Option<&str>) -> Result<Vec<&'p Class>, Answer> {
    let theirs = policy.tenants.all.iter().filter_map(|tenant| tenant.retention.as_ref());
    let all = policy.classes.iter().chain(theirs.flat_map(|terms| &terms.classes));
    let all: Vec<&Class> = all.filter(|known| class.is_none_or(|class| *known.name == *class)).collect();
    match (all.is_empty(), class) {
        (true, Some(class)) => Err(no(format!("the policy has no class {class}"))),
        (true, None) | (false, _) => Ok(all),
    }
}

fn basis_of(policy: &Policy, class: Option<&str>, basis: &[Basis]) -> Answer {
    let classes = match classes(policy, class) {
        Ok(classes) => classes,
        Err(answer) => return answer,
    };
    let other = classes.iter().find(|class| !basis.contains(&class.basis));
    match other {
        Some(Class { name, basis, .. }) => no(format!("the class {name} is kept on the basis {basis}")),
        None => yes(listed(&classes, |class| format!("{} on {}", class.name, class.basis))),
    }
}

fn purposes_only(policy: &Policy, class: Option<&str>, purposes: &[Purpose]) -> Answer {
    let classes = match classes(policy, class) {
        Ok(classes) => classes,
        Err(answer) => return answer,
    };
    match classes.iter().find(|class| !purposes.contains(&class.purpose)) {
        Some(Class { name, purpose, .. }) => no(format!("the class {name} is kept for {purpose}")),
        None => yes(listed(&classes, |class| format!("{} for {}", class.name, class.purpose))),
    }
}

pub(super) fn listed(classes: &[&Class], says: impl Fn(&Class) -> String) -> String {
    classes.iter().map(|class| says(class)).collect::<Vec<_>>().join(", ")
}

fn deleted_after(policy: &Policy, class: Option<&str>, at_most: crate::retention::Life) -> Answer {
    let classes = match classes(policy, class) {
        Ok(classes) => classes,
        Err(answer) => return answer,
    };
    match classes.iter().find(|class| !lives_as_short(class.keep, at_most)) {
        Some(Class { name, keep, .. }) => no(format!("the class {name} is kept for {keep}, not for {at_most}")),
        None => not_enforced(format!(
            "the policy says it ({}), but only a store deletes, when somebody sweeps it; what one holds is looked at with --store",
            listed(&classes, |class| format!("{}: {}", class.name, class.keep))
        )),
    }
}

fn encrypted_in_transit(policy: &Policy) -> Answer {
    let open = remotes(policy).filter(|remote| !is_private(&remote.receiver));
    let mut against: Vec<String> = open.map(|remote| label(&remote.receiver)).collect();
    against.extend(far_sockets(policy).map(|socket| format!("the input {socket}")));
    let says = |who: &String| format!("{who} can be read on the way");
    no_for(against, says, || yes("every connection to another machine is TLS"))
}

fn listens_only_here(policy: &Policy) -> Answer {
    let open: Vec<&Socket> = far_inputs(policy).filter(|(_, secret)| !secret).map(|(socket, _)| socket).collect();
    let says = |socket: &&Socket| format!("whoever reaches {socket} can send to it");
    no_for(open, says, || yes("every socket is on this machine alone, or asks for a secret"))
}

/// The sockets of inputs that other machines can reach.
fn far_sockets(policy: &Policy) -> impl Iterator<Item = &Socket> {
    far_inputs(policy).map(|(socket, _)| socket)
}

/// The same, and whether a sender must prove to know a secret.
fn far_inputs(policy: &Policy) -> impl Iterator<Item = (&Socket, bool)> {
    policy.wiring.inputs.iter().filter_map(|input| match &input.from {
        From::Syslog(sockets) | From::Forward(sockets) => match &sockets.at {
            Socket::Udp(at) | Socket::Tcp(at) if !at.ip().is_loopback() => {
                Some((&sockets.at, sockets.secret.is_some()))
            }
            Socket::Udp(_) | Socket::Tcp(_) | Socket::Datagram(_) | Socket::Stream(_) => None,
        },
        From::Follow { .. } | From::Fifo(_) | From::Stdin => None,
    })
}

fn remotes(policy: &Policy) -> impl Iterator<Item = &Remote> {
    policy.wiring.outputs.iter().filter_map(|output| match &output.to {
        To::Remote(remote) => Some(&**remote),
        To::File { .. } | To::Stdout | To::Store(_) => None,
    })
}

pub(super) fn label(receiver: &Receiver) -> String {
    let (kind, at) = receiver.label();
    format!("{kind} to {at}")
}

/// Whom a receiver is: a host, or the path of a socket on this machine.
fn party(receiver: &Receiver) -> Result<&str, std::path::Display<'_>> {
    match receiver {
        Receiver::Syslog { at, .. } | Receiver::Forward { at, .. } => match at {
            Peer::Tcp(host, _) | Peer::Tls(host, _) => Ok(host),
            Peer::Stream(path) | Peer::Datagram(path) => Err(path.display()),
        },
        Receiver::Http { url, .. } => Ok(host_of(url)),
    }
}

/// The host of a URL that a policy holds: `https://logs.example.net:3100/path`.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    match host.strip_prefix('[').and_then(|v6| v6.split_once(']')) {
        Some((v6, _)) => v6,
        None => host.split(':').next().unwrap_or_default(),
    }
}

fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether nobody reads on the way to it.
fn is_private(receiver: &Receiver) -> bool {
    let tls = match receiver {
        Receiver::Syslog { at, .. } | Receiver::Forward { at, .. } => match at {
            Peer::Tls(..) => true,
            Peer::Tcp(..) | Peer::Stream(_) | Peer::Datagram(_) => false,
        },
        Receiver::Http { url, .. } => url.starts_with("https://"),
    };
    tls || party(receiver).map_or(true, is_here)
}

fn no_third_parties(policy: &Policy) -> Answer {
    let mut near = None;
    for remote in remotes(policy) {
        match party(&remote.receiver) {
            Ok(host) if !is_here(host) => return no(format!("records go by {}", label(&remote.receiver))),
            Ok(_) | Err(_) => near = Some(label(&remote.receiver)),
        }
    }
    match near {
        Some(label) => not_enforced(format!("{label}: what receives on this machine may pass it on")),
        None => yes("no output is a receiver: records go to files and standard output"),
    }
}

fn recipients_only(policy: &Policy, recipients: &[Box<str>]) -> Answer {
    let listed = |receiver: &Receiver| {
        let party = party(receiver).map_or_else(|path| path.to_string(), str::to_owned);
        recipients.iter().any(|known| **known == *party)
    };
    let others: Vec<String> =
        remotes(policy).filter(|remote| !listed(&remote.receiver)).map(|remote| label(&remote.receiver)).collect();
    no_for(others, |other| format!("{other} is not among them"), || yes("no output goes to anybody else"))
}

fn recipient_fields(policy: &Policy, fields: &[Box<str>]) -> Answer {
    for output in &policy.wiring.outputs {
        let To::Remote(remote) = &output.to else { continue };
        let label = label(&remote.receiver);
        if output.fields.is_empty() {
            return no(format!("{label} gets every field that leaves"));
        }
        if let Some(field) = output.fields.iter().find(|field| !fields.contains(field)) {
            return no(format!("{label} gets {field}"));
        }
    }
    yes("no receiver gets another field")
}

fn not_readable_by_others(policy: &Policy) -> Answer {
    if policy.wiring.outputs.is_empty() {
        return not_enforced("the policy has no [[output]]: where records go is said on the command line");
    }
    for output in &policy.wiring.outputs {
        match &output.to {
            To::File { .. } | To::Store(_) => {}
            To::Stdout => return not_enforced("whoever reads standard output decides who reads on"),
            To::Remote(remote) => {
                return not_enforced(format!("{}: the receiver decides who reads", label(&remote.receiver)));
            }
        }
    }
    yes("every output is a file or a store, made for its owner and group alone (0640); keys are their owner's (0400)")
}

/// Whether the fields of every line are known one from another.
fn told_apart(policy: &Policy) -> Result<(), Answer> {
    match leaves::unparsed(policy) {
        None => Ok(()),
        Some(_) => {
            Err(no("a line that fits no format leaves as scrubbed text, in which no field is told from another"))
        }
    }
}

/// The first of these, or of what holds them too, of which more leaves than `fits` allows.
fn all_fit(policy: &Policy, places: &[Place<'_>], fits: impl Fn(&Place<'_>) -> bool) -> Result<(), Answer> {
    told_apart(policy)?;
    let mut against: Vec<String> = Vec::new();
    let mut looked: Vec<&str> = Vec::new();
    for place in places {
        let Place { name, treatment, .. } = place;
        if !fits(place) {
            against.push(format!("{name}: {treatment}"));
        }
        for whole in leaves::wholes(name).filter(|whole| !places.iter().any(|place| place.name == *whole)) {
            let treatment = policy.treatment(whole);
            let hides = matches!(treatment, Treatment::Drop | Treatment::Origin | Treatment::Pseudonym { .. });
            if !hides && !looked.contains(&whole) {
                looked.push(whole);
                against.push(format!("{name} may stand in {whole}: {treatment}"));
            }
        }
    }
    match no_for(against, String::clone, || yes("")) {
        Answer { verdict: Verdict::True, .. } => Ok(()),
        answer => Err(answer),
    }
}

/// The fields that are named, each member of a family by itself.
fn named<'p>(policy: &'p Policy, fields: &'p [Box<str>]) -> Vec<Place<'p>> {
    fields.iter().flat_map(|field| leaves::places_of(policy, field)).collect()
}

fn field_never_stored(policy: &Policy, fields: &[Box<str>]) -> Answer {
    let fits = |place: &Place<'_>| *place.treatment == Treatment::Drop;
    match all_fit(policy, &named(policy, fields), fits) {
        Ok(()) => yes(format!("{}: dropped", fields.join(", "))),
        Err(answer) => answer,
    }
}

fn field_at_most(policy: &Policy, fields: &[Box<str>], at_most: &Treatment) -> Answer {
    match all_fit(policy, &named(policy, fields), |place| hides_as_much(place.treatment, at_most, place.kind)) {
        Ok(()) => yes(format!("{}: {at_most}, or less", fields.join(", "))),
        Err(answer) => answer,
    }
}

fn identifier_pseudonymised(policy: &Policy, fields: &[Box<str>]) -> Answer {
    let mut places = named(policy, fields);
    if fields.is_empty() {
        places = leaves::places(policy);
        places.retain(|place| matches!(place.kind, Kind::User | Kind::Identifier));
    }
    let fits = |place: &Place<'_>| matches!(place.treatment, Treatment::Drop | Treatment::Pseudonym { .. });
    match all_fit(policy, &places, fits) {
        Ok(()) if fields.is_empty() => yes("every user and identifier is dropped, or a keyed pseudonym"),
        Ok(()) => yes(format!("{}: dropped, or a keyed pseudonym", fields.join(", "))),
        Err(answer) => answer,
    }
}

/// Whether the detectors of these kinds read all text there is.
fn text_scrubbed(policy: &Policy, kinds: Kinds) -> Result<(), Answer> {
    if let Some(kept) = &policy.keep_text {
        return Err(no(format!("text that matches {} is kept from the detectors", kept.patterns.join(" or "))));
    }
    let unread = |kind, treatment: &Treatment| match treatment {
        Treatment::Scrub { kinds: read, .. } => !read.has(kinds),
        Treatment::Keep { .. } => leaves::is_text(kind),
        Treatment::Coarsen(_)
        | Treatment::Cookie { .. }
        | Treatment::Country { .. }
        | Treatment::Drop
        | Treatment::Family { .. }
        | Treatment::Language
        | Treatment::Origin
        | Treatment::Path
        | Treatment::Pseudonym { .. }
        | Treatment::Query { .. }
        | Treatment::Reversible { .. }
        | Treatment::Truncate(_) => false,
    };
    let places = leaves::places(policy);
    let mut against: Vec<String> = places
        .iter()
        .filter(|place| unread(place.kind, place.treatment))
        .map(|place| format!("{}: {}", place.name, place.treatment))
        .collect();
    let text = leaves::unparsed(policy).filter(|treatment| unread(Kind::Text, treatment));
    against.extend(text.map(|treatment| format!("lines that fit no format: {treatment}")));
    match no_for(against, String::clone, || yes("")) {
        Answer { verdict: Verdict::True, .. } => Ok(()),
        answer => Err(answer),
    }
}

fn free_text_scrubbed(policy: &Policy, kinds: Kinds) -> Answer {
    match text_scrubbed(policy, kinds) {
        Ok(()) => yes("every text is dropped, reduced or read by the detectors from end to end"),
        Err(answer) => answer,
    }
}

fn encrypted_at_rest(policy: &Policy) -> Answer {
    if policy.wiring.outputs.is_empty() {
        return not_enforced("the policy has no [[output]]: where records go is said on the command line");
    }
    if let Some(output) = policy.wiring.outputs.iter().find(|output| !output.seal) {
        return not_enforced(match &output.to {
            To::File { path, .. } => format!("{}: records are written there as they are", path.display()),
            To::Stdout => "whoever reads standard output decides where records lie".to_owned(),
            To::Store(path) => format!("{}: it is not sealed; write seal = true", path.display()),
            To::Remote(remote) => {
                format!("{}: what waits for it is not sealed; write seal = true", label(&remote.receiver))
            }
        });
    }
    yes(
        "each file lies under a key that is wrapped with a file kept elsewhere, in a store one of its own that dies with it",
    )
}

fn unparsed_never_stored_raw(policy: &Policy) -> Answer {
    match (leaves::unparsed(policy), &policy.keep_text) {
        (None, _) if policy.source.malformed == OnMalformed::Seal => {
            yes("a line that fits no format is sealed before it is written: nobody can read it on this machine")
        }
        (None, _) => yes("a line that fits no format is dropped"),
        (Some(_), Some(kept)) => no(format!("text that matches {} is kept as it came", kept.patterns.join(" or "))),
        (Some(Treatment::Scrub { kinds: Kinds::ALL, .. }), None) => {
            yes("a line that fits no format leaves as text that every detector has read")
        }
        (Some(other), None) => no(format!("a line that fits no format leaves with less: {other}")),
    }
}

fn key_destroyed_after(policy: &Policy, at_most: Keep) -> Answer {
    let keep = policy.keys.keep;
    if !ends_as_soon(keep, at_most) {
        return no(format!("a key is kept for {keep} after its period, not for {at_most}"));
    }
    // A policy does not say that something runs on that day.
    not_enforced(format!(
        "a key is due {keep} after its period: what runs then destroys it within a minute, else the next run, `sladd key` or a sweep; what became of keys is looked at with --store"
    ))
}

/// Whether no value leaves that is the same in two periods for one person and another for others.
fn not_linkable(policy: &Policy, epoch: &str) -> Answer {
    let group = Network { v4: 24, v6: 48, port: Port::Drop };
    let lasting = |place: &Place<'_>| match (place.kind, place.treatment) {
        (_, Treatment::Drop | Treatment::Pseudonym { .. }) => false,
        (Kind::User | Kind::Identifier | Kind::Secret, _) => true,
        (
            Kind::Agent | Kind::Text | Kind::Referer | Kind::Path | Kind::Query | Kind::Cookie,
            Treatment::Keep { .. },
        ) => true,
        (_, Treatment::Cookie { keep, .. } | Treatment::Query { keep, .. }) => !keep.is_empty(),
        _ => false,
    };
    if let Err(answer) = told_apart(policy).and_then(|()| text_scrubbed(policy, Kinds::ALL)) {
        return answer;
    }
    if let Some(network) = policy.exempt.first() {
        return no(format!("addresses of {network} are exempt and stand as they came"));
    }
    let inner = leaves::inner(policy);
    let fine = |place: &Place<'_>| match leaves::address(place.kind, place.treatment, inner) {
        Address::Nothing | Address::Apart => false,
        Address::Network(network) => !cuts_as_much(network, group),
        Address::Whole => true,
    };
    let places = leaves::places(policy);
    let against: Vec<String> = places
        .iter()
        .filter(|place| lasting(place) || fine(place))
        .map(|place| format!("{} stays the same over time: {}", place.name, place.treatment))
        .collect();
    no_for(against, String::clone, || {
        yes(format!(
            "pseudonyms change each {}, and nothing else tells one person from another",
            epoch.trim_start_matches("1 ")
        ))
    })
}
