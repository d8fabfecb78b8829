//! JSON Web Tokens, keys of well-known shape, credentials of a scheme, in a URL or under a secret's name.

use super::{
    Hit, Kind,
    text::{alnum_before, pattern},
};
use regex::bytes::Regex;
use std::sync::LazyLock;

static JWT: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?-u)eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]{4,}){1,4}\.?"));
static KEY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?-u)(?:AKIA|ASIA|AROA|AIDA)[A-Z2-7]{16}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}",
        r"|xox[abeoprs]-[A-Za-z0-9-]{10,}|(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9]{16,}",
        r"|AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
        r"|sk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{30,}|dop_v1_[a-f0-9]{40,}|hf_[A-Za-z0-9]{30,}",
        r"|EAACEdEose0cBA[A-Za-z0-9]+|-----BEGIN [A-Z ]{0,20}PRIVATE KEY"
    ))
});
static SCHEME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i-u)\b(bearer|basic|negotiate|digest|apikey|token)[ +]+([A-Za-z0-9._~+/-]{6,}={0,2})")
});
static USERINFO: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?-u)[A-Za-z][A-Za-z0-9+.-]{1,20}://([^\s/?#@:\x22'<>]{1,128}:[^\s/?#@\x22'<>]{1,256})@")
});
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i-u)(?:^|[^a-z0-9])(?:[a-z0-9]{0,16}[_.-])?(pass(?:word|wd|phrase|code)?|passwd|pwd|secret|client_?secret|",
        r"(?:access|refresh|auth|id|api|session|bearer|private|security|reset|verification|confirm(?:ation)?|activation|invite|unsubscribe|login|csrf|xsrf)[_-]?token|token|",
        r"(?:api|access|private|secret|auth|encryption)[_-]?key|x-api-key|otp|totp|sig|signature|x-amz-(?:signature|security-token)|credential|hmac)",
        r#"(?:\[\])?(?:["']?=["']?| = ["']?|["']\s?:\s?["'])([^\s"'&;,<>(){}\[\]\\|]{1,4096})"#
    ))
});

pub(super) fn find(text: &[u8], hits: &mut Vec<Hit>) {
    for found in JWT.find_iter(text) {
        if !alnum_before(text, found.start()) {
            hits.push(Hit { kind: Kind::Jwt, start: found.start(), end: found.end() });
        }
    }
    for found in KEY.find_iter(text) {
        let private = found.as_bytes().starts_with(b"-----");
        let drawn = found.as_bytes().iter().any(u8::is_ascii_digit) || found.as_bytes().starts_with(b"A");
        if private || drawn && !alnum_before(text, found.start()) {
            hits.push(Hit { kind: Kind::ApiKey, start: found.start(), end: found.end() });
        }
    }
    for found in SCHEME.captures_iter(text) {
        let value = found.get(2).expect("the value");
        let is_credential = match found[1].to_ascii_lowercase().as_slice() {
            b"basic" => is_basic(value.as_bytes()),
            _ => is_drawn(value.as_bytes()),
        };
        if is_credential {
            hits.push(Hit { kind: Kind::Credential, start: value.start(), end: value.end() });
        }
    }
    for found in USERINFO.captures_iter(text) {
        let value = found.get(1).expect("the user");
        hits.push(Hit { kind: Kind::Credential, start: value.start(), end: value.end() });
    }
    for found in NAMED.captures_iter(text) {
        let (name, value) = (found[1].to_ascii_lowercase(), found.get(2).expect("the value"));
        if is_secret(&name, value.as_bytes()) {
            hits.push(Hit { kind: Kind::Credential, start: value.start(), end: value.end() });
        }
    }
}

/// Whether what stands under a secret's name is one: of a password anything, of a token what is long or holds a digit.
fn is_secret(name: &[u8], value: &[u8]) -> bool {
    let said =
        [&b"true"[..], b"false", b"null", b"none", b"yes", b"no", b"undefined", b"nil", b"invalid", b"missing", b"-"];
    if said.iter().any(|word| word.eq_ignore_ascii_case(value)) || !value.iter().any(u8::is_ascii_alphanumeric) {
        return false;
    }
    match name {
        // What is left of a value that was cut out of a path.
        _ if value[0] == b'/' && value.len() < 8 => false,
        b"pass" | b"password" | b"passwd" | b"passphrase" | b"passcode" | b"secret" | b"client_secret"
        | b"clientsecret" | b"otp" | b"totp" => true,
        // `PWD=/home` is where a program runs.
        b"pwd" => value[0] != b'/',
        _ => value.len() >= 16 || value.len() >= 6 && value.iter().any(u8::is_ascii_digit),
    }
}

/// Whether it is base64 of `user:password`.
fn is_basic(value: &[u8]) -> bool {
    let mut bits = 0u32;
    let mut count = 0;
    let mut out = Vec::with_capacity(value.len());
    for &byte in value {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            _ => return false,
        };
        bits = bits << 6 | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    out.contains(&b':') && out.iter().all(|byte| *byte >= 0x20 && *byte != 0x7f)
}

/// Whether nobody wrote it as a word: long, with a digit or letters of both cases within.
fn is_drawn(value: &[u8]) -> bool {
    let digit = value.iter().any(u8::is_ascii_digit);
    let upper = value[1..].iter().any(u8::is_ascii_uppercase) && value.iter().any(u8::is_ascii_lowercase);
    (value.len() >= 8 && digit && !is_ours(value)) || (value.len() >= 16 && upper)
}

/// Our own pseudonyms may stand behind a scheme's name.
fn is_ours(value: &[u8]) -> bool {
    value.starts_with(b"p1.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(Kind, String)> {
        let mut hits = Vec::new();
        find(text.as_bytes(), &mut hits);
        hits.iter().map(|hit| (hit.kind, text[hit.start..hit.end].to_owned())).collect()
    }

    #[test]
    fn keys_tokens_and_credentials_are_found() {
        for (text, kind, want) in [
            ("t=eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.", Kind::Jwt, "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."),
            ("AKIAQYLPMN5HEXAMPLEX", Kind::ApiKey, "AKIAQYLPMN5HEXAMPLEX"),
            ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", Kind::ApiKey, "ghp_16C7e42F292c6912E7710c838347Ae178B4a"),
            ("Authorization: Basic a2FyaTpodW50ZXIy", Kind::Credential, "a2FyaTpodW50ZXIy"),
            ("authorization: bearer 9f86d081884c7d65", Kind::Credential, "9f86d081884c7d65"),
            ("https://kari:hunter2@example.org/", Kind::Credential, "kari:hunter2"),
            ("password=hunter&x", Kind::Credential, "hunter"),
            ("\"user_password\":\"hunter\"", Kind::Credential, "hunter"),
            ("/reset?token=a1b2c3d4", Kind::Credential, "a1b2c3d4"),
        ] {
            assert_eq!(found(text), [(kind, want.to_owned())], "{text}");
        }
    }

    #[test]
    fn words_about_secrets_are_none() {
        for text in [
            "Basic authentication failed",
            "bearer authentication required",
            "password=&x",
            "password=[token]",
            "token=invalid",
            "Failed password for root",
            "PWD=/home/www",
            "invalid token: expected comma",
            "compass=5",
            "http://example.org:8080/a@b",
            "/x/password=/y",
            "GET /reset?token= HTTP/1.1",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }
}
