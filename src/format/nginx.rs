//! nginx's `log_format` → a template.
//!
//! <https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format>; the variables are those of
//! <https://nginx.org/en/docs/varindex.html>.

use super::{
    CompileError,
    compile::{Dialect, Piece, Slot},
    grammar::Grammar,
    template::{Shape, Template},
};
use crate::record::{Clock, Kind};
use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, take, take_till1, take_while1},
    combinator::map,
    sequence::delimited,
};
use std::borrow::Cow;

/// Compiles the text of a format (`$remote_addr - …`, optionally behind `escape=json`), or a whole `log_format` directive.
///
/// Variables that follow each other without a literal compile; what cannot be told apart in a line is ambiguous there.
///
/// # Errors
/// A variable without a name, an unknown escape, a directive that does not end, no variable at all.
pub fn compile(text: &str) -> Result<Template, CompileError> {
    let trimmed = text.trim_start();
    let offset = text.len() - trimmed.len();
    if let Some(rest) =
        trimmed.strip_prefix("log_format").filter(|rest| rest.starts_with(|byte: char| byte.is_ascii_whitespace()))
    {
        let (dialect, format) = directive(rest).map_err(|error| error.behind(text.len() - rest.len()))?;
        return Template::compile("nginx", dialect, pieces(&format)?);
    }
    if trimmed.starts_with("escape=") {
        let end = trimmed.find(|byte: char| byte.is_ascii_whitespace()).unwrap_or(trimmed.len());
        let dialect = escape(&trimmed.as_bytes()[..end]).map_err(|error| error.behind(offset))?;
        let rest = trimmed[end..].trim_start();
        let pieces = pieces(rest.as_bytes()).map_err(|error| error.behind(text.len() - rest.len()))?;
        return Template::compile("nginx", dialect.unwrap_or(Dialect::Nginx), pieces);
    }
    Template::compile("nginx", Dialect::Nginx, pieces(text.as_bytes())?)
}

/// The canonical name of a variable (`remote_addr`, with or without its `$`) and what sort of value it holds. `None` for a
/// variable that nginx's own modules do not define.
///
/// ```
/// use sladd::{format::nginx, record::Kind};
/// assert_eq!(nginx::field("remote_addr"), Some(("client.address".into(), Kind::Address)));
/// assert_eq!(nginx::field("$http_x_app"), Some(("http.request.header.x-app".into(), Kind::Text)));
/// assert_eq!(nginx::field("geo_zone"), None);
/// ```
pub fn field(variable: &str) -> Option<(Cow<'static, str>, Kind)> {
    let variable = variable.strip_prefix('$').unwrap_or(variable);
    known(&variable.to_ascii_lowercase()).map(|(name, kind, _)| (name, kind))
}

fn known(variable: &str) -> Option<(Cow<'static, str>, Kind, Grammar)> {
    if let Ok(at) = VARIABLES.binary_search_by_key(&variable, |row| row.0) {
        let (_, name, kind, grammar) = VARIABLES[at];
        return Some((name.into(), kind, grammar));
    }
    let family = |prefix: &str| variable.strip_prefix(prefix).filter(|rest| !rest.is_empty());
    if let Some(name) = family("http_") {
        let (name, kind) = request_header(name);
        return Some((name, kind, Grammar::Text));
    }
    if let Some(name) =
        family("sent_http_").or(family("upstream_http_")).or(family("sent_trailer_")).or(family("upstream_trailer_"))
    {
        let (name, kind) = response_header(name);
        return Some((name, kind, Grammar::Text));
    }
    if let Some(name) = family("cookie_").or(family("upstream_cookie_")) {
        return Some((format!("http.request.cookie.{name}").into(), Kind::Identifier, Grammar::Text));
    }
    if let Some(name) = family("arg_") {
        return Some((format!("url.query.{name}").into(), Kind::Text, Grammar::Text));
    }
    let text = |prefix: &str, rest: &str, kind| Some((Cow::from(format!("{prefix}{rest}")), kind, Grammar::Text));
    if let Some(name) = family("jwt_claim_").or(family("jwt_header_")) {
        return text("nginx.jwt.", name, Kind::Identifier);
    }
    if let Some(name) = family("geoip2_data_").or(family("geoip_")) {
        return text("client.geo.", name, Kind::Text);
    }
    if family("ssl_client_").is_some() {
        return text("nginx.", variable, Kind::Secret);
    }
    None
}

