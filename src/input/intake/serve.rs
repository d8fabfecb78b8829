//! Connections: accepted by one thread that waits for all of them at once.

use super::{Bound, Life, Queue, Room, Settings, counts::add};
use crate::error::{Error, Kind};
use rustix::{io::Errno, net::sockopt};
use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    io,
    os::fd::OwnedFd,
    pin::{Pin, pin},
    rc::Rc,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::Poll,
    time::Duration,
};
use tokio::{
    io::Interest,
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    task::{JoinSet, LocalSet},
};

/// What all connections of an intake share. They run on one thread, one at a time.
pub(crate) struct Shared {
    pub queue: Arc<Queue>,
    pub settings: Settings,
    /// What any of them reads into.
    pub scratch: RefCell<Box<[u8]>>,
    /// What their unfinished messages take up.
    held: Cell<usize>,
    /// How many of them still read.
    readers: Cell<usize>,
    /// No new ones come.
    shut: Cell<bool>,
}

impl Shared {
    /// Room for `more` bytes of an unfinished message; as many as are left.
    pub(crate) fn allowance(&self) -> usize {
        self.settings.buffer_bytes().saturating_sub(self.held.get())
    }

    /// An unfinished message took `before` bytes and takes `now`.
    pub(crate) fn hold(&self, before: usize, now: usize) {
        self.held.set(self.held.get() - before + now);
    }

    /// The end of the queue is where nobody reads any more.
    fn leave(&self) {
        if self.shut.get() && self.readers.get() == 0 {
            self.queue.end();
        }
    }
}

/// A connection, and that it still reads.
pub(crate) struct Connection {
    pub wire: Wire,
    pub shared: Rc<Shared>,
    reading: bool,
    /// Once it has to stop, so much may still be read.
    left: Cell<Option<u64>>,
}

/// What came of waiting for bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// So many bytes of the scratch buffer, and what is to become of them.
    Some(usize, Room),
    /// The connection is at its end, or failed, or has to stop and holds nothing more.
    End,
}

impl Connection {
    fn new(wire: Wire, shared: Rc<Shared>) -> Connection {
        shared.readers.set(shared.readers.get() + 1);
        add(&shared.queue.board.connections, 1);
        shared.queue.board.connections_open.fetch_add(1, Relaxed);
        Connection { wire, shared, reading: true, left: Cell::new(None) }
    }

    /// Waits for bytes, then for room, and reads some into the scratch buffer. Nothing is read that cannot be laid down at
    /// once, so that what waits is bounded however many write.
    pub(crate) async fn read(&self) -> Read {
        loop {
            match self.left.get() {
                None => {
                    let mut lives = self.shared.queue.lives();
                    let stop = lives.wait_for(|life| *life != Life::Running);
                    if let Either::Second(Err(_)) = first(stop, self.wire.ready(Interest::READABLE)).await {
                        return Read::End;
                    }
                    if self.shared.queue.life() != Life::Running {
                        self.left.set(Some(self.wire.waiting()));
                    }
                }
                Some(0) => return Read::End,
                // The bytes are there.
                Some(_) => {
                    if self.wire.ready(Interest::READABLE).await.is_err() {
                        return Read::End;
                    }
                }
            }
            let room = self.shared.queue.room_soon().await;
            if room == Room::Closed {
                return Read::End;
            }
            let mut scratch = self.shared.scratch.borrow_mut();
            let most = self.left.get().map_or(scratch.len(), |left| scratch.len().min(left as usize));
            if most == 0 {
                return Read::End;
            }
            match self.wire.try_read(&mut scratch[..most]) {
                Ok(0) => return Read::End,
                Ok(n) => {
                    self.left.set(self.left.get().map(|left| left - n as u64));
                    add(&self.shared.queue.board.bytes, n as u64);
                    return Read::Some(n, room);
                }
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                Err(_) => return Read::End,
            }
        }
    }

    /// It reads no more.
    pub(crate) fn has_read(&mut self) {
        if std::mem::take(&mut self.reading) {
            self.shared.readers.set(self.shared.readers.get() - 1);
            self.shared.leave();
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.has_read();
        self.shared.queue.board.connections_open.fetch_sub(1, Relaxed);
    }
}

/// The two sorts of connections.
#[derive(Debug)]
pub(crate) enum Wire {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Wire {
    pub(crate) async fn ready(&self, interest: Interest) -> io::Result<()> {
        match self {
            Wire::Tcp(stream) => stream.ready(interest).await.map(drop),
            Wire::Unix(stream) => stream.ready(interest).await.map(drop),
        }
    }

    pub(crate) fn try_read(&self, space: &mut [u8]) -> io::Result<usize> {
        match self {
            Wire::Tcp(stream) => stream.try_read(space),
            Wire::Unix(stream) => stream.try_read(space),
        }
    }

    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Wire::Tcp(stream) => stream.try_write(bytes),
            Wire::Unix(stream) => stream.try_write(bytes),
        }
    }

