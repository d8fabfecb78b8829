//! Times and numbers rounded down.

use super::{Aid, Outcome};

/// How far a value is rounded down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coarsen {
    /// A number, to a multiple of this.
    Number(std::num::NonZeroU64),
}

impl Coarsen {
    /// Rounds `value` down; what is neither a time nor a number is withheld.
    pub fn treat(&self, value: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
        let _ = (value, aid, made);
        Outcome::Dropped
    }
}
