//! The outputs: what of a batch goes to which, and how it gets there.

use super::{Loaded, board::SentFigures, facts, remote::Pump, spout::Spout, streams::Waker};
use crate::{
    encode::{Batch, ParcelHead, Projection},
    error::{Error, Kind},
    output::{
        segment::{Committed, Every, Fault, Flush, Identity, Rotation, Segment},
        stdout::Stdout,
    },
    plan::Plan,
    policy::wiring::{self, OnStall, Rotate, To},
    retention::{Class, ClassId, OWN},
    run::worker::clock,
    state::{
        home::Home,
        journal::Part,
        place::Place,
        spool::{Hiding, Spool},
    },
    store::{Root, Sealing, Store, Unwritten},
    time::Timestamp,
};
use std::{
    num::{NonZeroU32, NonZeroU64},
    sync::Arc,
};

/// All outputs.
pub(super) struct Sinks {
    list: Vec<Sink>,
    /// What of the batch at hand goes to each.
    shares: Vec<Batch>,
    /// Where a parcel is made.
    parcel: Batch,
    /// No more comes until standard output has taken all.
    pauses: bool,
}

/// One output.
struct Sink {
    target: Target,
    takes: Takes,
    /// Records and bytes that were divided off for it.
    in_hand: (u64, u64),
    figures: Figures,
}

/// What an output took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    pub records: u64,
    pub bytes: u64,
    pub last_write: Option<Timestamp>,
    pub rotations: u64,
    pub left_out: u64,
    pub errors: u64,
    pub last_error: Option<std::io::ErrorKind>,
    /// What waits for a receiver, and what it got.
    pub sent: Option<SentFigures>,
    /// For how long it takes nothing, where it is known of it alone.
    pub stalled: Option<std::time::Duration>,
}

enum Target {
    File { segment: Box<Segment>, rotation: Option<Rotation> },
    Stdout(Spout),
    Store(Box<Store>),
    Remote(Box<Link>),
}

/// A receiver on the network: what waits for it, and what sends it.
struct Link {
    spool: Spool,
    limit: u64,
    pump: Pump,
}

/// Which classes of which tenants an output gets, and which members of their records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Takes {
    classes: Option<Vec<bool>>,
    fields: Option<Projection>,
}

impl Takes {
    /// As the wiring says, in the numbers of a plan.
    pub(super) fn of(output: &wiring::Output, plan: &Plan) -> Takes {
        let is_named = |names: &[Box<str>], name: &str| names.is_empty() || names.iter().any(|other| **other == *name);
        let takes = |class: &Class| {
            let whose = if class.tenant.is_empty() { OWN } else { &class.tenant };
            is_named(&output.classes, &class.name) && is_named(&output.tenants, whose)
        };
        let some = !output.classes.is_empty() || !output.tenants.is_empty();
        let fields = output.fields.iter().map(|name| &**name);
        Takes {
            classes: some.then(|| plan.classes().iter().map(takes).collect()),
            fields: (!output.fields.is_empty()).then(|| Projection::of(fields)),
        }
    }

    /// Whether it gets batches as they are.
    fn is_everything(&self) -> bool {
        self.classes.is_none() && self.fields.is_none()
    }

    /// Whether it gets records of a class.
    fn has(&self, ClassId(class): ClassId) -> bool {
        self.classes.as_ref().is_none_or(|classes| classes.get(usize::from(class)) == Some(&true))
    }

    /// Makes `into` what the output gets, and says how many records it does not get because they are no objects.
    pub(super) fn share(&self, batch: &Batch, into: &mut Batch) -> u64 {
        let takes = |class| self.has(class);
        match &self.fields {
            Some(fields) => return batch.project(takes, fields, into),
            None if self.classes.is_some() => batch.only(takes, into),
            None => {
                into.clear();
                into.append(batch);
            }
        }
        0
    }
}

