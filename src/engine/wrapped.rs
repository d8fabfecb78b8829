//! Lines in envelopes, and lines in the strings of JSON lines: each is read as if it stood alone, and written back into
//! what it stood in.

use super::{
    Desk, Shown,
    carry::{self, Carry, Parts},
    count::Counts,
};
use crate::{
    detect::Detector,
    encode::{Batch, Encoding, LineEnd, Nested},
    epoch::Epoch,
    format::{Ending, Parse, envelope, export, json, message},
    plan::{Opened, Plan, Route, Whose},
    record::{Kind, Record, Schema, Seen, Sight, Span, State},
    retention::ClassId,
    tally::Tally,
    time::Timestamp,
    treatment::{self, Aid, Places, Scratch, Step, Treated},
};

/// So many lines may stand in one another: a line, one in its JSON string, and one in a JSON string of that.
const LEVELS: usize = 3;

/// What looks at a line.
struct Eye<'a> {
    detector: &'a Detector,
    sight: &'a mut Sight,
}

/// One worker's memory for such lines.
#[derive(Debug, Default)]
pub(super) struct Wrapped {
    levels: [Level; LEVELS],
    batches: [Batch; LEVELS],
    /// The line is the first part of a longer one.
    partial: bool,
    /// A tag behind it would stand in the middle of the line that it is of.
    untagged: bool,
    /// The line taken is not the one that came: it is empty, or has parts of others.
    joined: bool,
    /// More of it came than was kept.
    cut: bool,
    /// Where it is left out, no blank line stands for it: it is what waited for a last part, or part of an entry.
    rest: bool,
}

/// One line and the envelopes around it.
#[derive(Debug, Default)]
struct Level {
    /// The line with its envelopes, as it stands when its escapes are undone.
    line: Vec<u8>,
    end: Option<LineEnd>,
    heads: [Head; envelope::MOST],
    count: usize,
    /// Where the line starts behind its envelopes.
    start: usize,
    record: Record,
    scratch: Scratch,
    place: Place,
    /// What it fits is known, and its values are in the record.
    is_read: bool,
    /// It was read by sight, with an address in front and a request as most are.
    seen: bool,
    /// Nobody has said yet who wrote it: a message in the shape of one of our programs is taken for that.
    guess: bool,
    /// Which of its values holds the next level's line.
    nested: Option<u16>,
}

/// One envelope.
#[derive(Debug, Default)]
struct Head {
    which: usize,
    start: usize,
    end: usize,
    record: Record,
    scratch: Scratch,
}

/// What the line behind the envelopes fits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Nothing: it is the innermost envelope's text.
    #[default]
    Text,
    Format(usize),
    /// A message of this program.
    Program(usize),
}

impl Level {
    /// Takes its line, which ends the way lines do or not.
    fn set(&mut self, end: Option<LineEnd>) {
        self.end = end;
        self.nested = None;
        self.count = 0;
        self.start = 0;
        self.place = Place::Text;
        self.is_read = false;
        self.seen = false;
        self.guess = false;
    }

    /// Makes `… P `, with tags behind a colon, the head of a last part: nothing of its line comes behind it.
    fn is_last_part(&mut self) {
        let tag = memchr::memrchr(b' ', self.line.trim_ascii_end()).map_or(0, |blank| blank + 1);
        self.line[tag] = b'F';
    }

    /// Takes the text of a line in parts. Where it is cut inside a string, that ends as lines do.
    fn join(&mut self, before: &[u8], text: &[u8], cut_string: bool) {
        match cut_string {
            true => {
                self.line.extend_from_slice(envelope::trimmed(before));
                self.line.extend_from_slice(b"\\n");
            }
            false => {
                self.line.extend_from_slice(before);
                self.line.extend_from_slice(text);
            }
        }
    }

