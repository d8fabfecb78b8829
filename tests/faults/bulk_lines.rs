//! F27, F31, F39: what ends a line, lines of another format than was named, lines whose time has come.

use super::harness::{
    SLADD, is_long,
    job::Job,
    lines::{count, line, lines, packed, unpacked},
    often, oracle, program,
};
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Stdio},
};

/// What the pipe makes of these bytes under the job's policy, and its account.
fn pipe(job: &Job, bytes: &[u8], more: &[&str]) -> (Vec<u8>, serde_json::Value) {
    let mut command = Command::new(SLADD);
    command.args(["--policy", "./policy.toml", "--reference-time", "2026-11-21T12:00:00Z", "--summary", "json"]);
    command.args(more).current_dir(job.room()).stdin(Stdio::piped());
    let output = program::fed(&mut command, bytes.to_vec()).end("pipe");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let account = oracle::balanced(&output, "pipe");
    (output.stdout, account)
}

/// F27: a record for each line feed, and one for what stands behind the last, whatever else is in them.
#[test]
fn a_record_is_what_ends_with_a_line_feed_and_nothing_else_ends_one() {
    const BREAKS: [(&str, &[u8]); 16] = [
        ("CR", b"\r"),
        ("CR CR", b"\r\r"),
        ("VT", b"\x0b"),
        ("FF", b"\x0c"),
        ("FS", b"\x1c"),
        ("GS", b"\x1d"),
        ("RS", b"\x1e"),
        ("US", b"\x1f"),
        ("NUL", b"\0"),
        ("EOT", b"\x04"),
        ("SUB", b"\x1a"),
        ("NEL", b"\xc2\x85"),
        ("NEL as one byte", b"\x85"),
        ("U+2028", b"\xe2\x80\xa8"),
        ("U+2029", b"\xe2\x80\xa9"),
        ("LF, too long", b"\xc0\x8a"),
    ];
    let [one, two, three] = [1, 4, 2].map(|number| line(number).trim_end().to_owned().into_bytes());
    let mut cases: Vec<(String, Vec<u8>, usize)> = Vec::new();
    let mut case = |name: String, parts: &[&[u8]], records| cases.push((name, parts.concat(), records));
    for (name, stop) in BREAKS {
        case(format!("{name} in the middle of free text"), &[b"free", stop, b"text 4\n", &one, b"\n"], 2);
        case(format!("{name} between two lines"), &[&one, stop, &two, b"\n", &three, b"\n"], 2);
        case(format!("{name} before the line feed"), &[&one, stop, b"\n", &two, stop, b"\n"], 2);
        case(format!("{name} at the end of the file"), &[&one, b"\n", &two, stop], 2);
        case(format!("{name} alone"), &[stop], 1);
        case(format!("{name} behind the line feed"), &[&one, b"\n", stop, &two, b"\n"], 2);
    }
    case("no byte".to_owned(), &[], 0);
    case("one line feed".to_owned(), &[b"\n"], 1);
    case("empty lines".to_owned(), &[b"\n\n", &one, b"\n\n\n", &two, b"\n\n"], 7);
    case("empty lines with returns".to_owned(), &[b"\r\n\r\n", &one, b"\r\n\r\n"], 4);
    case("LF CR".to_owned(), &[&one, b"\n\r", &two, b"\n\r"], 3);
    case("no end".to_owned(), &[&one, b"\n", &two], 2);
    case("blanks".to_owned(), &[b" \n\t\n", &one, b" \n"], 3);
    case("a byte order mark".to_owned(), &[b"\xef\xbb\xbf", &one, b"\n"], 1);
    // At the end of what is read at once: 256 KiB, and the quarter of it from which a buffer is passed on.
    for end in [64 << 10, 192 << 10, 256 << 10, 512 << 10] {
        for (name, stop) in [("CR LF", &b"\r\n"[..]), ("LF", b"\n")] {
            for off in 0..3 {
                let mut bytes = lines(9, 8000);
                let at = end - off;
                let start = memchr::memrchr(b'\n', &bytes[..at - 200]).unwrap() + 1;
                bytes.truncate(start);
                // Words: neither is too long for the lines around it, nor of any format.
                bytes.resize(at - stop.len(), b'-');
                let records = count(&bytes) + 2;
                case(format!("{name} that ends at {end} less {off}"), &[&bytes, stop, &two, stop], records);
            }
        }
    }
    assert!(cases.len() > 50);
    let job = Job::empty();
    for (number, (_, bytes, _)) in cases.iter().enumerate() {
        job.input(&format!("{number}.log"), bytes);
    }
    let output = job.again(&["--reference-time", "2026-11-21T12:00:00Z", "--summary", "json"]);
    let records: usize = cases.iter().map(|(_, _, records)| records).sum();
    assert_eq!(oracle::balanced(&output, "F27")["lines"], records);
    for (number, (name, bytes, records)) in cases.iter().enumerate() {
        let made = fs::read(job.at("out").join(format!("{number}.log"))).unwrap();
        let (piped, account) = pipe(&job, bytes, &[]);
        assert_eq!(account["lines"], *records, "{name}");
        assert!(made == piped, "{name}: bulk and pipe differ");
        assert_eq!(count(&made) + usize::from(!made.is_empty() && !made.ends_with(b"\n")), *records, "{name}");
        oracle::clean("made", &made, name);
        let ends = made.iter().enumerate().filter(|(_, byte)| **byte == b'\r');
        ends.for_each(|(at, _)| assert_eq!(made.get(at + 1), Some(&b'\n'), "{name}: a return in the middle"));
    }
    println!("F27: {} cases", cases.len());
}

