//! Class masks → the few places where a verifier has to look.
//!
//! Pure logic on 64 bits at a time, looking back 16 bytes and never ahead. A mark is a necessary condition: where there is none, the verifier would find nothing (a test tries it at every byte).

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
    /// At an `@` that follows no other.
    pub at: u64,
    /// At a `=` or `:` behind a name.
    pub named: u64,
    /// At a digit where a host stands: behind `//`, `name=` or `"name":`.
    pub host: u64,
    /// At a comma behind a digit.
    pub list: u64,
    /// At what may start an escape, at the end of what may be an entity (`&#46;`), and of what may be a sign in brackets:
    /// `[.]`, `(at)`.
    pub escape: u64,
    /// At a digit inside what may be a telephone number, a card or an identity number.
    pub number: u64,
    /// At the sixth character of what may be a bank account number.
    pub iban: u64,
    /// At the end of what may be the word `user` or `for`.
    pub user: u64,
}

/// How many kinds of marks there are. Where those of one kind stand in a window: the name of their field.
pub(super) const KINDS: usize = 14;

/// How many of them, the first ones, are those of [`Marks::of_addresses`].
pub(super) const OF_ADDRESSES: usize = 5;

impl Marks {
    pub(super) const WORD: usize = 0;
    pub(super) const COLON: usize = 1;
    pub(super) const HOST: usize = 2;
    pub(super) const ESCAPE: usize = 3;
    pub(super) const LIST: usize = 4;
    pub(super) const TOKEN: usize = 5;
    pub(super) const UUID: usize = 6;
    pub(super) const MAC: usize = 7;
    pub(super) const IMEI: usize = 8;
    pub(super) const AT: usize = 9;
    pub(super) const NAMED: usize = 10;
    pub(super) const NUMBER: usize = 11;
    pub(super) const IBAN: usize = 12;
    pub(super) const USER: usize = 13;
}

/// How far back the logic looks: marks in the first bytes of a block that is not the first are the block's before it.
pub(super) const REACH: usize = 16;

impl Marks {
    /// The marks of one block.
    #[inline(always)]
    pub(super) fn of(m: &Masks) -> Marks {
        let addresses = Marks::of_addresses(m);
        let token = m.alnum | m.dash | m.plus;
        let h2 = m.hex & (m.hex << 1);
        let h4 = h2 & (h2 << 2);

        // A run reaches 16 token characters, or 12 digits.
        let t2 = token & (token << 1);
        let t4 = t2 & (t2 << 2);
        let t8 = t4 & (t4 << 4);
        let t16 = t8 & (t8 << 8);
        let d2 = m.digit & (m.digit << 1);
        let d4 = d2 & (d2 << 2);
        let d12 = d4 & (d4 << 4) & (d4 << 8);
        let long = (t16 & !(t16 << 1)) | (d12 & !(d12 << 1));

        // Fixed patterns, seen from their last separator.
        let uuid = m.dash & (m.dash << 5) & (m.dash << 10) & (m.dash << 15) & (h4 << 1) & (h4 << 6) & (h4 << 11);
        let pair = m.dash & (h2 << 1);
        let pairs = pair & (pair << 3) & (pair << 6) & (pair << 9) & (pair << 12);
        let quads = m.dot & (m.dot << 5) & (h4 << 1) & (h4 << 6);
        let d6 = d4 & (d2 << 4);
        let gap = !token | m.dash;
        let imei = gap & (d6 << 1) & (gap << 7) & (d6 << 8);

        // `name=`, `name[…]=`, `name:`, `"name":`.
        let named =
            (m.equals & ((token | m.bracket) << 1)) | ((m.colon | m.equals) & (((token & !m.digit) | m.quote) << 1));

        // Eight digits and separators that end with two digits, with two more shortly before; six digits, or a digit behind
        // a plus.
        let gap = !(m.alnum | m.slash | m.colon | m.quote | m.equals | m.at | m.escape | m.amp);
        let grouped = m.digit | gap;
        let r2 = grouped & (grouped << 1);
        let r4 = r2 & (r2 << 2);
        let r8 = r4 & (r4 << 4);
        let groups = d2 & r8 & ((d2 << 3) | (d2 << 4) | (d2 << 5));
        let number = (groups & !(groups << 1)) | (d6 & !(d6 << 1)) | (m.digit & (m.plus << 1));
        // Two letters that start a word, two digits, one more or a separator, one more.
        let letter = m.alnum & !m.digit;
        let iban = m.alnum & (d2 << 2) & (letter << 4) & (letter << 5) & !(m.alnum << 6);

        Marks {
            token: long,
            uuid,
            mac: pairs | quads,
            imei,
            at: m.at & !(m.at << 1),
            named,
            number,
            iban,
            user: m.user,
            ..addresses
        }
    }

