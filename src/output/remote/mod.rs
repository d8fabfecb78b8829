//! Records over the network. One kind of receiver per file.
//!
//! Goes in: [`Parcel`]s, which hold minimised lines and nothing else. Comes out: how many of them the receiver has for
//! certain. A [`Remote`] lives on a thread of its own and waits there; every wait has an end. Nothing that a receiver
//! answers is ever shown: a [`Fault`] holds a number and our own words. What an output must not know: spools, policies.
//!
//! | receiver | over | it has them when | what is sent twice is known by |
//! |---|---|---|---|
//! | `http`: Loki push | TLS, TCP | status 2xx | equal nanosecond and text; structured metadata `sladd_id` |
//! | `http`: Elasticsearch, OpenSearch bulk | TLS, TCP | each item 2xx or 409 | `_id`: a second one is refused as known |
//! | `http`: OTLP logs as JSON | TLS, TCP | status 2xx | the attribute `log.record.uid` |
//! | `http`: NDJSON | TLS, TCP | status 2xx | `Idempotency-Key` of the request, if nothing else was in it |
//! | `forward`: Fluentd, Fluent Bit, Vector | TLS, TCP, unix | `{"ack": chunk}` | the member `sladd_id`; equal chunk for equal requests |
//! | `syslog`: RFC 5424 | TLS, TCP, unix, unix datagram | never: what was written last is written again, see `syslog.rs` | structured data `[sladd@NUMBER id="…"]`, if a number is set |
//!
//! TCP without TLS goes to this host alone unless the settings say `plain`. TLS is 1.2 or 1.3, the server's certificate and
//! name are always checked, and there is no way back to TCP. Receivers that do not answer are asked again by whoever calls.

mod fault;
mod forward;
mod http;
mod item;
mod route;
mod secret;
mod settings;
mod syslog;
mod tls;
mod wire;

pub use fault::{Away, Fault};
pub use settings::{Address, Forward, Framing, Http, Receiver, Settings, Shape, Syslog, Trust, Waits};

use crate::{encode::Parcel, error::Error};
use std::fmt;

/// A receiver and the connection to it, if there is one.
pub struct Remote(Kind);

enum Kind {
    Http(Box<http::Http>),
    Forward(Box<forward::Forward>),
    Syslog(Box<syslog::Syslog>),
}

/// What became of the parcels of one sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// So many from the front are done with: the receiver has each record of them, or refused it for good.
    pub acknowledged: usize,
    /// Records of those that the receiver refused for good.
    pub rejected: u64,
    /// Why it is not all, or what needs somebody.
    pub fault: Option<Fault>,
}

impl Remote {
    /// Reads what files it needs, and makes no connection.
    ///
    /// # Errors
    /// [`Kind::Config`](crate::error::Kind) where the settings make no receiver, or would let others read along; as files
    /// with certificates, tokens and keys are read.
    pub fn new(settings: &Settings) -> Result<Remote, Error> {
        let (waits, stop) = (settings.waits, &settings.stop);
        Ok(Remote(match &settings.receiver {
            Receiver::Http(settings) => Kind::Http(Box::new(http::Http::new(settings, waits, stop)?)),
            Receiver::Forward(settings) => Kind::Forward(Box::new(forward::Forward::new(settings, waits, stop)?)),
            Receiver::Syslog(settings) => Kind::Syslog(Box::new(syslog::Syslog::new(settings, waits, stop)?)),
        }))
    }

    /// Sends them and waits until the receiver has them. Those that are not acknowledged are to be sent again, in the same
    /// order and from the first of them on. Without parcels it says whether there is a fault in what was sent before: a
    /// syslog server's connection is looked at, and what a broken one may have lost is written again.
    pub fn send(&mut self, parcels: &[Parcel<'_>]) -> Sent {
        match &mut self.0 {
            Kind::Http(http) => http.send(parcels),
            Kind::Forward(forward) => forward.send(parcels),
            Kind::Syslog(syslog) => syslog.send(parcels),
        }
    }

    /// Set while a server of HTTP refuses all records and has taken none, which a single [`send`](Self::send) may take long to
    /// be sure of.
    pub fn refuses(&self) -> Option<std::sync::Arc<std::sync::atomic::AtomicBool>> {
        match &self.0 {
            Kind::Http(http) => Some(http.refuses()),
            Kind::Forward(_) | Kind::Syslog(_) => None,
        }
    }

    /// So many bytes of lines should come in one call. It may become less and more again.
    pub fn most_bytes(&self) -> usize {
        match &self.0 {
            Kind::Http(http) => http.most_bytes(),
            Kind::Forward(_) | Kind::Syslog(_) => MOST_BYTES,
        }
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Http(_) => "Remote(http)",
            Kind::Forward(_) => "Remote(forward)",
            Kind::Syslog(_) => "Remote(syslog)",
        })
    }
}

/// What one request holds at most, unless one line is longer.
const MOST_BYTES: usize = 1 << 20;
