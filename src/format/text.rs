//! A line of which nothing is known: one field of free text.

use super::{Ending, Malformed, Parse};
use crate::record::{Blank, Field, Item, Kind, Record, Schema, State};
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

/// Where the groups of digits start that end at `cut`, behind which the text `line[cut..]` may go on with half a group: of
/// `card 4111 1111 1111 11` nothing of the number may stay. `cut` if none end there.
fn groups_start(line: &[u8], cut: usize) -> usize {
    let rest = &line[cut..];
    let group = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.');
    let iban = |word: &[u8]| word.len() <= 4 && word.iter().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    if rest.len() > LONGEST_GROUP || !rest.iter().all(group) && !iban(rest) {
        return cut;
    }
    let mut end = cut;
    for _ in 0..MOST_GROUPS {
        let front = line[..end].trim_ascii_end();
        let blank =
            |byte: &u8| matches!(byte, b' ' | b'\t' | b'=' | b':' | b'"' | b'(' | b')' | b',' | b';' | b'&' | b'?');
        let brackets = front.iter().rev().take_while(|byte| matches!(byte, b'(' | b')')).count();
        let front = &front[..front.len() - brackets];
        let start = front.iter().rposition(blank).map_or(0, |at| at + 1);
        let word = &front[start..];
        let digit = word.iter().any(u8::is_ascii_digit);
        let bank = matches!(front[..start].trim_ascii_end(), [.., a, b, c, d] if a.is_ascii_uppercase() && b.is_ascii_uppercase() && c.is_ascii_digit() && d.is_ascii_digit());
        let grouped = digit && word.len() <= LONGEST_GROUP && word.iter().all(group)
            || iban(word) && (digit || bank && word.len() == 4);
        if !grouped {
            break;
        }
        end = start;
    }
    end
}

/// How many digits a group has that is one of several, and how many groups a number.
const LONGEST_GROUP: usize = 8;
const MOST_GROUPS: usize = 12;

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
