//! Under which figure the values of each field are counted: a table made once, so that counting is one addition.

use crate::{format::json, policy::names, record::Schema, treatment::Step};

/// What is counted together: values of one field under one treatment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

impl Default for Figures {
    fn default() -> Figures {
        Figures(vec![Figure { field: "", treatment: "" }])
    }
}

impl Figures {
    /// The figure of each field of a schema.
    pub(super) fn of(&mut self, schema: &Schema, steps: &[Step]) -> Box<[u16]> {
        schema.fields.iter().zip(steps).map(|(field, step)| self.place(&field.name, step)).collect()
    }

    fn place(&mut self, name: &str, step: &Step) -> u16 {
        if [json::KNOWN_KEY_NAME, json::UNKNOWN_KEY_NAME].contains(&name) {
            return 0;
        }
        let field = names::all().find(|(canonical, _)| *canonical == name).map_or(OTHER, |(canonical, _)| canonical);
        let figure = Figure { field, treatment: step.name() };
        let place = self.0.iter().position(|known| *known == figure).unwrap_or_else(|| {
            self.0.push(figure);
            self.0.len() - 1
        });
        // Names by treatments are a few hundred.
        place as u16
    }

    /// How many there are, with that of what is not counted.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Those that are shown, each with its place.
    pub(crate) fn each(&self) -> impl Iterator<Item = (usize, Figure)> {
        self.0.iter().copied().enumerate().skip(1)
    }
}
