//! Files → buffers of whole lines, one after the other, with what each needs to know of the lines before it.

use super::walk::Item;
use crate::{
    engine::Carry,
    frame::LineBuffer,
    input::{
        file::{Identity, Plain},
        packing::Packing,
        unpack::{Fault, Tar, Unpack},
    },
    run::intake::PORTION_BYTES,
    time::Timestamp,
};
use std::{collections::VecDeque, io, mem};

/// The files of one output, in order. One worker at a time holds it.
#[derive(Debug)]
pub(super) struct Feed {
    waiting: VecDeque<Item>,
    reading: Option<Reading>,
    /// What the last worker did not take: an unfinished line.
    rest: LineBuffer,
    /// What stands before the lines that are read next.
    carry: Carry,
    tickets: u64,
    max_ratio: u64,
    read: Vec<Read>,
    /// Bytes of the files that were read, as they are on the disk.
    bytes: u64,
}

/// A file under way.
#[derive(Debug)]
struct Reading {
    item: Item,
    input: Unpack<Plain>,
    opened: Identity,
    position: u64,
}

/// How reading a file ended.
#[derive(Debug)]
pub(super) struct Read {
    pub item: Item,
    pub end: ReadEnd,
}

/// What became of an input.
#[derive(Debug)]
pub(super) enum ReadEnd {
    /// It could not be opened.
    NotOpened(io::Error),
    /// It was read, to its end or to a fault.
    Read {
        /// What it was when it was opened.
        opened: Identity,
        /// How it is packed.
        packing: Packing,
        /// Where something stood behind what is packed.
        junk: Option<u64>,
        /// Why it ended early.
        fault: Option<Fault>,
    },
}

/// What a worker was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// Its place in the order.
    pub ticket: u64,
    /// The buffer holds the end of a file.
    pub last: bool,
    /// The time of records that have none: when the file was last written.
    pub reference: Timestamp,
}

impl Feed {
    /// These files, through buffers such as `rest`.
    pub fn new(items: VecDeque<Item>, rest: LineBuffer, max_ratio: u64) -> Feed {
        Feed {
            waiting: items,
            reading: None,
            rest,
            carry: Carry::default(),
            tickets: 0,
            max_ratio,
            read: Vec::new(),
            bytes: 0,
        }
    }

    /// How the file that is read next, or just now, is packed; opens it if it must. `None` where none can be read.
    pub fn packing(&mut self) -> Option<Packing> {
        self.open().map(|reading| reading.input.packing())
    }

    /// What unpacking the file under way takes beside the usual.
    pub fn window_bytes(&self) -> u64 {
        self.reading.as_ref().map_or(0, |reading| reading.input.window_bytes())
    }

    /// The files that are not read to their end, for another feed to begin with.
    pub fn take_items(&mut self) -> VecDeque<Item> {
        let mut items = mem::take(&mut self.waiting);
        if let Some(reading) = self.reading.take() {
            items.push_front(reading.item);
        }
        items
    }

    /// Fills `buffer`, which is empty, with lines of one file. `None` when there are no more.
    ///
    /// `before` is made what stood before these lines.
    pub fn take(&mut self, buffer: &mut LineBuffer, before: &mut Carry) -> Option<Taken> {
        self.open()?;
        let reading = self.reading.as_mut()?;
        mem::swap(&mut self.rest, buffer);
        let ended = fill(&mut reading.input, buffer);
        let position = reading.input.position();
        self.bytes += position - mem::replace(&mut reading.position, position);
        let reference = Timestamp(reading.opened.modified.0);
        before.clone_from(&self.carry);
        match ended {
            Ok(false) => {
                buffer.pass_on(&mut self.rest);
                self.carry.lines(buffer.lines());
            }
            Ok(true) => self.close(None),
            Err(fault) => self.close(Some(fault)),
        }
        self.tickets += 1;
        Some(Taken { ticket: self.tickets - 1, last: self.reading.is_none(), reference })
    }

    /// Whether everything was read.
    pub fn is_exhausted(&self) -> bool {
        self.reading.is_none() && self.waiting.is_empty()
    }

    /// Bytes of files that were read since the last call.
    pub fn take_bytes(&mut self) -> u64 {
        mem::take(&mut self.bytes)
    }

    /// The files that were read to their end since the last call.
    pub fn take_read(&mut self) -> Vec<Read> {
        mem::take(&mut self.read)
    }

    /// The buffer, for the next feed, where it is empty.
    pub fn take_buffer(&mut self) -> Option<LineBuffer> {
        let rest = mem::replace(&mut self.rest, LineBuffer::new(1, 1));
        rest.is_empty().then_some(rest)
    }

    /// What the file under way is now, while it is open.
    pub fn item(&self) -> Option<&Item> {
        self.reading.as_ref().map(|reading| &reading.item)
    }

    fn open(&mut self) -> Option<&mut Reading> {
        while self.reading.is_none() {
            let item = self.waiting.pop_front()?;
            self.carry = Carry::default();
            let opened = match Plain::open(&item.path) {
                Ok(plain) => {
                    let opened = plain.opened();
                    Unpack::new(plain, self.max_ratio, Tar::Refused)
                        .map(|input| (input, opened))
                        .map_err(|fault| (opened, fault))
                }
                Err(error) => {
                    self.read.push(Read { item, end: ReadEnd::NotOpened(error) });
                    continue;
                }
            };
            match opened {
                Ok((input, opened)) => self.reading = Some(Reading { item, input, opened, position: 0 }),
                Err((opened, fault)) => {
                    let packing = match fault {
                        Fault::Unsupported(packing) => packing,
                        _ => Packing::Plain,
                    };
                    let end = ReadEnd::Read { opened, packing, junk: None, fault: Some(fault) };
                    self.read.push(Read { item, end });
                }
            }
        }
        self.reading.as_mut()
    }

    fn close(&mut self, fault: Option<Fault>) {
        if let Some(Reading { item, input, opened, .. }) = self.reading.take() {
            let end = ReadEnd::Read { opened, packing: input.packing(), junk: input.junk(), fault };
            self.read.push(Read { item, end });
        }
    }
}

/// Fills the buffer with some whole lines; with none where there are none for long, as in a hole or a line without end, so that
/// a request to stop is heard. Says whether the input is at its end; an unfinished line is then in it too.
fn fill(input: &mut Unpack<Plain>, buffer: &mut LineBuffer) -> Result<bool, Fault> {
    let mut read = 0;
    loop {
        let some = !buffer.lines().is_empty();
        let space = buffer.space();
        if some && space.len() < PORTION_BYTES / 4 || read > PATIENCE_BYTES {
            return Ok(false);
        }
        match input.read(space)? {
            0 => return Ok(true),
            n => {
                buffer.filled(n);
                read += n;
            }
        }
    }
}

/// So much is read without a pause.
const PATIENCE_BYTES: usize = 16 << 20;
