//! F41, F42 for stores and keys: links, pipes and second names in the way of what is written, at rest and swapped meanwhile;
//! modes.

use super::{
    harness::{
        Dice, SLADD,
        beside::{Beside, Grown, comes, ends},
        lines, often, oracle, program,
    },
    store::lines_of,
};
use rustix::fs::{CWD, FileType, Mode, RenameFlags, mknodat, renameat_with};
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
    process::Command,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// A file beside the store says how far it is. Records are kept for long, so that the lines, which are of one day, never come too late.
const WIRING: &str = "[[retention]]\nclass = \"all\"\nkeep = \"90 years\"\npurpose = \"security\"\nbasis = \"contract\"\n\
[[input]]\nfollow = [\"ROOM/in/access.log*\"]\n[[output]]\nfile = \"ROOM/out/access.log\"\n[[output]]\nstore = \"ROOM/out/store\"\n";

const TRAPS: [&str; 6] =
    ["link to a directory", "link to a file", "link to nothing", "second name", "named pipe", "directory"];

fn set(beside: &Beside, trap: &str, path: &Path) {
    match trap {
        "link to a directory" => symlink(beside.at("elsewhere"), path).unwrap(),
        "link to a file" => symlink(beside.at("elsewhere/victim"), path).unwrap(),
        "link to nothing" => symlink(beside.at("elsewhere/new"), path).unwrap(),
        "second name" => fs::hard_link(beside.at("elsewhere/victim"), path).unwrap(),
        "named pipe" => mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap(),
        "directory" => fs::create_dir(path).unwrap(),
        _ => unreachable!("{trap}"),
    }
}

/// A room with something outside that must stay as it is, and a store and keys that were used before.
fn used() -> Beside {
    used_with("")
}

/// The same sealed, where `seal` says so.
fn used_with(seal: &str) -> Beside {
    let beside = Beside::new(&format!("{WIRING}{seal}"));
    fs::create_dir(beside.at("elsewhere")).unwrap();
    fs::write(beside.at("elsewhere/victim"), "untouched\n").unwrap();
    fs::set_permissions(beside.at("elsewhere/victim"), PermissionsExt::from_mode(0o604)).unwrap();
    fs::set_permissions(beside.at("elsewhere"), PermissionsExt::from_mode(0o705)).unwrap();
    beside.append("in/access.log", &lines::lines(0, 20));
    let running = beside.start();
    beside.reaches(20, "before");
    ends(running, "before");
    beside
}

fn is_untouched(beside: &Beside, what: &str) {
    assert_eq!(oracle::tree(&beside.at("elsewhere")).len(), 1, "{what}: something is made elsewhere");
    assert_eq!(beside.read("elsewhere/victim"), b"untouched\n", "{what}");
    let mode = |name: &str| fs::metadata(beside.at(name)).unwrap().mode() & 0o777;
    assert_eq!((mode("elsewhere"), mode("elsewhere/victim")), (0o705, 0o604), "{what}: another mode");
}

fn sweep(beside: &Beside, what: &str) -> Option<i32> {
    let mut command = Command::new(SLADD);
    command.args(["store", "sweep", "out/store", "--now", "2199-01-01"]).current_dir(beside.room.path());
    program::start(&mut command).end(what).status.code()
}

const PLACES: [&str; 13] = [
    "out/store",
    "out/store/store",
    "out/store/lock",
    "out/store/head",
    "out/store/open",
    "out/store/open/anchor",
    "out/store/closing",
    "out/store/policies",
    "out/store/all",
    "out/store/audit.log",
    "out/store/audit.head",
    "keys",
    "keys/audit.log",
];

fn codes(code: Option<i32>) -> bool {
    matches!(code, Some(0 | 1 | 65 | 66 | 73 | 74 | 77 | 78))
}

/// F41, at rest.
#[test]
fn what_stands_in_the_way_of_a_store_or_of_keys_is_never_written_through() {
    let (mut variants, mut refused) = (0, 0);
    let sealed = ["out/store/keys", "out/store/keys/check", "KEY"].map(|place| (place, "seal = true\n"));
    for (place, seal) in PLACES.map(|place| (place, "")).into_iter().chain(sealed) {
        for trap in TRAPS {
            let is_directory = [
                "out/store",
                "out/store/open",
                "out/store/closing",
                "out/store/policies",
                "out/store/all",
                "keys",
                "out/store/keys",
            ]
            .contains(&place);
            // A directory where one belongs is no trap.
            if is_directory && trap == "directory" {
                continue;
            }
            let beside = used_with(seal);
            let path = match place {
                // That of a segment.
                "KEY" => {
                    let keys = fs::read_dir(beside.at("out/store/keys")).unwrap().flatten().map(|entry| entry.path());
                    keys.into_iter().find(|path| path.extension().is_some_and(|end| end == "key")).unwrap()
                }
                place => beside.at(place),
            };
            let _ = fs::remove_file(&path);
            let _ = fs::remove_dir_all(&path);
            set(&beside, trap, &path);
            let what = format!("{trap} at {place}");
            let mut running = beside.start();
            beside.append("in/access.log", &lines::lines(20, 10));
            let (began, mut grown) = (Instant::now(), Grown::new(&beside.at("out/access.log")));
            while !running.is_over() && grown.lines() < 30 {
                assert!(began.elapsed() < Duration::from_secs(60), "{what}: it neither works nor ends");
                std::thread::sleep(Duration::from_millis(2));
            }
            let worked = !running.is_over();
            if worked {
                running.signal(rustix::process::Signal::TERM);
            }
            let code = running.end(&what).status.code();
            assert!(codes(code), "{what}: {code:?}");
            refused += usize::from(!worked || code != Some(0));
            is_untouched(&beside, &what);
            let code = sweep(&beside, &what);
            assert!(codes(code), "{what}: a sweep ends with {code:?}");
            is_untouched(&beside, &what);
            variants += 1;
        }
    }
    println!("F41, store and keys: {variants} variants, {refused} refused");
}

