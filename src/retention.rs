//! Record → tag: which class a record belongs to and the day it must be deleted.
//!
//! Comes in: a record and its time. Goes out: a class and the bytes of its tag. The words of a policy (durations, purposes,
//! grounds) are in `retention/words.rs`.

mod words;

pub use words::{Basis, Keep, KeepFault, Life, Purpose, UnknownWord};

use crate::{
    record::{Record, Schema, State},
    time::{DAY, Date, Day, Timestamp},
};
use std::collections::HashMap;

/// A class of a tenant, or of nobody, by its place in the policy: first the policy's own, then those of each tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClassId(pub u16);

/// What neighbouring records of a batch have in common: what is kept, and deleted, together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Run {
    /// Their class.
    pub class: ClassId,
    /// The day that their retention is reckoned from: that of their time, or of the reference where they have none.
    pub day: Day,
}

/// A class as the tag writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// Whose records these are, [`is_policy_name`]; empty: those of whoever runs sladd.
    pub tenant: Box<str>,
    /// Its name, [`is_class_name`].
    pub name: Box<str>,
    /// How long it is kept.
    pub keep: Life,
    /// What for.
    pub purpose: Purpose,
    /// On what ground.
    pub basis: Basis,
}

/// Whether a text can name a class: `[a-z0-9_]{1,32}`. Such a name needs no escape in any layout.
pub fn is_class_name(name: &str) -> bool {
    is_name(name.as_bytes(), b'_')
}

/// Names that a store gives to what is its own, so that no class in one can be called so.
pub const STORE_NAMES: [&str; 7] = ["closing", "head", "keys", "lock", "open", "policies", "store"];

/// Whether a text can name a policy: `[a-z0-9-]{1,32}`.
pub fn is_policy_name(name: &str) -> bool {
    is_name(name.as_bytes(), b'-')
}

/// What stands for whoever runs sladd where tenants are named: none is called so.
pub const OWN: &str = "own";

/// What a class is called among those of all tenants: `security_log`, `nord-butikk~security_log`. Safe in a file's name.
///
/// ```
/// use sladd::retention::{label, parse_label};
/// assert_eq!(label("nord-butikk", "security_log"), "nord-butikk~security_log");
/// assert_eq!(parse_label("nord-butikk~security_log"), Some(("nord-butikk", "security_log")));
/// assert_eq!(parse_label("security_log"), Some(("", "security_log")));
/// ```
pub fn label(tenant: &str, class: &str) -> String {
    match tenant {
        "" => class.to_owned(),
        tenant => format!("{tenant}~{class}"),
    }
}

/// The tenant (empty: nobody's) and the class that a label names.
pub fn parse_label(label: &str) -> Option<(&str, &str)> {
    let (tenant, class) = label.split_once('~').unwrap_or(("", label));
    let fits = is_class_name(class) && (is_policy_name(tenant) || tenant.len() + class.len() == label.len());
    fits.then_some((tenant, class))
}

/// Conditions on one format's fields. All must hold.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    /// Field indexes of the schema and patterns of which one must match some present value of that field.
    pub fields: Vec<(u16, Vec<Pattern>)>,
}

/// What a value must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// These bytes.
    Exact(Box<[u8]>),
    /// Something that begins so, and is not missing.
    Prefix(Box<[u8]>),
    /// Three digits, of which this is the first.
    StatusClass(u8),
}

impl Pattern {
    /// As the policy writes it: `/admin*` is a prefix, `4xx` a class of statuses, all else exact.
    pub fn new(text: &str) -> Pattern {
        match text.as_bytes() {
            [digit @ b'0'..=b'9', b'x', b'x'] => Pattern::StatusClass(*digit),
            [prefix @ .., b'*'] => Pattern::Prefix(prefix.into()),
            exact => Pattern::Exact(exact.into()),
        }
    }

    #[inline]
    fn matches(&self, value: &[u8]) -> bool {
        match self {
            Pattern::Exact(bytes) => value == &bytes[..],
            Pattern::Prefix(bytes) => value.starts_with(bytes) && !matches!(value, b"" | b"-"),
            Pattern::StatusClass(first) => {
                matches!(value, [digit, b'0'..=b'9', b'0'..=b'9'] if digit == first)
            }
        }
    }
}

