//! Request lines and their targets, cut into parts. Pure functions on one value; ranges are relative to its start.

use std::ops::Range;

/// The parts of a request line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method: a token, known or not.
    pub method: Range<usize>,
    /// The target with its query.
    pub target: Range<usize>,
    /// The protocol, if there is one (HTTP/0.9 has none).
    pub protocol: Option<Range<usize>>,
}

/// Cuts `METHOD target` or `METHOD target PROTOCOL`; `None` where the value is not exactly that.
///
/// A blank within the target makes it `None`: such a line could be read in two ways.
#[inline]
pub fn split_request(value: &[u8]) -> Option<Request> {
    let method = value.iter().take(LONGEST_METHOD + 1).position(|&b| !is_token(b))?;
    if method == 0 || value[method] != b' ' {
        return None;
    }
    let start = method + 1;
    let rest = &value[start..];
    match memchr::memchr(b' ', rest) {
        None if matches!(rest.first(), Some(b'/' | b'\\' | b'*'))
            && value[..method].iter().all(u8::is_ascii_uppercase) =>
        {
            Some(Request { method: 0..method, target: start..value.len(), protocol: None })
        }
        None => None,
        Some(at) => {
            let protocol = &rest[at + 1..];
            let fits = protocol == b"-" || protocol.starts_with(b"HTTP/") && protocol.len() <= LONGEST_PROTOCOL;
            let fits = fits && !protocol.contains(&b' ') && at > 0;
            fits.then(|| Request {
                method: 0..method,
                target: start..start + at,
                protocol: Some(start + at + 1..value.len()),
            })
        }
    }
}

/// Cuts a target at its first question mark: where the path ends, and where the query starts.
#[inline]
pub fn split_target(target: &[u8]) -> (usize, Option<usize>) {
    match memchr::memchr(b'?', target) {
        Some(at) => (at, Some(at + 1)),
        None => (target.len(), None),
    }
}

/// Whether a target names its scheme and host, `http://host/path`: its path is not all there is to hide.
#[inline]
pub fn is_absolute(target: &[u8]) -> bool {
    if matches!(target.first(), None | Some(b'/')) {
        return false;
    }
    let scheme = target.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')).count();
    // `:\/\/` is how some JSON writers put it.
    let rest = &target[scheme..];
    scheme > 0 && (rest.starts_with(b"://") || rest.starts_with(b":\\/"))
}

/// Whether the body of a JSON string spells as an escape one of the bytes at which requests are cut (blank, slash,
/// colon, question mark). No writer does that for a good reason.
#[inline]
pub fn hides_cut(body: &[u8]) -> bool {
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

const LONGEST_METHOD: usize = 32;
const LONGEST_PROTOCOL: usize = 16;

/// RFC 9110's `tchar`.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn parts(value: &str) -> Option<(&str, &str, Option<&str>)> {
        split_request(value.as_bytes()).map(|r| (&value[r.method], &value[r.target], r.protocol.map(|p| &value[p])))
    }

    #[test]
    fn a_request_line_has_three_parts_or_two() {
        assert_eq!(parts("GET /a?b=c HTTP/1.1"), Some(("GET", "/a?b=c", Some("HTTP/1.1"))));
        assert_eq!(parts("GET /a"), Some(("GET", "/a", None)));
        assert_eq!(parts("OPTIONS * HTTP/1.1"), Some(("OPTIONS", "*", Some("HTTP/1.1"))));
        assert_eq!(
            parts("CONNECT www.example.org:443 HTTP/1.1"),
            Some(("CONNECT", "www.example.org:443", Some("HTTP/1.1")))
        );
    }

    #[test]
    fn what_was_withheld_still_reads_as_a_request() {
        assert_eq!(parts("- - -"), Some(("-", "-", Some("-"))));
    }

    #[test]
    fn whatever_else_is_no_request_line() {
        for value in
            ["", "-", "GET", "GET ", "GET  HTTP/1.1", "GET /a b HTTP/1.1", "GET /a HTTP/1.1 ", " GET / HTTP/1.1"]
        {
            assert_eq!(parts(value), None, "{value:?}");
        }
        assert_eq!(parts("\\u0016\\u0003\\u0001"), None);
        assert_eq!(parts("bob secret"), None);
        assert_eq!(parts("GET / HTTP/1.1111111111111111111"), None);
    }

    #[test]
    fn an_absolute_target_is_told_from_a_path() {
        for target in
            ["http://www.example.org/a", "https:\\/\\/www.example.org", "ftp://x", "android-app://org.example"]
        {
            assert!(is_absolute(target.as_bytes()), "{target}");
        }
        for target in ["", "/a://b", "*", "www.example.org:443", "a/b"] {
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

    proptest! {
        #[test]
        fn the_parts_make_up_the_whole(value in prop::collection::vec(any::<u8>(), 0..40)) {
            hides_cut(&value);
            is_absolute(&value);
            if let Some(request) = split_request(&value) {
                let mut again = value[request.method].to_vec();
                again.push(b' ');
                again.extend_from_slice(&value[request.target]);
                if let Some(protocol) = request.protocol {
                    again.push(b' ');
                    again.extend_from_slice(&value[protocol]);
                }
                prop_assert_eq!(again, value);
            }
        }
    }
}
