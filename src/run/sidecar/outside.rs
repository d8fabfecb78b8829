//! What the desk says of itself: kept until it is published, a few times a second.

use super::status::Server;
use super::{
    Loaded,
    board::{Board, CheckpointFigures, Label, MemoryFigures, PolicyFigures, Reload, Snapshot},
};
use crate::{
    encode::Batch,
    error::{Error, Kind},
    policy::Policy,
    retention::{ClassId, Run},
    run::worker::clock,
    time::Timestamp,
};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

/// What is shown, and whom to.
pub(super) struct Outside {
    board: Arc<Board>,
    server: Option<Server>,
    pub inputs: Vec<Label>,
    pub outputs: Vec<Label>,
    class_labels: Vec<Label>,
    class_records: Vec<u64>,
    /// Where a class is among them, by its number: those of all tenants that have one name are one.
    class_places: Vec<usize>,
    pub checkpoints: CheckpointFigures,
    since: Timestamp,
    reloads: u64,
    refused: u64,
    last_reload: Option<Reload>,
    published: Instant,
}

/// So often the outside hears of us.
const PACE: Duration = Duration::from_millis(250);

impl Outside {
    /// Nobody looks yet.
    pub(super) fn new(policy: &Policy) -> Result<Outside, Error> {
        let board = Board::new();
        let server = match &policy.wiring.status {
            Some(listen) => Some(Server::bind(listen, board.clone())?),
            None => None,
        };
        let (class_labels, class_places) = classes(policy);
        Ok(Outside {
            board,
            server,
            inputs: Label::inputs(&policy.wiring.inputs),
            outputs: Label::outputs(&policy.wiring.outputs),
            class_records: vec![0; class_labels.len()],
            class_labels,
            class_places,
            checkpoints: CheckpointFigures::default(),
            since: clock(),
            reloads: 0,
            refused: 0,
            last_reload: None,
            published: Instant::now(),
        })
    }

    /// # Errors
    /// [`Kind::Io`]: a fault of ours ended what answers, and nobody would see how things stand.
    pub(super) fn check(&self) -> Result<(), Error> {
        match &self.server {
            Some(server) if server.is_over() => {
                Err(Error::new(Kind::Io, "cannot answer under [status]: an internal fault ended its thread"))
            }
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn beat(&self) {
        self.board.beat();
    }

    pub(super) fn is_due(&self) -> bool {
        self.published.elapsed() >= PACE
    }

    /// So long the desk may sleep: less where somebody may ask how it is.
    pub(super) fn longest_rest(&self) -> Duration {
        Duration::from_secs(1)
    }

    pub(super) fn publish(&mut self, snapshot: Snapshot) {
        self.board.publish(snapshot);
        self.published = Instant::now();
    }

    /// Counts the records of a batch by class.
    pub(super) fn count(&mut self, batch: &Batch) {
        for (Run { class: ClassId(class), .. }, run) in batch.runs() {
            if let Some(&place) = self.class_places.get(usize::from(class))
                && let Some(records) = self.class_records.get_mut(place)
            {
                *records += memchr::memchr_iter(b'\n', run).count() as u64;
            }
        }
    }

    pub(super) fn classes(&self) -> Vec<(Label, u64)> {
        self.class_labels.iter().cloned().zip(self.class_records.iter().copied()).collect()
    }

    /// The policy was read again.
    pub(super) fn reloaded(&mut self, refused: Option<&Error>, at: Timestamp) {
        match refused {
            None => (self.reloads, self.since) = (self.reloads + 1, at),
            Some(_) => self.refused += 1,
        }
        self.last_reload = Some(Reload { at, refused: refused.cloned() });
    }

    /// Other classes than before, in their order.
    pub(super) fn rename(&mut self, policy: &Policy) {
        let (labels, places) = classes(policy);
        let before = |label: &Label| self.class_labels.iter().position(|known| known == label);
        self.class_records = labels.iter().map(|label| before(label).map_or(0, |at| self.class_records[at])).collect();
        (self.class_labels, self.class_places) = (labels, places);
    }

    /// A checkpoint was made.
    pub(super) fn durable(&mut self, took: Duration, at: Timestamp) {
        let figures = &mut self.checkpoints;
        figures.made += 1;
        (figures.at, figures.last_took) = (Some(at), took);
        figures.all_took += took;
    }

    pub(super) fn policy_figures(&self, loaded: &Loaded) -> PolicyFigures {
        PolicyFigures {
            name: (*loaded.policy.name).into(),
            version: loaded.policy.version,
            digest: loaded.digest.to_string().into(),
            since: self.since,
            last_reload: self.last_reload.clone(),
            reloads: self.reloads,
            reloads_refused: self.refused,
        }
    }

    pub(super) fn memory(&self, limit: u64) -> MemoryFigures {
        MemoryFigures { resident: resident(), limit }
    }
}

/// What the process has resident.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

/// The names of all classes, and which of them each class has, by its number.
fn classes(policy: &Policy) -> (Vec<Label>, Vec<usize>) {
    let mut labels: Vec<Label> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    let places = policy.shelves().map(|(_, class)| {
        *known.entry(&class.name).or_insert_with(|| {
            labels.push(Label::class(class));
            labels.len() - 1
        })
    });
    let places = places.collect();
    (labels, places)
}
