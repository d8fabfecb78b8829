//! Which of many words may begin at a byte of a text, by its first eight bytes.
//!
//! The kernel names the places where three bytes are like those of some word ([`HEADS`]). There the three bytes lead to the few
//! words that begin with them, which are compared, eight bytes at once; words with a class among their first bytes have a bit
//! each in three tables. What passes may be the word: whoever asks must look.

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
            candidates(text, at, &mut call);
        }
        // The last places of a block are those at which it holds no whole head.
        base += 64 - HEAD + 1;
    }
}

#[inline(always)]
fn candidates(text: &[u8], at: usize, call: &mut impl FnMut(usize, usize)) {
    let here = head(text, at);
    let (first, last) = FILTER.slots[slot(here)];
    for word in &FILTER.words[usize::from(first)..usize::from(last)] {
        word.compare(here, at, call);
    }
    let [one, two, three, ..] = here.to_le_bytes().map(usize::from);
    let mut classes = FILTER.classes[0][one] & FILTER.classes[1][two] & FILTER.classes[2][three];
    while classes != 0 {
        FILTER.words[classes.trailing_zeros() as usize].compare(here, at, call);
        classes &= classes - 1;
    }
}

/// Where the words with such a head are told: letters count alike in either case.
#[inline(always)]
const fn slot(head: u64) -> usize {
    let three = head as u32 & 0x00ff_ffff | 0x0020_2020;
    (three.wrapping_mul(0x9e37_79b1) >> (32 - SLOTS)) as usize
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
    /// Words with a class among their first three bytes, at most 32, then all others in the order of their slots.
    words: [Word; MARKS.len()],
    /// From which of them to behind which those stand that share a slot.
    slots: [(u16, u16); 1 << SLOTS],
    /// For each of the first three bytes which of the first words may have it there.
    classes: [[u32; 256]; HEAD],
}

/// There are 2048 slots.
const SLOTS: u32 = 11;

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
    /// The first eight bytes of the pattern, which is that of the mark of this number.
    const fn of(pattern: &[u8], number: usize) -> Word {
        let mut word = Word { small: 0, mask: 0, bytes: 0, number: number as u16 };
        let mut at = 0;
        while at < 8 && at < pattern.len() {
            if !is_class(pattern[at]) {
                let byte = pattern[at].to_ascii_lowercase();
                word.small |= (if byte.is_ascii_lowercase() { 0x20 } else { 0 }) << (8 * at);
                word.mask |= 0xff << (8 * at);
                word.bytes |= (byte as u64) << (8 * at);
            }
            at += 1;
        }
        word
    }

    /// Calls where the eight bytes at `at` may be those of the word.
    #[inline(always)]
    fn compare(&self, here: u64, at: usize, call: &mut impl FnMut(usize, usize)) {
        if (here | self.small) & self.mask == self.bytes {
            call(at, usize::from(self.number));
        }
    }
}

static FILTER: Filter = {
    let none = Word { small: 0, mask: 0, bytes: 0, number: 0 };
    let mut filter = Filter { words: [none; MARKS.len()], slots: [(0, 0); 1 << SLOTS], classes: [[0; 256]; HEAD] };
    let (mut i, mut count) = (0, 0);
    while i < MARKS.len() {
        let word = MARKS[i].0.as_bytes();
        assert!(word.len() >= HEAD, "a word has three bytes");
        if has_class(word) {
            assert!(count < 32, "so many words have a bit");
            filter.words[count] = Word::of(word, i);
            let mut at = 0;
            while at < HEAD {
                admit(&mut filter.classes[at], word[at], 1 << count);
                at += 1;
            }
            count += 1;
        }
        i += 1;
    }
    // The others in order of their slots, by inserting one after the other.
    let begin = count;
    i = 0;
    while i < MARKS.len() {
        let word = MARKS[i].0.as_bytes();
        if !has_class(word) {
            let word = Word::of(word, i);
            let mut place = count;
            while place > begin && slot(filter.words[place - 1].bytes) > slot(word.bytes) {
                filter.words[place] = filter.words[place - 1];
                place -= 1;
            }
            filter.words[place] = word;
            count += 1;
        }
        i += 1;
    }
    i = begin;
    while i < MARKS.len() {
        let range = &mut filter.slots[slot(filter.words[i].bytes)];
        if range.1 == 0 {
            range.0 = i as u16;
        }
        range.1 = i as u16 + 1;
        i += 1;
    }
    filter
};

/// Whether one of the first three bytes stands for a class.
const fn has_class(word: &[u8]) -> bool {
    is_class(word[0]) || is_class(word[1]) || is_class(word[2])
}

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

/// Notes that a word may have there what the pattern says.
const fn admit(table: &mut [u32; 256], pattern: u8, word: u32) {
    let mut byte = 0;
    while byte < 256 {
        if fits(pattern, byte as u8) {
            table[byte] |= word;
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
