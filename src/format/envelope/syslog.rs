//! Syslog as RFC 3164 and its many writers have it: `<PRI>TIME HOST PROGRAM[PID]: LINE`.
//!
//! Without priority, as files have it; without host; with the traditional time or one as RFC 3339 writes it, with a
//! fraction or without; with no program at all where priority and host are there. A word before the line is a host only
//! where a program follows it or a priority stands in front: else it may be anything, and belongs to the line.
//!
//! | place | field |
//! |---|---|
//! | priority | `log.syslog.priority` |
//! | time | `timestamp` |
//! | host | `host.name` |
//! | program | `process.name` |
//! | process id | `process.pid` |

use super::{PRIORITY, PROGRAM, dated, host, priority};
use crate::record::{Blank, Clock, Field, Item, Kind, Layout, Record, Schema};

#[derive(Clone, Debug)]
pub struct Syslog {
    schema: Schema,
    clock: Clock,
}

/// How program and line are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    /// No program: `host line`.
    None,
    /// `program: line`
    Plain,
    /// `program[123]: line`
    Numbered,
}

/// One layout of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    priority: bool,
    host: bool,
    tag: Tag,
    /// Whether a blank stands before the line.
    blank: bool,
}

impl Shape {
    /// Its place among the layouts.
    fn number(self) -> u16 {
        let tag = match self.tag {
            Tag::None => 0,
            Tag::Plain => 1,
            Tag::Numbered => 2,
        };
        u16::from(self.priority) | u16::from(self.host) << 1 | u16::from(self.blank) << 2 | tag << 3
    }

    fn all() -> impl Iterator<Item = Shape> {
        (0..24).map(|number: u16| Shape {
            priority: number & 1 != 0,
            host: number & 2 != 0,
            blank: number & 4 != 0,
            tag: [Tag::None, Tag::Plain, Tag::Numbered][usize::from(number >> 3)],
        })
    }

    fn layout(self) -> Layout {
        let item = |field, literal: &[u8]| Item { literal: literal.into(), field, blank: Blank::Dash };
        let mut items = Vec::new();
        if self.priority {
            items.push(item(0, b"<"));
        }
        items.push(item(1, if self.priority { b">" } else { b"" }));
        if self.host {
            items.push(item(2, b" "));
        }
        if self.tag != Tag::None {
            items.push(item(3, b" "));
        }
        if self.tag == Tag::Numbered {
            items.push(item(4, b"["));
        }
        let end: &[u8] = match self.tag {
            Tag::None => b"",
            Tag::Plain => b":",
            Tag::Numbered => b"]:",
        };
        let blank: &[u8] = if self.blank { b" " } else { b"" };
        Layout { items, tail: [end, blank].concat().into() }
    }
}

impl Syslog {
    /// With the traditional time, and with one as RFC 3339 writes it.
    pub(super) fn both() -> [Syslog; 2] {
        [Clock::Rfc3164, Clock::Rfc3339].map(|clock| {
            let time = Field { clock: Some(clock), ..Field::new("timestamp", Kind::Instant) };
            let fields = vec![
                Field::new(PRIORITY, Kind::Number),
                time,
                Field::new("host.name", Kind::Host),
                Field::new(PROGRAM, Kind::Word),
                Field::new("process.pid", Kind::Number),
            ];
            let mut layouts = Shape::all().map(Shape::layout);
            let Layout { items, tail } = layouts.next().expect("there are 24");
            let more = layouts.collect();
            Syslog { schema: Schema { name: "syslog".into(), fields, items, tail, more, ..Schema::default() }, clock }
        })
    }

    pub(super) fn schema(&self) -> &Schema {
        &self.schema
    }

