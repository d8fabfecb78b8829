//! A taker of lines, and what floods it.

mod datagrams;
mod forward;
mod streams;

use sladd::input::{
    intake::{Address, Counts, Handed, Intake, Portion, Settings},
    syslog,
};
use std::{
    net::SocketAddr,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// Nothing here takes longer, unless something is wrong.
pub const LIMIT: Duration = Duration::from_secs(60);

pub fn settings() -> Settings {
    Settings::new(Arc::new(|| {}))
}

pub fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

pub fn syslog(address: &Address, settings: Settings) -> Intake {
    syslog::listen(address, settings, &mut Handed::default()).unwrap()
}

pub fn at(intake: &Intake) -> SocketAddr {
    match intake.address() {
        Address::Udp(at) | Address::Tcp(at) => *at,
        other => panic!("{other} has no port"),
    }
}

/// Both ends of many connections are ours: as many handles as we may have.
pub fn many_handles() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}

/// Waits until `done`, and says what did not happen.
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < LIMIT, "not within {LIMIT:?}: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Takes all until it is over.
pub fn drain(intake: &mut Intake) -> Vec<Portion> {
    intake.stop();
    let mut taken = Vec::new();
    until("the intake is over", || {
        while let Some(portion) = intake.take() {
            taken.push(portion);
        }
        intake.is_over()
    });
    assert!(intake.take().is_none());
    assert_eq!(intake.waiting_bytes(), 0);
    assert_eq!(intake.failure(), None);
    taken
}

/// The lines of portions; a cut one has no line feed.
pub fn lines(portions: &[Portion]) -> Vec<Vec<u8>> {
    portions
        .iter()
        .flat_map(|portion| portion.lines.split_inclusive(|&byte| byte == b'\n'))
        .map(<[u8]>::to_vec)
        .collect()
}

/// What was sent is what was taken, shed, empty or lost.
pub fn conserved(sent: u64, taken: u64, counts: &Counts) {
    assert_eq!(counts.messages, taken + counts.shed_lines + counts.empty, "{counts:?}");
    assert_eq!(sent, counts.messages + counts.lost, "{counts:?}");
}
