//! ArcSight's common event format: `CEF:0|vendor|product|version|signature|name|severity|key=value key=value`.
//!
//! <https://www.microfocus.com/documentation/arcsight/arcsight-smartconnectors/pdfdoc/common-event-format-v25/common-event-format-v25.pdf>
//!
//! | on the line | field |
//! |---|---|
//! | vendor, product, version | `service.name` twice, `service.version` |
//! | signature, name, severity | `event.name` twice, `log.level` |
//! | an extension's key | the row of the table below; any other `*` |
//!
//! A value goes on up to the next key: blanks stand in it as they are, an equals sign is `\=`.

use super::{
    Ending, Malformed, Parse,
    json::{KNOWN_KEY_NAME, UNKNOWN_KEY_NAME},
    request,
};
use crate::record::{Field, Kind, Mark, Record, Schema, State, Syntax};

/// The format `cef`.
#[derive(Clone, Debug)]
pub struct Cef {
    schema: Schema,
    /// The fields of what stands between bars, and of [`KEYS`].
    fields: Box<[u16]>,
    /// For each first byte of a key those that begin with it, each with its row, in order.
    keys: Box<[Vec<Key>]>,
}

/// A key, and its row.
type Key = (&'static [u8], u16);

impl Cef {
    /// The format, with its table of keys.
    pub fn new() -> Cef {
        let own = [
            (KNOWN_KEY_NAME, Kind::Word),
            (UNKNOWN_KEY_NAME, Kind::Text),
            ("*", Kind::Text),
            ("url.path", Kind::Path),
            ("url.query", Kind::Query),
            ("url.original", Kind::Text),
        ];
        let mut fields: Vec<Field> = own.into_iter().map(|(name, kind)| Field::new(name, kind)).collect();
        let mut place = |(name, kind): (&str, Kind)| {
            let same = fields.iter().position(|field| *field.name == *name);
            same.unwrap_or_else(|| {
                fields.push(Field::new(name, kind));
                fields.len() - 1
            }) as u16
        };
        let places = HEADER.into_iter().chain(KEYS.iter().map(|row| (row.0, row.1))).map(&mut place).collect();
        let schema = Schema { name: "cef".into(), fields, syntax: Syntax::Cef, ..Schema::default() };
        let mut keys = vec![Vec::new(); 256];
        for (row, key) in (0..).zip(KEYS).flat_map(|(row, (_, _, keys))| keys.split(' ').map(move |key| (row, key))) {
            if let Some(first) = key.bytes().next() {
                keys[usize::from(first)].push((key.as_bytes(), row));
            }
        }
        Cef { schema, fields: places, keys: keys.into() }
    }

    /// The row of [`KEYS`] that has this key.
    #[inline]
    fn row(&self, key: &[u8]) -> Option<usize> {
        let (first, _) = key.split_first()?;
        let mut known = self.keys[usize::from(*first)].iter();
        known.find(|(known, _)| known.len() == key.len() && *known == key).map(|(_, row)| usize::from(*row))
    }
}

impl Default for Cef {
    fn default() -> Cef {
        Cef::new()
    }
}

impl Parse for Cef {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn parse(&self, line: &[u8], ending: Ending, record: &mut Record) -> Result<(), Malformed> {
        let malformed = |at: usize, expected| Malformed { at: at as u32, expected };
        if !line.starts_with(b"CEF:") {
            return Err(malformed(0, "`CEF:`"));
        }
        record.clear();
        let mut at = b"CEF:".len();
        for number in 0..=HEADER.len() {
            let end = unescaped(b'|', line, at).ok_or(malformed(at, "a bar"))?;
            record.marks.push(Mark::Bare(number as u16));
            match number {
                // The version of the format.
                0 if line[at..end].iter().all(u8::is_ascii_digit) => record.push(KNOWN_KEY, at, end),
                0 => return Err(malformed(at, "a version")),
                _ => record.push(self.fields[number - 1], at, end),
            }
            at = end + 1;
        }
        record.marks.push(Mark::Close);
        self.extension(line, at, record)?;
        if let Some(last) = record.values.last_mut().filter(|_| ending == Ending::Cut) {
            last.state = State::Cut;
        }
        Ok(())
    }
}

impl Cef {
    /// The pairs from `at` on.
    fn extension(&self, line: &[u8], mut at: usize, record: &mut Record) -> Result<(), Malformed> {
        let malformed = |at: usize, expected| Malformed { at: at as u32, expected };
        at += line[at..].iter().take_while(|&&byte| byte == b' ').count();
        while at < line.len() {
            if record.values.len() > MOST_VALUES {
                return Err(malformed(at, "fewer pairs"));
            }
            let equals = at + line[at..].iter().take_while(|&&byte| is_key(byte)).count();
            if equals == at || line.get(equals) != Some(&b'=') {
                return Err(malformed(at, "a key"));
            }
            let key = &line[at..equals];
            let row = self.row(key);
            record.marks.push(Mark::Key(record.values.len() as u16));
            record.push(if row.is_some() { KNOWN_KEY } else { UNKNOWN_KEY }, at, equals);
            let start = equals + 1;
            let (end, next) = value(line, start);
            let mark = record.values.len() as u16;
            let field = row.map_or(UNKNOWN, |row| self.fields[HEADER.len() + row]);
            // A request is a URL or a path.
            if row.is_some_and(|row| KEYS[row].0 == "url.full") && line.get(start) == Some(&b'/') {
                record.marks.push(Mark::Target(mark));
                request::push_target(record, TARGET, line, start, end);
            } else {
                record.marks.push(Mark::Text(mark));
                record.push(field, start, end);
            }
            at = next;
        }
        Ok(())
    }
}

/// Where the value ends that starts at `start`, and where the next key does: a blank, a key and an equals sign that no
/// backslash stands before.
fn value(line: &[u8], start: usize) -> (usize, usize) {
    let Some(equals) = unescaped(b'=', line, start) else { return (line.len(), line.len()) };
    let key = line[start..equals].iter().rev().take_while(|byte| is_key(**byte)).count();
    let next = equals - key;
    let blanks = line[start..next].iter().rev().take_while(|byte| **byte == b' ').count();
    if key > 0 && blanks > 0 {
        return (next - blanks, next);
    }
    // A bare equals sign in a value: some writers forget to escape it.
    let (end, next) = value_behind(line, equals + 1);
    (end, next)
}

/// The same behind an equals sign that is part of the value. A flood of them is looked at once each.
fn value_behind(line: &[u8], mut at: usize) -> (usize, usize) {
    let mut word = at;
    while at < line.len() {
        match line[at] {
            b'\\' => at += 1,
            b' ' => word = at + 1,
            b'=' if at > word && line[word..at].iter().all(|byte| is_key(*byte)) && line[word - 1] == b' ' => {
                let blanks = line[..word].iter().rev().take_while(|byte| **byte == b' ').count();
                return (word - blanks, word);
            }
            // No key holds one: the word cannot be one any more.
            b'=' => word = at + 1,
            _ => {}
        }
        at += 1;
    }
    (line.len(), line.len())
}

/// The first `byte` from `at` on that no backslash stands before.
fn unescaped(byte: u8, line: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let found = at + memchr::memchr2(byte, b'\\', line.get(at..)?)?;
        if line[found] == byte {
            return Some(found);
        }
        at = found + 2;
    }
}

fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'[' | b']')
}

const KNOWN_KEY: u16 = 0;
const UNKNOWN_KEY: u16 = 1;
const UNKNOWN: u16 = 2;
const TARGET: u16 = 3;
const MOST_VALUES: usize = u16::MAX as usize - 8;

/// What stands between bars, behind the version.
const HEADER: [(&str, Kind); 6] = [
    ("service.name", Kind::Text),
    ("service.name", Kind::Text),
    ("service.version", Kind::Text),
    ("event.name", Kind::Text),
    ("event.name", Kind::Text),
    ("log.level", Kind::Word),
];

/// The keys by field.
#[rustfmt::skip]
const KEYS: &[(&str, Kind, &str)] = &[
    ("client.address", Kind::Address, "src sourceTranslatedAddress shost c6a2 sourceAddress sourceHostName"),
    ("client.port", Kind::Number, "spt sourceTranslatedPort sourcePort"),
    ("network.local.address", Kind::Address, "dst destinationTranslatedAddress dvc c6a1 c6a3 destinationAddress deviceAddress agt deviceTranslatedAddress"),
    ("network.local.port", Kind::Number, "dpt destinationTranslatedPort destinationPort"),
    ("server.address", Kind::Host, "dhost destinationHostName destinationDnsDomain"),
    ("host.name", Kind::Host, "dvchost deviceHostName ahost"),
    ("user.name", Kind::User, "suser duser suid duid sourceUserName destinationUserName sntdom dntdom oldUser"),
    ("device.id", Kind::Identifier, "smac dmac dvcmac sourceMacAddress destinationMacAddress amac"),
    ("session.id", Kind::Identifier, "sessionId"),
    ("http.request.id", Kind::Identifier, "externalId"),
    ("http.request.method", Kind::Method, "requestMethod"),
    ("url.full", Kind::Referer, "request requestUrl"),
    ("http.request.header.referer", Kind::Referer, "requestContext"),
    ("user_agent.original", Kind::Agent, "requestClientApplication"),
    ("http.request.header.cookie", Kind::Cookie, "requestCookies"),
    ("network.transport", Kind::Word, "proto transportProtocol"),
    ("network.protocol.version", Kind::Protocol, "app applicationProtocol"),
    ("http.request.size", Kind::Number, "in bytesIn"),
    ("http.response.size", Kind::Number, "out bytesOut"),
    ("timestamp", Kind::Instant, "rt start end receiptTime startTime endTime deviceReceiptTime art"),
    ("event.name", Kind::Text, "act cat outcome deviceAction deviceEventCategory eventOutcome"),
    ("message", Kind::Text, "msg reason message"),
    ("file.path", Kind::Path, "filePath fname fileName"),
    ("process.name", Kind::Word, "sproc dproc deviceProcessName sourceProcessName"),
    ("process.pid", Kind::Number, "spid dpid dvcpid"),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(line: &str) -> Option<Vec<String>> {
        let format = Cef::new();
        let mut record = Record::default();
        format.parse(line.as_bytes(), Ending::Whole, &mut record).ok()?;
        let stand = record.values.iter().filter(|value| value.state == State::Present && value.field > UNKNOWN_KEY);
        let text = |value: &crate::record::Value| {
            let text = String::from_utf8_lossy(value.span.of(line.as_bytes())).into_owned();
            format!("{}={text}", format.schema().fields[value.field as usize].name)
        };
        Some(stand.map(text).collect())
    }

    #[test]
    fn a_value_goes_on_up_to_the_next_key() {
        let line = r"CEF:0|Example|WAF \| proxy|1.2|100|blocked request|7|src=192.0.2.17 spt=4711 suser=Kari Nordmann request=/a?b\=c msg=a \= b c own=x y ";
        assert_eq!(
            read(line).unwrap(),
            [
                "service.name=Example",
                r"service.name=WAF \| proxy",
                "service.version=1.2",
                "event.name=100",
                "event.name=blocked request",
                "log.level=7",
                "client.address=192.0.2.17",
                "client.port=4711",
                "user.name=Kari Nordmann",
                "url.path=/a",
                r"url.query=b\=c",
                r"message=a \= b c",
                "*=x y ",
            ]
        );
    }

    #[test]
    fn an_equals_sign_that_nobody_escaped_stays_in_its_value() {
        let values = read("CEF:0|a|b|c|d|e|5|request=https://www.example.com/?b=c&d=e src=192.0.2.17").unwrap();
        assert_eq!(values[6], "url.full=https://www.example.com/?b=c&d=e");
        assert_eq!(values[7], "client.address=192.0.2.17");
    }

    #[test]
    fn what_is_no_event_is_malformed() {
        for line in [
            "",
            "CEF:",
            "CEF:0|a|b|c|d|e|5",
            "CEF:x|a|b|c|d|e|5|",
            "LEEF:1|a",
            "CEF:0|a|b|c|d|e|5|free text",
            "CEF:0|a|b|c|d|e|5|=x",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
        assert!(read("CEF:0|a|b|c|d|e|5|").is_some());
        let flood = format!("CEF:0|a|b|c|d|e|5|a={}", "=".repeat(1 << 16));
        assert!(read(&flood).is_some());
        let flood = format!("CEF:0|a|b|c|d|e|5|a={}", "b=".repeat(1 << 14));
        assert!(read(&flood).is_some());
    }
}
