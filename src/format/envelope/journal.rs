//! What stands around a message in the journal's export format: `MESSAGE=`. Only within an entry, which the engine knows.

use crate::{
    format::export::{MESSAGE, NAME},
    record::{Record, Schema},
};

#[derive(Clone, Debug)]
pub struct Journal {
    schema: Schema,
}

impl Journal {
    pub(super) fn new() -> Journal {
        Journal { schema: Schema { name: NAME.into(), tail: MESSAGE.into(), ..Schema::default() } }
    }

    pub(super) fn schema(&self) -> &Schema {
        &self.schema
    }

    #[inline]
    pub(super) fn open(&self, line: &[u8], record: &mut Record) -> Option<usize> {
        record.clear();
        line.starts_with(MESSAGE).then_some(MESSAGE.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_what_follows_its_name() {
        let mut record = Record::default();
        assert_eq!(Journal::new().open(b"MESSAGE=x", &mut record), Some(8));
        assert_eq!(Journal::new().open(b"MESSAGE_ID=x", &mut record), None);
        assert!(record.values.is_empty());
    }
}
