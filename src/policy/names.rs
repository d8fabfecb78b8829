//! Field names: the canonical ones (OpenTelemetry's) and the spellings that nginx, Apache, W3C logs and ECS use for them.

use super::suggest;
use crate::record::Kind::{self, *};
use std::borrow::Cow;

/// The canonical name and the kind that a spelling stands for.
///
/// Besides the names of [`VOCABULARY`] every request and response header has one, under `http.request.header.` and
/// `http.response.header.`, as has every cookie under `http.request.cookie.`. nginx variables may be given with their
/// dollar sign, Apache directives with their modifiers (`%>s`, `%{Referer}i`).
///
/// ```
/// use sladd::{policy::names::canonical, record::Kind};
/// assert_eq!(canonical("$remote_addr"), Some(("client.address".into(), Kind::Address)));
/// assert_eq!(canonical("%{Referer}i"), Some(("http.request.header.referer".into(), Kind::Referer)));
/// assert_eq!(canonical("cs-uri-stem"), Some(("url.path".into(), Kind::Path)));
/// assert_eq!(canonical("colour"), None);
/// ```
pub fn canonical(name: &str) -> Option<(Cow<'static, str>, Kind)> {
    if let Some(row) = row(name) {
        return Some((row.0.into(), row.1));
    }
    apache(name).or_else(|| nginx(name)).or_else(|| w3c(name)).or_else(|| family_member(name))
}

/// The kinds that the fields of a family have, `http.request.header.*`; `None` where no field is called so.
pub(super) fn family(pattern: &str) -> Option<Vec<(Cow<'static, str>, Kind)>> {
    let prefix = pattern.strip_suffix('*')?;
    if !prefix.ends_with('.') || prefix.contains('*') {
        return None;
    }
    let mut members: Vec<(Cow<'static, str>, Kind)> =
        VOCABULARY.iter().filter(|row| row.0.starts_with(prefix)).map(|row| (row.0.into(), row.1)).collect();
    // A family that is open has members that nobody can list.
    for &(open, kind) in FAMILIES {
        if open.starts_with(prefix) {
            members.push((format!("{open}*").into(), kind));
        }
    }
    (!members.is_empty()).then_some(members)
}

/// The canonical name or alias nearest to a word that is neither.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let all = VOCABULARY.iter().flat_map(|row| std::iter::once(row.0).chain(row.2.iter().copied()));
    let near = suggest::nearest(name, all)?;
    row(near).map(|row| row.0)
}

/// Every canonical name with its kind, in the order of the table.
pub fn all() -> impl Iterator<Item = (&'static str, Kind)> {
    VOCABULARY.iter().map(|row| (row.0, row.1))
}

