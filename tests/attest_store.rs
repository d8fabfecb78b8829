//! Claims that a policy alone cannot make true: a store is written, swept and looked at, then each thing that they stand on is
//! taken away, and exactly the claims that stand on it change.
#![cfg(feature = "net")]
#![allow(clippy::unwrap_used)]

use serde_json::Value;
use sladd::{
    Batch, Engine, Plan, Policy, Progress, Timestamp,
    epoch::Period,
    key::{Keyring, Wrap},
    policy::{Colour, draw},
    retention::Keep,
    run::sidecar::facts,
    store::{Clock, Hold, Root, Scope, Sealing, Store, Sweep, hold, list, verify},
    time::Date,
};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

type Answers = BTreeMap<String, String>;

const DAY: i64 = 86_400;
/// 2026-11-21T10:00:00Z: records come.
const NOW: Timestamp = Timestamp(1_795_255_200);
const WRITTEN: &str = "2026-11-21";
/// An hour later somebody asks; the sweep was in between.
const ASKED: &str = "2026-11-21T11:00:00Z";

fn clock() -> Timestamp {
    NOW
}

fn sample(name: &str, file: &str) -> String {
    fs::read_to_string(format!("{}/samples/policies/statements/{name}/{file}.toml", env!("CARGO_MANIFEST_DIR")))
        .unwrap()
}

fn words(file: &str, name: &str) -> Answers {
    let path = format!("{}/tests/attest/{file}.toml", env!("CARGO_MANIFEST_DIR"));
    let table: toml::Table = fs::read_to_string(path).unwrap().parse().unwrap();
    table[name].as_table().unwrap().iter().map(|(id, word)| (id.clone(), word.as_str().unwrap().to_owned())).collect()
}

fn parsed(text: &str) -> Policy {
    let (policy, findings) = Policy::parse(text, "policy.toml");
    policy.unwrap_or_else(|| panic!("{}", draw(text, &findings, Colour::Never)))
}

/// A sample's policy with its store and keys in a directory of their own.
struct Room {
    room: tempfile::TempDir,
    name: &'static str,
    policy: String,
}

impl Room {
    fn new(name: &'static str) -> Room {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().to_str().unwrap();
        let policy = sample(name, "policy").replace("/var/lib/sladd", path).replace("/etc/sladd", path);
        fs::write(room.path().join("wrap.key"), [7; 32]).unwrap();
        fs::set_permissions(room.path().join("wrap.key"), PermissionsExt::from_mode(0o400)).unwrap();
        let room = Room { room, name, policy };
        fs::create_dir(room.at("state")).unwrap();
        fs::create_dir(room.at("state/keys")).unwrap();
        fs::set_permissions(room.at("state/keys"), PermissionsExt::from_mode(0o700)).unwrap();
        // One key whose day came and that is destroyed, and one that is in use.
        let keys = room.keys();
        for (back, expires) in [(40, 0), (0, 0)] {
            let then = Timestamp(NOW.0 - back * DAY);
            keys.secret(Period::Day.epoch(then), then).unwrap();
            keys.expire(Timestamp(NOW.0 - expires)).unwrap();
        }
        room
    }

    /// The same, as it stands after a day of records and a sweep.
    fn filled(name: &'static str) -> Room {
        let room = Room::new(name);
        room.writes(&room.policy, WRITTEN);
        room.sweeps(NOW);
        room
    }

    fn at(&self, name: &str) -> PathBuf {
        self.room.path().join(name)
    }

    fn root(&self) -> Root {
        Root::open(&self.at("store")).unwrap()
    }

    fn keys(&self) -> Keyring {
        Keyring::directory(&self.at("state/keys"), Period::Day, Keep { months: 0, days: 30 }).unwrap()
    }

    fn changed(&mut self, what: &str, into: &str) {
        assert_eq!(self.policy.matches(what).count(), 1, "{what}");
        self.policy = self.policy.replacen(what, into, 1);
    }

