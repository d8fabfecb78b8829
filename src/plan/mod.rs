//! Policy + formats → Plan: flat, immutable, compiled once.

mod explain;

pub use explain::{Coverage, Explanation};

use crate::{
    encode::Encoding,
    epoch::{Epoch, Period},
    error::{Error, Kind as ErrorKind},
    format::{self, Format},
    policy::{self, Layout, OnMalformed, Policy, TagForm, Treatment},
    record::{Clock, Field, Kind},
    retention::{self, ClassId, Conditions, Rules, Tagger},
    time::Zone,
    treatment::{
        Aid, Step,
        pseudonym::{Keys, Secret},
    },
};

/// Everything the engine needs. Made once, shared by all workers.
#[derive(Debug)]
pub struct Plan {
    /// Formats in the order they are tried, each with its steps.
    pub(crate) routes: Vec<Route>,
    /// Where a line goes that fits none; `None`: it is dropped.
    pub(crate) text: Option<Route>,
    /// Whether the policy names `text` as a format, so that such lines are minimised and not merely scrubbed.
    pub(crate) text_is_a_format: bool,
    /// How records are written.
    pub(crate) encoding: Encoding,
    /// Whether the tag is written.
    pub(crate) tagged: bool,
    /// The zone of layouts that have none.
    pub(crate) zone: Zone,
    /// The keys' period, where some field is pseudonymised.
    pub(crate) period: Option<Period>,
    labels: Vec<Box<str>>,
    classes: Vec<retention::Class>,
    policy: (Box<str>, u32),
}

/// One format with what happens to its fields.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) format: Format,
    /// One a field of the schema.
    pub(crate) steps: Box<[Step]>,
    pub(crate) rules: Rules,
    /// Fields that can date the record, in order. Unused where fields stand in any order.
    pub(crate) clocks: Vec<(u16, Clock)>,
    /// Whether a record's values stand in any order (JSON).
    pub(crate) dynamic: bool,
    treatments: Vec<Treatment>,
}
