//! `sladd`: arguments → command → exit code.
fn main() {}
