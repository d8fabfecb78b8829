//! One shape: literals and typed fields, compiled once.

use super::{
    super::{Ending, literal::Literal, seek},
    words,
};
use crate::record::{Blank, Field, Item, Kind, Layout, Record, State, Value};
use memchr::{memchr, memrchr};
use std::sync::Arc;

/// The shapes that may stand from some place of a line to its end.
#[derive(Clone, Debug)]
pub(in crate::format) struct Body {
    shapes: Box<[Shape]>,
    /// Shapes in the order in which they are tried: first those that can begin with any byte, then for each byte with which
    /// some begin these and those.
    lists: Vec<Box<[Turn]>>,
    /// Which of the lists a text has, by its first byte.
    by_first: Box<[u16; 256]>,
    /// What shapes need: bit `i` of [`Shape::needs`] is the one at `i`.
    needed: Box<[Literal]>,
    words: words::Words,
}

/// What may stand around each shape: text and fields in front of it, text behind.
pub(in crate::format) type Around = (&'static str, &'static str);

/// A shape in its turn, and how many of its first parts are read as those of the one before it in the list.
#[derive(Clone, Copy, Debug)]
struct Turn {
    shape: u16,
    shared: u16,
}

/// How far the first parts of a shape were read, up to its first free field: what the next one shares need not be read again.
#[derive(Clone, Copy, Debug)]
struct Reach {
    /// So many parts have their values in the record.
    read: usize,
    /// Whether the next part did not fit.
    failed: bool,
}

/// Literals and fields in turn.
#[derive(Clone, Debug)]
struct Shape {
    /// Shapes that differ in their endings share them.
    parts: Arc<[Part]>,
    tail: Literal,
    /// The last byte of the tail.
    last: Option<u8>,
    /// Whether a name in its first place has blanks in front of it, to a width.
    padded: bool,
    /// Its first layout; one for each number of users in its text follows.
    layout: u16,
    /// The text in which users are looked for.
    text: Option<usize>,
    /// Which literals stand behind its first free field, a bit each: a text without one of them has not this shape.
    needs: u64,
}

/// A shape without its ending.
struct Stem<'a> {
    parts: Arc<[Part]>,
    /// What stands behind the last of them.
    tail: Vec<u8>,
    /// What it was made of.
    text: &'a str,
}

/// What all layouts of a body begin with: items, and what stands between them and the shape.
#[derive(Clone, Copy)]
struct Head<'a> {
    items: &'a [Item],
    literal: &'a [u8],
    /// The field of users in a text.
    user: u16,
}

/// A literal and the field behind it.
#[derive(Clone, Debug)]
struct Part {
    literal: Literal,
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
    /// Compiles `shapes`, each with each of `endings` behind it, which are literals; and before them all the same with what
    /// may stand `around` a shape, which is so looked for first. Their fields are added to `fields`; `head` stands in front
    /// of each layout, and `literal` between it and the shape.
    pub(in crate::format) fn compile(
        shapes: &[&str],
        endings: &[&str],
        around: Option<Around>,
        words: &[&str],
        fields: &mut Vec<Field>,
        head: &[Item],
        literal: &[u8],
    ) -> (Body, Vec<Layout>) {
        let head = Head { items: head, literal, user: place(fields, "user.name", Kind::User) };
        let around = around.map(|(before, behind)| (Stem::compile(before, fields), behind));
        let stems: Vec<Stem> = shapes.iter().map(|shape| Stem::compile(shape, fields)).collect();
        let (mut layouts, mut compiled) = (Vec::new(), Vec::new());
        if let Some((before, behind)) = &around {
            for stem in &stems {
                stem.within(before, behind).shapes(endings, fields, head, &mut compiled, &mut layouts);
            }
        }
        for stem in &stems {
            // A text may hold any ending.
            let endings = if stem.text.ends_with("{message}") { &[] } else { endings };
            stem.shapes(endings, fields, head, &mut compiled, &mut layouts);
        }
        let (lists, by_first) = lists(&compiled);
        let needed = needed(&mut compiled).into();
        (Body { shapes: compiled.into(), lists, by_first, needed, words: words::Words::new(words, head.user) }, layouts)
    }

