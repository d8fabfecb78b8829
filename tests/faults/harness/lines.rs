//! Numbered lines, each with planted identifiers, and the packings they come in.

use std::{
    fs,
    io::{Read, Write},
    path::Path,
    time::{Duration, SystemTime},
};

/// What must not stand in anything that is left behind or said: the planted identifiers, in the spellings they are planted in
/// and in those that a program could turn them into.
pub const CANARIES: [&str; 24] = [
    "198.51.100.77",
    "198-51-100-77",
    "198_51_100_77",
    "198%2E51%2E100%2E77",
    "198%2e51%2e100%2e77",
    "198\\x2e51\\x2e100\\x2e77",
    "%31%39%38.51.100.77",
    "c633:644d",
    "C633:644D",
    "c633644d",
    "3325256781",
    "77.100.51.198",
    "a1b2:c3d4",
    "A1B2:C3D4",
    "e5f6:7788",
    "kari@example",
    "kari%40example",
    "kari\\x40example",
    "- kari",
    "hemmelig",
    "s3cr3t",
    "eyJhbGciOi",
    "4111 1111",
    "5e:10:00:77",
];

/// Line `number`: nobody else's, whatever is taken out of it.
pub fn line(number: usize) -> String {
    let time = format!("[21/Nov/2026:10:{:02}:{:02} +0000]", number / 60 % 60, number % 60);
    match number % 9 {
        3 => format!(
            "2001:db8:77:1234:a1b2:c3d4:e5f6:7788 - - {time} \"GET /a/{number}?ip=0xc633644d&mail=kari%40example.org HTTP/1.1\" 200 {number} \"https://example.org/u?who=kari@example.org\" \"curl/8.5.0\"\n"
        ),
        4 => format!("free text {number}: kari@example.org from 198.51.100.77 said password=hemmelig\n"),
        5 => format!(
            "198.51.100.77 - - {time} \"GET /a/198%2E51%2E100%2E77/198.51.100.77?x=%31%39%38.51.100.77 HTTP/1.1\" 200 {number} \"https://198.51.100.77/x\" \"curl/8.5.0\"\n"
        ),
        6 => format!(
            "free text {number}: peer [::ffff:198.51.100.77]:52100 or ::ffff:c633:644d by 198-51-100-77.dsl.example.net\n"
        ),
        8 => format!(
            "free text {number}: Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJrYXJpIn0.c2lnbmF0dXJlLW9mLWthcmk card 4111 1111 1111 1111 mac 02:00:5e:10:00:77\n"
        ),
        _ => format!(
            "198.51.100.77 - kari{} {time} \"GET /a/{number}?token=s3cr3t-t0ken HTTP/1.1\" 200 {number} \"-\" \"curl/8.5.0\"\n",
            number % 5
        ),
    }
}

/// So many lines, the first with this number.
pub fn lines(from: usize, count: usize) -> Vec<u8> {
    (from..from + count).flat_map(|number| line(number).into_bytes()).collect()
}

/// The numbers of the lines that are whole, in the order they stand, whatever became of them.
pub fn numbers(made: &[u8]) -> Vec<usize> {
    made.split(|&byte| byte == b'\n')
        .filter_map(|line| {
            let line = std::str::from_utf8(line).ok()?;
            let (_, behind) = line.split_once("\" 200 ").or_else(|| line.split_once("free text "))?;
            let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
            behind[..digits].parse().ok()
        })
        .collect()
}

/// Writes a file as old logs are: it is not written any more.
pub fn write_old(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_262_400);
    fs::File::options().append(true).open(path).unwrap().set_modified(old).unwrap();
}

/// How many line feeds there are.
pub fn count(bytes: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', bytes).count()
}

/// What the end of a name says, done to these bytes: packed with gz, zst, bz2 or xz, or not.
pub fn packed(name: &str, bytes: &[u8]) -> Vec<u8> {
    match name.rsplit('.').next() {
        Some("gz") => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Some("zst") => zstd::encode_all(bytes, 1).unwrap(),
        Some("bz2") => {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Some("xz") => {
            let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 0);
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        _ => bytes.to_vec(),
    }
}

/// The way back; all of it, or nothing where it is torn.
pub fn unpacked(name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let read = match name.rsplit('.').next() {
        Some("gz") => flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut out),
        Some("zst") => return zstd::decode_all(bytes).ok(),
        Some("bz2") => bzip2::read::MultiBzDecoder::new(bytes).read_to_end(&mut out),
        Some("xz") => liblzma::read::XzDecoder::new_multi_decoder(bytes).read_to_end(&mut out),
        _ => return Some(bytes.to_vec()),
    };
    read.ok().map(|_| out)
}
