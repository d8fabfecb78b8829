//! Bytes → one bit a byte and class → marks, eight blocks of 64 bytes at a time.
//!
//! The only file that may hold `unsafe`: the processor's wide compares, and the logic of `marks.rs` compiled for wide
//! registers. [`plain`] is the reference; the fast ones must give the same bits. Which one runs is asked of the processor
//! once per `Detector`.

use super::marks::{KINDS, Marks, OF_ADDRESSES, REACH};
use crate::record::{QUOTES, SPARE_QUOTES, Sight, gap::Ends};

mod quad;

pub(crate) use quad::Quad;

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

/// How many bytes two blocks hold.
const FEW: usize = STRIDE + 64;

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
    /// Brackets, round and square, and the backslash between the two of them in ASCII.
    pub bracket: u64,
    /// `x` and `X`
    pub ex: u64,
    /// `%`, `\`, 0xE3 and 0xEF: what an escape or a character that stands for an ASCII one starts with.
    pub escape: u64,
    /// `&`
    pub amp: u64,
    /// `;`
    pub semicolon: u64,
    /// `,`
    pub comma: u64,
    /// The last letter of `u??r` and `f?r`, in any case.
    pub user: u64,
}

/// What a short text is made of: bit `i` speaks of byte `i`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outline {
    /// `A-Za-z`
    pub(crate) letter: u64,
    /// `0-9`
    pub(crate) digit: u64,
    /// `.`
    pub(crate) dot: u64,
    /// `-` and `_`
    pub(crate) dash: u64,
    /// `/`
    pub(crate) slash: u64,
}

/// Where the delimiters of a query stand in a short text: bit `i` speaks of byte `i`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Delimiters {
    /// `&`, `;` and the backslash
    pub(crate) separator: u64,
    /// `=`
    pub(crate) equals: u64,
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
    bracket: [u64; BLOCKS],
    ex: [u64; BLOCKS],
    escape: [u64; BLOCKS],
    amp: [u64; BLOCKS],
    semicolon: [u64; BLOCKS],
    comma: [u64; BLOCKS],
    user: [u64; BLOCKS],
}

impl Classes {
    /// Those that are made of the marks of addresses alone, or all.
    #[inline(always)]
    fn set<const ALL: bool>(&mut self, i: usize, m: Masks) {
        self.digit[i] = m.digit;
        self.hex[i] = m.hex;
        self.alnum[i] = m.alnum;
        self.dot[i] = m.dot;
        self.dash[i] = m.dash;
        self.colon[i] = m.colon;
        self.equals[i] = m.equals;
        self.slash[i] = m.slash;
        self.quote[i] = m.quote;
        self.bracket[i] = m.bracket;
        self.ex[i] = m.ex;
        self.escape[i] = m.escape;
        self.amp[i] = m.amp;
        self.semicolon[i] = m.semicolon;
        self.comma[i] = m.comma;
        if ALL {
            self.plus[i] = m.plus;
            self.at[i] = m.at;
            self.user[i] = m.user;
        }
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
            bracket: self.bracket[i],
            ex: self.ex[i],
            escape: self.escape[i],
            amp: self.amp[i],
            semicolon: self.semicolon[i],
            comma: self.comma[i],
            user: self.user[i],
        }
    }
}

/// The marks of up to eight blocks, mark by mark.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// What the marks are worked out from. Blocks that the text does not fill keep what an earlier text left there, and
    /// nobody looks at them.
    classes: Classes,
    /// Kind by kind: `marks[Marks::WORD]`.
    pub marks: [[u64; BLOCKS]; KINDS],
    /// Which blocks hold such marks, a bit a block. None that the text does not fill.
    pub hits: [u8; KINDS],
}

impl Window {
    /// Takes the marks of block `i` at the `fresh` bytes.
    #[inline(always)]
    fn set<const ALL: bool>(&mut self, i: usize, m: &Masks, fresh: u64) {
        let marks = if ALL { Marks::of(m) } else { Marks::of_addresses(m) };
        self.marks[Marks::WORD][i] = marks.word & fresh;
        self.marks[Marks::COLON][i] = marks.colon & fresh;
        self.marks[Marks::HOST][i] = marks.host & fresh;
        self.marks[Marks::ESCAPE][i] = marks.escape & fresh;
        self.marks[Marks::LIST][i] = marks.list & fresh;
        if ALL {
            self.marks[Marks::TOKEN][i] = marks.token & fresh;
            self.marks[Marks::UUID][i] = marks.uuid & fresh;
            self.marks[Marks::MAC][i] = marks.mac & fresh;
            self.marks[Marks::IMEI][i] = marks.imei & fresh;
            self.marks[Marks::AT][i] = marks.at & fresh;
            self.marks[Marks::NAMED][i] = marks.named & fresh;
            self.marks[Marks::NUMBER][i] = marks.number & fresh;
            self.marks[Marks::IBAN][i] = marks.iban & fresh;
            self.marks[Marks::USER][i] = marks.user & fresh;
        }
    }

    /// The marks of a text of one or two blocks (an empty one is not asked about), each block by itself: for so few, wide
    /// instructions are the slower ones.
    #[inline(always)]
    fn few<const ALL: bool>(&mut self, text: &[u8], first: u64, classify: impl Fn(&[u8]) -> Masks) -> usize {
        let (mut count, mut fresh) = (0, first);
        for block in blocks(text).take(2) {
            self.set::<ALL>(count, &classify(block), fresh);
            (count, fresh) = (count + 1, u64::MAX << REACH);
        }
        let second = u64::from(count > 1);
        for (hits, marks) in self.hits.iter_mut().zip(&self.marks).take(if ALL { KINDS } else { OF_ADDRESSES }) {
            *hits = u8::from(marks[0] != 0) | u8::from(marks[1] * second != 0) << 1;
        }
        count
    }