    #[inline]
    pub(super) fn open(&self, line: &[u8], record: &mut Record) -> Option<usize> {
        record.clear();
        let start = match line.first()? {
            b'<' => priority(line)?,
            _ => 0,
        };
        if start > 0 {
            record.push(0, 1, start - 1);
        }
        let time = match self.clock {
            Clock::Rfc3164 => traditional(line, start)?,
            _ => dated(line, start)?,
        };
        record.push(1, start, time);
        if line.get(time) != Some(&b' ') {
            return None;
        }
        let first = time + 1;
        let priority = start > 0;
        if let Some(tag) = Program::at(line, first) {
            return tag.push(line, priority, false, record, &self.clock);
        }
        let host = host(line, first);
        // ArcSight's format stands behind a host without a program, whatever the time and without a priority too.
        if let Some(end) = host.filter(|end| is_cef(line, end + 1)) {
            record.push(2, first, end);
            record.layout = Shape { priority, host: true, tag: Tag::None, blank: true }.number();
            return Some(end + 1);
        }
        if let Some(end) = host
            && let Some(tag) = Program::at(line, end + 1)
        {
            record.push(2, first, end);
            return tag.push(line, priority, true, record, &self.clock);
        }
        // A network's syslog has a host, a file's line may have none; other times than syslog's begin other lines too.
        let shape = Shape { priority, host: priority && host.is_some(), tag: Tag::None, blank: true };
        if self.clock != Clock::Rfc3164 && !priority {
            return None;
        }
        let end = match host {
            Some(end) if priority => {
                record.push(2, first, end);
                end
            }
            _ => time,
        };
        record.layout = shape.number();
        Some(end + 1)
    }
}

/// `program:` or `program[123]:`, each with a blank behind it or without.
#[derive(Clone, Copy)]
struct Program {
    start: usize,
    end: usize,
    /// The digits between the brackets.
    id: Option<(usize, usize)>,
    /// One past the colon.
    colon: usize,
}

impl Program {
    fn at(line: &[u8], start: usize) -> Option<Program> {
        let text = line.get(start..)?;
        let holds = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/');
        let length = text.iter().take(65).take_while(|byte| holds(byte)).count();
        let named = (1..=64).contains(&length)
            && !is_cef(line, start)
            && (text[0].is_ascii_alphabetic() || matches!(text[0], b'_' | b'/'));
        if !named {
            return None;
        }
        let end = start + length;
        match text.get(length)? {
            b':' => Some(Program { start, end, id: None, colon: end + 1 }),
            b'[' => {
                let digits = text[length + 1..].iter().take(11).take_while(|byte| byte.is_ascii_digit()).count();
                let id = (end + 1, end + 1 + digits);
                let closed = (1..=10).contains(&digits) && line[id.1..].starts_with(b"]:");
                closed.then_some(Program { start, end, id: Some(id), colon: id.1 + 2 })
            }
            _ => None,
        }
    }

    /// Adds its values and tells where the line starts.
    fn push(self, line: &[u8], priority: bool, host: bool, record: &mut Record, clock: &Clock) -> Option<usize> {
        let blank = line.get(self.colon) == Some(&b' ');
        // `host:port …` and `fe80::…` are no programs: a line starts behind a blank, or there is none.
        if !blank && (self.id.is_none() || *clock != Clock::Rfc3164) && self.colon != line.len() {
            return None;
        }
        record.push(3, self.start, self.end);
        if let Some((start, end)) = self.id {
            record.push(4, start, end);
        }
        let tag = if self.id.is_some() { Tag::Numbered } else { Tag::Plain };
        record.layout = Shape { priority, host, tag, blank }.number();
        Some(self.colon + usize::from(blank))
    }
}

/// Whether a line of ArcSight's format stands at `at`: its own head ends with a colon, as a program's name does.
fn is_cef(line: &[u8], at: usize) -> bool {
    matches!(line[at.min(line.len())..], [b'C', b'E', b'F', b':', version, ..] if version.is_ascii_digit())
}

