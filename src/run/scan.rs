//! `scan`: what identifies people in existing bytes, counted by kind and field, with the first line numbers.
//!
//! Goes in: a file, plain or compressed. Comes out: [`Counts`], which hold no byte of it; a [`Shape`] says of a value only
//! where its letters, digits and separators stood.

use super::witness::{Found, Witness};
use crate::{
    input::unpack::{Fault, Tar, Unpack},
    judge::{Kind, OVERLAP_BYTES, WINDOW_BYTES},
};
use std::{
    collections::BTreeMap,
    io::{self, Read},
    sync::Arc,
};

/// What was found in one input.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// By kind and field, in order.
    pub rows: BTreeMap<(Kind, Option<Arc<str>>), Row>,
    /// Lines read.
    pub lines: u64,
    /// Bytes read, after decompression.
    pub bytes: u64,
}

/// What was found of one kind in one field.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// How often.
    pub hits: u64,
    /// The first lines, from 1, each once.
    pub lines: Vec<u64>,
    /// The first different shapes.
    pub shapes: Vec<Shape>,
}

/// Letters as `x`, digits as `9`, separators as they stand; nothing else of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape(String);

impl Shape {
    /// The shape of a value; of a long one its beginning.
    pub fn of(value: &[u8]) -> Shape {
        let masked = value.iter().take(SHAPE_BYTES).map(|byte| match byte {
            b'0'..=b'9' => '9',
            byte if byte.is_ascii_punctuation() => char::from(*byte),
            b' ' => ' ',
            // Control bytes too: a terminal must not see them.
            _ => 'x',
        });
        Shape(masked.collect())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// So many line numbers and shapes are kept of one kind in one field of one file.
const FIRST_LINES: usize = 10;
const FIRST_SHAPES: usize = 3;
const SHAPE_BYTES: usize = 64;

/// Reads an input to its end. Holds one window of it, however long its lines are.
///
/// # Errors
/// Reading failed, or what is compressed is damaged or cut off; the counts hold what was read before.
/// [`io::ErrorKind::Unsupported`] where it is packed in a way that is not read; the error's text is its name.
pub fn scan(input: impl Read, witness: &mut Witness, counts: &mut Counts) -> io::Result<()> {
    // An archive that is not compressed is text enough, and a scan keeps nothing, however much comes out.
    let mut input = Unpacked(Unpack::new(input, u64::MAX, Tar::Text).map_err(said)?);
    lines(&mut input, witness, counts)?;
    match input.0.junk() {
        None => Ok(()),
        // What stands behind the last member was not read, and may hold anything.
        Some(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "damaged or cut off")),
    }
}

/// What is unpacked, as bytes to read.
struct Unpacked<R: Read>(Unpack<R>);

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(out).map_err(said)
    }
}

fn said(fault: Fault) -> io::Error {
    match fault {
        Fault::Read(error) => error,
        Fault::Unsupported(packing) | Fault::Nested(packing) => {
            io::Error::new(io::ErrorKind::Unsupported, packing.name())
        }
        Fault::Window => io::Error::new(io::ErrorKind::Unsupported, "a window of more than 128 MiB"),
        Fault::Truncated { .. } | Fault::Damaged { .. } | Fault::Bomb { .. } => {
            io::Error::new(io::ErrorKind::InvalidData, "damaged or cut off")
        }
    }
}

