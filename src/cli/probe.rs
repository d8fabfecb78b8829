//! `sladd sidecar --probe`: asks a sidecar how it is, for containers that hold nothing else which could.

use super::ProbeArg;
use crate::{
    error::{Error, Kind},
    policy::{Policy, wiring::Listen},
};
use std::{
    io::{self, Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    process::ExitCode,
    time::Duration,
};

/// Asks at the place that `[status]` names. Ends with 1 where the answer is no.
///
/// # Errors
/// [`Kind::Config`] where the policy has no `[status]`; [`Kind::Io`] where nobody answers
pub fn run(policy: &Policy, what: ProbeArg) -> Result<ExitCode, Error> {
    let Some(listen) = &policy.wiring.status else {
        let why = "cannot ask: the policy has no [status]; add one, with listen = \"127.0.0.1:9464\"";
        return Err(Error::new(Kind::Config, why));
    };
    let failed = |error: io::Error| Error::new(Kind::Io, format!("no sidecar answers at its [status]: {error}"));
    let answer = match listen {
        Listen::Tcp(address) => TcpStream::connect_timeout(address, LIMIT).and_then(|stream| {
            stream.set_read_timeout(Some(LIMIT))?;
            stream.set_write_timeout(Some(LIMIT))?;
            ask(stream, what)
        }),
        Listen::Unix(path) => UnixStream::connect(path).and_then(|stream| {
            stream.set_read_timeout(Some(LIMIT))?;
            stream.set_write_timeout(Some(LIMIT))?;
            ask(stream, what)
        }),
    };
    Ok(if answer.map_err(failed)? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Each step takes no longer: shorter than any supervisor waits.
const LIMIT: Duration = Duration::from_secs(3);

fn ask(mut stream: impl Read + Write, what: ProbeArg) -> io::Result<bool> {
    let path = match what {
        ProbeArg::Live => "/healthz",
        ProbeArg::Ready => "/readyz",
    };
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut head = [0; YES.len()];
    stream.read_exact(&mut head)?;
    Ok(head == *YES)
}

const YES: &[u8; 12] = b"HTTP/1.1 200";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Cursor;

    /// What is answered, and what was asked.
    struct Peer(Cursor<Vec<u8>>, Vec<u8>);

    impl Read for Peer {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            self.0.read(bytes)
        }
    }

    impl Write for Peer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn only_a_plain_yes_is_one() {
        let answered = |answer: &str| ask(Peer(Cursor::new(answer.into()), Vec::new()), ProbeArg::Ready);
        assert!(answered("HTTP/1.1 200 OK\r\n\r\n").unwrap());
        assert!(!answered("HTTP/1.1 503 Service Unavailable\r\n\r\n").unwrap());
        assert!(answered("HTTP/1.1 2").is_err());
        assert!(answered("").is_err());
    }
}
