//! The sidecar, beside the web server.

pub mod board;
#[cfg(feature = "net")]
pub mod status;
