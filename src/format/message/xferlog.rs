//! The transfer log that wu-ftpd, vsftpd and ProFTPD write alike.
//!
//! | field | what it is |
//! |---|---|
//! | `timestamp`, `file.transfer.duration`, `file.size` | when, how many seconds, how many bytes |
//! | `client.address` | the other end's name or address |
//! | `message` | the file; names in its path are users |
//! | `ftp.transfer` | type, action, direction, access; and how it ended |
//! | `user.name` | who; for anonymous users what they typed as a password |
//! | `service.name` | `ftp` |
//! | `user.ident` | what RFC 931 says of the user |

use super::{Program, Rest};

/// The transfer log.
pub(super) const XFERLOG: Program = Program {
    name: "xferlog",
    programs: &[],
    shapes: &[
        "{timestamp} {file.transfer.duration} {client.address} {file.size} {message} {ftp.transfer} {ftp.transfer} {ftp.transfer} {ftp.transfer} {user.name} {service.name:token} {event.count} {user.ident:token} {ftp.transfer}",
        // What an earlier run withheld, because nobody knows where the file's name ends.
        "{timestamp} {file.transfer.duration} {client.address} {file.size} - - - - - - - - - -",
    ],
    endings: &[],
    words: &[],
    pam: false,
    rest: Rest::Refused,
};
