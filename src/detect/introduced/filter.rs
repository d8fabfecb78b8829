//! Which of many words may begin at a byte of a text, by its first eight bytes.
//!
//! The kernel names the places where three bytes are like those of some word ([`HEADS`]). There words that begin alike share
//! a bucket: four tables, one for each of a word's first four bytes, say which buckets have a word with such a byte there; of
//! those that all four name, the words are compared, eight bytes at once. What passes may be the word: whoever asks must look.

use super::{
    super::kernel::{HEAD, Heads, Kernel},
    CAPITAL, DIGIT, DOTTED, HEX, LETTER, MARKS, fits,
};

/// Calls for each place of `text` where a word may stand with the word's number among [`MARKS`]: place by place, the words of
/// one place in any order.
#[inline]
pub(super) fn each(kernel: Kernel, text: &[u8], mut call: impl FnMut(usize, usize)) {
    let mut base = 0;
    while base + HEAD <= text.len() {
        let block = &text[base..text.len().min(base + 64)];
        let mut places = kernel.heads(block, &HEADS);
        while places != 0 {
            let at = base + places.trailing_zeros() as usize;
            places &= places - 1;
            let four = match text[at..] {
                [a, b, c, d, ..] => [a, b, c, d],
                // A word of three bytes may be the end.
                [a, b, c] => [a, b, c, 0],
                _ => break,
            };
            let buckets = FILTER.buckets(four);
            if buckets != 0 {
                candidates(text, at, buckets, &mut call);
            }
        }
        // The last places of a block are those at which it holds no whole head.
        base += 64 - HEAD + 1;
    }
}

#[inline(always)]
fn candidates(text: &[u8], at: usize, mut buckets: u64, call: &mut impl FnMut(usize, usize)) {
    let here = head(text, at);
    while buckets != 0 {
        let bucket = buckets.trailing_zeros() as usize;
        buckets &= buckets - 1;
        for word in &FILTER.words[bucket] {
            if (here | word.small) & word.mask == word.bytes {
                call(at, word.number as usize);
            }
        }
    }
}

/// The eight bytes from `at` on; behind the text there are zeros, which no word has.
#[inline(always)]
fn head(text: &[u8], at: usize) -> u64 {
    let rest = &text[at..];
    match rest.first_chunk::<8>() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => rest.iter().rev().fold(0, |all, &byte| all << 8 | u64::from(byte)),
    }
}

struct Filter {
    /// For each of a word's first four bytes the buckets of the words that may have it there.
    tables: [[u64; 256]; 4],
    /// The words of each bucket, those that begin alike next to one another.
    words: [[Word; SHARE]; BUCKETS],
}

/// A word's first eight bytes.
#[derive(Clone, Copy)]
struct Word {
    /// The bit that makes a small letter of a capital one, where the word has a letter.
    small: u64,
    /// Which of the bytes are compared: neither those behind the word nor those that a class stands for.
    mask: u64,
    bytes: u64,
    /// Its number among the marks.
    number: u16,
}

impl Word {
    /// Where there is no word: nothing is like it.
    const NONE: Word = Word { small: 0, mask: 0, bytes: 1, number: 0 };
}

impl Filter {
    #[inline(always)]
    fn buckets(&self, [a, b, c, d]: [u8; 4]) -> u64 {
        let [first, second, third, fourth] = &self.tables;
        first[usize::from(a)] & second[usize::from(b)] & third[usize::from(c)] & fourth[usize::from(d)]
    }
}

/// How many buckets there are.
const BUCKETS: usize = 64;

/// At most so many words are in a bucket.
const SHARE: usize = MARKS.len().div_ceil(BUCKETS);

static FILTER: Filter = {
    let mut filter = Filter { tables: [[0; 256]; 4], words: [[Word::NONE; SHARE]; BUCKETS] };
    // In order of their first four bytes, letters in small.
    let (mut keys, mut numbers) = ([0u32; MARKS.len()], [0; MARKS.len()]);
    let mut i = 0;
    while i < MARKS.len() {
        let word = MARKS[i].0.as_bytes();
        assert!(word.len() >= 3, "a word has three bytes");
        let fourth = if word.len() > 3 { word[3].to_ascii_lowercase() } else { 0 };
        let [first, second, third] =
            [word[0].to_ascii_lowercase(), word[1].to_ascii_lowercase(), word[2].to_ascii_lowercase()];
        let key = u32::from_be_bytes([first, second, third, fourth]);
        let mut place = i;
        while place > 0 && keys[place - 1] > key {
            keys[place] = keys[place - 1];
            numbers[place] = numbers[place - 1];
            place -= 1;
        }
        keys[place] = key;
        numbers[place] = i;
        i += 1;
    }
    let mut place = 0;
    while place < MARKS.len() {
        let text = MARKS[numbers[place]].0.as_bytes();
        let mut word = Word { small: 0, mask: 0, bytes: 0, number: numbers[place] as u16 };
        let mut at = 0;
        while at < 8 {
            let pattern = if at < text.len() { text[at] } else { 0 };
            if at < 4 {
                admit(&mut filter.tables[at], pattern, 1 << (place / SHARE));
            }
            if !is_class(pattern) && pattern != 0 {
                let byte = pattern.to_ascii_lowercase();
                word.small |= (if byte.is_ascii_lowercase() { 0x20 } else { 0 }) << (8 * at);
                word.mask |= 0xff << (8 * at);
                word.bytes |= (byte as u64) << (8 * at);
            }
            at += 1;
        }
        filter.words[place / SHARE][place % SHARE] = word;
        place += 1;
    }
    filter
};

