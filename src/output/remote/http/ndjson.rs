//! A JSON object a line, for receivers that take just that.

use super::super::item::{Item, object};

/// The body of a request. The records' ids are in [`idempotency_key`], for a line has no place for one.
pub(super) fn body(items: &[Item<'_>], into: &mut Vec<u8>) {
    for item in items {
        object(item.line, into);
        into.push(b'\n');
    }
}

/// The ids of the first and the last record: the same for the same records. A string as RFC 8941 writes it, in the header
/// that draft-ietf-httpapi-idempotency-key-header describes.
pub(super) fn idempotency_key(items: &[Item<'_>]) -> Option<String> {
    let (first, last) = (items.first()?.id, items.last()?.id);
    Some(format!("\"{first}/{last}\""))
}
