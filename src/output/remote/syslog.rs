//! Records as syslog, RFC 5424, over TLS (RFC 5425), TCP, a unix stream (RFC 6587) or a unix datagram socket.
//!
//! A syslog server confirms nothing. So what was written last is kept, and when the connection broke, or the server ended it,
//! all of that is written again on the next: what was on its way, or in a buffer of the server's, comes a second time. It is
//! kept while it is among the last `tail_bytes`, until the connection was still open when it was older than what TCP waits
//! for a confirmation of its own (`acknowledge`): then the server's system had it.
//!
//! What remains: what the server's system had and the server did not read before it died; what is kept when we are killed
//! and the connection breaks at the same time; and, with framing by lines, the beginning of a line that a broken connection
//! cut, which the server may take for a line. Where that matters: forward or HTTP, which confirm.
//!
//! `sladd` owns no enterprise number, and a made-up one could be somebody's: so a message has structured data with its id
//! only where the settings name a number. Without it, what comes twice cannot be told from what happened twice.

use super::{
    Sent,
    fault::{Away, Fault},
    item::{rfc3339, show},
    route::Route,
    settings::{self, Address, Framing, Waits},
    wire::Wire,
};
use crate::{
    encode::{Parcel, RecordId},
    error::{Error, Kind},
    time::Timestamp,
};
use std::{
    collections::VecDeque,
    sync::{Arc, atomic::AtomicBool},
    time::Instant,
};

/// A syslog server, and the connection to it.
pub(super) struct Syslog {
    route: Route,
    waits: Waits,
    stop: Arc<AtomicBool>,
    framing: Option<Framing>,
    /// `<134>1 `
    front: Vec<u8>,
    /// ` host app - - `, and what stands before and behind an id, if there is structured data.
    middle: Vec<u8>,
    data: Option<Vec<u8>>,
    wire: Option<Wire>,
    tail: VecDeque<Block>,
    tail_bytes: usize,
    most_tail_bytes: usize,
}

