//! What was typed → a policy and its plan. `--policy` is the only way to choose one.

use super::Choice;
use crate::{
    error::{Error, Kind},
    policy::{self, Colour, Finding, Policy},
    treatment::country::Database,
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A policy's text and where it came from.
pub struct Written {
    /// As findings name it.
    pub origin: String,
    /// The TOML.
    pub text: String,
}

/// Finds the policy's text: a value with `/` or ending in `.toml` is a file, anything else a built-in's name.
pub fn find(name: &str) -> Result<Written, Error> {
    if name.contains('/') || name.ends_with(".toml") {
        let text = read("policy", Path::new(name))?;
        return Ok(Written { origin: name.to_owned(), text });
    }
    match policy::show(name) {
        Some(text) => Ok(Written { origin: format!("built-in {name}"), text }),
        None => Err(Error::new(
            Kind::Config,
            format!(
                "there is no built-in policy `{name}`; there are {}, and a file is named with a `/` or `.toml`",
                policy::names().join(", ")
            ),
        )),
    }
}

/// The valid policy, or an error that has drawn every fault.
pub fn policy(name: &str) -> Result<Policy, Error> {
    let mut policy = valid(&find(name)?)?;
    databases(&mut policy)?;
    Ok(policy)
}

/// The valid policy that a text writes, without its databases, or an error that has drawn every fault.
pub fn valid(written: &Written) -> Result<Policy, Error> {
    let (policy, findings) = Policy::parse(&written.text, &written.origin);
    policy.ok_or_else(|| {
        let faults: Vec<Finding> = findings.iter().filter(|finding| finding.is_error()).cloned().collect();
        draw(written, &faults);
        refusal(written, &findings)
    })
}

/// Opens the databases that a policy names.
///
/// They are read into memory: a file that is replaced while it is mapped kills its readers, and mapping one is `unsafe`.
///
/// # Errors
/// [`Kind::NoInput`], [`Kind::Permission`] or [`Kind::Io`] where a file cannot be read; [`Kind::Config`] where it is no
/// database of countries
pub fn databases(policy: &mut Policy) -> Result<(), Error> {
    let paths: Vec<PathBuf> = policy.named_databases().into_iter().map(Path::to_path_buf).collect();
    for path in paths {
        let cannot = |kind, what: &str| Error::new(kind, format!("cannot use database {}: {what}", path.display()));
        let bytes = std::fs::read(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => cannot(Kind::NoInput, "there is no such file; download it first"),
            io::ErrorKind::IsADirectory => cannot(Kind::NoInput, "it is a directory; name a file in it"),
            io::ErrorKind::PermissionDenied => cannot(Kind::Permission, "no permission to read it"),
            _ => cannot(Kind::Io, &error.to_string()),
        })?;
        let database = Database::new(bytes).map_err(|fault| cannot(Kind::Config, &fault.to_string()))?;
        policy.databases.provide(&path, Arc::new(database));
    }
    Ok(())
}

/// Draws findings on standard error.
pub fn draw(written: &Written, findings: &[Finding]) {
    let colour = if super::colour(&io::stderr()) { Colour::Always } else { Colour::Never };
    crate::run::say_text!("{}", policy::draw(&written.text, findings, colour));
}

/// The closing line for a policy with faults.
pub fn refusal(written: &Written, findings: &[Finding]) -> Error {
    let faults = findings.iter().filter(|finding| finding.is_error()).count();
    let word = if faults == 1 { "fault" } else { "faults" };
    Error::new(Kind::Config, format!("{} has {faults} {word}", written.origin))
}

/// Sets what was typed: formats instead of the policy's, and whose all lines are.
///
/// # Errors
/// [`Kind::Usage`] for a tenant that the policy does not have.
pub fn choose(policy: &mut Policy, choice: &Choice) -> Result<(), Error> {
    if !choice.format.is_empty() {
        policy.read_as(choice.format.iter().map(|format| format.as_str().into()).collect());
    }
    match &choice.tenant {
        Some(tenant) if !policy.read_as_of(tenant) => Err(Error::new(
            Kind::Usage,
            "the policy has no [[tenant]] of the name that --tenant gives; sladd explain lists those it has",
        )),
        Some(_) | None => Ok(()),
    }
}

/// The text of a file that is called `named` in messages.
pub fn read(named: &str, path: &Path) -> Result<String, Error> {
    let cannot = |kind, what: &str| Error::new(kind, format!("cannot read {named} {}: {what}", path.display()));
    match std::fs::read(path) {
        Ok(bytes) => {
            String::from_utf8(bytes).map_err(|_| cannot(Kind::Config, "it is not UTF-8 text; save it as UTF-8"))
        }
        Err(error) => Err(match error.kind() {
            io::ErrorKind::NotFound => cannot(Kind::NoInput, "there is no such file"),
            io::ErrorKind::IsADirectory => cannot(Kind::NoInput, "it is a directory; name a file in it"),
            io::ErrorKind::PermissionDenied => cannot(Kind::Permission, "no permission to read it"),
            _ => cannot(Kind::Io, &error.to_string()),
        }),
    }
}
