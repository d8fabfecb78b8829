//! What a run before this one left is put right, and the inputs and outputs are opened.

use super::{
    Loaded, Settings,
    aside::Disk,
    control::Control,
    desk::{Desk, Follower, Held, Input, Origin},
    directory, facts, label,
    lane::{self, Engines, Lane},
    names::Names,
    outside::Outside,
    remote,
    sinks::{self, Sinks, Takes},
    streams::{Reading, Sleep, Stream},
    supervisor::Supervisor,
};
use crate::{
    encode::Batch,
    error::{Error, Kind},
    frame::MAX_LINE_BYTES,
    input::{
        follow::{Follow, Packed, Settings as FollowSettings, SourceId, Start, StateKey},
        intake::Handed,
    },
    key::Keyring,
    output::{
        segment::{Committed, Identity},
        stdout::Stdout,
    },
    policy::{
        Policy,
        wiring::{self, From, To},
    },
    run::{quarantine, worker::clock},
    seal::RawLines,
    state::{
        book::Opened,
        files::names_in,
        home::{Boot, Home},
        journal::Record,
        mend::{Remade, mend},
        place::Place,
        quarantine::{Gather, Room, Writer, WriterId},
        spool,
    },
    store::{Root, Terms},
    time::Timestamp,
    vault,
};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

