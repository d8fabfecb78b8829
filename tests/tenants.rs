//! Tenants: whose a record is, and that nothing of one's meets anything of another's.
#![allow(clippy::unwrap_used)]

mod common;

use proptest::prelude::*;
use sladd::{
    encode::Batch,
    engine::{Engine, Progress},
    plan::Plan,
    policy::Policy,
    tally::Tally,
    treatment::pseudonym::Secret,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    process::{Command, Output, Stdio},
    sync::Arc,
};

const TENANTS: &str = r#"
base = "hosting"
name = "example-host"
version = 1
[fields]
"client.address" = { treatment = "pseudonym" }
"server.address" = { treatment = "keep", reason = "our own hosts" }
[tenants]
unknown = "UNKNOWN"
[[tenant]]
name = "nord"
hosts = ["nord.example", "*.nord.example"]
role = "processor"
instruction = "agreement 7"
[[tenant]]
name = "sor"
hosts = ["sor.example"]
role = "controller"
[[tenant.retention]]
class = "errors"
when = { "http.response.status_code" = "5xx" }
keep = "1 month"
purpose = "fault_detection"
basis = "contract"
[[tenant.retention]]
class = "customer_data"
keep = "end of relationship + 3 months"
purpose = "service_delivery"
basis = "contract"
"#;

fn policy(unknown: &str) -> Policy {
    common::policy(&TENANTS.replace("UNKNOWN", unknown))
}

/// The records of a batch, each with the tenant and the class that its run is of.
fn runs(policy: &Policy, batch: &Batch) -> Vec<(String, String, String)> {
    let shelves: Vec<(String, String)> =
        policy.shelves().map(|(tenant, class)| (tenant.to_owned(), class.name.to_string())).collect();
    let lines = batch.runs().flat_map(|(run, records)| {
        let (tenant, class) = shelves[usize::from(run.class.0)].clone();
        String::from_utf8(records.to_vec())
            .unwrap()
            .lines()
            .map(|line| (tenant.clone(), class.clone(), line.to_owned()))
            .collect::<Vec<_>>()
    });
    lines.collect()
}

fn run(engine: &mut Engine, lines: &[u8], batch: &mut Batch) -> Tally {
    let (mut sum, mut at) = (Tally::default(), 0);
    loop {
        let (tally, progress) = engine.run(&lines[at..], batch);
        sum += tally;
        let Progress::Paused { at: done, epoch } = progress else { return sum };
        at += done;
        engine.admit(epoch, Some(Secret::new([7; 32])));
    }
}

fn access(host: &str, client: &str, status: u16) -> String {
    format!(
        "{host}:443 {client} - - [21/Nov/2026:10:00:00 +0000] \"GET /a HTTP/1.1\" {status} 5 \"-\" \"curl/8.5.0\"\n"
    )
}

#[test]
fn a_record_is_its_virtual_hosts_tenants_and_has_that_tenants_class_term_and_pseudonyms() {
    let policy = policy("drop");
    let lines: String = [
        ("nord.example", 200),
        ("sor.example", 200),
        ("www.nord.example", 404),
        ("Sor.example", 503),
        ("vest.example", 200),
    ]
    .map(|(host, status)| access(host, "203.0.113.7", status))
    .concat();
    let mut engine = common::engine(&policy);
    let mut batch = Batch::default();
    let tally = run(&mut engine, lines.as_bytes(), &mut batch);
    assert_eq!((tally.lines, tally.minimised, tally.tenant, tally.dropped()), (5, 4, 1, 1));
    assert!(tally.balances());
    let runs = runs(&policy, &batch);
    let of = |at: usize| (runs[at].0.as_str(), runs[at].1.as_str());
    assert_eq!([of(0), of(1)], [("nord", "security_log"), ("sor", "customer_data")]);
    assert_eq!([of(2), of(3)], [("nord", "security_log"), ("sor", "errors")]);
    assert_eq!((of(4), &*runs[4].2), (("", "security_log"), ""));
    for (at, tag) in [
        (0, "class=security_log until=2027-05-21 policy=example-host/1"),
        (1, "class=customer_data until=open policy=example-host/1"),
        (3, "class=errors until=2026-12-21 policy=example-host/1"),
    ] {
        assert!(runs[at].2.ends_with(&format!("\"{tag}\"")), "{}", runs[at].2);
    }
    let pseudonyms: Vec<&str> = runs[..4].iter().map(|run| run.2.split(' ').nth(1).unwrap()).collect();
    assert!(pseudonyms.iter().all(|pseudonym| pseudonym.starts_with("p1.20261121.")));
    // One tenant's class has one pseudonym for it; another's, or another class, has another.
    assert_eq!(pseudonyms[0], pseudonyms[2]);
    assert_eq!(pseudonyms.iter().collect::<BTreeSet<_>>().len(), 3);
}

