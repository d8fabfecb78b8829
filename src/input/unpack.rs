//! A file's lines, whatever it is packed in: plain, gzip, zstd, bzip2 and xz, known by content and read as they come.
//!
//! Members, frames and streams that stand one after the other are all read, zeros between and behind them are passed over,
//! and what stands behind the last and is none is noted. What comes out is bounded by a ratio, so that a small file cannot
//! keep us busy for ever.

use super::{
    packing::{HEAD_BYTES, MARK_BYTES, Packing},
    window::{WINDOW_HEAD_BYTES, window_bytes},
};
use crate::error::Kind;
use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;
use liblzma::{bufread::XzDecoder, stream::Stream as XzStream};
use std::{
    fmt,
    io::{self, BufRead, Read},
};
use zstd::stream::read::Decoder as ZstDecoder;

/// Why the bytes of a file end before the file does.
#[derive(Debug)]
pub enum Fault {
    /// The system could not read it.
    Read(io::Error),
    /// It ends in the middle of what is packed, after so many bytes.
    Truncated {
        /// Bytes of the file.
        at: u64,
    },
    /// What is packed is damaged, at or before this byte.
    Damaged {
        /// Bytes of the file.
        at: u64,
    },
    /// More came out of it than is believed.
    Bomb {
        /// Times the bytes that went in.
        ratio: u64,
    },
    /// It is packed in a way that is not read.
    Unsupported(Packing),
    /// What came out of it is packed again.
    Nested(Packing),
    /// Unpacking it takes more memory than a file may have.
    Window,
}

impl Fault {
    /// Whether what came out before is good.
    pub fn has_good_prefix(&self) -> bool {
        match self {
            Fault::Read(_) | Fault::Truncated { .. } | Fault::Damaged { .. } => true,
            Fault::Bomb { .. } | Fault::Unsupported(_) | Fault::Nested(_) | Fault::Window => false,
        }
    }

    /// The kind of error that it is.
    pub fn kind(&self) -> Kind {
        match self {
            Fault::Read(_) => Kind::Io,
            Fault::Truncated { .. }
            | Fault::Damaged { .. }
            | Fault::Bomb { .. }
            | Fault::Unsupported(_)
            | Fault::Nested(_)
            | Fault::Window => Kind::Data,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Read(error) => write!(f, "reading failed: {error}"),
            Fault::Truncated { at } => write!(f, "it ends in the middle, after byte {at}; what came before is read"),
            Fault::Damaged { at } => write!(f, "it is damaged at or before byte {at}; what came before is read"),
            Fault::Bomb { ratio } => {
                write!(f, "it unpacks to more than {ratio} times its size; raise --max-ratio if that is right")
            }
            Fault::Unsupported(Packing::Utf16) => f.write_str("it is text in UTF-16; make it UTF-8 first, with iconv"),
            Fault::Unsupported(Packing::Age) => f.write_str("it is encrypted by age; open it first, with age -d"),
            Fault::Unsupported(packing @ (Packing::Zip | Packing::SevenZip | Packing::Tar)) => {
                write!(f, "it is an archive ({}); unpack it first", packing.name())
            }
            Fault::Unsupported(packing) => {
                write!(f, "it is packed as {}, which is not read; unpack it first", packing.name())
            }
            Fault::Window => {
                let most = WINDOW_BYTES >> 20;
                write!(
                    f,
                    "unpacking it takes a window of more than {most} MiB; unpack it first, with `zstd -d --long=31` or `xz -d`"
                )
            }
            Fault::Nested(Packing::Tar) => f.write_str("it holds an archive (tar); unpack it first"),
            Fault::Nested(packing) => {
                write!(f, "what is packed in it is packed again ({}); unpack it first", packing.name())
            }
        }
    }
}

/// What becomes of a tar archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tar {
    /// It is refused: its headers are no lines.
    Refused,
    /// It is read as text.
    Text,
}

/// The lines of one file.
pub struct Unpack<R: Read> {
    packing: Packing,
    /// `None` once it has ended.
    state: Option<Member<Source<R>>>,
    /// Bytes of the file at the end.
    ended_at: u64,
    out: u64,
    max_ratio: u64,
    tar: Tar,
    /// The largest window of all members so far.
    window: u64,
    junk: Option<u64>,
    /// Met while the first bytes were looked at.
    pending: Option<Fault>,
}

impl<R: Read> fmt::Debug for Unpack<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unpack").field("packing", &self.packing).field("out", &self.out).finish_non_exhaustive()
    }
}

