//! Syslog as RFC 3164 and its many writers have it: `<PRI>TIME HOST PROGRAM[PID]: LINE`.
//!
//! Without priority, as files have it; without host; with the traditional time and its variants (`crate::time`) or one as
//! RFC 3339 writes it, a blank in place of the `T` or not; with no program at all where priority and host are there. A word
//! before the line is a host only where a program follows it or a priority stands in front: else it may be anything, and
//! belongs to the line. Cisco's devices put a `*` or `.` before the time and a colon behind it, and a message's name,
//! `%ASA-6-302013`, in the place of the program: it is the beginning of the line.
//!
//! | place | field |
//! |---|---|
//! | priority | `log.syslog.priority` |
//! | time | `timestamp` |
//! | host | `host.name` |
//! | program | `process.name` |
//! | process id | `process.pid` |

use super::{PRIORITY, PROGRAM, dated, host, priority};
use crate::{
    record::{Blank, Clock, Field, Item, Kind, Layout, Record, Schema},
    time,
};

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
    /// No program and a colon right behind the time or the host: `time: line`.
    Colon,
    /// The same with a blank before the colon: `host : line`.
    Apart,
}

/// One layout of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    priority: bool,
    host: bool,
    tag: Tag,
    /// Whether a blank stands before the line.
    blank: bool,
    /// What a clock that was not set puts before the time.
    mark: Mark,
}

/// What stands right before the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    None,
    /// `*`: the clock was not set.
    Star,
    /// `.`: it was, but is not kept right.
    Point,
}

const TAGS: [Tag; 5] = [Tag::None, Tag::Plain, Tag::Numbered, Tag::Colon, Tag::Apart];
const MARKS: [Mark; 3] = [Mark::None, Mark::Star, Mark::Point];

impl Shape {
    /// Its place among the layouts.
    fn number(self) -> u16 {
        let place = self.mark as u16 * TAGS.len() as u16 + self.tag as u16;
        u16::from(self.priority) | u16::from(self.host) << 1 | u16::from(self.blank) << 2 | place << 3
    }

    fn all() -> impl Iterator<Item = Shape> {
        (0..8 * (TAGS.len() * MARKS.len()) as u16).map(|number| {
            let place = usize::from(number >> 3);
            Shape {
                priority: number & 1 != 0,
                host: number & 2 != 0,
                blank: number & 4 != 0,
                tag: TAGS[place % TAGS.len()],
                mark: MARKS[place / TAGS.len()],
            }
        })
    }

