//! Layouts near `combined` that guides for proxies hand around.
//!
//! | layout | format |
//! |---|---|
//! | `%{X-Forwarded-For}i %h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"`, the list in quotes or not, behind a virtual host or not | `combined_forwarded` |
//! | `$remote_addr - [$time_local] "$request" $status $bytes "$http_referer" "$http_user_agent"`: one word between client and time | `combined_short` |
//!
//! The forwarded list is the field `http.request.header.x-forwarded-for`.

use super::preset::Preset;
use std::ops::Range;

const FROM_TIME: &str = "[<clf>] \"<request>\" <status> <size> \"<referer>\" \"<agent>\"";

/// `combined` behind a list of addresses.
pub fn combined_forwarded() -> Preset {
    let combined = format!("<client> <ident> <user> {FROM_TIME}");
    let patterns = ["\"<forwarded>\" ", "<forwarded_list> ", "<host> \"<forwarded>\" ", "<host> <forwarded_list> "];
    let patterns = patterns.map(|front| format!("{front}{combined}"));
    Preset::new("combined_forwarded", &patterns.each_ref().map(String::as_str), pick)
}

fn pick(line: &[u8]) -> Range<usize> {
    if line.first() == Some(&b'"') { 0..1 } else { 1..4 }
}

/// `combined` with one word between client and time.
pub fn combined_short() -> Preset {
    Preset::new("combined_short", &[&format!("<client> <user_token> {FROM_TIME}")], |_| 0..1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{Ending, Parse};
    use super::*;
    use crate::record::{Record, State};

    const TIME: &str = r#"[21/Nov/2026:10:00:00 +0100] "GET /a HTTP/1.1" 200 5 "-" "curl/8.5.0""#;

    fn read(format: &Preset, front: &str) -> Option<Vec<String>> {
        let line = format!("{front} {TIME}");
        let mut record = Record::default();
        format.parse(line.as_bytes(), Ending::Whole, &mut record).ok()?;
        let stand = record.values.iter().filter(|value| value.state == State::Present);
        let text = |value: &crate::record::Value| {
            let text = String::from_utf8_lossy(value.span.of(line.as_bytes())).into_owned();
            format!("{}={text}", format.schema().fields[value.field as usize].name)
        };
        Some(stand.map(text).take_while(|value| !value.starts_with("timestamp")).collect())
    }

    #[test]
    fn a_forwarded_list_stands_before_the_client_in_quotes_or_not() {
        let list = "http.request.header.x-forwarded-for=203.0.113.7, 198.51.100.9";
        let rest = ["client.address=192.0.2.1", "user.ident=-", "user.name=kari"];
        for front in ["\"203.0.113.7, 198.51.100.9\" 192.0.2.1 - kari", "203.0.113.7, 198.51.100.9 192.0.2.1 - kari"] {
            assert_eq!(read(&combined_forwarded(), front).unwrap(), [&[list], &rest[..]].concat(), "{front}");
            let behind_host = read(&combined_forwarded(), &format!("www.example.com:80 {front}")).unwrap();
            assert_eq!(behind_host, [&["server.address=www.example.com:80", list], &rest[..]].concat(), "{front}");
        }
    }

    #[test]
    fn one_word_between_client_and_time_is_a_user() {
        assert_eq!(read(&combined_short(), "192.0.2.1 -").unwrap(), ["client.address=192.0.2.1", "user.name=-"]);
        assert_eq!(read(&combined_short(), "192.0.2.1 kari").unwrap(), ["client.address=192.0.2.1", "user.name=kari"]);
        for front in ["192.0.2.1", "192.0.2.1 - kari"] {
            assert_eq!(read(&combined_short(), front), None, "{front}");
        }
    }
}
