//! Many lines at once, where the plan says that each is text of which nothing but the addresses is cut.

use super::Desk;
use crate::{encode::Batch, format::Parse, plan::Plan, retention, tally::Tally, treatment};

impl Desk {
    /// The lines that `lines` begins with, where all of them are text like the last one and nothing depends on what any of
    /// them says; how many bytes they are.
    #[inline]
    pub(super) fn stretch(&mut self, plan: &Plan, lines: &[u8], batch: &mut Batch, tally: &mut Tally) -> Option<usize> {
        let text = plan.text.as_ref().expect("what is bare has text");
        // Such lines have no time of their own.
        if !self.carry.is_idle() || self.settled != Some((plan.last_class(), self.reference)) {
            return None;
        }
        let run = self.leftover(plan);
        let Desk { carry, record, aid, scratch, .. } = self;
        let plain = |line: &[u8]| line.first() != Some(&0xEF) && !carry.notes(line) && retention::strip(line).is_none();
        let (schema, step) = (text.format.schema(), &text.steps[0]);
        let (treated, length, count) = treatment::treat_lines(step, schema, lines, plain, (record, aid), scratch)?;
        plan.encoding.encode_lines(&treated, run, batch);
        tally.lines += count;
        tally.minimised += count;
        Some(length)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::{Batch, Engine, Plan, Policy, Progress, Tally, Timestamp, engine::Due};
    use proptest::prelude::*;
    use std::sync::Arc;

    fn made(bare: bool, due: Due, pieces: &[&[u8]]) -> (Vec<u8>, Tally) {
        let mut plan = Plan::compile(&Policy::builtin("minimal").unwrap()).unwrap();
        assert!(plan.bare);
        plan.bare = bare;
        let mut engine = Engine::new(Arc::new(plan));
        engine.set_due(due);
        engine.set_reference(Timestamp(1_795_262_400));
        let (mut batch, mut sum) = (Batch::default(), Tally::default());
        for piece in pieces {
            let (tally, progress) = engine.run(piece, &mut batch);
            assert_eq!(progress, Progress::Done);
            sum += tally;
        }
        sum += engine.finish(&mut batch).0;
        assert_eq!(batch.runs().map(|(_, run)| run.len()).sum::<usize>(), batch.bytes().len());
        (batch.bytes().to_vec(), sum)
    }

    #[test]
    fn only_plans_that_add_nothing_and_cut_nothing_else_read_lines_together() {
        let bare = |more: &str| {
            let text = format!("base = \"minimal\"\nname = \"a\"\nversion = 1\n{more}");
            Plan::compile(&Policy::parse(&text, "test").0.unwrap()).unwrap().bare
        };
        assert!(bare(""));
        for more in [
            "[encode]\ntag = \"append\"\n",
            "[encode]\nas = \"json\"\n",
            "[source]\nformat = \"auto\"\n",
            "[source]\nformat = [\"combined\", \"text\"]\n",
            "[fields]\n\"*\" = { treatment = \"drop\" }\n",
            "[fields]\n\"message\" = { treatment = \"scrub\", kinds = [\"ip\", \"email\"], v4 = 24, v6 = 48 }\n",
            "[[detect]]\nname = \"order\"\npattern = \"O-[0-9]+\"\n",
        ] {
            assert!(!bare(more), "{more}");
        }
        let hosting = Plan::compile(&Policy::builtin("hosting").unwrap()).unwrap();
        assert!(!hosting.bare);
    }

    #[test]
    fn records_that_are_due_are_counted_and_left_out_all_the_same() {
        let lines: &[u8] = b"one 203.0.113.77\ntwo\nthree\n";
        for due in [Due::Count(Timestamp(i64::MAX / 2)), Due::Drop(Timestamp(i64::MAX / 2))] {
            assert_eq!(made(true, due, &[lines]), made(false, due, &[lines]));
            assert_eq!(made(true, due, &[lines]).1.due, 3);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn lines_treated_together_come_out_as_each_does_alone(
            lines in proptest::collection::vec(prop_oneof![
                4 => (any::<u32>(), "[ -~]{0,80}").prop_map(|(n, s)| format!("{} {s}", std::net::Ipv4Addr::from(n))),
                2 => any::<u128>().prop_map(|n| format!("[{}]:443 %32%30%33.0.113.7", std::net::Ipv6Addr::from(n))),
                1 => Just("2026-11-21T10:00:00.123456789Z stdout P part 203.0.".to_owned()),
                1 => Just("2026-11-21T10:00:00.123456789Z stdout F 113.77".to_owned()),
                1 => Just("#Fields: date c-ip".to_owned()),
                1 => Just("\u{feff}203.0.113.77".to_owned()),
                1 => Just("__CURSOR=s=1".to_owned()),
                1 => Just("x \"class=security_log until=2027-05-21 policy=hosting/1\"".to_owned()),
                1 => Just("203.0.113.77\r".to_owned()),
                1 => Just(String::new()),
            ], 0..60),
            cut in any::<bool>(),
            places in proptest::collection::vec(0.0..1.0f64, 0..4),
        ) {
            let mut text = lines.join("\n").into_bytes();
            if !cut {
                text.push(b'\n');
            }
            let (whole, sum) = made(false, Due::Unknown, &[&text]);
            prop_assert_eq!(made(true, Due::Unknown, &[&text]), (whole.clone(), sum));
            let mut ends: Vec<usize> = places.iter().map(|place| {
                let at = (place * text.len() as f64) as usize;
                text[at..].iter().position(|&byte| byte == b'\n').map_or(text.len(), |more| at + more + 1)
            }).collect();
            ends.push(text.len());
            ends.sort_unstable();
            let mut from = 0;
            let pieces: Vec<&[u8]> = ends.into_iter().map(|end| &text[std::mem::replace(&mut from, end)..end]).collect();
            prop_assert_eq!(made(true, Due::Unknown, &pieces).0, whole);
        }
    }
}
