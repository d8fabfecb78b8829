//! A query, parameter by parameter.

use super::{
    Aid, Outcome,
    names::{Role, lookup, plain},
    parameter::{Lists, Named, name_stands, write_kept, write_pseudonym},
    pseudonym::Pseudonym,
    truncate::Truncate,
};
use mute::Says;
use reader::{Reader, append, is_letters, is_number, word};

mod mute;
mod reader;

pub use mute::Mute;

/// Keeps the names of parameters and the values of a few, pseudonymises devices and sessions, drops the rest.
///
/// - A name stays if it matches `[A-Za-z][A-Za-z0-9_.\[\]-]{0,31}` and no detector fires on it; else it is `_`. A
///   parameter without `=` could be a name or a value: its digits make it `_` too.
/// - `page`, `p`, `limit`, `offset` keep up to 6 digits; `lang`, `hl` a language tag; `sort`, `order`, `utm_source`,
///   `utm_medium` up to 16 letters.
/// - Values of devices and sessions ([`super::names`]) are pseudonymised; an encoded name of theirs is written plain.
/// - Clicks and affiliates go, name and value.
/// - Names that the policy lists come first: kept values must be short, plain and free of findings.
/// - Every other value goes.
///
/// Separators stay as they came: `&`, `;`, `&amp;` and `\u0026`. One pass, whatever the number of parameters.
#[derive(Clone, Debug)]
pub struct Query {
    lists: Lists,
    network: Truncate,
}

impl Query {
    /// A query treatment with the policy's own names of values to keep and to pseudonymise, the keys of devices and
    /// sessions, and how addresses in kept values are cut.
    pub fn new(
        keep: Vec<Box<[u8]>>,
        pseudonym: Vec<Box<[u8]>>,
        device: Pseudonym,
        session: Pseudonym,
        network: Truncate,
    ) -> Query {
        Query { lists: Lists::new(keep, pseudonym, device, session), network }
    }

    /// Treats the query that stands behind the question mark.
    #[inline]
    pub fn treat(&self, value: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
        let start = made.len();
        // What stands from `copied` on stays and is not copied yet. Where a parameter and the separator in front start.
        let (mut copied, mut gap, mut at) = (0, 0, 0);
        // Whether something stays, and whether something was read closely.
        let (mut any, mut closely) = (false, false);
        let mut reader = Reader::new(value, &aid.detector);
        loop {
            let (says, from) = match reader.name(at, &aid.detector) {
                Some(length) if !self.lists.may_name(length) => {
                    (aid.mute.says(word(value, at), length, &mut aid.detector), at + length + 1)
                }
                _ => (Says::More, at),
            };
            let (end, separator) = reader.separator(from, &aid.detector);
            let stands = from == end
                || match says {
                    Says::Drop => false,
                    Says::Number => end - from <= 6 && is_number(word(value, from), end - from),
                    Says::Language => is_language_tag(&value[from..end]),
                    Says::Letters => end - from <= 16 && is_letters(word(value, from), end - from),
                    Says::Click | Says::Device | Says::Session | Says::More => false,
                };
            match says {
                Says::Drop | Says::Number | Says::Language | Says::Letters => {
                    if !any {
                        copied = at;
                        any = true;
                    }
                    if !stands {
                        append(value, copied, from, made);
                        copied = end;
                    }
                }
                Says::Device | Says::Session => {
                    if !any {
                        copied = at;
                        any = true;
                    }
                    if !stands {
                        append(value, copied, from, made);
                        let role = if says == Says::Device { Role::Device } else { Role::Session };
                        write_pseudonym(self.lists.key(Some(role)), &value[from..end], aid, made);
                        closely = true;
                        copied = end;
                    }
                }
                Says::Click => {
                    append(value, copied, gap, made);
                    copied = end;
                }
                Says::More => {
                    made.extend_from_slice(&value[copied..gap]);
                    let ends = made.len();
                    if any {
                        made.extend_from_slice(&value[gap..at]);
                    }
                    if self.parameter(&value[at..end], aid, made) {
                        any = true;
                    } else {
                        made.truncate(ends);
                    }
                    closely = true;
                    copied = end;
                }
            }
            if separator == 0 {
                break;
            }
            gap = end;
            at = end + separator;
        }
        if copied == 0 {
            return Outcome::Kept;
        }
        made.extend_from_slice(&value[copied..]);
        // Nothing else can be as long as the value.
        if closely && made[start..] == *value {
            made.truncate(start);
            return Outcome::Kept;
        }
        if made.len() == start { Outcome::Dropped } else { Outcome::Made }
    }

