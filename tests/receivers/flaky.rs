//! What stands between a sender and a receiver, and breaks.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// How one connection goes.
#[derive(Clone, Copy, Debug)]
pub struct Whim {
    /// After so many bytes of the sender's.
    pub up: Option<(usize, End)>,
    /// After so many bytes of the receiver's.
    pub down: Option<(usize, End)>,
}

/// How it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The sender gets a reset.
    Reset,
    /// The sender gets an orderly end.
    Close,
    /// The sender gets an end, and is read from for ever.
    Half,
    /// Nothing goes through any more, and nothing ends.
    Stall,
}

/// Longer than the sender waits.
const STALL: Duration = Duration::from_secs(1);

pub const SOUND: Whim = Whim { up: None, down: None };

/// The address to send to instead. `whims` says how the nth connection goes.
pub fn before(
    receiver: SocketAddr,
    mut whims: impl FnMut(usize) -> Whim + Send + 'static,
) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    thread::spawn(move || {
        for sender in listener.incoming() {
            let Ok(sender) = sender else { continue };
            let whim = whims(counted.fetch_add(1, Ordering::SeqCst));
            thread::spawn(move || {
                let Ok(receiver) = TcpStream::connect(receiver) else { return };
                sender.set_nodelay(true).unwrap();
                receiver.set_nodelay(true).unwrap();
                let (up_from, up_to) = (sender.try_clone().unwrap(), receiver.try_clone().unwrap());
                let up = thread::spawn(move || pass(&up_from, &up_to, &up_from, whim.up));
                pass(&receiver, &sender, &sender, whim.down);
                let _ = up.join();
            });
        }
    });
    (address, count)
}

fn pass(mut from: &TcpStream, mut to: &TcpStream, sender: &TcpStream, end: Option<(usize, End)>) {
    let mut left = end.map_or(usize::MAX, |(bytes, _)| bytes);
    let mut buffer = [0; 4096];
    while left > 0 {
        let most = buffer.len().min(left);
        match from.read(&mut buffer[..most]) {
            Ok(0) | Err(_) => {
                let _ = to.shutdown(Shutdown::Write);
                return;
            }
            Ok(count) => {
                if to.write_all(&buffer[..count]).is_err() {
                    let _ = from.shutdown(Shutdown::Both);
                    return;
                }
                left -= count;
            }
        }
    }
    match end.map(|(_, end)| end) {
        Some(End::Reset) => {
            let _ = rustix::net::connect_unspec(sender);
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        }
        Some(End::Close) => {
            let _ = sender.shutdown(Shutdown::Both);
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        }
        Some(End::Half) => {
            let _ = sender.shutdown(Shutdown::Write);
            swallow(from);
        }
        Some(End::Stall) => {
            thread::sleep(STALL);
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        }
        None => {}
    }
}

fn swallow(mut from: &TcpStream) {
    let mut buffer = [0; 4096];
    while matches!(from.read(&mut buffer), Ok(1..)) {}
    let _ = from.shutdown(Shutdown::Both);
}
