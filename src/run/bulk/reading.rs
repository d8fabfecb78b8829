//! How a file was read: whether what came of it is all of it, good as far as it goes, or nothing.

use super::{
    feed::{Read, ReadEnd},
    walk,
};
use crate::{
    error::Kind,
    input::{file::Identity, packing::Packing},
};
use std::io;

/// How a file was read that could be opened.
pub(super) struct Reading {
    /// What it was when it was opened.
    pub opened: Identity,
    pub packing: Packing,
    /// Why not all of it was read.
    pub fault: Option<(String, Kind)>,
    /// What was read is good as far as it goes.
    pub good: bool,
    /// It is another by now.
    pub changed: bool,
}

impl Reading {
    /// Looks at the file again.
    ///
    /// # Errors
    /// Why it could not be opened.
    pub fn of(read: &Read) -> Result<Reading, (String, Kind)> {
        let (opened, packing, junk, fault) = match &read.end {
            ReadEnd::NotOpened(error) => {
                let why = match error.kind() {
                    io::ErrorKind::PermissionDenied => "no permission to read it".to_owned(),
                    io::ErrorKind::Unsupported => format!("it is {error} by now"),
                    _ => error.to_string(),
                };
                return Err((why, walk::kind(error)));
            }
            ReadEnd::Read { opened, packing, junk, fault } => (*opened, *packing, *junk, fault),
        };
        let now = rustix::fs::lstat(&read.item.path).map(|stat| Identity::of(&stat)).ok();
        let changed = now.is_none_or(|now| !now.is_same(&opened));
        let shrank = now.is_some_and(|now| now.inode == opened.inode && now.size < opened.size);
        let good = fault.as_ref().is_none_or(|fault| fault.has_good_prefix());
        let fault = match (fault, junk) {
            (Some(fault), _) => Some((fault.to_string(), fault.kind())),
            (None, Some(at)) => {
                let why = format!("what stands behind byte {at} is not {} and was not read", packing.name());
                Some((why, Kind::Data))
            }
            (None, None) if shrank => {
                Some(("it was cut while it was read; what was left is read".to_owned(), Kind::Data))
            }
            (None, None) => None,
        };
        Ok(Reading { opened, packing, fault, good, changed })
    }
}
