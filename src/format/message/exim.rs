//! Exim's main and reject logs, each line with its own time; through syslog they come without.
//!
//! | field | what it is |
//! |---|---|
//! | `timestamp` | local time |
//! | `email.queue_id` | the mail |
//! | `client.domain`, `client.helo`, `client.address`, `client.port` | `H=host (helo) [address]:port` |
//! | `email.from.address`, `email.to.address`, `email.original_to.address` | a mail address is a user's name, whole |
//! | `user.name`, `auth.method` | `A=login:kari`, `set_id=kari` |
//! | `message` | all else; a subject (`T="…"`) is treated as a user's name |

use super::{Program, Rest, find, stamp};

/// Exim.
pub(super) const EXIM: Program = Program {
    name: "exim",
    programs: &["exim", "exim4"],
    shapes: &[
        "{timestamp} {email.queue_id} <= {email.from.address:token} H={client.domain} ({client.helo}) [{client.address}]:{client.port} {message}",
        "{timestamp} {email.queue_id} <= {email.from.address:token} H={client.domain} ({client.helo}) [{client.address}] {message}",
        "{timestamp} {email.queue_id} <= {email.from.address:token} H=({client.helo}) [{client.address}]:{client.port} {message}",
        "{timestamp} {email.queue_id} <= {email.from.address:token} H=({client.helo}) [{client.address}] {message}",
        "{timestamp} {email.queue_id} <= {email.from.address:token} H={client.domain} [{client.address}]:{client.port} {message}",
        "{timestamp} {email.queue_id} <= {email.from.address:token} H={client.domain} [{client.address}] {message}",
        "{timestamp} {email.queue_id} <= {email.from.address:token} H=[{client.address}]:{client.port} {message}",
        "{timestamp} {email.queue_id} <= {email.from.address:token} H=[{client.address}] {message}",
        "{timestamp} {email.queue_id} <= {email.from.address:token} {message}",
        "{timestamp} {email.queue_id} => {email.to.address} <{email.original_to.address}> {message}",
        "{timestamp} {email.queue_id} => {email.to.address:token} {message}",
        "{timestamp} {email.queue_id} -> {email.to.address} <{email.original_to.address}> {message}",
        "{timestamp} {email.queue_id} -> {email.to.address:token} {message}",
        "{timestamp} {email.queue_id} *> {email.to.address} <{email.original_to.address}> {message}",
        "{timestamp} {email.queue_id} *> {email.to.address:token} {message}",
        "{timestamp} {email.queue_id} == {email.to.address} <{email.original_to.address}> {message}",
        "{timestamp} {email.queue_id} == {email.to.address:token} {message}",
        "{timestamp} {email.queue_id} ** {email.to.address} <{email.original_to.address}> {message}",
        "{timestamp} {email.queue_id} ** {email.to.address:token}: {message}",
        "{timestamp} {email.queue_id} ** {email.to.address:token} {message}",
        "{timestamp} {email.queue_id} >> {email.to.address} <{email.original_to.address}> {message}",
        "{timestamp} {email.queue_id} >> {email.to.address:token} {message}",
        "{timestamp} {email.queue_id} Completed",
        "{timestamp} H={client.domain} ({client.helo}) [{client.address}]:{client.port} F=<{email.from.address}> rejected RCPT <{email.to.address}>: {message}",
        "{timestamp} H={client.domain} ({client.helo}) [{client.address}]:{client.port} F=<{email.from.address}> rejected RCPT {email.to.address:token}: {message}",
        "{timestamp} H={client.domain} ({client.helo}) [{client.address}]:{client.port} {message}",
        "{timestamp} {auth.method} authenticator failed for {client.domain} ({client.helo}) [{client.address}]:{client.port}: {message} (set_id={user.name})",
        "{timestamp} {auth.method} authenticator failed for {client.domain} ({client.helo}) [{client.address}]:{client.port}: {message}",
        "{timestamp} SMTP connection from {client.domain} ({client.helo}) [{client.address}]:{client.port} {message}",
        "{timestamp} no host name found for IP address {client.address}",
        "{timestamp} H={client.domain} ({client.helo}) [{client.address}] F=<{email.from.address}> rejected RCPT <{email.to.address}>: {message}",
        "{timestamp} H={client.domain} ({client.helo}) [{client.address}] F=<{email.from.address}> rejected RCPT {email.to.address:token}: {message}",
        "{timestamp} H={client.domain} ({client.helo}) [{client.address}] {message}",
        "{timestamp} {auth.method} authenticator failed for {client.domain} ({client.helo}) [{client.address}]: {message} (set_id={user.name})",
        "{timestamp} {auth.method} authenticator failed for {client.domain} ({client.helo}) [{client.address}]: {message}",
        "{timestamp} SMTP connection from {client.domain} ({client.helo}) [{client.address}] {message}",
        "{timestamp} H=({client.helo}) [{client.address}]:{client.port} F=<{email.from.address}> rejected RCPT <{email.to.address}>: {message}",
        "{timestamp} H=({client.helo}) [{client.address}]:{client.port} F=<{email.from.address}> rejected RCPT {email.to.address:token}: {message}",
        "{timestamp} H=({client.helo}) [{client.address}]:{client.port} {message}",
        "{timestamp} {auth.method} authenticator failed for ({client.helo}) [{client.address}]:{client.port}: {message} (set_id={user.name})",
        "{timestamp} {auth.method} authenticator failed for ({client.helo}) [{client.address}]:{client.port}: {message}",
        "{timestamp} SMTP connection from ({client.helo}) [{client.address}]:{client.port} {message}",
        "{timestamp} H=({client.helo}) [{client.address}] F=<{email.from.address}> rejected RCPT <{email.to.address}>: {message}",
        "{timestamp} H=({client.helo}) [{client.address}] F=<{email.from.address}> rejected RCPT {email.to.address:token}: {message}",
        "{timestamp} H=({client.helo}) [{client.address}] {message}",
        "{timestamp} {auth.method} authenticator failed for ({client.helo}) [{client.address}]: {message} (set_id={user.name})",
        "{timestamp} {auth.method} authenticator failed for ({client.helo}) [{client.address}]: {message}",
        "{timestamp} SMTP connection from ({client.helo}) [{client.address}] {message}",
        "{timestamp} H={client.domain} [{client.address}]:{client.port} F=<{email.from.address}> rejected RCPT <{email.to.address}>: {message}",
        "{timestamp} H={client.domain} [{client.address}]:{client.port} F=<{email.from.address}> rejected RCPT {email.to.address:token}: {message}",
        "{timestamp} H={client.domain} [{client.address}]:{client.port} {message}",
        "{timestamp} {auth.method} authenticator failed for {client.domain} [{client.address}]:{client.port}: {message} (set_id={user.name})",
        "{timestamp} {auth.method} authenticator failed for {client.domain} [{client.address}]:{client.port}: {message}",
        "{timestamp} SMTP connection from {client.domain} [{client.address}]:{client.port} {message}",
        "{timestamp} H={client.domain} [{client.address}] F=<{email.from.address}> rejected RCPT <{email.to.address}>: {message}",
        "{timestamp} H={client.domain} [{client.address}] F=<{email.from.address}> rejected RCPT {email.to.address:token}: {message}",
        "{timestamp} H={client.domain} [{client.address}] {message}",
        "{timestamp} {auth.method} authenticator failed for {client.domain} [{client.address}]: {message} (set_id={user.name})",
        "{timestamp} {auth.method} authenticator failed for {client.domain} [{client.address}]: {message}",
        "{timestamp} SMTP connection from {client.domain} [{client.address}] {message}",
        "{timestamp} H=[{client.address}]:{client.port} F=<{email.from.address}> rejected RCPT <{email.to.address}>: {message}",
        "{timestamp} H=[{client.address}]:{client.port} F=<{email.from.address}> rejected RCPT {email.to.address:token}: {message}",
        "{timestamp} H=[{client.address}]:{client.port} {message}",
        "{timestamp} {auth.method} authenticator failed for [{client.address}]:{client.port}: {message} (set_id={user.name})",
        "{timestamp} {auth.method} authenticator failed for [{client.address}]:{client.port}: {message}",
        "{timestamp} SMTP connection from [{client.address}]:{client.port} {message}",
        "{timestamp} H=[{client.address}] F=<{email.from.address}> rejected RCPT <{email.to.address}>: {message}",
        "{timestamp} H=[{client.address}] F=<{email.from.address}> rejected RCPT {email.to.address:token}: {message}",
        "{timestamp} H=[{client.address}] {message}",
        "{timestamp} {auth.method} authenticator failed for [{client.address}]: {message} (set_id={user.name})",
        "{timestamp} {auth.method} authenticator failed for [{client.address}]: {message}",
        "{timestamp} SMTP connection from [{client.address}] {message}",
        "{timestamp} {message}",
    ],
    endings: &[],
    words: &["A=", "set_id=", "T=\"", "id=", "U=", "F=", "RCPT ", "from ", "for ", "login:", "plain:"],
    pam: true,
    rest: Rest::Text,
};

/// Whether a time and a message's id begin the line (`1abcDE-000123-AB`, since 4.97 `1abcDE-00000001abc-0001`), or what is
/// said of a login that failed.
pub(super) fn begins(line: &[u8]) -> bool {
    let Some(time) = stamp(line, 0).filter(|&time| line.get(time) == Some(&b' ')) else { return false };
    let text = &line[time + 1..];
    // An id that an earlier run has replaced.
    if text.starts_with(b"p1.") {
        return true;
    }
    let mut parts = text.split(|&byte| byte == b' ').next().unwrap_or_default().split(|&byte| byte == b'-');
    let mut part = |lengths: &[usize]| {
        parts.next().is_some_and(|part| lengths.contains(&part.len()) && part.iter().all(u8::is_ascii_alphanumeric))
    };
    (part(&[6]) && part(&[6, 11]) && part(&[2, 4])) || find(text, 0, b" authenticator failed for ").is_some()
}