    /// Works the marks of all blocks out, side by side: the loop has a constant count, so that it becomes wide instructions.
    #[inline(always)]
    fn fill<const ALL: bool>(&mut self, count: usize, first: u64, hits: impl Fn(&[u64; BLOCKS]) -> u8) {
        let mut fresh = [u64::MAX << REACH; BLOCKS];
        fresh[0] = first;
        for (i, fresh) in fresh.into_iter().enumerate() {
            let m = self.classes.block(i);
            self.set::<ALL>(i, &m, fresh);
        }
        let filled = (1u16 << count).wrapping_sub(1) as u8;
        for (found, marks) in self.hits.iter_mut().zip(&self.marks).take(if ALL { KINDS } else { OF_ADDRESSES }) {
            *found = hits(marks) & filled;
        }
    }
}

/// Which bytes the heads of words are made of, the first [`HEAD`] bytes of each: for each of them and each nibble of it the
/// buckets of the words that may have it there. What all six name may be a word of the bucket.
#[derive(Debug)]
pub(super) struct Heads {
    low: [[u8; 16]; HEAD],
    high: [[u8; 16]; HEAD],
}

/// So many bytes of a word are its head.
pub(super) const HEAD: usize = 3;

impl Heads {
    /// Of no word.
    pub(super) const NONE: Heads = Heads { low: [[0; 16]; HEAD], high: [[0; 16]; HEAD] };

    /// A word of the bucket may have the byte in this place.
    pub(super) const fn admit(&mut self, place: usize, byte: u8, bucket: u32) {
        self.low[place][(byte & 15) as usize] |= 1 << bucket;
        self.high[place][(byte >> 4) as usize] |= 1 << bucket;
    }

    /// Whether two bytes are taken for a word's head whatever the buckets say: such bytes are rare. With the second ones a
    /// word may begin inside another one.
    pub(super) const fn takes(&self, first: u8, second: u8) -> bool {
        matches!(first, b'(' | b'@' | b'[' | b'|') || matches!(second, b'<' | b'[' | b'\\' | b'~')
    }

    #[inline(always)]
    fn buckets(&self, place: usize, byte: u8) -> u8 {
        self.low[place][usize::from(byte & 15)] & self.high[place][usize::from(byte >> 4)]
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
            if Kernel::runs_avx512() {
                return Kernel::Avx512;
            }
            if Kernel::runs_avx2() {
                return Kernel::Avx2;
            }
        }
        Kernel::Plain
    }

    /// AVX2 and the bit instructions, which every processor with AVX2 has.
    #[cfg(target_arch = "x86_64")]
    fn runs_avx2() -> bool {
        is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt")
    }

    /// AVX-512F and BW beside those.
    #[cfg(target_arch = "x86_64")]
    fn runs_avx512() -> bool {
        Kernel::runs_avx2() && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw")
    }

    /// All that this processor runs.
    #[cfg(test)]
    pub(super) fn all() -> Vec<Kernel> {
        let mut all = vec![Kernel::Plain];
        #[cfg(target_arch = "x86_64")]
        {
            if Kernel::runs_avx2() {
                all.push(Kernel::Avx2);
            }
            if Kernel::runs_avx512() {
                all.push(Kernel::Avx512);
            }
        }
        all
    }

    /// Marks up to [`WINDOW`] bytes and says how many blocks that are: all kinds of marks, or those of addresses and escapes
    /// alone. In the first block only the bytes of `first` are marked, and in the others those that the block before has
    /// not seen.
    #[inline]
    pub(super) fn window<const ALL: bool>(self, text: &[u8], first: u64, window: &mut Window) -> usize {
        match self {
            Kernel::Plain => plain::<ALL>(text, first, window),
            // SAFETY: this value exists only where `best` or `all` has seen AVX2; without it the process would end on an
            // illegal instruction.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => unsafe { wide::avx2::<ALL>(text, first, window) },
            // SAFETY: as above, for AVX-512F and BW.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => unsafe { wide::avx512::<ALL>(text, first, window) },
        }
    }
}

impl Kernel {
    /// The outline of up to 64 bytes, on a processor that has it at hand.
    #[inline]
    pub(super) fn outline(self, text: &[u8]) -> Option<Outline> {
        if text.len() > 64 {
            return None;
        }
        match self {
            Kernel::Plain => None,
            // SAFETY: as in `window`, for AVX2.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => Some(unsafe { wide::outline2(text) }),
            // SAFETY: as in `window`, for AVX-512F and BW.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => Some(unsafe { wide::outline512(text) }),
        }
    }
}

impl Kernel {
    /// Where the colons stand in a text of 1 to 64 bytes that has nothing else but digits and `a` to `f`, on a processor that
    /// has it at hand.
    #[inline]
    pub(super) fn colons(self, text: &[u8]) -> Option<u64> {
        if text.is_empty() || text.len() > 64 {
            return None;
        }
        match self {
            Kernel::Plain => None,
            // SAFETY: as in `window`, for AVX2.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => unsafe { wide::colons2(text) },
            // SAFETY: as in `window`, for AVX-512F and BW.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => unsafe { wide::colons512(text) },
        }
    }
}

impl Kernel {
    /// The delimiters in the first 64 bytes.
    #[inline]
    pub(super) fn delimiters(self, text: &[u8]) -> Delimiters {
        let text = &text[..text.len().min(64)];
        match self {
            Kernel::Plain => plain_delimiters(text),
            // SAFETY: as in `window`, for AVX2.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => unsafe { wide::delimiters2(text) },
            // SAFETY: as in `window`, for AVX-512F and BW.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => unsafe { wide::delimiters512(text) },
        }
    }
}

