//! Apache's error log, of 2.2 and of 2.4.
//!
//! `[Sat Nov 21 10:00:00 2026] [error] [client A] text, referer: X` and
//! `[Sat Nov 21 10:00:00.123456 2026] [core:error] [pid 12:tid 34] (2)No such file: [client A:port] AH00128: text, referer: X`.
//!
//! | field | what it is |
//! |---|---|
//! | `timestamp` | local time |
//! | `log.logger`, `log.level` | module and level |
//! | `process.pid`, `thread.id` | who wrote |
//! | `error.message` | the place in the source, and the operating system's word for what went wrong |
//! | `client.address`, `client.port` | `client`; `network.peer.address`, `network.peer.port`: `remote` |
//! | `user.name` | of the known messages on who may enter |
//! | `message` | free text |
//! | `http.request.header.referer` | what stands behind `, referer: ` |
//!
//! The true client stands right behind the head or behind the number and the word of an error; any other is text. The referer
//! begins at the first `, referer: `: what is behind it leaves as an origin or not at all.

use super::{
    Ending, Malformed, Parse,
    message::{Body, find, stamp},
};
use crate::record::{Blank, Field, Item, Kind, Record, Schema, State};

/// Apache's error log, ready to parse.
#[derive(Clone, Debug)]
pub struct ApacheError {
    schema: Schema,
    body: Body,
}

const FIELDS: [(&str, Kind); 11] = [
    ("timestamp", Kind::Instant),
    ("log.logger", Kind::Text),
    ("log.level", Kind::Word),
    ("process.pid", Kind::Number),
    ("thread.id", Kind::Number),
    ("error.message", Kind::Text),
    ("client.address", Kind::Address),
    ("client.port", Kind::Number),
    ("network.peer.address", Kind::Address),
    ("network.peer.port", Kind::Number),
    ("http.request.header.referer", Kind::Referer),
];
const REFERER: u16 = 10;

/// What stands in front of the text, with the field that follows. A field that stands twice follows different things.
const HEAD: [(&str, u16); 13] = [
    ("[", 0),
    ("] [", 1),
    (":", 2),
    ("] [", 2),
    ("] [pid ", 3),
    (":tid ", 4),
    ("] ", 5),
    ("] [client ", 6),
    (": [client ", 6),
    (":", 7),
    ("] [remote ", 8),
    (": [remote ", 8),
    (":", 9),
];

/// Messages of the modules that ask who may enter, and any other.
const SHAPES: &[&str] = &[
    "{log.code}: user {user.name} not found: {message}",
    "{log.code}: user {user.name}: authentication failure for \"{message}",
    "{log.code}: user {user.name}: authorization failure for \"{message}",
    "{log.code}: user `{user.name}' {message}",
    "{log.code}: authorization failure (no authenticated user): {message}",
    "user {user.name} not found: {message}",
    "user {user.name}: authentication failure for \"{message}",
    "user {user.name} not in right group: {message}",
    // Whatever else stands behind the word, or does so because a name held `, referer: `.
    "{log.code}: user {user.name}",
    "user {user.name}",
    "{message}",
];

/// What stands behind a user in [`SHAPES`].
const ENDS: [&[u8]; 4] =
    [b" not found: ", b": authentication failure for \"", b": authorization failure for \"", b" not in right group: "];

impl ApacheError {
    /// Named `apache_error`.
    pub fn new() -> ApacheError {
        let mut fields: Vec<Field> = FIELDS.iter().map(|(name, kind)| Field::new(name, *kind)).collect();
        let item = |&(literal, field): &(&str, u16)| {
            let port = literal == ":" && matches!(field, 7 | 9);
            Item { literal: literal.as_bytes().into(), field, blank: if port { Blank::Gone } else { Blank::Dash } }
        };
        let head: Vec<Item> = HEAD.iter().map(item).collect();
        let (body, mut layouts) = Body::compile(SHAPES, &[], None, &[], &mut fields, &head, b"] ");
        for layout in &mut layouts {
            layout.items.push(Item { literal: (*b", referer: ").into(), field: REFERER, blank: Blank::Dash });
        }
        let mut layouts = layouts.into_iter();
        let first = layouts.next().expect("there are shapes");
        let schema = Schema {
            name: "apache_error".into(),
            fields,
            items: first.items,
            tail: first.tail,
            more: layouts.collect(),
            ..Schema::default()
        };
        ApacheError { schema, body }
    }
}

