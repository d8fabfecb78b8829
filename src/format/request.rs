//! Request line → method, path, query, protocol. Request target → path, query.
//!
//! Whatever a visitor sent may stand here. What does not read as a request is one value of its own, so that nothing of it
//! is taken for a method or a path. Linear in the length.

use crate::record::{Record, Span, State, Value};
use memchr::{memchr, memrchr};

/// Where the parts of a request line lie, in bytes from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// One past the method.
    pub(crate) method: usize,
    /// From the first blank to the question mark.
    pub(crate) path: Span,
    /// Behind the question mark, if there is one.
    pub(crate) query: Option<Span>,
    /// The protocol; HTTP/0.9 has none.
    pub(crate) protocol: Option<Span>,
}

/// Cuts `METHOD SP target SP PROTOCOL`, or HTTP/0.9's `METHOD SP target`, where the first question mark, if there is one,
/// stands at `mark`. The target may hold blanks.
#[inline(always)]
pub(crate) fn split(line: &[u8], mark: Option<usize>) -> Option<Request> {
    let mut method = if line.starts_with(b"GET ") { 3 } else { 0 };
    while method < line.len() && is_method(line[method]) {
        method += 1;
    }
    if method == 0 || method > LONGEST_METHOD || line.get(method) != Some(&b' ') {
        return None;
    }
    let start = method + 1;
    let (end, protocol) = match protocol(line) {
        Some(at) if at > start + 1 => (at - 1, Some(Span::new(at, line.len()))),
        Some(_) => return None,
        None if is_target(&line[start..]) => (line.len(), None),
        None => return None,
    };
    let (path, query) = cut(start, end, mark);
    Some(Request { method, path, query, protocol })
}

/// As [`values`] for most requests: `GET`, `POST` or `HEAD`, a path, and `HTTP/1.1` or its like. `None` says nothing.
#[inline(always)]
pub(crate) fn plain(line: &[u8], start: usize, end: usize, field: u16, mark: Option<usize>) -> Option<[Value; 5]> {
    let request = &line[start..end];
    let method = match request.first_chunk::<6>()? {
        [b'G', b'E', b'T', b' ', b'/', _] => 3,
        [b'P', b'O', b'S', b'T', b' ', b'/'] | [b'H', b'E', b'A', b'D', b' ', b'/'] => 4,
        _ => return None,
    };
    let protocol = end - http(request)?.len();
    let (first, last) = (start + method + 1, protocol - 1);
    if last <= first {
        return None;
    }
    let value = |field, start, end| Value { field, state: State::Present, span: Span::new(start, end) };
    let absent = |field| Value { field, state: State::Absent, span: Span { start: 0, end: 0 } };
    let (path, query) = match mark.map(|mark| start + mark).filter(|&mark| mark < last) {
        Some(mark) => (value(field + 1, first, mark), value(field + 2, mark + 1, last)),
        None => (value(field + 1, first, last), absent(field + 2)),
    };
    Some([value(field, start, start + method), path, query, value(field + 3, protocol, end), absent(field + 4)])
}

/// Adds the five values of a request line that stands at `start..end`, from field `field` on.
#[inline(never)]
pub(crate) fn push(record: &mut Record, field: u16, line: &[u8], start: usize, end: usize) {
    push_at(record, field, line, start, end, memchr(b'?', &line[start..end]));
}

/// The same, where the first question mark is known, in bytes from `start`.
#[inline(always)]
pub(crate) fn push_at(record: &mut Record, field: u16, line: &[u8], start: usize, end: usize, mark: Option<usize>) {
    record.values.extend_from_slice(&values(field, line, start, end, mark));
}

/// The five values.
#[inline(always)]
pub(crate) fn values(field: u16, line: &[u8], start: usize, end: usize, mark: Option<usize>) -> [Value; 5] {
    let absent = |field| Value { field, state: State::Absent, span: Span { start: 0, end: 0 } };
    let here = |field, span: Span| Value {
        field,
        state: State::Present,
        span: Span { start: span.start + start as u32, end: span.end + start as u32 },
    };
    match split(&line[start..end], mark) {
        Some(request) => [
            here(field, Span::new(0, request.method)),
            here(field + 1, request.path),
            request.query.map_or(absent(field + 2), |span| here(field + 2, span)),
            request.protocol.map_or(absent(field + 3), |span| here(field + 3, span)),
            absent(field + 4),
        ],
        None => [
            absent(field),
            absent(field + 1),
            absent(field + 2),
            absent(field + 3),
            here(field + 4, Span::new(0, end - start)),
        ],
    }
}

