//! One connection: bytes out and in. Every wait has an end, and ends early when told to stop.

use super::{
    fault::{Away, Fault},
    route::{Guard, Route, SLICE},
    settings::Waits,
    tls,
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, recv, send, socket_with,
        sockopt,
    },
};
use rustls::{ClientConnection, pki_types::ServerName};
use std::{
    fmt, io,
    io::{Read, Write},
    net::SocketAddr,
    os::fd::OwnedFd,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// An open connection.
pub(super) struct Wire {
    fd: OwnedFd,
    tls: Option<Box<ClientConnection>>,
    waits: Waits,
    stop: Arc<AtomicBool>,
}

/// How a writing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// All of it is on its way.
    All,
    /// The other side said something before it had it all; the rest was kept back.
    Answered,
}

/// What there is to read without waiting.
enum Taken {
    Bytes(usize),
    End,
    Nothing,
}

/// Whether an answer ends a writing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Early {
    Heeded,
    Ignored,
}

impl Wire {
    /// Connects, to each address in turn, and agrees on TLS where the route says so.
    ///
    /// # Errors
    /// [`Fault::Away`], [`Fault::Untrusted`], [`Fault::Handshake`], [`Fault::Stopped`]
    pub fn open(route: &mut Route, waits: Waits, stop: &Arc<AtomicBool>) -> Result<Wire, Fault> {
        let stop = Arc::clone(stop);
        match route {
            Route::Unix(path) => Wire::unix(path, SocketType::STREAM, waits, stop),
            Route::Datagram(path) => Wire::unix(path, SocketType::DGRAM, waits, stop),
            Route::Host { host, port, guard, lookup } => {
                let addresses = lookup.find(host, *port, &waits, &stop)?;
                let mut fault = Fault::Away(Away::Connect);
                for address in addresses.iter().filter(|address| guard.lets(address)) {
                    match Wire::tcp(address, waits, &stop) {
                        Ok(mut wire) => {
                            if let Guard::Tls(config, name) = guard {
                                wire.agree(ClientConnection::new(Arc::clone(config), ServerName::clone(name)))?;
                            }
                            return Ok(wire);
                        }
                        Err(Fault::Stopped) => return Err(Fault::Stopped),
                        Err(other) => fault = other,
                    }
                }
                Err(fault)
            }
        }
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// [`Away::Stalled`], [`Away::Broken`], [`Fault::Stopped`]
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.push(bytes, Early::Ignored).map(|_| ())
    }

