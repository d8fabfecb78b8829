#![allow(clippy::unwrap_used)]
use super::*;
use crate::{
    detect::Detector,
    format::{Ending, Parse},
};
use proptest::{prelude::*, sample::select};

/// Lines of programs: `@` is a text, `#` a bare value.
const SHAPES: &[&str] = &[
    r##"{"time_iso8601":"2026-11-21T10:00:00+01:00","remote_addr":"@","request":"@","status":#,"http_user_agent":"@","http_referer":"@"}"##,
    r##"{"time_local": "21/Nov/2026:10:00:00 +0100", "remote_addr": "@", "remote_user": "@", "uri": "@", "status": "@", "request_time": #}"##,
    r##"{"ts":1795860400.5,"msg":"@","request":{"remote_ip":"@","uri":"@","headers":{"User-Agent":["@"],"Accept":["@"],"Referer":["@"]},"tls":{}},"status":#}"##,
    r##"{"ts":1795860400.5,"msg":"@","request":{"remote_ip":"@","uri":"@","headers":{"Referer":["@"],"X-Forwarded-For":["@","@"],"Cookie":["@"]}},"size":#,"user_id":#}"##,
    r##"{"caller":"@","user":"@","logger":"@","level":"@","a":[{"caller":#},"@"]}"##,
    r##"{"user":[{"caller":#},"@"],"caller":["@"],"url":"@"}"##,
    r##"{"streams":[{"values":[["@","@"],["@","@"]],"x":[]}]}"##,
    r##"{"attributes":[{"key":"@","value":{"stringValue":"@"}},{"key":"client.address","value":{"stringValue":"@"}},{"key":"@"}]}"##,
    r##"{"MESSAGE":[#,#,#],"message":#,"log":{"level":"@"},"password":{"a":"@","client_ip":[#,"@"]}}"##,
    r##"{"b":"@","us\u0065r":"@","été":#,"bob@example.org":"@","sladd":"@","c":{"sladd":{"x":"@"}}}"##,
    r##"{"a":1,"sladd":{"class":"x","until":"2027-05-21"},"b":"@"}"##,
    r##"{"@timestamp":"@","source":{"ip":"@","port":#},"url":{"path":"@","query":"@"},"tags":["@","@",#],"empty":{},"no":[]}"##,
    r##"{ "a" : "@" , "status" :	# }"##,
    r##"{"a": "@","b":#}"##,
    r##"{}"##,
    r##"{"remote_port":"@"}"##,
    r##"{"remote_user":#,"size":#,"remote_port":#}"##,
    r##"{"x":{"remote_port":"@","y":{"cookie":"@"}},"z":[{"cookie":"@"},{"cookie":"@"}]}"##,
];

