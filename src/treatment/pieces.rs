//! Short texts compared and hashed in pieces of 16 bytes, as many whatever their length: a loop whose end is hard to foresee
//! costs more than a few pieces in vain.

/// A hash of 8 to `N` bytes. Without the key, or with one that is known, texts that meet can be found.
#[inline]
pub(super) fn hash<const N: usize>(text: &[u8], key: u64) -> u64 {
    const K: u64 = 0x9e37_79b9_7f4a_7c15;
    const MORE: u64 = 0xd6e8_feb8_6659_fd93;
    let fold = |a: u64, b: u64| {
        let product = u128::from(a) * u128::from(b);
        product as u64 ^ (product >> 64) as u64
    };
    let (mut hash, other) = (text.len() as u64, key.rotate_left(32));
    if text.len() < 16 {
        let (first, last) = ends::<8>(text);
        hash ^= fold(u64::from_le_bytes(first) ^ K ^ key, u64::from_le_bytes(last) ^ MORE ^ other);
    } else {
        for i in 0..N / 16 {
            let word = u128::from_le_bytes(piece(text, i, text.len()));
            let seed = K.wrapping_mul(2 * i as u64 + 1);
            hash ^= fold(word as u64 ^ seed ^ key, (word >> 64) as u64 ^ MORE ^ seed ^ other);
        }
    }
    fold(hash ^ MORE, K)
}

/// Whether a place that holds at least as many bytes begins with this text of 8 to `N`.
#[inline]
pub(super) fn same<const N: usize>(place: &[u8], text: &[u8]) -> bool {
    let length = text.len();
    if length < 16 {
        return ends::<8>(text) == ends::<8>(&place[..length]);
    }
    let place = &place[..length];
    let mut differs = 0;
    for i in 0..N / 16 {
        let (here, there) = (piece(text, i, length), piece(place, i, length));
        differs |= u128::from_le_bytes(here) ^ u128::from_le_bytes(there);
    }
    differs == 0
}

/// The 16 bytes from `16 * i` on, or the last 16 of the first `length`, which are 16 at least.
#[inline]
fn piece(text: &[u8], i: usize, length: usize) -> [u8; 16] {
    let from = (16 * i).min(length - 16);
    *text[from..].first_chunk().expect("16 bytes")
}

/// The first and the last bytes of a text that has as many.
#[inline]
fn ends<const N: usize>(text: &[u8]) -> ([u8; N], [u8; N]) {
    (*text.first_chunk().expect("long enough"), *text.last_chunk().expect("long enough"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_tells() {
        fn check<const N: usize>() {
            for length in 8..=N {
                let text = vec![b'a'; length];
                assert!(same::<N>(&[&text[..], b"more"].concat(), &text));
                for at in 0..length {
                    let mut other = text.clone();
                    other[at] = b'b';
                    assert_ne!(hash::<N>(&text, 7), hash::<N>(&other, 7), "{length} {at}");
                    assert!(!same::<N>(&other, &text), "{length} {at}");
                }
            }
        }
        check::<64>();
        check::<128>();
    }
}
