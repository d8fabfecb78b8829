//! Servers whose own defaults are Apache's layouts or nearly so: lighttpd, Tomcat.
//!
//! gunicorn, LiteSpeed, Varnish (`varnishncsa`) and Tomcat's `combined` write `combined`; what they are told to write
//! otherwise compiles as an Apache directive. lighttpd puts the virtual host where Apache has the identity
//! (`%h %V %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"`): field `server.address`. Tomcat's access valve adds the
//! time it took (`%D` or `%F`) to one of Apache's two: field `http.request.duration`.

use super::preset::Preset;
use std::ops::Range;

/// lighttpd's default.
pub fn lighttpd() -> Preset {
    let pattern = "<client> <host> <user> [<clf>] \"<request>\" <status> <size> \"<referer>\" \"<agent>\"";
    // A missing host is a dash, which no host is.
    let missing = "<client> - <user> [<clf>] \"<request>\" <status> <size> \"<referer>\" \"<agent>\"";
    Preset::new("lighttpd", &[pattern, missing], |_| 0..2)
}

/// Tomcat's access valve: `common` or `combined`, with the time it took or without.
pub fn tomcat() -> Preset {
    let common = "<client> <ident> <user> [<clf>] \"<request>\" <status> <size>";
    let combined = format!("{common} \"<referer>\" \"<agent>\"");
    let patterns = [&combined, &format!("{combined} <duration>"), common, &format!("{common} <duration>")];
    Preset::new("tomcat", &patterns, pick)
}

/// A quoted agent ends `combined`; only one time follows.
fn pick(line: &[u8]) -> Range<usize> {
    let digits = line.iter().rev().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    match &line[..line.len() - digits] {
        [.., b'"'] if digits == 0 => 0..1,
        [.., b'"', b' '] if digits > 0 => 1..2,
        _ => 2..4,
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

    #[test]
    fn the_second_word_of_lighttpd_is_the_virtual_host() {
        let line =
            r#"192.0.2.7 www.example.com kari [21/Nov/2026:10:00:00 +0100] "GET /a HTTP/1.1" 200 5 "-" "curl/8.5.0""#;
        let values = read(&lighttpd(), line).unwrap();
        assert_eq!(&values[..3], ["client.address=192.0.2.7", "server.address=www.example.com", "user.name=kari"]);
        let values = read(&lighttpd(), &line.replace("www.example.com", "-")).unwrap();
        assert!(values.contains(&"user.name=kari".to_owned()) && !values.contains(&"user.ident=-".to_owned()));
    }

    #[test]
    fn the_time_it_took_may_follow_either_layout() {
        let common = r#"192.0.2.7 - - [21/Nov/2026:10:00:00 +0100] "GET /a HTTP/1.1" 200 5"#;
        let combined = format!(r#"{common} "-" "curl/8.5.0""#);
        for (line, last) in [
            (common.to_owned(), "http.response.body.size=5"),
            (format!("{common} 12"), "http.request.duration=12"),
            (combined.clone(), "user_agent.original=curl/8.5.0"),
            (format!("{combined} 0.012"), "http.request.duration=0.012"),
        ] {
            assert_eq!(read(&tomcat(), &line).unwrap_or_else(|| panic!("{line}")).last().unwrap(), last);
        }
        assert_eq!(read(&tomcat(), &format!("{combined} a")), None);
    }
}
