//! Which format each log is written in, and what is odd about formats and logs.

use super::{Destination, Found, Kind, Log, Logged, Place, Server, files::plain};
use crate::{
    format::{self, Ending, Parse},
    policy::{Policy, names},
    record::{self, Record},
    treatment,
};
use std::{collections::HashMap, fs, os::unix::fs::FileTypeExt};

/// A format that the policy lists.
pub(super) struct Used {
    pub(super) written: String,
    /// How the configuration calls it.
    pub(super) names: Vec<String>,
    /// Which logs are written in it.
    pub(super) logs: Vec<String>,
    /// How many values it holds: the more, the less it takes for another.
    values: usize,
}

/// Which format each log has; warns of all that is odd about formats and logs. The formats come out in the order in which
/// they should be tried.
pub(super) fn settle(found: &mut Found, policy: &str) -> Vec<Used> {
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
            Ok(format) if takes_any_line(&format) => {
                let what =
                    format!("{} takes any line for its own: lines of other logs lose what it hides", called(name));
                warnings.push((
                    place.clone(),
                    what,
                    "give its log a policy of its own, without the other formats".to_owned(),
                ));
                0
            }
            Ok(format) => format.schema().fields.len(),
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

/// Whether a line that no server writes as an access log fits.
fn takes_any_line(format: &format::Format) -> bool {
    format.parse(NO_ACCESS_LOG, Ending::Whole, &mut Record::default()).is_ok()
}

const NO_ACCESS_LOG: &[u8] = b"2026/11/21 10:00:00 [error] 7#7: *1 open() failed (2: No such file or directory)";

fn called(name: &str) -> String {
    if name == NAMELESS { name.to_owned() } else { format!("the format {name}") }
}

const NAMELESS: &str = "a format without a name";

/// What leaves the server as it came, if it does.
fn uncovered(log: &Log) -> Option<String> {
    let file = match &log.to {
        Destination::Sladd | Destination::Nowhere => return None,
        Destination::File(path) if is_pipe(path) => return None,
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

/// Whether a path is a pipe's; where the configuration is read on another machine, by its name.
fn is_pipe(path: &str) -> bool {
    fs::metadata(path).map_or(path.ends_with(".fifo"), |file| file.file_type().is_fifo())
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
        (Server::Nginx, Kind::Access, _) => {
            let pipe = pipe_of(file);
            format!(
                "mkfifo {pipe}, run sladd --on-stall shed --policy /etc/sladd/{policy}.toml -o {file} < {pipe}, \
                 and write access_log {pipe} with its format"
            )
        }
        (Server::Nginx, Kind::Error, _) => {
            let pipe = pipe_of(file);
            format!(
                "mkfifo {pipe}, run sladd --on-stall shed --policy /etc/sladd/{policy}.toml -o {file} < {pipe}, \
                 and write error_log {pipe}; keep log_not_found off"
            )
        }
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

/// A pipe for one log: two readers of one pipe would tear its lines apart.
fn pipe_of(file: &str) -> String {
    let usual = ["/var/log/nginx/", "/var/log/", "/"].iter().find_map(|start| file.strip_prefix(start));
    let name = usual.unwrap_or(file);
    let name = name.strip_suffix(".log").unwrap_or(name);
    let sign = |sign: char| match sign {
        '/' => '-',
        sign if sign.is_ascii_alphanumeric() || matches!(sign, '.' | '_' | '-') => sign,
        _ => '_',
    };
    format!("/run/sladd/{}.fifo", name.chars().map(sign).collect::<String>())
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

pub(super) fn what_it_is(name: &str, kind: record::Kind) -> Option<&'static str> {
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
