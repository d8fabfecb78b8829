//! JSON: one flat object under canonical names, and the layout of a JSON line written again.
//!
//! What is written is JSON whatever a treatment made: strings are checked byte by byte, and a bare value that is no
//! JSON scalar (any more) is quoted. There is never a raw control byte. Bytes that are not UTF-8 stay as they came
//! where a JSON line is written again in its own layout; in the flat object each becomes the escape of its own number,
//! `\u00ff`, and half a surrogate pair becomes `\ufffd`.

mod members;

pub(crate) use members::Members;

use super::Nested;
use crate::{
    record::{Blanks, DEPTH, Escape, Field, Kind, Mark, Syntax},
    retention::Tag,
    treatment::Treated,
};

/// One flat object a record, members under their fields' canonical names, in the order of the values.
///
/// A value that is absent or withheld has no member. Of several values of one name the first that is left is written;
/// the elements of an array of the input stay together as an array. Numbers and statuses are bare where they are JSON
/// numbers, and so are the input's own bare values. What stands under an unknown key is written under the path of its
/// (treated) keys, joined by dots, as often as it stands there.
pub(super) fn write(record: &Treated<'_>, members: &Members, tag: Option<Tag<'_>>, out: &mut Vec<u8>) {
    if let Some(flat) = record.flat() {
        out.extend_from_slice(if flat.is_empty() { b"{" } else { flat });
        return close_with_tag(tag, !flat.is_empty(), Blanks::default(), out);
    }
    out.push(b'{');
    let mut flat = Flat { record, members, left_out: None, before: |_: &str| false, out, first: true };
    flat.all();
    let first = flat.first;
    close_with_tag(tag, !first, Blanks::default(), out);
}

/// Several records as one flat object: of several values of one name the first is written. The values whose places are
/// given with the records are left out.
pub(super) fn write_all<'a, 'b: 'a>(
    records: impl Iterator<Item = Part<'a, 'b>> + Clone,
    tag: Option<Tag<'_>>,
    out: &mut Vec<u8>,
) {
    out.push(b'{');
    let mut first = true;
    for (number, (record, left_out)) in records.clone().enumerate() {
        let before = |name: &str| records.clone().take(number).any(|part| has(part, name));
        let mut flat = Flat { record, members: &Members::default(), left_out, before, out, first };
        flat.all();
        first = flat.first;
    }
    close_with_tag(tag, !first, Blanks::default(), out);
}

/// A record, and the place of a value that is left out.
type Part<'a, 'b> = (&'a Treated<'b>, Option<u16>);

/// Whether a value of this name was written of a record.
fn has((record, left_out): Part<'_, '_>, name: &str) -> bool {
    let schema = record.schema();
    record.record().values.iter().enumerate().any(|(i, value)| {
        *schema.fields[value.field as usize].name == *name && left_out != Some(i as u16) && record.value(i).is_some()
    })
}

