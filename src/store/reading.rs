//! Reading back what a store keeps: the lines of segments, as they were closed.

use super::{
    Kept, Root, Scope, file,
    key::{Keys, unnamed},
    list,
    manifest::Manifest,
};
use crate::{
    error::{Error, Kind},
    key::Wrap,
    state::files::digest_of,
};
use std::io::{self, Read};

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Segments.
    pub segments: u64,
    /// Lines in them.
    pub records: u64,
    /// Files that would belong to it and are no segments yet: nothing of them is read.
    pub unclosed: u64,
}

/// Gives all lines of the segments in a scope to `write`, by tenant, class, day and number; no segment of which a byte is not as
/// it was closed. `wrap` is what keys are wrapped with, for those that are sealed.
///
/// # Errors
/// [`Kind::Data`] for a segment that is not as it was closed: nothing of it was written; [`Kind::Config`] for a sealed one where `wrap`
/// is missing or another; [`Kind::NoInput`] where a sweep took one away in the meantime; [`Kind::Io`], [`Kind::Permission`];
/// whatever `write` says, as [`Kind::Io`].
pub fn read(
    root: &Root,
    scope: &Scope,
    wrap: Option<&Wrap>,
    mut write: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<Reading, Error> {
    let keys = wrap.map(|wrap| Keys::open(root, wrap.clone())).transpose()?.flatten();
    let mut reading = Reading::default();
    let mut all = list(root)?.kept;
    all.sort_by(|one, other| {
        (&one.tenant, &one.class, one.day, one.number).cmp(&(&other.tenant, &other.class, other.day, other.number))
    });
    for kept in all.iter().filter(|kept| scope.covers(kept)) {
        if !kept.is_segment {
            reading.unclosed += 1;
            continue;
        }
        reading.records += segment(root, kept, (wrap, keys.as_ref()), &mut write)?;
        reading.segments += 1;
    }
    Ok(reading)
}

fn segment(
    root: &Root,
    kept: &Kept,
    (wrap, keys): (Option<&Wrap>, Option<&Keys>),
    write: &mut impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<u64, Error> {
    let cannot = |kind, why: &str| {
        Error::new(kind, format!("cannot read segment {} of the store `{}`: {why}", kept.path, root.path().display()))
    };
    let changed = || cannot(Kind::Data, "it is not as it was closed; see what sladd store verify says");
    let gone = || cannot(Kind::NoInput, "it was there a moment ago; a sweep took it away");
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::PermissionDenied => cannot(Kind::Permission, &error.to_string()),
        _ => cannot(Kind::Io, &error.to_string()),
    };
    let number = kept.number.ok_or_else(changed)?;
    let room = root.place.room_if_there(&kept.label())?.ok_or_else(gone)?;
    let day = room.room_if_there(&kept.day.to_string())?.ok_or_else(gone)?;
    let (manifest, _) = Manifest::read(&day, number).map_err(|_| changed())?.ok_or_else(gone)?;
    let name = manifest.packed();
    let key = match &manifest.key {
        Some(_) if wrap.is_none() => return Err(unnamed(root)),
        Some(name) => match keys.map(|keys| keys.load(name)).transpose()?.flatten() {
            None => return Err(cannot(Kind::Data, "its key is gone: nobody can read it")),
            key => key,
        },
        None => None,
    };
    if digest_of(&day, name.as_ref()).map_err(failed)? != Some((manifest.packed_bytes, manifest.packed_blake3)) {
        return Err(changed());
    }
    let file = file::open(&day, &name).map_err(failed)?.ok_or_else(gone)?;
    let opened = file::opened(file, key.as_ref()).map_err(failed)?;
    let mut unpacked = zstd::Decoder::new(opened).map_err(failed)?;
    let mut chunk = vec![0; 128 << 10];
    loop {
        match unpacked.read(&mut chunk).map_err(failed)? {
            0 => return Ok(manifest.records),
            read => write(&chunk[..read])
                .map_err(|error| Error::new(Kind::Io, format!("cannot write to standard output: {error}")))?,
        }
    }
}
