//! How far back what is packed may look: so much memory unpacking it takes. Read from the heads of frames and streams.

use super::packing::Packing;

/// So many bytes of a member tell.
pub const WINDOW_HEAD_BYTES: usize = 64;

/// The window that a member asks for which begins so; 0 where that is little, or where its head does not tell.
pub fn window_bytes(packing: Packing, head: &[u8]) -> u64 {
    match packing {
        Packing::Zstd => zstd(head),
        Packing::Xz => xz(head),
        Packing::Plain
        | Packing::Gzip
        | Packing::Bzip2
        | Packing::Lzma
        | Packing::Lz4
        | Packing::Compress
        | Packing::Zip
        | Packing::SevenZip
        | Packing::Tar
        | Packing::Age
        | Packing::Utf16 => None,
    }
    .unwrap_or(0)
}

/// RFC 8878, 3.1.1.1: a descriptor, then either the window or, in a single segment, the size of all.
fn zstd(head: &[u8]) -> Option<u64> {
    let [0x28, 0xb5, 0x2f, 0xfd, descriptor, rest @ ..] = head else { return None };
    if descriptor & 0x20 == 0 {
        let window = *rest.first()?;
        let base = 1u64 << (10 + (window >> 3));
        return Some(base + base / 8 * u64::from(window & 7));
    }
    let rest = rest.get([0, 1, 2, 4][usize::from(descriptor & 3)]..)?;
    let (size, more) = [(1, 0), (2, 256), (4, 0), (8, 0)][usize::from(descriptor >> 6)];
    let size = rest.get(..size)?.iter().rev().fold(0u64, |sum, &byte| sum << 8 | u64::from(byte));
    size.checked_add(more)
}

/// The dictionary of LZMA2 in the first block of a stream (the .xz file format, 3.1 and 5.3.1).
fn xz(head: &[u8]) -> Option<u64> {
    // Behind the head of the stream, and the size of the block's.
    let (&flags, mut rest) = head.get(13..)?.split_first()?;
    for sizes in [0x40, 0x80] {
        if flags & sizes != 0 {
            number(&mut rest)?;
        }
    }
    for _ in 0..=flags & 3 {
        let (filter, length) = (number(&mut rest)?, number(&mut rest)?);
        let (properties, behind) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        if let (0x21, &[bits]) = (filter, properties) {
            return match bits {
                0..40 => Some(u64::from(2 | bits & 1) << (bits / 2 + 11)),
                40 => Some(u64::from(u32::MAX)),
                _ => None,
            };
        }
        rest = behind;
    }
    None
}

/// A number in groups of seven bits, the lowest first.
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut sum = 0;
    for group in 0..9 {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        sum |= u64::from(byte & 0x7f) << (7 * group);
        if byte & 0x80 == 0 {
            return Some(sum);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use liblzma::stream::{Check, Filters, LzmaOptions, Stream};
    use proptest::prelude::*;
    use std::io::Write as _;

    #[test]
    fn a_frame_of_zstd_says_its_window_or_its_size() {
        // The heads that the tool writes at --zstd=wlog=20, -19, --long=27 and --long=31.
        for (window, log) in [(0x50, 20), (0x68, 23), (0x88, 27), (0xa8, 31)] {
            assert_eq!(window_bytes(Packing::Zstd, &[0x28, 0xb5, 0x2f, 0xfd, 0x04, window, 0x9c]), 1 << log);
        }
        for size in [5, 200, 300, 70_000, 500_000] {
            let frame = zstd::bulk::compress(&vec![b'x'; size], 1).unwrap();
            assert_eq!(window_bytes(Packing::Zstd, &frame), size as u64);
        }
        assert_eq!(window_bytes(Packing::Zstd, b"\x28\xb5\x2f\xfd\x00\xff"), (1 << 41) + (7 << 38));
        assert_eq!(window_bytes(Packing::Zstd, b"\x50\x2a\x4d\x18\x04\x00"), 0);
    }

    #[test]
    fn a_stream_of_xz_says_its_dictionary() {
        for size in [4096, 3 << 19, 8 << 20, 64 << 20, 192 << 20] {
            let mut options = LzmaOptions::new_preset(0).unwrap();
            options.dict_size(size);
            for filters in [Filters::new().lzma2(&options), Filters::new().x86().lzma2(&options)] {
                let stream = Stream::new_stream_encoder(filters, Check::Crc32).unwrap();
                let mut encoder = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
                encoder.write_all(b"line\n").unwrap();
                let stream = encoder.finish().unwrap();
                assert_eq!(window_bytes(Packing::Xz, &stream), u64::from(size));
            }
        }
    }

    proptest! {
        #[test]
        fn no_head_is_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            for mark in [&b"\x28\xb5\x2f\xfd"[..], b"\xfd7zXZ\0"] {
                let head = [mark, &bytes].concat();
                window_bytes(Packing::Zstd, &head);
                window_bytes(Packing::Xz, &head);
            }
        }
    }
}
