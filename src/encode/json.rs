//! JSON: one flat object under canonical names, and the layout of a JSON line written again.

use crate::{retention::Tag, treatment::Treated};

/// One flat object a record, members under their fields' canonical names.
pub(super) fn write(record: &Treated<'_>, tag: Option<Tag<'_>>, out: &mut Vec<u8>) {
    let _ = (record, tag, out);
}

/// The record's own JSON layout, member by member; what was withheld goes with its key.
pub(super) fn write_marks(record: &Treated<'_>, tag: Option<Tag<'_>>, out: &mut Vec<u8>) {
    let _ = (record, tag, out);
}
