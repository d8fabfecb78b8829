//! A record as one flat object, made in one go where one look has shown that no value of it needs an escape.

use super::{Aid, Outcome, Step, missing};
use crate::record::{Kind, Proven, Record, Schema, State};

/// What stands before each value of such an object: one a value, in order. None where records are laid otherwise.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heads(Box<[Head]>);

/// What stands before one value.
#[derive(Clone, Debug)]
struct Head {
    /// The place of the value.
    place: u16,
    how: How,
    /// The text, by what was written before it ([`OPENING`], [`QUOTED`], [`BARE`]), and zeroes behind it: a fixed length
    /// is copied without a call.
    texts: [[u8; WIDTH]; 3],
    /// How much of each is text.
    lengths: [u8; 3],
}

/// How a value comes to stand behind its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// As it came, between quotes.
    Text,
    /// As it came: digits, which stand bare but for those that begin with a zero.
    Digits,
    /// As its step makes it, between quotes.
    Treated,
}

/// Nothing was written yet.
const OPENING: usize = 0;
/// A value that has a quote before it.
const QUOTED: usize = 1;
/// A value that has none.
const BARE: usize = 2;

/// A longer head is none.
const WIDTH: usize = 64;

impl Heads {
    /// Those of lines that were read by sight. `proven` is what is known of the value at a place, and `seen` are the places
    /// whose values have to be looked at nevertheless; `name` is what stands before a field's value, from the quote of its
    /// name to that of the value. None where a field has no such name, or a number has to be looked at.
    pub(crate) fn of<'n>(
        schema: &Schema,
        seen: &[u16],
        proven: impl Fn(u16) -> Option<Proven>,
        name: impl Fn(u16) -> Option<&'n [u8]>,
    ) -> Heads {
        // Each value has a field of its own, and a literal keeps it from the one before: no text is cut at users in it.
        let fixed = schema.more.is_empty()
            && schema.items.len() == schema.fields.len()
            && schema.items.iter().skip(1).all(|item| !item.literal.is_empty());
        Heads::all(schema, seen, proven, name).filter(|_| fixed).unwrap_or_default()
    }

    fn all<'n>(
        schema: &Schema,
        seen: &[u16],
        proven: impl Fn(u16) -> Option<Proven>,
        name: impl Fn(u16) -> Option<&'n [u8]>,
    ) -> Option<Heads> {
        let mut heads = Vec::new();
        // What stands before a dash that is not written yet: the next value's head may begin with both.
        let mut dash: Option<(u16, Vec<u8>)> = None;
        for (place, field) in (0..).zip(&schema.fields) {
            let is_number = matches!(field.kind, Kind::Number | Kind::Status);
            let how = match proven(place) {
                _ if seen.contains(&place) => How::Treated,
                Some(Proven::Absent) => continue,
                Some(Proven::Status | Proven::Digits) if is_number => How::Digits,
                Some(_) => How::Text,
                None => How::Treated,
            };
            // Whether what a step makes is a number would have to be asked.
            if is_number && how != How::Digits {
                return None;
            }
            let mut text = name(place)?.to_vec();
            if let Some((before, start)) = dash.take() {
                let both = [&start[..], b"-\",", &text].concat();
                match how {
                    How::Text | How::Digits if Head::new(place, how, &both).is_some() => text = both,
                    How::Text | How::Digits | How::Treated => heads.push(Head::new(before, How::Text, &start)?),
                }
            }
            if proven(place) == Some(Proven::Missing) && how == How::Text {
                dash = Some((place, text));
            } else {
                heads.push(Head::new(place, how, &text)?);
            }
        }
        if let Some((place, text)) = dash {
            heads.push(Head::new(place, How::Text, &text)?);
        }
        Some(Heads(heads.into()))
    }
}

impl Head {
    /// The head of the value at a place: `text` is what stands between what came before, its comma included, and the value.
    /// It ends with the value's quote. `None` where it is too long.
    fn new(place: u16, how: How, text: &[u8]) -> Option<Head> {
        let mut head = Head { place, how, texts: [[0; WIDTH]; 3], lengths: [0; 3] };
        let before: [&[u8]; 3] = [b"{", b"\",", b","];
        for ((place, length), before) in head.texts.iter_mut().zip(&mut head.lengths).zip(before) {
            let text = [before, text].concat();
            place.get_mut(..text.len())?.copy_from_slice(&text);
            *length = text.len() as u8;
        }
        Some(head)
    }
}

/// The object while it is made, and behind its end what means nothing. It grows and is never emptied: where it ends is kept
/// in a register, while the length of a vector would be written and read again for each piece.
#[derive(Debug, Default)]
pub(super) struct Flat {
    bytes: Vec<u8>,
    end: usize,
}

impl Flat {
    /// What was made last.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.end]
    }
}

