//! Bulk: files and directories → files of the same names, or the same files, or standard output.
//!
//! Goes in: an [`Order`]. Comes out: a [`Report`], and outputs that are whole or not there. Every worker reads, minimises and
//! writes; one more commits what is finished. A run that was killed is taken up where it was: what has its name is done.
//! Files are read and not mapped: one that is cut meanwhile must not kill the run.

mod crew;
mod feed;
mod office;
mod plan;
mod reading;
mod report;
mod verify;
pub mod walk;

pub use crew::Progress;
pub use report::{INTERRUPTED, Report, Trouble};
pub use verify::{Verified, verify};

use super::{
    Signals,
    guard::Guard,
    worker::{Task, Worker},
};
use crate::{
    engine::Due,
    epoch::Epoch,
    error::{Error, Kind},
    input::file::Identity,
    key::Keyring,
    output::packer::Compression,
    plan::Plan,
    policy::Policy,
    state::{
        job,
        manifest::{self, Counts, Entry, Outcome},
        shard::Shard,
    },
    time::Timestamp,
};
use crew::{Crew, Errand};
use office::Office;
use plan::{Ledgers, Todo};
use rustix::{
    event::{PollFd, PollFlags, Timespec},
    pipe::{PipeFlags, pipe_with},
};
use std::{
    collections::VecDeque,
    os::fd::{AsFd, OwnedFd},
    path::PathBuf,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

/// What is to be done.
#[derive(Debug)]
pub struct Order<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// Its text as it was written.
    pub policy_text: String,
    /// The digest of all that the policy says, in hexadecimal.
    pub policy_digest: String,
    /// The digest of what else decides the output, in hexadecimal.
    pub options: String,
    /// The policy, compiled.
    pub plan: Arc<Plan>,
    /// The files.
    pub found: walk::Found,
    /// Where outputs go.
    pub whither: Whither,
    /// How outputs are packed; `None`: as their inputs are.
    pub compress: Option<Compression>,
    /// How many work at once.
    pub threads: usize,
    /// Over this, a line is cut.
    pub max_line_bytes: usize,
    /// Beyond 64 MiB, so many times its size may come out of a file.
    pub max_ratio: u64,
    /// More malformed lines than this, in percent, end a file.
    pub malformed_limit: Option<f64>,
    /// The time of records that have none; `None`: when their file was last written.
    pub reference: Option<Timestamp>,
    /// What happens to records whose time to be deleted has come.
    pub due: Due,
    /// The judge reads every record again.
    pub guard: bool,
    /// Of the files, those that are ours.
    pub shard: Option<Shard>,
    /// Originals go once their outputs are durable.
    pub remove_originals: bool,
    /// The time it is.
    pub now: Timestamp,
}

/// Where outputs go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whither {
    /// Below this directory, under the names of the inputs.
    Directory(PathBuf),
    /// In the place of the inputs.
    InPlace,
    /// To standard output, one after the other.
    Stdout,
}

impl Order<'_> {
    /// What the manifest calls an input: in place its name in its own directory, else below the directory that holds all.
    pub fn key_of(&self, item: &walk::Item) -> String {
        match self.whither {
            Whither::InPlace => item.name.file_name().map(manifest::name).unwrap_or_default(),
            Whither::Directory(_) | Whither::Stdout => manifest::written(&item.name),
        }
    }

    /// Whether something was made under this policy and these options.
    pub fn made_it(&self, entry: &Entry) -> bool {
        entry.policy_digest == self.policy_digest && entry.options == self.options
    }

    /// Whether all of an input was minimised as it is asked for, and the input is what it was then.
    pub fn is_done(&self, entry: &Entry, item: &walk::Item) -> bool {
        entry.outcome == Outcome::Done && entry.source.is_still(&item.identity) && self.made_it(entry)
    }

    /// What the manifest says of an input of which nothing was made, for whoever knows more to add it.
    fn entry(&self, item: &walk::Item, source: &Identity) -> Entry {
        Entry {
            path: self.key_of(item),
            source: source.into(),
            packing: "unknown".to_owned(),
            outcome: Outcome::Failed,
            output: None,
            policy: format!("{}/{}", self.policy.name, self.policy.version),
            policy_digest: self.policy_digest.clone(),
            options: self.options.clone(),
            keys: None,
            counts: Counts::default(),
            recorded: manifest::rfc3339(self.now),
            origin: self.origin_of(item),
            removes: false,
        }
    }

    /// The same for an input as it is, under the same policy and options, and for no other.
    fn digest_of(&self, item: &walk::Item) -> [u8; 32] {
        let Identity { size, modified, inode, .. } = &item.identity;
        let what = (manifest::written(&item.path), size, modified, inode, &self.policy_digest, &self.options);
        *blake3::hash(format!("{what:?}").as_bytes()).as_bytes()
    }

    /// Where an input is, where its output stands elsewhere.
    fn origin_of(&self, item: &walk::Item) -> String {
        match self.whither {
            Whither::InPlace => String::new(),
            Whither::Directory(_) | Whither::Stdout => manifest::written(&item.path),
        }
    }

    /// Whether an output may be replaced by what is made of an input: not where it may be all that is left of another.
    pub fn may_replace(&self, entry: &Entry, item: &walk::Item) -> bool {
        let other = entry.removes || !entry.origin.is_empty() && entry.origin != self.origin_of(item);
        entry.source.is_still(&item.identity) || !other
    }
}

