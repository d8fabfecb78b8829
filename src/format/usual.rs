//! What most lines are, read in one go: `client - - [time] "request" status size "text" …`.
//!
//! It only saves the steps' work: what it reads, they read alike, and what it does not read is left to them.

use super::{
    compile::Dialect,
    grammar, request, seek,
    soft::End,
    template::{CutRule, Op, Raw, Step, quoted_request, within},
};
use crate::record::{Proven, Record, Seen, Sight, Span, Stamp, State, Value};

/// The layout `%h %l %u %t "%r" %>s %b` with so many quoted values behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usual {
    texts: u16,
    least: u8,
    most: u8,
}

/// What came of reading a line in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tried {
    /// The values are in the record.
    Read,
    /// More stands behind the last of them: no line of the layout.
    Refused,
    /// The steps must decide.
    Unsure,
}

impl Usual {
    /// For a layout of these steps, if it is one.
    pub(super) fn of(dialect: Dialect, raw: Raw, steps: &[Step], tail: &[u8], cut: CutRule) -> Option<Usual> {
        let Raw::Outside(least, most) = raw else { return None };
        let [client, identity, user, request, status, size, texts @ ..] = steps else { return None };
        let head = matches!((&client.op, &identity.op), (Op::Client, Op::Identity { .. }))
            && matches!(&user.op, Op::Soft(soft)
                if soft.dated && matches!(soft.end, End::Stop { byte: b'"', before: 2, .. }))
            && matches!((&request.op, &status.op, &size.op), (Op::Request, Op::Status { .. }, Op::Digits))
            && texts.iter().all(|text| matches!(text.op, Op::Quoted));
        let literals = [b"".as_slice(), b" ", b" ", b"] \"", b"\" ", b" ", b" \""];
        let between = literals.into_iter().chain(std::iter::repeat(b"\" \"".as_slice()));
        let whole = steps.iter().zip(between).all(|(step, literal)| &*step.literal == literal);
        let fields = [0, 1, 2, 4, 9, 10].into_iter().chain(11..);
        let alone = steps.iter().zip(fields).all(|(step, field)| step.field == field);
        let ends = match texts {
            [] => tail.is_empty() && cut == CutRule::From(10),
            _ => tail == b"\"" && cut == CutRule::Whole,
        };
        (head && whole && alone && ends && dialect == Dialect::Apache).then_some(Usual {
            texts: texts.len() as u16,
            least,
            most,
        })
    }

    /// Fills `record`, or says whether the steps must.
    #[inline(never)]
    pub(super) fn read(self, line: &[u8], record: &mut Record) -> Tried {
        record.clear();
        record.values.reserve(11 + self.texts as usize);
        self.try_read(line, record).unwrap_or(Tried::Unsure)
    }

    /// The same for a line of which the sight is known; and it must be of printable ASCII without a backslash.
    #[inline]
    pub(super) fn read_sight(self, line: &[u8], sight: &Sight, record: &mut Record) -> Option<Seen> {
        match self.texts {
            // Told apart once, so that what most logs have is read without asking.
            0 => self.read_sight_bare(line, sight, record),
            _ => self.try_sight::<true, false>(line, sight, record),
        }
    }

    /// The same without texts.
    #[inline(never)]
    fn read_sight_bare(self, line: &[u8], sight: &Sight, record: &mut Record) -> Option<Seen> {
        self.try_sight::<false, false>(line, sight, record)
    }

    /// The same for a line with a blank and more behind the layout, in which no quote stands: the last of the values, or the
    /// last but one behind a layout without texts, where the last is absent. It is one word behind texts, and no duration in
    /// milliseconds, which other layouts have there.
    #[inline]
    pub(super) fn read_sight_behind(self, line: &[u8], sight: &Sight, record: &mut Record) -> Option<Seen> {
        match self.texts {
            0 => self.try_sight::<false, true>(line, sight, record),
            _ => self.try_sight::<true, true>(line, sight, record),
        }
    }

