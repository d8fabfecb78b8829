//! MessagePack, read where it lies: nothing is copied, and nothing is believed of a length but that so many bytes follow.

use crate::input::intake::Reason;
use rmp::Marker;

/// Values may stand in one another so deep.
pub(super) const MOST_DEPTH: usize = 32;

/// One value; of an array or a map its head, behind which the values stand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Nil,
    Bool(bool),
    Int(i64),
    /// One that is over what `Int` holds.
    UInt(u64),
    Single(f32),
    Double(f64),
    /// Text, as it came: it may be no UTF-8.
    Text(&'a [u8]),
    Binary(&'a [u8]),
    Array(u32),
    /// So many pairs.
    Map(u32),
    Extension(i8, &'a [u8]),
}

/// What a value begins with: its head, what of it follows in bytes, and how many values.
struct Head {
    head: usize,
    body: usize,
    values: u64,
}

/// `None`: its head is not all there.
fn head(bytes: &[u8]) -> Result<Option<Head>, Reason> {
    let Some((&first, rest)) = bytes.split_first() else { return Ok(None) };
    let number = |n: usize| rest.get(..n).map(|bytes| bytes.iter().fold(0u64, |sum, &byte| sum << 8 | u64::from(byte)));
    let of = |head: usize, body: u64, values: u64| Head { head, body: body as usize, values };
    // The length in so many bytes, then so many more of the head.
    let sized = |n: usize, more: usize| number(n).map(|length| of(1 + n + more, length, 0));
    let counted = |n: usize, each: u64| number(n).map(|count| of(1 + n, 0, count * each));
    Ok(match Marker::from_u8(first) {
        Marker::FixPos(_) | Marker::FixNeg(_) | Marker::Null | Marker::True | Marker::False => Some(of(1, 0, 0)),
        Marker::U8 | Marker::I8 => Some(of(1, 1, 0)),
        Marker::U16 | Marker::I16 => Some(of(1, 2, 0)),
        Marker::U32 | Marker::I32 | Marker::F32 => Some(of(1, 4, 0)),
        Marker::U64 | Marker::I64 | Marker::F64 => Some(of(1, 8, 0)),
        Marker::FixStr(length) => Some(of(1, length.into(), 0)),
        Marker::Str8 | Marker::Bin8 => sized(1, 0),
        Marker::Str16 | Marker::Bin16 => sized(2, 0),
        Marker::Str32 | Marker::Bin32 => sized(4, 0),
        Marker::FixArray(count) => Some(of(1, 0, count.into())),
        Marker::Array16 => counted(2, 1),
        Marker::Array32 => counted(4, 1),
        Marker::FixMap(count) => Some(of(1, 0, u64::from(count) * 2)),
        Marker::Map16 => counted(2, 2),
        Marker::Map32 => counted(4, 2),
        Marker::FixExt1 => Some(of(2, 1, 0)),
        Marker::FixExt2 => Some(of(2, 2, 0)),
        Marker::FixExt4 => Some(of(2, 4, 0)),
        Marker::FixExt8 => Some(of(2, 8, 0)),
        Marker::FixExt16 => Some(of(2, 16, 0)),
        Marker::Ext8 => sized(1, 1),
        Marker::Ext16 => sized(2, 1),
        Marker::Ext32 => sized(4, 1),
        Marker::Reserved => return Err(Reason::Damaged),
    })
}

/// Finds where a value ends that comes in pieces. Reads no byte twice but a head.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    at: usize,
    /// How many values are to come of each that is open.
    open: Vec<u64>,
}

impl Scanner {
    /// The end of the value that `bytes` begin with, of which more came since the last call; `None`: it is not all there.
    ///
    /// # Errors
    /// It is none, is nested too deep, or is longer than `limit`.
    pub(super) fn scan(&mut self, bytes: &[u8], limit: usize) -> Result<Option<usize>, Reason> {
        loop {
            let Some(Head { head, body, values }) = head(&bytes[self.at.min(bytes.len())..])? else {
                return if self.at >= limit { Err(Reason::Size) } else { Ok(None) };
            };
            let end = self.at + head + body;
            // Each value that is to come has a byte at least.
            if end as u64 + values > limit as u64 {
                return Err(Reason::Size);
            }
            if end > bytes.len() {
                return Ok(None);
            }
            self.at = end;
            if values > 0 {
                if self.open.len() == MOST_DEPTH {
                    return Err(Reason::Depth);
                }
                self.open.push(values);
                continue;
            }
            loop {
                let Some(left) = self.open.last_mut() else {
                    return Ok(Some(std::mem::take(self).at));
                };
                *left -= 1;
                if *left > 0 {
                    break;
                }
                self.open.pop();
            }
        }
    }
}

/// Reads values one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes }
    }

    /// What was not read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    /// The next value.
    pub(super) fn next(&mut self) -> Result<Value<'a>, Reason> {
        let Head { head, body, .. } = head(self.bytes)?.ok_or(Reason::Damaged)?;
        let end = head.checked_add(body).filter(|&end| end <= self.bytes.len()).ok_or(Reason::Damaged)?;
        let (whole, rest) = self.bytes.split_at(end);
        self.bytes = rest;
        let (front, body) = whole.split_at(head);
        let unsigned = || body.iter().fold(0u64, |sum, &byte| sum << 8 | u64::from(byte));
        // The highest bit of the first byte is the sign.
        let signed = || (unsigned() << (64 - 8 * body.len()) as u32) as i64 >> (64 - 8 * body.len()) as u32;
        // A count that stands in the head.
        let count = || front[1..].iter().fold(0u32, |sum, &byte| sum << 8 | u32::from(byte));
        let exact = |sum: u64| i64::try_from(sum).map_or(Value::UInt(sum), Value::Int);
        Ok(match Marker::from_u8(front[0]) {
            Marker::FixPos(number) => Value::Int(number.into()),
            Marker::FixNeg(number) => Value::Int(number.into()),
            Marker::Null => Value::Nil,
            Marker::True => Value::Bool(true),
            Marker::False => Value::Bool(false),
            Marker::U8 | Marker::U16 | Marker::U32 | Marker::U64 => exact(unsigned()),
            Marker::I8 | Marker::I16 | Marker::I32 | Marker::I64 => Value::Int(signed()),
            Marker::F32 => Value::Single(f32::from_bits(unsigned() as u32)),
            Marker::F64 => Value::Double(f64::from_bits(unsigned())),
            Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => Value::Text(body),
            Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => Value::Binary(body),
            Marker::FixArray(count) => Value::Array(count.into()),
            Marker::Array16 | Marker::Array32 => Value::Array(count()),
            Marker::FixMap(count) => Value::Map(count.into()),
            Marker::Map16 | Marker::Map32 => Value::Map(count()),
            Marker::FixExt1
            | Marker::FixExt2
            | Marker::FixExt4
            | Marker::FixExt8
            | Marker::FixExt16
            | Marker::Ext8
            | Marker::Ext16
            | Marker::Ext32 => Value::Extension(front[head - 1] as i8, body),
            Marker::Reserved => return Err(Reason::Damaged),
        })
    }

    /// Goes past the next value and all that stands in it, and tells where it stood.
    pub(super) fn skip(&mut self) -> Result<&'a [u8], Reason> {
        let end = Scanner::default().scan(self.bytes, self.bytes.len())?.ok_or(Reason::Damaged)?;
        let (value, rest) = self.bytes.split_at(end);
        self.bytes = rest;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn one(bytes: &[u8]) -> Result<Value<'_>, Reason> {
        Reader::new(bytes).next()
    }

    #[test]
    fn each_form_of_a_value_is_read() {
        let mut out = Vec::new();
        for number in
            [0, 127, 128, 255, 256, 65_535, 65_536, i64::from(u32::MAX), i64::MAX, -1, -32, -33, -128, -129, i64::MIN]
        {
            out.clear();
            rmp::encode::write_sint(&mut out, number).unwrap();
            assert_eq!(one(&out), Ok(Value::Int(number)));
        }
        out.clear();
        rmp::encode::write_u64(&mut out, u64::MAX).unwrap();
        assert_eq!(one(&out), Ok(Value::UInt(u64::MAX)));
        for length in [0, 31, 32, 255, 256, 65_535, 65_536] {
            let text = "x".repeat(length);
            out.clear();
            rmp::encode::write_str(&mut out, &text).unwrap();
            assert_eq!(one(&out), Ok(Value::Text(text.as_bytes())));
            out.clear();
            rmp::encode::write_bin(&mut out, text.as_bytes()).unwrap();
            assert_eq!(one(&out), Ok(Value::Binary(text.as_bytes())));
            out.clear();
            rmp::encode::write_ext_meta(&mut out, length as u32, -3).unwrap();
            out.extend_from_slice(text.as_bytes());
            assert_eq!(one(&out), Ok(Value::Extension(-3, text.as_bytes())));
            out.clear();
            rmp::encode::write_array_len(&mut out, length as u32).unwrap();
            assert_eq!(one(&out), Ok(Value::Array(length as u32)));
            out.clear();
            rmp::encode::write_map_len(&mut out, length as u32).unwrap();
            assert_eq!(one(&out), Ok(Value::Map(length as u32)));
        }
        assert_eq!(one(b"\xc0"), Ok(Value::Nil));
        assert_eq!(one(b"\xc3"), Ok(Value::Bool(true)));
        assert_eq!(one(b"\xca\x3f\x80\0\0"), Ok(Value::Single(1.0)));
        assert_eq!(one(b"\xcb\x3f\xf0\0\0\0\0\0\0"), Ok(Value::Double(1.0)));
        assert_eq!(one(b"\xc1"), Err(Reason::Damaged));
        assert_eq!(one(b"\xda\0"), Err(Reason::Damaged));
    }

    #[test]
    fn a_length_is_not_believed_and_depth_has_an_end() {
        for bytes in
            [&b"\xdd\xff\xff\xff\xff"[..], b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff"]
        {
            assert_eq!(Scanner::default().scan(bytes, 1 << 20), Err(Reason::Size));
        }
        let deep = |depth: usize| [vec![0x91; depth], vec![0xc0]].concat();
        assert_eq!(Scanner::default().scan(&deep(MOST_DEPTH), 1 << 20), Ok(Some(MOST_DEPTH + 1)));
        assert_eq!(Scanner::default().scan(&deep(MOST_DEPTH + 1), 1 << 20), Err(Reason::Depth));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn a_value_in_pieces_ends_where_it_ends_whole(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let whole = Scanner::default().scan(&bytes, 60);
            let mut scanner = Scanner::default();
            let pieces = (0..=bytes.len()).map(|n| scanner.scan(&bytes[..n], 60)).find(|found| *found != Ok(None));
            prop_assert_eq!(pieces.unwrap_or(Ok(None)), whole);
            if let Ok(Some(end)) = whole {
                let mut reader = Reader::new(&bytes);
                prop_assert_eq!(reader.skip(), Ok(&bytes[..end]));
                prop_assert_eq!(reader.rest(), &bytes[end..]);
            }
        }
    }
}
