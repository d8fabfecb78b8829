//! Secrets that are reckoned each from the one before: hosts that once shared one agree on all that come after it without
//! talking, and nobody can go back.
//!
//! The next secret is HKDF-Expand (RFC 5869) of the last, with the period's and the next epoch's name. A host that was down
//! reckons all that it missed. The file of an epoch stands until it is due, and the last one until there is one after it.

use super::directory::Directory;
use crate::{
    epoch::{Epoch, Period},
    error::{Error, Kind},
    retention::Keep,
    time::Timestamp,
    vault::Bytes,
};
use sha2::Sha256;

/// The secret of an epoch and when it was made: the one there is, or the one that follows from those before it. `None`: it is
/// destroyed, or lies before the first. The first is never made here: hosts that each made one would not agree.
///
/// The caller sees to it that `epoch` is not far ahead of `now`.
pub(super) fn obtain(
    directory: &Directory,
    period: Period,
    epoch: Epoch,
    now: Timestamp,
    keep: Keep,
) -> Result<Option<(Bytes, Timestamp)>, Error> {
    let name = period.dashed(epoch);
    directory.check()?;
    if directory.has_tombstone(name.as_str())? {
        return directory.obtain(name.as_str(), now);
    }
    if let Some(found) = directory.load(name.as_str())? {
        return Ok(Some(found));
    }
    let items = directory.items(now)?;
    let of_period = || items.iter().filter_map(|item| period.parse_dashed(&item.name).map(|epoch| (epoch, item)));
    let live = |item: &super::directory::Item| item.made.is_some() && item.tombstone.is_none();
    let last = of_period().filter(|(of, item)| *of < epoch && live(item)).map(|(of, _)| of).max();
    let Some(last) = last else {
        // Whatever is there is of later, or it is all gone.
        if of_period().any(|(of, item)| of > epoch && live(item)) {
            return Ok(None);
        }
        let why = format!(
            "cannot make key `{name}`: there is none that it could follow from; begin with sladd key new on one host, and bring it \
             to the others with sladd key export and sladd key import"
        );
        return Err(Error::new(Kind::Config, why));
    };
    let Some((mut secret, _)) = directory.load(period.dashed(last).as_str())? else { return Ok(None) };
    for number in last.0 + 1..=epoch.0 {
        let (at, name) = (Epoch(number), period.dashed(Epoch(number)));
        secret = next(&secret, period, name.as_str());
        // What would be due at once is made for nothing but the next.
        if period.end(at).plus(keep.months, keep.days) > now && !directory.has_tombstone(name.as_str())? {
            let made = period.start(at).min(now);
            directory.obtain_or(name.as_str(), made, || Ok(secret.clone()))?;
        }
    }
    directory.load(name.as_str())
}

/// Whether there is a key of this period.
pub(super) fn has_begun(directory: &Directory, period: Period, now: Timestamp) -> Result<bool, Error> {
    let live = |item: &super::directory::Item| item.made.is_some() && period.parse_dashed(&item.name).is_some();
    Ok(directory.items(now)?.iter().any(live))
}

/// The secret after this one.
fn next(secret: &Bytes, period: Period, name: &str) -> Bytes {
    let mut info = Vec::new();
    for part in ["sladd ratchet 1", period.as_str(), name] {
        info.extend_from_slice(&(part.len() as u64).to_be_bytes());
        info.extend_from_slice(part.as_bytes());
    }
    let mut next = Bytes::default();
    let prk = hkdf::Hkdf::<Sha256>::from_prk(&secret[..]).expect("a secret is as long as a digest");
    prk.expand(&info, &mut next[..]).expect("one block");
    next
}
