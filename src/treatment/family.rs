//! A user agent's family, major version and system in place of the agent.

mod automaton;
mod cache;
mod rules;

pub use cache::Cache;

use super::{Aid, Outcome, escape};
use crate::detect::{Detector, Kinds, Place};
use automaton::{Automaton, CHROME, FIREFOX, Found, LINK, MOZILLA, MSIE, SAFARI};
use rules::{BROWSERS, CRAWLERS, Known, NO_CRAWLERS, OTHER, SYSTEMS, Version};
use std::sync::{Arc, OnceLock};

/// Writes `Firefox/128 (Linux)` for a browser, `Googlebot/2.1` for a crawler, `Other` for what is not known.
///
/// Names come from our own list, and so do systems; of the agent itself only a version of up to three digits is printed
/// (two such numbers for crawlers) and, for crawlers that the list does not have, a name that is one word of 2 to 32
/// letters with `bot`, `crawl`, `spider`, `slurp`, `fetch` or `monitor` in it, in the place of a product's name. What is
/// written can be read again and gives itself, and analysers find browser and system in it. Serials, models, builds,
/// mail addresses and URLs have no place in it.
#[derive(Clone, Debug)]
pub struct Family {
    version: bool,
    automaton: Arc<Automaton>,
}

impl Family {
    /// Families with their version or without. All share one automaton.
    pub fn new(version: bool) -> Family {
        static SHARED: OnceLock<Arc<Automaton>> = OnceLock::new();
        Family { version, automaton: SHARED.get_or_init(|| Arc::new(Automaton::new())).clone() }
    }

    /// Writes the agent's family.
    #[inline]
    pub fn treat(&self, agent: &[u8], aid: &mut Aid, made: &mut Vec<u8>) -> Outcome {
        let start = made.len();
        let Aid { families, detector, .. } = aid;
        families.get(agent, self.version, made, |made| self.write(agent, detector, made));
        if made[start..] == *agent {
            made.truncate(start);
            return Outcome::Kept;
        }
        Outcome::Made
    }

    #[inline(never)]
    fn write(&self, agent: &[u8], detector: &mut Detector, made: &mut Vec<u8>) {
        let agent = &agent[..agent.len().min(LONGEST)];
        // CloudFront writes a blank as `%20`, or as `%2520`.
        if !agent.contains(&b' ')
            && memchr::memmem::find(agent, b"20").is_some_and(|at| at > 0)
            && agent.contains(&b'%')
        {
            let mut plain = [0; LONGEST];
            let plain = &mut plain[..agent.len()];
            plain.copy_from_slice(agent);
            let length = escape::percent_decode(plain);
            let length = escape::percent_decode(&mut plain[..length]);
            if plain[..length].contains(&b' ') {
                return self.write(&plain[..length], detector, made);
            }
        }
        let found = self.automaton.read(agent);
        let known = match found.browser {
            Some((rank, end)) if usize::from(rank) < CRAWLERS => self.write_rule(rank, end, agent, &found, made),
            browser => match (crawler(agent, &found, detector), browser) {
                (Some((name, version)), _) => {
                    made.extend_from_slice(name);
                    self.write_version(version, made);
                    Known::No
                }
                (None, Some((rank, end))) => self.write_rule(rank, end, agent, &found, made),
                (None, None) => {
                    made.extend_from_slice(OTHER.as_bytes());
                    Known::No
                }
            },
        };
        if found.marks & LINK != 0 && known != Known::Crawler {
            // Who gives a page about itself is a crawler: that is how analysers know those whose names they do not.
            return made.extend_from_slice(b" (http)");
        }
        if known == Known::No {
            let also = BASES.iter().find(|(mark, _)| found.marks & mark != 0);
            made.extend_from_slice(also.map_or(b"", |(_, name)| name));
        }
        if let Some(rank) = found.system {
            made.extend_from_slice(b" (");
            made.extend_from_slice(SYSTEMS[usize::from(rank)].1.as_bytes());
            made.push(b')');
        }
    }

