//! Exactly once, from file to file: a run is cut at every system call and within its writes, and the next goes on.
//!
//! The run's own calls are recorded with strace and played back to each point into files that keep their numbers on the disk;
//! what was read of an output by then has to stay, and the end has to be that of a run that nobody disturbed.
#![allow(clippy::unwrap_used)]

use sladd::{
    Batch, Engine, Error, Plan, Policy, Progress, Timestamp,
    output::segment::{Committed, Rotation, Segment},
    state::{
        book::Opened,
        checkpoint::Checkpoint,
        home::{Boot, Home},
        journal::{Part, Record},
        mend::{Remade, mend},
        policies::Digest,
    },
};
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    num::NonZeroU32,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

const NOW: Timestamp = Timestamp(1_795_262_400);
const ROTATION: Rotation = Rotation { max_bytes: None, every: None, keep: NonZeroU32::new(9).unwrap() };
const HERE: Boot = Boot([1; 16]);
const LATER: Boot = Boot([2; 16]);
const OUTPUTS: [&str; 2] = ["a.log", "b.log"];

/// Numbers without a pattern, the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

fn input() -> Vec<u8> {
    let line = |number: u64| {
        let query = "x".repeat(Dice(number).below(40) as usize);
        format!(
            "203.0.113.{} - - [21/Nov/2026:10:00:{:02} +0000] \"GET /{number}?q={query} HTTP/1.1\" 200 {number} \"-\" \"curl/8.5.0\"\n",
            number % 250,
            number % 60
        )
    };
    (0..70).flat_map(|number| line(number).into_bytes()).collect()
}

struct Maker {
    engine: Engine,
    input: Vec<u8>,
}

impl Maker {
    fn new() -> Maker {
        let plan = Plan::compile(&Policy::builtin("hosting").unwrap()).unwrap();
        let mut engine = Engine::new(Arc::new(plan));
        engine.set_reference(NOW);
        Maker { engine, input: input() }
    }

    fn make(&mut self, from: u64, to: u64) -> Batch {
        let lines = &self.input[from as usize..to as usize];
        let mut batch = Batch::default();
        let mut at = 0;
        while let (_, Progress::Paused { at: done, epoch }) = self.engine.run(&lines[at..], &mut batch) {
            at += done;
            self.engine.admit(epoch, None);
        }
        batch
    }

    /// Where the batch ends that begins here.
    fn end(&self, from: u64) -> u64 {
        let lines = Dice(from).below(5) as usize + 1;
        let rest = &self.input[from as usize..];
        let ends = rest.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at as u64 + 1);
        from + ends.take(lines).last().unwrap()
    }

    /// Which outputs the batch goes to that begins here.
    fn outputs(from: u64) -> Vec<usize> {
        match Dice(from + 1).below(4) {
            0 => vec![0],
            1 => vec![1],
            _ => vec![0, 1],
        }
    }
}

/// What a run found to put right.
#[derive(Debug, Default)]
struct Outcome {
    cut: u64,
    taken_away: u64,
    records: usize,
}

