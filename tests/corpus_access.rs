//! Lines of proxies and load balancers that nobody here wrote, and our own samples twice through the engine.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use serde_json::Value as Json;
use sladd::{
    format::{self, Ending, Format, Parse},
    record::{Record, State},
};
use std::{fs, path::Path};

fn text(file: &str) -> Option<String> {
    Some(String::from_utf8_lossy(&fs::read(common::corpus(file)?).unwrap()).into_owned())
}

/// The lines whose source has this in its name, with what their project expects of them.
fn lines(part: &str) -> Option<Vec<(String, Json)>> {
    let mut found = Vec::new();
    for file in ["parsed/beats-oss.jsonl", "lines/crowdsec-raw.jsonl", "lines/logstash-patterns.jsonl"] {
        for row in text(file)?.lines() {
            let row: Json = serde_json::from_str(row).unwrap();
            if row["source"].as_str().unwrap().contains(part) {
                found.push((row["line"].as_str().unwrap().to_owned(), row["expected"].clone()));
            }
        }
    }
    Some(found)
}

fn read(format: &Format, line: &str) -> Option<Vec<(String, String)>> {
    let mut record = Record::default();
    format.parse(line.as_bytes(), Ending::Whole, &mut record).ok()?;
    let fields = &format.schema().fields;
    let present = record.values.iter().filter(|value| value.state == State::Present);
    let text = |span: sladd::record::Span| String::from_utf8_lossy(span.of(line.as_bytes())).into_owned();
    Some(present.map(|value| (fields[value.field as usize].name.to_string(), text(value.span))).collect())
}

fn value<'a>(read: &'a [(String, String)], name: &str) -> Option<&'a str> {
    read.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
}

/// What HAProxy wrote, without what syslog put before it.
fn haproxy_body(line: &str) -> &str {
    let behind = line.split_once("haproxy[").and_then(|(_, rest)| rest.split_once("]: "));
    behind.map_or(line, |(_, body)| body)
}

#[test]
fn haproxy_lines_of_other_projects_are_read() {
    let (Some(rows), Some(lnav)) = (lines("haproxy"), text("logs/lnav/logfile_haproxy.0")) else { return };
    let (http, tcp) = (format::named("haproxy_http").unwrap(), format::named("haproxy_tcp").unwrap());
    let rows = rows.iter().map(|(line, _)| line.as_str()).chain(lnav.lines());
    let (mut fit, mut misfits) = (0, Vec::new());
    for line in rows {
        let body = haproxy_body(line);
        match read(&http, body).or(read(&tcp, body)) {
            Some(values) => {
                fit += 1;
                let client = body.split(" [").next().unwrap().rsplit_once(':').unwrap();
                assert_eq!(value(&values, "client.address"), Some(client.0), "{body}");
                assert_eq!(value(&values, "client.port"), Some(client.1), "{body}");
            }
            None => misfits.push(body),
        }
    }
    // What is left are messages, a layout of somebody's own with a host in it, and a request that syslog cut.
    for line in &misfits {
        let own = line.contains(".domain.") || line.contains("Proxy ") || line.contains("Connect from");
        assert!(own || !line.ends_with('"') || !line.contains("] "), "{line}");
    }
    println!("{fit} fit, {} do not", misfits.len());
    assert!(fit >= 27, "{fit}");
}

#[test]
fn traefik_lines_of_other_projects_are_read_as_they_expect() {
    let (Some(clf), Some(beats)) = (lines("traefik_clf"), lines("traefik/access")) else { return };
    let format = format::named("traefik").unwrap();
    let mut fit = 0;
    for (line, expected) in clf.iter().chain(&beats) {
        let Some(values) = read(&format, line) else {
            assert!(!line.ends_with("ms"), "{line}");
            continue;
        };
        fit += 1;
        let millis = line.rsplit(' ').next().unwrap().trim_end_matches("ms");
        assert_eq!(value(&values, "http.request.duration"), Some(millis));
        for (ours, theirs) in [
            ("user_agent.original", "user_agent.original"),
            ("connection.requests", "traefik.access.request_count"),
            ("service.name", "traefik.access.frontend_name"),
            ("upstream.url", "traefik.access.backend_url"),
        ] {
            if let Some(theirs) = expected.get(theirs) {
                let theirs = theirs.as_str().map_or_else(|| theirs.to_string(), str::to_owned);
                assert_eq!(value(&values, ours), Some(theirs.as_str()), "{line}");
            }
        }
    }
    assert!(fit >= 13, "{fit}");
}

#[test]
fn squid_lines_of_other_projects_are_read() {
    let Some(rows) = lines("squid") else { return };
    let format = format::named("squid").unwrap();
    for (line, _) in &rows {
        let values = read(&format, line).unwrap_or_else(|| panic!("{line}"));
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        assert_eq!(value(&values, "client.address"), Some(words[2]));
        assert_eq!(value(&values, "url.full"), Some(words[6]));
        assert_eq!(value(&values, "user.name"), Some(words[7]));
    }
    assert!(rows.len() >= 4);
}

