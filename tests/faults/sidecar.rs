//! The sidecar: killed, stopped, rotated under, without room, told twice, and fed by writers that come and go.

use crate::harness::{
    Dice, SLADD, inject,
    lines::{self, count, numbers},
    often, oracle,
    program::{self, Running},
};
use rustix::process::Signal;
use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::{
        fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink},
        process::ExitStatusExt,
    },
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// A room with a policy, inputs and outputs.
struct Beside {
    room: tempfile::TempDir,
}

impl Beside {
    /// `wiring` may say `ROOM`.
    fn new(wiring: &str) -> Beside {
        let beside = Beside { room: tempfile::tempdir().unwrap() };
        for name in ["in", "out", "keys"] {
            fs::create_dir(beside.at(name)).unwrap();
            fs::set_permissions(beside.at(name), PermissionsExt::from_mode(0o700)).unwrap();
        }
        beside.policy(1, wiring);
        beside
    }

    /// Files are followed into one file.
    fn following() -> Beside {
        Beside::new("[[input]]\nfollow = [\"ROOM/in/access.log*\"]\n[[output]]\nfile = \"ROOM/out/access.log\"\n")
    }

    fn at(&self, name: &str) -> PathBuf {
        self.room.path().join(name)
    }

    fn policy(&self, version: u32, wiring: &str) {
        let room = self.room.path().display().to_string();
        let text = format!(
            "base = \"hosting\"\nname = \"faults\"\nversion = {version}\n[keys]\ndirectory = \"ROOM/keys\"\n[state]\ndirectory = \"ROOM/state\"\n{wiring}"
        );
        fs::write(self.at("policy.toml"), text.replace("ROOM", &room)).unwrap();
    }

    fn command(&self) -> Command {
        let mut command = Command::new(SLADD);
        command.args(["sidecar", "--policy", "./policy.toml"]).current_dir(self.room.path());
        command
    }

    fn start(&self) -> Running {
        program::start(&mut self.command())
    }

    fn append(&self, name: &str, bytes: &[u8]) {
        OpenOptions::new().create(true).append(true).open(self.at(name)).unwrap().write_all(bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.at(name)).unwrap_or_default()
    }