    /// Whether one of the shapes may begin with this byte.
    pub(in crate::format) fn begins_with(&self, byte: u8) -> bool {
        !self.lists[usize::from(self.by_first[usize::from(byte)])].is_empty()
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
        let list = line.get(from).map_or(0, |&byte| usize::from(self.by_first[usize::from(byte)]));
        let mut reach = Reach { read: 0, failed: false };
        // How many parts all shapes share since the one that came so far.
        let mut shared = 0;
        // What was looked for in the text, and what of that does not stand there.
        let (mut sought, mut absent) = (0, 0);
        for turn in &self.lists[list] {
            let shape = &self.shapes[usize::from(turn.shape)];
            shared = shared.min(usize::from(turn.shared));
            if reach.failed && reach.read < shared || shape.needs & absent != 0 || !shape.ends(&line[from..]) {
                continue;
            }
            reach.read = reach.read.min(shared);
            record.values.truncate(base + reach.read);
            shared = usize::MAX;
            if shape.read(line, from, record, &mut reach) {
                record.layout = layouts + shape.layout;
                match ending {
                    Ending::Whole => self.find_users(shape, line, base, record),
                    Ending::Cut => cut(line, base, record),
                }
                return true;
            }
            // What one shape lacks behind its first free field, others lack too.
            let mut needs = if reach.failed { 0 } else { shape.needs & !sought };
            while needs != 0 && absent & shape.needs == 0 {
                let next = needs & needs.wrapping_neg();
                needs ^= next;
                sought |= next;
                if self.needed[next.trailing_zeros() as usize].find(line, from).is_none() {
                    absent |= next;
                }
            }
        }
        record.values.truncate(base);
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

impl<'a> Stem<'a> {
    fn compile(text: &'a str, fields: &mut Vec<Field>) -> Stem<'a> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            let (name, behind) = behind.split_once('}').expect("a built-in shape closes its braces");
            let (name, form) = name.split_once(':').map_or((name, None), |(name, form)| (name, Some(form)));
            let (kind, own) = known(name);
            let form = form.map_or(own, Form::named);
            parts.push(Part { literal: Literal::new(before.as_bytes()), field: place(fields, name, kind), form });
            rest = behind;
        }
        Stem { parts: parts.into(), tail: rest.into(), text }
    }

    /// The same with `before` in front of it and `behind` behind.
    fn within(&self, before: &Stem, behind: &str) -> Stem<'a> {
        let mut parts = before.parts.to_vec();
        let mut tail = before.tail.clone();
        for part in &*self.parts {
            let literal = match tail.is_empty() {
                true => part.literal.clone(),
                false => Literal::new(&[&*std::mem::take(&mut tail), &part.literal].concat()),
            };
            parts.push(Part { literal, ..*part });
        }
        tail.extend_from_slice(&self.tail);
        tail.extend_from_slice(behind.as_bytes());
        Stem { parts: parts.into(), tail, text: self.text }
    }

    /// Adds its shapes with each of `endings`, the last of them first, and without any; and their layouts.
    fn shapes(
        &self,
        endings: &[&str],
        fields: &[Field],
        head: Head,
        shapes: &mut Vec<Shape>,
        layouts: &mut Vec<Layout>,
    ) {
        let text = self.parts.iter().rposition(|part| TEXTS.contains(&&*fields[usize::from(part.field)].name));
        let first = |part: &Part| part.literal.is_empty() && fields[usize::from(part.field)].kind == Kind::User;
        for ending in endings.iter().rev().chain([&""]) {
            let tail = Literal::new(&[&*self.tail, ending.as_bytes()].concat());
            let shape = Shape {
                padded: self.parts.first().is_some_and(first),
                text,
                layout: layouts.len() as u16,
                parts: self.parts.clone(),
                last: tail.last().copied(),
                tail,
                needs: 0,
            };
            let variants = if shape.text.is_some() { MOST_USERS } else { 0 };
            layouts.extend((0..=variants).map(|users| shape.layout(users, head)));
            shapes.push(shape);
        }
    }
}

