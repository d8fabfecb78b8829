//! `sladd import`: what a web server's configuration logs → a policy for it, and what its administrator ought to know.
//!
//! Of the configuration nothing is shown but names of variables and formats, paths of logs, and places: whatever else stands
//! in it may be a secret.

mod apache;
mod files;
mod nginx;
mod settle;
mod write;

use super::{ImportArgs, ImportOutput, ServerArg};
use crate::{
    error::{Error, Kind as ErrorKind},
    retention::is_policy_name,
};
use files::shown;
use std::{
    fmt,
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
    let formats = settle::settle(&mut found, name);
    let policy = write::policy(args, name, &formats, &found);
    if let Some(file) = &args.file {
        write::write(file, &policy, args.force)?;
    }
    if args.output == ImportOutput::Text {
        for warning in &found.warnings {
            crate::run::say!("{warning}");
        }
    }
    match args.output {
        ImportOutput::Json => {
            let text = write::report(&policy, &formats, &found).to_string() + "\n";
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
