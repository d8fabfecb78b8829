//! F01, F38, F46: the sidecar's store, killed while it writes, closes and sweeps.

use super::harness::{
    Dice, SLADD,
    beside::{Beside, comes, ends, listens},
    has,
    inject::{self, Fault, Points},
    is_long, lines, often, oracle, program,
};
use rustix::process::Signal;
use sladd::{
    Batch, Engine, Plan, Policy, Progress, Timestamp, audit,
    key::Wrap,
    store::{ClassFacts, Facts, Root, Scope, Sealing, Stability, Store, Terms, TreatmentFacts, list, read, verify},
};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

/// It is kept for long, so that the lines, which are of one day, never come too late.
pub const WIRING: &str = "[[retention]]\nclass = \"errors\"\nwhen = { format = [\"combined\", \"common\"] }\nkeep = \"90 years\"\npurpose = \"security\"\nbasis = \"contract\"\n\
[[retention]]\nclass = \"others\"\nkeep = \"90 years\"\npurpose = \"security\"\nbasis = \"contract\"\n\
[[input]]\nfollow = [\"ROOM/in/access.log*\"]\n[[output]]\nstore = \"ROOM/out/store\"\n";

/// The same sealed, and a file beside it that says how far it is.
const SEALED: &str = "seal = true\n[[output]]\nfile = \"ROOM/out/access.log\"\n";

/// Whether nothing of a record can be read in a store, open, closing or closed.
fn is_dark(store: &Path) -> bool {
    let shown = [&b" HTTP/1."[..], b" class=", b"203.0.113"];
    let tree = oracle::tree(store);
    tree.values().all(|bytes| shown.iter().all(|text| memchr::memmem::find(bytes, text).is_none()))
}

/// What a store gives back, where all of it is closed.
pub fn read_back(store: &Path, wrap: Option<&Wrap>) -> Vec<u8> {
    let mut lines = Vec::new();
    read(&Root::open(store).unwrap(), &Scope::default(), wrap, |some| {
        lines.extend_from_slice(some);
        Ok(())
    })
    .unwrap();
    lines
}

/// All lines of a store: of its segments, of files that are closing and are no segments yet, and of open ones.
pub fn lines_of(store: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    let Ok(root) = Root::open(store) else { return all };
    // It may move while it is looked at.
    let Ok(listing) = list(&root) else { return all };
    let closed: Vec<u64> = listing
        .kept
        .iter()
        .filter(|kept| kept.is_segment && kept.fault.is_none())
        .filter_map(|kept| kept.number)
        .collect();
    for kept in listing.kept {
        if kept.is_segment {
            let packed = fs::read(store.join(format!("{}.zst", kept.path))).unwrap_or_default();
            if kept.fault.is_none() {
                all.extend(zstd::decode_all(&packed[..]).unwrap_or_default());
            }
        } else if !kept.number.is_some_and(|number| closed.contains(&number)) {
            all.extend(fs::read(store.join(&kept.path)).unwrap_or_default());
        }
    }
    all
}

fn sorted(bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
    lines.sort_unstable();
    lines
}

