//! HAProxy's `option httplog`, `option httpslog` and `option tcplog`, and its lines of connections that failed.
//!
//! <https://docs.haproxy.org/3.0/configuration.html#8.2>. What the syslog envelope adds in front is not of these formats.
//!
//! | on the line | field |
//! |---|---|
//! | `%ci:%cp` | `client.address`, `client.port` |
//! | `[%tr]` | `timestamp` (local time, the zone is the source's) |
//! | `%ft`, the bind line's name | `service.name` |
//! | `%b/%s` | `upstream.name` twice |
//! | `%TR/%Tw/%Tc/%Tr/%Ta` | `http.request.first_byte.duration`, `upstream.queue.duration`, `upstream.connect.duration`, `upstream.header.duration`, `http.request.duration` |
//! | `%Tw/%Tc/%Tt` | `upstream.queue.duration`, `upstream.connect.duration`, `connection.duration` |
//! | `%ST %B` | `http.response.status_code`, `http.response.size` |
//! | `%CC %CS` | `http.request.header.cookie`, `http.response.header.set-cookie` |
//! | `%tsc %ac/… %sq/%bq` | `connection.termination`, `connection.counts`, `connection.queues` |
//! | `{%hr} {%hs}` | `http.request.header.captured`, `http.response.header.captured`: headers of anybody's choice, free text |
//! | `"%r"` | the request's parts, or `http.request.line` (`<BADREQ>`) |
//! | the tail of `httpslog` | `tls.error`, `tls.client.server_name`, `tls.protocol.version`, `tls.cipher` |
//!
//! In captured headers HAProxy writes braces, bars and quotes as `#XX`: the first brace ends them.

use super::preset::{Preset, digits_then};
use memchr::memchr;
use std::ops::Range;

/// `option httplog` and `option httpslog`, with captured headers and without.
pub fn http() -> Preset {
    let heads = ["", "{<captured>} ", "{<captured>} {<response_captured>} "];
    let tails = ["", " <tls_errors> <sni>/<tls_version_name>/<tls_cipher>"];
    let patterns: Vec<String> = tails
        .iter()
        .flat_map(|tail| heads.iter().map(move |head| format!("{FRONT}{HTTP} {head}\"<request>\"{tail}")))
        .chain([format!("{FRONT}{FAILED}")])
        .collect();
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    Preset::new("haproxy_http", &patterns, pick_http)
}

/// `option tcplog`.
pub fn tcp() -> Preset {
    let patterns = [FRONT.to_owned() + TCP, FRONT.to_owned() + FAILED];
    Preset::new("haproxy_tcp", &[&patterns[0], &patterns[1]], pick_tcp)
}

const FRONT: &str = "<client>:<client_port> [<local_time>] ";
const HTTP: &str = "<frontend> <backend>/<server> \
    <request_duration>/<queue_duration>/<connect_duration>/<header_duration>/<duration_token> <status_number> <sent_token> \
    <cookie> <set_cookie> <termination> <counts> <queues>";
const TCP: &str = "<frontend> <backend>/<server> <queue_duration>/<connect_duration>/<connection_duration> <sent_token> \
    <termination> <counts> <queues>";
const FAILED: &str = "<frontend_name>/<bind>: <message>";

/// The layouts of one shape of captured headers, or that of failures.
fn pick_http(line: &[u8]) -> Range<usize> {
    let Some(front) = front(line) else { return 0..0 };
    if failed(&line[front..]) {
        return 6..7;
    }
    let Some(quote) = memchr(b'"', &line[front..]) else { return 0..0 };
    let (before, behind) = line[front..].split_at(quote);
    let captured = match before.strip_suffix(b"} ") {
        None => 0,
        Some(before) => 1 + usize::from(holds(before, b"} {")),
    };
    let at = if behind.ends_with(b"\"") { captured } else { captured + 3 };
    at..at + 1
}

fn pick_tcp(line: &[u8]) -> Range<usize> {
    match front(line) {
        Some(front) if failed(&line[front..]) => 1..2,
        Some(_) => 0..1,
        None => 0..0,
    }
}

/// Where the frontend's name begins, if a time of HAProxy's stands before it.
fn front(line: &[u8]) -> Option<usize> {
    let open = memchr(b'[', &line[..line.len().min(LONGEST_CLIENT)])?;
    let date = digits_then(line, open + 1, 2, b'/') && line.get(open + 12) == Some(&b':');
    // A time that an earlier run rounded has no fraction.
    let close = [open + 25, open + 21].into_iter().find(|&close| line.get(close) == Some(&b']'))?;
    (date && line.get(close + 1) == Some(&b' ') && !is_url(&line[close + 2..])).then_some(close + 2)
}

/// Whether a URL stands where backend and server do: what another wrote, and no line of HAProxy's.
fn is_url(rest: &[u8]) -> bool {
    let Some(blank) = memchr(b' ', rest) else { return false };
    let pair = &rest[blank + 1..rest.len().min(blank + 1 + LONGEST_CLIENT)];
    let pair = &pair[..memchr(b' ', pair).unwrap_or(pair.len())];
    holds(pair, b"://")
}

/// Whether `frontend/bind: ` begins the rest.
fn failed(rest: &[u8]) -> bool {
    let end = memchr(b' ', rest).unwrap_or(rest.len());
    end > 0 && rest[end - 1] == b':' && memchr(b'/', &rest[..end]).is_some()
}

