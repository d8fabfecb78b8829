//! F41–F45, F47: traps where outputs and state are, two at once, state and outputs that are damaged, limits.

use super::harness::{
    Dice, SLADD,
    beside::{Beside, Grown, ends},
    lines::{self, count},
    often, oracle, program,
};
use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

/// F43: of several that start at once on one state, one runs.
#[test]
fn of_several_on_one_state_one_runs() {
    let beside = Beside::following();
    beside.append("in/access.log", &lines::lines(0, 10));
    let races = often(4, 100);
    for race in 0..races {
        let mut running: Vec<_> = (0..3).map(|_| beside.start()).collect();
        let began = Instant::now();
        while running.iter_mut().map(|each| usize::from(!each.is_over())).sum::<usize>() > 1 {
            assert!(began.elapsed() < Duration::from_secs(60), "race {race}: two run");
            std::thread::sleep(Duration::from_millis(1));
        }
        let (mut won, mut refused) = (None, 0);
        for mut each in running {
            if each.is_over() {
                let output = each.end("refused");
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                assert!(
                    output.status.code() == Some(73) && said.contains("another sladd"),
                    "{:?} {said}",
                    output.status
                );
                refused += 1;
            } else {
                won = Some(each);
            }
        }
        assert_eq!(refused, 2);
        beside.append("in/access.log", &lines::lines(10 + race, 1));
        beside.reaches(11 + race, "the one that runs");
        ends(won.unwrap(), "the one that runs");
    }
    beside.is_whole(10 + races, "races");
    println!("F43: {races} races of three");
}

/// F41, F42: where a file of ours is to be, something else is that leads elsewhere, or is none.
#[test]
fn traps_are_refused_and_what_they_lead_to_is_untouched() {
    let places = [
        "out/access.log",
        "state",
        "state/lock",
        "state/key",
        "state/format",
        "state/checkpoint.0",
        "state/checkpoint.1",
        "state/new",
        "state/policies",
    ];
    let mut outcomes = Vec::new();
    for place in places {
        for trap in ["symlink", "second name", "named pipe", "directory", "dangling symlink"] {
            let beside = Beside::following();
            beside.append("in/access.log", &lines::lines(0, 40));
            fs::create_dir(beside.at("elsewhere")).unwrap();
            fs::write(beside.at("elsewhere/victim"), "untouched\n").unwrap();
            fs::set_permissions(beside.at("elsewhere/victim"), PermissionsExt::from_mode(0o604)).unwrap();
            fs::set_permissions(beside.at("elsewhere"), PermissionsExt::from_mode(0o705)).unwrap();
            // One that ran before, so that there is a state.
            if place.starts_with("state/") {
                let running = beside.start();
                beside.reaches(40, place);
                ends(running, place);
                let _ = fs::remove_file(beside.at(place));
                let _ = fs::remove_dir_all(beside.at(place));
            }
            let is_directory = ["state", "state/policies"].contains(&place);
            let target = if is_directory { beside.at("elsewhere") } else { beside.at("elsewhere/victim") };
            let at = beside.at(place);
            match trap {
                "symlink" => symlink(target, at).unwrap(),
                "dangling symlink" => symlink(beside.at("elsewhere/nothing"), at).unwrap(),
                "second name" if is_directory => continue,
                "second name" => fs::hard_link(target, at).unwrap(),
                "named pipe" => rustix::fs::mknodat(
                    rustix::fs::CWD,
                    &at,
                    rustix::fs::FileType::Fifo,
                    rustix::fs::Mode::from_raw_mode(0o600),
                    0,
                )
                .unwrap(),
                _ if is_directory => continue,
                _ => fs::create_dir(at).unwrap(),
            }
            let what = format!("{trap} at {place}");
            let mut running = beside.start();
            beside.append("in/access.log", &lines::lines(40, 10));
            let (began, mut grown) = (Instant::now(), Grown::new(&beside.at("out/access.log")));
            while !running.is_over() && grown.lines() < 50 {
                assert!(began.elapsed() < Duration::from_secs(60), "{what}: it neither works nor ends");
                std::thread::sleep(Duration::from_millis(2));
            }
            let outcome = if running.is_over() {
                let output = running.end(&what);
                let code = output.status.code();
                assert!(matches!(code, Some(65 | 66 | 73 | 74 | 77 | 78)), "{what}: {:?}", output.status);
                format!("{}", code.unwrap())
            } else {
                ends(running, &what);
                "works".to_owned()
            };
            outcomes.push(format!("{what}: {outcome}"));
            let elsewhere = oracle::tree(&beside.at("elsewhere"));
            assert_eq!(elsewhere.len(), 1, "{what}: something is made elsewhere");
            assert_eq!(beside.read("elsewhere/victim"), b"untouched\n", "{what}");
            let mode = |name: &str| fs::metadata(beside.at(name)).unwrap().mode() & 0o777;
            assert_eq!((mode("elsewhere"), mode("elsewhere/victim")), (0o705, 0o604), "{what}: another mode");
        }
    }
    let refused = outcomes.iter().filter(|outcome| !outcome.ends_with("works")).count();
    println!("F41: {} variants, {refused} refused; {:?}", outcomes.len(), outcomes);
}

