//! Closing: a file that nothing is added to becomes a segment with its manifest. The order is that of the module's
//! documentation; each step can be done again.

use super::{
    CLOSING, Lock, Root,
    facts::Facts,
    file,
    key::{Keys, discard_spans},
    manifest::{Before, Head, KIND, Manifest, PolicyName},
    name::{self, Shelf, packed},
};
use crate::{
    audit::{Deed, Entry},
    epoch::Period,
    error::{Error, Kind},
    key::random,
    output::fresh::discard,
    retention::parse_label,
    seal::{FileKey, Sealer},
    state::{files::names_in, place::Place},
    time::{Date, Timestamp},
};
use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use std::{
    fs::File,
    io::{self, Read, Write},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// A thread that closes what waits in a store, so that no line waits for it.
#[derive(Debug)]
pub struct Closer {
    wake: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    closed: Arc<AtomicU64>,
    said: Arc<Mutex<Option<String>>>,
}

/// What could not be closed is tried again so often.
const TRY_AGAIN: Duration = Duration::from_secs(10);

impl Closer {
    /// Begins with what waits. `clock` says what time it is; `keys` are those of sealed files.
    ///
    /// # Errors
    /// [`Kind::Io`] where no thread can be started.
    pub(super) fn begin(root: &Root, keys: Option<&Keys>, clock: fn() -> Timestamp) -> Result<Closer, Error> {
        let keys = keys.map(Keys::again).transpose().map_err(|error| root.failed("open", &error))?;
        let root = root.again().map_err(|error| root.failed("open", &error))?;
        let (wake, woken) = bounded::<()>(1);
        let (closed, said) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(None)));
        let thread = thread::Builder::new().name("sladd-store".to_owned()).spawn({
            let (closed, said) = (closed.clone(), said.clone());
            move || loop {
                let done = close_all(&root, keys.as_ref(), clock(), &closed);
                let failed = done.is_err();
                *said.lock().unwrap_or_else(PoisonError::into_inner) = done.err().map(|error| error.to_string());
                match woken.recv_timeout(if failed { TRY_AGAIN } else { Duration::MAX }) {
                    Ok(()) | Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => {
                        // What was put aside last.
                        let done = close_all(&root, keys.as_ref(), clock(), &closed);
                        *said.lock().unwrap_or_else(PoisonError::into_inner) =
                            done.err().map(|error| error.to_string());
                        break;
                    }
                }
            }
        });
        let thread = thread.map_err(|error| Error::new(Kind::Io, format!("cannot start: {error}")))?;
        Ok(Closer { wake: Some(wake), thread: Some(thread), closed, said })
    }

    /// There is something to close.
    pub(super) fn wake(&self) {
        if let Some(wake) = &self.wake {
            // One that is asked already is enough.
            let _ = wake.try_send(());
        }
    }

    /// Segments that were closed.
    pub(super) fn closed(&self) -> u64 {
        self.closed.load(Relaxed)
    }

    /// Why something was not closed, since the last call.
    pub(super) fn take_said(&self) -> Option<String> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Closes what waits, and ends.
    pub(super) fn end(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            // What it panicked with was said.
            let _ = thread.join();
        }
    }
}

impl Drop for Closer {
    fn drop(&mut self) {
        self.end();
    }
}

/// Closes all that waits, in the order of the numbers. A file that cannot be closed keeps those behind it waiting: the chain has
/// one order.
pub(super) fn close_all(root: &Root, keys: Option<&Keys>, now: Timestamp, closed: &AtomicU64) -> Result<(), Error> {
    let place = root.room(CLOSING)?;
    let names = names_in(&place).map_err(|error| root.failed("read", &error))?;
    let mut waiting: Vec<(u64, Shelf)> = names.iter().filter_map(|name| Shelf::parse_numbered(name)).collect();
    waiting.sort();
    for (number, shelf) in waiting {
        let lock = root.lock()?;
        if close(root, keys, &place, (number, &shelf), now, &lock)? {
            closed.fetch_add(1, Relaxed);
        }
    }
    Ok(())
}

