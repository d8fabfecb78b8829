//! Nothing in place of the value.

use super::{Aid, Outcome};

/// Withholds every value.
#[derive(Clone, Copy, Debug)]
pub struct Drop;

impl Drop {
    /// Lets nothing of `value` leave.
    #[inline]
    pub fn treat(&self, value: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
        let _ = (value, aid, made);
        Outcome::Dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_it_is_it_goes_and_nothing_is_made_of_it() {
        let mut made = Vec::new();
        assert_eq!(Drop.treat(b"secret", &mut Aid::default(), &mut made), Outcome::Dropped);
        assert!(made.is_empty());
    }
}
