//! Sealing to a public key, in the format of age (age-encryption.org/v1, X25519): whoever seals cannot open it again, and
//! `age -d` can, on the machine that has the identity.
//!
//! Comes in: bytes and recipients, `age1…`; or a sealed file and an identity, `AGE-SECRET-KEY-1…`. All of it is held in
//! memory. Nothing here knows what is sealed, and random bytes are passed in, as [`Random`]. Lines that may leave in no other way
//! are [`RawLines`]. What stays on this machine and is opened here again lies under a [`FileKey`].

mod bech32;
mod own;
mod pieces;
mod raw;

pub use own::{FileKey, SPAN, Veil};
pub use pieces::{Opener, Sealer};
pub use raw::{RawLines, Sealed};

use crate::{
    error::{Error, Kind},
    vault::Bytes,
};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Nonce, aead::Aead};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use pieces::NONCE;
use sha2::Sha256;
use std::{
    fmt,
    io::{Read, Write},
    str::FromStr,
};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

/// What fills bytes with random ones: [`crate::key::random`].
pub type Random = fn(&mut [u8]) -> Result<(), Error>;

/// To whom something is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipient(PublicKey);

/// Who can open what was sealed. `Debug` shows none of it.
#[derive(Clone)]
pub struct Identity(Bytes);

impl Identity {
    /// A new one.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn new(random: Random) -> Result<Identity, Error> {
        let mut bytes = Bytes::default();
        random(&mut bytes[..])?;
        Ok(Identity(bytes))
    }

    /// To whom has to be sealed what it is to open.
    pub fn recipient(&self) -> Recipient {
        Recipient(PublicKey::from(&self.secret()))
    }

    /// As files hold it: `AGE-SECRET-KEY-1…`.
    pub fn text(&self) -> Zeroizing<String> {
        let text = Zeroizing::new(bech32::encode(IDENTITY, &self.0));
        Zeroizing::new(text.to_ascii_uppercase())
    }

    /// The identity in a text as `age-keygen` writes it: the first line that is no comment.
    pub fn read(text: &str) -> Option<Identity> {
        let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'))?;
        let read = Zeroizing::new(bech32::decode(IDENTITY, line)?);
        let mut bytes = Bytes::default();
        bytes.copy_from_slice(&read[..]);
        Some(Identity(bytes))
    }

    /// Opens what was sealed to this identity, alone or among others. `None` where it was not, or where a byte is not as it was.
    ///
    /// ```
    /// use sladd::{key::random, seal::Identity};
    /// let identity = Identity::new(random)?;
    /// let sealed = identity.recipient().seal(b"a secret", random)?;
    /// assert_eq!(&**identity.open(&sealed).unwrap(), b"a secret");
    /// # Ok::<(), sladd::Error>(())
    /// ```
    pub fn open(&self, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let rest = sealed.strip_prefix(VERSION)?;
        let end = memchr::memmem::find(rest, b"\n--- ")? + 1;
        let (stanzas, rest) = rest.split_at(end);
        let end = memchr::memchr(b'\n', rest)?;
        let mac: [u8; 32] = unbase64(rest[..end].strip_prefix(b"--- ")?)?;
        let payload = &rest[end + 1..];
        let file_key = self.file_key(stanzas)?;
        let header = &sealed[..VERSION.len() + stanzas.len() + 3];
        let mut found = Hmac::<Sha256>::new_from_slice(&*derive(&*file_key, b"", b"header")).ok()?;
        found.update(header);
        // In constant time.
        found.verify_slice(&mac).ok()?;
        open_payload(&file_key, payload)
    }

    /// The key of the file, from the stanza that is ours.
    fn file_key(&self, stanzas: &[u8]) -> Option<Zeroizing<[u8; 16]>> {
        let secret = self.secret();
        let ours = PublicKey::from(&secret);
        let mut lines = stanzas.split(|&byte| byte == b'\n');
        while let Some(line) = lines.next() {
            let Some(share) = line.strip_prefix(STANZA).and_then(unbase64::<32>) else { continue };
            let Some(body) = lines.next().and_then(unbase64::<32>) else { continue };
            let shared = secret.diffie_hellman(&PublicKey::from(share));
            if !shared.was_contributory() {
                continue;
            }
            let key = derive(shared.as_bytes(), &[share, *ours.as_bytes()].concat(), X25519);
            if let Ok(opened) = ChaCha20Poly1305::new((&*key).into()).decrypt(&Nonce::default(), &body[..]) {
                let opened = Zeroizing::new(opened);
                let mut file_key = Zeroizing::new([0; 16]);
                if opened.len() == file_key.len() {
                    file_key.copy_from_slice(&opened);
                    return Some(file_key);
                }
            }
        }
        None
    }

    /// Wiped when it is dropped.
    fn secret(&self) -> StaticSecret {
        StaticSecret::from(*self.0)
    }
}

