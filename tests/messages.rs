//! Hostile lines of error logs, logins, mail and transfers: what a visitor types as a user, a host, a path or a referrer may
//! hold quotes, brackets and whole messages. No planted address and no planted user survives, and a line stays one line.
#![allow(clippy::unwrap_used)]

mod common;

use common::{as_json, builtin, cases, engine, run, with_format};
use proptest::prelude::*;
use std::cell::RefCell;

/// What a visitor may write anywhere: pieces of formats, whole messages, quotes, and an address that must be cut too.
const PIECES: &[&str] = &[
    "\"",
    "'",
    "[",
    "]",
    "(",
    ")",
    "<",
    ">",
    " ",
    "  ",
    ", ",
    ": ",
    "; ",
    "=",
    "\\",
    "\\\"",
    "%22",
    "\t",
    "\u{1b}[2J",
    "\u{e5}",
    ", client: 198.51.100.166",
    ", client: 198.51.100.166, server: _, request: \"GET / HTTP/1.1\", host: \"x\"",
    "\", host: \"x",
    "\", referrer: \"http://198.51.100.166/",
    "\", upstream: \"http://198.51.100.166:80/\"",
    ", server: x",
    "[client 198.51.100.166:80] ",
    "] [client 198.51.100.166] ",
    ", referer: http://198.51.100.166/",
    " from 198.51.100.166 port 22 ssh2",
    " from 198.51.100.166 port 22",
    " port 22 ssh2",
    " rhost=198.51.100.166 ",
    "  user=x",
    "rhost=",
    "user=",
    "Failed password for invalid user x from 198.51.100.166 port 22 ssh2",
    " by (uid=0)",
    "(uid=0) by x(uid=0)",
    " ; USER=root ; COMMAND=/bin/ls",
    " ; PWD=/ ; USER=root",
    " : TTY=pts/0",
    " not found: ",
    ": authentication failure for \"",
    ">, rip=198.51.100.166, lip=198.51.100.166",
    ">, method=PLAIN, rip=198.51.100.166, lip=198.51.100.166, TLS, session=<x>",
    "> to=<x@example.org> proto=ESMTP helo=<y>",
    ">, relay=x[198.51.100.166]:25, delay=1, delays=0/0/0/0, dsn=2.0.0, status=sent (",
    "x[198.51.100.166]",
    "] OK LOGIN: Client \"198.51.100.166\"",
    "): ",
    " on pts/0",
    "(to x) y",
    " [198.51.100.166]:25 ",
    " b _ i r x ftp 0 * c",
    " of user x.",
    "message repeated 2 times: [ ",
    " in /x on line 3",
    " user ",
    " [preauth]",
    "2026/11/21 10:00:00 [error] 1#1: *1 x, client: 198.51.100.166",
    "class=security_log",
    "p1.20261121.9f86d081884c7d65",
];

fn typed() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof![4 => prop::sample::select(PIECES).prop_map(str::to_owned), 1 => "[ -~]{0,8}"],
        0..7,
    )
    .prop_map(|pieces| pieces.iter().fold(String::new(), |typed, piece| apart(typed, piece)))
}

/// The two in a row, with a blank where letters would touch: `192.0.2.1660` is no address.
fn apart(mut text: String, piece: &str) -> String {
    let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '.' || c == '-');
    if word(text.chars().last()) && word(piece.chars().next()) {
        text.push(' ');
    }
    text + piece
}

/// The user whose name is typed, before and behind what else is typed. No treatment makes such a word.
const USER: &str = "zqkariqz";
/// The visitor's true address, and what would be left of it if a part survived.
const CLIENT: &str = "8.77.166.213";

