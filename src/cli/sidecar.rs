//! `sladd sidecar`: inputs that never end to outputs, beside a log shipper.

use super::{
    SidecarArgs,
    bulk::{base_of, digest},
    load,
};
use crate::{
    error::{Error, Kind},
    policy::{self, Policy},
    run::{
        confine::{User, harden},
        sidecar::{self, Control, Loaded, Settings},
    },
    state::policies::Digest,
};
use std::{path::PathBuf, process::ExitCode};

/// Runs the sidecar until a signal ends it, and prints one accounting line on standard error.
pub fn run(args: &SidecarArgs) -> Result<ExitCode, Error> {
    if let Some(what) = args.probe {
        return super::probe::run(&load::valid(&load::find(&args.policy)?)?, what);
    }
    let control = Control::catch()?;
    harden();
    let name = args.policy.clone();
    let settings = Settings {
        loaded: load(&name)?,
        reload: Box::new(move || load(&name)),
        read: Box::new(|text| {
            let (policy, _) = Policy::parse(text, "the policy in the state");
            let refused = || {
                let why = "cannot go on: the policy that the state was written under is not valid under this version of sladd";
                Error::new(Kind::Config, format!("{why}; start the version before once more, and end it with SIGTERM"))
            };
            loaded(policy.ok_or_else(refused)?, text.to_owned())
        }),
        user: args.user.as_deref().map(User::find).transpose()?,
        file: PathBuf::from(&args.policy),
        quiet: args.quiet,
    };
    let ended = sidecar::run(settings, &control)?;
    match ended.error {
        Some(error) => Err(error),
        None => Ok(ExitCode::SUCCESS),
    }
}

fn load(name: &str) -> Result<Loaded, Error> {
    let written = load::find(name)?;
    let policy = load::valid(&written)?;
    loaded(policy, written.text)
}

fn loaded(mut policy: Policy, text: String) -> Result<Loaded, Error> {
    load::databases(&mut policy)?;
    // What a built-in says may change with the program.
    let base = base_of(&text).and_then(|base| policy::show(&base)).unwrap_or_default();
    let digest: Result<Digest, _> = digest(&[&text, &base]).parse();
    let digest = digest.map_err(|_| Error::new(Kind::Io, "cannot start: a digest was not made"))?;
    Ok(Loaded { policy, text, digest })
}
