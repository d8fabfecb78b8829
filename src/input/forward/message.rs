//! Messages of the Forward protocol, in their four modes.
//!
//! ```text
//! Message                  [tag, time, record, option?]
//! Forward                  [tag, [[time, record], …], option?]
//! PackedForward            [tag, bytes of [time, record] …, option?]
//! CompressedPackedForward  the same in gzip, "compressed": "gzip" among the options
//! ```

use super::{
    event::{self, Moment},
    pack::{Reader, Scanner, Value},
};
use crate::input::{intake::Reason, unpack::MAX_RATIO};
use flate2::bufread::MultiGzDecoder;
use std::io::Read;

/// One message, which is all there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    pub tag: &'a [u8],
    /// Asks for an acknowledgement of that name.
    pub chunk: Option<&'a [u8]>,
    /// All but the options.
    pub content: &'a [u8],
    events: Events<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Events<'a> {
    One(Reader<'a>),
    Listed(Reader<'a>, u32),
    Packed(&'a [u8]),
    Gzip(&'a [u8]),
}

/// A name of a chunk is not longer.
const CHUNK_NAME_BYTES: usize = 256;

/// One event takes no more, packed as MessagePack.
pub(super) const EVENT_BYTES: usize = 1 << 20;

/// Read from what is compressed at once.
const PIECE_BYTES: usize = 16 * 1024;

/// So much may come out of any message, however little it was.
const FREE_BYTES: u64 = 1 << 20;

/// No more comes out of a message.
const MOST_BYTES: u64 = 256 << 20;

impl<'a> Message<'a> {
    /// What `bytes` are, which are one value.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Message<'a>, Reason> {
        let mut reader = Reader::new(bytes);
        let Value::Array(count @ 2..=4) = reader.next()? else { return Err(Reason::Shape) };
        let (Value::Text(tag) | Value::Binary(tag)) = reader.next()? else { return Err(Reason::Shape) };
        let begins = reader;
        let (events, used) = match reader.next()? {
            Value::Array(events) => {
                let inside = reader;
                reader = begins;
                reader.skip()?;
                (Events::Listed(inside, events), 2)
            }
            Value::Text(packed) | Value::Binary(packed) => (Events::Packed(packed), 2),
            _ => {
                reader.skip()?;
                (Events::One(begins), 3)
            }
        };
        let content = &bytes[..bytes.len() - reader.rest().len()];
        let mut message = Message { tag, chunk: None, content, events };
        if count > used {
            message.options(&mut reader)?;
        }
        Ok(message)
    }

    fn options(&mut self, reader: &mut Reader<'a>) -> Result<(), Reason> {
        let pairs = match reader.next()? {
            Value::Nil => return Ok(()),
            Value::Map(pairs) => pairs,
            _ => return Err(Reason::Shape),
        };
        for _ in 0..pairs {
            let name = reader.next()?;
            let mut value = Reader::new(reader.skip()?);
            let (Value::Text(name) | Value::Binary(name)) = name else { return Err(Reason::Shape) };
            match (name, value.next()?) {
                (b"chunk", Value::Text(id) | Value::Binary(id)) if id.len() <= CHUNK_NAME_BYTES => {
                    self.chunk = Some(id)
                }
                (b"chunk", Value::Nil) => {}
                (b"chunk", _) => return Err(Reason::Shape),
                (b"compressed", Value::Text(b"gzip") | Value::Binary(b"gzip")) => match self.events {
                    Events::Packed(packed) => self.events = Events::Gzip(packed),
                    Events::One(_) | Events::Listed(..) | Events::Gzip(_) => return Err(Reason::Shape),
                },
                (b"compressed", Value::Nil | Value::Text(b"" | b"text")) => {}
                (b"compressed", _) => return Err(Reason::Packing),
                // Fluent Bit sends metrics and traces through the same door.
                (b"fluent_signal", Value::Int(0)) => {}
                (b"fluent_signal", _) => return Err(Reason::Signal),
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads all events, so that a message is taken as a whole or not at all.
    pub(super) fn check(&self) -> Result<(), Reason> {
        let mut walk = self.walk();
        while walk.next(|_, reader| {
            let before = reader.rest().len();
            event::check(reader)?;
            if before - reader.rest().len() > EVENT_BYTES { Err(Reason::Size) } else { Ok(()) }
        })? {}
        Ok(())
    }

    pub(super) fn walk(&self) -> Walk<'a> {
        match self.events {
            Events::One(reader) => Walk::One(Some(reader)),
            Events::Listed(reader, left) => Walk::Listed(reader, left),
            Events::Packed(bytes) => Walk::Packed(Reader::new(bytes)),
            Events::Gzip(bytes) => Walk::Gzip(Box::new(Unpacking {
                decoder: MultiGzDecoder::new(bytes),
                pending: Vec::new(),
                start: 0,
                scanner: Scanner::default(),
                out: 0,
                most: (bytes.len() as u64).saturating_mul(MAX_RATIO).clamp(FREE_BYTES, MOST_BYTES),
                is_over: false,
            })),
        }
    }
}

/// Goes through the events of a message.
pub(super) enum Walk<'a> {
    One(Option<Reader<'a>>),
    Listed(Reader<'a>, u32),
    Packed(Reader<'a>),
    Gzip(Box<Unpacking<'a>>),
}

pub(super) struct Unpacking<'a> {
    decoder: MultiGzDecoder<&'a [u8]>,
    pending: Vec<u8>,
    start: usize,
    scanner: Scanner,
    out: u64,
    most: u64,
    is_over: bool,
}

impl Walk<'_> {
    /// Lets `each` read the record of the next event; `false`: there is none.
    pub(super) fn next(
        &mut self,
        each: impl FnOnce(Option<Moment>, &mut Reader<'_>) -> Result<(), Reason>,
    ) -> Result<bool, Reason> {
        match self {
            Walk::One(reader) => {
                let Some(mut reader) = reader.take() else { return Ok(false) };
                let at = event::moment(&mut reader)?;
                each(at, &mut reader)?;
            }
            Walk::Listed(_, 0) => return Ok(false),
            Walk::Listed(reader, left) => {
                *left -= 1;
                let at = event::begin(reader)?;
                each(at, reader)?;
            }
            Walk::Packed(reader) if reader.rest().is_empty() => return Ok(false),
            Walk::Packed(reader) => {
                let at = event::begin(reader)?;
                each(at, reader)?;
            }
            Walk::Gzip(unpacking) => {
                let Some(event) = unpacking.next()? else { return Ok(false) };
                let mut reader = Reader::new(event);
                let at = event::begin(&mut reader)?;
                each(at, &mut reader)?;
            }
        }
        Ok(true)
    }
}

impl Unpacking<'_> {
    fn next(&mut self) -> Result<Option<&[u8]>, Reason> {
        loop {
            if let Some(length) = self.scanner.scan(&self.pending[self.start..], EVENT_BYTES)? {
                let event = self.start..self.start + length;
                self.start = event.end;
                return Ok(Some(&self.pending[event]));
            }
            if self.is_over {
                return if self.start == self.pending.len() { Ok(None) } else { Err(Reason::Damaged) };
            }
            self.pending.drain(..self.start);
            self.start = 0;
            let before = self.pending.len();
            self.pending.resize(before + PIECE_BYTES, 0);
            let n = self.decoder.read(&mut self.pending[before..]).map_err(|_| Reason::Packing)?;
            self.pending.truncate(before + n);
            self.out += n as u64;
            self.is_over = n == 0;
            if self.out > self.most {
                return Err(Reason::Bomb);
            }
        }
    }
}