/// `None`: the reader of standard output went away before all was put right, or the end was asked for while it took nothing; the
/// next run does the rest.
pub(super) fn begin(settings: Settings, control: &Control) -> Result<Option<Desk>, Error> {
    let Settings { loaded, reload, read, quiet, user, file } = settings;
    let home = Home::open(&directory(&loaded.policy), Boot::now())?;
    let opened: Opened<Held, Origin> = Opened::read(home)?;
    let (now, began) = (clock(), Instant::now());
    let portion = portion(&loaded.policy.wiring);
    let keyring = keyring(&loaded.policy)?;

    // What was followed before, under the policy of then, so that what was under way can be made again.
    let mut recovery = Recovery::default();
    let mut supervisor = Supervisor::new();
    let room = quarantine::open(&loaded.policy)?;
    let (mut found, mut mended) = (Vec::new(), None);
    if let Some(left) = opened.left() {
        recovery = Recovery::of(&opened, &read, &loaded, room.as_ref(), portion)?;
        let wrap = crate::run::keys::wrap(&loaded.policy.keys)?;
        let dress = |segment| {
            let segment = crate::store::dress(segment, wrap.as_ref())?;
            segment.map(|segment| spool::dress(segment, wrap.as_ref())).transpose()
        };
        let done = mend(&left.checkpoint.outputs, &left.records, dress, |record| {
            supervisor.needs_longer();
            recovery.remake(record, left, (control, &mut supervisor))
        });
        if done.is_err() && recovery.ends {
            return Ok(None);
        }
        let done = done?;
        if let Some(sealing) = &mut recovery.sealing {
            sealing.end(opened.next(), now)?;
        }
        found = left
            .checkpoint
            .outputs
            .iter()
            .zip(done.outputs)
            .map(|(committed, output)| (committed.path().to_path_buf(), output.segment, output.restored))
            .collect();
        mended = Some(done.sources_gone);
    }

    // What a store's open files are known by, so that one of which nothing is known is told.
    let known: Option<Vec<Identity>> = opened.left().map(|left| {
        let parts = left.records.iter().flat_map(|record| &record.parts).map(|part| part.segment);
        left.checkpoint.outputs.iter().map(Committed::identity).chain(parts).collect()
    });
    // A directory must be there to be within reach.
    let stores: Vec<PathBuf> = stores(&loaded.policy).map(Path::to_path_buf).collect();
    for path in &stores {
        Root::create(path)?;
    }

    // Before the first thread, and after what stood elsewhere under the policy of then.
    let held = super::reach::of(&loaded.policy, &file).hold();

    let mut handed = Handed::from_env();
    let first = &loaded.policy.wiring.inputs[0];
    let plan = lane::plan(&loaded.policy, first)?;
    let sleep = Sleep::new().map_err(|error| Error::new(Kind::Io, format!("cannot start: {error}")))?;
    let spools = sinks::spools(opened.home())?;
    for (path, segment, _) in &mut found {
        // A spool goes on in a file of its own, and a store finds its files itself.
        if path.starts_with(spools.path()) || stores.iter().any(|store| path.starts_with(store)) {
            *segment = None;
        }
    }
    let found_at =
        |path: &Path| found.iter_mut().find(|(of, _, _)| of == path).and_then(|(_, segment, _)| segment.take());
    let sinks = Sinks::open(&loaded, &plan, now, found_at, (opened.home(), &sleep.waker), known.as_deref())?;
    let memory = socket_memory_each(&loaded.policy.wiring);
    let (mut inputs, mut engines) = (Vec::new(), Engines::default());
    for input in &loaded.policy.wiring.inputs {
        let label = label(&input.from);
        let mut lane = Lane::new(&loaded.policy, input, keyring.as_ref(), &mut engines)?;
        let reading =
            Reading { portion, longest_line: MAX_LINE_BYTES.min(portion * 4), portions: 8, on_stall: input.on_stall };
        let from = match &input.from {
            From::Follow { patterns, from_end, compressed } => {
                let before = recovery.take(&label);
                let follow = match before {
                    Some((follow, mut of_then)) => {
                        lane.take_over(&mut of_then);
                        follow
                    }
                    None => {
                        let how = how(*from_end, *compressed);
                        follow(&opened, patterns, how, portion, &label, Held::default())?
                    }
                };
                Follower::Files(Box::new(follow))
            }
            From::Fifo(path) => Follower::Stream(Stream::fifo(path, &reading, &sleep.waker)?),
            From::Stdin => Follower::Stream(Stream::stdin(&reading, &sleep.waker)?),
            From::Syslog(sockets) | From::Forward(sockets) => {
                let intake = (&input.from, sockets, input.on_stall);
                Follower::Sockets(Box::new(remote::intake(intake, memory, &sleep.waker, &mut handed)?))
            }
        };
        if loaded.policy.wiring.status.is_some() {
            lane.watch();
        }
        let on_stall = input.on_stall;
        inputs.push(Input { label, from, on_stall, lane, lines: 0, bytes: 0, shed: 0, problems: 0 });
    }
    let outside = Outside::new(&loaded.policy)?;
    let quarantine = match room {
        Some(room) => {
            let id = writer_id(opened.home());
            let last = room.settle(id, now)?;
            Some(Writer::new(room, id, last))
        }
        None => None,
    };
    let disk = Disk::new(sleep.waker.clone())?;
    let mut desk = Desk {
        inputs,
        sinks,
        loaded,
        reload,
        keyring,
        quarantine,
        quiet,
        book: None,
        batch: Batch::default(),
        lines: Vec::new(),
        sleep,
        since_checkpoint: 0,
        last_checkpoint: Instant::now(),
        dirty: false,
        in_hand: false,
        problems_said: 0,
        stalled: None,
        outside,
        names: Names::new(opened.home().key())?,
        receipts: Vec::new(),
        supervisor,
        awaiting: Default::default(),
        wanted: Default::default(),
        deaf: None,
        before: Default::default(),
        disk,
    };
    let checkpoint = desk.checkpoint_now()?;
    desk.book = Some(opened.begin(&checkpoint, &desk.loaded.text)?);
    let whom = user.map_or_else(String::new, |user| format!("user `{user}`, "));
    let secrets = if vault::is_guarded() { "" } else { NOT_GUARDED };
    desk.say(&format!("{whom}no core, no new privileges, {held}{secrets}"));
    desk.say_left(&spools, &handed);
    if let Some(gone) = mended {
        let sum = found.iter().fold([0; 3], |sum, (_, _, restored)| {
            [sum[0] + restored.stood, sum[1] + restored.completed, sum[2] + restored.cut]
        });
        if sum != [0; 3] || gone > 0 {
            desk.say(&format!(
                "went on after a crash: {} bytes stood, {} were completed, {} were cut; {gone} batches could not be made again ({:?})",
                sum[0], sum[1], sum[2], began.elapsed()
            ));
        }
    }
    Ok(Some(desk))
}

impl Desk {
    /// What is there and nobody asks for.
    fn say_left(&self, spools: &Place, handed: &Handed) {
        let named = sinks::spool_names(&self.loaded.policy.wiring.outputs);
        let known = |name: &str| named.iter().flatten().any(|known| known == name);
        for name in names_in(spools).unwrap_or_default().iter().filter(|name| !known(name)) {
            let left = spools.room_if_there(name).ok().flatten();
            let bytes = left.as_ref().map_or(0, |place| spool::left_behind(place).unwrap_or(0));
            if let Some(place) = left.filter(|_| bytes > 0) {
                let path = place.path().display();
                crate::run::say!(
                    "sladd: `{path}` holds {bytes} bytes for a receiver that the policy does not name; name it again, or delete the directory"
                );
            }
        }
        let (addresses, others) = handed.left();
        for address in addresses {
            crate::run::say!("sladd: a socket was handed over for {address}, and no input listens there");
        }
        if others > 0 {
            crate::run::say!("sladd: {others} sockets were handed over that no input can read");
        }
    }
}

