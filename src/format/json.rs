//! NDJSON: one object a line, any nesting, any order of keys.
//!
//! What a line says under names we know (`json/names.rs`) gets those names' fields; the rest gets the field
//! [`UNKNOWN`]. Keys are values too. Strict in structure, so that nothing can stand between what was read: a line that
//! is not exactly one object is malformed. Tolerant within strings, where bytes need not be UTF-8 and surrogates not
//! paired.

mod line;
mod memory;
mod names;
mod scan;
mod table;

pub use line::unescape_line;
#[cfg(test)]
pub(crate) use memory::tests::{log, steady};
pub use memory::{Memory, Recalled};

use super::{Ending, Malformed, Parse, request};
use crate::record::{DEPTH, Kind, Mark, Record, Schema, Span, State, Syntax, Value};
use scan::malformed;
use table::{ANY, Found, Names, STICKY, TOP};

/// The field of keys that stand in our table: they are literals of the format, to be kept as they stand.
pub const KNOWN_KEY: u16 = 0;
/// The field of all other keys: kept if they pass `[A-Za-z][A-Za-z0-9_.\[\]-]{0,31}` and no detector fires, else `_`.
pub const UNKNOWN_KEY: u16 = 1;
/// The field of what stands under an unknown key. Its name is `*`.
pub const UNKNOWN: u16 = 2;
/// [`KNOWN_KEY`]'s name.
pub const KNOWN_KEY_NAME: &str = "*known-key";
/// [`UNKNOWN_KEY`]'s name.
pub const UNKNOWN_KEY_NAME: &str = "*key";

/// The fields that have no row in the table of names, by index.
const OWN: &[(&str, Kind)] =
    &[(KNOWN_KEY_NAME, Kind::Word), (UNKNOWN_KEY_NAME, Kind::Text), ("*", Kind::Text), ("url.original", Kind::Text)];
const TARGET_WHOLE: u16 = 3;
const METHOD: u16 = 4;
const PATH: u16 = 5;
const QUERY: u16 = 6;
const PROTOCOL: u16 = 7;
const REQUEST: u16 = 8;
const URL: u16 = 9;

/// A line may hold so many values: marks count them in 16 bits, and one string may be five.
const MOST_VALUES: usize = u16::MAX as usize - 8;

/// The format `json`.
#[derive(Clone, Debug)]
pub struct Json {
    schema: Schema,
    /// What to do with a string of this field.
    shapes: Box<[Shape]>,
    message: u16,
    timestamp: u16,
    user: u16,
    logger: u16,
}

/// How a string of a field is cut further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Plain,
    Request,
    Target,
}

impl Default for Json {
    fn default() -> Json {
        Json::new()
    }
}

impl Json {
    /// The format, with its table of names.
    pub fn new() -> Json {
        let fields = table::fields();
        let shape = |field| match field {
            REQUEST => Shape::Request,
            PATH | URL => Shape::Target,
            _ => Shape::Plain,
        };
        let shapes = (0..fields.len() as u16).map(shape).collect();
        let place = |name: &str| fields.iter().position(|field| *field.name == *name).unwrap_or_default() as u16;
        let (message, timestamp) = (place("message"), place("timestamp"));
        let (user, logger) = (place("user.name"), place("log.logger"));
        Json {
            message,
            timestamp,
            user,
            logger,
            schema: Schema { name: "json".into(), fields, ..Schema::default() },
            shapes,
        }
    }

    /// The same names in lines of another syntax.
    pub(super) fn of(mut self, name: &str, syntax: Syntax) -> Json {
        self.schema.name = name.into();
        self.schema.syntax = syntax;
        self
    }

    /// The fields of a key and of its value, for lines in which a value is what stands there: what would be cut further, or
    /// must be withheld, is the field of what has no known name.
    pub(super) fn meaning(&self, key: &[u8]) -> (u16, u16) {
        let found = Names::shared().resolve(TOP, key, false);
        let plain = !found.withheld && self.shapes[found.field as usize] == Shape::Plain;
        (found.key, if plain { found.field } else { UNKNOWN })
    }

    /// Adds a key and its value of a line of pairs; whether the key is a name that we know.
    pub(super) fn push_pair(
        &self,
        line: &[u8],
        key: Span,
        value: Span,
        quoted: bool,
        escaped: bool,
        record: &mut Record,
    ) -> bool {
        let found = Names::shared().resolve(TOP, key.of(line), false);
        let found = self.caller(found, key.of(line), value.of(line));
        record.marks.push(Mark::Key(record.values.len() as u16));
        record.push(found.key, key.start as usize, key.end as usize);
        if quoted || self.shapes[found.field as usize] != Shape::Plain {
            self.push_text(line, found, value.start as usize, value.end as usize, escaped, record);
        } else {
            record.marks.push(Mark::Bare(record.values.len() as u16));
            record.values.push(Value { field: found.field, state: state(found.withheld), span: value });
        }
        found.key == KNOWN_KEY && found.field != UNKNOWN
    }

