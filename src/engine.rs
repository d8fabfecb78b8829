//! The loop: whole lines → a batch. Cannot fail.

use crate::{
    encode::{Batch, Encoding, LineEnd},
    epoch::{Epoch, Period},
    format::{Ending, Parse, envelope, w3c},
    plan::{Memo, Plan, Route, Whose},
    record::{Columns, Record, Seen, Sight, Syntax, Value},
    retention::{self, ClassId, Run, Tagger},
    tally::Tally,
    time::{DAY, Day, Timestamp},
    treatment::{self, Aid, Places, Scratch, pseudonym::Secret, scrub},
};
use memchr::memchr;
use std::sync::Arc;

mod carry;
mod count;
mod export;
mod recall;
mod recent;
mod show;
mod stretch;
mod wrapped;

pub use carry::Carry;
pub use count::Counted;
use recent::Recent;
pub use show::Shown;

/// How far a call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Through all lines.
    Done,
    /// To the line that starts at `at`: there is no secret yet for its epoch. Admit one (or the news that there is
    /// none) and call again with the rest.
    Paused {
        /// Bytes of the given lines that are done.
        at: usize,
        /// The epoch asked for.
        epoch: Epoch,
    },
}

/// One worker's engine: a plan and memory that is reused from line to line.
#[derive(Debug)]
pub struct Engine {
    plan: Arc<Plan>,
    desk: Desk,
}

/// What one line needs beside the plan.
#[derive(Debug)]
struct Desk {
    record: Record,
    sight: Sight,
    scratch: Scratch,
    aid: Aid,
    tagger: Tagger,
    reference: Timestamp,
    due: Due,
    /// Whose all records are, if that is known without them.
    whose: Option<Whose>,
    /// The virtual host that was looked for last.
    host: Memo,
    /// The one epoch of all records, if there is one.
    epoch: Option<Epoch>,
    recent: Recent,
    ahead: Ahead,
    unseen: Unseen,
    /// The class and time of the last record that began, if nothing changed since.
    settled: Option<(ClassId, Timestamp)>,
    /// The day of the last record, and its first second.
    day: (Day, i64),
    /// For lines in envelopes and in strings; most runs never see one.
    wrapped: Option<Box<wrapped::Wrapped>>,
    carry: Carry,
    export: export::Memory,
    recall: recall::Recall,
    /// Where somebody asks.
    counts: Option<Box<count::Counts>>,
}

/// A line that was looked at before its turn.
#[derive(Debug, Default)]
struct Ahead {
    /// Where it stands among the lines of this call.
    at: usize,
    /// Whether it was read by sight.
    seen: Option<Glance>,
    /// Its values.
    values: Vec<Value>,
}

/// A line that was read by sight.
#[derive(Clone, Copy, Debug)]
struct Glance {
    /// Its length without its end.
    length: usize,
    seen: Seen,
    /// The place of its format among the plan's.
    route: u16,
}

/// How many lines came since one that was read by sight. It only saves work: a line can be read without.
#[derive(Clone, Copy, Debug, Default)]
struct Unseen(u32);

impl Unseen {
    /// Whether the next line is worth a look: after many that were not read so, only now and then one is.
    #[inline]
    fn is_worth_it(self) -> bool {
        self.0 < 64 || self.0.is_multiple_of(16)
    }
}

/// What happens to records whose time to be deleted has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nobody asks.
    Unknown,
    /// They are counted, by this day.
    Count(Timestamp),
    /// They are left out and counted, by this day.
    Drop(Timestamp),
}

impl Engine {
    /// An engine for this plan.
    pub fn new(plan: Arc<Plan>) -> Engine {
        let desk = Desk {
            record: Record::default(),
            sight: Sight::default(),
            scratch: Scratch::default(),
            aid: plan.aid(),
            tagger: plan.tagger(),
            reference: Timestamp(0),
            due: Due::Unknown,
            whose: plan.tenancy.as_ref().and_then(|tenancy| tenancy.assumed()),
            host: Memo::default(),
            epoch: None,
            recent: Recent::default(),
            ahead: Ahead::default(),
            unseen: Unseen::default(),
            settled: None,
            day: (Day(0), 0),
            wrapped: None,
            carry: Carry::default(),
            export: export::Memory::default(),
            recall: recall::Recall::default(),
            counts: None,
        };
        Engine { plan, desk }
    }

