//! The journal's export format, line by line: which line belongs to an entry, and values that come behind their length.
//!
//! An entry's lines are treated one by one, each written as it is read; nothing of an entry is kept but its time and who
//! wrote it. A value behind its length is kept up to [`MOST_VALUE_BYTES`] until it is whole: its length stands before it,
//! and another length will be written. The tag stands behind the message, the one field that may be any text.
//!
//! Only an input that begins with an entry is such a stream. Where a line does not fit it any more, or a value is longer than
//! is kept of a line, what looks like a field is still treated as one; the rest is read as any other line, until an entry
//! begins again.

use super::{Desk, carry::without_return};
use crate::{
    encode::{Batch, Encoding, LineEnd},
    epoch::Epoch,
    format::{Ending, Parse, export, message},
    plan::{Export as Routes, Plan},
    record::Clock,
    retention,
    tally::Tally,
    time::{self, Timestamp, Zone},
    treatment,
};

/// What stood before a line of such a stream. Holds bytes of one value at most, and shows none.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Stream {
    stage: Stage,
    /// When the entry was made, once that was said.
    time: Option<Timestamp>,
    /// Who wrote it, as far as that was said.
    program: Program,
    /// The value behind its length that is not whole yet.
    value: Value,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// No line has been seen.
    #[default]
    Start,
    /// It is no such stream.
    Never,
    /// Lines do not fit it any more; what looks like a field is one.
    Lost,
    /// An entry is to begin.
    Between,
    Entry,
    /// Within a value behind its length, or the length.
    Value,
}

/// Who wrote an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Program {
    #[default]
    Unsaid,
    /// By the name of its file, which `SYSLOG_IDENTIFIER` overrules.
    Command(Option<usize>),
    Named(Option<usize>),
}

#[derive(Clone, Default, PartialEq, Eq)]
struct Value {
    name: Vec<u8>,
    length: [u8; 8],
    /// How many bytes of the length came.
    came: usize,
    /// How many of the value are to come.
    left: u64,
    text: Vec<u8>,
    over: bool,
}

/// What a line is in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// It is none of it.
    Other,
    /// It ends an entry.
    Blank,
    /// A name and a value.
    Field,
    /// A name whose value comes behind its length.
    Begins,
    /// A part of such a value, its end not among it.
    Part,
    /// The last part: the text of it ends where the line does.
    Ends,
}

impl Stream {
    /// Whether a line may be of such a stream: a quick look.
    #[inline]
    pub(super) fn may(&self) -> bool {
        self.stage != Stage::Never
    }

    /// Whether it may go on, or begin, with these lines.
    pub(super) fn may_go_on(&self, lines: &[u8]) -> bool {
        self.stage != Stage::Start || export::begins_entry(lines)
    }

    /// The first line was none of it, or none is expected to be.
    pub(super) fn is_none(&mut self) {
        self.stage = Stage::Never;
    }

    /// What `raw` is, a line without its line feed.
    fn look(&self, raw: &[u8]) -> Line {
        let line = without_return(raw);
        match self.stage {
            Stage::Never => Line::Other,
            Stage::Start | Stage::Between if export::begins_entry(line) => Line::Field,
            Stage::Between if line.is_empty() => Line::Blank,
            Stage::Start | Stage::Between => Line::Other,
            Stage::Entry if line.is_empty() => Line::Blank,
            Stage::Entry | Stage::Lost => named(line),
            Stage::Value => {
                // The line feed is a byte of the length or the value, unless the value ends before it.
                let came = raw.len() as u64 + 1;
                let left = match (8 - self.value.came) as u64 {
                    0 => self.value.left,
                    missing if came <= missing => return Line::Part,
                    missing => self.whole_length(raw).saturating_add(missing),
                };
                match came {
                    // No journal writes such a length.
                    _ if left > MOST_LENGTH => named(line),
                    came if came <= left => Line::Part,
                    came if came == left + 1 => Line::Ends,
                    _ => named(line),
                }
            }
        }
    }

    /// Whether what stands on these bytes of a value is not kept: it is longer than a line may be.
    fn is_over(&self, raw: &[u8]) -> bool {
        let missing = 8 - self.value.came;
        self.value.over || missing > 0 && raw.len() >= missing && self.whole_length(raw) > MOST_VALUE_BYTES
    }

    /// Within a value, where any byte is one of it.
    pub(super) fn in_value(&self) -> bool {
        self.stage == Stage::Value
    }

    /// The value's length, whose last bytes `raw` begins with.
    fn whole_length(&self, raw: &[u8]) -> u64 {
        let (came, mut length) = (self.value.came, self.value.length);
        length[came..].copy_from_slice(&raw[..8 - came]);
        u64::from_le_bytes(length)
    }

