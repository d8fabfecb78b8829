//! Messages of programs that write in known shapes: who came in, from where, which mail went to whom.
//!
//! A shape is a constant such as `"Failed password for invalid user {user.name} from {client.address} port {client.port} ssh2"`.
//! It is anchored at both ends. A field whose bytes are bounded by its own grammar (an address, a port) ends at the first
//! place where the next literal stands; a field that a visitor may fill with anything (a user, a text) is read so that all
//! behind it fits: the last such place, so that a whole message typed as a user's name is a user's name. Where two of those
//! stand in one shape and the literal between them comes twice, all from there on is ambiguous and is withheld.
//! What has no known shape is one text, in which names behind words such as `user ` are users.
//!
//! One program a file, in `message/`; the smallest to copy is `logind.rs`.

mod dovecot;
mod exim;
mod logind;
mod pam;
mod php;
mod postfix;
mod proftpd;
mod pureftpd;
mod shape;
mod sshd;
mod su;
mod sudo;
mod vsftpd;
mod words;
mod xferlog;

use shape::Around;
pub(super) use shape::{Body, find, stamp};

use super::{Ending, Malformed, Parse};
use crate::record::{Field, Record, Schema};

/// What is known of one program's messages.
#[derive(Debug)]
pub struct Program {
    /// The format's name.
    pub name: &'static str,
    /// What it calls itself in syslog and in the journal. Empty for logs that stand only in files.
    pub programs: &'static [&'static str],
    /// The shapes of its messages, in the order in which they are tried.
    pub(super) shapes: &'static [&'static str],
    /// Literals that may stand behind any of them.
    pub(super) endings: &'static [&'static str],
    /// Words of its texts behind which a user's name stands.
    pub(super) words: &'static [&'static str],
    /// Whether the messages of PAM's modules come under its name.
    pub(super) pam: bool,
    /// Whether a line that has none of the shapes is a text of it.
    pub(super) rest: Rest,
}

/// What a line is that has none of a program's shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// A text of the program.
    Text,
    /// No line of it.
    Refused,
}

/// Whether a line begins as those of one program do.
type Begins = fn(&[u8]) -> bool;

/// The messages of one program, ready to parse.
#[derive(Clone, Debug)]
pub struct Message {
    schema: Schema,
    body: Body,
    /// What a line must begin with, where other formats are tried beside this one.
    begins: Begins,
    /// Whether each of its shapes begins with a time.
    dated: bool,
}

impl Message {
    /// Compiles a program's shapes.
    pub fn new(program: &Program) -> Message {
        let mut shapes: Vec<&str> = program.shapes.to_vec();
        if program.pam {
            shapes.extend(pam::SHAPES);
        }
        if program.rest == Rest::Text {
            shapes.push("{message}");
        }
        let around = match program.rest {
            Rest::Text => Some(REPEATED),
            Rest::Refused => None,
        };
        Message::of(program, &shapes, around, |_| true, false)
    }

    /// The lines that a program writes to a file of its own, each with its time: only known shapes, so that they can be told
    /// among lines of any format.
    pub(super) fn in_files() -> [Message; 4] {
        // Each of their shapes begins with a time: that says enough.
        let any: Begins = |_| true;
        let programs: [(&Program, Begins); 4] =
            [(&vsftpd::VSFTPD, any), (&proftpd::PROFTPD, any), (&xferlog::XFERLOG, any), (&exim::EXIM, exim::begins)];
        programs.map(|(program, begins)| {
            let shapes = program.shapes.iter().copied().filter(|shape| {
                // A time before any text is no mark of one program.
                let is_any = shape.ends_with("{message}") && !literals(shape).any(|byte| byte != b' ');
                shape.starts_with("{timestamp}") && !is_any
            });
            Message::of(program, &shapes.collect::<Vec<_>>(), None, begins, true)
        })
    }

    fn of(program: &Program, shapes: &[&str], around: Option<Around>, begins: Begins, dated: bool) -> Message {
        let mut fields: Vec<Field> = Vec::new();
        let (body, layouts) = Body::compile(shapes, program.endings, around, program.words, &mut fields, &[], b"");
        let mut layouts = layouts.into_iter();
        let first = layouts.next().expect("a program has a shape");
        let more = layouts.collect();
        Message {
            schema: Schema {
                name: program.name.into(),
                fields,
                items: first.items,
                tail: first.tail,
                more,
                ..Schema::default()
            },
            body,
            begins,
            dated,
        }
    }

    /// Whether a line of it may begin with this byte. `true` says nothing.
    pub(super) fn begins_with(&self, byte: u8) -> bool {
        self.body.begins_with(byte) && (byte.is_ascii_alphanumeric() || !self.dated)
    }