    /// Opens the envelopes and finds the format; `false`: there is neither.
    ///
    /// `program`: who wrote it, as far as what it stands in says so; an envelope of its own says it better. Without an eye no
    /// line is read by sight.
    fn read(&mut self, plan: &Plan, ending: Ending, mut program: Option<usize>, eye: Option<&mut Eye<'_>>) -> bool {
        while self.count < envelope::MOST && envelope::may_begin(&self.line[self.start..]) {
            let head = &mut self.heads[self.count];
            let rest = &self.line[self.start..];
            let opened = plan.envelopes.iter().enumerate().find_map(|(which, wrap)| {
                let length = wrap.envelope.open(rest, &mut head.record)?;
                Some((which, length))
            });
            let Some((which, length)) = opened else { break };
            (head.which, head.start, head.end) = (which, self.start, self.start + length);
            self.start += length;
            self.count += 1;
        }
        let last = self.heads[..self.count].last();
        if let Some(head) = last.filter(|head| head.which != JOURNAL) {
            let line = &self.line[head.start..head.end];
            program = plan.wrap(head.which).envelope.program(line, &head.record).and_then(message::of_program);
        }
        let inner = &self.line[self.start..];
        let fits = |route: &Route, record: &mut Record| route.format.parse(inner, ending, record).is_ok();
        // Who wrote it says what it is; what its users typed may look like anything.
        if self.guess && program.is_none() {
            if let Some(at) = plan.fits(inner, ending, &mut self.record) {
                self.place = Place::Format(at);
                return true;
            }
            // Any text may be a program's; one that names an address in its place is a message that we know.
            program = plan.programs.iter().position(|route| {
                let fields = &route.format.schema().fields;
                let is_address = |value: &crate::record::Value| {
                    value.state == State::Present && fields[value.field as usize].kind == Kind::Address
                };
                fits(route, &mut self.record) && self.record.values.iter().any(is_address)
            });
        }
        if let Some(at) = program
            && plan.programs.get(at).is_some_and(|route| fits(route, &mut self.record))
        {
            self.place = Place::Program(at);
            return true;
        }
        if ending == Ending::Whole
            && let Some(eye) = eye.filter(|_| plan.sees())
            && let Some((at, seen)) = self.glance(plan, eye)
        {
            self.place = Place::Format(usize::from(at));
            self.seen = seen == Seen::Plain;
            return true;
        }
        let inner = &self.line[self.start..];
        if let Some(at) = plan.fits(inner, ending, &mut self.record) {
            self.place = Place::Format(at);
            return true;
        }
        let fits = |route: &Route, record: &mut Record| route.format.parse(inner, ending, record).is_ok();
        self.count > 0 && fits(&plan.wrap(self.heads[self.count - 1].which).text, &mut self.record)
    }

    /// Reads the line behind the envelopes by sight, if that can be done.
    fn glance(&mut self, plan: &Plan, eye: &mut Eye<'_>) -> Option<(u16, Seen)> {
        // A look goes up to a line feed.
        self.line.push(b'\n');
        let saw = eye.detector.sight(&self.line[self.start..], eye.sight);
        self.line.pop();
        let inner = &self.line[self.start..];
        (saw && eye.sight.length == inner.len()).then(|| plan.read_sight(inner, eye.sight, &mut self.record))?
    }

    /// The route of the line behind the envelopes.
    fn route<'p>(&self, plan: &'p Plan) -> &'p Route {
        match self.place {
            Place::Text => &plan.wrap(self.heads[self.count - 1].which).text,
            Place::Format(at) => &plan.routes[at],
            Place::Program(at) => &plan.programs[at],
        }
    }

    /// The program that a record names as the writer of the line in its string.
    fn program(&self, plan: &Plan) -> Option<usize> {
        let fields = &self.route(plan).format.schema().fields;
        let named = |field: u16| &*fields[field as usize].name == envelope::PROGRAM;
        let value = self.record.values.iter().find(|value| value.state == State::Present && named(value.field))?;
        message::of_program(value.span.of(&self.line[self.start..]))
    }

    /// Which value may hold a line of its own, and where that stands.
    fn string(&self, plan: &Plan) -> Option<(u16, &[u8])> {
        let route = self.route(plan);
        line_in(route, &self.line[self.start..], &self.record)
    }
}

/// The first string of a JSON record that is free text and may be a line of its own, and the value's index.
#[inline]
pub(super) fn line_in<'a>(route: &Route, line: &'a [u8], record: &Record) -> Option<(u16, &'a [u8])> {
    if route.lines.is_empty() {
        return None;
    }
    let mut values = record.values.iter().enumerate();
    values.find_map(|(i, value)| {
        let may = value.state == State::Present && route.lines.contains(&value.field);
        let bytes = if may { value.span.of(line) } else { return None };
        // No log line of a format we know is one word, unless it is an object.
        let may = bytes.contains(&b' ') || bytes.trim_ascii_start().starts_with(b"{");
        (bytes.len() >= 8 && may).then_some((i as u16, bytes))
    })
}

