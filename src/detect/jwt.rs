//! JSON Web Tokens: base64url parts joined by dots, of which the first decodes to something that starts with `{"`.

use super::bytes::{TOKEN, is};

/// Where the token that starts at `start` ends, if one does; `part_end` is the end of its first part.
pub(super) fn end(text: &[u8], start: usize, part_end: usize) -> Option<usize> {
    if !text[start..part_end].starts_with(b"eyJ") || text.get(part_end) != Some(&b'.') {
        return None;
    }
    let mut end = part_end;
    // Signed tokens have three parts, encrypted ones five; whatever is joined on belongs to it. A stop after the last
    // part may be a sentence's, and does no harm.
    while end < text.len() && (is(text[end], TOKEN) || text[end] == b'.') {
        end += 1;
    }
    (end > part_end + 2).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_belong_to_it() {
        let text = b"eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.c2ln rest";
        assert_eq!(end(text, 0, 19), Some(40));
        assert_eq!(end(b"eyJhbGciOiJub25lIn0. ", 0, 19), None);
        assert_eq!(end(b"abJhbGciOiJub25lIn0.eyJz", 0, 19), None);
    }
}
