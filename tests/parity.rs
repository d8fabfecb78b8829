//! Whatever can be named has a sample, a case and a row: formats, treatments, encodings, detectors, codes of findings.
#![allow(clippy::unwrap_used)]

mod common;

use std::{fs, path::Path};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn all(directory: &str, end: &str) -> String {
    let mut paths: Vec<_> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(directory))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == end))
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

fn row(readme: &str, name: &str) -> bool {
    readme.lines().any(|line| line.starts_with("| ") && line.split('|').nth(1).unwrap().contains(&format!("`{name}`")))
}

/// Each format, a sample log that it fits line by line, and a part of a golden case in it.
const FORMATS: &[(&str, &str, &str)] = &[
    ("combined", "nginx-combined", "200 5 \"-\" \"-\"'"),
    ("combined_extended", "traefik-clf", "0ms"),
    ("common_extended", "apache-common-timed", "200 5 0.003'"),
    ("common", "apache-common", "\"GET / HTTP/1.1\" 200 5'"),
    ("vhost_common", "apache-vhost-common", "200 512'"),
    ("vhost_combined", "apache-vhost-combined", "www.example.com:443 203"),
    ("alb", "alb", "format = 'alb'"),
    ("elb", "elb", "format = 'elb'"),
    ("envoy", "envoy", "format = 'envoy'"),
    ("gunicorn", "nginx-combined", "format = 'gunicorn'"),
    ("haproxy_http", "haproxy-http", "format = 'haproxy_http'"),
    ("haproxy_tcp", "haproxy-tcp", "format = 'haproxy_tcp'"),
    ("ingress_nginx", "ingress-nginx", "format = 'ingress_nginx'"),
    ("istio", "istio", "format = 'istio'"),
    ("lighttpd", "lighttpd", "format = 'lighttpd'"),
    ("litespeed", "nginx-combined", "format = 'litespeed'"),
    ("s3", "s3", "format = 's3'"),
    ("squid", "squid", "format = 'squid'"),
    ("tomcat", "tomcat", "format = 'tomcat'"),
    ("traefik", "traefik", "format = 'traefik'"),
    ("w3c", "iis", "format = 'w3c'"),
    ("cef", "cef", "format = 'cef'"),
    ("logfmt", "logfmt", "format = 'logfmt'"),
    ("ecs", "ecs.json", "format = 'ecs'"),
    ("gelf", "gelf.json", "format = 'gelf'"),
    ("loki", "loki.json", "format = 'loki'"),
    ("otlp", "otlp.json", "format = 'otlp'"),
    ("varnish", "nginx-combined", "format = 'varnish'"),
    ("json", "nginx-json", "{\"remote_addr\""),
    ("json", "caddy.json", "{\"remote_addr\""),
    ("text", "text", "std::vec"),
    ("nginx:", "nginx-custom", "nginx:$"),
    ("apache:", "apache-common", "apache:%"),
    ("auto", "nginx-combined", "203"),
    ("combined_forwarded", "combined-forwarded", "\"203.0.113.7, 198.51.100.9\""),
    ("combined_short", "combined-short", "203.0.113.77 - ["),
    ("syslog", "syslog", "<190>Nov 21"),
    ("cri", "cri", "stdout F"),
    ("docker", "docker.json", "{\"log\""),
    ("journald", "journald.json", "{\"MESSAGE\""),
    ("nginx_error", "nginx-error", "[error] 31#31: *46"),
    ("apache_error", "apache-error", "[auth_basic:error]"),
    ("php_error", "php-error", "PHP Warning:"),
    ("php_fpm", "php-fpm", "WARNING: [pool"),
    ("sshd", "sshd", "format = 'sshd'"),
    ("sudo", "sudo", "format = 'sudo'"),
    ("su", "su", "format = 'su'"),
    ("pam", "pam", "format = 'pam'"),
    ("logind", "logind", "format = 'logind'"),
    ("postfix", "postfix", "format = 'postfix'"),
    ("dovecot", "dovecot", "format = 'dovecot'"),
    ("exim", "exim", "format = 'exim'"),
    ("vsftpd", "vsftpd", "format = 'vsftpd'"),
    ("proftpd", "proftpd", "format = 'proftpd'"),
    ("pureftpd", "pureftpd", "format = 'pureftpd'"),
    ("xferlog", "xferlog", "format = 'xferlog'"),
];

