//! The Kubernetes ingress controller of nginx: `upstreaminfo`, its default, and the older one with the client named twice.
//!
//! <https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/log-format/>
//!
//! | behind combined | field |
//! |---|---|
//! | `$request_length $request_time` | `http.request.size`, `http.request.duration` |
//! | `[$proxy_upstream_name] [$proxy_alternative_upstream_name]` | `upstream.name` twice |
//! | `$upstream_addr` | `upstream.address` |
//! | `$upstream_response_length $upstream_response_time $upstream_status` | `upstream.response.size`, `upstream.response.duration`, `upstream.status` |
//! | `$req_id` | `http.request.id` |

use super::preset::Preset;
use memchr::memmem;
use std::ops::Range;

/// `upstreaminfo`.
pub fn ingress_nginx() -> Preset {
    let mut patterns = Vec::new();
    for client in ["<client>", "<client> - [<client>]"] {
        for upstream in ["[<upstream_name>] [<upstream_name>]", "[<upstream_name>] []", "[] []", "[<upstream_name>]"] {
            patterns.push(format!(
                "{client} - <user> [<clf>] \"<request>\" <status> <size> \"<referer>\" \"<agent>\" <received> <duration> {upstream} <upstream_list> <upstream_size> <upstream_durations> <upstream_statuses> <request_id_token>"
            ));
        }
    }
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    Preset::new("ingress_nginx", &patterns, pick)
}

/// Two numbers and a bracket stand behind the agent; what stands in the brackets decides.
fn pick(line: &[u8]) -> Range<usize> {
    let Some(quote) = memchr::memrchr(b'"', line) else { return 0..0 };
    let tail = &line[quote + 1..];
    let mut words = tail.splitn(4, |byte| *byte == b' ').skip(1);
    let is_number = |word: &[u8]| word.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.' || *byte == b'-');
    let numbers = words.by_ref().take(2).filter(|word| is_number(word)).count() == 2;
    if !numbers || !words.next().is_some_and(|rest| rest.starts_with(b"[")) {
        return 0..0;
    }
    let twice = memchr::memchr(b' ', line).is_some_and(|blank| line[blank..].starts_with(b" - ["));
    let names = match (memmem::find(tail, b"] ["), memmem::find(tail, b"[] []"), memmem::find(tail, b"] []")) {
        (_, Some(_), _) => 2,
        (_, _, Some(_)) => 1,
        (Some(_), ..) => 0,
        (None, ..) => 3,
    };
    let at = names + if twice { 4 } else { 0 };
    at..at + 1
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{Ending, Parse};
    use super::*;
    use crate::record::{Record, State};

    fn read(line: &str) -> Option<Vec<String>> {
        let format = ingress_nginx();
        let mut record = Record::default();
        format.parse(line.as_bytes(), Ending::Whole, &mut record).ok()?;
        let stand = record.values.iter().filter(|value| value.state == State::Present);
        let text = |value: &crate::record::Value| {
            let text = String::from_utf8_lossy(value.span.of(line.as_bytes())).into_owned();
            format!("{}={text}", format.schema().fields[value.field as usize].name)
        };
        Some(stand.map(text).collect())
    }

    const FRONT: &str = r#"- kari [21/Nov/2026:10:00:00 +0000] "GET /a?b=c HTTP/2.0" 200 5 "-" "curl/8.5.0" 512 0.004"#;
    const ID: &str = "a1b2c3d4e5f60718293a4b5c6d7e8f90";

    #[test]
    fn names_in_brackets_may_be_missing() {
        for client in ["192.0.2.7", "192.0.2.7 - [192.0.2.7]"] {
            for (names, count) in
                [("[shop-web-80] []", 1), ("[shop-web-80] [shop-canary-80]", 2), ("[] []", 0), ("[shop-web-80]", 1)]
            {
                let line =
                    format!("{client} {FRONT} {names} 192.0.2.3:80, 192.0.2.4:80 0, 5 0.001, 0.003 502, 200 {ID}");
                let values = read(&line).unwrap_or_else(|| panic!("{line}"));
                assert_eq!(values.iter().filter(|value| value.starts_with("upstream.name=")).count(), count, "{line}");
                assert!(values.contains(&"user.name=kari".into()));
                assert!(values.contains(&"upstream.address=192.0.2.3:80, 192.0.2.4:80".into()), "{values:?}");
                assert!(values.contains(&"upstream.status=502, 200".into()), "{values:?}");
                assert_eq!(values.last().unwrap(), &format!("http.request.id={ID}"));
            }
        }
    }

    #[test]
    fn without_upstream_there_are_dashes() {
        let values = read(&format!("192.0.2.7 {FRONT} [] [] - - - - {ID}")).unwrap();
        assert!(values.contains(&"upstream.address=-".into()), "{values:?}");
        assert_eq!(read(&format!("192.0.2.7 {FRONT} [] [] - - - -")), None);
        assert_eq!(read(&format!("192.0.2.7 {FRONT} shop [] - - - - {ID}")), None);
        assert_eq!(read(""), None);
    }
}