/// The record's own JSON layout, member by member; what was withheld goes with its key, and so does an object or array
/// of which nothing is left.
pub(super) fn write_marks(record: &Treated<'_>, nested: Option<Nested<'_>>, tag: Option<Tag<'_>>, out: &mut Vec<u8>) {
    let blanks = record.record().blanks;
    let mut stack = [Open::default(); DEPTH];
    let mut depth = 0;
    // Where the pending member (its comma included) began, and how many brackets deep we are in something withheld.
    let mut start = out.len();
    let mut member = false;
    let mut withheld = 0;
    let marks = &record.record().marks;
    let mut at = 0;
    while let Some(mark) = marks.get(at) {
        at += 1;
        if withheld > 0 {
            match mark {
                Mark::Object | Mark::Array => withheld += 1,
                Mark::Close => withheld -= 1,
                Mark::Key(_) | Mark::Text(_) | Mark::Bare(_) | Mark::Request(_) | Mark::Target(_) => {}
            }
            // One deep is the withheld value itself, scalar or bracketed.
            withheld -= i32::from(withheld == 1);
            continue;
        }
        if !member && depth > 0 && *mark != Mark::Close {
            let open: &mut Open = &mut stack[depth - 1];
            open.had = true;
            start = out.len();
            if open.any {
                out.extend_from_slice(if blanks.comma { b", " } else { b"," });
            }
        }
        let left = match *mark {
            Mark::Key(i) => {
                let stop = nested.map(|nested| nested.value);
                if let Some((run, used, text)) = record.members(&marks[at - 1..], blanks, stop) {
                    out.push(b'"');
                    out.extend_from_slice(run);
                    if text {
                        out.push(b'"');
                    }
                    at += used - 1;
                    stack[depth - 1].any = true;
                    continue;
                }
                match record.value(i as usize) {
                    Some(key) => {
                        member = true;
                        push_string(key, out);
                        out.extend_from_slice(if blanks.colon { b": " } else { b":" });
                    }
                    None => {
                        out.truncate(start);
                        withheld = 1;
                    }
                }
                continue;
            }
            Mark::Object | Mark::Array => {
                let Some(open) = stack.get_mut(depth) else { return };
                *open = Open { start, object: *mark == Mark::Object, had: false, any: false };
                depth += 1;
                member = false;
                out.push(if *mark == Mark::Object { b'{' } else { b'[' });
                continue;
            }
            Mark::Close => {
                depth -= 1;
                let open = stack[depth];
                if depth == 0 {
                    return close_with_tag(tag, open.any, blanks, out);
                }
                start = open.start;
                out.push(if open.object { b'}' } else { b']' });
                open.any || !open.had
            }
            Mark::Text(i) => match record.value(i as usize) {
                Some(_) if let Some(nested) = nested.filter(|nested| nested.value == i) => {
                    out.push(b'"');
                    push_text(nested.line.bytes(), out);
                    out.push(b'"');
                    true
                }
                Some(value) => {
                    push_string(value, out);
                    true
                }
                None => false,
            },
            Mark::Bare(i) => match record.value(i as usize) {
                Some(value) if is_scalar(value) => {
                    out.extend_from_slice(value);
                    true
                }
                Some(value) => {
                    push_string(value, out);
                    true
                }
                None => false,
            },
            Mark::Request(i) => push_request(record, i as usize, out),
            Mark::Target(i) => push_target(record, i as usize, out),
        };
        member = false;
        if left {
            stack[depth - 1].any = true;
        } else {
            out.truncate(start);
        }
    }
}

/// An object that was made without its last brace.
pub(super) fn write_object(object: &[u8], blanks: Blanks, tag: Option<Tag<'_>>, out: &mut Vec<u8>) {
    out.extend_from_slice(object);
    close_with_tag(tag, object.len() > 1, blanks, out);
}

/// An object or array being written.
#[derive(Clone, Copy, Default)]
struct Open {
    /// Where it began, with its comma and key.
    start: usize,
    object: bool,
    /// Whether the input had anything in it.
    had: bool,
    /// Whether anything of it was written.
    any: bool,
}

fn close_with_tag(tag: Option<Tag<'_>>, any: bool, blanks: Blanks, out: &mut Vec<u8>) {
    if let Some(tag) = tag {
        if any {
            out.extend_from_slice(if blanks.comma { b", " } else { b"," });
        }
        out.extend_from_slice(tag.member);
    }
    out.push(b'}');
}

/// The five values of a request line as one string; whether anything of it was left.
fn push_request(record: &Treated<'_>, i: usize, out: &mut Vec<u8>) -> bool {
    quoted(out, |out| push_request_parts(record, i, out))
}

/// The three values of a target as one string; whether anything of it was left.
fn push_target(record: &Treated<'_>, i: usize, out: &mut Vec<u8>) -> bool {
    quoted(out, |out| push_target_parts(record, i, out))
}

/// What is written between quotes, or nothing.
#[inline]
fn quoted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> bool) -> bool {
    out.push(b'"');
    let left = write(out);
    if left {
        out.push(b'"');
    } else {
        out.pop();
    }
    left
}

/// The five values of a request line without quotes; whether anything of it was left.
#[inline]
pub(super) fn push_request_parts(record: &Treated<'_>, i: usize, out: &mut Vec<u8>) -> bool {
    if record.stood(i + 4) {
        return record.value(i + 4).map(|whole| push_body(whole, out)).is_some();
    }
    if (i..i + 4).all(|part| record.value(part).is_none()) {
        return false;
    }
    push_body(record.value(i).unwrap_or(b"-"), out);
    out.push(b' ');
    push_body(record.value(i + 1).unwrap_or(b"-"), out);
    push_query(record, i + 2, out);
    if record.stood(i + 3) {
        out.push(b' ');
        push_body(record.value(i + 3).unwrap_or(b"-"), out);
    }
    true
}

