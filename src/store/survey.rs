//! What is in a store: segments, files that are on the way to be some, and what stands between them that is none of ours.

use super::{
    CLOSING, OPEN, Root,
    facts::Facts,
    file,
    hold::holds,
    leaving::{Ends, ends},
    manifest::Manifest,
    name::{self, Shelf, packed},
};
use crate::{
    error::Error,
    retention::{Life, label, parse_label},
    state::{files::names_in, place::Place},
    time::Date,
};
use serde::Serialize;
use std::{collections::BTreeMap, io};

/// One thing that a store keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Its path in the store; of a segment without the ending.
    pub path: String,
    /// Its number; none while it is open.
    pub number: Option<u64>,
    /// Whose its records are; empty: those of whoever runs sladd.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tenant: String,
    /// Their class.
    pub class: String,
    /// The day of its records.
    #[serde(serialize_with = "text")]
    pub day: Date,
    /// The day on which it must be gone; none: nobody has said, or nobody can tell.
    #[serde(serialize_with = "maybe")]
    pub until: Option<Date>,
    /// How long its class is kept, as far as that is known.
    #[serde(skip)]
    pub keep: Option<Life>,
    /// Its policy, `name/version`; none where nobody can tell.
    pub policy: Option<String>,
    /// Lines; none while it is open.
    pub records: Option<u64>,
    /// What the key is called that it is sealed with; none: it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Bytes on the disk.
    pub bytes: u64,
    /// The references of holds that cover it.
    pub held: Vec<String>,
    /// Whether its records are packed.
    #[serde(skip)]
    pub is_segment: bool,
    /// What is wrong with its manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// What a store keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Listing {
    /// Segments by class, day and number; then files that are closing, then those that are open.
    pub kept: Vec<Kept>,
    /// Paths that are none of ours.
    #[serde(skip)]
    pub strange: Vec<String>,
    /// Paths of what was begun and has no name yet.
    #[serde(skip)]
    pub begun: Vec<String>,
}

fn text<S: serde::Serializer>(day: &Date, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(day)
}

fn maybe<S: serde::Serializer>(day: &Option<Date>, serializer: S) -> Result<S::Ok, S::Error> {
    match day {
        Some(day) => serializer.collect_str(day),
        None => serializer.serialize_none(),
    }
}

/// What a store keeps, by its files and manifests; nothing is unpacked.
///
/// # Errors
/// [`Kind::Io`](crate::error::Kind::Io), [`Kind::Permission`](crate::error::Kind::Permission)
pub fn list(root: &Root) -> Result<Listing, Error> {
    let mut listing = survey(root)?;
    let holds = holds(root)?;
    let ends = ends(root)?;
    for kept in &mut listing.kept {
        kept.held = holds.covering(kept).map(|hold| hold.reference.clone()).collect();
        kept.until = kept.due(&ends);
    }
    Ok(listing)
}

impl Kept {
    /// What its directory and messages call it: [`label`].
    pub(super) fn label(&self) -> String {
        label(&self.tenant, &self.class)
    }

    /// The day on which it must be gone by its own terms, where some tenants are leaving.
    pub(super) fn due(&self, ends: &Ends) -> Option<Date> {
        self.until.or_else(|| self.keep?.until_with(self.day, ends.get(&self.tenant).copied()))
    }
}

/// The same without holds and tenants that are leaving.
pub(super) fn survey(root: &Root) -> Result<Listing, Error> {
    let mut listing = Listing::default();
    let failed = |error: io::Error| root.failed("read", &error);
    let facts = Facts::all(root)?;
    // Files move from open to closing to their segment: in this order none is missed.
    for room in [OPEN, CLOSING] {
        let Some(place) = root.place.room_if_there(room)? else { continue };
        for name in sorted(&place).map_err(failed)? {
            let found = match room {
                OPEN if name == "anchor" => continue,
                OPEN => Shelf::parse(&name).map(|shelf| (None, shelf)),
                _ => Shelf::parse_numbered(&name).map(|(number, shelf)| (Some(number), shelf)),
            };
            let path = format!("{room}/{name}");
            let stat = place.stat(name.as_str()).map_err(failed)?;
            let (Some((number, shelf)), Some(stat)) = (found, stat) else {
                listing.strange.push(path);
                continue;
            };
            let known = facts.iter().find(|facts| *facts.policy() == *shelf.policy);
            let keep = known.and_then(|facts| facts.class(&shelf.label)?.keep());
            let (tenant, class) = parse_label(&shelf.label).unwrap_or_default();
            listing.kept.push(Kept {
                path,
                number,
                until: keep.and_then(|keep| keep.until(shelf.day)),
                keep,
                policy: known.map(|facts| format!("{}/{}", facts.name, facts.version)),
                tenant: tenant.to_owned(),
                class: class.to_owned(),
                day: shelf.day,
                records: None,
                key: shelf.key.as_deref().map(str::to_owned),
                bytes: u64::try_from(stat.st_size).unwrap_or(0),
                held: Vec::new(),
                is_segment: false,
                fault: keep.is_none().then(|| "the facts of its policy are missing or damaged".to_owned()),
            });
        }
    }
    let moving = std::mem::take(&mut listing.kept);
    for label in sorted(&root.place).map_err(failed)? {
        if is_ours(&label) {
            continue;
        }
        let of = parse_label(&label);
        let place = of.and_then(|_| root.place.room_if_there(&label).unwrap_or(None));
        let (Some(of), Some(place)) = (of, place) else {
            listing.strange.push(label);
            continue;
        };
        for day in sorted(&place).map_err(failed)? {
            let date = Date::parse(day.as_bytes());
            let room = if date.is_some() { place.room_if_there(&day).unwrap_or(None) } else { None };
            let (Some(date), Some(room)) = (date, room) else {
                listing.strange.push(format!("{label}/{day}"));
                continue;
            };
            segments(&room, of, date, &mut listing).map_err(failed)?;
        }
    }
    listing.kept.extend(moving);
    Ok(listing)
}

