//! F01, F07, F56 where lines are sealed: killed at any moment, without room, and under a flood of what fits no format.

use super::harness::{
    Dice, SLADD,
    beside::{Beside, comes, ends},
    inject,
    lines::{self, count},
    often, oracle,
};
use sladd::{key::random, seal::Identity};
use std::{
    fs,
    time::{Duration, Instant},
};

const WIRING: &str = "[[input]]\nfollow = [\"ROOM/in/access.log*\"]\n[[output]]\nfile = \"ROOM/out/access.log\"\n";

/// A sidecar that seals, and who can open it.
fn sealing(more: &str) -> (Beside, Identity) {
    let identity = Identity::new(random).unwrap();
    let seal = format!(
        "[source]\nmalformed = \"seal\"\n[seal]\nrecipient = \"{}\"\ndirectory = \"ROOM/sealed\"\n{more}{WIRING}",
        identity.recipient()
    );
    (Beside::new(&seal), identity)
}

/// Everything that was sealed, in the order of the names; nothing else is there, and it is nobody else's.
fn opened(beside: &Beside, identity: &Identity, what: &str) -> Vec<u8> {
    oracle::private(&beside.at("sealed"), what);
    let mut all = Vec::new();
    for (path, bytes) in oracle::tree(&beside.at("sealed")) {
        let name = path.to_string_lossy();
        assert!(name.ends_with(".age"), "{what}: {name}");
        oracle::clean(&name, &bytes, what);
        all.extend_from_slice(&identity.open(&bytes).unwrap_or_else(|| panic!("{what}: {name} cannot be opened")));
    }
    all
}

/// Of so many lines those that fit no format, as they came.
fn unfit(wanted: usize) -> Vec<u8> {
    let text = |number| lines::line(number);
    (0..wanted).map(text).filter(|line| line.starts_with("free text")).collect::<String>().into_bytes()
}

/// F01.
#[test]
fn killed_at_any_moment_each_line_is_sealed_once() {
    let (mut dice, mut kills, mut lines_in) = (Dice(71), 0, 0);
    for round in 0..often(10, 42) {
        let (beside, identity) = sealing("");
        let mut written = 0;
        for _ in 0..often(25, 24) {
            let running = beside.start();
            let until =
                Instant::now() + Duration::from_millis(1 + dice.below(if round % 3 == 0 { 1_400 } else { 150 }));
            while Instant::now() < until {
                let more = dice.below(40) as usize;
                beside.append("in/access.log", &lines::lines(written, more));
                written += more;
                std::thread::sleep(Duration::from_millis(dice.below(4)));
            }
            running.kill("sealing");
            kills += 1;
        }
        let (what, running) = (format!("sealed, round {round}"), beside.start());
        comes(&what, || count(&beside.read("out/access.log")) >= written);
        ends(running, &what);
        beside.is_clean(&what);
        let (found, wanted) = (opened(&beside, &identity, &what), unfit(written));
        assert!(found == wanted, "{what}: {} lines are sealed of {}", count(&found), count(&wanted));
        lines_in += written;
    }
    println!("F01: {kills} kills while lines are sealed, {lines_in} lines");
}

