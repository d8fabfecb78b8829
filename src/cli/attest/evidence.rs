//! What stores and key directories show, gathered for `sladd attest`.

use crate::{
    audit,
    error::{Error, Kind},
    key::{self, Keyring, State},
    policy::{Evidence, Filed, Keyed, Policy, Stored, wiring::To},
    store::{self, Root, Told},
    time::Timestamp,
};
use std::path::{Path, PathBuf};

/// Looks at the stores that are named, and at the keys of the policy.
///
/// # Errors
/// As [`Root::open`] and [`store::show`]: a store that is named must be there and readable.
pub(super) fn gather(policy: &Policy, stores: &[PathBuf], now: Timestamp) -> Result<Evidence, Error> {
    let stores = stores.iter().map(|path| stored(policy, path)).collect::<Result<_, _>>()?;
    Ok(Evidence { now, stores, keys: keyed(policy, now) })
}

fn stored(policy: &Policy, path: &Path) -> Result<Stored, Error> {
    let shown = store::show(&Root::open(path)?)?;
    let problems = shown.problems.into_iter().map(|problem| format!("{}: {}", problem.path, problem.what)).collect();
    let files = shown.kept.into_iter().map(filed).collect();
    Ok(Stored { path: as_named(policy, path), problems, swept: shown.swept, files })
}

/// The path by which the policy names the same directory, if it does.
fn as_named(policy: &Policy, path: &Path) -> PathBuf {
    let place = |path: &Path| std::fs::canonicalize(path).ok();
    let named = policy.wiring.outputs.iter().filter_map(|output| match &output.to {
        To::Store(named) => Some(named),
        To::File { .. } | To::Stdout | To::Remote(_) => None,
    });
    let mut same = named.filter(|named| place(named).is_some_and(|found| place(path) == Some(found)));
    same.next().cloned().unwrap_or_else(|| path.to_path_buf())
}

fn filed(told: Told) -> Filed {
    let Told { kept, end, keep, newer, purpose, basis, treatments, period } = told;
    Filed {
        path: kept.path,
        tenant: kept.tenant,
        end,
        class: kept.class,
        day: kept.day,
        policy: kept.policy.unwrap_or_else(|| "nobody knows which policy".to_owned()),
        keep,
        newer,
        purpose,
        basis,
        held: kept.held,
        told: treatments.into_iter().map(|facts| (facts.field, facts.treatment)).collect(),
        period,
        is_sealed: kept.key.is_some(),
    }
}

/// The keys of a policy where they are kept; `None` where there is no such directory.
fn keyed(policy: &Policy, now: Timestamp) -> Option<Keyed> {
    let own = || policy.wiring.directory.as_ref().map(|state| state.join("keys"));
    let path = policy.keys.directory.clone().or_else(own).filter(|path| path.is_dir())?;
    let mut keyed = Keyed { problems: problems(&path), path, live: Vec::new(), half: Vec::new(), destroyed: 0 };
    // It is read and not tended: what is due stays to be seen.
    let keyring = Keyring::directory(&keyed.path, policy.keys.epoch, policy.keys.keep);
    let known = keyring.and_then(|keyring| keyring.list(now)).unwrap_or_else(|error| {
        keyed.problems.push(error.to_string());
        Vec::new()
    });
    for known in known {
        let Some((period, epoch)) = key::parse(&known.name) else { continue };
        match known.state {
            State::Live { made, .. } => keyed.live.push((known.name, key::lives_from(period, epoch, made))),
            State::Destroyed { .. } => keyed.destroyed += 1,
            State::Half => keyed.half.push(known.name),
        }
    }
    Some(keyed)
}

/// What is wrong with the audit log of a directory. Where nothing was done there is none.
fn problems(path: &Path) -> Vec<String> {
    match audit::verify(path, None) {
        Ok(verdict) => verdict.faults.iter().map(|fault| format!("audit.log: {fault}")).collect(),
        Err(error) if error.kind() == Kind::NoInput => Vec::new(),
        Err(error) => vec![error.to_string()],
    }
}
