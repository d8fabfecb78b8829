//! Value → minimised value. One treatment per file.
//!
//! Comes in: a line, its [`Record`], a [`Step`] a field. Goes out: [`Treated`], the only thing an encoder is given: it can
//! reach what a step let through or made, and no other byte of the line. A treatment knows nothing of formats, policies
//! or encodings, and what it makes needs no escape in any format. The smallest example to copy is `language.rs`.

mod address;
mod cache;
pub mod coarsen;
pub mod cookie;
pub mod country;
pub mod drop;
mod escape;
pub mod family;
mod flat;
mod found;
pub mod harmless;
mod host;
pub mod keep;
pub mod keys;
pub mod language;
mod list;
mod met;
pub mod name;
pub mod names;
mod object;
pub mod origin;
mod parameter;
pub mod path;
mod pieces;
pub mod pseudonym;
pub mod query;
mod repeated;
pub mod reversible;
pub mod scrub;
mod segment;
pub mod truncate;

pub(crate) use escape::unescape;
pub(crate) use flat::Heads;

use crate::{
    detect::Detector,
    record::{Blank, Blanks, Clock, Item, Mark, Proven, Record, Schema, Span, State, Value},
};
pub use found::Found;
pub use object::{foresee, lay_object, settled};

use coarsen::Coarsen;
use cookie::Cookie;
use country::Country;
use family::Family;
use keep::Grammar;
use language::Language;
use name::Name;
use origin::Origin;
use path::Path;
use pseudonym::{Keys, Pseudonym};
use query::Query;
use scrub::Scrub;
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
    /// Paths that were read closely and may leave as they stand.
    pub paths: path::Memory,
    /// Names of parameters that say nothing.
    pub mute: query::Mute,
    /// The last instant that passed.
    pub instant: keep::Instant,
    /// The keys of pseudonyms, and what was made with them.
    pub keys: Keys,
    /// For whoever needs to unescape a value. Its content means nothing between two calls.
    pub buffer: Vec<u8>,
    /// Another such.
    pub spare: Vec<u8>,
    /// The families of the agents that were seen last.
    pub families: family::Cache,
    /// The texts that were read last and held nothing.
    pub harmless: harmless::Memory,
    /// What became of the short values that were seen last, for the fields of one format.
    pub repeated: repeated::Repeated,
    /// What was found in free text since whoever counts last looked. Means nothing where nobody does.
    pub found: Found,
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
    /// A cookie header, parameter by parameter.
    Cookie(Cookie),
    /// The country of an address, and nothing finer.
    Country(Country),
    /// Withholds the value.
    Drop,
    /// A user agent's family.
    Family(Family),
    /// Lets a value stand that passes its grammar.
    Keep(Grammar),
    /// A language header's primary tag.
    Language,
    /// A key that no format knows.
    Name(Name),
    /// A URL's origin.
    Origin(Origin),
    /// A path, segment by segment.
    Path(Path),
    /// A keyed pseudonym.
    Pseudonym(Pseudonym),
    /// A query, parameter by parameter.
    Query(Query),
    /// Free text through the detectors.
    Scrub(Scrub),
    /// Addresses cut to a prefix.
    Truncate(Truncate),
}

impl Step {
    /// What it is called in policies.
    pub fn name(&self) -> &'static str {
        match self {
            Step::Coarsen(_) => "coarsen",
            Step::Cookie(_) => "cookie",
            Step::Country(_) => "country",
            Step::Drop => "drop",
            Step::Family(_) => "family",
            Step::Keep(_) => "keep",
            Step::Language => "language",
            Step::Name(_) => "name",
            Step::Origin(_) => "origin",
            Step::Path(_) => "path",
            Step::Pseudonym(step) => step.name(),
            Step::Query(_) => "query",
            Step::Scrub(_) => "scrub",
            Step::Truncate(_) => "truncate",
        }
    }

    /// Whether the value may stand as it came, where that can be said without making anything. `false` says nothing.
    #[inline]
    fn passes(&self, value: &[u8], aid: &mut Aid) -> bool {
        match self {
            Step::Keep(step) => step.passes_plainly(value, aid),
            Step::Coarsen(_)
            | Step::Cookie(_)
            | Step::Country(_)
            | Step::Drop
            | Step::Family(_)
            | Step::Language
            | Step::Name(_)
            | Step::Origin(_)
            | Step::Path(_)
            | Step::Pseudonym(_)
            | Step::Query(_)
            | Step::Scrub(_)
            | Step::Truncate(_) => false,
        }
    }

    #[inline]
    fn treat(&self, value: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
        match self {
            Step::Coarsen(step) => step.treat(value, aid, made),
            Step::Cookie(step) => step.treat(value, aid, made),
            Step::Country(step) => step.treat(value, aid, made),
            Step::Drop => drop::Drop.treat(value, aid, made),
            Step::Family(step) => step.treat(value, aid, made),
            Step::Keep(step) => step.treat(value, aid, made),
            Step::Language => Language.treat(value, aid, made),
            Step::Name(step) => step.treat(value, aid, made),
            Step::Origin(step) => step.treat(value, aid, made),
            Step::Path(step) => step.treat(value, aid, made),
            Step::Pseudonym(step) => step.treat(value, aid, made),
            Step::Query(step) => step.treat(value, aid, made),
            Step::Scrub(step) => step.treat(value, aid, made),
            Step::Truncate(step) => step.treat(value, aid, made),
        }
    }
}

