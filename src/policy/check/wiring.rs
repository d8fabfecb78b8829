//! `[state]`, `[status]`, `[[input]]` and `[[output]]`: the sidecar's wiring.

mod receivers;
mod sockets;

use super::{Code, Report, Table, choice, process, quoted, words};
use crate::policy::{
    names,
    raw::{At, Keys},
    wiring::{Every, From, Input, LEAST_MEMORY, Listen, OnStall, Output, Rotate, To, Wiring},
};
use std::{net::SocketAddr, ops::Range, path::PathBuf};
use toml::de::DeValue;

pub(in crate::policy) const STATE: Keys = Keys { known: &["directory", "memory_limit"], later: &[] };
pub(in crate::policy) const STATUS: Keys = Keys { known: &["listen"], later: &[] };
pub(in crate::policy) const INPUT: Keys = Keys {
    known: &[
        "follow",
        "fifo",
        "stdin",
        "syslog",
        "forward",
        "format",
        "start",
        "compressed",
        "on_stall",
        "secret",
        "connections",
        "plain",
        "tenant",
    ],
    later: &["journal"],
};
pub(in crate::policy) const OUTPUT: Keys = Keys {
    known: &[
        "file",
        "stdout",
        "store",
        "forward",
        "syslog",
        "http",
        "classes",
        "tenants",
        "fields",
        "rotate",
        "spool",
        "ca",
        "certificate",
        "certificate_key",
        "plain",
        "tag",
        "compress",
        "secret",
        "app_name",
        "enterprise",
        "shape",
        "token",
        "headers",
        "labels",
        "resource",
        "index",
        "seal",
    ],
    later: &["wrap"],
};
pub(in crate::policy) const ROTATE: Keys = Keys { known: &["size", "every", "keep"], later: &[] };

/// Reads the wiring.
pub(super) fn read(top: &Table<'_>, report: &mut Report) -> Wiring {
    let mut wiring = Wiring::default();
    if let Some(state) = top.table("state", "[state]", STATE, report) {
        wiring.directory =
            state.text("directory", report).and_then(|path| absolute(&path, "/var/lib/sladd/state", report));
        if let Some(limit) = state.text("memory_limit", report) {
            wiring.memory_limit = memory(&limit, report).unwrap_or(wiring.memory_limit);
        }
    }
    if let Some(status) = top.table("status", "[status]", STATUS, report) {
        wiring.status = status.needed_text("listen", report).and_then(|place| listen(&place, report));
    }
    let inputs = top.tables("input", "[[input]]", INPUT, report);
    if let Some(inputs) = &inputs {
        wiring.inputs = inputs.value.iter().filter_map(|table| input(table, report)).collect();
        let stdin = inputs.value.iter().filter(|table| table.has("stdin")).nth(1);
        if let Some(table) = stdin {
            report.add(Code::BadValue, table.span.clone(), "standard input can be read once");
        }
    }
    if let Some(outputs) = top.tables("output", "[[output]]", OUTPUT, report) {
        let mut paths: Vec<PathBuf> = Vec::new();
        for table in &outputs.value {
            let Some(output) = output(table, report) else { continue };
            if let To::File { path, .. } | To::Store(path) = &output.to {
                let inside = |other: &PathBuf| path.starts_with(other) || other.starts_with(path);
                if paths.contains(path) {
                    report.add(Code::BadValue, table.span.clone(), "another output writes the same file");
                } else if paths.iter().any(inside) {
                    report.add(Code::BadValue, table.span.clone(), "another output writes in the same directory");
                }
                let patterns = wiring.inputs.iter().filter_map(|input| match &input.from {
                    From::Follow { patterns, .. } => Some(patterns),
                    From::Fifo(_) | From::Stdin | From::Syslog(_) | From::Forward(_) => None,
                });
                let said = path.to_string_lossy();
                let put_aside = format!("{said}.1");
                let is_read = |pattern: &str| {
                    is_named(pattern, &said) || output_rotates(&output) && is_named(pattern, &put_aside)
                };
                if let Some(pattern) = patterns.flatten().find(|pattern| is_read(pattern)) {
                    let span = table.entry("file").map_or(table.span.clone(), |entry| entry.span);
                    let message = format!("an input reads this file too: {}", quoted(pattern));
                    let help = "what is written would come in again; write it elsewhere, or narrow `follow`";
                    report.helped(Code::BadValue, span, message, help);
                }
                paths.push(path.clone());
            }
            wiring.outputs.push(output);
        }
    }
    if wiring.outputs.iter().any(|output| output.to == To::Stdout) {
        for table in inputs.iter().flat_map(|inputs| &inputs.value) {
            if let Some(stall) = table.entry("on_stall").filter(|entry| entry.value.as_str() == Some("spill")) {
                let message = "nothing waits on the disk for standard output, so nothing can be spilled";
                report.helped(Code::BadValue, stall.span, message, "write \"block\" or \"shed\"");
            }
        }
    }
    wiring
}

