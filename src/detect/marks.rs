//! Class masks → the few places where a verifier has to look.
//!
//! Pure logic on 64 bits at a time, looking back only, so that one block of the past is all it carries. A mark is a
//! necessary condition: where there is none, the verifier would find nothing (a test tries it at every byte).

use super::kernel::Masks;

/// Where to look, in one block of 64 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// Inside a word that may spell an address.
    pub word: u64,
    /// At a colon inside what may be an IPv6 or hardware address.
    pub colon: u64,
    /// Inside a run of token characters that is long enough.
    pub token: u64,
    /// At the fourth dash of what may be a UUID.
    pub uuid: u64,
    /// At the last separator of what may be a hardware address with dashes or dots.
    pub mac: u64,
    /// At the last separator of what may be a grouped IMEI.
    pub imei: u64,
    /// At an `@`.
    pub at: u64,
    /// At a `=` or `:` behind a name.
    pub named: u64,
    /// At a digit where a host stands: behind `//` or `name=`.
    pub host: u64,
}

impl Marks {
    /// What of it `asked` lets through.
    #[inline(always)]
    pub(super) fn only(&self, asked: &Marks) -> Marks {
        Marks {
            word: self.word & asked.word,
            colon: self.colon & asked.colon,
            token: self.token & asked.token,
            uuid: self.uuid & asked.uuid,
            mac: self.mac & asked.mac,
            imei: self.imei & asked.imei,
            at: self.at & asked.at,
            named: self.named & asked.named,
            host: self.host & asked.host,
        }
    }

    /// Whether there is nothing to look at.
    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        self.word | self.colon | self.token | self.uuid | self.mac | self.imei | self.at | self.named | self.host == 0
    }
}

/// What a block has to know of the one before it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Carry {
    masks: Masks,
    token: u64,
    step: u64,
    step2: u64,
    runs: [u64; 4],
    digits: [u64; 4],
    six: u64,
    four: u64,
}

impl Carry {
    /// The marks of the block `m`, which follows the block of the last call.
    #[inline(always)]
    pub(super) fn next(&mut self, m: &Masks) -> Marks {
        let before = &self.masks;
        let token = m.alnum | m.dash | m.plus;
        let digit1 = back(m.digit, before.digit, 1);
        let dot1 = back(m.dot, before.dot, 1);
        let dash1 = back(m.dash, before.dash, 1);

        // An address in four parts: three times a digit behind a separator behind a digit, 2 to 5 bytes apart.
        let step = m.digit & (dot1 | dash1) & back(m.digit, before.digit, 2);
        let step2 = step & near(step, self.step);
        let step3 = step & near(step2, self.step2);
        // Nibbles: four dots two apart. Hexadecimal: `0x` at the start of a part.
        let dot5 = back(m.dot, before.dot, 5);
        let nibbles = m.dot & back(m.dot, before.dot, 2) & back(m.dot, before.dot, 4) & back(m.dot, before.dot, 6);
        let hexadecimal = m.ex & digit1 & !back(m.alnum, before.alnum, 2);
        // IPv6 in a host name: `--` between hexadecimal digits, or seven dashes no more than five apart.
        let double =
            m.hex & dash1 & back(m.dash, before.dash, 2) & back(m.hex, before.hex, 3);
        let mut word = step3 | nibbles | hexadecimal | double;
        if m.dash.count_ones() + before.dash.count_ones() >= 7 {
            word |= chain(m.dash, before.dash, 6);
        }

        let mut colon = m.colon & back(m.colon, before.colon, 1);
        if m.colon.count_ones() + before.colon.count_ones() >= 5 {
            colon |= chain(m.colon, before.colon, 4);
        }

        // A run reaches 16 token characters, or 12 digits.
        let t2 = token & back(token, self.token, 1);
        let t4 = t2 & back(t2, self.runs[0], 2);
        let t8 = t4 & back(t4, self.runs[1], 4);
        let t16 = t8 & back(t8, self.runs[2], 8);
        let d2 = m.digit & digit1;
        let d4 = d2 & back(d2, self.digits[0], 2);
        let d8 = d4 & back(d4, self.digits[1], 4);
        let d12 = d8 & back(d4, self.digits[1], 8);
        let long = (t16 & !back(t16, self.runs[3], 1)) | (d12 & !back(d12, self.digits[3], 1));

        // Fixed patterns, seen from their last separator.
        let dash5 = back(m.dash, before.dash, 5);
        let uuid = m.dash & dash5 & back(m.dash, before.dash, 10) & back(m.dash, before.dash, 15);
        let dash3 = back(m.dash, before.dash, 3);
        let pairs =
            m.dash & dash3 & back(m.dash, before.dash, 6) & back(m.dash, before.dash, 9) & back(m.dash, before.dash, 12);
        let h2 = m.hex & back(m.hex, before.hex, 1);
        let h4 = h2 & back(m.hex, before.hex, 2) & back(m.hex, before.hex, 3);
        let quads = m.dot & dot5 & back(h4, self.four, 1) & back(h4, self.four, 6);
        let d6 = d4 & back(d2, self.digits[0], 4);
        let gap = !token | m.dash;
        let gap_before = !self.token | before.dash;
        let imei = gap & back(d6, self.six, 1) & back(gap, gap_before, 7) & back(d6, self.six, 8);

        // `name=`, `name:`, `"name":`.
        let token1 = back(token, self.token, 1);
        let named = (m.equals & token1)
            | ((m.colon | m.equals) & ((token1 & !digit1) | back(m.quote, before.quote, 1)));
        let slashes = back(m.slash, before.slash, 1) & back(m.slash, before.slash, 2);
        let valued = back(m.equals, before.equals, 1) & back(token, self.token, 2);
        let host = m.digit & (slashes | valued);

        *self = Carry {
            masks: *m,
            token,
            step,
            step2,
            runs: [t2, t4, t8, t16],
            digits: [d2, d4, d8, d12],
            six: d6,
            four: h4,
        };
        Marks { word, colon, token: long, uuid, mac: pairs | quads, imei, at: m.at, named, host }
    }
}

/// The mask as it stood `by` bytes earlier.
#[inline(always)]
fn back(now: u64, before: u64, by: u32) -> u64 {
    (now << by) | (before >> (64 - by))
}

/// Whether a bit stood 2 to 5 bytes earlier.
#[inline(always)]
fn near(now: u64, before: u64) -> u64 {
    back(now, before, 2) | back(now, before, 3) | back(now, before, 4) | back(now, before, 5)
}

/// The bits with at least `steps` more before them, each at most five bytes from the next.
fn chain(now: u64, before: u64, steps: u32) -> u64 {
    let all = (u128::from(now) << 64) | u128::from(before);
    let mut left = all;
    for _ in 0..steps {
        left = all & ((left << 1) | (left << 2) | (left << 3) | (left << 4) | (left << 5));
    }
    (left >> 64) as u64
}
