//! Pieces of long lines as Docker's `json-file` driver writes them.
//!
//! Docker cuts what a container writes after 16 KiB and writes each piece as a record of its own:
//! `{"log":"…","stream":"stdout","time":"…"}`. Only the last piece of a line has its line feed. The members stand in this
//! order, with `attrs` before the time where labels are logged (moby: `daemon/logger/jsonfilelog/jsonlog`,
//! `daemon/logger/copier.go`).

use super::Part;
use memchr::memchr2;

/// Docker puts so many bytes of a line into a piece; with escapes it is longer, never shorter.
pub(crate) const PIECE_BYTES: usize = 16 * 1024;

/// What stands behind the string is at most so long: labels have no limit of their own.
const MOST_TAIL_BYTES: usize = 4 * 1024;

const HEAD: &[u8] = b"{\"log\":\"";

/// Which piece of which line this is; `None`: Docker did not write it.
#[inline(never)]
pub(super) fn part(line: &[u8]) -> Option<Part> {
    if !line.starts_with(HEAD) || line.last() != Some(&b'}') {
        return None;
    }
    let start = HEAD.len();
    let end = string_end(line, start)?;
    let tail = &line[end..];
    let lane = if tail.starts_with(b"\",\"stream\":\"stdout\",") {
        2
    } else if tail.starts_with(b"\",\"stream\":\"stderr\",") {
        3
    } else {
        return None;
    };
    let whole = line[start..end].ends_with(b"\\n") && !escapes_backslash(&line[start..end - 1]);
    let partial = !whole && end - start >= PIECE_BYTES;
    (tail.len() <= MOST_TAIL_BYTES).then_some(Part { lane, partial, start, end, escaped: true })
}

/// Where the string that starts at `at` is closed.
fn string_end(line: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr2(b'"', b'\\', line.get(at..)?)?;
        match line[at] {
            b'"' => return Some(at),
            _ => at += 2,
        }
    }
}

/// Whether the backslash that `text` ends with is itself escaped.
fn escapes_backslash(text: &[u8]) -> bool {
    text.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 0
}

/// What of the text of a piece may stand where its line is cut: up to the last blank, for half an identifier is still one.
/// Nothing of text without a blank.
pub(crate) fn trimmed(text: &[u8]) -> &[u8] {
    &text[..memchr::memrchr(b' ', text).unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn line(text: &str, stream: &str) -> String {
        format!("{{\"log\":\"{text}\",\"stream\":\"{stream}\",\"time\":\"2026-11-21T10:00:00.1Z\"}}")
    }

    #[test]
    fn a_long_string_without_a_line_feed_is_a_piece() {
        let text = "x".repeat(PIECE_BYTES);
        for (text, stream, expected) in [
            (text.clone(), "stdout", Some((2, true))),
            (text.clone(), "stderr", Some((3, true))),
            (format!("{text}\\n"), "stdout", Some((2, false))),
            (format!("{text}\\\\n"), "stdout", Some((2, true))),
            (format!("{text}\\\\\\n"), "stdout", Some((2, false))),
            ("x\\n".to_owned(), "stdout", Some((2, false))),
            ("x".to_owned(), "stdout", Some((2, false))),
            (String::new(), "stdout", Some((2, false))),
            (text.clone(), "stdin", None),
        ] {
            let line = line(&text, stream);
            let part = part(line.as_bytes());
            assert_eq!(part.map(|part| (part.lane, part.partial)), expected, "{} {stream}", text.len());
            if let Some(part) = part {
                assert_eq!(&line[part.start..part.end], text);
            }
        }
    }

    #[test]
    fn what_docker_does_not_write_is_no_piece() {
        let text = "x".repeat(PIECE_BYTES);
        for line in [
            format!("{{\"log\":\"{text}"),
            format!("{{\"log\":\"{text}\\"),
            format!("{{\"log\":\"{text}\"}}"),
            format!("{{\"message\":\"{text}\",\"stream\":\"stdout\",\"time\":\"x\"}}"),
            format!("{{\"log\":\"{text}\",\"stream\":\"stdout\",\"attrs\":{{\"a\":\"{text}\"}},\"time\":\"x\"}}"),
        ] {
            assert_eq!(part(line.as_bytes()), None, "{}", &line[..12]);
        }
    }

    #[test]
    fn a_cut_text_ends_at_a_blank() {
        assert_eq!(trimmed(b"from 192.0.2.1 to 198.51"), b"from 192.0.2.1 to");
        assert_eq!(trimmed(b"198.51"), b"");
    }
}
