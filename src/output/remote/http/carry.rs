//! Our connections under the HTTP client: our TLS, our waits, our stop.

use super::super::{
    fault::{Away, Fault},
    route::Route,
    settings::Waits,
    wire::{Wire, Written},
};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use ureq::{
    Error, Timeout,
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{ResolvedSocketAddrs, Resolver},
        transport::{Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport},
    },
};

/// Makes connections to one place, wherever the client believes it goes.
#[derive(Debug)]
pub(super) struct Carrier {
    pub route: Mutex<Route>,
    pub waits: Waits,
    pub stop: Arc<AtomicBool>,
    /// Set when an answer came before the whole request was written.
    pub early: Arc<AtomicBool>,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Carried {
    wire: Wire,
    buffers: LazyBuffers,
    waits: Waits,
    early: Arc<AtomicBool>,
    /// A part of a request was kept back: nothing more can be sent on it.
    spent: bool,
}

/// Names are resolved where connections are made.
#[derive(Debug)]
pub(super) struct Unresolved;

impl Connector<()> for Carrier {
    type Out = Carried;

    fn connect(&self, _: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Carried>, Error> {
        let mut route = self.route.lock().unwrap_or_else(PoisonError::into_inner);
        let wire = Wire::open(&mut route, self.waits, &self.stop).map_err(wrap)?;
        let buffers = LazyBuffers::new(BUFFER_BYTES, BUFFER_BYTES);
        Ok(Some(Carried { wire, buffers, waits: self.waits, early: Arc::clone(&self.early), spent: false }))
    }
}

impl Transport for Carried {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
        if self.spent {
            return Ok(());
        }
        let written = self.wire.write_unless_answered(&self.buffers.output()[..amount]).map_err(wrap)?;
        if written == Written::Answered {
            self.spent = true;
            self.early.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let wait = Duration::min(*timeout.after, self.waits.acknowledge);
        let into = self.buffers.input_append_buf();
        let count = self.wire.read(into, Instant::now() + wait).map_err(wrap)?;
        self.buffers.input_appended(count);
        Ok(count > 0)
    }

    fn is_open(&mut self) -> bool {
        !self.spent && self.wire.is_idle()
    }

    fn is_tls(&self) -> bool {
        self.wire.is_tls()
    }
}

impl Resolver for Unresolved {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let mut addresses = self.empty();
        addresses.push(([127, 0, 0, 1], 0).into());
        Ok(addresses)
    }
}

/// What an error of the client is to us. None of its words are kept.
pub(super) fn fault(error: Error) -> Fault {
    match error {
        Error::Other(inner) => inner.downcast::<Fault>().map_or(Fault::Answer, |fault| *fault),
        Error::Timeout(Timeout::Resolve | Timeout::Connect) => Fault::Away(Away::Connect),
        Error::Timeout(Timeout::SendRequest | Timeout::SendBody) => Fault::Away(Away::Stalled),
        Error::Timeout(_) => Fault::Away(Away::Silent),
        Error::Io(_) => Fault::Away(Away::Broken),
        Error::ConnectionFailed | Error::HostNotFound => Fault::Away(Away::Connect),
        _ => Fault::Answer,
    }
}

fn wrap(fault: Fault) -> Error {
    Error::Other(Box::new(fault))
}

const BUFFER_BYTES: usize = 64 << 10;
