//! Receivers on the network: `syslog`, `forward` and `http`.

use super::{Code, Report, Table, absolute, choice, memory_of, quoted};
use crate::policy::{
    raw::{At, type_name},
    wiring::{LEAST_SPOOL, Peer, Receiver, Remote, SPOOL_BYTES, Shape},
};
use std::{net::IpAddr, path::PathBuf};
use toml::de::DeValue;

/// Which keys are for which outputs.
const FOR: &[(&str, &[&str])] = &[
    ("spool", &["syslog", "forward", "http"]),
    ("ca", &["syslog", "forward", "http"]),
    ("certificate", &["syslog", "forward", "http"]),
    ("certificate_key", &["syslog", "forward", "http"]),
    ("plain", &["syslog", "forward", "http"]),
    ("tag", &["forward"]),
    ("secret", &["forward"]),
    ("compress", &["forward", "http"]),
    ("app_name", &["syslog"]),
    ("enterprise", &["syslog"]),
    ("shape", &["http"]),
    ("token", &["http"]),
    ("headers", &["http"]),
    ("labels", &["http"]),
    ("resource", &["http"]),
    ("index", &["http"]),
];

/// What stands of an output that does not need it.
pub(super) fn only(table: &Table<'_>, kind: Option<&str>, report: &mut Report) {
    let Some(kind) = kind else { return };
    for (key, kinds) in FOR {
        if let Some(entry) = table.entry(key)
            && !kinds.contains(&kind)
        {
            let for_whom: Vec<String> = kinds.iter().map(|kind| quoted(kind)).collect();
            let message = format!("{} is for {}, not for {}", quoted(key), for_whom.join(", "), quoted(kind));
            report.add(Code::BadValue, entry.key_span, message);
        }
    }
}

pub(super) fn read(table: &Table<'_>, kind: &str, report: &mut Report) -> Option<Remote> {
    let before = report.findings.len();
    let plain = table.flag("plain", report).unwrap_or(false);
    let spool = table.text("spool", report).and_then(|text| memory_of(&text, LEAST_SPOOL, report));
    let ca = file(table, "ca", "/etc/sladd/ca.pem", report);
    let certificate = file(table, "certificate", "/etc/sladd/client.pem", report);
    let key = file(table, "certificate_key", "/etc/sladd/client.key", report);
    let identity = match (certificate, key) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        (Some(_), None) => {
            report.add(Code::MissingKey, table.span.clone(), "`certificate` needs `certificate_key`");
            None
        }
        (None, Some(_)) => {
            report.add(Code::MissingKey, table.span.clone(), "`certificate_key` needs `certificate`");
            None
        }
    };
    let receiver = match kind {
        "syslog" => syslog(table, plain, report),
        "forward" => forward(table, plain, report),
        _ => http(table, plain, report),
    };
    // What is wrong was reported, and nothing is left out for it.
    let receiver = receiver.filter(|_| report.findings.len() == before)?;
    Some(Remote { receiver, ca, identity, plain, spool_bytes: spool.unwrap_or(SPOOL_BYTES) })
}

fn syslog(table: &Table<'_>, plain: bool, report: &mut Report) -> Option<Receiver> {
    let app = word(table, "app_name", ("sladd", 48), report);
    let enterprise = table.number("enterprise", report);
    if let Some(number) = &enterprise
        && !(1..=i64::from(u32::MAX)).contains(&number.value)
    {
        report.add(Code::BadValue, number.span.clone(), "`enterprise` is a number that IANA gave to an enterprise");
    }
    let at = peer(&table.text("syslog", report)?, ("syslog", plain), report)?;
    Some(Receiver::Syslog { at, app: app?, enterprise: enterprise.map(|number| number.value as u32) })
}

fn forward(table: &Table<'_>, plain: bool, report: &mut Report) -> Option<Receiver> {
    let tag = word(table, "tag", ("sladd", 128), report);
    let gzip = table.flag("compress", report).unwrap_or(false);
    let secret = file(table, "secret", "/etc/sladd/forward.key", report);
    let at = peer(&table.text("forward", report)?, ("forward", plain), report)?;
    Some(Receiver::Forward { at, tag: tag?, gzip, secret })
}

