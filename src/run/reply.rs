//! A conversation: one line in, one answer out, each at once. For a program that waits for the answer to each line before it
//! gives the next, as rsyslog does with `mmexternal` and `omprog`.
//!
//! One thread does everything: the other side never has two lines under way.

use super::{Signals, Summary, Verdict, Work, ordered::shed, quarantine::Keeper, summary::End};
use crate::{
    encode::{Batch, Reply, Words},
    error::{Error, Kind},
    frame::LineBuffer,
    input::stdin::{Ready, Stdin},
    output::{file::File, stdout::Stdout},
    tally::Tally,
};
use std::{io, time::Duration};

/// Both ends of a conversation.
#[derive(Debug)]
pub struct Conversation {
    /// How lines are answered.
    pub reply: Reply,
    /// Where lines come from.
    pub input: Stdin,
    /// Where answers go.
    pub answers: Stdout,
    /// Where records go, if they do not go with the answer. They are written before the answer is.
    pub output: Option<File>,
    /// Over this, a line is cut.
    pub max_line_bytes: usize,
    /// Where lines go that are set aside to be sealed: each is in its file before it is answered.
    pub keeper: Option<Keeper>,
}

impl Conversation {
    /// Answers until the input ends, a signal or the verdict ends it, or it cannot go on.
    ///
    /// A request to end is met between two lines: what was given is answered first. A request to open the output again is
    /// met before the next record.
    pub fn run(self, work: impl Work, verdict: Verdict, signals: &Signals) -> Summary {
        let Conversation { reply, input, answers, output, max_line_bytes, keeper } = self;
        let mut speaker = Speaker {
            reply,
            answers,
            output,
            keeper,
            batch: Batch::default(),
            answer: Batch::default(),
            tally: Tally::default(),
        };
        let end = match speaker.converse(&input, max_line_bytes, work, verdict, signals) {
            Ok(end) => end,
            Err(Stop::ReaderGone) => End::ReaderGone,
            Err(Stop::Failed(error)) => End::Failed(error),
        };
        let kept = speaker.keeper.as_mut().map_or(Ok(()), Keeper::end);
        speaker.count_lost();
        let end = match (end, kept) {
            (End::Input | End::Signal | End::ReaderGone, Err(error)) => End::Failed(error),
            (end, _) => end,
        };
        Summary { tally: speaker.tally, end }
    }
}

/// The side that answers.
struct Speaker {
    reply: Reply,
    answers: Stdout,
    output: Option<File>,
    keeper: Option<Keeper>,
    /// What became of the last line.
    batch: Batch,
    answer: Batch,
    tally: Tally,
}

enum Stop {
    ReaderGone,
    Failed(Error),
}

impl Speaker {
    fn converse(
        &mut self,
        input: &Stdin,
        max_line_bytes: usize,
        mut work: impl Work,
        mut verdict: Verdict,
        signals: &Signals,
    ) -> Result<End, Stop> {
        self.reply.greet(&mut self.answer);
        self.say()?;
        let mut buffer = LineBuffer::new(PORTION_BYTES, max_line_bytes);
        // What was made of a line that is not answered yet.
        let mut made = None;
        loop {
            let end = fill(input, &mut buffer, signals).map_err(Stop::Failed)?;
            work.rest();
            loop {
                // Before all of a line over the limit came, its writer does not listen.
                if !buffer.is_skipping()
                    && let Some(made) = made.take()
                {
                    self.close(made, &mut verdict, signals)?;
                }
                let Some(length) = first(buffer.lines()) else { break };
                made = Some(self.minimise(&buffer.lines()[..length], &mut work)?);
                buffer.consume(length);
                self.tally.bytes_in += buffer.take_skipped();
            }
            self.tally.bytes_in += buffer.take_skipped();
            match end {
                None => {}
                // A line that is not whole was not given: whoever is still writing it gives it to the next run.
                Some(End::Signal) => {
                    self.finish(&mut work, signals)?;
                    return Ok(End::Signal);
                }
                Some(end) => {
                    if let Some(made) = made.take() {
                        self.close(made, &mut verdict, signals)?;
                    }
                    let rest = buffer.finish();
                    if !rest.is_empty() {
                        let made = self.minimise(rest, &mut work)?;
                        self.close(made, &mut verdict, signals)?;
                    }
                    self.finish(&mut work, signals)?;
                    return Ok(end);
                }
            }
        }
    }

    /// Makes the batch what becomes of this line. Of a part of a longer line that is nothing yet, and of its last part all.
    fn minimise(&mut self, line: &[u8], work: &mut impl Work) -> Result<Made, Stop> {
        self.batch.clear();
        let (words, body) = match (self.reply, line) {
            (Reply::RsyslogJson, [b' ', body @ ..]) if !body.is_empty() => (Words::BehindBlank, body),
            (Reply::RsyslogJson | Reply::Ok, line) => (Words::AtOnce, line),
        };
        match work.run(body, &mut self.batch) {
            Ok(mut tally) => {
                tally.bytes_in += (line.len() - body.len()) as u64;
                Ok(Made { tally, words })
            }
            Err(error) => {
                self.tally += shed(Tally { lines: 1, bytes_in: line.len() as u64, ..Tally::default() });
                Err(self.fail(error))
            }
        }
    }

