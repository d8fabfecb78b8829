//! Sessions by name: `JSESSIONID=…`, `;jsessionid=…`, `PHPSESSID=…`, `"session_id": "…"`.

use super::{Hit, Kind, text::pattern};
use regex::bytes::Regex;
use std::sync::LazyLock;

static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i-u)(?:^|[^a-z0-9])(?:j|php|asp\.net_|aspx?|cf|lara|wp|_|django|symfony|connect\.)?(?:session(?:_?id|_?key)?[a-z]{0,8}|sess(?:_?id)?|sid|cftoken|cfid|",
        r"laravel_session|ci_session|wordpress_logged_in_[0-9a-f]*|auth_session|_?session_token|remember_me|remember_token|",
        r"__(?:secure|host)-[a-z_-]*(?:sess|session)[a-z_-]*)",
        r#"(?:["']?=["']?| = ["']?|["']\s?:\s?["'])([^\s"'&;,<>(){}\[\]\\|?#]{8,4096})"#
    ))
});

pub(super) fn find(text: &[u8], hits: &mut Vec<Hit>) {
    for found in NAMED.captures_iter(text) {
        let value = found.get(1).expect("the value");
        if value.as_bytes().iter().any(u8::is_ascii_digit) {
            hits.push(Hit { kind: Kind::SessionId, start: value.start(), end: value.end() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        let mut hits = Vec::new();
        find(text.as_bytes(), &mut hits);
        hits.len()
    }

    #[test]
    fn sessions_are_known_by_name() {
        for text in [
            "/a;jsessionid=0A1B2C3D4E5F?x",
            "PHPSESSID=q1w2e3r4t5y6; a=b",
            "\"session_id\": \"q1w2e3r4t5\"",
            "sid=q1w2e3r4",
            "connect.sid=s%3Aq1w2e3r4",
            "__Host-session=q1w2e3r4",
        ] {
            assert_eq!(found(text), 1, "{text}");
        }
        for text in ["session=-", "session opened for user", "sid=5", "session_type=password", "inside=12345678"] {
            assert_eq!(found(text), 0, "{text}");
        }
    }
}
