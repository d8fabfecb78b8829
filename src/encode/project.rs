//! Fewer members of the JSON lines that [`Encoding::Json`](super::Encoding::Json) writes: what one output is to see of them.

use super::Batch;
use crate::retention::ClassId;

/// The members of a record that an output gets. The tag is always one of them.
///
/// ```
/// use sladd::{Batch, encode::Projection};
/// let some = Projection::of(["client.address", "url.path"]);
/// let mut into = Batch::default();
/// assert_eq!(Batch::default().project(|_| true, &some, &mut into), 0);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Projection(Vec<Box<[u8]>>);

/// The member that the tag is.
const TAG: &[u8] = b"sladd";

impl Projection {
    /// Onto these members, by canonical names.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Projection {
        let names = names.into_iter().map(str::as_bytes).chain([TAG]);
        Projection(names.map(Into::into).collect())
    }

    fn has(&self, name: &[u8]) -> bool {
        self.0.iter().any(|known| **known == *name)
    }

    /// Appends what is left of one line; `false`, and nothing is appended, where it is no object as we write them.
    fn line(&self, line: &[u8], out: &mut Vec<u8>) -> bool {
        let start = out.len();
        let body = line.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}\n"));
        let done = body.is_some_and(|body| self.members(body, out).is_some());
        if done {
            out.extend_from_slice(b"}\n");
        } else {
            out.truncate(start);
        }
        done
    }

    fn members(&self, body: &[u8], out: &mut Vec<u8>) -> Option<()> {
        out.push(b'{');
        let mut any = false;
        let mut at = 0;
        while !body.is_empty() {
            let name = string(body, at)?;
            let to = match body.get(name) {
                Some(b':') => value(body, name + 1)?,
                _ => return None,
            };
            if self.has(&body[at + 1..name - 1]) {
                if any {
                    out.push(b',');
                }
                out.extend_from_slice(&body[at..to]);
                any = true;
            }
            match body.get(to) {
                None => break,
                Some(b',') => at = to + 1,
                Some(_) => return None,
            }
        }
        Some(())
    }
}

/// Where the string ends that begins at `at`.
fn string(text: &[u8], at: usize) -> Option<usize> {
    if text.get(at) != Some(&b'"') {
        return None;
    }
    let mut at = at + 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Where the value ends that begins at `at`.
fn value(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at)? {
        b'"' => string(text, at),
        b'{' | b'[' => {
            let (mut at, mut depth) = (at, 0_u32);
            loop {
                at = match text.get(at)? {
                    b'"' => string(text, at)?,
                    byte => {
                        match byte {
                            b'{' | b'[' => depth += 1,
                            b'}' | b']' => depth -= 1,
                            _ => {}
                        }
                        at + 1
                    }
                };
                if depth == 0 {
                    return Some(at);
                }
            }
        }
        _ => {
            let bare = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
            let length = text[at..].iter().take_while(bare).count();
            (length > 0).then_some(at + length)
        }
    }
}

