//! F20 to F26: files that are cut while they are read, archives that are cut, many in one, bombs, endless lines, holes, noise.

use super::harness::{
    Dice,
    job::{Job, OUT},
    lines::{count, lines, numbers, packed, unpacked},
    often, oracle,
};
use rustix::process::Signal;
use std::{fs, io::Write, path::Path, process::Command};

/// F20.
#[test]
fn a_file_that_is_cut_while_it_is_read_kills_nothing() {
    let job = Job::empty();
    let bytes = lines(0, 60_000);
    let mut dice = Dice(20);
    let wanted = often(10, 200);
    let (mut cut, mut tried) = (0, 0);
    while cut < wanted && tried < wanted * 20 {
        tried += 1;
        job.forget("out");
        let path = job.input("access.log", &bytes);
        let mut child = job.start(OUT.arguments());
        // It is stopped somewhere in the file, so that no cut comes too late.
        let from = dice.below(bytes.len() as u64 * 3 / 4);
        while !child.is_over() && child.position(&path).is_none_or(|at| at <= from) {
            std::hint::spin_loop();
        }
        child.signal(Signal::STOP);
        let is_met = child.position(&path).is_some();
        let keep = dice.below(bytes.len() as u64);
        fs::File::options().write(true).open(&path).unwrap().set_len(keep).unwrap();
        child.signal(Signal::CONT);
        let output = child.end("cut");
        if !is_met {
            assert!(output.status.code().is_some(), "{:?}", output.status);
            continue;
        }
        cut += 1;
        assert_eq!(output.status.code(), Some(65), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stderr).contains("it was cut while it was read"));
        let made = fs::read(job.at("out/access.log")).unwrap();
        oracle::clean("access.log", but_the_torn(&made), "cut");
        assert!(numbers(&made).is_sorted(), "lines are in order");
        assert!(count(&made) >= count(&bytes[..keep as usize]), "what was left is read");
    }
    println!("F20: {cut} runs met the cut, of {tried}");
    assert!(cut * 10 >= wanted * 9, "{cut} of {wanted}");
}

/// Without the last line: half of an address or half of a format is none, and is scrubbed as the text that it is.
fn but_the_torn(made: &[u8]) -> &[u8] {
    let end = made.strip_suffix(b"\n").unwrap_or(made);
    &end[..memchr::memrchr(b'\n', end).map_or(0, |at| at + 1)]
}

/// F21.
#[test]
fn an_archive_that_is_cut_anywhere_gives_the_lines_that_gzip_gives() {
    let job = Job::empty();
    let whole = packed("gz", &lines(0, 3000));
    let mut dice = Dice(21);
    for _ in 0..often(15, 200) {
        let at = 1 + dice.below(whole.len() as u64 - 1) as usize;
        job.forget("out");
        let path = job.input("cut.gz", &whole[..at]);
        let gunzip = Command::new("gzip").arg("-dc").arg(&path).output().unwrap();
        let output = job.again(&["--compress", "none"]);
        assert_eq!(output.status.code(), Some(65), "{at}");
        // Two bytes are no mark of an archive yet, and are read as the text that they are not.
        let made = fs::read(job.at("out/cut")).unwrap_or_default();
        oracle::clean("cut", but_the_torn(&made), "cut");
        let (made, wanted) = (count(&made), count(&gunzip.stdout));
        assert!(made == wanted || made == wanted + 1, "{at}: {made} lines of {wanted}");
    }
}

/// F22: any number of members, with what people and tapes put behind them.
#[test]
fn every_member_of_an_archive_is_read_and_junk_behind_the_last_is_told() {
    let whole = lines(0, 1200);
    let job = Job::new(&[("all.log", 1200)]);
    let wanted = job.wanted()[Path::new("all.log")].clone();
    let mut members: Vec<usize> = vec![2, 3, 17, 200];
    members.extend(if often(0, 1) == 1 { (4..=1000).step_by(23).chain([999, 1000]).collect() } else { Vec::new() });
    let mut archives = 0;
    for count in members {
        job.restore();
        fs::remove_file(job.at("in/all.log")).unwrap();
        let mut names = Vec::new();
        for packing in ["gz", "bz2", "xz", "zst"] {
            // Members begin in the middle of lines, too.
            let part = whole.len().div_ceil(count);
            let whole: Vec<u8> = whole.chunks(part).flat_map(|part| packed(packing, part)).collect();
            for (behind, junk) in [("nothing", &b""[..]), ("zeros", &[0; 1000]), ("lines", b"203.0.113.9 raw junk\n")] {
                let name = format!("{behind}.log.{packing}");
                job.input(&name, &[&whole[..], junk].concat());
                names.push((name, packing, behind));
            }
        }
        archives += names.len();
        let output = job.again(&["--remove-originals"]);
        assert_eq!(output.status.code(), Some(65), "junk is no success");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        for (name, packing, behind) in names {
            let what = format!("{count} members, {name}");
            let made = fs::read(job.at("out").join(&name)).unwrap_or_else(|_| panic!("{what}: {said}"));
            assert!(unpacked(packing, &made).unwrap() == wanted, "{what}");
            let told = said.lines().any(|line| line.contains(&name) && line.contains("was not read"));
            // Zeros are padding.
            assert_eq!(told, behind == "lines", "{what}: {said}");
            assert_eq!(
                job.at("in").join(&name).exists(),
                told,
                "{what}: an original stays where something was not read"
            );
        }
    }
    println!("F22: {archives} archives");
}

