//! Raw lines that may leave in one way only: sealed.

use super::{Random, Recipient, seal};
use crate::error::Error;
use zeroize::{Zeroize, Zeroizing};

/// Raw lines, each with its end. They are wiped when they are done with.
///
/// Whatever is put in comes out sealed and in no other way:
/// ```compile_fail,E0616
/// let mut lines = sladd::seal::RawLines::default();
/// lines.push(b"203.0.113.7 no format", b"\n");
/// std::fs::write("quarantine", &lines.bytes);
/// ```
/// ```compile_fail,E0277
/// # let mut lines = sladd::seal::RawLines::default();
/// let text = lines.to_string();
/// ```
/// And what is kept has been sealed:
/// ```compile_fail,E0423
/// let forged = sladd::seal::Sealed(b"203.0.113.7 no format".to_vec());
/// ```
#[derive(Clone, Default)]
pub struct RawLines {
    /// No longer than its capacity when bytes are added: what is left of a smaller buffer is wiped.
    bytes: Zeroizing<Vec<u8>>,
    lines: u64,
}

impl RawLines {
    /// Adds a line that ends so.
    pub fn push(&mut self, line: &[u8], end: &[u8]) {
        self.make_room(line.len() + end.len());
        self.bytes.extend_from_slice(line);
        self.bytes.extend_from_slice(end);
        self.lines += 1;
    }

    /// Takes all lines of another; it is empty then.
    pub fn append(&mut self, other: &mut RawLines) {
        self.make_room(other.bytes.len());
        self.bytes.extend_from_slice(&other.bytes);
        self.lines += other.lines;
        other.clear();
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.lines
    }

    /// Their bytes, ends and all.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.lines == 0
    }

    /// Wipes them.
    #[inline]
    pub fn clear(&mut self) {
        if !self.is_empty() {
            self.wipe();
        }
    }

    #[cold]
    fn wipe(&mut self) {
        // The memory stays, as other buffers keep theirs, unless it is a lot.
        match self.bytes.capacity() > MOST_KEPT_BYTES {
            true => self.bytes = Zeroizing::default(),
            false => self.bytes.zeroize(),
        }
        self.lines = 0;
    }

    /// All lines, sealed to each of these.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    ///
    /// ```
    /// use sladd::{key::random, seal::{Identity, RawLines}};
    /// let identity = Identity::new(random)?;
    /// let mut lines = RawLines::default();
    /// lines.push(b"no format", b"\n");
    /// let sealed = lines.seal(&[identity.recipient()], random)?;
    /// assert_eq!(&**identity.open(sealed.bytes()).unwrap(), b"no format\n");
    /// # Ok::<(), sladd::Error>(())
    /// ```
    pub fn seal(&self, to: &[Recipient], random: Random) -> Result<Sealed, Error> {
        seal(to, &self.bytes, random).map(|bytes| Sealed { bytes })
    }

    /// A buffer that grows by itself would leave a copy behind.
    fn make_room(&mut self, more: usize) {
        let needed = self.bytes.len() + more;
        if needed > self.bytes.capacity() {
            let mut larger = Vec::with_capacity(needed.max(2 * self.bytes.capacity()).max(LEAST_BYTES));
            larger.extend_from_slice(&self.bytes);
            self.bytes = Zeroizing::new(larger);
        }
    }
}

/// How many there are, and nothing of them.
impl std::fmt::Debug for RawLines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RawLines({})", self.lines)
    }
}

/// What only the holder of an identity can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    bytes: Vec<u8>,
}

impl Sealed {
    /// A file in the format of age.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

const LEAST_BYTES: usize = 4096;
const MOST_KEPT_BYTES: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{key::random, seal::Identity};

    #[test]
    fn lines_come_out_sealed_in_their_order_to_each_recipient_and_to_nobody_else() {
        let [one, two, other] = [0; 3].map(|_| Identity::new(random).unwrap());
        let (mut lines, mut more) = (RawLines::default(), RawLines::default());
        lines.push(b"first", b"\n");
        more.push(b"", b"\n");
        more.push(&[b'x'; 10_000], b"\r\n");
        lines.append(&mut more);
        assert!(more.is_empty() && more.size() == 0);
        let whole = [b"first\n\n", &[b'x'; 10_000][..], b"\r\n"].concat();
        assert_eq!((lines.count(), lines.size()), (3, whole.len()));
        let sealed = lines.seal(&[one.recipient(), two.recipient()], random).unwrap();
        assert_eq!(**one.open(sealed.bytes()).unwrap(), whole);
        assert_eq!(**two.open(sealed.bytes()).unwrap(), whole);
        assert!(other.open(sealed.bytes()).is_none());
        lines.clear();
        assert_eq!((lines.count(), lines.size()), (0, 0));
    }

    #[test]
    fn what_is_shown_of_them_is_their_number() {
        let mut lines = RawLines::default();
        lines.push(b"203.0.113.7", b"\n");
        assert_eq!(format!("{lines:?}"), "RawLines(1)");
    }

    #[test]
    fn memory_stays_when_they_are_cleared_unless_it_is_a_lot() {
        let mut lines = RawLines::default();
        lines.push(b"203.0.113.7", b"\n");
        lines.clear();
        assert_eq!((lines.size(), lines.bytes.capacity()), (0, LEAST_BYTES));
        lines.push(&vec![b'x'; MOST_KEPT_BYTES], b"\n");
        lines.clear();
        assert_eq!((lines.size(), lines.bytes.capacity()), (0, 0));
    }
}