/// The rules of one format, in order; the first whose conditions hold wins. The last has none.
#[derive(Clone, Debug, Default)]
pub struct Rules(pub Vec<(ClassId, Conditions)>);

impl Rules {
    /// The class of a record.
    ///
    /// A value that is absent, cut or ambiguous matches nothing. A field that stands several times matches if one does.
    #[inline]
    pub fn classify(&self, schema: &Schema, line: &[u8], record: &Record) -> ClassId {
        let holds = |conditions: &Conditions| {
            conditions.fields.iter().all(|(field, patterns)| any_matches(patterns, *field, schema, line, record))
        };
        let rule = self.0.iter().find(|(_, conditions)| holds(conditions)).or(self.0.last());
        rule.map_or(ClassId(0), |rule| rule.0)
    }
}

fn any_matches(patterns: &[Pattern], field: u16, schema: &Schema, line: &[u8], record: &Record) -> bool {
    // In a fixed layout a field's value stands at the field's own place; in others it may be anywhere, and more than once.
    let values = match record.values.get(usize::from(field)) {
        Some(value) if !schema.items.is_empty() && value.field == field => std::slice::from_ref(value),
        _ => &record.values,
    };
    values.iter().filter(|value| value.field == field && value.state == State::Present).any(|value| {
        let bytes = value.span.of(line);
        patterns.iter().any(|pattern| pattern.matches(bytes))
    })
}

/// The tag of one record, in its printed forms.
#[derive(Clone, Copy, Debug)]
pub struct Tag<'a> {
    /// The class.
    pub class: ClassId,
    /// ` "class=security_log until=2027-05-21 policy=hosting/3"`, with its leading blank; `until=open` where no day is known.
    pub field: &'a [u8],
    /// `"sladd":{"class":"security_log",…}`, without comma; `"until":null` where no day is known.
    pub member: &'a [u8],
}

/// Prints tags: knows the classes and the policy's name, remembers what it printed for a class and day. One a worker.
#[derive(Clone, Debug)]
pub struct Tagger {
    printed: Vec<Printed>,
    /// Where each class is printed: those of several tenants that say the same share a place.
    places: Box<[u16]>,
}

/// The tag of one class, as it was last printed. From day to day only `until` changes, in place.
#[derive(Clone, Debug)]
struct Printed {
    keep: Life,
    /// The first second of the day printed for.
    from: i64,
    /// Without one nothing changes from day to day.
    until: Option<Date>,
    field: Vec<u8>,
    /// Where `until` stands in `field`.
    field_until: usize,
    member: Vec<u8>,
    /// Where `until` stands in `member`.
    member_until: usize,
}

impl Tagger {
    /// For these classes under this policy.
    ///
    /// # Panics
    /// When a name is not a class's ([`is_class_name`]) or the policy's ([`is_policy_name`]): a checked policy has no such.
    pub fn new(classes: &[Class], policy: &str, version: u32) -> Tagger {
        assert!(is_policy_name(policy), "a policy's name is of [a-z0-9-]{{1,32}}");
        let printed = |class: &Class| {
            let Class { name, keep, purpose, basis, .. } = class;
            assert!(is_class_name(name), "a class's name is of [a-z0-9_]{{1,32}}");
            let until = keep.until(Timestamp(0).date());
            let head = format!(" \"class={name} until=");
            let shown = until.map_or(OPEN.to_owned(), |until| until.to_string());
            let field = format!("{head}{shown} policy={policy}/{version}\"").into_bytes();
            let member_head = format!("\"sladd\":{{\"class\":\"{name}\",\"until\":");
            let shown = until.map_or("null".to_owned(), |until| format!("\"{until}\""));
            let member = format!(
                "{member_head}{shown},\"purpose\":\"{purpose}\",\"basis\":\"{basis}\",\"policy\":\"{policy}/{version}\"}}"
            );
            // Of a member behind the quote.
            let (field_until, member_until) = (head.len(), member_head.len() + 1);
            Printed { keep: *keep, from: 0, until, field, field_until, member: member.into_bytes(), member_until }
        };
        let mut shown: HashMap<(&str, Life, Purpose, Basis), u16> = HashMap::new();
        let (mut all, mut places) = (Vec::new(), Vec::with_capacity(classes.len()));
        for class in classes {
            let place = shown.entry((&class.name, class.keep, class.purpose, class.basis)).or_insert_with(|| {
                all.push(printed(class));
                (all.len() - 1) as u16
            });
            places.push(*place);
        }
        Tagger { printed: all, places: places.into() }
    }