/// Our own samples, with the format that each is of.
const SAMPLES: &[(&str, &str)] = &[
    ("haproxy-http", "haproxy_http"),
    ("haproxy-tcp", "haproxy_tcp"),
    ("traefik", "traefik"),
    ("envoy", "envoy"),
    ("istio", "istio"),
    ("ingress-nginx", "ingress_nginx"),
    ("tomcat", "tomcat"),
    ("lighttpd", "lighttpd"),
    ("squid", "squid"),
    ("alb", "alb"),
    ("elb", "elb"),
    ("s3", "s3"),
    ("iis", "w3c"),
    ("cloudfront", "w3c"),
    ("cef", "cef"),
    ("logfmt", "logfmt"),
    ("ecs.json", "ecs"),
    ("gelf.json", "gelf"),
    ("loki.json", "loki"),
    ("otlp.json", "otlp"),
];

fn sample(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("samples/logs/{name}.log"))).unwrap()
}

#[test]
fn what_was_minimised_once_stays_as_it_is() {
    for policy in ["hosting", "strict", "minimal"] {
        for (name, format) in SAMPLES {
            let policy = common::with_format(common::builtin(policy), format);
            let (once, tally) = common::minimised(&policy, &sample(name));
            assert_eq!(tally.minimised, tally.lines, "{name}");
            let (twice, tally) = common::minimised(&policy, &once);
            assert_eq!(tally.minimised, tally.lines, "{name}: {}", String::from_utf8_lossy(&once));
            assert_eq!(String::from_utf8_lossy(&once), String::from_utf8_lossy(&twice), "{name}");
        }
    }
}

#[test]
fn auto_reads_a_sample_as_the_format_it_is_of() {
    // These are asked for by name, and what is JSON is `json` under `auto`.
    let own = ["tomcat", "lighttpd", "ecs.json", "gelf.json", "loki.json", "otlp.json"];
    let all = format::auto();
    for (name, expected) in SAMPLES.iter().filter(|(name, _)| !own.contains(name)) {
        let mut record = Record::default();
        for line in String::from_utf8(sample(name)).unwrap().lines() {
            let mut fits = |format: &&Format| format.parse(line.as_bytes(), Ending::Whole, &mut record).is_ok();
            let first = all.iter().find(|format| fits(format)).unwrap_or_else(|| panic!("{line}"));
            let found = &*first.schema().name;
            // A failed connection is the same line for both formats of HAProxy.
            assert!(found == *expected || (name.starts_with("haproxy") && found == "haproxy_http"), "{found}: {line}");
        }
    }
}

#[test]
fn a_header_holds_for_the_lines_of_the_next_piece() {
    let policy = common::builtin("hosting");
    let lines = sample("iis");
    let (whole, _) = common::minimised(&policy, &lines);
    for at in lines.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1) {
        let mut carry = sladd::engine::Carry::default();
        carry.lines(&lines[..at]);
        let (mut out, _) = common::minimised(&policy, &lines[..at]);
        let mut engine = common::engine(&policy);
        engine.set_carry(&carry);
        out.extend(common::run(&mut engine, &lines[at..]).0);
        assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&whole), "{at}");
        // What another piece left behind does not hold for one without a header before it.
        engine.set_carry(&sladd::engine::Carry::default());
        let (_, tally) = common::run(&mut engine, b"2026-11-21 10:00:02 192.0.2.18 - GET / 200 - x\n");
        assert_eq!(tally.scrubbed, 1);
    }
}

#[test]
fn w3c_lines_of_other_projects_are_read() {
    for (file, fields) in [
        ("logs/lnav/logfile_w3c.0", &["client.address=172.22.255.255", "http.request.method=GET"][..]),
        (
            "logs/lnav/logfile_w3c.1",
            &["client.address=64.103.37.2", "user.name=DMS.user", "http.response.status_code=200"],
        ),
        (
            "logs/lnav/logfile_w3c.4",
            &["client.address=123.123.123.123", "http.request.method=GET", "session.id=452000660051880893"],
        ),
    ] {
        let Some(text) = text(file) else { return };
        let format = format::named("w3c").unwrap();
        let mut record = Record::default();
        let mut found = Vec::new();
        for line in text.lines() {
            format.parse(line.as_bytes(), Ending::Whole, &mut record).unwrap_or_else(|_| panic!("{file}: {line}"));
            let name = |value: &sladd::record::Value| &*format.schema().fields[value.field as usize].name;
            let text =
                |value: &sladd::record::Value| String::from_utf8_lossy(value.span.of(line.as_bytes())).into_owned();
            found.extend(record.values.iter().map(|value| format!("{}={}", name(value), text(value))));
        }
        for field in fields {
            assert!(found.iter().any(|one| one == field), "{file}: {field}");
        }
    }
}

#[test]
fn no_client_address_is_left_in_a_sample() {
    for (name, format) in SAMPLES {
        let policy = common::with_format(common::builtin("hosting"), format);
        let (out, _) = common::minimised(&policy, &sample(name));
        let out = String::from_utf8(out).unwrap();
        for planted in
            ["192.0.2.17", "192.0.2.18", "2001:db8::7", "203.0.113.8", "kari", "9f86d081", "hunter2", "Nordmann"]
        {
            // A bucket's own keys are what was asked for, and stay in the request's path.
            let rest = out.replace("/shop-files/photos/kari.jpg", "");
            assert!(!rest.contains(planted), "{planted} in {name}: {rest}");
        }
    }
}
