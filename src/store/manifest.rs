//! A manifest: what a segment holds, under which policy it was made and when it must be gone; and the chain of all.

use super::{HEAD, Root, facts::MOST_BYTES, facts::TreatmentFacts, file, name};
use crate::{error::Error, retention::label, state::place::Place, time::Date};
use serde::{Deserialize, Serialize};
use std::io;

/// What is said of a segment. Its file is JSON; digests are BLAKE3, 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// `segment 1`
    pub sladd: String,
    /// Which of the store's, counted from 1.
    pub number: u64,
    /// Whose its records are; none: those of whoever runs sladd.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The class of its records.
    pub class: String,
    /// The first day of its records, `YYYY-MM-DD`.
    pub first_day: String,
    /// The last; a segment is of one day.
    pub last_day: String,
    /// The day on which its oldest record must be gone; none where nobody has said yet.
    pub until: Option<String>,
    /// The class's duration, purpose and ground.
    pub keep: String,
    /// What for.
    pub purpose: String,
    /// On what ground.
    pub basis: String,
    /// The policy's name, version and digest.
    pub policy: PolicyName,
    /// What happened to each field.
    pub treatments: Vec<TreatmentFacts>,
    /// The epochs of keys that records of the day fall under: `2026-11-21`.
    pub key_epochs: Vec<String>,
    /// Lines.
    pub records: u64,
    /// Bytes of the lines.
    pub bytes: u64,
    /// Of the lines; where they are sealed under a key that is derived from theirs.
    pub blake3: String,
    /// What the key is called that the lines are sealed with; none: they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Bytes of the packed file.
    pub packed_bytes: u64,
    /// Of the packed file.
    pub packed_blake3: String,
    /// The manifest before it in the same store.
    pub before: Before,
}

/// Which policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyName {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Its digest.
    pub blake3: String,
}

/// A manifest in the chain; number 0 and zeros where there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Before {
    /// Its segment's number.
    pub number: u64,
    /// Of its file.
    pub blake3: String,
}

impl Default for Before {
    fn default() -> Before {
        Before { number: 0, blake3: "0".repeat(64) }
    }
}

impl Manifest {
    /// As it is written.
    pub(super) fn text(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).expect("texts and numbers");
        text.push(b'\n');
        text
    }

    /// Of a segment, with its file's digest; `None` where there is none, an error where it is none of ours.
    pub(super) fn read(place: &Place, number: u64) -> io::Result<Option<(Manifest, String)>> {
        let Some(text) = file::read(place, &format!("{}.json", name::number(number)), MOST_BYTES)? else {
            return Ok(None);
        };
        let manifest: Option<Manifest> = serde_json::from_slice(&text).ok();
        let is_key = |manifest: &Manifest| manifest.key.as_deref().is_none_or(name::is_digits);
        let known = |manifest: &Manifest| manifest.sladd == KIND && manifest.number == number && is_key(manifest);
        match manifest.filter(known) {
            Some(manifest) => Ok(Some((manifest, file::digest(&text)))),
            None => Err(io::Error::new(io::ErrorKind::InvalidData, "it is not as sladd wrote it")),
        }
    }

    /// Whose, and of which class: [`crate::retention::label`].
    pub(super) fn label(&self) -> String {
        label(self.tenant.as_deref().unwrap_or_default(), &self.class)
    }

    /// What its lines are called.
    pub(super) fn packed(&self) -> String {
        name::packed(self.number, self.key.as_deref())
    }

    /// The day of its records.
    pub(super) fn day(&self) -> Option<Date> {
        Date::parse(self.first_day.as_bytes())
    }

    /// The day on which they must be gone.
    pub(super) fn until(&self) -> Option<Date> {
        self.until.as_ref().and_then(|day| Date::parse(day.as_bytes()))
    }
}

/// Where the chain of manifests ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    /// The first number that no file ever had.
    pub next: u64,
    /// The last manifest.
    pub last: Before,
}

impl Default for Head {
    fn default() -> Head {
        Head { next: 1, last: Before::default() }
    }
}

impl Head {
    pub(super) fn read(root: &Root) -> Result<Head, Error> {
        let broken =
            || io::Error::new(io::ErrorKind::InvalidData, "`head` is damaged; see what sladd store verify says");
        let text = file::read(&root.place, HEAD, 4096).map_err(|error| root.failed("read", &error))?;
        let head = text.map(|text| serde_json::from_slice(&text)).transpose();
        Ok(head.map_err(|_| root.failed("read", &broken()))?.unwrap_or_default())
    }

    pub(super) fn text(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec(self).expect("texts and numbers");
        text.push(b'\n');
        text
    }

    pub(super) fn write(&self, root: &Root) -> Result<(), Error> {
        file::write(&root.place, HEAD, &self.text()).map_err(|error| root.failed("write in", &error))
    }
}

pub(super) const KIND: &str = "segment 1";
