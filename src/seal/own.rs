//! A file under a secret of its own, which is opened on the machine that wrote it as long as the secret is there.
//!
//! While it grows each byte lies where it would lie plainly ([`Veil`]), so that it can be continued, cut and compared; then it
//! is packed and sealed piece by piece.

use super::{
    Random, derive,
    pieces::{NONCE, Opener, Sealer},
};
use crate::{error::Error, vault::Bytes};
use chacha20::{
    XChaCha20,
    cipher::{KeyIvInit, StreamCipher, StreamCipherSeek},
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::{
    fmt,
    io::{self, Read, Write},
};
use zeroize::Zeroizing;

/// The secret of one file. `Debug` shows none of it.
#[derive(Clone)]
pub struct FileKey(Bytes);

impl FileKey {
    /// A new one.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn new(random: Random) -> Result<FileKey, Error> {
        let mut bytes = Bytes::default();
        random(&mut bytes[..])?;
        Ok(FileKey(bytes))
    }

    /// As it is kept, wrapped.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// The secret of one of several files that have one together.
    pub fn of_part(&self, number: u64) -> FileKey {
        FileKey(self.derived(&[&b"sladd part 1"[..], &number.to_be_bytes()].concat()))
    }

    /// What hides the file while it grows.
    pub fn veil(&self) -> Veil {
        Veil { key: self.derived(b"sladd veil 1"), marks: self.derived(b"sladd span 1"), spans: Vec::new() }
    }

    /// Seals what is written to it.
    ///
    /// # Errors
    /// What the system says; that it gives no random bytes.
    pub fn sealer<W: Write>(&self, random: Random, out: W) -> io::Result<Sealer<W>> {
        let mut nonce = [0; NONCE];
        random(&mut nonce).map_err(|error| io::Error::other(error.to_string()))?;
        Sealer::new(&self.0[..], nonce, PACKED, out)
    }

    /// Opens what [`FileKey::sealer`] sealed.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::InvalidData`] where that was not sealed with this key, or a byte is not as it was.
    pub fn opener<R: Read>(&self, from: R) -> io::Result<Opener<R>> {
        Opener::new(&self.0[..], PACKED, from)
    }

    /// The key of a digest, so that who has only the digest cannot try contents out.
    pub fn of_digest(&self) -> Zeroizing<[u8; 32]> {
        derive(&self.0[..], b"", b"sladd digest 1")
    }

    fn derived(&self, info: &[u8]) -> Bytes {
        let mut bytes = Bytes::default();
        bytes.copy_from_slice(&derive(&self.0[..], b"", info)[..]);
        bytes
    }
}

impl From<Bytes> for FileKey {
    fn from(bytes: Bytes) -> FileKey {
        FileKey(bytes)
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileKey(..)")
    }
}

/// Hides bytes by their place in a file, each as one byte: XChaCha20. It keeps them from being read and not from being
/// changed.
///
/// Whoever goes on writing begins a new span, with a nonce of its own: where a file was cut, what is written then has
/// nothing in common with what stood there.
///
/// ```
/// use sladd::{key::random, seal::FileKey};
/// let mut veil = FileKey::new(random)?.veil();
/// veil.begin(0, random)?;
/// let mut bytes = *b"a line\n";
/// veil.apply(0, &mut bytes);
/// assert_ne!(&bytes, b"a line\n");
/// veil.apply(2, &mut bytes[2..]);
/// veil.apply(0, &mut bytes[..2]);
/// assert_eq!(&bytes, b"a line\n");
/// # Ok::<(), sladd::Error>(())
/// ```
pub struct Veil {
    key: Bytes,
    marks: Bytes,
    /// Each from where the one before ends.
    spans: Vec<Span>,
}

#[derive(Clone, Copy)]
struct Span {
    from: u64,
    nonce: [u8; 24],
}

impl Veil {
    /// A new span from here on, as it is to be kept before a byte is written under it.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn begin(&mut self, from: u64, random: Random) -> Result<[u8; SPAN], Error> {
        let mut nonce = [0; 24];
        random(&mut nonce)?;
        let span = Span { from, nonce };
        self.add(span);
        Ok(self.written(span))
    }

    /// Takes a span that was kept; `false` where it is none of this file's.
    pub fn restore(&mut self, kept: &[u8; SPAN]) -> bool {
        let (from, rest) = kept.split_first_chunk::<8>().expect("it is longer");
        let (nonce, _) = rest.split_first_chunk::<24>().expect("it is longer");
        let span = Span { from: u64::from_be_bytes(*from), nonce: *nonce };
        let is_ours = self.written(span) == *kept;
        if is_ours {
            self.add(span);
        }
        is_ours
    }

    /// Hides bytes that lie there, or shows those that are hidden.
    ///
    /// # Panics
    /// Where no span covers them.
    pub fn apply(&self, at: u64, bytes: &mut [u8]) {
        let (mut at, mut rest) = (at, bytes);
        while !rest.is_empty() {
            let next = self.spans.partition_point(|span| span.from <= at);
            let end = self.spans.get(next).map_or(u64::MAX, |span| span.from);
            let some = usize::try_from(end - at).unwrap_or(usize::MAX).min(rest.len());
            let (now, later) = rest.split_at_mut(some);
            let mut cipher = XChaCha20::new((&*self.key).into(), (&self.spans[next - 1].nonce).into());
            cipher.seek(at);
            cipher.apply_keystream(now);
            (at, rest) = (at + some as u64, later);
        }
    }

    /// Whether spans cover all of the file.
    pub fn is_whole(&self) -> bool {
        self.spans.first().is_some_and(|first| first.from == 0)
    }

    /// What stood from there on was cut.
    fn add(&mut self, span: Span) {
        self.spans.retain(|before| before.from < span.from);
        self.spans.push(span);
    }

    fn written(&self, span: Span) -> [u8; SPAN] {
        let mut kept = [0; SPAN];
        kept[..8].copy_from_slice(&span.from.to_be_bytes());
        kept[8..32].copy_from_slice(&span.nonce);
        let mut mark = Hmac::<Sha256>::new_from_slice(&self.marks[..]).expect("any length");
        mark.update(&kept[..32]);
        kept[32..].copy_from_slice(&mark.finalize().into_bytes()[..8]);
        kept
    }
}

