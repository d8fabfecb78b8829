//! Key → field. Built once from `names`; looked up for each member of each line.
//!
//! A *context* is what the enclosing keys say: `request`, `http.request.headers`. A key is looked up in the context it
//! stands in, then in the shorter ones that end alike (`request.headers`, `headers`), then among the names that mean
//! the same everywhere. The first look takes the key as it is spelled, in one probe; only what that does not find is
//! compared without case and separators.

use super::{KNOWN_KEY, OWN, UNKNOWN, UNKNOWN_KEY, names};
use crate::record::{Escape, Field, Kind};
use std::sync::OnceLock;

/// The top of the line.
pub(super) const TOP: u16 = 0;
/// Below an unknown key.
pub(super) const ANY: u16 = 1;
/// Within a secret: no name means anything there.
pub(super) const STICKY: u16 = 2;

/// What a key means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The field of its value, [`UNKNOWN`] for none.
    pub(super) field: u16,
    /// The context within it, if it holds an object.
    pub(super) inside: u16,
    /// The field of the key itself: [`KNOWN_KEY`] or [`UNKNOWN_KEY`].
    pub(super) key: u16,
    /// Whether its value must be withheld: the key would leave in a spelling that does not mean the same.
    pub(super) withheld: bool,
}

const NOTHING: Found = Found { field: UNKNOWN, inside: ANY, key: UNKNOWN_KEY, withheld: false };

/// All names.
#[derive(Clone, Debug)]
pub(super) struct Names {
    exact: Table,
    normal: Table,
    /// For each context the one to look in next; itself at the end.
    fails: Box<[u16]>,
    /// For each field that of members of unknown names, if it holds an object: a secret is a secret in all its parts.
    rests: Box<[u16]>,
    /// For each context whether the names in it are those of headers.
    headers: Box<[bool]>,
    /// The field of the host that was asked for, and of what else headers say of it.
    hosts: (u16, u16),
}

impl Names {
    /// The table. Made when the first object is met, once for all formats and workers: most logs hold none.
    #[inline]
    pub(super) fn shared() -> &'static Names {
        static NAMES: OnceLock<Names> = OnceLock::new();
        NAMES.get_or_init(Names::new)
    }

    #[cold]
    fn new() -> Names {
        let fields = fields();
        let mut builder = Builder::new();
        let rows = (OWN.len() as u16..).zip(names::FIELDS);
        for (field, row) in rows.clone() {
            row.top.split_whitespace().for_each(|alias| builder.add(alias, TOP, field));
            row.any.split_whitespace().for_each(|alias| builder.add(alias, ANY, field));
        }
        for (field, row) in rows {
            builder.add(row.name, ANY, field);
        }
        let mut field = (OWN.len() + names::FIELDS.len()) as u16;
        for (rows, headers, prefixes) in [
            (names::REQUEST_ROWS, names::REQUEST_HEADERS, names::REQUEST_PREFIXES),
            (names::RESPONSE_ROWS, names::RESPONSE_HEADERS, names::RESPONSE_PREFIXES),
        ] {
            for (name, aliases) in rows {
                let field = fields.iter().position(|f| *f.name == **name).expect("rows of headers name rows of fields");
                for alias in aliases.split_whitespace() {
                    builder.add_header(alias, prefixes, field as u16);
                }
            }
            for (header, _) in headers {
                builder.add_header(header, prefixes, field);
                field += 1;
            }
        }
        for wrapper in names::TRANSPARENT.split_whitespace() {
            builder.add_transparent(wrapper);
        }
        builder.build(&fields)
    }

    /// What `key` means in `context`. `escaped` tells that there are escapes in it.
    #[inline]
    pub(super) fn resolve(&self, context: u16, key: &[u8], escaped: bool) -> Found {
        match self.exact.find(context, key) {
            Some(found) if !escaped => found,
            _ => self.resolve_plainly(context, key, escaped),
        }
    }

    /// The field of what stands under an unknown name within an object under `field`; [`UNKNOWN`] for most.
    #[inline]
    pub(super) fn rest(&self, field: u16) -> u16 {
        self.rests[field as usize]
    }

    /// The same without the first look.
    fn resolve_plainly(&self, context: u16, key: &[u8], escaped: bool) -> Found {
        if context == STICKY || key.len() > LONGEST_KEY {
            return NOTHING;
        }
        let mut decoded = [0; LONGEST_KEY];
        let (key, withheld) = if escaped { (decode(key, &mut decoded), true) } else { (key, false) };
        let mut context = context;
        let mut rest = key;
        let mut known = true;
        let mut last = NOTHING;
        let mut header = None;
        for _ in 0..MOST_PARTS {
            if self.headers[context as usize] {
                header = header.or(Some(rest));
            }
            if let Some(mut found) = self.look(context, rest) {
                if found.field == self.hosts.0 && header.is_some_and(|name| !is_host_header(name)) {
                    found.field = self.hosts.1;
                }
                let key_field = if known { KNOWN_KEY } else { UNKNOWN_KEY };
                let withheld = withheld || !known && !is_name(key);
                // With nothing to withhold, a key that will leave as `_` may as well mean nothing now.
                if withheld && found.field == UNKNOWN {
                    return last;
                }
                return Found { key: key_field, withheld, ..found };
            }
            let Some(dot) = memchr::memchr(b'.', rest) else { break };
            match self.look(context, &rest[..dot]) {
                Some(found) => {
                    context = found.inside;
                    if self.rest(found.field) != UNKNOWN {
                        last = Found { field: self.rest(found.field), inside: context, withheld, ..NOTHING };
                    }
                }
                None if self.is_closed(context) => break,
                None => (context, known) = (ANY, false),
            }
            rest = &rest[dot + 1..];
        }
        last
    }

    /// Whether no name from outside means anything in `context`.
    fn is_closed(&self, mut context: u16) -> bool {
        while self.fails[context as usize] != context {
            context = self.fails[context as usize];
        }
        context == STICKY
    }

    /// One name, spelled anyhow, in `context` and those it fails to.
    fn look(&self, mut context: u16, name: &[u8]) -> Option<Found> {
        let mut normal = [0; LONGEST_NAME];
        let normal = normalise(name, &mut normal)?;
        loop {
            if let Some(found) = self.normal.find(context, normal) {
                return Some(found);
            }
            let next = self.fails[context as usize];
            if next == context {
                return None;
            }
            context = next;
        }
    }
}

