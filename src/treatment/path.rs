//! A path, segment by segment.

mod memory;

pub use memory::Memory;

use super::{
    Aid, Outcome,
    origin::{Authority, Verdict, after_scheme, judge, write_host},
    scrub,
    segment::{self, Follows},
    truncate::{Port, Truncate},
};
use crate::detect::{Detector, Kinds, Outline, Place};

/// Keeps a path and replaces what identifies somebody in it.
///
/// - What the detectors find: addresses are cut, `[email]`, `[token]`, `[id]` stand for the rest.
/// - Numbers of 6 digits and more that are a segment, and of 8 and more inside one (`order-12345678`): `[id]`. Years, dates
///   and versions stay.
/// - Hexadecimals of 16 digits and more that are a segment: `[token]`.
/// - Two segments behind `reset`, `activate`, `confirm`, `verify`, `invite`, `token`, `unsubscribe` and their like:
///   `[token]`, however short, unless they are words of such pages (`success`, `email`, `form`).
/// - A segment behind `gaid`, `device-id`, `imei`, `sessionid` and their like: `[id]`.
/// - A segment behind `u`, `user`, `users`, `profile`, `member`, `author` and their like, unless it is a word of such pages
///   (`login`, `settings`); `~name`, `@name`: `[user]`.
/// - Values of parameters in a segment (`;jsessionid=…`) whose name says that they identify go.
/// - Of an absolute URI user information goes and its host is read as a referer's is; so is the host of `host:port`.
/// - What follows `?` or `#` goes; control characters are percent-encoded.
#[derive(Clone, Debug)]
pub struct Path {
    network: Truncate,
}

impl Path {
    /// Cuts addresses in paths as `network` says.
    pub fn new(network: Truncate) -> Path {
        Path { network }
    }

    /// Treats the path.
    #[inline]
    pub fn treat(&self, value: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
        if self.passes(value, aid) { Outcome::Kept } else { self.treat_anew(value, aid, made) }
    }

    /// Whether the path is remembered to stand as it came.
    #[inline]
    pub(super) fn passes(&self, value: &[u8], aid: &Aid) -> bool {
        aid.paths.has(value, &self.network)
    }

    /// The same of a path that is not remembered.
    #[inline(never)]
    pub(super) fn treat_anew(&self, value: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
        // 63 bytes and the end fit in one word.
        let look = match if value.len() < 64 { aid.detector.outline(value) } else { None } {
            _ if aid.detector.has_own() => Look::Close,
            Some(outline) => Look::by(value, &outline),
            None => Look::at(value),
        };
        let outcome = match look {
            Look::Clear => Outcome::Kept,
            Look::Long => self.treat_long(value, aid, made),
            Look::Close => self.treat_closely(value, aid, made),
        };
        if outcome == Outcome::Kept {
            aid.paths.learn(value, &self.network);
        }
        outcome
    }

    /// What [`Path::treat_closely`] does, for a path that is [`Look::Long`]: it has neither host nor parameters, and what the
    /// detectors find stays as it is if that is nothing.
    fn treat_long(&self, path: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
        let Aid { detector, buffer, .. } = aid;
        let findings = detector.find(path, Kinds::ALL, Place::Path);
        if findings.is_empty() {
            return Outcome::Kept;
        }
        let start = made.len();
        buffer.clear();
        scrub::replace(path, findings, Kinds::ALL, &self.network, buffer);
        each_segment(buffer, made);
        if made[start..] != *path {
            self.settle(start, aid, made);
        }
        outcome(path, path.len(), start, made)
    }

    /// The same without looking first.
    #[inline(never)]
    fn treat_closely(&self, value: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
        let start = made.len();
        // `&#64;` is an at-sign to whoever reads it, not the start of a fragment.
        let ends = |&at: &usize| value[at] == b'?' || at == 0 || value[at - 1] != b'&';
        let length = memchr::memchr2_iter(b'?', b'#', value).find(ends).unwrap_or(value.len());
        let path = &value[..length];
        let Some(from) = self.authority(path, &mut aid.detector, made) else {
            made.truncate(start);
            return Outcome::Dropped;
        };
        let body = made.len();
        self.segments(&path[from..], aid, made);
        if made[body..] != path[from..] {
            self.settle(body, aid, made);
        }
        outcome(path, value.len(), start, made)
    }