/// Whether these three bytes stand in the text, of which the first is rare: a searcher is not worth its while.
fn holds(text: &[u8], three: &[u8; 3]) -> bool {
    memchr::memchr_iter(three[0], text).any(|at| text[at..].starts_with(three))
}

/// An IPv6 address, its port and what stands around them; the start of a URL.
const LONGEST_CLIENT: usize = 64;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{Ending, Parse};
    use super::*;
    use crate::record::{Record, State};

    fn read(format: &Preset, line: &str) -> Option<Vec<String>> {
        let mut record = Record::default();
        format.parse(line.as_bytes(), Ending::Whole, &mut record).ok()?;
        let fields = &format.schema().fields;
        let stand = record.values.iter().filter(|value| value.state == State::Present);
        Some(
            stand
                .map(|value| {
                    let text = String::from_utf8_lossy(value.span.of(line.as_bytes())).into_owned();
                    format!("{}={text}", fields[value.field as usize].name)
                })
                .collect(),
        )
    }

    const HEAD: &str =
        "192.0.2.7:53332 [25/Feb/2026:16:19:48.143] www~ shop/web1 0/0/7/1457/1487 200 11394 - - ---- 2/1/0/0/0 0/0";

    #[test]
    fn a_line_has_its_fields() {
        let line = format!("{HEAD} \"GET /a?b=c HTTP/1.1\"");
        assert_eq!(
            read(&http(), &line).unwrap(),
            [
                "client.address=192.0.2.7",
                "client.port=53332",
                "timestamp=25/Feb/2026:16:19:48.143",
                "service.name=www~",
                "upstream.name=shop",
                "upstream.name=web1",
                "http.request.first_byte.duration=0",
                "upstream.queue.duration=0",
                "upstream.connect.duration=7",
                "upstream.header.duration=1457",
                "http.request.duration=1487",
                "http.response.status_code=200",
                "http.response.size=11394",
                "http.request.header.cookie=-",
                "http.response.header.set-cookie=-",
                "connection.termination=----",
                "connection.counts=2/1/0/0/0",
                "connection.queues=0/0",
                "http.request.method=GET",
                "url.path=/a",
                "url.query=b=c",
                "network.protocol.version=HTTP/1.1",
            ]
        );
    }

    #[test]
    fn captured_headers_are_text_of_their_own() {
        let line = format!("{HEAD} {{Mozilla/5.0 (X11)|192.0.2.9}} {{nginx|}} \"GET / HTTP/1.1\"");
        let values = read(&http(), &line).unwrap();
        assert!(values.contains(&"http.request.header.captured=Mozilla/5.0 (X11)|192.0.2.9".into()), "{values:?}");
        assert!(values.contains(&"http.response.header.captured=nginx|".into()));
        let line = format!(
            "{HEAD} {{}} \"GET / HTTP/1.1\" 0/0000000000000000/0/0/0 www.example.com/TLSv1.3/TLS_AES_128_GCM_SHA256"
        );
        let values = read(&http(), &line).unwrap();
        assert!(values.contains(&"tls.client.server_name=www.example.com".into()), "{values:?}");
        assert!(values.contains(&"tls.cipher=TLS_AES_128_GCM_SHA256".into()));
        assert!(values.contains(&"http.request.header.captured=".into()));
    }

    #[test]
    fn the_last_colon_ends_a_client() {
        for client in ["2001:db8::1", "::ffff:192.0.2.7", "-", "unix"] {
            let line = format!("{HEAD} \"<BADREQ>\"").replace("192.0.2.7", client).replace("/web1", "/<NOSRV>");
            let values = read(&http(), &line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(values[0], format!("client.address={client}"));
            assert_eq!(values[1], "client.port=53332");
            assert_eq!(values[5], "upstream.name=<NOSRV>");
            assert_eq!(values.last().unwrap(), "http.request.line=<BADREQ>");
        }
    }

    #[test]
    fn a_connection_without_http_and_one_that_failed_are_read() {
        let line = "192.0.2.7:33313 [06/Feb/2026:12:12:51.443] fnt bck/srv1 0/0/5007 212 -- 0/0/0/0/3 0/0";
        let values = read(&tcp(), line).unwrap();
        assert!(values.contains(&"connection.duration=5007".into()), "{values:?}");
        assert_eq!(read(&http(), line), None);
        let line = "192.0.2.7:33313 [06/Feb/2026:12:12:51.443] fnt/bind-1: SSL handshake failure";
        for format in [http(), tcp()] {
            let values = read(&format, line).unwrap();
            assert_eq!(values.last().unwrap(), "message=SSL handshake failure");
        }
    }

    #[test]
    fn a_time_that_was_rounded_is_still_one() {
        let line = format!("{HEAD} \"GET / HTTP/1.1\"").replace("16:19:48.143", "16:00:00");
        assert_eq!(read(&http(), &line).unwrap()[2], "timestamp=25/Feb/2026:16:00:00");
    }

    #[test]
    fn what_is_almost_a_line_is_none() {
        let line = format!("{HEAD} \"GET / HTTP/1.1\"");
        for wrong in [
            line.replace("143]", "143 +0100]"),
            line.replace("16:19:48.143", "16:19"),
            line[..line.len() - 1].to_owned(),
            line.replace("0/0/7/1457/1487", "0/0/7/1487"),
            line.replace("shop/web1", "shop web1"),
            format!("{line} x"),
            format!("Feb 25 16:19:49 lb haproxy[7]: {line}"),
            String::new(),
            "[".into(),
        ] {
            assert_eq!(read(&http(), &wrong), None, "{wrong}");
        }
    }
}
