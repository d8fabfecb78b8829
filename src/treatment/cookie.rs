//! A `Cookie` or `Set-Cookie` header, cookie by cookie.

use super::{
    Aid, Outcome,
    names::{Role, lookup},
    origin::{Verdict, judge},
    parameter::{Lists, Named, name_stands, write_kept, write_pseudonym},
    pseudonym::Pseudonym,
};

/// Keeps the names of cookies; of their values only those that the policy keeps or pseudonymises.
///
/// A name stays if it is 1 to 48 of `[A-Za-z0-9_.\[\]-]`, begins with a letter, `_` or `.`, and no detector fires on it;
/// else it is `_`. Clicks and affiliates go, name and value. Of `Set-Cookie` the attributes stay whose value is of a
/// closed form.
#[derive(Clone, Debug)]
pub struct Cookie {
    lists: Lists,
}

impl Cookie {
    /// A cookie treatment with the names of values to keep and to pseudonymise, and the keys of devices and sessions.
    pub fn new(keep: Vec<Box<[u8]>>, pseudonym: Vec<Box<[u8]>>, device: Pseudonym, session: Pseudonym) -> Cookie {
        Cookie { lists: Lists::new(keep, pseudonym, device, session) }
    }

    /// Treats the header.
    pub fn treat(&self, value: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
        let start = made.len();
        for part in value.split(|&byte| byte == b';') {
            let cookie = part.trim_ascii();
            let ends = made.len();
            if ends > start {
                made.extend_from_slice(if part.starts_with(b" ") { b"; " } else { b";" });
            }
            // A cookie that is called as an attribute loses nothing by being read as one.
            let stays = attribute(cookie, aid, made) || self.cookie(cookie, aid, made);
            if !stays {
                made.truncate(ends);
            }
        }
        if made[start..] == *value {
            made.truncate(start);
            return Outcome::Kept;
        }
        if made.len() == start { Outcome::Dropped } else { Outcome::Made }
    }

    /// Appends what stays of a cookie; `false`: nothing, not even its place.
    fn cookie(&self, cookie: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> bool {
        let (name, value) = match memchr::memchr(b'=', cookie) {
            Some(equals) => (&cookie[..equals], &cookie[equals + 1..]),
            // A cookie without name: all of it is value.
            None if cookie.is_empty() => return false,
            None => {
                made.push(b'_');
                return true;
            }
        };
        let role = lookup(name);
        let starts = matches!(name.first(), Some(b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'.'));
        if !starts || !name_stands(name, LONGEST_NAME, &mut aid.detector) {
            made.extend_from_slice(b"_=");
            return true;
        }
        let named = self.lists.named(name, role);
        if role == Some(Role::Click) && named.is_none() {
            return false;
        }
        made.extend_from_slice(name);
        made.push(b'=');
        match named {
            Some(_) if value.is_empty() => {}
            Some(Named::Pseudonym(key)) => write_pseudonym(key, value, aid, made),
            Some(Named::Keep) => write_kept(value, None, &mut aid.detector, made),
            None => {}
        }
        true
    }
}

/// Appends an attribute of a `Set-Cookie` whose value can hold nothing; `false`: it is none.
fn attribute(text: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> bool {
    let (name, value) = match memchr::memchr(b'=', text) {
        Some(equals) => (&text[..equals], Some(&text[equals + 1..])),
        None => (text, None),
    };
    let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    let stays = match value {
        None => is("Secure") || is("HttpOnly") || is("Partitioned"),
        Some(value) if is("Path") => value == b"/",
        Some(value) if is("SameSite") => {
            [&b"Lax"[..], b"Strict", b"None"].iter().any(|known| value.eq_ignore_ascii_case(known))
        }
        Some(value) if is("Max-Age") => {
            let digits = value.strip_prefix(b"-").unwrap_or(value);
            (1..=9).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
        }
        Some(value) if is("Expires") => is_date(value),
        Some(value) if is("Domain") => {
            let host = value.strip_prefix(b".").unwrap_or(value);
            matches!(judge(host, &mut aid.detector), Verdict::Name)
        }
        Some(_) => false,
    };
    if stays {
        made.extend_from_slice(text);
    } else if is("Path") || is("Domain") || is("Expires") || is("Max-Age") || is("SameSite") {
        made.extend_from_slice(name);
        made.push(b'=');
        return true;
    }
    stays
}

/// `Wed, 21 Oct 2026 07:28:00 GMT`, with blanks or dashes in the date, a year of two digits or four.
fn is_date(value: &[u8]) -> bool {
    let Some(rest) = value.iter().position(|&byte| byte == b' ').map(|at| &value[at + 1..]) else { return false };
    let day = &value[..value.len() - rest.len() - 1];
    let rest: &[u8] = rest;
    let shape = |pattern: &[u8]| {
        pattern.len() == rest.len()
            && pattern.iter().zip(rest).all(|(&want, &byte)| match want {
                b'9' => byte.is_ascii_digit(),
                b'a' => byte.is_ascii_alphabetic(),
                b'-' => matches!(byte, b'-' | b' '),
                _ => byte == want,
            })
    };
    (4..=10).contains(&day.len())
        && day.strip_suffix(b",").is_some_and(|day| day.iter().all(u8::is_ascii_alphabetic))
        && (shape(b"99-aaa-9999 99:99:99 GMT") || shape(b"99-aaa-99 99:99:99 GMT"))
}

/// Bytes of a name that may stay.
const LONGEST_NAME: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        epoch::Epoch,
        treatment::pseudonym::{Canonical, Form, Secret},
    };
    use proptest::prelude::*;