/// Per-worker memory of treated values.
#[derive(Debug, Default)]
pub struct Scratch {
    slots: Vec<Slot>,
    made: Vec<u8>,
    flat: flat::Flat,
}

/// A record after treatment: all that an encoder is given.
///
/// Only [`treat`] makes one, so that nobody else can say where an outgoing value lies:
/// ```compile_fail,E0451
/// use sladd::{record::{Record, Schema}, treatment::{Scratch, Treated}};
/// let (schema, record, scratch) = (Schema::default(), Record::default(), Scratch::default());
/// let forged = Treated { schema: &schema, line: b"203.0.113.7", record: &record, scratch: &scratch, laid: None };
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
    /// What was made as a whole, so that no value stands by itself.
    laid: Option<Laid>,
}

/// Treats many lines of nothing but text together, where `step` can: the lines that `lines` begins with, up to the first
/// that `takes` refuses, which is shown each without its line end. What leaves of them, how many bytes came, and how many
/// lines.
#[inline]
pub(crate) fn treat_lines<'a>(
    step: &Step,
    schema: &'a Schema,
    lines: &'a [u8],
    takes: impl FnMut(&[u8]) -> bool,
    (record, aid): (&'a Record, &mut Aid),
    scratch: &'a mut Scratch,
) -> Option<(Treated<'a>, usize, u64)> {
    let Step::Scrub(scrub) = step else { return None };
    scratch.made.clear();
    scratch.slots.clear();
    let (length, count) = scrub.treat_lines(lines, takes, aid, &mut scratch.made);
    (count > 0).then_some((Treated { schema, line: lines, record, scratch, laid: Some(Laid::Lines) }, length, count))
}