    /// The tag of a record of this class and time. Never allocates.
    ///
    /// # Panics
    /// When there is no such class.
    #[inline]
    pub fn tag(&mut self, class: ClassId, time: Timestamp) -> Tag<'_> {
        let printed = self.printed(class, time);
        Tag { class, field: &printed.field, member: &printed.member }
    }

    /// The day on which a record of this class and time must be deleted, reckoned from its day in UTC; `None` where that
    /// is for somebody to say.
    #[inline]
    pub fn until(&mut self, class: ClassId, time: Timestamp) -> Option<Date> {
        self.printed(class, time).until
    }

    /// Whether that day has come.
    #[inline]
    pub fn already_due(&mut self, class: ClassId, time: Timestamp, now: Timestamp) -> bool {
        self.until(class, time).is_some_and(|until| now >= until.start())
    }

    #[inline]
    fn printed(&mut self, class: ClassId, time: Timestamp) -> &Printed {
        let printed = &mut self.printed[usize::from(self.places[usize::from(class.0)])];
        if !(0..DAY).contains(&time.0.wrapping_sub(printed.from)) {
            printed.print(time);
        }
        printed
    }
}

impl Printed {
    #[cold]
    fn print(&mut self, time: Timestamp) {
        let date = time.date();
        self.from = date.start().0;
        self.until = self.keep.until(date);
        let Some(until) = self.until else { return };
        let text = until.text();
        self.field[self.field_until..][..text.len()].copy_from_slice(&text);
        self.member[self.member_until..][..text.len()].copy_from_slice(&text);
    }
}

/// Where one tag field of ours begins at the end of a line (before its leading blank), if there is one.
///
/// The form must be exactly ours: ` "class=NAME until=YYYY-MM-DD policy=NAME/N"`, or `until=open`. `line` is without its line end.
#[inline]
pub fn strip(line: &[u8]) -> Option<usize> {
    let [body @ .., b'"'] = line else { return None };
    // The tag ends with the policy's version; few agents end with a slash and digits alone.
    let digits = body.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    match body.len().checked_sub(digits + 1) {
        Some(slash) if digits > 0 && body[slash] == b'/' => strip_quoted(line),
        _ => None,
    }
}

/// Stands for the day of deletion where none is known. In order behind every date.
const OPEN: &str = "open";

fn strip_quoted(line: &[u8]) -> Option<usize> {
    let body = &line[..line.len() - 1];
    let near = body.len().saturating_sub(LONGEST_FIELD);
    // No part of a tag holds a quote, so the one before the last opens it, if it is one.
    let quote = near + memchr::memrchr(b'"', &body[near..])?;
    let start = quote.checked_sub(1).filter(|&start| line[start] == b' ')?;
    let rest = body[quote + 1..].strip_prefix(b"class=")?;
    let (class, rest) = rest.split_at_checked(memchr::memchr(b' ', rest)?)?;
    let (until, rest) = rest.strip_prefix(b" until=")?.split_at_checked(memchr::memchr(b' ', rest.get(7..)?)?)?;
    let rest = rest.strip_prefix(b" policy=")?;
    let slash = memchr::memchr(b'/', rest)?;
    let (policy, version) = (&rest[..slash], &rest[slash + 1..]);
    let ours = is_name(class, b'_')
        && is_name(policy, b'-')
        && is_version(version)
        && (until == OPEN.as_bytes() || Date::parse(until).is_some());
    ours.then_some(start)
}

/// One to 32 lower-case letters, digits and `joint`.
fn is_name(name: &[u8], joint: u8) -> bool {
    let fits = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == joint;
    (1..=32).contains(&name.len()) && name.iter().all(fits)
}

/// A `u32` as it is printed.
fn is_version(text: &[u8]) -> bool {
    let number = text.iter().try_fold(0u64, |sum, byte| {
        byte.is_ascii_digit().then(|| sum.saturating_mul(10).saturating_add(u64::from(byte - b'0')))
    });
    let plain = matches!(text, [b'0'] | [b'1'..=b'9', ..]);
    plain && number.is_some_and(|number| number <= u64::from(u32::MAX))
}

