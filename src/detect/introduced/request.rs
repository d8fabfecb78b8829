//! The values of a query, where a request or a URL stands in a text: what a visitor wrote, whatever it is.
//!
//! The rule is that of a query in a format's own field: names stay, and so do the values that say nothing of anybody.

use super::super::{Finding, What, secret, user};
use super::read::{REACH, bracket, is_name, name};
use memchr::{memchr, memchr2, memmem};

/// Adds the values in the target that starts at `start`; the method, or what else introduces it, starts at `at`.
pub(super) fn target(text: &[u8], at: usize, start: usize, found: &mut Vec<Finding>) {
    // A quote in front, or at the start of the mark, closes again.
    let open = if matches!(text[at], b'"' | b'\'' | b'|') { Some(at) } else { at.checked_sub(1) };
    let quote = open.map(|open| text[open]).filter(|byte| matches!(byte, b'"' | b'\'' | b'`' | b'(' | b'[' | b'|'));
    let end = match quote.map(bracket) {
        Some(close) if matches!(close, b'"' | b'\'' | b'`') => {
            let end = memchr(close, &text[start..]).map_or(text.len(), |length| start + length);
            let target = &text[start..end];
            let target = target.strip_suffix(b"\\").unwrap_or(target);
            start + memmem::rfind(target, b" HTTP/").unwrap_or(target.len())
        }
        close => {
            let length = text[start..].iter().position(|&b| stops(b) || Some(b) == close).unwrap_or(text.len() - start);
            // A blank in it, up to the protocol.
            let reach = &text[start + length..text.len().min(start + length + REACH)];
            let more = memmem::find(reach, b" HTTP/").filter(|&more| {
                text[at].is_ascii_alphabetic() && !reach[..more].iter().any(|&b| b != b' ' && stops(b) || b == b':')
            });
            start + length + more.unwrap_or(0)
        }
    };
    // Without a method or quotes it may be anybody's link, and small numbers stay.
    let most = if at == start { 5 } else { 0 };
    // `"/users/kari"` without a method may be any file.
    let method = text[..at].last_chunk::<2>().is_some_and(|last| last[0].is_ascii_uppercase() && last[1] == b' ');
    if at < start && (!text[at..].starts_with(b"\"/") || method) {
        people(text, start, end, found);
    }
    values(text, start, end, most, found);
}

/// Adds the segments of the target's path that name somebody: what stands behind `/users/` and its like.
fn people(text: &[u8], start: usize, end: usize, found: &mut Vec<Finding>) {
    let path = &text[start..end];
    let path = &path[..memchr(b'?', path).unwrap_or(path.len())];
    let mut named = false;
    let mut at = 0;
    for segment in path.split(|&byte| byte == b'/').take(SEGMENTS) {
        let among = |list: &[&str]| list.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(segment));
        if named && !segment.is_empty() {
            let word = segment.iter().all(|&byte| is_name(byte)) && segment[0].is_ascii_alphabetic();
            let page = segment.contains(&b'.') && at + segment.len() == path.len();
            if word
                && !page
                && segment.len() > 2
                && !user::is_prose(segment)
                && !among(PAGES)
                && !among(USERS)
                && !among(&["accounts"])
            {
                found.extend(name(text, start + at, start + at + segment.len()));
            }
        }
        named = among(USERS) || among(&["accounts"]);
        at += segment.len() + 1;
    }
}

/// How many segments of a path are read.
const SEGMENTS: usize = 16;

/// Segments that a user's name or number follows.
pub(crate) const USERS: &[&str] = &[
    "u",
    "user",
    "users",
    "profile",
    "profiles",
    "member",
    "members",
    "author",
    "authors",
    "people",
    "person",
    "persons",
    "customer",
    "customers",
    "client",
    "clients",
    "employee",
    "employees",
    "student",
    "students",
    "patient",
    "patients",
    "bruker",
    "brukere",
    "benutzer",
    "usuario",
];