/// A whole run, from whatever is there to the end of the input. `seen` is called when the outputs are put right.
fn run(room: &Path, boot: Boot, maker: &mut Maker, seen: impl FnOnce()) -> Result<Outcome, Error> {
    let policy = Digest([5; 32]);
    let paths: Vec<PathBuf> = OUTPUTS.iter().map(|name| room.join("out").join(name)).collect();
    let opened: Opened<u64, String> = Opened::read(Home::open(&room.join("state"), boot)?)?;
    let mut outcome = Outcome::default();
    let mut position = 0;
    let mut segments = Vec::new();
    if let Some(left) = opened.left() {
        outcome.records = left.records.len();
        position = left.records.last().map_or(left.checkpoint.sources[0], |record| record.to);
        let mended = mend(
            &left.checkpoint.outputs,
            &left.records,
            |segment| Ok(Some(segment)),
            |record: &Record<String>| {
                assert_eq!((record.source.as_str(), record.reference), ("the input", NOW));
                let batch = maker.make(record.from, record.to);
                Ok(Remade::Batches(record.parts.iter().map(|_| batch.clone()).collect()))
            },
        )?;
        for (path, output) in paths.iter().zip(mended.outputs) {
            outcome.cut += output.restored.cut;
            outcome.taken_away += output.restored.taken_away;
            segments.push(output.segment.map_or_else(|| Segment::open(path, NOW), Ok)?);
        }
    } else {
        for path in &paths {
            segments.push(Segment::open(path, NOW)?);
        }
    }
    seen();
    let sync = |segments: &mut Vec<Segment>| -> Result<Vec<Committed>, Error> {
        segments.iter_mut().map(Segment::sync).collect()
    };
    let checkpoint = |position, outputs| Checkpoint { sources: vec![position], outputs, policy };
    let first = checkpoint(position, sync(&mut segments)?);
    let mut book = opened.begin(&first, "the policy")?;
    let mut since = 0;
    while (position as usize) < maker.input.len() {
        if position as usize > maker.input.len() / 2 && !room.join("out/a.log.1").exists() {
            segments[0].rotate(&ROTATION, NOW)?;
            since = 5;
        }
        if since == 5 {
            let outputs = sync(&mut segments)?;
            book.checkpoint(&checkpoint(position, outputs))?;
            since = 0;
        }
        let to = maker.end(position);
        let batch = maker.make(position, to);
        let mut parts = Vec::new();
        for output in Maker::outputs(position) {
            let (segment, before) = (segments[output].identity(), segments[output].length()?);
            parts.push(Part { output: output as u16, segment, before, bytes: batch.bytes().len() as u64 });
        }
        let record = Record { source: "the input".to_owned(), from: position, to, reference: NOW, policy, parts };
        book.append(&record)?;
        for part in &record.parts {
            segments[usize::from(part.output)].write(&batch)?;
        }
        position = to;
        since += 1;
    }
    let outputs = sync(&mut segments)?;
    book.checkpoint(&checkpoint(position, outputs))?;
    Ok(outcome)
}

/// What stands in each output, over its segments.
fn outputs(room: &Path) -> Vec<Vec<u8>> {
    let read = |name: &str| fs::read(room.join("out").join(name)).unwrap_or_default();
    OUTPUTS.iter().map(|name| [read(&format!("{name}.1")), read(name)].concat()).collect()
}

/// What the recorded run did, one call after the other. Files are numbers in the order that they were made in.
#[derive(Clone, Debug)]
enum Call {
    Make(PathBuf, usize),
    Directory(PathBuf),
    Write(usize, Vec<u8>),
    Cut(usize, usize),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
    Sync(usize),
}

/// A file system as far as it is needed.
#[derive(Clone, Default)]
struct Model {
    directories: Vec<PathBuf>,
    names: BTreeMap<PathBuf, usize>,
    files: HashMap<usize, Vec<u8>>,
    synced: HashMap<usize, usize>,
}

impl Model {
    fn apply(&mut self, call: &Call) {
        match call {
            Call::Make(path, file) => {
                self.names.insert(path.clone(), *file);
                self.files.insert(*file, Vec::new());
            }
            Call::Directory(path) => self.directories.push(path.clone()),
            Call::Write(file, bytes) => self.files.get_mut(file).unwrap().extend(bytes),
            Call::Cut(file, length) => self.files.get_mut(file).unwrap().truncate(*length),
            Call::Rename(from, to) => {
                let file = self.names.remove(from).unwrap();
                self.names.insert(to.clone(), file);
            }
            Call::Remove(path) => drop(self.names.remove(path)),
            Call::Sync(file) => drop(self.synced.insert(*file, self.files[file].len())),
        }
    }
}

