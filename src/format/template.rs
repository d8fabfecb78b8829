//! Literal · field · literal, compiled to flat steps.
//!
//! A server's own directive says what stands between its values. Where the byte that follows a value cannot stand in it,
//! the value ends at the first such byte: a hard step. Where it can, a stretch of several values is read as a whole
//! ([`super::soft`]), and what could be read two ways is ambiguous.

use super::{
    CompileError, Ending, Malformed, Parse,
    grammar::{self, Grammar},
    request,
    soft::{End, Part, Soft, unescaped},
};
use crate::record::{Blank, Clock, Escape, Field, Item, Kind, Record, Schema, Span, State, Value};
use memchr::memchr;

/// A format of fixed order.
#[derive(Clone, Debug)]
pub struct Template {
    schema: Schema,
    raw: Raw,
    steps: Box<[Step]>,
    tail: Literal,
    cut: CutRule,
}

/// What the writer of the log does to the bytes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// nginx, `escape=default`: quotes, backslashes, control and high bytes are `\xHH`; a missing value is a dash.
    Nginx,
    /// Apache: `\"`, `\\`, `\n`, `\xhh`. nginx's lines pass too.
    Apache,
    /// nginx, `escape=json`: a missing value is empty.
    Json,
    /// nginx, `escape=none`: anything; a missing value is empty.
    None,
}

/// One piece of a directive.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// Text that is written as it stands.
    Literal(Vec<u8>),
    /// A value.
    Value(Slot),
}

/// A value of a directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) name: Box<str>,
    pub(super) kind: Kind,
    pub(super) grammar: Grammar,
    pub(super) clock: Option<Clock>,
    pub(super) shape: Shape,
}

/// What a value is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// One field.
    Plain,
    /// A request line: method, path, query, protocol, and the whole where it does not fit.
    Request,
    /// A request target: path, query, and the whole where it does not fit.
    Target,
    /// A query with its question mark; the second field is what else may stand there: nothing.
    Query,
}

/// One step: a literal, then what follows it.
#[derive(Clone, Debug)]
struct Step {
    literal: Literal,
    op: Op,
    shape: Shape,
    field: u16,
}

#[derive(Clone, Debug)]
enum Op {
    /// Up to the first blank that is not inside a list.
    Client,
    /// The same, but never missing, and where it is a name, ` - ` follows it.
    Visitor,
    /// Three digits or a dash; nothing, where the dialect writes so.
    Status { empty: bool },
    /// Digits, or a dash.
    Digits,
    /// 26 bytes.
    Clf,
    /// So many bytes.
    Width(Grammar, usize),
    /// While the form holds.
    Typed { grammar: Grammar, table: Box<[bool; 256]>, blank: bool, empty: bool },
    /// Up to the first quote that is not escaped.
    Quoted,
    /// Up to this byte.
    Until { byte: u8, text: Box<Text> },
    /// Up to the end of the line.
    Rest { text: Box<Text> },
    /// A stretch of values read as a whole.
    Soft(Box<Soft>),
    /// A dash before a blank; or a stretch, which takes the next `skip` steps along.
    Identity { otherwise: Box<Soft>, skip: usize },
}

/// What may stand in a text as it is.
#[derive(Clone, Debug)]
struct Text {
    table: [bool; 256],
    escapes: bool,
}

/// A literal that is compared as one word where it fits.
#[derive(Clone, Debug)]
struct Literal {
    word: u64,
    mask: u64,
    bytes: Box<[u8]>,
}

/// Bytes that no value of the dialect can hold, looked for in the whole line at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Raw {
    /// The literals hold some of them: each value is looked at by itself.
    EachValue,
    /// Bytes below the first or above the second.
    Outside(u8, u8),
}

/// Which values a cut line leaves unsure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CutRule {
    /// None: a literal ends the line.
    Whole,
    /// Those of the last step, from this field on.
    From(u16),
}

