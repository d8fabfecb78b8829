//! Users and secrets in command lines: `mysql -u kari -pSecret`, `curl -u kari:secret`, `sshpass -p secret`,
//! `--password secret`.
//!
//! What an option means is its program's business: `-u` is a user to `mysql` and the order of numbers to `sort`. So the
//! program's name is what is looked for, and its options are read up to the end of the command.

use super::super::{Finding, What, secret, user::is_prose};
use super::read::{is_name, name, run};

/// The options of one program: letters that a user's name follows, at once or behind a blank; a password at once, a
/// password in any way; whether a user may stand as `NAME:SECRET`; whether the last word is a user.
struct Program {
    names: &'static [&'static [u8]],
    user: &'static [u8],
    joined: &'static [u8],
    secret: &'static [u8],
    last: bool,
}

const PROGRAMS: &[Program] = &[
    Program {
        names: &[
            b"mysql",
            b"mysqldump",
            b"mysqladmin",
            b"mysqlimport",
            b"mysqlshow",
            b"mysqlcheck",
            b"mysqlsh",
            b"mysqlbinlog",
            b"mariadb",
            b"mariadb-dump",
            b"mariadb-admin",
        ],
        user: b"u",
        joined: b"p",
        secret: b"",
        last: false,
    },
    Program {
        names: &[b"psql", b"pg_dump", b"pg_dumpall", b"pg_restore", b"createdb", b"dropdb", b"smbclient", b"rpcclient"],
        user: b"U",
        joined: b"",
        secret: b"",
        last: false,
    },
    Program {
        names: &[
            b"mongo",
            b"mongosh",
            b"mongodump",
            b"mongorestore",
            b"mongoexport",
            b"lftp",
            b"ncftp",
            b"clickhouse-client",
        ],
        user: b"u",
        joined: b"",
        secret: b"p",
        last: false,
    },
    Program { names: &[b"sshpass"], user: b"", joined: b"", secret: b"p", last: false },
    Program { names: &[b"redis-cli"], user: b"", joined: b"", secret: b"a", last: false },
    Program { names: &[b"curl"], user: b"uU", joined: b"", secret: b"", last: false },
    Program {
        names: &[b"ldapsearch", b"ldapmodify", b"ldapadd", b"ldapdelete", b"ldapwhoami"],
        user: b"",
        joined: b"",
        secret: b"w",
        last: false,
    },
    Program { names: &[b"ssh", b"scp", b"sftp"], user: b"l", joined: b"", secret: b"", last: false },
    Program { names: &[b"sudo", b"runuser", b"crontab"], user: b"u", joined: b"", secret: b"", last: false },
    Program {
        names: &[
            b"useradd",
            b"adduser",
            b"userdel",
            b"deluser",
            b"usermod",
            b"passwd",
            b"chage",
            b"chfn",
            b"chsh",
            b"su",
            b"htpasswd",
            b"smbpasswd",
            b"loginctl terminate-user",
        ],
        user: b"",
        joined: b"",
        secret: b"",
        last: true,
    },
];

