//! A user agent's family, major version and system: `Firefox/128 (Linux)`.
//!
//! What comes out is made of words of our own tables and of at most four digits, but for crawlers, which keep a name of
//! letters. It is written so that log analysers still see browser, system and crawler, and it is its own family.

mod memory;
mod words;

use super::{Aid, Outcome};
use crate::detect::{Detector, Kinds, Place};
pub use memory::Memory;
use words::{Rank, SYSTEMS, System};

/// Reduces agents.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    version: bool,
}

impl Family {
    /// Reduces agents to family, system and, where asked, major version.
    pub fn new(version: bool) -> Family {
        Family { version }
    }

    /// Reduces the agent. Agents that were seen lately are remembered.
    #[inline]
    pub fn treat(&self, value: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
        let Aid { agents, detector, .. } = aid;
        agents.get(value, self.version, made, |made| self.reduce(value, detector, made));
        Outcome::Made
    }

    /// The family, without memory.
    fn reduce(&self, value: &[u8], detector: &mut Detector, made: &mut Vec<u8>) {
        // What a client sends beyond this says nothing more of its family.
        let agent = &value[..value.len().min(LONGEST)];
        let seen = Seen::in_agent(agent, detector);
        let start = made.len();
        let rank = seen.product.map(|product| product.rank);
        if let Some(Product { name, version, rank }) = seen.product {
            made.extend_from_slice(name);
            let parts = if matches!(rank, Rank::Known | Rank::Crawler) { 2 } else { 1 };
            if self.version {
                write_version(version, parts, made);
            }
        }
        let link = rank != Some(Rank::Known) && has_link(agent);
        // `Mozilla/5` is a family of its own to analysers, but neither `Mozilla` nor a robot's.
        if rank.is_none() || rank == Some(Rank::Mozilla) && (link || made[start..] == *b"Mozilla") {
            made.truncate(start);
            made.extend_from_slice(b"Other");
        }
        let parts = [seen.system.map(|system| SYSTEMS[system as usize].1), link.then_some(LINK)];
        let mut before: &[u8] = b" (";
        for part in parts.into_iter().flatten() {
            made.extend_from_slice(before);
            made.extend_from_slice(part);
            before = b"; ";
        }
        if before == b"; " {
            made.push(b')');
        }
    }
}

/// What is left of a link. Programs that read sites by themselves say in this way where their owner is to be found, and
/// analysers know them by it.
const LINK: &[u8] = b"+http";

/// Whether the agent names a link where robots do: `(+http`, `; http`.
fn has_link(agent: &[u8]) -> bool {
    memchr::memmem::find_iter(agent, b"http").any(|at| {
        let before = agent[..at].strip_suffix(b"+").unwrap_or(&agent[..at]);
        before.ends_with(b"(") || before.ends_with(b"; ")
    })
}

/// Bytes of an agent that are read.
const LONGEST: usize = 1024;

/// The best product so far, and the best system.
#[derive(Default)]
struct Seen<'a> {
    product: Option<Product<'a>>,
    system: Option<System>,
}

#[derive(Clone, Copy)]
struct Product<'a> {
    /// As it is printed.
    name: &'a [u8],
    /// What stands behind its slash.
    version: &'a [u8],
    rank: Rank,
}

