//! JSON: any nesting, any member twice, any escape; whole or broken.

use crate::{
    Engines, each, gone,
    mutate::{self, Dice},
};

#[test]
fn objects_in_any_state_are_counted_and_hide_what_was_planted() {
    let mut engines = Engines::new();
    each("json", 3_000, |dice| {
        let mut text = String::new();
        object(dice, 0, &mut text);
        let mut line = text.into_bytes();
        for _ in 0..dice.below(3) {
            mutate::mutate(&mut line, dice);
        }
        mutate::plant(&mut line, b"81.23.157.209", dice);
        line.push(b'\n');
        let out = engines.run(&line);
        gone(&line, &out, &["157.209"]);
    });
}

#[test]
fn a_whole_object_comes_out_again_as_it_is() {
    let mut engines = Engines::new();
    each("json-again", 1_500, |dice| {
        let mut text = String::new();
        object(dice, 0, &mut text);
        text.push('\n');
        engines.run_twice(text.as_bytes(), &["hosting", "strict", "minimal"]);
    });
}

fn object(dice: &mut Dice, depth: usize, text: &mut String) {
    text.push('{');
    for i in 0..dice.below(5) {
        if i > 0 {
            text.push_str(dice.of(&[",", ", "]));
        }
        let key = dice.of(&[
            "remote_addr",
            "client",
            "ip",
            "request",
            "uri",
            "status",
            "user",
            "msg",
            "ts",
            "headers",
            "User-Agent",
            "Cookie",
            "x",
            "sladd",
            "device_id",
            "a\\u0062",
            "referer",
            "http.request",
            "time_local",
            "args",
            "tenant",
        ]);
        text.push_str(&format!("\"{key}\":"));
        value(dice, depth, text);
    }
    text.push('}');
}

fn value(dice: &mut Dice, depth: usize, text: &mut String) {
    match dice.below(if depth < 4 { 12 } else { 9 }) {
        0 => text.push_str("null"),
        1 => text.push_str("3405803853"),
        2 => text.push_str("-1.5e3"),
        3 => text.push_str("\"203.0.113.9\""),
        4 => text.push_str("\"GET /a?b=kari%40example.org HTTP/1.1\""),
        5 => text.push_str("\"2026-11-21T10:00:00Z\""),
        6 => text.push_str("\"kari\\u0040example.org \\\"x\\\"\""),
        7 => text.push_str("\"/users/kari/a b\""),
        8 => text.push_str("\"\""),
        9 => {
            text.push('[');
            for i in 0..dice.below(3) {
                if i > 0 {
                    text.push(',');
                }
                value(dice, depth + 1, text);
            }
            text.push(']');
        }
        _ => object(dice, depth + 1, text),
    }
}
