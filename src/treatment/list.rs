//! Lists of addresses as headers and upstreams write them: `a, b`, `a : b`, and the pairs of a `Forwarded` header.

use super::{
    address::{Address, parse_element, parse_v6},
    escape,
};

/// What becomes of one address: appends something and says so, or refuses it. It is given the port as it was written.
pub(super) trait Write: FnMut(Address, Option<&[u8]>, &mut Vec<u8>) -> bool {}

impl<F: FnMut(Address, Option<&[u8]>, &mut Vec<u8>) -> bool> Write for F {}

/// Treats each address of `value`, in any spelling, and appends it, or `-` for an element that is no address.
///
/// Returns whether any was treated; if none was, nothing is appended. What `buffer` holds means nothing.
pub(super) fn addresses(value: &[u8], buffer: &mut Vec<u8>, made: &mut Vec<u8>, mut write: impl Write) -> bool {
    if let Some(bits) = parse_v6(value) {
        return write(Address::from_v6(bits), None, made);
    }
    let element = |text: &[u8], made: &mut Vec<u8>| element(text, made, &mut write);
    if memchr::memchr(b'\\', value).is_some() {
        buffer.clear();
        escape::unescape(value, buffer);
        each(buffer, made, element)
    } else {
        each(value, made, element)
    }
}

/// An address as it stands, or one of which any byte is percent-encoded, once or twice.
fn element(text: &[u8], made: &mut Vec<u8>, write: &mut impl Write) -> bool {
    if let Some((address, port)) = parse_element(text) {
        return write(address, port, made);
    }
    let mut decoded = [0; MOST_ENCODED];
    let Some(room) = decoded.get_mut(..text.len()).filter(|_| memchr::memchr(b'%', text).is_some()) else {
        return false;
    };
    room.copy_from_slice(text);
    let mut length = text.len();
    for _ in 0..2 {
        length = escape::percent_decode(&mut decoded[..length]);
        if let Some((address, port)) = parse_element(&decoded[..length]) {
            return write(address, port, made);
        }
    }
    false
}

/// The longest percent-encoded address that is read: each byte encoded, brackets and port included.
const MOST_ENCODED: usize = 256;

/// Treats each element of `value` and appends it, or `-` for one that `treat` refuses; between them, separators.
///
/// Returns whether any was treated; if none was, nothing is appended. Separators come out as `,`, `, `, ` : ` or a blank.
/// Of `name=value` pairs those named `for` and `by` are elements, without their names; the others go.
pub(super) fn each(value: &[u8], made: &mut Vec<u8>, mut treat: impl FnMut(&[u8], &mut Vec<u8>) -> bool) -> bool {
    let start = made.len();
    let mut any = false;
    let mut separator = Separator::default();
    let mut rest = value;
    while let Some(&byte) = rest.first() {
        let length = rest.iter().position(|&byte| is_separator(byte)).unwrap_or(rest.len());
        if length == 0 {
            separator.add(byte);
            rest = &rest[1..];
            continue;
        }
        let (element, after) = rest.split_at(length);
        rest = after;
        if element == b":" {
            separator.add(b':');
            continue;
        }
        let Some(element) = of_pair(element) else {
            continue;
        };
        if made.len() > start {
            made.extend_from_slice(separator.bytes());
        }
        separator = Separator::default();
        if treat(element, made) {
            any = true;
        } else {
            made.push(b'-');
        }
    }
    if !any {
        made.truncate(start);
    }
    any
}

/// What stood between two elements.
#[derive(Default)]
struct Separator {
    blank: bool,
    colon: bool,
    comma: bool,
}

impl Separator {
    fn add(&mut self, byte: u8) {
        match byte {
            b':' => self.colon = true,
            b',' => self.comma = true,
            // The pairs of one hop come out as a list.
            b';' => (self.comma, self.blank) = (true, true),
            _ => self.blank = true,
        }
    }

    fn bytes(&self) -> &'static [u8] {
        match (self.comma, self.colon, self.blank) {
            (true, _, false) => b",",
            (true, _, true) => b", ",
            (false, true, _) => b" : ",
            (false, false, _) => b" ",
        }
    }
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b',' | b';' | b'\t')
}

/// The element in a pair, the element itself where it is none, or nothing for a pair of no interest.
fn of_pair(element: &[u8]) -> Option<&[u8]> {
    match memchr::memchr(b'=', element) {
        None => Some(element),
        Some(at) if element[..at].eq_ignore_ascii_case(b"for") || element[..at].eq_ignore_ascii_case(b"by") => {
            Some(&element[at + 1..])
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn listed(value: &str) -> Option<String> {
        let mut made = b"before".to_vec();
        let any = each(value.as_bytes(), &mut made, |element, made| {
            let digits = element.iter().all(u8::is_ascii_digit);
            if digits {
                made.extend_from_slice(element);
            }
            digits
        });
        let made = String::from_utf8(made).unwrap().strip_prefix("before").unwrap().to_owned();
        assert_eq!(any, !made.is_empty());
        any.then_some(made)
    }

    #[test]
    fn separators_stay_between_elements_and_nowhere_else() {
        for (value, list) in [
            ("1", "1"),
            ("1, 2,3", "1, 2,3"),
            ("1, 2 : 3", "1, 2 : 3"),
            ("1 2", "1 2"),
            (" ,1,,  2, ", "1, 2"),
            ("x, 1", "-, 1"),
            ("-, 1 : -", "-, 1 : -"),
            ("1\t2", "1 2"),
        ] {
            assert_eq!(listed(value).as_deref(), Some(list), "{value}");
        }
    }

    #[test]
    fn of_pairs_the_addresses_stay() {
        assert_eq!(listed("for=1;proto=http;By=2, host=a;FOR=3").as_deref(), Some("1, 2, 3"));
        assert_eq!(listed("for=_hidden, for=4").as_deref(), Some("-, 4"));
        assert_eq!(listed("proto=1;host=2"), None);
    }

    #[test]
    fn a_list_of_nothing_leaves_nothing() {
        for value in ["", ",", "x", "x, y : z", " : ", "-"] {
            assert_eq!(listed(value), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn what_came_out_comes_out_again(value in "[0-9x,:; =-]{0,30}") {
            if let Some(list) = listed(&value) {
                prop_assert_eq!(listed(&list), Some(list.clone()));
            }
        }
    }
}
