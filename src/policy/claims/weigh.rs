//! A policy, a claim and what was found → whether it holds, and why.
//!
//! What was found can only take from what the policy makes true, but for what a policy cannot do by itself: that something is
//! deleted. There TRUE needs all of this: the policy says it, every record goes to a store that was looked at and nowhere else,
//! that store is whole and is swept, and nothing is in it that should be gone. A day of grace is that of the sweep that comes
//! once a day.

use super::{
    Answer, Claim, Evidence, Filed, Keyed, Stated, Stored, Verdict,
    judge::{classes, judge, label, no, not_enforced, yes},
    tenants::leaving,
};
use crate::{
    policy::{
        Policy,
        weaken::lives_as_short,
        wiring::{Output, To},
    },
    retention::{Keep, Life, Purpose},
    time::{DAY, Date, Timestamp},
};

/// Whether the claim is true by the policy and by what was found.
///
/// ```
/// use sladd::{policy::{Claims, Evidence, Policy, Verdict, weigh}, time::Timestamp};
/// let text = "[[claim]]\nid = \"kept\"\nsentence = \"Logs live for six months.\"\nclaim = \"deleted_after\"\nat_most = \"6 months\"\n";
/// let claims = Claims::parse(text, "claims.toml").0.unwrap();
/// let nothing = Evidence { now: Timestamp(1_795_255_200), stores: vec![], keys: None };
/// let answer = weigh(&Policy::builtin("hosting").unwrap(), &claims.claims[0], &nothing);
/// assert_eq!(answer.verdict, Verdict::NotEnforced);
/// ```
pub fn weigh(policy: &Policy, claim: &Claim, evidence: &Evidence) -> Answer {
    let said = judge(policy, claim);
    let found = match &claim.stated {
        Stated::AddressAtMost { .. }
        | Stated::FieldAtMost { .. }
        | Stated::FieldNeverStored { .. }
        | Stated::FreeTextScrubbed { .. }
        | Stated::IdentifierPseudonymised { .. }
        | Stated::NotLinkableAcross { .. }
        | Stated::Tagged
        | Stated::UnnamedNeverStored
        | Stated::UnparsedNeverStoredRaw => from(said, Verdict::True, || as_written(policy, claim, evidence)),
        Stated::BasisOf { class, basis } => from(said, Verdict::True, || {
            let fits = |file: &Filed| basis.iter().any(|known| known.as_str() == file.basis);
            all_fit(evidence, class.as_deref(), fits, |file| format!("on the basis {}", file.basis))
        }),
        Stated::PurposesOnly { class, purposes } => from(said, Verdict::True, || {
            let fits = |file: &Filed| purposes.iter().any(|known| known.as_str() == file.purpose);
            all_fit(evidence, class.as_deref(), fits, |file| format!("for {}", file.purpose))
        }),
        Stated::DeletedAfter { class, at_most } => {
            from(said, Verdict::NotEnforced, || deleted_after(policy, class.as_deref(), *at_most, evidence).map(Some))
        }
        Stated::DeletedAfterRelationship { at_most } => {
            from(said, Verdict::NotEnforced, || deleted_after_relationship(policy, *at_most, evidence).map(Some))
        }
        Stated::HeldOnOrder => from(said, Verdict::NotEnforced, || held_on_order(policy, evidence).map(Some)),
        Stated::KeyDestroyedAfter { at_most } => {
            from(said, Verdict::NotEnforced, || key_destroyed_after(evidence, *at_most).map(Some))
        }
        Stated::VersionsNeverLengthen => {
            from(said, Verdict::NotEnforced, || versions_never_lengthen(policy, evidence).map(Some))
        }
        Stated::EncryptedAtRest => from(said, Verdict::True, || encrypted_at_rest(evidence)),
        Stated::EncryptedInTransit
        | Stated::ListensOnlyHere
        | Stated::NoThirdParties
        | Stated::NoUnkeyedHash
        | Stated::NotReadableByOthers
        | Stated::OutputScanned
        | Stated::RecipientFields { .. }
        | Stated::RecipientsOnly { .. }
        | Stated::Region { .. }
        | Stated::Role { .. }
        | Stated::TenantsApart => Ok(said),
    };
    found.unwrap_or_else(|answer| answer)
}

