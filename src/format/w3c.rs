//! W3C extended logs: IIS, CloudFront and whatever else names its columns in a `#Fields:` line.
//!
//! <https://www.w3.org/TR/WD-logfile>. Which columns a line has is known from the header line before it, so that the
//! columns are kept in the [`Record`]: a header line that is parsed sets them, and whoever cuts the input into pieces
//! carries them on (`Record::columns`, [`learn`], `engine::Carry`). A line without a header before it, or of another
//! number of columns, is malformed.
//!
//! | column | field |
//! |---|---|
//! | `date`, `time` | `timestamp`; one value where they are neighbours |
//! | `c-ip`, `c-port`, `c-dns` | `client.address`, `client.port` |
//! | `cs-username`, `c-auth-id` | `user.name` |
//! | `s-ip`, `s-port`, `s-computername`, `s-sitename` | `network.local.address`, `network.local.port`, `host.name`, `service.name` |
//! | `cs-method`, `cs-uri-stem`, `cs-uri-query`, `cs-uri` | `http.request.method`, `url.path`, `url.query`, `url.full` |
//! | `sc-status`, `sc-substatus`, `sc-win32-status` | `http.response.status_code`, `http.response.substatus`, `error.code` |
//! | `sc-bytes`, `cs-bytes`, `time-taken` | `http.response.size`, `http.request.size`, `http.request.duration` |
//! | `cs-host`, `x-host-header`, `cs-version`, `cs-protocol` | `server.address`, `network.protocol.version`, `url.scheme` |
//! | `x-forwarded-for`, `x-edge-request-id`, `x-edge-…-result-type` | `http.request.header.x-forwarded-for`, `http.request.id`, `upstream.cache.status` |
//! | `cs(Header)`, `sc(Header)` | the header's own field, where it is one of the table's |
//! | any other | `*` |
//!
//! A blank in a value is `+` (IIS) or `%20` (CloudFront, between tabs); other servers quote values and double the quotes in
//! them. The values leave written alike.

use super::{
    Ending, Malformed, Parse,
    json::{KNOWN_KEY_NAME, UNKNOWN_KEY_NAME},
    seek,
};
use crate::record::{Clock, Column, Columns, Field, Kind, Mark, Record, Schema, Span, State, Syntax, Value};
use memchr::{memchr, memrchr};

/// The format `w3c`.
#[derive(Clone, Debug)]
pub struct W3c {
    schema: Schema,
    /// Reads only lines with a date: among lines of any format, nothing else tells its own.
    dated: bool,
}

impl W3c {
    /// The format, with its table of columns.
    pub fn new() -> W3c {
        let own =
            [(KNOWN_KEY_NAME, Kind::Word), (UNKNOWN_KEY_NAME, Kind::Text), ("*", Kind::Text), ("message", Kind::Text)];
        let mut fields: Vec<Field> = own.into_iter().map(|(name, kind)| Field::new(name, kind)).collect();
        for clock in [Clock::Rfc3339, Clock::Partial, Clock::Any, Clock::Partial] {
            fields.push(Field { clock: Some(clock), ..Field::new("timestamp", Kind::Instant) });
        }
        fields.extend(COLUMNS.iter().map(|row| Field::new(row.0, row.1)));
        W3c {
            schema: Schema { name: "w3c".into(), fields, syntax: Syntax::Columns, ..Schema::default() },
            dated: false,
        }
    }
}

impl W3c {
    /// The same, for lines among those of any format: only those with a column for the date are read.
    pub fn dated() -> W3c {
        W3c { dated: true, ..W3c::new() }
    }
}

impl Default for W3c {
    fn default() -> W3c {
        W3c::new()
    }
}

impl Parse for W3c {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn parse(&self, line: &[u8], ending: Ending, record: &mut Record) -> Result<(), Malformed> {
        if line.first() == Some(&b'#') {
            return directive(line, ending, record);
        }
        let columns = std::mem::take(&mut record.columns);
        let read = data(&columns, self.dated, line, ending, record);
        record.columns = columns;
        read
    }
}