/// A line of a format with what was typed in one place. The name stands where users stand.
fn rendered(place: usize, typed: &str, path: &str) -> (&'static str, String) {
    let user = apart(apart(typed.to_owned(), USER), path);
    let c = CLIENT;
    let nginx = "2026/11/21 10:00:01 [error] 31#31: *46";
    let apache = "[Sat Nov 21 10:00:00.123456 2026] [auth_basic:error] [pid 10:tid 11]";
    match place {
        0 => (
            "nginx_error",
            format!(
                "{nginx} open() \"/var/www/{typed}\" failed (2: x), client: {c}, server: s.example, request: \"GET /{typed}?q={USER} HTTP/1.1\", host: \"s.example\""
            ),
        ),
        1 => (
            "nginx_error",
            format!(
                "{nginx} x, client: {c}, server: s.example, request: \"{typed}\", upstream: \"http://{c}:80/{path}\", host: \"{path}\", referrer: \"https://a.example/{typed}\""
            ),
        ),
        2 => (
            "nginx_error",
            format!("{nginx} x {typed}, client: {c}, server: s.example, request: \"GET / HTTP/1.1\", host: \"{path}\""),
        ),
        3 => ("apache_error", format!("{apache} [client {c}:50229] AH01618: user {user} not found: /{path}")),
        4 => (
            "apache_error",
            format!(
                "{apache} (70014)End of file found: [client {c}:50229] AH1: {typed}, referer: http://a.example/?{USER}"
            ),
        ),
        5 => ("apache_error", format!("{apache} [remote {c}:1] {typed} {c}")),
        6 => ("sshd", format!("Failed password for invalid user {user} from {c} port 4711 ssh2")),
        7 => ("sshd", format!("Invalid user {user} from {c} port 4711")),
        8 => ("sshd", format!("Connection closed by invalid user {user} {c} port 4711 [preauth]")),
        9 => (
            "sshd",
            format!(
                "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser={user} rhost={c}  user={user}"
            ),
        ),
        10 => ("sshd", format!("User {user} from {c} not allowed because not listed in AllowUsers")),
        11 => (
            "sshd",
            format!(
                "Disconnecting invalid user {user} {c} port 4711: Change of username or service not allowed: ({user},ssh-connection) -> ({user},ssh-connection) [preauth]"
            ),
        ),
        12 => ("sshd", format!("message repeated 2 times: [ Failed password for {user} from {c} port 4711 ssh2]")),
        13 => (
            "sudo",
            format!(
                "{USER} : TTY=pts/0 ; PWD=/home/{USER}/{typed} ; USER={USER} ; COMMAND=/bin/echo {path} {c} /home/{USER}"
            ),
        ),
        14 => ("su", format!("FAILED SU (to {USER}) {user} on pts/0")),
        15 => ("pam", format!("pam_unix(login:session): session opened for user {user} by {USER}(uid=0)")),
        16 => ("pam", format!("FAILED LOGIN (1) on '/dev/tty1' FOR '{user}', Authentication failure")),
        17 => ("logind", format!("New session 12 of user {USER}.")),
        18 => {
            ("postfix", format!("warning: h.example[{c}]: SASL LOGIN authentication failed: x, sasl_username={user}"))
        }
        19 => (
            "postfix",
            format!(
                "NOQUEUE: reject: RCPT from unknown[{c}]: 554 5.7.1 <{USER}@example.org>: no; from=<{user}@example.net> to=<{USER}@example.org> proto=ESMTP helo=<{typed}>"
            ),
        ),
        20 => (
            "postfix",
            format!(
                "4FxY2z1kq7z9: to=<{user}@example.org>, relay=mx.example[{c}]:25, delay=1, delays=0/0/0/0, dsn=2.0.0, status=sent (250 {typed})"
            ),
        ),
        21 => (
            "dovecot",
            format!(
                "imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<{user}>, method=PLAIN, rip={c}, lip=192.0.2.10, TLS, session=<dk2jJhT0bLzLAHFN>"
            ),
        ),
        22 => (
            "exim",
            format!(
                "2026-11-21 10:00:05 H=h.example ({typed}) [{c}]:50229 F=<{USER}@example.net> rejected RCPT <{USER}@example.org>: relay not permitted"
            ),
        ),
        23 => ("vsftpd", format!("Sat Nov 21 10:00:01 2026 [pid 1] [{user}] FAIL LOGIN: Client \"{c}\"")),
        24 => (
            "proftpd",
            format!("ftp.example ({c}[{c}]) - USER {user}: no such user found from {c} [{c}] to 192.0.2.10:21"),
        ),
        27 => ("pureftpd", format!("(?@{c}) [WARNING] Authentication failed for user [{user}]")),
        28 => ("pureftpd", format!("({USER}@{c}) [NOTICE] /home/{USER}/{typed} uploaded  (1 bytes, 1.0KB/sec)")),
        25 => ("xferlog", format!("Sat Nov 21 10:00:00 2026 1 {c} 123 /srv/{typed} b _ i r {user} ftp 0 * c")),
        26 => (
            "php_error",
            format!("[21-Nov-2026 10:00:00 UTC] PHP Warning:  {typed} user '{USER}' from {c} in /x on line 2"),
        ),
        _ => {
            ("php_fpm", format!("[21-Nov-2026 10:00:00] WARNING: [pool www] child 1 said into stderr: \"{typed} {c}\""))
        }
    }
}

