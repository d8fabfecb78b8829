//! Formats that we know by name, written as patterns over the template compiler; several layouts may be one format.
//!
//! A pattern is the line with `<value>` where a value stands: `<client> - <user> [<clf>] "<request>" <status>`. The
//! families' own files hold their patterns; what a value is, and what it must look like, is one table here. The smallest
//! example to copy is `squid.rs` for a layout that needs more than a pattern, `envoy.rs` for one that does not.

use super::{
    Ending, Malformed, Parse,
    compile::{Dialect, Piece, Slot},
    grammar::Grammar,
    template::{Shape, Template},
};
use crate::record::{Clock, Kind, Layout, Record, Schema};
use std::ops::Range;

/// One format of several layouts that share their fields.
#[derive(Clone, Debug)]
pub struct Preset {
    schema: Schema,
    layouts: Box<[Shared]>,
    /// The layouts that a line can have, by a short look at it.
    pick: fn(&[u8]) -> Range<usize>,
}

/// A layout whose fields are counted as its format counts them.
#[derive(Clone, Debug)]
struct Shared {
    template: Template,
    /// How many quotes every line of it has that no backslash stands before, if they all have the same number.
    quotes: Option<usize>,
    /// For each field of the template its place among the format's fields.
    fields: Box<[u16]>,
}

impl Preset {
    /// The format of these patterns. `pick` gives the range of those that a line is worth trying on.
    pub(super) fn new(name: &str, patterns: &[&str], pick: fn(&[u8]) -> Range<usize>) -> Preset {
        let templates = patterns.iter().map(|pattern| template(name, pattern)).collect();
        Preset::of(name, templates, pick)
    }

    /// The format of these layouts.
    pub(super) fn of(name: &str, templates: Vec<Template>, pick: fn(&[u8]) -> Range<usize>) -> Preset {
        let mut schema = Schema { name: name.into(), ..Schema::default() };
        let mut layouts = Vec::new();
        for template in templates {
            let own = template.schema();
            let mut fields = Vec::new();
            for field in &own.fields {
                // Two values of one layout may have one name; they keep a place each.
                let same =
                    (0..schema.fields.len()).find(|&at| schema.fields[at] == *field && !fields.contains(&(at as u16)));
                let at = same.unwrap_or_else(|| {
                    schema.fields.push(field.clone());
                    schema.fields.len() - 1
                });
                fields.push(at as u16);
            }
            let mut items = own.items.clone();
            items.iter_mut().for_each(|item| item.field = fields[item.field as usize]);
            if layouts.is_empty() {
                (schema.items, schema.tail) = (items, own.tail.clone());
            } else {
                schema.more.push(Layout { items, tail: own.tail.clone() });
            }
            layouts.push(Shared { quotes: template.quotes(), template, fields: fields.into() });
        }
        Preset { schema, layouts: layouts.into(), pick }
    }
}

impl Preset {
    /// Whether a line of one of the layouts may begin with this byte. `true` says nothing.
    pub(super) fn begins_with(&self, byte: u8) -> bool {
        self.layouts.iter().any(|layout| layout.template.begins_with(byte))
    }

    /// Whether a line of one of the layouts may end with this byte. `true` says nothing.
    pub(super) fn ends_with(&self, byte: u8) -> bool {
        self.layouts.iter().any(|layout| layout.template.ends_with(byte))
    }
}

impl Parse for Preset {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    #[inline]
    fn parse(&self, line: &[u8], ending: Ending, record: &mut Record) -> Result<(), Malformed> {
        let mut last = Malformed { at: 0, expected: "a line of this format" };
        let picked = (self.pick)(line);
        // Where there is a choice, the number of quotes tells most layouts from one another.
        let counted = if picked.len() > 1 { quotes(line) } else { None };
        for at in picked {
            let Shared { template, quotes, fields } = &self.layouts[at];
            if let (Some(counted), Some(quotes)) = (counted, *quotes)
                && counted != quotes
            {
                continue;
            }
            match template.parse(line, ending, record) {
                Ok(()) => {
                    if at > 0 {
                        record.values.iter_mut().for_each(|value| value.field = fields[value.field as usize]);
                        record.layout = at as u16;
                    }
                    return Ok(());
                }
                Err(malformed) => last = malformed,
            }
        }
        Err(last)
    }
}