/// Makes `columns` those that a header line names, with or without its line end; `false`: it is none, and they stay as
/// they are. Does not allocate where the same header comes again.
///
/// ```
/// use sladd::{format::w3c, record::Columns};
/// let mut columns = Columns::default();
/// assert!(w3c::learn(&mut columns, b"#Fields: date time c-ip cs-method"));
/// assert_eq!(columns.columns.len(), 4);
/// assert!(!w3c::learn(&mut columns, b"#Version: 1.0"));
/// ```
pub fn learn(columns: &mut Columns, line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if columns.header == line && !line.is_empty() {
        return true;
    }
    let Some(names) = header(line) else { return false };
    columns.header.clear();
    columns.header.extend_from_slice(line);
    columns.columns.clear();
    columns.tagged = false;
    for span in words(names) {
        let name = span.of(names);
        columns.tagged = name == TAG;
        if !columns.tagged {
            columns.columns.push(column(name));
        }
    }
    for at in 1..columns.columns.len() {
        let pair = columns.columns[at - 1].field == DATE && columns.columns[at].field == TIME;
        columns.columns[at - 1].joins = pair;
    }
    true
}

/// The names in a header line; `None` where it is none, or names more than anybody writes.
fn header(line: &[u8]) -> Option<&[u8]> {
    let names = line.strip_prefix(FIELDS)?;
    (line.len() <= LONGEST_HEADER && words(names).count() <= MOST_COLUMNS).then_some(names)
}

/// Whether a line names columns, be they too many.
pub fn begins_header(line: &[u8]) -> bool {
    line.starts_with(FIELDS)
}

/// Whether a line, without its end, is one that [`learn`] takes.
pub fn is_header(line: &[u8]) -> bool {
    header(line).is_some()
}

/// What a column's name means. A header in parentheses is the column that is spelled with a dash, or as the header is.
fn column(name: &[u8]) -> Column {
    let plain = |field| Column { field, joins: false, path: false };
    match name {
        b"date" => return plain(DATE),
        b"time" => return plain(TIME),
        b"timestamp" | b"x-timestamp" => return plain(INSTANT),
        _ => {}
    }
    let inner = |prefix: &[u8]| {
        let head = name.get(..prefix.len()).filter(|head| head.eq_ignore_ascii_case(prefix))?;
        name[head.len()..].strip_suffix(b")")
    };
    let row = match (inner(b"cs("), inner(b"sc(")) {
        (Some(header), _) => row(|field, known| {
            let is_header = field.starts_with("http.request.header.") || HEADERS.contains(&field);
            is_header && (spells(known, header) || spelled_behind(known, b"cs-", header))
        }),
        (None, Some(header)) => {
            row(|field, known| field.starts_with("http.response.header.") && spelled_behind(known, b"sc-", header))
        }
        (None, None) => row(|_, known| known.eq_ignore_ascii_case(name)),
    };
    match row {
        Some(row) => Column { path: COLUMNS[row].1 == Kind::Path, ..plain(OWN + row as u16) },
        None => plain(UNKNOWN),
    }
}

/// The row of the table that has such a spelling.
fn row(is: impl Fn(&str, &[u8]) -> bool) -> Option<usize> {
    COLUMNS.iter().position(|row| row.2.split(' ').any(|known| is(row.0, known.as_bytes())))
}

/// Request headers whose fields are not called so.
const HEADERS: &[&str] = &["http.request.id", "server.address", "user_agent.original"];

fn spelled_behind(known: &[u8], prefix: &[u8], header: &[u8]) -> bool {
    known.strip_prefix(prefix).is_some_and(|known| spells(known, header))
}

/// Whether a header is spelled so, in any case, with dashes or underscores.
fn spells(known: &[u8], header: &[u8]) -> bool {
    let dashed = |byte: &u8| if *byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    known.len() == header.len() && known.iter().zip(header).all(|(known, byte)| *known == dashed(byte))
}