impl Wrapped {
    /// Takes a line. Of one that a container runtime wrote in parts, the last holds all of it and the others nothing.
    fn set(&mut self, plan: &Plan, carry: &Carry, line: &[u8], ending: Ending) -> Ending {
        self.begin();
        let Some(part) = carry::piece(line, ending).filter(|part| plan.joins(part.escaped)) else {
            self.levels[0].line.extend_from_slice(line);
            return ending;
        };
        let before = carry.parts(part.lane);
        self.partial = part.partial && ending == Ending::Whole;
        self.cut = (before.over || before.headless) && !self.partial && ending == Ending::Whole;
        self.untagged = self.partial && !part.escaped;
        self.joined = self.partial || before.wait() || before.headless;
        let text = &line[part.start..part.end];
        let level = &mut self.levels[0];
        level.line.extend_from_slice(&line[..part.start]);
        if !self.partial {
            if part.partial && !part.escaped {
                level.is_last_part();
            }
            // Of a line without its head nothing is written: nobody knows what its tail is the tail of.
            let over = before.over || before.headless;
            level.join(&before.text, if over { &[] } else { text }, part.escaped && over);
        }
        level.line.extend_from_slice(&line[part.end..]);
        if self.cut && !part.escaped { Ending::Cut } else { ending }
    }

    /// Takes what waits of a line in parts whose end will not come: a whole line that is cut.
    fn set_rest(&mut self, parts: &Parts) -> Ending {
        self.begin();
        (self.joined, self.rest) = (true, true);
        let level = &mut self.levels[0];
        level.line.extend_from_slice(&parts.head);
        if !parts.escaped {
            level.is_last_part();
        }
        level.join(&parts.text, &[], parts.escaped);
        level.line.extend_from_slice(&parts.tail);
        if parts.escaped { Ending::Whole } else { Ending::Cut }
    }

    /// Takes the message of an entry of the journal.
    fn set_message(&mut self, line: &[u8], guess: bool, tagged: bool) {
        self.begin();
        (self.untagged, self.joined, self.rest) = (!tagged, true, true);
        let level = &mut self.levels[0];
        level.line.extend_from_slice(line);
        let head = &mut level.heads[0];
        head.record.clear();
        (head.which, head.start, head.end) = (JOURNAL, 0, export::MESSAGE.len());
        (level.count, level.start, level.guess) = (1, head.end, guess);
    }

    /// Takes the values of `line`, which fits this format and stands in no envelope, unless the line taken is another. Taken
    /// twice, they are given back.
    fn take_values(&mut self, line: &[u8], format: usize, record: &mut Record) {
        let level = &mut self.levels[0];
        if !self.joined && level.line == line {
            std::mem::swap(&mut level.record, record);
            std::mem::swap(&mut level.record.columns, &mut record.columns);
            (level.is_read, level.place) = (!level.is_read, Place::Format(format));
        }
    }

    /// Takes the envelope around `line`, whose values are in `record`, unless the line taken is another.
    fn take_head(&mut self, line: &[u8], which: usize, end: usize, record: &mut Record) {
        let level = &mut self.levels[0];
        if level.line == line {
            let head = &mut level.heads[0];
            std::mem::swap(&mut head.record, record);
            // The columns are those of the lines that stand in nothing.
            std::mem::swap(&mut head.record.columns, &mut record.columns);
            (head.which, head.start, head.end) = (which, 0, end);
            (level.count, level.start) = (1, end);
        }
    }

    fn begin(&mut self) {
        let level = &mut self.levels[0];
        level.set(None);
        level.line.clear();
        (self.partial, self.untagged, self.joined, self.cut, self.rest) = (false, false, false, false, false);
    }

    /// Reads `line` and what stands in it; the number of levels, or `None` if it stands in nothing and holds no other.
    fn read(&mut self, plan: &Plan, carry: &Carry, line: &[u8], ending: Ending) -> Option<usize> {
        let ending = self.set(plan, carry, line, ending);
        self.open(plan, ending, None, None)
    }