    /// The time that records without one are given.
    pub fn set_reference(&mut self, reference: Timestamp) {
        self.desk.reference = reference;
    }

    /// What happens to records whose time to be deleted has come.
    pub fn set_due(&mut self, due: Due) {
        self.desk.due = due;
        self.desk.settled = None;
    }

    /// All records are this tenant's, whatever virtual host they name; `None`: as the policy was told.
    ///
    /// # Panics
    /// When the policy has no such tenant.
    pub fn set_tenant(&mut self, tenant: Option<&str>) {
        let Some(tenancy) = &self.plan.tenancy else {
            assert!(tenant.is_none(), "a policy without tenants has none of this name");
            return;
        };
        self.desk.whose = match tenant {
            Some(name) => Some(tenancy.named(name).expect("a tenant of the policy")),
            None => tenancy.assumed(),
        };
    }

    /// Treats all records under this one epoch, whatever their time; `None`: each under its own.
    pub fn set_epoch(&mut self, epoch: Option<Epoch>) {
        self.desk.epoch = epoch;
        self.desk.settled = None;
    }

    /// Gives the secret of an epoch, or the news that it is destroyed or out of reach.
    pub fn admit(&mut self, epoch: Epoch, secret: Option<Secret>) {
        self.plan.admit(&mut self.desk.aid, epoch, secret);
        self.desk.settled = None;
    }

    /// Wipes every secret: each epoch's next record asks again.
    pub fn forget_secrets(&mut self) {
        self.desk.aid.keys.forget_all();
        self.desk.settled = None;
    }

    /// What stood before the lines that come next.
    pub fn set_carry(&mut self, carry: &Carry) {
        self.desk.carry.clone_from(carry);
        self.desk.take_columns();
    }

    /// Takes note of lines that were dropped unread, as far as those behind them need it.
    pub fn skip(&mut self, lines: &[u8]) {
        self.desk.carry.lines(lines);
        self.desk.take_columns();
    }

    /// Minimises `lines` and appends them to `batch`.
    ///
    /// Each line ends with a line feed; a last one without is a cut line. Does not allocate once warm.
    pub fn run(&mut self, lines: &[u8], batch: &mut Batch) -> (Tally, Progress) {
        let mut tally = Tally::default();
        let before = batch.bytes().len();
        let mut at = 0;
        let mut progress = Progress::Done;
        self.desk.ahead.at = usize::MAX;
        self.desk.look_anew();
        while at < lines.len() {
            let rest = &lines[at..];
            if rest[0] != b'{'
                && self.desk.carry.is_idle()
                && self.desk.unseen.is_worth_it()
                && self.plan.sees()
                && let Some(Glance { length, seen, route }) = self.desk.sees(&self.plan, lines, at)
            {
                self.desk.unseen.0 = 0;
                let line = &rest[..length];
                let route = &self.plan.routes[usize::from(route)];
                if let Err(epoch) = self.desk.seen(&self.plan, route, line, seen, batch, &mut tally) {
                    progress = Progress::Paused { at, epoch };
                    break;
                }
                // A line that begins with an address is none that others need to know of.
                if seen == Seen::Other && self.desk.carry.notes(line) {
                    self.desk.carry.line(line);
                }
                tally.lines += 1;
                at += length + 1;
                continue;
            }
            if self.plan.bare
                && self.desk.counts.is_none()
                && let Some(length) = self.desk.stretch(&self.plan, rest, batch, &mut tally)
            {
                at += length;
                continue;
            }
            if rest[0] == 0xEF {
                let mark = rest.len() - self.desk.carry.behind_mark(rest).len();
                at += mark;
                if mark > 0 {
                    continue;
                }
            }
            if self.desk.carry.waits() {
                self.desk.interrupt(&self.plan, rest, &mut tally);
            }
            if self.desk.carry.exports(rest) {
                match self.desk.exported(&self.plan, rest, batch, &mut tally) {
                    Ok(None) => {}
                    Ok(Some(length)) => {
                        at += length;
                        continue;
                    }
                    Err(epoch) => {
                        progress = Progress::Paused { at, epoch };
                        break;
                    }
                }
            }
            if rest[0] == b'{' && self.plan.recalls && !self.desk.carry.waits() {
                match self.desk.recalled(&self.plan, &self.plan.routes[0], rest, batch, &mut tally) {
                    Ok(None) => {}
                    Ok(Some(length)) => {
                        self.desk.note_recalled(&rest[..length]);
                        tally.lines += 1;
                        at += length;
                        continue;
                    }
                    Err(epoch) => {
                        progress = Progress::Paused { at, epoch };
                        break;
                    }
                }
            }
            self.desk.unseen.0 = self.desk.unseen.0.wrapping_add(1);
            let (line, ending, length) = match memchr(b'\n', rest) {
                Some(end) => (&rest[..end], Ending::Whole, end + 1),
                None => (rest, Ending::Cut, rest.len()),
            };
            let (line, end) = match line.strip_suffix(b"\r") {
                Some(line) if ending == Ending::Whole => (line, LineEnd::CrLf),
                _ => (line, LineEnd::Lf),
            };
            if let Err(epoch) = self.desk.line(&self.plan, line, ending, end, batch, &mut tally) {
                progress = Progress::Paused { at, epoch };
                break;
            }
            match ending {
                Ending::Cut => self.desk.carry.cut(line),
                Ending::Whole if self.desk.carry.notes(line) => {
                    self.desk.carry.line(line);
                    if w3c::begins_header(line) {
                        self.desk.take_columns();
                    }
                }
                Ending::Whole => {}
            }
            tally.lines += 1;
            tally.cut += u64::from(ending == Ending::Cut);
            at += length;
        }
        tally.bytes_in += at as u64;
        tally.bytes_out += (batch.bytes().len() - before) as u64;
        (tally, progress)
    }
}