/// Bytes of the longest tag field, without its last quote.
const LONGEST_FIELD: usize =
    " \"class=".len() + 32 + " until=2027-05-21".len() + " policy=".len() + 32 + "/4294967295".len();

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::record::{Blank, Field, Item, Kind};
    use proptest::prelude::*;

    fn class(name: &str, keep: &str, purpose: Purpose, basis: Basis) -> Class {
        Class { tenant: "".into(), name: name.into(), keep: keep.parse().unwrap(), purpose, basis }
    }

    fn classes() -> Vec<Class> {
        vec![
            class("security_log", "6 months", Purpose::Security, Basis::LegitimateInterest),
            class("stats", "26 months", Purpose::Statistics, Basis::None),
        ]
    }

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_second())
    }

    fn text(bytes: &[u8]) -> &str {
        std::str::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_tag_is_written_as_a_field_and_as_a_member() {
        let mut tagger = Tagger::new(&classes(), "hosting", 3);
        let tag = tagger.tag(ClassId(0), at("2026-11-21T23:59:59Z"));
        assert_eq!(tag.class, ClassId(0));
        assert_eq!(text(tag.field), r#" "class=security_log until=2027-05-21 policy=hosting/3""#);
        assert_eq!(
            text(tag.member),
            r#""sladd":{"class":"security_log","until":"2027-05-21","purpose":"security","basis":"legitimate_interest","policy":"hosting/3"}"#
        );
        let tag = tagger.tag(ClassId(1), at("2026-11-21T00:00:00Z"));
        assert_eq!(text(tag.field), r#" "class=stats until=2029-01-21 policy=hosting/3""#);
        assert_eq!(
            text(tag.member),
            r#""sladd":{"class":"stats","until":"2029-01-21","purpose":"statistics","basis":"none","policy":"hosting/3"}"#
        );
    }

    #[test]
    fn where_no_day_is_known_the_tag_says_so_and_is_known_again() {
        let classes = [
            class("claim", "until released", Purpose::LegalClaim, Basis::LegitimateInterest),
            class("accounting", "fiscal year + 5 years", Purpose::LegalObligation, Basis::LegalObligation),
        ];
        let mut tagger = Tagger::new(&classes, "p", 1);
        for time in ["2026-11-21T00:00:00Z", "2027-11-21T00:00:00Z"] {
            let tag = tagger.tag(ClassId(0), at(time));
            assert_eq!(text(tag.field), r#" "class=claim until=open policy=p/1""#);
            assert_eq!(
                text(tag.member),
                r#""sladd":{"class":"claim","until":null,"purpose":"legal_claim","basis":"legitimate_interest","policy":"p/1"}"#
            );
            let line = [b"a b", tag.field].concat();
            assert_eq!(strip(&line), Some(3));
            assert!(!tagger.already_due(ClassId(0), at(time), Timestamp(i64::MAX)));
        }
        let tag = tagger.tag(ClassId(1), at("2026-11-21T00:00:00Z"));
        assert_eq!(text(tag.field), r#" "class=accounting until=2032-01-01 policy=p/1""#);
        assert!(text(tag.member).contains(r#""until":"2032-01-01","#));
        for other in ["closed", "ope", "openn", "2027-05-2", ""] {
            assert_eq!(strip(format!("a \"class=a until={other} policy=p/1\"").as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn each_record_is_reckoned_from_its_own_day() {
        let mut tagger = Tagger::new(&classes(), "p", 0);
        for (time, until) in [
            ("2026-08-31T10:00:00Z", "2027-02-28"),
            ("2027-08-31T10:00:00Z", "2028-02-29"),
            ("2026-08-31T00:00:00Z", "2027-02-28"),
            ("2026-08-31T23:59:59Z", "2027-02-28"),
            ("2026-09-01T00:00:00Z", "2027-03-01"),
            ("2026-08-30T23:59:59Z", "2027-02-28"),
            ("1970-01-01T00:00:00Z", "1970-07-01"),
            ("9999-12-29T00:00:00Z", "9999-12-31"),
        ] {
            assert_eq!(tagger.until(ClassId(0), at(time)).unwrap().to_string(), until, "{time}");
            let field = format!(" \"class=security_log until={until} policy=p/0\"");
            assert_eq!(text(tagger.tag(ClassId(0), at(time)).field), field);
        }
        tagger.tag(ClassId(0), Timestamp(i64::MIN));
        tagger.tag(ClassId(0), Timestamp(i64::MAX));
    }

    #[test]
    fn a_record_is_due_on_its_day_and_not_before() {
        let mut tagger = Tagger::new(&classes(), "p", 0);
        let time = at("2026-11-21T10:00:00Z");
        assert!(!tagger.already_due(ClassId(0), time, at("2027-05-20T23:59:59Z")));
        assert!(tagger.already_due(ClassId(0), time, at("2027-05-21T00:00:00Z")));
    }

    #[test]
    #[should_panic(expected = "a class's name is of [a-z0-9_]{1,32}")]
    fn a_class_name_that_needs_an_escape_is_refused() {
        Tagger::new(&[class("a\"b", "1 day", Purpose::Support, Basis::Consent)], "p", 0);
    }

    #[test]
    #[should_panic(expected = "a policy's name is of [a-z0-9-]{1,32}")]
    fn a_policy_name_that_needs_an_escape_is_refused() {
        Tagger::new(&[], "a b", 0);
    }

    #[test]
    fn exactly_our_field_at_the_end_is_found() {
        let tag = r#" "class=security_log until=2027-05-21 policy=hosting/3""#;
        for head in
            ["", "x", "a \"b\"", r#"192.0.2.0 - - [21/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8""#]
        {
            assert_eq!(strip(format!("{head}{tag}").as_bytes()), Some(head.len()));
            assert_eq!(strip(format!("{head}{tag}{tag}").as_bytes()), Some(head.len() + tag.len()));
        }
        let longest = format!(" \"class={0} until=2027-05-21 policy={0}/4294967295\"", "x".repeat(32));
        assert_eq!(strip(longest.as_bytes()), Some(0));
        assert_eq!(strip(format!("y{longest}").as_bytes()), Some(1));
        assert_eq!(strip(&[&[0xff; 70_000], tag.as_bytes()].concat()), Some(70_000));
    }

    #[test]
    fn what_only_resembles_our_field_is_left_alone() {
        for line in [
            "",
            "\"",
            "\"\"",
            " \"\"",
            r#""class=security_log until=2027-05-21 policy=hosting/3""#,
            r#"x"class=security_log until=2027-05-21 policy=hosting/3""#,
            r#" "class=security_log until=2027-05-21 policy=hosting/3" "#,
            r#" "class=security_log until=2027-05-21 policy=hosting/3"#,
            r#" 'class=security_log until=2027-05-21 policy=hosting/3""#,
            r#" "class=security_log until=2027-02-29 policy=hosting/3""#,
            r#" "class=security_log until=2027-5-21 policy=hosting/3""#,
            r#" "class=security_log  until=2027-05-21 policy=hosting/3""#,
            r#" "class=security_log until=2027-05-21  policy=hosting/3""#,
            r#" "class=security_log until=2027-05-21 policy=hosting/""#,
            r#" "class=security_log until=2027-05-21 policy=hosting/03""#,
            r#" "class=security_log until=2027-05-21 policy=hosting/4294967296""#,
            r#" "class=security_log until=2027-05-21 policy=hosting/99999999999999999999999""#,
            r#" "class=security_log until=2027-05-21 policy=hosting/-3""#,
            r#" "class=security_log until=2027-05-21 policy=hosting/3/4""#,
            r#" "class=security_log until=2027-05-21 policy=hosting""#,
            r#" "class=security_log until=2027-05-21 policy=/3""#,
            r#" "class=security_log until=2027-05-21 policy=Hosting/3""#,
            r#" "class=security_log until=2027-05-21 policy=ho_sting/3""#,
            r#" "class=security-log until=2027-05-21 policy=hosting/3""#,
            r#" "class= until=2027-05-21 policy=hosting/3""#,
            r#" "Class=security_log until=2027-05-21 policy=hosting/3""#,
            r#" "class=security_log until=2027-05-21 policy=hosting/3 x=y""#,
            r#" "class=security_log until=2027-05-21 policy=hosting/3\""#,
            r#" "policy=hosting/3 class=security_log until=2027-05-21""#,
        ] {
            assert_eq!(strip(line.as_bytes()), None, "{line}");
        }
        let too_long = format!(" \"class={} until=2027-05-21 policy=p/1\"", "x".repeat(33));
        assert_eq!(strip(too_long.as_bytes()), None);
    }

    /// A record of one line, its values apart by blanks, in the fixed layout or in none.
    fn classify(rules: &Rules, fixed: bool, line: &str) -> ClassId {
        let names = ["url.path", "http.response.status_code", "user.name"];
        let mut schema =
            Schema { fields: names.map(|name| Field::new(name, Kind::Text)).to_vec(), ..Schema::default() };
        if fixed {
            let item = |field| Item { literal: (*b" ").into(), field, blank: Blank::Dash };
            schema.items = (0..3).map(item).collect();
        }
        let mut record = Record::default();
        let mut start = 0;
        for (i, word) in line.split(' ').enumerate() {
            record.push(i as u16 % 3, start, start + word.len());
            if word == "?" {
                record.values[i].state = State::Ambiguous;
            }
            start += word.len() + 1;
        }
        rules.classify(&schema, line.as_bytes(), &record)
    }

    #[test]
    fn the_first_rule_whose_conditions_all_hold_wins() {
        let when = |fields: &[(u16, &[&str])]| Conditions {
            fields: fields.iter().map(|(f, p)| (*f, p.iter().map(|text| Pattern::new(text)).collect())).collect(),
        };
        let rules = Rules(vec![
            (ClassId(2), when(&[(0, &["/admin*", "/login"]), (1, &["4xx", "503"])])),
            (ClassId(1), when(&[(2, &["*"])])),
            (ClassId(0), when(&[])),
        ]);
        for fixed in [true, false] {
            for (line, class) in [
                ("/admin 404 -", 2),
                ("/admin/x 499 -", 2),
                ("/login 503 -", 2),
                ("/login/ 404 -", 0),
                ("/adm 404 -", 0),
                ("/admin 504 -", 0),
                ("/admin 4044 -", 0),
                ("/admin 4xx -", 0),
                ("/admin 4x4 -", 0),
                ("? 404 -", 0),
                ("/ 200 frida", 1),
                ("/ 200 ?", 0),
                ("/ 200 ", 0),
            ] {
                assert_eq!(classify(&rules, fixed, line), ClassId(class), "{line}");
            }
        }
        // A field that stands twice matches if one value does.
        assert_eq!(classify(&rules, false, "/ 200 - /admin 401 -"), ClassId(2));
        assert_eq!(classify(&Rules::default(), true, "/ 200 -"), ClassId(0));
    }

    #[test]
    fn a_pattern_is_told_by_its_form() {
        assert_eq!(Pattern::new("4xx"), Pattern::StatusClass(b'4'));
        assert_eq!(Pattern::new("*"), Pattern::Prefix((*b"").into()));
        assert_eq!(Pattern::new("a*b*"), Pattern::Prefix((*b"a*b").into()));
        assert_eq!(Pattern::new("44xx"), Pattern::Exact((*b"44xx").into()));
        assert_eq!(Pattern::new(""), Pattern::Exact((*b"").into()));
        assert!(Pattern::new("-").matches(b"-"));
        assert!(!Pattern::new("-*").matches(b"-"));
    }

    proptest! {
        #[test]
        fn every_tag_written_is_found_again(
            class_name in "[a-z0-9_]{1,32}", policy in "[a-z0-9-]{1,32}", version: u32, second in 0i64..=253_402_300_799,
            head in proptest::collection::vec(proptest::num::u8::ANY, 0..200), months in 0u32..1_000, days in 0u32..10_000,
        ) {
            let class = Class { tenant: "".into(), name: class_name.into(), keep: Life::Span(Keep { months, days }), purpose: Purpose::Analytics, basis: Basis::Consent };
            let mut tagger = Tagger::new(&[class], &policy, version);
            let field = tagger.tag(ClassId(0), Timestamp(second)).field.to_vec();
            let line = [&head[..], &field].concat();
            prop_assert_eq!(strip(&line), Some(head.len()));
            prop_assert_eq!(strip(&line[..line.len() - 1]), None);
            let expected = Timestamp(second).date().plus(months, days).to_string();
            let until = format!(" until={expected} ");
            prop_assert!(text(&field).contains(&until));
        }

        #[test]
        fn arbitrary_lines_never_panic(line in "[ \"clas=until0-9policy/]{0,80}\"") {
            let _ = strip(line.as_bytes());
        }
    }
}
