//! What stands around an address and goes with it: zone, brackets, port.

use super::{
    Finding,
    bytes::{ALNUM, DIGIT, HOST, is, is_at, is_before, run_end},
};
use crate::record::Span;

/// How an address is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// With dots, or as a number.
    Four,
    /// With colons, one that maps an IPv4 address included.
    Six,
}

/// How long a zone may be. A longer one is hidden to here.
const ZONE: usize = 64;

/// The finding with the zone in its core, and with zone, brackets and port in its span.
///
/// Brackets go with an IPv6 address, and with an IPv4 address that a port follows, but not where they follow a word, as
/// in `unknown[192.0.2.7]`: there the name would run into the address.
#[inline]
pub(super) fn surround(text: &[u8], finding: Finding, family: Family) -> Finding {
    let (mut start, mut end) = (finding.span.start as usize, finding.span.end as usize);
    let six = family == Family::Six;
    let mut core_end = finding.core.end as usize;
    if six && end == core_end && text.get(end) == Some(&b'%') {
        let zone = run_end(&text[..text.len().min(end + 1 + ZONE)], end + 1, HOST);
        if zone > end + 1 {
            (core_end, end) = (zone, zone);
        }
    }
    if text.get(end) == Some(&b']') && start > 0 && text[start - 1] == b'[' && !follows_name(text, start - 1) {
        let port = port_end(text, end + 1);
        if six || port > end + 1 {
            (start, end) = (start - 1, port);
        }
    } else {
        end = port_end(text, end);
        if !six && end == core_end {
            end = router_port_end(text, start, end);
        }
    }
    Finding { span: Span::new(start, end), core: Span::new(finding.core.start as usize, core_end), ..finding }
}

/// Whether a word ends at `at`, or what stands for the name of a host.
fn follows_name(text: &[u8], at: usize) -> bool {
    is_before(text, at, HOST) || text[..at].ends_with(b"[id]")
}

/// Where the port that stands at `at` ends; `at` if none does.
fn port_end(text: &[u8], at: usize) -> usize {
    if !matches!(text.get(at), Some(b':' | b'#')) || !is_at(text, at + 1, DIGIT) {
        return at;
    }
    let end = run_end(&text[..text.len().min(at + 7)], at + 1, DIGIT);
    let goes_on = is_at(text, end, ALNUM)
        || matches!(text.get(end), Some(b'.' | b':' | b'_' | b'-'))
            && is_at(text, end + 1, ALNUM)
            && !is(text[end], ALNUM);
    // `#033[` starts a colour, as syslog writes an escape.
    let colour = text[at] == b'#' && text.get(end) == Some(&b'[');
    if end - at > 6 || goes_on || colour { at } else { end }
}

/// Where the port ends that stands behind an IPv4 address as routers write it, `203.0.113.7/51234`, `203.0.113.7(51234)`; `at`
/// if none does. Behind a slash numbers up to 32 are the length of a prefix, and in a URL they are its path.
fn router_port_end(text: &[u8], start: usize, at: usize) -> usize {
    if !matches!(text.get(at), Some(b'/' | b'(')) || !is_at(text, at + 1, DIGIT) {
        return at;
    }
    let end = run_end(&text[..text.len().min(at + 7)], at + 1, DIGIT);
    let number = text[at + 1..end].iter().fold(0u32, |sum, &byte| sum * 10 + u32::from(byte - b'0'));
    if end - at > 6 || number > 65_535 {
        return at;
    }
    if text[at] == b'(' {
        return if text.get(end) == Some(&b')') { end + 1 } else { at };
    }
    let url = start > 0 && matches!(text[start - 1], b'/' | b'@');
    let goes_on = is_at(text, end, ALNUM)
        || matches!(text.get(end), Some(b'/' | b'.' | b'_' | b'-' | b'?' | b':') if is_at(text, end + 1, ALNUM) || text[end] == b'/');
    if number > 32 && !url && !goes_on { end } else { at }
}

/// A name with the port behind it, and the brackets around it where a port follows them: of an address, however it is
/// spelled, no port may stay.
pub(super) fn with_port(text: &[u8], finding: Finding) -> Finding {
    let (start, end) = (finding.span.start as usize, finding.span.end as usize);
    if text.get(end) == Some(&b']') && start > 0 && text[start - 1] == b'[' && !follows_name(text, start - 1) {
        let port = port_end(text, end + 1);
        return if port > end + 1 { Finding::new(start - 1, port, finding.what) } else { finding };
    }
    Finding::new(start, port_end(text, end), finding.what)
}
