//! Whole-process figures of bulk runs beside the tools that people have: `cargo bench --bench front_ends`.
//!
//! Everything happens in one directory on tmpfs (SLADD_BENCH_DIR, default /dev/shm), on a generated log of SLADD_BENCH_MB
//! (default 1024), in SLADD_BENCH_ROUNDS (default 5) rounds in which all commands take turns: medians of wall time and ratios.
//! The sidecar comes first, or alone: `cargo bench --bench front_ends -- sidecar`. How late lines come is also measured on a
//! disk, in SLADD_BENCH_DISK (default /var/tmp), for SLADD_BENCH_SECONDS (default 20).
//! Tools that are not installed (Debian: mawk, perl, rsyslog; `pip install anonip`, on the PATH) are left out, and said so.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "generate.rs"]
mod generate;

#[path = "beside.rs"]
mod beside;

use std::{
    collections::BTreeMap,
    fs,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

/// One command: what it is called, the shell's line, and how many bytes (or files) it works through.
struct Case {
    name: &'static str,
    script: String,
    work: f64,
    unit: &'static str,
}

fn number(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn main() {
    // Asked for by `cargo test --benches`, which wants to see it start and nothing more.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let (megabytes, rounds) = (number("SLADD_BENCH_MB", 1024), number("SLADD_BENCH_ROUNDS", 5));
    let room =
        PathBuf::from(std::env::var("SLADD_BENCH_DIR").unwrap_or_else(|_| "/dev/shm".to_owned())).join("sladd-bench");
    let _ = fs::remove_dir_all(&room);
    fs::create_dir_all(room.join("tiny")).unwrap();
    generate_log(&room.join("log"), megabytes);
    assert!(shell(&room, "gzip -1 -k log"), "gzip packs the log");
    // For those that would take minutes; the last line tells when all came out.
    assert!(shell(&room, &format!("head -c {}M log | sed '$d' > part && echo {LAST} >> part", megabytes.min(PART_MB))));
    fs::write(room.join("rsyslog.conf"), rsyslog(&room)).unwrap();
    let part = fs::metadata(room.join("part")).unwrap().len() as f64;
    for number in 0..10_000 {
        let line = "198.18.0.7 - - [21/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"curl/8.5.0\"\n";
        fs::write(room.join(format!("tiny/{number}.log")), line.repeat(number % 20)).unwrap();
    }
    let seconds = number("SLADD_BENCH_SECONDS", 20);
    beside::throughput(&room, &room.join("log"), &room.join("part"), rounds);
    let disk =
        PathBuf::from(std::env::var("SLADD_BENCH_DISK").unwrap_or_else(|_| "/var/tmp".to_owned())).join("sladd-bench");
    fs::create_dir_all(&disk).unwrap();
    beside::latencies(&[&room, &disk], seconds);
    fs::remove_dir_all(&disk).unwrap();
    beside::idle(&room, 3 * seconds as u64);
    beside::datagrams(&room, &room.join("part"), 5);
    if std::env::args().any(|argument| argument == "sidecar") {
        fs::remove_dir_all(room).unwrap();
        return;
    }
    let bytes = fs::metadata(room.join("log")).unwrap().len() as f64;
    let cases = cases(bytes, part);
    let mut took: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for round in 0..=rounds {
        for (number, case) in cases.iter().enumerate() {
            let _ = fs::remove_dir_all(room.join("out"));
            let _ = fs::remove_file(room.join("copy"));
            let began = Instant::now();
            let done = shell(&room, &case.script);
            let seconds = began.elapsed().as_secs_f64();
            match (round, done) {
                // The first round warms up, and shows what is not installed.
                (0, true) => drop(took.insert(number, Vec::new())),
                (0, false) => println!("left out: {}", case.name),
                (_, true) => took.entry(number).or_default().push(seconds),
                (_, false) => {}
            }
        }
    }
    println!("\n| command | figure | seconds |\n|---|---|---|");
    for (number, seconds) in &mut took {
        seconds.sort_by(f64::total_cmp);
        let Some(median) = seconds.get(seconds.len() / 2) else { continue };
        let case = &cases[*number];
        println!("| {} | {:.0} {} | {median:.3} |", case.name, case.work / median, case.unit);
    }
    fs::remove_dir_all(room).unwrap();
}

fn cases(bytes: f64, part: f64) -> Vec<Case> {
    let sladd = env!("CARGO_BIN_EXE_sladd");
    let bulk = |arguments: &str| format!("{sladd} bulk -q {arguments}");
    let megabytes = |name, script: String| Case { name, script, work: bytes / 1e6, unit: "MB/s" };
    let perl =
        r"perl -pe 's/^(\d+\.\d+\.\d+)\.\d+/$1.0/ or s/^([0-9a-f]+:[0-9a-f]+:[0-9a-f]+):\S+/$1::/' log > /dev/null";
    let sed = r"LC_ALL=C sed -E 's/^([0-9]+\.[0-9]+\.[0-9]+)\.[0-9]+/\1.0/;t;s/^([0-9a-f]+:[0-9a-f]+:[0-9a-f]+):[^ ]+/\1::/' log > /dev/null";
    let mawk = r#"mawk '{ i = index($0, " "); a = substr($0, 1, i - 1); r = substr($0, i); if (match(a, /^[0-9]+\.[0-9]+\.[0-9]+\./)) print substr(a, 1, RLENGTH) "0" r; else if (match(a, /^[0-9a-f]+:[0-9a-f]+:[0-9a-f]+:/)) print substr(a, 1, RLENGTH) ":" r; else print }' log > /dev/null"#;
    vec![
        megabytes("cp", "cp log copy".to_owned()),
        megabytes("wc -l", "wc -l < log".to_owned()),
        megabytes("minimal, to tmpfs", bulk("--policy minimal --out out log")),
        megabytes("minimal, to nothing", bulk("--policy minimal --out - log > /dev/null")),
        megabytes("minimal, one thread, to nothing", bulk("-j1 --policy minimal --out - log > /dev/null")),
        megabytes("hosting, to tmpfs", bulk("--out out log")),
        megabytes("hosting, to nothing", bulk("--out - log > /dev/null")),
        megabytes("hosting, one thread, to nothing", bulk("-j1 --out - log > /dev/null")),
        megabytes(
            "two of hosting, one thread each, side by side (bytes of one)",
            format!("{0} & {0} & wait", bulk("-j1 --out - log > /dev/null")),
        ),
        megabytes("zcat | wc -l", "zcat log.gz | wc -l".to_owned()),
        megabytes("hosting from gz, to nothing", bulk("--out - log.gz > /dev/null")),
        Case { name: "hosting, 10,000 tiny files", script: bulk("--out out tiny"), work: 10_000.0, unit: "files/s" },
        megabytes("mawk, first field", mawk.to_owned()),
        megabytes("sed, first field", sed.to_owned()),
        megabytes("perl, first field", perl.to_owned()),
        Case {
            name: "anonip, first field, of the first 20 MB",
            script: "head -c 20000000 log | anonip --ipv4mask 8 --ipv6mask 80 > /dev/null".to_owned(),
            work: 20.0,
            unit: "MB/s",
        },
        Case {
            name: "hosting, of the first 200 MB at most, to tmpfs",
            script: bulk("--out out part"),
            work: part / 1e6,
            unit: "MB/s",
        },
        Case {
            name: "rsyslog mmanon, imfile to omfile, of the first 200 MB at most, to tmpfs",
            script: RSYSLOG.replace("LAST", LAST),
            work: part / 1e6,
            unit: "MB/s",
        },
    ]
}

/// Of the log, so much for the slowest.
const PART_MB: usize = 200;

/// The last line of that part.
const LAST: &str = "this-is-the-last-line";

/// Starts rsyslog, waits until the last line came out, and stops it, upon which it writes what its workers still hold: with two
/// of them the last line is not always last. It has neither sockets nor ports.
const RSYSLOG: &str = "PATH=$PATH:/usr/sbin; rm -rf rsyslog; mkdir rsyslog
    rsyslogd -n -f $PWD/rsyslog.conf -i $PWD/rsyslog/pid & it=$!
    while kill -0 $it; do
        if [ $(tail -c 4000000 rsyslog/out | grep -c LAST) = 1 ]; then kill $it; wait $it; exit 0; fi
        sleep 0.02
    done; exit 1";

/// A file in, addresses of each line cut as `hosting` cuts them, a file out.
fn rsyslog(room: &Path) -> String {
    let room = room.display();
    format!(
        "global(workDirectory=\"{room}/rsyslog\" maxMessageSize=\"64k\")
module(load=\"imfile\")
module(load=\"mmanon\")
template(name=\"line\" type=\"string\" string=\"%msg%\\n\")
input(type=\"imfile\" file=\"{room}/part\" tag=\"log\" ruleset=\"cut\")
ruleset(name=\"cut\") {{
  action(type=\"mmanon\" ipv4.mode=\"zero\" ipv4.bits=\"8\" ipv6.anonmode=\"zero\" ipv6.bits=\"80\")
  action(type=\"omfile\" file=\"{room}/rsyslog/out\" template=\"line\")
}}
"
    )
}

fn generate_log(path: &Path, megabytes: usize) {
    let mut out = BufWriter::with_capacity(1 << 20, fs::File::create(path).unwrap());
    let mut site = generate::Site::new(145_000);
    let mut line = Vec::new();
    let mut written = 0;
    while written < megabytes * 1_000_000 {
        line.clear();
        site.line(&mut line);
        out.write_all(&line).unwrap();
        written += line.len();
    }
    out.flush().unwrap();
}

/// Whether every part of the line ended well.
fn shell(room: &Path, script: &str) -> bool {
    let mut command = Command::new("bash");
    command.args(["-o", "pipefail", "-c", script]).current_dir(room).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
}
