//! The input's own layout.

use super::Nested;
use crate::{record::Syntax, retention::Tag, treatment::Treated};

/// Writes the record as it was laid out, and the tag as one trailing quoted field (in JSON as a member, among columns as
/// one of them).
#[inline]
pub(super) fn write(record: &Treated<'_>, nested: Option<Nested<'_>>, tag: Option<Tag<'_>>, out: &mut Vec<u8>) {
    if let Some(object) = record.object() {
        super::json::write_object(object, record.record().blanks, tag, out);
    } else if record.record().marks.is_empty() {
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

/// Joins lines of `NAME=text` to a value of several lines, which stands behind its length: `NAME`, a line feed, eight bytes
/// with the lowest first, the value, a line feed. One line is left as it is.
pub(super) fn write_value(lines: &[u8], out: &mut Vec<u8>) {
    let lines = lines.strip_suffix(b"\n").unwrap_or(lines);
    if memchr::memchr(b'\n', lines).is_none() {
        out.extend_from_slice(lines);
        return out.push(b'\n');
    }
    let name = memchr::memchr(b'=', lines).unwrap_or(0);
    out.extend_from_slice(&lines[..name]);
    out.push(b'\n');
    let length_at = out.len();
    out.extend_from_slice(&[0; 8]);
    for line in lines.split(|&byte| byte == b'\n') {
        out.extend_from_slice(line.get(name + 1..).unwrap_or_default());
        out.push(b'\n');
    }
    let length = (out.len() - length_at - 9) as u64;
    out[length_at..length_at + 8].copy_from_slice(&length.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_several_lines_stands_behind_its_length() {
        for (lines, expected) in [
            (&b"A=b\n"[..], &b"A=b\n"[..]),
            (b"A=\n", b"A=\n"),
            (b"A=b\nA=cd=\n", b"A\n\x05\0\0\0\0\0\0\0b\ncd=\n"),
            (b"_=\n_=\n", b"_\n\x01\0\0\0\0\0\0\0\n\n"),
        ] {
            let mut out = Vec::new();
            write_value(lines, &mut out);
            assert_eq!(out, expected);
        }
    }
}
