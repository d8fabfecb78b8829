//! A file of which each byte lies hidden in its own place: lengths and cuts are those of the plain one.

use super::{Fault, Segment, size};
use crate::{
    key::random,
    seal::{FileKey, SPAN, Veil},
};
use rustix::io::Errno;
use std::{
    io::{self, Read},
    os::fd::OwnedFd,
};

/// What hides a segment, and the file that its spans are kept in.
#[derive(Debug)]
pub struct Veiled {
    veil: Veil,
    kept: OwnedFd,
    /// How long that file is; what stands behind was not written whole.
    length: u64,
    /// Whether what is written now has a span of its own.
    is_begun: bool,
}

impl Veiled {
    /// `kept` is open for reading and writing, and holds the spans of the veil. `is_new`: nothing was written under the last of
    /// them.
    ///
    /// # Errors
    /// As [`restore`].
    pub fn new(key: &FileKey, kept: OwnedFd, is_new: bool) -> io::Result<Veiled> {
        let (veil, length) = restore(key, std::fs::File::from(kept.try_clone()?))?;
        Ok(Veiled { veil, kept, length, is_begun: is_new })
    }

    /// Sees that what is written from there on has a span of its own.
    fn begin(&mut self, from: u64) -> io::Result<()> {
        if !self.is_begun {
            let span: [u8; SPAN] =
                self.veil.begin(from, random).map_err(|error| io::Error::other(error.to_string()))?;
            let mut written = 0;
            while written < span.len() {
                match rustix::io::pwrite(&self.kept, &span[written..], self.length + written as u64) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(more) => written += more,
                    Err(Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            super::durable(|| rustix::fs::fdatasync(&self.kept))?;
            self.length += SPAN as u64;
            self.is_begun = true;
        }
        Ok(())
    }
}

/// What shows a file, from the spans that were kept of it; and how long those are that are whole. The last may not be: nothing was
/// written under it then.
///
/// # Errors
/// What the system says; [`io::ErrorKind::InvalidData`] where they are damaged or another file's.
pub fn restore(key: &FileKey, kept: impl Read) -> io::Result<(Veil, u64)> {
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "what it is hidden with is damaged; it cannot be read");
    let (mut spans, mut length) = (Vec::new(), 0);
    kept.take(MOST_BYTES).read_to_end(&mut spans)?;
    let mut veil = key.veil();
    let (whole, _) = spans.as_chunks::<SPAN>();
    for (at, span) in whole.iter().enumerate() {
        if veil.restore(span) {
            length += SPAN as u64;
        } else if at + 1 < whole.len() {
            return Err(damaged());
        }
    }
    if veil.is_whole() { Ok((veil, length)) } else { Err(damaged()) }
}

impl Segment {
    /// The same, hidden. Nothing was read or written yet.
    pub fn under(self, veiled: Veiled) -> Segment {
        Segment { veiled: Some(veiled), ..self }
    }

    /// What hides it, for when it is opened again in this run.
    pub fn into_veiled(self) -> Option<Veiled> {
        self.veiled
    }

    /// Something of it was cut: what is written there next has nothing in common with that.
    pub(super) fn was_cut(&mut self) {
        if let Some(veiled) = &mut self.veiled {
            veiled.is_begun = false;
        }
    }

    /// Shows what was read there.
    pub(super) fn show(&self, from: u64, bytes: &mut [u8]) {
        if let Some(veiled) = &self.veiled {
            veiled.veil.apply(from, bytes);
        }
    }

    /// Appends what is missing of some bytes, hidden.
    pub(super) fn append_veiled(&mut self, bytes: &[u8], mut taken: usize) -> Result<(), Fault> {
        let Segment { veiled: Some(veiled), fd, .. } = self else { return Ok(()) };
        let begun = size(fd).map_err(io::Error::from).and_then(|from| veiled.begin(from).map(|()| from));
        let mut at = match begun {
            Ok(from) => from,
            Err(error) => return Err(self.fault(taken, error)),
        };
        let mut chunk = vec![0; CHUNK.min(bytes.len() - taken)];
        while taken < bytes.len() {
            let some = &mut chunk[..CHUNK.min(bytes.len() - taken)];
            some.copy_from_slice(&bytes[taken..taken + some.len()]);
            veiled.veil.apply(at, some);
            let mut written = 0;
            while written < some.len() {
                match rustix::io::write(&*fd, &some[written..]) {
                    Ok(0) => return Err(self.fault(taken + written, io::ErrorKind::WriteZero.into())),
                    Ok(more) => written += more,
                    Err(Errno::INTR) => {}
                    Err(error) => return Err(self.fault(taken + written, error.into())),
                }
            }
            taken += written;
            at += written as u64;
        }
        Ok(())
    }
}

/// A file has a span for each time that it was opened to be written.
const MOST_BYTES: u64 = 4 << 20;

/// So much is hidden at a time.
const CHUNK: usize = 64 * 1024;
