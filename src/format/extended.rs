//! `combined` with more behind it: timings, upstreams, router names. What administrators add at the end is free text here.

use super::{Ending, Malformed, Parse, template::Template};
use crate::record::{Blank, Field, Item, Kind, Record, Schema, Span, State, Value};

/// A layout whose last quoted value is followed by a blank and anything.
#[derive(Clone, Debug)]
pub struct Extended {
    front: Template,
    schema: Schema,
}

impl Extended {
    /// What `front` reads, up to its sixth quote, and free text (`message`) behind a blank.
    pub fn new(name: &str, front: Template) -> Extended {
        let mut schema = front.schema().clone();
        let field = schema.fields.len() as u16;
        let literal = [&schema.tail[..], b" "].concat().into();
        schema.name = name.into();
        schema.fields.push(Field::new("message", Kind::Text));
        schema.items.push(Item { literal, field, blank: Blank::Dash });
        schema.tail = Box::default();
        Extended { front, schema }
    }
}

impl Parse for Extended {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn parse(&self, line: &[u8], ending: Ending, record: &mut Record) -> Result<(), Malformed> {
        let malformed = |at: usize| Malformed { at: at as u32, expected: "a blank behind the sixth quote" };
        let end = sixth_quote(line).ok_or(malformed(line.len()))? + 1;
        if line.get(end) != Some(&b' ') {
            return Err(malformed(end));
        }
        self.front.parse(&line[..end], Ending::Whole, record)?;
        let state = match ending {
            Ending::Whole => State::Present,
            Ending::Cut => State::Cut,
        };
        let field = self.schema.fields.len() as u16 - 1;
        record.values.push(Value { field, state, span: Span::new(end + 1, line.len()) });
        Ok(())
    }
}

/// Where the sixth quote is that no backslash escapes.
fn sixth_quote(line: &[u8]) -> Option<usize> {
    let (mut at, mut quotes) = (0, 0);
    loop {
        at += memchr::memchr2(b'"', b'\\', line.get(at..)?)?;
        if line[at] == b'\\' {
            at += 2;
            continue;
        }
        quotes += 1;
        if quotes == 6 {
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
        let extended = Extended::new("combined_extended", common::combined());
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
}