/// What was found in place of what the policy says, where that is of this kind; `Ok(None)`: nothing speaks against it.
fn from(said: Answer, of: Verdict, found: impl FnOnce() -> Result<Option<Answer>, Answer>) -> Result<Answer, Answer> {
    if said.verdict != of {
        return Ok(said);
    }
    Ok(found()?.unwrap_or(said))
}

/// What the manifests tell of what happened to fields, held against the claim.
fn as_written(policy: &Policy, claim: &Claim, evidence: &Evidence) -> Result<Option<Answer>, Answer> {
    let mut answers = Vec::new();
    for stored in &evidence.stores {
        is_whole(stored)?;
        let mut seen: Vec<&Filed> = Vec::new();
        for file in &stored.files {
            if seen.iter().any(|other| (&other.told, other.period) == (&file.told, file.period)) {
                continue;
            }
            seen.push(file);
            let answer = match policy.as_told(&file.told, file.period) {
                Some(then) => judge(&then, claim),
                None => not_enforced("it does not tell all that was done"),
            };
            if answer.verdict != Verdict::True {
                let reason = format!("{} was written under {}: {}", file.path, file.policy, answer.reason);
                answers.push(Answer { reason, ..answer });
            }
        }
    }
    answers.sort_by_key(|answer| answer.verdict);
    answers.into_iter().next().map_or(Ok(None), Err)
}

/// What the manifests tell of why records are kept.
fn all_fit(
    evidence: &Evidence,
    class: Option<&str>,
    fits: impl Fn(&Filed) -> bool,
    says: impl Fn(&Filed) -> String,
) -> Result<Option<Answer>, Answer> {
    for stored in &evidence.stores {
        is_whole(stored)?;
        if let Some(file) = files_of(stored, class).find(|file| !fits(file)) {
            return Err(no(format!("{} is kept {}, by {}", file.path, says(file), file.policy)));
        }
    }
    Ok(None)
}

fn deleted_after(policy: &Policy, class: Option<&str>, at_most: Life, evidence: &Evidence) -> Result<Answer, Answer> {
    let classes = classes(policy, class)?;
    let names: Vec<&str> = classes.iter().map(|class| &*class.name).collect();
    let until = |file: &Filed| at_most.until(file.day);
    // What is there too long is, whatever else is wrong.
    for stored in &evidence.stores {
        is_none_late(stored, class, evidence.now, until)?;
    }
    let stores = only_in_stores(policy, &names, Receivers::Count, evidence)?;
    for stored in &stores {
        is_swept(stored, class, evidence.now)?;
        for file in files_of(stored, class).filter(|file| file.held.is_empty()) {
            let Some(keep) = file.keep.filter(|keep| !lives_as_short(*keep, at_most)) else { continue };
            let shortened = file.newer.iter().any(|life| lives_as_short(*life, at_most));
            let what = format!("{} was written under {}, which keeps it for {keep}", file.path, file.policy);
            return Err(match shortened {
                true => not_enforced(format!("{what}; a newer version shortens that when it is swept")),
                false => no(format!("{what}, not for {at_most}")),
            });
        }
    }
    Ok(yes(format!("{}, and nothing is older: {}", keeps(&classes), shown(&stores, class))))
}

/// What tenants left behind.
fn deleted_after_relationship(policy: &Policy, at_most: Keep, evidence: &Evidence) -> Result<Answer, Answer> {
    let classes = leaving(policy, at_most)?;
    let law = Purpose::LegalObligation.as_str();
    let left = |file: &Filed| file.end.filter(|_| file.purpose != law).map(|end| at_most.until(end).max(file.day));
    for stored in &evidence.stores {
        is_none_late(stored, None, evidence.now, left)?;
    }
    let names: Vec<&str> = classes.iter().map(|class| &*class.name).collect();
    let stores = only_in_stores(policy, &names, Receivers::Count, evidence)?;
    for stored in &stores {
        is_swept(stored, None, evidence.now)?;
        let waits = |file: &&Filed| file.end.is_none() && matches!(file.keep, Some(Life::Relationship(_)));
        let is_known = |file: &Filed| policy.tenants.all.iter().any(|tenant| *tenant.name == *file.tenant);
        if let Some(file) = stored.files.iter().filter(waits).find(|file| !is_known(file)) {
            let why = "waits for the end of a relationship with nobody that the policy knows";
            return Err(not_enforced(format!("{} {why}", file.path)));
        }
    }
    Ok(yes(format!("{at_most} after a tenant has left nothing of it is there: {}", shown(&stores, None))))
}