impl Engine {
    /// At the end of the input: writes what waits of lines that a container runtime wrote in parts and whose last part did
    /// not come, each as a line that is cut. Whoever gives each engine what stood before its lines
    /// ([`Engine::set_carry`]) asks the last one.
    ///
    /// Such a line is one more than came; the tally says so by what is `cut`. Paused: admit the secret and call again.
    pub fn finish(&mut self, batch: &mut Batch) -> (Tally, Progress) {
        let mut tally = Tally::default();
        let before = batch.bytes().len();
        let rests = self.desk.abandon(&self.plan, batch);
        let progress = match rests.and_then(|()| self.desk.write_rests(&self.plan, batch, &mut tally)) {
            Ok(()) => Progress::Done,
            Err(epoch) => Progress::Paused { at: 0, epoch },
        };
        tally.bytes_out = (batch.bytes().len() - before) as u64;
        (tally, progress)
    }
}

impl Desk {
    /// The columns that the last header named, or none.
    fn take_columns(&mut self) {
        match self.carry.header() {
            [] => self.record.columns.clear(),
            header => {
                w3c::learn(&mut self.record.columns, header);
            }
        }
    }

    /// The epoch that a record of this time is treated under.
    #[inline]
    fn epoch_of(&self, period: Period, time: Timestamp) -> Epoch {
        self.epoch.unwrap_or_else(|| period.epoch(time))
    }

    /// The class of the record at hand; `None`: nobody can say whose it is, and such are left out.
    #[inline]
    fn class(&mut self, plan: &Plan, route: &Route, line: &[u8]) -> Option<ClassId> {
        let schema = route.format.schema();
        match &plan.tenancy {
            None => Some(route.rules.classify(schema, line, &self.record)),
            // What says what columns there are names no virtual host.
            Some(_)
                if schema.syntax == Syntax::Columns
                    && matches!(self.record.layout, Columns::HEADER | Columns::DIRECTIVE) =>
            {
                Some(self.last_class(plan))
            }
            Some(tenancy) => {
                let whose = self.whose.unwrap_or_else(|| {
                    let Desk { record, host, .. } = &mut *self;
                    tenancy.whose(&route.tenanted, line, record, host)
                });
                tenancy.class(whose, (&route.rules, &route.tenanted), (schema, line, &self.record))
            }
        }
    }