    /// Records of every class, of a day, on that day.
    fn writes(&self, text: &str, day: &str) {
        let policy = parsed(text);
        let date = Date::parse(day.as_bytes()).unwrap();
        let now = Timestamp(date.start().0 + 36_000);
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let month = months[date.month() as usize - 1];
        let at = format!("{:02}/{month}/{}:10:00:00 +0000", date.day(), date.year());
        let mut lines: String = [("/a", 200), ("/invoices/7", 200), ("/claims/7", 200), ("/admin/7", 200), ("/b", 500)]
            .map(|(path, status)| {
                format!("203.0.113.7 - - [{at}] \"GET {path} HTTP/1.1\" {status} 5 \"-\" \"curl/8.5.0\"\n")
            })
            .concat();
        lines.push_str(&format!(
            "#Fields: date time c-ip cs-method cs-uri-stem sc-status\n{day} 10:00:00 203.0.113.7 GET /c 200\n"
        ));
        lines.push_str(&format!(
            "{month} {:2} 10:00:00 host sshd[7]: Failed password for invalid user kari from 203.0.113.77 port 50229 ssh2\n",
            date.day()
        ));
        let mut engine = Engine::new(Arc::new(Plan::compile(&policy).unwrap()));
        engine.set_reference(now);
        let (mut batch, mut done) = (Batch::default(), 0);
        while let (_, Progress::Paused { at, epoch }) = engine.run(&lines.as_bytes()[done..], &mut batch) {
            done += at;
            engine.admit(epoch, None);
        }
        let facts = facts::of(&policy, blake3::hash(text.as_bytes()).to_hex().as_str());
        let root = Root::create(&self.at("store")).unwrap();
        let seals = policy.wiring.outputs.iter().any(|output| output.seal);
        let sealing = Sealing { seals, wrap: Some(Wrap::read(&self.at("wrap.key")).unwrap()) };
        let mut store = Store::open(root, (&facts, facts::terms(&policy)), sealing, None, clock).unwrap();
        store.prepare(&batch, |_| true, now).unwrap();
        store.divide(&batch, now).unwrap();
        assert!(store.write(0, now).is_ok());
        store.sync().unwrap();
        store.put_aside(now, true).unwrap();
        assert_eq!(store.end(), None);
    }

    fn sweeps(&self, at: Timestamp) {
        let clock = Clock::Given { reckoned: at, system: at };
        let report = Sweep { clock, terms: None, dry_run: false }.run(&self.root()).unwrap();
        assert_eq!(report.failed(), 0);
    }

    /// What the command says, as an object.
    fn object(&self, more: &[&str]) -> Value {
        fs::write(self.at("policy.toml"), &self.policy).unwrap();
        let claims = format!("{}/samples/policies/statements/{}/claims.toml", env!("CARGO_MANIFEST_DIR"), self.name);
        let output = Command::new(env!("CARGO_BIN_EXE_sladd"))
            .args(["attest", "--claims", &claims, "--policy"])
            .arg(self.at("policy.toml"))
            .args(more)
            .arg("--json")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"))
    }

    fn asked(&self, now: &str) -> BTreeMap<String, (String, String)> {
        let store = self.at("store");
        let object = self.object(&["--store", store.to_str().unwrap(), "--now", now]);
        let row = |row: &Value| {
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            (text("id"), (text("answer").replace('_', " ").to_uppercase(), text("reason")))
        };
        object["claims"].as_array().unwrap().iter().map(row).collect()
    }

    /// What is said otherwise than where nothing was taken away, and that the reason is given.
    fn differs(&self, now: &str, says: &str) -> Answers {
        let mut stands = words("answers", self.name);
        stands.extend(words("stored", self.name));
        let (mut changed, mut told) = (Answers::new(), false);
        for (id, (answer, reason)) in self.asked(now) {
            if stands[&id] != answer {
                told |= reason.contains(says);
                changed.insert(id, answer);
            }
        }
        assert!(told || changed.is_empty(), "nothing says `{says}`: {changed:?} {:?}", self.asked(now));
        changed
    }

