//! What a receiver is, as the policy's wiring says it.

use crate::error::{Error, Kind};
use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

/// All that a [`Remote`](super::Remote) needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who gets the records.
    pub receiver: Receiver,
    /// How long anything may take.
    pub waits: Waits,
    /// Once it is set, every wait ends within a fifth of a second, and the sending with [`Fault::Stopped`](super::Fault).
    pub stop: Arc<AtomicBool>,
}

/// Who gets the records.
#[derive(Clone, Debug)]
pub enum Receiver {
    /// A server of HTTP.
    Http(Http),
    /// Fluentd, Fluent Bit and all others that speak Forward v1.
    Forward(Forward),
    /// A syslog server.
    Syslog(Syslog),
}

/// How long anything may take.
#[derive(Clone, Copy, Debug)]
pub struct Waits {
    /// Finding the address, connecting, and agreeing on TLS: each so long at most.
    pub connect: Duration,
    /// So long nothing may be taken of what is written; one request is written in twelve times that at most.
    pub write: Duration,
    /// So long the answer may take.
    pub acknowledge: Duration,
}

/// A server of HTTP/1.1.
#[derive(Clone, Debug)]
pub struct Http {
    /// `https://host:port/path`; without a path, the shape's own is taken. `http://` needs `plain` or a loopback host.
    pub url: String,
    /// What it understands.
    pub shape: Shape,
    /// Whose certificates are trusted, and who we are.
    pub trust: Trust,
    /// A file with the token for `Authorization: Bearer`. It is read again when it changes.
    pub token: Option<PathBuf>,
    /// Sent with each request, as `X-Scope-OrgID`.
    pub headers: Vec<(String, String)>,
    /// Whether bodies are compressed. Absent: yes, but for [`Shape::Ndjson`], whose receivers nobody knows.
    pub gzip: Option<bool>,
    /// `http://` to a host that is not this one: lines can be read on the way.
    pub plain: bool,
}

/// What a server of HTTP understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Loki's push as JSON: one stream with these labels.
    Loki {
        /// `[a-zA-Z_][a-zA-Z0-9_]*` and what it is. At least one.
        labels: Vec<(String, String)>,
    },
    /// Elasticsearch's and OpenSearch's bulk with `create`.
    Elasticsearch {
        /// The index or data stream, where the URL does not say it.
        index: Option<String>,
    },
    /// OpenTelemetry's logs as JSON.
    Otlp {
        /// Attributes of the resource, as `service.name`.
        resource: Vec<(String, String)>,
    },
    /// A JSON object a line.
    Ndjson,
}

/// Whose certificates are trusted, and who we are.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// A file of certificates in PEM. Absent: those that the system trusts.
    pub ca: Option<PathBuf>,
    /// What we show to the receiver: a file with our certificate and its chain, one with its private key; both PEM.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// Where a stream goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// TCP.
    Tcp(String, u16),
    /// TCP under TLS.
    Tls(String, u16),
    /// A unix stream socket.
    Unix(PathBuf),
    /// A unix datagram socket; syslog alone.
    Datagram(PathBuf),
}

/// A receiver of Fluent Forward v1.
#[derive(Clone, Debug)]
pub struct Forward {
    /// Where it listens.
    pub address: Address,
    /// Under TLS.
    pub trust: Trust,
    /// What the records are tagged with, as `web.access`.
    pub tag: String,
    /// Whether the records are compressed.
    pub gzip: bool,
    /// A file with the key that both know; then it must prove that it knows it before it gets anything.
    pub shared_key: Option<PathBuf>,
    /// What we call ourselves to it.
    pub host: String,
    /// TCP without TLS to a host that is not this one: lines can be read on the way.
    pub plain: bool,
}

/// A receiver of syslog, RFC 5424.
#[derive(Clone, Debug)]
pub struct Syslog {
    /// Where it listens.
    pub address: Address,
    /// Under TLS.
    pub trust: Trust,
    /// How one message of a stream is told from the next.
    pub framing: Framing,
    /// 0 to 23; 16 is local0.
    pub facility: u8,
    /// 0 to 7; 6 is informational.
    pub severity: u8,
    /// What messages say where they come from: 1 to 255 printable characters.
    pub host: String,
    /// What messages say who made them: 1 to 48 printable characters.
    pub app: String,
    /// With a number (IANA private enterprise numbers) each message has `[sladd@NUMBER id="…"]`; without, no structured data,
    /// and what was sent twice cannot be told. 32473 is the number for examples; nobody owns one for sladd.
    pub enterprise: Option<u32>,
    /// So many bytes that were written last are kept, and written again after the connection broke.
    pub tail_bytes: usize,
    /// TCP without TLS to a host that is not this one: lines can be read on the way.
    pub plain: bool,
}