    /// Whether a record of this class and time is written: `false` where it is left out because it is due. The secret of its
    /// epoch is then at hand; without one nothing was counted, for the line comes again.
    #[inline]
    fn begins(&mut self, plan: &Plan, class: ClassId, time: Timestamp, tally: &mut Tally) -> Result<bool, Epoch> {
        // Most records repeat the one before in this.
        if self.settled == Some((class, time)) {
            return Ok(true);
        }
        let due = match self.due {
            Due::Unknown => false,
            Due::Count(now) | Due::Drop(now) => self.tagger.already_due(class, time, now),
        };
        let left_out = due && matches!(self.due, Due::Drop(_));
        if let Some(period) = plan.period
            && !left_out
        {
            let epoch = self.epoch_of(period, time);
            if !self.aid.keys.knows(epoch) {
                return Err(epoch);
            }
            self.aid.keys.select(epoch, class.0);
        }
        tally.due += u64::from(due);
        tally.policy += u64::from(left_out);
        self.settled = (!due).then_some((class, time));
        Ok(!left_out)
    }

    /// What a record of this class and time is kept with.
    #[inline]
    fn run(&mut self, class: ClassId, time: Timestamp) -> Run {
        if !(0..DAY).contains(&time.0.wrapping_sub(self.day.1)) {
            self.turn_day(time);
        }
        Run { class, day: self.day.0 }
    }

    #[cold]
    fn turn_day(&mut self, time: Timestamp) {
        let day = time.day();
        self.day = (day, i64::from(day.0) * DAY);
    }

    /// What a line is kept with that is no record: the last class, and the day of the reference.
    #[inline]
    fn leftover(&mut self, plan: &Plan) -> Run {
        self.run(self.last_class(plan), self.reference)
    }

    /// The class of what is no record: that of the last rule of whoever's all records are.
    #[inline]
    fn last_class(&self, plan: &Plan) -> ClassId {
        match (&plan.tenancy, self.whose) {
            (Some(tenancy), Some(whose)) => tenancy.last_class(whose, plan.last_class()),
            (Some(_), None) | (None, _) => plan.last_class(),
        }
    }

    /// Whether the line at `at` is read by sight: then its values are in the record.
    ///
    /// The line behind it is read ahead, so that what is remembered of its values is at hand when its turn comes.
    #[inline]
    fn sees(&mut self, plan: &Plan, lines: &[u8], at: usize) -> Option<Glance> {
        let seen = if self.ahead.at == at {
            std::mem::swap(&mut self.record.values, &mut self.ahead.values);
            self.record.set_plain();
            self.ahead.seen
        } else {
            let seen = self.glance(plan, &lines[at..]);
            if let Some(Glance { length, route, .. }) = seen {
                let early = &plan.routes[usize::from(route)].early;
                treatment::announce(early, &lines[at..at + length], &self.record.values, &mut self.aid);
            }
            seen
        };
        let next = at + seen?.length + 1;
        self.ahead.at = next;
        std::mem::swap(&mut self.record.values, &mut self.ahead.values);
        self.ahead.seen = self.glance(plan, &lines[next..]);
        if let Some(Glance { length, route, .. }) = self.ahead.seen {
            let line = &lines[next..next + length];
            treatment::announce(&plan.routes[usize::from(route)].early, line, &self.record.values, &mut self.aid);
        }
        std::mem::swap(&mut self.record.values, &mut self.ahead.values);
        seen
    }

    /// Reads the first of `lines` by sight, if that can be done.
    #[inline]
    fn glance(&mut self, plan: &Plan, lines: &[u8]) -> Option<Glance> {
        // Asked before the look at the whole line: what most lines in envelopes begin with is told by a few bytes.
        let dated = matches!(lines, [b'<', ..] | [_, _, _, b' ', ..] | [_, _, _, _, b'-' | b' ', ..]);
        if dated && !plan.envelopes.is_empty() && envelope::may_begin(lines)
            || !self.aid.detector.sight(lines, &mut self.sight)
        {
            return None;
        }
        let line = &lines[..self.sight.length];
        let (route, seen) = plan.read_sight(line, &self.sight, &mut self.record)?;
        // No envelope begins with an address.
        let other = seen == Seen::Other && !plan.envelopes.is_empty() && envelope::may_begin(line);
        (!other).then_some(Glance { length: line.len(), seen, route })
    }

