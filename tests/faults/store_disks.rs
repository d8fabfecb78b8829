//! F06, F38 for the store: a disk without room while it is written, closed and swept, and files that nobody may delete.

use super::{
    harness::{
        SLADD,
        beside::Beside,
        inject,
        lines::{self, count},
        often, oracle,
    },
    store::{WIRING, filled, is_swept, lines_of, read_back},
};
use sladd::store::{Root, verify};
use std::{fs, process::Command};

/// It is full while records come; in every other round it is asked to end, and so to close, on the full disk, and in every third
/// it is killed there.
#[test]
fn without_room_for_a_store_nothing_is_lost() {
    for seal in ["", "seal = true\n"] {
        it_is_full(seal);
    }
}

fn it_is_full(seal: &str) {
    let beside = Beside::new(&format!("{WIRING}{seal}"));
    let rounds = often(4, 60);
    fs::write(beside.at("all"), lines::lines(0, rounds * 3_000)).unwrap();
    let script = format!(
        "P=; trap 'kill -9 $P' EXIT
         mkdir -m 750 disk out/store
         mount -t tmpfs -o size=8m,mode=755 none disk || exit 99
         mkdir -m 750 disk/ours; mount --bind disk/ours out/store
         begin() {{
           seen=$(grep -c 'state in' said); {SLADD} sidecar --policy ./policy.toml 2>> said & P=$!
           n=0; until [ $(grep -c 'state in' said) -gt $seen ]; do sleep 0.02; n=$((n + 1)); [ $n -lt 1500 ] || exit 94; done
         }}
         : > said; begin; next=1
         for round in $(seq 1 {rounds}); do
           seen=$(grep -c 'waiting for room' said)
           n=0; until [ $(grep -c 'waiting for room' said) -gt $seen ]; do
             tail -n +$next all | head -n 40 >> in/access.log; next=$((next + 40)); sleep 0.02
             head -c 16000000 /dev/zero >> disk/full 2>/dev/null
             kill -0 $P || exit 98
             n=$((n + 1)); [ $n -lt 600 ] || exit 97
           done
           case $((round % 3)) in
             0) kill -9 $P; wait $P; rm disk/full; begin;;
             1) kill $P; wait $P; rm disk/full; begin;;
             2) rm disk/full;;
           esac
           sleep 0.2
         done
         seen=$(grep -c 'there is room again' said)
         sleep 4; kill $P; wait $P || exit 95
         begin; sleep 4; kill $P; wait $P || exit 96
         mkdir -m 750 kept && cp -a out/store/. kept"
    );
    let Some(output) = inject::with_mounts(beside.room.path(), &script) else { return };
    let said = String::from_utf8_lossy(&beside.read("said")).into_owned();
    assert_eq!(output.status.code(), Some(0), "{}{said}", String::from_utf8_lossy(&output.stderr));
    oracle::clean("said", said.as_bytes(), "a full store");
    assert!(!said.contains("internal fault"), "{said}");
    let kept = beside.at("kept");
    let wanted = count(&beside.read("in/access.log"));
    let lines = match seal {
        "" => lines_of(&kept),
        _ => read_back(&kept, Some(&beside.wrap())),
    };
    oracle::each_once(&lines, 0, wanted, "a full store");
    let found = verify(&Root::open(&kept).unwrap(), Some(&beside.wrap())).unwrap();
    assert_eq!((found.problems, found.unclosed), (vec![], 0), "{said}");
    oracle::private(&kept, "a full store");
    println!("F06, store: {rounds} times full, {wanted} lines");
}

/// What is due makes the room that is needed to say that it goes: at once, after a kill on the full disk, and where one was before it.
#[test]
fn a_sweep_frees_a_disk_that_is_full() {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("store");
    filled(&path);
    let whole = oracle::tree(&path);
    let rounds = often(6, 60);
    let script = format!(
        "mkdir disk; mount -t tmpfs -o size=4m,mode=755 none disk || exit 99
         fill() {{ head -c 8000000 /dev/zero >> disk/full 2>/dev/null; while printf x >> disk/full; do :; done 2>/dev/null; }}
         sweep() {{ {SLADD} store sweep disk/store --now 2027-01-01 > out; }}
         for round in $(seq 1 {rounds}); do
           rm -rf disk/full disk/store; cp -a store disk/store
           if [ $((round % 3)) = 2 ]; then
             printf '{{\"paths\":[\"short/2026-11-19/0001\"]}}' > disk/store/sweep.json
             chmod 640 disk/store/sweep.json; rm disk/store/short/2026-11-19/0001.*
           fi
           fill
           if [ $((round % 3)) = 0 ]; then {SLADD} store sweep disk/store --now 2027-01-01 > out & sleep 0.00$round; kill -9 $! 2>/dev/null; wait $!; fi
           before=$(stat -f -c %f disk); sweep || exit 98
           [ $(stat -f -c %f disk) -gt $before ] || [ $((round % 3)) = 0 ] || exit 97
           grep -q gone out || [ $((round % 3)) = 0 ] || exit 96
           rm disk/full; rm -rf swept-$round; cp -a disk/store swept-$round
         done"
    );
    let Some(output) = inject::with_mounts(room.path(), &script) else { return };
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    for round in 1..=rounds {
        is_swept(&room.path().join(format!("swept-{round}")), &whole, &format!("round {round}"));
    }
    println!("F06, store: swept {rounds} times on a full disk");
}

/// F38: what the system does not let go is reported as it is and tried again; the rest goes on time.
#[test]
fn a_segment_that_nobody_may_delete_is_reported_and_goes_when_it_may() {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("store");
    filled(&path);
    let whole = oracle::tree(&path);
    let fixed = fs::read_dir(path.join("short/2026-11-20")).unwrap().map(|entry| entry.unwrap().path());
    let fixed = fixed.into_iter().find(|path| path.extension().is_some_and(|end| end == "zst")).unwrap();
    let chattr = |how: &str| {
        let done = Command::new("chattr").arg(how).arg(&fixed).status();
        done.is_ok_and(|status| status.success())
    };
    if !chattr("+i") {
        eprintln!("!!! NO chattr +i HERE: a file that nobody may delete is not tried");
        return;
    }
    let sweep = || {
        let output =
            Command::new(SLADD).args(["store", "sweep"]).arg(&path).args(["--now", "2027-01-01", "--json"]).output();
        let output = output.unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), report["stores"][0]["report"]["due"].as_array().unwrap().clone())
    };
    let name = fixed.strip_prefix(&path).unwrap().with_extension("");
    for turn in 0..3 {
        let (code, due) = sweep();
        let left: Vec<_> = due.iter().filter(|deletion| deletion["is_gone"] == false).collect();
        assert_eq!((code, left.len()), (Some(74), 1), "turn {turn}: {due:?}");
        assert_eq!(left[0]["path"], name.to_str().unwrap());
        assert!(left[0]["said"].as_str().unwrap().contains("not permitted"), "{left:?}");
        // The rest went at once.
        assert_eq!(due.len(), if turn == 0 { 4 } else { 1 }, "turn {turn}: {due:?}");
    }
    let log = fs::read_to_string(path.join("audit.log")).unwrap();
    assert!(!log.contains(&format!("\"{}\":\"gone\"", name.display())), "{log}");
    assert!(chattr("-i"));
    let (code, due) = sweep();
    assert_eq!((code, due.len()), (Some(0), 1));
    is_swept(&path, &whole, "when it may go");
}
