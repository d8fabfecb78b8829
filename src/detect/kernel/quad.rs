//! An IPv4 address in four decimal parts.

/// An IPv4 address with the bytes that spell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quad {
    /// The address.
    pub(crate) bits: u32,
    /// What spells it; what is behind its end means nothing.
    pub(crate) text: [u8; 16],
    /// Where each part ends.
    pub(crate) ends: [u8; 4],
}

/// The shortest spelling and the longest.
const LENGTHS: std::ops::RangeInclusive<usize> = 7..=15;

impl Quad {
    /// Four decimal numbers without leading zeros, from the first to the last byte. The reference: part by part.
    pub(crate) fn plain(text: &[u8]) -> Option<Quad> {
        if !LENGTHS.contains(&text.len()) {
            return None;
        }
        let mut quad = Quad { bits: 0, text: [0; 16], ends: [0; 4] };
        quad.text[..text.len()].copy_from_slice(text);
        let (mut parts, mut at) = (text.split(|&byte| byte == b'.'), 0);
        for end in &mut quad.ends {
            let part = parts.next()?;
            let digits = (1..=3).contains(&part.len()) && part.iter().all(u8::is_ascii_digit);
            let value = part.iter().take(3).fold(0, |value, byte| 10 * value + u32::from(byte & 15));
            if !digits || value > 255 || part.len() > 1 && part[0] == b'0' {
                return None;
            }
            quad.bits = quad.bits << 8 | value;
            *end = (at + part.len()) as u8;
            at += part.len() + 1;
        }
        parts.next().is_none().then_some(quad)
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) mod wide {
    use super::{LENGTHS, Quad};
    use std::arch::x86_64::*;

    /// Which bytes of a part's lane are empty, by the number of its digits: a lane is hundreds, tens, ones and nothing. Four
    /// digits and more count from 0 again, and then the sum of all digits tells.
    const EMPTY: [u32; 4] = [0x8080_8080, 0x8000_8080, 0x8000_0080, 0x8000_0000];

    /// As [`Quad::plain`]: the digits of each part are moved to a lane of their own, and all lanes are worked out at once.
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub(in crate::detect::kernel) fn quad2(text: &[u8]) -> Option<Quad> {
        let length = text.len();
        if !LENGTHS.contains(&length) {
            return None;
        }
        let (low, high) = match (text.first_chunk::<8>(), text.last_chunk::<8>()) {
            (Some(first), Some(last)) => {
                (u64::from_le_bytes(*first), u64::from_le_bytes(*last) >> 8 >> (8 * (15 - length)))
            }
            _ => {
                let four = |at: usize| Some(u64::from(u32::from_le_bytes(*text.get(at..)?.first_chunk()?)));
                (four(0)? | four(3)? << 24, 0)
            }
        };
        let bytes = _mm_set_epi64x(high as i64, low as i64);
        let digits = _mm_sub_epi8(bytes, _mm_set1_epi8(b'0' as i8));
        let dots = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'.' as i8))) as u32;
        let are_digits = _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(digits, _mm_set1_epi8(9)), digits)) as u32;
        let inside = (1u32 << length) - 1;
        let ends = dots | 1 << length;
        // Three dots, none at the front, none behind another or at the end, and all else digits.
        if dots.count_ones() != 3 || ends & (ends << 1 | 1) != 0 || dots | are_digits & inside != inside {
            return None;
        }
        let mut rest = ends;
        let mut start = 0;
        let mut lanes = [0; 4];
        let mut places = [0; 4];
        for (lane, place) in lanes.iter_mut().zip(&mut places) {
            let end = rest.trailing_zeros();
            rest &= rest - 1;
            // The last three bytes before the end; biased, so that none of them borrows from its neighbour.
            let last = (0x807f_7e7d_u32.wrapping_add(end * 0x0001_0101)) & 0x0f0f_0f0f;
            *lane = (last | EMPTY[(end - start) as usize & 3]) as i32;
            *place = end as u8;
            start = end + 1;
        }
        let control = _mm_set_epi32(lanes[3], lanes[2], lanes[1], lanes[0]);
        let weights = _mm_set1_epi32(0x0001_0a64);
        let pairs = _mm_maddubs_epi16(_mm_shuffle_epi8(digits, control), weights);
        let values = _mm_madd_epi16(pairs, _mm_set1_epi16(1));
        let above =
            |least: i32| _mm_movemask_ps(_mm_castsi128_ps(_mm_cmpgt_epi32(values, _mm_set1_epi32(least)))) as u32;
        // As many digits as the values need are there, so none of them has zeros in front.
        if above(255) != 0 || 7 + above(9).count_ones() + above(99).count_ones() != length as u32 {
            return None;
        }
        let order = _mm_set_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 4, 8, 12);
        let bits = _mm_cvtsi128_si32(_mm_shuffle_epi8(values, order)) as u32;
        let text = (u128::from(low) | u128::from(high) << 64).to_le_bytes();
        Some(Quad { bits, text, ends: places })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{super::Kernel, *};
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    fn check(text: &[u8]) {
        let expected = std::str::from_utf8(text).ok().and_then(|text| text.parse::<Ipv4Addr>().ok()).map(u32::from);
        for kernel in Kernel::all() {
            let quad = kernel.quad(text);
            assert_eq!(quad.map(|quad| quad.bits), expected, "{kernel:?} {}", text.escape_ascii());
            if let Some(quad) = quad {
                let (ends, mut dots) = (quad.ends, (0..text.len()).filter(|&at| text[at] == b'.'));
                assert!(ends[..3].iter().all(|&end| dots.next() == Some(usize::from(end))), "{kernel:?}");
                assert_eq!((usize::from(ends[3]), &quad.text[..text.len()]), (text.len(), text), "{kernel:?}");
            }
        }
    }

    #[test]
    fn odd_spellings_are_none() {
        let odd = "|1.2.3|1.2.3.4.|.1.2.3.4|1..2.3|01.2.3.4|1.2.3.04|256.1.1.1|1.2.3.400|1.2.3.4.5|0x1.2.3.4|1.2.3.4 |\
            1.2.3.-4|3405803777|1.2.3.1234|1234.1.1.1|1.2.3.|....|1.2.3.4\0|1.2.3.4\0\0|255.255.255.2555|00.0.0.0|1,2,3,4|\
            1.2.3.:|1.2.3./|.01.1.1|01.1.1.|.10.1.10|1.10..01|12345.1.1|1.12345.1.1|00000.0.0.0|1.00000.0.0|1234567.1.1.1";
        odd.split('|').for_each(|text| {
            check(text.as_bytes());
            assert_eq!(Quad::plain(text.as_bytes()), None, "{text}");
        });
    }

    #[test]
    fn every_part_is_read_in_every_place() {
        for part in 0..1000 {
            for text in [
                format!("{part}.1.22.255"),
                format!("9.{part}.1.22"),
                format!("123.99.{part}.1"),
                format!("10.0.200.{part}"),
            ] {
                check(text.as_bytes());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn addresses_are_read_as_the_standard_library_does(bits in any::<u32>(), text in "[0-9.]{0,17}", flip in any::<(usize, u8)>()) {
            let address = Ipv4Addr::from(bits).to_string();
            check(address.as_bytes());
            check(text.as_bytes());
            let mut near = address.into_bytes();
            let at = flip.0 % near.len();
            near[at] = flip.1;
            check(&near);
            near.insert(at, b'0' + flip.1 % 10);
            check(&near);
        }
    }
}