impl Parse for Template {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    #[inline]
    fn parse(&self, line: &[u8], ending: Ending, record: &mut Record) -> Result<(), Malformed> {
        record.clear();
        record.values.reserve(self.schema.fields.len());
        if let Raw::Outside(least, most) = self.raw {
            within(line, least, most)?;
        }
        let mut at = 0;
        let mut steps = self.steps.iter();
        while let Some(step) = steps.next() {
            at = step.literal.pass(line, at)?;
            let end = match &step.op {
                Op::Client => grammar::client(line, at)?,
                Op::Visitor => visitor(line, at)?,
                Op::Status { empty } => status(line, at, *empty)?,
                Op::Digits => digits(line, at)?,
                Op::Clf => match line.get(at..at + 26) {
                    Some(time) if grammar::is_clf(time) => at + 26,
                    _ => return Err(Malformed { at: at as u32, expected: "time" }),
                },
                Op::Width(grammar, width) => match line.get(at..at + width) {
                    Some(value) if grammar.fits(value) => at + width,
                    _ => return Err(Malformed { at: at as u32, expected: grammar.expected() }),
                },
                Op::Typed { grammar, table, blank, empty } => match grammar::scan(*grammar, table, line, at, *blank) {
                    Err(_) if *empty && line.get(at).is_none_or(|byte| !table[*byte as usize]) => at,
                    end => end?,
                },
                Op::Quoted => match unescaped(b'"', line, at) {
                    Some(end) => end,
                    None => return Err(Malformed { at: at as u32, expected: "closing quote" }),
                },
                Op::Until { byte, text } => match memchr(*byte, &line[at..]) {
                    Some(length) => text.pass(line, at, at + length)?,
                    None => return Err(Malformed { at: at as u32, expected: "end of value" }),
                },
                Op::Rest { text } => text.pass(line, at, line.len())?,
                Op::Soft(soft) => {
                    at = soft.run(line, at, record)?;
                    continue;
                }
                Op::Identity { otherwise, skip } => {
                    if line[at..].starts_with(b"- ") {
                        at + 1
                    } else {
                        identity(line, at, &self.schema, record)?;
                        at = otherwise.run(line, at, record)?;
                        for _ in 0..*skip {
                            steps.next();
                        }
                        continue;
                    }
                }
            };
            step.shape.push(record, step.field, line, at, end);
            at = end;
        }
        at = self.tail.pass(line, at)?;
        if at != line.len() {
            return Err(Malformed { at: at as u32, expected: "end of line" });
        }
        if ending == Ending::Cut {
            self.cut.mark(record);
        }
        Ok(())
    }
}

impl Template {
    /// Compiles a directive's pieces.
    pub(super) fn compile(name: &str, dialect: Dialect, pieces: Vec<Piece>) -> Result<Template, CompileError> {
        let (slots, literals) = layout(pieces)?;
        let schema = schema(name, dialect, &slots, &literals);
        let raw = dialect.raw(&literals);
        let mut fields = Vec::with_capacity(slots.len());
        let mut count = 0;
        for slot in &slots {
            fields.push(count);
            count += slot.shape.fields();
        }
        let compiler = Compiler { dialect, raw, slots: &slots, literals: &literals, fields: &fields };
        let (steps, cut) = compiler.steps();
        let tail = Literal::new(&literals[slots.len()]);
        Ok(Template { schema, raw, steps, tail, cut })
    }

    /// The same under another name.
    pub(super) fn named(mut self, name: &str) -> Template {
        self.schema.name = name.into();
        self
    }
}

impl Shape {
    /// Adds the values that stand at `start..end`.
    #[inline]
    pub(super) fn push(self, record: &mut Record, field: u16, line: &[u8], start: usize, end: usize) {
        match self {
            Shape::Plain => record.push(field, start, end),
            Shape::Request => request::push(record, field, line, start, end),
            Shape::Target => request::push_target(record, field, line, start, end),
            Shape::Query => {
                if line[start..end].starts_with(b"?") {
                    record.push(field, start + 1, end);
                    record.push_absent(field + 1);
                } else {
                    record.push_absent(field);
                    record.push(field + 1, start, end);
                }
            }
        }
    }

    /// Adds a value of which two readings differ.
    pub(super) fn push_ambiguous(self, record: &mut Record, field: u16, span: Span) {
        let whole = field + self.fields() - 1;
        (field..whole).for_each(|field| record.push_absent(field));
        record.values.push(Value { field: whole, state: State::Ambiguous, span });
    }

