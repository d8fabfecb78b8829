//! Under which figure the values of each field are counted: a table made once, so that counting is one addition.

use crate::{format::json, policy::names, record::Schema, treatment::Step};
use std::collections::{BTreeMap, BTreeSet};

/// What is counted together: values of one field under one treatment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Figure {
    /// The canonical name, or [`OTHER`].
    pub(crate) field: &'static str,
    /// As a policy calls it.
    pub(crate) treatment: &'static str,
}

/// Fields whose names stand in no table of ours: an administrator's, and members that no format knows.
const OTHER: &str = "other";

/// The figures of a plan. The first is that of what is not counted: keys of members.
#[derive(Debug)]
pub(crate) struct Figures(Vec<Figure>);

/// Figures while a plan is compiled: hundreds of fields are looked up, most of them again and again.
#[derive(Debug)]
pub(super) struct Draft {
    names: BTreeSet<&'static str>,
    places: BTreeMap<Figure, u16>,
    figures: Vec<Figure>,
}

impl Default for Draft {
    fn default() -> Draft {
        Draft {
            names: names::all().map(|(name, _)| name).collect(),
            places: BTreeMap::new(),
            figures: vec![Figure { field: "", treatment: "" }],
        }
    }
}

impl Draft {
    /// The figure of each field of a schema.
    pub(super) fn of(&mut self, schema: &Schema, steps: &[Step]) -> Box<[u16]> {
        schema.fields.iter().zip(steps).map(|(field, step)| self.place(&field.name, step)).collect()
    }

    fn place(&mut self, name: &str, step: &Step) -> u16 {
        if [json::KNOWN_KEY_NAME, json::UNKNOWN_KEY_NAME].contains(&name) {
            return 0;
        }
        let field = self.names.get(name).copied().unwrap_or(OTHER);
        let figure = Figure { field, treatment: step.name() };
        *self.places.entry(figure).or_insert_with(|| {
            self.figures.push(figure);
            // Names by treatments are a few hundred.
            (self.figures.len() - 1) as u16
        })
    }

    pub(super) fn done(&mut self) -> Figures {
        Figures(std::mem::take(&mut self.figures))
    }
}

impl Figures {
    /// How many there are, with that of what is not counted.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Those that are shown, each with its place.
    pub(crate) fn each(&self) -> impl Iterator<Item = (usize, Figure)> {
        self.0.iter().copied().enumerate().skip(1)
    }
}