/// Reads strace's account of what happened below `room`.
fn calls(trace: &str, room: &Path) -> Vec<Call> {
    enum Fd {
        Directory(PathBuf),
        File(usize),
    }
    let mut fds: HashMap<i64, Fd> = HashMap::new();
    let mut calls = Vec::new();
    let mut made = 0;
    for line in trace.lines() {
        let line = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
        let Some((call, result)) = line.rsplit_once(" = ") else { continue };
        let Some((name, arguments)) = call.split_once('(') else { continue };
        let Some(result) = result.split(' ').next().and_then(|number| number.parse::<i64>().ok()) else { continue };
        let arguments: Vec<&str> = arguments.trim_end().trim_end_matches(')').split(", ").collect();
        let number = |at: usize| arguments[at].parse::<i64>().unwrap_or(-1);
        let bytes = |at: usize| -> Vec<u8> {
            let digits = arguments[at].trim_matches('"').split("\\x").skip(1);
            digits.map(|digits| u8::from_str_radix(digits, 16).unwrap()).collect()
        };
        let path = |fds: &HashMap<i64, Fd>, directory: usize, name: usize| -> Option<PathBuf> {
            let name = PathBuf::from(String::from_utf8(bytes(name)).unwrap());
            match fds.get(&number(directory)) {
                _ if name.is_absolute() => name.strip_prefix(room).ok().map(Path::to_owned),
                Some(Fd::Directory(path)) if name == Path::new(".") => Some(path.clone()),
                Some(Fd::Directory(path)) => Some(path.join(name)),
                Some(Fd::File(_)) | None => None,
            }
        };
        if result < 0 {
            continue;
        }
        match name {
            "open" | "openat" => {
                fds.remove(&result);
                // `open` has no directory before its path, which is whole.
                let at = usize::from(name == "openat");
                let Some(path) = path(&fds, 0, at) else { continue };
                let flags = arguments[at + 1];
                if flags.contains("O_DIRECTORY") {
                    fds.insert(result, Fd::Directory(path));
                    continue;
                }
                let known = calls_file(&calls, &path);
                let file = match known {
                    Some(file) => {
                        assert!(!flags.contains("O_TRUNC"), "nothing is emptied while it has a name");
                        file
                    }
                    None => {
                        if !flags.contains("O_CREAT") {
                            continue;
                        }
                        made += 1;
                        calls.push(Call::Make(path, made));
                        made
                    }
                };
                fds.insert(result, Fd::File(file));
            }
            "write" => {
                if let Some(Fd::File(file)) = fds.get(&number(0)) {
                    calls.push(Call::Write(*file, bytes(1)[..result as usize].to_vec()));
                }
            }
            "ftruncate" => {
                if let Some(Fd::File(file)) = fds.get(&number(0)) {
                    calls.push(Call::Cut(*file, number(1) as usize));
                }
            }
            "fsync" | "fdatasync" => {
                if let Some(Fd::File(file)) = fds.get(&number(0)) {
                    calls.push(Call::Sync(*file));
                }
            }
            "mkdir" => {
                let path = PathBuf::from(String::from_utf8(bytes(0)).unwrap());
                if let Ok(path) = path.strip_prefix(room) {
                    calls.push(Call::Directory(path.to_owned()));
                }
            }
            "mkdirat" => calls.extend(path(&fds, 0, 1).map(Call::Directory)),
            "unlinkat" => calls.extend(path(&fds, 0, 1).map(Call::Remove)),
            "renameat" | "renameat2" => {
                let (from, to) = (path(&fds, 0, 1), path(&fds, 2, 3));
                calls.extend(from.zip(to).map(|(from, to)| Call::Rename(from, to)));
            }
            "close" => drop(fds.remove(&number(0))),
            _ => {}
        }
    }
    calls
}

/// The file that has this name after these calls.
fn calls_file(calls: &[Call], path: &Path) -> Option<usize> {
    let mut model = Model::default();
    calls.iter().for_each(|call| model.apply(call));
    model.names.get(path).copied()
}

/// A room whose run was recorded, and whose outputs' files are kept with their numbers on the disk.
struct Recorded {
    room: tempfile::TempDir,
    calls: Vec<Call>,
    /// The outputs' files: the model's number, and where the real one waits.
    held: Vec<(usize, PathBuf)>,
    wanted: Vec<Vec<u8>>,
    maker: Maker,
}