/// The three values of a target without quotes; whether anything of it was left.
#[inline]
pub(super) fn push_target_parts(record: &Treated<'_>, i: usize, out: &mut Vec<u8>) -> bool {
    if record.stood(i + 2) {
        return record.value(i + 2).map(|whole| push_body(whole, out)).is_some();
    }
    if record.value(i).is_none() && record.value(i + 1).is_none() {
        return false;
    }
    push_body(record.value(i).unwrap_or(b"-"), out);
    push_query(record, i + 1, out);
    true
}

fn push_query(record: &Treated<'_>, i: usize, out: &mut Vec<u8>) {
    if let Some(query) = record.value(i) {
        out.push(b'?');
        push_body(query, out);
    }
}

/// The flat object while it is written.
struct Flat<'a, 'b, 'c, B> {
    record: &'a Treated<'b>,
    /// How the members of its fields begin, where that was made before.
    members: &'a Members,
    left_out: Option<u16>,
    /// Whether a record before this one has written a value of this name.
    before: B,
    out: &'c mut Vec<u8>,
    first: bool,
}

impl<'b, B: Fn(&str) -> bool> Flat<'_, 'b, '_, B> {
    fn all(&mut self) {
        if self.record.record().marks.is_empty() || self.record.schema().syntax == Syntax::Columns {
            self.layout();
        } else {
            self.marks();
        }
    }

    /// A record of fixed layout: each value under its field's name, the first of each name.
    fn layout(&mut self) {
        if !self.members.is_empty() {
            return self.layout_made();
        }
        let schema = self.record.schema();
        for (i, value) in self.record.record().values.iter().enumerate() {
            let Some(bytes) = self.record.value(i) else { continue };
            let field = &schema.fields[value.field as usize];
            // Values that have no name of their own, among columns.
            if field.name.starts_with('*') {
                continue;
            }
            let same = |&j: &usize| schema.fields[self.record.record().values[j].field as usize].name == field.name;
            if (0..i).any(|j| same(&j) && self.record.value(j).is_some()) || (self.before)(&field.name) {
                continue;
            }
            self.name(value.field);
            match self.text_end(i) {
                end if end > i => self.text(i, end),
                _ => self.value(bytes, field.kind, field.escape, false),
            }
        }
    }

    /// The same, where members are made before.
    fn layout_made(&mut self) {
        let mut seen = Seen::default();
        // The brace stands where the comma of the first member would.
        let start = self.out.len() - usize::from(self.first);
        let mut at = start;
        for (i, value) in self.record.record().values.iter().enumerate() {
            let (Some(bytes), Some(member)) = (self.record.value(i), self.members.get(value.field)) else { continue };
            if member.hidden || member.shared && !seen.insert(member.same) {
                continue;
            }
            let end = if member.text_part { self.text_end(i) } else { i };
            let bare = member.number && number(bytes) == Some(bytes.len());
            if end > i || !member.put(bytes, bare, &mut at, self.out) {
                self.out.truncate(at);
                self.member_closely(i, end, at == start && self.first);
                at = self.out.len();
            }
        }
        self.out.truncate(at);
        if at == start && self.first {
            self.out.push(b'{');
        } else if self.first {
            self.out[start] = b'{';
            self.first = false;
        }
    }

    /// The member of values `from..=to`, one byte after another.
    #[cold]
    fn member_closely(&mut self, from: usize, to: usize, first: bool) {
        if first {
            self.out.push(b'{');
        }
        let before = std::mem::replace(&mut self.first, first);
        let field = self.record.record().values[from].field;
        self.name(field);
        let Field { kind, escape, .. } = self.record.schema().fields[field as usize];
        match self.record.value(from) {
            Some(bytes) if to == from => self.value(bytes, kind, escape, false),
            _ => self.text(from, to),
        }
        self.first = before;
    }

