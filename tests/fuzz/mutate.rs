//! Dice, lines of our own, and what can be done to a line.

use std::{fs, path::Path, sync::OnceLock};

/// Random numbers that are the same each time: splitmix64.
pub struct Dice(u64);

impl Dice {
    pub fn new(name: &str, case: u64) -> Dice {
        let seed = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
        Dice(seed ^ case.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }

    pub fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most)).map(|_| self.next() as u8).filter(|&byte| byte != b'\n').collect()
    }
}

/// Every line of our sample logs and of our golden cases, without line feeds.
pub fn samples() -> &'static [Vec<u8>] {
    static LINES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    LINES.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
        let files = |name: &str| -> Vec<String> {
            let mut paths: Vec<_> = fs::read_dir(root.join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
            paths.sort();
            paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
        };
        let mut lines: Vec<String> = files("logs").iter().flat_map(|text| text.lines()).map(str::to_owned).collect();
        for text in files("cases") {
            let cases: toml::Table = toml::from_str(&text).unwrap();
            let line = |case: &toml::Value| case["line"].as_str().unwrap().to_owned();
            lines.extend(cases["case"].as_array().unwrap().iter().map(line));
        }
        lines.iter().flat_map(|line| line.split('\n')).map(|line| line.as_bytes().to_vec()).collect()
    })
}

/// A sample line, mutated up to `most` times.
pub fn line(dice: &mut Dice, most: usize) -> Vec<u8> {
    let samples = samples();
    let mut line = samples[dice.below(samples.len())].clone();
    for _ in 0..dice.below(most + 1) {
        mutate(&mut line, dice);
    }
    line
}

/// One change.
pub fn mutate(line: &mut Vec<u8>, dice: &mut Dice) {
    let at = dice.below(line.len() + 1);
    let to = (at + dice.below(24)).min(line.len());
    match dice.below(10) {
        0 => drop(line.drain(at..to)),
        1 => line.truncate(at),
        2 => {
            let copy = line[at..to].to_vec();
            let place = dice.below(line.len() + 1);
            line.splice(place..place, copy);
        }
        3 => {
            let other = &samples()[dice.below(samples().len())];
            line.truncate(at);
            line.extend_from_slice(&other[dice.below(other.len() + 1)..]);
        }
        4 => {
            let noise = dice.bytes(12);
            line.splice(at..at, noise);
        }
        5 | 6 => {
            let sign = dice.of(SIGNS).as_bytes().to_vec();
            line.splice(at..at, sign);
        }
        7 => {
            // Some bytes in an escape.
            let form = dice.below(4);
            let escaped: String = (line[at..to].iter())
                .map(|byte| match form {
                    0 => format!("%{byte:02x}"),
                    1 => format!("\\x{byte:02X}"),
                    2 => format!("\\u{byte:04x}"),
                    _ => format!("%25{byte:02X}"),
                })
                .collect();
            line.splice(at..to, escaped.into_bytes());
        }
        8 => line[at..to].make_ascii_uppercase(),
        _ => {
            if let Some(byte) = line.get_mut(at) {
                *byte ^= 1 << dice.below(8);
            }
        }
    }
    line.retain(|&byte| byte != b'\n');
}

/// Puts `value` between two delimiters of the line, in place of what stands there; at the end if there are none.
pub fn plant(line: &mut Vec<u8>, value: &[u8], dice: &mut Dice) {
    let delimits = |byte: &u8| matches!(byte, b' ' | b'"' | b'=' | b'&' | b',' | b';' | b'(' | b')' | b'{' | b'}');
    let places: Vec<usize> = (0..line.len()).filter(|&at| delimits(&line[at])).collect();
    let Some(i) = (!places.is_empty()).then(|| dice.below(places.len())) else {
        line.push(b' ');
        return line.extend_from_slice(value);
    };
    let end = places.get(i + 1).copied().unwrap_or(line.len());
    line.splice(places[i] + 1..end, value.iter().copied());
}

/// What delimits, escapes and forges.
const SIGNS: &[&str] = &[
    " ",
    "\"",
    "\\\"",
    "\\",
    "[",
    "]",
    "{",
    "}",
    ":",
    "::",
    ",",
    "=",
    "&",
    ";",
    "%",
    "%40",
    "@",
    "/",
    "//",
    "?",
    "#",
    "-",
    "--",
    ".",
    "..",
    "\t",
    "\r",
    "\0",
    "\u{1b}[31m",
    "\u{202e}",
    "null",
    "- -",
    " - - [",
    "\" 200 5 \"-\" \"",
    "HTTP/1.1",
    "GET ",
    "client: ",
    "http://",
    "\\x22",
    "\\u0022",
    "[.]",
    "(at)",
    "&#64;",
    "\"sladd\":{",
    " \"class=security_log until=2027-05-21 policy=hosting/1\"",
    "p1.20261121.",
    "[email]",
    "[id]",
    "[token]",
    "Mozilla/5.0 (",
    "1.1.1.1",
    "0x",
    "=p1.",
];
