#![allow(clippy::unwrap_used)]
use super::*;
use crate::record::State;

/// The values of a line as `name=value`; `name~` where it is withheld.
pub(super) fn read(format: &str, line: &str) -> Option<Vec<String>> {
    read_to(format, line, Ending::Whole)
}

fn read_to(format: &str, line: &str, ending: Ending) -> Option<Vec<String>> {
    let message = Message::named(format).unwrap();
    let mut record = Record::default();
    message.parse(line.as_bytes(), ending, &mut record).ok()?;
    let (items, tail) = message.schema.layout(record.layout);
    assert_eq!(items.len(), record.values.len(), "{line}");
    // Literals and values are the whole line, in order.
    let mut whole = String::new();
    for (item, value) in items.iter().zip(&record.values) {
        assert_eq!(item.field, value.field, "{line}");
        whole += std::str::from_utf8(&item.literal).unwrap();
        whole += std::str::from_utf8(value.span.of(line.as_bytes())).unwrap();
    }
    whole += std::str::from_utf8(tail).unwrap();
    if record.values.iter().all(|value| value.state == State::Present) {
        assert_eq!(whole, line.trim_start());
    }
    let text = |value: &crate::record::Value| {
        let name = &message.schema.fields[value.field as usize].name;
        match value.state {
            State::Present => format!("{name}={}", std::str::from_utf8(value.span.of(line.as_bytes())).unwrap()),
            _ => format!("{name}~"),
        }
    };
    Some(record.values.iter().map(text).collect())
}

#[test]
fn every_shape_compiles_and_names_itself() {
    for program in PROGRAMS {
        let message = Message::new(program);
        assert_eq!(&*message.schema.name, program.name);
        println!("{} {} layouts {} fields", program.name, message.schema.more.len() + 1, message.schema.fields.len());
        for layout in &message.schema.more {
            assert!(!layout.items.is_empty() || !layout.tail.is_empty());
        }
    }
}

#[test]
fn programs_are_found_by_the_names_that_they_write_under() {
    for (i, program) in PROGRAMS.iter().enumerate() {
        for name in program.programs {
            assert_eq!(of_program(name.as_bytes()), Some(i), "{name}");
        }
    }
    assert_eq!(PROGRAMS[POSTFIX].name, "postfix");
    assert_eq!(of_program(b"postfix-out/smtp"), Some(POSTFIX));
    for name in ["", "nginx", "ssh", "sshd2", "postfixx", "postfix/".repeat(9).as_str()] {
        assert_eq!(of_program(name.as_bytes()), None, "{name}");
    }
}

#[test]
fn a_user_is_read_as_long_as_the_rest_of_the_shape_allows() {
    assert_eq!(
        read("sshd", "Failed password for invalid user kari from 203.0.113.7 port 4711 ssh2").unwrap(),
        ["auth.method=password", "user.name=kari", "client.address=203.0.113.7", "client.port=4711"]
    );
    assert_eq!(
        read("sshd", "Failed password for invalid user x from 192.0.2.1 port 22 ssh2 from 203.0.113.7 port 4711 ssh2")
            .unwrap(),
        [
            "auth.method=password",
            "user.name=x from 192.0.2.1 port 22 ssh2",
            "client.address=203.0.113.7",
            "client.port=4711"
        ]
    );
    assert_eq!(
        read("sshd", "Invalid user  from 203.0.113.7 port 4711 [preauth]").unwrap(),
        ["user.name=", "client.address=203.0.113.7", "client.port=4711"]
    );
}

#[test]
fn what_can_be_read_two_ways_is_withheld() {
    let values = read("su", "(to a) b (to c) d on pts/0").unwrap();
    assert!(values[0].ends_with('~') == values[1].ends_with('~'), "{values:?}");
    assert_eq!(
        read("sudo", "x : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/echo ; PWD=/ ; USER=root ; COMMAND=/bin/ls")
            .unwrap()[2..],
        ["process.working_directory~", "user.target.name~", "process.command_line~"]
    );
}

