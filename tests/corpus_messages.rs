//! Error logs and login messages that nobody here wrote: they are read, no address and no user survives, what is useful does.
#![allow(clippy::unwrap_used)]

mod common;

use common::{builtin, corpus, minimised, with_format};
use serde_json::Value as Json;
use sladd::{
    format::{self, Ending, Format, Parse, message},
    record::{Record, State},
};
use std::fs;

fn rows(path: &str) -> Option<Vec<Json>> {
    let text = fs::read_to_string(corpus(path)?).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn read(format: &Format, line: &str) -> Option<Vec<(String, String)>> {
    let mut record = Record::default();
    format.parse(line.as_bytes(), Ending::Whole, &mut record).ok()?;
    let fields = &format.schema().fields;
    let present = record.values.iter().filter(|value| value.state == State::Present);
    let text = |value: &sladd::record::Value| String::from_utf8_lossy(value.span.of(line.as_bytes())).into_owned();
    Some(present.map(|value| (fields[value.field as usize].name.to_string(), text(value))).collect())
}

fn value<'a>(read: &'a [(String, String)], name: &str) -> Option<&'a str> {
    read.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
}

/// Dotted quads, and whether they end in a zero.
fn raw_addresses(text: &str) -> Vec<String> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .map(|word| word.trim_matches('.'))
        .filter(|word| word.parse::<std::net::Ipv4Addr>().is_ok() && !word.ends_with(".0"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn error_logs_of_other_projects_are_read_as_they_expect() {
    let (nginx, apache) = (format::named("nginx_error").unwrap(), format::named("apache_error").unwrap());
    let mut fit = 0;
    for file in ["parsed/beats-oss.jsonl", "lines/crowdsec-raw.jsonl", "lines/logstash-patterns.jsonl"] {
        let Some(rows) = rows(file) else { return };
        for row in rows {
            let line = row["line"].as_str().unwrap();
            if !line.starts_with('[') && !line.starts_with("20") || line.contains(" haproxy[") {
                continue;
            }
            let read = read(&apache, line).or_else(|| read(&nginx, line)).unwrap_or_else(|| panic!("{line}"));
            fit += 1;
            let expected = &row["expected"];
            for (ours, theirs) in [
                ("client.address", "source.address"),
                ("client.port", "source.port"),
                ("log.level", "log.level"),
                ("log.logger", "apache.error.module"),
                ("message", "message"),
                ("process.pid", "process.pid"),
                ("thread.id", "process.thread.id"),
            ] {
                if let Some(theirs) = expected.get(theirs) {
                    let theirs = theirs.as_str().map_or_else(|| theirs.to_string(), str::to_owned);
                    assert_eq!(value(&read, ours), Some(theirs.as_str()), "{line}");
                }
            }
            assert_eq!(
                line.contains("[client "),
                value(&read, "client.address").is_some() && line.starts_with('['),
                "{line}"
            );
            let (out, tally) = minimised(&builtin("hosting"), format!("{line}\n").as_bytes());
            let out = String::from_utf8(out).unwrap();
            assert_eq!(tally.minimised, 1, "{line}");
            assert_eq!(raw_addresses(&out), Vec::<String>::new(), "{line}");
        }
    }
    assert!(fit >= 15, "{fit} lines");
}

#[test]
fn logins_of_other_projects_lose_their_users_and_addresses() {
    let mut fit = 0;
    let mut lines: Vec<String> = Vec::new();
    let Some(crowdsec) = rows("lines/crowdsec-raw.jsonl") else { return };
    lines.extend(crowdsec.iter().map(|row| row["line"].as_str().unwrap().to_owned()));
    let Some(path) = corpus("logs/lnav/logfile_syslog_with_access_log.0") else { return };
    lines.extend(fs::read_to_string(path).unwrap().lines().map(str::to_owned));
    for line in lines {
        // What stands behind the syslog header, and who wrote it.
        let Some((head, text)) = line.split_once(": ") else { continue };
        let program = head.rsplit(' ').next().unwrap().split('[').next().unwrap();
        let Some(program) = message::of_program(program.as_bytes()) else { continue };
        fit += 1;
        let name = message::PROGRAMS[program].name;
        let read = read(&format::named(name).unwrap(), text).unwrap();
        let user = value(&read, "user.name").unwrap_or_else(|| panic!("no user in {line}"));
        let (out, tally) = minimised(&with_format(builtin("hosting"), name), format!("{text}\n").as_bytes());
        let out = String::from_utf8(out).unwrap();
        assert_eq!(tally.minimised, 1);
        assert!(!out.contains(user) && out.contains("class=login_history"), "{out}");
        assert_eq!(raw_addresses(&out), Vec::<String>::new(), "{out}");
    }
    assert!(fit >= 4, "{fit} lines");
}
