//! The sidecar from outside: what a followed byte costs, how late a line comes, what waiting costs; beside what people have.

use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom, Write},
    net::UdpSocket,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A process and the directory that it works in.
struct Process {
    child: Child,
}

impl Process {
    fn start(command: &mut Command) -> Option<Process> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        Some(Process { child })
    }

    /// What all its threads used of processors: user and system.
    fn used(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let of = |path: PathBuf| -> u64 {
            let text = fs::read_to_string(path.join("schedstat")).unwrap_or_default();
            text.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
        };
        Duration::from_nanos(tasks.flatten().map(|task| of(task.path())).sum())
    }

    fn is_over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    fn end(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        self.child.wait().unwrap();
    }
}

/// Lines of a file that grows.
struct Grown {
    path: PathBuf,
    at: u64,
    lines: usize,
    chunk: Vec<u8>,
}

impl Grown {
    fn new(path: &Path) -> Grown {
        Grown { path: path.to_owned(), at: 0, lines: 0, chunk: vec![0; 1 << 20] }
    }

    fn lines(&mut self) -> usize {
        let Ok(mut file) = File::open(&self.path) else { return 0 };
        file.seek(SeekFrom::Start(self.at)).unwrap();
        loop {
            let n = file.read(&mut self.chunk).unwrap();
            if n == 0 {
                return self.lines;
            }
            self.at += n as u64;
            self.lines += memchr::memchr_iter(b'\n', &self.chunk[..n]).count();
        }
    }
}

fn sidecar(room: &Path, followed: &Path, policy: &str) -> Process {
    let _ = fs::remove_dir_all(room);
    fs::create_dir_all(room.join("out")).unwrap();
    let text = format!(
        "base = \"{policy}\"\nname = \"bench\"\nversion = 1\n[state]\ndirectory = \"{0}/state\"\n[[input]]\nfollow = [\"{1}\"]\n[[output]]\nfile = \"{0}/out/log\"\n",
        room.display(),
        followed.display()
    );
    fs::write(room.join("policy.toml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sladd"));
    command.args(["sidecar", "-q", "--policy"]).arg(room.join("policy.toml"));
    Process::start(&mut command).unwrap()
}

