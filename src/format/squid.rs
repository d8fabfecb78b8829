//! Squid's native access log.
//!
//! <https://wiki.squid-cache.org/Features/LogFormat>: `%ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt`. The
//! time it took is padded to six places: one layout for each padding.
//!
//! | on the line | field |
//! |---|---|
//! | `%ts.%03tu` | `timestamp` |
//! | `%tr` | `http.request.duration` |
//! | `%>a` | `client.address` |
//! | `%Ss/%03>Hs` | `upstream.cache.status`, `http.response.status_code` |
//! | `%<st` | `http.response.size` |
//! | `%rm %ru` | `http.request.method`, `url.full` |
//! | `%un` | `user.name` |
//! | `%Sh/%<a` | `upstream.selection`, `upstream.address` |
//! | `%mt` | `http.response.header.content-type` |

use super::preset::{Preset, digits_then};
use memchr::memchr;
use std::ops::Range;

/// The native layout, with one more number behind it or without.
pub fn squid() -> Preset {
    let layout = |padding: usize, tail: &str| {
        let padding = " ".repeat(padding);
        format!(
            "<epoch>{padding}<duration> <client> <cache>/<status> <sent> <method> <url> <user_token> <selection>/<upstream> <type>{tail}"
        )
    };
    let patterns: Vec<String> =
        (1..=6).flat_map(|padding| ["", " <upstream_duration>"].map(|tail| layout(padding, tail))).collect();
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    Preset::new("squid", &patterns, pick)
}

/// `1795255200.123   4321 `: the blanks behind the time say which layout it is.
fn pick(line: &[u8]) -> Range<usize> {
    let Some(time) = memchr(b' ', &line[..line.len().min(16)]) else { return 0..0 };
    // A time that an earlier run rounded has no fraction.
    if !(digits_then(line, 0, 10, b'.') && digits_then(line, 11, 3, b' ') || digits_then(line, 0, 10, b' ')) {
        return 0..0;
    }
    let padding = line[time..].iter().take(7).take_while(|&&byte| byte == b' ').count();
    if padding <= 6 { 2 * padding - 2..2 * padding } else { 0..0 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{Ending, Parse};
    use super::*;
    use crate::record::{Record, State};

    fn read(line: &str) -> Option<(u16, Vec<String>)> {
        let format = squid();
        let mut record = Record::default();
        format.parse(line.as_bytes(), Ending::Whole, &mut record).ok()?;
        let stand = record.values.iter().filter(|value| value.state == State::Present);
        let text = |value: &crate::record::Value| {
            let text = String::from_utf8_lossy(value.span.of(line.as_bytes())).into_owned();
            format!("{}={text}", format.schema().fields[value.field as usize].name)
        };
        Some((record.layout, stand.map(text).collect()))
    }

    #[test]
    fn the_padding_is_part_of_the_layout() {
        for (padding, time) in [(1, "1234567"), (1, "123456"), (2, "16867"), (5, "12"), (6, "3")] {
            let line = format!(
                "1795255200.899{}{time} 192.0.2.7 TCP_MISS/200 6256 GET http://www.example.com/a?b=c kari HIER_DIRECT/198.51.100.3 text/html",
                " ".repeat(padding)
            );
            let (layout, values) = read(&line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(layout as usize, 2 * padding - 2);
            assert_eq!(
                values,
                [
                    "timestamp=1795255200.899".to_owned(),
                    format!("http.request.duration={time}"),
                    "client.address=192.0.2.7".into(),
                    "upstream.cache.status=TCP_MISS".into(),
                    "http.response.status_code=200".into(),
                    "http.response.size=6256".into(),
                    "http.request.method=GET".into(),
                    "url.full=http://www.example.com/a?b=c".into(),
                    "user.name=kari".into(),
                    "upstream.selection=HIER_DIRECT".into(),
                    "upstream.address=198.51.100.3".into(),
                    "http.response.header.content-type=text/html".into(),
                ]
            );
        }
    }

    #[test]
    fn tunnels_failures_and_one_number_more_are_read() {
        for line in [
            "1795255200.899  16867 2001:db8::7 TCP_TUNNEL/200 6256 CONNECT www.example.com:443 - HIER_DIRECT/198.51.100.3 -",
            "1795255200.899    132 192.0.2.7 TCP_MISS/504 1293 GET http://www.example.com/x - NONE/- -",
            "1795255200.899    132 192.0.2.7 NONE/400 1293 NONE error:invalid-request - HIER_NONE/- text/html",
            "1795255200.899      3 192.0.2.7 TCP_REFRESH_MISS/200 2014 GET http://www.example.com/a.txt kari DIRECT/www.example.com text/plain 902351708.872",
        ] {
            assert!(read(line).is_some(), "{line}");
        }
        for line in ["1795255200.899", "1795255200.899 ", "1795255200.89  5 192.0.2.7 x", "a", ""] {
            assert!(read(line).is_none(), "{line}");
        }
    }
}