/// The canonical name of a request header, lower-case, with dashes or underscores.
pub(crate) fn request_header(name: &str) -> (Cow<'static, str>, Kind) {
    let name = name.to_ascii_lowercase().replace('_', "-");
    let known: (&'static str, Kind) = match name.as_str() {
        "accept-language" => ("http.request.header.accept-language", Kind::Language),
        "authorization" => ("http.request.header.authorization", Kind::Secret),
        "cookie" => ("http.request.header.cookie", Kind::Cookie),
        "host" => ("server.address", Kind::Host),
        "origin" => ("http.request.header.origin", Kind::Referer),
        "referer" | "referrer" => ("http.request.header.referer", Kind::Referer),
        "user-agent" => ("user_agent.original", Kind::Agent),
        "x-forwarded-for" => ("http.request.header.x-forwarded-for", Kind::Address),
        "x-request-id" => ("http.request.id", Kind::Identifier),
        _ => {
            let kind = match name.as_str() {
                "cf-connecting-ip"
                | "cf-connecting-ipv6"
                | "cf-pseudo-ipv4"
                | "client-ip"
                | "fastly-client-ip"
                | "true-client-ip"
                | "x-azure-clientip"
                | "x-azure-socketip"
                | "x-client-ip"
                | "x-cluster-client-ip"
                | "x-original-forwarded-for"
                | "x-originating-ip"
                | "x-real-ip"
                | "x-remote-addr"
                | "x-remote-ip"
                | "x-envoy-external-address" => Kind::Address,
                "x-forwarded-host" | "x-original-host" => Kind::Host,
                "cookie2" => Kind::Cookie,
                "proxy-authorization"
                | "x-api-key"
                | "api-key"
                | "x-auth-token"
                | "x-access-token"
                | "x-csrf-token"
                | "x-xsrf-token"
                | "x-amz-security-token"
                | "x-goog-iap-jwt-assertion"
                | "cf-access-jwt-assertion" => Kind::Secret,
                "x-correlation-id" | "x-amzn-trace-id" | "x-trace-id" | "traceparent" | "tracestate"
                | "x-b3-traceid" | "x-b3-spanid" | "cf-ray" | "x-device-id" | "x-session-id" | "x-requested-with"
                | "x-amz-cf-id" => Kind::Identifier,
                "x-forwarded-user"
                | "x-remote-user"
                | "remote-user"
                | "x-user"
                | "from"
                | "x-auth-request-user"
                | "x-auth-request-email" => Kind::User,
                "content-length" | "x-forwarded-port" | "dnt" => Kind::Number,
                "x-forwarded-proto" | "x-forwarded-scheme" | "cf-ipcountry" | "x-country-code" => Kind::Word,
                "x-original-url" | "x-rewrite-url" => Kind::Referer,
                _ => Kind::Text,
            };
            return (format!("http.request.header.{name}").into(), kind);
        }
    };
    (known.0.into(), known.1)
}

/// The canonical name of a response header.
pub(crate) fn response_header(name: &str) -> (Cow<'static, str>, Kind) {
    let name = name.to_ascii_lowercase().replace('_', "-");
    let kind = match name.as_str() {
        "set-cookie" | "set-cookie2" => Kind::Cookie,
        "location" | "content-location" | "link" | "refresh" => Kind::Referer,
        "content-length" | "age" => Kind::Number,
        "content-language" => Kind::Language,
        "x-request-id" | "x-correlation-id" | "x-trace-id" | "x-amz-cf-id" | "etag" => Kind::Identifier,
        "www-authenticate" | "authorization" | "authentication-info" => Kind::Secret,
        "connection" | "x-cache" | "x-cache-status" => Kind::Word,
        _ => Kind::Text,
    };
    (format!("http.response.header.{name}").into(), kind)
}

/// The text of a format → its pieces.
fn pieces(format: &[u8]) -> Result<Vec<Piece>, CompileError> {
    let mut rest = format;
    let mut tokens = Vec::new();
    while !rest.is_empty() {
        let at = format.len() - rest.len();
        let (behind, token) = token(rest).map_err(|_| {
            CompileError::new(
                at,
                "`$` without the name of a variable; write `$name` or `${name}`: a dollar sign alone cannot be logged",
            )
        })?;
        tokens.push(token);
        rest = behind;
    }
    let mut pieces = Vec::new();
    let mut tokens = tokens.as_slice();
    while let Some((first, behind)) = tokens.split_first() {
        // A target that is written in its parts is one target: its question mark would make every reading ambiguous.
        if let [Token::Variable(uri), rest @ ..] = tokens
            && matches!(*uri, "uri" | "document_uri")
        {
            let rest = match rest {
                [Token::Variable("is_args"), Token::Variable("args" | "query_string"), rest @ ..] => Some(rest),
                [Token::Literal(b"?"), Token::Variable("args" | "query_string"), rest @ ..] => Some(rest),
                _ => None,
            };
            if let Some(rest) = rest {
                pieces.push(Piece::Value(slot("request_uri")));
                tokens = rest;
                continue;
            }
        }
        pieces.push(match first {
            Token::Literal(text) => Piece::Literal(text.to_vec()),
            Token::Variable(name) => Piece::Value(slot(&name.to_ascii_lowercase())),
        });
        tokens = behind;
    }
    Ok(pieces)
}

enum Token<'a> {
    Literal(&'a [u8]),
    Variable(&'a str),
}

fn token(text: &[u8]) -> IResult<&[u8], Token<'_>> {
    let name = |text| take_while1(|byte: u8| byte.is_ascii_alphanumeric() || byte == b'_')(text);
    let braced = delimited(tag(&b"${"[..]), name, tag(&b"}"[..]));
    let plain = (tag(&b"$"[..]), name).map(|(_, name)| name);
    alt((
        map(alt((braced, plain)), |name: &[u8]| Token::Variable(std::str::from_utf8(name).expect("a name is ASCII"))),
        map(take_till1(|byte: u8| byte == b'$'), Token::Literal),
    ))
    .parse(text)
}