/// Adds the three values of a request target that stands at `start..end`, from field `field` on.
#[inline]
pub(crate) fn push_target(record: &mut Record, field: u16, line: &[u8], start: usize, end: usize) {
    if is_target(&line[start..end]) {
        let (path, query) = cut(start, end, memchr(b'?', &line[start..end]).map(|mark| start + mark));
        record.push(field, path.start as usize, path.end as usize);
        match query {
            Some(query) => record.push(field + 1, query.start as usize, query.end as usize),
            None => record.push_absent(field + 1),
        }
        record.push_absent(field + 2);
    } else {
        record.push_absent(field);
        record.push_absent(field + 1);
        record.push(field + 2, start, end);
    }
}

/// A target at its first question mark: where the path ends, and where the query starts.
#[inline]
pub(crate) fn split_target(target: &[u8]) -> (usize, Option<usize>) {
    match memchr(b'?', target) {
        Some(at) => (at, Some(at + 1)),
        None => (target.len(), None),
    }
}

/// Whether this reads as a target without its method: a path, a URL, or the asterisk of OPTIONS.
pub(crate) fn is_target(target: &[u8]) -> bool {
    match target.first() {
        Some(b'/') => true,
        Some(b'*') => target.len() == 1,
        Some(_) => is_absolute(target),
        None => false,
    }
}

/// Whether a target names its scheme and host, `http://host/path`: its path is not all there is to hide.
#[inline]
pub(crate) fn is_absolute(target: &[u8]) -> bool {
    if !target.first().is_some_and(u8::is_ascii_alphabetic) {
        return false;
    }
    let of_scheme = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let scheme = target.iter().take(LONGEST_SCHEME).take_while(of_scheme).count();
    // `:\/\/` is how some JSON writers put it.
    let rest = &target[scheme..];
    rest.starts_with(b"://") || rest.starts_with(b":\\/")
}

/// Whether the body of a JSON string spells as an escape one of the bytes at which requests are cut (blank, slash,
/// colon, question mark). No writer does that for a good reason.
#[inline]
pub(crate) fn hides_cut(body: &[u8]) -> bool {
    let mut from = 0;
    while let Some(at) = memchr::memchr(b'\\', &body[from..]) {
        let escape = &body[from + at..];
        if let Some(&[b'u', b'0', b'0', high, low]) = escape.get(1..6)
            && matches!((high, low | 0x20), (b'2', b'0' | b'f') | (b'3', b'a' | b'f'))
        {
            return true;
        }
        from = (from + at + 2).min(body.len());
    }
    false
}

/// A target at its first question mark.
#[inline]
fn cut(start: usize, end: usize, mark: Option<usize>) -> (Span, Option<Span>) {
    match mark {
        Some(mark) if mark < end => (Span::new(start, mark), Some(Span::new(mark + 1, end))),
        Some(_) | None => (Span::new(start, end), None),
    }
}

/// Where the protocol begins, if a blank and a protocol end the line.
#[inline(always)]
fn protocol(line: &[u8]) -> Option<usize> {
    match http(line) {
        Some(protocol) => Some(line.len() - protocol.len()),
        None => any_protocol(line),
    }
}

/// `HTTP/`, a digit, a point and a digit, behind a blank at the end of the line.
#[inline(always)]
fn http(line: &[u8]) -> Option<&[u8; 8]> {
    let [a, b, c, d, e, f, major, point, minor] = *line.last_chunk::<9>()?;
    let head = u64::from_le_bytes([a, b, c, d, e, f, major, point]);
    let same = (head ^ u64::from_le_bytes(*b" HTTP/\0.")) & !(0xff << 48) == 0;
    (same & major.is_ascii_digit() & minor.is_ascii_digit()).then(|| line.last_chunk()).flatten()
}

/// The same for a protocol of any name.
#[inline(never)]
fn any_protocol(line: &[u8]) -> Option<usize> {
    // A longer word is no protocol; the look back is bounded.
    let tail = line.len().saturating_sub(LONGEST_PROTOCOL + 1);
    let at = tail + memrchr(b' ', &line[tail..])? + 1;
    let word = &line[at..];
    // What was withheld reads as a protocol still.
    if word == b"-" {
        return Some(at);
    }
    let slash = word.iter().position(|&byte| byte == b'/')?;
    let (name, version) = (&word[..slash], &word[slash + 1..]);
    let version = match version {
        [major] => major.is_ascii_digit(),
        [major, b'.', minor] => major.is_ascii_digit() && minor.is_ascii_digit(),
        _ => false,
    };
    (!name.is_empty() && name.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) && version)
        .then_some(at)
}