/// Closes one file; `false` where it was done before, or a sweep took it away.
fn close(
    root: &Root,
    keys: Option<&Keys>,
    closing: &Place,
    (number, shelf): (u64, &Shelf),
    now: Timestamp,
    _: &Lock,
) -> Result<bool, Error> {
    let name = shelf.numbered(number);
    let subject = name::segment(&shelf.label, shelf.day, number);
    let cannot = |error: io::Error| {
        Error::new(
            kind(&error),
            format!("cannot close segment {subject} of the store `{}`: {error}", root.path().display()),
        )
    };
    let Some(source) = file::open(closing, &name).map_err(cannot)? else { return Ok(false) };
    let class = root.room(&shelf.label)?;
    let day = class.room(&shelf.day.to_string(), 0o750)?;
    let head = Head::read(root)?;
    // One that cannot be read, or whose lines are not whole, was never spoken of: it is made again.
    let stands = Manifest::read(&day, number).ok().flatten().filter(|(manifest, _)| is_packed(&day, manifest));
    let is_new = head.last.number < number;
    if is_new {
        let digest = match stands {
            Some((manifest, digest)) if manifest.before == head.last => digest,
            _ => {
                let facts = Facts::read(root, &shelf.policy)?;
                let mut lines = Lines::of(source, shelf, keys).map_err(|error| {
                    Error::new(error.kind(), format!("cannot close segment {subject} of the store: {error}"))
                })?;
                let manifest = pack(&mut lines, &day, (number, shelf), &facts, &head.last).map_err(|error| {
                    // On a full disk what was begun would only be in the way.
                    let _ = discard(&day, &file::new(&packed(number, shelf.key.as_deref())));
                    cannot(error)
                })?;
                let text = manifest.text();
                file::write(&day, &format!("{}.json", name::number(number)), &text).map_err(cannot)?;
                file::digest(&text)
            }
        };
        class.sync().and_then(|()| root.place.sync()).map_err(cannot)?;
        let written = number.to_string();
        let details = [("number", written.as_str()), ("manifest", digest.as_str())];
        root.audit()?.append(now, &Entry { deed: Deed::SegmentClosed, subject: &subject, details: &details })?;
        Head { next: head.next.max(number + 1), last: Before { number, blake3: digest } }.write(root)?;
    } else if stands.is_none() {
        let why = "its number was used, and the segment is not there; the lines stay in `closing`";
        return Err(cannot(io::Error::new(io::ErrorKind::InvalidData, why)));
    }
    discard(closing, &name).and_then(|()| closing.sync()).map_err(cannot)?;
    if let Some(key) = &shelf.key {
        discard_spans(root, key).map_err(cannot)?;
    }
    Ok(is_new)
}

fn is_packed(day: &Place, manifest: &Manifest) -> bool {
    let found = crate::state::files::digest_of(day, manifest.packed().as_ref());
    found.is_ok_and(|found| found == Some((manifest.packed_bytes, manifest.packed_blake3.clone())))
}

/// The lines that are to be packed, and what they are sealed with.
struct Lines {
    from: Box<dyn Read>,
    key: Option<FileKey>,
}

impl Lines {
    fn of(source: File, shelf: &Shelf, keys: Option<&Keys>) -> Result<Lines, Error> {
        let Some(name) = &shelf.key else { return Ok(Lines { from: Box::new(source), key: None }) };
        let why = "it is sealed, and the policy names no file that keys are wrapped with: `wrap` in [keys]";
        let keys = keys.ok_or_else(|| Error::new(Kind::Config, why))?;
        let why = "its key is gone, so that nobody can read it; remove the file in `closing`";
        let key = keys.load(name)?.ok_or_else(|| Error::new(Kind::Data, why))?;
        Ok(Lines { from: Box::new(keys.shown(name, &key, source)?), key: Some(key) })
    }
}

