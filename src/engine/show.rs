//! One line for people: value by value, as it stands and as it would leave.

use super::Engine;
use crate::{
    format::{Ending, Parse},
    record::{Span, State},
    retention, treatment,
};

/// One value of a line as `explain` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The field's canonical name.
    pub field: Box<str>,
    /// Where the original stands in the line; who holds the line can look, the engine does not hand it out.
    pub original: Span,
    /// What would leave; `None`: nothing.
    pub treated: Option<Vec<u8>>,
}

impl Engine {
    /// What would become of one line (without its end), value by value, with the name of the format that it fits.
    ///
    /// For people, not for the hot path: it allocates. Pseudonyms are made with whatever secrets were admitted; without
    /// one they show as withheld.
    pub fn show(&mut self, line: &[u8]) -> Option<(Box<str>, Vec<Shown>)> {
        let Engine { plan, desk } = self;
        desk.settled = None;
        let body = retention::strip(line).map_or(line, |at| &line[..at]);
        if let Some(shown) = desk.show_wrapped(plan, body) {
            return Some(shown);
        }
        let (body, route) = desk.read(plan, line, Ending::Whole);
        let route = match route {
            Some(route) => route,
            None => {
                desk.record.clear();
                desk.record.push(0, 0, body.len());
                plan.text.as_ref()?
            }
        };
        let schema = route.format.schema();
        let time = desk.recent.time(plan, route, body, &desk.record, desk.reference).unwrap_or(desk.reference);
        if let Some(period) = plan.period {
            let class = desk.class(plan, route, body).unwrap_or(plan.last_class());
            desk.aid.keys.select(desk.epoch_of(period, time), class.0);
        }
        let treated = treatment::treat(&route.steps, schema, body, &desk.record, &mut desk.aid, &mut desk.scratch);
        let values = desk.record.values.iter().enumerate().filter(|(_, value)| value.state != State::Absent);
        let shown = values.map(|(i, value)| Shown {
            field: schema.fields[value.field as usize].name.clone(),
            original: value.span,
            treated: treated.value(i).map(<[u8]>::to_vec),
        });
        Some((schema.name.clone(), shown.collect()))
    }
}