/// `#Fields: …`, or another line about the log.
fn directive(line: &[u8], ending: Ending, record: &mut Record) -> Result<(), Malformed> {
    let malformed = |at: usize, expected| Malformed { at: at as u32, expected };
    record.clear();
    if ending == Ending::Cut {
        return Err(malformed(line.len(), "the whole of a header"));
    }
    // What follows a header that cannot be read is not read by the one before.
    if begins_header(line) && !is_header(line) {
        record.columns.clear();
    }
    if let Some(names) = line.strip_prefix(FIELDS) {
        if !learn(&mut record.columns, line) {
            return Err(malformed(FIELDS.len(), "fewer columns"));
        }
        record.layout = Columns::HEADER;
        for span in words(names) {
            let name = span.of(names);
            if name == TAG {
                continue;
            }
            let field = if is_column_name(name) { KNOWN_NAME } else { UNKNOWN_NAME };
            record.marks.push(Mark::Bare(record.values.len() as u16));
            record.push(field, FIELDS.len() + span.start as usize, FIELDS.len() + span.end as usize);
        }
        // A header without columns has a mark too: it is no line of another layout.
        if record.marks.is_empty() {
            record.marks.push(Mark::Close);
        }
        return Ok(());
    }
    let colon = memchr(b':', &line[..line.len().min(32)]).ok_or(malformed(0, "directive"))?;
    if !DIRECTIVES.contains(&&line[1..colon]) {
        return Err(malformed(1, "directive"));
    }
    record.layout = Columns::DIRECTIVE;
    let start = colon + 1 + line[colon + 1..].iter().take_while(|&&byte| byte == b' ').count();
    let value = &line[start..];
    let field = match &line[1..colon] {
        b"Date" | b"Start-Date" | b"End-Date" => INSTANT,
        b"Version" if value.len() <= 5 && value.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.') => KNOWN_NAME,
        _ => MESSAGE,
    };
    record.marks.extend([Mark::Key(0), Mark::Text(1)]);
    record.push(KNOWN_NAME, 1, colon);
    record.push(field, start, line.len());
    Ok(())
}

/// One line of values.
fn data(columns: &Columns, dated: bool, line: &[u8], ending: Ending, record: &mut Record) -> Result<(), Malformed> {
    record.clear();
    let malformed = |at: usize, expected| Malformed { at: at as u32, expected };
    if columns.columns.is_empty() || (dated && !columns.columns.iter().any(|column| column.field == DATE)) {
        return Err(malformed(0, "a header"));
    }
    let tabs = memchr(b'\t', line).is_some();
    record.layout = if tabs { Columns::TABS } else { Columns::BLANKS };
    let mut at = 0;
    let mut from = 0;
    while from < columns.columns.len() {
        let column = columns.columns[from];
        let (start, end, next, quoted) = value(line, at, tabs)?;
        from += 1;
        let joined = column.joins && !quoted && end - start == 10 && next == end + 1;
        if let Some((_, end, next, false)) = joined.then(|| value(line, next, tabs)).transpose()? {
            record.marks.push(Mark::Key(record.values.len() as u16));
            record.push(DATE_TIME, start, end);
            (at, from) = (next, from + 1);
            continue;
        }
        let missing = dated && column.field == DATE && &line[start..end] == b"-";
        if missing || !column.fits(&line[start..end]) {
            return Err(malformed(start, "a date, a time, a number or a status"));
        }
        let mark = record.values.len() as u16;
        // No server writes a query into the path's column: it is taken for something unknown.
        let query = column.path && memchr(b'?', &line[start..end]).is_some();
        record.push(if query { UNKNOWN } else { column.field }, start, end);
        record.marks.push(if quoted { Mark::Text(mark) } else { Mark::Bare(mark) });
        at = next;
        if at > line.len() && from < columns.columns.len() {
            return Err(malformed(line.len(), "more columns"));
        }
    }
    if columns.tagged && at <= line.len() {
        // What a run before this one has written: it is written anew.
        (_, _, at, _) = value(line, at, tabs)?;
    }
    if at <= line.len() && !line[at..].iter().all(|&byte| byte == b' ') {
        return Err(malformed(at, "end of line"));
    }
    if let Some(last) = record.values.last_mut().filter(|_| ending == Ending::Cut) {
        *last = Value { state: State::Cut, ..*last };
    }
    Ok(())
}

impl Column {
    /// Whether a value can stand in the column: dates, times, numbers and statuses have their form.
    #[inline]
    fn fits(self, value: &[u8]) -> bool {
        let shaped = |shape: &[u8]| {
            value.len() >= shape.len()
                && value.iter().zip(shape).all(|(byte, shape)| match shape {
                    b'0' => byte.is_ascii_digit(),
                    _ => byte == shape,
                })
        };
        if value == b"-" || value.is_empty() {
            return true;
        }
        match self.field {
            DATE => value.len() == 10 && shaped(b"0000-00-00"),
            TIME => shaped(b"00:00:00") && value[8..].iter().all(|byte| byte.is_ascii_digit() || *byte == b'.'),
            field => match field.checked_sub(OWN).and_then(|row| COLUMNS.get(usize::from(row))) {
                Some((_, Kind::Number | Kind::Status, _)) => {
                    value.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b',' | b'-' | b'+'))
                }
                _ => true,
            },
        }
    }
}

