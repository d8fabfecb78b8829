//! A sweep: what is due is deleted, in an order that survives a kill; see the module's documentation.

use super::{
    CLOSING, OPEN, Root, SWEEP, Terms,
    facts::Facts,
    file,
    hold::{Holds, holds_by},
    key::{self, KEYS},
    leaving::Ends,
    manifest::Head,
    name,
    past::{GONE, Past},
    room,
    survey::{Kept, survey},
};
use crate::{
    audit::{Deed, Entry},
    error::{Error, Kind},
    output::fresh::discard,
    retention::Life,
    state::place::Place,
    time::{DAY, Date, Timestamp},
};
use rustix::{fs::AtFlags, io::Errno};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, io};

/// What time it is, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The system. Where the last sweep was more than a month ago the clock may be wrong, and nothing is deleted.
    System(Timestamp),
    /// Somebody who knows.
    Given {
        /// What is reckoned with.
        reckoned: Timestamp,
        /// What the system says, for the log.
        system: Timestamp,
    },
}

impl Clock {
    /// What is due by.
    pub fn now(self) -> Timestamp {
        match self {
            Clock::System(now) | Clock::Given { reckoned: now, .. } => now,
        }
    }

    /// When it is done.
    fn system(self) -> Timestamp {
        match self {
            Clock::System(now) | Clock::Given { system: now, .. } => now,
        }
    }
}

/// How to sweep.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// What time it is.
    pub clock: Clock,
    /// The terms of the policy in force, which may be shorter than those of a manifest; none: those that the store knows.
    pub terms: Option<Terms>,
    /// Nothing is deleted and nothing is written: only what would be.
    pub dry_run: bool,
}

/// What became of something that is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deletion {
    /// Its path in the store; of a segment without the ending.
    pub path: String,
    /// The day on which it had to be gone.
    pub until: String,
    /// Bytes on the disk.
    pub bytes: u64,
    /// What the system said: `gone`, why not, or `due` where nothing was done.
    pub said: String,
    /// Whether it is gone.
    pub is_gone: bool,
}

/// What a sweep found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The day that it reckoned with.
    pub day: String,
    /// What is due.
    pub due: Vec<Deletion>,
    /// Paths that a sweep before this one, which was ended, had unlinked.
    pub found_gone: Vec<String>,
    /// Paths that are due and held.
    pub held: Vec<String>,
    /// References of holds that have to be looked at: their day has come, and they still hold.
    pub expired: Vec<String>,
    /// Paths of which nobody can say when they are due.
    pub unknown: Vec<String>,
    /// What stays because its day has not come.
    pub kept: u64,
    /// The next day on which something is due.
    pub next: Option<String>,
}

impl Report {
    /// What is due, not held, and still there.
    pub fn failed(&self) -> usize {
        self.due.iter().filter(|deletion| !deletion.is_gone).count()
    }
}

/// What a sweep is about to delete.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Intent {
    paths: Vec<String>,
}

impl Sweep {
    /// Deletes what is due and not held.
    ///
    /// # Errors
    /// [`Kind::Config`] where the clock may be wrong; [`Kind::Data`] where nobody can say what is held; [`Kind::Io`],
    /// [`Kind::Permission`]. What could not be deleted is no error: the report says so.
    pub fn run(&self, root: &Root) -> Result<Report, Error> {
        let _lock = root.lock()?;
        let now = self.clock.now();
        let past = Past::of_holds(root)?;
        if let Clock::System(now) = self.clock {
            doubt(now, &past)?;
        }
        let mut report = Report { day: now.date().to_string(), ..Report::default() };
        let ends = past.ends.clone();
        let holds = holds_by(root, past)?;
        report.expired =
            holds.holds.iter().filter(|hold| hold.is_expired(now)).map(|hold| hold.reference.clone()).collect();
        let due = self.due(root, now, (&holds, &ends), &mut report)?;
        if self.dry_run {
            report.due = due.iter().map(|(kept, until)| deletion(kept, *until, Err("due".to_owned()))).collect();
            return Ok(report);
        }
        room::make(root, &due)?;
        report.found_gone = after_a_kill(root, self.clock.system())?;
        if !due.is_empty() {
            self.delete(root, self.clock.system(), &due, &mut report)?;
        }
        let counts = [report.due.len() - report.failed(), report.failed(), report.held.len()].map(|n| n.to_string());
        let details = [("deleted", counts[0].as_str()), ("held", &counts[2]), ("not_deleted", &counts[1])];
        let entry = Entry { deed: Deed::Swept, subject: &report.day, details: &details };
        root.audit()?.append(self.clock.system(), &entry)?;
        Ok(report)
    }