impl Kernel {
    /// Where words with such heads may begin in a block of up to 64 bytes: in front of no byte that goes on with a word
    /// (letters and digits, `_`, all from 0x80 on) but at the block's start, where nothing is known of what stands in front.
    /// Not at its last bytes, which are no whole head.
    #[inline]
    pub(super) fn heads(self, block: &[u8], heads: &Heads) -> u64 {
        if block.len() < HEAD {
            return 0;
        }
        match self {
            Kernel::Plain => plain_heads(block, heads),
            // SAFETY: as in `window`, for AVX2.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => unsafe { wide::heads2(block, heads) },
            // SAFETY: as in `window`, for AVX-512F and BW.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => unsafe { wide::heads512(block, heads) },
        }
    }
}

impl Kernel {
    /// Looks at the line at the start of `text` up to its line feed. `false`: it has none within reach, a byte that is not
    /// printable ASCII, a backslash, or more quotes than are noted; then `sight` means nothing.
    #[inline]
    pub(super) fn sight(self, text: &[u8], sight: &mut Sight) -> bool {
        match self {
            Kernel::Plain => plain_sight(text, sight),
            // SAFETY: as in `window`, for AVX2.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => unsafe { wide::sight2(text, sight) },
            // SAFETY: as in `window`, for AVX-512F and BW.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => unsafe { wide::sight512(text, sight) },
        }
    }
}

impl Kernel {
    /// An IPv4 address in four decimal parts without leading zeros, from the first to the last byte.
    #[inline]
    pub(super) fn quad(self, text: &[u8]) -> Option<Quad> {
        match self {
            Kernel::Plain => Quad::plain(text),
            // SAFETY: as in `window`, for AVX2, which is there wherever AVX-512 is asked for.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 | Kernel::Avx512 => unsafe { quad::wide::quad2(text) },
        }
    }
}

impl Kernel {
    /// Looks at the line at the start of `text` up to its line feed, for where strings of JSON may end. `false`: there is no
    /// line feed within reach; then `ends` means nothing.
    #[inline]
    pub(super) fn ends(self, text: &[u8], ends: &mut Ends) -> bool {
        match self {
            Kernel::Plain => plain_ends(text, ends),
            // SAFETY: as in `window`, for AVX2.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => unsafe { wide::ends2(text, ends) },
            // SAFETY: as in `window`, for AVX-512F and BW.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => unsafe { wide::ends512(text, ends) },
        }
    }
}

/// Asks the processor to fetch the memory of `place`, which will be read soon. It changes nothing that can be seen.
#[inline]
pub(crate) fn prefetch<T>(place: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: nothing is read or written, and every x86-64 has the instruction.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(place).cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

/// What a sight is made of, for one block of 64 bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Glance {
    feed: u64,
    quote: u64,
    mark: u64,
    /// Neither printable ASCII nor bare of escapes.
    odd: u64,
}

/// Reads a line block by block.
#[inline(always)]
fn each_block(
    text: &[u8],
    sight: &mut Sight,
    glance: impl Fn(&[u8]) -> Glance,
    address: impl Fn(&[u8]) -> u64,
) -> bool {
    let mut count = 0;
    for (i, marks) in sight.marks.iter_mut().enumerate() {
        let base = 64 * i;
        let Some(rest) = text.get(base..) else { return false };
        let block = rest.first_chunk::<64>().map_or(rest, |block| block);
        let Glance { feed, quote, mark, odd } = glance(block);
        // The bytes before the line feed; all where there is none.
        let before = feed.wrapping_sub(1) & !feed;
        if odd & before != 0 {
            return false;
        }
        *marks = mark & before;
        let mut quotes = quote & before;
        let noted = count;
        count += quotes.count_ones() as usize;
        if count > QUOTES {
            return false;
        }
        // Few blocks hold more than these, and a loop whose end is hard to foresee costs more than to note some in vain.
        for place in &mut sight.quotes[noted..noted + SPARE_QUOTES] {
            *place = base as u32 + quotes.trailing_zeros();
            quotes &= quotes.wrapping_sub(1);
        }
        if quotes != 0 {
            for place in &mut sight.quotes[noted + SPARE_QUOTES..count] {
                *place = base as u32 + quotes.trailing_zeros();
                quotes &= quotes - 1;
            }
        }
        if i == 0 {
            sight.address = address(block);
        }
        if feed != 0 {
            sight.length = base + feed.trailing_zeros() as usize;
            sight.count = count;
            return true;
        }
    }
    false
}

/// The reference.
fn plain_sight(text: &[u8], sight: &mut Sight) -> bool {
    let mask = |block: &[u8], is: fn(u8) -> bool| {
        block.iter().enumerate().fold(0, |all, (i, &byte)| all | u64::from(is(byte)) << i)
    };
    let glance = |block: &[u8]| Glance {
        feed: mask(block, |byte| byte == b'\n'),
        quote: mask(block, |byte| byte == b'"'),
        mark: mask(block, |byte| byte == b'?'),
        odd: mask(block, |byte| !matches!(byte, b' '..=b'~') || byte == b'\\'),
    };
    each_block(text, sight, glance, |block| mask(block, |byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':')))
}

/// Reads a line block by block: `look` tells where line feeds stand, and where what may end a string does.
#[inline(always)]
fn each_end(text: &[u8], ends: &mut Ends, look: impl Fn(&[u8]) -> (u64, u64)) -> bool {
    for (i, bits) in ends.bits.iter_mut().enumerate() {
        let Some(rest) = text.get(64 * i..) else { return false };
        let block = rest.first_chunk::<64>().map_or(rest, |block| block);
        let (feed, end) = look(block);
        *bits = end;
        if feed != 0 {
            ends.length = 64 * i + feed.trailing_zeros() as usize;
            return true;
        }
    }
    false
}