    /// Writes all of it, unless the other side says something before.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_unless_answered(&mut self, bytes: &[u8]) -> Result<Written, Fault> {
        self.push(bytes, Early::Heeded)
    }

    /// Writes one datagram.
    ///
    /// # Errors
    /// As [`write`](Self::write); `Ok(false)` where the system finds it too long.
    pub fn datagram(&mut self, bytes: &[u8]) -> Result<bool, Fault> {
        let end = Instant::now() + self.waits.write;
        loop {
            match send(&self.fd, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
                Ok(_) => return Ok(true),
                Err(Errno::INTR) => {}
                Err(Errno::MSGSIZE) => return Ok(false),
                Err(Errno::AGAIN | Errno::NOBUFS) => drop(self.wait(PollFlags::OUT, end, Away::Stalled)?),
                Err(_) => return Err(Fault::Away(Away::Broken)),
            }
        }
    }

    /// Reads what comes, at least one byte; nothing where the other side ended.
    ///
    /// # Errors
    /// [`Away::Silent`], [`Away::Broken`], [`Fault::Handshake`], [`Fault::Stopped`]
    pub fn read(&mut self, into: &mut [u8], end: Instant) -> Result<usize, Fault> {
        loop {
            match self.take(into)? {
                Taken::Bytes(count) => return Ok(count),
                Taken::End => return Ok(0),
                Taken::Nothing => drop(self.wait(PollFlags::IN, end, Away::Silent)?),
            }
        }
    }

    /// Whether it is open and the other side has said nothing that nobody read.
    pub fn is_idle(&mut self) -> bool {
        matches!(self.take(&mut [0]), Ok(Taken::Nothing))
    }

    /// Throws away what the other side said, at most 64 KiB. Whether it is still there.
    pub fn is_open(&mut self) -> bool {
        let mut scrap = [0; 4096];
        for _ in 0..16 {
            match self.take(&mut scrap) {
                Ok(Taken::Nothing) => return true,
                Ok(Taken::Bytes(_)) => {}
                Ok(Taken::End) | Err(_) => return false,
            }
        }
        // One that goes on talking is no syslog server.
        false
    }

    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    fn tcp(address: &SocketAddr, waits: Waits, stop: &Arc<AtomicBool>) -> Result<Wire, Fault> {
        let refused = |_| Fault::Away(Away::Connect);
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let fd = socket_with(family, SocketType::STREAM, FLAGS, None).map_err(refused)?;
        let done = connect(&fd, address);
        let wire = Wire { fd, tls: None, waits, stop: Arc::clone(stop) };
        match done {
            Ok(()) => {}
            Err(Errno::INPROGRESS | Errno::INTR) => {
                wire.wait(PollFlags::OUT, Instant::now() + waits.connect, Away::Connect)?;
                sockopt::socket_error(&wire.fd).and_then(|state| state).map_err(refused)?;
            }
            Err(errno) => return Err(refused(errno)),
        }
        // What cannot be set makes it slower, or a dead receiver be noticed later; nothing else.
        let _ = sockopt::set_tcp_nodelay(&wire.fd, true);
        let _ = sockopt::set_socket_keepalive(&wire.fd, true);
        let limit = u32::try_from(waits.acknowledge.as_millis()).unwrap_or(u32::MAX);
        let _ = sockopt::set_tcp_user_timeout(&wire.fd, limit);
        Ok(wire)
    }

    fn unix(path: &Path, kind: SocketType, waits: Waits, stop: Arc<AtomicBool>) -> Result<Wire, Fault> {
        let refused = |_| Fault::Away(Away::Connect);
        let address = SocketAddrUnix::new(path).map_err(refused)?;
        let fd = socket_with(AddressFamily::UNIX, kind, FLAGS, None).map_err(refused)?;
        let end = Instant::now() + waits.connect;
        loop {
            match connect(&fd, &address) {
                Ok(()) => return Ok(Wire { fd, tls: None, waits, stop }),
                Err(Errno::INTR) => {}
                Err(errno) if errno != Errno::AGAIN => return Err(refused(errno)),
                // Its queue is full, and poll does not tell when it is not.
                Err(errno) if Instant::now() >= end => return Err(refused(errno)),
                Err(_) if stop.load(Ordering::Relaxed) => return Err(Fault::Stopped),
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    fn agree(&mut self, connection: Result<ClientConnection, rustls::Error>) -> Result<(), Fault> {
        let connection = connection.map_err(|error| tls::fault(&error))?;
        let tls = self.tls.insert(Box::new(connection));
        tls.set_buffer_limit(Some(64 << 10));
        let end = Instant::now() + self.waits.connect;
        loop {
            let tls = self.tls.as_mut().expect("just put there");
            let (done, flags) = if tls.wants_write() {
                (tls.write_tls(&mut Raw(&self.fd)).map(|_| ()), PollFlags::OUT)
            } else if tls.is_handshaking() {
                let done = match tls.read_tls(&mut Raw(&self.fd)) {
                    Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(_) => match tls.process_new_packets() {
                        Ok(_) => Ok(()),
                        Err(error) => {
                            // The other side is told why, if it still listens.
                            let _ = tls.write_tls(&mut Raw(&self.fd));
                            return Err(tls::fault(&error));
                        }
                    },
                    Err(error) => Err(error),
                };
                (done, PollFlags::IN)
            } else {
                return Ok(());
            };
            match done {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.wait(flags, end, Away::Silent)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Fault::Away(Away::Broken)),
            }
            if Instant::now() >= end {
                return Err(Fault::Away(Away::Silent));
            }
        }
    }

    fn push(&mut self, bytes: &[u8], early: Early) -> Result<Written, Fault> {
        let mut rest = bytes;
        let begun = Instant::now();
        let (mut stalled, end) = (begun + self.waits.write, begun + self.waits.write * MOST_WRITES);
        loop {
            let done = match &mut self.tls {
                None if rest.is_empty() => return Ok(Written::All),
                None => Raw(&self.fd).write(rest).inspect(|&count| rest = &rest[count..]),
                Some(tls) if tls.wants_write() => tls.write_tls(&mut Raw(&self.fd)),
                Some(_) if rest.is_empty() => return Ok(Written::All),
                Some(tls) => tls.writer().write(rest).inspect(|&count| rest = &rest[count..]),
            };
            match done {
                Ok(_) => {
                    let now = Instant::now();
                    stalled = now + self.waits.write;
                    if now >= end {
                        return Err(Fault::Away(Away::Stalled));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let flags = if early == Early::Heeded { PollFlags::OUT | PollFlags::IN } else { PollFlags::OUT };
                    let ready = self.wait(flags, stalled.min(end), Away::Stalled)?;
                    if early == Early::Heeded && ready.contains(PollFlags::IN) && self.has_answer() {
                        return Ok(Written::Answered);
                    }
                }
                // A server that refuses a long body says so, and closes before it has read it.
                Err(_) if early == Early::Heeded && self.has_answer() => return Ok(Written::Answered),
                Err(_) => return Err(Fault::Away(Away::Broken)),
            }
        }
    }

    /// Whether the other side has said something, which stays to be read.
    fn has_answer(&mut self) -> bool {
        let Some(tls) = &mut self.tls else {
            let mut byte = [0];
            return matches!(recv(&self.fd, &mut byte, RecvFlags::PEEK | RecvFlags::DONTWAIT), Ok((1.., _)));
        };
        match tls.read_tls(&mut Raw(&self.fd)) {
            Ok(1..) => tls.process_new_packets().is_ok_and(|state| state.plaintext_bytes_to_read() > 0),
            Ok(0) | Err(_) => false,
        }
    }

    fn take(&mut self, into: &mut [u8]) -> Result<Taken, Fault> {
        let broken = Fault::Away(Away::Broken);
        let Some(tls) = &mut self.tls else {
            return match Raw(&self.fd).read(into) {
                Ok(0) => Ok(Taken::End),
                Ok(count) => Ok(Taken::Bytes(count)),
                Err(error) if is_not_yet(&error) => Ok(Taken::Nothing),
                Err(_) => Err(broken),
            };
        };
        loop {
            match tls.reader().read(into) {
                Ok(0) => return Ok(Taken::End),
                Ok(count) => return Ok(Taken::Bytes(count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // Ended without a word: cut off.
                Err(_) => return Err(broken),
            }
            match tls.read_tls(&mut Raw(&self.fd)) {
                Ok(_) => {
                    tls.process_new_packets().map_err(|error| tls::fault(&error))?;
                }
                Err(error) if is_not_yet(&error) => return Ok(Taken::Nothing),
                Err(_) => return Err(broken),
            }
        }
    }

    /// Waits until it is ready, or broken, which the next call tells.
    fn wait(&self, flags: PollFlags, end: Instant, late: Away) -> Result<PollFlags, Fault> {
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Fault::Stopped);
            }
            let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                return Err(Fault::Away(late));
            };
            let slice = Timespec::try_from(left.min(SLICE)).expect("a tenth of a second fits");
            let mut fds = [PollFd::new(&self.fd, flags)];
            match poll(&mut fds, Some(&slice)) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Ok(fds[0].revents()),
                Err(_) => return Err(Fault::Away(Away::Broken)),
            }
        }
    }
}

impl Drop for Wire {
    /// Under TLS the other side is told that nothing was cut off.
    fn drop(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            let _ = tls.write_tls(&mut Raw(&self.fd));
        }
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

/// The socket itself, which never blocks and never raises a signal.
struct Raw<'a>(&'a OwnedFd);

impl Read for Raw<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        Ok(recv(self.0, into, RecvFlags::DONTWAIT)?.0)
    }
}

impl Write for Raw<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(self.0, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn is_not_yet(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

const FLAGS: SocketFlags = SocketFlags::CLOEXEC.union(SocketFlags::NONBLOCK);

/// One writing takes so many times the longest stall, however slowly it goes on.
pub(super) const MOST_WRITES: u32 = 12;
