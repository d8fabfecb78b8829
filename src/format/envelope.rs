//! What stands around a line: a time, a host, a program; then a line of any other format.
//!
//! An envelope is a layout of its own: its values are treated like any others, and what it holds is read as if it stood
//! alone. Envelopes are opened one after the other, at most [`MOST`] deep, before any other format is tried: a client's
//! host name and a user could hold all that a syslog head consists of, but no head is a client.

mod cri;
mod docker;
mod ietf;
mod journal;
mod syslog;

use super::{grammar, seek};
use crate::record::{Record, Schema, State};

pub(crate) use docker::trimmed;

/// So many envelopes may stand in one another.
pub const MOST: usize = 3;

/// One kind of envelope.
#[derive(Clone, Debug)]
pub enum Envelope {
    /// What a Kubernetes container runtime writes: `2026-11-21T10:00:00.000000000Z stdout F …`.
    Cri(cri::Cri),
    /// RFC 5424: `<34>1 2026-11-21T10:00:00Z host program 123 - - …`.
    Ietf(ietf::Ietf),
    /// `MESSAGE=` in an entry of the journal's export format: not among those that any line may begin with.
    Journal(journal::Journal),
    /// RFC 3164 and its many writers: `<34>Nov 21 10:00:00 host program[123]: …`.
    Syslog(syslog::Syslog),
}

impl Envelope {
    /// The fields and the layouts, whose tail ends where the inner line starts.
    pub fn schema(&self) -> &Schema {
        match self {
            Envelope::Cri(cri) => cri.schema(),
            Envelope::Ietf(ietf) => ietf.schema(),
            Envelope::Journal(journal) => journal.schema(),
            Envelope::Syslog(syslog) => syslog.schema(),
        }
    }

    /// Fills `record` from the envelope that `line` begins with, and tells where the inner line starts.
    #[inline]
    pub fn open(&self, line: &[u8], record: &mut Record) -> Option<usize> {
        match self {
            Envelope::Cri(cri) => cri.open(line, record),
            Envelope::Ietf(ietf) => ietf.open(line, record),
            Envelope::Journal(journal) => journal.open(line, record),
            Envelope::Syslog(syslog) => syslog.open(line, record),
        }
    }

    /// The program that an envelope names, of a record that it has filled.
    pub fn program<'a>(&self, line: &'a [u8], record: &Record) -> Option<&'a [u8]> {
        let fields = &self.schema().fields;
        let is_program = |field: u16| &*fields[field as usize].name == PROGRAM;
        let value = record.values.iter().find(|value| value.state == State::Present && is_program(value.field))?;
        Some(value.span.of(line))
    }
}

/// A line of a container runtime, which cuts long lines in pieces: which line it is of, and whether more of that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Whose pieces belong together: a stream of one runtime, less than [`LANES`].
    pub lane: usize,
    /// More of the line follows.
    pub partial: bool,
    /// Where the text starts.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Whether the text stands in a string of JSON, with its escapes.
    pub escaped: bool,
}

/// So many lines may be in pieces at a time: standard output and standard error of each runtime.
pub const LANES: usize = 4;

/// What a container runtime says of its line; `None`: none wrote it.
#[inline]
pub fn part(line: &[u8]) -> Option<Part> {
    match line.first()? {
        b'{' => docker::part(line),
        b'1' | b'2' => {
            let (stream, tag, start) = cri::head(line)?;
            let lane = usize::from(&line[stream] == b"stderr");
            Some(Part { lane, partial: line[tag.start] == b'P', start, end: line.len(), escaped: false })
        }
        _ => None,
    }
}

/// Whether a line may be the first piece of a longer one: a quick look.
#[inline]
pub(crate) fn may_be_part(line: &[u8]) -> bool {
    match line {
        [b'{', ..] => line.len() >= docker::PIECE_BYTES,
        [b'1' | b'2', _, _, _, b'-', ..] => true,
        _ => false,
    }
}

/// Whether some envelope may begin so: a quick look, for lines that have none.
#[inline]
pub fn may_begin(line: &[u8]) -> bool {
    match line {
        [b'<', digit, ..] => digit.is_ascii_digit(),
        [b'*' | b'.', rest @ ..] => begins_time(rest),
        line => begins_time(line),
    }
}

/// Whether a day may stand there, with a year or without.
#[inline]
fn begins_time(line: &[u8]) -> bool {
    match line {
        [b'1' | b'2', _, _, _, b'-', _, _, b'-', ..] => true,
        [b'1' | b'2', _, _, _, b' ', rest @ ..] => begins_day(rest),
        line => begins_day(line),
    }
}

/// Whether a month and a day stand there.
#[inline]
fn begins_day(line: &[u8]) -> bool {
    match line {
        [b'A' | b'D' | b'F' | b'J' | b'M' | b'N' | b'O' | b'S', _, _, b' ', one, two, more, ..] => {
            one.is_ascii_digit() && *two == b' ' || two.is_ascii_digit() && *more == b' '
        }
        _ => false,
    }
}

