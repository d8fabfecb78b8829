//! One input's engine, with what it needs of the lines before: for each source its own.
//!
//! Inputs that are read alike share one engine, for it remembers what it saw, and all memories together have to stay within the limit.

use crate::{
    encode::Batch,
    engine::{Carry, Counted, Due},
    error::Error,
    key::Keyring,
    plan::Plan,
    policy::{Policy, wiring},
    run::{
        Verdict, Work,
        worker::{Task, Worker, limit, say_alarm},
    },
    tally::Tally,
    time::Timestamp,
};
use std::{
    cell::{RefCell, RefMut},
    collections::HashMap,
    rc::Rc,
    sync::Arc,
};

/// One input's engine.
pub(super) struct Lane {
    worker: Shared,
    /// The first of those that share it counts what it treats and finds.
    is_first: bool,
    /// Whose its lines are, where the wiring says it.
    tenant: Option<Box<str>>,
    verdict: Verdict,
    /// What became of its lines.
    pub tally: Tally,
    /// What lanes before this one treated and found.
    counted: Counted,
    held: HashMap<u64, Held>,
}

/// The engines of some lanes, by the formats that they read.
#[derive(Default)]
pub(super) struct Engines(Vec<(Vec<Box<str>>, Shared)>);

/// An engine of several lanes, which one thread runs in turn.
type Shared = Rc<RefCell<Worker>>;

/// How many engines so many inputs need.
pub(super) fn engines(policy: &Policy) -> usize {
    let mut known: Vec<&[Box<str>]> = Vec::new();
    for input in &policy.wiring.inputs {
        let formats = formats(policy, input);
        if !known.contains(&formats) {
            known.push(formats);
        }
    }
    known.len()
}

fn formats<'a>(policy: &'a Policy, input: &'a wiring::Input) -> &'a [Box<str>] {
    if input.formats.is_empty() { &policy.source.formats } else { &input.formats }
}

/// What stood before the next line of a source.
#[derive(Clone, Default)]
struct Held {
    carry: Carry,
    /// From here on the lines matter that stood before it.
    context: u64,
    /// Where the last header stands.
    header: Option<(u64, u64)>,
}

/// The plan of an input: that of the policy, with the input's own formats where it has any.
pub(super) fn plan(policy: &Policy, input: &wiring::Input) -> Result<Plan, Error> {
    if input.formats.is_empty() {
        return Plan::compile(policy);
    }
    let mut policy = policy.clone();
    policy.read_as(input.formats.clone());
    Plan::compile(&policy)
}

/// More malformed lines than this, in percent, are a wrong format.
fn malformed_limit(policy: &Policy, input: &wiring::Input) -> Option<f64> {
    let any = formats(policy, input).iter().any(|format| matches!(&**format, "auto" | "text"));
    policy.source.malformed_limit.filter(|_| !any)
}

impl Lane {
    pub(super) fn new(
        policy: &Policy,
        input: &wiring::Input,
        keyring: Option<&Arc<Keyring>>,
        engines: &mut Engines,
    ) -> Result<Lane, Error> {
        let formats = formats(policy, input);
        let known = engines.0.iter().find(|(known, _)| known == formats).map(|(_, worker)| worker.clone());
        let is_first = known.is_none();
        let worker = match known {
            Some(worker) => worker,
            None => {
                let plan = plan(policy, input)?;
                let keyring = keyring.filter(|_| plan.period().is_some()).cloned();
                let task = Task {
                    plan: Arc::new(plan),
                    keyring,
                    reference: None,
                    due: Due::Unknown,
                    epoch: None,
                    alarm: say_alarm,
                };
                let worker = Rc::new(RefCell::new(Worker::new(&task)));
                engines.0.push((formats.to_vec(), worker.clone()));
                worker
            }
        };
        let verdict = limit(malformed_limit(policy, input));
        Ok(Lane {
            worker,
            is_first,
            tenant: input.tenant.clone(),
            verdict,
            tally: Tally::default(),
            counted: Counted::default(),
            held: HashMap::new(),
        })
    }

    /// Goes on with what another lane of the same input knows of its sources.
    pub(super) fn take_over(&mut self, before: &mut Lane) {
        self.held = std::mem::take(&mut before.held);
        self.tally = before.tally;
        self.counted = before.counted();
    }

    /// Drops secrets that were destroyed, also while no lines come.
    pub(super) fn tend(&mut self, now: Timestamp) {
        if self.is_first {
            self.worker().tend(now);
        }
    }

    /// Counts from now on what is treated and found.
    pub(super) fn watch(&mut self) {
        if self.is_first {
            self.worker().count();
        }
    }

    /// What was treated and found since somebody watches.
    pub(super) fn counted(&self) -> Counted {
        let mut sum = self.counted.clone();
        if self.is_first {
            sum.add(&self.worker().counted());
        }
        sum
    }

    /// Nobody else runs it in the meantime.
    fn worker(&self) -> RefMut<'_, Worker> {
        self.worker.borrow_mut()
    }

    /// Minimises whole lines of a source, `from` and `to` being their place in it.
    pub(super) fn run(
        &mut self,
        source: u64,
        (from, to): (u64, u64),
        lines: &[u8],
        reference: Timestamp,
        batch: &mut Batch,
    ) -> Result<Tally, Error> {
        let held = self.held.entry(source).or_default();
        let mut worker = self.worker.borrow_mut();
        worker.carry(&held.carry);
        worker.set_reference(reference);
        worker.set_tenant(self.tenant.as_deref());
        let tally = worker.run(lines, batch)?;
        held.note((from, to), lines);
        Ok(tally)
    }

    /// Writes what waits of a source of which nothing more comes, and forgets it.
    pub(super) fn close(&mut self, source: u64, reference: Timestamp, batch: &mut Batch) -> Result<Tally, Error> {
        let Some(held) = self.held.remove(&source) else { return Ok(Tally::default()) };
        let mut worker = self.worker();
        worker.carry(&held.carry);
        worker.set_reference(reference);
        worker.set_tenant(self.tenant.as_deref());
        worker.finish(batch)
    }

    /// Takes note of lines that were minimised before.
    pub(super) fn remember(&mut self, source: u64, place: (u64, u64), lines: &[u8]) {
        self.held.entry(source).or_default().note(place, lines);
    }

    /// What of a source matters to the lines that come next: from where, and its last header.
    pub(super) fn context(&self, source: u64, offset: u64) -> (u64, Option<(u64, u64)>) {
        self.held.get(&source).map_or((offset, None), |held| (held.context.min(offset), held.header))
    }

    /// Counts what became of lines.
    ///
    /// # Errors
    /// Too many fit no format: the run has to end.
    pub(super) fn count(&mut self, tally: Tally) -> Result<(), Error> {
        self.tally += tally;
        (self.verdict)(&self.tally)
    }
}

impl Held {
    fn note(&mut self, (from, to): (u64, u64), lines: &[u8]) {
        let was_open = self.carry.is_open();
        let before = self.carry.clone();
        self.carry.lines(lines);
        if self.carry.has_other_header(&before) {
            self.header = Some((from, to));
        }
        self.context = match (self.carry.is_open(), was_open) {
            (false, _) => to,
            (true, true) => self.context,
            (true, false) => from,
        };
    }
}
