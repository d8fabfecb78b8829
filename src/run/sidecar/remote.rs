//! Receivers on the network, each with a thread that sends what waits in its spool; and sockets that others send to.

use super::{
    board::{SentFigures, SocketFigures},
    streams::Waker,
};
use crate::{
    error::{Error, Kind},
    input::{
        forward::{self, SharedKey},
        intake::{Address as Bind, Handed, Intake, Settings as IntakeSettings, Stall},
        syslog,
    },
    output::remote::{Address, Fault, Forward, Http, Receiver, Remote, Settings, Shape, Syslog, Trust, Waits},
    policy::wiring::{self, OnStall, Peer, Socket, Sockets},
    state::spool::Reader,
};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Sends what waits in a spool until it is told to stop.
pub(super) struct Pump {
    thread: Option<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    /// It came to its end by itself. A fault of ours ends it otherwise.
    ended: Arc<AtomicBool>,
    figures: Arc<Mutex<SentFigures>>,
    /// It has refused records and taken none, and is being asked on.
    refuses: Option<Arc<AtomicBool>>,
}

/// Sockets that others send to.
pub(super) struct Mailbox {
    intake: Intake,
    shed: (u64, u64),
}

impl Mailbox {
    /// What came through its sockets.
    pub(super) fn figures(&self) -> SocketFigures {
        let counts = self.intake.counts();
        SocketFigures {
            connections: counts.connections_open,
            refused: counts.connections_refused,
            lost_datagrams: counts.lost,
            malformed: counts.malformed + counts.faults.iter().sum::<u64>(),
            acknowledged: counts.chunks_acknowledged,
            doubled: counts.chunks_doubled,
        }
    }

    /// Lines and bytes that were dropped because nobody took them, since the last call.
    pub(super) fn take_shed(&mut self) -> (u64, u64) {
        let counts = self.intake.counts();
        let (now, before) = ((counts.shed_lines, counts.shed_bytes), self.shed);
        self.shed = now;
        (now.0 - before.0, now.1 - before.1)
    }
}

impl std::ops::Deref for Mailbox {
    type Target = Intake;

    fn deref(&self) -> &Intake {
        &self.intake
    }
}

impl std::ops::DerefMut for Mailbox {
    fn deref_mut(&mut self) -> &mut Intake {
        &mut self.intake
    }
}

/// The longest time between two attempts, before it is spread: a receiver that is back is found within ten seconds.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// Unless it asks for more, which is granted so far.
const LONGEST_ASKED: Duration = Duration::from_secs(120);
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);

/// So often an idle pump looks whether what it sent arrived.
const LOOK: Duration = Duration::from_secs(1);

impl Pump {
    pub(super) fn begin(
        settings: &wiring::Remote,
        reader: Reader,
        most_bytes: usize,
        waker: &Arc<Waker>,
    ) -> Result<Pump, Error> {
        let stop = Arc::new(AtomicBool::new(false));
        let settings = Settings { receiver: receiver(settings)?, waits: Waits::default(), stop: stop.clone() };
        let figures = Arc::new(Mutex::new(SentFigures::default()));
        let remote = Remote::new(&settings)?;
        let refuses = remote.refuses();
        let work =
            Work { remote, reader, most_bytes, stop: stop.clone(), figures: figures.clone(), waker: waker.clone() };
        let ended = Arc::new(AtomicBool::new(false));
        let thread = thread::Builder::new()
            .name("sladd-output".to_owned())
            .spawn({
                let ended = ended.clone();
                move || {
                    work.run();
                    ended.store(true, Relaxed);
                }
            })
            .map_err(|error| Error::new(Kind::Io, format!("cannot start a thread: {error}")))?;
        Ok(Pump { thread: Some(thread), stop, ended, figures, refuses })
    }

