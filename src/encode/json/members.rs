//! The names of a schema's fields as members begin with them, made once.

use super::{Seen, needs_look, push_text};
use crate::record::{Field, Kind, Schema};

/// How members of a schema's fields begin, one a field. None for a schema of more fields than are counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members(Box<[Member]>);

/// How a member begins.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// `,"name":"`, and zeroes behind it: a fixed length is copied without a call.
    text: [u8; WIDTH],
    /// How much of it is text; 0 where a name is too long for it.
    length: u8,
    /// The first field of the same name.
    pub(super) same: u16,
    /// Whether a record may have several values of the name.
    pub(super) shared: bool,
    /// Whether the field is none of those that have members.
    pub(super) hidden: bool,
    /// Whether its values are bare where they are numbers.
    pub(super) number: bool,
    /// Whether its values may be parts of a text.
    pub(super) text_part: bool,
}

const WIDTH: usize = 48;

/// So much room is made for members to come.
const ROOM: usize = 1024;

/// Copies what needs no look; `false`: it is something else, and what was written means nothing.
#[inline]
fn copy_plain(text: &[u8], to: &mut [u8]) -> bool {
    let length = text.len();
    if let (Some(first), Some(last)) = (text.first_chunk::<16>(), text.last_chunk::<16>()) {
        let mut plain = true;
        if length > 32 {
            let (blocks, _) = text.as_chunks::<32>();
            let (places, _) = to.as_chunks_mut::<32>();
            for (block, place) in blocks.iter().zip(places) {
                plain &= is_plain_block(block);
                *place = *block;
            }
            let before = length - 32;
            if let (Some(block), Some(place)) = (text[before..].first_chunk(), to[before..].first_chunk_mut::<16>()) {
                plain &= is_plain_block::<16>(block);
                *place = *block;
            }
        } else if let Some(place) = to.first_chunk_mut::<16>() {
            plain &= is_plain_block(first);
            *place = *first;
        }
        if let Some(place) = to.last_chunk_mut::<16>() {
            plain &= is_plain_block(last);
            *place = *last;
        }
        return plain;
    }
    if let (Some(first), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        if let Some(place) = to.first_chunk_mut::<8>() {
            *place = *first;
        }
        if let Some(place) = to.last_chunk_mut::<8>() {
            *place = *last;
        }
        return (wants_look(u64::from_le_bytes(*first)) | wants_look(u64::from_le_bytes(*last))) == 0;
    }
    if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        if let Some(place) = to.first_chunk_mut::<4>() {
            *place = *first;
        }
        if let Some(place) = to.last_chunk_mut::<4>() {
            *place = *last;
        }
        return wants_look(u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))) == 0;
    }
    match (text, to) {
        (&[a], [x, ..]) => *x = a,
        (&[a, b], [x, y, ..]) => (*x, *y) = (a, b),
        (&[a, b, c], [x, y, z, ..]) => (*x, *y, *z) = (a, b, c),
        _ => {}
    }
    !text.iter().any(|&byte| needs_look(byte))
}

/// Without early exit within a block, so that it is compared all at once.
#[inline]
fn is_plain_block<const N: usize>(block: &[u8; N]) -> bool {
    !block.iter().fold(false, |any, &byte| any | needs_look(byte))
}

/// Bits are set if one of eight bytes needs a look.
#[inline]
fn wants_look(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let quote = (word ^ (ONES * b'"' as u64)).wrapping_sub(ONES);
    let backslash = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    // A high bit of the word itself hits too, so that it need not be masked out of the others.
    (word | word.wrapping_sub(ONES * 0x20) | quote | backslash) & HIGHS
}

impl Members {
    /// Those of this schema.
    pub(crate) fn of(schema: &Schema) -> Members {
        if schema.fields.len() > Seen::MOST {
            return Members::default();
        }
        // Where each position has a field of its own, that has one value.
        let fixed = schema.more.is_empty() && schema.items.len() == schema.fields.len();
        let member = |(i, field): (usize, &Field)| {
            let mut text = b",\"".to_vec();
            push_text(field.name.as_bytes(), &mut text);
            text.extend_from_slice(b"\":\"");
            let length = if text.len() <= WIDTH { text.len() as u8 } else { 0 };
            text.resize(WIDTH, 0);
            let same = schema.fields.iter().position(|other| other.name == field.name).unwrap_or(i) as u16;
            Member {
                text: *text.first_chunk().expect("as long as that"),
                length,
                same,
                shared: !fixed || schema.fields.iter().filter(|other| other.name == field.name).count() > 1,
                hidden: field.name.starts_with('*'),
                number: matches!(field.kind, Kind::Number | Kind::Status),
                text_part: field.kind == Kind::Text,
            }
        };
        Members(schema.fields.iter().enumerate().map(member).collect())
    }

    /// How the member of this field begins, `"name":"`, where it is the only one of its name.
    pub(crate) fn alone(&self, field: u16) -> Option<&[u8]> {
        let member = self.get(field).filter(|member| !member.shared && !member.hidden)?;
        member.text.get(1..usize::from(member.length))
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// That of this field, if there is one.
    #[inline]
    pub(super) fn get(&self, field: u16) -> Option<&Member> {
        self.0.get(field as usize)
    }
}

impl Member {
    /// Writes a member whole: a value that is bare, or one between quotes that needs no look. `false`: nothing was written.
    ///
    /// `at` is where what was written ends; what stands behind it means nothing.
    #[inline]
    pub(super) fn put(&self, value: &[u8], bare: bool, at: &mut usize, out: &mut Vec<u8>) -> bool {
        let length = self.length as usize - usize::from(bare);
        let most = WIDTH + value.len() + 1;
        if self.length == 0 {
            return false;
        }
        if out.len() - *at < most {
            out.resize(*at + most + ROOM, 0);
        }
        let room = &mut out[*at..*at + most];
        if let Some(place) = room.first_chunk_mut::<WIDTH>() {
            *place = self.text;
        }
        let Some((text, behind)) = room[length..].split_at_mut_checked(value.len()) else { return false };
        if bare {
            text.copy_from_slice(value);
        } else {
            if !copy_plain(value, text) {
                return false;
            }
            behind[0] = b'"';
        }
        *at += length + value.len() + usize::from(!bare);
        true
    }

    /// Opens the member, with the quote of its value unless that is bare; `false`: its name is too long.
    #[inline]
    pub(super) fn open(&self, first: bool, bare: bool, out: &mut Vec<u8>) -> bool {
        if self.length == 0 {
            return false;
        }
        // The brace before the first stands where its comma would.
        let at = out.len() - usize::from(first);
        out.truncate(at);
        out.extend_from_slice(&self.text);
        out.truncate(at + self.length as usize - usize::from(bare));
        if first {
            out[at] = b'{';
        }
        true
    }
}