/// What the queues and buffers of each socket input may hold.
fn socket_memory_each(wiring: &wiring::Wiring) -> usize {
    (wiring.memory_limit as usize / 4 / socket_inputs(wiring).max(1)).clamp(2 << 20, 16 << 20)
}

/// And of all.
pub(super) fn socket_memory(wiring: &wiring::Wiring) -> u64 {
    (socket_memory_each(wiring) * socket_inputs(wiring)) as u64
}

fn socket_inputs(wiring: &wiring::Wiring) -> usize {
    wiring.inputs.iter().filter(|input| matches!(input.from, From::Syslog(_) | From::Forward(_))).count()
}

/// The directories of a policy's stores.
fn stores(policy: &Policy) -> impl Iterator<Item = &Path> {
    policy.wiring.outputs.iter().filter_map(|output| match &output.to {
        To::Store(path) => Some(path.as_path()),
        To::File { .. } | To::Stdout | To::Remote(_) => None,
    })
}

/// Bytes that are read at a time, so that all that is in hand stays within the limit.
pub(super) fn portion(wiring: &wiring::Wiring) -> usize {
    // What the engines, their memories and the buffers take is measured in tests; a fixed part and so many portions.
    // Each receiver holds what became of one of them several times: as parcel, as request and packed.
    let receivers = wiring.outputs.iter().filter(|output| matches!(output.to, To::Remote(_))).count();
    (wiring.memory_limit as usize / (256 + 128 * receivers)).clamp(32 << 10, 256 << 10)
}

pub(super) fn keyring(policy: &Policy) -> Result<Option<Arc<Keyring>>, Error> {
    let mut period = None;
    for input in &policy.wiring.inputs {
        period = period.or(lane::plan(policy, input)?.period());
    }
    let Some(period) = period else { return Ok(None) };
    let own = directory(policy).join("keys");
    let directory = policy.keys.directory.as_ref().unwrap_or(&own);
    Ok(Some(Arc::new(crate::run::keys::open(directory, period, &policy.keys)?)))
}

/// What the wiring says of files.
fn how(from_end: bool, compressed: bool) -> (Start, Packed) {
    let start = if from_end { Start::End } else { Start::Beginning };
    (start, if compressed { Packed::ReadOn } else { Packed::PassedOver })
}

fn follow(
    opened: &Opened<Held, Origin>,
    patterns: &[Box<str>],
    (start, packed): (Start, Packed),
    portion: usize,
    label: &str,
    held: Held,
) -> Result<Follow, Error> {
    let key = StateKey::new(opened.home().key().derive(&format!("follow {label}")));
    let patterns = patterns.iter().map(|pattern| pattern.to_string()).collect();
    let settings = FollowSettings { start, packed, portion, ..FollowSettings::new(patterns) };
    Follow::open(settings, key, held.positions, held.next.max(1))
}

/// The inputs of then.
#[derive(Default)]
struct Recovery {
    inputs: Vec<Then>,
    outputs: Vec<Share>,
    /// Nobody knows how much of the last batches it took: it gets them once more.
    stdout: Option<(Stdout, Takes)>,
    /// Its reader went away, or the end was asked for while that took nothing.
    ends: bool,
    lines: Vec<u8>,
    names: Option<Names>,
    sealing: Option<Sealing>,
}

/// Lines that a run before this one had set aside: those that are in no file are set aside once more.
struct Sealing {
    writer: Writer,
    /// The journal's entries before this one are in the file.
    sealed: u64,
    /// The number of each record, and which of them is at hand.
    numbers: Vec<u64>,
    at: usize,
    lines: RawLines,
}

impl Sealing {
    fn of(room: Arc<Room>, opened: &Opened<Held, Origin>, numbers: Vec<u64>) -> Result<Sealing, Error> {
        let id = writer_id(opened.home());
        let last = room.settle(id, clock())?;
        let sealed = last.map_or(0, |last| last.number);
        if let Some(last) = last.filter(|last| last.number > opened.next()) {
            // The end of the journal is gone: what it spoke of is read again under numbers that were given before.
            room.disown(last)?;
            crate::run::say!(
                "sladd: the machine stopped before the state was on the disk: lines of the last sealed file may be sealed twice"
            );
        }
        Ok(Sealing { writer: Writer::new(room, id, last), sealed, numbers, at: 0, lines: RawLines::default() })
    }

