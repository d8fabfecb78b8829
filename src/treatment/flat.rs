//! A record as one flat object, made in one go where one look has shown that no value of it needs an escape.

use super::{Aid, Outcome, Step, copy, missing};
use crate::record::{Record, State};

/// What stands before each value of such an object: one a value, in order. None where records are laid otherwise.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heads(Box<[Head]>);

/// What stands before one value.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// The place of the value.
    place: u16,
    how: How,
    /// The text, by what was written before it ([`OPENING`], [`QUOTED`], [`BARE`]), and zeroes behind it: a fixed length
    /// is copied without a call.
    texts: [[u8; WIDTH]; 3],
    /// How much of each is text.
    lengths: [u8; 3],
}

/// How a value comes to stand behind its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// As it came, between quotes.
    Text,
    /// As it came: digits, which stand bare but for those that begin with a zero.
    Digits,
    /// As its step makes it, between quotes.
    Treated,
}

/// Nothing was written yet.
const OPENING: usize = 0;
/// A value that has a quote before it.
const QUOTED: usize = 1;
/// A value that has none.
const BARE: usize = 2;

/// A longer head is none.
const WIDTH: usize = 64;

impl Heads {
    pub(crate) fn new(heads: Vec<Head>) -> Heads {
        Heads(heads.into())
    }
}

impl Head {
    /// The head of the value at a place: `text` is what stands between what came before, its comma included, and the value.
    /// It ends with the value's quote. `None` where it is too long.
    pub(crate) fn new(place: u16, how: How, text: &[u8]) -> Option<Head> {
        let mut head = Head { place, how, texts: [[0; WIDTH]; 3], lengths: [0; 3] };
        let before: [&[u8]; 3] = [b"{", b"\",", b","];
        for ((place, length), before) in head.texts.iter_mut().zip(&mut head.lengths).zip(before) {
            let text = [before, text].concat();
            place.get_mut(..text.len())?.copy_from_slice(&text);
            *length = text.len() as u8;
        }
        Some(head)
    }
}

/// Writes the object into `made`, up to its last value's quote. `false`: it has to be made otherwise, and what was written
/// means nothing.
///
/// The line was seen plain: each value that stands as it came is printable ASCII without quote and backslash.
#[inline]
pub(super) fn lay(
    heads: &Heads,
    steps: &[Step],
    line: &[u8],
    record: &Record,
    aid: &mut Aid,
    made: &mut Vec<u8>,
) -> bool {
    made.clear();
    let mut before = OPENING;
    for Head { place, how, texts, lengths } in &heads.0 {
        let value = &record.values[usize::from(*place)];
        if value.state == State::Absent {
            continue;
        }
        let bytes = value.span.of(line);
        let (from, to) = (value.span.start as usize, value.span.end as usize);
        let bare = *how == How::Digits && (bytes.len() == 1 || bytes.first() != Some(&b'0'));
        let start = made.len();
        made.extend_from_slice(&texts[before]);
        made.truncate(start + usize::from(lengths[before]) - usize::from(bare));
        match how {
            How::Text | How::Digits => copy(line, from, to, made),
            How::Treated => {
                let opened = made.len();
                let step = &steps[usize::from(*place)];
                let outcome = match step {
                    _ if missing(bytes, false) => Outcome::Kept,
                    Step::Path(step) if step.passes(bytes, aid) => Outcome::Kept,
                    Step::Path(step) => step.treat_anew(bytes, aid, made),
                    step => step.treat(bytes, aid, made),
                };
                match outcome {
                    Outcome::Kept => copy(line, from, to, made),
                    Outcome::Part(first, last) => {
                        debug_assert!(first <= last && last as usize <= bytes.len());
                        copy(line, from + first as usize, from + last as usize, made);
                    }
                    // What is made needs an escape in no format; who relies on it looks.
                    Outcome::Made if needs_escape(&made[opened..]) => return false,
                    Outcome::Made => {}
                    Outcome::Dropped => {
                        made.truncate(start);
                        continue;
                    }
                }
            }
        }
        before = if bare { BARE } else { QUOTED };
    }
    if before == QUOTED {
        made.push(b'"');
    }
    !heads.0.is_empty()
}

/// Whether a byte cannot stand in a string as it is, or is not ASCII.
#[inline]
fn needs_escape(made: &[u8]) -> bool {
    // Signed, the bytes beyond ASCII are below all others.
    let special = |any, &byte: &u8| any | ((byte as i8) < 0x20) | (byte == b'"') | (byte == b'\\');
    // Without early exit within a block, so that it is compared all at once; the last block may overlap the one before.
    match made.last_chunk::<16>() {
        Some(last) => {
            let (blocks, _) = made.as_chunks::<16>();
            blocks.iter().any(|block| block.iter().fold(false, special)) || last.iter().fold(false, special)
        }
        None => made.iter().fold(false, special),
    }
}
