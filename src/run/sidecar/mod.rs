//! The sidecar: inputs that never end → engines → outputs, with a state that makes of a crash nothing but a pause.
//!
//! One thread, the desk, does everything that has an order: it takes whole lines from the inputs, minimises them, says in the
//! journal what it is about to write, writes it, and makes it durable from time to time. Streams, which cannot be read
//! twice, are read by threads of their own, so that their writers need not wait for others.
//!
//! - `lane`: one input's engine; `streams`: inputs that cannot be read twice; `sinks`: the outputs; `spout`: standard output
//! - `reach`: the files that stay within reach
//! - `desk`: the loop; `begin`: what a run before this one left is put right; `control`: signals;
//!   `supervisor`: what a supervisor is told
//! - `aside`: what waits for disks; `names`: what a record is called; `remote`: sockets and receivers
//! - `facts`: what stores must know of a policy
//! - `board`: what the desk says of itself; `status`: how it is seen from outside

mod aside;
mod begin;
pub mod board;
mod control;
mod desk;
pub mod facts;
mod lane;
mod names;
mod outside;
mod reach;
mod remote;
mod sinks;
mod spout;
pub mod status;
mod streams;
mod supervisor;

use crate::{
    error::{Error, Kind},
    policy::{
        Policy,
        wiring::{From, To},
    },
    run::confine::User,
    state::policies::Digest,
    tally::Tally,
};
use std::path::PathBuf;

pub use control::Control;

/// A policy and its text.
pub struct Loaded {
    /// What it says.
    pub policy: Policy,
    /// As it is written.
    pub text: String,
    /// Of the text, and of what it is based on.
    pub digest: Digest,
}

/// Makes a policy of its text.
pub type Read = Box<dyn Fn(&str) -> Result<Loaded, Error>>;

/// What a sidecar is told.
pub struct Settings {
    /// The policy in force.
    pub loaded: Loaded,
    /// Reads the policy again, for SIGHUP.
    pub reload: Box<dyn FnMut() -> Result<Loaded, Error>>,
    /// For the text of a policy that was in force before.
    pub read: Read,
    /// Whom the process becomes before it opens anything.
    pub user: Option<User>,
    /// Where the policy stands, which must stay within reach.
    pub file: PathBuf,
    /// Nothing is said on standard error but errors.
    pub quiet: bool,
}

/// What became of a run.
#[derive(Debug)]
pub struct Ended {
    /// The account of all lines.
    pub tally: Tally,
    /// Why it could not go on, if that is why it ended.
    pub error: Option<Error>,
}

/// Runs until a signal ends it, every input has come to its end, or it cannot go on.
///
/// # Errors
/// It could not begin: [`Kind::Config`] for wiring that makes no sense, as the inputs, outputs and the state say
pub fn run(settings: Settings, control: &Control) -> Result<Ended, Error> {
    check(&settings.loaded.policy)?;
    let user = settings.user.clone();
    let begun = settled(settings).and_then(|settings| begin::begin(settings, control));
    Ok(match begun.map_err(|error| user.map_or(error.clone(), |user| user.blame(error)))? {
        Some(desk) => desk.run(control),
        None => Ended { tally: Tally::default(), error: None },
    })
}

/// Becomes the user that was named. What only root can do is done before; all that has to be opened again some day, the policy
/// among it, is opened as that user from the first time on.
fn settled(mut settings: Settings) -> Result<Settings, Error> {
    let Some(user) = &settings.user else { return Ok(settings) };
    let policy = &settings.loaded.policy;
    user.provide(&directory(policy), 0o750)?;
    if let Some(keys) = &policy.keys.directory {
        user.provide(keys, 0o700)?;
    }
    if let Some(seal) = &policy.seal {
        user.provide(&seal.directory, 0o750)?;
    }
    user.become_for_good()?;
    settings.loaded = (settings.reload)()?;
    check(&settings.loaded.policy)?;
    Ok(settings)
}

/// Wiring that can be built.
fn check(policy: &Policy) -> Result<(), Error> {
    let refuse = |why: &str| Err(Error::new(Kind::Config, format!("cannot run as a sidecar: {why}")));
    let wiring = &policy.wiring;
    if wiring.inputs.is_empty() {
        return refuse("the policy has no [[input]]; add one, such as follow = [\"/var/log/nginx/access.log*\"]");
    }
    if wiring.outputs.is_empty() {
        return refuse("the policy has no [[output]]; add one, such as file = \"/var/log/sladd/access.log\"");
    }
    if wiring.directory.is_none() {
        return refuse("the policy names no state; add [state] with directory = \"/var/lib/sladd/state\"");
    }
    let mut labels: Vec<String> = wiring.inputs.iter().map(|input| label(&input.from)).collect();
    labels.sort_unstable();
    if let Some(pair) = labels.windows(2).find(|pair| pair[0] == pair[1]) {
        return refuse(&format!("two inputs read the same, `{}`; leave one out", pair[0]));
    }
    let needed = needed(policy).div_ceil(1 << 20);
    if wiring.memory_limit < needed << 20 {
        let why = "so many formats, sockets and receivers need more memory than memory_limit allows; write at least";
        return refuse(&format!("{why} \"{needed} MiB\", or share formats among inputs"));
    }
    Ok(())
}

/// What a sidecar so wired needs at most, in bytes. Measured with full memories and queues, see tests/memory.rs.
fn needed(policy: &Policy) -> u64 {
    let wiring = &policy.wiring;
    let receivers = wiring.outputs.iter().filter(|output| matches!(output.to, To::Remote(_))).count() as u64;
    let sockets = wiring.inputs.iter().any(|input| matches!(input.from, From::Syslog(_) | From::Forward(_)));
    let streams = wiring.inputs.iter().filter(|input| matches!(input.from, From::Fifo(_) | From::Stdin)).count() as u64;
    let queues = if sockets { begin::socket_memory(wiring) } else { 0 };
    let stream = (begin::portion(wiring) * 10) as u64;
    let sealed = if policy.seal.is_some() { QUARANTINE } else { 0 };
    PROGRAM + sealed + lane::engines(policy) as u64 * ENGINE + receivers * RECEIVER + queues + streams * stream
}

/// The program itself, and what it always holds.
const PROGRAM: u64 = 13 << 20;
/// An engine whose memories are full.
const ENGINE: u64 = 5 << 20;
/// Lines that are gathered to be sealed, sealed, and on their way to the disk.
const QUARANTINE: u64 = 2 << 20;
/// A receiver, with what is on its way to it.
const RECEIVER: u64 = 3 << 20;

/// What an input is called: in the state, in messages and in metrics.
fn label(from: &From) -> String {
    match from {
        From::Follow { patterns, .. } => patterns.join(" "),
        From::Fifo(path) => path.display().to_string(),
        From::Stdin => "stdin".to_owned(),
        From::Syslog(sockets) => format!("syslog {}", sockets.at),
        From::Forward(sockets) => format!("forward {}", sockets.at),
    }
}

/// Where the state is.
fn directory(policy: &Policy) -> PathBuf {
    policy.wiring.directory.clone().unwrap_or_default()
}