    /// The next record is made again.
    fn begin(&mut self) {
        self.at += 1;
    }

    /// Its lines that were set aside.
    fn take(&mut self, lines: &mut RawLines) {
        let number = self.numbers[self.at - 1];
        match number < self.sealed {
            true => lines.clear(),
            false => self.lines.append(lines),
        }
    }

    /// Makes them durable. `next`: the number behind those of all records.
    fn end(&mut self, next: u64, now: Timestamp) -> Result<(), Error> {
        let refused = self.writer.take(&mut self.lines, now);
        if refused > 0 {
            let path = self.writer.room().path().display();
            crate::run::say!(
                "sladd: {refused} lines that were to be sealed found no room in `{path}`, and are dropped"
            );
        }
        match self.writer.deposit(next, Gather::Ends, now)? {
            Some(deposit) => deposit.make(|_| false),
            None => Ok(()),
        }
    }
}

/// The number of this state among the writers of a quarantine.
fn writer_id(home: &Home) -> WriterId {
    WriterId::of(&home.key().derive("writer of a quarantine"))
}

struct Then {
    label: String,
    follow: Follow,
    lane: Lane,
}

/// What a file got.
struct Share {
    /// Its path; of a spool and a store the directory.
    path: PathBuf,
    kind: Kept,
    takes: Takes,
}

/// How a share was written.
enum Kept {
    File,
    Spool,
    /// Divided by class and day.
    Store(Terms),
}

impl Share {
    fn is_of(&self, path: &Path) -> bool {
        match self.kind {
            Kept::File => self.path == path,
            Kept::Spool => spool::is_of(&self.path, path),
            Kept::Store(_) => path.starts_with(&self.path),
        }
    }
}

impl Recovery {
    /// Opens what was followed, as it stood at the checkpoint.
    fn of(
        opened: &Opened<Held, Origin>,
        read: &super::Read,
        now: &Loaded,
        room: Option<&Arc<Room>>,
        portion: usize,
    ) -> Result<Recovery, Error> {
        let Some(left) = opened.left() else { return Ok(Recovery::default()) };
        let digest = left.checkpoint.policy;
        let before = match opened.home().kept_policy(&digest)? {
            Some(text) if digest != now.digest => Some(read(&text)?),
            _ => None,
        };
        let policy = before.as_ref().map_or(&now.policy, |loaded| &loaded.policy);
        let keyring = keyring(policy)?;
        let mut recovery = Recovery { names: Some(Names::new(opened.home().key())?), ..Recovery::default() };
        let mut engines = Engines::default();
        for held in &left.checkpoint.sources {
            let input = policy.wiring.inputs.iter().find(|input| label(&input.from) == held.input);
            let Some(wiring::Input { from: From::Follow { patterns, from_end, compressed }, .. }) = input else {
                continue;
            };
            let input = input.expect("found above");
            let how = how(*from_end, *compressed);
            let mut follow = follow(opened, patterns, how, portion, &held.input, held.clone())?;
            let mut lane = Lane::new(policy, input, keyring.as_ref(), &mut engines)?;
            for position in &held.positions {
                restore(&mut follow, &mut lane, position)?;
            }
            recovery.inputs.push(Then { label: held.input.clone(), follow, lane });
        }
        // Lines go where they went.
        let room = if before.is_some() { quarantine::open(policy)? } else { room.cloned() };
        if let Some(room) = room {
            recovery.sealing = Some(Sealing::of(room, opened, left.numbers.clone())?);
        }
        let plan = lane::plan(policy, policy.wiring.inputs.first().ok_or_else(gone)?)?;
        let spools = sinks::spool_names(&policy.wiring.outputs);
        for (output, spool) in policy.wiring.outputs.iter().zip(spools) {
            let takes = Takes::of(output, &plan);
            match &output.to {
                To::File { path, .. } => {
                    recovery.outputs.push(Share { path: path.clone(), kind: Kept::File, takes });
                }
                To::Store(path) => {
                    let kind = Kept::Store(facts::terms(policy));
                    recovery.outputs.push(Share { path: path.clone(), kind, takes });
                }
                To::Remote(_) => {
                    let path = sinks::spools(opened.home())?.path().join(spool.unwrap_or_default());
                    recovery.outputs.push(Share { path, kind: Kept::Spool, takes });
                }
                To::Stdout => {
                    let stdout = Stdout::open().map_err(|error| sinks::cannot_write("standard output", &error))?;
                    recovery.stdout = Some((stdout, takes));
                }
            }
        }
        Ok(recovery)
    }