/// F01, F13, C04: killed while lines come, while it ends and closes, and while the policy changes, each record is there once.
#[test]
fn killed_at_any_moment_the_store_has_every_record_once() {
    let (mut dice, mut kills, mut closing, mut lines_in) = (Dice(77), 0, 0, 0);
    let version = regex::bytes::Regex::new("policy=faults/[0-9]+").unwrap();
    for round in 0..often(2, 40) {
        let is_sealed = round % 2 == 1;
        let wiring = if is_sealed { format!("{WIRING}{SEALED}") } else { WIRING.to_owned() };
        let beside = Beside::new(&wiring);
        let store = beside.at("out/store");
        let mut written = 0;
        for turn in 0..often(12, 25) {
            if dice.below(4) == 0 {
                beside.policy(2 + turn as u32, &wiring);
            }
            let running = beside.start();
            let more = 20 + dice.below(400) as usize;
            beside.append("in/access.log", &lines::lines(written, more));
            written += more;
            match dice.below(3) {
                // While it starts, goes on after a kill, or writes.
                0 => std::thread::sleep(Duration::from_millis(dice.below(120))),
                // While it closes.
                _ => {
                    listens(&running);
                    std::thread::sleep(Duration::from_millis(dice.below(30)));
                    running.signal(Signal::TERM);
                    std::thread::sleep(Duration::from_micros(dice.below(60_000)));
                    closing += 1;
                }
            }
            running.kill("the store");
            kills += 1;
            assert!(!is_sealed || is_dark(&store), "something can be read");
        }
        let what = format!("round {round}");
        let running = beside.start();
        match is_sealed {
            true => beside.reaches(written, &what),
            false => comes(&what, || lines::count(&lines_of(&store)) >= written),
        }
        ends(running, &what);
        let made = match is_sealed {
            true => read_back(&store, Some(&beside.wrap())),
            false => lines_of(&store),
        };
        assert!(!is_sealed || is_dark(&store), "something can be read");
        oracle::each_once(&made, 0, written, &what);
        let tagged = |bytes: &[u8]| -> Vec<u8> {
            // Versions of the policy differ, and nothing else.
            version.replace_all(bytes, &b"policy=faults/0"[..]).into_owned()
        };
        let (made, piped) = (tagged(&made), tagged(&beside.piped(&lines::lines(0, written))));
        assert!(sorted(&made) == sorted(&piped), "{what}: not as the pipe makes it");
        let found = verify(&Root::open(&store).unwrap(), Some(&beside.wrap())).unwrap();
        assert_eq!(found.problems, [], "{what}");
        assert_eq!((found.unclosed, found.unopened), (0, 0), "{what}");
        oracle::private(&store, &what);
        lines_in += written;
    }
    println!("F01, store: {kills} kills, {closing} of them at the end, {lines_in} lines");
}

const CLASSES: [(&str, &str); 3] = [("short", "1 week"), ("held", "1 week"), ("long", "2 years")];

/// A store with segments of three classes: one that is due, one that is due and held, and one that is not due.
pub fn filled(path: &Path) {
    filled_with(path, Sealing::default());
}