/// The literals that tell shapes apart behind their first free fields, at most as many as there are bits; each shape is told
/// which of them it needs.
fn needed(shapes: &mut [Shape]) -> Vec<Literal> {
    let mut needed: Vec<Literal> = Vec::new();
    for shape in shapes {
        let free = shape.parts.iter().position(|part| part.form == Form::Free);
        for part in shape.parts.iter().skip(free.map_or(usize::MAX, |free| free + 1)) {
            let literal = &part.literal;
            // A shorter one stands in most texts.
            if literal.len() < 4 {
                continue;
            }
            let place = needed.iter().position(|known| **known == **literal).unwrap_or_else(|| {
                if needed.len() < 64 {
                    needed.push(literal.clone());
                }
                needed.iter().position(|known| **known == **literal).unwrap_or(64)
            });
            shape.needs |= 1u64.checked_shl(place as u32).unwrap_or(0);
        }
    }
    needed
}

/// The lists of shapes, and which of them each first byte has.
fn lists(shapes: &[Shape]) -> (Vec<Box<[Turn]>>, Box<[u16; 256]>) {
    // What a shape begins with; one whose first place is a field may begin with anything.
    let first = |shape: &Shape| shape.parts.first().map_or(&shape.tail, |part| &part.literal).first().copied();
    let firsts: Vec<Option<u8>> = shapes.iter().map(first).collect();
    let list = |byte: Option<u8>| -> Box<[Turn]> {
        let mut before: Option<u16> = None;
        let may = |(_, first): &(u16, &Option<u8>)| first.is_none() || **first == byte;
        let turns = (0..).zip(&firsts).filter(may).map(|(shape, _)| {
            let before = before.replace(shape).map(|before| &shapes[usize::from(before)]);
            let shared = before.map_or(0, |before| before.shares(&shapes[usize::from(shape)]));
            Turn { shape, shared: shared as u16 }
        });
        turns.collect()
    };
    let mut lists = vec![list(None)];
    let mut by_first = Box::new([0; 256]);
    for byte in firsts.iter().flatten() {
        let slot = &mut by_first[usize::from(*byte)];
        if *slot == 0 {
            *slot = lists.len() as u16;
            lists.push(list(Some(*byte)));
        }
    }
    (lists, by_first)
}

impl Shape {
    /// The layout with so many users in its text.
    fn layout(&self, users: u16, Head { items, literal, user }: Head) -> Layout {
        let (head, mut items) =
            (items, Vec::with_capacity(items.len() + self.parts.len() + 2 * usize::from(users) + 1));
        items.extend_from_slice(head);
        let behind = |i: usize, own: &Literal| match i {
            0 if !literal.is_empty() => [literal, own].concat().into(),
            _ => own.shared(),
        };
        for (i, part) in self.parts.iter().enumerate() {
            items.push(Item { literal: behind(i, &part.literal), field: part.field, blank: Blank::Dash });
            if self.text == Some(i) {
                for _ in 0..users {
                    items.push(Item { literal: Arc::default(), field: user, blank: Blank::Dash });
                    items.push(Item { literal: Arc::default(), field: part.field, blank: Blank::Empty });
                }
            }
        }
        Layout { items, tail: behind(self.parts.len(), &self.tail) }
    }