#[test]
fn what_is_nobodys_is_dropped_and_counted_or_ones_own() {
    let lines = access("vest.example", "203.0.113.7", 200)
        + "203.0.113.7 - - [21/Nov/2026:10:00:00 +0000] \"GET /a HTTP/1.1\" 200 5 \"-\" \"curl/8.5.0\"\n"
        + "something that fits nothing from 203.0.113.7\n"
        + &access("[nord.example", "203.0.113.7", 200)
        + "Nov 21 10:00:00 gw sshd[7]: Failed password for kari from 203.0.113.7 port 4711 ssh2\n";
    for (unknown, dropped) in [("drop", 5), ("own", 0)] {
        let policy = policy(unknown);
        let (mut engine, mut batch) = (common::engine(&policy), Batch::default());
        let tally = run(&mut engine, lines.as_bytes(), &mut batch);
        assert_eq!((tally.lines, tally.tenant, tally.dropped()), (5, dropped, dropped), "{unknown}");
        assert!(tally.balances());
        let runs = runs(&policy, &batch);
        assert_eq!(runs.len(), 5);
        assert!(runs.iter().all(|(tenant, ..)| tenant.is_empty()));
        assert_eq!(runs.iter().filter(|(.., line)| line.is_empty()).count() as u64, dropped);
    }
}

#[test]
fn an_input_can_be_somebodys_whatever_its_lines_say() {
    let policy = policy("drop");
    let lines = access("sor.example", "203.0.113.7", 200)
        + "203.0.113.7 - - [21/Nov/2026:10:00:00 +0000] \"GET /a HTTP/1.1\" 200 5 \"-\" \"curl/8.5.0\"\n";
    let mut engine = common::engine(&policy);
    for (tenant, want) in
        [(Some("nord"), ["nord", "nord"]), (Some("own"), ["", ""]), (None, ["sor", ""]), (Some("sor"), ["sor", "sor"])]
    {
        engine.set_tenant(tenant);
        let mut batch = Batch::default();
        let tally = run(&mut engine, lines.as_bytes(), &mut batch);
        assert_eq!(tally.tenant, u64::from(tenant.is_none()));
        let found: Vec<String> = runs(&policy, &batch).into_iter().map(|(tenant, ..)| tenant).collect();
        assert_eq!(found, want, "{tenant:?}");
    }
}

/// A visitor may ask for any host; the server says which one it took.
#[test]
fn what_the_server_chose_goes_before_what_a_visitor_asked_for() {
    let policy = policy("drop");
    let line = |server: &str, host: &str| {
        format!(
            "2026/11/21 10:00:00 [error] 7#7: *1 open() \"/x\" failed, client: 203.0.113.7, server: {server}, request: \"GET /x HTTP/1.1\", host: \"{host}\"\n"
        )
    };
    for (server, host, want) in [
        ("nord.example", "sor.example", "nord"),
        ("nord.example", "vest.example", "nord"),
        ("sor.example:443", "nord.example", "sor"),
        ("_", "nord.example", "nord"),
        ("", "sor.example", "sor"),
        ("vest.example", "nord.example", ""),
    ] {
        let (mut engine, mut batch) = (common::engine(&policy), Batch::default());
        let tally = run(&mut engine, line(server, host).as_bytes(), &mut batch);
        assert_eq!(
            (runs(&policy, &batch)[0].0.as_str(), tally.tenant),
            (want, u64::from(want.is_empty())),
            "{server} {host}"
        );
    }
}