/// A state and an output as a kill left them: some checkpoints, and records behind the last.
fn left_by_a_kill() -> (Beside, usize) {
    let beside = Beside::following();
    let mut written = 0;
    for round in 0..3 {
        let running = beside.start();
        for _ in 0..6 {
            beside.append("in/access.log", &lines::lines(written, 7));
            written += 7;
            beside.reaches(written, "before");
        }
        if round < 2 {
            ends(running, "before");
        } else {
            running.kill("before");
        }
    }
    (beside, written)
}

/// Bytes that were damaged, in one of the ways that disks and people have.
fn damaged(bytes: &[u8], from: usize, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let length = bytes.len() - from;
    let at = |dice: &mut Dice| from + dice.below(length.max(1) as u64) as usize;
    match dice.below(9) {
        0 => bytes.truncate(at(dice)),
        1 => bytes.truncate(from),
        2 if length > 0 => {
            let at = at(dice);
            bytes[at] ^= 1 << dice.below(8);
        }
        3 if length > 0 => {
            let at = at(dice);
            bytes[at] = dice.below(256) as u8;
        }
        4 => {
            let (at, end) = (at(dice), bytes.len());
            bytes[at..end].fill(0);
        }
        5 => bytes.extend(std::iter::repeat_n(0, dice.below(500) as usize)),
        6 => {
            let more = bytes[at(dice)..].to_vec();
            bytes.extend(more);
        }
        7 => {
            let at = at(dice);
            bytes.insert(at, dice.below(256) as u8);
        }
        _ => bytes.extend((0..dice.below(300)).map(|_| dice.below(256) as u8)),
    }
    bytes
}

fn put_back(beside: &Beside, name: &str, tree: &std::collections::BTreeMap<std::path::PathBuf, Vec<u8>>) {
    let root = beside.at(name);
    for (path, _) in oracle::tree(&root) {
        if !tree.contains_key(&path) {
            fs::remove_file(root.join(path)).unwrap();
        }
    }
    for (path, bytes) in tree {
        // In place: an output is known by its number.
        let path = root.join(path);
        if fs::read(&path).ok().as_deref() != Some(bytes) {
            write_over(&path, bytes);
        }
    }
}

fn write_over(path: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode_640().open(path).unwrap();
    file.write_all(bytes).unwrap();
}

trait Mode640 {
    fn mode_640(&mut self) -> &mut Self;
}

impl Mode640 for OpenOptions {
    fn mode_640(&mut self) -> &mut Self {
        std::os::unix::fs::OpenOptionsExt::mode(self, 0o640)
    }
}

/// How it goes on: until all is there and one line more, or not at all.
fn goes_on(beside: &Beside, (number, wanted): (usize, &[u8]), what: &str) -> Option<i32> {
    let mut running = beside.start();
    let began = Instant::now();
    beside.append("in/access.log", lines::line(number).as_bytes());
    while !running.is_over() && beside.read("out/access.log") != wanted {
        let made = beside.read("out/access.log");
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "{what}: it neither goes on nor ends: {} lines of {}",
            count(&made),
            number + 1
        );
        std::thread::sleep(Duration::from_millis(1));
    }
    if running.is_over() {
        let output = running.end(what);
        let code = output.status.code().unwrap_or(-1);
        assert!([65, 73, 74, 77, 78].contains(&code), "{what}: {:?}", output.status);
        return Some(code);
    }
    ends(running, what);
    None
}