/// The reference.
fn plain_ends(text: &[u8], ends: &mut Ends) -> bool {
    let mask = |block: &[u8], is: fn(u8) -> bool| {
        block.iter().enumerate().fold(0, |all, (i, &byte)| all | u64::from(is(byte)) << i)
    };
    let is_end = |byte: u8| byte < b' ' || matches!(byte, b'"' | b'\\');
    each_end(text, ends, |block| (mask(block, |byte| byte == b'\n'), mask(block, is_end)))
}

/// The reference.
fn plain_delimiters(text: &[u8]) -> Delimiters {
    let mut seen = Delimiters::default();
    for (i, byte) in text.iter().enumerate() {
        match byte {
            b'&' | b';' | b'\\' => seen.separator |= 1 << i,
            b'=' => seen.equals |= 1 << i,
            _ => {}
        }
    }
    seen
}

/// The reference.
fn plain_heads(block: &[u8], heads: &Heads) -> u64 {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    block.windows(HEAD).enumerate().fold(0, |all, (at, head)| {
        let goes_on = at > 0 && inside(block[at - 1]) && inside(head[0]);
        let buckets = head.iter().enumerate().fold(u8::MAX, |all, (i, &byte)| all & heads.buckets(i, byte));
        all | u64::from(buckets != 0 && !goes_on || heads.takes(head[0], head[1])) << at
    })
}

/// The reference: one byte at a time.
fn plain<const ALL: bool>(text: &[u8], first: u64, window: &mut Window) -> usize {
    let mut count = 0;
    for block in blocks(text) {
        let mut m = Masks::default();
        let (mut u, mut f, mut r) = (0, 0, 0);
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
            set(&mut m.bracket, matches!(b, b'(' | b')' | b'['..=b']'));
            set(&mut m.ex, matches!(b, b'x' | b'X'));
            set(&mut m.escape, matches!(b, b'%' | b'\\' | 0xE3 | 0xEF));
            set(&mut m.amp, b == b'&');
            set(&mut m.semicolon, b == b';');
            set(&mut m.comma, b == b',');
            set(&mut u, b | 0x20 == b'u');
            set(&mut f, b | 0x20 == b'f');
            set(&mut r, b | 0x20 == b'r');
        }
        m.user = r & ((u << 3) | (f << 2));
        window.classes.set::<ALL>(count, m);
        count += 1;
    }
    window.fill::<ALL>(count, first, |marks| {
        marks.iter().enumerate().fold(0, |hits, (i, &marks)| hits | u8::from(marks != 0) << i)
    });
    count
}

#[cfg(target_arch = "x86_64")]
mod wide {
    use super::{
        BLOCKS, Delimiters, Ends, FEW, Glance, HEAD, Heads, Masks, Outline, Sight, Window, blocks, each_block, each_end,
    };
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx512f,avx512bw,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn avx512<const ALL: bool>(text: &[u8], first: u64, window: &mut Window) -> usize {
        if text.len() <= FEW {
            return window.few::<ALL>(text, first, |block| classify512(block));
        }
        let mut count = 0;
        for block in blocks(text) {
            window.classes.set::<ALL>(count, classify512(block));
            count += 1;
        }
        window.fill::<ALL>(count, first, |marks| hits512(marks));
        count
    }

    /// Which of the words are not 0.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,bmi1,bmi2,lzcnt,popcnt")]
    fn hits512(words: &[u64; BLOCKS]) -> u8 {
        // SAFETY: reads the 64 bytes of the array, and needs no alignment.
        let words = unsafe { _mm512_loadu_si512(words.as_ptr().cast()) };
        _mm512_test_epi64_mask(words, words)
    }

