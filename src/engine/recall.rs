//! Lines of JSON that are read by what stood between the values of earlier ones ([`json::Memory`]).

use super::{Desk, wrapped};
use crate::{
    encode::{Batch, Encoding, LineEnd},
    epoch::Epoch,
    format::{Format, Parse, json},
    plan::{Plan, Route},
    record::gap::Ends,
    tally::Tally,
    treatment,
};

/// One worker's memory for such lines.
#[derive(Debug, Default)]
pub(super) struct Recall {
    memory: json::Memory,
    ends: Ends,
}

impl Desk {
    /// The first of `lines`, if it can be read so: its length with its line feed. An epoch without a secret comes back before
    /// anything is written. Nothing else is done where it cannot.
    #[inline(never)]
    pub(super) fn recalled(
        &mut self,
        plan: &Plan,
        route: &Route,
        lines: &[u8],
        batch: &mut Batch,
        tally: &mut Tally,
    ) -> Result<Option<usize>, Epoch> {
        let Format::Json(json) = &route.format else { return Ok(None) };
        let Recall { memory, ends } = &mut self.recall;
        if memory.table().is_empty() || !self.aid.detector.ends(lines, ends) {
            return Ok(None);
        }
        let line = &lines[..ends.length];
        let (line, end) = match line.strip_suffix(b"\r") {
            Some(line) => (line, LineEnd::CrLf),
            None => (line, LineEnd::Lf),
        };
        let same = plan.encoding == Encoding::Same;
        let record = &mut self.record;
        let recalled = match same {
            true => json.recall::<false>(memory, lines, line.len(), ends, record),
            false => json.recall::<true>(memory, lines, line.len(), ends, record),
        };
        let Some(recalled) = recalled else { return Ok(None) };
        if recalled.message
            && let Some((_, string)) = wrapped::line_in(route, line, record)
            && plan.may_hold(route, string, record)
        {
            return Ok(None);
        }
        let time = self.recent.time(plan, route, line, &self.record, self.reference).unwrap_or(self.reference);
        let class = route.rules.classify(route.format.schema(), line, &self.record);
        if !self.begins(plan, class, time, tally)? {
            plan.encoding.blank(class, end, batch);
            return Ok(Some(ends_at(line, end)));
        }
        let Desk { record, aid, scratch, tagger, recall: Recall { memory, ends }, .. } = &mut *self;
        let schema = route.format.schema();
        let tag = plan.tagged.then(|| tagger.tag(class, time));
        let laid = same && recalled.spacing.is_even() && !recalled.withheld && {
            match treatment::lay_object(&route.steps, memory.table(), schema, line, record, aid, scratch) {
                Some(treated) => {
                    plan.encoding.encode(&treated, &route.members, class, tag, end, batch);
                    true
                }
                None => false,
            }
        };
        if !laid {
            if same {
                let again = json.recall::<true>(memory, lines, line.len(), ends, record);
                debug_assert!(again.is_some(), "what is remembered has not changed");
            }
            let treated = treatment::treat(&route.steps, schema, line, record, aid, scratch);
            plan.encoding.encode(&treated, &route.members, class, tag, end, batch);
        }
        tally.late += u64::from(self.aid.keys.take_late());
        tally.minimised += 1;
        Ok(Some(ends_at(line, end)))
    }

    /// Takes note of a line that was so read, with its end, as far as those behind it need it.
    #[inline]
    pub(super) fn note_recalled(&mut self, line: &[u8]) {
        let line = super::carry::without_return(line.strip_suffix(b"\n").unwrap_or(line));
        if self.carry.notes(line) {
            self.carry.line(line);
        }
    }

    /// Learns from a line that was read in full, whose values are in the record.
    #[inline]
    pub(super) fn learn(&mut self, plan: &Plan, route: &Route, line: &[u8]) {
        if plan.recalls
            && let Format::Json(json) = &route.format
            && std::ptr::eq(route, &plan.routes[0])
        {
            let Desk { record, aid, scratch, recall, .. } = self;
            let stands = |field: u16, value: &[u8]| {
                treatment::stands(&route.steps[usize::from(field)], value, aid, scratch)
            };
            json.learn(&mut recall.memory, line, record, stands);
        }
    }
}

/// How long a line is with its end.
fn ends_at(line: &[u8], end: LineEnd) -> usize {
    line.len() + if end == LineEnd::CrLf { 2 } else { 1 }
}
