//! nginx's error log: `2026/11/21 10:00:00 [error] 123#123: *45 text, client: A, server: S, request: "…", host: "…"`.
//!
//! | field | what it is |
//! |---|---|
//! | `timestamp`, `log.level`, `process.pid`, `thread.id`, `connection.serial` | what stands in front |
//! | `message` | free text: files, errors, what a script said |
//! | `client.address` | `client`, an address or `unix:` |
//! | `server.name` | `server`: the name in the configuration |
//! | `http.request.method`, `url.path`, `url.query`, `network.protocol.version` | `request`; what is none is `http.request.line` |
//! | `nginx.subrequest`, `upstream.url` | `subrequest`, `upstream` |
//! | `server.address` | `host`, as the visitor's browser sent it |
//! | `http.request.header.referer` | `referrer` |
//! | `event.details` | what stands behind all of them: bytes of a stream |
//!
//! nginx escapes nothing here: a file name, a request, a host and a referrer may hold quotes, and `, client: ` with whatever
//! follows. Where that stands more than once with an address behind it, nobody can say which is the true one: the first and the
//! last address are both treated as the client's, and what would stand behind is withheld. Where the request, the host or the
//! referrer can end at several places, all from the request on is withheld.

use super::{
    Ending, Malformed, Parse,
    message::{find, stamp},
    request,
};
use crate::record::{Blank, Field, Item, Kind, Layout, Record, Schema, State};
use std::sync::Arc;

/// nginx's error log, ready to parse.
#[derive(Clone, Debug)]
pub struct NginxError {
    schema: Schema,
}

const TIME: u16 = 0;
const LEVEL: u16 = 1;
const PID: u16 = 2;
const THREAD: u16 = 3;
const CONNECTION: u16 = 4;
const MESSAGE: u16 = 5;
const CLIENT: u16 = 6;
const SERVER: u16 = 7;
const REQUEST: u16 = 8;
const SUBREQUEST: u16 = 13;
const UPSTREAM: u16 = 14;
const HOST: u16 = 15;
const REFERRER: u16 = 16;
const DETAILS: u16 = 17;

/// What a visitor can write, in the order in which nginx writes it, each in quotes.
const QUOTED: [(&str, u16); 5] = [
    (", request: \"", REQUEST),
    (", subrequest: \"", SUBREQUEST),
    (", upstream: \"", UPSTREAM),
    (", host: \"", HOST),
    (", referrer: \"", REFERRER),
];

/// How many layouts end with a quote: one for each that may be the first of [`QUOTED`]. Layout 0 has none of them; as many
/// follow in which a stream's bytes stand behind the quote.
const CLOSED: u16 = QUOTED.len() as u16;

/// The layout of a line on which the client stands more than once.
const FORGED: u16 = 2 * CLOSED + 1;