fn rotation(rotate: &Rotate) -> Option<Rotation> {
    let every = rotate.every.map(|every| match every {
        wiring::Every::Hour => Every::Hour,
        wiring::Every::Day => Every::Day,
    });
    let max_bytes = rotate.size.and_then(NonZeroU64::new);
    let keep = NonZeroU32::new(rotate.keep).unwrap_or(NonZeroU32::MIN);
    (every.is_some() || max_bytes.is_some()).then_some(Rotation { max_bytes, every, keep })
}

/// How much of standard output's room is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Brim {
    #[default]
    Empty,
    Some,
    Full,
}

/// Why a write did not come about.
pub(super) enum Stopped {
    /// The reader of standard output went away.
    Gone,
    /// The output is full or fails for now: the rest can be written later.
    Later { sink: usize, fault: Fault },
    /// It cannot go on.
    Failed(Error),
}

impl Sinks {
    /// Opens them. `found` gives the segments that were put right, by their path.
    ///
    /// # Errors
    /// As [`Segment::open`]; [`Kind::Config`] for one that is not built
    pub(super) fn open(
        loaded: &Loaded,
        plan: &Plan,
        now: Timestamp,
        mut found: impl FnMut(&std::path::Path) -> Option<Segment>,
        (home, waker): (&Home, &Arc<Waker>),
        known: Option<&[Identity]>,
    ) -> Result<Sinks, Error> {
        let wiring::Wiring { outputs, memory_limit, .. } = &loaded.policy.wiring;
        let mut list = Vec::new();
        let remotes = outputs.iter().filter(|output| matches!(output.to, To::Remote(_))).count();
        let most_bytes = (*memory_limit as usize / 32 / remotes.max(1)).clamp(64 << 10, 1 << 20);
        for (output, spool) in outputs.iter().zip(spool_names(outputs)) {
            let target = match &output.to {
                To::File { path, rotate } => {
                    let segment = found(path).map_or_else(|| Segment::open(path, now), Ok)?;
                    Target::File { segment: Box::new(segment), rotation: rotation(rotate) }
                }
                To::Stdout => {
                    let stdout = Stdout::open().map_err(|error| cannot_write("standard output", &error))?;
                    let most = (*memory_limit as usize / 256).clamp(64 << 10, 256 << 10);
                    Target::Stdout(Spout::begin(stdout, most, waker)?)
                }
                To::Store(path) => {
                    let facts = facts::of(&loaded.policy, &loaded.digest.to_string());
                    let terms = facts::terms(&loaded.policy);
                    let wrap = crate::run::keys::wrap(&loaded.policy.keys)?;
                    let sealing = Sealing { seals: output.seal, wrap };
                    let store = Store::open(Root::create(path)?, (&facts, terms), sealing, known, clock)?;
                    Target::Store(Box::new(store))
                }
                To::Remote(remote) => {
                    let place = spools(home)?.room(&spool.unwrap_or_default(), 0o750)?;
                    let wrap = crate::run::keys::wrap(&loaded.policy.keys)?;
                    let hiding = Hiding::open(&place, wrap.as_ref(), output.seal)?;
                    let (spool, reader) = Spool::open(place, hiding, now)?;
                    let pump = Pump::begin(remote, reader, most_bytes, waker)?;
                    Target::Remote(Box::new(Link { spool, limit: remote.spool_bytes, pump }))
                }
            };
            list.push(Sink { target, takes: Takes::of(output, plan), in_hand: (0, 0), figures: Figures::default() });
        }
        let shares = list.iter().map(|_| Batch::default()).collect();
        Ok(Sinks { list, shares, parcel: Batch::default(), pauses: false })
    }

    /// The same outputs under another plan, whose classes may have other numbers.
    pub(super) fn rename(&mut self, loaded: &Loaded, plan: &Plan) {
        for (sink, output) in self.list.iter_mut().zip(&loaded.policy.wiring.outputs) {
            sink.takes = Takes::of(output, plan);
            if let Target::Store(store) = &mut sink.target {
                store.turn(&facts::of(&loaded.policy, &loaded.digest.to_string()), facts::terms(&loaded.policy));
            }
        }
    }