    /// Waits until so many lines stand in the output; a machine may be slow.
    fn reaches(&self, wanted: usize, what: &str) {
        let began = Instant::now();
        while count(&self.read("out/access.log")) < wanted {
            assert!(
                began.elapsed() < Duration::from_secs(120),
                "{what}: {} of {wanted}",
                count(&self.read("out/access.log"))
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What the pipe makes of lines, under the same policy and the same keys.
    fn piped(&self, bytes: &[u8]) -> Vec<u8> {
        let mut command = Command::new(SLADD);
        command.args(["-q", "--policy", "./policy.toml"]).current_dir(self.room.path()).stdin(Stdio::piped());
        program::fed(&mut command, bytes.to_vec()).end("the pipe").stdout
    }

    /// Each line once, byte for byte as the pipe makes it, in order, and nothing raw anywhere.
    fn is_whole(&self, wanted: usize, what: &str) {
        let made = self.read("out/access.log");
        assert!(numbers(&made).is_sorted(), "{what}: out of order");
        assert!(made == self.piped(&lines::lines(0, wanted)), "{what}: not as the pipe makes it");
        self.is_complete(wanted, what);
    }

    /// The same in any order: files that came and went while nobody looked tell by their times alone which was first.
    fn is_complete(&self, wanted: usize, what: &str) {
        let made = self.read("out/access.log");
        oracle::each_once(&made, 0, wanted, what);
        let sorted = |bytes: &[u8]| {
            let mut lines: Vec<Vec<u8>> = bytes.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
            lines.sort_unstable();
            lines
        };
        assert!(sorted(&made) == sorted(&self.piped(&lines::lines(0, wanted))), "{what}: not as the pipe makes it");
        for name in ["out", "state"] {
            for (path, bytes) in oracle::tree(&self.at(name)) {
                oracle::clean(&path.to_string_lossy(), &bytes, what);
            }
            oracle::private(&self.at(name), what);
        }
    }
}

fn ends(running: Running, what: &str) -> String {
    let began = Instant::now();
    while !running.listens() && began.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(2));
    }
    running.signal(Signal::TERM);
    let output = running.end(what);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{what}: {said}");
    said
}

/// F01, F13: killed at any moment while lines come and files are rotated.
#[test]
fn killed_at_any_moment_it_goes_on_and_no_line_is_lost_or_doubled() {
    let beside = Beside::following();
    let mut dice = Dice(51);
    let (mut written, mut rotations) = (0, 0);
    let kills = often(25, 1_000);
    for kill in 0..kills {
        let running = beside.start();
        let until = Instant::now() + Duration::from_millis(1 + dice.below(150));
        while Instant::now() < until {
            let more = dice.below(40) as usize;
            beside.append("in/access.log", &lines::lines(written, more));
            written += more;
            if dice.below(12) == 0 {
                rotations += 1;
                let _ = fs::rename(beside.at("in/access.log"), beside.at(&format!("in/access.log.{rotations}")));
            }
            std::thread::sleep(Duration::from_millis(dice.below(4)));
        }
        running.kill(&format!("kill {kill}"));
    }
    let running = beside.start();
    beside.reaches(written, "after the kills");
    ends(running, "after the kills");
    beside.is_whole(written, "after the kills");
    println!("F01, F13: {kills} kills, {rotations} rotations, {written} lines");
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

/// F02: killed at each call that changes something.
#[test]
fn killed_at_each_call_it_goes_on() {
    if !crate::harness::has("strace") {
        return;
    }
    let calls = ["write", "fdatasync", "fsync", "renameat2", "renameat", "openat", "ftruncate"];
    let (mut met, mut tried) = (0, 0);
    let most = often(1, 60);
    for call in calls {
        for when in 1..=most {
            let beside = Beside::following();
            beside.append("in/access.log", &lines::lines(0, 200));
            let mut strace = Command::new("strace");
            strace.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace=?{call}")]);
            strace.args(["-e", &format!("inject=?{call}:signal=SIGKILL:when={when}")]);
            // By its whole path, so that it can be found among all processes.
            let policy = beside.at("policy.toml");
            strace.arg(SLADD).args(["sidecar", "-q", "--policy"]).arg(&policy).current_dir(beside.room.path());
            let mut running = program::start(&mut strace);
            let until = Instant::now() + Duration::from_secs(3);
            while Instant::now() < until && !running.is_over() && count(&beside.read("out/access.log")) < 200 {
                std::thread::sleep(Duration::from_millis(2));
            }
            beside.append("in/access.log", &lines::lines(200, 100));
            while Instant::now() < until && !running.is_over() && count(&beside.read("out/access.log")) < 300 {
                std::thread::sleep(Duration::from_millis(2));
            }
            let what = format!("killed at {call} {when}");
            tried += 1;
            met += usize::from(running.is_over());
            // A tracer that is killed takes nothing with it.
            let _ = Command::new("pkill").args(["-9", "-f", &policy.display().to_string()]).status();
            running.kill(&what);
            let running = again(&beside, &what);
            beside.reaches(300, &what);
            ends(running, &what);
            beside.is_whole(300, &what);
        }
    }
    println!("F02: {tried} points, {met} met");
    assert!(met > 0);
}

/// The traced one may take a moment to die, and holds the state until then.
fn again(beside: &Beside, what: &str) -> Running {
    let began = Instant::now();
    loop {
        let mut running = beside.start();
        std::thread::sleep(Duration::from_millis(100));
        if !running.is_over() {
            return running;
        }
        let output = running.end(what);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("another sladd") && began.elapsed() < Duration::from_secs(30), "{what}: {said}");
    }
}

/// F04, F14: stopped and started under load, with rotations while it is down.
#[test]
fn stopped_and_rotated_under_while_down_it_goes_on() {
    let beside = Beside::following();
    let mut dice = Dice(14);
    let (mut written, mut rotations) = (0, 0);
    for round in 0..often(8, 200) {
        let running = beside.start();
        for _ in 0..dice.below(6) {
            let more = dice.below(60) as usize;
            beside.append("in/access.log", &lines::lines(written, more));
            written += more;
            std::thread::sleep(Duration::from_millis(dice.below(20)));
        }
        running.signal(Signal::TERM);
        let output = running.end(&format!("round {round}"));
        let said = String::from_utf8_lossy(&output.stderr);
        // It may be too early to be heard.
        let at_once = output.status.signal() == Some(Signal::TERM.as_raw());
        assert!(at_once || output.status.success() && said.contains(" lines in = "), "{:?} {said}", output.status);
        for _ in 0..dice.below(4) {
            rotations += 1;
            let _ = fs::rename(beside.at("in/access.log"), beside.at(&format!("in/access.log.{rotations}")));
            let more = 1 + dice.below(30) as usize;
            beside.append("in/access.log", &lines::lines(written, more));
            written += more;
        }
    }
    let running = beside.start();
    beside.reaches(written, "after the rounds");
    ends(running, "after the rounds");
    beside.is_complete(written, "after the rounds");
    println!("F04, F14: {rotations} rotations, {written} lines");
}

/// F06: the disk of the outputs is full for a while.
#[test]
fn a_full_disk_is_waited_for_and_nothing_is_lost() {
    let beside = Beside::following();
    let script = format!(
        "mount -t tmpfs -o size=400k,mode=750 none out || exit 99
         {SLADD} sidecar --policy ./policy.toml 2> said & P=$!
         for round in $(seq 1 {}); do
           head -c 390000 /dev/zero > out/full 2>/dev/null
           cat more.$round >> in/access.log; sleep 0.6
           kill -0 $P || exit 98
           rm out/full
           n=0; until [ $(wc -l < out/access.log) -ge $((round * 200)) ]; do sleep 0.05; n=$((n+1)); [ $n -lt 600 ] || exit 97; done
         done
         kill $P; wait $P || exit 96
         cp -p out/access.log kept.log",
        often(3, 40)
    );
    for round in 1..=often(3, 40) {
        fs::write(beside.at(&format!("more.{round}")), lines::lines((round - 1) * 200, 200)).unwrap();
    }
    let Some(output) = inject::with_mounts(beside.room.path(), &script) else { return };
    let said = String::from_utf8_lossy(&beside.read("said")).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("waiting for room") && said.contains("takes records again"), "{said}");
    oracle::clean("said", said.as_bytes(), "a full disk");
    fs::rename(beside.at("kept.log"), beside.at("out/access.log")).unwrap();
    beside.is_whole(often(3, 40) * 200, "a full disk");
}