impl NginxError {
    /// Named `nginx_error`.
    pub fn new() -> NginxError {
        let fields = [
            ("timestamp", Kind::Instant),
            ("log.level", Kind::Word),
            ("process.pid", Kind::Number),
            ("thread.id", Kind::Number),
            ("connection.serial", Kind::Number),
            ("message", Kind::Text),
            ("client.address", Kind::Address),
            ("server.name", Kind::Host),
            ("http.request.method", Kind::Method),
            ("url.path", Kind::Path),
            ("url.query", Kind::Query),
            ("network.protocol.version", Kind::Protocol),
            ("http.request.line", Kind::Text),
            ("nginx.subrequest", Kind::Path),
            ("upstream.url", Kind::Referer),
            ("server.address", Kind::Host),
            ("http.request.header.referer", Kind::Referer),
            ("event.details", Kind::Text),
        ];
        let fields = fields.map(|(name, kind)| Field::new(name, kind)).into();
        let item = |literal: &str, field| Item { literal: literal.as_bytes().into(), field, blank: Blank::Dash };
        let head = [
            item("", TIME),
            item(" [", LEVEL),
            item("] ", PID),
            item("#", THREAD),
            item(": *", CONNECTION),
            // Without a connection the text begins behind the colon.
            item(" ", MESSAGE),
            item(": ", MESSAGE),
            item(", client: ", CLIENT),
            item(", server: ", SERVER),
        ];
        let quoted = |first: usize| -> Vec<Item> {
            let mut items = head.to_vec();
            for (i, &(literal, field)) in QUOTED.iter().enumerate().skip(first) {
                let literal = if i == first { literal.to_owned() } else { format!("\"{literal}") };
                if field == REQUEST {
                    for (part, literal) in [literal.as_str(), " ", "?", " ", literal.as_str()].into_iter().enumerate() {
                        let blank = if part == 2 { Blank::Gone } else { Blank::Dash };
                        items.push(Item { blank, ..item(literal, REQUEST + part as u16) });
                    }
                } else {
                    items.push(item(&literal, field));
                }
            }
            items
        };
        let mut more: Vec<Layout> =
            (0..QUOTED.len()).map(|first| Layout { items: quoted(first), tail: (*b"\"").into() }).collect();
        more.extend((0..QUOTED.len()).map(|first| {
            let mut items = quoted(first);
            items.push(item("\", ", DETAILS));
            Layout { items, tail: Arc::default() }
        }));
        let mut forged = head[..8].to_vec();
        forged.extend([item(", client: ", CLIENT), item(", request: \"", REQUEST + 4)]);
        more.push(Layout { items: forged, tail: (*b"\"").into() });
        let mut items = head.to_vec();
        items.push(item(", ", DETAILS));
        NginxError { schema: Schema { name: "nginx_error".into(), fields, items, more, ..Schema::default() } }
    }
}

impl Default for NginxError {
    fn default() -> NginxError {
        NginxError::new()
    }
}

impl Parse for NginxError {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn parse(&self, line: &[u8], ending: Ending, record: &mut Record) -> Result<(), Malformed> {
        record.clear();
        let text = head(line, record)?;
        tail(line, text, record);
        if ending == Ending::Cut {
            // Half a line may hold half of anything behind its head.
            for value in record.values.iter_mut().filter(|value| value.field >= MESSAGE) {
                if value.state == State::Present
                    && (value.field == MESSAGE || value.span.end as usize + 1 >= line.len())
                {
                    value.state = State::Cut;
                }
            }
        }
        Ok(())
    }
}

/// Adds what stands in front of the text, the item of the message that does not hold included; says where the text begins.
fn head(line: &[u8], record: &mut Record) -> Result<usize, Malformed> {
    let malformed = |at: usize, expected: &'static str| Malformed { at: at as u32, expected };
    let is_time = line.get(4) == Some(&b'/') && line.get(10) == Some(&b' ');
    let time = is_time.then(|| stamp(line, 0)).flatten().ok_or(malformed(0, "time"))?;
    record.push(TIME, 0, time);
    let rest = line[time..].strip_prefix(b" [").ok_or(malformed(time, "level"))?;
    let at = time + 2;
    let level = rest.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
    record.push(LEVEL, at, at + level);
    let at = at + level;
    let mut expect = at;
    for (literal, field) in [(b"] ".as_slice(), PID), (b"#", THREAD)] {
        if !line[expect..].starts_with(literal) {
            return Err(malformed(expect, "number"));
        }
        let start = expect + literal.len();
        let end = start + line[start..].iter().take(20).take_while(|byte| byte.is_ascii_digit()).count();
        if end == start {
            return Err(malformed(start, "number"));
        }
        record.push(field, start, end);
        expect = end;
    }
    if !line[expect..].starts_with(b": ") {
        return Err(malformed(expect, "text"));
    }
    if line[expect + 2..].starts_with(b"*") {
        let start = expect + 3;
        let end = start + line[start..].iter().take(20).take_while(|byte| byte.is_ascii_digit()).count();
        if end > start && line.get(end) == Some(&b' ') {
            record.push(CONNECTION, start, end);
            return Ok(end + 1);
        }
    }
    record.push_absent(CONNECTION);
    record.push_absent(MESSAGE);
    Ok(expect + 2)
}

