//! `sladd check`: every fault of a policy, drawn under its line.

use super::{CheckArgs, load};
use crate::{error::Error, plan::Plan, policy::Policy};
use std::process::ExitCode;

/// Checks and reports; a policy with faults is an error (78).
pub fn run(args: &CheckArgs) -> Result<ExitCode, Error> {
    let written = load::find(&args.policy)?;
    let (policy, findings) = Policy::parse(&written.text, &written.origin);
    load::draw(&written, &findings);
    let Some(mut policy) = policy else {
        return Err(load::refusal(&written, &findings));
    };
    load::databases(&mut policy)?;
    let plan = Plan::compile(&policy)?;
    let mut out = format!("{}: policy {}/{} is valid", written.origin, policy.name, policy.version);
    let warnings = findings.len();
    match warnings {
        0 => out.push('\n'),
        1 => out.push_str(", 1 warning\n"),
        n => out.push_str(&format!(", {n} warnings\n")),
    }
    out.push_str(&plan.coverage().to_string());
    super::print(out.as_bytes())
}
