//! Chunks that are to be acknowledged: when all that was made of them is durable.

use crate::input::intake::{Confirm, Queue, add};
use std::{
    collections::{HashSet, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::AcqRel},
    },
};
use tokio::sync::mpsc::UnboundedSender;

/// One chunk that was taken. Lives as long as a receipt of its lines does; its client may be gone by then.
pub(super) struct Chunk {
    id: Arc<[u8]>,
    name: Name,
    /// Parts of it that are not durable, and one more until all of it is laid down.
    pending: AtomicUsize,
    /// To the connection that it came by.
    to: UnboundedSender<Arc<[u8]>>,
    known: Arc<Known>,
    queue: Arc<Queue>,
}

impl Chunk {
    pub(super) fn new(
        (id, name): (&[u8], Name),
        to: UnboundedSender<Arc<[u8]>>,
        known: &Arc<Known>,
        queue: &Arc<Queue>,
    ) -> Arc<Chunk> {
        let (known, queue) = (known.clone(), queue.clone());
        Arc::new(Chunk { id: id.into(), name, pending: AtomicUsize::new(1), to, known, queue })
    }
}

impl Confirm for Chunk {
    fn laid(&self) {
        self.pending.fetch_add(1, AcqRel);
    }

    fn confirmed(&self) {
        if self.pending.fetch_sub(1, AcqRel) == 1 {
            self.known.acknowledged(self.name);
            add(&self.queue.board.chunks_acknowledged, 1);
            // Where the client is gone it sends the chunk again, and is told at once.
            let _ = self.to.send(self.id.clone());
        }
    }
}

/// What a chunk is known by: a digest of its name and of all that it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Name([u8; 16]);

impl Name {
    pub(super) fn of(id: &[u8], content: &[u8]) -> Name {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(id.len() as u64).to_le_bytes()).update(id).update(content);
        let digest = hasher.finalize();
        Name(std::array::from_fn(|at| digest.as_bytes()[at]))
    }
}

/// The chunks that were taken last, and those that were acknowledged last.
#[derive(Debug, Default)]
pub(super) struct Known {
    taken: Mutex<Names>,
    acknowledged: Mutex<Names>,
}

#[derive(Debug, Default)]
struct Names {
    all: HashSet<Name>,
    /// The oldest first.
    order: VecDeque<Name>,
}

/// So many are known of each.
const MOST: usize = 1024;

impl Known {
    /// Takes note of a chunk that is taken; `false`: it was taken before.
    pub(super) fn takes(&self, name: Name) -> bool {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).add(name)
    }

    fn acknowledged(&self, name: Name) {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).add(name);
    }

    pub(super) fn is_acknowledged(&self, name: &Name) -> bool {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).all.contains(name)
    }
}

impl Names {
    fn add(&mut self, name: Name) -> bool {
        let is_new = self.all.insert(name);
        if is_new {
            self.order.push_back(name);
            if self.order.len() > MOST
                && let Some(oldest) = self.order.pop_front()
            {
                self.all.remove(&oldest);
            }
        }
        is_new
    }
}

/// `{"ack": id}`
pub(super) fn acknowledge(id: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"\x81\xa3ack");
    rmp::encode::write_str_len(out, id.len() as u32).expect("writing to memory cannot fail");
    out.extend_from_slice(id);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_chunks_are_known_and_older_ones_are_forgotten() {
        let known = Known::default();
        let name = |number: usize| Name::of(number.to_string().as_bytes(), b"content");
        for number in 0..MOST + 10 {
            assert!(known.takes(name(number)) && !known.takes(name(number)));
            known.acknowledged(name(number));
            known.acknowledged(name(number));
        }
        assert!(!known.is_acknowledged(&name(9)) && known.is_acknowledged(&name(10)));
        assert!(known.is_acknowledged(&name(1033)) && !known.is_acknowledged(&Name::of(b"1033", b"other content")));
        assert_eq!(known.acknowledged.lock().unwrap().all.len(), MOST);
        assert_eq!(known.taken.lock().unwrap().order.len(), MOST);
    }

    #[test]
    fn an_acknowledgement_is_a_map_of_one() {
        let mut out = Vec::new();
        acknowledge(b"p8n9gmxTQVC8/nh2wlKKeQ==", &mut out);
        assert_eq!(out, b"\x81\xa3ack\xb8p8n9gmxTQVC8/nh2wlKKeQ==");
    }
}