    /// The last value of the text that begins with value `i`: users stand between its parts, and nothing else does.
    fn text_end(&self, i: usize) -> usize {
        let record = self.record.record();
        let schema = self.record.schema();
        if schema.items.is_empty() {
            return i;
        }
        let (items, _) = schema.layout(record.layout);
        let mut end = i;
        while let (Some([_, user, rest]), Some([first, between, next])) =
            (items.get(end..end + 3), record.values.get(end..end + 3))
        {
            let parts = user.literal.is_empty() && rest.literal.is_empty() && next.field == first.field;
            let fits = user.field == between.field && rest.field == next.field;
            if !(parts && fits && self.field(i).kind == Kind::Text && self.field(end + 1).kind == Kind::User) {
                break;
            }
            end += 2;
        }
        end
    }

    /// Values `from..=to`, which are one text, as one string.
    fn text(&mut self, from: usize, to: usize) {
        self.out.push(b'"');
        for i in from..=to {
            let missing: &[u8] = if self.record.stood(i) { b"-" } else { b"" };
            push_text(self.record.value(i).unwrap_or(missing), self.out);
        }
        self.out.push(b'"');
    }

    /// A record of a JSON line.
    fn marks(&mut self) {
        let marks = &self.record.record().marks;
        let mut seen = Seen::default();
        let mut path = Path { keys: [NO_KEY; DEPTH + 1], depth: 0 };
        let mut at = 0;
        while let Some(&mark) = marks.get(at) {
            at += 1;
            match mark {
                Mark::Object => path.open(),
                Mark::Close => path.close(),
                Mark::Key(i) => path.keys[path.depth] = i,
                Mark::Array => match scalars(&marks[at..]) {
                    Some(elements) => {
                        self.array(&marks[at..at + elements], &mut seen, &path);
                        at += elements + 1;
                    }
                    None => path.open(),
                },
                Mark::Text(i) | Mark::Bare(i) => self.member(i as usize, mark == Mark::Bare(i), &mut seen, &path),
                Mark::Request(i) => (0..5).for_each(|part| self.member(i as usize + part, false, &mut seen, &path)),
                Mark::Target(i) => (0..3).for_each(|part| self.member(i as usize + part, false, &mut seen, &path)),
            }
        }
    }

    /// One value as a member.
    fn member(&mut self, i: usize, bare: bool, seen: &mut Seen, path: &Path) {
        if self.left_out == Some(i as u16) {
            return;
        }
        let Some(bytes) = self.record.value(i) else { return };
        let field = self.record.record().values[i].field;
        if let Some(member) = self.members.get(field)
            && !member.hidden
        {
            if seen.insert(field) {
                self.named(field, bytes, bare);
            }
        } else if self.open(i, seen, path) {
            let field = self.field(i);
            self.value(bytes, field.kind, field.escape, bare);
        }
    }

    /// The elements of one array as one member.
    fn array(&mut self, elements: &[Mark], seen: &mut Seen, path: &Path) {
        let mut opened = None;
        for mark in elements {
            let (Mark::Text(i) | Mark::Bare(i)) = *mark else { continue };
            let Some(bytes) = self.record.value(i as usize) else { continue };
            match opened {
                None => {
                    if !self.open(i as usize, seen, path) {
                        return;
                    }
                    self.out.push(b'[');
                    opened = Some(());
                }
                Some(()) => self.out.push(b','),
            }
            let field = self.field(i as usize);
            self.value(bytes, field.kind, field.escape, *mark == Mark::Bare(i));
        }
        if opened.is_some() {
            self.out.push(b']');
        }
    }

    /// Writes the name of value `i`, if it may have a member.
    fn open(&mut self, i: usize, seen: &mut Seen, path: &Path) -> bool {
        let name = &self.field(i).name;
        if &**name == "*" {
            return self.path(path);
        }
        // Names of keys are no values of their own.
        if name.starts_with('*') {
            return false;
        }
        let first = seen.insert(self.record.record().values[i].field) && !(self.before)(name);
        if first {
            self.name(self.record.record().values[i].field);
        }
        first
    }