/// How one message of a stream is told from the next: RFC 6587.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Its length stands before it.
    Counted,
    /// A line feed stands behind it.
    Lines,
}

impl Default for Waits {
    fn default() -> Waits {
        Waits { connect: Duration::from_secs(5), write: Duration::from_secs(10), acknowledge: Duration::from_secs(30) }
    }
}

impl Http {
    /// With the defaults: what the system trusts, no token, compressed where the shape's receivers take it.
    pub fn new(url: impl Into<String>, shape: Shape) -> Http {
        let (trust, headers) = (Trust::default(), Vec::new());
        Http { url: url.into(), shape, trust, token: None, headers, gzip: None, plain: false }
    }
}

impl Forward {
    /// With the defaults: what the system trusts, no shared key, not compressed, host `sladd`.
    pub fn new(address: Address, tag: impl Into<String>) -> Forward {
        let trust = Trust::default();
        Forward {
            address,
            trust,
            tag: tag.into(),
            gzip: false,
            shared_key: None,
            host: "sladd".to_owned(),
            plain: false,
        }
    }
}

impl Syslog {
    /// With the defaults: counted, local0.info, application `sladd`, no structured data, a tail of 1 MiB.
    pub fn new(address: Address, host: impl Into<String>) -> Syslog {
        Syslog {
            address,
            trust: Trust::default(),
            framing: Framing::Counted,
            facility: 16,
            severity: 6,
            host: host.into(),
            app: "sladd".to_owned(),
            enterprise: None,
            tail_bytes: 1 << 20,
            plain: false,
        }
    }
}

impl Address {
    /// `tcp://host:port`, `tls://host:port`, `unix:/path`, `unixgram:/path`.
    ///
    /// # Errors
    /// [`Kind::Config`], with what it should look like.
    pub fn parse(text: &str) -> Result<Address, Error> {
        let wrong = || {
            let like = "write tcp://host:port, tls://host:port, unix:/path or unixgram:/path";
            Error::new(Kind::Config, format!("cannot send to `{text}`: {like}"))
        };
        if let Some(path) = text.strip_prefix("unix:").filter(|path| path.starts_with('/')) {
            return Ok(Address::Unix(path.into()));
        }
        if let Some(path) = text.strip_prefix("unixgram:").filter(|path| path.starts_with('/')) {
            return Ok(Address::Datagram(path.into()));
        }
        let (scheme, place) = text.split_once("://").ok_or_else(wrong)?;
        let (host, port) = place.rsplit_once(':').ok_or_else(wrong)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte) || bare.is_some() && byte == b':';
        let host = bare.unwrap_or(host);
        let port = port.parse().ok().filter(|&port: &u16| port != 0).ok_or_else(wrong)?;
        if host.is_empty() || !host.bytes().all(fits) {
            return Err(wrong());
        }
        match scheme {
            "tcp" => Ok(Address::Tcp(host.to_owned(), port)),
            "tls" => Ok(Address::Tls(host.to_owned(), port)),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_address_says_how_and_where() {
        assert_eq!(Address::parse("tcp://log.example:601").unwrap(), Address::Tcp("log.example".into(), 601));
        assert_eq!(Address::parse("tls://[2001:db8::1]:6514").unwrap(), Address::Tls("2001:db8::1".into(), 6514));
        assert_eq!(Address::parse("unix:/run/log").unwrap(), Address::Unix("/run/log".into()));
        assert_eq!(Address::parse("unixgram:/dev/log").unwrap(), Address::Datagram("/dev/log".into()));
        for wrong in
            ["", "tcp://x", "tcp://:1", "tcp://x:0", "udp://x:1", "unix:run/log", "tcp://2001:db8::1:5", "tcp://a b:1"]
        {
            assert!(Address::parse(wrong).is_err(), "{wrong}");
        }
    }
}
