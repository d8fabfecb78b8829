#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    Batch, Engine, Plan, Policy, Progress,
    key::Wrap,
    retention::{Life, label},
    time::{DAY, Date, Timestamp},
};
use proptest::{
    prelude::RngExt,
    test_runner::{RngAlgorithm, TestRng},
};
use std::{
    cell::Cell,
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
};

/// Each class, how long it is kept, and the path that its records ask for.
const CLASSES: [(&str, &str); 5] = [
    ("day_log", "1 day"),
    ("week_log", "1 week"),
    ("quarantine", "7 days"),
    ("analytics", "26 months"),
    ("security_log", "6 months"),
];

fn policy(classes: &[(&str, &str)]) -> Policy {
    let rule = |(name, keep): &(&str, &str)| {
        let when =
            if *name == "security_log" { String::new() } else { format!("when = {{ \"url.path\" = \"/{name}*\" }}\n") };
        format!(
            "[[retention]]\nclass = \"{name}\"\n{when}keep = \"{keep}\"\npurpose = \"security\"\nbasis = \"legitimate_interest\"\n"
        )
    };
    let rules: String = classes.iter().map(rule).collect();
    let text = format!("base = \"hosting\"\nname = \"store-test\"\nversion = 1\n{rules}");
    let (policy, findings) = Policy::parse(&text, "test.toml");
    policy.unwrap_or_else(|| panic!("{findings:?}"))
}

fn facts(version: u32, classes: &[(&str, &str)]) -> Facts {
    let class = |(name, keep): &(&str, &str)| ClassFacts {
        name: (*name).to_owned(),
        keep: (*keep).to_owned(),
        purpose: "security".to_owned(),
        basis: "legitimate_interest".to_owned(),
    };
    Facts {
        name: "store-test".to_owned(),
        version,
        digest: file::digest(&version.to_le_bytes()),
        classes: classes.iter().map(class).collect(),
        tenants: Vec::new(),
        treatments: vec![TreatmentFacts {
            field: "*".to_owned(),
            treatment: "drop".to_owned(),
            stability: Stability::Undefined,
        }],
        epoch: Some("1 day".to_owned()),
    }
}

fn terms(classes: &[(&str, &str)]) -> Terms {
    Terms::new(classes.iter().map(|(name, keep)| (*name, keep.parse().unwrap())))
}

/// Makes batches of records.
struct Maker(Engine);

impl Maker {
    fn new() -> Maker {
        Maker(Engine::new(Arc::new(Plan::compile(&policy(&CLASSES)).unwrap())))
    }

    fn batch(&mut self, records: &[(&str, Date)]) -> Batch {
        let mut lines = Vec::new();
        for (at, (class, day)) in records.iter().enumerate() {
            let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
            let (day, month, year) = (day.day(), month[day.month() as usize - 1], day.year());
            let line = format!(
                "203.0.113.7 - - [{day:02}/{month}/{year}:10:00:00 +0000] \"GET /{class}/{at} HTTP/1.1\" 200 5 \"-\" \"curl/8.5.0\"\n"
            );
            lines.extend_from_slice(line.as_bytes());
        }
        let mut batch = Batch::default();
        let mut at = 0;
        while let (_, Progress::Paused { at: done, epoch }) = self.0.run(&lines[at..], &mut batch) {
            at += done;
            self.0.admit(epoch, None);
        }
        batch
    }
}

/// On memory where the machine has it: what is tested here is not the disk.
fn room() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

static NOW: AtomicI64 = AtomicI64::new(1_795_255_200); // 2026-11-21T10:00:00Z

fn clock() -> Timestamp {
    Timestamp(NOW.load(Relaxed))
}

fn day(text: &str) -> Date {
    Date::parse(text.as_bytes()).unwrap()
}

fn written(store: &mut Store, batch: &Batch, now: Timestamp) -> u64 {
    store.prepare(batch, |_| true, now).unwrap();
    let (shares, left_out) = store.divide(batch, now).unwrap();
    assert!(shares.iter().all(|share| share.bytes > 0));
    store.write(0, now).unwrap();
    left_out
}

/// What a run of the sidecar does: writes, and closes at its end.
fn kept(path: &Path, (facts, terms): (&Facts, Terms), batch: &Batch, now: Timestamp) -> u64 {
    NOW.store(now.0, Relaxed);
    let mut store = Store::open(Root::create(path).unwrap(), (facts, terms), sealing(), None, clock).unwrap();
    let left_out = written(&mut store, batch, now);
    store.sync().unwrap();
    store.put_aside(now, true).unwrap();
    assert_eq!(store.end(), None);
    left_out
}

fn problems(path: &Path) -> Vec<String> {
    match Root::open(path).and_then(|root| verify(&root, sealing().wrap.as_ref())) {
        Ok(found) => found.problems.into_iter().map(|problem| format!("{}: {}", problem.path, problem.what)).collect(),
        Err(error) => vec![error.to_string()],
    }
}

fn given(now: Timestamp) -> Clock {
    Clock::Given { reckoned: now, system: now }
}

fn sweep(path: &Path, now: Timestamp) -> Report {
    Sweep { clock: given(now), terms: None, dry_run: false }.run(&Root::open(path).unwrap()).unwrap()
}

thread_local! {
    /// Whether the stores of this test are sealed.
    static SEALS: Cell<bool> = const { Cell::new(false) };
}

/// The same once more in stores that are sealed.
macro_rules! sealed_too {
    ($($name:ident)*) => {
        mod sealed {
            $(
                #[test]
                fn $name() {
                    super::SEALS.set(true);
                    super::$name();
                }
            )*
        }
    };
}

sealed_too! {
    records_of_each_class_and_day_have_their_segment_with_a_manifest
    many_days_at_once_need_few_descriptors_and_every_record_comes_in
    an_open_file_that_no_checkpoint_speaks_of_goes_and_others_are_gone_on_with
    closing_goes_on_wherever_it_was_ended
    a_sweep_goes_on_wherever_it_was_ended_and_says_so
    what_cannot_be_unlinked_is_reported_as_it_is
    each_of_10_000_tampers_is_found
    in_1_000_sequences_of_versions_nothing_outlives_the_shortest_promise_and_nothing_goes_before_it
    nothing_older_than_promised_exists_on_any_of_900_days_and_what_is_held_does
    what_a_tenant_left_behind_is_gone_three_months_after_the_end_and_nothing_of_others
}

fn sealing() -> Sealing {
    match SEALS.get() {
        true => Sealing { seals: true, wrap: Some(wrap(1)) },
        false => Sealing::default(),
    }
}

fn wrap(byte: u8) -> Wrap {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), [byte; 32]).unwrap();
    Wrap::read(file.path()).unwrap()
}

/// What the lines of a segment are called.
fn lines_file(path: &Path, segment: &str) -> PathBuf {
    let kept = list(&Root::open(path).unwrap()).unwrap().kept;
    let kept = kept.into_iter().find(|kept| kept.path == segment).unwrap();
    assert_eq!(kept.key.is_some(), SEALS.get());
    path.join(segment).with_file_name(name::packed(kept.number.unwrap(), kept.key.as_deref()))
}