    #[inline(always)]
    fn try_sight<const TEXTS: bool, const BEHIND: bool>(
        self,
        line: &[u8],
        sight: &Sight,
        record: &mut Record,
    ) -> Option<Seen> {
        let texts = self.texts as usize;
        if sight.count != 2 + 2 * texts || !self.sees() {
            return None;
        }
        let &[open, quote, ref behind @ ..] = &sight.quotes;
        let (open, quote) = (open as usize, quote as usize);
        let client = open.checked_sub(34)?;
        let head = line.get(client..)?.first_chunk::<35>()?;
        if !head.starts_with(b" - - [") || !head.ends_with(b"] \"") {
            return None;
        }
        let stamp: &[u8; 26] = head[6..32].first_chunk()?;
        // Most lines repeat the last one's, which was one.
        if record.stamp.0 != *stamp {
            if !grammar::is_clf(stamp) {
                return None;
            }
            record.stamp = Stamp(*stamp);
        }
        // A blank follows the client, so that it ends there where it is made of an address's bytes.
        let address = (!sight.address).trailing_zeros() as usize == client && client > 0;
        // A name may hold brackets, and is left to those that look for them.
        if !address && (!TEXTS || BEHIND || grammar::client(line, 0) != Ok(client)) {
            return None;
        }
        let behind_request = line.get(quote..)?;
        let is_status = match behind_request.first_chunk::<8>() {
            Some(status) => is_status(status),
            // Nothing but a size of one digit stands behind the status.
            None => is_status(&std::array::from_fn(|at| behind_request.get(at).copied().unwrap_or(b'0'))),
        };
        if !is_status {
            return None;
        }
        let start = quote + 6;
        let size = match (TEXTS, BEHIND) {
            (true, _) => (start, (behind[0] as usize).checked_sub(1)?),
            (false, true) => (start, seek::byte(line, start, b' ')),
            (false, false) => (start, line.len()),
        };
        if size.0 >= size.1 || size.1 - size.0 > 20 || !are_digits(line, size.0, size.1) {
            return None;
        }
        if (TEXTS || BEHIND) && line.get(size.1) != Some(&b' ') {
            return None;
        }
        let start = open + 1;
        let mark = sight.mark(start).map(|mark| mark - start);
        let plain = request::plain(line, start, quote, 4, mark);
        let seen = if address && plain.is_some() { Seen::Plain } else { Seen::Other };
        let [method, path, query, protocol, whole] =
            plain.unwrap_or_else(|| request::values(4, line, start, quote, mark));
        record.set_plain();
        let absent = Value { field: 0, state: State::Absent, span: Span { start: 0, end: 0 } };
        let count = 11
            + match (TEXTS, BEHIND) {
                (true, false) => texts,
                (true, true) => texts + 1,
                (false, true) => 2,
                (false, false) => 0,
            };
        if record.values.len() != count {
            record.values.resize(count, absent);
        }
        let (fixed, values) = record.values.split_first_chunk_mut::<11>()?;
        let value = |field, start, end| Value { field, state: State::Present, span: Span::new(start, end) };
        *fixed = [
            value(0, 0, client),
            value(1, client + 1, client + 2),
            value(2, client + 3, client + 4),
            value(3, client + 6, client + 32),
            method,
            path,
            query,
            protocol,
            whole,
            value(9, quote + 2, quote + 5),
            value(10, size.0, size.1),
        ];
        if !TEXTS {
            if let (true, [message, other]) = (BEHIND, values) {
                *message = value(11, size.1 + 1, line.len());
                *other = Value { field: 12, ..absent };
            }
            return Some(seen);
        }
        let (mut last, mut end) = (0, size.1 - 2);
        for ((text, slot), quotes) in (0..).zip(&mut values[..texts]).zip(behind.as_chunks::<2>().0) {
            let (from, to) = (quotes[0] as usize, quotes[1] as usize);
            if text > 0 && (from != end + 2 || line[from - 1] != b' ') {
                return None;
            }
            *slot = value(11 + text, from + 1, to);
            (last, end) = (from + 1, to);
        }
        if BEHIND {
            let word = line.get(end + 2..)?;
            if line[end + 1] != b' ' || word.contains(&b' ') || word.last() == Some(&b's') {
                return None;
            }
            *record.values.last_mut()? = value(11 + self.texts, end + 2, line.len());
            return Some(seen);
        }
        // What may be a tag of ours is read with more care.
        (end + 1 == line.len() && !line[last..].starts_with(b"class=")).then_some(seen)
    }