type Row = (&'static str, Kind, &'static [&'static str]);

fn row(name: &str) -> Option<&'static Row> {
    VOCABULARY.iter().find(|row| row.0 == name || row.2.contains(&name))
}

/// `$remote_addr`, `${remote_addr}`, `$http_NAME`, `$sent_http_NAME`, `$cookie_NAME`.
fn nginx(name: &str) -> Option<(Cow<'static, str>, Kind)> {
    let bare = name.strip_prefix('$').unwrap_or(name);
    let bare = bare.strip_prefix('{').and_then(|bare| bare.strip_suffix('}')).unwrap_or(bare);
    if bare.contains('.') {
        return None;
    }
    if let Some(row) = row(bare) {
        return Some((row.0.into(), row.1));
    }
    if let Some(header) = bare.strip_prefix("http_") {
        return header_of("http.request.header.", &header.replace('_', "-"));
    }
    if let Some(header) = bare.strip_prefix("sent_http_").or_else(|| bare.strip_prefix("upstream_http_")) {
        return header_of("http.response.header.", &header.replace('_', "-"));
    }
    let cookie = bare.strip_prefix("cookie_")?;
    cookie_of(cookie)
}

/// `%h`, `%>s`, `%{Referer}i`, `%{X-Cache}o`, `%{sid}C`, `%{c}a`, `%{%H}t`.
fn apache(name: &str) -> Option<(Cow<'static, str>, Kind)> {
    let rest = name.strip_prefix('%')?.trim_start_matches(['<', '>']);
    if let Some((argument, directive)) = rest.strip_prefix('{').and_then(|rest| rest.rsplit_once('}')) {
        return match directive {
            "i" => header_of("http.request.header.", argument),
            "o" => header_of("http.response.header.", argument),
            "C" => cookie_of(argument),
            "a" | "h" if argument == "c" => named("network.peer.address"),
            "p" if argument == "remote" => named("client.port"),
            "p" => named("server.port"),
            "t" => named("timestamp"),
            "T" => named("http.request.duration"),
            "P" if argument == "tid" || argument == "hextid" => named("thread.id"),
            "P" => named("process.pid"),
            _ => None,
        };
    }
    let (_, canonical) = APACHE.iter().find(|(directive, _)| *directive == rest)?;
    named(canonical)
}

/// `cs(Referer)`, `sc(X-Cache)`, as they stand in `#Fields`.
fn w3c(name: &str) -> Option<(Cow<'static, str>, Kind)> {
    let inner = |prefix| name.strip_prefix(prefix)?.strip_suffix(')');
    if let Some(header) = inner("cs(") {
        return header_of("http.request.header.", header);
    }
    header_of("http.response.header.", inner("sc(")?)
}

fn family_member(name: &str) -> Option<(Cow<'static, str>, Kind)> {
    if let Some(header) = name.strip_prefix("http.request.header.") {
        return header_of("http.request.header.", header);
    }
    if let Some(header) = name.strip_prefix("http.response.header.") {
        return header_of("http.response.header.", header);
    }
    cookie_of(name.strip_prefix("http.request.cookie.")?)
}

/// A header by its name in any case. Some have names of their own.
fn header_of(family: &'static str, header: &str) -> Option<(Cow<'static, str>, Kind)> {
    let header = header.to_ascii_lowercase();
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if header.is_empty() || header.len() > 64 || !header.bytes().all(token) {
        return None;
    }
    match (family, header.as_str()) {
        ("http.request.header.", "user-agent") => return named("user_agent.original"),
        ("http.request.header.", "host") => return named("server.address"),
        ("http.request.header.", "x-request-id") => return named("http.request.id"),
        _ => {}
    }
    let name = format!("{family}{header}");
    match row(&name) {
        Some(row) => Some((row.0.into(), row.1)),
        None => Some((name.into(), Text)),
    }
}

fn cookie_of(cookie: &str) -> Option<(Cow<'static, str>, Kind)> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let fits = !cookie.is_empty() && cookie.len() <= 64 && cookie.bytes().all(token);
    fits.then(|| (format!("http.request.cookie.{cookie}").into(), Identifier))
}

fn named(canonical: &'static str) -> Option<(Cow<'static, str>, Kind)> {
    row(canonical).map(|row| (row.0.into(), row.1))
}

/// Families whose members are named by whoever writes the log, and the kind of a member that has no row of its own.
const FAMILIES: &[(&str, Kind)] =
    &[("http.request.cookie.", Identifier), ("http.request.header.", Text), ("http.response.header.", Text)];

/// Canonical name, kind, other spellings (nginx without the dollar sign; W3C; ECS; older OpenTelemetry; Caddy, Traefik).
const VOCABULARY: &[Row] = &[
    (
        "client.address",
        Address,
        &[
            "remote_addr",
            "binary_remote_addr",
            "c-ip",
            "source.ip",
            "source.address",
            "client.ip",
            "client_ip",
            "clientip",
            "remote_ip",
            "remote_host",
            "ClientHost",
            "net.sock.peer.addr",
        ],
    ),
    ("client.port", Number, &["remote_port", "c-port", "source.port", "ClientPort"]),
    ("network.peer.address", Address, &["realip_remote_addr", "ClientAddr"]),
    ("network.peer.port", Number, &["realip_remote_port"]),
    ("network.local.address", Address, &["server_addr", "s-ip", "destination.ip", "destination.address"]),
    ("network.local.port", Number, &["s-port", "destination.port"]),
    ("upstream.address", Address, &["upstream_addr"]),
    ("http.request.header.x-forwarded-for", Address, &["proxy_add_x_forwarded_for", "x-forwarded-for"]),
    ("http.request.header.x-real-ip", Address, &["x-real-ip"]),
    ("http.request.header.x-client-ip", Address, &[]),
    ("http.request.header.x-cluster-client-ip", Address, &[]),
    ("http.request.header.cf-connecting-ip", Address, &[]),
    ("http.request.header.true-client-ip", Address, &[]),
    ("http.request.header.fastly-client-ip", Address, &[]),
    ("http.request.header.forwarded", Text, &[]),
    (
        "server.address",
        Host,
        &["host", "http_host", "server_name", "cs-host", "url.domain", "RequestHost", "net.host.name", "vhost"],
    ),
    ("server.port", Number, &["server_port", "url.port", "RequestPort"]),
    ("host.name", Host, &["hostname", "s-computername", "host.hostname"]),
    ("user.name", User, &["remote_user", "cs-username", "enduser.id", "user.id", "user_id", "ClientUsername"]),
    ("user.ident", User, &["ident", "logname"]),
    ("device.id", Identifier, &["device_id"]),
    ("session.id", Identifier, &["session_id"]),
    (
        "timestamp",
        Instant,
        &["time_local", "time_iso8601", "msec", "@timestamp", "date", "time", "ts", "StartUTC", "StartLocal"],
    ),
    ("http.request.method", Method, &["request_method", "cs-method", "http.method", "method", "RequestMethod"]),
    ("url.path", Path, &["uri", "document_uri", "cs-uri-stem", "path"]),
    ("url.query", Query, &["args", "query_string", "cs-uri-query", "query"]),
    ("url.scheme", Word, &["scheme", "request_scheme", "cs-protocol", "http.scheme", "RequestScheme"]),
    ("url.full", Referer, &["http.url", "cs-uri"]),
    ("url.original", Text, &["request_uri", "http.target", "RequestPath"]),
    ("http.request.line", Text, &["request"]),
    (
        "network.protocol.version",
        Protocol,
        &["server_protocol", "cs-version", "http.version", "http.flavor", "RequestProtocol", "proto"],
    ),
    (
        "http.response.status_code",
        Status,
        &["status", "sc-status", "http.status_code", "DownstreamStatus", "OriginStatus"],
    ),
    (
        "http.response.body.size",
        Number,
        &["body_bytes_sent", "http.response.body.bytes", "http.response_content_length", "DownstreamContentSize"],
    ),
    ("http.response.size", Number, &["bytes_sent", "sc-bytes", "http.response.bytes"]),
    ("http.request.size", Number, &["request_length", "cs-bytes", "http.request.bytes"]),
    ("http.request.body.size", Number, &["content_length", "http.request.body.bytes", "RequestContentSize"]),
    ("http.request.duration", Number, &["request_time", "time-taken", "event.duration", "duration", "Duration"]),
    ("upstream.connect.duration", Number, &["upstream_connect_time"]),
    ("upstream.header.duration", Number, &["upstream_header_time"]),
    ("upstream.response.duration", Number, &["upstream_response_time", "OriginDuration"]),
    ("upstream.response.size", Number, &["upstream_response_length", "upstream_bytes_received"]),
    ("upstream.request.size", Number, &["upstream_bytes_sent"]),
    ("upstream.status", Status, &["upstream_status"]),
    ("upstream.cache.status", Word, &["upstream_cache_status"]),
    ("http.request.header.referer", Referer, &["http_referer", "http.request.referrer", "referer", "referrer"]),
    ("http.request.header.origin", Referer, &[]),
    ("user_agent.original", Agent, &["http_user_agent", "http.user_agent", "user_agent", "useragent", "agent"]),
    ("http.request.header.cookie", Cookie, &["http_cookie"]),
    ("http.request.header.authorization", Secret, &["http_authorization"]),
    ("http.request.header.proxy-authorization", Secret, &[]),
    ("http.request.header.accept-language", Language, &["http_accept_language"]),
    ("http.response.header.set-cookie", Cookie, &["sent_http_set_cookie"]),
    ("http.response.header.location", Referer, &["sent_http_location"]),
    ("http.response.header.content-type", Word, &["sent_http_content_type"]),
    ("http.request.body", Secret, &["request_body", "http.request.body.content"]),
    ("http.response.body", Secret, &["http.response.body.content"]),
    ("http.request.id", Identifier, &["request_id", "req_id", "http_x_request_id"]),
    ("trace.id", Identifier, &["trace_id"]),
    ("span.id", Identifier, &["span_id"]),
    ("tls.protocol.version", Word, &["ssl_protocol", "tls.version", "TLSVersion"]),
    ("tls.cipher", Word, &["ssl_cipher", "TLSCipher"]),
    ("tls.session.id", Identifier, &["ssl_session_id"]),
    ("tls.client.subject", Secret, &["ssl_client_s_dn", "TLSClientSubject"]),
    ("tls.server.name", Host, &["ssl_server_name", "tls.client.server_name"]),
    ("process.pid", Number, &["pid", "process.id"]),
    ("thread.id", Number, &["tid", "process.thread.id"]),
    ("connection.serial", Number, &["connection"]),
    ("connection.requests", Number, &["connection_requests"]),
    ("gzip.ratio", Number, &["gzip_ratio"]),
    ("geo.country", Word, &["geoip_country_code", "geoip2_data_country_code", "geo.country_iso_code"]),
    ("log.level", Word, &["level", "severity_text", "severity"]),
    ("message", Text, &["msg", "log", "body"]),
];

/// Apache's directives without argument, without `%` and modifiers.
const APACHE: &[(&str, &str)] = &[
    ("A", "network.local.address"),
    ("B", "http.response.body.size"),
    ("D", "http.request.duration"),
    ("H", "network.protocol.version"),
    ("I", "http.request.size"),
    ("L", "http.request.id"),
    ("O", "http.response.size"),
    ("P", "process.pid"),
    ("T", "http.request.duration"),
    ("U", "url.path"),
    ("V", "server.address"),
    ("a", "client.address"),
    ("b", "http.response.body.size"),
    ("h", "client.address"),
    ("k", "connection.requests"),
    ("l", "user.ident"),
    ("m", "http.request.method"),
    ("p", "server.port"),
    ("q", "url.query"),
    ("r", "http.request.line"),
    ("s", "http.response.status_code"),
    ("t", "timestamp"),
    ("u", "user.name"),
    ("v", "server.address"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_spelling_stands_for_one_field() {
        let mut seen = HashSet::new();
        for (name, _, aliases) in VOCABULARY {
            assert!(seen.insert(*name), "{name} stands twice");
            for alias in *aliases {
                assert!(seen.insert(*alias), "{alias} stands twice");
                assert_eq!(canonical(alias).map(|found| found.0.into_owned()).as_deref(), Some(*name));
            }
        }
        for (directive, name) in APACHE {
            assert_eq!(canonical(&format!("%{directive}")).unwrap().0, *name);
        }
    }

    #[test]
    fn a_field_is_known_by_the_names_that_servers_use() {
        for (spelling, name) in [
            ("client.address", "client.address"),
            ("remote_addr", "client.address"),
            ("$remote_addr", "client.address"),
            ("${remote_addr}", "client.address"),
            ("%h", "client.address"),
            ("%a", "client.address"),
            ("%{c}a", "network.peer.address"),
            ("%>s", "http.response.status_code"),
            ("%{Referer}i", "http.request.header.referer"),
            ("%{User-agent}i", "user_agent.original"),
            ("%{Host}i", "server.address"),
            ("%{X-Cache}o", "http.response.header.x-cache"),
            ("%{sid}C", "http.request.cookie.sid"),
            ("%{%H}t", "timestamp"),
            ("%{ms}T", "http.request.duration"),
            ("$http_x_forwarded_for", "http.request.header.x-forwarded-for"),
            ("$http_dnt", "http.request.header.dnt"),
            ("$sent_http_x_cache", "http.response.header.x-cache"),
            ("$cookie_sid", "http.request.cookie.sid"),
            ("$http_x_request_id", "http.request.id"),
            ("c-ip", "client.address"),
            ("cs(Referer)", "http.request.header.referer"),
            ("cs(User-Agent)", "user_agent.original"),
            ("cs(Cookie)", "http.request.header.cookie"),
            ("cs-uri-stem", "url.path"),
            ("source.ip", "client.address"),
            ("http.request.header.Referer", "http.request.header.referer"),
        ] {
            assert_eq!(canonical(spelling).unwrap_or_else(|| panic!("{spelling}")).0, name, "{spelling}");
        }
    }

    #[test]
    fn what_is_no_field_has_no_name() {
        for name in
            ["", "$", "%", "%{}i", "%{a b}i", "colour", "http.request.header.", "cs()", "client.*", "%Z", "$http_"]
        {
            assert_eq!(canonical(name), None, "{name}");
        }
    }

    #[test]
    fn a_family_lists_its_known_members_and_the_unknown_one() {
        let members = family("http.request.header.*").unwrap();
        assert!(members.iter().any(|(name, kind)| name == "http.request.header.cookie" && *kind == Cookie));
        assert!(members.iter().any(|(name, kind)| name == "http.request.header.*" && *kind == Text));
        assert!(family("http.*").unwrap().len() > members.len());
        assert_eq!(family("colour.*"), None);
        assert_eq!(family("client*"), None);
        assert_eq!(family("*"), None);
        assert_eq!(family("client.*.*"), None);
    }
}