/// What a record was made as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Laid {
    /// Its own fixed layout.
    Layout,
    /// Many lines, with their ends.
    Lines,
    /// One flat object.
    Flat,
    /// An object in its own layout, without its last brace.
    Object,
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

    /// All of it, where [`lay_object`] made it: an object without its last brace.
    #[inline]
    pub fn object(&self) -> Option<&'a [u8]> {
        (self.laid == Some(Laid::Object)).then_some(&self.scratch.made)
    }

    /// Many lines with their ends, where they were treated together.
    #[inline]
    pub(crate) fn lines(&self) -> Option<&'a [u8]> {
        (self.laid == Some(Laid::Lines)).then_some(&self.scratch.made)
    }

    /// The fields of the values that were treated: of those that are there and do not say that there is none. Nothing of lines
    /// that were treated together.
    #[inline]
    pub(crate) fn fields(&self) -> impl Iterator<Item = u16> + 'a {
        let (line, nulls) = (self.line, !self.record.marks.is_empty());
        let treated = move |value: &&Value| match value.state {
            State::Absent => false,
            State::Ambiguous | State::Cut => true,
            State::Present => !missing(value.span.of(line), nulls),
        };
        self.record.values.iter().filter(treated).map(|value| value.field)
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

    /// Members of a JSON object that leave as they came, next to one another: the marks begin with the first one's key, `stop`
    /// is a value that ends them, and `blanks` are those that are written. Their bytes, without the first quote and without
    /// the last, how many marks they are, and whether the last value is quoted.
    ///
    /// What stands between the values is compared, so that nothing else leaves with them.
    pub fn members(&self, marks: &[Mark], blanks: Blanks, stop: Option<u16>) -> Option<(&'a [u8], usize, bool)> {
        // Nobody writes a blank behind the one always and never behind the other.
        if blanks.colon != blanks.comma {
            return None;
        }
        let wide = blanks.colon;
        let whole = |i: u16| {
            let (value, slot) = (self.record.values.get(usize::from(i))?, self.scratch.slots.get(usize::from(i))?);
            matches!(slot, Slot::Kept(span) if *span == value.span).then_some(value.span)
        };
        let gap = |end: u32, start: u32| self.line.get(end as usize..start as usize).unwrap_or_default();
        let (mut from, mut to, mut text, mut used) = (None, 0, false, 0);
        while let Some([Mark::Key(key), value]) = marks.get(used..used + 2) {
            let (Mark::Text(i) | Mark::Bare(i)) = *value else { break };
            let is_text = *value == Mark::Text(i);
            let (Some(name), Some(span)) = (whole(*key), whole(i)) else { break };
            let behind = from.is_none() || is_comma(gap(to, name.start), wide, text);
            if i != key + 1 || stop == Some(i) || !behind || !is_colon(gap(name.end, span.start), wide, is_text) {
                break;
            }
            from = from.or(Some(name.start));
            (to, text, used) = (span.end, is_text, used + 2);
        }
        Some((self.line.get(from? as usize..to as usize)?, used, text))
    }

    /// The record as one flat object, but for what ends it, where [`lay_flat`] made it so. Empty where nothing is left of it.
    #[inline]
    pub(crate) fn flat(&self) -> Option<&'a [u8]> {
        (self.laid == Some(Laid::Flat)).then(|| self.scratch.flat.bytes())
    }

    /// Hands the record out in its own fixed layout, in as few pieces as can be: in one, where [`lay`] treated it.
    ///
    /// Neighbouring kept values and the literals between them come as one piece: each literal stands right before its
    /// value, so where the gap has exactly the literal's length, it is the literal.
    #[inline]
    pub fn layout(&self, mut piece: impl FnMut(&[u8])) {
        if self.laid == Some(Laid::Layout) {
            return piece(&self.scratch.made);
        }
        // The run of kept values and literals that waits to be handed out. It grows over a literal where the gap up to the
        // next value has exactly the literal's length: the parser has found the literal there.
        let (mut from, mut to) = (0, 0);
        let values = self.record.values.iter().zip(&self.scratch.slots);
        let (items, tail) = self.schema.layout(self.record.layout);
        for (item, (value, slot)) in items.iter().zip(values) {
            let literal = &item.literal[..];
            let (start, end) = match *slot {
                Slot::Absent => continue,
                Slot::Kept(span) => (span.start as usize, span.end as usize),
                Slot::Made(_) | Slot::Dropped => (value.span.start as usize, value.span.end as usize),
            };
            let joins = value.state == State::Present && start == to + literal.len();
            if let Slot::Kept(_) = slot {
                if !joins {
                    if from < to {
                        piece(&self.line[from..to]);
                    }
                    piece(literal);
                    from = start;
                }
                to = end;
                continue;
            }
            let gone = matches!(slot, Slot::Dropped) && item.blank == Blank::Gone;
            if joins && !gone {
                to = start;
            }
            if from < to {
                piece(&self.line[from..to]);
            }
            if !gone {
                if !joins {
                    piece(literal);
                }
                piece(match *slot {
                    Slot::Made(span) => span.of(&self.scratch.made),
                    Slot::Absent | Slot::Dropped | Slot::Kept(_) => match item.blank {
                        Blank::Dash => b"-",
                        Blank::Empty | Blank::Gone => b"",
                        Blank::Null => b"null",
                    },
                });
            }
            // The next literal may stand right behind what was replaced. Where it does not, no length fits.
            (from, to) = match value.state {
                State::Present => (end, end),
                State::Absent | State::Ambiguous | State::Cut => (self.line.len(), self.line.len()),
            };
        }
        if self.line[to..] == *tail {
            return piece(&self.line[from..]);
        }
        if from < to {
            piece(&self.line[from..to]);
        }
        piece(tail);
    }
}

/// Whether this is what stands between a key and its value.
#[inline]
fn is_colon(gap: &[u8], wide: bool, text: bool) -> bool {
    match (wide, text) {
        (false, false) => gap == b"\":",
        (false, true) => gap == b"\":\"",
        (true, false) => gap == b"\": ",
        (true, true) => gap == b"\": \"",
    }
}

