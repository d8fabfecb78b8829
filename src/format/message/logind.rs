//! systemd-logind: sessions and whose they are.
//!
//! | field | what it is |
//! |---|---|
//! | `user.name` | whose |
//! | `session.serial` | the session's number since the machine started |
//! | `message` | the rest of the text |

use super::{Program, Rest};

/// systemd-logind and elogind.
pub(super) const LOGIND: Program = Program {
    name: "logind",
    programs: &["systemd-logind", "elogind", "logind"],
    shapes: &[
        "New session '{session.serial}' of user '{user.name}' with class '{message}.",
        "New session {session.serial} of user {user.name} with class {message}.",
        "New session {session.serial} of user {user.name}.",
        "Removed session {session.serial}.",
        "Session {session.serial} logged out. {message}",
        "User {user.name} logged in.",
        "User {user.name} logged out.",
    ],
    endings: &[],
    words: &["of user "],
    pam: false,
    rest: Rest::Text,
};

/// What the service manager says of the same sessions; all else that it says is no login.
pub(super) const SYSTEMD: Program = Program {
    name: "logind",
    programs: &["systemd"],
    shapes: &[
        "Started Session {session.serial} of user {user.name}.",
        "Started Session {session.serial} of User {user.name}.",
        "Starting Session {session.serial} of user {user.name}.",
        "Started session-{log.logger} - Session {session.serial} of User {user.name}.",
        "Created slice User Slice of {user.name}.",
        "Removed slice User Slice of {user.name}.",
        "Stopped Session {session.serial} of user {user.name}.",
    ],
    endings: &[],
    words: &[],
    pam: true,
    rest: Rest::Refused,
};
