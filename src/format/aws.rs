//! Amazon's load balancers and S3 server access logs.
//!
//! Application load balancers: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html>;
//! classic ones: <https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html>; S3:
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html>. CloudFront is W3C (`w3c.rs`).
//!
//! | ALB, ELB | field | S3 | field |
//! |---|---|---|---|
//! | `type` | `url.scheme` | owner, requester | `user.name` twice |
//! | `time` | `timestamp` | key, version, host id | `cloud.resource_id` |
//! | `elb` | `service.name` | bucket, time, remote IP | `service.name`, `timestamp`, `client.address` |
//! | `client:port` | `client.address`, `client.port` | request id | `http.request.id` |
//! | `target:port` | `upstream.address` | operation | `event.name` |
//! | the three times | `http.request.first_byte.duration`, `upstream.response.duration`, `http.response.first_byte.duration` | request-URI | the request's parts |
//! | statuses | `http.response.status_code`, `upstream.status` | HTTP status, error code | `http.response.status_code`, `error.type` |
//! | bytes | `http.request.size`, `http.response.size` | bytes sent, object size | `http.response.size`, `http.response.body.size` |
//! | request, agent | the request's parts, `user_agent.original` | times | `http.request.duration`, `http.response.first_byte.duration` |
//! | TLS cipher, version; ARNs | `tls.cipher`, `tls.protocol.version`; `cloud.resource_id` | referer, agent | as elsewhere |
//! | trace id, connection id | `trace.id`, `http.request.id` | signature, cipher, TLS | `event.name`, `tls.cipher`, `tls.protocol.version` |
//! | domain name | `tls.client.server_name` | host header | `server.address` |
//! | redirect URL | `upstream.url` | | |

use super::preset::{Preset, digits_then};
use std::ops::Range;

/// Application load balancers. Amazon adds fields at the end: lines of each age fit.
pub fn alb() -> Preset {
    let front = "<scheme> <rfc3339> <route> <client>:<client_port> <upstream> <request_duration> <upstream_duration> \
        <response_duration> <status> <upstream_status> <received> <sent> \"<request>\" \"<agent>\" <tls_cipher> <tls_version> <resource>";
    let tails = [
        " \"<trace_id>\"",
        " \"<host_text>\" \"<resource_text>\" <requests>",
        " <created> \"<event>\" \"<upstream_url>\" \"<message>\"",
        " \"<upstream_text>\" \"<upstream_status_text>\"",
        " \"<message>\" \"<message>\"",
        " <request_id_token>",
        " \"<host_text>\" \"<upstream_url>\" \"<message>\"",
    ];
    let mut patterns = vec![front.to_owned()];
    for tail in tails {
        patterns.push(format!("{}{tail}", patterns[patterns.len() - 1]));
    }
    // The usual ones first: each line fits one of them only.
    let order = [6, 7, 5, 4, 3, 2, 1];
    let patterns = order.map(|at| patterns[at].as_str());
    Preset::new("alb", &patterns, pick_alb)
}

/// Classic load balancers, with TLS or from before it was logged.
pub fn elb() -> Preset {
    let front = "<rfc3339> <route> <client>:<client_port> <upstream> <request_duration> <upstream_duration> <response_duration> \
        <status_number> <upstream_status_number> <received> <sent> \"<request>\"";
    Preset::new("elb", &[&format!("{front} \"<agent>\" <tls_cipher> <tls_version>"), front], pick_elb)
}

/// S3 server access logs. Amazon adds fields at the end: lines of each age fit.
pub fn s3() -> Preset {
    let front = "<user_token> <route> [<clf>] <client> <user_token> <request_id_token> <word> <resource> \"<request>\" <status> \
        <error_code> <sent> <size> <duration> <response_duration> \"<referer>\" \"<agent>\" <resource>";
    let tails = ["", " <resource> <word> <tls_cipher> <word> <host_token> <tls_version>", " <resource>", " <word>"];
    let mut patterns: Vec<String> = Vec::new();
    for tail in tails {
        patterns.push(format!("{}{tail}", patterns.last().map_or(front, String::as_str)));
    }
    let patterns: Vec<&str> = patterns.iter().rev().map(String::as_str).collect();
    Preset::new("s3", &patterns, pick_s3)
}

/// `https 2026-…Z app/…`
fn pick_alb(line: &[u8]) -> Range<usize> {
    let kinds: [&[u8]; 6] = [b"https ", b"http ", b"h2 ", b"grpcs ", b"wss ", b"ws "];
    match kinds.iter().find(|kind| line.starts_with(kind)) {
        // The first of them ends with a value that no quote can stand in, the last with a quote.
        Some(kind) if digits_then(line, kind.len(), 4, b'-') && line.ends_with(b"\"") => 1..7,
        Some(kind) if digits_then(line, kind.len(), 4, b'-') => 0..6,
        _ => 0..0,
    }
}

/// `2026-…Z name client:port … "request"`
fn pick_elb(line: &[u8]) -> Range<usize> {
    if !digits_then(line, 0, 4, b'-') || line.get(10) != Some(&b'T') {
        return 0..0;
    }
    if line.ends_with(b"\"") { 1..2 } else { 0..1 }
}