    fn fields(self) -> u16 {
        match self {
            Shape::Plain => 1,
            Shape::Request => 5,
            Shape::Target => 3,
            Shape::Query => 2,
        }
    }
}

impl Dialect {
    /// Whether a byte can stand in a value as it is (a backslash with what it takes along, where there are escapes).
    fn holds(self, byte: u8) -> bool {
        match self {
            Dialect::Nginx => (b' '..0x7f).contains(&byte) && byte != b'"',
            Dialect::Apache => byte >= b' ' && byte != b'"' && byte != 0x7f,
            Dialect::Json => byte >= b' ' && byte != b'"',
            Dialect::None => true,
        }
    }

    fn escapes(self) -> bool {
        match self {
            Dialect::Nginx | Dialect::Apache | Dialect::Json => true,
            Dialect::None => false,
        }
    }

    /// Whether it writes a missing value as nothing.
    fn empties(self) -> bool {
        match self {
            Dialect::Nginx | Dialect::Apache => false,
            Dialect::Json | Dialect::None => true,
        }
    }

    fn escape(self) -> Escape {
        match self {
            Dialect::Nginx | Dialect::Apache => Escape::Hex,
            Dialect::Json => Escape::Json,
            Dialect::None => Escape::None,
        }
    }

    fn raw(self, literals: &[Vec<u8>]) -> Raw {
        let raw = match self {
            Dialect::Nginx => Raw::Outside(b' ', 0x7e),
            Dialect::Apache | Dialect::Json => Raw::Outside(b' ', 0xff),
            Dialect::None => Raw::EachValue,
        };
        match raw {
            Raw::Outside(least, most) if literals.iter().flatten().any(|byte| !(least..=most).contains(byte)) => {
                Raw::EachValue
            }
            Raw::Outside(..) | Raw::EachValue => raw,
        }
    }
}

/// What compiling a directive's values needs to know.
struct Compiler<'a> {
    dialect: Dialect,
    raw: Raw,
    slots: &'a [Slot],
    /// One before each value, and the tail.
    literals: &'a [Vec<u8>],
    /// The first field of each value.
    fields: &'a [u16],
}

