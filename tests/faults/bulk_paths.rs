//! F41, F42: links, pipes and second names in the way of what is written, at rest and swapped meanwhile; modes.

use super::harness::{
    Dice, SLADD,
    job::{IN_PLACE, Job, OUT},
    often, oracle, program,
};
use rustix::fs::{CWD, FileType, Mode, RenameFlags, mknodat, renameat_with};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Command,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

/// What stands where we write: what it is, and where it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trap {
    LinkToDirectory,
    LinkToFile,
    LinkToNothing,
    SecondName,
    Fifo,
    Directory,
}

impl Trap {
    fn set(self, job: &Job, path: &Path) {
        match self {
            Trap::LinkToDirectory => symlink(job.at("elsewhere"), path).unwrap(),
            Trap::LinkToFile => symlink(job.at("elsewhere/victim"), path).unwrap(),
            Trap::LinkToNothing => symlink(job.at("elsewhere/new"), path).unwrap(),
            Trap::SecondName => fs::hard_link(job.at("elsewhere/victim"), path).unwrap(),
            Trap::Fifo => mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap(),
            Trap::Directory => fs::create_dir(path).unwrap(),
        }
    }
}

/// The places that a run writes to, and what may be put there.
const PLACES: [&str; 10] = [
    "out",
    "out/sub",
    "out/a.log",
    "out/sub/c.log",
    "out/.sladd",
    "out/.sladd/tmp",
    "out/.sladd/policies",
    "out/.sladd/manifest",
    "out/.sladd/journal",
    "out/.sladd/lock",
];
const TRAPS: [Trap; 6] =
    [Trap::LinkToDirectory, Trap::LinkToFile, Trap::LinkToNothing, Trap::SecondName, Trap::Fifo, Trap::Directory];

fn with_victim() -> Job {
    let job = Job::new(&[("a.log", 300), ("b.log.gz", 300), ("sub/c.log", 300)]);
    fs::create_dir(job.at("elsewhere")).unwrap();
    fs::write(job.at("elsewhere/victim"), "untouched").unwrap();
    job
}

/// What lies outside is as it was: nothing new, nothing changed. Says whether its mode is, too.
fn is_untouched(job: &Job, what: &str) -> bool {
    let names: Vec<_> = fs::read_dir(job.at("elsewhere")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["victim"], "{what}");
    assert_eq!(fs::read(job.at("elsewhere/victim")).unwrap(), b"untouched", "{what}");
    let mode = fs::metadata(job.at("elsewhere/victim")).unwrap().permissions().mode();
    fs::set_permissions(job.at("elsewhere/victim"), fs::Permissions::from_mode(0o600)).unwrap();
    mode & 0o777 == 0o600
}

/// F41.
#[test]
fn what_stands_in_the_way_of_an_output_or_of_the_state_is_never_written_through() {
    let job = with_victim();
    fs::set_permissions(job.at("elsewhere/victim"), fs::Permissions::from_mode(0o600)).unwrap();
    let (mut refused, mut variants) = (0, 0);
    for place in PLACES {
        for trap in TRAPS {
            job.restore();
            let path = job.at(place);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            trap.set(&job, &path);
            let what = format!("{trap:?} at {place}");
            let output = job.again(&[]);
            let code = output.status.code();
            assert!(is_untouched(&job, &what), "{what}: it has another mode");
            variants += 1;
            // A directory where one belongs is no trap.
            let belongs = trap == Trap::Directory
                && ["out", "out/sub", "out/.sladd", "out/.sladd/tmp", "out/.sladd/policies"].contains(&place);
            assert_eq!(code == Some(0), belongs, "{what}: {code:?} {}", String::from_utf8_lossy(&output.stderr));
            refused += usize::from(code != Some(0));
            for (name, bytes) in job.outputs("out") {
                let ours = job.wanted().get(&name).is_some_and(|wanted| *wanted == bytes);
                assert!(ours || bytes == b"untouched", "{what}: {}", name.display());
            }
            // Without it everything goes on.
            if !belongs {
                match fs::symlink_metadata(&path).unwrap().is_dir() {
                    true => fs::remove_dir_all(&path).unwrap(),
                    false => fs::remove_file(&path).unwrap(),
                }
            }
            job.recovers(&OUT, &what);
        }
    }
    println!("F41: {variants} variants, {refused} refused");
}

