//! PAM's modules, whoever calls them, and the small programs around accounts: login, cron, useradd.
//!
//! | field | what it is |
//! |---|---|
//! | `user.name`, `user.target.name` | who, and as whom |
//! | `user.ident` | who asked: login name and the other end's word for its user |
//! | `user.uid` | numbers of users |
//! | `client.address` | from where |
//! | `log.logger` | module, service and task |
//! | `process.tty`, `process.command_line`, `process.working_directory` | where and what |

use super::{Program, Rest};

/// Messages of modules under the names of their callers.
pub(super) const SHAPES: &[&str] = &[
    "pam_{log.logger}: authentication failure; logname={user.ident:token} uid={user.uid} euid={user.uid} tty={process.tty:token} ruser={user.ident} rhost={client.address}  user={user.name}",
    "pam_{log.logger}: authentication failure; logname={user.ident:token} uid={user.uid} euid={user.uid} tty={process.tty:token} ruser={user.ident} rhost={client.address} user={user.name}",
    "pam_{log.logger}: authentication failure; logname={user.ident:token} uid={user.uid} euid={user.uid} tty={process.tty:token} ruser={user.ident} rhost={client.address} ",
    "pam_{log.logger}: authentication failure; logname={user.ident:token} uid={user.uid} euid={user.uid} tty={process.tty:token} ruser={user.ident} rhost={client.address}",
    "pam_{log.logger}: authentication success; logname={user.ident:token} uid={user.uid} euid={user.uid} tty={process.tty:token} ruser={user.ident} rhost={client.address} user={user.name}",
    "PAM {event.count} more authentication failures; logname={user.ident:token} uid={user.uid} euid={user.uid} tty={process.tty:token} ruser={user.ident} rhost={client.address}  user={user.name}",
    "PAM {event.count} more authentication failures; logname={user.ident:token} uid={user.uid} euid={user.uid} tty={process.tty:token} ruser={user.ident} rhost={client.address} ",
    "PAM {event.count} more authentication failures; logname={user.ident:token} uid={user.uid} euid={user.uid} tty={process.tty:token} ruser={user.ident} rhost={client.address}",
    "PAM {event.count} more authentication failure; logname={user.ident:token} uid={user.uid} euid={user.uid} tty={process.tty:token} ruser={user.ident} rhost={client.address}  user={user.name}",
    "PAM {event.count} more authentication failure; logname={user.ident:token} uid={user.uid} euid={user.uid} tty={process.tty:token} ruser={user.ident} rhost={client.address} ",
    "PAM {event.count} more authentication failure; logname={user.ident:token} uid={user.uid} euid={user.uid} tty={process.tty:token} ruser={user.ident} rhost={client.address}",
    "pam_{log.logger}: session opened for user {user.name}(uid={user.uid}) by {user.ident}(uid={user.uid})",
    "pam_{log.logger}: session opened for user {user.name} by {user.ident}(uid={user.uid})",
    "pam_{log.logger}: session opened for user {user.name}",
    "pam_{log.logger}: session closed for user {user.name}",
    "pam_{log.logger}: password changed for {user.name}",
    "pam_{log.logger}: account {user.name} has expired (account expired)",
    "pam_{log.logger}: expired password for user {user.name} (password expired)",
    "pam_{log.logger}: expired password for user {user.name} (password aged)",
    "pam_{log.logger}: expired password for user {user.name} (root enforced)",
    "pam_{log.logger}: password for user {user.name} will expire in {event.count} days",
    "pam_{log.logger}: Consecutive login failures for user {user.name} account temporarily locked",
    "pam_{log.logger}: User unknown: {user.name}",
    "pam_{log.logger}: bad username [{user.name}]",
    "pam_{log.logger}: received for user {user.name}: {event.count} ({message})",
    "pam_{log.logger}: requirement \"{message}\" not met by user \"{user.name}\"",
    "pam_{log.logger}: requirement \"{message}\" was met by user \"{user.name}\"",
    "pam_{log.logger}: could not identify user (from getpwnam({user.name}))",
    "pam_{log.logger}: user \"{user.name}\" does not exist in {message}",
];

/// Whoever asks PAM and has no format of its own.
#[rustfmt::skip]
pub(super) const PAM: Program = Program {
    name: "pam",
    programs: &[
        "CRON", "cron", "crond", "crontab", "anacron", "atd", "login", "systemd-user", "(systemd)", "polkitd", "pkexec",
        "polkit-agent-helper-1", "gdm-password]", "gdm-password", "gdm", "lightdm", "sddm", "sddm-helper", "xrdp-sesman", "runuser",
        "passwd", "chpasswd", "chage", "chsh", "chfn", "gpasswd", "newusers", "newgrp", "useradd", "usermod", "userdel", "groupadd",
        "groupmod", "groupdel", "saslauthd", "unix_chkpwd", "pam", "cockpit-session", "remote", "webmin", "usermin",
    ],
    shapes: &[
        "({user.name}) CMD ({process.command_line})",
        "({user.name}) CMDEND ({process.command_line})",
        "({user.name}) MAIL ({message})",
        "({user.name}) LIST ({user.target.name})",
        "({user.name}) REPLACE ({user.target.name})",
        "({user.name}) DELETE ({user.target.name})",
        "({user.name}) BEGIN EDIT ({user.target.name})",
        "({user.name}) END EDIT ({user.target.name})",
        "({user.name}) {message}",
        "new user: name={user.name}, UID={user.uid}, GID={user.uid}, home={process.working_directory}, shell={message}",
        "new group: name={user.name}, GID={user.uid}",
        "group added to {message}: name={user.name}, GID={user.uid}",
        "group added to {message}: name={user.name}",
        "delete user '{user.name}'",
        "removed group '{user.target.name}' owned by '{user.name}'",
        "removed shadow group '{user.target.name}' owned by '{user.name}'",
        "add '{user.name}' to group '{user.target.name}'",
        "add '{user.name}' to shadow group '{user.target.name}'",
        "delete '{user.name}' from group '{user.target.name}'",
        "delete '{user.name}' from shadow group '{user.target.name}'",
        "password changed for {user.name}",
        "changed password expiry for {user.name}",
        "change user '{user.name}' {message}",
        "{user.name}: Executing command [USER={user.target.name}] [TTY={process.tty}] [CWD={process.working_directory}] [COMMAND={process.command_line}]",
        "FAILED LOGIN ({event.count}) on '{process.tty}' FOR '{user.name}', {message}",
        "FAILED LOGIN ({event.count}) on '{process.tty}' FROM '{client.address}' FOR '{user.name}', {message}",
        "FAILED LOGIN {event.count} FROM {client.address} FOR {user.name}, {message}",
        "LOGIN ON {process.tty} BY {user.name} FROM {client.address}",
        "LOGIN ON {process.tty} BY {user.name}",
        "ROOT LOGIN  on '{process.tty}' from '{client.address}'",
        "ROOT LOGIN  on '{process.tty}'",
        "ROOT LOGIN ON {process.tty} FROM {client.address}",
        "ROOT LOGIN ON {process.tty}",
        "password check failed for user ({user.name})",
        "Successful login as {user.name} from {client.address}",
        "Invalid login as {user.name} from {client.address}",
        "Non-existent login as {user.name} from {client.address}",
        "Logout by {user.name} from {client.address}",
    ],
    endings: &[],
    words: &["for ", "by "],
    pam: true,
    rest: Rest::Text,
};