    /// The same of the line that was taken.
    fn open(
        &mut self,
        plan: &Plan,
        mut ending: Ending,
        mut program: Option<usize>,
        mut eye: Option<Eye<'_>>,
    ) -> Option<usize> {
        let mut count = 0;
        loop {
            let level = &mut self.levels[count];
            let fits = level.is_read || level.read(plan, ending, program, eye.as_mut());
            if !fits {
                break;
            }
            count += 1;
            if count == LEVELS {
                break;
            }
            let (outer, inner) = self.levels.split_at_mut(count);
            let Some((value, string)) = outer[count - 1].string(plan) else { break };
            program = outer[count - 1].program(plan);
            let next = &mut inner[0];
            next.line.clear();
            if !json::unescape_line(string, &mut next.line) {
                break;
            }
            let end = match &next.line[..] {
                [.., b'\r', b'\n'] => Some(LineEnd::CrLf),
                [.., b'\n'] => Some(LineEnd::Lf),
                _ => None,
            };
            // Container engines cut longer lines; the pieces end without a line feed.
            ending = if end.is_none() && string.len() >= CUT_BYTES { Ending::Cut } else { Ending::Whole };
            let length = next.line.len() - end.map_or(0, |end| if end == LineEnd::CrLf { 2 } else { 1 });
            next.line.truncate(length);
            next.set(end);
            outer[count - 1].nested = Some(value);
        }
        if count > 0 {
            self.levels[count - 1].nested = None;
        }
        let single = count == 0 || (count == 1 && self.levels[0].count == 0 && !self.joined);
        if single { None } else { Some(count) }
    }
}

/// The number of what stands around a message of the journal, which is none of the plan's list.
const JOURNAL: usize = usize::MAX;

/// Docker writes at most so many bytes of a line into one record.
const CUT_BYTES: usize = 16 * 1024;

impl Desk {
    /// A line that stands in an envelope, which may be open already with its values in the record, or holds a line, and then
    /// its values may be there if its format is given; `None`: it is neither, and they are there again. An epoch without a
    /// secret comes back before anything is written. `Some(false)`: it was left out because it is due.
    #[expect(clippy::too_many_arguments, reason = "each is another part of one line")]
    #[inline(never)]
    pub(super) fn wrapped(
        &mut self,
        plan: &Plan,
        line: &[u8],
        ending: Ending,
        end: LineEnd,
        (opened, format): (Option<Opened>, Option<usize>),
        batch: &mut Batch,
        tally: &mut Tally,
    ) -> Result<Option<bool>, Epoch> {
        let mut wrapped = self.wrapped.take().unwrap_or_default();
        let ending = wrapped.set(plan, &self.carry, line, ending);
        if let Some(Opened::Envelope { which, end }) = opened {
            wrapped.take_head(line, which, end, &mut self.record);
        }
        if let Some(format) = format {
            wrapped.take_values(line, format, &mut self.record);
        }
        let eye = Eye { detector: &self.aid.detector, sight: &mut self.sight };
        let written = match wrapped.open(plan, ending, None, Some(eye)) {
            None => {
                if let Some(format) = format.filter(|_| wrapped.levels[0].is_read) {
                    wrapped.take_values(line, format, &mut self.record);
                }
                Ok(None)
            }
            Some(count) => self.write_wrapped(plan, &mut wrapped, count, end, batch, tally).map(Some),
        };
        self.wrapped = Some(wrapped);
        written
    }

    /// At the line that `lines` begin with: unless it may be the end of what waits of lines in parts, nothing is. One line
    /// in is one line out, so that their text is gone, and they are counted as cut.
    #[cold]
    pub(super) fn interrupt(&mut self, plan: &Plan, lines: &[u8], tally: &mut Tally) {
        let (line, ending) = match memchr::memchr(b'\n', lines) {
            Some(end) => (carry::without_return(&lines[..end]), Ending::Whole),
            None => (lines, Ending::Cut),
        };
        if carry::piece(line, ending).is_some() {
            return;
        }
        while let Some(lane) = self.carry.waiting() {
            tally.cut += u64::from(plan.joins(self.carry.parts(lane).escaped));
            self.carry.behead(lane);
        }
    }

    /// At the end of the input: writes what waits of lines in parts, each as a line that is cut. These are no lines that came: the last of the parts
    /// was one, and it is counted as cut now.
    pub(super) fn write_rests(&mut self, plan: &Plan, batch: &mut Batch, tally: &mut Tally) -> Result<(), Epoch> {
        while let Some(lane) = self.carry.waiting() {
            let parts = self.carry.parts(lane);
            if plan.joins(parts.escaped) {
                let mut wrapped = self.wrapped.take().unwrap_or_default();
                let ending = wrapped.set_rest(parts);
                let mut own = Tally::default();
                let written = match wrapped.open(plan, ending, None, None) {
                    None => Ok(false),
                    Some(count) => self.write_wrapped(plan, &mut wrapped, count, LineEnd::Lf, batch, &mut own),
                };
                self.wrapped = Some(wrapped);
                written?;
                tally.cut += 1;
            }
            self.carry.end(lane);
        }
        Ok(())
    }

