//! E-mail addresses: whatever stands around an `@` that is not a version or a picture's density.
//!
//! The smallest detector to copy. Each call reads no further than the neighbouring `@`, so that a flood costs no more than
//! one reading of it.

use super::{
    Finding, What,
    bytes::{ALNUM, DIGIT, DOMAIN, LOCAL, is, is_at, is_before, run_end, run_start},
    secret,
};
use memchr::memmem;

/// What digests of images are made with.
const DIGESTS: [&[u8]; 5] = [b"sha1", b"sha256", b"sha384", b"sha512", b"md5"];

/// How far a quoted local part or a domain literal may reach. Beyond it, this much is hidden.
const REACH: usize = 128;

/// The address whose `@` stands at `at`.
pub(super) fn at(text: &[u8], at: usize) -> Option<Finding> {
    if text.get(at) != Some(&b'@') {
        return None;
    }
    let start = local(text, at)?;
    let end = domain(text, at + 1)?;
    // `nginx:1.25@sha256:9f86…`: an image and its digest.
    if text.get(end) == Some(&b':') && DIGESTS.contains(&&text[at + 1..end]) {
        return None;
    }
    let start = principal(text, start, &text[at + 1..end]);
    Some(Finding::new(start, end, What::Email))
}

/// Where a name starts that a role follows: `kari/admin@EXAMPLE.ORG`, as Kerberos writes it, with a realm in capitals.
fn principal(text: &[u8], start: usize, domain: &[u8]) -> usize {
    let realm = domain.contains(&b'.')
        && !domain.iter().any(u8::is_ascii_lowercase)
        && domain.iter().any(u8::is_ascii_uppercase);
    if !realm || start < 2 || text[start - 1] != b'/' {
        return start;
    }
    let floor = start.saturating_sub(REACH);
    let name = run_start(text, start - 1, floor, LOCAL);
    // A path is none.
    if name < start - 1 && (name == 0 || text[name - 1] != b'/') { name } else { start }
}

/// Where the local part that ends at `at` starts.
fn local(text: &[u8], at: usize) -> Option<usize> {
    if at > 0 && text[at - 1] == b'"' {
        return quoted(text, at - 1);
    }
    let mut start = at;
    while start > 0 && is(text[start - 1], LOCAL) {
        // An apostrophe inside a name, not a quote around it.
        if text[start - 1] == b'\'' && !(is_before(text, start - 1, ALNUM) && is_at(text, start, ALNUM)) {
            break;
        }
        start -= 1;
    }
    let stop = start;
    while start < at && (!is(text[start], DOMAIN) || matches!(text[start], b'.' | b'-')) {
        start += 1;
    }
    if stop > 0 && text[stop - 1] == b':' {
        // `//user:password@host`, of which a layout may have taken the first slash
        let mut user = stop - 1;
        while user > 0 && !matches!(text[user - 1], b'/' | b'@' | b' ' | b'"') {
            user -= 1;
        }
        // What an earlier run put there is nobody's any more.
        let ours = start == at && secret::is_placeholder(&text[user..stop - 1]);
        if user > 0 && text[user - 1] == b'/' && !ours {
            return Some(user);
        }
    }
    if start == at {
        return None;
    }
    if stop > 0 && text[stop - 1] == b'=' {
        // A sender that carries a receiver: `bounce+bob=example.com@lists.example`, `SRS0=hash=tt=example.com=bob@…`.
        let mut outer = stop - 1;
        while outer > 0 && (is(text[outer - 1], LOCAL) || text[outer - 1] == b'=') && stop - outer < REACH {
            outer -= 1;
        }
        let name = &text[outer..stop];
        let schemes = [&b"SRS0"[..], b"SRS1", b"srs0", b"srs1", b"prvs=", b"btv1="];
        if let Some(i) = schemes.iter().find_map(|scheme| memmem::find(name, scheme)) {
            return Some(outer + i);
        }
        if name.contains(&b'+') {
            return Some(outer);
        }
    }
    Some(start)
}

/// Where the quoted local part starts whose closing quote stands at `close`: `"a b"`, and `"a"@"b"` as one, or else a second
/// look would find what is left of the first.
fn quoted(text: &[u8], close: usize) -> Option<usize> {
    let mut start = quote(text, close)?;
    for _ in 0..JOINED {
        if start < 2 || text[start - 1] != b'@' || text[start - 2] != b'"' {
            break;
        }
        let Some(before) = quote(text, start - 2) else { break };
        start = before;
    }
    Some(start)
}

/// So many quoted parts with an `@` between them are one.
const JOINED: usize = 4;

/// Where the one quoted part starts.
fn quote(text: &[u8], close: usize) -> Option<usize> {
    let floor = close.saturating_sub(REACH);
    let open = text[floor..close].iter().rposition(|&b| matches!(b, b'"' | b'@'));
    let between = open.map_or(floor, |i| floor + i + 1);
    let inner = text[between..close].trim_ascii();
    // `"info","@timestamp"`, `{"@timestamp"`: the quote opens what follows.
    let inner = inner.strip_suffix(b"\\").unwrap_or(inner);
    let punctuated = matches!(inner.first(), Some(b',' | b':' | b'}' | b']'))
        || matches!(inner.last(), Some(b',' | b'{' | b'[' | b'('));
    if punctuated {
        return None;
    }
    match open.map(|i| floor + i) {
        Some(open) if text[open] == b'@' => Some(open + 1),
        Some(open) if open + 1 == close => None,
        Some(open) => Some(open),
        // A quote that begins the text closes nothing.
        None if close == 0 => None,
        None => Some(floor),
    }
}

