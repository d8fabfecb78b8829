//! The time of a record, which is mostly that of the record before.

use crate::{
    format::Parse,
    plan::{Plan, Route},
    record::{Clock, Field, Record, State},
    time::{self, Timestamp},
};

/// The last time stamp read: lines come many to a second, and most repeat it byte for byte.
#[derive(Debug)]
pub(super) struct Recent {
    bytes: [u8; 40],
    len: usize,
    clock: Option<Clock>,
    time: Timestamp,
    /// What it was read by.
    reference: Timestamp,
}

impl Default for Recent {
    fn default() -> Recent {
        Recent { bytes: [0; 40], len: 0, clock: None, time: Timestamp(0), reference: Timestamp(0) }
    }
}

impl Recent {
    /// The record's time: that of the first of its instants that can be read.
    #[inline]
    pub(super) fn time(
        &mut self,
        plan: &Plan,
        route: &Route,
        line: &[u8],
        record: &Record,
        reference: Timestamp,
    ) -> Option<Timestamp> {
        if route.dynamic {
            return self.any_time(plan, &route.format.schema().fields, line, record, reference);
        }
        for &(field, clock) in &route.clocks {
            if let Some(value) = record.values.get(field as usize)
                && value.state == State::Present
                && let Some(time) = self.read(plan, clock, value.span.of(line), reference)
            {
                return Some(time);
            }
        }
        None
    }

    /// The time of a stamp as Apache and nginx write it.
    #[inline]
    pub(super) fn clf(&mut self, plan: &Plan, stamp: &[u8]) -> Option<Timestamp> {
        self.read(plan, Clock::Clf, stamp, Timestamp(0))
    }

    /// The same, wherever the values stand.
    pub(super) fn any_time(
        &mut self,
        plan: &Plan,
        fields: &[Field],
        line: &[u8],
        record: &Record,
        reference: Timestamp,
    ) -> Option<Timestamp> {
        let values = record.values.iter().filter(|value| value.state == State::Present);
        values
            .filter_map(|value| Some((fields[value.field as usize].clock?, value.span.of(line))))
            .find_map(|(clock, bytes)| self.read(plan, clock, bytes, reference))
    }

    /// The last stamp that was read, if it is one with a fraction whose time hangs on no zone but its own.
    #[inline]
    pub(super) fn plain(&self) -> Option<(Clock, &[u8])> {
        let bytes = &self.bytes[..self.len];
        let plain = match bytes {
            [.., b'Z'] => bytes.get(19) == Some(&b'.'),
            // What can be read and has ten digits before a point is a number.
            _ => bytes.get(10) == Some(&b'.') && bytes[..10].iter().fold(true, |all, byte| all & byte.is_ascii_digit()),
        };
        self.clock.filter(|clock| plain && *clock != Clock::Rfc3164).map(|clock| (clock, bytes))
    }

    #[inline]
    fn read(&mut self, plan: &Plan, clock: Clock, bytes: &[u8], reference: Timestamp) -> Option<Timestamp> {
        // The bytes of a fixed width are compared without a call.
        let same = match (<&[u8; 26]>::try_from(bytes), self.bytes.first_chunk::<26>()) {
            (Ok(bytes), Some(last)) => self.len == 26 && bytes == last,
            _ => self.bytes[..self.len] == *bytes,
        };
        // The year of some hangs on the reference, which moves on.
        let dateless = clock == Clock::Rfc3164;
        if same && self.clock == Some(clock) && (!dateless || self.reference == reference) {
            return Some(self.time);
        }
        let time = match dateless {
            true => time::parse_rfc3164(bytes, reference, &plan.zone)?,
            false => time::parse(clock, bytes, &plan.zone)?,
        };
        if bytes.len() <= self.bytes.len() {
            self.bytes[..bytes.len()].copy_from_slice(bytes);
            self.len = bytes.len();
            self.clock = Some(clock);
            self.time = time;
            self.reference = reference;
        }
        Some(time)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Policy;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static PLANS: LazyLock<[Plan; 3]> = LazyLock::new(|| {
        ["America/New_York", "Asia/Tokyo", "UTC"].map(|zone| {
            let text = format!("base = \"hosting\"\nname = \"a\"\nversion = 1\n[source]\nzone = \"{zone}\"\n");
            Plan::compile(&Policy::parse(&text, "test").0.unwrap()).unwrap()
        })
    });

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_plain_is_a_time_in_every_zone(
            stamp in "[0-9]{9,11}[.,]?[0-9]{0,9}Z?|(1969-12-31|1970-01-01|20[0-9]{2}-1[01]-2[0-9])[T ][0-2][0-9]:30:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]01:00)?|31/12/1969[ T][0-2]3:30:0[0-9]\\.[0-9]{1,3}Z?",
        ) {
            for plan in PLANS.iter() {
                let mut recent = Recent::default();
                recent.read(plan, Clock::Any, stamp.as_bytes(), Timestamp(0));
                if let Some((clock, bytes)) = recent.plain() {
                    prop_assert_eq!(bytes, stamp.as_bytes());
                    prop_assert!(time::is_time(clock, bytes));
                }
            }
        }
    }
}