    /// Appends name and version, and says what analysers make of the name.
    fn write_rule(&self, rank: u16, end: usize, agent: &[u8], found: &Found, made: &mut Vec<u8>) -> Known {
        let rule = &BROWSERS[usize::from(rank)];
        made.extend_from_slice(rule.name.as_bytes());
        let behind = |end: usize| version(&agent[end..]);
        match rule.version {
            Version::Two => self.write_version(behind(end), made),
            Version::Major => self.write_version(behind(end).and_then(major), made),
            Version::Token => {
                let numbers = match found.version {
                    Some(end) => behind(end),
                    // Builds of the engine have three digits and more.
                    None => behind(end).filter(|numbers| major(numbers).is_some_and(|number| number.len() < 3)),
                };
                self.write_version(numbers.and_then(major), made);
            }
            Version::Trident => {
                let number: Option<&[u8]> = match behind(end).and_then(major) {
                    Some(b"4") => Some(b"8"),
                    Some(b"5") => Some(b"9"),
                    Some(b"6") => Some(b"10"),
                    Some(b"7") => Some(b"11"),
                    Some(_) | None => None,
                };
                self.write_version(number, made);
            }
            Version::None => {}
        }
        rule.known
    }

    fn write_version(&self, version: Option<&[u8]>, made: &mut Vec<u8>) {
        if let Some(version) = version.filter(|_| self.version) {
            made.push(b'/');
            made.extend_from_slice(version);
        }
    }
}

