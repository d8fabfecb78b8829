//! One shape: literals and typed fields, compiled once.

use super::{super::Ending, words};
use crate::record::{Blank, Field, Item, Kind, Layout, Record, State, Value};
use memchr::{memchr, memrchr};

/// The shapes that may stand from some place of a line to its end.
#[derive(Clone, Debug)]
pub(in crate::format) struct Body {
    shapes: Box<[Shape]>,
    /// For each first byte the shapes that can begin with it, in order; the last list is that of an empty text.
    by_first: Box<[Box<[u16]>]>,
    words: words::Words,
}

/// Literals and fields in turn.
#[derive(Clone, Debug)]
struct Shape {
    parts: Box<[Part]>,
    tail: Box<[u8]>,
    /// Whether a name in its first place has blanks in front of it, to a width.
    padded: bool,
    /// Its first layout; one for each number of users in its text follows.
    layout: u16,
    /// The text in which users are looked for.
    text: Option<usize>,
}

/// A literal and the field behind it.
#[derive(Clone, Debug)]
struct Part {
    literal: Box<[u8]>,
    field: u16,
    form: Form,
}

/// What a field is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Anything: what a visitor typed, and texts that hold such.
    Free,
    /// What addresses and host names are made of. May be empty.
    Host,
    /// Digits.
    Digits,
    /// Capital letters.
    Capitals,
    /// Letters, digits and `._/+:-`.
    Word,
    /// Printable bytes other than blanks. May be empty.
    Token,
    /// One letter, or `_`: a dash is another field's missing value.
    Letter,
    /// A point in time with its date.
    Time,
    /// The same, as PHP writes it.
    DayFirst,
    /// Seconds since 1970.
    Epoch,
}

/// Where reading a shape from the left stops.
enum Stop {
    /// All is read.
    End,
    /// At a free field: the part, and where its value begins.
    Free(usize, usize),
}

impl Body {
    /// Compiles `shapes`, each with each of `endings` behind it. Their fields are added to `fields`; `head` stands in front of
    /// each layout, and `literal` between it and the shape.
    pub(in crate::format) fn compile(
        shapes: &[&str],
        endings: &[&str],
        words: &[&str],
        fields: &mut Vec<Field>,
        head: &[Item],
        literal: &[u8],
    ) -> (Body, Vec<Layout>) {
        let (mut layouts, mut compiled) = (Vec::new(), Vec::new());
        let user = place(fields, "user.name", Kind::User);
        for shape in shapes {
            for ending in endings.iter().rev().chain([&""]) {
                // A text may hold any ending.
                if !ending.is_empty() && shape.ends_with("{message}") {
                    continue;
                }
                compiled.push(Shape::compile(&format!("{shape}{ending}"), fields, head, literal, &mut layouts));
            }
        }
        let begins =
            |shape: &Shape, byte: Option<u8>| match shape.parts.first().map_or(&*shape.tail, |part| &part.literal) {
                [] => true,
                [first, ..] => Some(*first) == byte,
            };
        let list = |byte: Option<u8>| (0..).zip(&compiled).filter(|(_, s)| begins(s, byte)).map(|(i, _)| i).collect();
        let by_first = (0..=255).map(Some).chain([None]).map(list).collect();
        (Body { shapes: compiled.into(), by_first, words: words::Words::new(words, user) }, layouts)
    }

    /// Adds the values of the text from `from` on to the record, or says that it has none of the shapes. `layouts` is the number
    /// of layouts in front of those of this body.
    #[inline]
    pub(in crate::format) fn read(
        &self,
        line: &[u8],
        from: usize,
        ending: Ending,
        layouts: u16,
        record: &mut Record,
    ) -> bool {
        let base = record.values.len();
        let first = line.get(from).map_or(256, |&byte| usize::from(byte));
        for &shape in &self.by_first[first] {
            let shape = &self.shapes[usize::from(shape)];
            if shape.read(line, from, record) {
                record.layout = layouts + shape.layout;
                match ending {
                    Ending::Whole => self.find_users(shape, line, base, record),
                    Ending::Cut => cut(line, base, record),
                }
                return true;
            }
            record.values.truncate(base);
        }
        false
    }