    /// Takes note of a line without its line feed; whether it is of the stream.
    pub(super) fn note(&mut self, raw: &[u8], ending: Ending) -> bool {
        let line = self.look(raw);
        if self.stage == Stage::Value && matches!(line, Line::Field | Line::Begins) {
            self.lose();
        }
        match (line, ending) {
            (Line::Other, _) | (Line::Begins, Ending::Cut) => {
                self.lose();
                return false;
            }
            (Line::Part | Line::Ends, Ending::Cut) => self.lose(),
            (Line::Blank, _) => self.stage = Stage::Between,
            (Line::Field, _) => {
                let goes_on = self.stage == Stage::Entry || self.stage == Stage::Lost && !export::begins_entry(raw);
                if !goes_on {
                    (self.stage, self.time, self.program) = (Stage::Entry, None, Program::Unsaid);
                    self.value.clear();
                }
                self.note_field(without_return(raw));
            }
            (Line::Begins, Ending::Whole) => {
                self.stage = Stage::Value;
                self.value.clear();
                self.value.name.extend_from_slice(without_return(raw));
            }
            (Line::Part, Ending::Whole) => self.value.take(raw, true),
            (Line::Ends, Ending::Whole) => {
                self.stage = Stage::Entry;
                self.value.clear();
            }
        }
        true
    }

    pub(super) fn lose(&mut self) {
        self.stage = if matches!(self.stage, Stage::Start | Stage::Never) { Stage::Never } else { Stage::Lost };
        self.value.clear();
    }

    fn note_field(&mut self, line: &[u8]) {
        if let Some(name) = line.strip_prefix(b"SYSLOG_IDENTIFIER=") {
            self.program = Program::Named(message::of_program(name));
        } else if let Some(name) = line.strip_prefix(b"_COMM=") {
            if !matches!(self.program, Program::Named(_)) {
                self.program = Program::Command(message::of_program(name));
            }
        } else if let Some(micros) = line.strip_prefix(b"__REALTIME_TIMESTAMP=") {
            self.time = time::parse(Clock::EpochMicros, micros, &Zone::utc());
        }
    }
}

impl Value {
    fn clear(&mut self) {
        self.name.clear();
        self.text.clear();
        (self.came, self.left, self.over) = (0, 0, false);
    }

    /// Takes a line, and its line feed where that is no end.
    fn take(&mut self, raw: &[u8], feed: bool) {
        let feed: &[u8] = if feed { b"\n" } else { b"" };
        for bytes in [raw, feed] {
            let more = bytes.len().min(8 - self.came);
            self.length[self.came..self.came + more].copy_from_slice(&bytes[..more]);
            self.came += more;
            if more > 0 && self.came == 8 {
                self.left = u64::from_le_bytes(self.length);
                self.over = self.left > MOST_VALUE_BYTES;
            }
            let bytes = &bytes[more..];
            self.left = self.left.saturating_sub(bytes.len() as u64);
            if !self.over {
                self.text.extend_from_slice(bytes);
            }
        }
    }
}

/// What is kept of a value behind its length: as much as of a line.
const MOST_VALUE_BYTES: u64 = 64 * 1024;

/// No value is longer: the journal takes no more of a field from a program, and a core file is not written out so.
const MOST_LENGTH: u64 = 64 * 1024 * 1024;

/// A line of an entry that is no blank one.
fn named(line: &[u8]) -> Line {
    match export::name(line) {
        Some(end) if end == line.len() => Line::Begins,
        Some(end) if line[end] == b'=' => Line::Field,
        Some(_) | None => Line::Other,
    }
}