/// F23, F24, F26: the memory is bounded whatever a file holds, and so are the descriptors.
#[test]
fn bombs_endless_lines_and_holes_take_bounded_memory() {
    let job = Job::empty();
    let large = often(256 << 20, 10 << 30) as u64;
    // A line without end, a hole with lines behind it, zeros in an archive, an archive in an archive.
    let endless = job.input("endless.log", b"");
    let mut file = fs::File::create(&endless).unwrap();
    let part = vec![b'x'; 1 << 20];
    for _ in 0..large >> 20 {
        file.write_all(&part).unwrap();
    }
    file.write_all(b"\n").unwrap();
    file.write_all(&lines(0, 10)).unwrap();
    let hole = job.input("hole.log", b"");
    let mut file = fs::File::options().append(true).open(&hole).unwrap();
    file.set_len(large).unwrap();
    file.write_all(&lines(10, 10)).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..large >> 20 {
        encoder.write_all(&[0; 1 << 20]).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    job.input("bomb.gz", &bomb);
    job.input("nested.gz", &packed("gz", &bomb));
    let (output, peak, descriptors) = job.start(OUT.arguments()).probed();
    assert_eq!(output.status.code(), Some(65));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("bomb.gz`: it unpacks to more than 400 times its size"), "{said}");
    assert!(said.contains("nested.gz`: it is packed again (gzip)") || said.contains("packed again"), "{said}");
    println!("F23, F24, F26: {peak} KiB and {descriptors} descriptors at most, at {large} bytes each");
    assert!(peak > 0 && peak <= 64 << 10, "{peak} KiB");
    assert!(descriptors <= 64, "{descriptors}");
    for (name, from) in [("endless.log", 0), ("hole.log", 10)] {
        let made = fs::read(job.at("out").join(name)).unwrap();
        oracle::clean(name, &made, "bounded");
        oracle::each_once(&made, from, 10, name);
    }
}

/// F24: every hundredth line is too long.
#[test]
fn the_neighbours_of_lines_that_are_too_long_are_whole() {
    let job = Job::empty();
    let many = often(2000, 100_000);
    let mut file = fs::File::create(job.input("a.log", b"")).unwrap();
    let mut cut = 0;
    for number in 0..many {
        file.write_all(&lines(number, 1)).unwrap();
        if number % 100 == 99 {
            file.write_all(&vec![b'z'; 65_537 + number * 7 % 90_000]).unwrap();
            file.write_all(b" kari@example.org\n").unwrap();
            cut += 1;
        }
    }
    drop(file);
    let output = job.again(&["--summary", "json"]);
    assert_eq!(output.status.code(), Some(0));
    let account = oracle::balanced(&output, "too long");
    assert_eq!((&account["lines"], &account["cut"]), (&(many + cut).into(), &cut.into()));
    let made = fs::read(job.at("out/a.log")).unwrap();
    oracle::clean("a.log", &made, "too long");
    oracle::each_once(&made, 0, many, "too long");
}

/// F25.
#[test]
fn any_bytes_at_all_are_accounted_for() {
    let job = Job::empty();
    let mut dice = Dice(25);
    for round in 0..often(3, 40) {
        job.forget("out");
        let bytes: Vec<u8> =
            (0..500_000).map(|_| if dice.below(60) == 0 { b'\n' } else { dice.below(256) as u8 }).collect();
        job.input("noise.log", &bytes);
        let output = job.again(&["--summary", "json"]);
        assert_eq!(output.status.code(), Some(0), "{round}");
        assert_eq!(oracle::balanced(&output, "noise")["bytes_in"], bytes.len());
        let made = fs::read(job.at("out/noise.log")).unwrap();
        // A line keeps the return before its end.
        let made = String::from_utf8_lossy(&made).replace("\r\n", "\n").into_bytes();
        assert!(
            made.iter().all(|&byte| byte == b'\n' || byte == b'\t' || byte >= 0x20 && byte != 0x7f),
            "control bytes"
        );
    }
}
