//! What names a record for ever: made of where its line stood, so that the same record made again has the same name.

use super::desk::Origin;
use crate::{encode::ParcelHead, error::Error, key::random, state::home::Key, time::Timestamp};

/// Gives batches their names.
#[derive(Clone)]
pub(super) struct Names {
    key: [u8; 32],
    /// Of this run, for what cannot be read twice.
    run: [u8; 32],
    count: u64,
    name: [u8; 16],
}

impl Names {
    pub(super) fn new(key: &Key) -> Result<Names, Error> {
        let mut run = [0; 32];
        random(&mut run)?;
        Ok(Names { key: key.derive("names of records"), run, count: 0, name: [0; 16] })
    }

    /// Goes on to the batch of these lines.
    pub(super) fn next(&mut self, origin: &Origin, (from, to): (u64, u64)) {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&(origin.input.len() as u64).to_le_bytes()).update(origin.input.as_bytes());
        match origin.source {
            Some(source) => {
                for number in [source, from, to] {
                    hasher.update(&number.to_le_bytes());
                }
            }
            None => {
                self.count += 1;
                hasher.update(&self.run).update(&self.count.to_le_bytes());
            }
        }
        let digest = hasher.finalize();
        self.name = std::array::from_fn(|at| digest.as_bytes()[at]);
    }

    /// What is said of that batch, which was minimised then.
    pub(super) fn head(&self, at: Timestamp) -> ParcelHead {
        ParcelHead { id: self.name, at }
    }
}
