//! What was typed of lines, for every command that minimises them.

use super::{FailArg, LayoutArg, LineArgs, load};
use crate::{
    engine::Due,
    error::{Error, Kind},
    plan::Plan,
    policy::{Layout, Policy},
    record::Clock,
    run::worker::clock,
    tally::Tally,
    time::{self, Timestamp, Zone},
};
use std::sync::Arc;

impl LineArgs {
    /// The policy, with what was typed instead of its own.
    pub(super) fn policy(&self) -> Result<Policy, Error> {
        let mut policy = load::policy(&self.choice.policy)?;
        load::choose(&mut policy, &self.choice)?;
        if let Some(layout) = self.encode {
            policy.encode.layout = match layout {
                LayoutArg::Same => Layout::Same,
                LayoutArg::Json => Layout::Json,
            };
        }
        Ok(policy)
    }

    /// What happens to records whose time to be deleted has come.
    pub(super) fn due(&self) -> Result<Due, Error> {
        let now = self.now.as_deref().map_or_else(|| Ok(clock()), day)?;
        Ok(if self.drop_due { Due::Drop(now) } else { Due::Count(now) })
    }

    /// Whether there was a line that the code is to tell of.
    pub(super) fn is_met(&self, tally: &Tally) -> bool {
        self.fail_on.iter().any(|what| match what {
            FailArg::Malformed => tally.unmatched > 0,
            FailArg::Dropped => tally.dropped() > 0,
        })
    }
}

/// The policy, compiled.
pub(super) fn plan(policy: &Policy) -> Result<Arc<Plan>, Error> {
    let plan = Arc::new(Plan::compile(policy)?);
    // It lives as long as the program does, and taking it apart in the end would take milliseconds. It holds no key.
    std::mem::forget(Arc::clone(&plan));
    Ok(plan)
}

/// More malformed lines than this, in percent, are a wrong format.
pub(super) fn malformed_limit(policy: &Policy) -> Option<f64> {
    // Under `auto` every line may be of another format; there is no wrong one.
    let auto = policy.source.formats.iter().any(|format| matches!(&**format, "auto" | "text"));
    policy.source.malformed_limit.filter(|_| !auto)
}

/// What `--reference-time` says.
pub(super) fn reference(text: &str) -> Result<Timestamp, Error> {
    time::parse(Clock::Rfc3339, text.as_bytes(), &Zone::utc()).ok_or_else(|| {
        Error::new(Kind::Usage, "--reference-time is not an RFC 3339 time; write it like 2026-11-21T10:00:00Z")
    })
}

fn day(text: &str) -> Result<Timestamp, Error> {
    let day = time::Date::parse(text.as_bytes());
    day.map(time::Date::start).ok_or_else(|| Error::new(Kind::Usage, "--now is not a date; write it like 2026-11-21"))
}