/// Formats that fit no line of any sample but those of their own kind, with those. (`cri`, `syslog`, `docker` and
/// `journald` are what stands around lines of any format.)
const FORMATS: [(&str, &[&str]); 26] = [
    ("combined", &["nginx-combined", "apache", "combined", "lighttpd", "ingress", "traefik", "nginx-custom"]),
    ("common", &["nginx-combined", "apache", "combined", "lighttpd", "ingress", "traefik", "nginx-custom"]),
    ("vhost_combined", &["apache-vhost"]),
    ("vhost_common", &["apache-vhost"]),
    ("json", &["json"]),
    ("nginx_error", &["nginx-error"]),
    ("apache_error", &["apache-error"]),
    ("php_error", &["php-error"]),
    ("php_fpm", &["php-fpm"]),
    ("alb", &["alb"]),
    ("elb", &["elb", "alb"]),
    ("envoy", &["envoy", "istio"]),
    ("istio", &["envoy", "istio"]),
    ("haproxy_http", &["haproxy"]),
    ("haproxy_tcp", &["haproxy"]),
    ("ingress_nginx", &["ingress"]),
    ("s3", &["s3"]),
    ("squid", &["squid"]),
    ("w3c", &["iis", "cloudfront"]),
    ("cef", &["cef"]),
    ("ecs", &["json"]),
    ("gelf", &["json"]),
    ("loki", &["json"]),
    ("otlp", &["json"]),
    ("xferlog", &["xferlog"]),
    ("nginx:$remote_addr [$time_iso8601] $status", &[]),
];

