//! Bytes → one bit a byte and class → marks, eight blocks of 64 bytes at a time.
//!
//! The only file that may hold `unsafe`: the processor's wide compares, and the logic of `marks.rs` compiled for wide
//! registers. [`plain`] is the reference; the fast ones must give the same bits. Which one runs is asked of the processor
//! once per `Detector`.

use super::marks::{Marks, REACH};

/// How many blocks of 64 bytes are read ahead of the logic.
pub(super) const BLOCKS: usize = 8;

/// How far one block starts behind the one before. They overlap by 16 bytes, so that the logic can look back by shifts of
/// one word: shifts across two are slow on processors of today.
pub(super) const STRIDE: usize = 48;

/// The blocks of a text. The last one holds its last byte, and no block holds only what another one holds.
#[inline(always)]
fn blocks(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let count = if text.is_empty() { 0 } else { text.len().saturating_sub(64).div_ceil(STRIDE) + 1 };
    (0..count).map(|i| &text[i * STRIDE..text.len().min(i * STRIDE + 64)])
}

/// How many bytes [`BLOCKS`] blocks hold.
pub(super) const WINDOW: usize = STRIDE * (BLOCKS - 1) + 64;

/// The classes of 64 bytes: bit `i` speaks of byte `i`. Bytes past the end are in no class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Masks {
    /// `0-9`
    pub digit: u64,
    /// `0-9A-Fa-f`
    pub hex: u64,
    /// `0-9A-Za-z`
    pub alnum: u64,
    /// `.`
    pub dot: u64,
    /// `-` and `_`
    pub dash: u64,
    /// `+`
    pub plus: u64,
    /// `:`
    pub colon: u64,
    /// `@`
    pub at: u64,
    /// `=`
    pub equals: u64,
    /// `/`
    pub slash: u64,
    /// `"` and `'`
    pub quote: u64,
    /// `x` and `X`
    pub ex: u64,
    /// `%`, `\`, `&`, 0xE3 and 0xEF: what an escape or a character that stands for an ASCII one starts with.
    pub escape: u64,
}

/// The classes of up to eight blocks, class by class.
#[derive(Debug, Default)]
struct Classes {
    digit: [u64; BLOCKS],
    hex: [u64; BLOCKS],
    alnum: [u64; BLOCKS],
    dot: [u64; BLOCKS],
    dash: [u64; BLOCKS],
    plus: [u64; BLOCKS],
    colon: [u64; BLOCKS],
    at: [u64; BLOCKS],
    equals: [u64; BLOCKS],
    slash: [u64; BLOCKS],
    quote: [u64; BLOCKS],
    ex: [u64; BLOCKS],
    escape: [u64; BLOCKS],
}

impl Classes {
    #[inline(always)]
    fn set(&mut self, i: usize, m: Masks) {
        self.digit[i] = m.digit;
        self.hex[i] = m.hex;
        self.alnum[i] = m.alnum;
        self.dot[i] = m.dot;
        self.dash[i] = m.dash;
        self.plus[i] = m.plus;
        self.colon[i] = m.colon;
        self.at[i] = m.at;
        self.equals[i] = m.equals;
        self.slash[i] = m.slash;
        self.quote[i] = m.quote;
        self.ex[i] = m.ex;
        self.escape[i] = m.escape;
    }

    #[inline(always)]
    fn block(&self, i: usize) -> Masks {
        Masks {
            digit: self.digit[i],
            hex: self.hex[i],
            alnum: self.alnum[i],
            dot: self.dot[i],
            dash: self.dash[i],
            plus: self.plus[i],
            colon: self.colon[i],
            at: self.at[i],
            equals: self.equals[i],
            slash: self.slash[i],
            quote: self.quote[i],
            ex: self.ex[i],
            escape: self.escape[i],
        }
    }
}

/// The marks of up to eight blocks, mark by mark.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// What the marks are worked out from. Blocks that the text does not fill keep what an earlier text left there, and
    /// nobody looks at them.
    classes: Classes,
    /// Everything in a block together, what may start an escape included: nothing to do where it is 0.
    pub any: [u64; BLOCKS],
    word: [u64; BLOCKS],
    colon: [u64; BLOCKS],
    token: [u64; BLOCKS],
    uuid: [u64; BLOCKS],
    mac: [u64; BLOCKS],
    imei: [u64; BLOCKS],
    at: [u64; BLOCKS],
    named: [u64; BLOCKS],
    host: [u64; BLOCKS],
    escape: [u64; BLOCKS],
}

impl Window {
    /// The marks of block `i`.
    #[inline(always)]
    pub(super) fn marks(&self, i: usize) -> Marks {
        Marks {
            word: self.word[i],
            colon: self.colon[i],
            token: self.token[i],
            uuid: self.uuid[i],
            mac: self.mac[i],
            imei: self.imei[i],
            at: self.at[i],
            named: self.named[i],
            host: self.host[i],
            escape: self.escape[i],
        }
    }

