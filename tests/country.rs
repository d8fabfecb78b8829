//! `country`: the command line with a database in a file, and somebody else's database against somebody else's table.
#![allow(clippy::unwrap_used)]

mod common;

use common::{corpus, mmdb};
use ipnet::IpNet;
use serde_json::Value;
use sladd::{policy::Policy, treatment::country::Database};
use std::{
    fs,
    io::Write,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
    process::{Command, Output, Stdio},
    sync::Arc,
};

fn policy(database: &Path) -> String {
    format!(
        "base = \"hosting\"\nname = \"by-country\"\nversion = 1\n[source]\nformat = \"nginx:$remote_addr $status\"\n\
         [encode]\ntag = \"none\"\n[fields]\n\"client.address\" = {{ treatment = \"country\", database = {:?} }}\n",
        database.to_str().unwrap()
    )
}

fn sladd(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sladd"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdin.take().unwrap().write_all(input));
    child.wait_with_output().unwrap()
}

#[test]
fn the_database_of_the_policy_is_opened_by_every_command_that_needs_it() {
    let directory = tempfile::tempdir().unwrap();
    let (file, database) = (directory.path().join("policy.toml"), directory.path().join("country.mmdb"));
    fs::write(&database, mmdb::tiny()).unwrap();
    let example = "[[example]]\nline = '192.0.2.77 200'\ngone = ['192.0.2']\nkept = ['NO', '200']\n";
    fs::write(&file, policy(&database) + example).unwrap();
    let file = file.to_str().unwrap();
    let out = sladd(&["-q", "--policy", file], b"192.0.2.77 200\n198.51.100.200 404\n10.0.0.1 200\n");
    assert_eq!(String::from_utf8_lossy(&out.stdout), "NO 200\nDK 404\n- 200\n");
    assert_eq!(out.status.code(), Some(0));
    assert_eq!(sladd(&["check", file], b"").status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&sladd(&["test", file], b"").stdout), "1 passed, 0 failed\n");
    let explained = String::from_utf8(sladd(&["explain", "--policy", file], b"").stdout).unwrap();
    let row = explained.lines().find(|line| line.trim_start().starts_with("client.address ")).unwrap();
    assert!(row.contains("the country's two letters, dropped where unknown"), "{row}");
    assert!(row.trim_end().ends_with("the country"), "{row}");
}

#[test]
fn a_database_that_is_missing_or_wrong_is_refused_with_its_path_and_a_remedy() {
    let directory = tempfile::tempdir().unwrap();
    let (file, database) = (directory.path().join("policy.toml"), directory.path().join("country.mmdb"));
    fs::write(&file, policy(&database)).unwrap();
    let refused = |what: &str, code: i32| {
        for arguments in [vec!["--policy"], vec!["check"], vec!["explain", "--policy"]] {
            let arguments: Vec<&str> = arguments.into_iter().chain(file.to_str()).collect();
            let out = sladd(&arguments, b"192.0.2.77 200\n");
            let error = String::from_utf8_lossy(&out.stderr).into_owned();
            assert_eq!(error, format!("sladd: cannot use database {}: {what}\n", database.display()));
            assert_eq!((out.status.code(), out.stdout.len()), (Some(code), 0), "{error}");
        }
    };
    refused("there is no such file; download it first", 66);
    fs::create_dir(&database).unwrap();
    refused("it is a directory; name a file in it", 66);
    fs::remove_dir(&database).unwrap();
    fs::write(&database, &mmdb::tiny()[..200]).unwrap();
    refused("it is no MaxMind DB file, or a damaged one; download it again", 78);
    let asn = mmdb::Value::Map(vec![("organization", mmdb::Value::Text("Example"))]);
    fs::write(&database, mmdb::database("Example-ASN", 6, &[("192.0.2.0/24", asn)])).unwrap();
    refused("it knows no countries; name a country or city database", 78);
}

#[test]
fn a_policy_whose_database_nobody_opened_is_not_compiled() {
    let (policy, _) = Policy::parse(&policy(Path::new("/x/country.mmdb")), "x.toml");
    let error = sladd::Plan::compile(&policy.unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "database /x/country.mmdb is not opened; hand it in by `Databases::provide`");
}

/// First, last and middle address of each network of the table, in every spelling that holds it.
#[test]
fn networks_of_another_projects_database_have_the_countries_of_its_own_table() {
    let (Some(table), Some(database)) =
        (corpus("maxmind/country-cases.jsonl"), corpus("maxmind/GeoLite2-Country-Test.mmdb"))
    else {
        return;
    };
    let path = Path::new("/x/country.mmdb");
    let mut by_country = common::policy(&policy(path));
    by_country.databases.provide(path, Arc::new(Database::new(fs::read(database).unwrap()).unwrap()));
    let mut engine = common::engine(&by_country);
    let (mut checked, mut wrong) = (0, Vec::new());
    for row in fs::read_to_string(table).unwrap().lines() {
        let row: Value = serde_json::from_str(row).unwrap();
        let network: IpNet = row["network"].as_str().unwrap().parse().unwrap();
        let network = network.trunc();
        let expected = row["country"].as_str().unwrap_or("-");
        for address in addresses(&network) {
            let (out, _) = common::run(&mut engine, format!("{address} 200\n").as_bytes());
            let out = String::from_utf8(out).unwrap();
            checked += 1;
            if out != format!("{expected} 200\n") {
                wrong.push(format!("{address} of {network}: {expected}, not {out}"));
            }
        }
    }
    assert!(checked > 600, "{checked}");
    assert!(wrong.is_empty(), "{} of {checked}:\n{}", wrong.len(), wrong.concat());
    for other in ["GeoLite2-ASN-Test", "MaxMind-DB-test-ipv4-24", "MaxMind-DB-test-mixed-32"] {
        let Some(file) = corpus(&format!("maxmind/{other}.mmdb")) else { return };
        assert!(Database::new(fs::read(file).unwrap()).is_err(), "{other}");
    }
}

fn addresses(network: &IpNet) -> Vec<String> {
    match network {
        IpNet::V4(network) => {
            let (first, last) = (u32::from(network.network()), u32::from(network.broadcast()));
            let middle = first + (last - first) / 2;
            let spelled = |bits: u32| {
                let v4 = Ipv4Addr::from(bits);
                let to4 = Ipv6Addr::from(0x2002 << 112 | u128::from(bits) << 80 | 1);
                [v4.to_string(), format!("::ffff:{v4}"), to4.to_string(), format!("64:ff9b::{v4}")]
            };
            [first, middle, last].into_iter().flat_map(spelled).collect()
        }
        IpNet::V6(network) => {
            let (first, last) = (network.network(), network.broadcast());
            [first, last].into_iter().map(|v6| IpAddr::V6(v6).to_string()).collect()
        }
    }
}