/// The fields that the table speaks of.
pub(super) fn fields() -> Vec<Field> {
    let own = OWN.iter().map(|&(name, kind)| Field::new(name, kind));
    let rows = names::FIELDS.iter().map(|row| Field::new(row.name, row.kind));
    let headers =
        [("http.request.header.", names::REQUEST_HEADERS), ("http.response.header.", names::RESPONSE_HEADERS)];
    let headers = headers.into_iter().flat_map(|(parent, headers)| {
        headers.iter().map(move |&(header, kind)| Field::new(&format!("{parent}{header}"), kind))
    });
    own.chain(rows).chain(headers).map(|field| Field { escape: Escape::Json, ..field }).collect()
}

/// Whether a header of this name holds the host that was asked for.
fn is_host_header(name: &[u8]) -> bool {
    let mut normal = [0; LONGEST_NAME];
    normalise(name, &mut normal).is_some_and(|name| names::HOST_HEADERS.contains(&name))
}

/// The grammar that an unknown key must pass to be kept: `[A-Za-z][A-Za-z0-9_.\[\]-]{0,31}`.
pub(super) fn is_name(key: &[u8]) -> bool {
    key.len() <= 32
        && key.first().is_some_and(u8::is_ascii_alphabetic)
        && key.iter().all(|b| b.is_ascii_alphanumeric() || b"_.[]-".contains(b))
}

/// Longer keys mean nothing to us.
const LONGEST_KEY: usize = 128;
/// Longer than the longest name without its separators.
const LONGEST_NAME: usize = 48;
/// A key of more parts than this (`a.b.c`) is not looked through further.
const MOST_PARTS: usize = 6;

/// Lower case, without separators; `None` if too long.
fn normalise<'a>(name: &[u8], into: &'a mut [u8; LONGEST_NAME]) -> Option<&'a [u8]> {
    let mut len = 0;
    for &byte in name {
        let folded = FOLD[byte as usize];
        *into.get_mut(len)? = folded;
        len += usize::from(folded != 0);
    }
    Some(&into[..len])
}

/// Each byte as names are compared; 0 for separators.
const FOLD: [u8; 256] = {
    let mut fold = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        fold[byte] = (byte as u8).to_ascii_lowercase();
        byte += 1;
    }
    let separators = b" -_.:@/$#()[]";
    let mut i = 0;
    while i < separators.len() {
        fold[separators[i] as usize] = 0;
        i += 1;
    }
    fold
};