    /// Writes the keys that lead to a value as its name; `false` where one of them was withheld.
    fn path(&mut self, path: &Path) -> bool {
        let keys = || path.keys[..=path.depth].iter().filter(|&&key| key != NO_KEY);
        if keys().any(|&key| self.record.value(key as usize).is_none()) || keys().next().is_none() {
            return false;
        }
        self.comma();
        self.out.push(b'"');
        let mut dot = false;
        for key in keys() {
            if dot {
                self.out.push(b'.');
            }
            dot = true;
            push_clean(self.record.value(*key as usize).unwrap_or_default(), self.out);
        }
        self.out.extend_from_slice(b"\":");
        true
    }

    fn field(&self, i: usize) -> &'b Field {
        &self.record.schema().fields[self.record.record().values[i].field as usize]
    }

    /// Opens a member of this field's name.
    fn name(&mut self, field: u16) {
        if let Some(member) = self.members.get(field)
            && member.open(self.first, true, self.out)
        {
            self.first = false;
            return;
        }
        self.comma();
        self.out.push(b'"');
        push_text(self.record.schema().fields[field as usize].name.as_bytes(), self.out);
        self.out.extend_from_slice(b"\":");
    }

    /// A value as a member of its field's name.
    #[inline]
    fn named(&mut self, field: u16, bytes: &[u8], bare: bool) {
        let Field { kind, escape, .. } = self.record.schema().fields[field as usize];
        if let Some(member) = self.members.get(field) {
            let bare = is_bare(bytes, kind, bare);
            if member.open(self.first, bare, self.out) {
                self.first = false;
                return match (bare, escape) {
                    (true, _) => self.out.extend_from_slice(bytes),
                    (false, Escape::None | Escape::Hex) => {
                        push_text(bytes, self.out);
                        self.out.push(b'"');
                    }
                    (false, Escape::Json) => {
                        push_clean(bytes, self.out);
                        self.out.push(b'"');
                    }
                };
            }
        }
        self.name(field);
        self.value(bytes, kind, escape, bare);
    }

    fn comma(&mut self) {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
    }

    fn value(&mut self, bytes: &[u8], kind: Kind, escape: Escape, bare: bool) {
        if is_bare(bytes, kind, bare) {
            return self.out.extend_from_slice(bytes);
        }
        self.out.push(b'"');
        match escape {
            Escape::None | Escape::Hex => push_text(bytes, self.out),
            Escape::Json => push_clean(bytes, self.out),
        }
        self.out.push(b'"');
    }
}

/// Whether a value stands without quotes: a number under the name of one, or what the input had bare.
#[inline]
fn is_bare(bytes: &[u8], kind: Kind, bare: bool) -> bool {
    let number = matches!(kind, Kind::Number | Kind::Status) && number(bytes) == Some(bytes.len());
    number || (bare && is_scalar(bytes))
}

/// How many elements the array has that these marks begin in, if all of them are plain values.
fn scalars(marks: &[Mark]) -> Option<usize> {
    let plain = |mark: &&Mark| matches!(mark, Mark::Text(_) | Mark::Bare(_));
    let count = marks.iter().take_while(plain).count();
    (marks.get(count) == Some(&Mark::Close)).then_some(count)
}

/// The keys under which a value stands, by depth.
struct Path {
    keys: [u16; DEPTH + 1],
    depth: usize,
}

const NO_KEY: u16 = u16::MAX;

impl Path {
    fn open(&mut self) {
        self.depth = (self.depth + 1).min(DEPTH);
        self.keys[self.depth] = NO_KEY;
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }
}

/// The fields that have a member already. Those beyond the 512th are never seen, which costs a repeated member.
#[derive(Default)]
struct Seen([u64; 8]);

impl Seen {
    const MOST: usize = 512;

    fn insert(&mut self, field: u16) -> bool {
        let Some(word) = self.0.get_mut(field as usize / 64) else { return true };
        let bit = 1 << (field % 64);
        let first = *word & bit == 0;
        *word |= bit;
        first
    }
}

/// A string whose body is escaped already.
#[inline]
fn push_string(body: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    push_body(body, out);
    out.push(b'"');
}

/// The body of a JSON string, copied; what could not stand in one is escaped.
#[inline]
fn push_body(body: &[u8], out: &mut Vec<u8>) {
    if !push_plain(body, out) {
        if is_plain(body) { out.extend_from_slice(body) } else { push_checked(body, Surrogates::Kept, out) }
    }
}

