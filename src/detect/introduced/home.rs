//! Directories that are called as their users are: `/home/kari`, `C:\Users\Kari Nordmann`.

use super::super::Finding;
use super::read::{is_name, name, run};

/// The segment behind a directory of homes.
pub(super) fn home(text: &[u8], at: usize, end: usize) -> Option<Finding> {
    let mut start = end;
    if text[at..end].ends_with(b"/home") {
        // A second disk's are called `/home2`.
        start = run(text, end, |byte| byte.is_ascii_digit());
        if text.get(start) != Some(&b'/') || start > end + 2 {
            return None;
        }
        start += 1;
    } else if text[at..].starts_with(b"/~") {
        start = at + 2;
        if !text[start].is_ascii_alphabetic() {
            return None;
        }
    } else if text[at] == b'/' && text[at + 1] == b'c' {
        // `/crontabs/` is read without its slash.
        return None;
    }
    let before = &text[..at];
    let roots: [&[u8]; 10] =
        [b"/export", b"/usr", b"/var", b"/data", b"/mnt", b"/nfs", b"/srv", b"/Data", b"/c", b"://"];
    let inside = before.last().is_some_and(|&byte| is_name(byte) && byte != b'@' || matches!(byte, b'/' | b'%' | b'~'));
    let free = text[at..].starts_with(b"/~") || text[at] == b'c';
    if !free && inside && !roots.iter().any(|root| before.ends_with(root)) {
        return None;
    }
    if is_requested(before) && !text[at..].starts_with(b"/~") {
        return None;
    }
    let stops = |byte: u8| byte <= b' ' || br#"/\:"'`<>|,;()[]{}?&#=*"#.contains(&byte);
    let mut stop = run(text, start, |byte| !stops(byte));
    while stop > start && matches!(text[stop - 1], b'.' | b'!') {
        stop -= 1;
    }
    let value = &text[start..stop];
    let begins = value.first().is_some_and(|&byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80);
    // `/home/index.html` is a page.
    let page = text.get(stop) != Some(&b'/')
        && value.iter().rposition(|&byte| byte == b'.').is_some_and(|dot| PAGES.contains(&&value[dot + 1..]));
    (begins && !page).then(|| name(text, start, stop)).flatten()
}

/// Whether a request's method stands in front: what follows is a path of a site.
pub(super) fn is_requested(before: &[u8]) -> bool {
    let methods: [&[u8]; 6] = [b"GET ", b"POST ", b"HEAD ", b"OPTIONS ", b"PATCH ", b"DELETE "];
    methods.iter().any(|method| before.ends_with(method))
}

/// The segment behind a directory of homes of Windows, which may hold blanks.
pub(super) fn windows(text: &[u8], end: usize) -> Option<Finding> {
    let start = end + usize::from(text.get(end) == Some(&b'\\'));
    let holds = |byte: u8| is_name(byte) && byte != b'\\' || byte == b'~';
    let blanks = run(text, start, |byte| holds(byte) || byte == b' ');
    let stop = if text.get(blanks) == Some(&b'\\') { blanks } else { run(text, start, holds) };
    let everyone: [&[u8]; 4] = [b"Public", b"Default", b"All Users", b"Default User"];
    (stop > start && !everyone.contains(&&text[start..stop])).then(|| name(text, start, stop)).flatten()
}

/// What ends the name of a page.
const PAGES: &[&[u8]] = &[
    b"html", b"htm", b"php", b"css", b"js", b"png", b"jpg", b"jpeg", b"gif", b"svg", b"ico", b"txt", b"json", b"xml",
    b"asp", b"aspx", b"jsp", b"webp", b"pdf",
];
