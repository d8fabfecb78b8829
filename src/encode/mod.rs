//! Treated + tag → batch. One encoding per file.
//!
//! Comes in: a record after treatment and its tag. Goes out: bytes of a [`Batch`]. An encoder cannot reach the line; a batch
//! cannot be filled outside this folder, and an output takes nothing but a batch. The smallest example to copy is `same.rs`.

mod json;
mod pairs;
mod parcel;
mod project;
mod reply;
mod same;

pub(crate) use json::Members;
pub use parcel::{PARCEL_OVERHEAD_BYTES, Parcel, ParcelHead, RecordId, Unpacked};
pub use project::Projection;
pub use reply::{Reply, Words};

use crate::{
    record::{Columns, Syntax},
    retention::{ClassId, Run, Tag},
    seal::RawLines,
    treatment::Treated,
};

/// Minimised bytes ready to leave, in input order, with the runs that belong to one class and day.
///
/// It cannot be filled outside this folder:
/// ```compile_fail,E0451
/// let forged = sladd::Batch { bytes: b"203.0.113.7".to_vec(), ..Default::default() };
/// ```
/// ```compile_fail,E0616
/// let mut batch = sladd::Batch::default();
/// batch.bytes.extend_from_slice(b"203.0.113.7");
/// ```
/// Lines that were set aside to be sealed travel with it, apart from what it shows:
/// ```compile_fail,E0616
/// let batch = sladd::Batch::default();
/// let _ = batch.raw.size();
/// ```
/// And an output takes nothing else:
/// ```compile_fail,E0308
/// fn leak(out: &mut sladd::output::Stdout) {
///     let _ = out.write(b"203.0.113.7");
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    runs: Vec<(Run, u32)>,
    raw: RawLines,
}

impl Batch {
    /// All of it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Neighbouring records of one class and day, run by run, in order.
    pub fn runs(&self) -> impl Iterator<Item = (Run, &[u8])> {
        let mut start = 0;
        self.runs.iter().map(move |&(run, end)| {
            let records = &self.bytes[start..end as usize];
            start = end as usize;
            (run, records)
        })
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Empties it, keeping its memory. Lines that were set aside and that nobody took are gone.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.runs.clear();
        self.raw.clear();
    }

    /// Lines that were set aside to be sealed, for whoever seals them to take.
    pub fn raw_lines(&mut self) -> &mut RawLines {
        &mut self.raw
    }

    /// What it takes of memory: its records, and lines that were set aside.
    pub fn held_bytes(&self) -> usize {
        self.bytes.len() + self.raw.size()
    }

    /// Adds what is in another batch, but for lines that were set aside: those go one way only.
    pub fn append(&mut self, other: &Batch) {
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(&other.bytes);
        self.runs.extend(other.runs.iter().map(|&(run, end)| (run, start + end)));
    }

    /// The records of some classes, into an empty batch.
    pub fn only(&self, takes: impl Fn(ClassId) -> bool, into: &mut Batch) {
        into.clear();
        for (run, records) in self.runs().filter(|(run, _)| takes(run.class)) {
            into.bytes.extend_from_slice(records);
            into.close(run);
        }
    }

    /// Adds each run to the batch that `place` names for it; one that it names none for is left out.
    ///
    /// # Panics
    /// When there is no such batch.
    pub fn divide(&self, mut place: impl FnMut(Run) -> Option<usize>, into: &mut [Batch]) {
        for (run, records) in self.runs() {
            if let Some(place) = place(run) {
                into[place].bytes.extend_from_slice(records);
                into[place].close(run);
            }
        }
    }

    /// Gives memory beyond so many bytes back, where that much is not in use.
    pub fn shrink_to(&mut self, max_bytes: usize) {
        if self.bytes.capacity() > max_bytes {
            self.bytes.shrink_to(max_bytes);
            self.runs.shrink_to(max_bytes / size_of::<(Run, u32)>());
        }
    }

    /// What a stand-in for the engine made; only in unit tests can a batch be filled from outside.
    #[cfg(test)]
    pub(crate) fn of(bytes: &[u8]) -> Batch {
        let mut batch = Batch::default();
        batch.extend(bytes);
        batch
    }