impl Recorded {
    /// `None`, loudly, where there is no strace.
    fn new() -> Option<Recorded> {
        // In memory where that can be: what is proved is the order of calls, not the disk.
        let memory = Path::new("/dev/shm");
        let room = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        // A path without links, as it is opened.
        for name in ["out", "hold"] {
            fs::create_dir(room.path().join(name)).unwrap();
            fs::set_permissions(room.path().join(name), fs::Permissions::from_mode(0o750)).unwrap();
        }
        let trace = room.path().join("trace");
        let traced = Command::new("strace")
            .args(["-f", "-xx", "-s", "1000000", "-o"])
            .arg(&trace)
            .arg("-e")
            .arg("trace=open,openat,write,ftruncate,fsync,fdatasync,mkdir,mkdirat,unlinkat,renameat,renameat2,close")
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "the_run_that_is_recorded", "--ignored", "--test-threads=1"])
            .env("SLADD_COMMIT_ROOM", room.path())
            .output();
        let Ok(traced) = traced else {
            eprintln!("!!! strace IS MISSING: no run is cut at its calls");
            return None;
        };
        assert!(traced.status.success(), "{}", String::from_utf8_lossy(&traced.stdout));
        let mut calls = calls(&fs::read_to_string(&trace).unwrap(), room.path());
        // The directories that the test made itself.
        calls.insert(0, Call::Directory(PathBuf::from("out")));
        let mut model = Model::default();
        calls.iter().for_each(|call| model.apply(call));
        let wanted = outputs(room.path());
        assert!(wanted.iter().all(|output| !output.is_empty()) && room.path().join("out/a.log.1").exists());
        let mut held = Vec::new();
        for (path, file) in &model.names {
            // The model ends as the disk does.
            assert!(fs::read(room.path().join(path)).unwrap() == model.files[file], "{}", path.display());
            if path.starts_with("out") {
                let hold = room.path().join("hold").join(file.to_string());
                fs::rename(room.path().join(path), &hold).unwrap();
                held.push((*file, hold));
            }
        }
        Some(Recorded { room, calls, held, wanted, maker: Maker::new() })
    }

    /// Lets the disk be as the model says.
    fn play_back(&self, model: &Model) {
        let state = self.room.path().join("state");
        let _ = fs::remove_dir_all(&state);
        let numbers: HashMap<u64, &PathBuf> =
            self.held.iter().map(|(_, hold)| (fs::metadata(hold).map_or(0, |file| file.ino()), hold)).collect();
        assert!(numbers.len() == self.held.len() && !numbers.contains_key(&0));
        for directory in model.directories.iter().filter(|directory| directory.starts_with("state")) {
            fs::create_dir_all(self.room.path().join(directory)).unwrap();
        }
        for (path, file) in &model.names {
            let (to, bytes) = (self.room.path().join(path), &model.files[file]);
            match self.held.iter().find(|(held, _)| held == file) {
                Some((_, hold)) => {
                    fs::write(hold, bytes).unwrap();
                    fs::rename(hold, &to).unwrap();
                }
                None => {
                    fs::write(&to, bytes).unwrap();
                    let mode = if path.ends_with("key") { 0o400 } else { 0o640 };
                    fs::set_permissions(&to, fs::Permissions::from_mode(mode)).unwrap();
                }
            }
        }
    }

    /// Takes the outputs' files back, and away what a run made beside them.
    fn take_back(&self, numbers: &HashMap<u64, PathBuf>) {
        for entry in fs::read_dir(self.room.path().join("out")).unwrap().map(Result::unwrap) {
            match numbers.get(&entry.metadata().unwrap().ino()) {
                Some(hold) => fs::rename(entry.path(), hold).unwrap(),
                None => fs::remove_file(entry.path()).unwrap(),
            }
        }
    }

    fn numbers(&self) -> HashMap<u64, PathBuf> {
        self.held.iter().map(|(_, hold)| (fs::metadata(hold).unwrap().ino(), hold.clone())).collect()
    }

    /// What stands in the outputs' files, by their numbers on the disk.
    fn standing(room: &Path) -> HashMap<u64, Vec<u8>> {
        let entries = fs::read_dir(room.join("out")).unwrap().map(Result::unwrap);
        entries.map(|entry| (entry.metadata().unwrap().ino(), fs::read(entry.path()).unwrap())).collect()
    }

    /// The next run, from a disk like this. Says what it found.
    fn go_on(&mut self, model: &Model, boot: Boot, numbers: &HashMap<u64, PathBuf>) -> Outcome {
        self.play_back(model);
        let room = self.room.path().to_owned();
        let before = Recorded::standing(&room);
        let mut mended = HashMap::new();
        let outcome = run(&room, boot, &mut self.maker, || mended = Recorded::standing(&room)).unwrap();
        let after = Recorded::standing(&room);
        if boot == HERE {
            // A reader that only ever reads on has lost nothing.
            for (number, bytes) in &before {
                assert!(mended[number].starts_with(bytes), "what was read is not there any more");
            }
        }
        for (number, bytes) in &mended {
            assert!(after[number].starts_with(bytes));
        }
        assert!(outputs(&room) == self.wanted, "the outputs are not those of a run that nobody disturbed");
        self.take_back(numbers);
        outcome
    }
}

