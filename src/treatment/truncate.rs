//! Addresses cut to a prefix.

use super::{Aid, Outcome};
use ipnet::IpNet;
use std::{net::IpAddr, sync::Arc};

/// How addresses are cut.
#[derive(Clone, Debug)]
pub struct Truncate {
    /// Bits of an IPv4 address that stay, 0 to 32.
    pub v4: u8,
    /// Bits of an IPv6 address that stay, 0 to 128.
    pub v6: u8,
    /// What becomes of a port.
    pub port: Port,
    /// Networks whose addresses are left as they are, sorted.
    pub exempt: Arc<[IpNet]>,
}

/// What becomes of the port behind an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// It goes.
    Drop,
    /// It stays.
    Keep,
}

impl Truncate {
    /// Cuts every address of `value`.
    pub fn treat(&self, value: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
        let _ = (value, aid, made);
        Outcome::Dropped
    }

    /// Appends the cut address in RFC 5952 form.
    pub fn write(&self, address: IpAddr, made: &mut Vec<u8>) {
        let _ = (address, made);
    }
}
