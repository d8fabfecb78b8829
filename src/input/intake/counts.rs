//! What came through sockets and what was lost: one counter per outcome.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Why a message was not read, or a connection was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No MessagePack, or a message cut short.
    Damaged,
    /// MessagePack of another shape than the Forward protocol has.
    Shape,
    /// Nested too deep.
    Depth,
    /// A message or an event over the limit.
    Size,
    /// Something packed that gives much more than it has bytes, or more than is taken.
    Bomb,
    /// A packing that is not known, or damaged.
    Packing,
    /// Metrics or traces, which are no lines.
    Signal,
    /// The buffers of all connections together are full.
    Crowded,
    /// Who connected does not know the shared key, or did not say it in time.
    Handshake,
    /// Who connected does not read what it is answered.
    Deaf,
}

impl Reason {
    /// All of them, in the order of [`Counts::faults`].
    pub const ALL: [Reason; 10] = [
        Reason::Damaged,
        Reason::Shape,
        Reason::Depth,
        Reason::Size,
        Reason::Bomb,
        Reason::Packing,
        Reason::Signal,
        Reason::Crowded,
        Reason::Handshake,
        Reason::Deaf,
    ];

    /// As a metric writes it.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Damaged => "damaged",
            Reason::Shape => "shape",
            Reason::Depth => "depth",
            Reason::Size => "size",
            Reason::Bomb => "bomb",
            Reason::Packing => "packing",
            Reason::Signal => "signal",
            Reason::Crowded => "crowded",
            Reason::Handshake => "handshake",
            Reason::Deaf => "deaf",
        }
    }
}

macro_rules! figures {
    ($($(#[$text:meta])* $name:ident,)*) => {
        /// What came and what was lost since the start. `messages` are what was taken, `empty` and `shed_lines` together, but
        /// for those that wait.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counts {
            $($(#[$text])* pub $name: u64,)*
            /// Connections ended or messages not read, by [`Reason::ALL`].
            pub faults: [u64; Reason::ALL.len()],
        }

        /// The same while it is counted.
        #[derive(Debug, Default)]
        pub(crate) struct Board {
            $(pub $name: AtomicU64,)*
            faults: [AtomicU64; Reason::ALL.len()],
        }

        impl Board {
            pub(crate) fn counts(&self) -> Counts {
                Counts {
                    $($name: self.$name.load(Relaxed),)*
                    faults: std::array::from_fn(|at| self.faults[at].load(Relaxed)),
                }
            }
        }
    };
}

figures! {
    /// Connected now.
    connections_open,
    /// Connected at some time, refused ones left out.
    connections,
    /// Refused because so many were connected.
    connections_refused,
    /// Datagrams, frames of a stream, or events of a Forward message.
    messages,
    /// Bytes that came, with their framing.
    bytes,
    /// Messages without anything in them, dropped.
    empty,
    /// Datagrams that the kernel had no room for.
    lost,
    /// Datagrams that a socket which was handed over had lost before this start. An earlier run may have counted them.
    lost_before,
    /// Lines dropped because nobody took them in time.
    shed_lines,
    /// Their bytes, with their line feeds and what was cut of them.
    shed_bytes,
    /// Lines cut because they were over the limit, or the memory for unfinished ones was used up.
    over_long,
    /// Lines cut because their connection ended in them.
    torn,
    /// Frames whose count could not be one, read up to their line feed.
    malformed,
    /// Chunks of the Forward protocol that asked for an acknowledgement and were taken.
    chunks,
    /// Chunks acknowledged.
    chunks_acknowledged,
    /// Chunks that came again after they were acknowledged: acknowledged again and not taken.
    chunks_again,
    /// Chunks not taken, or not whole, because nobody took lines in time. They are not acknowledged and come again.
    chunks_declined,
    /// Chunks that came again before they were acknowledged, because their connection broke: their lines stand twice.
    chunks_doubled,
}

impl Counts {
    /// How often that happened.
    pub fn of(&self, reason: Reason) -> u64 {
        self.faults[reason as usize]
    }
}

impl Board {
    pub(crate) fn fault(&self, reason: Reason) {
        self.faults[reason as usize].fetch_add(1, Relaxed);
    }
}

/// Counts up.
pub(crate) fn add(figure: &AtomicU64, by: u64) {
    if by > 0 {
        figure.fetch_add(by, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_place_and_a_name_of_its_own() {
        let board = Board::default();
        for (at, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, at);
            assert_eq!(Reason::ALL.iter().filter(|other| other.name() == reason.name()).count(), 1);
            board.fault(reason);
            assert_eq!(board.counts().of(reason), 1);
        }
    }
}
