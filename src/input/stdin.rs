//! Standard input, or another descriptor that is read from front to end: a pipe, a FIFO, a socket, a file.

use crate::error::{Error, Kind};
use rustix::{
    event::{PollFd, PollFlags, Timespec},
    fs::FileType,
    io::Errno,
    pipe::{fcntl_getpipe_size, fcntl_setpipe_size},
};
use std::{
    fs::File,
    io::IsTerminal,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

/// A descriptor to read. It may be blocking or not; it is left as it is, because others may hold it too.
#[derive(Debug)]
pub struct Stdin {
    file: File,
    capacity_bytes: usize,
}

/// What a wait ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// Something can be read: bytes, the end or an error.
    Data,
    /// The run was told to stop.
    Stop,
    /// Neither, in the time given.
    Nothing,
}

impl Stdin {
    /// Standard input.
    ///
    /// # Errors
    /// [`Kind::Usage`] for a terminal: nobody types a log. [`Kind::NoInput`] for a directory.
    pub fn open() -> Result<Stdin, Error> {
        let stdin = std::io::stdin();
        if stdin.is_terminal() {
            return Err(Error::new(
                Kind::Usage,
                "standard input is a terminal; give a log, as in `sladd < access.log`, or see `sladd --help`",
            ));
        }
        Stdin::from_fd(stdin.as_fd().try_clone_to_owned().map_err(|error| cannot_read(&error))?)
    }

    /// Any descriptor. A pipe is enlarged as far as the system lets us, so that its writer seldom has to wait.
    ///
    /// # Errors
    /// [`Kind::NoInput`] for a directory.
    pub fn from_fd(fd: OwnedFd) -> Result<Stdin, Error> {
        let kind = rustix::fs::fstat(&fd).map(|stat| FileType::from_raw_mode(stat.st_mode));
        match kind.map_err(|error| cannot_read(&error.into()))? {
            FileType::Directory => {
                Err(Error::new(Kind::NoInput, "standard input is a directory; give a file, as in `sladd < access.log`"))
            }
            FileType::Fifo => Ok(Stdin { capacity_bytes: enlarge(fd.as_fd()), file: File::from(fd) }),
            _ => Ok(Stdin { file: File::from(fd), capacity_bytes: UNKNOWN_CAPACITY }),
        }
    }

    /// How much a writer can be ahead of us before it has to wait.
    pub fn capacity_bytes(&self) -> usize {
        self.capacity_bytes
    }

    /// Waits until there is something to read, `stop` can be read, or the time is over (`None`: without end). A signal
    /// may end a wait with a time early.
    ///
    /// # Errors
    /// [`Kind::Io`]
    pub fn wait(&self, stop: Option<BorrowedFd<'_>>, timeout: Option<Duration>) -> Result<Ready, Error> {
        poll(&self.file, PollFlags::IN, stop, timeout)
    }

    /// Lets the time pass, unless the writer goes away or `stop` can be read.
    ///
    /// # Errors
    /// [`Kind::Io`]
    pub fn linger(&self, stop: BorrowedFd<'_>, time: Duration) -> Result<Ready, Error> {
        poll(&self.file, PollFlags::empty(), Some(stop), Some(time))
    }

    /// Reads some bytes; 0 is the end, `None` that there was nothing to read after all.
    ///
    /// # Errors
    /// [`Kind::Io`]
    pub fn read(&self, space: &mut [u8]) -> Result<Option<usize>, Error> {
        match rustix::io::read(&self.file, space) {
            Ok(n) => Ok(Some(n)),
            Err(Errno::INTR | Errno::AGAIN) => Ok(None),
            Err(error) => Err(cannot_read(&error.into())),
        }
    }
}

/// Enlarges a pipe, and tells its size.
pub(crate) fn enlarge(fd: BorrowedFd<'_>) -> usize {
    for bytes in [PIPE_BYTES, PIPE_BYTES / 4] {
        // Refused where a user's pipes together would hold too much; the pipe is then as good as it was.
        if fcntl_getpipe_size(fd).is_ok_and(|now| now >= bytes) || fcntl_setpipe_size(fd, bytes).is_ok() {
            break;
        }
    }
    fcntl_getpipe_size(fd).unwrap_or(UNKNOWN_CAPACITY)
}