/// Cuts bytes into lines, and a line longer than a window into windows that overlap.
fn lines(mut input: impl Read, witness: &mut Witness, counts: &mut Counts) -> io::Result<()> {
    let mut buffer = vec![0; 2 * WINDOW_BYTES];
    let mut filled = 0;
    // Whether the buffer begins inside a line of which windows were read.
    let mut continues = false;
    loop {
        let read = match input.read(&mut buffer[filled..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        counts.bytes += read as u64;
        filled += read;
        let mut start = 0;
        while let Some(length) = memchr::memchr(b'\n', &buffer[start..filled]) {
            counts.line(witness, &buffer[start..start + length], continues);
            continues = false;
            start += length + 1;
        }
        if read == 0 {
            if start < filled {
                counts.line(witness, &buffer[start..filled], continues);
            }
            return Ok(());
        }
        if filled - start > WINDOW_BYTES + 2 * OVERLAP_BYTES {
            let window = &buffer[start..start + WINDOW_BYTES];
            let found = witness.read_window(window, continues, false);
            counts.add(found, window);
            continues = true;
            start += WINDOW_BYTES - 2 * OVERLAP_BYTES;
        }
        buffer.copy_within(start..filled, 0);
        filled -= start;
    }
}

impl Counts {
    /// A whole line, or the last part of a long one.
    fn line(&mut self, witness: &mut Witness, line: &[u8], continues: bool) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if continues {
            let mut at = 0;
            while line.len() - at > WINDOW_BYTES {
                let window = &line[at..at + WINDOW_BYTES];
                self.add(witness.read_window(window, true, false), window);
                at += WINDOW_BYTES - 2 * OVERLAP_BYTES;
            }
            self.add(witness.read_window(&line[at..], true, true), &line[at..]);
        } else {
            witness.learn(line);
            self.add(witness.read(line), line);
        }
        self.lines += 1;
    }

    fn add(&mut self, found: &[Found], text: &[u8]) {
        let number = self.lines + 1;
        for Found { hit, field } in found {
            let row = self.rows.entry((hit.kind, field.clone())).or_default();
            row.hits += 1;
            if row.lines.len() < FIRST_LINES && row.lines.last() != Some(&number) {
                row.lines.push(number);
            }
            if row.shapes.len() < FIRST_SHAPES {
                let shape = Shape::of(&text[hit.start..hit.end]);
                if !row.shapes.contains(&shape) {
                    row.shapes.push(shape);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn counts(bytes: &[u8]) -> io::Result<Counts> {
        let mut counts = Counts::default();
        scan(bytes, &mut Witness::new(None, &[]).unwrap(), &mut counts)?;
        Ok(counts)
    }

    fn found(counts: &Counts) -> Vec<(Kind, u64, Vec<u64>)> {
        counts.rows.iter().map(|((kind, _), row)| (*kind, row.hits, row.lines.clone())).collect()
    }

    const TEXT: &[u8] = b"a 203.0.113.7\r\n\nkari@example.org and ola@example.org\n203.0.113.9";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
        encoder.include_checksum(true).unwrap();
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn xz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 6);
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn bzip2(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_is_packed_in_another_way_is_refused() {
        for head in [&b"PK\x03\x04\x14\0"[..], b"\x04\x22\x4d\x18\x60", b"\x1f\x9d\x90a"] {
            let error = counts(head).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::Unsupported, "{head:?}");
        }
        for text in [&b"BZh9 203.0.113.7"[..], b"PK 203.0.113.7", b"] 203.0.113.7"] {
            assert_eq!(counts(text).unwrap().rows.len(), 1);
        }
    }

    #[test]
    fn columns_are_attributed_as_the_header_before_them_names_them() {
        let text = b"#Fields: date time c-ip cs-method\n2026-11-21 10:00:00 203.0.113.7 GET\n";
        let mut counts = Counts::default();
        scan(&text[..], &mut Witness::new(None, &["auto".into()]).unwrap(), &mut counts).unwrap();
        assert_eq!(counts.rows.keys().next().unwrap().1.as_deref(), Some("client.address"));
    }

    #[test]
    fn lines_are_counted_by_kind_in_every_packing() {
        let want = [(Kind::Email, 2, vec![3]), (Kind::Ipv4, 2, vec![1, 4])];
        let halves = TEXT.split_at(20);
        let skipped = [&b"\x50\x2a\x4d\x18\x03\0\0\0abc"[..], &zstd(TEXT)].concat();
        for bytes in [
            TEXT.to_vec(),
            gzip(TEXT),
            [gzip(halves.0), gzip(halves.1)].concat(),
            zstd(TEXT),
            [zstd(halves.0), zstd(halves.1)].concat(),
            skipped,
            [xz(halves.0), xz(halves.1)].concat(),
            [bzip2(halves.0), bzip2(halves.1)].concat(),
        ] {
            let counts = counts(&bytes).unwrap();
            assert_eq!((found(&counts), counts.lines, counts.bytes), (want.to_vec(), 4, TEXT.len() as u64));
        }
    }

    #[test]
    fn what_is_cut_off_or_damaged_is_an_error_and_not_a_shorter_log() {
        for bytes in [gzip(TEXT), zstd(TEXT), xz(TEXT), bzip2(TEXT)] {
            for length in [8, bytes.len() / 2, bytes.len() - 1] {
                let error = counts(&bytes[..length]).unwrap_err();
                assert!(error.raw_os_error().is_none(), "{length}");
            }
            let mut bad = bytes.clone();
            let middle = bad.len() / 2;
            bad[middle] ^= 0x55;
            bad[middle + 1] ^= 0xaa;
            assert!(counts(&bad).is_err());
            assert!(counts(&[&bytes[..], b"garbage"].concat()).is_err());
        }
        assert_eq!(counts(b"").unwrap().lines, 0);
        assert_eq!(counts(b"\x1f").unwrap().lines, 1);
    }

    #[test]
    fn lines_of_any_length_are_read_whole() {
        for blanks in (0..3 * WINDOW_BYTES).step_by(7919).chain([WINDOW_BYTES - 8, 10 * WINDOW_BYTES]) {
            let line =
                [&b" ".repeat(blanks)[..], b"kari@example.org", &b" ".repeat(blanks), b"\n203.0.113.7\n"].concat();
            let want = [(Kind::Email, 1, vec![1]), (Kind::Ipv4, 1, vec![2])];
            assert_eq!(found(&counts(&line).unwrap()), want, "{blanks}");
        }
    }

    #[test]
    fn a_shape_holds_nothing_but_the_shape() {
        assert_eq!(Shape::of(b"Kari.N+1@example.org").as_str(), "xxxx.x+9@xxxxxxx.xxx");
        assert_eq!(Shape::of(b"\xc3\xa5\x1b[0m 203.0.113.7").as_str(), "xxx[9x 999.9.999.9");
        assert_eq!(Shape::of(&[b'a'; 500]).as_str().len(), SHAPE_BYTES);
    }
}
