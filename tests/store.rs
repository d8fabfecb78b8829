//! A store from end to end: the sidecar writes it, and `sladd store` lists, verifies, holds and sweeps it.
#![cfg(feature = "net")]
#![allow(clippy::unwrap_used)]

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

const SLADD: &str = env!("CARGO_BIN_EXE_sladd");

/// Lines of three days; the class of the second is kept for a year, that of the others for long.
const LINES: &str = "\
203.0.113.7 - - [19/Nov/2026:10:00:00 +0000] \"GET /a HTTP/1.1\" 200 5 \"-\" \"curl/8.5.0\"
203.0.113.7 - - [20/Nov/2026:10:00:00 +0000] \"GET /a HTTP/1.1\" 404 5 \"-\" \"curl/8.5.0\"
203.0.113.7 - - [20/Nov/2026:23:59:59 -0100] \"GET /b HTTP/1.1\" 200 5 \"-\" \"curl/8.5.0\"
203.0.113.7 - - [19/Nov/2026:10:00:01 +0000] \"GET /c HTTP/1.1\" 200 5 \"-\" \"curl/8.5.0\"
";

fn policy(room: &Path, version: u32, errors: &str) -> PathBuf {
    let text = format!(
        "base = \"hosting\"\nname = \"example-host\"\nversion = {version}\n\
         [[retention]]\nclass = \"errors\"\nwhen = {{ \"http.response.status_code\" = [\"4xx\"] }}\nkeep = \"{errors}\"\n\
         purpose = \"fault_detection\"\nbasis = \"legitimate_interest\"\n\
         [[retention]]\nclass = \"security_log\"\nkeep = \"90 years\"\npurpose = \"security\"\nbasis = \"legitimate_interest\"\n\
         [keys]\ndirectory = \"ROOM/keys\"\n[state]\ndirectory = \"ROOM/state\"\n[[input]]\nfollow = [\"ROOM/access.log\"]\n\
         [[output]]\nfile = \"ROOM/all.log\"\n[[output]]\nstore = \"ROOM/store\"\n"
    );
    let path = room.join("policy.toml");
    fs::write(&path, text.replace("ROOM", room.to_str().unwrap())).unwrap();
    path
}

/// Runs the sidecar until so many lines stand in its other output, and ends it.
fn sidecar(room: &Path, lines: usize) -> String {
    let mut child = Command::new(SLADD)
        .args(
            ["sidecar", "--policy", "policy.toml"]
                .map(|word| if word == "policy.toml" { "./policy.toml" } else { word }),
        )
        .current_dir(room)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let began = Instant::now();
    let count = || fs::read_to_string(room.join("all.log")).map_or(0, |text| text.lines().count());
    while count() < lines {
        assert!(began.elapsed() < Duration::from_secs(180) && child.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(5));
    }
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    said
}

fn store(room: &Path, words: &[&str]) -> (i32, Value, String) {
    let output: Output = Command::new(SLADD).arg("store").args(words).current_dir(room).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
    (output.status.code().unwrap(), value, said)
}

