//! The quarantine: sealed lines in files of the format of age, which nobody can open on this machine.
//!
//! Comes in: [`RawLines`], and whose identities are to open them. Goes out: `TIME-WRITER-NUMBER.age`, whole and durable or not there.
//! A name says when its first line came (UTC), which writer wrote it, as a number, and how far that one was. Nothing that can be
//! read is ever written, not under a temporary name either.
//!
//! **Few files.** Of a file of age nothing can be added to. So lines are gathered in memory for a minute, or up to 256 KiB, and
//! what is there by then is written at each point where it has to be durable: as a new file with all of them, in place of the one
//! before. Of several files of one writer that began at the same time the one with the highest number holds all lines of the
//! others; whoever finds others, after a kill, takes them away.
//!
//! **Numbers.** The sidecar's are those of its journal: lines of all entries before the number are in the file. So a run that
//! follows a kill knows which of the lines that it makes again are there already. What bulk makes of a file has the number of its
//! piece, under a writer that follows from the file and the policy: who does the file again replaces it.
//!
//! **Bounds.** No more bytes and files than its terms allow, and each for so many days, by its name: what is due goes when a
//! writer opens the directory, each minute while one runs, and in a sweep.

mod name;
mod room;
#[cfg(test)]
mod tests;
mod writer;

pub use name::{Name, WriterId};
pub use room::{Deed, Figures, Gone, Room, Swept, Terms, sweep};
pub use writer::{Deposit, Flushed, Gather, Writer, is_full_disk};

#[cfg(doc)]
use crate::seal::RawLines;
