//! Bytes come in. One input per file.
//!
//! Goes in: a descriptor. Comes out: bytes in portions of any size, and whether more are there now. An input knows nothing
//! of lines, policies or engines. The example to copy is `stdin.rs`.

#[cfg(feature = "cli")]
pub mod file;
#[cfg(feature = "cli")]
pub mod follow;
#[cfg(feature = "net")]
pub mod forward;
#[cfg(feature = "net")]
pub mod intake;
pub mod packing;
pub mod stdin;
#[cfg(feature = "net")]
pub mod syslog;
#[cfg(feature = "cli")]
pub mod unpack;
#[cfg(feature = "cli")]
mod window;