/// An owner's canonical id of 64 hexadecimal digits; an earlier run wrote a pseudonym or a dash.
fn pick_s3(line: &[u8]) -> Range<usize> {
    let owner = line.iter().take(65).take_while(|byte| byte.is_ascii_graphic()).count();
    let fits = owner == 64 && line[..64].iter().all(u8::is_ascii_hexdigit) || line.starts_with(b"p1.") || owner == 1;
    if fits && line.get(owner) == Some(&b' ') { 0..4 } else { 0..0 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{Ending, Parse};
    use super::*;
    use crate::record::{Record, State};

    fn read(format: &Preset, line: &str) -> Option<Vec<String>> {
        let mut record = Record::default();
        format.parse(line.as_bytes(), Ending::Whole, &mut record).ok()?;
        let stand = record.values.iter().filter(|value| value.state == State::Present);
        let text = |value: &crate::record::Value| {
            let text = String::from_utf8_lossy(value.span.of(line.as_bytes())).into_owned();
            format!("{}={text}", format.schema().fields[value.field as usize].name)
        };
        Some(stand.map(text).collect())
    }

    fn has(values: &[String], expected: &[&str]) {
        for value in expected {
            assert!(values.iter().any(|found| found == value), "{value} in {values:?}");
        }
    }

    const ALB: &str = r#"https 2026-11-21T10:00:00.186641Z app/shop/50dc6c495c0c9188 192.0.2.7:2817 198.51.100.1:80 0.086 0.048 0.037 200 200 0 57 "GET https://www.example.com:443/a?b=c HTTP/1.1" "curl/8.5.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:eu-north-1:123456789012:targetgroup/shop/73e2d6bc24d8a067 "Root=1-58337281-1d84f3d73c47ec4e58577259" "www.example.com" "arn:aws:acm:eu-north-1:123456789012:certificate/12345678-1234-1234-1234-123456789012" 1 2026-11-21T09:59:59.364000Z "authenticate,forward" "-" "-" "198.51.100.1:80" "200" "-" "-" TID_dd82d04321bd7e4e"#;
    const ELB: &str = r#"2026-11-21T10:00:00.945958Z shop 192.0.2.7:2817 198.51.100.1:80 0.000073 0.001048 0.000057 200 200 0 29 "GET http://www.example.com:80/ HTTP/1.1" "curl/8.5.0" - -"#;
    const S3: &str = r#"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be shop-files [21/Nov/2026:10:00:00 +0000] 192.0.2.7 arn:aws:iam::123456789012:user/kari 3E57427F3EXAMPLE REST.GET.OBJECT photos/kari.jpg "GET /shop-files/photos/kari.jpg?versioning HTTP/1.1" 200 - 113 113 7 6 "-" "S3Console/0.4" - s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader shop-files.s3.eu-north-1.amazonaws.com TLSV1.2 arn:aws:s3:eu-north-1:123456789012:accesspoint/example Yes"#;

    #[test]
    fn lines_of_a_load_balancer_of_each_age_fit() {
        let values = read(&alb(), ALB).unwrap();
        has(
            &values,
            &[
                "url.scheme=https",
                "client.address=192.0.2.7",
                "client.port=2817",
                "upstream.address=198.51.100.1:80",
                "url.path=https://www.example.com:443/a",
                "url.query=b=c",
                "user_agent.original=curl/8.5.0",
                "trace.id=Root=1-58337281-1d84f3d73c47ec4e58577259",
                "http.request.id=TID_dd82d04321bd7e4e",
                "server.address=www.example.com",
            ],
        );
        for end in
            [" TID", " \"-\" \"-\" TID", " \"198.51.100.1:80\"", " \"authenticate", " 1 2026", " \"www", " \"Root"]
        {
            let older = match end {
                " 1 2026" => ALB.split(" 2026-11-21T09").next().unwrap().to_owned(),
                " \"authenticate" => format!("{} \"forward\" \"-\" \"-\"", ALB.split(end).next().unwrap()),
                " \"Root" => continue,
                end => ALB.split(end).next().unwrap().to_owned(),
            };
            assert!(read(&alb(), &older).is_some(), "{older}");
        }
        let newer = format!("{ALB} \"www.example.com\" \"-\" \"-\"");
        assert!(read(&alb(), &newer).is_some());
        assert!(read(&alb(), &format!("{newer} x")).is_none());
        assert!(read(&alb(), &ALB.replace("198.51.100.1:80 0.086 0.048 0.037 200 200", "- -1 -1 -1 502 -")).is_some());
        assert!(read(&alb(), &ALB.replace("192.0.2.7:2817", "2001:db8::7:2817")).is_some());
        assert!(read(&alb(), &ALB.replace("https ", "ftp ")).is_none());
    }

    #[test]
    fn lines_of_a_classic_load_balancer_fit() {
        let values = read(&elb(), ELB).unwrap();
        has(&values, &["client.address=192.0.2.7", "tls.cipher=-", "user_agent.original=curl/8.5.0"]);
        assert!(read(&elb(), ELB.split(" \"curl").next().unwrap()).is_some());
        assert!(read(&elb(), ALB).is_none());
    }

    #[test]
    fn lines_of_s3_of_each_age_fit() {
        let values = read(&s3(), S3).unwrap();
        has(
            &values,
            &[
                "client.address=192.0.2.7",
                "user.name=arn:aws:iam::123456789012:user/kari",
                "http.request.id=3E57427F3EXAMPLE",
                "cloud.resource_id=photos/kari.jpg",
                "url.path=/shop-files/photos/kari.jpg",
                "server.address=shop-files.s3.eu-north-1.amazonaws.com",
                "event.name=REST.GET.OBJECT",
            ],
        );
        for end in [" Yes", " arn:aws:s3", " s9lz"] {
            assert!(read(&s3(), S3.split(end).next().unwrap()).is_some(), "{end}");
        }
        assert!(read(&s3(), &S3[1..]).is_none());
        assert!(read(&s3(), "").is_none());
    }
}