    /// Writes the record where it belongs, and then the answer.
    fn close(&mut self, Made { tally, words }: Made, verdict: &mut Verdict, signals: &Signals) -> Result<(), Stop> {
        self.write(tally, signals).map_err(|error| self.fail(error))?;
        self.reply.answer(&self.batch, words, &mut self.answer);
        self.say()?;
        verdict(&self.tally).map_err(Stop::Failed)
    }

    /// Writes what waits of lines whose last part did not come, where it is written at all: nobody asks for an answer.
    fn finish(&mut self, work: &mut impl Work, signals: &Signals) -> Result<(), Stop> {
        self.batch.clear();
        let tally = work.finish(&mut self.batch).map_err(Stop::Failed)?;
        self.write(tally, signals).map_err(Stop::Failed)
    }

    fn write(&mut self, tally: Tally, signals: &Signals) -> Result<(), Error> {
        if let Some(output) = &mut self.output {
            if signals.take_reopens() > 0
                && let Err(error) = output.reopen()
            {
                super::say!("sladd: {error}; going on with the file as it was");
            }
            if !self.batch.is_empty()
                && let Err(error) = output.write(&self.batch)
            {
                self.tally += shed(tally);
                let message = format!("cannot write `{}`: {error}", output.path().display());
                return Err(Error::new(Kind::Io, message));
            }
        }
        self.tally += tally;
        if let Some(keeper) = &mut self.keeper
            && !self.batch.raw_lines().is_empty()
        {
            let kept = keeper.take(&mut self.batch).and_then(|()| keeper.tend());
            self.count_lost();
            return kept;
        }
        Ok(())
    }

    /// Of the lines that were set aside, those that found no room.
    fn count_lost(&mut self) {
        let lost = self.keeper.as_mut().map_or(0, Keeper::take_lost);
        self.tally.unseal(lost);
    }

    /// The line is not done, and the run cannot go on.
    fn fail(&mut self, error: Error) -> Stop {
        self.reply.fail(error.kind().code(), &mut self.answer);
        match self.say() {
            Ok(()) => Stop::Failed(error),
            Err(stop) => stop,
        }
    }

    fn say(&mut self) -> Result<(), Stop> {
        if self.answer.is_empty() {
            return Ok(());
        }
        self.answers.write(&self.answer).map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Stop::ReaderGone,
            _ => Stop::Failed(Error::new(Kind::Io, format!("cannot write to standard output: {error}"))),
        })
    }
}

/// What was made of one line, beside the batch.
struct Made {
    tally: Tally,
    words: Words,
}

/// The length of the first line, if there is one.
fn first(lines: &[u8]) -> Option<usize> {
    let cut = (!lines.is_empty()).then_some(lines.len());
    memchr::memchr(b'\n', lines).map(|at| at + 1).or(cut)
}

/// Waits for bytes and takes what is there; says whether these are the last.
fn fill(input: &Stdin, buffer: &mut LineBuffer, signals: &Signals) -> Result<Option<End>, Error> {
    let [quit, _] = signals.fds();
    let end = match input.wait(Some(quit), Some(super::REST))? {
        Ready::Data => None,
        Ready::Stop => Some(End::Signal),
        Ready::Nothing => return Ok(None),
    };
    if end.is_some() && input.wait(None, Some(Duration::ZERO))? != Ready::Data {
        return Ok(end);
    }
    match input.read(buffer.space())? {
        Some(0) => Ok(Some(end.unwrap_or(End::Input))),
        Some(bytes) => {
            buffer.filled(bytes);
            Ok(end)
        }
        None => Ok(end),
    }
}