/// Adds what the options of the program whose name starts at `at` hold.
pub(super) fn command(text: &[u8], at: usize, found: &mut Vec<Finding>) {
    // Where a command begins: alone, behind a path, or behind what introduces it.
    if at > 0
        && !matches!(text[at - 1], b'/' | b' ' | b'\t' | b'=' | b'(' | b'"' | b'\'' | b'`' | b';' | b'|' | b'&' | b'$')
    {
        return;
    }
    let word = run(text, at, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    let called = &text[at..word];
    let Some(program) = PROGRAMS.iter().find(|program| program.names.contains(&called)) else { return };
    // A list explains what it names: `su     - regular su`.
    if program.last && text[word..].starts_with(b"  ") {
        return;
    }
    let end = text.len().min(word + COMMAND);
    let mut last = None;
    // `mysql: ` and `passwd.c` are no commands.
    let mut at = word;
    for _ in 0..WORDS {
        if text.get(at) != Some(&b' ') || at >= end {
            break;
        }
        while at < end && text[at] == b' ' {
            at += 1;
        }
        let stop = word_end(&text[..end], at);
        let word = &text[at..stop];
        if word.is_empty() || matches!(word, b"|" | b"||" | b"&&" | b";" | b">" | b">>" | b"<") {
            break;
        }
        if let [b'-', letter, rest @ ..] = word
            && *letter != b'-'
        {
            last = None;
            // `-p'a b'`
            let apart = rest.is_empty() && !matches!(text.get(stop), Some(b'"' | b'\''));
            let from = if apart { following(&text[..end], stop) } else { Some(at + 2) };
            if let Some(from) = from {
                let to = word_end(&text[..end], from);
                if program.user.contains(letter) && (apart || matches!(letter, b'u' | b'U')) {
                    credentials(text, from, to, found);
                } else if program.secret.contains(letter) || program.joined.contains(letter) && !apart {
                    hide(text, from, to, What::Token, found);
                }
                at = to.max(stop);
                // What an option of another kind takes is not known.
                if apart && !program.user.contains(letter) && !program.secret.contains(letter) {
                    at = stop;
                }
                continue;
            }
        } else if !word.starts_with(b"-") {
            last = Some((at, stop));
        }
        at = stop;
    }
    if let (true, Some((from, to))) = (program.last, last) {
        let value = &text[from..to];
        let plain = value.iter().all(|&byte| is_name(byte)) && value.first().is_some_and(u8::is_ascii_alphabetic);
        if plain
            && !is_prose(value)
            && (text.get(to).is_none_or(|&byte| matches!(byte, b'"' | b'\'' | b')' | b';' | b'\\')))
            && is_run(text, word)
        {
            hide(text, from, to, What::User, found);
        }
    }
}

/// Adds what the words of a command hold that the audit wrote one by one: `a0="mysql" a1="-u" a2="kari"`. `start` is where
/// the first one's quotes open.
pub(super) fn executed(text: &[u8], start: usize, found: &mut Vec<Finding>) {
    let mut words = [(0, 0); WORDS];
    let mut count = 0;
    let mut at = start;
    while count < WORDS {
        let Some(stop) = text[at..text.len().min(at + LONGEST)].iter().position(|&byte| byte == b'"') else { break };
        words[count] = (at, at + stop);
        count += 1;
        // ` a12="`
        let next = at + stop + 1;
        let digits = text
            .get(next..)
            .and_then(|rest| rest.strip_prefix(b" a"))
            .map_or(0, |rest| rest.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count());
        if digits == 0 || !text[next + 2 + digits..].starts_with(b"=\"") {
            break;
        }
        at = next + digits + 4;
    }
    let words = &words[..count];
    let Some((&(from, to), rest)) = words.split_first() else { return };
    let called = &text[from + text[from..to].iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1)..to];
    let program = PROGRAMS.iter().find(|program| program.names.contains(&called));
    let mut last = None;
    let mut skip = false;
    for (place, &(from, to)) in rest.iter().enumerate() {
        let next = rest.get(place + 1).copied().filter(|&(from, _)| text[from] != b'-');
        if std::mem::take(&mut skip) {
            continue;
        }
        last = None;
        match &text[from..to] {
            b"--password" | b"--passwd" | b"--pass" | b"--token" | b"--secret" => {
                next.inspect(|&(from, to)| hide(text, from, to, What::Token, found));
                skip = true;
            }
            b"--user" | b"--username" | b"--login" => {
                next.inspect(|&(from, to)| credentials(text, from, to, found));
                skip = true;
            }
            [b'-', letter, value @ ..] if *letter != b'-' => {
                let Some(program) = program else { continue };
                let target = if value.is_empty() { next } else { Some((from + 2, to)) };
                let Some((start, stop)) = target else { continue };
                if program.user.contains(letter) {
                    credentials(text, start, stop, found);
                    skip = value.is_empty();
                } else if program.secret.contains(letter) || program.joined.contains(letter) && !value.is_empty() {
                    hide(text, start, stop, What::Token, found);
                    skip = value.is_empty();
                }
            }
            [b'-', ..] | [] => {}
            _ => last = Some((from, to)),
        }
    }
    if let (Some(program), Some((from, to))) = (program, last)
        && program.last
        && text[from..to].iter().all(|&byte| is_name(byte))
    {
        hide(text, from, to, What::User, found);
    }
}

