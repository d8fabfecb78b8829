//! F14–F19, F26, F40: files that are copied and truncated, written anew, replaced under their number, alike, torn, with holes,
//! packed, and not to be read for a while.

use super::harness::{
    Dice, SLADD,
    beside::{Beside, ends, listens},
    has,
    lines::{self, count, numbers},
    often, oracle, program,
};
use rustix::process::Signal;
use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        net::UnixStream,
    },
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// What the status page counts under a name, over all inputs.
fn counted(beside: &Beside, name: &str) -> u64 {
    let mut stream = UnixStream::connect(beside.at("status.sock")).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    oracle::clean("metrics", text.as_bytes(), "metrics");
    let of = |line: &str| line.starts_with(name).then(|| line.rsplit(' ').next()?.parse::<u64>().ok()).flatten();
    text.lines().filter_map(of).sum()
}

/// F15: while a writer appends, the file is copied and cut to nothing, again and again.
///
/// What is lost between the copy and the cut is in no file, and nobody can give it back. All that stands in a copy, or in the
/// file itself at the end, comes out, or is counted where looks came too late; and nothing comes out twice.
#[test]
fn copied_and_truncated_under_load_nothing_that_a_copy_holds_is_lost_and_nothing_comes_twice() {
    let real = has("logrotate");
    let (mut all, mut lost, mut gaps, mut missed) = (0, 0, 0, 0);
    let rooms = often(2, 20);
    for room in 0..rooms {
        // The pattern names the copies, or does not.
        let pattern = if room % 2 == 0 { "access.log*" } else { "access.log" };
        let beside = Beside::new(&format!(
            "[[input]]\nfollow = [\"ROOM/in/{pattern}\"]\n[[output]]\nfile = \"ROOM/out/access.log\"\n[status]\nlisten = \"ROOM/status.sock\"\n"
        ));
        let conf = format!(
            "{}/access.log {{\n copytruncate\n rotate 1000\n missingok\n nocompress\n su root root\n}}\n",
            beside.at("in").display()
        );
        fs::write(beside.at("rotate.conf"), conf).unwrap();
        fs::set_permissions(beside.at("rotate.conf"), PermissionsExt::from_mode(0o600)).unwrap();
        let running = beside.start();
        listens(&running);
        let (over, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let writer = std::thread::spawn({
            let (over, written, path) = (over.clone(), written.clone(), beside.at("in/access.log"));
            move || {
                let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
                let mut dice = Dice(15 + room as u64);
                while !over.load(Relaxed) {
                    let (from, more) = (written.load(Relaxed), 1 + dice.below(30) as usize);
                    file.write_all(&lines::lines(from, more)).unwrap();
                    written.store(from + more, Relaxed);
                    std::thread::sleep(Duration::from_micros(dice.below(3_000)));
                }
            }
        });
        // What came and went before the first look, in a copy that no pattern names, is nobody's to find.
        beside.reaches(1, "the first line");
        let mut dice = Dice(1 + room as u64);
        for _ in 0..often(6, 25) {
            std::thread::sleep(Duration::from_millis(20 + dice.below(150)));
            if real {
                let mut logrotate = Command::new("logrotate");
                logrotate.args(["-f", "-s"]).arg(beside.at("rotate.state")).arg(beside.at("rotate.conf"));
                assert!(logrotate.status().unwrap().success());
            } else {
                for number in (1..100).rev() {
                    let name = |number| beside.at(&format!("in/access.log.{number}"));
                    let _ = fs::rename(name(number), name(number + 1));
                }
                fs::copy(beside.at("in/access.log"), beside.at("in/access.log.1")).unwrap();
                File::options().write(true).open(beside.at("in/access.log")).unwrap().set_len(0).unwrap();
            }
        }
        over.store(true, Relaxed);
        writer.join().unwrap();
        let written = written.load(Relaxed);
        let held: BTreeSet<usize> = oracle::tree(&beside.at("in")).values().flat_map(|bytes| numbers(bytes)).collect();
        let what = format!("room {room}, {pattern}");
        let out = || numbers(&beside.read("out/access.log")).into_iter().collect::<BTreeSet<usize>>();
        // What begins like another is read when it was quiet for five seconds; a machine may be slow.
        let (began, mut missing) = (Instant::now(), held.len());
        while missing > 0 && began.elapsed() < Duration::from_secs(40) {
            std::thread::sleep(Duration::from_millis(20));
            missing = held.difference(&out()).count();
        }
        let counted_here = counted(&beside, "sladd_input_gaps_total");
        assert!(missing == 0 || counted_here > 0, "{what}: {missing} lines of copies are lost, and nothing is counted");
        (gaps, missed) = (gaps + counted_here, missed + missing);
        ends(running, &what);
        let made = beside.read("out/access.log");
        let found = numbers(&made);
        let once: BTreeSet<usize> = found.iter().copied().collect();
        assert_eq!(once.len(), found.len(), "{what}: lines came twice");
        assert!(once.iter().all(|&number| number < written), "{what}: lines that nobody wrote");
        lost += written - once.len();
        all += written;
        beside.is_clean(&what);
    }
    println!(
        "F15: {} copies, {all} lines, {lost} not read before they went, {missed} of them in copies, {gaps} gaps counted",
        rooms * often(6, 25)
    );
}

/// F16: a file is written anew, longer than it was, before anybody looks.
#[test]
fn a_file_that_is_written_anew_above_where_it_was_read_to_is_read_from_its_beginning() {
    let beside = Beside::following();
    let running = beside.start();
    let (mut dice, mut written) = (Dice(16), 0);
    for round in 0..often(12, 500) {
        // Longer than the one before, of the same length, and shorter.
        let more = match round % 5 {
            0 => 5,
            4 => 3,
            longer => 20 * longer,
        };
        fs::write(beside.at("in/access.log"), lines::lines(written, more)).unwrap();
        written += more;
        beside.reaches(written, "written anew");
        std::thread::sleep(Duration::from_millis(1 + dice.below(if round % 50 == 0 { 1_000 } else { 30 })));
    }
    ends(running, "written anew");
    beside.is_whole(written, "written anew");
    println!("F16: {} times written anew", often(12, 500));
}

/// F17: a file is deleted while nobody looks, and another gets its number.
#[test]
fn another_file_under_the_number_of_one_that_is_gone_is_another_file() {
    let beside = Beside::following();
    let (mut dice, mut written, mut reused) = (Dice(17), 0, 0);
    let rounds = often(8, 500);
    let mut before = None;
    for round in 0..rounds {
        let more = 1 + dice.below(40) as usize;
        fs::write(beside.at("in/access.log"), lines::lines(written, more)).unwrap();
        written += more;
        let number = fs::metadata(beside.at("in/access.log")).unwrap().ino();
        reused += usize::from(before.replace(number) == Some(number));
        let (what, running) = (format!("round {round}"), beside.start());
        beside.reaches(written, &what);
        // Half of them end without a word.
        if round % 2 == 0 {
            ends(running, &what);
        } else {
            running.kill(&what);
        }
        fs::remove_file(beside.at("in/access.log")).unwrap();
    }
    beside.is_whole(written, "numbers used again");
    println!("F17: {reused} of {rounds} files had the number of the one before");
}

/// F18: many files that begin alike, and many that are empty.
#[test]
fn files_that_begin_alike_and_empty_ones_are_all_read() {
    let beside = Beside::new("[[input]]\nfollow = [\"ROOM/in/*.log\"]\n[[output]]\nfile = \"ROOM/out/access.log\"\n");
    let files = often(40, 400);
    let (same, mut expected) = (lines::lines(1_000_000, 10), Vec::new());
    let mut write = |from: usize, to: usize| {
        for number in from..to {
            fs::write(beside.at(&format!("in/{number}.log")), [&same[..], lines::line(number).as_bytes()].concat())
                .unwrap();
            fs::write(beside.at(&format!("in/empty-{number}.log")), b"").unwrap();
            expected.extend(numbers(&same));
            expected.push(number);
        }
    };
    // Some are there, and some come.
    write(0, files / 2);
    let running = beside.start();
    write(files / 2, files);
    beside.reaches(files * 11, "alike");
    for number in 0..files {
        beside.append(&format!("in/empty-{number}.log"), lines::line(files + number).as_bytes());
    }
    beside.reaches(files * 12, "not empty any more");
    let said = ends(running, "alike");
    expected.extend(files..2 * files);
    let mut made = numbers(&beside.read("out/access.log"));
    made.sort_unstable();
    expected.sort_unstable();
    assert!(made == expected, "{} lines of {}", made.len(), expected.len());
    assert!(said.lines().count() < 10, "{said}");
    beside.is_clean("alike");
    println!("F18: {files} files alike, {files} empty ones");
}

/// F19: a line is cut at every byte by a stop, a kill or a rotation, and its rest comes later.
#[test]
fn a_line_that_is_cut_anywhere_comes_out_whole_and_once() {
    let beside = Beside::following();
    let (mut written, mut rotations) = (0, 0);
    let (cuts, step) = (often(24, 1_000), often(29, 1));
    for cut in 0..cuts {
        let shape = [0, 1, 3, 4, 5][cut % 5];
        let before = (0..9).find(|more| (written + more) % 9 == shape).unwrap();
        beside.append("in/access.log", &lines::lines(written, before));
        written += before;
        let line = lines::line(written).into_bytes();
        let (head, rest) = line.split_at(1 + cut / 5 * step % (line.len() - 1));
        beside.append("in/access.log", head);
        let (what, running) = (format!("cut behind {} bytes of a line like {shape}", head.len()), beside.start());
        beside.reaches(written, &what);
        match cut % 3 {
            0 => drop(ends(running, &what)),
            1 => drop(running.kill(&what)),
            _ => {
                // The writer has it open, and writes on under another name.
                let mut open = OpenOptions::new().append(true).open(beside.at("in/access.log")).unwrap();
                rotations += 1;
                let name = format!("in/access.log.{rotations}");
                fs::rename(beside.at("in/access.log"), beside.at(&name)).unwrap();
                open.write_all(rest).unwrap();
                beside.reaches(written + 1, &what);
                ends(running, &what);
            }
        }
        let whole = cut % 3 == 2;
        assert_eq!(count(&beside.read("out/access.log")), written + usize::from(whole), "{what}");
        if !whole {
            beside.append("in/access.log", rest);
        }
        written += 1;
    }
    let running = beside.start();
    beside.reaches(written, "after the cuts");
    ends(running, "after the cuts");
    beside.is_whole(written, "after the cuts");
    println!("F19: {cuts} cuts");
}

/// F26: a writer that does not append goes on where it was behind a truncation: a hole stands before its line.
#[test]
fn holes_and_runs_of_zeros_are_no_lines() {
    let beside = Beside::following();
    let running = beside.start();
    let mut file =
        OpenOptions::new().create(true).write(true).truncate(false).open(beside.at("in/access.log")).unwrap();
    let mut written = 0;
    for round in 0..often(6, 60) {
        let more = 1 + round % 7;
        file.write_all(&lines::lines(written, more)).unwrap();
        written += more;
        beside.reaches(written, "holes");
        if round % 2 == 0 {
            file.set_len(0).unwrap();
        } else {
            file.seek(SeekFrom::Current(100_000 * round as i64)).unwrap();
        }
    }
    ends(running, "holes");
    beside.is_whole(written, "holes");
}

/// F40: what may not be read is told, tried again, and read when it may.
#[test]
fn a_file_that_may_not_be_read_for_a_while_is_read_when_it_may() {
    if !rustix::process::geteuid().is_root() || !has("setpriv") {
        eprintln!("!!! NOT ROOT: a file that is ours can always be made readable; not tried");
        return;
    }
    let beside = Beside::following();
    let mut command = Command::new("setpriv");
    let without = "-dac_override,-dac_read_search";
    command.args([
        "--bounding-set",
        without,
        "--inh-caps",
        without,
        "--",
        SLADD,
        "sidecar",
        "--policy",
        "./policy.toml",
    ]);
    let running = program::start(command.current_dir(beside.room.path()));
    let (mut dice, mut written) = (Dice(40), 0);
    let rounds = often(3, 100);
    for round in 0..rounds {
        let allow = |path: &Path, mode| fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        fs::write(beside.at("in/next"), b"").unwrap();
        allow(&beside.at("in/next"), 0o000);
        fs::rename(beside.at("in/next"), beside.at("in/access.log")).unwrap();
        let more = 1 + dice.below(20) as usize;
        beside.append("in/access.log", &lines::lines(written, more));
        std::thread::sleep(Duration::from_millis(dice.below(60)));
        assert_eq!(count(&beside.read("out/access.log")), written, "what may not be read is not read");
        allow(&beside.at("in/access.log"), 0o640);
        written += more;
        beside.reaches(written, "allowed again");
        fs::rename(beside.at("in/access.log"), beside.at(&format!("in/access.log.{round}"))).unwrap();
    }
    running.signal(Signal::TERM);
    let output = running.end("permissions");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("let the user that sladd runs as read it"), "{said}");
    beside.is_whole(written, "permissions");
    println!("F40: {rounds} times");
}