    /// A record's batches once more.
    fn remake(
        &mut self,
        record: &Record<Origin>,
        left: &crate::state::book::Left<Held, Origin>,
        (control, supervisor): (&Control, &mut Supervisor),
    ) -> Result<Remade, Error> {
        if let Some(sealing) = &mut self.sealing {
            sealing.begin();
        }
        let Some(then) = self.inputs.iter_mut().find(|then| then.label == record.source.input) else {
            return Ok(Remade::Gone);
        };
        let Some(source) = record.source.source else { return Ok(Remade::Gone) };
        self.lines.clear();
        let mut batch = Batch::default();
        let id = SourceId(source);
        if record.from < record.to {
            if !then.follow.replay(id, record.from, record.to, &mut self.lines)? {
                return Ok(Remade::Gone);
            }
            then.lane.run(source, (record.from, record.to), &self.lines, record.reference, &mut batch)?;
        } else {
            then.lane.close(source, record.reference, &mut batch)?;
        }
        if let Some(sealing) = &mut self.sealing {
            sealing.take(batch.raw_lines());
        }
        if let Some((stdout, takes)) = &mut self.stdout {
            let mut share = Batch::default();
            takes.share(&batch, &mut share);
            let mut taken = 0;
            while taken < share.bytes().len() {
                let more = stdout.write_some(&share, taken, LOOK).and_then(|more| match more {
                    0 if control.take_quits() > 0 => Err(std::io::ErrorKind::BrokenPipe.into()),
                    more => Ok(more),
                });
                supervisor.needs_longer();
                taken += more.map_err(|error| {
                    self.ends = error.kind() == std::io::ErrorKind::BrokenPipe;
                    sinks::cannot_write("standard output", &error)
                })?;
            }
        }
        if let Some(names) = &mut self.names {
            names.next(&record.source, (record.from, record.to));
        }
        // A store has a part for each of its files, in the order in which their records stand in the batch.
        let mut nth: HashMap<u16, usize> = HashMap::new();
        let mut share = |output: u16| {
            let before = nth.entry(output).or_default();
            let number = std::mem::replace(before, *before + 1);
            let mut share = Batch::default();
            let committed = left.checkpoint.outputs.get(usize::from(output))?;
            let of = self.outputs.iter().find(|of| of.is_of(committed.path()))?;
            of.takes.share(&batch, &mut share);
            match &of.kind {
                Kept::File => {}
                Kept::Spool => {
                    let whole = std::mem::take(&mut share);
                    whole.parcel(&self.names.as_ref()?.head(record.reference), &mut share);
                }
                Kept::Store(terms) => {
                    let (groups, _) = crate::store::divide(&share, terms, record.reference);
                    share = groups.into_iter().nth(number)?.1;
                }
            }
            Some(share)
        };
        Ok(Remade::Batches(record.parts.iter().map(|part| share(part.output).unwrap_or_default()).collect()))
    }

    /// An input of then that is one of now.
    fn take(&mut self, label: &str) -> Option<(Follow, Lane)> {
        let at = self.inputs.iter().position(|then| then.label == label)?;
        let Then { follow, lane, .. } = self.inputs.swap_remove(at);
        Some((follow, lane))
    }
}

/// Reads what stood before a position and matters to what stands behind it.
fn restore(follow: &mut Follow, lane: &mut Lane, position: &crate::input::follow::Position) -> Result<(), Error> {
    let (source, offset) = (position.source, position.offset());
    let mut lines = Vec::new();
    let mut note = |from: u64, to: u64, follow: &mut Follow, lane: &mut Lane| -> Result<(), Error> {
        lines.clear();
        if from < to && follow.read_again(source, from, to, &mut lines)? {
            lane.remember(source.0, (from, to), &lines);
        }
        Ok(())
    };
    if let Some((from, to)) = position.header {
        note(from, to, follow, lane)?;
    }
    note(position.context, offset, follow, lane)
}

/// So often a signal to end is looked for while standard output takes nothing.
const LOOK: std::time::Duration = std::time::Duration::from_millis(200);

const NOT_GUARDED: &str =
    "; secrets may be swapped out, because the system locks no memory for us: raise LimitMEMLOCK= (ulimit -l)";

fn gone() -> Error {
    Error::new(Kind::Config, "the policy that the state was written under has no input")
}