    /// Adds the string `start..end` of `field`.
    #[inline]
    fn push_text(&self, line: &[u8], found: Found, start: usize, end: usize, escaped: bool, record: &mut Record) {
        let at = record.values.len() as u16;
        let value = Value { field: found.field, state: state(found.withheld), span: Span::new(start, end) };
        match self.shapes[found.field as usize] {
            Shape::Plain => {
                record.values.push(value);
                record.marks.push(Mark::Text(at));
            }
            _ if found.withheld => {
                record.values.push(value);
                record.marks.push(Mark::Text(at));
            }
            Shape::Request => {
                push_request(line, start, end, escaped, record);
                record.marks.push(Mark::Request(at));
            }
            Shape::Target if request::is_absolute(&line[start..end]) => {
                record.values.push(Value { field: URL, ..value });
                record.marks.push(Mark::Text(at));
            }
            Shape::Target => {
                push_target(line, start, end, escaped, record);
                record.marks.push(Mark::Target(at));
            }
        }
    }

    /// In an array of a time and a line, as Loki has them, the time is one.
    #[inline]
    fn moment(&self, found: Found, frame: &Frame, text: &[u8]) -> Found {
        let time = frame.kind == Bracket::Array && memory::is_moment(text);
        if time && found.field == self.message { Found { field: self.timestamp, ..found } } else { found }
    }

    /// What a `caller` is: who called, or the place in the source from which a line was logged, `server/main.go:12`.
    #[inline]
    fn caller(&self, found: Found, key: &[u8], value: &[u8]) -> Found {
        let place = found.field == self.user && key == b"caller" && is_source(value);
        if place { Found { field: self.logger, ..found } } else { found }
    }

    /// Whether a number is a byte of a text: the journal writes a message with control characters as an array of them.
    #[inline]
    fn is_spelled(&self, found: Found, frame: &Frame, number: &[u8]) -> bool {
        memory::is_byte(number) && found.field == self.message && frame.kind == Bracket::Array
    }

    /// What a key means where it stands.
    #[inline]
    fn resolve(names: &Names, frame: &Frame, key: &[u8], escaped: bool) -> Found {
        let found = names.resolve(frame.context, key, escaped);
        if frame.rest == UNKNOWN && !frame.withheld { found } else { frame.bend(found) }
    }
}

/// An open object or array.
#[derive(Clone, Copy)]
struct Frame {
    /// Where the keys of this object, or of objects in this array, are looked up.
    context: u16,
    /// The field of the elements of this array.
    field: u16,
    /// The field of members of unknown names: a secret's within a secret.
    rest: u16,
    kind: Bracket,
    /// Whether all in it is withheld.
    withheld: bool,
    /// Whether it is an object in an array, which may be OpenTelemetry's `{"key": name, "value": {"stringValue": …}}`.
    pair: bool,
    /// What the name under its `key` means.
    named: Option<Found>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bracket {
    Object,
    Array,
}

impl Frame {
    const TOP: Frame = Frame {
        context: TOP,
        field: UNKNOWN,
        rest: UNKNOWN,
        kind: Bracket::Object,
        withheld: false,
        pair: false,
        named: None,
    };

    /// What a name means within something secret or withheld.
    #[cold]
    fn bend(&self, found: Found) -> Found {
        let unknown = found.field == UNKNOWN;
        Found {
            field: if unknown { self.rest } else { found.field },
            withheld: found.withheld || self.withheld,
            inside: if unknown && found.inside == ANY { self.context } else { found.inside },
            ..found
        }
    }

