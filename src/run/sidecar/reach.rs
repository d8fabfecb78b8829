//! The files that a sidecar needs after its start, as its wiring names them.

use super::directory;
use crate::{
    policy::{
        Policy,
        wiring::{From, Listen, Socket, To},
    },
    run::confine::Reach,
};
use std::path::Path;

/// What must stay within reach under this policy, which stands in `file`: all of it may be renamed, made anew and come later.
pub(super) fn of(policy: &Policy, file: &Path) -> Reach {
    let mut reach = Reach::default();
    reach.read_system();
    reach.read_beside(file);
    for database in policy.named_databases() {
        reach.read_beside(database);
    }
    reach.write(directory(policy));
    if let Some(keys) = &policy.keys.directory {
        reach.write(keys);
    }
    if let Some(seal) = &policy.seal {
        reach.write(&seal.directory);
    }
    // It was read once; a reload reads it again.
    if let Ok(Some(wrap)) = crate::run::keys::wrap_path(&policy.keys) {
        reach.read_beside(&wrap);
    }
    match &policy.wiring.status {
        Some(Listen::Unix(path)) => reach.write_beside(path),
        Some(Listen::Tcp(_)) | None => {}
    }
    for input in &policy.wiring.inputs {
        match &input.from {
            From::Follow { patterns, .. } => patterns.iter().for_each(|pattern| reach.read_pattern(pattern)),
            From::Fifo(path) => reach.write_beside(path),
            From::Syslog(sockets) | From::Forward(sockets) => {
                if let Some(secret) = &sockets.secret {
                    reach.read_beside(secret);
                }
                match &sockets.at {
                    // It is taken away at the end.
                    Socket::Datagram(path) | Socket::Stream(path) => reach.write_beside(path),
                    Socket::Udp(_) | Socket::Tcp(_) => {}
                }
            }
            From::Stdin => {}
        }
    }
    for output in &policy.wiring.outputs {
        match &output.to {
            To::File { path, .. } => reach.write_beside(path),
            To::Remote(remote) => remote.files().for_each(|file| reach.read_beside(file)),
            To::Store(path) => reach.write(path.clone()),
            To::Stdout => {}
        }
    }
    reach
}