/// What a visitor may write beside the `Host` by which the server chose decides nothing, wherever it stands.
#[test]
fn a_header_that_a_visitor_adds_makes_a_record_nobody_elses() {
    let policy = policy("drop");
    let json = r#"{"HEADER":"sor.example","uri":"/a","host":"nord.example"}"#;
    let headers = r#"{"uri":"/a","req":{"headers":{"HEADER":["sor.example"],"Host":["nord.example"]}}}"#;
    let pairs = "time=2026-11-21T10:00:00Z HEADER=sor.example method=GET path=/a status=200 host=nord.example";
    let alone = r#"{"HEADER":"sor.example","uri":"/a"}"#;
    for header in
        ["X-Forwarded-Host", "x_forwarded_host", "X-Forwarded-Server", "x-original-host", "http_x_forwarded_host"]
    {
        for (shape, want) in [(json, "nord"), (headers, "nord"), (pairs, "nord"), (alone, "")] {
            let line = shape.replace("HEADER", header) + "\n";
            let (mut engine, mut batch) = (common::engine(&policy), Batch::default());
            run(&mut engine, line.as_bytes(), &mut batch);
            let runs = runs(&policy, &batch);
            assert_eq!(runs[0].0, want, "{line}");
            assert!(!runs[0].2.contains("sor.example"), "{line}: {}", runs[0].2);
        }
    }
    for header in ["Server-Name", "vhost", "X-Host-Header", "url.domain", "a.server_name"] {
        let line = headers.replace("HEADER", header) + "\n";
        let (mut engine, mut batch) = (common::engine(&policy), Batch::default());
        run(&mut engine, line.as_bytes(), &mut batch);
        assert_eq!(runs(&policy, &batch)[0].0, "nord", "{line}");
    }
}