/// The end of `Nov 21 10:00:00` at `at`, with a fraction or without.
fn traditional(line: &[u8], at: usize) -> Option<usize> {
    let time = line.get(at..at + 15)?;
    let shaped = time.iter().zip(b"Aaa 00 00:00:00").enumerate().all(|(i, (byte, shape))| match shape {
        b'A' => byte.is_ascii_uppercase(),
        b'a' => byte.is_ascii_lowercase(),
        b'0' => byte.is_ascii_digit() || (i == 4 && *byte == b' '),
        _ => byte == shape,
    });
    let month = MONTHS.iter().any(|month| time.starts_with(*month));
    let fraction = match line.get(at + 15) {
        Some(b'.') => 1 + line[at + 16..].iter().take(10).take_while(|byte| byte.is_ascii_digit()).count(),
        _ => 0,
    };
    (shaped && month && fraction != 1 && fraction <= 10).then_some(at + 15 + fraction)
}

const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(line: &str) -> Option<(String, &str)> {
        Syslog::both().iter().find_map(|syslog| {
            let mut record = Record::default();
            let end = syslog.open(line.as_bytes(), &mut record)?;
            let text = |span: crate::record::Span| &line[span.start as usize..span.end as usize];
            let values: Vec<String> =
                record.values.iter().map(|value| format!("{}={}", value.field, text(value.span))).collect();
            Some((values.join(" "), &line[end..]))
        })
    }

    #[test]
    fn priority_host_and_process_may_each_be_missing() {
        for (line, values, inner) in [
            ("<34>Nov 21 10:00:00 web sshd[12]: a", "0=34 1=Nov 21 10:00:00 2=web 3=sshd 4=12", "a"),
            ("Nov  1 10:00:00 web sshd[12]: a", "1=Nov  1 10:00:00 2=web 3=sshd 4=12", "a"),
            ("Nov 21 10:00:00 web su: a", "1=Nov 21 10:00:00 2=web 3=su", "a"),
            ("<190>Nov 21 10:00:00 nginx: a", "0=190 1=Nov 21 10:00:00 3=nginx", "a"),
            ("Nov 21 10:00:00 2001:db8::1 nginx: a", "1=Nov 21 10:00:00 2=2001:db8::1 3=nginx", "a"),
            ("<34>Nov 21 10:00:00 web some words", "0=34 1=Nov 21 10:00:00 2=web", "some words"),
            ("Nov 21 10:00:00 some words", "1=Nov 21 10:00:00", "some words"),
            (
                "Nov 21 10:00:00.123456 web postfix/smtpd[3]: a",
                "1=Nov 21 10:00:00.123456 2=web 3=postfix/smtpd 4=3",
                "a",
            ),
            ("2026-11-21T10:00:00+01:00 web su: a", "1=2026-11-21T10:00:00+01:00 2=web 3=su", "a"),
            ("<34>2026-11-21T10:00:00Z web a", "0=34 1=2026-11-21T10:00:00Z 2=web", "a"),
            ("Nov 21 10:00:00 web sshd[12]:", "1=Nov 21 10:00:00 2=web 3=sshd 4=12", ""),
        ] {
            assert_eq!(read(line), Some((values.into(), inner)), "{line}");
        }
    }

    #[test]
    fn an_address_is_no_program_and_a_word_no_host() {
        let (values, inner) = read("Nov 21 10:00:00 192.0.2.1:80 x").unwrap();
        assert_eq!((&*values, inner), ("1=Nov 21 10:00:00", "192.0.2.1:80 x"));
        let (values, inner) = read("Nov 21 10:00:00 kari came in").unwrap();
        assert_eq!((&*values, inner), ("1=Nov 21 10:00:00", "kari came in"));
    }

    #[test]
    fn what_is_no_head_is_left_alone() {
        for line in [
            "",
            "Nov 21 10:00:00",
            "Nox 21 10:00:00 a b: c",
            "Nov 21 10:00 a b: c",
            "<34>x",
            "<999>Nov 21 10:00:00 a b: c",
            "2026-11-21T10:00:00Z some words",
            "2026-11-21 10:00:00 web su: a",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