    /// How many of the first parts of both shapes are read alike, wherever they stand.
    fn shares(&self, other: &Shape) -> usize {
        if self.padded != other.padded {
            return 0;
        }
        let alike = |&i: &usize| {
            let (Some(one), Some(two)) = (self.parts.get(i), other.parts.get(i)) else { return false };
            let same = *one.literal == *two.literal && one.field == two.field && one.form == two.form;
            same && one.form != Form::Free && one.form.ends_alike(self.behind(i), other.behind(i))
        };
        (0..).take_while(alike).count()
    }

    /// The literal behind part `i`.
    fn behind(&self, i: usize) -> &[u8] {
        self.parts.get(i + 1).map_or(&self.tail, |next| &next.literal)
    }

    /// Whether `text` ends as the shape does.
    #[inline]
    fn ends(&self, text: &[u8]) -> bool {
        self.last.is_none() || self.last.as_ref() == text.last() && text.ends_with(&self.tail)
    }

    /// Adds one value a part, or leaves the record in between. The parts that `reach` says are read already, and it is told
    /// how many stay so where the shape does not fit.
    fn read(&self, line: &[u8], from: usize, record: &mut Record, reach: &mut Reach) -> bool {
        let base = record.values.len() - reach.read;
        let from = match reach.read.checked_sub(1) {
            Some(last) => record.values[base + last].span.end as usize,
            None if self.padded => from + line[from..].iter().take_while(|byte| **byte == b' ').count(),
            None => from,
        };
        let stop = self.run(line, from, reach.read, record);
        *reach = Reach { read: record.values.len() - base, failed: stop.is_none() };
        let Some(mut stop) = stop else { return false };
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
            if literal.pass(line, at).is_err() {
                return None;
            }
            at += literal.len();
            if *form == Form::Free {
                return Some(Stop::Free(part, at));
            }
            part += 1;
            let next = self.behind(part - 1);
            let end = form.end(line, at, next)?;
            record.push(*field, at, end);
            at = end;
        }
        (line.len() - at == self.tail.len() && self.tail.pass(line, at).is_ok()).then_some(Stop::End)
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
        // Where nothing stands between two of them, nobody can say where one ends.
        if literal.is_empty() {
            return None;
        }
        let before = record.values.len();
        let mut from = at;
        let (end, stop) = loop {
            let end = literal.find(line, from)?;
            record.push(field, at, end);
            if let Some(stop) = self.run(line, end, part + 1, record) {
                break (end, stop);
            }
            record.values.truncate(before);
            from = end + 1;
        };
        let mut from = end + 1;
        let read = record.values.len();
        while let Some(other) = literal.find(line, from) {
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
        let mut end = if matches!(self, Form::Host | Form::Token) { at } else { at + 1 };
        let holds = &HOLDS[self as usize];
        let Some(&first) = next.first() else {
            // Nothing stands behind it: it must reach the end.
            let whole = most == line.len() && end <= most && line[at..].iter().all(|&byte| holds[usize::from(byte)]);
            return whole.then_some(most);
        };
        if end > at && !line.get(at).is_some_and(|&byte| at < most && holds[usize::from(byte)]) {
            return None;
        }
        let alone = !holds[usize::from(first)];
        while let Some(&byte) = line.get(end) {
            // Where no value holds its first byte, the literal can stand nowhere else: whether it does is asked behind.
            if byte == first && (alone || line[end..].starts_with(next)) {
                return Some(end);
            }
            if end == most || !holds[usize::from(byte)] {
                return None;
            }
            end += 1;
        }
        None
    }

    /// Whether a value ends at the same place whichever of two literals is behind it.
    fn ends_alike(self, one: &[u8], other: &[u8]) -> bool {
        match self {
            Form::Free | Form::Host | Form::Digits | Form::Capitals | Form::Word | Form::Token => {
                let first = one.first();
                one == other || first == other.first() && first.is_some_and(|&first| !self.has(first))
            }
            Form::Letter | Form::Time | Form::DayFirst | Form::Epoch => true,
        }
    }

