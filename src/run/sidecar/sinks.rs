//! The outputs: what of a batch goes to which, and how it gets there.

use crate::{
    encode::Batch,
    error::{Error, Kind},
    output::{
        Output,
        segment::{Committed, Every, Fault, Flush, Rotation, Segment},
        stdout::Stdout,
    },
    plan::Plan,
    policy::wiring::{self, Rotate, To},
    retention::ClassId,
    state::journal::Part,
    time::Timestamp,
};
use std::num::{NonZeroU32, NonZeroU64};

/// All outputs.
pub(super) struct Sinks {
    list: Vec<Sink>,
    /// What of the batch at hand goes to each.
    shares: Vec<Batch>,
}

/// One output.
struct Sink {
    target: Target,
    takes: Takes,
    figures: Figures,
}

/// What an output took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    pub records: u64,
    pub bytes: u64,
    pub last_write: Option<Timestamp>,
    pub rotations: u64,
    pub errors: u64,
    pub last_error: Option<std::io::ErrorKind>,
}

enum Target {
    File { segment: Box<Segment>, rotation: Option<Rotation> },
    Stdout(Output),
}

/// Which classes an output gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Takes(Option<Vec<bool>>);

impl Takes {
    /// As the wiring says, in the numbers of a plan.
    pub(super) fn of(output: &wiring::Output, plan: &Plan) -> Takes {
        let named = |name: &str| output.classes.iter().any(|class| **class == *name);
        Takes((!output.classes.is_empty()).then(|| plan.class_names().map(named).collect()))
    }

    pub(super) fn share(&self, batch: &Batch, into: &mut Batch) {
        match &self.0 {
            None => {
                into.clear();
                into.append(batch);
            }
            Some(classes) => batch.only(|ClassId(class)| classes.get(usize::from(class)) == Some(&true), into),
        }
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
        outputs: &[wiring::Output],
        plan: &Plan,
        now: Timestamp,
        mut found: impl FnMut(&std::path::Path) -> Option<Segment>,
    ) -> Result<Sinks, Error> {
        let mut list = Vec::new();
        for output in outputs {
            let target = match &output.to {
                To::File { path, rotate } => {
                    let segment = found(path).map_or_else(|| Segment::open(path, now), Ok)?;
                    Target::File { segment: Box::new(segment), rotation: rotation(rotate) }
                }
                To::Stdout => Target::Stdout(Output::Stdout(
                    Stdout::open().map_err(|error| cannot_write("standard output", &error))?,
                )),
                To::NotBuilt(what) => return Err(not_built(&format!("[[output]] `{what}`"))),
            };
            list.push(Sink { target, takes: Takes::of(output, plan), figures: Figures::default() });
        }
        let shares = list.iter().map(|_| Batch::default()).collect();
        Ok(Sinks { list, shares })
    }

    /// The same outputs under another plan, whose classes may have other numbers.
    pub(super) fn rename(&mut self, outputs: &[wiring::Output], plan: &Plan) {
        for (sink, output) in self.list.iter_mut().zip(outputs) {
            sink.takes = Takes::of(output, plan);
        }
    }

    /// Divides a batch among the outputs, and says what of it goes to each file.
    pub(super) fn divide(&mut self, batch: &Batch) -> Result<Vec<Part>, Error> {
        let mut parts = Vec::new();
        let mut number = 0;
        for (sink, share) in self.list.iter_mut().zip(&mut self.shares) {
            sink.takes.share(batch, share);
            if let Target::File { segment, .. } = &sink.target {
                let bytes = share.bytes().len() as u64;
                if bytes > 0 {
                    parts.push(Part { output: number, segment: segment.identity(), before: segment.length()?, bytes });
                }
                number += 1;
            }
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
                        sink.figures.errors += 1;
                        sink.figures.last_error = Some(fault.error.kind());
                        return Err(Stopped::Later { sink: number, fault });
                    }
                }
                Target::Stdout(output) => match output.write(share) {
                    Ok(()) => {}
                    Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Err(Stopped::Gone),
                    Err(error) => return Err(Stopped::Failed(cannot_write("standard output", &error))),
                },
            }
            taken = 0;
            if !share.is_empty() {
                sink.figures.bytes += share.bytes().len() as u64;
                sink.figures.records += memchr::memchr_iter(b'\n', share.bytes()).count() as u64;
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
        let files = self.list.iter_mut().filter_map(|sink| match &mut sink.target {
            Target::File { segment, .. } => Some(segment.sync()),
            Target::Stdout(_) => None,
        });
        files.collect()
    }

    /// What is in the files now, and what makes it durable on another thread.
    ///
    /// # Errors
    /// As [`Segment::flush`].
    pub(super) fn flush(&mut self) -> Result<(Vec<Committed>, Vec<Flush>), Error> {
        let files = self.list.iter_mut().filter_map(|sink| match &mut sink.target {
            Target::File { segment, .. } => Some(segment.flush()),
            Target::Stdout(_) => None,
        });
        files.collect()
    }

    /// Puts aside the segments that are due. Whether there were any: then a checkpoint has to follow.
    ///
    /// # Errors
    /// As [`Segment::rotate`].
    pub(super) fn rotate(&mut self, now: Timestamp) -> Result<bool, Error> {
        let mut any = false;
        for sink in &mut self.list {
            if let Target::File { segment, rotation: Some(rotation) } = &mut sink.target
                && segment.is_due(rotation, segment.length()?, 0, now)
            {
                segment.rotate(rotation, now)?;
                sink.figures.rotations += 1;
                any = true;
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
        self.list.iter().map(|sink| sink.figures)
    }
}

pub(super) fn not_built(what: &str) -> Error {
    Error::new(Kind::Config, format!("{what} is not built in this version; leave it out, or use another"))
}

pub(super) fn cannot_write(what: &str, error: &std::io::Error) -> Error {
    Error::new(Kind::Io, format!("cannot write to {what}: {error}"))
}
