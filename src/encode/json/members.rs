//! The names of a schema's fields as members begin with them, made once.

use super::{Seen, push_text};
use crate::record::Schema;

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
    /// Whether the field is none of those that have members.
    pub(super) hidden: bool,
}

const WIDTH: usize = 48;

impl Members {
    /// Those of this schema.
    pub(crate) fn of(schema: &Schema) -> Members {
        if schema.fields.len() > Seen::MOST {
            return Members::default();
        }
        let member = |(i, field): (usize, &crate::record::Field)| {
            let mut text = b",\"".to_vec();
            push_text(field.name.as_bytes(), &mut text);
            text.extend_from_slice(b"\":\"");
            let length = if text.len() <= WIDTH { text.len() as u8 } else { 0 };
            text.resize(WIDTH, 0);
            let same = schema.fields.iter().position(|other| other.name == field.name).unwrap_or(i) as u16;
            let text = *text.first_chunk().expect("as long as that");
            Member { text, length, same, hidden: field.name.starts_with('*') }
        };
        Members(schema.fields.iter().enumerate().map(member).collect())
    }

    /// That of this field, if there is one.
    #[inline]
    pub(super) fn get(&self, field: u16) -> Option<&Member> {
        self.0.get(field as usize)
    }
}

impl Member {
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