#[test]
fn users_in_texts_are_users() {
    assert_eq!(
        read("sudo", "    kari : TTY=pts/0 ; PWD=/home/kari ; USER=root ; COMMAND=/bin/cat /home/kari/x /home/ola/y")
            .unwrap(),
        [
            "user.name=kari",
            "process.tty=pts/0",
            "process.working_directory=/home/kari",
            "user.target.name=root",
            "process.command_line=/bin/cat /home/",
            "user.name=kari",
            "process.command_line=/x /home/",
            "user.name=ola",
            "process.command_line=/y",
        ]
    );
    let many = read("sshd", "user p user q user r user s user t user u").unwrap();
    assert_eq!(many.last().unwrap(), "message~");
    assert_eq!(many.len(), 9);
}

#[test]
fn a_cut_line_keeps_no_half_value() {
    assert_eq!(
        read_to("sshd", "Failed password for kari from 203.0.113.7 po", Ending::Cut).unwrap(),
        ["auth.method=password", "user.name~"]
    );
    assert_eq!(
        read_to("sshd", "Invalid user kari from 203.0.113.7 port 4", Ending::Cut).unwrap(),
        ["user.name=kari", "client.address=203.0.113.7", "client.port~"]
    );
}

/// Programs, messages of theirs, and what must be read from them, in order; the first word is the format.
#[rustfmt::skip]
const MESSAGES: &[(&str, &str, &[&str])] = &[
    ("sshd", "Connection from 2001:db8::1 port 1 on 192.0.2.1 port 22 rdomain \"\"", &["client.address=2001:db8::1", "network.local.address=192.0.2.1"]),
    ("sshd", "Received disconnect from 203.0.113.7: 11: Bye Bye [preauth]", &["client.address=203.0.113.7", "message=11: Bye Bye [preauth]"]),
    ("sshd", "error: Received disconnect from 203.0.113.7 port 1:3: com.jcraft.jsch.JSchException: Auth fail [preauth]", &["client.address=203.0.113.7"]),
    ("sshd", "Postponed keyboard-interactive/pam for kari from 203.0.113.7 port 1 ssh2 [preauth]", &["auth.method=keyboard-interactive/pam", "user.name=kari"]),
    ("sshd", "input_userauth_request: invalid user kari nordmann [preauth]", &["user.name=kari nordmann"]),
    ("sshd", "error: PAM: Authentication failure for illegal user kari from dyn.example.net", &["message=Authentication failure", "user.name=kari", "client.domain=dyn.example.net"]),
    ("sshd", "error: PAM: User not known to the underlying authentication module for kari from 203.0.113.7", &["user.name=kari", "client.domain=203.0.113.7"]),
    ("sshd", "Address 203.0.113.7 maps to dyn.example.net, but this does not map back to the address - POSSIBLE BREAK-IN ATTEMPT!", &["client.address=203.0.113.7", "client.domain=dyn.example.net"]),
    ("sshd", "drop connection #12 from [203.0.113.7]:1 on [192.0.2.1]:22 past MaxStartups", &["client.address=203.0.113.7", "client.port=1"]),
    ("sshd", "Timeout before authentication for connection from 203.0.113.7 to 192.0.2.1, pid = 12", &["client.address=203.0.113.7"]),
    ("sshd", "Starting session: subsystem 'sftp' for kari from 203.0.113.7 port 1 id 0", &["user.name=kari", "client.address=203.0.113.7"]),
    ("sshd", "session opened for local user kari from [203.0.113.7]", &["user.name=kari", "client.address=203.0.113.7"]),
    ("sshd", "Accepted publickey for kari from 203.0.113.7 port 1 ssh2: RSA-CERT SHA256:x ID kari (serial 1) CA RSA SHA256:y", &["user.name=kari", "client.address=203.0.113.7"]),
    ("sshd", "ssh_dispatch_run_fatal: Connection from authenticating user kari 203.0.113.7 port 1: message authentication code incorrect [preauth]", &["user.name=kari", "client.address=203.0.113.7"]),
    ("sshd", "User kari not allowed because account is locked", &["user.name=kari", "message=account is locked"]),
    ("sshd", "User child is on pid 123", &["process.pid=123"]),
    ("sshd", "pam_succeed_if(sshd:auth): requirement \"uid >= 1000\" not met by user \"root\"", &["message=uid >= 1000", "user.name=root"]),
    ("sshd", "PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=203.0.113.7  user=root", &["client.address=203.0.113.7", "user.name=root"]),
    ("sudo", "kari : command not allowed ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/ls", &["user.name=kari", "message=command not allowed"]),
    ("sudo", "pam_unix(sudo:auth): authentication failure; logname=kari uid=1000 euid=0 tty=/dev/pts/0 ruser=kari rhost=  user=kari", &["user.ident=kari", "user.name=kari"]),
    ("su", "Successful su for root by kari", &["user.target.name=root", "user.name=kari"]),
    ("su", "+ pts/0 kari:root", &["process.tty=pts/0", "user.name=kari", "user.target.name=root"]),
    ("su", "kari to root on /dev/pts/0", &["user.name=kari", "user.target.name=root", "process.tty=/dev/pts/0"]),
    ("pam", "(kari) RELOAD (crontabs/kari)", &["user.name=kari"]),
    ("pam", "do_auth         : auth failure: [user=kari] [service=smtp] [realm=] [mech=pam] [reason=PAM auth error]", &["user.name=kari"]),
    ("pam", "kari: Executing command [USER=root] [TTY=/dev/pts/0] [CWD=/home/kari] [COMMAND=/usr/bin/id]", &["user.name=kari", "user.target.name=root"]),
    ("pam", "delete user 'kari'", &["user.name=kari"]),
    ("logind", "New session c1 of user gdm with class 'greeter' and type 'x11'.", &["session.serial=c1", "user.name=gdm"]),
    ("postfix", "4F: to=<kari>, relay=none, delay=1, delays=1/0/0/0, dsn=4.4.1, status=deferred (connect to a.example[198.51.100.1]:25: Connection refused)", &["email.to.address=kari", "upstream.name=none", "email.status=deferred"]),
    ("postfix", "4F: to=<kari@example.org>, relay=a.example[198.51.100.1]:25, conn_use=2, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (ok)", &["event.count=2"]),
    ("postfix", "4F: to=<kari@example.org>, relay=a.example[private/dovecot-lmtp], delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (ok)", &["upstream.address=private/dovecot-lmtp"]),
    ("postfix", "4F: host a.example[198.51.100.1] said: 450 4.2.0 <kari@example.org>: Greylisted (in reply to RCPT TO command)", &["upstream.address=198.51.100.1"]),
    ("postfix", "warning: hostname dyn.example.net does not resolve to address 203.0.113.7: Name or service not known", &["client.domain=dyn.example.net", "client.address=203.0.113.7"]),
    ("postfix", "warning: unknown[203.0.113.7]: SASL PLAIN authentication failed: authentication failure", &["client.address=203.0.113.7", "auth.method=PLAIN"]),
    ("postfix", "Anonymous TLS connection established from unknown[203.0.113.7]: TLSv1.3 with cipher X (256/256 bits)", &["client.address=203.0.113.7"]),
    ("postfix", "4F: milter-reject: END-OF-MESSAGE from unknown[203.0.113.7]: 5.7.1 Spam; from=<a@example.net> to=<b@example.org> proto=ESMTP helo=<x>", &["email.command=END-OF-MESSAGE", "client.address=203.0.113.7", "client.helo=x"]),
    ("postfix", "4F: uid=33 from=<www-data>", &["user.uid=33", "email.from.address=www-data"]),
    ("postfix", "disconnect from unknown[203.0.113.7] ehlo=1 auth=0/1 quit=1 commands=2/3", &["client.address=203.0.113.7", "email.auth=0/1"]),
    ("dovecot", "imap-login: Disconnected: Connection closed (auth failed, 1 attempts in 2 secs): user=<kari>, method=PLAIN, rip=203.0.113.7, lip=192.0.2.1, session=<x>", &["user.name=kari", "client.address=203.0.113.7", "session.id=x"]),
    ("dovecot", "imap(kari@example.org): Disconnected: Logged out in=1 out=2", &["process.name=imap", "user.name=kari@example.org"]),
    ("dovecot", "auth-worker(123): pam(kari,203.0.113.7,<x>): pam_authenticate() failed: Authentication failure", &["user.name=kari", "client.address=203.0.113.7"]),
    ("exim", "2026-11-21 10:00:00 1tDxyz-0001Ab-2C <= <> R=1tDxyz-0001Ab-2D U=Debian-exim P=local S=123", &["email.from.address=<>", "user.name=Debian-exim"]),
    ("exim", "2026-11-21 10:00:00 +0100 H=[203.0.113.7] F=<a@example.net> rejected RCPT b@example.org: no", &["client.address=203.0.113.7", "email.from.address=a@example.net", "email.to.address=b@example.org"]),
    ("exim", "2026-11-21 10:00:00 SMTP connection from dyn.example.net [203.0.113.7]:1 lost", &["client.domain=dyn.example.net", "client.address=203.0.113.7"]),
    ("vsftpd", "[kari] OK LOGIN: Client \"203.0.113.7\"", &["user.name=kari", "client.address=203.0.113.7"]),
    ("vsftpd", "Sat Nov  7 10:00:00 2026 [pid 3] [kari] FTP response: Client \"203.0.113.7\", \"230 Login successful.\"", &["user.name=kari", "ftp.command=response"]),
    ("proftpd", "ftp.example (dyn.example.net[203.0.113.7]) - FTP session closed.", &["client.domain=dyn.example.net", "client.address=203.0.113.7"]),
    ("pureftpd", "(kari@203.0.113.7) [NOTICE] /home/kari//x.jpg uploaded  (777 bytes, 77.7KB/sec)", &["user.name=kari", "client.address=203.0.113.7", "log.level=NOTICE", "user.name=kari"]),
    ("pureftpd", "(kari@example.org@dyn.example.net) [INFO] Logout.", &["user.name=kari@example.org", "client.address=dyn.example.net", "message=Logout."]),
    ("pureftpd", "(?@203.0.113.7) [INFO] kari is now logged in", &["user.name=?", "client.address=203.0.113.7", "user.target.name=kari"]),
    ("pureftpd", "(?@203.0.113.7) [INFO] New connection from dyn.example.net", &["client.address=203.0.113.7", "client.domain=dyn.example.net"]),
    ("pureftpd", "(?@203.0.113.7) [DEBUG] Command [user] [kari]", &["user.target.name=kari"]),
    ("pureftpd", "1795255200 5b7f0c1a.1a2b kari 203.0.113.7 U 777 2 /srv/x.jpg", &["timestamp=1795255200", "session.id=5b7f0c1a.1a2b", "user.name=kari", "client.address=203.0.113.7", "ftp.transfer=U", "file.size=777"]),
    ("xferlog", "Sat Nov 21 10:00:00 2026 1 203.0.113.0 1 - - - - - - - - - -", &["client.address=203.0.113.0", "file.size=1"]),
    ("php_fpm", "[21-Nov-2026 10:00:00] ALERT: oops", &["log.level=ALERT", "message=oops"]),
    ("php_error", "[21-Nov-2026 10:00:00 America/Argentina/Buenos_Aires] x", &["event.timezone=America/Argentina/Buenos_Aires", "message=x"]),
];

#[test]
fn messages_of_each_program_have_their_fields() {
    for (format, line, expected) in MESSAGES {
        let values = read(format, line).unwrap_or_else(|| panic!("{line}"));
        let mut rest = values.iter();
        for expected in *expected {
            assert!(rest.any(|value| value == expected), "{expected} of {line}: {values:?}");
        }
    }
}

#[test]
fn lines_of_files_that_are_none_of_theirs_are_refused() {
    for format in ["php_fpm", "php_error", "xferlog"] {
        for line in [
            "",
            "[",
            "PHP Warning:  x",
            "[Sat Nov 21 10:00:00 2026] [error] x",
            "#0 /x.php(3): f()",
            "203.0.113.7 - - [21/Nov/2026:10:00:00 +0100]",
        ] {
            assert_eq!(read(format, line), None, "{format}: {line}");
        }
    }
}