#[test]
fn the_sidecar_keeps_records_by_class_and_day_and_a_sweep_deletes_what_is_due() {
    let room = tempfile::tempdir().unwrap();
    let at = |name: &str| room.path().join(name);
    fs::write(at("access.log"), LINES).unwrap();
    policy(room.path(), 1, "80 years");
    sidecar(room.path(), 4);

    // Each segment holds the lines of its class and day as the other output has them.
    let all = fs::read_to_string(at("all.log")).unwrap();
    let listed = store(room.path(), &["list", "--policy", "./policy.toml", "--json"]);
    let kept = listed.1["stores"][0]["kept"].as_array().unwrap().clone();
    let rows: Vec<_> =
        kept.iter().map(|kept| (kept["path"].as_str().unwrap(), kept["until"].as_str().unwrap())).collect();
    assert_eq!(
        rows,
        [
            ("errors/2026-11-20/0002", "2106-11-20"),
            ("security_log/2026-11-19/0001", "2116-11-19"),
            ("security_log/2026-11-21/0003", "2116-11-21"),
        ]
    );
    let unpacked = |path: &str| {
        String::from_utf8(zstd::decode_all(&fs::read(at("store").join(format!("{path}.zst"))).unwrap()[..]).unwrap())
            .unwrap()
    };
    for (path, lines) in [(rows[0].0, vec![1]), (rows[1].0, vec![0, 3]), (rows[2].0, vec![2])] {
        let wanted: String = lines.iter().map(|&line| format!("{}\n", all.lines().nth(line).unwrap())).collect();
        assert_eq!(unpacked(path), wanted, "{path}");
    }
    let manifest: Value = serde_json::from_slice(&fs::read(at("store/errors/2026-11-20/0002.json")).unwrap()).unwrap();
    assert_eq!((&manifest["records"], &manifest["purpose"]), (&Value::from(1), &Value::from("fault_detection")));
    let client = manifest["treatments"].as_array().unwrap().iter().find(|of| of["field"] == "client.address").unwrap();
    assert_eq!(
        (&client["stability"], client["treatment"].as_str().unwrap().starts_with("truncate")),
        (&Value::from("stable"), true)
    );
    assert_eq!(manifest["key_epochs"], serde_json::json!(["2026-11-20"]));
    assert_eq!(store(room.path(), &["verify", "store"]).0, 0);

    // Another run goes on in new segments.
    let more = "203.0.113.9 - - [19/Nov/2026:11:00:00 +0000] \"GET /d HTTP/1.1\" 200 5 \"-\" \"curl/8.5.0\"\n";
    fs::write(at("access.log"), format!("{LINES}{more}")).unwrap();
    sidecar(room.path(), 5);
    assert!(unpacked("security_log/2026-11-19/0004").contains("GET /d"));

    // A pipe never writes into it.
    let piped = Command::new(SLADD)
        .args(["pipe", "-o", "store"])
        .current_dir(room.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        piped.status.code() == Some(2)
            && String::from_utf8_lossy(&piped.stderr).contains("is a store, which the sidecar alone writes")
    );

    // A newer version keeps errors for a shorter time, and that counts for what is there.
    let (code, report, _) = store(room.path(), &["sweep", "store", "--now", "2027-11-20", "--json"]);
    assert_eq!((code, &report["stores"][0]["report"]["due"]), (0, &serde_json::json!([])));
    policy(room.path(), 2, "1 year");
    let hold = |words: &[&str]| store(room.path(), &[&["hold"], words].concat());
    let add = ["add", "store", "--reference", "case 7", "--authority", "a court", "--class", "errors"];
    let (code, said, _) =
        hold(&[&add[..], &["--from", "2026-11-20", "--to", "2026-11-20", "--expires", "2999-01-01"]].concat());
    assert_eq!((code, said), (0, Value::from("held: 1 file now; what comes to it later too\n")));
    let sweep = ["sweep", "--policy", "./policy.toml", "--now", "2027-11-20", "--json"];
    let (code, report, _) = store(room.path(), &sweep);
    assert_eq!((code, &report["stores"][0]["report"]["held"]), (0, &serde_json::json!(["errors/2026-11-20/0002"])));
    // Its day comes: it holds, and that is told until somebody does something.
    let (code, report, _) =
        store(room.path(), &["sweep", "--policy", "./policy.toml", "--now", "2999-01-01", "--dry-run", "--json"]);
    assert_eq!((code, &report["stores"][0]["report"]["expired"]), (0, &serde_json::json!(["case 7"])));
    assert_eq!(hold(&["release", "store", "--reference", "case 8"]).0, 66);
    assert_eq!(hold(&["release", "store", "--reference", "case 7"]).0, 0);
    let (code, report, _) = store(room.path(), &[&sweep[..], &["--dry-run"]].concat());
    assert_eq!((code, report["stores"][0]["report"]["due"][0]["said"].as_str()), (0, Some("due")));
    assert!(at("store/errors/2026-11-20/0002.zst").exists());
    let (code, report, _) = store(room.path(), &sweep);
    assert_eq!((code, report["stores"][0]["report"]["due"][0]["said"].as_str()), (0, Some("gone")));
    assert!(!at("store/errors/2026-11-20").exists() && at("store/security_log/2026-11-19/0001.zst").exists());
    assert_eq!(store(room.path(), &["verify", "store"]).0, 0);
    let (code, said, _) = store(room.path(), &["audit", "verify", "store"]);
    assert!(code == 0 && said.as_str().unwrap().contains(" entries, head "), "{said}");

    // One byte.
    let path = at("store/security_log/2026-11-19/0001.zst");
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    let (code, found, _) = store(room.path(), &["verify", "store", "--json"]);
    assert_eq!(
        (code, found["stores"][0]["found"]["problems"][0]["path"].as_str()),
        (1, Some("security_log/2026-11-19/0001"))
    );
}

#[test]
fn what_is_asked_wrongly_is_refused_in_words() {
    let room = tempfile::tempdir().unwrap();
    fs::write(room.path().join("mine"), "x").unwrap();
    for (words, code, said) in [
        (&["list"][..], 2, "name a store's directory, or --policy with one"),
        (&["list", "."], 78, "is no store of sladd"),
        (&["verify", "missing"], 66, "it is not there"),
        (&["sweep", ".", "--now", "soon"], 2, "--now is neither a day nor a time"),
        (&["sweep", "--policy", "hosting"], 78, "has no output into a store"),
        (&["audit", "verify", ".", "--head", "x"], 2, "not the head of an audit log"),
        (&["hold", "add", ".", "--reference", "a", "--authority", "b", "--expires", "x"], 2, "not a day"),
    ] {
        let (found, _, error) = store(room.path(), words);
        assert!(found == code && error.contains(said), "{words:?} {found} {error}");
    }
    assert_eq!(fs::read_dir(room.path()).unwrap().count(), 1);
}

