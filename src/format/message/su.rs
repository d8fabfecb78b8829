//! su: who became whom.
//!
//! | field | what it is |
//! |---|---|
//! | `user.name`, `user.target.name` | who, and whom |
//! | `process.tty` | where |
//! | `message` | the rest of the text |

use super::{Program, Rest};

/// su of util-linux, shadow and the BSDs.
pub(super) const SU: Program = Program {
    name: "su",
    programs: &["su", "su-l"],
    shapes: &[
        "(to {user.target.name}) {user.name} on {process.tty}",
        "FAILED SU (to {user.target.name}) {user.name} on {process.tty}",
        "Successful su for {user.target.name} by {user.name}",
        "FAILED su for {user.target.name} by {user.name}",
        "+ {process.tty:token} {user.name}:{user.target.name}",
        "- {process.tty:token} {user.name}:{user.target.name}",
        "BAD SU {user.name} to {user.target.name} on {process.tty}",
        "{user.name} to {user.target.name} on {process.tty}",
    ],
    endings: &[],
    words: &["su for ", "by "],
    pam: true,
    rest: Rest::Text,
};