#[inline]
fn is_method(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// `VERSION-CONTROL` and `UPDATEREDIRECTREF` are the longest registered ones.
const LONGEST_METHOD: usize = 32;

/// `android-app` and `chrome-extension` are among the longest that clients send.
const LONGEST_SCHEME: usize = 32;

/// `HTTP/1.1` has 8 bytes; names of other protocols are as short.
const LONGEST_PROTOCOL: usize = 16;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn parts(line: &str) -> Option<(&str, &str, Option<&str>, Option<&str>)> {
        let bytes = line.as_bytes();
        let text = |span: Span| std::str::from_utf8(span.of(bytes)).unwrap();
        split(bytes, memchr(b'?', bytes))
            .map(|r| (&line[..r.method], text(r.path), r.query.map(text), r.protocol.map(text)))
    }

    #[test]
    fn a_request_line_has_four_parts() {
        assert_eq!(parts("GET /a?b=c HTTP/1.1"), Some(("GET", "/a", Some("b=c"), Some("HTTP/1.1"))));
        assert_eq!(parts("GET /a HTTP/2"), Some(("GET", "/a", None, Some("HTTP/2"))));
        assert_eq!(parts("GET /a? HTTP/2.0"), Some(("GET", "/a", Some(""), Some("HTTP/2.0"))));
        assert_eq!(parts("OPTIONS * HTTP/1.0"), Some(("OPTIONS", "*", None, Some("HTTP/1.0"))));
        assert_eq!(parts("OPTIONS sip:nm SIP/2.0"), Some(("OPTIONS", "sip:nm", None, Some("SIP/2.0"))));
    }

    #[test]
    fn a_request_line_of_http_0_9_has_no_protocol() {
        assert_eq!(parts("GET /a?b"), Some(("GET", "/a", Some("b"), None)));
        assert_eq!(parts("GET /a b"), Some(("GET", "/a b", None, None)));
    }

    #[test]
    fn blanks_in_the_target_stay_in_the_path() {
        assert_eq!(parts("GET /a b c HTTP/1.1"), Some(("GET", "/a b c", None, Some("HTTP/1.1"))));
        assert_eq!(parts("GET / HTTP/1.1 x HTTP/1.1"), Some(("GET", "/ HTTP/1.1 x", None, Some("HTTP/1.1"))));
    }

    #[test]
    fn absolute_uris_and_authorities_are_paths() {
        assert_eq!(
            parts("GET http://www.example.com/a?b HTTP/1.1"),
            Some(("GET", "http://www.example.com/a", Some("b"), Some("HTTP/1.1")))
        );
        assert_eq!(
            parts("CONNECT www.example.com:443 HTTP/1.1"),
            Some(("CONNECT", "www.example.com:443", None, Some("HTTP/1.1")))
        );
    }

    #[test]
    fn what_was_withheld_still_reads_as_a_request() {
        assert_eq!(parts("- - -"), Some(("-", "-", None, Some("-"))));
        assert_eq!(parts("GET /a?b -"), Some(("GET", "/a", Some("b"), Some("-"))));
    }

    #[test]
    fn an_absolute_target_is_told_from_a_path() {
        for target in
            ["http://www.example.org/a", "https:\\/\\/www.example.org", "ftp://x", "android-app://org.example"]
        {
            assert!(is_absolute(target.as_bytes()), "{target}");
        }
        for target in ["", "/a://b", "*", "www.example.org:443", "a/b", "://x", "1://x"] {
            assert!(!is_absolute(target.as_bytes()), "{target}");
        }
    }

    #[test]
    fn an_escaped_question_mark_is_seen() {
        assert!(hides_cut(br"/a\u003fb=c"));
        assert!(hides_cut(br"/a\\\u003Fb=c"));
        assert!(hides_cut(br"GET\u0020/a"));
        assert!(!hides_cut(br"/a\\u003fb=c"));
        assert!(!hides_cut(br"/a?b=c\u0026d=e"));
    }

    #[test]
    fn what_is_no_request_stays_whole() {
        for line in [
            "",
            "-",
            "hello",
            "hello world",
            " ",
            "GET",
            "GET ",
            "GET HTTP/1.1",
            "GET  HTTP/1.1",
            "\\x16\\x03\\x01",
            "\\x16 /a HTTP/1.1",
            "SSH-2.0-Go",
            "{\"id\":1} /a HTTP/1.1",
        ] {
            assert_eq!(parts(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn the_parts_and_their_literals_are_the_whole_line(line in "[A-Za-z/? .]{0,12}( /[a-z? /]{0,12})?( HTTP/[0-9.]{0,4})?") {
            if let Some((method, path, query, protocol)) = parts(&line) {
                let query = query.map_or(String::new(), |query| format!("?{query}"));
                let protocol = protocol.map_or(String::new(), |protocol| format!(" {protocol}"));
                prop_assert_eq!(format!("{method} {path}{query}{protocol}"), line);
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(line in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = split(&line, memchr(b'?', &line));
            let _ = (is_target(&line), hides_cut(&line));
        }
    }
}