/// One worker's memory for such values.
#[derive(Default)]
pub(super) struct Memory {
    line: Vec<u8>,
    pieces: Batch,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

impl Desk {
    /// The line that `lines` begin with, if it is of such a stream: how long it is with its line feed. An epoch without a
    /// secret comes back before anything is written.
    #[cold]
    pub(super) fn exported(
        &mut self,
        plan: &Plan,
        lines: &[u8],
        batch: &mut Batch,
        tally: &mut Tally,
    ) -> Result<Option<usize>, Epoch> {
        let (raw, ending, length) = match memchr::memchr(b'\n', lines) {
            Some(end) => (&lines[..end], Ending::Whole, end + 1),
            None => (lines, Ending::Cut, lines.len()),
        };
        let is = self.carry.stream.look(raw);
        let Some(routes) = &plan.export else { return Ok(None) };
        let (line, end) = match raw.strip_suffix(b"\r") {
            Some(line) if ending == Ending::Whole => (line, LineEnd::CrLf),
            _ => (raw, LineEnd::Lf),
        };
        if matches!(is, Line::Other | Line::Field | Line::Begins) {
            self.abandon(plan, batch)?;
        }
        match is {
            // The ordinary way takes note of it.
            Line::Other => return Ok(None),
            Line::Begins | Line::Part | Line::Ends if ending == Ending::Cut => {
                self.abandon(plan, batch)?;
                if is == Line::Begins {
                    return Ok(None);
                }
                tally.over_long += 1;
            }
            Line::Blank => {
                plan.encoding.blank(self.leftover(plan), end, batch);
                tally.minimised += 1;
            }
            Line::Field => {
                let written = self.exported_field(plan, routes, line, ending, end, true, batch, tally)?;
                tally.minimised += u64::from(written);
            }
            Line::Begins => tally.minimised += 1,
            Line::Part | Line::Ends => {
                let over = self.carry.stream.is_over(raw);
                let before = tally.tenant;
                let left_out = is == Line::Ends && !self.exported_value(plan, routes, raw, over, batch, tally)?;
                match (left_out, over) {
                    (true, _) => tally.policy += u64::from(tally.tenant == before),
                    (false, true) => tally.over_long += 1,
                    (false, false) => tally.minimised += 1,
                }
            }
        }
        match ending {
            Ending::Whole => self.carry.line(raw),
            Ending::Cut => self.carry.cut(raw),
        }
        tally.lines += 1;
        tally.cut += u64::from(ending == Ending::Cut);
        Ok(Some(length))
    }

    /// What began and will not be whole is a field without a value.
    pub(super) fn abandon(&mut self, plan: &Plan, batch: &mut Batch) -> Result<(), Epoch> {
        if self.carry.stream.stage == Stage::Value
            && let Some(routes) = &plan.export
        {
            let _ = self.exported_value(plan, routes, b"", true, batch, &mut Tally::default())?;
            self.carry.stream.lose();
        }
        Ok(())
    }

    /// A name and its value; whether it was written.
    #[expect(clippy::too_many_arguments, reason = "each is another part of one line")]
    fn exported_field(
        &mut self,
        plan: &Plan,
        routes: &Routes,
        line: &[u8],
        ending: Ending,
        end: LineEnd,
        tagged: bool,
        batch: &mut Batch,
        tally: &mut Tally,
    ) -> Result<bool, Epoch> {
        let stream = &self.carry.stream;
        let (program, is_said) = match stream.program {
            Program::Unsaid => (None, false),
            Program::Command(program) | Program::Named(program) => (program, true),
        };
        // The first line of an entry finds the time of the one before.
        let time = stream.time.filter(|_| match stream.stage {
            Stage::Entry | Stage::Value => true,
            Stage::Lost => !export::begins_entry(line),
            Stage::Start | Stage::Never | Stage::Between => false,
        });
        let time = time.or_else(|| {
            let micros = line.strip_prefix(b"__REALTIME_TIMESTAMP=")?;
            time::parse(Clock::EpochMicros, micros, &Zone::utc())
        });
        let arrival = self.reference;
        self.reference = time.unwrap_or(arrival);
        let written = match line.starts_with(export::MESSAGE) {
            true => {
                let line = retention::strip(line).map_or(line, |at| &line[..at]);
                let program = (program, !is_said);
                self.message(plan, line, ending, end, program, tagged, batch, tally)
            }
            false => self.named_value(plan, routes, line, ending, end, batch, tally),
        };
        self.reference = arrival;
        written
    }

    /// A field other than the message.
    #[expect(clippy::too_many_arguments, reason = "each is another part of one line")]
    fn named_value(
        &mut self,
        plan: &Plan,
        routes: &Routes,
        line: &[u8],
        ending: Ending,
        end: LineEnd,
        batch: &mut Batch,
        tally: &mut Tally,
    ) -> Result<bool, Epoch> {
        let route = &routes.fields;
        let schema = route.format.schema();
        route.format.parse(line, ending, &mut self.record).expect("a name and an equals sign were seen");
        let Some(class) = self.class(plan, route, line) else {
            tally.tenant += 1;
            return Ok(false);
        };
        let time = self.reference;
        if !self.begins(plan, class, time, tally)? {
            return Ok(false);
        }
        let run = self.run(class, time);
        self.begin_count();
        let treated = treatment::treat(&route.steps, schema, line, &self.record, &mut self.aid, &mut self.scratch);
        if let Some(counts) = &mut self.counts {
            counts.add(&route.counted, &treated, &mut self.aid);
        }
        let tag = (plan.tagged && plan.encoding == Encoding::Json).then(|| self.tagger.tag(class, time));
        plan.encoding.encode(&treated, &route.members, run, tag, end, batch);
        tally.late += u64::from(self.aid.keys.take_late());
        Ok(true)
    }

