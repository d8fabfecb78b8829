//! What a store has to know of a policy: it stands beside the records that were made under it.

use super::{POLICIES, Root, file, name, past::Past};
use crate::{
    audit::{Deed, Entry},
    error::{Error, Kind},
    output::fresh::discard,
    retention::{Life, parse_label},
    state::files::names_in,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// A policy in its own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// BLAKE3 of its text and of what it is based on, 64 hexadecimal digits.
    pub digest: String,
    /// Its classes, in the order of their numbers.
    pub classes: Vec<ClassFacts>,
    /// Tenants that have classes of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<TenantFacts>,
    /// What happens to each field; `*` is all others, and what stands in brackets is what the policy says beside fields.
    pub treatments: Vec<TreatmentFacts>,
    /// How long one key is used, where any is: `1 day`.
    pub epoch: Option<String>,
}

/// A tenant's classes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantFacts {
    /// Its name.
    pub name: String,
    /// In the order of their numbers.
    pub classes: Vec<ClassFacts>,
}

/// A class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassFacts {
    /// Its name.
    pub name: String,
    /// How long it is kept: `6 months`.
    pub keep: String,
    /// What for.
    pub purpose: String,
    /// On what ground.
    pub basis: String,
}

/// What happens to a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreatmentFacts {
    /// Its canonical name, `*`, or a table of the policy in brackets.
    pub field: String,
    /// The treatment and what it is told: `truncate v4=24 v6=48`.
    pub treatment: String,
    /// For how long equal values stay equal.
    pub stability: Stability,
}

/// For how long equal values come out equal: the stability class of RFC 6235, section 7.2.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stability {
    /// As long as one key is used (a "session" there).
    Session,
    /// For ever: no key is part of it.
    Stable,
    /// Nothing comes out that could be compared.
    Undefined,
}

impl Facts {
    /// Keeps them in the store, durably. Nothing where they are kept already.
    ///
    /// # Errors
    /// [`Kind::Io`], [`Kind::Permission`]; [`Kind::Data`] where something else stands under their digest.
    pub(super) fn keep(&self, root: &Root, now: Timestamp) -> Result<(), Error> {
        let _lock = root.lock()?;
        let place = root.room(POLICIES)?;
        let name = format!("{}.json", self.policy());
        let mut text = serde_json::to_vec_pretty(self).map_err(|error| root.failed("write in", &error.into()))?;
        text.push(b'\n');
        let known = Past::of_policies(root)?.policies;
        // What the log does not speak of was about to be kept when a run was killed, and nothing was made under it.
        for left in names_in(&place).map_err(|error| root.failed("read", &error))? {
            let is_known = left.strip_suffix(".json").is_some_and(|policy| known.contains_key(policy));
            if !is_known && left != "." && left != ".." {
                discard(&place, &left).map_err(|error| root.failed("write in", &error))?;
            }
        }
        match file::read(&place, &name, MOST_BYTES).map_err(|error| root.failed("read", &error))? {
            Some(there) if there == text => return Ok(()),
            Some(_) => {
                let why = "says something else of this policy; see what sladd store verify says";
                return Err(Error::new(Kind::Data, format!("`{}` {why}", place.path().join(name).display())));
            }
            None => {}
        }
        file::write(&place, &name, &text).map_err(|error| root.failed("write in", &error))?;
        let digest = file::digest(&text);
        let version = format!("{}/{}", self.name, self.version);
        let details = [("blake3", digest.as_str()), ("policy", version.as_str())];
        root.audit()?.append(now, &Entry { deed: Deed::PolicyKept, subject: self.policy(), details: &details })
    }

    /// Those that are kept under the short form of a digest.
    pub(super) fn read(root: &Root, policy: &str) -> Result<Facts, Error> {
        let broken = |why: &str| {
            let path = root.path().join(POLICIES).join(format!("{policy}.json"));
            Error::new(Kind::Data, format!("`{}` {why}; see what sladd store verify says", path.display()))
        };
        let Some(place) = root.place.room_if_there(POLICIES)? else { return Err(broken("is missing")) };
        let text = file::read(&place, &format!("{policy}.json"), MOST_BYTES);
        let text = text.map_err(|error| root.failed("read", &error))?.ok_or_else(|| broken("is missing"))?;
        let facts: Facts = serde_json::from_slice(&text).map_err(|_| broken("is damaged"))?;
        if facts.policy() != policy {
            return Err(broken("is damaged"));
        }
        Ok(facts)
    }

    /// All that are kept; what cannot be read is left out.
    pub(super) fn all(root: &Root) -> Result<Vec<Facts>, Error> {
        let Some(place) = root.place.room_if_there(POLICIES)? else { return Ok(Vec::new()) };
        let names = names_in(&place).map_err(|error| root.failed("read", &error))?;
        let names = names.iter().filter_map(|name| name.strip_suffix(".json"));
        Ok(names.filter_map(|name| Facts::read(root, name).ok()).collect())
    }

    /// The short form of its digest.
    pub(super) fn policy(&self) -> &str {
        name::policy(&self.digest)
    }

    /// What is said of the class with this [label](crate::retention::label): by its tenant where that has classes of its own.
    pub(super) fn class(&self, label: &str) -> Option<&ClassFacts> {
        let (tenant, name) = parse_label(label)?;
        let theirs = self.tenants.iter().find(|known| known.name == tenant);
        theirs.map_or(&self.classes, |known| &known.classes).iter().find(|class| class.name == name)
    }
}

impl ClassFacts {
    /// Its duration; `None` where it is none that can be reckoned with.
    pub(super) fn keep(&self) -> Option<Life> {
        self.keep.parse().ok()
    }
}

/// No policy of ours says more, for all the tenants that it can have.
pub(super) const MOST_BYTES: u64 = 16 << 20;