impl Batch {
    /// Makes `into` the records of some classes with some of their members, in order, and says how many were left out because
    /// they are no objects as [`Encoding::Json`](super::Encoding::Json) writes them. Does not allocate once warm.
    pub fn project(&self, takes: impl Fn(ClassId) -> bool, onto: &Projection, into: &mut Batch) -> u64 {
        into.clear();
        let mut left_out = 0;
        for (run, records) in self.runs().filter(|(run, _)| takes(run.class)) {
            for line in records.split_inclusive(|&byte| byte == b'\n') {
                match onto.line(line, &mut into.bytes) {
                    true => into.close(run),
                    false => left_out += 1,
                }
            }
        }
        left_out
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{Engine, Plan, Policy, Progress, Timestamp};
    use proptest::prelude::*;
    use serde_json::{Map, Value};
    use std::sync::Arc;

    fn projected(lines: &[u8], names: &[&str]) -> (String, u64) {
        let mut into = Batch::of(b"what was here before\n");
        let left_out = Batch::of(lines).project(|_| true, &Projection::of(names.iter().copied()), &mut into);
        assert_eq!(into.runs().map(|(_, run)| run.len()).sum::<usize>(), into.bytes().len());
        (String::from_utf8(into.bytes().to_vec()).unwrap(), left_out)
    }

    #[test]
    fn members_that_are_asked_for_stay_as_they_are_and_so_does_the_tag() {
        let line = br#"{"client.address":"192.0.2.0","url.path":"/\\\"a,}","http.response.status_code":200,"x":["url.path",{"y":1}],"sladd":{"class":"a"}}"#;
        let line = [&line[..], b"\n"].concat();
        assert_eq!(
            projected(&line, &["http.response.status_code", "url.path"]),
            (
                "{\"url.path\":\"/\\\\\\\"a,}\",\"http.response.status_code\":200,\"sladd\":{\"class\":\"a\"}}\n"
                    .to_owned(),
                0
            )
        );
        assert_eq!(projected(&line, &["y"]).0, "{\"sladd\":{\"class\":\"a\"}}\n");
        assert_eq!(projected(b"{}\n", &["y"]), ("{}\n".to_owned(), 0));
        assert_eq!(projected(b"{\"y\":null}\n{\"a\":1}\n", &["y"]), ("{\"y\":null}\n{}\n".to_owned(), 0));
    }

    #[test]
    fn what_is_no_object_of_ours_is_left_out_and_counted() {
        for line in [
            "192.0.2.7 - -\n",
            "\n",
            "{\n",
            "{\"a\"}\n",
            "{\"a\":}\n",
            "{\"a\":1,}\n",
            "{\"a\":1 ,\"b\":2}\n",
            "{\"a\":1}x\n",
            "{\"a\":1}",
            "{\"a\":\"1}\n",
            "{\"a\":[1}\n",
            "{\"a\":\"\\\"}\n",
            "{\"a\":1}}\n",
            "[\"a\"]\n",
            "{a:1}\n",
        ] {
            assert_eq!(projected(line.as_bytes(), &["a"]), (String::new(), 1), "{line:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_the_engine_wrote_is_projected_as_a_reader_of_json_would(
            paths in prop::collection::vec("[ -~]{0,30}", 0..20),
            asked in prop::sample::subsequence(vec!["client.address", "url.path", "url.query", "message", "user.name", "timestamp"], 0..6),
        ) {
            let policy = Policy::parse("base = \"hosting\"\nname = \"a\"\nversion = 1\n[encode]\nas = \"json\"\n", "test").0.unwrap();
            let mut engine = Engine::new(Arc::new(Plan::compile(&policy).unwrap()));
            engine.set_reference(Timestamp(1_795_262_400));
            let mut lines = Vec::new();
            for (i, path) in paths.iter().enumerate() {
                let line = match i % 3 {
                    0 => format!("192.0.2.7 - - [21/Nov/2026:10:00:00 +0000] \"GET /{path} HTTP/1.1\" 200 5 \"-\" \"-\"\n"),
                    1 => format!("{path}\n"),
                    _ => format!("{{\"remote_addr\":\"192.0.2.7\",\"uri\":{},\"other\":[1, {{\"url.path\":2}}]}}\n", Value::from(path.as_str())),
                };
                lines.extend_from_slice(line.as_bytes());
            }
            let mut batch = Batch::default();
            let mut at = 0;
            while let (_, Progress::Paused { at: done, epoch }) = engine.run(&lines[at..], &mut batch) {
                at += done;
                engine.admit(epoch, None);
            }
            let mut into = Batch::default();
            prop_assert_eq!(batch.project(|_| true, &Projection::of(asked.iter().copied()), &mut into), 0);
            let read = |bytes: &[u8]| -> Vec<Map<String, Value>> {
                bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).map(|line| serde_json::from_slice(line).unwrap()).collect()
            };
            let mut want = read(batch.bytes());
            want.iter_mut().for_each(|line| line.retain(|name, _| name == "sladd" || asked.contains(&name.as_str())));
            prop_assert_eq!(read(into.bytes()), want);
        }
    }
}