/// What was written of one parcel: whole messages.
struct Block {
    written: Instant,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Syslog {
    /// # Errors
    /// [`Kind::Config`] for what cannot be sent to or cannot stand in a message, and as files are read.
    pub fn new(settings: &settings::Syslog, waits: Waits, stop: &Arc<AtomicBool>) -> Result<Syslog, Error> {
        let wrong = |what: &str| Err(Error::new(Kind::Config, format!("cannot send by syslog: {what}")));
        let fits = |text: &str, most: usize| {
            !text.is_empty() && text.len() <= most && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if settings.facility > 23 || settings.severity > 7 {
            return wrong("a facility is 0 to 23 and a severity 0 to 7");
        }
        if !fits(&settings.host, 255) {
            return wrong("a host's name is written with 1 to 255 printable characters");
        }
        if !fits(&settings.app, 48) {
            return wrong("an application's name is written with 1 to 48 printable characters");
        }
        if settings.tail_bytes > MOST_TAIL_BYTES {
            return wrong("its tail is 64 MiB at most");
        }
        let mut front = Vec::new();
        show(format_args!("<{}>1 ", settings.facility * 8 + settings.severity), &mut front);
        Ok(Syslog {
            route: Route::new(&settings.address, &settings.trust, settings.plain)?,
            waits,
            stop: Arc::clone(stop),
            framing: match settings.address {
                Address::Datagram(_) => None,
                Address::Tcp(..) | Address::Tls(..) | Address::Unix(_) => Some(settings.framing),
            },
            front,
            middle: format!(" {} {} - - ", settings.host, settings.app).into_bytes(),
            data: settings.enterprise.map(|number| format!("[sladd@{number} id=\"").into_bytes()),
            wire: None,
            tail: VecDeque::new(),
            tail_bytes: 0,
            most_tail_bytes: settings.tail_bytes,
        })
    }

    /// Sends them. Without parcels it looks whether the connection still stands, and writes again what a broken one may have
    /// lost.
    pub fn send(&mut self, parcels: &[Parcel<'_>]) -> Sent {
        let mut sent = Sent { acknowledged: 0, rejected: 0, fault: None };
        if parcels.is_empty() && self.tail.is_empty() {
            return sent;
        }
        let done = self.connect().and_then(|()| {
            for parcel in parcels {
                let mut block = self.compose(parcel);
                let wire = self.wire.as_mut().expect("just connected");
                let refused = write(wire, self.framing, &mut block)?;
                block.written = Instant::now();
                sent.rejected += refused;
                sent.acknowledged += 1;
                self.keep(block);
            }
            Ok(())
        });
        if let Err(fault) = done {
            self.wire = None;
            sent.fault = Some(fault);
        }
        sent
    }

    /// An open connection on which all that an earlier one may have lost was written again.
    fn connect(&mut self) -> Result<(), Fault> {
        if self.wire.as_mut().is_some_and(|wire| !wire.is_open()) {
            self.wire = None;
        }
        if self.wire.is_some() {
            self.forget();
            return Ok(());
        }
        let mut wire = Wire::open(&mut self.route, self.waits, &self.stop)?;
        for block in &mut self.tail {
            write(&mut wire, self.framing, block)?;
            block.written = Instant::now();
        }
        self.wire = Some(wire);
        Ok(())
    }

    fn compose(&self, parcel: &Parcel<'_>) -> Block {
        let (mut bytes, mut ends, mut message) = (Vec::with_capacity(parcel.lines().len() * 2), Vec::new(), Vec::new());
        for (id, line) in parcel.records() {
            message.clear();
            self.message(parcel.at(), &id, line, &mut message);
            match self.framing {
                Some(Framing::Counted) => {
                    show(format_args!("{} ", message.len()), &mut bytes);
                    bytes.extend_from_slice(&message);
                }
                Some(Framing::Lines) => {
                    bytes.extend_from_slice(&message);
                    bytes.push(b'\n');
                }
                None => bytes.extend_from_slice(&message),
            }
            ends.push(bytes.len());
        }
        Block { written: Instant::now(), bytes, ends }
    }

    fn message(&self, at: Timestamp, id: &RecordId, line: &[u8], into: &mut Vec<u8>) {
        into.extend_from_slice(&self.front);
        rfc3339(at, into);
        into.extend_from_slice(&self.middle);
        match &self.data {
            Some(data) => {
                into.extend_from_slice(data);
                show(id, into);
                into.extend_from_slice(b"\"] ");
            }
            None => into.extend_from_slice(b"- "),
        }
        into.extend_from_slice(line);
    }

    fn keep(&mut self, block: Block) {
        self.tail_bytes += block.bytes.len();
        self.tail.push_back(block);
        while let Some(excess) = self.tail_bytes.checked_sub(self.most_tail_bytes).filter(|&excess| excess > 0) {
            let Some(first) = self.tail.front_mut() else { return };
            if first.bytes.len() > excess {
                self.tail_bytes -= first.shorten(excess);
            } else {
                self.drop_first();
            }
        }
    }

    /// Lets go of what the other side's system must have by now, for the connection is open.
    fn forget(&mut self) {
        let sure = self.waits.acknowledge * 2;
        while self.tail.front().is_some_and(|block| block.written.elapsed() > sure) {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        if let Some(block) = self.tail.pop_front() {
            self.tail_bytes -= block.bytes.len();
        }
    }
}

impl Block {
    /// Takes away messages from the front, so many bytes or a little more. How many bytes it was.
    fn shorten(&mut self, bytes: usize) -> usize {
        let last = self.ends.partition_point(|&end| end < bytes);
        let cut = self.ends[last];
        self.bytes.drain(..cut);
        self.ends.drain(..=last);
        self.ends.iter_mut().for_each(|end| *end -= cut);
        cut
    }
}

/// How many messages were too long for a datagram. The block is then without them.
fn write(wire: &mut Wire, framing: Option<Framing>, block: &mut Block) -> Result<u64, Fault> {
    if framing.is_some() {
        wire.write(&block.bytes)?;
        return Ok(0);
    }
    let (mut start, mut kept, mut refused) =
        (0, Block { written: block.written, bytes: Vec::new(), ends: Vec::new() }, 0);
    for &end in &block.ends {
        let message = &block.bytes[start..end];
        start = end;
        if wire.datagram(message)? {
            kept.bytes.extend_from_slice(message);
            kept.ends.push(kept.bytes.len());
        } else {
            refused += 1;
        }
    }
    *block = kept;
    // A socket that nobody reads takes datagrams as long as it has room; one that nobody holds says so.
    if wire.is_open() { Ok(refused) } else { Err(Fault::Away(Away::Broken)) }
}

const MOST_TAIL_BYTES: usize = 64 << 20;
