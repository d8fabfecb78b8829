//! Sockets that others send to: `udp:127.0.0.1:514`, `unix-datagram:/run/sladd/log`.

use super::{Code, Report, Table, absolute, quoted};
use crate::policy::{
    raw::At,
    wiring::{CONNECTIONS, Socket, Sockets},
};
use std::net::SocketAddr;

/// What stands of an input that has no sockets and needs them.
pub(super) fn only(table: &Table<'_>, kind: Option<&str>, report: &mut Report) {
    for (key, kinds) in
        [("secret", &["forward"][..]), ("connections", &["forward", "syslog"]), ("plain", &["forward", "syslog"])]
    {
        if let (Some(entry), Some(kind)) = (table.entry(key), kind)
            && !kinds.contains(&kind)
        {
            let for_whom: Vec<String> = kinds.iter().map(|kind| quoted(kind)).collect();
            let message = format!("{} is for {}, not for {}", quoted(key), for_whom.join(" and "), quoted(kind));
            report.add(Code::BadValue, entry.key_span, message);
        }
    }
}

pub(super) fn read(table: &Table<'_>, kind: &'static str, report: &mut Report) -> Option<Sockets> {
    let secret = table.text("secret", report).map(|path| absolute(&path, "/etc/sladd/forward.key", report));
    let connections = table.number("connections", report);
    if let Some(number) = &connections
        && !(1..=10_000).contains(&number.value)
    {
        report.add(Code::BadValue, number.span.clone(), "`connections` should be between 1 and 10,000");
        return None;
    }
    let plain = table.flag("plain", report).unwrap_or(false);
    let at = socket(&table.text(kind, report)?, (kind, plain), report)?;
    // What was written and is wrong was reported.
    let secret = match secret {
        Some(path) => Some(path?),
        None => None,
    };
    Some(Sockets { at, secret, connections: connections.map_or(CONNECTIONS, |number| number.value as u32) })
}

fn socket(text: &At<&str>, (kind, plain): (&str, bool), report: &mut Report) -> Option<Socket> {
    let is_syslog = kind == "syslog";
    let help = match is_syslog {
        true => {
            "write udp:127.0.0.1:5140, tcp:127.0.0.1:6010, unix:/run/sladd/log (datagrams) or unix-stream:/run/sladd/log"
        }
        false => "write tcp:127.0.0.1:24224 or unix:/run/sladd/forward.sock",
    };
    let mut wrong = |why: String| {
        report.helped(Code::BadValue, text.span.clone(), why, help);
        None
    };
    let (scheme, place) = text.value.split_once(':').unwrap_or((text.value, ""));
    let place = place.strip_prefix("//").unwrap_or(place);
    let path = At { value: place, span: text.span.clone() };
    match scheme {
        "unix" if is_syslog => absolute(&path, "/run/sladd/log", report).map(Socket::Datagram),
        "unix" | "unix-stream" => absolute(&path, "/run/sladd/log.sock", report).map(Socket::Stream),
        "unix-datagram" if is_syslog => absolute(&path, "/run/sladd/log", report).map(Socket::Datagram),
        "udp" | "tcp" if scheme == "tcp" || is_syslog => match place.parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() || plain => {
                Some(if scheme == "udp" { Socket::Udp(address) } else { Socket::Tcp(address) })
            }
            Ok(_) => {
                let why = "other machines would send raw lines here over the network, where they can be read";
                let help = "run sladd on the machine that writes them and listen on 127.0.0.1, or add plain = true";
                report.helped(Code::BadValue, text.span.clone(), why, help);
                None
            }
            Err(_) => wrong(format!("{} is no address with a port", quoted(place))),
        },
        _ => wrong(format!("{} is no socket", quoted(text.value))),
    }
}
