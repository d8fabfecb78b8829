//! Pieces of a directive → steps and schema. The cold side of `template.rs`.

use super::{
    CompileError,
    grammar::Grammar,
    literal::Literal,
    seek,
    soft::{End, Part, Soft, printable},
    template::{CutRule, Op, Raw, Shape, Step, Template, Text},
    usual::Usual,
};
use crate::record::{Blank, Clock, Escape, Field, Item, Kind, Schema};

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
        let hosted = matches!(&*steps, [host, client, ..] if host.literal.is_empty()
            && matches!(host.op, Op::Host)
            && &*client.literal == b" "
            && matches!(client.op, Op::Visitor));
        let usual = Usual::of(dialect, raw, &steps, &tail, cut);
        Ok(Template { schema, raw, steps, tail, cut, hosted, usual })
    }
}

impl Dialect {
    /// Whether a byte can stand in a value as it is (a backslash with what it takes along, where there are escapes).
    const fn holds(self, byte: u8) -> bool {
        match self {
            Dialect::Nginx => byte >= b' ' && byte < 0x7f && byte != b'"',
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
            // A list right before the last value may go on behind the cut.
            let lists = steps
                .iter()
                .rev()
                .skip(1)
                .take_while(|step| matches!(step.op, Op::Typed { blank: true, .. } | Op::Numbers { .. }));
            let last = lists.last().map_or(self.fields[self.slots.len() - 1], |step| step.field);
            cut = CutRule::From(last);
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
        if follows.is_some_and(|byte| self.holds(i, byte)) && !blank {
            return None;
        }
        Some(match (grammar, follows) {
            (Grammar::Client, Some(b' ')) => Op::Client,
            (Grammar::Address, Some(b' ')) => Op::Address,
            (Grammar::Numbers, _) => Op::Numbers { empty: self.dialect.empties() },
            (Grammar::Host, _) => Op::Host,
            (Grammar::Visitor, Some(b' ')) => Op::Visitor,
            (Grammar::Status, _) => Op::Status { empty: self.dialect.empties() },
            (Grammar::Number, _) if !self.dialect.empties() => Op::Digits,
            (Grammar::Text | Grammar::User | Grammar::Identity, Some(b'"')) if matches!(self.raw, Raw::Outside(..)) => {
                if self.slots[i].shape == Shape::Request {
                    Op::Request
                } else {
                    Op::Quoted
                }
            }
            (Grammar::Text | Grammar::User | Grammar::Identity, Some(b'"')) => return None,
            (Grammar::Text | Grammar::User | Grammar::Identity, Some(byte)) => {
                Op::Until { byte, text: Box::new(self.text(i)) }
            }
            (Grammar::Text | Grammar::User | Grammar::Identity, None) => Op::Rest { text: Box::new(self.text(i)) },
            (Grammar::Token, _) if !self.dialect.empties() && self.table(i) == seek::TOKEN => Op::Token,
            _ => Op::Typed { grammar, table: Box::new(self.table(i)), blank, empty: self.dialect.empties() },
        })
    }

    /// The stretch from value `i` on, and the first value behind it.
    fn soft(&self, i: usize) -> (Soft, usize) {
        let (last, end) = (i..self.slots.len())
            .find_map(|last| Some((last, self.stop(i, last)?)))
            .unwrap_or((self.slots.len() - 1, End::Line(self.literals[self.slots.len()].len())));
        let parts: Box<[Part]> = (i..=last)
            .map(|at| (at, self.table(at)))
            .map(|(at, table)| Part {
                grammar: self.slots[at].grammar,
                printable: printable(&table),
                table: Box::new(table),
                escapes: self.dialect.escapes() && self.slots[at].grammar.is_text(),
                slash: self.glued(at),
                empty: self.dialect.empties() && self.slots[at].grammar.width().is_none(),
                literal: Literal::new(if at == last { b"" } else { &self.literals[at + 1] }),
                field: self.fields[at],
                shape: self.slots[at].shape,
            })
            .collect();
        let behind =
            parts[1..].iter().zip(&parts).map(|(part, before)| Some(part.grammar.width()? + before.literal.len()));
        let fixed = behind.sum::<Option<usize>>().filter(|_| parts[0].grammar.is_text());
        let dated = matches!(&*parts, [text, time]
            if text.grammar.is_text() && text.shape == Shape::Plain && &*text.literal == b" [" && time.grammar == Grammar::Clf);
        (Soft { parts, end, fixed, dated }, last + 1)
    }

    /// A byte of the literal behind value `last` that can stand neither in the values `first..=last` nor in the literals
    /// between them: the first one of the line ends the stretch.
    fn stop(&self, first: usize, last: usize) -> Option<End> {
        let escapes = self.dialect.escapes();
        unslashed(&self.literals[last + 1], escapes).find_map(|(before, byte)| {
            let inside = (first..=last).any(|i| self.holds(i, byte));
            let mut between = self.literals[first + 1..=last].iter();
            let between =
                between.any(|literal| unslashed(literal, escapes && byte == b'"').any(|(_, other)| other == byte));
            (!inside && !between).then_some(End::Stop { byte, before, escapes: escapes && byte == b'"' })
        })
    }

    /// What may stand in value `i` as it is.
    fn table(&self, i: usize) -> [bool; 256] {
        let (form, dialect) = (&FORMS[form(self.slots[i].grammar)], &DIALECTS[self.dialect as usize]);
        let mut table = [false; 256];
        for (holds, (form, dialect)) in table.iter_mut().zip(form.iter().zip(dialect)) {
            *holds = form & dialect;
        }
        // A host that a target follows at once ends at the first slash.
        if self.glued(i + 1) {
            table[b'/' as usize] = false;
        }
        table
    }

    /// Whether `byte` may.
    fn holds(&self, i: usize, byte: u8) -> bool {
        let (form, dialect) = (&FORMS[form(self.slots[i].grammar)], &DIALECTS[self.dialect as usize]);
        form[usize::from(byte)] && dialect[usize::from(byte)] && !(byte == b'/' && self.glued(i + 1))
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
        let before = slashed;
        slashed = escapes && !before && byte == b'\\';
        !before && !slashed
    })
}