/// For whom the connection was meant decides only where no host stands.
#[test]
fn what_a_host_is_called_in_the_handshake_decides_last() {
    let policy = policy("drop");
    for (line, want) in [
        (r#"{"ssl_server_name":"sor.example","uri":"/a","host":"nord.example"}"#, "nord"),
        (r#"{"ssl_server_name":"sor.example","uri":"/a","host":"vest.example"}"#, ""),
        (r#"{"ssl_preread_server_name":"sor.example","remote_addr":"203.0.113.7"}"#, "sor"),
    ] {
        let (mut engine, mut batch) = (common::engine(&policy), Batch::default());
        run(&mut engine, format!("{line}\n").as_bytes(), &mut batch);
        assert_eq!(runs(&policy, &batch)[0].0, want, "{line}");
    }
}

#[test]
fn a_host_that_is_written_with_escapes_is_whose_it_is() {
    let policy = policy("drop");
    let nested = r#"{"log":"{\"host\":\"\\u006eord.example\",\"uri\":\"/a\"}\n","stream":"stdout","time":"2026-11-21T10:00:00Z"}"#;
    let long = r"\u0061".repeat(300);
    for (line, want) in [
        (r#"{"host":"\u006eord.example","uri":"/a"}"#, "nord"),
        (r#"{"host":"www\u002EN\u006frd.example\u003a8443","uri":"/a"}"#, "nord"),
        (r#"{"uri":"/a","host":"so\u0072.example"}"#, "sor"),
        (r#"{"host":"\u006eord.example\u0000","uri":"/a"}"#, ""),
        (r#"{"host":"\u00f8st.example","uri":"/a"}"#, ""),
        (&format!(r#"{{"host":"{long}.nord.example","uri":"/a"}}"#), ""),
        (nested, "nord"),
        // nginx writes no such escape: it is what was sent.
        (
            r#"2026/11/21 10:00:00 [error] 7#7: *1 x, client: 203.0.113.7, server: _, request: "GET /x HTTP/1.1", host: "\u006eord.example""#,
            "",
        ),
    ] {
        let (mut engine, mut batch) = (common::engine(&policy), Batch::default());
        let lines = format!("{line}\n").repeat(3);
        let tally = run(&mut engine, lines.as_bytes(), &mut batch);
        assert_eq!(tally.tenant, if want.is_empty() { 3 } else { 0 }, "{line}");
        assert!(runs(&policy, &batch).iter().all(|run| run.0 == want), "{line}");
    }
}

/// An entry of the journal's export format whose message is these lines, behind their length.
fn entry(lines: &[&str]) -> Vec<u8> {
    let text = lines.concat();
    let text = text.trim_end().as_bytes();
    let head = b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1795255200000000\n_COMM=web\nMESSAGE\n";
    [head, &(text.len() as u64).to_le_bytes()[..], text, b"\n_PID=7\n\n"].concat()
}

#[test]
fn a_value_of_the_journal_that_holds_lines_of_two_tenants_is_neithers() {
    let mine = access("nord.example", "203.0.113.7", 200).replace("/a", "/nord");
    let theirs = access("sor.example", "203.0.113.8", 503).replace("/a", "/sor");
    let nobodys = access("vest.example", "203.0.113.8", 200).replace("/a", "/vest");
    for (unknown, as_json) in [("drop", false), ("own", false), ("drop", true), ("own", true)] {
        let policy = match as_json {
            true => common::as_json(policy(unknown)),
            false => policy(unknown),
        };
        for lines in
            [&[&*mine, &theirs][..], &[&theirs, &mine], &[&mine, &mine], &[&mine, &nobodys], &[&nobodys, &theirs]]
        {
            let (mut engine, mut batch) = (common::engine(&policy), Batch::default());
            let tally = run(&mut engine, &entry(lines), &mut batch);
            assert!(tally.balances(), "{tally:?}");
            let (mut found, mut at) = (Vec::new(), 0);
            for (run, bytes) in batch.runs() {
                let tenant = policy.shelves().nth(usize::from(run.class.0)).unwrap().0;
                for (path, owner) in [("/nord", "nord"), ("/sor", "sor"), ("/vest", "")] {
                    if memchr::memmem::find(bytes, path.as_bytes()).is_some() {
                        assert_eq!(tenant, owner, "{unknown} {as_json} {lines:?}");
                        found.push(path);
                    }
                }
                at += bytes.len();
            }
            assert_eq!(at, batch.bytes().len());
            let is_one = lines[0] == lines[1];
            assert!(!is_one || found == ["/nord"] || as_json && found == ["/nord", "/nord"], "{found:?}");
            assert!(as_json || is_one || (found.is_empty() && tally.tenant >= 1), "{unknown} {lines:?}: {found:?}");
        }
    }
}

/// What says how the rest is to be read goes where the rest goes.
#[test]
fn headers_of_columns_and_ends_of_entries_are_those_of_the_inputs_tenant() {
    let policy = policy("drop");
    let columns =
        b"#Software: Microsoft Internet Information Services 10.0\n#Fields: date time cs-host cs-uri-stem sc-status\n\
        2026-11-21 10:00:00 nord.example /a 200\n";
    let mine = access("vest.example", "203.0.113.7", 200);
    for (input, alone) in [(&columns[..], ["", "", "nord"].as_slice()), (&entry(&[&mine, &mine]), &[])] {
        for tenant in [None, Some("nord"), Some("sor"), Some("own")] {
            let (mut engine, mut batch) = (common::engine(&policy), Batch::default());
            engine.set_tenant(tenant);
            run(&mut engine, input, &mut batch);
            let found: Vec<String> = runs(&policy, &batch).into_iter().map(|(tenant, ..)| tenant).collect();
            match tenant {
                None if alone.is_empty() => assert!(found.iter().all(String::is_empty), "{found:?}"),
                None => assert_eq!(found, alone),
                Some(tenant) => {
                    let want = if tenant == "own" { "" } else { tenant };
                    assert!(!found.is_empty() && found.iter().all(|found| found == want), "{tenant}: {found:?}");
                }
            }
        }
    }
}

/// The shapes in which a virtual host comes, with a mark by which the line is known again, and whether the host is read.
fn shaped(shape: u8, host: &str, mark: u32) -> (String, bool) {
    let client = format!("203.0.113.{}", mark % 250);
    let combined =
        format!("{client} - - [21/Nov/2026:10:00:00 +0000] \"GET /m{mark}x HTTP/1.1\" 200 5 \"-\" \"curl/8.5.0\"");
    match shape {
        0 => (format!("{host}:443 {combined}\n"), true),
        1 => (
            format!(
                "{{\"time\":\"2026-11-21T10:00:00Z\",\"remote_addr\":\"{client}\",\"host\":\"{host}\",\"request\":\"GET /m{mark}x HTTP/1.1\",\"status\":200}}\n"
            ),
            true,
        ),
        // The ones around it are what a visitor may have sent.
        2 => (
            format!(
                "{{\"x_forwarded_host\":\"nord.example\",\"host\":\"{host}\",\"uri\":\"/m{mark}x\",\"x-forwarded-host\":\"sor.example\",\"remote_addr\":\"{client}\"}}\n"
            ),
            true,
        ),
        3 => (format!("Nov 21 10:00:00 gw nginx: {host}:443 {combined}\n"), true),
        4 => (format!("<134>1 2026-11-21T10:00:00Z gw nginx - - - {host}:80 {combined}\n"), true),
        5 => (
            format!(
                "{{\"log\":\"{host}:443 {}\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-21T10:00:00Z\"}}\n",
                combined.replace('"', "\\\"")
            ),
            true,
        ),
        6 => (format!("2026-11-21T10:00:00Z stdout F {host}:443 {combined}\n"), true),
        7 => (
            format!(
                "{{\"time\":\"2026-11-21T10:00:00Z\",\"host\":\"{}\",\"request\":\"GET /m{mark}x HTTP/1.1\",\"status\":200}}\n",
                host.replacen('e', "\\u0065", 1)
            ),
            true,
        ),
        _ => (format!("{combined}\n"), false),
    }
}

/// Whose a host is, by looking through the list.
fn plainly(host: &str) -> Option<&'static str> {
    let host = host.to_ascii_lowercase();
    let host = host.strip_suffix('.').unwrap_or(&host);
    match host {
        "nord.example" => Some("nord"),
        "sor.example" => Some("sor"),
        _ if host.ends_with(".nord.example") && host.len() > ".nord.example".len() => Some("nord"),
        _ => None,
    }
}

const HOSTS: &[&str] = &[
    "nord.example",
    "www.nord.example",
    "NORD.example",
    "sor.example",
    "vest.example",
    "xnord.example",
    "sor.example.net",
];

proptest! {
    /// Lines of every shape, in any order and cut anywhere: each record is where its host says, or nowhere.
    #[test]
    fn no_record_of_one_tenant_is_among_anothers(
        lines in prop::collection::vec((0u8..9, 0usize..HOSTS.len()), 1..60),
        cut in 0.0f64..1.0,
        as_json in any::<bool>(),
        unknown in prop::sample::select(vec!["drop", "own"]),
    ) {
        let mut policy = policy(unknown);
        if as_json {
            policy = common::as_json(policy);
        }
        let mut whose: BTreeMap<String, Option<&str>> = BTreeMap::new();
        let mut text = String::new();
        for (mark, (shape, host)) in lines.iter().enumerate() {
            let (line, is_read) = shaped(*shape, HOSTS[*host], mark as u32);
            whose.insert(format!("/m{mark}x"), plainly(HOSTS[*host]).filter(|_| is_read));
            text.push_str(&line);
        }
        let middle = text[..(text.len() as f64 * cut) as usize].rfind('\n').map_or(0, |end| end + 1);
        let (mut engine, mut batch) = (common::engine(&policy), Batch::default());
        let mut tally = run(&mut engine, &text.as_bytes()[..middle], &mut batch);
        tally += run(&mut engine, &text.as_bytes()[middle..], &mut batch);
        prop_assert!(tally.balances());
        let mut found: BTreeMap<String, String> = BTreeMap::new();
        for (tenant, _, line) in runs(&policy, &batch).into_iter().filter(|(.., line)| !line.is_empty()) {
            let at = line.find("/m").unwrap();
            let end = at + line[at..].find('x').unwrap() + 1;
            found.insert(line[at..end].to_owned(), tenant);
        }
        for (mark, tenant) in &whose {
            match (tenant, unknown, found.get(mark)) {
                (Some(tenant), _, Some(found)) => prop_assert_eq!(tenant, found, "{}", mark),
                (None, "own", Some(found)) => prop_assert_eq!("", found.as_str(), "{}", mark),
                (None, "drop", None) => {}
                (tenant, _, found) => prop_assert!(false, "{} of {:?} is in {:?}", mark, tenant, found),
            }
        }
        let nobodys = whose.values().filter(|tenant| tenant.is_none()).count() as u64;
        prop_assert_eq!(tally.tenant, if unknown == "drop" { nobodys } else { 0 });
    }
}

/// C11. `SLADD_TENANT_LINES` asks for more; ten million are in tests/RESULTS.md.
#[test]
fn in_a_million_lines_nothing_of_a_tenant_is_in_anothers_output() {
    let count: u32 = std::env::var("SLADD_TENANT_LINES").map_or(1_000_000, |count| count.parse().unwrap());
    let policy = policy("drop");
    let (mut engine, mut batch) = (common::engine(&policy), Batch::default());
    let tenants: Vec<String> = policy.shelves().map(|(tenant, _)| tenant.to_owned()).collect();
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    let mut left = count;
    let mut seen: BTreeMap<&str, BTreeSet<Vec<u8>>> = BTreeMap::new();
    let (mut written, mut sum) = (0u64, Tally::default());
    while left > 0 {
        let mut text = String::new();
        for _ in 0..left.min(10_000) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let host = HOSTS[(random % HOSTS.len() as u64) as usize];
            let client = format!("203.0.113.{}", random >> 32 & 0xff);
            text.push_str(&access(host, &client, 200));
        }
        left -= left.min(10_000);
        batch.clear();
        sum += run(&mut engine, text.as_bytes(), &mut batch);
        for (run, records) in batch.runs() {
            let tenant = tenants[usize::from(run.class.0)].as_str();
            for line in records.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let mut words = line.split(|byte| *byte == b' ');
                let host = std::str::from_utf8(words.next().unwrap()).unwrap();
                assert_eq!(plainly(host.rsplit_once(':').unwrap().0), Some(tenant), "{host}");
                seen.entry(tenant).or_default().insert(words.next().unwrap().to_vec());
                written += 1;
            }
        }
    }
    assert_eq!((sum.lines, sum.minimised, written + sum.tenant), (count.into(), written, count.into()));
    // The same 256 addresses: none has a pseudonym that another tenant's has.
    assert_eq!(seen.values().map(BTreeSet::len).collect::<Vec<_>>(), [256, 256]);
    assert!(seen["nord"].is_disjoint(&seen["sor"]));
}

#[test]
fn a_policy_of_ten_thousand_tenants_can_be_used() {
    let mut text = TENANTS.split("[[tenant]]").next().unwrap().replace("UNKNOWN", "drop");
    for number in 0..10_000 {
        text.push_str(&format!(
            "[[tenant]]\nname = \"t{number}\"\nhosts = [\"t{number}.example\"]\nrole = \"controller\"\n"
        ));
    }
    let policy = common::policy(&text);
    let mut engine = Engine::new(Arc::new(Plan::compile(&policy).unwrap()));
    let lines: String = (0..10_000).rev().map(|n| access(&format!("t{n}.example"), "203.0.113.7", 200)).collect();
    let mut batch = Batch::default();
    let tally = run(&mut engine, lines.as_bytes(), &mut batch);
    assert_eq!((tally.minimised, tally.tenant), (10_000, 0));
    let all = runs(&policy, &batch);
    assert_eq!((&*all[0].0, &*all[9_999].0), ("t9999", "t0"));
    let pseudonyms: BTreeSet<&str> = all.iter().map(|run| run.2.split(' ').nth(1).unwrap()).collect();
    assert_eq!(pseudonyms.len(), 10_000);
}

fn sladd(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sladd"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may refuse its arguments and never read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

#[test]
fn the_program_says_whose_records_are_and_can_be_told() {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("policy.toml");
    std::fs::write(&path, TENANTS.replace("UNKNOWN", "drop")).unwrap();
    let path = path.to_str().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let line = "203.0.113.7 - - [21/Nov/2026:10:00:00 +0000] \"GET /a HTTP/1.1\" 200 5 \"-\" \"curl/8.5.0\"\n";

    let out = sladd(&["--policy", path], line);
    assert!(text(out.stderr).contains("1 lines in = 0 minimised + 0 scrubbed + 0 sealed + 1 dropped (tenant 1)"));
    assert_eq!((out.status.code(), text(out.stdout).as_str()), (Some(0), "\n"));
    let out = sladd(&["--policy", path, "--fail-on", "dropped"], line);
    assert_eq!(out.status.code(), Some(1));
    let out = sladd(&["--policy", path, "--tenant", "sor"], line);
    assert!(text(out.stdout).contains("class=customer_data until=open"));
    let out = sladd(&["--policy", path, "--tenant", "vest"], line);
    assert_eq!((out.status.code(), out.stdout.len()), (Some(2), 0));
    assert!(text(out.stderr).contains("no [[tenant]] of the name that --tenant gives"));
    let out = sladd(&["--tenant", "own"], line);
    assert_eq!(out.status.code(), Some(2));

    let out = text(sladd(&["explain", "--policy", path], "").stdout);
    for want in [
        "by the virtual host they name, with pseudonyms of its own; any other line is dropped and counted.",
        "  nord: nord.example, *.nord.example; you are its processor by agreement 7",
        "  sor: sor.example; you are its controller",
        "    class customer_data (end of relationship + 3 months, for service_delivery on contract)",
    ] {
        assert!(out.contains(want), "{want}: {out}");
    }
    let out = sladd(&["check", path], "");
    assert_eq!(out.status.code(), Some(0));
}

#[test]
fn explain_says_of_a_line_that_it_is_nobodys() {
    use sladd::{key::random, seal::Identity};
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("policy.toml");
    let recipient = Identity::new(random).unwrap().recipient().to_string();
    let seal = format!("[seal]\nrecipient = \"{recipient}\"\ndirectory = \"/var/lib/sladd/quarantine\"\n");
    let nobodys = "  => nobody's: it names no virtual host of a [[tenant]]; ";
    for (unknown, rest, want) in [
        ("drop", "", Some("unknown = \"drop\" leaves it out and counts it\n")),
        ("seal", &*seal, Some("unknown = \"seal\" encrypts it to whom [seal] names\n")),
        ("own", "", None),
    ] {
        std::fs::write(&path, TENANTS.replace("UNKNOWN", unknown) + rest).unwrap();
        let explain = ["explain", "--policy", path.to_str().unwrap(), "--line"];
        let lines = access("vest.example", "203.0.113.7", 200) + &access("nord.example", "203.0.113.7", 200);
        let shown = String::from_utf8(sladd(&explain, &lines).stdout).unwrap();
        let (first, second) = shown.split_once("line 2: ").unwrap();
        match want {
            Some(want) => assert!(first.contains(&format!("{nobodys}{want}")), "{shown}"),
            None => assert!(first.contains("  => vest.example:443 "), "{shown}"),
        }
        assert!(second.contains("  => nord.example:443 "), "{shown}");
        let tenant = [&explain[..], &["--tenant", "sor"]].concat();
        let shown = String::from_utf8(sladd(&tenant, &lines).stdout).unwrap();
        assert!(!shown.contains("nobody's"), "{shown}");
    }
}

#[test]
fn what_is_nobodys_can_be_sealed_as_it_came() {
    use sladd::{key::random, seal::Identity};
    let identity = Identity::new(random).unwrap();
    let text = TENANTS.replace("UNKNOWN", "seal")
        + &format!("[seal]\nrecipient = \"{}\"\ndirectory = \"/var/lib/sladd/quarantine\"\n", identity.recipient());
    let policy = common::policy(&text);
    let mine = [
        access("vest.example", "203.0.113.7", 200),
        "203.0.113.8 - kari [21/Nov/2026:10:00:00 +0000] \"GET /b HTTP/1.1\" 200 5 \"-\" \"curl/8.5.0\"\n".to_owned(),
        "{\"host\":\"vest.example\",\"remote_addr\":\"203.0.113.9\"}\n".to_owned(),
        "Nov 21 10:00:00 gw nginx: ".to_owned() + &access("vest.example", "203.0.113.10", 200),
        "{\"log\":\"nothing by kari@example.org\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-21T10:00:00Z\"}\n"
            .to_owned(),
    ];
    let lines =
        access("nord.example", "203.0.113.7", 200) + &mine.concat() + &access("sor.example", "203.0.113.7", 200);
    let (mut engine, mut batch) = (common::engine(&policy), Batch::default());
    let tally = run(&mut engine, lines.as_bytes(), &mut batch);
    assert_eq!((tally.lines, tally.minimised, tally.sealed, tally.dropped()), (7, 2, 5, 0));
    assert!(tally.balances());
    assert_eq!(batch.bytes().split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count(), 2);
    let sealed = batch.raw_lines().seal(&[identity.recipient()], random).unwrap();
    let opened = identity.open(sealed.bytes()).unwrap();
    assert_eq!(String::from_utf8_lossy(&opened), mine.concat());
}