    /// Treats what was made until that changes nothing: what is left of two findings may look like a third.
    fn settle(&self, body: usize, aid: &mut Aid, made: &mut Vec<u8>) {
        let mut before = std::mem::take(&mut aid.spare);
        for _ in 0..MOST_ROUNDS {
            before.clear();
            before.extend_from_slice(&made[body..]);
            made.truncate(body);
            self.segments(&before, aid, made);
            if made[body..] == before[..] {
                break;
            }
        }
        aid.spare = before;
    }

    /// Appends what stays of scheme and host and says where the path starts; `None`: nothing of the value may leave.
    fn authority(&self, path: &[u8], detector: &mut Detector, made: &mut Vec<u8>) -> Option<usize> {
        if matches!(path.first(), None | Some(b'/' | b'*')) {
            return Some(0);
        }
        if let Some(start) = after_scheme(path) {
            let authority = Authority::read(path, start)?;
            made.extend_from_slice(&path[..start]);
            self.host(path, &authority, detector, made)?;
            return Some(authority.end);
        }
        // `mail.example.org:25`, as CONNECT asks. Anything else without slash in front is read as a path.
        let authority = Authority::read(path, 0);
        if let Some(authority) = authority.filter(|it| it.end == path.len() && it.host.1 < it.end && it.host.0 == 0)
            && path.len() - authority.host.1 <= 6
        {
            // A name that spells an address is found as one in any text.
            return Some(self.host(path, &authority, detector, made).map_or(0, |()| path.len()));
        }
        // What another scheme means by what follows it, nobody knows.
        let scheme = memchr::memmem::find(path, b"://").is_some_and(|at| !path[..at].contains(&b'/'));
        (!scheme).then_some(0)
    }

    fn host(&self, path: &[u8], authority: &Authority, detector: &mut Detector, made: &mut Vec<u8>) -> Option<()> {
        let (from, to) = authority.host;
        let port = if authority.keep >= authority.end { to..authority.end } else { to..to };
        match judge(&path[from..to], detector) {
            Verdict::Name => {
                made.extend_from_slice(&path[from..to]);
                made.extend_from_slice(&path[port]);
            }
            Verdict::Address(address) => {
                write_host(&self.network, address, made);
                match self.network.port {
                    Port::Drop => {}
                    Port::Keep => made.extend_from_slice(&path[port]),
                }
            }
            Verdict::Refused => return None,
        }
        Some(())
    }

    /// Appends the path, read by the detectors first and then segment by segment.
    fn segments(&self, path: &[u8], aid: &mut Aid, made: &mut Vec<u8>) {
        let Aid { detector, buffer, .. } = aid;
        let start = made.len();
        buffer.clear();
        let path = if scrub::is_printable(path) {
            if self.differs(path, detector, buffer) { buffer } else { path }
        } else {
            segment::write_plain(path, made);
            if !self.differs(&made[start..], detector, buffer) {
                buffer.extend_from_slice(&made[start..]);
            }
            made.truncate(start);
            buffer
        };
        each_segment(path, made);
    }

    /// Whether the detectors find something in the path, or it has values of telling names; it is appended without.
    fn differs(&self, path: &[u8], detector: &mut Detector, made: &mut Vec<u8>) -> bool {
        let mut from = 0;
        loop {
            let hidden = segment::next_hidden(path, from);
            let piece = &path[from..hidden.map_or(path.len(), |(start, _)| start)];
            let findings = detector.find(piece, Kinds::ALL, Place::Path);
            if from == 0 && findings.is_empty() && hidden.is_none() {
                return false;
            }
            scrub::replace(piece, findings, Kinds::ALL, &self.network, made);
            match hidden {
                Some((_, end)) => from = end,
                None => return true,
            }
        }
    }
}

