//! What was found where records and keys are kept, as plain facts. Whoever may open files gathers it.

use crate::{
    epoch::Period,
    retention::Life,
    time::{Date, Timestamp},
};
use std::path::PathBuf;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What time it is.
    pub now: Timestamp,
    /// Each store that was looked at.
    pub stores: Vec<Stored>,
    /// The directory of the policy's keys; `None`: it names none, or there is none yet.
    pub keys: Option<Keyed>,
}

/// A store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// As the policy names it, where it does.
    pub path: PathBuf,
    /// What is wrong with its chains, segments and manifests.
    pub problems: Vec<String>,
    /// Up to when it was swept last, as its audit log tells: the earlier of when that was and what time it reckoned with. `None`:
    /// never.
    pub swept: Option<Timestamp>,
    /// What it keeps.
    pub files: Vec<Filed>,
}

/// A segment, or a file that is to be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filed {
    /// Its path in the store.
    pub path: String,
    /// Whose its records are; empty: those of whoever runs sladd.
    pub tenant: String,
    /// The day on which the relationship with that tenant ends, if it does.
    pub end: Option<Date>,
    /// Its class.
    pub class: String,
    /// The day of its records.
    pub day: Date,
    /// `name/version` of the policy that it was written under.
    pub policy: String,
    /// How long that policy said; `None`: nobody can tell.
    pub keep: Option<Life>,
    /// What newer versions of it that the store knows say of the class.
    pub newer: Vec<Life>,
    /// What for.
    pub purpose: String,
    /// On what ground.
    pub basis: String,
    /// The references of holds that cover it.
    pub held: Vec<String>,
    /// What happened to each field, as [`Policy::as_told`](crate::Policy::as_told) reads it.
    pub told: Vec<(String, String)>,
    /// How long one key was used.
    pub period: Option<Period>,
    /// Whether it lies under a key of its own.
    pub is_sealed: bool,
}

impl Filed {
    /// The day on which it must be gone by the shortest that was ever said of it; `None`: nobody has said yet.
    pub fn due(&self) -> Option<Date> {
        self.keep.iter().chain(&self.newer).filter_map(|life| life.until_with(self.day, self.end)).min()
    }
}

/// A directory of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// Where it is.
    pub path: PathBuf,
    /// What is wrong with its audit log, or why it could not be read.
    pub problems: Vec<String>,
    /// Keys that are there: the names of their epochs, and what their lives are reckoned from.
    pub live: Vec<(String, Timestamp)>,
    /// Epochs of which the destruction was begun and not finished.
    pub half: Vec<String>,
    /// How many were destroyed.
    pub destroyed: usize,
}