/// How many quotes there are in a line without backslashes.
fn quotes(line: &[u8]) -> Option<usize> {
    let (mut quotes, mut escapes) = (0, false);
    // Sums of bytes: the compiler makes vector instructions of them.
    for piece in line.chunks(128) {
        quotes += usize::from(piece.iter().fold(0u8, |sum, &byte| sum + u8::from(byte == b'"')));
        escapes |= piece.iter().fold(false, |any, &byte| any | (byte == b'\\'));
    }
    (!escapes).then_some(quotes)
}

/// The template of a pattern.
///
/// # Panics
/// When the pattern names a value that is not in the table: patterns are our own, and each is compiled in a test.
pub(super) fn template(name: &str, pattern: &str) -> Template {
    Template::compile(name, Dialect::Apache, pieces(pattern)).expect("a pattern of our own compiles")
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = pattern;
    while let Some((literal, behind)) = rest.split_once('<') {
        let (name, behind) = behind.split_once('>').expect("a pattern closes its values");
        let row = VALUES.iter().find(|row| row.0 == name).unwrap_or_else(|| panic!("no value is called {name}"));
        let &(_, field, kind, grammar) = row;
        let clock = (kind == Kind::Instant).then_some(match name {
            "clf" => Clock::Clf,
            "epoch" => Clock::EpochSeconds,
            "rfc3339" | "created" => Clock::Rfc3339,
            _ => Clock::Any,
        });
        let shape = match name {
            "request" => Shape::Request,
            "target" => Shape::Target,
            _ => Shape::Plain,
        };
        pieces.push(Piece::Literal(literal.as_bytes().to_vec()));
        pieces.push(Piece::Value(Slot { name: field.into(), kind, grammar, clock, shape }));
        rest = behind;
    }
    pieces.push(Piece::Literal(rest.as_bytes().to_vec()));
    pieces
}

/// Whether `digits` digits, and then what `behind` says, stand at `at`: the quick look by which a line of another format is
/// told.
pub(super) fn digits_then(line: &[u8], at: usize, digits: usize, behind: u8) -> bool {
    line.get(at..at + digits + 1)
        .is_some_and(|text| text[..digits].iter().all(u8::is_ascii_digit) && text[digits] == behind)
}

