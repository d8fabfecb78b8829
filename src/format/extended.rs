//! `combined` and `common` with more behind them: timings, upstreams, router names. What administrators add at the end is
//! free text here.

use super::{Ending, Look, Malformed, Parse, template::Template};
use crate::record::{Blank, Field, Item, Kind, Record, Schema, Seen, Sight, Span, State, Value};
use std::sync::Arc;

/// A layout of fixed order that a blank and anything follow.
#[derive(Clone, Debug)]
pub struct Extended {
    front: Template,
    schema: Schema,
    last: Last,
}

/// What the layout in front ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// The third quoted value: request, referer, agent. What follows is `message`.
    Agent,
    /// The size, behind the one quoted value, the request. What follows is `message` if there is no quote in it. With one
    /// it is `event.original`: it may be a referer, an agent or what is left of a `combined` line that was cut in the
    /// middle of one, and which of them nobody knows.
    Size,
}

impl Extended {
    /// What `front` reads, up to its last value, and free text behind a blank.
    pub fn new(name: &str, front: Template, last: Last) -> Extended {
        let mut schema = front.schema().clone();
        let literal: Arc<[u8]> = [&schema.tail[..], b" "].concat().into();
        let behind: &[&str] = match last {
            Last::Agent => &["message"],
            Last::Size => &["message", "event.original"],
        };
        for name in behind {
            let field = schema.fields.len() as u16;
            schema.fields.push(Field::new(name, Kind::Text));
            schema.items.push(Item { literal: literal.clone(), field, blank: Blank::Dash });
        }
        schema.name = name.into();
        schema.tail = Arc::default();
        Extended { front, schema, last }
    }
}

impl Extended {
    /// Whether a line of it may begin with this byte. `true` says nothing.
    pub(super) fn begins_with(&self, byte: u8) -> bool {
        self.front.begins_with(byte)
    }

    /// How lines of it look that may be read by sight.
    pub(super) fn look(&self) -> Option<Look> {
        let usual = self.front.usual.filter(|usual| usual.sees())?;
        Some(Look { quotes: usual.quotes(), behind: true })
    }

    /// Whether it refuses every line that another format reads by sight, of this look.
    pub(super) fn refuses_seen(&self, look: Look) -> bool {
        let quotes = match self.last {
            Last::Agent => 6,
            Last::Size => 2,
        };
        self.front.hosted || look.quotes < quotes || (self.last == Last::Size && look == Look { quotes, behind: false })
    }

    /// Fills `record` from a whole line of which the sight is known. `None` says nothing.
    #[inline]
    pub(super) fn read_sight(&self, line: &[u8], sight: &Sight, record: &mut Record) -> Option<Seen> {
        self.front.read_sight_behind(line, sight, record)
    }
}

impl Parse for Extended {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn parse(&self, line: &[u8], ending: Ending, record: &mut Record) -> Result<(), Malformed> {
        let malformed = |at: usize| Malformed { at: at as u32, expected: "a blank behind the layout" };
        if self.front.refuses(line) {
            return Err(malformed(0));
        }
        let end = match self.last {
            Last::Agent => quote(line, 6).map(|at| at + 1),
            Last::Size => quote(line, 2).and_then(|at| behind_size(line, at + 1)),
        };
        let end = end.ok_or(malformed(line.len()))?;
        if line.get(end) != Some(&b' ') {
            return Err(malformed(end));
        }
        self.front.parse(&line[..end], Ending::Whole, record)?;
        let state = match ending {
            Ending::Whole => State::Present,
            Ending::Cut => State::Cut,
        };
        let span = Span::new(end + 1, line.len());
        let field = self.front.schema().fields.len() as u16;
        match self.last {
            Last::Agent => record.values.push(Value { field, state, span }),
            Last::Size if memchr::memchr(b'"', span.of(line)).is_none() => {
                record.values.push(Value { field, state, span });
                record.push_absent(field + 1);
            }
            Last::Size => {
                record.push_absent(field);
                record.values.push(Value { field: field + 1, state, span });
            }
        }
        Ok(())
    }
}

/// Where the size ends, if a status and a size stand behind the quote before `at`.
fn behind_size(line: &[u8], at: usize) -> Option<usize> {
    let rest = line.get(at..)?.strip_prefix(b" ")?;
    let status = memchr::memchr(b' ', &rest[..rest.len().min(4)])? + 1;
    let size = rest[status..].iter().position(|byte| !byte.is_ascii_digit() && *byte != b'-')?;
    Some(at + 1 + status + size)
}