fn http(table: &Table<'_>, plain: bool, report: &mut Report) -> Option<Receiver> {
    let url = table.text("http", report)?;
    let headers = pairs(table, "headers", report);
    let labels = pairs(table, "labels", report);
    let resource = pairs(table, "resource", report);
    let index = table.text("index", report);
    let token = file(table, "token", "/run/credentials/sladd/token", report);
    let gzip = table.flag("compress", report);
    let shapes = [("loki", 0), ("elasticsearch", 1), ("otlp", 2), ("ndjson", 3)];
    if !table.has("shape") {
        let help = "add shape = \"loki\", \"elasticsearch\", \"otlp\" or \"ndjson\"";
        report.helped(Code::MissingKey, table.span.clone(), "`http` needs `shape`", help);
    }
    let shape = choice(table, "shape", &shapes, report)?.value;
    let place = |key: &str| table.entry(key).map_or(table.span.clone(), |entry| entry.key_span);
    for (key, of, is_there) in
        [("labels", 0, labels.is_some()), ("index", 1, index.is_some()), ("resource", 2, resource.is_some())]
    {
        if is_there && shape != of {
            let message = format!("{} is for the shape {}", quoted(key), quoted(shapes[of].0));
            report.add(Code::BadValue, place(key), message);
        }
    }
    if shape == 0 && labels.as_ref().is_none_or(Vec::is_empty) {
        let help = "add labels = { job = \"nginx\" }: Loki stores no stream without one";
        report.helped(Code::MissingKey, table.span.clone(), "the shape `loki` needs `labels`", help);
    }
    for (name, _) in labels.iter().flatten() {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if name.is_empty() || name.as_bytes()[0].is_ascii_digit() || !name.bytes().all(fits) {
            let message = format!("{} is no name of a label: letters, digits and _", quoted(name));
            report.add(Code::BadValue, place("labels"), message);
        }
    }
    if let Some(index) = index.as_ref().filter(|index| !is_index(index.value)) {
        let message = "an index is written with small letters, digits, . _ and -, and begins with a letter or a digit";
        report.add(Code::BadValue, index.span.clone(), message);
    }
    const OURS: [&str; 8] = [
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "transfer-encoding",
    ];
    for (name, _) in headers.iter().flatten() {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name.is_empty() || !name.bytes().all(fits) {
            report.add(Code::BadValue, place("headers"), format!("{} is no name of a header", quoted(name)));
        } else if OURS.contains(&name.to_ascii_lowercase().as_str()) {
            let help = "a token stands in a file of its own: `token`";
            report.helped(
                Code::BadValue,
                place("headers"),
                format!("the header {} is set by sladd", quoted(name)),
                help,
            );
        }
    }
    address(&url, plain, report)?;
    let shape = match shape {
        0 => Shape::Loki(labels.unwrap_or_default()),
        1 => Shape::Elasticsearch(index.map(|index| index.value.into())),
        2 => Shape::Otlp(resource.unwrap_or_default()),
        _ => Shape::Ndjson,
    };
    Some(Receiver::Http { url: url.value.into(), shape, token, headers: headers.unwrap_or_default(), gzip })
}

/// What Elasticsearch takes as the name of an index.
fn is_index(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    (1..=255).contains(&name.len()) && name.bytes().all(fits) && !name.starts_with(['.', '_', '-'])
}

