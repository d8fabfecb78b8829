//! Secrets encrypted where they lie: under a file of 32 random bytes that is kept elsewhere, outside backups.
//!
//! A wrapped key is `sladdw1`, a line feed, 24 random bytes and what XChaCha20-Poly1305 makes of the secret, with the epoch's
//! name beside it so that no key can stand in another's place.

use super::random;
use crate::{
    error::{Error, Kind},
    vault::Bytes,
};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use rustix::{
    fs::{self, FileType, Mode, OFlags},
    io::Errno,
    process::geteuid,
};
use std::{fmt, io, path::Path};
use zeroize::Zeroizing;

/// What secrets are wrapped with. `Debug` shows none of it.
#[derive(Clone)]
pub struct Wrap(Bytes);

impl Wrap {
    /// How long a secret is once it is wrapped.
    pub const WRAPPED_BYTES: usize = WRAPPED;

    /// Reads the file: 32 bytes, ours or root's, and nobody else's to read.
    ///
    /// # Errors
    /// When it cannot be read, others can come at it, or it is no such file.
    pub fn read(path: &Path) -> Result<Wrap, Error> {
        read(path, "wrap keys with").map(Wrap)
    }

    /// A secret as it is kept under this name.
    pub(crate) fn seal(&self, name: &str, secret: &Bytes) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; NONCE];
        random(&mut nonce)?;
        let payload = Payload { msg: &secret[..], aad: &beside(name) };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload).expect("32 bytes are not too long");
        Ok([MAGIC, &nonce, &sealed].concat())
    }

    /// The secret that was kept under this name; `None` where it was wrapped with another file, or under another name.
    pub(crate) fn open(&self, name: &str, kept: &[u8]) -> Option<Bytes> {
        let (nonce, sealed) = kept.strip_prefix(MAGIC)?.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg: sealed, aad: &beside(name) };
        let secret = Zeroizing::new(self.cipher().decrypt(&XNonce::from(*nonce), payload).ok()?);
        let mut bytes = Bytes::default();
        (secret.len() == bytes.len()).then(|| bytes.copy_from_slice(&secret)).map(|()| bytes)
    }

    /// Wiped when it is dropped; its key stays where it is.
    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.0).into())
    }
}

impl fmt::Debug for Wrap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wrap(..)")
    }
}

/// Reads a file of 32 bytes that only we and root may read; `deed` is what for.
pub(super) fn read(path: &Path, deed: &str) -> Result<Bytes, Error> {
    let refuse = |why: &str| Err(Error::new(Kind::Config, format!("cannot {deed} {}: it {why}", path.display())));
    let failed = |errno: Errno| {
        let kind = match errno {
            Errno::NOENT => Kind::NoInput,
            Errno::ACCESS | Errno::PERM => Kind::Permission,
            _ => Kind::Io,
        };
        let remedy =
            "restore it; where nothing is wrapped yet make one with: (umask 077; head -c 32 /dev/urandom > FILE)";
        let why = io::Error::from(errno);
        Error::new(kind, format!("cannot {deed} {}: {why}; {remedy}", path.display()))
    };
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let fd = match fs::open(path, flags, Mode::empty()) {
        Ok(fd) => fd,
        Err(Errno::LOOP) => return refuse("is a symbolic link; name the file itself"),
        Err(errno) => return Err(failed(errno)),
    };
    let stat = fs::fstat(&fd).map_err(failed)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return refuse("is not a regular file; name another");
    }
    let ours = geteuid().as_raw();
    if stat.st_uid != ours && stat.st_uid != 0 {
        return refuse(&format!("belongs to user {}, not to user {ours} or root; run chown {ours}", stat.st_uid));
    }
    // systemd gives a service its credentials by an access list, which shows as bits of the group.
    let allowed = if stat.st_uid == 0 && stat.st_gid == 0 { 0o040 } else { 0 };
    if stat.st_mode & 0o077 & !allowed != 0 {
        return refuse("is open to others; run chmod 400");
    }
    let mut bytes = Zeroizing::new([0; SIZE + 1]);
    let mut filled = 0;
    while filled < bytes.len() {
        match rustix::io::read(&fd, &mut bytes[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(failed(errno)),
        }
    }
    if filled != SIZE {
        return refuse("does not hold 32 bytes; restore it, for what is wrapped with it is lost without it");
    }
    if bytes[..SIZE].iter().all(|&byte| byte == 0) {
        return refuse("holds nothing but zeros; restore it; where nothing is wrapped yet make another");
    }
    let mut key = Bytes::default();
    key.copy_from_slice(&bytes[..SIZE]);
    Ok(key)
}

/// What is sealed with a secret though it is not secret.
fn beside(name: &str) -> Vec<u8> {
    [b"sladd key 1\0", name.as_bytes()].concat()
}

const MAGIC: &[u8] = b"sladdw1\n";
const NONCE: usize = 24;
const SIZE: usize = 32;

/// How long a wrapped key is.
pub(super) const WRAPPED: usize = MAGIC.len() + NONCE + SIZE + 16;