    /// Of a class, its manifest, its lines, and their key if they have one.
    fn segment(&self, class: &str) -> Vec<PathBuf> {
        let kept = list(&self.root()).unwrap().kept;
        let kept = kept.iter().find(|kept| kept.class == class).unwrap();
        let path = self.at("store").join(&kept.path);
        let manifest = path.with_extension("json");
        match &kept.key {
            Some(key) => vec![
                manifest,
                path.with_extension(format!("{key}.sealed")),
                self.at("store/keys").join(key).with_extension("key"),
            ],
            None => vec![manifest, path.with_extension("zst")],
        }
    }
}

fn answers<const N: usize>(changed: [(&str, &str); N]) -> Answers {
    changed.map(|(id, answer)| (id.to_owned(), answer.to_owned())).into()
}

const NOT: &str = "NOT ENFORCED";

#[test]
fn each_sample_is_answered_for_its_store_too() {
    for name in ["g", "n", "p", "s", "w"] {
        let room = Room::filled(name);
        assert_eq!(verify(&room.root(), None).unwrap().problems, [], "{name}");
        let classes: Vec<String> = list(&room.root()).unwrap().kept.into_iter().map(|kept| kept.class).collect();
        let all = parsed(&room.policy).classes;
        assert!(all.iter().all(|class| classes.contains(&class.name.to_string())), "{name}: {classes:?}");
        let mut stands = words("answers", name);
        stands.extend(words("stored", name));
        let said: Answers = room.asked(ASKED).into_iter().map(|(id, (answer, _))| (id, answer)).collect();
        assert_eq!(said, stands, "{name}");
        // Nothing was looked at: the policy alone.
        let object = room.object(&[]);
        let alone = object["claims"].as_array().unwrap().iter().filter(|row| row["answer"] == "true").count();
        assert_eq!(alone, words("answers", name).values().filter(|answer| *answer == "TRUE").count(), "{name}");
    }
}

#[test]
fn reasons_name_the_store_its_files_and_its_sweep() {
    let said = Room::filled("s").asked(ASKED);
    for (id, says) in [
        ("kept", "security_log: 6 months, and nothing is older"),
        ("kept", "/store with 1 files, swept on 2026-11-21"),
        ("orders", "/store with 4 files"),
        ("keys", "1 keys in "),
        ("notice", "by the version that it was written under"),
    ] {
        assert!(said[id].1.contains(says), "{id}: {}", said[id].1);
    }
}

#[test]
fn what_lies_there_too_long_makes_false_what_promised_its_end() {
    // Nobody swept for the months in between, but somebody did an hour ago, before it was put back.
    let room = Room::filled("s");
    let (now, back) = ("2027-05-23T11:00:00Z", room.segment("security_log"));
    assert_eq!(back.len(), 3, "it is sealed");
    let bytes: Vec<Vec<u8>> = back.iter().map(|path| fs::read(path).unwrap()).collect();
    room.keys().expire(Timestamp(NOW.0 + 183 * DAY)).unwrap();
    let late = answers([("kept", "FALSE"), ("notice", "FALSE"), ("orders", "FALSE")]);
    assert_eq!(room.differs(now, "had to be gone on 2027-05-21, and is there"), {
        let mut late = late.clone();
        late.insert("books".to_owned(), NOT.to_owned()); // nobody would go on sweeping by the clock
        late
    });
    room.sweeps(Timestamp(NOW.0 + 183 * DAY));
    assert_eq!(room.differs(now, ""), Answers::new());
    fs::create_dir_all(back[0].parent().unwrap()).unwrap();
    for (path, bytes) in back.iter().zip(bytes) {
        fs::write(path, bytes).unwrap();
    }
    let changed = room.differs(now, "had to be gone on 2027-05-21, and is there");
    assert!(late.iter().all(|(id, answer)| changed[id] == *answer), "{changed:?}");
    // The chain tells that it was deleted: what else the store tells is not believed either.
    assert!(changed.iter().all(|(id, answer)| late.contains_key(id) || answer == NOT), "{changed:?}");
}

