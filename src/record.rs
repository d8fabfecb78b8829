//! The vocabulary: what a line is cut into, and what a format says of it. Imports nothing of ours.

use std::sync::Arc;

pub mod cut;
pub mod gap;

/// A range of bytes of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte; never less than `start`.
    pub end: u32,
}

impl Span {
    /// The range `start..end`.
    pub fn new(start: usize, end: usize) -> Span {
        debug_assert!(start <= end);
        Span { start: start as u32, end: end as u32 }
    }

    /// The bytes of `line` that the span covers.
    ///
    /// # Panics
    /// When the span was made for another, longer line.
    #[inline]
    pub fn of(self, line: &[u8]) -> &[u8] {
        &line[self.start as usize..self.end as usize]
    }

    /// How many bytes it covers.
    #[inline]
    pub fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether it covers nothing.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// What sort of value a field holds. It decides which treatments fit, and the grammar a kept value must pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// One address or a list of them, with or without port, brackets and zone; a client's host name may stand instead.
    Address,
    /// A user agent.
    Agent,
    /// A `Cookie` or `Set-Cookie` header.
    Cookie,
    /// A server's own or a virtual host's name, with or without port.
    Host,
    /// An identifier of a device, session, request or application.
    Identifier,
    /// A point in time.
    Instant,
    /// An `Accept-Language` header or a language tag.
    Language,
    /// A request method.
    Method,
    /// A path without query.
    Path,
    /// A number, or a list of numbers as upstream fields have: sizes, durations, ports, serials.
    Number,
    /// A protocol with its version, `HTTP/1.1`.
    Protocol,
    /// What follows the question mark, without it.
    Query,
    /// A URL of elsewhere: referer, location, origin.
    Referer,
    /// Credentials, bodies, certificates: never kept.
    Secret,
    /// A response status: three digits, or a list of them.
    Status,
    /// Free text.
    Text,
    /// A user's name.
    User,
    /// One word of a closed set: scheme, cache state, TLS version, cipher, log level, country code.
    Word,
}

/// How the program that wrote the log escaped the bytes of a value. A treated value leaves in the same escape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// Written as they came.
    None,
    /// `\xHH` for quote, backslash, control and high bytes: nginx's default, and Apache's beside `\"` and `\n`.
    Hex,
    /// A JSON string's body.
    Json,
}

/// How an instant is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// `10/Oct/2000:13:55:36 -0700`.
    Clf,
    /// `Nov 21 10:00:00`, as RFC 3164 has it: without a year, which the time of arrival gives.
    Rfc3164,
    /// RFC 3339, with a fraction or without: `2026-11-21T10:00:00+01:00`; a blank may stand for the `T`; without zone the source's holds.
    Rfc3339,
    /// Seconds since 1970, with a fraction or without.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMillis,
    /// Microseconds since 1970.
    EpochMicros,
    /// Nanoseconds since 1970.
    EpochNanos,
    /// Only a part of the time (`%{%H}t`, a fraction alone): can be kept, cannot date the record.
    Partial,
    /// A number or a text in any of the above forms: what JSON members hold. Numbers are told apart by their size.
    Any,
}

/// One field of a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The canonical (OpenTelemetry) name, `client.address`.
    pub name: Box<str>,
    /// What sort of value it holds.
    pub kind: Kind,
    /// How its bytes are escaped.
    pub escape: Escape,
    /// How it is written, if it is an instant.
    pub clock: Option<Clock>,
}

impl Field {
    /// A field whose bytes stand as they came.
    pub fn new(name: &str, kind: Kind) -> Field {
        let clock = (kind == Kind::Instant).then_some(Clock::Any);
        Field { name: name.into(), kind, escape: Escape::None, clock }
    }
}

/// What the layout prints where a value is withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blank {
    /// A dash, as servers write for a missing value.
    Dash,
    /// Nothing, and the literal before it goes too: a query with its question mark.
    Gone,
    /// Nothing.
    Empty,
    /// `null`: an unquoted JSON value.
    Null,
}

/// One step of a layout: a literal, then a field's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What stands before the value. Belongs to the value: where the value is absent, so is the literal.
    pub literal: Arc<[u8]>,
    /// Index into [`Schema::fields`], and into [`Record::values`] for layouts of fixed order.
    pub field: u16,
    /// What is printed for a withheld value.
    pub blank: Blank,
}