/// The same, made UTF-8 throughout.
#[inline]
fn push_clean(body: &[u8], out: &mut Vec<u8>) {
    if !push_plain(body, out) {
        push_clean_closely(body, out);
    }
}

#[cold]
fn push_clean_closely(body: &[u8], out: &mut Vec<u8>) {
    for chunk in body.utf8_chunks() {
        push_checked(chunk.valid().as_bytes(), Surrogates::Paired, out);
        chunk.invalid().iter().for_each(|&byte| push_code(byte, out));
    }
}

/// Bytes that are no JSON yet, made the body of a JSON string. A backslash of another escape (`\x22`) is doubled: the
/// value reads as it was written.
#[inline]
pub(super) fn push_text(text: &[u8], out: &mut Vec<u8>) {
    if !push_plain(text, out) && !push_quoted(text, out) {
        push_text_closely(text, out);
    }
}

/// Writes printable ASCII, with a backslash before each quote and backslash, perhaps with a line feed behind it; `false`: it is
/// something else, and nothing was written.
fn push_quoted(line: &[u8], out: &mut Vec<u8>) -> bool {
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    if !text.iter().fold(true, |all, &byte| all & (byte.wrapping_sub(b' ') < 0x5f)) {
        return false;
    }
    let mut copied = 0;
    for at in memchr::memchr2_iter(b'"', b'\\', text) {
        out.extend_from_slice(&text[copied..at]);
        out.push(b'\\');
        copied = at;
    }
    out.extend_from_slice(&text[copied..]);
    if text.len() < line.len() {
        out.extend_from_slice(b"\\n");
    }
    true
}

#[cold]
fn push_text_closely(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    loop {
        let (plain, behind) = rest.split_at(plain_length(rest, HIGHS));
        out.extend_from_slice(plain);
        match behind.first() {
            None => return,
            Some(&byte) if byte.is_ascii() => {
                push_byte(byte, out);
                rest = &behind[1..];
            }
            Some(_) => {
                // No character goes over the bytes of another.
                let high = behind.iter().position(u8::is_ascii).unwrap_or(behind.len());
                let (high, behind) = behind.split_at(high);
                for chunk in high.utf8_chunks() {
                    out.extend_from_slice(chunk.valid().as_bytes());
                    chunk.invalid().iter().for_each(|&byte| push_code(byte, out));
                }
                rest = behind;
            }
        }
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x80 * ONES;

/// How many bytes stand before the first quote, backslash or control byte, or the first that has a bit of `also`.
#[inline]
fn plain_length(text: &[u8], also: u64) -> usize {
    let (words, rest) = text.as_chunks::<8>();
    for (i, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let (quote, backslash) = (word ^ (ONES * u64::from(b'"')), word ^ (ONES * u64::from(b'\\')));
        let below = |word: u64, least: u64| word.wrapping_sub(ONES * least) & !word;
        // The lowest bit that is set tells the first; those above it mean nothing.
        let hit = (below(word, 0x20) | below(quote, 1) | below(backslash, 1) | word & also) & HIGHS;
        if hit != 0 {
            return 8 * i + (hit.trailing_zeros() / 8) as usize;
        }
    }
    let odd = |&byte: &u8| byte < 0x20 || matches!(byte, b'"' | b'\\') || u64::from(byte) & also & 0x80 != 0;
    8 * words.len() + rest.iter().position(odd).unwrap_or(rest.len())
}

/// What becomes of half a surrogate pair.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Surrogates {
    Kept,
    Paired,
}

#[cold]
fn push_checked(body: &[u8], surrogates: Surrogates, out: &mut Vec<u8>) {
    let mut at = 0;
    loop {
        let plain = plain_length(&body[at..], 0);
        out.extend_from_slice(&body[at..at + plain]);
        at += plain;
        let Some(&byte) = body.get(at) else { return };
        if byte != b'\\' {
            push_byte(byte, out);
            at += 1;
            continue;
        }
        let len = match body.get(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') => match (code(&body[at..]), surrogates) {
                (None, _) => 0,
                (Some(0xd800..=0xdbff), Surrogates::Paired) => match code(&body[at + 6..]) {
                    Some(0xdc00..=0xdfff) => 12,
                    _ => 1,
                },
                (Some(0xdc00..=0xdfff), Surrogates::Paired) => 1,
                (Some(_), _) => 6,
            },
            _ => 0,
        };
        match len {
            0 => out.extend_from_slice(b"\\\\"),
            1 => out.extend_from_slice(b"\\ufffd"),
            _ => out.extend_from_slice(&body[at..at + len]),
        }
        at += match len {
            0 => 1,
            1 => 6,
            len => len,
        };
    }
}