impl Default for ApacheError {
    fn default() -> ApacheError {
        ApacheError::new()
    }
}

impl Parse for ApacheError {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn parse(&self, line: &[u8], ending: Ending, record: &mut Record) -> Result<(), Malformed> {
        record.clear();
        let text = head(line, record)?;
        let referer = find(line, text, b", referer: ");
        let to = referer.unwrap_or(line.len());
        let whole = if referer.is_some() { Ending::Whole } else { ending };
        let base = record.values.len();
        if !self.body.read(&line[..to], text, whole, 0, record) {
            return Err(Malformed { at: text as u32, expected: "text" });
        }
        // A name may hold the end of another message, or of its own: nobody knows where it ends.
        if ENDS.iter().map(|end| count(&line[text..], end)).sum::<usize>() > 1 {
            for value in record.values[base..].iter_mut() {
                value.state = State::Ambiguous;
            }
            record.push_absent(REFERER);
            return Ok(());
        }
        match referer {
            Some(at) => {
                record.push(REFERER, at + 11, line.len());
                if ending == Ending::Cut {
                    record.values.last_mut().expect("a value was just added").state = State::Cut;
                }
            }
            None => record.push_absent(REFERER),
        }
        Ok(())
    }
}

/// Adds one value an item of [`HEAD`]; says where the text begins.
fn head(line: &[u8], record: &mut Record) -> Result<usize, Malformed> {
    let malformed = |at: usize, expected: &'static str| Malformed { at: at as u32, expected };
    let is_time = line.first() == Some(&b'[') && line.get(1).is_some_and(u8::is_ascii_alphabetic);
    let time = is_time.then(|| stamp(line, 1)).flatten().ok_or(malformed(1, "time"))?;
    record.push(0, 1, time);
    let start = time + 3;
    if !line[time..].starts_with(b"] [") {
        return Err(malformed(time, "level"));
    }
    let word = |from: usize| {
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        from + line[from..].iter().take(64).take_while(|byte| is_word(byte)).count()
    };
    let mut at = word(start);
    if line.get(at) == Some(&b':') {
        let level = word(at + 1);
        record.push(1, start, at);
        record.push(2, at + 1, level);
        record.push_absent(2);
        at = level;
    } else {
        record.push_absent(1);
        record.push_absent(2);
        record.push(2, start, at);
    }
    let mut written = false;
    if line[at..].starts_with(b"] [pid ") {
        let pid = digits(line, at + 7);
        let tid = if line[pid..].starts_with(b":tid ") { digits(line, pid + 5) } else { pid };
        if pid > at + 7 && line.get(tid) == Some(&b']') && (tid == pid || tid > pid + 5) {
            written = true;
            record.push(3, at + 7, pid);
            if tid > pid {
                record.push(4, pid + 5, tid);
            } else {
                record.push_absent(4);
            }
            at = tid;
        }
    }
    if !written {
        record.push_absent(3);
        record.push_absent(4);
    }
    if !line[at..].starts_with(b"] ") {
        return Err(malformed(at, "text"));
    }
    // In front of the client may stand a place in Apache's source, and the number and the word of an error.
    let (mut client, mut behind) = (Peer::of(line, at + 2), false);
    if client.is_none() {
        let word = error(line, source(line, at + 2));
        client = Peer::of(line, word).filter(|_| word > at + 2);
        behind = client.is_some();
        if behind {
            record.push(5, at + 2, word - 2);
        }
    }
    if !behind {
        record.push_absent(5);
    }
    for remote in [false, true] {
        match client.as_ref().filter(|client| client.remote == remote) {
            Some(Peer { address, end, .. }) => {
                // The port of an IPv6 address stands behind one more colon: 2.4 writes it without brackets.
                let port = port(&line[*address..*end], written).map_or(*end, |length| *end - length);
                let fields = if remote { (8, 9) } else { (6, 7) };
                if behind {
                    record.push_absent(fields.0);
                    record.push(fields.0, *address, port);
                } else {
                    record.push(fields.0, *address, port);
                    record.push_absent(fields.0);
                }
                match port < *end {
                    true => record.push(fields.1, port + 1, *end),
                    false => record.push_absent(fields.1),
                }
                at = *end;
            }
            None => [6, 6, 7].iter().for_each(|field| record.push_absent(field + if remote { 2 } else { 0 })),
        }
    }
    Ok(at + 2)
}

