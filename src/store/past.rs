//! What the audit log of a store says: which segments were closed and deleted, which holds stand, which policies are kept,
//! which tenants are leaving.

use super::{Root, hold::Hold};
use crate::{audit::Deed, error::Error, time::Date};
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, BufRead, BufReader},
};

/// What was done, as far as it can be read; whether it was changed is for [`crate::audit::verify`] to say.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// Segments by number: what they are called, and the digest of their manifest.
    pub closed: BTreeMap<u64, (String, String)>,
    /// What was deleted: segments, and files that were to be some.
    pub deleted: BTreeSet<String>,
    /// Numbers of files that were deleted before they were segments.
    pub never: BTreeSet<u64>,
    /// Holds that were added and not released.
    pub holds: BTreeMap<String, Hold>,
    /// Tenants whose relationship ends, or has ended, and on which day.
    pub ends: BTreeMap<String, Date>,
    /// Short forms of policies' digests, and the digests of the files.
    pub policies: BTreeMap<String, String>,
    /// When the first entry was written, as it is written; empty where there is none.
    pub first: String,
    /// The last one.
    pub last: String,
    /// And the last that tells of a sweep.
    pub swept: String,
    /// The day that this one reckoned with.
    pub reckoned: String,
    /// Entries that could not be read.
    pub odd: u64,
}

impl Past {
    /// All of it.
    pub(super) fn read(root: &Root) -> Result<Past, Error> {
        Past::those(root, |_| true)
    }

    /// What it says of holds and tenants, and when entries were written.
    pub(super) fn of_holds(root: &Root) -> Result<Past, Error> {
        let told = [&b"\"deed\":\"hold_"[..], b"\"deed\":\"tenant_"];
        Past::those(root, |line| told.iter().any(|deed| memchr::memmem::find(line, deed).is_some()))
    }

    /// What it says of policies.
    pub(super) fn of_policies(root: &Root) -> Result<Past, Error> {
        Past::those(root, |line| memchr::memmem::find(line, b"\"deed\":\"policy_").is_some())
    }

    fn those(root: &Root, wanted: impl Fn(&[u8]) -> bool) -> Result<Past, Error> {
        let mut past = Past::default();
        let file = super::file::open(&root.place, "audit.log").map_err(|error| root.failed("read", &error))?;
        let Some(file) = file else { return Ok(past) };
        let mut reader = BufReader::new(file);
        let (mut line, mut last, mut swept) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            std::mem::swap(&mut line, &mut last);
            line.clear();
            match io::Read::take(&mut reader, LONGEST_BYTES).read_until(b'\n', &mut line) {
                Ok(0) => {
                    past.last = time_of(&last).unwrap_or_default();
                    past.swept = time_of(&swept).unwrap_or_default();
                    past.reckoned = text_of(&swept, "subject").unwrap_or_default();
                    return Ok(past);
                }
                Ok(_) => {
                    if past.first.is_empty() {
                        past.first = time_of(&line).unwrap_or_default();
                    }
                    if memchr::memmem::find(&line, b"\"deed\":\"swept\"").is_some() {
                        swept.clone_from(&line);
                    }
                    if wanted(&line) && past.note(&line).is_none() {
                        past.odd += 1;
                    }
                }
                Err(error) => return Err(root.failed("read", &error)),
            }
        }
    }

    fn note(&mut self, line: &[u8]) -> Option<()> {
        let entry: Map<String, Value> = serde_json::from_slice(line).ok()?;
        let text = |name: &str| entry.get(name).and_then(Value::as_str);
        let details = entry.get("details").and_then(Value::as_object)?;
        let detail = |name: &str| details.get(name).and_then(Value::as_str);
        let (deed, subject) = (text("deed")?, text("subject")?);
        if deed == Deed::SegmentClosed.as_str() {
            let number = detail("number")?.parse().ok()?;
            self.closed.insert(number, (subject.to_owned(), detail("manifest")?.to_owned()));
        } else if deed == Deed::SegmentsDeleted.as_str() {
            for (name, said) in details {
                if said.as_str()?.starts_with(GONE) {
                    if let Some((number, _)) =
                        name.strip_prefix("closing/").and_then(super::name::Shelf::parse_numbered)
                    {
                        self.never.insert(number);
                    }
                    self.deleted.insert(name.clone());
                }
            }
        } else if deed == Deed::HoldAdded.as_str() {
            let hold = Hold::from_details(subject, details)?;
            self.holds.insert(subject.to_owned(), hold);
        } else if deed == Deed::HoldReleased.as_str() {
            self.holds.remove(subject);
        } else if deed == Deed::TenantEnded.as_str() {
            let date = Date::parse(detail("date")?.as_bytes())?;
            self.ends.insert(subject.to_owned(), date);
        } else if deed == Deed::TenantResumed.as_str() {
            self.ends.remove(subject);
        } else if deed == Deed::PolicyKept.as_str() {
            self.policies.insert(subject.to_owned(), detail("blake3")?.to_owned());
        }
        Some(())
    }
}

/// When an entry was written.
fn time_of(line: &[u8]) -> Option<String> {
    text_of(line, "time")
}

fn text_of(line: &[u8], name: &str) -> Option<String> {
    let entry: Map<String, Value> = serde_json::from_slice(line).ok()?;
    Some(entry.get(name)?.as_str()?.to_owned())
}

/// What is said of something that is gone begins so.
pub(super) const GONE: &str = "gone";

/// No entry of ours is longer.
const LONGEST_BYTES: u64 = 65_537;
