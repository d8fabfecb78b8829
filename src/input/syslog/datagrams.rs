//! Datagrams, many with one call: each is a line.

use crate::{
    error::{Error, Kind},
    input::intake::{Address, Bound, Ending, Life, Losses, Pot, Queue, Room, Settings, add},
};
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg};
use rustix::event::{PollFd, PollFlags, poll};
use std::{
    io::IoSliceMut,
    os::fd::{AsRawFd, OwnedFd},
};

/// So many are read at once.
const MOST: usize = 64;

/// Read beside the longest line: what goes at its end.
const TRAILING_BYTES: usize = 16;

/// The largest datagram of UDP, and one more.
const LARGEST_UDP_BYTES: usize = 64 * 1024;

/// Once it has to stop, so much is read at most of what others go on writing.
const LAST_BYTES: u64 = 64 << 20;

/// The kernel's count of what it dropped has 32 bits; it is looked at after so many calls.
const LOOK_EVERY: u32 = 1 << 16;

/// Reads until it has to stop and nothing is left.
pub(super) fn read(
    bound: Bound,
    stop: &OwnedFd,
    settings: &Settings,
    queue: &Queue,
    losses: &Losses,
) -> Result<(), Error> {
    let Bound { socket, file, address, .. } = bound;
    let mut reader = Reader::new(&socket, settings, matches!(address, Address::Udp(_)));
    let done = reader.run(stop, queue, losses);
    losses.close();
    drop((socket, file));
    done
}

struct Reader<'a> {
    socket: &'a OwnedFd,
    headers: MultiHeaders<SockaddrStorage>,
    /// One slot a datagram. Memory that no datagram came into is never touched.
    slots: Box<[u8]>,
    slot_bytes: usize,
    longest_line: usize,
    pot: Pot,
}

impl<'a> Reader<'a> {
    fn new(socket: &'a OwnedFd, settings: &Settings, is_udp: bool) -> Reader<'a> {
        let longest = settings.longest_line + TRAILING_BYTES;
        let slot_bytes = if is_udp { longest.min(LARGEST_UDP_BYTES) } else { longest };
        // What was read is copied once, so that half of the buffers' memory is for slots.
        let count = (settings.buffer_bytes() / 2 / slot_bytes).clamp(2, MOST);
        Reader {
            socket,
            headers: MultiHeaders::preallocate(count, None),
            slots: vec![0; count * slot_bytes].into_boxed_slice(),
            slot_bytes,
            longest_line: settings.longest_line,
            pot: Pot::default(),
        }
    }

    fn run(&mut self, stop: &OwnedFd, queue: &Queue, losses: &Losses) -> Result<(), Error> {
        let count = self.slots.len() / self.slot_bytes;
        let (mut calls, mut last_bytes) = (0u32, 0u64);
        loop {
            let room = queue.room();
            if room == Room::Closed {
                return Ok(());
            }
            let is_last = queue.life() == Life::Stopping;
            let (n, bytes) = self.receive(queue)?;
            queue.lay(&mut self.pot, room, None);
            calls = calls.wrapping_add(1);
            if calls % LOOK_EVERY == 0 {
                losses.look();
            }
            if is_last {
                last_bytes += bytes;
                if n == 0 || last_bytes > LAST_BYTES {
                    return Ok(());
                }
            } else if n < count {
                let mut fds = [PollFd::new(self.socket, PollFlags::IN), PollFd::new(stop, PollFlags::IN)];
                match poll(&mut fds, None) {
                    Ok(_) | Err(rustix::io::Errno::INTR) => {}
                    Err(errno) => return Err(failed(&errno.into())),
                }
            }
        }
    }

    /// Reads what is there into the pot; how many datagrams, and how many bytes.
    fn receive(&mut self, queue: &Queue) -> Result<(usize, u64), Error> {
        let Reader { socket, headers, slots, slot_bytes, longest_line, pot } = self;
        let mut rest = slots.chunks_exact_mut(*slot_bytes);
        let count = rest.len();
        let mut buffers: [[IoSliceMut<'_>; 1]; MOST] =
            std::array::from_fn(|_| [IoSliceMut::new(rest.next().unwrap_or(&mut []))]);
        // The true length is said of those that are cut, too.
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_TRUNC;
        let received = match recvmmsg(socket.as_raw_fd(), headers, buffers[..count].iter_mut(), flags, None) {
            Ok(received) => received,
            Err(nix::Error::EAGAIN | nix::Error::EINTR) => return Ok((0, 0)),
            // What an earlier answer met on its way; nothing of a datagram that comes.
            Err(nix::Error::ECONNREFUSED | nix::Error::ENOMEM | nix::Error::ENOBUFS) => return Ok((0, 0)),
            Err(errno) => return Err(failed(&errno.into())),
        };
        let (mut number, mut all, mut empty) = (0, 0u64, 0);
        for message in received {
            number += 1;
            all += message.bytes as u64;
            let bytes = message.iovs().next().unwrap_or_default();
            // What was cut by the kernel is over the limit, whatever stood behind.
            pot.skipped += (message.bytes - bytes.len()) as u64;
            if !pot.put(bytes, *longest_line, Ending::Whole, &queue.board) {
                empty += 1;
            }
        }
        add(&queue.board.messages, number as u64);
        add(&queue.board.bytes, all);
        add(&queue.board.empty, empty);
        Ok((number, all))
    }
}

fn failed(error: &std::io::Error) -> Error {
    Error::new(Kind::Io, format!("cannot read datagrams: {error}"))
}