impl Compiler<'_> {
    fn steps(&self) -> (Box<[Step]>, CutRule) {
        let mut steps = Vec::new();
        let mut first = Vec::new();
        let mut cut = CutRule::Whole;
        let mut i = 0;
        while i < self.slots.len() {
            let (op, next) = match self.hard(i) {
                Some(op) => (op, i + 1),
                None => {
                    let (soft, next) = self.soft(i);
                    // What is read up to the end of a cut line is unsure from its first value on.
                    if matches!(soft.end, End::Line(_)) {
                        cut = CutRule::From(self.fields[i]);
                    }
                    if self.slots[i].grammar == Grammar::Identity && self.literals[i + 1].starts_with(b" ") {
                        (Op::Identity { otherwise: Box::new(soft), skip: next }, i + 1)
                    } else {
                        (Op::Soft(Box::new(soft)), next)
                    }
                }
            };
            let literal = Literal::new(&self.literals[i]);
            steps.push(Step { literal, op, shape: self.slots[i].shape, field: self.fields[i] });
            first.push(i);
            i = next;
        }
        // A stretch that starts with an identity takes along the steps of the values it holds.
        for (at, step) in steps.iter_mut().enumerate() {
            if let Op::Identity { skip, .. } = &mut step.op {
                let next = *skip;
                *skip = first.iter().skip(at + 1).take_while(|value| **value < next).count();
            }
        }
        if cut == CutRule::Whole && self.literals[self.slots.len()].is_empty() {
            cut = CutRule::From(self.fields[self.slots.len() - 1]);
        }
        (steps.into(), cut)
    }

    /// The step of a value that ends where it cannot go on.
    fn hard(&self, i: usize) -> Option<Op> {
        let grammar = self.slots[i].grammar;
        let next = &self.literals[i + 1];
        let last = i + 1 == self.slots.len() && next.is_empty();
        if let Some(width) = grammar.width() {
            return Some(if grammar == Grammar::Clf { Op::Clf } else { Op::Width(grammar, width) });
        }
        if !last && next.is_empty() {
            return None;
        }
        let follows = next.first().copied();
        // A list goes on over the blanks that belong to it, unless the literal behind it looks like such a blank.
        let list = matches!(grammar, Grammar::Addresses | Grammar::Numbers);
        let blank = follows == Some(b' ') && list && !next.starts_with(b" :");
        if follows.is_some_and(|byte| self.table(i)[byte as usize]) && !blank {
            return None;
        }
        Some(match (grammar, follows) {
            (Grammar::Client, Some(b' ')) => Op::Client,
            (Grammar::Visitor, Some(b' ')) => Op::Visitor,
            (Grammar::Status, _) => Op::Status { empty: self.dialect.empties() },
            (Grammar::Number, _) if !self.dialect.empties() => Op::Digits,
            (Grammar::Text | Grammar::User | Grammar::Identity, Some(b'"')) if matches!(self.raw, Raw::Outside(..)) => {
                Op::Quoted
            }
            (Grammar::Text | Grammar::User | Grammar::Identity, Some(b'"')) => return None,
            (Grammar::Text | Grammar::User | Grammar::Identity, Some(byte)) => {
                Op::Until { byte, text: Box::new(self.text(i)) }
            }
            (Grammar::Text | Grammar::User | Grammar::Identity, None) => Op::Rest { text: Box::new(self.text(i)) },
            _ => Op::Typed { grammar, table: Box::new(self.table(i)), blank, empty: self.dialect.empties() },
        })
    }

    /// The stretch from value `i` on, and the first value behind it.
    fn soft(&self, i: usize) -> (Soft, usize) {
        let (last, end) = (i..self.slots.len())
            .find_map(|last| Some((last, self.stop(i, last)?)))
            .unwrap_or((self.slots.len() - 1, End::Line(self.literals[self.slots.len()].len())));
        let parts: Box<[Part]> = (i..=last)
            .map(|at| Part {
                grammar: self.slots[at].grammar,
                table: Box::new(self.table(at)),
                escapes: self.dialect.escapes() && self.slots[at].grammar.is_text(),
                slash: self.glued(at),
                empty: self.dialect.empties(),
                literal: if at == last { Box::default() } else { self.literals[at + 1].as_slice().into() },
                field: self.fields[at],
                shape: self.slots[at].shape,
            })
            .collect();
        let behind =
            parts[1..].iter().zip(&parts).map(|(part, before)| Some(part.grammar.width()? + before.literal.len()));
        let fixed = behind.sum::<Option<usize>>().filter(|_| parts[0].grammar.is_text());
        (Soft { parts, end, fixed }, last + 1)
    }

    /// A byte of the literal behind value `last` that can stand neither in the values `first..=last` nor in the literals
    /// between them: the first one of the line ends the stretch.
    fn stop(&self, first: usize, last: usize) -> Option<End> {
        let escapes = self.dialect.escapes();
        unslashed(&self.literals[last + 1], escapes).find_map(|(before, byte)| {
            let inside = (first..=last).any(|i| self.table(i)[byte as usize]);
            let mut between = self.literals[first + 1..=last].iter();
            let between =
                between.any(|literal| unslashed(literal, escapes && byte == b'"').any(|(_, other)| other == byte));
            (!inside && !between).then_some(End::Stop { byte, before, escapes: escapes && byte == b'"' })
        })
    }

    /// What may stand in value `i` as it is.
    fn table(&self, i: usize) -> [bool; 256] {
        let grammar = self.slots[i].grammar;
        let mut table = [false; 256];
        for (byte, holds) in (0..=255u8).zip(&mut table) {
            *holds = grammar.holds(byte) && self.dialect.holds(byte);
        }
        // A host that a target follows at once ends at the first slash.
        if self.glued(i + 1) {
            table[b'/' as usize] = false;
        }
        table
    }

    /// Whether value `i` is a target that follows a host without a literal.
    fn glued(&self, i: usize) -> bool {
        let target = self.slots.get(i).is_some_and(|slot| slot.shape == Shape::Target);
        target && i > 0 && self.literals[i].is_empty() && self.slots[i - 1].kind == Kind::Host
    }

    fn text(&self, i: usize) -> Text {
        Text { table: self.table(i), escapes: self.dialect.escapes() }
    }
}