impl<'a> Seen<'a> {
    /// Reads the agent word by word, once.
    fn in_agent(agent: &'a [u8], detector: &mut Detector) -> Seen<'a> {
        let mut seen = Seen::default();
        let mut safari = None;
        let mut at = 0;
        while at < agent.len() {
            if !is_letter(agent[at]) {
                at += 1;
                continue;
            }
            let start = at;
            while at < agent.len() && is_word(agent[at]) {
                at += 1;
            }
            // A part of a host name, a path or an address is no product of its own.
            let begins = start == 0 || !(is_word(agent[start - 1]) || b"/@%\\:=".contains(&agent[start - 1]));
            let word = &agent[start..at];
            let behind = &agent[at..];
            if let Some(system) = words::system(word, behind) {
                seen.system = Some(seen.system.map_or(system, |best| best.min(system)));
            }
            // `MSIE 9.0`, and Trident's own `rv:11.0`, have no slash.
            let version = match behind.first() {
                Some(b'/') => &behind[1..],
                Some(b' ') if word == b"MSIE" => &behind[1..],
                Some(b':') if word == b"rv" && seen.is(b"MSIE") => {
                    seen.set_version(&behind[1..]);
                    continue;
                }
                _ => b"",
            };
            match words::product(word) {
                // The version of Safari stands behind this word.
                Some((_, Rank::SafariVersion)) => safari = Some(version),
                // A phone's way to say what it can run.
                Some((b"Java", _)) if !version.first().is_some_and(u8::is_ascii_digit) => {}
                Some((name, rank)) => seen.offer(Product { name, version, rank }),
                None if begins && is_crawler(word, version, detector) => {
                    seen.offer(Product { name: word, version, rank: Rank::Crawler });
                }
                None => {}
            }
        }
        if let (Some(product), Some(version)) = (&mut seen.product, safari)
            && product.rank == Rank::Safari
        {
            product.version = version;
        }
        seen
    }

    fn is(&self, name: &[u8]) -> bool {
        self.product.is_some_and(|product| product.name == name)
    }

    fn set_version(&mut self, version: &'a [u8]) {
        if let Some(product) = &mut self.product {
            product.version = version;
        }
    }

    /// Takes a product that says more than the one at hand; among equals the first stands.
    fn offer(&mut self, product: Product<'a>) {
        if self.product.is_none_or(|best| product.rank < best.rank) {
            self.product = Some(product);
        }
    }
}

/// Whether a word that no table knows is a crawler's name: letters only, and it says what it does.
fn is_crawler(word: &[u8], version: &[u8], detector: &mut Detector) -> bool {
    const SIGNS: [&[u8]; 7] = [b"bot", b"crawler", b"spider", b"slurp", b"fetch", b"monitor", b"archiver"];
    let named = (3..=32).contains(&word.len()) && word.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'-');
    // A maker of phones.
    if !named || word == b"CUBOT" || word.iter().filter(|byte| **byte == b'-').count() > 2 {
        return false;
    }
    let says = |sign: &&[u8]| word.windows(sign.len()).any(|part| part.eq_ignore_ascii_case(sign));
    // A host name or an address in which such a word stands is none.
    let alone = match version.iter().position(|byte| !(byte.is_ascii_digit() || *byte == b'.')) {
        Some(0) => false,
        end => version[..end.unwrap_or(version.len())].iter().filter(|byte| **byte == b'.').count() < 3,
    };
    alone && SIGNS.iter().any(says) && !detector.any(word, Kinds::ALL, Place::Agent)
}

