//! F53: a receiver on the network that comes and goes.

use super::harness::{
    Dice,
    beside::{Beside, comes, ends},
    lines::{self, numbers},
    often, oracle,
    receiver::Receiver,
};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// F53: while it is fed, the receiver breaks each connection: by a reset, half of it, after a stall. At the end it has every
/// record, under one name each, and what came again is known by its name.
#[test]
fn a_receiver_that_breaks_every_connection_gets_each_record_under_one_name() {
    for seal in ["", "seal = true\n"] {
        it_breaks_every_connection(seal);
    }
}

fn wiring(receiver: &Receiver, seal: &str) -> String {
    format!(
        "[[input]]\nfollow = [\"ROOM/in/access.log\"]\n[[output]]\nfile = \"ROOM/out/access.log\"\n\
         [[output]]\nsyslog = \"tcp:127.0.0.1:{}\"\nenterprise = 32473\n{seal}",
        receiver.port
    )
}

/// What waits for it, sealed, is read by nobody else, and arrives although the sidecar is killed again and again.
#[test]
fn what_waits_sealed_arrives_after_kills_and_is_dark_until_then() {
    let receiver = Receiver::new();
    let beside = Beside::new(&wiring(&receiver, "seal = true\n"));
    receiver.flaps(true);
    let (mut dice, mut written) = (Dice(46), 0);
    for _ in 0..often(12, 200) {
        let running = beside.start();
        let more = 1 + dice.below(300) as usize;
        beside.append("in/access.log", &lines::lines(written, more));
        written += more;
        std::thread::sleep(Duration::from_millis(dice.below(150)));
        running.kill("what waits");
        let dark = |bytes: &Vec<u8>| memchr::memmem::find(bytes, b" HTTP/1.").is_none();
        assert!(oracle::tree(&beside.at("state/spool")).values().all(dark), "something can be read");
    }
    receiver.flaps(false);
    let running = beside.start();
    beside.reaches(written, "the file beside it");
    comes("all at the receiver", || receiver.names() >= written);
    ends(running, "what waits");
    let (records, again) = receiver.records();
    oracle::each_once(&records, 0, written, "the receiver");
    assert!(records == beside.read("out/access.log"), "the receiver has other records than the file");
    beside.is_whole(written, "the file beside it");
    println!("F53, sealed: {written} lines, {again} came again");
}

fn it_breaks_every_connection(seal: &str) {
    let receiver = Receiver::new();
    let beside = Beside::new(&wiring(&receiver, seal));
    let running = beside.start();
    receiver.flaps(true);
    let (flaps, mut dice, mut written) = (often(8, 200), Dice(53), 0);
    let began = Instant::now();
    while receiver.flapped() < flaps {
        assert!(began.elapsed() < Duration::from_secs(1_200), "{} of {flaps} flaps", receiver.flapped());
        let more = dice.below(40) as usize;
        beside.append("in/access.log", &lines::lines(written, more));
        written += more;
        std::thread::sleep(Duration::from_millis(dice.below(20)));
    }
    receiver.flaps(false);
    beside.append("in/access.log", &lines::lines(written, 10));
    written += 10;
    beside.reaches(written, "the file beside it");
    comes("all at the receiver", || receiver.names() >= written);
    ends(running, "a receiver that comes and goes");
    let (records, again) = receiver.records();
    oracle::each_once(&records, 0, written, "the receiver");
    oracle::clean("the receiver", &records, "a receiver that comes and goes");
    let made = beside.read("out/access.log");
    assert!(numbers(&made).is_sorted() && records == made, "the receiver has other records than the file");
    beside.is_whole(written, "the file beside it");
    println!(
        "F53: {} connections broken in {:?}, {written} lines, {again} came again",
        receiver.flapped(),
        began.elapsed()
    );
    // What is there when it ends goes with the acknowledged segments; the spool keeps no record that was sent.
    assert!(Path::new(&beside.at("state/spool")).is_dir());
}