    const fn has(self, byte: u8) -> bool {
        match self {
            Form::Free | Form::Letter | Form::Time | Form::DayFirst | Form::Epoch => false,
            Form::Host => {
                byte.is_ascii_alphanumeric()
                    || matches!(byte, b'.' | b':' | b'-' | b'_' | b'%' | b'/' | b'*')
                    || byte >= 0x80
            }
            Form::Digits => byte.is_ascii_digit() || matches!(byte, b'-' | b'.'),
            Form::Capitals => byte.is_ascii_uppercase(),
            Form::Word => {
                byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'/' | b'+' | b':' | b'-' | b'?')
            }
            Form::Token => byte > b' ' && byte != 0x7f,
        }
    }
}

/// For each form that looks at single bytes those that it has.
static HOLDS: [[bool; 256]; 6] = {
    const FORMS: [Form; 6] = [Form::Free, Form::Host, Form::Digits, Form::Capitals, Form::Word, Form::Token];
    let mut holds = [[false; 256]; 6];
    let mut form = 0;
    while form < FORMS.len() {
        let mut byte = 0;
        while byte < 256 {
            holds[FORMS[form] as usize][byte] = FORMS[form].has(byte as u8);
            byte += 1;
        }
        form += 1;
    }
    holds
};

/// The longest value of a bounded form; a host name has 253 bytes.
const LONGEST: usize = 512;

/// Whether `text` begins with bytes of this shape.
#[inline]
fn is_shaped<const N: usize>(text: &[u8], shape: &[u8; N]) -> bool {
    text.first_chunk::<N>().is_some_and(|text| {
        (0..N).all(|i| match (shape[i], text[i]) {
            (b'0', byte) => byte.is_ascii_digit(),
            // The day of the month, padded with a blank.
            (b'_', byte) => byte.is_ascii_digit() || byte == b' ',
            (b'a', byte) => byte.is_ascii_alphabetic(),
            (b'/', byte) => matches!(byte, b'/' | b'-'),
            (b'T', byte) => matches!(byte, b'T' | b' '),
            (literal, byte) => byte == literal,
        })
    })
}

/// Where a time with its date ends that begins at `at`: `2026-11-21 10:00:00`, with slashes, with `T`, a fraction and an offset;
/// `Sat Nov 21 10:00:00.123456 2026`; `21-Nov-2026 10:00:00 UTC`.
pub(in crate::format) fn stamp(line: &[u8], at: usize) -> Option<usize> {
    let rest = &line[at..];
    let fraction = |from: usize| match rest.get(from) {
        Some(b'.' | b',') => {
            let digits = rest[from + 1..].iter().take(9).take_while(|byte| byte.is_ascii_digit()).count();
            if digits > 0 { from + 1 + digits } else { from }
        }
        _ => from,
    };
    let begins = rest.first()?;
    let end = if begins.is_ascii_alphabetic() {
        if !is_shaped(rest, b"aaa aaa _0 00:00:00") {
            return None;
        }
        let end = fraction(19);
        match rest[end..] {
            [b' ', a, b, c, d, ..] if [a, b, c, d].iter().all(u8::is_ascii_digit) => end + 5,
            _ => return None,
        }
    } else if is_shaped(rest, b"0000/00/00T00:00:00") {
        let end = fraction(19);
        match rest[end..] {
            [b'Z', ..] => end + 1,
            [b' ', b'+' | b'-', a, b, c, d, ..] if [a, b, c, d].iter().all(u8::is_ascii_digit) => end + 6,
            [b'+' | b'-', a, b, b':', c, d, ..] if [a, b, c, d].iter().all(u8::is_ascii_digit) => end + 6,
            _ => end,
        }
    } else if is_shaped(rest, b"00-aaa-0000 00:00:00") {
        let end = fraction(20);
        if rest[end..].starts_with(b" UTC") || rest[end..].starts_with(b" GMT") { end + 4 } else { end }
    } else {
        return None;
    };
    Some(at + end)
}

