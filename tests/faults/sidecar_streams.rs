//! F10–F12, F48, F55: readers that go away, that are slow and that stop; writers of pipes that come and go, and must not wait.

use super::harness::{
    Dice, SLADD,
    beside::{Beside, comes, ends, listens},
    lines::{self, count, numbers},
    often, oracle, program,
};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    collections::BTreeSet,
    fs::{self, OpenOptions},
    io::{Read, Write},
    os::unix::fs::FileTypeExt,
    process::{ChildStdout, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// One whose standard output we read ourselves, or do not. What it says goes to a file.
struct Written {
    child: std::process::Child,
    out: Option<ChildStdout>,
}

impl Written {
    fn start(beside: &Beside) -> Written {
        let said = fs::File::create(beside.at("said")).unwrap();
        let mut child = beside.command().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(said).spawn().unwrap();
        let out = child.stdout.take();
        Written { child, out }
    }

    fn signal(&self, signal: Signal) {
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }

    /// The most memory it had, in KiB.
    fn peak(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let peak =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        peak.unwrap_or(0)
    }
}

const TO_STDOUT: &str = "[[input]]\nfollow = [\"ROOM/in/access.log*\"]\n[[output]]\nstdout = true\n";

/// F10: the reader takes some lines and goes. Without a word the sidecar ends, and the next one goes on; what stood in the pipe
/// and was not read is lost with the pipe.
#[test]
fn a_reader_that_goes_away_is_the_end_without_a_word_and_the_next_run_goes_on() {
    let (mut dice, mut readers, mut lost, mut again) = (Dice(10), 0, 0, 0);
    for room in 0..often(2, 20) {
        let beside = Beside::new(TO_STDOUT);
        let (mut written, mut reached) = (0, 0);
        for _ in 0..often(12, 50) {
            let more = 1 + dice.below(400) as usize;
            beside.append("in/access.log", &lines::lines(written, more));
            written += more;
            let mut reader = Written::start(&beside);
            let mut out = reader.out.take().unwrap();
            let (wanted, mut bytes, mut chunk) = (dice.below(5_000) as usize, Vec::new(), [0; 4096]);
            // What it gets: at least something, and no more than it wants.
            while bytes.len() <= wanted {
                let n = out.read(&mut chunk).unwrap();
                assert!(n > 0, "room {room}: it ended by itself: {}", String::from_utf8_lossy(&beside.read("said")));
                bytes.extend_from_slice(&chunk[..n]);
                if numbers(&bytes).last().is_some_and(|&last| last + 1 >= written) {
                    break;
                }
            }
            drop(out);
            // It hears of it with the next lines; a child that another test is just starting may hold the pipe for a moment.
            let began = Instant::now();
            let status = loop {
                beside.append("in/access.log", &lines::lines(written, 1));
                written += 1;
                std::thread::sleep(Duration::from_millis(20));
                match reader.child.try_wait().unwrap() {
                    Some(status) => break status,
                    None => assert!(began.elapsed() < Duration::from_secs(120), "it does not hear that nobody reads"),
                }
            };
            assert!(status.success(), "{status:?}");
            let said = String::from_utf8_lossy(&beside.read("said")).into_owned();
            assert!(!said.contains("cannot") && !said.contains("panicked") && !said.contains("fault at"), "{said}");
            oracle::clean("said", said.as_bytes(), "a reader that goes away");
            oracle::clean("standard output", &bytes, "a reader that goes away");
            let found = numbers(&bytes[..memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1)]);
            assert!(found.windows(2).all(|pair| pair[1] == pair[0] + 1), "what one reader gets has no gap");
            // What stood in the pipe of the one before is lost with it, and no more; or it comes again.
            if let (Some(first), Some(last)) = (found.first(), found.last()) {
                lost += first.saturating_sub(reached);
                again += reached.saturating_sub(*first);
                reached = last + 1;
            }
            readers += 1;
        }
        // The last one reads to the end.
        let mut reader = Written::start(&beside);
        beside.append("in/access.log", &lines::lines(written, 1));
        let (mut out, mut bytes, mut chunk) = (reader.out.take().unwrap(), Vec::new(), [0; 4096]);
        while numbers(&bytes).last() != Some(&written) {
            let n = out.read(&mut chunk).unwrap();
            assert!(n > 0, "room {room}: it ended by itself");
            bytes.extend_from_slice(&chunk[..n]);
        }
        reader.signal(Signal::TERM);
        assert!(reader.child.wait().unwrap().success());
        let found = numbers(&bytes);
        assert!(found.windows(2).all(|pair| pair[1] == pair[0] + 1), "what one reader gets has no gap");
        beside.is_clean("a reader that goes away");
    }
    println!("F10: {readers} readers that went away, {lost} lines lost in their pipes, {again} came again");
}