/// Appends the path segment by segment.
fn each_segment(path: &[u8], made: &mut Vec<u8>) {
    let mut follows = Follows::Anything;
    let mut rest = path;
    let home = segment::home(path);
    loop {
        if home == Some(path.len() - rest.len()) {
            follows = Follows::User;
        }
        let slash = memchr::memchr(b'/', rest);
        let (segment, separator) = rest.split_at(slash.unwrap_or(rest.len()));
        // JSON may write the slash as `\/`.
        let segment = if slash.is_some() { segment.strip_suffix(b"\\").unwrap_or(segment) } else { segment };
        follows = segment::write(segment, follows, made);
        if separator.is_empty() {
            return;
        }
        made.extend_from_slice(&rest[segment.len()..rest.len() - separator.len() + 1]);
        rest = &separator[1..];
    }
}

/// What became of a value of `length` bytes, of which `path` is the path, by what was made of it.
fn outcome(path: &[u8], length: usize, start: usize, made: &mut Vec<u8>) -> Outcome {
    if made[start..] == *path {
        made.truncate(start);
        return if path.len() == length { Outcome::Kept } else { Outcome::Part(0, path.len() as u32) };
    }
    if made.len() == start { Outcome::Dropped } else { Outcome::Made }
}

/// What a first look at a path says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// Nothing in it can be an identifier.
    Clear,
    /// Only a detector could find something.
    Long,
    /// It must be read segment by segment.
    Close,
}

impl Look {
    /// The same as [`Look::at`] for a path of up to 63 bytes: all bytes at once, then word by word.
    #[inline]
    fn by(path: &[u8], outline: &Outline) -> Look {
        if path.first() != Some(&b'/') {
            return Look::at(path);
        }
        let Outline { letter, digit, dot, dash, slash } = *outline;
        let end = 1 << path.len();
        let joint = dot | dash;
        let two = digit & digit << 1;
        let six = two & two << 2 & two << 4;
        if (letter | digit | joint | slash) != end - 1 || six != 0 {
            return Look::Close;
        }
        let ends = joint | slash | end;
        let (mut segment, mut word) = (1, 1);
        let mut left = ends & !1;
        while left != 0 {
            let at = left.trailing_zeros() as usize;
            left &= left - 1;
            if segment::may_lead(&path[word..at]) {
                return Look::Close;
            }
            if (slash | end) >> at & 1 != 0 {
                // A segment of one word was looked at just now.
                if segment != word && segment::may_lead(&path[segment..at]) {
                    return Look::Close;
                }
                segment = at + 1;
            }
            word = at + 1;
        }
        // Where 7 bytes of one segment end; where one of the last 7 bytes is a digit.
        let inside = !slash & (end - 1);
        let pair = inside & inside << 1;
        let seven = pair & pair << 2 & pair << 4 & inside << 6;
        let near = digit | digit << 1;
        let near = near | near << 2;
        let near = near | near << 3;
        let long = seven & seven << 7 | seven & near | joint & ends << 1;
        if long == 0 { Look::Clear } else { Look::Long }
    }

    /// One pass: a path of short plain words is the common case.
    #[inline]
    fn at(path: &[u8]) -> Look {
        if path.first() != Some(&b'/') {
            return if path == b"*" { Look::Clear } else { Look::Close };
        }
        let mut look = Look::Clear;
        // Where the segment and the word in it start, and how many digits came last.
        let (mut segment, mut word) = (1, 1);
        let (mut run, mut digits) = (0, false);
        let mut at = 1;
        loop {
            let byte = path.get(at).copied().unwrap_or(b'/');
            match CLASSES[byte as usize] {
                Class::Letter => run = 0,
                Class::Digit => {
                    run += 1;
                    digits = true;
                    if run >= 6 {
                        return Look::Close;
                    }
                }
                Class::Joint => {
                    if segment::may_lead(&path[word..at]) {
                        return Look::Close;
                    }
                    // `fd--a` may be an IPv6 address.
                    if word == at {
                        look = Look::Long;
                    }
                    word = at + 1;
                    run = 0;
                }
                Class::Slash => {
                    let length = at - segment;
                    if segment::may_lead(&path[word..at]) || segment::may_lead(&path[segment..at]) {
                        return Look::Close;
                    }
                    // The shortest address has 7 bytes; what has no digit, colon or at-sign has 14 at least.
                    if length >= 14 || digits && length >= 7 {
                        look = Look::Long;
                    }
                    if at >= path.len() {
                        return look;
                    }
                    (segment, word, run, digits) = (at + 1, at + 1, 0, false);
                }
                Class::Other => return Look::Close,
            }
            at += 1;
        }
    }
}

