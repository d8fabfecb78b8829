//! Field names: the canonical ones (OpenTelemetry's) and the spellings that nginx, Apache, W3C logs and ECS use for them.

use super::suggest;
use crate::{
    format::{apache, nginx},
    record::Kind::{self, *},
};
use std::borrow::Cow;

/// The canonical name and the kind that a spelling stands for.
///
/// Besides the names of [`all`] every request and response header has one, under `http.request.header.` and
/// `http.response.header.`, as has every cookie under `http.request.cookie.` and every variable of an nginx configuration
/// under `nginx.`. nginx variables may be given with their dollar sign, Apache directives with their modifiers (`%>s`,
/// `%{Referer}i`).
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
pub(super) fn family(pattern: &str) -> Option<Vec<Found>> {
    let prefix = pattern.strip_suffix('*')?;
    if !prefix.ends_with('.') || prefix.contains('*') {
        return None;
    }
    let mut members: Vec<Found> =
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
    row(suggest::nearest(name, spellings())?).map(|row| row.0)
}

fn spellings() -> impl Iterator<Item = &'static str> {
    VOCABULARY.iter().flat_map(|row| std::iter::once(row.0).chain(row.2.iter().copied()))
}

/// Every canonical name with its kind, in the order of the table.
pub fn all() -> impl Iterator<Item = (&'static str, Kind)> {
    VOCABULARY.iter().map(|row| (row.0, row.1))
}

/// Families whose members are named by whoever writes the log, with the kind of a member that has no row of its own.
pub(super) fn families() -> impl Iterator<Item = (&'static str, Kind)> {
    FAMILIES.iter().copied()
}