fn keeps(classes: &[&crate::policy::Class]) -> String {
    classes.iter().map(|class| format!("{}: {}", class.name, class.keep)).collect::<Vec<_>>().join(", ")
}

/// What was written before a policy asked for it lies there as it was written.
fn encrypted_at_rest(evidence: &Evidence) -> Result<Option<Answer>, Answer> {
    for stored in &evidence.stores {
        is_whole(stored)?;
        if let Some(file) = stored.files.iter().find(|file| !file.is_sealed) {
            return Err(no(format!("{} of {} is not sealed", file.path, stored.path.display())));
        }
    }
    Ok(None)
}

fn held_on_order(policy: &Policy, evidence: &Evidence) -> Result<Answer, Answer> {
    let stores = on_time(policy, evidence)?;
    Ok(yes(format!("what is held stays, and nothing else is there past its day: {}", shown(&stores, None))))
}

fn versions_never_lengthen(policy: &Policy, evidence: &Evidence) -> Result<Answer, Answer> {
    let stores = on_time(policy, evidence)?;
    Ok(yes(format!(
        "each record goes by the version that it was written under, or by a newer one that is shorter: {}",
        shown(&stores, None)
    )))
}

/// The stores that all records go to, where nothing is in them past the day that its own version, or a shorter newer one, named.
fn on_time<'e>(policy: &Policy, evidence: &'e Evidence) -> Result<Vec<&'e Stored>, Answer> {
    for stored in &evidence.stores {
        is_none_late(stored, None, evidence.now, Filed::due)?;
    }
    let names: Vec<&str> = policy.classes.iter().map(|class| &*class.name).collect();
    let stores = only_in_stores(policy, &names, Receivers::Leave, evidence)?;
    for stored in &stores {
        is_swept(stored, None, evidence.now)?;
    }
    Ok(stores)
}

/// Whether what a receiver gets counts: it is kept there as long as the receiver likes, but not by us.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Receivers {
    Count,
    Leave,
}

/// The stores that records of these classes go to, where each was looked at and they go nowhere else.
fn only_in_stores<'e>(
    policy: &Policy,
    names: &[&str],
    receivers: Receivers,
    evidence: &'e Evidence,
) -> Result<Vec<&'e Stored>, Answer> {
    if policy.wiring.outputs.is_empty() {
        return Err(not_enforced("the policy has no [[output]]: where records go is said on the command line"));
    }
    if let Some(seal) = &policy.seal {
        let path = seal.directory.display();
        return Err(not_enforced(format!("{path} keeps lines that were sealed, and it is not looked at")));
    }
    let mut stores = Vec::new();
    for output in policy.wiring.outputs.iter().filter(|output| takes(output, names)) {
        match &output.to {
            To::File { path, .. } => {
                let path = path.display();
                return Err(not_enforced(format!("{path} keeps records until somebody else deletes them")));
            }
            To::Stdout => return Err(not_enforced("whoever reads standard output decides how long records live")),
            To::Remote(remote) if receivers == Receivers::Count => {
                let label = label(&remote.receiver);
                return Err(not_enforced(format!("{label}: the receiver decides how long records live")));
            }
            To::Remote(_) => {}
            To::Store(path) => match evidence.stores.iter().find(|stored| stored.path == *path) {
                Some(stored) => stores.push(stored),
                None => {
                    let path = path.display();
                    return Err(not_enforced(format!("the store {path} was not looked at; name it with --store")));
                }
            },
        }
    }
    match stores.is_empty() {
        true => Err(not_enforced("no output puts these records into a store, and only a store deletes")),
        false => Ok(stores),
    }
}

fn takes(output: &Output, names: &[&str]) -> bool {
    output.classes.is_empty() || output.classes.iter().any(|class| names.contains(&&**class))
}

fn files_of<'s>(stored: &'s Stored, class: Option<&str>) -> impl Iterator<Item = &'s Filed> {
    stored.files.iter().filter(move |file| class.is_none_or(|class| file.class == class))
}

