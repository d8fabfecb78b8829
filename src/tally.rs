//! One counter per outcome; their sum is the number of lines.

use std::ops::AddAssign;

/// What became of the lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines that came in.
    pub lines: u64,
    /// Lines cut into fields and treated one by one.
    pub minimised: u64,
    /// Lines of which only scrubbed text is left.
    pub scrubbed: u64,
    /// Lines of which nothing left but sealed: only another machine can open it.
    pub sealed: u64,
    /// Lines dropped because they fitted no format.
    pub malformed: u64,
    /// Lines dropped because nothing of them was left under the limit.
    pub over_long: u64,
    /// Lines stopped because the guard found somebody in what was made of them.
    pub guard: u64,
    /// Lines dropped because their time to be deleted had come and the run was told to leave such records out.
    pub policy: u64,
    /// Lines dropped because nobody can say which tenant's they are.
    pub tenant: u64,
    /// Lines dropped because the output stalled.
    pub shed: u64,
    /// Of the lines: cut at the limit or by the end of the input, and treated under the rule for cut lines.
    pub cut: u64,
    /// Of the lines: those that fitted no format, whatever became of them.
    pub unmatched: u64,
    /// Of the lines: those with a field dropped because the key of their epoch is gone or out of reach.
    pub late: u64,
    /// Of the lines: those whose time to be deleted had come, left out or not.
    pub due: u64,
    /// Bytes that came in.
    pub bytes_in: u64,
    /// Bytes that went out.
    pub bytes_out: u64,
    /// The first line that the guard stopped.
    pub first_stopped: Option<Stopped>,
    /// The last one so far.
    pub last_stopped: Option<Stopped>,
}

/// A line that the guard stopped: no byte of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Its number among the lines of the tally, from 1.
    pub line: u64,
    /// The name of the kind that was found.
    pub kind: &'static str,
}

impl Tally {
    /// Lines of which nothing left.
    pub fn dropped(&self) -> u64 {
        self.reasons().iter().map(|(_, count)| count).sum()
    }

    /// The reasons for which they were dropped, in the order in which all accounts name them; their sum is
    /// [`Tally::dropped`].
    pub fn reasons(&self) -> [(&'static str, u64); 6] {
        [
            ("malformed", self.malformed),
            ("over_long", self.over_long),
            ("guard", self.guard),
            ("policy", self.policy),
            ("tenant", self.tenant),
            ("shed", self.shed),
        ]
    }

    /// Of the lines that were set aside to be sealed, so many found no room: they are dropped as what fits no format is.
    pub fn unseal(&mut self, lines: u64) {
        self.sealed -= lines;
        self.malformed += lines;
    }

    /// Whether the outcomes sum to the lines.
    pub fn balances(&self) -> bool {
        self.lines == self.minimised + self.scrubbed + self.sealed + self.dropped()
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        let lines = self.lines;
        let later = |stopped: Stopped| Stopped { line: lines + stopped.line, ..stopped };
        self.first_stopped = self.first_stopped.or(other.first_stopped.map(later));
        self.last_stopped = other.last_stopped.map(later).or(self.last_stopped);
        self.lines += other.lines;
        self.minimised += other.minimised;
        self.scrubbed += other.scrubbed;
        self.sealed += other.sealed;
        self.malformed += other.malformed;
        self.over_long += other.over_long;
        self.guard += other.guard;
        self.policy += other.policy;
        self.tenant += other.tenant;
        self.shed += other.shed;
        self.cut += other.cut;
        self.unmatched += other.unmatched;
        self.late += other.late;
        self.due += other.due;
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
    }
}
