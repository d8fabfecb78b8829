//! What is promised under fault: kills at any moment, full disks, failing syncs, interrupted calls, files that are cut, hostile
//! archives, state that is damaged. Each suite is one theme; `harness` is what they share. The long forms run where SLADD_FAULTS
//! is `long`; their figures stand in tests/faults/RESULTS.md.
#![allow(clippy::unwrap_used)]

mod bulk_disk;
mod bulk_files;
mod bulk_kills;
mod bulk_lines;
mod bulk_paths;
mod bulk_state;
mod harness;
mod keys;
mod sidecar;
mod sidecar_calls;
mod sidecar_disks;
mod sidecar_files;
mod sidecar_kills;
mod sidecar_lines;
#[cfg(feature = "net")]
mod sidecar_receivers;
mod sidecar_sealed;
mod sidecar_state;
mod sidecar_streams;
#[cfg(feature = "net")]
mod sidecar_threads;
mod store;
mod store_disks;
mod store_paths;
