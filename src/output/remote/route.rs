//! The way to a receiver: its name, its addresses, and whom it must be.

use super::{
    fault::{Away, Fault},
    settings::{Address, Trust, Waits},
    tls,
};
use crate::error::{Error, Kind};
use rustls::{ClientConfig, pki_types::ServerName};
use std::{
    fmt,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

/// Where to, and under what.
pub(super) enum Route {
    /// A host, with TLS or without.
    Host { host: String, port: u16, guard: Guard, lookup: Lookup },
    /// A unix stream socket.
    Unix(PathBuf),
    /// A unix datagram socket.
    Datagram(PathBuf),
}

/// What keeps others from reading along.
#[derive(Clone)]
pub(super) enum Guard {
    /// TLS with a certificate for this name.
    Tls(Arc<ClientConfig>, ServerName<'static>),
    /// The bytes stay on this host.
    Loopback,
    /// Nothing; the settings say so.
    Plain,
}

/// A name's addresses. A lookup that hangs is waited for again instead of being started again.
#[derive(Default)]
pub(super) struct Lookup(Option<Receiver<Vec<SocketAddr>>>);

impl Route {
    /// # Errors
    /// [`Kind::Config`] where it would be plain and nobody asked for that, or the name cannot be one; as [`tls::config`].
    pub fn new(address: &Address, trust: &Trust, plain: bool) -> Result<Route, Error> {
        let (host, port, guard) = match address {
            Address::Unix(path) => return Ok(Route::Unix(path.clone())),
            Address::Datagram(path) => return Ok(Route::Datagram(path.clone())),
            Address::Tls(host, port) => {
                let name = ServerName::try_from(host.clone())
                    .map_err(|_| Error::new(Kind::Config, format!("cannot send to `{host}`: it is no host name")))?;
                (host, *port, Guard::Tls(tls::config(trust)?, name))
            }
            Address::Tcp(host, port) if plain => (host, *port, Guard::Plain),
            Address::Tcp(host, port) if is_here(host) => (host, *port, Guard::Loopback),
            Address::Tcp(host, _) => {
                let why = "others could read the lines on the way; use TLS, or set `plain = true`";
                return Err(Error::new(Kind::Config, format!("cannot send to `{host}` without TLS: {why}")));
            }
        };
        Ok(Route::Host { host: host.clone(), port, guard, lookup: Lookup::default() })
    }
}

impl Lookup {
    /// The addresses, at most eight.
    ///
    /// # Errors
    /// [`Away::Name`], also when it takes too long; [`Fault::Stopped`]
    pub fn find(&mut self, host: &str, port: u16, waits: &Waits, stop: &AtomicBool) -> Result<Vec<SocketAddr>, Fault> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let waiting = self.0.take().unwrap_or_else(|| {
            let (found, waiting) = mpsc::sync_channel(1);
            let host = host.to_owned();
            let asked = thread::Builder::new().name("sladd-lookup".to_owned()).spawn(move || {
                let addresses = (host.as_str(), port).to_socket_addrs().map(|all| all.take(8).collect());
                // Nobody waits any more if the sender is gone.
                let _ = found.send(addresses.unwrap_or_default());
            });
            // Without a thread the channel is closed, and the name leads nowhere.
            drop(asked);
            waiting
        });
        let end = Instant::now() + waits.connect;
        loop {
            if stop.load(Ordering::Relaxed) {
                return Err(Fault::Stopped);
            }
            match waiting.recv_timeout(SLICE) {
                Ok(addresses) if !addresses.is_empty() => return Ok(addresses),
                Ok(_) | Err(RecvTimeoutError::Disconnected) => return Err(Fault::Away(Away::Name)),
                Err(RecvTimeoutError::Timeout) if Instant::now() >= end => {
                    self.0 = Some(waiting);
                    return Err(Fault::Away(Away::Name));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

impl Guard {
    /// Whether bytes may go to this address.
    pub fn lets(&self, address: &SocketAddr) -> bool {
        match self {
            Guard::Tls(..) | Guard::Plain => true,
            Guard::Loopback => address.ip().to_canonical().is_loopback(),
        }
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Route")
    }
}

/// Whether a name stands for this host alone. What it leads to is looked at again when connecting.
fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// After so long at most a wait looks whether it shall end.
pub(super) const SLICE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn without_tls_only_this_host_is_sent_to_unless_asked_for() {
        let route = |host: &str, plain| Route::new(&Address::Tcp(host.into(), 1), &Trust::default(), plain);
        for host in ["localhost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(route(host, false).is_ok(), "{host}");
        }
        for host in ["log.example", "192.0.2.1", "2001:db8::1", "localhost.example", "0.0.0.0"] {
            let error = route(host, false).unwrap_err();
            assert!(error.to_string().ends_with("use TLS, or set `plain = true`"), "{error}");
            assert!(route(host, true).is_ok(), "{host}");
        }
        // A name for this host that leads elsewhere is not followed.
        assert!(!Guard::Loopback.lets(&"192.0.2.1:1".parse().unwrap()));
    }

    #[test]
    fn a_lookup_ends_when_told_to_stop() {
        let stop = AtomicBool::new(true);
        let found = Lookup::default().find("localhost", 1, &Waits::default(), &stop);
        assert_eq!(found.unwrap_err(), Fault::Stopped);
    }
}