    /// Another plan is about to come: what stores must know of it is kept.
    ///
    /// # Errors
    /// As [`Store::announce`]
    pub(super) fn announce(&self, loaded: &Loaded, now: Timestamp) -> Result<(), Error> {
        self.stores().try_for_each(|store| store.announce(&facts::of(&loaded.policy, &loaded.digest.to_string()), now))
    }

    fn stores(&self) -> impl Iterator<Item = &Store> {
        self.list.iter().filter_map(|sink| match &sink.target {
            Target::Store(store) => Some(&**store),
            Target::File { .. } | Target::Stdout(_) | Target::Remote(_) => None,
        })
    }

    fn stores_mut(&mut self) -> impl Iterator<Item = &mut Store> {
        self.list.iter_mut().filter_map(|sink| match &mut sink.target {
            Target::Store(store) => Some(&mut **store),
            Target::File { .. } | Target::Stdout(_) | Target::Remote(_) => None,
        })
    }

    /// Opens the files that a batch needs in stores. To be called before it is divided; again where it failed.
    ///
    /// # Errors
    /// As [`Store::prepare`]
    pub(super) fn prepare(&mut self, batch: &Batch, reference: Timestamp) -> Result<(), Error> {
        for sink in &mut self.list {
            if let Target::Store(store) = &mut sink.target {
                store.prepare(batch, |class| sink.takes.has(class), reference)?;
            }
        }
        Ok(())
    }

    /// Whether stores have files to be closed: after a checkpoint they are to be put aside.
    pub(super) fn is_closing(&mut self, now: Timestamp) -> bool {
        self.stores_mut().any(|store| store.is_due(now))
    }

    /// Puts aside the files of stores that are due, or all, right after a checkpoint.
    ///
    /// # Errors
    /// As [`Store::put_aside`]
    pub(super) fn put_aside(&mut self, now: Timestamp, all: bool) -> Result<(), Error> {
        self.stores_mut().try_for_each(|store| store.put_aside(now, all).map(drop))
    }

    /// What stores have to say.
    pub(super) fn take_said(&self) -> Vec<String> {
        self.stores().filter_map(Store::take_said).collect()
    }

    /// Closes what was put aside, to the end; what could not be closed.
    pub(super) fn end_stores(&mut self) -> Vec<String> {
        self.stores_mut().filter_map(Store::end).collect()
    }

    /// Divides a batch among the outputs, and says what of it goes to each file. `head` is asked where a receiver gets it.
    /// The last output that takes everything gets the batch itself, without a copy: another is left in its place.
    pub(super) fn divide(
        &mut self,
        batch: &mut Batch,
        reference: Timestamp,
        head: impl Fn() -> ParcelHead,
    ) -> Result<Vec<Part>, Error> {
        let whole = self.list.iter().rposition(|sink| sink.takes.is_everything());
        for (number, (sink, share)) in self.list.iter_mut().zip(&mut self.shares).enumerate() {
            if Some(number) != whole {
                sink.figures.left_out += sink.takes.share(batch, share);
            }
        }
        if let Some(whole) = whole {
            std::mem::swap(batch, &mut self.shares[whole]);
        }
        let mut parts = Vec::new();
        let mut number = 0;
        for (sink, share) in self.list.iter_mut().zip(&mut self.shares) {
            sink.in_hand = (memchr::memchr_iter(b'\n', share.bytes()).count() as u64, share.bytes().len() as u64);
            if sink.target.is_parcelled() {
                share.parcel(&head(), &mut self.parcel);
                std::mem::swap(share, &mut self.parcel);
            }
            if let Target::Store(store) = &mut sink.target {
                let (shares, left_out) = store.divide(share, reference)?;
                sink.figures.left_out += left_out;
                sink.in_hand.0 -= left_out;
                sink.in_hand.1 = shares.iter().map(|share| share.bytes).sum();
                let part = |share: crate::store::Share| Part {
                    output: number,
                    segment: share.segment,
                    before: share.before,
                    bytes: share.bytes,
                };
                parts.extend(shares.into_iter().map(part));
                number += 1;
                continue;
            }
            let Some(segment) = sink.target.segment() else { continue };
            let bytes = share.bytes().len() as u64;
            if bytes > 0 {
                parts.push(Part { output: number, segment: segment.identity(), before: segment.length()?, bytes });
            }
            number += 1;
        }
        Ok(parts)
    }

