//! F44: what the program wrote down of its own work is torn, damaged, emptied or gone.

use super::harness::{
    Dice,
    job::{IN_PLACE, Job, OUT, REMOVES, Shape, Tree},
    lines, often, oracle,
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// What a directory holds, to be put back.
struct Snapshot {
    root: PathBuf,
    files: Tree,
}

impl Snapshot {
    fn of(root: PathBuf) -> Snapshot {
        Snapshot { files: oracle::tree(&root), root }
    }

    /// Writes back what is different, and takes away what was not there.
    fn restore(&self) {
        let now = oracle::tree(&self.root);
        for path in now.keys().filter(|path| !self.files.contains_key(*path)) {
            fs::remove_file(self.root.join(path)).unwrap();
        }
        for (path, bytes) in self.files.iter().filter(|(path, bytes)| now.get(*path) != Some(bytes)) {
            let path = self.root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            // A file is known by when it was last written.
            lines::write_old(&path, bytes);
        }
    }
}

/// One way to damage bytes.
fn damage(bytes: &mut Vec<u8>, dice: &mut Dice) -> &'static str {
    if bytes.is_empty() {
        bytes.extend_from_slice(b"{\"path\":");
        return "half a line in an empty file";
    }
    let at = dice.below(bytes.len() as u64) as usize;
    match dice.below(9) {
        0 => {
            bytes.truncate(at);
            "torn"
        }
        1 => {
            bytes.clear();
            "emptied"
        }
        2 => {
            bytes.extend_from_slice(b"{\"path\":");
            "half a line more"
        }
        3 => {
            // As a disk does that lost a page.
            let end = (at + 1 + dice.below(200) as usize).min(bytes.len());
            bytes[at..end].fill(0);
            "zeros"
        }
        4 => {
            let end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |end| at + end + 1);
            let start = memchr::memrchr(b'\n', &bytes[..at]).map_or(0, |start| start + 1);
            let line = bytes[start..end].to_vec();
            bytes.splice(start..start, line);
            "a line twice"
        }
        5 => {
            bytes.insert(at, dice.below(256) as u8);
            "a byte more"
        }
        _ => {
            bytes[at] ^= 1 << dice.below(8);
            "a bit"
        }
    }
}

/// Damages some of these files each time, and runs the job again. Each time it ends well, with what an undisturbed run makes,
/// or it stops with a word and has touched nothing that was good.
fn survives(job: &Job, shape: &Shape, states: &[(&str, Snapshot, Snapshot)], rounds: usize, seed: u64) {
    let mut dice = Dice(seed);
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    for round in 0..rounds {
        let (state, out, inputs) = &states[round % states.len()];
        out.restore();
        inputs.restore();
        // Most of them where there is something to damage.
        let names: Vec<&PathBuf> = out.files.keys().filter(|path| is_state(path)).collect();
        let some: Vec<&PathBuf> = names.iter().filter(|path| !out.files[**path].is_empty()).copied().collect();
        let names = if dice.below(10) == 0 { names } else { some };
        let name = names[dice.below(names.len() as u64) as usize];
        let mut bytes = out.files[name].clone();
        let how = damage(&mut bytes, &mut dice);
        fs::write(out.root.join(name), &bytes).unwrap();
        let what = format!("{state}, {how} in {}", name.display());
        let output = job.run(&[&["-j", "1", "-q"], shape.arguments()].concat());
        let code = output.status.code().unwrap_or_else(|| panic!("{what}: {:?}", output.status));
        let said = String::from_utf8_lossy(&output.stderr);
        *outcomes.entry(format!("{how}: {code}")).or_default() += 1;
        job.is_whole(shape, &what);
        match code {
            0 => {
                let made = job.outputs(if shape.name == IN_PLACE.name { "in" } else { "out" });
                assert!(made == *job.wanted(), "{what}: other outputs");
            }
            // Each is told.
            65 | 73 | 74 | 77 | 78 => assert!(said.starts_with("sladd: "), "{what}: {code} without a word: {said}"),
            _ => panic!("{what}: {code}: {said}"),
        }
    }
    let (good, stopped): (Vec<_>, Vec<_>) = outcomes.iter().partition(|(what, _)| what.ends_with(": 0"));
    let sum = |of: &[(&String, &usize)]| of.iter().map(|(_, count)| **count).sum::<usize>();
    println!("F44 {}: {} mended, {} stopped: {outcomes:?}", shape.name, sum(&good), sum(&stopped));
}

fn is_state(path: &Path) -> bool {
    let text = path.to_string_lossy();
    ["manifest", "journal", "job", "tmp/"].iter().any(|name| text.contains(&format!(".sladd/{name}")))
}

const FILES: [(&str, usize); 3] = [("a.log", 30), ("b.log.gz", 20), ("sub/c.log", 10)];

/// The job when all is done; and when it was killed between names and manifest, with a file under way.
fn states(job: &Job, shape: &Shape, place: &str, other: &str) -> Vec<(&'static str, Snapshot, Snapshot)> {
    job.restore();
    assert_eq!(job.run(shape.arguments()).status.code(), Some(0));
    let of = |state| (state, Snapshot::of(job.at(place)), Snapshot::of(job.at(other)));
    let mut states = vec![of("done")];
    let room = job.at(place).join(".sladd");
    let manifest = fs::read_to_string(room.join("manifest")).unwrap();
    let first = manifest.lines().next().unwrap();
    fs::write(room.join("journal"), format!("{{\"temporary\":\"7\",\"entry\":{first}}}\n")).unwrap();
    fs::write(room.join("manifest"), manifest.split_once('\n').unwrap().1).unwrap();
    fs::create_dir_all(room.join("tmp")).unwrap();
    fs::write(room.join("tmp/9"), "half").unwrap();
    states.push(of("killed before the manifest"));
    states
}

/// F44.
#[test]
fn damaged_state_beside_outputs_is_mended_or_refused_and_nothing_is_lost() {
    let job = Job::new(&FILES);
    let states = states(&job, &OUT, "out", "in");
    survives(&job, &OUT, &states, often(60, 6000), 44);
}

/// F44: no original goes on the word of a damaged line.
#[test]
fn damaged_state_never_removes_an_original_without_its_output() {
    let job = Job::new(&FILES);
    let mut states = states(&job, &OUT, "out", "in");
    // One output is gone, and one is another's.
    let (_, done, _) = &mut states[0];
    done.files.remove(Path::new("a.log")).unwrap();
    let (_, killed, _) = &mut states[1];
    let output = killed.files.remove(Path::new("sub/c.log")).unwrap();
    assert!(!output.is_empty());
    survives(&job, &REMOVES, &states, often(40, 2000), 45);
}

/// F44: in place, where the file is all there is.
#[test]
fn damaged_state_in_place_is_mended_or_refused_and_no_file_is_minimised_twice_to_something_else() {
    let job = Job::new(&FILES);
    let states = states(&job, &IN_PLACE, "in", "out");
    survives(&job, &IN_PLACE, &states, often(60, 2000), 46);
}