/// Where the outputs name classes; and their first `fields`, under no name.
pub(super) fn places(top: &Table<'_>) -> Vec<(Box<str>, Range<usize>)> {
    let Some(DeValue::Array(outputs)) = top.entry("output").map(|entry| entry.value) else { return Vec::new() };
    let mut places: Vec<(Box<str>, Range<usize>)> = Vec::new();
    for output in outputs.iter() {
        let DeValue::Table(output) = output.get_ref() else { continue };
        if let Some((key, _)) = output.get_key_value("fields") {
            places.push(("".into(), key.span()));
        }
        let Some(DeValue::Array(classes)) = output.get("classes").map(|classes| classes.get_ref()) else { continue };
        let named = classes.iter().filter_map(|class| Some((class.get_ref().as_str()?.into(), class.span())));
        places.extend(named);
    }
    places
}

/// Where the first output says that its store is sealed.
pub(super) fn sealed(top: &Table<'_>) -> Option<Range<usize>> {
    let Some(DeValue::Array(outputs)) = top.entry("output").map(|entry| entry.value) else { return None };
    outputs
        .iter()
        .find_map(|output| match output.get_ref() {
            DeValue::Table(output) => output.get("seal").filter(|seal| seal.get_ref().as_bool() == Some(true)),
            _ => None,
        })
        .map(|seal| seal.span())
}

/// The tenants that inputs and outputs name, and where.
pub(super) fn tenants(top: &Table<'_>) -> Vec<(Box<str>, Range<usize>)> {
    let mut found: Vec<(Box<str>, Range<usize>)> = Vec::new();
    for (list, key) in [("input", "tenant"), ("output", "tenants")] {
        let Some(DeValue::Array(tables)) = top.entry(list).map(|entry| entry.value) else { continue };
        for table in tables.iter() {
            let DeValue::Table(table) = table.get_ref() else { continue };
            let names = match table.get(key).map(|value| (value.get_ref(), value.span())) {
                Some((DeValue::String(name), span)) => vec![(Some(&**name), span)],
                Some((DeValue::Array(names), _)) => {
                    names.iter().map(|name| (name.get_ref().as_str(), name.span())).collect()
                }
                Some(_) | None => Vec::new(),
            };
            found.extend(names.into_iter().filter_map(|(name, span)| Some((name?.into(), span))));
        }
    }
    found
}

/// Whether a pattern of `follow` names this path.
pub(super) fn is_named(pattern: &str, path: &str) -> bool {
    let mut parts = pattern.split('/');
    let mut left = path.split('/');
    loop {
        match (parts.next(), left.next()) {
            (None, None) => return true,
            (Some("**"), Some(first)) => {
                let rest = parts.collect::<Vec<_>>().join("/");
                let mut tail = std::iter::once(first).chain(left).collect::<Vec<_>>();
                while !tail.is_empty() && !is_named(&rest, &tail.join("/")) {
                    tail.remove(0);
                }
                return !tail.is_empty();
            }
            (Some(part), Some(name)) => {
                let (part, name) = (part.as_bytes(), name.as_bytes());
                if name.first() == Some(&b'.') && part.first() != Some(&b'.') || !is_like(part, name) {
                    return false;
                }
            }
            (None, Some(_)) | (Some(_), None) => return false,
        }
    }
}

/// One name against one part of a pattern, with `*`, `?` and `[…]`.
fn is_like(part: &[u8], name: &[u8]) -> bool {
    // The last star, and what it was tried for; nothing before it has to be tried again.
    let (mut at, mut next, mut star) = (0, 0, None);
    loop {
        let one = match (part.get(at), name.get(next)) {
            (None, None) => return true,
            (Some(b'*'), _) => {
                star = Some((at + 1, next));
                at += 1;
                continue;
            }
            (Some(b'?'), Some(_)) => Some(at + 1),
            (Some(b'['), Some(&byte)) => one_of(part, at, byte),
            (Some(&wanted), Some(&byte)) => (wanted == byte).then_some(at + 1),
            (None, Some(_)) | (Some(_), None) => None,
        };
        match (one, star) {
            (Some(behind), _) => (at, next) = (behind, next + 1),
            (None, Some((behind, tried))) if tried < name.len() => {
                star = Some((behind, tried + 1));
                (at, next) = (behind, tried + 1);
            }
            (None, _) => return false,
        }
    }
}