fn text() -> impl Strategy<Value = String> {
    let known = select(vec![
        "",
        "-",
        "192.0.2.17",
        "203.0.113.9:443",
        "2001:db8::7, 192.0.2.1",
        "client.example.net",
        "kari",
        "200",
        "404",
        "GET /a?page=2&x=ola HTTP/1.1",
        "POST /a/b HTTP/2.0",
        "GET http://bob@www.example.org/ HTTP/1.1",
        "PRI * HTTP/2.0",
        "/shop/cart?page=2",
        "/a",
        "?x=1",
        "http://www.example.org/a?b=c",
        "https://www.example.org/",
        "curl/8.5.0",
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        "server/main.go:12",
        "1795860400000000000",
        "2026-11-21T10:00:00Z",
        "21/Nov/2026:10:00:01 +0100",
        "handled request",
        "call 203.0.113.5 or kari@example.org",
        r"a\\b",
        r#"\"quoted\""#,
        r"GET\u0020/a HTTP/1.1",
        r"/a\u003fb=c",
        r"http:\/\/www.example.org\/a?b",
        "blåbær",
        "null",
        "client.address",
        "http.request.method",
        "token",
        "info",
        "nb-NO,nb;q=0.9",
        "GET /x?device_id=1234 HTTP/1.1",
    ]);
    prop_oneof![12 => known.prop_map(str::to_owned), 1 => r#"[ -!#-\[\]-~]{0,90}"#]
}

fn bare() -> impl Strategy<Value = String> {
    let known = select(vec!["200", "404", "0", "7", "72", "1234567", "-0.5", "1.5e3", "null", "true", "false", "65"]);
    prop_oneof![9 => known.prop_map(str::to_owned), 1 => "-?[0-9.e]{0,6}"]
}

/// A line of this shape.
fn filled(shape: &str, texts: &[String], bares: &[String]) -> Vec<u8> {
    let (mut texts, mut bares) = (texts.iter().cycle(), bares.iter().cycle());
    let mut line = Vec::new();
    for (i, &one) in shape.as_bytes().iter().enumerate() {
        match one {
            b'@' if shape.as_bytes()[i - 1] == b'"' && shape.as_bytes()[i + 1] == b'"' => {
                line.extend_from_slice(texts.next().unwrap().as_bytes());
            }
            b'#' => line.extend_from_slice(bares.next().unwrap().as_bytes()),
            one => line.push(one),
        }
    }
    line
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    let changes = (any::<u8>(), any::<u16>(), prop_oneof![any::<u8>(), select(br#"{}[]",:\ 0-e.tnu"#.to_vec())]);
    let shape = prop_oneof![6 => select(SHAPES[..4].to_vec()), 6 => select(SHAPES.to_vec())];
    (shape, prop::collection::vec(text(), 9), prop::collection::vec(bare(), 9), changes).prop_map(
        |(shape, texts, bares, (how, at, byte))| {
            let mut line = filled(shape, &texts, &bares);
            let at = at as usize % line.len();
            let member = line.iter().position(|&byte| byte == b',');
            match how % 16 {
                0 => line[at] = byte,
                1 => line.insert(at, byte),
                2 => drop(line.remove(at)),
                3 => drop(line.splice(member.unwrap_or(0)..member.unwrap_or(0), *b",\"new\":\"x\"")),
                4 => drop(line.splice(1..1, *b"\"sladd\":{\"class\":\"y\"},")),
                5 => {
                    let twice = line[1..member.unwrap_or(1)].to_vec();
                    line.splice(1..1, twice.into_iter().chain(*b","));
                }
                6 => line.push(b'\r'),
                _ => {}
            }
            line
        },
    )
}

/// A log of a few shapes, some of its lines bent.
pub(crate) fn log() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(line(), 1..60)
}

/// A log of one or two shapes in which most values are the same in line after line.
pub(crate) fn steady() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let shape = (select(SHAPES.to_vec()), prop::collection::vec(text(), 9), prop::collection::vec(bare(), 9));
    let change = (any::<u8>(), 0..32usize, text(), bare(), 0..9usize);
    (prop::collection::vec(shape, 1..3), prop::collection::vec(change, 10..60)).prop_map(|(shapes, changes)| {
        let line = |(how, place, text, bare, bent): (u8, usize, String, String, usize)| {
            let (shape, mut texts, mut bares) = shapes[usize::from(how) % shapes.len()].clone();
            // Three in four lines have at most one value of their own.
            if let Some(own) = texts.get_mut(place) {
                *own = text;
            }
            if let Some(own) = bares.get_mut(place.wrapping_sub(9)) {
                *own = bare;
            }
            let mut line = filled(shape, &texts, &bares);
            if bent == 0 {
                let at = place * line.len() / 32;
                line[at] = b"\"{}[],:0x"[usize::from(how) % 9];
            }
            line
        };
        changes.into_iter().map(line).collect()
    })
}

thread_local! { static JSON: Json = Json::new(); }

fn recalled<const WHOLE: bool>(json: &Json, memory: &mut Memory, line: &[u8]) -> Option<Record> {
    let (mut ends, mut record) = (Ends::default(), Record::default());
    let lines = [line, b"\n{\"a\":1}\n"].concat();
    if !Detector::default().ends(&lines, &mut ends) || ends.length != line.len() {
        return None;
    }
    // What an earlier line left must not matter.
    record.push(9, 3, 7);
    record.marks.push(Mark::Array);
    json.recall::<WHOLE>(memory, &lines, line.len(), &ends, &mut record).map(|_| record)
}

#[test]
fn lines_of_one_shape_are_read_by_the_first_whatever_the_order_of_their_members() {
    let json = Json::new();
    let (mut memory, mut record) = (Memory::default(), Record::default());
    let first = br#"{"request":{"headers":{"A":["x"],"B":["y"],"C":["z"]}},"status":200}"#;
    let turned = br#"{"request":{"headers":{"B":["u","v"],"A":["w"]}},"status":404}"#;
    json.parse(first, Ending::Whole, &mut record).unwrap();
    json.learn(&mut memory, first, &record, |_, _| true);
    assert!(recalled::<true>(&json, &mut memory, first).is_some());
    assert!(
        recalled::<true>(
            &json,
            &mut memory,
            br#"{"request":{"headers":{"A":[""],"B":["\u00e9"],"C":["z"]}},"status":4e1}"#
        )
        .is_some()
    );
    // A shape is learned gap by gap: two lines of two orders give all that lies between.
    assert!(recalled::<true>(&json, &mut memory, turned).is_none());
    json.parse(turned, Ending::Whole, &mut record).unwrap();
    json.learn(&mut memory, turned, &record, |_, _| true);
    for line in [&turned[..], br#"{"request":{"headers":{"A":["1"],"B":["y","2"],"A":["z"]}},"status":200}"#] {
        let known = recalled::<true>(&json, &mut memory, line).unwrap();
        json.parse(line, Ending::Whole, &mut record).unwrap();
        assert_eq!((known.values, known.marks), (record.values.clone(), record.marks.clone()));
    }
    for line in
        [&br#"{"request":{"headers":{"A":["x"],"B":["y"],"C":["z"]}},"status":"200"}"#[..], br#"{"status":200}"#]
    {
        assert!(recalled::<true>(&json, &mut memory, line).is_none());
    }
}

#[test]
fn a_log_whose_lines_are_never_alike_takes_no_more_memory_and_is_soon_not_learned_from() {
    let json = Json::new();
    let (mut memory, mut record) = (Memory::default(), Record::default());
    let mut learned = 0;
    for number in 0..20_000 {
        let line = format!(r#"{{"a{number}":1,"{}":"x","b":{{"c{number}":[2]}}}}"#, "k".repeat(number % 400));
        json.parse(line.as_bytes(), Ending::Whole, &mut record).unwrap();
        let before = memory.table.len();
        json.learn(&mut memory, line.as_bytes(), &record, |_, _| true);
        learned += usize::from(memory.table.len() != before);
    }
    assert!(learned < 1000, "{learned}");
    assert!(memory.table.len() <= MOST_GAPS && memory.paths.capacity() == MOST_PATHS);
    assert!(memory.links.capacity() == MOST_GAPS && memory.surroundings.capacity() == MOST_SURROUNDINGS);
    // What is alike then is learned still.
    for number in 0..200 {
        let line = format!(r#"{{"a":{number},"b":"x"}}"#);
        json.parse(line.as_bytes(), Ending::Whole, &mut record).unwrap();
        json.learn(&mut memory, line.as_bytes(), &record, |_, _| true);
    }
    assert!(recalled::<true>(&json, &mut memory, br#"{"a":1000,"b":"y"}"#).is_some());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_by_earlier_lines_is_read_alike_in_full(log in log()) {
        JSON.with(|json| {
            let (mut memory, mut record) = (Memory::default(), Record::default());
            for line in &log {
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                let known = recalled::<true>(json, &mut memory, line);
                let plain = recalled::<false>(json, &mut memory, line);
                let whole = json.parse(line, Ending::Whole, &mut record).is_ok();
                prop_assert_eq!(known.is_some(), plain.is_some());
                if let (Some(known), Some(plain)) = (known, plain) {
                    prop_assert!(whole);
                    prop_assert_eq!(&known.values, &record.values);
                    prop_assert_eq!(&known.marks, &record.marks);
                    prop_assert_eq!((known.blanks, plain.blanks), (record.blanks, record.blanks));
                    // The same without the keys.
                    prop_assert!(plain.marks.is_empty() && plain.values.iter().all(|value| value.field >= UNKNOWN));
                    let others = record.values.iter().filter(|value| value.field > UNKNOWN).count();
                    prop_assert_eq!(plain.values.iter().filter(|value| value.field > UNKNOWN).count(), others);
                    let mut rest = record.values.iter();
                    for value in &plain.values {
                        prop_assert!(rest.any(|other| other == value));
                    }
                } else if whole {
                    json.learn(&mut memory, line, &record, |_, _| true);
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn of_a_log_of_few_shapes_most_lines_are_read_so(numbers in prop::collection::vec((0..4usize, 0..1000u32), 64)) {
        JSON.with(|json| {
            let (mut memory, mut record) = (Memory::default(), Record::default());
            let mut count = 0;
            for (shape, number) in numbers {
                let line = SHAPES[shape].replace("\"@\"", &format!("\"/x{number}\"")).replace('#', &number.to_string());
                match recalled::<false>(json, &mut memory, line.as_bytes()) {
                    Some(_) => count += 1,
                    None => {
                        json.parse(line.as_bytes(), Ending::Whole, &mut record).unwrap();
                        json.learn(&mut memory, line.as_bytes(), &record, |_, _| true);
                    }
                }
            }
            prop_assert!(count >= 60, "{}", count);
            Ok(())
        })?;
    }
}
