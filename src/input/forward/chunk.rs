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
    /// Parts of it that are not durable, and one more until all of it is laid down.
    pending: AtomicUsize,
    /// To the connection that it came by.
    to: UnboundedSender<Arc<[u8]>>,
    known: Arc<Known>,
    queue: Arc<Queue>,
}

impl Chunk {
    pub(super) fn new(id: &[u8], to: UnboundedSender<Arc<[u8]>>, known: &Arc<Known>, queue: &Arc<Queue>) -> Arc<Chunk> {
        let (known, queue) = (known.clone(), queue.clone());
        Arc::new(Chunk { id: id.into(), pending: AtomicUsize::new(1), to, known, queue })
    }
}

impl Confirm for Chunk {
    fn laid(&self) {
        self.pending.fetch_add(1, AcqRel);
    }

    fn confirmed(&self) {
        if self.pending.fetch_sub(1, AcqRel) == 1 {
            self.known.add(&self.id);
            add(&self.queue.board.chunks_acknowledged, 1);
            // Where the client is gone it sends the chunk again, and is told at once.
            let _ = self.to.send(self.id.clone());
        }
    }
}

/// The chunks that were acknowledged last.
#[derive(Debug, Default)]
pub(super) struct Known {
    inner: Mutex<Ids>,
}

#[derive(Debug, Default)]
struct Ids {
    all: HashSet<Arc<[u8]>>,
    /// The oldest first.
    order: VecDeque<Arc<[u8]>>,
}

/// So many are known.
const MOST: usize = 1024;

impl Known {
    fn add(&self, id: &Arc<[u8]>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.all.insert(id.clone()) {
            inner.order.push_back(id.clone());
            if inner.order.len() > MOST
                && let Some(oldest) = inner.order.pop_front()
            {
                inner.all.remove(&oldest);
            }
        }
    }

    pub(super) fn has(&self, id: &[u8]) -> bool {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).all.contains(id)
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
        let id = |number: usize| -> Arc<[u8]> { number.to_string().into_bytes().into() };
        for number in 0..MOST + 10 {
            known.add(&id(number));
            known.add(&id(number));
        }
        assert!(!known.has(b"9") && known.has(b"10") && known.has(b"1033"));
        assert_eq!(known.inner.lock().unwrap().all.len(), MOST);
    }

    #[test]
    fn an_acknowledgement_is_a_map_of_one() {
        let mut out = Vec::new();
        acknowledge(b"p8n9gmxTQVC8/nh2wlKKeQ==", &mut out);
        assert_eq!(out, b"\x81\xa3ack\xb8p8n9gmxTQVC8/nh2wlKKeQ==");
    }
}