/// The value at `at`: where it starts and ends, where the next one may start (behind the line's end after the last), and
/// whether it is quoted.
#[inline]
fn value(line: &[u8], at: usize, tabs: bool) -> Result<(usize, usize, usize, bool), Malformed> {
    let malformed = |at: usize, expected| Malformed { at: at as u32, expected };
    let separator = if tabs { b'\t' } else { b' ' };
    let mut start = at;
    while !tabs && line.get(start) == Some(&b' ') {
        start += 1;
    }
    if line.get(start) != Some(&b'"') {
        let end = seek::byte(line, start, separator);
        // Between tabs a value may be empty, between blanks it cannot.
        return if end > start || (tabs && start <= line.len()) {
            Ok((start, end, end + 1, false))
        } else {
            Err(malformed(start, "value"))
        };
    }
    let mut end = start + 1;
    loop {
        end += memchr(b'"', line.get(end..).unwrap_or_default()).ok_or(malformed(start, "closing quote"))?;
        match line.get(end + 1) {
            Some(b'"') => end += 2,
            None => return Ok((start + 1, end, end + 2, true)),
            Some(&byte) if byte == separator => return Ok((start + 1, end, end + 2, true)),
            Some(_) => return Err(malformed(end, "a separator behind the quote")),
        }
    }
}

/// The words of a header.
fn words(names: &[u8]) -> impl Iterator<Item = Span> + '_ {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let mut at = 0;
    std::iter::from_fn(move || {
        at += names[at..].iter().take_while(|byte| is_blank(byte)).count();
        let length = names[at..].iter().take_while(|byte| !is_blank(byte)).count();
        let span = Span::new(at, at + length);
        at += length;
        (length > 0).then_some(span)
    })
}

/// A column that the table knows, or words of letters joined by dashes, one of them perhaps in parentheses: there is no
/// room in it for what identifies anybody. Any other name is read like a name that nobody knows.
fn is_column_name(name: &[u8]) -> bool {
    let is_words = |words: &[u8]| {
        words
            .split(|&byte| byte == b'-')
            .all(|word| (1..16).contains(&word.len()) && word.iter().all(u8::is_ascii_alphabetic))
    };
    let spelled = name.len() <= 64
        && match name.strip_suffix(b")") {
            None => is_words(name),
            Some(front) => {
                memrchr(b'(', front).is_some_and(|open| is_words(&front[..open]) && is_words(&front[open + 1..]))
            }
        };
    spelled || column(name).field != UNKNOWN
}

const FIELDS: &[u8] = b"#Fields:";
/// The column of our own tag.
const TAG: &[u8] = b"x-sladd";
const DIRECTIVES: &[&[u8]] =
    &[b"Version", b"Software", b"Date", b"Start-Date", b"End-Date", b"Remark", b"GMT-Offset", b"System-Id"];
const MOST_COLUMNS: usize = 512;
const LONGEST_HEADER: usize = 16 << 10;

const KNOWN_NAME: u16 = 0;
const UNKNOWN_NAME: u16 = 1;
const UNKNOWN: u16 = 2;
const MESSAGE: u16 = 3;
/// `2026-11-21 10:00:00` over two columns.
const DATE_TIME: u16 = 4;
/// A date or a time alone: both print as they are, neither dates the record.
const DATE: u16 = 5;
const INSTANT: u16 = 6;
const TIME: u16 = 7;
/// The first field of [`COLUMNS`].
const OWN: u16 = 8;

