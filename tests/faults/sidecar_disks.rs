//! F06, F07: disks of the state, of an output and of a spool that are full, each alone.

use super::harness::{
    SLADD,
    beside::Beside,
    inject,
    lines::{self, count},
    often, oracle,
};
use std::fs;

/// A disk of its own is put where one of ours is to be. It is full again and again while lines come, also where the sidecar
/// makes room by what it deletes; in every third round the sidecar is killed on the full disk, and the next one begins when
/// there is room.
fn full_again_and_again(beside: &Beside, place: &str, rounds: usize) -> Option<usize> {
    const BLOCK: usize = 20;
    fs::write(beside.at("all"), lines::lines(0, rounds * 1_500)).unwrap();
    let script = format!(
        "P=; trap 'kill -9 $P' EXIT
         mkdir -m 750 -p disk state {place}
         mount -t tmpfs -o size=8m,mode=755 none disk || exit 99
         mkdir -m 750 disk/ours; mount --bind disk/ours {place}
         begin() {{
           seen=$(grep -c 'state in' said); {SLADD} sidecar --policy ./policy.toml 2>> said & P=$!
           n=0; until [ $(grep -c 'state in' said) -gt $seen ]; do sleep 0.02; n=$((n + 1)); [ $n -lt 1500 ] || exit 94; done
         }}
         waits() {{ echo $(($(grep -c 'waiting for room' said) - $(grep -c 'there is room again' said))); }}
         : > said; begin; next=1; killed=0
         for round in $(seq 1 {rounds}); do
           seen=$(grep -c 'waiting for room' said)
           n=0; until [ $(grep -c 'waiting for room' said) -gt $seen ]; do
             tail -n +$next all | head -n {BLOCK} >> in/access.log; next=$((next + {BLOCK})); sleep 0.02
             head -c 16000000 /dev/zero >> disk/full 2>/dev/null
             kill -0 $P || exit 98
             n=$((n + 1)); [ $n -lt 600 ] || exit 97
           done
           [ $((round % 3)) != 0 ] || {{ kill -9 $P; wait $P; killed=$(waits); }}
           rm disk/full
           [ $((round % 3)) != 0 ] || begin
           n=0; until [ $(wc -l < out/access.log) -ge $((next - 1)) ] && [ $(waits) -le $killed ]; do sleep 0.02; n=$((n + 1)); [ $n -lt 3000 ] || exit 96; done
         done
         kill $P; wait $P || exit 95
         mkdir -m 750 kept && cp -a {place}/. kept"
    );
    let output = inject::with_mounts(beside.room.path(), &script)?;
    let said = String::from_utf8_lossy(&beside.read("said")).into_owned();
    assert_eq!(output.status.code(), Some(0), "{place}: {}{said}", String::from_utf8_lossy(&output.stderr));
    oracle::clean("said", said.as_bytes(), place);
    assert!(!said.contains("internal fault"), "{said}");
    // What stood on the disk is back where it was.
    for (path, bytes) in oracle::tree(&beside.at("kept")) {
        let at = beside.at(place).join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        oracle::clean(&at.to_string_lossy(), &bytes, place);
        if place == "out" {
            fs::write(at, bytes).unwrap();
        }
    }
    oracle::private(&beside.at("kept"), place);
    let read = count(&beside.read("in/access.log"));
    println!("F06, F07: {place}: {rounds} times full, {read} lines");
    Some(read)
}

/// F07: there is room for records and none for what is said of them.
#[test]
fn without_room_for_the_state_nothing_goes_out_that_is_not_said_and_nothing_is_lost() {
    let beside = Beside::following();
    let Some(wanted) = full_again_and_again(&beside, "state", often(4, 100)) else { return };
    is_whole(&beside, wanted, "a full state");
}

/// F07, F06: there is room for the state and none for records.
#[test]
fn without_room_for_an_output_nothing_is_lost() {
    let beside = Beside::following();
    let Some(wanted) = full_again_and_again(&beside, "out", often(4, 200)) else { return };
    is_whole(&beside, wanted, "a full output");
}

/// The records; the room's modes are those of a disk that is gone.
fn is_whole(beside: &Beside, wanted: usize, what: &str) {
    let made = beside.read("out/access.log");
    beside.holds(&made, wanted, what);
    oracle::clean("out/access.log", &made, what);
}

/// F06: what waits for a receiver has no room, while the file beside it has.
#[cfg(feature = "net")]
#[test]
fn without_room_for_what_waits_for_a_receiver_nothing_is_lost() {
    let receiver = super::harness::receiver::Receiver::new();
    let beside = Beside::new(&format!(
        "[[input]]\nfollow = [\"ROOM/in/access.log\"]\n[[output]]\nfile = \"ROOM/out/access.log\"\n\
         [[output]]\nsyslog = \"tcp:127.0.0.1:{}\"\nenterprise = 32473\n",
        receiver.port
    ));
    let Some(wanted) = full_again_and_again(&beside, "state/spool", often(4, 200)) else { return };
    is_whole(&beside, wanted, "a full spool");
    let (records, again) = receiver.records();
    oracle::each_once(&records, 0, wanted, "the receiver");
    assert!(records == beside.read("out/access.log"), "the receiver has other records than the file");
    println!("F06: a full spool: {again} records came again");
}