/// Whether `text` begins with `literal`; their first bytes are the same. Most texts that do not differ in the next.
#[inline]
fn begins(text: &[u8], literal: &[u8]) -> bool {
    text.get(1) == literal.get(1) && text.starts_with(literal) || literal.len() == 1
}

/// The first place from `from` on where `literal` stands.
pub(in crate::format) fn find(line: &[u8], from: usize, literal: &[u8]) -> Option<usize> {
    let (&first, mut at) = (literal.first()?, from);
    // Behind its sign and its blank a literal is like few others.
    let place = if literal.len() < 4 { 0 } else { 2 };
    let Some(&[one, other]) = literal[place..].first_chunk() else {
        return Some(at + memchr(first, line.get(at..)?)?);
    };
    loop {
        at = seek::pair(line, at + place, [one, other])? - place;
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
        if begins(&line[at..], literal) {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::PROGRAMS;
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    /// Each program's shapes, and the same without what they need.
    static BODIES: LazyLock<Vec<(Body, Body)>> = LazyLock::new(|| {
        let body = |program: &&super::super::Program| {
            let (shapes, endings) = (program.shapes, program.endings);
            let (body, _) = Body::compile(shapes, endings, None, program.words, &mut Vec::new(), &[], b"");
            let mut plain = body.clone();
            plain.shapes.iter_mut().for_each(|shape| shape.needs = 0);
            (body, plain)
        };
        PROGRAMS.iter().map(body).collect()
    });

    /// The text of a shape with something in each place, and a literal left out here and there.
    fn text(shape: &str, choices: &[usize]) -> String {
        const VALUES: [&str; 8] =
            ["kari", "203.0.113.7", "4711", "a b", "2026-11-21 10:00:00", "x, rip=1, lip=2", "user=<", ""];
        let mut choices = choices.iter().cycle();
        let mut choose = || *choices.next().unwrap();
        let mut text = String::new();
        for part in shape.split('{') {
            let literal = match part.split_once('}') {
                Some((_, literal)) => {
                    text += VALUES[choose() % VALUES.len()];
                    literal
                }
                None => part,
            };
            text += if choose() == 8 { "" } else { literal };
        }
        text
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn a_shape_is_left_out_only_where_it_does_not_fit(
            program in 0..PROGRAMS.len(),
            shape: prop::sample::Index,
            choices in prop::collection::vec(0..9usize, 1..24),
        ) {
            let shapes = PROGRAMS[program].shapes;
            let text = text(shapes[shape.index(shapes.len())], &choices);
            let (body, plain) = &BODIES[program];
            let (mut one, mut other) = (Record::default(), Record::default());
            for ending in [Ending::Whole, Ending::Cut] {
                one.clear();
                other.clear();
                let read = body.read(text.as_bytes(), 0, ending, 0, &mut one);
                prop_assert_eq!(read, plain.read(text.as_bytes(), 0, ending, 0, &mut other));
                if read {
                    prop_assert_eq!(one.layout, other.layout);
                    prop_assert_eq!(&one.values, &other.values);
                }
            }
        }
    }

    #[test]
    fn shapes_need_what_stands_behind_their_first_free_fields() {
        for (body, plain) in &*BODIES {
            for shape in &body.shapes {
                for (bit, literal) in body.needed.iter().enumerate() {
                    let holds = shape.parts.iter().any(|part| *part.literal == **literal);
                    assert!(holds || shape.needs >> bit & 1 == 0);
                }
            }
            assert!(plain.shapes.iter().all(|shape| shape.needs == 0));
        }
        let dovecot = PROGRAMS.iter().position(|program| program.name == "dovecot").unwrap();
        assert!(BODIES[dovecot].0.shapes.iter().any(|shape| shape.needs != 0));
    }
}