    /// The messages of the format of this name.
    pub fn named(name: &str) -> Option<Message> {
        PROGRAMS.iter().find(|program| program.name == name).map(|program| Message::new(program))
    }
}

impl Parse for Message {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    #[inline]
    fn parse(&self, line: &[u8], ending: Ending, record: &mut Record) -> Result<(), Malformed> {
        record.clear();
        if !(self.begins)(line) {
            return Err(Malformed { at: 0, expected: "the beginning of a program's line" });
        }
        match self.body.read(line, 0, ending, 0, record) {
            true => Ok(()),
            false => Err(Malformed { at: 0, expected: "a message of a known shape" }),
        }
    }
}

/// What rsyslog makes of a message that came more than once.
const REPEATED: Around = ("message repeated {event.count} times: [ ", "]");

/// What a shape holds between its fields.
fn literals(shape: &str) -> impl Iterator<Item = u8> {
    shape.split('{').flat_map(|part| part.split_once('}').map_or(part, |(_, literal)| literal).bytes())
}

/// All programs, in the order of [`of_program`]'s indexes.
pub static PROGRAMS: &[&Program] = &[
    &sshd::SSHD,
    &sudo::SUDO,
    &su::SU,
    &pam::PAM,
    &logind::LOGIND,
    &postfix::POSTFIX,
    &dovecot::DOVECOT,
    &exim::EXIM,
    &vsftpd::VSFTPD,
    &proftpd::PROFTPD,
    &pureftpd::PUREFTPD,
    &xferlog::XFERLOG,
    &php::FPM,
    &php::PHP,
    &logind::SYSTEMD,
];

/// Which of [`PROGRAMS`] writes under this name in syslog and in the journal.
///
/// The name stands as the envelope has it, without the number of the process: `sshd`, `postfix/smtpd`. Instances of Postfix
/// with names of their own (`postfix-out/smtp`) are Postfix. Constant time, does not allocate.
///
/// ```
/// use sladd::format::message::{PROGRAMS, of_program};
/// assert_eq!(of_program(b"sshd-session").map(|i| PROGRAMS[i].name), Some("sshd"));
/// assert_eq!(of_program(b"postfix/smtps/smtpd").map(|i| PROGRAMS[i].name), Some("postfix"));
/// assert_eq!(of_program(b"nginx"), None);
/// ```
pub fn of_program(name: &[u8]) -> Option<usize> {
    if name.len() > LONGEST {
        return None;
    }
    let mut slot = hash(name);
    while let Some((known, program)) = SLOTS[slot] {
        if known.as_bytes() == name {
            return Some(program as usize);
        }
        slot = (slot + 1) % SLOTS.len();
    }
    let daemon = name.starts_with(b"postfix") && memchr::memchr(b'/', name).is_some();
    daemon.then_some(POSTFIX)
}

/// Longer names are nobody's.
const LONGEST: usize = 64;

/// Where Postfix stands in [`PROGRAMS`].
const POSTFIX: usize = 5;

/// Every name with its program, each at its hash or behind.
static SLOTS: [Option<(&str, u8)>; 256] = {
    let mut slots: [Option<(&str, u8)>; 256] = [None; 256];
    // A constant may not look into a static; the lists themselves are constants.
    let lists: [&[&'static str]; 15] = [
        sshd::SSHD.programs,
        sudo::SUDO.programs,
        su::SU.programs,
        pam::PAM.programs,
        logind::LOGIND.programs,
        postfix::POSTFIX.programs,
        dovecot::DOVECOT.programs,
        exim::EXIM.programs,
        vsftpd::VSFTPD.programs,
        proftpd::PROFTPD.programs,
        pureftpd::PUREFTPD.programs,
        xferlog::XFERLOG.programs,
        php::FPM.programs,
        php::PHP.programs,
        logind::SYSTEMD.programs,
    ];
    let mut program = 0;
    while program < lists.len() {
        let mut i = 0;
        while i < lists[program].len() {
            let mut slot = hash(lists[program][i].as_bytes());
            while slots[slot].is_some() {
                slot = (slot + 1) % slots.len();
            }
            slots[slot] = Some((lists[program][i], program as u8));
            i += 1;
        }
        program += 1;
    }
    slots
};

const fn hash(name: &[u8]) -> usize {
    let (mut hash, mut i) = (name.len() as u32, 0);
    while i < name.len() {
        hash = (hash ^ name[i] as u32).wrapping_mul(0x0100_0193);
        i += 1;
    }
    (hash >> 8) as usize % 256
}

#[cfg(test)]
mod tests;
