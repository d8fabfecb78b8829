//! Literal · field · literal, compiled to flat steps.
//!
//! A server's own directive says what stands between its values. Where the byte that follows a value cannot stand in it,
//! the value ends at the first such byte: a hard step. Where it can, a stretch of several values is read as a whole
//! (`soft.rs`), and what could be read two ways is ambiguous.

use super::{
    Ending, Malformed, Parse,
    grammar::{self, Grammar},
    literal::Literal,
    request, seek,
    soft::{Soft, unescaped},
    usual::{Tried, Usual},
};
use crate::record::{Kind, Record, Schema, Seen, Sight, Span, State, Value};
use memchr::memchr;

/// A format of fixed order.
#[derive(Clone, Debug)]
pub struct Template {
    pub(super) schema: Schema,
    pub(super) raw: Raw,
    pub(super) steps: Box<[Step]>,
    pub(super) tail: Literal,
    pub(super) cut: CutRule,
    /// Whether a host, a blank and a client that is never missing begin the line.
    pub(super) hosted: bool,
    /// The quick way, if it is a layout that most logs have.
    pub(super) usual: Option<Usual>,
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
pub(super) struct Step {
    pub(super) literal: Literal,
    pub(super) op: Op,
    pub(super) shape: Shape,
    pub(super) field: u16,
}

#[derive(Clone, Debug)]
pub(super) enum Op {
    /// Up to the first blank that is not inside a list.
    Client,
    /// A host name or an address, with or without port.
    Host,
    /// A client that is never missing, and where it is a name, ` - ` follows it.
    Visitor,
    /// Three digits or a dash; nothing, where the dialect writes so.
    Status { empty: bool },
    /// Digits, or a dash.
    Digits,
    /// A list of upstream numbers; nothing, where the dialect writes so.
    Numbers { empty: bool },
    /// An address, by its first byte; or a list, where a proxy's module put one.
    Address,
    /// Up to the first blank, quote or control byte; it is not empty by the literal behind it alone.
    Token,
    /// 26 bytes.
    Clf,
    /// So many bytes.
    Width(Grammar, usize),
    /// While the form holds.
    Typed { grammar: Grammar, table: Box<[bool; 256]>, blank: bool, empty: bool },
    /// Up to the first quote that is not escaped.
    Quoted,
    /// The same, and what stands there is a request line.
    Request,
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
pub(super) struct Text {
    pub(super) table: [bool; 256],
    pub(super) escapes: bool,
}

/// Bytes that no value of the dialect can hold, looked for in the whole line at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Raw {
    /// The literals hold some of them: each value is looked at by itself.
    EachValue,
    /// Bytes below the first or above the second.
    Outside(u8, u8),
}

/// Which values a cut line leaves unsure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CutRule {
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
        // What most lines of other layouts have in the second place or at the end is refused before all else.
        if self.refuses(line) {
            return Err(Malformed { at: 0, expected: "client" });
        }
        if !self.may_end(line) {
            return Err(Malformed { at: line.len() as u32, expected: "end of line" });
        }
        match self.usual.map_or(Tried::Unsure, |usual| usual.read(line, record)) {
            Tried::Read => {
                if ending == Ending::Cut {
                    self.cut.mark(record);
                }
                Ok(())
            }
            Tried::Refused => Err(Malformed { at: line.len() as u32, expected: "end of line" }),
            Tried::Unsure => self.follow(line, ending, record),
        }
    }
}

impl Template {
    /// Fills `record` from a line of which the sight is known. `false` says nothing: [`Parse::parse`] must decide.
    ///
    /// What it reads is read alike by `parse`, and no layout with a host in front takes it.
    #[inline]
    pub(super) fn read_sight(&self, line: &[u8], sight: &Sight, record: &mut Record) -> Option<Seen> {
        let seen = self.usual?.read_sight(line, sight, record)?;
        (!ends_with_port(record.values[0].span.of(line))).then_some(seen)
    }

    /// The same for a line with a blank and more behind the layout.
    #[inline]
    pub(super) fn read_sight_behind(&self, line: &[u8], sight: &Sight, record: &mut Record) -> Option<Seen> {
        let seen = self.usual?.read_sight_behind(line, sight, record)?;
        (!ends_with_port(record.values[0].span.of(line))).then_some(seen)
    }

