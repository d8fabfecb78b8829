//! The handshake of the Forward protocol: both sides prove that they know a key, and neither sends it.
//!
//! ```text
//! server  ["HELO", {"nonce": n, "auth": "", "keepalive": true}]
//! client  ["PING", hostname, salt, hex SHA-512(salt + hostname + nonce + key), user, password]
//! server  ["PONG", true, "", hostname, hex SHA-512(salt + hostname + nonce + key)]
//! ```

use super::pack::{Reader, Value};
use crate::{
    error::{Error, Kind},
    input::intake::Reason,
};
use rmp::encode as pack;
use sha2::{Digest, Sha512};
use std::{
    fmt, fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};
use zeroize::Zeroizing;

/// What clients and this server both know. Is never shown.
#[derive(Clone)]
pub struct SharedKey(Zeroizing<Vec<u8>>);

/// A key has no more bytes.
const MOST_BYTES: u64 = 4096;

impl SharedKey {
    /// Reads it: all of a file but line feeds at its end.
    ///
    /// # Errors
    /// [`Kind::Config`]: there is none, it is empty or too long, or others may read it.
    pub fn read(path: &Path) -> Result<SharedKey, Error> {
        let cannot =
            |why: &str| Error::new(Kind::Config, format!("cannot read the shared key `{}`: {why}", path.display()));
        let found = fs::metadata(path).map_err(|error| cannot(&error.to_string()))?;
        if found.permissions().mode() & 0o007 != 0 {
            return Err(cannot("it is readable by others; run chmod 640"));
        }
        if !found.is_file() || found.size() > MOST_BYTES {
            return Err(cannot("it is no file of at most 4096 bytes"));
        }
        let mut key = Zeroizing::new(fs::read(path).map_err(|error| cannot(&error.to_string()))?);
        while key.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            key.pop();
        }
        if key.is_empty() {
            return Err(cannot("it is empty; write the key that the clients have"));
        }
        Ok(SharedKey(key))
    }

    fn digest(&self, salt: &[u8], host: &[u8], nonce: &[u8]) -> [u8; 128] {
        let mut digest = Sha512::new();
        for part in [salt, host, nonce, &self.0] {
            digest.update(part);
        }
        let digest = digest.finalize();
        std::array::from_fn(|at| b"0123456789abcdef"[usize::from(digest[at / 2] >> (4 * (1 - at % 2)) & 15)])
    }
}

impl fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedKey")
    }
}

/// What we are called there. Clients refuse a server of their own name.
const NAME: &[u8] = b"sladd.invalid";

/// The first word to a client.
pub(super) fn helo(nonce: &[u8; 16]) -> Vec<u8> {
    let mut out = Vec::new();
    pack::write_array_len(&mut out, 2)
        .and_then(|_| pack::write_str(&mut out, "HELO"))
        .and_then(|()| pack::write_map_len(&mut out, 3).map(drop))
        .and_then(|()| pack::write_str(&mut out, "nonce"))
        .and_then(|()| pack::write_bin(&mut out, nonce))
        .and_then(|()| pack::write_str(&mut out, "auth"))
        .and_then(|()| pack::write_str(&mut out, ""))
        .and_then(|()| pack::write_str(&mut out, "keepalive"))
        .expect("writing to memory cannot fail");
    out.push(0xc3);
    out
}

/// What is answered to a client's word, and whether it may stay.
pub(super) fn pong(ping: &[u8], nonce: &[u8; 16], key: &SharedKey) -> Result<(Vec<u8>, bool), Reason> {
    let mut reader = Reader::new(ping);
    let mut text = || match reader.next()? {
        Value::Text(text) | Value::Binary(text) => Ok(text),
        _ => Err(Reason::Handshake),
    };
    // The head of the array is no text.
    let (Some(0x96), Err(Reason::Handshake)) = (ping.first(), text()) else { return Err(Reason::Handshake) };
    let (b"PING", host, salt, said) = (text()?, text()?, text()?, text()?) else { return Err(Reason::Handshake) };
    let want = key.digest(salt, host, nonce);
    // All bytes are compared, so that the time says nothing of how many are right.
    let differ = want.iter().zip(said).fold(0, |differ, (a, b)| differ | (a ^ b));
    let is_right = said.len() == want.len() && differ == 0;
    let mut out = Vec::new();
    out.extend_from_slice(&[0x95]);
    let (reason, ours) =
        if is_right { ("", key.digest(salt, NAME, nonce).to_vec()) } else { ("shared key mismatch", vec![]) };
    pack::write_str(&mut out, "PONG").expect("writing to memory cannot fail");
    out.push(if is_right { 0xc3 } else { 0xc2 });
    for text in [reason.as_bytes(), if is_right { NAME } else { b"" }, &ours] {
        pack::write_str_len(&mut out, text.len() as u32).expect("writing to memory cannot fail");
        out.extend_from_slice(text);
    }
    Ok((out, is_right))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn ping(key: &SharedKey, nonce: &[u8]) -> Vec<u8> {
        let mut out = vec![0x96];
        let digest = key.digest(b"salt", b"www.example.net", nonce);
        for text in ["PING", "www.example.net", "salt", std::str::from_utf8(&digest).unwrap(), "", ""] {
            pack::write_str(&mut out, text).unwrap();
        }
        out
    }

    #[test]
    fn who_knows_the_key_is_let_in_and_nobody_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        fs::write(&path, "a shared key\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let key = SharedKey::read(&path).unwrap();
        assert_eq!(&**key.0, b"a shared key");
        assert_eq!(format!("{key:?}"), "SharedKey");
        let nonce = [7; 16];
        let (answer, is_right) = pong(&ping(&key, &nonce), &nonce, &key).unwrap();
        assert!(is_right && answer.starts_with(b"\x95\xa4PONG\xc3\xa0\xadsladd.invalid\xd9\x80"));
        let other = SharedKey(Zeroizing::new(b"another".to_vec()));
        for (key, nonce) in [(&other, &nonce[..]), (&key, &[8; 16])] {
            let (answer, is_right) = pong(&ping(key, nonce), &[7; 16], &SharedKey::read(&path).unwrap()).unwrap();
            assert!(!is_right && answer.starts_with(b"\x95\xa4PONG\xc2"));
        }
        for bad in [&b"\x96\xa4PONG"[..], b"", b"\x92\xa1x\x80", b"\x96\xa4PING\x01"] {
            assert!(pong(bad, &nonce, &key).is_err());
        }
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        fs::write(&path, "\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let said = |path: &Path| SharedKey::read(path).unwrap_err().to_string();
        let shown = path.display();
        assert_eq!(
            said(&path),
            format!("cannot read the shared key `{shown}`: it is readable by others; run chmod 640")
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(said(&path).ends_with("it is empty; write the key that the clients have"));
        assert!(said(directory.path()).starts_with("cannot read the shared key"));
    }
}