    /// What is known of the value at a place of a line that was [`Seen::Plain`].
    pub(super) fn proven(at: u16) -> Option<Proven> {
        match at {
            1 | 2 => Some(Proven::Missing),
            8 => Some(Proven::Absent),
            3 => Some(Proven::Instant),
            4 => Some(Proven::Method),
            7 => Some(Proven::Protocol),
            9 => Some(Proven::Status),
            10 => Some(Proven::Digits),
            _ => None,
        }
    }

    /// Whether lines of it may be read by sight: all printable ASCII can stand in a value.
    #[inline]
    pub(super) fn sees(self) -> bool {
        self.least <= b' ' && self.most >= b'~'
    }

    /// How many quotes its lines have, where none is escaped.
    pub(super) fn quotes(self) -> usize {
        2 + 2 * usize::from(self.texts)
    }

    #[inline(always)]
    fn try_read(self, line: &[u8], record: &mut Record) -> Option<Tried> {
        let client = grammar::client(line, 0).ok()?;
        let head = line.get(client..)?.first_chunk::<35>()?;
        if !head.starts_with(b" - - [") || !head.ends_with(b"] \"") || !grammar::is_clf(&head[6..32]) {
            return None;
        }
        let value = |field, start, end| Value { field, state: State::Present, span: Span::new(start, end) };
        record.values.extend_from_slice(&[
            value(0, 0, client),
            value(1, client + 1, client + 2),
            value(2, client + 3, client + 4),
            value(3, client + 6, client + 32),
        ]);
        let quote = quoted_request(line, client + 35, 4, record).ok()?;
        let &[b'"', b' ', a, b, c, b' '] = line.get(quote..)?.first_chunk::<6>()? else { return None };
        if !(a.is_ascii_digit() & b.is_ascii_digit() & c.is_ascii_digit()) {
            return None;
        }
        let mut at = quote + 6;
        while line.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        if at == quote + 6 {
            return None;
        }
        record.values.extend_from_slice(&[value(9, quote + 2, quote + 5), value(10, quote + 6, at)]);
        for text in 0..self.texts {
            if text > 0 {
                at += 1;
            }
            let &[b' ', b'"'] = line.get(at..)?.first_chunk::<2>()? else { return None };
            let end = seek::byte(line, at + 2, b'"');
            if end == line.len() || line[end - 1] == b'\\' {
                return None;
            }
            record.push(11 + text, at + 2, end);
            at = end;
        }
        // The steps would have come as far, and no farther.
        let end = match self.texts {
            0 if line.get(at) == Some(&b'.') => return None,
            0 => at,
            _ => at + 1,
        };
        if end != line.len() {
            return Some(Tried::Refused);
        }
        within(line, self.least, self.most).ok().map(|()| Tried::Read)
    }
}

/// Whether it is a quote, a blank, three digits, a blank, and anything.
#[inline]
fn is_status(text: &[u8; 8]) -> bool {
    // What differs from `" 000 `: of each digit its lowest four bits, which are nine at most.
    let word = u64::from_le_bytes(*text) ^ u64::from_le_bytes(*b"\" 000 \0\0");
    (word | word.wrapping_add(0x0000_0006_0606_0000)) & 0x0000_fff0_f0f0_ffff == 0
}