    /// Fills `record` step by step.
    #[inline(never)]
    pub(super) fn follow(&self, line: &[u8], ending: Ending, record: &mut Record) -> Result<(), Malformed> {
        record.clear();
        record.values.reserve(self.schema.fields.len());
        let mut at = 0;
        let mut steps = self.steps.iter();
        while let Some(step) = steps.next() {
            at = step.literal.pass(line, at)?;
            let end = match &step.op {
                Op::Client => grammar::client(line, at)?,
                Op::Host => grammar::host(line, at)?,
                Op::Visitor => visitor(line, at)?,
                Op::Status { empty } => status(line, at, *empty)?,
                Op::Digits => digits(line, at)?,
                Op::Numbers { empty } => numbers(line, at, *empty)?,
                Op::Address => address(line, at)?,
                Op::Token => seek::token(line, at),
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
                Op::Request => {
                    at = quoted_request(line, at, step.field, record)?;
                    continue;
                }
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
            match step.shape {
                Shape::Plain => record.push(step.field, at, end),
                shape => shape.push(record, step.field, line, at, end),
            }
            at = end;
        }
        at = self.tail.pass(line, at)?;
        if at != line.len() {
            return Err(Malformed { at: at as u32, expected: "end of line" });
        }
        // Last, because a line of another format fails at its first bytes.
        if let Raw::Outside(least, most) = self.raw {
            within(line, least, most)?;
        }
        if ending == Ending::Cut {
            self.cut.mark(record);
        }
        Ok(())
    }
}

impl Template {
    /// Whether a look at the line's first words shows that it is of another layout.
    #[inline]
    pub(super) fn refuses(&self, line: &[u8]) -> bool {
        self.hosted && is_identity_second(line)
    }

    /// Whether a line may end so. Every line of the layout ends with its tail; where it has none, with the numbers and
    /// statuses that end it, each behind its literal.
    #[inline]
    fn may_end(&self, line: &[u8]) -> bool {
        if let Some(tail) = self.tail.last() {
            return line.last() == Some(tail);
        }
        let mut rest = line;
        for step in self.steps.iter().rev() {
            let number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
            let value = rest.iter().rev().take_while(|byte| number(byte)).count();
            let fits = match step.op {
                Op::Digits => value > 0,
                Op::Status { empty: false } => value == 3 || value == 1,
                _ => return true,
            };
            // With such a byte at its end the literal would be part of the run.
            if !fits || step.literal.last().is_none_or(number) {
                return fits;
            }
            match rest[..rest.len() - value].strip_suffix(&*step.literal) {
                Some(before) => rest = before,
                None => return false,
            }
        }
        true
    }

    /// Whether a line of the layout may begin with this byte. `true` says nothing.
    pub(super) fn begins_with(&self, byte: u8) -> bool {
        let Some(step) = self.steps.first() else { return true };
        if let Some(&first) = step.literal.first() {
            return byte == first;
        }
        match &step.op {
            Op::Client | Op::Visitor | Op::Address => Grammar::Client.holds(byte),
            Op::Host => Grammar::Host.holds(byte),
            Op::Status { empty: false } => Grammar::Status.holds(byte),
            Op::Digits | Op::Numbers { empty: false } => Grammar::Number.holds(byte),
            // Of an empty one the literal behind it tells nothing here.
            Op::Token => true,
            Op::Typed { grammar, table, empty: false, .. } if !grammar.fits(b"") => table[byte as usize],
            Op::Soft(soft) => soft.begins_with(byte),
            Op::Status { .. }
            | Op::Numbers { .. }
            | Op::Typed { .. }
            | Op::Clf
            | Op::Width(..)
            | Op::Quoted
            | Op::Request
            | Op::Until { .. }
            | Op::Rest { .. }
            | Op::Identity { .. } => true,
        }
    }

    /// Whether a line of the layout may end with this byte. `true` says nothing.
    pub(super) fn ends_with(&self, byte: u8) -> bool {
        match (self.tail.last(), self.steps.last().map(|step| &step.op)) {
            (Some(&tail), _) => byte == tail,
            (None, Some(Op::Digits | Op::Numbers { empty: false })) => Grammar::Number.holds(byte),
            (None, Some(Op::Status { empty: false })) => Grammar::Status.holds(byte),
            (None, _) => true,
        }
    }