/// A URL without a name or a password in it, which would stand in messages.
fn address(url: &At<&str>, plain: bool, report: &mut Report) -> Option<()> {
    const HELP: &str = "write for example \"https://loki.example.net/loki/api/v1/push\"";
    let mut wrong = |why: &str| {
        report.helped(Code::BadValue, url.span.clone(), why, HELP);
        None
    };
    let Some((scheme, rest)) = url.value.split_once("://") else { return wrong("this is no URL") };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let port = authority.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.ends_with(']'));
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    if authority.contains('@') {
        return wrong("a URL must hold no user or password, since it is shown; use `token` or `headers`");
    }
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return wrong("this URL has a port that is none");
    }
    if host.is_empty() || url.value.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
        return wrong("this is no URL");
    }
    match scheme {
        "https" => Some(()),
        "http" => is_near(host, plain, url, report),
        _ => wrong("only http and https are spoken"),
    }
}

fn peer(text: &At<&str>, (kind, plain): (&str, bool), report: &mut Report) -> Option<Peer> {
    let help = match kind {
        "syslog" => {
            "write tls:logs.example.net:6514, tcp:127.0.0.1:601, unix:/dev/log (datagrams) or unix-stream:/run/log.sock"
        }
        _ => "write tls:logs.example.net:24224, tcp:127.0.0.1:24224 or unix:/run/forward.sock",
    };
    let (scheme, place) = text.value.split_once(':').unwrap_or((text.value, ""));
    let place = place.strip_prefix("//").unwrap_or(place);
    let path = At { value: place, span: text.span.clone() };
    match scheme {
        "unix" if kind == "syslog" => return absolute(&path, "/dev/log", report).map(Peer::Datagram),
        "unix" | "unix-stream" => return absolute(&path, "/run/receiver.sock", report).map(Peer::Stream),
        "unix-datagram" if kind == "syslog" => return absolute(&path, "/dev/log", report).map(Peer::Datagram),
        _ => {}
    }
    let parts = place.rsplit_once(':').and_then(|(host, port)| {
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let fits = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:".contains(&b));
        Some((host, port.parse::<u16>().ok().filter(|&port| port > 0)?)).filter(|_| fits)
    });
    match (scheme, parts) {
        ("tls", Some((host, port))) => Some(Peer::Tls(host.into(), port)),
        ("tcp", Some((host, port))) => {
            is_near(host, plain, text, report)?;
            Some(Peer::Tcp(host.into(), port))
        }
        _ => {
            report.helped(Code::BadValue, text.span.clone(), format!("{} is no receiver", quoted(text.value)), help);
            None
        }
    }
}

/// This machine, or one to which lines may go where they can be read on the way.
fn is_near(host: &str, plain: bool, at: &At<&str>, report: &mut Report) -> Option<()> {
    let near = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    if near || plain {
        return Some(());
    }
    let help = "use https or tls, or add plain = true where the way there is safe";
    report.helped(Code::BadValue, at.span.clone(), "lines could be read on the way to another machine", help);
    None
}

fn file(table: &Table<'_>, key: &str, example: &str, report: &mut Report) -> Option<PathBuf> {
    let path = table.text(key, report)?;
    absolute(&path, example, report)
}

/// One word of printable ASCII.
fn word(table: &Table<'_>, key: &str, (usual, most): (&str, usize), report: &mut Report) -> Option<Box<str>> {
    let Some(word) = table.text(key, report) else { return Some(usual.into()) };
    if (1..=most).contains(&word.value.len()) && word.value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some(word.value.into());
    }
    let message = format!("{} should be 1 to {most} printable characters without a blank", quoted(key));
    report.add(Code::BadValue, word.span, message);
    None
}

/// A table of names and texts.
fn pairs(table: &Table<'_>, key: &'static str, report: &mut Report) -> Option<Vec<(Box<str>, Box<str>)>> {
    let inner = table.open_table(key, key, report)?;
    let mut pairs = Vec::new();
    for entry in inner.entries() {
        match entry.value {
            DeValue::String(text) if !text.chars().any(char::is_control) => {
                pairs.push((entry.key.into(), (&**text).into()));
            }
            DeValue::String(_) => report.add(Code::BadValue, entry.span, "this holds a control character"),
            other => {
                let message = format!("{} should be a string, not {}", quoted(entry.key), type_name(other));
                report.add(Code::WrongType, entry.span, message);
            }
        }
    }
    Some(pairs)
}
