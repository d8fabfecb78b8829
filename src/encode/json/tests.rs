#![allow(clippy::unwrap_used)]
use super::*;
use crate::{
    format::{Ending, Parse, json::Json},
    record::{Item, Record, Schema, Span, State, Value},
    retention::ClassId,
    treatment::{Outcome, Scratch, treat_by},
};
use proptest::prelude::*;
use serde_json::Value as Tree;

thread_local! {
    static JSON: Json = Json::new();
}

const TAG: Tag<'static> =
    Tag { class: ClassId(0), field: b"", member: br#""sladd":{"class":"a","until":"2027-05-21"}"# };

enum Way {
    Same,
    Flat,
}

/// Parses, treats and writes one JSON line.
fn through(
    line: &[u8],
    way: Way,
    tag: Option<Tag<'_>>,
    mut by: impl FnMut(&str, &[u8], &mut Vec<u8>) -> Outcome,
) -> Vec<u8> {
    JSON.with(|json| {
        let (mut record, mut scratch, mut out) = (Record::default(), Scratch::default(), Vec::new());
        json.parse(line, Ending::Whole, &mut record).unwrap();
        let by =
            |field: u16, value: &[u8], made: &mut Vec<u8>| by(&json.schema().fields[field as usize].name, value, made);
        let treated = treat_by(json.schema(), line, &record, &mut scratch, by);
        match way {
            Way::Same => write_marks(&treated, None, tag, &mut out),
            Way::Flat => {
                write(&treated, &Members::of(json.schema()), tag, &mut out);
                let mut other = Vec::new();
                write(&treated, &Members::default(), tag, &mut other);
                assert_eq!(out, other, "members made before are those made now");
            }
        }
        out
    })
}

fn keep(_: &str, _: &[u8], _: &mut Vec<u8>) -> Outcome {
    Outcome::Kept
}

fn made(text: &[u8], made: &mut Vec<u8>) -> Outcome {
    made.extend_from_slice(text);
    Outcome::Made
}

/// The line in its own layout, with the fields that `gone` names withheld.
fn without(line: &str, gone: &[&str]) -> String {
    let by =
        |name: &str, _: &[u8], _: &mut Vec<u8>| if gone.contains(&name) { Outcome::Dropped } else { Outcome::Kept };
    String::from_utf8(through(line.as_bytes(), Way::Same, None, by)).unwrap()
}

fn flat(line: &str) -> String {
    String::from_utf8(through(line.as_bytes(), Way::Flat, None, keep)).unwrap()
}

#[test]
fn a_withheld_member_goes_with_its_key() {
    let line = r#"{"remote_addr":"192.0.2.1","status":200,"user":"bob"}"#;
    assert_eq!(without(line, &["client.address"]), r#"{"status":200,"user":"bob"}"#);
    assert_eq!(without(line, &["http.response.status_code"]), r#"{"remote_addr":"192.0.2.1","user":"bob"}"#);
    assert_eq!(without(line, &["user.name"]), r#"{"remote_addr":"192.0.2.1","status":200}"#);
    assert_eq!(without(line, &["client.address", "http.response.status_code", "user.name"]), "{}");
}

#[test]
fn what_became_empty_goes_and_what_was_empty_stays() {
    assert_eq!(without(r#"{"foo":{"user":"bob"},"a":[],"b":{}}"#, &["user.name"]), r#"{"a":[],"b":{}}"#);
    assert_eq!(
        without(r#"{"status":1,"foo":[[{"user":"bob"}],[{}]]}"#, &["user.name"]),
        r#"{"status":1,"foo":[[{}]]}"#
    );
    assert_eq!(without(r#"{"user":["bob",{"name":"bob"}],"status":1}"#, &["user.name"]), r#"{"status":1}"#);
}

#[test]
fn a_withheld_key_takes_all_under_it_along() {
    assert_eq!(without(r#"{"foo":{"status_code":[1]},"status":2}"#, &["*key"]), r#"{"status":2}"#);
    assert_eq!(without(r#"{"foo":1,"status":2,"bar":[{}]}"#, &["*key"]), r#"{"status":2}"#);
}

#[test]
fn blanks_are_written_as_they_came() {
    assert_eq!(without(r#"{"a": [1, 2], "b": {"c": 3}}"#, &[]), r#"{"a": [1, 2], "b": {"c": 3}}"#);
    assert_eq!(without(" {\t\"a\" : 1 }\r", &[]), r#"{"a": 1}"#);
}

#[test]
fn requests_and_targets_are_put_together_again() {
    let line = r#"{"request":"GET /a?b=c HTTP/1.1","uri":"/d?e","url":"/f"}"#;
    assert_eq!(without(line, &[]), line);
    assert_eq!(without(line, &["url.query"]), r#"{"request":"GET /a HTTP/1.1","uri":"/d","url":"/f"}"#);
    assert_eq!(without(line, &["url.path"]), r#"{"request":"GET -?b=c HTTP/1.1","uri":"-?e"}"#);
    assert_eq!(without(line, &["url.path", "url.query", "http.request.method"]), r#"{"request":"- - HTTP/1.1"}"#);
    assert_eq!(without(line, &["url.path", "url.query", "http.request.method", "network.protocol.version"]), "{}");
    assert_eq!(without(r#"{"request":"GET /a"}"#, &[]), r#"{"request":"GET /a"}"#);
    assert_eq!(without(r#"{"request":"\u0016\u0003"}"#, &[]), r#"{"request":"\u0016\u0003"}"#);
    assert_eq!(without(r#"{"request":"\u0016\u0003","status":1}"#, &["http.request.line"]), r#"{"status":1}"#);
    assert_eq!(without(r#"{"uri":"/\u003fa","status":1}"#, &[]), r#"{"status":1}"#);
}

#[test]
fn bare_values_that_became_text_are_quoted() {
    let line = br#"{"user":17,"status":200,"x":null,"y":true}"#;
    let by = |name: &str, _: &[u8], out: &mut Vec<u8>| match name {
        "user.name" => made(b"p1.20261121.9f86d081884c7d65", out),
        "http.response.status_code" => made(b"201", out),
        _ => Outcome::Kept,
    };
    assert_eq!(
        through(line, Way::Same, None, by),
        br#"{"user":"p1.20261121.9f86d081884c7d65","status":201,"x":null,"y":true}"#
    );
}

#[test]
fn the_tag_is_the_last_member_and_replaces_the_one_before() {
    let through = |line: &str| String::from_utf8(through(line.as_bytes(), Way::Same, Some(TAG), keep)).unwrap();
    let tag = std::str::from_utf8(TAG.member).unwrap();
    assert_eq!(through("{}"), format!("{{{tag}}}"));
    let once = through(r#"{"a":1}"#);
    assert_eq!(once, format!(r#"{{"a":1,{tag}}}"#));
    assert_eq!(through(&once), once);
    assert_eq!(through(r#"{"sladd":{"class":"old"},"a":1}"#), once);
    assert_eq!(through(r#"{"a": 1, "b": 2}"#), format!(r#"{{"a": 1, "b": 2, {tag}}}"#));
}

#[test]
fn what_a_treatment_made_cannot_break_out_of_its_string() {
    for (text, written) in [
        (&b"a\"b"[..], r#"a\"b"#),
        (b"a\\", r"a\\"),
        (b"a\\x41", r"a\\x41"),
        (b"\\u12", r"\\u12"),
        (b"a\nb\0\x1f", r"a\nb\u0000\u001f"),
        (br"\u0041\/\\", r"\u0041\/\\"),
    ] {
        let by = |name: &str, _: &[u8], out: &mut Vec<u8>| if name == "*" { made(text, out) } else { Outcome::Kept };
        assert_eq!(through(br#"{"x":1}"#, Way::Same, None, by), format!(r#"{{"x":"{written}"}}"#).as_bytes());
    }
}

#[test]
fn a_nested_line_becomes_one_flat_object() {
    assert_eq!(
        flat(
            r#"{"request":{"remote_ip":"192.0.2.1","client_ip":"198.51.100.7","uri":"/a?b","headers":{"User-Agent":["curl/8"],"Accept":["a","b"]}},"status":200,"x":{"y":[true,null],"z":{"w":"v"}}}"#
        ),
        r#"{"client.address":"192.0.2.1","url.path":"/a","url.query":"b","user_agent.original":["curl/8"],"http.request.header.accept":["a","b"],"http.response.status_code":200,"x.y":[true,null],"x.z.w":"v"}"#
    );
    assert_eq!(
        flat(r#"{"status":"200","duration":"1.5","user":17}"#),
        r#"{"http.response.status_code":200,"http.request.duration":1.5,"user.name":17}"#
    );
    assert_eq!(flat(r#"{"a":[{"b":1},[2]],"c":[],"d":{}}"#), r#"{"a.b":1,"a":[2]}"#);
}

#[test]
fn in_the_flat_object_everything_is_utf8() {
    let out =
        through(b"{\"x\":\"\xc3\xa9\xff\",\"y\":\"\\ud800a\",\"z\":\"\\ud83d\\ude00\"}", Way::Flat, Some(TAG), keep);
    let tree: Tree = serde_json::from_slice(&out).unwrap();
    assert_eq!(tree["x"], "éÿ");
    assert_eq!(tree["y"], "\u{fffd}a");
    assert_eq!(tree["z"], "😀");
    assert_eq!(tree["sladd"]["class"], "a");
}

#[test]
fn a_fixed_layout_becomes_one_flat_object() {
    let line = b"192.0.2.1|200|a\\x22b\"|007|198.51.100.7|";
    let names = [
        ("client.address", Kind::Address, 0..9),
        ("http.response.status_code", Kind::Status, 10..13),
        ("message", Kind::Text, 14..21),
        ("connection.serial", Kind::Number, 22..25),
        ("client.address", Kind::Address, 26..38),
        ("url.query", Kind::Query, 39..39),
    ];
    let schema = Schema {
        fields: names.iter().map(|(name, kind, _)| Field::new(name, *kind)).collect(),
        items: Vec::<Item>::new(),
        ..Schema::default()
    };
    let mut record = Record::default();
    for (field, (_, _, range)) in names.iter().enumerate() {
        record.push(field as u16, range.start, range.end);
    }
    record.values[5] = Value { field: 5, state: State::Absent, span: Span { start: 0, end: 0 } };
    let mut scratch = Scratch::default();
    let treated = treat_by(&schema, line, &record, &mut scratch, |_, _, _| Outcome::Kept);
    let mut out = Vec::new();
    write(&treated, &Members::default(), Some(TAG), &mut out);
    let expected = r#"{"client.address":"192.0.2.1","http.response.status_code":200,"message":"a\\x22b\"","connection.serial":"007","sladd":{"class":"a","until":"2027-05-21"}}"#;
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn plain_is_what_a_look_at_each_byte_finds_plain() {
    for len in 0..40 {
        for at in 0..len {
            for byte in 0..=255 {
                let mut body = vec![b'a'; len];
                body[at] = byte;
                assert_eq!(is_plain(&body), byte >= 0x20 && byte != b'"' && byte != b'\\');
            }
        }
    }
}

fn tree() -> impl Strategy<Value = Tree> {
    let key = prop_oneof![
        Just("remote_addr".to_owned()),
        Just("request".to_owned()),
        Just("uri".to_owned()),
        Just("user".to_owned()),
        Just("password".to_owned()),
        Just("headers".to_owned()),
        Just("status".to_owned()),
        "[a-z]{0,6}(\\.[a-z]{1,3})?",
        any::<String>()
    ];
    let scalar = prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(Tree::from),
        any::<i64>().prop_map(Tree::from),
        any::<String>().prop_map(Tree::from),
        "(GET|a) /[a-z?/ ]{0,9}( HTTP/1.1)?".prop_map(Tree::from),
        "/[a-z?=&]{0,9}".prop_map(Tree::from),
    ];
    let value = scalar.prop_recursive(4, 30, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Tree::from),
            prop::collection::btree_map(key.clone(), inner, 0..5).prop_map(|m| Tree::Object(m.into_iter().collect())),
        ]
    });
    value.prop_map(|value| if value.is_object() { value } else { serde_json::json!({ "x": value }) })
}

/// The same without the members that are ours.
fn marks(line: &[u8]) -> Vec<Mark> {
    let mut record = Record::default();
    JSON.with(|json| json.parse(line, Ending::Whole, &mut record)).unwrap();
    record.marks
}

proptest! {
    #[test]
    fn kept_whole_a_line_comes_out_as_it_was(tree in tree()) {
        let line = serde_json::to_vec(&tree).unwrap();
        let out = through(&line, Way::Same, None, |_, _, _| Outcome::Kept);
        prop_assert_eq!(String::from_utf8(out).unwrap(), String::from_utf8(line).unwrap());
    }

    #[test]
    fn what_was_written_parses_again_to_the_same(tree in tree(), dropped in any::<u64>()) {
        let line = serde_json::to_vec(&tree).unwrap();
        let mut turn = 0;
        let out = through(&line, Way::Same, Some(TAG), |name, value, out| {
            turn += 1;
            match (name, dropped >> (turn % 64) & 1) {
                ("*known-key" | "*key", _) => Outcome::Kept,
                (_, 1) => Outcome::Dropped,
                ("user.name", _) if !value.starts_with(b"p1.") => made(b"p1.20261121.9f86d081884c7d65", out),
                _ => Outcome::Kept,
            }
        });
        prop_assert!(serde_json::from_slice::<Tree>(&out).is_ok());
        let again = through(&out, Way::Same, Some(TAG), |_, _, _| Outcome::Kept);
        prop_assert_eq!(&out, &again);
        prop_assert_eq!(marks(&out), marks(&again));
    }

    #[test]
    fn what_comes_out_is_json_whatever_a_treatment_made(
        tree in tree(),
        texts in prop::collection::vec(prop::option::of(prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(br#"\"u{}0d8"#.to_vec())], 0..12)), 1..20),
    ) {
        let line = serde_json::to_vec(&tree).unwrap();
        for way in [Way::Same, Way::Flat] {
            let clean = matches!(way, Way::Flat);
            let mut turn = 0;
            let out = through(&line, way, Some(TAG), |_, _, out| {
                turn += 1;
                match &texts[turn % texts.len()] {
                    Some(text) => made(text, out),
                    None => Outcome::Dropped,
                }
            });
            prop_assert!(out.iter().all(|&byte| byte >= 0x20));
            if clean {
                prop_assert!(serde_json::from_slice::<Tree>(&out).is_ok());
            }
            // The line's own layout keeps bytes that are not UTF-8: read as letters, it must be JSON.
            let text: String = out.iter().map(|&b| if b < 0x80 { b as char } else { 'x' }).collect();
            prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok());
        }
    }

    #[test]
    fn text_is_written_as_byte_by_byte(
        pieces in prop::collection::vec(prop_oneof![
            prop::collection::vec(any::<u8>(), 0..4),
            "[ -~]{0,20}".prop_map(String::into_bytes),
            "[\"\\\\a-z\u{0}-\u{1f}\u{7f}]{0,9}".prop_map(String::into_bytes),
            "[åé€😀]{0,3}".prop_map(String::into_bytes),
            Just(vec![0xf0, 0x9f]), Just(vec![0xe2, 0x82]),
        ], 0..8),
    ) {
        let text = pieces.concat();
        let (mut slow, mut fast) = (Vec::new(), Vec::new());
        for chunk in text.utf8_chunks() {
            chunk.valid().bytes().for_each(|byte| push_byte(byte, &mut slow));
            chunk.invalid().iter().for_each(|&byte| push_code(byte, &mut slow));
        }
        push_text_closely(&text, &mut fast);
        prop_assert_eq!(&fast, &slow);
        let first = |also: fn(u8) -> bool| text.iter().position(|&byte| !is_plain(&[byte]) || also(byte)).unwrap_or(text.len());
        prop_assert_eq!(plain_length(&text, 0), first(|_| false));
        prop_assert_eq!(plain_length(&text, HIGHS), first(|byte| byte >= 0x80));
    }

    #[test]
    fn scalars_are_those_of_serde_json(text in "-?[0-9.eE+-]{0,6}|tru?e|fals?e|nul?l") {
        prop_assert_eq!(is_scalar(text.as_bytes()), serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok());
    }
}

#[test]
fn a_line_in_a_string_is_written_as_byte_by_byte() {
    let texts = [
        "",
        "\n",
        "a",
        "a \"b\" \\c\n",
        "\"",
        "\\\n",
        "a\nb \" and more than thirty-two bytes of it\n",
        "\r\n",
        "å\"",
        "\u{7f}\"",
    ];
    let long = texts.iter().map(|text| format!("{text}{}\"{text}", "x".repeat(40)));
    for text in texts.iter().map(|text| (*text).to_owned()).chain(long) {
        let (mut quick, mut plain) = (Vec::new(), Vec::new());
        push_text(text.as_bytes(), &mut quick);
        push_text_closely(text.as_bytes(), &mut plain);
        assert_eq!(quick, plain, "{text:?}");
    }
}