/// The same sealed, where `sealing` says so.
fn filled_with(path: &Path, sealing: Sealing) {
    let seals = sealing.seals;
    let rules: String = ["short", "held", "long"]
        .map(|name| {
            let when = if name == "long" { String::new() } else { format!("when = {{ \"url.path\" = \"/{name}*\" }}\n") };
            format!("[[retention]]\nclass = \"{name}\"\n{when}keep = \"1 week\"\npurpose = \"security\"\nbasis = \"contract\"\n")
        })
        .concat();
    let text = format!("base = \"hosting\"\nname = \"faults\"\nversion = 1\n{rules}");
    let policy = Policy::parse(&text, "faults.toml").0.unwrap();
    let mut engine = Engine::new(Arc::new(Plan::compile(&policy).unwrap()));
    let class = |(name, keep): &(&str, &str)| ClassFacts {
        name: (*name).to_owned(),
        keep: (*keep).to_owned(),
        purpose: "security".to_owned(),
        basis: "contract".to_owned(),
    };
    let facts = Facts {
        name: "faults".to_owned(),
        version: 1,
        digest: "ab".repeat(32),
        classes: CLASSES.iter().map(class).collect(),
        tenants: Vec::new(),
        treatments: vec![TreatmentFacts {
            field: "*".into(),
            treatment: "drop".into(),
            stability: Stability::Undefined,
        }],
        epoch: None,
    };
    fn clock() -> Timestamp {
        Timestamp(1_795_255_200)
    }
    let terms = Terms::new(CLASSES.iter().map(|(name, keep)| (*name, keep.parse().unwrap())));
    let mut store = Store::open(Root::create(path).unwrap(), (&facts, terms), sealing, None, clock).unwrap();
    let lines: String = (0..60)
        .map(|number| {
            let class = CLASSES[number % 3].0;
            let day = 19 + number / 3 % 3;
            format!("203.0.113.7 - - [{day}/Nov/2026:10:00:00 +0000] \"GET /{class}/{number} HTTP/1.1\" 200 5 \"-\" \"curl/8.5.0\"\n")
        })
        .collect();
    let mut batch = Batch::default();
    let mut at = 0;
    while let (_, Progress::Paused { at: done, epoch }) = engine.run(&lines.as_bytes()[at..], &mut batch) {
        at += done;
        engine.admit(epoch, None);
    }
    store.prepare(&batch, |_| true, clock()).unwrap();
    store.divide(&batch, clock()).unwrap();
    assert!(store.write(0, clock()).is_ok());
    store.sync().unwrap();
    store.put_aside(clock(), true).unwrap();
    assert_eq!(store.end(), None);
    // One that is still open is due like the others.
    let key = if seals { ".0123456789abcdef" } else { "" };
    let open = format!("short.2026-11-19.{}{key}.log", &facts.digest[..16]);
    fs::write(path.join("open").join(open), "left behind\n").unwrap();
    if seals {
        // Nobody has to open it to sweep it.
        fs::write(path.join("keys/0123456789abcdef.key"), [7; 80]).unwrap();
        fs::write(path.join("keys/0123456789abcdef.spans"), [7; 40]).unwrap();
    }
    let hold = Command::new(SLADD)
        .args(["store", "hold", "add"])
        .arg(path)
        .args(["--reference", "case 1", "--authority", "a court", "--class", "held", "--expires", "9999-12-31"])
        .output()
        .unwrap();
    assert!(hold.status.success(), "{}", String::from_utf8_lossy(&hold.stderr));
}

pub type Tree = BTreeMap<PathBuf, Vec<u8>>;

fn restore(path: &Path, whole: &Tree) {
    let _ = fs::remove_dir_all(path);
    for (name, bytes) in whole {
        let file = path.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, bytes).unwrap();
        fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
    }
}

/// What must hold whenever a sweep was ended: what is held or not due is as it was.
fn stands(path: &Path, whole: &Tree, what: &str) {
    for (name, bytes) in whole.iter().filter(|(name, _)| name.starts_with("held") || name.starts_with("long")) {
        assert!(
            fs::read(path.join(name)).is_ok_and(|there| there == *bytes),
            "{what}: {} is not as it was",
            name.display()
        );
        // And so is the key that opens it.
        if let Some(key) = name.to_str().and_then(|name| name.strip_suffix(".sealed")?.rsplit('.').next()) {
            let key = Path::new("keys").join(key).with_extension("key");
            assert!(fs::read(path.join(&key)).is_ok_and(|there| there == whole[&key]), "{what}: {}", key.display());
        }
    }
}

/// And when one came to its end after it.
pub fn is_swept(path: &Path, whole: &Tree, what: &str) {
    stands(path, whole, what);
    let left: Vec<PathBuf> = oracle::tree(path)
        .into_keys()
        .filter(|name| name.starts_with("short") || name.to_string_lossy().contains(".log") && name.starts_with("open"))
        .collect();
    assert!(left.is_empty() && !path.join("sweep.json").exists(), "{what}: {left:?}");
    let found = verify(&Root::open(path).unwrap(), None).unwrap();
    assert_eq!(found.problems, [], "{what}");
    let keys = |tree: &Tree| tree.keys().filter(|name| name.extension().is_some_and(|end| end == "key")).count();
    let stay = whole.keys().filter(|name| name.extension().is_some_and(|end| end == "sealed"));
    let stay = stay.filter(|name| !name.starts_with("short")).count();
    assert_eq!(keys(&oracle::tree(path)), stay, "{what}: a key is left");
    assert!(audit::verify(path, None).unwrap().is_whole(), "{what}");
    // Each is told once at least, and nothing is told that is not so.
    let log = fs::read_to_string(path.join("audit.log")).unwrap();
    for day in ["2026-11-19", "2026-11-20", "2026-11-21"] {
        assert!(log.contains(&format!("\"short/{day}/")), "{what}: {day} is not told");
    }
    assert!(!log.contains("\"held/2026-11-19/0002\":\"gone") && !log.contains("long/2026-11-19\":\"gone"), "{what}");
}