    /// One whole line that was read by sight.
    #[inline]
    fn seen(
        &mut self,
        plan: &Plan,
        route: &Route,
        line: &[u8],
        seen: Seen,
        batch: &mut Batch,
        tally: &mut Tally,
    ) -> Result<(), Epoch> {
        let written = match seen {
            Seen::Plain => self.write::<true>(plan, route, line, LineEnd::Lf, batch, tally)?,
            Seen::Other => self.write::<false>(plan, route, line, LineEnd::Lf, batch, tally)?,
        };
        tally.minimised += u64::from(written);
        Ok(())
    }

    /// One line, to its outcome. An epoch without a secret comes back before anything is written.
    #[inline]
    fn line(
        &mut self,
        plan: &Plan,
        line: &[u8],
        ending: Ending,
        end: LineEnd,
        batch: &mut Batch,
        tally: &mut Tally,
    ) -> Result<(), Epoch> {
        let in_envelope = !plan.envelopes.is_empty() && envelope::may_begin(line);
        let piece = self.is_piece(plan, line);
        if in_envelope || piece {
            let body = retention::strip(line).map_or(line, |at| &line[..at]);
            let opened = if piece { None } else { plan.opens(body, &mut self.record) };
            if (piece || opened.is_some())
                && let Some(written) = self.wrapped(plan, body, ending, end, (opened, None), batch, tally)?
            {
                tally.minimised += u64::from(written);
                return Ok(());
            }
        }
        let (body, route) = self.read(plan, line, ending);
        if let Some(route) = route {
            if let Some((_, string)) = wrapped::line_in(route, body, &self.record)
                && plan.may_hold(route, string, &self.record)
                && let format = plan.routes.iter().position(|of| std::ptr::eq(of, route))
                && let Some(written) = self.wrapped(plan, body, ending, end, (None, format), batch, tally)?
            {
                tally.minimised += u64::from(written);
                return Ok(());
            }
            if ending == Ending::Whole {
                self.learn(plan, route, body);
            }
            let written = self.write::<false>(plan, route, body, end, batch, tally)?;
            tally.minimised += u64::from(written);
            return Ok(());
        }
        let body = match ending {
            Ending::Whole => body,
            Ending::Cut => scrub::trimmed(body),
        };
        match &plan.text {
            Some(_) if body.is_empty() && ending == Ending::Cut => {
                plan.encoding.blank(self.leftover(plan), end, batch);
                tally.over_long += 1;
            }
            Some(route) => {
                self.record.clear();
                self.record.push(0, 0, body.len());
                let written = u64::from(self.write::<false>(plan, route, body, end, batch, tally)?);
                match plan.text_is_a_format {
                    true => tally.minimised += written,
                    false => tally.scrubbed += written,
                }
            }
            // Of an empty line there is nothing to keep.
            None if plan.seals_malformed() && !line.is_empty() => self.set_aside(plan, line, end, batch, tally),
            None => {
                plan.encoding.blank(self.leftover(plan), end, batch);
                tally.malformed += 1;
            }
        }
        tally.unmatched += u64::from(!plan.text_is_a_format);
        Ok(())
    }

    /// A line of which nobody can say whose it is: it goes, or is set aside to be sealed.
    #[cold]
    fn nobodys(&mut self, plan: &Plan, line: &[u8], end: LineEnd, batch: &mut Batch, tally: &mut Tally) {
        if plan.tenancy.as_ref().is_some_and(|tenancy| tenancy.seals_unknown()) {
            return self.set_aside(plan, line, end, batch, tally);
        }
        plan.encoding.blank(self.leftover(plan), end, batch);
        tally.tenant += 1;
    }

    /// Sets a line aside to be sealed, as it came, and stands for it as for one that was dropped.
    fn set_aside(&mut self, plan: &Plan, line: &[u8], end: LineEnd, batch: &mut Batch, tally: &mut Tally) {
        let run = self.leftover(plan);
        plan.encoding.set_aside(line, run, end, batch);
        tally.sealed += 1;
    }