/// What is read just now.
enum Member<B: BufRead> {
    Plain(B),
    Gzip(Box<GzDecoder<B>>),
    Zstd(Box<ZstDecoder<'static, B>>),
    Bzip2(Box<BzDecoder<B>>),
    Xz(Box<XzDecoder<B>>),
}

impl<R: Read> Unpack<R> {
    /// Looks at the first bytes. Beyond 64 MiB no more than `max_ratio` times what went in may come out.
    ///
    /// # Errors
    /// [`Fault::Read`], [`Fault::Unsupported`], [`Fault::Window`]
    pub fn new(input: R, max_ratio: u64, tar: Tar) -> Result<Unpack<R>, Fault> {
        let mut source = Source::new(input);
        let packing = match (Packing::of(source.peek(HEAD_BYTES).map_err(Fault::Read)?), tar) {
            (Packing::Tar, Tar::Text) => Packing::Plain,
            (packing, Tar::Refused | Tar::Text) => packing,
        };
        let (state, window) = Member::begin(packing, source)?;
        Ok(Unpack {
            packing,
            state: Some(state),
            ended_at: 0,
            out: 0,
            max_ratio,
            tar,
            window,
            junk: None,
            pending: None,
        })
    }

    /// So far back what is packed looks: so much memory it takes, beside some little.
    pub fn window_bytes(&self) -> u64 {
        self.window
    }

    /// How the file is packed.
    pub fn packing(&self) -> Packing {
        self.packing
    }

    /// Bytes of the file that were read.
    pub fn position(&mut self) -> u64 {
        self.state.as_mut().map_or(self.ended_at, |member| member.source().position())
    }

    /// Where something stood behind the last packed member that is none itself: the byte of the file.
    pub fn junk(&self) -> Option<u64> {
        self.junk
    }

    /// Reads into `out`, which holds at least [`HEAD_BYTES`]. `Ok(0)` is the end.
    ///
    /// # Errors
    /// Any [`Fault`] but [`Fault::Unsupported`]; what came before it was good.
    pub fn read(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        if let Some(fault) = self.pending.take() {
            self.state = None;
            return Err(fault);
        }
        if self.out > 0 || self.packing == Packing::Plain {
            return self.some(out);
        }
        // What the first bytes say is asked of as many as decide.
        let mut filled = 0;
        while filled < HEAD_BYTES.min(out.len()) {
            match self.some(&mut out[filled..]) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(fault) if filled > 0 => {
                    self.pending = Some(fault);
                    break;
                }
                Err(fault) => return Err(fault),
            }
        }
        match Packing::of(&out[..filled]) {
            Packing::Plain => Ok(filled),
            Packing::Tar if self.tar == Tar::Text => Ok(filled),
            packing => Err(Fault::Nested(packing)),
        }
    }

    fn some(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        while let Some(member) = &mut self.state {
            let read = member.read(out);
            let at = member.source().position();
            match read {
                Ok(0) => self.next()?,
                Ok(n) => {
                    self.out += n as u64;
                    let most = at.max(1).saturating_mul(self.max_ratio).max(FREE_BYTES);
                    if self.packing != Packing::Plain && self.out > most {
                        return Err(Fault::Bomb { ratio: self.max_ratio });
                    }
                    return Ok(n);
                }
                Err(error) => {
                    return Err(match member.source().failed.take() {
                        Some(error) => Fault::Read(error),
                        None if is_of_memory(&error) => Fault::Window,
                        None if error.kind() == io::ErrorKind::UnexpectedEof => Fault::Truncated { at },
                        None if member.source().is_at_end() && error.kind() == io::ErrorKind::Interrupted => {
                            Fault::Truncated { at }
                        }
                        None => Fault::Damaged { at },
                    });
                }
            }
        }
        Ok(0)
    }

    /// Behind a member: begins the next one, or ends.
    fn next(&mut self) -> Result<(), Fault> {
        let Some(member) = self.state.take() else { return Ok(()) };
        let mut source = member.into_source();
        if self.packing != Packing::Plain {
            source.skip_zeros().map_err(Fault::Read)?;
            let at = source.position();
            let head = source.peek(MARK_BYTES).map_err(Fault::Read)?;
            match head {
                [] => {}
                head if Packing::of(head) == self.packing => {
                    let (state, window) = Member::begin(self.packing, source)?;
                    self.state = Some(state);
                    self.window = self.window.max(window);
                    return Ok(());
                }
                _ => self.junk = Some(at),
            }
        }
        self.ended_at = source.position();
        Ok(())
    }
}

/// Whether a decoder stopped because of the memory that it would have taken.
fn is_of_memory(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<liblzma::stream::Error>());
    inner == Some(&liblzma::stream::Error::MemLimit)
}

