//! A day of a site, the same each time: its visitors and their long tail, and attacks that are planted among them.
//!
//! IPv4 addresses are of 240.0.0.0/4, which nobody has (RFC 1112), IPv6 addresses of 2001:db8::/32 (RFC 3849), an IPv6 source
//! being a /64 of which any address may write.

use std::fmt::Write;

/// What was written that day, in the order of time.
pub struct Day {
    /// Lines in the format `combined`.
    pub access: String,
    /// Messages of sshd behind the stamp of syslog.
    pub auth: String,
    /// How many sources of each kind were planted, crawlers first, in the order of [`PLANTED`].
    pub planted: [usize; 6],
}

/// How many of each: crawlers, bursts of 404, bursts of 500, guesses of passwords at a form, the same at sshd, scans of paths.
const PLANTED: [usize; 6] = [5, 8, 5, 9, 14, 7];

const VISITS: usize = 220_000;
const SOURCES: u64 = 24_000;
const DAY: u64 = 86_400;

pub fn day() -> Day {
    let mut site = Site { dice: Dice(0x1d), access: Vec::new(), auth: Vec::new() };
    for _ in 0..VISITS {
        site.visit();
    }
    for number in 0..400 {
        site.log_in(number);
    }
    let [crawlers, missing, broken, forms, shells, scans] = PLANTED;
    (0..crawlers).for_each(|number| site.crawl(number as u64));
    (0..missing).for_each(|number| site.miss(number as u64));
    (0..broken).for_each(|number| site.break_down(number as u64));
    (0..forms).for_each(|number| site.guess(number as u64));
    (0..shells).for_each(|number| site.guess_shell(number as u64));
    (0..scans).for_each(|number| site.scan(number as u64));
    let written = |mut lines: Vec<(u64, String)>| {
        lines.sort_by_key(|(second, _)| *second);
        lines.into_iter().map(|(_, line)| line + "\n").collect()
    };
    Day { access: written(site.access), auth: written(site.auth), planted: PLANTED }
}

struct Site {
    dice: Dice,
    access: Vec<(u64, String)>,
    auth: Vec<(u64, String)>,
}

/// Attackers are sources of their own; every other one has a visitor's network.
const ATTACKERS: u64 = 1 << 20;

impl Site {
    fn visit(&mut self) {
        let source = self.dice.by_rank(SOURCES);
        let second = self.dice.daytime();
        let page = self.dice.by_rank(3_000);
        match self.dice.below(1_000) {
            0..850 => self.request(second, source, "GET", &format!("/articles/{page}.html"), 200),
            850..900 => self.request(second, source, "GET", "/search?q=word&page=2", 200),
            900..960 => self.request(second, source, "GET", &format!("/assets/style-{}.css", page % 40), 304),
            960..975 => self.request(second, source, "GET", &format!("/articles/{page}.php"), 404),
            975..995 => self.request(second, source, "POST", "/login", if page.is_multiple_of(4) { 401 } else { 302 }),
            _ => self.request(second, source, "GET", &format!("/api/v1/items/{page}"), 500),
        }
    }

    fn log_in(&mut self, number: u64) {
        let (source, second) = (SOURCES + number % 12, self.dice.daytime());
        let address = self.address(source);
        let accepted =
            format!("Accepted password for user{} from {address} port {} ssh2", number % 12, 40_000 + number);
        match number % 20 {
            0 => self.refuse(second, source, &format!("user{}", number % 12)),
            _ => self.message(second, &accepted),
        }
    }

    /// All day long, within what a site allows.
    fn crawl(&mut self, number: u64) {
        for visit in 0..4_000 + 700 * number {
            let second = visit * DAY / (4_000 + 700 * number);
            self.request(second, ATTACKERS + number, "GET", &format!("/articles/{}.html", visit % 3_000), 200);
        }
    }

    fn miss(&mut self, number: u64) {
        let (source, begin) = (ATTACKERS + 100 + number, self.dice.below(DAY - 3_600));
        for request in 0..60 + 90 * number {
            self.request(begin + request / 2, source, "GET", "/images/gone.png", 404);
        }
    }

    fn break_down(&mut self, number: u64) {
        let (source, begin) = (ATTACKERS + 200 + number, self.dice.below(DAY - 3_600));
        for request in 0..50 + 70 * number {
            self.request(begin + request, source, "POST", "/api/v1/orders", 500);
        }
    }

