//! PHP's error log and that of PHP-FPM's master.
//!
//! | field | what it is |
//! |---|---|
//! | `timestamp`, `event.timezone` | local time; the zone's name where it is not UTC |
//! | `log.level` | FPM's |
//! | `service.name` | the pool |
//! | `message` | all else: the script's text, its file and its line |
//!
//! Lines of a stack trace have no time; they are text.

use super::{Program, Rest};

/// PHP-FPM's own log.
pub(super) const FPM: Program = Program {
    name: "php_fpm",
    programs: &[],
    shapes: &[
        "[{timestamp:day-first}] {log.level}: [pool {service.name:token}] {message}",
        "[{timestamp:day-first}] {log.level}: {message}",
    ],
    endings: &[],
    words: &[],
    pam: false,
    rest: Rest::Refused,
};

/// `error_log` of PHP itself.
pub(super) const PHP: Program = Program {
    name: "php_error",
    programs: &[],
    shapes: &["[{timestamp:day-first}] {message}", "[{timestamp:day-first} {event.timezone}] {message}"],
    endings: &[],
    words: &[],
    pam: false,
    rest: Rest::Refused,
};
