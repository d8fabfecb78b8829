//! Syslog as RFC 5424 has it: `<PRI>1 TIME HOST PROGRAM PID MSGID STRUCTURED-DATA LINE`.
//!
//! | place | field |
//! |---|---|
//! | priority | `log.syslog.priority` |
//! | time | `timestamp` |
//! | host | `host.name` |
//! | application | `process.name` |
//! | process id | `process.pid` |
//! | message id | `log.syslog.msgid` |
//! | structured data, a dash or elements in brackets | `log.syslog.structured_data` |

use super::{PRIORITY, PROGRAM, dated, host, priority};
use crate::record::{Blank, Clock, Field, Item, Kind, Layout, Record, Schema};

#[derive(Clone, Debug)]
pub struct Ietf {
    schema: Schema,
}

/// The layouts: a line follows; one with a byte order mark; none.
const TAILS: [&[u8]; 3] = [b" ", b" \xef\xbb\xbf", b""];

impl Ietf {
    pub(super) fn new() -> Ietf {
        let time = Field { clock: Some(Clock::Rfc3339), ..Field::new("timestamp", Kind::Instant) };
        let fields = vec![
            Field::new(PRIORITY, Kind::Number),
            time,
            Field::new("host.name", Kind::Host),
            Field::new(PROGRAM, Kind::Word),
            Field::new("process.pid", Kind::Number),
            Field::new("log.syslog.msgid", Kind::Word),
            Field::new("log.syslog.structured_data", Kind::Text),
        ];
        let item = |(field, literal): (u16, &[u8])| Item { literal: literal.into(), field, blank: Blank::Dash };
        let items: Vec<Item> = [&b"<"[..], b">1 ", b" ", b" ", b" ", b" ", b" "]
            .into_iter()
            .zip(0..)
            .map(|(literal, field)| item((field, literal)))
            .collect();
        let more = TAILS[1..].iter().map(|tail| Layout { items: items.clone(), tail: (*tail).into() }).collect();
        let schema = Schema { name: "syslog".into(), fields, items, tail: TAILS[0].into(), more, ..Schema::default() };
        Ietf { schema }
    }

    pub(super) fn schema(&self) -> &Schema {
        &self.schema
    }

    #[inline]
    pub(super) fn open(&self, line: &[u8], record: &mut Record) -> Option<usize> {
        let time = priority(line)? + 2;
        if !line.get(..time)?.ends_with(b">1 ") {
            return None;
        }
        let mut ends = [0; 5];
        ends[0] = if line.get(time) == Some(&b'-') { time + 1 } else { dated(line, time)? };
        ends[1] = host(line, blank(line, ends[0])?)?;
        for i in 2..5 {
            let start = blank(line, ends[i - 1])?;
            let length = line[start..].iter().take(129).take_while(|byte| byte.is_ascii_graphic()).count();
            if !(1..=128).contains(&length) {
                return None;
            }
            ends[i] = start + length;
        }
        let data = blank(line, ends[4])?;
        let end = structured(line, data)?;
        record.clear();
        record.push(0, 1, time - 3);
        let mut start = time;
        for (field, end) in (1..).zip(ends) {
            record.push(field, start, end);
            start = end + 1;
        }
        record.push(6, data, end);
        record.layout = match line[end..] {
            [] => 2,
            [b' ', 0xef, 0xbb, 0xbf, ..] => 1,
            [b' ', ..] => 0,
            _ => return None,
        };
        Some(end + TAILS[record.layout as usize].len())
    }
}

/// One past the blank at `at`.
fn blank(line: &[u8], at: usize) -> Option<usize> {
    (line.get(at) == Some(&b' ')).then_some(at + 1)
}

/// The end of the structured data at `at`: a dash, or `[…]` once or more; in quotes a backslash takes the next byte along.
fn structured(line: &[u8], mut at: usize) -> Option<usize> {
    if line.get(at) == Some(&b'-') {
        return Some(at + 1);
    }
    let start = at;
    while line.get(at) == Some(&b'[') {
        let mut quoted = false;
        loop {
            at += 1;
            match line.get(at)? {
                b'"' => quoted = !quoted,
                b'\\' if quoted => at += 1,
                b']' if !quoted => break,
                _ => {}
            }
        }
        at += 1;
    }
    (at > start).then_some(at)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(line: &str) -> Option<(Vec<&str>, &str)> {
        let mut record = Record::default();
        let end = Ietf::new().open(line.as_bytes(), &mut record)?;
        let text = |span: crate::record::Span| &line[span.start as usize..span.end as usize];
        Some((record.values.iter().map(|value| text(value.span)).collect(), &line[end..]))
    }

    #[test]
    fn every_part_of_the_head_is_a_value() {
        let line =
            r#"<165>1 2026-11-21T10:00:00.003Z web.example.com nginx 8710 access [a@1 k="v \"]\" ]"][b x="y"] a line"#;
        let (values, inner) = read(line).unwrap();
        assert_eq!(
            values,
            [
                "165",
                "2026-11-21T10:00:00.003Z",
                "web.example.com",
                "nginx",
                "8710",
                "access",
                r#"[a@1 k="v \"]\" ]"][b x="y"]"#
            ]
        );
        assert_eq!(inner, "a line");
    }

    #[test]
    fn missing_parts_are_dashes_and_the_line_may_be_missing_too() {
        assert_eq!(read("<34>1 - - - - - -").unwrap().1, "");
        assert_eq!(read("<34>1 - - - - - - ").unwrap().1, "");
        assert_eq!(read("<34>1 - 2001:db8::1 su - - - \u{feff}x").unwrap().1, "x");
    }

    #[test]
    fn what_is_no_head_is_left_alone() {
        for line in [
            "",
            "<34>",
            "<192>1 - - - - - - x",
            "<34>2 - - - - - - x",
            "<34>1 - - - - - x",
            "<34>1 - - - - - [a x",
            "<34>1 - - - - - [a]x",
            r#"<34>1 - - - - - [a b="\"] x"#,
            "<34>1 yesterday - - - - - x",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