    /// As `of`, into a batch in use.
    #[cfg(test)]
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.close(Run { class: ClassId(0), day: crate::time::Day(0) });
    }

    #[inline]
    fn close(&mut self, run: Run) {
        let end = self.bytes.len() as u32;
        match self.runs.last_mut() {
            Some((last, until)) if *last == run => *until = end,
            _ => self.runs.push((run, end)),
        }
    }
}

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// In the input's own layout: one line in is one line out.
    Same,
    /// As one flat JSON object a line, under canonical names.
    Json,
}

/// A line that stood in a string of another, minimised.
#[derive(Clone, Copy, Debug)]
pub struct Nested<'a> {
    /// The value that it came from, by its place in the outer record.
    pub value: u16,
    /// What is left of it.
    pub line: &'a Batch,
}

/// How a line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// `\n`
    Lf,
    /// `\r\n`
    CrLf,
}

impl LineEnd {
    fn bytes(self) -> &'static [u8] {
        match self {
            LineEnd::Lf => b"\n",
            LineEnd::CrLf => b"\r\n",
        }
    }
}

impl Encoding {
    /// Writes one record. `tag` is `None` where the policy appends none; `members` are those of the record's schema, or none.
    #[inline]
    pub(crate) fn encode(
        self,
        record: &Treated<'_>,
        members: &Members,
        run: Run,
        tag: Option<Tag<'_>>,
        end: LineEnd,
        batch: &mut Batch,
    ) {
        // A header is no record: as JSON nothing is left of it.
        let header = matches!(record.record().layout, Columns::HEADER | Columns::DIRECTIVE);
        if self == Encoding::Json && header && record.schema().syntax == Syntax::Columns {
            return;
        }
        match self {
            Encoding::Same => same::write(record, None, tag, &mut batch.bytes),
            Encoding::Json => json::write(record, members, tag, &mut batch.bytes),
        }
        match (self, end) {
            (Encoding::Same, LineEnd::CrLf) => batch.bytes.extend_from_slice(end.bytes()),
            (Encoding::Same, LineEnd::Lf) | (Encoding::Json, _) => batch.bytes.push(b'\n'),
        }
        batch.close(run);
    }

    /// Writes lines of one class and day that were treated together and carry no tag. For the input's own layout.
    #[inline]
    pub fn encode_lines(self, lines: &Treated<'_>, run: Run, batch: &mut Batch) {
        batch.bytes.extend_from_slice(lines.lines().unwrap_or_default());
        batch.close(run);
    }

    /// Writes a record that stands in envelopes or holds another line: envelopes, then the record, with the nested line in
    /// the place of the value that it came from. For the input's own layout.
    #[expect(clippy::too_many_arguments, reason = "each is another part of one line")]
    pub fn encode_wrapped(
        self,
        wraps: &[Option<Treated<'_>>],
        record: &Treated<'_>,
        nested: Option<Nested<'_>>,
        run: Run,
        tag: Option<Tag<'_>>,
        end: Option<LineEnd>,
        batch: &mut Batch,
    ) {
        for wrap in wraps.iter().flatten() {
            same::write(wrap, None, None, &mut batch.bytes);
        }
        same::write(record, nested, tag, &mut batch.bytes);
        if let Some(end) = end {
            batch.bytes.extend_from_slice(end.bytes());
        }
        batch.close(run);
    }

    /// Writes several records of one line as one flat JSON object: of several values of one name the first is written. A
    /// value whose number is given is left out, because the line in it is a record of its own.
    pub fn encode_flat<'a, 'b: 'a>(
        self,
        records: impl Iterator<Item = (&'a Treated<'b>, Option<u16>)> + Clone,
        run: Run,
        tag: Option<Tag<'_>>,
        batch: &mut Batch,
    ) {
        json::write_all(records, tag, &mut batch.bytes);
        batch.bytes.push(b'\n');
        batch.close(run);
    }

    /// Writes `pieces`, lines of `NAME=text` each, as one value of the journal's export format: as one line where it is one,
    /// else the name, eight bytes of length, and the texts.
    pub fn encode_value(self, pieces: &Batch, batch: &mut Batch) {
        let Some(&(run, _)) = pieces.runs.last() else { return };
        same::write_value(&pieces.bytes, &mut batch.bytes);
        batch.close(run);
    }

    /// Stands for a record of which nothing is left: a blank line in the input's own layout, nothing in JSON.
    #[inline]
    pub fn blank(self, run: Run, end: LineEnd, batch: &mut Batch) {
        if self == Encoding::Same {
            batch.bytes.extend_from_slice(end.bytes());
            batch.close(run);
        }
    }