/// Adds the text from `text` on and what stands behind it.
fn tail(line: &[u8], text: usize, record: &mut Record) {
    let connected = record.values.len() == usize::from(CONNECTION) + 1;
    let push_message = |record: &mut Record, end: usize| {
        record.push(MESSAGE, text, end);
        if connected {
            record.push_absent(MESSAGE);
        }
    };
    let Some((comma, client)) = next_client(line, text) else {
        push_message(record, line.len());
        for field in [CLIENT, SERVER, DETAILS] {
            record.push_absent(field);
        }
        return;
    };
    push_message(record, comma);
    record.push(CLIENT, client.0, client.1);
    let mut last = None;
    let mut from = client.1;
    while let Some((_, other)) = next_client(line, from) {
        last = Some(other);
        from = other.1;
    }
    if let Some(last) = last {
        record.layout = FORGED;
        record.push(CLIENT, last.0, last.1);
        record.push(REQUEST + 4, last.1, last.1);
        record.values.last_mut().expect("a value was just added").state = State::Ambiguous;
        return;
    }
    behind_client(line, client.1, record);
}

/// The next `, client: ` with an address behind it that ends the line or has a comma behind it: where it stands, and the address.
fn next_client(line: &[u8], from: usize) -> Option<(usize, (usize, usize))> {
    let mut from = from;
    loop {
        let comma = find(line, from, b", client: ")?;
        let start = comma + 10;
        let is_address = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.' | b'%' | b'[' | b']');
        let rest = &line[start..];
        let length = if rest.starts_with(b"unix:") {
            5
        } else if rest.starts_with(b"-") {
            // Withheld by an earlier run.
            1
        } else {
            rest.iter().take(64).take_while(|byte| is_address(byte)).count()
        };
        let end = start + length;
        if length > 0 && (end == line.len() || line[end..].starts_with(b", ")) {
            return Some((comma, (start, end)));
        }
        from = start;
    }
}

/// Adds what stands behind the client's address.
fn behind_client(line: &[u8], at: usize, record: &mut Record) {
    let mut at = at;
    let quoted = QUOTED.iter().filter_map(|(literal, _)| find(line, at, literal.as_bytes())).min();
    if line[at..].starts_with(b", server: ") {
        let start = at + 10;
        // The configuration's own word: it ends where the next one begins.
        let end = match quoted {
            Some(quoted) if quoted >= start => quoted,
            _ => find(line, start, b", ").unwrap_or(line.len()),
        };
        record.push(SERVER, start, end);
        // No name of a server holds these: the line was broken there.
        if line[start..end].iter().any(|byte| matches!(byte, b' ' | b'"' | b'?' | b'/')) {
            record.values.last_mut().expect("a value was just added").state = State::Ambiguous;
        }
        at = end;
    } else {
        record.push_absent(SERVER);
    }
    let first = QUOTED.iter().position(|(literal, _)| line[at..].starts_with(literal.as_bytes()));
    let Some(first) = first else {
        match line[at..] {
            [b',', b' ', ..] => record.push(DETAILS, at + 2, line.len()),
            [] => record.push_absent(DETAILS),
            // Cannot be: the server's name goes up to here.
            [..] => {
                record.push_absent(DETAILS);
                record.values.last_mut().expect("a value was just added").state = State::Ambiguous;
            }
        }
        return;
    };
    record.layout = first as u16 + 1;
    let base = record.values.len();
    if fields(line, at, first, record).is_none() {
        // It ends at several places, or nowhere.
        record.values.truncate(base);
        for (_, field) in &QUOTED[first..] {
            for part in 0..if *field == REQUEST { 5 } else { 1 } {
                record.push_absent(field + part);
            }
        }
        let whole = if first == 0 { base + 4 } else { base };
        record.values[whole].state = State::Ambiguous;
    }
}