    /// What an element of this array is.
    fn element(&self) -> Found {
        Found { field: self.field, inside: self.context, key: UNKNOWN_KEY, withheld: self.withheld }
    }
}

impl Parse for Json {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    #[inline]
    fn parse(&self, line: &[u8], _: Ending, record: &mut Record) -> Result<(), Malformed> {
        // A line of another format costs no more than this.
        let (at, byte) = scan::next(line, 0);
        if byte != b'{' {
            return Err(malformed(at, "object"));
        }
        self.object(line, at, record)
    }
}

impl Json {
    /// Fills `record` from the object that starts at `at`.
    #[inline(never)]
    fn object(&self, line: &[u8], mut at: usize, record: &mut Record) -> Result<(), Malformed> {
        let names = Names::shared();
        record.clear();
        let mut stack = [Frame::TOP; DEPTH];
        let mut depth = 1;
        // Where marks and values stood before our own tag.
        let mut tag = None;
        record.marks.push(Mark::Object);
        let mut byte;
        (at, byte) = scan::next(line, at + 1);
        let mut whole = byte == b'}';
        'member: while !whole {
            // A key and its colon.
            if byte != b'"' {
                return Err(malformed(at, "key"));
            }
            let start = at + 1;
            let (end, escaped) = scan::string(line, start)?;
            let key = &line[start..end];
            (at, byte) = match line.get(end + 1) {
                Some(b':') => (end + 1, b':'),
                _ => scan::next(line, end + 1),
            };
            if byte != b':' {
                return Err(malformed(at, "colon"));
            }
            (at, byte) = match line.get(at + 1) {
                Some(&byte) if byte > b' ' => (at + 1, byte),
                first => {
                    record.blanks.colon |= first == Some(&b' ');
                    scan::next(line, at + 1)
                }
            };
            // Whoever has two tags, one of them forged, loses both.
            let mut found = if depth == 1 && key == b"sladd" && byte == b'{' {
                tag = Some((record.marks.len(), record.values.len()));
                Found { field: UNKNOWN, inside: ANY, key: UNKNOWN_KEY, withheld: false }
            } else {
                Json::resolve(names, &stack[depth - 1], key, escaped)
            };
            let frame = &mut stack[depth - 1];
            let mut name_in_value = false;
            if frame.pair {
                match key {
                    b"key" => name_in_value = byte == b'"' && frame.named.is_none() && !frame.withheld,
                    b"value" => {
                        if let Some(named) = frame.named {
                            found = Found { key: found.key, ..named };
                        }
                    }
                    _ => {}
                }
            }
            record.marks.push(Mark::Key(record.values.len() as u16));
            record.push(found.key, start, end);
            // Its value, or the elements of an array.
            loop {
                if record.values.len() > MOST_VALUES {
                    return Err(malformed(at, "fewer values"));
                }
                match byte {
                    b'"' => {
                        let start = at + 1;
                        let (end, escaped) = scan::string(line, start)?;
                        let named = if name_in_value && is_pair(line, end + 1) {
                            // What a name that we do not know stands for goes, and the name goes with it.
                            Some(names.resolve(TOP, &line[start..end], escaped)).filter(|named| named.field != UNKNOWN)
                        } else {
                            None
                        };
                        name_in_value = false;
                        if let Some(named) = named {
                            stack[depth - 1].named = Some(named);
                            record.marks.push(Mark::Text(record.values.len() as u16));
                            record.push(named.key, start, end);
                        } else {
                            let found = self.moment(found, &stack[depth - 1], &line[start..end]);
                            let found = self.caller(found, key, &line[start..end]);
                            self.push_text(line, found, start, end, escaped, record);
                        }
                        at = end + 1;
                    }
                    b'{' | b'[' => {
                        let kind = if byte == b'{' { Bracket::Object } else { Bracket::Array };
                        let outer = stack[depth - 1];
                        if depth == DEPTH {
                            return Err(malformed(at, "less nesting"));
                        }
                        let rest = match names.rest(found.field) {
                            // The value of a name holds it under a key that says its type.
                            UNKNOWN if outer.pair && key == b"value" && outer.named.is_some() => found.field,
                            UNKNOWN => outer.rest,
                            rest => rest,
                        };
                        let pair = kind == Bracket::Object && outer.kind == Bracket::Array;
                        let Found { field, inside: context, withheld, .. } = found;
                        let context = if withheld { STICKY } else { context };
                        stack[depth] = Frame { context, field, rest, kind, withheld, pair, named: None };
                        depth += 1;
                        record.marks.push(if kind == Bracket::Object { Mark::Object } else { Mark::Array });
                        (at, byte) = scan::next(line, at + 1);
                        match (kind, byte) {
                            (Bracket::Object, b'}') | (Bracket::Array, b']') => {}
                            (Bracket::Object, _) => continue 'member,
                            (Bracket::Array, _) => {
                                found = stack[depth - 1].element();
                                continue;
                            }
                        }
                    }
                    _ => {
                        let end = scan::bare(line, at)?;
                        record.marks.push(Mark::Bare(record.values.len() as u16));
                        let state = state(found.withheld || self.is_spelled(found, &stack[depth - 1], &line[at..end]));
                        record.values.push(Value { field: found.field, state, span: Span::new(at, end) });
                        at = end;
                    }
                }
                // What follows a value: a comma, or the ends of some brackets.
                loop {
                    (at, byte) = match line.get(at) {
                        Some(&byte) if byte > b' ' => (at, byte),
                        _ => scan::next(line, at),
                    };
                    let frame = &stack[depth - 1];
                    match (byte, frame.kind) {
                        (b',', kind) => {
                            (at, byte) = match line.get(at + 1) {
                                Some(&byte) if byte > b' ' => (at + 1, byte),
                                first => {
                                    record.blanks.comma |= first == Some(&b' ');
                                    scan::next(line, at + 1)
                                }
                            };
                            match kind {
                                Bracket::Object => continue 'member,
                                Bracket::Array => found = frame.element(),
                            }
                            break;
                        }
                        (b'}', Bracket::Object) | (b']', Bracket::Array) => {
                            depth -= 1;
                            if depth == 0 {
                                whole = true;
                                continue 'member;
                            }
                            record.marks.push(Mark::Close);
                            if depth == 1
                                && let Some((marks, values)) = tag.take()
                            {
                                record.marks.truncate(marks);
                                record.values.truncate(values);
                            }
                            at += 1;
                        }
                        _ => return Err(malformed(at, "comma or end")),
                    }
                }
            }
        }
        record.marks.push(Mark::Close);
        match scan::next(line, at + 1) {
            (end, _) if end == line.len() => Ok(()),
            (end, _) => Err(malformed(end, "end of line")),
        }
    }
}