fn segments(room: &Place, (tenant, class): (&str, &str), day: Date, listing: &mut Listing) -> io::Result<()> {
    let label = &label(tenant, class);
    // What the lines of a number are sealed with; one that has two has one of somebody else's.
    let mut numbers: BTreeMap<u64, Vec<Option<String>>> = BTreeMap::new();
    for name in sorted(room)? {
        let manifest = name.strip_suffix(".json").and_then(name::parse_number);
        match (manifest, name::parse_packed(&name)) {
            (Some(number), _) => drop(numbers.entry(number).or_default()),
            (None, Some((number, key))) => numbers.entry(number).or_default().push(key.map(str::to_owned)),
            (None, None) if file::is_new(&name) => listing.begun.push(format!("{label}/{day}/{name}")),
            (None, None) => listing.strange.push(format!("{label}/{day}/{name}")),
        }
    }
    for (number, mut keys) in numbers {
        let (manifest, fault) = match Manifest::read(room, number) {
            Ok(Some((manifest, _))) if manifest.label() == *label && manifest.day() == Some(day) => {
                (Some(manifest), None)
            }
            Ok(Some(_)) => (None, Some("its manifest is that of another segment".to_owned())),
            Ok(None) => (None, Some("it has no manifest".to_owned())),
            Err(error) => (None, Some(format!("its manifest cannot be read: {error}"))),
        };
        let own = keys.iter().position(|key| manifest.as_ref().is_some_and(|manifest| manifest.key == *key));
        let found = own.or((manifest.is_none() && !keys.is_empty()).then_some(0)).map(|at| keys.remove(at));
        let key = found.unwrap_or_else(|| manifest.as_ref().and_then(|manifest| manifest.key.clone()));
        let other = |key: Option<String>| format!("{label}/{day}/{}", packed(number, key.as_deref()));
        listing.strange.extend(keys.into_iter().map(other));
        let size = |name: &str| room.stat(name).map(|stat| stat.map_or(0, |stat| stat.st_size.max(0) as u64));
        let bytes = size(&packed(number, key.as_deref()))? + size(&format!("{}.json", name::number(number)))?;
        listing.kept.push(Kept {
            path: name::segment(label, day, number),
            number: Some(number),
            tenant: tenant.to_owned(),
            class: class.to_owned(),
            day,
            keep: manifest.as_ref().and_then(|manifest| manifest.keep.parse().ok()),
            until: manifest.as_ref().and_then(Manifest::until),
            policy: manifest.as_ref().map(|manifest| format!("{}/{}", manifest.policy.name, manifest.policy.version)),
            records: manifest.as_ref().map(|manifest| manifest.records),
            key,
            bytes,
            held: Vec::new(),
            is_segment: true,
            fault,
        });
    }
    Ok(())
}

/// The names in a directory, sorted, but for itself and the one above.
pub(super) fn sorted(place: &Place) -> io::Result<Vec<String>> {
    let mut names = names_in(place)?;
    names.retain(|name| name != "." && name != "..");
    names.sort();
    Ok(names)
}

/// Files and directories of a store that are no class.
fn is_ours(name: &str) -> bool {
    let name = name.strip_prefix('.').and_then(|name| name.strip_suffix(".new")).unwrap_or(name);
    matches!(
        name,
        super::MARK
            | super::LOCK
            | OPEN
            | CLOSING
            | super::POLICIES
            | super::key::KEYS
            | super::HEAD
            | super::HOLDS
            | super::SWEEP
            | super::ROOM
            | "audit.log"
            | "audit.head"
    )
}