/// As logrotate does it: what was rotated last is packed, with the time of what it was made of.
fn rotate_and_pack(beside: &Beside) {
    let name = |number: usize| beside.at(&format!("in/access.log.{number}.gz"));
    for number in (1..1_000).rev().filter(|&number| name(number).exists()) {
        fs::rename(name(number), name(number + 1)).unwrap();
    }
    let (plain, packed) = (beside.at("in/access.log.1"), name(1));
    fs::rename(beside.at("in/access.log"), &plain).unwrap();
    fs::write(&packed, lines::packed("a.gz", &fs::read(&plain).unwrap())).unwrap();
    let written = fs::metadata(&plain).unwrap().modified().unwrap();
    File::options().write(true).open(&packed).unwrap().set_modified(written).unwrap();
    fs::remove_file(&plain).unwrap();
    // Files are stamped by a clock that ticks every few milliseconds.
    std::thread::sleep(Duration::from_millis(11));
}

/// F14: rotated and packed while nobody reads, one or several times, and killed at any time in the midst of what was packed.
#[test]
fn files_that_were_packed_before_they_were_read_to_their_end_come_out_once_over_kills() {
    let beside = Beside::new(
        "[[input]]\nfollow = [\"ROOM/in/access.log*\"]\ncompressed = true\n[[output]]\nfile = \"ROOM/out/access.log\"\n",
    );
    let (mut dice, mut written, mut packed, mut killed) = (Dice(14), 0, 0, 0);
    let rounds = often(9, 300);
    for round in 0..rounds {
        let what = format!("round {round}");
        let more = 1 + dice.below(8_000) as usize;
        beside.append("in/access.log", &lines::lines(written, more));
        written += more;
        let running = beside.start();
        match round % 3 {
            0 => beside.reaches(written, &what),
            _ => std::thread::sleep(Duration::from_millis(dice.below(120))),
        }
        if round % 3 == 2 && round % 2 == 0 {
            ends(running, &what);
        } else {
            running.kill(&what);
            killed += 1;
        }
        // Bytes that were not read, in a file that is followed, and files that nobody saw.
        for generation in 0..dice.below(3) {
            let more = 1 + dice.below(3_000) as usize;
            if generation > 0 || round % 2 == 0 {
                beside.append("in/access.log", &lines::lines(written, more));
                written += more;
            }
            rotate_and_pack(&beside);
            packed += 1;
        }
    }
    let running = beside.start();
    beside.reaches(written, "after all");
    ends(running, "after all");
    beside.is_whole(written, "packed");
    println!("F14: {packed} files packed, {killed} kills, {written} lines");
}