/// Two tenants and what is nobody's: each output gets what it was told, and the store keeps them apart.
#[test]
fn tenants_have_outputs_and_segments_of_their_own_and_go_when_they_leave() {
    let room = tempfile::tempdir().unwrap();
    let at = |name: &str| room.path().join(name);
    let text = r#"
base = "hosting"
name = "example-host"
version = 1
[source]
format = ["vhost_combined", "combined"]
[fields]
"client.address" = { treatment = "pseudonym" }
[tenants]
unknown = "own"
[[tenant]]
name = "nord"
hosts = ["nord.example"]
role = "processor"
instruction = "agreement 7"
[[tenant.retention]]
class = "customer_data"
keep = "end of relationship + 3 months"
purpose = "service_delivery"
basis = "contract"
[[tenant]]
name = "sor"
hosts = ["sor.example"]
role = "processor"
instruction = "agreement 8"
[keys]
directory = "ROOM/keys"
[state]
directory = "ROOM/state"
[[input]]
follow = ["ROOM/access.log"]
[[input]]
follow = ["ROOM/sor.log"]
tenant = "sor"
[[output]]
file = "ROOM/all.log"
[[output]]
file = "ROOM/nord.out"
tenants = ["nord"]
[[output]]
file = "ROOM/own.out"
tenants = ["own"]
classes = ["security_log"]
[[output]]
store = "ROOM/store"
"#;
    fs::write(at("policy.toml"), text.replace("ROOM", room.path().to_str().unwrap())).unwrap();
    let line = |host: &str, path: &str| {
        format!(
            "{host}203.0.113.7 - - [20/Nov/2026:10:00:00 +0000] \"GET /{path} HTTP/1.1\" 200 5 \"-\" \"curl/8.5.0\"\n"
        )
    };
    let access = [("nord.example:443 ", "n"), ("sor.example:443 ", "s"), ("vest.example:443 ", "v"), ("", "o")];
    fs::write(at("access.log"), access.map(|(host, path)| line(host, path)).concat()).unwrap();
    // Its lines name no host, or even another's.
    fs::write(at("sor.log"), line("", "s2") + &line("nord.example:443 ", "s3")).unwrap();
    sidecar(room.path(), 6);

    let of = |name: &str| fs::read_to_string(at(name)).unwrap();
    let paths = |text: &str| -> Vec<String> {
        let path = |line: &str| line.split("GET /").nth(1).unwrap().split(' ').next().unwrap().to_owned();
        let mut paths: Vec<String> = text.lines().map(path).collect();
        paths.sort();
        paths
    };
    assert_eq!(paths(&of("all.log")), ["n", "o", "s", "s2", "s3", "v"]);
    assert_eq!(paths(&of("nord.out")), ["n"]);
    assert_eq!(paths(&of("own.out")), ["o", "v"]);
    let (code, listed, _) = store(room.path(), &["list", "store", "--json"]);
    assert_eq!(code, 0);
    let kept = listed["stores"][0]["kept"].as_array().unwrap();
    let row = |tenant: &str| {
        kept.iter().find(|kept| kept.get("tenant").map_or("", |name| name.as_str().unwrap()) == tenant).unwrap()
    };
    assert_eq!((kept.len(), &row("nord")["until"], &row("nord")["class"]), (3, &Value::Null, &"customer_data".into()));
    let unpacked = |tenant: &str| {
        let path = at("store").join(format!("{}.zst", row(tenant)["path"].as_str().unwrap()));
        String::from_utf8(zstd::decode_all(&fs::read(path).unwrap()[..]).unwrap()).unwrap()
    };
    assert!(row("nord")["path"].as_str().unwrap().starts_with("nord~customer_data/2026-11-20/"));
    assert_eq!(
        [paths(&unpacked("nord")), paths(&unpacked("sor")), paths(&unpacked(""))],
        [vec!["n"], vec!["s", "s2", "s3"], vec!["o", "v"]]
    );
    // The same address: one pseudonym a tenant, and none in common.
    let client = |text: &str| -> String {
        let words: std::collections::BTreeSet<&str> =
            text.lines().flat_map(|line| line.split(' ')).filter(|word| word.starts_with("p1.")).collect();
        assert_eq!(words.len(), 1, "{text}");
        words.into_iter().next().unwrap().to_owned()
    };
    let clients = [client(&unpacked("nord")), client(&unpacked("sor")), client(&unpacked(""))];
    assert!(clients[0] != clients[1] && clients[1] != clients[2] && clients[0] != clients[2]);
    let manifest: Value =
        serde_json::from_str(&of(&format!("store/{}.json", row("sor")["path"].as_str().unwrap()))).unwrap();
    assert_eq!((&manifest["tenant"], &manifest["class"]), (&"sor".into(), &"security_log".into()));

    // What is kept can be read back, by whose it is, class and day.
    let read = |words: &[&str]| {
        let output = Command::new(SLADD).args(["store", "read", "store"]).args(words).current_dir(room.path()).output();
        let output = output.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap(), said)
    };
    let (code, all, said) = read(&[]);
    assert_eq!((code, all), (0, ["", "nord", "sor"].map(unpacked).concat()));
    assert!(said.contains("6 records of 3 segments"), "{said}");
    assert_eq!(read(&["--tenant", "sor"]).1, unpacked("sor"));
    assert_eq!(read(&["--tenant", "own", "--tenant", "nord", "--class", "customer_data"]).1, unpacked("nord"));
    assert_eq!(read(&["--from", "2026-11-20", "--to", "2026-11-20", "--tenant", "own"]).1, unpacked(""));
    assert_eq!((read(&["--from", "2026-11-21"]).1.as_str(), read(&["--to", "2026-11-19"]).1.as_str()), ("", ""));
    assert_eq!(read(&["--from", "2026"]).0, 2);
    // No byte of a segment that is not as it was closed.
    let path = at("store").join(format!("{}.zst", row("sor")["path"].as_str().unwrap()));
    let right = fs::read(&path).unwrap();
    let mut wrong = right.clone();
    *wrong.last_mut().unwrap() ^= 1;
    fs::write(&path, &wrong).unwrap();
    let (code, out, said) = read(&["--tenant", "sor"]);
    assert!(code == 65 && out.is_empty() && said.contains("it is not as it was closed"), "{said}");
    fs::write(&path, &right).unwrap();

    // What is held is not let go by a hold of the same name.
    let hold = |tenant: &str| {
        let words =
            ["hold", "add", "store", "--reference", "case 7", "--authority", "a court", "--expires", "2100-01-01"];
        store(room.path(), &[&words[..], &["--tenant", tenant]].concat())
    };
    assert_eq!(hold("sor").0, 0);
    let (code, _, said) = hold("nord");
    assert!(code == 2 && said.contains("covers something else"), "{said}");
    assert_eq!(hold("sor").0, 0);
    assert_eq!(store(room.path(), &["hold", "release", "store", "--reference", "case 7"]).0, 0);

    // nord leaves.
    let (code, _, said) =
        store(room.path(), &["tenant", "end", "vest", "--policy", "./policy.toml", "--date", "2026-12-31"]);
    assert!(code == 2 && said.contains("the policy has no such [[tenant]]"), "{said}");
    assert_eq!(store(room.path(), &["tenant", "end", "nord", "store", "--date", "2026-13-31"]).0, 2);
    assert_eq!(store(room.path(), &["tenant", "resume", "nord", "store"]).0, 66);
    assert_eq!(store(room.path(), &["tenant", "end", "own", "store", "--date", "2026-12-31"]).0, 2);
    let (code, said, _) =
        store(room.path(), &["tenant", "end", "nord", "--policy", "./policy.toml", "--date", "2026-12-01"]);
    assert!(code == 0 && said.as_str().unwrap().contains("nord ends on 2026-12-01"), "{said}");
    let (code, said, _) = store(room.path(), &["tenant", "end", "nord", "store", "--date", "2026-12-31"]);
    assert!(code == 0 && said.as_str().unwrap().contains("nord ends on 2026-12-31, and not on 2026-12-01"), "{said}");
    let (code, ends, _) = store(room.path(), &["tenant", "list", "store", "--json"]);
    assert_eq!((code, &ends["stores"][0]["ends"][0]["ends"]), (0, &"2026-12-31".into()));
    let at_day = |day: &str| store(room.path(), &["sweep", "store", "--now", day, "--json"]);
    assert_eq!(at_day("2027-03-30").1["stores"][0]["report"]["due"], serde_json::json!([]));
    let (code, report, _) = at_day("2027-03-31");
    let due = report["stores"][0]["report"]["due"].as_array().unwrap();
    assert!(code == 0 && due.len() == 1 && due[0]["path"].as_str().unwrap().starts_with("nord~"), "{report}");
    assert!(!at("store/nord~customer_data/2026-11-20").exists());
    assert_eq!(store(room.path(), &["verify", "store"]).0, 0);
}
