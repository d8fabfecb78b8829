//! Lines of JSON that are read by what stood between the values of earlier ones ([`json::Memory`]).

use super::{Desk, wrapped};
use crate::{
    encode::{Batch, Encoding, LineEnd},
    epoch::Epoch,
    format::{
        Format, Parse,
        json::{self, Json},
    },
    plan::{Plan, Route},
    record::{Blanks, Mark, Value, gap::Ends},
    tally::Tally,
    treatment,
};

/// One worker's memory for such lines.
#[derive(Debug, Default)]
pub(super) struct Recall {
    memory: json::Memory,
    ends: Ends,
    ahead: Ahead,
}

/// A line that was looked at before its turn.
#[derive(Debug, Default)]
struct Ahead {
    /// Where it stands in memory; 0: none was.
    at: usize,
    read: Option<Read>,
    values: Vec<Value>,
    marks: Vec<Mark>,
    gaps: Vec<u16>,
    blanks: Blanks,
}

/// A line that was so read.
#[derive(Clone, Copy, Debug)]
struct Read {
    length: usize,
    end: LineEnd,
    recalled: json::Recalled,
}

impl Read {
    /// How long it is with its end.
    fn whole(&self) -> usize {
        self.length + if self.end == LineEnd::CrLf { 2 } else { 1 }
    }
}

