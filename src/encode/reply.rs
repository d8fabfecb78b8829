//! Answers to a program that hands over one line and waits for what became of it.
//!
//! rsyslog's `mmexternal` gives a message and takes an object of the properties to be changed; its `omprog` with
//! `confirmMessages="on"` gives a message and takes `OK`, or anything else where it shall come again. Both want one line for
//! one line (rsyslog, `plugins/external/INTERFACE.md`).

use super::{Batch, json::push_text};
use crate::{
    retention::{ClassId, Run},
    time::Day,
};

/// How lines are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// What is left of the line, as rsyslog's `mmexternal` takes it.
    RsyslogJson,
    /// `OK` for each line whose record was written elsewhere.
    Ok,
}

/// What stood before the words of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// Nothing.
    AtOnce,
    /// The blank that rsyslog keeps between a tag and its message.
    BehindBlank,
}

impl Reply {
    /// Makes `into` what is said before the first line: that we are ready, where somebody waits for it.
    pub fn greet(self, into: &mut Batch) {
        into.clear();
        match self {
            Reply::RsyslogJson => {}
            Reply::Ok => say(b"OK\n", into),
        }
    }

    /// Makes `into` the answer to one line, of which `written` was made.
    ///
    /// The object sets `msg`, which rsyslog puts into `rawmsg` too, and the variable `$!sladd` to `minimised` or, where nothing is
    /// left, `dropped`: of what was sealed nothing is left either, whether there was room for it or not. A message that nobody
    /// answered has no such variable.
    pub fn answer(self, written: &Batch, words: Words, into: &mut Batch) {
        into.clear();
        match self {
            Reply::RsyslogJson => {
                let text = written.bytes.strip_suffix(b"\n").unwrap_or(&written.bytes);
                let text = text.strip_suffix(b"\r").unwrap_or(text);
                into.bytes.extend_from_slice(b"{\"msg\":\"");
                if words == Words::BehindBlank && !text.is_empty() {
                    into.bytes.push(b' ');
                }
                push_text(text, &mut into.bytes);
                let outcome: &[u8] = if text.is_empty() { b"dropped" } else { b"minimised" };
                into.bytes.extend_from_slice(b"\",\"$!\":{\"sladd\":\"");
                into.bytes.extend_from_slice(outcome);
                say(b"\"}}\n", into);
            }
            Reply::Ok => say(b"OK\n", into),
        }
    }

    /// Makes `into` the answer to a line of which nothing could be made or written: nothing of it, and the exit code that the
    /// run ends with.
    pub fn fail(self, code: u8, into: &mut Batch) {
        into.clear();
        let digits = [b'0' + code / 100, b'0' + code / 10 % 10, b'0' + code % 10];
        let zeros = digits.iter().take(2).take_while(|&&digit| digit == b'0').count();
        match self {
            Reply::RsyslogJson => {
                into.bytes.extend_from_slice(b"{\"msg\":\"\",\"$!\":{\"sladd\":\"failed ");
                into.bytes.extend_from_slice(&digits[zeros..]);
                say(b"\"}}\n", into);
            }
            Reply::Ok => {
                into.bytes.extend_from_slice(b"failed ");
                into.bytes.extend_from_slice(&digits[zeros..]);
                say(b"\n", into);
            }
        }
    }
}

/// An answer has no class and no day; it is never kept.
fn say(words: &[u8], into: &mut Batch) {
    into.bytes.extend_from_slice(words);
    into.close(Run { class: ClassId(0), day: Day(0) });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(reply: Reply, written: &[u8], words: Words) -> String {
        let mut into = Batch::of(b"what was here before\n");
        reply.answer(&Batch::of(written), words, &mut into);
        assert_eq!(into.runs().count(), 1);
        String::from_utf8(into.bytes().to_vec()).unwrap()
    }

    #[test]
    fn an_object_of_one_line_holds_what_is_left_whatever_bytes_it_has() {
        for (written, words, want) in [
            (&b"a \"b\" \\x\n"[..], Words::AtOnce, "a \"b\" \\x"),
            (b"a\r\n", Words::BehindBlank, " a"),
            (b"one\ntwo\n", Words::AtOnce, "one\ntwo"),
            (b"\xff\x00\x1b\n", Words::AtOnce, "\u{ff}\0\u{1b}"),
            (b"", Words::BehindBlank, ""),
            (b"\n", Words::BehindBlank, ""),
        ] {
            let text = answer(Reply::RsyslogJson, written, words);
            assert_eq!(text.matches('\n').count(), 1);
            let object: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(object["msg"], want);
            let outcome = if want.is_empty() { "dropped" } else { "minimised" };
            assert_eq!(object["$!"]["sladd"], outcome);
        }
    }

    #[test]
    fn a_line_is_confirmed_with_ok_and_a_failure_with_its_code() {
        assert_eq!(answer(Reply::Ok, b"a\n", Words::AtOnce), "OK\n");
        let mut into = Batch::default();
        Reply::Ok.greet(&mut into);
        assert_eq!(into.bytes(), b"OK\n");
        Reply::Ok.fail(74, &mut into);
        assert_eq!(into.bytes(), b"failed 74\n");
        Reply::Ok.fail(1, &mut into);
        assert_eq!(into.bytes(), b"failed 1\n");
        Reply::RsyslogJson.fail(105, &mut into);
        assert_eq!(into.bytes(), b"{\"msg\":\"\",\"$!\":{\"sladd\":\"failed 105\"}}\n");
        Reply::RsyslogJson.greet(&mut into);
        assert!(into.is_empty());
    }
}