/// Whether what ends at `end` was run: a path or a sign stands in front. The words of these programs are nouns too.
fn is_run(text: &[u8], end: usize) -> bool {
    let before = &text[..end];
    let start = before.iter().rposition(|&byte| matches!(byte, b' ' | b'\t')).map_or(0, |at| at + 1);
    before[start..].contains(&b'/')
        || before[start..].contains(&b'=')
        || text[..start].ends_with(b"sudo ")
        || text[..start].ends_with(b") ")
}

/// The word behind `--password `, `--token ` and their like, or behind `--user `.
pub(super) fn long(text: &[u8], at: usize, end: usize, found: &mut Vec<Finding>) {
    if at > 0 && !matches!(text[at - 1], b' ' | b'\t' | b'"' | b'\'' | b'[' | b'(') {
        return;
    }
    let stop = word_end(text, end);
    let value = &text[end..stop];
    let shown =
        value.first().is_none_or(|byte| matches!(byte, b'-' | b'<' | b'$' | b'[' | b'{' | b'%' | b'|' | b'.' | b','));
    if shown {
        return;
    }
    if !text[at..end].starts_with(b"--user") && !text[at..end].starts_with(b"--login") {
        let prose = value.iter().all(u8::is_ascii_lowercase) && is_prose(value);
        if !prose {
            hide(text, end, stop, What::Token, found);
        }
        return;
    }
    // `systemctl --user start`, `pip install --user`.
    let front = &text[at.saturating_sub(32)..at];
    let scope: [&[u8]; 7] = [b"ctl ", b"pip", b"systemd", b"gem ", b"npm ", b"flatpak", b"cargo"];
    if !scope.iter().any(|word| front.windows(word.len()).any(|window| window == *word)) && !is_prose(value) {
        credentials(text, end, stop, found);
    }
}

/// A name, or a name and what is secret behind a colon.
fn credentials(text: &[u8], from: usize, to: usize, found: &mut Vec<Finding>) {
    let value = &text[from..to];
    // `--user <UID>`, `-u $USER`, `-u "$USER"`.
    if value.iter().any(|byte| matches!(byte, b'$' | b'<' | b'{' | b'[')) {
        return;
    }
    match value.iter().position(|&byte| matches!(byte, b':' | b'%')) {
        Some(sign) => {
            hide(text, from, from + sign, What::User, found);
            hide(text, from + sign + 1, to, What::Token, found);
        }
        None => hide(text, from, to, What::User, found),
    }
}

/// Hides a word, without the quotes around it.
fn hide(text: &[u8], from: usize, to: usize, what: What, found: &mut Vec<Finding>) {
    let quoted = to > from + 1 && matches!(text[from], b'"' | b'\'');
    let (from, to) = if quoted { (from + 1, to - usize::from(text[to - 1] == text[from])) } else { (from, to) };
    if to > from && !secret::is_ours(&text[from..to]) && !text[from..to].starts_with(b"$") {
        found.extend(name(text, from, to).map(|finding| Finding { what, ..finding }));
    }
}

/// Where the word behind the blanks at `at` starts, unless it is an option.
fn following(text: &[u8], at: usize) -> Option<usize> {
    let start = at + text[at..].iter().take_while(|&&byte| byte == b' ').count();
    (start > at && start < text.len() && text[start] != b'-').then_some(start)
}

/// Where a word ends: at a blank or a sign of the shell; one in quotes behind its quote.
fn word_end(text: &[u8], at: usize) -> usize {
    if let Some(&quote @ (b'"' | b'\'')) = text.get(at) {
        let reach = &text[at + 1..text.len().min(at + 1 + LONGEST)];
        if let Some(close) = reach.iter().position(|&byte| byte == quote) {
            return at + close + 2;
        }
    }
    run(text, at, |byte| {
        !matches!(byte, b' ' | b'\t' | b'\n' | b'"' | b'\'' | b';' | b'|' | b')' | b'`' | b'>' | b'\\')
    })
}

/// How far a command is read, how many words of it, and how long one in quotes may be.
const COMMAND: usize = 512;
const WORDS: usize = 24;
const LONGEST: usize = 128;
