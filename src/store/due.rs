//! When records must be gone, and which of them are kept together.

use crate::{
    encode::Batch,
    retention::{ClassId, Life, Run},
    time::{Date, Day, Timestamp},
};
use std::collections::HashMap;

/// The classes of everybody's, by their [labels](crate::retention::label), and how long each is kept, by their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    classes: Vec<(Box<str>, Life)>,
    /// Their numbers, by their labels.
    numbers: HashMap<Box<str>, u16>,
}

impl Terms {
    /// Of classes in the order of their numbers.
    pub fn new(classes: impl IntoIterator<Item = (impl Into<Box<str>>, Life)>) -> Terms {
        let classes: Vec<(Box<str>, Life)> = classes.into_iter().map(|(label, keep)| (label.into(), keep)).collect();
        let numbers = classes.iter().zip(0..).map(|((label, _), number)| (label.clone(), number)).collect();
        Terms { classes, numbers }
    }

    /// A class's label.
    pub(super) fn label(&self, run: Run) -> Option<&str> {
        self.classes.get(usize::from(run.class.0)).map(|(label, _)| &**label)
    }

    /// The number of the class with this label.
    pub(super) fn number(&self, label: &str) -> Option<ClassId> {
        self.numbers.get(label).copied().map(ClassId)
    }

    /// How long the class with this label is kept, if there is such a one.
    pub(super) fn keep(&self, label: &str) -> Option<Life> {
        self.number(label).map(|ClassId(number)| self.classes[usize::from(number)].1)
    }

    /// What records that came at `reference` are kept with; `None` where they are due already.
    ///
    /// What claims to be of a day after tomorrow is kept as of the day it came: a clock that is wrong, or a sender that lies,
    /// makes no record live longer.
    pub fn place(&self, run: Run, reference: Timestamp) -> Option<Run> {
        let today = reference.day();
        let day = if run.day.0 > today.0.saturating_add(1) { today } else { run.day };
        let (_, keep) = self.classes.get(usize::from(run.class.0))?;
        let due = keep.until(day.date()).is_some_and(|until| reference >= until.start());
        (!due).then_some(Run { day, ..run })
    }
}

/// The same as it stands in a store: a batch divided into what is kept together, in the order of first appearance, and how
/// many records were left out because they are due already. The same batch divided again is divided alike.
pub fn divide(batch: &Batch, terms: &Terms, reference: Timestamp) -> (Vec<(Run, Batch)>, u64) {
    let mut places: HashMap<Run, usize> = HashMap::new();
    let mut runs: Vec<Run> = Vec::new();
    let mut left_out = 0;
    let mut memo: Option<(Run, Option<usize>)> = None;
    let mut found: Vec<Option<usize>> = Vec::new();
    for (run, records) in batch.runs() {
        let place = match memo {
            Some((known, place)) if known == run => place,
            _ => terms.place(run, reference).map(|kept| {
                *places.entry(kept).or_insert_with(|| {
                    runs.push(kept);
                    runs.len() - 1
                })
            }),
        };
        memo = Some((run, place));
        if place.is_none() {
            left_out += memchr::memchr_iter(b'\n', records).count() as u64;
        }
        found.push(place);
    }
    let mut batches = vec![Batch::default(); runs.len()];
    let mut found = found.into_iter();
    batch.divide(|_| found.next().flatten(), &mut batches);
    (runs.into_iter().zip(batches).collect(), left_out)
}

/// A run's day by the calendar.
pub(super) fn date(Day(day): Day) -> Date {
    Date::from_days(day.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_due_is_left_out_and_what_claims_the_future_is_of_today() {
        let terms = Terms::new([("a", "1 month".parse().unwrap()), ("b", "1 day".parse().unwrap())]);
        let now = Timestamp(1_795_255_200); // 2026-11-21
        let today = now.day().0;
        let placed =
            |class, day| terms.place(Run { class: ClassId(class), day: Day(day) }, now).map(|run| run.day.0 - today);
        for (class, day, want) in [
            (0, 0, Some(0)),
            (0, 1, Some(1)),
            (0, 2, Some(0)),
            (0, 3_000_000, Some(0)),
            (0, -30, Some(-30)),
            (0, -31, None),
            (1, 0, Some(0)),
            (1, -1, None),
            (2, 0, None),
        ] {
            assert_eq!(placed(class, today + day), want, "{class} {day}");
        }
        assert_eq!(placed(0, i32::MAX), Some(0));
        assert_eq!(placed(0, i32::MIN), None);
    }
}