#[test]
fn every_format_has_a_sample_that_fits_a_case_and_a_row() {
    let (readme, cases) = (read("README.md"), all("samples/cases", "toml"));
    for (name, sample, part) in FORMATS {
        assert!(cases.contains(part), "no case of {name}");
        match name.strip_suffix(':') {
            Some(name) => assert!(row(&readme, &format!("{name}:DIRECTIVE")), "no row of {name}"),
            None => {
                assert!(row(&readme, name), "no row of {name}");
                let policy = common::with_format(common::builtin("hosting"), name);
                let lines = read(&format!("samples/logs/{sample}.log"));
                let (_, tally) = common::minimised(&policy, lines.as_bytes());
                assert_eq!((tally.minimised, tally.unmatched), (tally.lines, 0), "{name}");
            }
        }
    }
    // What `format` says it knows is in the table above.
    let known = sladd::format::named("no such format").unwrap_err().to_string();
    for word in known.split("known are ").nth(1).unwrap().replace(" and ", ", ").split(", ") {
        let word = word.trim_end_matches("FORMAT");
        assert!(word == "main" || FORMATS.iter().any(|(name, ..)| *name == word), "{word} is not in the table");
    }
}

#[test]
fn every_treatment_has_a_row_a_template_line_and_a_use() {
    let readme = read("README.md");
    let template = sladd::policy::show("hosting").unwrap();
    let cases = all("samples/cases", "toml") + &all("samples/policies", "toml") + &template;
    for name in [
        "coarsen",
        "cookie",
        "country",
        "crypto-pan",
        "drop",
        "family",
        "ipcrypt-deterministic",
        "ipcrypt-pfx",
        "keep",
        "language",
        "origin",
        "path",
        "pseudonym",
        "query",
        "scrub",
        "truncate",
    ] {
        assert!(row(&readme, name), "no row of {name}");
        assert!(template.contains(name), "policy show says nothing of {name}");
        assert!(cases.contains(&format!("treatment = \"{name}\"")), "no use of {name}");
    }
    let drawn = {
        let text = "base = \"hosting\"\nname = \"x\"\nversion = 1\n[fields]\n\"message\" = { treatment = \"zzz\" }\n";
        let (_, findings) = sladd::policy::Policy::parse(text, "x");
        findings.iter().map(ToString::to_string).collect::<String>()
    };
    assert!(drawn.contains("treatment"), "{drawn}");
}

#[test]
fn every_encoding_has_a_case() {
    let cases = all("samples/cases", "toml");
    assert!(cases.contains("encode = 'json'"));
    assert!(cases.matches("out = ").count() > cases.matches("encode = 'json'").count());
}

#[test]
fn every_detector_is_named_in_the_readme_and_finds_something_in_a_case() {
    let (readme, cases) = (read("README.md"), all("samples/cases", "toml"));
    let sample = |name: &str| match name {
        "ip" => "203.0.113.77",
        "email" => "[email]",
        "jwt" | "token" => "[token]",
        "uuid" | "mac" | "imei" | "national_id" => "[id]",
        "phone" => "[phone]",
        "card" => "[card]",
        "iban" => "[iban]",
        "user" => "[user]",
        other => panic!("no case for the detector {other}"),
    };
    for (name, _) in sladd::detect::Kinds::NAMES {
        assert!(readme.contains(&format!("`{name}`")), "{name} is not in the README");
        assert!(cases.contains(sample(name)), "no case of {name}");
        assert!(cases.contains(&format!("detector {name}")) || name == "ip", "no case says: detector {name}");
    }
}

#[test]
fn every_code_of_a_finding_has_a_faulty_policy() {
    let faults = read("tests/policies/faults.toml");
    for code in sladd::policy::Code::ALL {
        assert!(faults.contains(code.as_str()), "no faulty policy for {}", code.as_str());
    }
}

#[test]
fn every_field_of_every_format_can_be_named_in_a_policy() {
    use sladd::format::{self, Parse};
    let mut unknown = Vec::new();
    let messages = format::message::PROGRAMS.iter().map(|program| format::message::Message::new(program));
    let messages = messages.map(format::Format::Message);
    for format in format::auto().into_iter().chain([format::text()]).chain(messages) {
        for field in &format.schema().fields {
            if !field.name.starts_with('*') && sladd::policy::names::canonical(&field.name).is_none() {
                unknown.push(field.name.clone());
            }
        }
    }
    let envelopes = format::envelope::all();
    for field in envelopes.iter().flat_map(|envelope| &envelope.schema().fields) {
        if sladd::policy::names::canonical(&field.name).is_none() {
            unknown.push(field.name.clone());
        }
    }
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn every_sample_policy_and_case_file_is_read_by_somebody() {
    for directory in ["samples/cases", "samples/policies", "samples/logs"] {
        assert!(fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(directory)).unwrap().count() > 0);
    }
}
