//! A deterministic access log of any size, with the cardinalities of a busy site: for benches and soaks.
//!
//! `cargo run --release --example generate -- 256 [clients]` writes 256 MB of combined lines to standard output.
//! Clients follow Zipf's law; a quarter are IPv6; 48 % of the lines have a query, 6.4 % an e-mail address, 1.5 % a user.
//! Addresses are of the benchmarking range 198.18.0.0/15 (RFC 2544) and the documentation range 2001:db8::/32 (RFC 3849).
#![allow(clippy::unwrap_used)]

use std::io::{self, BufWriter, Write};

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let megabytes: usize = arguments.next().map_or(256, |text| text.parse().expect("megabytes, a number"));
    let clients: usize = arguments.next().map_or(145_000, |text| text.parse().expect("clients, a number"));
    let mut out = BufWriter::with_capacity(1 << 18, io::stdout().lock());
    let mut site = Site::new(clients);
    let mut line = Vec::with_capacity(1024);
    let mut written = 0;
    while written < megabytes * 1_000_000 {
        line.clear();
        site.line(&mut line);
        out.write_all(&line)?;
        written += line.len();
    }
    out.flush()
}

/// A site and its visitors.
pub(crate) struct Site {
    dice: Dice,
    zipf: Zipf,
    agents: Vec<String>,
    pages: Vec<String>,
    second: u64,
}

impl Site {
    pub(crate) fn new(clients: usize) -> Site {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        let agents = (0..4000).map(|i| agent(i, &mut dice)).collect();
        let pages = (0..20_000).map(|i| page(i, &mut dice)).collect();
        Site { dice, zipf: Zipf::new(clients), agents, pages, second: 1_795_000_000 }
    }

    pub(crate) fn line(&mut self, out: &mut Vec<u8>) {
        let client = self.zipf.draw(&mut self.dice) as u64;
        let dice = &mut self.dice;
        if dice.below(40) == 0 {
            self.second += 1;
        }
        let agent = &self.agents[(mix(client) % 997 * (1 + client % 4)) as usize % self.agents.len()];
        let page = &self.pages[(dice.below(141) * dice.below(141)) as usize % self.pages.len()];
        address(client, out);
        match dice.below(1000) {
            0..15 => drop(write!(out, " - user{} ", dice.below(5000))),
            _ => out.extend_from_slice(b" - - "),
        }
        clf(self.second, out);
        let method = ["GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET", "POST", "HEAD"][dice.below(10) as usize];
        drop(write!(out, "\"{method} {page}"));
        if dice.below(1000) < 480 {
            query(dice, out);
        }
        let status = [200, 200, 200, 200, 200, 200, 304, 301, 404, 500][dice.below(10) as usize];
        drop(write!(out, " HTTP/{}\" {status} {} ", ["1.1", "2.0"][dice.below(2) as usize], dice.below(90_000)));
        match dice.below(10) {
            0..4 => out.extend_from_slice(b"\"-\" "),
            4..8 => drop(write!(out, "\"https://www.example.com{page}\" ")),
            _ => drop(write!(out, "\"https://search.example.net/find?q=word{}\" ", dice.below(9000))),
        }
        drop(writeln!(out, "\"{agent}\""));
    }
}

fn address(client: u64, out: &mut Vec<u8>) {
    let bits = mix(client);
    if bits.is_multiple_of(4) {
        drop(write!(
            out,
            "2001:db8:{:x}:{:x}:{:x}:{:x}:{:x}:{:x}",
            client >> 8 & 0xffff,
            client & 0xff,
            bits >> 48,
            bits >> 32 & 0xffff,
            bits >> 16 & 0xffff,
            bits & 0xffff
        ));
    } else {
        let host = client & 0x1_ffff;
        drop(write!(out, "198.{}.{}.{}", 18 + (host >> 16), host >> 8 & 0xff, host & 0xff));
    }
}

fn clf(second: u64, out: &mut Vec<u8>) {
    let day = 1 + (second / 86_400) % 28;
    let (h, m, s) = (second / 3600 % 24, second / 60 % 60, second % 60);
    drop(write!(out, "[{day:02}/Nov/2026:{h:02}:{m:02}:{s:02} +0100] "));
}