/// What a format holds: its fields and, for formats of fixed order, the layout between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// The format's name, as `when = { format = … }` and `explain` say it: `combined`.
    pub name: Box<str>,
    /// The fields. In a fixed layout each position has one of its own, in line order.
    pub fields: Vec<Field>,
    /// The layout, one item a field, in order. Empty for JSON, where [`Record::marks`] hold it line by line.
    pub items: Vec<Item>,
    /// What stands after the last value.
    pub tail: Arc<[u8]>,
    /// Further layouts of the same fields, for formats whose lines come in several shapes: messages of one program.
    pub more: Vec<Layout>,
    /// How [`Record::marks`] are written, where lines have them.
    pub syntax: Syntax,
}

/// How a layout that differs from line to line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Syntax {
    /// As JSON.
    #[default]
    Json,
    /// `key=value` pairs with a blank between them; a text is quoted.
    Pairs,
    /// ArcSight's common event format: seven values between bars, then pairs whose values may hold blanks.
    Cef,
    /// Columns that a header names ([`Columns`]).
    Columns,
}

/// The columns that a header line of the input has named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// The header as it stood, by which it is known when it comes again.
    pub header: Vec<u8>,
    /// One a column.
    pub columns: Vec<Column>,
    /// Whether one more column follows: a tag of ours.
    pub tagged: bool,
}

/// One column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Index into [`Schema::fields`].
    pub field: u16,
    /// Whether it is a date and the next one its time: one value.
    pub joins: bool,
    /// Whether it holds paths.
    pub path: bool,
}

impl Columns {
    /// [`Record::layout`] of values between blanks.
    pub const BLANKS: u16 = 0;
    /// [`Record::layout`] of values between tabs.
    pub const TABS: u16 = 1;
    /// [`Record::layout`] of the line that names the columns: the values are their names.
    pub const HEADER: u16 = 2;
    /// [`Record::layout`] of another line about the log: the values are its name and what it says.
    pub const DIRECTIVE: u16 = 3;

    /// Forgets them, keeping their memory.
    pub fn clear(&mut self) {
        self.header.clear();
        self.columns.clear();
        self.tagged = false;
    }
}

/// One of several layouts of a format.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// One item a value, in order.
    pub items: Vec<Item>,
    /// What stands after the last value.
    pub tail: Arc<[u8]>,
}

impl Schema {
    /// The layout that a record names: the schema's own, or one of [`Schema::more`].
    ///
    /// # Panics
    /// When the record was made by another format.
    #[inline]
    pub fn layout(&self, layout: u16) -> (&[Item], &[u8]) {
        match layout {
            0 => (&self.items, &self.tail),
            n => {
                let layout = &self.more[n as usize - 1];
                (&layout.items, &layout.tail)
            }
        }
    }
}

/// One value of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// Index into [`Schema::fields`].
    pub field: u16,
    /// Where it stands.
    pub state: State,
    /// Its bytes. Meaningless where it is absent.
    pub span: Span,
}

/// How sure the parser is of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It stands at its span.
    Present,
    /// The line does not have it (a request without protocol).
    Absent,
    /// The line can be read two ways that differ here: withheld, whatever the policy says.
    Ambiguous,
    /// The line was cut inside it: withheld.
    Cut,
}

/// How deep objects and arrays may be nested in one another, the outermost included.
pub const DEPTH: usize = 64;

/// One mark of a layout that differs from line to line (JSON).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// `{`
    Object,
    /// `[`
    Array,
    /// The end of the innermost object or array.
    Close,
    /// A member's key: an index into [`Record::values`], so that keys are treated like values.
    Key(u16),
    /// A quoted string: one value, by index.
    Text(u16),
    /// A bare number, `true`, `false` or `null`: one value, by index.
    Bare(u16),
    /// A quoted request line: the five values from this index on are method, path, query, protocol, and the whole where it does not fit.
    Request(u16),
    /// A quoted target: the three values from this index on are path, query, and the whole where it does not fit.
    Target(u16),
}