    #[inline(always)]
    fn set(&mut self, i: usize, m: Marks) {
        self.any[i] = m.any();
        self.word[i] = m.word;
        self.colon[i] = m.colon;
        self.token[i] = m.token;
        self.uuid[i] = m.uuid;
        self.mac[i] = m.mac;
        self.imei[i] = m.imei;
        self.at[i] = m.at;
        self.named[i] = m.named;
        self.host[i] = m.host;
        self.escape[i] = m.escape;
    }

    /// Works the marks of all blocks out, side by side: the loop has a constant count, so that it becomes wide instructions.
    #[inline(always)]
    fn fill(&mut self, asked: &Marks, first: u64) {
        let mut fresh = [u64::MAX << REACH; BLOCKS];
        fresh[0] = first;
        for (i, fresh) in fresh.into_iter().enumerate() {
            self.set(i, Marks::of(&self.classes.block(i)).only(asked, fresh));
        }
    }
}

/// Which instructions this processor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kernel {
    /// Any processor.
    Plain,
    /// x86-64 with AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// x86-64 with AVX-512F and BW.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Kernel {
    /// The best that this processor runs.
    pub(super) fn best() -> Kernel {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw") {
                return Kernel::Avx512;
            }
            if is_x86_feature_detected!("avx2") {
                return Kernel::Avx2;
            }
        }
        Kernel::Plain
    }

    /// All that this processor runs.
    #[cfg(test)]
    pub(super) fn all() -> Vec<Kernel> {
        let mut all = vec![Kernel::Plain];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                all.push(Kernel::Avx2);
            }
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw") {
                all.push(Kernel::Avx512);
            }
        }
        all
    }

    /// Marks up to [`WINDOW`] bytes and says how many blocks that are. Only what is `asked` for is marked, in the first
    /// block only at the bytes of `first`, and in the others at those that the block before has not seen.
    #[inline]
    pub(super) fn window(self, text: &[u8], asked: &Marks, first: u64, window: &mut Window) -> usize {
        match self {
            Kernel::Plain => plain(text, asked, first, window),
            // SAFETY: this value exists only where `best` or `all` has seen AVX2; without it the process would end on an
            // illegal instruction.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => unsafe { wide::avx2(text, asked, first, window) },
            // SAFETY: as above, for AVX-512F and BW.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => unsafe { wide::avx512(text, asked, first, window) },
        }
    }
}

/// The reference: one byte at a time.
fn plain(text: &[u8], asked: &Marks, first: u64, window: &mut Window) -> usize {
    let mut count = 0;
    for block in blocks(text) {
        let mut m = Masks::default();
        for (i, &b) in block.iter().enumerate() {
            let bit = 1u64 << i;
            let set = |mask: &mut u64, is: bool| *mask |= if is { bit } else { 0 };
            set(&mut m.digit, b.is_ascii_digit());
            set(&mut m.hex, b.is_ascii_hexdigit());
            set(&mut m.alnum, b.is_ascii_alphanumeric());
            set(&mut m.dot, b == b'.');
            set(&mut m.dash, matches!(b, b'-' | b'_'));
            set(&mut m.plus, b == b'+');
            set(&mut m.colon, b == b':');
            set(&mut m.at, b == b'@');
            set(&mut m.equals, b == b'=');
            set(&mut m.slash, b == b'/');
            set(&mut m.quote, matches!(b, b'"' | b'\''));
            set(&mut m.ex, matches!(b, b'x' | b'X'));
            set(&mut m.escape, matches!(b, b'%' | b'\\' | b'&' | 0xE3 | 0xEF));
        }
        window.classes.set(count, m);
        count += 1;
    }
    window.fill(asked, first);
    count
}

