//! 32 bytes behind a word, in letters and digits with a checksum (BIP 173).

/// In small letters.
pub(super) fn encode(word: &str, bytes: &[u8; 32]) -> String {
    let mut fives = Vec::with_capacity(58);
    let (mut bits, mut count) = (0u32, 0);
    for &byte in bytes {
        (bits, count) = (bits << 8 | u32::from(byte), count + 8);
        while count >= 5 {
            count -= 5;
            fives.push((bits >> count & 31) as u8);
        }
        bits &= (1 << count) - 1;
    }
    fives.push((bits << (5 - count) & 31) as u8);
    let sum = checksum(word, &fives, &[0; 6]) ^ 1;
    fives.extend((0..6).map(|at| (sum >> (25 - 5 * at) & 31) as u8));
    let letters: String = fives.iter().map(|&five| char::from(LETTERS[usize::from(five)])).collect();
    zeroize::Zeroize::zeroize(&mut fives);
    format!("{word}1{letters}")
}

/// In small letters or in capitals, not in both.
pub(super) fn decode(word: &str, text: &str) -> Option<[u8; 32]> {
    let lower = zeroize::Zeroizing::new(text.to_ascii_lowercase());
    if *lower != text && text.to_ascii_uppercase() != text {
        return None;
    }
    let letters = lower.strip_prefix(word)?.strip_prefix('1')?;
    let five = |letter: u8| LETTERS.iter().position(|&known| known == letter).map(|at| at as u8);
    let fives = zeroize::Zeroizing::new(letters.bytes().map(five).collect::<Option<Vec<u8>>>()?);
    if fives.len() != 58 || checksum(word, &fives, &[]) != 1 {
        return None;
    }
    let mut bytes = [0; 32];
    let (mut bits, mut count, mut at) = (0u32, 0, 0);
    for &five in &fives[..52] {
        (bits, count) = (bits << 5 | u32::from(five), count + 5);
        if count >= 8 {
            count -= 8;
            bytes[at] = (bits >> count) as u8;
            at += 1;
            bits &= (1 << count) - 1;
        }
    }
    // What is left over stands for nothing.
    (bits == 0).then_some(bytes)
}

fn checksum(word: &str, fives: &[u8], behind: &[u8]) -> u32 {
    let high = word.bytes().map(|byte| byte >> 5);
    let low = word.bytes().map(|byte| byte & 31);
    high.chain([0]).chain(low).chain(fives.iter().copied()).chain(behind.iter().copied()).fold(1u32, |sum, five| {
        let top = sum >> 25;
        let sum = (sum & 0x1ff_ffff) << 5 ^ u32::from(five);
        GENERATORS
            .iter()
            .enumerate()
            .fold(sum, |sum, (at, generator)| if top >> at & 1 == 1 { sum ^ generator } else { sum })
    })
}

const LETTERS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATORS: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