/// How much is read at once, at most: a message of rsyslog's is 8 KiB or less, unless somebody told it otherwise.
const PORTION_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::run::signals::Requests;
    use std::{
        fs,
        io::{BufRead, BufReader, Read, Write},
        os::fd::OwnedFd,
        thread::JoinHandle,
    };

    /// Takes digits out, keeps nothing of a line that begins with `drop`, and cannot work on one that begins with `fail`.
    struct Fake;

    impl Work for Fake {
        fn run(&mut self, lines: &[u8], batch: &mut Batch) -> Result<Tally, Error> {
            if lines.starts_with(b"fail") {
                return Err(Error::new(Kind::Config, "no key"));
            }
            let left: Vec<u8> = lines.iter().copied().filter(|byte| !byte.is_ascii_digit()).collect();
            let dropped = u64::from(lines.starts_with(b"drop"));
            batch.extend(if dropped > 0 { b"\n" } else { &left });
            let cut = u64::from(!lines.ends_with(b"\n"));
            let bytes_in = lines.len() as u64;
            Ok(Tally { lines: 1, minimised: 1 - dropped, malformed: dropped, cut, bytes_in, ..Tally::default() })
        }
    }

    struct Rig {
        input: Option<fs::File>,
        answers: BufReader<fs::File>,
        requests: Requests,
        run: JoinHandle<Summary>,
    }

    fn rig(reply: Reply, output: Option<File>) -> Rig {
        let pipe = || rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let ((input, writer), (reader, answers)): ((OwnedFd, OwnedFd), (OwnedFd, OwnedFd)) = (pipe(), pipe());
        let (signals, requests) = Signals::by_hand().unwrap();
        let (input, answers) = (Stdin::from_fd(input).unwrap(), Stdout::from_fd(answers));
        let conversation = Conversation { reply, input, answers, output, max_line_bytes: 300, keeper: None };
        let run = std::thread::spawn(move || conversation.run(Fake, Box::new(|_| Ok(())), &signals));
        Rig { input: Some(writer.into()), answers: BufReader::new(reader.into()), requests, run }
    }

    impl Rig {
        fn tell(&mut self, bytes: &[u8]) {
            self.input.as_mut().unwrap().write_all(bytes).unwrap();
        }

        fn hear(&mut self) -> String {
            let mut line = String::new();
            self.answers.read_line(&mut line).unwrap();
            line
        }

        fn ask(&mut self, line: &str) -> String {
            self.tell(line.as_bytes());
            self.hear()
        }

        /// Everything that is still said, and the account.
        fn end(mut self) -> (String, Summary) {
            drop(self.input.take());
            let mut rest = String::new();
            self.answers.read_to_string(&mut rest).unwrap();
            (rest, self.run.join().unwrap())
        }
    }

    fn message(text: &str, outcome: &str) -> String {
        format!("{{\"msg\":\"{text}\",\"$!\":{{\"sladd\":\"{outcome}\"}}}}\n")
    }

    #[test]
    fn each_line_is_answered_before_the_next_is_given() {
        let mut rig = rig(Reply::RsyslogJson, None);
        assert_eq!(rig.ask("one 1\n"), message("one ", "minimised"));
        assert_eq!(rig.ask(" two 2\n"), message(" two ", "minimised"));
        assert_eq!(rig.ask("drop 3\n"), message("", "dropped"));
        assert_eq!(rig.ask("\n"), message("", "dropped"));
        assert_eq!(rig.ask(" \n"), message("", "dropped"));
        rig.tell(b"the end 4");
        let (rest, summary) = rig.end();
        assert_eq!(rest, message("the end ", "minimised"));
        assert_eq!((summary.end, summary.tally.lines, summary.tally.dropped()), (End::Input, 6, 1));
        assert_eq!(summary.tally.bytes_in, 6 + 7 + 7 + 1 + 2 + 9);
    }

    #[test]
    fn a_line_over_the_limit_is_answered_once_and_when_all_of_it_came() {
        let mut rig = rig(Reply::RsyslogJson, None);
        let long = "a".repeat(299) + "5" + &"b5".repeat(20_000) + "\n";
        assert_eq!(rig.ask(&long), message(&"a".repeat(299), "minimised"));
        assert_eq!(rig.ask("next\n"), message("next", "minimised"));
        let (rest, summary) = rig.end();
        assert_eq!((rest.as_str(), summary.tally.lines, summary.tally.cut), ("", 2, 1));
        assert_eq!(summary.tally.bytes_in, long.len() as u64 + 5);
    }

    #[test]
    fn ok_is_said_when_the_record_stands_in_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out.log");
        let mut rig = rig(Reply::Ok, Some(File::open(&path).unwrap()));
        assert_eq!(rig.hear(), "OK\n");
        assert_eq!(rig.ask("one 1\n"), "OK\n");
        assert_eq!(fs::read(&path).unwrap(), b"one \n");
        fs::rename(&path, directory.path().join("out.log.1")).unwrap();
        rig.requests.reopen();
        assert_eq!(rig.ask("two 2\n"), "OK\n");
        assert_eq!(fs::read(&path).unwrap(), b"two \n");
        assert_eq!(rig.ask("fail 3\n"), "failed 78\n");
        let (rest, summary) = rig.end();
        assert_eq!((rest.as_str(), summary.tally.lines, summary.tally.shed), ("", 3, 1));
        assert_eq!(summary.error().unwrap().kind(), Kind::Config);
        assert!(summary.tally.balances());
    }

    #[test]
    fn what_was_given_before_a_request_to_end_is_answered_and_half_a_line_is_not() {
        let mut rig = rig(Reply::Ok, None);
        rig.tell(b"one\ntwo");
        assert_eq!((rig.hear(), rig.hear()), ("OK\n".to_owned(), "OK\n".to_owned()));
        rig.requests.quit();
        // Its input stays open.
        let mut rest = String::new();
        rig.answers.read_to_string(&mut rest).unwrap();
        let summary = rig.run.join().unwrap();
        assert_eq!((rest.as_str(), summary.end, summary.tally.lines), ("", End::Signal, 1));
    }

    #[test]
    fn nobody_who_listens_any_more_is_the_end_without_a_word() {
        let mut rig = rig(Reply::Ok, None);
        assert_eq!(rig.hear(), "OK\n");
        rig.answers = BufReader::new(fs::File::open("/dev/null").unwrap());
        rig.tell(b"one\n");
        assert_eq!(rig.run.join().unwrap().end, End::ReaderGone);
    }
}
