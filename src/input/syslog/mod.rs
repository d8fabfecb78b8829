//! Syslog through sockets: datagrams, or frames of a stream.
//!
//! Goes in: an address and settings. Comes out: an [`Intake`] whose lines are the messages, each one line, as they came. What
//! stands at their beginning (RFC 3164, RFC 5424) is opened by the engine; nothing is known of it here. The smallest example
//! is `datagrams.rs`.

mod datagrams;
mod frames;

use super::intake::{
    Address, Bound, Connection, Each, Handed, Intake, Losses, Pot, Queue, Read, Settings, Shared, serve,
};
use crate::error::{Error, Kind};
use frames::Frames;
use std::sync::Arc;

/// Binds the address, or takes its socket over where it was handed over, and begins to read.
///
/// # Errors
/// [`Kind::CannotCreate`], [`Kind::Permission`]: it cannot be bound. [`Kind::Config`]: no path for a socket. [`Kind::Io`]
///
/// ```
/// use sladd::input::{intake::{Address, Handed, Settings}, syslog};
/// use std::{net::UdpSocket, sync::Arc};
///
/// let any = Address::Udp("127.0.0.1:0".parse().expect("an address"));
/// let mut intake = syslog::listen(&any, Settings::new(Arc::new(|| {})), &mut Handed::default())?;
/// let Address::Udp(at) = intake.address().clone() else { unreachable!("UDP was bound") };
/// let sender = UdpSocket::bind("127.0.0.1:0").expect("a port");
/// sender.send_to(b"<13>Nov 21 10:00:00 www app: one\ntwo\n", at).expect("loopback");
/// while !intake.has_lines() {
///     std::thread::yield_now();
/// }
/// let portion = intake.take().expect("there are lines");
/// assert_eq!(portion.lines, b"<13>Nov 21 10:00:00 www app: one two\n");
/// # Ok::<(), sladd::Error>(())
/// ```
pub fn listen(address: &Address, settings: Settings, handed: &mut Handed) -> Result<Intake, Error> {
    let bound = Bound::open(address, &settings, handed)?;
    let (queue, local, at) = (Queue::new(&settings), vec![format!("syslog on {}", bound.shown)], bound.address.clone());
    match address {
        Address::Udp(_) | Address::UnixDatagram(_) => {
            let second = bound.socket.try_clone().map_err(|error| Error::new(Kind::Io, error.to_string()))?;
            let losses = Arc::new(Losses::of(second)?);
            let (stop, nudge) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
                .map_err(|errno| Error::new(Kind::Io, std::io::Error::from(errno).to_string()))?;
            let ours = losses.clone();
            Intake::begin(queue, at, local, Some(losses), Some(nudge), move |queue| {
                datagrams::read(bound, &stop, &settings, queue, &ours)
            })
        }
        Address::Tcp(_) | Address::UnixStream(_) => Intake::begin(queue, at, local, None, None, move |queue| {
            let each: Each = Box::new(|connection| Box::pin(connected(connection)));
            serve(bound, settings, queue, &each)
        }),
    }
}

/// Reads the frames of one connection.
async fn connected(connection: Connection) {
    let shared = connection.shared.clone();
    let mut frames = Frames::new(shared.settings.longest_line);
    let mut held = Held { shared: &shared, bytes: 0 };
    let queue = &shared.queue;
    while let Read::Some(n, room) = connection.read().await {
        let mut pot = Pot::default();
        frames.take(&shared.scratch.borrow()[..n], shared.allowance(), &mut pot, &queue.board);
        held.now(frames.memory());
        queue.lay(&mut pot, room, None);
    }
    let mut pot = Pot::default();
    frames.end(&mut pot, &queue.board);
    held.now(0);
    let room = queue.room_soon().await;
    queue.lay(&mut pot, room, None);
}

/// What a connection holds of unfinished frames; nothing once it is gone.
struct Held<'a> {
    shared: &'a Shared,
    bytes: usize,
}

impl Held<'_> {
    fn now(&mut self, bytes: usize) {
        self.shared.hold(self.bytes, bytes);
        self.bytes = bytes;
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.now(0);
    }
}
