//! Policies: every fault has its code, every code its fault, and no change for the worse goes without a warning.
#![allow(clippy::unwrap_used)]

#[path = "policies/drawings.rs"]
mod drawings;
#[path = "policies/mutations.rs"]
mod mutations;
#[path = "policies/valid.rs"]
mod valid;

use sladd::policy::{Code, Colour, Finding, Policy, Treatment, draw};
use std::collections::BTreeSet;

const HEAD: &str = "base = \"hosting\"\nname = \"example\"\nversion = 1\n";

struct Case {
    why: String,
    codes: Vec<String>,
    at: Option<String>,
    policy: String,
}

fn cases() -> Vec<Case> {
    let file: toml::Table = include_str!("policies/faults.toml").parse().unwrap();
    let text = |value: &toml::Value| value.as_str().unwrap().to_owned();
    let case = |case: &toml::Value| Case {
        why: text(&case["why"]),
        codes: case["codes"].as_array().unwrap().iter().map(text).collect(),
        at: case.get("at").map(text),
        policy: text(&case["policy"]).replace("HEAD\n", HEAD).replace("\nHEAD", &format!("\n{HEAD}")),
    };
    file["case"].as_array().unwrap().iter().map(case).collect()
}

#[test]
fn every_fault_is_found_and_nothing_else_is() {
    assert!(cases().len() >= 60);
    let mut failed = Vec::new();
    for case in cases() {
        let (policy, findings) = Policy::parse(&case.policy, "case.toml");
        let codes: Vec<&str> = findings.iter().map(|finding| finding.code.as_str()).collect();
        if codes != case.codes {
            failed.push(format!("{}: {codes:?}\n{}", case.why, draw(&case.policy, &findings, Colour::Never)));
            continue;
        }
        assert_eq!(policy.is_none(), findings.iter().any(Finding::is_error), "{}", case.why);
        if let Some(at) = &case.at {
            assert_eq!(&case.policy[findings[0].span.clone()], at, "{}", case.why);
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn fifty_policies_without_terms_or_for_other_ends_are_refused() {
    let terms = ["E040", "E046", "E047", "E048"];
    let about = |case: &&Case| case.codes.iter().all(|code| terms.contains(&code.as_str()));
    let cases = cases();
    let refused = cases.iter().filter(about).filter(|case| Policy::parse(&case.policy, "case.toml").0.is_none());
    assert!(refused.count() >= 50);
}

#[test]
fn every_code_has_a_case() {
    let tested: BTreeSet<String> = cases().into_iter().flat_map(|case| case.codes).collect();
    for code in Code::ALL {
        assert!(tested.contains(code.as_str()), "{code} has no case in tests/policies/faults.toml");
    }
}

#[test]
fn every_finding_can_be_drawn_and_says_where_it_is() {
    for case in cases() {
        let (_, findings) = Policy::parse(&case.policy, "case.toml");
        for finding in &findings {
            assert!(finding.place.line >= 1 && finding.place.column >= 1);
            assert!(finding.to_string().starts_with("case.toml:"), "{finding}");
            assert!(!finding.message.ends_with('.'), "{finding}");
            assert!(
                !finding.message.starts_with(char::is_uppercase) || finding.message.starts_with("TOML"),
                "{finding}"
            );
        }
        let drawn = draw(&case.policy, &findings, Colour::Never);
        assert!(!drawn.contains('\u{1b}'), "{}", case.why);
        for finding in &findings {
            assert!(drawn.contains(&format!("[{}]", finding.code)), "{}", case.why);
        }
    }
}

#[test]
fn the_sample_policies_check_clean() {
    let mut samples = 0;
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/samples/policies")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        samples += 1;
        let text = std::fs::read_to_string(&path).unwrap();
        let (policy, findings) = Policy::parse(&text, &path.display().to_string());
        assert!(policy.is_some(), "{}", draw(&text, &findings, Colour::Never));
    }
    assert!(samples >= 3);
}

#[test]
fn a_policy_that_is_not_a_policy_never_panics() {
    let text = sladd::policy::show("hosting").unwrap();
    // Cut anywhere, and with one byte changed anywhere.
    for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)).step_by(43) {
        let (_, findings) = Policy::parse(&text[..at], "cut.toml");
        draw(&text[..at], &findings, Colour::Never);
        for byte in ['"', '[', '\n', '=', '\u{0}', 'é', '\r'] {
            let changed = format!("{}{byte}{}", &text[..at], &text[at..]);
            let (_, findings) = Policy::parse(&changed, "changed.toml");
            draw(&changed, &findings, Colour::Always);
        }
    }
}

#[test]
fn the_policy_of_the_design_is_valid() {
    let text = r#"
base = "hosting"
name = "example-host"
version = 3
[source]
format    = "auto"
malformed = "scrub"
malformed_limit = "20 %"
zone      = "UTC"
[fields]
"client.address"            = { treatment = "truncate", v4 = 24, v6 = 48 }
"user.name"                 = { treatment = "pseudonym" }
"device.id"                 = { treatment = "pseudonym", digits = 16 }
"url.path"                  = { treatment = "path" }
"url.query"                 = { treatment = "query", keep = ["page", "lang"], pseudonym = ["device_id"] }
"http.request.header.referer" = { treatment = "origin" }
"user_agent.original"       = { treatment = "family" }
"http.response.status_code" = { treatment = "keep" }
"server.address"            = { treatment = "keep", reason = "our own hosts" }
"*"                         = { treatment = "drop" }
[exempt]
networks = ["10.0.0.0/8"]
reason = "monitoring"
[[retention]]
class = "login_history"
when  = { format = ["sshd", "sudo"], "url.path" = "/admin*", "http.response.status_code" = ["4xx"] }
keep  = "6 months"
purpose = "security"
basis = "legitimate_interest"
[[retention]]
class = "security_log"
keep  = "6 months"
purpose = "security"
basis = "legitimate_interest"
[encode]
as  = "same"
tag = "append"
[keys]
directory = "/var/lib/sladd/keys"
epoch = "1 day"
keep  = "30 days"
[[example]]
line = '192.0.2.77 - - "GET /index.html" 200'
gone = ["192.0.2.77"]
kept = ["GET", "/index.html", "200"]
[state]
directory = "/var/lib/sladd/state"
memory_limit = "64 MiB"
[[input]]
follow = ["/var/log/nginx/access.log*"]
[[output]]
file = "/var/log/sladd/access.log"
"#;
    let (policy, findings) = Policy::parse(text, "design.toml");
    let codes: Vec<&str> = findings.iter().map(|finding| finding.code.as_str()).collect();
    // The base exempts nobody and keeps no parameter beyond the built-in rule.
    assert_eq!(codes, ["W100", "W101"], "{}", draw(text, &findings, Colour::Never));
    let policy = policy.unwrap();
    assert_eq!((&*policy.name, policy.version), ("example-host", 3));
    assert_eq!(policy.source.malformed_limit, None);
    assert_eq!(policy.rules.len(), 2);
    assert_eq!(policy.rules[0].formats.len(), 2);
    assert_eq!(*policy.treatment("http.request.header.cookie"), Treatment::Drop);
    assert_eq!(*policy.treatment("nobody.named.this"), Treatment::Drop);
}