/// What the kernel looks for. A word whose second byte, or whose first one, says enough is in no bucket.
static HEADS: Heads = {
    let mut heads = Heads::NONE;
    let mut i = 0;
    while i < MARKS.len() {
        let word = MARKS[i].0.as_bytes();
        if !heads.takes(word[0], word[1]) {
            assert!(!is_class(word[0]), "behind a class stands what the kernel knows by itself");
            let bucket = bucket(word[0]);
            let mut at = 0;
            while at < HEAD {
                if is_class(word[at]) {
                    let mut byte = 0;
                    while byte < 256 {
                        if fits(word[at], byte as u8) {
                            heads.admit(at, byte as u8, bucket);
                        }
                        byte += 1;
                    }
                } else {
                    heads.admit(at, word[at].to_ascii_lowercase(), bucket);
                    heads.admit(at, word[at].to_ascii_uppercase(), bucket);
                }
                at += 1;
            }
        }
        i += 1;
    }
    heads
};

/// Words that begin with these share a bucket of the kernel's: chosen so that few other words are like them in ordinary logs.
const fn bucket(first: u8) -> u32 {
    match first.to_ascii_lowercase() {
        b'd' | b'f' | b't' | b'v' => 0,
        b'a' | b'g' | b'j'..=b'o' => 1,
        b'c' | b's' => 2,
        b'b' | b'h' | b'i' | b'p'..=b'r' | b'u' | b'w'..=b'z' => 3,
        b'e' | 0x80.. => 4,
        b' ' | b'\'' => 5,
        b'"' | b',' | b'/' | b'<' | b'\\' | b'|' => 6,
        _ => 7,
    }
}

/// Notes that a word of the bucket may have there what the pattern says: any byte, where it is over.
const fn admit(table: &mut [u64; 256], pattern: u8, bucket: u64) {
    if pattern != 0 && !is_class(pattern) {
        table[pattern.to_ascii_lowercase() as usize] |= bucket;
        table[pattern.to_ascii_uppercase() as usize] |= bucket;
        return;
    }
    let mut byte = 0;
    while byte < 256 {
        if pattern == 0 || fits(pattern, byte as u8) {
            table[byte] |= bucket;
        }
        byte += 1;
    }
}

/// Whether the pattern stands for a class of bytes.
const fn is_class(pattern: u8) -> bool {
    matches!(pattern, DIGIT | DOTTED | CAPITAL | LETTER | HEX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::stands;
    use super::*;
    use proptest::prelude::*;

    fn plain(text: &[u8]) -> Vec<(usize, usize)> {
        let words = || MARKS.iter().enumerate();
        (0..text.len())
            .flat_map(|at| {
                words()
                    .filter(move |(_, (word, mark))| stands(text, at, word.as_bytes(), *mark))
                    .map(move |(i, _)| (at, i))
            })
            .collect()
    }

    fn fast(text: &[u8]) -> Vec<(usize, usize)> {
        let read = |kernel: Kernel| {
            let (mut all, mut last) = (Vec::new(), 0);
            each(kernel, text, |at, word| {
                assert!(at >= last, "{kernel:?}");
                last = at;
                let (bytes, mark) = MARKS[word];
                if stands(text, at, bytes.as_bytes(), mark) {
                    all.push((at, word));
                }
            });
            all.sort_unstable();
            all
        };
        let mut all = Kernel::all().into_iter().map(read);
        let plain = all.next().unwrap();
        all.for_each(|other| assert_eq!(other, plain));
        plain
    }

    /// A text that has the word's bytes, of each class one.
    fn text(word: &str, upper: bool) -> Vec<u8> {
        let some = |pattern: u8| (0..=255u8).rev().find(|&byte| fits(pattern, byte)).unwrap();
        let byte = |pattern: u8| match is_class(pattern) {
            true => some(pattern),
            false if upper => pattern.to_ascii_uppercase(),
            false => pattern,
        };
        word.bytes().map(byte).collect()
    }

    #[test]
    fn every_word_is_let_through_wherever_it_stands() {
        for (number, (word, mark)) in MARKS.iter().enumerate() {
            for upper in [false, true] {
                for around in [("", ""), (" ", ""), ("", " "), ("a long text in front: ", " and one behind")] {
                    let text = [around.0.as_bytes(), &text(word, upper), around.1.as_bytes()].concat();
                    let at = around.0.len();
                    let found = fast(&text).contains(&(at, number));
                    assert_eq!(found, stands(&text, at, word.as_bytes(), *mark), "{word} in {around:?}");
                    assert!(found || upper, "{word} in {around:?}");
                }
            }
        }
    }

    #[test]
    fn a_word_is_found_in_every_place_of_a_long_text() {
        for (number, (word, mark)) in MARKS.iter().enumerate() {
            let text = text(word, false);
            for before in (0..140).step_by(if number % 8 == 0 { 1 } else { 7 }) {
                for behind in [0, 1, 100] {
                    let whole = [&vec![b' '; before][..], &text, &vec![b'.'; behind]].concat();
                    let stands = stands(&whole, before, word.as_bytes(), *mark);
                    assert_eq!(fast(&whole).contains(&(before, number)), stands, "{word} at {before}");
                }
            }
        }
    }

    fn piece() -> impl Strategy<Value = Vec<u8>> {
        let word = (0..MARKS.len(), any::<bool>()).prop_map(|(i, upper)| text(MARKS[i].0, upper));
        prop_oneof![word, proptest::collection::vec(any::<u8>(), 0..4), "[a-z ]{0,40}".prop_map(String::into_bytes)]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn what_the_tables_let_through_holds_all_that_stands(pieces in proptest::collection::vec(piece(), 0..6), from in 0..4usize) {
            let text = pieces.concat();
            let text = text.get(from..).unwrap_or_default();
            prop_assert_eq!(fast(text), plain(text));
        }
    }
}
