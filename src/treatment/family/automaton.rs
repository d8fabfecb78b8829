//! All the words of the rules found in one pass, the first rule that has any first.

use super::rules::{BROWSERS, SYSTEMS};

/// Finds the words of [`super::rules`] in an agent: a table of states (Aho and Corasick, CACM 18:6, 1975).
#[derive(Debug)]
pub(super) struct Automaton {
    /// The column of each byte; 0 for bytes that no word has. A plus is a blank, as W3C logs write it.
    columns: [u8; 256],
    /// The next state by state and column; [`HIT`] is set where a word ends.
    next: Box<[u16]>,
    shift: u32,
    hits: Box<[Hit]>,
}

/// What ends in a state.
#[derive(Clone, Copy, Debug)]
struct Hit {
    /// The first of the browsers' rules, [`NONE`] if there is none.
    browser: u16,
    /// The first of the systems' rules.
    system: u16,
    /// [`CRAWLER`], [`VERSION`] and what of [`Found::marks`] it sets.
    marks: u8,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The first rule of browsers that has a word in the agent, and where the word's first occurrence ends.
    pub(super) browser: Option<(u16, usize)>,
    /// The first rule of systems.
    pub(super) system: Option<u16>,
    /// Where the first words of crawlers end.
    pub(super) crawlers: [usize; MOST_CRAWLERS],
    /// Where the first `Version/` ends.
    pub(super) version: Option<usize>,
    /// Which of [`LINK`], [`CHROME`], [`SAFARI`], [`FIREFOX`], [`MOZILLA`] and [`MSIE`] are there.
    pub(super) marks: u8,
}

/// The address of a page about the crawler.
pub(super) const LINK: u8 = 1;
/// `Chrome`, and so on: what many a browser says that it is too.
pub(super) const CHROME: u8 = 2;
pub(super) const SAFARI: u8 = 4;
pub(super) const FIREFOX: u8 = 8;
pub(super) const MOZILLA: u8 = 16;
pub(super) const MSIE: u8 = 128;
const CRAWLER: u8 = 32;
const VERSION: u8 = 64;

/// How many words of crawlers are looked at.
pub(super) const MOST_CRAWLERS: usize = 4;

const NONE: u16 = u16::MAX;
const HIT: u16 = 1 << 15;
#[rustfmt::skip]
const MARKS: [(&str, u8); 29] = [
    ("bot", CRAWLER), ("Bot", CRAWLER), ("BOT", CRAWLER), ("crawl", CRAWLER), ("Crawl", CRAWLER), ("CRAWL", CRAWLER),
    ("spider", CRAWLER), ("Spider", CRAWLER), ("SPIDER", CRAWLER), ("slurp", CRAWLER), ("Slurp", CRAWLER), ("SLURP", CRAWLER),
    ("fetch", CRAWLER), ("Fetch", CRAWLER), ("FETCH", CRAWLER), ("monitor", CRAWLER), ("Monitor", CRAWLER), ("MONITOR", CRAWLER),
    ("Version/", VERSION),
    ("; +http", LINK), ("; http", LINK), (" (+http", LINK), (" (http", LINK), (";  http", LINK),
    ("Chrome", CHROME), ("Safari", SAFARI), ("Firefox", FIREFOX), ("Mozilla", MOZILLA), ("MSIE", MSIE),
];

impl Automaton {
    /// Builds the table.
    pub(super) fn new() -> Automaton {
        let nothing = Hit { browser: NONE, system: NONE, marks: 0 };
        let mut words: Vec<(&str, Hit)> = Vec::new();
        for (rank, rule) in BROWSERS.iter().enumerate() {
            words.push((rule.word, Hit { browser: rank as u16, ..nothing }));
        }
        for (rank, &(word, _)) in SYSTEMS.iter().enumerate() {
            words.push((word, Hit { system: rank as u16, ..nothing }));
        }
        words.extend(MARKS.iter().map(|&(word, marks)| (word, Hit { marks, ..nothing })));

        let mut columns = [0u8; 256];
        let mut count = 1;
        for byte in words.iter().flat_map(|(word, _)| word.bytes()) {
            if columns[usize::from(byte)] == 0 {
                columns[usize::from(byte)] = count;
                count += 1;
            }
        }
        columns[usize::from(b'+')] = columns[usize::from(b' ')];
        let shift = usize::from(count).next_power_of_two().trailing_zeros();

        // The tree of words: a row a state, where 0 is no child.
        let width = 1 << shift;
        let most = 1 + words.iter().map(|(word, _)| word.len()).sum::<usize>();
        let mut next = vec![0u16; most << shift];
        let (mut hits, mut children) = (vec![nothing], vec![Vec::new()]);
        for (word, hit) in &words {
            let mut state = 0;
            for byte in word.bytes() {
                let column = usize::from(columns[usize::from(byte)]);
                let cell = (state << shift) + column;
                if next[cell] == 0 {
                    next[cell] = hits.len() as u16;
                    children[state].push((column, hits.len()));
                    hits.push(nothing);
                    children.push(Vec::new());
                }
                state = usize::from(next[cell]);
            }
            hits[state] = hits[state].with(*hit);
        }
        assert!(hits.len() < usize::from(HIT));
        next.truncate(hits.len() << shift);

        // Level by level: a state goes where its longest proper end goes, but to its own children. All of the levels above
        // have their rows, and all of its own level what ends in them.
        let mut ends = vec![0usize; hits.len()];
        let mut order = vec![0];
        let mut at = 0;
        while let Some(&state) = order.get(at) {
            let end = ends[state] << shift;
            if state > 0 {
                next.copy_within(end..end + width, state << shift);
            }
            for &(column, child) in &children[state] {
                let cell = (state << shift) + column;
                ends[child] = if state > 0 { usize::from(next[cell] & !HIT) } else { 0 };
                hits[child] = hits[child].with(hits[ends[child]]);
                let hit = hits[child];
                let is_hit = hit.browser != NONE || hit.system != NONE || hit.marks != 0;
                next[cell] = child as u16 | if is_hit { HIT } else { 0 };
                order.push(child);
            }
            at += 1;
        }
        Automaton { columns, next: next.into(), shift, hits: hits.into() }
    }