    /// What is due and not held, what is open first.
    fn due(
        &self,
        root: &Root,
        now: Timestamp,
        (holds, ends): (&Holds, &Ends),
        report: &mut Report,
    ) -> Result<Vec<(Kept, Date)>, Error> {
        let facts = Facts::all(root)?;
        let mut next: Option<Date> = None;
        let mut due = Vec::new();
        for kept in survey(root)?.kept {
            let Some(until) = self.until(&kept, &facts, ends) else {
                if kept.fault.is_some() {
                    report.unknown.push(kept.path);
                } else {
                    report.kept += 1;
                }
                continue;
            };
            if now < until.start() {
                report.kept += 1;
                next = Some(next.map_or(until, |next| next.min(until)));
            } else if holds.covering(&kept).next().is_some() {
                report.held.push(kept.path);
            } else {
                due.push((kept, until));
            }
        }
        report.next = next.map(|day| day.to_string());
        due.sort_by_key(|(kept, _)| kept.is_segment);
        Ok(due)
    }

    /// The earliest day that anything says: the manifest, or where it cannot be read whatever policy knows the class; a
    /// newer version of the policy; the policy in force. Of what lives from the end of a relationship, that day.
    fn until(&self, kept: &Kept, facts: &[Facts], ends: &Ends) -> Option<Date> {
        let (label, end) = (kept.label(), ends.get(&kept.tenant).copied());
        let newer = newer(kept, facts).filter_map(|keep| keep.until_with(kept.day, end));
        let in_force = self.terms.as_ref().and_then(|terms| terms.keep(&label)?.until_with(kept.day, end));
        newer.chain(kept.due(ends)).chain(in_force).min()
    }

    fn delete(&self, root: &Root, now: Timestamp, due: &[(Kept, Date)], report: &mut Report) -> Result<(), Error> {
        let failed = |error: io::Error| root.failed("write in", &error);
        let intent = Intent { paths: due.iter().map(|(kept, _)| kept.path.clone()).collect() };
        let text = serde_json::to_vec(&intent).map_err(|error| failed(error.into()))?;
        file::write(&root.place, SWEEP, &text).map_err(failed)?;
        // A number of a file that never becomes a segment is not used again.
        let highest = due.iter().filter(|(kept, _)| !kept.is_segment).filter_map(|(kept, _)| kept.number).max();
        if let Some(highest) = highest {
            let head = Head::read(root)?;
            if head.next <= highest {
                Head { next: highest + 1, ..head }.write(root)?;
            }
        }
        let mut touched: BTreeSet<(String, Option<Date>)> = BTreeSet::new();
        for (kept, until) in due {
            let said = unlink(root, kept).map_err(|error| error.to_string());
            touched.insert(room_of(kept));
            if kept.key.is_some() {
                touched.insert((KEYS.to_owned(), None));
            }
            report.due.push(deletion(kept, *until, said));
        }
        // What `unlink` said is true after a loss of power too.
        for (room, day) in touched {
            let Some(place) = root.place.room_if_there(&room)? else { continue };
            let Some(day) = day.map(|day| day.to_string()) else {
                place.sync().map_err(failed)?;
                continue;
            };
            if let Some(room) = place.room_if_there(&day)? {
                room.sync().map_err(failed)?;
                drop(room);
                // Where something is left in it, it stays.
                if rustix::fs::unlinkat(&place, day.as_str(), AtFlags::REMOVEDIR).is_ok() {
                    place.sync().map_err(failed)?;
                }
            }
        }
        let told = report.due.iter().map(|deletion| (deletion.path.as_str(), deletion.said.as_str()));
        tell(root, now, &report.day, told)?;
        discard(&root.place, SWEEP).and_then(|()| root.place.sync()).map_err(failed)
    }
}

/// What newer versions of the policy that something was written under say of its class; where nobody knows the policy, what all
/// say.
pub(super) fn newer(kept: &Kept, facts: &[Facts]) -> impl Iterator<Item = Life> {
    let written = kept.policy.as_ref().and_then(|policy| policy.rsplit_once('/'));
    let version = written.and_then(|(_, version)| version.parse::<u32>().ok());
    let newer = facts.iter().filter(move |facts| match (written, version) {
        (Some((name, _)), Some(version)) => facts.name == name && facts.version > version,
        _ => true,
    });
    let label = kept.label();
    newer.filter_map(move |facts| facts.class(&label)?.keep())
}

/// Writes down what was said of each path, so many an entry.
fn tell<'a>(
    root: &Root,
    now: Timestamp,
    day: &str,
    told: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<(), Error> {
    let told: Vec<(&str, &str)> = told.collect();
    for some in told.chunks(AN_ENTRY) {
        root.audit()?.append(now, &Entry { deed: Deed::SegmentsDeleted, subject: day, details: some })?;
    }
    Ok(())
}

/// Whether a sweep that was ended was about to delete it.
///
/// # Errors
/// What the system says.
pub(super) fn was_to_go(root: &Root, path: &str) -> Result<bool, Error> {
    let text = file::read(&root.place, SWEEP, MOST_BYTES).map_err(|error| root.failed("read", &error))?;
    let intent = text.and_then(|text| serde_json::from_slice::<Intent>(&text).ok());
    Ok(intent.is_some_and(|intent| intent.paths.iter().any(|known| known == path)))
}

