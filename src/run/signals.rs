//! Signals → bytes in two pipes, so that one wait sees them all.

use crate::error::{Error, Kind};
use rustix::pipe::{PipeFlags, pipe_with};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGXFSZ},
    flag,
    low_level::{pipe::register, unregister},
};
use std::{
    fs, io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
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
    /// SIGTERM, SIGINT and SIGHUP (the terminal is closed) ask to end, SIGUSR1 to open the output again, from now until this is
    /// dropped. After that they are ignored. SIGHUP stays ignored where whoever started us said so, as `nohup` does.
    ///
    /// SIGXFSZ is taken too, so that a file over the limit of its size is an error of the write, with the file's name, and not the end.
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
            .and_then(|()| if is_ignored(SIGHUP) { Ok(()) } else { catch(SIGHUP, requests.quit.try_clone()?) })
            .and_then(|()| catch(SIGINT, requests.quit))
            .and_then(|()| catch(SIGUSR1, requests.reopen))
            .map_err(|error| cannot_listen(&error))?;
        // Nobody looks at the flag: that the signal has somebody to go to is all.
        let large = flag::register(SIGXFSZ, Arc::default()).map_err(|error| cannot_listen(&error))?;
        signals.registered.push(large);
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

/// Whether a signal is ignored since before we began, as far as the system tells.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignored(&status).is_some_and(|set| set >> (signal - 1) & 1 == 1)
}

/// The set of ignored signals in a process's status: `SigIgn:` and 16 digits in hexadecimal, the first signal in the lowest bit.
fn ignored(status: &str) -> Option<u64> {
    let set = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(set.trim(), 16).ok()
}

fn take(fd: &OwnedFd) -> usize {
    rustix::io::read(fd, &mut [0; 64]).unwrap_or(0)
}

fn cannot_listen(error: &io::Error) -> Error {
    Error::new(Kind::Io, format!("cannot listen for signals: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read_from_the_status() {
        let set = ignored("Name:\tsladd\nSigBlk:\t0000000000000002\nSigIgn:\t0000000000001001\n").unwrap();
        assert_eq!((set & 1, set >> (SIGINT - 1) & 1, set >> 12), (1, 0, 1));
        assert_eq!(ignored("Name:\tsladd\n"), None);
        assert_eq!(ignored("SigIgn:\tnone\n"), None);
        assert!(!is_ignored(SIGTERM));
    }
}