/// Whether `line[start..end]`, with 16 bytes and more in front of its end, is all digits.
#[inline]
fn are_digits(line: &[u8], start: usize, end: usize) -> bool {
    // Eight and fewer are read in one word: how many is hard to foresee.
    let Some(word) = line.get(..end).and_then(<[u8]>::last_chunk::<8>).filter(|_| end - start <= 8) else {
        return line[start..end].iter().all(u8::is_ascii_digit);
    };
    const ONES: u64 = u64::MAX / 0xff;
    let digits = u64::from_le_bytes(*word) ^ (0x30 * ONES);
    let odd = (((digits & (0x7f * ONES)) + 0x76 * ONES) | digits) & (0x80 * ONES);
    odd >> (8 * (8 - (end - start))) == 0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{Ending, Format, Parse, common, envelope};
    use super::*;
    use crate::detect::Detector;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    fn line() -> impl Strategy<Value = Vec<u8>> {
        let text = r#"[a-z\\" ?-]{0,12}|-|[ -~\x00-\x1f]{0,70}|Mozilla/5\.0 \(X11; Linux x86_64\)"#;
        let client = r"192\.0\.2\.[0-9]{1,3}|2001:db8::[0-9a-f]{0,4}|localhost, unix:|-|,|";
        let request = r#"(GET|POST|get|\\x16)? ?/[a-z/?=& \\"]{0,40} ?(HTTP/[12]\.[0-9])?"#;
        let head = (client, "-|bob|-[a-z]", "-|bob| \\[|\"\"", "[0-9]{2}/(Oct|[a-zA-Z0-9]{3})/2026:13:55:36 [+-]0200");
        let tail = (request, "[0-9]{2,4}|-", "[0-9]{0,9}|-|[0-9]\\.[0-9]", prop::collection::vec(text, 0..4));
        (head, tail, any::<(u8, u8, u16)>()).prop_map(
            |((client, ident, user, time), (request, status, size, texts), (how, byte, at))| {
                let mut line = format!("{client} {ident} {user} [{time}] \"{request}\" {status} {size}").into_bytes();
                texts.iter().for_each(|text| line.extend_from_slice(format!(" \"{text}\"").as_bytes()));
                let at = at as usize % line.len();
                match how % 8 {
                    0 => line[at] = byte,
                    1 => line.insert(at, byte),
                    2 => drop(line.remove(at)),
                    3 => line.truncate(at),
                    _ => {}
                }
                line
            },
        )
    }

    static ALL: LazyLock<Vec<Format>> = LazyLock::new(super::super::auto);

    #[test]
    fn the_layouts_of_most_logs_are_usual() {
        let usual = [common::combined(), common::main(), common::common()];
        assert!(usual.iter().all(|layout| layout.usual.is_some()));
        assert!([common::vhost_common(), common::vhost_combined()].iter().all(|layout| layout.usual.is_none()));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn what_is_read_in_one_go_is_read_alike_step_by_step(line in line()) {
            for layout in [common::combined(), common::main(), common::common()] {
                let (mut quick, mut plain) = (Record::default(), Record::default());
                for ending in [Ending::Whole, Ending::Cut] {
                    match layout.usual.unwrap().read(&line, &mut quick) {
                        Tried::Read => {
                            prop_assert!(layout.follow(&line, ending, &mut plain).is_ok());
                            prop_assert!(layout.parse(&line, ending, &mut quick).is_ok());
                            prop_assert_eq!(&quick.values, &plain.values);
                        }
                        Tried::Refused => prop_assert!(layout.follow(&line, ending, &mut plain).is_err()),
                        Tried::Unsure => {}
                    }
                }
            }
        }

        #[test]
        fn what_is_read_by_sight_is_read_alike_and_by_nothing_before_it(
            line in line(), more in r#"|0\.[0-9]{3}| [0-9.]{0,4} ?[0-9ms.-]{0,4}| "[a-z]{0,3}"( [0-9]ms)?| - - 3 "a" "b" 1ms| 3 0\.1 \[a\] \[\] 192\.0\.2\.1:80 1 0\.1 200 ab"#,
            behind in "[ -~]{0,9}",
        ) {
            let line = [&line[..], more.as_bytes()].concat();
            let mut sight = Sight::default();
            let text = [&line[..], b"\n", behind.as_bytes()].concat();
            if !Detector::default().sight(&text, &mut sight) || sight.length != line.len() {
                return Ok(());
            }
            let (mut quick, mut plain) = (Record::default(), Record::default());
            for format in ALL.iter() {
                let Some(look) = format.look().filter(|look| look.quotes == sight.count) else { continue };
                // What an earlier line left must not matter.
                quick.push(9, 3, 7);
                if format.read_sight(&line, &sight, &mut quick).or_else(|| format.read_sight_behind(&line, &sight, &mut quick)).is_some() {
                    prop_assert!(format.parse(&line, Ending::Whole, &mut plain).is_ok());
                    prop_assert_eq!(&quick.values, &plain.values);
                    if let Format::Template(template) = format {
                        prop_assert!(template.follow(&line, Ending::Whole, &mut plain).is_ok());
                        prop_assert_eq!(&quick.values, &plain.values);
                    }
                    for format in ALL.iter().filter(|format| format.refuses_seen(look)) {
                        prop_assert!(format.parse(&line, Ending::Whole, &mut plain).is_err(), "{}", format.schema().name);
                    }
                }
            }
        }

        #[test]
        fn usual_lines_are_read_by_sight(
            client in "([0-9]{1,3}\\.){3}[0-9]{1,3}|([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|[a-z]{1,9}\\.example, unix:",
            target in "/[a-z0-9./_-]{0,90}(\\?[a-z=&?]{0,90})?", status in "[1-5][0-9]{2}", size in "[0-9]{1,10}", agent in "[ -!#-\\[\\]-~]{0,300}",
        ) {
            let line = format!("{client} - - [21/Nov/2026:10:00:00 +0100] \"GET {target} HTTP/1.1\" {status} {size} \"-\" \"{agent}\"");
            let (mut sight, mut quick, mut plain) = (Sight::default(), Record::default(), Record::default());
            let text = line.clone() + "\n";
            prop_assert!(Detector::default().sight(text.as_bytes(), &mut sight));
            let seen = if client.contains("unix") { Seen::Other } else { Seen::Plain };
            prop_assert_eq!(common::combined().read_sight(line.as_bytes(), &sight, &mut quick), Some(seen));
            prop_assert!(seen == Seen::Other || !envelope::may_begin(line.as_bytes()));
            prop_assert!(common::combined().follow(line.as_bytes(), Ending::Whole, &mut plain).is_ok());
            prop_assert_eq!(&quick.values, &plain.values);
            // And so are those with less behind them, and with more.
            let plain = seen == Seen::Plain;
            let front = line.split(" \"-\"").next().unwrap().to_owned();
            for (line, name, quotes, seen) in [
                (line.clone() + " 0.012", "combined_extended", 6, plain),
                (line.clone() + " 12ms", "combined_extended", 6, false),
                (line.clone() + " 0.012 0.001", "combined_extended", 6, false),
                (front.clone(), "common", 2, plain),
                (front.clone() + " 0.012 a=b", "common_extended", 2, plain),
                (line + " \"-\"", "main", 8, true),
            ] {
                let format = ALL.iter().find(|format| *format.schema().name == *name).unwrap();
                let text = line.clone() + "\n";
                prop_assert!(Detector::default().sight(text.as_bytes(), &mut sight));
                prop_assert_eq!(sight.count, quotes);
                let read = format
                    .read_sight(line.as_bytes(), &sight, &mut quick)
                    .or_else(|| format.read_sight_behind(line.as_bytes(), &sight, &mut quick));
                prop_assert_eq!(read.is_some(), seen, "{}", line);
            }
        }
    }
}