/// Where the part goes on behind a `[…]` that holds the byte.
fn one_of(part: &[u8], at: usize, byte: u8) -> Option<usize> {
    let is_not = part.get(at + 1) == Some(&b'!');
    let from = at + 1 + usize::from(is_not);
    // A bracket right at the beginning is one of the bytes.
    let end = from + 1 + part.get(from + 1..)?.iter().position(|byte| *byte == b']')?;
    let set = &part[from..end];
    let mut holds = false;
    let mut index = 0;
    while index < set.len() {
        match set[index..] {
            [first, b'-', last, ..] => (holds, index) = (holds || (first..=last).contains(&byte), index + 3),
            _ => (holds, index) = (holds || set[index] == byte, index + 1),
        }
    }
    (holds != is_not).then_some(end + 1)
}

/// The one key of a table that says what it is.
fn kind(
    table: &Table<'_>,
    (called, known): (&str, &[&str]),
    keys: &[&'static str],
    report: &mut Report,
) -> Option<&'static str> {
    let mut said = keys.iter().copied().filter(|key| table.has(key));
    match (said.next(), said.next()) {
        (Some(key), None) => return Some(key),
        (Some(key), Some(other)) => report.helped(
            Code::BadValue,
            table.span.clone(),
            format!("{called} has {} and {}", quoted(key), quoted(other)),
            "write one table for each",
        ),
        // A key that nobody knows may be the one, misspelt; that is told.
        (None, _) if table.entries().iter().any(|entry| !known.contains(&entry.key)) => {}
        (None, _) => {
            let keys: Vec<String> = keys.iter().map(|key| quoted(key)).collect();
            report.add(Code::MissingKey, table.span.clone(), format!("{called} needs one of {}", keys.join(", ")));
        }
    }
    None
}

fn output_rotates(output: &Output) -> bool {
    matches!(&output.to, To::File { rotate, .. } if *rotate != Rotate::NEVER)
}

fn input(table: &Table<'_>, report: &mut Report) -> Option<Input> {
    let kind = kind(table, ("[[input]]", INPUT.known), &["follow", "fifo", "stdin", "syslog", "forward"], report);
    let formats = process::formats(table, report).map_or_else(Vec::new, |at| at.value);
    let start = choice(table, "start", &[("beginning", false), ("end", true)], report);
    let tenant = table.text("tenant", report).map(|tenant| tenant.value.into());
    let stalls = [("block", OnStall::Block), ("spill", OnStall::Spill), ("shed", OnStall::Shed)];
    let stall = choice(table, "on_stall", &stalls, report);
    if let (Some(start), Some("fifo" | "stdin" | "syslog" | "forward")) = (&start, kind) {
        report.add(Code::BadValue, start.span.clone(), "`start` is for files that are followed");
    }
    if let (Some(compressed), Some("fifo" | "stdin" | "syslog" | "forward")) = (table.entry("compressed"), kind) {
        report.add(Code::BadValue, compressed.span, "`compressed` is for files that are followed");
    }
    if let (Some(stall), Some("follow")) = (&stall, kind)
        && stall.value != OnStall::Block
    {
        let message = "lines of files are never shed or spilled: they wait where they are";
        report.add(Code::BadValue, stall.span.clone(), message);
    }
    sockets::only(table, kind, report);
    let from = match kind? {
        "follow" => {
            let patterns = table.texts("follow", report)?;
            if patterns.value.is_empty() {
                report.add(Code::BadValue, patterns.span, "`follow` names no file");
                return None;
            }
            let known = patterns.value.iter().map(|pattern| absolute(pattern, "/var/log/nginx/access.log*", report));
            let patterns: Option<Vec<Box<str>>> = known.map(|path| path?.to_str().map(Into::into)).collect();
            let compressed = table.flag("compressed", report).unwrap_or(false);
            From::Follow { patterns: patterns?, from_end: start.is_some_and(|start| start.value), compressed }
        }
        "fifo" => From::Fifo(absolute(&table.text("fifo", report)?, "/run/sladd/access.fifo", report)?),
        "stdin" => match table.flag("stdin", report)? {
            true => From::Stdin,
            false => {
                report.add(Code::BadValue, table.span.clone(), "`stdin = false` is no input; leave the table out");
                return None;
            }
        },
        "syslog" => From::Syslog(sockets::read(table, "syslog", report)?),
        _ => From::Forward(sockets::read(table, "forward", report)?),
    };
    Some(Input { from, formats, tenant, on_stall: stall.map_or(OnStall::Block, |stall| stall.value) })
}