    /// The last of them first looks for a way in, and then guesses; the first is as slow as can be seen.
    fn guess(&mut self, number: u64) {
        let (source, begin) = (ATTACKERS + 300 + number, self.dice.below(DAY - 7_200));
        let pause = if number == 0 { 25 } else { 1 + number % 4 };
        for request in 0..90 + 60 * number {
            self.request(begin + pause * request, source, "POST", "/login", 401);
        }
        if number == 8 {
            self.look_around(source, begin - begin.min(1_000));
        }
    }

    fn guess_shell(&mut self, number: u64) {
        let (source, begin) = (ATTACKERS + 400 + number, self.dice.below(DAY - 3_600));
        for request in 0..15 + 40 * number {
            let user = ["root", "invalid user admin", "invalid user oracle", "invalid user test"][request as usize % 4];
            self.refuse(begin + 3 * request, source, user);
        }
    }

    fn scan(&mut self, number: u64) {
        let begin = self.dice.below(DAY - 3_600);
        self.look_around(ATTACKERS + 500 + number, begin);
    }

    fn look_around(&mut self, source: u64, begin: u64) {
        let mut second = begin;
        for place in ["", "/old", "/backup", "/wp", "/admin"] {
            for name in
                [".env", ".git/config", "wp-login.php", "phpinfo.php", "server-status", "config.yml", "shell.php"]
            {
                self.request(second, source, "GET", &format!("{place}/{name}"), 404);
                second += 3 + self.dice.below(3);
            }
        }
    }

    fn request(&mut self, second: u64, source: u64, method: &str, target: &str, status: u16) {
        let address = self.address(source);
        let agent = AGENTS[(mix(source) % AGENTS.len() as u64) as usize];
        let (hour, minute, second_of) = (second / 3_600, second / 60 % 60, second % 60);
        let size = self.dice.below(40_000);
        self.access.push((
            second,
            format!(
                "{address} - - [20/Nov/2026:{hour:02}:{minute:02}:{second_of:02} +0000] \"{method} {target} HTTP/1.1\" {status} \
                 {size} \"-\" \"{agent}\""
            ),
        ));
    }

    fn refuse(&mut self, second: u64, source: u64, user: &str) {
        let address = self.address(source);
        let port = 30_000 + self.dice.below(30_000);
        self.message(second, &format!("Failed password for {user} from {address} port {port} ssh2"));
    }

    fn message(&mut self, second: u64, message: &str) {
        let (hour, minute, second_of) = (second / 3_600, second / 60 % 60, second % 60);
        let process = 1_000 + self.dice.below(30_000);
        let stamp = format!("Nov 20 {hour:02}:{minute:02}:{second_of:02}");
        self.auth.push((second, format!("{stamp} host sshd[{process}]: {message}")));
    }

    /// An address that a source writes from. A visitor's network has one source or a few.
    fn address(&mut self, source: u64) -> String {
        let bits = mix(source);
        // Networks are those of visitors, also for every other attacker.
        let network = if source.is_multiple_of(2) { mix(mix(source) % (SOURCES / 2) / 2 * 2) } else { bits };
        let mut text = String::new();
        if source % 4 == 1 {
            let site = (network >> 8) % 9_000;
            let _ = write!(text, "2001:db8:{site:x}:{:x}::{:x}", bits >> 50, 1 + self.dice.below(3));
        } else {
            let [_, high, middle, _] = (network as u32).to_be_bytes();
            let _ = write!(text, "{}.{high}.{middle}.{}", 240 + (network >> 40) % 15, bits % 254 + 1);
        }
        text
    }
}

/// Random numbers, the same each time (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0) % end
    }

    /// Few are drawn often and most hardly ever: each in the measure of one by its rank.
    fn by_rank(&mut self, count: u64) -> u64 {
        let part = self.below(1 << 32) as f64 / (1u64 << 32) as f64;
        ((count as f64).powf(part) as u64 - 1).min(count - 1)
    }

    /// More at noon than at night.
    fn daytime(&mut self) -> u64 {
        (self.below(DAY) + self.below(DAY)) / 2
    }
}

fn mix(bits: u64) -> u64 {
    let bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

const AGENTS: [&str; 6] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "curl/8.5.0",
];