#[test]
#[ignore = "the child of the others, under strace"]
fn the_run_that_is_recorded() {
    let Some(room) = std::env::var_os("SLADD_COMMIT_ROOM") else { return };
    run(Path::new(&room), HERE, &mut Maker::new(), || {}).unwrap();
}

#[test]
fn a_run_that_is_killed_at_any_point_is_finished_to_the_byte_and_nothing_that_stood_is_written_again() {
    let Some(mut recorded) = Recorded::new() else { return };
    let numbers = recorded.numbers();
    let calls = recorded.calls.clone();
    let mut model = Model::default();
    let (mut points, mut replayed) = (0, 0);
    assert!(calls.len() > 100, "{}", calls.len());
    let mut point = |recorded: &mut Recorded, model: &Model| {
        let outcome = recorded.go_on(model, HERE, &numbers);
        assert_eq!((outcome.cut, outcome.taken_away), (0, 0));
        points += 1;
        replayed += outcome.records;
    };
    for call in &calls {
        if let Call::Write(file, bytes) = call {
            // Within outputs and journals everywhere, by a stride that has nothing to do with their sizes; both ends.
            let stride = if bytes.len() > 2000 { 97 } else { 7 };
            for length in (1..bytes.len()).step_by(stride).chain([bytes.len() - 1]) {
                let mut torn = model.clone();
                torn.apply(&Call::Write(*file, bytes[..length].to_vec()));
                point(&mut recorded, &torn);
            }
        }
        model.apply(call);
        point(&mut recorded, &model);
    }
    assert!(points > 1500 && replayed > points, "{points} {replayed}");
    eprintln!("{points} points, {replayed} records made again");
}

#[test]
fn after_a_loss_of_power_at_any_point_the_outputs_are_finished_to_the_byte() {
    let Some(mut recorded) = Recorded::new() else { return };
    let numbers = recorded.numbers();
    let calls = recorded.calls.clone();
    let mut model = Model::default();
    let mut dice = Dice(7);
    let (mut points, mut cut) = (0, 0);
    for call in &calls {
        model.apply(call);
        if !matches!(call, Call::Write(..) | Call::Rename(..) | Call::Sync(_)) {
            continue;
        }
        // Of each file any part of what was not synced is missing, or was never written where it should stand.
        for _ in 0..3 {
            let mut lost = model.clone();
            for (file, bytes) in &mut lost.files {
                let synced = model.synced.get(file).copied().unwrap_or(0).min(bytes.len());
                let kept = synced + dice.below((bytes.len() - synced) as u64 + 1) as usize;
                match dice.below(3) {
                    0 => bytes.truncate(kept),
                    1 => bytes[kept..].fill(0),
                    _ => {}
                }
            }
            let outcome = recorded.go_on(&lost, LATER, &numbers);
            assert_eq!(outcome.taken_away, 0);
            cut += outcome.cut;
            points += 1;
        }
    }
    assert!(points > 300 && cut > 0, "{points} {cut}");
    eprintln!("{points} losses of power, {cut} bytes cut");
}