impl<R: Read> Member<Source<R>> {
    /// The member that begins here, and the window that it asks for.
    fn begin(packing: Packing, mut source: Source<R>) -> Result<(Member<Source<R>>, u64), Fault> {
        let window = window_bytes(packing, source.peek(WINDOW_HEAD_BYTES).map_err(Fault::Read)?);
        if window > WINDOW_BYTES {
            return Err(Fault::Window);
        }
        let member = match packing {
            Packing::Plain => Member::Plain(source),
            Packing::Gzip => Member::Gzip(Box::new(GzDecoder::new(source))),
            Packing::Zstd => {
                let decoder = ZstDecoder::with_buffer(source).map_err(Fault::Read)?;
                Member::Zstd(Box::new(decoder.single_frame()))
            }
            Packing::Bzip2 => Member::Bzip2(Box::new(BzDecoder::new(source))),
            Packing::Xz => {
                // Later blocks may ask for more than the first.
                let most = WINDOW_BYTES + XZ_BESIDE_BYTES;
                let stream = XzStream::new_stream_decoder(most, 0).map_err(|error| Fault::Read(error.into()))?;
                Member::Xz(Box::new(XzDecoder::new_stream(source, stream)))
            }
            Packing::Lzma
            | Packing::Lz4
            | Packing::Compress
            | Packing::Zip
            | Packing::SevenZip
            | Packing::Tar
            | Packing::Age
            | Packing::Utf16 => return Err(Fault::Unsupported(packing)),
        };
        Ok((member, window))
    }

    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Member::Plain(source) => source.read(out),
            Member::Gzip(decoder) => decoder.read(out),
            Member::Zstd(decoder) => decoder.read(out),
            Member::Bzip2(decoder) => decoder.read(out),
            Member::Xz(decoder) => decoder.read(out),
        }
    }

    fn source(&mut self) -> &mut Source<R> {
        match self {
            Member::Plain(source) => source,
            Member::Gzip(decoder) => decoder.get_mut(),
            Member::Zstd(decoder) => decoder.get_mut(),
            Member::Bzip2(decoder) => decoder.get_mut(),
            Member::Xz(decoder) => decoder.get_mut(),
        }
    }

    fn into_source(self) -> Source<R> {
        match self {
            Member::Plain(source) => source,
            Member::Gzip(decoder) => decoder.into_inner(),
            Member::Zstd(decoder) => decoder.finish(),
            Member::Bzip2(decoder) => decoder.into_inner(),
            Member::Xz(decoder) => decoder.into_inner(),
        }
    }
}

/// The bytes of the file, with a look at those that come next.
struct Source<R> {
    input: R,
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
    /// Bytes of the file before `start`.
    taken: u64,
    ended: bool,
    /// What the system said last; decoders hide it.
    failed: Option<io::Error>,
}

impl<R: Read> Source<R> {
    fn new(input: R) -> Source<R> {
        let bytes = vec![0; SOURCE_BYTES].into_boxed_slice();
        Source { input, bytes, start: 0, end: 0, taken: 0, ended: false, failed: None }
    }

    fn position(&self) -> u64 {
        self.taken
    }

    fn is_at_end(&self) -> bool {
        self.ended && self.start == self.end
    }

    /// The next `n` bytes, or as many as there are. `n` is small.
    fn peek(&mut self, n: usize) -> io::Result<&[u8]> {
        while self.end - self.start < n && !self.ended {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            self.fill()?;
        }
        Ok(&self.bytes[self.start..self.end.min(self.start + n)])
    }

    fn fill(&mut self) -> io::Result<()> {
        match self.input.read(&mut self.bytes[self.end..]) {
            Ok(n) => {
                self.end += n;
                self.ended = n == 0;
                Ok(())
            }
            Err(error) => {
                self.failed = Some(io::Error::from(error.kind()));
                Err(error)
            }
        }
    }

    fn skip_zeros(&mut self) -> io::Result<()> {
        loop {
            let buffered = self.fill_buf()?;
            let zeros = buffered.iter().take_while(|&&byte| byte == 0).count();
            let more = zeros > 0 && zeros == buffered.len();
            self.consume(zeros);
            if !more {
                return Ok(());
            }
        }
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        // What is plain goes straight to where it is wanted.
        if self.start == self.end && out.len() >= SOURCE_BYTES / 2 && !self.ended {
            let n = self.input.read(out)?;
            self.taken += n as u64;
            self.ended = n == 0 && !out.is_empty();
            return Ok(n);
        }
        let buffered = self.fill_buf()?;
        let n = buffered.len().min(out.len());
        out[..n].copy_from_slice(&buffered[..n]);
        self.consume(n);
        Ok(n)
    }
}

impl<R: Read> BufRead for Source<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end && !self.ended {
            (self.start, self.end) = (0, 0);
            self.fill()?;
        }
        Ok(&self.bytes[self.start..self.end])
    }

    fn consume(&mut self, n: usize) {
        self.start += n;
        self.taken += n as u64;
    }
}

/// Read from the file at once where it is packed.
const SOURCE_BYTES: usize = 64 * 1024;

/// No file may look back further: `zstd --long` and `xz -9` do not.
const WINDOW_BYTES: u64 = 128 << 20;

/// What unpacking xz takes beside its dictionary.
const XZ_BESIDE_BYTES: u64 = 1 << 20;

/// So much may come out of any file.
const FREE_BYTES: u64 = 64 << 20;

/// What a log is packed by, at most: lines that repeat give 10 to 100 times.
pub const MAX_RATIO: u64 = 400;