/// A key without its escapes; what is no ASCII becomes a byte that no name has.
fn decode<'a>(key: &[u8], into: &'a mut [u8; LONGEST_KEY]) -> &'a [u8] {
    let (mut at, mut len) = (0, 0);
    while let Some(&byte) = key.get(at) {
        (into[len], at) = match (byte, key.get(at + 1)) {
            (b'\\', Some(b'u')) => {
                let hex = key.get(at + 2..at + 6).and_then(|hex| std::str::from_utf8(hex).ok());
                let code = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(u8::is_ascii);
                (code.unwrap_or(0xff), at + 6)
            }
            (b'\\', Some(&other)) => (if other == b'/' { b'/' } else { 0xff }, at + 2),
            (byte, _) => (byte, at + 1),
        };
        len += 1;
    }
    &into[..len]
}

/// A hash table that is only read: (context, name) → what it means.
#[derive(Clone, Debug)]
struct Table {
    slots: Box<[Slot]>,
    /// Names longer than 16 bytes, end to end.
    long: Box<[u8]>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    first: u64,
    last: u64,
    len: u16,
    context: u16,
    long: u32,
    field: u16,
    inside: u16,
}

impl Table {
    fn new(names: &[(u16, &[u8], Found)]) -> Table {
        let empty = Slot { first: 0, last: 0, len: 0, context: 0, long: 0, field: 0, inside: 0 };
        let mut slots = vec![empty; (names.len() * 2).next_power_of_two()].into_boxed_slice();
        let mut long = Vec::new();
        for (context, name, found) in names {
            let (first, last) = words(name);
            let mut at = home(*context, first, last, name.len(), slots.len());
            while slots[at].len != 0 {
                at = (at + 1) & (slots.len() - 1);
            }
            let (field, inside, len) = (found.field, found.inside, name.len() as u16);
            slots[at] = Slot { first, last, len, context: *context, long: long.len() as u32, field, inside };
            if name.len() > 16 {
                long.extend_from_slice(name);
            }
        }
        Table { slots, long: long.into() }
    }

    #[inline]
    fn find(&self, context: u16, name: &[u8]) -> Option<Found> {
        let (first, last) = words(name);
        let mut at = home(context, first, last, name.len(), self.slots.len());
        loop {
            let slot = &self.slots[at & (self.slots.len() - 1)];
            if slot.len == 0 {
                return None;
            }
            if slot.first == first && slot.last == last && slot.context == context && slot.len as usize == name.len() {
                let long = slot.long as usize;
                if name.len() <= 16 || &self.long[long..long + name.len()] == name {
                    return Some(Found { field: slot.field, inside: slot.inside, key: KNOWN_KEY, withheld: false });
                }
            }
            at += 1;
        }
    }
}

