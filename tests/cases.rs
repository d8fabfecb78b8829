//! Golden cases: data files under samples/cases, each with a why.
#![allow(clippy::unwrap_used)]

mod common;

use serde::Deserialize;
use std::{fs, path::Path};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What would go wrong without it.
    why: String,
    /// A built-in policy's name.
    policy: Option<String>,
    /// A policy's text, in place of a built-in.
    text: Option<String>,
    /// The format, where it is not `auto`.
    format: Option<String>,
    /// `json` for flat JSON out.
    encode: Option<String>,
    /// The line as a server writes it.
    line: String,
    /// The line as sladd writes it.
    out: String,
}

#[test]
fn every_case_comes_out_as_its_file_says() {
    let mut count = 0;
    let mut wrong = Vec::new();
    let mut files: Vec<_> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/cases"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for path in files {
        let file: File = toml::from_str(&fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for case in file.case {
            count += 1;
            assert!(case.why.len() > 10, "{}: a case without a why", path.display());
            let mut policy = match (&case.policy, &case.text) {
                (_, Some(text)) => common::policy(text),
                (name, None) => common::builtin(name.as_deref().unwrap_or("hosting")),
            };
            if let Some(format) = &case.format {
                policy = common::with_format(policy, format);
            }
            if case.encode.as_deref() == Some("json") {
                policy = common::as_json(policy);
            }
            let out = common::line(&policy, &case.line);
            if out != case.out {
                wrong.push(format!(
                    "{}: {}\n  line {}\n  want {}\n  have {out}",
                    path.file_name().unwrap().to_string_lossy(),
                    case.why,
                    case.line,
                    case.out
                ));
            }
        }
    }
    assert!(count >= 50, "only {count} cases");
    assert!(wrong.is_empty(), "{} of {count} cases:\n{}", wrong.len(), wrong.join("\n"));
}
