//! What was treated and what was found, counted where somebody asks.
//!
//! Whatever is read in a quicker way is counted as it would be in the plain one. So where somebody asks, records are not made in
//! those ways in which values are skipped: many lines at once, and objects laid from what is remembered of earlier ones.

use super::Engine;
use crate::treatment::{Aid, Found, Treated};

/// One worker's counts.
#[derive(Clone, Debug)]
pub(super) struct Counts {
    /// One a figure of the plan.
    treated: Box<[u64]>,
    found: Found,
}

impl Counts {
    /// Counts one record. What was found in it is what the aid has noted since [`Desk::begin_count`](super::Desk::begin_count).
    #[inline]
    pub(super) fn add(&mut self, counted: &[u16], treated: &Treated<'_>, aid: &mut Aid) {
        for field in treated.fields() {
            self.treated[usize::from(counted[usize::from(field)])] += 1;
        }
        self.found.add(&std::mem::take(&mut aid.found));
    }
}

impl super::Desk {
    /// A record is treated next: what was found before is none of its findings.
    #[inline]
    pub(super) fn begin_count(&mut self) {
        if self.counts.is_some() {
            self.aid.found = Found::default();
        }
    }
}

/// What was treated and found.
///
/// ```
/// use sladd::{Batch, Engine, Plan, Policy};
/// use std::sync::Arc;
/// let policy = Policy::builtin("minimal").expect("a built-in");
/// let mut engine = Engine::new(Arc::new(Plan::compile(&policy)?));
/// engine.count();
/// engine.run(b"from 203.0.113.77 to 203.0.113.78\n", &mut Batch::default());
/// let counted = engine.counted();
/// assert_eq!(counted.treated, [("message", "scrub", 1)]);
/// assert_eq!(counted.found, [("address", 2)]);
/// # Ok::<(), sladd::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// The canonical name of a field (`other` for all that have none), what it was treated by, and how often.
    pub treated: Vec<(&'static str, &'static str, u64)>,
    /// A kind of identifier, and how often it was found in free text.
    pub found: Vec<(&'static str, u64)>,
}

impl Counted {
    /// Adds what was counted elsewhere.
    pub fn add(&mut self, other: &Counted) {
        for more in &other.treated {
            match self.treated.iter_mut().find(|known| (known.0, known.1) == (more.0, more.1)) {
                Some(known) => known.2 += more.2,
                None => self.treated.push(*more),
            }
        }
        for more in &other.found {
            match self.found.iter_mut().find(|known| known.0 == more.0) {
                Some(known) => known.1 += more.1,
                None => self.found.push(*more),
            }
        }
    }
}

impl Engine {
    /// Counts from now on.
    pub fn count(&mut self) {
        let treated = vec![0; self.plan.figures.len()].into_boxed_slice();
        self.desk.counts = Some(Box::new(Counts { treated, found: Found::default() }));
        self.desk.look_anew();
    }

