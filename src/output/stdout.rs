//! Standard output, or another descriptor.

use super::write_all;
use crate::{encode::Batch, input::stdin::enlarge};
use rustix::{
    event::{PollFd, PollFlags, Timespec},
    fs::FileType,
};
use std::{
    fs::File,
    io,
    os::fd::{AsFd, OwnedFd},
};

/// A descriptor to write. It may be blocking or not; it is left as it is, because others may hold it too.
#[derive(Debug)]
pub struct Stdout {
    file: File,
    is_pipe: bool,
}

impl Stdout {
    /// Standard output.
    ///
    /// # Errors
    /// What the system says.
    pub fn open() -> io::Result<Stdout> {
        Ok(Stdout::from_fd(io::stdout().as_fd().try_clone_to_owned()?))
    }

    /// Any descriptor. A pipe is enlarged as far as the system lets us, so that we seldom wait for its reader.
    pub fn from_fd(fd: OwnedFd) -> Stdout {
        let stat = rustix::fs::fstat(&fd);
        let is_pipe = stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Fifo);
        if is_pipe {
            enlarge(fd.as_fd());
        }
        Stdout { file: File::from(fd), is_pipe }
    }

    /// Whether so many bytes can be written without waiting: known only of a pipe with room, up to the size that POSIX
    /// writes whole or not at all.
    pub fn is_quick(&self, bytes: usize) -> bool {
        let mut fds = [PollFd::new(&self.file, PollFlags::OUT)];
        self.is_pipe
            && bytes <= PIPE_BUF
            && rustix::event::poll(&mut fds, Some(&Timespec::default())).is_ok()
            && fds[0].revents().contains(PollFlags::OUT)
    }

    /// Writes all of the batch.
    ///
    /// # Errors
    /// [`io::ErrorKind::BrokenPipe`] where the reader went away; else what the system says.
    pub fn write(&mut self, batch: &Batch) -> io::Result<()> {
        write_all(&self.file, batch.bytes())
    }
}

/// Linux's `PIPE_BUF`.
const PIPE_BUF: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn a_pipe_that_does_not_block_gets_every_byte() {
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let flags = rustix::fs::fcntl_getfl(&writer).unwrap();
        rustix::fs::fcntl_setfl(&writer, flags | rustix::fs::OFlags::NONBLOCK).unwrap();
        let bytes: Vec<u8> = (0..3_000_000u32).map(|i| i as u8).collect();
        let batch = Batch::of(&bytes);
        let slow = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(20));
            let mut got = Vec::new();
            File::from(reader).read_to_end(&mut got).unwrap();
            got
        });
        Stdout::from_fd(writer).write(&batch).unwrap();
        assert!(slow.join().unwrap() == bytes);
    }

    #[test]
    fn a_reader_that_went_away_is_a_broken_pipe_and_a_full_disk_is_not() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        drop(reader);
        let gone = Stdout::from_fd(writer).write(&Batch::of(b"x\n")).unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::BrokenPipe);
        let full = File::options().write(true).open("/dev/full").unwrap();
        let full = Stdout::from_fd(full.into()).write(&Batch::of(b"x\n")).unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    }
}