/// Whether this is what stands between a value, which is a text or bare, and the next key.
#[inline]
fn is_comma(gap: &[u8], wide: bool, text: bool) -> bool {
    match (wide, text) {
        (false, false) => gap == b",\"",
        (false, true) => gap == b"\",\"",
        (true, false) => gap == b", \"",
        (true, true) => gap == b"\", \"",
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
    let Scratch { slots, made, .. } = scratch;
    made.clear();
    slots.resize(record.values.len(), Slot::Absent);
    let nulls = !record.marks.is_empty();
    for (slot, value) in slots.iter_mut().zip(&record.values) {
        *slot = match value.state {
            State::Absent => Slot::Absent,
            State::Ambiguous | State::Cut => Slot::Dropped,
            State::Present => {
                let bytes = value.span.of(line);
                if missing(bytes, nulls) {
                    Slot::Kept(value.span)
                } else {
                    let start = made.len();
                    match steps[value.field as usize].treat(bytes, aid, made) {
                        Outcome::Dropped => Slot::Dropped,
                        Outcome::Kept => Slot::Kept(value.span),
                        Outcome::Part(from, to) => {
                            debug_assert!(from <= to && to as usize <= bytes.len());
                            Slot::Kept(Span { start: value.span.start + from, end: value.span.start + to })
                        }
                        Outcome::Made => Slot::Made(Span::new(start, made.len())),
                    }
                }
            }
        };
    }
    Treated { schema, line, record, scratch, laid: None }
}

/// Whether the value stands as it came under this step.
pub fn stands(step: &Step, value: &[u8], aid: &mut Aid, scratch: &mut Scratch) -> bool {
    scratch.made.clear();
    missing(value, true) || step.treat(value, aid, &mut scratch.made) == Outcome::Kept
}

/// The fields of which [`announce`] should know, because what is remembered of their values may be far away.
#[derive(Clone, Debug, Default)]
pub struct Early {
    /// The first of each memory.
    path: Option<u16>,
    family: Option<u16>,
    /// What is remembered of each.
    far: Box<[Far]>,
}

/// What of a field is remembered where it may be far away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Far {
    Nothing,
    Path,
    Family,
}

impl Far {
    fn of(step: &Step) -> Far {
        match step {
            Step::Family(_) => Far::Family,
            Step::Path(_) => Far::Path,
            Step::Coarsen(_)
            | Step::Cookie(_)
            | Step::Country(_)
            | Step::Drop
            | Step::Keep(_)
            | Step::Language
            | Step::Name(_)
            | Step::Origin(_)
            | Step::Pseudonym(_)
            | Step::Query(_)
            | Step::Scrub(_)
            | Step::Truncate(_) => Far::Nothing,
        }
    }
}

impl Early {
    /// Those of a format with these steps, one a field.
    pub fn of(steps: &[Step]) -> Early {
        let far: Box<[Far]> = steps.iter().map(Far::of).collect();
        let first = |is| far.iter().position(|far| *far == is).map(|at| at as u16);
        Early { path: first(Far::Path), family: first(Far::Family), far }
    }
}

/// Says that a record with a fixed layout is treated next, or right after the next, so that what is remembered of its
/// values can be fetched in the meantime.
#[inline]
pub fn announce(early: &Early, line: &[u8], values: &[Value], aid: &mut Aid) {
    let value = |field: u16| match values.get(usize::from(field)) {
        Some(value) if value.state == State::Present => Some(value.span.of(line)),
        _ => None,
    };
    if let Some(path) = early.path.and_then(value) {
        aid.paths.announce(path);
    }
    if let Some(agent) = early.family.and_then(value) {
        aid.families.announce(agent);
    }
}

/// The same of a record whose values stand in any order.
#[inline]
pub fn announce_any(early: &Early, line: &[u8], values: &[Value], aid: &mut Aid) {
    for value in values {
        match early.far.get(usize::from(value.field)) {
            None | Some(Far::Nothing) => {}
            _ if value.state != State::Present => {}
            Some(Far::Family) => aid.families.announce(value.span.of(line)),
            Some(Far::Path) => aid.paths.announce(value.span.of(line)),
        }
    }
}