    /// The same.
    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    fn hits2(words: &[u64; BLOCKS]) -> u8 {
        // SAFETY: each reads half of the 64 bytes of the array, and needs no alignment.
        let (low, high) =
            unsafe { (_mm256_loadu_si256(words.as_ptr().cast()), _mm256_loadu_si256(words[4..].as_ptr().cast())) };
        let empty = |half| _mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpeq_epi64(half, _mm256_setzero_si256())));
        !(empty(low) | empty(high) << 4) as u8
    }

    /// Up to 64 bytes, then zeros.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,bmi1,bmi2,lzcnt,popcnt")]
    fn load512(block: &[u8]) -> __m512i {
        let valid = if block.len() >= 64 { u64::MAX } else { (1u64 << block.len()) - 1 };
        // SAFETY: only the bytes whose bit is set are read, and they lie in `block`; masked bytes cannot fault.
        unsafe { _mm512_maskz_loadu_epi8(valid, block.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,bmi1,bmi2,lzcnt,popcnt")]
    fn classify512(block: &[u8]) -> Masks {
        let v = load512(block);
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
            bracket: _mm512_cmplt_epu8_mask(_mm512_sub_epi8(v, set(b'(')), set(2))
                | _mm512_cmplt_epu8_mask(_mm512_sub_epi8(v, set(b'[')), set(3)),
            ex: _mm512_cmpeq_epi8_mask(lower, set(b'x')),
            escape: _mm512_cmpeq_epi8_mask(v, set(b'%'))
                | _mm512_cmpeq_epi8_mask(v, set(b'\\'))
                | _mm512_cmpeq_epi8_mask(v, set(0xE3))
                | _mm512_cmpeq_epi8_mask(v, set(0xEF)),
            amp: _mm512_cmpeq_epi8_mask(v, set(b'&')),
            semicolon: _mm512_cmpeq_epi8_mask(v, set(b';')),
            comma: _mm512_cmpeq_epi8_mask(v, set(b',')),
            user: _mm512_cmpeq_epi8_mask(lower, set(b'r'))
                & ((_mm512_cmpeq_epi8_mask(lower, set(b'u')) << 3) | (_mm512_cmpeq_epi8_mask(lower, set(b'f')) << 2)),
        }
    }

    /// The block has a head at least.
    #[target_feature(enable = "avx512f,avx512bw,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn heads512(block: &[u8], heads: &Heads) -> u64 {
        let count = block.len() - (HEAD - 1);
        let valid = u64::MAX >> (64 - count);
        let set = |b: u8| _mm512_set1_epi8(b as i8);
        let bytes = [load512(&block[..count]), load512(&block[1..=count]), load512(&block[2..])];
        let mut buckets = set(u8::MAX);
        for ((v, low), high) in bytes.into_iter().zip(&heads.low).zip(&heads.high) {
            // SAFETY: each reads the 16 bytes of its array, and needs no alignment.
            let (low, high) = unsafe { (_mm_loadu_si128(low.as_ptr().cast()), _mm_loadu_si128(high.as_ptr().cast())) };
            let nibble = |v| _mm512_and_si512(v, set(15));
            let low = _mm512_shuffle_epi8(_mm512_broadcast_i32x4(low), nibble(v));
            let high = _mm512_shuffle_epi8(_mm512_broadcast_i32x4(high), nibble(_mm512_srli_epi16::<4>(v)));
            buckets = _mm512_and_si512(buckets, _mm512_and_si512(low, high));
        }
        let [first, second, _] = bytes;
        let equal = |v, b: u8| _mm512_cmpeq_epi8_mask(v, set(b));
        let from_a = _mm512_sub_epi8(_mm512_or_si512(first, set(0x20)), set(b'a'));
        let inside = _mm512_cmplt_epu8_mask(_mm512_sub_epi8(first, set(b'0')), set(10))
            | _mm512_cmplt_epu8_mask(from_a, set(26))
            | equal(first, b'_')
            | _mm512_movepi8_mask(first);
        let taken = equal(first, b'(')
            | equal(first, b'@')
            | equal(first, b'[')
            | equal(first, b'|')
            | equal(second, b'<')
            | equal(second, b'[')
            | equal(second, b'\\')
            | equal(second, b'~');
        (_mm512_test_epi8_mask(buckets, buckets) & !(inside & inside << 1) | taken) & valid
    }

    /// The same.
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn heads2(block: &[u8], heads: &Heads) -> u64 {
        let count = block.len() - (HEAD - 1);
        let valid = u64::MAX >> (64 - count);
        // Of one length: the same place of each speaks of the same head.
        let bytes = [Pair::of(&block[..count]), Pair::of(&block[1..=count]), Pair::of(&block[2..])];
        let set = |b: u8| _mm256_set1_epi8(b as i8);
        let mut buckets = (set(u8::MAX), set(u8::MAX));
        for ((v, low), high) in bytes.into_iter().zip(&heads.low).zip(&heads.high) {
            // SAFETY: each reads the 16 bytes of its array, and needs no alignment.
            let (low, high) = unsafe { (_mm_loadu_si128(low.as_ptr().cast()), _mm_loadu_si128(high.as_ptr().cast())) };
            let (low, high) = (_mm256_broadcastsi128_si256(low), _mm256_broadcastsi128_si256(high));
            let nibble = |v| _mm256_and_si256(v, set(15));
            let both = |v| {
                let high = _mm256_shuffle_epi8(high, nibble(_mm256_srli_epi16::<4>(v)));
                _mm256_and_si256(_mm256_shuffle_epi8(low, nibble(v)), high)
            };
            buckets = (_mm256_and_si256(buckets.0, both(v.first)), _mm256_and_si256(buckets.1, both(v.last)));
        }
        let [first, second, _] = bytes;
        // Zeros that fill a register up are no hits.
        let some = |v| _mm256_cmpeq_epi8(_mm256_max_epu8(v, set(1)), v);
        let hits = first.join(some(buckets.0), some(buckets.1));
        let or = |a, b| _mm256_or_si256(a, b);
        let equal = |v, b: u8| _mm256_cmpeq_epi8(v, set(b));
        let within = |v, from: u8, count: u8| {
            let from = _mm256_sub_epi8(v, set(from));
            _mm256_cmpeq_epi8(_mm256_min_epu8(from, set(count - 1)), from)
        };
        let goes_on = |v| {
            let word = or(within(v, b'0', 10), within(or(v, set(0x20)), b'a', 26));
            or(or(word, equal(v, b'_')), v)
        };
        let inside = first.join(goes_on(first.first), goes_on(first.last));
        let taken = |first, second| {
            let one = or(or(equal(first, b'('), equal(first, b'@')), or(equal(first, b'['), equal(first, b'|')));
            let two = or(or(equal(second, b'<'), equal(second, b'[')), or(equal(second, b'\\'), equal(second, b'~')));
            or(one, two)
        };
        let taken = first.join(taken(first.first, second.first), taken(first.last, second.last));
        (hits & !(inside & inside << 1) | taken) & valid
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn avx2<const ALL: bool>(text: &[u8], first: u64, window: &mut Window) -> usize {
        if text.len() <= FEW {
            return window.few::<ALL>(text, first, |block| classify2(block));
        }
        let mut count = 0;
        for block in blocks(text) {
            window.classes.set::<ALL>(count, classify2(block));
            count += 1;
        }
        window.fill::<ALL>(count, first, |marks| hits2(marks));
        count
    }

    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    fn classify2(block: &[u8]) -> Masks {
        let pair = Pair::of(block);
        let lower = pair.lower();
        let digit = pair.range(b'0', 10);
        Masks {
            digit,
            hex: digit | lower.range(b'a', 6),
            alnum: digit | lower.range(b'a', 26),
            dot: pair.equal(b'.'),
            dash: pair.equal(b'-') | pair.equal(b'_'),
            plus: pair.equal(b'+'),
            colon: pair.equal(b':'),
            at: pair.equal(b'@'),
            equals: pair.equal(b'='),
            slash: pair.equal(b'/'),
            quote: pair.equal(b'"') | pair.equal(b'\''),
            bracket: pair.range(b'(', 2) | pair.range(b'[', 3),
            ex: lower.equal(b'x'),
            escape: pair.equal(b'%') | pair.equal(b'\\') | pair.equal(0xE3) | pair.equal(0xEF),
            amp: pair.equal(b'&'),
            semicolon: pair.equal(b';'),
            comma: pair.equal(b','),
            user: lower.equal(b'r') & ((lower.equal(b'u') << 3) | (lower.equal(b'f') << 2)),
        }
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn outline2(text: &[u8]) -> Outline {
        let pair = Pair::of(text);
        Outline {
            letter: pair.lower().range(b'a', 26),
            digit: pair.range(b'0', 10),
            dot: pair.equal(b'.'),
            dash: pair.equal(b'-') | pair.equal(b'_'),
            slash: pair.equal(b'/'),
        }
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn colons2(text: &[u8]) -> Option<u64> {
        let pair = Pair::of(text);
        let colons = pair.equal(b':');
        let all = colons | pair.range(b'0', 10) | pair.range(b'a', 6);
        (all == u64::MAX >> (64 - text.len())).then_some(colons)
    }

    #[target_feature(enable = "avx512f,avx512bw,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn colons512(text: &[u8]) -> Option<u64> {
        let v = load512(text);
        let set = |b: u8| _mm512_set1_epi8(b as i8);
        let colons = _mm512_cmpeq_epi8_mask(v, set(b':'));
        let all = colons
            | _mm512_cmplt_epu8_mask(_mm512_sub_epi8(v, set(b'0')), set(10))
            | _mm512_cmplt_epu8_mask(_mm512_sub_epi8(v, set(b'a')), set(6));
        (all == u64::MAX >> (64 - text.len())).then_some(colons)
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn delimiters2(text: &[u8]) -> Delimiters {
        let pair = Pair::of(text);
        Delimiters { separator: pair.equal(b'&') | pair.equal(b';') | pair.equal(b'\\'), equals: pair.equal(b'=') }
    }

    #[target_feature(enable = "avx512f,avx512bw,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn delimiters512(text: &[u8]) -> Delimiters {
        let v = load512(text);
        let equal = |b: u8| _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(b as i8));
        Delimiters { separator: equal(b'&') | equal(b';') | equal(b'\\'), equals: equal(b'=') }
    }

    #[target_feature(enable = "avx512f,avx512bw,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn sight512(text: &[u8], sight: &mut Sight) -> bool {
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,bmi1,bmi2,lzcnt,popcnt")]
        fn glance(block: &[u8]) -> Glance {
            let v = load512(block);
            let set = |b: u8| _mm512_set1_epi8(b as i8);
            Glance {
                feed: _mm512_cmpeq_epi8_mask(v, set(b'\n')),
                quote: _mm512_cmpeq_epi8_mask(v, set(b'"')),
                mark: _mm512_cmpeq_epi8_mask(v, set(b'?')),
                odd: _mm512_cmpge_epu8_mask(_mm512_sub_epi8(v, set(b' ')), set(0x5f))
                    | _mm512_cmpeq_epi8_mask(v, set(b'\\')),
            }
        }
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,bmi1,bmi2,lzcnt,popcnt")]
        fn address(block: &[u8]) -> u64 {
            let v = load512(block);
            let set = |b: u8| _mm512_set1_epi8(b as i8);
            let from_a = _mm512_sub_epi8(_mm512_or_si512(v, set(0x20)), set(b'a'));
            // The colon stands right behind the nine.
            _mm512_cmplt_epu8_mask(_mm512_sub_epi8(v, set(b'0')), set(11))
                | _mm512_cmplt_epu8_mask(from_a, set(6))
                | _mm512_cmpeq_epi8_mask(v, set(b'.'))
        }
        each_block(text, sight, |block| glance(block), |block| address(block))
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn sight2(text: &[u8], sight: &mut Sight) -> bool {
        #[inline]
        #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
        fn glance(block: &[u8]) -> Glance {
            let pair = Pair::of(block);
            Glance {
                feed: pair.equal(b'\n'),
                quote: pair.equal(b'"'),
                mark: pair.equal(b'?'),
                odd: !pair.range(b' ', 0x5f) | pair.equal(b'\\'),
            }
        }
        #[inline]
        #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
        fn address(block: &[u8]) -> u64 {
            let pair = Pair::of(block);
            pair.range(b'0', 11) | pair.lower().range(b'a', 6) | pair.equal(b'.')
        }
        each_block(text, sight, |block| glance(block), |block| address(block))
    }

    #[target_feature(enable = "avx512f,avx512bw,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn outline512(text: &[u8]) -> Outline {
        let v = load512(text);
        let set = |b: u8| _mm512_set1_epi8(b as i8);
        let from_a = _mm512_sub_epi8(_mm512_or_si512(v, set(0x20)), set(b'a'));
        Outline {
            letter: _mm512_cmplt_epu8_mask(from_a, set(26)),
            digit: _mm512_cmplt_epu8_mask(_mm512_sub_epi8(v, set(b'0')), set(10)),
            dot: _mm512_cmpeq_epi8_mask(v, set(b'.')),
            dash: _mm512_cmpeq_epi8_mask(v, set(b'-')) | _mm512_cmpeq_epi8_mask(v, set(b'_')),
            slash: _mm512_cmpeq_epi8_mask(v, set(b'/')),
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn ends512(text: &[u8], ends: &mut Ends) -> bool {
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,bmi1,bmi2,lzcnt,popcnt")]
        fn look(block: &[u8]) -> (u64, u64) {
            let v = load512(block);
            let set = |b: u8| _mm512_set1_epi8(b as i8);
            let equal = |b: u8| _mm512_cmpeq_epi8_mask(v, set(b));
            (equal(b'\n'), equal(b'"') | equal(b'\\') | _mm512_cmplt_epu8_mask(v, set(b' ')))
        }
        each_end(text, ends, |block| look(block))
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) fn ends2(text: &[u8], ends: &mut Ends) -> bool {
        #[inline]
        #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
        fn look(block: &[u8]) -> (u64, u64) {
            let pair = Pair::of(block);
            // What both registers do not hold is taken for control bytes; nobody looks behind the line feed.
            (pair.equal(b'\n'), pair.equal(b'"') | pair.equal(b'\\') | !pair.range(b' ', 0xe0))
        }
        each_end(text, ends, |block| look(block))
    }

    /// Up to 64 bytes in two registers: their first ones and, `shift` bytes on, their last ones. Which bytes both hold does
    /// not matter: they say the same. Zeros fill the registers up.
    #[derive(Clone, Copy)]
    struct Pair {
        first: __m256i,
        last: __m256i,
        shift: u32,
    }

    impl Pair {
        #[inline]
        #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
        fn of(block: &[u8]) -> Pair {
            let length = block.len();
            let shift = |bytes: usize| (length - bytes) as u32;
            if let (Some(first), Some(last)) = (block.first_chunk::<32>(), block.last_chunk::<32>()) {
                // SAFETY: each reads the 32 bytes of its array, and needs no alignment.
                let (first, last) =
                    unsafe { (_mm256_loadu_si256(first.as_ptr().cast()), _mm256_loadu_si256(last.as_ptr().cast())) };
                return Pair { first, last, shift: shift(32) };
            }
            let (first, last, shift) =
                if let (Some(first), Some(last)) = (block.first_chunk::<16>(), block.last_chunk::<16>()) {
                    // SAFETY: each reads the 16 bytes of its array, and needs no alignment.
                    let (first, last) =
                        unsafe { (_mm_loadu_si128(first.as_ptr().cast()), _mm_loadu_si128(last.as_ptr().cast())) };
                    (first, last, shift(16))
                } else if let (Some(first), Some(last)) = (block.first_chunk::<8>(), block.last_chunk::<8>()) {
                    let wide = |bytes: &[u8; 8]| _mm_cvtsi64_si128(i64::from_le_bytes(*bytes));
                    (wide(first), wide(last), shift(8))
                } else if let (Some(first), Some(last)) = (block.first_chunk::<4>(), block.last_chunk::<4>()) {
                    let wide = |bytes: &[u8; 4]| _mm_cvtsi32_si128(i32::from_le_bytes(*bytes));
                    (wide(first), wide(last), shift(4))
                } else {
                    let byte = |at: usize| block.get(at).copied().unwrap_or(0);
                    let few = i32::from_le_bytes([byte(0), byte(1), byte(2), 0]);
                    (_mm_cvtsi32_si128(few), _mm_setzero_si128(), 0)
                };
            Pair { first: _mm256_zextsi128_si256(first), last: _mm256_zextsi128_si256(last), shift }
        }

        /// The same with the bit of lower case set in each byte.
        #[inline]
        #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
        fn lower(self) -> Pair {
            let bit = _mm256_set1_epi8(0x20);
            Pair { first: _mm256_or_si256(self.first, bit), last: _mm256_or_si256(self.last, bit), ..self }
        }

        /// The bytes equal to `b`.
        #[inline]
        #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
        fn equal(self, b: u8) -> u64 {
            let b = _mm256_set1_epi8(b as i8);
            self.join(_mm256_cmpeq_epi8(self.first, b), _mm256_cmpeq_epi8(self.last, b))
        }

        /// The bytes `from`, `from + 1`, … of which there are `count`; a zero byte, which may be none, is never one.
        #[inline]
        #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
        fn range(self, from: u8, count: u8) -> u64 {
            let (from, most) = (_mm256_set1_epi8(from as i8), _mm256_set1_epi8((count - 1) as i8));
            let (first, last) = (_mm256_sub_epi8(self.first, from), _mm256_sub_epi8(self.last, from));
            self.join(
                _mm256_cmpeq_epi8(_mm256_min_epu8(first, most), first),
                _mm256_cmpeq_epi8(_mm256_min_epu8(last, most), last),
            )
        }

        #[inline]
        #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
        fn join(self, first: __m256i, last: __m256i) -> u64 {
            let bits = |v| u64::from(_mm256_movemask_epi8(v) as u32);
            bits(first) | bits(last) << self.shift
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{SIGHT, gap::LONGEST};
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
        equal_for_each::<true>(text);
        equal_for_each::<false>(text);
    }

    fn equal_for_each<const ALL: bool>(text: &[u8]) {
        let (mut all, mut expected) = (Window::default(), Window::default());
        let blocks = plain::<true>(text, u64::MAX, &mut all);
        plain::<ALL>(text, u64::MAX, &mut expected);
        for kernel in Kernel::all() {
            let mut window = Window::default();
            assert_eq!(kernel.window::<ALL>(text, u64::MAX, &mut window), blocks);
            for kind in 0..if ALL { KINDS } else { OF_ADDRESSES } {
                assert_eq!(window.marks[kind][..blocks], all.marks[kind][..blocks], "{kernel:?}");
                let hits = (0..blocks).fold(0, |hits, i| hits | u8::from(all.marks[kind][i] != 0) << i);
                assert_eq!((window.hits[kind], expected.hits[kind]), (hits, hits), "{kernel:?}");
            }
        }
    }

    fn outlines_are_right(text: &[u8]) {
        let text = &text[..text.len().min(64)];
        let mask = |is: fn(u8) -> bool| (0..text.len()).filter(|&i| is(text[i])).fold(0, |all, i| all | 1 << i);
        let expected = Outline {
            letter: mask(|b| b.is_ascii_alphabetic()),
            digit: mask(|b| b.is_ascii_digit()),
            dot: mask(|b| b == b'.'),
            dash: mask(|b| matches!(b, b'-' | b'_')),
            slash: mask(|b| b == b'/'),
        };
        for kernel in Kernel::all() {
            let outline = kernel.outline(text);
            assert!(outline.is_none_or(|outline| outline == expected), "{kernel:?}");
            assert_eq!(outline.is_none(), kernel == Kernel::Plain);
            let groups = text.iter().all(|byte| matches!(byte, b'0'..=b':' | b'a'..=b'f')) && !text.is_empty();
            let colons = (groups && kernel != Kernel::Plain).then(|| mask(|b| b == b':'));
            assert_eq!(kernel.colons(text), colons, "{kernel:?}");
            let delimiters =
                Delimiters { separator: mask(|b| matches!(b, b'&' | b';' | b'\\')), equals: mask(|b| b == b'=') };
            assert_eq!(kernel.delimiters(text), delimiters, "{kernel:?}");
        }
    }

    fn sights_are_right(text: &[u8]) {
        let end = text.iter().position(|&byte| byte == b'\n');
        let line = &text[..end.unwrap_or(0)];
        let quotes: Vec<u32> = (0..line.len()).filter(|&i| line[i] == b'"').map(|i| i as u32).collect();
        let plain = line.iter().all(|byte| matches!(byte, b' '..=b'[' | b']'..=b'~'));
        let seen = end.is_some() && line.len() < SIGHT && quotes.len() <= QUOTES && plain;
        for kernel in Kernel::all() {
            let mut sight = Sight { marks: [u64::MAX; SIGHT / 64], ..Sight::default() };
            assert_eq!(kernel.sight(text, &mut sight), seen, "{kernel:?}");
            if seen {
                assert_eq!((sight.length, &sight.quotes[..sight.count]), (line.len(), &quotes[..]), "{kernel:?}");
                for at in 0..=line.len() {
                    let mark = (at..line.len()).find(|&i| line[i] == b'?');
                    assert_eq!(sight.mark(at), mark, "{kernel:?}");
                }
                for (i, byte) in text.iter().enumerate().take(64) {
                    let is = byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':');
                    assert_eq!(sight.address >> i & 1 == 1, is, "{kernel:?}");
                }
            }
        }
    }

    fn ends_are_right(text: &[u8]) {
        let length = text.iter().position(|&byte| byte == b'\n').filter(|&length| length < LONGEST);
        for kernel in Kernel::all() {
            let mut ends = Ends { length: 7, bits: [u64::MAX; LONGEST / 64] };
            assert_eq!(kernel.ends(text, &mut ends), length.is_some(), "{kernel:?}");
            let Some(length) = length else { continue };
            assert_eq!(ends.length, length, "{kernel:?}");
            let mut next = length;
            for at in (0..=length).rev() {
                if matches!(text[at], 0..b' ' | b'"' | b'\\') {
                    next = at;
                }
                assert_eq!(ends.next(at), next, "{kernel:?}");
            }
        }
    }

    #[test]
    fn where_strings_may_end_is_seen_up_to_the_line_feed_of_any_length() {
        for length in (0..200).chain(LONGEST - 66..LONGEST + 3) {
            for behind in [&b""[..], b"\n", b"\n\"\\\n", &[b'\n'; 70]] {
                let mut text: Vec<u8> = (0..=255).filter(|&byte| byte != b'\n').cycle().take(length).collect();
                if length > 300 {
                    text[270..].fill(b'x');
                }
                text.extend_from_slice(behind);
                ends_are_right(&text);
            }
        }
    }

    #[test]
    fn a_line_is_taken_in_up_to_its_line_feed() {
        for length in (0..200).chain(SIGHT - 66..SIGHT + 3) {
            for (at, byte) in [(0, b'"'), (length / 2, b'?'), (length.saturating_sub(1), b'\\'), (length / 3, 0x7f)] {
                for behind in [
                    &b""[..],
                    b"\n",
                    b"\n\"?\n",
                    b"\nabcdefghijklmnopqrstuvwxyz0123456789.:\"abcdefghijklmnopqrstuvwxyz",
                ] {
                    let mut text: Vec<u8> = b"ab 1.\"f?:~g".iter().copied().cycle().take(length).collect();
                    if length > 64 {
                        text[8..].fill(b'x');
                    }
                    if let Some(place) = text.get_mut(at) {
                        *place = byte;
                    }
                    text.extend_from_slice(behind);
                    sights_are_right(&text);
                }
            }
        }
    }

    #[test]
    fn every_length_is_read_to_its_last_byte() {
        let text: Vec<u8> = b"a/0._-Z9~\0{@[`:\xff".iter().copied().cycle().take(300).collect();
        for start in 0..64 {
            for length in 0..=128 {
                equal_for_all(&text[start..start + length]);
                outlines_are_right(&text[start..start + length]);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn lines_are_taken_in_alike(text in r#"[ -~]{0,70}("?[a-z]{0,30}){0,10}\n?[ -~\n]{0,80}"#) {
            sights_are_right(text.as_bytes());
        }

        #[test]
        fn groups_are_seen_alike(text in "[0-9a-f:]{0,64}", other in "[0-9a-f:]{0,63}[@-z]?") {
            outlines_are_right(text.as_bytes());
            outlines_are_right(other.as_bytes());
        }

        #[test]
        fn kernels_agree_on_any_bytes(text: Vec<u8>) {
            ends_are_right(&text);
            sights_are_right(&text);
            equal_for_all(&text);
            outlines_are_right(&text);
        }
    }
}
