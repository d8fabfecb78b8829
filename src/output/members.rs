//! Pieces of one output that several workers pack beside each other, each as a member of its own.
//!
//! Whoever writes the output cuts it and hands the pieces over; any worker that has time packs the one that waits longest; the
//! writer takes them back in order. So few pieces wait that memory stays small: the writer packs one itself where there are more.

use super::packer::Compression;
use std::{
    collections::{BTreeMap, VecDeque},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// The pieces of one output.
#[derive(Debug)]
pub struct Members {
    compression: Compression,
    state: Mutex<State>,
    /// A piece is packed.
    packed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Pieces that came.
    came: u64,
    /// Pieces that went, in order.
    went: u64,
    /// By number: the bytes of the lines.
    waiting: VecDeque<(u64, Vec<u8>)>,
    packed: BTreeMap<u64, io::Result<Vec<u8>>>,
    /// An empty piece with its memory.
    spare: Option<Vec<u8>>,
}

impl Members {
    pub(super) fn new(compression: Compression) -> Members {
        Members { compression, state: Mutex::default(), packed: Condvar::new() }
    }

    /// Packs the piece that waits longest. Says whether there was one.
    pub fn help(&self) -> bool {
        let Some((number, mut bytes)) = self.lock().waiting.pop_front() else { return false };
        let member = catch_unwind(AssertUnwindSafe(|| self.compression.member(&bytes)));
        let member = member.unwrap_or_else(|_| Err(io::Error::other("packing it failed")));
        bytes.clear();
        let mut state = self.lock();
        state.packed.insert(number, member);
        state.spare.get_or_insert(bytes);
        drop(state);
        self.packed.notify_all();
        true
    }

    /// Takes a piece over and leaves an empty one. Packs some where too many wait, and waits while the one that is due is in the
    /// hands of a slow worker.
    pub(super) fn put(&self, piece: &mut Vec<u8>) {
        let mut state = self.lock();
        let number = state.came;
        state.came += 1;
        let spare = state.spare.take().unwrap_or_default();
        state.waiting.push_back((number, std::mem::replace(piece, spare)));
        while state.waiting.len() > WAITING_PIECES {
            drop(state);
            self.help();
            state = self.lock();
        }
        while state.packed.len() > PACKED_PIECES && !state.packed.contains_key(&state.went) {
            state = self.after(state);
        }
    }

    /// The next member in order, if it is packed.
    ///
    /// # Errors
    /// What the packer said.
    pub(super) fn take(&self) -> Option<io::Result<Vec<u8>>> {
        let mut state = self.lock();
        let due = state.went;
        let member = state.packed.remove(&due)?;
        state.went += 1;
        Some(member)
    }

    /// The next member in order; `None` when all went. Packs what waits.
    ///
    /// # Errors
    /// What the packer said.
    pub(super) fn wait(&self) -> Option<io::Result<Vec<u8>>> {
        loop {
            if let Some(member) = self.take() {
                return Some(member);
            }
            if self.help() {
                continue;
            }
            let state = self.lock();
            if state.went == state.came {
                return None;
            }
            if state.waiting.is_empty() && !state.packed.contains_key(&state.went) {
                drop(self.after(state));
            }
        }
    }

    /// So many pieces came.
    pub(super) fn came(&self) -> u64 {
        self.lock().came
    }

    fn after<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.packed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// More pieces than this do not wait for somebody to pack them.
const WAITING_PIECES: usize = 1;

/// More packed pieces than this do not wait for one before them.
const PACKED_PIECES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    #[test]
    fn pieces_come_back_in_order_whoever_packs_them() {
        for helpers in [0, 1, 4] {
            let members = Members::new(Compression::Gzip(1));
            let over = AtomicBool::new(false);
            let pieces: Vec<Vec<u8>> = (0..100u32).map(|i| i.to_string().repeat(3000).into_bytes()).collect();
            let got = std::thread::scope(|scope| {
                for _ in 0..helpers {
                    scope.spawn(|| {
                        while !over.load(Relaxed) {
                            members.help();
                        }
                    });
                }
                let mut got = Vec::new();
                for piece in &pieces {
                    members.put(&mut piece.clone());
                    assert!(members.lock().waiting.len() <= WAITING_PIECES);
                    got.extend(std::iter::from_fn(|| members.take()));
                }
                got.extend(std::iter::from_fn(|| members.wait()));
                over.store(true, Relaxed);
                got
            });
            let wanted: Vec<Vec<u8>> = pieces.iter().map(|piece| Compression::Gzip(1).member(piece).unwrap()).collect();
            assert!(got.into_iter().map(Result::unwrap).eq(wanted), "{helpers}");
        }
    }
}