fn output(table: &Table<'_>, report: &mut Report) -> Option<Output> {
    let kind =
        kind(table, ("[[output]]", OUTPUT.known), &["file", "stdout", "store", "forward", "syslog", "http"], report);
    let classes = table.texts("classes", report).map_or_else(Vec::new, |at| at.value);
    let tenants = table.texts("tenants", report).map_or_else(Vec::new, |at| {
        if at.value.is_empty() {
            report.add(Code::BadValue, at.span, "`tenants` names nobody; leave it out to get the records of all");
        }
        at.value
    });
    let fields = table.texts("fields", report).map_or_else(Vec::new, |fields| projection(&fields, report));
    let rotate =
        table.table("rotate", "`rotate`", ROTATE, report).map(|rotate| (rotation(&rotate, report), rotate.span));
    if let (Some((_, span)), Some(other)) = (&rotate, kind)
        && other != "file"
    {
        report.add(Code::BadValue, span.clone(), format!("`rotate` is for files, not for {}", quoted(other)));
    }
    receivers::only(table, kind, report);
    let seal = table.flag("seal", report).unwrap_or(false);
    if let (Some(entry), Some(other)) = (table.entry("seal"), kind)
        && matches!(other, "file" | "stdout")
    {
        let message = format!("`seal` is for stores, and for what waits for a receiver, not for {}", quoted(other));
        report.add(Code::BadValue, entry.span, message);
    }
    let to = match kind? {
        "file" => {
            let path = absolute(&table.text("file", report)?, "/var/log/sladd/access.log", report)?;
            To::File { path, rotate: rotate.and_then(|(rotate, _)| rotate).unwrap_or(Rotate::NEVER) }
        }
        "store" => To::Store(absolute(&table.text("store", report)?, "/var/lib/sladd/store", report)?),
        "stdout" if table.flag("stdout", report)? => To::Stdout,
        "stdout" => {
            report.add(Code::BadValue, table.span.clone(), "`stdout = false` is no output; leave the table out");
            return None;
        }
        other => To::Remote(Box::new(receivers::read(table, other, report)?)),
    };
    let plain = |names: &[At<&str>]| names.iter().map(|name| name.value.into()).collect();
    Some(Output { to, classes: plain(&classes), tenants: plain(&tenants), fields, seal })
}

/// Members of records, by their canonical names.
fn projection(fields: &At<Vec<At<&str>>>, report: &mut Report) -> Vec<Box<str>> {
    if fields.value.is_empty() {
        report.add(Code::BadValue, fields.span.clone(), "`fields` names no field; leave it out to get all");
    }
    let mut known: Vec<Box<str>> = Vec::new();
    for field in &fields.value {
        match names::canonical(field.value) {
            Some((name, _)) if known.iter().any(|first| **first == *name) => {}
            Some((name, _)) => known.push(name.into()),
            None => {
                let help = match names::nearest(field.value) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => {
                        "names are OpenTelemetry's, such as \"client.address\"; the tag always goes along".to_owned()
                    }
                };
                let message = format!("no field is called {}", quoted(field.value));
                report.helped(Code::UnknownField, field.span.clone(), message, help);
            }
        }
    }
    known
}

fn rotation(table: &Table<'_>, report: &mut Report) -> Option<Rotate> {
    let size = table.text("size", report).map(|text| memory_of(&text, 1, report));
    let every =
        table.has("every").then(|| choice(table, "every", &[("1 hour", Every::Hour), ("1 day", Every::Day)], report));
    let keep = table.number("keep", report);
    if let Some(keep) = &keep
        && !(1..=10_000).contains(&keep.value)
    {
        report.add(Code::BadValue, keep.span.clone(), "`keep` should be between 1 and 10,000");
        return None;
    }
    if size.is_none() && every.is_none() {
        report.add(Code::MissingKey, table.span.clone(), "`rotate` needs `size` or `every`");
        return None;
    }
    // What was written and is wrong was reported.
    if size == Some(None) || matches!(every, Some(None)) {
        return None;
    }
    Some(Rotate {
        size: size.flatten(),
        every: every.flatten().map(|every| every.value),
        keep: keep.map_or(Rotate::NEVER.keep, |keep| keep.value as u32),
    })
}

pub(super) fn absolute(path: &At<&str>, example: &str, report: &mut Report) -> Option<PathBuf> {
    if words::is_absolute(path.value) {
        return Some(PathBuf::from(path.value));
    }
    report.helped(
        Code::RelativeDirectory,
        path.span.clone(),
        format!("{} is not an absolute path", quoted(path.value)),
        format!("write it from the root, without . and .., for example \"{example}\""),
    );
    None
}

