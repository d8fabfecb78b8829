//! The shared key: HELO, PING, PONG. Each side shows that it knows the key without saying it.

use super::{
    super::{fault::Fault, wire::Wire},
    message,
    pack::{string, take_text},
};
use rmp::{decode, encode};
use rustix::rand::{GetRandomFlags, getrandom};
use sha2::{Digest, Sha512};
use std::time::Instant;

/// What the receiver said first.
struct Helo {
    nonce: Vec<u8>,
    /// It wants a user and a password, which we have not.
    wants_user: bool,
}

/// Both sides show that they know the key.
///
/// # Errors
/// [`Fault::Handshake`] where the receiver does not know it, or does not believe us; as a wire's.
pub(super) fn greet(wire: &mut Wire, key: &[u8], host: &str, end: Instant) -> Result<(), Fault> {
    let helo = helo(&message(wire, MOST_BYTES, end)?).ok_or(Fault::Handshake)?;
    if helo.wants_user {
        return Err(Fault::Handshake);
    }
    let mut random = [0; 16];
    let got = getrandom(&mut random, GetRandomFlags::empty()).map_err(|_| Fault::Handshake)?;
    if got < random.len() {
        return Err(Fault::Handshake);
    }
    let salt = hex(&random);
    let mut ping = Vec::new();
    encode::write_array_len(&mut ping, 6).expect("a Vec takes all");
    for text in ["PING", host, &salt, &digest(salt.as_bytes(), host.as_bytes(), &helo.nonce, key), "", ""] {
        string(text, &mut ping);
    }
    wire.write(&ping)?;
    let answer = message(wire, MOST_BYTES, end)?;
    match pong(&answer) {
        Some((server, said)) if server != host.as_bytes() => {
            let expected = digest(salt.as_bytes(), server, &helo.nonce, key);
            if is_same(said, expected.as_bytes()) { Ok(()) } else { Err(Fault::Handshake) }
        }
        // Our own words come back, or it does not let us in.
        Some(_) | None => Err(Fault::Handshake),
    }
}

/// `["HELO", {"nonce": …, "auth": …, "keepalive": …}]`
fn helo(mut message: &[u8]) -> Option<Helo> {
    let from = &mut message;
    if decode::read_array_len(from).ok()? != 2 || take_text(from)? != b"HELO" {
        return None;
    }
    let (mut nonce, mut wants_user) = (None, false);
    for _ in 0..decode::read_map_len(from).ok()? {
        match take_text(from)? {
            b"nonce" => nonce = Some(take_text(from)?.to_vec()),
            b"auth" => wants_user = !take_text(from)?.is_empty(),
            b"keepalive" => drop(decode::read_bool(from).ok()?),
            _ => return None,
        }
    }
    Some(Helo { nonce: nonce?, wants_user })
}

/// `["PONG", true, reason, host, digest]`: its host and its digest.
fn pong(mut message: &[u8]) -> Option<(&[u8], &[u8])> {
    let from = &mut message;
    if decode::read_array_len(from).ok()? != 5 || take_text(from)? != b"PONG" || !decode::read_bool(from).ok()? {
        return None;
    }
    let _reason = take_text(from)?;
    Some((take_text(from)?, take_text(from)?))
}

fn digest(salt: &[u8], host: &[u8], nonce: &[u8], key: &[u8]) -> String {
    hex(&[salt, host, nonce, key].iter().fold(Sha512::new(), |sum, part| sum.chain_update(part)).finalize())
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).expect("a nibble is a digit");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// In a time that says nothing of where they differ.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

const MOST_BYTES: usize = 4 << 10;
