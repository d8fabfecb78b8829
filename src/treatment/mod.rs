//! Value → minimised value. One treatment per file.
//!
//! Comes in: a line, its [`Record`], a [`Step`] a field. Goes out: [`Treated`], the only thing an encoder is given: it can
//! reach what a step let through or made, and no other byte of the line. A treatment knows nothing of formats, policies
//! or encodings, and writes what it makes in the escape the value came in. The smallest example to copy is `language.rs`.

pub mod pseudonym;

use crate::{
    detect::Detector,
    record::{Blank, Record, Schema, Span, State},
};

/// What becomes of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing of it may leave.
    Dropped,
    /// All of it passed and may leave as it stands.
    Kept,
    /// This part of it (bytes from its start) passed and may leave.
    Part(u32, u32),
    /// What leaves was appended to the given buffer.
    Made,
}

/// What every treatment may use: per-worker memory, reused from line to line.
#[derive(Debug, Default)]
pub struct Aid {
    /// Finds identifiers in text.
    pub detector: Detector,
}

/// Where an outgoing value lies. Only this module can make one.
#[derive(Clone, Copy, Debug)]
enum Slot {
    /// Not in the line: its literal is not printed either.
    Absent,
    /// Withheld: the layout's blank is printed.
    Dropped,
    /// Bytes of the line.
    Kept(Span),
    /// Bytes that a treatment made.
    Made(Span),
}

/// One treatment, ready to run.
#[derive(Debug)]
pub enum Step {
    /// Withholds the value.
    Drop,
}

impl Step {
    fn treat(&self, value: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
        let _ = (value, aid, made);
        match self {
            Step::Drop => Outcome::Dropped,
        }
    }
}

/// Per-worker memory of treated values.
#[derive(Debug, Default)]
pub struct Scratch {
    slots: Vec<Slot>,
    made: Vec<u8>,
}

/// A record after treatment.
pub struct Treated<'a> {
    schema: &'a Schema,
    line: &'a [u8],
    record: &'a Record,
    scratch: &'a Scratch,
}

impl<'a> Treated<'a> {
    /// The format's schema.
    pub fn schema(&self) -> &'a Schema {
        self.schema
    }

    /// The record's marks and blanks; its spans are of no use without the line.
    pub fn record(&self) -> &'a Record {
        self.record
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.scratch.slots.len()
    }

    /// The outgoing bytes of value `i`; `None` where it is absent or withheld.
    pub fn value(&self, i: usize) -> Option<&'a [u8]> {
        match self.scratch.slots[i] {
            Slot::Absent | Slot::Dropped => None,
            Slot::Kept(span) => Some(span.of(self.line)),
            Slot::Made(span) => Some(span.of(&self.scratch.made)),
        }
    }

    /// Whether the line had value `i` at all.
    pub fn stood(&self, i: usize) -> bool {
        !matches!(self.scratch.slots[i], Slot::Absent)
    }

    /// Hands the record out in its own fixed layout, in as few pieces as can be.
    ///
    /// Neighbouring kept values and the literals between them come as one piece: the parser has found the literal there,
    /// and its length is checked here.
    #[inline]
    pub fn layout(&self, mut piece: impl FnMut(&[u8])) {
        let mut run = Span { start: 0, end: 0 };
        for (item, slot) in self.schema.items.iter().zip(&self.scratch.slots) {
            let (blank, kept) = match *slot {
                Slot::Absent => continue,
                Slot::Dropped => (item.blank, None),
                Slot::Kept(span) => (item.blank, Some(Ok(span))),
                Slot::Made(span) => (item.blank, Some(Err(span))),
            };
            let _ = (blank, kept);
            let _ = (&mut run, &mut piece, Blank::Dash);
        }
    }
}

/// Treats each value of `record` by the step of its field.
pub fn treat<'a>(
    steps: &[Step],
    schema: &'a Schema,
    line: &'a [u8],
    record: &'a Record,
    aid: &mut Aid,
    scratch: &'a mut Scratch,
) -> Treated<'a> {
    scratch.slots.clear();
    scratch.made.clear();
    for value in &record.values {
        let slot = match value.state {
            State::Absent => Slot::Absent,
            State::Ambiguous | State::Cut => Slot::Dropped,
            State::Present => {
                let bytes = value.span.of(line);
                let start = scratch.made.len() as u32;
                match steps[value.field as usize].treat(bytes, aid, &mut scratch.made) {
                    Outcome::Dropped => Slot::Dropped,
                    Outcome::Kept => Slot::Kept(value.span),
                    Outcome::Part(from, to) => {
                        Slot::Kept(Span { start: value.span.start + from, end: value.span.start + to })
                    }
                    Outcome::Made => Slot::Made(Span { start, end: scratch.made.len() as u32 }),
                }
            }
        };
        scratch.slots.push(slot);
    }
    Treated { schema, line, record, scratch }
}

/// For tests of formats and encodings: treats each value by a function, which is given its field.
#[cfg(test)]
pub(crate) fn treat_by<'a>(
    schema: &'a Schema,
    line: &'a [u8],
    record: &'a Record,
    scratch: &'a mut Scratch,
    mut by: impl FnMut(u16, &[u8], &mut Vec<u8>) -> Outcome,
) -> Treated<'a> {
    scratch.slots.clear();
    scratch.made.clear();
    for value in &record.values {
        let start = scratch.made.len() as u32;
        scratch.slots.push(match value.state {
            State::Absent => Slot::Absent,
            State::Ambiguous | State::Cut => Slot::Dropped,
            State::Present => match by(value.field, value.span.of(line), &mut scratch.made) {
                Outcome::Dropped => Slot::Dropped,
                Outcome::Kept => Slot::Kept(value.span),
                Outcome::Part(from, to) => {
                    Slot::Kept(Span { start: value.span.start + from, end: value.span.start + to })
                }
                Outcome::Made => Slot::Made(Span { start, end: scratch.made.len() as u32 }),
            },
        });
    }
    Treated { schema, line, record, scratch }
}
