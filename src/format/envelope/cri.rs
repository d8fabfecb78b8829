//! Lines of a Kubernetes container runtime (CRI): `TIME stdout|stderr F|P LINE`.
//!
//! | place | field |
//! |---|---|
//! | time, RFC 3339 with nanoseconds | `timestamp` |
//! | `stdout` or `stderr` | `log.iostream` |
//! | `F`: whole, `P`: the first part of a longer line; with tags behind a colon | `log.cri.tag` |

use super::dated;
use crate::record::{Blank, Clock, Field, Item, Kind, Record, Schema};
use std::ops::Range;

#[derive(Clone, Debug)]
pub struct Cri {
    schema: Schema,
}

impl Cri {
    pub(super) fn new() -> Cri {
        let time = Field { clock: Some(Clock::Rfc3339), ..Field::new("timestamp", Kind::Instant) };
        let fields = vec![time, Field::new("log.iostream", Kind::Word), Field::new("log.cri.tag", Kind::Word)];
        let item = |field, literal: &[u8]| Item { literal: literal.into(), field, blank: Blank::Dash };
        let items = vec![item(0, b""), item(1, b" "), item(2, b" ")];
        Cri { schema: Schema { name: "cri".into(), fields, items, tail: (*b" ").into(), ..Schema::default() } }
    }

    pub(super) fn schema(&self) -> &Schema {
        &self.schema
    }

    #[inline]
    pub(super) fn open(&self, line: &[u8], record: &mut Record) -> Option<usize> {
        let (stream, tag, start) = head(line)?;
        record.clear();
        record.push(0, 0, stream.start - 1);
        record.push(1, stream.start, stream.end);
        record.push(2, tag.start, tag.end);
        Some(start)
    }
}

/// Where stream and tag stand, and where the text starts.
#[inline]
pub(super) fn head(line: &[u8]) -> Option<(Range<usize>, Range<usize>, usize)> {
    let time = dated(line, 0)?;
    let stream = match line.get(time..)? {
        [b' ', b's', b't', b'd', b'o', b'u', b't', b' ', ..] | [b' ', b's', b't', b'd', b'e', b'r', b'r', b' ', ..] => {
            time + 7
        }
        _ => return None,
    };
    let tag = stream + 1;
    // Tags other than the first are not in use yet; they are single letters by the runtime's own definition.
    let length = line[tag..].iter().take(17).take_while(|byte| byte.is_ascii_uppercase() || **byte == b':').count();
    let whole = matches!(line[tag..tag + length], [b'F' | b'P'] | [b'F' | b'P', b':', ..]) && length <= 16;
    if !whole || line.get(tag + length) != Some(&b' ') {
        return None;
    }
    Some((time + 1..stream, tag..tag + length, tag + length + 1))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn inner(line: &str) -> Option<&str> {
        let mut record = Record::default();
        Cri::new().open(line.as_bytes(), &mut record).map(|at| &line[at..])
    }

    #[test]
    fn what_follows_the_tag_is_the_line() {
        assert_eq!(inner("2026-11-21T10:00:00.123456789Z stdout F a line"), Some("a line"));
        assert_eq!(inner("2026-11-21T10:00:00.123456789+01:00 stderr P half"), Some("half"));
        assert_eq!(inner("2026-11-21T10:00:00Z stdout F "), Some(""));
        assert_eq!(inner("2026-11-21T10:00:00Z stdout F:A x"), Some("x"));
    }

    #[test]
    fn what_is_no_head_is_left_alone() {
        for line in [
            "",
            "2026-11-21T10:00:00Z stdout",
            "2026-11-21T10:00:00Z stdlog F x",
            "2026-11-21T10:00:00Z stdout X x",
            "2026-11-21T10:00:00Z stdout FULL x",
            "2026-11-21 10:00:00 stdout F x",
            "x 2026-11-21T10:00:00Z stdout F x",
        ] {
            assert_eq!(inner(line), None, "{line}");
        }
    }
}