/// Whether `, "value"` follows, or nothing: with other members beside it a `key` is more likely one that opens something.
/// Of a pair whose value was withheld the name alone is left.
fn is_pair(line: &[u8], at: usize) -> bool {
    let (comma, byte) = scan::next(line, at);
    let (quote, _) = scan::next(line, (comma + 1).min(line.len()));
    byte == b'}' || byte == b',' && line[quote..].starts_with(b"\"value\"")
}

/// Whether the value is a file of source text and a line in it.
fn is_source(value: &[u8]) -> bool {
    let digits = value.iter().rev().take(7).take_while(|byte| byte.is_ascii_digit()).count();
    let Some([file @ .., b':']) = value.get(..value.len() - digits) else { return false };
    let named = |byte: &u8| byte.is_ascii_alphanumeric() || b"_./-".contains(byte);
    let ends = [&b".go"[..], b".rs", b".py", b".js", b".ts", b".java", b".c", b".cc", b".cpp", b".rb", b".php"];
    (1..=6).contains(&digits)
        && file.len() <= 200
        && file.iter().all(named)
        && ends.iter().any(|end| file.len() > end.len() && file.ends_with(end))
}

#[inline]
fn state(withheld: bool) -> State {
    if withheld { State::Ambiguous } else { State::Present }
}

/// Five values: method, path, query, protocol, and the whole.
fn push_request(line: &[u8], start: usize, end: usize, escaped: bool, record: &mut Record) {
    let value = &line[start..end];
    let hidden = escaped && request::hides_cut(value);
    match request::split(value, memchr::memchr(b'?', value)) {
        Some(parts) if !hidden => {
            record.push(METHOD, start, start + parts.method);
            let target = Span { end: parts.query.unwrap_or(parts.path).end, ..parts.path };
            let (from, to) = (start + target.start as usize, start + target.end as usize);
            if request::is_absolute(&line[from..to]) {
                record.push(URL, from, to);
                record.push_absent(QUERY);
            } else {
                push_path(line, from, to, record);
            }
            match parts.protocol {
                Some(protocol) => record.push(PROTOCOL, start + protocol.start as usize, end),
                None => record.push_absent(PROTOCOL),
            }
            record.push_absent(REQUEST);
        }
        _ => {
            [METHOD, PATH, QUERY, PROTOCOL].into_iter().for_each(|field| record.push_absent(field));
            record.values.push(Value { field: REQUEST, state: state(hidden), span: Span::new(start, end) });
        }
    }
}

/// Three values: path, query, and the whole.
fn push_target(line: &[u8], start: usize, end: usize, escaped: bool, record: &mut Record) {
    if escaped && request::hides_cut(&line[start..end]) {
        record.push_absent(PATH);
        record.push_absent(QUERY);
        let span = Span::new(start, end);
        record.values.push(Value { field: TARGET_WHOLE, state: State::Ambiguous, span });
    } else {
        push_path(line, start, end, record);
        record.push_absent(TARGET_WHOLE);
    }
}

#[inline]
fn push_path(line: &[u8], start: usize, end: usize, record: &mut Record) {
    let (path, query) = request::split_target(&line[start..end]);
    record.push(PATH, start, start + path);
    match query {
        Some(query) => record.push(QUERY, start + query, end),
        None => record.push_absent(QUERY),
    }
}

#[cfg(test)]
mod tests;