#[test]
fn what_is_held_is_no_breach_and_is_named() {
    let room = Room::filled("s");
    let scope = Scope { classes: vec!["security_log".to_owned()], ..Scope::default() };
    let expires = Date::parse(b"2028-01-01").unwrap();
    hold(&room.root(), &Hold::new(("case 7", "a court"), &scope, expires, NOW).unwrap(), NOW).unwrap();
    let later = Timestamp(NOW.0 + 183 * DAY);
    room.keys().expire(later).unwrap();
    room.sweeps(later);
    assert_eq!(room.differs("2027-05-23T11:00:00Z", ""), Answers::new());
    let said = room.asked("2027-05-23T11:00:00Z");
    for id in ["kept", "orders"] {
        assert!(said[id].1.contains("1 held by case 7"), "{}", said[id].1);
    }
}

#[test]
fn a_sweep_that_never_ran_or_does_not_come_enforces_nothing() {
    let room = Room::new("s");
    room.writes(&room.policy, WRITTEN);
    let four = answers([("books", NOT), ("kept", NOT), ("notice", NOT), ("orders", NOT)]);
    assert_eq!(room.differs(ASKED, "was never swept"), four);
    // Errors live for a month: they are due, and the day of grace is not over.
    let room = Room::filled("s");
    room.keys().expire(Timestamp(NOW.0 + 30 * DAY)).unwrap();
    let due = room.differs("2026-12-21T11:00:00Z", "is due, and ");
    assert_eq!(due, answers([("notice", NOT), ("orders", NOT)]));
    room.sweeps(Timestamp(NOW.0 + 29 * DAY + 43_200));
    assert_eq!(room.differs("2026-12-21T11:00:00Z", ""), Answers::new());
}

#[test]
fn a_day_that_was_swept_by_a_clock_that_somebody_gave_is_not_believed_beyond_its_time() {
    let room = Room::new("s");
    room.writes(&room.policy, WRITTEN);
    let clock = Clock::Given { reckoned: Timestamp(NOW.0 - 40 * DAY), system: NOW };
    Sweep { clock, terms: None, dry_run: false }.run(&room.root()).unwrap();
    assert_eq!(room.differs(ASKED, "was swept last on 2026-10-12").len(), 4);
}

#[test]
fn a_store_that_is_not_whole_is_believed_in_nothing() {
    let room = Room::filled("s");
    let path = &room.segment("accounting")[0];
    let text = fs::read_to_string(path).unwrap();
    fs::write(path, text.replacen("fiscal year + 5 years", "fiscal year + 4 years", 1)).unwrap();
    let changed = room.differs(ASKED, "its manifest was changed");
    assert!(changed.values().all(|answer| answer == NOT), "{changed:?}");
    let wanted = [
        "account",
        "addresses",
        "books",
        "browsers",
        "contact",
        "cookies",
        "disputes",
        "ends",
        "errors",
        "ground",
        "kept",
        "links",
        "marked",
        "needed",
        "notice",
        "obliged",
        "orders",
        "papers",
        "storing",
        "unfollowed",
    ];
    assert_eq!(changed.keys().map(String::as_str).collect::<Vec<_>>(), wanted);
}

