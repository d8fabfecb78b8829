//! What keys cost: the share of keyed hashing in the whole way of a line, and the time an address takes to be encrypted.
//!
//! `cargo bench --bench keyed`. Processor time of one thread, medians of rounds that take turns: load beside it matters little.
#![allow(missing_docs, clippy::unwrap_used)]

use rustix::time::{ClockId, clock_gettime};
use sladd::{
    Batch, Engine, Plan, Policy, Progress, Secret, Timestamp,
    treatment::reversible::{Cipher, Scheme},
};
use std::{
    hint::black_box,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

#[path = "generate.rs"]
#[allow(dead_code)]
mod generate;

const LINES: usize = 100_000;
const ROUNDS: usize = 31;

fn main() {
    shares("145,000 clients", 20.0, &lines(|_, line| line));
    // Addresses of 240.0.0.0/4, which nobody has: more than are remembered, so that each is keyed anew.
    let new = |number: usize, line: String| {
        let address = Ipv4Addr::from(0xf000_0000 | (number as u32).wrapping_mul(2_654_435_761) >> 4);
        format!("{address}{}", &line[line.find(' ').unwrap()..])
    };
    shares("all clients new", 35.0, &lines(new));
    for scheme in Scheme::ALL {
        let cipher = Cipher::new(scheme, &[7; 32]);
        let replace = |address: IpAddr| {
            black_box(cipher.encrypt(black_box(address)));
        };
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for round in 0..301u32 {
            let number = |at: u32| (round * 2_000 + at).wrapping_mul(2_654_435_761);
            v4.push(spent(|| (0..2_000).for_each(|at| replace(Ipv4Addr::from(number(at)).into()))));
            v6.push(spent(|| {
                (0..2_000).for_each(|at| replace(Ipv6Addr::from(u128::from(number(at)) << 80).into()));
            }));
        }
        let nanoseconds = |times: &mut Vec<f64>| median(times) / 2_000.0 * 1e9;
        println!("{}: IPv4 {:.0} ns, IPv6 {:.0} ns", scheme.name(), nanoseconds(&mut v4), nanoseconds(&mut v6));
    }
}

fn lines(change: impl Fn(usize, String) -> String) -> Vec<u8> {
    let mut site = generate::Site::new(145_000);
    let mut all = Vec::new();
    for number in 0..LINES {
        let mut line = Vec::new();
        site.line(&mut line);
        all.extend_from_slice(change(number, String::from_utf8(line).unwrap()).as_bytes());
    }
    all
}

/// The same lines with a hundred clients of either family: all that pseudonyms do but hashing.
fn of_few(lines: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    for (number, line) in lines.split_inclusive(|&byte| byte == b'\n').enumerate() {
        let end = memchr::memchr(b' ', line).unwrap();
        let few = match line[..end].contains(&b':') {
            true => format!("2001:db8:1234:{:x}:1234:1234:1234:1234", 4096 + number % 100),
            false => format!("198.18.100.{}", 100 + number % 100),
        };
        all.extend_from_slice(few.as_bytes());
        all.extend_from_slice(&line[end..]);
    }
    all
}

/// Prints what pseudonyms of clients and users cost beside the same lines without either, and with addresses truncated.
fn shares(name: &str, wanted: f64, lines: &[u8]) {
    let fields = [
        "\"client.address\" = { treatment = \"drop\" }\n\"user.name\" = { treatment = \"drop\" }",
        "\"client.address\" = { treatment = \"truncate\", v4 = 24, v6 = 48 }\n\"user.name\" = { treatment = \"drop\" }",
        "\"client.address\" = { treatment = \"pseudonym\" }",
        "\"client.address\" = { treatment = \"pseudonym\", form = \"address\" }",
    ];
    let mut engines = fields.map(engine);
    let mut times: [Vec<f64>; 4] = Default::default();
    let (few, mut reminded, mut known) = (of_few(lines), engine(fields[2]), Vec::new());
    let mut batch = Batch::default();
    for round in 0..=ROUNDS {
        for (engine, times) in engines.iter_mut().zip(&mut times) {
            let took = spent(|| run(engine, lines, &mut batch));
            // The first round warms up.
            if round > 0 {
                times.push(took);
            }
        }
        let took = spent(|| run(&mut reminded, &few, &mut batch));
        if round > 0 {
            known.push(took);
        }
    }
    let known = median(&mut known) / LINES as f64 * 1e9;
    let [without, truncated, token, address] = times.each_mut().map(|times| median(times) / LINES as f64 * 1e9);
    println!("{name}: {without:.0} ns a line without client and user, {truncated:.0} with clients truncated");
    println!(
        "{name}, as token: keyed hashing is {:.1} % (wanted {wanted} at most): {known:.0} ns a line where all are remembered",
        (token - known) / token * 100.0
    );
    for (form, with) in [("token", token), ("address", address)] {
        let share = |without: f64| (with - without) / with * 100.0;
        println!(
            "{name}, as {form}: {with:.0} ns a line; all that pseudonyms do is {:.1} % of it, {:.1} % beside truncated",
            share(without),
            share(truncated)
        );
    }
}

fn engine(fields: &str) -> Engine {
    let text = format!(
        "base = \"hosting\"\nname = \"keyed\"\nversion = 1\n[source]\nformat = \"combined\"\n[fields]\n{fields}\n"
    );
    let policy = Policy::parse(&text, "keyed").0.unwrap();
    let mut engine = Engine::new(Arc::new(Plan::compile(&policy).unwrap()));
    engine.set_reference(Timestamp(1_795_262_400));
    engine
}

fn run(engine: &mut Engine, lines: &[u8], batch: &mut Batch) {
    // In pieces, as in a run: a batch that stays in the cache.
    let mut rest = lines;
    while !rest.is_empty() {
        let end = memchr::memrchr(b'\n', &rest[..rest.len().min(32 << 10)]).unwrap() + 1;
        let mut at = 0;
        batch.clear();
        while let (_, Progress::Paused { at: done, epoch }) = engine.run(&rest[at..end], batch) {
            at += done;
            engine.admit(epoch, Some(Secret::new([7; 32])));
        }
        black_box(batch.bytes().len());
        rest = &rest[end..];
    }
}

/// Seconds of the processor.
fn spent(work: impl FnOnce()) -> f64 {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
    };
    let before = now();
    work();
    now() - before
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