type Found = (Cow<'static, str>, Kind);
type Row = (&'static str, Kind, &'static [&'static str]);

fn row(name: &str) -> Option<&'static Row> {
    VOCABULARY.iter().find(|row| row.0 == name || row.2.contains(&name))
}

/// `$remote_addr`, `${remote_addr}`, with or without the dollar sign; what the administrator defined needs it.
fn nginx(name: &str) -> Option<Found> {
    let bare = name.strip_prefix('$');
    let inner = bare.and_then(|bare| bare.strip_prefix('{')).and_then(|bare| bare.strip_suffix('}'));
    let variable = inner.or(bare).unwrap_or(name);
    if let Some(row) = row(variable).filter(|_| is_word(variable)) {
        return Some((row.0.into(), row.1));
    }
    let found = is_word(variable).then(|| nginx::field(variable)).flatten();
    let own = || {
        let its = bare.is_some() && is_word(variable) && suggest::nearest(variable, spellings()).is_none();
        its.then(|| (format!("nginx.{variable}").into(), Text))
    };
    found.and_then(settled).or_else(own)
}

/// `%h`, `%>s`, `%{Referer}i`, `%{X-Cache}o`, `%{sid}C`, `%{c}a`.
fn apache(name: &str) -> Option<Found> {
    apache::field(name.starts_with('%').then_some(name)?).and_then(settled)
}

/// `cs(Referer)`, `sc(X-Cache)`, as they stand in `#Fields`.
fn w3c(name: &str) -> Option<Found> {
    let inner = |prefix| name.strip_prefix(prefix)?.strip_suffix(')');
    match inner("cs(") {
        Some(header) => settled(nginx::request_header(header)),
        None => settled(nginx::response_header(inner("sc(")?)),
    }
}

fn family_member(name: &str) -> Option<Found> {
    let &(family, kind) = FAMILIES.iter().find(|(family, _)| name.starts_with(family))?;
    match family {
        "http.request.header." => settled(nginx::request_header(&name[family.len()..])),
        "http.response.header." => settled(nginx::response_header(&name[family.len()..])),
        "nginx." => {
            let known = nginx::field(&name[family.len()..]).filter(|(known, _)| known == name);
            settled(known.unwrap_or_else(|| (name.to_ascii_lowercase().into(), kind)))
        }
        _ => settled((name.to_ascii_lowercase().into(), kind)),
    }
}

/// A name that may stand in a policy, with the kind of its row where it has one.
fn settled((name, kind): Found) -> Option<Found> {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    if name.len() > LONGEST || name.ends_with('.') || !name.bytes().all(letter) {
        return None;
    }
    Some(row(&name).map_or((name, kind), |row| (row.0.into(), row.1)))
}

fn is_word(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Longer names are nobody's.
const LONGEST: usize = 96;

/// Families whose members are named by whoever writes the log, and the kind of a member that has no row of its own.
const FAMILIES: &[(&str, Kind)] = &[
    ("apache.", Text),
    ("client.geo.", Text),
    ("http.request.cookie.", Identifier),
    ("http.request.header.", Text),
    ("http.request.trailer.", Text),
    ("http.response.header.", Text),
    ("http.response.trailer.", Text),
    ("nginx.jwt.", Identifier),
    ("nginx.", Text),
    ("process.environment_variable.", Text),
    ("tls.client.", User),
    ("url.query.", Text),
];

/// Canonical name, kind, other spellings (nginx without the dollar sign; W3C; ECS; older OpenTelemetry; Caddy, Traefik).
const VOCABULARY: &[Row] = &[
    (
        "client.address",
        Address,
        &[
            "remote_addr",
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
    ("http.request.header.cf-connecting-ipv6", Address, &[]),
    ("http.request.header.cf-pseudo-ipv4", Address, &[]),
    ("http.request.header.client-ip", Address, &[]),
    ("http.request.header.x-azure-clientip", Address, &[]),
    ("http.request.header.x-azure-socketip", Address, &[]),
    ("http.request.header.x-envoy-external-address", Address, &[]),
    ("http.request.header.x-original-forwarded-for", Address, &[]),
    ("http.request.header.x-originating-ip", Address, &[]),
    ("http.request.header.x-remote-addr", Address, &[]),
    ("http.request.header.x-remote-ip", Address, &[]),
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
    ("upstream.response.size", Number, &["upstream_bytes_received"]),
    ("upstream.response.body.size", Number, &["upstream_response_length"]),
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
    ("http.request.body", Secret, &["request_body", "http.request.body.content"]),
    ("http.response.body", Secret, &["http.response.body.content"]),
    ("http.request.id", Identifier, &["request_id", "req_id", "http_x_request_id"]),
    ("trace.id", Identifier, &["trace_id", "otel_trace_id"]),
    ("trace.span_id", Identifier, &["span_id", "span.id", "otel_span_id"]),
    ("trace.parent_id", Identifier, &["otel_parent_id"]),
    ("trace.parent_sampled", Word, &["otel_parent_sampled"]),
    ("tls.protocol.version", Word, &["ssl_protocol", "tls.version", "TLSVersion"]),
    ("tls.cipher", Word, &["ssl_cipher", "TLSCipher"]),
    ("tls.session.id", Identifier, &["ssl_session_id"]),
    ("tls.client.subject", User, &["ssl_client_s_dn", "TLSClientSubject"]),
    ("tls.client.server_name", Host, &["ssl_server_name", "ssl_preread_server_name"]),
    ("process.pid", Number, &["pid", "process.id"]),
    ("thread.id", Number, &["tid", "process.thread.id"]),
    ("connection.serial", Number, &["connection"]),
    ("connection.requests", Number, &["connection_requests"]),
    ("gzip.ratio", Number, &["gzip_ratio"]),
    ("compression.ratio", Number, &[]),
    ("connection.duration", Number, &["connection_time"]),
    ("connection.pipelined", Word, &["pipe"]),
    ("connection.status", Word, &[]),
    ("http.size", Number, &[]),
    ("http.request.completion", Word, &["request_completion"]),
    ("http.request.first_byte.duration", Number, &[]),
    ("http.response.first_byte.duration", Number, &[]),
    ("upstream.url", Referer, &[]),
    ("upstream.name", Host, &["proxy_host"]),
    ("upstream.port", Number, &["proxy_port"]),
    ("upstream.first_byte.duration", Number, &["upstream_first_byte_time"]),
    ("upstream.queue.duration", Number, &["upstream_queue_time"]),
    ("upstream.session.duration", Number, &["upstream_session_time"]),
    ("upstream.cache.age", Number, &["upstream_cache_age"]),
    ("upstream.cache.key", Text, &["upstream_cache_key"]),
    ("upstream.cache.last_modified", Text, &["upstream_cache_last_modified"]),
    ("url.path_info", Path, &["fastcgi_path_info"]),
    ("file.path", Path, &["request_filename"]),
    ("http.request.body.file", Path, &["request_body_file"]),
    ("process.document_root", Path, &["document_root", "realpath_root"]),
    ("process.executable.path", Path, &["fastcgi_script_name"]),
    ("http.request.cookie", Secret, &[]),
    ("client.address.binary", Secret, &["binary_remote_addr"]),
    ("client.as.number", Number, &[]),
    ("client.as.organization.name", Text, &["geoip_org"]),
    (
        "client.geo.country_iso_code",
        Word,
        &["geoip_country_code", "geo.country_iso_code", "source.geo.country_iso_code"],
    ),
    ("client.geo.country_name", Text, &["geoip_country_name"]),
    ("client.geo.continent.code", Word, &["geoip_city_continent_code"]),
    ("client.geo.region.iso_code", Text, &["geoip_region"]),
    ("client.geo.region.name", Text, &["geoip_region_name"]),
    ("client.geo.locality", Text, &[]),
    ("client.geo.locality.name", Text, &["geoip_city"]),
    ("client.geo.postal_code", Text, &["geoip_postal_code"]),
    ("client.geo.area_code", Text, &["geoip_area_code"]),
    ("client.geo.location", Secret, &[]),
    ("client.geo.location.lat", Text, &["geoip_latitude"]),
    ("client.geo.location.lon", Text, &["geoip_longitude"]),
    ("user_agent.name", Word, &[]),
    ("user_agent.os.name", Word, &[]),
    ("user_agent.device.name", Text, &[]),
    ("network.transport", Word, &["protocol"]),
    ("network.protocol.quic", Word, &["quic"]),
    ("network.protocol.spdy", Word, &["spdy"]),
    ("network.protocol.http2", Word, &["http2"]),
    ("network.protocol.http3", Word, &["http3"]),
    ("network.tcp.rtt", Number, &["tcpinfo_rtt"]),
    ("network.tcp.rttvar", Number, &["tcpinfo_rttvar"]),
    ("network.tcp.snd_cwnd", Number, &["tcpinfo_snd_cwnd"]),
    ("network.tcp.rcv_space", Number, &["tcpinfo_rcv_space"]),
    ("tls.established", Word, &["https"]),
    ("tls.resumed", Word, &["ssl_session_reused"]),
    ("tls.early_data", Word, &["ssl_early_data"]),
    ("tls.curve", Word, &["ssl_curve"]),
    ("tls.cipher.bits", Number, &[]),
    ("tls.next_protocol", Word, &["ssl_alpn_protocol"]),
    ("tls.application_protocol", Word, &[]),
    ("tls.signature_algorithm", Word, &["ssl_sigalg"]),
    ("tls.client.certificate", Secret, &["ssl_client_cert", "ssl_client_raw_cert", "ssl_client_escaped_cert"]),
    ("tls.client.hash.sha1", Identifier, &["ssl_client_fingerprint"]),
    ("tls.client.issuer", User, &["ssl_client_i_dn"]),
    ("tls.client.serial", Identifier, &["ssl_client_serial"]),
    ("tls.client.verify", Text, &["ssl_client_verify"]),
    ("tls.client.signature_algorithm", Word, &["ssl_client_sigalg"]),
    ("tls.client.not_after", Text, &["ssl_client_v_end"]),
    ("tls.client.not_before", Text, &["ssl_client_v_start"]),
    ("tls.client.days_left", Number, &["ssl_client_v_remain"]),
    ("tls.client.supported_ciphers", Identifier, &["ssl_ciphers"]),
    ("tls.client.supported_curves", Identifier, &["ssl_curves"]),
    ("tls.client.supported_protocols", Text, &["ssl_preread_alpn_protocols"]),
    ("host.id", Identifier, &[]),
    ("process.name", Word, &["program", "progname"]),
    ("service.name", Text, &[]),
    ("service.version", Text, &[]),
    ("deployment.environment.name", Text, &[]),
    ("event.name", Text, &[]),
    ("log.logger", Text, &[]),
    ("request.retries", Number, &[]),
    ("request.overhead", Number, &[]),
    ("envoy.response_flags", Word, &["response_flags"]),
    ("log.syslog.priority", Number, &[]),
    ("log.syslog.msgid", Word, &[]),
    ("log.syslog.structured_data", Text, &[]),
    ("log.iostream", Word, &[]),
    ("log.cri.tag", Word, &[]),
    ("cloud.resource_id", Identifier, &[]),
    ("connection.counts", Word, &[]),
    ("connection.queues", Word, &[]),
    ("connection.termination", Word, &[]),
    ("envoy.response_details", Text, &["response_code_details"]),
    ("envoy.termination_details", Text, &["connection_termination_details"]),
    ("error.code", Number, &["sc-win32-status"]),
    ("error.type", Word, &[]),
    ("http.response.substatus", Number, &["sc-substatus"]),
    ("http.request.start", Instant, &[]),
    ("tls.error", Word, &[]),
    ("upstream.selection", Word, &[]),
    ("server.name", Host, &[]),
    ("nginx.subrequest", Path, &[]),
    ("error.message", Text, &[]),
    ("event.details", Text, &[]),
    ("event.count", Number, &[]),
    ("event.timezone", Word, &[]),
    ("log.code", Word, &[]),
    ("client.domain", Address, &["source.domain"]),
    ("client.helo", Address, &[]),
    ("user.target.name", User, &[]),
    ("user.uid", Identifier, &[]),
    ("session.serial", Word, &[]),
    ("auth.method", Word, &[]),
    ("ssh.key.type", Word, &[]),
    ("ssh.key.fingerprint", Identifier, &[]),
    ("process.tty", Word, &[]),
    ("process.working_directory", Path, &[]),
    ("process.command_line", Text, &[]),
    ("network.protocol.name", Word, &[]),
    ("email.from.address", User, &[]),
    ("email.to.address", User, &[]),
    ("email.original_to.address", User, &[]),
    ("email.message_id", Identifier, &[]),
    ("email.queue_id", Identifier, &[]),
    ("email.auth", Word, &[]),
    ("email.command", Word, &[]),
    ("email.status", Word, &[]),
    ("email.dsn", Word, &[]),
    ("email.delay", Number, &[]),
    ("email.delays", Word, &[]),
    ("email.size", Number, &[]),
    ("email.recipients", Number, &[]),
    ("ftp.command", Word, &[]),
    ("ftp.status", Word, &[]),
    ("ftp.transfer", Text, &[]),
    ("file.size", Number, &[]),
    ("file.transfer.duration", Number, &[]),
    ("log.level", Word, &["level", "severity_text", "severity"]),
    ("message", Text, &["msg", "log", "body"]),
    ("event.original", Text, &[]),
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
    }

    #[test]
    fn nginx_and_this_table_agree() {
        for (name, kind, aliases) in VOCABULARY {
            for alias in aliases.iter().filter(|alias| is_word(alias)) {
                if let Some((known, known_kind)) = nginx::field(alias) {
                    // A stream's `$protocol` and the like are words of their own elsewhere.
                    assert_eq!((&*known, known_kind), (*name, *kind), "{alias}");
                }
            }
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
            ("%{X}e", "process.environment_variable.x"),
            ("%{forensic-id}n", "apache.note.forensic-id"),
            ("$my_own", "nginx.my_own"),
            ("nginx.my_own", "nginx.my_own"),
            ("$arg_page", "url.query.page"),
            ("$upstream_http_x_cache", "http.response.header.x-cache"),
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
        for name in [
            "",
            "$",
            "%",
            "$remote_adr",
            "my_own",
            "%{}i",
            "%{a b}i",
            "colour",
            "http.request.header.",
            "cs()",
            "client.*",
            "%Z",
            "$http_",
        ] {
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