/// For each dialect the bytes that can stand in its values.
static DIALECTS: [[bool; 256]; 4] = {
    const ALL: [Dialect; 4] = [Dialect::Nginx, Dialect::Apache, Dialect::Json, Dialect::None];
    let mut tables = [[false; 256]; 4];
    let mut i = 0;
    while i < 4 * 256 {
        tables[ALL[i / 256] as usize][i % 256] = ALL[i / 256].holds((i % 256) as u8);
        i += 1;
    }
    tables
};

/// One grammar for each set of bytes, at its [`form`].
const GRAMMARS: [Grammar; 13] = [
    Grammar::Text,
    Grammar::Token,
    Grammar::Host,
    Grammar::Client,
    Grammar::Address,
    Grammar::Addresses,
    Grammar::Number,
    Grammar::Numbers,
    Grammar::Status,
    Grammar::Method,
    Grammar::Protocol,
    Grammar::Word,
    Grammar::Time,
];

/// For each of [`GRAMMARS`] the bytes that its values have.
static FORMS: [[bool; 256]; GRAMMARS.len()] = {
    let mut tables = [[false; 256]; GRAMMARS.len()];
    let mut i = 0;
    while i < GRAMMARS.len() * 256 {
        tables[i / 256][i % 256] = GRAMMARS[i / 256].holds((i % 256) as u8);
        i += 1;
    }
    tables
};

/// The place of a grammar's bytes in [`FORMS`].
const fn form(grammar: Grammar) -> usize {
    match grammar {
        Grammar::Text | Grammar::User | Grammar::Identity => 0,
        Grammar::Token => 1,
        Grammar::Host => 2,
        Grammar::Client | Grammar::Visitor => 3,
        Grammar::Address => 4,
        Grammar::Addresses => 5,
        Grammar::Number => 6,
        Grammar::Numbers => 7,
        Grammar::Status => 8,
        Grammar::Method => 9,
        Grammar::Protocol => 10,
        Grammar::Word => 11,
        Grammar::Clf | Grammar::Iso | Grammar::Fixed(_) | Grammar::Time => 12,
    }
}

/// More than any directive has; one field of a request takes five numbers.
const MOST_VALUES: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_grammar_has_the_bytes_of_its_form() {
        let others =
            [Grammar::User, Grammar::Identity, Grammar::Visitor, Grammar::Clf, Grammar::Iso, Grammar::Fixed(8)];
        for grammar in GRAMMARS.into_iter().chain(others) {
            assert!(
                (0..=255).all(|byte| FORMS[form(grammar)][usize::from(byte)] == grammar.holds(byte)),
                "{grammar:?}"
            );
        }
    }
}
