//! Batches go out. One output per file.
//!
//! Goes in: a [`Batch`], and nothing else, so that no raw byte can get here. Comes out: whole lines in their order. An
//! output knows nothing of engines or policies. The smallest example to copy is `stdout.rs`.
//!
//! ```compile_fail
//! use sladd::output::Output;
//! fn leak(output: &mut Output) {
//!     output.write(b"a line that nobody minimised").ok();
//! }
//! ```

pub mod file;
#[cfg(feature = "cli")]
pub mod fresh;
#[cfg(feature = "cli")]
pub mod members;
#[cfg(feature = "cli")]
pub mod packer;
#[cfg(feature = "net")]
pub mod remote;
#[cfg(feature = "cli")]
pub mod segment;
pub mod stdout;

use crate::{encode::Batch, error::Error};
use rustix::{
    event::{PollFd, PollFlags},
    io::Errno,
};
use std::{io, os::fd::AsFd};

/// Where a run writes.
#[derive(Debug)]
pub enum Output {
    /// Standard output, or another descriptor.
    Stdout(stdout::Stdout),
    /// A file that grows.
    File(file::File),
    /// A new file, which has no name yet.
    #[cfg(feature = "cli")]
    Fresh(Box<fresh::Fresh>),
}

impl Output {
    /// Writes all of the batch. May block as long as the other side does.
    ///
    /// # Errors
    /// [`io::ErrorKind::BrokenPipe`] where the reader went away; else what the system says.
    pub fn write(&mut self, batch: &Batch) -> io::Result<()> {
        match self {
            Output::Stdout(stdout) => stdout.write(batch),
            Output::File(file) => file.write(batch),
            #[cfg(feature = "cli")]
            Output::Fresh(fresh) => fresh.write(batch),
        }
    }

    /// Opens the file at the same path again, after it was moved away. Nothing for standard output and new files.
    ///
    /// # Errors
    /// As [`file::File::open`]; the file as it was is then still written.
    pub fn reopen(&mut self) -> Result<(), Error> {
        match self {
            Output::Stdout(_) => Ok(()),
            Output::File(file) => file.reopen(),
            #[cfg(feature = "cli")]
            Output::Fresh(_) => Ok(()),
        }
    }

    /// What messages call it.
    pub fn name(&self) -> String {
        match self {
            Output::Stdout(_) => "standard output".to_owned(),
            Output::File(file) => format!("`{}`", file.path().display()),
            #[cfg(feature = "cli")]
            Output::Fresh(fresh) => format!("`{}`", fresh.path().display()),
        }
    }
}

/// Writes all bytes, through interrupts, short writes and descriptors that do not block.
pub(crate) fn write_all(fd: impl AsFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(&fd, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => bytes = &bytes[n..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => match rustix::event::poll(&mut [PollFd::new(&fd, PollFlags::OUT)], None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            },
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
