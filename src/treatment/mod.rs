//! Value → minimised value. One treatment per file.
//!
//! Comes in: a line, its [`Record`], a [`Step`] a field. Goes out: [`Treated`], the only thing an encoder is given: it can
//! reach what a step let through or made, and no other byte of the line. A treatment knows nothing of formats, policies
//! or encodings, and what it makes needs no escape in any format. The smallest example to copy is `language.rs`.

mod address;
mod cache;
pub mod coarsen;
pub mod cookie;
pub mod drop;
mod escape;
pub mod family;
pub mod keep;
pub mod keys;
pub mod language;
mod list;
pub mod names;
pub mod origin;
mod parameter;
pub mod path;
pub mod pseudonym;
pub mod query;
pub mod scrub;
mod segment;
pub mod truncate;

use crate::{
    detect::Detector,
    record::{Blank, Record, Schema, Span, State},
};
use coarsen::Coarsen;
use keep::Grammar;
use keys::Keys;
use language::Language;
use pseudonym::Pseudonym;
use truncate::Truncate;

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
    /// The keys of pseudonyms, and what was made with them.
    pub keys: Keys,
    /// For whoever needs to unescape a value. Its content means nothing between two calls.
    pub buffer: Vec<u8>,
    /// Another such.
    pub spare: Vec<u8>,
    /// The families of the agents that were seen last.
    pub families: family::Cache,
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
#[derive(Clone, Debug)]
pub enum Step {
    /// Rounds a time or a number down.
    Coarsen(Coarsen),
    /// Withholds the value.
    Drop,
    /// Lets a value stand that passes its grammar.
    Keep(Grammar),
    /// A language header's primary tag.
    Language,
    /// A keyed pseudonym.
    Pseudonym(Pseudonym),
    /// Addresses cut to a prefix.
    Truncate(Truncate),
}

impl Step {
    #[inline]
    fn treat(&self, value: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
        match self {
            Step::Coarsen(step) => step.treat(value, aid, made),
            Step::Drop => drop::Drop.treat(value, aid, made),
            Step::Keep(step) => step.treat(value, aid, made),
            Step::Language => Language.treat(value, aid, made),
            Step::Pseudonym(step) => step.treat(value, aid, made),
            Step::Truncate(step) => step.treat(value, aid, made),
        }
    }
}

/// Per-worker memory of treated values.
#[derive(Debug, Default)]
pub struct Scratch {
    slots: Vec<Slot>,
    made: Vec<u8>,
}

