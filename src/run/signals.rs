//! Signals → bytes in two pipes, so that one wait sees them all.

use crate::error::{Error, Kind};
use rustix::pipe::{PipeFlags, pipe_with};
use signal_hook::{
    consts::{SIGINT, SIGTERM, SIGUSR1},
    low_level::{pipe::register, unregister},
};
use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

/// What the world outside asks of a run.
#[derive(Debug)]
pub struct Signals {
    /// A byte a request to end.
    quit: OwnedFd,
    /// A byte a request to open the output again.
    reopen: OwnedFd,
    registered: Vec<signal_hook::SigId>,
}

/// Asks by hand what signals ask.
#[derive(Debug)]
pub struct Requests {
    quit: OwnedFd,
    reopen: OwnedFd,
}

impl Signals {
    /// SIGTERM and SIGINT ask to end, SIGUSR1 to open the output again, from now until this is dropped. After that they are ignored.
    ///
    /// # Errors
    /// [`Kind::Io`]
    pub fn catch() -> Result<Signals, Error> {
        let (mut signals, requests) = Signals::by_hand()?;
        let mut catch = |signal, pipe| -> io::Result<()> {
            signals.registered.push(register(signal, pipe)?);
            Ok(())
        };
        requests
            .quit
            .try_clone()
            .and_then(|quit| catch(SIGTERM, quit))
            .and_then(|()| catch(SIGINT, requests.quit))
            .and_then(|()| catch(SIGUSR1, requests.reopen))
            .map_err(|error| cannot_listen(&error))?;
        Ok(signals)
    }

    /// No signals; the requests are made by hand.
    ///
    /// # Errors
    /// [`Kind::Io`]
    pub fn by_hand() -> Result<(Signals, Requests), Error> {
        let pipe = || pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).map_err(|error| cannot_listen(&error.into()));
        let ((quit, ask_quit), (reopen, ask_reopen)) = (pipe()?, pipe()?);
        Ok((Signals { quit, reopen, registered: Vec::new() }, Requests { quit: ask_quit, reopen: ask_reopen }))
    }

    /// Readable when there are requests.
    pub(super) fn fds(&self) -> [BorrowedFd<'_>; 2] {
        [self.quit.as_fd(), self.reopen.as_fd()]
    }

    /// How often the run was asked to end since the last call.
    pub(super) fn take_quits(&self) -> usize {
        take(&self.quit)
    }

    /// Whether the output is to be opened again.
    pub(super) fn take_reopens(&self) -> usize {
        take(&self.reopen)
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.registered.drain(..).for_each(|id| {
            unregister(id);
        });
    }
}

impl Requests {
    /// As SIGTERM.
    pub fn quit(&self) {
        // A full pipe is as good as one more byte in it.
        let _ = rustix::io::write(&self.quit, b"X");
    }

    /// As SIGUSR1.
    pub fn reopen(&self) {
        let _ = rustix::io::write(&self.reopen, b"X");
    }
}

fn take(fd: &OwnedFd) -> usize {
    rustix::io::read(fd, &mut [0; 64]).unwrap_or(0)
}

fn cannot_listen(error: &io::Error) -> Error {
    Error::new(Kind::Io, format!("cannot listen for signals: {error}"))
}