/// Adds the quoted values from [`QUOTED`]`[first]` on, which stands at `at`; `None` where they can be read two ways.
fn fields(line: &[u8], at: usize, first: usize, record: &mut Record) -> Option<()> {
    let begin = at + QUOTED[first].0.len();
    let mut start = begin;
    let mut open = first;
    for next in first + 1..=QUOTED.len() {
        // Where the open one ends: at the next that stands there, behind a quote. Each stands once at most, and in order.
        let mut place = None;
        if let Some((literal, _)) = QUOTED.get(next) {
            place = behind_quote(line, begin, literal.as_bytes());
            let again = place.and_then(|place| behind_quote(line, place + 2, literal.as_bytes()));
            if again.is_some() || place.is_some_and(|place| place < start) {
                return None;
            }
        }
        match (place, QUOTED.get(next)) {
            (Some(quote), Some((literal, _))) => {
                push(line, QUOTED[open].1, start, quote, record);
                (open + 1..next).for_each(|skipped| record.push_absent(QUOTED[skipped].1));
                start = quote + 1 + literal.len();
                open = next;
            }
            (None, Some(_)) => {}
            (_, None) => {
                // The last one ends at the line's last quote, or where a stream's bytes follow.
                let (end, details) = match find(line, start, b"\", bytes from/to ") {
                    Some(quote) => (quote, Some(quote + 3)),
                    None => (line.len().checked_sub(1).filter(|&end| end >= start && line[end] == b'"')?, None),
                };
                push(line, QUOTED[open].1, start, end, record);
                (open + 1..next).for_each(|skipped| record.push_absent(QUOTED[skipped].1));
                if let Some(from) = details {
                    record.push(DETAILS, from, line.len());
                    record.layout += CLOSED;
                }
            }
        }
    }
    Some(())
}

/// Where a quote stands with `literal` behind it.
fn behind_quote(line: &[u8], from: usize, literal: &[u8]) -> Option<usize> {
    let mut from = from;
    loop {
        let at = find(line, from, literal)?;
        if at > 0 && line[at - 1] == b'"' && at > from {
            return Some(at - 1);
        }
        from = at + 1;
    }
}