    /// Bytes that can be read now.
    fn waiting(&self) -> u64 {
        match self {
            Wire::Tcp(stream) => rustix::io::ioctl_fionread(stream),
            Wire::Unix(stream) => rustix::io::ioctl_fionread(stream),
        }
        .unwrap_or(0)
    }
}

enum Door {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Door {
    fn open(socket: OwnedFd) -> io::Result<Door> {
        if sockopt::socket_domain(&socket)? == rustix::net::AddressFamily::UNIX {
            return UnixListener::from_std(socket.into()).map(Door::Unix);
        }
        TcpListener::from_std(socket.into()).map(Door::Tcp)
    }

    async fn accept(&self) -> io::Result<Wire> {
        match self {
            Door::Unix(listener) => listener.accept().await.map(|(stream, _)| Wire::Unix(stream)),
            Door::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // A peer that is gone is known for it in the end.
                let _ = sockopt::set_socket_keepalive(&stream, true);
                let _ = sockopt::set_tcp_keepidle(&stream, KEEP_ALIVE);
                let _ = stream.set_nodelay(true);
                Ok(Wire::Tcp(stream))
            }
        }
    }
}

/// What is done with each connection, boxed because there are two sorts of that.
pub(crate) type Each = Box<dyn Fn(Connection) -> Pin<Box<dyn Future<Output = ()>>>>;

/// Accepts connections until it is told to stop, and lets each be served. `queue` ends when none of them reads any more.
pub(crate) fn serve(bound: Bound, settings: Settings, queue: &Arc<Queue>, each: &Each) -> Result<(), Error> {
    let failed = |error: io::Error| Error::new(Kind::Io, format!("cannot serve connections: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let shared = Rc::new(Shared {
        queue: queue.clone(),
        scratch: RefCell::new(vec![0; super::READ_BYTES].into_boxed_slice()),
        settings,
        held: Cell::new(0),
        readers: Cell::new(0),
        shut: Cell::new(false),
    });
    let tasks = LocalSet::new();
    tasks.block_on(&runtime, async {
        let Bound { socket, file, .. } = bound;
        let door = Door::open(socket).map_err(failed)?;
        let mut served = JoinSet::new();
        let mut lives = queue.lives();
        let welcome = |wire: Wire, served: &mut JoinSet<()>| {
            if queue.board.connections_open.load(Relaxed) >= shared.settings.connections as u64 {
                add(&queue.board.connections_refused, 1);
            } else {
                served.spawn_local(each(Connection::new(wire, shared.clone())));
            }
        };
        loop {
            let stop = lives.wait_for(|life| *life != Life::Running);
            let left = async {
                if served.join_next().await.is_none() {
                    std::future::pending::<()>().await;
                }
            };
            match first(stop, first(left, door.accept())).await {
                Either::First(_) => break,
                Either::Second(Either::First(())) => {}
                Either::Second(Either::Second(Ok(wire))) => welcome(wire, &mut served),
                Either::Second(Either::Second(Err(error))) => after(&error).await.map_err(failed)?,
            }
        }
        // Who connected before the end is heard; the queue of the kernel is not longer than this.
        for _ in 0..super::bind::BACKLOG {
            match tokio::time::timeout(LAST_ACCEPT, door.accept()).await {
                Ok(Ok(wire)) => welcome(wire, &mut served),
                Ok(Err(_)) | Err(_) => break,
            }
        }
        drop((door, file));
        shared.shut.set(true);
        shared.leave();
        while served.join_next().await.is_some() {}
        Ok(())
    })
}

/// Which of two came first.
pub(crate) enum Either<A, B> {
    First(A),
    Second(B),
}

/// Waits for either; where both are ready, for the first. What the other one has done so far is lost.
pub(crate) async fn first<A, B>(a: impl Future<Output = A>, b: impl Future<Output = B>) -> Either<A, B> {
    let (mut a, mut b) = (pin!(a), pin!(b));
    poll_fn(|context| {
        if let Poll::Ready(done) = a.as_mut().poll(context) {
            return Poll::Ready(Either::First(done));
        }
        b.as_mut().poll(context).map(Either::Second)
    })
    .await
}

/// Whether accepting goes on after an error. Where handles have run out, others must be closed first.
async fn after(error: &io::Error) -> io::Result<()> {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Ok(())
        }
        Some(Errno::BADF | Errno::INVAL | Errno::NOTSOCK) => Err(io::Error::from(error.kind())),
        // What went wrong with one connection on its way is its own.
        _ => Ok(()),
    }
}

/// A silent peer is asked after this time whether it is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(120);

/// Whoever connected before the end is seen within this time.
const LAST_ACCEPT: Duration = Duration::from_millis(10);