    /// Writes what was divided, from one output on, of which `taken` bytes stand there already.
    pub(super) fn write(&mut self, from: usize, mut taken: usize, now: Timestamp) -> Result<(), Stopped> {
        for (number, (sink, share)) in self.list.iter_mut().zip(&self.shares).enumerate().skip(from) {
            match &mut sink.target {
                _ if share.is_empty() => {}
                Target::File { segment, .. } => {
                    if let Err(fault) = segment.write_from(share, taken) {
                        return Err(sink.figures.later(number, fault));
                    }
                }
                Target::Remote(link) => {
                    if let Err(fault) = link.spool.write_from(share, taken) {
                        return Err(sink.figures.later(number, fault));
                    }
                }
                Target::Store(store) => match store.write(taken, now) {
                    Ok(()) => {}
                    Err(Unwritten::Fault(fault)) => return Err(sink.figures.later(number, fault)),
                    Err(Unwritten::Error(error)) => return Err(Stopped::Failed(error)),
                },
                Target::Stdout(spout) => {
                    spout.check()?;
                    spout.give(share);
                }
            }
            taken = 0;
            if !share.is_empty() {
                let (records, bytes) = std::mem::take(&mut sink.in_hand);
                sink.figures.records += records;
                sink.figures.bytes += bytes;
                (sink.figures.last_write, sink.figures.last_error) = (Some(now), None);
            }
        }
        Ok(())
    }

    /// Makes all files durable.
    ///
    /// # Errors
    /// As [`Segment::sync`].
    pub(super) fn sync(&mut self) -> Result<Vec<Committed>, Error> {
        let (mut files, mut open) = (Vec::new(), Vec::new());
        for sink in &mut self.list {
            match &mut sink.target {
                Target::File { segment, .. } => files.push(segment.sync()?),
                Target::Remote(link) => files.push(link.spool.sync()?),
                Target::Store(store) => {
                    let (anchor, mut all) = store.sync()?;
                    files.push(anchor);
                    open.append(&mut all);
                }
                Target::Stdout(_) => {}
            }
        }
        // Those that come and go stand last, so that the others keep their numbers.
        files.append(&mut open);
        Ok(files)
    }

    /// What is in the files now, and what makes it durable on another thread.
    ///
    /// # Errors
    /// As [`Segment::flush`].
    pub(super) fn flush(&mut self) -> Result<(Vec<Committed>, Vec<Flush>), Error> {
        let (mut files, mut open, mut flushes) = (Vec::new(), Vec::new(), Vec::new());
        for sink in &mut self.list {
            let (committed, flush) = match &mut sink.target {
                Target::File { segment, .. } => segment.flush()?,
                Target::Remote(link) => link.spool.flush()?,
                Target::Store(store) => {
                    let (anchor, mut all, mut more) = store.flush()?;
                    files.push(anchor);
                    open.append(&mut all);
                    flushes.append(&mut more);
                    continue;
                }
                Target::Stdout(_) => continue,
            };
            files.push(committed);
            flushes.push(flush);
        }
        files.append(&mut open);
        Ok((files, flushes))
    }

    /// The checkpoint is durable that says so much of the files: receivers may have it.
    pub(super) fn committed(&self, outputs: &[Committed]) {
        let parcelled = self.list.iter().filter(|sink| sink.target.is_noted()).zip(outputs);
        for (sink, committed) in parcelled {
            if let Target::Remote(link) = &sink.target {
                link.spool.committed(committed);
            }
        }
    }