#[cfg(test)]
impl Recall {
    /// Remembers from the first line on.
    pub(super) fn hurry(&mut self) {
        self.memory.hurry();
    }
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
        let Some(read) = self.take_ahead(plan, route, json, lines) else { return Ok(None) };
        let Read { length, end, recalled } = read;
        let line = &lines[..length];
        if recalled.message
            && let Some((_, string)) = wrapped::line_in(route, line, &self.record)
            && plan.may_hold(route, string, &self.record)
        {
            return Ok(None);
        }
        let time = self.recent.time(plan, route, line, &self.record, self.reference).unwrap_or(self.reference);
        self.note_time();
        let schema = route.format.schema();
        let Some(class) = self.class(plan, route, line) else {
            self.nobodys(plan, line, end, batch, tally);
            return Ok(Some(read.whole()));
        };
        let written = self.begins(plan, class, time, tally)?;
        let run = self.run(class, time);
        if !written {
            plan.encoding.blank(run, end, batch);
            return Ok(Some(read.whole()));
        }
        let same = plan.encoding == Encoding::Same;
        let lays = same && recalled.spacing.is_even() && !recalled.withheld && self.counts.is_none();
        self.begin_count();
        let Desk { record, aid, scratch, tagger, recall, counts, .. } = &mut *self;
        let tag = plan.tagged.then(|| tagger.tag(class, time));
        let table = recall.memory.table();
        if lays && let Some(treated) = treatment::lay_object(&route.steps, table, schema, line, record, aid, scratch) {
            plan.encoding.encode(&treated, &route.members, run, tag, end, batch);
            if recalled.sample {
                self.sample(plan, route, line);
            }
        } else {
            if same {
                // What waits of the line behind was seen after this one.
                aid.detector.ends(lines, &mut recall.ends);
                if json.recall::<true>(&mut recall.memory, lines, length, &recall.ends, record).is_none() {
                    debug_assert!(false, "what is remembered has not changed");
                    return Ok(None);
                }
            }
            let treated = treatment::treat(&route.steps, schema, line, record, aid, scratch);
            if let Some(counts) = counts {
                counts.add(&route.counted, &treated, aid);
            }
            plan.encoding.encode(&treated, &route.members, run, tag, end, batch);
        }
        tally.late += u64::from(self.aid.keys.take_late());
        tally.minimised += 1;
        Ok(Some(read.whole()))
    }

    /// Tells the treatments of the time that was read last, so that they need not read it again.
    #[inline]
    fn note_time(&mut self) {
        if let Some((clock, bytes)) = self.recent.plain() {
            self.aid.instant.note(clock, bytes);
        }
    }

    /// Looks at a line that was laid for what comes again byte for byte.
    #[cold]
    fn sample(&mut self, plan: &Plan, route: &Route, line: &[u8]) {
        let Desk { record, aid, scratch, recall, .. } = self;
        let settled =
            |field: u16, value: &[u8]| treatment::settled(&route.steps[usize::from(field)], value, aid, scratch);
        let noted = |field: u16| plan.asks(route, field);
        let known = recall.memory.table().runs().len();
        if recall.memory.sample(line, record, settled, noted) {
            recall.ahead.at = 0;
        }
        for number in known..recall.memory.table().runs().len() {
            treatment::foresee(recall.memory.table_mut(), number as u16, &mut self.aid, &mut self.scratch);
        }
    }

    /// Reads the first of `lines`, if it was not read before its turn, and the one behind it ahead, so that what is remembered
    /// of its values is at hand when its turn comes.
    #[inline]
    fn take_ahead(&mut self, plan: &Plan, route: &Route, json: &Json, lines: &[u8]) -> Option<Read> {
        let read = if self.recall.ahead.at == lines.as_ptr() as usize {
            self.swap_ahead();
            self.recall.ahead.read
        } else {
            self.look(plan, route, json, lines)
        }?;
        let next = &lines[read.whole()..];
        self.swap_ahead();
        let ahead = self.look(plan, route, json, next);
        self.swap_ahead();
        (self.recall.ahead.at, self.recall.ahead.read) = (next.as_ptr() as usize, ahead);
        Some(read)
    }

    /// Reads the first of `lines`, if that can be done so, and says which of its values will be asked for.
    #[inline]
    fn look(&mut self, plan: &Plan, route: &Route, json: &Json, lines: &[u8]) -> Option<Read> {
        let Desk { record, aid, recall: Recall { memory, ends, .. }, .. } = self;
        if lines.first() != Some(&b'{') || memory.table().is_empty() || !aid.detector.ends(lines, ends) {
            return None;
        }
        let (length, end) = match lines[..ends.length] {
            [.., b'\r'] => (ends.length - 1, LineEnd::CrLf),
            _ => (ends.length, LineEnd::Lf),
        };
        let recalled = match plan.encoding {
            Encoding::Same => json.recall::<false>(memory, lines, length, ends, record),
            Encoding::Json => json.recall::<true>(memory, lines, length, ends, record),
        }?;
        treatment::announce_any(&route.early, &lines[..length], &record.values, aid);
        Some(Read { length, end, recalled })
    }

    fn swap_ahead(&mut self) {
        let Desk { record, recall: Recall { ahead, .. }, .. } = self;
        std::mem::swap(&mut record.values, &mut ahead.values);
        std::mem::swap(&mut record.marks, &mut ahead.marks);
        std::mem::swap(&mut record.gaps, &mut ahead.gaps);
        std::mem::swap(&mut record.blanks, &mut ahead.blanks);
        record.layout = 0;
    }

    /// Forgets what was read ahead: the lines that come may be others.
    #[inline]
    pub(super) fn look_anew(&mut self) {
        self.recall.ahead.at = 0;
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
            let stands =
                |field: u16, value: &[u8]| treatment::stands(&route.steps[usize::from(field)], value, aid, scratch);
            recall.ahead.at = 0;
            json.learn(&mut recall.memory, line, record, stands);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{Engine, Policy, Progress, epoch::Epoch, record::gap::RUN, treatment::pseudonym::Secret};
    use proptest::prelude::*;
    use std::sync::{Arc, LazyLock};

    const POLICIES: [&str; 6] = [
        "base = \"hosting\"\nname = \"a\"\nversion = 1\n",
        "base = \"strict\"\nname = \"b\"\nversion = 1\n",
        "base = \"minimal\"\nname = \"c\"\nversion = 1\n",
        "base = \"hosting\"\nname = \"d\"\nversion = 1\n[encode]\nas = \"json\"\n",
        "base = \"hosting\"\nname = \"e\"\nversion = 1\n[encode]\ntag = \"none\"\n[fields]\n\"url.path\" = { treatment = \"drop\" }\n\
         \"http.request.method\" = { treatment = \"drop\" }\n\"http.response.status_code\" = { treatment = \"scrub\" }\n\
         \"client.address\" = { treatment = \"pseudonym\" }\n\"*\" = { treatment = \"scrub\" }\n",
        "base = \"hosting\"\nname = \"f\"\nversion = 1\n[source]\nformat = \"json\"\n[fields]\n\"url.query\" = { treatment = \"drop\" }\n\
         \"network.protocol.version\" = { treatment = \"drop\" }\n\"user_agent.original\" = { treatment = \"pseudonym\" }\n\
         \"http.response.size\" = { treatment = \"coarsen\", step = 100 }\n[[retention]]\nclass = \"odd\"\nkeep = \"1 month\"\n\
         purpose = \"security\"\nbasis = \"consent\"\nwhen = { \"http.response.status_code\" = [\"4xx\"] }\n[[retention]]\n\
         class = \"even\"\nkeep = \"2 months\"\npurpose = \"security\"\nbasis = \"consent\"\n",
    ];

    static PLANS: LazyLock<Vec<Arc<Plan>>> = LazyLock::new(|| {
        let policy = |text: &str| Policy::parse(text, "test").0.unwrap();
        POLICIES.iter().map(|text| Arc::new(Plan::compile(&policy(text)).unwrap())).collect()
    });

    /// What an engine makes of lines, each of them forgotten by the next if `forgetful`, and how many it read by others; of how
    /// many runs the last of them was.
    fn made(plan: &Arc<Plan>, log: &[Vec<u8>], forgetful: bool) -> (Vec<u8>, Tally, [usize; 2]) {
        let mut engine = Engine::new(plan.clone());
        engine.desk.recall.memory.hurry();
        let (mut batch, mut sum, mut recalled) = (Batch::default(), Tally::default(), 0);
        let admit = |engine: &mut Engine, epoch: Epoch| {
            engine.admit(epoch, (epoch.0 % 3 != 0).then(|| Secret::new([epoch.0 as u8; 32])));
        };
        for line in log {
            let line = [&line[..], b"\n"].concat();
            let mut at = 0;
            loop {
                let gaps = engine.desk.record.gaps.len();
                let (tally, progress) = engine.run(&line[at..], &mut batch);
                recalled += usize::from(engine.desk.record.gaps.len() != gaps || gaps > 0);
                sum += tally;
                match progress {
                    Progress::Done => break,
                    Progress::Paused { at: done, epoch } => {
                        at += done;
                        admit(&mut engine, epoch);
                    }
                }
            }
            if forgetful {
                engine.desk.recall = Recall::default();
            }
        }
        let runs = engine.desk.record.gaps.iter().filter(|&&gap| gap & RUN != 0).count();
        (batch.bytes().to_vec(), sum, [recalled, runs])
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_remembered_of_lines_changes_nothing_of_what_is_made_of_them(log in prop_oneof![json::log(), json::steady()]) {
            for plan in PLANS.iter() {
                let (known, tally, _) = made(plan, &log, false);
                let (plain, plain_tally, _) = made(plan, &log, true);
                prop_assert_eq!(String::from_utf8_lossy(&known), String::from_utf8_lossy(&plain));
                prop_assert_eq!(tally, plain_tally);
            }
        }
    }

    #[test]
    fn what_comes_again_byte_for_byte_is_read_as_one() {
        let line = |i: usize| {
            let head = r#"{"level":"info","logger":"http.log","request":{"remote_ip":"#;
            let headers =
                r#""headers":{"Accept":["*/*"],"Host":["www.example.com"]}},"bytes_read":0,"user_id":"","size":"#;
            format!("{head}\"192.0.2.{i}\",\"method\":\"GET\",{headers}{i}}}").into_bytes()
        };
        let (bytes, _, [_, runs]) = made(&PLANS[0], &(0..40).map(line).collect::<Vec<_>>(), false);
        // What stands in front of the address, and what stands between it and the size.
        assert_eq!(runs, 2);
        let head = r#"{"level":"info","logger":"http.log","request":{"remote_ip":"192.0.2.0","method":"GET""#;
        assert!(String::from_utf8(bytes).unwrap().lines().all(|line| line.starts_with(head)));
    }

    #[test]
    fn lines_that_repeat_are_read_by_the_first() {
        let line = br#"{"remote_addr":"192.0.2.1","status":200,"foo":"x"}"#.to_vec();
        // The third reads no JSON.
        for plan in [0, 1, 3, 4, 5].map(|at| &PLANS[at]) {
            let (bytes, tally, [recalled, _]) = made(plan, &vec![line.clone(); 10], false);
            assert!(recalled >= 9 && tally.minimised == 10, "{recalled}");
            assert!(bytes.split(|&byte| byte == b'\n').take(10).all(|one| bytes.starts_with(one)));
        }
    }
}
