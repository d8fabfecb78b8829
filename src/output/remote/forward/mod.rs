//! Records by Fluent Forward v1. Comes in: records. Goes out: how many the receiver confirmed.
//!
//! Each request is one PackedForward with a `chunk`, and the next is written when the receiver has said `{"ack": chunk}`.
//! Source: Fluentd Forward Protocol Specification v1. The records are in `pack.rs`, the shared key in `handshake.rs`.

mod handshake;
mod pack;

use super::{
    MOST_BYTES, Sent,
    fault::{Away, Fault},
    item::{Item, Items, Numbering, gzip, show},
    route::Route,
    secret::Secret,
    settings::{self, Address, Waits},
    wire::Wire,
};
use crate::{
    encode::Parcel,
    error::{Error, Kind},
};
use rmp::{
    decode::{LenError, MessageLen},
    encode,
};
use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Instant,
};

/// A receiver of Forward, and the connection to it.
pub(super) struct Forward {
    route: Route,
    waits: Waits,
    stop: Arc<AtomicBool>,
    tag: String,
    gzip: bool,
    key: Option<Secret>,
    host: String,
    wire: Option<Wire>,
    numbering: Numbering,
    events: Vec<u8>,
    packed: Vec<u8>,
    message: Vec<u8>,
}

impl Forward {
    /// # Errors
    /// [`Kind::Config`] for what cannot be sent to, and as files are read.
    pub fn new(settings: &settings::Forward, waits: Waits, stop: &Arc<AtomicBool>) -> Result<Forward, Error> {
        let wrong = |what: &str| Err(Error::new(Kind::Config, format!("cannot send by forward: {what}")));
        if let Address::Datagram(_) = settings.address {
            return wrong("it needs a stream; write tcp://, tls:// or unix:");
        }
        let fits =
            |text: &str| !text.is_empty() && text.len() <= 255 && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !fits(&settings.tag) {
            return wrong("a tag is written with 1 to 255 printable characters, as web.access");
        }
        if !fits(&settings.host) {
            return wrong("a host's name is written with 1 to 255 printable characters");
        }
        Ok(Forward {
            route: Route::new(&settings.address, &settings.trust, settings.plain)?,
            waits,
            stop: Arc::clone(stop),
            tag: settings.tag.clone(),
            gzip: settings.gzip,
            key: settings.shared_key.as_deref().map(Secret::read).transpose()?,
            host: settings.host.clone(),
            wire: None,
            numbering: Numbering::default(),
            events: Vec::new(),
            packed: Vec::new(),
            message: Vec::new(),
        })
    }

    /// Sends them, in as many requests as it takes, until all are confirmed or there is a fault.
    pub fn send(&mut self, parcels: &[Parcel<'_>]) -> Sent {
        let items = Items::new(parcels, self.numbering);
        let (mut done, mut fault) = (0, None);
        while done < items.all.len() {
            let rest = &items.all[done..];
            let some = &rest[..Item::fitting(rest, MOST_BYTES)];
            match self.deliver(some) {
                Ok(()) => done += some.len(),
                Err(why) => {
                    // Whatever it still says is about what was sent before.
                    self.wire = None;
                    fault = Some(why);
                    break;
                }
            }
        }
        let acknowledged = items.parcels(done);
        let whole = acknowledged.checked_sub(1).map_or(0, |last| items.ends[last]);
        self.numbering = self.numbering.after(&items.all[..whole]);
        Sent { acknowledged, rejected: 0, fault }
    }

    fn deliver(&mut self, items: &[Item<'_>]) -> Result<(), Fault> {
        self.connect()?;
        let chunk = Self::chunk(items);
        self.compose(items, &chunk);
        let wire = self.wire.as_mut().expect("just connected");
        wire.write(&self.message)?;
        // One line that was very long does not hold its memory for ever.
        for buffer in [&mut self.events, &mut self.packed, &mut self.message] {
            buffer.shrink_to(4 * MOST_BYTES);
        }
        let answer = message(wire, MOST_ANSWER_BYTES, Instant::now() + self.waits.acknowledge)?;
        match pack::ack(&answer) {
            Some(said) if said == chunk.as_bytes() => Ok(()),
            // A confirmation of something else confirms nothing.
            Some(_) | None => Err(Fault::Answer),
        }
    }

    /// An open connection, on which the receiver has nothing left to say.
    fn connect(&mut self) -> Result<(), Fault> {
        if self.wire.as_mut().is_some_and(|wire| !wire.is_idle()) {
            self.wire = None;
        }
        if self.wire.is_none() {
            let mut wire = Wire::open(&mut self.route, self.waits, &self.stop)?;
            if let Some(key) = &mut self.key {
                key.refresh().map_err(|_| Fault::Secret)?;
                handshake::greet(&mut wire, key.bytes(), &self.host, Instant::now() + self.waits.acknowledge)?;
            }
            self.wire = Some(wire);
        }
        Ok(())
    }

    /// What names a request: the ids of its first and last record, so that one that is sent again is known for it.
    fn chunk(items: &[Item<'_>]) -> String {
        let (first, last) = (items[0].id, items[items.len() - 1].id);
        format!("{first}/{last}")
    }

    fn compose(&mut self, items: &[Item<'_>], chunk: &str) {
        self.events.clear();
        let mut id = Vec::new();
        for item in items {
            id.clear();
            show(item.id, &mut id);
            pack::event(item, &id, &mut self.events);
        }
        let events = if self.gzip {
            gzip(&self.events, &mut self.packed);
            &self.packed
        } else {
            &self.events
        };
        let into = &mut self.message;
        into.clear();
        let done = (|| {
            encode::write_array_len(into, 3)?;
            encode::write_str(into, &self.tag)?;
            encode::write_bin(into, events)?;
            encode::write_map_len(into, if self.gzip { 3 } else { 2 })?;
            encode::write_str(into, "size")?;
            encode::write_uint(into, items.len() as u64)?;
            encode::write_str(into, "chunk")?;
            encode::write_str(into, chunk)?;
            if self.gzip {
                encode::write_str(into, "compressed")?;
                encode::write_str(into, "gzip")?;
            }
            Ok::<_, encode::ValueWriteError>(())
        })();
        done.expect("a Vec takes all");
    }
}

/// The next message, whole.
fn message(wire: &mut Wire, most: usize, end: Instant) -> Result<Vec<u8>, Fault> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 1024]);
    loop {
        match MessageLen::with_limits(MOST_DEPTH, most).incremental_len(&bytes) {
            Ok(length) if length == bytes.len() => return Ok(bytes),
            // It goes on talking without being asked.
            Ok(_) | Err(LenError::ParseError) => return Err(Fault::Answer),
            Err(LenError::Truncated(_)) if bytes.len() > most => return Err(Fault::Answer),
            Err(LenError::Truncated(_)) => {}
        }
        match wire.read(&mut buffer, end)? {
            0 => return Err(Fault::Away(Away::Broken)),
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

const MOST_ANSWER_BYTES: usize = 4 << 10;
const MOST_DEPTH: usize = 8;
