//! Policy + formats → Plan: flat, immutable, compiled once.

/// Everything the engine needs.
#[derive(Debug)]
pub struct Plan {}