/// The places of a layout that [`lay`] has to look at where a line of it was read by sight: `proven` is what is known of
/// the value at a place.
pub fn seen(steps: &[Step], proven: impl Fn(u16) -> Option<Proven>) -> Box<[u16]> {
    let stands = |proven, step: &Step| match (proven, step) {
        (Proven::Missing | Proven::Absent, _)
        | (Proven::Instant, Step::Keep(Grammar::Instant(Clock::Clf)))
        | (Proven::Method, Step::Keep(Grammar::Method))
        | (Proven::Protocol, Step::Keep(Grammar::Protocol))
        | (Proven::Status, Step::Keep(Grammar::Status | Grammar::Number))
        | (Proven::Digits, Step::Keep(Grammar::Number)) => true,
        (Proven::Instant | Proven::Method | Proven::Protocol | Proven::Status | Proven::Digits, _) => false,
    };
    let looked_at = |(at, step)| !proven(at).is_some_and(|proven| stands(proven, step));
    (0..).zip(steps).filter(|&(at, step)| looked_at((at, step))).map(|(at, _)| at).collect()
}

/// Which values of a record with a fixed layout [`lay`] has to look at.
#[derive(Clone, Copy, Debug)]
pub enum Places<'a> {
    /// All, and whatever stands in the line between them.
    All,
    /// Those at these places, in order: the others stand as they came ([`seen`]). Each value is there or absent,
    /// each has its literal before it in the line, and nothing else is in the line but the tail.
    Seen(&'a [u16]),
}

/// As [`treat`], for a record that leaves in its own fixed layout: all of the line is made in one go, and no value of it can
/// be asked for.
///
/// # Panics
/// When the layout is not fixed.
#[inline]
pub fn lay<'a>(
    steps: &[Step],
    places: Places<'_>,
    schema: &'a Schema,
    line: &'a [u8],
    record: &'a Record,
    aid: &mut Aid,
    scratch: &'a mut Scratch,
) -> Treated<'a> {
    let Scratch { slots, made, .. } = scratch;
    made.clear();
    slots.clear();
    match places {
        Places::All => {
            let (items, tail) = schema.layout(record.layout);
            assert!(items.len() == record.values.len() && record.marks.is_empty(), "a fixed layout");
            let all = items.iter().zip(&record.values).map(|(item, value)| (item, value, &steps[value.field as usize]));
            lay_each::<false>(all, tail, line, aid, made);
        }
        Places::Seen(places) => {
            let items = &schema.items[..];
            // Of one length, so that one look tells whether a place is in all of them.
            let (values, steps) = (&record.values[..items.len()], &steps[..items.len()]);
            let at = |at: &u16| (&items[*at as usize], &values[*at as usize], &steps[*at as usize]);
            lay_each::<true>(places.iter().map(at), &schema.tail, line, aid, made);
        }
    }
    Treated { schema, line, record, scratch, laid: Some(Laid::Layout) }
}

/// As [`treat`], for a record that leaves as one flat object, of a line that was seen plain ([`Places::Seen`]). All of it is
/// made in one go where that can be done, and then no value of it can be asked for.
#[inline]
pub(crate) fn lay_flat<'a>(
    steps: &[Step],
    heads: &Heads,
    schema: &'a Schema,
    line: &'a [u8],
    record: &'a Record,
    aid: &mut Aid,
    scratch: &'a mut Scratch,
) -> Treated<'a> {
    let Scratch { made, flat, .. } = &mut *scratch;
    if !flat::lay(heads, steps, line, record, aid, made, flat) {
        return treat(steps, schema, line, record, aid, scratch);
    }
    scratch.slots.clear();
    Treated { schema, line, record, scratch, laid: Some(Laid::Flat) }
}