/// What a sweep that was ended has unlinked is written down; what it had still to do is found again.
fn after_a_kill(root: &Root, now: Timestamp) -> Result<Vec<String>, Error> {
    let failed = |error: io::Error| root.failed("write in", &error);
    let text = file::read(&root.place, SWEEP, MOST_BYTES).map_err(|error| root.failed("read", &error))?;
    let Some(text) = text else { return Ok(Vec::new()) };
    let past = Past::read(root)?;
    let mut gone = Vec::new();
    // It is written whole or not at all.
    let intent: Intent = serde_json::from_slice(&text).map_err(|_| {
        let why = "is damaged; remove it, and see what sladd store verify says";
        Error::new(Kind::Data, format!("`{}` {why}", root.path().join(SWEEP).display()))
    })?;
    let there: BTreeSet<String> = survey(root)?.kept.into_iter().map(|kept| kept.path).collect();
    for path in intent.paths {
        if !there.contains(&path) && !past.deleted.contains(&path) {
            gone.push(path);
        }
    }
    let said = format!("{GONE}, by a sweep that was ended before it could say so");
    tell(root, now, &now.date().to_string(), gone.iter().map(|path| (path.as_str(), said.as_str())))?;
    discard(&root.place, SWEEP).and_then(|()| root.place.sync()).map_err(failed)?;
    Ok(gone)
}

/// Whether the system's clock may be wrong. A sidecar under the same clock may have written to the log by it, so a jump forward
/// is told by the last sweep, or by the first entry where there was none.
fn doubt(now: Timestamp, past: &Past) -> Result<(), Error> {
    let days = |text: &str| {
        let day = text.get(..10).and_then(|day| Date::parse(day.as_bytes()))?;
        Some((day, (now.0 - day.start().0).div_euclid(DAY)))
    };
    let swept = if past.swept.is_empty() { &past.first } else { &past.swept };
    let (why, day) = match (days(&past.last), days(swept)) {
        (Some((day, ..=-2)), _) => ("before the last thing that was done in this store", day),
        (_, Some((day, MOST_IDLE_DAYS..))) => ("more than a month after the last sweep of this store", day),
        _ => return Ok(()),
    };
    let today = now.date();
    let what = format!("nothing was deleted: the clock says {today}, {why}, {day}; set it, or say --now {today}");
    Err(Error::new(Kind::Config, what))
}

fn room_of(kept: &Kept) -> (String, Option<Date>) {
    match (kept.is_segment, kept.number) {
        (true, _) => (kept.label(), Some(kept.day)),
        (false, Some(_)) => (CLOSING.to_owned(), None),
        (false, None) => (OPEN.to_owned(), None),
    }
}

/// Takes something away, its key first: from then on nobody can read it, wherever else it lies. What is gone already is gone. What is
/// to be said of it.
fn unlink(root: &Root, kept: &Kept) -> io::Result<&'static str> {
    let said = match &kept.key {
        None => GONE,
        Some(key) if key::destroy(root, key)? => SEALED_GONE,
        Some(_) => KEYLESS_GONE,
    };
    take_away(root, kept).map(|()| said)
}

fn take_away(root: &Root, kept: &Kept) -> io::Result<()> {
    let (room, day) = room_of(kept);
    let other = |error: Error| io::Error::other(error.to_string());
    let Some(place) = root.place.room_if_there(&room).map_err(other)? else { return Ok(()) };
    let Some(day) = day else {
        let name = kept.path.rsplit('/').next().unwrap_or_default();
        return remove(&place, name);
    };
    let Some(place) = place.room_if_there(&day.to_string()).map_err(other)? else { return Ok(()) };
    let number = kept.number.unwrap_or_default();
    // What was begun and has no name is of the same lines.
    for name in [name::packed(number, kept.key.as_deref()), format!("{}.json", name::number(number))] {
        remove(&place, &file::new(&name))?;
        remove(&place, &name)?;
    }
    Ok(())
}

fn remove(place: &Place, name: &str) -> io::Result<()> {
    match rustix::fs::unlinkat(place, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn deletion(kept: &Kept, until: Date, said: Result<&str, String>) -> Deletion {
    let is_gone = said.is_ok();
    let said = said.map_or_else(|why| why, str::to_owned);
    Deletion { path: kept.path.clone(), until: until.to_string(), bytes: kept.bytes, said, is_gone }
}

/// What is said of something sealed that is gone: it begins with [`GONE`].
const SEALED_GONE: &str = "gone, and its key before it";
const KEYLESS_GONE: &str = "gone; its key was gone before";

/// So many paths stand in one entry of the audit log: it holds 64 KiB.
const AN_ENTRY: usize = 200;

const MOST_IDLE_DAYS: i64 = 32;
const MOST_BYTES: u64 = 64 << 20;
