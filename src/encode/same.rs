//! The input's own layout.

use super::Nested;
use crate::{record::Syntax, retention::Tag, treatment::Treated};

/// Writes the record as it was laid out, and the tag as one trailing quoted field (in JSON as a member, among columns as
/// one of them).
#[inline]
pub(super) fn write(record: &Treated<'_>, nested: Option<Nested<'_>>, tag: Option<Tag<'_>>, out: &mut Vec<u8>) {
    if record.record().marks.is_empty() {
        record.layout(|piece| out.extend_from_slice(piece));
        if let Some(tag) = tag {
            out.extend_from_slice(tag.field);
        }
    } else {
        match record.schema().syntax {
            Syntax::Json => super::json::write_marks(record, nested, tag, out),
            Syntax::Pairs => super::pairs::write_pairs(record, tag, out),
            Syntax::Cef => super::pairs::write_cef(record, tag, out),
            Syntax::Columns => super::pairs::write_columns(record, tag, out),
        }
    }
}
