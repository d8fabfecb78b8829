//! Room for what a sweep has to write before it deletes: on a full disk it would free nothing otherwise.
//!
//! What is due goes in any case, so the lines of due segments are cut away, one segment after the other, until there is room. Their
//! names stay until the sweep has said what it does: whoever is ended in between leaves segments that are due, and the next
//! sweep takes them.

use super::{Kept, ROOM, Root, file, name::packed};
use crate::{
    error::Error,
    output::{fresh::discard, write_all},
    state::place::{Place, sync},
    time::Date,
};
use rustix::{
    fs::{FileType, Mode, OFlags},
    io::Errno,
};
use std::io;

/// Sees that there is room, if due segments can make it.
///
/// # Errors
/// What the system says, where it is not that there is no room: that is met by what is written next, if it is so still.
pub(super) fn make(root: &Root, due: &[(Kept, Date)]) -> Result<(), Error> {
    let wanted = LEAST_BYTES + due.iter().map(|(kept, _)| 4 * kept.path.len() + 128).sum::<usize>();
    let mut rest = due.iter().map(|(kept, _)| kept).filter(|kept| kept.is_segment);
    while !is_there(root, wanted).map_err(|error| root.failed("write in", &error))? {
        let Some(next) = rest.next() else { break };
        // What cannot be cut, like what nobody may change, is told by `unlink`.
        let _ = cut(root, next);
    }
    Ok(())
}

/// Whether so many bytes can be written.
fn is_there(root: &Root, bytes: usize) -> io::Result<bool> {
    let written = file::begin(&root.place, ROOM).and_then(|file| {
        write_all(&file, &vec![0; bytes])?;
        // Where room is given out later than it is asked for.
        sync(&file)
    });
    discard(&root.place, &file::new(ROOM))?;
    match written {
        Ok(()) => Ok(true),
        Err(error) => match Errno::from_io_error(&error) {
            Some(Errno::NOSPC | Errno::DQUOT) => Ok(false),
            Some(_) | None => Err(error),
        },
    }
}

/// Takes the lines of a segment and leaves its name.
fn cut(root: &Root, kept: &Kept) -> io::Result<()> {
    let there = |place: Result<Option<Place>, Error>| {
        place.ok().flatten().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    };
    let class = there(root.place.room_if_there(&kept.label()))?;
    let day = there(class.room_if_there(&kept.day.to_string()))?;
    let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let name = packed(kept.number.unwrap_or_default(), kept.key.as_deref());
    let fd = rustix::fs::openat(&day, name.as_str(), flags, Mode::empty())?;
    let stat = rustix::fs::fstat(&fd)?;
    // A second name belongs to somebody else.
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile || stat.st_nlink != 1 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    rustix::fs::ftruncate(&fd, 0)?;
    sync(&fd)
}

/// What is written if nothing is due: the head and the end of the audit log, with what a disk takes for each.
const LEAST_BYTES: usize = 64 << 10;
