//! What a process keeps of its rights once it knows its work: another user, no image of its memory, only the files it needs.
//!
//! Goes in: a user by name, paths. Comes out: a process that has less, or an error that says what is missing. Nothing here reads a
//! line. Threads inherit what holds when they start, so this comes before the first of them.

mod reach;
mod user;

pub use reach::{Held, Reach};
pub use user::User;

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// No image of our memory, which holds lines and keys, is left behind, no other process of the same user looks into it or into
/// our environment, and no program that we might start gains rights.
///
/// The limit alone is not enough: where cores are handed to a program, the system does not look at it.
pub fn harden() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    // Best effort: where it is refused, the unit file says the same.
    let _ = setrlimit(Resource::Core, none);
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let _ = rustix::thread::set_no_new_privs(true);
}