/// The envelopes of a name, or `None` where none is called so.
pub fn named(name: &str) -> Option<Vec<Envelope>> {
    match name {
        "cri" => Some(vec![Envelope::Cri(cri::Cri::new())]),
        "syslog" => {
            let [traditional, dated] = syslog::Syslog::both();
            Some(vec![Envelope::Ietf(ietf::Ietf::new()), Envelope::Syslog(traditional), Envelope::Syslog(dated)])
        }
        _ => None,
    }
}

/// All of them, in the order in which they are tried.
pub fn all() -> Vec<Envelope> {
    NAMES.iter().filter_map(|name| named(name)).flatten().collect()
}

/// What stands around a message in the journal's export format.
pub fn journal() -> Envelope {
    Envelope::Journal(journal::Journal::new())
}

/// What an envelope can be called.
pub const NAMES: &[&str] = &["cri", "syslog"];

const PRIORITY: &str = "log.syslog.priority";
/// The field of the program that wrote a line.
pub const PROGRAM: &str = "process.name";

/// The end of `<NNN>`, a priority of at most 191, with its brackets.
fn priority(line: &[u8]) -> Option<usize> {
    let digits = line.get(1..)?.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    let fits = line[0] == b'<' && (1..=3).contains(&digits) && line.get(1 + digits) == Some(&b'>');
    let number = line.get(1..1 + digits)?.iter().fold(0u32, |sum, byte| sum * 10 + u32::from(byte - b'0'));
    (fits && number <= 191).then_some(digits + 2)
}

/// The end of the host at `at`: a name or an address, with what a host may be written with, up to a blank.
fn host(line: &[u8], at: usize) -> Option<usize> {
    let holds =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']' | b'%');
    let length = line.get(at..)?.iter().take(256).take_while(|byte| holds(byte)).count();
    let host = &line[at..at + length];
    // In brackets stands an address, or it is a process.
    let process = host.first() == Some(&b'[') && !host.contains(&b':');
    ((1..256).contains(&length) && !process && line.get(at + length) == Some(&b' ')).then_some(at + length)
}

/// The end of the time at `at`, which begins as RFC 3339 says, up to a blank: `2026-11-21T10:00:00.123+01:00`.
fn dated(line: &[u8], at: usize) -> Option<usize> {
    let time = line.get(at..)?;
    let (date, rest) = time.split_first_chunk::<19>()?;
    if rest.is_empty() || !grammar::is_dated(date) {
        return None;
    }
    let rest = seek::first(&rest[..rest.len().min(20)], 0, |byte| {
        !((byte.wrapping_sub(b'0') < 11) | (byte.wrapping_sub(b'+') < 4) | (byte | 0x20 == b'z'))
    });
    (rest < 20).then_some(at + 19 + rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_envelope_begins_so_that_the_quick_look_lets_it_pass() {
        for line in [
            "<34>Nov 21 10:00:00 web nginx: x",
            "Nov  1 10:00:00 web nginx: x",
            "Nov 1 10:00:00 web nginx: x",
            "Nov 21 2026 10:00:00 web nginx: x",
            "2026 Nov  1 10:00:00 web nginx: x",
            "*Nov 21 10:00:00: %SYS-5-CONFIG_I: x",
            "*2026 Nov 21 10:00:00 fw %ASA-6-1: x",
            "2026-11-21 10:00:00 web nginx: x",
            "2026-11-21T10:00:00Z stdout F x",
            "2026-11-21T10:00:00+01:00 web nginx: x",
            "<34>1 2026-11-21T10:00:00Z web nginx - - - x",
        ] {
            let opened = all().iter().any(|one| one.open(line.as_bytes(), &mut Record::default()).is_some());
            assert!(opened && may_begin(line.as_bytes()), "{line}");
        }
        for line in ["", "192.0.2.1 - -", "{\"a\":1}", "www.example.com 192.0.2.1", "2001:db8::1 - -", "November", "<"]
        {
            assert!(!may_begin(line.as_bytes()), "{line}");
        }
    }

    proptest! {
        #[test]
        fn values_lie_in_order_within_the_head_whatever_comes(line in "(<[0-9]{1,4}>1? ?)?[*.]?(2026 )?(Nov +[0-9]{1,2} (2026 )?10:00:00|2026-11-21[T ]10:00:00(Z|,1| UTC| \\+0100)?)?( fw :? ?%A-1:)?[ -~\\xff]{0,60}") {
            for envelope in all() {
                let mut record = Record::default();
                let Some(end) = envelope.open(line.as_bytes(), &mut record) else { continue };
                prop_assert!(end <= line.len() && may_begin(line.as_bytes()));
                // What stands between the values is the layout's.
                let (items, tail) = envelope.schema().layout(record.layout);
                let mut written = Vec::new();
                for (item, value) in items.iter().zip(&record.values) {
                    prop_assert_eq!(item.field, value.field);
                    written.extend_from_slice(&item.literal);
                    written.extend_from_slice(value.span.of(line.as_bytes()));
                }
                written.extend_from_slice(tail);
                prop_assert_eq!(&written[..], &line.as_bytes()[..end]);
                prop_assert_eq!(items.len(), record.values.len());
            }
        }
    }
}