/// One past `mod_ssl.c(123): `, if it stands there.
fn source(line: &[u8], at: usize) -> usize {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/');
    let name = at + line[at..].iter().take(LONGEST_ERROR).take_while(|byte| is_name(byte)).count();
    if name == at || line.get(name) != Some(&b'(') {
        return at;
    }
    let number = digits(line, name + 1);
    if number > name + 1 && line[number..].starts_with(b"): ") { number + 3 } else { at }
}

/// One past `(70014)End of file found: `, if it stands there with a bracket behind it.
fn error(line: &[u8], at: usize) -> usize {
    if !line[at..].starts_with(b"(") {
        return at;
    }
    let number = digits(line, at + 1);
    if number == at + 1 || line.get(number) != Some(&b')') {
        return at;
    }
    let most = line.len().min(number + LONGEST_ERROR);
    match memchr::memchr(b'[', &line[number..most]) {
        Some(length) if line[..number + length].ends_with(b": ") => number + length,
        Some(_) | None => at,
    }
}

/// How often `end` stands in `text`, up to twice.
fn count(text: &[u8], end: &[u8]) -> usize {
    match find(text, 0, end) {
        Some(at) => 1 + usize::from(find(text, at + 1, end).is_some()),
        None => 0,
    }
}

/// `[client A:port] ` or `[remote A:port] `.
struct Peer {
    remote: bool,
    /// Where the address begins.
    address: usize,
    /// Where the bracket closes.
    end: usize,
}

impl Peer {
    fn of(line: &[u8], at: usize) -> Option<Peer> {
        let remote = line[at..].starts_with(b"[remote ");
        if !remote && !line[at..].starts_with(b"[client ") {
            return None;
        }
        let address = at + 8;
        let is_host = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'-' | b'%' | b'_');
        let end = address + line[address..].iter().take(LONGEST_HOST).take_while(|byte| is_host(byte)).count();
        line[end..].starts_with(b"] ").then_some(Peer { remote, address, end })
    }
}

/// The length of a port with its colon at the end of `host`, if one stands there.
fn port(host: &[u8], written: bool) -> Option<usize> {
    let digits = host.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let address = host.len().checked_sub(digits + 1).filter(|_| (1..=5).contains(&digits))?;
    let colons = host[..address].iter().filter(|byte| **byte == b':').count();
    let is_v6 = match colons {
        0 => true,
        _ => {
            written
                && (colons == 7 || host[..address].windows(2).any(|pair| pair == b"::"))
                && !ends_open(&host[..address])
        }
    };
    (host[address] == b':' && is_v6).then_some(digits + 1)
}

/// Whether one colon alone ends it: no address does.
fn ends_open(host: &[u8]) -> bool {
    host.ends_with(b":") && !host.ends_with(b"::")
}

fn digits(line: &[u8], at: usize) -> usize {
    at + line[at..].iter().take(20).take_while(|byte| byte.is_ascii_digit()).count()
}

/// The longest word of an error: those of the operating system are shorter.
const LONGEST_ERROR: usize = 256;