/// The first and the last eight bytes: with the length they are all of a name of up to 16.
#[inline]
fn words(name: &[u8]) -> (u64, u64) {
    if let (Some(first), Some(last)) = (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        return (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
    }
    if let (Some(first), Some(last)) = (name.first_chunk::<4>(), name.last_chunk::<4>()) {
        return (u32::from_le_bytes(*first) as u64, u32::from_le_bytes(*last) as u64);
    }
    match *name {
        [] => (0, 0),
        [a] => (a as u64, 0),
        [a, b] => (a as u64, b as u64),
        [a, b, ..] => (a as u64 | (b as u64) << 8, name[name.len() - 1] as u64),
    }
}

#[inline]
fn home(context: u16, first: u64, last: u64, len: usize, slots: usize) -> usize {
    let mixed = first.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ last.rotate_left(31).wrapping_mul(0xc2b2_ae3d_27d4_eb4f)
        ^ ((context as u64) << 32 | len as u64).wrapping_mul(0x1656_67b1_9e37_79f9);
    let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    (mixed >> 40) as usize & (slots - 1)
}

/// What is known of a name while the tables are made.
#[derive(Clone, Copy, Default)]
struct Entry {
    field: Option<u16>,
    inside: Option<u16>,
}

/// Names in contexts while the tables are made, each once, in the order in which they came.
#[derive(Default)]
struct Draft {
    /// Where in `entries` a name stands, and one more; 0: nowhere.
    slots: Vec<u32>,
    entries: Vec<(u16, Place, Entry)>,
    /// The names, end to end.
    text: Vec<u8>,
}

/// Where a name stands in a text.
#[derive(Clone, Copy)]
struct Place {
    start: u32,
    end: u32,
}

impl Place {
    fn of(self, text: &[u8]) -> &[u8] {
        &text[self.start as usize..self.end as usize]
    }
}

impl Draft {
    /// Room for so many names, a power of two, without growing.
    fn of(names: usize) -> Draft {
        Draft { slots: vec![0; 2 * names], entries: Vec::with_capacity(names), text: Vec::with_capacity(16 * names) }
    }

    /// The slot of this name, which is free if it is not known.
    fn slot(&self, context: u16, name: &[u8]) -> usize {
        let (first, last) = words(name);
        let mut at = home(context, first, last, name.len(), self.slots.len());
        loop {
            let Some(entry) = self.slots[at].checked_sub(1) else { return at };
            let (known, place, _) = self.entries[entry as usize];
            if known == context && place.of(&self.text) == name {
                return at;
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    fn get(&self, context: u16, name: &[u8]) -> Option<Entry> {
        let entry = self.slots[self.slot(context, name)].checked_sub(1)?;
        Some(self.entries[entry as usize].2)
    }

    /// The name's entry, made if need be.
    fn entry(&mut self, context: u16, name: &[u8]) -> &mut Entry {
        let mut slot = self.slot(context, name);
        if self.slots[slot] == 0 {
            if 2 * self.entries.len() >= self.slots.len() {
                self.grow();
                slot = self.slot(context, name);
            }
            let start = self.text.len() as u32;
            self.text.extend_from_slice(name);
            self.entries.push((context, Place { start, end: self.text.len() as u32 }, Entry::default()));
            self.slots[slot] = self.entries.len() as u32;
        }
        &mut self.entries[self.slots[slot] as usize - 1].2
    }

    #[cold]
    fn grow(&mut self) {
        self.slots = vec![0; 2 * self.slots.len()];
        for i in 0..self.entries.len() {
            let (context, place, _) = self.entries[i];
            let slot = self.slot(context, place.of(&self.text));
            self.slots[slot] = i as u32 + 1;
        }
    }

    /// All names, with their contexts.
    fn names(&self) -> impl Iterator<Item = (u16, &[u8])> {
        self.entries.iter().map(|(context, place, _)| (*context, place.of(&self.text)))
    }
}

struct Builder {
    /// The contexts' parts, a dot between them, as names are compared.
    contexts: Vec<Box<[u8]>>,
    transparent: Vec<u16>,
    entries: Draft,
    /// The contexts by their parts.
    known: Draft,
    /// Names as they are spelled.
    spelled: Draft,
    /// Whether what is added now is spelled so.
    spells: bool,
}

impl Builder {
    fn new() -> Builder {
        let reserved = vec![Box::default(); STICKY as usize + 1];
        Builder {
            contexts: reserved,
            transparent: Vec::new(),
            entries: Draft::of(4096),
            known: Draft::of(256),
            spelled: Draft::of(8192),
            spells: true,
        }
    }

    /// Adds `path`, which means `field`, and all ways to nest it.
    fn add(&mut self, path: &str, root: u16, field: u16) {
        for (from, name) in ways(path) {
            let context = if from == 0 { root } else { self.context(&path[..from - 1]) };
            self.entry(context, name).field.get_or_insert(field);
            self.spell(context, name.as_bytes());
        }
    }

    fn add_header(&mut self, header: &str, prefixes: &[&str], field: u16) {
        let mut title = header.to_owned().into_bytes();
        title.split_mut(|&byte| byte == b'-').for_each(|word| word[..1].make_ascii_uppercase());
        let mut joined = Vec::with_capacity(LONGEST_KEY);
        for prefix in prefixes {
            self.spells = false;
            self.add(&[*prefix, header].join("."), ANY, field);
            self.spells = true;
            let context = self.context(prefix);
            self.spell(context, header.as_bytes());
            self.spell(context, &title);
            if !prefix.contains('.') {
                joined.clear();
                joined.extend_from_slice(prefix.as_bytes());
                joined.push(b'_');
                let behind = joined.len();
                joined.extend(header.bytes().map(|byte| if byte == b'-' { b'_' } else { byte }));
                self.spell(ANY, &joined);
                joined.truncate(behind);
                joined.extend_from_slice(&title);
                self.spell(ANY, &joined);
            }
        }
    }

    fn add_transparent(&mut self, path: &str) {
        let context = self.context(path);
        self.transparent.push(context);
    }

    /// The context of this path, made if need be, with all ways to get there.
    fn context(&mut self, path: &str) -> u16 {
        let mut into = [0; LONGEST_KEY];
        let mut length = 0;
        for (i, part) in path.split('.').enumerate() {
            let mut normal = [0; LONGEST_NAME];
            let normal = normalise(part.as_bytes(), &mut normal).expect("no name of ours is that long");
            into[length] = b'.';
            length += usize::from(i > 0);
            into[length..length + normal.len()].copy_from_slice(normal);
            length += normal.len();
        }
        let normal = &into[..length];
        if let Some(Entry { inside: Some(at), .. }) = self.known.get(TOP, normal) {
            return at;
        }
        let context = self.contexts.len() as u16;
        self.known.entry(TOP, normal).inside = Some(context);
        self.contexts.push(normal.into());
        for (from, name) in ways(path) {
            let outer = if from == 0 { ANY } else { self.context(&path[..from - 1]) };
            self.entry(outer, name).inside.get_or_insert(context);
            self.spell(outer, name.as_bytes());
        }
        context
    }

    fn entry(&mut self, context: u16, name: &str) -> &mut Entry {
        let mut normal = [0; LONGEST_NAME];
        let normal = normalise(name.as_bytes(), &mut normal).expect("no name of ours is that long");
        self.entries.entry(context, normal)
    }

    fn spell(&mut self, context: u16, name: &[u8]) {
        if self.spells {
            self.spelled.entry(context, name);
        }
    }

    fn build(self, fields: &[Field]) -> Names {
        let fails: Box<[u16]> = (0..self.contexts.len() as u16).map(|context| self.fail(context, fields)).collect();
        let found = |context: u16, name: &[u8]| {
            let (mut at, mut whole) = (context, Entry::default());
            loop {
                let entry = self.entries.get(at, name).unwrap_or_default();
                whole = Entry { field: whole.field.or(entry.field), inside: whole.inside.or(entry.inside) };
                if fails[at as usize] == at {
                    break;
                }
                at = fails[at as usize];
            }
            let field = whole.field.unwrap_or(UNKNOWN);
            let closed = fields[field as usize].kind == Kind::Secret;
            let inside = whole.inside.unwrap_or(if closed { STICKY } else { ANY });
            Found { field, inside, key: KNOWN_KEY, withheld: false }
        };
        let normal: Vec<_> =
            self.entries.names().map(|(context, name)| (context, name, found(context, name))).collect();
        let normal = Table::new(&normal);
        let cookie = fields.iter().position(|field| &*field.name == "http.request.cookie");
        let cookie = cookie.expect("the table has a row for single cookies") as u16;
        let rests = fields.iter().enumerate().map(|(field, Field { kind, .. })| match kind {
            Kind::Secret => field as u16,
            Kind::Cookie => cookie,
            _ => UNKNOWN,
        });
        let place = |name: &str| fields.iter().position(|field| *field.name == *name).expect("a row of fields") as u16;
        let hosts = (place(names::SERVED_HOST), place(names::VISITORS_HOST));
        let headers = self.contexts.iter().map(|path| path.ends_with(b"headers") || path.ends_with(b"header"));
        let headers = headers.collect();
        let mut names = Names { exact: Table::new(&[]), normal, fails, rests: rests.collect(), headers, hosts };
        // What means the same everywhere means it at the top, unless it was spelled there too.
        let everywhere =
            self.spelled.names().filter(|(context, name)| *context == ANY && self.spelled.get(TOP, name).is_none());
        let spelled = self.spelled.names().chain(everywhere.map(|(_, name)| (TOP, name)));
        let exact = spelled.filter_map(|(context, name)| {
            let found = names.resolve_plainly(context, name, false);
            (found.key == KNOWN_KEY).then_some((context, name, found))
        });
        let exact: Vec<_> = exact.collect();
        names.exact = Table::new(&exact);
        names
    }

    /// Where to look next: within a secret nowhere, else in the longest context that ends alike.
    fn fail(&self, context: u16, fields: &[Field]) -> u16 {
        match context {
            TOP => return ANY,
            ANY | STICKY => return context,
            _ if self.transparent.contains(&context) => return TOP,
            _ => {}
        }
        let path = &self.contexts[context as usize];
        let mut normal = [0; LONGEST_NAME];
        let field = normalise(path, &mut normal).and_then(|whole| self.entries.get(ANY, whole)?.field);
        if field.is_some_and(|field| fields[field as usize].kind == Kind::Secret) {
            return STICKY;
        }
        let dots = path.iter().enumerate().filter(|(_, byte)| **byte == b'.');
        let shorter = dots.map(|(dot, _)| &path[dot + 1..]).find_map(|rest| self.known.get(TOP, rest)?.inside);
        shorter.unwrap_or(ANY)
    }
}

/// The ends of a path that begin with one of its parts, and where they do.
fn ways(path: &str) -> impl Iterator<Item = (usize, &str)> {
    let starts = path.bytes().enumerate().filter(|(_, byte)| *byte == b'.').map(|(dot, _)| dot + 1);
    std::iter::once(0).chain(starts).map(|start| (start, &path[start..]))
}
