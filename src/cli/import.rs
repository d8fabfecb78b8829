//! `sladd import`: what a web server's configuration logs → a policy for it, and what its administrator ought to know.
//!
//! Of the configuration nothing is shown but names of variables and formats, paths of logs, and places: whatever else stands
//! in it may be a secret.

mod apache;
mod files;
mod nginx;

use super::{ImportArgs, ImportOutput, ServerArg};
use crate::{
    error::{Error, Kind as ErrorKind},
    format,
    policy::{Policy, names},
    record,
    retention::is_policy_name,
    treatment,
};
use files::{plain, shown};
use serde_json::json;
use std::{
    collections::HashMap,
    fmt::{self, Write as _},
    fs,
    io::{self, Write as _},
    os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

/// Reads each configuration, writes one policy, and warns.
pub fn run(args: &ImportArgs) -> Result<ExitCode, Error> {
    let mut found = Found::default();
    let mut servers = Vec::new();
    for path in &args.paths {
        let (path, server) = main_file(path, args.server)?;
        match server {
            Server::Nginx => nginx::read(&path, &mut found)?,
            Server::Apache => apache::read(&path, &mut found)?,
        }
        if !servers.contains(&server) {
            servers.push(server);
        }
    }
    let name = match (&args.name, &*servers) {
        (Some(name), _) if is_policy_name(name) => name.as_str(),
        (Some(_), _) => {
            return Err(Error::new(
                ErrorKind::Usage,
                "--name cannot be a policy's name; use 1 to 32 of a-z, 0-9 and -",
            ));
        }
        (None, [server]) => server.as_str(),
        (None, _) => "web",
    };
    let formats = settle(&mut found, name);
    let policy = policy(args, name, &formats, &found);
    if let Some(file) = &args.file {
        write(file, &policy, args.force)?;
    }
    if args.output == ImportOutput::Text {
        for warning in &found.warnings {
            eprintln!("{warning}");
        }
    }
    match args.output {
        ImportOutput::Json => {
            let text = report(&policy, &formats, &found).to_string() + "\n";
            super::print(text.as_bytes())
        }
        ImportOutput::Text if args.file.is_some() => Ok(ExitCode::SUCCESS),
        ImportOutput::Text => super::print(policy.as_bytes()),
    }
}

/// Everything that the configurations say of logs.
#[derive(Debug, Default)]
struct Found {
    formats: Vec<Named>,
    logs: Vec<Log>,
    warnings: Vec<Warning>,
}

impl Found {
    fn warn(&mut self, place: &Place, what: impl Into<String>, remedy: impl Into<String>) {
        self.warnings.push(Warning { place: place.clone(), what: what.into(), remedy: remedy.into() });
    }

    /// Errors are logged even where nobody asks for it.
    fn default_error_log(&mut self, server: Server, path: &Path, to: &str) {
        if !self.logs.iter().any(|log| log.server == server && log.kind == Kind::Error) {
            self.logs.push(Log {
                place: Place { file: shown(path).into(), line: 1 },
                server,
                scope: "main".to_owned(),
                kind: Kind::Error,
                to: Destination::File(to.to_owned()),
                format: Logged::Own,
                conditional: false,
            });
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Server {
    Nginx,
    Apache,
}

impl Server {
    fn as_str(self) -> &'static str {
        match self {
            Server::Nginx => "nginx",
            Server::Apache => "apache",
        }
    }
}

/// A file and a line in it, from 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    file: Arc<str>,
    line: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// What the administrator ought to know.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Warning {
    place: Place,
    what: String,
    remedy: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: warning: {} ({})", self.place, self.what, self.remedy)
    }
}

/// A format that the configuration names.
#[derive(Debug)]
struct Named {
    place: Place,
    server: Server,
    /// The name with what it is a name in: nginx's module, Apache's virtual host.
    key: String,
    name: String,
    /// As the configuration spells them, `$http_cookie` or `%{Cookie}i`.
    variables: Vec<String>,
    /// As a policy writes it.
    written: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Access,
    Error,
}

/// One directive that writes a log.
#[derive(Debug)]
struct Log {
    place: Place,
    server: Server,
    /// The blocks that it stands in.
    scope: String,
    kind: Kind,
    to: Destination,
    format: Logged,
    /// Whether only some requests are written.
    conditional: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Logged {
    /// The format of this key.
    Named(String),
    /// A format without a name, as a policy writes it, and its variables.
    Text(String, Vec<String>),
    /// The server's own form of error logs.
    Own,
}

#[derive(Debug, PartialEq, Eq)]
enum Destination {
    File(String),
    Nowhere,
    /// Some program; its command line may hold anything and is not shown.
    Pipe,
    /// Our own program.
    Sladd,
    /// Standard output or error.
    Stream,
    Syslog,
}

impl Destination {
    fn shown(&self) -> &str {
        match self {
            Destination::File(path) => path,
            Destination::Nowhere => "nowhere",
            Destination::Pipe => "a pipe",
            Destination::Sladd => "a pipe to sladd",
            Destination::Stream => "standard output or error",
            Destination::Syslog => "syslog",
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Destination::File(_) => "file",
            Destination::Nowhere => "off",
            Destination::Pipe => "pipe",
            Destination::Sladd => "sladd",
            Destination::Stream => "stream",
            Destination::Syslog => "syslog",
        }
    }
}

/// A format that the policy lists.
struct Used {
    written: String,
    /// How the configuration calls it.
    names: Vec<String>,
    /// Which logs are written in it.
    logs: Vec<String>,
    /// How many values it holds: the more, the less it takes for another.
    values: usize,
}

/// The configuration that a path means, and whose it is.
fn main_file(path: &Path, server: Option<ServerArg>) -> Result<(PathBuf, Server), Error> {
    let mut file = path.to_path_buf();
    if path.is_dir() {
        let inside = MAIN_FILES.iter().map(|name| path.join(name)).find(|file| file.is_file());
        file = inside.ok_or_else(|| {
            let what = "it is a directory without nginx.conf, apache2.conf or httpd.conf; name a file";
            Error::new(ErrorKind::NoInput, format!("cannot read {}: {what}", shown(path)))
        })?;
    }
    let name = file.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let server = match server {
        Some(ServerArg::Nginx) => Server::Nginx,
        Some(ServerArg::Apache) => Server::Apache,
        None if name.contains("nginx") => Server::Nginx,
        None if name.contains("apache") || name.contains("httpd") => Server::Apache,
        None => {
            let bytes = files::Files::default().open(&file, None)?;
            let text = String::from_utf8_lossy(&bytes);
            let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
            let nginx = lines.next().is_some_and(|line| {
                let code = line.split(" #").next().unwrap_or(line).trim_end();
                !line.starts_with('<') && (code.ends_with([';', '{', '}']) || line.starts_with("log_format"))
            });
            if nginx { Server::Nginx } else { Server::Apache }
        }
    };
    Ok((file, server))
}

const MAIN_FILES: [&str; 5] = ["nginx.conf", "apache2.conf", "httpd.conf", "conf/nginx.conf", "conf/httpd.conf"];

/// Which format each log has; warns of all that is odd about formats and logs. The formats come out in the order in which
/// they should be tried.
fn settle(found: &mut Found, policy: &str) -> Vec<Used> {
    let hosting = Policy::builtin("hosting").expect("a built-in");
    let mut used: Vec<Used> = Vec::new();
    let mut needed = vec![false; found.formats.len()];
    // A name that stands twice means the last.
    let keys: HashMap<(&str, &str), usize> =
        (found.formats.iter().enumerate()).map(|(at, format)| ((format.server.as_str(), &*format.key), at)).collect();
    let mut places: HashMap<String, usize> = HashMap::new();
    // What is wrong with a format is said once, where it is defined.
    let mut warnings: Vec<(Place, String, String)> = Vec::new();
    for log in found.logs.iter().filter(|log| log.kind == Kind::Access && log.to != Destination::Nowhere) {
        let (name, place, written, variables) = match &log.format {
            Logged::Own => continue,
            Logged::Text(written, variables) => (NAMELESS, &log.place, written.as_str(), &**variables),
            Logged::Named(key) => {
                let bare = key.split_once('/').map_or(key.as_str(), |(_, name)| name);
                let at = |key: &str| keys.get(&(log.server.as_str(), key)).copied();
                // A virtual host of Apache knows the formats of the server too.
                let outer = || at(&format!("/{bare}")).filter(|_| log.server == Server::Apache);
                let at = at(key).or_else(outer);
                match at {
                    Some(at) => {
                        needed[at] = true;
                        let format = &found.formats[at];
                        (format.name.as_str(), &format.place, format.written.as_str(), &*format.variables)
                    }
                    None if log.server == Server::Nginx && key == "http/combined" => {
                        ("combined", &log.place, "combined", &[][..])
                    }
                    None => {
                        let what = format!("the log is written in the format {}, which is not defined", plain(bare));
                        warnings.push((log.place.clone(), what, "define it, or name one that is".to_owned()));
                        continue;
                    }
                }
            }
        };
        let values = match format::named(written) {
            Ok(format) => format::Parse::schema(&format).fields.len(),
            Err(fault) => {
                let what = format!("{} is left out of the policy, for it cannot be compiled: {fault}", called(name));
                warnings.push((place.clone(), what, "its lines are scrubbed as text; change the format".to_owned()));
                continue;
            }
        };
        let personal = personal(variables, &hosting);
        if !personal.is_empty() {
            let what = format!("{} logs what is personal: {}", called(name), personal.join(", "));
            warnings.push((
                place.clone(),
                what,
                "the policy treats each as said; leave out of the format what nobody needs".to_owned(),
            ));
        }
        let shown = format!(
            "{} ({}, {}{})",
            log.to.shown(),
            log.place,
            log.scope,
            if log.conditional { ", only some requests" } else { "" }
        );
        let at = *places.entry(written.to_owned()).or_insert(used.len());
        if at == used.len() {
            used.push(Used { written: written.to_owned(), names: Vec::new(), logs: Vec::new(), values });
        }
        if !used[at].names.iter().any(|other| other == name) {
            used[at].names.push(name.to_owned());
        }
        used[at].logs.push(shown);
    }
    for (format, needed) in found.formats.iter().zip(needed) {
        if !needed {
            let what = format!("the format {} is defined but no log is written in it", format.name);
            warnings.push((format.place.clone(), what, "remove it".to_owned()));
        }
    }
    for log in &found.logs {
        if let Some(what) = uncovered(log) {
            warnings.push((log.place.clone(), what, between(log, policy)));
        }
    }
    for (place, what, remedy) in warnings {
        found.warn(&place, what, remedy);
    }
    found.warnings.sort();
    found.warnings.dedup();
    used.sort_by_key(|format| std::cmp::Reverse(format.values));
    used
}

fn called(name: &str) -> String {
    if name == NAMELESS { name.to_owned() } else { format!("the format {name}") }
}

const NAMELESS: &str = "a format without a name";

/// What leaves the server as it came, if it does.
fn uncovered(log: &Log) -> Option<String> {
    let file = match &log.to {
        Destination::Sladd | Destination::Nowhere => return None,
        Destination::File(path) if fs::metadata(path).is_ok_and(|file| file.file_type().is_fifo()) => return None,
        Destination::File(_) | Destination::Pipe | Destination::Stream | Destination::Syslog => log.to.shown(),
    };
    Some(match log.kind {
        Kind::Access => format!("the access log goes to {file} as it is, and no policy reaches it there"),
        Kind::Error => format!(
            "the error log goes to {file} as it is: it always holds clients' addresses and requests{}",
            if log.server == Server::Nginx { ", and nginx has no format for it" } else { "" }
        ),
    })
}

/// How to put sladd in between.
fn between(log: &Log, policy: &str) -> String {
    let file = match &log.to {
        Destination::File(path) => path.as_str(),
        _ => "FILE",
    };
    match (log.server, log.kind, &log.to) {
        (Server::Nginx, _, Destination::Syslog) => {
            "let the syslog server pipe it through sladd before it is kept".to_owned()
        }
        (Server::Nginx, _, Destination::Stream) => "pipe what collects it through sladd before it is kept".to_owned(),
        (Server::Nginx, Kind::Access, _) => format!(
            "mkfifo /run/sladd/access.fifo, run sladd --on-stall shed --policy /etc/sladd/{policy}.toml -o {file} < /run/sladd/access.fifo, \
             and write access_log /run/sladd/access.fifo with its format"
        ),
        (Server::Nginx, Kind::Error, _) => format!(
            "mkfifo /run/sladd/error.fifo, run sladd --on-stall shed --policy /etc/sladd/{policy}.toml -o {file} < /run/sladd/error.fifo, \
             and write error_log /run/sladd/error.fifo; keep log_not_found off"
        ),
        (Server::Apache, Kind::Access, _) => {
            format!(
                "write CustomLog \"|/usr/local/bin/sladd -q --policy /etc/sladd/{policy}.toml -o {file}\" with its format"
            )
        }
        (Server::Apache, Kind::Error, _) => {
            format!("write ErrorLog \"|/usr/local/bin/sladd -q --policy /etc/sladd/{policy}.toml -o {file}\"")
        }
    }
}

/// The variables that are personal, each with what it is and what the policy does with it.
fn personal(variables: &[String], hosting: &Policy) -> Vec<String> {
    let described = variables.iter().filter_map(|variable| {
        let (name, kind) = names::canonical(variable).or_else(|| match variable.strip_prefix('$') {
            Some(variable) => format::nginx::field(variable),
            None => format::apache::field(variable),
        })?;
        let what = what_it_is(&name, kind)?;
        Some(format!("{} ({what}; {})", plain(variable), hosting.treatment(&name)))
    });
    described.collect()
}

fn what_it_is(name: &str, kind: record::Kind) -> Option<&'static str> {
    use record::Kind::*;
    let parameter =
        name.strip_prefix("url.query.").filter(|parameter| treatment::names::lookup(parameter.as_bytes()).is_some());
    match kind {
        _ if name.starts_with("http.request.body") => Some("what visitors type and upload"),
        _ if parameter.is_some() => Some("an identifier in the query"),
        _ if name.starts_with("http.request.cookie") => Some("a cookie"),
        Cookie => Some("cookies"),
        Secret => Some("a secret"),
        User => Some("a user's name"),
        // They tell requests and threads apart, not people.
        Identifier if matches!(name, "http.request.id" | "thread.id") => None,
        Identifier => Some("an identifier"),
        Address if name.starts_with("http.request.header.") => Some("visitors' addresses"),
        Text if name.starts_with("http.request.header.") => {
            let header = name.trim_start_matches("http.request.header.");
            treatment::names::lookup(header.as_bytes()).map(|_| "an identifier in a header")
        }
        Address | Agent | Host | Instant | Language | Method | Number | Path | Protocol | Query | Referer | Status
        | Text | Word => None,
    }
}

/// The policy's text.
fn policy(args: &ImportArgs, name: &str, formats: &[Used], found: &Found) -> String {
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
fn report(policy: &str, formats: &[Used], found: &Found) -> serde_json::Value {
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
fn write(path: &Path, text: &str, force: bool) -> Result<(), Error> {
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