/// F31: the format that is named is not the log's.
#[test]
fn a_log_of_another_kind_than_was_named_stops_before_a_line_of_it_goes_out() {
    let job = Job::empty();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/logs");
    let mut names: Vec<String> =
        fs::read_dir(samples.clone()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    for (number, name) in names.iter().enumerate() {
        let bytes = fs::read(samples.join(name)).unwrap();
        let bytes = [&bytes[..], b"\n"].concat().repeat(12_000 / count(&bytes).max(1) + 1);
        // Half of them packed.
        let name = if number % 2 == 0 { name.clone() } else { format!("{name}.gz") };
        job.input(&name, &packed(&name, &bytes));
    }
    let (mut wrong, mut fitted) = (0, BTreeSet::new());
    for (format, own) in FORMATS.iter().step_by(if is_long() { 1 } else { 7 }) {
        job.forget("out");
        let output = job.again(&["--format", format]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(65), "{format}: {said}");
        for name in &names {
            let written =
                ["", ".gz"].map(|end| format!("{name}{end}")).into_iter().find(|name| job.at("in").join(name).exists());
            let written = written.unwrap();
            let is_own = own.iter().any(|own| name.contains(own));
            let out = job.at("out").join(&written);
            match out.exists() {
                false => {
                    let told = said
                        .lines()
                        .any(|line| line.contains(&format!("/{written}`: ")) && line.contains("do not fit the format"));
                    assert!(told, "{format}: nothing is said of {written}: {said}");
                    wrong += usize::from(!is_own);
                }
                true => {
                    if !is_own {
                        fitted.insert(format!("{format} on {name}"));
                    }
                }
            }
        }
        let left = oracle::tree(&job.at("out/.sladd/tmp"));
        assert!(left.is_empty(), "{format}: {:?}", left.keys());
    }
    println!("F31: {wrong} wrong configurations, each stopped and named");
    assert!(fitted.is_empty(), "went out under a format of another kind: {fitted:?}");
    assert!(wrong >= 50, "{wrong}");
}

/// A record of a day.
type Layout<'a> = &'a dyn Fn(&jiff::civil::Date) -> String;

/// F39: records from 0 to 900 days back, of which those past half a year are due.
#[test]
fn old_records_are_counted_and_left_out_where_that_is_asked_for() {
    let job = Job::empty();
    let today = jiff::civil::date(2026, 11, 21);
    // The class is kept six months: what was written on this day or before is past it.
    let due_by = jiff::civil::date(2026, 5, 21);
    let step = often(30, 1);
    let days: Vec<_> = (0..=900).step_by(step).map(|back| today - jiff::Span::new().days(back as i64)).collect();
    let due = days.iter().filter(|day| **day <= due_by).count();
    assert!(due > 10 && due < days.len());
    let layouts: [(&str, Layout); 4] = [
        ("combined.log", &|day| {
            let time = day.strftime("%d/%b/%Y:10:00:00 +0000");
            format!("198.51.100.77 - - [{time}] \"GET /d/{day} HTTP/1.1\" 200 5 \"-\" \"curl/8.5.0\"\n")
        }),
        ("error.log", &|day| {
            let time = day.strftime("%Y/%m/%d 10:00:00");
            format!(
                "{time} [error] 7#7: *1 open() \"/srv/d/{day}\" failed (2: No such file or directory), client: 198.51.100.77, server: www.example.org, request: \"GET /d/{day} HTTP/1.1\", host: \"www.example.org\"\n"
            )
        }),
        ("json.log", &|day| {
            format!(
                "{{\"time\":\"{day}T10:00:00Z\",\"remote_addr\":\"198.51.100.77\",\"request_uri\":\"/d/{day}\",\"status\":200}}\n"
            )
        }),
        ("syslog.log", &|day| format!("<30>1 {day}T10:00:00Z web app 7 - - client 198.51.100.77 asked for /d/{day}\n")),
    ];
    for (name, layout) in layouts {
        let bytes: Vec<u8> = days.iter().flat_map(|day| layout(day).into_bytes()).collect();
        for name in [name.to_owned(), format!("{name}.gz")] {
            job.forget("in");
            job.input(&name, &packed(&name, &bytes));
            for drop in [false, true] {
                job.forget("out");
                // Without the day it is today's, which is later.
                let more = if drop { &["--drop-due", "--now", "2026-11-21"][..] } else { &[] };
                let output = job.again(&[&["--summary", "json"], more].concat());
                assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
                let account = oracle::balanced(&output, &name);
                let (piped, of_pipe) = pipe(&job, &bytes, more);
                let dropped = if drop { due } else { 0 };
                for account in [&account, &of_pipe] {
                    assert_eq!(account["dropped"], dropped, "{name}");
                    let counted = account["due"].as_u64().unwrap() as usize;
                    assert!(counted == due || !drop && counted > due, "{name}: {counted} of {due}");
                }
                let made = fs::read(job.at("out").join(&name)).unwrap();
                oracle::clean(&name, &made, "due");
                let made = unpacked(&name, &made).unwrap();
                assert!(made == piped, "{name}: bulk and pipe differ");
                let made = String::from_utf8(made).unwrap();
                // A line that goes leaves its end.
                assert_eq!(made.lines().filter(|line| !line.is_empty()).count(), days.len() - dropped, "{name}");
                // The day on which its time has come stands in each tag.
                let late = made.lines().filter_map(|line| {
                    let (_, until) = line.split_once("until")?;
                    let until = until.trim_start_matches(['=', '"', ':', ' ']);
                    Some(until[..10].parse::<jiff::civil::Date>().unwrap())
                });
                let late = late.filter(|until| *until <= today).count();
                assert_eq!(late, due - dropped, "{name}");
            }
        }
    }
    println!("F39: {} days in {} layouts, {due} of them due", days.len(), layouts.len());
}