    /// Whether it is a piece of a line that Docker cut.
    #[inline]
    fn is_piece(&self, plan: &Plan, line: &[u8]) -> bool {
        let may = plan.joins_docker && line.first() == Some(&b'{');
        may && (self.carry.waits() || envelope::may_be_part(line)) && envelope::part(line).is_some()
    }

    /// The line without a tag of ours, and the highest-ranked route that it fits, with its values in the record.
    ///
    /// An agent may say what our tag says: where the line without it fits no layout to its end and the whole line does, it
    /// was none of ours.
    #[inline(always)]
    fn read<'l, 'p>(&mut self, plan: &'p Plan, line: &'l [u8], ending: Ending) -> (&'l [u8], Option<&'p Route>) {
        let Some(at) = retention::strip(line) else { return (line, self.fits(plan, line, ending)) };
        let body = &line[..at];
        let route = self.fits(plan, body, ending);
        if route.is_some_and(|route| route.format.is_exact()) {
            return (body, route);
        }
        let whole = self.fits(plan, line, ending);
        if whole.is_some_and(|whole| whole.format.is_exact() || route.is_none()) {
            return (line, whole);
        }
        // The record holds the other reading.
        (body, self.fits(plan, body, ending))
    }

    /// The highest-ranked route that the line fits.
    #[inline(always)]
    fn fits<'p>(&mut self, plan: &'p Plan, line: &[u8], ending: Ending) -> Option<&'p Route> {
        plan.fits(line, ending, &mut self.record).map(|at| &plan.routes[at])
    }

    /// Treats and encodes the record at hand, of a line that was [`Seen::Plain`] if `PLAIN`; `false`: it was left out
    /// because it is due.
    #[inline]
    fn write<const PLAIN: bool>(
        &mut self,
        plan: &Plan,
        route: &Route,
        line: &[u8],
        end: LineEnd,
        batch: &mut Batch,
        tally: &mut Tally,
    ) -> Result<bool, Epoch> {
        let schema = route.format.schema();
        if !PLAIN {
            announce(route, line, &self.record, &mut self.aid);
        }
        let time = match route.stamp {
            Some(place) if PLAIN => self.recent.clf(plan, self.record.values[usize::from(place)].span.of(line)),
            _ => self.recent.time(plan, route, line, &self.record, self.reference),
        };
        let seen = PLAIN && time.is_some();
        let time = time.unwrap_or(self.reference);
        let Some(class) = self.class(plan, route, line) else {
            self.nobodys(plan, line, end, batch, tally);
            return Ok(false);
        };
        let written = self.begins(plan, class, time, tally)?;
        let run = self.run(class, time);
        if !written {
            plan.encoding.blank(run, end, batch);
            return Ok(false);
        }
        self.begin_count();
        let Desk { record, aid, scratch, tagger, counts, .. } = &mut *self;
        let fixed = PLAIN || record.marks.is_empty() && schema.layout(record.layout).0.len() == record.values.len();
        let treated = match plan.encoding {
            Encoding::Same if fixed => {
                let places = if seen { Places::Seen(&route.seen) } else { Places::All };
                treatment::lay(&route.steps, places, schema, line, record, aid, scratch)
            }
            // One that cannot be laid so is treated twice.
            Encoding::Json if seen && counts.is_none() => {
                treatment::lay_flat(&route.steps, &route.heads, schema, line, record, aid, scratch)
            }
            Encoding::Same | Encoding::Json => treatment::treat(&route.steps, schema, line, record, aid, scratch),
        };
        if let Some(counts) = counts {
            counts.add(&route.counted, &treated, aid);
        }
        let tag = plan.tagged.then(|| tagger.tag(class, time));
        plan.encoding.encode(&treated, &route.members, run, tag, end, batch);
        tally.late += u64::from(self.aid.keys.take_late());
        Ok(true)
    }
}

/// Says which values are asked for soon of a record that is treated next, so that what is remembered of them is fetched while
/// its time and its class are found out.
#[inline]
fn announce(route: &Route, line: &[u8], record: &Record, aid: &mut Aid) {
    if !route.dynamic && record.values.len() == route.steps.len() {
        treatment::announce(&route.early, line, &record.values, aid);
    }
}