    fn cookie() -> Cookie {
        let key = |slot| Pseudonym { slot, digits: 16, form: Form::Token, canonical: Canonical::Identifier };
        let names = |list: &[&str]| list.iter().map(|name| name.as_bytes().into()).collect();
        Cookie::new(names(&["theme", "token", "color"]), names(&["PHPSESSID", "device_id", "shop"]), key(0), key(1))
    }

    fn treated_bytes(value: &[u8]) -> Vec<u8> {
        let mut made = b"before".to_vec();
        match cookie().treat(value, &mut aid(), &mut made) {
            Outcome::Made => made[6..].to_vec(),
            Outcome::Kept => value.to_vec(),
            Outcome::Dropped => Vec::new(),
            other => panic!("{other:?}"),
        }
    }

    fn treated(value: &str) -> String {
        String::from_utf8(treated_bytes(value.as_bytes())).unwrap()
    }

    #[test]
    fn names_stay_and_values_go() {
        assert_eq!(treated("a=1; b=anna; _ga=GA1.2.3.4;c=d"), "a=; b=; _ga=;c=");
        assert_eq!(treated("anna"), "_");
        assert_eq!(treated("anna%40example.org=1; 203.0.113.77=x; =y; gclid=1; z=\"q\""), "_=; _=; _=; z=");
        assert_eq!(treated("gclid=1"), "");
    }

    #[test]
    fn the_policy_keeps_plain_values_and_pseudonymises_others() {
        assert_eq!(treated("theme=dark; color=blue-2; token=abc"), "theme=dark; color=blue-2; token=");
        assert_eq!(treated("theme=anna@example.org; color=203.0.113.77"), "theme=; color=");
        let made = treated("PHPSESSID=0123456789abcdef01; shop=x; device_id=");
        assert!(made.starts_with("PHPSESSID=p1.20261121."), "{made}");
        assert!(made.contains("; shop=p1.20261121."), "{made}");
        assert!(made.ends_with("; device_id="), "{made}");
        assert_eq!(treated(&made), made);
    }

    #[test]
    fn attributes_of_a_closed_form_stay() {
        let attributes = "; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=3600; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Domain=.example.org";
        assert_eq!(treated(&format!("id=7{attributes}")), format!("id={attributes}"));
        let open = "; Path=/anna; SameSite=anna; Max-Age=x; Expires=tomorrow; Domain=203-0-113-77.dyn.example.net";
        assert_eq!(treated(&format!("id=7{open}")), "id=; Path=; SameSite=; Max-Age=; Expires=; Domain=");
    }

    fn aid() -> Aid {
        use crate::treatment::keys::Keys;
        let mut keys = Keys::new(&["device.id".into(), "session.id".into()], vec![("".into(), "security_log".into())]);
        keys.admit(Epoch(20778), "20261121", Some(Secret::new([42; 32])));
        keys.select(Epoch(20778), 0);
        Aid { keys, ..Aid::default() }
    }

    proptest! {
        #[test]
        fn any_bytes_give_plain_bytes_that_stay(value in proptest::collection::vec(any::<u8>(), 0..80)) {
            let once = treated_bytes(&value);
            prop_assert!(once.iter().all(|byte| (b' '..=b'~').contains(byte)));
            prop_assert_eq!(treated_bytes(&once), once);
        }

        #[test]
        fn what_leaves_stays_as_it_is(value in "((theme|shop|gclid|Path|Secure|[a-z_]{1,9})(=[a-z0-9./@-]{0,12})?;? ?){0,6}") {
            let once = treated(&value);
            prop_assert_eq!(treated(&once), once);
        }

        #[test]
        fn values_change_nothing(a in "[!-:<-~]{0,30}", b in "[!-:<-~]{0,30}") {
            prop_assert_eq!(treated(&format!("x={a}; y=1")), treated(&format!("x={b}; y={a}")));
        }
    }
}