/// F11: a reader that takes 200 KB a second slows the source, and nothing piles up.
#[test]
fn a_slow_reader_slows_it_and_nothing_piles_up() {
    let beside = Beside::new(TO_STDOUT);
    let wanted = often(12_000, 600_000);
    beside.append("in/access.log", &lines::lines(0, wanted));
    let mut reader = Written::start(&beside);
    let mut out = reader.out.take().unwrap();
    let (began, mut got, mut chunk, mut peak) = (Instant::now(), Vec::new(), vec![0; 20_000], 0);
    let until = Duration::from_secs(often(4, 600) as u64);
    while count(&got) < wanted {
        let n = out.read(&mut chunk).unwrap();
        assert!(n > 0, "it ended by itself");
        got.extend_from_slice(&chunk[..n]);
        if began.elapsed() < until {
            std::thread::sleep(Duration::from_millis(100));
        }
        peak = peak.max(reader.peak());
    }
    reader.signal(Signal::TERM);
    assert!(reader.child.wait().unwrap().success());
    beside.holds(&got, wanted, "a slow reader");
    println!("F11: {wanted} lines through a slow reader in {:?}, {peak} KiB", began.elapsed());
    assert!(peak * 100 <= 64 * 1024 * 105, "{peak} KiB");
}

/// F12: nobody reads for a while. Where lines are shed their writer never waits long and every one is counted; where it waits,
/// nothing is lost.
#[test]
fn while_nobody_reads_a_writer_waits_or_its_lines_are_counted() {
    for stall in ["shed", "block"] {
        let beside = Beside::new(&format!(
            "[[input]]\nfifo = \"ROOM/in/pipe\"\non_stall = \"{stall}\"\n[[output]]\nstdout = true\n"
        ));
        let mut reader = Written::start(&beside);
        let mut out = reader.out.take().unwrap();
        let pipe = beside.at("in/pipe");
        comes("the pipe", || fs::symlink_metadata(&pipe).is_ok_and(|found| found.file_type().is_fifo()));
        let mut writer = OpenOptions::new().write(true).open(&pipe).unwrap();
        let stalled = Duration::from_secs(often(2, 60) as u64);
        let (began, mut written, mut longest) = (Instant::now(), 0, Duration::ZERO);
        // Where lines are shed, nobody reads before more was written than all buffers hold.
        let (sheds, reads) = (stall == "shed", Arc::new(AtomicBool::new(false)));
        let gets = std::thread::spawn({
            let reads = reads.clone();
            move || {
                while !reads.load(Relaxed) && (sheds || began.elapsed() < stalled) {
                    std::thread::sleep(Duration::from_millis(5));
                }
                let mut bytes = Vec::new();
                out.read_to_end(&mut bytes).unwrap();
                bytes
            }
        });
        while began.elapsed() < stalled + Duration::from_millis(300) || sheds && written < 80_000 {
            let lines = lines::lines(written, 20);
            let one = Instant::now();
            writer.write_all(&lines).unwrap();
            longest = longest.max(one.elapsed());
            written += 20;
            std::thread::sleep(Duration::from_micros(100));
        }
        reads.store(true, Relaxed);
        drop(writer);
        reader.signal(Signal::TERM);
        assert!(reader.child.wait().unwrap().success());
        let got = gets.join().unwrap();
        let said = String::from_utf8_lossy(&beside.read("said")).into_owned();
        let (found, once) = (numbers(&got), numbers(&got).into_iter().collect::<BTreeSet<usize>>());
        assert!(found.len() == once.len() && found.is_sorted(), "{stall}: twice, or out of order");
        oracle::clean("standard output", &got, stall);
        oracle::clean("said", said.as_bytes(), stall);
        let account = said.lines().rev().find(|line| line.contains(" lines in = ")).unwrap_or_default();
        println!(
            "F12: {stall}: {written} lines, {} out, the writer waited {longest:?} at most; {account}",
            found.len()
        );
        if stall == "block" {
            assert_eq!(found.len(), written);
            continue;
        }
        assert!(found.len() < written, "nothing was shed: {account}");
        let said_in: usize = account.trim_start_matches("sladd: ").split(" ").next().unwrap().parse().unwrap();
        assert_eq!(said_in, written, "{account}");
        let of = |name: &str| -> usize {
            let behind = account.split_once(&format!("{name} ")).map_or("0", |(_, behind)| behind);
            behind.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
        };
        assert_eq!(of("shed"), written - found.len(), "{account}");
        // Other programs may hold a core for long; what is promised is 100 ms.
        assert!(longest < Duration::from_secs(2), "the writer waited {longest:?}");
    }
}