    /// The message of an entry of the journal, with its name; whether it was written. `program`: who wrote it, and whether
    /// nobody has said that yet.
    #[expect(clippy::too_many_arguments, reason = "each is another part of one line")]
    pub(super) fn message(
        &mut self,
        plan: &Plan,
        line: &[u8],
        ending: Ending,
        end: LineEnd,
        (program, guess): (Option<usize>, bool),
        tagged: bool,
        batch: &mut Batch,
        tally: &mut Tally,
    ) -> Result<bool, Epoch> {
        let mut wrapped = self.wrapped.take().unwrap_or_default();
        wrapped.set_message(line, guess, tagged);
        let eye = Eye { detector: &self.aid.detector, sight: &mut self.sight };
        let written = match wrapped.open(plan, ending, program, Some(eye)) {
            None => Ok(false),
            Some(count) => self.write_wrapped(plan, &mut wrapped, count, end, batch, tally),
        };
        self.wrapped = Some(wrapped);
        written
    }

    fn write_wrapped(
        &mut self,
        plan: &Plan,
        wrapped: &mut Wrapped,
        count: usize,
        end: LineEnd,
        batch: &mut Batch,
        tally: &mut Tally,
    ) -> Result<bool, Epoch> {
        let Wrapped { levels, batches, untagged, cut, rest, .. } = wrapped;
        let levels = &mut levels[..count];
        let innermost = &levels[count - 1];
        super::announce(innermost.route(plan), &innermost.line[innermost.start..], &innermost.record, &mut self.aid);
        let (time, is_own) = self.wrapped_time(plan, levels).unwrap_or((self.reference, false));
        let innermost = &mut levels[count - 1];
        // What was seen of its time holds if it was dated by it.
        innermost.seen &= is_own;
        let Some(class) = self.wrapped_class(plan, levels) else {
            match *rest {
                // There is no line for it any more.
                true => tally.tenant += 1,
                false => self.nobodys(plan, &levels[0].line, end, batch, tally),
            }
            return Ok(false);
        };
        let written = self.begins(plan, class, time, tally)?;
        let run = self.run(class, time);
        if !written {
            if !*rest {
                plan.encoding.blank(run, end, batch);
            }
            return Ok(false);
        }
        tally.cut += u64::from(*cut);
        let treat = match plan.encoding {
            Encoding::Same => treat_laid,
            Encoding::Json => treat_each,
        };
        self.begin_count();
        let treated = treat(plan, levels, &mut self.aid, self.counts.as_deref_mut());
        let tag = (plan.tagged && !*untagged).then(|| self.tagger.tag(class, time));
        match plan.encoding {
            // From the inside out: each line is written, then stands in the string that it came from.
            Encoding::Same => {
                for i in (1..count).rev() {
                    let (own, inner) = batches.split_at_mut(i + 1);
                    let Some(pieces) = &treated[i] else { continue };
                    let nested = pieces.nested.map(|value| Nested { value, line: &inner[0] });
                    own[i].clear();
                    plan.encoding.encode_wrapped(
                        &pieces.wraps,
                        &pieces.record,
                        nested,
                        run,
                        None,
                        pieces.end,
                        &mut own[i],
                    );
                }
                if let Some(pieces) = &treated[0] {
                    let nested = pieces.nested.map(|value| Nested { value, line: &batches[1] });
                    plan.encoding.encode_wrapped(&pieces.wraps, &pieces.record, nested, run, tag, Some(end), batch);
                }
            }
            // One flat object: what is said closest to the event goes first.
            Encoding::Json => {
                let levels = treated.iter().rev().flatten();
                let all = levels.flat_map(|pieces| {
                    let wraps = pieces.wraps.iter().rev().flatten().map(|wrap| (wrap, None));
                    std::iter::once((&pieces.record, pieces.nested)).chain(wraps)
                });
                plan.encoding.encode_flat(all, run, tag, batch);
            }
        }
        tally.late += u64::from(self.aid.keys.take_late());
        Ok(true)
    }

