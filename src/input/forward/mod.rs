//! The Forward protocol of Fluentd and Fluent Bit, version 1, as a server.
//!
//! Goes in: an address and settings. Comes out: an [`Intake`] whose lines are the events, each as an object of JSON: the members
//! of its record in their order, then `time` and `tag` where it has none of its own. A message is taken as a whole or not at
//! all. Who asks for an acknowledgement gets it when the receipts of all its lines were confirmed, and sends the chunk again
//! where that does not come: at least once. A chunk among the last that were acknowledged is not taken twice; it is known by its
//! name and its content together, for a sender that begins anew may use a name again. The smallest
//! example is `chunk.rs`.

mod chunk;
mod event;
mod handshake;
mod message;
mod pack;

pub use handshake::SharedKey;

use super::intake::{
    Address, Bound, Confirm, Connection, Each, Either, Handed, Intake, Life, Pot, Queue, Read, Reason, Room, Settings,
    add, first, serve,
};
use crate::error::{Error, Kind};
use chunk::{Chunk, Known, Name, acknowledge};
use message::Message;
use pack::Scanner;
use std::{rc::Rc, sync::Arc, time::Duration};
use tokio::{
    io::Interest,
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
};

/// Binds the address, or takes its socket over where it was handed over, and begins to serve. With a key, only clients that
/// know it are heard.
///
/// # Errors
/// [`Kind::Config`]: datagrams carry no such messages, or no path for a socket. [`Kind::CannotCreate`],
/// [`Kind::Permission`]: it cannot be bound. [`Kind::Io`]
pub fn listen(
    address: &Address,
    key: Option<SharedKey>,
    settings: Settings,
    handed: &mut Handed,
) -> Result<Intake, Error> {
    if let Address::Udp(_) | Address::UnixDatagram(_) = address {
        return Err(Error::new(
            Kind::Config,
            format!("cannot listen on {address}: the Forward protocol needs a stream"),
        ));
    }
    let bound = Bound::open(address, &settings, handed)?;
    let queue = Queue::new(&settings);
    let (local, at) = (vec![format!("forward on {}", bound.shown)], bound.address.clone());
    Intake::begin(queue, at, local, None, None, move |queue| {
        let door = Rc::new(Door {
            key,
            known: Arc::default(),
            message_bytes: settings.message_bytes.min(settings.memory_bytes / 4),
        });
        let each: Each = Box::new(move |connection| Box::pin(connected(connection, door.clone())));
        serve(bound, settings, queue, &each)
    })
}

/// What all connections share.
struct Door {
    key: Option<SharedKey>,
    known: Arc<Known>,
    message_bytes: usize,
}

/// One client.
struct Client {
    connection: Connection,
    door: Rc<Door>,
    /// What came and is not read; a message that is not whole.
    bytes: Vec<u8>,
    scanner: Scanner,
    /// What the bytes take up of what all connections may hold.
    held: usize,
    /// What is to be written.
    answers: Vec<u8>,
    acks: UnboundedReceiver<Arc<[u8]>>,
    /// For its chunks; none once it is heard no more.
    to: Option<UnboundedSender<Arc<[u8]>>>,
}

/// So much may wait to be written to a client.
const ANSWER_BYTES: usize = 64 * 1024;

/// Lines are laid down in portions of about this.
const PORTION_BYTES: usize = 32 * 1024;

/// A client has so long to say that it knows the key.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// At the end, a client has so long to read what it is answered.
const LAST_ANSWER: Duration = Duration::from_secs(1);

async fn connected(connection: Connection, door: Rc<Door>) {
    let (to, acks) = mpsc::unbounded_channel();
    let shared = connection.shared.clone();
    let mut client = Client {
        connection,
        door,
        bytes: Vec::new(),
        scanner: Scanner::default(),
        held: 0,
        answers: Vec::new(),
        acks,
        to: Some(to),
    };
    if let Err(reason) = client.serve().await {
        // Chunks of it that become durable are known, and acknowledged when they come again.
        shared.queue.board.fault(reason);
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.connection.shared.hold(self.held, 0);
    }
}

impl Client {
    async fn serve(&mut self) -> Result<(), Reason> {
        if let Some(key) = self.door.key.clone() {
            let done = Box::pin(tokio::time::timeout(HANDSHAKE_TIME, self.handshake(&key))).await;
            if !done.unwrap_or(Err(Reason::Handshake))? {
                return Ok(());
            }
        }
        self.messages().await?;
        loop {
            self.write()?;
            let writable = writable(&self.connection, &self.answers);
            match first(first(self.acks.recv(), writable), self.connection.read()).await {
                Either::First(Either::First(Some(id))) => acknowledge(&id, &mut self.answers),
                // A sender is held here, so that there is no end of it yet.
                Either::First(Either::First(None) | Either::Second(())) => {}
                Either::Second(Read::Some(n, _)) => {
                    self.came(n)?;
                    self.messages().await?;
                }
                Either::Second(Read::End) => return Box::pin(self.finish()).await,
            }
        }
    }

    /// Takes over what was read.
    fn came(&mut self, n: usize) -> Result<(), Reason> {
        let shared = &self.connection.shared;
        if n > shared.allowance() {
            return Err(Reason::Crowded);
        }
        self.bytes.extend_from_slice(&shared.scratch.borrow()[..n]);
        self.hold();
        Ok(())
    }

    fn hold(&mut self) {
        let now = self.bytes.capacity();
        self.connection.shared.hold(self.held, now);
        self.held = now;
    }

