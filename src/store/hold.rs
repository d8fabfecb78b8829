//! Holds: records that must stay although they are due, because somebody with authority asked for it.
//!
//! A hold does not end by itself on its expiry: what is deleted cannot be brought back, and who asked may still need it. From
//! that day on every sweep says so and ends with code 1, until it is released or added once more with a later day. It holds
//! from when it stands in `holds.json` or in the audit log, and until it stands in neither: a kill between the two, or a hand
//! on the file, lets nothing go.

use super::{HOLDS, Root, file, past::Past, survey::Kept};
use crate::{
    audit::{Deed, Entry},
    error::{Error, Kind},
    retention::{OWN, is_class_name, is_policy_name},
    time::{Date, Timestamp},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What a hold covers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Tenants, of which [`OWN`] may be one; empty: everybody.
    pub tenants: Vec<String>,
    /// Classes; empty: all.
    pub classes: Vec<String>,
    /// The first day of records; none: from the beginning.
    pub from: Option<Date>,
    /// The last day of records; none: without end.
    pub to: Option<Date>,
}

impl Scope {
    /// Whether what is kept somewhere belongs to it.
    pub(super) fn covers(&self, kept: &Kept) -> bool {
        let is_named = |names: &[String], name: &str| names.is_empty() || names.iter().any(|known| known == name);
        is_named(&self.tenants, if kept.tenant.is_empty() { OWN } else { &kept.tenant })
            && is_named(&self.classes, &kept.class)
            && self.from.is_none_or(|from| kept.day >= from)
            && self.to.is_none_or(|to| kept.day <= to)
    }
}

/// One hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// What it is called: the number of the case or the order. One store knows it once.
    pub reference: String,
    /// Who asked for it.
    pub authority: String,
    /// Tenants, with a comma between them; empty: everybody.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tenants: String,
    /// Classes, with a comma between them; empty: all.
    pub classes: String,
    /// `YYYY-MM-DD`, or empty.
    pub from: String,
    /// `YYYY-MM-DD`, or empty.
    pub to: String,
    /// When it has to be looked at again.
    pub expires: String,
    /// When it was added.
    pub added: String,
}

/// The holds of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holds {
    /// Sorted by their references.
    pub holds: Vec<Hold>,
}

impl Hold {
    /// A hold from its parts.
    ///
    /// # Errors
    /// [`Kind::Usage`] for an empty or overlong text, a name that is none of a class, or days in the wrong order.
    pub fn new(
        (reference, authority): (&str, &str),
        scope: &Scope,
        expires: Date,
        now: Timestamp,
    ) -> Result<Hold, Error> {
        let refuse = |why: String| Err(Error::new(Kind::Usage, why));
        for (what, text) in [("reference", reference), ("authority", authority)] {
            if text.trim().is_empty() || text.len() > LONGEST_BYTES || text.chars().any(char::is_control) {
                return refuse(format!("the {what} of a hold is a text of 1 to {LONGEST_BYTES} bytes on one line"));
            }
        }
        if let Some(class) = scope.classes.iter().find(|class| !is_class_name(class)) {
            let shown: String = class.chars().filter(|c| !c.is_control()).take(40).collect();
            return refuse(format!("`{shown}` is no name of a class"));
        }
        if let Some(tenant) = scope.tenants.iter().find(|tenant| !is_policy_name(tenant)) {
            let shown: String = tenant.chars().filter(|c| !c.is_control()).take(40).collect();
            return refuse(format!("`{shown}` is no name of a tenant"));
        }
        if scope.from.zip(scope.to).is_some_and(|(from, to)| from > to) {
            return refuse("the first day of a hold is after its last".to_owned());
        }
        if expires.start() <= now {
            return refuse(format!("a hold that expires on {expires} is over; write a day to come"));
        }
        let day = |day: Option<Date>| day.map_or_else(String::new, |day| day.to_string());
        Ok(Hold {
            reference: reference.to_owned(),
            authority: authority.to_owned(),
            tenants: scope.tenants.join(","),
            classes: scope.classes.join(","),
            from: day(scope.from),
            to: day(scope.to),
            expires: expires.to_string(),
            added: now.date().to_string(),
        })
    }

    /// Whether it covers records of a tenant (empty: of whoever runs sladd), a class and a day. A day that cannot be read
    /// limits nothing.
    pub fn covers(&self, tenant: &str, class: &str, day: Date) -> bool {
        let limit = |text: &str| Date::parse(text.as_bytes());
        let is_named = |names: &str, name: &str| names.is_empty() || names.split(',').any(|known| known == name);
        is_named(&self.tenants, if tenant.is_empty() { OWN } else { tenant })
            && is_named(&self.classes, class)
            && limit(&self.from).is_none_or(|from| day >= from)
            && limit(&self.to).is_none_or(|to| day <= to)
    }

