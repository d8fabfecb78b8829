//! Where a byte stands in a line. Most values are short: a call of `memchr` costs more than it finds.

/// The first place from `at` on of a byte for which `is` is true; the line's end where there is none. `is` without a
/// branch: the compiler then looks at sixteen bytes with one instruction or two.
#[inline(always)]
pub(super) fn first(line: &[u8], at: usize, is: impl Fn(u8) -> bool) -> usize {
    let hits = |bytes: &[u8; 16]| {
        let mut hits = [0; 16];
        for (hit, &byte) in hits.iter_mut().zip(bytes) {
            *hit = if is(byte) { 0xff } else { 0 };
        }
        u128::from_le_bytes(hits)
    };
    let mut from = at;
    while let Some(bytes) = line.get(from..).and_then(|rest| rest.first_chunk::<16>()) {
        let hits = hits(bytes);
        let (low, high) = (hits as u64, (hits >> 64) as u64);
        if low != 0 {
            return from + low.trailing_zeros() as usize / 8;
        }
        if high != 0 {
            return from + 8 + high.trailing_zeros() as usize / 8;
        }
        from += 16;
    }
    while from < line.len() && !is(line[from]) {
        from += 1;
    }
    from.min(line.len())
}

/// What can stand in a word of Apache's dialect.
pub(super) const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = byte as u8 > b' ' && byte != 0x7f && byte as u8 != b'"';
        byte += 1;
    }
    table
};

/// One past the bytes of [`TOKEN`] from `at` on.
#[inline]
pub(super) fn token(line: &[u8], at: usize) -> usize {
    first(line, at, |byte| (byte <= b' ') | (byte == 0x7f) | (byte == b'"'))
}

/// The first place from `at` on of one of two bytes, which may be the same; the line's end where there is none.
#[inline(always)]
pub(super) fn either(line: &[u8], at: usize, one: u8, other: u8) -> usize {
    let hits = |word: u64| {
        let (a, b) = (word ^ (ONES * one as u64), word ^ (ONES * other as u64));
        let a = a.wrapping_sub(ONES) & !a;
        let b = b.wrapping_sub(ONES) & !b;
        // Bits above the lowest mean nothing.
        (a | if one == other { 0 } else { b }) & HIGHS
    };
    let mut from = at;
    while let Some(bytes) = line.get(from..).and_then(|rest| rest.first_chunk::<16>()) {
        // One comparison and one branch where sixteen bytes have none.
        if bytes.iter().fold(false, |any, &byte| any | (byte == one) | (byte == other)) {
            let word = u128::from_le_bytes(*bytes);
            let low = hits(word as u64);
            let (before, hits) = if low != 0 { (0, low) } else { (8, hits((word >> 64) as u64)) };
            return from + before + hits.trailing_zeros() as usize / 8;
        }
        from += 16;
    }
    if let Some(bytes) = line.get(from..).and_then(|rest| rest.first_chunk::<8>()) {
        let hits = hits(u64::from_le_bytes(*bytes));
        if hits != 0 {
            return from + hits.trailing_zeros() as usize / 8;
        }
        from += 8;
    }
    while from < line.len() && line[from] != one && line[from] != other {
        from += 1;
    }
    from.min(line.len())
}

/// The first place from `at` on of `byte`; the line's end where there is none.
#[inline(always)]
pub(super) fn byte(line: &[u8], at: usize, byte: u8) -> usize {
    either(line, at, byte, byte)
}

/// The first place from `at` on where `one` stands and `other` right behind it. Looked for in sixteen places at once: a byte
/// alone stands too often for each to be looked at.
#[inline]
pub(super) fn pair(line: &[u8], at: usize, [one, other]: [u8; 2]) -> Option<usize> {
    let hits = |bytes: &[u8; 17]| {
        let mut hits = [0; 16];
        for ((hit, &a), &b) in hits.iter_mut().zip(bytes).zip(&bytes[1..]) {
            *hit = if (a == one) & (b == other) { 0xff } else { 0 };
        }
        u128::from_le_bytes(hits)
    };
    let place = |hits: u128| (hits.trailing_zeros() / 8) as usize;
    let mut from = at;
    while let Some(bytes) = line.get(from..).and_then(|rest| rest.first_chunk()) {
        let hits = hits(bytes);
        if hits != 0 {
            return Some(from + place(hits));
        }
        from += 16;
    }
    let Some(bytes) = line.last_chunk() else {
        return line.get(from..)?.windows(2).position(|pair| *pair == [one, other]).map(|place| from + place);
    };
    // The last places once more, those in front of `from` left out.
    let start = line.len() - 17;
    let seen = from - start;
    if seen >= 16 {
        return None;
    }
    let hits = hits(bytes) >> (8 * seen);
    (hits != 0).then(|| from + place(hits))
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_byte_is_found_where_it_first_stands(text in r"[abwy]{0,40}[abx!#z]{0,40}", at in 0..90usize) {
            let (line, at) = (text.as_bytes(), at.min(text.len()));
            let plain = |is: &dyn Fn(u8) -> bool| (at..line.len()).find(|&at| is(line[at])).unwrap_or(line.len());
            prop_assert_eq!(byte(line, at, b'x'), plain(&|byte| byte == b'x'));
            prop_assert_eq!(either(line, at, b'x', b'#'), plain(&|byte| byte == b'x' || byte == b'#'));
            prop_assert_eq!(first(line, at, |byte| byte > b'x'), plain(&|byte| byte > b'x'));
            for pair_of in [*b"ab", *b"ax", *b"bb"] {
                let plain = (at..line.len().saturating_sub(1)).find(|&at| line[at..at + 2] == pair_of);
                prop_assert_eq!(pair(line, at, pair_of), plain);
            }
            prop_assert_eq!(pair(line, line.len() + 1, *b"ab"), None);
        }

        #[test]
        fn a_word_ends_where_its_bytes_do(text in prop::collection::vec(prop_oneof![9 => Just(b'a'), 1 => any::<u8>()], 0..60), at in 0..60usize) {
            let at = at.min(text.len());
            let plain = (at..text.len()).find(|&at| !TOKEN[usize::from(text[at])]).unwrap_or(text.len());
            prop_assert_eq!(token(&text, at), plain);
        }
    }
}
