//! What a store shows of itself, for whoever holds it against what was promised.

use super::{
    Kept, Problem, Root,
    facts::{Facts, TreatmentFacts},
    list,
    manifest::Manifest,
    name::Shelf,
    past::Past,
    sweep::newer,
    verify,
};
use crate::{
    epoch::Period,
    error::Error,
    record::Clock,
    retention::Life,
    time::{Date, Timestamp, Zone, parse},
};

/// A store as it is.
#[derive(Clone, Debug)]
pub struct Shown {
    /// What is wrong with it.
    pub problems: Vec<Problem>,
    /// Up to when it was swept last: the earlier of when that was and what day it reckoned with. `None`: never.
    pub swept: Option<Timestamp>,
    /// What it keeps.
    pub kept: Vec<Told>,
}

/// Something that is kept, and what is told of it.
#[derive(Clone, Debug)]
pub struct Told {
    /// What it is.
    pub kept: Kept,
    /// The day on which the relationship with its tenant ends, if it does.
    pub end: Option<Date>,
    /// How long it is kept by the policy that it was written under; `None`: nobody can tell.
    pub keep: Option<Life>,
    /// What newer versions of that policy, which the store knows, say of its class.
    pub newer: Vec<Life>,
    /// What for.
    pub purpose: String,
    /// On what ground.
    pub basis: String,
    /// What happened to each field.
    pub treatments: Vec<TreatmentFacts>,
    /// How long one key was used.
    pub period: Option<Period>,
}

/// Reads all of a store.
///
/// # Errors
/// [`Kind::Io`](crate::error::Kind::Io), [`Kind::Permission`](crate::error::Kind::Permission): it could not be read;
/// [`Kind::Data`](crate::error::Kind::Data) where nobody can say what is held.
pub fn show(root: &Root) -> Result<Shown, Error> {
    // What is sealed need not be opened to be as it was closed.
    let problems = verify(root, None)?.problems;
    let past = Past::of_holds(root)?;
    let facts = Facts::all(root)?;
    let told = |kept: Kept| told(root, past.ends.get(&kept.tenant).copied(), kept, &facts);
    let kept = list(root)?.kept.into_iter().map(told).collect::<Result<_, Error>>()?;
    Ok(Shown { problems, swept: swept(&past), kept })
}

fn swept(past: &Past) -> Option<Timestamp> {
    let at = parse(Clock::Rfc3339, past.swept.as_bytes(), &Zone::utc())?;
    let reckoned = Date::parse(past.reckoned.as_bytes())?;
    // It names the day and not the time of day.
    Some(if reckoned == at.date() { at } else { at.min(reckoned.start()) })
}

fn told(root: &Root, end: Option<Date>, kept: Kept, facts: &[Facts]) -> Result<Told, Error> {
    let newer = newer(&kept, facts).collect();
    let mut told = Told {
        end,
        keep: None,
        newer,
        purpose: String::new(),
        basis: String::new(),
        treatments: Vec::new(),
        period: None,
        kept,
    };
    if told.kept.is_segment {
        if let Some(manifest) = manifest(root, &told.kept)? {
            told.keep = manifest.keep.parse().ok();
            told.period = manifest
                .key_epochs
                .first()
                .and_then(|name| Period::ALL.into_iter().find(|period| period.parse_dashed(name).is_some()));
            (told.purpose, told.basis, told.treatments) = (manifest.purpose, manifest.basis, manifest.treatments);
        }
    } else if let Some(known) =
        shelf(&told.kept).and_then(|shelf| facts.iter().find(|it| *it.policy() == *shelf.policy))
        && let Some(class) = known.class(&told.kept.label())
    {
        (told.keep, told.purpose, told.basis) = (class.keep(), class.purpose.clone(), class.basis.clone());
        (told.treatments, told.period) =
            (known.treatments.clone(), known.epoch.as_ref().and_then(|period| period.parse().ok()));
    }
    Ok(told)
}

/// `None` where it is gone or damaged, which was told as a problem.
fn manifest(root: &Root, kept: &Kept) -> Result<Option<Manifest>, Error> {
    let Some(class) = root.place.room_if_there(&kept.label())? else { return Ok(None) };
    let Some(day) = class.room_if_there(&kept.day.to_string())? else { return Ok(None) };
    let read = kept.number.map(|number| Manifest::read(&day, number));
    Ok(read.and_then(|read| read.ok().flatten()).map(|(manifest, _)| manifest))
}

fn shelf(kept: &Kept) -> Option<Shelf> {
    let name = kept.path.rsplit('/').next()?;
    Shelf::parse(name).or_else(|| Shelf::parse_numbered(name).map(|(_, shelf)| shelf))
}