    /// One line, value by value, as [`super::Engine::show`] does. Of what stands in a string, the original is the string.
    pub(super) fn show_wrapped(&mut self, plan: &Plan, line: &[u8]) -> Option<(Box<str>, Vec<Shown>)> {
        let mut wrapped = self.wrapped.take().unwrap_or_default();
        let shown = wrapped.read(plan, &Carry::default(), line, Ending::Whole).map(|count| {
            let levels = &mut wrapped.levels[..count];
            let time = self.wrapped_time(plan, levels).map_or(self.reference, |(time, _)| time);
            if let Some(period) = plan.period {
                let class = self.wrapped_class(plan, levels).unwrap_or(plan.last_class());
                self.aid.keys.select(self.epoch_of(period, time), class.0);
            }
            let starts: Vec<(Vec<usize>, usize)> = (levels.iter())
                .map(|level| (level.heads[..level.count].iter().map(|head| head.start).collect(), level.start))
                .collect();
            let mut names: Vec<&str> = Vec::new();
            let mut shown = Vec::new();
            let mut string: Option<Span> = None;
            let treated = treat_each(plan, levels, &mut self.aid, None);
            for (pieces, (heads, start)) in treated.iter().flatten().zip(starts) {
                let parts = pieces.wraps.iter().flatten().zip(heads).chain([(&pieces.record, start)]);
                for (part, offset) in parts {
                    names.push(&part.schema().name);
                    let values = part.record().values.iter().enumerate().filter(|(i, _)| part.stood(*i));
                    let left_out = |i: usize| pieces.nested == Some(i as u16) && std::ptr::eq(part, &pieces.record);
                    for (i, value) in values.filter(|(i, _)| !left_out(*i)) {
                        let span = Span::new(value.span.start as usize + offset, value.span.end as usize + offset);
                        shown.push(Shown {
                            field: part.schema().fields[value.field as usize].name.clone(),
                            original: string.unwrap_or(span),
                            treated: part.value(i).map(<[u8]>::to_vec),
                        });
                    }
                }
                if let (Some(_), None) = (pieces.nested, string) {
                    let span = pieces.string;
                    string = Some(Span::new(span.start as usize + start, span.end as usize + start));
                }
            }
            names.dedup();
            (names.join(", in it ").into(), shown)
        });
        self.wrapped = Some(wrapped);
        shown
    }

    /// The class of the innermost line. Whose it is says the innermost line that names a virtual host; `None`: nobody can say,
    /// and such are left out.
    fn wrapped_class(&mut self, plan: &Plan, levels: &[Level]) -> Option<ClassId> {
        let innermost = levels.last()?;
        let route = innermost.route(plan);
        let (line, record) = (&innermost.line[innermost.start..], &innermost.record);
        let schema = route.format.schema();
        let Some(tenancy) = &plan.tenancy else { return Some(route.rules.classify(schema, line, record)) };
        let whose = self.whose.unwrap_or_else(|| {
            let mut named = levels.iter().rev().map(|level| {
                tenancy.whose(&level.route(plan).tenanted, &level.line[level.start..], &level.record, &mut self.host)
            });
            named.find(|whose| *whose != Whose::Unknown).unwrap_or(Whose::Unknown)
        });
        tenancy.class(whose, (&route.rules, &route.tenanted), (schema, line, record))
    }

    /// The time of the innermost line or envelope that has one, and whether it is the innermost line's own.
    fn wrapped_time(&mut self, plan: &Plan, levels: &[Level]) -> Option<(Timestamp, bool)> {
        for (i, level) in levels.iter().enumerate().rev() {
            let line = &level.line[level.start..];
            if let Some(time) = self.recent.time(plan, level.route(plan), line, &level.record, self.reference) {
                return Some((time, i + 1 == levels.len()));
            }
            for head in level.heads[..level.count].iter().rev() {
                let fields = &plan.wrap(head.which).envelope.schema().fields;
                let line = &level.line[head.start..head.end];
                if let Some(time) = self.recent.any_time(plan, fields, line, &head.record, self.reference) {
                    return Some((time, false));
                }
            }
        }
        None
    }
}

/// Treats all levels and the envelopes around each, value by value.
fn treat_each<'a>(
    plan: &'a Plan,
    levels: &'a mut [Level],
    aid: &mut Aid,
    counts: Option<&mut Counts>,
) -> [Option<Pieces<'a>>; LEVELS] {
    treat(plan, levels, aid, counts, |steps, _, schema, line, record, aid, scratch| {
        treatment::treat(steps, schema, line, record, aid, scratch)
    })
}

