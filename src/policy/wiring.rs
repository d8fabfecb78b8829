//! What the sidecar is told beside what happens to data: where lines come from, where records go, what outlives it.

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
};

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
    /// Whose records its lines are, whatever they say; none: the lines tell.
    pub tenant: Option<Box<str>>,
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
        /// Whether a rotated file that was packed before it was read to its end is read on in its `.gz`.
        compressed: bool,
    },
    /// A named pipe, made where there is none.
    Fifo(PathBuf),
    /// Standard input.
    Stdin,
    /// Messages of syslog.
    Syslog(Sockets),
    /// Events of Fluentd and Fluent Bit, acknowledged where they ask for it.
    Forward(Sockets),
}

/// Where others send to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sockets {
    /// The address.
    pub at: Socket,
    /// A file with the key that a sender must prove to know; Forward alone.
    pub secret: Option<PathBuf>,
    /// So many may be connected at a time.
    pub connections: u32,
}

/// A socket of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Socket {
    /// `udp:127.0.0.1:514`
    Udp(SocketAddr),
    /// `tcp:127.0.0.1:601`
    Tcp(SocketAddr),
    /// `unix-datagram:/run/sladd/log`
    Datagram(PathBuf),
    /// `unix-stream:/run/sladd/log`
    Stream(PathBuf),
}

/// What happens to an input when an output takes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnStall {
    /// Its writer waits; files just wait.
    #[default]
    Block,
    /// Its records wait on the disk for the receiver, up to the limit of the spool; beyond it lines are dropped and counted.
    /// Its writer never waits longer than 100 ms.
    Spill,
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
    /// Only records of these tenants, of which [`OWN`](crate::retention::OWN) may be one; empty: of everybody.
    pub tenants: Vec<Box<str>>,
    /// Only these members of each record, by canonical names, and the tag; empty: all. Where records are written as JSON.
    pub fields: Vec<Box<str>>,
    /// Whether each file of a store lies under a key of its own, which is destroyed before it is deleted; of a receiver, whether
    /// what waits for it lies hidden.
    pub seal: bool,
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
    /// A store: a directory that keeps records by class and day, and deletes them on time.
    Store(PathBuf),
    /// A receiver on the network.
    Remote(Box<Remote>),
}

/// A receiver on the network. It gets each record at least once, with a name by which a second one is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// What it speaks.
    pub receiver: Receiver,
    /// Certificates that are trusted, in PEM; none: those of the system.
    pub ca: Option<PathBuf>,
    /// Our own certificate and its key, in PEM.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Without TLS to another machine: lines can be read on the way.
    pub plain: bool,
    /// So much waits for it on the disk at most, in bytes.
    pub spool_bytes: u64,
}

/// What a receiver speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// RFC 5424.
    Syslog {
        /// Whom we connect to.
        at: Peer,
        /// APP-NAME.
        app: Box<str>,
        /// A number by IANA for the structured data that names each record; none: it is left out.
        enterprise: Option<u32>,
    },
    /// Fluent Forward, version 1.
    Forward {
        /// Whom we connect to.
        at: Peer,
        /// What the records are tagged with.
        tag: Box<str>,
        /// Whether they are compressed.
        gzip: bool,
        /// A file with the key that both know.
        secret: Option<PathBuf>,
    },
    /// A server of HTTP.
    Http {
        /// Whom we send to.
        url: Box<str>,
        /// What it understands.
        shape: Shape,
        /// A file with the token for `Authorization: Bearer`.
        token: Option<PathBuf>,
        /// Sent with each request.
        headers: Vec<(Box<str>, Box<str>)>,
        /// Whether bodies are compressed; none: where the shape's receivers take it.
        gzip: Option<bool>,
    },
}

/// Somebody we connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// `tcp:logs.example.net:601`
    Tcp(Box<str>, u16),
    /// `tls:logs.example.net:6514`
    Tls(Box<str>, u16),
    /// `unix-stream:/run/receiver.sock`
    Stream(PathBuf),
    /// `unix-datagram:/dev/log`; syslog alone.
    Datagram(PathBuf),
}

/// What a server of HTTP understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Loki's push: one stream with these labels.
    Loki(Vec<(Box<str>, Box<str>)>),
    /// The bulk call of Elasticsearch and OpenSearch, into this index where the URL does not say it.
    Elasticsearch(Option<Box<str>>),
    /// OTLP/HTTP logs, of a resource with these attributes.
    Otlp(Vec<(Box<str>, Box<str>)>),
    /// A JSON object a line.
    Ndjson,
}

/// What waits for a receiver at most where `spool` is not written: 1 GiB.
pub const SPOOL_BYTES: u64 = 1 << 30;

/// The least: 16 MiB.
pub const LEAST_SPOOL: u64 = 16 << 20;

/// Connections where `connections` is not written.
pub const CONNECTIONS: u32 = 256;

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Socket::Udp(address) => write!(f, "udp:{address}"),
            Socket::Tcp(address) => write!(f, "tcp:{address}"),
            Socket::Datagram(path) => write!(f, "unix-datagram:{}", path.display()),
            Socket::Stream(path) => write!(f, "unix-stream:{}", path.display()),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Tcp(host, port) => write!(f, "tcp:{host}:{port}"),
            Peer::Tls(host, port) => write!(f, "tls:{host}:{port}"),
            Peer::Stream(path) => write!(f, "unix-stream:{}", path.display()),
            Peer::Datagram(path) => write!(f, "unix-datagram:{}", path.display()),
        }
    }
}

impl Remote {
    /// The files that are read for it.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let secret = match &self.receiver {
            Receiver::Syslog { .. } => None,
            Receiver::Forward { secret, .. } => secret.as_ref(),
            Receiver::Http { token, .. } => token.as_ref(),
        };
        let identity = self.identity.iter().flat_map(|(certificate, key)| [certificate, key]);
        self.ca.iter().chain(identity).chain(secret).map(PathBuf::as_path)
    }
}

impl Receiver {
    /// Its key in the policy, and whom it names there.
    pub fn label(&self) -> (&'static str, String) {
        match self {
            Receiver::Syslog { at, .. } => ("syslog", at.to_string()),
            Receiver::Forward { at, .. } => ("forward", at.to_string()),
            // What stands behind the path may be a secret.
            Receiver::Http { url, .. } => ("http", url.split(['?', '#']).next().unwrap_or_default().to_owned()),
        }
    }
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