    /// Reads an agent once.
    pub(super) fn read(&self, agent: &[u8]) -> Found {
        let (mut browser, mut browser_end, mut system) = (NONE, 0, NONE);
        let (mut crawlers, mut crawler_count, mut version, mut marks) = ([0; MOST_CRAWLERS], 0, None, 0);
        let mut state = 0u16;
        for (at, &byte) in agent.iter().enumerate() {
            let row = usize::from(state & !HIT) << self.shift;
            state = self.next[row + usize::from(self.columns[usize::from(byte)])];
            if state & HIT != 0 {
                let hit = self.hits[usize::from(state & !HIT)];
                if hit.browser < browser {
                    (browser, browser_end) = (hit.browser, at + 1);
                }
                system = system.min(hit.system);
                marks |= hit.marks;
                if hit.marks & CRAWLER != 0 && crawler_count < MOST_CRAWLERS {
                    crawlers[crawler_count] = at + 1;
                    crawler_count += 1;
                }
                if hit.marks & VERSION != 0 && version.is_none() {
                    version = Some(at + 1);
                }
            }
        }
        Found {
            browser: (browser != NONE).then_some((browser, browser_end)),
            system: (system != NONE).then_some(system),
            crawlers,
            version,
            marks: marks & !(CRAWLER | VERSION),
        }
    }
}

impl Hit {
    /// Both: of two rules the first.
    fn with(self, other: Hit) -> Hit {
        Hit {
            browser: self.browser.min(other.browser),
            system: self.system.min(other.system),
            marks: self.marks | other.marks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use memchr::memmem::find;
    use proptest::prelude::*;

    /// The same, word by word.
    fn plain(agent: &[u8]) -> Found {
        let agent: Vec<u8> = agent.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
        let end = |word: &str| find(&agent, word.replace('+', " ").as_bytes()).map(|at| at + word.len());
        let mut crawlers: Vec<usize> = (0..=agent.len())
            .filter(|&end| MARKS.iter().any(|(word, mark)| *mark == CRAWLER && agent[..end].ends_with(word.as_bytes())))
            .collect();
        crawlers.truncate(MOST_CRAWLERS);
        crawlers.resize(MOST_CRAWLERS, 0);
        Found {
            browser: (0..).zip(BROWSERS).find_map(|(rank, rule)| Some((rank, end(rule.word)?))),
            system: (0..).zip(SYSTEMS).find_map(|(rank, &(word, _))| end(word).map(|_| rank)),
            crawlers: crawlers[..].try_into().unwrap(),
            version: end("Version/"),
            marks: MARKS.iter().filter(|(word, _)| end(word).is_some()).fold(0, |marks, (_, mark)| marks | mark)
                & !(CRAWLER | VERSION),
        }
    }

    fn agents() -> impl Strategy<Value = String> {
        let words: Vec<&str> = BROWSERS
            .iter()
            .map(|rule| rule.word)
            .chain(SYSTEMS.iter().map(|&(word, _)| word))
            .chain(MARKS.iter().map(|&(word, _)| word))
            .chain([" ", "+", "/", "; ", "(", "1.0", "\\x22", "e"])
            .collect();
        let part = (proptest::sample::select(words), 0..20usize).prop_map(|(word, cut)| {
            // Words that only begin or end as one of ours.
            let cut = cut.min(word.len());
            if cut > 10 {
                word[..word.len() - (cut - 10).min(word.len())].to_string()
            } else {
                word[cut / 4..].to_string()
            }
        });
        proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
    }

    thread_local! {
        static AUTOMATON: Automaton = Automaton::new();
    }

    proptest! {
        #[test]
        fn one_pass_finds_what_searching_each_word_finds(agent in agents()) {
            let mut want = plain(agent.as_bytes());
            let got = AUTOMATON.with(|automaton| automaton.read(agent.as_bytes()));
            // The plain version lists all, not the first four.
            want.crawlers.sort_unstable();
            let mut crawlers = got.crawlers;
            crawlers.sort_unstable();
            prop_assert_eq!(Found { crawlers, ..got }, want);
        }
    }
}