impl fmt::Debug for Veil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Veil(..)")
    }
}

/// How long a span is where it is kept: where it begins, its nonce, and a mark by which it is known.
pub const SPAN: usize = 40;

const PACKED: &[u8] = b"sladd segment 1";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::key::random;

    #[test]
    fn bytes_are_hidden_by_their_place_however_they_are_written_and_read() {
        let key = FileKey::new(random).unwrap();
        let mut veil = key.veil();
        veil.begin(0, random).unwrap();
        let plain: Vec<u8> = (0..1000u32).map(|at| at as u8).collect();
        let mut whole = plain.clone();
        veil.apply(0, &mut whole);
        let mut pieces = plain.clone();
        let mut at = 0;
        for length in [1, 63, 64, 65, 300, 507] {
            veil.apply(at as u64, &mut pieces[at..at + length]);
            at += length;
        }
        assert_eq!((at, &pieces), (plain.len(), &whole));
        assert!(whole.iter().zip(&plain).filter(|(hidden, shown)| hidden == shown).count() < 20);
        veil.apply(100, &mut whole[100..200]);
        assert_eq!(whole[100..200], plain[100..200]);
    }

    #[test]
    fn what_is_written_over_a_cut_has_nothing_in_common_with_what_stood_there() {
        let key = FileKey::new(random).unwrap();
        let mut veil = key.veil();
        let mut kept = vec![veil.begin(0, random).unwrap()];
        let mut first = [0; 200];
        veil.apply(0, &mut first);
        // Cut to 100, and gone on from there; cut to 50, and then to 40.
        let mut stood = Vec::new();
        for from in [100, 50, 40] {
            kept.push(veil.begin(from, random).unwrap());
            let mut now = [0; 60];
            veil.apply(from, &mut now);
            let before = &first[from as usize..from as usize + 60];
            assert!(now.iter().zip(before).filter(|(now, before)| now == before).count() < 10);
            stood.push(now);
        }
        let mut again = key.veil();
        assert!(!again.is_whole());
        assert!(kept.iter().all(|span| again.restore(span)) && again.is_whole());
        let mut all = [0; 100];
        again.apply(0, &mut all);
        assert_eq!((&all[..40], &all[40..]), (&first[..40], &stood[2][..]));
    }

    #[test]
    fn a_span_of_another_file_or_with_a_changed_byte_is_none() {
        let (one, other) = (FileKey::new(random).unwrap(), FileKey::new(random).unwrap());
        let kept = one.veil().begin(7, random).unwrap();
        assert!(one.veil().restore(&kept) && !other.veil().restore(&kept));
        for at in 0..SPAN {
            let mut changed = kept;
            changed[at] ^= 1;
            assert!(!one.veil().restore(&changed), "byte {at}");
        }
    }

    #[test]
    fn a_packed_file_is_opened_with_its_key_alone_and_only_whole() {
        let (one, other) = (FileKey::new(random).unwrap(), FileKey::new(random).unwrap());
        let open = |key: &FileKey, sealed: &[u8]| {
            let mut opened = Vec::new();
            key.opener(sealed)?.read_to_end(&mut opened).map(|_| opened)
        };
        for length in [0, 1, 65_535, 65_536, 65_537, 200_000] {
            let bytes: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let mut sealer = one.sealer(random, Vec::new()).unwrap();
            bytes.chunks(7_000).for_each(|some| sealer.write_all(some).unwrap());
            let sealed = sealer.finish().unwrap();
            assert_eq!(open(&one, &sealed).unwrap(), bytes, "{length}");
            assert_eq!(open(&other, &sealed).unwrap_err().kind(), io::ErrorKind::InvalidData);
            for cut in [0, 15, 16, 17, 40, sealed.len() / 2, sealed.len() - 1] {
                let cut = cut.min(sealed.len() - 1);
                assert_eq!(
                    open(&one, &sealed[..cut]).unwrap_err().kind(),
                    io::ErrorKind::InvalidData,
                    "{length} {cut}"
                );
            }
            for at in (0..sealed.len()).step_by(1 + sealed.len() / 50) {
                let mut changed = sealed.clone();
                changed[at] ^= 1;
                assert!(open(&one, &changed).is_err(), "{length} {at}");
            }
            assert!(open(&one, &[&sealed[..], b"x"].concat()).is_err());
        }
        assert_ne!(**one.of_part(1).bytes(), **one.of_part(2).bytes());
        assert_eq!(format!("{one:?} {:?}", one.veil()), "FileKey(..) Veil(..)");
    }
}