/// Nothing was ever seen that needs a third.
const MOST_ROUNDS: usize = 8;

#[derive(Clone, Copy)]
enum Class {
    Letter,
    Digit,
    /// Joins words.
    Joint,
    Slash,
    Other,
}

static CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' => Class::Letter,
            b'0'..=b'9' => Class::Digit,
            b'-' | b'_' | b'.' => Class::Joint,
            b'/' => Class::Slash,
            _ => Class::Other,
        };
        byte += 1;
    }
    classes
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path() -> Path {
        Path::new(Truncate { v4: 24, v6: 48, port: Port::Drop, exempt: [].into() })
    }

    fn outcome(value: &[u8], treat: impl Fn(&Path, &[u8], &mut Aid, &mut Vec<u8>) -> Outcome) -> Option<Vec<u8>> {
        let mut made = b"before".to_vec();
        match treat(&path(), value, &mut Aid::default(), &mut made) {
            Outcome::Dropped => None,
            Outcome::Kept => Some(value.to_vec()),
            Outcome::Part(from, to) => Some(value[from as usize..to as usize].to_vec()),
            Outcome::Made => Some(made[6..].to_vec()),
        }
    }

    fn looks_agree(value: &[u8]) {
        if let Some(outline) = Detector::default().outline(value).filter(|_| value.len() < 64) {
            assert_eq!(Look::by(value, &outline), Look::at(value));
        }
    }

    fn treated_bytes(value: &[u8]) -> Option<Vec<u8>> {
        outcome(value, Path::treat)
    }

    fn treated(value: &str) -> String {
        treated_bytes(value.as_bytes()).map_or("dropped".into(), |made| String::from_utf8(made).unwrap())
    }

    fn all(cases: &[(&str, &str)]) {
        for (value, stays) in cases {
            assert_eq!(treated(value), *stays, "{value}");
        }
    }

    #[test]
    fn a_path_of_words_stands_as_it_came() {
        for value in [
            "/",
            "*",
            "//",
            "/index.html",
            "/a/b/../c/./d",
            "/blog/2026/11/how-we-knit-warm-sweaters/",
            "/wp-content/themes/example/style.css",
            "/static/app.3f2a9c1d5e7b8a90.js",
            "/lib/lib-1.128.1.0.js",
            "/jquery-3.7.1.min.js",
            "/img/logo@2x.png",
            "/npm/@babel/core@7.24.0/lib/index.js",
            "/node_modules/@scope/package/index.mjs",
            "/@vite/client",
            "/category/shoes,boots/size-42",
            "/2024/05/21/",
            "/2024-05-21/report.pdf",
            "/api/v2/items/12345",
            "/a%20b/%C3%A6%C3%B8%C3%A5",
            "/bl\u{e5}b\u{e6}rsyltet\u{f8}y/",
            r"/a\x22b\xC3",
            "/users/",
            "/users/login",
            "/user/settings/password",
            "/profile/edit.php",
            "/password/reset",
            "/password/reset/success",
            "/reset-password/form.html",
            "/verify/email/resend",
            "/token/refresh",
            "/docs/tokens.html",
            "/users/app.js",
            "/backup-20240521.tar.gz",
            "/IMG_20240521_101010.jpg",
            "/~",
            "/.well-known/security.txt",
            "/search;v=2;sort=price",
            "/cgi-bin/../../../etc/passwd",
            "/.env",
            "/$(id)",
            "/user/reset-password",
        ] {
            assert_eq!(treated(value), value);
        }
    }

    #[test]
    fn what_the_detectors_find_is_replaced() {
        all(&[
            ("/unsubscribe/kari%40example.org", "/unsubscribe/[email]"),
            ("/mail/anna@example.org/inbox", "/mail/[email]/inbox"),
            ("/o/AEBE52E7-03EE-455A-B3C4-E57283966239/x", "/o/[id]/x"),
            ("/reset/9f86d081884c7d659a2feaa0c55ad015", "/reset/[token]"),
            ("/ip/203.0.113.77/x", "/ip/203.0.113.0/x"),
            ("/ip/203.0.113.77:8080", "/ip/203.0.113.0"),
            ("/ip/2001:db8:1:2::3", "/ip/2001:db8:1::"),
            ("/ip/203%2e0%2e113%2e77", "/ip/203.0.113.0"),
            ("/host/203-0-113-77.dyn.example.net", "/host/[id]"),
            ("/hw/00-00-5e-00-53-af/x", "/hw/[id]/x"),
        ]);
    }

    #[test]
    fn long_numbers_and_hexadecimals_are_replaced() {
        all(&[
            ("/orders/123456", "/orders/[id]"),
            ("/orders/123456/lines/12345", "/orders/[id]/lines/12345"),
            ("/orders/123456.html", "/orders/[id].html"),
            ("/orders/%3123456", "/orders/[id]"),
            ("/order-12345678/x", "/order-[id]/x"),
            ("/order_12345678-9.pdf", "/order_[id]-9.pdf"),
            ("/tel/+4791234567", "/tel/[phone]"),
            ("/tel/%2B4791234567", "/tel/[phone]"),
            ("/order-99999999.html", "/order-[id].html"),
            ("/x/deadbeefdeadbeef", "/x/[token]"),
            ("/20240521/", "/[id]/"),
        ]);
    }

    #[test]
    fn what_follows_a_reset_is_a_token_however_short() {
        all(&[
            ("/reset/abc", "/reset/[token]"),
            ("/password-reset/MTI/x1-y2/", "/password-reset/[token]/[token]/"),
            ("/account/confirm/email/a1", "/account/confirm/email/[token]"),
            ("/activate/7/then/this", "/activate/[token]/[token]/this"),
            ("/invite/XyZ.html", "/invite/[token]"),
            ("/%72eset/abc", "/%72eset/[token]"),
            ("/resetPassword/abc", "/resetPassword/[token]"),
            ("/Verify-Email/abc", "/Verify-Email/[token]"),
            ("/unsubscribe/u=1&t=2", "/unsubscribe/[token]&t=2"),
            ("/token/app.js", "/token/app.js"),
            ("/api/token=abc/x", "/api/token=/x"),
        ]);
    }

    #[test]
    fn users_are_replaced_where_paths_name_them() {
        all(&[
            ("/users/anna", "/users/[user]"),
            ("/users/anna/orders", "/users/[user]/orders"),
            ("/users/anna.json", "/users/[user].json"),
            ("/users/4711/x", "/users/[id]/x"),
            ("/users/4711.html", "/users/[id].html"),
            ("/u/anna", "/u/[user]"),
            ("/U/anna", "/U/[user]"),
            ("/profile/anna.nordmann", "/profile/[user]"),
            ("/author/anna/", "/author/[user]/"),
            ("/users/token-anna", "/users/[user]"),
            ("/users/confirm/abc", "/users/confirm/[token]"),
            ("/users/profile/anna", "/users/profile/[user]"),
            ("/users/anna@example.org/x", "/users/[email]/x"),
            ("/users//anna", "/users//[user]"),
            ("/users/./anna", "/users/./[user]"),
            ("/%75sers/anna", "/%75sers/[user]"),
            ("/~anna/public_html", "/~[user]/public_html"),
            ("/%7Eanna/", "/%7E[user]/"),
            ("/@anna", "/@[user]"),
            ("/@anna/status/1", "/@[user]/status/1"),
            ("/%40anna", "/%40[user]"),
            ("/dav/anna@localhost/", "/dav/[email]/"),
            ("//anna:secret@intranet/x", "//[email]/x"),
        ]);
    }

    #[test]
    fn values_of_telling_names_go() {
        all(&[
            ("/shop;jsessionid=0A1B/cart", "/shop;jsessionid=/cart"),
            ("/shop;v=1;JSESSIONID=0A1B;w=2", "/shop;v=1;JSESSIONID=;w=2"),
            ("/shop%3Bjsessionid%3D0A1B%3Bw=2", "/shop%3Bjsessionid%3D%3Bw=2"),
            ("/device_id=abc/x", "/device_id=/x"),
            ("/page%3Fuser%3Danna%26q=1", "/page%3Fuser%3D%26q=1"),
            ("/a/ref=sr_1_1", "/a/ref="),
            ("/(S(lit3py55t21z5v55vlm25s55))/page.aspx", "/[token]/page.aspx"),
        ]);
    }

    #[test]
    fn absolute_uris_and_authorities_are_read_like_referers() {
        all(&[
            ("http://example.org/a", "http://example.org/a"),
            ("http://anna:secret@example.org:8080/a", "http://example.org:8080/a"),
            ("http://203.0.113.5:8080/admin", "http://203.0.113.0/admin"),
            ("http://[2001:db8:1:2::3]:80/x/123456", "http://[2001:db8:1::]/x/[id]"),
            ("http://example.org", "http://example.org"),
            ("http://203-0-113-77.dyn.example.net/", "dropped"),
            ("http://%65xample.org/", "dropped"),
            ("ldap://anna:secret@example.org/", "dropped"),
            ("mail.example.net:443", "mail.example.net:443"),
            ("203.0.113.5:443", "203.0.113.0"),
            ("[2001:db8:1:2::3]:443", "[2001:db8:1::]"),
            ("203-0-113-77.dyn.example.net:443", "[id]"),
            ("anna", "anna"),
            ("anna@example.org", "[email]"),
            (r"\/users\/anna", r"\/users\/[user]"),
            (r"https:\/\/example.org\/users\/anna", r"https:\/\/example.org\/users\/[user]"),
        ]);
    }

    #[test]
    fn query_fragment_and_control_characters_do_not_leave() {
        all(&[
            ("/a?user=anna", "/a"),
            ("/a#access_token=abc", "/a"),
            ("/users/anna?x", "/users/[user]"),
            ("/a\u{1b}[2Jb\u{7f}\u{9b}\u{202e}c\r\n", "/a%1b[2Jb%7f%c2%9b%e2%80%aec%0d%0a"),
        ]);
        assert_eq!(treated_bytes(b"/a\x9b\xe6b").unwrap(), b"/a%9b\xe6b");
    }

    #[test]
    fn floods_cost_what_their_length_costs() {
        for unit in [
            "/",
            "/a",
            "/1",
            "%40",
            "@",
            ";",
            "=",
            "/u/",
            "/reset/",
            "~",
            "1234567890",
            "1.1.1.1.",
            "%",
            "/@",
            ":",
            "a=",
            "\\",
        ] {
            let mut times = [500, 8_000].map(|count| {
                let value = format!("/{}", unit.repeat(count));
                let start = std::time::Instant::now();
                let _ = treated_bytes(value.as_bytes());
                start.elapsed()
            });
            times[0] += std::time::Duration::from_millis(3);
            assert!(times[1] < times[0] * 160, "{unit}");
        }
    }

    /// Paths of parts that matter.
    fn paths() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            Just("/".to_string()),
            "[a-z]{1,16}",
            "[A-Za-z0-9._-]{1,24}",
            "[0-9]{1,16}",
            "[0-9a-f]{4,40}",
            proptest::sample::select(vec![
                "/users/",
                "/u/",
                "/reset/",
                "-verify",
                "/~",
                "/@",
                "@",
                "%40",
                ";jsessionid=",
                "=",
                "%3D",
                "login",
                ".html",
                ".js",
                "[id]",
                "[user]",
                "[token]",
                "[email]",
                "203.0.113.77",
                "anna@example.org",
                "2001:db8::7",
                ":",
                "%2e",
                "http://",
                "\\/",
                "?",
                "npm/",
                "(S(",
                "..",
                "%",
                "\u{1b}",
                "\u{202e}",
                "\u{e5}",
                "550e8400-e29b-41d4-a716-446655440000",
                ";v=",
            ])
            .prop_map(str::to_string),
        ];
        proptest::collection::vec(part, 0..8).prop_map(|parts| format!("/{}", parts.concat()))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn looking_at_all_bytes_at_once_is_looking_at_each(
            plain in r"/[a-z0-9./_-]{0,63}",
            words in r"(/{1,2}([a-z]{1,16}|u|node_modules|users|reset|[0-9]{1,6}|[a-z]{2}[0-9])([._-]{1,2}[a-z0-9]{1,7})?){1,6}/?",
            any in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            looks_agree(plain.as_bytes());
            looks_agree(&words.as_bytes()[..words.len().min(63)]);
            looks_agree(&any);
        }

        #[test]
        fn a_clear_path_is_one_that_a_close_look_leaves(path in r"(/[a-z0-9._-]{0,18}){1,4}") {
            let made = |treat: fn(&Path, &[u8], &mut Aid, &mut Vec<u8>) -> Outcome| outcome(path.as_bytes(), treat);
            prop_assert_eq!(made(Path::treat), made(Path::treat_closely));
        }

        #[test]
        fn the_first_look_saves_work_and_changes_nothing(value in paths()) {
            prop_assert_eq!(treated_bytes(value.as_bytes()), outcome(value.as_bytes(), Path::treat_closely));
        }

        #[test]
        fn memory_gives_what_no_memory_gives(
            values in proptest::collection::vec(paths(), 1..8), picks in proptest::collection::vec((0usize..8, any::<bool>()), 1..40),
        ) {
            let mut aid = Aid::default();
            // One that stands under one network and not under the other.
            let values: Vec<String> = values.into_iter().chain(["/lookup/203.0.113.9".to_owned()]).collect();
            for (pick, wide) in picks {
                let value = values[pick % values.len()].as_bytes();
                let v4 = if wide { 32 } else { 16 };
                let path = Path::new(Truncate { v4, v6: 48, port: Port::Drop, exempt: std::sync::Arc::from([]) });
                let (mut with, mut without) = (Vec::new(), Vec::new());
                let remembered = path.treat(value, &mut aid, &mut with);
                let anew = path.treat(value, &mut Aid::default(), &mut without);
                prop_assert_eq!((remembered, with), (anew, without));
            }
        }

        #[test]
        fn what_leaves_stays_as_it_is(value in prop_oneof![paths(), "(https?://)?[a-z0-9@:.\\[\\]]{1,20}[/a-z0-9@:%=;]{0,20}"]) {
            if let Some(once) = treated_bytes(value.as_bytes()) {
                prop_assert_eq!(treated_bytes(&once), Some(once));
            }
        }

        #[test]
        fn any_bytes_leave_no_control_characters(value in proptest::collection::vec(any::<u8>(), 0..60)) {
            if let Some(once) = treated_bytes(&value) {
                prop_assert!(once.iter().all(|&byte| byte == b'\t' || byte >= b' ' && byte != 0x7f));
                prop_assert_eq!(treated_bytes(&once), Some(once));
            }
        }

        #[test]
        fn no_planted_identifier_survives(
            kind in 0..6usize, place in 0..7usize, a in 1u8.., b in any::<u8>(), c in any::<u8>(), d in 1u8..,
        ) {
            let address = format!("{a}.{b}.{c}.{d}");
            let planted = [
                address.clone(), address.replace('.', "%2E"), format!("2001:db8:{a:x}:{b:x}::{d:x}"), format!("ola.{a}{b}@example.org"),
                format!("0f8fad5b-d9cb-469f-a165-7086772{b:02x}{c:02x}{d:x}"), format!("9f86d081884c7d659a2feaa0c55ad015{b:02x}{c:02x}"),
            ][kind].clone();
            let value = [
                format!("/{planted}"), format!("/x/{planted}/y"), format!("/x;v={planted}"), format!("http://example.org/{planted}"),
                format!("/a,{planted},b"), format!("/users/{planted}"), format!("/({planted})"),
            ][place].clone();
            let made = treated(&value);
            prop_assert!(!made.contains(&planted) && !made.contains(&address), "{} → {}", value, made);
        }

        #[test]
        fn what_is_replaced_changes_nothing(a in "[a-z0-9]{1,15}", b in "[a-z0-9]{1,15}", c in "[1-9][0-9]{5,10}", d in "[1-9][0-9]{5,10}") {
            let value = |user: &str, number: &str| format!("/~{user}/reset/7{user}/x;sid={number}/orders/{number}/y");
            prop_assert_eq!(treated(&value(&a, &c)), treated(&value(&b, &d)));
        }
    }
}