#[test]
fn an_older_version_that_was_longer_counts_until_its_records_are_gone() {
    let mut room = Room::new("s");
    let before = room.policy.replacen("keep = \"6 months\"", "keep = \"26 months\"", 1);
    room.writes(&before, "2026-11-20");
    room.changed("version = 1", "version = 2");
    room.sweeps(NOW);
    assert_eq!(room.differs(ASKED, "which keeps it for 26 months, not for 6 months"), answers([("kept", "FALSE")]));
    // The store comes to know the newer version, which shortens what is there.
    room.writes(&room.policy, WRITTEN);
    assert_eq!(room.differs(ASKED, "a newer version shortens that"), answers([("kept", NOT)]));
}

#[test]
fn a_record_that_was_written_with_less_done_to_it_makes_false_what_is_promised_of_it() {
    /// What of the policy was otherwise, how, what is said of it, and the answers that change.
    type Case = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);
    let cases: [Case; 9] = [
        ("v4 = 16, v6 = 32", "v4 = 24, v6 = 48", "addresses leave as /24 /48", &[("addresses", "FALSE")]),
        (
            "\"http.request.header.cookie\" = { treatment = \"drop\" }",
            "\"http.request.header.cookie\" = { treatment = \"cookie\" }",
            "http.request.header.cookie: cookie",
            &[("account", "FALSE"), ("cookies", "FALSE")],
        ),
        (
            "\"message\" = { treatment = \"scrub\" }",
            "\"message\" = { treatment = \"scrub\", kinds = [\"ip\", \"user\", \"email\", \"phone\"] }",
            "message: scrub",
            &[("papers", "FALSE"), ("unfollowed", "FALSE")],
        ),
        ("[encode]", "[encode]\ntag = \"none\"", "tag = \"none\"", &[("marked", "FALSE")]),
        (
            "[encode]",
            "[exempt]\nnetworks = [\"192.0.2.0/24\"]\nreason = \"x\"\n[encode]",
            "addresses of 192.0.2.0/24 are exempt",
            &[("addresses", "FALSE"), ("unfollowed", "FALSE")],
        ),
        (
            "[fields]",
            "[keep_text]\npatterns = [\"build-[0-9]{1,4}\"]\nreason = \"x\"\n[fields]",
            "text that matches build-[0-9]{1,4}",
            &[("addresses", "FALSE"), ("contact", "FALSE"), ("papers", "FALSE"), ("unfollowed", "FALSE")],
        ),
        ("epoch = \"1 day\"", "epoch = \"1 month\"", "a key is used for 1 month", &[("unfollowed", "FALSE")]),
        (
            "keep = \"6 months\"\npurpose = \"security\"\nbasis = \"legitimate_interest\"",
            "keep = \"6 months\"\npurpose = \"security\"\nbasis = \"contract\"",
            "is kept on the basis contract",
            &[("ground", "FALSE")],
        ),
        (
            "keep = \"6 months\"\npurpose = \"security\"",
            "keep = \"6 months\"\npurpose = \"support\"",
            "is kept for support",
            &[("ends", "FALSE")],
        ),
    ];
    for (what, into, says, wanted) in cases {
        let mut room = Room::new("s");
        assert_eq!(room.policy.matches(what).count(), 1, "{what}");
        room.writes(&room.policy.replacen(what, into, 1), "2026-11-20");
        room.changed("version = 1", "version = 2");
        room.writes(&room.policy, WRITTEN);
        room.sweeps(NOW);
        let wanted: Answers = wanted.iter().map(|(id, answer)| ((*id).to_owned(), (*answer).to_owned())).collect();
        assert_eq!(room.differs(ASKED, says), wanted, "{into}");
    }
}

#[test]
fn what_was_written_before_it_was_sealed_is_not_called_encrypted() {
    let mut room = Room::new("s");
    room.writes(&room.policy.replace("seal = true\n", ""), "2026-11-20");
    room.changed("version = 1", "version = 2");
    room.writes(&room.policy, WRITTEN);
    room.sweeps(NOW);
    assert_eq!(room.differs(ASKED, "is not sealed"), answers([("storing", "FALSE")]));
}