    /// Whether it has to be looked at.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        Date::parse(self.expires.as_bytes()).is_none_or(|day| now >= day.start())
    }

    fn details(&self) -> Vec<(&'static str, &str)> {
        let tenants = (!self.tenants.is_empty()).then_some(("tenants", &self.tenants));
        let all = [
            ("added", &self.added),
            ("authority", &self.authority),
            ("classes", &self.classes),
            ("expires", &self.expires),
            ("from", &self.from),
            ("to", &self.to),
        ];
        // In the order of their names.
        let (before, behind) = all.split_at(5);
        before
            .iter()
            .copied()
            .chain(tenants)
            .chain(behind.iter().copied())
            .map(|(name, text)| (name, &**text))
            .collect()
    }

    pub(super) fn from_details(reference: &str, details: &Map<String, Value>) -> Option<Hold> {
        let text = |name: &str| details.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Hold {
            reference: reference.to_owned(),
            authority: text("authority")?,
            tenants: text("tenants").unwrap_or_default(),
            classes: text("classes")?,
            from: text("from")?,
            to: text("to")?,
            expires: text("expires")?,
            added: text("added")?,
        })
    }
}

impl Holds {
    /// As they stand in the file; `None` where there is none.
    pub(super) fn read(root: &Root) -> Result<Option<Holds>, Error> {
        let text = file::read(&root.place, HOLDS, MOST_BYTES).map_err(|error| root.failed("read", &error))?;
        let Some(text) = text else { return Ok(None) };
        serde_json::from_slice(&text).map(Some).map_err(|_| {
            let path = root.path().join(HOLDS);
            let why = "is damaged, so that nobody can say what must stay; see what sladd store verify says";
            Error::new(Kind::Data, format!("`{}` {why}", path.display()))
        })
    }

    pub(super) fn text(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).expect("texts");
        text.push(b'\n');
        text
    }

    fn write(&self, root: &Root) -> Result<(), Error> {
        file::write(&root.place, HOLDS, &self.text()).map_err(|error| root.failed("write in", &error))
    }

    fn of(holds: BTreeMap<String, Hold>) -> Holds {
        Holds { holds: holds.into_values().collect() }
    }

    /// Those that cover what is kept somewhere.
    pub(super) fn covering<'h>(&'h self, kept: &'h Kept) -> impl Iterator<Item = &'h Hold> {
        self.holds.iter().filter(|hold| hold.covers(&kept.tenant, &kept.class, kept.day))
    }
}

/// What holds in a store: what its file says and what its audit log says.
///
/// # Errors
/// [`Kind::Data`] where the file is damaged; [`Kind::Io`], [`Kind::Permission`]
pub fn holds(root: &Root) -> Result<Holds, Error> {
    holds_by(root, Past::of_holds(root)?)
}

/// The same where the audit log was read already.
pub(super) fn holds_by(root: &Root, past: Past) -> Result<Holds, Error> {
    let file = Holds::read(root)?.unwrap_or_default();
    let Past { holds: mut all, .. } = past;
    for hold in file.holds {
        all.insert(hold.reference.clone(), hold);
    }
    Ok(Holds::of(all))
}

/// Adds a hold, or puts one with another day or authority in the place of one with the same reference.
///
/// # Errors
/// As [`holds`]; [`Kind::Usage`] where one with this reference covers something else.
pub fn hold(root: &Root, hold: &Hold, now: Timestamp) -> Result<(), Error> {
    let _lock = root.lock()?;
    let mut all = holds(root)?;
    let scope = |hold: &Hold| (hold.tenants.clone(), hold.classes.clone(), hold.from.clone(), hold.to.clone());
    if all.holds.iter().any(|known| known.reference == hold.reference && scope(known) != scope(hold)) {
        let why = "a hold with this reference covers something else, which would be let go; release it first, or add another \
                   under a reference of its own";
        return Err(Error::new(Kind::Usage, why));
    }
    all.holds.retain(|known| known.reference != hold.reference);
    all.holds.push(hold.clone());
    all.holds.sort_by(|one, other| one.reference.cmp(&other.reference));
    // The file first: from here on it holds.
    all.write(root)?;
    root.audit()?.append(now, &Entry { deed: Deed::HoldAdded, subject: &hold.reference, details: &hold.details() })
}

/// Releases a hold. What it held and is due goes with the next sweep.
///
/// # Errors
/// As [`holds`]; [`Kind::NoInput`] where there is none with this reference.
pub fn release(root: &Root, reference: &str, now: Timestamp) -> Result<(), Error> {
    let _lock = root.lock()?;
    let mut all = holds(root)?;
    let Some(at) = all.holds.iter().position(|known| known.reference == reference) else {
        let why = "there is no hold with this reference; sladd store hold list names all";
        return Err(Error::new(Kind::NoInput, why));
    };
    let hold = all.holds.remove(at);
    let details = [("authority", hold.authority.as_str()), ("expires", &hold.expires)];
    // The log first: until both say so it holds.
    root.audit()?.append(now, &Entry { deed: Deed::HoldReleased, subject: reference, details: &details })?;
    all.write(root)
}

const LONGEST_BYTES: usize = 200;
const MOST_BYTES: u64 = 4 << 20;