/// The words of patterns: the value, its field, its kind, and what it must look like.
#[rustfmt::skip]
const VALUES: &[(&str, &str, Kind, Grammar)] = &[
    // Who.
    ("client", "client.address", Kind::Address, Grammar::Client),
    ("client_port", "client.port", Kind::Number, Grammar::Number),
    ("peer", "network.peer.address", Kind::Address, Grammar::Token),
    ("local", "network.local.address", Kind::Address, Grammar::Token),
    ("forwarded", "http.request.header.x-forwarded-for", Kind::Address, Grammar::Text),
    ("forwarded_list", "http.request.header.x-forwarded-for", Kind::Address, Grammar::Client),
    ("ident", "user.ident", Kind::User, Grammar::Identity),
    ("user", "user.name", Kind::User, Grammar::User),
    ("user_token", "user.name", Kind::User, Grammar::Token),
    // When.
    ("clf", "timestamp", Kind::Instant, Grammar::Clf),
    ("local_time", "timestamp", Kind::Instant, Grammar::Time),
    ("rfc3339", "timestamp", Kind::Instant, Grammar::Time),
    ("epoch", "timestamp", Kind::Instant, Grammar::Number),
    ("created", "http.request.start", Kind::Instant, Grammar::Time),
    // What was asked.
    ("request", "http.request.line", Kind::Text, Grammar::Text),
    ("url", "url.full", Kind::Referer, Grammar::Token),
    ("path", "url.path", Kind::Path, Grammar::Token),
    ("method", "http.request.method", Kind::Method, Grammar::Method),
    ("host", "server.address", Kind::Host, Grammar::Host),
    ("host_token", "server.address", Kind::Host, Grammar::Token),
    ("host_text", "server.address", Kind::Host, Grammar::Text),
    ("sni", "tls.client.server_name", Kind::Host, Grammar::Host),
    ("sni_token", "tls.client.server_name", Kind::Host, Grammar::Token),
    ("scheme", "url.scheme", Kind::Word, Grammar::Word),
    ("referer", "http.request.header.referer", Kind::Referer, Grammar::Text),
    ("agent", "user_agent.original", Kind::Agent, Grammar::Text),
    ("request_id", "http.request.id", Kind::Identifier, Grammar::Text),
    ("request_id_token", "http.request.id", Kind::Identifier, Grammar::Token),
    ("trace_id", "trace.id", Kind::Identifier, Grammar::Text),
    ("cookie", "http.request.header.cookie", Kind::Cookie, Grammar::Token),
    ("set_cookie", "http.response.header.set-cookie", Kind::Cookie, Grammar::Token),
    ("captured", "http.request.header.captured", Kind::Text, Grammar::Text),
    ("response_captured", "http.response.header.captured", Kind::Text, Grammar::Text),
    // What came of it.
    ("status", "http.response.status_code", Kind::Status, Grammar::Status),
    ("status_number", "http.response.status_code", Kind::Status, Grammar::Number),
    ("size", "http.response.body.size", Kind::Number, Grammar::Number),
    ("sent", "http.response.size", Kind::Number, Grammar::Number),
    ("sent_token", "http.response.size", Kind::Number, Grammar::Token),
    ("received", "http.request.size", Kind::Number, Grammar::Number),
    ("duration", "http.request.duration", Kind::Number, Grammar::Number),
    ("duration_token", "http.request.duration", Kind::Number, Grammar::Token),
    ("request_duration", "http.request.first_byte.duration", Kind::Number, Grammar::Number),
    ("response_duration", "http.response.first_byte.duration", Kind::Number, Grammar::Number),
    ("message", "message", Kind::Text, Grammar::Text),
    ("flags", "envoy.response_flags", Kind::Word, Grammar::Word),
    ("details", "envoy.response_details", Kind::Text, Grammar::Token),
    ("termination_details", "envoy.termination_details", Kind::Text, Grammar::Token),
    ("failure", "message", Kind::Text, Grammar::Text),
    ("cache", "upstream.cache.status", Kind::Word, Grammar::Method),
    ("error_code", "error.type", Kind::Word, Grammar::Word),
    // Our own side.
    ("upstream", "upstream.address", Kind::Address, Grammar::Token),
    ("upstream_list", "upstream.address", Kind::Address, Grammar::Addresses),
    ("upstream_text", "upstream.address", Kind::Address, Grammar::Text),
    ("upstream_name", "upstream.name", Kind::Text, Grammar::Method),
    ("backend", "upstream.name", Kind::Text, Grammar::Host),
    ("server", "upstream.name", Kind::Text, Grammar::Token),
    ("upstream_url", "upstream.url", Kind::Referer, Grammar::Text),
    ("upstream_status", "upstream.status", Kind::Status, Grammar::Status),
    ("upstream_status_number", "upstream.status", Kind::Status, Grammar::Number),
    ("upstream_statuses", "upstream.status", Kind::Status, Grammar::Numbers),
    ("upstream_status_text", "upstream.status", Kind::Status, Grammar::Text),
    ("upstream_size", "upstream.response.size", Kind::Number, Grammar::Numbers),
    ("upstream_duration", "upstream.response.duration", Kind::Number, Grammar::Number),
    ("upstream_durations", "upstream.response.duration", Kind::Number, Grammar::Numbers),
    ("queue_duration", "upstream.queue.duration", Kind::Number, Grammar::Number),
    ("connect_duration", "upstream.connect.duration", Kind::Number, Grammar::Number),
    ("header_duration", "upstream.header.duration", Kind::Number, Grammar::Number),
    ("connection_duration", "connection.duration", Kind::Number, Grammar::Token),
    ("frontend", "service.name", Kind::Text, Grammar::Token),
    ("frontend_name", "service.name", Kind::Text, Grammar::Host),
    ("bind", "service.name", Kind::Text, Grammar::Method),
    ("service", "service.name", Kind::Text, Grammar::Text),
    ("route", "service.name", Kind::Text, Grammar::Token),
    ("requests", "connection.requests", Kind::Number, Grammar::Number),
    ("counts", "connection.counts", Kind::Word, Grammar::Token),
    ("queues", "connection.queues", Kind::Word, Grammar::Token),
    ("termination", "connection.termination", Kind::Word, Grammar::Token),
    ("tls_errors", "tls.error", Kind::Word, Grammar::Token),
    ("tls_version", "tls.protocol.version", Kind::Word, Grammar::Word),
    ("tls_version_name", "tls.protocol.version", Kind::Word, Grammar::Protocol),
    ("tls_cipher", "tls.cipher", Kind::Word, Grammar::Word),
    ("word", "event.name", Kind::Text, Grammar::Token),
    ("event", "event.name", Kind::Text, Grammar::Text),
    ("selection", "upstream.selection", Kind::Word, Grammar::Method),
    ("type", "http.response.header.content-type", Kind::Text, Grammar::Token),
    ("resource", "cloud.resource_id", Kind::Identifier, Grammar::Token),
    ("resource_text", "cloud.resource_id", Kind::Identifier, Grammar::Text),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::record::State;

    fn letters() -> Preset {
        let pick = |line: &[u8]| if line.starts_with(b"x") { 0..0 } else { 0..2 };
        Preset::new("letters", &["<client> <status> <user>!", "<status> [<clf>] <client>!"], pick)
    }

    #[test]
    fn layouts_share_the_fields_that_are_alike() {
        let format = letters();
        let names: Vec<&str> = format.schema().fields.iter().map(|field| &*field.name).collect();
        assert_eq!(names, ["client.address", "http.response.status_code", "user.name", "timestamp"]);
        let mut record = Record::default();
        let line = b"200 [21/Nov/2026:10:00:00 +0100] 192.0.2.1!";
        format.parse(line, Ending::Whole, &mut record).unwrap();
        assert_eq!(record.layout, 1);
        let read: Vec<(u16, &[u8])> = record.values.iter().map(|value| (value.field, value.span.of(line))).collect();
        assert_eq!(read, [(1, b"200".as_slice()), (3, b"21/Nov/2026:10:00:00 +0100"), (0, b"192.0.2.1")]);
        assert!(record.values.iter().all(|value| value.state == State::Present));
        format.parse(b"192.0.2.1 200 kari!", Ending::Whole, &mut record).unwrap();
        assert_eq!(record.layout, 0);
    }

    #[test]
    fn a_line_that_no_layout_is_picked_for_is_malformed() {
        let mut record = Record::default();
        assert!(letters().parse(b"x 200 kari!", Ending::Whole, &mut record).is_err());
        assert!(letters().parse(b"", Ending::Whole, &mut record).is_err());
    }

    #[test]
    fn a_line_has_the_quotes_of_its_layout() {
        let count = |pattern| template("t", pattern).quotes();
        assert_eq!(count("<status> \"<request>\" \"<agent>\" <resource>"), Some(4));
        assert_eq!(count("\"<event>\" <client>:<client_port> \"{<captured>}\""), Some(4));
        assert_eq!(count("<client> - <user> [<clf>] \"<request>\""), None);
        assert_eq!(count("<client> <ident> <user_token> [<clf>] \"<request>\""), Some(2));
        for length in [0, 1, 127, 128, 129, 300] {
            let line = "\"".repeat(length);
            assert_eq!(quotes(line.as_bytes()), Some(length));
            assert_eq!(quotes((line + "\\").as_bytes()), None);
        }
    }

    #[test]
    fn a_quick_look_counts_digits() {
        assert!(digits_then(b"a2026-", 1, 4, b'-'));
        assert!(!digits_then(b"a2026-", 1, 3, b'-'));
        assert!(!digits_then(b"a202", 1, 4, b'-'));
    }
}
