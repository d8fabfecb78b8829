//! The sidecar: stopped, rotated under, without room, told twice, and fed by writers that come and go.

use crate::harness::{
    Dice, SLADD,
    beside::{Beside, ends},
    inject,
    lines::{self, count},
    often, oracle, program,
};
use rustix::process::Signal;
use std::{
    fs,
    os::unix::fs::{MetadataExt, symlink},
    process::Command,
    time::{Duration, Instant},
};

/// F06: the disk of the outputs is full for a while.
#[test]
fn a_full_disk_is_waited_for_and_nothing_is_lost() {
    let beside = Beside::following();
    let script = format!(
        "P=; trap 'kill -9 $P' EXIT
         mount -t tmpfs -o size=16m,mode=750 none out || exit 99
         {SLADD} sidecar --policy ./policy.toml 2> said & P=$!
         for round in $(seq 1 {}); do
           head -c 20000000 /dev/zero > out/full 2>/dev/null
           cat more.$round >> in/access.log; sleep 0.6
           kill -0 $P || exit 98
           rm out/full
           n=0; until [ $(wc -l < out/access.log) -ge $((round * 200)) ]; do sleep 0.05; n=$((n+1)); [ $n -lt 600 ] || exit 97; done
         done
         kill $P; wait $P || exit 96
         cp -p out/access.log kept.log",
        often(3, 200)
    );
    for round in 1..=often(3, 200) {
        fs::write(beside.at(&format!("more.{round}")), lines::lines((round - 1) * 200, 200)).unwrap();
    }
    let Some(output) = inject::with_mounts(beside.room.path(), &script) else { return };
    let said = String::from_utf8_lossy(&beside.read("said")).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("waiting for room") && said.contains("there is room again"), "{said}");
    oracle::clean("said", said.as_bytes(), "a full disk");
    fs::rename(beside.at("kept.log"), beside.at("out/access.log")).unwrap();
    beside.is_whole(often(3, 200) * 200, "a full disk");
}

/// F06, F04: asked to end while the disk is full, it leaves what it could not write to the next one.
#[test]
fn stopped_on_a_full_disk_it_loses_nothing() {
    let beside = Beside::following();
    fs::write(beside.at("in/access.log"), lines::lines(0, 600)).unwrap();
    let script = format!(
        "P=; trap 'kill -9 $P' EXIT
         mount -t tmpfs -o size=400k,mode=750 none out || exit 99
         head -c 380000 /dev/zero > out/full
         {SLADD} sidecar --policy ./policy.toml 2> said & P=$!
         n=0; until grep -q 'waiting for room' said; do sleep 0.05; n=$((n+1)); [ $n -lt 600 ] || exit 98; done
         kill $P; wait $P || exit 97
         rm out/full
         {SLADD} sidecar -q --policy ./policy.toml & P=$!
         n=0; until [ $(wc -l < out/access.log) -ge 600 ]; do sleep 0.05; n=$((n+1)); [ $n -lt 600 ] || exit 96; done
         kill $P; wait $P || exit 95
         cp -p out/access.log kept.log"
    );
    let Some(output) = inject::with_mounts(beside.room.path(), &script) else { return };
    let said = String::from_utf8_lossy(&beside.read("said")).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&output.stderr));
    fs::rename(beside.at("kept.log"), beside.at("out/access.log")).unwrap();
    beside.is_whole(600, "stopped on a full disk");
}

/// F34: the policy is read again under load; one with faults changes nothing.
#[test]
fn a_policy_is_swapped_between_two_lines_or_stays() {
    let wiring = "[[input]]\nfollow = [\"ROOM/in/access.log\"]\n[[output]]\nfile = \"ROOM/out/access.log\"\n";
    let beside = Beside::new(wiring);
    let running = beside.start();
    let (mut written, mut version) = (0, 1);
    let mut more = |beside: &Beside| {
        beside.append("in/access.log", &lines::lines(written, 50));
        written += 50;
        written
    };
    beside.reaches(more(&beside), "before");
    for round in 0..often(6, 500) {
        if round % 3 == 2 {
            fs::write(beside.at("policy.toml"), "name = \"faults\"\nversion = 9999\nbase = \"none\"\n").unwrap();
        } else {
            version += 1;
            beside.policy(version, wiring);
        }
        running.signal(Signal::HUP);
        let wanted = more(&beside);
        beside.reaches(wanted, "while it is read");
        std::thread::sleep(Duration::from_millis(30));
        let last = more(&beside);
        beside.reaches(last, "after it was read");
    }
    let said = ends(running, "reloads");
    assert!(said.contains("the policy is now faults/2") && said.contains("the policy stays as it was"), "{said}");
    let made = beside.read("out/access.log");
    oracle::each_once(&made, 0, written, "reloads");
    let tags: Vec<u32> = String::from_utf8_lossy(&made)
        .lines()
        .map(|line| line.rsplit_once("policy=faults/").unwrap().1.trim_end_matches('"').parse().unwrap())
        .collect();
    assert!(tags.is_sorted() && !tags.contains(&9999), "a version comes once and goes");
    assert!(tags.contains(&1) && tags.last() == Some(&version), "{:?} {version}", tags.last());
}