/// F07: there is room for everything but what is sealed.
#[test]
fn without_room_in_the_quarantine_it_waits_and_seals_each_line_once() {
    let (beside, identity) = sealing("");
    let rounds = often(3, 60);
    fs::write(beside.at("all"), lines::lines(0, rounds * 3_000)).unwrap();
    let script = format!(
        "P=; trap 'kill -9 $P' EXIT
         mkdir -m 750 -p sealed state
         mount -t tmpfs -o size=8m,mode=750 none sealed || exit 99
         : > said
         begin() {{
           seen=$(grep -c 'state in' said); {SLADD} sidecar --policy ./policy.toml 2>> said & P=$!
           n=0; until [ $(grep -c 'state in' said) -gt $seen ]; do sleep 0.02; n=$((n + 1)); [ $n -lt 1500 ] || exit 94; done
         }}
         upto() {{ n=0; until [ $(grep -c \"$1\" said) -ge $2 ]; do sleep 0.02; n=$((n + 1)); [ $n -lt 1500 ] || exit $3; done; }}
         begin; next=1
         for round in $(seq 1 {rounds}); do
           head -c 16000000 /dev/zero > sealed/full 2>/dev/null
           for part in 1 2 3; do
             tail -n +$next all | head -n 300 >> in/access.log; next=$((next + 300)); sleep 0.7
             kill -0 $P || exit 98
           done
           upto 'cannot write in the quarantine: ' $round 93
           [ $((round % 2)) = 0 ] || {{ kill -9 $P; wait $P; }}
           rm sealed/full
           [ $((round % 2)) = 0 ] && upto 'there is room in the quarantine again' $((round / 2)) 92 || begin
           n=0; until [ $(wc -l < out/access.log) -ge $((next - 1)) ]; do sleep 0.02; n=$((n + 1)); [ $n -lt 3000 ] || exit 96; done
         done
         kill $P; wait $P || exit 95
         mkdir -m 750 kept && cp -a sealed/. kept"
    );
    let Some(output) = inject::with_mounts(beside.room.path(), &script) else { return };
    let said = String::from_utf8_lossy(&beside.read("said")).into_owned();
    assert_eq!(output.status.code(), Some(0), "{}{said}", String::from_utf8_lossy(&output.stderr));
    assert!(said.matches("cannot write in the quarantine: ").count() >= rounds, "{said}");
    for (path, bytes) in oracle::tree(&beside.at("kept")) {
        fs::write(beside.at("sealed").join(path), bytes).unwrap();
    }
    fs::set_permissions(beside.at("sealed"), std::os::unix::fs::PermissionsExt::from_mode(0o750)).unwrap();
    for file in fs::read_dir(beside.at("sealed")).unwrap() {
        fs::set_permissions(file.unwrap().path(), std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
    }
    let read = count(&beside.read("in/access.log"));
    let (found, wanted) = (opened(&beside, &identity, "a full quarantine"), unfit(read));
    assert!(found == wanted, "{} lines are sealed of {}", count(&found), count(&wanted));
    oracle::clean("said", said.as_bytes(), "a full quarantine");
    println!("F07: the quarantine {rounds} times full, {read} lines");
}

/// F56: garbage between good lines.
#[test]
fn under_a_flood_of_garbage_good_lines_pass_and_the_disk_holds_no_more_than_it_may() {
    let (beside, identity) = sealing("limit = \"1 MiB\"\n");
    let (running, rounds) = (beside.start(), often(40, 2_000));
    let garbage = format!("free text garbage {}\n", "x".repeat(200));
    for round in 0..rounds {
        let good = (0..250).map(|i| lines::line((round * 250 + i) * 9 + 1));
        let mixed: String = good.flat_map(|line| [line, garbage.clone()]).collect();
        beside.append("in/access.log", mixed.as_bytes());
        let held: usize = oracle::tree(&beside.at("sealed")).values().map(Vec::len).sum();
        assert!(held <= 1 << 20, "{held} bytes");
    }
    let wanted = rounds * 500;
    comes("the flood", || count(&beside.read("out/access.log")) >= wanted);
    let said = ends(running, "the flood");
    let made = beside.read("out/access.log");
    assert_eq!(lines::numbers(&made).len(), rounds * 250, "good lines are missing");
    let sealed = count(&opened(&beside, &identity, "the flood"));
    assert_eq!(said.matches("is full (at most 1 MiB").count(), 1, "{said}");
    let dropped = rounds * 250 - sealed;
    let account = format!("+ {sealed} sealed + {dropped} dropped (malformed {dropped})");
    assert!(said.contains(&account), "{account}: {said}");
    println!("F56: {} lines of garbage among {}, {sealed} sealed", rounds * 250, rounds * 250);
}

/// The directory is taken away while it runs: it ends with an error, and the next run makes good what is missing.
#[test]
fn a_quarantine_that_is_taken_away_ends_the_run_and_nothing_is_lost() {
    let (beside, identity) = sealing("");
    let running = beside.start();
    beside.append("in/access.log", &lines::lines(0, 100));
    beside.reaches(100, "before");
    comes("sealed", || !oracle::tree(&beside.at("sealed")).is_empty());
    // Not before a checkpoint speaks of them.
    std::thread::sleep(Duration::from_millis(1_500));
    fs::rename(beside.at("sealed"), beside.at("away")).unwrap();
    for (name, _) in oracle::tree(&beside.at("away")) {
        fs::rename(beside.at("away").join(&name), beside.at("out").join(&name)).unwrap();
    }
    fs::remove_dir(beside.at("away")).unwrap();
    beside.append("in/access.log", &lines::lines(100, 100));
    let output = running.end("taken away");
    assert_eq!(output.status.code(), Some(74), "{}", String::from_utf8_lossy(&output.stderr));
    let running = beside.start();
    beside.reaches(200, "after");
    ends(running, "after");
    let before: Vec<u8> = oracle::tree(&beside.at("out"))
        .iter()
        .filter(|(name, _)| name.extension().is_some_and(|end| end == "age"))
        .flat_map(|(_, bytes)| identity.open(bytes).unwrap().to_vec())
        .collect();
    let after = opened(&beside, &identity, "after");
    assert!([before, after].concat() == unfit(200), "lines are missing or stand twice");
}