    /// # Errors
    /// [`Kind::Io`]: a fault of ours ended it, and nothing would be sent any more.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.is_done() && !self.ended.load(Relaxed) {
            return Err(Error::new(Kind::Io, "cannot send to a receiver: an internal fault ended its thread"));
        }
        Ok(())
    }

    pub(super) fn figures(&self) -> SentFigures {
        let mut figures = *lock(&self.figures);
        if self.refuses.as_ref().is_some_and(|refuses| refuses.load(Relaxed)) {
            figures.fault = figures.fault.or(Some(Fault::Refused(0).class()));
        }
        figures
    }

    /// Whether it ended by itself: all that was written is the receiver's.
    pub(super) fn is_done(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock(figures: &Mutex<SentFigures>) -> MutexGuard<'_, SentFigures> {
    figures.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Work {
    remote: Remote,
    reader: Reader,
    /// So much is sent at once at most.
    most_bytes: usize,
    stop: Arc<AtomicBool>,
    figures: Arc<Mutex<SentFigures>>,
    waker: Arc<Waker>,
}

impl Work {
    fn run(mut self) {
        let mut pause = SHORTEST_PAUSE;
        while !self.stop.load(Relaxed) {
            match self.turn() {
                Ok(Turn::Went) => pause = SHORTEST_PAUSE,
                Ok(Turn::Idle) if self.reader.is_closed() => break,
                Ok(Turn::Idle) => {}
                Ok(Turn::Fault(fault)) => {
                    self.rest(fault.after().map_or(pause, |asked| asked.clamp(pause, LONGEST_ASKED)));
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(error) => {
                    crate::run::say!("sladd: {error}");
                    self.rest(LONGEST_PAUSE);
                }
            }
        }
    }

    fn turn(&mut self) -> Result<Turn, Error> {
        let Work { remote, reader, most_bytes, figures, waker, .. } = self;
        let load = reader.next(remote.most_bytes().min(*most_bytes), LOOK)?;
        let idle = load.is_none();
        let sent = remote.send(&load.unwrap_or_default().parcels);
        reader.acknowledge(sent.acknowledged)?;
        let damaged = reader.take_damaged();
        if damaged > 0 {
            crate::run::say!("sladd: {damaged} bytes that waited for a receiver were damaged; their records are lost");
        }
        let mut figures = lock(figures);
        let before = figures.fault;
        figures.rejected += sent.rejected;
        figures.damaged_bytes += damaged;
        if sent.acknowledged > 0 {
            // Whoever was held back may go on.
            waker.wake();
        }
        let Some(fault) = sent.fault else {
            if !idle {
                figures.fault = None;
            }
            return Ok(if idle { Turn::Idle } else { Turn::Went });
        };
        figures.faults += 1;
        figures.fault = Some(fault.class());
        drop(figures);
        if before != Some(fault.class()) && !matches!(fault, Fault::Stopped) {
            crate::run::say!("sladd: {fault}; what it is to get waits");
        }
        Ok(if sent.acknowledged > 0 { Turn::Went } else { Turn::Fault(fault) })
    }

    /// Waits, a little less or more than asked, unless it is to stop.
    fn rest(&self, long: Duration) {
        let mut random = [0; 1];
        let _ = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty());
        let until = Instant::now() + spread(long, random[0]);
        while !self.stop.load(Relaxed) && Instant::now() < until {
            if self.reader.is_closed() && long > SHORTEST_PAUSE {
                // The receiver is away, and the next run sends what waits.
                self.stop.store(true, Relaxed);
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Three quarters to five quarters of it, so that not all come at once.
fn spread(long: Duration, random: u8) -> Duration {
    long.mul_f64(0.75 + f64::from(random) / 512.0)
}

enum Turn {
    Went,
    Idle,
    Fault(Fault),
}

fn receiver(remote: &wiring::Remote) -> Result<Receiver, Error> {
    let trust = Trust { ca: remote.ca.clone(), identity: remote.identity.clone() };
    let plain = remote.plain;
    let pairs = |pairs: &[(Box<str>, Box<str>)]| {
        pairs.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect::<Vec<_>>()
    };
    Ok(match &remote.receiver {
        wiring::Receiver::Syslog { at, app, enterprise } => {
            let (app, enterprise) = (app.to_string(), *enterprise);
            Receiver::Syslog(Syslog { trust, app, enterprise, plain, ..Syslog::new(address(at), host_name()) })
        }
        wiring::Receiver::Forward { at, tag, gzip, secret } => {
            let (gzip, shared_key, host) = (*gzip, secret.clone(), host_name());
            let forward = Forward::new(address(at), tag.to_string());
            Receiver::Forward(Forward { trust, gzip, shared_key, host, plain, ..forward })
        }
        wiring::Receiver::Http { url, shape, token, headers, gzip } => {
            let shape = match shape {
                wiring::Shape::Loki(labels) => Shape::Loki { labels: pairs(labels) },
                wiring::Shape::Elasticsearch(index) => {
                    Shape::Elasticsearch { index: index.as_ref().map(|index| index.to_string()) }
                }
                wiring::Shape::Otlp(resource) => Shape::Otlp { resource: pairs(resource) },
                wiring::Shape::Ndjson => Shape::Ndjson,
            };
            let http = Http::new(url.to_string(), shape);
            let (token, headers, gzip) = (token.clone(), pairs(headers), *gzip);
            Receiver::Http(Http { trust, token, headers, gzip, plain, ..http })
        }
    })
}

fn address(peer: &Peer) -> Address {
    match peer {
        Peer::Tcp(host, port) => Address::Tcp(host.to_string(), *port),
        Peer::Tls(host, port) => Address::Tls(host.to_string(), *port),
        Peer::Stream(path) => Address::Unix(path.clone()),
        Peer::Datagram(path) => Address::Datagram(path.clone()),
    }
}

/// What this machine is called, where a receiver is told.
fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_str().unwrap_or_default().to_owned();
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) { "localhost".to_owned() } else { name }
}

/// Opens the sockets of an input.
pub(super) fn intake(
    (kind, sockets, on_stall): (&wiring::From, &Sockets, OnStall),
    memory_bytes: usize,
    waker: &Arc<Waker>,
    handed: &mut Handed,
) -> Result<Mailbox, Error> {
    let waker = waker.clone();
    let stall = match on_stall {
        OnStall::Block => Stall::Block,
        // What the spool cannot hold any more is dropped.
        OnStall::Spill | OnStall::Shed => Stall::Shed,
    };
    let usual = IntakeSettings::new(Arc::new(move || waker.wake()));
    let settings = IntakeSettings { stall, memory_bytes, connections: sockets.connections as usize, ..usual };
    let bind = match &sockets.at {
        Socket::Udp(address) => Bind::Udp(*address),
        Socket::Tcp(address) => Bind::Tcp(*address),
        Socket::Datagram(path) => Bind::UnixDatagram(path.clone()),
        Socket::Stream(path) => Bind::UnixStream(path.clone()),
    };
    let intake = match kind {
        wiring::From::Forward(_) => {
            let key = sockets.secret.as_deref().map(SharedKey::read).transpose()?;
            forward::listen(&bind, key, settings, handed)
        }
        _ => syslog::listen(&bind, settings, handed),
    }?;
    Ok(Mailbox { intake, shed: (0, 0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_that_is_back_is_tried_within_ten_seconds() {
        assert!(spread(LONGEST_PAUSE, u8::MAX) <= Duration::from_secs(10));
        assert!(spread(LONGEST_PAUSE, 0) >= LONGEST_PAUSE / 2);
    }
}