/// `/128`, or `/2.1` where two parts are asked for: numbers of at most four digits, or nothing.
fn write_version(version: &[u8], parts: usize, made: &mut Vec<u8>) {
    let start = made.len();
    let mut rest = version;
    for part in 0..parts {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=4).contains(&digits) || (part > 0 && digits > 3) {
            break;
        }
        made.push(if part == 0 { b'/' } else { b'.' });
        made.extend_from_slice(&rest[..digits]);
        match rest.get(digits) {
            Some(b'.') => rest = &rest[digits + 1..],
            _ => break,
        }
    }
    // Four numbers and their dots would be an address to the next reader; two can not.
    debug_assert!(made.len() - start <= 9);
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reduced(agent: &str) -> String {
        family(agent, true)
    }

    fn family(agent: &str, version: bool) -> String {
        let mut made = Vec::new();
        let mut aid = Aid::default();
        assert_eq!(Family::new(version).treat(agent.as_bytes(), &mut aid, &mut made), Outcome::Made);
        String::from_utf8(made).unwrap()
    }

    #[test]
    fn browsers_come_out_as_analysers_read_them() {
        for (agent, want) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox/128 (Linux)"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36",
                "Chrome/139 (Windows NT)",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.2592.87",
                "Edg/126 (Windows NT)",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
                "Safari/17 (Mac OS X)",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
                "Safari/17 (iPhone)",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; SM-S918B Build/UP1A.231005.007) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.6478.71 Mobile Safari/537.36",
                "Chrome/126 (Android)",
            ),
            (
                "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36",
                "Chrome/120 (CrOS)",
            ),
            ("Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko", "MSIE/11 (Windows NT)"),
            ("Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.0; Trident/4.0)", "MSIE/8 (Windows NT)"),
            ("Opera/9.80 (Windows NT 6.1) Presto/2.12.388 Version/12.16", "Opera/9 (Windows NT)"),
            ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot/2.1"),
            ("curl/8.5.0", "curl/8"),
            ("python-requests/2.32.3", "python-requests/2"),
            ("Mozilla/5.0 (compatible; AcmeCrawler/3.7.1; +https://acme.example/me)", "AcmeCrawler/3.7 (+http)"),
            ("Mozilla/5.0 (compatible; Linux x86_64; Acme/2.0; +http://acme.example/robots)", "Other (Linux; +http)"),
            ("Chef Client/10.18.2 (ruby; +http://opscode.example)", "Other (+http)"),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 7_0_4 like Mac OS X) AppleWebKit/537.51.1 Mobile/11B554a",
                "Mozilla/5 (iPhone)",
            ),
            (
                "Mozilla/5.0 (X11; Linux i686) AppleWebKit/537.36 Ubuntu Chromium/32.0.1700.102 Chrome/32.0.1700.102 Safari/537.36",
                "Chrome/32 (Linux)",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
                "Chrome/121 (Android)",
            ),
            ("Mozilla/5.0 (Windows; U; Win98; en-US) Gecko/20041217", "Mozilla/5 (Windows 98)"),
            ("Mozilla/5.0 (compatible; http", "Other (+http)"),
            ("something nobody knows 203.0.113.77", "Other"),
            ("", "Other"),
        ] {
            assert_eq!(reduced(agent), want, "{agent}");
            assert_eq!(reduced(want), want, "its own family");
        }
    }

    #[test]
    fn without_version_the_system_stays() {
        let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
        assert_eq!(family(agent, false), "Firefox (Linux)");
        assert_eq!(family("Firefox (Linux)", false), "Firefox (Linux)");
        assert_eq!(family("curl/8.5.0", false), "curl");
        assert_eq!(family("curl", false), "curl");
    }

    #[test]
    fn identifiers_do_not_survive_in_an_agent() {
        for agent in [
            "app/1.0 (device AEBE52E7-03EE-455A-B3C4-E57283966239)",
            "kari.nordmann@example.org-bot/1.0",
            "203.0.113.77-bot/203.0.113.77",
            "Firefox/20311277",
            "Mozilla/5.0 (iPhone; serial/C39XK0AAHG7F; IMEI/490154203237518)",
            r"x\x22bot/9.9.9.9",
        ] {
            let out = reduced(agent);
            for trace in ["AEBE", "kari", "203", "2031", "C39X", "4901", "9.9.9"] {
                assert!(!out.contains(trace), "{agent} gave {out}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_comes_out_is_short_plain_and_its_own_family(
            agent in "((Mozilla|Chrome|Safari|Version|Edg|MSIE|rv|xbot|Linux|Android|iPhone|Mac OS X|Windows NT|[a-zA-Z0-9 ._-]{0,12})[/ ;:()]{0,2}[0-9.]{0,9}[ ;()]?){0,9}",
            version in any::<bool>(),
        ) {
            let out = family(&agent, version);
            prop_assert!(out.len() <= 64, "{out}");
            prop_assert!(out.bytes().all(|b| b.is_ascii_alphanumeric() || b" ._()/-+;".contains(&b)), "{out}");
            prop_assert_eq!(family(&out, version), out.clone(), "{} from {}", out, agent);
        }

        #[test]
        fn arbitrary_bytes_never_panic(agent in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut made = Vec::new();
            Family::new(true).treat(&agent, &mut Aid::default(), &mut made);
            prop_assert!(made.len() <= 64);
        }

        #[test]
        fn memory_gives_what_no_memory_gives(picks in prop::collection::vec((0usize..40, any::<bool>()), 1..200)) {
            let mut aid = Aid::default();
            for (pick, version) in picks {
                let agent = format!("Mozilla/5.0 (X11; Linux) Chrome/{pick}.0{} Safari/537.36", "x".repeat(pick * 11));
                let family = Family::new(version);
                let (mut with, mut without) = (Vec::new(), Vec::new());
                family.treat(agent.as_bytes(), &mut aid, &mut with);
                family.reduce(agent.as_bytes(), &mut Detector::default(), &mut without);
                prop_assert_eq!(with, without);
            }
        }
    }
}
