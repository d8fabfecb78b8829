//! What comes out: the policy's text, the report for machines, the file.

use super::{Destination, Found, ImportArgs, Kind, Log, Place, files::shown, settle::Used};
use crate::error::{Error, Kind as ErrorKind};
use serde_json::json;
use std::{
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// The policy's text.
pub(super) fn policy(args: &ImportArgs, name: &str, formats: &[Used], found: &Found) -> String {
    let paths: Vec<String> = args.paths.iter().map(|path| shown(path)).collect();
    let mut text = format!(
        "# Written by sladd import {}: what the web server logs, under the policy `hosting`.\n\
         # Look at it: sladd check FILE; sladd explain --policy FILE\n\
         base = \"hosting\"\nname = \"{name}\"\nversion = 1\n\n[source]\n",
        paths.join(" ")
    );
    if formats.is_empty() {
        text.push_str("format = \"auto\"\n");
    } else {
        text.push_str("# Tried in this order; `auto` knows the usual formats of other logs.\nformat = [\n");
        for format in formats {
            let _ = writeln!(text, "    # {}", format.names.join(", "));
            for log in &format.logs {
                let _ = writeln!(text, "    #   {log}");
            }
            let _ = writeln!(text, "    {},", quoted(&format.written));
        }
        text.push_str("    \"auto\",\n]\n");
    }
    let errors: Vec<&Log> = found.logs.iter().filter(|log| log.kind == Kind::Error).collect();
    if !errors.is_empty() {
        text.push_str("# Error logs are read as `auto` reads them: lines that fit no format are scrubbed.\n");
        for log in errors {
            let _ = writeln!(text, "#   {} ({}, {})", log.to.shown(), log.place, log.scope);
        }
    }
    text
}

/// A string of TOML.
fn quoted(text: &str) -> String {
    if !text.contains('\'') && !text.chars().any(char::is_control) {
        return format!("'{text}'");
    }
    let mut out = String::from("\"");
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            _ if char.is_control() => drop(write!(out, "\\u{:04X}", u32::from(char))),
            _ => out.push(char),
        }
    }
    out + "\""
}

/// The whole result for machines.
pub(super) fn report(policy: &str, formats: &[Used], found: &Found) -> serde_json::Value {
    let place = |place: &Place| json!({ "file": &*place.file, "line": place.line });
    json!({
        "policy": policy,
        "formats": formats.iter().map(|format| json!({
            "format": format.written, "names": format.names, "logs": format.logs,
        })).collect::<Vec<_>>(),
        "logs": found.logs.iter().map(|log| json!({
            "place": place(&log.place),
            "server": log.server.as_str(),
            "scope": log.scope,
            "kind": match log.kind { Kind::Access => "access", Kind::Error => "error" },
            "to": log.to.kind(),
            "file": match &log.to { Destination::File(path) => Some(path), _ => None },
            "conditional": log.conditional,
        })).collect::<Vec<_>>(),
        "warnings": found.warnings.iter().map(|warning| json!({
            "place": place(&warning.place), "warning": warning.what, "remedy": warning.remedy,
        })).collect::<Vec<_>>(),
    })
}

/// Writes the policy beside its place and moves it there, so that no half of it is ever read.
pub(super) fn write(path: &Path, text: &str, force: bool) -> Result<(), Error> {
    let cannot = |what: &str| {
        let kind = if what.contains("ermission") { ErrorKind::Permission } else { ErrorKind::CannotCreate };
        Error::new(kind, format!("cannot write {}: {what}", shown(path)))
    };
    let create = |path: &Path| {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o640).open(path)?;
        // The umask may have taken more than others' rights.
        file.set_permissions(fs::Permissions::from_mode(0o640))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    if !force {
        return create(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => cannot("it is there already; add --force to replace it"),
            _ => cannot(&error.to_string()),
        });
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    let beside = PathBuf::from(beside);
    create(&beside).and_then(|()| fs::rename(&beside, path)).map_err(|error| {
        drop(fs::remove_file(&beside));
        cannot(&error.to_string())
    })
}