    /// Cuts the text of a shape at the users in it.
    fn find_users(&self, shape: &Shape, line: &[u8], base: usize, record: &mut Record) {
        let Some(at) = shape.text.map(|part| base + part) else { return };
        let text = record.values[at];
        if text.state != State::Present {
            return;
        }
        let Some(first) = self.words.next(line, text.span.start as usize, text.span.end as usize) else { return };
        let before = record.values.len();
        record.values[at].span.end = first.0 as u32;
        let (mut users, mut next) = (0, Some(first));
        while let Some((start, end)) = next {
            users += 1;
            record.push(self.words.field, start, end);
            next = self.words.next(line, end, text.span.end as usize);
            let until = next.map_or(text.span.end as usize, |(start, _)| start);
            record.push(text.field, end, until);
            if users == MOST_USERS && next.is_some() {
                // Whoever else stands there stays there with the rest of the text.
                let rest = record.values.last_mut().expect("a text was just added");
                rest.state = State::Ambiguous;
                rest.span.end = text.span.end;
                break;
            }
        }
        let added = record.values.len() - before;
        record.values[at + 1..].rotate_right(added);
        record.layout += users;
    }
}

/// How many users are told apart in one text.
const MOST_USERS: u16 = 4;

/// Marks what a cut line leaves unsure: whatever reaches its end.
fn cut(line: &[u8], base: usize, record: &mut Record) {
    for value in &mut record.values[base..] {
        if value.state == State::Present && value.span.end as usize == line.len() {
            value.state = State::Cut;
        }
    }
}

impl Shape {
    fn compile(text: &str, fields: &mut Vec<Field>, head: &[Item], literal: &[u8], layouts: &mut Vec<Layout>) -> Shape {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            let (name, behind) = behind.split_once('}').expect("a built-in shape closes its braces");
            let (name, form) = name.split_once(':').map_or((name, None), |(name, form)| (name, Some(form)));
            let (kind, own) = known(name);
            let form = form.map_or(own, Form::named);
            parts.push(Part { literal: before.as_bytes().into(), field: place(fields, name, kind), form });
            rest = behind;
        }
        let first = |part: &Part| part.literal.is_empty() && fields[part.field as usize].kind == Kind::User;
        let shape = Shape {
            padded: parts.first().is_some_and(first),
            text: parts.iter().rposition(|part| TEXTS.contains(&&*fields[part.field as usize].name)),
            layout: layouts.len() as u16,
            parts: parts.into(),
            tail: rest.as_bytes().into(),
        };
        let user = place(fields, "user.name", Kind::User);
        let variants = if shape.text.is_some() { MOST_USERS } else { 0 };
        for users in 0..=variants {
            layouts.push(shape.layout(users, user, head, literal));
        }
        shape
    }

    /// The layout with so many users in its text.
    fn layout(&self, users: u16, user: u16, head: &[Item], literal: &[u8]) -> Layout {
        let mut items = head.to_vec();
        let mut literal = literal.to_vec();
        for (i, part) in self.parts.iter().enumerate() {
            literal.extend_from_slice(&part.literal);
            let whole: Box<[u8]> = std::mem::take(&mut literal).into();
            items.push(Item { literal: whole, field: part.field, blank: Blank::Dash });
            if self.text == Some(i) {
                for _ in 0..users {
                    items.push(Item { literal: Box::default(), field: user, blank: Blank::Dash });
                    items.push(Item { literal: Box::default(), field: part.field, blank: Blank::Empty });
                }
            }
        }
        literal.extend_from_slice(&self.tail);
        Layout { items, tail: literal.into() }
    }

    /// Adds one value a part, or leaves the record in between.
    fn read(&self, line: &[u8], from: usize, record: &mut Record) -> bool {
        if !line[from..].ends_with(&self.tail) {
            return false;
        }
        let base = record.values.len();
        let from =
            if self.padded { from + line[from..].iter().take_while(|byte| **byte == b' ').count() } else { from };
        let Some(mut stop) = self.run(line, from, 0, record) else { return false };
        let mut sure = self.parts.len();
        while let Stop::Free(part, at) = stop {
            let next = self.parts[part + 1..].iter().position(|part| part.form == Form::Free);
            let found = match next {
                None => self.last(line, part, at, record),
                Some(_) => self.first(line, part, at, record).map(|(stop, alone)| {
                    if !alone {
                        sure = sure.min(part);
                    }
                    stop
                }),
            };
            let Some(found) = found else { return false };
            stop = found;
        }
        for value in &mut record.values[base + sure..] {
            *value = Value { state: State::Ambiguous, ..*value };
        }
        true
    }

    /// Reads from part `part` on, whose literal begins at `at`, up to the end or the next free field.
    fn run(&self, line: &[u8], mut at: usize, mut part: usize, record: &mut Record) -> Option<Stop> {
        while let Some(Part { literal, field, form }) = self.parts.get(part) {
            if !line[at..].starts_with(literal) {
                return None;
            }
            at += literal.len();
            if *form == Form::Free {
                return Some(Stop::Free(part, at));
            }
            part += 1;
            let next = self.parts.get(part).map_or(&self.tail, |next| &next.literal);
            let end = form.end(line, at, next)?;
            record.push(*field, at, end);
            at = end;
        }
        (line[at..] == *self.tail).then_some(Stop::End)
    }

    /// The last free field: it ends at the last place from which all that follows reaches the end of the line.
    fn last(&self, line: &[u8], part: usize, at: usize, record: &mut Record) -> Option<Stop> {
        let Part { field, .. } = self.parts[part];
        let Some(next) = self.parts.get(part + 1) else {
            let end = line.len() - self.tail.len();
            return (end >= at).then(|| {
                record.push(field, at, end);
                Stop::End
            });
        };
        let before = record.values.len();
        let mut until = line.len();
        while let Some(end) = rfind(line, at, until, &next.literal) {
            record.push(field, at, end);
            if let Some(Stop::End) = self.run(line, end, part + 1, record) {
                return Some(Stop::End);
            }
            record.values.truncate(before);
            until = end;
        }
        None
    }

    /// A free field with another behind it: it ends at the first place from which what follows reaches the next one. Whether
    /// that is the only such place comes along.
    fn first(&self, line: &[u8], part: usize, at: usize, record: &mut Record) -> Option<(Stop, bool)> {
        let (field, literal) = (self.parts[part].field, &self.parts[part + 1].literal);
        let before = record.values.len();
        let mut from = at;
        let (end, stop) = loop {
            let end = find(line, from, literal)?;
            record.push(field, at, end);
            if let Some(stop) = self.run(line, end, part + 1, record) {
                break (end, stop);
            }
            record.values.truncate(before);
            from = end + 1;
        };
        let mut from = end + 1;
        let read = record.values.len();
        while let Some(other) = find(line, from, literal) {
            let again = self.run(line, other, part + 1, record).is_some();
            record.values.truncate(read);
            if again {
                return Some((stop, false));
            }
            from = other + 1;
        }
        Some((stop, true))
    }
}