    /// Whether anybody waits for checkpoints.
    pub(super) fn is_awaited(&self) -> bool {
        self.list.iter().any(|sink| sink.target.is_parcelled())
    }

    /// Whether so much waits for a receiver, or for who reads standard output, that an input has to wait too.
    pub(super) fn holds_back(&self, on_stall: OnStall) -> bool {
        self.pauses
            || self.list.iter().any(|sink| match &sink.target {
                Target::Remote(link) => {
                    let most = match on_stall {
                        OnStall::Spill => link.limit,
                        // A writer that waits, and a file, keep their lines themselves.
                        OnStall::Block | OnStall::Shed => WINDOW_BYTES.min(link.limit),
                    };
                    link.spool.backlog() >= most
                }
                Target::Stdout(spout) => spout.is_full(),
                Target::File { .. } | Target::Store(_) => false,
            })
    }

    /// Whether standard output has taken all it was given: only then a checkpoint may say that it is done with. Where it has
    /// not, no input goes on before it has and this is asked again.
    pub(super) fn is_written(&mut self) -> bool {
        self.pauses = self.left() > 0;
        !self.pauses
    }

    /// Bytes that standard output was given and has not taken.
    pub(super) fn left(&self) -> usize {
        self.spouts().map(Spout::left).sum()
    }

    /// How much of standard output's room is taken.
    pub(super) fn brim(&self) -> Brim {
        match (self.spouts().any(Spout::is_full), self.left()) {
            (true, _) => Brim::Full,
            (false, 0) => Brim::Empty,
            (false, _) => Brim::Some,
        }
    }

    /// For how long standard output takes nothing.
    pub(super) fn stalled(&self) -> Option<std::time::Duration> {
        self.spouts().filter_map(Spout::stalled).max()
    }

    /// What became of standard output since the last call.
    pub(super) fn check(&self) -> Result<(), Stopped> {
        self.list.iter().try_for_each(|sink| match &sink.target {
            Target::Remote(link) => link.pump.check().map_err(Stopped::Failed),
            Target::Stdout(spout) => spout.check(),
            Target::File { .. } | Target::Store(_) => Ok(()),
        })
    }

    /// Whose readers are watched while nothing is written.
    pub(super) fn watched(&self) -> impl Iterator<Item = std::os::fd::BorrowedFd<'_>> {
        self.spouts().map(Spout::fd)
    }

    fn spouts(&self) -> impl Iterator<Item = &Spout> {
        self.list.iter().filter_map(|sink| match &sink.target {
            Target::Stdout(spout) => Some(spout),
            Target::File { .. } | Target::Remote(_) | Target::Store(_) => None,
        })
    }

    /// Tells those that send that nothing more comes. They send what waits, and end.
    pub(super) fn close(&self) {
        for sink in &self.list {
            if let Target::Remote(link) = &sink.target {
                link.spool.close();
            }
        }
    }

    /// Whether all that send have ended.
    pub(super) fn is_sent(&self) -> bool {
        self.list.iter().all(|sink| match &sink.target {
            Target::Remote(link) => link.pump.is_done(),
            Target::File { .. } | Target::Stdout(_) | Target::Store(_) => true,
        })
    }

    /// Puts aside the segments that are due. Whether there were any: then a checkpoint has to follow.
    ///
    /// # Errors
    /// As [`Segment::rotate`].
    pub(super) fn rotate(&mut self, now: Timestamp) -> Result<bool, Error> {
        let mut any = false;
        for sink in &mut self.list {
            match &mut sink.target {
                Target::File { segment, rotation: Some(rotation) }
                    if segment.is_due(rotation, segment.length()?, 0, now) =>
                {
                    segment.rotate(rotation, now)?;
                    sink.figures.rotations += 1;
                    any = true;
                }
                Target::Remote(link) if link.spool.is_due()? => {
                    any |= link.spool.roll(now)?;
                }
                _ => {}
            }
        }
        Ok(any)
    }

    /// Opens files again that were renamed. A checkpoint has to follow.
    ///
    /// # Errors
    /// As [`Segment::reopen`]; the others are opened all the same.
    pub(super) fn reopen(&mut self, now: Timestamp) -> Result<(), Error> {
        let mut first = Ok(());
        for sink in &mut self.list {
            if let Target::File { segment, .. } = &mut sink.target {
                let done = segment.reopen(now);
                first = first.and(done);
            }
        }
        first
    }

    /// What each took.
    pub(super) fn figures(&self) -> impl Iterator<Item = Figures> {
        self.list.iter().map(|sink| match &sink.target {
            Target::Remote(link) => {
                let sent = SentFigures { waiting_bytes: link.spool.backlog(), ..link.pump.figures() };
                Figures { sent: Some(sent), ..sink.figures }
            }
            Target::Stdout(spout) => Figures { stalled: spout.stalled(), ..sink.figures },
            Target::Store(store) => Figures { rotations: store.closed(), ..sink.figures },
            Target::File { .. } => sink.figures,
        })
    }
}