/// How much there is to do, for whoever shows how far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// Files.
    pub files: u64,
    /// Bytes as they are on the disk.
    pub bytes: u64,
}

/// Runs until everything is done, somebody asks it to end, or it cannot go on. `show` is called ten times a second.
///
/// # Errors
/// It could not begin. How a run ended that did is in the [`Report`].
pub fn bulk(order: &Order, signals: &Signals, mut show: impl FnMut(&Progress, Total)) -> Result<Report, Error> {
    let began = Instant::now();
    let mut report = Report::default();
    allow_descriptors();
    for skipped in &order.found.skipped {
        match skipped.kind {
            Some(kind) => report.fault(&skipped.path, &skipped.why, kind),
            None => report.note(&skipped.path, &*skipped.why),
        }
    }
    let (mut ledgers, todo) = plan::plan(order, &mut report)?;
    let progress = Progress::default();
    // A call that found nothing to do and nothing done ends nobody's job.
    let ends = !todo.is_empty() || report.faults.is_empty() && (report.already > 0 || order.shard.is_some());
    let report = match todo.is_empty() {
        true => report,
        false => run(order, &mut ledgers, &todo, &progress, report, signals, &mut show)?,
    };
    let mut report = Report { bytes_read: progress.bytes.load(Relaxed), took: began.elapsed(), ..report };
    if !report.stopped && report.failure.is_none() {
        if let Err(error) = plan::note_failures(order, &mut ledgers, &todo) {
            report.failure = Some(error);
        }
        if let Some(ledger) = ledgers.main()
            && ends
            && plan::others_are_done(order)
            && let Err(error) = job::end(ledger.room(), order.now)
        {
            report.failure = Some(error);
        }
    }
    ledgers.by_home.into_values().for_each(crate::state::ledger::Ledger::tidy);
    Ok(report)
}

/// In place every directory has its own state open: as many descriptors as we may have.
fn allow_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // Where that is refused, the error says so when they run out.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

/// What pseudonyms are made with.
#[derive(Default)]
struct Keys {
    keyring: Option<Keyring>,
    /// The one epoch of all records, where the job has one key.
    epoch: Option<Epoch>,
    /// As the manifest says it.
    said: Option<String>,
}

/// Secrets, where the plan needs any.
fn keys(order: &Order, ledgers: &Ledgers) -> Result<Keys, Error> {
    let Some(period) = order.plan.period() else { return Ok(Keys::default()) };
    let of_job = |keyring, epoch| {
        let said = Some(format!("job {}", period.dashed(epoch).as_str()));
        Keys { keyring: Some(keyring), epoch: Some(epoch), said }
    };
    if let Some(directory) = &order.policy.keys.directory {
        let keyring = crate::run::keys::open(directory, period, &order.policy.keys)?;
        return Ok(Keys { keyring: Some(keyring), epoch: None, said: Some("directory".to_owned()) });
    }
    match ledgers.main() {
        Some(ledger) => {
            let scratch = ledger.scratch();
            let job = job::Job::join(ledger.room(), scratch.place(), &scratch.name(), order.now)?;
            let (keyring, epoch) = job.keyring(period)?;
            Ok(of_job(keyring, epoch))
        }
        None => {
            let epoch = period.epoch(order.now);
            Ok(of_job(Keyring::memory(period), epoch))
        }
    }
}