#[cfg(target_arch = "x86_64")]
mod wide {
    use super::{Marks, Masks, Window, blocks};
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) fn avx512(text: &[u8], asked: &Marks, first: u64, window: &mut Window) -> usize {
        if text.len() <= 64 && !text.is_empty() {
            window.set(0, Marks::of(&classify512(text)).only(asked, first));
            return 1;
        }
        let mut count = 0;
        for block in blocks(text) {
            window.classes.set(count, classify512(block));
            count += 1;
        }
        window.fill(asked, first);
        count
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn classify512(block: &[u8]) -> Masks {
        let valid = if block.len() >= 64 { u64::MAX } else { (1u64 << block.len()) - 1 };
        // SAFETY: only the bytes whose bit is set are read, and they lie in `block`; masked bytes cannot fault.
        let v = unsafe { _mm512_maskz_loadu_epi8(valid, block.as_ptr().cast()) };
        let set = |b: u8| _mm512_set1_epi8(b as i8);
        let lower = _mm512_or_si512(v, set(0x20));
        let from_a = _mm512_sub_epi8(lower, set(b'a'));
        let digit = _mm512_cmplt_epu8_mask(_mm512_sub_epi8(v, set(b'0')), set(10));
        Masks {
            digit,
            hex: digit | _mm512_cmplt_epu8_mask(from_a, set(6)),
            alnum: digit | _mm512_cmplt_epu8_mask(from_a, set(26)),
            dot: _mm512_cmpeq_epi8_mask(v, set(b'.')),
            dash: _mm512_cmpeq_epi8_mask(v, set(b'-')) | _mm512_cmpeq_epi8_mask(v, set(b'_')),
            plus: _mm512_cmpeq_epi8_mask(v, set(b'+')),
            colon: _mm512_cmpeq_epi8_mask(v, set(b':')),
            at: _mm512_cmpeq_epi8_mask(v, set(b'@')),
            equals: _mm512_cmpeq_epi8_mask(v, set(b'=')),
            slash: _mm512_cmpeq_epi8_mask(v, set(b'/')),
            quote: _mm512_cmpeq_epi8_mask(v, set(b'"')) | _mm512_cmpeq_epi8_mask(v, set(b'\'')),
            ex: _mm512_cmpeq_epi8_mask(lower, set(b'x')),
            // `%` is 0x25 and `&` 0x26.
            escape: _mm512_cmplt_epu8_mask(_mm512_sub_epi8(v, set(b'%')), set(2))
                | _mm512_cmpeq_epi8_mask(v, set(b'\\'))
                | _mm512_cmpeq_epi8_mask(v, set(0xE3))
                | _mm512_cmpeq_epi8_mask(v, set(0xEF)),
        }
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn avx2(text: &[u8], asked: &Marks, first: u64, window: &mut Window) -> usize {
        if text.len() <= 64 && !text.is_empty() {
            window.set(0, Marks::of(&classify2(text)).only(asked, first));
            return 1;
        }
        let mut count = 0;
        for block in blocks(text) {
            window.classes.set(count, classify2(block));
            count += 1;
        }
        window.fill(asked, first);
        count
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn classify2(block: &[u8]) -> Masks {
        let mut copy = [0u8; 64];
        let whole: &[u8; 64] = match block.try_into() {
            Ok(whole) => whole,
            Err(_) => {
                copy[..block.len()].copy_from_slice(block);
                &copy
            }
        };
        // SAFETY: both reads lie in the 64 bytes of `whole`, and need no alignment.
        let (v, w) =
            unsafe { (_mm256_loadu_si256(whole.as_ptr().cast()), _mm256_loadu_si256(whole.as_ptr().add(32).cast())) };
        classify(v, w)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn classify(v: __m256i, w: __m256i) -> Masks {
        let space = _mm256_set1_epi8(0x20);
        let (lv, lw) = (_mm256_or_si256(v, space), _mm256_or_si256(w, space));
        let digit = range(v, w, b'0', 10);
        Masks {
            digit,
            hex: digit | range(lv, lw, b'a', 6),
            alnum: digit | range(lv, lw, b'a', 26),
            dot: equal(v, w, b'.'),
            dash: equal(v, w, b'-') | equal(v, w, b'_'),
            plus: equal(v, w, b'+'),
            colon: equal(v, w, b':'),
            at: equal(v, w, b'@'),
            equals: equal(v, w, b'='),
            slash: equal(v, w, b'/'),
            quote: equal(v, w, b'"') | equal(v, w, b'\''),
            ex: equal(lv, lw, b'x'),
            escape: range(v, w, b'%', 2) | equal(v, w, b'\\') | equal(v, w, 0xE3) | equal(v, w, 0xEF),
        }
    }

    /// The bytes equal to `b`.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn equal(v: __m256i, w: __m256i, b: u8) -> u64 {
        let b = _mm256_set1_epi8(b as i8);
        join(_mm256_cmpeq_epi8(v, b), _mm256_cmpeq_epi8(w, b))
    }

    /// The bytes `first`, `first + 1`, … of which there are `count`.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn range(v: __m256i, w: __m256i, first: u8, count: u8) -> u64 {
        let (first, last) = (_mm256_set1_epi8(first as i8), _mm256_set1_epi8((count - 1) as i8));
        let (v, w) = (_mm256_sub_epi8(v, first), _mm256_sub_epi8(w, first));
        join(_mm256_cmpeq_epi8(_mm256_min_epu8(v, last), v), _mm256_cmpeq_epi8(_mm256_min_epu8(w, last), w))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn join(v: __m256i, w: __m256i) -> u64 {
        u64::from(_mm256_movemask_epi8(v) as u32) | (u64::from(_mm256_movemask_epi8(w) as u32) << 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_byte_is_in_the_same_classes_for_every_kernel() {
        let text: Vec<u8> = (0..=255).collect();
        for rotate in 0..64 {
            let mut text = text.clone();
            text.rotate_left(rotate);
            equal_for_all(&text);
        }
    }

    fn equal_for_all(text: &[u8]) {
        let text = &text[..text.len().min(WINDOW)];
        let asked = Marks::ALL;
        let mut expected = Window::default();
        let blocks = plain(text, &asked, u64::MAX, &mut expected);
        for kernel in Kernel::all() {
            let mut window = Window::default();
            assert_eq!(kernel.window(text, &asked, u64::MAX, &mut window), blocks);
            for i in 0..blocks {
                assert_eq!(window.marks(i), expected.marks(i), "{kernel:?}");
                assert_eq!(window.any[i], expected.any[i], "{kernel:?}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn kernels_agree_on_any_bytes(text: Vec<u8>) {
            equal_for_all(&text);
        }
    }
}