impl Form {
    fn named(name: &str) -> Form {
        match name {
            "free" => Form::Free,
            "host" => Form::Host,
            "digits" => Form::Digits,
            "capitals" => Form::Capitals,
            "word" => Form::Word,
            "token" => Form::Token,
            "letter" => Form::Letter,
            "day-first" => Form::DayFirst,
            "epoch" => Form::Epoch,
            other => panic!("a built-in shape has no form {other}"),
        }
    }

    /// Where a value ends that begins at `at` and has `next` behind it.
    fn end(self, line: &[u8], at: usize, next: &[u8]) -> Option<usize> {
        match self {
            Form::Time => return stamp(line, at),
            Form::DayFirst => return stamp(line, at).filter(|_| line[at + 2] == b'-'),
            Form::Letter => {
                return line.get(at).filter(|&&byte| byte.is_ascii_alphabetic() || byte == b'_').map(|_| at + 1);
            }
            Form::Epoch => {
                let digits = line[at..].iter().take(11).take_while(|byte| byte.is_ascii_digit()).count();
                return (digits == 10).then_some(at + digits);
            }
            Form::Free | Form::Host | Form::Digits | Form::Capitals | Form::Word | Form::Token => {}
        }
        let most = line.len().min(at + LONGEST);
        let mut end = at;
        loop {
            let ends = if next.is_empty() { end == line.len() } else { line[end..].starts_with(next) };
            if ends && (end > at || matches!(self, Form::Host | Form::Token)) {
                return Some(end);
            }
            if end == most || !self.has(line[end]) {
                return None;
            }
            end += 1;
        }
    }

    fn has(self, byte: u8) -> bool {
        match self {
            Form::Free | Form::Letter | Form::Time | Form::DayFirst | Form::Epoch => false,
            Form::Host => byte.is_ascii_alphanumeric() || b".:-_%/*".contains(&byte) || byte >= 0x80,
            Form::Digits => byte.is_ascii_digit() || matches!(byte, b'-' | b'.'),
            Form::Capitals => byte.is_ascii_uppercase(),
            Form::Word => byte.is_ascii_alphanumeric() || b"._/+:-?".contains(&byte),
            Form::Token => byte > b' ' && byte != 0x7f,
        }
    }
}

/// The longest value of a bounded form; a host name has 253 bytes.
const LONGEST: usize = 512;