const PLACES: usize = 30;

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_typed_saves_an_address_or_a_user(place in 0..PLACES, typed in typed(), path in typed(), how in 0usize..6) {
        let (format, line) = rendered(place, &typed, &path);
        let policy = builtin(if how % 2 == 0 { "hosting" } else { "strict" });
        let policy = with_format(policy, if how < 4 || place < 6 { format } else { "auto" });
        if how >= 4 && ((6..26).contains(&place) || place == 27 || place == 28) {
            // Behind no envelope nobody knows whose message it is: only addresses are promised.
            return Ok(());
        }
        let policy = if how % 3 == 0 { as_json(policy) } else { policy };
        // One engine a policy and format, as a run has it.
        thread_local! { static ENGINES: RefCell<Vec<(String, sladd::Engine)>> = const { RefCell::new(Vec::new()) }; }
        let key = format!("{format} {how}");
        let (out, tally) = ENGINES.with_borrow_mut(|engines| {
            if !engines.iter().any(|(known, _)| *known == key) {
                engines.push((key.clone(), engine(&policy)));
            }
            let engine = &mut engines.iter_mut().find(|(known, _)| *known == key).unwrap().1;
            run(engine, format!("{line}\n").as_bytes())
        });
        let out = String::from_utf8_lossy(&out).into_owned();
        prop_assert_eq!((tally.lines, out.matches('\n').count()), (1, 1));
        prop_assert_eq!(tally.dropped() + tally.unmatched, 0, "{}", line);
        for left in [CLIENT, "77.166.213", "166.213", "198.51.100.166", "100.166", USER] {
            prop_assert!(!out.contains(left), "{left} of\n{line}\nis left in\n{out}");
        }
    }
}

#[test]
fn files_of_programs_are_known_among_lines_of_any_format() {
    let logs = [
        "Sat Nov 21 10:00:01 2026 [pid 1] [kari] OK LOGIN: Client \"203.0.113.77\"",
        "Sat Nov 21 10:00:00 2026 1 dyn-77.example.net 1234 /home/kari/holiday.jpg b _ i r kari ftp 0 * c",
        "2026-11-21 10:00:01,123 ftp.example.com proftpd[4711] ftp.example.com (dyn-77.example.net[203.0.113.77]): USER kari: Login successful.",
        "2026-11-21 10:00:00 1tDxyz-0001Ab-2C <= kari@example.org H=dyn-77.example.net (laptop) [203.0.113.77] P=esmtpsa A=dovecot_login:kari S=2048",
    ];
    let mut lines = String::new();
    for log in logs {
        lines.push_str(log);
        lines.push('\n');
        lines.push_str("203.0.113.77 - - [21/Nov/2026:10:00:00 +0100] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\"\n");
    }
    let (out, _) = common::minimised(&builtin("hosting"), lines.as_bytes());
    let out = String::from_utf8(out).unwrap();
    assert_eq!(out.lines().count(), 2 * logs.len());
    for raw in ["kari", "113.77", "dyn-77", "laptop"] {
        assert!(!out.contains(raw), "{raw} in\n{out}");
    }
}
