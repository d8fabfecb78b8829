//! Envoy's default access log and Istio's.
//!
//! <https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage#default-format-string> and
//! <https://istio.io/latest/docs/tasks/observability/logs/access-log/>. Envoy escapes nothing: what holds a quote fits no
//! layout and is read as text.
//!
//! | on the line | field |
//! |---|---|
//! | `START_TIME` | `timestamp` |
//! | `REQ(:METHOD) … PROTOCOL` | the request's parts |
//! | `RESPONSE_CODE RESPONSE_FLAGS` | `http.response.status_code`, `envoy.response_flags` |
//! | `BYTES_RECEIVED BYTES_SENT DURATION` | `http.request.size`, `http.response.size`, `http.request.duration` |
//! | `RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)` | `upstream.response.duration` |
//! | `REQ(X-FORWARDED-FOR)` | `http.request.header.x-forwarded-for` |
//! | `REQ(USER-AGENT)`, `REQ(X-REQUEST-ID)` | `user_agent.original`, `http.request.id` |
//! | `REQ(:AUTHORITY)`, `REQUESTED_SERVER_NAME` | `server.address`, `tls.client.server_name` |
//! | `UPSTREAM_HOST`, `UPSTREAM_CLUSTER` | `upstream.address`, `upstream.name` |
//! | `UPSTREAM_LOCAL_ADDRESS`, `DOWNSTREAM_LOCAL_ADDRESS` | `network.local.address` twice |
//! | `DOWNSTREAM_REMOTE_ADDRESS` | `client.address` |
//! | `RESPONSE_CODE_DETAILS`, `CONNECTION_TERMINATION_DETAILS` | `envoy.response_details`, `envoy.termination_details` |
//! | `UPSTREAM_TRANSPORT_FAILURE_REASON` | `message` |
//! | `ROUTE_NAME` | `service.name` |

use super::preset::{Preset, digits_then};
use std::ops::Range;

/// Envoy's default.
pub fn envoy() -> Preset {
    Preset::new(
        "envoy",
        &["[<rfc3339>] \"<request>\" <status_number> <flags> <received> <sent> <duration> <upstream_duration> \
           \"<forwarded>\" \"<agent>\" \"<request_id>\" \"<host_text>\" \"<upstream_text>\""],
        pick,
    )
}

/// Istio's default.
pub fn istio() -> Preset {
    Preset::new(
        "istio",
        &[
            "[<rfc3339>] \"<request>\" <status_number> <flags> <details> <termination_details> \"<failure>\" <received> <sent> \
           <duration> <upstream_duration> \"<forwarded>\" \"<agent>\" \"<request_id>\" \"<host_text>\" \"<upstream_text>\" \
           <server> <local> <local> <client> <sni_token> <route>",
        ],
        pick,
    )
}

/// `[2026-` … `] "`.
fn pick(line: &[u8]) -> Range<usize> {
    match line.first() {
        Some(b'[') if digits_then(line, 1, 4, b'-') => 0..1,
        _ => 0..0,
    }
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

    const LINE: &str = r#"[2026-11-21T10:00:00.310Z] "POST /api/v1/locations?q=1 HTTP/2" 204 UF,URX 154 0 226 100 "192.0.2.7,198.51.100.2" "nsq2http" "cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2" "locations" "tcp://192.0.2.35:80""#;
    const ISTIO: &str = r#"[2026-11-21T10:00:00.035Z] "GET /status/418 HTTP/1.1" 418 - via_upstream - "-" 0 135 4 4 "-" "curl/7.73.0-DEV" "84961386-6d84-929d-98bd-c5aee93b5c88" "httpbin:8000" "192.0.2.9:80" outbound|8000||httpbin.foo.svc.cluster.local 192.0.2.4:37652 192.0.2.59:8000 192.0.2.4:46520 - default"#;

    #[test]
    fn the_default_has_its_fields() {
        assert_eq!(
            read(&envoy(), LINE).unwrap(),
            [
                "timestamp=2026-11-21T10:00:00.310Z",
                "http.request.method=POST",
                "url.path=/api/v1/locations",
                "url.query=q=1",
                "network.protocol.version=HTTP/2",
                "http.response.status_code=204",
                "envoy.response_flags=UF,URX",
                "http.request.size=154",
                "http.response.size=0",
                "http.request.duration=226",
                "upstream.response.duration=100",
                "http.request.header.x-forwarded-for=192.0.2.7,198.51.100.2",
                "user_agent.original=nsq2http",
                "http.request.id=cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2",
                "server.address=locations",
                "upstream.address=tcp://192.0.2.35:80",
            ]
        );
        assert_eq!(read(&istio(), LINE), None);
    }

    #[test]
    fn istio_has_more_of_them() {
        let values = read(&istio(), ISTIO).unwrap();
        for value in [
            "client.address=192.0.2.4:46520",
            "network.local.address=192.0.2.59:8000",
            "network.local.address=192.0.2.4:37652",
            "upstream.name=outbound|8000||httpbin.foo.svc.cluster.local",
            "tls.client.server_name=-",
            "service.name=default",
        ] {
            assert!(values.contains(&value.into()), "{value} in {values:?}");
        }
        assert_eq!(read(&envoy(), ISTIO), None);
    }

    #[test]
    fn a_raw_quote_makes_no_layout_fit() {
        for forged in [r#"x" "id" "host" "192.0.2.9:80"#, r#"a"b"#, r#"" "" """#] {
            assert_eq!(read(&envoy(), &LINE.replace("nsq2http", forged)), None, "{forged}");
            assert_eq!(read(&istio(), &ISTIO.replace("curl/7.73.0-DEV", forged)), None, "{forged}");
        }
    }
}