    /// What was counted, without what was never met. Of records that were written: none that was dropped for its age.
    pub fn counted(&self) -> Counted {
        let Some(counts) = &self.desk.counts else { return Counted::default() };
        let treated = self.plan.figures.each().map(|(at, figure)| (figure.field, figure.treatment, counts.treated[at]));
        Counted {
            treated: treated.filter(|(_, _, count)| *count > 0).collect(),
            found: counts.found.each().filter(|(_, count)| *count > 0).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        Batch, Plan, Policy, Progress, Tally, Timestamp, engine::Carry, epoch::Epoch, format::json,
        treatment::pseudonym::Secret,
    };
    use proptest::prelude::*;
    use std::sync::{Arc, LazyLock};

    static PLANS: LazyLock<Vec<Arc<Plan>>> = LazyLock::new(|| {
        let more = [
            "base = \"hosting\"\nname = \"a\"\nversion = 1\n",
            "base = \"minimal\"\nname = \"c\"\nversion = 1\n",
            "base = \"hosting\"\nname = \"d\"\nversion = 1\n[encode]\nas = \"json\"\n",
            "base = \"hosting\"\nname = \"e\"\nversion = 1\n[fields]\n\"*\" = { treatment = \"scrub\" }\n\
             \"client.address\" = { treatment = \"pseudonym\" }\n",
            "base = \"strict\"\nname = \"f\"\nversion = 1\n[source]\nformat = [\"json\", \"combined\"]\n[encode]\nas = \"json\"\n",
        ];
        let plan = |text: &str| Arc::new(Plan::compile(&Policy::parse(text, "test").0.unwrap()).unwrap());
        more.map(plan).into()
    });

    fn admit(engine: &mut Engine, epoch: Epoch) {
        engine.admit(epoch, (epoch.0 % 3 != 0).then(|| Secret::new([epoch.0 as u8; 32])));
    }

    fn run(engine: &mut Engine, lines: &[u8], batch: &mut Batch) -> Tally {
        let (mut sum, mut at) = (Tally::default(), 0);
        loop {
            let (tally, progress) = engine.run(&lines[at..], batch);
            sum += tally;
            match progress {
                Progress::Done => return sum,
                Progress::Paused { at: done, epoch } => {
                    at += done;
                    admit(engine, epoch);
                }
            }
        }
    }

    fn engine(plan: &Arc<Plan>) -> Engine {
        let mut engine = Engine::new(plan.clone());
        engine.set_reference(Timestamp(1_795_262_400));
        engine
    }

    /// All lines by one engine that remembers what it can.
    fn quick(plan: &Arc<Plan>, lines: &[Vec<u8>], counts: bool) -> (Counted, Vec<u8>, Tally) {
        let mut engine = engine(plan);
        engine.desk.recall.hurry();
        if counts {
            engine.count();
        }
        let mut batch = Batch::default();
        let tally = run(&mut engine, &lines.concat(), &mut batch);
        (engine.counted(), batch.bytes().to_vec(), tally)
    }

    /// Each line by an engine that has seen no other, and reads none by sight.
    fn plain(plan: &Arc<Plan>, lines: &[Vec<u8>]) -> Counted {
        let (mut sum, mut carry) = (Counted::default(), Carry::default());
        for line in lines {
            let mut engine = engine(plan);
            engine.set_carry(&carry);
            engine.desk.unseen.0 = 65;
            engine.count();
            run(&mut engine, line, &mut Batch::default());
            sum.add(&engine.counted());
            carry.lines(line);
        }
        sum
    }

    fn sorted(mut counted: Counted) -> Counted {
        counted.treated.sort_unstable();
        counted.found.sort_unstable();
        counted
    }

    fn line() -> impl Strategy<Value = String> {
        let agent = prop_oneof![
            Just("curl/8.5.0"),
            Just("-"),
            Just("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
        ];
        let text = prop_oneof![
            Just("mail to kari@example.org from 203.0.113.7"),
            Just("nothing of note"),
            Just("card 4111 1111 1111 1111, call +47 912 34 567"),
            Just("kari@example.org \u{1b}[31m 198.51.100.7"),
            Just("Failed password for kari from 203.0.113.7 port 22 ssh2"),
        ];
        let access = (any::<u32>(), 0u32..4, "[a-z0-9/]{0,12}", agent).prop_map(|(ip, day, path, agent)| {
            let ip = std::net::Ipv4Addr::from(ip);
            format!("{ip} - - [{:02}/Nov/2026:10:00:00 +0000] \"GET /{path}?email=a@example.org HTTP/1.1\" 200 5 \"-\" \"{agent}\"", 20 + day)
        });
        prop_oneof![
            6 => access.clone(),
            3 => text.clone().prop_map(str::to_owned),
            2 => text.clone().prop_map(|text| format!("<38>Nov 21 10:00:00 host sshd[7]: {text}")),
            2 => access.prop_map(|line| format!("<134>Nov 21 10:00:00 host nginx: {line}")),
            2 => text.clone().prop_map(|text| format!("2026-11-21T10:00:00.123456789Z stdout F {text}")),
            1 => Just("2026-11-21T10:00:00.123456789Z stdout P mail to kari@exam".to_owned()),
            2 => text.prop_map(|text| format!("{{\"log\":{}\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-21T10:00:00Z\"}}", serde_json::to_string(text).unwrap().trim_end_matches('"'))),
            1 => Just("#Fields: date time c-ip cs-uri-stem".to_owned()),
            1 => Just("2026-11-21 10:00:00 203.0.113.9 /a".to_owned()),
            1 => Just(String::new()),
        ]
    }

    fn with_ends(lines: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> Vec<Vec<u8>> {
        lines.into_iter().map(|line| [line.into(), b"\n".to_vec()].concat()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_read_quickly_is_counted_as_what_is_read_plainly(
            lines in prop_oneof![
                prop::collection::vec(line(), 0..40).prop_map(with_ends),
                json::log().prop_map(with_ends),
                json::steady().prop_map(with_ends),
            ],
        ) {
            for plan in PLANS.iter() {
                let (counted, bytes, tally) = quick(plan, &lines, true);
                prop_assert_eq!(sorted(counted), sorted(plain(plan, &lines)));
                // Nobody sees in the output that somebody counts.
                let (nothing, same, as_many) = quick(plan, &lines, false);
                prop_assert_eq!((nothing, as_many), (Counted::default(), tally));
                prop_assert_eq!(String::from_utf8_lossy(&same), String::from_utf8_lossy(&bytes));
            }
        }
    }

    #[test]
    fn fields_are_counted_by_treatment_and_findings_by_kind() {
        let lines = with_ends([
            "203.0.113.7 - kari [21/Nov/2026:10:00:00 +0000] \"GET /a?b=c HTTP/1.1\" 200 5 \"-\" \"curl/8.5.0\"",
            "203.0.113.8 - - [21/Nov/2026:10:00:00 +0000] \"GET /a HTTP/1.1\" 200 5 \"-\" \"curl/8.5.0\"",
            "mail to ola@example.org, kari@example.org and 203.0.113.7",
        ]);
        let (counted, _, _) = quick(&PLANS[0], &lines, true);
        assert_eq!(counted.found, [("address", 1), ("email", 2)]);
        for (field, treatment, count) in [
            ("client.address", "truncate", 2),
            ("user.name", "pseudonym", 1),
            ("url.path", "path", 2),
            ("url.query", "query", 1),
            ("user_agent.original", "family", 2),
            ("http.response.status_code", "keep", 2),
            ("message", "scrub", 1),
        ] {
            let of = |row: &&(&str, &str, u64)| (row.0, row.1) == (field, treatment);
            assert_eq!(counted.treated.iter().find(of).map(|row| row.2), Some(count), "{field}");
        }
        assert!(
            counted.treated.iter().all(|row| row.0 != "http.request.header.referer"),
            "a dash says that there is none"
        );
    }
}