/// F38, F46, C04: at random moments, and then again and again.
#[test]
fn a_sweep_that_is_killed_is_done_by_the_next_and_its_report_is_never_false() {
    let room = tempfile::tempdir().unwrap();
    for sealing in both(room.path()) {
        a_sweep_is_killed(&room.path().join(if sealing.seals { "sealed" } else { "store" }), sealing);
    }
}

/// A store that is not sealed, and one that is.
fn both(room: &Path) -> [Sealing; 2] {
    let file = room.join("wrap.key");
    fs::write(&file, [7; 32]).unwrap();
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o400)).unwrap();
    [Sealing::default(), Sealing { seals: true, wrap: Some(Wrap::read(&file).unwrap()) }]
}

fn a_sweep_is_killed(path: &Path, sealing: Sealing) {
    filled_with(path, sealing);
    let whole = oracle::tree(path);
    let sweep = || {
        let mut command = Command::new(SLADD);
        command.args(["store", "sweep"]).arg(path).args(["--now", "2027-01-01"]);
        command
    };
    let (mut dice, mut kills, mut rounds) = (Dice(38), 0, 0);
    let wanted = often(200, 1_000);
    while kills < wanted {
        restore(path, &whole);
        rounds += 1;
        for _ in 0..4 {
            let running = program::start(&mut sweep());
            std::thread::sleep(Duration::from_micros(dice.below(25_000)));
            let output = running.kill("a sweep");
            kills += usize::from(output.status.signal() == Some(9));
            stands(path, &whole, "after a kill");
        }
        let output = program::start(&mut sweep()).end("a sweep");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        is_swept(path, &whole, &format!("round {rounds}"));
    }
    println!("F38: {kills} kills in {rounds} rounds");
}

/// F02 on the way of deletion: at every call that changes the disk.
#[test]
fn a_sweep_is_killed_at_every_call() {
    if !has("strace") {
        return;
    }
    for seals in [false, true] {
        let room = tempfile::tempdir().unwrap();
        let sealing = both(room.path()).into_iter().find(|sealing| sealing.seals == seals).unwrap();
        a_sweep_is_killed_at_calls(room.path(), sealing);
    }
}

fn a_sweep_is_killed_at_calls(room: &Path, sealing: Sealing) {
    let path = room.join("store");
    filled_with(&path, sealing);
    let whole = oracle::tree(&path);
    let arguments = ["store", "sweep", "store", "--now", "2027-01-01"];
    let Points { points, shadowed } = inject::points(room, &arguments, &mut || restore(&path, &whole));
    assert!(points.len() > 30, "{}", points.len());
    let each = if is_long() { 1 } else { points.len().div_ceil(24) };
    let mut met = 0;
    for point in points.iter().step_by(each) {
        restore(&path, &whole);
        let (_, was_met) = inject::at(room, &arguments, point, Fault::Kill);
        met += usize::from(was_met);
        stands(&path, &whole, &point.to_string());
        let output = Command::new(SLADD).args(arguments).current_dir(room).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{point}: {}", String::from_utf8_lossy(&output.stderr));
        is_swept(&path, &whole, &point.to_string());
    }
    assert!(met > 0);
    println!("F46: killed at {met} of {} calls, {shadowed} that none names", points.len());
}