fn query(dice: &mut Dice, out: &mut Vec<u8>) {
    out.push(b'?');
    for i in 0..1 + dice.below(3) {
        if i > 0 {
            out.push(b'&');
        }
        match dice.below(8) {
            0 => drop(write!(out, "email=visitor{}%40example.org", dice.below(90_000))),
            1 => drop(write!(out, "page={}", dice.below(200))),
            2 => drop(write!(out, "utm_source=news&utm_campaign=c{}", dice.below(50))),
            3 => drop(write!(out, "q=word+number+{}", dice.below(10_000))),
            4 => drop(write!(out, "id={}", dice.below(1_000_000))),
            5 => drop(write!(out, "lang=nb&sort=price")),
            6 => drop(write!(out, "v=1.{}.{}", dice.below(20), dice.below(20))),
            _ => drop(write!(out, "ref={:x}", mix(dice.below(1_000_000)))),
        }
    }
}

fn page(i: u64, dice: &mut Dice) -> String {
    const WORDS: [&str; 16] = [
        "about", "blog", "shop", "news", "contact", "static", "images", "products", "winter", "wool", "sweaters",
        "green", "archive", "help", "gallery", "stories",
    ];
    let word = |n: u64| WORDS[(n % 16) as usize];
    let (a, b, c) = (dice.below(16), dice.below(16), dice.below(16));
    match i % 10 {
        0 => format!("/static/js/app.{:08x}{:08x}.js", mix(i) as u32, mix(i + 1) as u32),
        1 => format!("/images/{}/{}-{}_{}x{}.jpg", word(a), word(b), word(c), 100 + i % 900, 80 + i % 700),
        2 => format!("/blog/2026/{:02}/{}-{}-{}/", 1 + i % 12, word(a), word(b), word(c)),
        3 => format!("/api/v2/{}/{}", word(a), 1000 + i),
        4 => format!("/css/lib-1.{}.{}.0.css", i % 130, i % 9),
        5 => format!("/{}/{}/", word(a), word(b)),
        6 => format!("/shop/{}/{}-{}-{}", word(a), word(b), word(c), i % 500),
        7 => format!("/{}/index.html", word(a)),
        8 => format!("/wp-content/uploads/2026/{:02}/{}-{}-scaled.webp", 1 + i % 12, word(b), word(c)),
        _ => format!("/{}/{}/{}-{}.html", word(a), word(b), word(c), i),
    }
}

fn agent(i: u64, dice: &mut Dice) -> String {
    let (major, build, patch) = (90 + dice.below(60), 3000 + dice.below(4000), dice.below(250));
    match i % 10 {
        0..4 => format!(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.{build}.{patch} Safari/537.36"
        ),
        4 => format!("Mozilla/5.0 (X11; Linux x86_64; rv:{major}.0) Gecko/20100101 Firefox/{major}.0"),
        5 => format!(
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_{} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.{} Mobile/15E{} Safari/604.1",
            dice.below(9),
            dice.below(9),
            100 + dice.below(200)
        ),
        6 => format!(
            "Mozilla/5.0 (Linux; Android {}; SM-G{}B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.{build}.{patch} Mobile Safari/537.36",
            8 + dice.below(8),
            900 + dice.below(99)
        ),
        7 => format!(
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_{}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.{} Safari/605.1.15",
            dice.below(8),
            dice.below(9)
        ),
        8 => "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)".to_owned(),
        _ => format!("curl/8.{}.{}", dice.below(12), dice.below(3)),
    }
}

/// Draws ranks by Zipf's law with exponent 1.
struct Zipf {
    sums: Vec<f64>,
}

impl Zipf {
    fn new(ranks: usize) -> Zipf {
        let mut sum = 0.0;
        let sums = (1..=ranks.max(1))
            .map(|rank| {
                sum += 1.0 / rank as f64;
                sum
            })
            .collect();
        Zipf { sums }
    }

    fn draw(&self, dice: &mut Dice) -> usize {
        let last = self.sums[self.sums.len() - 1];
        let at = (dice.next() >> 11) as f64 / (1u64 << 53) as f64 * last;
        self.sums.partition_point(|&sum| sum < at).min(self.sums.len() - 1)
    }
}

/// xorshift64*: the same numbers on every machine.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: u64) -> u64 {
        ((self.next() >> 32) * limit) >> 32
    }
}

fn mix(n: u64) -> u64 {
    let n = (n ^ n >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ n >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ n >> 31
}