/// Another, with a configuration of its own; `None` where it is not installed.
fn rsyslog(room: &Path, followed: &Path) -> Option<Process> {
    let _ = fs::remove_dir_all(room);
    fs::create_dir_all(room.join("out")).unwrap();
    let text = format!(
        "global(workDirectory=\"{0}\" maxMessageSize=\"64k\")
module(load=\"imfile\")
module(load=\"mmanon\")
template(name=\"line\" type=\"string\" string=\"%msg%\\n\")
input(type=\"imfile\" file=\"{1}\" tag=\"log\" ruleset=\"cut\")
ruleset(name=\"cut\") {{
  action(type=\"mmanon\" ipv4.mode=\"zero\" ipv4.bits=\"8\" ipv6.anonmode=\"zero\" ipv6.bits=\"80\")
  action(type=\"omfile\" file=\"{0}/out/log\" template=\"line\")
}}
",
        room.display(),
        followed.display()
    );
    fs::write(room.join("rsyslog.conf"), text).unwrap();
    let mut command = Command::new("/usr/sbin/rsyslogd");
    command.arg("-n").arg("-f").arg(room.join("rsyslog.conf")).arg("-i").arg(room.join("pid"));
    Process::start(&mut command)
}

/// Debian's cannot be installed beside its rsyslog: SLADD_SYSLOG_NG names a directory that it was unpacked to.
fn syslog_ng(room: &Path, followed: &Path) -> Option<Process> {
    let root = std::env::var("SLADD_SYSLOG_NG").unwrap_or_default();
    let _ = fs::remove_dir_all(room);
    fs::create_dir_all(room.join("out")).unwrap();
    let text = format!(
        "@version: 3.38
options {{ stats-freq(0); flush-lines(100); log-msg-size(65536); keep-hostname(yes); use-dns(no); }};
source s {{ file(\"{1}\" flags(no-parse) follow-freq(0.001)); }};
rewrite cut4 {{ subst(\"\\\\b([0-9]{{1,3}}\\\\.[0-9]{{1,3}}\\\\.[0-9]{{1,3}})\\\\.[0-9]{{1,3}}\\\\b\", \"$1.0\", value(\"MESSAGE\"), type(pcre), flags(\"global\")); }};
rewrite cut6 {{ subst(\"\\\\b([0-9a-f]{{1,4}}:[0-9a-f]{{1,4}}:[0-9a-f]{{1,4}}):[0-9a-f:]+\", \"$1::\", value(\"MESSAGE\"), type(pcre), flags(\"global\")); }};
destination d {{ file(\"{0}/out/log\" template(\"$MESSAGE\\n\")); }};
log {{ source(s); rewrite(cut4); rewrite(cut6); destination(d); }};
",
        room.display(),
        followed.display()
    );
    fs::write(room.join("syslog-ng.conf"), text).unwrap();
    let mut command = Command::new(format!("{root}/usr/sbin/syslog-ng"));
    if !root.is_empty() {
        command.env("LD_LIBRARY_PATH", format!("{root}/usr/lib/syslog-ng:{root}/usr/lib/x86_64-linux-gnu"));
        command.arg(format!("--module-path={root}/usr/lib/syslog-ng/3.38"));
    }
    command.args(["-F", "--no-caps", "-f"]).arg(room.join("syslog-ng.conf"));
    for (option, name) in [("-R", "persist"), ("-p", "pid"), ("-c", "ctl")] {
        command.arg(option).arg(room.join(name));
    }
    Process::start(&mut command)
}

/// Processor time and wall time until so many lines came out.
fn cost(process: Option<Process>, output: &Path, wanted: usize) -> Option<(f64, f64)> {
    let (mut process, began) = (process?, Instant::now());
    let mut grown = Grown::new(output);
    while grown.lines() < wanted {
        if process.is_over() || began.elapsed() > Duration::from_secs(300) {
            return None;
        }
        thread::sleep(Duration::from_millis(2));
    }
    let figures = (process.used().as_secs_f64(), began.elapsed().as_secs_f64());
    process.end();
    Some(figures)
}

/// A log that is there is followed to its end: MB per second of processor time, and of wall time.
pub fn throughput(room: &Path, log: &Path, part: &Path, rounds: usize) {
    let count = |path: &Path| memchr::memchr_iter(b'\n', &fs::read(path).unwrap()).count();
    let (lines, part_lines) = (count(log), count(part));
    let size = |path: &Path| fs::metadata(path).unwrap().len() as f64 / 1e6;
    let at = room.join("beside");
    let output = at.join("out/log");
    type Start<'a> = Box<dyn Fn() -> Option<Process> + 'a>;
    let cases: [(&str, f64, usize, Start); 5] = [
        ("sidecar, hosting", size(log), lines, Box::new(|| Some(sidecar(&at, log, "hosting")))),
        ("sidecar, minimal", size(log), lines, Box::new(|| Some(sidecar(&at, log, "minimal")))),
        ("sidecar, hosting, of the part", size(part), part_lines, Box::new(|| Some(sidecar(&at, part, "hosting")))),
        ("rsyslog imfile, mmanon, omfile, of the part", size(part), part_lines, Box::new(|| rsyslog(&at, part))),
        ("syslog-ng, two substitutions, of the part", size(part), part_lines, Box::new(|| syslog_ng(&at, part))),
    ];
    println!("\n| file to file | MB per CPU-second | MB/s | from to |\n|---|---|---|---|");
    let mut found: Vec<Vec<(f64, f64)>> = cases.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for ((_, megabytes, wanted, start), found) in cases.iter().zip(&mut found) {
            found.extend(cost(start(), &output, *wanted).map(|(cpu, wall)| (megabytes / cpu, megabytes / wall)));
        }
    }
    for ((name, _, _, _), found) in cases.iter().zip(&mut found) {
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        match found.get(found.len() / 2) {
            Some((cpu, wall)) => {
                println!("| {name} | {cpu:.0} | {wall:.0} | {:.0} {:.0} |", found[0].0, found[found.len() - 1].0);
            }
            None => println!("left out: {name}"),
        }
    }
}

/// How late lines come out that are written at a steady rate: in milliseconds, at the median, at 99 and 99.9 %, and at most.
fn latency(process: Option<Process>, followed: &Path, output: &Path, per_second: usize, seconds: usize) {
    let Some(mut process) = process else { return println!("left out") };
    let line = b"198.18.7.9 - - [21/Nov/2026:10:00:00 +0000] \"GET /a/b.html?page=2 HTTP/1.1\" 200 5120 \"https://example.org/x\" \"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\"\n";
    let per_tick = per_second / 1_000;
    let tick = line.repeat(per_tick);
    let mut file = File::options().append(true).create(true).open(followed).unwrap();
    // It is ready when the first line is out.
    file.write_all(line).unwrap();
    let mut grown = Grown::new(output);
    while grown.lines() < 1 {
        if process.is_over() {
            return println!("left out");
        }
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(Duration::from_secs(1));
    let (before, began, ticks) = (process.used(), Instant::now(), seconds * 1_000);
    let writer = thread::spawn(move || {
        let mut written = Vec::with_capacity(ticks);
        for number in 0..ticks {
            let due = Duration::from_millis(number as u64);
            thread::sleep(due.saturating_sub(began.elapsed()));
            file.write_all(&tick).unwrap();
            written.push(began.elapsed());
        }
        written
    });
    let mut seen: Vec<Duration> = Vec::with_capacity(ticks);
    while seen.len() < ticks && began.elapsed() < Duration::from_secs(seconds as u64 + 30) {
        let whole = (grown.lines() - 1) / per_tick;
        let now = began.elapsed();
        seen.resize(whole.max(seen.len()), now);
        thread::sleep(Duration::from_micros(100));
    }
    let cpu = (process.used() - before).as_secs_f64() / began.elapsed().as_secs_f64();
    let written = writer.join().unwrap();
    let mut late: Vec<f64> =
        written.iter().zip(&seen).map(|(written, seen)| seen.saturating_sub(*written).as_secs_f64() * 1e3).collect();
    let missing = ticks - late.len();
    late.sort_by(f64::total_cmp);
    let at = |part: f64| late[((late.len() - 1) as f64 * part) as usize];
    println!(
        "p50 {:.2} ms, p90 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms, at most {:.2} ms; {:.0} % of a processor{}",
        at(0.5),
        at(0.9),
        at(0.99),
        at(0.999),
        at(1.0),
        cpu * 100.0,
        if missing > 0 { format!("; {missing} MILLISECONDS NEVER CAME") } else { String::new() }
    );
    process.end();
}

/// Lines that come while we look: how late they are, on tmpfs and on a disk.
pub fn latencies(rooms: &[&Path], seconds: usize) {
    for room in rooms {
        let (at, followed) = (room.join("beside"), room.join("followed"));
        let output = at.join("out/log");
        for (name, rate) in [("sidecar", 100_000), ("sidecar", 10_000), ("rsyslog", 100_000), ("syslog-ng", 100_000)] {
            let _ = fs::remove_file(&followed);
            File::create(&followed).unwrap();
            print!("latency in {}, {name}, {rate} lines/s: ", room.display());
            let process = match name {
                "sidecar" => Some(sidecar(&at, &followed, "hosting")),
                "rsyslog" => rsyslog(&at, &followed),
                _ => syslog_ng(&at, &followed),
            };
            latency(process, &followed, &output, rate, seconds);
        }
        let _ = fs::remove_dir_all(&at);
        let _ = fs::remove_file(&followed);
    }
}

/// What waiting for lines that do not come costs.
pub fn idle(room: &Path, seconds: u64) {
    let (at, followed) = (room.join("beside"), room.join("followed"));
    fs::write(&followed, "198.18.7.9 - - [21/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\"\n").unwrap();
    let process = sidecar(&at, &followed, "hosting");
    let mut grown = Grown::new(&at.join("out/log"));
    while grown.lines() < 1 {
        thread::sleep(Duration::from_millis(1));
    }
    // Its checkpoints are made.
    thread::sleep(Duration::from_secs(3));
    let before = process.used();
    thread::sleep(Duration::from_secs(seconds));
    let used = process.used() - before;
    println!("idle: {:.3} % of a processor over {seconds} s", used.as_secs_f64() / seconds as f64 * 100.0);
    process.end();
    let _ = fs::remove_dir_all(&at);
}

/// Datagrams at a steady rate, of the log's lines behind a header as nginx writes it: how many came out, what it cost.
pub fn datagrams(room: &Path, log: &Path, seconds: usize) {
    let at = room.join("beside");
    let text = fs::read(log).unwrap();
    let lines: Vec<Vec<u8>> = text
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty() && line.len() < 1_000)
        .take(100_000)
        .map(|line| [b"<190>Nov 21 10:00:00 web nginx: ", line].concat())
        .collect();
    println!("\n| syslog by UDP to file, hosting: datagrams/s sent | lost | processors used |\n|---|---|---|");
    for rate in [100_000, 200_000, 300_000, 400_000, 500_000] {
        let _ = fs::remove_dir_all(&at);
        fs::create_dir_all(at.join("out")).unwrap();
        let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let policy = format!(
            "base = \"hosting\"\nname = \"bench\"\nversion = 1\n[state]\ndirectory = \"{0}/state\"\n[[input]]\nsyslog = \"udp:127.0.0.1:{port}\"\n[[output]]\nfile = \"{0}/out/log\"\n",
            at.display()
        );
        fs::write(at.join("policy.toml"), policy).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sladd"));
        command.args(["sidecar", "-q", "--policy"]).arg(at.join("policy.toml"));
        let process = Process::start(&mut command).unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(("127.0.0.1", port)).unwrap();
        let mut grown = Grown::new(&at.join("out/log"));
        while grown.lines() == 0 {
            // Refused until somebody listens.
            let _ = socket.send(&lines[0]);
            thread::sleep(Duration::from_millis(20));
        }
        thread::sleep(Duration::from_millis(500));
        let (first, before, began) = (grown.lines(), process.used(), Instant::now());
        let total = rate * seconds;
        for number in 0..total {
            if number % 50 == 0 {
                let due = Duration::from_secs_f64(number as f64 / rate as f64);
                while began.elapsed() < due {
                    std::hint::spin_loop();
                }
            }
            let _ = socket.send(&lines[number % lines.len()]);
        }
        let took = began.elapsed().as_secs_f64();
        let used = (process.used() - before).as_secs_f64() / took;
        let mut came = grown.lines();
        loop {
            thread::sleep(Duration::from_millis(500));
            let now = grown.lines();
            if now == came {
                break;
            }
            came = now;
        }
        println!("| {:.0} | {} | {used:.2} |", total as f64 / took, total - (came - first).min(total));
        process.end();
    }
    let _ = fs::remove_dir_all(&at);
}