impl Text {
    fn pass(&self, line: &[u8], start: usize, end: usize) -> Result<usize, Malformed> {
        let mut at = start;
        while at < end {
            let byte = line[at];
            if self.escapes && byte == b'\\' {
                at += 2;
            } else if self.table[byte as usize] {
                at += 1;
            } else {
                break;
            }
        }
        if at == end { Ok(end) } else { Err(Malformed { at: at.min(end) as u32, expected: "value" }) }
    }
}

impl Literal {
    fn new(bytes: &[u8]) -> Literal {
        let mut word = [0; 8];
        let mut mask = [0; 8];
        for (i, &byte) in bytes.iter().enumerate().take(8) {
            word[i] = byte;
            mask[i] = 0xff;
        }
        Literal { word: u64::from_le_bytes(word), mask: u64::from_le_bytes(mask), bytes: bytes.into() }
    }

    /// The position behind the literal, if it stands at `at`.
    #[inline]
    fn pass(&self, line: &[u8], at: usize) -> Result<usize, Malformed> {
        let length = self.bytes.len();
        let stands = match line.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
            Some(rest) if length <= 8 => u64::from_le_bytes(*rest) & self.mask == self.word,
            _ => line.get(at..).is_some_and(|rest| rest.starts_with(&self.bytes)),
        };
        if stands { Ok(at + length) } else { Err(Malformed { at: at as u32, expected: "literal" }) }
    }
}

impl CutRule {
    fn mark(self, record: &mut Record) {
        match self {
            CutRule::Whole => {}
            CutRule::From(field) => {
                for value in record.values.iter_mut().filter(|value| value.field >= field) {
                    if value.state == State::Present {
                        value.state = State::Cut;
                    }
                }
            }
        }
    }
}

/// Literals joined, each before its value, and the tail; values that belong together become one.
fn layout(pieces: Vec<Piece>) -> Result<(Vec<Slot>, Vec<Vec<u8>>), CompileError> {
    let mut slots = Vec::new();
    let mut literals = vec![Vec::new()];
    for piece in pieces {
        match piece {
            Piece::Literal(bytes) => {
                if let Some(last) = literals.last_mut() {
                    last.extend_from_slice(&bytes);
                }
            }
            Piece::Value(slot) => {
                slots.push(slot);
                literals.push(Vec::new());
            }
        }
    }
    if slots.is_empty() {
        return Err(CompileError::new(0, "the format holds no variable; name at least one, or use `text`"));
    }
    if slots.len() > MOST_VALUES {
        return Err(CompileError::new(
            0,
            format!("the format holds more than {MOST_VALUES} variables; leave some out"),
        ));
    }
    Ok((slots, literals))
}

fn schema(name: &str, dialect: Dialect, slots: &[Slot], literals: &[Vec<u8>]) -> Schema {
    let mut schema = Schema { name: name.into(), tail: literals[slots.len()].as_slice().into(), ..Schema::default() };
    let json = literals[0].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    let mut quoted = false;
    for (slot, literal) in slots.iter().zip(literals) {
        let mut bytes = literal.iter();
        while let Some(&byte) = bytes.next() {
            match byte {
                b'\\' => drop(bytes.next()),
                b'"' => quoted = !quoted,
                _ => {}
            }
        }
        let blank = if json && !quoted { Blank::Null } else { Blank::Dash };
        let mut add = |name: &str, kind, clock, literal: &[u8], blank| {
            let field = schema.fields.len() as u16;
            schema.fields.push(Field { name: name.into(), kind, escape: dialect.escape(), clock });
            schema.items.push(Item { literal: literal.into(), field, blank });
        };
        // Of the values of a request, the first and the last never stand together, and one of them always does: both
        // carry the literal.
        match slot.shape {
            Shape::Plain => add(&slot.name, slot.kind, slot.clock, literal, blank),
            Shape::Request => {
                add("http.request.method", Kind::Method, None, literal, blank);
                add("url.path", Kind::Path, None, b" ", Blank::Dash);
                add("url.query", Kind::Query, None, b"?", Blank::Gone);
                add("network.protocol.version", Kind::Protocol, None, b" ", Blank::Dash);
                add("http.request.line", Kind::Text, None, literal, blank);
            }
            Shape::Target => {
                add("url.path", Kind::Path, None, literal, blank);
                add("url.query", Kind::Query, None, b"?", Blank::Gone);
                add("url.original", Kind::Text, None, literal, blank);
            }
            Shape::Query => {
                add("url.query", Kind::Query, None, &[literal, b"?".as_slice()].concat(), Blank::Dash);
                add("url.original", Kind::Text, None, literal, Blank::Empty);
            }
        }
    }
    schema
}