    /// How many quotes stand in every line of it that has no backslash, where no value can hold one.
    pub(super) fn quotes(&self) -> Option<usize> {
        let holds = |step: &Step| match &step.op {
            Op::Client | Op::Host | Op::Visitor | Op::Status { .. } | Op::Digits | Op::Numbers { .. } | Op::Address => {
                false
            }
            Op::Token | Op::Clf | Op::Width(..) | Op::Quoted | Op::Request => false,
            Op::Typed { table, .. } => table[usize::from(b'"')],
            Op::Until { text, .. } | Op::Rest { text } => text.table[usize::from(b'"')],
            Op::Soft(soft) => soft.holds_quote(),
            Op::Identity { otherwise, .. } => otherwise.holds_quote(),
        };
        let quotes = |literal: &[u8]| literal.iter().filter(|byte| **byte == b'"').count();
        let within = |step: &Step| match &step.op {
            Op::Soft(soft) => soft.parts.iter().map(|part| quotes(&part.literal)).sum(),
            // What stands behind a dash is read by the steps that follow.
            _ => 0,
        };
        let all =
            self.steps.iter().map(|step| quotes(&step.literal) + within(step)).sum::<usize>() + quotes(&self.tail);
        (!self.steps.iter().any(holds)).then_some(all)
    }

    /// The same under another name.
    pub(super) fn named(mut self, name: &str) -> Template {
        self.schema.name = name.into();
        self
    }
}

impl Shape {
    /// Adds the values that stand at `start..end`.
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