/// F55, F03: writers of a named pipe come and go, and a stop takes what is in it.
#[test]
fn writers_of_a_named_pipe_come_and_go() {
    let beside = Beside::new("[[input]]\nfifo = \"ROOM/in/pipe\"\n[[output]]\nfile = \"ROOM/out/access.log\"\n");
    let running = beside.start();
    let pipe = beside.at("in/pipe");
    comes("the pipe", || fs::symlink_metadata(&pipe).is_ok_and(|found| found.file_type().is_fifo()));
    let writers = often(40, 500);
    for writer in 0..writers {
        let mut pipe = OpenOptions::new().write(true).open(&pipe).unwrap();
        pipe.write_all(&lines::lines(writer * 7, 7)).unwrap();
    }
    ends(running, "a named pipe");
    beside.is_whole(writers * 7, "a named pipe");
    println!("F55: {writers} writers");
}

/// F03: killed while a writer writes, what is in the pipe stays there as long as somebody holds it open. What was taken out of
/// it and not written is lost: no more than the portions in flight. Nothing comes twice, and no line is torn.
#[test]
fn killed_at_a_pipe_it_loses_what_was_in_hand_at_most() {
    let beside = Beside::new("[[input]]\nfifo = \"ROOM/in/pipe\"\n[[output]]\nfile = \"ROOM/out/access.log\"\n");
    let first = beside.start();
    let pipe = beside.at("in/pipe");
    comes("the pipe", || fs::symlink_metadata(&pipe).is_ok_and(|found| found.file_type().is_fifo()));
    listens(&first);
    ends(first, "makes the pipe");
    let holder = OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
    let (mut dice, mut written, mut longest) = (Dice(3), 0, 0);
    let kills = often(10, 300);
    for kill in 0..kills {
        let running = beside.start();
        let until = Instant::now() + Duration::from_millis(40 + dice.below(120));
        let mut writer = OpenOptions::new().write(true).open(&pipe).unwrap();
        while Instant::now() < until {
            let more = 1 + dice.below(30) as usize;
            // As programs write to a pipe: a line at a time, whole.
            for number in written..written + more {
                writer.write_all(lines::line(number).as_bytes()).unwrap();
            }
            written += more;
            std::thread::sleep(Duration::from_millis(dice.below(3)));
        }
        running.kill(&format!("kill {kill}"));
    }
    let running = beside.start();
    beside.append("in/pipe", lines::line(written).as_bytes());
    comes("the last line", || numbers(&beside.read("out/access.log")).last() == Some(&written));
    ends(running, "after the kills");
    drop(holder);
    let found = numbers(&beside.read("out/access.log"));
    assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "twice, or out of order");
    for pair in found.windows(2) {
        longest = longest.max(pair[1] - pair[0] - 1);
    }
    beside.is_clean("killed at a pipe");
    println!("F03: {kills} kills, {} of {} lines came, {longest} lost at a time at most", found.len(), written + 1);
    // One MiB of lines.
    assert!(longest < 8_000, "{longest} lines lost at once");
}

/// Standard input that ends is the end, where nothing else is read.
#[test]
fn the_end_of_standard_input_is_the_end() {
    let beside = Beside::new("[[input]]\nstdin = true\n[[output]]\nfile = \"ROOM/out/access.log\"\n");
    let mut command = Command::new(SLADD);
    command.args(["sidecar", "--policy", "./policy.toml"]).current_dir(beside.room.path()).stdin(Stdio::piped());
    let output = program::fed(&mut command, lines::lines(0, 2_000)).end("standard input");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    beside.is_whole(2_000, "standard input");
}