fn slot(variable: &str) -> Slot {
    let (name, kind, grammar) =
        known(variable).unwrap_or_else(|| (format!("nginx.{variable}").into(), Kind::Text, Grammar::Text));
    let shape = match variable {
        "request" => Shape::Request,
        "request_uri" => Shape::Target,
        _ => Shape::Plain,
    };
    let clock = (kind == Kind::Instant).then_some(match variable {
        "time_iso8601" => Clock::Rfc3339,
        "time_local" => Clock::Clf,
        "msec" => Clock::EpochSeconds,
        _ => Clock::Partial,
    });
    Slot { name: name.into(), kind, grammar, clock, shape }
}

/// What follows `log_format`: a name, an escape, and the parts of the format.
fn directive(text: &str) -> Result<(Dialect, Vec<u8>), CompileError> {
    let mut rest = text.as_bytes();
    let mut dialect = None;
    let mut parts = 0;
    let mut format = Vec::new();
    loop {
        rest = blank(rest);
        let at = text.len() - rest.len();
        if rest.is_empty() || rest[0] == b';' {
            if !blank(rest.strip_prefix(b";").unwrap_or(rest)).is_empty() {
                return Err(CompileError::new(at, "text behind the directive's `;`; give one `log_format` directive"));
            }
            break;
        }
        let (behind, word) = word(rest)
            .map_err(|_| CompileError::new(at, "a quote is not closed; copy the whole directive, up to its `;`"))?;
        parts += 1;
        match parts {
            1 => {}
            2 if word.starts_with(b"escape=") => dialect = escape(&word).map_err(|error| error.behind(at))?,
            _ => format.extend_from_slice(&word),
        }
        rest = behind;
    }
    if parts < 2 || format.is_empty() {
        return Err(CompileError::new(text.len(), "`log_format` without a format; write `log_format name 'format';`"));
    }
    Ok((dialect.unwrap_or(Dialect::Nginx), format))
}

fn escape(word: &[u8]) -> Result<Option<Dialect>, CompileError> {
    match word.strip_prefix(b"escape=").unwrap_or_default() {
        b"default" => Ok(Some(Dialect::Nginx)),
        b"json" => Ok(Some(Dialect::Json)),
        b"none" => Ok(Some(Dialect::None)),
        _ => Err(CompileError::new(0, "unknown escape; write `escape=default`, `escape=json` or `escape=none`")),
    }
}

/// White space and comments gone.
fn blank(mut text: &[u8]) -> &[u8] {
    loop {
        text = text.trim_ascii_start();
        if text.first() != Some(&b'#') {
            return text;
        }
        text = &text[text.iter().position(|byte| *byte == b'\n').unwrap_or(text.len())..];
    }
}

/// One word of nginx's configuration, quoted or bare, its escapes resolved as nginx resolves them.
fn word(text: &[u8]) -> IResult<&[u8], Vec<u8>> {
    let quote = match text.first() {
        Some(&quote @ (b'"' | b'\'')) => Some(quote),
        _ => None,
    };
    let mut word = Vec::new();
    let mut rest = &text[usize::from(quote.is_some())..];
    loop {
        let (behind, byte) = match (rest.first(), quote) {
            (None, None) => return Ok((rest, word)),
            (Some(byte), None) if byte.is_ascii_whitespace() || *byte == b';' => return Ok((rest, word)),
            _ => take(1usize)(rest)?,
        };
        if Some(byte[0]) == quote {
            return Ok((behind, word));
        }
        rest = behind;
        let resolved = match (byte[0], behind.first()) {
            (b'\\', Some(&next @ (b'"' | b'\'' | b'\\'))) => Some(next),
            (b'\\', Some(b't')) => Some(b'\t'),
            (b'\\', Some(b'r')) => Some(b'\r'),
            (b'\\', Some(b'n')) => Some(b'\n'),
            _ => None,
        };
        word.push(resolved.unwrap_or(byte[0]));
        if resolved.is_some() {
            rest = &rest[1..];
        }
    }
}

