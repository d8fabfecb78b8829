//! UUIDs, hardware addresses and equipment ids, planted anywhere in a line in any state.

use crate::{Engines, each, gone, mutate};

const SPELLINGS: &[(&str, &str)] = &[
    ("aebe52e7-03ee-455a-b3c4-e57283966239", "e57283966239"),
    ("AEBE52E7-03EE-455A-B3C4-E57283966239", "e57283966239"),
    ("{aebe52e7-03ee-455a-b3c4-e57283966239}", "e57283966239"),
    ("urn:uuid:aebe52e7-03ee-455a-b3c4-e57283966239", "e57283966239"),
    ("aebe52e7%2d03ee%2d455a%2db3c4%2de57283966239", "e57283966239"),
    ("b8:27:eb:5d:3c:9f", "5d:3c"),
    ("B8-27-EB-5D-3C-9F", "5d-3c"),
    ("b827.eb5d.3c9f", "eb5d"),
    ("mac=b827eb5d3c9f", "eb5d3c9f"),
    ("490154203237518", "203237518"),
    ("49-015420-323751-8", "323751"),
];

#[test]
fn a_planted_id_does_not_come_out() {
    let mut engines = Engines::new();
    each("ids", 3_000, |dice| {
        let (spelling, trace) = SPELLINGS[dice.below(SPELLINGS.len())];
        let mut line = mutate::line(dice, 4);
        mutate::plant(&mut line, spelling.as_bytes(), dice);
        line.push(b'\n');
        let out = engines.run(&line);
        gone(&line, &out, &[trace]);
    });
}
