//! Layouts of fixed order: combined and its kin, with or without more behind them.

use crate::{Engines, each, gone, mutate};

#[test]
fn any_layout_in_any_state_is_counted_and_ends_as_one_line() {
    let mut engines = Engines::new();
    each("layouts", 3_000, |dice| {
        let mut lines = mutate::line(dice, 6);
        lines.push(b'\n');
        if dice.below(4) == 0 {
            lines.extend(mutate::line(dice, 3));
        }
        engines.run(&lines);
    });
}

#[test]
fn forged_fields_save_no_client() {
    let mut engines = Engines::new();
    let layouts = ["", "www.example.com:443 "];
    let ends = [
        "",
        " \"-\" \"curl/8\"",
        " \"-\" \"x\" \"198.51.100.7\"",
        " \"-\" \"x\" 5 \"a@b\" 0ms",
        " 0.003",
        " \"x",
        " x \"y\"",
    ];
    each("forged", 3_000, |dice| {
        let mut inside = String::from("/a");
        for _ in 0..dice.below(4) {
            inside.push_str(dice.of(&[
                " ",
                "\\\"",
                "\\x22",
                "?",
                "] \\\"",
                " HTTP/1.1\\\" 200 5",
                "/%22",
                " 1.2.3.4",
                "\\\\",
            ]));
        }
        let user = dice.of(&["-", "", "\"\"", "zqplanted", "zq planted", "zqplanted [21/Nov/2026:10:00:00 +0100]"]);
        let line = format!(
            "{}81.23.157.209 - {user} [21/Nov/2026:10:00:00 +0100] \"GET {inside} HTTP/1.1\" 200 5{}\n",
            layouts[dice.below(layouts.len())],
            ends[dice.below(ends.len())],
        );
        let out = engines.run(line.as_bytes());
        // A user's name is a field of its own wherever the layout can be read.
        gone(line.as_bytes(), &out, &["157.209", "zqplanted", "zq planted"]);
    });
}

#[test]
fn what_came_out_comes_out_again() {
    let mut engines = Engines::new();
    for line in mutate::samples() {
        engines.run_twice(&[line, &b"\n"[..]].concat());
    }
    each("again", 1_500, |dice| {
        let mut line = mutate::line(dice, 2);
        line.push(b'\n');
        engines.run_twice(&line);
    });
}
