//! The input's own layout.

use super::Nested;
use crate::{retention::Tag, treatment::Treated};

/// Writes the record as it was laid out, and the tag as one trailing quoted field (as a member in JSON).
#[inline]
pub(super) fn write(record: &Treated<'_>, nested: Option<Nested<'_>>, tag: Option<Tag<'_>>, out: &mut Vec<u8>) {
    if record.record().marks.is_empty() {
        record.layout(|piece| out.extend_from_slice(piece));
        if let Some(tag) = tag {
            out.extend_from_slice(tag.field);
        }
    } else {
        super::json::write_marks(record, nested, tag, out);
    }
}