fn run(
    order: &Order,
    ledgers: &mut Ledgers,
    todo: &[Todo],
    progress: &Progress,
    report: Report,
    signals: &Signals,
    show: &mut impl FnMut(&Progress, Total),
) -> Result<Report, Error> {
    let Keys { keyring, epoch, said } = keys(order, ledgers)?;
    let task = Task {
        plan: order.plan.clone(),
        keyring: keyring.map(Arc::new),
        reference: order.reference,
        due: order.due,
        epoch,
        alarm: crate::run::worker::say_alarm,
    };
    let worker = |_| {
        let worker = Worker::new(&task);
        Ok(if order.guard { worker.guarded(Guard::new(order.policy)?) } else { worker })
    };
    let threads = order.threads.max(1);
    let workers = (0..threads).map(worker).collect::<Result<Vec<Worker>, Error>>()?;
    let errands = match order.whither {
        Whither::Stdout => {
            VecDeque::from([Errand { number: 0, items: todo.iter().map(|todo| todo.item.clone()).collect() }])
        }
        Whither::Directory(_) | Whither::InPlace => todo
            .iter()
            .enumerate()
            .map(|(number, todo)| Errand { number, items: VecDeque::from([todo.item.clone()]) })
            .collect(),
    };
    let total = Total { files: todo.len() as u64, bytes: todo.iter().map(|todo| todo.item.identity.size).sum() };
    let (ready, to_commit) = crossbeam_channel::bounded(READY_FILES);
    let office = Office {
        order,
        todo,
        progress,
        targets: todo.iter().map(|_| OnceLock::new()).collect(),
        report: Mutex::new(report),
        ready: Mutex::new(Some(ready)),
        keys: said,
        quarantine: crate::run::quarantine::open(order.policy)?,
    };
    let (failure, not_begun) = {
        let office = &office;
        let crew = &Crew::new(office, progress, errands, order.max_line_bytes, order.max_ratio, order.reference);
        let (done, at_work) = pipe_with(PipeFlags::CLOEXEC).map_err(|error| cannot_start(&error.into()))?;
        let at_work = Arc::new(at_work);
        let left = &AtomicUsize::new(threads);
        thread::scope(|scope| {
            let committer = thread::Builder::new().name("sladd-commit".to_owned());
            let ledgers = &mut *ledgers;
            let (hold, to_commit) = (at_work.clone(), &to_commit);
            let started = committer.spawn_scoped(scope, move || {
                office.commit(to_commit, ledgers, |error| crew.fail(error));
                drop(hold);
            });
            if let Err(error) = started {
                crew.fail(cannot_start(&error));
            }
            for mut worker in workers {
                let hold = at_work.clone();
                let leave = move || {
                    if left.fetch_sub(1, Relaxed) == 1 {
                        office.close();
                    }
                    drop(hold);
                };
                let work = move || {
                    crew.work(&mut worker);
                    leave();
                };
                let started = thread::Builder::new().name("sladd-worker".to_owned()).spawn_scoped(scope, work);
                if let Err(error) = started {
                    crew.fail(cannot_start(&error));
                    if left.fetch_sub(1, Relaxed) == 1 {
                        office.close();
                    }
                }
            }
            drop(at_work);
            supervise(crew, &done, signals, || show(progress, total))
        })?;
        (crew.failure(), crew.not_begun())
    };
    let mut report = office.report.into_inner().unwrap_or_else(PoisonError::into_inner);
    report.failure = failure;
    // A run that ends between two files has nothing under way, and is as little done.
    report.stopped |= not_begun > 0;
    Ok(report)
}

/// Waits until all are done, shows how far they are, and stops them when somebody asks.
fn supervise(
    crew: &Crew<'_, Office<'_>>,
    done: &OwnedFd,
    signals: &Signals,
    mut show: impl FnMut(),
) -> Result<(), Error> {
    let mut asked: Option<Instant> = None;
    loop {
        let [quit, reopen] = signals.fds();
        let mut fds = [done.as_fd(), quit, reopen].map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
        let tick = Timespec::try_from(TICK).ok();
        match rustix::event::poll(&mut fds, tick.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => {
                crew.stop();
                return Err(cannot_start(&error.into()));
            }
        }
        if !fds[0].revents().is_empty() {
            return Ok(());
        }
        signals.take_reopens();
        if signals.take_quits() > 0 {
            // Shells and `timeout` send the same signal to a process and to its group: that is one request.
            if asked.is_some_and(|first| first.elapsed() > ONE_REQUEST) {
                // What has no name yet is taken away by the next run.
                std::process::exit(INTERRUPTED.into());
            }
            asked.get_or_insert_with(Instant::now);
            crew.stop();
        }
        show();
    }
}

/// How often it is shown how far the run is.
const TICK: Duration = Duration::from_millis(100);

/// Signals that come within so long of the first are the same request.
const ONE_REQUEST: Duration = Duration::from_millis(300);

fn cannot_start(error: &std::io::Error) -> Error {
    Error::new(Kind::Io, format!("cannot start: {error}"))
}

/// So many finished files may wait for their names.
const READY_FILES: usize = 64;
