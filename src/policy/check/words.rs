//! Words and small forms: durations, purposes, bases, zones, networks.

use super::{Code, Keep, Report, quoted};
use crate::{
    epoch::Period,
    policy::raw::At,
    retention::{Basis, Purpose},
    time::Zone,
};
use ipnet::IpNet;
use std::net::IpAddr;

pub(super) const PURPOSES: &[&str] = &[
    "security",
    "fault_detection",
    "abuse_tracing",
    "service_delivery",
    "analytics",
    "statistics",
    "support",
    "legal_obligation",
    "legal_claim",
];
pub(super) const BASES: &[&str] = &["contract", "legitimate_interest", "legal_obligation", "consent", "none"];

pub(super) fn purpose(word: &str) -> Option<Purpose> {
    word.parse().ok()
}

pub(super) fn basis(word: &str) -> Option<Basis> {
    word.parse().ok()
}

pub(super) fn zone(word: &str) -> Option<Zone> {
    word.parse().ok()
}

pub(super) fn period(word: &str) -> Option<Period> {
    word.parse().ok()
}

/// A calendar duration. One of no length is none.
pub(super) fn keep(word: &At<&str>, report: &mut Report) -> Option<Keep> {
    let found: Option<Keep> = word.value.parse().ok();
    let found = found.filter(|keep| keep.months > 0 || keep.days > 0);
    if found.is_none() {
        report.helped(
            Code::BadDuration,
            word.span.clone(),
            format!("{} is not a duration", quoted(word.value)),
            "write a number and days, weeks, months or years, for example \"6 months\"",
        );
    }
    found
}

/// A network or a single address, without host bits.
pub(super) fn network(word: &At<&str>, report: &mut Report) -> Option<IpNet> {
    let single = || word.value.parse::<IpAddr>().ok().map(IpNet::from);
    let Some(network) = word.value.parse::<IpNet>().ok().or_else(single) else {
        report.helped(
            Code::BadNetwork,
            word.span.clone(),
            format!("{} is not a network", quoted(word.value)),
            "write an address and its bits, for example \"10.0.0.0/8\" or \"2001:db8::/32\"",
        );
        return None;
    };
    if network.prefix_len() == 0 {
        let help = "name the networks that are yours";
        report.helped(Code::ExemptsAll, word.span.clone(), "this exempts every address there is", help);
        return None;
    }
    if network.trunc() != network {
        report.helped(
            Code::BadNetwork,
            word.span.clone(),
            format!("{} has bits behind its prefix", quoted(word.value)),
            format!("write \"{}\" for the network, or the address alone", network.trunc()),
        );
        return None;
    }
    Some(network)
}

/// Whether a query may have a parameter of this name that is not treated as hostile.
pub(super) fn is_parameter(name: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || b"_.[]-".contains(&byte);
    name.len() <= 32 && name.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) && name.bytes().all(rest)
}