    /// Sets a raw line aside to be sealed, and stands for it as for a record of which nothing is left.
    #[inline]
    pub(crate) fn set_aside(self, line: &[u8], run: Run, end: LineEnd, batch: &mut Batch) {
        batch.raw.push(line, end.bytes());
        self.blank(run, end, batch);
    }

    /// Takes back the records that were written since the batch held `from` bytes, and blanks their lines.
    ///
    /// It takes a position and no bytes, so that a guard can stop a record and never write one. `from` must be where a
    /// record began.
    pub fn take_back(self, batch: &mut Batch, from: usize) {
        let written = batch.bytes.split_off(from);
        if self == Encoding::Same {
            for line in written.split_inclusive(|&byte| byte == b'\n') {
                let end = if line.ends_with(b"\r\n") { LineEnd::CrLf } else { LineEnd::Lf };
                batch.bytes.extend_from_slice(end.bytes());
            }
        }
        let end = batch.bytes.len() as u32;
        // The classes of what is gone go too; the blank lines belong to the first of them.
        let first = batch.runs.iter().position(|&(_, until)| until > from as u32).unwrap_or(batch.runs.len());
        batch.runs.truncate(first + 1);
        let before = first.checked_sub(1).map_or(0, |before| batch.runs[before].1);
        match batch.runs.get_mut(first) {
            Some(_) if end == before => drop(batch.runs.pop()),
            Some((_, until)) => *until = end,
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Day;

    fn batch(records: &[(&[u8], u16)]) -> Batch {
        let mut batch = Batch::default();
        for (bytes, class) in records {
            batch.bytes.extend_from_slice(bytes);
            batch.close(Run { class: ClassId(*class), day: Day(0) });
        }
        batch
    }

    fn runs(batch: &Batch) -> Vec<(u16, &[u8])> {
        batch.runs().map(|(run, records)| (run.class.0, records)).collect()
    }

    #[test]
    fn a_day_begins_a_run_as_a_class_does_and_runs_can_be_divided() {
        let mut all = Batch::default();
        for (bytes, class, day) in [(b"a\n", 0, 1), (b"b\n", 0, 1), (b"c\n", 0, 2), (b"d\n", 1, 2), (b"e\n", 0, 1)] {
            all.bytes.extend_from_slice(bytes);
            all.close(Run { class: ClassId(class), day: Day(day) });
        }
        assert_eq!(
            all.runs().map(|(run, records)| (run.day.0, records.len())).collect::<Vec<_>>(),
            [(1, 4), (2, 2), (2, 2), (1, 2)]
        );
        let mut into = [Batch::default(), Batch::default()];
        all.divide(|run| (run.class == ClassId(0)).then_some(run.day.0 as usize - 1), &mut into);
        assert_eq!((into[0].bytes(), into[1].bytes()), (&b"a\nb\ne\n"[..], &b"c\n"[..]));
        assert_eq!(into[0].runs().count(), 1);
    }

    #[test]
    fn what_is_taken_back_leaves_blank_lines_of_its_class_and_nothing_of_it() {
        let records: &[(&[u8], u16)] = &[(b"a\n", 0), (b"b\n", 1), (b"c\r\n", 1), (b"d\n", 2)];
        for (from, same, json) in [
            (
                9,
                vec![(0, &b"a\n"[..]), (1, b"b\nc\r\n"), (2, b"d\n")],
                vec![(0, &b"a\n"[..]), (1, b"b\nc\r\n"), (2, b"d\n")],
            ),
            (7, vec![(0, b"a\n"), (1, b"b\nc\r\n"), (2, b"\n")], vec![(0, b"a\n"), (1, b"b\nc\r\n")]),
            (4, vec![(0, b"a\n"), (1, b"b\n\r\n\n")], vec![(0, b"a\n"), (1, b"b\n")]),
            (2, vec![(0, b"a\n"), (1, b"\n\r\n\n")], vec![(0, b"a\n")]),
            (0, vec![(0, b"\n\n\r\n\n")], vec![]),
        ] {
            for (encoding, want) in [(Encoding::Same, same), (Encoding::Json, json)] {
                let mut batch = batch(records);
                encoding.take_back(&mut batch, from);
                assert_eq!(runs(&batch), want, "{from}");
                assert_eq!(batch.runs().map(|(_, run)| run.len()).sum::<usize>(), batch.bytes.len());
            }
        }
    }
}