/// The number of the `\uXXXX` that `body` begins with.
fn code(body: &[u8]) -> Option<u16> {
    let digits = body.get(..6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |code: u16, &digit| Some(code << 4 | (digit as char).to_digit(16)? as u16))
}

#[inline]
fn push_byte(byte: u8, out: &mut Vec<u8>) {
    match byte {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        0..0x20 => push_code(byte, out),
        _ => out.push(byte),
    }
}

/// `\u00XX`
fn push_code(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.extend_from_slice(b"\\u00");
    out.extend_from_slice(&[HEX[(byte >> 4) as usize], HEX[(byte & 15) as usize]]);
}

/// Copies what needs no look, ASCII without quote, backslash and control byte, a block at a time; `false`: it is something
/// else, and nothing was written.
#[inline]
fn push_plain(text: &[u8], out: &mut Vec<u8>) -> bool {
    match text.len() {
        0..4 => {
            let plain = !text.iter().fold(false, |any, &byte| any | needs_look(byte));
            if plain {
                text.iter().for_each(|&byte| out.push(byte));
            }
            plain
        }
        4..8 => push_blocks::<4>(text, out),
        8..16 => push_blocks::<8>(text, out),
        16..32 => push_blocks::<16>(text, out),
        _ => push_blocks::<32>(text, out),
    }
}

/// The same, in blocks of `N` of which the last may overlap the one before. There are at least `N` bytes.
#[inline]
fn push_blocks<const N: usize>(text: &[u8], out: &mut Vec<u8>) -> bool {
    // Without early exit within a block, so that it is compared all at once.
    let plain = |block: &[u8; N]| !block.iter().fold(false, |any, &byte| any | needs_look(byte));
    let start = out.len();
    let (blocks, rest) = text.as_chunks::<N>();
    out.reserve(text.len());
    for block in blocks {
        if !plain(block) {
            out.truncate(start);
            return false;
        }
        out.extend_from_slice(block);
    }
    if let Some(block) = text.last_chunk::<N>()
        && !rest.is_empty()
    {
        if !plain(block) {
            out.truncate(start);
            return false;
        }
        out.truncate(start + text.len() - N);
        out.extend_from_slice(block);
    }
    true
}

#[inline]
fn needs_look(byte: u8) -> bool {
    // Signed, the bytes beyond ASCII are below all others.
    ((byte as i8) < 0x20) | (byte == b'"') | (byte == b'\\')
}

/// Whether no byte needs a look: no quote, backslash or control byte.
#[inline]
fn is_plain(body: &[u8]) -> bool {
    let special = |byte: u8| (byte < 0x20) | (byte == b'"') | (byte == b'\\');
    // Without early exit within a chunk, so that it is compared all at once.
    let mut chunks = body.chunks_exact(16);
    chunks.by_ref().all(|chunk| !chunk.iter().fold(false, |any, &byte| any | special(byte)))
        && !chunks.remainder().iter().fold(false, |any, &byte| any | special(byte))
}

/// Whether the bytes are a number, `true`, `false` or `null`.
fn is_scalar(bytes: &[u8]) -> bool {
    matches!(bytes, b"true" | b"false" | b"null") || number(bytes) == Some(bytes.len())
}

/// The length of the JSON number that `bytes` begin with.
fn number(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| from + bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let first = usize::from(bytes.first() == Some(&b'-'));
    let mut at = digits(first);
    if at == first || (bytes[first] == b'0' && at > first + 1) {
        return None;
    }
    if bytes.get(at) == Some(&b'.') {
        let first = at + 1;
        at = digits(first);
        if at == first {
            return None;
        }
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        let first = at + 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        at = digits(first);
        if at == first {
            return None;
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests;
