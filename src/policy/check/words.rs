//! Words and small forms: durations, purposes, bases, zones, networks.

use super::{Code, Keep, Report, quoted};
use crate::{
    policy::raw::At,
    retention::{Basis, KeepFault, Life, Purpose},
};
use ipnet::IpNet;
use std::{
    net::IpAddr,
    path::{Component, Path},
};

pub(super) fn purposes() -> [&'static str; 9] {
    Purpose::ALL.map(Purpose::as_str)
}

pub(super) fn bases() -> [&'static str; 5] {
    Basis::ALL.map(Basis::as_str)
}

/// A calendar duration.
pub(super) fn keep(word: &At<&str>, report: &mut Report) -> Option<Keep> {
    word.value.parse().map_err(|fault| no_duration(word, fault, DURATION, report)).ok()
}

/// How long a class lives.
pub(super) fn life(word: &At<&str>, report: &mut Report) -> Option<Life> {
    word.value.parse().map_err(|fault| no_duration(word, fault, LIFE, report)).ok()
}

fn no_duration(word: &At<&str>, fault: KeepFault, form: &'static str, report: &mut Report) {
    let (code, what, help) = match fault {
        KeepFault::Form | KeepFault::Unit => (Code::BadDuration, "is not a duration", form),
        KeepFault::Zero => (Code::BadDuration, "is no duration", "keep at least \"1 day\""),
        KeepFault::TooLong => (Code::BadDuration, "is longer than 100 years", form),
    };
    report.helped(code, word.span.clone(), format!("{} {what}", quoted(word.value)), help);
}

/// Whether a path says where a thing is wherever the program was started.
pub(super) fn is_absolute(path: &str) -> bool {
    let plain = |part| matches!(part, Component::RootDir | Component::Normal(_));
    Path::new(path).is_absolute() && Path::new(path).components().all(plain) && !path.contains('\0')
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

const LIFE: &str = "write a number and days, weeks, months or years (\"6 months\"), \"fiscal year + 5 years\", \"until released\" or \"no limit\"";
const DURATION: &str = "write a number and days, weeks, months or years, for example \"6 months\"";
