//! Lines and directives that nobody here wrote. They are not part of the repository: `SLADD_CORPUS` names their directory.
#![allow(missing_docs, clippy::unwrap_used)]

use serde_json::Value as Json;
use sladd::{
    format::{self, Ending, Format, Parse},
    record::{Kind, Record, State},
};
use std::{fs, path::PathBuf};

fn corpus(file: &str) -> Option<String> {
    let directory = std::env::var_os("SLADD_CORPUS").map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    let path = directory.join(file);
    let text = fs::read(&path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    if text.is_none() {
        eprintln!(
            "\n*** SKIPPED: {} is missing; set SLADD_CORPUS to the directory of the corpora ***\n",
            path.display()
        );
    }
    text
}

fn json_lines(file: &str) -> Option<Vec<Json>> {
    Some(corpus(file)?.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// What is present, by name; withheld values are not.
fn read(format: &Format, line: &str) -> Option<Vec<(String, String)>> {
    let mut record = Record::default();
    format.parse(line.as_bytes(), Ending::Whole, &mut record).ok()?;
    let fields = &format.schema().fields;
    let present = record.values.iter().filter(|value| value.state == State::Present);
    Some(
        present
            .map(|value| {
                let text = String::from_utf8_lossy(value.span.of(line.as_bytes())).into_owned();
                (fields[value.field as usize].name.to_string(), text)
            })
            .collect(),
    )
}

fn value<'a>(read: &'a [(String, String)], name: &str) -> Option<&'a str> {
    read.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
}

fn auto(line: &str) -> Option<(String, Vec<(String, String)>)> {
    static AUTO: std::sync::OnceLock<Vec<Format>> = std::sync::OnceLock::new();
    AUTO.get_or_init(format::auto)
        .iter()
        .find_map(|format| Some((format.schema().name.to_string(), read(format, line)?)))
}

#[test]
fn every_directive_compiles_and_reads_a_line_that_it_writes() {
    let Some(rows) = json_lines("log-formats/nginx.jsonl") else { return };
    for row in &rows {
        let (text, escape) = (row["format"].as_str().unwrap(), row["escape"].as_str().unwrap());
        let directive = format!("log_format x escape={escape} {};", quote(text));
        let format = format::named(&directive).unwrap_or_else(|error| panic!("{text}: {error}"));
        let schema = format.schema();
        let mut line = String::new();
        for item in &schema.items {
            let field = &schema.fields[item.field as usize];
            let sample = match field.kind {
                Kind::Address => "192.0.2.1",
                Kind::Number => "7",
                Kind::Status => "200",
                Kind::Method => "GET",
                Kind::Path => "/index.html",
                Kind::Query => "a=b",
                Kind::Protocol => "HTTP/1.1",
                Kind::Host => "www.example.com",
                Kind::Word => "x",
                Kind::Instant if field.clock == Some(sladd::record::Clock::Clf) => "21/Nov/2026:10:00:00 +0000",
                Kind::Instant if field.clock == Some(sladd::record::Clock::Rfc3339) => "2026-11-21T10:00:00+00:00",
                Kind::Instant => "1795255200.123",
                _ if matches!(&*field.name, "http.request.line" | "url.original") => continue,
                _ => "x",
            };
            line.push_str(std::str::from_utf8(&item.literal).unwrap());
            line.push_str(sample);
        }
        line.push_str(std::str::from_utf8(&schema.tail).unwrap());
        let read = read(&format, &line).unwrap_or_else(|| panic!("{text}: {line}"));
        if !text.contains("$arg_a$arg_xal") {
            assert!(
                read.len() + 1
                    >= schema
                        .fields
                        .iter()
                        .filter(|field| !matches!(&*field.name, "http.request.line" | "url.original"))
                        .count(),
                "{text}: {read:?}"
            );
        }
    }
}

#[test]
fn ten_thousand_combined_lines_fit_but_the_one_that_was_cut() {
    let Some(text) = corpus("logs/apache-combined-10k.log") else { return };
    let format = format::named("combined").unwrap();
    let misfits: Vec<&str> = text.lines().filter(|line| read(&format, line).is_none()).collect();
    assert_eq!(text.lines().count(), 10_000);
    assert!(misfits.len() == 1 && !misfits[0].ends_with('"'), "{misfits:?}");
    for line in text.lines().filter(|line| line.ends_with('"')) {
        let read = read(&format, line).unwrap();
        let client = line.split(' ').next().unwrap();
        assert_eq!(value(&read, "client.address"), Some(client));
        assert_eq!(auto(line).unwrap().0, "combined");
        let parts: Vec<&str> = line.split('"').collect();
        let request = parts[1].split(' ').collect::<Vec<_>>();
        assert_eq!(value(&read, "http.request.method"), Some(request[0]));
        assert_eq!(value(&read, "user_agent.original"), Some(parts[5]));
        assert_eq!(value(&read, "http.response.status_code"), parts[2].split(' ').nth(1));
    }
}

#[test]
fn a_thousand_lines_of_a_custom_format_fit_it() {
    let Some(text) = corpus("logs/gonx-custom-1k.log") else { return };
    let format = format::named(
        "nginx:$remote_addr [$time_local] \"$request\" $status $request_length $body_bytes_sent $request_time \"$t_size\" $recv_time $gen_time",
    )
    .unwrap();
    for line in text.lines() {
        let read = read(&format, line).unwrap_or_else(|| panic!("{line}"));
        assert_eq!(read.len(), 12);
        assert_eq!(value(&read, "client.address"), line.split(' ').next());
        assert_eq!(value(&read, "http.request.duration"), line.split(' ').nth(9));
    }
}

#[test]
fn lines_of_other_projects_are_read_as_they_expect() {
    let mut fit = 0;
    for file in ["parsed/beats-oss.jsonl", "lines/crowdsec-raw.jsonl", "lines/logstash-patterns.jsonl"] {
        let Some(rows) = json_lines(file) else { return };
        for row in rows {
            let line = row["line"].as_str().unwrap();
            let source = row["source"].as_str().unwrap();
            let Some((name, read)) = auto(line) else {
                println!("fits none: {source}: {}", &line[..line.len().min(90)]);
                continue;
            };
            fit += 1;
            let expected = &row["expected"];
            for (ours, theirs) in [
                ("http.request.method", "http.request.method"),
                ("http.response.status_code", "http.response.status_code"),
                ("http.response.body.size", "http.response.body.bytes"),
                ("user_agent.original", "user_agent.original"),
                ("http.request.header.referer", "http.request.referrer"),
                ("user.name", "user.name"),
            ] {
                // What stands behind a common line is not cut into fields.
                let behind = name.ends_with("common_extended")
                    && matches!(ours, "user_agent.original" | "http.request.header.referer");
                if let Some(theirs) = expected.get(theirs).filter(|_| !behind) {
                    let theirs = theirs.as_str().map_or_else(|| theirs.to_string(), str::to_owned);
                    assert_eq!(value(&read, ours), Some(theirs.as_str()), "{source}: {name}: {line}");
                }
            }
            if let Some(original) = expected.get("url.original").and_then(Json::as_str) {
                let query = value(&read, "url.query").map_or(String::new(), |query| format!("?{query}"));
                let path = value(&read, "url.path").map(|path| format!("{path}{query}"));
                assert_eq!(path.as_deref().or(value(&read, "http.request.line")), Some(original), "{line}");
            }
            if let Some(client) = expected.get("source.address").and_then(Json::as_str) {
                // They take the first forwarded address for the source.
                let forwarded = value(&read, "http.request.header.x-forwarded-for");
                let either = [value(&read, "client.address"), forwarded].into_iter().flatten();
                assert!(either.into_iter().any(|value| value.contains(client)), "{line}");
            }
        }
    }
    println!("{fit} lines fit");
    assert!(fit >= 47, "{fit}");
}