/// A record after treatment: all that an encoder is given.
///
/// Only [`treat`] makes one, so that nobody else can say where an outgoing value lies:
/// ```compile_fail,E0451
/// use sladd::{record::{Record, Schema}, treatment::{Scratch, Treated}};
/// let (schema, record, scratch) = (Schema::default(), Record::default(), Scratch::default());
/// let forged = Treated { schema: &schema, line: b"203.0.113.7", record: &record, scratch: &scratch };
/// ```
/// ```compile_fail,E0603
/// use sladd::{record::Span, treatment::Slot};
/// let forged = Slot::Kept(Span::new(0, 11));
/// ```
/// ```compile_fail,E0616
/// use sladd::treatment::Scratch;
/// let mut scratch = Scratch::default();
/// scratch.slots.clear();
/// ```
/// And its holder cannot reach the line:
/// ```compile_fail,E0616
/// fn encode(record: &sladd::treatment::Treated<'_>) -> usize {
///     record.line.len()
/// }
/// ```
/// What it can do:
/// ```
/// fn encode(record: &sladd::treatment::Treated<'_>, out: &mut Vec<u8>) {
///     record.layout(|piece| out.extend_from_slice(piece));
/// }
/// ```
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

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.scratch.slots.is_empty()
    }

    /// The outgoing bytes of value `i`; `None` where it is absent or withheld.
    #[inline]
    pub fn value(&self, i: usize) -> Option<&'a [u8]> {
        match self.scratch.slots[i] {
            Slot::Absent | Slot::Dropped => None,
            Slot::Kept(span) => Some(span.of(self.line)),
            Slot::Made(span) => Some(span.of(&self.scratch.made)),
        }
    }

    /// Whether the line had value `i` at all.
    #[inline]
    pub fn stood(&self, i: usize) -> bool {
        !matches!(self.scratch.slots[i], Slot::Absent)
    }

    /// Whether value `i` stands as it came, whole or in part: a bare JSON value is still one.
    #[inline]
    pub fn kept(&self, i: usize) -> bool {
        matches!(self.scratch.slots[i], Slot::Kept(_))
    }

    /// Hands the record out in its own fixed layout, in as few pieces as can be.
    ///
    /// Neighbouring kept values and the literals between them come as one piece: each literal stands right before its
    /// value, so where the gap has exactly the literal's length, it is the literal.
    #[inline]
    pub fn layout(&self, mut piece: impl FnMut(&[u8])) {
        let made = &self.scratch.made[..];
        // The bytes of the line that wait to be handed out: empty, or a run of kept values and their literals.
        let (mut from, mut to) = (0, 0);
        for (item, slot) in self.schema.items.iter().zip(&self.scratch.slots) {
            let literal = &item.literal[..];
            if let Slot::Kept(span) = *slot {
                let (start, end) = (span.start as usize, span.end as usize);
                if from < to && start == to + literal.len() {
                    to = end;
                    continue;
                }
                if from < to {
                    piece(&self.line[from..to]);
                }
                piece(literal);
                (from, to) = (start, end);
                continue;
            }
            if matches!(slot, Slot::Absent) {
                continue;
            }
            if from < to {
                piece(&self.line[from..to]);
                (from, to) = (0, 0);
            }
            match *slot {
                Slot::Made(span) => {
                    piece(literal);
                    piece(span.of(made));
                }
                Slot::Absent | Slot::Dropped | Slot::Kept(_) => match item.blank {
                    Blank::Gone => {}
                    Blank::Empty => piece(literal),
                    Blank::Dash => {
                        piece(literal);
                        piece(b"-");
                    }
                    Blank::Null => {
                        piece(literal);
                        piece(b"null");
                    }
                },
            }
        }
        let tail = &self.schema.tail[..];
        if from < to {
            if self.line[to..] == *tail {
                return piece(&self.line[from..]);
            }
            piece(&self.line[from..to]);
        }
        piece(tail);
    }
}

/// Treats each value of `record` by the step of its field.
///
/// A value that says that there is none (empty, `-`, in JSON also `null`) stands as it came, whatever the step.
#[inline]
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
    let nulls = !record.marks.is_empty();
    for value in &record.values {
        let slot = match value.state {
            State::Absent => Slot::Absent,
            State::Ambiguous | State::Cut => Slot::Dropped,
            State::Present => {
                let bytes = value.span.of(line);
                if missing(bytes, nulls) {
                    Slot::Kept(value.span)
                } else {
                    let start = scratch.made.len();
                    match steps[value.field as usize].treat(bytes, aid, &mut scratch.made) {
                        Outcome::Dropped => Slot::Dropped,
                        Outcome::Kept => Slot::Kept(value.span),
                        Outcome::Part(from, to) => {
                            debug_assert!(from <= to && to as usize <= bytes.len());
                            Slot::Kept(Span { start: value.span.start + from, end: value.span.start + to })
                        }
                        Outcome::Made => Slot::Made(Span::new(start, scratch.made.len())),
                    }
                }
            }
        };
        scratch.slots.push(slot);
    }
    Treated { schema, line, record, scratch }
}

/// Whether a value says that there is none.
#[inline]
fn missing(value: &[u8], nulls: bool) -> bool {
    match value {
        b"" | b"-" => true,
        b"null" => nulls,
        _ => false,
    }
}