    /// A value that came behind its length, `last` its last line; nothing of it where it is `over` the limit. Each of its
    /// lines is treated as one that stands alone, and they are written behind their new length.
    fn exported_value(
        &mut self,
        plan: &Plan,
        routes: &Routes,
        last: &[u8],
        over: bool,
        batch: &mut Batch,
        tally: &mut Tally,
    ) -> Result<bool, Epoch> {
        let value = &mut self.carry.stream.value;
        let before = value.text.len();
        let mut text = std::mem::take(&mut value.text);
        if !over {
            let missing = 8 - value.came;
            text.extend_from_slice(&last[missing..]);
        }
        let Memory { mut line, mut pieces } = std::mem::take(&mut self.export);
        pieces.clear();
        let mut own = Tally::default();
        let mut written = Ok(true);
        let counts = self.counts.clone();
        let whole: &[u8] = if over { b"" } else { &text };
        let count = whole.split(|&byte| byte == b'\n').count();
        for (i, piece) in whole.split(|&byte| byte == b'\n').enumerate() {
            line.clear();
            line.extend_from_slice(&self.carry.stream.value.name);
            line.push(b'=');
            line.extend_from_slice(piece);
            let tagged = i + 1 == count;
            written =
                self.exported_field(plan, routes, &line, Ending::Whole, LineEnd::Lf, tagged, &mut pieces, &mut own);
            if !matches!(written, Ok(true)) {
                break;
            }
        }
        // As it was: the line comes again where a secret is missing, and is noted where none is.
        text.truncate(before);
        self.carry.stream.value.text = text;
        if written.is_err() {
            self.counts = counts;
        }
        // Its lines leave as one: they must be one's.
        if written == Ok(true)
            && plan.encoding == Encoding::Same
            && let Some(tenancy) = &plan.tenancy
            && !tenancy.is_ones(pieces.runs().map(|(run, _)| run.class))
        {
            written = Ok(false);
            own.tenant = 1;
        }
        if written == Ok(true) {
            match plan.encoding {
                Encoding::Same => plan.encoding.encode_value(&pieces, batch),
                Encoding::Json => batch.append(&pieces),
            }
            tally.late += own.late;
        }
        tally.due += own.due.min(1);
        tally.tenant += own.tenant.min(1);
        self.export = Memory { line, pieces };
        written
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn looks(lines: &[&[u8]]) -> Vec<Line> {
        let mut stream = Stream::default();
        let look = |line: &&[u8]| {
            let look = stream.look(line);
            assert_eq!(stream.note(line, Ending::Whole), look != Line::Other);
            look
        };
        lines.iter().map(look).collect()
    }

    #[test]
    fn lines_of_an_entry_are_told_apart_by_their_names_and_lengths() {
        use Line::{Begins, Blank, Ends, Field, Other, Part};
        let entry: &[&[u8]] =
            &[b"__CURSOR=s=1", b"MESSAGE", b"\x05\0\0\0\0\0\0\0a", b"bcd", b"_PID=1", b"", b"__CURSOR=s=2", b"A=", b""];
        assert_eq!(looks(entry), [Field, Begins, Part, Ends, Field, Blank, Field, Field, Blank]);
        // A length that holds a line feed, and a value that ends with one.
        let entry: &[&[u8]] =
            &[b"__CURSOR=1", b"A", b"", b"\0\0\0\0\0\0\0xxxxxxxxxx", b"B", b"\x02\0\0\0\0\0\0\0x", b"", b""];
        assert_eq!(looks(entry), [Field, Begins, Part, Ends, Begins, Part, Ends, Blank]);
        // What does not fit loses the stream, until an entry begins.
        let entry: &[&[u8]] = &[b"__CURSOR=1", b"A", b"\x02\0\0\0\0\0\0\0xyz", b"A=1", b"__CURSOR=2", b"A=1", b"a=1"];
        assert_eq!(looks(entry), [Field, Begins, Other, Field, Field, Field, Other]);
        let entry: &[&[u8]] =
            &[b"__CURSOR=1", b"A", b"\x01\0\0\0\0\0\0\x01x", b"", b"A=1", b"B", b"\x01\0\0\0\0\0\0\0x", b""];
        assert_eq!(looks(entry), [Field, Begins, Other, Other, Field, Begins, Ends, Blank]);
        assert_eq!(looks(&[b"x", b"__CURSOR=1"]), [Other, Other]);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut stream = Stream::default();
        stream.note(b"__CURSOR=1", Ending::Whole);
        stream.note(b"A", Ending::Whole);
        stream.note(b"\0\0\0\x01\0\0\0\0", Ending::Whole);
        for _ in 0..100 {
            stream.note(&[b'x'; 4096], Ending::Whole);
        }
        assert!(stream.value.over && stream.value.text.is_empty());
    }
}
