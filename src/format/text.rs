//! A line of which nothing is known: one field of free text.

use super::{Ending, Malformed, Parse};
use crate::record::{Blank, Field, Item, Kind, Record, Schema, State, cut::groups_start};
use memchr::memrchr2;
use std::sync::Arc;

/// The whole line as one value, `message`. Every line fits.
#[derive(Clone, Debug)]
pub struct Text {
    schema: Schema,
}

impl Text {
    /// Named `text`.
    pub fn new() -> Text {
        Text::named("text")
    }

    /// The same under the name of what it stood in.
    pub fn named(name: &str) -> Text {
        let item = Item { literal: Arc::default(), field: 0, blank: Blank::Empty };
        let fields = vec![Field::new("message", Kind::Text)];
        Text { schema: Schema { name: name.into(), fields, items: vec![item], ..Schema::default() } }
    }
}

impl Default for Text {
    fn default() -> Text {
        Text::new()
    }
}

impl Parse for Text {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    #[inline]
    fn parse(&self, line: &[u8], ending: Ending, record: &mut Record) -> Result<(), Malformed> {
        record.clear();
        match ending {
            Ending::Whole => record.push(0, 0, line.len()),
            // What follows the last blank may be half an identifier. Nothing of it is in a value.
            Ending::Cut => match memrchr2(b' ', b'\t', line) {
                Some(blank) => {
                    record.push(0, 0, line[..groups_start(line, blank + 1).min(blank)].trim_ascii_end().len())
                }
                None => {
                    record.push(0, 0, line.len());
                    record.values[0].state = State::Cut;
                }
            },
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_line_is_one_message() {
        let mut record = Record::default();
        Text::new().parse(b"anything at all", Ending::Whole, &mut record).unwrap();
        assert_eq!((record.values.len(), record.values[0].span.len()), (1, 15));
        assert_eq!(record.values[0].state, State::Present);
    }

    #[test]
    fn a_cut_line_ends_at_its_last_blank() {
        let mut record = Record::default();
        Text::new().parse(b"from 192.0.2.1 to 198.51", Ending::Cut, &mut record).unwrap();
        assert_eq!((record.values[0].state, record.values[0].span.len()), (State::Present, 17));
        for (line, left) in [
            (&b"card 4111 1111 1111 11"[..], 4),
            (b"card 4111 1111 1111 ", 4),
            (b"to NO93 8601 11", 2),
            (b"to GB29 NWBK 60", 2),
            (b"call +47 22 33 4", 4),
            (b"call +47 22 33 44 from hom", 22),
            (b"took 12 ms, done", 11),
        ] {
            Text::new().parse(line, Ending::Cut, &mut record).unwrap();
            assert_eq!(record.values[0].span.len(), left, "{}", String::from_utf8_lossy(line));
        }
        Text::new().parse(b"198.51", Ending::Cut, &mut record).unwrap();
        assert_eq!(record.values[0].state, State::Cut);
    }
}
