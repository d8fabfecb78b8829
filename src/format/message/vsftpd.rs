//! vsftpd: who logged in and which files went where.
//!
//! | field | what it is |
//! |---|---|
//! | `timestamp`, `process.pid` | when and which process |
//! | `user.name` | who |
//! | `ftp.status`, `ftp.command` | `OK LOGIN`, `FAIL LOGIN`, `OK UPLOAD`, `FTP command` |
//! | `client.address` | from where |
//! | `message` | files and what was said; names in paths and behind `USER` are users |

use super::{Program, Rest};

/// vsftpd.
pub(super) const VSFTPD: Program = Program {
    name: "vsftpd",
    programs: &["vsftpd"],
    shapes: &[
        "{timestamp} [pid {process.pid}] CONNECT: Client \"{client.address}\"",
        "{timestamp} [pid {process.pid}] CONNECT: Client \"{client.address}\", {message}",
        "{timestamp} [pid {process.pid}] [{user.name}] {ftp.status} {ftp.command}: Client \"{client.address}\"",
        "{timestamp} [pid {process.pid}] {ftp.status} {ftp.command}: Client \"{client.address}\"",
        "{timestamp} [pid {process.pid}] [{user.name}] {ftp.status} {ftp.command}: Client \"{client.address}\", {message}",
        "{timestamp} [pid {process.pid}] {ftp.status} {ftp.command}: Client \"{client.address}\", {message}",
        "[pid {process.pid}] CONNECT: Client \"{client.address}\"",
        "[pid {process.pid}] CONNECT: Client \"{client.address}\", {message}",
        "[pid {process.pid}] [{user.name}] {ftp.status} {ftp.command}: Client \"{client.address}\"",
        "[pid {process.pid}] {ftp.status} {ftp.command}: Client \"{client.address}\"",
        "[pid {process.pid}] [{user.name}] {ftp.status} {ftp.command}: Client \"{client.address}\", {message}",
        "[pid {process.pid}] {ftp.status} {ftp.command}: Client \"{client.address}\", {message}",
        "CONNECT: Client \"{client.address}\"",
        "CONNECT: Client \"{client.address}\", {message}",
        "[{user.name}] {ftp.status} {ftp.command}: Client \"{client.address}\"",
        "{ftp.status} {ftp.command}: Client \"{client.address}\"",
        "[{user.name}] {ftp.status} {ftp.command}: Client \"{client.address}\", {message}",
        "{ftp.status} {ftp.command}: Client \"{client.address}\", {message}",
    ],
    endings: &[],
    words: &["USER ", "PASS ", "ACCT "],
    pam: true,
    rest: Rest::Text,
};
