//! Key → field. Built once from `names`; looked up for each member of each line.
//!
//! A *context* is what the enclosing keys say: `request`, `http.request.headers`. A key is looked up in the context it
//! stands in, then in the shorter ones that end alike (`request.headers`, `headers`), then among the names that mean
//! the same everywhere. The first look takes the key as it is spelled, in one probe; only what that does not find is
//! compared without case and separators.

use super::{KNOWN_KEY, OWN, UNKNOWN, UNKNOWN_KEY, names};
use crate::record::{Escape, Field, Kind};
use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasherDefault, Hasher},
    sync::OnceLock,
};

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
        for _ in 0..MOST_PARTS {
            if let Some(found) = self.look(context, rest) {
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
    fn new(names: &[(u16, String, Found)]) -> Table {
        let empty = Slot { first: 0, last: 0, len: 0, context: 0, long: 0, field: 0, inside: 0 };
        let mut slots = vec![empty; (names.len() * 2).next_power_of_two()].into_boxed_slice();
        let mut long = Vec::new();
        for (context, name, found) in names {
            let (first, last) = words(name.as_bytes());
            let mut at = home(*context, first, last, name.len(), slots.len());
            while slots[at].len != 0 {
                at = (at + 1) & (slots.len() - 1);
            }
            let (field, inside, len) = (found.field, found.inside, name.len() as u16);
            slots[at] = Slot { first, last, len, context: *context, long: long.len() as u32, field, inside };
            if name.len() > 16 {
                long.extend_from_slice(name.as_bytes());
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

struct Builder {
    contexts: Vec<Vec<String>>,
    transparent: Vec<u16>,
    entries: HashMap<(u16, String), Entry, Fold>,
    /// The contexts by their parts, end to end.
    known: HashMap<String, u16, Fold>,
    spelled: Vec<(u16, String)>,
}

impl Builder {
    fn new() -> Builder {
        let reserved = vec![vec![]; STICKY as usize + 1];
        Builder {
            contexts: reserved,
            transparent: Vec::new(),
            entries: HashMap::default(),
            known: HashMap::default(),
            spelled: Vec::new(),
        }
    }

    /// Adds `path`, which means `field`, and all ways to nest it.
    fn add(&mut self, path: &str, root: u16, field: u16) {
        let parts: Vec<&str> = path.split('.').collect();
        for from in 0..parts.len() {
            let context = if from == 0 { root } else { self.context(&parts[..from]) };
            let name = parts[from..].join(".");
            self.entry(context, &name).field.get_or_insert(field);
            self.spelled.push((context, name));
        }
    }

    fn add_header(&mut self, header: &str, prefixes: &[&str], field: u16) {
        let title: Vec<String> = header.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect();
        let title = title.join("-");
        for prefix in prefixes {
            let spelled = self.spelled.len();
            self.add(&format!("{prefix}.{header}"), ANY, field);
            self.spelled.truncate(spelled);
            let parts: Vec<&str> = prefix.split('.').collect();
            let context = self.context(&parts);
            self.spelled.push((context, header.to_owned()));
            self.spelled.push((context, title.clone()));
            if parts.len() == 1 {
                self.spelled.push((ANY, format!("{prefix}_{}", header.replace('-', "_"))));
                self.spelled.push((ANY, format!("{prefix}_{title}")));
            }
        }
    }

    fn add_transparent(&mut self, path: &str) {
        let parts: Vec<&str> = path.split('.').collect();
        let context = self.context(&parts);
        self.transparent.push(context);
    }

    /// The context of these parts, made if need be, with all ways to get there.
    fn context(&mut self, parts: &[&str]) -> u16 {
        let normal: Vec<String> = parts.iter().map(|part| normal(part)).collect();
        let path = normal.join(".");
        if let Some(&at) = self.known.get(&path) {
            return at;
        }
        let context = self.contexts.len() as u16;
        self.known.insert(path, context);
        self.contexts.push(normal);
        for from in 0..parts.len() {
            let outer = if from == 0 { ANY } else { self.context(&parts[..from]) };
            let name = parts[from..].join(".");
            self.entry(outer, &name).inside.get_or_insert(context);
            self.spelled.push((outer, name));
        }
        context
    }

    fn entry(&mut self, context: u16, name: &str) -> &mut Entry {
        self.entries.entry((context, normal(name))).or_default()
    }

    fn build(mut self, fields: &[Field]) -> Names {
        let fails: Box<[u16]> = (0..self.contexts.len() as u16).map(|context| self.fail(context, fields)).collect();
        let found = |context: u16, name: &str| {
            let (mut at, mut whole) = (context, Entry::default());
            loop {
                let entry = self.entries.get(&(at, name.to_owned())).copied().unwrap_or_default();
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
            self.entries.keys().map(|(context, name)| (*context, name.clone(), found(*context, name))).collect();
        let normal = Table::new(&normal);
        let cookie = fields.iter().position(|field| &*field.name == "http.request.cookie");
        let cookie = cookie.expect("the table has a row for single cookies") as u16;
        let rests = fields.iter().enumerate().map(|(field, Field { kind, .. })| match kind {
            Kind::Secret => field as u16,
            Kind::Cookie => cookie,
            _ => UNKNOWN,
        });
        let mut names = Names { exact: Table::new(&[]), normal, fails, rests: rests.collect() };
        let everywhere: Vec<_> = self.spelled.iter().filter(|s| s.0 == ANY).map(|s| (TOP, s.1.clone())).collect();
        self.spelled.extend(everywhere);
        let spelled: HashSet<(u16, String), Fold> = self.spelled.into_iter().collect();
        let exact = spelled.into_iter().map(|(context, name)| {
            let found = names.resolve_plainly(context, name.as_bytes(), false);
            (context, name, found)
        });
        let exact: Vec<_> = exact.filter(|(_, _, found)| found.key == KNOWN_KEY).collect();
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
        let parts = &self.contexts[context as usize];
        let field = self.entries.get(&(ANY, parts.concat())).and_then(|entry| entry.field);
        if field.is_some_and(|field| fields[field as usize].kind == Kind::Secret) {
            return STICKY;
        }
        let shorter = (1..parts.len()).find_map(|from| self.contexts.iter().position(|c| *c == parts[from..]));
        shorter.map_or(ANY, |at| at as u16)
    }
}

fn normal(name: &str) -> String {
    let mut into = [0; LONGEST_NAME];
    let normal = normalise(name.as_bytes(), &mut into).expect("no name of ours is that long");
    String::from_utf8_lossy(normal).into_owned()
}

/// The names are ours: their hash needs no secret.
type Fold = BuildHasherDefault<Fnv>;

/// FNV-1a, eight bytes at a time.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn add(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 ^= self.0 >> 32;
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.add(u64::from_le_bytes(*word)));
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.add(u64::from_le_bytes(last));
    }

    fn write_u8(&mut self, byte: u8) {
        self.add(u64::from(byte));
    }

    fn write_u16(&mut self, number: u16) {
        self.add(u64::from(number));
    }

    fn finish(&self) -> u64 {
        // The map takes its tag from the uppermost bits and the place from the lowest.
        self.0.wrapping_mul(0xd6e8_feb8_6659_fd93).rotate_left(26)
    }
}