impl Figures {
    fn later(&mut self, sink: usize, fault: Fault) -> Stopped {
        self.errors += 1;
        self.last_error = Some(fault.error.kind());
        Stopped::Later { sink, fault }
    }
}

impl Target {
    /// What is written of it that the journal speaks of.
    fn segment(&self) -> Option<&Segment> {
        match self {
            Target::File { segment, .. } => Some(segment),
            Target::Remote(link) => Some(link.spool.segment()),
            Target::Stdout(_) | Target::Store(_) => None,
        }
    }

    fn is_parcelled(&self) -> bool {
        match self {
            Target::Remote(_) => true,
            Target::File { .. } | Target::Stdout(_) | Target::Store(_) => false,
        }
    }

    /// Whether checkpoints speak of it.
    fn is_noted(&self) -> bool {
        match self {
            Target::File { .. } | Target::Remote(_) | Target::Store(_) => true,
            Target::Stdout(_) => false,
        }
    }
}

/// So much may wait for a receiver before inputs wait that can.
const WINDOW_BYTES: u64 = 16 << 20;

/// The directory that holds all spools.
pub(super) fn spools(home: &Home) -> Result<Place, Error> {
    home.place().room("spool", 0o750)
}

/// What the spool of each output is called below it, where it has one. Two outputs to one receiver have two.
pub(super) fn spool_names(outputs: &[wiring::Output]) -> Vec<Option<String>> {
    let mut before: Vec<(&str, String)> = Vec::new();
    let name = |output: &wiring::Output| {
        let To::Remote(remote) = &output.to else { return None };
        let whom = remote.receiver.label();
        let count = before.iter().filter(|other| **other == whom).count();
        let digest = blake3::hash(format!("{count} {}", whom.1).as_bytes()).to_hex();
        let name = format!("{}-{}", whom.0, &digest.as_str()[..16]);
        before.push(whom);
        Some(name)
    };
    outputs.iter().map(name).collect()
}

pub(super) fn cannot_write(what: &str, error: &std::io::Error) -> Error {
    Error::new(Kind::Io, format!("cannot write to {what}: {error}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::policy::Policy;

    #[test]
    fn each_receiver_has_a_spool_of_its_own_however_it_is_spelt() {
        let one = |url: &str| format!("[[output]]\nhttp = \"{url}\"\nshape = \"ndjson\"\n");
        let urls = ["http://localhost:1/", "http://127.0.0.1:1/", "http://127.0.0.1:1/", "http://127.0.0.1:1/?a=1"];
        let outputs: String = urls.map(one).concat();
        let text = format!("base = \"hosting\"\nname = \"a\"\nversion = 1\n{outputs}");
        let names = spool_names(&Policy::parse(&text, "test.toml").0.unwrap().wiring.outputs);
        let distinct: std::collections::BTreeSet<String> = names.iter().flatten().cloned().collect();
        assert_eq!(distinct.len(), urls.len(), "{names:?}");
    }
}