/// F44: it leads to one exact state, or nothing is touched.
#[test]
fn a_damaged_state_is_seen_or_does_not_matter() {
    let (beside, written) = left_by_a_kill();
    let trees = ["state", "out", "in"].map(|name| (name, oracle::tree(&beside.at(name))));
    let key = fs::read(beside.at("state/key")).unwrap();
    let names: Vec<_> = trees[0].1.keys().filter(|path| path.to_str() != Some("lock")).cloned().collect();
    let wanted = beside.piped(&lines::lines(0, written + 1));
    let (mut dice, mut went_on, mut stopped) = (Dice(44), 0, 0);
    let mutations = often(60, 10_000);
    for mutation in 0..mutations {
        // What the key is, nobody can say who lost it; it is left whole in most of them.
        for (name, tree) in &trees {
            put_back(&beside, name, tree);
        }
        fs::set_permissions(beside.at("state/key"), PermissionsExt::from_mode(0o400)).unwrap();
        assert_eq!(fs::read(beside.at("state/key")).unwrap(), key);
        for _ in 0..1 + dice.below(2) {
            let name = &names[dice.below(names.len() as u64) as usize];
            let path = beside.at("state").join(name);
            if dice.below(8) == 0 {
                let _ = fs::remove_file(&path);
            } else if let Ok(bytes) = fs::read(&path) {
                let _ = fs::set_permissions(&path, PermissionsExt::from_mode(0o600));
                fs::write(&path, damaged(&bytes, 0, &mut dice)).unwrap();
                let mode = if name.to_str() == Some("key") { 0o400 } else { 0o640 };
                fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            }
        }
        let what = format!("mutation {mutation}");
        match goes_on(&beside, (written, &wanted), &what) {
            None => {
                went_on += 1;
                let made = beside.read("out/access.log");
                assert!(made == wanted, "{what}: {} lines of {}", count(&made), written + 1);
            }
            Some(_) => {
                stopped += 1;
                let made = beside.read("out/access.log");
                assert!(wanted.starts_with(&made), "{what}: it stopped, and the output is another");
                assert!(made.len() * 4 >= wanted.len(), "{what}: it stopped, and lines are gone");
            }
        }
    }
    println!("F44: {mutations} mutations, {went_on} went on, {stopped} stopped");
}

/// F45: what stands behind what is durable is made again where it is another.
#[test]
fn a_damaged_tail_of_an_output_is_made_again() {
    let (beside, written) = left_by_a_kill();
    let trees = ["state", "out", "in"].map(|name| (name, oracle::tree(&beside.at(name))));
    let durable = |slot: &str| -> Option<(u64, usize)> {
        let text = String::from_utf8(beside.read(slot)).unwrap();
        let json: serde_json::Value = serde_json::from_str(text.lines().nth(1)?).unwrap();
        Some((json["generation"].as_u64()?, json["outputs"][0]["length"].as_u64()? as usize))
    };
    let (_, durable) = ["state/checkpoint.0", "state/checkpoint.1"].into_iter().filter_map(durable).max().unwrap();
    let output = beside.read("out/access.log");
    assert!(durable < output.len(), "nothing stands behind the checkpoint");
    let wanted = beside.piped(&lines::lines(0, written + 1));
    let mut dice = Dice(45);
    let mutations = often(60, 10_000);
    for mutation in 0..mutations {
        for (name, tree) in &trees {
            put_back(&beside, name, tree);
        }
        write_over(&beside.at("out/access.log"), &damaged(&output, durable, &mut dice));
        let what = format!("mutation {mutation}");
        assert_eq!(goes_on(&beside, (written, &wanted), &what), None, "{what}");
        let made = beside.read("out/access.log");
        assert!(made == wanted, "{what}: {} lines of {}", count(&made), written + 1);
    }
    println!("F45: {mutations} mutations");
}

/// F47: with few descriptors, little memory or small files it works, or ends and says so; without limits it goes on.
#[test]
fn under_limits_it_works_or_ends_with_a_word() {
    let mut limits: Vec<String> = (4..often(12, 40)).map(|number| format!("ulimit -n {number}")).collect();
    limits.extend((1..often(4, 40)).map(|number| format!("ulimit -v {}", number * 8_000)));
    limits.extend((0..often(4, 40)).map(|number| format!("ulimit -f {}", number * 3)));
    let (mut worked, mut ended) = (0, 0);
    for limit in &limits {
        let beside = Beside::following();
        beside.append("in/access.log", &lines::lines(0, 700));
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{limit} && exec {SLADD} sidecar -q --policy ./policy.toml")]);
        let mut running = program::start(shell.current_dir(beside.room.path()));
        let (began, mut grown) = (Instant::now(), Grown::new(&beside.at("out/access.log")));
        let mut size = (0, Instant::now());
        // A file that may not grow is waited for, as a full disk is.
        while !running.is_over() && grown.lines() < 700 && size.1.elapsed() < Duration::from_secs(2) {
            assert!(began.elapsed() < Duration::from_secs(60), "{limit}: it neither works nor ends");
            let now = grown.lines();
            if now != size.0 {
                size = (now, Instant::now());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let over = running.is_over();
        if !over {
            super::harness::beside::listens(&running);
            running.signal(rustix::process::Signal::TERM);
        }
        // What it says is looked at there; a program that the system cannot even load says it in its own words.
        let output = running.end(limit);
        worked += usize::from(output.status.success());
        ended += usize::from(!output.status.success());
        let running = beside.start();
        beside.reaches(700, limit);
        ends(running, limit);
        beside.is_whole(700, limit);
    }
    println!("F47: {} limits, under {worked} it worked, under {ended} it ended with a word", limits.len());
}
