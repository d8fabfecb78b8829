//! What outlives a run: which files are done under which policy, and what was under way when a run was killed.
//!
//! Goes in: finished files under temporary names. Comes out: files under their own names and a manifest that says what they
//! are. It knows nothing of lines, policies or engines; a policy is a digest here. Everything stands in `.sladd` beside
//! what it speaks of, and holds names and figures of files, never a byte of a line.
//!
//! A run without end keeps its state in a [`home`]: checkpoints and journals in a [`book`], by which [`mend`] puts outputs
//! right after a crash. What only another machine can open lies in a [`quarantine`].

pub mod book;
pub mod checkpoint;
pub mod files;
pub mod home;
pub mod job;
pub mod journal;
pub mod ledger;
pub mod manifest;
pub mod mend;
pub mod place;
pub mod policies;
pub mod quarantine;
pub mod shard;
pub mod spool;