fn memory(text: &At<&str>, report: &mut Report) -> Option<u64> {
    memory_of(text, LEAST_MEMORY, report)
}

/// `64 MiB`, `100 MB`, `1 GiB`.
pub(super) fn memory_of(text: &At<&str>, least: u64, report: &mut Report) -> Option<u64> {
    const UNITS: [(&str, u64); 7] = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("kB", 1000),
        ("KB", 1000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
    ];
    let unit = UNITS.iter().find_map(|(unit, times)| Some((text.value.strip_suffix(unit)?.trim_end(), *times)));
    let plain = unit.filter(|(digits, _)| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
    let bytes = plain.and_then(|(digits, times)| digits.parse::<u64>().ok()?.checked_mul(times));
    let (message, help) = match bytes {
        Some(bytes) if bytes >= least => return Some(bytes),
        Some(_) => (format!("{} is too little", quoted(text.value)), format!("write at least \"{} MiB\"", least >> 20)),
        None => (
            format!("{} is not a size", quoted(text.value)),
            "write a number and KiB, MiB or GiB, for example \"64 MiB\"".to_owned(),
        ),
    };
    report.helped(Code::BadValue, text.span.clone(), message, help);
    None
}

/// A loopback address and a port, or the path of a socket.
fn listen(text: &At<&str>, report: &mut Report) -> Option<Listen> {
    if text.value.starts_with('/') {
        return absolute(text, "/run/sladd/status.sock", report).map(Listen::Unix);
    }
    const HELP: &str = "write \"127.0.0.1:9464\", \"[::1]:9464\" or the path of a socket, \"/run/sladd/status.sock\"";
    let (message, help) = match text.value.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() => return Some(Listen::Tcp(address)),
        Ok(_) => (
            "others than this machine could connect here",
            "write 127.0.0.1 or a socket's path, and let a proxy with access rules stand before it",
        ),
        Err(_) => ("this is no address with a port", HELP),
    };
    report.helped(Code::BadValue, text.span.clone(), message, help);
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::policy::Policy;

    const HEAD: &str = "base = \"hosting\"\nname = \"example-host\"\nversion = 1\n";

    fn wiring(text: &str) -> Wiring {
        let (policy, findings) = Policy::parse(&format!("{HEAD}{text}"), "test.toml");
        assert_eq!(findings, [], "{text}");
        policy.unwrap().wiring
    }

    #[test]
    fn wiring_is_read_as_it_is_written() {
        let wiring = wiring(
            "[state]\ndirectory = \"/var/lib/sladd/state\"\nmemory_limit = \"96 MiB\"\n[status]\nlisten = \"[::1]:9464\"\n\
             [[input]]\nfollow = [\"/var/log/nginx/*.log\"]\nstart = \"end\"\nformat = \"combined\"\ncompressed = true\n\
             [[input]]\nfifo = \"/run/sladd/a\"\non_stall = \"shed\"\n[[input]]\nstdin = true\n\
             [[output]]\nfile = \"/var/log/sladd/a.log\"\nclasses = [\"security_log\"]\nrotate = { size = \"100 MB\", every = \"1 day\" }\n\
             [[output]]\nstdout = true\n[[output]]\nstore = \"/var/lib/sladd/store\"\n",
        );
        assert_eq!(wiring.directory.as_deref(), Some("/var/lib/sladd/state".as_ref()));
        assert_eq!((wiring.memory_limit, wiring.status), (96 << 20, Some(Listen::Tcp("[::1]:9464".parse().unwrap()))));
        let follow = From::Follow { patterns: vec!["/var/log/nginx/*.log".into()], from_end: true, compressed: true };
        assert_eq!(
            wiring.inputs[0],
            Input { from: follow, formats: vec!["combined".into()], tenant: None, on_stall: OnStall::Block }
        );
        assert_eq!(wiring.inputs[1].on_stall, OnStall::Shed);
        assert_eq!(wiring.inputs[2].from, From::Stdin);
        let rotate = Rotate { size: Some(100_000_000), every: Some(Every::Day), keep: 7 };
        assert_eq!(wiring.outputs[0].to, To::File { path: "/var/log/sladd/a.log".into(), rotate });
        assert_eq!(wiring.outputs[0].classes, ["security_log".into()]);
        assert_eq!(wiring.outputs[1].to, To::Stdout);
        assert!(wiring.outputs[1].fields.is_empty());
        assert_eq!(wiring.outputs[2].to, To::Store("/var/lib/sladd/store".into()));
    }

    #[test]
    fn fields_are_known_by_all_their_names_and_need_records_that_are_objects() {
        let output = "[[output]]\nstdout = true\nfields = [\"$remote_addr\", \"url.path\", \"client.address\"]\n";
        let json = wiring(&format!("[encode]\nas = \"json\"\n{output}"));
        assert_eq!(json.outputs[0].fields, ["client.address".into(), "url.path".into()]);
        let (policy, findings) = Policy::parse(&format!("{HEAD}{output}"), "test.toml");
        assert!(policy.is_none() && findings.len() == 1);
        assert_eq!(
            findings[0].message,
            "an output takes some fields of records that are written in the layout they came in"
        );
        assert!(findings[0].help.as_deref().unwrap().contains("as = \"json\""));
        let json = format!("{HEAD}[encode]\nas = \"json\"\n");
        let findings =
            Policy::parse(&format!("{json}[[output]]\nstdout = true\nfields = [\"url.pth\"]\n"), "test.toml").1;
        assert!(findings.len() == 1 && findings[0].code == Code::UnknownField);
        assert_eq!(findings[0].help.as_deref(), Some("did you mean \"url.path\"?"));
        let findings = Policy::parse(&format!("{json}[[output]]\nstdout = true\nfields = []\n"), "test.toml").1;
        assert!(findings.len() == 1 && findings[0].message.contains("names no field"));
    }

    #[test]
    fn what_is_odd_is_reported_under_its_own_line() {
        for (text, code, says) in [
            ("[state]\nmemory_limit = \"1 MiB\"\n", Code::BadValue, "too little"),
            ("[state]\nmemory_limit = \"much\"\n", Code::BadValue, "not a size"),
            ("[state]\ndirectory = \"state\"\n", Code::RelativeDirectory, "not an absolute path"),
            ("[status]\nlisten = \"0.0.0.0:80\"\n", Code::BadValue, "others than this machine"),
            ("[status]\nlisten = \"localhost\"\n", Code::BadValue, "no address with a port"),
            ("[[input]]\nformat = \"combined\"\n", Code::MissingKey, "needs one of"),
            ("[[input]]\nfifo = \"/a\"\nstdin = true\n", Code::BadValue, "has `fifo` and `stdin`"),
            (
                "[[input]]\nfifo = \"/a\"\non_stall = \"spill\"\n[[output]]\nstdout = true\n",
                Code::BadValue,
                "can be spilled",
            ),
            ("[[input]]\nfollow = []\n", Code::BadValue, "names no file"),
            (
                "[[input]]\nfollow = [\"/l/*.log\"]\n[[output]]\nfile = \"/l/a.log\"\n",
                Code::BadValue,
                "reads this file",
            ),
            (
                "[[input]]\nfollow = [\"/l/a.log*\"]\n[[output]]\nfile = \"/l/a.log\"\n",
                Code::BadValue,
                "reads this file",
            ),
            (
                "[[output]]\nhttp = \"https://a.example\"\nshape = \"elasticsearch\"\nindex = \"A b\"\n",
                Code::BadValue,
                "an index is written",
            ),
            ("[[input]]\nfollow = [\"a.log\"]\n", Code::RelativeDirectory, "not an absolute path"),
            ("[[input]]\nfollow = [\"/a.log\"]\non_stall = \"shed\"\n", Code::BadValue, "never shed"),
            ("[[input]]\nfifo = \"/a\"\nstart = \"end\"\n", Code::BadValue, "files that are followed"),
            ("[[input]]\nfifo = \"/a\"\ncompressed = true\n", Code::BadValue, "files that are followed"),
            ("[[input]]\nfollow = [\"/a\"]\ncompressed = \"gz\"\n", Code::WrongType, "true or false"),
            ("[[input]]\nstdin = true\n[[input]]\nstdin = true\n", Code::BadValue, "read once"),
            ("[[output]]\nfile = \"/a\"\n[[output]]\nfile = \"/a\"\n", Code::BadValue, "the same file"),
            ("[[output]]\nstore = \"/a\"\n[[output]]\nfile = \"/a/b\"\n", Code::BadValue, "the same directory"),
            ("[[output]]\nstore = \"a\"\n", Code::RelativeDirectory, "not an absolute path"),
            ("[[output]]\nstore = \"/a\"\nrotate = { every = \"1 day\" }\n", Code::BadValue, "is for files"),
            ("[[output]]\nfile = \"/a\"\nrotate = { keep = 3 }\n", Code::MissingKey, "needs `size` or `every`"),
            ("[[output]]\nfile = \"/a\"\nrotate = { every = \"soon\" }\n", Code::BadValue, "cannot be"),
            ("[[output]]\nstdout = true\nclasses = [\"security\"]\n", Code::BadValue, "which no rule gives"),
            ("[[output]]\nstdout = true\nrotate = { every = \"1 day\" }\n", Code::BadValue, "is for files"),
        ] {
            let (policy, findings) = Policy::parse(&format!("{HEAD}{text}"), "test.toml");
            assert!(policy.is_none() && findings.len() == 1, "{text} {findings:?}");
            assert!(findings[0].code == code && findings[0].message.contains(says), "{text} {findings:?}");
        }
    }

    #[test]
    fn a_pattern_names_what_follow_would_read() {
        for (pattern, path, is_it) in [
            ("/l/*.log", "/l/a.log", true),
            ("/l/*.log", "/l/.a.log", false),
            ("/l/*.log", "/l/m/a.log", false),
            ("/l/**/*.log", "/l/m/n/a.log", true),
            ("/**/a.log", "/a.log", true),
            ("/l/a[0-9].lo?", "/l/a7.log", true),
            ("/l/a[!0-9].log", "/l/a7.log", false),
            ("/l/a[]x].log", "/l/a].log", true),
            ("/l/*a*b", "/l/aaab", true),
            ("/l/*a*b", "/l/aaac", false),
            ("/l/a", "/l/a.1", false),
        ] {
            assert_eq!(is_named(pattern, path), is_it, "{pattern} {path}");
        }
    }

    #[test]
    fn what_an_output_takes_is_drawn_where_it_is_written() {
        let text = format!("{HEAD}[[output]]\nstdout = true\nclasses = [\"security_log\", \"security\"]\n");
        let findings = Policy::parse(&text, "test.toml").1;
        assert_eq!(&text[findings[0].span.clone()], "\"security\"");
        let text = format!("{HEAD}[[output]]\nstdout = true\nfields = [\"url.path\"]\n");
        let findings = Policy::parse(&text, "test.toml").1;
        assert_eq!(&text[findings[0].span.clone()], "fields");
        let text = format!("{HEAD}[[output]]\nhttp = \"https://a.example\"\nshape = \"otlp\"\nindex = \"a\"\n");
        let findings = Policy::parse(&text, "test.toml").1;
        assert_eq!(&text[findings[0].span.clone()], "index");
    }

    #[test]
    fn sockets_and_receivers_are_read_as_they_are_written() {
        let wiring = wiring(
            "[[input]]\nsyslog = \"udp:127.0.0.1:5140\"\non_stall = \"spill\"\n\
             [[input]]\nsyslog = \"unix:/run/sladd/log\"\n[[input]]\nsyslog = \"tcp://[::1]:601\"\nconnections = 7\n\
             [[input]]\nforward = \"unix:/run/sladd/forward.sock\"\nsecret = \"/etc/sladd/key\"\n\
             [[input]]\nforward = \"tcp:192.0.2.7:24224\"\nplain = true\n\
             [[output]]\nsyslog = \"tls:logs.example.net:6514\"\nca = \"/etc/sladd/ca.pem\"\nenterprise = 32473\n\
             [[output]]\nforward = \"unix:/run/fluent.sock\"\ntag = \"web\"\ncompress = true\nspool = \"64 MiB\"\n\
             [[output]]\nhttp = \"https://loki.example.net/loki/api/v1/push\"\nshape = \"loki\"\nlabels = { job = \"nginx\" }\n\
             token = \"/run/token\"\nheaders = { X-Scope-OrgID = \"a\" }\nclasses = [\"security_log\"]\n\
             [[output]]\nhttp = \"http://127.0.0.1:9200/\"\nshape = \"elasticsearch\"\nindex = \"web\"\n",
        );
        let at = |number: usize| match &wiring.inputs[number].from {
            From::Syslog(sockets) | From::Forward(sockets) => (sockets.at.to_string(), sockets.connections),
            other => panic!("{other:?}"),
        };
        assert_eq!(at(0), ("udp:127.0.0.1:5140".to_owned(), 256));
        assert_eq!(wiring.inputs[0].on_stall, OnStall::Spill);
        assert_eq!(at(1).0, "unix-datagram:/run/sladd/log");
        assert_eq!(at(2), ("tcp:[::1]:601".to_owned(), 7));
        assert_eq!(at(3).0, "unix-stream:/run/sladd/forward.sock");
        assert_eq!(at(4).0, "tcp:192.0.2.7:24224");
        let remote = |number: usize| match &wiring.outputs[number].to {
            To::Remote(remote) => (remote.receiver.label(), remote.spool_bytes),
            other => panic!("{other:?}"),
        };
        assert_eq!(remote(0), (("syslog", "tls:logs.example.net:6514".to_owned()), 1 << 30));
        assert_eq!(remote(1), (("forward", "unix-stream:/run/fluent.sock".to_owned()), 64 << 20));
        assert_eq!(remote(2).0, ("http", "https://loki.example.net/loki/api/v1/push".to_owned()));
        assert_eq!(wiring.outputs[2].classes, ["security_log".into()]);
    }

    #[test]
    fn what_is_odd_about_sockets_and_receivers_is_reported() {
        for (text, code, says) in [
            ("[[input]]\nsyslog = \"udp:0.0.0.0:514\"\n", Code::BadValue, "raw lines here over the network"),
            ("[[input]]\nsyslog = \"udp:localhost\"\n", Code::BadValue, "no address with a port"),
            ("[[input]]\nsyslog = \"514\"\n", Code::BadValue, "is no socket"),
            ("[[input]]\nforward = \"udp:127.0.0.1:1\"\n", Code::BadValue, "is no socket"),
            ("[[input]]\nforward = \"unix:forward.sock\"\n", Code::RelativeDirectory, "not an absolute path"),
            ("[[input]]\nfifo = \"/a\"\nconnections = 7\n", Code::BadValue, "`connections` is for"),
            ("[[input]]\nsyslog = \"tcp:127.0.0.1:1\"\nconnections = 0\n", Code::BadValue, "between 1"),
            ("[[input]]\nfollow = [\"/a.log\"]\non_stall = \"spill\"\n", Code::BadValue, "never shed or spilled"),
            ("[[output]]\nsyslog = \"tcp:logs.example.net:601\"\n", Code::BadValue, "read on the way"),
            ("[[output]]\nforward = \"logs.example.net\"\n", Code::BadValue, "is no receiver"),
            ("[[output]]\nforward = \"tcp:127.0.0.1:0\"\n", Code::BadValue, "is no receiver"),
            ("[[output]]\nhttp = \"https://example.net/\"\n", Code::MissingKey, "needs `shape`"),
            (
                "[[output]]\nhttp = \"https://a:b@example.net/\"\nshape = \"otlp\"\n",
                Code::BadValue,
                "no user or password",
            ),
            ("[[output]]\nhttp = \"http://example.net/\"\nshape = \"otlp\"\n", Code::BadValue, "read on the way"),
            ("[[output]]\nhttp = \"ftp://example.net/\"\nshape = \"otlp\"\n", Code::BadValue, "only http and https"),
            ("[[output]]\nhttp = \"https://example.net/\"\nshape = \"loki\"\n", Code::MissingKey, "needs `labels`"),
            (
                "[[output]]\nhttp = \"https://example.net/\"\nshape = \"otlp\"\nindex = \"a\"\n",
                Code::BadValue,
                "`index` is for the shape `elasticsearch`",
            ),
            ("[[output]]\nstdout = true\ntoken = \"/a\"\n", Code::BadValue, "`token` is for `http`"),
            ("[[output]]\nhttp = \"https://example.net:99999/\"\nshape = \"otlp\"\n", Code::BadValue, "port"),
            (
                "[[output]]\nhttp = \"https://example.net/\"\nshape = \"otlp\"\nheaders = { Host = \"a\" }\n",
                Code::BadValue,
                "set by sladd",
            ),
            (
                "[[output]]\nhttp = \"https://example.net/\"\nshape = \"otlp\"\nheaders = { \"a b\" = \"a\" }\n",
                Code::BadValue,
                "no name of a header",
            ),
            (
                "[[output]]\nhttp = \"https://example.net/\"\nshape = \"loki\"\nlabels = { \"a b\" = \"a\" }\n",
                Code::BadValue,
                "no name of a label",
            ),
            (
                "[[output]]\nhttp = \"https://example.net/\"\nshape = \"otlp\"\nspool = \"1 KiB\"\n",
                Code::BadValue,
                "too little",
            ),
            ("[[output]]\nsyslog = \"unix:/dev/log\"\ncertificate = \"/a\"\n", Code::MissingKey, "`certificate_key`"),
            ("[[output]]\nsyslog = \"unix:/dev/log\"\napp_name = \"a b\"\n", Code::BadValue, "without a blank"),
        ] {
            let (policy, findings) = Policy::parse(&format!("{HEAD}{text}"), "test.toml");
            assert!(policy.is_none() && findings.len() == 1, "{text} {findings:?}");
            assert!(findings[0].code == code && findings[0].message.contains(says), "{text} {findings:?}");
        }
    }
}