impl Recipient {
    /// Seals bytes. Whoever calls this cannot open them again.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn seal(&self, bytes: &[u8], random: Random) -> Result<Vec<u8>, Error> {
        seal(&[*self], bytes, random)
    }

    /// The stanza that gives the key of a file to whoever has the identity.
    fn wrap(&self, file_key: &[u8; 16], random: Random, header: &mut Vec<u8>) -> Result<(), Error> {
        let mut own = Zeroizing::new([0; 32]);
        random(&mut own[..])?;
        let own = StaticSecret::from(*own);
        let share = PublicKey::from(&own);
        let shared = own.diffie_hellman(&self.0);
        if !shared.was_contributory() {
            return Err(Error::new(
                Kind::Config,
                "cannot seal to this recipient: its key is none; make another with age-keygen",
            ));
        }
        let key = derive(shared.as_bytes(), &[*share.as_bytes(), *self.0.as_bytes()].concat(), X25519);
        let body = ChaCha20Poly1305::new((&*key).into())
            .encrypt(&Nonce::default(), &file_key[..])
            .expect("16 bytes are not too long");
        for part in [STANZA, base64(share.as_bytes()).as_bytes(), b"\n", base64(&body).as_bytes(), b"\n"] {
            header.extend_from_slice(part);
        }
        Ok(())
    }
}

/// Seals bytes to each of some recipients: any of them can open it.
fn seal(to: &[Recipient], bytes: &[u8], random: Random) -> Result<Vec<u8>, Error> {
    let mut file_key = Zeroizing::new([0; 16]);
    random(&mut file_key[..])?;
    let mut sealed = VERSION.to_vec();
    for recipient in to {
        recipient.wrap(&file_key, random, &mut sealed)?;
    }
    sealed.extend_from_slice(b"---");
    let mut mac = Hmac::<Sha256>::new_from_slice(&*derive(&*file_key, b"", b"header")).expect("any length");
    mac.update(&sealed);
    sealed.push(b' ');
    sealed.extend_from_slice(base64(&mac.finalize().into_bytes()).as_bytes());
    sealed.push(b'\n');
    seal_payload(&file_key, bytes, random, &mut sealed)?;
    Ok(sealed)
}

fn seal_payload(file_key: &[u8; 16], bytes: &[u8], random: Random, sealed: &mut Vec<u8>) -> Result<(), Error> {
    let mut nonce = [0; NONCE];
    random(&mut nonce)?;
    let done = Sealer::new(file_key, nonce, b"payload", sealed).and_then(|mut sealer| {
        sealer.write_all(bytes)?;
        sealer.finish()
    });
    done.expect("a vector takes all");
    Ok(())
}

fn open_payload(file_key: &[u8; 16], payload: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    // Larger than what comes, so that it never moves.
    let mut bytes = Zeroizing::new(Vec::with_capacity(payload.len()));
    Opener::new(file_key, b"payload", payload).ok()?.read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn derive(secret: &[u8], salt: &[u8], info: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(Some(salt), secret).expand(info, &mut key[..]).expect("one block");
    key
}

impl fmt::Display for Recipient {
    /// `age1…`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bech32::encode(RECIPIENT, self.0.as_bytes()))
    }
}

impl FromStr for Recipient {
    type Err = NotARecipient;

    fn from_str(text: &str) -> Result<Recipient, NotARecipient> {
        let recipient =
            bech32::decode(RECIPIENT, text).map(|bytes| Recipient(PublicKey::from(bytes))).ok_or(NotARecipient)?;
        // With a few keys everybody shares the same secret: nothing sealed to them would be closed.
        let shared = StaticSecret::from([1; 32]).diffie_hellman(&recipient.0);
        if shared.was_contributory() { Ok(recipient) } else { Err(NotARecipient) }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(..)")
    }
}

/// The text names no recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotARecipient;

impl fmt::Display for NotARecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a recipient; write age1 and what follows, as age-keygen and sladd key identity print it")
    }
}

impl std::error::Error for NotARecipient {}

/// Base64 without padding (RFC 4648).
fn base64(bytes: &[u8]) -> String {
    let digits = bytes.chunks(3).flat_map(|three| {
        let bits = three.iter().fold(0u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - three.len()));
        (0..=three.len()).map(move |at| BASE64[(bits >> (18 - 6 * at) & 63) as usize])
    });
    digits.map(char::from).collect()
}

