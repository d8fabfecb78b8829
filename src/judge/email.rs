//! E-mail addresses. `%40` and `\u0040` are undone before they are read here.

use super::{
    Hit, Kind,
    text::{is_file_ending, pattern},
};
use regex::bytes::Regex;
use std::sync::LazyLock;

static EMAIL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?-u)[A-Za-z0-9.!#$&'*+/=?^_`{|}~\x80-\xff-]{1,64}@((?:[A-Za-z0-9\x80-\xff_-]{1,63}\.)+)([A-Za-z][A-Za-z0-9-]{1,62}|[\x80-\xff]{4,62})",
    )
});
static PROTOCOL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?-u)(?:^|[,:=\s])(?:hmac|umac|aes|chacha20|curve25519|ecdsa|sk-|ssh-|rsa|zlib|eow|keepalive|hostkeys|no-more|fsync|posix|statvfs|fstatvfs|hardlink|lsetstat|limits|expand|copy-data|kex|sntrup|rijndael|cast|blowfish|webauthn)[a-z0-9.-]*$",
    )
});

pub(super) fn find(text: &[u8], hits: &mut Vec<Hit>) {
    if !text.contains(&b'@') {
        return;
    }
    for found in EMAIL.captures_iter(text) {
        let (whole, domain, last) = (found.get(0).expect("the match"), &found[1], &found[2]);
        let name = &whole.as_bytes()[..whole.as_bytes().iter().position(|&byte| byte == b'@').unwrap_or(0)];
        // What stands before the name in a path, a query or a quotation is none of it.
        let start =
            name.iter().rposition(|byte| matches!(byte, b'/' | b'=' | b'?' | b'&' | b'\'' | b'`' | b'{' | b'|' | b'#'));
        let start = whole.start() + start.map_or(0, |at| at + 1);
        let name = &text[start..whole.start() + name.len()];
        let letter = name.iter().any(|byte| byte.is_ascii_alphanumeric() || *byte >= 0x80);
        let domain_is_drawn = domain.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
        if letter && !is_file_ending(last) && !domain_is_drawn && !is_protocol(name, domain, last) {
            hits.push(Hit { kind: Kind::Email, start, end: whole.end() });
        }
    }
}

/// Names of ciphers and extensions are written as addresses of those who defined them.
fn is_protocol(name: &[u8], domain: &[u8], last: &[u8]) -> bool {
    matches!((domain, last), (b"openssh." | b"ssh.", b"com") | (b"libssh.", b"org") | (b"lysator.liu.", b"se"))
        && PROTOCOL.is_match(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let mut hits = Vec::new();
        find(text.as_bytes(), &mut hits);
        hits.iter().map(|hit| text[hit.start..hit.end].to_owned()).collect()
    }

    #[test]
    fn addresses_are_found_without_what_surrounds_them() {
        for (before, after) in
            [("", ""), ("<", ">"), ("?mail=", "&x"), ("\"", "\""), ("/u/", "/x"), ("to ", "."), ("(", ")")]
        {
            assert_eq!(
                found(&format!("{before}kari.nordmann+x@mail.example.no{after}")),
                ["kari.nordmann+x@mail.example.no"]
            );
        }
        assert_eq!(found("kåre@example.no"), ["kåre@example.no"]);
        assert_eq!(found("a@xn--d1acufc.xn--p1ai"), ["a@xn--d1acufc.xn--p1ai"]);
        assert_eq!(found("a@example.org,b@example.com").len(), 2);
    }

    #[test]
    fn files_units_versions_and_ciphers_are_none() {
        for text in [
            "logo@2x.png",
            "getty@tty1.service",
            "package@1.2.3",
            "hmac-sha2-256-etm@openssh.com",
            "curve25519-sha256@libssh.org",
            "info@presidio.",
            "@babel/core",
            "user@localhost",
            "a@",
        ] {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }
}