/// Whether nothing that is not held is there a day after `until`.
fn is_none_late(
    stored: &Stored,
    class: Option<&str>,
    now: Timestamp,
    until: impl Fn(&Filed) -> Option<Date>,
) -> Result<(), Answer> {
    let late = |file: &&Filed| until(file).is_some_and(|day| now.0 >= day.start().0 + DAY);
    let mut late = files_of(stored, class).filter(|file| file.held.is_empty()).filter(late);
    let Some(first) = late.next() else { return Ok(()) };
    let day = until(first).expect("it is late");
    let more = match late.count() {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Err(no(format!("{} of {} had to be gone on {day}, and is there{more}", first.path, stored.path.display())))
}

fn is_whole(stored: &Stored) -> Result<(), Answer> {
    let Some(first) = stored.problems.first() else { return Ok(()) };
    let path = stored.path.display();
    let more = match stored.problems.len() {
        1 => String::new(),
        all => format!(", and {} more", all - 1),
    };
    Err(not_enforced(format!("what {path} tells cannot be believed: {first}{more}; see sladd store verify")))
}

/// Whether a store is whole, and is swept so that what is due goes.
fn is_swept(stored: &Stored, class: Option<&str>, now: Timestamp) -> Result<(), Answer> {
    is_whole(stored)?;
    let path = stored.path.display();
    let Some(swept) = stored.swept else {
        return Err(not_enforced(format!("{path} was never swept: nothing shows that what is due goes")));
    };
    let on = swept.date();
    if swept > now {
        return Err(not_enforced(format!("{path} was swept on {on}, after the day that is reckoned with")));
    }
    if now.0 - swept.0 > MOST_IDLE_DAYS * DAY {
        return Err(not_enforced(format!("{path} was swept last on {on}; the next sweep would not believe the clock")));
    }
    let is_due = |file: &&Filed| file.held.is_empty() && file.due().is_some_and(|day| now >= day.start());
    match files_of(stored, class).find(is_due) {
        Some(file) if now.0 - swept.0 > DAY => {
            Err(not_enforced(format!("{} is due, and {path} was swept last on {on}", file.path)))
        }
        Some(_) | None => Ok(()),
    }
}

/// What stands in stores: how much, when they were swept, what is held.
fn shown(stores: &[&Stored], class: Option<&str>) -> String {
    let one = |stored: &&Stored| {
        let files: Vec<&Filed> = files_of(stored, class).collect();
        let swept = stored.swept.map_or_else(String::new, |swept| format!(", swept on {}", swept.date()));
        let mut held: Vec<&str> = files.iter().flat_map(|file| &file.held).map(String::as_str).collect();
        let count = files.iter().filter(|file| !file.held.is_empty()).count();
        held.sort_unstable();
        held.dedup();
        let held = match count {
            0 => String::new(),
            count => format!(", {count} held by {}", held.join(", ")),
        };
        format!("{} with {} files{swept}{held}", stored.path.display(), files.len())
    };
    stores.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn key_destroyed_after(evidence: &Evidence, at_most: Keep) -> Result<Answer, Answer> {
    let Some(Keyed { path, problems, live, half, destroyed }) = &evidence.keys else {
        return Err(not_enforced("the policy's keys are in no directory that is there"));
    };
    let path = path.display();
    let late = |from: Timestamp| evidence.now.0 >= from.plus(at_most.months, at_most.days).0 + DAY;
    let mut old = live.iter().filter(|(_, from)| late(*from)).map(|(name, _)| name).chain(half);
    if let Some(first) = old.next() {
        let more = match old.count() {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        return Err(no(format!("the key {first} in {path} had to be destroyed, and is not{more}")));
    }
    if let Some(problem) = problems.first() {
        return Err(not_enforced(format!("what {path} tells cannot be believed: {problem}")));
    }
    if *destroyed == 0 {
        return Err(not_enforced(format!("no key in {path} was destroyed yet: nothing shows that what is due goes")));
    }
    Ok(yes(format!("{destroyed} keys in {path} are destroyed, and none of {} is past its day", live.len())))
}

/// After so long a sweep does not delete by the clock alone.
const MOST_IDLE_DAYS: i64 = 32;
