//! A keyed pseudonym in place of the value.

use super::{Aid, Outcome};
use crate::epoch::Epoch;

/// A secret of one epoch: 32 random bytes, wiped when dropped. `Debug` shows none of them.
#[derive(Clone)]
pub struct Secret([u8; 32]);

impl Secret {
    /// Takes the bytes over.
    pub fn new(bytes: [u8; 32]) -> Secret {
        Secret(bytes)
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// One field's pseudonyms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pseudonym {
    /// Which of the fields that [`Keys`] was made for.
    pub slot: u16,
    /// Hexadecimal digits that are printed, 4 to 32.
    pub digits: u8,
    /// What counts as the same value.
    pub canonical: Canonical,
}

/// What counts as the same value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Canonical {
    /// An address: without port, zone and brackets, mapped ones as IPv4, IPv6 by its /64.
    Address,
    /// A device's, session's or request's: unescaped, percent-decoded; UUIDs, hardware addresses and hexadecimals in lower case.
    Identifier,
    /// A user's name: unescaped, otherwise as it stands.
    User,
}

impl Pseudonym {
    /// Makes the value's pseudonym.
    pub fn treat(&self, value: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
        let _ = (value, aid, made);
        Outcome::Dropped
    }
}

/// The keys of pseudonyms by epoch, field and class. One a worker.
#[derive(Debug, Default)]
pub struct Keys {}

impl Keys {
    /// Whether [`Keys::select`] can be called for the epoch without asking for its secret first.
    pub fn knows(&self, epoch: Epoch) -> bool {
        let _ = epoch;
        true
    }

    /// Gives the secret of an epoch, or the news that there is none. `name` is the epoch's printed name.
    pub fn admit(&mut self, epoch: Epoch, name: &str, secret: Option<Secret>) {
        let _ = (epoch, name, secret);
    }

    /// Chooses the keys for the next record: those of its epoch and retention class.
    pub fn select(&mut self, epoch: Epoch, class: u8) {
        let _ = (epoch, class);
    }
}
