//! logfmt: `key=value` pairs with blanks between them, values bare or quoted.
//!
//! Keys are looked up in the table of JSON's names (`json/names.rs`), which is the field map; what stands under another key
//! is of the field `*`, and so is a word without a key. A quote inside a bare value fits nobody's writer and makes the line
//! malformed.

use super::{
    Ending, Malformed, Parse,
    json::{Json, UNKNOWN},
};
use crate::record::{Mark, Record, Schema, Span, State, Syntax, Value};
use memchr::memchr2;

/// The format `logfmt`.
#[derive(Clone, Debug)]
pub struct Logfmt {
    json: Json,
    only: Only,
}

/// Which lines are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Only {
    /// Those with one pair.
    Pairs,
    /// Those of three pairs and more, nothing else, and with two names that we know: nobody else's lines look so.
    Sure,
}

impl Logfmt {
    /// For input that is known to be logfmt.
    pub fn new() -> Logfmt {
        Logfmt { json: Json::new().of("logfmt", Syntax::Pairs), only: Only::Pairs }
    }

    /// For input that may be anything.
    pub fn sure() -> Logfmt {
        Logfmt { only: Only::Sure, ..Logfmt::new() }
    }
}

impl Default for Logfmt {
    fn default() -> Logfmt {
        Logfmt::new()
    }
}

impl Parse for Logfmt {
    fn schema(&self) -> &Schema {
        self.json.schema()
    }

    fn parse(&self, line: &[u8], ending: Ending, record: &mut Record) -> Result<(), Malformed> {
        let malformed = |at: usize, expected| Malformed { at: at as u32, expected };
        record.clear();
        let (mut at, mut pairs, mut known) = (0, 0, 0);
        while at < line.len() {
            if line[at] == b' ' {
                at += 1;
                continue;
            }
            if record.values.len() > MOST_VALUES {
                return Err(malformed(at, "fewer pairs"));
            }
            let start = at;
            while line.get(at).is_some_and(|&byte| byte > b' ' && !matches!(byte, b'=' | b'"' | 0x7f)) {
                at += 1;
            }
            match line.get(at) {
                Some(b'=') if at > start => {}
                None | Some(b' ') if self.only == Only::Pairs => {
                    record.marks.push(Mark::Bare(record.values.len() as u16));
                    record.push(UNKNOWN, start, at);
                    continue;
                }
                _ => return Err(malformed(at, "a pair")),
            }
            let key = Span::new(start, at);
            at += 1;
            let quoted = line.get(at) == Some(&b'"');
            let (value, escaped) = if quoted { text(line, at + 1)? } else { (bare(line, at)?, false) };
            known += usize::from(self.json.push_pair(line, key, value, quoted, escaped, record));
            pairs += 1;
            at = value.end as usize + usize::from(quoted);
            if line.get(at).is_some_and(|&byte| byte != b' ') {
                return Err(malformed(at, "a blank"));
            }
        }
        let fits = match self.only {
            Only::Pairs => pairs >= 1,
            Only::Sure => pairs >= 3 && known >= 2,
        };
        if !fits {
            return Err(malformed(at, "pairs"));
        }
        if ending == Ending::Cut {
            let last = |value: &&mut Value| value.state == State::Present && value.span.end as usize == line.len();
            record.values.iter_mut().filter(last).for_each(|value| value.state = State::Cut);
        }
        Ok(())
    }
}

/// The quoted text whose body starts at `start`, and whether there is an escape in it.
#[inline]
fn text(line: &[u8], start: usize) -> Result<(Span, bool), Malformed> {
    let (mut at, mut escaped) = (start, false);
    loop {
        let rest = line.get(at..).unwrap_or_default();
        at += memchr2(b'"', b'\\', rest).ok_or(Malformed { at: start as u32, expected: "closing quote" })?;
        if line[at] == b'"' {
            break;
        }
        escaped = true;
        at += 2;
    }
    if line[start..at].iter().any(|&byte| byte < b' ') {
        return Err(Malformed { at: start as u32, expected: "no control byte" });
    }
    Ok((Span::new(start, at), escaped))
}

/// The bare value at `start`.
#[inline]
fn bare(line: &[u8], start: usize) -> Result<Span, Malformed> {
    let length = line[start..].iter().take_while(|&&byte| byte > b' ' && byte != b'"' && byte != 0x7f).count();
    match line.get(start + length) {
        None | Some(b' ') => Ok(Span::new(start, start + length)),
        Some(_) => Err(Malformed { at: (start + length) as u32, expected: "a bare value" }),
    }
}

/// One request is five values, and marks count them in 16 bits.
const MOST_VALUES: usize = u16::MAX as usize - 8;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(format: &Logfmt, line: &str) -> Option<Vec<String>> {
        let mut record = Record::default();
        format.parse(line.as_bytes(), Ending::Whole, &mut record).ok()?;
        let stand = record.values.iter().filter(|value| value.state == State::Present);
        let text = |value: &Value| {
            let text = String::from_utf8_lossy(value.span.of(line.as_bytes())).into_owned();
            format!("{}={text}", format.schema().fields[value.field as usize].name)
        };
        Some(stand.map(text).filter(|text| !text.starts_with("*known-key") && !text.starts_with("*key")).collect())
    }

    const LINE: &str = r#"time=2026-11-21T10:00:00Z level=info msg="a \"b\" c" remote_addr=192.0.2.17 path=/a?b=c own=x user= status=200"#;

    #[test]
    fn keys_have_the_fields_that_they_have_in_json() {
        assert_eq!(
            read(&Logfmt::new(), LINE).unwrap(),
            [
                "timestamp=2026-11-21T10:00:00Z",
                "log.level=info",
                r#"message=a \"b\" c"#,
                "client.address=192.0.2.17",
                "url.path=/a",
                "url.query=b=c",
                "*=x",
                "user.name=",
                "http.response.status_code=200",
            ]
        );
        assert_eq!(read(&Logfmt::sure(), LINE), read(&Logfmt::new(), LINE));
    }

    #[test]
    fn a_word_without_a_key_is_unknown() {
        assert_eq!(read(&Logfmt::new(), "started level=info kari").unwrap(), ["*=started", "log.level=info", "*=kari"]);
        assert_eq!(read(&Logfmt::sure(), "started level=info msg=x status=200"), None);
        assert_eq!(read(&Logfmt::sure(), "a=1 b=2 c=3"), None);
        assert_eq!(read(&Logfmt::new(), "nothing at all"), None);
    }

    #[test]
    fn what_no_writer_writes_is_malformed() {
        for line in ["a=b\"c", "a=\"b", "a=\"b\"c", "=b", "a=\"b\\\"", "a=b\tc", "\"a\"=b", "", " "] {
            assert_eq!(read(&Logfmt::new(), line), None, "{line}");
        }
    }

    #[test]
    fn a_cut_line_shows_no_half_value() {
        let mut record = Record::default();
        Logfmt::new().parse(b"level=info ip=192.0", Ending::Cut, &mut record).unwrap();
        assert_eq!(record.values.last().unwrap().state, State::Cut);
        assert_eq!(record.values[1].state, State::Present);
    }
}
