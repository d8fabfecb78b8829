//! Lines of which nothing is known, arbitrary bytes among them.

use crate::{Engines, each, mutate};

#[test]
fn arbitrary_bytes_are_counted_and_end_as_one_line() {
    let mut engines = Engines::new();
    each("bytes", 2_000, |dice| {
        let mut lines = dice.bytes(400);
        if dice.below(2) == 0 {
            lines.push(b'\n');
            lines.extend(dice.bytes(200));
        }
        if !lines.is_empty() {
            engines.run(&lines);
        }
    });
}

#[test]
fn signs_upon_signs_are_counted_and_end_as_one_line() {
    let mut engines = Engines::new();
    each("signs", 2_000, |dice| {
        let mut line = Vec::new();
        for _ in 0..dice.below(40) {
            mutate::mutate(&mut line, dice);
        }
        line.push(b'\n');
        engines.run(&line);
    });
}
