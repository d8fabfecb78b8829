//! F06 to F10 and F47: a disk that is full or fails, calls that are interrupted, a reader that goes away, limits.

use super::harness::{
    Dice, SLADD, has,
    inject::{self, Fault},
    is_long,
    job::{IN_PLACE, Job, OUT},
    often, oracle,
};
use std::{fs, process::Command};

/// F06, F07, F08, F47: each call fails once, in every way that such a call fails.
#[test]
fn a_call_that_fails_ends_the_run_or_not_and_the_next_one_goes_on() {
    if !has("strace") {
        return;
    }
    let job = Job::new(&[("a.log", 400), ("sub/b.log.gz", 300), ("c.log", 3)]);
    let (mut tried, mut met, mut ended) = (0, 0, 0);
    for shape in [OUT, IN_PLACE] {
        let points = job.points(&shape).points;
        for (name, error) in [
            ("write", "ENOSPC"),
            ("write", "EIO"),
            ("fsync", "EIO"),
            ("fsync", "ENOSPC"),
            ("renameat2", "EIO"),
            ("ftruncate", "EIO"),
            ("mkdirat", "ENOSPC"),
            ("openat", "EMFILE"),
            ("openat", "ENOMEM"),
        ] {
            let points: Vec<_> = points.iter().filter(|point| point.name == name).collect();
            let each = if is_long() { 1 } else { points.len().div_ceil(3).max(1) };
            for point in points.into_iter().step_by(each) {
                tried += 1;
                let what = format!("{error}: {point}");
                let Some(output) = job.meets(&shape, point, Fault::Error(error)) else {
                    println!("F06 to F08, F47 {}: never came to {what}", shape.name);
                    continue;
                };
                met += 1;
                assert!(output.status.code().is_some(), "{what}: {:?}", output.status);
                ended += usize::from(!output.status.success());
                job.recovers(&shape, &what);
            }
        }
    }
    println!("F06 to F08, F47: {tried} calls that should fail, {met} met, {ended} runs ended by it");
    assert!(met * 20 >= tried * 19, "{met} of {tried}");
}

/// F06: a disk that is really full, and then a little less.
#[test]
fn a_run_onto_a_full_disk_goes_on_when_there_is_room() {
    let job = Job::new(&[("a.log", 3000), ("b.log", 3000), ("sub/c.log", 3000), ("sub/d.log.gz", 3000)]);
    let policy = "--policy ./policy.toml -q";
    let script = format!(
        "full=0; jobs=0; at=40
         mkdir -p out; chmod 750 out
         while [ $full -lt {} ]; do
           mount -t tmpfs -o size=${{at}}k none out || exit 99; chmod 750 out; jobs=$((jobs+1)); size=$at
           while :; do
             {SLADD} bulk {policy} --out out in; code=$?
             grep -r -l -e 198.51.100.77 -e hemmelig out && exit 97
             for f in a.log b.log sub/c.log sub/d.log.gz; do [ ! -e out/$f ] || cmp out/$f wanted/$f || exit 98; done
             [ $code = 0 ] && break
             [ $code = 74 ] || [ $code = 73 ] || exit $code
             full=$((full+1)); size=$((size+150+at%97)); mount -o remount,size=${{size}}k out || exit 96
           done
           for f in a.log b.log sub/c.log sub/d.log.gz; do cmp out/$f wanted/$f || exit 95; done
           umount out; at=$((at+53)); [ $at -lt 900 ] || at=41
         done
         echo $full $jobs",
        often(6, 200)
    );
    let Some(output) = inject::with_mounts(job.room(), &script) else { return };
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&output.stderr));
    oracle::said(&output, "a full disk");
    println!("F06: times full, jobs: {}", said.trim());
}

