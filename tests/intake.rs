//! Sockets as inputs: whatever is sent is taken, or counted as lost.
#![cfg(feature = "net")]
#![allow(clippy::unwrap_used)]

mod intakes;
