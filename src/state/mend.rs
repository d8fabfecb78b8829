//! Outputs are put right after a crash, and after a run that ended because one could not be made durable. The book says what they
//! are made of; the caller makes the batches again.

use super::journal::Record;
use crate::{
    encode::Batch,
    error::{Error, Kind},
    output::segment::{Committed, Identity, Restored, Segment},
};
use std::collections::HashMap;

/// A record's batches, made again.
#[derive(Debug)]
pub enum Remade {
    /// One for each part, in their order.
    Batches(Vec<Batch>),
    /// Its source is gone.
    Gone,
}

/// Outputs as they have to be.
#[derive(Debug, Default)]
pub struct Mended {
    /// Each, as the checkpoint lists them.
    pub outputs: Vec<MendedOutput>,
    /// Records whose source is gone.
    pub sources_gone: u64,
}

/// One output as it has to be, and durable.
#[derive(Debug, Default)]
pub struct MendedOutput {
    /// The segment to go on with; `None` where it is gone, or has another name by now.
    pub segment: Option<Segment>,
    /// What became of its bytes.
    pub restored: Restored,
}

/// A segment that a checkpoint or a record names. `None` where it is gone.
struct Named {
    output: usize,
    identity: Identity,
    segment: Option<Segment>,
}

/// Puts all outputs right, as the last checkpoint and the records after it say. A second call after one that failed, or was
/// killed, does the rest. `dress` gives a file that lies hidden what it is hidden with; `None`: nobody can read it any more.
///
/// # Errors
/// What `dress` and `remake` say; [`Kind::Data`] where a record names no output; as [`Segment::open`]; [`Kind::Io`]
pub fn mend<S>(
    outputs: &[Committed],
    records: &[Record<S>],
    dress: impl Fn(Segment) -> Result<Option<Segment>, Error>,
    mut remake: impl FnMut(&Record<S>) -> Result<Remade, Error>,
) -> Result<Mended, Error> {
    let mut mended = Mended::default();
    let mut named: Vec<Named> = Vec::new();
    for (output, committed) in outputs.iter().enumerate() {
        mended.outputs.push(MendedOutput::default());
        let segment = Segment::resume(committed)?.map(&dress).transpose()?.flatten();
        named.push(Named { output, identity: committed.identity(), segment });
    }
    let last = last_cuts(records);
    for (number, record) in records.iter().enumerate() {
        let remade = remake(record)?;
        mended.sources_gone += u64::from(matches!(remade, Remade::Gone));
        for (at, part) in record.parts.iter().enumerate() {
            let output = usize::from(part.output);
            let Some(committed) = outputs.get(output) else {
                let why = "cannot put the outputs right: the journal names one that the checkpoint does not";
                return Err(Error::new(Kind::Data, why));
            };
            let restored = &mut mended.outputs[output].restored;
            // The open files of a store are listed each for itself, and written as parts of one output.
            let beside = |named: &Named| {
                named.output == output || outputs[named.output].path().parent() == committed.path().parent()
            };
            let position = named.iter().position(|named| named.identity == part.segment && beside(named));
            let position = match position {
                Some(position) => position,
                None => {
                    let segment = Segment::find(committed.path(), part.segment)?.map(&dress).transpose()?.flatten();
                    named.push(Named { output, identity: part.segment, segment });
                    named.len() - 1
                }
            };
            let Some(segment) = &mut named[position].segment else {
                restored.taken_away += part.bytes;
                continue;
            };
            // Somebody cut the file after it was written, and it has grown since: these bytes are not in it any more.
            if last.get(&part.segment).is_some_and(|&cut| number < cut) {
                restored.taken_away += part.bytes;
                continue;
            }
            restored.add(match &remade {
                Remade::Batches(batches) => {
                    let batch = batches.get(at).ok_or_else(|| {
                        Error::new(Kind::Io, "cannot put the outputs right: a batch was not made again")
                    })?;
                    segment.recover(part.before, part.bytes, batch)?
                }
                Remade::Gone => segment.settle_torn(part.before, part.bytes)?,
            });
        }
    }
    for Named { output, segment, .. } in named {
        let Some(mut segment) = segment else { continue };
        let mended = &mut mended.outputs[output];
        mended.restored.cut += segment.finish_recovery()?;
        segment.sync()?;
        // Of several the last that is in place; a file that was moved away is done.
        if segment.is_in_place() {
            mended.segment = Some(segment);
        }
    }
    Ok(mended)
}

/// For each segment that was cut by somebody else, the first record after that was done.
fn last_cuts<S>(records: &[Record<S>]) -> HashMap<Identity, usize> {
    let mut ends: HashMap<Identity, u64> = HashMap::new();
    let mut cuts = HashMap::new();
    for (number, record) in records.iter().enumerate() {
        for part in &record.parts {
            if ends.insert(part.segment, part.before + part.bytes).is_some_and(|end| part.before < end) {
                cuts.insert(part.segment, number);
            }
        }
    }
    cuts
}
