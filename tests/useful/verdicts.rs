//! What an operator asks of a day's log: who came most, and who attacked, how and when.
//!
//! A source has the number that it first came with, so that verdicts on logs whose addresses are written otherwise can be
//! compared.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    net::IpAddr,
};

/// What counts as one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// As logs are read: an IPv4 address, or the /64 of an IPv6 address.
    Network64,
    /// The address as it stands.
    #[default]
    Address,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deed {
    /// 30 answers of 404 within a minute.
    Missing,
    /// 30 answers of 5xx within a minute.
    Broken,
    /// 20 wrong passwords in a form within ten minutes.
    Guessed,
    /// 10 wrong passwords at sshd within ten minutes.
    GuessedShell,
    /// 20 paths that there are not, within five minutes.
    Scanned,
}

impl Deed {
    pub const ALL: [Deed; 5] = [Deed::Missing, Deed::Broken, Deed::Guessed, Deed::GuessedShell, Deed::Scanned];

    /// How often, and within how many seconds.
    fn limit(self) -> (usize, u32) {
        match self {
            Deed::Missing | Deed::Broken => (30, 60),
            Deed::Guessed => (20, 600),
            Deed::GuessedShell => (10, 600),
            Deed::Scanned => (20, 300),
        }
    }
}

/// A time in which a source was over a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bout {
    pub source: usize,
    /// Minutes of the day.
    pub from: u32,
    pub to: u32,
    /// The most there was within the limit's time.
    pub most: usize,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    /// The twenty sources of most requests, and how many those were.
    pub top: Vec<(usize, usize)>,
    pub bouts: BTreeMap<Deed, Vec<Bout>>,
}

/// A day as it is read.
pub struct Reading {
    pub verdicts: Verdicts,
    /// The source of each line, in the order of the lines.
    pub sources: Vec<usize>,
}

/// Reads the logs of a day.
pub fn read(access: &str, auth: &str, by: Source) -> Reading {
    let mut analyst = Analyst { by, ..Analyst::default() };
    let mut counts: HashMap<usize, usize> = HashMap::new();
    for line in access.lines() {
        let source = analyst.source(line.split(' ').next().unwrap());
        *counts.entry(source).or_default() += 1;
        analyst.request(source, line);
    }
    auth.lines().for_each(|line| analyst.message(line));
    let mut top: Vec<(usize, usize)> = counts.into_iter().collect();
    top.sort_by_key(|&(source, count)| (usize::MAX - count, source));
    top.truncate(20);
    let mut bouts = analyst.bouts;
    bouts.values_mut().for_each(|bouts| bouts.sort_by_key(|bout| (bout.from, bout.source)));
    Reading { verdicts: Verdicts { top, bouts }, sources: analyst.sources }
}

#[derive(Default)]
struct Analyst {
    by: Source,
    numbers: HashMap<IpAddr, usize>,
    sources: Vec<usize>,
    /// Of each source and deed what happened last: when, and to which path.
    last: HashMap<(usize, Deed), VecDeque<(u32, String)>>,
    bouts: BTreeMap<Deed, Vec<Bout>>,
}

impl Analyst {
    fn source(&mut self, address: &str) -> usize {
        let address: IpAddr = address.parse().unwrap_or_else(|_| panic!("not an address: {address}"));
        let address = match (address, self.by) {
            (IpAddr::V6(v6), Source::Network64) => IpAddr::V6((u128::from(v6) >> 64 << 64).into()),
            (address, Source::Network64 | Source::Address) => address,
        };
        let next = self.numbers.len();
        let number = *self.numbers.entry(address).or_insert(next);
        self.sources.push(number);
        number
    }

    fn request(&mut self, source: usize, line: &str) {
        let mut quoted = line.split('"');
        let (head, request, answer) = (quoted.next().unwrap(), quoted.next().unwrap(), quoted.next().unwrap());
        let at = seconds(head.split_once("/2026:").unwrap().1);
        let mut words = request.split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let path = target.split('?').next().unwrap();
        let status = answer.split_whitespace().next().unwrap();
        match (method, path, status) {
            ("POST", "/login", "401") => self.note(source, Deed::Guessed, at, ""),
            (_, path, "404") => {
                self.note(source, Deed::Missing, at, "");
                self.note(source, Deed::Scanned, at, path);
            }
            (_, _, status) if status.starts_with('5') => self.note(source, Deed::Broken, at, ""),
            _ => {}
        }
    }

    fn message(&mut self, line: &str) {
        let address = line.split_once(" from ").unwrap().1.split(' ').next().unwrap();
        let source = self.source(address);
        if line.contains(": Failed password for ") {
            self.note(source, Deed::GuessedShell, seconds(&line["Nov 20 ".len()..]), "");
        }
    }

    /// Takes note of a deed; of those with a path each path counts once.
    fn note(&mut self, source: usize, deed: Deed, at: u32, path: &str) {
        let (often, within) = deed.limit();
        let last = self.last.entry((source, deed)).or_default();
        last.push_back((at, path.to_owned()));
        while last.front().is_some_and(|(then, _)| then + within <= at) {
            last.pop_front();
        }
        let count = match deed {
            Deed::Scanned => last.iter().map(|(_, path)| path).collect::<HashSet<_>>().len(),
            Deed::Missing | Deed::Broken | Deed::Guessed | Deed::GuessedShell => last.len(),
        };
        if count < often {
            return;
        }
        let bouts = self.bouts.entry(deed).or_default();
        match bouts.iter_mut().rev().find(|bout| bout.source == source && bout.to + within / 60 >= at / 60) {
            Some(bout) => (bout.to, bout.most) = (at / 60, bout.most.max(count)),
            None => bouts.push(Bout { source, from: at / 60, to: at / 60, most: count }),
        }
    }
}

/// Of the day, from `10:00:00`.
fn seconds(text: &str) -> u32 {
    text[..8].split(':').fold(0, |sum, part| 60 * sum + part.parse::<u32>().unwrap())
}