/// The name and version of a crawler that the list does not have.
fn crawler<'a>(agent: &'a [u8], found: &Found, detector: &mut Detector) -> Option<(&'a [u8], Option<&'a [u8]>)> {
    for end in found.crawlers.into_iter().take_while(|&end| end > 0) {
        let start = agent[..end].iter().rposition(|byte| !byte.is_ascii_alphabetic()).map_or(0, |at| at + 1);
        let end = end + agent[end..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let name = &agent[start..end];
        let before = matches!(agent[..start].last(), None | Some(b' ' | b'(' | b';' | b',' | b'+' | b'['));
        let numbers = version(&agent[end..]);
        let after = match agent.get(end) {
            None | Some(b' ' | b';' | b')' | b',' | b'+' | b']') => true,
            // A product's version, not a path.
            Some(b'/') => numbers.is_some() || matches!(agent.get(end + 1), None | Some(b' ' | b';' | b')')),
            Some(_) => false,
        };
        let known = NO_CRAWLERS.iter().any(|word| word.as_bytes() == name);
        if before && after && !known && (2..=32).contains(&name.len()) && !detector.any(name, Kinds::ALL, Place::Text) {
            return Some((name, numbers));
        }
    }
    None
}

/// The version at the start of `text`: behind a slash, blank, colon or `v`, one number of up to three digits or two.
fn version(text: &[u8]) -> Option<&[u8]> {
    let skipped =
        text.iter().take(3).take_while(|byte| matches!(byte, b'/' | b'\\' | b' ' | b'+' | b':' | b'v' | b'_')).count();
    let text = &text[skipped..];
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let first = digits(text);
    if !(1..=3).contains(&first) {
        return None;
    }
    let second = match &text[first..] {
        [b'.', rest @ ..] => digits(rest),
        _ => 0,
    };
    // A long second number is a date or a serial.
    Some(&text[..if (1..=3).contains(&second) { first + 1 + second } else { first }])
}

/// The major number of a version.
fn major(version: &[u8]) -> Option<&[u8]> {
    version.split(|&byte| byte == b'.').next()
}

/// What a browser whose name is not known is added, in the order in which analysers look.
const BASES: [(u8, &[u8]); 5] =
    [(MSIE, b" MSIE"), (FIREFOX, b" Firefox"), (CHROME, b" Chrome"), (SAFARI, b" Safari"), (MOZILLA, b" Mozilla")];

/// What stands further behind has nothing to say.
const LONGEST: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn treated_by(family: &Family, agent: &[u8]) -> String {
        let mut made = b"before".to_vec();
        match AID.with(|aid| family.treat(agent, &mut aid.borrow_mut(), &mut made)) {
            Outcome::Kept => String::from_utf8(agent.to_vec()).unwrap(),
            Outcome::Made => String::from_utf8(made[6..].to_vec()).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    thread_local! {
        static FAMILIES: [Family; 2] = [Family::new(false), Family::new(true)];
        static AID: std::cell::RefCell<Aid> = std::cell::RefCell::default();
    }

    fn treated(agent: &str) -> String {
        FAMILIES.with(|families| treated_by(&families[1], agent.as_bytes()))
    }

    #[test]
    fn browsers_are_told_with_major_version_and_system() {
        for (agent, family) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox/128 (Linux)"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36",
                "Chrome/139 (Windows NT)",
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
                "Mozilla/5.0 (iPad; CPU OS 16_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/120.0.6099.50 Mobile/15E148 Safari/604.1",
                "CriOS/120 (iPad)",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/UD1A.231105.004) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.6478.71 Mobile Safari/537.36",
                "Chrome/126 (Android)",
            ),
            (
                "Mozilla/5.0 (Linux; Android 13; SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/23.0 Chrome/115.0.0.0 Mobile Safari/537.36",
                "SamsungBrowser/23 Chrome (Android)",
            ),
            (
                "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
                "Chrome/120 (CrOS)",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
                "Edg/126 (Windows NT)",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36 OPR/111.0.0.0",
                "OPR/111 (Windows NT)",
            ),
            ("Opera/9.80 (Windows NT 6.1; U; en) Presto/2.10.229 Version/11.62", "Opera/11 (Windows NT)"),
            (
                "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0; .NET CLR 2.0.50727)",
                "MSIE/8 (Windows NT)",
            ),
            ("Mozilla/5.0 (Windows NT 6.3; WOW64; Trident/7.0; rv:11.0) like Gecko", "MSIE/11 (Windows NT)"),
            (
                "Mozilla/5.0 (compatible; MSIE 10.0; Windows Phone 8.0; Trident/6.0; IEMobile/10.0; ARM; Touch)",
                "IEMobile/10 (Windows Phone)",
            ),
            (
                "Mozilla/5.0 (Linux; U; Android 4.1.2; en-us) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30",
                "Safari/4 (Android)",
            ),
            ("Mozilla/5.0+(Windows+NT+10.0;+rv:128.0)+Gecko/20100101+Firefox/128.0", "Firefox/128 (Windows NT)"),
            (r"Mozilla\/5.0 (X11; FreeBSD amd64) Gecko\/20100101 Firefox\/115.0", "Firefox/115 (FreeBSD)"),
            ("Dalvik/2.1.0 (Linux; U; Android 12; M2102J20SG Build/SKQ1.211006.001)", "Dalvik/2 (Android)"),
        ] {
            assert_eq!(treated(agent), family, "{agent}");
        }
    }

    #[test]
    fn crawlers_keep_their_names_and_two_numbers() {
        for (agent, family) in [
            ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot/2.1"),
            (
                "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
                "Googlebot/2.1 (Android)",
            ),
            ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "bingbot/2.0"),
            ("Mozilla/5.0 (compatible; Baiduspider/2.0; +http://example.com/)", "Baiduspider/2.0 (http)"),
            ("Mozilla/5.0 (compatible; Examplebot/1.2.3; +http://example.com/)", "Examplebot/1.2 (http)"),
            ("ExampleCrawler/4711", "ExampleCrawler"),
            ("Example Spider v5.3 (anna@example.org)", "Spider/5.3"),
            ("Examplebot", "Examplebot"),
        ] {
            let known = if agent == "ExampleCrawler/4711" { "Other" } else { family };
            assert_eq!(treated(agent), known, "{agent}");
        }
    }

    #[test]
    fn tools_keep_their_names() {
        for (agent, family) in [
            ("curl/8.5.0", "curl/8"),
            ("Wget/1.21.3", "Wget/1"),
            ("python-requests/2.31.0", "python-requests/2"),
            ("Go-http-client/1.1", "Go-http-client/1"),
            ("okhttp/4.12.0", "okhttp/4"),
            ("Java/17.0.2", "Java/17"),
        ] {
            assert_eq!(treated(agent), family, "{agent}");
        }
    }

    #[test]
    fn what_is_not_known_is_other() {
        for (agent, family) in [
            ("x\\x22 203.0.113.77 \\x22", "Other"),
            ("AnnasApp/3.14159 (device 8f14e45f; serial C02XK0XAJG5H)", "Other"),
            ("AnnasApp/1.0 (iPhone; iOS 17.0; Scale/3.00)", "Other (iPhone)"),
            ("anna@example.org", "Other"),
            ("robot@example.org", "Other"),
            ("http://bot.example.org/bot/x", "Other"),
            ("/bot/anna", "Other"),
            ("Annas-bot/1.0", "Other"),
            ("550e8400-e29b-41d4-a716-446655440000", "Other"),
            ("CUBOT X9", "Other"),
            ("bot/1234567", "Other"),
            ("bot.example.org", "Other"),
            ("\u{1b}[2J", "Other"),
            ("+", "Other"),
        ] {
            assert_eq!(treated(agent), family, "{agent}");
        }
    }

    #[test]
    fn without_versions_there_is_no_number() {
        let treated = |agent: &str| FAMILIES.with(|families| treated_by(&families[0], agent.as_bytes()));
        assert_eq!(
            treated("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
            "Firefox (Linux)"
        );
        assert_eq!(treated("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"), "Googlebot");
        assert_eq!(treated("Firefox/128 (Linux)"), "Firefox (Linux)");
    }

    #[test]
    fn all_that_can_be_written_reads_as_itself_and_has_no_identifier() {
        let mut detector = Detector::default();
        for rule in BROWSERS.iter().map(|rule| rule.name).chain(["Fancybot", OTHER]) {
            for version in ["", "/7", "/7.1", "/139"] {
                for system in SYSTEMS.iter().map(|(_, name)| format!(" ({name})")).chain(["".into(), " (http)".into()])
                {
                    let first = treated(&format!("{rule}{version}{system}"));
                    assert!(first.starts_with(rule), "{rule}{version}{system}: {first}");
                    assert_eq!(treated(&first), first);
                    let all = Kinds::ALL;
                    assert!(!detector.any(first.as_bytes(), all, Place::Agent), "{first}");
                    assert!(!detector.any(first.as_bytes(), all, Place::Text), "{first}");
                }
            }
        }
        for (_, system) in SYSTEMS {
            assert_eq!(treated(&format!("Firefox/128 ({system})")), format!("Firefox/128 ({system})"));
        }
    }

    #[test]
    fn a_long_agent_is_read_to_its_bound() {
        assert_eq!(treated(&"bot".repeat(20_000)), "Other");
        assert_eq!(treated(&format!("{}Firefox/1", "x".repeat(70_000))), "Other");
    }

    /// Agents of parts that matter.
    fn agents() -> impl Strategy<Value = String> {
        let words: Vec<String> = BROWSERS
            .iter()
            .map(|rule| rule.word.to_string())
            .chain(SYSTEMS.iter().map(|(word, _)| word.to_string()))
            .chain(
                [
                    "bot",
                    "Bot/1.0",
                    "fetch",
                    "; http",
                    " (+http",
                    "Version/",
                    "Mozilla/5.0",
                    "Firefox/3",
                    "Other",
                    "example.org",
                    "@",
                ]
                .map(String::from),
            )
            .collect();
        let part = prop_oneof![
            proptest::sample::select(words),
            "[/ ][0-9]{1,5}(\\.[0-9]{1,5})?",
            "[ ;()/+,]{1,2}",
            "[a-zA-Z]{1,8}",
            "\\PC{0,4}",
        ];
        proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn what_leaves_is_short_plain_and_stays(agent in agents(), version in any::<bool>()) {
            let treated = |agent: &str| FAMILIES.with(|families| treated_by(&families[usize::from(version)], agent.as_bytes()));
            let once = treated(&agent);
            prop_assert!(once.len() <= 64, "{}", once);
            prop_assert!(once.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" ._()/-".contains(&byte)), "{}", once);
            prop_assert_eq!(treated(&once), once);
        }

        #[test]
        fn any_bytes_are_read(agent in proptest::collection::vec(any::<u8>(), 0..100)) {
            let once = FAMILIES.with(|families| treated_by(&families[1], &agent));
            prop_assert!(once.len() <= 64);
        }

        #[test]
        fn remembering_changes_nothing(agents in proptest::collection::vec(agents(), 1..6), turns in proptest::collection::vec((0..6usize, any::<bool>()), 0..20)) {
            FAMILIES.with(|families| {
                let mut aid = Aid::default();
                for (turn, version) in turns {
                    let agent = agents[turn % agents.len()].as_bytes();
                    let family = &families[usize::from(version)];
                    let (mut made, mut fresh) = (Vec::new(), Vec::new());
                    let outcome = family.treat(agent, &mut aid, &mut made);
                    assert_eq!(outcome, family.treat(agent, &mut Aid::default(), &mut fresh));
                    assert_eq!(made, fresh);
                }
            });
        }

        #[test]
        fn planted_identifiers_do_not_survive(a in 1u8.., b in any::<u8>(), c in any::<u8>(), d in 1u8.., place in 0..4usize) {
            for planted in [
                format!("{a}.{b}.{c}.{d}"), format!("ola.{a}{b}@example.org"), format!("2001:db8:{a:x}::{d:x}"),
                format!("0f8fad5b-d9cb-469f-a165-7086772{b:02x}{c:02x}{d:x}"), format!("9f86d081884c7d659a2feaa0c55ad015{b:02x}{c:02x}"),
            ] {
                let agent = match place {
                    0 => format!("Mozilla/5.0 ({planted}; Linux) Firefox/128.0"),
                    1 => planted.clone(),
                    2 => format!("Firefox/{planted} Examplebot/{planted}"),
                    _ => format!("{planted}bot/1.0 ({planted}) curl {planted}"),
                };
                prop_assert!(!treated(&agent).contains(&planted), "{}", agent);
            }
        }
    }
}