fn push(line: &[u8], field: u16, start: usize, end: usize, record: &mut Record) {
    if field == REQUEST {
        request::push(record, REQUEST, line, start, end);
    } else {
        record.push(field, start, end);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(line: &str) -> Option<Vec<String>> {
        let format = NginxError::new();
        let mut record = Record::default();
        format.parse(line.as_bytes(), Ending::Whole, &mut record).ok()?;
        let (items, tail) = format.schema.layout(record.layout);
        assert_eq!(items.len(), record.values.len(), "{line}");
        let mut whole = String::new();
        for (item, value) in items.iter().zip(&record.values) {
            assert_eq!(item.field, value.field, "{line}");
            if value.state != State::Absent {
                whole += std::str::from_utf8(&item.literal).unwrap();
                whole += std::str::from_utf8(value.span.of(line.as_bytes())).unwrap();
            }
        }
        whole += std::str::from_utf8(tail).unwrap();
        if record.values.iter().all(|value| value.state != State::Ambiguous) {
            assert_eq!(whole, line);
        }
        let values = record.values.iter().filter(|value| value.state != State::Absent);
        let shown = values.map(|value| {
            let name = &format.schema.fields[value.field as usize].name;
            match value.state {
                State::Present => format!("{name}={}", std::str::from_utf8(value.span.of(line.as_bytes())).unwrap()),
                _ => format!("{name}~"),
            }
        });
        Some(shown.collect())
    }

    const LINE: &str = r#"2026/11/21 10:00:00 [error] 31#32: *46 open() "/var/www/x" failed (2: No such file or directory), client: 203.0.113.7, server: www.example.com, request: "GET /x?a=b HTTP/1.1", upstream: "http://192.0.2.9:80/x", host: "www.example.com", referrer: "https://example.org/""#;

    #[test]
    fn a_line_has_its_fields() {
        assert_eq!(
            read(LINE).unwrap(),
            [
                "timestamp=2026/11/21 10:00:00",
                "log.level=error",
                "process.pid=31",
                "thread.id=32",
                "connection.serial=46",
                "message=open() \"/var/www/x\" failed (2: No such file or directory)",
                "client.address=203.0.113.7",
                "server.name=www.example.com",
                "http.request.method=GET",
                "url.path=/x",
                "url.query=a=b",
                "network.protocol.version=HTTP/1.1",
                "upstream.url=http://192.0.2.9:80/x",
                "server.address=www.example.com",
                "http.request.header.referer=https://example.org/",
            ]
        );
    }

    #[test]
    fn all_but_the_head_may_be_missing() {
        for (line, behind) in [
            ("2026/11/21 10:00:00 [notice] 1#1: signal process started", vec!["message=signal process started"]),
            ("2026/11/21 10:00:00 [notice] 1#1: ", vec!["message="]),
            (
                "2026/11/21 10:00:00 [info] 1#1: *7 client closed connection, client: 2001:db8::1",
                vec!["connection.serial=7", "message=client closed connection", "client.address=2001:db8::1"],
            ),
            (
                "2026/11/21 10:00:00 [error] 1#1: *7 x, client: unix:, server: , request: \"GET / HTTP/1.0\"",
                vec![
                    "connection.serial=7",
                    "message=x",
                    "client.address=unix:",
                    "server.name=",
                    "http.request.method=GET",
                    "url.path=/",
                    "network.protocol.version=HTTP/1.0",
                ],
            ),
            (
                "2026/11/21 10:00:00 [info] 1#1: *7 x, client: 192.0.2.1, server: 0.0.0.0:443, upstream: \"192.0.2.9:80\", bytes from/to client:0/0, bytes from/to upstream:0/0",
                vec![
                    "connection.serial=7",
                    "message=x",
                    "client.address=192.0.2.1",
                    "server.name=0.0.0.0:443",
                    "upstream.url=192.0.2.9:80",
                    "event.details=bytes from/to client:0/0, bytes from/to upstream:0/0",
                ],
            ),
            (
                "2026/11/21 10:00:00 [info] 1#1: *7 x, client: 192.0.2.1, server: a, host: \"b\"",
                vec![
                    "connection.serial=7",
                    "message=x",
                    "client.address=192.0.2.1",
                    "server.name=a",
                    "server.address=b",
                ],
            ),
            (
                "2026/11/21 10:00:00 [info] 1#1: *7 x, client: 192.0.2.1, login: \"b\"",
                vec!["connection.serial=7", "message=x", "client.address=192.0.2.1", "event.details=login: \"b\""],
            ),
        ] {
            assert_eq!(read(line).unwrap()[4..], behind, "{line}");
        }
    }

    #[test]
    fn a_second_client_saves_neither() {
        let forged = ", client: 192.0.2.66, server: _";
        for (place, message) in [("/var/www/x", "open() \"/var/www/x"), ("/x?a", "open() \"/var/www/x\" failed")] {
            let values = read(&LINE.replacen(place, &format!("{place}{forged}"), 1)).unwrap();
            assert!(values[5].contains(message), "{values:?}");
            let mut clients = [&*values[6], &*values[7]];
            clients.sort();
            assert_eq!(clients, ["client.address=192.0.2.66", "client.address=203.0.113.7"]);
            assert_eq!(values[8..], ["http.request.line~"]);
        }
        // Without an address behind it the word says nothing.
        assert_eq!(read(&LINE.replace("/x?a", "/x, client: y?a")).unwrap()[6], "client.address=203.0.113.7");
    }

    #[test]
    fn a_quote_that_feigns_an_end_withholds_the_request() {
        for line in [
            LINE.replace("/x?a", "/x\", host: \"y"),
            LINE.replace("example.org/", "example.org/\", referrer: \"y"),
            LINE.replace("example.org/", "example.org/\", host: \"y"),
            LINE.replace("/x?a", "/x\", referrer: \"y"),
            format!("{LINE}x"),
        ] {
            let values = read(&line).unwrap();
            assert_eq!(
                values[6..],
                ["client.address=203.0.113.7", "server.name=www.example.com", "http.request.line~"]
            );
        }
    }

    #[test]
    fn other_lines_are_none_of_its() {
        for line in [
            "",
            "2026/11/21",
            "2026-11-21 10:00:00 [error] 1#1: x",
            "2026/11/21 10:00:00 [error] x#1: x",
            "stack trace:",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