/// Where the domain that starts at `start` ends.
fn domain(text: &[u8], start: usize) -> Option<usize> {
    if text.get(start) == Some(&b'[') {
        // A bracket inside it is a placeholder's.
        let reach = &text[start + 1..text.len().min(start + REACH)];
        let close = reach.iter().position(|&b| matches!(b, b']' | b'[' | b'@' | b'"' | b' '))?;
        return (close > 0 && reach[close] == b']').then_some(start + close + 2);
    }
    let mut end = run_end(text, start, DOMAIN);
    while end > start && matches!(text[end - 1], b'.' | b'-' | b'_') {
        end -= 1;
    }
    let name = &text[start..end];
    (!is_density(name) && is_domain(name)).then_some(end)
}

/// Whether it can be a mail domain rather than a version (`vue@3.2.1`, `checkout@v4`, `react@latest`).
fn is_domain(name: &[u8]) -> bool {
    if name.is_empty() {
        return false;
    }
    if !name.contains(&b'.') {
        let tag = name[0].eq_ignore_ascii_case(&b'v') && name[1..].iter().all(|&b| is(b, DIGIT));
        return name.len() > 1 && !is(name[0], DIGIT) && !tag && !TAGS.contains(&name);
    }
    let mut labels = 0;
    let mut octets = true;
    for label in name.split(|&b| b == b'.') {
        labels += 1;
        match label.first() {
            Some(&b) if is(b, DIGIT) => octets &= label.len() <= 3 && label.iter().all(|&b| is(b, DIGIT)),
            Some(_) => return true,
            None => octets = false,
        }
    }
    labels == 4 && octets
}

/// What package managers write behind the `@` of a package, and proxies behind that of a router.
const TAGS: [&[u8]; 23] = [
    // MySQL's `# User@Host:`.
    b"Host",
    b"latest",
    b"next",
    b"beta",
    b"alpha",
    b"canary",
    b"main",
    b"master",
    b"stable",
    b"dev",
    b"head",
    b"docker",
    b"file",
    b"internal",
    b"kubernetes",
    b"kubernetescrd",
    b"kubernetesingress",
    b"consul",
    b"consulcatalog",
    b"swarm",
    b"ecs",
    b"nomad",
    b"redis",
];

/// `2x`, `1.5x.png`: how dense a picture's dots are.
fn is_density(name: &[u8]) -> bool {
    let digits = name.iter().take_while(|&&b| is(b, DIGIT)).count();
    let mut rest = &name[digits..];
    if let [b'.', more @ ..] = rest {
        let fraction = more.iter().take_while(|&&b| is(b, DIGIT)).count();
        rest = if fraction > 0 { &more[fraction..] } else { rest };
    }
    digits > 0 && digits < 3 && matches!(rest, [b'x'] | [b'x', b'.', ..] | [b'x', b'-', ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        let p = text.find('@').unwrap();
        at(text.as_bytes(), p).map(|finding| std::str::from_utf8(finding.span.of(text.as_bytes())).unwrap())
    }

    #[test]
    fn whole_addresses_are_found() {
        for (text, expected) in [
            ("to=<bob@example.com>, relay", "bob@example.com"),
            ("?email=bob.o'brien+x@mail.example.com&y", "bob.o'brien+x@mail.example.com"),
            ("'bob@example.com'", "bob@example.com"),
            ("\"john doe\"@example.com.", "\"john doe\"@example.com"),
            ("mailto:bob@bücher.example", "bob@bücher.example"),
            ("https://bob:secret@example.com/x", "bob:secret@example.com"),
            ("bounce+bob=example.org@lists.example", "bounce+bob=example.org@lists.example"),
            ("bob@[192.0.2.7]", "bob@[192.0.2.7]"),
            ("bob@192.0.2.7", "bob@192.0.2.7"),
            ("root@localhost", "root@localhost"),
            ("client=kari/admin@EXAMPLE.ORG, ok", "kari/admin@EXAMPLE.ORG"),
            ("/x/admin@EXAMPLE.ORG", "admin@EXAMPLE.ORG"),
            ("kari/admin@example.org", "admin@example.org"),
        ] {
            assert_eq!(found(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn quoted_parts_behind_each_other_are_one_so_that_a_second_look_finds_nothing() {
        assert_eq!(local(b"A\"@\"@b.example", 4), Some(0));
        assert_eq!(local(b"x \"a b\"@b.example", 7), Some(2));
    }

    #[test]
    fn versions_densities_and_handles_are_not_addresses() {
        for text in [
            "a@[[email]",
            "nginx:1.25@sha256:9f86d081",
            "nginx:1.25@sha256:[token]",
            r#"{"level":"info","@timestamp":"2026"#,
            r#"{"n": 5, "@timestamp":"2026"#,
            r#"{"@timestamp":"2026"#,
            r#"{\"level\":\"info\",\"@timestamp\":"#,
            "# User@Host: x",
            "logo@2x.png",
            "vue@3.2.1/dist",
            "checkout@v4",
            "/@bob",
            "react@latest",
            "@media",
            "a @ b",
            "x@1.0.0-rc.1",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
