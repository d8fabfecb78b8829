//! Traefik's access log in its default form: combined, and what the router adds.
//!
//! <https://doc.traefik.io/traefik/observability/access-logs/#format>
//!
//! | behind combined | field |
//! |---|---|
//! | the request count | `connection.requests` |
//! | `"router"` | `service.name` |
//! | `"server url"` | `upstream.url` |
//! | `Nms` | `http.request.duration` |

use super::preset::Preset;
use std::ops::Range;

/// The default form; older versions write a missing referer or agent without quotes.
pub fn traefik() -> Preset {
    let text = |value: &str| [format!("\"<{value}>\""), "-".to_owned()];
    let mut patterns = Vec::new();
    for referer in text("referer") {
        for agent in text("agent") {
            let pattern = format!(
                "<client> <ident> <user> [<clf>] \"<request>\" <status> <size> {referer} {agent} <requests> \"<service>\" \"<upstream_url>\" <duration>ms"
            );
            patterns.push(pattern);
        }
    }
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    Preset::new("traefik", &patterns, pick)
}

fn pick(line: &[u8]) -> Range<usize> {
    match line {
        [.., b'0'..=b'9', b'm', b's'] => 0..4,
        _ => 0..0,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{Ending, Parse};
    use super::*;
    use crate::record::{Record, State};

    fn tail(line: &str) -> Option<Vec<String>> {
        let format = traefik();
        let mut record = Record::default();
        format.parse(line.as_bytes(), Ending::Whole, &mut record).ok()?;
        let stand: Vec<_> = record.values.iter().filter(|value| value.state == State::Present).collect();
        let text = |value: &&crate::record::Value| {
            let text = String::from_utf8_lossy(value.span.of(line.as_bytes())).into_owned();
            format!("{}={text}", format.schema().fields[value.field as usize].name)
        };
        Some(stand[stand.len() - 4..].iter().map(text).collect())
    }

    #[test]
    fn what_the_router_adds_has_fields_of_its_own() {
        for texts in [r#""-" "curl/8.5.0""#, r#"- "curl/8.5.0""#, "- -", r#""-" -"#] {
            let line = format!(
                r#"192.0.2.1 - kari [21/Nov/2026:10:00:00 +0100] "GET /a HTTP/2" 200 450 {texts} 300 "root@docker -> leaf@docker" "http://192.0.2.3:80" 25ms"#
            );
            assert_eq!(
                tail(&line).unwrap_or_else(|| panic!("{line}")),
                [
                    "connection.requests=300",
                    "service.name=root@docker -> leaf@docker",
                    "upstream.url=http://192.0.2.3:80",
                    "http.request.duration=25"
                ]
            );
            assert_eq!(tail(&line.replace("25ms", "25")), None);
            assert_eq!(tail(&line.replace("25ms", "ms")), None);
        }
    }
}