/// One line, cut into values. One a worker, reused from line to line.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// The values: in a fixed layout one a field, in order; in JSON as they come.
    pub values: Vec<Value>,
    /// The layout, where it differs from line to line.
    pub marks: Vec<Mark>,
    /// Whether `": "` and `", "` were written with a blank, so that the same layout can be written again.
    pub blanks: Blanks,
    /// Which of its format's layouts the line has: 0 is the schema's own, n the n-th of [`Schema::more`].
    pub layout: u16,
    /// Working memory of parsers. Means nothing outside them.
    pub scratch: Vec<u64>,
    /// The columns of formats that name them in a header. Stay from line to line.
    pub columns: Columns,
    /// The time stamp of the last line that was read by sight, as Apache and nginx write it; zeros before the first.
    pub stamp: Stamp,
    /// Of a line that was read by what is remembered of others: what stands before each of its values and before its end, by
    /// number; a run's has [`gap::RUN`] set.
    pub gaps: Vec<u16>,
}

/// A time stamp as Apache and nginx write it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Stamp(pub [u8; 26]);

impl std::fmt::Debug for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stamp(..)")
    }
}

/// What one look at a line saw, from its first byte to its line feed: the line is of printable ASCII and has no backslash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// How many bytes stand before the line feed.
    pub length: usize,
    /// How many quotes there are, and where.
    pub count: usize,
    /// Where the quotes stand. Those from `count` on mean nothing.
    pub quotes: [u32; QUOTES + SPARE_QUOTES],
    /// Where question marks stand, a bit a byte, from the line's start.
    pub marks: [u64; SIGHT / 64],
    /// Of the first 64 bytes: which can stand in a plain address (`0-9A-Fa-f.:`).
    pub address: u64,
}

/// How a line was read by sight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// With an address in front and a request as most are, so that [`Proven`] holds.
    Plain,
    /// With any client and any request.
    Other,
}

/// What is known of every value at one place of a layout, where a line of it was [`Seen::Plain`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proven {
    /// It says that there is none: a dash.
    Missing,
    /// There is none.
    Absent,
    /// It is the record's time as Apache and nginx write it, if the record has a time.
    Instant,
    /// It is `GET`, `POST` or `HEAD`.
    Method,
    /// It is `HTTP/`, a digit, a point and a digit.
    Protocol,
    /// It is three digits.
    Status,
    /// It is one to twenty digits.
    Digits,
}

/// A line with more quotes is not taken in at a glance.
pub const QUOTES: usize = 8;

/// So many may be noted behind them that are none.
pub const SPARE_QUOTES: usize = 4;

/// Nor is a longer one.
pub const SIGHT: usize = 1024;

impl Sight {
    /// The first question mark from `at` on.
    #[inline]
    pub fn mark(&self, at: usize) -> Option<usize> {
        let mut word = at / 64;
        let last = self.length / 64;
        // Most marks stand within the next two words, or there is none.
        let bits = |word: usize| match self.marks.get(word) {
            Some(&bits) if word <= last => bits,
            _ => 0,
        };
        let near = u128::from(bits(word) & u64::MAX << (at % 64)) | u128::from(bits(word + 1)) << 64;
        let mut found = near.trailing_zeros() as usize;
        while found == 128 {
            word += 2;
            if word > last {
                return None;
            }
            found = (u128::from(bits(word)) | u128::from(bits(word + 1)) << 64).trailing_zeros() as usize;
        }
        Some(64 * word + found)
    }
}

/// The white space a JSON writer puts after its punctuation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Blanks {
    /// A blank after each colon.
    pub colon: bool,
    /// A blank after each comma.
    pub comma: bool,
}

impl Record {
    /// Empties it, keeping its memory.
    #[inline]
    pub fn clear(&mut self) {
        self.values.clear();
        self.set_plain();
    }

    /// Says that its values stand in the schema's own layout, which no line changes.
    #[inline]
    pub fn set_plain(&mut self) {
        self.marks.clear();
        self.gaps.clear();
        self.blanks = Blanks::default();
        self.layout = 0;
    }

    /// Adds a value that stands at `start..end`.
    #[inline]
    pub fn push(&mut self, field: u16, start: usize, end: usize) {
        self.values.push(Value { field, state: State::Present, span: Span::new(start, end) });
    }

    /// Adds a value that the line does not have.
    #[inline]
    pub fn push_absent(&mut self, field: u16) {
        self.values.push(Value { field, state: State::Absent, span: Span { start: 0, end: 0 } });
    }
}