/// F06, F04: asked to end while the disk is full, it leaves what it could not write to the next one.
#[test]
fn stopped_on_a_full_disk_it_loses_nothing() {
    let beside = Beside::following();
    fs::write(beside.at("in/access.log"), lines::lines(0, 600)).unwrap();
    let script = format!(
        "mount -t tmpfs -o size=400k,mode=750 none out || exit 99
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

/// F43.
#[test]
fn a_second_one_on_the_same_state_is_refused() {
    let beside = Beside::following();
    beside.append("in/access.log", &lines::lines(0, 10));
    let first = beside.start();
    beside.reaches(10, "the first");
    for _ in 0..often(3, 100) {
        let second = beside.start().end("the second");
        let said = String::from_utf8_lossy(&second.stderr).into_owned();
        assert!(second.status.code() == Some(73) && said.contains("another sladd"), "{:?} {said}", second.status);
    }
    ends(first, "the first");
    beside.is_whole(10, "two at once");
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

/// F55, F03: writers of a named pipe come and go, and a stop takes what is in it.
#[test]
fn writers_of_a_named_pipe_come_and_go() {
    let beside = Beside::new("[[input]]\nfifo = \"ROOM/in/pipe\"\n[[output]]\nfile = \"ROOM/out/access.log\"\n");
    let running = beside.start();
    let began = Instant::now();
    while !fs::symlink_metadata(beside.at("in/pipe")).is_ok_and(|found| found.file_type().is_fifo()) {
        assert!(began.elapsed() < Duration::from_secs(60), "no pipe is made");
        std::thread::sleep(Duration::from_millis(5));
    }
    let writers = often(40, 500);
    for writer in 0..writers {
        let mut pipe = OpenOptions::new().write(true).open(beside.at("in/pipe")).unwrap();
        pipe.write_all(&lines::lines(writer * 7, 7)).unwrap();
    }
    ends(running, "a named pipe");
    beside.is_whole(writers * 7, "a named pipe");
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
