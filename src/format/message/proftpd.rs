//! ProFTPD's own log and what it sends to syslog.
//!
//! | field | what it is |
//! |---|---|
//! | `timestamp`, `host.name`, `process.pid` | when and where |
//! | `client.domain`, `client.address` | from where |
//! | `user.name` | who |
//! | `network.local.address` | our end |
//! | `message` | what happened |

use super::{Program, Rest};

/// ProFTPD.
pub(super) const PROFTPD: Program = Program {
    name: "proftpd",
    programs: &["proftpd"],
    shapes: &[
        "{timestamp} {host.name} proftpd[{process.pid}] {host.name} ({client.domain}[{client.address}]): USER {user.name}: no such user found from {client.domain} [{client.address}] to {network.local.address}",
        "{timestamp} {host.name} proftpd[{process.pid}] {host.name} ({client.domain}[{client.address}]): USER {user.name} (Login failed): {message}",
        "{timestamp} {host.name} proftpd[{process.pid}] {host.name} ({client.domain}[{client.address}]): USER {user.name}: {message}",
        "{timestamp} {host.name} proftpd[{process.pid}] {host.name} ({client.domain}[{client.address}]): {message}",
        "{timestamp} {host.name} proftpd[{process.pid}] {host.name} ({client.domain}[{client.address}]) - USER {user.name}: no such user found from {client.domain} [{client.address}] to {network.local.address}",
        "{timestamp} {host.name} proftpd[{process.pid}] {host.name} ({client.domain}[{client.address}]) - USER {user.name} (Login failed): {message}",
        "{timestamp} {host.name} proftpd[{process.pid}] {host.name} ({client.domain}[{client.address}]) - USER {user.name}: {message}",
        "{timestamp} {host.name} proftpd[{process.pid}] {host.name} ({client.domain}[{client.address}]) - {message}",
        "{host.name} proftpd[{process.pid}] {host.name} ({client.domain}[{client.address}]): USER {user.name}: no such user found from {client.domain} [{client.address}] to {network.local.address}",
        "{host.name} proftpd[{process.pid}] {host.name} ({client.domain}[{client.address}]): USER {user.name} (Login failed): {message}",
        "{host.name} proftpd[{process.pid}] {host.name} ({client.domain}[{client.address}]): USER {user.name}: {message}",
        "{host.name} proftpd[{process.pid}] {host.name} ({client.domain}[{client.address}]): {message}",
        "{host.name} proftpd[{process.pid}] {host.name} ({client.domain}[{client.address}]) - USER {user.name}: no such user found from {client.domain} [{client.address}] to {network.local.address}",
        "{host.name} proftpd[{process.pid}] {host.name} ({client.domain}[{client.address}]) - USER {user.name} (Login failed): {message}",
        "{host.name} proftpd[{process.pid}] {host.name} ({client.domain}[{client.address}]) - USER {user.name}: {message}",
        "{host.name} proftpd[{process.pid}] {host.name} ({client.domain}[{client.address}]) - {message}",
        "{host.name} ({client.domain}[{client.address}]): USER {user.name}: no such user found from {client.domain} [{client.address}] to {network.local.address}",
        "{host.name} ({client.domain}[{client.address}]): USER {user.name} (Login failed): {message}",
        "{host.name} ({client.domain}[{client.address}]): USER {user.name}: {message}",
        "{host.name} ({client.domain}[{client.address}]): {message}",
        "{host.name} ({client.domain}[{client.address}]) - USER {user.name}: no such user found from {client.domain} [{client.address}] to {network.local.address}",
        "{host.name} ({client.domain}[{client.address}]) - USER {user.name} (Login failed): {message}",
        "{host.name} ({client.domain}[{client.address}]) - USER {user.name}: {message}",
        "{host.name} ({client.domain}[{client.address}]) - {message}",
    ],
    endings: &[],
    words: &["USER ", "PASS ", "ANON "],
    pam: true,
    rest: Rest::Text,
};