#[test]
fn what_goes_elsewhere_too_is_not_deleted_by_the_store() {
    let four = answers([("books", NOT), ("kept", NOT), ("notice", NOT), ("orders", NOT)]);
    let store = "[[output]]\nstore = ";
    let mut room = Room::filled("s");
    room.changed(store, "[[output]]\nfile = \"/var/log/sladd/all.log\"\ntenants = [\"own\"]\n[[output]]\nstore = ");
    let and_storing = |four: &Answers| {
        let mut five = four.clone();
        five.insert("storing".to_owned(), NOT.to_owned());
        five
    };
    assert_eq!(room.differs(ASKED, "/var/log/sladd/all.log keeps records until"), and_storing(&four));
    // A receiver keeps as it likes; what we keep goes on time all the same.
    let mut room = Room::filled("s");
    room.changed("classes = [\"errors\"]", "classes = [\"security_log\"]");
    assert_eq!(room.differs(ASKED, "the receiver decides how long records live"), answers([("kept", NOT)]));
    let mut room = Room::filled("s");
    let second = format!("[[output]]\nstore = \"{}\"\n{store}", room.at("second").display());
    room.changed(store, &second);
    assert_eq!(room.differs(ASKED, "second was not looked at; name it with --store"), and_storing(&four));
    // The store that is looked at is another one.
    let mut room = Room::filled("s");
    let moved = format!("store = \"{}\"", room.at("elsewhere").display());
    let there = format!("store = \"{}\"", room.at("store").display());
    room.changed(&there, &moved);
    assert_eq!(room.differs(ASKED, "elsewhere was not looked at"), four);
}

#[test]
fn a_key_that_outlived_its_day_makes_false_what_promised_its_end() {
    let room = Room::filled("s");
    let then = Timestamp(NOW.0 - 33 * DAY);
    room.keys().secret(Period::Day.epoch(then), then).unwrap();
    assert_eq!(room.differs(ASKED, "the key 2026-10-19 in "), answers([("keys", "FALSE")]));
    room.keys().expire(NOW).unwrap();
    assert_eq!(room.differs(ASKED, ""), Answers::new());
    // Begun, and not finished.
    let keys = room.at("state/keys");
    fs::write(keys.join("2026-11-21.tomb"), "").unwrap();
    assert_eq!(room.differs(ASKED, "the key 2026-11-21 in "), answers([("keys", "FALSE")]));
    fs::remove_file(keys.join("2026-11-21.tomb")).unwrap();
    let log = fs::read_to_string(keys.join("audit.log")).unwrap();
    fs::write(keys.join("audit.log"), log.replacen("overwritten", "overlooked", 1)).unwrap();
    assert_eq!(room.differs(ASKED, "audit.log: line 1 is not what was written"), answers([("keys", NOT)]));
    fs::remove_dir_all(&keys).unwrap();
    assert_eq!(room.differs(ASKED, "in no directory that is there"), answers([("keys", NOT)]));
}

#[test]
fn a_directory_that_is_no_store_is_refused() {
    let room = Room::filled("n");
    fs::write(room.at("policy.toml"), &room.policy).unwrap();
    let claims = format!("{}/samples/policies/statements/n/claims.toml", env!("CARGO_MANIFEST_DIR"));
    let attest = |more: &[&Path]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sladd"));
        command.args(["attest", "--claims", &claims, "--policy"]).arg(room.at("policy.toml")).args(more);
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let store = Path::new("--store");
    for (more, code, says) in [
        (&[store, &room.at("state")][..], 78, "is no store of sladd"),
        (&[store, &room.at("none")], 66, "it is not there"),
        (&[Path::new("--now"), Path::new("2026-11-21")], 2, "--store"),
        (&[store, &room.at("store"), Path::new("--now"), Path::new("soon")], 2, "--now is neither a day nor a time"),
    ] {
        let (found, said) = attest(more);
        assert!(found == Some(code) && said.contains(says), "{more:?}: {found:?} {said}");
    }
}