/// What a store gives back of a class.
fn read_back(path: &Path, class: &str) -> Vec<u8> {
    let mut lines = Vec::new();
    let scope = Scope { classes: vec![class.to_owned()], ..Scope::default() };
    let root = Root::open(path).unwrap();
    read(&root, &scope, sealing().wrap.as_ref(), |some| {
        lines.extend_from_slice(some);
        Ok(())
    })
    .unwrap();
    lines
}

/// A store with segments of several classes and days, one swept, one held.
fn filled(path: &Path) {
    let now = day("2026-11-21").start();
    let mut maker = Maker::new();
    for (today, classes) in [
        ("2026-11-19", ["week_log", "security_log"]),
        ("2026-11-20", ["day_log", "security_log"]),
        ("2026-11-21", ["analytics", "security_log"]),
    ] {
        let records: Vec<(&str, Date)> = (0..20).flat_map(|_| classes.map(|class| (class, day(today)))).collect();
        kept(path, (&facts(1, &CLASSES), terms(&CLASSES)), &maker.batch(&records), day(today).start());
    }
    let scope = Scope { classes: vec!["week_log".to_owned()], ..Scope::default() };
    let root = Root::open(path).unwrap();
    hold(&root, &Hold::new(("case 7", "a court"), &scope, day("2027-01-01"), now).unwrap(), now).unwrap();
    let report = sweep(path, Timestamp(now.0 + 10));
    assert_eq!(report.due.len(), 1, "{report:?}");
}

#[test]
fn records_of_each_class_and_day_have_their_segment_with_a_manifest() {
    let room = room();
    let path = room.path().join("store");
    let today = day("2026-11-21");
    let mut maker = Maker::new();
    let batch = maker.batch(&[
        ("analytics", today),
        ("x", today),
        ("x", day("2026-11-20")),
        ("x", today),
        ("day_log", day("2026-11-19")),
        ("x", day("2031-01-01")),
    ]);
    let left_out = kept(&path, (&facts(1, &CLASSES), terms(&CLASSES)), &batch, today.start());
    assert_eq!(left_out, 1, "what is due never comes in");
    let root = Root::open(&path).unwrap();
    let listing = list(&root).unwrap();
    let rows: Vec<_> = listing
        .kept
        .iter()
        .map(|kept| (kept.path.as_str(), kept.until.unwrap().to_string(), kept.records.unwrap()))
        .collect();
    assert_eq!(
        rows.iter().map(|(path, until, records)| (*path, until.as_str(), *records)).collect::<Vec<_>>(),
        [
            ("analytics/2026-11-21/0001", "2029-01-21", 1),
            ("security_log/2026-11-20/0003", "2027-05-20", 1),
            // What claims to be of the future is kept as of the day it came.
            ("security_log/2026-11-21/0002", "2027-05-21", 3),
        ]
    );
    let text = fs::read_to_string(path.join("security_log/2026-11-21/0002.json")).unwrap();
    let manifest: Manifest = serde_json::from_str(&text).unwrap();
    assert_eq!((manifest.policy.name.as_str(), manifest.key_epochs), ("store-test", vec!["2026-11-21".to_owned()]));
    assert_eq!(manifest.before.blake3, file::digest(&fs::read(path.join("analytics/2026-11-21/0001.json")).unwrap()));
    let all = read_back(&path, "security_log");
    // That of the day before comes first.
    let (_, lines) = all.split_at(all.len() - manifest.bytes as usize);
    assert_eq!(file::digest(lines) == manifest.blake3, !SEALS.get(), "only who has the key can try contents out");
    assert!(lines.starts_with(b"203.0.113.0 - - [21/Nov/2026"));
    assert_eq!(fs::metadata(lines_file(&path, "security_log/2026-11-21/0002")).unwrap().mode() & 0o777, 0o640);
    for (name, mode) in [("", 0o750), ("security_log/2026-11-21", 0o750), ("holds.json", 0)] {
        let found = fs::metadata(path.join(name)).map(|found| found.mode() & 0o777).unwrap_or(0);
        assert_eq!(found, mode, "{name}");
    }
    assert_eq!(problems(&path), Vec::<String>::new());
}

#[test]
fn a_directory_that_is_no_store_is_left_alone() {
    let room = room();
    fs::write(room.path().join("mine"), "x").unwrap();
    for error in [Root::open(room.path()).unwrap_err(), Root::create(room.path()).unwrap_err()] {
        assert!(error.to_string().contains("is no store of sladd"), "{error}");
    }
    assert_eq!(fs::read_dir(room.path()).unwrap().count(), 1);
}

#[test]
fn many_days_at_once_need_few_descriptors_and_every_record_comes_in() {
    let room = room();
    let path = room.path().join("store");
    let now = day("2026-11-21").start();
    let mut maker = Maker::new();
    let mut store =
        Store::open(Root::create(&path).unwrap(), (&facts(1, &CLASSES), terms(&CLASSES)), sealing(), None, clock)
            .unwrap();
    for _ in 0..2 {
        let records: Vec<(&str, Date)> =
            (0..170).map(|back| ("x", Date::from_days(now.date().days() - back))).collect();
        assert_eq!(written(&mut store, &maker.batch(&records), now), 0);
        store.sync().unwrap();
    }
    let open = fs::read_dir("/proc/self/fd").unwrap().flatten().filter(|entry| {
        fs::read_link(entry.path()).is_ok_and(|target| target.starts_with(path.join("open")) && target.is_file())
    });
    assert!(open.count() <= 65);
    store.put_aside(now, true).unwrap();
    assert_eq!(store.end(), None);
    let listing = list(&Root::open(&path).unwrap()).unwrap();
    assert_eq!(listing.kept.len(), 170);
    assert!(listing.kept.iter().all(|kept| kept.records == Some(2)));
    assert_eq!(problems(&path), Vec::<String>::new());
}

