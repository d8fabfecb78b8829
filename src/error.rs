//! Error: the run cannot go on. Its kinds are its exit codes.

use std::fmt;

/// What kind of error ended a run. Each is one exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bad command line, a terminal as input: 2.
    Usage,
    /// Bad input data, a wrong format: 65.
    Data,
    /// An input is missing or is a directory: 66.
    NoInput,
    /// An output cannot be created: 73.
    CannotCreate,
    /// Reading or writing failed: 74.
    Io,
    /// No permission: 77.
    Permission,
    /// A bad policy or key: 78.
    Config,
}

impl Kind {
    /// The exit code (sysexits).
    pub fn code(self) -> u8 {
        match self {
            Kind::Usage => 2,
            Kind::Data => 65,
            Kind::NoInput => 66,
            Kind::CannotCreate => 73,
            Kind::Io => 74,
            Kind::Permission => 77,
            Kind::Config => 78,
        }
    }
}

/// What went wrong, where, and the remedy. Shows no byte of input or of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    message: String,
}

impl Error {
    /// An error with its message: lower-case, no full stop, what, where and the remedy.
    pub fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into() }
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
