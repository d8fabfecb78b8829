//! What the world outside asks of a sidecar, and what a supervisor is told.

use crate::error::{Error, Kind};
use rustix::pipe::{PipeFlags, pipe_with};
use signal_hook::{
    SigId,
    consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXFSZ},
    flag,
    low_level::{pipe, unregister},
};
use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
};

/// Requests by signal: a byte each, in pipes that a sleeping desk can wait for.
#[derive(Debug)]
pub struct Control {
    quit: OwnedFd,
    reload: OwnedFd,
    reopen: OwnedFd,
    count: OwnedFd,
    registered: Vec<SigId>,
}

impl Control {
    /// SIGTERM and SIGINT ask to end, SIGHUP to read the policy again, SIGUSR1 to open outputs again, SIGUSR2 to say the
    /// account.
    ///
    /// # Errors
    /// [`Kind::Io`]
    pub fn catch() -> Result<Control, Error> {
        let failed = |error: io::Error| Error::new(Kind::Io, format!("cannot listen for signals: {error}"));
        let mut registered = Vec::new();
        let mut on = |signals: &[i32]| -> io::Result<OwnedFd> {
            let (wake, waker) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
            for &signal in signals {
                registered.push(pipe::register(signal, waker.try_clone()?)?);
            }
            Ok(wake)
        };
        let quit = on(&[SIGTERM, SIGINT]).map_err(failed)?;
        let reload = on(&[SIGHUP]).map_err(failed)?;
        let reopen = on(&[SIGUSR1]).map_err(failed)?;
        let count = on(&[SIGUSR2]).map_err(failed)?;
        // So that a file over the limit of its size is an error of the write.
        registered.push(flag::register(SIGXFSZ, Arc::default()).map_err(failed)?);
        Ok(Control { quit, reload, reopen, count, registered })
    }

    pub(super) fn fds(&self) -> [BorrowedFd<'_>; 4] {
        [self.quit.as_fd(), self.reload.as_fd(), self.reopen.as_fd(), self.count.as_fd()]
    }

    /// How often the run was asked to end since the last call.
    pub(super) fn take_quits(&self) -> usize {
        taken(&self.quit)
    }

    pub(super) fn take_reload(&self) -> bool {
        taken(&self.reload) > 0
    }

    pub(super) fn take_reopen(&self) -> bool {
        taken(&self.reopen) > 0
    }

    pub(super) fn take_count(&self) -> bool {
        taken(&self.count) > 0
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.registered.drain(..).for_each(|id| {
            unregister(id);
        });
    }
}

fn taken(fd: &OwnedFd) -> usize {
    rustix::io::read(fd, &mut [0; 64]).unwrap_or(0)
}

/// Tells a supervisor such as systemd, where there is one.
pub(super) fn tell(states: &[sd_notify::NotifyState<'_>]) {
    // Nobody listens where it fails.
    let _ = sd_notify::notify(states);
}
