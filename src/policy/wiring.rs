//! What the sidecar is told beside what happens to data: where lines come from, where records go, what outlives it.

use std::{net::SocketAddr, path::PathBuf};

/// `[state]`, `[status]`, `[[input]]` and `[[output]]`. Pipe and bulk leave it alone, and it weakens nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wiring {
    /// Where checkpoints, journals and keys are kept.
    pub directory: Option<PathBuf>,
    /// So much memory is used at most, in bytes.
    pub memory_limit: u64,
    /// Where the state of the process can be asked for.
    pub status: Option<Listen>,
    /// In the order written.
    pub inputs: Vec<Input>,
    /// In the order written.
    pub outputs: Vec<Output>,
}

impl Default for Wiring {
    fn default() -> Wiring {
        let (directory, status, inputs, outputs) = Default::default();
        Wiring { directory, memory_limit: MEMORY_LIMIT, status, inputs, outputs }
    }
}

/// What is used where `memory_limit` is not written: 64 MiB.
pub const MEMORY_LIMIT: u64 = 64 << 20;

/// The least that a sidecar runs in: 32 MiB.
pub const LEAST_MEMORY: u64 = 32 << 20;

/// Where somebody may connect: nobody but this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A loopback address and a port.
    Tcp(SocketAddr),
    /// A socket in the file system.
    Unix(PathBuf),
}

/// One input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Where its lines come from.
    pub from: From,
    /// Its formats; empty: those of the policy.
    pub formats: Vec<Box<str>>,
    /// What happens when an output takes nothing.
    pub on_stall: OnStall,
}

/// Where lines come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// Files that grow, by patterns. Those that are there at the first start are read from their beginning, or from their
    /// end.
    Follow {
        /// Absolute paths, with `*`, `?` and `[…]`.
        patterns: Vec<Box<str>>,
        /// Whether what stood in them at the first start is left out.
        from_end: bool,
    },
    /// A named pipe, made where there is none.
    Fifo(PathBuf),
    /// Standard input.
    Stdin,
    /// One that this version does not build, by its key.
    NotBuilt(&'static str),
}

/// What happens to an input when an output takes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnStall {
    /// Its writer waits; files just wait.
    #[default]
    Block,
    /// Its lines are dropped and counted; its writer never waits longer than 100 ms.
    Shed,
}

/// One output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Where records go.
    pub to: To,
    /// Only records of these classes; empty: all.
    pub classes: Vec<Box<str>>,
    /// Only these members of each record, by canonical names, and the tag; empty: all. Where records are written as JSON.
    pub fields: Vec<Box<str>>,
}

/// Where records go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// A file that grows.
    File {
        /// Where it is.
        path: PathBuf,
        /// When it is put aside for a new one.
        rotate: Rotate,
    },
    /// Standard output.
    Stdout,
    /// One that this version does not build, by its key.
    NotBuilt(&'static str),
}

/// When an output file is put aside under a number, as logrotate does, and how many are kept so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotate {
    /// From this size on, in bytes.
    pub size: Option<u64>,
    /// By the clock, in UTC.
    pub every: Option<Every>,
    /// So many beside the one that grows.
    pub keep: u32,
}

/// How often by the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// Each hour.
    Hour,
    /// Each day.
    Day,
}

impl Rotate {
    /// Never.
    pub const NEVER: Rotate = Rotate { size: None, every: None, keep: 7 };
}
