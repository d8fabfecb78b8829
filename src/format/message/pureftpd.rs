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
        // Before the other end is known.
        "({user.name}@?) [{log.level}] Unable to find '{user.target.name}' account",
        "({user.name}@?) [{log.level}] {message}",
        // Nobody knows where the name ends.
        "({user.name}",
        "{timestamp:epoch} {session.id} {user.name} {client.address} {ftp.transfer} {file.size} {file.transfer.duration} {message}",
    ],
    endings: &[],
    words: &["Command [user] ", "Command [pass] ", "Command [acct] "],
    pam: true,
    rest: Rest::Text,
};