    /// The reference: every parameter read closely, every byte copied.
    #[cfg(test)]
    fn treat_plainly(&self, value: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
        let start = made.len();
        let (mut rest, mut any) = (value, false);
        let mut before: &[u8] = b"";
        loop {
            let at = (0..rest.len()).find(|&at| reader::separator(&rest[at..]) > 0);
            let (length, separator) =
                at.map_or((rest.len(), &b""[..]), |at| (at, &rest[at..at + reader::separator(&rest[at..])]));
            let ends = made.len();
            if any {
                made.extend_from_slice(before);
            }
            if self.parameter(&rest[..length], aid, made) {
                any = true;
            } else {
                made.truncate(ends);
            }
            if separator.is_empty() {
                break;
            }
            before = separator;
            rest = &rest[length + separator.len()..];
        }
        if made[start..] == *value {
            made.truncate(start);
            return Outcome::Kept;
        }
        if made.len() == start { Outcome::Dropped } else { Outcome::Made }
    }

    /// Appends what stays of a parameter; `false`: nothing, not even its place.
    #[inline]
    fn parameter(&self, parameter: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> bool {
        let Some(equals) = parameter.iter().position(|&byte| byte == b'=') else {
            return self.flag(parameter, aid, made);
        };
        let (name, value) = (&parameter[..equals], &parameter[equals + 1..]);
        let role = lookup(name);
        let mut space = [0; LONGEST_ENCODED];
        let printed = self.printed(name, role, aid, &mut space);
        let named = match printed {
            Some(name) => self.lists.named(name, role),
            None => None,
        };
        if role == Some(Role::Click) && named.is_none() {
            return false;
        }
        made.extend_from_slice(printed.unwrap_or(b"_"));
        made.push(b'=');
        let (Some(name), false) = (printed, value.is_empty()) else { return true };
        match (named, role) {
            (Some(Named::Pseudonym(key)), _) => write_pseudonym(key, value, aid, made),
            (Some(Named::Keep), _) => write_kept(value, Some(&self.network), &mut aid.detector, made),
            (None, Some(Role::Device | Role::Session)) => {
                write_pseudonym(self.lists.key(role), value, aid, made);
            }
            (None, Some(Role::Click | Role::Secret | Role::User)) => {}
            (None, None) => {
                if is_harmless(name, value) {
                    made.extend_from_slice(value);
                }
            }
        }
        true
    }

    /// The name as it may leave; `None`: `_` stands for it.
    #[inline]
    fn printed<'a>(
        &self,
        name: &'a [u8],
        role: Option<Role>,
        aid: &mut Aid,
        space: &'a mut [u8; LONGEST_ENCODED],
    ) -> Option<&'a [u8]> {
        let stands = |name: &[u8], aid: &mut Aid| {
            name.first().is_some_and(u8::is_ascii_alphabetic) && name_stands(name, LONGEST_NAME, &mut aid.detector)
        };
        if stands(name, aid) {
            return Some(name);
        }
        // Written plain, the name says again what its value is when what left is treated once more.
        let listed = || role.is_none() || matches!(role, Some(Role::Device | Role::Session));
        if name.len() > space.len() || !name.iter().any(|byte| matches!(byte, b'%' | b'\\')) || !listed() {
            return None;
        }
        let plain = plain(name, space);
        let known = role.is_some() || self.lists.named(plain, role).is_some();
        (known && lookup(plain) == role && stands(plain, aid)).then_some(plain)
    }

    /// Appends a parameter without `=`.
    fn flag(&self, name: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> bool {
        if name.is_empty() {
            return true;
        }
        if lookup(name) == Some(Role::Click) {
            return false;
        }
        let stands = name[0].is_ascii_alphabetic()
            && !name.iter().any(u8::is_ascii_digit)
            && name_stands(name, LONGEST_NAME, &mut aid.detector);
        made.extend_from_slice(if stands { name } else { b"_" });
        true
    }
}

/// Whether the rule for every site lets the value of this parameter stand.
#[inline]
fn is_harmless(name: &[u8], value: &[u8]) -> bool {
    match Says::of_harmless(name) {
        Says::Number => value.len() <= 6 && value.iter().all(u8::is_ascii_digit),
        Says::Language => is_language_tag(value),
        Says::Letters => value.len() <= 16 && value.iter().all(u8::is_ascii_alphabetic),
        Says::Drop | Says::Click | Says::Device | Says::Session | Says::More => false,
    }
}