/// A run with one output that stops after its third batch, without a word.
fn stopped(room: &Path, maker: &mut Maker) -> (sladd::state::book::Book, Segment, Committed) {
    fs::create_dir(room.join("out")).unwrap();
    fs::set_permissions(room.join("out"), fs::Permissions::from_mode(0o750)).unwrap();
    let mut segment = Segment::open(room.join("out/a.log"), NOW).unwrap();
    segment.write(&maker.make(0, maker.end(0))).unwrap();
    let committed = segment.sync().unwrap();
    let home = Home::open(&room.join("state"), HERE).unwrap();
    let opened: Opened<u64, String> = Opened::read(home).unwrap();
    let mut from = maker.end(0);
    let first = Checkpoint { sources: vec![from], outputs: vec![committed.clone()], policy: Digest([5; 32]) };
    let mut book = opened.begin(&first, "the policy").unwrap();
    for _ in 0..3 {
        let to = maker.end(from);
        let batch = maker.make(from, to);
        let (before, bytes) = (segment.length().unwrap(), batch.bytes().len() as u64);
        let parts = vec![Part { output: 0, segment: segment.identity(), before, bytes }];
        let source = "the input".to_owned();
        book.append(&Record { source, from, to, reference: NOW, policy: Digest([5; 32]), parts }).unwrap();
        segment.write(&batch).unwrap();
        from = to;
    }
    (book, segment, committed)
}

/// Puts the output right; the source may be gone.
fn next(room: &Path, maker: &mut Maker, is_gone: bool) -> sladd::state::mend::Mended {
    let opened: Opened<u64, String> = Opened::read(Home::open(&room.join("state"), HERE).unwrap()).unwrap();
    let left = opened.left().unwrap();
    mend(
        &left.checkpoint.outputs,
        &left.records,
        |segment| Ok(Some(segment)),
        |record: &Record<String>| match is_gone {
            true => Ok(Remade::Gone),
            false => Ok(Remade::Batches(vec![maker.make(record.from, record.to)])),
        },
    )
    .unwrap()
}

#[test]
fn without_the_source_whole_lines_stay_and_a_torn_one_goes_and_is_counted() {
    let mut maker = Maker::new();
    let room = tempfile::tempdir().unwrap();
    drop(stopped(room.path(), &mut maker));
    let path = room.path().join("out/a.log");
    let whole = fs::read(&path).unwrap();
    let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    fs::write(&path, &whole[..last + 5]).unwrap();
    let mended = next(room.path(), &mut maker, true);
    assert_eq!(mended.sources_gone, 3);
    let restored = mended.outputs[0].restored;
    assert_eq!((restored.cut, restored.lost), (5, (whole.len() - last) as u64));
    assert_eq!(fs::read(&path).unwrap(), whole[..last]);
}

#[test]
fn an_output_that_somebody_emptied_is_not_filled_again() {
    let mut maker = Maker::new();
    let room = tempfile::tempdir().unwrap();
    let (mut book, mut segment, _) = stopped(room.path(), &mut maker);
    let path = room.path().join("out/a.log");
    let gone = fs::metadata(&path).unwrap().len();
    fs::File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    let batch = maker.make(0, maker.input.len() as u64);
    let bytes = batch.bytes().len() as u64;
    let parts = vec![Part { output: 0, segment: segment.identity(), before: 0, bytes }];
    let (source, to) = ("the input".to_owned(), maker.input.len() as u64);
    book.append(&Record { source, from: 0, to, reference: NOW, policy: Digest([5; 32]), parts }).unwrap();
    segment.write(&batch).unwrap();
    assert!(bytes > gone, "it has grown beyond what was there");
    drop((book, segment));
    let mended = next(room.path(), &mut maker, false);
    assert!(mended.outputs[0].restored.taken_away > 0 && mended.outputs[0].restored.cut == 0);
    assert_eq!(fs::read(&path).unwrap(), batch.bytes());
    // A file that is gone altogether takes nothing back.
    fs::remove_file(&path).unwrap();
    let mended = next(room.path(), &mut maker, false);
    assert!(mended.outputs[0].segment.is_none());
    assert!(!path.exists());
}