/// Makes the object, up to its last value's quote. `false`: it has to be made otherwise, and what was made means nothing.
///
/// The line was seen plain: each value that stands as it came is printable ASCII without quote and backslash.
#[inline]
pub(super) fn lay(
    heads: &Heads,
    steps: &[Step],
    line: &[u8],
    record: &Record,
    aid: &mut Aid,
    made: &mut Vec<u8>,
    flat: &mut Flat,
) -> bool {
    // Beside what treatments make no more can come: heads, values of the line, and what a block writes beyond its end.
    let most = heads.0.len() * 2 * WIDTH + line.len() + WIDTH;
    make_room(&mut flat.bytes, most);
    let out = &mut flat.bytes;
    let (mut at, mut before) = (0, OPENING);
    for Head { place, how, texts, lengths } in &heads.0 {
        let value = &record.values[usize::from(*place)];
        if value.state == State::Absent {
            continue;
        }
        let (from, to) = (value.span.start as usize, value.span.end as usize);
        let length = usize::from(lengths[before]);
        if let Some(half) = texts[before].first_chunk::<{ WIDTH / 2 }>()
            && length <= half.len()
        {
            put(out, at, half);
        } else {
            put(out, at, &texts[before]);
        }
        match how {
            How::Digits => {
                let bare = to - from == 1 || line.get(from) != Some(&b'0');
                at = copy(line, from, to, out, at + length - usize::from(bare));
                before = if bare { BARE } else { QUOTED };
                continue;
            }
            How::Text => at = copy(line, from, to, out, at + length),
            How::Treated => {
                let bytes = &line[from..to];
                made.clear();
                let outcome = match &steps[usize::from(*place)] {
                    _ if missing(bytes, false) => Outcome::Kept,
                    Step::Path(step) if step.passes(bytes, aid) => Outcome::Kept,
                    Step::Path(step) => step.treat_anew(bytes, aid, made),
                    step => step.treat(bytes, aid, made),
                };
                at = match outcome {
                    Outcome::Kept => copy(line, from, to, out, at + length),
                    Outcome::Part(first, last) => {
                        debug_assert!(first <= last && last as usize <= bytes.len());
                        copy(line, from + first as usize, from + last as usize, out, at + length)
                    }
                    // What is made needs an escape in no format; who relies on it looks.
                    Outcome::Made if needs_escape(made) => return false,
                    Outcome::Made => {
                        make_room(out, at + length + made.len() + most);
                        copy(made, 0, made.len(), out, at + length)
                    }
                    Outcome::Dropped => continue,
                };
            }
        }
        before = QUOTED;
    }
    if before == QUOTED {
        out[at] = b'"';
        at += 1;
    }
    flat.end = at;
    !heads.0.is_empty()
}

#[inline]
fn make_room(out: &mut Vec<u8>, most: usize) {
    if out.len() < most {
        out.resize(2 * most, 0);
    }
}

/// Writes a block of which the first bytes count.
#[inline(always)]
fn put<const N: usize>(out: &mut [u8], at: usize, block: &[u8; N]) {
    out[at..at + N].copy_from_slice(block);
}

/// Copies `text[from..to]`; where it then ends.
#[inline(always)]
fn copy(text: &[u8], from: usize, to: usize, out: &mut [u8], at: usize) -> usize {
    let length = to - from;
    // Most values are short: a block of which the end does not count is cheaper than a copy of any length.
    match text.get(from..).and_then(<[u8]>::first_chunk::<32>) {
        Some(block) if length <= 32 => put(out, at, block),
        _ => out[at..at + length].copy_from_slice(&text[from..to]),
    }
    at + length
}

/// Whether a byte cannot stand in a string as it is, or is not ASCII.
#[inline]
fn needs_escape(made: &[u8]) -> bool {
    // Signed, the bytes beyond ASCII are below all others.
    let special = |any, &byte: &u8| any | ((byte as i8) < 0x20) | (byte == b'"') | (byte == b'\\');
    // Without early exit within a block, so that it is compared all at once; the last block may overlap the one before.
    if let Some(last) = made.last_chunk::<16>() {
        let (blocks, _) = made.as_chunks::<16>();
        return blocks.iter().any(|block| block.iter().fold(false, special)) || last.iter().fold(false, special);
    }
    match (made.first_chunk::<8>(), made.last_chunk::<8>()) {
        (Some(first), Some(last)) => is_special(u64::from_le_bytes(*first)) | is_special(u64::from_le_bytes(*last)),
        _ => made.iter().fold(false, special),
    }
}