/// A language of 2 or 3 letters, then perhaps a script of 4 letters, then perhaps a region of 2 letters or 3 digits.
/// Variants and private use could hold anything.
fn is_language_tag(value: &[u8]) -> bool {
    let mut parts = value.split(|byte| matches!(byte, b'-' | b'_'));
    let letters = |part: &[u8]| part.iter().all(u8::is_ascii_alphabetic);
    let language = parts.next().is_some_and(|part| matches!(part.len(), 2 | 3) && letters(part));
    let mut next = parts.next();
    if next.is_some_and(|part| part.len() == 4 && letters(part)) {
        next = parts.next();
    }
    let region = next.is_none_or(|part| match part.len() {
        2 => letters(part),
        3 => part.iter().all(u8::is_ascii_digit),
        _ => false,
    });
    language && region && parts.next().is_none()
}

/// Bytes of a name that may stay.
const LONGEST_NAME: usize = 32;
/// Bytes that a name which may stay can take when every one of its bytes is encoded, once.
const LONGEST_ENCODED: usize = 6 * LONGEST_NAME;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        epoch::Epoch,
        treatment::{
            keys::Keys,
            pseudonym::{Canonical, Form, Secret},
            truncate::Port,
        },
    };
    use proptest::prelude::*;

    fn query(keep: &[&str], pseudonym: &[&str]) -> Query {
        let key = |slot| Pseudonym { slot, digits: 16, form: Form::Token, canonical: Canonical::Identifier };
        let names = |list: &[&str]| list.iter().map(|name| name.as_bytes().into()).collect();
        let network = Truncate { v4: 24, v6: 48, port: Port::Drop, exempt: [].into() };
        Query::new(names(keep), names(pseudonym), key(0), key(1), network)
    }

    fn aid() -> Aid {
        let mut keys = Keys::new(&["device.id".into(), "session.id".into()], vec![("".into(), "security_log".into())]);
        keys.admit(Epoch(20778), "20261121", Some(Secret::new([42; 32])));
        keys.select(Epoch(20778), 0);
        Aid { keys, ..Aid::default() }
    }

    fn treated_by(query: &Query, value: &[u8]) -> Vec<u8> {
        let mut made = b"before".to_vec();
        match query.treat(value, &mut aid(), &mut made) {
            Outcome::Made => made[6..].to_vec(),
            Outcome::Kept => value.to_vec(),
            Outcome::Dropped => Vec::new(),
            other => panic!("{other:?}"),
        }
    }

    fn treated(value: &str) -> String {
        String::from_utf8(treated_by(&query(&[], &[]), value.as_bytes())).unwrap()
    }

    /// The output with every pseudonym shortened to `p1`.
    fn short(value: &str) -> String {
        let mut made = treated(value);
        while let Some(at) = made.find("p1.20261121.") {
            made.replace_range(at + 2..at + 28, "");
        }
        made
    }

    #[test]
    fn names_stay_and_values_go() {
        assert_eq!(treated("q=ola+nordmann&x"), "q=&x");
        assert_eq!(treated("a=b=c&d=&=e&&f"), "a=&d=&_=&&f");
        assert_eq!(treated("a=1;b=2&amp;c=3\\u0026d=4"), "a=;b=&amp;c=\\u0026d=");
        assert_eq!(treated("filter[price]=1&x.y-z_1=2"), "filter[price]=&x.y-z_1=");
    }

    #[test]
    fn a_name_of_another_form_or_with_a_finding_is_a_line() {
        for name in [
            "203.0.113.9",
            "anna%40example.org",
            "anna@example.org",
            "",
            "_",
            "1a",
            "a b",
            "a+b",
            "%61bc",
            "a%20b",
            "\"",
            "a\u{e6}",
            "abcdefghijabcdefghijabcdefghijabc",
            "ip.203.0.113.9",
            "a/b",
            "a:b",
            "x203-0-113-9.dyn.example.net",
            "a<b>",
            "a550e8400-e29b-41d4-a716-446655440000",
            r"a\x22b",
        ] {
            assert_eq!(treated(&format!("{name}=v&z=")), "_=&z=", "{name}");
        }
    }

    #[test]
    fn a_parameter_without_equals_sign_stays_if_it_is_a_word() {
        assert_eq!(treated("wsdl"), "wsdl");
        assert_eq!(treated("debug&no-cache&a.b[]"), "debug&no-cache&a.b[]");
        for flag in ["12345", "abc123", "anna+b", "203.0.113.9", "anna@example.org", "%61nna", "a/b", "deadbeef01"] {
            assert_eq!(treated(flag), "_", "{flag}");
        }
    }

    #[test]
    fn harmless_values_stay_where_they_fit() {
        for kept in [
            "page=2",
            "p=999999",
            "limit=50&offset=100",
            "lang=nb",
            "lang=nb-NO",
            "hl=zh_Hant_TW",
            "lang=es-419",
            "sort=price&order=desc",
            "utm_source=newsletter&utm_medium=email",
            "page=",
        ] {
            assert_eq!(treated(kept), kept);
        }
        for (value, stays) in [
            ("page=1234567", "page="),
            ("page=-1", "page="),
            ("page=1e3", "page="),
            ("Page=2", "Page="),
            ("p=anna", "p="),
            ("lang=anna", "lang="),
            ("lang=en-private-anna", "lang="),
            ("lang=e", "lang="),
            ("lang=en-", "lang="),
            ("sort=a1", "sort="),
            ("utm_source=abcdefghijklmnopq", "utm_source="),
            ("utm_source=mail-1", "utm_source="),
            ("utm_campaign=spring", "utm_campaign="),
            ("%70age=2", "_="),
            ("page=%32", "page="),
        ] {
            assert_eq!(treated(value), stays, "{value}");
        }
    }

    #[test]
    fn devices_and_sessions_are_pseudonymised_however_their_names_are_written() {
        for (value, stays) in [
            ("device_id=abc", "device_id=p1"),
            ("gaid=abc&idfa=def", "gaid=p1&idfa=p1"),
            ("PHPSESSID=abc", "PHPSESSID=p1"),
            ("%64evice_id=abc", "device_id=p1"),
            ("device%5Fid=abc", "device_id=p1"),
            ("device%255fid=abc", "device_id=p1"),
            ("user[device_id]=abc", "user[device_id]=p1"),
            ("user%5Bdevice_id%5D=abc", "user[device_id]=p1"),
            ("app_device_id=abc", "app_device_id=p1"),
            ("utm.gaid=abc", "utm.gaid=p1"),
            ("appDeviceId=abc", "appDeviceId=p1"),
            ("device_id=", "device_id="),
            ("device_id", "device_id"),
            ("_device_id=abc", "_="),
            ("a_name_of_more_than_thirty_two_bytes_device_id=abc", "_="),
        ] {
            assert_eq!(short(value), stays, "{value}");
        }
        assert_eq!(treated("device_id=abc"), treated("device%5Fid=%61bc"));
        assert_ne!(treated("sid=abc").replace("sid", ""), treated("device_id=abc").replace("device_id", ""));
    }

    #[test]
    fn clicks_and_affiliates_go_with_their_names() {
        assert_eq!(treated("gclid=abc&page=1&fbclid=def"), "page=1");
        assert_eq!(treated("page=1&ref=x&_gl&q=1;aff=7"), "page=1&q=");
        assert_eq!(treated("gclid=abc"), "");
        assert_eq!(treated("%67clid=abc&mc%5Feid=1&GCLID=2&my_affid=3&a"), "a");
    }

    #[test]
    fn secrets_and_users_lose_their_value() {
        assert_eq!(treated("token=abc&user=anna&email=a%40example.org&password=x"), "token=&user=&email=&password=");
    }

    #[test]
    fn names_that_the_policy_lists_come_first() {
        let own = query(&["color", "ref", "token", "ip", "gaid"], &["order_id", "userid"]);
        let made = |value: &str| String::from_utf8(treated_by(&own, value.as_bytes())).unwrap();
        assert_eq!(
            made("color=dark-blue&ref=home&gaid=x1&token=abc&COLOR=red"),
            "color=dark-blue&ref=home&gaid=x1&token=&COLOR=red"
        );
        assert_eq!(made("ip=203.0.113.77&color=%20a,b%2Cc"), "ip=203.0.113.0&color=%20a,b%2Cc");
        for value in [
            "anna@example.org",
            "anna%40example.org",
            "a%0ab",
            "a\"b",
            "%",
            "550e8400-e29b-41d4-a716-446655440000",
            "<x>",
        ] {
            assert_eq!(made(&format!("color={value}")), "color=", "{value}");
        }
        assert!(made("order_id=7").starts_with("order_id=p1.20261121."));
        assert!(made("order%5fid=7").starts_with("order_id=p1.20261121."));
        assert!(made("userid=anna").starts_with("userid=p1.20261121."));
    }

    #[test]
    fn without_secret_values_go() {
        let mut made = Vec::new();
        assert_eq!(query(&[], &[]).treat(b"device_id=abc", &mut Aid::default(), &mut made), Outcome::Made);
        assert_eq!(made, b"device_id=");
    }

    #[test]
    fn ten_thousand_parameters_cost_ten_thousand_times_one() {
        for parameter in ["a=1&", "&", ";", "device_id=1&", "%", "\\", "=", "a%5b", "x1", "%25"] {
            let few = std::time::Instant::now();
            let _ = treated_by(&query(&[], &[]), parameter.repeat(1_000).as_bytes());
            let few = few.elapsed();
            let many = std::time::Instant::now();
            let _ = treated_by(&query(&[], &[]), parameter.repeat(16_000).as_bytes());
            assert!(many.elapsed() < few * 160 + std::time::Duration::from_millis(50), "{parameter}");
        }
    }

    proptest! {
        #[test]
        fn reading_plain_names_at_a_glance_changes_nothing(
            value in proptest::collection::vec(
                (
                    prop_oneof![
                        r"[a-z_.\[\]0-9%-]{0,15}",
                        "(page|offset|hl|lang|sort|utm_source|utm_campaign|q|ref|gclid|aff|token|device_id|sid|color|%70age|user\\[sid\\]|a-b|x1|_ga|p1.20261121|abcdefghijklmn|abcdefghijklmno|abcdefghijklmnop)",
                    ],
                    "(=[a-z0-9%=]{0,18}|=|==[0-9]{1,3}|=[a-zA-Z0-9]{1,7}|=[a-z]{14,80}|)",
                    r"(&|;|&amp;|\\u0026|\\|&&|&#|&comma;)",
                ),
                0..6,
            ),
            any in proptest::collection::vec(any::<u8>(), 0..40),
            listed: bool,
        ) {
            let mut value: String = value.into_iter().map(|(name, value, separator)| name + &value + &separator).collect();
            let whole = value.clone();
            value.pop();
            let query = if listed { query(&["color", "page"], &["q"]) } else { query(&[], &[]) };
            // The names of the first are remembered when the second comes.
            let mut warm = aid();
            for value in [value.as_bytes(), whole.as_bytes(), &any] {
                let (mut made, mut plainly) = (b"before".to_vec(), b"before".to_vec());
                let outcome = query.treat(value, &mut warm, &mut made);
                prop_assert_eq!(outcome, query.treat_plainly(value, &mut aid(), &mut plainly));
                prop_assert_eq!(made, plainly);
            }
        }

        #[test]
        fn any_bytes_give_plain_bytes_that_stay(value in proptest::collection::vec(any::<u8>(), 0..80)) {
            let query = query(&["color"], &["order"]);
            let once = treated_by(&query, &value);
            prop_assert!(once.iter().all(u8::is_ascii_graphic));
            prop_assert_eq!(treated_by(&query, &once), once);
        }

        #[test]
        fn what_leaves_stays_as_it_is(
            value in r"((page|lang|gclid|device%5Fid|device_id|%67aid|color|order%5fid|sid|q|x%20y|[a-z0-9.]{1,9})?(=[a-z0-9.@:-]{0,12})?(&amp;|&|;|\\u0026)?){0,6}",
        ) {
            let query = query(&["color"], &["order_id"]);
            let once = treated_by(&query, value.as_bytes());
            prop_assert_eq!(treated_by(&query, &once), once);
        }

        #[test]
        fn hidden_values_change_nothing(a in r"[!-%'-:<-\[\]-~]{0,40}", b in r"[!-%'-:<-\[\]-~]{0,40}") {
            prop_assert_eq!(treated(&format!("q={a}&gclid={b}&page=2&token={a}")), treated(&format!("q={b}&gclid=1&page=2&token=")));
        }

        #[test]
        fn no_planted_identifier_survives(
            kind in 0..6usize, place in 0..5usize, a in 1u8.., b in any::<u8>(), c in any::<u8>(), d in 1u8..,
        ) {
            let address = format!("{a}.{b}.{c}.{d}");
            let planted = [
                address.clone(), address.replace('.', "%2e"), format!("::ffff:{address}"), format!("ola.{a}{b}@example.org"),
                format!("0f8fad5b-d9cb-469f-a165-7086772{b:02x}{c:02x}{d:x}"), format!("9f86d081884c7d659a2feaa0c55ad015{b:02x}{c:02x}"),
            ][kind].clone();
            let value = [
                format!("q={planted}"), format!("{planted}=1"), planted.clone(), format!("a=1&x[{planted}]=2"), format!("color=a{planted}"),
            ][place].clone();
            let made = String::from_utf8(treated_by(&query(&["color"], &[]), value.as_bytes())).unwrap();
            prop_assert!(!made.contains(&planted), "{} → {}", value, made);
        }
    }
}