#[test]
fn an_open_file_that_no_checkpoint_speaks_of_goes_and_others_are_gone_on_with() {
    let room = room();
    let path = room.path().join("store");
    let (now, mut maker) = (day("2026-11-21").start(), Maker::new());
    let open = |known: Option<&[crate::output::segment::Identity]>| {
        Store::open(Root::create(&path).unwrap(), (&facts(1, &CLASSES), terms(&CLASSES)), sealing(), known, clock)
            .unwrap()
    };
    let mut store = open(None);
    written(&mut store, &maker.batch(&[("x", now.date())]), now);
    let (anchor, files) = store.sync().unwrap();
    let known: Vec<_> = files.iter().chain([&anchor]).map(|committed| committed.identity()).collect();
    written(&mut store, &maker.batch(&[("analytics", now.date())]), now);
    drop(store);
    let names = || {
        let mut names: Vec<String> = fs::read_dir(path.join("open"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names.iter().map(|name| name.split('.').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(), ["analytics", "anchor", "security_log"]);
    drop(open(Some(&known)));
    assert_eq!(names(), ["anchor", "security_log"]);
    // Another state knows nothing of this store: what is there is gone on with.
    drop(open(Some(&[])));
    assert_eq!(names(), ["anchor", "security_log"]);
    let mut store = open(None);
    written(&mut store, &maker.batch(&[("x", now.date())]), now);
    store.sync().unwrap();
    store.put_aside(now, true).unwrap();
    assert_eq!(store.end(), None);
    assert_eq!(list(&Root::open(&path).unwrap()).unwrap().kept[0].records, Some(2));
}

#[test]
fn closing_goes_on_wherever_it_was_ended() {
    let (room, mut maker) = (room(), Maker::new());
    let path = room.path().join("store");
    let now = day("2026-11-21").start();
    let first = maker.batch(&[("x", now.date()), ("analytics", now.date())]);
    let (facts, terms) = (facts(1, &CLASSES), terms(&CLASSES));
    let mut store = Store::open(Root::create(&path).unwrap(), (&facts, terms), sealing(), None, clock).unwrap();
    written(&mut store, &first, now);
    store.sync().unwrap();
    // What a kill may have left: the file that was closed, and each of the later steps undone.
    let before_closing = tree(&path);
    let has = |name: &Path, part: &str| name.file_name().is_some_and(|name| name.to_str().unwrap().contains(part));
    let (open, lines) = before_closing.iter().find(|(name, _)| has(name, "analytics.")).unwrap();
    let spans: Vec<_> = before_closing.iter().filter(|(name, _)| has(name, ".spans")).collect();
    assert_eq!(spans.len(), if SEALS.get() { 2 } else { 0 });
    store.put_aside(now, true).unwrap();
    assert_eq!(store.end(), None);
    drop(store);
    let closing = path.join("closing").join(format!("0002.{}", open.file_name().unwrap().to_str().unwrap()));
    let packed = lines_file(&path, "analytics/2026-11-21/0002");
    let key = sealing().wrap.map(|wrap| key::Keys::open(&Root::open(&path).unwrap(), wrap).unwrap().unwrap());
    let root = Root::open(&path).unwrap();
    let head = fs::read(path.join("head")).unwrap();
    let before = manifest::Head {
        next: 2,
        last: Before {
            number: 1,
            blake3: file::digest(&fs::read(path.join("security_log/2026-11-21/0001.json")).unwrap()),
        },
    };
    let manifest = path.join("analytics/2026-11-21/0002.json");
    let undo: [&dyn Fn(); 4] = [
        &|| {},
        &|| fs::write(path.join("head"), before.text()).unwrap(),
        &|| {
            fs::write(path.join("head"), before.text()).unwrap();
            fs::remove_file(&manifest).unwrap();
        },
        &|| {
            fs::write(path.join("head"), before.text()).unwrap();
            fs::remove_file(&manifest).unwrap();
            fs::write(&packed, "torn").unwrap();
            fs::write(path.join("analytics/2026-11-21/.0002.json.new"), "torn").unwrap();
        },
    ];
    for (step, undo) in undo.iter().enumerate() {
        undo();
        fs::write(&closing, lines).unwrap();
        spans.iter().for_each(|(name, bytes)| fs::write(name, bytes).unwrap());
        close::close_all(&root, key.as_ref(), now, &AtomicU64::new(0)).unwrap();
        assert_eq!(problems(&path), Vec::<String>::new(), "{step}");
        // What is sealed once more is other bytes.
        assert!(SEALS.get() && step >= 2 || fs::read(path.join("head")).unwrap() == head, "{step}");
        assert!(!closing.exists());
        assert_eq!(list(&root).unwrap().kept.len(), 2);
    }
}

#[test]
fn a_sweep_goes_on_wherever_it_was_ended_and_says_so() {
    let room = room();
    let path = room.path().join("store");
    filled(&path);
    let later = day("2027-05-20").start();
    let due = Sweep { clock: given(later), terms: None, dry_run: true }.run(&Root::open(&path).unwrap()).unwrap();
    let paths: Vec<&str> = due.due.iter().map(|deletion| deletion.path.as_str()).collect();
    assert_eq!(paths, ["security_log/2026-11-19/0002", "security_log/2026-11-20/0004"]);
    assert_eq!(due.held, ["week_log/2026-11-19/0001"]);
    // Killed after one file and a half.
    fs::write(path.join("sweep.json"), serde_json::to_vec(&serde_json::json!({ "paths": paths })).unwrap()).unwrap();
    let [one, other] =
        ["security_log/2026-11-19/0002", "security_log/2026-11-20/0004"].map(|name| lines_file(&path, name));
    for name in [&one, &path.join("security_log/2026-11-19/0002.json"), &other] {
        let sealed = name.to_str().unwrap().strip_suffix(".sealed");
        if let Some((_, key)) = sealed.and_then(|name| name.rsplit_once('.')) {
            assert!(key::destroy(&Root::open(&path).unwrap(), key).unwrap());
        }
        fs::remove_file(name).unwrap();
    }
    assert!(!problems(&path).is_empty());
    let report = sweep(&path, later);
    assert_eq!(report.found_gone, ["security_log/2026-11-19/0002"]);
    assert_eq!(
        report.due.iter().map(|deletion| deletion.path.as_str()).collect::<Vec<_>>(),
        ["security_log/2026-11-20/0004"]
    );
    assert_eq!(problems(&path), Vec::<String>::new());
    assert!(!path.join("sweep.json").exists());
    assert_eq!(sweep(&path, later).due, []);
}

#[test]
fn what_cannot_be_unlinked_is_reported_as_it_is() {
    let room = room();
    let path = room.path().join("store");
    filled(&path);
    // A directory in the place of the file is refused by `unlink`, whoever asks.
    let name = lines_file(&path, "security_log/2026-11-19/0002");
    fs::rename(&name, room.path().join("aside")).unwrap();
    fs::create_dir(&name).unwrap();
    let report = sweep(&path, day("2027-05-20").start());
    assert_eq!((report.due.len(), report.failed()), (2, 1));
    let failed = report.due.iter().find(|deletion| !deletion.is_gone).unwrap();
    assert!(failed.path == "security_log/2026-11-19/0002" && failed.said.contains("directory"), "{failed:?}");
    let log = fs::read_to_string(path.join("audit.log")).unwrap();
    assert!(log.contains("\"security_log/2026-11-20/0004\":\"gone") && !log.contains("0002\":\"gone"));
    fs::remove_dir(&name).unwrap();
    fs::rename(room.path().join("aside"), &name).unwrap();
    assert_eq!(sweep(&path, day("2027-05-20").start()).failed(), 0);
    assert_eq!(problems(&path), Vec::<String>::new());
}

#[test]
fn a_clock_that_jumped_deletes_nothing() {
    let room = room();
    let path = room.path().join("store");
    filled(&path);
    let root = Root::open(&path).unwrap();
    let swept = |days: i64| {
        let now = Timestamp(day("2026-11-21").start().0 + days * DAY + 3600);
        Sweep { clock: Clock::System(now), terms: None, dry_run: false }.run(&root)
    };
    for days in [0, -1] {
        swept(days).unwrap();
    }
    for days in [-3650, -4, 33, 200, 3650] {
        let error = swept(days).unwrap_err();
        assert!(error.to_string().starts_with("nothing was deleted: the clock says"), "{days} {error}");
    }
    assert_eq!(list(&root).unwrap().kept.len(), 5);
    // What others write by the same clock makes it no better.
    let later = Timestamp(day("2026-11-21").start().0 + 3650 * DAY);
    kept(&path, (&facts(1, &CLASSES), terms(&CLASSES)), &Maker::new().batch(&[("x", later.date())]), later);
    assert!(swept(3650).unwrap_err().to_string().contains("after the last sweep of this store, 2026-11-20"));
    // Whoever knows says so; what he reckons with is not when it was done.
    let now = day("2026-11-22").start();
    let clock = Clock::Given { reckoned: day("2031-01-01").start(), system: now };
    Sweep { clock, terms: None, dry_run: false }.run(&root).unwrap();
    for days in [1, 20] {
        swept(days).unwrap();
    }
}

#[test]
fn a_hold_that_stands_in_one_place_alone_holds_and_its_day_is_told() {
    let room = room();
    let path = room.path().join("store");
    filled(&path);
    let root = Root::open(&path).unwrap();
    fs::remove_file(path.join("holds.json")).unwrap();
    assert_eq!(holds(&root).unwrap().holds.len(), 1);
    assert!(problems(&path)[0].starts_with("holds.json: "));
    let now = day("2026-12-20").start();
    let report = sweep(&path, now);
    assert_eq!((report.held.as_slice(), report.expired.len()), (&["week_log/2026-11-19/0001".to_owned()][..], 0));
    let report = sweep(&path, day("2027-01-01").start());
    assert_eq!((report.held.len(), report.expired.as_slice()), (1, &["case 7".to_owned()][..]));
    release(&root, "case 7", now).unwrap();
    assert_eq!(problems(&path), Vec::<String>::new());
    assert_eq!(sweep(&path, now).due.len(), 1);
    assert_eq!(release(&root, "case 7", now).unwrap_err().kind(), Kind::NoInput);
    let scope = Scope::default();
    for (reference, authority, expires) in
        [("", "x", "2027-01-01"), ("x", "a\nb", "2027-01-01"), ("x", "y", "2026-12-20")]
    {
        assert!(Hold::new((reference, authority), &scope, day(expires), now).is_err());
    }
}

/// Files below a store, but for those that hold nothing.
fn tree(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = walkdir::WalkDir::new(path).into_iter().flatten().filter(|entry| entry.file_type().is_file());
    files
        .map(|entry| (entry.path().to_path_buf(), fs::read(entry.path()).unwrap()))
        .filter(|(path, _)| !path.ends_with("lock") && !path.ends_with("anchor"))
        .collect()
}

#[test]
fn each_of_10_000_tampers_is_found() {
    let room = room();
    let path = room.path().join("store");
    filled(&path);
    assert_eq!(problems(&path), Vec::<String>::new());
    let whole = tree(&path);
    let names: Vec<&PathBuf> = whole.keys().collect();
    let mut rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    for round in 0..10_000 {
        let mut any = |below: usize| rng.random_range(0..below);
        let name = names[any(names.len())];
        let mut bytes = whole[name].clone();
        let mut others: Vec<(PathBuf, Option<Vec<u8>>)> = Vec::new();
        match round % 8 {
            0 | 1 => {
                let at = any(bytes.len());
                bytes[at] ^= 1 << any(8);
            }
            2 => bytes.truncate(any(bytes.len())),
            3 => bytes.insert(any(bytes.len() + 1), any(256) as u8),
            4 => {
                // A line less.
                let lines: Vec<&[u8]> = whole[name].split_inclusive(|&byte| byte == b'\n').collect();
                let gone = any(lines.len());
                bytes = lines
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| *at != gone)
                    .flat_map(|(_, line)| line.to_vec())
                    .collect();
            }
            5 => others.push((name.clone(), None)),
            6 => {
                let other = names[any(names.len())];
                if whole[other] == whole[name] {
                    continue;
                }
                bytes = whole[other].clone();
                others.push((other.clone(), Some(whole[name].clone())));
            }
            _ => {
                let strange =
                    name.with_file_name(format!("{}{}", ["0009.zst", "x", "0001.json", "0002.zst"][any(4)], any(2)));
                others.push((strange, Some(bytes.clone())));
            }
        }
        fs::write(name, &bytes).unwrap();
        for (other, bytes) in &others {
            match bytes {
                Some(bytes) => fs::write(other, bytes).unwrap(),
                None => fs::remove_file(other).unwrap(),
            }
        }
        assert!(!problems(&path).is_empty(), "round {round}: {}", name.display());
        for (other, _) in &others {
            let _ = fs::remove_file(other);
            if let Some(bytes) = whole.get(other) {
                fs::write(other, bytes).unwrap();
            }
        }
        fs::write(name, &whole[name]).unwrap();
    }
    assert_eq!(problems(&path), Vec::<String>::new());
}

/// Against a model that knows of what was written under which version the shortest life that was said of it while it lay there.
#[test]
fn in_1_000_sequences_of_versions_nothing_outlives_the_shortest_promise_and_nothing_goes_before_it() {
    const LIVES: [&str; 9] = [
        "1 day",
        "3 days",
        "1 week",
        "20 days",
        "1 month",
        "45 days",
        "6 months",
        "fiscal year + 1 month",
        "until released",
    ];
    /// Of a class and a day, under a version.
    type Written = (String, Date, u32);
    let due = |(_, day, _): &Written, lives: &[Life]| lives.iter().filter_map(|life| life.until(*day)).min();
    let mut rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut maker = Maker::new();
    let (mut gone, mut shortened, mut stayed) = (0, 0, 0);
    for sequence in 0..1_000 {
        let room = room();
        let path = room.path().join("store");
        let mut any = |below: usize| rng.random_range(0..below);
        let mut today = day("2026-11-21").days() + any(60) as i64;
        let (mut version, mut classes) = (0, CLASSES);
        // How many records, and every life that was said of them.
        let mut model: BTreeMap<Written, (u64, Vec<Life>)> = BTreeMap::new();
        for _ in 0..3 + any(4) {
            let life_of = |classes: &[(&str, &str); 5], class: &str| -> Life {
                classes.iter().find(|(name, _)| *name == class).unwrap().1.parse().unwrap()
            };
            if version == 0 || any(3) > 0 {
                version += 1;
                (classes[1].1, classes[4].1) = (LIVES[any(LIVES.len())], LIVES[any(LIVES.len())]);
                // What lies there hears of it.
                model.iter_mut().for_each(|((class, ..), (_, lives))| lives.push(life_of(&classes, class)));
            }
            let records: Vec<(&str, Date)> =
                (0..2 + any(4)).map(|_| (CLASSES[[1, 4][any(2)]].0, Date::from_days(today - any(12) as i64))).collect();
            let now = Timestamp(Date::from_days(today).start().0 + 36_000);
            kept(&path, (&facts(version, &classes), terms(&classes)), &maker.batch(&records), now);
            for (class, day) in records {
                let life = life_of(&classes, class);
                // What is due by it never comes in.
                if life.until(day).is_none_or(|until| now < until.start()) {
                    model.entry((class.to_owned(), day, version)).or_insert_with(|| (0, vec![life])).0 += 1;
                }
            }
            today += any(40) as i64;
            let now = Date::from_days(today).start();
            let in_force = [None, Some(terms(&classes))][any(2)].clone();
            let root = Root::open(&path).unwrap();
            Sweep { clock: given(now), terms: in_force, dry_run: false }.run(&root).unwrap();
            model.retain(|key, (_, lives)| {
                let stays = |lives| due(key, lives).is_none_or(|until| now < until.start());
                gone += usize::from(!stays(lives));
                shortened += usize::from(!stays(lives) && stays(&lives[..1]));
                stayed += usize::from(stays(lives) && lives.len() > 1);
                stays(lives)
            });
            let mut there: BTreeMap<Written, u64> = BTreeMap::new();
            for kept in list(&root).unwrap().kept {
                let version = kept.policy.unwrap().rsplit_once('/').unwrap().1.parse().unwrap();
                *there.entry((kept.class, kept.day, version)).or_default() += kept.records.unwrap();
            }
            let wanted: BTreeMap<_, _> = model.iter().map(|(key, (count, _))| (key.clone(), *count)).collect();
            assert_eq!(there, wanted, "sequence {sequence} on {}", Date::from_days(today));
        }
    }
    assert!(gone > 3_000 && shortened > 300 && stayed > 1_000, "{gone} {shortened} {stayed}");
}

/// C04, C05, C20: 900 days, each with records of every class, some late; versions of the policy that shorten and lengthen; 20
/// holds that come and go.
#[test]
fn nothing_older_than_promised_exists_on_any_of_900_days_and_what_is_held_does() {
    let room = room();
    let path = room.path().join("store");
    let begin = day("2026-08-31").days();
    let date = |number: i64| Date::from_days(begin + number);
    // From day 400 on less, from day 600 on more.
    let shorter = CLASSES.map(|(name, keep)| (name, if name == "security_log" { "1 month" } else { keep }));
    let longer = CLASSES.map(|(name, keep)| (name, if name == "security_log" { "26 months" } else { keep }));
    type Classes = [(&'static str, &'static str); 5];
    let versions: [(i64, u32, Classes); 3] = [(0, 1, CLASSES), (400, 2, shorter), (600, 3, longer)];
    let keep_of = |classes: &[(&str, &str)], class: &str| -> Life {
        classes.iter().find(|(name, _)| *name == class).unwrap().1.parse().unwrap()
    };
    // The case, its class, its days, when it is added and when released.
    type Case = (String, Option<&'static str>, (i64, i64), (i64, i64));
    let holds: Vec<Case> = (0..20)
        .map(|number| {
            let first = number * 37 % 500;
            let class =
                [None, Some("week_log"), Some("security_log"), Some("analytics"), Some("day_log")][number as usize % 5];
            (
                format!("case {number}"),
                class,
                (first, first + 3 * (number % 7)),
                (first, first + 150 + 31 * (number % 5)),
            )
        })
        .collect();
    let mut maker = Maker::new();
    let mut seen: BTreeMap<String, (u64, i64, u64)> = BTreeMap::new();
    let mut bytes: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut swept = 0;
    for today in 0..=900i64 {
        let now = date(today).start();
        let (_, version, classes) = versions.iter().rev().find(|(from, ..)| *from <= today).unwrap();
        let facts = facts(*version, classes);
        let mut records = Vec::new();
        for (at, (class, _)) in CLASSES.iter().enumerate() {
            let often = if *class == "analytics" { today % 5 == 0 } else { true };
            if often {
                records.push((*class, date(today)));
            }
            if today % 11 == at as i64 {
                records.push((*class, date(today - 3)));
            }
        }
        let batch = maker.batch(&records);
        kept(&path, (&facts, terms(classes)), &batch, Timestamp(now.0 + 43_200));
        let root = Root::open(&path).unwrap();
        for (case, class, (from, to), (added, released)) in &holds {
            if *added == today {
                let classes = class.iter().map(|class| (*class).to_owned()).collect();
                let scope = Scope { tenants: Vec::new(), classes, from: Some(date(*from)), to: Some(date(*to)) };
                hold(&root, &Hold::new((case, "an authority"), &scope, date(today + 100), now).unwrap(), now).unwrap();
            }
            if *released == today {
                release(&root, case, now).unwrap();
            }
        }
        // The next midnight, when the timer comes.
        let then = date(today + 1);
        let report = sweep(&path, then.start());
        assert_eq!((report.failed(), report.unknown.len()), (0, 0));
        swept += report.due.len();
        let held = |class: &str, day: Date| {
            holds.iter().any(|(_, scope, (from, to), (added, released))| {
                let runs = *added <= today && today < *released;
                runs && scope.is_none_or(|scope| scope == class) && date(*from) <= day && day <= date(*to)
            })
        };
        // What is there, whoever says what: each file under its class, day and number.
        let mut there = BTreeMap::new();
        for entry in walkdir::WalkDir::new(&path).into_iter().flatten().filter(|entry| entry.file_type().is_file()) {
            let name = entry.path().strip_prefix(&path).unwrap().to_str().unwrap().to_owned();
            let stat = entry.metadata().unwrap();
            if name.matches('/').count() == 2 {
                there.insert(name, (stat.ino(), stat.mtime(), stat.len()));
            } else {
                assert!(
                    !name.starts_with("closing/") && (!name.starts_with("open/") || name == "open/anchor"),
                    "{name}"
                );
            }
        }
        for (name, stat) in &there {
            let mut parts = name.split('/');
            let (class, of) = (parts.next().unwrap(), day(parts.next().unwrap()));
            // By the oldest version it can be of, so by the longest that was ever promised for that day.
            let made_on = (of.days() - begin).max(0);
            let first = versions.iter().rev().find(|(from, ..)| *from <= made_on).unwrap();
            let promised = keep_of(&first.2, class).until(of).unwrap().start();
            assert!(then.start() < promised || held(class, of), "day {today}: {name} is older than promised");
            if first.1 == 1 && today >= 400 && class == "security_log" {
                let shortened = keep_of(&shorter, class).until(of).unwrap();
                assert!(
                    then < shortened || held(class, of),
                    "day {today}: {name} lives longer than the newer version says"
                );
            }
            match seen.get(name) {
                Some(before) => assert_eq!(before, stat, "day {today}: {name} was touched"),
                None => drop(bytes.insert(name.clone(), fs::read(path.join(name)).unwrap())),
            }
        }
        // And nothing went that had not to: by the shortest that was ever said.
        for name in seen.keys().filter(|name| !there.contains_key(*name)) {
            let mut parts = name.split('/');
            let (class, of) = (parts.next().unwrap(), day(parts.next().unwrap()));
            let shortest = versions
                .iter()
                .filter(|(from, ..)| *from <= today)
                .map(|(.., classes)| keep_of(classes, class).until(of).unwrap());
            assert!(shortest.min().unwrap() <= then && !held(class, of), "day {today}: {name} went too early");
            bytes.remove(name);
        }
        seen = there;
        if today % 90 == 0 {
            assert_eq!(problems(&path), Vec::<String>::new(), "day {today}");
            assert!(bytes.iter().all(|(name, bytes)| fs::read(path.join(name)).unwrap() == *bytes), "day {today}");
        }
    }
    assert!(swept > 3_000, "{swept}");
    assert!(audit::verify(&path, None).unwrap().is_whole());
}

/// C24: two tenants leave, one says that it stays after all; the accounts that the law asks for stay to their own date.
#[test]
fn what_a_tenant_left_behind_is_gone_three_months_after_the_end_and_nothing_of_others() {
    let room = room();
    let path = room.path().join("store");
    let begin = day("2026-08-31").days();
    let date = |number: i64| Date::from_days(begin + number);
    let class = |name: &str, keep: &str| ClassFacts {
        name: name.to_owned(),
        keep: keep.to_owned(),
        purpose: "service_delivery".to_owned(),
        basis: "contract".to_owned(),
    };
    const OWN: [(&str, &str); 1] = [("security_log", "6 months")];
    const THEIRS: [(&str, &str); 3] = [
        ("customer_data", "end of relationship + 3 months"),
        ("security_log", "1 month"),
        ("accounting", "fiscal year + 1 year"),
    ];
    const TENANTS: [&str; 4] = ["nord", "sor", "vest", "ost"];
    let theirs = || THEIRS.iter().map(|(name, keep)| class(name, keep)).collect::<Vec<_>>();
    let tenants = TENANTS.map(|name| TenantFacts { name: name.to_owned(), classes: theirs() });
    let facts = Facts { tenants: tenants.into(), ..facts(1, &OWN) };
    let labels = TENANTS.iter().flat_map(|tenant| THEIRS.iter().map(move |(name, keep)| (label(tenant, name), *keep)));
    let labels: Vec<(String, &str)> =
        OWN.iter().map(|(name, keep)| ((*name).to_owned(), *keep)).chain(labels).collect();
    let terms = Terms::new(labels.iter().map(|(label, keep)| (label.as_str(), keep.parse().unwrap())));
    let hosts = TENANTS.map(|name| format!(
        "[[tenant]]\nname = \"{name}\"\nhosts = [\"{name}.example\"]\nrole = \"controller\"\n{}",
        [("customer_data", "/c"), ("security_log", "/s"), ("accounting", "")]
            .map(|(name, path)| {
                let when = if path.is_empty() { String::new() } else { format!("when = {{ \"url.path\" = \"{path}*\" }}\n") };
                let keep = THEIRS.iter().find(|(known, _)| *known == name).unwrap().1;
                let purpose = if name == "accounting" { "legal_obligation" } else { "service_delivery" };
                format!("[[tenant.retention]]\nclass = \"{name}\"\n{when}keep = \"{keep}\"\npurpose = \"{purpose}\"\nbasis = \"contract\"\n")
            })
            .concat()
    ));
    let text = format!(
        "base = \"hosting\"\nname = \"store-test\"\nversion = 1\n[source]\nformat = \"vhost_combined\"\n[tenants]\nunknown = \"own\"\n{}\
         [[retention]]\nclass = \"security_log\"\nkeep = \"6 months\"\npurpose = \"security\"\nbasis = \"contract\"\n",
        hosts.concat()
    );
    let policy = Policy::parse(&text, "test.toml").0.unwrap();
    let lives: Vec<(Box<str>, Life)> = policy.lives().collect();
    assert_eq!(terms, Terms::new(lives), "the numbers of classes are those of the engine");
    let mut engine = Engine::new(Arc::new(Plan::compile(&policy).unwrap()));
    // Who ends when, and when it is said: of nord beforehand, of sor on the day, of vest a day too early and then put right,
    // ost comes back.
    let said: [(i64, &str, Option<i64>); 6] = [
        (90, "nord", Some(120)),
        (200, "sor", Some(200)),
        (210, "vest", Some(199)),
        (215, "vest", Some(240)),
        (300, "ost", Some(310)),
        (390, "ost", None),
    ];
    let leaves = |tenant: &str, today: i64| {
        let last = said.iter().rev().find(|(day, name, _)| *day <= today && *name == tenant);
        last.and_then(|(.., end)| *end)
    };
    let mut there_before: BTreeMap<String, u64> = BTreeMap::new();
    let mut gone = 0;
    for today in 0..=900i64 {
        let now = date(today).start();
        let root = Root::create(&path).unwrap();
        for (_, tenant, end_on) in said.iter().filter(|(day, ..)| *day == today) {
            match end_on {
                Some(day) => drop(end(&root, tenant, date(*day), "user 0", now).unwrap()),
                None => resume(&root, tenant, "user 0", now).unwrap(),
            }
        }
        if today % 10 == 0 {
            let (day, month) = (date(today).day(), date(today).month() as usize);
            let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][month - 1];
            let year = date(today).year();
            let mut lines = String::new();
            // Who left writes nothing more, but for one line a month later.
            for host in ["own", "nord", "sor", "vest", "ost"] {
                let left = leaves(host, today).filter(|end| today > *end);
                for path in ["c", "s", "x"] {
                    if left.is_none_or(|end| path == "c" && today == end + 30) {
                        lines.push_str(&format!(
                            "{host}.example:443 203.0.113.7 - - [{day:02}/{month}/{year}:10:00:00 +0000] \"GET /{path} HTTP/1.1\" 200 5 \"-\" \"-\"\n"
                        ));
                    }
                }
            }
            let mut batch = Batch::default();
            let mut at = 0;
            while let (_, Progress::Paused { at: done, epoch }) = engine.run(&lines.as_bytes()[at..], &mut batch) {
                at += done;
                engine.admit(epoch, None);
            }
            kept(&path, (&facts, terms.clone()), &batch, Timestamp(now.0 + 43_200));
        }
        let then = date(today + 1);
        let report = sweep(&path, then.start());
        assert_eq!((report.failed(), report.unknown.len()), (0, 0));
        gone += report.due.len();
        let there: BTreeMap<String, u64> = walkdir::WalkDir::new(&path)
            .into_iter()
            .flatten()
            .filter(|entry| entry.file_type().is_file() && entry.depth() == 3)
            .map(|entry| {
                let name = entry.path().strip_prefix(&path).unwrap().to_str().unwrap().to_owned();
                (name, entry.metadata().unwrap().ino())
            })
            .collect();
        // When each had to be gone, by what was said so far.
        let due = |name: &str| {
            let mut parts = name.split('/');
            let (label, of) = (parts.next().unwrap(), day(parts.next().unwrap()));
            let (tenant, class) = label.split_once('~').unwrap_or(("", label));
            match (tenant, class) {
                ("", "security_log") => Some(of.plus(6, 0)),
                (_, "security_log") => Some(of.plus(1, 0)),
                (_, "accounting") => Some(Date::new(of.year() + 1, 1, 1).unwrap().plus(12, 0)),
                (tenant, "customer_data") => leaves(tenant, today).map(|end| date(end).plus(3, 0).max(of)),
                other => panic!("{other:?}"),
            }
        };
        for (name, inode) in &there {
            assert!(due(name).is_none_or(|due| then < due), "day {today}: {name} is there too long");
            assert!(there_before.get(name).is_none_or(|before| before == inode), "day {today}: {name} was touched");
        }
        for name in there_before.keys().filter(|name| !there.contains_key(*name)) {
            assert!(due(name).is_some_and(|due| then >= due), "day {today}: {name} went too early");
        }
        there_before = there;
    }
    assert!(gone > 300, "{gone}");
    let left = |tenant: &str, class: &str| there_before.keys().any(|name| name.starts_with(&label(tenant, class)));
    for tenant in ["nord", "sor", "vest"] {
        assert!(!left(tenant, "customer_data"), "{tenant}");
    }
    assert!(left("ost", "customer_data") && left("ost", "accounting"));
    assert_eq!(problems(&path), Vec::<String>::new());
    // What is listed says whose it is, and until when.
    let root = Root::open(&path).unwrap();
    let listed = list(&root).unwrap().kept;
    assert!(listed.iter().any(|kept| kept.tenant == "ost" && kept.class == "customer_data" && kept.until.is_none()));
    end(&root, "ost", date(901), "user 0", date(901).start()).unwrap();
    let listed = list(&root).unwrap().kept;
    let of_ost = listed.iter().filter(|kept| kept.tenant == "ost" && kept.class == "customer_data");
    assert!(of_ost.clone().count() > 0 && of_ost.clone().all(|kept| kept.until == Some(date(901).plus(3, 0))));
    // A hold of one tenant's holds nothing of another's.
    let scope = Scope { tenants: vec!["ost".to_owned()], ..Scope::default() };
    hold(&root, &Hold::new(("case 1", "a court"), &scope, date(2000), date(901).start()).unwrap(), date(901).start())
        .unwrap();
    let report = sweep(&path, date(1900).start());
    assert!(!report.held.is_empty() && report.held.iter().all(|path| path.starts_with("ost~")), "{:?}", report.held);
    assert!(report.due.iter().all(|deletion| deletion.is_gone && !deletion.path.starts_with("ost~")));
    assert!(resume(&root, "nobody", "user 0", date(901).start()).is_err());
    assert!(end(&root, "No Body", date(901), "user 0", date(901).start()).is_err());
}

#[test]
fn no_class_is_called_what_a_store_calls_its_own() {
    let own = [MARK, LOCK, OPEN, CLOSING, POLICIES, HEAD, key::KEYS];
    assert_eq!(crate::retention::STORE_NAMES.iter().collect::<std::collections::BTreeSet<_>>(), own.iter().collect());
}

/// F46 of sealed stores: nothing of a line is readable anywhere, open or closed; a key dies before what it opens, and with it
/// every copy.
#[test]
fn what_is_sealed_is_read_with_its_key_alone_and_never_after_it_is_destroyed() {
    SEALS.set(true);
    let (room, mut maker) = (room(), Maker::new());
    let path = room.path().join("store");
    let today = day("2026-11-21");
    let (facts, terms) = (facts(1, &CLASSES), terms(&CLASSES));
    let mut store = Store::open(Root::create(&path).unwrap(), (&facts, terms.clone()), sealing(), None, clock).unwrap();
    let records: Vec<_> = (0..2_000).map(|number| (["x", "week_log"][number % 2], today)).collect();
    let batch = maker.batch(&records);
    written(&mut store, &batch, today.start());
    store.sync().unwrap();
    let is_dark = || {
        let shown = [&b"203.0.113"[..], b"GET /", b"curl/8", b"security_log until="];
        tree(&path).iter().all(|(_, bytes)| shown.iter().all(|text| memchr::memmem::find(bytes, text).is_none()))
    };
    assert!(is_dark(), "open");
    store.put_aside(today.start(), true).unwrap();
    assert_eq!(store.end(), None);
    drop(store);
    assert!(is_dark(), "closed");
    // All that was written comes back, and nobody needs the key to see that it is as it was.
    let back = [read_back(&path, "security_log"), read_back(&path, "week_log")].concat();
    let lines = |bytes: &[u8]| {
        let mut lines: Vec<Vec<u8>> = bytes.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(&back), lines(batch.bytes()));
    let root = Root::open(&path).unwrap();
    let found = verify(&root, None).unwrap();
    assert_eq!((found.problems.len(), found.segments, found.unopened, found.records), (0, 2, 2, 2_000));
    assert_eq!(verify(&root, Some(&wrap(1))).unwrap().unopened, 0);
    assert_eq!(verify(&root, Some(&wrap(2))).unwrap_err().kind(), Kind::Config);
    let nothing = |wrap: Option<&Wrap>| read(&root, &Scope::default(), wrap, |_| panic!("nothing is read"));
    for (wrap, why) in [(None, "are sealed: name the file"), (Some(wrap(2)), "wrapped with another file")] {
        let error = nothing(wrap.as_ref()).unwrap_err();
        assert!(error.kind() == Kind::Config && error.to_string().contains(why), "{error}");
    }
    let sealing = |byte| Sealing { seals: true, wrap: Some(wrap(byte)) };
    let other = Store::open(Root::open(&path).unwrap(), (&facts, terms), sealing(2), None, clock);
    assert!(other.unwrap_err().to_string().contains("wrapped with another file"));

    // A changed byte is found without the key, and so is a key that is gone.
    let name = lines_file(&path, "week_log/2026-11-21/0002");
    let key = name.to_str().unwrap().strip_suffix(".sealed").unwrap().rsplit_once('.').unwrap().1.to_owned();
    let key = path.join("keys").join(format!("{key}.key"));
    for file in [&name, &key] {
        let whole = fs::read(file).unwrap();
        let mut changed = whole.clone();
        changed[40] ^= 1;
        for other in [&whole[1..], &changed] {
            fs::write(file, other).unwrap();
            assert_eq!(verify(&root, None).unwrap().problems.len(), 1, "{}", file.display());
        }
        fs::remove_file(file).unwrap();
        assert_eq!(verify(&root, None).unwrap().problems.len(), 1, "{}", file.display());
        fs::write(file, &whole).unwrap();
    }

    // What says by itself which file it is may be lost: the keys tell, and the next start makes it again.
    let check = path.join("keys/check");
    let kept = fs::read(&check).unwrap();
    fs::remove_file(&check).unwrap();
    assert_eq!(verify(&root, None).unwrap().problems.len(), 1);
    assert_eq!(lines(&[read_back(&path, "security_log"), read_back(&path, "week_log")].concat()), lines(batch.bytes()));
    assert_eq!(nothing(Some(&wrap(2))).unwrap_err().kind(), Kind::Config);
    drop(key::Keys::create(&root, wrap(1)).unwrap());
    assert!(check.exists() && key::Keys::create(&root, wrap(2)).is_err());
    fs::write(&check, kept).unwrap();

    // A backup without keys, and one with them from before they were wrapped anew.
    let backup = fs::read(&name).unwrap();
    let old_key = fs::read(&key).unwrap();
    assert_eq!(rewrap(&root, &wrap(2), Some(&wrap(1)), today.start()).unwrap(), 2);
    assert_eq!(rewrap(&root, &wrap(2), Some(&wrap(1)), today.start()).unwrap(), 0);
    assert_eq!(nothing(Some(&wrap(1))).unwrap_err().kind(), Kind::Config);
    assert_eq!(verify(&root, Some(&wrap(2))).unwrap().problems, []);
    assert_ne!(fs::read(&key).unwrap(), old_key);
    let mut held = fs::File::open(&key).unwrap();
    assert_eq!(sweep(&path, day("2026-11-28").start()).due[0].said, "gone, and its key before it");
    let mut left = Vec::new();
    std::io::Read::read_to_end(&mut held, &mut left).unwrap();
    assert!(left.len() == old_key.len() && left.iter().all(|&byte| byte == 0), "it is overwritten");
    assert!(!name.exists() && !key.exists());
    assert_eq!(verify(&root, Some(&wrap(2))).unwrap().problems, []);
    let keys = key::Keys::open(&root, wrap(2)).unwrap().unwrap();
    fs::create_dir_all(name.parent().unwrap()).unwrap();
    fs::write(&name, backup).unwrap();
    fs::write(&key, &old_key).unwrap();
    let name = key.file_stem().unwrap().to_str().unwrap();
    assert_eq!(keys.load(name).unwrap_err().kind(), Kind::Data, "an old copy of the key is none under the new file");
}

#[test]
fn a_key_that_was_begun_goes_and_one_with_a_second_name_is_told() {
    SEALS.set(true);
    let room = room();
    let path = room.path().join("store");
    filled(&path);
    let keys = path.join("keys");
    fs::write(keys.join("0123456789abcdef.key"), [7; 96]).unwrap();
    fs::write(keys.join("0123456789abcdef.spans"), [7; 40]).unwrap();
    fs::write(keys.join(".76543210fedcba98.key.new"), "begun").unwrap();
    // Of a segment that is somewhere else for now.
    let (of_day, aside) = (path.join("security_log/2026-11-20"), room.path().join("aside"));
    fs::rename(&of_day, &aside).unwrap();
    assert!(problems(&path)[0].contains("there is nothing that it opens"), "{:?}", problems(&path));
    let open =
        || Store::open(Root::open(&path).unwrap(), (&facts(1, &CLASSES), terms(&CLASSES)), sealing(), None, clock);
    drop(open().unwrap());
    assert!(!keys.join("0123456789abcdef.key").exists() && problems(&path).len() == 2, "{:?}", problems(&path));
    fs::rename(&aside, &of_day).unwrap();
    assert_eq!(problems(&path), Vec::<String>::new());
    let key = lines_file(&path, "security_log/2026-11-19/0002");
    let key = key.to_str().unwrap().strip_suffix(".sealed").unwrap().rsplit_once('.').unwrap().1.to_owned();
    let second = room.path().join("second");
    fs::hard_link(keys.join(format!("{key}.key")), &second).unwrap();
    let report = sweep(&path, day("2030-01-01").start());
    let failed: Vec<_> = report.due.iter().filter(|deletion| !deletion.is_gone).collect();
    assert!(failed.len() == 1 && failed[0].said.contains("has a second name"), "{failed:?}");
    assert!(fs::read(&second).unwrap().iter().any(|&byte| byte != 0));
    fs::remove_file(&second).unwrap();
    assert_eq!(sweep(&path, day("2030-01-01").start()).failed(), 0);
    assert_eq!(fs::read_dir(&keys).unwrap().count(), 2, "the check, and what is held");
}

/// A policy that seals follows one that does not, and the other way round: what was begun is closed as it was begun.
#[test]
fn sealing_is_switched_on_and_off_between_runs() {
    let (room, mut maker) = (room(), Maker::new());
    let path = room.path().join("store");
    let today = day("2026-11-21");
    let (facts, terms) = (facts(1, &CLASSES), terms(&CLASSES));
    for seals in [false, true, false, true] {
        let sealing = Sealing { seals, wrap: Some(wrap(1)) };
        let root = Root::create(&path).unwrap();
        let mut store = Store::open(root, (&facts, terms.clone()), sealing, None, clock).unwrap();
        written(&mut store, &maker.batch(&[("x", today)]), today.start());
        store.sync().unwrap();
        // It ends without closing.
    }
    SEALS.set(true);
    let kept = list(&Root::open(&path).unwrap()).unwrap().kept;
    assert_eq!(kept.iter().filter(|kept| kept.key.is_some()).count(), 1, "sealed ones are gone on with");
    assert_eq!(kept.len(), 2);
    let without = Store::open(Root::open(&path).unwrap(), (&facts, terms.clone()), Sealing::default(), None, clock);
    assert!(without.unwrap_err().to_string().contains("are sealed: name the file"));
    let mut store = Store::open(Root::open(&path).unwrap(), (&facts, terms), sealing(), None, clock).unwrap();
    store.put_aside(today.start(), true).unwrap();
    assert_eq!(store.end(), None);
    assert_eq!(problems(&path), Vec::<String>::new());
    assert_eq!(read_back(&path, "security_log").iter().filter(|&&byte| byte == b'\n').count(), 4);
}

/// Nobody swept it: what is missing comes back, or somebody says that it does not.
#[test]
fn an_open_file_whose_key_is_missing_is_not_taken_for_swept() {
    SEALS.set(true);
    let (room, mut maker) = (room(), Maker::new());
    let path = room.path().join("store");
    let today = day("2026-11-21");
    let open =
        || Store::open(Root::create(&path).unwrap(), (&facts(1, &CLASSES), terms(&CLASSES)), sealing(), None, clock);
    let mut store = open().unwrap();
    written(&mut store, &maker.batch(&[("x", today)]), today.start());
    store.sync().unwrap();
    drop(store);
    let log = fs::read_dir(path.join("open")).unwrap().flatten().map(|entry| entry.path());
    let log = log.into_iter().find(|path| path.extension().is_some()).unwrap();
    let aside = room.path().join("aside");
    fs::rename(path.join("keys"), &aside).unwrap();
    let error = open().unwrap_err();
    assert!(error.kind() == Kind::Data && error.to_string().contains("put `keys` back"), "{error}");
    assert!(log.exists());
    fs::remove_dir_all(path.join("keys")).unwrap();
    fs::rename(&aside, path.join("keys")).unwrap();
    let spans = fs::read_dir(path.join("keys")).unwrap().flatten().map(|entry| entry.path());
    let spans = spans.into_iter().find(|path| path.extension().is_some_and(|end| end == "spans")).unwrap();
    fs::rename(&spans, &aside).unwrap();
    assert!(open().unwrap_err().to_string().contains("its spans are missing"));
    assert_eq!(verify(&Root::open(&path).unwrap(), None).unwrap().problems.len(), 1);
    fs::rename(&aside, &spans).unwrap();
    let mut store = open().unwrap();
    store.put_aside(today.start(), true).unwrap();
    assert_eq!(store.end(), None);
    drop(store);
    assert_eq!(read_back(&path, "security_log").iter().filter(|&&byte| byte == b'\n').count(), 1);
    // A sweep that was killed behind the key was about to take it.
    let mut store = open().unwrap();
    written(&mut store, &maker.batch(&[("x", today)]), today.start());
    store.sync().unwrap();
    drop(store);
    let name = list(&Root::open(&path).unwrap()).unwrap().kept.into_iter().find(|kept| !kept.is_segment).unwrap();
    fs::write(path.join("sweep.json"), format!("{{\"paths\":[\"{}\"]}}", name.path)).unwrap();
    assert!(key::destroy(&Root::open(&path).unwrap(), &name.key.unwrap()).unwrap());
    drop(open().unwrap());
    assert!(!path.join(name.path).exists());
}
