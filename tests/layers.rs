//! Who may import whom, and what the pure layers must not hold. The table is that of the design.
#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Each room, its layer, and the rooms it may name. `0`–`3` stand for all rooms of those layers.
const TABLE: &[(&str, &str)] = &[
    ("record", ""),
    ("time", "record"),
    ("epoch", "record time"),
    ("error", ""),
    ("vault", ""),
    ("frame", "0"),
    ("format", "0"),
    ("detect", "0"),
    ("treatment", "0 detect"),
    ("retention", "0"),
    // Random bytes are passed in.
    ("seal", "0"),
    // The encoder takes `Treated` and `Tag`, nothing else of those rooms, and of sealing the lines that it sets aside.
    ("encode", "0 treatment retention seal"),
    // The second opinion shares nothing with what it judges.
    ("judge", ""),
    ("policy", "0 1"),
    ("key", "0 1 audit"),
    ("audit", "0 1"),
    ("plan", "0 1 2"),
    ("engine", "0 1 plan tally"),
    ("tally", "0"),
    ("input", "0 frame encode retention key audit tally"),
    // Pipes of both ends are enlarged by one function, which stands with the input.
    // A file that grows may lie under a secret of its own.
    ("output", "0 frame encode retention seal key audit tally input"),
    // It records what outputs made of inputs.
    ("state", "0 frame encode retention seal key audit tally input output"),
    // It keeps what outputs made, and stands on the same files and directories as the state.
    ("store", "0 frame encode retention seal key audit tally input output state"),
    ("run", "0 1 2 3 4 5"),
    ("cli", "0 1 2 3 4 5 6"),
    ("main", "cli"),
];

const LAYERS: &[&[&str]] = &[
    &["record", "time", "epoch", "error", "vault"],
    &["frame", "format", "detect", "treatment", "retention", "encode", "judge", "seal"],
    &["policy", "key", "audit"],
    &["plan"],
    &["engine", "tally"],
    &["input", "output", "state", "store"],
    &["run"],
    &["cli", "main"],
];

/// What layers 0, 1, 3 and 4 must not hold, outside their tests.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "std::env",
    "std::thread",
    "std::time",
    "SystemTime",
    "Instant::now",
    "tokio",
    "println!",
    "print!(",
    "eprintln!",
    "dbg!",
    "unsafe ",
    "std::io::std",
    "rustix",
    "getrandom",
    "File::",
];

/// Where `unsafe` may stand, each with its plain reference beside it.
const UNSAFE: &[&str] = &["detect/kernel.rs"];

fn sources() -> Vec<PathBuf> {
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs")
                && path.file_name().is_some_and(|name| name != "tests.rs")
            {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root(), &mut found);
    found.sort();
    assert!(found.len() > 30, "the sources are not where they were");
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The room a file belongs to: its folder, or its own name at the top.
fn room(path: &Path) -> String {
    let inside = path.strip_prefix(root()).unwrap();
    inside.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

/// The code without comments and without its tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("\n#[cfg(test)]\nmod ").next().unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Rooms named through `crate::`, also in braces over several lines.
fn named(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => found.push(first_word(rest)),
            Some(list) => {
                let mut depth = 0;
                let mut fresh = true;
                for (i, c) in list.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => fresh = true,
                        c if c.is_alphabetic() && fresh && depth == 0 => {
                            found.push(first_word(&list[i..]));
                            fresh = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    found
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn allowed() -> BTreeMap<&'static str, Vec<&'static str>> {
    TABLE
        .iter()
        .map(|(room, names)| {
            let mut list = vec![*room];
            for name in names.split_whitespace() {
                match name.parse::<usize>() {
                    Ok(layer) => list.extend(LAYERS[layer]),
                    Err(_) => list.push(name),
                }
            }
            (*room, list)
        })
        .collect()
}

#[test]
fn every_room_imports_only_what_the_table_allows() {
    let allowed = allowed();
    let mut wrong = Vec::new();
    for path in sources() {
        let room = room(&path);
        if room == "lib" || room == "build" {
            continue;
        }
        let list = allowed.get(room.as_str()).unwrap_or_else(|| panic!("room {room} is not in the table"));
        for name in named(&code(&path)) {
            let is_room = LAYERS.iter().any(|layer| layer.contains(&name.as_str()));
            if is_room && !list.contains(&name.as_str()) {
                wrong.push(format!("{} imports {name}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_pure_layers_hold_no_file_network_clock_thread_print_or_unsafe() {
    let pure: Vec<&str> = [0, 1, 3, 4].iter().flat_map(|&layer: &usize| LAYERS[layer]).copied().collect();
    let mut wrong = Vec::new();
    for path in sources() {
        if !pure.contains(&room(&path).as_str()) {
            continue;
        }
        let inside = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        let code = code(&path);
        for word in IMPURE {
            if *word == "unsafe " && UNSAFE.contains(&inside.as_str()) {
                continue;
            }
            if code.contains(word) {
                wrong.push(format!("{inside} holds `{word}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_engine_knows_neither_policies_nor_key_files() {
    let engine = code(&root().join("engine.rs"));
    for word in ["policy::", "crate::key", "crate::policy"] {
        assert!(!engine.contains(word), "engine.rs names {word}");
    }
}

#[test]
fn an_encoder_names_of_treatment_only_treated() {
    for path in sources().iter().filter(|path| room(path) == "encode") {
        let code = code(path);
        for (at, _) in code.match_indices("treatment::") {
            assert_eq!(first_word(&code[at + "treatment::".len()..]), "Treated", "{}", path.display());
        }
    }
}

#[test]
fn the_import_reader_sees_braces_and_plain_paths() {
    let code = "use crate::{record::{Span, Kind}, time::Zone,\n detect};\nlet x = crate::epoch::Epoch(1);";
    assert_eq!(named(code), ["record", "time", "detect", "epoch"]);
}