/// Where a time with its date ends that begins at `at`: `2026-11-21 10:00:00`, with slashes, with `T`, a fraction and an offset;
/// `Sat Nov 21 10:00:00.123456 2026`; `21-Nov-2026 10:00:00 UTC`.
pub(in crate::format) fn stamp(line: &[u8], at: usize) -> Option<usize> {
    let rest = &line[at..];
    let fits = |shape: &[u8]| {
        rest.len() >= shape.len()
            && shape.iter().zip(rest).all(|(&shape, &byte)| match shape {
                b'0' => byte.is_ascii_digit(),
                // The day of the month, padded with a blank.
                b'_' => byte.is_ascii_digit() || byte == b' ',
                b'a' => byte.is_ascii_alphabetic(),
                b'/' => matches!(byte, b'/' | b'-'),
                b'T' => matches!(byte, b'T' | b' '),
                literal => byte == literal,
            })
    };
    let fraction = |from: usize| match rest.get(from) {
        Some(b'.' | b',') => {
            let digits = rest[from + 1..].iter().take(9).take_while(|byte| byte.is_ascii_digit()).count();
            if digits > 0 { from + 1 + digits } else { from }
        }
        _ => from,
    };
    let end = if fits(b"0000/00/00T00:00:00") {
        let end = fraction(19);
        match rest[end..] {
            [b'Z', ..] => end + 1,
            [b' ', b'+' | b'-', a, b, c, d, ..] if [a, b, c, d].iter().all(u8::is_ascii_digit) => end + 6,
            [b'+' | b'-', a, b, b':', c, d, ..] if [a, b, c, d].iter().all(u8::is_ascii_digit) => end + 6,
            _ => end,
        }
    } else if fits(b"aaa aaa _0 00:00:00") {
        let end = fraction(19);
        match rest[end..] {
            [b' ', a, b, c, d, ..] if [a, b, c, d].iter().all(u8::is_ascii_digit) => end + 5,
            _ => return None,
        }
    } else if fits(b"00-aaa-0000 00:00:00") {
        let end = fraction(20);
        if rest[end..].starts_with(b" UTC") || rest[end..].starts_with(b" GMT") { end + 4 } else { end }
    } else {
        return None;
    };
    Some(at + end)
}

/// The first place from `from` on where `literal` stands.
pub(in crate::format) fn find(line: &[u8], from: usize, literal: &[u8]) -> Option<usize> {
    let (&first, mut at) = (literal.first()?, from);
    loop {
        at += memchr(first, line.get(at..)?)?;
        if line[at..].starts_with(literal) {
            return Some(at);
        }
        at += 1;
    }
}

/// The last place from `from` on and before `until` where `literal` begins.
fn rfind(line: &[u8], from: usize, until: usize, literal: &[u8]) -> Option<usize> {
    let (&first, mut until) = (literal.first()?, until);
    loop {
        let at = from + memrchr(first, line.get(from..until)?)?;
        if line[at..].starts_with(literal) {
            return Some(at);
        }
        until = at;
    }
}

/// The field of this name; a new one where there is none yet.
fn place(fields: &mut Vec<Field>, name: &str, kind: Kind) -> u16 {
    let at = fields.iter().position(|field| &*field.name == name).unwrap_or_else(|| {
        fields.push(Field::new(name, kind));
        fields.len() - 1
    });
    at as u16
}

/// Fields in whose text users are looked for.
const TEXTS: [&str; 2] = ["message", "process.command_line"];

/// The kind of each field that a shape may name, and what it is made of.
#[rustfmt::skip]
fn known(name: &str) -> (Kind, Form) {
    match name {
        "client.address" | "client.domain" | "network.local.address" | "upstream.address" => (Kind::Address, Form::Host),
        "client.helo" => (Kind::Address, Form::Free),
        "host.name" | "upstream.name" => (Kind::Host, Form::Host),
        "client.port" | "network.local.port" | "upstream.port" | "process.pid" | "event.count" | "file.size"
        | "email.size" | "email.recipients" | "email.delay" | "file.transfer.duration" => (Kind::Number, Form::Digits),
        "timestamp" => (Kind::Instant, Form::Time),
        "user.name" | "user.target.name" | "user.ident" | "email.from.address" | "email.to.address"
        | "email.original_to.address" => (Kind::User, Form::Free),
        "user.uid" | "session.id" | "email.queue_id" | "ssh.key.fingerprint" => (Kind::Identifier, Form::Token),
        "email.message_id" => (Kind::Identifier, Form::Free),
        "log.level" => (Kind::Word, Form::Capitals),
        "auth.method" | "log.code" | "ssh.key.type" | "process.name" | "process.tty" | "session.serial" | "email.command" | "email.delays"
        | "email.dsn" | "email.status" | "email.auth" | "event.timezone" | "ftp.command" | "ftp.status" | "network.protocol.name" => {
            (Kind::Word, Form::Word)
        }
        "ftp.transfer" => (Kind::Text, Form::Letter),
        "log.logger" => (Kind::Text, Form::Token),
        "process.working_directory" => (Kind::Path, Form::Free),
        "message" | "process.command_line" | "service.name" => (Kind::Text, Form::Free),
        other => panic!("a built-in shape has no field {other}"),
    }
}