fn pack(
    lines: &mut Lines,
    day: &Place,
    (number, shelf): (u64, &Shelf),
    facts: &Facts,
    before: &Before,
) -> io::Result<Manifest> {
    let unknown = || io::Error::new(io::ErrorKind::InvalidData, "its policy does not know the class");
    let class = facts.class(&shelf.label).ok_or_else(unknown)?;
    let tenant = parse_label(&shelf.label).map(|(tenant, _)| tenant).filter(|tenant| !tenant.is_empty());
    let keep = class.keep().ok_or_else(unknown)?;
    let name = packed(number, shelf.key.as_deref());
    let file = file::begin(day, &name)?;
    let digested = Digested { file: &file, digest: blake3::Hasher::new(), bytes: 0 };
    let out = match &lines.key {
        Some(key) => Out::Sealed(Box::new(key.sealer(random, digested)?)),
        None => Out::Plain(Box::new(digested)),
    };
    let mut packer = zstd::Encoder::new(out, LEVEL)?;
    packer.include_checksum(true)?;
    let mut plain = file::hasher(lines.key.as_ref());
    let (mut records, mut bytes) = (0, 0);
    let mut chunk = vec![0; 128 << 10];
    loop {
        let read = match lines.from.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => &chunk[..read],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        plain.update(read);
        records += memchr::memchr_iter(b'\n', read).count() as u64;
        bytes += read.len() as u64;
        packer.write_all(read)?;
    }
    let Digested { digest, bytes: packed_bytes, .. } = packer.finish()?.finish()?;
    file::end(day, &name, &file)?;
    Ok(Manifest {
        sladd: KIND.to_owned(),
        number,
        tenant: tenant.map(str::to_owned),
        class: class.name.clone(),
        first_day: shelf.day.to_string(),
        last_day: shelf.day.to_string(),
        until: keep.until(shelf.day).map(|day| day.to_string()),
        keep: class.keep.clone(),
        purpose: class.purpose.clone(),
        basis: class.basis.clone(),
        policy: PolicyName { name: facts.name.clone(), version: facts.version, blake3: facts.digest.clone() },
        treatments: facts.treatments.clone(),
        key_epochs: facts.epoch.as_ref().map_or_else(Vec::new, |period| epochs(period, shelf.day)),
        records,
        bytes,
        blake3: plain.finalize().to_hex().to_string(),
        key: shelf.key.as_deref().map(str::to_owned),
        packed_bytes,
        packed_blake3: digest.finalize().to_hex().to_string(),
        before: before.clone(),
    })
}

/// The epochs that a day's records fall under.
fn epochs(period: &str, day: Date) -> Vec<String> {
    let Ok(period) = period.parse::<Period>() else { return Vec::new() };
    let start = day.start();
    let (first, last) = (period.epoch(start), period.epoch(Timestamp(start.0 + crate::time::DAY - 1)));
    (first.0..=last.0).map(|epoch| period.dashed(crate::epoch::Epoch(epoch)).as_str().to_owned()).collect()
}

/// What a segment is packed into.
enum Out<'f> {
    Plain(Box<Digested<'f>>),
    Sealed(Box<Sealer<Digested<'f>>>),
}

impl<'f> Out<'f> {
    fn finish(self) -> io::Result<Digested<'f>> {
        match self {
            Out::Plain(out) => Ok(*out),
            Out::Sealed(out) => out.finish(),
        }
    }
}

impl Write for Out<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Out::Plain(out) => out.write(bytes),
            Out::Sealed(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file with the digest of what was written to it.
struct Digested<'f> {
    file: &'f File,
    digest: blake3::Hasher,
    bytes: u64,
}

impl Write for Digested<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn kind(error: &io::Error) -> Kind {
    match error.kind() {
        io::ErrorKind::PermissionDenied => Kind::Permission,
        io::ErrorKind::InvalidData => Kind::Data,
        _ => Kind::Io,
    }
}

/// What packs logs well at some 300 MB/s.
const LEVEL: i32 = 3;