/// The same of eight bytes at once.
#[inline]
fn is_special(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let quote = (word ^ (ONES * b'"' as u64)).wrapping_sub(ONES);
    let backslash = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    // Of bytes below 0x80 the lowest one that is special sets its high bit; a byte above has its own.
    (word | word.wrapping_sub(ONES * 0x20) | quote | backslash) & (ONES * 0x80) != 0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::record::{Blank, Field, Item};
    use proptest::prelude::*;

    /// The values of a line between blanks, each under a name of one letter.
    fn laid(line: &str, hows: &[How], steps: &[Step], flat: &mut Flat) -> Option<String> {
        let mut record = Record::default();
        let mut at = 0;
        for (field, value) in (0..).zip(line.split(' ')) {
            match value {
                "absent" => record.push_absent(field),
                _ => record.push(field, at, at + value.len()),
            }
            at += value.len() + 1;
        }
        let name = |place: u16| format!("\"{}\":\"", char::from(b'a' + place as u8));
        let heads = (0..).zip(hows).map(|(place, how)| Head::new(place, *how, name(place).as_bytes()).unwrap());
        let heads = Heads(heads.collect());
        let (mut aid, mut made) = (Aid::default(), Vec::new());
        lay(&heads, steps, line.as_bytes(), &record, &mut aid, &mut made, flat)
            .then(|| String::from_utf8(flat.bytes().to_vec()).unwrap())
    }

    #[test]
    fn each_value_stands_under_its_head_and_digits_stand_bare() {
        let mut flat = Flat::default();
        let hows = [How::Text, How::Digits, How::Treated, How::Digits, How::Text];
        let steps = [Step::Language, Step::Language, Step::Language, Step::Language, Step::Language];
        for (line, expected) in [
            ("x 200 nb-NO 7 y", r#"{"a":"x","b":200,"c":"nb","d":7,"e":"y""#),
            ("x 007 - 0 y", r#"{"a":"x","b":"007","c":"-","d":0,"e":"y""#),
            ("absent 200 absent 00 absent", r#"{"b":200,"d":"00""#),
            ("absent absent no! 12 absent", r#"{"d":12"#),
            ("absent absent absent absent absent", ""),
        ] {
            assert_eq!(laid(line, &hows, &steps, &mut flat).as_deref(), Some(expected), "{line}");
        }
        let long = "x".repeat(3000);
        let expected = format!("{{\"a\":\"{long}\",\"b\":1,\"c\":\"nb\",\"d\":2,\"e\":\"{long}\"");
        assert_eq!(laid(&format!("{long} 1 nb 2 {long}"), &hows, &steps, &mut flat), Some(expected));
        assert_eq!(laid("x", &[], &[], &mut flat), None, "there are no heads");
    }

    #[test]
    fn each_value_has_a_head_and_dashes_stand_in_that_of_the_next() {
        let kinds = [Kind::Address, Kind::Text, Kind::User, Kind::Instant, Kind::Status, Kind::Text, Kind::Text];
        let fields: Vec<Field> = kinds.iter().map(|kind| Field::new("f", *kind)).collect();
        let item = |field| Item { literal: b" "[..].into(), field, blank: Blank::Dash };
        let schema = Schema { fields, items: (0..7).map(item).collect(), ..Schema::default() };
        let proven = |place| match place {
            1 | 2 | 6 => Some(Proven::Missing),
            3 => Some(Proven::Instant),
            4 => Some(Proven::Status),
            5 => Some(Proven::Absent),
            _ => None,
        };
        let name = |place: u16| {
            [&b"\"a\":\""[..], b"\"b\":\"", b"\"c\":\"", b"\"d\":\"", b"\"e\":\"", b"", b"\"g\":\""][usize::from(place)]
        };
        let written = |heads: Heads| -> Vec<String> {
            let text =
                |head: &Head| String::from_utf8(head.texts[QUOTED][..usize::from(head.lengths[QUOTED])].to_vec());
            heads.0.iter().map(|head| format!("{} {:?} {}", head.place, head.how, text(head).unwrap())).collect()
        };
        assert_eq!(
            written(Heads::of(&schema, &[0], proven, |place| Some(name(place)))),
            [r#"0 Treated ","a":""#, r#"3 Text ","b":"-","c":"-","d":""#, r#"4 Digits ","e":""#, r#"6 Text ","g":""#]
        );
        // A dash that has to be looked at, or has such a value behind it, has a head of its own.
        assert_eq!(
            written(Heads::of(&schema, &[0, 2], proven, |place| Some(name(place)))),
            [
                r#"0 Treated ","a":""#,
                r#"1 Text ","b":""#,
                r#"2 Treated ","c":""#,
                r#"3 Text ","d":""#,
                r#"4 Digits ","e":""#,
                r#"6 Text ","g":""#
            ]
        );
        assert!(
            written(Heads::of(&schema, &[4], proven, |place| Some(name(place)))).is_empty(),
            "a number is looked at"
        );
        assert!(written(Heads::of(&schema, &[0], proven, |_| None)).is_empty(), "there are no names");
    }

    #[test]
    fn a_head_that_is_too_long_is_none() {
        assert!(Head::new(0, How::Text, &[b'x'; WIDTH - 2]).is_some());
        assert!(Head::new(0, How::Text, &[b'x'; WIDTH - 1]).is_none());
    }

    proptest! {
        #[test]
        fn what_needs_an_escape_is_seen_wherever_it_stands(
            mut text in proptest::collection::vec(b' '..0x7f, 0..70), byte in any::<u8>(), at in any::<usize>()
        ) {
            if !text.is_empty() {
                let at = at % text.len();
                text[at] = byte;
            }
            let special = |byte: &u8| !(0x20..0x80).contains(byte) || matches!(byte, b'"' | b'\\');
            prop_assert_eq!(needs_escape(&text), text.iter().any(special));
        }
    }
}
