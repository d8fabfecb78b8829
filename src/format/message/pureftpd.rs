//! Pure-FTPd: who logged in and which files went where, in syslog and in its own log of transfers.
//!
//! | field | what it is |
//! |---|---|
//! | `user.name`, `client.address` | who, `?` before a login, and from where; an address or a name |
//! | `user.target.name` | the name that was tried |
//! | `log.level` | `INFO`, `NOTICE`, `WARNING`, `ERROR`, `DEBUG` |
//! | `message` | files and what was said; names in paths are users |
//! | `timestamp`, `session.id`, `ftp.transfer`, `file.size`, `file.transfer.duration` | a line of `AltLog stats:` |
//!
//! Its other logs of transfers are those of others: `AltLog clf:` is `common`, `AltLog w3c:` is `w3c`, `xferlog:` is `xferlog`.

use super::{Program, Rest};

/// Pure-FTPd.
pub(super) const PUREFTPD: Program = Program {
    name: "pureftpd",
    programs: &["pure-ftpd", "pure-authd", "pure-uploadscript"],
    shapes: &[
        "({user.name}@{client.address}) [{log.level}] {user.target.name} is now logged in",
        "({user.name}@{client.address}) [{log.level}] Authentication failed for user [{user.target.name}]",
        "({user.name}@{client.address}) [{log.level}] Command [user] [{user.target.name}]",
        "({user.name}@{client.address}) [{log.level}] New connection from {client.domain}",
        "({user.name}@{client.address}) [{log.level}] {message}",
        // Nobody knows where the name ends.
        "({user.name}",
        "{timestamp:epoch} {session.id} {user.name} {client.address} {ftp.transfer} {file.size} {file.transfer.duration} {message}",
    ],
    endings: &[],
    words: &["Command [user] ", "Command [pass] ", "Command [acct] "],
    pam: true,
    rest: Rest::Text,
};

/// Whether a line begins as those of `AltLog stats:` do: `1795255200 5b7f0c1a.1a2b `, or with what an earlier run made of that.
pub(super) fn begins(line: &[u8]) -> bool {
    let digits = line.iter().take(11).take_while(|byte| byte.is_ascii_digit()).count();
    let Some(rest) = line[digits..].strip_prefix(b" ").filter(|_| digits == 10) else { return false };
    let serial = |text: &[u8]| text.iter().take(16).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let first = serial(rest);
    if first == 0 || rest.get(first) != Some(&b'.') {
        return rest.starts_with(b"- ") || rest.starts_with(b"p1.");
    }
    let second = serial(&rest[first + 1..]);
    second > 0 && rest.get(first + 1 + second) == Some(&b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_transfers_is_known_by_its_time_and_its_session() {
        for line in
            ["1795255200 5b7f0c1a.1a2b kari", "1795255200 - kari", "1795255200 p1.20261121.9f86d081884c7d65 kari"]
        {
            assert!(begins(line.as_bytes()), "{line}");
        }
        for line in ["", "1795255200", "1795255200 ", "1795255200.123 77 x", "17952552001 5.5 x", "1795255200 5 x"] {
            assert!(!begins(line.as_bytes()), "{line}");
        }
    }
}