/// Every variable of nginx's own modules that is no family, in order.
#[rustfmt::skip]
const VARIABLES: &[(&str, &str, Kind, Grammar)] = &[
    ("ancient_browser", "nginx.ancient_browser", Kind::Word, Grammar::Text),
    ("args", "url.query", Kind::Query, Grammar::Text),
    ("binary_remote_addr", "client.address.binary", Kind::Secret, Grammar::Text),
    ("body_bytes_sent", "http.response.body.size", Kind::Number, Grammar::Number),
    ("bytes_received", "http.request.size", Kind::Number, Grammar::Number),
    ("bytes_sent", "http.response.size", Kind::Number, Grammar::Number),
    ("connection", "connection.serial", Kind::Number, Grammar::Number),
    ("connection_requests", "connection.requests", Kind::Number, Grammar::Number),
    ("connection_time", "connection.duration", Kind::Number, Grammar::Number),
    ("connections_active", "nginx.connections_active", Kind::Number, Grammar::Number),
    ("connections_reading", "nginx.connections_reading", Kind::Number, Grammar::Number),
    ("connections_waiting", "nginx.connections_waiting", Kind::Number, Grammar::Number),
    ("connections_writing", "nginx.connections_writing", Kind::Number, Grammar::Number),
    ("content_length", "http.request.body.size", Kind::Number, Grammar::Text),
    ("content_type", "http.request.header.content-type", Kind::Text, Grammar::Text),
    ("date_gmt", "timestamp", Kind::Instant, Grammar::Text),
    ("date_local", "timestamp", Kind::Instant, Grammar::Text),
    ("document_root", "process.document_root", Kind::Path, Grammar::Text),
    ("document_uri", "url.path", Kind::Path, Grammar::Text),
    ("fastcgi_path_info", "url.path_info", Kind::Path, Grammar::Text),
    ("fastcgi_script_name", "process.executable.path", Kind::Path, Grammar::Text),
    ("geoip_area_code", "client.geo.area_code", Kind::Text, Grammar::Text),
    ("geoip_city", "client.geo.locality.name", Kind::Text, Grammar::Text),
    ("geoip_city_continent_code", "client.geo.continent.code", Kind::Word, Grammar::Word),
    ("geoip_city_country_code", "client.geo.country_iso_code", Kind::Word, Grammar::Word),
    ("geoip_city_country_code3", "client.geo.country_iso_code", Kind::Word, Grammar::Word),
    ("geoip_city_country_name", "client.geo.country_name", Kind::Text, Grammar::Text),
    ("geoip_country_code", "client.geo.country_iso_code", Kind::Word, Grammar::Word),
    ("geoip_country_code3", "client.geo.country_iso_code", Kind::Word, Grammar::Word),
    ("geoip_country_name", "client.geo.country_name", Kind::Text, Grammar::Text),
    ("geoip_latitude", "client.geo.location.lat", Kind::Text, Grammar::Text),
    ("geoip_longitude", "client.geo.location.lon", Kind::Text, Grammar::Text),
    ("geoip_org", "client.as.organization.name", Kind::Text, Grammar::Text),
    ("geoip_postal_code", "client.geo.postal_code", Kind::Text, Grammar::Text),
    ("geoip_region", "client.geo.region.iso_code", Kind::Text, Grammar::Text),
    ("geoip_region_name", "client.geo.region.name", Kind::Text, Grammar::Text),
    ("gzip_ratio", "gzip.ratio", Kind::Number, Grammar::Number),
    ("host", "server.address", Kind::Host, Grammar::Token),
    ("hostname", "host.name", Kind::Host, Grammar::Token),
    ("http2", "network.protocol.http2", Kind::Word, Grammar::Word),
    ("http3", "network.protocol.http3", Kind::Word, Grammar::Word),
    ("https", "tls.established", Kind::Word, Grammar::Word),
    ("invalid_referer", "nginx.invalid_referer", Kind::Word, Grammar::Word),
    ("is_args", "nginx.is_args", Kind::Word, Grammar::Text),
    ("is_request_port", "nginx.is_request_port", Kind::Word, Grammar::Text),
    ("limit_conn_status", "nginx.limit_conn_status", Kind::Word, Grammar::Word),
    ("limit_rate", "nginx.limit_rate", Kind::Number, Grammar::Number),
    ("limit_req_status", "nginx.limit_req_status", Kind::Word, Grammar::Word),
    ("memcached_key", "nginx.memcached_key", Kind::Text, Grammar::Text),
    ("modern_browser", "nginx.modern_browser", Kind::Word, Grammar::Text),
    ("msec", "timestamp", Kind::Instant, Grammar::Number),
    ("msie", "nginx.msie", Kind::Word, Grammar::Word),
    ("nginx_version", "nginx.version", Kind::Word, Grammar::Word),
    ("otel_parent_id", "trace.parent_id", Kind::Identifier, Grammar::Word),
    ("otel_parent_sampled", "trace.parent_sampled", Kind::Word, Grammar::Word),
    ("otel_span_id", "trace.span_id", Kind::Identifier, Grammar::Word),
    ("otel_trace_id", "trace.id", Kind::Identifier, Grammar::Word),
    ("pid", "process.pid", Kind::Number, Grammar::Number),
    ("pipe", "connection.pipelined", Kind::Word, Grammar::Word),
    ("protocol", "network.transport", Kind::Word, Grammar::Method),
    ("proxy_add_x_forwarded_for", "http.request.header.x-forwarded-for", Kind::Address, Grammar::Text),
    ("proxy_host", "upstream.name", Kind::Host, Grammar::Token),
    ("proxy_port", "upstream.port", Kind::Number, Grammar::Number),
    ("proxy_protocol_addr", "client.address", Kind::Address, Grammar::Address),
    ("proxy_protocol_port", "client.port", Kind::Number, Grammar::Number),
    ("proxy_protocol_server_addr", "network.local.address", Kind::Address, Grammar::Address),
    ("proxy_protocol_server_port", "network.local.port", Kind::Number, Grammar::Number),
    ("query_string", "url.query", Kind::Query, Grammar::Text),
    ("quic", "network.protocol.quic", Kind::Word, Grammar::Word),
    ("realip_remote_addr", "network.peer.address", Kind::Address, Grammar::Address),
    ("realip_remote_port", "network.peer.port", Kind::Number, Grammar::Number),
    ("realpath_root", "process.document_root", Kind::Path, Grammar::Text),
    ("remote_addr", "client.address", Kind::Address, Grammar::Address),
    ("remote_port", "client.port", Kind::Number, Grammar::Number),
    ("remote_user", "user.name", Kind::User, Grammar::Text),
    ("request", "http.request.line", Kind::Text, Grammar::Text),
    ("request_body", "http.request.body", Kind::Secret, Grammar::Text),
    ("request_body_file", "http.request.body.file", Kind::Path, Grammar::Text),
    ("request_completion", "http.request.completion", Kind::Word, Grammar::Word),
    ("request_filename", "file.path", Kind::Path, Grammar::Text),
    ("request_id", "http.request.id", Kind::Identifier, Grammar::Word),
    ("request_length", "http.request.size", Kind::Number, Grammar::Number),
    ("request_method", "http.request.method", Kind::Method, Grammar::Method),
    ("request_port", "server.port", Kind::Number, Grammar::Number),
    ("request_time", "http.request.duration", Kind::Number, Grammar::Number),
    ("request_uri", "url.original", Kind::Text, Grammar::Text),
    ("scheme", "url.scheme", Kind::Word, Grammar::Method),
    ("secure_link", "nginx.secure_link", Kind::Secret, Grammar::Text),
    ("secure_link_expires", "nginx.secure_link_expires", Kind::Text, Grammar::Text),
    ("server_addr", "network.local.address", Kind::Address, Grammar::Address),
    ("server_name", "server.address", Kind::Host, Grammar::Token),
    ("server_port", "server.port", Kind::Number, Grammar::Number),
    ("server_protocol", "network.protocol.version", Kind::Protocol, Grammar::Protocol),
    ("session_log_id", "session.id", Kind::Identifier, Grammar::Text),
    ("session_time", "http.request.duration", Kind::Number, Grammar::Number),
    ("slice_range", "nginx.slice_range", Kind::Word, Grammar::Text),
    ("spdy", "network.protocol.spdy", Kind::Word, Grammar::Word),
    ("ssl_alpn_protocol", "tls.next_protocol", Kind::Word, Grammar::Text),
    ("ssl_cipher", "tls.cipher", Kind::Word, Grammar::Word),
    ("ssl_ciphers", "tls.client.supported_ciphers", Kind::Identifier, Grammar::Word),
    ("ssl_client_cert", "tls.client.certificate", Kind::Secret, Grammar::Text),
    ("ssl_client_escaped_cert", "tls.client.certificate", Kind::Secret, Grammar::Text),
    ("ssl_client_fingerprint", "tls.client.hash.sha1", Kind::Identifier, Grammar::Word),
    ("ssl_client_i_dn", "tls.client.issuer", Kind::User, Grammar::Text),
    ("ssl_client_i_dn_legacy", "tls.client.issuer", Kind::User, Grammar::Text),
    ("ssl_client_raw_cert", "tls.client.certificate", Kind::Secret, Grammar::Text),
    ("ssl_client_s_dn", "tls.client.subject", Kind::User, Grammar::Text),
    ("ssl_client_s_dn_legacy", "tls.client.subject", Kind::User, Grammar::Text),
    ("ssl_client_serial", "tls.client.serial", Kind::Identifier, Grammar::Word),
    ("ssl_client_sigalg", "tls.client.signature_algorithm", Kind::Word, Grammar::Word),
    ("ssl_client_v_end", "tls.client.not_after", Kind::Text, Grammar::Text),
    ("ssl_client_v_remain", "tls.client.days_left", Kind::Number, Grammar::Number),
    ("ssl_client_v_start", "tls.client.not_before", Kind::Text, Grammar::Text),
    ("ssl_client_verify", "tls.client.verify", Kind::Text, Grammar::Text),
    ("ssl_curve", "tls.curve", Kind::Word, Grammar::Word),
    ("ssl_curves", "tls.client.supported_curves", Kind::Identifier, Grammar::Word),
    ("ssl_early_data", "tls.early_data", Kind::Word, Grammar::Word),
    ("ssl_preread_alpn_protocols", "tls.client.supported_protocols", Kind::Text, Grammar::Text),
    ("ssl_preread_protocol", "tls.protocol.version", Kind::Word, Grammar::Word),
    ("ssl_preread_server_name", "tls.client.server_name", Kind::Host, Grammar::Text),
    ("ssl_protocol", "tls.protocol.version", Kind::Word, Grammar::Word),
    ("ssl_server_name", "tls.client.server_name", Kind::Host, Grammar::Text),
    ("ssl_session_id", "tls.session.id", Kind::Identifier, Grammar::Word),
    ("ssl_session_reused", "tls.resumed", Kind::Word, Grammar::Word),
    ("ssl_sigalg", "tls.signature_algorithm", Kind::Word, Grammar::Word),
    ("status", "http.response.status_code", Kind::Status, Grammar::Status),
    ("tcpinfo_rcv_space", "network.tcp.rcv_space", Kind::Number, Grammar::Number),
    ("tcpinfo_rtt", "network.tcp.rtt", Kind::Number, Grammar::Number),
    ("tcpinfo_rttvar", "network.tcp.rttvar", Kind::Number, Grammar::Number),
    ("tcpinfo_snd_cwnd", "network.tcp.snd_cwnd", Kind::Number, Grammar::Number),
    ("time_iso8601", "timestamp", Kind::Instant, Grammar::Iso),
    ("time_local", "timestamp", Kind::Instant, Grammar::Clf),
    ("uid_got", "device.id", Kind::Identifier, Grammar::Text),
    ("uid_reset", "nginx.uid_reset", Kind::Text, Grammar::Text),
    ("uid_set", "device.id", Kind::Identifier, Grammar::Text),
    ("upstream_addr", "upstream.address", Kind::Address, Grammar::Addresses),
    ("upstream_bytes_received", "upstream.response.size", Kind::Number, Grammar::Numbers),
    ("upstream_bytes_sent", "upstream.request.size", Kind::Number, Grammar::Numbers),
    ("upstream_cache_age", "upstream.cache.age", Kind::Number, Grammar::Number),
    ("upstream_cache_key", "upstream.cache.key", Kind::Text, Grammar::Text),
    ("upstream_cache_last_modified", "upstream.cache.last_modified", Kind::Text, Grammar::Text),
    ("upstream_cache_status", "upstream.cache.status", Kind::Word, Grammar::Word),
    ("upstream_connect_time", "upstream.connect.duration", Kind::Number, Grammar::Numbers),
    ("upstream_first_byte_time", "upstream.first_byte.duration", Kind::Number, Grammar::Numbers),
    ("upstream_header_time", "upstream.header.duration", Kind::Number, Grammar::Numbers),
    ("upstream_last_server_name", "upstream.name", Kind::Host, Grammar::Token),
    ("upstream_queue_time", "upstream.queue.duration", Kind::Number, Grammar::Numbers),
    ("upstream_response_length", "upstream.response.body.size", Kind::Number, Grammar::Numbers),
    ("upstream_response_time", "upstream.response.duration", Kind::Number, Grammar::Numbers),
    ("upstream_session_time", "upstream.session.duration", Kind::Number, Grammar::Numbers),
    ("upstream_status", "upstream.status", Kind::Status, Grammar::Numbers),
    ("uri", "url.path", Kind::Path, Grammar::Text),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{Ending, Parse};
    use super::*;
    use crate::record::{Blank, Record, State};

    fn read(template: &Template, line: &str) -> Option<Vec<String>> {
        let mut record = Record::default();
        template.parse(line.as_bytes(), Ending::Whole, &mut record).ok()?;
        let fields = &template.schema().fields;
        let shown = record.values.iter().filter(|value| value.state != State::Absent).map(|value| {
            let name = &fields[value.field as usize].name;
            let text = &line[value.span.start as usize..value.span.end as usize];
            if value.state == State::Present { format!("{name}={text}") } else { format!("{name}~") }
        });
        Some(shown.collect())
    }

    fn values(format: &str, line: &str) -> Option<Vec<String>> {
        let read = read(&compile(format).unwrap(), line)?;
        Some(
            read.into_iter()
                .map(|value| value.split_once('=').map_or("~".to_owned(), |(_, value)| value.to_owned()))
                .collect(),
        )
    }

    #[test]
    fn the_table_is_in_order() {
        assert!(VARIABLES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn variables_have_canonical_names() {
        for (variable, name, kind) in [
            ("$remote_addr", "client.address", Kind::Address),
            ("http_user_agent", "user_agent.original", Kind::Agent),
            ("http_host", "server.address", Kind::Host),
            ("http_x_forwarded_for", "http.request.header.x-forwarded-for", Kind::Address),
            ("http_x_real_ip", "http.request.header.x-real-ip", Kind::Address),
            ("sent_http_set_cookie", "http.response.header.set-cookie", Kind::Cookie),
            ("upstream_http_x_len", "http.response.header.x-len", Kind::Text),
            ("cookie_PHPSESSID", "http.request.cookie.phpsessid", Kind::Identifier),
            ("arg_page", "url.query.page", Kind::Text),
            ("REMOTE_USER", "user.name", Kind::User),
        ] {
            assert_eq!(field(variable), Some((name.into(), kind)), "{variable}");
        }
        assert_eq!(field("my_map"), None);
        assert_eq!(field("http_"), None);
        assert_eq!(&*compile("$my_map").unwrap().schema().fields[0].name, "nginx.my_map");
    }

    #[test]
    fn a_directive_is_read_as_nginx_reads_it() {
        let text =
            "log_format  main  '$remote_addr [$time_local] '\n  # a comment\n  \"\\\"$request\\\" \" '$status';\n";
        let line = "192.0.2.1 [10/Oct/2026:13:55:36 +0200] \"GET / HTTP/1.1\" 200";
        let parts = ["192.0.2.1", "10/Oct/2026:13:55:36 +0200", "GET", "/", "HTTP/1.1", "200"];
        assert_eq!(values(text, line).unwrap(), parts);
        assert_eq!(values("$remote_addr [${time_local}] \"$request\" $status", line).unwrap(), parts);
        assert_eq!(values("log_format tab escape=none $status\\t$pid", "200\t7").unwrap(), ["200", "7"]);
        assert_eq!(values("log_format x '$status' '$pid;';", "200-;").unwrap(), ["200", "-"]);
    }

    #[test]
    fn faults_in_a_directive_say_where_and_what_to_do() {
        let error = |text: &str| compile(text).map(drop).unwrap_err();
        assert_eq!(
            error("$status $ x"),
            CompileError::new(
                8,
                "`$` without the name of a variable; write `$name` or `${name}`: a dollar sign alone cannot be logged"
            )
        );
        assert_eq!(error("${status").at, 0);
        assert_eq!(error("plain").message, "the format holds no variable; name at least one, or use `text`");
        assert_eq!(error("").message, "the format holds no variable; name at least one, or use `text`");
        assert_eq!(
            error("log_format x escape=xml '$status';").message,
            "unknown escape; write `escape=default`, `escape=json` or `escape=none`"
        );
        assert_eq!(error("escape=xml $status").at, 0);
        assert_eq!(
            error("log_format x '$status;").message,
            "a quote is not closed; copy the whole directive, up to its `;`"
        );
        assert_eq!(error("log_format x;").message, "`log_format` without a format; write `log_format name 'format';`");
        assert_eq!(
            error("log_format x '$status'; access_log y;").message,
            "text behind the directive's `;`; give one `log_format` directive"
        );
    }

    #[test]
    fn the_last_status_of_a_path_is_the_status() {
        assert_eq!(values("long line $uri:$status", "long line /a:200:404").unwrap(), ["/a:200", "404"]);
        assert_eq!(
            values("$uri $time_iso8601", "/a b 2026-11-21T10:00:00+01:00").unwrap(),
            ["/a b", "2026-11-21T10:00:00+01:00"]
        );
        assert_eq!(
            values("$uri $status $request_length $request_time", "/a 200 3 4 200 5 0.001").unwrap(),
            ["/a 200 3 4", "200", "5", "0.001"]
        );
    }

    #[test]
    fn addresses_and_ports_with_colons_are_told_apart_or_withheld() {
        let format = "$remote_addr:$remote_port:$server_addr:$server_port";
        assert_eq!(values(format, "192.0.2.1:5:198.51.100.1:80").unwrap(), ["192.0.2.1", "5", "198.51.100.1", "80"]);
        assert_eq!(
            values(format, "2001:db8::1:54321:2001:db8::2:443").unwrap(),
            ["2001:db8::1", "54321", "2001:db8::2", "443"]
        );
        let read = values(format, "2001:db8::1:8443:2001:db8::2:443").unwrap();
        assert_eq!(read, ["~", "~", "~", "443"]);
    }

    #[test]
    fn a_list_in_first_place_keeps_the_user_apart() {
        let format = "$http_x_forwarded_for - $remote_user [$time_local] \"$request\" $status";
        let line = |head: &str| format!("{head} [10/Oct/2026:13:55:36 +0200] \"GET / HTTP/1.1\" 200");
        assert_eq!(
            values(format, &line("192.0.2.1, 198.51.100.7 - -")).unwrap()[..2],
            ["192.0.2.1, 198.51.100.7", "-"]
        );
        assert_eq!(values(format, &line("- - frank")).unwrap()[..2], ["-", "frank"]);
        assert_eq!(
            values(format, &line("192.0.2.1 - x - frank")).unwrap()[..3],
            ["~", "~", "10/Oct/2026:13:55:36 +0200"]
        );
        assert_eq!(values(format, &line("' or 1=1 - frank")).unwrap()[..2], ["' or 1=1", "frank"]);
    }

    #[test]
    fn a_forged_time_before_a_quoted_request_is_part_of_the_header() {
        let format = "$http_x_forwarded_for - $remote_user [$time_local] \"$request\" $status";
        let line = "192.0.2.1 - a [10/Oct/2026:13:55:36 +0200] \\x22GET / HTTP/1.1\\x22 200 - - [11/Oct/2026:13:55:36 +0200] \"GET /b HTTP/1.1\" 404";
        let read = values(format, line).unwrap();
        assert_eq!(read, ["~", "~", "11/Oct/2026:13:55:36 +0200", "GET", "/b", "HTTP/1.1", "404"]);
    }

    #[test]
    fn upstream_lists_end_where_the_next_value_begins() {
        let format = "$status $request_time $upstream_response_time $upstream_addr $pipe .";
        let line = "200 0.101 0.001, 0.002 : 0.100 192.0.2.1:80, unix:/run/a.sock : 198.51.100.2:80 p .";
        assert_eq!(
            values(format, line).unwrap(),
            ["200", "0.101", "0.001, 0.002 : 0.100", "192.0.2.1:80, unix:/run/a.sock : 198.51.100.2:80", "p"]
        );
        assert_eq!(values(format, "200 0.101 - - . .").unwrap(), ["200", "0.101", "-", "-", "."]);
        assert_eq!(values(format, "200 0.101 0.001,  - . ."), None);
        assert_eq!(
            values("$upstream_status|$upstream_response_time\"", "502, 200|- : 0.1\"").unwrap(),
            ["502, 200", "- : 0.1"]
        );
    }

    #[test]
    fn a_combined_line_inside_a_json_string_is_read_or_withheld() {
        let format = r#"log_format j escape=json '{"log":"$remote_addr - $remote_user [$time_local] \\"$request\\" $status $body_bytes_sent \\"$http_referer\\" \\"$http_user_agent\\""}';"#;
        let line = |agent: &str| {
            format!(
                r#"{{"log":"192.0.2.1 - frank [10/Oct/2026:13:55:36 +0200] \"GET /a?b HTTP/1.1\" 200 5 \"-\" \"{agent}\""}}"#
            )
        };
        assert_eq!(
            values(format, &line("Mozilla/5.0 (X11)")).unwrap(),
            [
                "192.0.2.1",
                "frank",
                "10/Oct/2026:13:55:36 +0200",
                "GET",
                "/a",
                "b",
                "HTTP/1.1",
                "200",
                "5",
                "-",
                "Mozilla/5.0 (X11)"
            ]
        );
        assert_eq!(values(format, &line(r"a\\")).unwrap()[10], r"a\\");
        let forged = values(format, &line(r#"x\" \"y"#)).unwrap();
        assert_eq!(forged[..9], values(format, &line("x")).unwrap()[..9]);
        assert_eq!(forged[9..], ["~", "~"]);
        assert_eq!(values(format, &line(r#"x\"y"#)).unwrap()[9..], ["-", r#"x\"y"#]);
    }

    #[test]
    fn json_members_may_be_empty_and_unquoted() {
        let format = r#"escape=json {"a":"$remote_addr","u":"$remote_user","s":$status,"t":"$upstream_response_time","q":"$request","h":"$proxy_protocol_addr"}"#;
        let template = compile(format).unwrap();
        let line = r#"{"a":"192.0.2.1","u":"","s":200,"t":"","q":"GET /\"x\\ HTTP/1.1","h":""}"#;
        assert_eq!(values(format, line).unwrap(), ["192.0.2.1", "", "200", "", "GET", r#"/\"x\\"#, "HTTP/1.1", ""]);
        let blanks: Vec<Blank> = template.schema().items.iter().take(3).map(|item| item.blank).collect();
        assert_eq!(blanks, [Blank::Dash, Blank::Dash, Blank::Null]);
        assert_eq!(values(format, r#"{"a":"x","u":"","s":200,"t":"","q":"","h":""}"#), None);
    }

    #[test]
    fn variables_without_a_literal_between_them_are_told_apart_where_they_can_be() {
        assert_eq!(
            values(" $uri:$arg_a$arg_xal:$upstream_response_time ", " /a:bc:- ").unwrap(),
            ["/a", "~", "~", "-"]
        );
        assert_eq!(
            values(
                "$request_method $scheme://$host$request_uri $server_protocol",
                "GET https://www.example.com/a/b?c=d HTTP/2.0"
            )
            .unwrap(),
            ["GET", "https", "www.example.com", "/a/b", "c=d", "HTTP/2.0"]
        );
        assert_eq!(values("$uri$is_args$args $status", "/a?b=c?d 200").unwrap(), ["/a", "b=c?d", "200"]);
        assert_eq!(values("$uri?$args", "/a?b").unwrap(), ["/a", "b"]);
        assert_eq!(values("$status$pipe", "200p").unwrap(), ["200", "p"]);
    }

    #[test]
    fn without_escapes_a_forged_field_is_ambiguous() {
        let format = "escape=none \"$http_referer\" \"$http_user_agent\"";
        assert_eq!(values(format, "\"-\" \"curl/8\"").unwrap(), ["-", "curl/8"]);
        assert_eq!(values(format, "\"-\" \"x\" \"curl/8\"").unwrap(), ["~", "~"]);
    }

    #[test]
    fn raw_bytes_that_nginx_escapes_do_not_fit() {
        for line in ["a\tb 200", "\u{e5} 200", "a\"b 200", "a\u{7f} 200"] {
            assert_eq!(values("$uri $status", line), None);
        }
        assert!(values("escape=json $uri $status", "\u{e5} 200").is_some());
        assert!(values("$uri\t$status", "/a\t200").is_some());
        assert!(values("$uri\t$status", "/a\u{1}\t200").is_none());
    }

    #[test]
    fn a_cut_line_leaves_the_last_stretch_unsure() {
        let template = compile("$remote_addr $uri:$status").unwrap();
        let mut record = Record::default();
        template.parse(b"192.0.2.1 /a:200", Ending::Cut, &mut record).unwrap();
        let states: Vec<State> = record.values.iter().map(|value| value.state).collect();
        assert_eq!(states, [State::Present, State::Cut, State::Cut]);
    }
}