/// The bytes of a literal and where they stand, without the backslashes and what they take along.
fn unslashed(literal: &[u8], escapes: bool) -> impl Iterator<Item = (usize, u8)> {
    let mut slashed = false;
    literal.iter().copied().enumerate().filter(move |&(_, byte)| {
        let plain = !slashed && !(escapes && byte == b'\\');
        slashed = escapes && !slashed && byte == b'\\';
        plain
    })
}

/// Refuses a line with a byte outside the bounds. One pass without a branch: the compiler makes it a vector loop.
#[inline]
fn within(line: &[u8], least: u8, most: u8) -> Result<(), Malformed> {
    let fits = if most == 0xff {
        line.iter().fold(0xff, |lowest, &byte| byte.min(lowest)) >= least
    } else {
        line.iter().fold(0, |highest, &byte| byte.wrapping_sub(least).max(highest)) <= most - least
    };
    if fits { Ok(()) } else { Err(Malformed { at: 0, expected: "printable bytes" }) }
}

/// Three digits, or a dash.
#[inline]
fn status(line: &[u8], at: usize, empty: bool) -> Result<usize, Malformed> {
    match line[at..] {
        [a, b, c, ..] if a.is_ascii_digit() & b.is_ascii_digit() & c.is_ascii_digit() => Ok(at + 3),
        [b'-', ..] => Ok(at + 1),
        _ if empty => Ok(at),
        _ => Err(Malformed { at: at as u32, expected: "status" }),
    }
}

/// `-`, or a number with or without a fraction.
#[inline]
fn digits(line: &[u8], at: usize) -> Result<usize, Malformed> {
    let run = |mut end: usize| {
        while end < line.len() && line[end].is_ascii_digit() {
            end += 1;
        }
        end
    };
    let start = if line.get(at) == Some(&b'-') { at + 1 } else { at };
    let mut end = run(start);
    if line.get(end) == Some(&b'.') {
        end = run(end + 1);
    }
    if end > at { Ok(end) } else { Err(Malformed { at: at as u32, expected: "number" }) }
}

/// The client behind a virtual host.
fn visitor(line: &[u8], at: usize) -> Result<usize, Malformed> {
    let end = grammar::client(line, at)?;
    let list = &line[at..end];
    let address = list.split(|byte| *byte == b',').all(|one| grammar::is_address(one.trim_ascii()));
    if list != b"-" && (address || line[end..].starts_with(b" - ")) {
        Ok(end)
    } else {
        Err(Malformed { at: at as u32, expected: "client" })
    }
}

/// Refuses an identity where it would be a misreading: an address is the client of another format, and names before it
/// belong to a line that some other program put its prefix on.
#[cold]
fn identity(line: &[u8], at: usize, schema: &Schema, record: &Record) -> Result<(), Malformed> {
    let word = line[at..].split(|byte| *byte == b' ').next().unwrap_or_default();
    let word = word.strip_suffix(b",").unwrap_or(word);
    let clients = record.values.last().filter(|value| schema.fields[value.field as usize].kind == Kind::Address);
    let client = clients.is_none_or(|client| {
        client.span.of(line).split(|byte| *byte == b',').all(|one| grammar::is_address(one.trim_ascii()))
    });
    if !client || word.is_empty() || grammar::is_address(word) {
        return Err(Malformed { at: at as u32, expected: "identity" });
    }
    Ok(())
}

/// More than any directive has; one field of a request takes five numbers.
const MOST_VALUES: usize = 1000;