/// The line value by value. Where it was `SEEN`, all between two values is what stands there in the line.
#[inline(always)]
fn lay_each<'v, const SEEN: bool>(
    values: impl Iterator<Item = (&'v Item, &'v Value, &'v Step)>,
    tail: &[u8],
    line: &[u8],
    aid: &mut Aid,
    made: &mut Vec<u8>,
) {
    // The run of kept values and literals that waits to be copied. It grows over a literal where the gap up to the next value
    // has exactly the literal's length: the parser has found the literal there.
    let (mut from, mut to) = (0, 0);
    for (item, value, step) in values {
        if value.state == State::Absent {
            continue;
        }
        let literal = &item.literal[..];
        let (start, end) = (value.span.start as usize, value.span.end as usize);
        let present = SEEN || value.state == State::Present;
        let joins = SEEN || present && start == to + literal.len();
        if joins {
            let bytes = &line[start..end];
            // Of the values that have to be looked at in a line that was seen, few others stand as they came.
            let passes = match step {
                Step::Path(step) => step.passes(bytes, aid),
                _ if SEEN => false,
                step => step.passes(bytes, aid),
            };
            if passes || missing(bytes, false) {
                to = end;
                continue;
            }
            copy(line, from, start, made);
        } else {
            copy(line, from, to, made);
            made.extend_from_slice(literal);
        }
        // What stands in the line right behind the value is a literal again, but for what cannot be told.
        (from, to) = if present { (end, end) } else { (line.len(), line.len()) };
        let outcome = if present {
            let bytes = &line[start..end];
            match step {
                _ if !joins && missing(bytes, false) => Outcome::Kept,
                // It was asked for above.
                Step::Path(step) if joins => step.treat_anew(bytes, aid, made),
                // What most lines that are seen have: no call that has to find out what to do.
                Step::Truncate(step) if SEEN => step.treat(bytes, aid, made),
                Step::Query(step) if SEEN => step.treat(bytes, aid, made),
                Step::Origin(step) if SEEN => step.treat(bytes, aid, made),
                Step::Family(step) if SEEN => step.treat(bytes, aid, made),
                step => step.treat(bytes, aid, made),
            }
        } else {
            Outcome::Dropped
        };
        match outcome {
            Outcome::Kept => from = start,
            Outcome::Part(first, last) => {
                debug_assert!(first <= last && last as usize <= end - start);
                copy(line, start + first as usize, start + last as usize, made);
            }
            Outcome::Made => {}
            Outcome::Dropped => match item.blank {
                Blank::Dash => made.push(b'-'),
                Blank::Empty => {}
                Blank::Gone => made.truncate(made.len() - literal.len()),
                Blank::Null => made.extend_from_slice(b"null"),
            },
        }
    }
    // Most layouts have none, and comparing nothing is a call too.
    if SEEN || to == line.len() && tail.is_empty() || line[to..] == *tail {
        made.extend_from_slice(&line[from..]);
    } else {
        made.extend_from_slice(&line[from..to]);
        made.extend_from_slice(tail);
    }
}

/// Appends `line[from..to]`.
#[inline(always)]
fn copy(line: &[u8], from: usize, to: usize, made: &mut Vec<u8>) {
    // Most runs are short: a block and a cut are cheaper than a copy of any length.
    match line.get(from..).and_then(<[u8]>::first_chunk::<32>) {
        Some(block) if to.wrapping_sub(from) <= 32 => {
            let end = made.len() + (to - from);
            made.extend_from_slice(block);
            made.truncate(end);
        }
        _ => made.extend_from_slice(&line[from..to]),
    }
}

