//! What an input's first bytes say it is, where it is not lines of text: compressed, an archive, or in another encoding.
//!
//! A log begins with none of these marks, and what was packed would pass for text of which nothing is known.

/// How an input is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Not at all, as far as can be told.
    Plain,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// bzip2.
    Bzip2,
    /// xz.
    Xz,
    /// LZMA alone.
    Lzma,
    /// LZ4 frames.
    Lz4,
    /// `compress`.
    Compress,
    /// A zip archive.
    Zip,
    /// A 7z archive.
    SevenZip,
    /// A tar archive, POSIX's or GNU's.
    Tar,
    /// Encrypted by age, or sealed by us.
    Age,
    /// Text in two bytes a character, as PowerShell writes it.
    Utf16,
}

/// So many bytes decide. No mark holds a line feed, so that none is missed because a line is whole before.
pub const MARK_BYTES: usize = AGE.len();

const AGE: &[u8] = b"age-encryption.org/v1";

/// So many say whether it is a tar archive too, whose mark stands behind a file's name.
pub const HEAD_BYTES: usize = 262;

impl Packing {
    /// By the first [`MARK_BYTES`] of the input, or [`HEAD_BYTES`], or by as many as there are.
    pub fn of(head: &[u8]) -> Packing {
        match head {
            [0x1f, 0x8b, ..] => Packing::Gzip,
            [0x1f, 0x9d, ..] => Packing::Compress,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Packing::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0x00, ..] => Packing::Xz,
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..] | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, ..] => {
                Packing::Bzip2
            }
            [0x04, 0x22, 0x4d, 0x18, ..] => Packing::Lz4,
            [b'P', b'K', 0x03, 0x04, ..] | [b'P', b'K', 0x05, 0x06, ..] => Packing::Zip,
            [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Packing::SevenZip,
            [0x5d, 0x00, 0x00, _, _, _, ..] => Packing::Lzma,
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Packing::Utf16,
            [0x20..=0x7e, 0x00, 0x20..=0x7e, 0x00, ..] | [0x00, 0x20..=0x7e, 0x00, 0x20..=0x7e, ..] => Packing::Utf16,
            _ if head.starts_with(AGE) => Packing::Age,
            _ if head.get(257..HEAD_BYTES) == Some(b"ustar") => Packing::Tar,
            _ => Packing::Plain,
        }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Packing::Plain => "plain",
            Packing::Gzip => "gzip",
            Packing::Zstd => "zstd",
            Packing::Bzip2 => "bzip2",
            Packing::Xz => "xz",
            Packing::Lzma => "lzma",
            Packing::Lz4 => "lz4",
            Packing::Compress => "compress",
            Packing::Zip => "zip",
            Packing::SevenZip => "7z",
            Packing::Tar => "tar",
            Packing::Age => "age",
            Packing::Utf16 => "UTF-16",
        }
    }

    /// What makes lines of it.
    fn remedy(self) -> &'static str {
        match self {
            Packing::Plain => "cat access.log",
            Packing::Gzip | Packing::Compress => "zcat access.log.gz",
            Packing::Zstd => "zstdcat access.log.zst",
            Packing::Bzip2 => "bzcat access.log.bz2",
            Packing::Xz | Packing::Lzma => "xzcat access.log.xz",
            Packing::Lz4 => "lz4cat access.log.lz4",
            Packing::Zip => "unzip -p logs.zip",
            Packing::SevenZip => "7z x -so logs.7z",
            Packing::Tar => "tar -xOf logs.tar",
            Packing::Age => "age -d -i identity.txt sealed.age",
            Packing::Utf16 => "iconv -f UTF-16 -t UTF-8 access.log",
        }
    }

    /// Why such an input is not read by `command`, what it is and the remedy; `None` where it is plain.
    pub fn refusal(self, command: &str) -> Option<String> {
        let what = match self {
            Packing::Plain => return None,
            Packing::Utf16 => "text in UTF-16".to_owned(),
            Packing::Age => "encrypted (age)".to_owned(),
            Packing::Zip | Packing::SevenZip | Packing::Tar => format!("an archive ({})", self.name()),
            Packing::Gzip
            | Packing::Zstd
            | Packing::Bzip2
            | Packing::Xz
            | Packing::Lzma
            | Packing::Lz4
            | Packing::Compress => format!("compressed ({})", self.name()),
        };
        Some(format!("standard input is {what}, not lines of a log; unpack it, as in `{} | {command}`", self.remedy()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_input_is_known_by_its_first_bytes() {
        for (head, packing) in [
            (&b"\x1f\x8b\x08\x00\x00\x00"[..], Packing::Gzip),
            (b"\x1f\x8b", Packing::Gzip),
            (b"\x1f\x9d\x90", Packing::Compress),
            (b"\x28\xb5\x2f\xfd\x04\x00", Packing::Zstd),
            (b"\x50\x2a\x4d\x18\x04\x00", Packing::Zstd),
            (b"\xfd7zXZ\0", Packing::Xz),
            (b"BZh91AY&SY", Packing::Bzip2),
            (b"BZh9\x17\x72", Packing::Bzip2),
            (b"PK\x03\x04\x14\0", Packing::Zip),
            (b"7z\xbc\xaf\x27\x1c", Packing::SevenZip),
            (b"\x04\x22\x4d\x18\x64\x40", Packing::Lz4),
            (b"\x5d\0\0\x80\0\xff", Packing::Lzma),
            (b"\xff\xfe1\x009\0", Packing::Utf16),
            (b"\xfe\xff\x001\x009", Packing::Utf16),
            (b"1\x009\x002\0", Packing::Utf16),
            (b"\x001\x009\x002", Packing::Utf16),
        ] {
            assert_eq!(Packing::of(head), packing, "{head:?}");
            assert!(!head[..head.len().min(MARK_BYTES)].contains(&b'\n'));
        }
        for head in [
            &b""[..],
            b"\n",
            b"203.0.",
            b"BZh9 x",
            b"PKI: x",
            b"{\"a\":1",
            b"\xef\xbb\xbf203",
            b"\0\0\0\0\0\0",
            b"\x1f",
            b"]\0",
            b"<34>No",
            b"\xe5 x y ",
        ] {
            assert_eq!(Packing::of(head), Packing::Plain, "{head:?}");
        }
    }

    #[test]
    fn a_tar_archive_is_known_by_its_first_header() {
        let mut head = [0; HEAD_BYTES];
        head[..10].copy_from_slice(b"access.log");
        head[257..].copy_from_slice(b"ustar");
        assert_eq!(Packing::of(&head), Packing::Tar);
        assert_eq!(Packing::of(&head[..261]), Packing::Plain);
        assert_eq!(
            Packing::Tar.refusal("sladd").unwrap(),
            "standard input is an archive (tar), not lines of a log; unpack it, as in `tar -xOf logs.tar | sladd`"
        );
    }

    #[test]
    fn a_refusal_names_the_remedy() {
        assert_eq!(
            Packing::Gzip.refusal("sladd").unwrap(),
            "standard input is compressed (gzip), not lines of a log; unpack it, as in `zcat access.log.gz | sladd`"
        );
        assert_eq!(
            Packing::Zip.refusal("sladd explain --line").unwrap(),
            "standard input is an archive (zip), not lines of a log; unpack it, as in `unzip -p logs.zip | sladd explain --line`"
        );
        assert_eq!(
            Packing::Utf16.refusal("sladd").unwrap(),
            "standard input is text in UTF-16, not lines of a log; unpack it, as in \
             `iconv -f UTF-16 -t UTF-8 access.log | sladd`"
        );
        assert_eq!(Packing::Plain.refusal("sladd"), None);
    }
}
