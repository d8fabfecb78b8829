//! Standard output, or another descriptor.

use super::write_all;
use crate::{encode::Batch, input::stdin::enlarge};
use rustix::{
    event::{PollFd, PollFlags, Timespec},
    fs::FileType,
    io::Errno,
};
use std::{
    fs::File,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

/// A descriptor to write. It may be blocking or not; it is left as it is, because others may hold it too.
#[derive(Debug)]
pub struct Stdout {
    file: File,
    is_pipe: bool,
    /// A regular file takes all at once, or fails.
    is_file: bool,
    /// What an empty pipe takes at once.
    pipe_bytes: usize,
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
        let kind = stat.map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode));
        let (is_pipe, is_file) = (kind == FileType::Fifo, kind == FileType::RegularFile);
        if is_pipe {
            enlarge(fd.as_fd());
        }
        let pipe_bytes = if is_pipe { rustix::pipe::fcntl_getpipe_size(&fd).unwrap_or(PIPE_BUF) } else { 0 };
        Stdout { file: File::from(fd), is_pipe, is_file, pipe_bytes }
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

    /// Writes what there is room for of a batch of which `taken` bytes are written already, and says how much that was; 0:
    /// there was no room in the time given. The descriptor is left as it is, blocking or not. A pipe gets whole lines alone,
    /// so that none is torn where a process ends while nobody reads; but for lines that are longer than the pipe.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_some(&self, batch: &Batch, taken: usize, wait: Duration) -> io::Result<usize> {
        let rest = batch.bytes().get(taken..).unwrap_or_default();
        let is_empty = self.is_pipe && rustix::io::ioctl_fionread(&self.file).is_ok_and(|waiting| waiting == 0);
        let room = match (self.is_file, is_empty) {
            (true, _) => usize::MAX,
            (false, true) => self.pipe_bytes.max(PIPE_BUF),
            (false, false) => PIPE_BUF,
        };
        let piece = &rest[..rest.len().min(room)];
        let whole = memchr::memrchr(b'\n', piece).map(|at| at + 1);
        if !self.is_file && !is_empty {
            let ready = self.ready(PollFlags::OUT, wait)?;
            if ready.is_empty() {
                return Ok(0);
            }
            let first = memchr::memchr(b'\n', &rest[..rest.len().min(self.pipe_bytes)]);
            if whole.is_none() && first.is_some() && !ready.contains(PollFlags::ERR) {
                // It fits when all that stands there was read, of which nobody tells us.
                std::thread::sleep(EMPTIES.min(wait));
                return Ok(0);
            }
        }
        let piece = &piece[..whole.unwrap_or(piece.len().min(PIPE_BUF))];
        match rustix::io::write(&self.file, piece) {
            Ok(0) if !piece.is_empty() => Err(io::ErrorKind::WriteZero.into()),
            Ok(more) => Ok(more),
            Err(Errno::INTR | Errno::AGAIN) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the reader is known to have gone, though nothing was written.
    pub fn is_gone(&self) -> bool {
        let gone = PollFlags::ERR | PollFlags::HUP;
        self.ready(PollFlags::empty(), Duration::ZERO).is_ok_and(|ready| ready.intersects(gone))
    }

    fn ready(&self, wanted: PollFlags, wait: Duration) -> io::Result<PollFlags> {
        let mut fds = [PollFd::new(&self.file, wanted)];
        let wait = Timespec::try_from(wait).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
        match rustix::event::poll(&mut fds, Some(&wait)) {
            Ok(_) => Ok(fds[0].revents()),
            Err(Errno::INTR) => Ok(PollFlags::empty()),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsFd for Stdout {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// So often a pipe is looked at that has to be empty for a long line.
const EMPTIES: Duration = Duration::from_millis(2);

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
    fn a_pipe_that_nobody_reads_gets_whole_lines_and_is_not_waited_for() {
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let stdout = Stdout::from_fd(writer);
        // Short ones, and some that no PIPE_BUF holds.
        let line = |number: usize| {
            let mut line = number.to_string().repeat(1 + number * number % 1_500).into_bytes();
            line.push(b'\n');
            line
        };
        let lines: Vec<u8> = (1..2_000).flat_map(line).collect();
        let batch = Batch::of(&lines);
        let mut taken = 0;
        while let more @ 1.. = stdout.write_some(&batch, taken, Duration::from_millis(5)).unwrap() {
            taken += more;
        }
        assert!(taken > 0 && taken < lines.len() && lines[..taken].ends_with(b"\n"), "{taken}");
        let reads = std::thread::spawn(move || {
            let mut got = Vec::new();
            File::from(reader).read_to_end(&mut got).unwrap();
            got
        });
        while taken < lines.len() {
            taken += stdout.write_some(&batch, taken, Duration::from_secs(1)).unwrap();
        }
        assert!(!stdout.is_gone());
        drop(stdout);
        assert!(reads.join().unwrap() == lines);
    }

    #[test]
    fn a_reader_that_went_away_is_known_before_anything_is_written() {
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let stdout = Stdout::from_fd(writer);
        assert!(!stdout.is_gone());
        drop(reader);
        assert!(stdout.is_gone());
        let gone = stdout.write_some(&Batch::of(b"x\n"), 0, Duration::from_secs(60)).unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::BrokenPipe);
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