/// Whether a value says that there is none.
#[inline]
fn missing(value: &[u8], nulls: bool) -> bool {
    match value.len() {
        0 => true,
        1 => value[0] == b'-',
        4 => nulls && value == b"null",
        _ => false,
    }
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
    Treated { schema, line, record, scratch, laid: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Field, Kind};
    use proptest::prelude::*;

    fn schema(items: &[(&str, Blank)], tail: &str) -> Schema {
        Schema {
            fields: items.iter().map(|_| Field::new("a", Kind::Text)).collect(),
            items: (0..)
                .zip(items)
                .map(|(field, (literal, blank))| Item { literal: literal.as_bytes().into(), field, blank: *blank })
                .collect(),
            tail: tail.as_bytes().into(),
            ..Schema::default()
        }
    }

    fn pieces(schema: &Schema, line: &[u8], record: &Record, steps: &[Step]) -> Vec<String> {
        let mut scratch = Scratch::default();
        let treated = treat(steps, schema, line, record, &mut Aid::default(), &mut scratch);
        let mut pieces = Vec::new();
        treated.layout(|piece| pieces.push(String::from_utf8_lossy(piece).into_owned()));
        pieces
    }

    #[test]
    fn kept_neighbours_leave_in_one_piece_with_what_is_between_them() {
        let schema =
            schema(&[("[", Blank::Dash), ("] \"", Blank::Dash), ("?", Blank::Gone), ("\" ", Blank::Dash)], " end");
        let line = b"[a] \"b?c\" d end";
        let mut record = Record::default();
        for (field, at) in [(0, 1), (1, 5), (2, 7), (3, 10)] {
            record.push(field, at, at + 1);
        }
        let kept = || Step::Keep(Grammar::Text);
        assert_eq!(pieces(&schema, line, &record, &[kept(), kept(), kept(), kept()]), ["[a] \"b?c\" d end"]);
        assert_eq!(pieces(&schema, line, &record, &[kept(), kept(), Step::Drop, kept()]), ["[a] \"b", "\" d end"]);
        assert_eq!(
            pieces(&schema, line, &record, &[Step::Drop, kept(), kept(), Step::Drop]).concat(),
            "[-] \"b?c\" - end"
        );
    }

    #[test]
    fn a_missing_value_stands_whatever_the_step() {
        let schema = schema(&[("", Blank::Dash), (" ", Blank::Null)], "");
        let mut record = Record::default();
        record.push(0, 0, 1);
        record.push(1, 2, 2);
        assert_eq!(pieces(&schema, b"- ", &record, &[Step::Drop, Step::Drop]).concat(), "- ");
        record.values[1].span = Span::new(2, 6);
        assert_eq!(pieces(&schema, b"- null", &record, &[Step::Drop, Step::Language]).concat(), "- null");
        assert_eq!(pieces(&schema, b"- text", &record, &[Step::Drop, Step::Language]).concat(), "- null");
        // Outside JSON the word is a value like any other.
        let truncate = Truncate { v4: 24, v6: 48, port: truncate::Port::Drop, exempt: [].into() };
        let steps = [Step::Drop, Step::Truncate(truncate)];
        assert_eq!(pieces(&schema, b"- nul9", &record, &steps).concat(), "- null");
        record.marks.push(crate::record::Mark::Bare(1));
        let mut scratch = Scratch::default();
        let treated = treat(&steps, &schema, b"- null", &record, &mut Aid::default(), &mut scratch);
        assert!(treated.kept(1));
    }

    #[test]
    fn what_is_ambiguous_or_cut_is_withheld_and_what_is_absent_goes_with_its_literal() {
        let schema = schema(&[("", Blank::Dash), (" ", Blank::Dash), ("?", Blank::Dash)], "");
        let steps = [(); 3].map(|()| Step::Keep(Grammar::Text));
        let mut record = Record::default();
        record.push(0, 0, 1);
        record.push(1, 2, 3);
        record.push(2, 4, 5);
        record.values[0].state = State::Ambiguous;
        record.values[2].state = State::Cut;
        assert_eq!(pieces(&schema, b"a b?c", &record, &steps).concat(), "- b?-");
        record.values[1] = Value { field: 1, state: State::Absent, span: Span::new(0, 0) };
        assert_eq!(pieces(&schema, b"a?c", &record, &steps).concat(), "-?-");
        let mut scratch = Scratch::default();
        let treated = treat(&steps, &schema, b"a?c", &record, &mut Aid::default(), &mut scratch);
        assert_eq!((treated.stood(0), treated.stood(1), treated.value(0), treated.len()), (true, false, None, 3));
    }

    #[derive(Clone, Debug)]
    struct Piece {
        literal: String,
        value: String,
        slot: u8,
        blank: u8,
    }

    fn any_piece() -> impl Strategy<Value = Piece> {
        ("[ \"?,]{0,3}", "[a-z0-9]{0,5}", 0..5u8, 0..4u8).prop_map(|(literal, value, slot, blank)| Piece {
            literal,
            value,
            slot,
            blank,
        })
    }

    fn any_laid() -> impl Strategy<Value = (String, String, u8, u8, u8)> {
        let value = "-?|192\\.0\\.2\\.7|https://example\\.org/(a\\?b)?|nb-NO,en|[a-z0-9]{1,4}|200|GET";
        (r#"[ "\[]{0,3}"#, value, 0..4u8, 0..7u8, 0..4u8)
    }

    proptest! {
        #[test]
        fn a_line_that_is_laid_in_one_go_is_what_its_values_make(
            all in proptest::collection::vec(any_laid(), 0..12), tail in "[\" ]{0,2}", cut in any::<bool>(),
        ) {
            let network = Truncate { v4: 24, v6: 48, port: truncate::Port::Drop, exempt: [].into() };
            let steps = [
                Step::Drop,
                Step::Keep(Grammar::Text),
                Step::Keep(Grammar::Status),
                Step::Keep(Grammar::Method),
                Step::Truncate(network.clone()),
                Step::Origin(Origin::new(network)),
                Step::Language,
            ];
            let blanks = [Blank::Dash, Blank::Empty, Blank::Gone, Blank::Null];
            let items: Vec<_> = all.iter().map(|piece| (piece.0.as_str(), blanks[piece.4 as usize])).collect();
            let schema = schema(&items, &tail);
            let steps: Vec<Step> = all.iter().map(|piece| steps[piece.3 as usize].clone()).collect();
            let (mut line, mut record) = (String::new(), Record::default());
            for (field, (literal, value, state, ..)) in (0..).zip(&all) {
                let state = [State::Present, State::Present, State::Absent, State::Ambiguous][*state as usize];
                if state != State::Absent {
                    line += literal;
                }
                let start = line.len();
                if state != State::Absent {
                    line += value;
                }
                record.values.push(Value { field, state, span: Span::new(start, line.len()) });
            }
            if !cut {
                line += &tail;
            }
            let mut aid = Aid::default();
            let mut made = Vec::new();
            let mut scratch = Scratch::default();
            treat(&steps, &schema, line.as_bytes(), &record, &mut aid, &mut scratch)
                .layout(|piece| made.extend_from_slice(piece));
            // Values that stand need not be looked at where all stands in the line as the layout says.
            let stands = |at: &u16| {
                let value = &record.values[*at as usize];
                value.state == State::Absent || {
                    let bytes = value.span.of(line.as_bytes());
                    missing(bytes, false) || matches!(steps[*at as usize].treat(bytes, &mut Aid::default(), &mut Vec::new()), Outcome::Kept)
                }
            };
            let places: Vec<u16> = (0..all.len() as u16).filter(|at| *at % 2 == 0 || !stands(at)).collect();
            let as_laid = !cut && record.values.iter().all(|value| value.state != State::Ambiguous);
            for places in [Some(Places::All), as_laid.then_some(Places::Seen(&places))].into_iter().flatten() {
                let mut laid = Vec::new();
                let mut scratch = Scratch::default();
                lay(&steps, places, &schema, line.as_bytes(), &record, &mut aid, &mut scratch)
                    .layout(|piece| laid.extend_from_slice(piece));
                prop_assert_eq!(String::from_utf8(laid).unwrap(), String::from_utf8_lossy(&made));
            }
        }

        #[test]
        fn the_layout_is_what_the_schema_says_value_by_value(
            all in proptest::collection::vec(any_piece(), 0..12), tail in "[\" ]{0,2}", cut in any::<bool>(),
        ) {
            let blanks = [(Blank::Dash, "-"), (Blank::Empty, ""), (Blank::Gone, ""), (Blank::Null, "null")];
            let items: Vec<_> = all.iter().map(|piece| (piece.literal.as_str(), blanks[piece.blank as usize].0)).collect();
            let schema = schema(&items, &tail);
            let (mut line, mut expected, mut scratch) = (String::new(), String::new(), Scratch::default());
            let mut record = Record::default();
            for Piece { literal, value, slot, blank } in &all {
                if *slot == 0 {
                    scratch.slots.push(Slot::Absent);
                    record.push_absent(0);
                    continue;
                }
                line += literal;
                let span = Span::new(line.len(), line.len() + value.len());
                line += value;
                record.push(0, span.start as usize, span.end as usize);
                let (slot, printed) = match slot {
                    1 => (Slot::Dropped, blanks[*blank as usize].1.to_owned()),
                    2 => {
                        let start = scratch.made.len();
                        scratch.made.extend_from_slice(b"made");
                        (Slot::Made(Span::new(start, start + 4)), "made".to_owned())
                    }
                    3 if value.len() > 2 => {
                        (Slot::Kept(Span { start: span.start + 1, end: span.end - 1 }), value[1..value.len() - 1].to_owned())
                    }
                    _ => (Slot::Kept(span), value.clone()),
                };
                if !(matches!(slot, Slot::Dropped) && blanks[*blank as usize].0 == Blank::Gone) {
                    expected += literal;
                    expected += &printed;
                }
                scratch.slots.push(slot);
            }
            expected += &tail;
            if !cut {
                line += &tail;
            }
            let treated =
                Treated { schema: &schema, line: line.as_bytes(), record: &record, scratch: &scratch, laid: None };
            let mut written = Vec::new();
            treated.layout(|piece| written.extend_from_slice(piece));
            prop_assert_eq!(String::from_utf8(written).unwrap(), expected);
        }
    }
}
