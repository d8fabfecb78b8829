//! Plain versions, written to be read. The fast ones must equal them.
#![allow(dead_code)]

pub mod combined;