/// What else stands behind them.
const PAGES: &[&str] = &[
    "login",
    "logout",
    "signin",
    "sign_in",
    "sign-in",
    "signup",
    "sign_up",
    "sign-up",
    "register",
    "edit",
    "create",
    "all",
    "current",
    "self",
    "auth",
    "oauth",
    "reset",
    "forgot",
    "forgot-password",
    "forgotpassword",
    "verify",
    "confirm",
    "confirmation",
    "activate",
    "settings",
    "notifications",
    "messages",
    "orders",
    "index",
    "count",
    "stats",
    "batch",
    "bulk",
    "avatar",
    "avatars",
    "photo",
    "photos",
    "images",
    "img",
    "css",
    "js",
    "assets",
    "static",
    "public",
    "private",
    "admin",
    "api",
    "v1",
    "v2",
    "v3",
    "rest",
    "json",
    "feed",
    "rss",
    "about",
    "contact",
    "blog",
    "online",
    "recent",
    "popular",
    "top",
    "sms",
    "invite",
    "invites",
    "invitations",
    "password",
    "passwords",
    "dashboard",
    "favorites",
    "followers",
    "following",
    "friends",
    "groups",
    "billing",
    "invoices",
    "payments",
    "addresses",
    "delete",
    "remove",
    "tokens",
    "sessions",
    "roles",
    "permissions",
    "me",
    "whoami",
    "anonymous",
    "guest",
    "service",
    "portal",
    "area",
    "zone",
    "center",
    "centre",
    "home",
    "info",
    "details",
    "reviews",
    "stories",
    "testimonials",
    "logos",
];

/// What ends a target without quotes around it.
fn stops(byte: u8) -> bool {
    byte <= b' ' || matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'`' | b'\\')
}

/// Adds the values of the parameters between the first question mark behind `start` and `end`, but for numbers of up to
/// `most` digits.
fn values(text: &[u8], start: usize, end: usize, most: usize, found: &mut Vec<Finding>) {
    let Some(mark) = memchr(b'?', &text[start..end]) else { return };
    let mut at = start + mark + 1;
    while at < end {
        let length = separator(&text[at..end]).unwrap_or(end - at);
        if let Some(sign) = memchr(b'=', &text[at..at + length]) {
            let (name, value) = (&text[at..at + sign], &text[at + sign + 1..at + length]);
            let small = value.len() <= most && value.iter().all(u8::is_ascii_digit);
            if !value.is_empty() && !small && !secret::is_placeholder(value) && !is_harmless(name, value) {
                // Behind a name that promises a secret or a user nothing at all would be read once more, and what follows it.
                let what = if user::promises(name) {
                    What::User
                } else if secret::promises(name) {
                    What::Token
                } else {
                    What::Value
                };
                found.push(Finding::new(at + sign + 1, at + length, what));
            }
        }
        at += length + 1;
    }
}

/// Where the next parameter is parted off: at `&`, and at `;` where one follows.
fn separator(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = memchr2(b'&', b';', &text[from..]).map(|at| from + at) {
        let rest = &text[at + 1..text.len().min(at + 34)];
        let name = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')).count();
        if text[at] == b'&' || rest.get(name) == Some(&b'=') {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// Whether a value says nothing of a visitor: a page's number, a language, an order, and a pseudonym.
fn is_harmless(name: &[u8], value: &[u8]) -> bool {
    let letters = |most: usize| value.len() <= most && value.iter().all(u8::is_ascii_alphabetic);
    match name {
        b"page" | b"p" | b"limit" | b"offset" => value.len() <= 6 && value.iter().all(u8::is_ascii_digit),
        b"lang" | b"hl" => {
            matches!(value, [a, b] | [a, b, b'-' | b'_', _, _] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic())
        }
        // What programs write behind their scripts.
        b"v" | b"ver" | b"version" => value.len() <= 8 && value.iter().all(|b| b.is_ascii_digit() || *b == b'.'),
        b"sort" | b"order" | b"utm_source" | b"utm_medium" => letters(16),
        _ => secret::is_ours(value) && value.starts_with(b"p1."),
    }
}