/// F41: somebody swaps a directory or a file for a trap and back, as fast as that goes, while the run is under way.
#[test]
fn nobody_who_swaps_a_part_of_a_path_meanwhile_reaches_anything() {
    let job = with_victim();
    fs::set_permissions(job.at("elsewhere/victim"), fs::Permissions::from_mode(0o600)).unwrap();
    let mut dice = Dice(41);
    let rounds = often(2, 60);
    let (mut runs, mut ended, mut swaps) = (0, 0, 0);
    for place in PLACES.iter().filter(|place| **place != "out") {
        for trap in [Trap::LinkToDirectory, Trap::LinkToFile, Trap::SecondName, Trap::Fifo] {
            for _ in 0..rounds {
                job.restore();
                let path = job.at(place);
                fs::create_dir_all(job.at("out/.sladd")).unwrap();
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                let beside = job.at("trap");
                trap.set(&job, &beside);
                let over = AtomicBool::new(false);
                let pause = dice.below(300);
                let swapped = std::thread::scope(|scope| {
                    let swapper = scope.spawn(|| {
                        let mut swapped = 0;
                        while !over.load(Relaxed) {
                            // Where nothing is yet it is put, and taken away again.
                            let done = renameat_with(CWD, &beside, CWD, &path, RenameFlags::EXCHANGE)
                                .or_else(|_| renameat_with(CWD, &beside, CWD, &path, RenameFlags::NOREPLACE))
                                .or_else(|_| renameat_with(CWD, &path, CWD, &beside, RenameFlags::NOREPLACE));
                            swapped += usize::from(done.is_ok());
                            std::thread::sleep(std::time::Duration::from_micros(pause));
                        }
                        swapped
                    });
                    let what = format!("{trap:?} swapped at {place}");
                    let output = job.again(&["-j", "2"]);
                    over.store(true, Relaxed);
                    assert!(output.status.code().is_some(), "{what}: {:?}", output.status);
                    ended += usize::from(!output.status.success());
                    assert!(is_untouched(&job, &what), "{what}: another mode");
                    for (name, bytes) in oracle::tree(&job.at("out")) {
                        oracle::clean(&name.to_string_lossy(), &bytes, &what);
                    }
                    swapper.join().unwrap()
                });
                runs += 1;
                swaps += swapped;
                let _ = fs::remove_file(&beside);
                let _ = fs::remove_dir_all(&beside);
            }
        }
    }
    println!("F41: {runs} runs beside {swaps} swaps, {ended} refused to go on");
}

/// F42: from the first moment on.
#[test]
fn nobody_else_ever_reads_what_is_made_whatever_the_umask() {
    let files =
        [("a.log", 20_000), ("sub/b.log.gz", 10_000), ("sub/deeper/c.log.zst", 5000), ("d.xz", 300), ("e.bz2", 300)];
    let job = Job::new(&files);
    let (mut seen, mut runs) = (0, 0);
    for umask in ["000", "002", "022", "027", "077", "777"].iter().cycle().take(often(6, 60)) {
        for shape in [OUT, IN_PLACE] {
            job.restore();
            job.forget("keys");
            for (name, _) in files {
                fs::set_permissions(job.at("in").join(name), fs::Permissions::from_mode(0o666)).unwrap();
            }
            let script = format!("umask {umask}; exec {SLADD} bulk -q {}", shape.arguments().join(" "));
            let mut child = program::start(Command::new("sh").args(["-c", &script]).current_dir(job.room()));
            let what = format!("umask {umask}, {}", shape.name);
            while !child.is_over() {
                // In place raw files stand beside what is made of them.
                seen += oracle::private(&job.at("out"), &what) + oracle::private(&job.at("keys"), &what);
                seen += oracle::private(&job.at("in/.sladd"), &what) + oracle::private(&job.at("in/sub/.sladd"), &what);
            }
            runs += 1;
            let output = child.end(&what);
            assert_eq!(output.status.code(), Some(0), "{what}: {}", String::from_utf8_lossy(&output.stderr));
            oracle::private(&job.at("out"), &what);
            oracle::private(&job.at("keys"), &what);
            if shape.name == IN_PLACE.name {
                for (name, _) in files {
                    oracle::private(&job.at("in").join(name), &what);
                }
            }
        }
    }
    println!("F42: {runs} runs, {seen} looks at what stood there meanwhile");
}