/// Where the quote of this number is that no backslash escapes. The two of an empty user do not count.
fn quote(line: &[u8], number: usize) -> Option<usize> {
    let (mut at, mut quotes) = (0, 0);
    loop {
        at += memchr::memchr2(b'"', b'\\', line.get(at..)?)?;
        if line[at] == b'\\' {
            at += 2;
            continue;
        }
        if quotes == 0 && line[at..].starts_with(b"\"\" [") {
            at += 2;
            continue;
        }
        quotes += 1;
        if quotes == number {
            return Some(at);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::common;

    fn read(line: &str, ending: Ending) -> Option<Vec<(String, State)>> {
        read_by(&Extended::new("combined_extended", common::combined(), Last::Agent), line, ending)
    }

    fn read_by(extended: &Extended, line: &str, ending: Ending) -> Option<Vec<(String, State)>> {
        let mut record = Record::default();
        extended.parse(line.as_bytes(), ending, &mut record).ok()?;
        let text = |value: &Value| (String::from_utf8(value.span.of(line.as_bytes()).to_vec()).unwrap(), value.state);
        Some(record.values.iter().filter(|value| value.state != State::Absent).map(text).collect())
    }

    const FRONT: &str = r#"192.0.2.1 - kari [21/Nov/2026:10:00:00 +0100] "GET /a HTTP/1.1" 200 5 "-" "a \"b\" c""#;

    #[test]
    fn what_stands_behind_the_agent_is_one_free_text() {
        let values = read(&format!(r#"{FRONT} 500 "shop@docker" "http://192.0.2.3:80" 0ms"#), Ending::Whole).unwrap();
        assert_eq!(values.last().unwrap().0, r#"500 "shop@docker" "http://192.0.2.3:80" 0ms"#);
        assert!(
            values.contains(&("kari".into(), State::Present))
                && values.contains(&(r#"a \"b\" c"#.into(), State::Present))
        );
    }

    #[test]
    fn a_cut_text_is_withheld() {
        assert_eq!(read(&format!("{FRONT} rt=0.0"), Ending::Cut).unwrap().last().unwrap().1, State::Cut);
    }

    #[test]
    fn nothing_behind_or_no_blank_is_another_layout() {
        for line in [FRONT.to_owned(), format!("{FRONT}x"), format!("x {FRONT} y"), String::new(), r#"" \"#.into()] {
            assert_eq!(read(&line, Ending::Whole), None, "{line}");
        }
    }

    const COMMON: &str = r#"192.0.2.1 - kari [21/Nov/2026:10:00:00 +0100] "GET /a\"b HTTP/1.1" 200 512"#;

    /// The field that what is behind `common` went to, and its text.
    fn behind(line: &str, ending: Ending) -> Option<(String, String, State)> {
        let extended = Extended::new("common_extended", common::common(), Last::Size);
        let mut record = Record::default();
        extended.parse(line.as_bytes(), ending, &mut record).ok()?;
        assert_eq!(record.values.len(), extended.schema.fields.len());
        let mut values = record.values.iter().filter(|value| value.state != State::Absent);
        let last = values.next_back()?;
        let name = extended.schema.fields[last.field as usize].name.to_string();
        Some((name, String::from_utf8(last.span.of(line.as_bytes()).to_vec()).unwrap(), last.state))
    }

    #[test]
    fn what_stands_behind_the_size_is_free_text_or_where_it_has_quotes_unknown() {
        for (rest, field) in [
            ("0.003", "message"),
            ("15234 - 10.1.2.3:8080", "message"),
            ("", "message"),
            ("\"x\"", "event.original"),
            ("0.003 \"https://www.example.org/\" \"curl/8\"", "event.original"),
            ("\"https://www.example.org/a", "event.original"),
            (r#""-" "Mozilla/5.0 (X11"#, "event.original"),
        ] {
            let read = behind(&format!("{COMMON} {rest}"), Ending::Whole).unwrap();
            assert_eq!((&*read.0, &*read.1, read.2), (field, rest, State::Present));
        }
        assert_eq!(behind(&format!("{COMMON} rt=0.0"), Ending::Cut).unwrap().2, State::Cut);
        let dash = COMMON.replace("200 512", "- -");
        assert_eq!(behind(&format!("{dash} 0.1"), Ending::Whole).unwrap().1, "0.1");
    }

    #[test]
    fn what_is_no_common_line_in_front_is_another_layout() {
        for line in [
            COMMON.to_owned(),
            format!("{COMMON}x 1"),
            format!("x {COMMON} 1"),
            COMMON.replace(" 512", "") + " ",
            COMMON.replace("200", "2000") + " 1",
            COMMON.replace(" 200", "200") + " 1",
            COMMON.replace("HTTP/1.1\"", "HTTP/1.1") + " 1",
        ] {
            assert_eq!(behind(&line, Ending::Whole), None, "{line}");
        }
    }

    #[test]
    fn the_quotes_of_an_empty_user_are_none_of_the_request() {
        let line = COMMON.replace("kari", "\"\"") + " 0.1";
        assert_eq!(behind(&line, Ending::Whole).unwrap().1, "0.1");
        let line = FRONT.replace("kari", "\"\"") + " 0.1";
        assert_eq!(read(&line, Ending::Whole).unwrap().last().unwrap().0, "0.1");
    }
}