    pub(super) fn fields(self) -> u16 {
        match self {
            Shape::Plain => 1,
            Shape::Request => 5,
            Shape::Target => 3,
            Shape::Query => 2,
        }
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

/// Whether a dash begins the second word and the first is no host with its port.
#[inline(never)]
fn is_identity_second(line: &[u8]) -> bool {
    let blank = seek::byte(line, 0, b' ');
    line.get(blank + 1) == Some(&b'-') && !behind_port(&line[..blank])
}

/// Refuses a line with a byte outside the bounds. Sixty-four bytes at a time without a branch: the compiler makes vector
/// instructions of it.
#[inline]
pub(super) fn within(line: &[u8], least: u8, most: u8) -> Result<(), Malformed> {
    let outside = match most {
        0xff => {
            let lowest = folded(line, least, 0xff, u8::min);
            lowest.iter().fold(false, |any, &byte| any | (byte < least))
        }
        _ => {
            let farthest = folded(line, least, 0, |far, byte| far.max(byte.wrapping_sub(least)));
            farthest.iter().fold(false, |any, &far| any | (far > most - least))
        }
    };
    if outside { Err(Malformed { at: 0, expected: "printable bytes" }) } else { Ok(()) }
}

/// The line folded to 64 bytes.
#[inline(always)]
fn folded(line: &[u8], least: u8, none: u8, fold: impl Fn(u8, u8) -> u8 + Copy) -> [u8; 64] {
    let mut all = [none; 64];
    let (chunks, rest) = line.as_chunks::<64>();
    for chunk in chunks {
        join(&mut all, chunk, fold);
    }
    match line.last_chunk() {
        // The last bytes once more, with some before them.
        Some(last) => join(&mut all, last, fold),
        None => {
            let mut padded = [least; 64];
            padded[..rest.len()].copy_from_slice(rest);
            join(&mut all, &padded, fold);
        }
    }
    all
}

#[inline(always)]
fn join(all: &mut [u8; 64], bytes: &[u8; 64], fold: impl Fn(u8, u8) -> u8) {
    for (all, &byte) in all.iter_mut().zip(bytes) {
        *all = fold(*all, byte);
    }
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
    let start = if line.get(at) == Some(&b'-') { at + 1 } else { at };
    let mut end = run(line, start);
    if line.get(end) == Some(&b'.') {
        end = run(line, end + 1);
    }
    if end > at { Ok(end) } else { Err(Malformed { at: at as u32, expected: "number" }) }
}

/// `0.001, 0.002 : 0.100`: numbers or dashes.
#[inline]
fn numbers(line: &[u8], at: usize, empty: bool) -> Result<usize, Malformed> {
    let mut end = match digits(line, at) {
        Err(_) if empty => return Ok(at),
        end => end?,
    };
    loop {
        let behind = match line[end..] {
            [b',', b' ', ..] => end + 2,
            [b' ', b':', b' ', ..] => end + 3,
            _ => return Ok(end),
        };
        end = digits(line, behind)?;
    }
}

/// One address. What it is made of is looked at, not what it says: the treatment of an address does that.
#[inline]
fn address(line: &[u8], at: usize) -> Result<usize, Malformed> {
    let end = grammar::client(line, at)?;
    let first = line[at];
    let starts = first.is_ascii_hexdigit() || first == b':' || first == b'-' || line[at..end].starts_with(b"unix:");
    if starts { Ok(end) } else { Err(Malformed { at: at as u32, expected: "address" }) }
}

/// One past the digits from `at` on, eight at a time.
#[inline]
fn run(line: &[u8], at: usize) -> usize {
    let mut end = at;
    while let Some(bytes) = line.get(end..).and_then(|rest| rest.first_chunk::<8>()) {
        let others = grammar::others_than_digits(u64::from_le_bytes(*bytes));
        if others != 0 {
            return end + others.trailing_zeros() as usize / 8;
        }
        end += 8;
    }
    while end < line.len() && line[end].is_ascii_digit() {
        end += 1;
    }
    end
}

/// A request line up to its closing quote; gives where that stands. Its first question mark is met on the way.
#[inline(always)]
pub(super) fn quoted_request(line: &[u8], at: usize, field: u16, record: &mut Record) -> Result<usize, Malformed> {
    let first = seek::either(line, at, b'"', b'?');
    let first = (first < line.len()).then_some(first);
    let mark = first.filter(|&first| line[first] == b'?');
    let end = match (first, mark) {
        (_, Some(mark)) => unescaped(b'"', line, mark + 1),
        (Some(quote), None) if quote == at || line[quote - 1] != b'\\' => Some(quote),
        (_, None) => unescaped(b'"', line, at),
    };
    let end = end.ok_or(Malformed { at: at as u32, expected: "closing quote" })?;
    match first {
        Some(first) if mark.is_some() || first == end => {
            request::push_at(record, field, line, at, end, mark.map(|mark| mark - at));
        }
        // An escaped quote came first: a question mark may follow it.
        _ => request::push(record, field, line, at, end),
    }
    Ok(end)
}

/// The client behind a virtual host.
fn visitor(line: &[u8], at: usize) -> Result<usize, Malformed> {
    let end = grammar::client(line, at)?;
    let list = &line[at..end];
    // A client that an earlier run dropped; without a port the host may as well be the client of `combined`.
    if list == b"-" && !behind_port(&line[..at]) {
        return Err(Malformed { at: at as u32, expected: "client" });
    }
    if line[end..].starts_with(b" - ") {
        return Ok(end);
    }
    let address = list.split(|byte| *byte == b',').all(|one| grammar::is_address(one.trim_ascii()));
    if address { Ok(end) } else { Err(Malformed { at: at as u32, expected: "client" }) }
}

/// Whether `head` ends with a host name, its port and a blank.
fn behind_port(head: &[u8]) -> bool {
    ends_with_port(head.trim_ascii_end())
}

/// Whether `host` is a host name and its port.
#[inline]
fn ends_with_port(host: &[u8]) -> bool {
    // A port takes five digits at most, and most clients have no colon before their last five bytes.
    if host.last_chunk::<6>().is_some_and(|last| last.iter().fold(true, |none, &byte| none & (byte != b':'))) {
        return false;
    }
    let mut at = host.len();
    while at > 0 && host[at - 1].is_ascii_digit() {
        at -= 1;
    }
    // Few clients have a colon there.
    if !(1..=5).contains(&(host.len() - at)) || at == 0 || host[at - 1] != b':' {
        return false;
    }
    let name = &host[..at - 1];
    name.iter().any(u8::is_ascii_alphabetic) && !name.contains(&b':')
}

/// Refuses an identity where it would be a misreading: an address, or a name that another identity follows, is the client
/// behind a virtual host, and names before it belong to a line that some other program put its prefix on.
#[cold]
fn identity(line: &[u8], at: usize, schema: &Schema, record: &Record) -> Result<(), Malformed> {
    let word = line[at..].split(|byte| *byte == b' ').next().unwrap_or_default();
    let behind = &line[at + word.len()..];
    let host = behind.starts_with(b" - ") && !behind.starts_with(b" - [");
    let word = word.strip_suffix(b",").unwrap_or(word);
    let clients = record.values.last().filter(|value| schema.fields[value.field as usize].kind == Kind::Address);
    let client = clients.is_none_or(|client| {
        client.span.of(line).split(|byte| *byte == b',').all(|one| grammar::is_address(one.trim_ascii()))
    });
    if !client || host || word.is_empty() || grammar::is_address(word) {
        return Err(Malformed { at: at as u32, expected: "identity" });
    }
    Ok(())
}