    /// Those of addresses and of escapes alone.
    #[inline(always)]
    pub(super) fn of_addresses(m: &Masks) -> Marks {
        // An address in four parts: three times a digit behind a separator behind a digit, 2 to 5 bytes apart.
        let step = m.digit & ((m.dot | m.dash) << 1) & (m.digit << 2);
        let step3 = step & near(step & near(step));
        // Nibbles: four dots two apart. Hexadecimal: `0x` at the start of a part.
        let nibbles = m.dot & (m.dot << 2) & (m.dot << 4) & (m.dot << 6);
        let hexadecimal = m.ex & (m.digit << 1) & !(m.alnum << 2);
        // IPv6 in a host name: `--` between hexadecimal digits, or a dash behind 14 such digits and dashes.
        let double = m.hex & (m.dash << 1) & (m.dash << 2) & (m.hex << 3);
        let g2 = (m.hex | m.dash) & ((m.hex | m.dash) << 1);
        let g4 = g2 & (g2 << 2);
        let g8 = g4 & (g4 << 4);
        let groups = m.dash & g8 & (g8 << 6) & (near(m.dash));
        // An address in eight hexadecimal digits: `p51a722db.dip0.isp.example`. They stand in the first label, behind no more
        // than six letters.
        let h2 = m.hex & (m.hex << 1);
        let h4 = h2 & (h2 << 2);
        let a2 = m.alnum & (m.alnum << 1);
        let a4 = a2 & (a2 << 2);
        let a8 = a4 & (a4 << 4);
        let eight = m.dot & (h4 << 1) & (h4 << 5) & !(m.dot << 9) & !((a8 << 1) & (a8 << 8));
        let word = step3 | nibbles | hexadecimal | double | groups | eight;

        // Two colons, or four no more than five bytes apart: a time of day with its date has three.
        let colon = m.colon & ((m.colon << 1) | near1(m.colon & near1(m.colon & near1(m.colon))));

        // A number behind `//`, `name=` or `"name":`.
        let slashes = (m.slash << 1) & (m.slash << 2);
        let valued = (m.equals << 1) & (m.alnum << 2);
        let keyed = (m.colon << 1) & (m.quote << 2) | !m.alnum << 1 & (m.colon << 2) & (m.quote << 3);
        let host = m.digit & (slashes | valued | keyed);

        // A semicolon 2 to 11 bytes behind an ampersand.
        let entity = m.semicolon & (near(m.amp) | (near(m.amp) << 4) | (near(m.amp) << 6));
        let bracketed = m.bracket & (m.bracket << 2 | m.bracket << 3 | m.bracket << 4);

        let list = m.comma & (m.digit << 1);

        Marks { word, colon, host, list, escape: m.escape | entity | bracketed, ..Marks::default() }
    }
}

/// Whether a bit stood 2 to 5 bytes earlier.
#[inline(always)]
fn near(mask: u64) -> u64 {
    let two = (mask << 2) | (mask << 3);
    two | (two << 2)
}

/// Whether a bit stood 1 to 5 bytes earlier.
#[inline(always)]
fn near1(mask: u64) -> u64 {
    (mask << 1) | near(mask)
}