    fn layout(self) -> Layout {
        let item = |field, literal: &[u8]| Item { literal: literal.into(), field, blank: Blank::Dash };
        let mut items = Vec::new();
        if self.priority {
            items.push(item(0, b"<"));
        }
        let mark: &[u8] = match self.mark {
            Mark::None => b"",
            Mark::Star => b"*",
            Mark::Point => b".",
        };
        items.push(item(1, &[if self.priority { b">" } else { &b""[..] }, mark].concat()));
        if self.host {
            items.push(item(2, b" "));
        }
        if matches!(self.tag, Tag::Plain | Tag::Numbered) {
            items.push(item(3, b" "));
        }
        if self.tag == Tag::Numbered {
            items.push(item(4, b"["));
        }
        let end: &[u8] = match self.tag {
            Tag::None => b"",
            Tag::Plain | Tag::Colon => b":",
            Tag::Numbered => b"]:",
            Tag::Apart => b" :",
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
            let Layout { items, tail } = layouts.next().expect("there are some");
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
        let mark = match (self.clock, line.get(start)) {
            (Clock::Rfc3164, Some(b'*')) => Mark::Star,
            (Clock::Rfc3164, Some(b'.')) => Mark::Point,
            _ => Mark::None,
        };
        let time_at = start + usize::from(mark != Mark::None);
        let time = match self.clock {
            Clock::Rfc3164 => time_at + time::rfc3164_length(line.get(time_at..)?)?,
            _ => dated_or_apart(line, time_at)?,
        };
        record.push(1, time_at, time);
        let first = time + 1;
        let priority = start > 0;
        let bare = Shape { priority, host: false, blank: true, tag: Tag::None, mark };
        match line.get(time)? {
            b' ' => {}
            // Cisco's; a year first and a colon behind it begin other lines too.
            b':' if line.get(first) == Some(&b' ') && (self.clock == Clock::Rfc3164 || priority) => {
                record.layout = Shape { tag: Tag::Colon, ..bare }.number();
                return Some(first + 1);
            }
            _ => return None,
        }
        if let Some(tag) = Program::at(line, first) {
            return tag.push(line, bare, record, &self.clock);
        }
        let host = host(line, first);
        // ArcSight's format and Cisco's messages stand behind a host without a program, whatever the time and without a
        // priority too.
        if let Some(end) = host {
            let behind = [(Tag::None, 1), (Tag::Apart, 3)].into_iter().find(|(tag, more)| match tag {
                Tag::Apart => line[end..].starts_with(b" : ") && is_cisco(line, end + more),
                _ => is_cef(line, end + more) || is_cisco(line, end + more),
            });
            if let Some((tag, more)) = behind {
                record.push(2, first, end);
                record.layout = Shape { host: true, tag, ..bare }.number();
                return Some(end + more);
            }
        }
        if let Some(end) = host
            && let Some(tag) = Program::at(line, end + 1)
        {
            record.push(2, first, end);
            return tag.push(line, Shape { host: true, ..bare }, record, &self.clock);
        }
        // A network's syslog has a host, a file's line may have none; other times than syslog's begin other lines too.
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
        record.layout = Shape { host: end != time, ..bare }.number();
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
            b':' if is_label(&text[..length]) => None,
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
    fn push(self, line: &[u8], bare: Shape, record: &mut Record, clock: &Clock) -> Option<usize> {
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
        record.layout = Shape { tag, blank, ..bare }.number();
        Some(self.colon + usize::from(blank))
    }
}

/// Whether it says what follows it, and is no program: `password: hunter2` behind a time belongs together.
fn is_label(word: &[u8]) -> bool {
    let ends: [&[u8]; 6] = [b"password", b"secret", b"token", b"username", b"apikey", b"api_key"];
    let ends_with = |end: &&[u8]| word.len() >= end.len() && word[word.len() - end.len()..].eq_ignore_ascii_case(end);
    ends.iter().any(ends_with) || LABELS.iter().any(|label| label.as_bytes().eq_ignore_ascii_case(word))
}

/// Words in front of a colon that a person's name or a secret follows.
const LABELS: [&str; 28] = [
    "user",
    "userid",
    "user_id",
    "user_name",
    "usr",
    "name",
    "fullname",
    "full_name",
    "display_name",
    "displayname",
    "firstname",
    "first_name",
    "lastname",
    "last_name",
    "owner",
    "author",
    "assignee",
    "customer",
    "kunde",
    "navn",
    "bruker",
    "brukernavn",
    "passord",
    "passwort",
    "pwd",
    "pass",
    "passphrase",
    "pin",
];

/// Whether a line of ArcSight's format stands at `at`: its own head ends with a colon, as a program's name does.
fn is_cef(line: &[u8], at: usize) -> bool {
    matches!(line[at.min(line.len())..], [b'C', b'E', b'F', b':', version, ..] if version.is_ascii_digit())
}

/// Whether the name of a message of Cisco's stands at `at`: `%ASA-6-302013: `.
fn is_cisco(line: &[u8], at: usize) -> bool {
    let text = line.get(at..).unwrap_or_default();
    if text.first() != Some(&b'%') {
        return false;
    }
    let length = text.iter().take(64).take_while(|byte| byte.is_ascii_alphanumeric() || b"%-_".contains(byte)).count();
    text.get(length) == Some(&b':') && text[..length].contains(&b'-')
}

/// The end of a time as RFC 3339 writes it, or with a blank for the `T`: `2026-11-21 10:00:00,123 +0100`.
fn dated_or_apart(line: &[u8], at: usize) -> Option<usize> {
    if line.get(at + 10) != Some(&b' ') {
        return dated(line, at);
    }
    let text = line.get(at..at + 19)?;
    let shaped = text.iter().zip(b"0000-00-00 00:00:00").all(|(byte, shape)| match shape {
        b'0' => byte.is_ascii_digit(),
        _ => byte == shape,
    });
    let rest = &line[at + 19..];
    let fraction = match rest.first() {
        Some(b'.' | b',') => 1 + rest[1..].iter().take(10).take_while(|byte| byte.is_ascii_digit()).count(),
        _ => 0,
    };
    let zone = |zone: &[u8]| match zone {
        [b' ', b'U', b'T', b'C', ..] | [b' ', b'G', b'M', b'T', ..] => 4,
        [b' ', b'+' | b'-', rest @ ..] => 2 + numbered(rest),
        [b'+' | b'-', rest @ ..] => 1 + numbered(rest),
        [b'Z', ..] => 1,
        _ => 0,
    };
    let zone = zone(&rest[fraction..]);
    (shaped && fraction != 1 && fraction <= 10).then_some(at + 19 + fraction + zone)
}

/// The length of an offset's digits.
fn numbered(offset: &[u8]) -> usize {
    offset.iter().take(6).take_while(|byte| byte.is_ascii_digit() || **byte == b':').count()
}

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
            ("2026-11-21 10:00:00 web su: a", "1=2026-11-21 10:00:00 2=web 3=su", "a"),
            ("<34>2026-11-21 10:00:00 web a", "0=34 1=2026-11-21 10:00:00 2=web", "a"),
            ("2026-11-21 10:00:00,123 +0100 web su[1]: a", "1=2026-11-21 10:00:00,123 +0100 2=web 3=su 4=1", "a"),
            ("2026-11-21 10:00:00.5 UTC su: a", "1=2026-11-21 10:00:00.5 UTC 3=su", "a"),
            ("Nov 21 2026 10:00:00 web su: a", "1=Nov 21 2026 10:00:00 2=web 3=su", "a"),
            ("<34>2026 Nov 21 10:00:00.123 web su: a", "0=34 1=2026 Nov 21 10:00:00.123 2=web 3=su", "a"),
            ("Nov 1 10:00:00 web su: a", "1=Nov 1 10:00:00 2=web 3=su", "a"),
            ("Nov 21 10:00:00.123 CET web su: a", "1=Nov 21 10:00:00.123 CET 2=web 3=su", "a"),
            ("<189>Nov 21 2026 10:00:00: %ASA-6-302013: a", "0=189 1=Nov 21 2026 10:00:00", "%ASA-6-302013: a"),
            ("<189>Nov 21 2026 10:00:00 fw : %ASA-6-3: a", "0=189 1=Nov 21 2026 10:00:00 2=fw", "%ASA-6-3: a"),
            ("Nov 21 2026 10:00:00 fw %ASA-6-302013: a", "1=Nov 21 2026 10:00:00 2=fw", "%ASA-6-302013: a"),
            ("*Nov 21 10:00:00.123 UTC: %SYS-5-CONFIG_I: a", "1=Nov 21 10:00:00.123 UTC", "%SYS-5-CONFIG_I: a"),
            ("<189>.Nov 21 10:00:00: %LINK-3-UPDOWN: a", "0=189 1=Nov 21 10:00:00", "%LINK-3-UPDOWN: a"),
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
            "2026-11-21 10:00:00 some words",
            "2026-11-21 10:00:00: some words",
            "2026-11-21 10:00:00 203.0.113.7 GET /a - 80 - 198.51.100.7",
            "2026-11-21 10:00:00,123 - root - INFO - kari: x",
            "2026-11-21 10:00:00,123 INFO:root:x",
            "*2026-11-21T10:00:00Z web su: a",
            "2026 Nov 10:00:00 a b: c",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