/// The same for what leaves in its own layout: of most levels and envelopes all is made in one go.
fn treat_laid<'a>(
    plan: &'a Plan,
    levels: &'a mut [Level],
    aid: &mut Aid,
    counts: Option<&mut Counts>,
) -> [Option<Pieces<'a>>; LEVELS] {
    treat(plan, levels, aid, counts, |steps, places, schema, line, record, aid, scratch| {
        match record.marks.is_empty() && schema.layout(record.layout).0.len() == record.values.len() {
            true => treatment::lay(steps, places, schema, line, record, aid, scratch),
            false => treatment::treat(steps, schema, line, record, aid, scratch),
        }
    })
}

#[inline(always)]
fn treat<'a>(
    plan: &'a Plan,
    levels: &'a mut [Level],
    aid: &mut Aid,
    mut counts: Option<&mut Counts>,
    one: impl Fn(&[Step], Places<'_>, &'a Schema, &'a [u8], &'a Record, &mut Aid, &'a mut Scratch) -> Treated<'a>,
) -> [Option<Pieces<'a>>; LEVELS] {
    let mut treated = [const { None }; LEVELS];
    for (pieces, level) in treated.iter_mut().zip(levels) {
        let route = level.route(plan);
        let Level { line, end, heads, count, start, record, scratch, nested, seen, .. } = level;
        // The string is written anew from the line in it, which is treated by itself: nobody looks at what becomes of it here.
        let string = nested.map_or(Span::new(0, 0), |at| {
            let span = &mut record.values[at as usize].span;
            std::mem::replace(span, Span { start: span.start, end: span.start })
        });
        let mut wraps: [Option<Treated<'_>>; envelope::MOST] = [const { None }; envelope::MOST];
        for (wrap, head) in wraps.iter_mut().zip(&mut heads[..*count]) {
            let Head { which, start, end, record, scratch } = head;
            let by = plan.wrap(*which);
            let line = &line[*start..*end];
            let treated = one(&by.steps, Places::All, by.envelope.schema(), line, record, aid, scratch);
            if let Some(counts) = &mut counts {
                counts.add(&by.counted, &treated, aid);
            }
            *wrap = Some(treated);
        }
        let line = &line[*start..];
        let places = if *seen { Places::Seen(&route.seen) } else { Places::All };
        let record = one(&route.steps, places, route.format.schema(), line, record, aid, scratch);
        if let Some(counts) = &mut counts {
            counts.add(&route.counted, &record, aid);
        }
        *pieces = Some(Pieces { wraps, record, nested: *nested, string, end: *end });
    }
    treated
}

/// One level after treatment.
struct Pieces<'a> {
    wraps: [Option<Treated<'a>>; envelope::MOST],
    record: Treated<'a>,
    nested: Option<u16>,
    /// Where the string stands that holds the next level's line, if one does.
    string: Span,
    end: Option<LineEnd>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{Engine, Policy};
    use proptest::prelude::*;
    use std::sync::{Arc, LazyLock};

    static PLAN: LazyLock<Arc<Plan>> =
        LazyLock::new(|| Arc::new(Plan::compile(&Policy::builtin("hosting").unwrap()).unwrap()));

    /// Lines of envelopes and of JSON, with a line in them or none.
    fn line() -> impl Strategy<Value = Vec<u8>> {
        let inner = prop_oneof![
            Just(r#"192.0.2.72 - - [19/Nov/2026:08:00:00 +0100] "GET /a?b=c HTTP/2.0" 200 529 "-" "curl/8.5.0""#),
            Just(r#"192.0.2.72 - - [99/Nov/2026:08:00:00 +0100] "GET /a?b=c HTTP/2.0" 200 529 "-" "curl/8.5.0""#),
            Just(r#"192.0.2.72 - kari [19/Nov/2026:08:00:00 +0100] "GET /a HTTP/1.1" 200 529 "-" "curl/8.5.0""#),
            Just(r#"unix: - - [19/Nov/2026:08:00:00 +0100] "GET /a HTTP/1.1" 200 529 "-" "curl/8.5.0""#),
            Just(r#"192.0.2.72 - - [19/Nov/2026:08:00:00 +0100] "POST /a HTTP/1.1" 200 529"#),
            Just(r#"192.0.2.72 - - [19/Nov/2026:08:00:00 +0100] "POST /a HTTP/1.1" 200 529 0.003"#),
            Just(r#"192.0.2.72 - - [19/Nov/2026:08:00:00 +0100] "POST /a HTTP/1.1" 200 529 "-" "a\"b""#),
            Just(
                r#"192.0.2.72 - - [19/Nov/2026:08:00:00 +0100] "POST /a HTTP/1.1" 200 5 "-" "class=a until=2027-05-21 policy=a/1""#
            ),
            Just("Failed password for kari from 203.0.113.77 port 50229 ssh2"),
            Just("user 4711 asked for kari@example.org"),
            Just(""),
        ];
        let end = prop_oneof![4 => Just(""), 1 => Just("\n"), 1 => Just("\nx"), 1 => Just("\r")];
        (inner, end, 0..7u8, any::<Option<(u8, u16)>>()).prop_map(|(inner, end, head, change)| {
            let string = serde_json::to_string(&format!("{inner}{end}")).unwrap();
            let mut line = match head {
                0 => format!("2026-11-19T08:00:00.123456789Z stdout F {inner}"),
                1 => format!("Nov 19 08:00:00 web1 nginx[12]: {inner}"),
                2 => format!("<34>1 2026-11-19T08:00:00Z web1 nginx 123 - - {inner}"),
                3 => format!(r#"{{"log":{string},"stream":"stdout","time":"2026-11-19T08:00:00.1Z"}}"#),
                4 => format!(r#"{{"message":{string},"level":"info"}}"#),
                5 => format!(r#"{{"SYSLOG_IDENTIFIER":"sshd","MESSAGE":{string}}}"#),
                _ => format!("Nov 19 08:00:00 web1 sshd[12]: {inner}"),
            }
            .into_bytes();
            if let Some((byte, at)) = change {
                let at = usize::from(at) % line.len();
                line[at] = byte;
            }
            line.retain(|&byte| byte != b'\n');
            line
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn lines_in_others_are_read_by_sight_as_without(line in line()) {
            let desk = Engine::new(PLAN.clone()).desk;
            let mut sight = Sight::default();
            let (mut seen, mut plain) = (Wrapped::default(), Wrapped::default());
            for wrapped in [&mut seen, &mut plain] {
                wrapped.set(&PLAN, &Carry::default(), &line, Ending::Whole);
            }
            let eye = Eye { detector: &desk.aid.detector, sight: &mut sight };
            let count = seen.open(&PLAN, Ending::Whole, None, Some(eye));
            prop_assert_eq!(count, plain.open(&PLAN, Ending::Whole, None, None));
            for (seen, plain) in seen.levels.iter().zip(&plain.levels).take(count.unwrap_or(0)) {
                prop_assert_eq!((seen.place, seen.start, &seen.line), (plain.place, plain.start, &plain.line));
                prop_assert_eq!(&seen.record.values, &plain.record.values);
                prop_assert!(!plain.seen);
            }
        }

        #[test]
        fn values_that_were_read_before_are_those_that_would_be_read(lines in proptest::collection::vec(line(), 1..4)) {
            let (mut known, mut anew) = (Engine::new(PLAN.clone()).desk, Engine::new(PLAN.clone()).desk);
            let (mut known_out, mut anew_out) = (Batch::default(), Batch::default());
            for line in &lines {
                let Some(format) = PLAN.fits(line, Ending::Whole, &mut known.record).filter(|_| line[0] == b'{') else { continue };
                let values = known.record.values.clone();
                // No secret is at hand: what is pseudonymised is withheld.
                let run = |desk: &mut Desk, out: &mut Batch, format| loop {
                    match desk.wrapped(&PLAN, line, Ending::Whole, LineEnd::Lf, (None, format), out, &mut Tally::default()) {
                        Ok(written) => break written,
                        Err(epoch) => PLAN.admit(&mut desk.aid, epoch, None),
                    }
                    if format.is_some() {
                        PLAN.fits(line, Ending::Whole, &mut desk.record);
                    }
                };
                let written = run(&mut known, &mut known_out, Some(format));
                prop_assert_eq!(written, run(&mut anew, &mut anew_out, None));
                if written.is_none() {
                    prop_assert_eq!(&known.record.values, &values);
                }
            }
            prop_assert_eq!(known_out.bytes(), anew_out.bytes());
        }
    }
}
