//! The servers' own directives: whatever is given compiles or is refused, and what compiles reads any line.

use crate::{each, mutate};
use sladd::{
    format::{self, Ending, Parse},
    record::Record,
};

const PARTS: &[&str] = &[
    "$remote_addr",
    "$status",
    "\"$request\"",
    "$http_user_agent",
    "[$time_local]",
    " ",
    "-",
    "\"",
    "$",
    "${host}",
    "$request_uri$args",
    "$upstream_addr",
    "'",
    ";",
    "%h",
    "%>s",
    "%{X}i",
    "%t",
    "\\\"%r\\\"",
    "%",
    "%%",
    "%{",
    "%b",
    "%u",
    "log_format x ",
    "escape=json ",
    "{\"a\":\"$uri\"}",
    "LogFormat \"",
    "%400,501{User-agent}i",
    "\\t",
    "\u{e6}",
];

#[test]
fn a_directive_compiles_or_is_refused_and_what_it_makes_reads_any_line() {
    let mut record = Record::default();
    let mut compiled = 0;
    each("directives", 3_000, |dice| {
        let mut text = String::from(dice.of(&["nginx:", "apache:", "", "log_format a '"]));
        for _ in 0..1 + dice.below(8) {
            text.push_str(dice.of(PARTS));
        }
        let Ok(format) = format::named(&text) else { return };
        compiled += 1;
        for _ in 0..4 {
            let line = mutate::line(dice, 4);
            for ending in [Ending::Whole, Ending::Cut] {
                if format.parse(&line, ending, &mut record).is_ok() {
                    let fits = |value: &sladd::record::Value| value.span.end as usize <= line.len();
                    assert!(record.values.iter().all(fits), "{text}");
                }
            }
        }
    });
    assert!(compiled > 0 || std::env::var_os("SLADD_FUZZ_CASE").is_some());
}