/// F41, as fast as somebody can swap, while segments are written, closed and swept.
#[test]
fn nobody_who_swaps_a_part_of_a_store_meanwhile_reaches_anything() {
    let (mut dice, mut swaps, mut runs) = (Dice(41), 0, 0);
    let places = [
        "out/store/open",
        "out/store/closing",
        "out/store/all",
        "out/store/audit.log",
        "out/store/head",
        "keys/audit.log",
    ];
    for place in places {
        for trap in ["link to a directory", "link to a file", "second name"] {
            let beside = used();
            let (path, aside) = (beside.at(place), beside.at("trap"));
            set(&beside, trap, &aside);
            for turn in 0..often(1, 10) {
                let over = AtomicBool::new(false);
                let pause = dice.below(300);
                let what = format!("{trap} swapped at {place}");
                swaps += std::thread::scope(|scope| {
                    let swapper = scope.spawn(|| {
                        let mut swapped = 0;
                        while !over.load(Relaxed) {
                            let done = renameat_with(CWD, &aside, CWD, &path, RenameFlags::EXCHANGE)
                                .or_else(|_| renameat_with(CWD, &aside, CWD, &path, RenameFlags::NOREPLACE))
                                .or_else(|_| renameat_with(CWD, &path, CWD, &aside, RenameFlags::NOREPLACE));
                            swapped += usize::from(done.is_ok());
                            std::thread::sleep(Duration::from_micros(pause));
                        }
                        swapped
                    });
                    let mut running = beside.start();
                    beside.append("in/access.log", &lines::lines(20 + turn * 10, 10));
                    let began = Instant::now();
                    while !running.is_over() && began.elapsed() < Duration::from_millis(300) {
                        std::thread::sleep(Duration::from_millis(5));
                    }
                    if running.listens() {
                        running.signal(rustix::process::Signal::TERM);
                    }
                    let output = running.end(&what);
                    assert!(
                        codes(output.status.code()) || output.status.code().is_none(),
                        "{what}: {:?}",
                        output.status
                    );
                    let code = sweep(&beside, &what);
                    assert!(codes(code), "{what}: a sweep ends with {code:?}");
                    over.store(true, Relaxed);
                    swapper.join().unwrap()
                });
                runs += 1;
                is_untouched(&beside, &what);
            }
        }
    }
    println!("F41, store and keys: {runs} runs beside {swaps} swaps");
}

/// F42: from the first moment on, whatever the umask.
#[test]
fn nobody_else_ever_reads_what_a_store_or_a_key_directory_holds() {
    let (mut seen, mut runs) = (0, 0);
    for umask in ["000", "022", "077"].iter().cycle().take(often(3, 30)) {
        let beside = Beside::new(WIRING);
        let what = format!("umask {umask}");
        let look = || oracle::private(&beside.at("out"), &what) + oracle::private(&beside.at("keys"), &what);
        let shell = |words: &str| {
            let script = format!("umask {umask}; exec {SLADD} {words}");
            let mut command = Command::new("sh");
            command.args(["-c", &script]).current_dir(beside.room.path());
            program::start(&mut command)
        };
        let running = shell("sidecar --policy ./policy.toml");
        beside.append("in/access.log", &lines::lines(0, 400));
        comes(&what, || {
            seen += look();
            lines::count(&lines_of(&beside.at("out/store"))) >= 400
        });
        ends(running, &what);
        let hold = "store hold add out/store --reference a --authority b --class none --expires 9999-12-31";
        for words in [
            hold,
            "store sweep out/store --now 2026-11-22",
            "store sweep out/store --now 2199-01-01",
            "key rotate --policy ./policy.toml",
        ] {
            let mut running = shell(words);
            while !running.is_over() {
                seen += look();
            }
            let output = running.end(&what);
            assert_eq!(output.status.code(), Some(0), "{what}: {words}: {}", String::from_utf8_lossy(&output.stderr));
        }
        seen += look();
        runs += 1;
    }
    println!("F42, store and keys: {runs} umasks, {seen} looks at what stood there meanwhile");
}