/// The longest host name with its port.
const LONGEST_HOST: usize = 264;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(line: &str) -> Option<Vec<String>> {
        let format = ApacheError::new();
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
        if record.values.iter().all(|value| value.state != State::Ambiguous) {
            assert_eq!(whole + std::str::from_utf8(tail).unwrap(), line);
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

    #[test]
    fn lines_of_both_ages_have_their_fields() {
        assert_eq!(
            read("[Sat Nov 21 10:00:00 2026] [error] [client 203.0.113.7] File does not exist: /var/www/x, referer: https://example.org/").unwrap(),
            [
                "timestamp=Sat Nov 21 10:00:00 2026",
                "log.level=error",
                "client.address=203.0.113.7",
                "message=File does not exist: /var/www/x",
                "http.request.header.referer=https://example.org/",
            ]
        );
        assert_eq!(
            read("[Sat Nov 21 10:00:00.123456 2026] [proxy_fcgi:error] [pid 12:tid 34] (70008)Partial results: [client 203.0.113.7:4711] AH01075: Error dispatching").unwrap()[1..],
            [
                "log.logger=proxy_fcgi",
                "log.level=error",
                "process.pid=12",
                "thread.id=34",
                "error.message=(70008)Partial results",
                "client.address=203.0.113.7",
                "client.port=4711",
                "message=AH01075: Error dispatching",
            ]
        );
        assert_eq!(
            read("[Sat Nov 21 10:00:00 2026] [notice] caught SIGTERM").unwrap()[1..],
            ["log.level=notice", "message=caught SIGTERM"]
        );
    }

    #[test]
    fn a_place_in_the_source_may_stand_in_front_of_the_client() {
        let head = "[Sat Nov 21 10:00:00.123456 2026] [:debug] [pid 1] ";
        for error in ["mod_ssl.c(12)", "(2)No such file", "mod_ssl.c(12): (2)No such file"] {
            let values = read(&format!("{head}{error}: [client 203.0.113.7:1] x")).unwrap();
            assert_eq!(values[4..6], [format!("error.message={error}"), "client.address=203.0.113.7".to_owned()]);
        }
    }

    #[test]
    fn the_port_of_an_address_with_colons_is_told_from_its_last_group() {
        for (host, address) in [
            ("2001:db8::1:443", "2001:db8::1"),
            ("2001:db8:1:2:3:4:5:6:443", "2001:db8:1:2:3:4:5:6"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6"),
            ("2001:db8:1::5", "2001:db8:1::5"),
            ("203.0.113.7:443", "203.0.113.7"),
            ("203.0.113.7", "203.0.113.7"),
            ("localhost", "localhost"),
        ] {
            for word in ["client", "remote"] {
                let field = if word == "client" { "client" } else { "network.peer" };
                let line = format!("[Sat Nov 21 10:00:00.123456 2026] [core:error] [pid 12] [{word} {host}] x");
                assert_eq!(read(&line).unwrap()[4], format!("{field}.address={address}"), "{line}");
            }
        }
    }

    #[test]
    fn a_client_or_a_referer_in_the_text_is_text() {
        let line = "[Sat Nov 21 10:00:00 2026] [error] [client 203.0.113.7] a [client 192.0.2.1] b, referer: x, referer: https://y/";
        assert_eq!(
            read(line).unwrap()[2..],
            [
                "client.address=203.0.113.7",
                "message=a [client 192.0.2.1] b",
                "http.request.header.referer=x, referer: https://y/"
            ]
        );
        let line = "[Sat Nov 21 10:00:00 2026] [error] (2)a] [b: [client 203.0.113.7] c";
        assert_eq!(read(line).unwrap()[2..], ["message=(2)a] [b: [client 203.0.113.7] c"]);
    }

    #[test]
    fn who_was_refused_is_a_user() {
        let head =
            "[Sat Nov 21 10:00:00.123456 2026] [auth_basic:error] [pid 1:tid 2] [client 203.0.113.7:1] AH01618: ";
        let user = |text: &str| read(&format!("{head}{text}")).unwrap()[7..].to_vec();
        assert_eq!(user("user kari not found: /x"), ["log.code=AH01618", "user.name=kari", "message=/x"]);
        assert_eq!(
            user("user kari: authentication failure for \"/x\": Password Mismatch"),
            ["log.code=AH01618", "user.name=kari", "message=/x\": Password Mismatch"]
        );
        assert_eq!(user("user a not found: b not found: /x"), ["log.code~", "user.name~", "message~"]);
        assert_eq!(user("the user kari left"), ["message=AH01618: the user ", "user.name=kari", "message= left"]);
    }

    #[test]
    fn other_lines_are_none_of_its() {
        for line in [
            "",
            "[",
            "[21-Nov-2026 10:00:00 UTC] x",
            "[Sat Nov 21 10:00:00 2026] x",
            "[Sat Nov 21 10:00:00 2026] [error]",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
