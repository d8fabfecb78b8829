//! The README's `console` blocks run as they stand, and its TOML blocks are valid.
#![allow(clippy::unwrap_used)]

use std::{path::Path, process::Command};

fn readme() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

/// The bodies of the fenced blocks of this language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut inside: Option<(bool, String)> = None;
    for line in text.lines() {
        match (&mut inside, line.strip_prefix("```")) {
            (None, Some(name)) => inside = Some((name == language, String::new())),
            (Some((wanted, body)), Some(_)) => {
                if *wanted {
                    found.push(std::mem::take(body));
                }
                inside = None;
            }
            (Some((_, body)), None) => {
                body.push_str(line);
                body.push('\n');
            }
            (None, None) => {}
        }
    }
    found
}

#[test]
fn every_console_block_prints_what_it_says() {
    let blocks = blocks(&readme(), "console");
    assert!(blocks.len() >= 4);
    let binary = Path::new(env!("CARGO_BIN_EXE_sladd")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    for block in blocks {
        for part in block.split("$ ").filter(|part| !part.trim().is_empty()) {
            let (command, want) = part.split_once('\n').unwrap();
            let out = Command::new("sh")
                .args(["-c", command])
                .env("PATH", &path)
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .output()
                .unwrap();
            assert_eq!(
                String::from_utf8_lossy(&out.stdout),
                want,
                "{command}\n{}",
                String::from_utf8_lossy(&out.stderr)
            );
        }
    }
}

#[test]
fn the_policy_by_example_is_valid() {
    for block in blocks(&readme(), "toml").iter().filter(|block| block.contains("base")) {
        let (policy, findings) = sladd::policy::Policy::parse(block, "README.md");
        assert!(policy.is_some(), "{findings:?}");
    }
}
