//! Sealing piece by piece, as the payload of a file of age: nothing but a piece is held in memory, and none can be changed,
//! added, left out or moved.

use super::derive;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Nonce, aead::Aead};
use std::io::{self, Read, Write};
use zeroize::Zeroizing;

/// Seals what is written to it. Without [`Sealer::finish`] what was written cannot be opened.
pub struct Sealer<W: Write> {
    out: W,
    cipher: ChaCha20Poly1305,
    number: u64,
    /// What was not sealed yet: at most a piece.
    piece: Zeroizing<Vec<u8>>,
}

impl<W: Write> Sealer<W> {
    /// `nonce` is random, and another one each time.
    pub(super) fn new(secret: &[u8], nonce: [u8; NONCE], info: &[u8], mut out: W) -> io::Result<Sealer<W>> {
        out.write_all(&nonce)?;
        Ok(Sealer {
            out,
            cipher: cipher(secret, &nonce, info),
            number: 0,
            piece: Zeroizing::new(Vec::with_capacity(PIECE)),
        })
    }

    /// Seals the rest, and that it is the last.
    ///
    /// # Errors
    /// What `out` says.
    pub fn finish(mut self) -> io::Result<W> {
        // Bytes that there are none of have one piece, too.
        self.seal(true)?;
        Ok(self.out)
    }

    fn seal(&mut self, is_last: bool) -> io::Result<()> {
        let nonce = piece_nonce(self.number, is_last);
        let sealed = self.cipher.encrypt(&nonce, &self.piece[..]).expect("64 KiB are not too long");
        self.out.write_all(&sealed)?;
        self.piece.clear();
        self.number += 1;
        Ok(())
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full piece waits until it is known not to be the last.
        if self.piece.len() == PIECE && !bytes.is_empty() {
            self.seal(false)?;
        }
        let some = &bytes[..bytes.len().min(PIECE - self.piece.len())];
        self.piece.extend_from_slice(some);
        Ok(some.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens what was sealed, as far as it is read. [`io::ErrorKind::InvalidData`] where a byte is not as it was.
pub struct Opener<R: Read> {
    from: R,
    cipher: ChaCha20Poly1305,
    number: u64,
    /// What is sealed and comes next.
    sealed: Vec<u8>,
    opened: Zeroizing<Vec<u8>>,
    /// So much of it was given out.
    given: usize,
    is_over: bool,
}

impl<R: Read> Opener<R> {
    pub(super) fn new(secret: &[u8], info: &[u8], mut from: R) -> io::Result<Opener<R>> {
        let mut nonce = [0; NONCE];
        from.read_exact(&mut nonce).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => broken(),
            _ => error,
        })?;
        let mut sealed = Vec::new();
        fill(&mut from, &mut sealed)?;
        let cipher = cipher(secret, &nonce, info);
        Ok(Opener { from, cipher, number: 0, sealed, opened: Zeroizing::default(), given: 0, is_over: false })
    }

    fn next(&mut self) -> io::Result<()> {
        let mut behind = Vec::new();
        if self.sealed.len() == PIECE + TAG {
            fill(&mut self.from, &mut behind)?;
        }
        let is_last = behind.is_empty();
        let nonce = piece_nonce(self.number, is_last);
        self.opened = Zeroizing::new(self.cipher.decrypt(&nonce, &self.sealed[..]).map_err(|_| broken())?);
        // Only what is empty ends with a piece that is.
        if self.opened.is_empty() && self.number > 0 {
            return Err(broken());
        }
        (self.sealed, self.given, self.is_over) = (behind, 0, is_last);
        self.number += 1;
        Ok(())
    }
}

impl<R: Read> Read for Opener<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.given == self.opened.len() && !self.is_over {
            self.next()?;
        }
        let rest = &self.opened[self.given..];
        let some = rest.len().min(into.len());
        into[..some].copy_from_slice(&rest[..some]);
        self.given += some;
        Ok(some)
    }
}

/// Reads a sealed piece, or what is left.
fn fill(from: &mut impl Read, sealed: &mut Vec<u8>) -> io::Result<()> {
    from.take((PIECE + TAG) as u64).read_to_end(sealed).map(drop)
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it is not as it was sealed, or not with this key")
}

fn cipher(secret: &[u8], nonce: &[u8; NONCE], info: &[u8]) -> ChaCha20Poly1305 {
    ChaCha20Poly1305::new((&*derive(secret, nonce, info)).into())
}

/// Eleven bytes of the piece's number, and whether it is the last.
fn piece_nonce(number: u64, is_last: bool) -> Nonce {
    let mut nonce = [0; 12];
    nonce[3..11].copy_from_slice(&number.to_be_bytes());
    nonce[11] = u8::from(is_last);
    nonce.into()
}

/// What stands before the pieces.
pub(super) const NONCE: usize = 16;
/// How much is sealed at a time, and how much longer that gets.
pub(super) const PIECE: usize = 64 * 1024;
pub(super) const TAG: usize = 16;
