//! Tenants that are leaving: from that day on is reckoned what lives until so long after the end of a relationship.
//!
//! It stands in the audit log alone, which is chained, so that no hand on a file makes records go early. What was said last
//! counts: a day may be put right as long as nothing is deleted by it.

use super::{Root, past::Past};
use crate::{
    audit::{Deed, Entry},
    error::{Error, Kind},
    retention::{OWN, is_policy_name},
    time::{Date, Timestamp},
};
use std::collections::BTreeMap;

/// Tenants by name, and the day on which the relationship with each ends or has ended.
pub type Ends = BTreeMap<String, Date>;

/// All of them.
///
/// # Errors
/// [`Kind::Io`], [`Kind::Permission`]
pub fn ends(root: &Root) -> Result<Ends, Error> {
    Ok(Past::of_holds(root)?.ends)
}

/// The relationship with a tenant ends on a day; `by` says so. What it was said before to end on, if it was.
///
/// # Errors
/// As [`ends`]; [`Kind::Usage`] for a name that is none of a tenant.
pub fn end(root: &Root, tenant: &str, date: Date, by: &str, now: Timestamp) -> Result<Option<Date>, Error> {
    if !is_policy_name(tenant) || tenant == OWN {
        let shown: String = tenant.chars().filter(|c| !c.is_control()).take(40).collect();
        return Err(Error::new(Kind::Usage, format!("`{shown}` is no name of a tenant")));
    }
    let _lock = root.lock()?;
    let before = ends(root)?.get(tenant).copied();
    let date = date.to_string();
    let details = [("by", by), ("date", date.as_str())];
    root.audit()?.append(now, &Entry { deed: Deed::TenantEnded, subject: tenant, details: &details })?;
    Ok(before)
}

/// The relationship goes on after all; `by` says so.
///
/// # Errors
/// As [`ends`]; [`Kind::NoInput`] where it was not said to end.
pub fn resume(root: &Root, tenant: &str, by: &str, now: Timestamp) -> Result<(), Error> {
    let _lock = root.lock()?;
    if !ends(root)?.contains_key(tenant) {
        let why =
            "it was not said that the relationship with this tenant ends; sladd store tenant list names those that do";
        return Err(Error::new(Kind::NoInput, why));
    }
    root.audit()?.append(now, &Entry { deed: Deed::TenantResumed, subject: tenant, details: &[("by", by)] })
}