    /// Takes all messages that are whole.
    async fn messages(&mut self) -> Result<(), Reason> {
        let mut start = 0;
        while let Some(length) = self.scanner.scan(&self.bytes[start..], self.door.message_bytes)? {
            let bytes = std::mem::take(&mut self.bytes);
            // In a box of its own, so that connections which say nothing cost little.
            let done = Box::pin(self.message(&bytes[start..start + length])).await;
            self.bytes = bytes;
            done?;
            start += length;
            self.write()?;
        }
        self.bytes.drain(..start);
        if self.bytes.is_empty() {
            // Who has nothing to say takes up nothing.
            self.bytes = Vec::new();
        }
        self.hold();
        Ok(())
    }

    async fn message(&mut self, bytes: &[u8]) -> Result<(), Reason> {
        let message = Message::parse(bytes)?;
        let shared = &self.connection.shared;
        let (queue, board) = (&shared.queue, &shared.queue.board);
        let named = message.chunk.map(|id| (id, Name::of(id, message.content)));
        if let Some((id, _)) = named.filter(|(_, name)| self.door.known.is_acknowledged(name)) {
            add(&board.chunks_again, 1);
            acknowledge(id, &mut self.answers);
            return Ok(());
        }
        message.check()?;
        let chunk = match (named, &self.to) {
            (Some((id, name)), Some(to)) => {
                if !self.door.known.takes(name) {
                    add(&board.chunks_doubled, 1);
                }
                Some(Chunk::new((id, name), to.clone(), &self.door.known, queue))
            }
            (Some(_) | None, _) => None,
        };
        let for_whom = chunk.clone().map(|chunk| chunk as Arc<dyn Confirm>);
        let (mut walk, mut pot, mut is_taken) = (message.walk(), Pot::default(), true);
        loop {
            let goes_on = walk.next(|moment, reader| {
                let start = pot.bytes.len();
                event::write(reader, moment, message.tag, &mut pot.bytes)?;
                pot.close(start, shared.settings.longest_line, board);
                Ok(())
            })?;
            if pot.bytes.len() >= PORTION_BYTES || !goes_on {
                let room = if pot.lines > 0 { queue.room_soon().await } else { Room::Yes };
                if room == Room::Yes || chunk.is_none() {
                    add(&board.messages, pot.lines);
                }
                queue.lay(&mut pot, room, for_whom.as_ref());
                is_taken &= room == Room::Yes;
                // Who keeps a chunk sends it again, all of it.
                if !goes_on || chunk.is_some() && !is_taken {
                    break;
                }
            }
        }
        match chunk {
            Some(chunk) if is_taken => {
                add(&board.chunks, 1);
                chunk.confirmed();
            }
            Some(_) => add(&board.chunks_declined, 1),
            None => {}
        }
        Ok(())
    }

    /// Writes what the client has room for.
    fn write(&mut self) -> Result<(), Reason> {
        while let Ok(id) = self.acks.try_recv() {
            acknowledge(&id, &mut self.answers);
        }
        while !self.answers.is_empty() {
            match self.connection.wire.try_write(&self.answers) {
                Ok(n) => drop(self.answers.drain(..n)),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                // It is gone, which is no fault; reading tells.
                Err(_) => self.answers.clear(),
            }
        }
        if self.answers.len() > ANSWER_BYTES { Err(Reason::Deaf) } else { Ok(()) }
    }

    /// Nothing more is read: what was taken is still acknowledged when it is durable, up to the end of the intake.
    async fn finish(&mut self) -> Result<(), Reason> {
        if !self.bytes.is_empty() {
            // It ended in a message. One with a chunk comes again.
            add(&self.connection.shared.queue.board.torn, 1);
        }
        self.bytes = Vec::new();
        self.hold();
        self.to = None;
        self.connection.has_read();
        let mut lives = self.connection.shared.queue.lives();
        loop {
            self.write()?;
            let writable = writable(&self.connection, &self.answers);
            let closed = lives.wait_for(|life| *life == Life::Closed);
            // What was confirmed before the end is said first.
            match first(first(self.acks.recv(), writable), closed).await {
                Either::First(Either::First(Some(id))) => acknowledge(&id, &mut self.answers),
                Either::First(Either::Second(())) => {}
                Either::First(Either::First(None)) | Either::Second(_) => break,
            }
        }
        let until = tokio::time::Instant::now() + LAST_ANSWER;
        self.write()?;
        while !self.answers.is_empty() {
            let ready = self.connection.wire.ready(Interest::WRITABLE);
            if !matches!(tokio::time::timeout_at(until, ready).await, Ok(Ok(()))) {
                return Err(Reason::Deaf);
            }
            self.write()?;
        }
        Ok(())
    }

    /// Whether the client knows the key; `false`: it went away without a word.
    async fn handshake(&mut self, key: &SharedKey) -> Result<bool, Reason> {
        let mut nonce = [0; 16];
        rustix::rand::getrandom(&mut nonce, rustix::rand::GetRandomFlags::empty()).map_err(|_| Reason::Handshake)?;
        self.answers = handshake::helo(&nonce);
        self.write()?;
        let length = loop {
            if let Some(length) = self.scanner.scan(&self.bytes, PING_BYTES).map_err(|_| Reason::Handshake)? {
                break length;
            }
            match self.connection.read().await {
                Read::Some(n, _) => self.came(n)?,
                Read::End if self.bytes.is_empty() => return Ok(false),
                Read::End => return Err(Reason::Handshake),
            }
        };
        let (answer, is_right) = handshake::pong(&self.bytes[..length], &nonce, key)?;
        self.bytes.drain(..length);
        self.answers.extend_from_slice(&answer);
        self.write()?;
        if is_right { Ok(true) } else { Err(Reason::Handshake) }
    }
}

/// Waits until more of the answers can be written, where there are any.
async fn writable(connection: &Connection, answers: &[u8]) {
    if answers.is_empty() || connection.wire.ready(Interest::WRITABLE).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// A client's first word is not longer.
const PING_BYTES: usize = 4096;