/// F41, F42.
#[test]
fn outputs_that_are_traps_are_refused_and_nothing_is_open_to_others() {
    let beside = Beside::following();
    beside.append("in/access.log", &lines::lines(0, 10));
    fs::write(beside.at("victim"), "untouched").unwrap();
    symlink(beside.at("victim"), beside.at("out/access.log")).unwrap();
    let output = beside.start().end("a symlink");
    assert_eq!(output.status.code(), Some(73), "{}", String::from_utf8_lossy(&output.stderr));
    fs::remove_file(beside.at("out/access.log")).unwrap();
    fs::hard_link(beside.at("victim"), beside.at("out/access.log")).unwrap();
    assert_eq!(beside.start().end("a second name").status.code(), Some(73));
    assert_eq!(beside.read("victim"), b"untouched");
    fs::remove_file(beside.at("out/access.log")).unwrap();
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("umask 000; exec {SLADD} sidecar -q --policy ./policy.toml")])
        .current_dir(beside.room.path());
    let running = program::start(&mut shell);
    beside.reaches(10, "umask 000");
    ends(running, "umask 000");
    assert_eq!(fs::metadata(beside.at("out/access.log")).unwrap().mode() & 0o777, 0o640);
    beside.is_whole(10, "umask 000");
}

/// F11, F47: a long log that was written while nobody looked is read in bounded memory, with few descriptors.
#[test]
fn memory_is_bounded_however_much_there_is_to_read() {
    let beside = Beside::following();
    let wanted = often(60_000, 600_000);
    beside.append("in/access.log", &lines::lines(0, wanted));
    let mut running = beside.start();
    let began = Instant::now();
    while count(&beside.read("out/access.log")) < wanted {
        assert!(began.elapsed() < Duration::from_secs(300));
        running.probe();
        std::thread::sleep(Duration::from_millis(50));
    }
    running.signal(Signal::TERM);
    let (output, peak, descriptors) = running.probed();
    assert!(output.status.success());
    assert!(peak < 64 * 1024 && descriptors < 64, "{peak} KiB, {descriptors} descriptors");
    println!("F11: {peak} KiB, {descriptors} descriptors");
    beside.is_whole(wanted, "a long log");
}

/// F01 of an output that gets some fields: what it is given again after a kill is cut and compared as what it was given first.
#[test]
fn an_output_of_some_fields_holds_each_record_once_when_it_is_killed_at_any_moment() {
    let fields = ["client.address", "http.response.body.size"];
    let beside = Beside::new(
        "[encode]\nas = \"json\"\n[[input]]\nfollow = [\"ROOM/in/access.log\"]\n[[output]]\nfile = \"ROOM/out/access.log\"\n\
         [[output]]\nfile = \"ROOM/out/some.log\"\nfields = [\"client.address\", \"http.response.body.size\"]\n",
    );
    let mut dice = Dice(53);
    let mut written = 0;
    let kills = often(15, 500);
    for kill in 0..kills {
        let running = beside.start();
        let until = Instant::now() + Duration::from_millis(1 + dice.below(150));
        while Instant::now() < until {
            let more = dice.below(40) as usize;
            beside.append("in/access.log", &lines::lines(written, more));
            written += more;
            std::thread::sleep(Duration::from_millis(dice.below(4)));
        }
        running.kill(&format!("kill {kill}"));
    }
    let running = beside.start();
    beside.reaches(written, "after the kills");
    ends(running, "after the kills");
    assert!(beside.read("out/access.log") == beside.piped(&lines::lines(0, written)), "all fields");
    let read = |name: &str| -> Vec<serde_json::Map<String, serde_json::Value>> {
        let bytes = beside.read(name);
        bytes.split_inclusive(|&byte| byte == b'\n').map(|line| serde_json::from_slice(line).unwrap()).collect()
    };
    let mut wanted = read("out/access.log");
    wanted.iter_mut().for_each(|record| record.retain(|name, _| name == "sladd" || fields.contains(&name.as_str())));
    assert!(wanted.iter().filter(|record| record.len() == 3).count() > written / 2, "most lines have both");
    assert!(read("out/some.log") == wanted, "some fields");
    println!("F01: {kills} kills, {written} lines");
}
