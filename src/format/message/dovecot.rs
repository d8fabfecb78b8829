//! Dovecot: who read which mailbox, from where.
//!
//! | field | what it is |
//! |---|---|
//! | `process.name` | the service: `imap-login`, `pop3`, `lmtp` |
//! | `user.name`, `auth.method`, `session.id` | who, how, and the session's id |
//! | `client.address`, `client.port` | `rip`, `rport` |
//! | `network.local.address`, `network.local.port` | `lip`, `lport` |
//! | `email.message_id` | the mail that was handed over |
//! | `message` | the rest of the text |

use super::{Program, Rest};

/// Dovecot.
pub(super) const DOVECOT: Program = Program {
    name: "dovecot",
    programs: &[
        "dovecot",
        "dovecot-lda",
        "dovecot/auth",
        "dovecot-auth",
        "imap-login",
        "pop3-login",
        "managesieve-login",
    ],
    shapes: &[
        "{process.name}: {message}: user=<{user.name}>, method={auth.method}, rip={client.address}, lip={network.local.address}, mpid={process.pid}, {message}, session=<{session.id}>",
        "{process.name}: {message}: user=<{user.name}>, method={auth.method}, rip={client.address}, lip={network.local.address}, mpid={process.pid}, session=<{session.id}>",
        "{process.name}: {message}: user=<{user.name}>, method={auth.method}, rip={client.address}, lip={network.local.address}, mpid={process.pid}, {message}",
        "{process.name}: {message}: user=<{user.name}>, method={auth.method}, rip={client.address}, lip={network.local.address}, mpid={process.pid}",
        "{process.name}: {message}: user=<{user.name}>, method={auth.method}, rip={client.address}, lip={network.local.address}, {message}, session=<{session.id}>",
        "{process.name}: {message}: user=<{user.name}>, method={auth.method}, rip={client.address}, lip={network.local.address}, session=<{session.id}>",
        "{process.name}: {message}: user=<{user.name}>, method={auth.method}, rip={client.address}, lip={network.local.address}, {message}",
        "{process.name}: {message}: user=<{user.name}>, method={auth.method}, rip={client.address}, lip={network.local.address}",
        "{process.name}: {message}: user=<{user.name}>, method={auth.method}, rip={client.address}, rport={client.port}, lip={network.local.address}, lport={network.local.port}, mpid={process.pid}, {message}, session=<{session.id}>",
        "{process.name}: {message}: user=<{user.name}>, method={auth.method}, rip={client.address}, rport={client.port}, lip={network.local.address}, lport={network.local.port}, mpid={process.pid}, session=<{session.id}>",
        "{process.name}: {message}: user=<{user.name}>, method={auth.method}, rip={client.address}, rport={client.port}, lip={network.local.address}, lport={network.local.port}, mpid={process.pid}, {message}",
        "{process.name}: {message}: user=<{user.name}>, method={auth.method}, rip={client.address}, rport={client.port}, lip={network.local.address}, lport={network.local.port}, mpid={process.pid}",
        "{process.name}: {message}: user=<{user.name}>, method={auth.method}, rip={client.address}, rport={client.port}, lip={network.local.address}, lport={network.local.port}, {message}, session=<{session.id}>",
        "{process.name}: {message}: user=<{user.name}>, method={auth.method}, rip={client.address}, rport={client.port}, lip={network.local.address}, lport={network.local.port}, session=<{session.id}>",
        "{process.name}: {message}: user=<{user.name}>, method={auth.method}, rip={client.address}, rport={client.port}, lip={network.local.address}, lport={network.local.port}, {message}",
        "{process.name}: {message}: user=<{user.name}>, method={auth.method}, rip={client.address}, rport={client.port}, lip={network.local.address}, lport={network.local.port}",
        "{process.name}: {message}: user=<{user.name}>, rip={client.address}, lip={network.local.address}, mpid={process.pid}, {message}, session=<{session.id}>",
        "{process.name}: {message}: user=<{user.name}>, rip={client.address}, lip={network.local.address}, mpid={process.pid}, session=<{session.id}>",
        "{process.name}: {message}: user=<{user.name}>, rip={client.address}, lip={network.local.address}, mpid={process.pid}, {message}",
        "{process.name}: {message}: user=<{user.name}>, rip={client.address}, lip={network.local.address}, mpid={process.pid}",
        "{process.name}: {message}: user=<{user.name}>, rip={client.address}, lip={network.local.address}, {message}, session=<{session.id}>",
        "{process.name}: {message}: user=<{user.name}>, rip={client.address}, lip={network.local.address}, session=<{session.id}>",
        "{process.name}: {message}: user=<{user.name}>, rip={client.address}, lip={network.local.address}, {message}",
        "{process.name}: {message}: user=<{user.name}>, rip={client.address}, lip={network.local.address}",
        "{process.name}: {message}: user=<{user.name}>, rip={client.address}, rport={client.port}, lip={network.local.address}, lport={network.local.port}, mpid={process.pid}, {message}, session=<{session.id}>",
        "{process.name}: {message}: user=<{user.name}>, rip={client.address}, rport={client.port}, lip={network.local.address}, lport={network.local.port}, mpid={process.pid}, session=<{session.id}>",
        "{process.name}: {message}: user=<{user.name}>, rip={client.address}, rport={client.port}, lip={network.local.address}, lport={network.local.port}, mpid={process.pid}, {message}",
        "{process.name}: {message}: user=<{user.name}>, rip={client.address}, rport={client.port}, lip={network.local.address}, lport={network.local.port}, mpid={process.pid}",
        "{process.name}: {message}: user=<{user.name}>, rip={client.address}, rport={client.port}, lip={network.local.address}, lport={network.local.port}, {message}, session=<{session.id}>",
        "{process.name}: {message}: user=<{user.name}>, rip={client.address}, rport={client.port}, lip={network.local.address}, lport={network.local.port}, session=<{session.id}>",
        "{process.name}: {message}: user=<{user.name}>, rip={client.address}, rport={client.port}, lip={network.local.address}, lport={network.local.port}, {message}",
        "{process.name}: {message}: user=<{user.name}>, rip={client.address}, rport={client.port}, lip={network.local.address}, lport={network.local.port}",
        "auth: {auth.method}({user.name},{client.address},<{session.id}>): {message}",
        "auth-worker({process.pid}): {auth.method}({user.name},{client.address},<{session.id}>): {message}",
        "auth-worker: {auth.method}({user.name},{client.address},<{session.id}>): {message}",
        "auth: {auth.method}({user.name},{client.address}): {message}",
        "auth-worker({process.pid}): {auth.method}({user.name},{client.address}): {message}",
        "auth-worker: {auth.method}({user.name},{client.address}): {message}",
        "auth: Info: {auth.method}({user.name},{client.address},<{session.id}>): {message}",
        "auth-worker({process.pid}): Info: {auth.method}({user.name},{client.address},<{session.id}>): {message}",
        "auth-worker: Info: {auth.method}({user.name},{client.address},<{session.id}>): {message}",
        "auth: Info: {auth.method}({user.name},{client.address}): {message}",
        "auth-worker({process.pid}): Info: {auth.method}({user.name},{client.address}): {message}",
        "auth-worker: Info: {auth.method}({user.name},{client.address}): {message}",
        "auth: Error: {auth.method}({user.name},{client.address},<{session.id}>): {message}",
        "auth-worker({process.pid}): Error: {auth.method}({user.name},{client.address},<{session.id}>): {message}",
        "auth: Error: {auth.method}({user.name},{client.address}): {message}",
        "auth-worker({process.pid}): Error: {auth.method}({user.name},{client.address}): {message}",
        "auth: Warning: {auth.method}({user.name},{client.address},<{session.id}>): {message}",
        "auth-worker({process.pid}): Warning: {auth.method}({user.name},{client.address},<{session.id}>): {message}",
        "auth: Warning: {auth.method}({user.name},{client.address}): {message}",
        "auth-worker({process.pid}): Warning: {auth.method}({user.name},{client.address}): {message}",
        "auth: Debug: {auth.method}({user.name},{client.address},<{session.id}>): {message}",
        "auth-worker({process.pid}): Debug: {auth.method}({user.name},{client.address},<{session.id}>): {message}",
        "auth: Debug: {auth.method}({user.name},{client.address}): {message}",
        "auth-worker({process.pid}): Debug: {auth.method}({user.name},{client.address}): {message}",
        "{process.name}({user.name})<{process.pid}><{session.id}>: msgid=<{email.message_id}>: {message}",
        "{process.name}({user.name})<{process.pid}><{session.id}>: {message}",
        "{process.name}({user.name})({process.pid}): msgid=<{email.message_id}>: {message}",
        "{process.name}({user.name})({process.pid}): {message}",
        "{process.name}({user.name}): msgid=<{email.message_id}>: {message}",
        "{process.name}({user.name}): {message}",
    ],
    endings: &[],
    words: &["from=", "to=", "save: box=", "for "],
    pam: true,
    rest: Rest::Text,
};
