//! sudo: who ran what as whom.
//!
//! | field | what it is |
//! |---|---|
//! | `user.name`, `user.target.name` | who, and as whom |
//! | `process.tty`, `process.working_directory` | where; a directory under `/home` is a name |
//! | `process.command_line` | what: free text, names in its paths are users |
//! | `message` | what was wrong with it |

use super::{Program, Rest};

/// sudo.
pub(super) const SUDO: Program = Program {
    name: "sudo",
    programs: &["sudo", "sudoedit", "sudo-rs", "doas"],
    shapes: &[
        "{user.name} : TTY={process.tty} ; PWD={process.working_directory} ; USER={user.target.name:token} ; COMMAND={process.command_line}",
        "{user.name} : TTY={process.tty} ; PWD={process.working_directory} ; USER={user.target.name:token} ; {message} ; COMMAND={process.command_line}",
        "{user.name} : {message} ; TTY={process.tty} ; PWD={process.working_directory} ; USER={user.target.name:token} ; COMMAND={process.command_line}",
        "{user.name} : PWD={process.working_directory} ; USER={user.target.name:token} ; COMMAND={process.command_line}",
        "{user.name} : {message} ; PWD={process.working_directory} ; USER={user.target.name:token} ; COMMAND={process.command_line}",
        "{user.name} : {message} ; TTY={process.tty:token} ; PWD={process.working_directory} ; USER={user.target.name:token} ; {message} ; COMMAND={process.command_line}",
        "{user.name} : PWD={process.working_directory} ; USER={user.target.name:token} ; {message} ; COMMAND={process.command_line}",
        "{user.name} : {message} ; PWD={process.working_directory} ; USER={user.target.name:token} ; {message} ; COMMAND={process.command_line}",
        "{user.name} : TTY={process.tty} ; {message}",
        "{user.name} : {message}",
        "{user.name} ran command {process.command_line}",
        "failed auth for {user.name}",
    ],
    endings: &[],
    words: &["sudoers for ", "for "],
    pam: true,
    rest: Rest::Text,
};