/// What Linux lets an ordinary user ask for.
const PIPE_BYTES: usize = 1 << 20;

/// What we take for the capacity of a thing that does not tell.
const UNKNOWN_CAPACITY: usize = 64 * 1024;

fn poll(
    file: &File,
    events: PollFlags,
    stop: Option<BorrowedFd<'_>>,
    timeout: Option<Duration>,
) -> Result<Ready, Error> {
    let timeout = timeout.and_then(|time| Timespec::try_from(time).ok());
    // Without a stop, the input stands in both places.
    let stop_fd = stop.unwrap_or(file.as_fd());
    let stop_events = if stop.is_some() { PollFlags::IN } else { PollFlags::empty() };
    loop {
        let mut fds = [PollFd::new(file, events), PollFd::from_borrowed_fd(stop_fd, stop_events)];
        match rustix::event::poll(&mut fds, timeout.as_ref()) {
            Ok(0) => return Ok(Ready::Nothing),
            Ok(_) if stop.is_some() && !fds[1].revents().is_empty() => return Ok(Ready::Stop),
            Ok(_) => return Ok(Ready::Data),
            Err(Errno::INTR) if timeout.is_none() => {}
            Err(Errno::INTR) => return Ok(Ready::Nothing),
            Err(error) => return Err(cannot_read(&error.into())),
        }
    }
}

fn cannot_read(error: &std::io::Error) -> Error {
    Error::new(Kind::Io, format!("cannot read standard input: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_no_input() {
        let directory = File::open("/").unwrap();
        assert_eq!(Stdin::from_fd(directory.into()).unwrap_err().kind(), Kind::NoInput);
    }

    #[test]
    fn a_pipe_is_enlarged_and_tells_its_capacity() {
        let (reader, _writer) = rustix::pipe::pipe().unwrap();
        assert!(Stdin::from_fd(reader).unwrap().capacity_bytes() >= 4096);
    }

    #[test]
    fn a_descriptor_for_writing_only_is_a_read_error() {
        let file = File::options().write(true).open("/dev/null").unwrap();
        let error = Stdin::from_fd(file.into()).unwrap().read(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), Kind::Io);
        assert_eq!(error.to_string(), "cannot read standard input: Bad file descriptor (os error 9)");
    }

    #[test]
    fn a_wait_tells_data_from_stop_from_nothing() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let (stop, stopper) = rustix::pipe::pipe().unwrap();
        let stdin = Stdin::from_fd(reader).unwrap();
        let soon = Some(Duration::from_millis(1));
        assert_eq!(stdin.wait(Some(stop.as_fd()), soon).unwrap(), Ready::Nothing);
        rustix::io::write(&writer, b"x").unwrap();
        assert_eq!(stdin.wait(Some(stop.as_fd()), None).unwrap(), Ready::Data);
        assert_eq!(stdin.linger(stop.as_fd(), Duration::from_millis(1)).unwrap(), Ready::Nothing);
        drop(stopper);
        assert_eq!(stdin.wait(Some(stop.as_fd()), None).unwrap(), Ready::Stop);
        assert_eq!(stdin.wait(None, None).unwrap(), Ready::Data);
        assert_eq!(stdin.read(&mut [0; 8]).unwrap(), Some(1));
        drop(writer);
        assert_eq!(stdin.wait(None, None).unwrap(), Ready::Data);
        assert_eq!(stdin.read(&mut [0; 8]).unwrap(), Some(0));
    }

    #[test]
    fn a_non_blocking_pipe_without_bytes_is_no_error() {
        let (reader, _writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::NONBLOCK).unwrap();
        assert_eq!(Stdin::from_fd(reader).unwrap().read(&mut [0; 8]).unwrap(), None);
    }
}