/// The columns by field: canonical name, kind, spellings.
#[rustfmt::skip]
const COLUMNS: &[(&str, Kind, &str)] = &[
    // Who.
    ("client.address", Kind::Address, "c-ip c-dns cs-ip x-client-ip"),
    ("client.port", Kind::Number, "c-port"),
    ("http.request.header.x-forwarded-for", Kind::Address, "x-forwarded-for s-xff xff"),
    ("network.peer.address", Kind::Address, "s-caip x-proxy-ip"),
    ("user.name", Kind::User, "cs-username c-auth-id cs-auth-user x-cs-username"),
    ("device.id", Kind::Identifier, "cs-vid"),
    ("session.id", Kind::Identifier, "cs-sessionid x-session x-sid"),
    ("http.request.id", Kind::Identifier, "x-edge-request-id s-externalid cs-x-request-id"),
    ("client.geo.country_iso_code", Kind::Word, "c-country cs-countrycode"),
    ("client.geo.locality", Kind::Text, "cs-cicode"),
    ("client.geo.location", Kind::Secret, "cs-lat cs-long"),
    ("client.as.number", Kind::Number, "asn"),
    // What was asked.
    ("http.request.method", Kind::Method, "cs-method"),
    ("url.path", Kind::Path, "cs-uri-stem"),
    ("url.query", Kind::Query, "cs-uri-query"),
    ("url.full", Kind::Referer, "cs-uri cs-url x-cs-uri"),
    ("network.protocol.version", Kind::Protocol, "cs-version cs-protocol-version"),
    ("url.scheme", Kind::Word, "cs-protocol"),
    ("server.address", Kind::Host, "cs-host x-host-header"),
    ("user_agent.original", Kind::Agent, "cs-user-agent"),
    ("http.request.header.referer", Kind::Referer, "cs-referer cs-referrer"),
    ("http.request.header.cookie", Kind::Cookie, "cs-cookie"),
    ("http.request.header.accept-language", Kind::Language, "cs-accept-language"),
    ("http.request.header.authorization", Kind::Secret, "cs-authorization"),
    ("http.request.header.origin", Kind::Referer, "cs-origin"),
    ("http.request.body", Kind::Secret, "cs-postbody"),
    ("http.request.size", Kind::Number, "cs-bytes"),
    // What came of it.
    ("http.response.status_code", Kind::Status, "sc-status"),
    ("http.response.substatus", Kind::Number, "sc-substatus"),
    ("error.code", Kind::Number, "sc-win32-status"),
    ("http.response.size", Kind::Number, "sc-bytes bytes"),
    ("http.response.body.size", Kind::Number, "sc-content-len"),
    ("http.request.duration", Kind::Number, "time-taken"),
    ("http.response.first_byte.duration", Kind::Number, "time-to-first-byte"),
    ("upstream.cache.status", Kind::Word, "x-edge-result-type x-edge-response-result-type x-edge-detailed-result-type s-cache-status"),
    ("http.response.header.location", Kind::Referer, "sc-location"),
    ("http.response.header.set-cookie", Kind::Cookie, "sc-set-cookie"),
    // Our own side.
    ("network.local.address", Kind::Address, "s-ip"),
    ("network.local.port", Kind::Number, "s-port"),
    ("host.name", Kind::Host, "s-computername"),
    ("service.name", Kind::Text, "s-sitename s-siteid x-edge-location s-accountname"),
    ("tls.protocol.version", Kind::Word, "ssl-protocol"),
    ("tls.cipher", Kind::Word, "ssl-cipher"),
    ("event.name", Kind::Text, "s-event sc-action x-event"),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const IIS: &[u8] = b"#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken";
    const LINE: &str = "2026-11-21 10:00:00 192.0.2.1 GET /a.aspx id=5 443 SHOP\\kari 198.51.100.7 Mozilla/5.0+(Windows+NT+10.0) - 200 0 0 15";

    fn record(header: &[u8]) -> Record {
        let mut record = Record::default();
        W3c::new().parse(header, Ending::Whole, &mut record).unwrap();
        record
    }

    fn read(record: &mut Record, line: &str) -> Option<Vec<String>> {
        let format = W3c::new();
        format.parse(line.as_bytes(), Ending::Whole, record).ok()?;
        let text = |value: &Value| {
            let text = String::from_utf8_lossy(value.span.of(line.as_bytes())).into_owned();
            format!("{}={text}", format.schema().fields[value.field as usize].name)
        };
        Some(record.values.iter().map(text).collect())
    }

    #[test]
    fn a_line_is_read_by_the_header_before_it() {
        let mut record = record(IIS);
        let values = read(&mut record, LINE).unwrap();
        assert_eq!(values[0], "timestamp=2026-11-21 10:00:00");
        assert_eq!(values[1], "network.local.address=192.0.2.1");
        assert!(
            values.contains(&"user.name=SHOP\\kari".into()) && values.contains(&"client.address=198.51.100.7".into())
        );
        assert_eq!(values.last().unwrap(), "http.request.duration=15");
        W3c::new().parse(b"#Fields: c-ip x-own cs(X-Own)", Ending::Whole, &mut record).unwrap();
        assert_eq!(read(&mut record, "192.0.2.1 a b").unwrap(), ["client.address=192.0.2.1", "*=a", "*=b"]);
        assert_eq!(read(&mut record, LINE), None);
        W3c::new().parse(b"#Fields: cs(Host) cs(X-Host) x-host-header", Ending::Whole, &mut record).unwrap();
        let hosts = ["server.address=a.example", "*=b.example", "server.address=c.example"];
        assert_eq!(read(&mut record, "a.example b.example c.example").unwrap(), hosts);
    }

    #[test]
    fn without_a_header_and_with_other_columns_a_line_is_malformed() {
        assert_eq!(read(&mut Record::default(), LINE), None);
        let mut record = record(IIS);
        for wrong in ["", " ", "a", &LINE[..LINE.len() - 3], &format!("{LINE} x"), "#Feelds: a", "#Software", "#"] {
            assert_eq!(read(&mut record, wrong), None, "{wrong}");
        }
        let mut cut = Record { columns: record.columns.clone(), ..Record::default() };
        W3c::new().parse(LINE.as_bytes(), Ending::Cut, &mut cut).unwrap();
        assert_eq!(cut.values.last().unwrap().state, State::Cut);
        assert!(W3c::new().parse(IIS, Ending::Cut, &mut cut).is_err());
    }

    #[test]
    fn quotes_are_doubled_and_tabs_hold_empty_values() {
        let mut record = record(b"#Fields:  c-ip  c-dns  cs(Cookie)  cs(Referrer)  cs(User-Agent)");
        let line = r#"192.0.2.1   host   "a=""b"" c"   "https://www.example.com/"   "Mozilla/4.5 [en] (WinNT; I)""#;
        let values = read(&mut record, line).unwrap();
        assert_eq!(values[2], r#"http.request.header.cookie=a=""b"" c"#);
        assert_eq!(values[4], "user_agent.original=Mozilla/4.5 [en] (WinNT; I)");
        assert_eq!(read(&mut record, r#"192.0.2.1 host "a" "b"x"#), None);
        assert_eq!(read(&mut record, r#"192.0.2.1 host "a" "b" "c"#), None);
        let values = read(&mut record, "192.0.2.1\t\t-\t\tcurl/8.5.0").unwrap();
        assert_eq!(values[1..4], ["client.address=", "http.request.header.cookie=-", "http.request.header.referer="]);
    }

    #[test]
    fn our_own_column_is_read_over() {
        let header = [IIS, b" x-sladd"].concat();
        let mut record = record(&header);
        assert!(record.columns.tagged);
        let count = read(&mut record, LINE).unwrap().len();
        let line = format!("{LINE} class=security_log+until=2027-05-21+policy=hosting/1");
        assert_eq!(read(&mut record, &line).unwrap().len(), count);
        assert_eq!(read(&mut record, &format!("{line} x")), None);
    }

    #[test]
    fn the_same_header_again_takes_no_memory() {
        let mut columns = Columns::default();
        assert!(learn(&mut columns, IIS));
        let at = columns.columns.as_ptr();
        assert!(learn(&mut columns, IIS));
        assert_eq!(at, columns.columns.as_ptr());
        assert!(!learn(&mut columns, &[FIELDS, b" a".repeat(600).as_slice()].concat()));
        assert_eq!(columns.header, IIS);
    }

    #[test]
    fn a_header_in_parentheses_is_the_field_that_directives_give_it() {
        use crate::format::nginx::{request_header, response_header};
        let found = |name: &str| match column(name.as_bytes()).field {
            UNKNOWN => None,
            field => Some(COLUMNS[usize::from(field - OWN)].0),
        };
        let headers = "User-Agent user_agent Referer referrer Cookie Accept-Language Authorization Origin Host X-Forwarded-For \
            X-Request-ID X-Own Method Bytes uri-stem Location Set-Cookie status Content-Type";
        for header in headers.split_whitespace() {
            for (name, field) in [
                (format!("cs({header})"), request_header(header).0),
                (format!("SC({header})"), response_header(header).0),
            ] {
                let known = COLUMNS.iter().map(|row| row.0).find(|known| *known == field);
                assert_eq!(found(&name), known, "{name}");
            }
        }
    }

    #[test]
    fn names_of_columns_have_a_grammar() {
        for name in ["date", "cs(User-Agent)", "x-edge-request-id", "cs-uri-stem", "sc-win32-status", "s-ip"] {
            assert!(is_column_name(name.as_bytes()), "{name}");
        }
        for name in [
            "192.0.2.1",
            "kari@example.org",
            "cs()",
            "(a)",
            "cs(a b)",
            "",
            "p51179dd1.dip0.example",
            "B8-27-EB-5D-3C-9F",
            "x9y",
        ] {
            assert!(!is_column_name(name.as_bytes()), "{name}");
        }
    }
}