/// F07: there is room for outputs and none for keys.
#[test]
fn where_keys_cannot_be_written_no_line_passes() {
    let job = Job::new(&[("a.log", 300), ("sub/b.log.gz", 300)]);
    let script = format!(
        "for round in $(seq {}); do
           rm -rf out keys; mkdir -m 700 keys; mount -t tmpfs -o size=4k,mode=700 none keys || exit 99
           head -c 4096 /dev/zero > keys/full
           {SLADD} bulk -q --policy ./policy.toml --out out in; code=$?
           [ $code = 74 ] || [ $code = 73 ] || exit 98
           [ -z \"$(find out -name '*.log*')\" ] || exit 97
           rm keys/full; mount -o remount,size=64k keys
           {SLADD} bulk -q --policy ./policy.toml --out out in || exit 96
           [ $(find out -name '*.log*' | wc -l) = 2 ] || exit 95
           umount keys
         done",
        often(3, 100)
    );
    let Some(output) = inject::with_mounts(job.room(), &script) else { return };
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    oracle::said(&output, "no room for keys");
}

/// F09.
#[test]
fn interrupted_calls_are_invisible() {
    if !has("strace") {
        return;
    }
    let job = Job::new(&[("a.log", 4000), ("sub/b.log.gz", 300)]);
    let mut dice = Dice(9);
    let (mut met, mut tried, wanted) = (0, 0, often(12, 200));
    while met < wanted && tried < 4 * wanted {
        tried += 1;
        let name = ["read", "write", "fsync", "flock"][dice.below(4) as usize];
        // There is one lock, and each thread writes little by itself.
        let most = match name {
            "flock" => 1,
            "fsync" => 2,
            _ => 4,
        };
        let (first, step) = (1 + dice.below(most), 2 + dice.below(5));
        job.restore();
        let arguments = [&["bulk"], OUT.arguments()].concat();
        let (output, interrupted) = inject::interrupted(job.room(), &arguments, name, first, step);
        // Reads while the program is loaded are not ours, and the loader gives up with this code.
        if name == "read" && output.status.code() == Some(127) {
            continue;
        }
        let what = format!("{name} from {first} each {step}");
        assert_eq!(output.status.code(), Some(0), "{what}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(job.outputs("out") == *job.wanted(), "{what}");
        met += usize::from(interrupted > 0);
    }
    println!("F09: {met} runs with interrupted calls, of {tried}");
    assert_eq!(met, wanted);
}

/// F10.
#[test]
fn a_reader_that_goes_away_ends_the_run_without_a_word() {
    let job = Job::new(&[("a.log", 5000), ("b.log", 5000)]);
    let mut dice = Dice(10);
    for _ in 0..often(20, 1000) {
        let script = format!(
            "{SLADD} bulk --policy ./policy.toml --out - in 2>said | head -c {} > /dev/null",
            dice.below(900_000)
        );
        let output = Command::new("sh").args(["-c", &script]).current_dir(job.room()).output().unwrap();
        assert!(output.status.success());
        let said = fs::read_to_string(job.at("said")).unwrap();
        // Unless it was done before.
        assert!(said.is_empty() || said.starts_with("sladd: files        2 found, 2 minimised\n"), "{said}");
    }
}

/// F47.
#[test]
fn few_descriptors_and_little_memory_end_in_a_clean_error_or_not_at_all() {
    let job = Job::new(&[("a.log", 2000), ("sub/b.log.gz", 300), ("sub/deeper/c.log", 10)]);
    let mut limits: Vec<String> =
        ["-n 12", "-n 16", "-n 24", "-v 65536", "-v 131072", "-v 262144", "-f 1", "-f 100"].map(str::to_owned).into();
    if is_long() {
        limits.extend((6..40).map(|descriptors| format!("-n {descriptors}")));
        limits.extend((16..300).step_by(4).map(|megabytes| format!("-v {}", megabytes << 10)));
        limits.extend((1..60).map(|blocks| format!("-f {}", blocks * blocks)));
    }
    let mut ended = 0;
    for limit in &limits {
        job.restore();
        let script = format!("ulimit {limit}; exec {SLADD} bulk --policy ./policy.toml --out out in");
        let output = Command::new("sh").args(["-c", &script]).current_dir(job.room()).output().unwrap();
        oracle::said(&output, limit);
        ended += usize::from(!output.status.success());
        job.recovers(&OUT, limit);
    }
    println!("F47: {} limits, {ended} runs ended by one", limits.len());
}
