//! `sladd policy`: the built-in policies as text.

use super::{PolicyArgs, PolicyCommand};
use crate::{
    error::{Error, Kind},
    policy,
};
use std::process::ExitCode;

/// Prints what is asked for.
pub fn run(args: &PolicyArgs) -> Result<ExitCode, Error> {
    match &args.what {
        PolicyCommand::List => super::print((policy::names().join("\n") + "\n").as_bytes()),
        PolicyCommand::Show { name } => match policy::show(name) {
            Some(text) => super::print(text.as_bytes()),
            None => Err(Error::new(
                Kind::Config,
                format!("there is no built-in policy `{name}`; there are {}", policy::names().join(", ")),
            )),
        },
    }
}