/// So many bytes, written in the one way they can be.
fn unbase64<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != (4 * N).div_ceil(3) {
        return None;
    }
    for (three, four) in bytes.chunks_mut(3).zip(text.chunks(4)) {
        let mut bits = 0u32;
        for at in 0..4 {
            let digit = four.get(at).map_or(Some(0), |digit| BASE64.iter().position(|known| known == digit))?;
            bits = bits << 6 | digit as u32;
        }
        for (byte, of) in three.iter_mut().zip(bits.to_be_bytes()[1..].iter()) {
            *byte = *of;
        }
    }
    (base64(&bytes).as_bytes() == text).then_some(bytes)
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const VERSION: &[u8] = b"age-encryption.org/v1\n";
const STANZA: &[u8] = b"-> X25519 ";
const X25519: &[u8] = b"age-encryption.org/v1/X25519";
const RECIPIENT: &str = "age";
const IDENTITY: &str = "age-secret-key-";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{
        pieces::{PIECE, TAG},
        *,
    };
    use crate::key::random;

    #[test]
    fn what_is_sealed_is_opened_by_its_identity_alone() {
        let (one, other) = (Identity::new(random).unwrap(), Identity::new(random).unwrap());
        for length in [0, 1, 100, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE] {
            let bytes: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let sealed = one.recipient().seal(&bytes, random).unwrap();
            assert_eq!(**one.open(&sealed).unwrap(), bytes, "{length}");
            assert!(other.open(&sealed).is_none());
            assert_ne!(one.recipient().seal(&bytes, random).unwrap(), sealed);
        }
    }

    #[test]
    fn no_byte_can_be_changed_added_or_cut() {
        let identity = Identity::new(random).unwrap();
        let sealed = identity.recipient().seal(b"a secret that is short", random).unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(identity.open(&changed).is_none(), "byte {at}");
            assert!(identity.open(&sealed[..at]).is_none(), "cut at {at}");
        }
        assert!(identity.open(&[&sealed[..], b"x"].concat()).is_none());
        let long = identity.recipient().seal(&vec![7; 2 * PIECE], random).unwrap();
        let head = long.len() - 2 * (PIECE + TAG);
        let swapped = [&long[..head], &long[head + PIECE + TAG..], &long[head..head + PIECE + TAG]].concat();
        assert!(identity.open(&swapped).is_none());
        assert!(identity.open(&long[..head + PIECE + TAG]).is_none());
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        let identity = Identity::new(random).unwrap();
        let recipient = identity.recipient();
        assert_eq!(recipient.to_string().parse(), Ok(recipient));
        assert!(recipient.to_string().starts_with("age1"));
        let text = format!("# created: 2026-11-22\n# public key: {recipient}\n{}\n", *identity.text());
        assert_eq!(Identity::read(&text).unwrap().recipient(), recipient);
        for wrong in
            ["", "age1", "age1qqqq", &recipient.to_string()[1..], &recipient.to_string().replace("age1", "agf1")]
        {
            assert_eq!(wrong.parse::<Recipient>(), Err(NotARecipient), "{wrong}");
        }
        assert_eq!(format!("{identity:?}"), "Identity(..)");
    }

    #[test]
    fn base64_is_that_of_the_specification() {
        for (bytes, text) in [(&b""[..], ""), (b"f", "Zg"), (b"fo", "Zm8"), (b"foo", "Zm9v"), (b"foob", "Zm9vYg")] {
            assert_eq!(base64(bytes), text);
        }
        assert_eq!(unbase64::<2>(b"Zm8"), Some(*b"fo"));
        assert_eq!(unbase64::<2>(b"Zm9"), None, "bits that stand for nothing are zero");
        assert_eq!(unbase64::<2>(b"Zm-"), None);
    }

    #[test]
    fn any_bytes_are_refused() {
        let identity = Identity::new(random).unwrap();
        for bytes in [
            &b""[..],
            b"age-encryption.org/v1\n",
            b"age-encryption.org/v1\n-> X25519 A\nB\n--- C\n",
            b"age-encryption.org/v1\n--- \n",
        ] {
            assert!(identity.open(bytes).is_none());
        }
    }

    /// With Debian's `age`, where it is installed.
    #[test]
    fn age_opens_what_we_seal_and_we_open_what_age_seals() {
        use std::process::{Command, Stdio};
        if Command::new("age").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
            eprintln!("SKIPPED: there is no `age` on this machine");
            return;
        }
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        let identity = Identity::new(random).unwrap();
        std::fs::write(path("identity"), &**identity.text()).unwrap();
        let bytes: Vec<u8> = (0..200_000u32).map(|at| at as u8).collect();
        std::fs::write(path("ours"), identity.recipient().seal(&bytes, random).unwrap()).unwrap();
        let opened = Command::new("age").arg("-d").arg("-i").arg(path("identity")).arg(path("ours")).output().unwrap();
        assert!(opened.status.success() && opened.stdout == bytes);
        std::fs::write(path("plain"), &bytes).unwrap();
        let recipient = identity.recipient().to_string();
        let sealed = Command::new("age").args(["-r", &recipient]).arg(path("plain")).output().unwrap();
        assert_eq!(**identity.open(&sealed.stdout).unwrap(), bytes);
    }
}
